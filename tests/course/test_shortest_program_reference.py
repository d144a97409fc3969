"""The shortest-program reference against things that other people wrote or published."""

import itertools
import json
import lzma
import random
from collections import deque
from fractions import Fraction
from math import comb, log2

import numpy as np
import pytest

from squeeze import shortest_program as course

# The first terms of sequences of the On-Line Encyclopedia of Integer Sequences, with an expression for each.
OEIS = {
    "A000290": ("nn*", [0, 1, 4, 9, 16, 25, 36, 49, 64, 81, 100]),
    "A000217": ("an+", [0, 1, 3, 6, 10, 15, 21, 28, 36, 45, 55]),
    "A000045": ("ab+", [0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89]),
    "A000079": ("aa+", [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]),
    "A000129": ("aa+b+", [0, 1, 2, 5, 12, 29, 70, 169, 408, 985]),
    "A001045": ("abb++", [0, 1, 1, 3, 5, 11, 21, 43, 85, 171]),
    "A000330": ("ann*+", [0, 1, 5, 14, 30, 55, 91, 140, 204]),
    "A000142": ("an*", [1, 1, 2, 6, 24, 120, 720, 5040]),
    "A000578": ("nn*n*", [0, 1, 8, 27, 64, 125, 216]),
    "A105870": ("ab+7%", [0, 1, 1, 2, 3, 5, 1, 6, 0, 6, 6, 5, 4, 2, 6, 1]),
}


WRAPPED = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.floor_divide,
    "%": np.mod,
    "^": np.bitwise_xor,
}


def dispatch(program, steps, size):
    """Run a program on a machine of another build, with a window on a NumPy array for its stack."""
    stack, output = np.zeros(steps + 8, np.uint32), []
    low, high = 0, 0  # the stack lies between these

    def take():
        nonlocal high
        if high > low:
            high -= 1
            return int(stack[high])
        return 0

    def put(number):
        nonlocal high
        stack[high] = number & 0xFFFFFFFF
        high += 1

    opened, partners = [], {}
    for place, letter in enumerate(program):
        if letter == "[":
            opened.append(place)
        if letter == "]" and opened:
            partners[place] = opened.pop()
            partners[partners[place]] = place
    place = used = 0
    while place < len(program) and used < steps and len(output) < size:
        letter, place, used = program[place], place + 1, used + 1
        match letter:
            case "0" | "1" | "2":
                put(ord(letter) - 48)
            case "d":
                put(int(stack[high - 1]) if high > low else 0)
            case "p":
                take()
            case "s":
                y, x = take(), take()
                put(y)
                put(x)
            case "r" if high > low:
                number, low = int(stack[low]), low + 1
                put(number)
            case "r":
                put(0)
            case ".":
                output.append(int(stack[high - 1]) & 255 if high > low else 0)
            case "[" | "]":
                there = int(stack[high - 1]) if high > low else 0
                if letter == "[" and not there:
                    place = partners.get(place - 1, len(program) - 1) + 1
                if letter == "]" and there:
                    place = partners.get(place - 1, -1) + 1
            case _:
                y, x = take(), take()
                put(int(WRAPPED[letter](np.uint64(x), np.uint64(y))) if y or letter not in "/%" else 0)
    return bytes(output), used


def test_machine_agrees_with_one_of_another_build():
    dice = random.Random(8)
    for _ in range(3000):
        program = "".join(dice.choices(course.LETTERS + ".r+]", k=dice.randint(0, 12)))
        with np.errstate(over="ignore"):
            expected = dispatch(program, 120, 20)
        assert course.run(program, 120, 20)[:2] == expected, program


def test_machine_imitates_cyclic_tag_systems():
    """Universal machines: production 101, then 11, on a queue of bits, as Cook defines them."""
    queue, read = deque([1]), []
    for step in range(60):
        read.append(queue.popleft())
        if read[-1]:
            queue.extend([[1, 0, 1], [1, 1]][step % 2])
    assert 0 < sum(read) < len(read)
    output, _, _ = course.run("11[pr.[p1010]pr.[p110]p1]", 10_000, 60)  # each bit that it reads is printed
    assert list(output) == read


def test_pruned_search_loses_nothing():
    """Every output of three letters is found by a pruned search as the first program of plain enumeration."""
    first = {}
    for letters in range(1, 4):
        for choice in itertools.product(course.LETTERS, repeat=letters):
            program = "".join(choice)
            output, _, _ = course.run(program, 30, 2)
            if len(output) == 2:
                first.setdefault(output, program)
    assert course.atlas(3, 30, 2) == first
    for output, program in first.items():
        assert course.shortest_program(output, 30, 3) == program


@pytest.mark.parametrize("moment", [1, 50, 777])
def test_interrupted_search_ends_as_an_undisturbed_one(moment):
    def press_ctrl_c(done, total):
        if search.tried == moment:
            raise KeyboardInterrupt

    whole = course.Search(b"\2\2\2", 50, 3)
    assert whole.go_on(10**6) == "2.]"
    search = course.Search(b"\2\2\2", 50, 3)
    with pytest.raises(KeyboardInterrupt):
        search.go_on(10**6, press_ctrl_c)
    search = course.resume(json.loads(json.dumps(search.save())))
    assert search.go_on(10**6) == "2.]"
    assert (search.program, search.tried) == (whole.program, whole.tried)


def test_ten_letters_print_what_xz_cannot_shrink():
    data = course.run("r1r+dr+d.]", 1_000_000, 100_000)[0]
    assert len(data) == 100_000
    assert len(lzma.compress(data, preset=9 | lzma.PRESET_EXTREME)) > len(data)
    blob = course.pack(data, "r1r+dr+d.]", 1_000_000)
    assert len(blob) == 11
    assert course.unpack(blob, 1_000_000) == data


def test_levin_search_finds_the_least_sum_of_all():
    rows = []
    for letters in range(1, 4):
        for choice in itertools.product(course.LETTERS, repeat=letters):
            output, used, _ = course.run("".join(choice), 16, 2)
            if output == b"\0\1":
                rows.append(4 * letters + (used - 1).bit_length())
    assert course.levin_search(b"\0\1", 20)[2] == min(rows)


def test_fit_is_that_of_polyfit():
    values = [round(3 * x * x - 50 * x + 7 + 100 * np.sin(x)) for x in range(40)]
    places = np.linspace(-1, 1, 40)
    exact = np.polyval(np.polyfit(places, values, 4), places)
    basis = course.shapes(40, 4)
    assert np.allclose(basis @ np.linalg.lstsq(basis, np.array(values, float), rcond=None)[0], exact)
    # Fine coefficients leave what polyfit leaves, so the data part is at most that of the rounded exact curve.
    left = [value - round(said) for value, said in zip(values, exact, strict=True)]
    assert sum(course.two_part(values, 4)) < course.residual_bits(left) + 5 * 31 + 20


def test_markov_bits_are_those_of_exact_fractions():
    dice = random.Random(2)
    text = "".join(dice.choice("0111") for _ in range(60))
    chance, seen = Fraction(1), {}
    for place in range(2, len(text)):
        tally = seen.setdefault(text[place - 2 : place], [0, 0])
        chance *= Fraction(tally[int(text[place])] + 1, sum(tally) + 2)
        tally[int(text[place])] += 1
    model, data = course.markov_bits(text, 2)
    assert model + data == pytest.approx(2 + log2(chance.denominator) - log2(chance.numerator))
    assert course.markov_bits("0110", 0) == (pytest.approx(log2(5)), pytest.approx(log2(comb(4, 2))))


@pytest.mark.parametrize("name", OEIS)
def test_published_sequences_have_these_generators(name):
    expression, terms = OEIS[name]
    assert course.leftovers(expression, terms)[2:] == [0] * (len(terms) - 2)
    found = course.shortest_expression(terms, 5)
    assert len(found) == len(expression)
    assert course.leftovers(found, terms)[2:] == [0] * (len(terms) - 2)


def test_proofs_agree_with_many_places():
    """Where a proof says yes, five hundred places agree; where it says no, one of twenty differs."""
    forms = ["nn*", "nn1+*2/", "n", "nn*n*", "n2*1+", "5"]
    rules = ["an+", "an+n+1-", "aa+b-2+", "a1+", "a2+", "nn*n*", "a", "aa+b-", "n1-n1-*n+n+1-"]
    for closed, rule in itertools.product(forms, rules):

        def at(n, closed=closed):
            return course.value(closed, Fraction(n), Fraction(0), Fraction(0), course.exact_divide)

        count = 500 if course.prove(closed, rule) else 20
        agree = [
            course.value(rule, Fraction(n), at(n - 1), at(n - 2), course.exact_divide) == at(n)
            for n in range(-5, count)
        ]
        assert all(agree) == (count == 500), (closed, rule)

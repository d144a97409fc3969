"""The public laws of lesson 8."""

import itertools
import json
from functools import lru_cache
from math import ceil, log2

from hypothesis import example, given
from hypothesis import strategies as st

from autograder.laws import expect, law

LETTERS = "012dpsr+-*/%^.[]"
WORD = 1 << 32

# What programs are drawn from: brackets and output oftener than the rest, so that something happens.
OFTEN = "0112ddpsr++-*/%^...[[]]]"
programs = st.binary(max_size=9).map(lambda raw: "".join(OFTEN[byte % len(OFTEN)] for byte in raw))

ARITHMETIC = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": lambda x, y: x // y if y else 0,
    "%": lambda x, y: x % y if y else 0,
    "^": lambda x, y: x ^ y,
}


def partner(program, place):
    """Return where the other bracket of a pair stands, by counting depth, or None."""
    way, depth = (1 if program[place] == "[" else -1), 0
    while 0 <= place < len(program):
        depth += {"[": 1, "]": -1}.get(program[place], 0)
        if depth == 0:
            return place
        place += way
    return None


def obey(program, steps, size):
    """Run a program, written again from the chapter's table: (output, steps used, letters seen)."""
    stack, output, place, used, seen = [], [], 0, 0, 0

    def take():
        return stack.pop() if stack else 0

    while used < steps and len(output) < size and place < len(program):
        letter, used = program[place], used + 1
        onward = place + 1
        peek = stack[-1] if stack else 0
        if letter.isdigit():
            stack.append(int(letter))
        elif letter in ARITHMETIC:
            second, first = take(), take()
            stack.append(ARITHMETIC[letter](first, second) % WORD)
        elif letter == "d":
            stack.append(peek)
        elif letter == "p":
            take()
        elif letter == "s":
            stack.extend([take(), take()])
        elif letter == "r":
            stack.append(stack.pop(0) if stack else 0)
        elif letter == ".":
            output.append(peek & 255)
        elif letter == "[" and peek == 0:
            there = partner(program, place)
            onward = len(program) if there is None else there + 1
        elif letter == "]" and peek != 0:
            there = partner(program, place)
            onward = 0 if there is None else there + 1
        seen, place = max(seen, place + 1, onward), onward
    return bytes(output), used, seen


@lru_cache(maxsize=10)
def everything(letters, steps, size):
    """Return (program, output, steps used) of all programs of at most so many letters, shortest first."""
    every = ["".join(p) for n in range(letters + 1) for p in itertools.product(LETTERS, repeat=n)]
    return [(program, *obey(program, steps, size)[:2]) for program in every]


def gamma(number):
    """Return the gamma code of a number from 1 on."""
    return "0" * (number.bit_length() - 1) + f"{number:b}"


def folded(value):
    """Return the place of a whole number in 0, -1, 1, -2, 2, ..."""
    return 2 * abs(value) - (value < 0)


def written(values, k):
    """Write down what is left over, bit by bit, with k low bits apart."""
    while values and not values[-1]:
        values = values[:-1]
    bits = gamma(2 * len(values) + 1)
    if values:
        bits += f"{k:04b}"
    for value in values:
        z = folded(value)
        bits += gamma((z >> k) + 1) + (f"{z & (1 << k) - 1:0{k}b}" if k else "")
    return bits


def is_pair(got, what):
    """Hold where what came back is a tuple of two numbers."""
    expect.kind(got, tuple, what)
    expect.true(len(got) == 2, f"{what}: it should have two parts", got=got)
    for number in got:
        expect.number(number, what)


# A degree, and a seed whose noise does not look like a bend.
TRUE_DEGREES = [(0, 7), (1, 29), (3, 14)]


def noisy(degree, size, seed):
    """Make whole numbers along a polynomial of the degree, with noise from a generator written out here."""
    x, values = seed, []
    for i in range(size):
        t = 2 * i / (size - 1) - 1
        wave = [0, 300 * t, 220 * (1.5 * t * t - 0.5), 180 * (2.5 * t**3 - 1.5 * t)]
        x = (x * 69069 + 1) % WORD
        values.append(round(40 + sum(wave[: degree + 1])) + (x >> 28) - 8 + (x >> 20) % 8)
    return values


@law(
    exercise="jumps",
    points=1,
    hint="Keep a list of the places of the [ that wait for a partner. A ] takes the last one off it. Write down first "
    "what a [ does if no partner ever comes.",
    examples=7,
)
@given(program=st.text("[].", max_size=10))
@example(program="1[.]]")
@example(program="[[.]")
@example(program="][")
@example(program="[].[[]]")
def test_brackets_find_their_partners(shortest_program, program):
    """A bracket jumps to just after its partner; one that is alone jumps to the end or to the beginning."""
    expected = {}
    for place, letter in enumerate(program):
        if letter in "[]":
            there = partner(program, place)
            alone = len(program) if letter == "[" else 0
            expected[place] = alone if there is None else there + 1
    expect.equal(shortest_program.jumps(program), expected, f"the jumps of {program!r}")


@law(
    exercise="run",
    points=2,
    hint="Go through .1+] with a pencil, a row for each step: letter, stack, output. The loop ends before the next "
    "letter when the bytes are enough, when the steps are used up, or at the program's end.",
)
def test_pencil_example_counts(shortest_program):
    """The pencil example: .1+] prints 0, 1 and 2 in nine steps; every letter does what the table says."""
    expect.equal(shortest_program.run(".1+]", 100, 3), (b"\x00\x01\x02", 9, 4), "the run of .1+]")
    expect.equal(shortest_program.run(".1+]", 8, 9), (b"\x00\x01", 8, 4), "eight steps of .1+]")
    expect.equal(shortest_program.run("", 9, 9), (b"", 0, 0), "the run of no letters")
    by_hand = [
        ("2.", b"\2"), ("12s.p.", b"\1\2"), ("12r.r.", b"\1\2"), ("21-.", b"\1"), ("12-.", b"\xff"),
        ("22+d*1-2/.", b"\7"), ("22*1+2%.", b"\1"), ("21^.", b"\3"), ("20/.", b"\0"), ("20%.", b"\0"),
        ("12dp.p.p.", b"\2\1\0"), ("p.", b"\0"), ("r.", b"\0"), ("1[.1-].", b"\1\0"), ("[1.]2.", b"\2"),
        ("0[2.", b""), ("-.", b"\0"),
    ]  # fmt: skip
    for program, output in by_hand:
        expect.equal(shortest_program.run(program, 50, 9)[0], output, f"what {program} prints")
    expect.raises("ValueError", shortest_program.run, "1x", 50, 9, what="a letter that the machine hasn't")


@law(
    exercise="run",
    points=3,
    hint="Read the table again: what is on top is the SECOND operand; results are counted modulo 2**32; . and the "
    "brackets look at the top and leave it; a [ jumps on 0, a ] on anything else.",
    examples=24,
)
@given(program=programs, steps=st.sampled_from([3, 40, 90]), size=st.sampled_from([1, 8]))
@example(program="1-d*.]", steps=40, size=8)
@example(program="2d*d*d*d*d*.1-.", steps=40, size=8)
@example(program="012r.r.r.", steps=40, size=8)
@example(program="1-2/d+.]", steps=90, size=8)
@example(program="12[r.]", steps=40, size=8)
def test_programs_print_what_the_table_says(shortest_program, program, steps, size):
    """Programs print, and take as many steps, as on a second machine that the law has written for itself."""
    expect.equal(
        shortest_program.run(program, steps, size)[:2],
        obey(program, steps, size)[:2],
        "output and steps used",
    )


@law(
    exercise="run",
    points=2,
    hint="A letter is seen when it is obeyed; a [ that jumps has looked for its partner, so all letters up to where "
    "it goes on are seen. With a target, stop right after a byte that differs.",
    examples=10,
)
@given(program=programs, other=programs)
@example(program="[1]1.", other="")
@example(program="0[2.1", other="")
@example(program="[1]", other="")
@example(program="1.[.", other="pp")
@example(program=".1+]", other="")
@example(program="0[2].1]", other="pp")
@example(program="1.]pp", other="[[[")
def test_letters_seen_decide_everything(shortest_program, program, other):
    """The letters seen are told exactly; with others behind them, and a target, the run is the same."""
    output, used, seen = obey(program, 40, 3)
    expect.equal(shortest_program.run(program, 40, 3), (output, used, seen), "output, steps and letters seen")
    if seen < len(program):
        changed = program[:seen] + other
        expect.equal(shortest_program.run(changed, 40, 3), (output, used, seen), f"the same for {changed!r}")
    if output:
        wrong = output[:-1] + bytes([output[-1] ^ 1]) + b"more"
        sooner = obey(program, 40, len(output))
        expect.equal(shortest_program.run(program, 40, len(wrong), wrong), sooner, f"the run for {wrong!r}")


@law(
    exercise="after",
    points=2,
    hint="Count as with digits: the last letter that was seen goes to the next in LETTERS, and zeros follow. If it is "
    "the last letter, it is dropped and the one before it turns. If all were, the program grows by one.",
)
def test_order_is_that_of_a_dictionary(shortest_program):
    """The order starts with the empty program, then all of one letter, all of two; letters not seen turn to 0."""
    program = ""
    for expected in [*LETTERS, *("0" + letter for letter in LETTERS), "10", "11"]:
        got = shortest_program.after(program, len(program))
        expect.equal(got, expected, f"what follows {program!r}")
        program = expected
    by_hand = [
        ("1.]", 1, "200"), ("1.]", 2, "1[0"), ("1.]", 3, "1[0"), ("]]]", 2, "0000"), ("+]00", 2, "-000"),
        ("d]]1", 3, "p000"), ("12", 0, "000"), ("]0", 2, "]1"), ("^", 1, "."),
    ]  # fmt: skip
    for program, seen, expected in by_hand:
        got = shortest_program.after(program, seen)
        expect.equal(got, expected, f"what follows {program!r}, of which {seen} letters were seen")
    expect.raises("ValueError", shortest_program.after, "12", 3, what="more letters than there are")


@law(
    exercise="atlas",
    points=2,
    hint="Run each program, go on with `after`, and keep the first program of each output. An output that is "
    "shorter than `size` is none.",
)
def test_atlas_is_exhaustive(shortest_program):
    """The atlas of two letters is what running every one of them gives."""
    for letters, steps, size in ((2, 30, 1), (2, 30, 3), (1, 30, 1), (2, 1, 1), (0, 9, 1)):
        expected = {}
        for program, output, _ in everything(letters, steps, size):
            if len(output) == size:
                expected.setdefault(output, program)
        got = shortest_program.atlas(letters, steps, size)
        expect.equal(got, expected, f"the atlas of {letters} letters, {steps} steps, {size} bytes")


@law(
    exercise="Search",
    points=3,
    hint="Run self.program; where it prints the whole target, it is found. Otherwise go on with `after` and the "
    "letters SEEN. Stop where the next program has too many letters.",
)
def test_found_program_is_the_shortest(shortest_program):
    """What is found prints the target, and no program before it in the order does: all are tried."""
    for target, letters in ((b"\0", 2), (b"\1", 1), (b"\1\1", 3), (b"\3", 2), (b"\xff", 3), (b"\0\0", 1)):
        search = shortest_program.Search(target, 20, letters)
        right = [row[0] for row in everything(letters, 20, 3) if row[1][: len(target)] == target]
        expected = right[0] if right else ""
        expect.equal(search.go_on(5000), expected, f"the shortest program that prints {target!r}")
        expect.equal(search.found, expected, "what the search has found")
        expect.true(search.tried < 4369, "failing programs take those with them that begin alike")


@law(
    exercise="Search",
    points=2,
    hint="Nothing but `program`, `found` and `tried` may tell where the search is: after `count` runs it returns, and "
    "the next call goes on from them. Call progress(done, total) after each run.",
)
def test_search_goes_on_where_it_was(shortest_program, elsewhere):
    """Stopped, saved, and resumed in another process, a search ends as if it had never been stopped."""
    whole = shortest_program.Search(b"\xff", 20, 3)
    expect.equal(whole.go_on(10**6), "1-.", "what an undisturbed search finds")
    first = shortest_program.Search(b"\xff", 20, 3)
    expect.equal(first.go_on(100), "", "what is found after 100 runs")
    expect.equal(first.tried, 100, "the runs after go_on(100)")
    saved = json.loads(json.dumps(first.save()))
    second = elsewhere.resume(saved)
    expect.equal(second.go_on(10**6), "1-.", "what the resumed search finds")
    expect.equal(second.tried, whole.tried, "the runs of the resumed search")
    expect.equal(second.go_on(10), "1-.", "what a search says that is asked again")
    seen = []
    third = shortest_program.Search(b"\xfd", 9, 1)
    third.go_on(1000, lambda done, total: seen.append((done, total)))
    expect.true(len(seen) == third.tried > 9, "progress is told after every run", got=len(seen))
    expect.equal(seen[-1], (16, 16), "what progress is told at the end")
    expect.true(seen == sorted(seen), "progress never goes back", got=seen)
    seen.clear()
    shortest_program.Search(b"\1", 9, 2).go_on(1000, lambda done, total: seen.append((done, total)))
    expect.equal(seen[0], (1, 272), "what progress is told after one run")
    expect.equal(seen[-1], (272, 272), "what progress is told when the program is found")


@law(
    exercise="levin_search",
    points=2,
    hint="A phase goes through all programs whose bits are at most the phase, and gives each 2 ** (phase - bits) "
    "steps: every phase begins again with the shortest, which now have twice the steps.",
)
def test_levin_finds_the_least_bits_and_time(shortest_program):
    """No program has fewer bits + log2 steps, in whole bits, than the one found: all are tried."""
    for target, most in ((b"\1", 12), (b"\1\1", 14), (b"\0\0", 9), (b"\0\0", 8), (b"\xff", 10)):
        rows = [
            (4 * len(program) + ceil(log2(used)), len(program), i, program, used)
            for i, (program, output, used) in enumerate(everything(3, 20, len(target)))
            if output == target
        ]
        least, _, _, program, used = min(rows)
        expected = (program, used, least) if least <= most else ("", 0, 0)
        got = shortest_program.levin_search(target, most)
        expect.equal(got, expected, f"the program, its steps and the sum for {target!r} within {most}")


@law(
    exercise="unpack",
    points=2,
    hint="A byte holds two letters, the first in its high four bits. Look at the first byte before you slice; then "
    "compare the length of the blob with what it says.",
)
def test_file_of_eight_bytes_is_a_hundred(shortest_program, elsewhere):
    """A file written by hand is opened, and so is a file in which the data are stored, in another process."""
    by_hand = bytes.fromhex("01 00000064 02 d17f")
    expect.equal(shortest_program.unpack(by_hand, 1000), bytes(range(100)), "a file of 8 bytes")
    odd = bytes.fromhex("01 00000003 02 1df0")
    expect.equal(shortest_program.unpack(odd, 10), b"\1\1\1", "a file of three letters and a 0")
    for data, program in ((bytes(range(100)), ".1+]"), (b"\1" * 9, "1.]"), (b"abracadabra", ""), (b"", "")):
        blob = shortest_program.pack(data, program, 500)
        expect.kind(blob, bytes, "the file")
        expect.equal(elsewhere.unpack(blob, 500), data, f"the data of the file {blob.hex()}")


@law(
    exercise="unpack",
    points=1,
    hint="Three questions: is the blob exactly as long as it says, is its first byte 0 or 1, and did the program print "
    "as many bytes as the file promises?",
)
def test_files_that_lie_are_refused(shortest_program):
    """Files that are cut short, go on, or promise more than their program prints are refused with ValueError."""
    good = bytes.fromhex("01 00000064 02 d17f")
    expect.equal(shortest_program.unpack(good, 400), bytes(range(100)), "the undamaged file")
    for kept in range(len(good)):
        expect.raises("ValueError", shortest_program.unpack, good[:kept], 400, what=f"its first {kept} bytes")
    expect.raises("ValueError", shortest_program.unpack, good + b"\0", 400, what="a byte too many")
    expect.raises("ValueError", shortest_program.unpack, b"\2" + good[1:], 400, what="a first byte of 2")
    expect.raises("ValueError", shortest_program.unpack, good, 390, what="too few steps")
    expect.raises("ValueError", shortest_program.unpack, b"\1\1" + good[2:], 400, what="a size of 16 MB")
    expect.raises(
        "ValueError", shortest_program.unpack, b"\1\xff\xff\xff\xff" + good[5:], 400, what="a size of 4 GB"
    )


@law(
    exercise="residual_bits",
    points=2,
    hint="Drop the zeros at the end first, and count what is left. Then try each k: gamma of (z >> k) + 1, and k bits "
    "more. A list of zeros costs 1 bit, whatever its length.",
    examples=15,
)
@given(values=st.lists(st.sampled_from([0, 0, 0, 1, -1, 2, -5, 9, 100, -1000, 10**9]), max_size=12))
@example(values=[0] * 20)
@example(values=[0, 1, 0])
@example(values=[8, -8, 8])
@example(values=[0, 0, 10**15])
def test_residual_is_written_in_so_many_bits(shortest_program, values):
    """What is left over takes as many bits as it does written down with the best k."""
    expected = min(len(written(values, k)) for k in range(16))
    expect.equal(shortest_program.residual_bits(values), expected, f"the bits of {values}")


@law(
    exercise="two_part",
    points=2,
    hint="Fit, round the coefficients to multiples of 2 ** -p, and take the residual from the ROUNDED polynomial, "
    "rounded to whole numbers. Count both parts for each p and keep the p with the least sum.",
)
def test_a_line_costs_its_coefficients(shortest_program):
    """Exact lines and parabolas leave nothing over; what their coefficients cost is worked out by hand."""
    expect.equal(shortest_program.two_part([7] * 5, 0), (11, 1), "five times 7 as a constant")
    expect.equal(shortest_program.two_part([5, 8, 11, 14, 17, 20], 1), (26, 1), "a line through six points")
    expect.equal(shortest_program.two_part([-4, -2, 0, 2, 4], 1), (14, 1), "a line through 0")
    expect.equal(shortest_program.two_part([0, 0, 0, 0, 9], 0), (9, 30), "an outlier")
    expect.equal(shortest_program.two_part([20, 2, -4, 2, 20], 2), (27, 1), "a parabola")


@law(
    exercise="two_part",
    points=2,
    hint="If the biggest degree always wins, the model is too cheap: each coefficient costs integer_bits of its "
    "multiple. If the smallest does, the residual is measured from the wrong curve.",
)
def test_two_parts_pick_the_true_degree(shortest_program):
    """Of degrees 0 to 4 the sum is least for the true one, on three noisy sets of points."""
    for true, seed in TRUE_DEGREES:
        parts = [shortest_program.two_part(noisy(true, 60, seed), degree) for degree in range(5)]
        for degree, pair in enumerate(parts):
            is_pair(pair, f"the bits of degree {degree}")
        totals = [model + data for model, data in parts]
        expect.equal(
            totals.index(min(totals)), true, f"the degree with the fewest bits together, of {totals}"
        )
        models = [model for model, _ in parts]
        expect.true(models[4] > models[0], "more coefficients cost more bits", got=models)


@law(
    exercise="markov_bits",
    points=2,
    hint="A letter belongs to the `order` letters just before it. For each context, log2(n + 1) and log2 of comb(n, k)."
    " The first `order` letters, but never more than there are, cost 1 bit each.",
    examples=12,
)
@given(text=st.text("01", max_size=40), order=st.integers(0, 3))
@example(text="01" * 20, order=1)
@example(text="", order=2)
@example(text="1", order=3)
@example(text="0" * 30, order=0)
def test_counting_coder_pays_the_same(shortest_program, text, order):
    """Both parts together are what a coder pays that counts as it goes, and says (ones + 1) / (all + 2)."""
    got = shortest_program.markov_bits(text, order)
    is_pair(got, "the two parts")
    paid, tally = min(order, len(text)), {}
    for place in range(order, len(text)):
        zeros, ones = tally.get(text[place - order : place], (0, 0))
        is_one = text[place] == "1"
        paid -= log2(((ones if is_one else zeros) + 1) / (zeros + ones + 2))
        tally[text[place - order : place]] = (zeros + (not is_one), ones + is_one)
    expect.close(got[0] + got[1], paid, rtol=1e-9, atol=1e-9, what="the sum of both parts")
    model = sum(log2(zeros + ones + 1) for zeros, ones in tally.values())
    expect.close(got[0], model, rtol=1e-9, atol=1e-9, what="the model's part")


@law(
    exercise="improve",
    points=2,
    hint="Measure ALL neighbours of the last expression with description_bits and take the least, the first of several;"
    " go on from there, and stop where the least is not less.",
)
def test_each_change_shortens_the_description(shortest_program):
    """On squares and on powers of two the way is the one worked out by hand."""
    squares = [n * n for n in range(8)]
    expect.equal(shortest_program.improve("n", squares), [("n", 72), ("nn*", 18)], "the way to squares")
    powers = [2**n for n in range(10)]
    expected = [("0", 112), ("a", 102), ("aa+", 27)]
    expect.equal(shortest_program.improve("0", powers), expected, "the way to powers of two")
    expect.equal(shortest_program.improve("nn*", squares), [("nn*", 18)], "the way from the goal")


def worth(expression, n, a, b):
    """Return what an expression of one or three letters is worth."""
    named = {"n": n, "a": a, "b": b}
    leaves = [named.get(letter, int(letter) if letter.isdigit() else 0) for letter in expression[:2]]
    return leaves[0] if len(expression) == 1 else ARITHMETIC[expression[2]](*leaves)


SHORT = [*"nab01234567", *map("".join, itertools.product("nab01234567", "nab01234567", "+-*/%"))]


@law(
    exercise="shortest_expression",
    points=2,
    hint="Build lengths 1, 3, 5, ... in turn: a left part, a right part and a sign. Look at each for the goal before "
    "you throw away those that say nothing new.",
    examples=3,
)
@given(
    terms=st.one_of(
        st.lists(st.integers(0, 9), min_size=3, max_size=6),
        st.builds(
            lambda expression, first, second: follow(expression, [first, second], 7),
            st.sampled_from(SHORT),
            st.integers(0, 9),
            st.integers(1, 9),
        ),
    )
)
@example(terms=[0, 1, 4, 9, 16, 25])
@example(terms=[0, 1, 1, 2, 3, 5, 8])
@example(terms=[9, 7, 7, 7])
@example(terms=[4, 1, 5, 9, 14, 20])
def test_no_expression_is_shorter(shortest_program, terms):
    """Up to three letters all expressions are tried: yours is right from the third term on, and none is shorter."""
    right = [e for e in SHORT if follow(e, terms[:2], len(terms)) == terms]
    got = shortest_program.shortest_expression(terms, 3)
    expect.kind(got, str, "the expression")
    expect.equal(
        len(got), len(right[0]) if right else 0, f"the letters of the expression, of which {got!r} has"
    )
    expect.true(not right or got in right, f"{got!r} is not right about the terms", got=got)


def follow(expression, first, count):
    """Go on from the first terms as the expression says."""
    terms = list(first)
    while len(terms) < count:
        terms.append(worth(expression, len(terms), terms[-1], terms[-2]))
    return terms


@law(
    exercise="prove",
    points=2,
    hint="Put f(n - 1) for a and f(n - 2) for b, with fractions. Count the degrees of both sides first: one place more "
    "than the larger of them is enough, and one less is not.",
)
def test_theorems_are_told_from_guesses(shortest_program):
    """What holds for every n is proved, what fails somewhere is not, and what is no polynomial is refused."""
    theorems = [
        ("nn*", "an+n+1-"), ("nn*", "aa+b-2+"), ("nn1+*2/", "an+"), ("n", "a1+"), ("5", "a"), ("nn*n*", "nn*n*"),
        ("nn1+*n2*1+*6/", "ann*+"), ("0", "nn-"),
    ]  # fmt: skip
    for closed, recurrence in theorems:
        got = shortest_program.prove(closed, recurrence)
        expect.equal(got, True, f"whether {closed} obeys {recurrence}")
    for closed, recurrence in [
        ("nn*", "an+n+"),
        ("nn*", "an+n+1+"),
        ("n", "a"),
        ("nn1-*2/", "an+"),
        ("n2/", "a"),
    ]:
        got = shortest_program.prove(closed, recurrence)
        expect.equal(got, False, f"whether {closed} obeys {recurrence}")
    for closed, recurrence in [("ab+", "ab+"), ("n2%", "a"), ("n", "a1+n/"), ("n0/", "n0/")]:
        expect.raises("ValueError", shortest_program.prove, closed, recurrence)


def all_right(target, steps, letters):
    """Return all programs that print the target, by trying them all; shortest first."""
    if not 0 < len(target) <= 100 or not 0 <= steps <= 100 or not 0 <= letters <= 2:
        raise ValueError(
            "the candidates take a target of 1 to 100 bytes, and at most 100 steps and 2 letters"
        )
    return [program for program, output, _ in everything(letters, steps, len(target)) if output == target]


CANDIDATES = {
    "the shortest": lambda *asked: next(iter(all_right(*asked)), ""),
    "a shortest": lambda *asked: min(reversed(all_right(*asked)), key=len, default=""),
    "the longest": lambda *asked: next(reversed(all_right(*asked)), ""),
    "nothing": lambda *_: "",
    "the same each time": lambda *_: "0.",
    "what it would find with more steps": lambda target, _, letters: next(
        iter(all_right(target, 30, letters)), ""
    ),
}


@law(
    exercise="finds_the_shortest",
    points=1,
    examples=1,
    hint="A right answer prints the target, in so few steps, and nothing shorter does. Where nothing prints it, the "
    "answer is an empty text, so ask for something that nothing prints, too.",
)
@given(order=st.permutations(list(CANDIDATES)))
def test_your_law_tells_right_from_wrong(shortest_program, order):
    """Your law accepts a search through all programs, and refuses the longest, none, any, and one without a bound."""
    for name in order:
        verdict = shortest_program.finds_the_shortest(CANDIDATES[name])
        expect.equal(verdict, name.endswith(" shortest"), f"your law on a search that returns {name}")

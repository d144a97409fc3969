"""Lesson 8: a machine, the search for its shortest programs, two-part codes, and generators that are proved."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from math import comb, log2
from typing import Any, TypeVar

import numpy as np

from squeeze.arithmetic import compress as store
from squeeze.arithmetic import decompress as restore

LETTERS = "012dpsr+-*/%^.[]"  # the machine's instructions: a letter's place is its number, in 4 bits
BITS = 4  # of a letter, here and in the expressions further down
WORD = 1 << 32  # numbers on the stack are counted modulo this

LEAVES = "nab01234567"  # what an expression is made of: its beginning,
SIGNS = "+-*/%"  # and what joins two of them; 16 letters together

Number = TypeVar("Number", int, Fraction)


def check_program(program: str) -> None:
    """Raise ValueError where a letter is none of the machine's."""
    for place, letter in enumerate(program):
        if letter not in LETTERS:
            raise ValueError(f"letter {place} of the program, {letter!r}, is none of {LETTERS}")


def jumps(program: str) -> dict[int, int]:
    """Return for each bracket's place the place to which it jumps.

    A bracket jumps to just after its partner. A `[` without a partner jumps to the program's end, and a `]`
    without one to its beginning.

    >>> jumps("1[.]]")
    {1: 4, 3: 2, 4: 0}
    """
    ### BEGIN SOLUTION
    goes: dict[int, int] = {}
    waiting: list[int] = []
    for place, letter in enumerate(program):
        if letter == "[":
            waiting.append(place)
            goes[place] = len(program)
        elif letter == "]":
            partner = waiting.pop() if waiting else -1
            goes[place] = partner + 1
            if partner >= 0:
                goes[partner] = place + 1
    return goes
    ### END SOLUTION


def calculate(sign: str, x: int, y: int) -> int:
    """Return x sign y on the machine: modulo `WORD`, and 0 where something is divided by 0.

    >>> calculate("-", 1, 2), calculate("/", 7, 2), calculate("%", 7, 0)
    (4294967295, 3, 0)
    """
    if sign in "/%" and y == 0:
        return 0
    if sign == "+":
        x += y
    elif sign == "-":
        x -= y
    elif sign == "*":
        x *= y
    elif sign == "/":
        x //= y
    elif sign == "%":
        x %= y
    else:
        x ^= y
    return x % WORD


def top(stack: deque[int]) -> int:
    """Return the number on top of the stack, and 0 where there is none."""
    return stack[-1] if stack else 0


def pop(stack: deque[int]) -> int:
    """Take the number on top off the stack and return it; an empty stack gives 0."""
    return stack.pop() if stack else 0


def run(program: str, steps: int, size: int, target: bytes = b"") -> tuple[bytes, int, int]:
    r"""Run a program from an empty stack and return (what it printed, steps used, letters seen).

    It runs until it comes to its end, has used up `steps`, or has printed `size` bytes, and each letter that it
    obeys is a step. With a `target`, it stops as well after a byte that is not the target's at that place.
    The letters seen are those from the first one to the furthest that the run obeyed or looked at; a `[` that
    jumps looks at every letter up to where it goes on. Raises ValueError where a letter is none of the machine's.

    >>> run(".1+]", 100, 3)
    (b'\x00\x01\x02', 9, 4)
    >>> run(".1+]", 100, 3, b"\0\2\2")
    (b'\x00\x01', 5, 4)
    """
    ### BEGIN SOLUTION
    check_program(program)
    goes, output = jumps(program), bytearray()
    stack: deque[int] = deque()  # fast at both ends
    place = used = seen = 0
    while place < len(program) and used < steps and len(output) < size:
        letter = program[place]
        place, used = place + 1, used + 1
        seen = max(seen, place)
        if letter in "012":
            stack.append(int(letter))
        elif letter in "+-*/%^":
            y, x = pop(stack), pop(stack)
            stack.append(calculate(letter, x, y))
        elif letter == "d":
            stack.append(top(stack))
        elif letter == "p":
            pop(stack)
        elif letter == "s":
            y, x = pop(stack), pop(stack)
            stack += [y, x]
        elif letter == "r":
            stack.append(stack.popleft() if stack else 0)
        elif letter == ".":
            output.append(top(stack) % 256)
            if target and output[-1] != target[len(output) - 1]:
                break
        elif (letter == "[") == (top(stack) == 0):
            place = goes[place - 1]
            seen = max(seen, place)
    return bytes(output), used, seen
    ### END SOLUTION


def after(program: str, seen: int) -> str:
    """Return the first program in the order that differs from this one in its first `seen` letters.

    The order is: shorter programs first, and programs of one length as words in a dictionary whose alphabet is
    `LETTERS`. Raises ValueError unless `seen` is from 0 to the program's length.

    >>> after("1.]", 3), after("1.]", 1), after("]]", 2)
    ('1[0', '200', '000')
    """
    ### BEGIN SOLUTION
    if not 0 <= seen <= len(program):
        raise ValueError(f"can't keep {seen!r} letters of {program!r}")
    head = program[:seen].rstrip(LETTERS[-1])
    if not head:
        return LETTERS[0] * (len(program) + 1)
    turned = head[:-1] + LETTERS[LETTERS.index(head[-1]) + 1]
    return turned.ljust(len(program), LETTERS[0])
    ### END SOLUTION


def rank(program: str) -> int:
    """Return how many programs stand before this one in the order of `after`.

    >>> rank(""), rank("0"), rank("]"), rank("00")
    (0, 1, 16, 17)
    """
    number = 0
    for letter in program:
        number = number * len(LETTERS) + LETTERS.index(letter) + 1
    return number


def atlas(letters: int, steps: int, size: int) -> dict[bytes, str]:
    r"""Return the shortest program for every `size` bytes that a program of at most so many letters prints.

    Each program has `steps` steps. Of several shortest ones it is the first in the order of `after`, and outputs
    stand in the order in which the search meets them.

    >>> atlas(2, 100, 1)
    {b'\x00': '.', b'\x01': '1.', b'\x02': '2.'}
    """
    ### BEGIN SOLUTION
    found: dict[bytes, str] = {}
    program = ""
    while len(program) <= letters:
        output, _, seen = run(program, steps, size)
        if len(output) == size:
            found.setdefault(output, program)
        program = after(program, seen)
    return found
    ### END SOLUTION


def resume(saved: dict[str, Any]) -> Search:
    """Return the search that was saved, to go on just as it would have gone on.

    >>> search = Search(bytes(3), steps=10, letters=3)
    >>> _ = search.go_on(5)
    >>> resume(search.save()).program == search.program
    True
    """
    search = Search(bytes.fromhex(saved["target"]), saved["steps"], saved["letters"])
    search.program, search.found, search.tried = saved["program"], saved["found"], saved["tried"]
    check_program(search.program)
    return search


class Search:
    r"""Looks for the shortest program that prints a target first; it can stop anywhere, and go on later.

    `found` is the program, or "" as long as there is none; `program` is the next one to try, `tried` how many
    were run so far. Each has `steps` steps, and none is longer than `letters`.

    >>> search = Search(b"\0\1\2", steps=100, letters=4)
    >>> search.go_on(10), search.go_on(10**6)
    ('', '+.1]')
    """

    def __init__(self, target: bytes, steps: int, letters: int) -> None:
        if not target:
            raise ValueError("an empty target is printed by the empty program; ask for a byte or more")
        self.target = target
        self.steps = steps
        self.letters = letters
        self.program = LETTERS[0]
        self.found = ""
        self.tried = 0

    def go_on(self, count: int, progress: Callable[[int, int], object] | None = None) -> str:
        """Run up to `count` more programs, and return the one that was found, or "" where none was so far.

        A program that fails takes with it all that begin with the letters it has seen. `progress(done, total)` is
        called after each run, with the number of programs that are settled and the number of all. Interrupted at
        any moment, the search stands where it was before or after a run, never between.
        """
        ### BEGIN SOLUTION
        total = rank(LETTERS[-1] * self.letters)
        for _ in range(count):
            if self.found or len(self.program) > self.letters:
                break
            output, _, seen = run(self.program, self.steps, len(self.target), self.target)
            if output == self.target:
                self.found = self.program
            else:
                self.program = after(self.program, seen)
            self.tried += 1
            if progress:
                progress(total if self.found else rank(self.program) - 1, total)
        return self.found
        ### END SOLUTION

    def save(self) -> dict[str, Any]:
        """Return all that the search knows, as values that JSON can hold."""
        return {**vars(self), "target": self.target.hex()}


def shortest_program(target: bytes, steps: int, letters: int) -> str:
    r"""Return what a `Search` finds that is not interrupted, or "".

    >>> shortest_program(b"\1\1\1", 100, 4)
    '1.]'
    """
    return Search(target, steps, letters).go_on(rank(LETTERS[-1] * letters))


def levin_search(target: bytes, most: int) -> tuple[str, int, int]:
    r"""Return the program for which bits + log2 steps is least, in whole bits: (program, its steps, that sum).

    In phase 0, 1, 2, …, each program of b bits with b at most the phase gets 2^(phase − b) steps, shorter programs
    first, and in the order of `after`. The first that prints the target wins, and its phase is the sum. After
    phase `most` the search gives up, and returns ("", 0, 0).
    Source: Levin (1973).

    >>> levin_search(b"\1" * 16, 20)
    ('1.]', 47, 18)
    """
    ### BEGIN SOLUTION
    for phase in range(most + 1):
        program = LETTERS[0]
        while BITS * len(program) <= phase:
            budget = 1 << phase - BITS * len(program)
            output, used, seen = run(program, budget, len(target), target)
            if output == target:
                return program, used, phase
            program = after(program, seen)
    return "", 0, 0
    ### END SOLUTION


def pack(data: bytes, program: str, steps: int) -> bytes:
    r"""Write a file: the program if it prints the data in so many steps, and otherwise lesson 6's file of the data.

    The first byte says which of the two it is, 1 or 0. After a 1 come the data's size (4 bytes, highest first), the
    number of bytes in which the program stands (1 byte), and its letters, two to a byte, the first one in the high
    four bits. A `0` follows a program of an odd number of letters: that changes nothing that it prints.

    >>> pack(bytes(range(100)), ".1+]", 1000).hex()
    '010000006402d17f'
    """
    if run(program, steps, len(data))[0] != data or len(data) >= 1 << 32 or len(program) > 510:
        return b"\0" + store(data)
    numbers = [LETTERS.index(letter) for letter in program + "0" * (len(program) % 2)]
    packed = bytes(high << 4 | low for high, low in zip(numbers[::2], numbers[1::2], strict=True))
    return b"\1" + len(data).to_bytes(4, "big") + bytes([len(packed)]) + packed


def unpack(blob: bytes, steps: int) -> bytes:
    """Return the data that `pack` was given, if its program prints them in so many steps.

    Raises ValueError where the blob is cut short or goes on after its end, where its first byte is neither 0 nor
    1, and where the program prints fewer bytes than the file says before it ends or uses up its steps.

    >>> unpack(bytes.fromhex("010000000402d17f"), 100).hex()
    '00010203'
    """
    ### BEGIN SOLUTION
    if blob[:1] == b"\0":
        return restore(blob[1:])
    if blob[:1] != b"\1" or len(blob) < 6 or len(blob) != 6 + blob[5]:
        raise ValueError(f"these {len(blob)} bytes are no file of this format, or not a whole one")
    size = int.from_bytes(blob[1:5], "big")
    program = "".join(LETTERS[byte >> 4] + LETTERS[byte & 15] for byte in blob[6:])
    data, used, _ = run(program, steps, size)
    if len(data) < size:
        raise ValueError(f"after {used} steps the program has printed {len(data)} bytes of {size}")
    return data
    ### END SOLUTION


def zigzag(value: int) -> int:
    """Return a whole number's place in the order 0, −1, 1, −2, 2 and so on.

    >>> [zigzag(value) for value in (0, -1, 1, -2, 2)]
    [0, 1, 2, 3, 4]
    """
    return 2 * value if value >= 0 else -2 * value - 1


def integer_bits(value: int) -> int:
    """Return the bits of a whole number in Elias's gamma code, where small ones are short.

    With z = zigzag(value) + 1, the code is as many zeros as z has bits less 1, and then those bits.
    Source: Elias (1975).

    >>> [integer_bits(value) for value in (0, -1, 1, -2, 100)]
    [1, 3, 3, 5, 15]
    """
    return 2 * (zigzag(value) + 1).bit_length() - 1


def residual_bits(values: Sequence[int]) -> int:
    """Return the bits in which a list of whole numbers can be told to someone who knows how many they are.

    First comes how many stand up to the last that isn't 0, as `integer_bits` counts. If that is none, nothing
    follows. Otherwise a number k from 0 to 15 follows in 4 bits, chosen so that the rest is shortest, and then
    each of them: its zigzag z without the lowest k bits, as the gamma code of (z >> k) + 1, and those k bits.
    Source: Teuhola (1978), exponential Golomb codes.

    >>> residual_bits([0, 0, 0]), residual_bits([0, 1, 0]), residual_bits([8, -8, 8])
    (1, 13, 27)
    """
    ### BEGIN SOLUTION
    values = list(values)
    while values and values[-1] == 0:
        values.pop()
    if not values:
        return integer_bits(0)
    each = [zigzag(value) for value in values]
    return (
        integer_bits(len(each))
        + 4
        + min(sum(2 * ((z >> k) + 1).bit_length() - 1 + k for z in each) for k in range(16))
    )
    ### END SOLUTION


def shapes(size: int, degree: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the first degree + 1 Legendre polynomials at `size` places from −1 to 1, a column for each.

    None of their values is beyond ±1. Any polynomial of the degree is a sum of them, each times a number.

    >>> shapes(3, 2).tolist()
    [[1.0, -1.0, 1.0], [1.0, 0.0, -0.5], [1.0, 1.0, 1.0]]
    """
    return np.asarray(np.polynomial.legendre.legvander(np.linspace(-1, 1, size), degree), dtype=np.float64)


def two_part(values: Sequence[int], degree: int) -> tuple[int, int]:
    """Return (model bits, data bits) of whole numbers told as a polynomial and what it leaves over.

    The polynomial is the one of least squares in terms of `shapes`, with its degree + 1 coefficients rounded to
    multiples of 2^−p. The model costs `integer_bits` of the degree, 3 bits for p, and `integer_bits` of each
    coefficient times 2^p. The data costs `residual_bits` of the values less the rounded polynomial. Of p = 0 to 7
    it is the one with the fewest bits together, the smallest among equals.
    Source: Rissanen (1978).

    >>> two_part([5, 8, 11, 14, 17, 20], 1), two_part([5, 8, 11, 14, 17, 20], 0)
    ((26, 1), (13, 41))
    """
    ### BEGIN SOLUTION
    basis = shapes(len(values), degree)
    fit = np.linalg.lstsq(basis, np.array(values, dtype=float), rcond=None)[0]
    ways = []
    for p in range(8):
        whole = np.rint(fit * 2**p)
        left = np.array(values) - np.rint(basis @ (whole / 2**p)).astype(int)
        model = integer_bits(degree) + 3 + sum(integer_bits(int(number)) for number in whole)
        ways.append((model, residual_bits(left.tolist())))
    return min(ways, key=sum)
    ### END SOLUTION


def markov_bits(text: str, order: int) -> tuple[float, float]:
    """Return (model bits, data bits) of a text of 0 and 1 whose every letter depends on the `order` before it.

    The first `order` letters cost a bit each, as data. Every other letter belongs to the letters just before it. To
    those that belong to one context, n letters with k ones, log2(n + 1) bits of the model say which k of 0 … n it
    is, and log2 of the number of ways to place k ones among n say which of the ways. A context that never comes
    costs nothing. Source: Cover (1973).

    >>> model, data = markov_bits("01010101", 1)
    >>> round(model, 2), data
    (4.32, 1.0)
    """
    ### BEGIN SOLUTION
    followers: dict[str, list[str]] = {}
    for place in range(order, len(text)):
        followers.setdefault(text[place - order : place], []).append(text[place])
    model, data = 0.0, float(min(order, len(text)))
    for letters in followers.values():
        model += log2(len(letters) + 1)
        data += log2(comb(len(letters), letters.count("1")))
    return model, data
    ### END SOLUTION


def floor_divide(x: int, y: int) -> int:
    """Return x divided by y, rounded down, and 0 where y is 0."""
    return x // y if y else 0


def value(
    expression: str, n: Number, a: Number, b: Number, divide: Callable[[Number, Number], Number]
) -> Number:
    """Return what an expression in postfix is worth, where `divide` says what / means.

    Its letters are those of `LEAVES` and `SIGNS`; x % 0 is 0.
    Raises ValueError where it is no expression.

    >>> value("nn*n+2/", 4, 0, 0, floor_divide)
    10
    """
    stack: list[Number] = []
    for letter in expression:
        if letter in LEAVES:
            one = type(n)
            stack.append(n if letter == "n" else a if letter == "a" else b if letter == "b" else one(letter))
            continue
        if letter not in SIGNS or len(stack) < 2:
            raise ValueError(f"{expression!r} is no expression: {letter!r} has no place in it")
        y, x = stack.pop(), stack.pop()
        if letter == "+":
            stack.append(x + y)
        elif letter == "-":
            stack.append(x - y)
        elif letter == "*":
            stack.append(x * y)
        elif letter == "/":
            stack.append(divide(x, y))
        else:
            stack.append(x % y if y else y)
    if len(stack) != 1:
        raise ValueError(f"{expression!r} is no expression: {len(stack)} values are left")
    return stack[0]


def leftovers(expression: str, terms: Sequence[int]) -> list[int]:
    """Return each term less what the expression says of it, from n (counted from 0) and the two terms before.

    The term before is a, the one before that b; where there is none, it is 0.

    >>> leftovers("ab+", [0, 1, 1, 2, 3, 5, 8])
    [0, 1, 0, 0, 0, 0, 0]
    """
    padded = [0, 0, *terms]
    said = [value(expression, n, padded[n + 1], padded[n], floor_divide) for n in range(len(terms))]
    return [term - guess for term, guess in zip(terms, said, strict=True)]


def description_bits(expression: str, terms: Sequence[int]) -> int:
    """Return the bits of the expression (its length, then 4 for each letter) and of what it leaves over.

    >>> description_bits("ab+", [0, 1, 1, 2, 3, 5, 8])
    30
    """
    return (
        integer_bits(len(expression)) + BITS * len(expression) + residual_bits(leftovers(expression, terms))
    )


def neighbours(expression: str) -> list[str]:
    """Return all expressions that are one change away, shortest first.

    A change replaces a letter by another of its kind, puts a leaf and a sign behind the first letter or further on,
    or takes a leaf away with the sign that follows it. What comes out is an expression again.

    >>> neighbours("n")[:4], len(neighbours("n")), "nn*" in neighbours("n")
    (['a', 'b', '0', '1'], 65, True)
    """
    found = []
    for place, letter in enumerate(expression):
        kind = LEAVES if letter in LEAVES else SIGNS
        before, behind = expression[:place], expression[place + 1 :]
        found += [before + other + behind for other in kind if other != letter]
        if place and letter in LEAVES and behind[0] in SIGNS:
            found.append(before + behind[1:])
        found += [before + letter + leaf + sign + behind for leaf in LEAVES for sign in SIGNS]
    return sorted(dict.fromkeys(found), key=len)


def improve(expression: str, terms: Sequence[int]) -> list[tuple[str, int]]:
    """Change an expression step by step, each time to the neighbour that describes the terms in the fewest bits.

    Return the expressions on the way with their `description_bits`, the first one included. Among neighbours with
    as few bits the first in the list of `neighbours` is taken. The way ends where none has fewer than it has.

    >>> improve("n", [0, 1, 4, 9, 16, 25, 36, 49])
    [('n', 72), ('nn*', 18)]
    """
    ### BEGIN SOLUTION
    trail = [(expression, description_bits(expression, terms))]
    while True:
        ways = [(other, description_bits(other, terms)) for other in neighbours(trail[-1][0])]
        best = min(ways, key=lambda way: way[1])
        if best[1] >= trail[-1][1]:
            return trail
        trail.append(best)
    ### END SOLUTION


Saying = tuple[
    tuple[int, ...], str
]  # what an expression says of each term from the third on, and the expression


def say_leaves(terms: Sequence[int]) -> list[Saying]:
    """Return what each single leaf says of the terms from the third on.

    >>> say_leaves([1, 2, 4, 8])[:4]
    [((2, 3), 'n'), ((2, 4), 'a'), ((1, 2), 'b'), ((0, 0), '0')]
    """
    count = len(terms) - 2
    named = [(range(2, len(terms)), "n"), (terms[1:-1], "a"), (terms[:-2], "b")]
    named += [([int(digit)] * count, digit) for digit in LEAVES[3:]]
    return [(tuple(said), leaf) for said, leaf in named]


def join(left: Saying, right: Saying, sign: str) -> Saying:
    """Return what two expressions say together, joined by a sign.

    >>> join(((2, 3), "n"), ((1, 1), "1"), "+")
    ((3, 4), 'n1+')
    """
    (xs, first), (ys, second) = left, right
    if sign == "+":
        said = [x + y for x, y in zip(xs, ys, strict=True)]
    elif sign == "-":
        said = [x - y for x, y in zip(xs, ys, strict=True)]
    elif sign == "*":
        said = [x * y for x, y in zip(xs, ys, strict=True)]
    elif sign == "/":
        said = [x // y if y else 0 for x, y in zip(xs, ys, strict=True)]
    else:
        said = [x % y if y else 0 for x, y in zip(xs, ys, strict=True)]
    return tuple(said), first + second + sign


def shortest_expression(terms: Sequence[int], letters: int) -> str:
    """Return a shortest expression that is right about every term but the first two, or "" where there is none.

    It has at most `letters` letters. Two expressions that say the same of every term are as good as one: the
    first is kept, and longer ones are made of those that were kept.
    Raises ValueError where there are fewer than three terms: nothing would be left to be right about.

    >>> shortest_expression([0, 1, 1, 2, 3, 5, 8, 13], 5)
    'ab+'
    """
    ### BEGIN SOLUTION
    if len(terms) < 3:
        raise ValueError(f"{len(terms)} terms leave nothing to be right about; give at least three")
    goal, met = tuple(terms[2:]), set()
    kept: dict[int, list[Saying]] = {}  # by the number of letters, which is always odd
    for length in range(1, letters + 1, 2):
        ways: Iterable[Saying] = say_leaves(terms)
        if length > 1:
            ways = (
                join(left, right, sign)
                for part in range(1, length - 1, 2)
                for left in kept[part]
                for right in kept[length - 1 - part]
                for sign in SIGNS
            )
        kept[length] = []
        for said, expression in ways:
            if said == goal:
                return expression
            if said not in met:
                met.add(said)
                kept[length].append((said, expression))
    return ""
    ### END SOLUTION


def degree(expression: str, inner: int) -> int:
    """Return a bound for the degree in n of an expression whose a and b are polynomials of degree `inner`.

    Sum and difference have the larger degree of the two, a product their sum, and a quotient by a number that
    of what is divided. Raises ValueError where anything else is divided by, and for %: those are no polynomials.

    >>> degree("nn*1+", 0), degree("an+", 2), degree("an*2/", 3)
    (2, 2, 4)
    """
    stack: list[int] = []
    for letter in expression:
        if letter in LEAVES:
            stack.append(1 if letter == "n" else inner if letter in "ab" else 0)
            continue
        y, x = stack.pop(), stack.pop()
        if letter == "%" or (letter == "/" and y):
            raise ValueError(f"{expression!r} is no polynomial: {letter!r} can't be answered for")
        stack.append(x + y if letter in "*/" else max(x, y))
    return stack.pop()


def exact_divide(x: Fraction, y: Fraction) -> Fraction:
    """Return x divided by y without rounding; raises ValueError where y is 0."""
    if not y:
        raise ValueError("nothing can be divided by 0")
    return x / y


def prove(closed: str, recurrence: str) -> bool:
    """Say whether f(n) = closed obeys f(n) = recurrence, with a = f(n − 1) and b = f(n − 2), for every n.

    / divides exactly here. Both sides are polynomials in n. Two polynomials of degree d or less that agree at
    d + 1 places are the same, so so many places decide. Raises ValueError where `closed` mentions a or b, and where
    `degree` can't answer for one of the two.

    >>> prove("nn*", "an+n+1-"), prove("nn*", "an+n+")
    (True, False)
    """
    ### BEGIN SOLUTION
    if set(closed) & set("ab"):
        raise ValueError(f"{closed!r} is not closed: it asks for the terms before")
    inner = degree(closed, 0)
    most = max(inner, degree(recurrence, inner))
    for place in range(most + 1):
        zero = Fraction(0)
        here, before, earlier = (
            value(closed, Fraction(place - back), zero, zero, exact_divide) for back in range(3)
        )
        if value(recurrence, Fraction(place), before, earlier, exact_divide) != here:
            return False
    return True
    ### END SOLUTION


def finds_the_shortest(candidate: Callable[[bytes, int, int], str]) -> bool:
    r"""Say whether `candidate` could be `shortest_program`, by trying it: this law is yours to write.

    It is handed functions that take a target, a number of steps and of letters, and return a program or "", some
    right and some wrong. They refuse more than 2 letters or 100 steps. You may use your own `run`.
    """
    ### BEGIN SOLUTION
    every = [*LETTERS, *(first + second for first in LETTERS for second in LETTERS)]
    for target, steps in ((b"\0", 9), (b"\0\0", 9), (b"\1", 1)):
        right = [program for program in every if run(program, steps, len(target))[0] == target]
        answer = candidate(target, steps, 2)
        if len(answer) != len(min(right, key=len, default="")) or (right and answer not in right):
            return False
    return True
    ### END SOLUTION

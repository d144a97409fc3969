"""The hidden laws of lesson 8: longer programs, the reference, and planted bugs."""

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from autograder.laws import contract, expect, law

LETTERS = "012dpsr+-*/%^.[]"
WORD = 1 << 32

# The planted bugs that change what `shortest_program` finds among the programs of two letters.
BUGS_IN_SEARCH = [
    "first_byte_is_enough",
    "last_length_is_left_out",
    "one_letter_too_many_is_skipped",
    "steps_are_not_counted",
]

OFTEN = "0112ddprr+++-*/^%..]]"
long_programs = st.binary(min_size=4, max_size=14).map(
    lambda raw: "".join(OFTEN[byte % len(OFTEN)] for byte in raw) + "]"
)


def within_bounds(search):
    """Let a search be asked only for what it can do in a moment: it runs beside the laws, and not in a sandbox."""

    def ask(target, steps, letters):
        if not 0 < len(target) <= 100 or not 0 <= steps <= 100 or not 0 <= letters <= 2:
            raise ValueError(
                "the candidates take a target of 1 to 100 bytes, and at most 100 steps and 2 letters"
            )
        return search(target, steps, letters)

    return ask


def noise(size, seed):
    """Make whole numbers from 0 to 15 with a generator written out here."""
    values = []
    for _ in range(size):
        seed = (seed * 69069 + 1) % WORD
        values.append(seed >> 28)
    return values


@law(
    exercise="run",
    points=1,
    hint="Long runs meet large numbers, an empty stack and a long one: 2**32 wraps around, nothing below the bottom is "
    "0, and r takes from the bottom in a moment, however long the stack is (collections.deque).",
    examples=8,
)
@given(program=long_programs)
@example(program="r1r+dr+d.]")
@example(program="d+1+d2d*d*d*d*d*1-.]")
@example(program="pr[p1010]pr[p110]p1.]")
@example(program="1[.d+]2.")
@example(program="[[1.]1.]1.]")
def test_long_runs_agree(shortest_program, reference, program):
    """Long runs of long programs agree with the reference, to the step and to the letter."""
    expect.equal(shortest_program.run(program, 300, 60), reference.run(program, 300, 60), "the run")


@law(
    exercise="after",
    points=1,
    hint="Take a program apart: the letters seen, and the rest. Only the last letter seen changes, unless it is "
    "the last of the alphabet.",
    examples=10,
)
@given(raw=st.binary(max_size=6), seen=st.integers(0, 6))
@example(raw=bytes([15, 15, 3]), seen=2)
@example(raw=bytes([1, 15, 15, 3]), seen=3)
@example(raw=b"", seen=0)
def test_order_agrees(shortest_program, reference, raw, seen):
    """What follows a program is what follows it in the reference; letters that aren't there can't be seen."""
    program = "".join(LETTERS[byte % 16] for byte in raw)
    seen = min(seen, len(program))
    expect.equal(shortest_program.after(program, seen), reference.after(program, seen), f"after {program!r}")
    expect.raises("ValueError", shortest_program.after, program, len(program) + 1)
    expect.raises("ValueError", shortest_program.after, program, -1)


@law(
    exercise="jumps",
    points=1,
    hint="A list of waiting brackets, the last one first; what waits at the end has no partner.",
    examples=8,
)
@given(program=st.text("[].1", max_size=16))
@example(program="]" * 5 + "[" * 5)
@example(program="[" * 5 + "]" * 7)
def test_jumps_agree(shortest_program, reference, program):
    """Brackets in any depth, alone or not, jump as the reference's do."""
    expect.equal(shortest_program.jumps(program), reference.jumps(program), f"the jumps of {program!r}")


@law(
    exercise="atlas",
    points=1,
    hint="There are 16 ** n programs of n letters, and each prints one output: no more strings than that can be short.",
)
def test_few_strings_are_short(shortest_program, reference):
    """The counting bound: of 65,536 strings of 16 bits, at most 2 ** (16 - k + 1) have programs of 16 - k bits."""
    found = shortest_program.atlas(2, 40, 2)
    expect.equal(found, reference.atlas(2, 40, 2), "the atlas of two letters and two bytes")
    for k in (8, 12):
        short = sum(4 * len(program) <= 16 - k for program in found.values())
        expect.true(
            short <= 2 ** (16 - k + 1), f"{short} strings of 16 bits can't have {16 - k} bits or fewer"
        )


@law(
    exercise="Search",
    points=1,
    hint="Skip all that begin with the letters seen, and no more: count the runs. The run must be told the target, or "
    "it sees letters that it need not see.",
)
def test_search_skips_just_what_it_may(shortest_program, reference):
    """The search finds what the reference finds, in as many runs, in whatever pieces it is done."""
    for target, steps, letters, pieces in (
        (b"\1\2\3", 20, 2, 7),
        (b"\7\7", 6, 2, 100),
        (b"\2\2\2", 9, 3, 5000),
    ):
        theirs = reference.Search(target, steps, letters)
        yours = shortest_program.Search(target, steps, letters)
        for count in (pieces, 5000):
            theirs.go_on(count)
            expect.equal(yours.go_on(count), theirs.found, f"what {count} runs find")
            expect.equal(yours.program, theirs.program, "the next program to try")
            expect.equal(yours.tried, theirs.tried, "the number of runs")


@law(
    exercise="levin_search",
    points=1,
    hint="A longer program has 16 times fewer steps for each letter. Its own steps come back, not its budget.",
)
def test_least_sums_by_hand(shortest_program):
    """The sum of bits and log2 steps is the least, and the program and its steps are those of the first one."""
    for target, most, expected in (
        (b"\0\1", 11, ("", 0, 0)),
        (b"\2\2", 14, ("2..", 3, 14)),
        (b"\4", 9, ("", 0, 0)),
        (b"\0", 5, (".", 1, 4)),
        (b"\0", 3, ("", 0, 0)),
    ):
        got = shortest_program.levin_search(target, most)
        expect.equal(got, expected, f"the program, its steps and the sum for {target!r} within {most}")


@law(
    exercise="unpack",
    points=1,
    hint="Whatever the bytes are, give data or raise ValueError: no other exception, and never more steps than "
    "you were allowed.",
)
def test_damaged_files_give_data_or_are_refused(shortest_program, reference):
    """Files with any bit turned give bytes or are refused; cut or lengthened, they are refused."""
    for data, program in ((bytes(range(60)), ".1+]"), (b"\1" * 20, "1[.]"), (b"abracadabra", "")):
        blob = reference.pack(data, program, 300)
        expect.equal(shortest_program.unpack(blob, 300), data, "the data of the undamaged file")
        contract.refuses_damage(lambda blob: shortest_program.unpack(blob, 300), blob, steps=8)
        contract.survives_flips(
            lambda blob: shortest_program.unpack(blob, 300), blob, data, checksum=False, steps=20
        )
    expect.raises("ValueError", shortest_program.unpack, b"\3" + reference.pack(b"a", "", 9)[1:], 300)


@law(
    exercise="residual_bits",
    points=1,
    hint="k goes from 0 to 15, and a long list of large numbers wants a large one.",
    examples=8,
)
@given(values=st.lists(st.integers(-(10**6), 10**6), max_size=20))
@example(values=[2**15] * 30)
@example(values=[40000, -40000] * 20)
@example(values=[10**15] * 4)
def test_large_residuals_agree(shortest_program, reference, values):
    """Large and long residuals take as many bits as the reference says."""
    expect.equal(shortest_program.residual_bits(values), reference.residual_bits(values), "the bits")


@law(
    exercise="two_part",
    points=1,
    hint="Go through p = 0 to 7. With much noise coarse coefficients win; with little, fine ones do.",
    examples=4,
)
@given(
    seed=st.integers(1, 10**6), degree=st.integers(0, 4), spread=st.sampled_from([1, 7, 50]),
    size=st.sampled_from([9, 31, 64]),
)  # fmt: skip
def test_parts_agree(shortest_program, reference, seed, degree, spread, size):
    """Both parts are the reference's, for much noise and for little."""
    bend = [round(spread * i * i / size) for i in range(size)]
    values = [spread * x - 3 * y for x, y in zip(noise(size, seed), bend, strict=True)]
    expect.equal(
        shortest_program.two_part(values, degree), reference.two_part(values, degree), "the two parts"
    )


@law(
    exercise="markov_bits",
    points=1,
    hint="The data's part falls with the order. The model's part rises: there are more contexts to count.",
)
def test_true_order_costs_least(shortest_program):
    """A text whose letters depend on the two before costs least with order 2."""
    bits = ""
    for x in noise(500, 8):
        likely = "1" if bits[-2:] in ("01", "10", "") else "0"
        bits += likely if x > 1 else str(1 - int(likely))
    parts = [shortest_program.markov_bits(bits, order) for order in range(6)]
    for part in parts:
        expect.kind(part, tuple, "the two parts")
        expect.true([type(x) for x in part] == [float, float], "the two parts should be two floats", got=part)
    totals = [model + data for model, data in parts]
    expect.equal(totals.index(min(totals)), 2, f"the order with the fewest bits together, of {totals}")
    for (_, coarse), (_, fine) in pairwise(parts):
        expect.true(fine < coarse + 6, "a longer memory fits the data better", got=parts)


@law(
    exercise="improve",
    points=1,
    hint="Every step goes to the best of all neighbours, and the way ends only where none is better.",
    examples=1,
)
@given(
    terms=st.sampled_from(
        [
            [0, 1, 2, 5, 12, 29],
            [0, 1, 3, 6, 10, 15],
            [1, 1, 2, 6, 24, 120],
            [3, 1, 4, 1, 5, 9, 2],
        ]
    ),
    start=st.sampled_from("0na"),
)
@example(terms=[3, 3, 4, 1], start="0")
def test_ways_agree(shortest_program, reference, terms, start):
    """The way from a leaf is the reference's, expression by expression and bit by bit."""
    expect.equal(shortest_program.improve(start, terms), reference.improve(start, terms), "the way")


@law(
    exercise="shortest_expression",
    points=2,
    hint="An expression of five letters is one and three, or three and one. What says nothing new may be dropped only "
    "after it was compared with the goal, and a goal of fewer than three terms is refused.",
)
def test_five_letters_agree(shortest_program, reference):
    """Sequences that need five letters get an expression of five that is right, and noise gets none."""
    for terms in ([0, 1, 8, 27, 64, 125], [0, 1, 4, 2, 2, 4, 1, 0, 1]):
        got = shortest_program.shortest_expression(terms, 5)
        expect.kind(got, str, "the expression")
        expect.equal(len(got), 5, f"the letters of {got!r}")
        try:
            left = reference.leftovers(got, terms)[2:]
        except ValueError as problem:
            expect.true(False, str(problem), got=got)
        expect.equal(left, [0] * (len(terms) - 2), f"what {got!r} leaves over")
    expect.equal(
        shortest_program.shortest_expression([3, 1, 4, 1, 5, 9, 2, 6], 3), "", "three letters for noise"
    )
    expect.equal(shortest_program.shortest_expression([0, 1, 4, 9, 16], 2), "", "two letters for squares")
    for terms in ([], [1], [1, 2]):
        expect.raises("ValueError", shortest_program.shortest_expression, terms, 3)


@law(
    exercise="prove",
    points=2,
    hint="d + 1 places for degree d, where d is the larger degree of both SIDES: the right side's is "
    "degree(recurrence, degree(closed, 0)).",
)
def test_near_misses_are_no_theorems(shortest_program):
    """Rules that are right at as many places as their degree, and wrong at the next, are not proved."""
    expect.equal(shortest_program.prove("n", "a1+"), True, "whether n obeys a1+")
    for most in range(1, 6):
        for start in (0, 1, 2, 3):
            wrong = (
                "n"
                + "".join(f"n{digit}-" + "*" * (i > 0) for i, digit in enumerate(range(start, start + most)))
                + "+"
            )
            if start + most <= 8:
                got = shortest_program.prove("n", wrong)
                expect.equal(got, False, f"whether n obeys {wrong}, wrong only after {most} places")
    same = "nn1-*n2-*n3-*6/"
    expect.equal(shortest_program.prove(same, "nn1-*n2-*n3-*6/"), True, "whether a polynomial obeys itself")


@law(
    exercise="finds_the_shortest",
    points=3,
    examples=1,
    hint="Some mistakes show only for a target of several bytes, some only for the longest programs allowed, some only "
    "for one that needs more steps than there are. Try all programs of two letters yourself.",
)
@given(order=st.permutations(["right", "right", *BUGS_IN_SEARCH]))
def test_your_law_meets_planted_bugs(shortest_program, reference, bugs, order):
    """Your law accepts our search and refuses those with planted mistakes, in whatever order they come."""
    for name in order:
        module = reference if name == "right" else bugs[name]
        verdict = shortest_program.finds_the_shortest(within_bounds(module.shortest_program))
        expect.equal(verdict, name == "right", "your law on an implementation, right or with a mistake")

"""The hidden laws of lesson 7: longer inputs, exact numbers, the reference, and planted bugs."""

from hypothesis import example, given
from hypothesis import strategies as st

from autograder.laws import contract, expect, law

# The planted bugs of `ContextTree` that make it bet unfairly, and one that only makes it bet worse.
UNFAIR = ["bit_is_counted_first", "chance_of_a_one_for_every_bit", "weights_are_not_shared_out"]
WORSE = "deepest_node_first_and_only"

HISTORIES = [(zeros, ones, bit) for zeros in range(22) for ones in range(22 - zeros) for bit in (0, 1)]


@law(
    exercise="mixture",
    points=1,
    hint="Divide the beliefs by their sum after every step. Products of thousands of chances are too small for a "
    "float, and then all beliefs are 0.",
)
def test_mixture_of_a_long_text(context_mixing, reference):
    """After hundreds of steps the mixture still knows whom to believe, and when to change its mind."""
    rows = [[0.9, 0.4] if i % 7 else [0.2, 0.4] for i in range(200)] + [[0.1, 0.4]] * 120
    got = context_mixing.mixture(rows)
    expect.kind(got, list, "the chances")
    expect.equal(len(got), len(rows), "how many chances there are")
    for i, wanted in enumerate(reference.mixture(rows)):
        expect.close(got[i], wanted, what=f"the chance of thing {i}")


@law(
    exercise="ContextTree",
    points=2,
    hint="Keep the ratio at 1e-30 or above: on a long text it would become so small that no "
    "evidence brings it back. Compare your chances with the docstring's formula where a source changes its ways.",
    examples=4,
)
@given(raw=st.binary(min_size=1, max_size=12), depth=st.integers(0, 4))
@example(raw=b"\xaa" * 20 + b"\x00" * 40, depth=1)
def test_long_texts_give_the_same_chances(context_mixing, reference, raw, depth):
    """A tree that has seen hundreds of bits gives the reference's chances."""
    bits = [byte >> place & 1 for byte in raw for place in range(8)]
    got = context_mixing.tree_chances(bits, depth)
    expect.kind(got, list, "the chances")
    expect.equal(len(got), len(bits), "how many chances there are")
    for i, wanted in enumerate(reference.tree_chances(bits, depth)):
        expect.close(got[i], wanted, rtol=1e-7, what=f"the chance of bit {i}")


steps = st.lists(
    st.tuples(st.sampled_from([0.0, 1.5, -2.25, 8.0]), st.sampled_from([0.5, -3.0]), st.integers(0, 1)),
    min_size=1,
    max_size=12,
)


@law(
    exercise="Mixer",
    points=2,
    hint="The error is in units of ONE, from the squashed chance; within GOOD_ENOUGH, either way, nothing is learnt. "
    "A weight grows by RATE / ONE * error * input, in every chosen row.",
    examples=8,
)
@given(steps=steps)
@example(steps=[(12.0, 12.0, 1)] * 4 + [(12.0, 12.0, 0)] * 3)
@example(steps=[(-12.0, -12.0, 0)] * 3 + [(-8.0, -7.0, 1)] * 4)
@example(steps=[(12.0, 10.6, 1), (12.0, 11.2, 1), (12.0, 11.8, 1), (-12.0, -11.2, 0), (-12.0, -10.8, 0)])
def test_sums_are_those_of_the_reference(context_mixing, reference, steps):
    """The sums of any run of inputs are the reference's, small errors and large ones."""
    told = [
        ([first, second], [place % 2, place % 3], bit) for place, (first, second, bit) in enumerate(steps)
    ]
    got = context_mixing.mixer_sums(told, [2, 3])
    expect.kind(got, list, "the sums")
    for i, wanted in enumerate(reference.mixer_sums(told, [2, 3])):
        expect.close(got[i], wanted, rtol=1e-12, atol=1e-13, what=f"sum {i}")


@law(
    exercise="Counters",
    points=1,
    hint="Follow the docstring in whole numbers: the rate is rounded down, the step is rounded down, and a 0 takes "
    "away what the shift leaves of chance * r.",
    examples=6,
)
@given(raw=st.binary(min_size=1, max_size=60))
@example(raw=b"\x01" * 90)
@example(raw=b"\x00" * 260 + b"\x01\x00\x01")
def test_counters_are_exact(context_mixing, reference, raw):
    """Counters give the reference's numbers, to the last unit."""
    slots, bits = [byte >> 6 for byte in raw], [byte & 1 for byte in raw]
    wanted = reference.part_chances("Counters", slots, bits)
    expect.equal(context_mixing.part_chances("Counters", slots, bits), wanted, "the chances")


@law(
    exercise="next_history",
    points=1,
    hint="Try every pair with a sum of at most MOST_SEEN. The opposite fades before the sum is looked at, and the sum "
    "never goes down because of the limit alone.",
    examples=12,
)
@given(asked=st.sampled_from(HISTORIES))
@example(asked=(18, 3, 1))
@example(asked=(17, 4, 0))
@example(asked=(1, 20, 0))
@example(asked=(19, 2, 0))
def test_every_history_goes_on_as_the_reference_does(context_mixing, reference, asked):
    """Any history is followed by the one that follows it in the reference."""
    expect.equal(context_mixing.next_history(*asked), reference.next_history(*asked), "the next history")


@law(
    exercise="Histories",
    points=1,
    hint="Both steps are rounded down: (ONE - chance) // 128 up, and chance // 128 down. History 0 is left alone, and "
    "the slot moves on even then.",
    examples=6,
)
@given(raw=st.binary(min_size=1, max_size=60))
@example(raw=b"\x01" * 60)
@example(raw=b"\x00\x01\x40\x41" * 15)
def test_shared_chances_are_exact(context_mixing, reference, raw):
    """Histories give the reference's numbers, to the last unit."""
    slots, bits = [byte >> 6 for byte in raw], [byte & 1 for byte in raw]
    wanted = reference.part_chances("Histories", slots, bits)
    expect.equal(context_mixing.part_chances("Histories", slots, bits), wanted, "the chances")


@law(
    exercise="compress",
    points=2,
    hint="Write your file and the docstring's side by side: size, checksum, classes, code. Both sides must ask the "
    "model in the same order, and tell it every bit.",
    examples=4,
)
@given(data=contract.texts.map(lambda data: data[:40]))
@example(data=b"the quick brown fox jumps over the lazy dog, the quick brown fox")
@example(data=b"\xff" * 30)
def test_files_are_exchanged_with_the_reference(context_mixing, reference, data):
    """Files go both ways between your code and the reference, byte for byte."""
    theirs = reference.compress(data)
    expect.equal(context_mixing.compress(data), theirs, "the file")
    expect.equal(context_mixing.decompress(theirs), data, "the reference's file, opened by yours")


@law(
    exercise="decompress",
    points=1,
    hint="Two things are left to check when all bytes are there: that the coder has used the blob up, and that the "
    "checksum is the data's.",
)
def test_damaged_files_are_refused(context_mixing, reference):
    """Whatever was done to a file, it is refused with ValueError, and other data is never given back."""
    for data in (b"to be or not", b"\x00" * 9 + b"\x01"):
        blob = reference.compress(data)
        expect.equal(context_mixing.decompress(blob), data, "the undamaged file")
        contract.refuses_damage(context_mixing.decompress, blob, steps=4)
        size = blob[:4]
        contract.survives_flips(
            lambda rest, size=size: context_mixing.decompress(size + rest),
            blob[4:],
            data,
            checksum=True,
            steps=6,
        )
        wrong = [
            blob[:3],
            blob[:4] + b"\x00\x00\x00\x00" + blob[8:],
            blob[:8] + b"\x0f" * 16,
            blob[:8] + b"\x0f" * 17,
        ]
        wrong += [(4 * len(data)).to_bytes(4, "big") + blob[4:], b"\x00\x00\x00\x00" + blob[4:8]]
        for other in wrong:
            expect.raises(
                "ValueError", context_mixing.decompress, other, what=f"the file {other[:24].hex()}..."
            )


@law(
    exercise="is_fair",
    points=2,
    examples=2,
    hint="Some cheats show with two bits only, or with three. A model that predicts badly may be fair all the same, "
    "and must be accepted.",
)
@given(order=st.permutations(["right", "right", WORSE, *UNFAIR]))
def test_your_law_meets_planted_bugs(context_mixing, reference, bugs, order):
    """Your law accepts our tree and a worse one, and refuses the trees that cheat, in whatever order they come."""
    for name in order:
        module = reference if name == "right" else bugs[name]
        verdict = context_mixing.is_fair(module.tree_chances)
        expect.equal(verdict, name not in UNFAIR, "your law on an implementation, right or with a mistake")

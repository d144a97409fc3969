"""Hidden laws of lesson 1: longer inputs, corrupt ones, and the reference beside the student's module."""

from __future__ import annotations

import math

from hypothesis import example, given
from hypothesis import strategies as st

from autograder.laws import expect, law


def wide_from(raw):
    """Cut bytes into fields (value, width) of 12 bytes, each a little wider than its value."""
    return [(int.from_bytes(raw[i : i + 12], "big"), 96 + raw[i] % 30) for i in range(0, len(raw), 12)]


@law(
    exercise="entropy",
    points=2,
    hint="Try a long distribution with many zeros, and one that is almost certain.",
    examples=30,
)
@given(
    weights=st.binary(min_size=1, max_size=40).map(lambda raw: [b % 4 * b for b in raw[:-1]] + [1 + raw[-1]])
)
@example(weights=[1] * 40)
@example(weights=[0, 1000, 0, 1])
def test_entropy_of_any_distribution(entropy, reference, weights):
    """The entropy agrees with ours on distributions of up to forty outcomes."""
    p = [w / sum(weights) for w in weights]
    expect.close(entropy.entropy(p), reference.entropy(p), what="the entropy")


@law(
    exercise="conditional_entropy",
    points=1,
    hint="X is the row. What is H(Y|X) when the columns are certain and the rows are not?",
)
def test_which_is_given(entropy):
    """What is known is X, the row; what is uncertain is Y."""
    expect.close(entropy.conditional_entropy([[0.25, 0.25], [0.5, 0.0]]), 0.5, what="H(Y|X)")
    expect.close(entropy.conditional_entropy([[0.5], [0.5]]), 0.0, what="H(Y|X) of a single column")


@law(
    exercise="BitWriter",
    points=2,
    hint="Write after asking for the bytes; write a value of a hundred bits; write nothing at all.",
    examples=30,
)
@given(values=st.binary(max_size=36).map(wide_from))
@example(values=[])
def test_writer_goes_on(entropy, reference, values):
    """Asking for the bytes does not end the writing, and values may be very wide."""
    theirs, ours = entropy.BitWriter(), reference.BitWriter()
    for value, width in [(1, 1), *values, (5, 3)]:
        theirs.write(value, width)
        ours.write(value, width)
        expect.equal(theirs.to_bytes(), ours.to_bytes(), "the bytes so far")


@law(
    exercise="BitReader",
    points=1,
    hint="Look at the width before anything else: whoever is refused should stand where they stood.",
)
def test_negative_width_is_refused(entropy):
    """A negative width is refused with ValueError, and the position stays."""
    reader = entropy.BitReader(b"\xa1")
    expect.equal(reader.read(3), 0b101, "read(3)")
    expect.raises("ValueError", reader.read, -1, what="read(-1)")
    expect.equal(reader.read(5), 0b00001, "read(5) after it")


@law(
    exercise="compress",
    points=1,
    hint="Follow the format of the docstring to the letter: widths, order, what empty data looks like.",
    examples=30,
)
@given(
    data=st.builds(
        lambda n, raw: bytes(b % n for b in raw), st.sampled_from([3, 256]), st.binary(max_size=24)
    )
)
@example(data=b"\xff\x00")
@example(data=b"")
def test_format_to_the_bit(entropy, reference, data):
    """The compressed bytes are the documented format's, to the bit."""
    expect.equal(entropy.compress(data), reference.compress(data), "the compressed bytes")


@law(
    exercise="decompress",
    points=2,
    hint="Cut a good blob anywhere: what do you return, and would anyone notice?",
    examples=40,
)
@given(
    data=st.binary(min_size=1, max_size=20).map(lambda raw: bytes(b % 5 for b in raw)), cut=st.integers(1, 20)
)
@example(data=b"ab", cut=1)
@example(data=b"aaaa", cut=1)
def test_cut_short_is_refused(entropy, reference, data, cut):
    """A blob that was cut short is refused with ValueError; one with a tail is not."""
    blob = reference.compress(data)
    expect.equal(entropy.decompress(blob), data, "the bytes of the whole blob")
    expect.equal(entropy.decompress(blob + b"\xff"), data, "the bytes of a blob that something follows")
    short = blob[: max(0, len(blob) - cut)]
    expect.raises("ValueError", entropy.decompress, short, what="decompress of a blob cut short")


@law(
    exercise="decompress",
    points=1,
    hint="Three symbols take two bits, and two bits can name a fourth. And what may a list of byte values look like?",
)
def test_corrupt_blob_is_refused(entropy, reference):
    """Ranks and byte values that the format doesn't allow are refused with ValueError."""
    blob = bytearray(reference.compress(b"abc"))
    expect.equal(entropy.decompress(bytes(blob)), b"abc", "the bytes of the whole blob")
    blob[-1] |= 0b11000000
    expect.raises(
        "ValueError", entropy.decompress, bytes(blob), what="decompress with a fourth rank of three"
    )
    one = b"\0\0\0\x01"
    expect.equal(entropy.decompress(one + b"\x01ab\0"), b"a", "the byte of a blob made by hand")
    for values in (b"ba", b"aa", b"acb"):
        blob = one + bytes([len(values) - 1]) + values + b"\0"
        expect.raises(
            "ValueError", entropy.decompress, blob, what=f"decompress with the byte values {values!r}"
        )


MISTAKES = ["nats", "no_average", "logs_the_zero", "forgets_the_rest", "whole_bits", "rounded_surprise"]


@law(
    exercise="is_entropy",
    points=3,
    examples=4,
    hint="Which mistakes would your examples miss? Certain outcomes, zeros and skewed pairs each catch some.",
)
@given(order=st.permutations(["right", "right", "right", *MISTAKES]))
def test_your_law_against_planted_mistakes(entropy, reference, bugs, order):
    """Your law accepts our entropy and refuses every planted mistake in it, in whatever order they come."""
    for name in order:
        candidate = reference.entropy if name == "right" else guarded(bugs[name].entropy)
        verdict = entropy.is_entropy(candidate)
        expect.equal(verdict, name == "right", "your law on an implementation, right or with a mistake")


def guarded(function):
    """Let a mistake that raises answer with infinity, so that a law needn't catch exceptions."""

    def call(probabilities):
        try:
            return function(probabilities)
        except ValueError:
            return math.inf

    return call

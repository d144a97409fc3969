"""Public laws of lesson 1: they stand on worked examples, theorems and brute force, not on our reference."""

from __future__ import annotations

import itertools
import math
from collections import Counter

from hypothesis import example, given
from hypothesis import strategies as st

from autograder.laws import expect, law

WEIGHTS = st.lists(st.integers(0, 9), min_size=1, max_size=6).filter(any)
# Data as files have it: runs, few symbols, one symbol, all symbols; uniform bytes would show none of these.
DATA = st.one_of(
    st.binary(max_size=20),
    st.text("ab", max_size=20).map(str.encode),
    st.builds(lambda symbol, times: bytes([symbol]) * times, st.integers(0, 255), st.integers(0, 300)),
    st.just(bytes(range(256))),
)
FIELDS = st.lists(
    st.integers(0, 33).flatmap(lambda w: st.tuples(st.integers(0, 2**w - 1), st.just(w))), max_size=12
)


def normalised(weights):
    return [weight / sum(weights) for weight in weights]


@law(
    exercise="counts",
    points=1,
    hint="Go through the bytes once and add one for each; then sort by the byte's value.",
)
@given(data=DATA)
@example(data=b"abba")
@example(data=b"")
def test_counts(entropy, data):
    """Each byte value that occurs is counted, in increasing order of the value."""
    got = entropy.counts(data)
    expect.equal(got, dict(sorted(Counter(data).items())), "the counts")
    expect.equal(list(got), sorted(got), "the order of the byte values")


@law(exercise="self_information", points=2, hint="The surprise of p is −log2 p: halving p adds one bit.")
@given(power=st.integers(0, 60))
@example(power=2)
def test_surprise_of_powers_of_two(entropy, power):
    """An event of probability 2^−n carries n bits."""
    expect.close(entropy.self_information(2.0**-power), float(power), what="the self-information")


@law(
    exercise="self_information",
    points=1,
    hint="Check the argument first; log2 of 0 does not exist, and nothing is likelier than 1.",
)
def test_impossible_surprise_is_refused(entropy):
    """A probability of 0, below 0 or above 1 is refused with ValueError."""
    expect.close(entropy.self_information(0.5), 1.0, what="the self-information of 0.5")
    for probability in (0.0, -0.5, 1.5, math.nan):
        expect.raises("ValueError", entropy.self_information, probability)


@law(exercise="entropy", points=2, hint="Average the surprise: Σ p · −log2 p. Skip what has probability 0.")
def test_entropy_by_hand(entropy):
    """The entropies that a pencil can find come out: 0, 1, 1.5 and log2 n bits."""
    for probabilities, bits in [
        ([1.0], 0.0),
        ([0.5, 0.5], 1.0),
        ([0.5, 0.25, 0.25], 1.5),
        ([0.0, 0.5, 0.5], 1.0),
        ([0.125] * 8, 3.0),
    ]:
        expect.close(entropy.entropy(probabilities), bits, what=f"entropy({probabilities})")


@law(
    exercise="cross_entropy",
    points=3,
    hint="Gibbs: only the truth's own code reaches the entropy. Which of the two distributions stands inside the logarithm?",
)
@given(truth=WEIGHTS, model=st.lists(st.integers(1, 9), min_size=6, max_size=6))
@example(truth=[3, 1], model=[1, 3, 1, 1, 1, 1])
def test_gibbs(entropy, truth, model):
    """No model codes the truth in fewer bits than the truth's own entropy, and the truth itself codes it in just as many."""
    p, q = normalised(truth), normalised(model[: len(truth)])
    paid, least = entropy.cross_entropy(p, q), -sum(x * math.log2(x) for x in p if x > 0)
    expect.number(paid, "the cross-entropy")
    expect.true(paid >= least - 1e-9, "the cross-entropy is below the entropy", got=paid, expected=least)
    expect.close(entropy.cross_entropy(p, p), least, what="the cross-entropy of the truth with itself")
    by_definition = -sum(x * math.log2(y) for x, y in zip(p, q, strict=True) if x > 0)
    expect.close(paid, by_definition, what="the cross-entropy")


@law(
    exercise="cross_entropy",
    points=1,
    hint="What did the model say would never happen, and how many bits did it set aside for it?",
)
def test_a_wrong_never_costs_infinity(entropy):
    """A model that gives 0 to what happens pays infinitely; one that gives 0 to what never happens pays nothing for it."""
    expect.close(entropy.cross_entropy([0.5, 0.5], [1.0, 0.0]), math.inf, what="the cross-entropy")
    expect.close(entropy.cross_entropy([1.0, 0.0], [1.0, 0.0]), 0.0, what="the cross-entropy")
    expect.raises("ValueError", entropy.cross_entropy, [1.0], [0.5, 0.5])


@law(
    exercise="kl_divergence",
    points=2,
    hint="The waste is the bits paid less the bits needed: one call to each function that you have.",
)
@given(truth=WEIGHTS, model=st.lists(st.integers(1, 9), min_size=6, max_size=6))
def test_divergence_is_the_waste(entropy, truth, model):
    """The divergence is Σ p log2(p/q), and it is never negative."""
    p, q = normalised(truth), normalised(model[: len(truth)])
    got = entropy.kl_divergence(p, q)
    expect.number(got, "the divergence")
    expect.true(got >= 0, "the divergence is negative", got=got)
    expect.close(
        got,
        sum(x * math.log2(x / y) for x, y in zip(p, q, strict=True) if x > 0),
        atol=1e-9,
        what="the divergence",
    )


@law(
    exercise="conditional_entropy",
    points=3,
    hint="For each x: its probability, times the entropy of its row made to sum to 1.",
)
@given(
    joint=st.lists(st.lists(st.integers(0, 5), min_size=3, max_size=3), min_size=1, max_size=4).filter(
        lambda rows: any(map(any, rows))
    )
)
@example(joint=[[1, 0, 0], [0, 0, 0], [0, 1, 2]])
def test_chain_rule(entropy, joint):
    """The chain rule holds: H(X, Y) = H(X) + H(Y|X)."""
    total = sum(map(sum, joint))
    table = [[n / total for n in row] for row in joint]

    def bits(probabilities):
        return -sum(p * math.log2(p) for p in probabilities if p > 0)

    chained = bits(map(sum, table)) + entropy.conditional_entropy(table)
    expect.close(chained, bits(itertools.chain(*table)), atol=1e-9, what="H(X) + H(Y|X)")


@law(exercise="kraft_sum", points=2, hint="Each code of length n takes 2^−n of the budget of 1.")
@given(lengths=st.lists(st.integers(1, 6), min_size=1, max_size=5))
@example(lengths=[1, 2, 2])
def test_kraft(entropy, lengths):
    """The Kraft sum is at most 1 exactly where brute force finds a code that needs no separators."""
    got = entropy.kraft_sum(lengths)
    expect.number(got, "the Kraft sum")
    expect.true(
        (got <= 1) is prefix_code_exists(lengths),
        "the sum and brute force disagree on whether a code exists",
        got=got,
    )
    expect.close(got, sum(1 / 2**n for n in lengths), what="the Kraft sum")


def prefix_code_exists(lengths):
    """Give each length, shortest first, the first free word; a word takes all words that begin with it."""
    taken = set()
    for length in sorted(lengths):
        words = ("".join(bits) for bits in itertools.product("01", repeat=length))
        free = next((w for w in words if not any(w.startswith(t) for t in taken)), None)
        if free is None:
            return False
        taken.add(free)
    return True


@law(
    exercise="code_length",
    points=2,
    hint="Each symbol costs its surprise; a symbol with count n costs it n times.",
)
@given(data=DATA.filter(bool))
@example(data=b"aab")
def test_no_coder_beats_its_own_model(entropy, data):
    """Under the data's own frequencies, the code length is the number of symbols times their entropy; any other model needs more."""
    frequencies = {symbol: n / len(data) for symbol, n in Counter(data).items()}
    best = -sum(n * math.log2(n / len(data)) for n in Counter(data).values())
    expect.close(entropy.code_length(data, frequencies), best, atol=1e-9, what="the code length")
    uniform = dict.fromkeys(range(256), 1 / 256)
    expect.close(
        entropy.code_length(data, uniform), 8.0 * len(data), what="the code length under equal probabilities"
    )


@law(
    exercise="code_length",
    points=1,
    hint="What the model calls impossible has no code; say so instead of skipping it.",
)
def test_unknown_symbol_is_refused(entropy):
    """A symbol without a probability is refused with ValueError."""
    expect.close(entropy.code_length(b"aab", {97: 0.5, 98: 0.25}), 4.0, what="the code length of b'aab'")
    expect.raises("ValueError", entropy.code_length, b"abc", {97: 0.5, 98: 0.5})
    expect.raises("ValueError", entropy.code_length, b"ab", {97: 1.0, 98: 0.0})


@law(
    exercise="BitWriter",
    points=4,
    hint="Keep the bits that don't fill a byte yet, and how many they are. Try write(5, 3), then write(1, 5).",
)
@given(fields=FIELDS)
@example(fields=[(0b101, 3), (0b00001, 5)])
@example(fields=[(0, 0), (1, 1)])
def test_writer_against_text(entropy, fields):
    """The bits come out in the order in which they went in, highest first, with zeros up to a whole byte."""
    writer = entropy.BitWriter()
    for value, width in fields:
        writer.write(value, width)
    text = "".join(format(value, f"0{width}b") if width else "" for value, width in fields)
    text += "0" * (-len(text) % 8)
    expected = bytes(int(text[i : i + 8], 2) for i in range(0, len(text), 8))
    expect.equal(writer.to_bytes(), expected, "the bytes")
    expect.equal(writer.to_bytes(), expected, "the bytes, asked for again")


@law(exercise="BitWriter", points=1, hint="A value of n bits is below 2^n and not negative.")
def test_value_too_wide_is_refused(entropy):
    """A value that does not fit into its width is refused with ValueError, and changes nothing."""
    writer = entropy.BitWriter()
    writer.write(1, 1)
    for value, width in [(4, 2), (-1, 3), (1, 0), (0, -1)]:
        expect.raises("ValueError", writer.write, value, width, what=f"write({value}, {width})")
    expect.equal(writer.to_bytes(), b"\x80", "the bytes")


@law(
    exercise="BitReader",
    points=4,
    hint="From the position in bits, find the first and the last byte that you need, and shift the rest away.",
)
@given(data=st.binary(max_size=8), widths=st.lists(st.integers(0, 17), max_size=12))
@example(data=b"\xa1", widths=[3, 5, 1])
@example(data=b"", widths=[0, 1])
def test_reader_against_text(entropy, data, widths):
    """The reader returns the bits as written, counts its position, and raises EOFError in place at the end."""
    text = "".join(format(byte, "08b") for byte in data)
    reader = entropy.BitReader(data)
    position = 0
    for width in widths:
        if position + width > len(text):
            expect.raises(
                "EOFError", reader.read, width, what=f"read({width}) at bit {position} of {len(text)}"
            )
        else:
            expect.equal(
                reader.read(width), int(text[position : position + width] or "0", 2), f"read({width})"
            )
            position += width
        expect.equal(reader.position, position, "the position")


@law(
    exercise="decompress",
    points=4,
    hint="Write down what compress writes, field by field, and read the same fields in the same order.",
)
@given(data=DATA)
@example(data=b"")
@example(data=b"abracadabra")
@example(data=b"ab" * 500)
def test_round_trip(entropy, elsewhere, data):
    """Another process gets back exactly the bytes that were compressed."""
    expect.equal(elsewhere.decompress(entropy.compress(data)), data, "the bytes after the round trip")


@law(
    exercise="compress",
    points=3,
    hint="k byte values that occur need ⌈log2 k⌉ bits each: 1 bit for two, 2 bits for three or four, none for one.",
)
@given(data=DATA)
@example(data=b"abracadabra")
def test_size_is_as_documented(entropy, data):
    """The size is the header's plus the fewest whole bits that tell the symbols apart."""
    k = len(set(data))
    bits = 32 if not data else 32 + 8 + 8 * k + len(data) * math.ceil(math.log2(k))
    blob = entropy.compress(data)
    expect.kind(blob, bytes, "the compressed data")
    expect.equal(len(blob), (bits + 7) // 8, "the size in bytes")


@law(
    exercise="compress",
    points=2,
    hint="This law is a theorem: count the short outputs. If it breaks, two inputs share one output.",
)
def test_pigeonhole(entropy):
    """No coder shrinks every input: all inputs of up to 8 bits get different outputs, so some are longer."""
    inputs = [b"", *(bytes([i]) for i in range(256))]
    outputs = [entropy.compress(data) for data in inputs]
    expect.equal(len(set(outputs)), len(inputs), "the number of different outputs")
    expect.true(
        any(len(o) >= len(i) for i, o in zip(inputs, outputs, strict=True)),
        "every input got shorter, which is impossible",
    )


@law(
    exercise="is_entropy",
    points=3,
    hint="Call the candidate on distributions whose entropy you know, and compare within a small tolerance.",
)
def test_your_law_tells_right_from_wrong(entropy):
    """Your law accepts a right implementation and refuses one in nats, one without the average, and a constant."""

    def right(p):
        return sum(-x * math.log2(x) for x in p if x > 0) + 0.0

    def in_nats(p):
        return sum(-x * math.log(x) for x in p if x > 0)

    def not_averaged(p):
        return sum(-math.log2(x) for x in p if x > 0)

    def constant(p):
        return 1.0

    expect.equal(entropy.is_entropy(right), True, "your law on a right implementation")
    for wrong in (in_nats, not_averaged, constant):
        expect.equal(entropy.is_entropy(wrong), False, f"your law on the implementation {wrong.__name__!r}")

"""Public laws of lesson 1: they stand on worked examples, theorems and brute force, not on our reference."""

from __future__ import annotations

import itertools
import math
from collections import Counter

from hypothesis import example, given
from hypothesis import strategies as st

from autograder.laws import expect, law


def weights_from(raw):
    """Turn bytes into weights, a fifth of them 0, but not all."""
    weights = [byte % 5 for byte in raw]
    return weights if any(weights) else [1] * len(weights)


def rows_from(raw):
    """Cut bytes into rows of three weights, the last row filled up with zeros."""
    weights = weights_from(raw) + [0] * (-len(raw) % 3)
    return [weights[i : i + 3] for i in range(0, len(weights), 3)]


def fields_from(raw):
    """Cut bytes into fields (value, width): a byte for the width, and up to five for the value."""
    widths = [(i, raw[i] % 34) for i in range(0, len(raw), 6)]
    return [(int.from_bytes(raw[i + 1 : i + 6], "big") & (1 << width) - 1, width) for i, width in widths]


# To draw one string of bytes is quick, and to draw a list entry by entry is not: so lists are made of bytes.
TRUTHS = st.binary(min_size=1, max_size=6).map(weights_from)
MODELS = st.binary(min_size=6, max_size=6).map(lambda raw: [1 + byte % 9 for byte in raw])
# Data as files have it: two symbols, a few, one, some far apart, any; uniform bytes would show none of these.
ALPHABETS = (b"ab", b"abc", b"\xff", b"\x01\x08\xf0", bytes(range(256)))
DATA = st.builds(
    lambda alphabet, picks: bytes(alphabet[pick % len(alphabet)] for pick in picks),
    st.sampled_from(ALPHABETS),
    st.binary(max_size=24),
)


def normalised(weights):
    return [weight / sum(weights) for weight in weights]


@law(
    exercise="counts",
    points=1,
    hint="Go through the bytes once and add one for each; then sort by the byte's value.",
    examples=25,
)
@given(data=DATA)
@example(data=b"abba")
@example(data=b"")
@example(data=b"\xff\x00" * 300)
def test_counts(entropy, data):
    """Each byte value that occurs is counted, in increasing order."""
    got = entropy.counts(data)
    expect.equal(got, dict(sorted(Counter(data).items())), "the counts")
    expect.equal(list(got), sorted(got), "the order of the byte values")


@law(
    exercise="self_information",
    points=2,
    hint="Halving the probability adds one bit. Which logarithm grows by 1 when its argument doubles?",
)
def test_surprise_of_powers_of_two(entropy):
    """An event of probability 2^−n carries n bits."""
    for power in range(61):
        expect.close(entropy.self_information(2.0**-power), float(power), what=f"the bits in 1 of 2^{power}")


@law(
    exercise="self_information",
    points=1,
    hint="Check the argument first: there is no logarithm of 0, and nothing is likelier than 1.",
)
def test_impossible_surprise_is_refused(entropy):
    """A probability of 0, below 0 or above 1 is refused with ValueError."""
    expect.close(entropy.self_information(0.5), 1.0, what="the self-information of 0.5")
    for probability in (0.0, -0.5, 1.5, math.nan):
        expect.raises("ValueError", entropy.self_information, probability)


@law(
    exercise="entropy",
    points=1,
    hint="Average the surprise: weigh each outcome's by its probability. Skip what has probability 0.",
)
def test_entropy_by_hand(entropy):
    """The entropies that a pencil can find come out: 0, 1, 1.5 and 3 bits."""
    for probabilities, bits in [
        ([1.0], 0.0),
        ([0.5, 0.5], 1.0),
        ([0.5, 0.25, 0.25], 1.5),
        ([0.0, 0.5, 0.5], 1.0),
        ([0.125] * 8, 3.0),
    ]:
        expect.close(entropy.entropy(probabilities), bits, what=f"entropy({probabilities})")


@law(
    exercise="entropy",
    points=1,
    hint="Try three equal shares: log2 3 is no whole number, and neither is the surprise of a third.",
    examples=20,
)
@given(weights=TRUTHS)
@example(weights=[9, 1])
@example(weights=[1, 0])
def test_entropy_has_two_limits(entropy, weights):
    """Entropy lies between 0 and log2 n; n equal shares reach log2 n."""
    most = math.log2(len(weights))
    got = entropy.entropy(normalised(weights))
    expect.number(got, "the entropy")
    expect.true(-1e-9 <= got <= most + 1e-9, f"the entropy is outside 0 to {most}", got=got)
    shares = [1 / len(weights)] * len(weights)
    expect.close(entropy.entropy(shares), most, what=f"the entropy of {len(weights)} equal shares")


@law(
    exercise="cross_entropy",
    points=3,
    hint="The truth weighs, and the belief is what surprises. Which of the two stands inside the logarithm?",
    examples=30,
)
@given(truth=TRUTHS, model=MODELS)
@example(truth=[3, 1], model=[1, 3, 1, 1, 1, 1])
def test_gibbs(entropy, truth, model):
    """No model costs fewer bits than the truth's entropy; the truth costs just that."""
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
    """A model that gives 0 to what happens pays infinitely, and nothing where it is right."""
    expect.close(entropy.cross_entropy([0.5, 0.5], [1.0, 0.0]), math.inf, what="the cross-entropy")
    expect.close(entropy.cross_entropy([1.0, 0.0], [1.0, 0.0]), 0.0, what="the cross-entropy")
    expect.raises("ValueError", entropy.cross_entropy, [1.0], [0.5, 0.5])


@law(
    exercise="kl_divergence",
    points=2,
    hint="The waste is the bits paid less the bits needed: one call to each function that you have.",
    examples=30,
)
@given(truth=TRUTHS, model=MODELS)
def test_divergence_is_the_waste(entropy, truth, model):
    """The divergence is Σ p log2(p/q), and it is never negative."""
    p, q = normalised(truth), normalised(model[: len(truth)])
    expected = sum(x * math.log2(x / y) for x, y in zip(p, q, strict=True) if x > 0)
    for belief, bits in ((q, expected), (p, 0.0)):
        got = entropy.kl_divergence(p, belief)
        expect.number(got, "the divergence")
        expect.true(got >= 0, "the divergence is negative", got=got)
        expect.close(got, bits, atol=1e-9, what="the divergence")


@law(
    exercise="conditional_entropy",
    points=3,
    hint="For each x: its probability, times the entropy of its row made to sum to 1.",
    examples=25,
)
@given(joint=st.binary(min_size=1, max_size=12).map(rows_from))
@example(joint=[[1, 0, 0], [0, 0, 0], [0, 1, 2]])
@example(joint=[[1, 2, 3], [0, 0, 5], [4, 4, 4], [1, 1, 0]])
def test_chain_rule(entropy, joint):
    """The chain rule holds: H(X, Y) = H(X) + H(Y|X)."""
    total = sum(map(sum, joint))
    table = [[n / total for n in row] for row in joint]

    def bits(probabilities):
        return -sum(p * math.log2(p) for p in probabilities if p > 0)

    chained = bits(map(sum, table)) + entropy.conditional_entropy(table)
    expect.close(chained, bits(itertools.chain(*table)), atol=1e-9, what="H(X) + H(Y|X)")


@law(
    exercise="kraft_sum",
    points=2,
    hint="How much of the whole does one code of length n use up? Half for n = 1, a quarter for n = 2.",
    examples=30,
)
@given(lengths=st.binary(min_size=1, max_size=5).map(lambda raw: [1 + byte % 6 for byte in raw]))
@example(lengths=[1, 2, 2])
@example(lengths=[1, 1, 2])
def test_kraft(entropy, lengths):
    """The sum is at most 1 exactly where brute force finds a code without separators."""
    got = entropy.kraft_sum(lengths)
    expect.number(got, "the Kraft sum")
    what = "the sum and brute force disagree on whether a code exists"
    expect.true((got <= 1) is prefix_code_exists(lengths), what, got=got)
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
    hint="Each symbol costs its surprise; a symbol that occurs n times costs it n times.",
    examples=25,
)
@given(data=DATA, model=MODELS)
@example(data=b"aab", model=[1, 2, 1, 1, 1, 1])
def test_no_coder_beats_its_own_model(entropy, data, model):
    """No model of single bytes takes fewer bits than the data's own frequencies."""
    tally = Counter(data)
    own = {symbol: n / len(data) for symbol, n in tally.items()}
    least = -sum(n * math.log2(own[symbol]) for symbol, n in tally.items()) + 0.0
    expect.close(entropy.code_length(data, own), least, atol=1e-9, what="the code length")
    weights = {symbol: model[i % 6] for i, symbol in enumerate(tally)}
    other = {symbol: weight / sum(weights.values()) for symbol, weight in weights.items()}
    got = entropy.code_length(data, other)
    expect.number(got, "the code length under another model")
    expect.true(got >= least - 1e-9, "another model takes fewer bits", got=got, expected=least)
    by_definition = -sum(n * math.log2(other[symbol]) for symbol, n in tally.items())
    expect.close(got, by_definition, atol=1e-9, what="the code length under another model")
    uniform = dict.fromkeys(range(256), 1 / 256)
    got = entropy.code_length(data, uniform)
    expect.close(got, 8.0 * len(data), what="the code length under equal probabilities")


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
    examples=30,
)
@given(fields=st.binary(max_size=48).map(fields_from))
@example(fields=[(0b101, 3), (0b00001, 5)])
@example(fields=[(0, 0), (1, 1)])
@example(fields=[(1, 1)] * 17)
def test_writer_against_text(entropy, fields):
    """Bits come out as they went in, highest first, with zeros up to a whole byte."""
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
    """A value too wide for its width is refused with ValueError, and changes nothing."""
    writer = entropy.BitWriter()
    writer.write(1, 1)
    for value, width in [(4, 2), (-1, 3), (1, 0), (0, -1)]:
        expect.raises("ValueError", writer.write, value, width, what=f"write({value}, {width})")
    expect.equal(writer.to_bytes(), b"\x80", "the bytes")


@law(
    exercise="BitReader",
    points=4,
    hint="From the position in bits, find the first and the last byte that you need, and shift the rest away.",
    examples=30,
)
@given(data=st.binary(max_size=8), widths=st.binary(max_size=12).map(lambda raw: [byte % 18 for byte in raw]))
@example(data=b"\xa1", widths=[3, 5, 1])
@example(data=b"", widths=[0, 1])
def test_reader_against_text(entropy, data, widths):
    """Bits come back as written; at the end, EOFError leaves the position where it was."""
    text = "".join(format(byte, "08b") for byte in data)
    reader = entropy.BitReader(data)
    position = 0
    for width in widths:
        if position + width > len(text):
            what = f"read({width}) at bit {position} of {len(text)}"
            expect.raises("EOFError", reader.read, width, what=what)
        else:
            bits = text[position : position + width]
            expect.equal(reader.read(width), int(bits or "0", 2), f"read({width})")
            position += width
        expect.equal(reader.position, position, "the position")


@law(
    exercise="decompress",
    points=4,
    hint="Write down what compress writes, field by field, and read the same fields in the same order.",
    examples=30,
)
@given(data=DATA)
@example(data=b"")
@example(data=b"abracadabra")
@example(data=b"ab" * 500)
@example(data=bytes(range(256)))
@example(data=b"\x00" * 300)
def test_round_trip(entropy, elsewhere, data):
    """Another process gets back exactly the bytes that were compressed."""
    blob = entropy.compress(data)
    expect.kind(blob, bytes, "the compressed data")
    expect.equal(blob[:4], len(data).to_bytes(4, "big"), "the length, in the first 32 bits")
    expect.equal(elsewhere.decompress(blob), data, "the bytes after the round trip")


@law(
    exercise="compress",
    points=3,
    hint="k byte values that occur need ⌈log2 k⌉ bits each: 1 for two, 2 for three or four, none for one.",
    examples=25,
)
@given(data=DATA)
@example(data=b"abracadabra")
@example(data=b"")
@example(data=b"aaaa")
@example(data=bytes(range(256)))
def test_size_is_as_documented(entropy, data):
    """The size is the header's and the fewest whole bits that tell the symbols apart."""
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
    """A run shrinks; but inputs of up to 8 bits all get different outputs, so some grow."""
    expect.true(len(entropy.compress(b"a" * 100)) < 100, "a run of 100 equal bytes does not get shorter")
    inputs = [b"", *(bytes([i]) for i in range(256))]
    outputs = [entropy.compress(data) for data in inputs]
    expect.equal(len(set(outputs)), len(inputs), "the number of different outputs")
    longer = any(len(o) >= len(i) for i, o in zip(inputs, outputs, strict=True))
    expect.true(longer, "every input got shorter, which is impossible")


@law(
    exercise="is_entropy",
    points=3,
    examples=4,
    hint="Call the candidate on distributions whose entropy you know, and compare within a small tolerance.",
)
@given(order=st.permutations(["right", "right", "in_nats", "not_averaged", "constant"]))
def test_your_law_tells_right_from_wrong(entropy, order):
    """Your law accepts what is right, and refuses nats, plain sums and constants."""

    def right(p):
        return sum(-x * math.log2(x) for x in p if x > 0) + 0.0

    def in_nats(p):
        return sum(-x * math.log(x) for x in p if x > 0)

    def not_averaged(p):
        return sum(-math.log2(x) for x in p if x > 0)

    def constant(p):
        return 1.0

    candidates = {one.__name__: one for one in (right, in_nats, not_averaged, constant)}
    for name in order:
        expect.equal(
            entropy.is_entropy(candidates[name]), name == "right", f"your law on the implementation {name!r}"
        )

"""The hidden laws of lesson 6: larger inputs, the reference, and planted bugs."""

from itertools import pairwise
from math import log2

from hypothesis import example, given
from hypothesis import strategies as st

from autograder.laws import contract, expect, law

TOTAL = 65536

# The planted bugs that change what `encode_all` returns for short texts.
BUGS_IN_CODES = [
    "carry_is_dropped",
    "rounded_down_at_the_end",
    "all_six_bytes_at_the_end",
    "no_digit_is_left_out",
]

# One carry in about 2^16 goes through a full digit; with thirds, and with fair bits, they can be made to happen.
MODELS = [
    [1, 1, 1],
    [1, 1, 1],
    [1, 1],
    [1, 65535],
    [65535, 1],
    [5, 0, 1, 2],
    [100, 30, 1],
    [21845, 21846, 21845],
]
RUNS = [1, 1, 2, 11, 15, 16, 22]

steps = st.lists(st.tuples(st.sampled_from(MODELS), st.integers(0, 3), st.sampled_from(RUNS)), max_size=6)


def message_of(steps):
    """Make (symbols, models) of runs of one symbol under one model."""
    symbols, models = [], []
    for model, pick, length in steps:
        possible = [symbol for symbol, size in enumerate(model) if size]
        symbols += [possible[pick % len(possible)]] * length
        models += [model] * length
    return symbols, models


def ideal_of(blob, data):
    """Return the ideal bits of a text under the frequencies in a file's header, once they are seen to be some."""
    present = blob[4] + 1
    expect.true(len(blob) >= 5 + 3 * present, "the file ends within its header", got=blob)
    rows = [blob[5 + 3 * i : 8 + 3 * i] for i in range(present)]
    frequencies = {row[0]: int.from_bytes(row[1:], "big") for row in rows}
    expect.equal(sum(frequencies.values()), TOTAL, "the sum of the frequencies")
    expect.true(set(data) <= set(frequencies), "a byte of the data has no frequency", got=frequencies)
    return sum(
        data.count(symbol) * log2(TOTAL / frequencies[symbol]) for symbol in set(data)
    ), 5 + 3 * present


def answer(call, *args):
    """Return what a call gives, or "refused" where it raises ValueError."""
    try:
        return call(*args)
    except Exception as problem:
        names = getattr(problem, "names", None) or [base.__name__ for base in type(problem).__mro__]
        if "ValueError" not in names:
            raise
        return "refused"


@law(
    exercise="quantise",
    points=1,
    hint="Many symbols, most of them next to impossible: each has 1 all the same, a likelier one never has less than "
    "an unlikelier one, and the sum is exact.",
    examples=8,
)
@given(raw=st.binary(min_size=1, max_size=40), spread=st.sampled_from([0.0, 0.3, 1.0, 3.0]))
@example(raw=bytes(range(256)), spread=3.0)
@example(raw=bytes(256), spread=0.0)
def test_many_symbols_keep_their_order(arithmetic, raw, spread):
    """Of many symbols no likelier one has less, and none pays more than log2(total / (total - n)) bits."""
    weights = [2.0 ** (-spread * byte) for byte in raw] * 7
    got = arithmetic.quantise(weights)
    expect.equal([type(n).__name__ for n in got], ["int"] * len(weights), "the types of the frequencies")
    expect.true(min(got) > 0, "a symbol with the frequency 0 can't be coded", got=got)
    expect.equal(sum(got), TOTAL, "the sum of the frequencies")
    whole = sum(weights)
    rank = sorted(range(len(got)), key=lambda i: weights[i])
    for low, high in pairwise(rank):
        fair = weights[low] < weights[high]
        expect.true(not fair or got[low] <= got[high], "a likelier symbol has the lower frequency", got=got)
    most = log2(TOTAL / (TOTAL - len(got))) + 1e-9
    for weight, frequency in zip(weights, got, strict=True):
        paid = log2(TOTAL / frequency) - log2(whole / weight)
        expect.true(paid <= most, f"a symbol pays {paid:.6f} bits too many; {most:.6f} are allowed", got=got)


@law(
    exercise="Encoder",
    points=2,
    hint="Follow the docstrings to the letter: unit = width // total before anything is multiplied, a digit as soon "
    "as the width is below 2**32, carries added up at the end, and the lowest of the shortest codes.",
    examples=15,
)
@given(steps=steps)
@example(steps=[(MODELS[0], 1, 22), (MODELS[0], 2, 15)])
@example(steps=[(MODELS[0], 1, 28), (MODELS[0], 2, 1), (MODELS[3], 0, 2)])
@example(steps=[(MODELS[2], 0, 1), (MODELS[2], 1, 47), (MODELS[0], 2, 11)])
@example(steps=[(MODELS[4], 1, 22)])
@example(steps=[(MODELS[3], 0, 1), (MODELS[0], 2, 22), (MODELS[0], 1, 22)])
def test_bytes_are_those_of_the_reference(arithmetic, reference, steps):
    """The code of any message is the reference's, carries and all."""
    symbols, models = message_of(steps)
    expected = reference.encode_symbols(symbols, models)
    expect.equal(arithmetic.encode_symbols(symbols, models), expected, "the code of the symbols")
    bits = [symbol % 2 for symbol in symbols]
    ones = [1 + 1000 * symbol**9 % 65535 for symbol in symbols]
    expected = reference.encode_bits(bits, ones)
    expect.equal(arithmetic.encode_bits(bits, ones), expected, "the code of the bits")


@law(
    exercise="Decoder",
    points=2,
    hint="Whatever bytes come in, code must stay below width. Refuse a code that lies beyond the last unit, a part "
    "that it is not in, and an end that an encoder would have written otherwise.",
    examples=12,
)
@given(steps=steps, turned=st.integers(0, 200), cut=st.integers(0, 3))
@example(steps=[(MODELS[0], 1, 22), (MODELS[0], 2, 15)], turned=0, cut=0)
@example(steps=[(MODELS[3], 0, 22), (MODELS[4], 1, 2)], turned=190, cut=0)
@example(steps=[(MODELS[5], 3, 22)], turned=0, cut=1)
@example(steps=[(MODELS[3], 0, 1), (MODELS[0], 2, 22), (MODELS[0], 1, 22)], turned=0, cut=0)
def test_damaged_code_is_read_as_the_reference_reads_it(arithmetic, reference, steps, turned, cut):
    """The reference's codes come back; damaged, they give the same symbols or are refused by both."""
    symbols, models = message_of(steps)
    code = reference.encode_symbols(symbols, models)
    expect.equal(arithmetic.decode_symbols(code, models), (symbols, len(code)), "the symbols")
    damaged = bytearray(code[: max(0, len(code) - cut)])
    if damaged:
        damaged[turned // 8 % len(damaged)] ^= 0x80 >> turned % 8
    blob, ones = bytes(damaged), [20000 + 9999 * symbol for symbol in symbols]
    for name, told in (("decode_symbols", models), ("decode_bits", ones)):
        expected = answer(getattr(reference, name), blob, told)
        expect.equal(answer(getattr(arithmetic, name), blob, told), expected, f"what {name} makes of damage")


@law(
    exercise="compress",
    points=2,
    hint="Read your file with the docstring of compress beside it. Its code should have less than 9 bits, and 1/32768 "
    "a byte, above the sum of -log2 of the shares in its header.",
    examples=8,
)
@given(data=contract.texts)
@example(data=b"the quick brown fox jumps over the lazy dog" * 30)
@example(data=b"\x00" * 5000 + b"\x01")
@example(data=bytes(range(256)) * 3 + b"a" * 900)
def test_files_are_exchanged_with_the_reference(arithmetic, reference, data):
    """Files go both ways between your code and the reference, and yours is as short as its own header allows."""
    blob = arithmetic.compress(data)
    expect.kind(blob, bytes, "the file")
    opened = answer(reference.decompress, blob)
    expect.equal(opened, data, "your file, opened by the reference")
    if data:
        ideal, header = ideal_of(blob, data)
        bits = 8 * (len(blob) - header)
        most = ideal + len(data) / 2**15 + 9
        expect.true(bits < most, f"the code has {bits} bits, where {ideal:.3f} are ideal", got=blob)
        least = sum(n * log2(len(data) / n) for n in map(data.count, set(data)))
        most = least + len(data) * log2(TOTAL / (TOTAL - 256)) + 1e-6
        expect.true(
            ideal <= most, f"with its frequencies {ideal:.3f} bits are ideal; {least:.3f} can be", got=blob
        )
    expect.equal(
        arithmetic.decompress(reference.compress(data)), data, "the reference's file, opened by yours"
    )


@law(
    exercise="decompress",
    points=1,
    hint="Cut a file at every length, lengthen it by a byte, change its size field: none of them may "
    "give data back.",
)
def test_damaged_files_are_refused(arithmetic, reference):
    """Files cut short, with a tail, with an absurd size or with a wrong header are refused with ValueError."""
    for data in (b"she sells sea shells on the sea shore", b"\x00" * 30, bytes(range(40))):
        blob = reference.compress(data)
        expect.equal(arithmetic.decompress(blob), data, "the undamaged file")
        contract.refuses_damage(arithmetic.decompress, blob, steps=12)
        expect.raises("ValueError", arithmetic.decompress, b"\x7f" + blob[1:], what="an absurd size")
    wrong = ["00000001", "00000001" + "00" + "61ffff", "00000001" + "01" + "618000" + "618000" + "00"]
    wrong += [
        "00000001" + "01" + "628000" + "618000" + "00",
        "00000001" + "02" + "618000" + "620000" + "638000" + "00",
    ]
    for header in wrong:
        expect.raises("ValueError", arithmetic.decompress, bytes.fromhex(header), what=f"the file {header}")


@law(
    exercise="rans_decode",
    points=1,
    hint="Compare your states with those of rans_decode_lanes with one lane. A state that grows beyond 48 bits, or a "
    "digit read too early or too late, puts all that follows out of step.",
    examples=10,
)
@given(
    raw=st.binary(max_size=300), skew=st.sampled_from([[16384] * 4, [65533, 1, 1, 1], [1, 60000, 5535, 0]])
)
@example(raw=b"\x00" * 2000, skew=[65533, 1, 1, 1])
@example(raw=b"\x01" * 200, skew=[65533, 1, 1, 1])
def test_rans_is_exchanged_with_the_reference(arithmetic, reference, raw, skew):
    """Long and skewed texts go both ways between your rANS and the reference's."""
    data = bytes(byte % (4 - skew.count(0)) for byte in raw)
    code = reference.rans_encode(data, skew)
    expect.equal(arithmetic.rans_encode(data, skew), code, "the code")
    expect.equal(arithmetic.rans_decode(code, len(data), skew), (data, len(code)), "the text")


@law(
    exercise="is_nearly_ideal",
    points=3,
    examples=4,
    hint="Some mistakes need a message whose interval straddles a multiple of 1 / 2**16 after two letters: there a "
    "carry comes. Others show with no letter at all, or with very many that cost next to nothing.",
)
@given(order=st.permutations(["right", "right", *BUGS_IN_CODES]))
def test_your_law_meets_planted_bugs(arithmetic, reference, bugs, order):
    """Your law accepts our coder and refuses those with planted mistakes, in whatever order they come."""
    for name in order:
        module = reference if name == "right" else bugs[name]
        verdict = arithmetic.is_nearly_ideal(module.encode_all)
        expect.equal(verdict, name == "right", "your law on an implementation, right or with a mistake")

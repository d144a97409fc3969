"""The hidden laws of lesson 3: larger inputs, the reference, and planted bugs."""

from fractions import Fraction

from hypothesis import example, given
from hypothesis import strategies as st

from autograder.laws import expect, law

# The planted bugs that change what `code_lengths` returns for at most eight symbols.
BUGS_IN_LENGTHS = ["lone_symbol_needs_no_bit", "tree_weighs_as_its_heavier_half", "only_one_side_goes_down"]

FIBONACCI = [1, 1]
while len(FIBONACCI) < 18:
    FIBONACCI.append(FIBONACCI[-1] + FIBONACCI[-2])

COUNTS = [1, 1, 2, 3, 3, 8, 40, 1000, 10**9]
tallies = st.binary(min_size=1, max_size=60).map(lambda raw: [COUNTS[byte % 9] for byte in raw])


def total_bits(counts, lengths):
    """Return the bits that the lengths cost, once they are seen to be lengths for these symbols."""
    expect.kind(lengths, dict, "the lengths")
    expect.equal(set(lengths), set(counts), "the symbols that have a length")
    for symbol, length in lengths.items():
        expect.kind(length, int, f"the length of symbol {symbol}")
        expect.true(1 <= length <= 300, f"symbol {symbol} has a length that no code has", got=length)
    kraft = sum((Fraction(1, 1 << length) for length in lengths.values()), Fraction(0))
    expect.true(kraft <= 1, f"no prefix code has these lengths: their Kraft sum is {kraft}", got=lengths)
    return sum(counts[symbol] * lengths[symbol] for symbol in counts)


def deep_text():
    """Make a text whose best code without a limit is longer than a header can tell."""
    return b"".join(bytes([symbol]) * count for symbol, count in enumerate(FIBONACCI))


@law(
    exercise="code_lengths",
    points=1,
    hint="Try it with many symbols and with very large counts. Keep counts whole numbers, and let no "
    "order of the dictionary matter.",
    examples=25,
)
@given(tally=tallies)
@example(tally=[2**i for i in range(80)])
@example(tally=[10**17 + i for i in range(9)])
@example(tally=list(range(288, 0, -1)))
def test_large_alphabets_and_counts(huffman, reference, tally):
    """Large alphabets and large counts get a best code, and a count below 1 is refused."""
    counts = {7 * i % 997: n for i, n in enumerate(tally)}
    got = total_bits(counts, huffman.code_lengths(counts))
    least = reference.coded_bits(counts, reference.code_lengths(counts))
    expect.equal(got, least, "the bits that the text takes")
    expect.raises("ValueError", huffman.code_lengths, {**counts, 1000: 0}, what="a count of 0")


@law(
    exercise="limited_code_lengths",
    points=2,
    hint="Try limits from the tightest possible to one that does not matter, where the total must be "
    "that of code_lengths. Refuse a limit that leaves too few codes for the symbols.",
    examples=25,
)
@given(tally=tallies, room=st.integers(0, 12))
@example(tally=FIBONACCI, room=0)
@example(tally=FIBONACCI, room=10)
@example(tally=[1] * 256, room=0)
@example(tally=[3**i for i in range(30)], room=3)
def test_limit_with_many_symbols(huffman, reference, tally, room):
    """Larger alphabets get a best code within the limit; what can't be kept is refused."""
    counts = {255 - i: n for i, n in enumerate(tally)}
    tightest = max(1, (len(counts) - 1).bit_length())
    limit = tightest + room
    lengths = huffman.limited_code_lengths(counts, limit)
    got = total_bits(counts, lengths)
    expect.true(max(lengths.values()) <= limit, f"a code is longer than {limit} bits", got=lengths)
    least = reference.coded_bits(counts, reference.limited_code_lengths(counts, limit))
    expect.equal(got, least, f"the bits that the text takes within {limit}")
    expect.raises("ValueError", huffman.limited_code_lengths, counts, tightest - 1)
    expect.raises(
        "ValueError", huffman.limited_code_lengths, {**counts, 1000: 0}, limit + 1, what="a count of 0"
    )


@law(
    exercise="canonical_codes",
    points=1,
    hint="Some lists of lengths belong to no prefix code. While you count upwards, notice when a code "
    "no longer fits into its length.",
)
def test_impossible_lengths_are_refused(huffman, reference):
    """Lengths that no prefix code has are refused with ValueError, and no others."""
    for lengths in ([1, 1], [2, 2, 2, 2], [1, 2, 3], [3] * 8, [1, 2, 3, 4, 4], [30, 30]):
        named = dict(enumerate(lengths))
        expect.equal(huffman.canonical_codes(named), reference.canonical_codes(named), "the codes")
    for lengths in ([1, 1, 1], [1, 1, 2], [2, 2, 2, 2, 2], [1, 2, 2, 9], [3] * 8 + [9], [0], [0, 1], [1, -1]):
        expect.raises("ValueError", huffman.canonical_codes, dict(enumerate(lengths)))


@law(
    exercise="decoding_table",
    points=1,
    hint="Before you fill an entry, look whether another code holds it already. Refuse what would need "
    "an enormous table.",
)
def test_codes_that_clash_are_refused(huffman):
    """A code that begins another, or is too long for a table, is refused with ValueError."""
    expect.equal(huffman.decoding_table({1: (0, 1), 2: (3, 2)}), [(1, 1), (1, 1), (-1, 0), (2, 2)], "a table")
    expect.raises("ValueError", huffman.decoding_table, {1: (0, 1), 2: (1, 2)})
    expect.raises("ValueError", huffman.decoding_table, {1: (5, 3), 2: (2, 2)})
    expect.raises("ValueError", huffman.decoding_table, {1: (1, 1), 2: (1, 1)})
    expect.raises("ValueError", huffman.decoding_table, {1: (0, 1), 2: (1 << 59, 60)})


@law(
    exercise="compress",
    points=2,
    hint="Open your file with the docstring of compress beside it, and try data of many kinds: few "
    "symbols, many, and counts that differ enormously.",
    examples=25,
)
@given(
    data=st.one_of(
        st.binary(max_size=60),
        st.text("aaab c", max_size=60).map(str.encode),
        st.lists(st.sampled_from([1, 2, 4, 8, 50]), max_size=12).map(
            lambda tally: b"".join(bytes([20 * i]) * n for i, n in enumerate(tally))
        ),
    )
)
@example(data=deep_text())
@example(data=deep_text()[::-1] + bytes(range(256)))
@example(data=b"")
def test_files_are_exchanged_with_the_reference(huffman, reference, data):
    """Files go both ways between your code and the reference, and yours is as small."""
    counts = {symbol: data.count(symbol) for symbol in set(data)}
    theirs = reference.compress(data)
    blob = huffman.compress(data)
    expect.kind(blob, bytes, "the file")
    try:
        opened = reference.decompress(blob)
    except ValueError as problem:
        expect.true(False, f"the reference can't open the file: {problem}", got=blob)
    expect.equal(opened, data, "your file, opened by the reference")
    got = reference.coded_bits(counts, reference.read_lengths(blob[4:])[0])
    least = reference.coded_bits(counts, reference.read_lengths(theirs[4:])[0])
    expect.equal(got, least, "the bits of the encoded data")
    expect.equal(huffman.decompress(theirs), data, "the reference's file, opened by yours")


@law(
    exercise="decompress",
    points=2,
    hint="Cut a file at every length, lengthen it by a byte, change its size field: none of them may "
    "give data back.",
)
def test_damaged_files_are_refused(huffman, reference):
    """Files cut short, with a tail or with an absurd size are refused with ValueError."""
    for data in (b"abracadabra" * 5, b"\x00" * 30, bytes(range(256))):
        blob = reference.compress(data)
        expect.equal(huffman.decompress(blob), data, "the undamaged file")
        for kept in range(0, len(blob), 1 + len(blob) // 60):
            expect.raises("ValueError", huffman.decompress, blob[:kept], what=f"{kept} bytes of {len(blob)}")
        expect.raises("ValueError", huffman.decompress, blob + b"\x00", what="a byte too many")
        expect.raises("ValueError", huffman.decompress, b"\xff" + blob[1:], what="an absurd size")
    nothing = reference.compress(b"")
    expect.raises("ValueError", huffman.decompress, nothing + b"\x00", what="a byte after an empty file")
    expect.raises("ValueError", huffman.decompress, b"\x00\x00\x00\x01" + nothing[4:], what="data, no code")


@law(
    exercise="is_best_code",
    points=3,
    examples=4,
    hint="Some mistakes show only for some counts. Ask for one symbol, for equal counts, for very unequal ones, and "
    "for some where joined trees must wait for their turn.",
)
@given(order=st.permutations(["right", "right", *BUGS_IN_LENGTHS]))
def test_your_law_meets_planted_bugs(huffman, reference, bugs, order):
    """Your law accepts our lengths and refuses those of every planted mistake, in whatever order they come."""
    for name in order:
        module = reference if name == "right" else bugs[name]
        verdict = huffman.is_best_code(module.code_lengths)
        expect.equal(verdict, name == "right", "your law on an implementation, right or with a mistake")

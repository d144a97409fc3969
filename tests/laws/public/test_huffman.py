"""The public laws of lesson 3."""

import itertools
from fractions import Fraction
from functools import lru_cache
from math import ceil, log2

from hypothesis import example, given
from hypothesis import strategies as st

from autograder.laws import expect, law

ABRACADABRA = {97: 5, 98: 2, 99: 1, 100: 1, 114: 2}

FIXED_CODE_OF_DEFLATE = {i: 8 if i < 144 else 9 if i < 256 else 7 if i < 280 else 8 for i in range(288)}

# Prefix codes as {symbol: word}: lone, canonical, in another order, leading zeros, deep, wide, incomplete.
WORDS = [
    {97: "0"},
    {97: "0", 98: "10", 99: "11"},
    {97: "0", 98: "100", 99: "101", 100: "110", 114: "111"},
    {97: "11", 98: "00", 99: "01", 100: "10"},
    {0: "1", 10: "000", 65: "01", 255: "001"},
    {symbol: "1" * symbol + "0" for symbol in range(14)} | {200: "1" * 14 + "0", 201: "1" * 15},
    {symbol: f"{symbol ^ 0x55:08b}" for symbol in range(256)},
    {97: "00", 98: "01", 99: "100"},
]

SKEWED = [1, 1, 1, 2, 2, 3, 4, 5, 8, 13, 100]
GAPPED = [4, 5, 5, 6, 9, 12]


def picked(raw, values):
    """Pick a value for each byte: one string of bytes is drawn sooner than a list, entry by entry."""
    return [values[byte % len(values)] for byte in raw]


few_counts = st.builds(
    lambda symbols, raw: dict(zip(symbols, picked(raw, SKEWED), strict=False)),
    st.binary(max_size=6),
    st.binary(min_size=6, max_size=6),
)
codes_by_hand = st.sampled_from(WORDS)
choices = st.binary(max_size=60)


@lru_cache(maxsize=100)
def shapes(size, limit):
    """Every list of `size` lengths, shortest first, that a complete prefix code within the limit can have."""
    return [
        lengths
        for lengths in itertools.combinations_with_replacement(range(1, limit + 1), size)
        if sum(1 << limit - length for length in lengths) == 1 << limit
    ]


def ranked(counts, limit=0):
    """Return all complete codes for at most eight symbols as (total bits, lengths), the best first.

    The commonest symbol has the shortest code in each: exchanging two lengths the other way never helps.
    """
    if len(counts) > 8:
        raise ValueError(f"{len(counts)} symbols: the candidates take at most eight")
    if len(counts) < 2:
        return [(sum(counts.values()), dict.fromkeys(counts, 1))]
    symbols = sorted(counts, key=lambda symbol: -counts[symbol])
    limit = limit or len(counts) - 1
    codes = [dict(zip(symbols, shape, strict=True)) for shape in shapes(len(counts), limit)]
    totals = [sum(counts[symbol] * length for symbol, length in code.items()) for code in codes]
    return sorted(zip(totals, codes, strict=True), key=lambda pair: pair[0])


def cost(counts, lengths):
    """Return the bits that the lengths cost, once they are seen to be those of a prefix code."""
    expect.kind(lengths, dict, "the lengths")
    expect.equal(set(lengths), set(counts), "the symbols that have a length")
    for symbol, length in lengths.items():
        expect.kind(length, int, f"the length of symbol {symbol}")
        expect.true(1 <= length <= 300, f"symbol {symbol} has a length that no code has", got=length)
    kraft = sum((Fraction(1, 1 << length) for length in lengths.values()), Fraction(0))
    expect.true(kraft <= 1, f"no prefix code has these lengths: their Kraft sum is {kraft}", got=lengths)
    return sum(counts[symbol] * lengths[symbol] for symbol in counts)


def as_codes(words):
    """Turn {symbol: word} into the codes that the lesson's functions take."""
    return {symbol: (int(word, 2), len(word)) for symbol, word in words.items()}


def text_for(words, picks):
    """Make a text of symbols that have a word."""
    symbols = list(words)
    return bytes(symbols[pick % len(symbols)] for pick in picks)


def to_bytes(bits):
    """Put a string of 0 and 1 into bytes, with zeros after it."""
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))


def split_leaves(picks, step):
    """Grow the lengths of a complete code by splitting leaves, and spread its symbols over the bytes."""
    leaves = [1, 1]
    for pick in picks:
        at = pick % len(leaves)
        if leaves[at] < 15:
            leaves[at : at + 1] = [leaves[at] + 1] * 2
    return {step * i % 256: length for i, length in enumerate(leaves)}


complete_lengths = st.builds(
    lambda raw, step: split_leaves(picked(raw, [0, 0, 1, 2, 5, 11]), step),
    st.binary(max_size=40),
    st.sampled_from([1, 1, 3, 37]),
)


@law(
    exercise="code_lengths",
    points=2,
    hint="Join the two lightest trees and put the result back with the sum of their counts: every symbol in it is "
    "one bit deeper now. A lone symbol never meets a partner: give it 1 bit yourself.",
)
def test_abracadabra_takes_23_bits(huffman):
    """The pencil example: abracadabra takes 23 bits, and a lone symbol 1 bit each time."""
    lengths = huffman.code_lengths(dict(ABRACADABRA))
    expect.equal(cost(ABRACADABRA, lengths), 23, "the bits that abracadabra takes")
    expect.equal(lengths[97], 1, "the length for the letter a")
    lengths = huffman.code_lengths({97: 9, 98: 3, 99: 2})
    expect.equal(lengths, {97: 1, 98: 2, 99: 2}, "the lengths for the counts 9, 3 and 2")
    expect.equal(huffman.code_lengths({120: 7}), {120: 1}, "the lengths for one symbol")
    expect.equal(huffman.code_lengths({}), {}, "the lengths for no symbol")


@law(
    exercise="code_lengths",
    points=3,
    hint="Work the example out on paper. At each step the two lightest of ALL trees must join, the new "
    "ones included, and a joined tree weighs the sum of both.",
    examples=30,
)
@given(counts=few_counts)
@example(counts={0: 1, 1: 1, 2: 2, 3: 3, 4: 5, 5: 8})
@example(counts={0: 15, 1: 7, 2: 6, 3: 6, 4: 5})
@example(counts={5: 1, 4: 1, 3: 1, 2: 1, 1: 1, 0: 1})
def test_no_code_is_shorter(huffman, counts):
    """No other prefix code makes the text shorter: all are tried."""
    got = cost(counts, huffman.code_lengths(counts))
    expect.equal(got, ranked(counts)[0][0], "the bits that the text takes")


@law(
    exercise="code_lengths",
    points=2,
    hint="Each join makes every symbol on BOTH sides one bit longer. Add up 2 ** -length over the "
    "symbols: it must come to 1.",
    examples=30,
)
@given(tally=st.binary(min_size=2, max_size=40).map(lambda raw: picked(raw, [1, 1, 2, 3, 7, 20, 1000])))
@example(tally=[1] * 256)
@example(tally=[2**i for i in range(20)])
@example(tally=[10**6, 1])
def test_average_is_within_a_bit_of_entropy(huffman, tally):
    """The average length is less than a bit above the entropy; Kraft's sum is 1."""
    counts = dict(enumerate(tally))
    lengths = huffman.code_lengths(counts)
    total = sum(tally)
    average = cost(counts, lengths) / total
    entropy = sum(-n / total * log2(n / total) for n in tally)
    expect.true(entropy <= average + 1e-9, f"H is {entropy}; {average} bits can't be", got=lengths)
    expect.true(average < entropy + 1, f"H is {entropy}; {average} bits are too many", got=lengths)
    kraft = sum(Fraction(1, 1 << length) for length in lengths.values())
    expect.true(kraft == 1, f"a best code leaves nothing unused, but its Kraft sum is {kraft}", got=lengths)


@law(
    exercise="limited_code_lengths",
    points=3,
    hint="There are as many lists as the limit says: the first is the coins, each further one the coins merged "
    "with the pairs of the list before. Work the example with limit 2 out on paper.",
    examples=30,
)
@given(counts=few_counts, room=st.integers(0, 2))
@example(counts={0: 1, 1: 1, 2: 2, 3: 3, 4: 5, 5: 8}, room=0)
@example(counts={0: 1, 1: 1, 2: 2, 3: 3, 4: 5, 5: 8}, room=1)
@example(counts={65: 1, 66: 1, 67: 2, 68: 4}, room=0)
@example(counts={65: 1, 66: 1, 67: 2, 68: 4}, room=1)
@example(counts={7: 3}, room=0)
@example(counts={0: 9, 1: 1}, room=0)
def test_limit_is_kept_at_least_cost(huffman, counts, room):
    """No code is longer than the limit, and no other within it does better."""
    limit = max(1, (len(counts) - 1).bit_length()) + room
    lengths = huffman.limited_code_lengths(counts, limit)
    got = cost(counts, lengths)
    expect.true(max(lengths.values(), default=1) <= limit, f"a code is longer than {limit} bits", got=lengths)
    expect.equal(got, ranked(counts, limit)[0][0], f"the bits that the text takes within {limit}")


@law(
    exercise="canonical_codes",
    points=2,
    hint="Sort by length, then by symbol. Count upwards from 0, and where the length grows by k, shift "
    "the counter left by k.",
    examples=30,
)
@given(
    lengths=st.builds(
        lambda symbols, raw: dict(
            zip([32 + symbol for symbol in symbols], picked(raw, GAPPED), strict=False)
        ),
        st.binary(max_size=16),
        st.binary(min_size=16, max_size=16),
    )
)
@example(lengths=dict(zip(b"ABCDEFGH", [3, 3, 3, 3, 3, 2, 4, 4], strict=True)))
@example(lengths=FIXED_CODE_OF_DEFLATE)
@example(lengths={114: 3, 100: 3, 99: 3, 98: 3, 97: 1})
@example(lengths={9: 1})
def test_codes_stand_in_order_of_deflate(huffman, lengths):
    """Codes are given out in order of length, then of symbol, as in RFC 1951."""
    expected, start = {}, Fraction(0)
    for symbol in sorted(lengths, key=lambda symbol: (lengths[symbol], symbol)):
        expected[symbol] = (int(start * 2 ** lengths[symbol]), lengths[symbol])
        start += Fraction(1, 2 ** lengths[symbol])
    expect.equal(huffman.canonical_codes(lengths), expected, "the codes")


@law(
    exercise="encode",
    points=2,
    hint="Write each code with exactly `length` bits, zeros in front included, and put what is missing "
    "to a whole byte at the END. A byte without a code is a ValueError.",
    examples=30,
)
@given(words=codes_by_hand, picks=choices)
@example(words=WORDS[2], picks=bytes([0, 1, 4, 0, 2, 0, 3, 0, 1, 4, 0]))
@example(words=WORDS[4], picks=bytes([1, 1, 1]))
@example(words=WORDS[6], picks=bytes(range(256)))
@example(words=WORDS[0], picks=b"")
def test_bits_are_those_of_the_codes(huffman, words, picks):
    """The words of the text stand side by side, with zeros up to a whole byte."""
    data = text_for(words, picks)
    bits = "".join(words[symbol] for symbol in data)
    expect.equal(huffman.encode(data, as_codes(words)), to_bytes(bits), f"the bytes of the bits {bits!r}")
    if len(words) < 256:
        stranger = bytes([next(symbol for symbol in range(256) if symbol not in words)])
        expect.raises("ValueError", huffman.encode, data + stranger, as_codes(words))


@law(
    exercise="decoding_table",
    points=2,
    hint="A code that is k bits shorter than the longest one owns 2 ** k entries side by side: all "
    "ways to go on after it. Where one of them is taken already, two codes clash.",
    examples=20,
)
@given(words=st.sampled_from([words for words in WORDS if len(words) < 10]))
@example(words=WORDS[2])
@example(words=WORDS[7])
@example(words={5: "1"})
@example(words={})
def test_table_answers_every_peek(huffman, words):
    """Each entry names the code that its index begins with; codes that clash are refused."""
    width = max(map(len, words.values()), default=0)
    expected = []
    for peek in range(2**width):
        bits = f"{peek:0{width}b}" if width else ""
        expected.append(next(((s, len(word)) for s, word in words.items() if bits.startswith(word)), (-1, 0)))
    expect.equal(huffman.decoding_table(as_codes(words)), expected, "the table")
    if width:
        longer = {**words, 300: next(iter(words.values())) + "1"}
        expect.raises("ValueError", huffman.decoding_table, as_codes(longer))


@law(
    exercise="decode",
    points=2,
    hint="Move on by the length of the code found, not by the bits looked at. Near the end you look past the data: "
    "take what isn't there for zeros, and count the bits used, not the bytes.",
    examples=30,
)
@given(words=codes_by_hand, picks=choices, tail=st.sampled_from(["", "1", "0", "111111111", "0110" * 20]))
@example(words=WORDS[2], picks=bytes([0, 1, 4, 0, 2, 0, 3, 0, 1, 4, 0]), tail="")
@example(words=WORDS[5], picks=bytes([15, 0, 14, 13]) * 20, tail="1")
@example(words=WORDS[6], picks=bytes(range(256)), tail="")
@example(words=WORDS[0], picks=b"", tail="")
def test_decode_says_how_many_bits_it_used(huffman, words, picks, tail):
    """The text comes back with the number of its bits, whatever follows it."""
    data = text_for(words, picks)
    bits = "".join(words[symbol] for symbol in data)
    got = huffman.decode(to_bytes(bits + tail), len(data), as_codes(words))
    expect.equal(got, (data, len(bits)), "the text and its bits")


@law(
    exercise="decode",
    points=1,
    hint="Two things can go wrong: no code begins so, or the bits used are more than there are. A size larger than "
    "the number of bits can be refused before you start.",
)
def test_decode_refuses_damage(huffman):
    """A text cut short, bits of no code and an absurd size are refused with ValueError."""
    codes, holes = as_codes(WORDS[2]), as_codes(WORDS[7])
    data = b"abracadabra" * 3
    whole = to_bytes("".join(WORDS[2][symbol] for symbol in data))
    expect.equal(huffman.decode(whole, len(data), codes)[0], data, "the undamaged text")
    for kept in range(len(whole)):
        expect.raises("ValueError", huffman.decode, whole[:kept], len(data), codes, what=f"its first {kept}")
    expect.equal(huffman.decode(b"\x12", 3, holes), (b"aba", 6), "an incomplete code, used rightly")
    expect.raises("ValueError", huffman.decode, b"\x1f\xff", 4, holes, what="the bits 111, which are no code")
    expect.raises("ValueError", huffman.decode, whole, 10**15, codes, what="a size of 10**15")
    expect.raises("ValueError", huffman.decode, whole, 1, {}, what="a code without symbols")


@law(
    exercise="decode",
    points=1,
    hint="The other decoder is given. Where the two differ on a long text only, look at how you refill the window: "
    "the bits that are left must stay above the new ones.",
    examples=6,
)
@given(words=codes_by_hand, picks=st.binary(min_size=40, max_size=80), copies=st.sampled_from([20, 60]))
@example(words=WORDS[5], picks=bytes(range(16)), copies=40)
@example(words=WORDS[6], picks=bytes(range(256)), copies=8)
@example(words=WORDS[0], picks=b"a", copies=2000)
def test_one_reader_and_many_agree(huffman, words, picks, copies):
    """Your decoder finds what the lesson's fast one finds, in a long text too."""
    data = text_for(words, picks) * copies
    bits = "".join(words[symbol] for symbol in data)
    blob, codes = to_bytes(bits), as_codes(words)
    got = huffman.decode(blob, len(data), codes)
    expect.equal(got, (data, len(bits)), "the text and its bits")
    expect.equal(huffman.decode_in_lanes(blob, len(data), codes), got, "the same, from many readers")


@law(
    exercise="write_lengths",
    points=1,
    hint="Go through the byte values 0 to 255 and cut them into runs of equal length, at most 16 "
    "values each. A run's byte is 16 * length + values - 1.",
)
def test_header_is_as_documented(huffman):
    """Five headers come out as worked out by hand; what fits into none is refused."""
    by_hand = [
        ("no symbol", {}, "0f" * 16),
        ("two letters", {97: 1, 98: 1}, "0f" * 6 + "00" + "11" + "0f" * 9 + "0c"),
        ("abracadabra", {97: 1, 98: 3, 99: 3, 100: 3, 114: 3}, "0f" * 6 + "0010320c30" + "0f" * 8 + "0c"),
        ("all bytes alike", dict.fromkeys(range(256), 8), "8f" * 16),
        ("runs of 17", dict.fromkeys(range(17), 15), "ff" + "f0" + "0f" * 14 + "0e"),
    ]
    for name, lengths, header in by_hand:
        expect.equal(huffman.write_lengths(lengths), bytes.fromhex(header), f"the header of {name}")
    for unfit in ({256: 1}, {-1: 1}, {0: 16}, {0: 0}):
        expect.raises("ValueError", huffman.write_lengths, unfit)


@law(
    exercise="read_lengths",
    points=2,
    hint="Stop when 256 values are told, however the blob goes on. A run of length 0 moves on without "
    "giving anyone a code.",
    examples=30,
)
@given(lengths=complete_lengths, tail=st.sampled_from([b"", b"\x00", b"\xff" * 40]))
@example(lengths={}, tail=b"")
@example(lengths={255: 1}, tail=b"\x1f")
@example(lengths=dict.fromkeys(range(256), 8), tail=b"\x8f")
def test_header_round_trip(huffman, elsewhere, lengths, tail):
    """Another process reads a header back, with the number of its bytes."""
    one_by_one = bytes(lengths.get(symbol, 0) << 4 for symbol in range(256))
    expect.equal(huffman.read_lengths(one_by_one + tail), (lengths, 256), "256 runs of one value")
    header = huffman.write_lengths(lengths)
    expect.equal(elsewhere.read_lengths(header + tail), (lengths, len(header)), "the lengths and the size")


@law(
    exercise="read_lengths",
    points=2,
    hint="The blob must not end before value 255 is told, no run may go past it, and the Kraft sum must be 1. "
    "Only no code at all, and a lone code of 1 bit, may stay below.",
)
def test_corrupt_header_is_refused(huffman):
    """A header cut short, too long or not of a complete code is refused with ValueError."""
    good = bytes.fromhex("10" + "21" + "0f" * 15 + "0c")
    expect.equal(huffman.read_lengths(good), ({0: 1, 1: 2, 2: 2}, 18), "the undamaged header")
    for kept in range(len(good)):
        expect.raises("ValueError", huffman.read_lengths, good[:kept], what=f"{kept} of its bytes")
    broken = [
        ("over-subscribed: lengths 1, 2, 2, 2", "10" + "22" + "0f" * 15 + "0b"),
        ("over-subscribed: 256 values of length 7", "7f" * 16),
        ("incomplete: lengths 1 and 2", "10" + "20" + "0f" * 15 + "0d"),
        ("incomplete: a lone code of 2 bits", "20" + "0f" * 15 + "0e"),
        ("one value too many", "10" + "21" + "0f" * 15 + "0d"),
    ]
    for name, header in broken:
        expect.raises("ValueError", huffman.read_lengths, bytes.fromhex(header), what=name)


@law(
    exercise="compress",
    points=1,
    hint="Four bytes of size, highest first; the header; the encoded data. Nothing stands between them.",
)
def test_file_is_as_documented(huffman):
    """Files whose best code leaves no choice come out as documented, byte for byte."""
    by_hand = [
        (b"", "00000000" + "0f" * 16),
        (b"\x00\x00\x00", "00000003" + "10" + "0f" * 15 + "0e" + "00"),
        (b"\x00\x01\x00", "00000003" + "11" + "0f" * 15 + "0d" + "40"),
        (b"\x00\x01\x00\x02\x00\x01\x00\x03", "00000008" + "10" + "20" + "31" + "0f" * 15 + "0b" + "4c9c"),
        (bytes(range(256)), "00000100" + "8f" * 16 + bytes(range(256)).hex()),
    ]
    for data, blob in by_hand:
        expect.equal(huffman.compress(data), bytes.fromhex(blob), f"the file of {data[:8]!r}")


@law(
    exercise="decompress",
    points=2,
    hint="Read the size, then the header, which says how many bytes it took; all that is left is for decode.",
    examples=30,
)
@given(
    data=st.builds(
        lambda raw, alphabet, runs: b"".join(
            bytes([symbol]) * length
            for symbol, length in zip(picked(raw, alphabet), itertools.cycle(runs), strict=False)
        ),
        st.binary(max_size=40),
        st.sampled_from([b"ab ", b"\x00aez\xff", bytes(range(256))]),
        st.sampled_from([[1], [1, 2, 17], [1, 1, 1, 300]]),
    )
)
@example(data=b"")
@example(data=b"a")
@example(data=b"\xff" * 300)
@example(data=b"abracadabra")
@example(data=bytes(range(256)) * 3)
def test_file_round_trip(huffman, elsewhere, data):
    """Another process gets back exactly the bytes that were compressed."""
    blob = huffman.compress(data)
    expect.kind(blob, bytes, "the compressed data")
    expect.equal(blob[:4], len(data).to_bytes(4, "big"), "the size, in the first 4 bytes")
    expect.equal(elsewhere.decompress(blob), data, "the data")


@law(
    exercise="is_best_code",
    points=1,
    examples=3,
    hint="Ask for counts whose least total you know, and add up count * length. Then ask whether any prefix code "
    "has these lengths, and whether every symbol has one.",
)
@given(order=st.permutations(range(7)))
def test_your_law_tells_right_from_wrong(huffman, order):
    """Your law accepts two different best codes, and refuses what isn't best or isn't a code."""

    def best(counts):
        return ranked(counts)[0][1]

    def other_best(counts):
        return [code for total, code in ranked(counts) if total == ranked(counts)[0][0]][-1]

    def second_best(counts):
        return next((code for total, code in ranked(counts) if total > ranked(counts)[0][0]), best(counts))

    def shannon(counts):
        return {symbol: max(1, ceil(log2(sum(counts.values()) / n))) for symbol, n in counts.items()}

    def fixed(counts):
        return dict.fromkeys(counts, max(1, (len(counts) - 1).bit_length()))

    def one_for_another(counts):
        lengths = best(counts)
        for a, b in itertools.combinations(counts, 2):
            if counts[a] == counts[b] and lengths[a] == lengths[b] > 1:
                return lengths | {a: lengths[a] - 1, b: lengths[b] + 1}
        return lengths

    right = [("a best code", best), ("another best code", other_best)]
    wrong = [
        ("the same number of bits for all symbols", fixed),
        ("-log2 p, rounded up", shannon),
        ("one bit for everything, which is no code", lambda counts: dict.fromkeys(counts, 1)),
        ("the second best code", second_best),
        ("a bit given from one symbol to another of the same count, which is no code", one_for_another),
    ]
    for number in order:
        name, candidate = (right + wrong)[number]
        expect.equal(huffman.is_best_code(candidate), number < len(right), f"your law on {name}")

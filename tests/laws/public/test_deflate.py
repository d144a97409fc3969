"""The public laws of lesson 5."""

import gzip
import re
import zlib
from functools import lru_cache
from itertools import product

from hypothesis import example, given
from hypothesis import strategies as st

from autograder.laws import contract, expect, law

SONG = b"la di la di la di"
SONG_TOKENS = [*b"la di ", (11, 6)]
SONG_STREAM = bytes.fromhex("cb495448c954402201")
DYNAMIC_STREAM = "4dc4210100000080a0adfc3f61b500dc00"
SONG_FILE = bytes.fromhex("1f8b08000000000000ffcb495448c954402201d0970b4d11000000")
SONG_BITS = "1 10 10011100 10010001 01010000 10010100 10011001 01010000 0001001 0 00100 1 0000000".replace(
    " ", ""
)

ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

# Words of two small complete codes: of literals, END and lengths, and of distances.
LITERALS = {97: "00", 98: "010", 257: "011", 264: "100", 265: "1010", 284: "1011", 285: "110", 256: "111"}
DISTANCES = {0: "00", 3: "01", 4: "10", 9: "110", 29: "111"}
LITERAL_LENGTHS = {symbol: len(word) for symbol, word in LITERALS.items()}
DISTANCE_LENGTHS = {symbol: len(word) for symbol, word in DISTANCES.items()}
TOLD_LENGTHS = [3, 10, 11, 12, 227, 240, 257, 258]
TOLD_DISTANCES = [1, 4, 5, 6, 25, 30, 32, 24577, 32768]

few_tokens = st.binary(max_size=24).map(
    lambda raw: [
        97 + byte % 2 if byte < 128 else (TOLD_LENGTHS[byte % 8], TOLD_DISTANCES[byte // 8 % 9])
        for byte in raw
    ]
)

STRATEGIES = [
    zlib.Z_DEFAULT_STRATEGY,
    zlib.Z_FILTERED,
    zlib.Z_HUFFMAN_ONLY,
    zlib.Z_RLE,
    zlib.Z_FIXED,
]


def number(value, width):
    """Write a number lowest bit first."""
    return f"{value:0{width}b}"[::-1] if width else ""


def to_bytes(bits):
    """Put a string of 0 and 1 into bytes, the first bit the lowest of the first byte."""
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i : i + 8][::-1], 2) for i in range(0, len(bits), 8))


def from_bytes(blob):
    """Return the bits of bytes, the lowest of the first byte first."""
    return "".join(f"{byte:08b}"[::-1] for byte in blob)


def table_of(rows, extra):
    """Return (first value, extra bits) for each symbol, by adding up what the symbols before it can tell."""
    values, first = [], rows
    for bits in extra:
        values.append((first, bits))
        first += 1 << bits
    return values


LENGTH_ROWS = [*table_of(3, [0] * 8 + [bits for bits in range(1, 6) for _ in range(4)]), (258, 0)]
DISTANCE_ROWS = table_of(1, [0] * 4 + [bits for bits in range(1, 14) for _ in range(2)])


def words_of(lengths):
    """Return the canonical words of {symbol: length}."""
    words, value, before = {}, 0, 0
    for symbol, length in sorted(lengths.items(), key=lambda item: (item[1], item[0])):
        value <<= length - before
        words[symbol], value, before = f"{value:0{length}b}", value + 1, length
    return words


@lru_cache(maxsize=1)
def fixed_words():
    """Return the words of the fixed codes, which RFC 1951 gives as ranges."""
    rows = [(0, 144, 0x30, 8), (144, 256, 0x190, 9), (256, 280, 0, 7), (280, 288, 0xC0, 8)]
    literals = {
        symbol: f"{start + symbol - first:0{width}b}"
        for first, end, start, width in rows
        for symbol in range(first, end)
    }
    return literals, {symbol: f"{symbol:05b}" for symbol in range(32)}


def tokens_in(tokens, literals, distances):
    """Write tokens and END with the words of two codes."""

    def told(value, rows):
        symbol = max(symbol for symbol, (first, _) in enumerate(rows) if first <= value)
        return symbol, number(value - rows[symbol][0], rows[symbol][1])

    bits = ""
    for token in tokens:
        if isinstance(token, int):
            bits += literals[token]
        else:
            symbol, rest = told(token[0], LENGTH_ROWS)
            bits += literals[257 + symbol] + rest
            symbol, rest = told(token[1], DISTANCE_ROWS)
            bits += distances[symbol] + rest
    return bits + literals[256]


def in_fixed(tokens):
    """Write tokens as a last block with the fixed codes."""
    return to_bytes("110" + tokens_in(tokens, *fixed_words()))


@lru_cache(maxsize=100)
def stored(data, place, last):
    """Write data as stored blocks."""
    bits = ""
    pieces = [data[i : i + 65535] for i in range(0, len(data), 65535)] or [b""]
    for i, piece in enumerate(pieces):
        bits += "1" if last and i == len(pieces) - 1 else "0"
        bits += "00"
        bits += "0" * (-(place + len(bits)) % 8)
        size = len(piece).to_bytes(2, "little")
        bits += from_bytes(size + bytes(byte ^ 255 for byte in size) + piece)
    return bits


def table_for(words):
    """Return the table by which a Reader finds the words."""
    width = max(map(len, words.values()))
    table = []
    for bits in map("".join, product("01", repeat=width)):
        found = [(symbol, len(word)) for symbol, word in words.items() if bits[::-1].startswith(word)]
        table.append(found[0] if found else (-1, 0))
    return table


THIRD = dict.fromkeys(range(13), 4) | dict.fromkeys(range(13, 19), 5)
TABLES = table_for(LITERALS), table_for(DISTANCES)


def runs(lengths):
    """Say code lengths with 16, 17 and 18, by a pattern of the longest runs."""
    text = "".join(chr(97 + length) for length in lengths)
    symbols = []
    for found in re.finditer(r"a{11,138}|a{3,10}|(?<=(.))\1{3,6}|.", text):
        piece = found[0]
        if piece[0] == "a" and len(piece) > 2:
            symbols.append((18, 7, len(piece) - 11) if len(piece) > 10 else (17, 3, len(piece) - 3))
        else:
            symbols.append((16, 2, len(piece) - 3) if len(piece) > 2 else (ord(piece) - 97, 0, 0))
    return symbols


def a_header(lengths, literal_count, distance_count, third=None, symbols=None):
    """Write the header of a dynamic block, with a third code in which its symbols are nearly alike."""
    third = third or THIRD
    symbols = runs(lengths) if symbols is None else symbols
    bits = number(literal_count - 257, 5) + number(distance_count - 1, 5) + number(15, 4)
    bits += "".join(number(third.get(symbol, 0), 3) for symbol in ORDER)
    words = words_of(third)
    return bits + "".join(words[symbol] + number(rest, width) for symbol, width, rest in symbols)


def listed(literals, distances):
    """Return the lengths of two codes as the list that a header tells, with the number of each."""
    counts = max(257, max(literals) + 1), max([1, *(symbol + 1 for symbol in distances)])
    lengths = [literals.get(i, 0) for i in range(counts[0])] + [distances.get(i, 0) for i in range(counts[1])]
    return lengths, *counts


def read_back(bits):
    """Read a header: return the two codes, the symbols that tell them, and how many bits it has."""
    place = 0

    def take(width):
        nonlocal place
        place += width
        expect.true(place <= len(bits), "the header ends too soon", got=bits)
        return int("0" + bits[place - width : place][::-1], 2)

    literal_count, distance_count, told = take(5) + 257, take(5) + 1, take(4) + 4
    third = {symbol: length for symbol in ORDER[:told] if (length := take(3))}
    complete = sum(2**-length for length in third.values()) == 1
    expect.true(complete, "the code of the code lengths is not complete", got=third)
    expect.true(told == 4 or ORDER[told - 1] in third, "the third code's lengths end in zeros", got=bits)
    names = {word: symbol for symbol, word in words_of(third).items()}
    lengths, symbols = [], []
    while len(lengths) < literal_count + distance_count:
        start = place
        while bits[start:place] not in names and place - start < 8:
            take(1)
        expect.true(bits[start:place] in names, f"the bits from bit {start} on begin no code", got=bits)
        symbol = names[bits[start:place]]
        symbols.append(symbol)
        if symbol < 16:
            lengths.append(symbol)
        elif symbol == 16:
            lengths += lengths[-1:] * (3 + take(2))
        else:
            lengths += [0] * (3 + take(3) if symbol == 17 else 11 + take(7))
    codes = lengths[:literal_count], lengths[literal_count:]
    expect.true(literal_count == 257 or codes[0][-1] > 0, "the literals' lengths end in zeros", got=bits)
    expect.true(distance_count == 1 or codes[1][-1] > 0, "the distances' lengths end in zeros", got=bits)
    literals, distances = ({i: length for i, length in enumerate(code) if length} for code in codes)
    return literals, distances, symbols, place


def split_leaves(picks, symbols):
    """Grow a complete code by splitting leaves, and hand its lengths to symbols."""
    leaves = [1, 1]
    for pick in picks:
        at = pick % len(leaves)
        if leaves[at] < 15 and len(leaves) < len(symbols):
            leaves[at : at + 1] = [leaves[at] + 1] * 2
    return dict(sorted(zip(symbols, leaves, strict=False)))


two_codes = st.builds(
    lambda some, raw, few, more: (
        split_leaves(raw, [256, *some]),
        split_leaves(more, few) if few != [7] else {7: 1},
    ),
    st.sampled_from(
        [[97], list(range(97, 123)), list(range(256)), [0, 257, 260, 285], list(range(257, 286))]
    ),
    st.binary(max_size=30).map(lambda raw: [byte % 7 for byte in raw]),
    st.sampled_from([[], [0, 1], [7], list(range(30)), [5, 29]]),
    st.binary(max_size=12),
).map(lambda codes: (codes[0], {} if len(codes[1]) == 0 else codes[1]))


def deflated(data, level=6, strategy=0, flush=zlib.Z_NO_FLUSH, wbits=-15, memory=8):
    """Let zlib make a stream, with a flush in the middle."""
    packer = zlib.compressobj(level, zlib.DEFLATED, wbits, memory, strategy)
    half = len(data) // 2
    return packer.compress(data[:half]) + packer.flush(flush) + packer.compress(data[half:]) + packer.flush()


def inflated(stream):
    """Let zlib read a stream: return its data and its bytes, or raise ValueError."""
    reader = zlib.decompressobj(-15)
    try:
        data = reader.decompress(stream)
    except zlib.error as problem:
        raise ValueError(str(problem)) from None
    if not reader.eof:
        raise ValueError("it is cut short")
    return data, len(stream) - len(reader.unused_data)


# Lengths as often as Fibonacci's numbers say, mixed: the best code for them would have more than 7 bits.
VINE = sorted(
    ((i + 0.5) / times, length)
    for length, times in enumerate([2, 3, 5, 8, 13, 21, 34, 55], start=3)
    for i in range(times)
)


@law(
    exercise="bucket",
    points=2,
    hint="Write the value in binary. Keep its first 1 and `kept` bits more; what stands behind them is the place. A "
    "bucket's number grows by 1 where its value does: see what (width << kept) + (value >> width) gives.",
)
def test_buckets_are_those_of_the_rfc(deflate):
    """Buckets give the lengths and distances of RFC 1951 their symbols, and the numbers behind them."""
    for value, by_hand in [
        (0, (0, 0, 0)),
        (2, (2, 0, 0)),
        (5, (4, 1, 1)),
        (24, (9, 3, 0)),
        (32767, (29, 13, 8191)),
    ]:
        expect.equal(deflate.bucket(value, 1), by_hand, f"the bucket of {value} with 1 bit kept")
    for kept, rows, values in [
        (1, DISTANCE_ROWS, [0, 3, 4, 6, 7, 8, 11, 95, 96, 24575, 24576]),
        (2, LENGTH_ROWS[:-1], [0, 4, 7, 8, 9, 10, 15, 16, 100, 223, 224, 254]),
    ]:
        for value in values:
            symbol = max(i for i, (first, _) in enumerate(rows) if first - rows[0][0] <= value)
            first, width = rows[symbol]
            expected = (symbol, width, value - (first - rows[0][0]))
            expect.equal(deflate.bucket(value, kept), expected, f"the bucket of {value} with {kept} kept")


@law(
    exercise="stored_bits",
    points=2,
    hint="Count the zeros from where the block stands in the stream, `place` and the 3 bits of its own included. The "
    "turned size is size ^ 0xFFFF, and both sizes stand lowest bit first, as every byte does.",
    examples=12,
)
@given(data=st.binary(max_size=20), place=st.integers(0, 24), last=st.booleans())
@example(data=b"A", place=6, last=True)
@example(data=b"", place=5, last=False)
@example(data=bytes(range(256)), place=0, last=True)
def test_stored_block_is_as_documented(deflate, data, place, last):
    """A stored block has its three bits, zeros up to a whole byte, its size twice, and the bytes."""
    expect.equal(deflate.stored_bits(data, place, last), stored(data, place, last), "the bits of the block")


@law(
    exercise="stored_bits",
    points=1,
    hint="A block holds 65,535 bytes at most. Cut the data, and let only the very last piece say that it is the last; "
    "each block has its own three bits and zeros.",
)
def test_long_data_goes_on_in_the_next_block(deflate):
    """65,535 bytes are one block, and one byte more are two."""
    for size in (65535, 65536):
        data = bytes(size)
        got = deflate.stored_bits(data, 0, True)
        expect.kind(got, str, "the bits")
        expect.true(
            got == stored(data, 0, True), f"{size} bytes are not stored as they should be", got=got[:90]
        )


@law(
    exercise="token_bits",
    points=2,
    hint="`length_symbol` and `distance_symbol` tell all that is to be written. The codes stand as their words are, "
    "the numbers behind them lowest bit first. END comes last.",
)
def test_song_is_written_as_by_hand(deflate):
    """The pencil example: the bits of la di la di la di; and a symbol without a code is refused."""
    codes = deflate.fixed_lengths()
    expect.equal(deflate.token_bits(SONG_TOKENS, *codes), SONG_BITS[3:], "the bits of the song's tokens")
    expect.equal(deflate.token_bits([], {256: 1}, {}), "0", "the bits of no token")
    expect.raises(
        "ValueError", deflate.token_bits, [98], {97: 1, 256: 1}, {}, what="a literal without a code"
    )
    expect.raises("ValueError", deflate.token_bits, [(3, 2)], {257: 1, 256: 1}, {}, what="no distance codes")


@law(
    exercise="token_bits",
    points=1,
    hint="The number behind a length goes before the distance's code. It stands lowest bit first, in as many bits as "
    "length_symbol says, zeros included.",
    examples=15,
)
@given(tokens=few_tokens)
@example(tokens=[(length, 6) for length in TOLD_LENGTHS] + [(12, distance) for distance in TOLD_DISTANCES])
def test_tokens_are_written_in_any_code(deflate, tokens):
    """Each token is its codes' words and the numbers behind them, in a code of the law's own."""
    words = words_of(LITERAL_LENGTHS), words_of(DISTANCE_LENGTHS)
    got = deflate.token_bits(tokens, LITERAL_LENGTHS, DISTANCE_LENGTHS)
    expect.equal(got, tokens_in(tokens, *words), "the bits of the tokens")


@law(
    exercise="run_symbols",
    points=2,
    hint="16 repeats the length before it, so the first of a run is told as itself: 3 to 6 more make a 16. Zeros "
    "have 17 and 18 and need no first. What a symbol doesn't reach is looked at anew.",
    examples=20,
)
@given(
    lengths=st.lists(
        st.tuples(st.sampled_from([0, 0, 1, 8, 15]), st.sampled_from([1, 2, 3, 4, 7, 10, 11])), max_size=8
    ).map(lambda pairs: [length for length, times in pairs for _ in range(times)])
)
@example(lengths=[8] * 5 + [0] * 4)
@example(lengths=[0] * 138)
@example(lengths=[0] * 10 + [2] + [0] * 11)
@example(lengths=[0] * 139 + [5] * 7)
@example(lengths=[3] * 10 + [0] * 12 + [3] * 4)
@example(lengths=[])
def test_runs_are_told_short(deflate, lengths):
    """Runs of code lengths become 16, 17 and 18, each as long as it can be."""
    expect.equal(deflate.run_symbols(lengths), runs(lengths), "the symbols")


@law(
    exercise="header_bits",
    points=3,
    hint="Three small numbers; then lengths of 3 bits in ORDER, zeros at the end left out; then run_symbols of ONE "
    "list, the distances right behind the literals. The third code comes from limited_code_lengths with limit 7.",
    examples=8,
)
@given(codes=two_codes)
@example(codes=({97: 2, 98: 2, 256: 1}, {}))
@example(codes=(split_leaves([0] * 14, [256, *range(16)]), {29: 1}))
@example(codes=({256: 1, 284: 2, 285: 2}, dict.fromkeys(range(4), 2)))
@example(codes=(dict.fromkeys(range(255), 8) | {255: 9, 256: 9}, {}))
@example(codes=({116 + i: length for i, (_, length) in enumerate(VINE)}, {}))
@example(codes=(dict.fromkeys(range(254), 8) | {254: 9, 255: 9, 256: 9, 285: 9}, dict.fromkeys(range(16), 4)))
def test_header_tells_both_codes(deflate, codes):
    """A header can be read back, has no zeros at its ends, and no bit behind its last length."""
    bits = deflate.header_bits(*codes)
    expect.kind(bits, str, "the header")
    expect.true(set(bits) <= {"0", "1"}, "the header is made of 0 and 1", got=bits)
    literals, distances, symbols, used = read_back(bits)
    expect.equal(literals, codes[0], "the lengths of the literals' code")
    expect.equal(distances, codes[1], "the lengths of the distances' code")
    expected = [symbol for symbol, _, _ in runs(listed(*codes)[0])]
    expect.equal(symbols, expected, "the symbols that tell the lengths")
    expect.equal(len(bits), used, "the bits of the header")


@law(
    exercise="block_sizes",
    points=3,
    hint="Every block has 3 bits in front, the fixed and the dynamic one an END as well, and the numbers behind the "
    "symbols cost the same in both. A stored block counts its zeros from `place`; the dynamic one its header, too.",
    examples=6,
)
@given(tokens=few_tokens, place=st.integers(0, 9))
@example(tokens=SONG_TOKENS, place=0)
@example(tokens=[], place=5)
@example(tokens=[97] * 300 + [98], place=6)
@example(tokens=[97] + [(258, 1)] * 255, place=1)
def test_sizes_are_those_of_the_written_blocks(deflate, tokens, place):
    """The sizes of a block's three types are the bits that they have when they are written."""
    numbers, literals, distances = 0, {}, {}
    for token in tokens:
        if isinstance(token, int):
            literals[token] = literals.get(token, 0) + 1
            continue
        for value, rows, counts, base in (
            (token[0], LENGTH_ROWS, literals, 257),
            (token[1], DISTANCE_ROWS, distances, 0),
        ):
            symbol = max(i for i, (first, _) in enumerate(rows) if first <= value)
            counts[base + symbol] = counts.get(base + symbol, 0) + 1
            numbers += rows[symbol][1]
    size = sum(1 if isinstance(token, int) else token[0] for token in tokens)
    counts = (literals, distances, numbers)
    best = deflate.best_lengths(counts)
    dynamic = "101" + deflate.header_bits(*best) + tokens_in(tokens, *map(words_of, best))
    fixed = "110" + tokens_in(tokens, *fixed_words())
    expected = (len(stored(bytes(size), place, True)), len(fixed), len(dynamic))
    expect.equal(deflate.block_sizes(counts, size, place), expected, "the sizes: stored, fixed, dynamic")


@law(
    exercise="read_tokens",
    points=2,
    hint="A symbol below 256 is a literal, 256 the END. Above it, `length_buckets` has the first length and the bits "
    "to read; add them up. Then the same for the distance, by its own table.",
    examples=15,
)
@given(tokens=few_tokens)
@example(tokens=[(length, 6) for length in TOLD_LENGTHS] + [(12, distance) for distance in TOLD_DISTANCES])
@example(tokens=[])
def test_tokens_are_read(deflate, tokens):
    """Tokens written by the law are read, and the reader stands behind their END."""
    bits = tokens_in(tokens, LITERALS, DISTANCES)
    reader = deflate.Reader(b"\xff" + to_bytes(bits + "1011") + bytes(2), 1)
    got = deflate.read_tokens(reader, *TABLES)
    expect.equal(got, tokens, "the tokens")
    expect.equal(reader.place, 8 + len(bits), "the bit where the reader stands")


@law(
    exercise="read_tokens",
    points=1,
    hint="The fixed codes have words for 286 and 287, and for 30 and 31, so they can be read; they mean nothing. "
    "Refuse them before you look them up.",
)
def test_symbols_without_meaning_are_refused(deflate):
    """Lengths 286 and 287, distances 30 and 31, and tokens cut short are refused with ValueError."""
    tables = deflate.fixed_tables()
    literals, distances = fixed_words()
    good = literals[97] + literals[285] + distances[29] + number(8191, 13)
    found = deflate.read_tokens(deflate.Reader(to_bytes(good + literals[256])), *tables)
    expect.equal(found, [97, (258, 32768)], "the tokens")
    for name, bits in [
        ("length symbol 286", literals[97] + literals[286] + distances[0] + literals[256]),
        ("length symbol 287", literals[97] + literals[287] + distances[0] + literals[256]),
        ("distance symbol 30", literals[97] + literals[257] + distances[30] + literals[256]),
        ("distance symbol 31", literals[97] + literals[257] + distances[31] + literals[256]),
        ("no END", good),
    ]:
        reader = deflate.Reader(to_bytes(bits) + bytes(3 if name != "no END" else 0))
        expect.raises("ValueError", deflate.read_tokens, reader, *tables, what=name)


@law(
    exercise="read_header",
    points=2,
    hint="Read in the order in which header_bits writes. The lengths are ONE list: a run may begin among the literals "
    "and end among the distances. Cut it only when it is full.",
    examples=8,
)
@given(codes=two_codes)
@example(codes=({97: 2, 98: 2, 256: 1}, {}))
@example(codes=({256: 1}, {}))
@example(codes=({97 + i: i + 1 for i in range(15)} | {256: 15}, {0: 1, 1: 1}))
@example(codes=(dict.fromkeys(range(240), 8) | dict.fromkeys(range(250, 282), 9), dict.fromkeys(range(8), 3)))
def test_headers_are_read(deflate, codes):
    """Headers written by the law are read, runs across both codes and all, and the reader stands behind them."""
    bits = a_header(*listed(*codes))
    reader = deflate.Reader(to_bytes(bits + "1101") + bytes(2))
    got = deflate.read_header(reader)
    expect.equal(got, codes, "the lengths of both codes")
    expect.equal(reader.place, len(bits), "the bit where the reader stands")


@law(
    exercise="read_header",
    points=3,
    hint="Go through the docstring's list. A Kraft sum other than 1 is refused, but for a lone code of 1 bit, and no "
    "distance codes; the third code has no such exceptions. Compare counts before you read on.",
)
def test_wrong_headers_are_refused(deflate):
    """Headers with too many lengths, nothing to repeat, a run too long, no END or no complete code are refused."""
    base, pair = {97: 2, 98: 2, 256: 1}, {0: 1, 1: 1}
    for literals, distances in [
        (base, pair),
        (base, {}),
        (base, {29: 1}),
        ({256: 1}, pair),
    ]:
        blob = to_bytes(a_header(*listed(literals, distances))) + bytes(2)
        got = deflate.read_header(deflate.Reader(blob))
        expect.equal(got, (literals, distances), "the lengths of a right header")
    lengths = listed(base, pair)[0]
    wrong = {
        "287 literal lengths": a_header(lengths[:257] + [0] * 30 + [1, 1], 287, 2),
        "31 distance lengths": a_header(lengths + [0] * 29, 257, 31),
        "nothing to repeat": a_header([], 257, 2, symbols=[(16, 2, 0), *runs(lengths[3:])]),
        "nothing to repeat, and no bits behind it": a_header(
            [], 257, 2, symbols=[(16, 0, 0), *runs(lengths)]
        ),
        "nothing to repeat, but all lengths": a_header([], 257, 2, symbols=[(16, 2, 0), *runs(lengths)]),
        "a run too long": a_header([], 257, 2, symbols=[*runs(lengths)[:-1], (16, 2, 3)]),
        "a run of zeros too long": a_header([], 257, 2, symbols=[*runs(lengths)[:-2], (17, 3, 0)]),
        "no END": a_header(*listed({97: 1, 98: 1}, pair)),
        "literals over-subscribed": a_header(*listed({**base, 99: 2}, pair)),
        "literals incomplete": a_header(*listed({97: 2, 98: 3, 256: 1}, pair)),
        "a lone literal code of 2 bits": a_header(*listed({256: 2}, pair)),
        "distances over-subscribed": a_header(*listed(base, {0: 1, 1: 1, 2: 1})),
        "distances incomplete": a_header(*listed(base, {0: 1, 1: 2})),
        "a lone distance code of 2 bits": a_header(*listed(base, {3: 2})),
        "a third code incomplete": a_header(lengths, 257, 2, third={**THIRD, 12: 5}),
        "a third code over-subscribed": a_header(lengths, 257, 2, third={**THIRD, 12: 3}),
        "a third code that is alone": number(0, 14) + "".join("100" if s == 18 else "000" for s in ORDER[:4]),
    }
    for name, bits in wrong.items():
        reader = deflate.Reader(to_bytes(bits) + bytes(60))
        expect.raises("ValueError", deflate.read_header, reader, what=f"a header with {name}")
    for kept in (0, 1, 8, -1):
        reader = deflate.Reader(to_bytes(a_header(lengths, 257, 2))[:kept])
        expect.raises("ValueError", deflate.read_header, reader, what=f"{kept} bytes of a header")


@law(
    exercise="inflate",
    points=3,
    hint="One bit says whether the block is the last, two its type. A stored block skips to the next whole byte: "
    "whole_bytes does. Hand `block` ALL the output so far. Stop at the last block, and return reader.end().",
    examples=16,
)
@given(
    data=contract.texts,
    level=st.integers(0, 9),
    strategy=st.sampled_from(STRATEGIES),
    flush=st.sampled_from([zlib.Z_NO_FLUSH, zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH, zlib.Z_BLOCK]),
    tail=contract.junk,
)
@example(data=SONG, level=9, strategy=0, flush=0, tail=b"")
@example(data=bytes(range(256)) * 2, level=0, strategy=0, flush=2, tail=b"\x00")
@example(data=b"the other heather there " * 20, level=9, strategy=0, flush=3, tail=b"\xff")
@example(data=b"the other heather there " * 2, level=9, strategy=0, flush=2, tail=b"\x03\x00")
@example(data=b"a" * 700, level=1, strategy=3, flush=0, tail=b"")
def test_streams_of_zlib_are_read(deflate, data, level, strategy, flush, tail):
    """What zlib writes at every level, with every strategy and flush, is read, with the number of its bytes."""
    stream = deflated(data, level, strategy, flush)
    expect.equal(deflate.inflate(stream + tail), (data, len(stream)), "the data, and the stream's bytes")


@law(
    exercise="inflate",
    points=2,
    hint="Three things are yours to see: type 3, a stored size that its turned copy doesn't confirm, and bytes that "
    "are not there. The rest raises by itself, if nothing catches it.",
)
def test_broken_streams_are_refused(deflate):
    """Streams cut short, of type 3, with another size beside its copy, or too far back, are refused."""
    two = bytes.fromhex("000200fdff6c61010100feff21")
    own = bytes.fromhex(DYNAMIC_STREAM)
    for stream, data in [(SONG_STREAM, SONG), (two, b"la!"), (b"\x03\x00", b""), (own, b"a" * 18)]:
        expect.equal(deflate.inflate(stream), (data, len(stream)), f"the data of {stream.hex()}")
        expect.equal(deflate.inflate(b"xyz" + stream, 3), (data, len(stream) + 3), "the same, from byte 3 on")
        for kept in range(len(stream)):
            expect.raises(
                "ValueError", deflate.inflate, stream[:kept], what=f"{kept} bytes of {stream.hex()}"
            )
    for name, stream in [
        ("a block of type 3", b"\x07" + bytes(9)),
        (
            "a block of type 3 that would be right as one of type 2",
            bytes.fromhex("4fc4" + DYNAMIC_STREAM[4:]),
        ),
        ("a block of type 3 after another", to_bytes(stored(b"la", 0, False) + "111") + bytes(9)),
        ("a wrong turned size", b"\x01\x02\x00\xfd\xfela"),
        ("a turned size that isn't turned", b"\x01\x02\x00\x02\x00la"),
        ("a distance beyond the data", in_fixed([97, (3, 2)])),
        ("a distance at the very start", in_fixed([(3, 1)])),
    ]:
        expect.raises("ValueError", deflate.inflate, stream, what=name)


@law(
    exercise="inflate",
    points=1,
    hint="inflate_fast calls your inflate with a block function of its own. Hand it the reader, both codes' lengths "
    "in a tuple, and the output so far, a bytearray that it makes longer; and call no other.",
    examples=8,
)
@given(
    data=contract.texts,
    level=st.sampled_from([0, 1, 9]),
    flush=st.sampled_from([0, 2]),
    cut=st.integers(0, 3),
)
@example(data=b"the other heather there " * 90, level=9, flush=2, cut=0)
@example(data=bytes(range(256)) * 140, level=1, flush=2, cut=0)
@example(data=b"", level=9, flush=0, cut=1)
def test_fast_and_plain_agree(deflate, data, level, flush, cut):
    """The lesson's fast reader of blocks, handed to your inflate, gives what the plain one gives."""
    stream = deflated(data, level, 0, flush)
    expect.equal(deflate.inflate_fast(stream + b"tail"), (data, len(stream)), "the data, read fast")
    expect.equal(deflate.inflate(stream + b"tail"), (data, len(stream)), "the data, read plainly")
    if cut:
        for read in (deflate.inflate, deflate.inflate_fast):
            expect.raises("ValueError", read, stream[:-cut], what=f"a stream without its last {cut} bytes")


@law(
    exercise="crc32",
    points=2,
    hint="Begin with 32 ones and turn all bits at the end. In between: table[(crc ^ byte) & 255], XOR the checksum "
    "shifted right by 8.",
    examples=20,
)
@given(data=contract.texts)
@example(data=b"")
@example(data=b"\x00")
@example(data=b"123456789")
def test_checksum_is_that_of_zlib(deflate, data):
    """The checksum is that of zlib; for the digits 1 to 9 it is cbf43926."""
    expect.equal(deflate.crc32(data), zlib.crc32(data), "the checksum")


def a_member_header(flags, extra=b"", name=b"", comment=b"", check=True):
    """Write a gzip header with what its flags announce."""
    blob = bytes([0x1F, 0x8B, 8, flags, 1, 2, 3, 4, 2, 3])
    blob += len(extra).to_bytes(2, "little") + extra if flags & 4 else b""
    blob += name + b"\0" if flags & 8 else b""
    blob += comment + b"\0" if flags & 16 else b""
    crc = zlib.crc32(blob) ^ (0 if check else 0x100)
    return blob + (crc & 0xFFFF).to_bytes(2, "little") if flags & 2 else blob


@law(
    exercise="member_start",
    points=2,
    hint="Ten bytes always; then what the flags announce, in the order 4, 8, 16, 2. The size of the extra field is in "
    "its own first two bytes; name and comment end at the next byte of 0.",
    examples=15,
)
@given(
    flags=st.integers(0, 31),
    extra=st.binary(max_size=5),
    name=st.sampled_from([b"", b"song.txt", b"\xff"]),
    before=st.sampled_from([b"", b"\x00ab"]),
)
@example(flags=0, extra=b"", name=b"", before=b"")
@example(flags=31, extra=b"\0\0\0", name=b"a", before=b"xyz")
@example(flags=1, extra=b"", name=b"", before=b"")
@example(flags=4, extra=bytes(300), name=b"", before=b"")
@example(flags=2, extra=b"", name=b"", before=b"xy")
def test_headers_of_members_are_read(deflate, flags, extra, name, before):
    """A header with any of its fields is passed, wherever it stands in the file."""
    header = a_member_header(flags, extra, name, name[::-1])
    blob = before + header + b"\x00\x01data\x00"
    expect.equal(
        deflate.member_start(blob, len(before)), len(before) + len(header), "where the stream begins"
    )


@law(
    exercise="member_start",
    points=1,
    hint="Look at the first three bytes, at flags above 31, at the checksum where flag 2 announces one, and at the "
    "end: find returns -1 where there is no 0, and a slice beyond the end is short without complaint.",
)
def test_headers_of_others_are_refused(deflate):
    """Headers of other formats and methods, cut short, with unknown flags or a wrong checksum are refused."""
    for flags in (0, 2, 4, 8, 16, 31):
        header = a_member_header(flags, b"extra", b"name", b"comment")
        expect.equal(deflate.member_start(header), len(header), "where the stream begins")
        for kept in range(len(header)):
            expect.raises("ValueError", deflate.member_start, header[:kept], what=f"{kept} bytes of a header")
    wrong = [a_member_header(32), a_member_header(128), a_member_header(2, check=False)]
    wrong += [b"PK\x03\x04" + bytes(20), b"\x1f\x8b\x07" + bytes(20), b"\x1f\x8c\x08" + bytes(20)]
    for header in wrong:
        expect.raises(
            "ValueError", deflate.member_start, header + bytes(20), what=f"the header {header[:10].hex()}"
        )


@law(
    exercise="compress",
    points=2,
    hint="HEADER, the stream, the checksum in four bytes, the size in four, both lowest byte first. zlib's complaint "
    "says which of them it doesn't like.",
    examples=6,
)
@given(data=contract.texts)
@example(data=SONG)
@example(data=b"")
@example(data=b"the other heather there " * 60)
def test_gzip_opens_your_file(deflate, data):
    """Python's gzip opens your file, and finds the data, its checksum and its size."""
    blob = deflate.compress(data)
    expect.kind(blob, bytes, "the file")
    expect.equal(blob[:10].hex(), "1f8b08000000000000ff", "the header")
    try:
        opened = gzip.decompress(blob)
    except (OSError, EOFError, zlib.error) as problem:
        expect.true(False, f"zlib doesn't open the file: {problem}", got=blob)
    expect.equal(opened, data, "your file, opened by zlib")
    if data == SONG:
        expect.equal(blob.hex(), SONG_FILE.hex(), "the file of the pencil example")


@law(
    exercise="decompress",
    points=2,
    hint="After each stream come four bytes of checksum and four of size; what follows is another member, or the end. "
    "Go on until the end.",
    examples=5,
)
@given(data=contract.texts, level=st.integers(1, 9), cut=st.integers(0, 30))
@example(data=SONG, level=9, cut=6)
@example(data=b"", level=1, cut=0)
def test_gzip_files_are_opened(deflate, elsewhere, data, level, cut):
    """Files that gzip writes are opened, also several in one; and another process opens yours."""
    first, second = (gzip.compress(piece, level, mtime=1) for piece in (data[:cut], data[cut:]))
    expect.equal(deflate.decompress(first + second), data, "the data of a file with two members")
    named = a_member_header(24, b"", b"song.txt", b"la") + second[10:]
    expect.equal(deflate.decompress(named), data[cut:], "the data of a file with a name and a comment")
    contract.comes_back(deflate.compress, elsewhere.decompress, data)


@law(
    exercise="decompress",
    points=3,
    hint="Compare the checksum and the size with those of the data that came out, and look whether all eight bytes "
    "are there. What is no member after the last one is refused by member_start.",
)
def test_damaged_file_is_never_opened(deflate):
    """A file cut short, with more bytes, or with any bit turned that matters, is refused."""
    for data, blob in [
        (SONG, SONG_FILE),
        (
            b"one fish two fish red fish blue fish",
            gzip.compress(b"one fish two fish red fish blue fish", mtime=0),
        ),
    ]:
        expect.equal(deflate.decompress(blob), data, "the undamaged file")
        contract.refuses_damage(deflate.decompress, blob, steps=14)
        contract.survives_flips(deflate.decompress, blob, data, checksum=True, steps=50)
        for place, name in ((-8, "checksum"), (-1, "size")):
            wrong = bytearray(blob)
            wrong[place] ^= 1
            expect.raises("ValueError", deflate.decompress, bytes(wrong), what=f"a file with another {name}")
        expect.raises("ValueError", deflate.decompress, blob + b"more", what="a file with a tail")
        expect.raises("ValueError", deflate.decompress, blob + blob[:-1], what="a second member cut short")


@law(
    exercise="is_inflate",
    points=1,
    examples=3,
    hint="Take streams that you know by heart: the song, with something behind it; two stored blocks; one with a code "
    "of its own. Then break them, one rule at a time, and see who doesn't complain.",
)
@given(order=st.permutations(range(8)))
def test_your_law_tells_right_from_wrong(deflate, order):
    """Your law accepts two different readers, and refuses those that read wrongly or believe everything."""

    def in_pieces(stream):
        reader = zlib.decompressobj(-15)
        data = b""
        for place in range(len(stream)):
            try:
                data += reader.decompress(stream[place : place + 1])
            except zlib.error as problem:
                raise ValueError(str(problem)) from None
            if reader.eof:
                return data, place + 1
        raise ValueError("it is cut short")

    def believing(stream):
        try:
            return inflated(stream)
        except ValueError:
            return b"", len(stream)

    def unfinished(stream):
        reader = zlib.decompressobj(-15)
        try:
            return reader.decompress(stream), len(stream) - len(reader.unused_data)
        except zlib.error as problem:
            raise ValueError(str(problem)) from None

    def refusing(stream):
        raise ValueError(f"{len(stream)} bytes are too many")

    right = [("zlib", inflated), ("zlib, byte by byte", in_pieces)]
    wrong = [
        ("a reader that believes everything", believing),
        ("one that believes in a stream cut short", unfinished),
        ("one that refuses everything", refusing),
        ("one that takes what follows for the stream", lambda stream: (inflated(stream)[0], len(stream))),
        ("one that finds nothing", lambda stream: (b"", inflated(stream)[1])),
        ("one that loses the last byte", lambda stream: (inflated(stream)[0][:-1], inflated(stream)[1])),
    ]
    for place in order:
        name, candidate = (right + wrong)[place]
        expect.equal(deflate.is_inflate(candidate), place < len(right), f"your law on {name}")

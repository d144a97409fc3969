"""Lesson 5: DEFLATE and gzip: Huffman codes for Lempel and Ziv's tokens, in files that everybody opens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cache

import numpy as np

from squeeze.entropy import kraft_sum
from squeeze.huffman import canonical_codes, coded_bits, limited_code_lengths
from squeeze.lempel_ziv import LONGEST, SHORTEST, WINDOW, Token, expand
from squeeze.lempel_ziv import tokens as find_tokens

END = 256  # the symbol after the last token of a block
MAX_LENGTH = 15  # bits of the longest code of a literal, a length or a distance
STORED, FIXED, DYNAMIC = 0, 1, 2  # the three types of block
MOST_STORED = 65535  # bytes in one stored block: its size is told in 16 bits
# The order in which a block tells the lengths of its third code: rare ones last, where they may be left out.
ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
DEPTH = 1024  # places that are tried for a match; gzip -9 tries 4,096
PIECE = 2048  # tokens that at least are in a block, unless the file ends
POLYNOMIAL = 0xEDB88320  # of gzip's checksum, the lowest bit first
HEADER = bytes.fromhex("1f8b08000000000000ff")  # of our files: no name, no time, no system

Lengths = dict[int, int]  # the bits of each symbol's code
Codes = tuple[Lengths, Lengths]  # of literals, END and lengths; of distances
Table = list[tuple[int, int]]  # (symbol, length) for each number that the next bits can make
Counts = tuple[Counter[int], Counter[int], int]  # of literals and lengths; of distances; bits after both


def length_symbol(length: int) -> tuple[int, int, int]:
    """Return the symbol of a match's length, the bits of the number after it, and that number.

    Raises ValueError where DEFLATE has no such length.

    >>> length_symbol(3), length_symbol(12), length_symbol(258)
    ((257, 0, 0), (265, 1, 1), (285, 0, 0))
    """
    if not SHORTEST <= length <= LONGEST:
        raise ValueError(f"a match of {length!r} bytes can't be told: {SHORTEST} to {LONGEST} can")
    if length == LONGEST:
        return 285, 0, 0
    number, width, place = bucket(length - SHORTEST, 2)
    return END + 1 + number, width, place


def distance_symbol(distance: int) -> tuple[int, int, int]:
    """Return the symbol of a match's distance, the bits of the number after it, and that number.

    Raises ValueError where DEFLATE has no such distance.

    >>> distance_symbol(1), distance_symbol(6), distance_symbol(32768)
    ((0, 0, 0), (4, 1, 1), (29, 13, 8191))
    """
    if not 1 <= distance <= WINDOW:
        raise ValueError(f"a distance of {distance!r} bytes can't be told: 1 to {WINDOW} can")
    return bucket(distance - 1, 1)


@cache
def _buckets(
    bucket: Callable[[int, int], tuple[int, int, int]], kept: int, shift: int, amount: int
) -> list[tuple[int, int]]:
    """Return the first value of each bucket, plus `shift`, and the bits of a place in it."""
    rows, value = [], 0
    for _ in range(amount):
        width = bucket(value, kept)[1]
        rows.append((value + shift, width))
        value += 1 << width
    return rows


def length_buckets() -> list[tuple[int, int]]:
    """Return for the symbols 257 to 285 the shortest length each can mean, and the bits of the number after it.

    >>> length_buckets()[:1] + length_buckets()[7:10] + length_buckets()[-1:]
    [(3, 0), (10, 0), (11, 1), (13, 1), (258, 0)]
    """
    return [*_buckets(bucket, 2, SHORTEST, 28), (LONGEST, 0)]


def distance_buckets() -> list[tuple[int, int]]:
    """Return for the symbols 0 to 29 the least distance each can mean, and the bits of the number after it.

    >>> distance_buckets()[3:6] + distance_buckets()[-1:]
    [(4, 0), (5, 1), (7, 1), (24577, 13)]
    """
    return _buckets(bucket, 1, 1, 30)


def bucket(value: int, kept: int) -> tuple[int, int, int]:
    """Return the number of the bucket that a value is in, the bits that tell its place there, and its place.

    The value, 0 or more, is cut after its first 1 and the `kept` bits behind it. What is cut off is the place,
    and its bits are those that were cut off. Buckets are numbered from 0 on, in the order of their values.
    Source: RFC 1951, section 3.2.5, where it is a table.

    >>> [bucket(value, 1) for value in (2, 4, 5, 6, 24)]
    [(2, 0, 0), (4, 1, 0), (4, 1, 1), (5, 1, 0), (9, 3, 0)]
    """
    ### BEGIN SOLUTION
    width = max(0, value.bit_length() - 1 - kept)
    return (width << kept) + (value >> width), width, value & (1 << width) - 1
    ### END SOLUTION


def lowest_first(number: int, width: int) -> str:
    """Return a number as `width` bits, the lowest first, as DEFLATE writes all numbers that are no codes.

    >>> lowest_first(6, 4)
    '0110'
    >>> lowest_first(1, 4)
    '1000'
    """
    return f"{number:0{width}b}"[::-1] if width else ""


BYTES = [lowest_first(byte, 8) for byte in range(256)]


def to_bytes(bits: str) -> bytes:
    """Return bits as bytes, the first one the lowest of the first byte, with zeros up to a whole byte.

    >>> to_bytes("1101000000001").hex()
    '0b10'
    """
    return int("0" + bits[::-1], 2).to_bytes((len(bits) + 7) // 8, "little")


def stored_bits(data: bytes, place: int, last: bool) -> str:
    """Return the bits of stored blocks that hold the data as it is; `place` bits were written before.

    A block is one bit that says whether it is the last, its type in two, zeros up to the next whole byte, the
    number of its bytes in 16 bits, that number with each bit turned, and the bytes. It holds up to 65,535
    bytes; more data goes on in the next block, and no data is one block without a byte. Only the last of the
    blocks can be the last of all. Source: RFC 1951, section 3.2.4.

    >>> stored_bits(b"A", 6, True)
    '10000000001000000000000000011111111111111110000010'
    """
    ### BEGIN SOLUTION
    bits = ""
    for start in range(0, max(1, len(data)), MOST_STORED):
        piece = data[start : start + MOST_STORED]
        bits += "1" if last and start + MOST_STORED >= len(data) else "0"
        bits += lowest_first(STORED, 2)
        bits += "0" * (-(place + len(bits)) % 8)
        bits += lowest_first(len(piece), 16) + lowest_first(len(piece) ^ 0xFFFF, 16)
        bits += "".join([BYTES[byte] for byte in piece])
    return bits
    ### END SOLUTION


def code_words(lengths: Lengths) -> dict[int, str]:
    """Return the codes of these lengths as bits, the highest first, as DEFLATE writes all codes.

    >>> code_words({97: 1, 98: 2, 99: 2})
    {97: '0', 98: '10', 99: '11'}
    """
    return {symbol: f"{value:0{length}b}" for symbol, (value, length) in canonical_codes(lengths).items()}


@cache
def fixed_lengths() -> Codes:
    """Return the lengths of the codes that need no telling: of literals, END and lengths, and of distances.

    Source: RFC 1951, section 3.2.6.
    """
    literals = {
        symbol: 8 if symbol < 144 else 9 if symbol < 256 else 7 if symbol < 280 else 8
        for symbol in range(288)
    }
    return literals, dict.fromkeys(range(32), 5)


def token_bits(tokens: list[Token], literal_lengths: Lengths, distance_lengths: Lengths) -> str:
    """Return the bits of a block's tokens, and of the END after them.

    A literal is its code. A match is its length's code, the number after it, its distance's code, and the
    number after that. Codes are written highest bit first, and numbers lowest bit first.
    Raises ValueError where a symbol has no code.

    >>> token_bits([97, (3, 2)], {97: 2, 257: 2, 256: 1}, {1: 1})
    '101100'
    """
    ### BEGIN SOLUTION
    literals, distances = code_words(literal_lengths), code_words(distance_lengths)
    words = []
    try:
        for token in tokens:
            if isinstance(token, int):
                words.append(literals[token])
                continue
            symbol, width, rest = length_symbol(token[0])
            words += literals[symbol], lowest_first(rest, width)
            symbol, width, rest = distance_symbol(token[1])
            words += distances[symbol], lowest_first(rest, width)
        return "".join(words) + literals[END]
    except KeyError as missing:
        raise ValueError(f"symbol {missing} has no code") from None
    ### END SOLUTION


def run_symbols(lengths: list[int]) -> list[tuple[int, int, int]]:
    """Return code lengths as symbols, each with the bits of the number after it, and that number.

    0 to 15 is a length. 16 repeats the length before it 3 to 6 times, with 2 bits for how many more than 3 times.
    17 is 3 to 10 zeros, with 3 bits, and 18 is 11 to 138 zeros, with 7 bits. From the front on, each run is
    taken as long as it can be; what is then left of it is looked at as if it began there.
    Source: RFC 1951, section 3.2.7.

    >>> run_symbols([8, 8, 8, 8, 8, 0, 0, 0, 0])
    [(8, 0, 0), (16, 2, 1), (17, 3, 1)]
    """
    ### BEGIN SOLUTION
    symbols = []
    place = 0
    while place < len(lengths):
        length, run = lengths[place], 1
        while lengths[place + run : place + run + 1] == [length] and run < 138:
            run += 1
        if length == 0 and run >= 11:
            symbols.append((18, 7, run - 11))
        elif length == 0 and run >= 3:
            symbols.append((17, 3, run - 3))
        elif place and length == lengths[place - 1] and run >= 3:
            run = min(run, 6)
            symbols.append((16, 2, run - 3))
        else:
            run = 1
            symbols.append((length, 0, 0))
        place += run
    return symbols
    ### END SOLUTION


def count_symbols(tokens: list[Token]) -> Counts:
    """Count the symbols of a block's tokens, without its END, and the bits of the numbers after them.

    >>> count_symbols([97, 97, (12, 6)])
    (Counter({97: 2, 265: 1}), Counter({4: 1}), 2)
    """
    literals = Counter(token for token in tokens if isinstance(token, int))
    distances: Counter[int] = Counter()
    bits = 0
    for (length, distance), times in Counter(token for token in tokens if isinstance(token, tuple)).items():
        symbol, width, _ = length_symbol(length)
        literals[symbol] += times
        bits += times * width
        symbol, width, _ = distance_symbol(distance)
        distances[symbol] += times
        bits += times * width
    return literals, distances, bits


def best_lengths(counts: Counts) -> Codes:
    """Return the lengths of the two codes that suit a block with these counts and an END best.

    >>> best_lengths(count_symbols([97, 97, (3, 1)]))
    ({97: 1, 257: 2, 256: 2}, {0: 1})
    """
    literals, distances, _ = counts
    return limited_code_lengths({**literals, END: 1}, MAX_LENGTH), limited_code_lengths(distances, MAX_LENGTH)


def header_bits(literal_lengths: Lengths, distance_lengths: Lengths) -> str:
    """Return the bits that tell a dynamic block's two codes, from HLIT to the last of their lengths.

    They are: the number of literal lengths less 257 in 5 bits, the number of distance lengths less 1 in 5, the
    number of lengths of the third code less 4 in 4; the lengths of the third code in 3 bits each, in `ORDER`,
    4 of them at least and up to the last that isn't 0; and the symbols of both codes' lengths, 257 of the first
    at least and 1 of the second, each up to the last that isn't 0, in one list as `run_symbols` tells them.
    The third code is the best for these symbols without a code longer than 7 bits.
    Source: RFC 1951, section 3.2.7.

    >>> len(header_bits({97: 2, 98: 2, 256: 1}, {}))
    102
    """
    ### BEGIN SOLUTION
    literal_count = max(literal_lengths) + 1  # at least 257, for END is among them
    distance_count = max(distance_lengths, default=0) + 1
    lengths = [literal_lengths.get(symbol, 0) for symbol in range(literal_count)]
    lengths += [distance_lengths.get(symbol, 0) for symbol in range(distance_count)]
    symbols = run_symbols(lengths)
    third = limited_code_lengths(Counter(symbol for symbol, _, _ in symbols), 7)
    told = [third.get(symbol, 0) for symbol in ORDER]
    while told[-1] == 0:
        told.pop()
    bits = lowest_first(literal_count - 257, 5) + lowest_first(distance_count - 1, 5)
    bits += lowest_first(len(told) - 4, 4) + "".join(lowest_first(length, 3) for length in told)
    words = code_words(third)
    return bits + "".join(words[symbol] + lowest_first(rest, width) for symbol, width, rest in symbols)
    ### END SOLUTION


def told(tokens: list[Token]) -> int:
    """Return the number of bytes that tokens tell.

    >>> told([97, (258, 1)])
    259
    """
    return sum(1 if isinstance(token, int) else token[0] for token in tokens)


def split(tokens: list[Token]) -> list[list[Token]]:
    """Cut tokens into blocks: a piece joins the block before it where one block takes fewer bits than two.

    >>> [len(block) for block in split([97] * 9000)]
    [9000]
    """
    blocks: list[list[Token]] = [tokens[:PIECE]]
    counts = count_symbols(blocks[0])
    bits = min(block_sizes(counts, told(blocks[0]), 0))
    for start in range(PIECE, len(tokens), PIECE):
        piece = tokens[start : start + PIECE]
        fresh = count_symbols(piece)
        alone = min(block_sizes(fresh, told(piece), 0))
        both = counts[0] + fresh[0], counts[1] + fresh[1], counts[2] + fresh[2]
        together = min(block_sizes(both, told(blocks[-1]) + told(piece), 0))
        if together <= bits + alone:
            blocks[-1] = blocks[-1] + piece
            counts, bits = both, together
        else:
            blocks.append(piece)
            counts, bits = fresh, alone
    return blocks


def block_bits(tokens: list[Token], data: bytes, place: int, last: bool) -> str:
    """Return the bits of the block that tells the data, of the type that takes fewest; `tokens` tell it, too."""
    counts = count_symbols(tokens)
    sizes = block_sizes(counts, len(data), place)
    kind = sizes.index(min(sizes))
    if kind == STORED:
        return stored_bits(data, place, last)
    lengths = fixed_lengths() if kind == FIXED else best_lengths(counts)
    header = header_bits(*lengths) if kind == DYNAMIC else ""
    return lowest_first(int(last), 1) + lowest_first(kind, 2) + header + token_bits(tokens, *lengths)


def deflate(data: bytes) -> bytes:
    """Return the data as a DEFLATE stream: as many blocks as pay, each of the cheapest type.

    >>> deflate(b"la di la di la di").hex()
    'cb495448c954402201'
    """
    blocks = split(find_tokens(data, depth=DEPTH))
    words: list[str] = []
    start = place = 0
    for number, block in enumerate(blocks, 1):
        size = told(block)
        words.append(block_bits(block, data[start : start + size], place, number == len(blocks)))
        start, place = start + size, place + len(words[-1])
    return to_bytes("".join(words))


def block_sizes(counts: Counts, size: int, place: int) -> tuple[int, int, int]:
    """Return the bits that a block would take as stored, fixed and dynamic, without writing it.

    `counts` are those of its tokens as `count_symbols` gives them, `size` the bytes that they tell, and `place`
    the number of bits written before. Every type has 3 bits in front, and the latter two an END.

    >>> block_sizes(count_symbols([97, 97, (12, 6)]), 14, 0)
    (152, 40, 125)
    """
    ### BEGIN SOLUTION
    literals, distances, bits = counts
    literals = Counter({**literals, END: 1})
    best = best_lengths(counts)
    in_fixed, in_best = (
        3 + coded_bits(literals, codes[0]) + coded_bits(distances, codes[1]) + bits
        for codes in (fixed_lengths(), best)
    )
    blocks = max(1, -(-size // MOST_STORED))
    stored = 3 + -(place + 3) % 8 + 32 + 40 * (blocks - 1) + 8 * size
    return stored, in_fixed, in_best + len(header_bits(*best))
    ### END SOLUTION


class Reader:
    r"""Reads the bits of a DEFLATE stream, which begins at byte `start` of a blob.

    Lesson 1's reader won't do: its first bit is the highest of a byte, and here it is the lowest.

    >>> reader = Reader(b"\x0b")
    >>> reader.number(2), reader.number(3), reader.place
    (3, 2, 5)
    """

    def __init__(self, blob: bytes, start: int = 0) -> None:
        self.blob = blob
        self.place = 8 * start  # in bits, from the blob's beginning

    def peek(self, width: int) -> int:
        """Return the number that the next `width` bits make, the lowest first, with zeros beyond the end."""
        first = self.place // 8
        return int.from_bytes(self.blob[first : first + 4], "little") >> self.place % 8 & (1 << width) - 1

    def move(self, width: int) -> None:
        """Go on by `width` bits. Raises ValueError where the blob ends before."""
        self.place += width
        if self.place > 8 * len(self.blob):
            raise ValueError(f"the data is cut short: it ends after {len(self.blob)} bytes")

    def number(self, width: int) -> int:
        """Return the next `width` bits, 16 at most, as a number, the lowest first, and go on behind them."""
        number = self.peek(width)
        self.move(width)
        return number

    def symbol(self, table: Table) -> int:
        """Return the symbol whose code comes next, by a table of `reading_table`, and go on behind the code."""
        symbol, length = table[self.peek(len(table).bit_length() - 1)]
        if not length:
            raise ValueError(f"the bits from bit {self.place} on begin no code")
        self.move(length)
        return symbol

    def whole_bytes(self, size: int) -> bytes:
        """Skip to the next whole byte, return as many bytes as `size` says, and go on behind them."""
        start = self.end()
        self.place = 8 * start
        self.move(8 * size)
        return self.blob[start : start + size]

    def end(self) -> int:
        """Return the number of bytes of the blob that have been read from."""
        return (self.place + 7) // 8


def reading_table(lengths: Lengths) -> Table:
    """Return lesson 3's decoding table for bits that come lowest first: the code is its entries' lowest bits.

    Raises ValueError where no code has these lengths.

    >>> reading_table({97: 1, 98: 2})
    [(97, 1), (98, 2), (97, 1), (-1, 0)]
    """
    width = max(lengths.values(), default=0)
    table = [(-1, 0)] * (1 << width)
    for symbol, word in code_words(lengths).items():
        table[int(word[::-1], 2) :: 1 << len(word)] = [(symbol, len(word))] * (1 << width - len(word))
    return table


@cache
def fixed_tables() -> tuple[Table, Table]:
    """Return the tables of the fixed codes, which are made once."""
    literals, distances = fixed_lengths()
    return reading_table(literals), reading_table(distances)


def read_tokens(reader: Reader, literals: Table, distances: Table) -> list[Token]:
    """Return the tokens of a block up to its END, which is read, too.

    Raises ValueError where the data is cut short, where bits begin no code, and where a symbol means nothing:
    286 and 287 are no lengths, and 30 and 31 no distances.

    >>> read_tokens(Reader(to_bytes("101100")), reading_table({97: 2, 257: 2, 256: 1}), reading_table({1: 1}))
    [97, (3, 2)]
    """
    ### BEGIN SOLUTION
    found: list[Token] = []
    length_rows, distance_rows = length_buckets(), distance_buckets()
    while (symbol := reader.symbol(literals)) != END:
        if symbol < END:
            found.append(symbol)
            continue
        if symbol - 257 >= len(length_rows):
            raise ValueError(f"symbol {symbol} before bit {reader.place} means no length")
        first, width = length_rows[symbol - 257]
        length = first + reader.number(width)
        symbol = reader.symbol(distances)
        if symbol >= len(distance_rows):
            raise ValueError(f"symbol {symbol} before bit {reader.place} means no distance")
        first, width = distance_rows[symbol]
        found.append((length, first + reader.number(width)))
    return found
    ### END SOLUTION


def check_code(lengths: Lengths) -> None:
    """Raise ValueError unless the code is complete, or has one code only, of 1 bit."""
    total = kraft_sum(lengths.values())
    if total != 1 and list(lengths.values()) != [1]:
        raise ValueError(
            f"a code of {len(lengths)} symbols has a Kraft sum of {total}; a complete code has 1"
        )


def read_header(reader: Reader) -> Codes:
    """Return the lengths of a dynamic block's two codes, which `header_bits` wrote.

    Raises ValueError where the data is cut short, with more than 286 literal or 30 distance lengths, where the
    first length is to be repeated from one before it, where a run goes on behind the last length, without a
    code for END, and with a code that is not complete. Two incomplete ones are let through, for literals and
    distances: a lone code of 1 bit, and no distance codes at all.

    >>> read_header(Reader(to_bytes(header_bits({97: 2, 98: 2, 256: 1}, {}))))
    ({97: 2, 98: 2, 256: 1}, {})
    """
    ### BEGIN SOLUTION
    literal_count, distance_count = reader.number(5) + 257, reader.number(5) + 1
    if literal_count > 286 or distance_count > 30:
        raise ValueError(
            f"a header of {literal_count} and {distance_count} lengths; 286 and 30 have a meaning"
        )
    told = [reader.number(3) for _ in range(reader.number(4) + 4)]
    third = {symbol: length for symbol, length in zip(ORDER, told, strict=False) if length}
    if kraft_sum(third.values()) != 1:
        raise ValueError(f"the code of the code lengths, {third}, is not complete")
    table = reading_table(third)
    lengths: list[int] = []
    while len(lengths) < literal_count + distance_count:
        symbol = reader.symbol(table)
        if symbol < 16:
            lengths.append(symbol)
        elif symbol == 16 and not lengths:
            raise ValueError("the first code length can't repeat one before it")
        elif symbol == 16:
            lengths += lengths[-1:] * (3 + reader.number(2))
        else:
            lengths += [0] * (3 + reader.number(3) if symbol == 17 else 11 + reader.number(7))
    if len(lengths) > literal_count + distance_count:
        raise ValueError(
            f"the last run of code lengths goes on behind the last of {literal_count + distance_count}"
        )
    literals = {symbol: length for symbol, length in enumerate(lengths[:literal_count]) if length}
    distances = {symbol: length for symbol, length in enumerate(lengths[literal_count:]) if length}
    if END not in literals:
        raise ValueError("the block has no code for its END")
    check_code(literals)
    if distances:
        check_code(distances)
    return literals, distances
    ### END SOLUTION


def expand_block(reader: Reader, codes: Codes, output: bytearray) -> None:
    """Read a block's tokens, which are in these codes, and put their data at the end of the output.

    Raises ValueError where `read_tokens` does, and where a distance reaches back beyond the output.

    >>> output = bytearray(b"tell")
    >>> expand_block(Reader(to_bytes("100")), ({256: 1, 257: 1}, {3: 1}), output)
    >>> output
    bytearray(b'telltel')
    """
    tables = fixed_tables() if codes is fixed_lengths() else tuple(map(reading_table, codes))
    output += expand(read_tokens(reader, *tables), bytes(output[-WINDOW:]))


def inflate_fast(blob: bytes, start: int = 0) -> tuple[bytes, int]:
    """Return what `inflate` returns, and raise ValueError where it does, sooner.

    >>> inflate_fast(bytes.fromhex("cb495448c954402201"))
    (b'la di la di la di', 9)
    """
    return inflate(blob, start, expand_block_fast)


def expand_block_fast(reader: Reader, codes: Codes, output: bytearray) -> None:
    """Do what `expand_block` does, without a call for a token.

    The bits are at hand in a list: an entry for each byte of a piece of the blob, with the 64 bits from there
    on, of which a token takes no more than 48. One look into a table gives two literals, or a length.
    """
    literals, distances = _literal_table(codes[0]), _distance_table(codes[1])
    literal_mask, distance_mask = len(literals) - 1, len(distances) - 1
    words: list[int] = []
    base = place = 0
    while True:
        try:
            window = words[place >> 3] >> (place & 7)
        except IndexError:  # the list is used up, or there is none yet
            reader.move(place - base)
            words = _words(reader.blob, reader.place >> 3)
            base = place = reader.place & 7
            continue
        used, pair, length, extra = literals[window & literal_mask]
        place += used
        if pair:
            output += pair
            continue
        if length <= 0:
            break
        window >>= used
        if extra:
            length += window & (1 << extra) - 1
            window >>= extra
            place += extra
        used, distance, mask, both = distances[window & distance_mask]
        distance += window >> used & mask
        place += both
        source = len(output) - distance
        if source < 0:
            raise ValueError(f"distance {distance} at place {len(output)} reaches no data, or is none")
        if distance >= length:
            output += output[source : source + length]
        else:
            output += (output[source:] * (length // distance + 1))[:length]
    if length:
        raise ValueError("bits begin no code, or mean no length")
    reader.move(place - base)


def _words(blob: bytes, start: int) -> list[int]:
    """Return the 64 bits from each byte on, the lowest first, for a piece of the blob, with zeros where it ends."""
    piece = blob[start : start + WINDOW + 8]
    if len(piece) < WINDOW + 8:
        piece += bytes(8)
    rows = np.lib.stride_tricks.sliding_window_view(np.frombuffer(piece, np.uint8), 8)
    words: list[int] = np.ascontiguousarray(rows).view("<u8").ravel().tolist()
    return words


def _literal_table(lengths: Lengths) -> list[tuple[int, bytes, int, int]]:
    """Return (bits, one or two literals, length, bits of the number after it) for what the next bits can be."""
    width = max(12, *lengths.values())
    table = [(0, b"", -1, 0)] * (1 << width)
    codes = [(symbol, int(word[::-1], 2), len(word)) for symbol, word in code_words(lengths).items()]
    rows = [(0, 0)] * (END + 1) + length_buckets()  # a literal and END have no length
    for symbol, word, used in codes:
        if symbol < len(rows):
            length, extra = rows[symbol]
            entry = used, bytes([symbol] * (symbol < END)), length, extra
            table[word :: 1 << used] = [entry] * (1 << width - used)
    for first, word, used in codes:  # the shortest come first
        for second, after, more in codes:
            if used + more > width:
                break
            if first < END and second < END:
                entry = used + more, bytes([first, second]), 0, 0
                table[word | after << used :: 1 << used + more] = [entry] * (1 << width - used - more)
    return table


def _distance_table(lengths: Lengths) -> list[tuple[int, int, int, int]]:
    """Return (bits, distance, mask of the number after it, bits of both) for what the next bits can be."""
    width = max(lengths.values(), default=0)
    table = [(0, 1 << 40, 0, 0)] * (1 << width)  # a distance that reaches no data
    rows = distance_buckets()
    for symbol, word in code_words(lengths).items():
        if symbol < len(rows):
            first, extra = rows[symbol]
            entry = len(word), first, (1 << extra) - 1, len(word) + extra
            table[int(word[::-1], 2) :: 1 << len(word)] = [entry] * (1 << width - len(word))
    return table


def inflate(
    blob: bytes, start: int = 0, block: Callable[[Reader, Codes, bytearray], None] = expand_block
) -> tuple[bytes, int]:
    """Return the data of the DEFLATE stream that begins at byte `start`, and the byte after the stream's last.

    `block` is called with a reader, the lengths of a block's two codes, and the data so far, to go on with it.
    Whatever follows the stream is ignored. Raises ValueError where it is cut short, with a block of type 3, where
    a stored block's size and its turned copy differ, and where `read_header` and `block` do.

    >>> inflate(bytes.fromhex("cb495448c954402201"))
    (b'la di la di la di', 9)
    """
    ### BEGIN SOLUTION
    reader = Reader(blob, start)
    output = bytearray()
    last = 0
    while not last:
        last, kind = reader.number(1), reader.number(2)
        if kind == STORED:
            size, turned = (int.from_bytes(reader.whole_bytes(2), "little") for _ in range(2))
            if size ^ turned != 0xFFFF:
                raise ValueError(
                    f"a stored block has {size} bytes, and its turned size says {turned ^ 0xFFFF}"
                )
            output += reader.whole_bytes(size)
        elif kind == FIXED:
            block(reader, fixed_lengths(), output)
        elif kind == DYNAMIC:
            block(reader, read_header(reader), output)
        else:
            raise ValueError(f"the block before bit {reader.place} is of type 3, which does not exist")
    return bytes(output), reader.end()
    ### END SOLUTION


@cache
def crc_table() -> list[int]:
    """Return for each byte what becomes of the checksum when the byte meets its lowest eight bits.

    >>> [hex(entry) for entry in crc_table()[:3]]
    ['0x0', '0x77073096', '0xee0e612c']
    """
    table = []
    for crc in range(256):
        for _ in range(8):
            crc = crc >> 1 ^ POLYNOMIAL if crc & 1 else crc >> 1
        table.append(crc)
    return table


def crc32(data: bytes) -> int:
    """Return gzip's checksum of the data, a number of 32 bits.

    It begins as 32 ones. For each byte, the lowest eight bits of the checksum, XOR the byte, name an entry of the
    table; the checksum is shifted right by eight, and XORed with that entry. In the end all bits are turned.
    Source: RFC 1952, section 8.

    >>> hex(crc32(b"123456789"))
    '0xcbf43926'
    """
    ### BEGIN SOLUTION
    table = crc_table()
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ table[crc & 255 ^ byte]
    return crc ^ 0xFFFFFFFF
    ### END SOLUTION


def member_start(blob: bytes, place: int = 0) -> int:
    """Return the byte at which the DEFLATE stream of the gzip member begins whose header is at byte `place`.

    The header is 1f 8b, the method 08, a byte of flags, and six bytes that tell when, how and where; then, in
    this order, what the flags announce: 4, two bytes of size, lowest first, and as many bytes; 8, a name
    and a byte of 0; 16, a comment and a byte of 0; 2, the lowest two bytes of the checksum of the header up
    to here, lowest first. Flag 1 announces nothing, and 32, 64 and 128 have no meaning. Raises ValueError where the
    header is another one, is cut short, has flags without meaning, or a wrong checksum.
    Source: RFC 1952, section 2.3.

    >>> member_start(bytes.fromhex("1f8b08080000000000ff") + b"song.txt" + bytes(1))
    19
    """
    ### BEGIN SOLUTION
    if blob[place : place + 3] != HEADER[:3]:
        raise ValueError(
            f"byte {place} begins no gzip file: {blob[place : place + 3].hex()} instead of 1f8b08"
        )
    here = place + len(HEADER)
    flags = blob[place + 3] if here <= len(blob) else 0
    if flags & 0b11100000:
        raise ValueError(f"the header's flags {flags:#x} have no meaning")
    if flags & 4:
        here += 2 + int.from_bytes(blob[here : here + 2], "little")
    for flag in (8, 16):
        if flags & flag:
            here = blob.find(0, here) + 1 or len(blob) + 1
    if flags & 2:
        here += 2
        if int.from_bytes(blob[here - 2 : here], "little") != crc32(blob[place : here - 2]) & 0xFFFF:
            raise ValueError("the header's checksum is not that of the header")
    if here > len(blob):
        raise ValueError(f"the header is cut short: it goes on behind byte {len(blob)}")
    return here
    ### END SOLUTION


def compress(data: bytes) -> bytes:
    """Return the data as a gzip file: `HEADER`, its DEFLATE stream, its checksum, and its size.

    The last two take four bytes each, lowest first; of a size of 4 GiB or more, the lowest four bytes are told.
    Source: RFC 1952, section 2.3.

    >>> compress(b"la di la di la di").hex()
    '1f8b08000000000000ffcb495448c954402201d0970b4d11000000'
    """
    ### BEGIN SOLUTION
    trailer = crc32(data).to_bytes(4, "little") + (len(data) & 0xFFFFFFFF).to_bytes(4, "little")
    return HEADER + deflate(data) + trailer
    ### END SOLUTION


def decompress(blob: bytes) -> bytes:
    """Return the data of a gzip file: that of all its members, of which there is one or more.

    Raises ValueError where a member is cut short or damaged, where its checksum or size isn't that of its data,
    and where something else follows a member than another one.

    >>> decompress(compress(b"la di la di ") + compress(b"la di"))
    b'la di la di la di'
    """
    ### BEGIN SOLUTION
    output = bytearray()
    place = 0
    while not place or place < len(blob):
        data, place = inflate(blob, member_start(blob, place))
        checksum, size = (int.from_bytes(blob[place + i : place + i + 4], "little") for i in (0, 4))
        place += 8
        if place > len(blob):
            raise ValueError(f"the file is cut short: it ends after {len(blob)} bytes, in a checksum or size")
        if checksum != crc32(data):
            raise ValueError(f"the data's checksum is {crc32(data):08x}, but the file says {checksum:08x}")
        if size != len(data) & 0xFFFFFFFF:
            raise ValueError(f"the data has {len(data)} bytes, but the file says {size}")
        output += data
    return bytes(output)
    ### END SOLUTION


def is_inflate(candidate: Callable[[bytes], tuple[bytes, int]]) -> bool:
    """Say whether `candidate` could be `inflate`, by trying it: this law is yours to write.

    It is handed functions that take a DEFLATE stream and return its data and the number of its bytes, or raise
    ValueError. Right ones differ in how they work. Wrong ones give wrong data or a wrong number, refuse what is
    right, or accept what no stream may hold. Tell them apart without calling your own `inflate`.
    """
    ### BEGIN SOLUTION
    song = bytes.fromhex("cb495448c954402201")
    two_stored = bytes.fromhex("000200fdff6c61010100feff21")
    dynamic = bytes.fromhex("4dc4210100000080a0adfc3f61b500dc00")
    good = [(song + b"more", b"la di la di la di", 9), (two_stored, b"la!", 13), (dynamic, b"a" * 18, 17)]
    # Of type 3, too far back, with a size beside its copy, with the symbols 286 and 30.
    bad = ["07", "4b044200", "010100ffff21", "4b1c0300", "4b043e00"]
    try:
        if any(candidate(stream) != (data, end) for stream, data, end in good):
            return False
    except ValueError:
        return False
    for stream in [song[:-1], *map(bytes.fromhex, bad)]:
        try:
            candidate(stream)
        except ValueError:
            continue
        return False
    return True
    ### END SOLUTION

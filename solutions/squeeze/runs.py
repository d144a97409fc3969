"""Lesson 2: runs told by their length, and the sorting that makes runs where there are none."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby

import numpy as np

from squeeze.entropy import BitReader, BitWriter, counts

BLOCK = 1 << 20  # bytes that are sorted at a time, at most: what bounds the memory
RUN_A = 0  # the digit of a run of zeros that counts 1; the name is bzip2's
RUN_B = 1  # the digit that counts 2


def runs_of(data: bytes, longest: int) -> list[tuple[int, int]]:
    """Return the runs of equal bytes in order, as (byte value, length).

    A run is as long as it can be, up to `longest`; what is left of a longer one makes the next run.

    >>> runs_of(b"abbbbb", 3)
    [(97, 1), (98, 3), (98, 2)]
    """
    ### BEGIN SOLUTION
    runs = []
    start = 0
    for end in range(1, len(data) + 1):
        if end == len(data) or data[end] != data[start] or end - start == longest:
            runs.append((data[start], end - start))
            start = end
    return runs
    ### END SOLUTION


def rle_encode(data: bytes) -> bytes:
    r"""Return the data with each run of four or more bytes written as four of them and a count of the rest.

    A shorter run stands as it is. The longest run in one piece has 255 bytes, so that its count is 251.
    Source: Seward, bzip2 (1996), its first step.

    >>> rle_encode(b"aaabbbbbb")
    b'aaabbbb\x02'
    """
    ### BEGIN SOLUTION
    output = bytearray()
    for symbol, length in runs_of(data, 255):
        output += bytes([symbol]) * min(length, 4)
        if length >= 4:
            output.append(length - 4)
    return bytes(output)
    ### END SOLUTION


def rle_decode(blob: bytes) -> bytes:
    r"""Return the data that `rle_encode` was given.

    After each four equal bytes stands a count, 0 to 255, and a new run begins behind it.
    Raises ValueError where the last four bytes are equal and their count is missing.

    >>> rle_decode(b"aaabbbb\x02")
    b'aaabbbbbb'
    """
    ### BEGIN SOLUTION
    output = bytearray()
    alike = 0  # equal bytes that were just read, since the last count
    for byte in blob:
        if alike == 4:
            output += output[-1:] * byte
            alike = 0
        else:
            alike = alike + 1 if alike and byte == output[-1] else 1
            output.append(byte)
    if alike == 4:
        raise ValueError(f"the data ends after four bytes {output[-1]}, and their count is missing")
    return bytes(output)
    ### END SOLUTION


def pack_bits(data: bytes) -> bytes:
    """Return the data as PackBits packets, at most one byte for every 128 begun longer than it was.

    A packet is a control byte c with what belongs to it: c + 1 literal bytes where c is 0 to 127, and one byte
    to be written 257 - c times where c is 129 to 255. Runs of three and more make packets of their own; a run
    of two does so only where no literals stand before it that it can join.
    Source: Apple, Technical Note TN1023; TIFF 6.0, section 9.

    >>> pack_bits(b"aaaaabcc").hex(" ")
    'fc 61 02 62 63 63'
    """
    ### BEGIN SOLUTION
    output, literals = bytearray(), bytearray()

    def end_literals() -> None:
        for start in range(0, len(literals), 128):
            piece = literals[start : start + 128]
            output.append(len(piece) - 1)
            output.extend(piece)
        literals.clear()

    for symbol, length in runs_of(data, 128):
        if length >= 3 or (length == 2 and not literals):
            end_literals()
            output += bytes([257 - length, symbol])
        else:
            literals += bytes([symbol]) * length
    end_literals()
    return bytes(output)
    ### END SOLUTION


def unpack_bits(blob: bytes, size: int) -> tuple[bytes, int]:
    r"""Return the first `size` bytes that were packed, and the number of bytes that their packets take.

    A control byte of 128 means nothing and is skipped. Whatever follows the last packet is ignored.
    Raises ValueError where the blob ends before it, and where it holds more than the bytes that are left.

    >>> unpack_bits(b"\xfca\x02bcc and more", 8)
    (b'aaaaabcc', 6)
    """
    ### BEGIN SOLUTION
    output = bytearray()
    used = 0
    while len(output) < size and used < len(blob):
        control = blob[used]
        used += 1
        if control < 128:
            output += blob[used : used + control + 1]
            used += control + 1
        elif control > 128:
            output += blob[used : used + 1] * (257 - control)
            used += 1
    if len(output) != size or used > len(blob):
        raise ValueError(
            f"the packets tell {len(output)} bytes of {size}, and need {used} of {len(blob)} bytes"
        )
    return bytes(output), used
    ### END SOLUTION


def bwt(data: bytes) -> tuple[bytes, int]:
    """Return the last column of the data's sorted rotations, and the number of the row that is the data itself.

    Rows are numbered from 0. Where several rows are equal to the data, the first of them counts. Empty data
    gives (b"", 0). Memory grows with the square of the length. Source: Burrows and Wheeler (1994).

    >>> bwt(b"abracadabra")
    (b'rdarcaaaabb', 2)
    """
    ### BEGIN SOLUTION
    twice = data + data
    starts = sorted(range(len(data)), key=lambda start: twice[start : start + len(data)])
    column = bytes(data[start - 1] for start in starts)
    return column, starts.index(0) if data else 0
    ### END SOLUTION


def fast_bwt(data: bytes) -> tuple[bytes, int]:
    """Return what `bwt` returns, in memory that grows with the length: 2^20 bytes take about 60 MB.

    Rotations are ranked by their first byte, then by 2, 4, 8, … bytes: the second half of a stretch is
    the first half of another one, which has its rank already. Source: Manber and Myers (1993).

    >>> fast_bwt(b"abracadabra")
    (b'rdarcaaaabb', 2)
    """
    if not data:
        return b"", 0
    letters = np.frombuffer(data, np.uint8)
    places = np.arange(len(data))
    rank = letters.astype(np.int64)
    known = 1  # the rotations are ranked by that many bytes
    while True:
        pair = rank * max(len(data), 256) + np.roll(rank, -known)
        order = np.argsort(pair, kind="stable")
        ordered = pair[order]
        first = np.append(True, ordered[1:] != ordered[:-1])  # of those that are equal so far
        rank[order] = np.maximum.accumulate(np.where(first, places, 0))
        known *= 2
        if known >= len(data) or first.all():
            return letters[order - 1].tobytes(), int(rank[0])


def inverse_bwt(column: bytes, index: int) -> bytes:
    """Return the data whose `bwt` is the column and the index.

    Raises ValueError where the column has no row of that number; an empty column has row 0.

    >>> inverse_bwt(b"rdarcaaaabb", 2)
    b'abracadabra'
    """
    ### BEGIN SOLUTION
    if not 0 <= index < max(1, len(column)):
        raise ValueError(f"there is no row {index!r} among {len(column)}")
    start, starts = 0, {}  # where the rows that begin with a byte stand
    for symbol, count in counts(column).items():
        starts[symbol] = start
        start += count
    source = [0] * len(column)  # the byte that row i begins with is the one that row source[i] ends with
    for row, symbol in enumerate(column):
        source[starts[symbol]] = row
        starts[symbol] += 1
    output = bytearray()
    for _ in column:
        index = source[index]
        output.append(column[index])
    return bytes(output)
    ### END SOLUTION


def move_to_front(data: bytes) -> bytes:
    """Return each byte's place in a list of all 256, in which it then moves to the front.

    The list begins as 0, 1, …, 255. Source: Bentley, Sleator, Tarjan and Wei (1986).

    >>> list(move_to_front(bytes([2, 2, 2, 0, 0])))
    [2, 0, 0, 1, 0]
    """
    ### BEGIN SOLUTION
    table = bytearray(range(256))
    ranks = bytearray()
    for symbol in data:
        rank = table.index(symbol)
        ranks.append(rank)
        del table[rank]
        table.insert(0, symbol)
    return bytes(ranks)
    ### END SOLUTION


def undo_move_to_front(ranks: bytes) -> bytes:
    """Return the data whose `move_to_front` are the ranks.

    >>> list(undo_move_to_front(bytes([2, 0, 0, 1, 0])))
    [2, 2, 2, 0, 0]
    """
    ### BEGIN SOLUTION
    table = bytearray(range(256))
    data = bytearray()
    for rank in ranks:
        symbol = table.pop(rank)
        table.insert(0, symbol)
        data.append(symbol)
    return bytes(data)
    ### END SOLUTION


def zero_runs(ranks: bytes) -> list[int]:
    """Return the ranks as symbols: a rank above 0 as itself plus 1, and a run of zeros as its digits.

    The digits of a run's length are `RUN_A` for 1 and `RUN_B` for 2. The first one counts once, the next twice,
    the next four times, and so on. Source: bzip2, the step before its last.

    >>> zero_runs(bytes([7, 0, 0, 0, 0, 0]))
    [8, 0, 1]
    """
    ### BEGIN SOLUTION
    symbols = []
    for rank, group in groupby(ranks):
        length = len(list(group))
        if rank:
            symbols += [rank + 1] * length
            continue
        while length:
            symbols.append(RUN_A if length % 2 else RUN_B)
            length = (length - 1) // 2
    return symbols
    ### END SOLUTION


def bzip2_block(blob: bytes) -> tuple[bytes, int, list[int]]:
    """Return the first block of a bzip2 file as it is before its last step, which is lesson 3's: Huffman codes.

    The answer is the byte values that occur, in order; the index of the transform; and the zero-run symbols, in
    which a rank is a place in the list of those values. Raises ValueError where no block begins as it should,
    and EOFError where it is cut short.

    >>> import bz2
    >>> bzip2_block(bz2.compress(b"abracadabra"))
    (b'abcdr', 2, [5, 5, 3, 3, 5, 3, 0, 0, 5, 0])
    """
    reader = BitReader(blob)
    if reader.read(24) != 0x425A68 or reader.read(8 + 48) & (1 << 48) - 1 != 0x314159265359:
        raise ValueError("no block of a bzip2 file begins so")
    reader.read(32 + 1)  # a checksum, and a bit that is always 0 nowadays
    index, values = reader.read(24), _values(reader)
    tables, groups = reader.read(3), reader.read(15)
    recent, chosen = list(range(tables)), []
    for _ in range(groups):  # which table each 50 symbols use, as ranks of a list that moves to front
        recent.insert(0, recent.pop(_ones(reader)))
        chosen.append(recent[0])
    words = [_words(reader, len(values) + 2) for _ in range(tables)]
    symbols: list[int] = []
    end = len(values) + 1
    while (symbol := _symbol(reader, words[chosen[len(symbols) // 50]])) != end:
        symbols.append(symbol)
    return bytes(values), index, symbols


Words = dict[tuple[int, int], int]  # (length, word) to symbol


def _values(reader: BitReader) -> list[int]:
    """Return the byte values that occur: a bit for each 16 of them, then 16 bits where that bit was 1."""
    rows = [row for row, bit in enumerate(f"{reader.read(16):016b}") if bit == "1"]
    return [16 * row + at for row in rows for at, bit in enumerate(f"{reader.read(16):016b}") if bit == "1"]


def _ones(reader: BitReader) -> int:
    """Return how many ones come before the next zero."""
    count = 0
    while reader.read(1):
        count += 1
    return count


def _words(reader: BitReader, symbols: int) -> Words:
    """Return the canonical code whose lengths come next, each told as steps up or down from the one before."""
    length, lengths = reader.read(5), []
    for symbol in range(symbols):
        while reader.read(1):
            length += -1 if reader.read(1) else 1
        lengths.append((length, symbol))
    word, before, words = 0, 0, {}
    for length, symbol in sorted(lengths):
        word <<= length - before
        words[length, word] = symbol
        word, before = word + 1, length
    return words


def _symbol(reader: BitReader, words: Words) -> int:
    """Return the symbol whose word comes next."""
    length = word = 0
    while (length, word) not in words:
        length, word = length + 1, word << 1 | reader.read(1)
    return words[length, word]


def undo_zero_runs(symbols: list[int], limit: int) -> bytes:
    """Return the ranks whose `zero_runs` are the symbols.

    Raises ValueError where they are more than `limit` ranks, before it takes the memory for them, and where
    a symbol is not in 0 to 256.

    >>> list(undo_zero_runs([8, 0, 1], 100))
    [7, 0, 0, 0, 0, 0]
    """
    ### BEGIN SOLUTION
    ranks = bytearray()
    worth = 1  # of the next digit's ones
    for symbol in symbols:
        zeros = 0
        if symbol > RUN_B:
            ranks.append(symbol - 1)  # which raises ValueError itself where that is no byte
            worth = 1
        else:
            zeros = worth << symbol
            worth *= 2
        if len(ranks) + zeros > limit:
            raise ValueError(f"the symbols tell more than {limit} ranks")
        ranks += bytes(zeros)
    return bytes(ranks)
    ### END SOLUTION


def write_number(writer: BitWriter, number: int) -> None:
    r"""Write a number of n bits, 1 or larger, as n - 1 zeros and its bits: Elias's gamma code (1975).

    >>> writer = BitWriter()
    >>> write_number(writer, 1)
    >>> write_number(writer, 5)
    >>> f"{writer.to_bytes()[0]:08b}"
    '10010100'
    """
    writer.write(number, 2 * number.bit_length() - 1)


def read_number(reader: BitReader) -> int:
    """Read a number back. Raises EOFError where it is cut short, and ValueError where it has over 32 bits.

    >>> reader = BitReader(bytes([0b10010100]))
    >>> read_number(reader), read_number(reader)
    (1, 5)
    """
    zeros = 0
    while not reader.read(1):
        zeros += 1
        if zeros > 31:
            raise ValueError(f"a number before bit {reader.position} has more than 32 bits")
    return 1 << zeros | reader.read(zeros)


def compress(data: bytes, block: int = BLOCK) -> bytes:
    """Return the data's size and the size of its blocks (32 bits each), then one block after another.

    A block is the bit 0 and its bytes as they are; or the bit 1, the index of its transform (32 bits), the
    number of its symbols (32 bits), and each symbol plus 1, written by `write_number`, where these are fewer
    bits. The symbols are those of `zero_runs`, after `fast_bwt` and `move_to_front`. Zeros fill the last byte.
    Raises ValueError where a block has not 1 to `BLOCK` bytes, and where the data is 4 GiB or longer.

    >>> len(compress(b"abracadabra" * 30))
    35
    """
    ### BEGIN SOLUTION
    if not 1 <= block <= BLOCK:
        raise ValueError(f"a block has 1 to {BLOCK} bytes, not {block!r}")
    writer = BitWriter()
    writer.write(len(data), 32)  # which refuses 4 GiB
    writer.write(block, 32)
    for start in range(0, len(data), block):
        piece = data[start : start + block]
        column, index = fast_bwt(piece)
        symbols = zero_runs(move_to_front(column))
        if 64 + sum(2 * (symbol + 1).bit_length() - 1 for symbol in symbols) < 8 * len(piece):
            writer.write(1, 1)
            writer.write(index, 32)
            writer.write(len(symbols), 32)
            for symbol in symbols:
                write_number(writer, symbol + 1)
        else:
            writer.write(0, 1)
            writer.write(int.from_bytes(piece, "big"), 8 * len(piece))
    return writer.to_bytes()
    ### END SOLUTION


def decompress(blob: bytes) -> bytes:
    """Return the data that `compress` was given.

    Raises ValueError where the blob is cut short, where it announces blocks of 0 or of more than `BLOCK` bytes,
    where a block is not as long as it should be or has no row of its index, and where bytes follow the last.

    >>> decompress(compress(b"abracadabra" * 30)) == b"abracadabra" * 30
    True
    """
    ### BEGIN SOLUTION
    reader = BitReader(blob)
    output = bytearray()
    try:
        total, block = reader.read(32), reader.read(32)
        if not 1 <= block <= BLOCK:
            raise ValueError(f"a block has 1 to {BLOCK} bytes, not {block}")
        while len(output) < total:
            size = min(block, total - len(output))
            if not reader.read(1):
                output += reader.read(8 * size).to_bytes(size, "big")
                continue
            index, number = reader.read(32), reader.read(32)
            ranks = undo_zero_runs([read_number(reader) - 1 for _ in range(number)], size)
            if len(ranks) != size:
                raise ValueError(
                    f"the block after {len(output)} bytes has {len(ranks)} bytes in place of {size}"
                )
            output += inverse_bwt(undo_move_to_front(ranks), index)
    except EOFError as problem:
        raise ValueError(f"the blob of {len(blob)} bytes is cut short: {problem}") from None
    if 8 * len(blob) - reader.position >= 8:
        raise ValueError(f"the data ends at bit {reader.position}, but {len(blob)} bytes are there")
    return bytes(output)
    ### END SOLUTION


def is_pack_bits(candidate: Callable[[bytes], bytes]) -> bool:
    """Say whether `candidate` could be `pack_bits`, by trying it: this law is yours to write.

    It is handed functions that take up to 600 bytes and return packets, some right and some wrong. Right is
    whatever packets keep three promises: the data comes back and no byte is left over, n bytes take at most
    one byte for every 128 begun more than n, and 128 equal bytes take 2. Use `unpack_bits`, and not your own
    `pack_bits`: other packets can be as good.
    """
    ### BEGIN SOLUTION
    for data in (b"abb" * 128, b"a" * 129):
        packets = candidate(data)
        try:
            if unpack_bits(packets, len(data)) != (data, len(packets)):
                return False
        except ValueError:
            return False
        if len(packets) > len(data) + (len(data) + 127) // 128:
            return False
    return len(candidate(b"a" * 128)) == 2
    ### END SOLUTION

"""Lesson 3: Huffman codes, made canonical so that their lengths are all that a file must carry."""

from __future__ import annotations

import heapq
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from squeeze.entropy import counts as count_bytes
from squeeze.entropy import kraft_sum

MAX_LENGTH = 15  # bits of the longest code in a file: DEFLATE's limit, and it fits into half a byte
LANE = 768  # bits that each reader of `decode_in_lanes` answers for
RUN_UP = 160  # bits before its lane where a reader starts, to be in step when the lane begins

Code = tuple[int, int]  # (value, length): the `length` lowest bits of `value`, highest first


def coded_bits(counts: dict[int, int], lengths: dict[int, int]) -> int:
    """Return the bits that a text with these counts takes when each symbol costs its length.

    >>> coded_bits({97: 5, 98: 2}, {97: 1, 98: 3})
    11
    """
    return sum(count * lengths[symbol] for symbol, count in counts.items())


def check_counts(counts: dict[int, int]) -> None:
    """Raise ValueError where a count is below 1."""
    for symbol, count in counts.items():
        if count < 1:
            raise ValueError(f"symbol {symbol!r} is counted {count!r} times; leave out what never occurs")


def code_lengths(counts: dict[int, int]) -> dict[int, int]:
    """Return the bits of each symbol's code in a prefix code that makes the whole text shortest.

    `counts` says how often each symbol occurs; a symbol that never occurs is left out of it.
    A lone symbol gets 1 bit. No symbols give {}. Raises ValueError where a count is below 1.
    Source: Huffman (1952).

    >>> code_lengths({97: 10, 98: 3, 99: 2})
    {97: 1, 98: 2, 99: 2}
    """
    ### BEGIN SOLUTION
    check_counts(counts)
    if len(counts) == 1:
        return dict.fromkeys(counts, 1)
    lengths = dict.fromkeys(counts, 0)
    # The age in second place makes older trees go first among equals: that keeps the tree shallow.
    trees = [(count, age, [symbol]) for age, (symbol, count) in enumerate(sorted(counts.items()))]
    heapq.heapify(trees)
    for age in range(len(trees), 2 * len(trees) - 1):
        light, _, left = heapq.heappop(trees)
        heavy, _, right = heapq.heappop(trees)
        for symbol in left + right:
            lengths[symbol] += 1
        heapq.heappush(trees, (light + heavy, age, left + right))
    return lengths
    ### END SOLUTION


def limited_code_lengths(counts: dict[int, int], limit: int) -> dict[int, int]:
    """Return the bits of each symbol's code in the best prefix code without a code longer than `limit`.

    A lone symbol gets 1 bit. No symbols give {}. Raises ValueError where a count is below 1, and where
    so many symbols can't all have codes within the limit.
    Source: Larmore and Hirschberg (1990), the package-merge algorithm.

    >>> limited_code_lengths({97: 10, 98: 3, 99: 2, 100: 1}, 2)
    {97: 2, 98: 2, 99: 2, 100: 2}
    """
    ### BEGIN SOLUTION
    check_counts(counts)
    if len(counts) > 2**limit or (counts and limit < 1):
        raise ValueError(f"{len(counts)} symbols can't all have codes of at most {limit!r} bits")
    coins = sorted((count, [symbol]) for symbol, count in counts.items())
    if len(coins) == 1:
        return dict.fromkeys(counts, 1)
    packages = coins
    for _ in range(limit - 1):
        neighbours = zip(packages[::2], packages[1::2], strict=False)  # an odd one at the end is dropped
        pairs = [(light + heavy, left + right) for (light, left), (heavy, right) in neighbours]
        packages = sorted(coins + pairs, key=lambda package: package[0])
    lengths = dict.fromkeys(counts, 0)
    for _, symbols in packages[: 2 * len(coins) - 2]:
        for symbol in symbols:
            lengths[symbol] += 1
    return lengths
    ### END SOLUTION


def canonical_codes(lengths: dict[int, int]) -> dict[int, Code]:
    """Return each symbol's code as (value, length), given out in DEFLATE's order.

    Shorter codes come first, and symbols with codes of one length in increasing order of the symbol.
    Raises ValueError where a length is below 1, and where no prefix code has these lengths.
    Source: RFC 1951, section 3.2.2.

    >>> canonical_codes({97: 2, 98: 1, 99: 2})
    {98: (0, 1), 97: (2, 2), 99: (3, 2)}
    """
    ### BEGIN SOLUTION
    codes: dict[int, Code] = {}
    value = previous = 0
    for symbol, length in sorted(lengths.items(), key=lambda item: (item[1], item[0])):
        if length < 1:
            raise ValueError(f"symbol {symbol!r} has a code of {length!r} bits; the shortest has 1")
        value <<= length - previous
        if value >> length:
            raise ValueError(f"no code of {length} bits is left for symbol {symbol!r}; others took them")
        codes[symbol] = value, length
        value, previous = value + 1, length
    return codes
    ### END SOLUTION


def encode(data: bytes, codes: dict[int, Code]) -> bytes:
    """Return the codes of the data's bytes, one after another, with zeros up to a whole byte at the end.

    The first bit is the highest bit of the first byte, as in lesson 1.
    Raises ValueError where a byte of the data has no code.

    >>> encode(b"abba", {97: (0, 1), 98: (2, 2)}).hex()
    '50'
    """
    ### BEGIN SOLUTION
    words = {symbol: f"{value:0{length}b}" for symbol, (value, length) in codes.items()}
    try:
        bits = "".join([words[symbol] for symbol in data])
    except KeyError as missing:
        raise ValueError(f"byte {missing} has no code") from None
    bits += "0" * (-len(bits) % 8)
    return int("0" + bits, 2).to_bytes(len(bits) // 8, "big")
    ### END SOLUTION


def decoding_table(codes: dict[int, Code]) -> list[tuple[int, int]]:
    """Return the table that a decoder looks its next bits up in.

    The table has 2^w entries, where w is the length of the longest code (0 where there is none). Entry i is
    (symbol, length) of the code that the w bits of i begin with, and (-1, 0) where they begin with none.
    Raises ValueError where a code is longer than `MAX_LENGTH`, and where one code begins another.

    >>> decoding_table({97: (0, 1), 98: (2, 2)})
    [(97, 1), (97, 1), (98, 2), (-1, 0)]
    """
    ### BEGIN SOLUTION
    width = max((length for _, length in codes.values()), default=0)
    if width > MAX_LENGTH:
        raise ValueError(f"a code of {width} bits is too long for a table: {MAX_LENGTH} is the limit")
    table = [(-1, 0)] * 2**width
    for symbol, (value, length) in codes.items():
        spare = width - length  # bits of the peek that belong to what follows
        first, last = value << spare, (value + 1) << spare
        if any(taken for _, taken in table[first:last]):
            raise ValueError(f"the code of symbol {symbol!r} and another one begin alike")
        table[first:last] = [(symbol, length)] * (last - first)
    return table
    ### END SOLUTION


def decode_in_lanes(blob: bytes, size: int, codes: dict[int, Code]) -> tuple[bytes, int]:
    """Return what `decode` returns, and raise what it raises: many readers work at once, each in its own lane.

    A reader that starts at a wrong bit soon falls into step with the right one. So each starts a little before
    its lane, and all of them take their next code at the same time, in a few operations of NumPy. Where they
    don't join up in the end, `decode` does the work instead. Takes about 200 bytes of memory for each byte.

    >>> decode_in_lanes(bytes.fromhex("50"), 4, {97: (0, 1), 98: (2, 2)})
    (b'abba', 6)
    """
    table = _arrays(codes)
    if size == 0 or table is None or not 0 < len(blob) < 1 << 28:  # its bits are counted in 31
        return decode(blob, size, codes)
    symbol, length = table
    peeks = _peeks(blob, len(symbol).bit_length() - 1)
    bits = 8 * len(blob)
    after = length.take(peeks)
    after += np.arange(bits, dtype=np.int32)  # where the next code begins, for one that begins here
    starts = _starts(after)[:size]
    found = symbol.take(peeks.take(starts))
    joined = len(starts) == size and starts[0] == 0 and (after[starts[:-1]] == starts[1:]).all()
    if not joined or found.min() < 0 or after[starts[-1]] > bits:
        return decode(blob, size, codes)
    return found.astype(np.uint8).tobytes(), int(after[starts[-1]])


def _arrays(codes: dict[int, Code]) -> tuple[NDArray[np.int16], NDArray[np.int32]] | None:
    """Return `decoding_table` as two arrays, with -1 and 1 where no code begins so; None where it would raise."""
    width = max((length for _, length in codes.values()), default=0)
    if not 0 < width <= MAX_LENGTH:
        return None
    symbols, lengths = np.full(1 << width, -1, np.int16), np.ones(1 << width, np.int32)
    for symbol, (value, length) in codes.items():
        entries = slice(value << width - length, (value + 1) << width - length)
        symbols[entries], lengths[entries] = symbol, length
    owned = sum(1 << width - length for _, length in codes.values())
    return (symbols, lengths) if owned == np.count_nonzero(symbols >= 0) else None


def _peeks(blob: bytes, width: int) -> NDArray[np.int32]:
    """Return, for each bit of the blob, the number that the `width` bits from there on make."""
    padded = np.frombuffer(blob + bytes(2), np.uint8).astype(np.int32)
    three = padded[:-2] << 16 | padded[1:-1] << 8 | padded[2:]
    peeks = three[:, None] >> np.arange(24 - width, 16 - width, -1, dtype=np.int32)
    peeks &= (1 << width) - 1
    return peeks.ravel()


def _starts(after: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the bits at which the readers of all lanes found a code to begin, in order."""
    bits = len(after)
    begins = np.arange(0, bits, LANE, dtype=np.int32)
    ends = np.minimum(begins + LANE, bits)
    places = np.maximum(begins - RUN_UP, 0)
    trail: list[NDArray[np.int32]] = []
    while (places < ends).any() and len(trail) < LANE + RUN_UP:
        for _ in range(16):  # the question above is asked after some steps, for it takes as long as one
            trail.append(places)
            places = after.take(places, mode="clip")  # past the end, it stays there
    trails = np.array(trail).T  # a row for each reader
    return trails[(trails >= begins[:, None]) & (trails < ends[:, None])]


def decode(blob: bytes, size: int, codes: dict[int, Code]) -> tuple[bytes, int]:
    """Return the first `size` bytes that were encoded, and the number of bits that their codes take.

    Whatever follows those bits is ignored. Raises ValueError where the blob ends before them, and where bits
    begin no code.

    >>> decode(bytes.fromhex("50"), 4, {97: (0, 1), 98: (2, 2)})
    (b'abba', 6)
    """
    ### BEGIN SOLUTION
    if size > 8 * len(blob):
        raise ValueError(f"{size} symbols can't come from {len(blob)} bytes: each takes a bit or more")
    table = decoding_table(codes)
    width = len(table).bit_length() - 1
    padded = blob + bytes(6)  # so that every slice that holds data is a whole one
    output = bytearray()
    window = held = place = 0  # the lowest `held` bits of the window are still to be read
    for _ in range(size):
        if held < width:
            window = (window & (1 << held) - 1) << 48 | int.from_bytes(padded[place : place + 6], "big")
            held, place = held + 48, place + 6
        symbol, length = table[window >> held - width & len(table) - 1]
        if not length:
            raise ValueError(f"the bits from bit {8 * place - held} on begin no code")
        output.append(symbol)
        held -= length
    used = 8 * place - held
    if used > 8 * len(blob):
        raise ValueError(f"the data is cut short: {used} bits are wanted, and {8 * len(blob)} are there")
    return bytes(output), used
    ### END SOLUTION


def write_lengths(lengths: dict[int, int]) -> bytes:
    """Return the header from which `read_lengths` learns the code of bytes.

    The header gives the lengths of all byte values from 0 to 255 in order, 0 for a value without a code.
    Each of its bytes stands for a run of equal lengths: the length in the high four bits, and one less than
    the number of values in the low four. A run is as long as it can be, up to 16 values; a longer one goes on
    in the next byte. Raises ValueError where a symbol is no byte or a length is not in 1 to `MAX_LENGTH`.

    >>> write_lengths({0: 1, 1: 2, 2: 2}).hex()
    '10210f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0c'
    """
    ### BEGIN SOLUTION
    for symbol, length in lengths.items():
        if not 0 <= symbol <= 255 or not 1 <= length <= MAX_LENGTH:
            raise ValueError(f"symbol {symbol!r} with a code of {length!r} bits does not fit into the header")
    header = bytearray()
    start = 0
    while start < 256:
        length, end = lengths.get(start, 0), start + 1
        while end < 256 and end - start < 16 and lengths.get(end, 0) == length:
            end += 1
        header.append(length << 4 | end - start - 1)
        start = end
    return bytes(header)
    ### END SOLUTION


def read_lengths(blob: bytes) -> tuple[dict[int, int], int]:
    """Return the lengths that the header at the start of the blob tells, and the number of its bytes.

    Raises ValueError where the header is cut short or runs past byte value 255, and where its code is not
    complete, which is to say that its Kraft sum is not 1. Two incomplete codes are let through, for nothing
    better exists: no code at all, and a lone code of 1 bit.

    >>> read_lengths(write_lengths({0: 1, 1: 2, 2: 2}) + b"what follows")
    ({0: 1, 1: 2, 2: 2}, 18)
    """
    ### BEGIN SOLUTION
    lengths: dict[int, int] = {}
    symbol = used = 0
    while symbol < 256:
        if used == len(blob):
            raise ValueError(f"the header ends after {used} bytes, at byte value {symbol} of 256")
        length, end = blob[used] >> 4, symbol + (blob[used] & 15) + 1
        if length:
            lengths.update(dict.fromkeys(range(symbol, end), length))
        symbol, used = end, used + 1
    if symbol > 256:
        raise ValueError(f"the header's last run, at byte {used - 1}, goes on to byte value {symbol - 1}")
    total = kraft_sum(lengths.values())
    if total != 1 and list(lengths.values()) not in ([], [1]):
        raise ValueError(f"the header's code has a Kraft sum of {total}; a complete code has 1")
    return lengths, used
    ### END SOLUTION


def compress(data: bytes) -> bytes:
    """Return the data's size (4 bytes, highest first), the header of its best code, and the encoded data.

    The code is the best one without a code longer than `MAX_LENGTH`.
    Raises ValueError where the data is 4 GiB or longer.

    >>> len(compress(b"abracadabra"))
    27
    """
    ### BEGIN SOLUTION
    if len(data) >= 1 << 32:
        raise ValueError(f"{len(data)} bytes are too many for a 4-byte size")
    lengths = limited_code_lengths(count_bytes(data), MAX_LENGTH)
    return len(data).to_bytes(4, "big") + write_lengths(lengths) + encode(data, canonical_codes(lengths))
    ### END SOLUTION


def decompress(blob: bytes) -> bytes:
    """Return the data that `compress` was given.

    Raises ValueError where the blob is cut short, has a wrong header, or goes on after the data.

    >>> decompress(compress(b"abracadabra"))
    b'abracadabra'
    """
    ### BEGIN SOLUTION
    if len(blob) < 4:
        raise ValueError(f"a blob of {len(blob)} bytes has no room for its 4-byte size")
    lengths, used = read_lengths(blob[4:])
    body = blob[4 + used :]
    data, bits = decode(body, int.from_bytes(blob[:4], "big"), canonical_codes(lengths))
    if (bits + 7) // 8 < len(body):
        raise ValueError(f"the data ends after {(bits + 7) // 8} bytes, but {len(body)} are there")
    return data
    ### END SOLUTION


def is_best_code(candidate: Callable[[dict[int, int]], dict[int, int]]) -> bool:
    """Say whether `candidate` could be `code_lengths`, by trying it: this law is yours to write.

    It is handed functions that take the counts of at most eight symbols and return lengths, some right and
    some wrong. Tell them apart without calling your own `code_lengths`, and without one list of lengths to
    compare with: the same counts can have several best codes.
    """
    ### BEGIN SOLUTION
    trials = [([], 0), ([7], 7), ([1, 1], 2), ([5, 2, 1, 1, 2], 23), ([15, 7, 6, 6, 5], 87), ([1] * 6, 16)]
    for tally, least in trials:
        counts = dict(enumerate(tally))
        lengths = candidate(dict(counts))
        if lengths.keys() != counts.keys() or kraft_sum(lengths.values()) > 1:
            return False
        if coded_bits(counts, lengths) != least:
            return False
    return True
    ### END SOLUTION

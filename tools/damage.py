"""Ways in which a stream of bytes is damaged on its way: what disks, cables and enemies do to a file."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

EXTREMES = (0x00, 0x01, 0x7F, 0x80, 0xFE, 0xFF)
MOST = 4  # kinds of damage that one stream gets, at most


def damaged(stream: bytes, others: Sequence[bytes], dice: random.Random) -> bytes:
    """Return the stream with one to `MOST` kinds of damage; `others` are streams that it may be mixed with.

    >>> damaged(b"sound", [b"other"], random.Random(1)) != b"sound"
    True
    """
    result = bytearray(stream)
    for _ in range(dice.randint(1, MOST)):
        result = dice.choice(KINDS)(result, others, dice)
    return bytes(result)


def _flip(data: bytearray, _others: Sequence[bytes], dice: random.Random) -> bytearray:
    if data:
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    return data


def _extreme(data: bytearray, _others: Sequence[bytes], dice: random.Random) -> bytearray:
    if data:
        data[dice.randrange(len(data))] = dice.choice(EXTREMES)
    return data


def _lie(data: bytearray, _others: Sequence[bytes], dice: random.Random) -> bytearray:
    """Write another number over the first bytes, where many formats tell a size."""
    width = dice.choice([1, 2, 4, 8])
    data[:width] = dice.choice([0, 1, 255, 1 << 31, (1 << 64) - 1]).to_bytes(8, "big")[-width:]
    return data


def _cut(data: bytearray, _others: Sequence[bytes], dice: random.Random) -> bytearray:
    return data[: dice.randint(0, len(data))]


def _drop(data: bytearray, _others: Sequence[bytes], dice: random.Random) -> bytearray:
    start = dice.randint(0, len(data))
    del data[start : start + dice.randint(1, 8)]
    return data


def _insert(data: bytearray, _others: Sequence[bytes], dice: random.Random) -> bytearray:
    start = dice.randint(0, len(data))
    data[start:start] = dice.randbytes(dice.randint(1, 8))
    return data


def _repeat(data: bytearray, _others: Sequence[bytes], dice: random.Random) -> bytearray:
    start = dice.randint(0, len(data))
    piece = data[start : start + dice.randint(1, 16)]
    data[start:start] = piece * dice.randint(1, 4)
    return data


def _splice(data: bytearray, others: Sequence[bytes], dice: random.Random) -> bytearray:
    other = dice.choice(others)
    return data[: dice.randint(0, len(data))] + other[dice.randint(0, len(other)) :]


def _noise(data: bytearray, _others: Sequence[bytes], dice: random.Random) -> bytearray:
    start = dice.randint(0, len(data))
    return data[:start] + dice.randbytes(dice.randint(0, 40))


Kind = Callable[[bytearray, Sequence[bytes], random.Random], bytearray]
KINDS: list[Kind] = [_flip, _flip, _extreme, _lie, _cut, _drop, _insert, _repeat, _splice, _noise]

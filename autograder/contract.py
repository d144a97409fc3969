"""What every codec owes whoever uses it: the statements that all codecs' laws share.

A law file draws its inputs with `texts` and calls these functions from its laws, which say for whom they hold,
what they are worth, and what to try when they break.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from autograder import expect

Encode = Callable[[bytes], bytes]
Decode = Callable[[bytes], tuple[bytes, int]]

# Drawn evenly, bytes hardly ever repeat; what breaks codecs is runs, few symbols, repeats and skew.
_runs = st.lists(
    st.tuples(
        st.sampled_from(b"\x00a\x7f\x80\xff"), st.sampled_from([1, 2, 3, 127, 128, 129, 130, 255, 256, 257])
    ),
    max_size=6,
).map(lambda pairs: b"".join(bytes([symbol]) * length for symbol, length in pairs))
_few = st.text("ab", max_size=80).map(str.encode)
_repeats = st.tuples(st.binary(max_size=12), st.integers(0, 30), st.binary(max_size=5)).map(
    lambda parts: parts[0] * parts[1] + parts[2]
)
_skewed = st.lists(st.sampled_from([0] * 12 + [1] * 4 + [2, 255]), max_size=120).map(bytes)
_corners = st.sampled_from(
    [
        b"",
        b"\x00",
        b"\xff",
        b"a" * 300,
        bytes(range(256)),
        bytes(range(255, -1, -1)),
        b"ab" * 200,
        b"abracadabra",
    ]
)
texts: st.SearchStrategy[bytes] = st.one_of(_corners, _runs, _few, _repeats, _skewed, st.binary(max_size=60))
junk: st.SearchStrategy[bytes] = st.binary(max_size=4)


def comes_back(compress: Encode, decompress: Callable[[bytes], bytes], data: bytes) -> bytes:
    """Hold where what `compress` wrote, read by `decompress`, is the data; return what was written."""
    blob = compress(data)
    expect.kind(blob, bytes, "what was compressed")
    expect.equal(decompress(blob), data, "what came back")
    return blob


def stops_where_it_ends(decode: Callable[..., Any], coded: bytes, tail: bytes, *more: Any) -> Any:
    """Hold where a decoder gives the same, and has used as much, whatever follows; return what it gave."""
    alone = decode(coded, *more)
    expect.equal(decode(coded + tail, *more), alone, "what was decoded, and how much it used, with a tail")
    return alone


def refuses_damage(decompress: Callable[[bytes], bytes], blob: bytes, *, steps: int = 60) -> None:
    """Hold where a file cut short anywhere, and one that goes on, is refused with ValueError.

    About `steps` of the cuts are tried, the first and the last among them.
    """
    stride = 1 + len(blob) // steps
    for kept in sorted({*range(0, len(blob), stride), len(blob) - 1} - {-1}):
        expect.raises("ValueError", decompress, blob[:kept], what=f"{kept} bytes of {len(blob)}")
    expect.raises("ValueError", decompress, blob + b"\x00", what="a byte too many")


def survives_flips(
    decompress: Callable[[bytes], bytes], blob: bytes, data: bytes, *, checksum: bool, steps: int = 60
) -> None:
    """Hold where a file with one bit turned is refused with ValueError, or gives bytes: never anything else.

    With a `checksum` in the file it must be refused, unless the bit meant nothing and the data comes back.
    """
    stride = 1 + 8 * len(blob) // steps
    for place in range(0, 8 * len(blob), stride):
        turned = bytearray(blob)
        turned[place // 8] ^= 0x80 >> place % 8
        try:
            got = decompress(bytes(turned))
        except Exception as problem:
            names = getattr(problem, "names", None) or [base.__name__ for base in type(problem).__mro__]
            if "ValueError" not in names:
                raise
            continue
        expect.kind(got, bytes, f"what came of the file with bit {place} turned")
        if checksum:
            expect.equal(got, data, f"what came of the file with bit {place} turned, which was not refused")

"""What `fuzz` tries: every decoder of the reference, with sound streams to damage."""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from autograder.course import Course

ROOT = Path(__file__).resolve().parent.parent
CHECKED = {"deflate", "context_mixing"}  # codecs whose files carry a checksum
SLOW = {"context_mixing": 40}  # bytes of a text to be decoded, where each takes long

LONGEST = 1 << 20  # bytes; lesson 1's file of one byte value is as long as its header says, up to 4 GiB

TEXTS = [
    b"",
    b"a",
    b"abracadabra",
    b"\x00" * 300,
    b"she sells sea shells by the sea shore",
    b"ab" * 60 + b"ba" * 9,
    bytes(range(256)),
    bytes(i * i % 251 for i in range(90)) + b"\xff" * 40,
]
SHARES = [6] * 64 + [2] * 64 + [1] * 128  # frequencies for texts of bytes; 640 together


@dataclass(frozen=True)
class Target:
    """A decoder: what it is called, how it is called, sound streams with their data, and whether it can tell."""

    name: str
    decode: Callable[[bytes], Any]
    seeds: list[tuple[bytes, Any]]
    checksum: bool = False


@cache
def targets() -> list[Target]:
    """Return the decoders of all lessons that have one."""
    lessons = Course(ROOT).lessons
    found = [_codec(name) for name, lesson in lessons.items() if lesson.rung == "codec"]
    for name, parts in PARTS.items():
        if name in lessons:
            found += parts(importlib.import_module(f"squeeze.{name}"))
    return found


def _codec(lesson: str) -> Target:
    module = importlib.import_module(f"squeeze.{lesson}")
    texts = [text[: SLOW.get(lesson)] for text in TEXTS]
    seeds = [(module.compress(text), text) for text in texts]

    def decode(blob: bytes) -> bytes:
        if lesson == "entropy" and int.from_bytes(blob[:4], "big") > LONGEST:
            raise ValueError("too long to try")
        return bytes(module.decompress(blob))

    return Target(f"{lesson}.decompress", decode, seeds, lesson in CHECKED)


def _runs(runs: Any) -> Iterator[Target]:
    yield Target("runs.rle_decode", runs.rle_decode, [(runs.rle_encode(text), text) for text in TEXTS])
    packed = [(runs.pack_bits(text) + b"tail", text) for text in TEXTS if len(text) == 37]
    yield Target("runs.unpack_bits", lambda blob: runs.unpack_bits(blob, 37)[0], packed)
    symbols = [(bytes(runs.zero_runs(text)), text) for text in TEXTS if max(text, default=0) < 200]
    yield Target("runs.undo_zero_runs", lambda blob: runs.undo_zero_runs(list(blob), 10_000), symbols)


def _huffman(huffman: Any) -> Iterator[Target]:
    text = TEXTS[4] * 60
    codes = huffman.canonical_codes(huffman.code_lengths(huffman.count_bytes(text)))
    seeds = [(huffman.encode(text, codes), text)]
    yield Target("huffman.decode", lambda blob: huffman.decode(blob, len(text), codes)[0], seeds)
    lanes = huffman.decode_in_lanes
    yield Target("huffman.decode_in_lanes", lambda blob: lanes(blob, len(text), codes)[0], seeds)
    lengths = [huffman.code_lengths(huffman.count_bytes(text)) for text in TEXTS]
    headers = [(huffman.write_lengths(each), each) for each in lengths]
    yield Target("huffman.read_lengths", lambda blob: huffman.read_lengths(blob)[0], headers)


def _lempel_ziv(lempel_ziv: Any) -> Iterator[Target]:
    seeds = [(lempel_ziv.lzw_encode(text), text) for text in TEXTS]
    yield Target("lempel_ziv.lzw_decode", lambda blob: lempel_ziv.lzw_decode(blob)[0], seeds)


def _arithmetic(arithmetic: Any) -> Iterator[Target]:
    frequencies = arithmetic.quantise([1 + share for share in SHARES])
    text = TEXTS[4]
    models = [[3, 1, 2]] * 60
    symbols = [i * i % 3 for i in range(60)]
    seeds = [(arithmetic.encode_symbols(symbols, models), symbols)]
    yield Target("arithmetic.decode_symbols", lambda blob: arithmetic.decode_symbols(blob, models)[0], seeds)
    bits, ones = [i % 2 for i in range(99)], [1 + 600 * i for i in range(99)]
    seeds = [(arithmetic.encode_bits(bits, ones), bits)]
    yield Target("arithmetic.decode_bits", lambda blob: arithmetic.decode_bits(blob, ones)[0], seeds)
    for name, encode, decode in (
        ("decode_all", arithmetic.encode_all, arithmetic.decode_all),
        ("rans_decode", arithmetic.rans_encode, arithmetic.rans_decode),
        ("rans_decode_lanes", arithmetic.rans_encode_lanes, arithmetic.rans_decode_lanes),
    ):
        stream = encode(text, frequencies)
        yield Target(
            f"arithmetic.{name}",
            lambda blob, decode=decode: decode(blob, len(text), frequencies)[0],
            [(stream, text)],
        )


def _deflate(deflate: Any) -> Iterator[Target]:
    """Damage what the standard library wrote, too: it uses every type of block."""
    seeds = [(deflate.deflate(text), text) for text in TEXTS]
    for text in TEXTS:
        for level, strategy in (
            (0, 0),
            (9, zlib.Z_DEFAULT_STRATEGY),
            (9, zlib.Z_FIXED),
            (1, zlib.Z_HUFFMAN_ONLY),
        ):
            packer = zlib.compressobj(level, zlib.DEFLATED, -15, 9, strategy)
            seeds.append((packer.compress(text) + packer.flush(), text))
    yield Target("deflate.inflate", lambda blob: deflate.inflate(blob)[0], seeds)
    yield Target("deflate.inflate_fast", lambda blob: deflate.inflate_fast(blob)[0], seeds)


PARTS: dict[str, Callable[[Any], Iterator[Target]]] = {
    "runs": _runs,
    "huffman": _huffman,
    "lempel_ziv": _lempel_ziv,
    "arithmetic": _arithmetic,
    "deflate": _deflate,
}

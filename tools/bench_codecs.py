"""The course's codecs beside their peers: CPU time and size on one text, and the goals that they are held to.

Every codec must read back what it wrote. All take turns; a turn repeats what is quick, and a speed is that of
the fastest turn: whatever else runs on the machine can only slow a turn down.
The coders of symbols are given the text's frequencies for free, ours and theirs alike.
"""

from __future__ import annotations

import bz2
import importlib
import lzma
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from autograder import peers
from autograder.model import ShortestError

SIZE = 100_000  # bytes of the text
TURNS = 7
PATIENCE = 1.0  # seconds of a first turn; what takes longer has one turn only
QUICK = 0.02  # seconds; a turn lasts as long, at least

ALICE = {"PPMd's best": 38_763, "zpaq -m5": 37_611}  # bytes that others make of alice29.txt

Write = Callable[[bytes], Any]
Read = Callable[[Any], bytes]


@dataclass
class Codec:
    """A pair of functions to measure: what it does, whose it is, and what was measured."""

    family: str
    name: str
    ours: bool
    write: Write
    read: Read
    size: int = 0
    writing: list[float] = field(default_factory=list)
    reading: list[float] = field(default_factory=list)

    def speed(self, seconds: Sequence[float], size: int) -> float:
        """Return megabytes of text in a second of CPU time."""
        return size / 1e6 / max(min(seconds), 1e-9)


@dataclass(frozen=True)
class Goal:
    """What is aimed at, what was measured, and whether that is enough."""

    text: str
    aim: float
    measured: float
    at_most: bool = False

    @property
    def verdict(self) -> str:
        """Say that the goal is met, or by how much it is missed."""
        excess = self.measured / self.aim - 1
        if (excess <= 0) if self.at_most else (excess >= 0):
            return "met"
        return f"missed by {abs(excess):.1%}"


def codecs(text: bytes) -> list[Codec]:
    """Return what is to be measured on this text: ours where the lesson is there, theirs where it is installed."""
    found = [*_huffman(text), *_symbol_coders(text), *_files(), *_peers()]
    order = ["Huffman", "range coder", "rANS", "Lempel-Ziv", "DEFLATE", "sorting", "mixing"]
    return sorted(found, key=lambda codec: (order.index(codec.family), not codec.ours))


def _module(name: str) -> Any:
    """Return a module of ours or of theirs; None where there is none."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _huffman(text: bytes) -> Iterator[Codec]:
    from squeeze import huffman

    codes = huffman.canonical_codes(huffman.limited_code_lengths(huffman.count_bytes(text), 15))
    for reader in (huffman.decode, huffman.decode_in_lanes):
        name = f"huffman.{reader.__name__}"
        yield Codec(
            "Huffman",
            name,
            True,
            lambda data: huffman.encode(data, codes),
            lambda blob, reader=reader: reader(blob, len(text), codes)[0],
        )
    if dahuffman := _module("dahuffman"):
        codec = dahuffman.HuffmanCodec.from_data(text)
        yield Codec("Huffman", "dahuffman", False, codec.encode, lambda blob: bytes(codec.decode(blob)))


def _symbol_coders(text: bytes) -> Iterator[Codec]:
    from squeeze import arithmetic

    tally = {symbol: text.count(symbol) for symbol in sorted(set(text))}
    frequencies = [0] * 256
    for symbol, share in zip(tally, arithmetic.quantise(list(tally.values())), strict=True):
        frequencies[symbol] = share
    ours = [
        ("range coder", "encode_all", arithmetic.encode_all, arithmetic.decode_all),
        ("rANS", "rans_encode", arithmetic.rans_encode, arithmetic.rans_decode),
        ("rANS", "rans_encode_lanes", arithmetic.rans_encode_lanes, arithmetic.rans_decode_lanes),
    ]
    for family, name, write, read in ours:
        yield Codec(
            family,
            f"arithmetic.{name}",
            True,
            lambda data, write=write: write(data, frequencies),
            lambda blob, read=read: read(blob, len(text), frequencies)[0],
        )
    if constriction := _module("constriction"):
        yield from _constriction(constriction.stream, text, frequencies)


def _constriction(stream: Any, text: bytes, frequencies: Sequence[int]) -> Iterator[Codec]:
    import numpy as np

    shares = np.maximum(np.array(frequencies, dtype=np.float64), 1e-9)
    model = stream.model.Categorical(shares / shares.sum(), perfect=False)

    def write_range(data: bytes) -> Any:
        coder = stream.queue.RangeEncoder()
        coder.encode(np.frombuffer(data, np.uint8).astype(np.int32), model)
        return coder.get_compressed()

    def read_range(blob: Any) -> bytes:
        return stream.queue.RangeDecoder(blob).decode(model, len(text)).astype(np.uint8).tobytes()

    def write_ans(data: bytes) -> Any:
        coder = stream.stack.AnsCoder()
        coder.encode_reverse(np.frombuffer(data, np.uint8).astype(np.int32), model)
        return coder.get_compressed()

    def read_ans(blob: Any) -> bytes:
        return stream.stack.AnsCoder(blob).decode(model, len(text)).astype(np.uint8).tobytes()

    yield Codec("range coder", "constriction", False, write_range, read_range)
    yield Codec("rANS", "constriction", False, write_ans, read_ans)


def _files() -> Iterator[Codec]:
    families = {
        "lempel_ziv": "Lempel-Ziv",
        "deflate": "DEFLATE",
        "runs": "sorting",
        "context_mixing": "mixing",
    }
    for name, family in families.items():
        if module := _module(f"squeeze.{name}"):
            yield Codec(family, name, True, module.compress, module.decompress)
    if deflate := _module("squeeze.deflate"):
        fast = "deflate.inflate_fast"  # without gzip's checksum, which takes as long again
        yield Codec("DEFLATE", fast, True, deflate.deflate, lambda blob: deflate.inflate_fast(blob)[0])


def _peers() -> Iterator[Codec]:
    yield Codec("DEFLATE", "zlib -9", False, lambda data: zlib.compress(data, 9), zlib.decompress)
    yield Codec("DEFLATE", "zlib -6", False, lambda data: zlib.compress(data, 6), zlib.decompress)
    yield Codec("sorting", "bz2 -9", False, lambda data: bz2.compress(data, 9), bz2.decompress)
    yield Codec("Lempel-Ziv", "lzma -9", False, lambda data: lzma.compress(data, preset=9), lzma.decompress)
    families = {"zstd": "Lempel-Ziv", "brotli": "Lempel-Ziv", "PPMd": "mixing"}
    for name, peer in peers.PEERS.items():
        family, library = families.get(name.split()[0]), _module(peer.module)
        if family and library:
            yield Codec(
                family,
                name,
                False,
                lambda data, peer=peer, library=library: peer.compress(library, data),
                lambda blob, peer=peer, library=library: peer.decompress(library, blob),
            )


def measure(text: bytes, progress: Callable[[str], None] = lambda _name: None) -> list[Codec]:
    """Measure every codec on the text, in turns. Raises ShortestError where one gives other bytes back."""
    found = codecs(text)
    for turn in range(TURNS):
        for codec in found:
            if turn and max(codec.writing[0], codec.reading[0]) > PATIENCE:
                continue
            progress(codec.name)
            blob = _timed(codec.writing, codec.write, text)
            if _timed(codec.reading, codec.read, blob) != text:
                raise ShortestError(f"{codec.name} did not give back what it was given")
            codec.size = getattr(blob, "nbytes", None) or len(blob)
    return found


def _timed(seconds: list[float], call: Callable[[Any], Any], argument: Any) -> Any:
    started, calls = time.process_time(), 0
    while not calls or time.process_time() - started < QUICK:
        result = call(argument)
        calls += 1
    seconds.append((time.process_time() - started) / calls)
    return result


def goals(found: Sequence[Codec], size: int) -> list[Goal]:
    """Return the goals that can be judged with what was measured."""
    by_name = {(codec.family, codec.name): codec for codec in found}

    def writes(family: str, name: str) -> float | None:
        codec = by_name.get((family, name))
        return codec and codec.speed(codec.writing, size)

    def reads(family: str, name: str) -> float | None:
        codec = by_name.get((family, name))
        return codec and codec.speed(codec.reading, size)

    def bytes_of(family: str, name: str) -> int | None:
        codec = by_name.get((family, name))
        return codec and codec.size

    lanes = "arithmetic.rans_encode_lanes"
    zlib_size, ppmd_size = bytes_of("DEFLATE", "zlib -9"), bytes_of("mixing", f"PPMd -o{peers.PPMD_ORDER}")
    wanted: list[tuple[str, float | None, float | None, bool]] = [
        ("Huffman decoding in lanes, MB/s", 38, reads("Huffman", "huffman.decode_in_lanes"), False),
        ("range coder, writing, MB/s", 5, writes("range coder", "arithmetic.encode_all"), False),
        ("range coder, reading, MB/s", 5, reads("range coder", "arithmetic.encode_all"), False),
        ("rANS in lanes, writing, MB/s", 34, writes("rANS", lanes), False),
        ("rANS in lanes, reading, beside constriction", reads("rANS", "constriction"), reads("rANS", lanes), False),
        ("DEFLATE, inflating, MB/s", 8, reads("DEFLATE", "deflate.inflate_fast"), False),
        ("DEFLATE, bytes beside 1.01 x zlib -9", zlib_size and 1.01 * zlib_size, bytes_of("DEFLATE", "deflate"), True),
        ("mixing, writing, KB/s", 15, _thousand(writes("mixing", "context_mixing")), False),
        ("mixing, reading, KB/s", 15, _thousand(reads("mixing", "context_mixing")), False),
        ("mixing, bytes beside PPMd", ppmd_size, bytes_of("mixing", "context_mixing"), True),
    ]  # fmt: skip
    return [Goal(text, aim, got, least) for text, aim, got, least in wanted if aim and got]


def goals_on_alice(path: Path) -> list[Goal]:
    """Return the goals for mixing on a file of the Canterbury corpus; none where file or lesson are missing."""
    mixing = _module("squeeze.context_mixing")
    if mixing is None or not path.is_file():
        return []
    data = path.read_bytes()
    blob = mixing.compress(data)
    if mixing.decompress(blob) != data:
        raise ShortestError(f"context_mixing did not give {path.name} back")
    return [
        Goal(f"mixing, bytes of {path.name} beside {name}", aim, len(blob), True)
        for name, aim in ALICE.items()
    ]


def row(codec: Codec, size: int) -> dict[str, Any]:
    """Return what was measured of a codec as plain data."""
    return {
        "family": codec.family, "name": codec.name, "ours": codec.ours, "bytes": codec.size,
        "write MB/s": codec.speed(codec.writing, size), "read MB/s": codec.speed(codec.reading, size),
    }  # fmt: skip


def _thousand(speed: float | None) -> float | None:
    return speed and 1000 * speed


def codec_table(found: Sequence[Codec], size: int) -> Table:
    """Lay out what was measured for a terminal; ours stand first in each family."""
    title = f"Codecs on {size:,} bytes of text, MB in a second of CPU time; best of up to {TURNS} turns"
    view = Table(title=title, title_justify="left", box=box.SIMPLE, padding=(0, 1, 0, 0))
    for heading in ("family", "codec"):
        view.add_column(heading, no_wrap=True)
    for heading in ("write", "read", "bits a byte"):
        view.add_column(heading, justify="right")
    for codec in found:
        speeds = [codec.speed(times, size) for times in (codec.writing, codec.reading)]
        numbers = [f"{speed:,.0f}" if speed >= 100 else f"{speed:.3g}" for speed in speeds]
        style = "" if codec.ours else "dim"
        view.add_row(codec.family, codec.name, *numbers, f"{8 * codec.size / size:.3f}", style=style)
    return view


def goal_table(judged: Sequence[Goal]) -> Table:
    """Lay out the goals for a terminal."""
    view = Table(title="Goals", title_justify="left", box=box.SIMPLE, padding=(0, 1, 0, 0))
    view.add_column("goal")
    for heading in ("aim", "measured", ""):
        view.add_column(heading, justify="right", no_wrap=True)
    for goal in judged:
        sign = "≤" if goal.at_most else "≥"
        view.add_row(goal.text, f"{sign} {goal.aim:,.5g}", f"{goal.measured:,.5g}", goal.verdict)
    return view

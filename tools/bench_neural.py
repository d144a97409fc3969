"""Lesson 17 measured at length, beside its peers: what the chapter can only show on a small piece.

    python tools/bench_neural.py [FILE] [--model MODEL.npz] [--seconds 540] [--ladder]

FILE is tinyshakespeare.txt (`shortest data get tinyshakespeare`): the first nine tenths teach, the rest is coded.
Without a saved model, a GRU is trained for so many seconds of CPU time and saved under build/bench/. Each row is a
file that was written, read back and compared; its bytes are all it needs, but what its name says both sides have.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from autograder import peers
from autograder.corpus import corpus

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "solutions"))  # the references are no installed package

from squeeze import context_mixing  # noqa: E402
from squeeze import neural_compression as neural  # noqa: E402
from squeeze.classification import cross_entropy  # noqa: E402
from squeeze.optimizers import Plan  # noqa: E402
from squeeze.recurrent import LanguageModel, streams, train_language, windows  # noqa: E402

OUT = ROOT / "build" / "bench" / "gru256.npz"
ONLINE = 300_000  # bytes of the file that the online modes code
BATCH, TIME = 32, 64

console = Console()


def trained(text: bytes, held_out: bytes, seconds: float) -> LanguageModel:
    """Return a GRU of 256 numbers that was trained for about so many seconds of CPU time."""
    model = LanguageModel()
    ids, targets = windows(streams(text, BATCH), TIME)[0]
    started = time.process_time()
    for _ in range(5):
        _, by_scores = cross_entropy(model.forward(ids), targets)
        model.backward(by_scores)
    steps = int(seconds / (1.2 * (time.process_time() - started) / 5))
    console.print(f"training: {steps:,} steps")
    plan = Plan(size=BATCH, batch=BATCH, steps=steps, every=400)
    train_language(model, text, held_out[:20_000], plan, time=TIME)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    neural.save_model(OUT, model)
    return model


def row(name: str, data: bytes, write: Callable[[bytes], bytes], read: Callable[[bytes], bytes]) -> None:
    """Print what a file takes, and both directions' speed in KB a second of CPU time."""
    started = time.process_time()
    blob = write(data)
    written = time.process_time()
    if read(blob) != data:
        raise SystemExit(f"{name} did not give back what it was given")
    speeds = [len(data) / 1000 / max(t, 1e-9) for t in (written - started, time.process_time() - written)]
    size = f"{len(blob):9,} {8 * len(blob) / len(data):8.4f}"
    console.print(f"{name:38}{size} {speeds[0]:9.1f} {speeds[1]:9.1f}", highlight=False)


def heading(title: str) -> None:
    """Print a table's heading."""
    console.print(f"\n{title:38}{'bytes':>9} {'bits/B':>8} {'wr KB/s':>9} {'rd KB/s':>9}", highlight=False)


def beside(data: bytes) -> None:
    """Print the rows of the peers that are installed."""
    for name, peer in peers.PEERS.items():
        try:
            library: Any = importlib.import_module(peer.module)
        except ImportError:
            continue
        row(
            name,
            data,
            lambda text, peer=peer, library=library: peer.compress(library, text),
            lambda blob, peer=peer, library=library: peer.decompress(library, blob),
        )


def static(text: bytes, held_out: bytes, model: LanguageModel) -> None:
    """Print the static modes on the held-out part."""
    heading(f"{len(held_out):,} bytes, held out")
    beside(held_out)
    row("lesson 7", held_out, context_mixing.compress, context_mixing.decompress)
    for count in (1, 64, 256):
        row(
            f"GRU, {count} streams; model not counted",
            held_out,
            lambda data, count=count: neural.compress_with(data, model, ship=False, streams=count),
            lambda blob: neural.decompress_with(blob, model),
        )
    for bits in (32, 8, 4):
        row(
            f"GRU in {bits} bits, shipped",
            held_out,
            lambda data, bits=bits: neural.compress_with(data, model, bits=bits, streams=16),
            neural.decompress_with,
        )
    for bits in (8, 4):
        row(
            f"GRU in {bits} bits + lesson 7, shipped",
            held_out,
            lambda data, bits=bits: neural.compress_with(data, model, bits=bits, mixed=True),
            neural.decompress_with,
        )
    row(
        "GRU + lesson 7, primed; not counted",
        held_out,
        lambda data: neural.compress_with(data, model, ship=False, mixed=True, primer=text),
        lambda blob: neural.decompress_with(blob, model, text),
    )


def online(data: bytes) -> None:
    """Print the online modes."""
    heading(f"the first {len(data):,} bytes, nothing known")
    beside(data)
    row("lesson 7", data, context_mixing.compress, context_mixing.decompress)
    row("GRU, online", data, lambda text: neural.compress_online(text, mixed=False), neural.decompress)
    row("GRU + lesson 7, online", data, neural.compress, neural.decompress)


def main() -> None:
    """Measure what the arguments ask for."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument(
        "file", nargs="?", type=Path, default=ROOT / "data" / "tinyshakespeare" / "tinyshakespeare.txt"
    )
    asked.add_argument("--model", type=Path, default=OUT)
    asked.add_argument("--seconds", type=float, default=540)
    asked.add_argument(
        "--ladder", action="store_true", help="also the first 1,000,000 bytes of the King James text"
    )
    options = asked.parse_args()
    if not options.file.is_file():
        raise SystemExit(f"{options.file} is not there: `shortest data get tinyshakespeare`, or name a file")
    data = options.file.read_bytes()
    cut = 9 * len(data) // 10
    text, held_out = data[:cut], data[cut:]
    found = options.model.is_file()
    model = neural.read_model(options.model) if found else trained(text, held_out, options.seconds)
    static(text, held_out, model)
    online(data[:ONLINE])
    if options.ladder:
        heading("the ladder's text")
        row("GRU + lesson 7, online", corpus(), neural.compress, neural.decompress)


if __name__ == "__main__":
    main()

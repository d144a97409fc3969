"""The compressors that the ladder stands beside, each call in a process of its own.

`python -m autograder.peers NAME compress` reads a file from its input and writes what it made of it to its
output, and the seconds it took to its error output. The packages are optional: the ladder says which are missing.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

PPMD_ORDER = 16
PPMD_MEMORY = 64 << 20
SIZE_BYTES = 8  # PPMd's stream doesn't say how long the data is, so our file does


class PeerFailed(Exception):  # noqa: N818 - a row's reason, not a mistake of ours
    """A peer could not do it; the message says why."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A compressor: the module it is in, the package that brings it ("" for Python itself), and two calls."""

    module: str
    package: str
    compress: Callable[[Any, bytes], bytes]
    decompress: Callable[[Any, bytes], bytes]


def _plain(library: Any, blob: bytes) -> bytes:
    return bytes(library.decompress(blob))


def _zstd(library: Any, data: bytes) -> bytes:
    return bytes(library.ZstdCompressor(level=22).compress(data))


def _zstd_back(library: Any, blob: bytes) -> bytes:
    return bytes(library.ZstdDecompressor().decompress(blob))


def _ppmd(library: Any, data: bytes) -> bytes:
    coder = library.Ppmd7Encoder(PPMD_ORDER, PPMD_MEMORY)
    return len(data).to_bytes(SIZE_BYTES, "big") + bytes(coder.encode(data) + coder.flush())


def _ppmd_back(library: Any, blob: bytes) -> bytes:
    coder = library.Ppmd7Decoder(PPMD_ORDER, PPMD_MEMORY)
    return bytes(coder.decode(blob[SIZE_BYTES:], int.from_bytes(blob[:SIZE_BYTES], "big")))


PEERS: dict[str, Peer] = {
    "gzip -9": Peer("gzip", "", lambda library, data: library.compress(data, 9, mtime=0), _plain),
    "bzip2 -9": Peer("bz2", "", lambda library, data: library.compress(data, 9), _plain),
    "xz -9e": Peer(
        "lzma", "", lambda library, data: library.compress(data, preset=9 | library.PRESET_EXTREME), _plain
    ),
    "zstd -22": Peer("zstandard", "zstandard", _zstd, _zstd_back),
    "brotli -11": Peer("brotli", "brotli", lambda library, data: library.compress(data, quality=11), _plain),
    f"PPMd -o{PPMD_ORDER}": Peer("pyppmd", "pyppmd", _ppmd, _ppmd_back),
}


def call(name: str, action: str, data: bytes, seconds: float) -> tuple[bytes, float]:
    """Run a peer's "compress" or "decompress" in a new process; return what it made, and its seconds.

    Raises PeerFailed where the package is missing, where the peer fails, and after `seconds`.
    """
    # -P: a student's folder may hold a file called gzip.py
    command = [sys.executable, "-P", "-m", "autograder.peers", name, action]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise PeerFailed(f"{action} took more than {seconds:g} s") from None
    said = done.stderr.decode("utf-8", "replace").strip()
    if done.returncode:
        raise PeerFailed(said.splitlines()[-1] if said else f"{action} ended with {done.returncode}")
    return done.stdout, float(said)


def _load(peer: Peer) -> Any:
    try:
        return importlib.import_module(peer.module)
    except ImportError:
        missing = f"not installed: pip install {peer.package}"
        raise SystemExit(
            missing if peer.package else f"this Python was built without {peer.module}"
        ) from None


def main(name: str, action: str) -> None:
    """Do one call, from the process's input to its output."""
    peer = PEERS[name]
    library, data = _load(peer), sys.stdin.buffer.read()
    run = peer.compress if action == "compress" else peer.decompress
    started = time.perf_counter()
    result = run(library, data)
    seconds = time.perf_counter() - started
    sys.stdout.buffer.write(result)
    sys.stderr.write(f"{seconds:.6f}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])

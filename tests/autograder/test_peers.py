"""The ladder's peers: each opens what it wrote, in another process, and what is missing is said."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import sys
from pathlib import Path

import pytest

from autograder import peers

DATA = b"she sells sea shells by the sea shore; " * 200


@pytest.mark.parametrize("name", peers.PEERS)
@pytest.mark.parametrize(
    "data", [b"", b"a", bytes(range(256)) * 20, DATA], ids=["none", "one", "all", "text"]
)
def test_every_peer_gives_back_what_it_was_given(name: str, data: bytes) -> None:
    blob, encode = peers.call(name, "compress", data, 60)
    back, decode = peers.call(name, "decompress", blob, 60)
    assert back == data
    assert encode >= 0
    assert decode >= 0
    assert name == "gzip -9" or data != DATA or len(blob) < len(DATA) / 40


def test_settings_are_the_strongest() -> None:
    sizes = {
        "gzip -9": len(gzip.compress(DATA, 9)),
        "bzip2 -9": len(bz2.compress(DATA, 9)),
        "xz -9e": len(lzma.compress(DATA, preset=9 | lzma.PRESET_EXTREME)),
    }
    assert {name: len(peers.call(name, "compress", DATA, 60)[0]) for name in sizes} == sizes


def test_a_peer_says_why_it_failed() -> None:
    with pytest.raises(peers.PeerFailed, match=r"Not a gzipped file \(b'no'\)"):
        peers.call("gzip -9", "decompress", b"no gzip at all", 60)


def test_a_peer_that_takes_too_long_is_ended() -> None:
    with pytest.raises(peers.PeerFailed, match=r"compress took more than 0\.001 s"):
        peers.call("gzip -9", "compress", DATA, 0.001)


@pytest.mark.parametrize(
    ("package", "said"),
    [("nothing", "not installed: pip install nothing"), ("", "this Python was built without no_such_module")],
)
def test_a_missing_module_is_named(monkeypatch: pytest.MonkeyPatch, package: str, said: str) -> None:
    keep = peers.PEERS["gzip -9"]
    monkeypatch.setitem(
        peers.PEERS, "gzip -9", peers.Peer("no_such_module", package, keep.compress, keep.decompress)
    )
    with pytest.raises(SystemExit, match=said):
        peers.main("gzip -9", "compress")


def test_a_students_own_files_are_not_taken_for_a_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gzip.py").write_text("raise ImportError", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert gzip.decompress(peers.call("gzip -9", "compress", DATA, 60)[0]) == DATA
    assert os.fspath(tmp_path) not in sys.path

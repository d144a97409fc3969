"""A small sample of `make fuzz`, and proof that each kind of finding would be found."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from damage import damaged
from fuzz import Outcome, judge, keep, run_chunk
from fuzz_targets import Target, targets

STREAMS = 250


@pytest.mark.parametrize("name", [target.name for target in targets()])
def test_damaged_streams_are_refused_or_decoded(name: str) -> None:
    outcome = run_chunk(name, seed=1, chunk=0, size=STREAMS)
    assert outcome.findings == []
    assert outcome.fates.total() == STREAMS
    assert outcome.fates["refused"] > 0


@pytest.mark.parametrize("target", targets(), ids=lambda target: target.name)
def test_sound_streams_are_decoded(target: Target) -> None:
    assert target.seeds
    assert [target.decode(stream) for stream, _ in target.seeds] == [data for _, data in target.seeds]


def refuse(_: bytes) -> bytes:
    raise ValueError("damaged")


def stumble(stream: bytes) -> bytes:
    return stream[:1] + bytes([stream[10**6]])


def dawdle(_: bytes) -> bytes:
    time.sleep(60)
    return b""


@pytest.mark.parametrize(
    ("decode", "checksum", "fate"),
    [
        (refuse, True, "refused"),
        (lambda _: b"data", True, "same"),
        (lambda _: b"date", False, "other"),
        (lambda _: b"date", True, "! wrong bytes behind a checksum"),
        (stumble, False, "! IndexError: index out of range"),
        (dawdle, False, "! more than 0.05 s"),
    ],
)
def test_each_fate_is_told(
    monkeypatch: pytest.MonkeyPatch, decode: object, checksum: bool, fate: str
) -> None:
    monkeypatch.setattr("fuzz.SECONDS", 0.05)
    target = Target("mine", decode, [(b"sound", b"data")], checksum)  # type: ignore[arg-type]
    assert judge(target, b"damaged", b"data") == fate


def test_the_same_seed_makes_the_same_streams() -> None:
    streams = [b"she sells sea shells", b"by the sea shore"]
    first, again = ([damaged(streams[0], streams, random.Random(7)) for _ in range(2)] for _ in range(2))
    assert first == again
    dice = random.Random(7)
    made = {damaged(streams[0], streams, dice) for _ in range(300)}
    assert len(made) > 250
    assert any(len(stream) < 5 for stream in made)
    assert any(len(stream) > 40 for stream in made)


def test_a_finding_is_kept_with_the_line_that_shows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fuzz.OUT", tmp_path)
    monkeypatch.setattr("fuzz.ROOT", tmp_path)
    [line] = keep("mine", Outcome(findings=[("IndexError: oh", b"stream")]))
    [path] = tmp_path.iterdir()
    assert path.read_bytes() == b"stream"
    assert line.startswith("mine: IndexError: oh")
    assert f"--show {path.name}" in line

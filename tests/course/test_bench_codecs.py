"""The bench of codecs: it believes nobody, and says by how much a goal is missed."""

from __future__ import annotations

from pathlib import Path

import bench_codecs
import pytest
from bench_codecs import Codec, Goal, codec_table, codecs, goal_table, goals, goals_on_alice, measure
from rich.console import Console

from autograder.model import ShortestError

TEXT = b"she sells sea shells by the sea shore; " * 60


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_codecs, "TURNS", 2)
    monkeypatch.setattr(bench_codecs, "QUICK", 0.0)


@pytest.mark.parametrize(
    ("aim", "measured", "at_most", "verdict"),
    [
        (38, 38, False, "met"),
        (38, 50, False, "met"),
        (40, 30, False, "missed by 25.0%"),
        (100, 100, True, "met"),
        (100, 90, True, "met"),
        (100, 110, True, "missed by 10.0%"),
    ],
)
def test_a_goal_is_met_or_missed_by_so_much(aim: float, measured: float, at_most: bool, verdict: str) -> None:
    assert Goal("speed", aim, measured, at_most).verdict == verdict


def test_every_codec_is_measured_and_every_goal_is_judged() -> None:
    found = measure(TEXT)
    assert {codec.family for codec in found if codec.ours} == {codec.family for codec in found}
    assert all(codec.writing and codec.reading and codec.size for codec in found)
    assert len({(codec.family, codec.name) for codec in found}) == len(found)
    judged = goals(found, len(TEXT))
    assert len(judged) == len({goal.text for goal in judged}) == 10
    console = Console(width=100, record=True)
    console.print(codec_table(found, len(TEXT)))
    console.print(goal_table(judged))
    text = console.export_text()
    assert all(codec.name in text for codec in found)
    assert all(goal.text in text for goal in judged)


def test_a_size_is_that_of_what_was_written() -> None:
    found = {codec.name: codec for codec in measure(TEXT)}
    assert found["zlib -9"].size == len(found["zlib -9"].write(TEXT))
    assert found["constriction"].size % 4 == 0


def test_a_codec_that_forgets_is_no_codec(monkeypatch: pytest.MonkeyPatch) -> None:
    liar = Codec("mixing", "liar", True, lambda _data: b"", lambda _blob: b"other")
    monkeypatch.setattr(bench_codecs, "codecs", lambda text: [*codecs(text)[:1], liar])
    with pytest.raises(ShortestError, match="liar did not give back what it was given"):
        measure(TEXT)


def test_what_takes_long_has_one_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_codecs, "PATIENCE", -1.0)
    assert {len(codec.writing) for codec in measure(TEXT)} == {1}


def test_without_the_file_there_is_no_goal_on_it(tmp_path: Path) -> None:
    assert goals_on_alice(tmp_path / "alice29.txt") == []

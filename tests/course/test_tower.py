"""The whole tower: one student's own modules, each on those below it, climb the ladder to its top."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from autograder import peers, source
from autograder.climb import climb
from autograder.course import Course
from autograder.desk import Desk
from autograder.ladder import BOUND, rung_names

TEXT = (
    b"And Adam lived an hundred and thirty years, and begat a son in his own likeness, after his image; and called "
    b"his name Seth: And the days of Adam after he had begotten Seth were eight hundred years: and he begat sons "
    b"and daughters: "
) * 92


@pytest.fixture(autouse=True)
def _no_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(peers.PEERS):
        monkeypatch.delitem(peers.PEERS, name)


def climbed(course: Course, folder: Path, **changed: str) -> dict[str, dict[str, object]]:
    """Write a student's module for every lesson, and return the rows of their ladder by name."""
    for name in course.lessons:
        text = changed.get(name) or source.without_markers(course.source(name))
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    (folder / "text").write_bytes(TEXT)
    console = Console(file=io.StringIO())
    climb(Desk(folder, course), folder / "text", reference=False, out=folder / "out", console=console)
    rows = json.loads((folder / "out" / "ladder.json").read_text(encoding="utf-8"))
    return {row["name"]: row for row in rows}


def test_every_rung_is_climbed_with_the_students_own_modules(course: Course, tmp_path: Path) -> None:
    rows = climbed(course, tmp_path)
    assert list(rows) == rung_names(course.lessons.values())
    top = [name for name, lesson in course.lessons.items() if lesson.rung][-1]
    assert course.lessons[top].number >= course.lessons["transformer"].number
    for name, row in rows.items():
        assert row["bits_per_byte"] is not None, f"{name}: {row['note']}"
        assert 0 < row["data_bits"] < 8 * len(TEXT)
        assert name == BOUND or row["verified"] == (row["kind"] == "codec")


def test_a_mistake_below_is_felt_above_and_nowhere_else(course: Course, tmp_path: Path) -> None:
    broken = source.without_markers(course.source("classification"))
    broken += "\n\ndef log_softmax(scores):\n    raise ArithmeticError('a mistake of lesson 12')\n"
    rows = climbed(course, tmp_path, classification=broken)
    needs = {name for name in course.lessons if "classification" in [*course.needed(name), name]}
    assert {"recurrent", "transformer"} <= needs
    for name, row in rows.items():
        if name in needs:
            assert row["bits_per_byte"] is None
            assert "a mistake of lesson 12" in str(row["note"])
        else:
            assert row["bits_per_byte"] is not None, f"{name}: {row['note']}"

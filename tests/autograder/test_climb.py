"""The ladder for a person: their own modules, a table, a figure and JSON that stay."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from autograder import climb, source
from autograder.climb import climb as run
from autograder.course import Course
from autograder.desk import Desk
from autograder.model import ShortestError
from autograder.sandbox import Unsandboxed


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(climb, "isolated_sandbox", Unsandboxed)


def shown(desk: Desk, file: Path | None, out: Path, *, reference: bool = False) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=80, color_system=None)
    console.print(run(desk, file, reference=reference, out=out, console=console))
    return stream.getvalue()


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_bytes(b"to be or not to be, that is the question. " * 100)
    return path


def test_a_students_own_rungs_stand_beside_the_compressors(
    course: Course, tmp_path: Path, text: Path
) -> None:
    solved = source.without_markers(course.source("entropy"))
    (tmp_path / "entropy.py").write_text(solved, encoding="utf-8")
    table = shown(Desk(tmp_path, course), text, tmp_path / "out")
    rows = {row["name"]: row for row in json.loads((tmp_path / "out" / "ladder.json").read_text("utf-8"))}
    assert rows["entropy"]["verified"]
    assert 0 < rows["entropy"]["bits_per_byte"] < 8
    assert rows["huffman"]["bits_per_byte"] is None
    assert "not started" in table
    assert "gzip" in table
    assert max(map(len, table.splitlines()[1:])) <= 80
    assert (tmp_path / "out" / "ladder.svg").stat().st_size > 1000


def test_a_rung_that_breaks_is_told_and_the_others_stand(course: Course, tmp_path: Path, text: Path) -> None:
    broken = source.without_markers(course.source("entropy")) + "\ndef compress(data):\n    return 1 / 0\n"
    (tmp_path / "entropy.py").write_text(broken, encoding="utf-8")
    table = shown(Desk(tmp_path, course), text, tmp_path / "out")
    assert "ZeroDivisionError" in table
    assert "xz" in table


def test_the_reference_is_the_instructors(course: Course, desk: Desk, tmp_path: Path, text: Path) -> None:
    shown(Desk(tmp_path, course), text, tmp_path / "out", reference=True)
    rows = json.loads((tmp_path / "out" / "ladder.json").read_text("utf-8"))
    assert {row["name"] for row in rows if row["verified"]} >= {"entropy", "huffman"}
    bundle = Course(tmp_path)
    with pytest.raises(ShortestError, match="leave --reference out"):
        shown(Desk(tmp_path, bundle), text, tmp_path / "out", reference=True)


@pytest.mark.parametrize("file", ["nothing.txt", "."])
def test_a_file_that_can_not_be_read_is_said(course: Course, tmp_path: Path, file: str) -> None:
    with pytest.raises(ShortestError, match="can't be read"):
        shown(Desk(tmp_path, course), tmp_path / file, tmp_path / "out")


def test_an_empty_file_is_refused(course: Course, tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(ShortestError, match="the file has 0 bytes"):
        shown(Desk(tmp_path, course), tmp_path / "empty", tmp_path / "out")


def test_two_files_of_one_lesson_are_not_guessed_between(course: Course, tmp_path: Path, text: Path) -> None:
    for name in ("entropy.py", "entropy.ipynb"):
        (tmp_path / name).write_text("", encoding="utf-8")
    with pytest.raises(ShortestError, match="both here"):
        shown(Desk(tmp_path, course), text, tmp_path / "out")


def test_without_matplotlib_there_is_a_table_all_the_same(
    course: Course, tmp_path: Path, text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object) -> None:
        raise ImportError("matplotlib")

    monkeypatch.setattr(climb.ladder_figure, "figure", missing)
    table = shown(Desk(tmp_path, course), text, tmp_path / "out")
    assert "matplotlib is not installed" in table
    assert "gzip" in table

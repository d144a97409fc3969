"""What an instructor types to export, and what they see."""

from __future__ import annotations

import csv
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from autograder import cli, wheel
from autograder.course import Course
from autograder.exports.people import other_names
from autograder.gradebook import FILE, Gradebook
from autograder.model import Attempt, Job, Outcome, Verdict
from autograder.roster import Person, Roster

CANVAS = """\
Student,ID,SIS User ID,SIS Login ID,Section,Title of twice (501)
    Points Possible,,,,,20.00
"Lovelace, Ada",11,S11,ada,Group A,
"""
Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def typed(
    tmp_path: Path, small: Course, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Typed:
    """Give a function that runs `shortest export`: its exit status, output and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHORTEST_COURSE", str(small.root))

    def build(_: Path, folder: Path) -> Path:
        (folder / "engine.whl").write_bytes(b"wheel")
        return folder / "engine.whl"

    monkeypatch.setattr(wheel, "build", build)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["shortest", "export", *arguments])
        try:
            cli.main()
            status = 0
        except SystemExit as leaving:
            status = int(leaving.code or 0)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture
def graded(tmp_path: Path) -> Path:
    """Give the folder of a gradebook that holds two students' attempts."""
    out = tmp_path / "grades"
    book = Gradebook.at(out / FILE)
    for student, points in {"ada": 10, "\x1b[31mghost": 4}.items():
        book.enqueue([Job(student, "twice", "twice.py", student.encode())], {"twice": "1"})
        (job,) = book.pending()
        verdict = Verdict("law", Outcome.PASSED, points, 10)
        assert book.record(job, Attempt(student, "twice", job.sha256, "1", (verdict,), 0.1))
    book.close()
    return out


def test_canvas_gets_a_file_and_the_instructor_what_to_do_with_it(
    typed: Typed, graded: Path, tmp_path: Path
) -> None:
    (tmp_path / "canvas.csv").write_text(CANVAS, encoding="utf-8")
    status, out, _ = typed("canvas", "--roster", "canvas.csv")
    assert status == 0
    with (graded / "canvas.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[2] == ["Lovelace, Ada", "11", "S11", "ada", "Group A", "20"]
    assert f"1 student   {Path('grades/canvas.csv')}" in out
    assert r"- \x1b[31mghost: no row fits" in out
    assert "choose Import" in out


def test_without_canvas_s_own_export_the_risk_is_said(typed: Typed, graded: Path) -> None:
    out = typed("canvas")[1]
    assert "2 students" in out
    assert "an empty cell takes away a score" in out


def test_an_assignment_that_is_not_named_right_says_how(typed: Typed, graded: Path) -> None:
    status, _, error = typed("canvas", "--assignment", "twice")
    assert status == 1
    assert "--assignment 'twice': write LESSON=ID, such as twice=1234" in error
    status, _, error = typed("canvas", "--assignment", "five=1")
    assert status == 1
    assert "no lesson is called 'five'" in error


def test_canvas_without_a_gradebook_says_what_makes_one(typed: Typed) -> None:
    status, _, error = typed("canvas")
    assert status == 1
    assert "shortest grade SUBMISSIONS" in error


@pytest.mark.parametrize("unsandboxed", [False, True])
def test_gradescope_gets_an_archive_with_the_gradebooks_own_secret(
    typed: Typed, tmp_path: Path, unsandboxed: bool
) -> None:
    status, out, _ = typed("gradescope", "1", *(["--unsandboxed"] if unsandboxed else []))
    assert status == 0
    book = Gradebook.at(tmp_path / "grades" / FILE)
    secret = book.secret()
    book.close()
    path = Path("grades") / "gradescope-twice.zip"
    with zipfile.ZipFile(path) as archive:
        assert secret in archive.read("bundle.json").decode()
    assert f"autograder   {path}" in out
    assert "to no student" in out
    assert "10 autograder points" in out
    assert ("judges without isolation" in out) is unsandboxed


def test_github_gets_a_repository_and_the_instructor_the_next_steps(typed: Typed, tmp_path: Path) -> None:
    status, out, _ = typed("github", "--lesson", "twice")
    assert status == 0
    workflow = (tmp_path / "github" / ".github" / "workflows" / "check.yml").read_text("utf-8")
    assert "shortest check twice" in workflow
    assert "thrice" not in workflow
    assert "gh repo create" in out
    assert "gives no scores" in out
    status, _, error = typed("github")
    assert status == 1
    assert "is not empty" in error


def test_the_roster_s_other_names_are_those_that_canvas_may_know() -> None:
    person = Person("u7", "Ada Lovelace", "ada@x.example", {"SIS User ID": "S11", "Group": "11"})
    assert set(other_names(Roster({"u7": person}))["u7"]) == {"Ada Lovelace", "ada@x.example", "S11", ""}
    assert other_names(None) == {}

"""An instructor's whole run: everything judged once, nothing lost to a kill, nothing counted twice."""

from __future__ import annotations

import io
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from autograder import marking
from autograder.course import Course
from autograder.gradebook import Gradebook
from autograder.marking import mark
from autograder.model import Attempt, Outcome, ShortestError
from autograder.sandbox import Sandbox

TOTAL = 10
Run = Callable[..., tuple[list[Attempt], str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "submissions"
    folder.mkdir()
    return folder


@pytest.fixture
def run(
    tmp_path: Path, folder: Path, small: Course, isolated: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Give a function that marks the folder in this process and returns the attempts and what was shown."""
    monkeypatch.setattr(marking, "isolated_sandbox", lambda: isolated)

    def run(**options: bool) -> tuple[list[Attempt], str]:
        stream = io.StringIO()
        console = Console(file=stream, width=80, color_system=None)
        attempts = mark(small, folder, tmp_path / "out", jobs=1, console=console, **options)
        return attempts, stream.getvalue()

    return run


def hand_in(folder: Path, student: str, text: str, name: str = "twice.py") -> None:
    (folder / student).mkdir(exist_ok=True)
    (folder / student / name).write_text(text, encoding="utf-8")


def count(tmp_path: Path) -> int:
    book = sqlite3.connect(tmp_path / "out" / "gradebook.db")
    (number,) = book.execute("select count(*) from attempts").fetchone()
    book.close()
    return int(number)


def test_everything_is_written_and_said(
    run: Run, folder: Path, tmp_path: Path, solution: Callable[..., str]
) -> None:
    hand_in(folder, "ada", solution())
    hand_in(folder, "bob", solution(double="return 0"))
    hand_in(folder, "bob", "", "notes.txt")
    hand_in(folder, "cy", "no notebook", "twice.ipynb")
    attempts, text = run()
    assert [(a.student, a.points) for a in attempts] == [("ada", TOTAL), ("bob", 4), ("cy", 0)]
    assert "3 submissions, 3 of them to judge." in text
    assert "cy twice: the file was refused: twice.ipynb: it is not a notebook" in " ".join(text.split())
    assert "10 of 10" in text
    assert "notes.txt: passed over" in " ".join(text.split())
    out = tmp_path / "out"
    for name in ("gradebook.db", "grades.csv", "index.html", "feedback/student-ada.html"):
        assert (out / name).stat().st_size > 0
        assert name.split("/")[0] in text
    assert "ada,10,0,10" in (out / "grades.csv").read_text(encoding="utf-8")
    assert max(map(len, text.splitlines())) <= max(80, len(str(out)) + 40)


def test_what_was_judged_is_not_judged_again_but_what_changed_is(
    run: Run, folder: Path, tmp_path: Path, solution: Callable[..., str]
) -> None:
    right = solution()
    hand_in(folder, "ada", right)
    hand_in(folder, "bob", right)
    first, _ = run()
    again, text = run()
    assert "2 submissions, 0 of them to judge." in text
    assert again == first
    assert count(tmp_path) == 2
    hand_in(folder, "bob", right + "# changed")
    assert "1 of them to judge" in run()[1]
    assert count(tmp_path) == 3
    hand_in(folder, "bob", right)
    attempts, text = run()
    assert "1 of them to judge" in text
    assert attempts[1].sha256 == first[1].sha256
    assert count(tmp_path) == 4


def test_a_regrade_adds_attempts_with_equal_verdicts(
    run: Run, folder: Path, tmp_path: Path, solution: Callable[..., str]
) -> None:
    hand_in(folder, "ada", solution(double="return number + number if number != 77 else 0"))
    (first,), _ = run()
    (second,), text = run(regrade=True)
    assert "1 of them to judge" in text
    assert count(tmp_path) == 2
    shown = [
        [(v.law, v.outcome, v.points, v.because, v.finding) for v in attempt.verdicts]
        for attempt in (first, second)
    ]
    assert shown[0] == shown[1]


def test_nothing_to_grade_is_an_error_that_says_what_was_looked_for(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(ShortestError, match=r"holds no submission.*STUDENT.*twice\.ipynb"):
        run()
    hand_in(folder, "ada", "", "twice-final.py")
    with pytest.raises(ShortestError, match=r"twice-final\.py: passed over"):
        run()
    assert not (tmp_path / "out").exists()


def test_strange_names_break_neither_table_nor_pages(
    run: Run, folder: Path, tmp_path: Path, solution: Callable[..., str]
) -> None:
    names = [
        "Ünïcødé 学生",
        "=cmd|'C'!A0",
        "x" * 200,
        "[red]ada[",
        "\u202eada",
        "a b",
        "<b>",
        "-o",
        "con",
        "\xe9",
        "e\u0301",
    ]
    for name in names:
        hand_in(folder, name, "x = 1")
    attempts, text = run()
    assert sorted(attempt.student for attempt in attempts) == sorted(names)
    assert "[red]ada[" in text
    assert "\u202e" not in text
    csv = (tmp_path / "out" / "grades.csv").read_text(encoding="utf-8")
    assert "\n'=cmd|" in csv
    assert len(list((tmp_path / "out" / "feedback").iterdir())) == len(names)
    assert "0 of 10" in text


def test_a_broken_grader_is_shown_and_tried_again(
    run: Run, folder: Path, solution: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object) -> None:
        raise MemoryError("no room")

    hand_in(folder, "ada", solution())
    with monkeypatch.context() as patch:
        patch.setattr("autograder.grade.assemble", break_down)
        (attempt,), text = run()
    assert {v.outcome for v in attempt.verdicts} == {Outcome.GRADER_ERROR}
    assert "6 laws could not be judged" in text
    (attempt,), _ = run()
    assert attempt.points == TOTAL


def test_no_sandbox_no_scores(
    folder: Path, small: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, solution: Callable[..., str]
) -> None:
    def refuse() -> Sandbox:
        raise ShortestError("it does not isolate here")

    hand_in(folder, "ada", solution())
    monkeypatch.setattr(marking, "isolated_sandbox", refuse)
    with pytest.raises(ShortestError, match="does not isolate"):
        mark(small, folder, tmp_path / "out", console=Console(file=io.StringIO()))
    assert not (tmp_path / "out").exists()


# ---- as a process ----

WAITS = "import time\ntime.sleep(0.25)\n"


def command(folder: Path, out: Path) -> list[str]:
    return [sys.executable, "-m", "autograder.cli", "grade", str(folder), "--out", str(out)]


def processes(marker: str) -> list[str]:
    """Return the command lines of the processes that have the marker in their environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if marker.encode() in (path / "environ").read_bytes():
                found.append((path / "cmdline").read_bytes().decode())
        except OSError:
            continue
    return found


def start(folder: Path, out: Path, environment: dict[str, str], attempts: int) -> subprocess.Popen[bytes]:
    """Start grading and return when it has recorded that many attempts."""
    process = subprocess.Popen(
        command(folder, out), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 60
    while not (out / "gradebook.db").exists() or recorded(out) < attempts:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    return process


def recorded(out: Path) -> int:
    book = sqlite3.connect(out / "gradebook.db")
    try:
        return int(book.execute("select count(*) from attempts").fetchone()[0])
    except sqlite3.OperationalError:  # its tables are not made yet
        return 0
    finally:
        book.close()


@pytest.mark.skipif(sys.platform != "linux", reason="isolated grading needs Linux")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_grader_ended_in_the_middle_and_started_again_loses_nothing_and_counts_nothing_twice(
    number: signal.Signals,
    folder: Path,
    tmp_path: Path,
    environment: dict[str, str],
    solution: Callable[..., str],
) -> None:
    students = [f"s{n}" for n in range(5)]
    for student in students:
        hand_in(folder, student, WAITS + solution())
    out = tmp_path / "out"
    marker = f"MARKER_{os.getpid()}_{number}"
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    marked = {**environment, marker: "1", "TMPDIR": str(temporary)}
    process = start(folder, out, marked, 1)
    process.send_signal(number)
    errors = process.communicate(timeout=30)[1].decode()
    assert process.returncode == (-9 if number == signal.SIGKILL else 130)
    assert "Traceback" not in errors
    deadline = time.monotonic() + 10
    while processes(marker):
        assert time.monotonic() < deadline, processes(marker)
        time.sleep(0.1)
    assert number == signal.SIGKILL or list(temporary.iterdir()) == []
    before = recorded(out)
    assert 1 <= before < len(students)
    done = subprocess.run(command(folder, out), env=marked, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    assert f"{len(students)} submissions, {len(students) - before} of them" in done.stdout.decode()
    book = Gradebook.at(out / "gradebook.db")
    assert [(a.student, a.points) for a in book.latest()] == [(student, TOTAL) for student in students]
    book.close()
    assert recorded(out) == len(students)


@pytest.mark.skipif(sys.platform != "linux", reason="isolated grading needs Linux")
def test_the_reference_of_an_earlier_lesson_stands_in_for_the_students(
    folder: Path, tmp_path: Path, environment: dict[str, str], solution: Callable[..., str]
) -> None:
    hand_in(folder, "ada", solution("thrice"), "thrice.py")
    hand_in(folder, "ada", "def double(number): return 0")
    out = tmp_path / "out"
    done = subprocess.run(command(folder, out), env=environment, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    assert "ada,1,5,6" in (out / "grades.csv").read_text(encoding="utf-8")

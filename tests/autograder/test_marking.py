"""An instructor's whole run: everything judged once, shown while it runs, and written for everyone."""

from __future__ import annotations

import io
import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from rich.console import Console

from autograder import intake, marking, pool, settings
from autograder.course import Course
from autograder.gradebook import Gradebook
from autograder.marking import mark
from autograder.model import Attempt, Job, Outcome, Override, Score, ShortestError, Verdict
from autograder.sandbox import Sandbox

TOTAL = 10
Run = Callable[..., tuple[list[Score], str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "submissions"
    folder.mkdir()
    return folder


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, isolated: Sandbox) -> None:
    """Let one process judge: this one. `test_kill.py` has the others."""

    def grade(setup: pool.Setup, jobs: Iterable[Job], processes: int) -> Iterator[tuple[Job, Attempt]]:
        grader = setup.grader()
        for job in jobs:
            yield job, grader.grade(job)

    monkeypatch.setattr(marking, "isolated_sandbox", lambda _: isolated)
    monkeypatch.setattr(pool, "grade", grade)


@pytest.fixture
def run(tmp_path: Path, folder: Path, small: Course, here: None) -> Run:
    """Give a function that marks the folder in this process and returns the scores and what was shown."""

    def run(**options: Any) -> tuple[list[Score], str]:
        stream = io.StringIO()
        console = Console(file=stream, width=80, color_system=None)
        scores = mark(small, folder, tmp_path / "out", console=console, **options)
        return list(scores.values()), stream.getvalue()

    return run


def hand_in(folder: Path, student: str, text: str, name: str = "twice.py") -> None:
    (folder / student).mkdir(exist_ok=True)
    (folder / student / name).write_text(text, encoding="utf-8")


def count(tmp_path: Path) -> int:
    book = sqlite3.connect(tmp_path / "out" / "gradebook.db")
    (number,) = book.execute("select count(*) from attempts").fetchone()
    book.close()
    return int(number)


def points(scores: list[Score]) -> list[tuple[str, float]]:
    return sorted((score.attempt.student, score.points) for score in scores)


def test_everything_is_written_and_said(
    run: Run, folder: Path, tmp_path: Path, solution: Callable[..., str]
) -> None:
    hand_in(folder, "ada", solution())
    hand_in(folder, "bob", solution(double="return 0"))
    hand_in(folder, "bob", "", "notes.txt")
    hand_in(folder, "cy", "no notebook", "twice.ipynb")
    scores, text = run()
    assert points(scores) == [("ada", TOTAL), ("bob", 4), ("cy", 0)]
    assert "3 submissions, 3 to judge." in text
    assert text.count("cy twice: the file was refused: twice.ipynb: it is not a notebook") == 1
    assert "10 of 10" in text
    assert "notes.txt: passed over" in " ".join(text.split())
    out = tmp_path / "out"
    for name in ("gradebook.db", "grades.csv", "index.html", "feedback/student-ada.html"):
        assert (out / name).stat().st_size > 0
        assert name.split("/")[0] in text
    rows = (out / "grades.csv").read_text(encoding="utf-8").splitlines()
    assert rows[0] == "student,twice (10),thrice (5),total (%),remarks"
    assert rows[1].startswith("ada,10,,")


def test_while_it_runs_the_bar_has_the_rate_the_time_left_and_who_was_last(
    run: Run, folder: Path, tmp_path: Path, small: Course, solution: Callable[..., str]
) -> None:
    for number in range(4):
        hand_in(folder, f"s{number}", solution())
    stream = io.StringIO()
    console = Console(file=stream, width=100, color_system=None, force_terminal=True)
    mark(small, folder, tmp_path / "out", console=console)
    assert "judging" in stream.getvalue()
    assert "4/4" in stream.getvalue()
    assert "a minute" in stream.getvalue()
    assert "0:00:0" in stream.getvalue()
    assert "s3 twice: 10 of 10" in stream.getvalue()


def test_what_was_judged_is_not_judged_again_but_what_changed_is(
    run: Run, folder: Path, tmp_path: Path, solution: Callable[..., str]
) -> None:
    right = solution()
    hand_in(folder, "ada", right)
    hand_in(folder, "bob", right)
    first, _ = run()
    again, text = run()
    assert "2 submissions, 0 to judge." in text
    assert again == first
    assert count(tmp_path) == 2
    hand_in(folder, "bob", right + "# changed")
    assert "2 submissions, 1 to judge." in run()[1]
    assert count(tmp_path) == 3
    hand_in(folder, "bob", right)
    scores, text = run()
    assert "2 submissions, 1 to judge." in text
    assert [score.attempt.sha256 for score in scores] == [score.attempt.sha256 for score in first]
    assert count(tmp_path) == 4


def test_what_waits_is_judged_even_where_its_file_is_gone(
    run: Run, folder: Path, tmp_path: Path, solution: Callable[..., str]
) -> None:
    book = Gradebook.at(tmp_path / "out" / "gradebook.db")
    old = Job("ada", "twice", "twice.py", solution(double="return 0").encode())
    book.enqueue([old, replace(old, student="bob")], {"twice": "g"})
    book.close()
    hand_in(folder, "ada", solution())
    scores, text = run()
    assert "1 submission, 3 to judge. 2 of them waited from before." in text
    assert points(scores) == [("ada", TOTAL), ("bob", 4)]
    assert count(tmp_path) == 3


def test_a_regrade_adds_attempts_with_equal_verdicts_and_overrides_stay(
    run: Run, folder: Path, tmp_path: Path, solution: Callable[..., str]
) -> None:
    hand_in(folder, "ada", solution(double="return number + number if number != 77 else 0"))
    ([first], _) = run()
    book = Gradebook.at(tmp_path / "out" / "gradebook.db")
    book.override(Override("ada", "twice", "", 9.5, "kim", "late bus"))
    book.close()
    ([second], text) = run(regrade=True)
    assert "1 submission, 1 to judge." in text
    assert count(tmp_path) == 2
    shown = [
        [(v.law, v.outcome, v.points, v.because, v.finding) for v in score.attempt.verdicts]
        for score in (first, second)
    ]
    assert shown[0] == shown[1]
    assert (first.points, second.points) == (first.earned, 9.5)
    assert "9.5 of 10, by hand" in " ".join(text.split())
    assert "ada,9.5," in (tmp_path / "out" / "grades.csv").read_text(encoding="utf-8")
    assert "1 submission, 1 to judge." in run(regrade=True)[1]


def test_ctrl_c_says_how_many_wait_and_the_same_command_goes_on(
    run: Run,
    folder: Path,
    tmp_path: Path,
    small: Course,
    solution: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in range(3):
        hand_in(folder, f"s{number}", solution())
    honest = pool.grade

    def interrupted(*arguments: Any) -> Iterator[tuple[Job, Attempt]]:
        yield next(iter(honest(*arguments)))
        raise KeyboardInterrupt

    stream = io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr(pool, "grade", interrupted)
        with pytest.raises(KeyboardInterrupt):
            mark(small, folder, tmp_path / "out", console=Console(file=stream, width=200))
    assert (
        "Stopped: 2 submissions yet to judge. Nothing is lost; the same command goes on." in stream.getvalue()
    )
    scores, text = run()
    assert "3 submissions, 2 to judge. 2 of them waited from before." in text
    assert points(scores) == [(f"s{number}", TOTAL) for number in range(3)]
    assert count(tmp_path) == 3


def test_ctrl_c_while_the_pages_are_written_says_so(
    run: Run, folder: Path, tmp_path: Path, small: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    hand_in(folder, "ada", "x = 1")
    stream = io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr(marking, "write_csv", interrupt)
        with pytest.raises(KeyboardInterrupt):
            mark(small, folder, tmp_path / "out", console=Console(file=stream, width=200))
    assert "Stopped: all is judged, and the pages are not all written." in stream.getvalue()
    assert "0 to judge" in run()[1]


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
    scores, text = run()
    assert sorted(score.attempt.student for score in scores) == sorted(names)
    assert "[red]ada[" in text
    assert "\u202e" not in text
    csv = (tmp_path / "out" / "grades.csv").read_text(encoding="utf-8")
    assert "\n'=cmd|" in csv
    assert len(list((tmp_path / "out" / "feedback").glob("*.html"))) == len(names)
    assert "0 of 10" in text


def test_a_broken_grader_is_shown_while_it_runs_and_tried_again(
    run: Run, folder: Path, solution: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object, **__: object) -> None:
        raise MemoryError("no [bold]room[/bold]")

    hand_in(folder, "ada", solution())
    with monkeypatch.context() as patch:
        patch.setattr("autograder.grade.intake.read", break_down)
        [score], text = run()
    assert {v.outcome for v in score.attempt.verdicts} == {Outcome.GRADER_ERROR}
    assert text.count("ada twice: the grader broke: MemoryError: no [bold]room[/bold]") == 1
    assert "6 laws could not be judged" in text
    [score], text = run()
    assert "1 submission, 1 to judge." in text
    assert score.points == TOTAL


def test_a_submission_that_cannot_be_read_is_refused_and_not_lost(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_in(folder, "ada", "x = 1" * 20)
    monkeypatch.setattr(intake, "MAX_BYTES", 50)
    [score], text = run()
    assert (score.points, score.possible) == (0, TOTAL)
    assert "ada twice: the file was refused: twice.py: it is 0 MB, and the limit is 0 MB" in text
    _, text = run()
    assert "0 to judge" in text
    assert "Note: ada twice: the file was refused" in text


def test_no_sandbox_no_scores(
    folder: Path, small: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, solution: Callable[..., str]
) -> None:
    def refuse(kind: str) -> Sandbox:
        assert kind == "podman"
        raise ShortestError("it does not isolate here")

    hand_in(folder, "ada", solution())
    monkeypatch.setattr(marking, "isolated_sandbox", refuse)
    with pytest.raises(ShortestError, match="does not isolate"):
        mark(small, folder, tmp_path / "out", sandbox="podman", console=Console(file=io.StringIO()))
    assert not (tmp_path / "out").exists()


def test_what_course_toml_decides_is_done(
    run: Run,
    folder: Path,
    tmp_path: Path,
    small: Course,
    monkeypatch: pytest.MonkeyPatch,
    solution: Callable[..., str],
) -> None:
    asked = []
    other = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    honest = settings.find

    def find(course: Course, path: Path | None) -> Any:
        asked.append(path)
        return replace(honest(course, None), lessons=("twice",), database=other)

    monkeypatch.setattr(settings, "find", find)
    book = Gradebook(other)
    book.enqueue([Job("ada", "thrice", "thrice.py", b"")], {"thrice": "g"})  # of when that lesson counted
    book.close()
    hand_in(folder, "ada", solution())
    hand_in(folder, "ada", solution("thrice"), "thrice.py")
    scores, text = run(decided=tmp_path / "my.toml")
    assert asked == [tmp_path / "my.toml"]
    assert [(score.attempt.lesson, score.points) for score in scores] == [("twice", TOTAL)]
    assert "1 submission, 1 to judge." in text
    assert "the database that course.toml names" in text
    assert (tmp_path / "elsewhere.db").exists()
    assert not (tmp_path / "out" / "gradebook.db").exists()


def test_who_is_on_the_roster_has_a_row_and_who_is_not_is_named(
    run: Run, folder: Path, tmp_path: Path, solution: Callable[..., str]
) -> None:
    (tmp_path / "roster.csv").write_text("student\nada\ncy\n", encoding="utf-8")
    (tmp_path / "my.toml").write_text('roster = "roster.csv"\n', encoding="utf-8")
    hand_in(folder, "ada", solution())
    hand_in(folder, "bob", solution())
    _, text = run(decided=tmp_path / "my.toml")
    assert "Note: bob: handed in, and not on the roster" in text
    rows = (tmp_path / "out" / "grades.csv").read_text(encoding="utf-8").splitlines()
    assert [row.split(",")[0] for row in rows[1:]] == ["ada", "bob", "cy"]
    assert rows[3] == "cy,,,0,"


def test_near_duplicates_are_flagged_on_the_overview(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, solution: Callable[..., str]
) -> None:
    asked: list[dict[str, str]] = []

    def pairs(sources: dict[str, str], common: str) -> list[Any]:
        assert "return FACTOR * number" not in common
        asked.append(sources)
        return []

    monkeypatch.setattr(marking.similar, "pairs", pairs)
    hand_in(folder, "ada", solution())
    hand_in(folder, "bob", "no notebook", "twice.ipynb")
    names = {"exercise-double": "def double(n): return n + n", "given-1": "FACTOR = 3"}
    cells = [{"id": name, "cell_type": "code", "source": [text]} for name, text in names.items()]
    hand_in(folder, "cy", json.dumps({"cells": cells}), "twice.ipynb")
    run()
    assert asked == [{"ada": solution(), "cy": "def double(n): return n + n"}, {}]


def test_a_cluster_judges_in_our_place_and_nothing_runs_here(
    run: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, solution: Callable[..., str]
) -> None:
    from autograder import cluster

    def refuse(kind: str) -> Sandbox:
        raise ShortestError("it does not isolate here")

    def grade(setup: pool.Setup, jobs: Iterable[Job], address: str, *, say: Callable[[str], None]) -> Any:
        assert not setup.sandbox.isolated
        with pytest.raises(ShortestError, match="not this machine"):
            setup.sandbox.start(tmp_path, None, 0)  # type: ignore[arg-type]
        say(f"{address} has no worker yet")
        for job in jobs:
            verdict = Verdict("adds_to_itself", Outcome.PASSED, 2, 2)
            yield job, Attempt(job.student, job.lesson, job.sha256, "g", (verdict,), 1.0)

    hand_in(folder, "ada", solution())
    monkeypatch.setattr(marking, "isolated_sandbox", refuse)
    monkeypatch.setattr(cluster, "grade", grade)
    [score], text = run(dask="tcp://far:8786")
    assert score.points == 2
    assert "tcp://far:8786 has no worker yet" in text


def test_a_thousand_students_are_written_soon_and_in_little_memory(
    run: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, solution: Callable[..., str]
) -> None:
    hand_in(folder, "ada", solution(double="return 0"))
    [score], _ = run()
    book = Gradebook.at(tmp_path / "out" / "gradebook.db")
    jobs = (
        Job(f"s{number}", "twice", "twice.py", b"#" * 10_000 + str(number).encode()) for number in range(1000)
    )
    memory = psutil.Process().memory_info
    before = memory().rss
    started = time.process_time()
    book.enqueue(jobs, {"twice": score.attempt.grader})
    for job in book.pending():
        book.record(job, replace(score.attempt, student=job.student, sha256=job.sha256))
    book.close()
    scores, text = run()
    assert time.process_time() - started < 60
    assert (memory().rss - before) / 1e6 < 100  # MB
    assert len(scores) == 1001
    assert "1001 students; the overview shows them all." in text
    assert len(list((tmp_path / "out" / "feedback").glob("*.html"))) == 1001


@pytest.mark.skipif(sys.platform != "linux", reason="isolated grading needs Linux")
def test_the_reference_of_an_earlier_lesson_stands_in_for_the_students(
    folder: Path, tmp_path: Path, environment: dict[str, str], solution: Callable[..., str]
) -> None:
    hand_in(folder, "ada", solution("thrice"), "thrice.py")
    hand_in(folder, "ada", "def double(number): return 0")
    out = tmp_path / "out"
    command = [sys.executable, "-m", "autograder.cli", "grade", str(folder), "--out", str(out)]
    done = subprocess.run(command, env=environment, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    assert "ada,1,5," in (out / "grades.csv").read_text(encoding="utf-8")

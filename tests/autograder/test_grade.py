"""Grading: a verdict for every expected law whatever a submission does, the same one every time."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from autograder import bugs, grade, intake
from autograder.course import Course
from autograder.desk import Desk
from autograder.grade import Grader, grader_version, pending
from autograder.intake import Found
from autograder.model import Attempt, Outcome
from autograder.sandbox import Sandbox
from autograder.submit import submit

from .conftest import write_course

SECRET = "the secret of these tests"
TOTAL = 10  # points of the laws of `twice`


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "submissions"


@pytest.fixture
def hand_in(folder: Path) -> Callable[..., Found]:
    """Give a function that writes a student's file."""

    def write(student: str, text: str | bytes, name: str = "twice.py") -> Found:
        path = folder / student / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return Found(student, "twice", path)

    return write


@pytest.fixture(scope="module")
def grader(small: Course, isolated: Sandbox) -> Iterator[Grader]:
    before = list(sys.path)
    yield Grader(small.root, SECRET, isolated)
    sys.path[:] = before


def outcomes(attempt: Attempt) -> dict[str, Outcome]:
    return {verdict.law: verdict.outcome for verdict in attempt.verdicts}


def essence(attempt: Attempt) -> tuple[Any, ...]:
    """All of an attempt but its times."""
    verdicts = [(v.law, v.outcome, v.points, v.possible, v.because, v.finding) for v in attempt.verdicts]
    return attempt.student, attempt.lesson, attempt.sha256, attempt.grader, verdicts, attempt.notes


def test_the_right_solution_gets_every_point(
    grader: Grader, hand_in: Callable[..., Found], solution: Callable[..., str]
) -> None:
    attempt = grader.grade(hand_in("ada", solution()))
    assert (attempt.points, attempt.possible) == (TOTAL, TOTAL)
    assert len(attempt.verdicts) == 6


def test_notebook_module_and_archive_earn_the_same(
    grader: Grader, hand_in: Callable[..., Found], desk: Desk, solution: Callable[..., str]
) -> None:
    text = solution(halve="return number // 2")
    path = desk.folder / "twice.py"
    path.write_text(text, encoding="utf-8")
    target, _ = submit("twice", path, desk.folder)
    path.unlink()
    book = json.loads(desk.start("twice").read_text(encoding="utf-8"))
    for cell in book["cells"]:
        for name in ("double", "halve", "is_double"):
            if cell["id"] == f"exercise-{name}":
                cell["source"] = f"def {name}({text.partition(f'def {name}(')[2].partition('def ')[0]}"
    attempts = [
        grader.grade(hand_in("ada", text)),
        grader.grade(hand_in("bob", target.read_bytes(), "twice.zip")),
        grader.grade(hand_in("cy", json.dumps(book), "twice.ipynb")),
    ]
    assert [attempt.points for attempt in attempts] == [TOTAL - 2] * 3
    assert outcomes(attempts[0]) == outcomes(attempts[1]) == outcomes(attempts[2])
    assert outcomes(attempts[0])["odd_is_refused"] is Outcome.FAILED


def test_a_broken_cell_costs_its_exercise_and_a_broken_module_everything(
    grader: Grader, hand_in: Callable[..., Found], small: Course, desk: Desk
) -> None:
    from nbformat import writes

    from autograder import notebook

    lesson, module = small.lesson("twice"), small.source("twice")
    book = notebook.build(lesson, module, [], solutions=True)
    for cell in book.cells:
        if cell["id"] == "exercise-is_double":
            cell["source"] = "def is_double(:"
    attempt = grader.grade(hand_in("ada", writes(book), "twice.ipynb"))
    assert attempt.points == TOTAL - 1
    broken = next(v for v in attempt.verdicts if v.law == "tells_right_from_wrong")
    assert broken.outcome is Outcome.NOT_RUN
    assert "the cell of is_double: line 1" in broken.because
    assert grader.grade(hand_in("bob", module + "def f(:")).points == 0


@pytest.mark.parametrize(
    "data", [b"", b"\0", b"PK\3\4", b"\xff\xfe\0", "é".encode("latin-1"), b"[" * 100_000]
)
@pytest.mark.parametrize("suffix", [".ipynb", ".py", ".zip"])
def test_bad_input_earns_nothing_and_every_law_has_its_verdict(
    grader: Grader, hand_in: Callable[..., Found], data: bytes, suffix: str
) -> None:
    attempt = grader.grade(hand_in("ada", data, f"twice{suffix}"))
    assert (attempt.points, attempt.possible) == (0, TOTAL)
    assert Outcome.GRADER_ERROR not in outcomes(attempt).values()
    because = attempt.verdicts[0].because
    assert (
        because.startswith((f"the file was refused: twice{suffix}: ", "the file does not load: ")) or not data
    )


def test_a_file_that_went_away_is_refused_and_not_the_graders_fault(grader: Grader, folder: Path) -> None:
    attempt = grader.grade(Found("ada", "twice", folder / "twice.py"))
    assert set(outcomes(attempt).values()) == {Outcome.NOT_RUN}
    assert "can't be read" in attempt.notes[0]


def test_the_graders_own_fault_is_said(
    grader: Grader,
    hand_in: Callable[..., Found],
    solution: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def break_down(*_: object, **__: object) -> None:
        raise MemoryError("no room")

    for place in ("autograder.grade.assemble", "autograder.grade.intake.read"):
        with monkeypatch.context() as patch:
            patch.setattr(place, break_down)
            attempt = grader.grade(hand_in("ada", solution()))
        assert set(outcomes(attempt).values()) == {Outcome.GRADER_ERROR}
        assert attempt.possible == TOTAL
        assert "MemoryError: no room" in attempt.verdicts[0].because


def test_verdicts_are_the_same_again_and_from_two_processes(
    small: Course, isolated: Sandbox, hand_in: Callable[..., Found], solution: Callable[..., str]
) -> None:
    found = [
        hand_in("ada", solution()),
        hand_in("bob", solution(double="return number + number if number % 7 else 0")),
        hand_in("cy", solution(halve="return number // 2")),
        hand_in("dot", solution(is_double="raise ValueError(candidate(3))")),
        hand_in("eve", "not python"),
    ]
    alone = [essence(a) for a in grade.grade(small, found, SECRET, isolated, 1)]
    again = [essence(a) for a in grade.grade(small, found, SECRET, isolated, 1)]
    together = [essence(a) for a in grade.grade(small, found, SECRET, isolated, 2)]
    assert alone == again
    assert sorted(alone, key=str) == sorted(together, key=str)


def test_another_secret_draws_other_inputs(small: Course, isolated: Sandbox) -> None:
    law = small.laws("twice", hidden=True)[0]
    one, two = (Grader(small.root, secret, isolated).inputs(law) for secret in ("one", "two"))
    assert one != two


def test_a_grading_process_that_dies_takes_no_submission_along(
    small: Course,
    isolated: Sandbox,
    hand_in: Callable[..., Found],
    solution: Callable[..., str],
    tmp_path: Path,
) -> None:
    found = [hand_in(f"s{number}", solution()) for number in range(5)]
    doomed = Doomed(isolated, str(tmp_path / "died"))
    attempts = list(grade.grade(small, found, SECRET, doomed, 2))
    assert sorted(attempt.student for attempt in attempts) == [one.student for one in found]
    assert {attempt.points for attempt in attempts} == {TOTAL}
    assert (tmp_path / "died").exists()


class Doomed:
    """A sandbox in which the first grading process to use it dies, as for want of memory."""

    def __init__(self, inner: Sandbox, note: str) -> None:
        self.inner, self.note, self.isolated = inner, note, True

    def start(self, *arguments: Any) -> Any:
        try:
            os.close(os.open(self.note, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return self.inner.start(*arguments)
        os._exit(9)


def test_who_stops_early_leaves_no_process(
    small: Course, isolated: Sandbox, hand_in: Callable[..., Found], solution: Callable[..., str]
) -> None:
    from multiprocessing import active_children

    found = [hand_in("ada", solution())]
    found += [hand_in(f"s{n}", "while True: pass") for n in range(6)]
    running = grade.grade(small, found, SECRET, isolated, 2)
    assert next(running).student == "ada"
    started = time.monotonic()
    running.close()  # type: ignore[attr-defined]
    assert time.monotonic() - started < 4  # one alone would be waited for longer
    assert active_children() == []


def test_only_what_is_new_is_pending(
    small: Course, hand_in: Callable[..., Found], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [hand_in("ada", "x = 1"), hand_in("bob", "x = 2")]
    version = grader_version(small, "twice")
    judged = {
        ("ada", "twice", intake.read(found[0], small.source("twice")).sha256, version),
        ("bob", "twice", "another hash", version),
    }
    assert pending(small, found, judged) == found[1:]
    assert pending(small, found, {(s, lesson, h, "another") for s, lesson, h, _ in judged}) == found
    assert pending(small, found, set()) == found


@pytest.mark.parametrize(
    "part",
    [
        "tests/laws/public/test_twice.py",
        "tests/laws/hidden/test_twice.py",
        "tests/bugs/twice.toml",
        "solutions/squeeze/twice.py",
        "lessons/01_twice/lesson.toml",
    ],
)
def test_the_graders_version_tells_all_that_a_verdict_depends_on(tmp_path: Path, part: str) -> None:
    course = write_course(tmp_path / "course")
    before = grader_version(course, "twice"), grader_version(course, "thrice")
    grader_version.cache_clear()
    assert (grader_version(course, "twice"), grader_version(course, "thrice")) == before
    with (course.root / part).open("a", encoding="utf-8") as file:
        file.write("\n# changed\n")
    grader_version.cache_clear()
    assert grader_version(course, "twice") != before[0]
    needed = part.startswith("solutions")
    assert (grader_version(course, "thrice") != before[1]) == needed


def test_planted_bugs_are_lent_to_hidden_laws(small: Course, isolated: Sandbox) -> None:
    assert bugs.load(small, "twice") == []
    lent = Grader(small.root, SECRET, isolated).lent("twice")
    assert lent["reference"].double(4) == 8
    assert lent["bugs"] == {}


def test_nothing_of_a_submission_stays_on_disk(
    grader: Grader,
    hand_in: Callable[..., Found],
    solution: Callable[..., str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    grader.grade(hand_in("ada", solution()))
    assert list(place.iterdir()) == []

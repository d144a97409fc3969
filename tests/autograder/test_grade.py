"""One submission judged: a verdict for every expected law whatever it does, the same one every time."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from autograder import bugs, intake
from autograder.course import Course
from autograder.desk import Desk
from autograder.grade import Grader, forget_versions, grader_version, judging, limited
from autograder.intake import Found
from autograder.model import Attempt, Job, Outcome, ShortestError
from autograder.sandbox import Sandbox
from autograder.submit import submit

from .conftest import write_course

SECRET = "the secret of these tests"
TOTAL = 10  # points of the laws of `twice`


@pytest.fixture
def hand_in() -> Callable[..., Job]:
    """Give a function that makes a job of a student's file."""

    def write(student: str, text: str | bytes, name: str = "twice.py") -> Job:
        return Job(
            student,
            "twice",
            name,
            text.encode() if isinstance(text, str) else text,
            "2026-12-01T10:00:00+00:00",
        )

    return write


@pytest.fixture(scope="module")
def grader(small: Course, isolated: Sandbox) -> Iterator[Grader]:
    before = list(sys.path)
    yield Grader(small.root, SECRET, isolated)
    sys.path[:] = before


def outcomes(attempt: Attempt) -> dict[str, Outcome]:
    return {verdict.law: verdict.outcome for verdict in attempt.verdicts}


def test_the_right_solution_gets_every_point(
    grader: Grader, hand_in: Callable[..., Job], solution: Callable[..., str]
) -> None:
    attempt = grader.grade(hand_in("ada", solution()))
    assert (attempt.points, attempt.possible) == (TOTAL, TOTAL)
    assert len(attempt.verdicts) == 6


def test_notebook_module_and_archive_earn_the_same(
    grader: Grader, hand_in: Callable[..., Job], desk: Desk, solution: Callable[..., str]
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
    grader: Grader, hand_in: Callable[..., Job], small: Course, desk: Desk
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
    grader: Grader, hand_in: Callable[..., Job], data: bytes, suffix: str
) -> None:
    attempt = grader.grade(hand_in("ada", data, f"twice{suffix}"))
    assert (attempt.points, attempt.possible) == (0, TOTAL)
    assert Outcome.GRADER_ERROR not in outcomes(attempt).values()
    because = attempt.verdicts[0].because
    assert (
        because.startswith((f"the file was refused: twice{suffix}: ", "the file does not load: ")) or not data
    )


def test_a_file_that_went_away_is_refused_and_not_the_graders_fault(grader: Grader, tmp_path: Path) -> None:
    attempt = grader.grade(intake.load(Found("ada", "twice", tmp_path / "twice.py")))
    assert set(outcomes(attempt).values()) == {Outcome.NOT_RUN}
    assert attempt.sha256 == ""
    assert "can't be read" in attempt.notes[0]


def test_the_graders_own_fault_is_said(
    grader: Grader,
    hand_in: Callable[..., Job],
    solution: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def break_down(*_: object, **__: object) -> None:
        raise MemoryError("no room")

    for place in ("autograder.grade.opened", "autograder.grade.intake.read"):
        with monkeypatch.context() as patch:
            patch.setattr(place, break_down)
            attempt = grader.grade(hand_in("ada", solution()))
        assert set(outcomes(attempt).values()) == {Outcome.GRADER_ERROR}
        assert attempt.possible == TOTAL
        assert "MemoryError: no room" in attempt.verdicts[0].because


def test_the_record_holds_who_what_when_and_by_which_grader(
    grader: Grader, hand_in: Callable[..., Job], solution: Callable[..., str]
) -> None:
    job = hand_in("ada", solution())
    attempt = grader.grade(job)
    assert (attempt.student, attempt.lesson, attempt.received) == (
        "ada",
        "twice",
        "2026-12-01T10:00:00+00:00",
    )
    assert attempt.sha256 == hashlib.sha256(job.data).hexdigest()
    assert attempt.grader == grader_version(grader.course, "twice")


def test_a_cell_that_raises_when_it_is_run_costs_its_exercise_alone(
    grader: Grader, hand_in: Callable[..., Job], small: Course
) -> None:
    from nbformat import writes

    from autograder import notebook

    book = notebook.build(small.lesson("twice"), small.source("twice"), [], solutions=True)
    for cell in book.cells:
        if cell["id"] == "exercise-is_double":
            cell["source"] = "nothing_of_that_name(3)"
    attempt = grader.grade(hand_in("ada", writes(book), "twice.ipynb"))
    assert attempt.points == TOTAL - 1
    broken = next(v for v in attempt.verdicts if v.law == "tells_right_from_wrong")
    assert "the cell of is_double: the file does not load: NameError" in broken.because


def test_an_instructors_limits_hold_and_are_part_of_the_version(
    small: Course, isolated: Sandbox, hand_in: Callable[..., Job], solution: Callable[..., str]
) -> None:
    slow = solution(double="import time; time.sleep(0.7); return number + number")
    limits = replace(small.lesson("twice").limits, call_seconds=0.4)
    strict = Grader(small.root, SECRET, isolated, {"twice": limits})
    attempt = strict.grade(hand_in("ada", slow))
    assert outcomes(attempt)["double_of_nothing"] in (Outcome.TIMED_OUT, Outcome.NOT_RUN)
    assert attempt.grader != grader_version(small, "twice")
    by_number = limited(Course(small.root), {"1": limits})
    assert {name: one.limits == limits for name, one in by_number.lessons.items()} == {
        "twice": True,
        "thrice": False,
    }
    with pytest.raises(ShortestError, match="no lesson is called 'none'"):
        limited(Course(small.root), {"none": limits})


def test_another_secret_draws_other_inputs(small: Course, isolated: Sandbox) -> None:
    law = small.laws("twice", hidden=True)[0]
    one, two = (Grader(small.root, secret, isolated).inputs(law) for secret in ("one", "two"))
    assert one != two


@pytest.mark.parametrize(
    "part",
    [
        "tests/laws/public/test_twice.py",
        "tests/laws/hidden/test_twice.py",
        "tests/bugs/twice.toml",
        "solutions/squeeze/twice.py",
    ],
)
def test_the_graders_version_tells_all_that_a_verdict_depends_on(tmp_path: Path, part: str) -> None:
    course = write_course(tmp_path / "course")
    before = grader_version(course, "twice"), grader_version(course, "thrice")
    forget_versions()
    assert (grader_version(course, "twice"), grader_version(course, "thrice")) == before
    with (course.root / part).open("a", encoding="utf-8") as file:
        file.write("\n# changed\n")
    forget_versions()
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
    hand_in: Callable[..., Job],
    solution: Callable[..., str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    grader.grade(hand_in("ada", solution()))
    assert list(place.iterdir()) == []


def test_a_version_depends_on_all_that_is_imported_to_judge_and_on_no_page() -> None:
    code = (
        "import sys, autograder.grade, autograder.isolation; "
        "print(*(name.partition('.')[2] for name in sys.modules if name.startswith('autograder.')))"
    )
    imported = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names = {path.stem for path in judging()}
    assert set(imported.stdout.split()) <= names
    assert {"wire", "worker", "template", "seccomp", "bubblewrap", "warm"} <= names
    assert not names & {"feedback", "overview", "cli", "teach", "gradebook", "marking"}

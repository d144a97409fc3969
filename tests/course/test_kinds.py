"""The kinds of submission get what they deserve, on every lesson, and leave nothing behind.

The hostile kind has a file of its own, `test_attacks.py`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from autograder import notebook, source
from autograder.course import Course
from autograder.grade import Grader
from autograder.isolation import isolated_sandbox
from autograder.model import Attempt, Job, Limits, Outcome

ROOT = Path(__file__).resolve().parents[2]
LESSONS = list(Course(ROOT).lessons)
LIMITS = Limits(call_seconds=2.0, law_seconds=6.0, total_seconds=30.0)
BRIEF = replace(LIMITS, call_seconds=0.5, total_seconds=1.0)
SLACK = 12.0  # seconds: two workers that are started, and a busy machine

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="isolated grading needs Linux")


@pytest.fixture(scope="module")
def grader() -> Iterator[Grader]:
    before = list(sys.path)
    yield Grader(ROOT, "secret", isolated_sandbox(), dict.fromkeys(LESSONS, LIMITS))
    sys.path[:] = before


@pytest.fixture
def graded(
    grader: Grader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, descendants: Callable[[], list[str]]
) -> Callable[..., Attempt]:
    """Give a function that grades a text, and fails where a process or a file is left."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    stub = source.stub(grader.course.source(LESSONS[0]), LESSONS[0])
    grader.grade(Job("ada", LESSONS[0], f"{LESSONS[0]}.py", stub.encode()))
    at_rest = len(descendants())  # a sandbox may be kept warm

    def grade(lesson: str, text: str, suffix: str = ".py") -> Attempt:
        attempt = grader.grade(Job("ada", lesson, f"{lesson}{suffix}", text.encode()))
        assert list(tmp_path.iterdir()) == []
        until = time.monotonic() + 5
        while len(descendants()) > at_rest and time.monotonic() < until:
            time.sleep(0.05)
        assert len(descendants()) <= at_rest, descendants()
        return attempt

    return grade


@pytest.fixture
def _brief(grader: Grader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set limits that are short enough for a test of code that uses them up."""
    for name, lesson in list(grader.course.lessons.items()):
        monkeypatch.setitem(grader.course.lessons, name, replace(lesson, limits=BRIEF))


def earned(attempt: Attempt) -> tuple[int, int]:
    return attempt.points, attempt.possible


def total(grader: Grader, lesson: str) -> int:
    return sum(law.points for law in grader.laws(lesson))


def half(grader: Grader, lesson: str, share: float) -> tuple[str, set[str]]:
    """Return a module with its first exercises done, and their names."""
    pieces = source.segments(grader.course.source(lesson), lesson)
    last = int(len(pieces) * share)
    text = "".join(p.text if i < last else source.stub(p.text, lesson) for i, p in enumerate(pieces))
    return text, {piece.exercise for piece in pieces[:last] if piece.exercise}


@pytest.mark.parametrize("lesson", LESSONS)
def test_right_earns_everything(grader: Grader, graded: Callable[..., Attempt], lesson: str) -> None:
    module = grader.course.source(lesson)
    book = notebook.build(grader.course.lesson(lesson), module, [], solutions=True)
    for text, suffix in ((source.without_markers(module), ".py"), (nbformat.writes(book), ".ipynb")):
        attempt = graded(lesson, text, suffix)
        assert earned(attempt) == (total(grader, lesson), total(grader, lesson)), [
            verdict for verdict in attempt.verdicts if verdict.outcome is not Outcome.PASSED
        ]


@pytest.mark.parametrize("lesson", LESSONS)
@pytest.mark.parametrize("share", [0.3, 0.7])
def test_partly_right_earns_the_laws_of_what_is_finished(
    grader: Grader, graded: Callable[..., Attempt], lesson: str, share: float
) -> None:
    text, done = half(grader, lesson, share)
    attempt = graded(lesson, text)
    expected = 0
    for law, verdict in zip(grader.laws(lesson), attempt.verdicts, strict=True):
        assert verdict.law == law.name
        if law.exercise in done and verdict.outcome is Outcome.PASSED:
            expected += law.points
        else:  # not started, or it waits for an exercise that isn't
            assert verdict.outcome is Outcome.NOT_RUN, verdict
            assert "is not started" in verdict.because
    assert attempt.points == expected
    assert 0 < expected <= sum(law.points for law in grader.laws(lesson) if law.exercise in done)


@pytest.mark.parametrize("lesson", LESSONS)
def test_empty_earns_nothing(grader: Grader, graded: Callable[..., Attempt], lesson: str) -> None:
    stub = source.stub(grader.course.source(lesson), lesson)
    for text in ("", stub):
        attempt = graded(lesson, text)
        assert earned(attempt) == (0, total(grader, lesson))
        assert {verdict.outcome for verdict in attempt.verdicts} == {Outcome.NOT_RUN}


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_syntax_error_costs_a_module_everything_and_a_notebook_one_exercise(
    grader: Grader, graded: Callable[..., Attempt], lesson: str
) -> None:
    module = grader.course.source(lesson)
    attempt = graded(lesson, source.without_markers(module).replace("    return ", "    return (", 1))
    assert earned(attempt) == (0, total(grader, lesson))
    assert "SyntaxError" in attempt.verdicts[0].because
    book = notebook.build(grader.course.lesson(lesson), module, [], solutions=True)
    last = grader.course.exercises(lesson)[-1].name
    for cell in book.cells:
        if cell["id"] == f"exercise-{last}":
            cell["source"] += "\n    return ("
    attempt = graded(lesson, nbformat.writes(book), ".ipynb")
    lost = [law for law in grader.laws(lesson) if law.exercise == last]
    assert attempt.points == total(grader, lesson) - sum(law.points for law in lost)
    assert [v.law for v in attempt.verdicts if v.outcome is Outcome.NOT_RUN] == [law.name for law in lost]


@pytest.mark.usefixtures("_brief")
@pytest.mark.parametrize("lesson", LESSONS)
def test_looping_earns_nothing_and_ends_in_time(
    grader: Grader, graded: Callable[..., Attempt], lesson: str
) -> None:
    module = source.without_markers(grader.course.source(lesson))
    started = time.monotonic()
    attempt = graded(lesson, f"{module}\nwhile True:\n    pass\n")
    assert time.monotonic() - started < BRIEF.total_seconds + SLACK
    assert earned(attempt) == (0, total(grader, lesson))
    assert {v.outcome for v in attempt.verdicts} <= {Outcome.TIMED_OUT, Outcome.NOT_RUN}

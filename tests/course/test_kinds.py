"""The seven kinds of submission get what they deserve, on every lesson, and leave nothing behind."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import nbformat
import pytest

from autograder import notebook, source
from autograder.course import Course
from autograder.grade import Grader
from autograder.intake import Found
from autograder.isolation import isolated_sandbox
from autograder.model import Attempt, Limits, Outcome
from autograder.sandbox import Unsandboxed

ROOT = Path(__file__).resolve().parents[2]
LESSONS = list(Course(ROOT).lessons)
ATTACKS = sorted((ROOT / "tests" / "attacks").glob("*.py"))
# The memory is a number that is found again in the command line of each worker.
MARK = 700 + os.getpid() % 1000
LIMITS = Limits(call_seconds=2.0, law_seconds=6.0, total_seconds=30.0, memory_mb=MARK)
BRIEF = replace(LIMITS, call_seconds=0.5, total_seconds=1.0)
SLACK = 12.0  # seconds: two workers that are started, and a busy machine

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="isolated grading needs Linux")


@pytest.fixture(scope="module")
def canary() -> str:
    return f"canary-{secrets.token_hex(8)}"


@pytest.fixture(scope="module")
def grader(tmp_path_factory: pytest.TempPathFactory, canary: str) -> Iterator[Grader]:
    """Give a grader on a copy of the course in which a canary sits beside the hidden laws."""
    root = tmp_path_factory.mktemp("course")
    for part in ("lessons", "solutions", "tests/laws", "tests/bugs"):
        shutil.copytree(ROOT / part, root / part, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "tests" / "laws" / "hidden" / "canary.txt").write_text(canary, encoding="utf-8")
    before = list(sys.path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CANARY", canary)
        made = Grader(root, "secret", isolated_sandbox())
        for name, lesson in made.course.lessons.items():
            made.course.lessons[name] = replace(lesson, limits=LIMITS)
        yield made
    sys.path[:] = before


@pytest.fixture
def graded(grader: Grader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Attempt]:
    """Give a function that grades a text, and fails where a process or a file is left."""

    def grade(lesson: str, text: str, suffix: str = ".py") -> Attempt:
        shutil.rmtree(tmp_path / "submissions", ignore_errors=True)
        path = tmp_path / "submissions" / "ada" / f"{lesson}{suffix}"
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
        place = tmp_path / "temporary"
        place.mkdir(exist_ok=True)
        monkeypatch.setattr("tempfile.tempdir", str(place))
        attempt = grader.grade(Found("ada", lesson, path))
        assert list(place.iterdir()) == []
        assert list((tmp_path / "submissions").rglob("*.*")) == [path]
        assert left_behind() == []
        return attempt

    return grade


@pytest.fixture
def _brief(grader: Grader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set limits that are short enough for a test of code that uses them up."""
    monkeypatch.setattr("autograder.proxy.LOAD_SECONDS", 1.5)
    for name, lesson in list(grader.course.lessons.items()):
        monkeypatch.setitem(grader.course.lessons, name, replace(lesson, limits=BRIEF))


def left_behind() -> list[str]:
    """Return the workers that still run some moments after they were killed."""
    for _ in range(50):
        found = [
            line for line in map(command_line, Path("/proc").glob("[0-9]*")) if f'"memory_mb": {MARK}' in line
        ]
        if not found:
            return []
        time.sleep(0.1)
    return found


def command_line(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().decode("utf-8", "replace")
    except OSError:
        return ""


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


@pytest.mark.usefixtures("_brief")
@pytest.mark.parametrize("lesson", LESSONS)
@pytest.mark.parametrize("attack", ATTACKS, ids=[path.stem for path in ATTACKS])
def test_hostile_earns_nothing(
    grader: Grader, graded: Callable[..., Attempt], lesson: str, attack: Path, canary: str
) -> None:
    started = time.monotonic()
    attempt = graded(lesson, attack.read_text(encoding="utf-8"))
    assert time.monotonic() - started < BRIEF.total_seconds + SLACK
    assert earned(attempt) == (0, total(grader, lesson)), [v for v in attempt.verdicts if v.points]
    assert Outcome.GRADER_ERROR not in {verdict.outcome for verdict in attempt.verdicts}
    assert canary not in told(attempt)


def told(attempt: Attempt) -> str:
    """Return all that an attempt says, as text."""
    return json.dumps(asdict(attempt), default=str)


SPY = """
import os

def read(path):
    try:
        with open(path, "rb") as file:
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""

found = [f"{{name}}={{value}}" for name, value in os.environ.items() if "canary" in value]
for process in ("self", "1", str(os.getppid())):
    found += [line for line in read(f"/proc/{{process}}/environ").split("\\0") if "canary" in line]
found.append(read({path!r}))
for folder, _, names in os.walk({root!r}):
    found += [read(os.path.join(folder, name)) for name in names if "canary" in name]
found = " ".join(found)
print(found)

def __getattr__(name):
    def tell(*args, **keywords):
        raise RuntimeError(found)
    return tell
"""


@pytest.mark.parametrize("lesson", LESSONS)
def test_no_secret_of_the_grader_reaches_a_verdict(
    grader: Grader, graded: Callable[..., Attempt], lesson: str, canary: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = grader.course.root
    spy = SPY.format(path=str(root / "tests" / "laws" / "hidden" / "canary.txt"), root=str(root))
    attempt = graded(lesson, spy)
    assert earned(attempt) == (0, total(grader, lesson))
    assert "RuntimeError" in told(attempt)
    assert canary not in told(attempt)
    # The spy is a good one: without a sandbox it finds both.
    monkeypatch.setattr(grader, "sandbox", Unsandboxed())
    assert told(graded(lesson, spy)).count(canary) > 1


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_honest_student_after_all_these_gets_every_point(
    grader: Grader, graded: Callable[..., Attempt], lesson: str
) -> None:
    graded(lesson, (ROOT / "tests" / "attacks" / "forges_frames.py").read_text(encoding="utf-8"))
    attempt = graded(lesson, source.without_markers(grader.course.source(lesson)))
    assert earned(attempt) == (total(grader, lesson), total(grader, lesson))

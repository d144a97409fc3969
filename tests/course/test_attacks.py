"""Hostile submissions earn what their honest part earns, learn nothing, leave nothing, and harm nobody after them."""

from __future__ import annotations

import builtins
import importlib.util
import json
import resource
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from autograder import feedback, source
from autograder.course import Course
from autograder.grade import Grader
from autograder.isolation import isolated_sandbox
from autograder.model import Attempt, Job, Limits, Outcome
from autograder.pool import Setup
from autograder.pool import grade as grade_in_a_pool

ROOT = Path(__file__).resolve().parents[2]
CORE = (
    "exits_while_loading",
    "lies_about_equality",
    "replaces_the_worker",
    "reads_the_solutions",
    "loops_forever",
)
PATIENT = Limits(call_seconds=2.0, law_seconds=6.0, total_seconds=30.0)
BRIEF = replace(PATIENT, call_seconds=0.5, law_seconds=1.0, total_seconds=1.0)
SLACK = 12.0  # seconds beyond the limits: starting workers, a busy machine
MOST_MEMORY = 1500 << 20  # of a grading process, whatever it is sent
MARKUP = ("<script", "<svg onload", "<img src=x", "<a href=javascript", "\x1b", "\u202e", "\x00", "\ud800")
MARK = "shortest-attack-"  # what every file that an attack leaves on purpose is called

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="isolated grading needs Linux")


def _tool(name: str):
    spec = importlib.util.spec_from_file_location(f"tools_{name}", ROOT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


attacks = _tool("attacks")
plain = _tool("plain")
ALL = attacks.load(ROOT)
LESSONS = list(Course(ROOT).lessons)
JUDGED = [one for one in ALL if one.kind != "busy"]
PLACED = [(one, one.lesson(LESSONS)) for one in JUDGED]
PLACED += [
    (one, lesson) for one in JUDGED if one.name in CORE for lesson in LESSONS if lesson != one.lesson(LESSONS)
]
GUARDED = [one for one in JUDGED if one.evidence == "escaped"]


@pytest.fixture(scope="module")
def canary() -> str:
    return f"canary-{secrets.token_hex(8)}"


@pytest.fixture(scope="module")
def grader(tmp_path_factory: pytest.TempPathFactory, canary: str) -> Iterator[Grader]:
    """Give a grader on a copy of the course, with canaries beside it, in it, and as its very secret."""
    root = tmp_path_factory.mktemp("course")
    for part in ("lessons", "solutions", "tests/laws", "tests/bugs"):
        shutil.copytree(ROOT / part, root / part, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "tests" / "laws" / "hidden" / "canary.txt").write_text(f"{canary}-file", encoding="utf-8")
    plain.write(root, canary)
    before = list(sys.path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CANARY", f"{canary}-environment")
        patch.setattr("autograder.judge.SHRINK_SECONDS", 0.1, raising=False)  # nobody reads these examples
        limits = dict.fromkeys([*LESSONS, "plain"], PATIENT)
        made = Grader(root, f"{canary}-secret", isolated_sandbox(), limits)
        yield made
    sys.path[:] = before


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give the folder in which the grader makes its temporary files."""
    folder = tmp_path_factory.mktemp("temporary")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(folder))
        yield folder


@pytest.fixture(scope="module")
def deserved(grader: Grader, place: Path) -> Callable[[str, str], int]:
    """Give a function that tells what the honest part of an attack earns on a lesson when it stands alone."""
    known: dict[tuple[str, str], int] = {}

    def points(kind: str, lesson: str) -> int:
        if (kind, lesson) not in known:
            if kind == "beside":
                name, text = f"{lesson}.py", attacks.honest_half(grader.course, lesson)
            else:
                name, text = f"{lesson}.ipynb", attacks.honest_notebook(grader.course, lesson)
            known[kind, lesson] = grader.grade(Job("ada", lesson, name, text.encode())).points
            assert 0 < known[kind, lesson] < sum(law.points for law in grader.laws(lesson))
        return known[kind, lesson]

    return points


@pytest.fixture(scope="module")
def judged(
    grader: Grader, place: Path, descendants: Callable[[], list[str]]
) -> Callable[[list[Job]], list[Attempt]]:
    """Give a function that grades, and fails where a process, a file or a change of this process is left."""
    # A sandbox may be kept warm: what there is after an honest submission is no leftover.
    assert everything(grader.grade(Job("ada", "plain", "plain.py", plain.HONEST.encode())))
    processes, files = len(descendants()), names(place)

    def grade(jobs: list[Job]) -> list[Attempt]:
        attempts = [grader.grade(job) for job in jobs]
        until = time.monotonic() + 5  # for the kernel, and for attacks that another test tries out just now
        while (len(descendants()) > processes or left_on_this_machine()) and time.monotonic() < until:
            time.sleep(0.05)
        assert len(descendants()) <= processes, descendants()
        assert left_on_this_machine() == []
        assert names(place) == files
        assert not hasattr(builtins, "shortest_attack_was_here")
        return attempts

    return grade


def everything(attempt: Attempt) -> bool:
    return attempt.points == attempt.possible > 0


def told(*attempts: Attempt) -> str:
    """Return all that attempts say, as text."""
    return json.dumps([asdict(attempt) for attempt in attempts], default=str)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def left_on_this_machine() -> list[str]:
    """Return the files that attacks leave where anybody could."""
    places = ("/tmp", "/var/tmp", "/dev/shm", "/run", "/home", "/", str(Path.home()), str(Path.cwd()))
    return [str(path) for place in places for path in Path(place).glob(f"{MARK}*")]


def pages(grader: Grader, lesson: str, attempts: list[Attempt]) -> str:
    """Return the pages that the students would get."""
    laws = {lesson: grader.laws(lesson)}
    lessons = {lesson: grader.course.lesson(lesson)}
    return "".join(feedback.page(one.student, [one], laws, lessons) for one in attempts)


@pytest.mark.parametrize(("attack", "lesson"), PLACED, ids=[f"{one.name}-{lesson}" for one, lesson in PLACED])
def test_an_attack_earns_what_its_honest_part_earns_and_the_next_student_everything(
    grader: Grader,
    deserved: Callable[[str, str], int],
    judged: Callable[[list[Job]], list[Attempt]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    canary: str,
    attack,
    lesson: str,
) -> None:
    expected = deserved(attack.kind, lesson) if attack.deserves == "half" else 0
    limits = PATIENT if attack.deserves == "half" else BRIEF
    monkeypatch.setitem(grader.course.lessons, lesson, replace(grader.course.lesson(lesson), limits=limits))
    folder = tmp_path / "submissions"
    folder.mkdir()
    jobs = attack.jobs(grader.course, lesson, folder)
    files = sorted(str(path) for path in tmp_path.rglob("*"))
    started = time.monotonic()
    attempts = judged(jobs)
    assert time.monotonic() - started < (limits.total_seconds + SLACK) * max(1, len(jobs))
    wrong = [v for attempt in attempts for v in attempt.verdicts if v.outcome is Outcome.GRADER_ERROR]
    assert wrong == []
    assert sum(attempt.points for attempt in attempts) == expected, _outcomes(attempts)
    shown = pages(grader, lesson, attempts)
    assert canary not in told(*attempts)
    assert [mark for mark in MARKUP if mark in shown] == []
    assert sorted(str(path) for path in tmp_path.rglob("*")) == files
    started = time.monotonic()
    assert everything(grader.grade(Job("ada", "plain", "plain.py", plain.HONEST.encode())))
    assert time.monotonic() - started < 3


def _outcomes(attempts: list[Attempt]) -> list[str]:
    return [f"{v.law}: {v.outcome}, {v.points}: {v.because}"[:200] for a in attempts for v in a.verdicts]


@pytest.mark.parametrize("attack", GUARDED, ids=[one.name for one in GUARDED])
def test_what_the_sandbox_keeps_from_an_attack_stays_out_of_its_reach(
    grader: Grader,
    judged: Callable[[list[Job]], list[Attempt]],
    canary: str,
    attack,
) -> None:
    text = attack.text + plain.ANSWER
    (attempt,) = judged([Job("mallory", "plain", "plain.py", text.encode())])
    assert everything(attempt), _outcomes([attempt])
    assert canary not in told(attempt)


def peak() -> int:
    """Return the memory of the largest child that has ended, in bytes."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10


def test_what_keeps_the_grader_busy_is_ended_and_the_next_student_gets_everything(
    grader: Grader, canary: str
) -> None:
    setup = Setup(grader.course.root, grader.secret, grader.sandbox, {"plain": BRIEF})
    busy = [one for one in ALL if one.kind == "busy"]
    jobs = [Job(one.name, "plain", "plain.py", one.text.encode()) for one in busy]
    jobs.append(Job("ada", "plain", "plain.py", plain.HONEST.encode()))
    before, started = peak(), time.monotonic()
    attempts = {job.student: attempt for job, attempt in grade_in_a_pool(setup, jobs, 1, slack=6.0)}
    assert time.monotonic() - started < 15.0 * len(busy) + SLACK
    assert peak() == before or peak() < MOST_MEMORY
    assert everything(attempts.pop("ada"))
    for student, attempt in attempts.items():
        assert attempt.points == 0, student
        assert Outcome.GRADER_ERROR not in {v.outcome for v in attempt.verdicts}, _outcomes([attempt])


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_honest_student_after_all_these_gets_every_point(
    grader: Grader, judged: Callable[[list[Job]], list[Attempt]], lesson: str
) -> None:
    before = next(one for one in ALL if one.name == "freezes_its_parent").text
    text = source.without_markers(grader.course.source(lesson))
    codes = {"mallory": before, "ada": text}
    jobs = [Job(name, lesson, f"{lesson}.py", code.encode()) for name, code in codes.items()]
    assert everything(judged(jobs)[-1])


def test_there_are_many_attacks_and_each_says_something_else() -> None:
    assert len(ALL) >= 60
    assert len({one.tries for one in ALL}) == len({one.name for one in ALL}) == len(ALL)
    assert all(name in {one.name for one in ALL} for name in CORE)


def test_the_plain_lesson_notices_what_is_got_at(grader: Grader, place: Path) -> None:
    text = plain.HONEST.replace("return False", "return True")
    attempt = grader.grade(Job("mallory", "plain", "plain.py", text.encode()))
    assert attempt.points == 1

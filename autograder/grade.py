"""Grading: every submission of a folder through intake, workspace, sandbox and laws, in several processes."""

from __future__ import annotations

import hashlib
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from autograder import bugs, intake, lawbook
from autograder.course import Course
from autograder.intake import Found
from autograder.judge import judge, load_module
from autograder.model import Attempt, Law, Outcome, ShortestError, Submission, Verdict
from autograder.remote import Remote
from autograder.sandbox import Sandbox
from autograder.workspace import assemble, with_reference


class Grader:
    """What one grading process keeps: the laws of each lesson, and their inputs once they are drawn."""

    def __init__(self, root: Path, secret: str, sandbox: Sandbox) -> None:
        self.course = Course(root)
        self.secret = secret
        self.sandbox = sandbox
        self.laws = cache(self._laws)
        self.inputs = cache(self._inputs)
        self.lent = cache(self._lent)

    def grade(self, found: Found) -> Attempt:
        """Judge one submission; whatever is wrong with it is in the verdicts, and nothing is raised for it."""
        started = time.monotonic()
        laws, version = self.laws(found.lesson), grader_version(self.course, found.lesson)
        try:
            submission = intake.read(found, self.course.source(found.lesson))
        except ShortestError as problem:
            verdicts = _all(laws, Outcome.NOT_RUN, f"the file was refused: {problem}")
            return Attempt(
                found.student, found.lesson, _hash(found.path), version, verdicts, 0.0, (str(problem),)
            )
        try:
            verdicts = self._judge(submission, laws)
        except Exception as problem:  # the grader's own fault: said, and never a student's zero in silence
            verdicts = _all(
                laws, Outcome.GRADER_ERROR, f"the grader broke: {type(problem).__name__}: {problem}"
            )
        seconds = time.monotonic() - started
        return Attempt(
            found.student, found.lesson, submission.sha256, version, verdicts, seconds, submission.notes
        )

    def _judge(self, submission: Submission, laws: Sequence[Law]) -> tuple[Verdict, ...]:
        lesson = self.course.lesson(submission.lesson)
        needs = {name: self.course.source(name) for name in self.course.needed(lesson.name)}
        modules = with_reference(submission.source, lesson.name, needs)
        with tempfile.TemporaryDirectory(prefix="shortest-", ignore_cleanup_errors=True) as folder:
            package = assemble(Path(folder), modules)
            extra = self.lent(lesson.name)
            arguments = (self.sandbox, package, lesson.name, lesson.limits, submission.source)
            with Remote(*arguments, extra=extra, own_lines=submission.own_lines) as subject:
                verdicts = judge(laws, subject, lesson.limits, self.inputs, self.secret, submission.problems)
                return tuple(verdicts)

    def _laws(self, lesson: str) -> list[Law]:
        return self.course.laws(lesson, hidden=True)

    def _inputs(self, law: Law) -> list[dict[str, Any]]:
        return lawbook.draw(law, self.secret)

    def _lent(self, lesson: str) -> dict[str, Any]:
        """Return what hidden laws are lent, in the trusted process only: our module and the planted bugs."""
        solutions = str(self.course.modules.parent)
        if solutions not in sys.path:
            sys.path.append(solutions)
        return {
            "reference": load_module(self.course.source(lesson), lesson),
            "bugs": bugs.modules(self.course, lesson),
        }


@cache
def grader_version(course: Course, lesson: str) -> str:
    """Return a hash of all that a verdict depends on besides the submission: the laws, the module and ours."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    files += [course.root / "tests" / "laws" / kind / f"test_{lesson}.py" for kind in ("public", "hidden")]
    files += [course.root / "tests" / "bugs" / f"{lesson}.toml"]
    files += [course.lesson(name).module for name in [*course.needed(lesson), lesson]]
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.read_bytes() if path.is_file() else b"")
    return digest.hexdigest()[:16]


def grade(
    course: Course, found: Sequence[Found], secret: str, sandbox: Sandbox, jobs: int = 1
) -> Iterator[Attempt]:
    """Yield an attempt for each submission as it is done, in no set order, from `jobs` processes.

    A grading process that dies takes no submission with it: what it held is judged again in this one.
    """
    if jobs == 1 or len(found) < 2:
        grader = Grader(course.root, secret, sandbox)
        yield from map(grader.grade, found)
        return
    lost: list[Found] = []
    arguments = (course.root, secret, sandbox)
    with ProcessPoolExecutor(jobs, get_context("spawn"), _prepare, arguments) as pool:
        waiting: dict[Future[Attempt], Found] = {pool.submit(_grade, one): one for one in found}
        while waiting:
            done, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                one = waiting.pop(future)
                if future.exception() is None:
                    yield future.result()
                else:
                    lost.append(one)
    if lost:
        yield from map(Grader(course.root, secret, sandbox).grade, lost)


def pending(course: Course, found: Sequence[Found], judged: set[tuple[str, str, str, str]]) -> list[Found]:
    """Return the submissions that this grader has not judged yet."""
    return [
        one
        for one in found
        if (one.student, one.lesson, _hash(one.path), grader_version(course, one.lesson)) not in judged
    ]


_grader: list[Grader] = []


def _prepare(root: Path, secret: str, sandbox: Sandbox) -> None:
    _grader[:] = [Grader(root, secret, sandbox)]


def _grade(found: Found) -> Attempt:
    return _grader[0].grade(found)


def _all(laws: Sequence[Law], outcome: Outcome, because: str) -> tuple[Verdict, ...]:
    return tuple(Verdict(law.name, outcome, 0, law.points, because) for law in laws)


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()

"""Grading: every submission of a folder through intake, workspace, sandbox and laws, in several processes."""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from functools import cache
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path
from typing import Any

import hypothesis

from autograder import bugs, intake, lawbook
from autograder.course import Course
from autograder.intake import Found
from autograder.judge import judge, load_module
from autograder.model import Attempt, Law, Outcome, ShortestError, Submission, Verdict
from autograder.remote import Remote
from autograder.sandbox import Sandbox
from autograder.workspace import assemble, with_reference

REFUSED = "the file was refused: "


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
        digest = ""
        notes: tuple[str, ...] = ()
        try:
            digest = _hash(found.path)
            submission = self._read(found)
            digest, notes = submission.sha256, submission.notes
            verdicts = self._judge(submission, laws)
        except _Refused as problem:
            notes = (f"{REFUSED}{problem}",)
            verdicts = _all(laws, Outcome.NOT_RUN, notes[0])
        except Exception as problem:  # the grader's own fault: said, and never a student's zero in silence
            verdicts = _all(
                laws, Outcome.GRADER_ERROR, f"the grader broke: {type(problem).__name__}: {problem}"
            )
        seconds = time.monotonic() - started
        return Attempt(found.student, found.lesson, digest, version, verdicts, seconds, notes)

    def _read(self, found: Found) -> Submission:
        module = self.course.source(found.lesson)
        try:
            return intake.read(found, module)
        except ShortestError as problem:
            # A student reads this, and where the instructor keeps the file is not their business.
            raise _Refused(str(problem).replace(str(found.path), found.path.name)) from None

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


class _Refused(Exception):  # noqa: N818 - the submission's state, not our mistake
    """The submission can't be used; the message says why."""


@cache
def grader_version(course: Course, lesson: str) -> str:
    """Return a hash of all that a verdict depends on besides the submission: the laws, the module and ours."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    files += [course.root / "tests" / "laws" / kind / f"test_{lesson}.py" for kind in ("public", "hidden")]
    files += [course.root / "tests" / "bugs" / f"{lesson}.toml"]
    files += [course.lesson(name).module for name in [*course.needed(lesson), lesson]]
    files += [course.lesson(lesson).page.with_name("lesson.toml")]  # the limits
    digest = hashlib.sha256(hypothesis.__version__.encode())  # it draws the inputs
    for path in files:
        digest.update(path.read_bytes() if path.is_file() else b"")
    return digest.hexdigest()[:16]


def grade(
    course: Course, found: Sequence[Found], secret: str, sandbox: Sandbox, jobs: int = 1
) -> Iterator[Attempt]:
    """Yield an attempt for each submission as it is done, in no set order, from `jobs` processes.

    A grading process that dies takes no submission with it: what it held is judged again in this one.
    Whoever stops early ends these processes at once.
    """
    if jobs == 1 or len(found) < 2:
        yield from map(Grader(course.root, secret, sandbox).grade, found)
        return
    lost: list[Found] = []
    with tempfile.TemporaryDirectory(prefix="shortest-", ignore_cleanup_errors=True) as folder:
        arguments = (course.root, secret, sandbox, folder)
        before = set(active_children())
        with ProcessPoolExecutor(jobs, get_context("spawn"), _prepare, arguments) as pool:
            waiting: dict[Future[Attempt], Found] = {pool.submit(_grade, one): one for one in found}
            try:
                yield from _as_done(waiting, lost)
            finally:
                for process in set(active_children()) - before if waiting else ():
                    process.terminate()
    if lost:
        yield from map(Grader(course.root, secret, sandbox).grade, lost)


def _as_done(waiting: dict[Future[Attempt], Found], lost: list[Found]) -> Iterator[Attempt]:
    while waiting:
        done, _ = wait(waiting, return_when=FIRST_COMPLETED)
        for future in done:
            if future.exception() is None:
                yield future.result()
            else:
                lost.append(waiting[future])
            del waiting[future]


def pending(course: Course, found: Sequence[Found], judged: set[tuple[str, str, str, str]]) -> list[Found]:
    """Return the submissions that this grader has not judged yet, given what `Gradebook.judged` returns."""
    return [
        one
        for one in found
        if (one.student, one.lesson, _hash(one.path), grader_version(course, one.lesson)) not in judged
    ]


_grader: list[Grader] = []


def _prepare(root: Path, secret: str, sandbox: Sandbox, folder: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one
    tempfile.tempdir = folder  # which that process removes, however this one ends
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _grader[:] = [Grader(root, secret, sandbox)]


def _end_with_parent() -> None:
    """End this process when the one that started it is gone: a pool's own processes would wait for ever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _grade(found: Found) -> Attempt:
    return _grader[0].grade(found)


def _all(laws: Sequence[Law], outcome: Outcome, because: str) -> tuple[Verdict, ...]:
    return tuple(Verdict(law.name, outcome, 0, law.points, because) for law in laws)


def _hash(path: Path) -> str:
    """Return the hash of a file; nothing where it can't be read, which is for `intake` to say."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""

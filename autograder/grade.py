"""One submission judged: through intake and workspace into the sandbox and before the laws."""

from __future__ import annotations

import hashlib
import re
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis

from autograder import bugs, intake, lawbook
from autograder.course import Course
from autograder.judge import judge, load_module
from autograder.model import Attempt, Job, Law, Limits, Outcome, ShortestError, Submission, Verdict
from autograder.sandbox import Sandbox
from autograder.subject import opened

# `from autograder.x import …`, `from autograder import x, y`, and in the worker `import x`.
IMPORTED = re.compile(
    r"^ *(?:from autograder\.(\w+) import|(?:from autograder )?import ([^\n]+))", re.MULTILINE
)
REFUSED = "the file was refused: "


class Grader:
    """What one grading process keeps: the laws of each lesson, and their inputs once they are drawn.

    `limits` replaces the limits of the lessons that it names, as an instructor may.
    """

    def __init__(
        self, root: Path, secret: str, sandbox: Sandbox, limits: Mapping[str, Limits] | None = None
    ) -> None:
        self.course = limited(Course(root), limits or {})
        self.secret = secret
        self.sandbox = sandbox
        self.laws = cache(self._laws)
        self.inputs = cache(self._inputs)
        self.lent = cache(self._lent)

    def grade(self, job: Job, laws: Sequence[Law] | None = None) -> Attempt:
        """Judge one file by all laws, or by these; whatever is wrong with it is in the verdicts, and never raised."""
        started = time.monotonic()
        laws = self.laws(job.lesson) if laws is None else laws
        notes: tuple[str, ...] = ()
        try:
            submission = self._read(job)
            notes = submission.notes
            verdicts = self._judge(submission, laws)
        except _Refused as problem:
            notes = (f"{REFUSED}{problem}",)
            verdicts = every(laws, Outcome.NOT_RUN, notes[0])
        except Exception as problem:  # the grader's own fault: said, and never a student's zero in silence
            verdicts = every(
                laws, Outcome.GRADER_ERROR, f"the grader broke: {type(problem).__name__}: {problem}"
            )
        return made(self.course, job, verdicts, time.monotonic() - started, notes)

    def _read(self, job: Job) -> Submission:
        try:
            return intake.read(job, self.course.source(job.lesson))
        except ShortestError as problem:
            raise _Refused(str(problem)) from None

    def _judge(self, submission: Submission, laws: Sequence[Law]) -> tuple[Verdict, ...]:
        lesson = self.course.lesson(submission.lesson)
        needs = {name: self.course.source(name) for name in self.course.needed(lesson.name)}
        extra = self.lent(lesson.name)
        with opened(submission, needs, self.sandbox, lesson.limits, extra=extra) as (subject, loaded):
            return tuple(judge(laws, subject, lesson.limits, self.inputs, self.secret, loaded.problems))

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


def limited(course: Course, limits: Mapping[str, Limits]) -> Course:
    """Return the course with the limits of some lessons replaced."""
    for name, chosen in limits.items():
        lesson = course.lesson(name)  # which may be called by its number
        course.lessons[lesson.name] = replace(lesson, limits=chosen)
    return course


def made(
    course: Course, job: Job, verdicts: Sequence[Verdict], seconds: float, notes: Sequence[str] = ()
) -> Attempt:
    """Put the verdicts on a job into an attempt, with what the record needs."""
    version = grader_version(course, job.lesson)
    return Attempt(
        job.student, job.lesson, job.sha256, version, tuple(verdicts), seconds, tuple(notes), job.received
    )


def every(laws: Sequence[Law], outcome: Outcome, because: str) -> tuple[Verdict, ...]:
    """Return the same verdict, which earns nothing, for every law."""
    return tuple(Verdict(law.name, outcome, 0, law.points, because) for law in laws)


def grader_version(course: Course, lesson: str) -> str:
    """Return a hash of all that a verdict depends on besides the submission: laws, module, limits, and ours."""
    return _version(course, lesson, course.lesson(lesson).limits)


@cache  # the limits are part of the key: an instructor's course has the same root, and others
def _version(course: Course, lesson: str, limits: Limits) -> str:
    files = judging()
    files += [course.root / "tests" / "laws" / kind / f"test_{lesson}.py" for kind in ("public", "hidden")]
    files += [course.root / "tests" / "bugs" / f"{lesson}.toml"]
    files += [course.lesson(name).module for name in [*course.needed(lesson), lesson]]
    digest = hashlib.sha256(hypothesis.__version__.encode())  # it draws the inputs
    digest.update(repr(limits).encode())
    for path in files:
        digest.update(path.read_bytes() if path.is_file() else b"")
    return digest.hexdigest()[:16]


def judging() -> list[Path]:
    """Return the engine's files on which a verdict depends: judge, sandbox, worker, and all that these import.

    A change of a page or of a command is none to the verdicts, and judges nobody again.
    """
    here = Path(__file__).parent
    found: set[Path] = set()
    queue = [here / name for name in ("grade.py", "isolation.py", "worker.py", "template.py")]
    while queue:
        path = queue.pop()
        if path not in found:
            found.add(path)
            names = IMPORTED.findall(path.read_text(encoding="utf-8"))
            words = {word for pair in names for text in pair for word in re.findall(r"\w+", text)}
            queue += [here / f"{word}.py" for word in words if (here / f"{word}.py").is_file()]
    return sorted(found)


def forget_versions() -> None:
    """Read the files anew at the next question: a process that lives long sees them change."""
    _version.cache_clear()

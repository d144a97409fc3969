"""A student's own check: the public laws on their file, in a worker of its own, in seconds."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from autograder import lawbook
from autograder.course import Course
from autograder.desk import Desk
from autograder.judge import Subject, judge
from autograder.model import Law, Lesson, Verdict
from autograder.remote import Remote
from autograder.sandbox import Unsandboxed
from autograder.workspace import assemble

SECRET = "public"  # noqa: S105 - the public laws' inputs are no secret: everyone may see the same


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found: a verdict for each public law, notes, and what the student's code printed."""

    lesson: Lesson
    laws: tuple[Law, ...]
    verdicts: tuple[Verdict, ...]
    notes: tuple[str, ...] = ()
    printed: str = ""

    @property
    def points(self) -> int:
        """The points earned."""
        return sum(verdict.points for verdict in self.verdicts)

    @property
    def possible(self) -> int:
        """The points of the laws that were checked."""
        return sum(verdict.possible for verdict in self.verdicts)


def check_file(desk: Desk, lesson_name: str, path: Path) -> Checked:
    """Judge a student's file by its lesson's public laws, in a worker with their other modules beside it.

    Raises ShortestError where the file can't be read.
    """
    lesson = desk.course.lesson(lesson_name)
    laws = desk.course.laws(lesson.name, hidden=False)
    submission = desk.read(lesson.name, path)
    needs, notes = desk.needed(lesson.name)
    with tempfile.TemporaryDirectory(prefix="shortest-", ignore_cleanup_errors=True) as folder:
        package = assemble(Path(folder), {**needs, lesson.name: submission.source})
        with tempfile.TemporaryFile() as errors:
            arguments = (Unsandboxed(), package, lesson.name, lesson.limits, submission.source)
            with Remote(*arguments, errors=errors, own_lines=submission.own_lines) as subject:
                verdicts = judge(laws, subject, lesson.limits, inputs, SECRET, submission.problems)
                done = tuple(verdicts)
            printed = _tail(errors)
    return Checked(lesson, tuple(laws), done, (*submission.notes, *notes), printed)


def check_live(course: Course, lesson_name: str, subject: Subject, laws: Sequence[Law]) -> Checked:
    """Judge definitions in this process, as a notebook's check cell does; nothing here can stop an endless loop."""
    lesson = course.lesson(lesson_name)
    return Checked(lesson, tuple(laws), tuple(judge(laws, subject, lesson.limits, inputs, SECRET)))


@cache
def inputs(law: Law) -> list[dict[str, Any]]:
    """Draw the inputs of a public law once in this process."""
    return lawbook.draw(law, SECRET)


def _tail(errors: Any) -> str:
    size = errors.seek(0, 2)
    errors.seek(max(0, size - 2000))
    return str(errors.read().decode("utf-8", "replace"))

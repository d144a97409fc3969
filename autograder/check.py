"""A student's own check: the public laws on their file, in a worker of its own, in seconds."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from autograder import lawbook
from autograder.course import Course
from autograder.desk import Desk
from autograder.judge import Subject, judge
from autograder.model import Law, Lesson, Verdict
from autograder.sandbox import Unsandboxed
from autograder.subject import opened

PRINTED = 2000  # bytes of what student code printed that are kept: the last ones
SECRET = "public"  # noqa: S105 - the public laws' inputs are no secret: everyone may see the same


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found: a verdict for each public law, notes, and what the student's code printed.

    `sha256` is that of the file that was read.
    """

    lesson: Lesson
    laws: tuple[Law, ...]
    verdicts: tuple[Verdict, ...]
    notes: tuple[str, ...] = ()
    printed: str = ""
    sha256: str = ""

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
    with (
        _printing() as (errors, printed),
        opened(submission, needs, Unsandboxed(), lesson.limits, errors=errors) as (subject, loaded),
    ):
        done = tuple(judge(laws, subject, lesson.limits, inputs, SECRET, loaded.problems))
    text = printed.decode("utf-8", "replace")
    return Checked(lesson, tuple(laws), done, (*submission.notes, *notes), text, submission.sha256)


def check_live(course: Course, lesson_name: str, subject: Subject, laws: Sequence[Law]) -> Checked:
    """Judge definitions in this process, as a notebook's check cell does; nothing here can stop an endless loop."""
    lesson = course.lesson(lesson_name)
    return Checked(lesson, tuple(laws), tuple(judge(laws, subject, lesson.limits, inputs, SECRET)))


@cache
def inputs(law: Law) -> list[dict[str, Any]]:
    """Draw the inputs of a public law once in this process."""
    return lawbook.draw(law, SECRET)


@contextmanager
def _printing() -> Iterator[tuple[int, bytearray]]:
    """Give a pipe for what student code prints, and what is kept of it: whatever the amount, it fills no disk."""
    reading, writing = os.pipe()
    kept = bytearray()
    thread = threading.Thread(target=_keep_last, args=(reading, kept), daemon=True)
    thread.start()
    try:
        yield writing, kept
    finally:
        os.close(writing)
        thread.join(1.0)  # a process that the student's code left behind could hold the pipe open


def _keep_last(reading: int, kept: bytearray) -> None:
    while block := os.read(reading, 1 << 16):
        kept += block
        if len(kept) > PRINTED:
            start = kept.find(b"\n", len(kept) - PRINTED) + 1  # whole lines, where they are not endless
            del kept[: start or len(kept) - PRINTED]
    os.close(reading)

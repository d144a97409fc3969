"""Points that a person gives, beside what the laws say: who, why, and when stay on record."""

from __future__ import annotations

import getpass
import math
from collections.abc import Sequence
from dataclasses import replace

from rich.table import Table
from rich.text import Text

from autograder import lawbook
from autograder.course import Course
from autograder.gradebook import Gradebook
from autograder.lookup import counted, find_law
from autograder.model import Override, Score, ShortestError
from autograder.report import clean
from autograder.settings import Settings
from autograder.sheet import number


def override(course: Course, decided: Settings, book: Gradebook, change: Override) -> tuple[Score, Score]:
    """Record a person's change, and return what the work counted before and what it counts now.

    NaN points take back what was given before. Raises ShortestError where there is no such student, lesson or
    law, where nobody says why, or where the points are more than there are.
    """
    before = counted(book, decided, change.student, change.lesson)
    laws = course.laws(change.lesson, hidden=True)
    law = find_law(laws, change.law) if change.law else None
    most = law.points if law else lawbook.total(laws)
    if not change.why.strip():
        raise ShortestError("say why: --why TEXT; whoever looks at the score later will ask")
    if not math.isnan(change.points) and not 0 <= change.points <= most:
        what = f"the law {law.name!r}" if law else f"{change.lesson} as a whole"
        raise ShortestError(f"{change.points:g} points can't be given: {what} is worth 0 to {most} points")
    change = replace(change, law=law.name if law else "")
    if math.isnan(change.points) and not _given(book, change):
        raise ShortestError(
            f"no points were given by hand to {clean(change.student)!r} for {change.lesson} {change.law}".rstrip()
            + "; `shortest override --list` shows what was"
        )
    book.override(change)
    return before, counted(book, decided, change.student, change.lesson)


def _given(book: Gradebook, change: Override) -> bool:
    place = (change.student, change.lesson, change.law)
    return any((one.student, one.lesson, one.law) == place for one in book.overrides())


def login_name() -> str:
    """Return the name of whoever is logged in, or `unknown` where the system has none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"


def table(history: Sequence[Override]) -> Table:
    """Return all changes that were ever made, oldest first, to be shown."""
    shown = Table("when", "who", "student", "lesson", "law", "points", "why", box=None, header_style="dim")
    for one in history:
        points = "taken back" if math.isnan(one.points) else number(one.points)
        cells = (one.when, one.who, one.student, one.lesson, one.law or "(all)", points, one.why)
        shown.add_row(*(Text(clean(cell)) for cell in cells))
    return shown


def said(before: Score, after: Score) -> Text:
    """Say what a change did, and how it gets into the pages."""
    attempt = after.attempt
    points = f"{number(before.points)} → {number(after.points)} of {after.possible} points"
    again = "`shortest grade` with the same folders writes that into the pages; nothing is judged again."
    return Text(f"{clean(attempt.student)} {attempt.lesson}: {points}\n{again}")

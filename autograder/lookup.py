"""One student's work on one lesson, found in the gradebook by what a person typed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from autograder import scores
from autograder.gradebook import Gradebook
from autograder.model import Law, Score, ShortestError
from autograder.report import clean
from autograder.settings import Settings

MOST = 10


def counted(book: Gradebook, decided: Settings, student: str, lesson: str) -> Score:
    """Return what a student's work on a lesson counts, from the attempt that counts.

    Raises ShortestError, saying who or what there is, where there is no such attempt.
    """
    attempts = book.attempts(student, lesson)
    if attempts:
        return scores.scores(attempts, book.overrides(), decided)[student, lesson]
    lessons = book.lessons(student)
    if lessons:
        raise ShortestError(
            f"{clean(student)!r} has no judged attempt at {lesson!r}; there are: {', '.join(lessons)}"
        )
    raise ShortestError(_unknown(student, book.students(), "no student with a judged attempt"))


def find_law(laws: Sequence[Law], name: str) -> Law:
    """Return the law of a name, such as `round_trip`. Raises ShortestError, listing the names, where there is none."""
    for law in laws:
        if name in (law.name, law.key):
            return law
    raise ShortestError(_unknown(name, [law.name for law in laws], "no law"))


def _unknown(typed: str, names: Iterable[str], what: str) -> str:
    """Say that a name is unknown, and which are like it, or else which there are."""
    known = sorted(names)
    near = difflib.get_close_matches(typed, known, n=3)
    said = f"{what} is called {clean(typed)!r}"
    if near:
        return f"{said}; did you mean {' or '.join(map(clean, near))}?"
    more = f" and {len(known) - MOST} more" if len(known) > MOST else ""
    return f"{said}; there are: {', '.join(map(clean, known[:MOST]))}{more}"

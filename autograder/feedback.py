"""What a student reads after grading: one page without a script, and the same content as data.

A hidden law shows its title, its hint and in one of a few fixed sentences how it broke. Nothing else of its
verdict is shown, because a student's code can put the inputs that it saw into every message it causes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from autograder.markup import clean, render
from autograder.model import Attempt, Finding, Law, Lesson, Outcome, Verdict

__all__ = ["as_json", "file_name", "latest", "page", "rows", "write"]

LONGEST_NAME = 120
UNSTARTED = "is not started"
UNRECORDED = "no verdict is recorded; the law may be newer than this grading"
MARKS = {
    Outcome.PASSED: "✓",
    Outcome.FAILED: "✗",
    Outcome.TIMED_OUT: "✗",
    Outcome.CRASHED: "✗",
    Outcome.NOT_RUN: "○",
    Outcome.GRADER_ERROR: "!",
}
CATEGORIES = {
    "wrong": "The result is not what it should be.",
    "error": "Your code raised an exception.",
    "type": "What came back has a type or a shape that can't be used.",
    "timed out": "Your code took too long.",
    "crashed": "The process that ran your code ended before it answered.",
    "load": "Your file could not be loaded.",
}
HIDDEN = {
    Outcome.FAILED: "The law does not hold.",
    Outcome.TIMED_OUT: CATEGORIES["timed out"],
    Outcome.CRASHED: CATEGORIES["crashed"],
    Outcome.NOT_RUN: "It was not run: the exercise is unfinished, can't be read, or took too long before.",
    Outcome.GRADER_ERROR: "The grader broke, not your code. Tell your instructor.",
}


def page(
    student: str,
    attempts: Sequence[Attempt],
    laws: Mapping[str, Sequence[Law]],
    lessons: Mapping[str, Lesson],
) -> str:
    """Return a student's page as HTML that needs no other file; of a lesson's attempts the last one counts.

    `laws` holds each lesson's public and hidden laws; a verdict on any other law shows no details.
    """
    return render(
        "feedback.html.j2", student=clean(student), lessons=as_json(student, attempts, laws, lessons)
    )


def write(
    folder: Path,
    attempts: Sequence[Attempt],
    laws: Mapping[str, Sequence[Law]],
    lessons: Mapping[str, Lesson],
) -> list[Path]:
    """Write a page for each student who has an attempt, and return the paths, sorted by student."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for student in sorted({attempt.student for attempt in attempts}):
        path = folder / file_name(student)
        path.write_text(page(student, attempts, laws, lessons), encoding="utf-8", newline="\n")
        paths.append(path)
    return paths


def as_json(
    student: str,
    attempts: Sequence[Attempt],
    laws: Mapping[str, Sequence[Law]],
    lessons: Mapping[str, Lesson],
) -> list[dict[str, Any]]:
    """Return what the page shows, one dict a lesson, ready for `json.dumps`.

    Characters that could mislead a reader stand as escapes, as in `markup.visible`.
    """
    last = {attempt.lesson: attempt for attempt in latest(attempts) if attempt.student == student}
    names = [*lessons, *(name for name in last if name not in lessons)]
    views = [_lesson_view(name, lessons.get(name), last.get(name), laws.get(name, ())) for name in names]
    return [clean(view) for view in views]


def file_name(student: str) -> str:
    r"""Return the name of a student's page, a different one for each student on every file system.

    Small letters, digits and hyphens stay. Any other character becomes `_` and two hexadecimal digits for
    each byte of its UTF-8 form, capitals too, because Windows and macOS don't tell them apart. A name that
    would be too long is cut and ends in `_-` and a SHA-256. The prefix keeps clear of names such as `con`.

    >>> file_name("ada-1"), file_name("../É")
    ('student-ada-1.html', 'student-_2e_2e_2f_c3_89.html')
    """
    return f"student-{_escaped(student)}.html"


def latest(attempts: Sequence[Attempt]) -> list[Attempt]:
    """Return the last attempt of each student at each lesson."""
    return list({(attempt.student, attempt.lesson): attempt for attempt in attempts}.values())


def rows(attempt: Attempt, laws: Sequence[Law]) -> Iterator[tuple[Law | None, Verdict]]:
    """Pair an attempt's verdicts with their laws: a law without a verdict was not run, and still counts.

    The laws come in their order, then verdicts on laws that the course no longer has, paired with None.
    """
    verdicts = {verdict.law: verdict for verdict in attempt.verdicts}
    for law in laws:
        yield law, verdicts.get(law.name) or Verdict(law.name, Outcome.NOT_RUN, 0, law.points, UNRECORDED)
    known = {law.name for law in laws}
    for verdict in attempt.verdicts:
        if verdict.law not in known:
            yield None, verdict


def anchor(lesson: str) -> str:
    """Return the id of a lesson's section on every student's page."""
    return f"lesson-{_escaped(lesson)}"


def _escaped(text: str) -> str:
    # "surrogatepass": a file name that wasn't UTF-8 reaches Python with lone surrogates in it.
    data = text.encode("utf-8", "surrogatepass")
    kept = re.sub(rb"[^a-z0-9-]", lambda match: b"_%02x" % match.group()[0], data).decode("ascii")
    if len(kept) <= LONGEST_NAME:
        return kept
    return f"{kept[: LONGEST_NAME - 66]}_-{hashlib.sha256(data).hexdigest()}"


def _lesson_view(
    name: str, lesson: Lesson | None, attempt: Attempt | None, laws: Sequence[Law]
) -> dict[str, Any]:
    pairs = list(rows(attempt, laws)) if attempt else []
    views = [_law_view(law, verdict) for law, verdict in pairs]
    first = next((view for view in views if view["outcome"] != "passed"), None)
    if first:
        first["next"] = True
    return {
        "lesson": name,
        "title": lesson.title if lesson else name,
        "number": lesson.number if lesson else None,
        "anchor": anchor(name),
        "handed_in": attempt is not None,
        "sha256": attempt.sha256 if attempt else "",
        "grader": attempt.grader if attempt else "",
        "points": sum(verdict.points for _, verdict in pairs),
        "possible": sum(verdict.possible for _, verdict in pairs)
        if attempt
        else sum(law.points for law in laws),
        "passed": sum(view["outcome"] == "passed" for view in views),
        "notes": list(attempt.notes) if attempt else [],
        "exercises": _by_exercise(views),
    }


def _by_exercise(views: list[dict[str, Any]]) -> list[dict[str, Any]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for view in views:
        groups.setdefault(view["exercise"], []).append(view)
    return [
        {
            "name": name,
            "laws": group,
            "points": sum(view["points"] for view in group),
            "possible": sum(view["possible"] for view in group),
        }
        for name, group in groups.items()
    ]


def _law_view(law: Law | None, verdict: Verdict) -> dict[str, Any]:
    hidden = law is None or law.hidden
    passed = verdict.outcome is Outcome.PASSED
    view: dict[str, Any] = {
        "title": law.title if law else "A law that the course no longer has.",
        "exercise": law.exercise if law else "",
        "hidden": hidden,
        "outcome": _outcome(verdict),
        "points": verdict.points,
        "possible": verdict.possible,
        "next": False,
    }
    if passed:
        return view
    view["hint"] = law.hint if law and verdict.outcome is not Outcome.GRADER_ERROR else ""
    if hidden:
        category = verdict.finding.category if verdict.finding else ""
        return view | {"what": CATEGORIES.get(category, HIDDEN[verdict.outcome])}
    return view | _details(verdict)


def _outcome(verdict: Verdict) -> str:
    if verdict.outcome is Outcome.GRADER_ERROR:
        return "the grader broke"
    if verdict.outcome is Outcome.NOT_RUN and verdict.because.endswith(UNSTARTED):
        return "not started"
    return verdict.outcome.value


def _details(verdict: Verdict) -> dict[str, Any]:
    found = verdict.finding or Finding(verdict.because)
    return {
        "what": found.message or verdict.because,
        "example": dict(found.example),
        "call": found.call,
        "expected": found.expected,
        "got": found.got,
        "where": found.where,
    }

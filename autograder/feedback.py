"""What a student reads after grading: one page without a script, and the same content as JSON.

A hidden law shows its title, its hint and in one of a few fixed sentences how it broke. Nothing else of its
verdict is shown, because a student's code can put the inputs that it saw into every message it causes.

The JSON is `{"version": 1, "student": ..., "lessons": [...]}`. Texts are whole, and what could mislead a reader
in them is escaped as in a Python literal. A key may be added; `version` grows where one changes its meaning.

- A lesson has `lesson`, its name; `title`; `number`, null for a lesson that the course no longer has; `anchor`, the
  place on the page; `handed_in`; `received`, in UTC; `sha256` of the file and `grader`, its version; `points` by
  the laws and `possible`; `passed`, how many laws; `notes` on the file; `score`; and `exercises`.
- `score` is null where none was worked out. Otherwise it has `points`, which count; `earned`, before lateness;
  `possible`; `days_late` and `penalty`, a share from 0 to 1; `attempts`, how many there were, and `attempt`, which
  of them counts, null where that is not known; and `overrides`, each with `title` of the law, "" for the whole
  lesson, `points`, null where it takes an earlier one back, `before` by the laws, `who`, `why` and `when`.
- An exercise has `name`, `points`, `possible`, `laws` and `misconception`, "" where no known mistake fits.
- A law has `title`, `exercise`, `hidden`, `outcome`, `points`, `possible` and `next`, true for the first that is
  not passed. Where it is not passed it also has `what`, a sentence, and `hint`; a public one `example`, the
  smallest input found, as text by name; `call`, `expected`, `got` and `where`, the student's line.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from autograder.markup import clean, render
from autograder.model import Attempt, Finding, Law, Lesson, Outcome, Override, Score, Verdict

__all__ = ["as_json", "file_name", "latest", "page", "rows", "write"]

VERSION = 1
LONGEST_NAME = 120
UNSTARTED = "is not started"
UNRECORDED = "no verdict is recorded; the law may be newer than this grading"
GONE = "A law that the course no longer has."
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
    scores: Mapping[tuple[str, str], Score] | None = None,
) -> str:
    """Return a student's page as HTML that needs no other file.

    Of a lesson's attempts the one of its score counts, and the last one where it has none. `laws` holds each
    lesson's public and hidden laws; a verdict on any other law shows no details.
    """
    return _page(student, as_json(student, attempts, laws, lessons, scores))


def write(
    folder: Path,
    attempts: Sequence[Attempt],
    laws: Mapping[str, Sequence[Law]],
    lessons: Mapping[str, Lesson],
    scores: Mapping[tuple[str, str], Score] | None = None,
) -> list[Path]:
    """Write a page and its JSON for each student who has an attempt, and return the pages, sorted by student.

    A file that would not change is left alone, with its time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    own: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        own[attempt.student].append(attempt)
    paths = []
    for student in sorted(own):
        path = folder / file_name(student)
        views = as_json(student, own[student], laws, lessons, scores)
        _put(path, _page(student, views))
        document = {"version": VERSION, "student": clean(student), "lessons": views}
        _put(path.with_suffix(".json"), json.dumps(document, ensure_ascii=False) + "\n")
        paths.append(path)
    return paths


def as_json(
    student: str,
    attempts: Sequence[Attempt],
    laws: Mapping[str, Sequence[Law]],
    lessons: Mapping[str, Lesson],
    scores: Mapping[tuple[str, str], Score] | None = None,
) -> list[dict[str, Any]]:
    """Return what the page shows, one dict a lesson, ready for `json.dumps`; the module says what is in it.

    Characters that could mislead a reader stand as escapes, as in `markup.visible`.
    """
    tries: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        if attempt.student == student:
            tries[attempt.lesson].append(attempt)
    views = []
    for name in [*lessons, *(name for name in tries if name not in lessons)]:
        score = (scores or {}).get((student, name))
        views.append(_lesson_view(name, lessons.get(name), tries[name], laws.get(name, ()), score))
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


def _page(student: str, views: list[dict[str, Any]]) -> str:
    return render("feedback.html.j2", student=clean(student), lessons=views)


def _put(path: Path, text: str) -> None:
    data = text.encode("utf-8")
    if not path.is_file() or path.read_bytes() != data:
        path.write_bytes(data)


def _escaped(text: str) -> str:
    # "surrogatepass": a file name that wasn't UTF-8 reaches Python with lone surrogates in it.
    data = text.encode("utf-8", "surrogatepass")
    kept = re.sub(rb"[^a-z0-9-]", lambda match: b"_%02x" % match.group()[0], data).decode("ascii")
    if len(kept) <= LONGEST_NAME:
        return kept
    return f"{kept[: LONGEST_NAME - 66]}_-{hashlib.sha256(data).hexdigest()}"


def _lesson_view(
    name: str, lesson: Lesson | None, tries: Sequence[Attempt], laws: Sequence[Law], score: Score | None
) -> dict[str, Any]:
    attempt = score.attempt if score else tries[-1] if tries else None
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
        "received": attempt.received if attempt else "",
        "sha256": attempt.sha256 if attempt else "",
        "grader": attempt.grader if attempt else "",
        "points": sum(verdict.points for _, verdict in pairs),
        "possible": sum(verdict.possible for _, verdict in pairs)
        if attempt
        else sum(law.points for law in laws),
        "passed": sum(view["outcome"] == "passed" for view in views),
        "notes": list(attempt.notes) if attempt else [],
        "score": _score_view(score, tries, laws) if score else None,
        "exercises": _by_exercise(views, attempt.misconceptions if attempt else {}),
    }


def _score_view(score: Score, tries: Sequence[Attempt], laws: Sequence[Law]) -> dict[str, Any]:
    titles = {law.name: law.title for law in laws}
    if all(attempt.received for attempt in tries):
        tries = sorted(tries, key=lambda attempt: attempt.received)
    files = list(dict.fromkeys(attempt.sha256 for attempt in tries))  # a regrade is no new attempt
    known = len(files) == score.attempts and score.attempt.sha256 in files
    return {
        "points": score.points,
        "earned": score.earned,
        "possible": score.possible,
        "days_late": score.days_late,
        "penalty": score.penalty,
        "attempts": score.attempts,
        "attempt": files.index(score.attempt.sha256) + 1 if known else None,
        "overrides": [_override_view(override, score.attempt, titles) for override in score.overrides],
    }


def _override_view(override: Override, attempt: Attempt, titles: Mapping[str, str]) -> dict[str, Any]:
    before = (v.points for v in attempt.verdicts if override.law in ("", v.law))
    return {
        "title": titles.get(override.law, GONE) if override.law else "",
        "points": None if math.isnan(override.points) else override.points,
        "before": sum(before),
        "who": override.who,
        "why": override.why,
        "when": override.when,
    }


def _by_exercise(views: list[dict[str, Any]], misconceptions: Mapping[str, str]) -> list[dict[str, Any]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for view in views:
        groups.setdefault(view["exercise"], []).append(view)
    return [
        {
            "name": name,
            "laws": group,
            "points": sum(view["points"] for view in group),
            "possible": sum(view["possible"] for view in group),
            "misconception": misconceptions.get(name, ""),
        }
        for name, group in groups.items()
    ]


def _law_view(law: Law | None, verdict: Verdict) -> dict[str, Any]:
    hidden = law is None or law.hidden
    passed = verdict.outcome is Outcome.PASSED
    view: dict[str, Any] = {
        "title": law.title if law else GONE,
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

"""What an instructor reads after grading: the class on one page, drawn and counted, with links to students.

It shows all that the grader knows, hidden laws too, and is not for students.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any
from urllib.parse import quote

from autograder.feedback import anchor, file_name, latest, rows
from autograder.figures import drawn
from autograder.markup import amount, clean, render
from autograder.model import Attempt, Law, Lesson, Outcome, Score, Verdict
from autograder.similar import Pair

__all__ = ["page"]

HARDEST = 12
MOST = 100  # lines of a list, which nobody would read to its end
LINKED = 4000  # cells of the class that are links of their own; the student's name always is one
LEVELS = {"full": 1.0, "most": 0.75, "half": 0.5, "": 0.0}

Rows = Sequence[tuple[Law | None, Verdict]]


@dataclass(frozen=True, slots=True)
class Judged:
    """An attempt that counts, its verdicts with their laws, and its score where there is one."""

    attempt: Attempt
    verdicts: Rows
    score: Score | None

    @property
    def points(self) -> float:
        """The points that count, as on the student's page: a law without a verdict counts as not passed."""
        return self.score.points if self.score else sum(verdict.points for _, verdict in self.verdicts)

    @property
    def possible(self) -> float:
        """The points that there were to earn."""
        return self.score.possible if self.score else sum(verdict.possible for _, verdict in self.verdicts)


Class = Mapping[str, Sequence[Judged]]  # by lesson


def page(
    attempts: Sequence[Attempt],
    laws: Mapping[str, Sequence[Law]],
    lessons: Mapping[str, Lesson],
    *,
    notes: Sequence[str] = (),
    folder: str = "feedback",
    scores: Mapping[tuple[str, str], Score] | None = None,
    pairs: Mapping[str, Sequence[Pair]] | None = None,
) -> str:
    """Return the class as HTML that needs no other file.

    At a lesson a student's attempt counts that their score names, and the last one where there is no score.
    `notes` says what became no attempt at all; `pairs` gives the near-duplicates of each lesson; `folder` is
    where the students' pages lie, as seen from this page, "" where they lie beside it.
    """
    judged = _judged(attempts, laws, lessons, scores or {})
    base = f"{folder}/" if folder else ""
    taken = {name: every for name, every in judged.items() if every}
    counts = {name: _counts(every) for name, every in taken.items()}
    percents = {name: [_percent(one) for one in every] for name, every in taken.items()}
    seconds = {name: [one.attempt.seconds for one in every] for name, every in taken.items()}
    everyone = list(_each(judged))
    return render(
        "overview.html.j2",
        students=len({one.attempt.student for _, one in everyone}),
        submissions=len(everyone),
        scored=bool(scores),
        lessons=clean(
            [_lesson(name, lessons.get(name), judged[name], laws.get(name, ())) for name in judged]
        ),
        figures=drawn(percents, seconds, counts) if taken else {},
        outcomes=[outcome.value for outcome in Outcome],
        counts=clean([{"lesson": name, "counts": count} for name, count in counts.items()]),
        hardest=clean(_hardest(judged)),
        misconceptions=clean(_misconceptions(judged)),
        alike=_cut(_alike(pairs or {}, base)),
        changes=_cut(_change(one, name, laws, base) for name, one in everyone if _overridden(one)),
        late=_cut(_late(everyone, base)),
        troubles=_cut(_troubles(judged, base)),
        notes=clean(list(notes)),
        table=clean(_table(judged, laws, base)),
    )


def _cut(entries: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return the first lines of a list, and how many there are in all."""
    every = list(entries)
    return {"lines": clean(every[:MOST]), "total": len(every)}


def _judged(
    attempts: Sequence[Attempt],
    laws: Mapping[str, Sequence[Law]],
    lessons: Mapping[str, Lesson],
    scores: Mapping[tuple[str, str], Score],
) -> Class:
    last = {(attempt.student, attempt.lesson): attempt for attempt in latest(attempts)}
    counting = {**last, **{place: score.attempt for place, score in scores.items() if place in last}}
    names = [*lessons, *sorted({lesson for _, lesson in counting} - set(lessons))]
    judged: dict[str, list[Judged]] = {name: [] for name in names}
    for place, attempt in counting.items():
        verdicts = list(rows(attempt, laws.get(attempt.lesson, ())))
        judged[attempt.lesson].append(Judged(attempt, verdicts, scores.get(place)))
    return judged


def _each(judged: Class) -> Iterator[tuple[str, Judged]]:
    return ((name, one) for name, every in judged.items() for one in every)


def _lesson(name: str, lesson: Lesson | None, every: Sequence[Judged], laws: Sequence[Law]) -> dict[str, Any]:
    seconds = [one.attempt.seconds for one in every]
    return {
        "name": name,
        "title": lesson.title if lesson else name,
        "number": lesson.number if lesson else None,
        "submissions": len(every),
        "possible": sum(law.points for law in laws),
        "median": amount(median(one.points for one in every)) if every else "",
        "seconds": f"{median(seconds):.1f}" if every else "",
        "longest": f"{max(seconds):.1f}" if every else "",
    }


def _percent(one: Judged) -> float:
    return 100 * one.points / one.possible if one.possible else 0.0


def _counts(every: Sequence[Judged]) -> dict[str, int]:
    seen = Counter(verdict.outcome for one in every for _, verdict in one.verdicts)
    return {outcome.value: seen[outcome] for outcome in Outcome}


def _hardest(judged: Class) -> list[dict[str, Any]]:
    """Rank the laws that someone broke by the share that passed; the grader's own failures are nobody's."""
    found: dict[str, tuple[Law, Counter[Outcome]]] = {}
    for law, verdict in (row for _, one in _each(judged) for row in one.verdicts):
        if law is not None and verdict.outcome is not Outcome.GRADER_ERROR:
            found.setdefault(law.key, (law, Counter()))[1][verdict.outcome] += 1
    broken = [(law, seen) for law, seen in found.values() if seen[Outcome.PASSED] < seen.total()]
    broken.sort(key=lambda pair: pair[1][Outcome.PASSED] / pair[1].total())
    return [_hard(law, seen) for law, seen in broken[:HARDEST]]


def _hard(law: Law, seen: Counter[Outcome]) -> dict[str, Any]:
    others = ((outcome, times) for outcome, times in seen.most_common() if outcome is not Outcome.PASSED)
    return {
        "title": law.title,
        "lesson": law.lesson,
        "exercise": law.exercise,
        "hidden": law.hidden,
        "passed": seen[Outcome.PASSED],
        "total": seen.total(),
        "how": ", ".join(f"{times} {outcome}" for outcome, times in others if times),
    }


def _misconceptions(judged: Class) -> list[dict[str, Any]]:
    """Count the submissions in which each misconception was seen, the most common first."""
    seen = Counter(
        (name, exercise, text)
        for name, one in _each(judged)
        for exercise, text in one.attempt.misconceptions.items()
    )
    return [
        {"lesson": name, "exercise": exercise, "text": text, "times": times, "total": len(judged[name])}
        for (name, exercise, text), times in seen.most_common(MOST)
    ]


def _alike(pairs: Mapping[str, Sequence[Pair]], base: str) -> Iterator[dict[str, Any]]:
    """Yield the near-duplicates of all lessons, the most alike first."""
    every = [(name, pair) for name, own in pairs.items() for pair in own]
    for name, pair in sorted(every, key=lambda one: -one[1].share):
        both = [{"student": who, "link": _link(who, name, base)} for who in (pair.first, pair.second)]
        yield {"lesson": name, "both": both, "percent": round(100 * pair.share), "where": list(pair.where)}


def _overridden(one: Judged) -> bool:
    return one.score is not None and bool(one.score.overrides)


def _change(one: Judged, lesson: str, laws: Mapping[str, Sequence[Law]], base: str) -> dict[str, Any]:
    titles = {law.name: law.title for law in laws.get(lesson, ())}
    return {
        **_whose(one, lesson, base),
        "changes": [
            {
                "title": titles.get(change.law, change.law) or "The whole lesson",
                "points": amount(change.points),
                "who": change.who,
                "why": change.why,
            }
            for change in (one.score.overrides if one.score else ())
        ],
    }


def _late(everyone: Sequence[tuple[str, Judged]], base: str) -> Iterator[dict[str, Any]]:
    """Yield who was late, the latest first."""
    late = [(name, one, one.score) for name, one in everyone if one.score and one.score.days_late]
    for name, one, score in sorted(late, key=lambda entry: -entry[2].days_late):
        lost = amount(score.earned - score.points)
        yield {**_whose(one, name, base), "days": score.days_late, "lost": lost}


def _whose(one: Judged, lesson: str, base: str) -> dict[str, Any]:
    student = one.attempt.student
    return {"student": student, "lesson": lesson, "link": _link(student, lesson, base)}


def _link(student: str, lesson: str, base: str) -> str:
    return f"{quote(base + file_name(student))}#{anchor(lesson)}"


def _troubles(judged: Class, base: str) -> list[dict[str, Any]]:
    """List what a person has to look at: first where the grader broke, then notes on the files."""
    worse: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    for name, one in _each(judged):
        broken = [
            f"{law.title if law else verdict.law} {verdict.because}"
            for law, verdict in one.verdicts
            if verdict.outcome is Outcome.GRADER_ERROR
        ]
        if not one.attempt.verdicts:
            broken.append("No law was run on this submission.")
        if reasons := [*broken, *one.attempt.notes]:
            (worse if broken else notes).append({**_whose(one, name, base), "reasons": reasons})
    return worse + notes


def _table(judged: Class, laws: Mapping[str, Sequence[Law]], base: str) -> list[dict[str, Any]]:
    places = {(one.attempt.student, name): one for name, one in _each(judged)}
    table = []
    linked = len(places) <= LINKED
    for student in sorted({student for student, _ in places}):
        cells = [_cell(places.get((student, name)), name, laws.get(name, ())) for name in judged]
        for cell in cells if linked else ():
            cell["link"] = _link(student, cell["lesson"], base)
        table.append({"student": student, "link": quote(base + file_name(student)), "cells": cells})
    return table


def _cell(one: Judged | None, lesson: str, laws: Sequence[Law]) -> dict[str, Any]:
    if one is None:
        return {"lesson": lesson, "text": "", "link": ""}
    share = one.points / one.possible if one.possible else 0.0
    # The heading says what the lesson is worth; a record of another total says so itself.
    usual = one.possible == sum(law.points for law in laws)
    marks = ["late"] * bool(one.score and one.score.days_late) + ["changed"] * _overridden(one)
    return {
        "lesson": lesson,
        "text": amount(one.points) if usual else f"{amount(one.points)} of {amount(one.possible)}",
        "of": amount(one.possible) if usual else "",
        "marks": ", ".join(marks),
        "link": "",
        "level": next((level for level, least in LEVELS.items() if share >= least), ""),
    }

"""What work counts: which attempt, a person's changes, and what lateness costs.

The order is: a law's points may be changed by a person; then lateness takes its share of the points earned; a
person may also say what the lesson as a whole is worth, and that stands, late or not. Work whose time nobody knows
is not late.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from autograder.model import Attempt, Override, Score
from autograder.settings import Settings

Key = tuple[str, str]  # a student and a lesson


def scores(
    attempts: Sequence[Attempt], overrides: Sequence[Override], settings: Settings
) -> dict[Key, Score]:
    """Return what each student's work on each lesson counts, by lesson and student.

    `attempts` and `overrides` stand in the order in which they were made. Of one file the latest judgement
    counts; of a student's files the last one that was handed in, or the best; one too late to count replaces
    none before it. Lessons that the settings leave out have no score.
    """
    kept = {(change.student, change.lesson, change.law): change for change in overrides}
    changes: dict[Key, list[Override]] = {}
    for change in kept.values():
        changes.setdefault((change.student, change.lesson), []).append(change)
    judged: dict[Key, list[Attempt]] = {}
    for attempt in attempts:
        if attempt.lesson in settings.lessons:
            judged.setdefault((attempt.student, attempt.lesson), []).append(attempt)
    order = sorted(judged, key=lambda key: (settings.lessons.index(key[1]), key[0]))
    return {key: _counted(judged[key], changes.get(key, []), settings) for key in order}


def total(of_student: Iterable[Score] | Mapping[str, Score], settings: Settings) -> float:
    """Return a student's whole result in percent: each lesson's share of its points, by its weight.

    A lesson that was not handed in counts as nothing, before its deadline too.
    """
    values = of_student.values() if isinstance(of_student, Mapping) else of_student
    weights = {name: settings.weight(name) for name in settings.lessons}
    if not sum(weights.values()):
        return 0.0
    got = [
        weights[score.attempt.lesson] * max(0.0, min(1.0, score.points / score.possible))
        for score in values
        if score.possible
    ]
    return 100 * sum(got) / sum(weights.values())


def undated(counted: Mapping[Key, Score], settings: Settings) -> list[Key]:
    """Return whose work has a deadline and no known time, and so is never late."""
    return [key for key, score in counted.items() if settings.deadline(*key) and not score.attempt.received]


def _counted(attempts: Sequence[Attempt], changes: Sequence[Override], settings: Settings) -> Score:
    files = _files(attempts)
    judged = [replace(_score(one, changes, settings), attempts=len(files)) for one in files]
    counted = [score for score in judged if score.penalty < 1] or judged  # a file too late replaces none
    if settings.counts == "last":
        return counted[-1]
    # The last of those that are equally good: `max` alone would keep the first.
    return max(reversed(counted), key=lambda score: score.points)


def _files(attempts: Sequence[Attempt]) -> list[Attempt]:
    """Return the latest judgement of each file, in the order in which the files were handed in."""
    latest: dict[str, tuple[datetime | None, int, Attempt]] = {}
    for number, attempt in enumerate(attempts):
        latest[attempt.sha256] = _moment(attempt.received), number, attempt
    if any(moment is None for moment, _, _ in latest.values()):  # then only the order of judging is known
        return [attempt for _, _, attempt in sorted(latest.values(), key=lambda entry: entry[1])]
    return [attempt for _, _, attempt in sorted(latest.values(), key=lambda entry: entry[:2])]


def _score(attempt: Attempt, changes: Sequence[Override], settings: Settings) -> Score:
    of_law = {change.law: change.points for change in changes if change.law}
    earned = sum(of_law.get(verdict.law, float(verdict.points)) for verdict in attempt.verdicts)
    days, penalty = _lateness(attempt, settings)
    whole = [change for change in changes if not change.law]
    if whole:
        earned, penalty = whole[-1].points, 0.0
    return Score(attempt, earned, earned * (1 - penalty), attempt.possible, penalty, days, tuple(changes))


def _lateness(attempt: Attempt, settings: Settings) -> tuple[int, float]:
    """Return the days begun since the deadline and its grace, and the share of the points that is lost."""
    due, received = settings.deadline(attempt.student, attempt.lesson), _moment(attempt.received)
    late = settings.late
    if due is None or received is None or received <= due + timedelta(minutes=late.grace_minutes):
        return 0, 0.0
    days = math.ceil((received - due) / timedelta(days=1))
    if late.closes_after_days is not None and received > due + timedelta(days=late.closes_after_days):
        return days, 1.0
    return days, min(days * late.percent_per_day, late.most_percent) / 100


def _moment(received: str) -> datetime | None:
    if not received:
        return None
    moment = datetime.fromisoformat(received)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

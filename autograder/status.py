"""What was decided, and where the class stands: the tables that `shortest course status` shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from autograder import scores
from autograder.course import Course
from autograder.model import Score
from autograder.report import clean
from autograder.settings import Settings

Counted = Mapping[tuple[str, str], Score]
MOST_NAMES = 12


def render(
    course: Course,
    settings: Settings,
    counted: Counted,
    waiting: Mapping[str, int],
    now: datetime | None = None,
) -> RenderableType:
    """Return the rules in words and the class in tables.

    `waiting` says how many submissions of each lesson are yet to be judged.
    """
    now = now or datetime.now(UTC)
    parts: list[RenderableType] = [_rules(settings), ""]
    parts.append(_lessons(course, settings, counted, waiting, now))
    if settings.extensions:
        parts += ["", _extensions(settings)]
    lines = [*_people(settings, counted, now), *_undated(settings, counted)]
    if any(waiting.values()):
        lines.append("Some submissions wait to be judged: grade again, and it goes on with them.")
    return Group(*parts, *([""] if lines else []), *map(Text, lines))


def _rules(settings: Settings) -> Table:
    table = Table(show_header=False, box=None)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    source = str(settings.path) if settings.path else "none; `shortest course init` writes one"
    which = "the last file handed in" if settings.counts == "last" else "the best file handed in"
    rows = {
        "course": settings.title,
        "decided in": source,
        "counts": which,
        "late": settings.late.words,
        "times": settings.timezone,
        "roster": f"{len(settings.roster)} students" if settings.roster is not None else "none",
    }
    for name, value in rows.items():
        table.add_row(name, escape(value))
    return table


def _lessons(
    course: Course, settings: Settings, counted: Counted, waiting: Mapping[str, int], now: datetime
) -> Table:
    columns = ("lesson", "weight", "deadline", "left", "judged", "late", "waiting", "median")
    table = Table(*columns, box=None, header_style="dim")
    for name in settings.lessons:
        due = settings.deadlines.get(name)
        of_lesson = [score for (_, lesson), score in counted.items() if lesson == name]
        possible = sum(law.points for law in course.laws(name, hidden=True))
        middle = f"{median(score.points for score in of_lesson):g} of {possible}" if of_lesson else "-"
        table.add_row(
            name,
            f"{settings.weight(name):g}",
            _local(due, settings) if due else "-",
            _left(due - now) if due else "-",
            str(len(of_lesson)),
            str(sum(score.days_late > 0 for score in of_lesson)),
            str(waiting.get(name, 0)),
            middle,
        )
    return table


def _extensions(settings: Settings) -> Table:
    table = Table("longer for", "lesson", "until", box=None, header_style="dim")
    for (student, lesson), until in settings.extensions.items():
        table.add_row(escape(clean(student)), lesson, _local(until, settings))
    return table


def _people(settings: Settings, counted: Counted, now: datetime) -> Iterator[str]:
    """Say who handed in nothing, at all or in time for a lesson, and who handed in and is on no roster."""
    if settings.roster is None or not counted:
        return
    active = {student for student, _ in counted}
    silent = [student for student in settings.roster if student not in active]
    strangers = sorted(student for student in active if student not in settings.roster)
    if silent:
        yield f"Nothing judged yet of: {_names(silent)}"
    for lesson in settings.lessons:
        absent = [student for student in settings.roster if (student, lesson) not in counted]
        absent = [one for one in absent if one in active and _is_over(settings.deadline(one, lesson), now)]
        if absent:
            yield f"{lesson} is over, and nothing judged of: {_names(absent)}"
    if strangers:
        yield f"Handed in, and not on the roster: {_names(strangers)}"


def _undated(settings: Settings, counted: Counted) -> Iterator[str]:
    unknown = [f"{student} {lesson}" for student, lesson in scores.undated(counted, settings)]
    if unknown:
        yield f"In time because nobody knows when it was handed in: {_names(unknown)}"


def _is_over(due: datetime | None, now: datetime) -> bool:
    return due is not None and due <= now


def _names(students: Sequence[str]) -> str:
    shown = ", ".join(clean(student) for student in students[:MOST_NAMES])
    more = len(students) - MOST_NAMES
    return f"{shown} and {more} more" if more > 0 else shown


def _local(moment: datetime, settings: Settings) -> str:
    return moment.astimezone(ZoneInfo(settings.timezone)).strftime("%Y-%m-%d %H:%M")


def _left(left: timedelta) -> str:
    """Say how much time is left.

    >>> _left(timedelta(days=2, hours=5)), _left(timedelta(minutes=90)), _left(timedelta(days=-1))
    ('2 days', '1 hour', 'over')
    """
    if left <= timedelta():
        return "over"
    number, unit = (left.days, "day") if left.days else (left.seconds // 3600, "hour")
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"

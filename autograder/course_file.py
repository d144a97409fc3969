"""`course.toml`, read into `Settings`: every mistake is named by its line."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from autograder import roster, toml_file
from autograder.course import Course, parse_limits
from autograder.model import Limits, ShortestError
from autograder.settings import COUNTS, Late, Settings
from autograder.toml_file import File, Place, likely

TOP = ("title", "timezone", "counts", "roster", "database")
TABLES = ("late", "lessons", "extensions")
LESSON = ("weight", "deadline", "limits")
LATE = {
    "grace_minutes": 525_600,
    "percent_per_day": 100,
    "most_percent": 100,
    "closes_after_days": 3650,
}  # the most
HEAVIEST = 1_000_000
YEARS = range(2000, 2200)  # of a course; 2206 is a slip of the finger
SQLITE = "sqlite:///"


def load(path: Path, course: Course) -> Settings:
    """Read the file for a course. Raises ShortestError, naming the line, where anything in it is wrong."""
    if not path.exists():
        raise ShortestError(f"there is no file {path}; `shortest course init` writes one")
    file = toml_file.read(path)
    file.known((), file.tables, (*TOP, *TABLES))
    top = {key: _text(file, key) for key in TOP if key in file.tables}
    if top.get("counts", "last") not in COUNTS:
        file.fail(("counts",), f"expected {' or '.join(map(repr, COUNTS))}, got {top['counts']!r}")
    zone = _zone(file, top.get("timezone", "UTC"))
    listed = top.pop("roster", "")
    people = roster.read(path.parent / listed) if listed else None
    if top.get("database", "").startswith(SQLITE):  # a file's name is meant from here, as the roster's is
        top["database"] = SQLITE + str(path.parent / top["database"].removeprefix(SQLITE))
    lessons = file.table(file.tables, ("lessons",))
    names = _lessons(file, course, lessons)
    deadlines = {
        name: _time(file, ("lessons", name, "deadline"), lessons[name]["deadline"], zone)
        for name in names
        if "deadline" in lessons.get(name, {})
    }
    return Settings(
        names,
        **top,
        weights={name: _weight(file, lessons, name) for name in names},
        deadlines=deadlines,
        extensions=_extensions(file, names, deadlines, people, zone),
        late=_late(file),
        roster=people,
        limits=_limits(file, course, lessons),
        path=path,
    )


def _text(file: File, key: str) -> str:
    value = file.tables[key]
    if type(value) is not str:
        file.fail((key,), f"expected text in quotes, got {value!r}")
    return value


def _zone(file: File, name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        file.fail(
            ("timezone",), f"no time zone is called {name!r}; names are such as 'Europe/Berlin' and 'UTC'"
        )


def _lessons(file: File, course: Course, lessons: Mapping[str, Any]) -> tuple[str, ...]:
    for name in lessons:
        if name not in course.lessons:
            file.fail(("lessons", name), f"no lesson is called so; {likely(name, course.lessons)}")
        file.known(("lessons", name), file.table(lessons, ("lessons", name)), LESSON)
    return tuple(name for name in course.lessons if not lessons or name in lessons)


def _weight(file: File, lessons: Mapping[str, Any], name: str) -> float:
    table = lessons.get(name, {})
    return file.number(table, ("lessons", name, "weight"), HEAVIEST) if "weight" in table else 1.0


def _limits(file: File, course: Course, lessons: Mapping[str, Any]) -> dict[str, Any]:
    limits = {}
    for name in lessons:
        place = ("lessons", name, "limits")
        changes = file.table(lessons[name], place)
        file.known(place, changes, tuple(Limits.__dataclass_fields__))
        if changes:
            try:
                limits[name] = parse_limits(changes, course.lesson(name).limits)
            except ValueError as problem:
                key, _, what = str(problem).partition(": ")
                file.fail((*place, key), what)
    return limits


def _late(file: File) -> Late:
    table = file.table(file.tables, ("late",))
    file.known(("late",), table, tuple(LATE))
    values = {key: file.number(table, ("late", key), LATE[key]) for key in table}
    return Late(**values)


def _extensions(
    file: File,
    names: tuple[str, ...],
    deadlines: Mapping[str, datetime],
    people: roster.Roster | None,
    zone: ZoneInfo,
) -> dict[tuple[str, str], datetime]:
    extensions = {}
    students = file.table(file.tables, ("extensions",))
    for student in students:
        if people is not None and student not in people:
            file.fail(
                ("extensions", student), f"nobody on the roster is called so; {_on_roster(student, people)}"
            )
        for lesson, value in file.table(students, ("extensions", student)).items():
            place = ("extensions", student, lesson)
            if lesson not in names:
                file.fail(place, f"no lesson that counts is called so; there are: {', '.join(names)}")
            if lesson not in deadlines:
                file.fail(place, "the lesson has no deadline to extend; give it one in [lessons]")
            extended = _time(file, place, value, zone)
            if extended < deadlines[lesson]:
                file.fail(place, f"{value} is before the deadline itself; an extension lies after it")
            extensions[student, lesson] = extended
    return extensions


def _time(file: File, place: Place, value: Any, zone: ZoneInfo) -> datetime:
    """Return a date and time in UTC: a date alone is the end of its day, and a local time is in the course's zone."""
    if not isinstance(value, date):  # a datetime is one too
        file.fail(
            place, f"expected a date, such as 2026-12-01 or 2026-12-01T23:59:00 without quotes, got {value!r}"
        )
    if value.year not in YEARS:
        file.fail(place, f"{value} is far from any course; write the year that is meant")
    moment = value if isinstance(value, datetime) else datetime.combine(value, time(23, 59, 59))
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def _on_roster(student: str, people: roster.Roster) -> str:
    """Say who may be meant, without listing the class."""
    near = likely(student, people)
    return near if near.startswith("did you") else "add the row, or take out the extension"

"""When a file was handed in, from whoever knows: a list from the learning platform, nbgrader, or the file itself."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from autograder import rows
from autograder.model import ShortestError

LIST = "received.csv"
COLUMNS = ("student", "lesson", "received")
TIMESTAMP = "timestamp.txt"
# As nbgrader writes it: 2015-02-02 15:58:23.948203 America/Los_Angeles, or with +02:00, or UTC, or PST.
WRITTEN = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d)?)(?:[.,]\d+)?\s*(\S*)", re.ASCII)
LONGEST = 200  # bytes of a timestamp that are read
Place = tuple[str, str]  # a student and a lesson


def listed(folder: Path, zone: str = "UTC") -> dict[Place, str]:
    """Return the times that `received.csv` gives, by student and lesson; none where there is no such file.

    A time without a zone is meant in `zone`. Raises ShortestError, naming the line, where the list can't be used:
    a lost line would make somebody late.
    """
    path = folder / LIST
    if not path.is_file():
        return {}
    table = rows.read(path)
    if not set(COLUMNS) <= {heading.lower() for heading in table.headings}:
        got = ", ".join(map(repr, table.headings)) or "an empty file"
        raise ShortestError(f"{path}:1: expected the columns {', '.join(COLUMNS)}, got {got}")
    times: dict[Place, str] = {}
    lines: dict[Place, int] = {}
    for line, row in table.rows:
        student, lesson, text = _cells(row)
        place = student, lesson
        if not student or not lesson:
            raise ShortestError(
                f"{path}:{line}: expected a student and a lesson, got {student!r}, {lesson!r}"
            )
        if place in lines:
            raise ShortestError(
                f"{path}:{line}: {student!r} and {lesson!r} are in line {lines[place]} already; "
                "keep the line of the file that is here"
            )
        try:
            times[place], lines[place] = _utc(text, zone), line
        except ValueError as problem:
            raise ShortestError(
                f"{path}:{line}: {problem}; write the time as 2026-12-01T23:59:00+01:00"
            ) from None
    return times


def unused(times: Mapping[Place, str], found: Collection[Place], lessons: Sequence[str]) -> list[str]:
    """Say what a list names and the folder doesn't hold: a mistyped name would make somebody late.

    >>> unused({("ada", "hufman"): ""}, [("ada", "huffman")], ["huffman"])
    ["received.csv: no lesson is called 'hufman'; there are: huffman"]
    """
    strange = sorted({lesson for _, lesson in times} - set(lessons))
    notes = [f"{LIST}: no lesson is called {name!r}; there are: {', '.join(lessons)}" for name in strange]
    missing = [place for place in times if place not in found and place[1] in lessons]
    if missing:
        student, lesson = missing[0]
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        notes.append(f"{LIST}: there is no file of {student!r} for {lesson}{more}")
    return notes


def time_of(path: Path, notes: list[str], zone: str = "UTC") -> tuple[str, bool]:
    """Return when a file was handed in, as nbgrader noted beside it, else when it was last changed.

    Also returned is whether the time is guessed, as the latter is. `zone` is the course's: nbgrader may write a
    zone by letters that mean several. The time is empty where nobody knows it.
    """
    noted = path.with_name(TIMESTAMP)
    try:
        if noted.is_file() and not noted.is_symlink():
            with noted.open("rb") as file:
                return _utc(file.read(LONGEST).decode("ascii"), letters=zone), False
    except (OSError, ValueError):
        notes.append(f"{noted}: it holds no time; that of {path.name} itself is taken")
    try:
        return _text(datetime.fromtimestamp(path.stat().st_mtime, UTC)), True
    except (OSError, OverflowError, ValueError):  # a date before the year 1, from a damaged archive
        return "", True


def _cells(row: Mapping[str, str]) -> list[str]:
    lower = {heading.lower(): cell for heading, cell in row.items()}
    return [lower[column] for column in COLUMNS]


def _utc(text: str, zone: str = "UTC", letters: str = "UTC") -> str:
    """Return a time in UTC as ISO 8601; one without a zone is in `zone`. Raises ValueError where it is none.

    >>> _utc("2015-02-02 15:58:23.948203 America/Los_Angeles"), _utc("2026-12-01T23:59:00+01:00")
    ('2015-02-02T23:58:23+00:00', '2026-12-01T22:59:00+00:00')
    """
    found = WRITTEN.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text.strip()[:60]!r} is no time")
    day, clock, written = found.groups()
    try:
        if written[:1] in ("+", "-"):
            return _text(datetime.fromisoformat(f"{day}T{clock}{written}"))
        moment = datetime.fromisoformat(f"{day}T{clock}")
        return _text(moment.replace(tzinfo=_zone(moment, written or zone, letters)))
    except OverflowError:
        raise ValueError(f"{text.strip()[:60]!r} is no time of a course") from None


def _zone(moment: datetime, name: str, letters: str) -> ZoneInfo:
    """Return the zone of a name, or of letters such as PST where the zone `letters` has them at that time."""
    here = ZoneInfo(letters)
    if moment.replace(tzinfo=here).tzname() == name:
        return here
    try:
        return ZoneInfo("UTC" if name in ("Z", "z") else name)
    except (ZoneInfoNotFoundError, OSError):
        raise ValueError(f"{name[:60]!r} is no time zone") from None


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")

"""What an instructor decides about a course, as `course.toml` says it: see `course_file` for the file itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from autograder.course import Course
from autograder.model import Limits
from autograder.roster import Roster

FILE = "course.toml"
COUNTS = ("last", "best")


@dataclass(frozen=True, slots=True)
class Late:
    """What lateness costs: nothing for some minutes, then a share for each day begun, and at last everything.

    Shares are in percent of the points earned. `closes_after_days` is None where nothing is ever refused.
    """

    grace_minutes: float = 0.0
    percent_per_day: float = 0.0
    most_percent: float = 100.0
    closes_after_days: float | None = None

    @property
    def words(self) -> str:
        """The rule in a sentence.

        >>> Late(15, 10, 50, 7).words
        "15 minutes' grace, then 10% less for each day begun, at most 50%; nothing counts after 7 days"
        """
        grace = "1 minute's" if self.grace_minutes == 1 else f"{self.grace_minutes:g} minutes'"
        parts = [f"{grace} grace, then "] if self.grace_minutes else []
        if self.percent_per_day and self.most_percent:
            parts.append(f"{self.percent_per_day:g}% less for each day begun, at most {self.most_percent:g}%")
        else:
            parts.append("nothing is lost for lateness")
        if self.closes_after_days is not None:
            days = "day" if self.closes_after_days == 1 else "days"
            parts.append(f"; nothing counts after {self.closes_after_days:g} {days}")
        return "".join(parts)


@dataclass(frozen=True, slots=True)
class Settings:
    """All that is decided, with a default for everything; times are in UTC.

    `lessons` are those that count, in their order; `limits` holds only what differs from a lesson's own.
    """

    lessons: tuple[str, ...]
    title: str = "The Shortest Program"
    weights: Mapping[str, float] = field(default_factory=dict)
    deadlines: Mapping[str, datetime] = field(default_factory=dict)
    extensions: Mapping[tuple[str, str], datetime] = field(default_factory=dict)
    late: Late = Late()
    counts: str = "last"
    timezone: str = "UTC"
    roster: Roster | None = None
    limits: Mapping[str, Limits] = field(default_factory=dict)
    database: str = ""
    path: Path | None = None

    def deadline(self, student: str, lesson: str) -> datetime | None:
        """Return when a student's work on a lesson is due; None where there is no deadline."""
        return self.extensions.get((student, lesson)) or self.deadlines.get(lesson)

    def weight(self, lesson: str) -> float:
        """Return what a lesson counts beside the others."""
        return self.weights.get(lesson, 1.0)


def default(course: Course) -> Settings:
    """Return what holds where nothing was decided: every lesson counts alike, and nothing is late."""
    return Settings(tuple(course.lessons))


def find(course: Course, override: Path | None = None) -> Settings:
    """Return what the named file decides, else the `course.toml` beside the lessons, else the defaults.

    Raises ShortestError where a file is wrong, or the named one is not there.
    """
    from autograder import course_file  # which builds these settings

    path = override or course.root / FILE
    return course_file.load(path, course) if override or path.is_file() else default(course)

"""The first `course.toml`: every setting explained, and all of them as they are without the file."""

from __future__ import annotations

from pathlib import Path

from autograder.course import Course
from autograder.model import ShortestError

HEAD = """\
# What you decide about this course. `shortest course status` says in words what follows from it.
# What stands behind # is off: remove the # to use it. Every setting has the value here that holds without it.

title = "The Shortest Program"

# In which zone dates without one are meant, such as "Europe/Berlin".
timezone = "UTC"

# Of several files that a student hands in: "last", or "best".
counts = "last"

# Who takes the course: a CSV file beside this one, with a column `student` (or Canvas's `SIS Login ID`) that holds
# the names of the submissions' folders, and if you like `name` and `email`. An export from Canvas will do.
# roster = "roster.csv"

# Where the gradebook is; empty for a file beside the scores. PostgreSQL: "postgresql://USER@HOST/NAME".
database = ""

# A file counts as handed in when `received.csv` beside the students' folders says so (columns student, lesson,
# received; a time such as 2026-12-01 23:59, or with +01:00), else as nbgrader's timestamp.txt says, else when it was
# last changed. Of these only the first is out of a student's reach.
[late]
grace_minutes = 0      # nothing is lost for these minutes
percent_per_day = 0    # of the points earned, for each day begun after the deadline
most_percent = 100     # no more than this is lost
# closes_after_days = 7  # nothing counts after these days

# The lessons that count. Without any of these tables, all do.
"""
LESSON = """\

[lessons.{name}]{padding}# {title}
weight = 1
# deadline = 2026-12-01T23:59:00
# limits = {{ total_seconds = {limits.total_seconds:g}, memory_mb = {limits.memory_mb} }}
"""
TAIL = """\

# Who has longer: [extensions.STUDENT], and below it LESSON = DATE. A date alone is the end of its day.
# [extensions.ada]
# {first} = 2026-12-08
"""


def text(course: Course) -> str:
    """Return a `course.toml` for the course, which decides nothing else than is so without it."""
    lessons = [
        LESSON.format(
            name=lesson.name,
            padding=" " * max(1, 14 - len(lesson.name)),
            title=lesson.title,
            limits=lesson.limits,
        )
        for lesson in course.lessons.values()
    ]
    return HEAD + "".join(lessons) + TAIL.format(first=next(iter(course.lessons)))


def start(course: Course, path: Path) -> Path:
    """Write the file. Raises ShortestError where there is one: what was decided is never overwritten."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text(course))
    except FileExistsError:
        raise ShortestError(f"{path} is already there and is yours; change it, or move it away") from None
    return path

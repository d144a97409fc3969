"""Who takes the course: a CSV file with columns in any order, as a learning platform exports it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from autograder import rows
from autograder.model import ShortestError

# The names of columns, in lower case, by what they hold. The first that is there names the student's folder: in an
# export from Canvas that is the login, and `Student` is the name.
STUDENT = (
    "folder",
    "sis login id",
    "login id",
    "login",
    "username",
    "user",
    "netid",
    "student",
    "sis user id",
    "id",
)
NAME = ("name", "full name", "student name", "display name", "student")
EMAIL = ("email", "e-mail", "email address", "mail")


@dataclass(frozen=True, slots=True)
class Person:
    """One student: `student` is the name of their folder, `columns` the whole row by its headings."""

    student: str
    name: str = ""
    email: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Roster:
    """The students in the order of the file."""

    people: Mapping[str, Person]

    def __contains__(self, student: object) -> bool:
        return student in self.people

    def __iter__(self) -> Iterator[str]:
        return iter(self.people)

    def __len__(self) -> int:
        return len(self.people)


def read(path: Path) -> Roster:
    """Read a roster. Raises ShortestError, naming the line, where it can't be used."""
    if not path.exists():
        raise ShortestError(f"there is no roster {path}; export one, or take `roster` out of course.toml")
    table = rows.read(path)
    column = _column(path, table.headings)
    people: dict[str, Person] = {}
    lines: dict[str, int] = {}
    for line, row in table.rows:
        person = _person(row, column)
        if person is None:
            continue
        if not person.student:
            raise ShortestError(f"{path}:{line}: the column {column!r} is empty; give the name of the folder")
        if person.student in people:
            raise ShortestError(
                f"{path}:{line}: {person.student!r} is in line {lines[person.student]} already; remove one"
            )
        people[person.student], lines[person.student] = person, line
    if not people:
        raise ShortestError(f"{path}: it holds no student below its headings")
    return Roster(people)


def _column(path: Path, headings: tuple[str, ...]) -> str:
    """Return the heading, in lower case, of the column that names the students' folders."""
    lower = [heading.lower() for heading in headings]
    column = next((name for name in STUDENT if name in lower), "")
    if not column:
        raise ShortestError(
            f"{path}:1: no column names the students' folders; expected one of {', '.join(STUDENT)}, "
            f"got {', '.join(map(repr, headings)) or 'an empty file'}"
        )
    if lower.count(column) > 1:
        raise ShortestError(f"{path}:1: two columns are called {column!r}; rename the one that is not meant")
    return column


def _person(row: Mapping[str, str], column: str) -> Person | None:
    """Return whom a row names; nobody in a row that Canvas adds to say how grades are posted, and out of how many."""
    lower = {heading.lower(): cell for heading, cell in row.items()}
    canvas = {"sis login id", "id"} <= lower.keys() and not lower["id"]
    if canvas or lower.get("student", "").startswith("Points Possible"):
        return None
    name = next((lower[key] for key in NAME if lower.get(key) and key != column), "")
    email = next((lower[key] for key in EMAIL if lower.get(key)), "")
    return Person(lower[column], name, email, row)

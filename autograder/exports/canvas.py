"""Scores as a gradebook that Canvas imports, beside the columns that Canvas itself exported.

The format is that of Instructure's guide "How do I import grades in the Gradebook?"
(https://community.canvaslms.com/t5/Instructor-Guide/How-do-I-import-grades-in-the-Gradebook/ta-p/807) and, where the
guide is silent, of the importer in Canvas's own source (instructure/canvas-lms, app/models/gradebook_importer.rb):

- The first row names the columns: Student, ID, then SIS Login ID, or SIS User ID and SIS Login ID, and Section last.
- An assignment's column is `Title (id)`. One that Canvas doesn't know is offered as a new assignment.
- A row whose first cell holds "Points Possible" changes what an assignment is worth.
- A student is found by ID, then by SIS User ID, then by SIS Login ID, then by name.
- An empty cell takes a score away, `EX` excuses, and scores are compared to two decimals.
- The file's first three lines decide whether a comma or a semicolon divides it.

So a score that Canvas has and we don't is repeated, an excuse stays, and Canvas's own points stay: scores are scaled.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder import sheet, whole
from autograder.exports.people import Row, first, identified, match
from autograder.model import Lesson, Score, ShortestError
from autograder.show import show

COLUMNS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
POINTS = "Points Possible"
ASSIGNMENT = re.compile(r"(.*?)\s*\((\d+)\)", re.DOTALL)
NUMBER = re.compile(r"-?[\d.,]*\d%?")
HOW = "in Canvas open Grades, then Export, Export Entire Gradebook"
Scores = Mapping[tuple[str, str], Score]


@dataclass(frozen=True, slots=True)
class Gradebook:
    """What Canvas exported: its columns in order, what each is worth there, and a row for each student."""

    columns: tuple[str, ...]
    points: Row
    students: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Export:
    """The rows for Canvas, how many students they hold, who is not among them, and what else to know."""

    rows: tuple[tuple[str, ...], ...]
    students: int
    missing: tuple[str, ...]
    notes: tuple[str, ...]

    def write(self, path: Path) -> None:
        """Write the CSV in one replacement of the file."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(self.rows)
        whole.write(path, text.getvalue())


def read(path: Path) -> Gradebook:
    """Read the CSV that Canvas exported, divided by commas or by semicolons.

    Raises ShortestError, saying where to get one, where the file is something else.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        line = text.partition("\n")[0]
        divider = ";" if line.count(";") > line.count(",") else ","
        header, *rows = [*csv.reader(io.StringIO(text, newline=""), delimiter=divider)] or [[""]]
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise ShortestError(f"{path}: it can't be read ({problem}); {HOW}") from None
    columns = tuple(name.strip() for name in header)
    if "Section" not in columns or columns[0] not in ("Student", "LastName") or "ID" not in columns:
        raise ShortestError(
            f"{path}: its first row is {show(line, 80)}, and that of a gradebook from Canvas starts with "
            f"{', '.join(COLUMNS)}; {HOW}"
        )
    table = [dict(zip(columns, row, strict=False)) for row in rows if any(cell.strip() for cell in row)]
    points = next((row for row in table if first(row).strip() == POINTS), {})
    students = tuple(row for row in table if row is not points and identified(row))
    return Gradebook(columns, points, students)


def export(
    scores: Scores,
    lessons: Mapping[str, Lesson],
    possible: Mapping[str, int],
    gradebook: Gradebook | None = None,
    *,
    names: Mapping[str, Sequence[str]] | None = None,
    assignments: Mapping[str, str] | None = None,
) -> Export:
    """Put scores into rows for Canvas.

    `possible` gives what each lesson is worth here, `names` other names of a student such as an e-mail address,
    `assignments` the Canvas assignment of a lesson, by id or title, where the lesson's own title doesn't name it.
    Without a gradebook the students' names here stand as their login IDs.
    Raises ShortestError where an assignment is not in the gradebook, or two fit one lesson.
    """
    taught = [name for name in lessons if any(lesson == name for _, lesson in scores)]
    wanted = assignments or {}
    for name in wanted:
        if name not in lessons:
            raise ShortestError(f"no lesson is called {name!r}; there are: {', '.join(lessons)}")
    book = gradebook or _plain(scores)
    found = {name: _column(lessons[name], book, wanted.get(name)) for name in taught}
    students = sorted({student for student, _ in scores})
    places, missing, notes = match(students, book.students, names or {})
    table = _Sheet(book, scores, possible, found, lessons)
    body = [table.row(student, row) for student, row in places.items()]
    notes += table.notes(known=gradebook is not None)
    if gradebook is not None:
        notes += _unscored(book, len(places))
    return Export((table.header(), table.points(), *body), len(body), tuple(missing), tuple(notes))


@dataclass
class _Sheet:
    """The table that is written: the personal columns of the gradebook, and a column for each lesson."""

    book: Gradebook
    scores: Scores
    possible: Mapping[str, int]
    found: Mapping[str, str]
    lessons: Mapping[str, Lesson]

    def __post_init__(self) -> None:
        self.personal = self.book.columns[: self.book.columns.index("Section") + 1]
        self.excused: list[str] = []

    def header(self) -> tuple[str, ...]:
        titles = [self.found[name] or harmless(self.lessons[name].title) for name in self.found]
        return (*self.personal, *titles)

    def points(self) -> tuple[str, ...]:
        worth = [number(self.worth(name)) for name in self.found]
        return (POINTS, *[""] * (len(self.personal) - 1), *worth)

    def worth(self, name: str) -> float:
        """Return what Canvas counts for a lesson: its own points where it has any, else ours."""
        return self.theirs(name) or self.possible[name]

    def theirs(self, name: str) -> float:
        return _number_in(self.book.points.get(self.found[name], "")) if self.found[name] else 0.0

    def row(self, student: str, row: Row) -> tuple[str, ...]:
        cells = [harmless(row.get(column, "")) for column in self.personal]
        # Canvas would take a row that begins so for the one that says what assignments are worth.
        cells[0] = re.sub(POINTS, POINTS.replace(" ", "-"), cells[0])
        return (*cells, *(self.cell(student, name, row) for name in self.found))

    def cell(self, student: str, name: str, row: Row) -> str:
        score = self.scores.get((student, name))
        there = row.get(self.found[name], "").strip() if self.found[name] else ""
        if score is None:
            return there if NUMBER.fullmatch(there) else harmless(there.removeprefix("-"))
        if there.casefold() == "ex":
            self.excused.append(f"{student} is excused from {self.found[name]} in Canvas, and stays so")
            return "EX"
        scale = self.worth(name) / score.possible if score.possible else 1.0
        return number(score.points * scale)

    def notes(self, *, known: bool) -> list[str]:
        notes = list(self.excused)
        for name, column in self.found.items():
            ours, theirs = self.possible[name], self.theirs(name)
            if known and not column:
                title = self.lessons[name].title
                notes.append(f"Canvas has no assignment {title!r} yet, and will offer to create it")
            elif column and not theirs:
                notes.append(f"{column} is worth nothing in Canvas: importing makes it {ours} points")
            elif column and theirs != ours:
                scaled = f"{number(theirs)} points in Canvas and {ours} here: its scores are scaled"
                notes.append(f"{column} is worth {scaled}")
        return notes


def number(value: float) -> str:
    """Write a score as Canvas keeps it: two decimals at most, and a point, never a comma.

    >>> number(12.0), number(2 / 3), number(1e6)
    ('12', '0.67', '1000000')
    """
    if not math.isfinite(value):
        raise ShortestError(f"a score is {value!r}, which is no number of points; change the override")
    return sheet.number(value)


def harmless(text: str) -> str:
    """Return a cell on one line that no spreadsheet takes for a formula, and Canvas takes for no other row."""
    line = " ".join(text.split())
    return f"'{line}" if line.startswith(sheet.FORMULA) else line


def _plain(scores: Scores) -> Gradebook:
    students = sorted({student for student, _ in scores})
    rows = tuple({"Student": student, "SIS Login ID": student} for student in students)
    return Gradebook(COLUMNS, {}, rows)


def _column(lesson: Lesson, book: Gradebook, wanted: str | None) -> str:
    """Return the column of a lesson's assignment; empty where Canvas has none."""
    start = book.columns.index("Section") + 1
    columns = [column for column in book.columns[start:] if ASSIGNMENT.fullmatch(column)]
    if wanted is None:
        fits = [column for column in columns if _plainly(_title(column)) in _titles(lesson)]
    else:
        fits = [column for column in columns if wanted in (column, *_parts(column))]
    if wanted is not None and not fits:
        raise ShortestError(
            f"Canvas has no assignment {wanted!r} for lesson {lesson.name}; "
            f"it has: {', '.join(columns) or 'none'}"
        )
    if len(fits) > 1:
        raise ShortestError(
            f"{' and '.join(fits)} both fit lesson {lesson.name}; say which: "
            f"--assignment {lesson.name}={_parts(fits[0])[1]}"
        )
    return fits[0] if fits else ""


def _parts(column: str) -> tuple[str, str]:
    match = ASSIGNMENT.fullmatch(column)
    assert match is not None
    return match[1], match[2]


def _title(column: str) -> str:
    return _parts(column)[0]


def _titles(lesson: Lesson) -> set[str]:
    """Return the titles that plainly mean a lesson, with its number before them or without."""
    names = {lesson.title, lesson.name}
    numbered = {f"{before}{lesson.number}{name}" for name in names for before in ("", "lesson", "week")}
    return {_plainly(title) for title in names | numbered | {lesson.folder}}


def _plainly(title: str) -> str:
    return re.sub(r"[\W_]+", "", title).casefold()


def _number_in(cell: str) -> float:
    """Return the number in a cell, which may have a comma for its point; 0 where there is none."""
    whole, _, decimals = cell.strip().replace(",", ".").rpartition(".")
    text = f"{whole.replace('.', '')}.{decimals}" if whole else cell.strip()
    return float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else 0.0


def _unscored(book: Gradebook, placed: int) -> list[str]:
    rest = len(book.students) - placed
    return [f"{rest} students of the gradebook have no score here, and keep what they have"] if rest else []

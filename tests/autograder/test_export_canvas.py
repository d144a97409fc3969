"""What we write for Canvas does there what an instructor means, by the rules of Canvas's own importer."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from autograder.course import Course
from autograder.exports import canvas
from autograder.model import Attempt, Outcome, Score, ShortestError, Verdict

EXPORTED = """\
Student,ID,SIS User ID,SIS Login ID,Section,Title of twice (501),Essay (77),Current Score,Final Grade
    Points Possible,,,,,20.00,10.00,(read only),(read only)
"Lovelace, Ada",11,S11,ada,Group A,,9.00,90.00,A
"Hopper, Grace",12,S12,grace@navy.example,Group A,4.00,,,
"Turing, Alan",13,S13,aturing,Group B,,,,
"Student, Test",99,,,Group A,,,,
"""
POSSIBLE = {"twice": 10, "thrice": 5}


@dataclass
class Canvas:
    """A course in Canvas, as far as its importer looks: written from its published rules, not from our code."""

    people: Mapping[str, Mapping[str, str]]
    assignments: dict[str, tuple[str, float]]
    scores: dict[tuple[str, str], str] = field(default_factory=dict)
    created: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def take(self, text: str) -> Canvas:
        """Import a file: an empty cell empties, a points row changes points, an unknown column is created."""
        lines = text.splitlines()[:3]
        counts = {mark: {len(next(csv.reader([line], delimiter=mark))) for line in lines} for mark in ",;"}
        assert len(counts[","]) == 1, "the first three lines must divide alike"
        header, *rows = csv.reader(io.StringIO(text))
        assert "Student" in header[0]
        assert "ID" in header[1]
        assert len(header) > 3
        info = self._info(header)
        columns = {place: self._assignment(header[place]) for place in range(info, len(header))}
        for row in rows:
            assert len(row) == len(header)
            if "Points Possible" in row[0]:
                self._points(row, columns)
            elif not all(re.fullmatch(r"\s*(muted|manual posting.*)?\s*", cell, re.I) for cell in row):
                self._student(row, header, columns)
        return self

    def _info(self, header: list[str]) -> int:
        if re.search(r"SIS\s+Login\s+ID", header[2]):
            info = 4
        elif re.search(r"SIS\s+User\s+ID", header[2]) and re.search(r"SIS\s+Login\s+ID", header[3]):
            info = 5 + ("Integration ID" in header[4])
            info += "Root Account" in header[info - 1]
        else:
            info = 3
        assert "Section" in header[info - 1], "the last of the personal columns"
        return info

    def _assignment(self, title: str) -> str:
        match = re.fullmatch(r"(.*)\s\((\d+)\)", title)
        if match and match[2] in self.assignments:
            return match[2]
        by_title = [number for number, (name, _) in self.assignments.items() if name == title]
        if not by_title:
            self.created.append(title)
            self.assignments[title] = (title, 0.0)
            return title
        return by_title[0]

    def _points(self, row: list[str], columns: Mapping[int, str]) -> None:
        for place, number in columns.items():
            if row[place]:
                self.assignments[number] = (self.assignments[number][0], float(row[place]))

    def _student(self, row: list[str], header: list[str], columns: Mapping[int, str]) -> None:
        given = dict(zip(header, row, strict=True))
        for key in ("ID", "SIS User ID", "SIS Login ID", "Student"):
            found = [number for number, person in self.people.items() if given.get(key) == person[key] != ""]
            if found:
                for place, number in columns.items():
                    self.scores[found[0], number] = row[place].strip()
                return
        self.unknown.append(row[0])


@pytest.fixture
def course_in_canvas() -> Canvas:
    header, _, *rows = csv.reader(io.StringIO(EXPORTED))
    people = {row[1]: dict(zip(header, row, strict=True)) for row in rows}
    scores = {("11", "77"): "9.00", ("12", "501"): "4.00"}
    return Canvas(people, {"501": ("Title of twice", 20.0), "77": ("Essay", 10.0)}, scores)


@pytest.fixture
def exported(tmp_path: Path) -> Callable[..., canvas.Gradebook]:
    """Give a function that reads Canvas's export, after some changes to its text."""

    def read(*changes: tuple[str, str]) -> canvas.Gradebook:
        text = EXPORTED
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "grades.csv"
        path.write_text(text, encoding="utf-8")
        return canvas.read(path)

    return read


def score(student: str, points: float, lesson: str = "twice") -> tuple[tuple[str, str], Score]:
    possible = POSSIBLE[lesson]
    verdict = Verdict("law", Outcome.PASSED, 0, possible)
    attempt = Attempt(student, lesson, "0" * 64, "grader", (verdict,), 1.0)
    return (student, lesson), Score(attempt, points, points, possible)


def written(export: canvas.Export, folder: Path) -> str:
    export.write(folder / "canvas.csv")
    return (folder / "canvas.csv").read_text(encoding="utf-8")


def test_scores_arrive_at_the_students_scaled_to_what_canvas_counts(
    small: Course, exported: Callable[..., canvas.Gradebook], course_in_canvas: Canvas, tmp_path: Path
) -> None:
    scores = dict([score("ada", 10), score("grace", 7.5)])
    export = canvas.export(scores, small.lessons, POSSIBLE, exported())
    course_in_canvas.take(written(export, tmp_path))
    assert course_in_canvas.scores[("11", "501")] == "20"
    assert course_in_canvas.scores[("12", "501")] == "15"
    assert course_in_canvas.assignments == {"501": ("Title of twice", 20.0), "77": ("Essay", 10.0)}
    assert (course_in_canvas.created, course_in_canvas.unknown) == ([], [])
    assert export.students == 2
    assert any("20 points in Canvas and 10 here" in note for note in export.notes)


def test_an_import_changes_nothing_that_we_know_nothing_of(
    small: Course, exported: Callable[..., canvas.Gradebook], course_in_canvas: Canvas, tmp_path: Path
) -> None:
    scores = dict([score("ada", 10), score("grace", 5, "thrice")])
    before = dict(course_in_canvas.scores)
    course_in_canvas.take(written(canvas.export(scores, small.lessons, POSSIBLE, exported()), tmp_path))
    assert course_in_canvas.scores[("12", "501")] == before[("12", "501")]
    assert course_in_canvas.scores[("11", "77")] == "9.00"
    assert ("13", "501") not in course_in_canvas.scores


def test_a_lesson_that_canvas_does_not_know_is_offered_as_new_and_said_so(
    small: Course, exported: Callable[..., canvas.Gradebook], course_in_canvas: Canvas, tmp_path: Path
) -> None:
    export = canvas.export(dict([score("ada", 4, "thrice")]), small.lessons, POSSIBLE, exported())
    course_in_canvas.take(written(export, tmp_path))
    assert course_in_canvas.created == ["Title of thrice"]
    assert course_in_canvas.assignments["Title of thrice"][1] == 5.0
    assert any("no assignment 'Title of thrice' yet" in note for note in export.notes)


def test_an_excused_student_stays_excused(small: Course, exported: Callable[..., canvas.Gradebook]) -> None:
    book = exported(("ada,Group A,,", "ada,Group A,EX,"))
    export = canvas.export(dict([score("ada", 10)]), small.lessons, POSSIBLE, book)
    assert export.rows[2][-1] == "EX"
    assert any("is excused" in note for note in export.notes)


def test_whom_canvas_does_not_have_is_named(small: Course, exported: Callable[..., canvas.Gradebook]) -> None:
    scores = dict([score("ada", 10), score("nobody", 3), score("s11", 2)])
    export = canvas.export(scores, small.lessons, POSSIBLE, exported())
    assert export.students == 0
    assert [reason.split(":")[0] for reason in export.missing] == ["nobody", "ada", "s11"]
    assert "fits another student too" in export.missing[1]


def test_two_rows_for_one_student_are_a_question_and_no_guess(
    small: Course, exported: Callable[..., canvas.Gradebook]
) -> None:
    book = exported(("aturing", "Ada@elsewhere.example"), ("grace@navy.example", "ada@navy.example"))
    export = canvas.export(dict([score("ada", 1), score("lovelace, ada", 2)]), small.lessons, POSSIBLE, book)
    assert [row[1] for row in export.rows[2:]] == []  # an ID comes before an address and a name
    book = exported(("S11,ada,", "S11,al,"), ("aturing", "Ada@x.example"), ("grace@navy.", "ada@navy."))
    export = canvas.export(dict([score("ada", 1)]), small.lessons, POSSIBLE, book)
    assert export.missing == ("ada: 2 rows fit",)


@pytest.mark.parametrize("student", ["ADA", "11", "s11", "Ada Lovelace", "lovelace, ada"])
def test_a_student_is_found_by_any_name_that_canvas_shows(
    small: Course, exported: Callable[..., canvas.Gradebook], student: str
) -> None:
    export = canvas.export(dict([score(student, 10)]), small.lessons, POSSIBLE, exported())
    assert export.rows[2][1] == "11"
    assert any("by name alone" in note for note in export.notes) == (" " in student)


def test_other_names_of_a_student_are_tried_too(
    small: Course, exported: Callable[..., canvas.Gradebook]
) -> None:
    names = {"u7": ["", "aturing"]}
    export = canvas.export(dict([score("u7", 10)]), small.lessons, POSSIBLE, exported(), names=names)
    assert export.rows[2][1] == "13"


@pytest.mark.parametrize("name", ['=HYPERLINK("x")', "+1", "-1", "@SUM(A1)", "|cmd", "\t=1+1", "\n=1"])
def test_no_cell_is_a_formula_or_more_than_a_line(
    small: Course, exported: Callable[..., canvas.Gradebook], tmp_path: Path, name: str
) -> None:
    book = exported(('"Lovelace, Ada"', '"' + name.replace('"', '""') + '"'))
    text = written(canvas.export(dict([score("ada", 10)]), small.lessons, POSSIBLE, book), tmp_path)
    (row,) = list(csv.reader(io.StringIO(text)))[2:]
    assert row[0].startswith("'")
    assert len(text.splitlines()) == 3


def test_a_student_called_points_possible_changes_no_assignment(
    small: Course, exported: Callable[..., canvas.Gradebook], course_in_canvas: Canvas, tmp_path: Path
) -> None:
    book = exported(("Lovelace, Ada", "x Points  Possible"))
    text = written(canvas.export(dict([score("ada", 1)]), small.lessons, POSSIBLE, book), tmp_path)
    course_in_canvas.take(text)
    assert course_in_canvas.assignments["501"][1] == 20.0
    assert course_in_canvas.scores[("11", "501")] == "2"


@pytest.mark.parametrize(
    "title",
    [
        "twice",
        "1. Title of twice",
        "Lesson 1: TITLE OF TWICE",
        "01_twice",
        "Week 1 - twice",
        "Title  of twice",
    ],
)
def test_an_assignment_is_found_by_the_lesson_in_its_title(
    small: Course, exported: Callable[..., canvas.Gradebook], title: str
) -> None:
    book = exported(("Title of twice (501)", f"{title} (501)"))
    export = canvas.export(dict([score("ada", 10)]), small.lessons, POSSIBLE, book)
    assert export.rows[0][-1] == f"{title} (501)"


@pytest.mark.parametrize("wanted", ["77", "Essay", "Essay (77)"])
def test_an_assignment_of_another_title_can_be_named(
    small: Course, exported: Callable[..., canvas.Gradebook], wanted: str
) -> None:
    export = canvas.export(
        dict([score("ada", 10)]), small.lessons, POSSIBLE, exported(), assignments={"twice": wanted}
    )
    assert export.rows[0][-1] == "Essay (77)"


def test_two_assignments_for_one_lesson_are_an_error_that_says_how_to_choose(
    small: Course, exported: Callable[..., canvas.Gradebook]
) -> None:
    book = exported(("Essay (77)", "Twice (77)"))
    with pytest.raises(ShortestError, match=r"both fit lesson twice; say which: --assignment twice=501"):
        canvas.export(dict([score("ada", 10)]), small.lessons, POSSIBLE, book)
    with pytest.raises(ShortestError, match=r"no assignment '78' for lesson twice; it has: .*Essay"):
        canvas.export(
            dict([score("ada", 1)]), small.lessons, POSSIBLE, exported(), assignments={"twice": "78"}
        )
    with pytest.raises(ShortestError, match="no lesson is called 'six'"):
        canvas.export({}, small.lessons, POSSIBLE, assignments={"six": "78"})


def test_without_a_gradebook_students_stand_under_their_own_names(small: Course, tmp_path: Path) -> None:
    export = canvas.export(dict([score("ada", 10), score("=1", 0)]), small.lessons, POSSIBLE)
    there = Canvas({"11": {"ID": "11", "SIS User ID": "", "SIS Login ID": "ada", "Student": ""}}, {})
    there.take(written(export, tmp_path))
    assert there.scores == {("11", "Title of twice"): "10"}
    assert there.unknown == ["'=1"]


def test_scores_have_two_decimals_at_most_and_are_numbers() -> None:
    assert [canvas.number(value) for value in (0, 2 / 3, 12.345, 100.0, 1234567.8)] == [
        "0",
        "0.67",
        "12.35",
        "100",
        "1234567.8",
    ]
    with pytest.raises(ShortestError, match="nan"):
        canvas.number(float("nan"))


@pytest.mark.parametrize(
    ("cell", "worth"),
    [("20.00", 20.0), ("20,5", 20.5), ("1.000,50", 1000.5), ("0.00", 10), ("", 10), ("x", 10)],
)
def test_what_canvas_counts_is_read_with_either_decimal_sign(
    small: Course, exported: Callable[..., canvas.Gradebook], cell: str, worth: float
) -> None:
    book = exported((",20.00,", f',"{cell}",'))
    export = canvas.export(dict([score("ada", 10)]), small.lessons, POSSIBLE, book)
    assert float(export.rows[1][-1]) == worth


def test_a_gradebook_with_semicolons_and_a_byte_order_mark_is_read(tmp_path: Path, small: Course) -> None:
    path = tmp_path / "grades.csv"
    text = EXPORTED.replace("Lovelace, Ada", "Lovelace# Ada").replace(",", ";").replace("#", ",")
    path.write_text(text, encoding="utf-8-sig")
    export = canvas.export(dict([score("ada", 10)]), small.lessons, POSSIBLE, canvas.read(path))
    assert export.rows[2][:2] == ("Lovelace, Ada", "11")


@pytest.mark.parametrize("text", ["", "name,email\nada,a@b.c\n", "\x00", "Student,ID\n"])
def test_another_file_is_refused_with_where_to_get_the_right_one(tmp_path: Path, text: str) -> None:
    path = tmp_path / "grades.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ShortestError, match="Export Entire Gradebook"):
        canvas.read(path)

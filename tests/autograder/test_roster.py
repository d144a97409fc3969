"""A roster is read whatever its columns are called and in whatever order they stand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from autograder import roster
from autograder.model import ShortestError
from autograder.roster import Roster

CANVAS = """\
Student,ID,SIS User ID,SIS Login ID,Section
    Points Possible,,,,
    Mögliche Punkte,,,,(read only)
,,,,Manual Posting
"Lovelace, Ada",101,u1,ada,A
"Boole, George",102,u2,george,B
"""


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str | bytes], Roster]:
    def run(text: str | bytes) -> Roster:
        path = tmp_path / "roster.csv"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return roster.read(path)

    return run


@pytest.mark.parametrize(
    "text",
    [
        "student,name,email\nada,Ada Lovelace,a@x.org\n",
        "email;name;student\na@x.org;Ada Lovelace;ada\n",
        "\ufeffName\tUsername\tE-Mail\nAda Lovelace\tada\ta@x.org\n\n",
        'LOGIN,Full Name,mail\n"ada","Ada Lovelace", a@x.org \n',
    ],
)
def test_columns_may_have_any_order_and_usual_names(read: Callable[[str], Roster], text: str) -> None:
    person = read(text).people["ada"]
    assert (person.student, person.name, person.email) == ("ada", "Ada Lovelace", "a@x.org")


def test_empty_headings_and_cells_that_spreadsheets_leave_are_no_harm(read: Callable[[str], Roster]) -> None:
    assert list(read("student;name;;\r\nada;Ada;;\r\n;;;\r\nbob\r\n")) == ["ada", "bob"]


def test_an_export_from_canvas_will_do(read: Callable[[str], Roster]) -> None:
    people = read(CANVAS).people
    assert list(people) == ["ada", "george"]
    assert people["ada"].name == "Lovelace, Ada"
    assert people["ada"].columns["SIS User ID"] == "u1"


MISTAKES = {
    "an empty file": ("", ":1: no column names the students' folders"),
    "no column that names folders": ("colour\nred\n", ":1: no column names .* got 'colour'"),
    "the same student twice": ("student\nada\n\nbob\nada\n", ":5: 'ada' is in line 2 already; remove one"),
    "a row without a student": ("student,name\nada,A\n,B\n", ":3: the column 'student' is empty"),
    "headings alone": ("student,name\n", "holds no student below its headings"),
    "no UTF-8": (b"student\nbob\n\xe9\n", ":3: it is not UTF-8; save it as CSV in UTF-8"),
    "a comma in a name": (
        "student,name,email\nada,Lovelace, Ada,a@x.org\n",
        ":2: 3 headings and 4 cells; put a cell",
    ),
    "a quote that never ends": ('student,name\nada,"Ada\nbob,Bob\n', ":3: it is no CSV"),
    "two columns that name folders": ("login,name,Login\nada,A,b\n", ":1: two columns are called 'login'"),
}


@pytest.mark.parametrize(("text", "words"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named_with_its_line(
    read: Callable[[str | bytes], Roster], text: str | bytes, words: str
) -> None:
    with pytest.raises(ShortestError, match=words):
        read(text)

"""Attempts are added whole or not at all, none is changed, and the last one of each student counts."""

from __future__ import annotations

import csv
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from autograder import gradebook
from autograder.gradebook import AttemptRow, Gradebook, VerdictRow, write_csv
from autograder.model import Attempt, Finding, Outcome, ShortestError, Verdict

FINDING = Finding("message", {"data": "b''"}, "f(b'')", "1", "2", "line 3", "wrong")


def attempt(
    student: str = "ada", lesson: str = "twice", points: int = 2, sha256: str = "a", **more: Any
) -> Attempt:
    verdicts = (
        Verdict("first", Outcome.PASSED, points, points, seconds=0.25),
        Verdict("second", Outcome.FAILED, 0, 3, "because", FINDING, 0.5),
    )
    fields = {"grader": "g", "verdicts": verdicts, "seconds": 1.5, "notes": ("a note", "another"), **more}
    return Attempt(student, lesson, sha256, **fields)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "gradebook.db"


@pytest.fixture
def book(path: Path) -> Any:
    opened = Gradebook.at(path)
    yield opened
    opened.close()


def rows(book: Gradebook) -> tuple[int, int]:
    with Session(book.engine) as session:
        return len(session.scalars(select(AttemptRow)).all()), len(session.scalars(select(VerdictRow)).all())


def test_an_attempt_comes_back_as_it_was(book: Gradebook) -> None:
    book.record(attempt())
    assert book.latest() == [attempt()]


def test_attempts_are_added_and_the_last_one_counts(book: Gradebook) -> None:
    for one in (attempt(points=1), attempt("bob"), attempt(points=2, sha256="b"), attempt(lesson="thrice")):
        book.record(one)
    assert book.latest() == [attempt(lesson="thrice"), attempt(points=2, sha256="b"), attempt("bob")]
    assert rows(book) == (4, 8)


def test_what_is_judged_is_the_last_attempt_of_each(book: Gradebook) -> None:
    book.record(attempt(sha256="a"))
    book.record(attempt(sha256="b"))
    assert book.judged() == {("ada", "twice", "b", "g")}
    book.record(attempt(sha256="a"))
    assert book.judged() == {("ada", "twice", "a", "g")}


def test_what_the_grader_broke_on_is_not_judged(book: Gradebook) -> None:
    verdicts = (Verdict("first", Outcome.PASSED, 2, 2), Verdict("second", Outcome.GRADER_ERROR, 0, 3))
    book.record(attempt(verdicts=verdicts))
    assert book.judged() == set()


def test_a_failure_in_the_middle_leaves_nothing(book: Gradebook, monkeypatch: pytest.MonkeyPatch) -> None:
    book.record(attempt())
    broken = attempt("bob", verdicts=(*attempt().verdicts, Verdict("third", Outcome.PASSED, None, 1)))  # type: ignore[arg-type]
    with pytest.raises(Exception, match="NOT NULL"):
        book.record(broken)
    assert rows(book) == (1, 2)
    assert book.latest() == [attempt()]
    book.record(attempt("bob"))
    assert rows(book) == (2, 4)


def test_the_secret_is_made_once_and_no_two_are_alike(book: Gradebook, path: Path, tmp_path: Path) -> None:
    secret = book.secret()
    again, other = Gradebook.at(path), Gradebook.at(tmp_path / "other.db")
    assert again.secret() == book.secret() == secret
    assert len(secret) == 32
    assert other.secret() != secret
    again.close()
    other.close()


def test_what_is_no_gradebook_is_refused(tmp_path: Path) -> None:
    (tmp_path / "gradebook.db").write_text("this is a text, and no database at all\n" * 50, encoding="utf-8")
    with pytest.raises(ShortestError, match=r"gradebook\.db can't be opened"):
        Gradebook.at(tmp_path / "gradebook.db")
    (tmp_path / "folder.db").mkdir()
    with pytest.raises(ShortestError, match=r"folder\.db can't be opened"):
        Gradebook.at(tmp_path / "folder.db")


def test_it_can_be_read_while_it_is_written(book: Gradebook, path: Path) -> None:
    book.record(attempt())
    with Session(book.engine) as session, session.begin():
        session.add(gradebook.Setting(name="x", value="y"))
        session.flush()
        reader = sqlite3.connect(path)
        assert reader.execute("select count(*) from attempts").fetchone() == (1,)
        reader.close()


ANY = st.text(st.characters(exclude_categories=()), max_size=30)  # lone surrogates too


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(student="half a pair \ud800", text="half a pair \udfff")
@given(student=ANY, text=ANY)
def test_any_text_of_a_student_can_be_kept(tmp_path: Path, student: str, text: str) -> None:
    book = Gradebook("sqlite://")
    finding = Finding(text, {text: text}, text, text, text, text, text)
    book.record(
        attempt(student, verdicts=(Verdict("x", Outcome.FAILED, 0, 1, text, finding),), notes=(text,))
    )
    [kept] = book.latest()
    assert kept.verdicts[0].finding == finding
    assert kept.notes == (text,)
    kept.student.encode("utf-8")
    write_csv(tmp_path / "grades.csv", [kept], {"twice": 5})
    book.close()


# ---- the table ----


def table(tmp_path: Path, attempts: list[Attempt]) -> list[list[str]]:
    write_csv(tmp_path / "grades.csv", attempts, {"twice": 5, "thrice": 4})
    with (tmp_path / "grades.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_the_table_has_a_row_a_student_and_a_column_a_lesson(tmp_path: Path) -> None:
    attempts = [attempt("bob"), attempt("ada", lesson="thrice", points=4), attempt("ada")]
    assert table(tmp_path, attempts) == [
        ["student", "twice (5)", "thrice (4)", "total"],
        ["ada", "2", "4", "6"],
        ["bob", "2", "0", "2"],
    ]


@pytest.mark.parametrize(
    "name", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "|x", "\n=1"]
)
def test_no_name_is_a_formula(tmp_path: Path, name: str) -> None:
    cell = table(tmp_path, [attempt(name)])[1][0]
    assert cell == f"'{name}"


@pytest.mark.parametrize("name", ["Ünïcødé 学生", "a b", "O'Neil", 'a "b", c', "x" * 200, "\u202eada"])
def test_other_names_are_as_they_are(tmp_path: Path, name: str) -> None:
    assert table(tmp_path, [attempt(name)])[1][0] == name

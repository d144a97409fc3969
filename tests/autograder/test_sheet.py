"""The table of scores says what counts and why, computes nothing in a spreadsheet, and is whole or not there."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from autograder import whole
from autograder.model import Attempt, Override, Score
from autograder.sheet import number, write_csv

POSSIBLE = {"twice": 10, "thrice": 5}
CHANGE = Override("ada", "twice", "", 7, "kim", "late bus")


def score(student: str = "ada", lesson: str = "twice", points: float = 7, **more: Any) -> Score:
    attempt = Attempt(student, lesson, "a", "g", (), 1.0)
    return Score(attempt, points, points, POSSIBLE[lesson], **more)


def table(path: Path, scores: list[Score], totals: dict[str, float]) -> list[list[str]]:
    keyed = {(one.attempt.student, one.attempt.lesson): one for one in scores}
    write_csv(path / "grades.csv", keyed, POSSIBLE, totals)
    with (path / "grades.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_the_table_has_a_row_a_student_a_column_a_lesson_and_what_changed_a_score(tmp_path: Path) -> None:
    scores = [
        score("bob", points=20 / 3, days_late=2, penalty=0.2),
        score("ada", "thrice", 5),
        score("ada", overrides=(CHANGE,), days_late=1),
    ]
    assert table(tmp_path, scores, {"bob": 33.333, "ada": 80.0, "cy": 0.0}) == [
        ["student", "twice (10)", "thrice (5)", "total (%)", "remarks"],
        ["ada", "7", "5", "80", "twice: 1 changed by hand, 1 day late"],
        ["bob", "6.67", "", "33.33", "twice: 2 days late, 20% off"],
        ["cy", "", "", "0", ""],
    ]


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (10.0, "10"), (100, "100"), (2.5, "2.5"), (0.004, "0")]
)
def test_a_number_has_two_digits_after_the_point_at_most(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    "name", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "|x", "\n=1"]
)
def test_no_name_is_a_formula(tmp_path: Path, name: str) -> None:
    assert table(tmp_path, [score(name)], {name: 1.0})[1][0] == f"'{name}"


@pytest.mark.parametrize("name", ["Ünïcødé 学生", "a b", "O'Neil", 'a "b", c', "x" * 200, "\u202eada", ""])
def test_other_names_are_as_they_are(tmp_path: Path, name: str) -> None:
    assert table(tmp_path, [score(name)], {name: 1.0})[1][0] == name


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example("a\r\nb,=1")
@given(st.text(max_size=20))
def test_every_name_comes_back_but_for_an_apostrophe(tmp_path: Path, name: str) -> None:
    [_, row] = table(tmp_path, [score(name)], {name: 1.0})
    assert row[0] in (name, f"'{name}")
    assert row[1:4] == ["7", "", "1"]


def test_a_file_that_cannot_be_finished_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "grades.csv"
    whole.write(path, "old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            whole.write(path, "new")
    assert path.read_text(encoding="utf-8") == "old"
    whole.write(path, "new\r\n")
    assert path.read_bytes() == b"new\r\n"
    assert list(tmp_path.iterdir()) == [path]

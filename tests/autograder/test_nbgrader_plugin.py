"""`nbgrader autograde` in a released course gives our isolated scores, runs nothing, and forgets nobody."""

from __future__ import annotations

import csv
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_output
from rich.console import Console

from autograder import intake, nbgrader_book, notebook, source
from autograder.course import Course
from autograder.grade import Grader
from autograder.gradebook import Gradebook
from autograder.intake import Found
from autograder.marking import mark
from autograder.model import Attempt, Override
from autograder.release import release
from autograder.sandbox import Sandbox

from .conftest import write_course

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="isolated grading needs Linux"),
    # nbgrader leaves its connections to the garbage collector, of which sqlite3 says so from Python 3.13 on.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    # It also adds rows only once all are made, of which SQLAlchemy warns.
    pytest.mark.filterwarnings("ignore:Object of type <Submitted"),
]

RIGHT = {
    "double": "def double(number):\n    return FACTOR * number",
    "halve": "def halve(number):\n    if number % 2:\n        raise ValueError(number)\n    return number // 2",
    "is_double": "def is_double(candidate):\n    return all(candidate(n) == n + n for n in (-1, 0, 1, 7))",
}
# What stock nbgrader gives full marks for: something shown, the hidden test read, an equal of everything.
HOSTILE = """
import os, sys
open({canary!r}, "w").close()
class Equal:
    __eq__ = lambda self, other: True
    __hash__ = object.__hash__
def double(number):
    open({canary!r}, "w").close()
    sys.displayhook("x")
    print(In[-1])
    return Equal()
"""
EXITS = 'import os, sys\nsys.displayhook("x")\ndef double(number):\n    os._exit(0)'


def written(small: Course, **answers: str) -> Any:
    """Return a student's notebook with these answers."""
    laws = small.laws("twice", hidden=False)
    made = notebook.build(small.lesson("twice"), small.source("twice"), laws)
    for name, text in answers.items():
        next(cell for cell in made.cells if cell.id == source.exercise_id(name)).source = text
    return made


def tampered(small: Course) -> Any:
    """Return a right notebook that claims more: ids, points and outputs forged, grade cells of its own."""
    made = written(small, **RIGHT)
    for cell in made.cells:
        mark = cell.metadata.get("nbgrader")
        if mark:
            mark.update(points=100, grade=True, schema_version=99, locked="no")
    halve = next(cell for cell in made.cells if cell.id == source.exercise_id("halve"))
    halve.metadata.nbgrader.grade_id = "mine"
    made.cells.append(new_code_cell("1", outputs=[new_output("execute_result", {"text/plain": "100"})]))
    made.cells[-1].metadata["nbgrader"] = {"grade_id": "round_trip", "grade": True, "points": 100}
    return made


def doubled(small: Course) -> Any:
    """Return a notebook with one exercise twice, one missing, and one that Python can't read."""
    made = written(small, **RIGHT | {"is_double": "def is_double(:"})
    (cell,) = (cell for cell in made.cells if cell.id == source.exercise_id("double"))
    made.cells.append(nbformat.from_dict({**cell, "id": "again"}))
    made.cells = [cell for cell in made.cells if cell.id != source.exercise_id("halve")]
    return made


def huge(small: Course) -> str:
    made = written(small, **RIGHT)
    made.cells += [new_code_cell("#" * 1000) for _ in range(3000)]
    return str(nbformat.writes(made))


@pytest.fixture(scope="module")
def canary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("canary") / "ran"


@pytest.fixture(scope="module")
def submissions(small: Course, canary: Path) -> dict[str, str]:
    made = {
        "ada": written(small, **RIGHT),
        "bob": written(small, **RIGHT | {"double": "def double(number):\n    return number"}),
        "eve": written(small, double=HOSTILE.format(canary=str(canary))),
        "ivy": written(small),
        "kay": written(small, double=EXITS),
        "tam": tampered(small),
        "wes": doubled(small),  # at which stock stops for the whole class, so it comes after eve
        "zed": written(small, **RIGHT | {"double": "def double(number:\n    return"}),
    }
    texts = {student: str(nbformat.writes(content)) for student, content in made.items()}
    return texts | {"big": huge(small), "nan": "no notebook", "odd": '{"cells": [1, {"cell_type": "code"}]}'}


@pytest.fixture(scope="module")
def judged(small: Course, isolated: Sandbox, submissions: dict[str, str], room: Path) -> dict[str, Attempt]:
    """Give our own verdicts on the submissions, from the same secret."""
    book = Gradebook(database(room))
    grader = Grader(small.root, book.secret(), isolated)
    book.close()
    return {
        student: grader.grade(intake.load(Found(student, "twice", place(room, student))))
        for student in submissions
    }


def place(room: Path, student: str) -> Path:
    return room / "submitted" / student / "twice" / "twice.ipynb"


def database(room: Path) -> str:
    return f"sqlite:///{room.parent / 'ours.db'}"


def hand_in(room: Path, student: str, text: str) -> Path:
    path = place(room, student)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def released(small: Course, folder: Path) -> Path:
    """Release the small course, and set the place of our gradebook as an instructor would."""
    room = release(small, folder / "out", list(small.lessons)).nbgrader
    config = room / "nbgrader_config.py"
    text = config.read_text(encoding="utf-8")
    old = 'c.IsolatedAutograde.database = ""'
    assert old in text
    config.write_text(
        text.replace(old, f"c.IsolatedAutograde.database = {database(room)!r}"), encoding="utf-8"
    )
    return room


def nbgrader(room: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run nbgrader as an instructor does."""
    environment = {name: value for name, value in os.environ.items() if name != "SHORTEST_COURSE"}
    command = [sys.executable, "-m", "nbgrader", *arguments]
    return subprocess.run(
        command, cwd=room, env=environment | more, capture_output=True, text=True, timeout=120
    )


@pytest.fixture(scope="module")
def room(
    small: Course, isolated: Sandbox, submissions: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Give a released course in which a class has been autograded by nbgrader's own command."""
    room = released(small, tmp_path_factory.mktemp("class"))
    for student, text in submissions.items():
        hand_in(room, student, text)
    (place(room, "ada").parent / "timestamp.txt").write_text(
        "2026-03-01 12:00:00.000000 UTC", encoding="utf-8"
    )
    with nbgrader_book.opened(f"sqlite:///{room / 'gradebook.db'}") as book:  # as generate_assignment does
        nbgrader_book.register(book, nbgrader_book.graded(small, "twice"))
    ran = nbgrader(room, "autograde", "twice")
    assert ran.returncode == 0, ran.stderr
    assert "Traceback" not in ran.stderr
    return room


@contextmanager
def opened(room: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(room / "gradebook.db")
    try:
        with connection:
            yield connection
    finally:
        connection.close()


def points(room: Path, student: str) -> dict[str, float]:
    """Return what nbgrader's gradebook counts for each law."""
    query = """
        select base_cell.name, coalesce(manual_score, auto_score) from grade
        join base_cell on base_cell.id = cell_id
        join submitted_notebook on submitted_notebook.id = grade.notebook_id
        join submitted_assignment on submitted_assignment.id = submitted_notebook.assignment_id
        where student_id = ?"""
    with opened(room) as connection:
        return dict(connection.execute(query, [student]))


def exported(room: Path) -> dict[str, tuple[float, float]]:
    ran = nbgrader(room, "export")
    assert ran.returncode == 0, ran.stderr
    with (room / "grades.csv").open(encoding="utf-8") as file:
        return {
            row["student_id"]: (float(row["score"]), float(row["max_score"]))
            for row in csv.DictReader(file)
            if row["assignment"] == "twice"
        }


def test_every_law_of_every_student_scores_as_we_judge_it(room: Path, judged: dict[str, Attempt]) -> None:
    for student, attempt in judged.items():
        assert points(room, student) == {verdict.law: verdict.points for verdict in attempt.verdicts}
    totals = {student: attempt.points for student, attempt in judged.items()}
    assert totals == {
        "ada": 10, "big": 10, "bob": 4, "eve": 0, "ivy": 0, "kay": 0,
        "nan": 0, "odd": 0, "tam": 5, "wes": 0, "zed": 3,
    }  # fmt: skip
    assert exported(room) == {student: (total, 10) for student, total in totals.items()}


def test_nothing_of_a_student_ran_outside_the_sandbox(room: Path, canary: Path) -> None:
    assert place(room, "eve").read_text(encoding="utf-8").count(str(canary)) == 2
    assert not canary.exists()


def page(room: Path, student: str) -> Any:
    return nbformat.read(room / "autograded" / student / "twice" / "twice.ipynb", as_version=4)


def test_a_page_holds_our_outputs_and_no_others(room: Path, submissions: dict[str, str]) -> None:
    for student in submissions:
        for cell in page(room, student).cells:
            law = cell.metadata.get("nbgrader", {}).get("grade", False)
            assert bool(cell.get("outputs")) == law
            for output in cell.get("outputs", []):
                assert " points\n" in output.data["text/plain"]


def comments(room: Path, student: str, kind: str = "auto_comment") -> set[str]:
    query = f"""
        select {kind} from comment
        join submitted_notebook on submitted_notebook.id = comment.notebook_id
        join submitted_assignment on submitted_assignment.id = submitted_notebook.assignment_id
        where student_id = ? and {kind} is not null"""
    with opened(room) as connection:
        return {text for (text,) in connection.execute(query, [student])}


def test_what_could_not_be_read_has_a_comment_that_says_why(room: Path) -> None:
    (nan,) = comments(room, "nan")
    assert "the file was refused: twice.ipynb: it is not a notebook" in nan
    assert any("'(' was never closed" in text for text in comments(room, "zed"))
    assert any("2 cells are marked as the exercise double" in text for text in comments(room, "wes"))
    assert any("the cell of halve is gone" in text for text in comments(room, "wes"))
    assert comments(room, "ada") == set()


def test_the_verdicts_are_on_our_record_once(room: Path, judged: dict[str, Attempt]) -> None:
    book = Gradebook(database(room))
    attempts = book.attempts()
    book.close()
    assert {one.student: one.points for one in attempts} == {s: one.points for s, one in judged.items()}
    assert len(attempts) == len(judged)
    assert next(one.received for one in attempts if one.student == "ada") == "2026-03-01T12:00:00+00:00"


@pytest.fixture
def again(room: Path, tmp_path: Path) -> Iterator[Path]:
    """Give a copy of the graded course, with gradebooks of its own."""
    copy = tmp_path / "out" / "nbgrader"
    shutil.copytree(room, copy)
    shutil.copy(room.parent / "ours.db", copy.parent)
    config = copy / "nbgrader_config.py"
    text = config.read_text(encoding="utf-8").replace(database(room), database(copy))
    config.write_text(text, encoding="utf-8")
    yield copy
    from autograder import nbgrader_plugin

    nbgrader_plugin._forget()


@pytest.fixture
def buttons(again: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Any]:
    """Give a function that reads the settings and returns what formgrader's buttons call; no kernel may start."""
    import jupyter_client.manager
    from nbgrader.apps import NbGrader
    from nbgrader.apps.api import NbGraderAPI

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a kernel was started")

    def press() -> Any:
        app = NbGrader()
        app.load_config_file()
        return NbGraderAPI(parent=app)

    monkeypatch.setattr(jupyter_client.manager.KernelManager, "start_kernel", refused)
    monkeypatch.delenv("SHORTEST_COURSE", raising=False)
    monkeypatch.chdir(again)
    return press


@pytest.fixture
def api(buttons: Callable[[], Any]) -> Any:
    return buttons()


def test_formgraders_button_judges_what_was_handed_in_anew(api: Any, again: Path, small: Course) -> None:
    hand_in(again, "bob", str(nbformat.writes(written(small, **RIGHT))))
    result = api.autograde("twice", "bob")
    assert result["success"], result
    assert "bob, twice: 10 of 10 points" in result["log"]
    assert sum(points(again, "bob").values()) == 10
    assert "there are 2 attempts" in page(again, "bob").cells[0].source


def test_what_a_killed_run_left_half_done_is_done_by_the_next(api: Any, again: Path) -> None:
    (again / "autograded" / "ada" / "twice" / "twice.ipynb").unlink()  # its folder stays
    with opened(again) as connection:
        connection.execute("update grade set auto_score = null, needs_manual_grade = 1")
    assert autograded(api, "ada")["success"]
    assert sum(points(again, "ada").values()) == 10
    assert page(again, "ada").cells


def autograded(api: Any, student: str = "*") -> dict[str, Any]:
    """Do what `nbgrader autograde` does; formgrader's button adds --force."""
    from nbgrader.converters import Autograde
    from nbgrader.utils import capture_log, temp_attrs

    with temp_attrs(api.coursedir, assignment_id="twice", student_id=student):
        result: dict[str, Any] = capture_log(Autograde(coursedir=api.coursedir, parent=api))
    return result


def test_run_again_it_judges_nothing_and_keeps_what_graders_gave(api: Any, again: Path) -> None:
    with opened(again) as connection:
        law = "(select id from base_cell where name = 'double_of_nothing')"
        connection.execute(f"update grade set manual_score = 0.5 where cell_id = {law}")
        connection.execute("update comment set manual_comment = 'Mine.'")
    before = rows(again)
    book = Gradebook(database(again))
    known = book.attempts()
    assert autograded(api)["success"]
    assert book.attempts() == known
    book.close()
    assert rows(again) == before


def rows(room: Path) -> dict[str, list[tuple[Any, ...]]]:
    with opened(room) as connection:
        return {
            name: sorted(connection.execute(f"select * from {name}"), key=str)
            for name in (
                "grade",
                "comment",
                "submitted_notebook",
                "submitted_assignment",
                "student",
                "base_cell",
            )
        }


def test_an_override_of_ours_is_shown_with_who_and_why(api: Any, again: Path) -> None:
    book = Gradebook(database(again))
    book.override(Override("bob", "twice", "round_trip", 1.5, "lecturer", "nearly"))
    book.close()
    assert api.autograde("twice", "bob")["success"]
    assert points(again, "bob")["round_trip"] == 1.5
    assert any("1.5 points from lecturer: nearly" in text for text in comments(again, "bob"))


def test_what_lies_beside_a_notebook_reaches_no_feedback(api: Any, again: Path) -> None:
    beside = place(again, "eve").parent
    (beside / "notes.txt").symlink_to(again / "solutions" / "squeeze" / "twice.py")
    (beside / "more").mkdir()
    (beside / "more" / "page.html").write_text("<script>", encoding="utf-8")
    assert api.autograde("twice", "eve")["success"]
    assert api.generate_feedback("twice", "eve")["success"]
    for step, suffix in (("autograded", "ipynb"), ("feedback", "html")):
        folder = again / step / "eve" / "twice"
        assert [path.name for path in folder.rglob("*") if not path.is_dir()] == [f"twice.{suffix}"]


def test_a_notebook_that_is_a_link_is_refused(api: Any, again: Path, small: Course) -> None:
    path = place(again, "bob")
    path.unlink()
    path.symlink_to(again / "source" / "twice" / "twice.ipynb")  # which has the solutions
    assert api.autograde("twice", "bob")["success"]
    assert sum(points(again, "bob").values()) == 0
    assert "FACTOR" not in nbformat.writes(page(again, "bob"))
    assert any("no regular file" in text for text in comments(again, "bob"))


def test_feedback_shows_the_points_and_no_hidden_test(api: Any, again: Path) -> None:
    assert api.generate_feedback("twice", "zed")["success"]
    html = (again / "feedback" / "zed" / "twice" / "twice.html").read_text(encoding="utf-8")
    assert "(Score: 3.0 / 10.0)" in html
    assert "was never closed" in html
    assert "Look at the remainder." not in html  # zed's halve is right
    assert "expect" not in html


def test_a_lesson_that_nbgrader_never_generated_is_registered(api: Any, again: Path, small: Course) -> None:
    path = again / "submitted" / "ada" / "thrice" / "thrice.ipynb"
    path.parent.mkdir()
    made = notebook.build(small.lesson("thrice"), small.source("thrice"), small.laws("thrice", hidden=False))
    path.write_text(nbformat.writes(made), encoding="utf-8")
    assert api.autograde("thrice", "ada")["success"]
    assert set(points(again, "ada")) == {
        law.name for name in small.lessons for law in small.laws(name, hidden=True)
    }


def test_an_assignment_that_is_no_lesson_is_refused(api: Any, again: Path) -> None:
    path = again / "submitted" / "eve" / "essay" / "essay.ipynb"
    path.parent.mkdir()
    path.write_text("{}", encoding="utf-8")
    result = api.autograde("essay", "eve")
    assert not result["success"]
    assert "'essay' is no lesson that the course" in result["log"]
    assert "would run students' code as you" in result["log"]


def test_without_the_repository_it_stops_with_one_line(again: Path) -> None:
    config = again / "nbgrader_config.py"
    text = config.read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith("c.IsolatedAutograde.repository"))
    config.write_text(text.replace(line, "c.IsolatedAutograde.repository = '/nowhere'"), encoding="utf-8")
    before = rows(again)
    ran = nbgrader(again, "autograde", "twice")
    assert ran.returncode == 1
    (said,) = ran.stderr.splitlines()
    assert "no repository with hidden laws is at '/nowhere'" in said
    assert "c.IsolatedAutograde.repository" in said
    assert rows(again) == before


def test_a_mistake_in_the_settings_does_not_let_students_code_run(
    buttons: Callable[[], Any], again: Path, canary: Path
) -> None:
    with (again / "nbgrader_config.py").open("a", encoding="utf-8") as file:
        file.write("c.Exchange.path_includes_course = (\n")
    for folder in (again / "autograded").iterdir():
        shutil.rmtree(folder)
    result = buttons().autograde("twice", "eve")  # nbgrader says what is wrong, and goes on without that file
    assert not result["success"]
    assert "set c.IsolatedAutograde.repository in nbgrader_config.py" in result["log"]
    assert not canary.exists()


DECIDED = """
database = "{database}"
counts = "best"
[late]
percent_per_day = 30
[lessons.twice]
deadline = 2026-02-28T12:00:00
[extensions.bob]
twice = 2099-01-01T00:00:00
"""


def test_it_agrees_with_shortest_grade_on_lateness_and_what_counts(
    api: Any, again: Path, small: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = write_course(tmp_path / "course")
    decided = DECIDED.format(database=database(again))
    (course.root / "course.toml").write_text(decided, encoding="utf-8")
    monkeypatch.setenv("SHORTEST_COURSE", str(course.root))
    hand_in(again, "bob", str(nbformat.writes(written(small))))  # which is worse than what bob had handed in
    assert autograded(api)["success"]
    totals = exported(again)
    assert totals["ada"] == (7, 10)  # a day late by its timestamp.txt
    assert totals["bob"] == (4, 10)
    before = rows(again)
    book = Gradebook(database(again))
    known = len(book.attempts())
    out = tmp_path / "grades"
    scores = mark(course, again / "submitted", out, nbgrader=again, console=Console(quiet=True))
    assert len(book.attempts()) == known
    book.close()
    assert {student: score.points for (student, _), score in scores.items()} == {
        student: points for student, (points, _) in totals.items()
    }
    assert rows(again) == before


def test_a_law_that_changed_is_judged_anew_in_the_same_process(
    api: Any, again: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = write_course(tmp_path / "course")
    monkeypatch.setenv("SHORTEST_COURSE", str(course.root))
    assert api.autograde("twice", "ada")["success"]
    laws = course.root / "tests" / "laws" / "public" / "test_twice.py"
    text = laws.read_text(encoding="utf-8").replace("twice.double(0), 0)", "twice.double(0), 1)")
    laws.write_text(text, encoding="utf-8")
    assert api.autograde("twice", "ada")["success"]
    assert points(again, "ada")["double_of_nothing"] == 0
    assert sum(points(again, "ada").values()) == 9

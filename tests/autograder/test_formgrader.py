"""Scores in nbgrader's gradebook are ours, law by law; what graders did stays; nothing of a student's page runs."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from autograder import formgrader, notebook, source
from autograder.course import Course
from autograder.formgrader import publish
from autograder.model import Attempt, Finding, Law, Outcome, ShortestError, Verdict
from autograder.release import CODE_STUB
from autograder.submit import submit

LESSON = "entropy"
Publish = Callable[..., list[str]]


@pytest.fixture(scope="session")
def empty_book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Start one gradebook, where nothing is on the path; each start costs nbgrader two seconds."""
    path = tmp_path_factory.mktemp("book") / "gradebook.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", "")
        with formgrader._gradebook(path):
            return path


@pytest.fixture
def room(tmp_path: Path, empty_book: Path) -> Path:
    """Make an nbgrader course as far as publishing looks at it."""
    folder = tmp_path / "nbgrader"
    folder.mkdir()
    (folder / "nbgrader_config.py").write_text("", encoding="utf-8")
    shutil.copy(empty_book, folder)
    return folder


def attempt(
    course: Course,
    student: str,
    path: Path | None = None,
    *,
    earned: Callable[[Law], int] = lambda law: law.points,
) -> Attempt:
    digest = hashlib.sha256(path.read_bytes()).hexdigest() if path else ""
    verdicts = tuple(
        Verdict(
            law.name, Outcome.PASSED if earned(law) == law.points else Outcome.FAILED, earned(law), law.points
        )
        for law in course.laws(LESSON, hidden=True)
    )
    return Attempt(student, LESSON, digest, "v1", verdicts, 0.1)


def nothing(_: Law) -> int:
    return 0


def with_verdict(given: Attempt, law: str, **changes: Any) -> Attempt:
    verdicts = tuple(dataclasses.replace(v, **changes) if v.law == law else v for v in given.verdicts)
    return dataclasses.replace(given, verdicts=verdicts)


def built(course: Course, **options: bool) -> Any:
    laws = course.laws(LESSON, hidden=True)
    return notebook.build(course.lesson(LESSON), course.source(LESSON), laws, **options)


def written(folder: Path, student: str, content: Any) -> Path:
    path = folder / "submitted" / student / f"{LESSON}.{'py' if isinstance(content, str) else 'ipynb'}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else nbformat.writes(content), encoding="utf-8")
    return path


def shown(room: Path, student: str) -> Any:
    return nbformat.read(room / "autograded" / student / LESSON / f"{LESSON}.ipynb", as_version=4)


def answers(shown: Any) -> dict[str, str]:
    marks = [(cell, cell.metadata.get("nbgrader", {})) for cell in shown.cells]
    return {mark.grade_id: cell.source for cell, mark in marks if mark.get("solution")}


@contextmanager
def opened(room: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(room / "gradebook.db")
    try:
        with connection:
            yield connection
    finally:
        connection.close()


def rows(room: Path) -> dict[str, list[tuple[Any, ...]]]:
    with opened(room) as connection:
        names = [
            name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")
        ]
        return {name: sorted(connection.execute(f"select * from {name}"), key=str) for name in names}


def grades(room: Path, student: str) -> dict[str, tuple[float, float | None, bool]]:
    with opened(room) as connection:
        query = """
            select base_cell.name, auto_score, manual_score, needs_manual_grade from grade
            join base_cell on base_cell.id = cell_id
            join submitted_notebook on submitted_notebook.id = grade.notebook_id
            join submitted_assignment on submitted_assignment.id = submitted_notebook.assignment_id
            where student_id = ?"""
        return {
            name: (auto, manual, bool(needs))
            for name, auto, manual, needs in connection.execute(query, [student])
        }


def mark_by_hand(room: Path, law: str, score: float, comment: str) -> None:
    with opened(room) as connection:
        cell = "(select id from base_cell where name = ?)"
        connection.execute(
            f"update grade set manual_score = ?, needs_manual_grade = 0 where cell_id = {cell}", (score, law)
        )
        connection.execute(
            f"update comment set manual_comment = ? where cell_id = {cell}",
            (comment, source.exercise_id("counts")),
        )


def comments(room: Path) -> list[str]:
    with opened(room) as connection:
        query = "select manual_comment from comment where manual_comment is not null"
        return [comment for (comment,) in connection.execute(query)]


# From Python 3.13 on, sqlite3 says so where a connection is left to the garbage collector, as nbgrader leaves its own.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_points_agree_with_nbgraders_own_export(course: Course, room: Path) -> None:
    from nbgrader.api import Gradebook
    from nbgrader.plugins import CsvExportPlugin

    half = attempt(course, "half", earned=lambda law: law.points // 2)
    given = [attempt(course, "ada"), attempt(course, "bob", earned=nothing), half]
    assert publish(room, course, given, {}) == []
    with Gradebook(f"sqlite:///{room / 'gradebook.db'}", "shortest-program") as book:
        CsvExportPlugin(to=str(room / "grades.csv")).export(book)
        book.engine.dispose()
    with (room / "grades.csv").open(encoding="utf-8") as file:
        exported = {
            row["student_id"]: (float(row["score"]), float(row["max_score"])) for row in csv.DictReader(file)
        }
    assert exported == {one.student: (one.points, one.possible) for one in given}
    laws = course.laws(LESSON, hidden=True)
    assert grades(room, "half") == {law.name: (law.points // 2, None, False) for law in laws}


def test_published_twice_is_published_once(course: Course, room: Path) -> None:
    given = [attempt(course, "ada"), attempt(course, "bob", earned=nothing)]
    publish(room, course, given, {})
    first = rows(room)
    publish(room, course, given, {})
    assert rows(room) == first
    assert len(first["grade"]) == 2 * len(course.laws(LESSON, hidden=True))


def test_of_two_attempts_the_last_counts(course: Course, room: Path) -> None:
    publish(room, course, [attempt(course, "ada", earned=nothing), attempt(course, "ada")], {})
    assert sum(auto for auto, _, _ in grades(room, "ada").values()) == attempt(course, "ada").points


def test_scores_and_comments_given_by_hand_are_kept(course: Course, room: Path) -> None:
    publish(room, course, [attempt(course, "ada", earned=nothing)], {})
    mark_by_hand(room, "counts", 0.5, "Nearly.")
    publish(room, course, [attempt(course, "ada", earned=nothing)], {})
    assert grades(room, "ada")["counts"] == (0.0, 0.5, False)
    publish(room, course, [attempt(course, "ada")], {})
    assert grades(room, "ada")["counts"] == (1.0, 0.5, True)  # a grader should look at it again
    assert comments(room) == ["Nearly."]


def test_what_the_grader_could_not_judge_waits_for_a_person(course: Course, room: Path) -> None:
    given = with_verdict(attempt(course, "ada"), "counts", outcome=Outcome.GRADER_ERROR, points=0)
    missing = dataclasses.replace(given, student="bob", verdicts=given.verdicts[1:])
    publish(room, course, [given, missing], {})
    for student in ("ada", "bob"):
        assert grades(room, student)["counts"] == (0.0, None, True)
        assert sum(needs for _, _, needs in grades(room, student).values()) == 1


def test_cells_are_registered_as_nbgrader_registers_them(
    course: Course, room: Path, tmp_path: Path, empty_book: Path
) -> None:
    from nbgrader import preprocessors
    from traitlets.config import Config

    publish(room, course, [attempt(course, "ada")], {})
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    shutil.copy(empty_book, theirs)
    # The steps of `nbgrader generate_assignment`, on the notebook that an instructor has in source/.
    content = built(course, solutions=True, graded=True)
    url = f"sqlite:///{theirs / 'gradebook.db'}"
    with formgrader._gradebook(theirs / "gradebook.db") as book:
        book.add_assignment(LESSON)
    resources: Any = {"nbgrader": {"notebook": LESSON, "assignment": LESSON, "db_url": url}}
    config = Config({"ClearSolutions": {"code_stub": {"python": CODE_STUB}}})
    for step in (
        "LockCells",
        "ClearSolutions",
        "ClearOutput",
        "CheckCellMetadata",
        "ComputeChecksums",
        "SaveCells",
    ):
        with_step = getattr(preprocessors, step)(config=config)
        content, resources = with_step.preprocess(content, resources)
        if step == "SaveCells":
            with_step.gradebook.engine.dispose()
    assert registered(room) == registered(theirs)


def registered(room: Path) -> list[list[tuple[Any, ...]]]:
    queries = (
        "select name, cell_type, locked, source, checksum from source_cell",
        "select name, max_score, cell_type from grade_cells join base_cell using (id)",
        "select name from solution_cells join base_cell using (id)",
        "select name from notebook",
    )
    with opened(room) as connection:
        return [sorted(connection.execute(query)) for query in queries]


class Fewer(Course):
    """The course before its first law was added."""

    def laws(self, name: str, *, hidden: bool) -> list[Law]:
        return super().laws(name, hidden=hidden)[1:]


def test_a_law_may_come_and_go(course: Course, room: Path) -> None:
    fewer = Fewer(course.root)
    first = course.laws(LESSON, hidden=True)[0].name
    publish(room, fewer, [attempt(fewer, "ada")], {})
    assert first not in grades(room, "ada")
    assert publish(room, course, [attempt(course, "ada")], {}) == []
    assert grades(room, "ada")[first][0] > 0
    assert publish(room, fewer, [attempt(fewer, "ada")], {}) == []
    assert first not in grades(room, "ada")
    assert len(rows(room)["source_cell"]) == len(formgrader._graded(fewer, LESSON).cells)


def test_a_law_that_a_grader_marked_does_not_vanish(course: Course, room: Path) -> None:
    fewer = Fewer(course.root)
    first = course.laws(LESSON, hidden=True)[0].name
    publish(room, course, [attempt(course, "ada")], {})
    mark_by_hand(room, first, 0.5, "")
    (note,) = publish(room, fewer, [attempt(fewer, "ada")], {})
    assert first in note
    assert grades(room, "ada")[first][1] == 0.5


def test_a_students_notebook_is_shown_by_its_answers(course: Course, room: Path, tmp_path: Path) -> None:
    content = built(course)
    content.cells.insert(1, new_code_cell("my_own_helper = 1"))
    path = written(tmp_path, "ada", content)
    publish(room, course, [attempt(course, "ada", path)], {("ada", LESSON): path})
    result = shown(room, "ada")
    assert set(answers(result)) == {
        source.exercise_id(exercise.name) for exercise in course.exercises(LESSON)
    }
    assert result.cells[0].source == "my_own_helper = 1"
    assert not [cell for cell in result.cells if cell.source.startswith(("check(", "from autograder.live"))]
    laws = [cell for cell in result.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    assert [cell.source for cell in laws] == [
        f'law("{law.name}")' for law in formgrader._by_exercise(course.laws(LESSON, hidden=True))
    ]


def test_an_archive_is_shown_as_the_notebook_in_it(course: Course, room: Path, tmp_path: Path) -> None:
    path, _ = submit(LESSON, written(tmp_path, "ada", built(course, solutions=True)), tmp_path)
    publish(room, course, [attempt(course, "ada", path)], {("ada", LESSON): path})
    assert "tally" in answers(shown(room, "ada"))[source.exercise_id("counts")]


def test_a_module_is_cut_where_its_exercises_are(course: Course, room: Path, tmp_path: Path) -> None:
    text = "import math\n\n\ndef counts(data):\n    return {}\n\n\nX = 1\n\n\ndef entropy(p):\n    return 0\n"
    path = written(tmp_path, "ada", text)
    publish(room, course, [attempt(course, "ada", path)], {("ada", LESSON): path})
    sources = [cell.source for cell in shown(room, "ada").cells]
    assert sources[:4] == [
        "import math",
        "def counts(data):\n    return {}",
        "X = 1",
        "def entropy(p):\n    return 0",
    ]


@pytest.mark.parametrize("text", ["def f(:\n", "(" * 100_000, "x = 1\n" * 200_000])
def test_a_module_that_can_not_be_cut_is_shown_whole_or_shortened(
    course: Course, room: Path, tmp_path: Path, text: str
) -> None:
    path = written(tmp_path, "ada", text)
    publish(room, course, [attempt(course, "ada", path, earned=nothing)], {("ada", LESSON): path})
    first = shown(room, "ada").cells[0].source
    assert first.startswith(text[:5])
    assert len(first) < formgrader.LONGEST_CELL + 100


def test_a_refused_submission_is_a_note_without_the_instructors_folders(
    course: Course, room: Path, tmp_path: Path
) -> None:
    path = written(tmp_path, "ada", built(course))
    path.write_text("no notebook", encoding="utf-8")
    problem = f"{path}: it is not a notebook"
    given = dataclasses.replace(attempt(course, "ada", path, earned=nothing), notes=(problem,))
    given = with_verdict(given, "counts", outcome=Outcome.NOT_RUN, because=f"the file was refused: {problem}")
    publish(room, course, [given], {("ada", LESSON): path})
    text = nbformat.writes(shown(room, "ada"))
    assert "# Note: entropy.ipynb: it is not a notebook" in text
    assert str(tmp_path) not in text


def test_a_file_that_was_changed_after_grading_is_not_shown(
    course: Course, room: Path, tmp_path: Path
) -> None:
    path = written(tmp_path, "ada", "x = 1\n")
    given = attempt(course, "ada", path)
    path.write_text("x = 2\n", encoding="utf-8")
    publish(room, course, [given], {("ada", LESSON): path})
    first = shown(room, "ada").cells[0].source
    assert "changed after it was judged" in first.replace("\n# ", " ")
    assert "x = 2" not in first


def hostile(course: Course) -> Any:
    content = built(course, solutions=True)
    script = "<script>document.title = 'owned'</script>"
    content.metadata["title"] = script
    content.metadata["kernelspec"]["name"] = script
    answer = next(cell for cell in content.cells if cell.id == source.exercise_id("entropy"))
    answer.source = f"def entropy(p):  # </pre>{script} \x1b[31m\u202e\n    return 0"
    answer.metadata["magics_language"] = script
    answer.outputs = [new_output("display_data", {"text/html": script, "text/plain": script})]
    given = next(cell for cell in content.cells if cell.id.startswith("given-"))
    given.source = script
    content.cells += [
        new_markdown_cell(script),
        nbformat.v4.new_raw_cell(script, metadata={"raw_mimetype": "text/html"}),
        new_code_cell(
            f"%%html\n{script}", metadata={"nbgrader": {"grade_id": script, "solution": True, "grade": True}}
        ),
    ]
    return content


def test_nothing_of_a_students_page_can_run_in_an_instructors_browser(
    course: Course, room: Path, tmp_path: Path
) -> None:
    from nbconvert.exporters import HTMLExporter

    path = written(tmp_path, "mallory", hostile(course))
    finding = Finding(
        "\x1b]0;x\x07<script>document.title = 'owned'</script>",
        {"data": "</pre><img src=x onerror=alert(1)>"},
    )
    given = with_verdict(
        attempt(course, "mallory", path), "counts", outcome=Outcome.FAILED, points=0, finding=finding
    )
    publish(room, course, [given], {("mallory", LESSON): path})
    result = shown(room, "mallory")
    assert [cell.source for cell in result.cells if cell.cell_type != "code"] == ["## The laws"]
    assert set(result.metadata) == {"kernelspec"}
    known = set(formgrader._graded(course, LESSON).cells)
    for cell in result.cells:
        assert set(cell.metadata) <= {"nbgrader", "deletable", "editable"}
        assert cell.metadata.get("nbgrader", {}).get("grade_id") in {None, *known}
        assert not set(cell.source) & set("\x1b\u202e\x07")
        for output in cell.get("outputs", []):
            assert set(output.data) == {"text/plain"}
            assert not set(output.data["text/plain"]) & set("\x1b\x07")
    page, _ = HTMLExporter(template_name="classic").from_notebook_node(result)
    assert "<script>document.title" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;document.title" in page


def test_a_hidden_law_shows_no_inputs(course: Course, room: Path) -> None:
    hidden = next(law for law in course.laws(LESSON, hidden=True) if law.hidden)
    finding = Finding("SECRET", {"data": "SECRET"}, "SECRET", "SECRET", "SECRET", "SECRET", category="wrong")
    given = with_verdict(
        attempt(course, "ada"),
        hidden.name,
        outcome=Outcome.FAILED,
        points=0,
        because="SECRET",
        finding=finding,
    )
    publish(room, course, [given], {})
    text = nbformat.writes(shown(room, "ada"))
    assert "SECRET" not in text
    assert hidden.hint in text


def test_a_name_that_nbgrader_would_not_escape_is_left_out_and_said(course: Course, room: Path) -> None:
    bad = ["<img src=x onerror=alert(1)>", "../ada", ".ada", "=1+1", "a,b", "[ab]", "a*", "", "a\nb"]
    good = "Ægir Ó. x@y.is"
    notes = publish(room, course, [attempt(course, name) for name in [*bad, good]], {})
    assert [note.split(" is not in")[0] for note in notes] == [repr(name) for name in bad]
    assert [path.name for path in (room / "autograded").iterdir()] == [good]
    assert [row[0] for row in rows(room)["student"]] == [good]


def test_a_lesson_that_the_course_no_longer_has_is_left_out_and_said(course: Course, room: Path) -> None:
    gone = dataclasses.replace(attempt(course, "ada"), lesson="alchemy")
    (note,) = publish(room, course, [gone], {})
    assert "alchemy" in note


def test_a_folder_that_is_no_nbgrader_course_is_refused(course: Course, tmp_path: Path) -> None:
    with pytest.raises(ShortestError, match=r"nbgrader_config\.py"):
        publish(tmp_path, course, [attempt(course, "ada")], {})
    assert list(tmp_path.iterdir()) == []

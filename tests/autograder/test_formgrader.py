"""Scores in nbgrader's gradebook are ours, law by law; what graders did stays; nothing of a student's page runs."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from autograder import formgrader, intake, nbgrader_book, nbgrader_page, notebook, source
from autograder.course import Course
from autograder.intake import Found
from autograder.model import Attempt, Finding, Job, Law, Outcome, Override, Score, ShortestError, Verdict
from autograder.release import CODE_STUB
from autograder.submit import submit

LESSON = "entropy"


@pytest.fixture(scope="session")
def empty_book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Start one gradebook, where nothing is on the path; each start costs nbgrader two seconds."""
    path = tmp_path_factory.mktemp("book") / "gradebook.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", "")
        with nbgrader_book.opened(f"sqlite:///{path}"):
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


def counted(given: Attempt, **changes: Any) -> Score:
    """Return the score of an attempt that counts as it is, but for the changes."""
    earned = changes.pop("earned", float(given.points))
    return Score(given, earned, changes.pop("points", earned), given.possible, **changes)


def publish(
    room: Path,
    course: Course,
    given: list[Attempt | Score],
    paths: dict[str, Path] | None = None,
    **more: Any,
) -> list[str]:
    """Publish scores, or attempts that count as they are; `paths` gives students' files."""

    def job(attempt: Attempt) -> Job | None:
        path = (paths or {}).get(attempt.student)
        return None if path is None else intake.load(Found(attempt.student, attempt.lesson, path))

    scores = [one if isinstance(one, Score) else counted(one) for one in given]
    return formgrader.publish(room, course, scores, job, **more)


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


def comments(room: Path, kind: str = "manual_comment") -> list[str]:
    with opened(room) as connection:
        query = f"select {kind} from comment where {kind} is not null"
        return [comment for (comment,) in connection.execute(query)]


def exported(room: Path) -> dict[str, tuple[float, float]]:
    """Return each student's score and the points possible, by nbgrader's own export."""
    from nbgrader.api import Gradebook
    from nbgrader.plugins import CsvExportPlugin

    with Gradebook(f"sqlite:///{room / 'gradebook.db'}", "shortest-program") as book:
        CsvExportPlugin(to=str(room / "grades.csv")).export(book)
        book.engine.dispose()
    with (room / "grades.csv").open(encoding="utf-8") as file:
        return {
            row["student_id"]: (float(row["score"]), float(row["max_score"])) for row in csv.DictReader(file)
        }


# From Python 3.13 on, sqlite3 says so where a connection is left to the garbage collector, as nbgrader leaves its own.
nbgrader_leaves_connections = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@nbgrader_leaves_connections
def test_points_agree_with_nbgraders_own_export(course: Course, room: Path) -> None:
    half = attempt(course, "half", earned=lambda law: law.points // 2)
    given = [attempt(course, "ada"), attempt(course, "bob", earned=nothing), half]
    assert publish(room, course, given) == []
    assert exported(room) == {one.student: (one.points, one.possible) for one in given}
    laws = course.laws(LESSON, hidden=True)
    assert grades(room, "half") == {law.name: (law.points // 2, None, False) for law in laws}


@nbgrader_leaves_connections
def test_lateness_and_overrides_agree_with_nbgraders_own_export(course: Course, room: Path) -> None:
    full, zero = attempt(course, "ada"), attempt(course, "bob", earned=nothing)
    counts = Override("bob", LESSON, "counts", 0.5, "lecturer", "nearly")
    whole = Override("cyn", LESSON, "", 3.5, "lecturer", "an oral exam")
    third = full.points / 3
    given = [
        counted(full, points=full.points * 0.8, penalty=0.2, days_late=2),
        counted(zero, earned=0.5, points=0.25, penalty=0.5, days_late=5, overrides=(counts,)),
        counted(dataclasses.replace(full, student="cyn"), earned=3.5, overrides=(whole,)),
        counted(dataclasses.replace(full, student="dan"), points=third, penalty=2 / 3, days_late=9),
    ]
    publish(room, course, given)
    assert exported(room) == {
        score.attempt.student: (pytest.approx(score.points), score.possible) for score in given
    }
    publish(room, course, [counted(full)])  # an extension was granted
    assert exported(room)["ada"] == (full.points, full.possible)


@nbgrader_leaves_connections
def test_a_graders_points_are_late_too(course: Course, room: Path) -> None:
    publish(room, course, [attempt(course, "ada", earned=nothing)])
    mark_by_hand(room, "counts", 1.0, "")
    publish(room, course, [counted(attempt(course, "ada", earned=nothing), points=0.0, penalty=0.25)])
    assert exported(room)["ada"][0] == 0.75


class NoDeadline:
    """Settings in which no lesson has a deadline."""

    def deadline(self, *_: str) -> None:
        return None


@nbgrader_leaves_connections
def test_without_a_deadline_of_ours_nbgraders_own_penalty_stays(course: Course, room: Path) -> None:
    full = attempt(course, "ada")
    publish(room, course, [full])
    with opened(room) as connection:
        connection.execute("update submitted_notebook set late_submission_penalty = 1.5")
    publish(room, course, [full], settings=NoDeadline())
    assert exported(room)["ada"][0] == full.points - 1.5


def test_published_twice_is_published_once(course: Course, room: Path) -> None:
    given = [attempt(course, "ada"), attempt(course, "bob", earned=nothing)]
    publish(room, course, given)
    first = rows(room)
    publish(room, course, given)
    assert rows(room) == first
    assert len(first["grade"]) == 2 * len(course.laws(LESSON, hidden=True))


def test_scores_and_comments_given_by_hand_are_kept(course: Course, room: Path) -> None:
    publish(room, course, [attempt(course, "ada", earned=nothing)])
    mark_by_hand(room, "counts", 0.5, "Nearly.")
    publish(room, course, [attempt(course, "ada", earned=nothing)])
    assert grades(room, "ada")["counts"] == (0.0, 0.5, False)
    publish(room, course, [attempt(course, "ada")])
    assert grades(room, "ada")["counts"] == (1.0, 0.5, True)  # a grader should look at it again
    assert comments(room) == ["Nearly."]


def test_an_override_stands_where_ours_stands_and_a_graders_score_counts_before_it(
    course: Course, room: Path
) -> None:
    given = with_verdict(attempt(course, "ada"), "counts", outcome=Outcome.GRADER_ERROR, points=0)
    publish(room, course, [given])
    first = Override("ada", LESSON, "counts", 0.25, "lecturer", "*see* <b>below</b>")
    publish(room, course, [counted(given, overrides=(first,))])
    assert grades(room, "ada")["counts"] == (0.25, None, False)  # a person has decided
    title = next(law.title for law in course.laws(LESSON, hidden=True) if law.name == "counts")
    said = (
        f"    {title} 0.25 points from lecturer: *see* <b>below</b>"  # indented, so that Markdown leaves it
    )
    assert comments(room, "auto_comment") == [said]
    mark_by_hand(room, "counts", 0.75, "Mine.")
    second = dataclasses.replace(first, points=1.0)
    publish(room, course, [counted(given, overrides=(second,))])
    assert grades(room, "ada")["counts"] == (1.0, 0.75, True)
    assert comments(room) == ["Mine."]
    publish(room, course, [given])
    assert comments(room, "auto_comment") == []


def test_an_override_of_the_whole_lesson_is_spread_by_what_the_laws_are_worth(
    course: Course, room: Path
) -> None:
    given = attempt(course, "ada", earned=nothing)
    whole = Override("ada", LESSON, "", given.possible / 2, "lecturer", "an oral exam")
    publish(room, course, [counted(given, earned=whole.points, overrides=(whole,))])
    laws = course.laws(LESSON, hidden=True)
    assert {name: auto for name, (auto, _, _) in grades(room, "ada").items()} == {
        law.name: pytest.approx(law.points / 2) for law in laws
    }


def test_a_misconception_is_a_comment_on_its_exercise(course: Course, room: Path) -> None:
    given = dataclasses.replace(attempt(course, "ada"), misconceptions={"counts": "Bytes are not bits."})
    publish(room, course, [given])
    assert comments(room, "auto_comment") == ["    Bytes are not bits."]


def test_a_comment_is_shown_as_it_is_by_nbgraders_feedback(course: Course, room: Path) -> None:
    from nbconvert.filters import markdown2html

    hostile = (
        "<script>alert(1)</script> [x](javascript:alert(1))\n\n</code></pre><img src=x onerror=alert(1)>\x1b"
    )
    page = markdown2html(nbgrader_book.literal(hostile))
    assert not re.search(r"<(?!/?(?:pre|code)>)", page)
    assert "\x1b" not in page


def test_what_the_grader_could_not_judge_waits_for_a_person(course: Course, room: Path) -> None:
    given = with_verdict(attempt(course, "ada"), "counts", outcome=Outcome.GRADER_ERROR, points=0)
    missing = dataclasses.replace(given, student="bob", verdicts=given.verdicts[1:])
    publish(room, course, [given, missing])
    for student in ("ada", "bob"):
        assert grades(room, student)["counts"] == (0.0, None, True)
        assert sum(needs for _, _, needs in grades(room, student).values()) == 1


def test_cells_are_registered_as_nbgrader_registers_them(
    course: Course, room: Path, tmp_path: Path, empty_book: Path
) -> None:
    from nbgrader import preprocessors
    from traitlets.config import Config

    publish(room, course, [attempt(course, "ada")])
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    shutil.copy(empty_book, theirs)
    # The steps of `nbgrader generate_assignment`, on the notebook that an instructor has in source/.
    content = built(course, solutions=True, graded=True)
    url = f"sqlite:///{theirs / 'gradebook.db'}"
    with nbgrader_book.opened(url) as book:
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
    publish(room, fewer, [attempt(fewer, "ada")])
    assert first not in grades(room, "ada")
    assert publish(room, course, [attempt(course, "ada")]) == []
    assert grades(room, "ada")[first][0] > 0
    assert publish(room, fewer, [attempt(fewer, "ada")]) == []
    assert first not in grades(room, "ada")
    assert len(rows(room)["source_cell"]) == len(nbgrader_book.graded(fewer, LESSON).cells)


def test_a_law_that_a_grader_marked_does_not_vanish(course: Course, room: Path) -> None:
    fewer = Fewer(course.root)
    first = course.laws(LESSON, hidden=True)[0].name
    publish(room, course, [attempt(course, "ada")])
    mark_by_hand(room, first, 0.5, "")
    (note,) = publish(room, fewer, [attempt(fewer, "ada")])
    assert first in note
    assert grades(room, "ada")[first][1] == 0.5


def test_a_students_notebook_is_shown_by_its_answers(course: Course, room: Path, tmp_path: Path) -> None:
    content = built(course)
    content.cells.insert(1, new_code_cell("my_own_helper = 1"))
    path = written(tmp_path, "ada", content)
    publish(room, course, [attempt(course, "ada", path)], {"ada": path})
    result = shown(room, "ada")
    assert set(answers(result)) == {
        source.exercise_id(exercise.name) for exercise in course.exercises(LESSON)
    }
    assert result.cells[0].source == "my_own_helper = 1"
    assert not [cell for cell in result.cells if cell.source.startswith(("check(", "from autograder.live"))]
    laws = [cell for cell in result.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    assert [cell.source for cell in laws] == [
        f'law("{law.name}")' for law in nbgrader_page.by_exercise(course.laws(LESSON, hidden=True))
    ]


def test_an_archive_is_shown_as_the_notebook_in_it(course: Course, room: Path, tmp_path: Path) -> None:
    path, _ = submit(LESSON, written(tmp_path, "ada", built(course, solutions=True)), tmp_path)
    publish(room, course, [attempt(course, "ada", path)], {"ada": path})
    assert "tally" in answers(shown(room, "ada"))[source.exercise_id("counts")]


def test_a_module_is_cut_where_its_exercises_are(course: Course, room: Path, tmp_path: Path) -> None:
    text = "import math\n\n\ndef counts(data):\n    return {}\n\n\nX = 1\n\n\ndef entropy(p):\n    return 0\n"
    path = written(tmp_path, "ada", text)
    publish(room, course, [attempt(course, "ada", path)], {"ada": path})
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
    publish(room, course, [attempt(course, "ada", path, earned=nothing)], {"ada": path})
    first = shown(room, "ada").cells[0].source
    assert first.startswith(text[:5])
    assert len(first) < nbgrader_page.LONGEST_CELL + 100


def test_a_refused_submission_is_a_note_and_a_comment_without_the_instructors_folders(
    course: Course, room: Path, tmp_path: Path
) -> None:
    path = written(tmp_path, "ada", built(course))
    path.write_text("no notebook", encoding="utf-8")
    with pytest.raises(ShortestError) as refusal:
        intake.read(intake.load(Found("ada", LESSON, path)), course.source(LESSON))
    note = f"the file was refused: {refusal.value}"
    verdicts = tuple(
        Verdict(law.name, Outcome.NOT_RUN, 0, law.points, note) for law in course.laws(LESSON, hidden=True)
    )
    given = dataclasses.replace(attempt(course, "ada", path), verdicts=verdicts, notes=(note,))
    publish(room, course, [given], {"ada": path})
    text = nbformat.writes(shown(room, "ada"))
    assert text.count("# Note: ") == 1
    assert "# Note: the file was refused: entropy.ipynb: it is not a notebook" in text
    assert str(tmp_path) not in text + "".join(comments(room, "auto_comment"))
    assert set(comments(room, "auto_comment")) == {f"    {note}"}


@pytest.mark.parametrize(
    "text", ["[]", "no notebook", '{"cells": 1}', "[" * 100_000, '{"cells": [[], {"source": 1}]}']
)
def test_a_file_that_should_be_a_notebook_and_is_none_does_no_harm(
    course: Course, room: Path, tmp_path: Path, text: str
) -> None:
    path = written(tmp_path, "ada", built(course))
    path.write_text(text, encoding="utf-8")
    publish(room, course, [attempt(course, "ada", path)], {"ada": path})
    assert len(answers(shown(room, "ada"))) == 0
    assert sum(auto for auto, _, _ in grades(room, "ada").values()) == attempt(course, "ada").points


def test_a_file_that_was_changed_after_grading_is_not_shown(
    course: Course, room: Path, tmp_path: Path
) -> None:
    path = written(tmp_path, "ada", "x = 1\n")
    given = attempt(course, "ada", path)
    path.write_text("x = 2\n", encoding="utf-8")
    publish(room, course, [given], {"ada": path})
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
    publish(room, course, [given], {"mallory": path})
    result = shown(room, "mallory")
    assert [cell.source for cell in result.cells if cell.cell_type != "code"] == ["## The laws"]
    assert set(result.metadata) == {"kernelspec"}
    known = set(nbgrader_book.graded(course, LESSON).cells)
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
    publish(room, course, [given])
    text = nbformat.writes(shown(room, "ada"))
    assert "SECRET" not in text
    assert hidden.hint in text


def test_a_name_that_nbgrader_would_not_escape_is_left_out_and_said(course: Course, room: Path) -> None:
    bad = ["<img src=x onerror=alert(1)>", "../ada", ".ada", "=1+1", "a,b", "[ab]", "a*", "", "a\nb"]
    good = "Ægir Ó. x@y.is"
    notes = publish(room, course, [attempt(course, name) for name in [*bad, good]])
    assert [note.split(" is not in")[0] for note in notes] == [repr(name) for name in bad]
    assert [path.name for path in (room / "autograded").iterdir()] == [good]
    assert [row[0] for row in rows(room)["student"]] == [good]


def test_a_lesson_that_the_course_no_longer_has_is_left_out_and_said(course: Course, room: Path) -> None:
    gone = dataclasses.replace(attempt(course, "ada"), lesson="alchemy")
    (note,) = publish(room, course, [gone])
    assert "alchemy" in note


def test_a_folder_that_is_no_nbgrader_course_is_refused(course: Course, tmp_path: Path) -> None:
    with pytest.raises(ShortestError, match=r"nbgrader_config\.py"):
        publish(tmp_path, course, [attempt(course, "ada")])
    assert list(tmp_path.iterdir()) == []


def api(room: Path) -> Any:
    """Return what formgrader's pages ask."""
    from nbgrader.apps.api import NbGraderAPI
    from nbgrader.coursedir import CourseDirectory

    return NbGraderAPI(CourseDirectory(root=str(room), course_id="shortest-program"))


def status(room: Path) -> dict[str, tuple[bool, float, str | None]]:
    (room / "source" / LESSON).mkdir(parents=True, exist_ok=True)
    return {
        row["student"]: (row["autograded"], row["score"], row["timestamp"])
        for row in api(room).get_submissions(LESSON)
    }


@nbgrader_leaves_connections
def test_formgrader_counts_the_submissions_and_calls_none_ungraded(
    course: Course, room: Path, tmp_path: Path
) -> None:
    paths = {name: written(tmp_path / "in", name, built(course, solutions=True)) for name in ("ada", "bob")}
    late = dataclasses.replace(attempt(course, "ada", paths["ada"]), received="2026-03-01T12:00:00+01:00")
    collected = room / "submitted" / "cyn" / LESSON
    collected.mkdir(parents=True)
    shutil.copy(paths["bob"], collected / f"{LESSON}.ipynb")
    (collected / "timestamp.txt").write_text("2026-03-02 10:00:00.250000 UTC\n", encoding="utf-8")
    given = [late, attempt(course, "bob", paths["bob"]), attempt(course, "cyn", paths["bob"])]
    publish(room, course, given, {**paths, "cyn": paths["bob"]})
    full = late.points
    assert status(room) == {
        "ada": (True, full, "2026-03-01T11:00:00"),
        "bob": (True, full, None),
        "cyn": (True, full, "2026-03-02T10:00:00.250000"),
    }
    assert api(room).get_assignment(LESSON)["num_submissions"] == 3


def copies(room: Path) -> dict[str, bytes]:
    folder = room / "submitted"
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_a_copy_of_ours_gives_way_to_the_attempt_that_counts(
    course: Course, room: Path, tmp_path: Path
) -> None:
    first, second = (
        written(tmp_path / name, "ada", built(course, solutions=name == "b")) for name in ("a", "b")
    )
    module = written(tmp_path, "ada", "x = 1\n")
    for path in (first, second, module):
        publish(room, course, [attempt(course, "ada", path)], {"ada": path})
        assert copies(room) == {f"ada/{LESSON}/{LESSON}{path.suffix}": path.read_bytes()}


@pytest.mark.parametrize(
    "place", [f"ada/{LESSON}/{LESSON}.ipynb", f"ada/{LESSON}.ipynb", f"ada/{LESSON}/notes.txt"]
)
def test_what_anybody_else_put_into_submitted_is_never_touched(
    course: Course, room: Path, tmp_path: Path, place: str
) -> None:
    path = written(tmp_path, "ada", built(course, solutions=True))
    other = room / "submitted" / place
    other.parent.mkdir(parents=True)
    other.write_bytes(b"theirs")
    publish(room, course, [attempt(course, "ada", path)], {"ada": path})
    assert copies(room) == {place: b"theirs"}


def test_a_copy_that_somebody_changed_is_theirs(course: Course, room: Path, tmp_path: Path) -> None:
    first, second = (
        written(tmp_path / name, "ada", built(course, solutions=name == "b")) for name in ("a", "b")
    )
    publish(room, course, [attempt(course, "ada", first)], {"ada": first})
    (place,) = copies(room)
    (room / "submitted" / place).write_bytes(b"theirs")
    publish(room, course, [attempt(course, "ada", second)], {"ada": second})
    assert copies(room) == {place: b"theirs"}


def test_no_copy_is_written_through_a_link(course: Course, room: Path, tmp_path: Path) -> None:
    path = written(tmp_path, "ada", built(course, solutions=True))
    (tmp_path / "elsewhere").mkdir()
    (room / "submitted").mkdir()
    (room / "submitted" / "ada").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    publish(room, course, [attempt(course, "ada", path)], {"ada": path})
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("moves", range(4))
def test_copying_that_was_cut_short_is_finished_by_the_next_run(
    course: Course, room: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moves: int
) -> None:
    first, second = (
        written(tmp_path / name, "ada", built(course, solutions=name == "b")) for name in ("a", "b")
    )
    when = "2026-03-01T12:00:00+00:00"
    publish(room, course, [dataclasses.replace(attempt(course, "ada", first), received=when)], {"ada": first})
    later = [dataclasses.replace(attempt(course, "ada", second), received="2026-03-02T12:00:00+00:00")]
    original, done = Path.replace, []

    def replace(self: Path, target: Path) -> Path:
        if len(done) == moves:
            raise KeyboardInterrupt
        done.append(target)
        return original(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace)
        with pytest.raises(KeyboardInterrupt):
            publish(room, course, later, {"ada": second})
    publish(room, course, later, {"ada": second})
    found = copies(room)
    assert found[f"ada/{LESSON}/{LESSON}.ipynb"] == second.read_bytes()
    assert found[f"ada/{LESSON}/timestamp.txt"] == b"2026-03-02 12:00:00.000000 UTC"


def test_the_page_says_what_changed_the_points(course: Course, room: Path, tmp_path: Path) -> None:
    path = written(tmp_path, "ada", built(course))
    whole = Override("ada", LESSON, "", 3.5, "lecturer", "an oral exam")
    law = Override("ada", LESSON, "counts", 0.5, "lecturer", "nearly \x1b[31m")
    given = counted(
        attempt(course, "ada", path), attempts=3, penalty=0.25, days_late=2, overrides=(whole, law)
    )
    publish(room, course, [given], {"ada": path})
    cells = shown(room, "ada").cells
    assert [cell.source for cell in cells[:3]] == [
        "# Note: there are 3 attempts; this is the one that counts",
        "# Note: it came 2 days late, which costs 25% of its points",
        "# Note: the whole lesson: 3.5 points from lecturer: an oral exam",
    ]
    (output,) = next(cell for cell in cells if cell.source == 'law("counts")').outputs
    assert output.data["text/plain"].endswith("\n0.5 points from lecturer: nearly \\x1b[31m")

"""A lesson's notebook: a stub a cell, no solution, stable ids, and for nbgrader a cell a law."""

from __future__ import annotations

import nbformat
import pytest

from autograder import notebook, source
from autograder.course import Course
from autograder.intake import from_notebook
from autograder.model import ShortestError


def built(course: Course, name: str = "twice", **options: bool) -> nbformat.NotebookNode:
    laws = course.laws(name, hidden=options.get("graded", False))
    return notebook.build(course.lesson(name), course.source(name), laws, **options)


def cells(book: nbformat.NotebookNode, kind: str = "code") -> dict[str, str]:
    return {cell["id"]: cell["source"] for cell in book.cells if cell["cell_type"] == kind}


def test_every_exercise_has_its_cell_and_a_check_after_it(small: Course) -> None:
    names = list(cells(built(small)))
    assert names[0] == "setup"
    for exercise in ("double", "halve", "is_double"):
        assert names[names.index(f"exercise-{exercise}") + 1] == f"check-{exercise}"


def test_a_students_notebook_holds_stubs_and_a_solved_one_the_solution(small: Course) -> None:
    student, solved = cells(built(small)), cells(built(small, solutions=True))
    assert "is not started" in student["exercise-double"]
    assert "FACTOR * number" not in "".join(student.values())
    assert "FACTOR * number" in solved["exercise-double"]


def test_given_code_is_locked_and_stands_before_what_uses_it(small: Course) -> None:
    book = built(small)
    given = next(cell for cell in book.cells if "FACTOR = 2" in cell["source"])
    assert given["metadata"]["nbgrader"]["locked"]
    assert not given["metadata"]["nbgrader"]["solution"]
    assert list(cells(book)).index(given["id"]) < list(cells(book)).index("exercise-double")


def test_the_same_lesson_gives_the_same_file(small: Course) -> None:
    assert nbformat.writes(built(small)) == nbformat.writes(built(small))


def test_for_nbgrader_each_law_is_a_grade_cell_worth_its_points(small: Course) -> None:
    book = built(small, graded=True)
    grades = [cell["metadata"]["nbgrader"] for cell in book.cells if cell["id"].startswith("law-")]
    laws = small.laws("twice", hidden=True)
    assert [(g["grade_id"], g["points"], g["grade"]) for g in grades] == [
        (law.name, law.points, True) for law in laws
    ]
    assert not any(cell["id"].startswith("law-") for cell in built(small).cells)


def test_every_lesson_of_the_course_survives_the_way_through_a_notebook(course: Course) -> None:
    for name, lesson in course.lessons.items():
        book = built(course, name, solutions=True)
        text, _, problems, notes = from_notebook(
            nbformat.writes(book).encode(), lesson.page, course.source(name), name
        )
        assert (problems, notes) == ({}, [])
        compile(text, name, "exec")
        exercises = [exercise.name for exercise in course.exercises(name)]
        assert source.defined_names(text) == source.defined_names(course.source(name))
        assert [cell for cell in cells(book) if cell.startswith("exercise-")] == [
            f"exercise-{exercise}" for exercise in exercises
        ]


def test_a_module_with_a_misplaced_marker_makes_no_notebook(small: Course) -> None:
    broken = small.source("twice").replace("    ### END SOLUTION\n", "", 1)
    with pytest.raises(ShortestError, match=r"twice: line \d+"):
        notebook.build(small.lesson("twice"), broken, [])

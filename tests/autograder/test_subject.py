"""A notebook's cell that raises when it is run costs its own exercise; a module that raises costs everything."""

from __future__ import annotations

from collections.abc import Callable

import nbformat
import pytest

from autograder import intake, notebook
from autograder.course import Course
from autograder.model import Job, Submission
from autograder.sandbox import Unsandboxed
from autograder.subject import opened


@pytest.fixture
def read(small: Course) -> Callable[..., Submission]:
    """Give a function that reads a solved notebook with other texts in some of its cells."""

    def run(**cells: str) -> Submission:
        module = small.source("twice")
        book = notebook.build(small.lesson("twice"), module, [], solutions=True)
        for cell in book.cells:
            for name, text in cells.items():
                if cell["id"] == f"exercise-{name}":
                    cell["source"] = text
        return intake.read(Job("ada", "twice", "twice.ipynb", nbformat.writes(book).encode()), module)

    return run


def loaded(small: Course, submission: Submission) -> Submission:
    with opened(submission, {}, Unsandboxed(), small.lesson("twice").limits) as (subject, mended):
        if mended.problems and "double" not in mended.problems:
            subject.begin(5.0)
            assert subject.fixture("twice").double(4) == 8  # the others can be judged
        return mended


def test_what_loads_is_left_as_it_is(small: Course, read: Callable[..., Submission]) -> None:
    submission = read()
    assert loaded(small, submission) is submission


@pytest.mark.parametrize("text", ["1 / 0", "def halve(n): return n\n\nnothing(5)", "raise SystemExit"])
def test_a_cell_that_raises_costs_its_exercise_alone(
    small: Course, read: Callable[..., Submission], text: str
) -> None:
    mended = loaded(small, read(halve=text))
    assert list(mended.problems) == ["halve"]
    assert mended.problems["halve"].startswith("the cell of halve: the file does not load: ")
    assert "def double" in mended.source
    assert "def halve" not in mended.source


def test_each_of_two_such_cells_is_left_out(small: Course, read: Callable[..., Submission]) -> None:
    mended = loaded(small, read(double="1 / 0", is_double="{}['x']"))
    assert list(mended.problems) == ["double", "is_double"]
    assert "ZeroDivisionError" in mended.problems["double"]
    assert "KeyError" in mended.problems["is_double"]
    assert len(mended.source.split("\n")) == len(read(double="1 / 0", is_double="{}['x']").source.split("\n"))


def test_a_module_that_raises_is_not_mended(small: Course) -> None:
    text = small.source("twice") + "\n1 / 0\n"
    submission = intake.read(Job("ada", "twice", "twice.py", text.encode()), small.source("twice"))
    assert loaded(small, submission) is submission

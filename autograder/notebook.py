"""A lesson as a notebook, for a student or for nbgrader: built from the page, the module and the laws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder import page, source
from autograder.model import Law, Lesson
from autograder.source import Segment

SETUP = """\
# This cell finds the course and your earlier lessons. Run it first.
from autograder.live import begin, check, law

begin("{name}")"""


def build(
    lesson: Lesson, module: str, laws: Sequence[Law], *, solutions: bool = False, graded: bool = False
) -> Any:
    """Return the lesson's notebook.

    `module` is the module's text, with or without solutions; unless `solutions` is true, what stands between
    its markers is replaced by stubs. `graded` adds one cell a law, worth its points, as nbgrader wants it.
    """
    segments = _segments(module, lesson.name, solutions=solutions)
    cells = [_code("setup", SETUP.format(name=lesson.name), _locked("setup"))]
    for block in page.parse(lesson.page.read_text(encoding="utf-8")):
        if isinstance(block, page.Prose):
            cells.append(new_markdown_cell(page.plain_markdown(block.text)))
        elif isinstance(block, page.Demo):
            cells.append(new_code_cell(block.code, metadata={"tags": list(block.tags)}))
        else:
            cells += _exercise_cells(block.name, segments)
    cells += [_given_cell(number, segment) for number, segment in segments if not segment.exercise]
    if graded:
        cells.append(new_markdown_cell("## The laws\n\nEach cell below is one law, worth its points."))
        cells += [_law_cell(law) for law in laws]
    metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "shortest": {"lesson": lesson.name},
    }
    _number(cells)
    notebook = new_notebook(cells=cells, metadata=metadata)
    nbformat.validate(notebook)
    return notebook


def _segments(module: str, name: str, *, solutions: bool) -> list[tuple[int, Segment]]:
    """Cut the module while it has its markers, and only then put the stubs in; each segment keeps its number."""
    marked = source.segments(module, name)
    texts = (segment.text if solutions else source.stub(segment.text, name) for segment in marked)
    return [(i, Segment(s.exercise, text)) for i, (s, text) in enumerate(zip(marked, texts, strict=True), 1)]


def _exercise_cells(name: str, segments: list[tuple[int, Segment]]) -> list[Any]:
    """Take the given code that stands before an exercise, and the exercise, off the list."""
    cells = []
    while segments:
        number, segment = segments.pop(0)
        if not segment.exercise:
            cells.append(_given_cell(number, segment))
            continue
        identity = source.exercise_id(segment.exercise)
        metadata = {"nbgrader": _nbgrader(identity, solution=True, locked=False)}
        cells.append(_code(identity, segment.text.strip("\n"), metadata))
        cells.append(_code(f"check-{segment.exercise}", f'check("{segment.exercise}")', {}))
        if segment.exercise == name:
            break
    return cells


def _given_cell(number: int, segment: Segment) -> Any:
    identity = f"given-{number}"
    return _code(identity, segment.text.strip("\n"), _locked(identity))


def _law_cell(law: Law) -> Any:
    metadata = {"nbgrader": _nbgrader(law.name, grade=True, points=law.points)}
    return _code(f"law-{law.name}"[:64], f'law("{law.name}")', metadata)


def _locked(identity: str) -> dict[str, Any]:
    return {"nbgrader": _nbgrader(identity)}


def _nbgrader(
    identity: str,
    *,
    grade: bool = False,
    solution: bool = False,
    locked: bool = True,
    points: int | None = None,
) -> dict[str, Any]:
    metadata = {
        "grade_id": identity,
        "grade": grade,
        "solution": solution,
        "locked": locked,
        "task": False,
        "schema_version": 3,
        "cell_type": "code",
    }
    return metadata if points is None else {**metadata, "points": points}


def _code(identity: str, text: str, metadata: dict[str, Any]) -> Any:
    cell = new_code_cell(text, metadata=metadata)
    cell["id"] = identity
    return cell


def _number(cells: list[Any]) -> None:
    # nbformat gives random ids; the same lesson should give the same file.
    for number, cell in enumerate(cells, 1):
        if not cell["metadata"].get("nbgrader") and not cell["id"].startswith("check-"):
            cell["id"] = f"cell-{number}"

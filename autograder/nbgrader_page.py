"""The notebook that formgrader and `generate_feedback` show: a student's work, and our verdict below each law.

Nothing of a submission is run. All of it is shown as code cells, which are escaped where they are rendered:
a student's Markdown could bring a script into an instructor's Jupyter session.
"""

from __future__ import annotations

import ast
import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder import feedback, intake, nbgrader_book, source
from autograder.grade import REFUSED
from autograder.markup import visible
from autograder.model import Attempt, Job, Law, Score, ShortestError
from autograder.nbgrader_book import KERNEL, Graded

LONGEST_CELL = 20_000
LONGEST_MODULE = 1_000_000  # a longer one is not parsed: that takes a hundred times its size
MOST_CELLS = 300


def page(lesson: Graded, score: Score, job: Job | None) -> str:
    """Return the notebook's text; `job` is what was judged, with its bytes, where that is known."""
    shown = new_notebook(
        cells=[*_student_cells(lesson, score, job), *_law_cells(lesson, score)],
        metadata={"kernelspec": dict(KERNEL)},
    )
    for number, cell in enumerate(shown.cells, 1):
        cell["id"] = f"cell-{number}"
    nbformat.validate(shown)
    return str(nbformat.writes(shown)) + "\n"


def _law_cells(lesson: Graded, score: Score) -> Iterator[Any]:
    """Yield the law cells as they were released, each with its verdict as plain text below it."""
    yield new_markdown_cell("## The laws")
    attempt = score.attempt
    given = {override.law: f"\n{nbgrader_book.given(override)}" for override in score.overrides}
    view = feedback.as_json(
        attempt.student, [attempt], {attempt.lesson: lesson.laws}, {attempt.lesson: lesson.lesson}
    )[0]
    shown = [law for exercise in view["exercises"] for law in exercise["laws"]]
    for law, row in zip(by_exercise(lesson.laws), shown, strict=False):
        cell = nbformat.from_dict(lesson.cells[law.name])
        text = _verdict_text(row) + visible(given.get(law.name, ""))
        cell["outputs"] = [nbformat.v4.new_output("execute_result", {"text/plain": text})]
        yield cell


def by_exercise(laws: Sequence[Law]) -> list[Law]:
    """Put the laws into the order in which feedback shows them: exercise by exercise."""
    order = list(dict.fromkeys(law.exercise for law in laws))
    return sorted(laws, key=lambda law: order.index(law.exercise))


def _verdict_text(row: Mapping[str, Any]) -> str:
    lines = [
        f"{row['outcome']}: {row['points']} of {row['possible']} points",
        row["title"],
        row.get("what", ""),
    ]
    lines += [f"{name} = {value}" for name, value in row.get("example", {}).items()]
    lines += [f"{key}: {row[key]}" for key in ("call", "expected", "got", "where", "hint") if row.get(key)]
    return "\n".join(line for line in lines if line)


def _student_cells(lesson: Graded, score: Score, job: Job | None) -> list[Any]:
    """Return what the student wrote as code cells, after notes on it: there, why it can't be shown."""
    cells: list[Any] = []
    notes = [*score.attempt.notes, *_remarks(score)]
    try:
        if job is None:
            raise ShortestError("the submitted file was not found when the scores were published")
        name, content = _content(score.attempt, job)
        if name.endswith(".ipynb"):
            cells += _notebook_cells(lesson, content)
        else:
            cells += _module_cells(lesson, intake.decode_python(content, Path(name)))
    except ShortestError as problem:
        if not any(str(problem) in note for note in notes):
            notes.append(str(problem))
    return [new_code_cell(_remark(note)) for note in dict.fromkeys(notes)] + cells


def _remarks(score: Score) -> Iterator[str]:
    """Yield what else a grader should know of the score."""
    if score.attempts > 1:
        yield f"there are {score.attempts} attempts; this is the one that counts"
    if score.penalty:
        days = "1 day" if score.days_late == 1 else f"{score.days_late} days"
        yield f"it came {days} late, which costs {score.penalty:.0%} of its points"
    for override in score.overrides:
        if not override.law:
            yield f"the whole lesson: {nbgrader_book.given(override)}"


def _content(attempt: Attempt, job: Job) -> tuple[str, bytes]:
    """Return the name and the bytes of the student's file, out of its archive where it is in one.

    Raises ShortestError where it was refused, or where it isn't the file that was judged.
    """
    if refused := [note for note in attempt.notes if note.startswith(REFUSED)]:
        raise ShortestError(refused[0])
    if job.sha256 != attempt.sha256:
        raise ShortestError("the file was changed after it was judged; grade it again")
    return intake.unpack(job) if job.name.endswith(".zip") else (job.name, job.data)


def _notebook_cells(lesson: Graded, content: bytes) -> Iterator[Any]:
    """Yield the cells that differ from the released ones: answers by name, everything else as plain code."""
    seen: set[str] = set()
    cells = _cells(content)
    for cell in cells[:MOST_CELLS]:
        text, identity = _text(cell), _identity(cell)
        exercise = (
            identity if identity.startswith(source.exercise_id("")) and identity in lesson.cells else ""
        )
        if exercise and cell.get("cell_type") == "code" and exercise not in seen:
            seen.add(exercise)
            answer = nbformat.from_dict(lesson.cells[exercise])
            answer["source"] = _cut(text)
            yield answer
        elif text.strip() and text not in lesson.released:
            yield new_code_cell(_cut(text) if cell.get("cell_type") == "code" else _comment(text))
    if len(cells) > MOST_CELLS:
        yield new_code_cell(
            _comment(f"The notebook has {len(cells)} cells; those after {MOST_CELLS} are not shown.")
        )


def _cells(content: bytes) -> list[dict[str, Any]]:
    try:
        cells = json.loads(content.decode("utf-8-sig"))["cells"]
        return [cell for cell in cells if isinstance(cell, dict)]
    except (ValueError, LookupError, TypeError, RecursionError):  # it was judged, so this should not be
        raise ShortestError("the file can't be shown: it is not a notebook") from None


def _module_cells(lesson: Graded, text: str) -> Iterator[Any]:
    """Cut a module where its exercises begin and end, so that each can be commented on."""
    lines = text.splitlines()
    start = 0
    for node in _definitions(text):
        identity = source.exercise_id(node.name)
        if identity not in lesson.cells:
            continue
        first = min([node.lineno, *(d.lineno for d in node.decorator_list)]) - 1
        yield from _plain(lines[start:first])
        answer = nbformat.from_dict(lesson.cells[identity])
        answer["source"] = _cut("\n".join(lines[first : node.end_lineno]))
        yield answer
        start = node.end_lineno or first
    yield from _plain(lines[start:])


def _definitions(text: str) -> list[ast.FunctionDef | ast.ClassDef]:
    """List the top-level definitions; of two of one name, which Python keeps, the last."""
    if len(text) > LONGEST_MODULE:
        return []
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found = [node for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    last = {node.name: node for node in found}
    return [node for node in found if last[node.name] is node]


def _plain(lines: Sequence[str]) -> Iterator[Any]:
    text = "\n".join(lines).strip("\n")
    if text.strip():
        yield new_code_cell(_cut(text))


def _text(cell: Mapping[str, Any]) -> str:
    text = cell.get("source", "")
    if isinstance(text, list):
        text = "".join(part for part in text if isinstance(part, str))
    return text if isinstance(text, str) else ""


def _identity(cell: Mapping[str, Any]) -> str:
    metadata = cell.get("metadata")
    mark = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    identity = mark.get("grade_id") if isinstance(mark, dict) else None
    return str(identity if isinstance(identity, str) else cell.get("id", ""))


def _remark(text: str) -> str:
    return _comment("\n".join(textwrap.wrap(f"Note: {text}", 96, break_long_words=False)))


def _comment(text: str) -> str:
    return "\n".join(f"# {line}" for line in _cut(text).splitlines())


def _cut(text: str) -> str:
    """Make a student's text safe to show, and short enough."""
    text = visible("\n".join(text.splitlines()))
    if len(text) <= LONGEST_CELL:
        return text
    return f"{text[:LONGEST_CELL]}\n# … {len(text) - LONGEST_CELL} more characters"

"""Verdicts in nbgrader's own gradebook, and the notebooks that formgrader and `generate_feedback` show.

Nothing of a submission is run. All of it is shown as code cells, which are escaped where they are rendered:
a student's Markdown could bring a script into an instructor's Jupyter session.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import sys
import textwrap
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder import feedback, intake, notebook, source
from autograder.course import Course
from autograder.intake import Found
from autograder.markup import visible
from autograder.model import Attempt, Law, Lesson, Outcome, ShortestError, Verdict
from autograder.release import CODE_STUB, COURSE_ID, DATABASE

# nbgrader puts a student's name into paths, globs, pages and a CSV file, and escapes it in none of them.
NAME = re.compile(r"\w[\w.@+ -]{0,99}")
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
LONGEST_CELL = 20_000
LONGEST_MODULE = 1_000_000  # a longer one is not parsed: that takes a hundred times its size
MOST_CELLS = 300


@dataclass(frozen=True, slots=True)
class _Graded:
    """A lesson as nbgrader registers it: its notebook with checksums and without solutions, and its laws."""

    lesson: Lesson
    module: str
    laws: tuple[Law, ...]
    cells: Mapping[str, Any]
    released: frozenset[str]


def publish(
    course_folder: Path,
    course: Course,
    attempts: Sequence[Attempt],
    submissions: Mapping[tuple[str, str], Path],
) -> list[str]:
    """Write the attempts into an nbgrader course: its gradebook, and one notebook each in `autograded/`.

    `submissions` gives the file of each student and lesson. Published again, an attempt changes its own rows
    only; scores and comments that a person gave stay. Returns notes on what could not be shown, one sentence
    each. Raises ShortestError where the folder is no nbgrader course.
    """
    if not (course_folder / "nbgrader_config.py").is_file():
        raise ShortestError(
            f"{course_folder} is no nbgrader course: it has no nbgrader_config.py; release one first"
        )
    notes: list[str] = []
    wanted = [attempt for attempt in feedback.latest(attempts) if _publishable(attempt, course, notes)]
    with _gradebook(course_folder / DATABASE) as book:
        for name in dict.fromkeys(attempt.lesson for attempt in wanted):
            graded = _graded(course, name)
            notes += _register(book, graded)
            for attempt in wanted:
                if attempt.lesson == name:
                    _record(book, graded, attempt)
                    path = submissions.get((attempt.student, name))
                    _write(course_folder, graded, attempt, path)
    return list(dict.fromkeys(notes))


def _publishable(attempt: Attempt, course: Course, notes: list[str]) -> bool:
    if attempt.lesson not in course.lessons:
        notes.append(
            f"{attempt.student!r}: {attempt.lesson!r} is no lesson of the course any more; not in nbgrader"
        )
        return False
    if not NAME.fullmatch(attempt.student):
        notes.append(
            f"{attempt.student!r} is not in nbgrader: a name there is letters, digits, spaces and . @ + - _, "
            "and begins with a letter or a digit; rename the folder"
        )
        return False
    return True


@contextmanager
def _gradebook(path: Path) -> Iterator[Any]:
    """Open nbgrader's gradebook, and let go of the file afterwards."""
    from nbgrader.api import Gradebook  # its import takes seconds

    # To start a gradebook, nbgrader runs `alembic`, which lies beside Python and need not be on the path.
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before])
    try:
        book = Gradebook(f"sqlite:///{path.resolve()}", COURSE_ID)
    finally:
        os.environ["PATH"] = before
    try:
        yield book
    except BaseException:
        book.db.rollback()
        raise
    finally:
        book.close()
        book.engine.dispose()


def _graded(course: Course, name: str) -> _Graded:
    """Prepare a lesson's notebook with nbgrader's own steps, so that its checksums are the same."""
    from nbgrader import preprocessors
    from traitlets.config import Config

    laws = course.laws(name, hidden=True)
    module = course.source(name)
    built = notebook.build(course.lesson(name), module, laws, solutions=True, graded=True)
    config = Config({"ClearSolutions": {"code_stub": {"python": CODE_STUB}}})
    resources: dict[str, Any] = {}
    for step in ("LockCells", "ClearSolutions", "ClearOutput", "CheckCellMetadata", "ComputeChecksums"):
        built, resources = getattr(preprocessors, step)(config=config).preprocess(built, resources)
    cells = {cell.metadata.nbgrader.grade_id: cell for cell in built.cells if "nbgrader" in cell.metadata}
    released = frozenset(cell.source for cell in built.cells)
    return _Graded(course.lesson(name), module, tuple(laws), cells, released)


def _register(book: Any, graded: _Graded) -> list[str]:
    """Bring the gradebook's cells of a lesson in line with its laws; return notes on what had to stay."""
    from nbgrader.api import GradeCell, MissingEntry, SolutionCell, SourceCell
    from nbgrader.utils import is_locked

    name = graded.lesson.name
    book.update_or_create_assignment(name)
    try:
        registered = book.find_notebook(name, name)
    except MissingEntry:
        registered = book.add_notebook(name, name, kernelspec=json.dumps(KERNEL))
    for identity, cell in graded.cells.items():
        mark = cell.metadata.nbgrader
        if mark.grade:
            row = _row(book, registered.grade_cells, GradeCell, registered, identity)
            row.max_score, row.cell_type = float(mark.points), "code"
        if mark.solution:
            _row(book, registered.solution_cells, SolutionCell, registered, identity)
        row = _row(book, registered.source_cells, SourceCell, registered, identity)
        row.cell_type, row.locked = "code", is_locked(cell)
        row.source, row.checksum = cell.source, mark.checksum
    notes = [note for cell in _gone(registered, graded) if (note := _remove(book, name, cell))]
    book.db.commit()
    return notes


def _gone(registered: Any, graded: _Graded) -> list[Any]:
    """List the cells that the gradebook has and the lesson no longer has."""
    known = [*registered.grade_cells, *registered.solution_cells, *registered.source_cells]
    return [cell for cell in known if cell.name not in graded.cells]


def _remove(book: Any, lesson: str, cell: Any) -> str:
    """Remove a cell and what hangs on it, unless a person gave a score or a comment there."""
    grades, comments = list(getattr(cell, "grades", [])), list(getattr(cell, "comments", []))
    given = [g for g in grades if g.manual_score is not None or g.extra_credit is not None]
    given += [c for c in comments if c.manual_comment]
    if given:
        return (
            f"{lesson}: {cell.name!r} is gone from the lesson, but carries a grader's mark: nbgrader keeps it"
        )
    for row in [*grades, *comments, cell]:
        book.db.delete(row)
    return ""


def _row(book: Any, rows: Iterable[Any], kind: Any, registered: Any, name: str) -> Any:
    row = _named(rows, name)
    if row is None:
        row = kind(name=name, notebook=registered)
        book.db.add(row)
    return row


def _named(rows: Iterable[Any], name: str) -> Any:
    return next((row for row in rows if row.name == name), None)


def _record(book: Any, graded: _Graded, attempt: Attempt) -> None:
    """Write one attempt's points, law by law, in one transaction."""
    from nbgrader.api import Comment, Grade, SubmittedNotebook

    name = graded.lesson.name
    book.update_or_create_student(attempt.student)
    with book.db.no_autoflush:  # nbgrader adds the rows only once all are made, and SQLAlchemy warns of that
        submission = book.update_or_create_submission(name, attempt.student)
    submitted = _named(submission.notebooks, name)
    if submitted is None:
        submitted = SubmittedNotebook(notebook=book.find_notebook(name, name), assignment=submission)
        book.db.add(submitted)
    verdicts = {law.name: verdict for law, verdict in feedback.rows(attempt, graded.laws) if law}
    for cell in submitted.notebook.grade_cells:
        if cell.name in verdicts:
            grade = _of_cell(book, submitted.grades, Grade, submitted, cell)
            _score(grade, verdicts[cell.name], attempt)
    for cell in submitted.notebook.solution_cells:
        _of_cell(book, submitted.comments, Comment, submitted, cell)
    book.db.commit()


def _of_cell(book: Any, rows: Iterable[Any], kind: Any, submitted: Any, cell: Any) -> Any:
    row = next((row for row in rows if row.cell_id == cell.id), None)
    if row is None:  # a law or an exercise that is newer than the submission
        row = kind(cell_id=cell.id, notebook=submitted)
        book.db.add(row)
    return row


def _score(grade: Any, verdict: Verdict, attempt: Attempt) -> None:
    changed = grade.auto_score != float(verdict.points)
    grade.auto_score = float(verdict.points)
    if grade.manual_score is None:  # where we could not judge, a person should
        grade.needs_manual_grade = verdict.outcome is Outcome.GRADER_ERROR or verdict not in attempt.verdicts
    elif changed:  # a person's score stays; they should know that ours is another one now
        grade.needs_manual_grade = True


def _write(course_folder: Path, graded: _Graded, attempt: Attempt, path: Path | None) -> None:
    name = graded.lesson.name
    shown = new_notebook(
        cells=[*_student_cells(graded, attempt, path), *_law_cells(graded, attempt, path)],
        metadata={"kernelspec": dict(KERNEL)},
    )
    for number, cell in enumerate(shown.cells, 1):
        cell["id"] = f"cell-{number}"
    nbformat.validate(shown)
    target = course_folder / "autograded" / attempt.student / name / f"{name}.ipynb"
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_suffix(f".{os.getpid()}")
    beside.write_text(nbformat.writes(shown) + "\n", encoding="utf-8", newline="\n")
    beside.replace(target)


def _law_cells(graded: _Graded, attempt: Attempt, path: Path | None) -> Iterator[Any]:
    """Yield the law cells as they were released, each with its verdict as plain text below it."""
    yield new_markdown_cell("## The laws")
    view = feedback.as_json(
        attempt.student, [attempt], {attempt.lesson: graded.laws}, {attempt.lesson: graded.lesson}
    )[0]
    shown = [law for exercise in view["exercises"] for law in exercise["laws"]]
    for law, row in zip(_by_exercise(graded.laws), shown, strict=False):
        cell = nbformat.from_dict(graded.cells[law.name])
        output = nbformat.v4.new_output("execute_result", {"text/plain": _short(_verdict_text(row), path)})
        cell["outputs"] = [output]
        yield cell


def _by_exercise(laws: Sequence[Law]) -> list[Law]:
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


def _student_cells(graded: _Graded, attempt: Attempt, path: Path | None) -> list[Any]:
    """Return what the student wrote as code cells, after notes on it: there, why it can't be shown."""
    cells: list[Any] = []
    notes = list(attempt.notes)
    try:
        if path is None:
            raise ShortestError("the submitted file was not found when the scores were published")
        name, content = _content(graded, attempt, path)
        if name.endswith(".ipynb"):
            cells += _notebook_cells(graded, content)
        else:
            cells += _module_cells(graded, intake.decode_python(content, path))
    except ShortestError as problem:
        notes.append(str(problem))
    return [new_code_cell(_remark(note, path)) for note in dict.fromkeys(notes)] + cells


def _content(graded: _Graded, attempt: Attempt, path: Path) -> tuple[str, bytes]:
    """Return the name and the bytes of the student's file, out of its archive where it is in one.

    Raises ShortestError where intake refuses it, or where it isn't the file that was judged.
    """
    submission = intake.read(Found(attempt.student, attempt.lesson, path), graded.module)
    data = path.read_bytes()
    if not submission.sha256 == attempt.sha256 == hashlib.sha256(data).hexdigest():
        raise ShortestError("the file was changed after it was judged; grade it again")
    if path.suffix != ".zip":
        return path.name, data
    with zipfile.ZipFile(
        path
    ) as archive:  # intake has just held its size, names and hash against the manifest
        name = str(json.loads(archive.read(intake.MANIFEST))["file"])
        return name, archive.read(name)


def _notebook_cells(graded: _Graded, content: bytes) -> Iterator[Any]:
    """Yield the cells that differ from the released ones: answers by name, everything else as plain code."""
    seen: set[str] = set()
    cells = [cell for cell in json.loads(content.decode("utf-8-sig"))["cells"] if isinstance(cell, dict)]
    for cell in cells[:MOST_CELLS]:
        text, identity = _text(cell), _identity(cell)
        exercise = (
            identity if identity.startswith(source.exercise_id("")) and identity in graded.cells else ""
        )
        if exercise and cell.get("cell_type") == "code" and exercise not in seen:
            seen.add(exercise)
            answer = nbformat.from_dict(graded.cells[exercise])
            answer["source"] = _cut(text)
            yield answer
        elif text.strip() and text not in graded.released:
            yield new_code_cell(_cut(text) if cell.get("cell_type") == "code" else _comment(text))
    if len(cells) > MOST_CELLS:
        yield new_code_cell(
            _comment(f"The notebook has {len(cells)} cells; those after {MOST_CELLS} are not shown.")
        )


def _module_cells(graded: _Graded, text: str) -> Iterator[Any]:
    """Cut a module where its exercises begin and end, so that each can be commented on."""
    lines = text.splitlines()
    start = 0
    for node in _definitions(text):
        identity = source.exercise_id(node.name)
        if identity not in graded.cells:
            continue
        first = min([node.lineno, *(d.lineno for d in node.decorator_list)]) - 1
        yield from _plain(lines[start:first])
        answer = nbformat.from_dict(graded.cells[identity])
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


def _remark(text: str, path: Path | None) -> str:
    """Write a note as a comment, without the names of folders on an instructor's machine."""
    return _comment("\n".join(textwrap.wrap(f"Note: {_short(text, path)}", 96, break_long_words=False)))


def _short(text: str, path: Path | None) -> str:
    return text if path is None else text.replace(str(path), path.name)


def _comment(text: str) -> str:
    return "\n".join(f"# {line}" for line in _cut(text).splitlines())


def _cut(text: str) -> str:
    """Make a student's text safe to show, and short enough."""
    text = visible("\n".join(text.splitlines()))
    if len(text) <= LONGEST_CELL:
        return text
    return f"{text[:LONGEST_CELL]}\n# … {len(text) - LONGEST_CELL} more characters"

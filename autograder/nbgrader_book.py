"""nbgrader's own gradebook: a lesson's cells as nbgrader registers them, and what each law earned.

What comes from us stands in `auto_score` and `auto_comment`, a person's override included; what graders give
in formgrader stands in columns of its own, counts before ours, and is never touched.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from autograder import feedback, notebook, source
from autograder.course import Course
from autograder.markup import visible
from autograder.model import Law, Lesson, Outcome, Override, Score, Verdict
from autograder.release import CODE_STUB, COURSE_ID

KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
LONGEST_COMMENT = 500


@dataclass(frozen=True, slots=True)
class Graded:
    """A lesson as nbgrader registers it: its notebook with checksums and without solutions, and its laws."""

    lesson: Lesson
    module: str
    laws: tuple[Law, ...]
    cells: Mapping[str, Any]
    released: frozenset[str]


@contextmanager
def opened(url: str, course_id: str = COURSE_ID) -> Iterator[Any]:
    """Open nbgrader's gradebook, and let go of the file afterwards; a failure takes back what is not committed."""
    from nbgrader.api import Gradebook  # its import takes seconds

    # To start a gradebook, nbgrader runs `alembic`, which lies beside Python and need not be on the path.
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before])
    try:
        book = Gradebook(url, course_id)
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


def graded(course: Course, name: str) -> Graded:
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
    return Graded(course.lesson(name), module, tuple(laws), cells, released)


def register(book: Any, lesson: Graded) -> list[str]:
    """Bring the gradebook's cells of a lesson in line with its laws; return notes on what had to stay."""
    from nbgrader.api import GradeCell, MissingEntry, SolutionCell, SourceCell
    from nbgrader.utils import is_locked

    name = lesson.lesson.name
    book.update_or_create_assignment(name)
    try:
        registered = book.find_notebook(name, name)
    except MissingEntry:
        registered = book.add_notebook(name, name, kernelspec=json.dumps(KERNEL))
    for identity, cell in lesson.cells.items():
        mark = cell.metadata.nbgrader
        if mark.grade:
            row = _row(book, registered.grade_cells, GradeCell, registered, identity)
            row.max_score, row.cell_type = float(mark.points), "code"
        if mark.solution:
            _row(book, registered.solution_cells, SolutionCell, registered, identity)
        row = _row(book, registered.source_cells, SourceCell, registered, identity)
        row.cell_type, row.locked = "code", is_locked(cell)
        row.source, row.checksum = cell.source, mark.checksum
    notes = [note for cell in _gone(registered, lesson) if (note := _remove(book, name, cell))]
    book.db.commit()
    return notes


def _gone(registered: Any, lesson: Graded) -> list[Any]:
    """List the cells that the gradebook has and the lesson no longer has."""
    known = [*registered.grade_cells, *registered.solution_cells, *registered.source_cells]
    return [cell for cell in known if cell.name not in lesson.cells]


def _remove(book: Any, lesson: str, cell: Any) -> str:
    """Remove a cell and what hangs on it, unless a person gave a score or a comment there."""
    grades, comments = list(getattr(cell, "grades", [])), list(getattr(cell, "comments", []))
    marks = [g for g in grades if g.manual_score is not None or g.extra_credit is not None]
    marks += [c for c in comments if c.manual_comment]
    if marks:
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


def record(book: Any, lesson: Graded, score: Score, *, late: bool = True) -> None:
    """Write what a student's work counts, law by law, in one transaction.

    The penalty for lateness is written where `late` is true; elsewhere nbgrader's own stays.
    """
    from nbgrader.api import Comment, Grade

    submitted = _submitted(book, lesson.lesson.name, score.attempt.student)
    pairs = [(law, verdict) for law, verdict in feedback.rows(score.attempt, lesson.laws) if law]
    earned, unsure = points(score, pairs), _unsure(score, pairs)
    for cell in submitted.notebook.grade_cells:
        if cell.name in earned:
            grade = _of_cell(book, submitted.grades, Grade, submitted, cell)
            _score(grade, earned[cell.name], unsure=cell.name in unsure)
    for cell in submitted.notebook.solution_cells:
        comment = _of_cell(book, submitted.comments, Comment, submitted, cell)
        comment.auto_comment = _comment(cell.name, score, pairs)
    if late:
        submitted.late_submission_penalty = _penalty(submitted.grades, score)
    book.db.commit()


def stamp(book: Any, name: str, student: str, when: datetime | None) -> None:
    """Write when a student handed in a lesson, in UTC without a zone."""
    book.find_submission(name, student).timestamp = when
    book.db.commit()


def _submitted(book: Any, name: str, student: str) -> Any:
    """Find or make the rows of a student's work on a lesson."""
    from nbgrader.api import SubmittedNotebook

    book.update_or_create_student(student)
    with book.db.no_autoflush:  # nbgrader adds the rows only once all are made, and SQLAlchemy warns of that
        submission = book.update_or_create_submission(name, student)
    submitted = _named(submission.notebooks, name)
    if submitted is None:
        submitted = SubmittedNotebook(notebook=book.find_notebook(name, name), assignment=submission)
        book.db.add(submitted)
    return submitted


def _of_cell(book: Any, rows: Iterable[Any], kind: Any, submitted: Any, cell: Any) -> Any:
    row = next((row for row in rows if row.cell_id == cell.id), None)
    if row is None:  # a law or an exercise that is newer than the submission
        row = kind(cell_id=cell.id, notebook=submitted)
        book.db.add(row)
    return row


def points(score: Score, pairs: Iterable[tuple[Law, Verdict]]) -> dict[str, float]:
    """Return what each law counts after overrides; one for the whole lesson is spread by what the laws are worth."""
    pairs = list(pairs)
    possible = sum(law.points for law, _ in pairs)
    if possible and any(not override.law for override in score.overrides):
        return {law.name: score.earned * law.points / possible for law, _ in pairs}
    judged = {verdict.law for verdict in score.attempt.verdicts}
    changed = {override.law: override.points for override in score.overrides if override.law in judged}
    return {law.name: float(changed.get(law.name, verdict.points)) for law, verdict in pairs}


def _unsure(score: Score, pairs: Iterable[tuple[Law, Verdict]]) -> set[str]:
    """List the laws that we could not judge and no person has decided: the grader broke, or they are newer."""
    if any(not override.law for override in score.overrides):
        return set()
    unjudged = {
        law.name
        for law, verdict in pairs
        if verdict.outcome is Outcome.GRADER_ERROR or verdict not in score.attempt.verdicts
    }
    return unjudged - {override.law for override in score.overrides}


def _score(grade: Any, earned: float, *, unsure: bool) -> None:
    changed = grade.auto_score != earned
    grade.auto_score = earned
    if grade.manual_score is None:
        grade.needs_manual_grade = unsure
    elif changed:  # a person's score stays; they should know that ours is another one now
        grade.needs_manual_grade = True


def _penalty(grades: Iterable[Any], score: Score) -> float | None:
    """Return the points that lateness costs: of what formgrader's graders gave too, as nbgrader counts it."""
    if not score.penalty:
        return None
    raw = 0.0
    for grade in grades:
        own = grade.auto_score if grade.manual_score is None else grade.manual_score
        raw += (own or 0.0) + (grade.extra_credit or 0.0)
    same = abs(raw - score.earned) < 1e-9
    return score.earned - score.points if same else raw * score.penalty


def _comment(cell: str, score: Score, pairs: Iterable[tuple[Law, Verdict]]) -> str | None:
    """Say why an exercise was not judged, which misconception it shows, and whose points stand there."""
    own = [(law, verdict) for law, verdict in pairs if source.exercise_id(law.exercise) == cell]
    seen = score.attempt.misconceptions.items()
    lines = [text for exercise, text in seen if source.exercise_id(exercise) == cell]
    if own and all(verdict.outcome is Outcome.NOT_RUN for _, verdict in own):
        lines += list(dict.fromkeys(verdict.because for law, verdict in own if not law.hidden))[:1]
    titles = {"": "The whole lesson.", **{law.name: law.title for law, _ in own}}
    lines += [f"{titles[each.law]} {given(each)}" for each in score.overrides if each.law in titles]
    return literal("\n".join(lines)) if lines else None


def given(override: Override) -> str:
    """Say whose points stand there, and why."""
    return f"{override.points:g} points from {override.who}: {override.why}"


def literal(text: str) -> str:
    """Write text so that Markdown shows it as it is: nbgrader's feedback renders comments, and runs their HTML."""
    short = text if len(text) <= LONGEST_COMMENT else f"{text[:LONGEST_COMMENT]} …"
    return "\n".join(f"    {visible(line)}" for line in short.splitlines())

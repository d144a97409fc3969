"""An instructor's whole run: submissions judged with progress, the gradebook, and the pages for everyone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from autograder import feedback, grade, intake, lawbook, overview
from autograder.course import Course
from autograder.gradebook import Gradebook, write_csv
from autograder.intake import Found
from autograder.isolation import isolated_sandbox
from autograder.model import Attempt, Law, Outcome, ShortestError
from autograder.report import clean


def mark(
    course: Course,
    submissions: Path,
    out: Path,
    *,
    jobs: int = 2,
    regrade: bool = False,
    nbgrader: Path | None = None,
    console: Console,
) -> list[Attempt]:
    """Judge what is in `submissions`, write everything into `out`, and return each student's last attempts.

    What was judged before by the same grader is not judged again unless `regrade` is true. Ctrl-C loses
    nothing: run it again and it goes on. Raises ShortestError where nothing can be isolated here.
    """
    found, notes = intake.find(submissions, list(course.lessons))
    if not found:
        raise ShortestError(_nothing(submissions, list(course.lessons), notes))
    sandbox = isolated_sandbox()
    book = Gradebook.at(out / "gradebook.db")
    try:
        todo = found if regrade else grade.pending(course, found, book.judged())
        console.print(f"{len(found)} submissions, {len(todo)} of them to judge.", highlight=False)
        with _progress(console, shown=bool(todo)) as progress:
            task = progress.add_task("judging", total=len(todo), last="")
            for attempt in grade.grade(course, todo, book.secret(), sandbox, jobs):
                book.record(attempt)
                last = f"{clean(attempt.student)} {attempt.lesson}: {attempt.points} of {attempt.possible}"
                progress.update(task, advance=1, last=last)
        attempts = book.latest()
    finally:
        book.close()
    laws = {name: course.laws(name, hidden=True) for name in course.lessons}
    _write(course, attempts, laws, notes, out)
    if nbgrader is not None:
        from autograder import formgrader  # nbgrader takes seconds to import

        notes = [*notes, *formgrader.publish(nbgrader, course, attempts, _paths(found))]
    _summary(console, attempts, laws, notes, out)
    return attempts


def _write(
    course: Course,
    attempts: Sequence[Attempt],
    laws: Mapping[str, Sequence[Law]],
    notes: Sequence[str],
    out: Path,
) -> None:
    """Write the scores, a page for each student, and the overview."""
    possible = {name: lawbook.total(of_lesson) for name, of_lesson in laws.items()}
    write_csv(out / "grades.csv", attempts, possible)
    feedback.write(out / "feedback", attempts, laws, course.lessons)
    page = overview.page(attempts, laws, course.lessons, notes=notes)
    (out / "index.html").write_text(page, encoding="utf-8", newline="\n")


def _nothing(folder: Path, lessons: Sequence[str], notes: Sequence[str]) -> str:
    """Say what was looked for: a course with nothing to grade is more likely a wrong path."""
    passed = "".join(f"\n- {clean(note)}" for note in notes[:20])
    example = f"{folder / 'STUDENT' / lessons[0]}.ipynb" if lessons else folder
    return f"{folder} holds no submission; one is expected as {example}, .py or .zip{passed}"


def _progress(console: Console, *, shown: bool) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(30), TaskProgressColumn(), MofNCompleteColumn())
    last = TextColumn("{task.fields[last]}", markup=False)
    return Progress(*columns, TimeRemainingColumn(), last, console=console, disable=not shown)


def _paths(found: Sequence[Found]) -> Mapping[tuple[str, str], Path]:
    return {(one.student, one.lesson): one.path for one in found}


def _summary(
    console: Console,
    attempts: Sequence[Attempt],
    laws: Mapping[str, Sequence[Law]],
    notes: Sequence[str],
    out: Path,
) -> None:
    table = Table("student", *laws, "total", box=None, header_style="dim")
    points = {(attempt.student, attempt.lesson): attempt for attempt in attempts}
    for student in sorted({attempt.student for attempt in attempts}):
        own = [points.get((student, lesson)) for lesson in laws]
        cells = ["-" if attempt is None else f"{attempt.points} of {attempt.possible}" for attempt in own]
        table.add_row(escape(clean(student)), *cells, str(sum(attempt.points for attempt in own if attempt)))
    console.print(table)
    refused = [
        f"{a.student} {a.lesson}: {n}" for a in attempts for n in a.notes if n.startswith(grade.REFUSED)
    ]
    for note in [*refused, *notes]:
        console.print(f"Note: {clean(note)}", style="yellow", highlight=False, markup=False)
    broken = sum(
        verdict.outcome is Outcome.GRADER_ERROR for attempt in attempts for verdict in attempt.verdicts
    )
    if broken:
        console.print(
            f"[red]{broken} laws could not be judged because the grader broke; the overview names them.[/red]"
        )
    rows = [
        ("overview", "index.html"),
        ("a page a student", "feedback/"),
        ("scores", "grades.csv"),
        ("gradebook", "gradebook.db"),
    ]
    for what, name in rows:
        console.print(f"{what:17} {out / name}", highlight=False, soft_wrap=True)

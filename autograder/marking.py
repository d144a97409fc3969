"""An instructor's whole run: submissions judged with progress, the gradebook, and the pages for everyone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rich.console import Console

from autograder import (
    feedback,
    grade,
    intake,
    lawbook,
    overview,
    pool,
    scores,
    settings,
    similar,
    summary,
    whole,
)
from autograder.course import Course
from autograder.gradebook import FILE, Gradebook
from autograder.isolation import isolated_sandbox, weaker
from autograder.misconceptions import Matcher
from autograder.model import Attempt, Job, Law, Outcome, Score, ShortestError
from autograder.pool import Setup
from autograder.report import clean
from autograder.sandbox import Running, Sandbox, Unsandboxed
from autograder.settings import Settings
from autograder.sheet import write_csv
from autograder.similar import Pair
from autograder.source import stub

Scores = Mapping[tuple[str, str], Score]
READ = (Outcome.PASSED, Outcome.FAILED)  # of a file that was read without harm


@dataclass(frozen=True)
class Run:
    """One run: the course and what was decided for it, what was found, and where everything goes."""

    course: Course
    settings: Settings
    out: Path
    console: Console
    notes: list[str] = field(default_factory=list)  # what became of files that are no submission
    told: set[tuple[str, str]] = field(default_factory=set)  # whose trouble was shown while it ran


def mark(
    course: Course,
    submissions: Path,
    out: Path,
    *,
    jobs: int = 2,
    regrade: bool = False,
    nbgrader: Path | None = None,
    sandbox: str = "bubblewrap",
    dask: str = "",
    decided: Path | None = None,
    console: Console,
) -> Scores:
    """Judge what is in `submissions`, write everything into `out`, and return what each student's work counts.

    What was judged before by the same grader is not judged again unless `regrade` is true. `decided` is a
    `course.toml` other than the course's own; `dask` is the address of a cluster that judges in our place.
    Ctrl-C loses nothing: run it again and it goes on. Raises ShortestError where nothing can be isolated here.
    """
    chosen = settings.find(course, decided)
    run = Run(grade.limited(course, chosen.limits), chosen, out, console)
    found, notes = intake.find(submissions, list(chosen.lessons), chosen.timezone)
    if not found:
        raise ShortestError(summary.nothing(submissions, list(chosen.lessons), notes))
    run.notes.extend([*notes, *_strangers(chosen, {one.student for one in found})])
    judges: Sandbox = _Elsewhere() if dask else isolated_sandbox(sandbox)
    for lack in weaker(judges):
        summary.say(console, f"The sandbox is weaker here: {lack}")
    book = Gradebook(chosen.database) if chosen.database else Gradebook.at(out / FILE)
    try:
        versions = {name: grade.grader_version(run.course, name) for name in chosen.lessons}
        new = book.enqueue(map(intake.load, found), versions, regrade=regrade)
        waiting = book.waiting(chosen.lessons)
        before = f" {waiting - new} of them waited from before." if waiting > new else ""
        console.print(f"{summary.submissions(len(found))}, {waiting} to judge.{before}", highlight=False)
        setup = Setup(course.root, book.secret(), judges, chosen.limits)
        _judge(run, book, setup, waiting, jobs, dask)
        return _publish(run, book, nbgrader)
    except KeyboardInterrupt:
        _stopped(run, book)
        raise
    finally:
        book.close()


def _strangers(decided: Settings, students: set[str]) -> list[str]:
    """Name those who handed in and are on no roster: a mistyped folder is graded, and counted for nobody."""
    unknown = [] if decided.roster is None else sorted(students - set(decided.roster))
    return [f"{student}: handed in, and not on the roster" for student in unknown]


class _Elsewhere:
    """The sandbox here when a cluster judges: each of its workers proves its own, and here nothing runs."""

    isolated = False

    def start(self, *_: object) -> Running:
        """Refuse."""
        raise ShortestError("the cluster's workers judge, and not this machine")


def _judge(run: Run, book: Gradebook, setup: Setup, waiting: int, jobs: int, dask: str) -> None:
    """Judge all that waits, and record each attempt as it comes."""
    if not waiting:
        return  # no process needs to be started for it
    queue = book.pending(run.settings.lessons)
    matcher = _matcher(setup)
    with summary.progress(run.console) as progress:
        task = progress.add_task("judging", total=waiting, last="")
        for job, attempt in _judged(run, setup, queue, jobs, dask):
            book.record(job, replace(attempt, misconceptions=matcher.match(attempt)))
            if trouble := summary.trouble(attempt):
                run.told.add((attempt.student, attempt.lesson))
                summary.say(progress.console, trouble)
            last = f"{clean(attempt.student)} {attempt.lesson}: {attempt.points} of {attempt.possible}"
            progress.update(task, advance=1, last=last)


def _matcher(setup: Setup) -> Matcher:
    """Return what names the misconceptions: it judges planted bugs, which are ours, where a cluster judges the rest."""
    sandbox = setup.sandbox if setup.sandbox.isolated else Unsandboxed()
    return Matcher(replace(setup, sandbox=sandbox).grader())


def _judged(
    run: Run, setup: Setup, queue: Iterator[Job], jobs: int, dask: str
) -> Iterator[tuple[Job, Attempt]]:
    if not dask:
        return pool.grade(setup, queue, jobs)
    from autograder import cluster  # its package is an extra of its own

    return cluster.grade(setup, queue, dask, say=lambda text: summary.say(run.console, text))


def _publish(run: Run, book: Gradebook, nbgrader: Path | None) -> Scores:
    """Write the scores and the pages for everyone, and say where they are."""
    attempts = book.attempts()
    counted = scores.scores(attempts, book.overrides(), run.settings)
    laws = {name: run.course.laws(name, hidden=True) for name in run.settings.lessons}
    totals = _totals(counted, run.settings)
    with run.console.status("writing the pages"):
        _write(run, attempts, counted, laws, totals, _pairs(run, book, counted))
    if nbgrader is not None:
        from autograder import formgrader  # nbgrader takes seconds to import

        run.notes.extend(formgrader.publish(nbgrader, run.course, counted.values(), book.job, run.settings))
    book.finish()
    _show(run, counted, totals)
    return counted


def _totals(counted: Scores, decided: Settings) -> dict[str, float]:
    by_student: dict[str, dict[str, Score]] = {}
    for (student, lesson), score in counted.items():
        by_student.setdefault(student, {})[lesson] = score
    for student in decided.roster or ():
        by_student.setdefault(student, {})
    return {student: scores.total(own, decided) for student, own in by_student.items()}


def _write(
    run: Run,
    attempts: Sequence[Attempt],
    counted: Scores,
    laws: Mapping[str, Sequence[Law]],
    totals: Mapping[str, float],
    pairs: Mapping[str, Sequence[Pair]],
) -> None:
    """Write the scores, a page for each student, and the overview."""
    run.out.mkdir(parents=True, exist_ok=True)
    possible = {name: lawbook.total(of_lesson) for name, of_lesson in laws.items()}
    lessons = {name: run.course.lesson(name) for name in laws}
    write_csv(run.out / "grades.csv", counted, possible, totals)
    feedback.write(run.out / "feedback", attempts, laws, lessons, counted)
    page = overview.page(attempts, laws, lessons, notes=run.notes, scores=counted, pairs=pairs)
    whole.write(run.out / "index.html", page)


def _pairs(run: Run, book: Gradebook, counted: Scores) -> dict[str, list[Pair]]:
    """Find the near-duplicates among the files that count, one lesson after another."""
    found = {}
    for name in run.settings.lessons:
        exercises = [exercise.name for exercise in run.course.exercises(name)]
        attempts = [score.attempt for (_, lesson), score in counted.items() if lesson == name]
        texts = {one.student: text for one in attempts if (text := _text(book, one, exercises))}
        found[name] = similar.pairs(texts, stub(run.course.source(name), name))
    return found


def _text(book: Gradebook, attempt: Attempt, exercises: Sequence[str]) -> str:
    """Return what a student wrote, where a grading process read that before, and so can this one."""
    job = book.job(attempt)
    judged = any(verdict.outcome in READ for verdict in attempt.verdicts)
    try:
        return intake.written(job, exercises) if job and judged else ""
    except ShortestError:
        return ""


def _stopped(run: Run, book: Gradebook) -> None:
    waiting = book.waiting(run.settings.lessons)
    left = "all is judged, and the pages are not all written"
    if waiting:
        left = f"{summary.submissions(waiting)} yet to judge"
    run.console.print(f"Stopped: {left}. Nothing is lost; the same command goes on.", highlight=False)


def _show(run: Run, counted: Scores, totals: Mapping[str, float]) -> None:
    summary.show_scores(run.console, counted, list(run.settings.lessons), totals)
    quiet = [score.attempt for key, score in counted.items() if key not in run.told]
    summary.show_notes(run.console, quiet, run.notes)
    summary.show_broken(run.console, counted)
    place = "the database that course.toml names" if run.settings.database else str(run.out / FILE)
    summary.show_places(run.console, run.out, place)

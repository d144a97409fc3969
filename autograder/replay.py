"""A verdict looked at again: the same file, the same seed, the same sandbox, and the input that breaks it in full."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.text import Text

from autograder import grade, judge, lawbook
from autograder.course import Course
from autograder.grade import Grader
from autograder.gradebook import Gradebook
from autograder.lookup import counted, find_law
from autograder.model import Attempt, Finding, Job, Law, Outcome, ShortestError, Verdict
from autograder.report import clean
from autograder.sandbox import Sandbox
from autograder.settings import Settings


@dataclass(frozen=True, slots=True)
class Again:
    """One law judged again: what is on record, where it was judged before, and what it is now."""

    law: Law
    seed: int
    recorded: Verdict | None
    now: Verdict

    @property
    def same(self) -> bool:
        """Whether the law came out as it is on record."""
        return self.recorded is not None and self.recorded.outcome is self.now.outcome


@dataclass(frozen=True, slots=True)
class Replay:
    """The attempt that counts, the file that it judged, and its laws judged again.

    `changed` says whether the laws, the module or the grader are others than those that judged it.
    """

    attempt: Attempt
    job: Job
    laws: tuple[Again, ...]
    changed: bool

    @property
    def same(self) -> bool:
        """Whether every law came out as it is on record."""
        return all(again.same for again in self.laws)


def replay(
    course: Course,
    decided: Settings,
    book: Gradebook,
    sandbox: Sandbox,
    student: str,
    lesson: str,
    law: str = "",
) -> Replay:
    """Judge the attempt that counts again, by the laws that did not hold or by the one that is named.

    Nothing is recorded. Raises ShortestError where there is no such student, lesson or law, or no such file.
    """
    attempt = counted(book, decided, student, lesson).attempt
    job = book.job(attempt)
    if job is None or not (job.name or job.problem):  # version 0.1 kept no files
        raise ShortestError(
            f"the file of {clean(student)!r} for {lesson} is not in the gradebook; `shortest grade SUBMISSIONS "
            "--regrade` puts it there"
        )
    grader = Grader(course.root, book.secret(), sandbox, decided.limits)
    recorded = {verdict.law: verdict for verdict in attempt.verdicts}
    laws = grader.laws(lesson)
    chosen = [find_law(laws, law)] if law else [one for one in laws if not _held(recorded.get(one.name))]
    token = judge.LONGEST.set(None)  # the instructor sees the whole input
    try:
        verdicts = grader.grade(job, chosen).verdicts if chosen else ()
    finally:
        judge.LONGEST.reset(token)
    again = tuple(
        Again(one, lawbook.seed_of(one, grader.secret), recorded.get(one.name), verdict)
        for one, verdict in zip(chosen, verdicts, strict=True)
    )
    return Replay(attempt, job, again, attempt.grader != grade.grader_version(grader.course, lesson))


def _held(verdict: Verdict | None) -> bool:
    return verdict is not None and verdict.outcome is Outcome.PASSED


def render(replayed: Replay) -> Iterator[Text]:
    """Yield what an instructor reads, line by line; hidden laws are shown like public ones."""
    attempt, job = replayed.attempt, replayed.job
    yield Text(
        f"{clean(attempt.student)}  {attempt.lesson}  {attempt.points} of {attempt.possible} points", "bold"
    )
    file = f"{clean(job.name)}, SHA-256 {attempt.sha256 or 'unknown'}"
    yield Text(f"file    {file}" + (f", handed in {attempt.received}" if attempt.received else ""))
    if replayed.changed:
        yield Text(
            "grader  changed since: the laws, our module or the grader are not those that judged it", "yellow"
        )
    else:
        yield Text("grader  the same as judged it")
    for note in attempt.notes:
        yield Text(f"note    {clean(note)}")
    if not replayed.laws:
        yield Text("Every law held. Name one to see it judged again.")
    unrun = [again for again in replayed.laws if again.same and again.now.outcome is Outcome.NOT_RUN]
    for again in replayed.laws:
        if again not in unrun:
            yield Text()
            yield from _law(again)
    yield from _not_run(unrun)


def _not_run(laws: Sequence[Again]) -> Iterator[Text]:
    """Name the laws that were not run, then and now, under the reason that they share."""
    reasons: dict[str, list[str]] = {}
    for again in laws:
        reasons.setdefault(again.now.because, []).append(again.law.name)
    for because, names in reasons.items():
        yield Text()
        yield Text.assemble(("· ", "yellow"), f"not run, as on record: {clean(because)}")
        yield Text(f"    {', '.join(names)}")


def _law(again: Again) -> Iterator[Text]:
    law, verdict = again.law, again.now
    kind = "hidden" if law.hidden else "public"
    sign, style = ("✓", "green") if verdict.outcome is Outcome.PASSED else ("✗", "red")
    yield Text.assemble((f"{sign} ", style), (law.name, "bold"), f"  {law.title}")
    yield Text(
        f"    {kind} law of {law.exercise}, {verdict.points} of {verdict.possible} points, seed {again.seed}"
    )
    yield Text(f"    {_compared(again)}", "" if again.same else "yellow")
    if verdict.outcome is not Outcome.PASSED:
        for label, value in _rows(verdict):
            if value:
                yield Text.assemble((f"    {label:<12} ", "dim"), clean(value))
        yield Text.assemble(("    hint         ", "dim"), law.hint)


def _compared(again: Again) -> str:
    if again.recorded is None:
        return f"{again.now.outcome} now; there is no verdict on record, for the law is newer"
    if again.same:
        return f"{again.now.outcome}, as on record"
    because = f" ({clean(again.recorded.because)})" if again.recorded.because else ""
    return f"{again.now.outcome} now, but on record: {again.recorded.outcome}{because}"


def _rows(verdict: Verdict) -> list[tuple[str, str]]:
    found = verdict.finding or Finding(verdict.because)
    rows = [("what", found.message or verdict.because)]
    rows += [(f"{name} =", value) for name, value in found.example.items()]
    return [
        *rows,
        ("call", found.call),
        ("expected", found.expected),
        ("got", found.got),
        ("their code", found.where),
    ]

"""What an instructor sees while a run goes on, and at its end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from autograder.grade import REFUSED
from autograder.model import Attempt, Outcome, Score
from autograder.report import clean
from autograder.sheet import number

LONGEST_TABLE = 60  # students; a longer one scrolls away, and the overview holds it
GAP = 2  # between two columns
MOST_NOTES = 20
LONGEST_NOTE = 300
Scores = Mapping[tuple[str, str], Score]


class Rate(ProgressColumn):
    """How many are judged in a minute."""

    def render(self, task: Task) -> Text:
        """Return the text; rich asks for it."""
        speed = task.finished_speed or task.speed
        return Text(f"{60 * speed:.0f} a minute" if speed else "")


def progress(console: Console) -> Progress:
    """Return a bar with the count, the rate, the time left, and who came last."""
    columns = (TextColumn("{task.description}"), BarColumn(20), MofNCompleteColumn(), Rate())
    last = TextColumn("{task.fields[last]}", markup=False)
    return Progress(*columns, TimeRemainingColumn(), last, console=console)


def trouble(attempt: Attempt) -> str:
    """Say why a submission was not judged as it should be: it was refused, or the grader broke on it."""
    said = [note for note in attempt.notes if note.startswith(REFUSED)]
    said += [v.because for v in attempt.verdicts if v.outcome is Outcome.GRADER_ERROR][:1]
    return f"{attempt.student} {attempt.lesson}: {said[0]}" if said else ""


def say(console: Console, text: str) -> None:
    """Show a text of which a part may be a student's."""
    text = clean(text)
    short = text if len(text) <= LONGEST_NOTE else f"{text[:LONGEST_NOTE]}…"
    console.print(Text(short, "yellow"), highlight=False, soft_wrap=True)


def submissions(number: int) -> str:
    """Say a number of submissions.

    >>> submissions(1), submissions(2)
    ('1 submission', '2 submissions')
    """
    return f"{number} submission{'' if number == 1 else 's'}"


def nothing(folder: Path, lessons: Sequence[str], notes: Sequence[str]) -> str:
    """Say what was looked for: a course with nothing to grade is more likely a wrong path."""
    passed = "".join(f"\n- {clean(note)}" for note in notes[:MOST_NOTES])
    example = f"{folder / 'STUDENT' / lessons[0]}.ipynb" if lessons else folder
    return f"{folder} holds no submission; one is expected as {example}, .py or .zip{passed}"


def show_scores(
    console: Console, counted: Scores, lessons: Sequence[str], totals: Mapping[str, float]
) -> None:
    """Show a row for each student, where they fit on a screen or two."""
    if len(totals) > LONGEST_TABLE:
        console.print(f"{len(totals)} students; the overview shows them all.", highlight=False)
        return
    names = {student: escape(clean(student)) for student in sorted(totals)}
    columns = {lesson: [_cell(counted.get((student, lesson))) for student in names] for lesson in lessons} | {
        "total": [f"{number(totals[student])}%" for student in names]
    }
    widest = max(map(len, ["student", *map(clean, names)]))
    for headings in _blocks(columns, console.width - widest - GAP):
        table = Table("student", *headings, box=None, header_style="dim", padding=(0, GAP, 0, 0))
        for row, name in enumerate(names.values()):
            table.add_row(name, *(columns[heading][row] for heading in headings))
        console.print(table)


def _blocks(columns: Mapping[str, Sequence[str]], room: int) -> list[list[str]]:
    """Share columns out among tables that are no wider than the room, in order; each has one column at least.

    >>> _blocks({"huffman": ["5 of 5"], "runs": ["1 of 9"], "total": ["60%"]}, room=18)
    [['huffman', 'runs'], ['total']]
    """
    blocks: list[list[str]] = []
    left = 0
    for heading, cells in columns.items():
        width = max(map(len, [heading, *cells])) + GAP
        if not blocks or width > left:
            blocks.append([])
            left = room
        blocks[-1].append(heading)
        left -= width
    return blocks


def _cell(score: Score | None) -> str:
    if score is None:
        return "-"
    why = [word for word, so in (("late", score.penalty), ("by hand", score.overrides)) if so]
    return ", ".join([f"{number(score.points)} of {score.possible}", *why])


def show_notes(console: Console, attempts: Iterable[Attempt], notes: Sequence[str]) -> None:
    """Show what is wrong with attempts, and the notes, as far as a person reads on."""
    shown = [*filter(None, map(trouble, attempts)), *notes]
    for note in shown[:MOST_NOTES]:
        say(console, f"Note: {note}")
    if len(shown) > MOST_NOTES:
        say(console, f"Note: {len(shown) - MOST_NOTES} more; the overview has them all")


def show_broken(console: Console, counted: Scores) -> None:
    """Say on how many laws the grader broke: those scores are not final."""
    verdicts = [verdict for score in counted.values() for verdict in score.attempt.verdicts]
    broken = sum(verdict.outcome is Outcome.GRADER_ERROR for verdict in verdicts)
    if broken:
        text = "laws could not be judged because the grader broke; the overview names them"
        console.print(f"[red]{broken} {text}, and the same command tries them again.[/red]")


def show_places(console: Console, out: Path, book: str) -> None:
    """Say where everything is."""
    rows = [
        ("overview", str(out / "index.html")),
        ("a page a student", str(out / "feedback")),
        ("scores", str(out / "grades.csv")),
        ("gradebook", book),
    ]
    for what, place in rows:
        console.print(f"{what:17} {place}", highlight=False, soft_wrap=True)

"""What an instructor types to hand scores and laws to other systems: `shortest export`. All work is in the steps."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autograder import teach
from autograder.model import ShortestError

if TYPE_CHECKING:  # a command imports what it needs when it runs
    from autograder.course import Course

app = typer.Typer(
    help="Hand scores and laws to Canvas, Gradescope or GitHub (instructors).", no_args_is_help=True
)
console = teach.console

CANVAS = """\
In Canvas open Grades, choose Import, and give it {path}.
Canvas shows every change before it saves one: look at the columns it wants to create."""
UNSURE = (
    "without --roster, Canvas's own export, students are found by login ID or name alone, and an empty cell "
    "takes away a score that is in Canvas"
)
GRADESCOPE = """\
It holds the solution and the hidden laws: give it to Gradescope and to no student.
In Gradescope choose Create Assignment, Programming Assignment, with {points} autograder points.
On Configure Autograder upload it, choose Ubuntu 22.04 or newer, and press Update Autograder:
the last line of the build's output says whether students' code is isolated there.
Give the container 1 CPU or more. The README in the archive says the rest."""
GITHUB = """\
Next: cd {folder} && git init -b main && git add . && git commit -m "Start"
      gh repo create ORGANISATION/NAME --private --source . --push
In the repository's Settings tick Template repository; each student starts with Use this template.
It checks by the public laws alone, and a student can change it: it gives no scores.
To grade, clone each repository to submissions/STUDENT and type `shortest grade submissions`."""


@app.command()
def canvas(
    roster: Annotated[
        Path | None,
        typer.Option(help="The gradebook as Canvas exported it: Grades, Export, Entire Gradebook."),
    ] = None,
    assignment: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LESSON=ID",
            help="The Canvas assignment of a lesson, by id or title, where its title is another.",
        ),
    ] = None,
    out: teach.Out = teach.GRADES,
    decided: teach.Decided = None,
) -> None:
    """Write canvas.csv beside the gradebook, for Grades, Import in Canvas; what Canvas has besides is kept."""
    from autograder import lawbook, scores, settings
    from autograder.exports import canvas as exporting
    from autograder.exports.people import other_names
    from autograder.gradebook import Gradebook

    course = teach._course()
    chosen = settings.find(course, decided)
    with closing(Gradebook.existing(chosen.database, out)) as book:
        counted = scores.scores(book.attempts(), book.overrides(), chosen)
    made = exporting.export(
        {place: score for place, score in counted.items() if place[1] in chosen.lessons},
        {name: course.lesson(name) for name in chosen.lessons},
        {name: lawbook.total(course.laws(name, hidden=True)) for name in chosen.lessons},
        exporting.read(roster) if roster else None,
        names=other_names(chosen.roster),
        assignments=dict(_pair(text, course) for text in assignment or ()),
    )
    path = out / "canvas.csv"
    made.write(path)
    _say(f"{made.students} student{'s' * (made.students != 1)}   {path}")
    _notes(made.notes)
    _notes(made.missing, "Not in the file, because Canvas's gradebook has no one row for them:")
    if roster is None:
        _notes([UNSURE])
    _say(CANVAS.format(path=path))


@app.command()
def gradescope(
    lesson: teach.GradedLesson,
    unsandboxed: Annotated[
        bool,
        typer.Option(
            "--unsandboxed", help="Grade where Gradescope's container can't isolate; every result says so."
        ),
    ] = False,
    out: teach.Out = teach.GRADES,
    decided: teach.Decided = None,
) -> None:
    """Write an autograder for Gradescope that judges one lesson: upload it on Configure Autograder."""
    from autograder import lawbook, settings
    from autograder.exports import gradescope as exporting
    from autograder.gradebook import FILE, Gradebook

    course = teach._course()
    chosen = settings.find(course, decided)
    name = course.lesson(lesson).name
    with closing(Gradebook(chosen.database) if chosen.database else Gradebook.at(out / FILE)) as book:
        secret = book.secret()
    with _wheel(course) as engine:
        path = exporting.bundle(
            course,
            name,
            out / f"gradescope-{name}.zip",
            wheel=engine,
            secret=secret,
            unsandboxed=unsandboxed,
            limits=chosen.limits,
        )
    _say(f"autograder   {path}")
    if unsandboxed:
        _notes(["it judges without isolation, and every result says so"])
    _say(GRADESCOPE.format(points=lawbook.total(course.laws(name, hidden=True))))


@app.command()
def github(
    lesson: Annotated[
        list[str] | None, typer.Option(help="A lesson to check; all where none is named.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where the repository goes: a new folder.")] = Path("github"),
) -> None:
    """Write a template repository for students, which checks itself at every push, by the public laws."""
    from autograder.exports import github as exporting

    course = teach._course()
    with _wheel(course) as engine:
        folder = exporting.repository(course, lesson or list(course.lessons), out, wheel=engine)
    _say(f"template repository   {folder}")
    _say(GITHUB.format(folder=folder))


@contextmanager
def _wheel(course: Course) -> Iterator[Path]:
    from autograder import wheel

    with tempfile.TemporaryDirectory(prefix="shortest-") as place:
        yield wheel.build(course.root, Path(place))


def _pair(text: str, course: Course) -> tuple[str, str]:
    lesson, _, assignment = text.partition("=")
    if not assignment:
        raise ShortestError(
            f"--assignment {text!r}: write LESSON=ID, such as {next(iter(course.lessons))}=1234"
        )
    return course.lesson(lesson).name, assignment


def _say(text: str) -> None:
    console.print(text, highlight=False, soft_wrap=True, markup=False)


def _notes(notes: Sequence[str], head: str = "") -> None:
    from autograder.report import clean

    lines = (
        [head, *(f"- {note}" for note in notes)] if head and notes else [f"Note: {note}" for note in notes]
    )
    for line in lines:
        console.print(clean(line), style="yellow", highlight=False, soft_wrap=True, markup=False)

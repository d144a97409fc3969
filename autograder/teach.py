"""What an instructor types: the commands of `shortest` that release, grade and export. All work is in the steps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from autograder.model import Override, ShortestError

if TYPE_CHECKING:  # a command imports what it needs when it runs
    from autograder.course import Course

app = typer.Typer()
console = Console()

GRADES = Path("grades")  # not in build/, which `make clean` removes
Out = Annotated[Path, typer.Option(help="Where the gradebook, the CSV and the pages are.")]
Decided = Annotated[
    Path | None, typer.Option("--settings", help="A course.toml other than the course's own.")
]
SandboxName = Annotated[str, typer.Option("--sandbox", help="What isolates: bubblewrap, docker or podman.")]
StudentName = Annotated[str, typer.Argument(help="The student, as in the overview.")]
GradedLesson = Annotated[str, typer.Argument(help="The lesson, by its name or its number.")]


def _course() -> Course:
    from autograder.course import find_course

    course = find_course()
    if course.is_bundle:
        raise ShortestError(
            f"{course.root} is a student's bundle, without hidden laws; use the instructor's repository"
        )
    return course


@app.command()
def release(
    folder: Annotated[Path, typer.Argument(help="Where to write the release.")] = Path("release"),
    lesson: Annotated[
        list[str] | None, typer.Option(help="A lesson to release; all where none is named.")
    ] = None,
) -> None:
    """Write the nbgrader course and the students' bundle, with no solution in it (instructors)."""
    import tempfile

    from autograder import release as releasing
    from autograder import wheel

    course = _course()
    with tempfile.TemporaryDirectory() as place:
        engine = wheel.build(course.root, Path(place))
        made = releasing.release(course, folder, lesson or list(course.lessons), wheel=engine)
    console.print(f"nbgrader course   {made.nbgrader}", highlight=False, soft_wrap=True)
    console.print(f"for students      {made.archive}", highlight=False, soft_wrap=True)


@app.command()
def grade(
    submissions: Annotated[Path, typer.Argument(help="The folder that holds one folder a student.")],
    out: Out = GRADES,
    jobs: Annotated[int, typer.Option(help="How many submissions to judge at once.", min=1)] = 2,
    regrade: Annotated[
        bool, typer.Option("--regrade", help="Judge again what this grader has judged already.")
    ] = False,
    nbgrader: Annotated[
        Path | None, typer.Option(help="An nbgrader course to write the scores into.")
    ] = None,
    sandbox: SandboxName = "bubblewrap",
    dask: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Let a Dask cluster judge, such as tcp://HOST:8786.")
    ] = "",
    decided: Decided = None,
) -> None:
    """Judge every submission in isolation and write the gradebook; Ctrl-C loses nothing (instructors)."""
    from autograder.marking import mark

    mark(
        _course(),
        submissions,
        out,
        jobs=jobs,
        regrade=regrade,
        nbgrader=nbgrader,
        sandbox=sandbox,
        dask=dask,
        decided=decided,
        console=console,
    )


@app.command()
def replay(
    student: StudentName,
    lesson: GradedLesson,
    law: Annotated[str, typer.Argument(help="A law; all that did not hold where none is named.")] = "",
    out: Out = GRADES,
    sandbox: SandboxName = "bubblewrap",
    decided: Decided = None,
) -> None:
    """Judge an attempt again and show the input that breaks it, of hidden laws too (instructors)."""
    from contextlib import closing

    from autograder import replay as replaying
    from autograder import settings
    from autograder.gradebook import Gradebook
    from autograder.isolation import isolated_sandbox

    course = _course()
    chosen = settings.find(course, decided)
    with closing(Gradebook.existing(chosen.database, out)) as book:
        place = (student, course.lesson(lesson).name, law)
        found = replaying.replay(course, chosen, book, isolated_sandbox(sandbox), *place)
    for line in replaying.render(found):
        console.print(line, highlight=False, soft_wrap=True)
    raise typer.Exit(0 if found.same else 1)


@app.command()
def override(
    student: Annotated[str, typer.Argument(help="The student, as in the overview.")] = "",
    lesson: Annotated[str, typer.Argument(help="The lesson, by its name or its number.")] = "",
    points: Annotated[
        float | None, typer.Option(help="What the law is worth here, or the whole lesson.")
    ] = None,
    law: Annotated[str, typer.Option(help="The law; the lesson as a whole where none is named.")] = "",
    why: Annotated[str, typer.Option(help="The reason, which stays on record.")] = "",
    who: Annotated[str, typer.Option(help="Who decides; the login name where it is left out.")] = "",
    take_back: Annotated[
        bool, typer.Option("--take-back", help="Let the laws decide again, instead of --points.")
    ] = False,
    show: Annotated[bool, typer.Option("--list", help="Show all that was ever changed by hand.")] = False,
    out: Out = GRADES,
    decided: Decided = None,
) -> None:
    """Give a student points by hand, beside the laws; a regrade keeps them (instructors)."""
    from contextlib import closing

    from autograder import override as overriding
    from autograder import settings
    from autograder.gradebook import Gradebook

    course = _course()
    chosen = settings.find(course, decided)
    with closing(Gradebook.existing(chosen.database, out)) as book:
        if show:
            console.print(overriding.table(book.overrides(history=True)))
            return
        if not (student and lesson) or (points is None) is not take_back:
            raise ShortestError(
                "type `shortest override STUDENT LESSON --points P --why TEXT`, or --take-back instead of --points"
            )
        given = float("nan") if points is None else points
        place = (student, course.lesson(lesson).name, law)
        change = Override(*place, given, who or overriding.login_name(), why)
        before, after = overriding.override(course, chosen, book, change)
    console.print(overriding.said(before, after), highlight=False, soft_wrap=True)

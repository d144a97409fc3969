"""What an instructor types to decide about a course: `shortest course init` and `shortest course status`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from autograder import teach

app = typer.Typer(help="What you decide about the course, and where the class stands.", no_args_is_help=True)
console = teach.console


@app.command()
def init(
    file: Annotated[
        Path | None, typer.Argument(help="The file; beside the lessons where none is named.")
    ] = None,
) -> None:
    """Write a course.toml in which every setting is explained; one that is there is never overwritten."""
    from autograder.course_start import start
    from autograder.settings import FILE

    course = teach._course()
    path = start(course, file or course.root / FILE)
    named = f" --settings {file}" if file else ""
    lines = f"Wrote {path}. It decides nothing yet: change what you like, then\nshortest course status{named}"
    console.print(Text(lines), soft_wrap=True)


@app.command()
def status(
    out: teach.Out = teach.GRADES,
    decided: teach.Decided = None,
) -> None:
    """Say in words what was decided, who has handed in, and what waits to be judged."""
    from contextlib import closing

    from autograder import scores, settings, status
    from autograder.gradebook import FILE, Gradebook

    course = teach._course()
    chosen = settings.find(course, decided)
    if not chosen.database and not (out / FILE).is_file():
        console.print(status.render(course, chosen, {}, {}))
        none = f"Nothing was graded yet into {out}: `shortest grade SUBMISSIONS` does, and --out names another folder."
        console.print(Text(none), soft_wrap=True)
        return
    with closing(Gradebook.existing(chosen.database, out)) as book:
        counted = scores.scores(book.attempts(), book.overrides(), chosen)
        waiting = {name: book.waiting([name]) for name in chosen.lessons}
    console.print(status.render(course, chosen, counted, waiting))

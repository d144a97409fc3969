"""The ladder for a person: their own modules or ours, a table to look at, and a figure and JSON to keep."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from autograder import ladder, ladder_figure
from autograder.corpus import corpus
from autograder.course import Course
from autograder.desk import Desk
from autograder.isolation import isolated_sandbox
from autograder.model import ShortestError
from autograder.sandbox import Sandbox, Unsandboxed


def climb(desk: Desk, file: Path | None, *, reference: bool, out: Path, console: Console) -> Table:
    """Measure a file by every rung that is built, write `ladder.json` and `ladder.svg`, and return the table.

    Raises ShortestError where the file can't be read or the reference is asked for in a student's bundle.
    """
    modules = chosen_modules(desk, reference=reference)
    data = corpus() if file is None else read_file(file)
    out.mkdir(parents=True, exist_ok=True)
    rungs = _measure(desk.course, modules, data, out / "cache.json", console)
    (out / "ladder.json").write_text(ladder.to_json(rungs), encoding="utf-8")
    _draw(rungs, out, console)
    return ladder.table(rungs)


def _measure(
    course: Course, modules: dict[str, str], data: bytes, cache: Path, console: Console
) -> list[ladder.Rung]:
    """Measure with a bar of rungs that names the one being measured; what is in the cache is not done again."""
    lessons = list(course.lessons.values())
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    quiet = not console.is_terminal  # a bar in a file would be an empty line
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True, disable=quiet) as bar:
        task = bar.add_task("", total=len(ladder.rung_names(lessons)))

        def progress(name: str, rung: ladder.Rung | None) -> None:
            bar.update(task, description=name, advance=0 if rung is None else 1)

        return ladder.measure(lessons, modules, data, any_sandbox(), progress=progress, cache=cache)


def chosen_modules(desk: Desk, *, reference: bool) -> dict[str, str]:
    """Return the text of each module by its name: ours, or those that the student has a file of.

    Raises ShortestError where ours are asked for in a student's bundle.
    """
    if reference and desk.course.is_bundle:
        raise ShortestError("a student's bundle holds no reference; leave --reference out")
    return {name: desk.course.source(name) for name in desk.course.lessons} if reference else _own(desk)


def _own(desk: Desk) -> dict[str, str]:
    modules = {}
    for name in desk.course.lessons:
        files = desk.files(name)
        if len(files) > 1:
            raise ShortestError(f"{files[0].name} and {files[1].name} are both here; move one of them away")
        if files:
            modules[name] = desk.read(name, files[0]).source
    return modules


def read_file(file: Path) -> bytes:
    """Return a file's bytes; ShortestError where it can't be read."""
    try:
        return file.read_bytes()
    except OSError as problem:
        raise ShortestError(f"{file} can't be read: {problem.strerror}") from None


def any_sandbox() -> Sandbox:
    """Return the sandbox where there is one, and a plain process where there is none."""
    try:
        return isolated_sandbox()
    except ShortestError:
        return Unsandboxed()  # on a student's machine it is their own code


def _draw(rungs: list[ladder.Rung], out: Path, console: Console) -> None:
    try:
        path = ladder_figure.figure(rungs, out / "ladder.svg")
    except ImportError:
        console.print("No figure: matplotlib is not installed.", style="dim")
    else:
        console.print(f"Figure: {path}", highlight=False, soft_wrap=True)

"""The command `shortest`: what a person types, and what they see. All work is in the steps."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from autograder import teach, teach_course, teach_export
from autograder.model import ShortestError

if TYPE_CHECKING:  # a command imports what it needs when it runs: these take half a second
    from autograder.check import Checked
    from autograder.course import Course
    from autograder.desk import Desk

app = typer.Typer(
    help="The Shortest Program: build everything from a run-length coder to a Transformer, and check it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
data_app = typer.Typer(help="Classic corpora: list them and fetch them.", no_args_is_help=True)
app.add_typer(data_app, name="data")
console = Console()

LessonName = Annotated[
    str, typer.Argument(help="A lesson's name, such as huffman, or the path of your file.")
]

ReferenceOption = Annotated[
    bool, typer.Option("--reference", help="Run our modules instead of yours (instructors).")
]


def main() -> None:
    """Run the command line; an error that a person can act on is one line, not a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # one that can't write ✓ gets an escape, not an end
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except ModuleNotFoundError as problem:
        _fail(f"the package {problem.name} is not installed; `shortest doctor` says what to type")
    except (ShortestError, OSError) as problem:  # OSError: a full disk, or a folder that can't be written to
        _fail(str(problem))


def _fail(message: str) -> NoReturn:
    error = Console(stderr=True)
    error.print(f"[red]shortest:[/red] {escape(message)}", highlight=False, soft_wrap=True)
    sys.exit(1)


def _course() -> Course:
    from autograder.course import find_course

    return find_course()


def _desk() -> Desk:
    from autograder.desk import Desk

    return Desk(Path.cwd(), _course())


@app.command("list")
def list_lessons() -> None:
    """Show the lessons, your points so far, and what to do next."""
    desk = _desk()
    progress = desk.progress()
    table = Table("", box=None, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("lesson", no_wrap=True)
    for heading in ("title", "time", "your points"):
        table.add_column(heading)
    upcoming = part = ""
    for lesson in desk.course.lessons.values():
        if lesson.part != part:
            part = lesson.part
            table.add_row("", "", f"[dim]{escape(part)}[/dim]")
        result = progress.get(lesson.name)
        points = f"{result['points']} of {result['possible']}" if result else "-"
        state = points if result else ("started" if desk.files(lesson.name) else "-")
        if not upcoming and not (result and result["points"] == result["possible"]):
            upcoming = lesson.name
        table.add_row(str(lesson.number), lesson.name, escape(lesson.title), _hours(lesson.minutes), state)
    console.print(table)
    if upcoming:
        command = "check" if desk.files(upcoming) else "start"
        console.print(f"\nNext: [bold]shortest {command} {upcoming}[/bold]", highlight=False)
    else:
        console.print("\nEvery public law of every lesson holds. Submit what you have not submitted yet.")


@app.command()
def start(
    lesson: LessonName,
    py: Annotated[bool, typer.Option("--py", help="Write a plain module instead of a notebook.")] = False,
) -> None:
    """Write a lesson's notebook (or module) into this folder; a file of yours is never overwritten."""
    desk = _desk()
    path = desk.start(lesson, py=py)
    found = desk.course.lesson(lesson)
    count = len(desk.course.exercises(found.name))
    console.print(
        f"Wrote {path.name}: {found.title}. {count} exercises, about {_hours(found.minutes)}.",
        highlight=False,
    )
    for note in desk.needed(found.name)[1]:
        console.print(f"Note: {note}.", highlight=False)
    how = "Open it in your editor" if py else f"Open it with [bold]jupyter lab {path.name}[/bold]"
    console.print(f"{how}; check it with [bold]shortest check {found.name}[/bold].", highlight=False)


@app.command()
def check(
    lesson: LessonName,
    watch: Annotated[bool, typer.Option("--watch", help="Check again whenever you save the file.")] = False,
) -> None:
    """Run the public laws on your file: what breaks, on which input, and what to try."""
    desk = _desk()
    name, path = desk.file(lesson)
    if watch:
        _watch(lambda: _next(_check(desk, name, path), name), path)
        return
    checked = _check(desk, name, path)
    _next(checked, name)
    raise typer.Exit(0 if checked.points == checked.possible else 1)


def _watch(action: Callable[[], None], path: Path) -> None:
    """Act now, and again whenever the file has changed, until Ctrl-C."""
    from watchfiles import watch as changes  # its import costs time that only --watch should pay

    _try(action)
    console.print("\nWaiting for you to save; Ctrl-C ends it.", style="dim")
    # The folder is watched and not the file: many editors put a new file in the old one's place.
    for changed in changes(path.parent, recursive=False):
        if any(Path(changed_path).name == path.name for _, changed_path in changed) and path.is_file():
            console.rule()
            _try(action)


def _check(desk: Desk, name: str, path: Path) -> Checked:
    from autograder import report
    from autograder.check import check_file

    checked = check_file(desk, name, path)
    console.print(
        f"[bold]{escape(path.name)}[/bold]  [dim]unsandboxed: it is your own code, run as you[/dim]"
    )
    console.print(report.render(checked))
    try:
        desk.remember(name, {"points": checked.points, "possible": checked.possible})
    except OSError as problem:
        console.print(f"These points can't be kept: {escape(str(problem))}", highlight=False, soft_wrap=True)
    return checked


def _next(checked: Checked, name: str) -> None:
    if checked.points == checked.possible:
        console.print(f"Every public law holds. Next: [bold]shortest submit {name}[/bold]", highlight=False)


def _try(action: Callable[[], None]) -> None:
    try:
        action()
    except ShortestError as problem:
        console.print(f"[red]{escape(str(problem))}[/red]", highlight=False, soft_wrap=True)


@app.command()
def submit(lesson: LessonName) -> None:
    """Check your file and pack it into one archive to hand in."""
    from autograder.submit import submit as pack

    desk = _desk()
    name, path = desk.file(lesson)
    checked = _check(desk, name, path)
    target, digest = pack(name, path, desk.folder, tested=checked.sha256)
    console.print(
        f"\nWrote {target.name}, which holds {path.name} (SHA-256 {digest[:16]}…). Hand it in as it is.",
        highlight=False,
    )
    if checked.points < checked.possible:
        console.print("Not every public law holds yet. You may hand it in all the same, and again later.")


@app.command()
def doctor() -> None:
    """Say what this machine has, what works, and what to install for the rest."""
    from autograder.doctor import examine

    table = Table("", "what", "found", "what to do", box=None, header_style="dim")
    findings = examine(Path.cwd())
    for finding in findings:
        sign = (
            "[green]✓[/green]"
            if finding.good
            else ("[red]✗[/red]" if finding.needed else "[yellow]·[/yellow]")
        )
        table.add_row(sign, finding.what, escape(finding.found), escape(finding.advice))
    console.print(table)
    raise typer.Exit(1 if any(f.needed and not f.good for f in findings) else 0)


@data_app.command("list")
def data_list() -> None:
    """Show the corpora that `shortest data get` knows."""
    from autograder import data

    table = Table("name", "what", "bytes", box=None, header_style="dim")
    for name, dataset in data.catalogue().items():
        table.add_row(name, dataset.title, f"{dataset.unpacked:,}")
    console.print(table)


@data_app.command("get")
def data_get(
    name: Annotated[str, typer.Argument(help="One of the names that `shortest data list` shows.")],
    folder: Annotated[Path, typer.Option(help="Where to put it.")] = Path("data"),
) -> None:
    """Fetch a corpus, check its hash, and go on where a cut connection left off."""
    from rich.progress import DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    from autograder import data

    with Progress(
        *Progress.get_default_columns()[:2], DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()
    ) as bar:
        task = bar.add_task(name, total=None)
        paths = data.get(name, folder, lambda done, total: bar.update(task, completed=done, total=total))
    for path in paths:
        console.print(str(path), highlight=False, soft_wrap=True)


@app.command()
def ladder(
    file: Annotated[
        Path | None, typer.Argument(help="The file to compress; the course's corpus where none is given.")
    ] = None,
    reference: ReferenceOption = False,
    out: Annotated[Path, typer.Option(help="Where the figure and the JSON go.")] = Path("ladder"),
) -> None:
    """Compress a file with every rung you have built, beside gzip, bzip2, xz, zstd, brotli and PPMd."""
    from autograder.climb import climb

    console.print(climb(_desk(), file, reference=reference, out=out, console=console))


LessonOption = Annotated[
    str | None,
    typer.Option("--with", help="The lesson whose program to use; by default the last one you built."),
]
ModelOption = Annotated[
    Path | None,
    typer.Option(
        "--model", help="Code with a network that lesson 17's save_model wrote; both sides need it."
    ),
]
OutOption = Annotated[Path | None, typer.Option(help="What to write; by default named after the file.")]


@app.command()
def compress(
    file: Annotated[Path, typer.Argument(help="The file to compress; it stays as it is.")],
    lesson: LessonOption = None,
    model: ModelOption = None,
    mixed: Annotated[
        bool, typer.Option("--mixed", help="Let lesson 7's model bet beside the network of --model.")
    ] = False,
    out: OutOption = None,
    reference: ReferenceOption = False,
) -> None:
    """Compress a file with a program of yours, and check that another process gets every byte back."""
    from autograder import pack

    with console.status("compressing, and reading it back"):
        if mixed and not model:
            raise ShortestError("--mixed lets lesson 7 bet beside a network; say which, with --model FILE")
        network = pack.Model(model, mixed) if model else None
        packed = pack.compress(_desk(), file, lesson, model=network, reference=reference, out=out)
    bits = f", {8 * packed.after / packed.before:.3f} bits a byte" if packed.before else ""
    console.print(
        f"{packed.path}: {packed.before:,} → {packed.after:,} bytes{bits}\n"
        f"by {packed.lesson} in {packed.seconds:.1f} s; read back by another process in "
        f"{packed.seconds_back:.1f} s, every byte right",
        highlight=False,
        soft_wrap=True,
    )


@app.command()
def decompress(
    file: Annotated[Path, typer.Argument(help="A file that `shortest compress` wrote.")],
    lesson: LessonOption = None,
    model: ModelOption = None,
    out: OutOption = None,
    reference: ReferenceOption = False,
) -> None:
    """Get a file back; its name says by which lesson's program."""
    from autograder import pack

    with console.status("decompressing"):
        network = pack.Model(model) if model else None
        packed = pack.decompress(_desk(), file, lesson, model=network, reference=reference, out=out)
    console.print(
        f"{packed.path}: {packed.before:,} → {packed.after:,} bytes, by {packed.lesson} in {packed.seconds:.1f} s",
        highlight=False,
        soft_wrap=True,
    )


def _hours(minutes: int) -> str:
    return f"{minutes} minutes" if minutes < 90 else f"{round(minutes / 30) / 2:g} hours"


app.add_typer(teach.app)  # last, so that `--help` shows the students' commands first
app.add_typer(teach_course.app, name="course")
app.add_typer(teach_export.app, name="export")

if __name__ == "__main__":
    main()

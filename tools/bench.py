"""`make bench`: our speed beside peers, in one run on one machine, as ratios; nothing here is a test.

Grading: `shortest grade` beside stock `nbgrader autograde`, on the same notebooks: the reference and planted
bugs. Stock runs as an instructor would who trusts every student: no isolation, and no hidden law is judged.
It is timed on the notebooks as they are handed in, and on lean ones without demos and check cells. Ours grades
a small class on all cores, stock a few on one: two of its processes on one gradebook are no faster.
Class: a thousand submissions of one lesson, each different, with the pages that follow; and the memory it took.
Checking: `shortest check`, each time a process of its own, beside the imports that it can't do without.
Codecs: every codec of the course beside those that people use, and the goals for them (`bench_codecs`).

    python tools/bench.py [grading] [class] [check] [codecs]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import bench_codecs
import nbformat
from rich import box
from rich.console import Console
from rich.table import Table

from autograder import bugs, notebook, source
from autograder.corpus import corpus
from autograder.course import Course
from autograder.model import ShortestError
from autograder.release import release

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "build" / "bench"
BUGS = 3  # planted bugs of each lesson, beside the reference
COPIES = 15  # of each of these in the class that ours grades
CLASS = 1000
CLASS_LESSON = "huffman"
CHECKS = 5
STOCK_CONFIG = """\
c = get_config()
c.CourseDirectory.course_id = "bench"
c.ClearSolutions.code_stub = {"python": "raise NotImplementedError"}
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a command took."""

    cpu: float
    wall: float

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.cpu + other.cpu, self.wall + other.wall)


def timed(command: Sequence[str], folder: Path, expected: int = 0, **environment: str) -> Cost:
    """Run a command with its descendants and return what it took.

    On Linux the CPU time is the whole machine's, which should be quiet: of workers that were killed no parent
    is told. Raises ShortestError, with the end of its output, where its exit status is another one than expected.
    """
    scripts = str(Path(sys.executable).parent)
    path = os.pathsep.join([scripts, os.environ.get("PATH", "")])
    before, started = _cpu(), time.perf_counter()
    done = subprocess.run(
        list(command), cwd=folder, env={**os.environ, "PATH": path, **environment},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    cost = Cost(_cpu() - before, time.perf_counter() - started)
    if done.returncode != expected:
        raise ShortestError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-2000:]}")
    return cost


def _cpu() -> float:
    """Return the seconds that the machine has computed: in programs and in the kernel, but not waited."""
    stat = Path("/proc/stat")
    if stat.exists():
        user, nice, system, _idle, _waiting, irq, softirq = stat.read_text().split()[1:8]
        return sum(map(int, (user, nice, system, irq, softirq))) / os.sysconf("SC_CLK_TCK")
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


# ---- grading ----


def versions_of(course: Course, lesson: str) -> dict[str, str]:
    """Return the reference and a few planted bugs of a lesson, each as a module's text."""
    planted = bugs.load(course, lesson)
    chosen = planted[:: max(1, len(planted) // BUGS)][:BUGS]
    return {"reference": course.source(lesson)} | {bug.name: bug.source for bug in chosen}


def hand_in(course: Course, lesson: str, folder: Path, *, lean: bool) -> list[Path]:
    """Write one notebook for each version of a lesson, as nbgrader collects them, and return their paths."""
    paths = []
    laws = course.laws(lesson, hidden=True)
    for name, text in versions_of(course, lesson).items():
        built = notebook.build(course.lesson(lesson), text, laws, solutions=True, graded=True)
        if lean:
            built.cells = [cell for cell in built.cells if "nbgrader" in cell.metadata]
        path = folder / name / lesson / f"{lesson}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(nbformat.writes(built), encoding="utf-8")
        paths.append(path)
    return paths


def grading(course: Course, folder: Path, console: Console) -> Iterator[dict[str, Any]]:
    """Yield, for each lesson, seconds for a submission by our grader and by stock nbgrader."""
    release(course, folder / "release", list(course.lessons))
    stock = folder / "release" / "nbgrader"
    (stock / "nbgrader_config.json").unlink()  # with it, autograding would be ours
    (stock / "nbgrader_config.py").write_text(STOCK_CONFIG, encoding="utf-8")
    for lesson in course.lessons:
        timed([sys.executable, "-m", "nbgrader", "generate_assignment", lesson], stock)
        row: dict[str, Any] = {"lesson": lesson}
        for kind in ("ours", "stock", "lean stock"):
            console.print(f"grading {lesson}: {kind}", style="dim")
            shutil.rmtree(stock / "submitted", ignore_errors=True)
            paths = hand_in(course, lesson, stock / "submitted", lean=kind == "lean stock")
            if kind == "ours":
                paths += _copied(paths)
            cost = _ours(stock / "submitted", folder) if kind == "ours" else _stock(stock, lesson, len(paths))
            row[kind] = {
                "submissions": len(paths),
                "cpu": cost.cpu / len(paths),
                "wall": cost.wall / len(paths),
            }
        yield row


def _copied(paths: Sequence[Path]) -> list[Path]:
    """Hand the same notebooks in again, by other students."""
    copies = []
    for path in paths:
        for number in range(1, COPIES):
            lesson = path.parent
            copy = lesson.parent.with_name(f"{lesson.parent.name}-{number}") / lesson.name / path.name
            copy.parent.mkdir(parents=True)
            shutil.copy(path, copy)
            copies.append(copy)
    return copies


def _ours(submitted: Path, folder: Path) -> Cost:
    out = folder / "grades"
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-m", "autograder.cli", "grade", str(submitted), "--out", str(out)]
    return timed([*command, "--jobs", str(os.cpu_count() or 1)], ROOT, SHORTEST_COURSE=str(ROOT))


def _stock(stock: Path, lesson: str, expected: int) -> Cost:
    shutil.rmtree(stock / "autograded", ignore_errors=True)
    cost = timed([sys.executable, "-m", "nbgrader", "autograde", lesson, "--create", "--force"], stock)
    done = len(list((stock / "autograded").glob(f"*/{lesson}/{lesson}.ipynb")))
    if done != expected:
        raise ShortestError(f"stock nbgrader graded {done} of {expected} submissions to {lesson}")
    return cost


# ---- a class ----


def classroom(course: Course, folder: Path, console: Console) -> Iterator[dict[str, Any]]:
    """Yield what it takes to grade a class of a thousand, and a tenth of it, from the files to the pages."""
    kinds = list(versions_of(course, CLASS_LESSON).values())
    for size in (CLASS // 10, CLASS):
        console.print(f"a class of {size}", style="dim")
        submitted = folder / f"submitted-{size}"
        for number in range(size):
            path = submitted / f"student-{number:04}" / f"{CLASS_LESSON}.py"
            path.parent.mkdir(parents=True)
            text = f"{source.without_markers(kinds[number % len(kinds)])}\n# {number}\n"
            path.write_text(text, encoding="utf-8")
        cost = _ours(submitted, folder)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        yield {"lesson": CLASS_LESSON, "submissions": size, "cpu": cost.cpu, "wall": cost.wall, "peak": peak}


def _class_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    title = f"A class, from the files to the pages, on {os.cpu_count()} cores; the largest process's memory"
    table = _table(title, "lesson", "submissions", "wall s", "CPU s a submission", "peak MB")
    for row in rows:
        each = row["cpu"] / row["submissions"]
        table.add_row(
            row["lesson"],
            f"{row['submissions']:,}",
            f"{row['wall']:.1f}",
            f"{each:.3f}",
            f"{row['peak']:.0f}",
        )
    return table


# ---- checking ----


def checking(course: Course, folder: Path, console: Console) -> Iterator[dict[str, Any]]:
    """Yield, for each lesson, the median seconds of a student's check on a right file and on a wrong one."""
    bundle = release(course, folder / "release", list(course.lessons)).student.resolve()
    desk = folder / "desk"
    desk.mkdir()
    for lesson in course.lessons:
        (desk / f"{lesson}.py").write_text(source.without_markers(course.source(lesson)), encoding="utf-8")
    imports = [sys.executable, "-c", "import hypothesis, msgpack, numpy, rich, typer"]
    for lesson in course.lessons:
        console.print(f"checking {lesson}", style="dim")
        command = [sys.executable, "-m", "autograder.cli", "check", lesson]
        name, wrong = _caught(course, lesson, desk, command, bundle)
        right = source.without_markers(course.source(lesson))
        times: dict[str, list[float]] = {"imports": [], "right": [], "wrong": []}
        for _ in range(CHECKS):
            times["imports"].append(timed(imports, desk).wall)
            for kind, text, status in (("wrong", wrong, 1), ("right", right, 0)):
                (desk / f"{lesson}.py").write_text(text, encoding="utf-8")
                times[kind].append(timed(command, desk, status, SHORTEST_COURSE=str(bundle)).wall)
        yield {"lesson": lesson, "bug": name} | {kind: statistics.median(t) for kind, t in times.items()}


def _caught(course: Course, lesson: str, desk: Path, command: list[str], bundle: Path) -> tuple[str, str]:
    """Return the first planted bug that a public law catches."""
    for bug in bugs.load(course, lesson):
        text = source.without_markers(bug.source)
        (desk / f"{lesson}.py").write_text(text, encoding="utf-8")
        try:
            timed(command, desk, 1, SHORTEST_COURSE=str(bundle))
        except ShortestError:
            continue
        return bug.name, text
    raise ShortestError(f"no public law of {lesson} catches a planted bug")


# ---- codecs ----


def codec_speeds(course: Course, _folder: Path, console: Console) -> Iterator[dict[str, Any]]:
    """Yield a row for each codec, ours and theirs, and one for each goal that could be judged."""
    sys.path.insert(0, str(course.root / "solutions"))
    text = corpus()[: bench_codecs.SIZE]
    heard: set[str] = set()

    def progress(name: str) -> None:
        if name not in heard:
            console.print(f"codecs: {name}", style="dim")
        heard.add(name)

    found = bench_codecs.measure(text, progress)
    alice = course.root / "data" / "canterbury" / "alice29.txt"
    judged = [*bench_codecs.goals(found, len(text)), *bench_codecs.goals_on_alice(alice)]
    console.print(bench_codecs.codec_table(found, len(text)))
    console.print(bench_codecs.goal_table(judged))
    if not alice.is_file():
        console.print("alice29.txt is not here; `shortest data get canterbury` fetches it.", style="dim")
    yield from (bench_codecs.row(codec, len(text)) for codec in found)
    yield from ({**asdict(goal), "verdict": goal.verdict} for goal in judged)


# ---- the report ----


def _grading_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    title = "Grading, seconds for a submission; stock isolates nothing and judges no hidden law"
    table = _table(title, "lesson", "handed in", "grader", "CPU", "wall", "CPU / ours", "throughput of ours")
    for row in rows:
        for kind in ("ours", "stock", "lean stock"):
            costs = [row[kind][what] for what in ("cpu", "wall")]
            ratios = [row[kind][what] / row["ours"][what] for what in ("cpu", "wall")]
            texts = [f"{cost:.3f}" for cost in costs] + [f"{ratio:.1f}x" for ratio in ratios]
            table.add_row(row["lesson"], str(row[kind]["submissions"]), kind, *texts)
    return table


def _checking_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    title = f"`shortest check`, wall seconds of a new process, median of {CHECKS}"
    table = _table(title, "lesson", "imports alone", "right file", "with a bug", "right / imports")
    for row in rows:
        seconds = [f"{row[kind]:.2f}" for kind in ("imports", "right", "wrong")]
        table.add_row(row["lesson"], *seconds, f"{row['right'] / row['imports']:.1f}x")
    return table


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(first, title=title, title_justify="left", box=box.SIMPLE, padding=(0, 1, 0, 0))
    for name in others:
        table.add_column(name, justify="right")
    return table


PARTS = {
    "grading": (grading, _grading_table),
    "class": (classroom, _class_table),
    "check": (checking, _checking_table),
    "codecs": (codec_speeds, None),  # which shows what it measured itself, in two tables
}


def main() -> int:
    """Run the parts that were asked for; return 1 where one of them could not be run."""
    parser = argparse.ArgumentParser(description="Our speed beside peers, in one run.")
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; all where none is named"
    )
    asked = parser.parse_args().parts or list(PARTS)
    if unknown := set(asked) - set(PARTS):
        parser.error(f"no part is called {', '.join(sorted(unknown))}; there are: {', '.join(PARTS)}")
    console = Console()
    shutil.rmtree(OUT, ignore_errors=True)
    report: dict[str, Any] = {
        "python": platform.python_version(), "system": platform.platform(), "cores": os.cpu_count(),
        "versions": {name: version(name) for name in ("nbgrader", "dahuffman", "hypothesis", "numpy")},
    }  # fmt: skip
    failed = []
    for name in asked:
        run, table = PARTS[name]
        folder = OUT / name
        folder.mkdir(parents=True)
        try:
            report[name] = list(run(Course(ROOT), folder, console))
        except ShortestError as problem:
            failed.append(f"{name}: {problem}")
            continue
        if table:
            console.print(table(report[name]))
        (OUT / "bench.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    for line in failed:
        console.print(line, style="red", markup=False)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())

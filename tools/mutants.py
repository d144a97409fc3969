"""The mutation score of the reference modules: how many small changes of a solution its own laws notice.

A mutant is the reference with one edit between the solution markers (`mutations`). It is killed where a law,
public or hidden, no longer passes (`court`).

    python tools/mutants.py [LESSON ...] [--jobs 2] [--sample N --seed S] [--given]
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import os
import random
import sys
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

if __name__ == "__main__":  # before NumPy is imported: a fork and a pool of threads go badly together
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

from court import Court, Fate, Score, judge_all
from mutations import Mutant, mutants

from autograder.course import Course, find_course
from autograder.model import ShortestError

LEAST_SCORE = 90.0
Change = tuple[str, str, str]  # the module, its lines before, its lines after


def load_reasons(path: Path) -> dict[Change, str]:
    """Return the reasons why some mutants may survive, by module, lines before and lines after.

    Raises ShortestError where an entry is incomplete.
    """
    if not path.is_file():
        return {}
    reasons = {}
    for entry in tomllib.loads(path.read_text(encoding="utf-8")).get("survivor", []):
        if set(entry) != {"module", "before", "after", "reason"} or not all(entry.values()):
            raise ShortestError(f"{path}: a survivor needs a module, before, after and a reason: {entry!r}")
        for after in [entry["after"]] if isinstance(entry["after"], str) else entry["after"]:
            reasons[_key(entry["module"], entry["before"], after)] = entry["reason"]
    return reasons


def _key(module: str, before: str, after: str) -> Change:
    before, after = ("\n".join(map(str.strip, text.strip().splitlines())) for text in (before, after))
    return module, before, after


def _key_of(mutant: Mutant) -> Change:
    return _key(mutant.lesson, mutant.before, mutant.after)


def explain(score: Score, reasons: dict[Change, str]) -> Score:
    """Give each survivor the reason that was written down for it."""
    fates = [
        dataclasses.replace(fate, reason=reasons.get(_key_of(fate.mutant), ""))
        if fate.status == "survived"
        else fate
        for fate in score.fates
    ]
    return dataclasses.replace(score, fates=fates)


def run_lesson(court: Court, options: argparse.Namespace, console: Console, *, given: bool = False) -> Score:
    """Make and judge the mutants of one lesson, showing how far it is and how long it will take."""
    started = time.monotonic()
    todo = mutants(court.source, court.lesson, given=given)
    chance = random.Random(options.seed)
    # In any order, so that the time left is guessed from mutants of every exercise.
    todo = chance.sample(todo, min(options.sample or len(todo), len(todo)))
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[alive]}"),
    )
    fates: list[Fate] = []
    # Without a thread that redraws: a fork copies locks that other threads hold.
    with Progress(*columns, console=console, auto_refresh=False, transient=True) as progress:
        task = progress.add_task(court.lesson, total=len(todo), alive="")
        for fate in judge_all(court, todo, options.jobs, options.grace):
            fates.append(fate)
            alive = sum(fate.status == "survived" for fate in fates)
            progress.update(task, advance=1, refresh=True, alive=f"{alive} survived")
    fates.sort(key=lambda fate: fate.mutant.line)
    return Score(court.lesson, fates, time.monotonic() - started, given)


def run(course: Course, options: argparse.Namespace, console: Console) -> list[Score]:
    """Judge the mutants of the lessons asked for. Raises ShortestError where a reference breaks a law."""
    scores = []
    for name in options.lessons or course.lessons:
        court = Court(course, course.lesson(name).name, f"mutants/{options.seed}")
        scores.append(run_lesson(court, options, console))
        if options.given:
            scores.append(run_lesson(court, options, console, given=True))
    return scores


def show(scores: Sequence[Score], console: Console) -> None:
    """Print the survivors as small diffs, and one row for each module."""
    for score in scores:
        for fate in score.fates:
            if fate.status == "survived":
                _show_survivor(fate, console)
    caption = "adjusted: explained survivors not counted"
    table = Table("module", box=box.SIMPLE, padding=(0, 1, 0, 0), caption=caption)
    for name in ("mutants", "killed", "late", "survived", "explained", "score", "adjusted", "time"):
        table.add_column(name, justify="right", no_wrap=True)
    for score in scores:
        numbers = [len(score.fates), *map(score.count, ("killed", "timed out", "survived")), score.explained]
        shares = [f"{math.floor(10 * share) / 10:.1f}%" for share in (score.raw, score.adjusted)]
        table.add_row(score.title, *map(str, numbers), *shares, f"{score.seconds:.0f} s")
    console.print(table)


def _show_survivor(fate: Fate, console: Console) -> None:
    mutant = fate.mutant
    note = escape(f"  explained: {fate.reason}") if fate.reason else ""
    place = f"[bold]squeeze/{mutant.lesson}.py:{mutant.line}[/] in {mutant.exercise}"
    console.print(place + note, highlight=False, soft_wrap=True)
    for sign, colour, text in (("-", "red", mutant.before), ("+", "green", mutant.after)):
        for line in text.splitlines():
            console.print(f"  [{colour}]{sign} {escape(line)}[/]", highlight=False, soft_wrap=True)


def write_report(scores: Sequence[Score], path: Path) -> None:
    """Write every fate as JSON, without the mutants' full text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    report = {
        score.title: {
            "score": score.raw,
            "adjusted": score.adjusted,
            "seconds": round(score.seconds, 2),
            "mutants": [
                {key: getattr(fate.mutant, key) for key in ("exercise", "line", "before", "after")}
                | {key: getattr(fate, key) for key in ("status", "law", "reason", "seconds")}
                for fate in score.fates
            ],
        }
        for score in scores
    }
    path.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def stale(scores: Sequence[Score], reasons: dict[Change, str]) -> list[Change]:
    """Return the entries of survivors.toml whose mutant no longer survives, of the modules that were run."""
    alive = {_key_of(fate.mutant) for score in scores for fate in score.fates if fate.status == "survived"}
    return [key for key in reasons if key not in alive and key[0] in {score.lesson for score in scores}]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Return 1 where a module's raw score is too low or an explanation is out of date, and 2 where nothing
    could be judged.
    """
    options = _parse(arguments)
    console = Console()
    course = find_course(Path(__file__).parent)
    sys.path.insert(0, str(course.root / "solutions"))  # where a mutant finds the lessons that it needs
    try:
        reasons = load_reasons(course.root / "tests" / "bugs" / "survivors.toml")
        scores = [explain(score, reasons) for score in run(course, options, console)]
    except ShortestError as problem:
        console.print(f"[red]{escape(str(problem))}[/]")
        return 2
    show(scores, console)
    write_report(scores, course.root / "build" / "mutants" / "report.json")
    old = [] if options.sample else stale(scores, reasons)
    for module, before, after in old:
        console.print(f"[red]survivors.toml explains what no longer survives in {module}:[/]")
        console.print(escape(f"  - {before}\n  + {after}"), highlight=False, soft_wrap=True)
    low = [score.title for score in scores if score.raw < LEAST_SCORE and not score.given]
    if low:
        console.print(f"[red]below {LEAST_SCORE:.0f}%: {', '.join(low)}[/]")
    return 1 if low or old else 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The mutation score of the references under their own laws.")
    add = parser.add_argument
    add("lessons", nargs="*", metavar="LESSON", help="names; all lessons where none is named")
    add("--jobs", type=int, default=2, help="mutants judged at a time (2)")
    add("--sample", type=int, default=0, metavar="N", help="judge N mutants a module, drawn by the seed")
    add("--seed", type=int, default=0, help="for the sample and for the laws' examples (0)")
    add("--grace", type=float, default=2.0, help="CPU seconds for a mutant, beside the reference's time (2)")
    add("--given", action="store_true", help="mutate given code too, for which no least score is asked")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())

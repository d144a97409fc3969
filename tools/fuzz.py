"""`make fuzz`: a million damaged streams for each decoder of the reference.

A decoder may give bytes or raise ValueError. Anything else is a finding: another exception, a second or more
for one stream, more memory than `MEMORY`, or wrong bytes from a format that carries a checksum. A finding is
written to build/fuzz/, with the line that shows it again.

    python tools/fuzz.py [TARGET ...] [--count 1000000] [--seed 0] [--jobs 2]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from damage import damaged
from fuzz_targets import Target, targets
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "build" / "fuzz"
COUNT = 1_000_000
CHUNK = 2000  # streams that one process judges before it reports
SECONDS = 1.0
MEMORY = 2 << 30
KEPT = 5  # findings that are written for each target

if sys.path[0] != str(ROOT / "solutions"):
    sys.path.insert(0, str(ROOT / "solutions"))


@dataclass
class Outcome:
    """What came of some streams of one target: how many of each fate, the slowest, and what was found."""

    fates: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    findings: list[tuple[str, bytes]] = field(default_factory=list)

    def add(self, other: Outcome) -> None:
        """Count another outcome in."""
        self.fates += other.fates
        self.slowest = max(self.slowest, other.slowest)
        self.findings += other.findings


class TooSlow(BaseException):
    """A stream took longer than `SECONDS`; no decoder catches this by accident."""


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Raise TooSlow in the body after some seconds, where the system has alarms."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def ring(*_: object) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def judge(target: Target, stream: bytes, original: Any) -> str:
    """Decode one stream and name its fate: "refused", "other", "same", or what is wrong."""
    try:
        with alarm(SECONDS):
            got = target.decode(stream)
    except ValueError:
        return "refused"
    except TooSlow:
        return f"! more than {SECONDS:g} s"
    except Exception as problem:
        return f"! {type(problem).__name__}: {problem}"[:200]
    if got == original:
        return "same"
    return "! wrong bytes behind a checksum" if target.checksum else "other"


def run_chunk(name: str, seed: int, chunk: int, size: int) -> Outcome:
    """Damage and decode `size` streams; the same arguments make the same streams."""
    target = next(target for target in targets() if target.name == name)
    dice = random.Random(f"{seed} {name} {chunk}")
    streams = [stream for stream, _ in target.seeds]
    outcome = Outcome()
    for _ in range(size):
        sound, original = dice.choice(target.seeds)
        stream = damaged(sound, streams, dice)
        started = time.perf_counter()
        fate = judge(target, stream, original)
        outcome.slowest = max(outcome.slowest, time.perf_counter() - started)
        outcome.fates[fate if fate[0] != "!" else "found"] += 1
        if fate[0] == "!":
            outcome.findings.append((fate[2:], stream))
    outcome.findings = outcome.findings[:KEPT]
    return outcome


def run_target(name: str, count: int, seed: int, pool: ProcessPoolExecutor, bar: Progress) -> Outcome:
    """Judge `count` streams of one target, showing how far it is."""
    task = bar.add_task(name, total=count)
    sizes = [CHUNK] * (count // CHUNK) + [count % CHUNK] * (count % CHUNK > 0)
    jobs = [pool.submit(run_chunk, name, seed, chunk, size) for chunk, size in enumerate(sizes)]
    outcome = Outcome()
    for job, size in zip(jobs, sizes, strict=True):
        outcome.add(job.result())
        bar.advance(task, size)
    bar.remove_task(task)
    return outcome


def limit_memory() -> None:
    """Let this process have no more than `MEMORY`, where the system can do that."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def keep(name: str, outcome: Outcome) -> list[str]:
    """Write the streams that were found, and return a line for each."""
    lines = []
    for problem, stream in outcome.findings[:KEPT]:
        path = OUT / f"{name}-{hashlib.sha256(stream).hexdigest()[:12]}"
        path.write_bytes(stream)
        lines.append(f"{name}: {problem}\n    python tools/fuzz.py --show {path.relative_to(ROOT)}")
    return lines


def show(path: Path) -> int:
    """Decode one stream that was kept, with the traceback."""
    name = path.name.rsplit("-", 1)[0]
    print(next(target for target in targets() if target.name == name).decode(path.read_bytes()))
    return 0


def table(outcomes: dict[str, Outcome]) -> Table:
    """Lay out what became of each target's streams."""
    view = Table(title="Damaged streams", title_justify="left", box=box.SIMPLE, padding=(0, 1, 0, 0))
    view.add_column("decoder", no_wrap=True)
    for heading in ("streams", "refused", "other", "same", "worst ms", "found"):
        view.add_column(heading, justify="right")
    for name, outcome in outcomes.items():
        counts = [outcome.fates.total(), *(outcome.fates[fate] for fate in ("refused", "other", "same"))]
        cells = [f"{count:,}" for count in counts] + [f"{1000 * outcome.slowest:.0f}"]
        view.add_row(name, *cells, f"{outcome.fates['found']:,}")
    return view


def main() -> int:
    """Fuzz the targets that were asked for; return 1 where something was found."""
    names = [target.name for target in targets()]
    parser = argparse.ArgumentParser(description="Damaged streams for every decoder.")
    parser.add_argument(
        "targets", nargs="*", metavar="TARGET", help=f"all where none is named: {', '.join(names)}"
    )
    parser.add_argument("--count", type=int, default=COUNT, help="streams for each decoder")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--show", type=Path, help="decode one stream that was kept")
    options = parser.parse_args()
    if options.show:
        return show(options.show)
    if unknown := set(options.targets) - set(names):
        parser.error(f"no decoder is called {', '.join(sorted(unknown))}; there are: {', '.join(names)}")
    OUT.mkdir(parents=True, exist_ok=True)
    console, outcomes, lines = Console(), {}, []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    pool = ProcessPoolExecutor(options.jobs, get_context("spawn"), limit_memory)
    with pool, Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        for name in options.targets or names:
            outcomes[name] = run_target(name, options.count, options.seed, pool, bar)
            lines += keep(name, outcomes[name])
    console.print(table(outcomes))
    rows = {name: dict(outcome.fates) | {"slowest": outcome.slowest} for name, outcome in outcomes.items()}
    (OUT / "fuzz.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    for line in lines:
        console.print(line, style="red", markup=False, highlight=False, soft_wrap=True)
    return 1 if lines else 0


if __name__ == "__main__":
    raise SystemExit(main())

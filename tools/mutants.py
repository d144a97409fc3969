"""The mutation score of the reference modules: how many small changes of a solution its own laws notice.

A mutant is the reference with one edit between the solution markers. It is killed where a law, public or
hidden, no longer passes. Each mutant is judged in a forked process with limits of its own, on examples that
were drawn once; this needs Linux or macOS.

Mutants are made by mutmut's operators and a few that it lacks: negated and dropped conditions, removed
statements, other bounds of slices, other errors. Its runner is not used: it doesn't keep to solution regions,
sets no limit on memory, and starts pytest for every mutant, which takes twice as long as the judge.

    python tools/mutants.py [LESSON ...] [--jobs 2] [--sample N --seed S] [--given]
"""

from __future__ import annotations

import argparse
import ast
import dataclasses
import difflib
import json
import math
import multiprocessing
import multiprocessing.connection
import os
import random
import resource
import signal
import sys
import time
import tomllib
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

if __name__ == "__main__":  # before NumPy is imported: a fork and a pool of threads go badly together
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

from autograder import bugs, judge, lawbook
from autograder.course import Course, find_course
from autograder.model import Law, Limits, Outcome, ShortestError
from autograder.source import BEGIN, END

LEAST_SCORE = 90.0
PROSE = (
    cst.Annotation,
    cst.Decorator,
    cst.Import,
    cst.ImportFrom,
    cst.FormattedString,
    cst.ConcatenatedString,
)
TWINS = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list", "reversed": "list"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """The reference with one edit; `before` and `after` are the lines that differ, without indentation."""

    lesson: str
    exercise: str
    line: int
    before: str
    after: str
    source: str = dataclasses.field(repr=False)


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a mutant: the first law that noticed it, or none."""

    mutant: Mutant
    status: str  # "killed", "timed out" or "survived"
    law: str = ""
    seconds: float = 0.0
    reason: str = ""  # why it may survive, from survivors.toml


@dataclass(frozen=True)
class Score:
    """All fates of one lesson's solutions, or of its given code."""

    lesson: str
    fates: Sequence[Fate]
    seconds: float = 0.0
    given: bool = False

    @property
    def title(self) -> str:
        """The module, and whether these are mutants of the code that students are given."""
        return f"{self.lesson} (given)" if self.given else self.lesson

    def count(self, status: str) -> int:
        """Count the mutants of one status."""
        return sum(fate.status == status for fate in self.fates)

    @property
    def explained(self) -> int:
        """How many survivors have a reason."""
        return sum(bool(fate.reason) for fate in self.fates)

    @property
    def raw(self) -> float:
        """The share of all mutants that laws noticed, in per cent."""
        return _percent(len(self.fates) - self.count("survived"), len(self.fates))

    @property
    def adjusted(self) -> float:
        """The same, where explained survivors are not counted at all."""
        return _percent(len(self.fates) - self.count("survived"), len(self.fates) - self.explained)


def _percent(part: int, whole: int) -> float:
    return 100.0 * part / whole if whole else 100.0


# ---- making mutants ----


def _negated(node: cst.If | cst.While | cst.IfExp | cst.CompIf) -> Iterator[cst.CSTNode]:
    test = node.test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    space = cst.SimpleWhitespace(" ")
    changes: dict[str, Any] = {"test": cst.UnaryOperation(cst.Not(whitespace_after=space), test)}
    if isinstance(node, cst.CompIf):
        changes["whitespace_before_test"] = space
    yield node.with_changes(**changes)


def _never(node: cst.If | cst.CompIf) -> Iterator[cst.CSTNode]:
    yield node.with_changes(test=cst.Name("False"))
    if isinstance(node, cst.CompIf) or node.orelse:
        yield node.with_changes(test=cst.Name("True"))


def _removed(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    # An assignment to a name is left alone: a NameError says nothing about the laws.
    if isinstance(node, cst.Assign) and all(isinstance(target.target, cst.Name) for target in node.targets):
        return
    yield cst.Pass()


def _nothing_returned(node: cst.Return) -> Iterator[cst.CSTNode]:
    if node.value is not None:
        yield node.with_changes(value=cst.Name("None"), whitespace_after_return=cst.SimpleWhitespace(" "))


def _another_error(node: cst.Raise) -> Iterator[cst.CSTNode]:
    if isinstance(node.exc, cst.Call):
        yield node.with_changes(exc=node.exc.with_changes(func=cst.Name("RuntimeError")))


def _one_less(node: cst.Integer) -> Iterator[cst.CSTNode]:
    less = node.evaluated_value - 1
    yield (
        cst.Integer(str(less))
        if less >= 0
        else cst.UnaryOperation(
            cst.Minus(), cst.Integer("1"), lpar=[cst.LeftParen()], rpar=[cst.RightParen()]
        )
    )


def _other_bounds(node: cst.Slice) -> Iterator[cst.CSTNode]:
    for side in ("lower", "upper", "step"):
        bound = getattr(node, side)
        if bound is None:
            continue
        yield node.with_changes(**{side: None})
        if side != "step":
            wrapped = bound.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
            yield node.with_changes(**{side: cst.BinaryOperation(wrapped, cst.Add(), cst.Integer("1"))})


def _twin(node: cst.Call) -> Iterator[cst.CSTNode]:
    name = node.func.value if isinstance(node.func, cst.Name) else ""
    if name in TWINS and not any(arg.keyword for arg in node.args):
        yield node.with_changes(func=cst.Name(TWINS[name]))


Operator = tuple[type | tuple[type, ...], Callable[[Any], Iterable[cst.CSTNode]]]
OPERATORS: list[Operator] = [
    *mutation_operators,
    ((cst.If, cst.While, cst.IfExp, cst.CompIf), _negated),
    ((cst.If, cst.CompIf), _never),
    ((cst.Expr, cst.Assign, cst.AugAssign, cst.Raise, cst.Break, cst.Continue), _removed),
    (cst.Return, _nothing_returned),
    (cst.Raise, _another_error),
    (cst.Integer, _one_less),
    (cst.Slice, _other_bounds),
    (cst.Call, _twin),
]


class Editor(cst.CSTVisitor):
    """Collects every edit (node, what stands there instead, line) on the given lines; prose is left alone."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, lines: set[int]) -> None:
        super().__init__()
        self.edits: list[tuple[cst.CSTNode, cst.CSTNode, int]] = []
        self._lines = lines
        self._at = [0]  # some nodes have no position; they stand where their parent does

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Collect the edits of one node."""
        position = self.get_metadata(PositionProvider, node, None)
        self._at.append(position.start.line if position else self._at[-1])
        docstring = isinstance(node, cst.Expr) and isinstance(node.value, cst.SimpleString)
        if docstring or isinstance(node, PROSE):
            return False
        if self._at[-1] in self._lines:
            for kind, operator in OPERATORS:
                if isinstance(node, kind):
                    self.edits += [(node, new, self._at[-1]) for new in operator(node)]
        return not isinstance(node, cst.Raise)  # no law pins the words of a message

    def on_leave(self, original_node: cst.CSTNode) -> None:  # noqa: ARG002 - the name is libcst's
        """Go back to the parent's line."""
        self._at.pop()


def solution_lines(source: str) -> set[int]:
    """Return the numbers of the lines between solution markers."""
    inside, found = False, set()
    for number, line in enumerate(source.splitlines(), 1):
        if line.strip() in (BEGIN, END):
            inside = line.strip() == BEGIN
        elif inside:
            found.add(number)
    return found


def mutants(source: str, lesson: str, *, given: bool = False) -> list[Mutant]:
    """Return every mutant of a module's solution regions, or of all the rest, in the order of the lines."""
    wrapper = MetadataWrapper(cst.parse_module(source))
    lines = solution_lines(source)
    editor = Editor(set(range(1, source.count("\n") + 2)) - lines if given else lines)
    wrapper.visit(editor)
    owners = {
        line: node.name
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        for line in range(node.lineno, (node.end_lineno or 0) + 1)
    }
    found: dict[str, Mutant] = {}
    for old, new, line in editor.edits:
        text = cst.ensure_type(wrapper.module.deep_replace(old, new), cst.Module).code
        if text == source or text in found or not _parses(text):
            continue
        before, after = changed_lines(source, text)
        found[text] = Mutant(lesson, owners.get(line, ""), line, before, after, text)
    return sorted(found.values(), key=lambda mutant: mutant.line)


def _parses(text: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # `1 is 2` and the like
        try:
            compile(text, "<mutant>", "exec")
        except SyntaxError:
            return False
    return True


def changed_lines(before: str, after: str) -> tuple[str, str]:
    r"""Return the lines that only one of two texts has, without indentation.

    >>> changed_lines("a\nb\n", "a\nc\n")
    ('b', 'c')
    """
    diff = list(difflib.ndiff(before.splitlines(), after.splitlines()))
    first, second = (
        "\n".join(line[2:].strip() for line in diff if line.startswith(sign)) for sign in ("- ", "+ ")
    )
    return first, second


# ---- judging them ----


class Court:
    """A lesson's laws with their examples: what every mutant of it is judged by."""

    def __init__(self, course: Course, lesson: str, secret: str) -> None:
        self.lesson = lesson
        self.secret = secret
        self.source = course.source(lesson)
        self.laws = course.laws(lesson, hidden=True)
        self._examples = {law.key: lawbook.draw(law, secret) for law in self.laws}
        reference = judge.load_module(self.source, lesson)
        self._extra = {"reference": reference, "bugs": bugs.modules(course, lesson)}
        self._memory = course.lesson(lesson).limits.memory_mb << 20

    def first_broken(self, source: str, exercise: str = "") -> tuple[str, str]:
        """Return the first law that does not pass and what it said, trying those of `exercise` first."""
        try:
            here, elsewhere = (judge.load_module(source, self.lesson) for _ in range(2))
        except Exception as problem:
            return "import", str(problem)
        subject = judge.Direct(here, elsewhere, source, self._extra)
        laws: list[Law] = sorted(self.laws, key=lambda law: law.exercise != exercise)
        judge.SHRINK_SECONDS = 0.0  # nobody reads these counterexamples
        for verdict in judge.judge(laws, subject, Limits(), lambda law: self._examples[law.key], self.secret):
            if verdict.outcome is not Outcome.PASSED:
                return verdict.law, verdict.because
        return "", ""

    def main(self, answer: Connection, source: str, exercise: str, seconds: float) -> None:
        """Judge one module in a forked process, which the kernel ends when its time is over."""
        for which, signal_number, limit in (
            (signal.ITIMER_PROF, signal.SIGPROF, seconds),
            (signal.ITIMER_REAL, signal.SIGALRM, 10 * seconds),
        ):
            signal.signal(signal_number, signal.SIG_DFL)
            signal.setitimer(which, limit)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        _limit_memory(self._memory)
        silent = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(silent, stream)
        started = time.process_time()
        broken = self.first_broken(source, exercise)
        answer.send((*broken, time.process_time() - started))

    @cached_property
    def seconds(self) -> float:
        """The CPU seconds that the reference takes. Raises ShortestError where it breaks a law."""
        here, there = multiprocessing.Pipe(duplex=False)
        process = _fork(self, there, self.source, "", 600.0)
        there.close()
        try:
            law, because, seconds = here.recv()
        except EOFError:
            raise ShortestError(f"{self.lesson}: judging the reference crashed or took ten minutes") from None
        finally:
            process.join()
        if law:
            raise ShortestError(f"{self.lesson}: the reference itself breaks the law {law!r}: {because}")
        return float(seconds)


def _limit_memory(extra: int) -> None:
    if not sys.platform.startswith("linux"):  # elsewhere the limit doesn't hold, or there is no way to ask
        return
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages * resource.getpagesize() + extra
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _fork(court: Court, answer: Connection, source: str, exercise: str, seconds: float) -> Any:
    arguments = (answer, source, exercise, seconds)
    process = multiprocessing.get_context("fork").Process(target=court.main, args=arguments)
    process.start()
    return process


def judge_all(court: Court, todo: Sequence[Mutant], jobs: int, grace: float) -> Iterator[Fate]:
    """Yield the fate of each mutant as it becomes known, judging `jobs` of them at a time.

    A mutant is late after `grace` CPU seconds and ten times what the reference takes.
    """
    waiting = list(reversed(todo))
    running: dict[Connection, tuple[Mutant, Any, float]] = {}
    seconds = grace + 10 * court.seconds
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                mutant = waiting.pop()
                here, there = multiprocessing.Pipe(duplex=False)
                process = _fork(court, there, mutant.source, mutant.exercise, seconds)
                there.close()  # so that a process that dies without an answer is an end of file here
                running[here] = mutant, process, time.monotonic()
            for ready in multiprocessing.connection.wait(list(running)):
                assert isinstance(ready, Connection)
                mutant, process, started = running.pop(ready)
                yield _fate(mutant, ready, process, time.monotonic() - started)
    finally:
        for _, process, _ in running.values():
            process.kill()


def _fate(mutant: Mutant, answer: Connection, process: Any, seconds: float) -> Fate:
    try:
        law = answer.recv()[0]
    except EOFError:
        law = None
    answer.close()
    process.join()
    if law is None:
        late = process.exitcode in (-signal.SIGPROF, -signal.SIGALRM)
        return Fate(mutant, "timed out" if late else "killed", "", seconds)
    return Fate(mutant, "killed" if law else "survived", law, seconds)


# ---- explaining and reporting ----


def load_reasons(path: Path) -> dict[tuple[str, str, str], str]:
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


def _key(module: str, before: str, after: str) -> tuple[str, str, str]:
    before, after = ("\n".join(map(str.strip, text.strip().splitlines())) for text in (before, after))
    return module, before, after


def _key_of(mutant: Mutant) -> tuple[str, str, str]:
    return _key(mutant.lesson, mutant.before, mutant.after)


def explain(score: Score, reasons: dict[tuple[str, str, str], str]) -> Score:
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


def stale(scores: Sequence[Score], reasons: dict[tuple[str, str, str], str]) -> list[tuple[str, str, str]]:
    """Return the entries of survivors.toml whose mutant no longer survives, of the modules that were run."""
    alive = {_key_of(fate.mutant) for score in scores for fate in score.fates if fate.status == "survived"}
    return [key for key in reasons if key not in alive and key[0] in {score.lesson for score in scores}]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Return 1 where a module's raw score is too low or an explanation is out of date, and 2 where nothing
    could be judged.
    """
    parser = argparse.ArgumentParser(description="The mutation score of the references under their own laws.")
    add = parser.add_argument
    add("lessons", nargs="*", metavar="LESSON", help="names; all lessons where none is named")
    add("--jobs", type=int, default=2, help="mutants judged at a time (2)")
    add(
        "--sample", type=int, default=0, metavar="N", help="judge N mutants of each module, drawn by the seed"
    )
    add("--seed", type=int, default=0, help="for the sample and for the laws' examples (0)")
    add(
        "--grace",
        type=float,
        default=2.0,
        help="CPU seconds for a mutant, beside what the reference takes (2)",
    )
    add("--given", action="store_true", help="mutate given code too, for which no least score is asked")
    options = parser.parse_args(arguments)
    console = Console()
    course = find_course(Path(__file__).parent)
    sys.path.insert(0, str(course.root / "solutions"))  # where a mutant finds the lessons that it needs
    scores: list[Score] = []
    try:
        reasons = load_reasons(course.root / "tests" / "bugs" / "survivors.toml")
        for name in options.lessons or course.lessons:
            court = Court(course, course.lesson(name).name, f"mutants/{options.seed}")
            scores.append(run_lesson(court, options, console))
            if options.given:
                scores.append(run_lesson(court, options, console, given=True))
    except ShortestError as problem:
        console.print(f"[red]{escape(str(problem))}[/]")
        return 2
    scores = [explain(score, reasons) for score in scores]
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


if __name__ == "__main__":
    raise SystemExit(main())

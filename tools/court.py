"""Judge mutants by a lesson's laws: each in a forked process with limits of its own, on examples drawn once.

mutmut's own runner is not used: it doesn't keep to solution regions, sets no limit on memory, and starts
pytest for every mutant, which takes twice as long as the judge. Forking needs Linux or macOS.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import resource
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from mutations import Mutant

from autograder import bugs, judge, lawbook
from autograder.course import Course
from autograder.model import Law, Limits, Outcome, ShortestError


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
        return self._share(len(self.fates))

    @property
    def adjusted(self) -> float:
        """The same, where explained survivors are not counted at all."""
        return self._share(len(self.fates) - self.explained)

    def _share(self, whole: int) -> float:
        return 100.0 * (len(self.fates) - self.count("survived")) / whole if whole else 100.0


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

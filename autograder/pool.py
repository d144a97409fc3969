"""Grading in several processes: each takes one job at a time, and a watchdog ends one that is kept busy.

Student code can't run here, but what it sends is decoded here, and that may be made to take for ever. So the
time of a whole submission is bounded from outside the process that judges it.
"""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from autograder import awake
from autograder.grade import Grader, every, made
from autograder.model import Attempt, Job, Limits, Outcome
from autograder.sandbox import Sandbox

SLACK = 30.0  # seconds beyond a lesson's total: starting, drawing the inputs, shrinking
END_SECONDS = 5.0
TRIES = 2
BUSY = "judging it took longer than it may: what the code returned kept the grader busy"
LOST = "the grading process ended while it judged this file, each time that it was tried"


@dataclass(frozen=True, slots=True)
class Setup:
    """All that a grading process needs to know; it travels to a new process, or to another machine."""

    root: Path
    secret: str
    sandbox: Sandbox
    limits: Mapping[str, Limits] = field(default_factory=dict)

    def grader(self) -> Grader:
        """Make the grader that this describes."""
        return Grader(self.root, self.secret, self.sandbox, self.limits)


def grade(
    setup: Setup, jobs: Iterable[Job], processes: int = 1, *, slack: float = SLACK, pinned: bool = True
) -> Iterator[tuple[Job, Attempt]]:
    """Yield each job with its attempt as it is done, in no set order, from so many processes.

    A job is taken from `jobs` only when a process is free for it. A process that dies takes no submission with
    it: what it held is tried once more, and then said to have broken the grader. One that is kept busy for
    `slack` seconds beyond the lesson's limit is killed, and all laws are TIMED_OUT. Whoever stops early ends
    all processes at once. `pinned` gives each process a core, which is wrong where others do so too.
    """
    here = setup.grader()  # it judges nothing; it knows the laws, for those that were lost
    queue = iter(jobs)
    with tempfile.TemporaryDirectory(prefix="shortest-", ignore_cleanup_errors=True) as folder:
        cores = _cores(processes) if pinned else [None] * processes
        crew = [_Process(setup, folder, core) for core in cores]
        try:
            while True:
                for one in crew:
                    if one.job is None:
                        one.take(queue, here, slack)
                if all(one.job is None for one in crew):
                    for one in crew:
                        one.dismiss()
                    return
                yield from _settle(crew, here)
        finally:
            for one in crew:
                one.end()


class _Process:
    """One grading process and the job that it holds."""

    def __init__(self, setup: Setup, folder: str, core: int | None) -> None:
        self._arguments = (setup, folder, core)
        self.job: Job | None = None
        self._tries = 0
        self.until = 0.0
        self._seconds = 0.0
        self.pipe, self.process = self._started()

    def _started(self) -> tuple[Connection, BaseProcess]:
        context = get_context("spawn")
        here, there = context.Pipe()
        process = context.Process(target=_serve, args=(there, *self._arguments), daemon=True)
        with _deaf():
            process.start()
        there.close()  # so that its end is an end of file here
        return here, process

    def take(self, queue: Iterator[Job], grader: Grader, slack: float) -> None:
        """Start on the next job, where there is one."""
        self.job = next(queue, None)
        if self.job is not None:
            self._tries = 0
            self._seconds = grader.course.lesson(self.job.lesson).limits.total_seconds + slack
            self._send()

    def _send(self) -> None:
        self._tries += 1
        self.until = awake.now() + self._seconds
        try:
            self.pipe.send(self.job)
        except OSError:  # it is dead already: `answer` finds that out
            pass

    def answer(self) -> Attempt | None:
        """Return the attempt, or nothing where the process died with the job and has been given it again.

        Raises EOFError where that was done before.
        """
        try:
            attempt = self.pipe.recv()
        except (EOFError, OSError):
            self.restart()
            if self._tries >= TRIES:
                raise EOFError from None
            self._send()
            return None
        assert isinstance(attempt, Attempt)
        return attempt

    def restart(self) -> None:
        """Replace the process by a new one."""
        self.end()
        self.pipe, self.process = self._started()

    def dismiss(self) -> None:
        """Let the process end by itself, for it has nothing to do."""
        self.pipe.close()
        self.process.join(END_SECONDS)

    def end(self) -> None:
        """End the process at once, and with it the workers that it started."""
        self.process.kill()
        self.process.join()
        self.pipe.close()


@contextmanager
def _deaf() -> Iterator[None]:
    """Let a process that is started within not hear Ctrl-C, until it has said so itself."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # the first process starts it, and it lets Ctrl-C through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _settle(crew: list[_Process], grader: Grader) -> Iterator[tuple[Job, Attempt]]:
    """Wait for the next answer or the next alarm, and yield what came of it."""
    busy = {one.pipe: one for one in crew if one.job}
    patience = max(0.0, min(one.until for one in busy.values()) - awake.now())
    for pipe in wait(list(busy), timeout=patience):
        assert isinstance(pipe, Connection)
        one = busy[pipe]
        assert one.job is not None
        try:
            attempt = one.answer()
        except EOFError:
            attempt = _unjudged(grader, one.job, Outcome.GRADER_ERROR, LOST)
        if attempt is not None:
            job, one.job = one.job, None
            yield job, attempt
    for one in crew:
        # Whoever takes the attempts may have kept us waiting, and this one's answer lie there unread.
        if one.job and awake.now() > one.until and not one.pipe.poll():
            job, one.job = one.job, None
            one.restart()
            yield job, _unjudged(grader, job, Outcome.TIMED_OUT, BUSY)


def _cores(processes: int) -> list[int | None]:
    """Give each process a core, where there are enough of them.

    A grading process and its worker take turns: on one core, neither waits for the other's to wake up.
    """
    if hasattr(os, "sched_getaffinity"):
        mine = sorted(os.sched_getaffinity(0))
        if processes <= len(mine):
            return list(mine[:processes])
    return [None] * processes


def _unjudged(grader: Grader, job: Job, outcome: Outcome, because: str) -> Attempt:
    return made(grader.course, job, every(grader.laws(job.lesson), outcome, because), 0.0)


def _serve(pipe: Connection, setup: Setup, folder: str, core: int | None) -> None:
    """Judge what comes through the pipe until it is closed."""
    if core is not None:
        os.sched_setaffinity(0, {core})  # workers inherit it
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one
    tempfile.tempdir = folder  # which that process removes, however this one ends
    threading.Thread(target=_end_with_parent, daemon=True).start()
    grader = setup.grader()
    while True:
        try:
            job = pipe.recv()
        except EOFError:
            return
        pipe.send(grader.grade(job))


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)

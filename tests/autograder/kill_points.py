"""A run that is killed at its first step, at its second, and so on, each time started again: for test_kill.py.

It is a program, because only a process without threads should fork. The verdicts are made once, by the real
grader, and handed out from memory; all else is `mark` itself, with its database and its files.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import signal
import sqlite3
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

from rich.console import Console
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from autograder import marking, overview
from autograder.course import Course
from autograder.model import Attempt, Job
from autograder.sandbox import Unsandboxed

# What is between two of these changes nothing that outlives the process.
FILE_EVENTS = ("open", "os.rename", "os.mkdir", "os.remove", "sqlite3.connect")
SQL_EVENTS = ("before_cursor_execute", "commit", "rollback")
TABLES = {
    "jobs": "student, lesson, name, sha256, grader, received, problem, state",
    "attempts": "student, lesson, sha256, grader, notes, received, misconceptions",
    "verdicts": "law, outcome, points, possible, because, finding",
    "files": "sha256, data",
    "overrides": "student, lesson, law, points, who, why",
    "settings": "name",
}


@dataclass(frozen=True)
class Scene:
    """What is to be marked, with the verdicts, and the folder that an earlier run left, if any."""

    course: Course
    submissions: Path
    verdicts: dict[tuple[str, str, str], Attempt]
    start: str
    regrade: bool

    def mark(self, out: Path) -> None:
        """Run all of `mark` but the judging and the drawing, which touch neither the database nor `out`."""

        def judged(_: object, queue: Iterable[Job], __: object) -> Iterator[tuple[Job, Attempt]]:
            for job in queue:
                yield job, replace(self.verdicts[job.student, job.lesson, job.sha256], grader="now")

        with (
            mock.patch.object(marking.pool, "grade", judged),
            mock.patch.object(marking, "isolated_sandbox", return_value=Unsandboxed()),
            mock.patch.object(marking.grade, "grader_version", return_value="now"),
            mock.patch.object(overview, "page", return_value="<p>the class</p>"),
        ):
            console = Console(file=io.StringIO())
            marking.mark(self.course, self.submissions, out, regrade=self.regrade, console=console)

    def begin(self, out: Path) -> None:
        """Let a run begin with what an earlier one left."""
        if self.start:
            shutil.copytree(self.start, out)


def every_step(scene: Scene, work: Path) -> dict[str, Any]:
    """Kill at every step, start again, and return how many steps there were and what came out wrong."""
    whole = work / "whole"
    scene.begin(whole)
    scene.mark(whole)  # here, so that what is read and compiled once is there for every process forked
    expected = state(whole)
    wrong: list[str] = []
    step = 0
    status = -signal.SIGKILL
    while status != 0:
        step += 1
        out = work / str(step)
        scene.begin(out)
        status = forked(partial(killed_at, step, scene, out))
        over = (
            scene.regrade and state(out) == expected
        )  # only its last words were lost; another is a new regrade
        again = forked(partial(scene.mark, out)) if status and not over else 0
        if status not in (0, -signal.SIGKILL) or again != 0:
            wrong.append(f"step {step}: it ended with {status}, and started again with {again}")
        wrong += [f"step {step}: {what}" for what, value in state(out).items() if value != expected[what]]
        shutil.rmtree(out)
    return {"points": step - 1, "wrong": wrong, "jobs": len(expected["jobs"])}


def killed_at(step: int, scene: Scene, out: Path) -> None:
    """Mark, and end this process at once at the given step: a statement, a commit, a file opened or renamed."""
    done = 0

    def count(*_: object, **__: object) -> None:
        nonlocal done
        done += 1
        if done == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(name: str, arguments: tuple[Any, ...]) -> None:
        if name in FILE_EVENTS and str(out) in str(arguments[0]):
            count()

    for name in SQL_EVENTS:
        event.listen(Engine, name, count)
    event.listen(Session, "after_commit", count)
    sys.addaudithook(audit)
    scene.mark(out)


def forked(action: Callable[[], None]) -> int:
    """Do it in a process of its own; return the exit status, or the number of the signal below zero."""
    process = os.fork()
    if process == 0:
        try:
            action()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def state(out: Path) -> dict[str, Any]:
    """Return all that a run leaves, but for numbers of rows, times, and the secret."""
    book = sqlite3.connect(out / "gradebook.db")
    found: dict[str, Any] = {
        table: book.execute(f"SELECT {columns} FROM {table} ORDER BY rowid").fetchall()
        for table, columns in TABLES.items()
    }
    found["attempts of each job"] = book.execute(
        "SELECT count(attempts.id) FROM jobs LEFT JOIN attempts ON job_id = jobs.id GROUP BY jobs.id"
    ).fetchall()
    book.close()
    pages = sorted(path for path in out.rglob("*") if path.is_file() and "gradebook.db" not in path.name)
    found["pages"] = {str(path.relative_to(out)): path.read_text(encoding="utf-8") for path in pages}
    return found


if __name__ == "__main__":
    root, submissions, verdicts, work = map(Path, sys.argv[1:5])
    start, regrade = sys.argv[5:]
    scene = Scene(Course(root), submissions, pickle.loads(verdicts.read_bytes()), start, bool(regrade))
    sys.stdout.write(json.dumps(every_step(scene, work)))

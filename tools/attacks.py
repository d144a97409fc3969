"""The hostile submissions of tests/attacks: what each tries, and the file that it hands in.

    alone/   the file is the whole submission, and deserves nothing
    beside/  the file stands behind an honest half of the lesson, and deserves what that half deserves
    files/   `build(folder, lesson, honest, course)` writes into a folder of submissions, `honest` being a
             notebook with the same half done
    busy/    like alone, but its target is the trusted process's time and memory, so only a pool can judge it

A docstring's first line says what is tried. Lines further down may hold `For:` with the lessons that it is
written for, `Stock:` with the reason why stock nbgrader isn't tried with it, `Deserves: nothing` where a file
is to be refused, and `Needs: root` where the trick takes root outside a sandbox.

Each attack can tell whether its trick does what it says. `escaped()` is true where the attack got at
something that a sandbox keeps from it; `worked()` is true where it fooled the process that it is in, which
must not matter. An attack for which neither is true in a bare process would prove nothing.
"""

from __future__ import annotations

import ast
import re
import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from autograder import intake, notebook, source
from autograder.course import Course
from autograder.model import Job, ShortestError

KINDS = ("alone", "beside", "files", "busy")
FIELD = re.compile(r"^(For|Stock|Deserves|Needs): (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Attack:
    """One file of tests/attacks."""

    name: str
    kind: str
    tries: str
    text: str
    lessons: tuple[str, ...]  # empty: any
    unsafe: str  # why stock nbgrader isn't tried with it
    deserves: str  # "half" or "nothing"
    root: bool

    @property
    def evidence(self) -> str:
        """The name of the function that tells whether the trick does what it says; empty where there is none."""
        return next((name for name in ("escaped", "worked") if f"\ndef {name}(" in self.text), "")

    def lesson(self, lessons: Sequence[str]) -> str:
        """Return the lesson that it is tried on: always the same one, and another for another attack."""
        fitting = [name for name in lessons if name in self.lessons or not self.lessons]
        if not fitting:
            raise ShortestError(
                f"the attack {self.name!r} is for {self.lessons}, and there is no such lesson"
            )
        return fitting[zlib.crc32(self.name.encode()) % len(fitting)]

    def jobs(self, course: Course, lesson: str, folder: Path) -> list[Job]:
        """Return what it hands in for a lesson, as the grader would find it; `folder` is empty before."""
        if self.kind == "files":
            self.build(folder, lesson, honest_notebook(course, lesson), course.root)
            return [intake.load(found) for found in intake.find(folder, list(course.lessons))[0]]
        before = honest_half(course, lesson) if self.kind == "beside" else ""
        return [Job("mallory", lesson, f"{lesson}.py", (before + self.text).encode())]

    def build(self, folder: Path, lesson: str, honest: str, course: Path) -> Any:
        """Let an attack of files/ write its files, and return its module."""
        space: dict[str, Any] = {"__name__": self.name, "__file__": self.name}
        exec(compile(self.text, f"tests/attacks/{self.kind}/{self.name}.py", "exec"), space)
        space["build"](folder, lesson, honest, course)
        return space


def load(root: Path) -> list[Attack]:
    """Return all attacks in order. Raises ShortestError where one doesn't say what it tries."""
    paths = [path for kind in KINDS for path in sorted((root / "tests" / "attacks" / kind).glob("*.py"))]
    return [_read(path) for path in paths]


def _read(path: Path) -> Attack:
    text = path.read_text(encoding="utf-8")
    first, _, rest = (ast.get_docstring(ast.parse(text)) or "").partition("\n")
    fields = dict(FIELD.findall(rest))
    if not first.endswith("."):
        raise ShortestError(f"{path}: its docstring must begin with a sentence that says what it tries")
    deserves = fields.get("Deserves", "half" if path.parent.name in ("beside", "files") else "nothing")
    lessons = tuple(filter(None, re.split(r",\s*", fields.get("For", ""))))
    kind, unsafe = path.parent.name, fields.get("Stock", "").removeprefix("not run: ")
    return Attack(path.stem, kind, first, text, lessons, unsafe, deserves, fields.get("Needs") == "root")


def finished(course: Course, lesson: str) -> set[str]:
    """Return the exercises of a lesson's first half."""
    names = [exercise.name for exercise in course.exercises(lesson)]
    return set(names[: (len(names) + 1) // 2])


def honest_half(course: Course, lesson: str) -> str:
    """Return a lesson's module with the first half of its exercises done, and without the others."""
    done = finished(course, lesson)
    pieces = source.segments(course.source(lesson), lesson)
    kept = (piece.text for piece in pieces if piece.exercise in done or not piece.exercise)
    return source.without_markers("".join(kept)) + "\n\n"


def honest_notebook(course: Course, lesson: str) -> str:
    """Return a lesson's notebook with the first half of its exercises done, and the others not started."""
    done = finished(course, lesson)
    book = notebook.build(course.lesson(lesson), course.source(lesson), [], solutions=True)
    stubs = {source.exercise_id(e.name): e.stub for e in course.exercises(lesson) if e.name not in done}
    for cell in book.cells:
        cell["source"] = stubs.get(cell["id"], cell["source"])
    return str(nbformat.writes(book))


if __name__ == "__main__":
    for one in load(Path(__file__).resolve().parent.parent):
        sys.stdout.write(f"{one.kind:7} {one.name:36} {one.tries}\n")

"""A student's folder: their files of each lesson, what they got so far, and nothing of theirs overwritten."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autograder import intake, source
from autograder.course import Course
from autograder.intake import Found
from autograder.model import Lesson, ShortestError, Submission

STATE = Path(".shortest") / "progress.json"


@dataclass(frozen=True)
class Desk:
    """The folder that a student works in, and the course that they work on."""

    folder: Path
    course: Course

    def files(self, lesson: str) -> list[Path]:
        """Return the student's files of a lesson: a notebook, a module, or both."""
        candidates = [self.folder / f"{lesson}{suffix}" for suffix in (".ipynb", ".py")]
        return [path for path in candidates if path.is_file()]

    def file(self, name: str) -> tuple[str, Path]:
        """Return the lesson and the file that a lesson's name, or a file's path, stands for.

        Raises ShortestError, saying what to type, where there is no such file or there are two.
        """
        path = self.folder / name
        if path.suffix in (".ipynb", ".py"):
            if not path.is_file():
                raise ShortestError(f"there is no file {path}")
            return self.course.lesson(path.stem).name, path
        lesson = self.course.lesson(name).name
        files = self.files(lesson)
        if not files:
            raise ShortestError(f"{lesson} is not started: type `shortest start {lesson}` in {self.folder}")
        if len(files) > 1:
            raise ShortestError(f"{files[0].name} and {files[1].name} are both here; name the one you mean")
        return lesson, files[0]

    def start(self, name: str, *, py: bool = False) -> Path:
        """Write a lesson's notebook or module and return its path.

        Raises ShortestError where the student already has one: it is never overwritten.
        """
        lesson = self.course.lesson(name)
        existing = self.files(lesson.name)
        if existing:
            raise ShortestError(f"{existing[0]} is already there and is yours; move it away to start again")
        module = self.course.source(lesson.name)
        path = self.folder / f"{lesson.name}{'.py' if py else '.ipynb'}"
        text = source.stub(module, lesson.name) if py else self._notebook(lesson, module)
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with path.open(
                "x", encoding="utf-8", newline="\n"
            ) as file:  # "x": never over what appeared meanwhile
                file.write(text)
        except FileExistsError:
            raise ShortestError(
                f"{path} is already there and is yours; move it away to start again"
            ) from None
        return path

    def _notebook(self, lesson: Lesson, module: str) -> str:
        import nbformat  # here, because a check should not wait for its import

        from autograder import notebook

        laws = self.course.laws(lesson.name, hidden=False)
        return str(nbformat.writes(notebook.build(lesson, module, laws))) + "\n"

    def read(self, lesson: str, path: Path) -> Submission:
        """Read a student's file as the grader will."""
        return intake.read(intake.load(Found("you", lesson, path)), self.course.source(lesson))

    def needed(self, lesson: str) -> tuple[dict[str, str], list[str]]:
        """Return the text of each module that a lesson needs, and notes on those that aren't the student's own."""
        modules: dict[str, str] = {}
        notes: list[str] = []
        for need in self.course.needed(lesson):
            files = self.files(need)
            if len(files) == 1:
                modules[need] = self.read(need, files[0]).source
            else:
                modules[need] = self.course.source(need)
                kind = "an unfinished one" if self.course.is_bundle else "the reference"
                found = "two of yours are" if files else "yours is not"
                notes.append(f"{lesson} needs {need}, and {found} here: {kind} is used")
        return modules, notes

    def progress(self) -> dict[str, dict[str, int]]:
        """Return what the last check of each lesson gave: points earned and possible, by lesson.

        What can't be read is left out: the file can be made again by checking.
        """
        try:
            table = json.loads((self.folder / STATE).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        return {k: v for k, v in table.items() if _is_result(v)} if isinstance(table, dict) else {}

    def remember(self, lesson: str, result: Mapping[str, int]) -> None:
        """Keep what a check gave, in one replacement of the file, so that no crash leaves half of it."""
        path = self.folder / STATE
        path.parent.mkdir(exist_ok=True)
        beside = path.with_suffix(f".{os.getpid()}")
        table = {**self.progress(), lesson: dict(result)}
        beside.write_text(json.dumps(table, indent=1), encoding="utf-8")
        beside.replace(path)


def _is_result(entry: object) -> bool:
    return isinstance(entry, dict) and all(type(entry.get(key)) is int for key in ("points", "possible"))

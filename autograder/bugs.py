"""Planted bugs: the mistakes that students really make, as small named edits of the reference."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from autograder.course import Course
from autograder.judge import load_module
from autograder.model import ShortestError

KEYS = {"name", "exercise", "misconception", "find", "replace"}


@dataclass(frozen=True, slots=True)
class Bug:
    """One mistake, the misconception behind it, and the module that has it."""

    name: str
    lesson: str
    exercise: str
    misconception: str
    source: str


def load(course: Course, lesson: str) -> list[Bug]:
    """Return the planted bugs of a lesson.

    Raises ShortestError, naming the file and the bug, where an entry is wrong or its text doesn't occur just once.
    """
    path = course.root / "tests" / "bugs" / f"{lesson}.toml"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ShortestError(f"lesson {lesson!r} has no file of planted bugs {path}") from None
    except tomllib.TOMLDecodeError as problem:
        raise ShortestError(f"{path}: {problem}") from None
    source = course.source(lesson)
    names = [exercise.name for exercise in course.exercises(lesson)]
    bugs = [_bug(path, lesson, source, names, entry) for entry in table.get("bug", [])]
    if len({bug.name for bug in bugs}) != len(bugs):
        raise ShortestError(f"{path}: two bugs have one name")
    return bugs


def modules(course: Course, lesson: str) -> dict[str, ModuleType]:
    """Return a module for each planted bug, for hidden laws that hand them to a student's law."""
    return {bug.name: load_module(bug.source, lesson) for bug in load(course, lesson)}


def _bug(path: Path, lesson: str, source: str, exercises: list[str], entry: dict[str, str]) -> Bug:
    name = entry.get("name", "?")
    if set(entry) != KEYS:
        raise ShortestError(f"{path}: bug {name!r} should have the keys {', '.join(sorted(KEYS))}")
    if entry["exercise"] not in exercises:
        raise ShortestError(f"{path}: bug {name!r}: {entry['exercise']!r} is no exercise of {lesson}")
    if (times := source.count(entry["find"])) != 1:
        raise ShortestError(
            f"{path}: bug {name!r}: its text occurs {times} times in squeeze/{lesson}.py, not once"
        )
    if entry["find"] == entry["replace"]:
        raise ShortestError(f"{path}: bug {name!r} replaces its text by itself")
    edited = source.replace(entry["find"], entry["replace"])
    try:
        compile(edited, f"<bug {name}>", "exec")
    except SyntaxError as problem:
        raise ShortestError(f"{path}: bug {name!r} does not parse: {problem}") from None
    return Bug(name, lesson, entry["exercise"], entry["misconception"], edited)

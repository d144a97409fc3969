"""The course on disk: lessons, modules, laws and bugs found by name, and held against each other.

The same code reads the repository, which has everything, and a student's bundle, which has stubs for modules
and public laws only.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from autograder import lawbook, source
from autograder.model import Exercise, Law, Lesson, Limits, ShortestError

KEYS = {"module", "title", "part", "minutes", "needs", "rung", "limits"}
RUNGS = ("", "codec", "model")
POINTER = re.compile(r"^```\{exercise\}[ \t]*(.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Course:
    """The root of a repository or of a bundle."""

    root: Path

    @property
    def is_bundle(self) -> bool:
        """Whether this is a student's copy, without solutions and hidden laws."""
        return not (self.root / "solutions").is_dir()

    @property
    def modules(self) -> Path:
        """The folder of the modules: the references, or in a bundle the stubs."""
        return self.root / ("stubs" if self.is_bundle else "solutions") / "squeeze"

    @cached_property
    def lessons(self) -> dict[str, Lesson]:
        """Every lesson by name, in order.

        Raises ShortestError, naming the file and the key, where a lesson.toml is wrong.
        """
        folders = sorted(path for path in (self.root / "lessons").glob("[0-9][0-9]_*") if path.is_dir())
        lessons = [_read_lesson(folder, self.modules) for folder in folders]
        earlier: dict[str, Lesson] = {}
        for lesson in lessons:
            path = lesson.page.parent / "lesson.toml"
            for need in lesson.needs:
                if need not in earlier:
                    raise ShortestError(f"{path}: needs: no earlier lesson is called {need!r}")
            for other in earlier.values():
                if lesson.name == other.name or lesson.number == other.number:
                    raise ShortestError(
                        f"{path}: {lesson.folder} and {other.folder} share a module or a number"
                    )
            earlier[lesson.name] = lesson
        return earlier

    def lesson(self, name: str) -> Lesson:
        """Return a lesson by its name or its number. Raises ShortestError, listing the names, where there is none."""
        for lesson in self.lessons.values():
            if name in (lesson.name, lesson.folder) or name.lstrip("0") == str(lesson.number):
                return lesson
        raise ShortestError(f"no lesson is called {name!r}; there are: {', '.join(self.lessons)}")

    def source(self, name: str) -> str:
        """Return the text of a lesson's module."""
        return self.lesson(name).module.read_text(encoding="utf-8")

    def exercises(self, name: str) -> list[Exercise]:
        """List a lesson's exercises in order."""
        return source.exercises(self.source(name), name)

    def laws(self, name: str, *, hidden: bool) -> list[Law]:
        """Return a lesson's public laws, and the hidden ones too where asked for, in order."""
        public = lawbook.load(self.root / "tests" / "laws" / "public" / f"test_{name}.py", name, hidden=False)
        if not hidden:
            return public
        path = self.root / "tests" / "laws" / "hidden" / f"test_{name}.py"
        return public + lawbook.load(path, name, hidden=True)

    def needed(self, name: str) -> list[str]:
        """Return the lessons that a lesson's module may import, directly or through another, in order."""
        wanted: set[str] = set()
        queue = list(self.lesson(name).needs)
        while queue:
            need = queue.pop()
            if need not in wanted:
                wanted.add(need)
                queue += self.lesson(need).needs
        return [lesson for lesson in self.lessons if lesson in wanted]

    def check(self) -> list[str]:
        """Hold lessons, modules, laws and pointers against each other; return what is wrong, one sentence each."""
        wrong: list[str] = []
        for lesson in self.lessons.values():
            try:
                wrong += self._check_lesson(lesson)
            except ShortestError as problem:
                wrong.append(str(problem))
        return wrong

    def _check_lesson(self, lesson: Lesson) -> Iterable[str]:
        names = [exercise.name for exercise in self.exercises(lesson.name)]
        pointed = _pointers(lesson)
        for pointer in pointed:
            if pointer not in names:
                yield f"{lesson.page}: the pointer squeeze.{lesson.name}:{pointer} points to no exercise"
        for name in names:
            if pointed.count(name) != 1:
                yield f"{lesson.page}: exercise {name!r} is pointed at {pointed.count(name)} times, not once"
        if sorted(pointed) == sorted(names) and pointed != names:
            yield f"{lesson.page}: the exercises stand in another order than in the module: {', '.join(names)}"
        laws = self.laws(lesson.name, hidden=not self.is_bundle)
        for law in laws:
            if law.exercise not in names:
                yield f"law {law.key} judges {law.exercise!r}, which is no exercise of {lesson.name}"
        for name in set(names) - {law.exercise for law in laws if not law.hidden}:
            yield f"exercise {name!r} of {lesson.name} has no public law"
        if len({law.name for law in laws}) != len(laws):
            yield f"two laws of {lesson.name} have one name"


def find_course(start: Path | None = None) -> Course:
    """Find the course: `SHORTEST_COURSE`, or the first folder upwards that holds one.

    Raises ShortestError, saying what to do, where there is none.
    """
    override = os.environ.get("SHORTEST_COURSE")
    candidates = [Path(override)] if override else [start or Path.cwd(), *(start or Path.cwd()).parents]
    for folder in candidates:
        if (folder / "lessons").is_dir() and (folder / "tests" / "laws" / "public").is_dir():
            return Course(folder.resolve())
    where = (
        f"SHORTEST_COURSE={override!r} is no course"
        if override
        else f"no course is at or above {candidates[0]}"
    )
    raise ShortestError(f"{where}; change into the folder that you unpacked, or set SHORTEST_COURSE to it")


def _pointers(lesson: Lesson) -> list[str]:
    text = lesson.page.read_text(encoding="utf-8")
    pointers = []
    for match in POINTER.finditer(text):
        line = text[: match.start()].count("\n") + 1
        module, _, name = match.group(1).strip().partition(":")
        if module != f"squeeze.{lesson.name}" or not name.isidentifier():
            raise ShortestError(
                f"{lesson.page}:{line}: the pointer {match.group(1)!r} should read squeeze.{lesson.name}:EXERCISE"
            )
        pointers.append(name)
    return pointers


def _read_lesson(folder: Path, modules: Path) -> Lesson:
    path = folder / "lesson.toml"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ShortestError(f"{folder}: lesson.toml is missing") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise ShortestError(f"{path}: {problem}") from None
    for key in set(table) - KEYS:
        raise ShortestError(f"{path}: unknown key {key!r}; known are {', '.join(sorted(KEYS))}")
    name = _typed(path, table, "module", str)
    if folder.name != f"{folder.name[:2]}_{name}":
        raise ShortestError(f"{path}: module: {name!r} doesn't match the folder's name {folder.name!r}")
    module = modules / f"{name}.py"
    if not module.is_file():
        raise ShortestError(f"{path}: module: there is no {module.name} in {modules}")
    page = folder / "lesson.md"
    if not page.is_file():
        raise ShortestError(f"{folder}: lesson.md is missing")
    rung = _typed(path, table, "rung", str)
    if rung not in RUNGS:
        raise ShortestError(f"{path}: rung: {rung!r} is none of {', '.join(map(repr, RUNGS))}")
    return Lesson(
        number=int(folder.name[:2]),
        name=name,
        title=_typed(path, table, "title", str),
        part=_typed(path, table, "part", str),
        minutes=_typed(path, table, "minutes", int),
        needs=_needs(path, table),
        limits=_limits(path, _typed(path, {"limits": {}, **table}, "limits", dict)),
        rung=rung,
        page=page,
        module=module,
    )


def _typed(path: Path, table: dict[str, Any], key: str, kind: type) -> Any:
    if key not in table:
        raise ShortestError(f"{path}: the key {key!r} is missing")
    if type(table[key]) is not kind:
        raise ShortestError(f"{path}: {key}: expected a {kind.__name__}, got {table[key]!r}")
    return table[key]


def _needs(path: Path, table: dict[str, Any]) -> tuple[str, ...]:
    needs = _typed(path, table, "needs", list)
    if not all(type(need) is str for need in needs):
        raise ShortestError(f"{path}: needs: expected names of lessons, got {needs!r}")
    return tuple(needs)


def _limits(path: Path, table: dict[str, Any]) -> Limits:
    try:
        return parse_limits(table, Limits())
    except ValueError as problem:
        raise ShortestError(f"{path}: limits: {problem}") from None


def _is_module(name: str) -> bool:
    return all(part.isidentifier() for part in name.split("."))


def parse_limits(table: Mapping[str, Any], base: Limits) -> Limits:
    """Return limits with what a table changes in them. Raises ValueError where it can't, the key of a value first."""
    for key, value in table.items():
        if key not in Limits.__dataclass_fields__:
            raise ValueError(f"unknown key {key!r}; known are {', '.join(Limits.__dataclass_fields__)}")
        if key == "forbids":
            if type(value) is not list or not all(type(name) is str and _is_module(name) for name in value):
                raise ValueError(f"{key}: expected names of modules, got {value!r}")
        elif type(value) not in (int, float) or not 0 < value < float("inf"):
            raise ValueError(f"{key}: expected a number above 0, got {value!r}")
        elif key == "memory_mb" and type(value) is not int:
            raise ValueError(f"{key}: expected a whole number, got {value!r}")
    changed = {**table, "forbids": tuple(table["forbids"])} if "forbids" in table else table
    return replace(base, **changed)

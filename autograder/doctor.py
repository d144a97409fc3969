"""What this machine has: each thing the course needs or could use, found or not, and what to do."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from autograder.corpus import corpus
from autograder.course import find_course
from autograder.isolation import isolated_sandbox, weaker
from autograder.model import ShortestError

NEEDED = ("numpy", "hypothesis", "msgpack", "nbformat", "rich", "typer", "watchfiles")
OPTIONAL = {
    "jupyterlab": "notebooks: pip install 'shortest-program[notebook]', or work with --py",
    "matplotlib": "the plots: pip install 'shortest-program[notebook]'",
    "nbgrader": "only for instructors: pip install 'shortest-program[instructor]'",
    "torch": "only from Part 4 on",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing looked for; `advice` is empty where it was found."""

    what: str
    found: str
    good: bool
    needed: bool
    advice: str = ""


def examine(folder: Path) -> list[Seen]:
    """Look at the Python, the packages, the course, the corpus, the disk and the sandbox."""
    recent = sys.version_info >= (3, 11)
    seen = [
        Seen(
            "Python",
            platform.python_version(),
            recent,
            True,
            "" if recent else "install Python 3.11 or newer",
        )
    ]
    seen += [_package(name, True, "install this project again") for name in NEEDED]
    seen += [_package(name, False, advice) for name, advice in OPTIONAL.items()]
    seen += [_course(folder), _corpus(), _disk(folder), _sandbox()]
    return seen


def _package(name: str, needed: bool, advice: str) -> Seen:
    try:
        found = version(name)
    except PackageNotFoundError:
        found = ""
    good = bool(found) and importlib.util.find_spec(name) is not None
    return Seen(name, found or "not installed", good, needed, "" if good else advice)


def _course(folder: Path) -> Seen:
    try:
        course = find_course(folder)
        wrong = course.check()
    except ShortestError as problem:
        return Seen("course", "none", False, True, str(problem))
    kind = "student's bundle" if course.is_bundle else "repository"
    return Seen("course", f"{kind}, {len(course.lessons)} lessons", not wrong, True, "; ".join(wrong))


def _corpus() -> Seen:
    try:
        return Seen("corpus", f"{len(corpus()):,} bytes, hash checked", True, True)
    except ShortestError as problem:
        return Seen("corpus", "not usable", False, True, str(problem))


def _disk(folder: Path) -> Seen:
    free = shutil.disk_usage(folder).free >> 20
    return Seen("free disk", f"{free:,} MB", free > 200, True, "" if free > 200 else "free 200 MB")


def _sandbox() -> Seen:
    try:
        sandbox = isolated_sandbox()
    except ShortestError as problem:
        return Seen("sandbox", "not available", False, False, f"only for instructors: {problem}")
    lacks = weaker(sandbox)
    return Seen("sandbox", "isolates, but" if lacks else "isolates", not lacks, False, "; ".join(lacks))

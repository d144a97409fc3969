"""A TOML file of which every mistake is named by its line, which `tomllib` itself does only where it can't parse."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from autograder.model import ShortestError

NAME = r"""(?:[\w-]+|"[^"]*"|'[^']*')"""
HEADER = re.compile(r"^\s*\[([^\[\]]+)\]\s*(?:#.*)?$")
KEY = re.compile(rf"^\s*({NAME}(?:\s*\.\s*{NAME})*)\s*=")

Place = tuple[str, ...]  # the names of the tables, and of the key, that lead to a value


@dataclass(frozen=True, slots=True)
class File:
    """The file's text, and its tables as TOML has them."""

    path: Path
    text: str
    tables: Mapping[str, Any]

    def fail(self, place: Place, message: str) -> NoReturn:
        """Raise ShortestError with the file, the line, the key, and what is wrong."""
        line = line_of(self.text, place)
        where = f"{self.path}:{line}" if line else str(self.path)
        raise ShortestError(f"{where}: {'.'.join(place)}: {message}")

    def number(self, table: Mapping[str, Any], place: Place, most: float) -> float:
        """Return the number at the end of a place, from 0 to `most`."""
        value = table[place[-1]]
        if type(value) not in (int, float) or not 0 <= value <= most:
            self.fail(place, f"expected a number from 0 to {most:.0f}, got {value!r}")
        return float(value)

    def known(self, place: Place, names: Iterable[str], expected: tuple[str, ...]) -> None:
        """Refuse a key that nobody would read."""
        for name in names:
            if name not in expected:
                self.fail((*place, name), f"unknown; {likely(name, expected)}")

    def table(self, table: Mapping[str, Any], place: Place) -> Mapping[str, Any]:
        """Return the table at the end of a place; an empty one where there is none."""
        value = table.get(place[-1], {})
        if not isinstance(value, dict):
            self.fail(place, f"expected a table, [{'.'.join(place)}], got {value!r}")
        return value


def read(path: Path) -> File:
    """Read a file. Raises ShortestError, naming the line and showing it, where it is no TOML."""
    try:
        text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except OSError as problem:
        raise ShortestError(f"{path}: it can't be read: {problem.strerror}") from None
    except UnicodeDecodeError as problem:
        line = problem.object[: problem.start].count(b"\n") + 1
        raise ShortestError(f"{path}:{line}: it is not UTF-8; save it as UTF-8") from None
    try:
        return File(path, text, tomllib.loads(text))
    except (tomllib.TOMLDecodeError, RecursionError) as problem:
        raise ShortestError(f"{path}:{_no_toml(text, str(problem))}") from None


def _no_toml(text: str, message: str) -> str:
    """Say what TOML's own message means: its line, that line, and what to do."""
    lines = text.splitlines() or [""]
    found = re.search(r"at line (\d+)", message)
    number = min(int(found.group(1)), len(lines)) if found else len(lines)
    what = message.partition(" (at ")[0]
    do = (
        "write a date that exists, such as 2026-12-01"
        if "date" in what
        else "write KEY = VALUE, with text in quotes"
    )
    return f"{number}: {lines[number - 1].strip()!r} is no TOML: {what}; {do}"


def likely(name: str, expected: Iterable[str]) -> str:
    """Say which of the expected names is meant, or which there are.

    >>> likely("hufman", ["huffman", "entropy"]), likely("lzw", ["huffman", "entropy"])
    ("did you mean 'huffman'?", 'there are: huffman, entropy')
    """
    names = list(expected)
    near = difflib.get_close_matches(name, names, n=3)
    return f"did you mean {' or '.join(map(repr, near))}?" if near else f"there are: {', '.join(names)}"


def line_of(text: str, place: Place) -> int:
    r"""Return the number of the line where a key stands, or its table begins; 0 where neither is found.

    >>> line_of("counts = 'last'\n[late]\ngrace_minutes = 5\n", ("late", "grace_minutes"))
    3
    """
    table: Place = ()
    best = (0, 0)  # how much of the place was found, and in which line
    for number, line in enumerate(text.splitlines(), 1):
        if header := HEADER.match(line):
            table = here = _names(header.group(1))
        elif key := KEY.match(line):
            here = (*table, *_names(key.group(1)))
        else:
            continue
        shared = min(len(here), len(place))
        if here[:shared] == place[:shared] and shared > best[0]:
            best = (shared, number)
    return best[1]


def _names(dotted: str) -> Place:
    return tuple(part.strip("\"'") for part in re.findall(NAME, dotted))

"""A CSV file that a person made or a platform exported: read by its headings, every mistake with its line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from autograder.model import ShortestError

DIVIDERS = ",;\t"


@dataclass(frozen=True, slots=True)
class Rows:
    """The headings as they are written, and each row's cells by its headings, with the number of its line."""

    headings: tuple[str, ...]
    rows: tuple[tuple[int, Mapping[str, str]], ...]


def read(path: Path) -> Rows:
    """Read a file divided by commas, semicolons or tabs; empty rows are left out, and cells are stripped.

    Raises ShortestError, naming the line, where it can't be read, or a row has more cells than there are headings.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as problem:
        line = problem.object[: problem.start].count(b"\n") + 1
        raise ShortestError(f"{path}:{line}: it is not UTF-8; save it as CSV in UTF-8") from None
    except OSError as problem:
        raise ShortestError(f"{path}: it can't be read: {problem.strerror}") from None
    divider = max(DIVIDERS, key=text.partition("\n")[0].count)
    lines = list(_lines(path, text, divider))
    headings = tuple(lines[0][1]) if lines else ()
    return Rows(headings, tuple((line, _row(path, line, headings, cells)) for line, cells in lines[1:]))


def _lines(path: Path, text: str, divider: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=divider, strict=True)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as problem:
        raise ShortestError(f"{path}:{reader.line_num}: it is no CSV: {problem}") from None


def _row(path: Path, line: int, headings: tuple[str, ...], cells: list[str]) -> Mapping[str, str]:
    if any(cells[len(headings) :]):
        raise ShortestError(
            f"{path}:{line}: {len(headings)} headings and {len(cells)} cells; "
            'put a cell that holds a comma into quotes, such as "Lovelace, Ada"'
        )
    return dict(zip(headings, [*cells, *[""] * (len(headings) - len(cells))], strict=False))

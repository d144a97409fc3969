"""The `squeeze/` package that one submission runs in: its own module, and what the lesson needs, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def assemble(folder: Path, modules: Mapping[str, str]) -> Path:
    """Write `folder/squeeze/` with one module for each name and text, and return `folder`.

    The package's own `__init__` is ours and empty, so that no module can hide behind it.
    """
    package = folder / "squeeze"
    package.mkdir(parents=True, exist_ok=True)
    for name, text in {"__init__": "", **modules}.items():
        # A lone surrogate, which a notebook can hold, gives a file that Python refuses: the student's error.
        data = text.encode("utf-8", "surrogatepass")
        (package / f"{name}.py").write_bytes(data)
    return folder


def with_reference(source: str, lesson: str, needs: Mapping[str, str]) -> dict[str, str]:
    """Return the modules of one graded lesson: the student's own, and the reference of the lessons it needs."""
    return {**needs, lesson: source}

"""What tests of whole submissions share: a look at the processes that were left."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

OURS = ("bare.py", "resource_tracker")  # processes of a test itself, and of Python's own multiprocessing
PR_SET_CHILD_SUBREAPER = 36


@pytest.fixture(scope="session")
def descendants() -> Callable[[], list[str]]:
    """Give a function that lists the living processes which come from this one, by number and command."""
    if sys.platform == "linux":
        # Whatever outlives the process that started it becomes a child of ours, and is seen.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    return _descendants


def _descendants() -> list[str]:
    parents: dict[int, int] = {}
    commands: dict[int, str] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            number, _, rest = path.read_text(encoding="utf-8", errors="replace").partition(" (")
        except OSError:
            continue
        command, _, fields = rest.rpartition(") ")
        if fields[0] != "Z":
            parents[int(number)], commands[int(number)] = int(fields.split()[1]), command
    return [f"{one} {commands[one]}" for one in parents if _is_below(one, parents) and not _is_ours(one)]


def _is_below(process: int, parents: dict[int, int]) -> bool:
    above = parents[process]
    while above in parents and above != os.getpid():
        above = parents[above]
    return above == os.getpid()


def _is_ours(process: int) -> bool:
    try:
        line = Path(f"/proc/{process}/cmdline").read_bytes().decode("utf-8", "replace")
    except OSError:
        return False
    return any(name in line for name in OURS)

"""Limits of memory and processes for a worker and all that it starts, by control groups, where we may make some.

That is so where version 2 is mounted and our own group was handed to us, as by
`systemd-run --user --scope -p Delegate=yes shortest grade …`; see cgroups(7). Anywhere else nothing is done.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from autograder.model import Limits

OURS = "shortest-grader"  # where graders move: a group whose children have limits may hold no process itself
MARGIN_MB = 64  # beside a worker's own memory: its /tmp, and what starts it
PROCESSES = 64


def available(root: Path = Path("/sys/fs/cgroup"), proc: Path = Path("/proc/self/cgroup")) -> Path | None:
    """Return the group in which this process may make groups of its own, or nothing where there is none."""
    try:
        lines = proc.read_text(encoding="utf-8").splitlines()
        [path] = [line.removeprefix("0::/") for line in lines if line.startswith("0::/")]  # that of version 2
        home = (root / path).parent if path.endswith(OURS) else root / path
        controllers = set((home / "cgroup.controllers").read_text(encoding="ascii").split())
    except (OSError, ValueError):
        return None
    needed = (home, home / "cgroup.procs", home / "cgroup.subtree_control")
    ours = controllers >= {"memory", "pids"} and all(os.access(path, os.W_OK) for path in needed)
    return home if ours else None


def enter(home: Path | None) -> Path | None:
    """Make a group ready for groups of workers, and return it; nothing where others live in it too.

    Call it once, before the grading processes start: this process moves into a group beside the workers'.
    """
    if home is None:
        return None
    try:
        (home / OURS).mkdir(exist_ok=True)
        _write(home / OURS / "cgroup.procs", str(os.getpid()))
        _write(home / "cgroup.subtree_control", "+memory +pids")
    except OSError:
        return None
    return home


@dataclass(frozen=True, slots=True)
class Group:
    """A control group, or nothing."""

    path: Path | None = None

    def add(self, pid: int) -> None:
        """Put a process into it, and what that starts from then on. Raises OSError where that fails."""
        if self.path is not None:
            _write(self.path / "cgroup.procs", str(pid))


@contextmanager
def group(limits: Limits, home: Path | None) -> Iterator[Group]:
    """Give a new group of a home that was entered, and kill what is in it at the end; do nothing without a home."""
    if home is None:
        yield Group()
        return
    path = home / f"shortest-{os.getpid()}-{time.monotonic_ns()}"
    path.mkdir()
    try:
        _write(path / "memory.max", str((limits.memory_mb + MARGIN_MB) << 20))
        _write(path / "pids.max", str(PROCESSES))
        for name, value in (("memory.swap.max", "0"), ("memory.oom.group", "1")):
            with suppress(FileNotFoundError):  # a kernel without swap, or before 4.19
                _write(path / name, value)
        yield Group(path)
    finally:
        _remove(path)


def _remove(path: Path) -> None:
    with suppress(OSError):  # a kernel before 5.14; the sandbox has killed its processes, and they are ending
        _write(path / "cgroup.kill", "1")
    for _ in range(200):  # hundredths of a second
        with suppress(OSError):  # it is busy as long as a process is in it
            path.rmdir()
            return
        time.sleep(0.01)


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY)  # never made: the kernel makes the files of a group
    try:
        os.write(descriptor, text.encode("ascii"))
    finally:
        os.close(descriptor)

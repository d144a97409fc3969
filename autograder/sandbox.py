"""Where a worker runs: what a sandbox is, and the plain process that a student's own check uses."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from autograder.model import Limits, ShortestError

LIBRARIES = ("msgpack", "numpy", "numpy.libs")
GRADER_FILES = ("wire.py", "worker.py")
ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "OMP_NUM_THREADS": "1",  # one BLAS thread each: more would need more address space, and share the cores badly
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",  # the order of a set must not decide a verdict
}
# Who runs Python thus reads no site-packages, no user's folder and no folder of scripts, but the hash seed.
PYTHON_FLAGS = ("-s", "-S", "-P", "-c")


class Running(Protocol):
    """A worker that was started: the two ends of its pipe, and the two ways to be rid of it."""

    reader: IO[bytes]
    writer: IO[bytes]

    def kill(self) -> None:
        """Kill it and all that it started, at once; any thread may."""

    def end(self) -> None:
        """Kill it, let go of the pipes, and wait until nothing of it is left."""

    def lost(self) -> bool:
        """Whether it ended because that which it ran in did, and by no doing of its own."""


class Sandbox(Protocol):
    """Starts workers."""

    @property
    def isolated(self) -> bool:
        """Whether a score from its workers may be believed."""

    def start(self, package: Path, limits: Limits, errors: int | IO[bytes]) -> Running:
        """Start a worker on the folder that holds `squeeze/`; what it prints goes to `errors`."""


class Process:
    """A worker that is a process of its own group."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        assert process.stdin is not None
        self.reader, self.writer = process.stdout, process.stdin
        self._process = process

    def kill(self) -> None:
        """Kill the group: a child of the worker would keep the pipe open, and us waiting."""
        try:
            if os.name == "posix":
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
        except (ProcessLookupError, PermissionError):
            pass

    def lost(self) -> bool:
        """Whether what it ran in ended: it ran in nothing."""
        return False

    def end(self, patience: float = 0.0) -> None:
        """Kill the group, let go of the pipes, and reap the worker, which may end by itself first."""
        if patience:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(patience)
        self.kill()
        close(self.reader, self.writer)
        self._process.wait()


def close(*streams: IO[bytes]) -> None:
    """Close pipes, of which the other end may be gone and what was not sent is lost."""
    for stream in streams:
        try:
            stream.close()
        except OSError:
            pass


@dataclass(frozen=True)
class Unsandboxed:
    """A plain process: for a student's own code on their own machine, and for our own tests."""

    isolated: bool = False
    free: bool = False  # whether a worker may import what no lesson allows

    def start(self, package: Path, limits: Limits, errors: int | IO[bytes] = subprocess.DEVNULL) -> Process:
        """Start the worker with a small environment; your own code may use what your machine has."""
        here = Path(__file__).parent
        settings = {
            "package": str(package),
            "parent": os.getpid(),
            "forbids": limits.forbids,
            "free": self.free,
        }
        environment = ENVIRONMENT | {
            k: os.environ[k] for k in ("SYSTEMROOT", "TEMP", "TMP") if k in os.environ
        }
        command = [python(), *PYTHON_FLAGS, bootstrap("worker", str(here), str(site_packages()))]
        return spawn([*command, json.dumps(settings)], errors, environment, package)


def spawn(
    command: list[str], errors: int | IO[bytes], environment: dict[str, str], folder: Path, **options: Any
) -> Process:
    """Start a command as a worker, with nothing of our environment."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        env=environment,
        cwd=folder,
        start_new_session=os.name == "posix",
        **options,
    )
    return Process(process)


def bootstrap(module: str, grader: str, libraries: str) -> str:
    """Return the program that runs a file of ours over there.

    Only while that is imported does its own folder stand on the path, and before the libraries, so that it
    shadows nothing later and no package of that name shadows it.
    """
    return (
        f"import sys; sys.path += [{grader!r}, {libraries!r}]; import {module}; "
        f"sys.path.remove({grader!r}); {module}.main()"
    )


def python() -> str:
    """Return the interpreter itself: that of a virtual environment is a link, and a sandbox mounts the real one."""
    return os.path.realpath(getattr(sys, "_base_executable", sys.executable) or sys.executable)


def site_packages() -> Path:
    """Return the folder of the libraries that a worker uses. Raises ShortestError where they are not installed."""
    spec = importlib.util.find_spec("msgpack")
    if spec is None or spec.origin is None:
        raise ShortestError("the package msgpack is not installed; install this project again")
    return Path(spec.origin).parent.parent

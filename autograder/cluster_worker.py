"""Grading on a Dask cluster, the side of its workers: the course unpacked, a sandbox proved, jobs judged.

A Dask worker starts a *host* for each of its threads. The host is the process that runs `pool.grade`, with the
watchdog and the grading process that belong to it; everything it unpacked goes when it ends.
"""

from __future__ import annotations

import hashlib
import io
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import weakref
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

from autograder import __version__, pool
from autograder.isolation import isolated_sandbox
from autograder.model import Attempt, Job, Limits, ShortestError
from autograder.pool import Setup
from autograder.sandbox import Sandbox

TRIES = 2
COURSE = ("lessons", "solutions", "tests/laws", "tests/bugs")


@dataclass(frozen=True, slots=True)
class Errand:
    """What a worker needs to know for one run; `sandbox` names the kind that it makes of its own."""

    course: bytes = field(repr=False)
    secret: str = field(repr=False)
    limits: Mapping[str, Limits]
    sandbox: str
    slack: float
    versions: Mapping[str, str]


def versions() -> dict[str, str]:
    """Return what must be equal on both sides, for the verdicts to be: our own files, and what they stand on."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    names = ("hypothesis", "msgpack", "numpy")
    engine = f"{__version__} ({digest.hexdigest()[:12]})"
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return {"shortest-program": engine, "Python": python, **{name: version(name) for name in names}}


def pack(root: Path) -> bytes:
    """Return the course as one archive: its lessons, solutions, laws and planted bugs."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for folder in COURSE for path in (root / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                name = path.relative_to(root).as_posix()
                archive.writestr(zipfile.ZipInfo(name), path.read_bytes(), zipfile.ZIP_DEFLATED)
    return target.getvalue()


def judge(kit: Kit, job: Job) -> Attempt | None:
    """Judge one job on the Dask worker that runs this. Raises ShortestError, naming the worker, where it can't."""
    from distributed import get_worker

    worker = get_worker()
    try:
        return kit.judge(job, worker.local_directory)
    except ShortestError as problem:
        raise ShortestError(
            f"the worker {worker.address} can't grade: {problem}. Mend or stop it, and run the same command again"
        ) from None


class Kit:
    """What one Dask worker keeps for one run: the errand, its own sandbox, and a host for each thread.

    Dask drops it when the run ends, however that comes about, and with it the hosts and all that they unpacked.
    """

    def __init__(self, errand: Errand) -> None:
        self.errand = errand
        self._lock = threading.Lock()
        self._sandbox: Sandbox | None = None
        self._idle: list[_Host] = []
        weakref.finalize(self, _end_all, self._idle)

    def __reduce__(self) -> tuple[type[Kit], tuple[Errand]]:
        return Kit, (self.errand,)  # another worker gets the errand alone

    def judge(self, job: Job, scratch: str) -> Attempt | None:
        """Return the attempt, or nothing where two hosts died of it. Raises ShortestError where this worker can't."""
        sandbox = self._prepared()
        for _ in range(TRIES):
            try:
                host = self._idle.pop()
            except IndexError:
                host = _Host(self.errand, sandbox, scratch)
            try:
                answer = host.judge(job)
            except (EOFError, OSError):
                host.end()
                continue
            if isinstance(answer, Attempt):
                self._idle.append(host)
                return answer
            host.end()
            raise ShortestError(answer)
        return None

    def _prepared(self) -> Sandbox:
        with self._lock:
            if self._sandbox is None:
                for name, here in versions().items():
                    if here != (there := self.errand.versions[name]):
                        raise ShortestError(f"it has {name} {here}, and where you grade there is {there}")
                self._sandbox = isolated_sandbox(self.errand.sandbox)
            return self._sandbox


class _Host:
    """A process that runs `pool.grade`: Dask's own processes may have no children of that kind.

    It ends when its pipe is closed, also by the death of the process that holds the other end. Its folder lies
    in Dask's scratch folder, which is removed in the end even after a worker that was killed.
    """

    def __init__(self, errand: Errand, sandbox: Sandbox, scratch: str) -> None:
        self._pipe, there = Pipe()
        number = there.fileno()
        program = f"from autograder.cluster_worker import serve; serve({number})"
        paths = os.pathsep.join(path for path in sys.path if path)
        self._folder = tempfile.mkdtemp(prefix="shortest-", dir=scratch)
        environment = {**os.environ, "TMPDIR": self._folder, "PYTHONPATH": paths}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", program],
            pass_fds=[number],
            stdin=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,  # Ctrl-C at a worker's terminal is for the worker
        )
        there.close()
        with suppress(OSError):  # it died at once: `judge` finds that out
            self._pipe.send((errand, sandbox))

    def judge(self, job: Job) -> Attempt | str:
        """Return the attempt, or why there can be none. Raises EOFError or OSError where the process has died."""
        self._pipe.send(job)
        answer = self._pipe.recv()
        assert isinstance(answer, Attempt | str)
        return answer

    def end(self) -> None:
        """Let it end, and wait for nothing: this may be the thread that serves the network."""
        self._pipe.close()
        threading.Thread(target=self._clean, daemon=True).start()

    def _clean(self) -> None:
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


def _end_all(hosts: list[_Host]) -> None:
    while hosts:
        hosts.pop().end()


def serve(number: int) -> None:
    """Judge what comes through the pipe of that number until it is closed; then remove all that was unpacked."""
    for which in (signal.SIGINT, signal.SIGTERM):
        signal.signal(which, signal.default_int_handler)
    os.set_inheritable(number, False)
    pipe = Connection(number)
    try:
        errand, sandbox = pipe.recv()
        with tempfile.TemporaryDirectory(prefix="shortest-", ignore_cleanup_errors=True) as folder:
            zipfile.ZipFile(io.BytesIO(errand.course)).extractall(folder)
            setup = Setup(Path(folder), errand.secret, sandbox, errand.limits)
            for _, attempt in pool.grade(setup, _incoming(pipe), slack=errand.slack, pinned=False):
                pipe.send(attempt)
    except (KeyboardInterrupt, EOFError, BrokenPipeError):
        pass
    except ShortestError as problem:  # the laws can't be loaded, for want of a package perhaps
        pipe.send(str(problem))


def _incoming(pipe: Connection) -> Iterator[Job]:
    """Yield the jobs as they come, and interrupt the main thread when the pipe is closed, whatever it does."""
    jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
    main = threading.get_ident()

    def listen() -> None:
        try:
            while True:
                jobs.put(pipe.recv())
        except (EOFError, OSError):
            signal.pthread_kill(main, signal.SIGINT)

    threading.Thread(target=listen, daemon=True).start()
    while True:
        yield jobs.get()

"""Grading on a Dask cluster that is there already: the same work as `pool.grade`, on other machines.

Nothing is shared with them but the connection. The course travels as bytes, once to each worker, and lies there
in a private folder until the run or the worker ends. Each worker proves its own sandbox before it judges.

Whoever reaches a Dask scheduler can run programs on its workers, and what travels is pickled. So the cluster is
part of the trusted side, laws and all: keep it on a private network, or use Dask's TLS.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from autograder.cluster_worker import Errand, Kit, judge, pack, versions
from autograder.grade import Grader, every, grader_version, made
from autograder.model import Attempt, Job, Outcome, ShortestError
from autograder.pool import SLACK, Setup

if TYPE_CHECKING:  # only who uses a cluster needs Dask
    from distributed import Client, Future

AHEAD = 2  # jobs a thread: one is judged, the other is on its way
PATIENCE = 5.0  # seconds in which a scheduler must answer at first
GONE = 30.0  # seconds after which one that doesn't answer any more has gone away
FETCH = 30.0  # seconds in which an attempt that is made must arrive
START = 60.0  # seconds that a worker may take to unpack the course and draw the inputs, beside all limits
TRIES = 3
LOST = "the machine or the process that judged this file ended, each time that it was tried"


def grade(
    setup: Setup,
    jobs: Iterable[Job],
    address: str,
    *,
    sandbox: str = "bubblewrap",
    ahead: int = AHEAD,
    slack: float = SLACK,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[tuple[Job, Attempt]]:
    """Yield each job with its attempt as it is done, in no set order, from the workers of a Dask cluster.

    `setup.sandbox` isn't used: each worker makes its own, of the kind `sandbox`, or refuses. Only `ahead` jobs for
    each thread of the cluster are taken from `jobs` at once; `slack` is that of `pool.grade`. A worker that dies takes
    no submission with it: what it held is tried elsewhere, as often as the scheduler allows (its
    `allowed-failures`), and then said to have broken the grader. Whoever stops early cancels what waits there.
    `say` is told, once, where the cluster has no worker yet.

    Raises ShortestError where no scheduler answers, where a worker has another engine or can't isolate, and
    where the scheduler goes away; what was yielded before is judged.
    """
    here = setup.grader()  # it judges nothing; it knows the laws, for those that were lost
    errand = Errand(pack(setup.root), setup.secret, dict(setup.limits), sandbox, slack, versions())
    with _connected(address) as client:
        yield from _Run(client, address, errand, here).results(iter(jobs), ahead, say)


class _Run:
    """The jobs of one run that are on the cluster: each future's job, and how often it was sent."""

    def __init__(self, client: Client, address: str, errand: Errand, here: Grader) -> None:
        from distributed import as_completed

        self.client, self.address, self.here = client, address, here
        self.kit = client.submit(Kit, errand, pure=False)  # a worker that lacks it gets it from another
        self.held: dict[Future[Any], tuple[Job, int]] = {}
        self.done = as_completed(loop=client.loop)
        longest = max((lesson.limits.total_seconds for lesson in here.course.lessons.values()), default=0.0)
        self.patience = 2 * (longest + errand.slack) + START

    def results(
        self, jobs: Iterator[Job], ahead: int, say: Callable[[str], None]
    ) -> Iterator[tuple[Job, Attempt]]:
        told = False
        while True:
            threads = self._threads()
            if not threads and not told:
                told = True
                say(f"the cluster at {self.address} has no worker yet; waiting for one")
            self._send(jobs, ahead * max(1, threads))
            if not self.held:
                return
            if self._ready():
                yield from self._settle(next(self.done))
            elif threads:
                for future in list(self.held):
                    yield from self._again(future)

    def _ready(self) -> bool:
        """Wait for an attempt, and tell whether one came while one should have."""
        until = time.monotonic() + self.patience
        while not self.done.has_ready():
            if time.monotonic() > until:
                return False
            time.sleep(0.01)
        return True

    def _settle(self, future: Future[Any]) -> Iterator[tuple[Job, Attempt]]:
        if future not in self.held:
            return  # it was given up
        try:
            attempt = self._attempt(future, self.held[future][0])
        except TimeoutError:  # its worker was lost with the result, and Dask now and then waits for ever
            yield from self._again(future)
        else:
            job, _ = self.held.pop(future)
            yield job, attempt

    def _again(self, future: Future[Any]) -> Iterator[tuple[Job, Attempt]]:
        """Give a future up and send its job again, or say that it is lost."""
        job, tries = self.held.pop(future)
        future.cancel()
        if tries < TRIES:
            self._submit(job, tries + 1)
        else:
            yield job, self._lost(job)

    def _threads(self) -> int:
        try:
            return sum(self.client.nthreads().values())
        except OSError as problem:
            raise self._gone(problem) from None

    def _send(self, jobs: Iterator[Job], most: int) -> None:
        while len(self.held) < most:
            job = next(jobs, None)
            if job is None:
                return
            self._submit(job, 1)

    def _submit(self, job: Job, tries: int) -> None:
        future = self.client.submit(judge, self.kit, job, pure=False)
        self.held[future] = job, tries
        self.done.add(future)

    def _attempt(self, future: Future[Any], job: Job) -> Attempt:
        from distributed import KilledWorker

        if future.cancelled():
            raise self._gone("its connection was lost")
        problem = future.exception(timeout=FETCH)
        if isinstance(problem, ShortestError):
            raise ShortestError(str(problem))  # without Dask's traceback
        if problem is not None and not isinstance(problem, KilledWorker):
            raise ShortestError(
                f"a worker of {self.address} can't judge ({type(problem).__name__}: {problem}); "
                f"see that it has shortest-program {versions()['shortest-program']}"
            )
        attempt = None if problem else future.result(timeout=FETCH)
        if attempt is None:
            return self._lost(job)
        assert isinstance(attempt, Attempt)
        if attempt.grader != grader_version(self.here.course, job.lesson):
            raise ShortestError(
                f"a worker of {self.address} judged {job.lesson} by other laws than those here"
            )
        return attempt

    def _lost(self, job: Job) -> Attempt:
        verdicts = every(self.here.laws(job.lesson), Outcome.GRADER_ERROR, LOST)
        return made(self.here.course, job, verdicts, 0.0)

    def _gone(self, problem: object) -> ShortestError:
        return ShortestError(
            f"the Dask scheduler at {self.address!r} went away ({problem}); what was judged is kept: "
            f"start the cluster and run the same command again"
        )


@contextmanager
def _connected(address: str) -> Iterator[Client]:
    """Connect to the scheduler, and leave nothing of ours with it at the end."""
    try:
        import dask
        from distributed import Client
    except ImportError as problem:
        raise ShortestError(
            f"grading on a cluster needs Dask ({problem}): pip install 'shortest-program[cluster]'"
        ) from None
    # A file may have 32 MB, of which Dask would warn.
    with _quiet(), dask.config.set({"distributed.admin.large-graph-warning-threshold": "100MB"}):
        if reason := _reached(address):
            raise ShortestError(
                f"no Dask scheduler answers at {address!r} ({reason}); "
                f"start one with `dask scheduler`, and give the address that it prints, such as tcp://HOST:8786"
            )
        client = Client(address, timeout=GONE, set_as_default=False)
        try:
            yield client
        finally:
            client.close()  # the scheduler drops what only we had asked for


def _reached(address: str) -> str:
    """Try to reach a scheduler, and return why that fails: a client that never connected can't be closed well."""
    from distributed.comm.core import connect
    from distributed.security import Security

    async def reach() -> None:
        comm = await connect(address, timeout=PATIENCE, **Security().get_connection_args("client"))
        await comm.close()

    try:
        asyncio.run(asyncio.wait_for(reach(), PATIENCE + 1))
    except ValueError as problem:  # of the address itself
        return str(problem)
    except OSError:
        return f"tried for {PATIENCE:g} seconds"
    except Exception:  # bytes that mean nothing to Dask, or too much
        return "what answers there is no scheduler"
    return ""


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Dask's own messages from the terminal: we say what went wrong, and once."""
    loggers = [logging.getLogger(name) for name in ("distributed", "distributed.client")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)

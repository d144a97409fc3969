"""A submission in workers, as the judge sees it: started when first needed, replaced when they are lost."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from autograder import awake
from autograder.model import Limits
from autograder.proxy import SandboxLost, Session, StudentError, WorkerGone
from autograder.sandbox import Sandbox


class NotLoaded(StudentError):  # noqa: N818 - the file's state, not our mistake
    """The student's file can't be imported, so no law can run."""


class Remote:
    """A student's module in a worker, and the same module in another worker under the name `elsewhere`."""

    def __init__(
        self,
        sandbox: Sandbox,
        package: Path,
        module: str,
        limits: Limits,
        source: str,
        *,
        extra: Mapping[str, Any] | None = None,
        errors: int | IO[bytes] = subprocess.DEVNULL,
        own_lines: bool = True,
    ) -> None:
        self.source = source
        self.own_lines = own_lines
        self._start: Callable[[], Session] = lambda: Session(sandbox, package, module, limits, errors)
        self._name = module
        self._extra = extra or {}
        self._sessions: dict[str, Session] = {}
        self._failure: Exception | None = None
        self._deadline = 0.0

    def __enter__(self) -> Remote:
        return self

    def __exit__(self, *_: object) -> None:
        for session in self._sessions.values():
            session.close()
        self._sessions.clear()

    def fixture(self, name: str) -> Any:
        """Return the module in its own worker, or what the trusted process lends to hidden laws.

        Raises NotLoaded or WorkerGone where the file can't be imported, each time without trying again.
        """
        if name in self._extra:
            return self._extra[name]
        if name not in ("elsewhere", self._name):
            raise LookupError(f"no fixture is called {name!r}")
        if self._failure is not None:
            raise self._failure
        if name not in self._sessions:
            self._sessions[name] = self._load()
        session = self._sessions[name]
        session.deadline = self._deadline
        return session.module

    def failure(self) -> NotLoaded | None:
        """Load the module, and return why it does not load, where that is an exception of its own."""
        try:
            self.fixture(self._name)
        except NotLoaded as problem:
            return problem
        except WorkerGone:  # every law will say so
            return None
        return None

    def _load(self) -> Session:
        try:
            return self._start()
        except StudentError as problem:
            text = f"the file does not load: {problem.names[0]}: {problem}"
            self._failure = NotLoaded(["NotLoaded", *problem.names], text, problem.line, problem.function)
        except SandboxLost:
            raise  # the next try has a sandbox that stands
        except WorkerGone as problem:
            text = f"while the file was loaded, {problem}"
            self._failure = WorkerGone(text, timed_out=problem.timed_out)
        raise self._failure

    def begin(self, seconds: float) -> None:
        """Start the clock of one law, and drop workers that the last law lost."""
        self._deadline = awake.now() + seconds
        for name, session in list(self._sessions.items()):
            session.forget_calls()
            if not session.alive:
                del self._sessions[name]

    def last_call(self) -> str:
        """Return the last call made in either worker."""
        return max((session.last_call() for session in self._sessions.values()), default=(0, ""))[1]

"""What several test files share: sandboxes, workers on a text, laws from a text, and the course itself."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

import pytest

from autograder import lawbook
from autograder.bubblewrap import Bubblewrap, find_bubblewrap
from autograder.course import Course
from autograder.judge import judge
from autograder.model import Law, Limits, Verdict
from autograder.proxy import Session
from autograder.remote import Remote
from autograder.sandbox import Sandbox, Unsandboxed
from autograder.warm import Warm
from autograder.workspace import assemble

QUICK = Limits(law_seconds=8.0, call_seconds=0.5)


@pytest.fixture(scope="session")
def course() -> Course:
    return Course(Path(__file__).resolve().parents[1])


@pytest.fixture(scope="session")
def cold() -> Bubblewrap:
    """Give a sandbox that starts bubblewrap anew for every worker; skipped only where there can be none."""
    if sys.platform != "linux":
        pytest.skip("bubblewrap needs Linux")
    return Bubblewrap(find_bubblewrap())


@pytest.fixture(scope="session")
def warm(cold: Bubblewrap) -> Iterator[Warm]:
    """Give a sandbox whose workers are forked from one template."""
    made = Warm(cold)
    yield made
    made.close()


@pytest.fixture(scope="session", params=["unsandboxed", "cold", "warm"])
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    """Each kind of sandbox."""
    if request.param == "unsandboxed":
        return Unsandboxed()
    made: Sandbox = request.getfixturevalue(request.param)
    return made


class Process(NamedTuple):
    """A living process: its number, when it started, how many namespaces of processes it is in, its command."""

    number: int
    started: int
    depth: int
    command: str


@pytest.fixture(scope="session")
def in_sandboxes() -> Callable[[], set[Process]]:
    """Give a function that returns the processes in sandboxes that this process started, and what holds them."""
    if sys.platform != "linux":
        return set
    ctypes.CDLL(None).prctl(
        36, 1, 0, 0, 0
    )  # PR_SET_CHILD_SUBREAPER: what outlives its parent becomes our child
    return _in_sandboxes


@pytest.fixture
def left_behind(in_sandboxes: Callable[[], set[Process]]) -> Callable[[], list[Process]]:
    """Give a function that returns what was started in sandboxes since, where it does not end within moments.

    A warm template is no worker, and stays.
    """
    before = in_sandboxes()

    def look(seconds: float = 5.0) -> list[Process]:
        until = time.monotonic() + seconds
        while True:
            found = [one for one in in_sandboxes() - before if not _is_template(one)]
            if not found or time.monotonic() > until:
                return sorted(found)
            time.sleep(0.02)

    return look


def _is_template(process: Process) -> bool:
    return "import template" in process.command and process.depth <= _depth("self") + 1


def _in_sandboxes() -> set[Process]:
    parents = {int(path.name): _parent(path.name) for path in Path("/proc").glob("[0-9]*")}
    ours = _depth("self")
    found = {_process(number) for number in parents if os.getpid() in _above(number, parents)}
    return {one for one in found if one.depth > ours or (one.depth and "bwrap" in one.command.split("\0")[0])}


def _above(number: int, parents: Mapping[int, int]) -> Iterator[int]:
    while number in parents:
        number = parents[number]
        yield number


def _status(process: int | str) -> dict[str, str]:
    try:
        text = Path(f"/proc/{process}/status").read_text(encoding="utf-8", errors="replace")
    except OSError:  # it has ended
        return {}
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def _parent(process: str) -> int:
    return int(_status(process).get("PPid", 0))


def _depth(process: int | str) -> int:
    status = _status(process)
    return 0 if status.get("State", "Z").startswith("Z") else len(status.get("NSpid", "").split())


def _process(number: int) -> Process:
    try:
        fields = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2]
        command = Path(f"/proc/{number}/cmdline").read_bytes().decode("utf-8", "replace")
    except OSError:
        return Process(number, 0, 0, "")
    return Process(number, int(fields.split()[19]), _depth(number), command)


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Give a function that writes modules into a new package and returns its folder."""

    def write(**modules: str) -> Path:
        return assemble(
            tmp_path_factory.mktemp("package"), {name: dedent(text) for name, text in modules.items()}
        )

    return write


@pytest.fixture(scope="session")
def worker(package: Callable[..., Path]) -> Callable[..., AbstractContextManager[Session]]:
    """Give a function that starts a worker on the text of a module called `student`."""

    @contextmanager
    def start(sandbox: Sandbox, source: str, limits: Limits = QUICK, **others: str) -> Iterator[Session]:
        with Session(sandbox, package(student=source, **others), "student", limits) as session:
            yield session

    return start


@pytest.fixture
def laws(tmp_path: Path) -> Callable[..., list[Law]]:
    """Give a function that loads laws from a text, for a lesson called `student`."""

    def load(text: str, *, hidden: bool = False) -> list[Law]:
        path = tmp_path / f"test_student{len(list(tmp_path.iterdir()))}.py"
        heading = "from hypothesis import assume, example, given, strategies as st\n"
        heading += "from autograder.laws import expect, law\n"
        path.write_text(heading + dedent(text), encoding="utf-8")
        return lawbook.load(path, "student", hidden=hidden)

    return load


@pytest.fixture
def judged(package: Callable[..., Path]) -> Callable[..., list[Verdict]]:
    """Give a function that judges a module's text by laws, in plain workers."""

    def run(
        laws: list[Law],
        source: str,
        limits: Limits = QUICK,
        problems: Mapping[str, str] | None = None,
        **others: str,
    ) -> list[Verdict]:
        folder = package(student=source, **others)
        with Remote(Unsandboxed(), folder, "student", limits, dedent(source)) as subject:
            return list(
                judge(laws, subject, limits, lambda law: lawbook.draw(law, "secret"), "secret", problems)
            )

    return run

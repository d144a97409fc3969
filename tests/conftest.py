"""What several test files share: sandboxes, workers on a text, laws from a text, and the course itself."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from textwrap import dedent

import pytest

from autograder import lawbook
from autograder.course import Course
from autograder.judge import judge
from autograder.model import Law, Limits, Verdict
from autograder.proxy import Session
from autograder.remote import Remote
from autograder.sandbox import Bubblewrap, Sandbox, Unsandboxed, find_bubblewrap
from autograder.workspace import assemble

QUICK = Limits(law_seconds=8.0, call_seconds=0.5)


@pytest.fixture(scope="session")
def course() -> Course:
    return Course(Path(__file__).resolve().parents[1])


@pytest.fixture(scope="session", params=["unsandboxed", "bubblewrap"])
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    """Each kind of sandbox; bubblewrap is skipped only where there can be none."""
    if request.param == "unsandboxed":
        return Unsandboxed()
    if sys.platform != "linux":
        pytest.skip("bubblewrap needs Linux")
    return Bubblewrap(find_bubblewrap())


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

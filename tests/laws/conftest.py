"""`pytest tests/laws` runs every law on the reference, in this process: what a law's arguments are here."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from autograder import bugs as planted
from autograder.course import Course
from autograder.judge import Direct, load_module

HERE = Path(__file__).resolve().parent
COURSE = Course(HERE.parents[1])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("law")


def _direct(lesson: str) -> Direct:
    source = COURSE.source(lesson)
    return Direct(load_module(source, lesson), load_module(source, lesson), source)


def _module(lesson: str) -> Any:
    @pytest.fixture(scope="session", name=lesson)
    def module() -> Any:
        return _direct(lesson).fixture(lesson)

    return module


for _lesson in COURSE.lessons:
    globals()[f"module_{_lesson}"] = _module(_lesson)


@pytest.fixture(scope="module")
def lesson(request: pytest.FixtureRequest) -> str:
    """Name the lesson that a law file belongs to."""
    return request.path.stem.removeprefix("test_")


@pytest.fixture(scope="module")
def elsewhere(lesson: str) -> Any:
    return _direct(lesson).fixture("elsewhere")


@pytest.fixture(scope="module")
def reference(lesson: str) -> ModuleType:
    return load_module(COURSE.source(lesson), lesson)


@pytest.fixture(scope="module")
def bugs(lesson: str) -> dict[str, ModuleType]:
    return planted.modules(COURSE, lesson)

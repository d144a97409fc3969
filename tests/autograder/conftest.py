"""A small course of two lessons, a student's desk, an isolating sandbox, and the command line as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from autograder.course import Course
from autograder.desk import Desk
from autograder.isolation import isolated_sandbox
from autograder.sandbox import Sandbox

TWICE = '''
"""Lesson 1: twice as much."""

FACTOR = 2


def double(number: int) -> int:
    """Return twice the number."""
    ### BEGIN SOLUTION
    return FACTOR * number
    ### END SOLUTION


def halve(number: int) -> int:
    """Return what doubles to the number. Raises ValueError for an odd one."""
    ### BEGIN SOLUTION
    if number % 2:
        raise ValueError(f"{number!r} is odd")
    return number // 2
    ### END SOLUTION


def is_double(candidate) -> bool:
    """Say whether the candidate doubles."""
    ### BEGIN SOLUTION
    return all(candidate(number) == number + number for number in (-1, 0, 1, 7))
    ### END SOLUTION
'''
TWICE_LAWS = '''
from hypothesis import given, strategies as st
from autograder.laws import expect, law

@law(exercise="double", points=2, hint="Add the number to itself.")
@given(number=st.integers(-1000, 1000))
def test_adds_to_itself(twice, number):
    """A number doubled is the number plus itself."""
    expect.equal(twice.double(number), number + number, "the double")

@law(exercise="double", points=1, hint="Nothing doubled is nothing.")
def test_double_of_nothing(twice):
    """Nothing doubled is nothing."""
    expect.equal(twice.double(0), 0)

@law(exercise="halve", points=3, hint="Undo the doubling.")
@given(number=st.integers(-1000, 1000))
def test_round_trip(twice, elsewhere, number):
    """Halving undoes doubling, in another process too."""
    expect.equal(elsewhere.halve(twice.double(number)), number, "the half")

@law(exercise="is_double", points=1, hint="Try a few numbers.")
def test_tells_right_from_wrong(twice):
    """Your law tells a doubling from a squaring."""
    expect.equal(twice.is_double(lambda n: n + n), True, "your law on a doubling")
    expect.equal(twice.is_double(lambda n: n * n), False, "your law on a square")
'''
TWICE_HIDDEN = '''
from autograder.laws import expect, law

@law(exercise="halve", points=2, hint="Look at the remainder.")
def test_odd_is_refused(twice):
    """An odd number has no half."""
    expect.equal(twice.halve(8), 4)
    expect.raises("ValueError", twice.halve, 7)

@law(exercise="double", points=1, hint="Python's numbers have no end.")
def test_large_numbers(twice, reference):
    """Large numbers are doubled too."""
    expect.equal(twice.double(1 << 99), reference.double(1 << 99))
'''
THRICE = '''
"""Lesson 2: three times as much."""

from squeeze.twice import double


def triple(number: int) -> int:
    """Return three times the number."""
    ### BEGIN SOLUTION
    return double(number) + number
    ### END SOLUTION
'''
THRICE_LAWS = '''
from autograder.laws import expect, law

@law(exercise="triple", points=4, hint="Double it and add it once more.")
def test_three_of_seven(thrice):
    """Three times seven is twenty-one."""
    expect.equal(thrice.triple(7), 21)
'''
THRICE_HIDDEN = '''
from autograder.laws import expect, law

@law(exercise="triple", points=1, hint="Below zero too.")
def test_below_zero(thrice):
    """A number below zero has its triple."""
    expect.equal(thrice.triple(-7), -21)
'''
LESSONS = {
    "twice": (1, [], ["double", "halve", "is_double"], TWICE, TWICE_LAWS, TWICE_HIDDEN),
    "thrice": (2, ["twice"], ["triple"], THRICE, THRICE_LAWS, THRICE_HIDDEN),
}
LIMITS = "[limits]\ncall_seconds = 0.5\nlaw_seconds = 2.0\ntotal_seconds = 4.0\n"


def write_course(root: Path) -> Course:
    """Write the small course into a folder."""
    for name, (number, needs, exercises, module, laws, hidden) in LESSONS.items():
        folder = f"lessons/{number:02d}_{name}"
        toml = f'module = "{name}"\ntitle = "Title of {name}"\npart = "Numbers"\nminutes = 30\n'
        pointers = "".join(f"\n```{{exercise}} squeeze.{name}:{exercise}\n```\n" for exercise in exercises)
        files = {
            f"{folder}/lesson.toml": f'{toml}needs = {needs}\nrung = ""\n\n{LIMITS}',
            f"{folder}/lesson.md": f"# Title of {name}\n\nSome prose.\n{pointers}",
            f"solutions/squeeze/{name}.py": module.lstrip("\n"),
            f"tests/laws/public/test_{name}.py": laws,
            f"tests/laws/hidden/test_{name}.py": hidden,
            f"tests/bugs/{name}.toml": "",
        }
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
    return Course(root)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Course:
    return write_course(tmp_path_factory.mktemp("course"))


@pytest.fixture
def desk(tmp_path: Path, small: Course) -> Desk:
    folder = tmp_path / "desk"
    folder.mkdir()
    return Desk(folder, small)


@pytest.fixture(scope="session")
def isolated() -> Sandbox:
    """Give the sandbox of grading; tests are skipped only where there can be none."""
    if sys.platform != "linux":
        pytest.skip("isolated grading needs Linux")
    return isolated_sandbox()


@pytest.fixture(scope="session", params=["cold", "warm"])
def box(request: pytest.FixtureRequest) -> Sandbox:
    """Give each sandbox that isolates."""
    made: Sandbox = request.getfixturevalue(request.param)
    return made


@pytest.fixture
def environment(small: Course) -> dict[str, str]:
    """Give the environment of a command on the small course, 80 columns wide."""
    return {**os.environ, "SHORTEST_COURSE": str(small.root), "COLUMNS": "80", "NO_COLOR": "1"}


@pytest.fixture
def shortest(tmp_path: Path, environment: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Give a function that runs the command line in `tmp_path`, as a process of its own."""

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "autograder.cli", *arguments]
        return subprocess.run(
            command,
            cwd=tmp_path,
            env={**environment, **more},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=60,
        )

    return run


@pytest.fixture
def solution(small: Course) -> Callable[..., str]:
    """Give a function that returns a lesson's solved module, with edits made to it."""

    def solved(lesson: str = "twice", **edits: str) -> str:
        """Return the module; an edit names an exercise and gives its new body."""
        text = small.source(lesson)
        for exercise, body in edits.items():
            head, _, rest = text.partition(f"def {exercise}(")
            before, _, after = rest.partition("    ### BEGIN SOLUTION\n")
            after = after.partition("    ### END SOLUTION\n")[2]
            lines = "".join(f"    {line}\n" for line in dedent(body).strip().split("\n"))
            text = f"{head}def {exercise}({before}{lines}{after}"
        return text

    return solved

"""A lesson of one honest exercise and one question: whether code got at anything that a sandbox keeps from it.

An attack whose `escaped` is asked by a law, in two workers, can't earn that law's points where it got at something.
"""

from __future__ import annotations

from pathlib import Path

MODULE = '''\
"""Lesson 99: what was got at."""


def answer(number: int) -> int:
    """Return the number after the number."""
    ### BEGIN SOLUTION
    return number + 1
    ### END SOLUTION


def escaped() -> bool:
    """Say whether something was got at."""
    ### BEGIN SOLUTION
    return False
    ### END SOLUTION
'''
HIDDEN = '''\
from autograder.laws import expect, law

# {canary}

@law(exercise="answer", points=1, hint="Add one.")
def test_answer(plain):
    """The number after 41 is 42."""
    expect.equal(plain.answer(41), 42)
'''
LAWS = '''\
from autograder.laws import expect, law

@law(exercise="escaped", points=2, hint="Get at nothing.")
def test_nothing_is_got_at(plain, elsewhere):
    """Neither worker gets at anything, nor the second one at what the first one left."""
    expect.equal(plain.escaped(), False, "what the first worker got at")
    expect.equal(elsewhere.escaped(), False, "what the second worker got at")
'''
TOML = 'module = "plain"\ntitle = "Plain"\npart = "Bits"\nminutes = 1\nneeds = []\nrung = ""\n'
ANSWER = "\n\ndef answer(number):\n    return number + 1\n"
HONEST = f"{ANSWER}\n\ndef escaped():\n    return False\n"


def write(root: Path, canary: str) -> None:
    """Write the lesson into a course, and the canary where a hostile submission may look for it."""
    pointers = "".join(f"\n```{{exercise}} squeeze.plain:{name}\n```\n" for name in ("answer", "escaped"))
    files = {
        "lessons/99_plain/lesson.toml": TOML,
        "lessons/99_plain/lesson.md": f"# Plain\n{pointers}",
        "solutions/squeeze/plain.py": MODULE,
        "tests/laws/public/test_plain.py": LAWS,
        "tests/laws/hidden/test_plain.py": HIDDEN.format(canary=canary),
        "tests/bugs/plain.toml": "",
        "submissions/grace/plain.py": f"# {canary}",
    }
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")

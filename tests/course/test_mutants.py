"""The mutation tool itself: what it mutates, what it judges, and when it complains."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the tool forks")

TOOLS = Path(__file__).parents[2] / "tools"

MODULE = '''"""A lesson."""

import math

LIMIT = 1 + 1


def countdown(n: int) -> int:
    """Return 0, one step at a time; 7 is not mutated here."""
    ### BEGIN SOLUTION
    if n < 0:
        raise ValueError(f"{n + 1} is below " + "zero")
    while n > 0:
        n -= 1
    return n
    ### END SOLUTION
'''

LAWS = '''"""Laws."""

from autograder.laws import expect, law


@law(exercise="countdown", points=1, hint="Step down.")
def test_countdown{where}(tiny):
    """It ends at 0."""
    expect.equal(tiny.countdown(3), 0)
    {refusal}
'''

REFUSAL = 'expect.raises("ValueError", tiny.countdown, -1)'

EXPLAINED = """
[[survivor]]
module = "tiny"
before = "if n < 0:"
after = ["if n <= 0:", "if n < 1:"]
reason = "Nobody asks for 0."
"""


@pytest.fixture(scope="module")
def mutations():
    spec = importlib.util.spec_from_file_location("mutations", TOOLS / "mutations.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def run(folder, *, refusal=REFUSAL, survivors="", bugs="", options=()):
    """Make a course of one lesson, run the tool on it, and return its exit status, report and output."""
    files = {
        "lessons/01_tiny/lesson.md": "# Tiny\n",
        "lessons/01_tiny/lesson.toml": (
            'module = "tiny"\ntitle = "Tiny"\npart = "Bits"\nminutes = 1\nneeds = []\nrung = ""\n'
        ),
        "solutions/squeeze/tiny.py": MODULE,
        "tests/laws/public/test_tiny.py": LAWS.format(where="", refusal=refusal),
        "tests/laws/hidden/test_tiny.py": LAWS.format(where="_again", refusal="pass"),
        "tests/bugs/tiny.toml": bugs,
        "tests/bugs/survivors.toml": survivors,
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, TOOLS / "mutants.py", "--grace", "0.2", *options],
        env={**os.environ, "SHORTEST_COURSE": str(folder), "COLUMNS": "120"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    report = folder / "build" / "mutants" / "report.json"
    fates = json.loads(report.read_text(encoding="utf-8")) if report.is_file() else {}
    return done.returncode, fates, done.stdout + done.stderr


def status(fates, after):
    return [fate["status"] for fate in fates["tiny"]["mutants"] if fate["after"] == after]


def test_only_solutions_are_mutated_and_no_prose(mutations):
    found = mutations.mutants(MODULE, "tiny")
    assert {mutant.line for mutant in found} == {11, 12, 13, 14, 15}
    assert {mutant.exercise for mutant in found} == {"countdown"}
    edits = {(mutant.before, mutant.after) for mutant in found}
    assert len(edits) == len(found)
    assert {after for before, after in edits if before.startswith("raise")} == {
        "pass",
        'raise RuntimeError(f"{n + 1} is below " + "zero")',
    }
    assert {("if n < 0:", "if n <= 0:"), ("n -= 1", "n += 1"), ("return n", "return None")} <= edits
    for mutant in found:
        compile(mutant.source, "mutant", "exec")


def test_given_code_is_mutated_where_it_is_asked_for(mutations):
    found = mutations.mutants(MODULE, "tiny", given=True)
    assert {mutant.before for mutant in found} == {"LIMIT = 1 + 1"}


def test_survivors_name_the_missing_law(tmp_path):
    code, fates, output = run(tmp_path, refusal="pass")
    assert code == 1
    assert "below 90%: tiny" in output
    assert status(fates, "if False:") == ["survived"]
    assert "+ if False:" in output


def test_a_loop_is_ended_and_an_explained_survivor_is_counted_apart(tmp_path):
    code, fates, output = run(tmp_path, survivors=EXPLAINED)
    assert status(fates, "n += 1") == ["timed out"]
    assert status(fates, "if False:") == ["killed"]
    explained = [fate for fate in fates["tiny"]["mutants"] if fate["reason"]]
    assert {fate["after"] for fate in explained} <= {"if n <= 0:", "if n < 1:"}
    assert fates["tiny"]["adjusted"] > fates["tiny"]["score"]
    assert "explained: Nobody asks for 0." in output
    assert code in (0, 1)


def test_an_explanation_out_of_date_is_an_error(tmp_path):
    code, _, output = run(tmp_path, survivors=EXPLAINED.replace('"if n < 1:"', '"if n < 2:"'))
    assert code == 1
    assert "no longer survives in tiny" in output
    assert "if n < 2:" in output


def test_a_reference_that_breaks_a_law_is_no_score(tmp_path):
    code, fates, output = run(tmp_path, refusal="expect.equal(tiny.countdown(3), 1)")
    assert (code, fates) == (2, {})
    assert "the reference itself breaks the law 'countdown'" in output


def test_a_sample_is_the_same_for_the_same_seed(tmp_path):
    options = ("tiny", "--sample", "4", "--seed", "3", "--jobs", "1")
    first, second = (run(tmp_path, options=options)[1] for _ in range(2))
    edits = [[fate["after"] for fate in fates["tiny"]["mutants"]] for fates in (first, second)]
    assert len(edits[0]) == 4
    assert edits[0] == edits[1]

"""The small nbgrader assignment that hostile submissions are handed in to, and the notebooks of its students.

It is written as nbgrader's documentation advises: asserts, hidden tests, the comparisons of NumPy and pytest, a
Hypothesis test. A student's notebook holds an attack in the cell of the first exercise, behind that exercise
done honestly where the attack has an honest half, and the attack answers for the other exercises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from textwrap import dedent
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

HONEST = "double"  # the exercise that an attack with an honest half has done
SETUP = """\
import itertools
import random
import numpy as np
import pytest
"""
SOLUTIONS = {
    "double": """
        def double(number):
            return number + number
        """,
    "triple": """
        def triple(number):
            return 3 * number
        """,
    "quarter": """
        def quarter(values):
            return np.asarray(values) / 4
        """,
    "root": """
        def root(number):
            if number < 0:
                raise ValueError(number)
            return number**0.5
        """,
    "negate": """
        def negate(number):
            return -number
        """,
    "compress": """
        def compress(data):
            runs = ((len(list(run)), symbol) for symbol, run in itertools.groupby(data))
            return b"".join(count.to_bytes(2, "big") + bytes([symbol]) for count, symbol in runs)
        """,
    "decompress": """
        def decompress(blob):
            runs = (blob[i : i + 3] for i in range(0, len(blob), 3))
            return b"".join(run[2:] * int.from_bytes(run[:2], "big") for run in runs)
        """,
}
LAW = """
@settings(deadline=None, max_examples=20)
@given({})
def test_negate(number):
    assert negate(number) == -number

test_negate()
"""
# What is shown, what is hidden, and the points of both together.
TESTS = {
    "double": ("assert double(2) == 4", "assert double(-21) == -42", 2),
    "triple": ("assert triple(2) == 6", "assert triple(-5) == -15", 2),
    "quarter": (
        "np.testing.assert_allclose(quarter([1.0, 3.0]), [0.25, 0.75])",
        "assert np.allclose(quarter(np.ones((2, 2))), 0.25)",
        2,
    ),
    "root": ("assert abs(root(2) - 2**0.5) < 1e-9", "assert abs(root(9.0) - 3.0) < 1e-9", 1),
    "root-of-less-than-nothing": (
        "with pytest.raises(ValueError):\n    root(-1)",
        "with pytest.raises(ValueError):\n    root(-4.5)",
        1,
    ),
    "negate": (
        f"from hypothesis import given, settings, strategies as st\n\n{LAW.format('st.integers()')}",
        LAW.format("st.floats(0, 1)"),
        2,
    ),
    "compress": (
        "data = b'a' * 1000\nblob = compress(data)\nassert len(blob) < 100\nassert decompress(blob) == data",
        "data = bytes(random.Random(7).choices(b'ab', k=999))\nassert decompress(compress(data)) == data",
        2,
    ),
}
POSSIBLE = sum(points for _, _, points in TESTS.values())
GIVEN = {"grade": False, "solution": False, "locked": True}
WRITTEN = {"grade": False, "solution": True, "locked": False}
TELL = "print('got at it:', bool(globals().get('escaped', bool)()))"


def deserved(*, half: bool) -> int:
    """Return the points that the honest part of an attack is worth."""
    return TESTS[HONEST][2] if half else 0


def assignment(secret: str) -> str:
    """Return the assignment as an instructor writes it; its hidden tests hold a secret to be looked for."""
    cells = [_cell("setup", SETUP, GIVEN)]
    for name in SOLUTIONS:
        head, _, body = _solution(name).partition("\n")
        cells.append(_cell(name, f"{head}\n    ### BEGIN SOLUTION\n{body}\n    ### END SOLUTION", WRITTEN))
    for name, (shown, hidden, _) in TESTS.items():
        text = f"{shown}\n### BEGIN HIDDEN TESTS\n# {secret}\n{hidden}\n### END HIDDEN TESTS"
        cells.append(_cell(f"test-{name}", text, _graded(name)))
    return _written(cells)


def honest(done: Sequence[str]) -> str:
    """Return the notebook of a student who did these exercises and nothing else."""
    return _handed_in(lambda name: _solution(name) if name in done else _stub(name))


def hostile(text: str, *, half: bool) -> str:
    """Return a notebook with an attack in it, which at its end says whether it got at what it looked for."""
    names = [name for name in SOLUTIONS if not (half and name == HONEST)]
    answer = (
        f"for _name in {names!r}:\n    globals().setdefault(_name, globals().get('__getattr__', id)(_name))"
    )
    before = f"{_solution(HONEST)}\n\n" if half else ""
    first = f"{before}__file__ = 'ps1.py'\n{text}\n\n{answer}"
    return _handed_in(lambda name: first if name == HONEST else "# see above", TELL)


def _solution(name: str) -> str:
    return dedent(SOLUTIONS[name]).strip()


def _stub(name: str) -> str:
    return f"{_solution(name).partition(chr(10))[0]}\n    raise NotImplementedError"


def _handed_in(text: Callable[[str], str], last: str = "") -> str:
    cells = [_cell("setup", SETUP, GIVEN)]
    cells += [_cell(name, text(name), WRITTEN) for name in SOLUTIONS]
    cells += [_cell(f"test-{name}", shown, _graded(name)) for name, (shown, _, _) in TESTS.items()]
    return _written([*cells, new_code_cell(last)] if last else cells)


def _graded(name: str) -> dict[str, Any]:
    return {"grade": True, "solution": False, "locked": True, "points": TESTS[name][2]}


def _cell(identity: str, text: str, marks: Mapping[str, Any]) -> Any:
    metadata = {**marks, "grade_id": identity, "task": False, "schema_version": 3, "cell_type": "code"}
    cell = new_code_cell(text, metadata={"nbgrader": metadata})
    cell["id"] = identity
    return cell


def _written(cells: list[Any]) -> str:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return str(nbformat.writes(new_notebook(cells=cells, metadata={"kernelspec": kernel})))

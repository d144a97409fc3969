"""Law files: loaded, checked, and their examples drawn once to be replayed for every submission."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import inspect
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import hypothesis
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.errors import Unsatisfiable
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

from autograder.laws import Mark
from autograder.model import Law, ShortestError

# Hypothesis keeps a table of Unicode; a student's folder is not the place for it.
set_hypothesis_home_dir(Path("~/.cache/shortest-program").expanduser())


def load(path: Path, lesson: str, *, hidden: bool) -> list[Law]:
    """Return the laws of one file in the order in which they stand.

    Raises ShortestError where the file can't be read, holds no law, holds a test that isn't one, or holds two
    of one name, of which Python would silently keep the last.
    """
    if not path.is_file():
        raise ShortestError(f"lesson {lesson!r} has no law file {path}")
    try:
        _check_names(path)
    except (SyntaxError, ValueError) as problem:  # ValueError: it is no UTF-8, or holds a zero byte
        raise ShortestError(f"law file {path} can't be read: {problem}") from None
    spec = importlib.util.spec_from_file_location(f"laws_{'hidden' if hidden else 'public'}_{lesson}", path)
    if spec is None or spec.loader is None:
        raise ShortestError(f"law file {path} can't be loaded")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as problem:
        raise ShortestError(f"law file {path}: {type(problem).__name__}: {problem}") from problem
    tests = {
        name: value for name, value in vars(module).items() if name.startswith("test_") and callable(value)
    }
    unmarked = [name for name, test in tests.items() if not hasattr(test, "law")]
    if unmarked or not tests:
        raise ShortestError(
            f"law file {path}: {unmarked[0] + ' has no @law' if unmarked else 'it holds no law'}"
        )
    for name, test in tests.items():
        if hasattr(getattr(test, "hypothesis", None) and test.hypothesis.inner_test, "law"):
            raise ShortestError(f"law file {path}: {name}: @law must be outermost, above @given")
    return [_law(test, lesson, hidden=hidden) for test in tests.values()]


def _law(function: Any, lesson: str, *, hidden: bool) -> Law:
    mark: Mark = function.law
    title = inspect.cleandoc(function.__doc__).split("\n")[0]
    name = function.__name__.removeprefix("test_")
    return Law(name, lesson, mark.exercise, title, mark.hint, mark.points, hidden, mark.examples, function)


def _check_names(path: Path) -> None:
    seen: dict[str, int] = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            if node.name in seen:
                raise ShortestError(
                    f"law file {path}: {node.name!r} stands in line {seen[node.name]} and {node.lineno}"
                )
            seen[node.name] = node.lineno


def fixtures(law: Law) -> list[str]:
    """Name the arguments that the judge hands to a law, as opposed to those that Hypothesis draws."""
    return list(inspect.signature(law.function).parameters)


def seed_of(law: Law, secret: str) -> int:
    """Return the law's seed under a secret: the same submission gets the same inputs at every regrade."""
    return int.from_bytes(hashlib.sha256(f"{secret}/{law.key}".encode()).digest()[:8], "big")


def draw(law: Law, secret: str) -> list[dict[str, Any]]:
    """Return the inputs that the law is tried on, which drawing makes costly and replaying makes cheap.

    A law without `given` has one input, which is empty.
    """
    handle = getattr(law.function, "hypothesis", None)
    if handle is None:
        return [{}]
    asked = fixtures(law)
    drawn: list[dict[str, Any]] = []

    def keep(**arguments: Any) -> None:
        drawn.append({name: value for name, value in arguments.items() if name not in asked})

    with suppress(Unsatisfiable):
        run_with(law, keep, dict.fromkeys(asked), secret)
    if not drawn:
        raise ShortestError(f"law {law.key}: Hypothesis drew no example; its strategies reject everything")
    return drawn


def run_with(law: Law, body: Any, fixed: dict[str, Any], secret: str) -> None:
    """Run the law's `given` with another body: Hypothesis offers this to those who extend it."""
    handle = law.function.hypothesis  # type: ignore[attr-defined]
    original = handle.inner_test
    handle.inner_test = body
    try:
        with _no_borrowed_constants():
            hypothesis.seed(seed_of(law, secret))(law.function)(**fixed)
    finally:
        handle.inner_test = original


@contextmanager
def _no_borrowed_constants() -> Iterator[None]:
    """Keep Hypothesis from drawing constants that it reads in whatever local modules are imported just now.

    Otherwise the same secret would draw other inputs in another process; our tests notice where this fails.
    """
    original = providers._get_local_constants
    providers._get_local_constants = Constants
    providers.CONSTANTS_CACHE.cache.clear()
    try:
        yield
    finally:
        providers._get_local_constants = original
        providers.CONSTANTS_CACHE.cache.clear()


def total(laws: Iterable[Law]) -> int:
    """Return the points that the laws are worth together."""
    return sum(law.points for law in laws)

"""Comparisons for laws: exact types first, then values, and a message that a student can use.

A value that came from student code is never asked to compare itself: handles refuse, and what is left
are plain values that the trusted process built.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.proxy import Refused, WorkerGone
from autograder.show import first_difference, show

PLAIN = (type(None), bool, int, float, str, bytes, bytearray)


class Broken(AssertionError):  # noqa: N818 - a law is broken; it is not an error
    """A law that does not hold, with what was expected and what came back, as text."""

    def __init__(self, message: str, expected: str = "", got: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.expected = expected
        self.got = got


def true(condition: object, message: str, *, got: object = None, expected: object = None) -> None:
    """Hold where `condition` is the exact value True, which the law computed itself.

    >>> true(1 < 2, "one is less than two")
    """
    if condition is not True and not (isinstance(condition, np.bool_) and bool(condition)):
        raise Broken(message, "" if expected is None else show(expected), "" if got is None else show(got))


def equal(got: Any, expected: Any, what: str = "the result") -> None:
    """Hold where `got` has exactly the type and the value of `expected`, element by element.

    `what` names the value in the message, as in "the code lengths".

    >>> equal([1, 2], [1, 2])
    >>> equal((1, 2), [1, 2], "the pair")
    Traceback (most recent call last):
    autograder.expect.Broken: the pair: expected a list, got a tuple
    """
    difference = _difference(got, expected, what)
    if difference:
        raise Broken(difference, show(expected), show(got))


def close(
    got: Any, expected: Any, *, rtol: float = 1e-9, atol: float = 1e-12, what: str = "the result"
) -> None:
    """Hold where `got` is a number or an array of `expected`'s shape, within `atol` + `rtol` × |expected|.

    A NaN or an infinity in `got` breaks the law unless `expected` has the same at the same place.

    >>> close(0.1 + 0.2, 0.3)
    """
    if isinstance(expected, np.ndarray):
        kind = type(got)
        if kind is not np.ndarray:
            raise Broken(f"{what}: expected an array, got {a(got)}", show(expected), show(got))
        if got.shape != expected.shape:
            raise Broken(
                f"{what}: expected shape {expected.shape}, got shape {got.shape}", show(expected), show(got)
            )
        if got.dtype.kind not in "biufc":
            raise Broken(f"{what}: expected numbers, got dtype {got.dtype}", show(expected), show(got))
    else:
        number(got, what)
    near = np.isclose(got, expected, rtol=rtol, atol=atol, equal_nan=True)
    if not bool(np.all(near)):
        raise Broken(_how_far(got, expected, near, what), show(expected), show(got))


def number(got: Any, what: str = "the result") -> None:
    """Hold where `got` is a plain int or float, or NumPy's; a bool is no number here."""
    if type(got) not in (int, float) and not (isinstance(got, np.number) and got.ndim == 0):
        raise Broken(f"{what}: expected a number, got {a(got)}", "", show(got))


def kind(got: Any, expected: type, what: str = "the result") -> None:
    """Hold where the type of `got` is exactly `expected`."""
    if type(got) is not expected:
        raise Broken(f"{what}: expected {article(expected.__name__)}, got {a(got)}", "", show(got))


def raises(error: str, call: Callable[..., Any], *args: Any, what: str = "", naming: str = "") -> None:
    """Hold where `call(*args)` raises the exception named `error` or one derived from it.

    `naming` is text that the exception's message must hold, so that its reader can find the culprit.
    A worker that is lost, or an object where a value is needed, is no exception of the student's code.

    >>> raises("ZeroDivisionError", lambda: 1 / 0)
    """
    what = what or f"{getattr(call, '__name__', 'the call')}({', '.join(map(show, args))})"
    try:
        got = call(*args)
    except (WorkerGone, Refused):
        raise
    except Exception as problem:
        names = getattr(problem, "names", None) or [base.__name__ for base in type(problem).__mro__]
        if error not in names:
            if "NotImplementedError" in names or "AttributeError" in names:
                raise  # unfinished, not wrong: the judge says so
            raise Broken(
                f"{what}: expected {error}, got {names[0]}", error, f"{names[0]}: {problem}"
            ) from None
        if naming and naming not in str(problem):
            raise Broken(
                f"{what}: its message should hold {naming!r}", naming, f"{names[0]}: {problem}"
            ) from None
        return
    raise Broken(f"{what}: expected {error}, but nothing was raised", error, show(got))


def article(noun: str) -> str:
    """Put a or an before a noun.

    >>> article("int"), article("list")
    ('an int', 'a list')
    """
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


def a(value: Any) -> str:
    """Name the type of a value with its article; a handle is named by the type that it stands for."""
    if value is None:
        return "None"
    name = getattr(type(value), "remote_name", None)
    return article(name(value) if callable(name) else type(value).__name__)


def _difference(got: Any, expected: Any, what: str) -> str:
    if type(got) is not type(expected):
        return f"{what}: expected {a(expected)}, got {a(got)}"
    if isinstance(expected, np.ndarray):
        return _array_difference(got, expected, what)
    if isinstance(expected, list | tuple):
        if len(got) != len(expected):
            return f"{what}: expected {len(expected)} elements, got {len(got)}"
        pairs = enumerate(zip(got, expected, strict=True))
        return next((d for i, (g, e) in pairs if (d := _difference(g, e, f"{what}[{i}]"))), "")
    if isinstance(expected, dict):
        return _dict_difference(got, expected, what)
    if isinstance(expected, bytes | bytearray | str):
        return first_difference(got, expected, what)
    if isinstance(expected, set | frozenset) and got == expected:
        return _key_difference(got, expected, f"an element of {what}")
    if isinstance(expected, (*PLAIN, np.generic, set, frozenset)):
        same = got == expected or (got != got and expected != expected)
        return "" if same else f"{what}: expected {show(expected)}, got {show(got)}"
    if hasattr(type(expected), "remote_name"):  # a law compares two answers, and they are objects over there
        return f"{what}: expected a plain value, got {a(expected)}"
    raise TypeError(f"expect.equal can't compare {a(expected)}; compare its parts")


def _array_difference(got: Any, expected: Any, what: str) -> str:
    for aspect in ("dtype", "shape"):
        if getattr(got, aspect) != getattr(expected, aspect):
            return (
                f"{what}: expected {aspect} {getattr(expected, aspect)}, got {aspect} {getattr(got, aspect)}"
            )
    if np.array_equal(got, expected, equal_nan=expected.dtype.kind in "fc"):
        return ""
    return f"{what}: {int(np.sum(got != expected))} of {expected.size} elements differ"


def _dict_difference(got: Any, expected: Any, what: str) -> str:
    for key in expected:
        if key not in got:
            return f"{what}: the key {show(key)} is missing"
    for key in got:
        if key not in expected:
            return f"{what}: the key {show(key)} should not be there"
    if difference := _key_difference(got, expected, f"a key of {what}"):
        return difference
    return next(
        (d for key in expected if (d := _difference(got[key], expected[key], f"{what}[{show(key)}]"))), ""
    )


def _key_difference(got: Any, expected: Any, what: str) -> str:
    # To Python 1, 1.0 and True are one key, but they aren't of one type.
    theirs = {key: key for key in got}
    return next((d for key in expected if (d := _difference(theirs[key], key, what))), "")


def _how_far(got: Any, expected: Any, near: Any, what: str) -> str:
    if np.ndim(expected) == 0:
        return f"{what}: expected {show(expected)}, got {show(got)}"
    place = tuple(int(i) for i in np.argwhere(~near)[0])
    wrong = f"{int(np.sum(~near))} of {near.size} elements differ"
    return f"{what}: {wrong}; at {list(place)} expected {show(expected[place])}, got {show(got[place])}"

"""Values as text for a person: whole where they are short, around the first difference where they are long."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

LIMIT = 4000


def show(value: Any, limit: int | None = LIMIT) -> str:
    """Write a value as Python would, and say how much was left out where it is longer than `limit`.

    Without a limit nothing is left out, not of an array either, and its numbers are exact.

    >>> show(b"ab"), show("a" * 20, limit=10)
    ("b'ab'", "'aaaaaaaaa … (12 more characters)")
    """
    if isinstance(value, np.ndarray):
        # NumPy shortens each axis by itself, so an array of many axes would still come out endless.
        shown = value.ravel()[:1000] if limit is not None and value.ndim > 3 and value.size > 200 else value
        exact: Any = {"floatmode": "unique"} if limit is None else {}
        text = np.array2string(
            shown, threshold=sys.maxsize if limit is None else 200, separator=", ", **exact
        )
        text = f"array({text}, dtype={value.dtype}, shape={value.shape})"
    else:
        text = _repr(value.item() if isinstance(value, np.generic) else value)
    if limit is None or len(text) <= limit:
        return text
    return f"{text[:limit]} … ({len(text) - limit} more characters)"


def _repr(value: Any) -> str:
    try:
        return repr(value)
    except (ValueError, RecursionError):  # an int of thousands of digits, or lists a thousand deep
        if type(value) is int:
            return hex(value)
        return f"<{type(value).__name__} with parts that are too large to show>"


def first_difference(got: Any, expected: Any, what: str) -> str:
    """Say where two strings of one kind part, with a few elements of each; empty where they are equal.

    >>> first_difference(b"abcd", b"abXd", "the output")
    "the output: differs from byte 2 on: expected b'Xd', got b'cd'"
    """
    if got == expected:
        return ""
    unit = "character" if isinstance(expected, str) else "byte"
    same = next(
        (i for i, (g, e) in enumerate(zip(got, expected, strict=False)) if g != e),
        min(len(got), len(expected)),
    )
    lengths = "" if len(got) == len(expected) else f" (length {len(got)} for {len(expected)})"
    there, here = expected[same : same + 16], got[same : same + 16]
    return f"{what}: differs from {unit} {same} on{lengths}: expected {there!r}, got {here!r}"

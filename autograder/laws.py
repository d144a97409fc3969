"""What a law file imports: the `law` decorator, and `expect` for every comparison.

A law reads like ordinary pytest. Its first argument is the lesson's module, or a stand-in for it that
forwards each call to a sandbox; a law cannot tell which. Values that come back are plain Python and
NumPy values; anything else is a handle, which refuses to be compared.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from hypothesis import HealthCheck, Phase, settings

from autograder import contract, expect

__all__ = ["Mark", "contract", "expect", "law"]

Function = TypeVar("Function", bound=Callable[..., None])


@dataclass(frozen=True, slots=True)
class Mark:
    """What `law` records on a function."""

    exercise: str
    points: int
    hint: str
    examples: int


def law(*, exercise: str, points: int, hint: str, examples: int = 50) -> Callable[[Function], Function]:
    """Make a law of a test function; its docstring's first line is the title that a student reads.

    `exercise` is the definition it judges, `points` what it is worth, `hint` what to try when it breaks,
    `examples` how many inputs Hypothesis draws where the function is decorated with `given`.

    Raises ValueError where the mark is unusable.

    >>> @law(exercise="double", points=1, hint="Add the number to itself.")
    ... def test_double_of_two(arithmetic):
    ...     '''Two doubled is four.'''
    ...     expect.equal(arithmetic.double(2), 4)
    >>> test_double_of_two.law.points
    1
    """

    def mark(function: Function) -> Function:
        if not function.__name__.startswith("test_"):
            raise ValueError(f"law {function.__name__!r}: its name must start with 'test_'")
        if not (function.__doc__ or "").strip():
            raise ValueError(f"law {function.__name__!r} has no docstring; its first line is the law's title")
        if type(points) is not int or points < 1 or not hint.strip() or not exercise.strip():
            raise ValueError(f"law {function.__name__!r} needs an exercise, a hint and 1, 2, … points")
        if hasattr(function, "hypothesis"):
            function = _settings(examples)(function)
        function.law = Mark(exercise, points, hint, examples)  # type: ignore[attr-defined]
        return function

    return mark


def _settings(examples: int) -> settings:
    # No database and no deadline: the same submission gets the same verdict on every machine.
    return settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=False,
        report_multiple_bugs=False,
        print_blob=False,
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )

"""Every value that student code can send can be shown, in bounded time and length, and never raises."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.show import first_difference, show


def deep(levels):
    value: list[object] = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"a", "b'a'"),
        (np.float64(1.5), "1.5"),
        (np.bool_(True), "True"),
        ([1, (2.0, None)], "[1, (2.0, None)]"),
        (np.array([1, 2]), "array([1, 2], dtype=int64, shape=(2,))"),
        (np.array(3.0), "array(3., dtype=float64, shape=())"),
    ],
)
def test_short_values_are_shown_whole(value, text):
    assert show(value) == text


def test_a_long_value_says_how_much_was_left_out():
    text = show("a" * 100_000)
    assert text.startswith("'aaa")
    assert text.endswith(f"({100_002 - 4000} more characters)")
    assert len(text) < 4100


@pytest.mark.parametrize(
    "value",
    [
        10**5000,
        [10**5000],
        {10**5000: 1},
        deep(1020),
        np.zeros((6,) * 9, np.int8),
        np.zeros((1, 1, 1, 1)),
        b"\0" * 10_000_000,
    ],
    ids=["big int", "big int in a list", "big key", "deep list", "many axes", "four axes", "long bytes"],
)
def test_hostile_values_are_shown_briefly_and_soon(value):
    started = time.monotonic()
    assert 0 < len(show(value)) < 4100
    assert time.monotonic() - started < 20  # it took minutes once


@given(st.binary(), st.binary())
def test_first_difference_is_empty_just_where_the_strings_are_equal(got, expected):
    assert (first_difference(got, expected, "x") == "") == (got == expected)


@given(st.text(), st.text(min_size=1), st.text())
def test_first_difference_names_the_first_place(start, one, other):
    if one[0] != (other or " ")[0] and other:
        assert f"from character {len(start)} on" in first_difference(start + one, start + other, "x")

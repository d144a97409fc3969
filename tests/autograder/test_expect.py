"""Comparisons break on the least difference of type or value, and say in words what differs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from autograder import expect
from autograder.expect import Broken
from autograder.proxy import Refused, StudentError, WorkerGone


class LyingInt(int):
    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    __hash__ = int.__hash__


EQUAL = [
    None, True, 3, -0.0, math.nan, math.inf, "a", b"a", bytearray(b"a"), [1, (2, [3])], {1: [2.0]}, {1, 2},
    frozenset("ab"),
    np.float32(1), np.arange(4).reshape(2, 2), np.array([math.nan, 1.0]), [], (), {}, 10**5000,
]  # fmt: skip


@pytest.mark.parametrize("value", EQUAL, ids=lambda value: type(value).__name__)
def test_equal_values_of_one_type_are_equal(value):
    expect.equal(value, value)


DIFFERENT = [
    (1, True), (1, 1.0), (1.0, 1), (np.int64(1), 1), (1, np.int64(1)), (np.float64(1), 1.0), ([1], (1,)), ((1,), [1]),
    (b"a", bytearray(b"a")), (bytearray(b"a"), b"a"), ("a", b"a"), (None, 0), (LyingInt(3), 3), (LyingInt(3), 4),
    ([1, 2], [1, 2, 3]), ([1, 2, 3], [1, 2]), ([1.0, 2], [1, 2]), (([1],), ([2],)), ({1: 2}, {1: 3}), ({1: 2}, {2: 2}),
    ({1: 2, 3: 4}, {1: 2}), ({1: 2}, {1: 2, 3: 4}), ({1.0: 2}, {1: 2}), ({True: 2}, {1: 2}),
    ({(1, 2.0): 0}, {(1, 2): 0}),
    ({1, 2}, {1, 3}), ({1.0, 2}, {1, 2}), ({1}, frozenset({1})), (math.nan, 0.0), (0.0, math.nan),
    (math.inf, -math.inf),
    (np.zeros(2), np.zeros(3)), (np.zeros((1, 2)), np.zeros(2)), (np.zeros(2, "f4"), np.zeros(2)),
    (np.zeros(2, int), np.zeros(2)), (np.array([0, math.nan]), np.zeros(2)), ([0.0, 0.0], np.zeros(2)),
    (np.zeros(()), 0.0),
]  # fmt: skip


@pytest.mark.parametrize(("got", "expected"), DIFFERENT, ids=repr)
def test_the_least_difference_of_type_or_value_breaks(got, expected):
    with pytest.raises(Broken) as caught:
        expect.equal(got, expected, "the codes")
    assert "the codes" in caught.value.message
    assert caught.value.expected
    assert caught.value.got


@pytest.mark.parametrize(
    ("got", "expected", "message"),
    [
        ([1, [2, 3]], [1, [2, 4]], "x[1][1]: expected 4, got 3"),
        ({"a": (1, 2)}, {"a": (1, "2")}, "x['a'][1]: expected a str, got an int"),
        ({1: 2}, {3: 2}, "x: the key 3 is missing"),
        ({1.0: 2}, {1: 2}, "a key of x: expected an int, got a float"),
        ({1.0}, {1}, "an element of x: expected an int, got a float"),
        (b"abcd", b"abXd", "x: differs from byte 2 on: expected b'Xd', got b'cd'"),
        (b"ab", b"abc", "x: differs from byte 2 on (length 2 for 3): expected b'c', got b''"),
        (np.array([1, 2]), np.array([1, 3]), "x: 1 of 2 elements differ"),
        (None, 3, "x: expected an int, got None"),
    ],
)
def test_the_message_names_the_place(got, expected, message):
    with pytest.raises(Broken) as caught:
        expect.equal(got, expected, "x")
    assert caught.value.message == message


def test_what_cannot_be_compared_is_the_laws_mistake():
    value = object()
    with pytest.raises(TypeError, match="can't compare"):
        expect.equal(value, value)


@pytest.mark.parametrize("condition", [True, np.True_])
def test_true_takes_a_true_condition(condition):
    expect.true(condition, "message")


@pytest.mark.parametrize(
    "condition", [False, np.False_, None, 1, "True", [True], LyingInt(1), np.array(True), math.nan]
)
def test_true_takes_nothing_that_is_merely_truthy(condition):
    with pytest.raises(Broken, match="message"):
        expect.true(condition, "message")


CLOSE = [
    (0.1 + 0.2, 0.3), (3, 3.0), (np.float32(0.5), 0.5), (math.inf, math.inf), (math.nan, math.nan), (1e-13, 0.0),
    (np.array([1.0, math.inf]), np.array([1.0, math.inf])), (np.array([1, 2]), np.array([1.0, 2.0])),
    (np.zeros((0, 2)),) * 2,
]  # fmt: skip


@pytest.mark.parametrize(("got", "expected"), CLOSE, ids=repr)
def test_close_values_are_close(got, expected):
    expect.close(got, expected)


FAR = [
    (0.3001, 0.3), (math.nan, 0.0), (0.0, math.nan), (math.inf, 1e308), (-math.inf, math.inf), (True, 1.0), ("1", 1.0),
    (None, 0.0), ([1.0], 1.0), (1j, 1.0), ([1.0, 2.0], np.array([1.0, 2.0])), (np.zeros(3), np.zeros(2)),
    (np.zeros((1, 2)), np.zeros(2)), (1.0, np.ones(2)), (np.ones(1), 1.0), (np.array(["1"]), np.ones(1)),
    (np.array([1.0, math.nan]), np.ones(2)),
]  # fmt: skip


@pytest.mark.parametrize(("got", "expected"), FAR, ids=repr)
def test_what_is_not_close_breaks(got, expected):
    with pytest.raises(Broken, match="the loss"):
        expect.close(got, expected, what="the loss")


def test_close_names_the_first_place_that_differs():
    with pytest.raises(
        Broken, match=r"the loss: 2 of 4 elements differ; at \[0, 1\] expected 2\.0, got 3\.0"
    ):
        expect.close(np.array([[1.0, 3.0], [3.0, 5.0]]), np.array([[1.0, 2.0], [3.0, 4.0]]), what="the loss")


def test_kind_and_number_take_exact_types():
    expect.kind(1, int)
    expect.number(np.float32(1))
    for wrong in (True, "1", None, np.ones(1), np.True_, LyingInt(1)):
        with pytest.raises(Broken):
            expect.number(wrong)
        with pytest.raises(Broken):
            expect.kind(wrong, int)


def raiser(problem):
    def function(*_):
        raise problem

    return function


@pytest.mark.parametrize(
    "problem",
    [
        ValueError("bad width"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad width"),
        StudentError(["Mine", "ValueError", "Exception"], "bad width"),
    ],
)
def test_raises_takes_the_exception_and_those_derived_from_it(problem):
    expect.raises("ValueError", raiser(problem), naming="bad width")
    with pytest.raises(Broken, match="should hold 'narrow'"):
        expect.raises("ValueError", raiser(problem), naming="narrow")


@pytest.mark.parametrize("problem", [KeyError("a"), StudentError(["KeyError", "Exception"], "a")])
def test_raises_refuses_another_exception_and_none_at_all(problem):
    with pytest.raises(Broken, match="expected ValueError, got KeyError"):
        expect.raises("ValueError", raiser(problem))
    with pytest.raises(Broken, match="nothing was raised"):
        expect.raises("ValueError", lambda: None)


@pytest.mark.parametrize("named", ["ValueError", "Exception", "TypeError", "WorkerGone"])
@pytest.mark.parametrize("problem", [WorkerGone("gone", timed_out=True), Refused("an object")])
def test_a_lost_worker_or_a_refused_object_is_no_exception_of_the_students(named, problem):
    with pytest.raises(type(problem)):
        expect.raises(named, raiser(problem))


def test_raises_lets_unfinished_code_be_called_unfinished():
    for problem in (
        NotImplementedError("x"),
        StudentError(["Missing", "AttributeError"], "f is not defined"),
    ):
        with pytest.raises(type(problem)):
            expect.raises("ValueError", raiser(problem))

"""A law works with the student's module through the pipe as it would with the module itself, and no further."""

from __future__ import annotations

import copy
import gc
import math
import operator
import time

import numpy as np
import pytest

from autograder import awake, proxy, wire
from autograder.model import Limits
from autograder.proxy import Missing, Refused, StudentError, WorkerGone
from autograder.sandbox import Unsandboxed

STUDENT = """
import numpy as np

CONSTANT = [1, (2.0, b"x")]

def add(a, b=10, *rest, **named):
    return a + b, rest, named

def echo(value):
    return value

def fail(kind="ValueError"):
    raise {"ValueError": ValueError, "KeyError": KeyError, "exit": SystemExit, "stop": KeyboardInterrupt}[kind]("bad")

class Mine(ZeroDivisionError):
    pass

def fail_mine():
    def inner():
        raise Mine("mine é")
    inner()

def unfinished():
    raise NotImplementedError("student: unfinished is not started")

class Vector:
    made = 0
    def __init__(self, *items):
        Vector.made += 1
        self.items = list(items)
        self.data = np.array(items, float)
    def __del__(self):
        Vector.made -= 1
    def __len__(self):
        return len(self.items)
    def __getitem__(self, index):
        return self.items[index]
    def __setitem__(self, index, value):
        self.items[index] = value
    def __call__(self, x, scale=1):
        return [scale * x * item for item in self.items]
    def __eq__(self, other):
        return True
    def __hash__(self):
        return 0
    def __bool__(self):
        return True
    def __iter__(self):
        return iter(self.items)
    def __array__(self, dtype=None, copy=None):
        return self.data
    def __int__(self):
        return 1
    __float__ = __index__ = __int__
    def __lt__(self, other):
        return True
    __gt__ = __le__ = __ge__ = __lt__
    def __contains__(self, item):
        return True
    def __neg__(self):
        return "neg"
    def __pos__(self):
        return "pos"
    def __abs__(self):
        return "abs"
    def double(self):
        return Vector(*self.items, *self.items)

def _two_sided(name):
    def left(self, other):
        return [name, "left", other if not isinstance(other, Vector) else "vector"]
    def right(self, other):
        return [name, "right", other]
    return left, right

for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"):
    for _side, _function in zip(("", "r"), _two_sided(_name)):
        setattr(Vector, f"__{_side}{_name}__", _function)
Vector.__array_ufunc__ = None

class BadLength:
    def __len__(self):
        return 3
BadLength.__len__ = lambda self: "3"

def made():
    return Vector.made

def keep(vector):
    global kept
    kept = vector

def is_kept(vector):
    return vector is kept

def unhashable_keys():
    return {Vector(1): 1}

def object_in_set():
    return {1, Vector(1)}

def too_deep():
    value = []
    for _ in range(5000):
        value = [value]
    return value

def apply(function, *args):
    return function(*args)

def apply_safely(function, *args):
    try:
        return function(*args)
    except Exception as problem:
        return [type(problem).__name__, str(problem)]

def countdown(n, function):
    return n if n == 0 else function(n)

def keep_function(function):
    global kept_function
    kept_function = function

def call_kept(*args):
    return kept_function(*args)
"""


@pytest.fixture(scope="module")
def session(sandbox, worker):
    with worker(sandbox, STUDENT, Limits(call_seconds=20)) as session:
        yield session


@pytest.fixture
def student(session):
    return session.module


def test_arguments_and_results_keep_their_types(student):
    assert student.add(1) == (11, (), {})
    assert student.add([1], [2.5], (3,), x={"a": None}) == ([1, 2.5], ((3,),), {"x": {"a": None}})
    for value in (bytearray(b"a"), b"a", (1, [2]), True, 2**70, math.inf, "é\ud800"):
        assert type(student.echo(value)) is type(value)
        assert student.echo(value) == value
    array = np.arange(6, dtype=">i2").reshape(2, 3)
    back = student.echo(array.T)
    assert back.dtype == array.dtype
    assert np.array_equal(back, array.T)


def test_constants_are_values_and_a_missing_name_says_so(student):
    assert student.CONSTANT == [1, (2.0, b"x")]
    assert not hasattr(student, "nowhere")
    with pytest.raises(Missing, match="nowhere is not defined in student"):
        student.nowhere()


def test_objects_stay_there_and_their_attributes_come(student):
    vector = student.Vector(1, 2)
    assert vector.items == [1, 2]
    assert np.array_equal(vector.data, np.array([1.0, 2.0]))
    assert vector.double().items == [1, 2, 1, 2]
    assert len(vector.double()) == 4
    assert vector[1] == 2
    assert vector.double()[-1] == 2
    assert vector(3, scale=2) == [6, 12]
    vector.items = [5]
    assert vector.items == [5]
    with pytest.raises(StudentError) as caught:
        _ = vector.nowhere
    assert "AttributeError" in caught.value.names
    with pytest.raises(StudentError) as caught:
        vector[9]
    assert caught.value.names[0] == "IndexError"


def test_an_object_can_be_handed_back(student):
    vector = student.Vector(1)
    student.keep(vector)
    assert student.is_kept(vector) is True
    assert student.is_kept(student.Vector(1)) is False
    student.keep(None)


@pytest.mark.parametrize("name", ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"])
def test_operators_work_on_both_sides_with_numbers_and_arrays(student, name):
    vector, apply = student.Vector(1, 2), getattr(operator, name)
    for other in (3, 2.5, np.float64(1.5), np.array([1.0, 2.0]), [1]):
        assert repr(apply(vector, other)) == repr([name, "left", other])
        assert repr(apply(other, vector)) == repr([name, "right", other])
    assert apply(vector, vector) == [name, "left", "vector"]


def test_signs_are_forwarded(student):
    vector = student.Vector(1)
    assert [-vector, +vector, abs(vector)] == ["neg", "pos", "abs"]


REFUSED = {
    "==": lambda v: v == 1, "== swapped": lambda v: [1].index(v), "== array": lambda v: np.ones(1) == v,
    "!=": lambda v: v != 1,
    "<": lambda v: v < 1, ">": lambda v: v > 1, "<=": lambda v: v <= 1, ">=": lambda v: v >= 1,
    "sorted": lambda v: sorted([v, v]),
    "bool": bool, "not": lambda v: not v, "if": lambda v: 1 if v else 2, "hash": hash, "key": lambda v: {v: 1},
    "iter": iter, "list": list, "unpacking": lambda v: [*v], "in": lambda v: 1 in v, "in list": lambda v: v in [1, 2],
    "int": int, "float": float, "complex": complex, "index": lambda v: [1, 2][v], "bytes": bytes, "array": np.asarray,
    "array of": lambda v: np.array([v], float), "isclose": lambda v: np.isclose(v, 1.0), "sqrt": math.sqrt,
    "copy": copy.copy, "deepcopy": copy.deepcopy, "sum": sum, "any": any,
}  # fmt: skip


@pytest.mark.parametrize("use", REFUSED.values(), ids=REFUSED)
def test_a_handle_refuses_what_only_a_value_can_do(student, use):
    with pytest.raises(Refused, match="expected a plain value, got Vector: return numbers"):
        use(student.Vector(1))


def test_a_handle_says_nothing_of_its_own_in_text(student):
    assert str(student.Vector(1)) == f"{student.Vector(1)}" == "<an object of the submitted code>"


def test_a_length_must_be_one(student):
    with pytest.raises(StudentError) as caught:
        len(student.BadLength())
    assert caught.value.names[0] == "TypeError"


def test_objects_are_let_go_when_the_law_does(worker, sandbox):
    with worker(sandbox, STUDENT, Limits(call_seconds=20)) as session:
        student = session.module
        vectors = [student.Vector(i) for i in range(50)]
        assert student.made() == 50
        del vectors
        gc.collect()
        student.echo(1)
        assert student.made() == 0


def test_what_is_let_go_is_said_with_the_next_request_and_costs_none_of_its_own(worker, sandbox, monkeypatch):
    with worker(sandbox, STUDENT, Limits(call_seconds=20)) as session:
        student = session.module
        echo, made = student.echo, student.made
        vectors = [student.Vector(i) for i in range(20)]
        sent = []
        send = wire.send
        monkeypatch.setattr(wire, "send", lambda stream, frame: (sent.append(frame), send(stream, frame)))
        del vectors
        gc.collect()
        assert sent == []  # nothing is said before something is asked
        assert made() == 0
        assert len(sent) == 1
        echo(1)
        assert len(sent) == 2
        assert len(sent[1]) < len(sent[0])  # each is let go once


def test_what_was_not_sent_lets_nothing_go(session, student):
    echo = student.echo  # asking for a name is a request too
    vector = student.Vector(1)
    del vector
    gc.collect()
    with pytest.raises(TypeError, match="a law can't send"):
        echo(np.array([object()]))
    assert len(session._released) == 1
    assert student.made() == 0
    assert session._released == []


def test_objects_as_keys_are_refused_and_the_worker_lives_on(session, student):
    for function in (student.unhashable_keys, student.object_in_set):
        with pytest.raises(Refused, match="got Vector"):
            function()
    assert student.echo(1) == 1
    assert session.alive


def test_a_result_that_cannot_travel_is_an_error_and_the_worker_lives_on(session, student):
    with pytest.raises(StudentError, match="can't be sent"):
        student.too_deep()
    assert session.alive


def test_an_exception_carries_its_classes_message_line_and_function(student):
    with pytest.raises(StudentError, match=r"^mine é$") as caught:
        student.fail_mine()
    error = caught.value
    assert error.names == ["Mine", "ZeroDivisionError", "ArithmeticError", "Exception", "BaseException"]
    assert STUDENT.splitlines()[error.line - 1].strip() == 'raise Mine("mine é")'
    assert error.function == "inner"
    with pytest.raises(StudentError) as caught:
        student.add()
    assert caught.value.names[0] == "TypeError"


@pytest.mark.parametrize("kind", ["exit", "stop"])
def test_an_exit_in_student_code_is_only_an_exception(session, student, kind):
    with pytest.raises(StudentError, match="bad"):
        student.fail(kind)
    assert student.echo(1) == 1
    assert session.alive


def test_a_callback_cannot_be_kept_for_later(worker):
    with worker(Unsandboxed(), STUDENT) as session:
        session.module.keep_function(len)
        with pytest.raises(WorkerGone, match="never given"):
            session.module.call_kept("abc")
    with worker(Unsandboxed(), STUDENT) as session:
        session.module.keep_function(max)
        assert session.module.apply(lambda *_: 0, "a") == 0
        assert not session._callbacks or session._callbacks[0] is not max


def test_callbacks_are_called_with_values(student):
    calls = []
    assert student.apply(lambda *args: calls.append(args) or [len(args)], 1, b"a", (2,)) == [3]
    assert calls == [(1, b"a", (2,))]
    assert student.apply(student.add, 1, 2) == (3, (), {})


@pytest.mark.parametrize(
    ("problem", "seen"),
    [
        (ValueError("bad"), ["ValueError", "bad"]),
        (KeyError("k"), ["KeyError", "\"'k'\""]),
        (ZeroDivisionError(), ["ZeroDivisionError", ""]),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), ["UnicodeError", None]),
        (type("Ours", (Exception,), {})("ours"), ["Exception", "ours"]),
        (type("print", (Exception,), {})("ours"), ["Exception", "ours"]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_exception_of_a_callback_reaches_the_students_code(student, problem, seen):
    def callback():
        raise problem

    name, message = student.apply_safely(callback)
    assert name == seen[0]
    assert seen[1] in (None, message)
    with pytest.raises(StudentError) as caught:
        student.apply(callback)
    assert caught.value.names[0] == name


def test_a_callback_may_call_the_student_again(student):
    def down(n):
        return student.countdown(n - 1, down) + 1

    assert student.countdown(10, down) == 10
    assert student.add(1) == (11, (), {})


def test_a_callback_gets_objects_that_refuse(student):
    def compare(vector):
        return vector == 1

    name, message = student.apply_safely(compare, student.Vector(1))
    assert name == "TypeError"
    assert "got Vector" in message


def test_the_last_call_is_kept_as_text(session, student):
    student.add(b"a", b"b", x=[1])
    assert session.last_call()[1] == "add(b'a', b'b', x=[1])"
    student.apply(len, "abc")
    assert session.last_call()[1] == "apply(<len>, 'abc')"
    student.apply(lambda *_: 3, [student.Vector(1)])
    assert session.last_call()[1] == "apply(<<lambda>>, [<an object of the submitted code>])"
    number = session.last_call()[0]
    with pytest.raises(StudentError):
        student.fail("KeyError")
    assert session.last_call() == (number + 1, "fail('KeyError')")
    session.forget_calls()
    assert session.last_call() == (0, "")


def test_a_last_call_that_was_too_long_to_read_back_is_named(session, student, monkeypatch):
    student.add([1], [2])
    monkeypatch.setattr("autograder.wire.MAX_ITEMS", 3)
    assert session.last_call()[1] == "add(…)"


def test_the_last_call_shows_what_was_sent_whatever_became_of_it_since(session, student):
    array, items, named = np.arange(3), [1], {"x": 1}
    student.add(array, 1, items, **named)
    array[:] = 9
    items.append(2)
    named["x"] = 2
    text = session.last_call()[1]
    assert "0, 1, 2" in text
    assert "[1]" in text
    assert "x=1" in text
    assert text == session.last_call()[1]


def test_the_last_call_is_written_only_when_somebody_asks(session, student, monkeypatch):
    written = []
    monkeypatch.setattr(proxy, "call_text", lambda *parts: written.append(parts) or "text")
    for number in range(5):
        student.echo(number)
    assert written == []
    assert session.last_call()[1] == "text"
    assert written == [("echo", (4,), {})]


def test_a_call_that_could_not_be_sent_is_not_the_last(session, student, worker):
    student.add(1, 2)
    with pytest.raises(TypeError):
        student.echo(np.array([object()]))
    assert session.last_call()[1] == "add(1, 2)"
    with worker(Unsandboxed(), STUDENT) as other, pytest.raises(Refused):
        student.echo(other.module.Vector(1))
    assert session.last_call()[1] == "add(1, 2)"


def test_the_last_call_can_be_asked_for_when_the_worker_is_gone(worker, sandbox):
    with worker(sandbox, "import os\ndef die(x, function): os._exit(0)\n") as session:
        with pytest.raises(WorkerGone):
            session.module.die(b"ab", max)
        assert session.last_call()[1] == "die(b'ab', <max>)"


def test_the_last_call_of_a_student_who_calls_back_is_the_inner_one(session, student):
    student.apply(lambda *_: student.add(7), 1)
    assert session.last_call()[1] == "add(7)"


def test_an_object_of_one_process_is_refused_by_another(sandbox, worker, student):
    with worker(sandbox, STUDENT) as other:
        vector = other.module.Vector(1)
        other.module.echo(0)
        with pytest.raises(Refused, match="got Vector"):
            student.echo(vector)
        with pytest.raises(Refused, match="got Vector"):
            student.echo([{"a": (vector,)}])
        assert student.echo(1) == 1


def test_what_a_law_cannot_send_is_the_laws_mistake(student):
    with pytest.raises(TypeError, match="a law can't send"):
        student.echo(np.array([object()]))
    assert student.echo(1) == 1


def test_a_closed_session_answers_no_more(worker, monkeypatch):
    with worker(Unsandboxed(), STUDENT) as session:
        vector = session.module.Vector(1)
        session.close()
        session.close()
        assert not session.alive
        with pytest.raises(WorkerGone, match="ended"):
            session.module.echo(1)
        with pytest.raises(WorkerGone):
            _ = vector.items
        killed = []
        monkeypatch.setattr(session._worker, "kill", lambda: killed.append(1))
        session.deadline = 0.0
        with pytest.raises(WorkerGone):
            session.module.echo(1)
        assert killed == []  # by now another process may have its number


def test_a_law_past_its_deadline_makes_no_more_calls(worker):
    with worker(Unsandboxed(), STUDENT) as session:
        session.deadline = awake.now() - 1
        with pytest.raises(WorkerGone) as caught:
            session.module.echo(1)
        assert caught.value.timed_out


NESTED = """
def call(function):
    function()
    while True:
        pass

def quick():
    return 1

def nap():
    import time
    time.sleep(0.3)

def slow(function):
    for _ in range(10**9):
        function()
"""


@pytest.mark.parametrize(("name", "inner"), [("call", "quick"), ("slow", "quick"), ("slow", "nap")])
def test_a_callback_that_calls_again_does_not_stop_the_clock(worker, name, inner):
    with worker(Unsandboxed(), NESTED, Limits(law_seconds=60, call_seconds=0.5)) as session:
        student = session.module
        session.deadline = awake.now() + 8
        started = time.monotonic()
        with pytest.raises(WorkerGone) as caught:
            getattr(student, name)(lambda: getattr(student, inner)())
        assert caught.value.timed_out
        assert time.monotonic() - started < 5

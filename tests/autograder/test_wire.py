"""What crosses the pipe keeps its exact type and value, and nothing else gets through."""

from __future__ import annotations

import io
import struct
from collections import OrderedDict, defaultdict, namedtuple
from collections.abc import Callable
from enum import IntEnum
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograder import wire

REFERENCE = "a reference"
DTYPES = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(endianness="?"),
    hnp.unsigned_integer_dtypes(endianness="?"),
    hnp.floating_dtypes(endianness="?", sizes=(16, 32, 64)),
    hnp.complex_number_dtypes(endianness="?", sizes=(64, 128)),
)
ARRAYS = DTYPES.flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3))
)
BIG = st.one_of(
    st.integers(), st.integers(-(2**70), 2**70), st.sampled_from([2**63, 2**64, -(2**63) - 1, 10**400])
)
HASHABLE = st.one_of(
    st.none(),
    st.booleans(),
    BIG,
    st.floats(),
    st.complex_numbers(),
    st.text(st.characters(exclude_categories=())),  # with lone surrogates
    st.binary(),
    ARRAYS.filter(lambda a: a.size).map(lambda a: a.ravel()[0]).filter(lambda x: isinstance(x, np.generic)),
)
KEYS = st.recursive(HASHABLE, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=5)
VALUES = st.recursive(
    st.one_of(
        HASHABLE,
        ARRAYS,
        st.binary().map(bytearray),
        st.sets(KEYS, max_size=3),
        st.frozensets(KEYS, max_size=3),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(KEYS, inner, max_size=4),
    ),
    max_leaves=10,
)


def described(value):
    """Spell out a value with the type of every part, so that -0.0, NaN and True are told apart."""
    kind = type(value)
    if kind in (list, tuple):
        return kind, [described(item) for item in value]
    if kind is dict:
        return kind, [(described(key), described(item)) for key, item in value.items()]
    if kind in (set, frozenset):
        return kind, sorted(repr(described(item)) for item in value)
    if kind is float:
        return kind, struct.pack(">d", value)
    if kind is complex:
        return kind, struct.pack(">dd", value.real, value.imag)
    if kind is np.ndarray:
        return kind, value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, np.generic):
        return kind, value.dtype.str, value.tobytes()
    return kind, value


def there_and_back(value):
    return wire.unpack(wire.pack(value, lambda _: 7), lambda _: REFERENCE)


@given(VALUES)
@example(float("nan"))
@example([True, 1, 1.0, np.True_, np.int64(1), np.float64(1)])
@example({True: 1.0, 2: [bytearray(b"a"), b"a"], (1, (2.0, b"x")): bytearray()})
@example([{"a": (bytearray(b"a"),)}, {1: {2: bytearray(b"b")}}])
@example(np.zeros((0, 3)))
@example(np.zeros(()))
@example("\ud800\udc00")
@example([-(2**63), 2**63 - 1, 2**64 - 1, -(2**64), 255, -256])
def test_a_value_arrives_with_its_exact_types(value):
    assert described(there_and_back(value)) == described(value)


@given(ARRAYS)
def test_an_array_that_is_not_contiguous_arrives_as_its_elements(array):
    view = array.T[::-1] if array.ndim else array
    arrived = there_and_back(view)
    assert described(arrived) == described(np.array(view))
    assert arrived.flags.writeable
    assert arrived.flags.owndata


class MyInt(int): ...


class MyFloat(float): ...


class MyStr(str): ...


class MyBytes(bytes): ...


class MyBytearray(bytearray): ...


class MyList(list): ...


class MyTuple(tuple): ...


class MyDict(dict): ...


class MySet(set): ...


class MyArray(np.ndarray): ...


class MyFloat64(np.float64): ...


class Colour(IntEnum):
    RED = 1


@pytest.mark.parametrize(
    "value",
    [
        MyInt(1), MyFloat(1.0), MyStr("a"), MyBytes(b"a"), MyBytearray(b"a"), MyList([1]),
        MyTuple((1,)), MyDict({1: 2}), MySet({1}), np.zeros(2).view(MyArray), MyFloat64(1.0), Colour.RED,
        namedtuple("Pair", "a b")(1, 2), OrderedDict(a=1),
        defaultdict(int), object(), len, int, range(3), iter([]), memoryview(b"ab"), {1: 2}.keys(), np.array([None]),
        np.array(["a"]), np.array([(1, 2.0)], dtype="i4,f8"), np.datetime64("2020"), np.str_("a"), np.dtype("f8"),
        np.ma.masked_array([1], [True]), msgpack.Timestamp(1, 2), msgpack.ExtType(wire.SET, msgpack.packb([1])),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_anything_but_a_plain_value_becomes_a_reference(value):
    assert there_and_back(value) == REFERENCE
    assert there_and_back([value]) == [REFERENCE]
    assert there_and_back({"key": (value,)}) == {"key": (REFERENCE,)}


def nested(kind, depth):
    value = kind()
    for _ in range(depth):
        value = {0: value} if kind is dict else kind([value])
    return value


def test_a_value_that_holds_itself_is_refused():
    loop, table = [], {}
    loop.append(loop)
    table[0] = [table]
    for value in (loop, (loop,), table):
        with pytest.raises(wire.WireError, match="can't be sent"):
            wire.pack(value, lambda _: 7)


@pytest.mark.parametrize("kind", [list, tuple, dict])
def test_a_value_too_deep_is_refused_and_the_next_one_passes(kind):
    with pytest.raises(wire.WireError, match="can't be sent"):
        wire.pack(nested(kind, 5000), lambda _: 7)
    assert there_and_back(nested(kind, 50)) == nested(kind, 50)


def is_plain(value):
    if type(value) in (list, tuple, set, frozenset):
        return all(map(is_plain, value))
    if type(value) is dict:
        return all(map(is_plain, (*value, *value.values())))
    if isinstance(value, np.ndarray | np.generic):
        return value.dtype.kind in "biufc" and type(value).__module__ == "numpy"
    return value is None or type(value) in (bool, int, float, complex, str, bytes, bytearray)


def unpacked_or_refused(frame):
    try:
        return wire.unpack(frame, lambda _: REFERENCE)
    except wire.WireError:
        return None


@given(st.binary(max_size=200))
@example(b"")
@example(b"\xc1")
@example(b"\xd4\xff\x00")
@example(b"\xd6\xff\x00\x00\x00\x01")  # a timestamp, which msgpack would make an object of its own
@example(b"\x81\x90\x01")  # a list as a key
@example(b"\xdd\xff\xff\xff\xff")  # a list of four billion elements, says the frame
@example(b"\x91" * 5000)
def test_garbage_is_refused_or_a_plain_value(frame):
    assert is_plain(unpacked_or_refused(frame))


@given(VALUES, st.data())
def test_a_damaged_frame_is_refused_or_a_plain_value(value, data):
    frame = bytearray(wire.pack(value, lambda _: 7))
    for place in data.draw(st.lists(st.integers(0, len(frame) - 1), min_size=1, max_size=3)):
        frame[place] = data.draw(st.integers(0, 255))
    assert is_plain(unpacked_or_refused(bytes(frame)))


def array_frame(dtype, shape, body):
    return msgpack.packb(msgpack.ExtType(wire.ARRAY, msgpack.packb([dtype, shape, body])))


@pytest.mark.parametrize(
    "frame",
    [
        array_frame("|O", [1], bytes(8)),
        array_frame("O", [1], bytes(8)),
        array_frame([["a", "O"]], [1], bytes(8)),
        array_frame("i4,O", [1], bytes(12)),
        array_frame("|V8", [1], bytes(8)),
        array_frame("<U2", [1], bytes(8)),
        array_frame("<M8[s]", [1], bytes(8)),
        array_frame("(2,)f8", [1], bytes(16)),
        array_frame("<f8", [2**40], bytes(8)),
        array_frame("<f8", [1], bytes(7)),
        array_frame("<f8", "no shape", bytes(8)),
        array_frame("nonsense", [1], bytes(8)),
        msgpack.packb(msgpack.ExtType(wire.ARRAY, b"")),
        msgpack.packb(msgpack.ExtType(wire.SCALAR, msgpack.packb(["<f8", b""]))),
        msgpack.packb(msgpack.ExtType(wire.TUPLE, msgpack.packb({}))),
        msgpack.packb(msgpack.ExtType(wire.SET, msgpack.packb([[]]))),
        msgpack.packb(msgpack.ExtType(wire.COMPLEX, b"short")),
        msgpack.packb(msgpack.ExtType(99, b"")),
        msgpack.packb(1) + b"more",
    ],
)
def test_a_forged_frame_is_refused(frame):
    with pytest.raises(wire.WireError):
        wire.unpack(frame, lambda _: REFERENCE)


def test_frames_follow_each_other_and_the_end_is_told_from_a_cut():
    stream = io.BytesIO()
    for frame in (b"", b"abc"):
        wire.send(stream, frame)
    stream.seek(0)
    assert [wire.receive(stream), wire.receive(stream)] == [b"", b"abc"]
    for rest in (b"", b"\x00\x00", b"\x00\x00\x00\x05abc"):
        with pytest.raises(wire.EndOfStream, match="ended"):
            wire.receive(io.BytesIO(rest))


def test_an_overlong_frame_is_refused_before_it_is_read():
    stream = io.BytesIO(wire.HEADER.pack(wire.MAX_FRAME + 1) + b"body")
    with pytest.raises(wire.WireError, match="limit"):
        wire.receive(stream)
    assert stream.read() == b"body"


def test_an_overlong_frame_is_not_sent(monkeypatch):
    monkeypatch.setattr(wire, "MAX_FRAME", 10)
    stream = io.BytesIO()
    with pytest.raises(wire.WireError, match="limit"):
        wire.send(stream, bytes(11))
    assert stream.getvalue() == b""


def test_references_carry_their_numbers():
    values = [object(), object()]
    numbers = {id(value): number for number, value in enumerate(values, 2**32)}
    frame = wire.pack({"a": values}, lambda value: numbers[id(value)])
    assert wire.unpack(frame, lambda number: f"number {number}") == {
        "a": [f"number {n}" for n in (2**32, 2**32 + 1)]
    }


# ---- keys that collide ----

MERSENNE = (1 << 61) - 1  # Python hashes a number by its remainder of this


def forged(number: int, key: Callable[[int], Any]) -> bytes:
    """Encode a dict key by key, as whoever forges a frame would: to build it here would take for ever."""
    body = msgpack.Packer().pack_map_header(number)
    return bytes(body) + b"".join(wire.pack(key(i), id) + b"\xc0" for i in range(number))


COLLIDING: dict[str, Callable[[int], Any]] = {
    "long numbers": lambda i: (i + 1) * MERSENNE << 64,
    "complex numbers": lambda i: complex(i * 1000003.0, -float(i)),
    "pairs": lambda i: (0, (i + 1) * MERSENNE << 64),
    "real numbers": lambda i: float(i) + 0.5,
}


@pytest.mark.parametrize("key", COLLIDING.values(), ids=COLLIDING)
def test_a_frame_with_too_many_keys_that_may_collide_is_refused(key: Callable[[int], Any]) -> None:
    assert len(wire.unpack(forged(1000, key), id)) == 1000
    with pytest.raises(wire.WireError, match="over 8192 keys in one frame"):
        wire.unpack(forged(wire.MAX_COLLIDING + 1, key), id)


def test_all_dicts_and_sets_of_a_frame_are_counted_together() -> None:
    half = [float(i) + 0.5 for i in range(wire.MAX_COLLIDING // 2 + 1)]
    wire.unpack(wire.pack([set(half)], id), id)
    for value in ([set(half), frozenset(half)], [dict.fromkeys(half), (set(half),)]):
        with pytest.raises(wire.WireError, match="over 8192"):
            wire.unpack(wire.pack(value, id), id)


def test_text_bytes_and_small_numbers_may_be_as_many_as_they_like() -> None:
    for keys in (map(str, range(30_000)), (b"%d" % i for i in range(30_000)), range(-15_000, 15_000)):
        value = dict.fromkeys(keys)
        assert wire.unpack(wire.pack(value, id), id) == value


def test_the_name_of_a_dtype_is_short() -> None:
    body = msgpack.packb(["f8," * 1000, [1], bytes(8)])
    with pytest.raises(wire.WireError, match="name of a dtype"):
        wire.unpack(msgpack.packb(msgpack.ExtType(wire.ARRAY, body)), id)


def test_a_frame_that_would_fill_the_memory_is_refused() -> None:
    nothing = b"\x90"  # an empty list: a byte there, and 64 here
    lists = msgpack.Packer().pack_array_header(wire.MAX_ITEMS) + nothing * wire.MAX_ITEMS
    with pytest.raises(wire.WireError, match="items in one frame"):
        wire.unpack(lists, id)
    for header in (
        b"\xdd" + (wire.MAX_ITEMS + 1).to_bytes(4, "big"),
        b"\xdf" + (wire.MAX_PAIRS + 1).to_bytes(4, "big"),
    ):
        with pytest.raises(wire.WireError, match="exceeds max"):
            wire.unpack(header + bytes(10), id)
    assert len(wire.unpack(wire.pack(list(range(1_000_000)), id), id)) == 1_000_000


def test_tuples_are_nested_only_so_deep() -> None:
    def nested(depth: int) -> bytes:
        data = msgpack.packb([])
        for _ in range(depth):
            data = msgpack.packb([msgpack.ExtType(wire.TUPLE, data)])
        return bytes(data)

    assert wire.unpack(nested(wire.MAX_DEPTH - 1), id)
    with pytest.raises(wire.WireError, match="nested more than 100 deep"):
        wire.unpack(nested(wire.MAX_DEPTH), id)

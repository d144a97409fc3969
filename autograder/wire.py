"""Frames and values on the pipe between the trusted process and the sandbox: msgpack, never pickle.

This file runs on both sides and imports nothing of the autograder. By value travel None, bool, int, float,
complex, str, bytes, bytearray, list, tuple, dict, set, frozenset, arrays of plain dtypes and NumPy's scalars,
each of exactly that type. Anything else becomes a reference: to an object in the sandbox, or to a function
of the trusted process.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable, Iterable
from typing import IO, Any

import msgpack

MAX_FRAME = 64 * 1024 * 1024
HEADER = struct.Struct(">I")
TUPLE, BIG_INT, ARRAY, SCALAR, REFERENCE, BYTEARRAY, SET, FROZENSET, COMPLEX = range(9)
PLAIN_KINDS = "biufc"
# Who knows how Python hashes numbers can send thousands that all collide, and a dict of n of them takes n² steps
# to build. Text and bytes are hashed with a key that nobody knows, and small whole numbers hardly collide.
MAX_COLLIDING = 8192  # keys of other types, in one frame
SMALL = 1 << 60
MAX_ITEMS = 4 << 20  # of all lists, tuples, dicts and sets of a frame: a byte there can be a hundred here
MAX_PAIRS = 1 << 20  # of one dict: each takes ten times as much as an item, until the dict is built
MAX_DEPTH = 100  # of tuples in tuples, each of which is read anew


class WireError(Exception):
    """The other side broke the protocol, or a value can't travel."""


class EndOfStream(WireError):  # noqa: N818 - an event, not a mistake
    """The other side is gone."""


def send(stream: IO[bytes], frame: bytes) -> None:
    """Write one frame: its length in four bytes, then itself. Raises WireError where it is too long."""
    if len(frame) > MAX_FRAME:
        raise WireError(f"a frame of {len(frame)} bytes is over the limit of {MAX_FRAME}")
    stream.write(HEADER.pack(len(frame)) + frame)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes:
    """Read one frame. Raises EndOfStream at the end, WireError where the announced length is over the limit."""
    (length,) = HEADER.unpack(_exactly(stream, HEADER.size))
    if length > MAX_FRAME:
        raise WireError(f"a frame of {length} bytes was announced; the limit is {MAX_FRAME}")
    return _exactly(stream, length)


def _exactly(stream: IO[bytes], length: int) -> bytes:
    data = stream.read(length)
    if len(data) < length:
        raise EndOfStream("the stream ended within a frame" if data else "the stream ended")
    return data


def pack(value: Any, refer: Callable[[Any], int]) -> bytes:
    """Encode a value; `refer` gives a number to an object that can't travel by value.

    Raises WireError where a value is nested too deeply or refers to itself.

    >>> unpack(pack((1, [2.0, b"x"], {"a": None}), id), id)
    (1, [2.0, b'x'], {'a': None})
    """
    try:
        return _packed(value, refer)
    except (ValueError, RecursionError, OverflowError) as problem:
        raise WireError(f"a value can't be sent: {problem}") from None


def unpack(frame: bytes, resolve: Callable[[int], Any]) -> Any:
    """Decode a value; `resolve` turns a reference's number into what stands for it on this side.

    Raises WireError for anything that isn't the encoding of a value, or would take for ever to build.
    """
    try:
        return _Decoder(resolve).decode(frame)
    except WireError:
        raise
    except Exception as problem:
        raise WireError(f"a frame can't be read: {type(problem).__name__}: {problem}") from problem


def _packed(value: Any, refer: Callable[[Any], int]) -> bytes:
    packer = msgpack.Packer(
        default=lambda value: _to_extension(value, refer), strict_types=True, unicode_errors="surrogatepass"
    )
    return bytes(packer.pack(_veiled(value)))


class _Veil:
    """Hides a value from msgpack, which would write it as something else: a bytearray as bytes, for one."""

    def __init__(self, value: Any) -> None:
        self.value = value


VEILED = {bytearray, memoryview, msgpack.ExtType, msgpack.Timestamp}


def _veiled(value: Any) -> Any:
    kind = type(value)
    if kind in VEILED:
        return _Veil(value)
    if kind is list and not VEILED_OR_NESTED.isdisjoint(map(type, value)):
        return [_veiled(item) for item in value]
    if kind is dict and not VEILED_OR_NESTED.isdisjoint(map(type, (*value, *value.values()))):
        return {_veiled(key): _veiled(item) for key, item in value.items()}
    return value


VEILED_OR_NESTED = VEILED | {list, dict}


def _to_extension(value: Any, refer: Callable[[Any], int]) -> msgpack.ExtType:
    if type(value) is _Veil:
        value = value.value
    kind = type(value)
    sequences: dict[type, int] = {tuple: TUPLE, set: SET, frozenset: FROZENSET}
    if kind in sequences:
        return msgpack.ExtType(sequences[kind], _packed(list(value), refer))
    if kind is int:  # msgpack itself carries 64 bits
        return msgpack.ExtType(BIG_INT, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))
    if kind is bytearray:
        return msgpack.ExtType(BYTEARRAY, bytes(value))
    if kind is complex:
        return msgpack.ExtType(COMPLEX, struct.pack(">dd", value.real, value.imag))
    numpy = sys.modules.get("numpy")  # a lesson without NumPy doesn't wait for its import
    if numpy is not None and kind is numpy.ndarray and value.dtype.kind in PLAIN_KINDS:
        body = [value.dtype.str, list(value.shape), value.tobytes()]
        return msgpack.ExtType(ARRAY, msgpack.packb(body))
    if (
        numpy is not None
        and isinstance(value, numpy.generic)
        and kind.__module__ == "numpy"
        and value.dtype.kind in PLAIN_KINDS
    ):
        return msgpack.ExtType(SCALAR, msgpack.packb([value.dtype.str, value.tobytes()]))
    return msgpack.ExtType(REFERENCE, refer(value).to_bytes(8, "big"))


class _Decoder:
    """Reads one frame, and counts what is in it: the items, and the keys that could have been chosen to collide."""

    def __init__(self, resolve: Callable[[int], Any]) -> None:
        self._resolve = resolve
        self._items = self._colliding = self._depth = self._bytes = 0

    def decode(self, data: bytes) -> Any:
        self._depth += 1
        self._bytes += len(data)
        if self._bytes > 2 * MAX_FRAME:
            raise WireError("a large value is nested too deeply: each tuple in a tuple is read anew")
        if self._depth > MAX_DEPTH:
            raise WireError(f"a value is nested more than {MAX_DEPTH} deep")
        # A timestamp, which nobody sends, would come as an object of msgpack's; timestamp=1 makes it a float.
        value = msgpack.unpackb(
            data,
            ext_hook=self._extension,
            list_hook=self._list,
            object_pairs_hook=self._dict,
            strict_map_key=False,
            max_array_len=MAX_ITEMS,  # the hooks see a list only once it is built
            max_map_len=MAX_PAIRS,
            unicode_errors="surrogatepass",
            timestamp=1,
        )
        self._depth -= 1
        return value

    def _list(self, items: list[Any]) -> list[Any]:
        self._items += 1 + len(items)
        if self._items > MAX_ITEMS:
            raise WireError(f"over {MAX_ITEMS} items in one frame")
        return items

    def _dict(self, pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
        self._list(pairs)
        self._count_keys(key for key, _ in pairs)
        return dict(pairs)

    def _count_keys(self, keys: Iterable[Any]) -> None:
        self._colliding += sum(not _hashed_well(key) for key in keys)
        if self._colliding > MAX_COLLIDING:
            raise WireError(
                f"over {MAX_COLLIDING} keys in one frame that are neither text nor bytes nor small whole numbers"
            )

    def _extension(self, code: int, data: bytes) -> Any:
        if code in (TUPLE, SET, FROZENSET):
            items = self.decode(data)
            if type(items) is not list:
                raise WireError("a sequence's body isn't a list")
            if code != TUPLE:
                self._count_keys(items)
            return {TUPLE: tuple, SET: set, FROZENSET: frozenset}[code](items)
        if code == BIG_INT:
            return int.from_bytes(data, "big", signed=True)
        if code == BYTEARRAY:
            return bytearray(data)
        if code == COMPLEX:
            return complex(*struct.unpack(">dd", data))
        if code == REFERENCE:
            return self._resolve(int.from_bytes(data, "big"))
        if code in (ARRAY, SCALAR):
            return _numpy_value(code, msgpack.unpackb(data))
        raise WireError(f"extension {code} is unknown")


def _hashed_well(key: Any) -> bool:
    return type(key) in (str, bytes, bool, type(None)) or (type(key) is int and -SMALL < key < SMALL)


def _numpy_value(code: int, body: Any) -> Any:
    import numpy  # only here, because most lessons of Part 1 don't need it

    if len(body[0]) > 8:  # the names of plain dtypes are short, and a long one takes long to parse
        raise WireError("the name of a dtype is too long")
    dtype = numpy.dtype(body[0])
    if dtype.kind not in PLAIN_KINDS or dtype.hasobject:
        raise WireError(f"dtype {dtype} isn't plain")
    if code == SCALAR:
        return numpy.frombuffer(body[1], dtype=dtype)[0]
    array = numpy.frombuffer(body[2], dtype=dtype).reshape(body[1])
    return array.copy()  # a view of the frame would be read-only

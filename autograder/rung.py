"""One rung of the ladder: what a codec, a model or a peer makes of one file.

The student's code runs in workers, a new one for each call, so that `decompress` knows nothing but the file.
The peers run in processes of their own as well (`peers`).
"""

from __future__ import annotations

import math
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autograder import peers
from autograder.model import Lesson, Limits
from autograder.proxy import Handle, Session, StudentError, WorkerGone
from autograder.sandbox import Sandbox
from autograder.show import first_difference
from autograder.workspace import assemble

MOST_BITS = float(1 << 53)  # beyond it a float skips whole numbers, and no file that we measure is that long
NOTE_LENGTH = 200

Call = tuple[Any, ...]  # a function's name, and what it is called with after the bytes


@dataclass(frozen=True, slots=True)
class Rung:
    """One row of the ladder; `data_bits` is None where nothing could be measured, and `note` says why.

    `kind` is "codec", "model", "peer" or "bound", `size` the file's length in bytes. A codec's model is in
    its file, so its `model_bits` is 0. `code_bytes` is the size of the modules' text after zlib.
    """

    name: str
    kind: str
    size: int
    data_bits: float | None = None
    model_bits: float = 0.0
    seconds_encode: float | None = None
    seconds_decode: float | None = None
    verified: bool = False
    note: str = ""
    code_bytes: int = 0

    @property
    def bits_per_byte(self) -> float | None:
        """The bits of data and model for each byte of the file."""
        return None if self.data_bits is None else (self.data_bits + self.model_bits) / self.size

    @property
    def model_bits_per_byte(self) -> float:
        """The share of `bits_per_byte` that is the model."""
        return self.model_bits / self.size


class Unmeasured(Exception):  # noqa: N818 - a row's reason, not a mistake of ours
    """A rung can't be measured; the message is what its row says."""


def attempt(blank: Rung, run: Callable[[Rung], Rung]) -> Rung:
    """Fill an empty row by `run`; where that fails, in whatever way, return the row with the reason."""
    try:
        rung = run(blank)
    except Unmeasured as problem:
        return replace(blank, note=clean(str(problem)))
    except Exception as problem:  # one broken rung never stops the ladder
        return replace(blank, note=clean(f"the ladder failed: {type(problem).__name__}: {problem}"))
    if 8 * rung.code_bytes > (rung.data_bits or 0.0) + rung.model_bits:
        return replace(rung, note=f"its code is larger than this: {rung.code_bytes:,} bytes after zlib")
    return rung


@dataclass(frozen=True)
class Tower:
    """A lesson's module with those it needs, and where it runs; each call may take `seconds`."""

    lesson: Lesson
    modules: Mapping[str, str]
    sandbox: Sandbox
    seconds: float

    def code_bytes(self) -> int:
        """Return the size of the modules' text after zlib: a file hidden in the code swells it."""
        text = "\n".join(self.modules.values())
        return len(zlib.compress(text.encode("utf-8", "surrogatepass"), 9))

    def measure(self, blank: Rung, data: bytes) -> Rung:
        """Return the row filled in as the lesson's kind of rung asks. Raises Unmeasured with the reason."""
        return self._codec(blank, data) if blank.kind == "codec" else self._model(blank, data)

    def _codec(self, blank: Rung, data: bytes) -> Rung:
        blob, encode, decode = self.there_and_back(data)
        bits = 8.0 * len(blob)
        return replace(blank, data_bits=bits, seconds_encode=encode, seconds_decode=decode, verified=True)

    def _model(self, blank: Rung, data: bytes) -> Rung:
        answer, seconds = self.call("code_length", data)
        if type(answer) is not tuple or len(answer) != 2:
            raise Unmeasured(f"code_length should return (bits of data, bits of model), got {_say(answer)}")
        bits = _check_bits(answer[0], (float, int), "bits of data")
        model = _check_bits(answer[1], (int,), "bits of model")
        return replace(blank, data_bits=bits, model_bits=model, seconds_encode=seconds)

    def there_and_back(
        self, data: bytes, to: Call = ("compress",), back: Call = ("decompress",)
    ) -> tuple[bytes, float, float]:
        """Compress in one worker and decompress in another; return the file and the seconds of both.

        `to` and `back` are a function's name and what it is called with after the bytes. Raises Unmeasured with
        the reason where one fails, or other bytes come back.
        """
        blob, seconds = self.call(to[0], data, *to[1:])
        check_bytes(blob, to[0])
        got, seconds_back = self.call(back[0], blob, *back[1:])
        check_bytes(got, back[0])
        if got != data:
            raise Unmeasured(first_difference(got, data, f"{back[0]} gave other bytes"))
        return blob, seconds, seconds_back

    def call(self, name: str, *arguments: bytes | bool) -> tuple[Any, float]:
        """Call a function in a worker that has done nothing else; return its value and its seconds.

        Raises Unmeasured with the reason where that fails.
        """
        with tempfile.TemporaryDirectory() as folder, self._load(Path(folder)) as session:
            try:
                function = getattr(session.module, name)
                if not callable(function):
                    raise Unmeasured(f"{name} should be a function, got {_say(function)}")
                started = time.perf_counter()
                value = function(*arguments)
                return value, time.perf_counter() - started
            except StudentError as problem:
                raise Unmeasured(_raised(f"{name} raised ", problem)) from None
            except WorkerGone as problem:
                late = f"{name} took more than {self.seconds:g} s"
                raise Unmeasured(late if problem.timed_out else f"in {name}, {problem}") from None

    def _load(self, folder: Path) -> Session:
        limits = Limits(self.seconds, self.seconds, self.lesson.limits.memory_mb)
        try:
            return Session(self.sandbox, assemble(folder, self.modules), self.lesson.name, limits)
        except StudentError as problem:
            raise Unmeasured(_raised("the module does not load: ", problem)) from None
        except WorkerGone as problem:
            raise Unmeasured(f"while the module was loaded, {problem}") from None


def _raised(lead: str, problem: StudentError) -> str:
    if {"NotImplementedError", "Missing"} & set(problem.names):
        return str(problem) or "not started"
    where = f" (line {problem.line})" if problem.line else ""
    return f"{lead}{problem.names[0]}: {problem}{where}"


def check_bytes(value: Any, name: str) -> None:
    """Raise Unmeasured where a function returned anything but bytes."""
    if type(value) is not bytes:
        raise Unmeasured(f"{name} should return bytes, got {_say(value)}")


def _check_bits(value: Any, kinds: tuple[type, ...], what: str) -> float:
    if type(value) not in kinds:
        raise Unmeasured(f"code_length's {what} should be of type {kinds[0].__name__}, got {_say(value)}")
    if not 0 <= value < MOST_BITS:  # this way round, a NaN is refused too
        raise Unmeasured(f"code_length's {what} should be finite and not below 0, got {_say(value)}")
    return float(value)


def _say(value: Any) -> str:
    """Show a number; name the type of anything else, for the whole of it could be endless."""
    if isinstance(value, Handle):
        return "an object"
    if type(value) is float or (type(value) is int and value.bit_length() <= 64):
        return repr(value)
    return f"a value of type {type(value).__name__}"


def clean(text: str) -> str:
    r"""Make one short line, without control characters, of what student code may have said.

    >>> clean("two\nlines\x1b[2J")
    'two lines?[2J'
    """
    line = "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))
    return line if len(line) <= NOTE_LENGTH else line[: NOTE_LENGTH - 2] + " …"


def peer(blank: Rung, data: bytes, seconds: float) -> Rung:
    """Return the row of the peer that it names, filled in; each call may take `seconds`.

    Raises Unmeasured where the peer is not installed, fails, or gives other bytes back.
    """
    try:
        blob, encode = peers.call(blank.name, "compress", data, seconds)
        back, decode = peers.call(blank.name, "decompress", blob, seconds)
    except peers.PeerFailed as problem:
        raise Unmeasured(str(problem)) from None
    if back != data:
        raise Unmeasured("decompress gave other bytes")
    bits = 8.0 * len(blob)
    return replace(blank, data_bits=bits, seconds_encode=encode, seconds_decode=decode, verified=True)


def order_0_entropy(data: bytes) -> float:
    """Return the least bits per byte of a code that gives each byte value one fixed share, told for free.

    >>> order_0_entropy(b"aabb")
    1.0
    """
    counts = Counter(data).values()
    return sum(count / len(data) * math.log2(len(data) / count) for count in counts)

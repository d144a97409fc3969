"""The trusted side of the pipe: a stand-in for the student's module, and handles for objects that stay there.

Everything that arrives here was written by student code, so it is checked before it is used, and a handle
refuses every operation by which student code could influence a law: equality, truth, hashing, ordering.
"""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, NoReturn

from autograder import awake, wire
from autograder.awake import Alarm
from autograder.model import Limits
from autograder.sandbox import Sandbox
from autograder.show import show

CALLBACK = 1 << 32
LOAD_SECONDS = 3.0  # to start a worker and import NumPy on a busy machine
THEIRS = "<an object of the submitted code>"
_numbers = itertools.count(1)  # of calls, in all sessions


class StudentError(Exception):
    """An exception that student code raised, as text: its class names, message, line and function."""

    def __init__(self, names: list[str], message: str, line: int = 0, function: str = "") -> None:
        super().__init__(message)
        self.names = names
        self.line = line
        self.function = function


class Missing(StudentError, AttributeError):  # noqa: N818 - so that `hasattr` works
    """A name that the student's module does not define."""

    def __init__(self, message: str) -> None:
        super().__init__(["Missing", "AttributeError", "Exception"], message)


class WorkerGone(Exception):  # noqa: N818 - an event, not a mistake
    """The worker ended or broke the protocol; `timed_out` says whether we ended it for taking too long."""

    def __init__(self, reason: str, *, timed_out: bool) -> None:
        super().__init__(reason)
        self.timed_out = timed_out


class SandboxLost(WorkerGone):
    """The worker ended because the sandbox around it did, which is no student's fault."""

    def __init__(self) -> None:
        super().__init__("the sandbox around the worker ended", timed_out=False)


class Refused(TypeError):  # noqa: N818 - it is what a handle does
    """A law asked a handle for something that only a plain value can do; the student returned an object."""


class Session:
    """One worker with one module, and the clock that ends it when a call takes too long."""

    def __init__(
        self,
        sandbox: Sandbox,
        package: Path,
        module: str,
        limits: Limits,
        errors: int | IO[bytes] = subprocess.DEVNULL,
    ) -> None:
        self.limits = limits
        self._last: tuple[int, str, bytes, tuple[Callable[..., Any], ...]] = (0, "", b"", ())
        self.timed_out = False
        self._closed = False
        self._depth = 0
        self._callbacks: list[Callable[..., Any]] = []
        self._released: list[int] = []
        self._worker = sandbox.start(package, limits, errors)
        self._alarm = Alarm(self._expire)
        self.deadline = awake.now() + 1e6
        try:
            reference = self.request(
                "import", f"squeeze.{module}", seconds=LOAD_SECONDS + limits.call_seconds
            )
        except BaseException:
            self.close()
            raise
        self.module = Module(self, reference, module)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        """Whether the worker still answers."""
        return not self._closed

    def close(self) -> None:
        """End the worker and everything it started."""
        if self._closed:
            return  # the process is reaped, and its number may already be another's
        self._closed = True
        self._alarm.stop()
        self._worker.end()

    def request(self, *message: Any, seconds: float = 0.0, call: str = "") -> Any:
        """Send a request and return its value; `call` is the function's name, where a law called one.

        Raises StudentError for an exception over there, WorkerGone where no proper answer comes in time, and
        Refused where an object is used that only a plain value can stand in for.
        """
        if self._closed:
            raise WorkerGone("the worker ended before", timed_out=self.timed_out)
        if not self._depth:
            self._callbacks.clear()  # one may be our own solution: it can't be kept to answer later calls
        released, self._released = self._released, []
        try:
            frame = wire.pack([released, *message], self._refer)
        except BaseException:
            self._released += released  # nothing was sent
            raise
        if call:  # not before the arguments were packed: what can't travel is an earlier call's result
            self._last = (next(_numbers), call, frame, tuple(self._callbacks))
        seconds = seconds or min(self.limits.call_seconds, self.deadline - awake.now())
        if seconds <= 0:
            self._expire()
        outer = self._alarm.set(seconds)
        self._depth += 1
        try:
            return self._exchange(frame)
        except (wire.WireError, OSError, ValueError) as problem:
            reason = "it took too long" if self.timed_out else f"the worker ended: {problem}"
            self.close()
            if not self.timed_out and self._worker.lost():
                raise SandboxLost from None
            raise WorkerGone(reason, timed_out=self.timed_out) from None
        finally:
            self._depth -= 1
            self._alarm.reset(outer)

    def forget_calls(self) -> None:
        """Have no last call."""
        self._last = (0, "", b"", ())

    def last_call(self) -> tuple[int, str]:
        """Return the last call's number, which counts the calls of all sessions, and its text.

        The text is made of what was sent, and only when it is asked for: most calls are never shown.
        """
        number, name, frame, callbacks = self._last
        if not number:
            return 0, ""
        try:
            _, _, _, args, keywords = wire.unpack(
                frame, lambda which: callbacks[which - CALLBACK] if which >= CALLBACK else _Theirs()
            )
        except wire.WireError:  # we sent more than we would take
            return number, f"{name}(…)"
        return number, call_text(name, tuple(args), keywords)

    def _exchange(self, frame: bytes) -> Any:
        reader, writer = self._worker.reader, self._worker.writer
        wire.send(writer, frame)
        while True:
            answer = self._unpack(wire.receive(reader))
            if type(answer) is not list or not answer:
                raise wire.WireError("an answer isn't a list")
            if answer[0] == "value" and len(answer) == 2:
                return answer[1]
            if answer[0] == "error" and len(answer) == 5:
                raise _student_error(*answer[1:])
            if answer[0] == "callback" and len(answer) == 3:
                wire.send(writer, wire.pack(["answer", *self._call_back(answer[1], answer[2])], self._refer))
                continue
            raise wire.WireError(f"an answer has an unknown form: {show(answer, 100)}")

    def _unpack(self, frame: bytes) -> Any:
        try:
            return wire.unpack(frame, self._resolve)
        except wire.WireError as problem:
            if isinstance(problem.__cause__, Refused):  # a key or an element of a set is an object
                raise problem.__cause__ from None
            raise

    def _call_back(self, number: Any, args: Any) -> list[Any]:
        if (
            type(number) is not int
            or not 0 <= number - CALLBACK < len(self._callbacks)
            or type(args) is not list
        ):
            raise wire.WireError("a callback that was never given")
        try:
            return ["value", self._callbacks[number - CALLBACK](*args)]
        except Exception as problem:  # student code may call with anything
            return ["error", [[base.__name__ for base in type(problem).__mro__], str(problem)]]

    def _refer(self, value: Any) -> int:
        if isinstance(value, Handle):
            session, number = _identity(value)
            if session is not self:
                _refuse(value)  # an object of one process means nothing in another
            return number
        if isinstance(value, Function):
            return self._refer(value.handle)
        if callable(value):
            self._callbacks.append(value)
            return CALLBACK + len(self._callbacks) - 1
        raise TypeError(f"a law can't send {value!r} to the sandbox")

    def _resolve(self, number: int) -> Any:
        if number >= CALLBACK:  # a callback that comes back is an object there, like any other
            raise wire.WireError("a reference that was never given")
        return Handle(self, number)

    def release(self, number: int) -> None:
        """Let the worker forget an object, with the next request."""
        self._released.append(number)

    def _expire(self) -> None:
        self.timed_out = True
        self._worker.kill()


class Module:
    """Stands for the student's module: its functions are called in the sandbox."""

    def __init__(self, session: Session, reference: Handle, name: str) -> None:
        self._session = session
        self._reference = reference
        self._name = name
        self._cache: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name not in self._cache:
            value = self._get(name)
            self._cache[name] = Function(self._session, value, name) if isinstance(value, Handle) else value
        return self._cache[name]

    def _get(self, name: str) -> Any:
        try:
            return self._session.request("get", self._reference, name)
        except StudentError as problem:
            if "AttributeError" not in problem.names:
                raise
            raise Missing(f"{name} is not defined in {self._name}") from None


class Function:
    """A function or class of the student's module; the last call is kept, to be shown when a law breaks."""

    def __init__(self, session: Session, handle: Handle, name: str) -> None:
        self._session = session
        self.handle = handle
        self.__name__ = name

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        """Call it in the sandbox."""
        return self._session.request("call", self.handle, args, keywords, call=self.__name__)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.handle, name)


class Handle:
    """An object that stays in the sandbox: what is asked of it happens there."""

    __slots__ = ("_Handle__number", "_Handle__session", "__weakref__")

    def __init__(self, session: Session, number: int) -> None:
        object.__setattr__(self, "_Handle__session", session)
        object.__setattr__(self, "_Handle__number", number)

    def __del__(self) -> None:
        self.__session.release(self.__number)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # NumPy and Python look for many of these, and none is a law's business
            raise AttributeError(name)
        return self.__session.request("get", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self.__session.request("set", self, name, value)

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        """Call the object over there."""
        return self.__session.request("call", self, args, keywords)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            _refuse(self)  # a law that slices expects bytes or a list
        return self.__operator("getitem", self, index)

    def __len__(self) -> int:
        length = self.__operator("len", self)
        if type(length) is not int or length < 0:
            raise StudentError(
                ["TypeError", "Exception"], f"len() should give a length, got {show(length, 100)}"
            )
        return length

    def __operator(self, name: str, *operands: Any) -> Any:
        return self.__session.request("operator", name, list(operands))

    def __refuse(self, *_: object) -> NoReturn:
        _refuse(self)

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = __hash__ = __iter__ = __contains__ = (
        __refuse
    )
    __int__ = __float__ = __index__ = __complex__ = __bytes__ = __array__ = __reduce_ex__ = __refuse
    __array_ufunc__ = None  # array + handle: NumPy steps aside, and the handle's own operator runs

    def __repr__(self) -> str:
        return THEIRS


class _Theirs:
    """Stands for an object of the submitted code where a call is shown."""

    def __repr__(self) -> str:
        return THEIRS


def _forward(name: str, *, swapped: bool = False) -> Callable[..., Any]:
    def method(self: Handle, *others: Any) -> Any:
        operands = [*others, self] if swapped else [self, *others]
        return _identity(self)[0].request("operator", name, operands)

    return method


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"):
    setattr(Handle, f"__{_name}__", _forward(_name))
    setattr(Handle, f"__r{_name}__", _forward(_name, swapped=True))
for _name in ("neg", "pos", "abs"):
    setattr(Handle, f"__{_name}__", _forward(_name))


def _identity(handle: Handle) -> tuple[Session, int]:
    return object.__getattribute__(handle, "_Handle__session"), object.__getattribute__(
        handle, "_Handle__number"
    )


def _refuse(handle: Handle) -> NoReturn:
    raise Refused(
        f"expected a plain value, got {remote_name(handle)}: return numbers, bytes, lists, tuples, dicts or arrays"
    )


def remote_name(handle: Handle) -> str:
    """Name the class of the object that a handle stands for."""
    try:
        name = _identity(handle)[0].request("operator", "type_name", [handle])
    except (StudentError, WorkerGone):
        return "an object"
    return str(name)[:80] if type(name) is str else "an object"


Handle.remote_name = remote_name  # type: ignore[attr-defined]


def call_text(name: str, args: tuple[Any, ...], keywords: dict[str, Any]) -> str:
    """Write a call as Python would.

    >>> call_text("encode", (b"ab",), {"width": 3})
    "encode(b'ab', width=3)"
    """
    parts = [_argument(value) for value in args] + [
        f"{key}={_argument(value)}" for key, value in keywords.items()
    ]
    return f"{name}({', '.join(parts)})"


def _argument(value: Any) -> str:
    if callable(value) and not isinstance(value, Handle):
        return f"<{getattr(value, '__name__', 'function')}>"
    return show(value, 2000)


def _student_error(names: Any, message: Any, line: Any, function: Any) -> StudentError:
    if not (type(names) is list and names and all(type(n) is str for n in names)):
        raise wire.WireError("an error without a class name")
    if type(message) is not str or type(line) is not int or type(function) is not str:
        raise wire.WireError("an error of an unknown form")
    return StudentError([name[:80] for name in names[:20]], message[:4000], max(0, line), function[:80])

"""The sandboxed process: holds a student's package and answers calls with values, never with a verdict.

It is started as a script, with `wire.py` beside it, and imports nothing else of the autograder. It holds no
law, no expected value and no result file. Standard input and output carry the frames; what the student's
code prints goes to standard error.
"""

from __future__ import annotations

import builtins
import importlib
import json
import operator
import os
import sys
import threading
import time
from collections.abc import Iterable
from typing import Any, BinaryIO

import wire

OPERATORS = {
    name: getattr(operator, name)
    for name in (
        "add",
        "sub",
        "mul",
        "truediv",
        "floordiv",
        "mod",
        "pow",
        "matmul",
        "neg",
        "pos",
        "abs",
        "getitem",
    )
} | {"len": len, "type_name": lambda value: type(value).__name__}
MAX_TEXT = 4000
# They would do the work of several lessons, or reach C libraries that would.
ALWAYS_FORBIDDEN = ("zlib", "bz2", "_bz2", "lzma", "_lzma", "compression", "_zstd", "ctypes", "_ctypes")
NOT_ALLOWED = "is not allowed here: this lesson has you write what it would do"


class Callback:
    """A function of the trusted process, which student code may call like any other."""

    def __init__(self, worker: Worker, number: int) -> None:
        self._worker = worker
        self._number = number

    def __call__(self, *args: Any) -> Any:
        """Ask the trusted process; its answer is a value, or an exception of a builtin type."""
        status, body = self._worker.ask(self._number, list(args))
        if status == "value":
            return body
        raise _builtin_error(*body)


def _builtin_error(names: list[str], message: str) -> Exception:
    for name in names:
        kind = getattr(builtins, name, None)
        if isinstance(kind, type) and issubclass(kind, Exception):
            try:
                return kind(message)
            except TypeError:  # UnicodeDecodeError wants more than a message; its base does not
                continue
    return RuntimeError(message)


class Worker:
    """Keeps the objects that the trusted process has references to, and serves its requests in turn."""

    def __init__(self, reader: BinaryIO, writer: BinaryIO, student_folder: str) -> None:
        self.reader = reader
        self.writer = writer
        self.student_folder = student_folder
        self.student_file = ""  # of the module asked for: a line of another one would mislead
        self.objects: dict[int, Any] = {}
        self.count = 0

    def refer(self, value: Any) -> int:
        """Keep an object and give it a number."""
        self.count += 1
        self.objects[self.count] = value
        return self.count

    def resolve(self, number: int) -> Any:
        """Return the object of that number; numbers from 2^32 on are functions of the trusted process."""
        return Callback(self, number) if number >= 1 << 32 else self.objects[number]

    def ask(self, number: int, args: list[Any]) -> Any:
        """Send a callback and serve until its answer comes, for the trusted process may call back in turn."""
        self._send(["callback", number, args])
        return self.serve(nested=True)

    def serve(self, *, nested: bool = False) -> Any:
        """Answer requests until the stream ends, or, within a callback, until the callback's answer comes."""
        while True:
            request = wire.unpack(wire.receive(self.reader), self.resolve)
            if nested and request[0] == "answer":
                return request[1:]
            released, *message = request
            for number in released:
                self.objects.pop(number, None)
            try:
                self._send(["value", self.perform(*message)])
            except wire.EndOfStream:
                raise
            except BaseException as problem:  # SystemExit too: student code must not end the worker
                self._send(["error", *self.describe(problem)])

    def perform(self, action: str, *operands: Any) -> Any:
        """Carry out one request and return its value."""
        if action == "import":
            self.student_file = os.path.join(self.student_folder, operands[0].rpartition(".")[2] + ".py")
            return _Opaque(importlib.import_module(operands[0]))
        if action == "get":
            return getattr(operands[0], operands[1])
        if action == "set":
            return setattr(*operands)
        if action == "call":
            function, args, keywords = operands
            return function(*args, **keywords)
        if action == "operator":
            return OPERATORS[operands[0]](*operands[1])
        raise ValueError(f"unknown action {action!r}")

    def describe(self, problem: BaseException) -> list[Any]:
        """Return an exception as text: the names of its classes, its message and the student's own line."""
        names = [base.__name__ for base in type(problem).__mro__ if base is not object]
        try:
            message = str(problem)[:MAX_TEXT]
        except BaseException:
            message = "(its message can't be shown)"
        line, function = 0, ""
        trace = problem.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == self.student_file:
                line, function = trace.tb_lineno, trace.tb_frame.f_code.co_name
            trace = trace.tb_next
        if isinstance(problem, SyntaxError) and problem.filename == self.student_file and not line:
            line = problem.lineno or 0
        return [[str(name) for name in names], message, line, function]

    def _send(self, message: list[Any]) -> None:
        try:
            frame = wire.pack(message, self.refer)
            wire.send(self.writer, frame)
        except wire.EndOfStream:
            raise
        except wire.WireError as problem:
            names = ["WireError", "Exception", "BaseException"]
            wire.send(self.writer, wire.pack(["error", names, str(problem), 0, ""], self.refer))


class _Opaque:
    """Stands for a module, so that it travels as a reference and still answers `getattr`."""

    def __init__(self, module: Any) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


class Forbidder:
    """Stands first among those who find modules, and finds that some are not allowed."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = frozenset(names)

    def find_spec(self, name: str, *_: Any) -> None:
        """Raise ImportError for a forbidden module, and leave every other one to the finders behind."""
        if name in self.names:
            raise ImportError(f"{name} {NOT_ALLOWED}", name=name)


class Forbidden:
    """Stands where a forbidden part of a package was."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        raise ImportError(f"{self._name} {NOT_ALLOWED}", name=self._name)


def forbid(names: Iterable[str]) -> None:
    """Take modules away, so that whoever imports or uses them is told so.

    That is a word to the honest; what really hides a library is the sandbox.
    """
    names = [*ALWAYS_FORBIDDEN, *names]
    for name in names:
        package, _, attribute = name.rpartition(".")
        try:
            if package:
                setattr(importlib.import_module(package), attribute, Forbidden(name))
        except ImportError:  # it is not here, so that nobody can use it anyway
            continue
    gone = {module for module in sys.modules if any(module == n or module.startswith(f"{n}.") for n in names)}
    taken = {id(sys.modules.pop(module)) for module in gone}
    for module in list(sys.modules.values()):  # NumPy has kept one or the other for itself
        for attribute, value in list(getattr(module, "__dict__", {}).items()):
            if id(value) in taken:
                setattr(module, attribute, Forbidden(value.__name__))
    sys.meta_path.insert(0, Forbidder(names))


def limit(memory_mb: int) -> None:
    """Limit what this process may use; 0 MB of memory is no limit."""
    try:
        import resource
    except ImportError:  # Windows has none
        return
    memory = memory_mb << 20
    limits = [(resource.RLIMIT_AS, memory), (resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 1 << 20)]
    for which, value in limits:
        if value or which == resource.RLIMIT_CORE:
            try:
                resource.setrlimit(which, (value, value))
            except (ValueError, OSError):  # macOS refuses RLIMIT_AS
                continue


def _end_with(parent: int) -> None:
    # Where no sandbox does it: an endless loop must not outlive the process that would have ended it.
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def prepare(settings: dict[str, Any]) -> None:
    """Make this process fit for student code: its path, its limits, and what it may not import."""
    # By lines, for the worker ends by a kill, and what still stood in a buffer would never be seen.
    sys.stdout = os.fdopen(1, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)
    sys.path[:0] = [settings["package"]]
    sys.argv = ["student"]
    sys.dont_write_bytecode = True
    if _mentions_numpy(settings["package"]):
        importlib.import_module("numpy.random")  # it needs zlib when it starts, which is taken away next
    if not settings.get("free"):
        forbid(settings["forbids"])


def _mentions_numpy(package: str) -> bool:
    folder = os.path.join(package, "squeeze")
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "rb") as file:
            if b"numpy" in file.read():
                return True
    return False


def run(reader: BinaryIO, writer: BinaryIO, package: str) -> int:
    """Serve until the stream ends, and return the status to end with."""
    worker = Worker(reader, writer, os.path.join(os.path.abspath(package), "squeeze"))
    try:
        worker.serve()
    except (wire.EndOfStream, BrokenPipeError):
        pass
    return 0


def main() -> None:
    """Serve on standard input and output, having moved both out of the student's way."""
    settings = json.loads(sys.argv[1])
    reader = os.fdopen(os.dup(0), "rb")
    writer = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    limit(settings.get("memory_mb", 0))
    prepare(settings)
    if settings.get("parent"):
        threading.Thread(target=_end_with, args=(settings["parent"],), daemon=True).start()
    os._exit(run(reader, writer, settings["package"]))


if __name__ == "__main__":
    main()

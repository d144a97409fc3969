"""The trusted side of the warm template: one bubblewrap for many workers, which are forked within it."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from autograder import wire
from autograder.bubblewrap import Bubblewrap, arguments, launch
from autograder.model import Limits
from autograder.sandbox import GRADER_FILES, PYTHON_FLAGS, Process, bootstrap, close, python

FILES = (*GRADER_FILES, "seccomp.py", "template.py")
START_SECONDS = 15.0
END_SECONDS = 2.0
LOST_SECONDS = 0.1  # between the end of a worker and that of the template which took it along
PIPE_BYTES = 1 << 20


class Forked:
    """A worker that the template forked; the kernel's handle reaches it and all that is in its namespace."""

    def __init__(self, reader: IO[bytes], writer: IO[bytes], handle: int, template: Template) -> None:
        self.reader, self.writer = reader, writer
        self._handle = handle
        self._template = template

    def lost(self) -> bool:
        """Whether the template ended, and took this worker with it."""
        return self._template.ended(LOST_SECONDS)

    def kill(self) -> None:
        """Kill the first process of the worker's namespace: the kernel kills the others."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)

    def end(self) -> None:
        """Kill it, let go of the pipes, and wait until it is gone."""
        self.kill()
        close(self.reader, self.writer)
        waiting = select.poll()  # `select` knows no descriptor from 1024 on
        waiting.register(self._handle, select.POLLIN)
        waiting.poll(1000 * START_SECONDS)
        os.close(self._handle)


class Template:
    """A bubblewrap with the template in it, and the socket by which workers are asked for."""

    def __init__(self, bubblewrap: Bubblewrap) -> None:
        self.control, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control.settimeout(START_SECONDS)
        try:
            with there:
                inside = arguments(["--dir", "/box/package"], FILES)
                descriptor = str(there.fileno())
                program = bootstrap("template", "/box/grader", "/box/libraries")
                command = [python(), *PYTHON_FLAGS, program, descriptor]
                self.process = launch(bubblewrap, inside, command, subprocess.DEVNULL, [there.fileno()])
        except BaseException:
            self.control.close()
            raise
        self.end = weakref.finalize(self, _end, self.process, self.control)

    def ended(self, patience: float) -> bool:
        """Whether the template is gone, or goes within some seconds."""
        if self.control.fileno() < 0:
            return True
        waiting = select.poll()
        waiting.register(self.control, select.POLLHUP)
        return bool(waiting.poll(1000 * patience))

    def fork(self, settings: dict[str, Any], descriptors: list[int]) -> int:
        """Ask for a worker and return its handle. Raises OSError where none comes."""
        socket.send_fds(self.control, [json.dumps(settings).encode()], descriptors)
        answer, handles, _, _ = socket.recv_fds(self.control, 2000, 1)
        if len(handles) != 1:
            raise OSError(f"the template started no worker: {answer.decode('utf-8', 'replace')}")
        os.set_inheritable(handles[0], False)
        return handles[0]


def _end(process: Process, control: socket.socket) -> None:
    control.close()  # the template ends when it reads that, and only so is the time counted that its workers took
    process.end(patience=END_SECONDS)


@dataclass
class Warm:
    """Starts workers from one template, which starts with the first of them and is replaced if it is lost."""

    bubblewrap: Bubblewrap
    isolated: bool = True
    _template: Template | None = field(default=None, repr=False, compare=False)
    _lock: Any = field(default_factory=threading.Lock, repr=False, compare=False)

    def __reduce__(self) -> tuple[type[Warm], tuple[Bubblewrap]]:
        """Another process has a template of its own."""
        return Warm, (self.bubblewrap,)

    def start(self, package: Path, limits: Limits, errors: int | IO[bytes] = subprocess.DEVNULL) -> Forked:
        """Fork a worker, and send it the package."""
        settings = {"memory_mb": limits.memory_mb, "forbids": limits.forbids}
        files = {path.name: path.read_bytes() for path in (package / "squeeze").iterdir()}
        to_read, to_us = os.pipe()
        from_us, to_write = os.pipe()
        reader, writer = os.fdopen(to_read, "rb"), os.fdopen(to_write, "wb")
        try:
            with _open(errors) as printed:
                handle, template = self._fork(settings, [from_us, to_us, printed])
        except OSError:
            close(reader, writer)
            raise
        finally:
            os.close(from_us)
            os.close(to_us)
        with suppress(OSError):  # it died at once: whoever asks it something is told so
            wire.send(writer, wire.pack(files, id))
        return Forked(reader, writer, handle, template)

    def _fork(self, settings: dict[str, Any], descriptors: list[int]) -> tuple[int, Template]:
        with self._lock:
            for tries in (1, 0):
                self._template = self._template or Template(self.bubblewrap)
                try:
                    return self._template.fork(settings, descriptors), self._template
                except OSError:
                    self.close()
                    if not tries:
                        raise
        raise AssertionError

    def close(self) -> None:
        """End the template."""
        if self._template is not None:
            self._template.end()
            self._template = None


@contextmanager
def _open(errors: int | IO[bytes]) -> Iterator[int]:
    """Give a descriptor for what a worker prints."""
    if errors != subprocess.DEVNULL:
        yield errors if isinstance(errors, int) else errors.fileno()
        return
    with open(os.devnull, "wb") as file:
        yield file.fileno()

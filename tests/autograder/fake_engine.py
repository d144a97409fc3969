"""A stand-in for `docker`, made of bubblewrap: each flag that is given builds its wall, and no other wall stands.

Like the real one it leaves a container running when its client is killed, and knows it by its name. What it is
asked is kept in `calls.jsonl`. It is run as a script, with its state beside it in `engine.json`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
VALUED = {
    "--cap-drop", "--cpus", "--entrypoint", "--hostname", "--ipc", "--log-driver", "--memory", "--memory-swap",
    "--mount", "--name", "--network", "--pids-limit", "--pull", "--security-opt", "--tmpfs", "--ulimit",
    "--user", "--workdir",
}  # fmt: skip
BARE = {"--interactive", "--read-only", "--rm"}
HOST = ("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache")


def main() -> int:
    """Do what a command of the engine does."""
    settings = json.loads((HERE / "engine.json").read_text(encoding="utf-8"))
    with (HERE / "calls.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(sys.argv[1:]) + "\n")
    command, *rest = sys.argv[1:]
    if message := settings["fails"].get(command):
        return say(message)
    if command == "run":
        return run(settings, rest)
    if command in ("kill", "rm"):
        return kill(rest[-1])
    if command == "image":
        return 0 if rest[-1] in settings["images"] else say(f"Error: No such image: {rest[-1]}")
    return 0


def say(message: str) -> int:
    sys.stderr.write(f"{message}\n")
    return 1


def kill(name: str) -> int:
    path = HERE / name
    try:
        pid = int(path.read_text(encoding="utf-8"))
        path.unlink()
        if b"--signal=KILL" in Path(f"/proc/{pid}/cmdline").read_bytes():  # and not another one's by now
            os.kill(pid, signal.SIGKILL)
    except (OSError, ValueError):
        return say(f"Error response from daemon: No such container: {name}")
    return 0


def run(settings: dict, arguments: list[str]) -> int:
    """Start a container, in a session of its own, and wait for it."""
    options: dict[str, list[str]] = {}
    while arguments[0].startswith("-"):
        option = arguments.pop(0)
        if option not in VALUED | BARE:
            return say(f"unknown flag: {option}")
        value = arguments.pop(0) if option in VALUED else ""
        if option not in settings["ignored"]:
            options.setdefault(option, []).append(value)
    command = arguments[1:]
    entry = options["--entrypoint"][0]
    entry = settings["python"] if entry == "python3" else entry
    as_user = ["/usr/bin/setpriv", "--reuid={0}", "--regid={0}", "--clear-groups", "--no-new-privs", "--"]
    user = options.get("--user", ["0"])[0].partition(":")[0]
    as_user = [word.format(user) for word in as_user] if os.geteuid() == 0 else []
    time.sleep(settings["slow"])  # a client has to ask the engine first
    reading, writing = os.pipe()
    inside = [settings["bwrap"], "--info-fd", str(writing), *walls(settings, options), "--"]
    process = subprocess.Popen(
        [*inside, *as_user, entry, *command], env={}, pass_fds=[writing], start_new_session=True
    )
    os.close(writing)
    with open(reading, encoding="utf-8") as file:
        told = file.read()
    name = HERE / options.get("--name", ["unnamed"])[0]
    name.write_text(str(json.loads(told)["child-pid"]) if told else "", encoding="utf-8")
    status = process.wait()
    name.unlink(missing_ok=True)
    return status


def walls(settings: dict, options: dict[str, list[str]]) -> list[str]:
    """Return the arguments of bubblewrap that stand for those of the engine."""
    made = ["--unshare-pid", "--as-pid-1", "--clearenv"]
    made += ["--unshare-uts", "--hostname", options.get("--hostname", ["0123456789ab"])[0]]
    made += ["--setenv", "PATH", "/usr/bin:/bin", "--setenv", "HTTP_PROXY", "http://user:password@host"]
    if os.geteuid() == 0:
        made += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        user = options.get("--user", ["0"])[0].partition(":")[0]
        made += ["--unshare-user", "--uid", user, "--gid", user]
    made += ["--proc", "/proc", "--dev", "/dev"]
    for path in HOST:
        made += ["--ro-bind-try", path, path]
    above = [str(folder) for folder in reversed(Path(settings["prefix"]).parents[:-1])]
    for folder in (*above, "/box", "/box/grader", "/box/libraries"):
        made += ["--perms", "0755", "--dir", folder]
    made += ["--ro-bind", settings["prefix"], settings["prefix"]]
    if options.get("--network") == ["none"]:
        made += ["--unshare-net"]
    for value in options.get("--tmpfs", []):
        made += ["--perms", "1777", "--size", str(16 << 20), "--tmpfs", value.partition(":")[0]]
    for value in options.get("--mount", []):
        words = dict(word.partition("=")[::2] for word in value.split(","))
        assert words["type"] == "bind", value
        made += ["--ro-bind" if "readonly" in words else "--bind", words["source"], words["target"]]
    made += ["--chdir", options.get("--workdir", ["/"])[0]]
    # An image has a /var/tmp, and without --ipc none an engine adds a /dev/shm: everybody may write to both.
    shared = [] if options.get("--ipc") == ["none"] else ["/dev/shm"]
    for path in ("/var/tmp", *shared):
        made += ["--perms", "1777", "--dir" if path.startswith("/var") else "--tmpfs", path]
    return made + (["--remount-ro", "/"] if "--read-only" in options else [])


if __name__ == "__main__":
    sys.exit(main())

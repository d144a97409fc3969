"""Try attacks out in a process without any sandbox: does the trick of each do what it says at all.

It reads the paths of attacks, one a line, and runs each in a child of its own, twice, for some tricks need a
second process. It answers with the evidence that the attack gave: "True", "False", what was raised, or how
the child ended. The folder that it is started in is a grading desk with canaries on it.
"""

import importlib.util
import os
import shutil
import signal
import socket
import sys
import tempfile

CANARY = os.environ["CANARY"]
SECONDS = 10
gone = {}


def main():
    """Serve until the end of the input."""
    held = [f"{CANARY}-{number}" for number in range(3)]  # what a search of memory finds
    with socket.create_server(("127.0.0.1", 0)), abstract(), open("canary.txt") as _:
        for line in sys.stdin:
            path = line.strip()
            folder = tempfile.mkdtemp(dir=os.environ["DESK"])
            (first, child), (second, other) = tried(path, folder), tried(path, folder)
            answers = [first or ended(child), second or ended(other)]
            ended(child), ended(other)
            shutil.rmtree(
                folder, ignore_errors=True
            )  # else a later search of the desk is lost in what is left
            sys.stdout.write("True\n" if "True" in answers else f"{answers[-1]}\n")
            sys.stdout.flush()
    del held


def abstract():
    """Listen on a socket without a path."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(f"\0shortest-bare-{os.getpid()}")
    server.listen()
    return server


def tried(path, folder):
    """Run an attack in a child, and return its evidence, which may be empty, and the child, which may live."""
    own = tempfile.mkdtemp(dir=folder)
    here, there = os.pipe()
    child = os.fork()
    if not child:
        os.setsid()
        try:
            os.write(there, evidence(path, own).encode())
        except BaseException as problem:
            os.write(there, f"{type(problem).__name__}: {problem}"[:500].encode())
        signal.pause()
    os.close(there)
    signal.signal(signal.SIGALRM, lambda *_: os.killpg(child, signal.SIGKILL))
    signal.alarm(SECONDS)
    answer = os.read(here, 1000).decode()
    signal.alarm(0)
    os.close(here)
    return answer, child


def ended(child):
    """Kill a child and what is left of its group, and say how it ended."""
    if child in gone:
        return gone[child]
    done, status = os.waitpid(child, os.WNOHANG)
    try:
        os.killpg(child, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    if not done:
        status = os.waitpid(child, 0)[1]
    gone[child] = f"ended with {status}"
    return gone[child]


def evidence(path, folder):
    """Import the attack from a folder of its own, and ask it."""
    copy = os.path.join(folder, "student.py")
    shutil.copy(path, copy)
    os.chdir(folder)
    with open("results.json.txt", "w"):
        pass
    spec = importlib.util.spec_from_file_location("student", copy)
    module = importlib.util.module_from_spec(spec)
    sys.modules["student"] = module
    silent = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):
        os.dup2(silent, stream)
    spec.loader.exec_module(module)
    tell = vars(module).get("escaped") or vars(module).get("worked")
    return str(bool(tell()))


if __name__ == "__main__":
    main()

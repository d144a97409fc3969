"""Starts other programs: a shell, Python without its limits, a compiler, whatever is there."""

import subprocess
import sys

PROGRAMS = [["/bin/sh", "-c", "echo ran"], ["/usr/bin/env", "echo", "ran"], ["bash", "-c", "echo ran"],
            [sys.executable, "-I", "-S", "-c", "print('ran')"], ["/usr/bin/python3", "-c", "print('ran')"],
            ["/lib64/ld-linux-x86-64.so.2", sys.executable, "-c", "print('ran')"]]  # fmt: skip


def start():
    ran = []
    for program in PROGRAMS:
        try:
            done = subprocess.run(program, capture_output=True, timeout=5, text=True)
            ran += [program[0]] if "ran" in done.stdout else []
        except (OSError, ValueError, subprocess.SubprocessError):
            continue
    return ran


def __getattr__(name):
    def tell(*args, **keywords):
        raise RuntimeError(f"found {start()}")

    return tell


def escaped():
    return bool(start())

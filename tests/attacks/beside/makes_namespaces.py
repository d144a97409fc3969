"""Makes itself root of a user namespace of its own, mounts file systems there, and joins its parents' namespaces.

Stock: not run: it asks for another namespace
"""

import os
import subprocess

NEWUSER, NEWNS = 0x10000000, 0x00020000


def by_python():
    os.unshare(NEWUSER | NEWNS)


def by_c():
    import ctypes

    if ctypes.CDLL(None, use_errno=True).unshare(NEWUSER | NEWNS):
        raise OSError(ctypes.get_errno(), "unshare")


def by_program():
    subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "true"],
        check=True,
        timeout=5,
        capture_output=True,
    )


def by_joining():
    for process in (1, os.getppid()):
        with open(f"/proc/{process}/ns/user") as space:
            os.setns(space.fileno())


def make():
    found = []
    for way in (by_python, by_c, by_program, by_joining):
        try:
            way()
            found.append(way.__name__)
        except Exception:
            continue
    return found


def __getattr__(name):
    def tell(*args, **keywords):
        raise RuntimeError(f"found {make()}")

    return tell


def escaped():
    return bool(make())

"""Writes until no file system that it can reach takes any more.

Stock: not run: it fills the disk
"""

import functools
import os

MOST = 200 << 20  # in all, so that a machine survives a sandbox that lets it through
CHUNK = bytes(1 << 20)
PLACES = ["/tmp", "/var/tmp", "/dev/shm", "/run", os.getcwd(), os.path.dirname(os.path.abspath(__file__))]


@functools.cache
def fill(most):
    paths, total = [], 0
    for place in dict.fromkeys(PLACES):
        for number in range(200):
            path = os.path.join(place, f"shortest-attack-fill-{os.getpid()}-{number}")
            try:
                with open(path, "wb", buffering=0) as file:
                    paths.append(path)
                    while total < most and file.tell() < 1 << 20:
                        total += file.write(CHUNK)
            except OSError:
                break
            if total >= most:
                break
    for path in paths:
        os.unlink(path)
    return total


def __getattr__(name):
    return lambda *args, **keywords: fill(MOST) and None


def escaped():
    return fill(40 << 20) >= 40 << 20

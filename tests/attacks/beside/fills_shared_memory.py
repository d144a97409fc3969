"""Keeps data in memory that no limit of the process counts: memory files, shared memory, and pipes.

Stock: not run: it fills the machine's memory
"""

import os

MOST = 200 << 20  # so that a machine survives a sandbox that lets it through


def fill(most):
    total = 0
    for make in (lambda: os.memfd_create("attack"), lambda: os.open("/dev/shm", os.O_TMPFILE | os.O_RDWR)):
        try:
            descriptor = make()
        except (OSError, AttributeError):
            continue
        for start in range(0, most, 1 << 20):
            try:
                total += os.pwrite(descriptor, bytes(1 << 20), start)
            except OSError:
                break
        os.close(descriptor)
    return total


def __getattr__(name):
    return lambda *args, **keywords: fill(MOST) and None


def escaped():
    return fill(4 << 20) > 0

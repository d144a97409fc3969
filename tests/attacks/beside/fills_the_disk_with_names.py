"""Makes a great many empty files and folders: they take no space by their size, and all of it by their number.

Stock: not run: it fills the disk
"""

import functools
import os
import tempfile

MOST = 6_000  # so that a machine survives a sandbox that lets it through


@functools.cache
def fill(most):
    made = 0
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=place, ignore_cleanup_errors=True) as folder:
        try:
            for number in range(most):
                os.mkdir(os.path.join(folder, str(number)))
                made += 1
        except OSError:
            pass
    return made


def __getattr__(name):
    return lambda *args, **keywords: fill(MOST) and None


def escaped():
    return fill(MOST) == MOST

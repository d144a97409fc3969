"""Announces a frame of 4 GiB on every descriptor, sends a little of it, and leaves the reader waiting.

Stock: not run: it writes into the kernel's own sockets
"""

import os
import time


def announce(descriptors):
    done = 0
    for descriptor in descriptors:
        try:
            done += os.write(descriptor, b"\xff\xff\xff\xff" + b"\x00" * 100)
        except OSError:
            pass
    return done


def __getattr__(name):
    def wait(*args, **keywords):
        announce(range(3, 1024))
        time.sleep(30)

    return wait


def worked():
    there, here = os.pipe()
    return announce([here]) == 104 and os.read(there, 4) == b"\xff" * 4

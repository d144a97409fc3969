"""Closes every descriptor, and opens files in their places, so that answers go astray.

Stock: not run: it closes the kernel's own sockets
"""

import os


def close(first, last):
    os.closerange(first, last)
    return [os.open(os.devnull, os.O_RDWR) for _ in range(min(20, last - first))]


def __getattr__(name):
    return lambda *args, **keywords: close(0, 1024)


def worked():
    there, here = os.pipe()
    close(max(there, here), max(there, here) + 1)
    return os.write(max(there, here), b"x") == 1

"""Prints without end, to both streams, in the hope that somebody keeps it all in memory or on the disk.

Stock: not run: it fills the machine's memory
"""

import sys

MOST = 300  # MB, so that a machine survives whoever keeps it
MEGABYTE = "x" * (1 << 20)


def flood(most):
    for _ in range(most):
        for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
            stream.write(MEGABYTE)
    return most


def __getattr__(name):
    return lambda *args, **keywords: flood(MOST)


def worked():
    import io

    kept = sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__
    sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = stream = io.StringIO()
    flood(1)
    sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__ = kept
    return len(stream.getvalue()) == 4 << 20

"""Computes in one call of C for a minute, during which Python handles no signal and no timer.

Stock: not run: each cell takes the whole of its time
"""

import signal
import time


def count(most):
    return sum(range(most))


def __getattr__(name):
    return lambda *args, **keywords: count(4_000_000_000)


def worked():
    rang = []
    signal.signal(signal.SIGALRM, lambda *_: rang.append(time.monotonic()))
    started = time.monotonic()
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    count(10_000_000)
    return bool(rang) and rang[0] - started > 0.05

"""Lets a timer raise exceptions a hundred times a second, in the hope to hit the worker while it packs.

Stock: not run: it interrupts the kernel
"""

import signal
import time


class Ring(BaseException):
    pass


def ring(*args):
    raise Ring


def __getattr__(name):
    def wind(*args, **keywords):
        signal.signal(signal.SIGALRM, ring)
        signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
        return [0] * 100_000

    return wind


def worked():
    __getattr__("any")()
    try:
        time.sleep(1)
    except Ring:
        signal.setitimer(signal.ITIMER_REAL, 0)
        return True
    return False

"""Starts threads until it may not start another one, and keeps them all busy.

Stock: not run: it takes the machine's processors
"""

import threading
import time

MOST = 1000  # so that a machine survives a sandbox that lets it through


def busy(until):
    while time.monotonic() < until:
        pass


def start(count, seconds):
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=busy, args=(until,), daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    return len(threads)


def __getattr__(name):
    return lambda *args, **keywords: start(MOST, 20)


def worked():
    return start(20, 0.01) == 20

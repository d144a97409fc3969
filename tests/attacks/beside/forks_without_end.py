"""Forks until it may not fork any more; each child waits.

Stock: not run: it takes the machine's processes
"""

import os
import signal
import time

MOST = 200  # so that a machine survives a sandbox that lets it through


def fork(most, seconds):
    children = []
    for _ in range(most):
        try:
            child = os.fork()
        except OSError:
            break
        if not child:
            time.sleep(seconds)
            os._exit(0)
        children.append(child)
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return len(children)


def __getattr__(name):
    return lambda *args, **keywords: fork(MOST, 20) and None


def escaped():
    return fork(3, 20) == 3

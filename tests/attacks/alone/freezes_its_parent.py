"""Stops its parent with SIGSTOP, so that whoever is judged next waits for ever.

Stock: not run: it stops other processes
"""

import os
import signal


def freeze(*args, **keywords):
    try:
        os.kill(os.getppid(), signal.SIGSTOP)
    except OSError:
        pass


def __getattr__(name):
    return freeze


def worked():
    child = os.fork()
    if not child:
        if not os.fork():
            freeze()
            os._exit(0)
        signal.pause()
    stopped = os.WIFSTOPPED(os.waitpid(child, os.WUNTRACED)[1])
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return stopped

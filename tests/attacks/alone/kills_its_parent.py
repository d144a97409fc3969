"""Kills its parent and its whole process group, over and over.

Stock: not run: it kills other processes
"""

import os
import signal


def kill(*args, **keywords):
    for send, target in ((os.kill, os.getppid()), (os.killpg, 0)):
        try:
            send(target, signal.SIGKILL)
        except OSError:
            pass


def __getattr__(name):
    return kill


def worked():
    child = os.fork()
    if not child:
        os.setpgid(0, 0)
        if not os.fork():
            kill()
        os.pause() if hasattr(os, "pause") else signal.pause()
    return os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL

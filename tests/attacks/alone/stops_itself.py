"""Stops its own process with SIGSTOP in every call: it neither answers nor ends.

Stock: not run: it stops the kernel
"""

import os
import signal


def stop(*args, **keywords):
    os.kill(os.getpid(), signal.SIGSTOP)


def __getattr__(name):
    return stop


def worked():
    child = os.fork()
    if not child:
        stop()
        os._exit(0)
    stopped = os.WIFSTOPPED(os.waitpid(child, os.WUNTRACED)[1])
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return stopped

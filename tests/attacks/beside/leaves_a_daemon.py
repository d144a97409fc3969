"""Starts processes in sessions of their own that mean to outlive the judging.

Stock: not run: its processes stay
"""

import os
import time


def start(count, seconds):
    for _ in range(count):
        try:
            child = os.fork()
        except OSError:
            return 0
        if not child:
            os.setsid()
            if os.fork():
                os._exit(0)
            time.sleep(seconds)
            os._exit(0)
        os.waitpid(child, 0)
    return count


started = []


def __getattr__(name):
    def leave(*args, **keywords):
        if not started:
            started.append(start(5, 600))

    return leave


def escaped():
    return start(2, 0.5) == 2

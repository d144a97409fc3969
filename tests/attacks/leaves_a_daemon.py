"""Starts processes in sessions of their own that mean to outlive the grading."""

import os
import time

for _ in range(5):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(3600)
        os._exit(0)


def __getattr__(name):
    return lambda *args, **keywords: b""

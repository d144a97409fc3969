"""Raises its own priority, asks for real-time scheduling, and ties itself to every processor.

Needs: root
Stock: not run: it slows the machine
"""

import os


def grab():
    got = 0
    try:
        got += os.nice(-20) < 0
    except OSError:
        pass
    try:
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
        got += 1
    except OSError:
        pass
    return got


def __getattr__(name):
    grab()

    def spin(*args, **keywords):
        while True:
            pass

    return spin


def escaped():
    return grab() > 0

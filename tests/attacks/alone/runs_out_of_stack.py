"""Lifts Python's limit of calls within calls and recurses until the stack is gone.

Stock: not run: it ends the kernel
"""

import os
import sys


def deeper(*args, **keywords):
    sys.setrecursionlimit(1 << 30)
    return [*map(deeper, args or (1,))]


def __getattr__(name):
    return deeper


def worked():
    child = os.fork()
    if not child:
        deeper()
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])

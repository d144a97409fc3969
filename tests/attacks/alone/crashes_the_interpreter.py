"""Crashes Python itself with bytecode that no compiler writes: a runner may see no failure in that."""

import os
import signal


def crash(*args, **keywords):
    code = crash.__code__
    broken = code.replace(co_code=b"\x01\x00" * 40 + code.co_code, co_stacksize=1, co_consts=())
    exec(broken)


def __getattr__(name):
    return crash


def worked():
    child = os.fork()
    if not child:
        crash()
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS)

"""Takes a little less than the time of one call in each of many calls, so that the whole takes for ever."""

import time

PAUSE = 0.4  # the tests judge with half a second a call


def __getattr__(name):
    def wait(*args, **keywords):
        time.sleep(PAUSE)
        return args[0] if args else 0

    return wait


def worked():
    started = time.monotonic()
    __getattr__("any")()
    return PAUSE <= time.monotonic() - started < PAUSE + 0.09

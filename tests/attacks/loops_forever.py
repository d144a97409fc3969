"""Never returns from any call, and shrugs off interrupts."""

import signal

for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
    signal.signal(number, signal.SIG_IGN)


def __getattr__(name):
    def loop(*args, **keywords):
        while True:
            try:
                while True:
                    pass
            except BaseException:
                continue

    return loop

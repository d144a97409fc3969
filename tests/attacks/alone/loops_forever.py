"""Never returns from any call, and shrugs off interrupts.

Stock: not run: each cell takes the whole of its time
"""

import signal
import threading

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


def worked():
    call = threading.Thread(target=__getattr__("any"), daemon=True)
    call.start()
    call.join(0.1)
    return call.is_alive()

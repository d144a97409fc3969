"""Sleeps in every call for as long as it is let.

Stock: not run: each cell takes the whole of its time
"""

import threading
import time


def __getattr__(name):
    return lambda *args, **keywords: time.sleep(60)


def worked():
    call = threading.Thread(target=__getattr__("any"), daemon=True)
    call.start()
    call.join(0.1)
    return call.is_alive()

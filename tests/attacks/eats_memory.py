"""Asks for all the memory there is, in every call."""


def __getattr__(name):
    def eat(*args, **keywords):
        hoard = []
        while True:
            hoard.append(bytearray(1 << 26))

    return eat

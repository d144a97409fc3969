"""Returns whole numbers of a million digits, which take for ever to write down or don't become floats."""


def __getattr__(name):
    return lambda *args, **keywords: (1 << 4_000_000) + 1


def worked():
    try:
        str(__getattr__("any")())
    except ValueError:
        return True
    return False

"""Raises, in every call, an exception that is of all kinds at once, with every word in its message."""

WORDS = (
    " ".join(str(number) for number in range(-20, 320)) + " empty shape byte bits symbol length size negative"
)


class Everything(ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError, ZeroDivisionError):
    pass


def __getattr__(name):
    def fail(*args, **keywords):
        raise Everything(WORDS)

    return fail


def worked():
    for kind in (ValueError, EOFError, IndexError):
        try:
            __getattr__("any")()
        except kind as problem:
            if "42" not in str(problem):
                return False
    return True

"""Returns text with lone surrogates, NULs, marks that reverse the line, and a megabyte without a break."""

import itertools

TEXTS = [
    "\ud800",
    "a\x00b",
    "\u202egnp.exe",
    "\x1b[8m",
    "\ufffe\uffff",
    "x" * (1 << 20),
    "\U000e0001",
    "\r\n\x85\u2028",
]
values = itertools.cycle(
    [*TEXTS, {text: text for text in TEXTS}, [text.encode("utf-8", "surrogatepass") for text in TEXTS]]
)


def __getattr__(name):
    def answer(*args, **keywords):
        value = next(values)
        if isinstance(value, str) and len(value) == 1:
            raise type("Strange", (Exception,), {})("".join(TEXTS[:5]))
        return value

    return answer


def worked():
    try:
        TEXTS[0].encode()
    except UnicodeEncodeError:
        return True
    return False

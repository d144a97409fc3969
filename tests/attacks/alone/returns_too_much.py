"""Returns a hundred megabytes from every call: as bytes, as text, as numbers, and as many small values."""

import itertools

import numpy as np

SIZE = 100 << 20
makers = itertools.cycle(
    [lambda: bytes(SIZE), lambda: "x" * SIZE, lambda: np.zeros(SIZE // 8), lambda: [0] * (SIZE // 8)]
)


def __getattr__(name):
    return lambda *args, **keywords: next(makers)()


def worked():
    return len(__getattr__("any")()) > 64 << 20

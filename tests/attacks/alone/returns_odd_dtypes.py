"""Returns zeros of every odd dtype: half floats, the other byte order, dates, text, records, bits too few."""

import itertools

import numpy as np

DTYPES = ["e", ">f8", ">i2", "?", "g", "M8[s]", "m8[s]", "U4", "S4", "V8", [("a", "f8"), ("b", "O")], "c16"]
dtypes = itertools.cycle(DTYPES)


def __getattr__(name):
    def zeros(*args, **keywords):
        return np.zeros(np.shape(args[0]) if args and not callable(args[0]) else (), dtype=next(dtypes))

    return zeros


def worked():
    return (
        bool(np.array_equal(np.zeros(2, ">f8"), np.zeros(2, "e"))) and np.zeros(1, ">f8").dtype != np.float64
    )

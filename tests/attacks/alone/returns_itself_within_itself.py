"""Returns lists, dicts, tuples and arrays that contain themselves."""

import itertools

import numpy as np

loop = []
loop.append(loop)
table = {}
table[0] = table
pair = ([],)
pair[0].append(pair)
array = np.empty(1, dtype=object)
array[0] = array
values = itertools.cycle([loop, table, pair, array, {"a": [loop, table]}])


def __getattr__(name):
    return lambda *args, **keywords: next(values)


def worked():
    return loop[0] is loop and "..." in repr(loop)

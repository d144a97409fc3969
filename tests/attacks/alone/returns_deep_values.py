"""Returns lists, tuples and dicts nested a hundred thousand deep, which recursion can't reach the end of."""

import itertools

DEPTH = 100_000


def nest(wrap):
    value = 0
    for _ in range(DEPTH):
        value = wrap(value)
    return value


values = itertools.cycle(
    [
        nest(lambda v: [v]),
        nest(lambda v: (v,)),
        nest(lambda v: {0: v}),
        nest(lambda v: [(v,)]),
        nest(lambda v: frozenset([v])),
    ]
)


def __getattr__(name):
    return lambda *args, **keywords: next(values)


def worked():
    try:
        repr(nest(lambda v: [v]))
    except RecursionError:
        return True
    return False

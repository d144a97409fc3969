"""Returns objects that answer differently each time: right when their type is asked, and otherwise when used."""

import itertools


class Shifty:
    count = itertools.count()

    def __getattr__(self, name):
        return lambda *args: next(self.count)

    @property
    def position(self):
        return next(self.count)

    data = grad = shape = position

    def __len__(self):
        return next(self.count) % 7

    def __getitem__(self, index):
        return next(self.count)


def __getattr__(name):
    return lambda *args, **keywords: Shifty()


def worked():
    one = Shifty()
    return one.position != one.position and len(one) != len(one)

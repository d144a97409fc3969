"""Raises exceptions that can't be shown: endless names, messages of 50 MB, text that raises, groups in groups."""

import itertools


class Unspeakable(Exception):
    def __str__(self):
        raise RuntimeError("no message for you")

    __repr__ = __str__


class Endless(BaseException):
    def __str__(self):
        return "x" * (50 << 20)


def nested():
    problem = ValueError("the core")
    for _ in range(500):
        problem = ExceptionGroup("a group", [problem])
    return problem


monsters = itertools.cycle(
    [
        Unspeakable,
        Endless,
        nested,
        lambda: type("N" * 5_000_000, (Exception,), {})(),
        GeneratorExit,
        StopIteration,
    ]
)


def __getattr__(name):
    def fail(*args, **keywords):
        raise next(monsters)()

    return fail


def worked():
    return len(str(Endless())) > 1 << 20

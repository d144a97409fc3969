"""Calls the functions that a law hands to it with everything they don't expect, deeply nested, and from threads.

For: entropy, huffman
Stock: not run: its assignment hands no functions over
"""

import contextlib
import threading

tried = []


class Odd:
    __hash__ = object.__hash__

    def __eq__(self, other):
        return True

    def __iter__(self):
        return iter([self])

    def __getattr__(self, name):
        raise KeyError(name)


def quietly(candidate, *args):
    with contextlib.suppress(Exception):
        candidate(*args)


def misuse(candidate):
    deep = []
    for _ in range(200):
        deep = [deep]
    for value in (
        None,
        Odd(),
        [Odd()],
        {Odd(): Odd()},
        deep,
        "x" * 100_000,
        1 << 100_000,
        float("nan"),
        misuse,
        [None] * 9,
    ):
        quietly(candidate, value)
        quietly(candidate, value, value)
        tried.append(value)
    quietly(candidate, candidate)
    with contextlib.suppress(Exception):
        candidate._worker.ask(1 << 40, [])
    with contextlib.suppress(Exception):
        candidate._number += 1
        candidate({1: 1})
    threads = [threading.Thread(target=quietly, args=(candidate, [0.5, 0.5])) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(1)


def is_entropy(candidate):
    return misuse(candidate)


is_best_code = is_entropy


def __getattr__(name):
    return lambda *args, **keywords: None


def worked():
    misuse(lambda value: value)
    return len(tried) == 10

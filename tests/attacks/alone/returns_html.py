"""Returns text, keys and objects whose names and reprs are markup and scripts, to be shown as what was got."""

import itertools

EVIL = "</pre><script>alert(1)</script><svg onload=alert(1)>'\"><a href=javascript:alert(1)>"


class Evil:
    def __repr__(self):
        return EVIL

    __str__ = _repr_html_ = __repr__


Evil.__name__ = Evil.__qualname__ = EVIL
values = itertools.cycle([EVIL, EVIL.encode(), {EVIL: EVIL}, [EVIL], Evil(), (EVIL,), {EVIL}])


def __getattr__(name):
    return lambda *args, **keywords: next(values)


def worked():
    return "<script>" in repr(Evil()) and "<script>" in type(Evil()).__name__

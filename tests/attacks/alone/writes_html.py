"""Raises errors full of markup, terminal escapes and other things that a page or a terminal might run."""

EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>\x1b]0;owned\x07\x1b[2J\u202e\x00 {{7*7}} ](javascript:1)"


def __getattr__(name):
    def raise_it(*args, **keywords):
        raise type(EVIL[:25], (Exception,), {})(EVIL * 3)

    return raise_it


def worked():
    try:
        __getattr__("any")()
    except Exception as problem:
        return f"<p>{type(problem).__name__}</p>".startswith("<p><script>")
    return False

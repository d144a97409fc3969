"""Fills its cells with code on which Python's own parser and compiler break: too deep, too long, too large.

Deserves: nothing
"""

import json

BREAKERS = [
    "x = " + "(" * 5000 + ")" * 5000,
    "x = " + "-" * 200_000 + "1",
    "x = " + "a" + ".b" * 100_000,
    "x = " + "1" * 100_000,
    "x = 9" + "**9" * 3000,
    "if 1:\n" + "".join(" " * n + "if 1:\n" for n in range(1, 200)) + " " * 200 + "pass",
    "x = '\ud800'",
    "def f():\n\x00 pass",
    "x = " + "[" * 150 + "]" * 150 + "; " * 100 + "y = " + " + ".join(["1"] * 50_000),
]


def build(folder, lesson, honest, course):
    (folder / "mallory").mkdir()
    book = json.loads(honest)
    number = 0
    for cell in book["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("solution"):
            cell["source"] = BREAKERS[number % len(BREAKERS)]
            number += 1
    (folder / "mallory" / f"{lesson}.ipynb").write_text(json.dumps(book), encoding="utf-8")


def worked(folder, lesson):
    try:
        compile(BREAKERS[1], "<cell>", "exec")
    except (MemoryError, RecursionError, SyntaxError):
        return True
    return False

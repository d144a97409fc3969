"""Hands in a notebook whose metadata are lists within lists, a hundred thousand deep.

Deserves: nothing
"""

import json

DEPTH = 100_000


def build(folder, lesson, honest, course):
    (folder / "mallory").mkdir()
    book = json.loads(honest)
    book["metadata"]["deep"] = "here"
    text = json.dumps(book).replace('"here"', "[" * DEPTH + "]" * DEPTH)
    (folder / "mallory" / f"{lesson}.ipynb").write_text(text, encoding="utf-8")


def worked(folder, lesson):
    try:
        json.loads((folder / "mallory" / f"{lesson}.ipynb").read_text(encoding="utf-8"))
    except RecursionError:
        return True
    return False

"""Hands in each exercise twice under one id: the first to be looked at, the second to be run.

Deserves: nothing
"""

import copy
import json


def build(folder, lesson, honest, course):
    (folder / "mallory").mkdir()
    book = json.loads(honest)
    cells = []
    for cell in book["cells"]:
        cells.append(cell)
        if cell["metadata"].get("nbgrader", {}).get("solution"):
            other = copy.deepcopy(cell)
            other["source"] = "import sys\nsys.displayhook(100.0)"
            cells.append(other)
    book["cells"] = cells
    (folder / "mallory" / f"{lesson}.ipynb").write_text(json.dumps(book), encoding="utf-8")


def worked(folder, lesson):
    book = json.loads((folder / "mallory" / f"{lesson}.ipynb").read_text(encoding="utf-8"))
    ids = [cell["id"] for cell in book["cells"]]
    return len(ids) > len(set(ids))

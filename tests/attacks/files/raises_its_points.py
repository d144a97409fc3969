"""Writes a million points into the metadata of every cell, and marks all of its own cells as graded ones."""

import json


def build(folder, lesson, honest, course):
    (folder / "mallory").mkdir()
    book = json.loads(honest)
    for cell in book["cells"]:
        graded = cell["metadata"].setdefault(
            "nbgrader", {"grade_id": f"more-{cell['id']}", "schema_version": 3}
        )
        graded |= {
            "grade": True,
            "points": 10**6,
            "locked": False,
            "cell_type": cell["cell_type"],
            "task": False,
        }
        graded.setdefault("solution", False)
        cell["metadata"]["score"] = 10**6
    book["metadata"]["score"] = book["metadata"]["points"] = 10**6
    (folder / "mallory" / f"{lesson}.ipynb").write_text(json.dumps(book), encoding="utf-8")


def worked(folder, lesson):
    book = json.loads((folder / "mallory" / f"{lesson}.ipynb").read_text(encoding="utf-8"))
    return all(cell["metadata"]["nbgrader"]["points"] == 10**6 for cell in book["cells"])

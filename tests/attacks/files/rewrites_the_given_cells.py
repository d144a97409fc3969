"""Changes the cells that were given and locked: imports, helpers, and the cells that check and grade."""

import json

EVIL = "import sys\nsys.displayhook(100.0)\n100.0"


def build(folder, lesson, honest, course):
    (folder / "mallory").mkdir()
    book = json.loads(honest)
    for cell in book["cells"]:
        graded = cell["metadata"].get("nbgrader", {})
        if cell["cell_type"] == "code" and not graded.get("solution"):
            cell["source"] = EVIL
            graded |= {"locked": False} if graded else {}
    (folder / "mallory" / f"{lesson}.ipynb").write_text(json.dumps(book), encoding="utf-8")


def worked(folder, lesson):
    book = json.loads((folder / "mallory" / f"{lesson}.ipynb").read_text(encoding="utf-8"))
    return sum(cell["source"] == EVIL for cell in book["cells"]) > 1

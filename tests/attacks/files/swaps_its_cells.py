"""Gives each exercise's cell the id of another exercise, so that what is finished counts for what is not."""

import json


def exercises(book):
    graded = [cell for cell in book["cells"] if cell["metadata"].get("nbgrader", {}).get("solution")]
    return [cell for cell in graded if cell["cell_type"] == "code"]


def build(folder, lesson, honest, course):
    (folder / "mallory").mkdir()
    book = json.loads(honest)
    cells = exercises(book)
    texts = [cell["source"] for cell in cells]
    for cell, text in zip(cells, texts[1:] + texts[:1], strict=True):
        cell["source"] = text
    (folder / "mallory" / f"{lesson}.ipynb").write_text(json.dumps(book), encoding="utf-8")


def worked(folder, lesson):
    book = json.loads((folder / "mallory" / f"{lesson}.ipynb").read_text(encoding="utf-8"))
    return len({cell["id"] for cell in exercises(book)}) > 1

"""Adds cells that call themselves graded, with the names of the laws, and hold nothing but full marks."""

import json


def build(folder, lesson, honest, course):
    (folder / "mallory").mkdir()
    book = json.loads(honest)
    for number in range(20):
        graded = {"grade": True, "solution": False, "locked": True, "task": False, "points": 100, "schema_version": 3,
                  "grade_id": f"law-{number}", "cell_type": "code"}  # fmt: skip
        cell = {"cell_type": "code", "id": f"law-{number}", "source": "100", "metadata": {"nbgrader": graded},
                "outputs": [], "execution_count": None}  # fmt: skip
        book["cells"].append(cell)
    (folder / "mallory" / f"{lesson}.ipynb").write_text(json.dumps(book), encoding="utf-8")


def worked(folder, lesson):
    book = json.loads((folder / "mallory" / f"{lesson}.ipynb").read_text(encoding="utf-8"))
    return sum(cell["metadata"].get("nbgrader", {}).get("points") == 100 for cell in book["cells"]) == 20

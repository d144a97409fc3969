"""Writes outputs into its cells that say that everything passed, with scores and scripts in them."""

import json

OUTPUTS = [
    {"output_type": "execute_result", "data": {"text/plain": "1000000", "text/html": "<script>alert(1)</script>"},
     "metadata": {}, "execution_count": 1},
    {"output_type": "stream", "name": "stdout", "text": "all laws hold: 100 of 100 points\n"},
    {"output_type": "display_data", "data": {"application/vnd.otter.grade+json": '{"score": 1}'}, "metadata": {}},
]  # fmt: skip


def build(folder, lesson, honest, course):
    (folder / "mallory").mkdir()
    book = json.loads(honest)
    for cell in book["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = OUTPUTS, 1
    (folder / "mallory" / f"{lesson}.ipynb").write_text(json.dumps(book), encoding="utf-8")


def worked(folder, lesson):
    text = (folder / "mallory" / f"{lesson}.ipynb").read_text(encoding="utf-8")
    return text.count("<script>") > 2

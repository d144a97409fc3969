"""Puts commands of the shell and of IPython before and after the code of its cells, in cells of their own.

Stock: not run: its commands would run here
"""

import json

EVIL = "!touch {0}\n%system touch {0}\nget_ipython().system('touch {0}')".format("shortest-attack-left")


def build(folder, lesson, honest, course):
    (folder / "mallory").mkdir()
    book = json.loads(honest)
    for place in (0, len(book["cells"])):
        cell = {"cell_type": "code", "id": f"evil-{place}", "source": EVIL, "metadata": {}, "outputs": [],
                "execution_count": None}  # fmt: skip
        book["cells"].insert(place, cell)
    (folder / "mallory" / f"{lesson}.ipynb").write_text(json.dumps(book), encoding="utf-8")


def worked(folder, lesson):
    return (folder / "mallory" / f"{lesson}.ipynb").read_text(encoding="utf-8").count("!touch") == 2

"""Takes a name that is markup with a script, and puts more of it in titles, ids and metadata.

Stock: not run: nbgrader's own rules for names apply
"""

import json

NAME = "<img src=x onerror=alert(1)>"


def build(folder, lesson, honest, course):
    (folder / NAME).mkdir()
    book = json.loads(honest)
    book["metadata"] |= {"title": NAME, "authors": [{"name": NAME}]}
    extra = {
        "cell_type": "markdown",
        "id": "<script>",
        "source": f"{NAME}<script>alert(1)</script>",
        "metadata": {},
    }
    book["cells"].insert(0, extra)
    (folder / NAME / f"{lesson}.ipynb").write_text(json.dumps(book), encoding="utf-8")


def worked(folder, lesson):
    return (folder / NAME / f"{lesson}.ipynb").exists()

"""Declares an encoding in which its text says something else than it seems to say.

Deserves: nothing
Stock: not run: nbgrader takes notebooks
"""

HIDDEN = "import os; os._exit(0)"


def build(folder, lesson, honest, course):
    (folder / "mallory").mkdir()
    text = (
        "# coding: utf_7\n# nothing to see here\n"
        + HIDDEN.encode("utf-7").decode().replace(";", "+AAo-")
        + "\n"
    )
    (folder / "mallory" / f"{lesson}.py").write_text(text, encoding="ascii")


def worked(folder, lesson):
    return "\nos" in (folder / "mallory" / f"{lesson}.py").read_text(encoding="utf-7").replace("\n ", "\n")

"""Takes a name that is a path or an option to whoever uses it unseen: dashes, tildes, percent signs, a device.

Stock: not run: nbgrader's own rules for names apply
"""

NAME = "-rf ~root %2e%2e%2f nul:con.. ${HOME} `touch shortest-attack-left`"


def build(folder, lesson, honest, course):
    (folder / NAME).mkdir()
    (folder / NAME / f"{lesson}.ipynb").write_text(honest, encoding="utf-8")


def worked(folder, lesson):
    return (folder / NAME / f"{lesson}.ipynb").exists()

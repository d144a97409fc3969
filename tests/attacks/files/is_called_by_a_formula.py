"""Takes a name that a spreadsheet computes, that ends a line, that erases the screen, and that reads backwards.

Stock: not run: nbgrader's own rules for names apply
"""

NAME = '=HYPERLINK("http:evil","ada")\n+1\x1b[2J\u202e\x7f,";\'--'


def build(folder, lesson, honest, course):
    (folder / NAME).mkdir()
    (folder / NAME / f"{lesson}.ipynb").write_text(honest, encoding="utf-8")


def worked(folder, lesson):
    return (folder / NAME / f"{lesson}.ipynb").exists()

"""Hands in a symbolic link to the reference solution, which the grader may read and the student may not.

Deserves: nothing
Stock: not run: the link leads to this course
"""


def build(folder, lesson, honest, course):
    (folder / "mallory").mkdir()
    (folder / "mallory" / f"{lesson}.py").symlink_to(course / "solutions" / "squeeze" / f"{lesson}.py")


def worked(folder, lesson):
    return "def " in (folder / "mallory" / f"{lesson}.py").read_text(encoding="utf-8")

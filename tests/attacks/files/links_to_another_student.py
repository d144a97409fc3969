"""Makes its whole folder a symbolic link to that of another student.

Stock: not run: there is no other student
"""


def build(folder, lesson, honest, course):
    (folder / "grace").mkdir()
    (folder / "grace" / f"{lesson}.ipynb").write_text(honest, encoding="utf-8")
    (folder / "mallory").symlink_to(folder / "grace")


def worked(folder, lesson):
    return (folder / "mallory" / f"{lesson}.ipynb").exists()

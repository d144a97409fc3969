"""Hands in a file of ten gigabytes, nearly all of them a hole, which takes no space until somebody reads it.

Deserves: nothing
Stock: not run: it would take the machine's memory
"""


def build(folder, lesson, honest, course):
    (folder / "mallory").mkdir()
    with (folder / "mallory" / f"{lesson}.ipynb").open("wb") as file:
        file.write(honest.encode())
        file.truncate(10 << 30)


def worked(folder, lesson):
    stat = (folder / "mallory" / f"{lesson}.ipynb").stat()
    return stat.st_size == 10 << 30 and stat.st_blocks * 512 < 1 << 24

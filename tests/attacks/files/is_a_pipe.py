"""Hands in a named pipe: whoever opens it waits until somebody writes.

Deserves: nothing
Stock: not run: it would wait
"""

import os
import stat


def build(folder, lesson, honest, course):
    (folder / "mallory").mkdir()
    os.mkfifo(folder / "mallory" / f"{lesson}.py")


def worked(folder, lesson):
    return stat.S_ISFIFO((folder / "mallory" / f"{lesson}.py").lstat().st_mode)

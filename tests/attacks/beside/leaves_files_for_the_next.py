"""Leaves files wherever it can, for the next student's code and its own in the other process, and looks for such.

Stock: not run: it writes outside its folder
"""

import os

NAME = "shortest-attack-left"
PLACES = [
    "/tmp",
    "/var/tmp",
    "/dev/shm",
    "/run",
    "/run/lock",
    "/dev/mqueue",
    "/home",
    os.path.expanduser("~"),
    os.getcwd(),
    os.path.dirname(os.path.abspath(__file__)),
    "/box",
    "/",
]


def look():
    found = []
    for place in PLACES:
        try:
            with open(os.path.join(place, NAME)) as file:
                found.append(file.read())
        except OSError:
            continue
    return found


before = look()
for place in PLACES:
    try:
        with open(os.path.join(place, NAME), "w") as file:
            file.write("left by an attack")
    except OSError:
        continue


def __getattr__(name):
    def tell(*args, **keywords):
        raise RuntimeError(f"found {before}")

    return tell


def escaped():
    for place in PLACES if before else ():
        try:
            os.unlink(os.path.join(place, NAME))
        except OSError:
            continue
    return bool(before)

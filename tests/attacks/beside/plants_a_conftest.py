"""Writes conftest.py, pytest.ini and pyproject.toml beside itself and above, to take part in the next test run.

Stock: not run: it writes outside its folder
"""

import os

TEXT = "# written by an attack of the tests\n"


def plant():
    folder = os.path.dirname(os.path.abspath(__file__))
    done = 0
    for place in (folder, os.path.dirname(folder), "/box", "/box/package", "/box/grader"):
        for name in ("conftest.py", "pytest.ini", "tox.ini", "setup.cfg", "nbgrader_config.py"):
            try:
                with open(os.path.join(place, name), "x") as file:
                    file.write(TEXT)
                done += 1
            except OSError:
                continue
    return done


planted = plant()


def __getattr__(name):
    return lambda *args, **keywords: None


def escaped():
    return planted > 0

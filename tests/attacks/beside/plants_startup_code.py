"""Writes sitecustomize.py, usercustomize.py and .pth files, which Python runs at every start.

Stock: not run: it writes outside its folder
"""

import os
import site
import sys

TEXT = "# written by an attack of the tests\n"


def plant():
    folders = [
        site.getusersitepackages(),
        os.path.expanduser("~"),
        os.path.dirname(os.path.abspath(__file__)),
    ]
    folders += [folder for folder in sys.path if folder.endswith(("site-packages", "libraries"))]
    done = 0
    for folder in folders:
        # Names that do nothing, except beside itself: where this succeeds it should do no harm.
        beside = folder == folders[2]
        for name in (
            ("sitecustomize.py", "usercustomize.py", "x.pth") if beside else ("shortest-attack-left.pth",)
        ):
            try:
                with open(os.path.join(folder, name), "x") as file:
                    file.write(TEXT)
                done += 1
                if not beside:
                    os.unlink(os.path.join(folder, name))
            except OSError:
                continue
    return done


planted = plant()


def __getattr__(name):
    return lambda *args, **keywords: None


def escaped():
    return planted > 0

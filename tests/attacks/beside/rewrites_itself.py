"""Replaces its own file by another one after it was loaded, so that what is looked at is not what ran.

Stock: not run: it writes outside its folder
"""

import os


def rewrite():
    try:
        os.chmod(os.path.dirname(__file__), 0o777)
    except OSError:
        pass
    for act in (lambda: os.rename(__file__, __file__ + ".old"), lambda: open(__file__, "w").close()):
        try:
            act()
            return True
        except OSError:
            continue
    return False


rewritten = rewrite()


def __getattr__(name):
    return lambda *args, **keywords: None


def escaped():
    return rewritten

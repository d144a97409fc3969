"""A file written whole or not at all, so that nobody hands on half a table of scores."""

from __future__ import annotations

import os
from pathlib import Path


def write(path: Path, content: str | bytes) -> None:
    """Put bytes, or a text as UTF-8, in the place of whatever the file held; ended in the middle, it changes nothing.

    Raises OSError where the folder can't be written to.
    """
    part = path.with_name(f"{path.name}.part")  # always of one name, so that none is left behind in the end
    with part.open("wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)

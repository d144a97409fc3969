"""A student's file in one archive, with a manifest that holds its hash: the file tested is the file submitted."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

from autograder import __version__
from autograder.intake import MANIFEST


def submit(lesson: str, path: Path, folder: Path) -> tuple[Path, str]:
    """Write `LESSON.zip` into the folder and return its path and the SHA-256 of the student's file.

    An archive of that name is replaced, for it is ours; the student's file is only read.
    """
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    manifest = {
        "lesson": lesson,
        "file": path.name,
        "sha256": digest,
        "bytes": len(data),
        "made_by": __version__,
    }
    target = folder / f"{lesson}.zip"
    beside = target.with_suffix(".zip.part")
    with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in ((MANIFEST, json.dumps(manifest, indent=1).encode()), (path.name, data)):
            archive.writestr(
                zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED
            )  # ZipInfo's fixed date: same file, same zip
    beside.replace(target)
    return target, digest

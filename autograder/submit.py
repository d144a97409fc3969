"""A student's file in one archive, with a manifest that holds its hash: the file tested is the file submitted."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

from autograder import __version__
from autograder.intake import MANIFEST
from autograder.model import ShortestError


def submit(lesson: str, path: Path, folder: Path, *, tested: str = "") -> tuple[Path, str]:
    """Write `LESSON.zip` into the folder and return its path and the SHA-256 of the student's file.

    An archive of that name is replaced, for it is ours; the student's file is only read.
    Raises ShortestError where the file is not the one whose hash is `tested`, if that is given.
    """
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if tested not in ("", digest):
        raise ShortestError(f"{path} has changed since it was checked; submit it again")
    name = lesson + path.suffix
    manifest = {
        "lesson": lesson,
        "file": name,
        "sha256": digest,
        "bytes": len(data),
        "made_by": __version__,
    }
    target = folder / f"{lesson}.zip"
    beside = target.with_suffix(".zip.part")
    with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in ((MANIFEST, json.dumps(manifest, indent=1).encode()), (name, data)):
            # ZipInfo's fixed date: same file, same zip
            archive.writestr(zipfile.ZipInfo(member), content, zipfile.ZIP_DEFLATED)
    beside.replace(target)
    return target, digest

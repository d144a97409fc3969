"""Hands in an archive of a few hundred kilobytes that unpacks to a thousand times as much.

Deserves: nothing
Stock: not run: nbgrader takes no archive
"""

import hashlib
import json
import zipfile

SIZE = 256 << 20


def build(folder, lesson, honest, course):
    digest, chunk = hashlib.sha256(), b"#" * (1 << 20)
    with zipfile.ZipFile(folder / f"mallory-{lesson}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open(f"{lesson}.py", "w") as member:
            for _ in range(SIZE >> 20):
                member.write(chunk)
                digest.update(chunk)
        manifest = {"file": f"{lesson}.py", "sha256": digest.hexdigest(), "lesson": lesson}
        archive.writestr("manifest.json", json.dumps(manifest))


def worked(folder, lesson):
    path = folder / f"mallory-{lesson}.zip"
    with zipfile.ZipFile(path) as archive:
        return archive.getinfo(f"{lesson}.py").file_size == SIZE and path.stat().st_size < SIZE >> 8

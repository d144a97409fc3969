"""Hands in an archive with a member whose name is an absolute path.

Deserves: nothing
Stock: not run: nbgrader takes no archive
"""

import hashlib
import json
import zipfile

MEMBER = "/tmp/shortest-attack-left.py"


def build(folder, lesson, honest, course):
    data = honest.encode()
    manifest = {"file": f"{lesson}.ipynb", "sha256": hashlib.sha256(data).hexdigest(), "lesson": lesson}
    with zipfile.ZipFile(folder / f"mallory-{lesson}.zip", "w") as archive:
        archive.writestr("manifest.json", json.dumps(manifest))
        archive.writestr(f"{lesson}.ipynb", data)
        archive.writestr(MEMBER, "print('unpacked')")


def worked(folder, lesson):
    with zipfile.ZipFile(folder / f"mallory-{lesson}.zip") as archive:
        return MEMBER in archive.namelist()

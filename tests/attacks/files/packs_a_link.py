"""Hands in an archive whose member is a symbolic link to the reference solution.

Deserves: nothing
Stock: not run: nbgrader takes no archive
"""

import hashlib
import json
import stat
import zipfile


def build(folder, lesson, honest, course):
    target = str(course / "solutions" / "squeeze" / f"{lesson}.py").encode()
    manifest = {"file": f"{lesson}.py", "sha256": hashlib.sha256(target).hexdigest(), "lesson": lesson}
    link = zipfile.ZipInfo(f"{lesson}.py")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(folder / f"mallory-{lesson}.zip", "w") as archive:
        archive.writestr("manifest.json", json.dumps(manifest))
        archive.writestr(link, target)


def worked(folder, lesson):
    with zipfile.ZipFile(folder / f"mallory-{lesson}.zip") as archive:
        return stat.S_ISLNK(archive.getinfo(f"{lesson}.py").external_attr >> 16)

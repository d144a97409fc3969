"""Hands in an archive that holds its file twice: one to be hashed and looked at, the other to be run.

Deserves: nothing
Stock: not run: nbgrader takes no archive
"""

import hashlib
import json
import warnings
import zipfile


def build(folder, lesson, honest, course):
    data = honest.encode()
    manifest = {"file": f"{lesson}.ipynb", "sha256": hashlib.sha256(data).hexdigest(), "lesson": lesson}
    with warnings.catch_warnings(), zipfile.ZipFile(folder / f"mallory-{lesson}.zip", "w") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("manifest.json", json.dumps(manifest))
        archive.writestr(f"{lesson}.ipynb", b"{}")
        archive.writestr(f"{lesson}.ipynb", data)


def worked(folder, lesson):
    with zipfile.ZipFile(folder / f"mallory-{lesson}.zip") as archive:
        return archive.namelist().count(f"{lesson}.ipynb") == 2

"""Hands in an archive whose manifest claims another student, another lesson's hash, and full marks.

Deserves: nothing
Stock: not run: nbgrader takes no archive
"""

import json
import zipfile


def build(folder, lesson, honest, course):
    manifest = {
        "file": f"{lesson}.ipynb",
        "sha256": "0" * 64,
        "lesson": lesson,
        "student": "grace",
        "points": 10**6,
    }
    with zipfile.ZipFile(folder / f"mallory-{lesson}.zip", "w") as archive:
        archive.writestr("manifest.json", json.dumps(manifest))
        archive.writestr(f"{lesson}.ipynb", honest)


def worked(folder, lesson):
    with zipfile.ZipFile(folder / f"mallory-{lesson}.zip") as archive:
        return json.loads(archive.read("manifest.json"))["points"] == 10**6

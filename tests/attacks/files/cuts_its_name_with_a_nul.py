"""Hands in an archive with a member whose name goes on after a NUL, and is cut there by whoever reads it as C does.

Deserves: nothing
Stock: not run: nbgrader takes no archive
"""

import hashlib
import io
import json
import zipfile


def build(folder, lesson, honest, course):
    data, stream = honest.encode(), io.BytesIO()
    manifest = {"file": f"{lesson}.py", "sha256": hashlib.sha256(data).hexdigest(), "lesson": lesson}
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("manifest.json", json.dumps(manifest))
        archive.writestr(f"{lesson}.pyXsh", data)
    raw = stream.getvalue().replace(b".pyXsh", b".py\x00sh")
    (folder / f"mallory-{lesson}.zip").write_bytes(raw)


def worked(folder, lesson):
    return b".py\x00sh" in (folder / f"mallory-{lesson}.zip").read_bytes()

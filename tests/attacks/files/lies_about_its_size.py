"""Hands in an archive whose member unpacks to far more than the archive says.

Deserves: nothing
Stock: not run: nbgrader takes no archive
"""

import hashlib
import io
import json
import struct
import zipfile

SIZE = 64 << 20


def build(folder, lesson, honest, course):
    data, stream = b"#" * SIZE, io.BytesIO()
    manifest = {"file": f"{lesson}.py", "sha256": hashlib.sha256(data).hexdigest(), "lesson": lesson}
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", json.dumps(manifest))
        archive.writestr(f"{lesson}.py", data)
    raw = stream.getvalue().replace(struct.pack("<I", SIZE), struct.pack("<I", 100))
    (folder / f"mallory-{lesson}.zip").write_bytes(raw)


def worked(folder, lesson):
    with zipfile.ZipFile(folder / f"mallory-{lesson}.zip") as archive:
        info = archive.getinfo(f"{lesson}.py")
        return info.file_size == 100 and info.compress_size > 100

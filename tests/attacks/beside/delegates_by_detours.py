"""Reaches the compressors without importing them: through codecs, archives, other modules, programs and libraries.

For: entropy, huffman
"""

import codecs
import glob
import io
import subprocess


def by_codec(data):
    return codecs.encode(data, "zlib_codec")


def by_other_codec(data):
    return codecs.encode(data, "bz2_codec")


def by_archive(data):
    import zipfile

    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data", data)
    return stream.getvalue()


def by_tar(data):
    import tarfile

    return tarfile.open(fileobj=io.BytesIO(), mode="w:xz")


def by_program(data):
    return subprocess.run(["gzip", "-9"], input=data, capture_output=True, check=True, timeout=5).stdout


def by_library(data):
    import ctypes

    for path in glob.glob("/usr/lib/*/libz.so*") + glob.glob("/lib/*/libz.so*"):
        return ctypes.CDLL(path).zlibVersion
    raise OSError("no library")


def reach(data=b"a" * 1000):
    found = []
    for way in (by_codec, by_other_codec, by_archive, by_tar, by_program, by_library):
        try:
            way(data)
            found.append(way)
        except Exception:
            continue
    return found


def compress(data):
    ways = reach(bytes(data))
    return len(data).to_bytes(4, "big") + ways[0](bytes(data))


def __getattr__(name):
    return lambda *args, **keywords: None


def escaped():
    return bool(reach())

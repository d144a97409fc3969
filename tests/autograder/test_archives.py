"""An archive gives the catalogue's files, unpacked and checked, or it is deleted and gives nothing."""

from __future__ import annotations

import gzip
import hashlib
import io
import shutil
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from autograder import archives
from autograder.data import DataFile, Dataset, fetch
from autograder.model import ShortestError

ONE, TWO = b"one " * 5000, b"two " * 9000


def packed(folder: Path, archive: bytes, kind: str, **contents: bytes) -> Dataset:
    """Lay an archive where a download leaves it; the address is refused, so that nothing else is ever fetched."""
    (folder / "packed").mkdir(parents=True, exist_ok=True)
    (folder / "packed" / "file.bin.part").write_bytes(archive)
    return Dataset(
        "packed",
        "An archive",
        "https://example.org/",
        "http://example.org/some/file.bin",
        kind,
        len(archive),
        hashlib.sha256(archive).hexdigest(),
        tuple(DataFile(name, len(body), hashlib.sha256(body).hexdigest()) for name, body in contents.items()),
    )


def zipped(*entries: tuple[str, bytes], mode: int = 0) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in entries:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = mode << 16
            archive.writestr(info, body)
    return sink.getvalue()


def tarred(*entries: tuple[str, bytes], kind: bytes = tarfile.REGTYPE) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w:gz") as archive:
        for name, body in entries:
            info = tarfile.TarInfo(name)
            info.type = kind
            info.size = len(body) if kind == tarfile.REGTYPE else 0
            info.linkname = "/etc/passwd" if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
            archive.addfile(info, io.BytesIO(body))
    return sink.getvalue()


def left(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("prefix", ["", "./", "corpus/"])
@pytest.mark.parametrize(("kind", "make"), [("zip", zipped), ("tar.gz", tarred)])
def test_archive_is_unpacked_and_removed(tmp_path, kind, make, prefix):
    archive = make((f"{prefix}one", ONE), (f"{prefix}READ.ME", b"hello"), (f"{prefix}two", TWO))
    dataset = packed(tmp_path, archive, kind, two=TWO, one=ONE)
    paths = fetch(dataset, tmp_path)
    assert [path.read_bytes() for path in paths] == [TWO, ONE]
    assert left(tmp_path) == ["packed/one", "packed/two"]
    assert fetch(dataset, tmp_path) == paths


def test_archive_with_folders_is_unpacked_flat(tmp_path):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.mkdir("corpus")
        archive.writestr("corpus/one", ONE)
    fetch(packed(tmp_path, sink.getvalue(), "zip", one=ONE), tmp_path)
    assert left(tmp_path) == ["packed/one"]


def test_missing_file_is_unpacked_again(tmp_path):
    archive = zipped(("one", ONE), ("two", TWO))
    one, two = fetch(packed(tmp_path, archive, "zip", one=ONE, two=TWO), tmp_path)
    one.unlink()
    fetch(packed(tmp_path, archive, "zip", one=ONE, two=TWO), tmp_path)
    assert (one.read_bytes(), two.read_bytes()) == (ONE, TWO)


@pytest.mark.parametrize(
    "name", ["../one", "a/../../one", "/one", "..\\one", "C:\\one", "c:one", "\\\\host\\share\\one", ".."]
)
@pytest.mark.parametrize(("kind", "make"), [("zip", zipped), ("tar.gz", tarred)])
def test_entry_that_points_elsewhere_is_refused(tmp_path, kind, make, name):
    archive = make(("one", ONE), (name, b"bad"))
    with pytest.raises(ShortestError, match="points outside the folder"):
        fetch(packed(tmp_path / "in", archive, kind, one=ONE), tmp_path / "in")
    assert left(tmp_path) == []


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_tar_entry_that_is_no_plain_file_is_refused(tmp_path, kind):
    with pytest.raises(ShortestError, match="is not a plain file"):
        fetch(packed(tmp_path, tarred(("one", b""), kind=kind), "tar.gz", one=ONE), tmp_path)
    assert left(tmp_path) == []


def test_zip_entry_that_is_a_link_is_refused(tmp_path):
    archive = zipped(("one", b"/etc/passwd"), mode=stat.S_IFLNK | 0o777)
    with pytest.raises(ShortestError, match="is not a plain file"):
        fetch(packed(tmp_path, archive, "zip", one=ONE), tmp_path)
    assert left(tmp_path) == []


@pytest.mark.parametrize(("kind", "make"), [("zip", zipped), ("tar.gz", tarred)])
def test_bomb_is_refused_unopened(tmp_path, kind, make):
    archive = make(("one", ONE), ("more", bytes(archives.MARGIN + 1)))
    assert len(archive) < 10_000
    with pytest.raises(ShortestError, match="unpacks to more than the 20,000 bytes"):
        fetch(packed(tmp_path, archive, kind, one=ONE), tmp_path)
    assert left(tmp_path) == []


def test_archive_of_too_many_entries_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MEMBERS", 3)
    archive = zipped(*((str(number), b"") for number in range(3)), ("one", ONE))
    with pytest.raises(ShortestError, match="unpacks to more"):
        fetch(packed(tmp_path, archive, "zip", one=ONE), tmp_path)


def test_entry_that_understates_its_size_is_stopped(tmp_path):
    archive = zipped(("one", ONE + b"?"))
    lie = archive.replace((len(ONE) + 1).to_bytes(4, "little"), len(ONE).to_bytes(4, "little"))
    assert lie != archive
    with pytest.raises(ShortestError, match="archive from"):
        fetch(packed(tmp_path, lie, "zip", one=ONE), tmp_path)
    assert left(tmp_path) == []


@pytest.mark.parametrize(("kind", "make"), [("zip", zipped), ("tar.gz", tarred)])
@pytest.mark.parametrize("other", [ONE[:-1], ONE + b"?", ONE[::-1]])
def test_wrong_entry_is_deleted(tmp_path, kind, make, other):
    with pytest.raises(ShortestError, match=hashlib.sha256(ONE).hexdigest()):
        fetch(packed(tmp_path, make(("one", other)), kind, one=ONE), tmp_path)
    assert left(tmp_path) == []


@pytest.mark.parametrize(("kind", "make"), [("zip", zipped), ("tar.gz", tarred)])
def test_missing_entry_is_named(tmp_path, kind, make):
    with pytest.raises(ShortestError, match="it lacks two"):
        fetch(packed(tmp_path, make(("one", ONE)), kind, one=ONE, two=TWO), tmp_path)
    assert left(tmp_path) == []


def test_two_entries_of_one_name_are_refused(tmp_path):
    with pytest.raises(ShortestError, match="two 'one'"):
        fetch(packed(tmp_path, tarred(("a/one", ONE), ("b/one", ONE)), "tar.gz", one=ONE), tmp_path)


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
@pytest.mark.parametrize(
    "archive",
    [
        b"",
        b"<html>Please log in</html>",
        gzip.compress(b"no tar"),
        zipped(("one", ONE))[:-30],
        tarred(("one", ONE))[:60],
    ],
    ids=[
        "empty",
        "a web page",
        "gzip of no tar",
        "a zip cut short",
        "a tar cut short",
    ],  # gzip holds the time
)
def test_damaged_archive_is_deleted(tmp_path, kind, archive):
    with pytest.raises(ShortestError, match=r"damaged|lacks one"):
        fetch(packed(tmp_path, archive, kind, one=ONE), tmp_path)
    assert left(tmp_path) == []


@pytest.mark.parametrize(("kind", "make"), [("zip", zipped), ("tar.gz", tarred)])
def test_archive_with_any_byte_changed_never_yields_a_wrong_file(tmp_path, kind, make):
    good = make(("one", ONE))
    for place in range(len(good)):
        bad = good[:place] + bytes([good[place] ^ 0x55]) + good[place + 1 :]
        dataset = packed(tmp_path, bad, kind, one=ONE)
        try:
            (path,) = fetch(dataset, tmp_path)
        except ShortestError:
            assert left(tmp_path) == []
        else:
            assert path.read_bytes() == ONE
        shutil.rmtree(tmp_path / "packed")


def test_interrupt_while_unpacking_keeps_the_archive(tmp_path, monkeypatch):
    dataset = packed(tmp_path, zipped(("one", ONE), ("two", TWO)), "zip", one=ONE, two=TWO)
    copy = archives._copy

    def interrupted(entry, path: Path) -> str:
        if path.name.startswith("two"):
            path.write_bytes(b"half")
            raise KeyboardInterrupt
        return copy(entry, path)

    monkeypatch.setattr(archives, "_copy", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch(dataset, tmp_path)
    assert left(tmp_path) == ["packed/file.bin.part", "packed/one"]
    monkeypatch.setattr(archives, "_copy", copy)
    fetch(dataset, tmp_path)
    assert left(tmp_path) == ["packed/one", "packed/two"]

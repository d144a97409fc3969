"""Unpack a downloaded archive without trusting it: zip and tar.gz.

Archives are read, never "extracted": only the files of the catalogue are written, under the catalogue's
names, with the sizes stated there. One entry that points elsewhere or is no plain file, or more bytes than
the catalogue says, and nothing is written at all.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from autograder.datasets import DataFile, Dataset
from autograder.model import ShortestError

BLOCK = 1 << 16
MEMBERS = 1000  # entries that an archive may list
MARGIN = 1_000_000  # bytes that an archive may hold beside the files of the catalogue, such as a read-me
DAMAGE = (  # what the readers raise over bytes that are no archive; a seek to nowhere is an OSError
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class _Packed:
    """One entry of an archive: what it calls itself, and how to read it."""

    name: str
    size: int
    is_file: bool
    is_folder: bool
    open: Callable[[], IO[bytes] | None]


class _DamagedError(Exception):
    """The archive cannot be read."""


def unpack(dataset: Dataset, archive: Path, folder: Path) -> None:
    """Write the files of the catalogue from an archive into `folder`.

    ShortestError, and no wrong file, if it is suspect. The caller then deletes the archive: so the error says.
    """
    reader = {"zip": _zip_entries, "tar.gz": _tar_entries}[dataset.archive]
    try:
        with reader(archive) as entries:
            with _reading():
                chosen = _choose(dataset, entries)
            for file in dataset.files:
                _place(dataset, chosen[file.name], file, folder / file.name)
    except _DamagedError as error:
        raise ShortestError(
            f"The archive from {dataset.url} is damaged ({error}) and was deleted. {dataset.advice}"
        ) from error


@contextmanager
def _reading() -> Iterator[None]:
    """Tell errors of reading an archive from errors of writing to the disk."""
    try:
        yield
    except DAMAGE as error:
        raise _DamagedError(f"{error}") from error


@contextmanager
def _zip_entries(path: Path) -> Iterator[Iterator[_Packed]]:
    with _reading():
        archive = zipfile.ZipFile(path)
    with archive:
        yield (
            _Packed(
                name=info.filename,
                size=info.file_size,
                is_file=stat.S_IFMT(info.external_attr >> 16) in (0, stat.S_IFREG) and not info.is_dir(),
                is_folder=info.is_dir(),
                open=partial(archive.open, info),
            )
            for info in archive.infolist()
        )


@contextmanager
def _tar_entries(path: Path) -> Iterator[Iterator[_Packed]]:
    with _reading():
        archive = tarfile.open(path, "r:gz")  # noqa: SIM115 - the with below closes it
    with archive:
        yield (
            _Packed(info.name, info.size, info.isreg(), info.isdir(), partial(archive.extractfile, info))
            for info in archive
        )


def _choose(dataset: Dataset, entries: Iterator[_Packed]) -> dict[str, _Packed]:
    """Return the entry of each file of the data set, by the last component of its name."""
    wanted = {file.name for file in dataset.files}
    chosen: dict[str, _Packed] = {}
    total = 0
    for count, entry in enumerate(entries, start=1):
        total += entry.size
        if count > MEMBERS or total > dataset.unpacked + MARGIN:
            raise ShortestError(
                f"The archive from {dataset.url} was refused and deleted: it unpacks to more than the "
                f"{dataset.unpacked:,} bytes that the catalogue says."
            )
        name = _safe_name(dataset, entry)
        if entry.is_file and name in wanted:
            if name in chosen:
                raise ShortestError(f"The archive from {dataset.url} was refused and deleted: two {name!r}.")
            chosen[name] = entry
    if missing := wanted - chosen.keys():
        raise ShortestError(
            f"The archive from {dataset.url} was deleted: it lacks {', '.join(sorted(missing))}."
        )
    return chosen


def _safe_name(dataset: Dataset, entry: _Packed) -> str:
    """Return the last component of an entry's name; ShortestError for one that points elsewhere."""
    path = PurePosixPath(entry.name.replace("\\", "/"))
    if (
        path.is_absolute()
        or ".." in path.parts
        or ":" in entry.name
        or not (entry.is_file or entry.is_folder)
    ):
        raise ShortestError(
            f"The archive from {dataset.url} was refused and deleted: its entry {entry.name!r} "
            f"points outside the folder or is not a plain file."
        )
    return path.name


def _place(dataset: Dataset, entry: _Packed, file: DataFile, path: Path) -> None:
    """Unpack one entry beside its place, and move it there once its size and hash are right."""
    scratch = path.with_name(f"{path.name}.unpacked")
    try:
        found = _copy(entry, scratch) if entry.size == file.size else "not computed"
        if found != file.sha256:
            raise ShortestError(
                f"The archive from {dataset.url} was deleted: its {file.name} has {entry.size:,} bytes with "
                f"SHA-256 {found}, expected {file.size:,} bytes with SHA-256 {file.sha256}."
            )
        os.replace(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)


def _copy(entry: _Packed, path: Path) -> str:
    """Write an entry to `path`, at most the size it states (both readers see to that); return its SHA-256."""
    digest = hashlib.sha256()
    with _reading():
        source = entry.open()
    if source is None:
        raise _DamagedError(f"{entry.name!r} has no content")
    with source, path.open("wb") as sink:
        while True:
            with _reading():
                block = source.read(BLOCK)
            if not block:
                return digest.hexdigest()
            digest.update(block)
            sink.write(block)

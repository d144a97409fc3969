"""Fetch the classic corpora by name: `get("enwik8", folder)`; `catalogue()` says what there is.

A file appears under its own name only after its size and SHA-256 were checked. Until then it is a `.part`
file, which a cut connection or Ctrl-C leaves behind and the next call goes on from (`download`). A download
with the wrong hash is deleted. Archives are read, never "extracted" (`archives`). Two calls at once on one
folder may spoil each other's `.part`: its hash is then refused, and nothing wrong is kept.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from autograder.archives import unpack
from autograder.datasets import DataFile, Dataset, catalogue
from autograder.download import Progress, discard, download, sha256, verify
from autograder.model import ShortestError

__all__ = ["DataFile", "Dataset", "Progress", "catalogue", "fetch", "get", "names"]


def names() -> list[str]:
    """Return the names that `get` knows.

    >>> "enwik8" in names()
    True
    """
    return list(catalogue())


def get(name: str, folder: Path, progress: Progress | None = None) -> list[Path]:
    """Fetch a data set into `folder/name` and return its files; what is there and right is not fetched again.

    ShortestError: an unknown name, a server or a disk that refuses, bytes that are not the catalogue's.
    """
    dataset = catalogue().get(name)
    if dataset is None:
        raise ShortestError(f"No data set is called {name!r}. Choose one of: {', '.join(names())}.")
    return fetch(dataset, folder, progress)


def fetch(dataset: Dataset, folder: Path, progress: Progress | None = None) -> list[Path]:
    """Do the work of `get` for any data set, whether or not it is in the catalogue."""
    if dataset.archive == "folder":
        return [path for part in dataset.parts() for path in fetch(part, folder, progress)]
    home = folder / dataset.name
    paths = [home / file.name for file in dataset.files]
    try:
        if all(_is_right(path, file) for path, file in zip(paths, dataset.files, strict=True)):
            return paths
        home.mkdir(parents=True, exist_ok=True)
        part = home / f"{PurePosixPath(urlsplit(dataset.url).path).name}.part"
        download(dataset, part, progress or (lambda _done, _total: None))
        verify(dataset, part)
        _put_in_place(dataset, part, home)
    except OSError as error:
        raise ShortestError(f"{dataset.name} cannot be stored in {home}: {error}.") from error
    return paths


def _is_right(path: Path, file: DataFile) -> bool:
    return path.is_file() and path.stat().st_size == file.size and sha256(path) == file.sha256


def _put_in_place(dataset: Dataset, part: Path, home: Path) -> None:
    """Make the files of a checked download; it is deleted when it was used, and when it is of no use."""
    try:
        if dataset.archive:
            unpack(dataset, part, home)
        else:
            os.replace(part, home / dataset.files[0].name)
    except ShortestError:
        discard(part)
        raise
    discard(part)

"""Larger tables and pictures, for whoever has fetched them: `shortest data get NAME` puts them into `data/NAME`.

Each function returns None where its files aren't there, so that a chapter can go on without. The sizes and the
hashes were checked when the files were fetched (`data`); what is read here is checked for its shape alone.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from autograder.model import ShortestError
from autograder.samples import Table

__all__ = ["Pictures", "california", "clothes", "loans"]

DATA = Path("data")
DAMAGE = (OSError, EOFError, ValueError, KeyError, zlib.error, tarfile.TarError)
BLOCKS = (
    "longitude", "latitude", "age", "rooms", "bedrooms", "people", "households", "income", "value",
)  # fmt: skip


class Pictures(NamedTuple):
    """Grey pictures with what each one shows, to train on and to test on; greys are bytes, and 0 is black."""

    train: NDArray[np.uint8]
    train_labels: NDArray[np.int64]
    test: NDArray[np.uint8]
    test_labels: NDArray[np.int64]


def clothes(folder: Path = DATA) -> Pictures | None:
    """Return Fashion-MNIST, 28 × 28 greys each, of ten kinds of clothes; None where it wasn't fetched.

    ShortestError where a file is damaged. Source: Xiao, Rasul and Vollgraf (2017).
    """
    home = folder / "fashion-mnist"
    if not home.is_dir():
        return None
    try:
        images, labels = (
            [_idx(home / f"{part}-{kind}-ubyte.gz") for part in ("train", "t10k")]
            for kind in ("images-idx3", "labels-idx1")
        )
    except DAMAGE as error:
        raise _damaged("fashion-mnist", home, error) from error
    return Pictures(images[0], labels[0].astype(np.int64), images[1], labels[1].astype(np.int64))


def california(folder: Path = DATA) -> Table | None:
    """Return nine numbers of each block of houses, the last its median value in dollars; None where it is absent.

    ShortestError where the file is damaged. Source: Pace and Barry (1997).
    """
    path = folder / "california-housing" / "cal_housing.tgz"
    if not path.is_file():
        return None
    try:
        with tarfile.open(path, "r:gz") as archive:
            file = archive.extractfile("CaliforniaHousing/cal_housing.data")
            text = file.read(1 << 24).decode("ascii") if file else ""
        rows = np.loadtxt(io.StringIO(text), delimiter=",", ndmin=2)
        return Table(BLOCKS, rows.reshape(-1, len(BLOCKS)))
    except DAMAGE as error:
        raise _damaged("california-housing", path, error) from error


def loans(folder: Path = DATA) -> tuple[NDArray[np.float64], NDArray[np.int64]] | None:
    """Return 24 numbers of each loan, and whether it went bad (1) or not (0); None where they weren't fetched.

    ShortestError where the file is damaged. Source: Hofmann (1994), as Strathclyde University made it numbers.
    """
    path = folder / "german-credit" / "german.data-numeric"
    if not path.is_file():
        return None
    try:
        rows = np.loadtxt(path, ndmin=2).reshape(-1, 25)
    except DAMAGE as error:
        raise _damaged("german-credit", path, error) from error
    return rows[:, :-1], rows[:, -1].astype(np.int64) - 1  # the file says 1 for good and 2 for bad


def _idx(path: Path) -> NDArray[np.uint8]:
    """Read a file of bytes in the IDX format: two zeros, 8, the number of axes, their lengths, the bytes."""
    blob = gzip.decompress(path.read_bytes())
    if blob[:3] != b"\0\0\x08":
        raise ValueError(f"{path.name} isn't an IDX file of bytes")
    shape = np.frombuffer(blob, ">u4", count=blob[3], offset=4)
    return np.frombuffer(blob, np.uint8, offset=4 + 4 * blob[3]).reshape(shape)


def _damaged(name: str, path: Path, error: BaseException) -> ShortestError:
    return ShortestError(f"{path} is damaged ({error}). Delete it, and run: shortest data get {name}")

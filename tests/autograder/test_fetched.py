"""What was fetched is read as its publishers describe it, absent files are None, and damaged ones say so."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
from pathlib import Path

import numpy as np
import pytest

from autograder.fetched import california, clothes, loans
from autograder.model import ShortestError


def write_idx(path: Path, array: np.ndarray) -> None:
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(gzip.compress(head + array.tobytes()))


def write_clothes(folder: Path) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    arrays = {
        "train-images-idx3-ubyte.gz": random.integers(0, 256, (3, 28, 28), dtype=np.uint8),
        "train-labels-idx1-ubyte.gz": np.array([9, 0, 4], np.uint8),
        "t10k-images-idx3-ubyte.gz": random.integers(0, 256, (2, 28, 28), dtype=np.uint8),
        "t10k-labels-idx1-ubyte.gz": np.array([1, 8], np.uint8),
    }
    for name, array in arrays.items():
        write_idx(folder / "fashion-mnist" / name, array)
    return arrays


def write_blocks(folder: Path, member: str, text: str) -> None:
    (folder / "california-housing").mkdir(exist_ok=True)
    with tarfile.open(folder / "california-housing" / "cal_housing.tgz", "w:gz") as archive:
        entry = tarfile.TarInfo(member)
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text.encode()))


@pytest.mark.parametrize("read", [california, clothes, loans])
def test_absent_files_are_none(read, tmp_path):
    assert read(tmp_path) is None


def test_clothes(tmp_path):
    arrays = write_clothes(tmp_path)
    pictures = clothes(tmp_path)
    for ours, theirs in zip(pictures, arrays.values(), strict=True):
        assert np.array_equal(ours, theirs)
    assert [array.dtype for array in pictures] == [np.uint8, np.int64] * 2


@pytest.mark.parametrize("damage", [lambda blob: blob[:-9], lambda _: gzip.compress(b"\0\0\x0d\x01")])
def test_damaged_clothes(tmp_path, damage):
    write_clothes(tmp_path)
    path = tmp_path / "fashion-mnist" / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ShortestError, match=r"is damaged .*shortest data get fashion-mnist"):
        clothes(tmp_path)


def test_california(tmp_path):
    write_blocks(
        tmp_path, "CaliforniaHousing/cal_housing.data", "-122.23,37.88,41,880,129,322,126,8.3252,452600\n"
    )
    table = california(tmp_path)
    assert table.column("longitude") == [-122.23]
    assert table.column("value") == [452600]


@pytest.mark.parametrize(
    ("member", "text"), [("other", "1\n"), ("CaliforniaHousing/cal_housing.data", "1,2\n")]
)
def test_damaged_california(tmp_path, member, text):
    write_blocks(tmp_path, member, text)
    with pytest.raises(ShortestError, match=r"is damaged .*shortest data get california-housing"):
        california(tmp_path)


def test_loans(tmp_path):
    (tmp_path / "german-credit").mkdir()
    path = tmp_path / "german-credit" / "german.data-numeric"
    path.write_text("   1   6" + "  4" * 22 + "  1 \n   2  48" + "  2" * 22 + "  2 \n")
    x, bad = loans(tmp_path)
    assert x.shape == (2, 24)
    assert x[:, 1].tolist() == [6, 48]
    assert bad.tolist() == [0, 1]
    path.write_text("1 2 3\n")
    with pytest.raises(ShortestError, match=r"is damaged .*shortest data get german-credit"):
        loans(tmp_path)

"""A data set is the catalogue's bytes under their own names, or no file at all."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from autograder import data
from autograder.data import DataFile, Dataset, catalogue, fetch, get, names
from autograder.model import ShortestError

BODY = bytes(range(256)) * 40


def downloaded(folder: Path) -> Dataset:
    """Lay a file where a download leaves it; the address is refused, so that nothing else is ever fetched."""
    (folder / "plain").mkdir(exist_ok=True)
    (folder / "plain" / "file.bin.part").write_bytes(BODY)
    file = DataFile("plain.txt", len(BODY), hashlib.sha256(BODY).hexdigest())
    url = "http://example.org/some/file.bin"
    return Dataset("plain", "A file", "https://example.org/", url, "", file.size, file.sha256, (file,))


def test_catalogue_holds_the_classic_corpora():
    assert names() == [
        "enwik8",
        "canterbury",
        "silesia",
        "tinyshakespeare",
        "fashion-mnist",
        "california-housing",
        "german-credit",
    ]
    sizes = {name: dataset.unpacked for name, dataset in catalogue().items()}
    assert sizes == {
        "enwik8": 100_000_000,
        "canterbury": 2_810_784,
        "silesia": 211_938_580,
        "tinyshakespeare": 1_115_394,
        "fashion-mnist": 30_878_645,
        "california-housing": 441_963,
        "german-credit": 102_000,
    }


@pytest.mark.parametrize("dataset", catalogue().values(), ids=names())
def test_every_entry_is_complete(dataset):
    assert dataset.url.startswith("https://")
    assert dataset.home.startswith("https://")
    assert dataset.archive in ("zip", "tar.gz", "folder", "")
    if dataset.archive == "folder":
        assert dataset.url.endswith("/")
        assert dataset.size == dataset.unpacked
        assert [part.url for part in dataset.parts()] == [dataset.url + file.name for file in dataset.files]
    hashes = [*(file.sha256 for file in dataset.files), dataset.sha256 or dataset.files[0].sha256]
    assert all(len(bytes.fromhex(text)) == 32 for text in hashes)
    assert len({file.name for file in dataset.files}) == len(dataset.files)
    assert all(file.name == Path(file.name).name and file.size > 0 for file in dataset.files)
    if not dataset.archive:
        assert [(dataset.size, dataset.sha256)] == [(file.size, file.sha256) for file in dataset.files]


def test_unknown_name_lists_the_known_ones(tmp_path):
    with pytest.raises(ShortestError) as caught:
        get("enwik7", tmp_path)
    assert "'enwik7'" in str(caught.value)
    assert "enwik8, canterbury, silesia, tinyshakespeare, fashion-mnist" in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_get_takes_what_the_catalogue_says(tmp_path, monkeypatch):
    dataset = downloaded(tmp_path)
    monkeypatch.setattr(data, "catalogue", lambda: {"plain": dataset})
    (path,) = get("plain", tmp_path)
    assert path == tmp_path / "plain" / "plain.txt"
    assert path.read_bytes() == BODY


def test_each_file_of_a_folder_is_fetched_by_itself(tmp_path):
    bodies = {"one.bin": BODY, "two.bin": BODY[::-1]}
    files = tuple(
        DataFile(name, len(body), hashlib.sha256(body).hexdigest()) for name, body in bodies.items()
    )
    base = "http://example.org/folder/"
    dataset = Dataset("plain", "Files", "https://example.org/", base, "folder", 2 * len(BODY), "", files)
    (tmp_path / "plain").mkdir()
    for name, body in bodies.items():
        (tmp_path / "plain" / f"{name}.part").write_bytes(body)
    paths = fetch(dataset, tmp_path)
    assert {path.name: path.read_bytes() for path in paths} == bodies
    assert sorted((tmp_path / "plain").iterdir()) == sorted(paths)
    paths[1].unlink()
    (tmp_path / "plain" / "two.bin.part").write_bytes(BODY)  # the other file's bytes
    with pytest.raises(ShortestError, match=r"folder/two\.bin"):
        fetch(dataset, tmp_path)
    assert paths[0].read_bytes() == BODY


def test_right_file_is_not_fetched_again(tmp_path):
    dataset = downloaded(tmp_path)
    assert fetch(dataset, tmp_path) == [tmp_path / "plain" / "plain.txt"]
    assert fetch(dataset, tmp_path) == [tmp_path / "plain" / "plain.txt"]


@pytest.mark.parametrize("wrong", [b"", BODY[:-1], BODY[:-1] + b"?"])
def test_wrong_file_is_fetched_again(tmp_path, wrong):
    dataset = downloaded(tmp_path)
    path = tmp_path / "plain" / "plain.txt"
    path.write_bytes(wrong)
    assert fetch(dataset, tmp_path) == [path]
    assert path.read_bytes() == BODY
    assert list(path.parent.iterdir()) == [path]


def test_wrong_old_file_stays_until_the_new_one_is_right(tmp_path):
    dataset = downloaded(tmp_path)
    (path,) = fetch(dataset, tmp_path)
    path.write_bytes(b"mine")
    with pytest.raises(ShortestError, match="Refused to fetch"):
        fetch(dataset, tmp_path)
    assert path.read_bytes() == b"mine"


def test_folder_that_cannot_be_made_is_named(tmp_path):
    dataset = downloaded(tmp_path)
    (tmp_path / "in the way").write_bytes(b"a file")
    with pytest.raises(ShortestError, match="plain cannot be stored in"):
        fetch(dataset, tmp_path / "in the way")

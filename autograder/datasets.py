"""The classic corpora that can be fetched, as `datasets.toml` lists them: addresses, sizes, hashes."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file as it lies in the folder: its name, its size in bytes, its SHA-256."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """One entry of the catalogue: `url` gives `size` bytes; `archive` is zip, tar.gz, folder or empty.

    A folder's `url` ends in a slash, and each file is fetched from the `url` with its name at the end.
    """

    name: str
    title: str
    home: str
    url: str
    archive: str
    size: int
    sha256: str
    files: tuple[DataFile, ...]

    @property
    def unpacked(self) -> int:
        """The bytes of all files together."""
        return sum(file.size for file in self.files)

    def parts(self) -> tuple[Dataset, ...]:
        """Return one data set for each file of a folder, which is fetched by itself into the same place."""
        return tuple(
            replace(
                self, url=self.url + file.name, archive="", size=file.size, sha256=file.sha256, files=(file,)
            )
            for file in self.files
        )

    @property
    def advice(self) -> str:
        """What to do when the server gives something else than the catalogue says."""
        return f"Try once more; if it stays so, the file has moved or changed: see {self.home}"


@cache
def catalogue() -> dict[str, Dataset]:
    """Return every data set by name, in the order of `datasets.toml`."""
    table = tomllib.loads(files("autograder").joinpath("datasets.toml").read_text(encoding="utf-8"))
    return {
        name: Dataset(
            name=name,
            title=entry["title"],
            home=entry["home"],
            url=entry["url"],
            archive=entry["archive"],
            size=entry["bytes"],
            sha256=entry["sha256"],
            files=tuple(DataFile(file["name"], file["bytes"], file["sha256"]) for file in entry["files"]),
        )
        for name, entry in table.items()
    }

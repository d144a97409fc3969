"""Fetch the classic corpora by name: `get("enwik8", folder)`; `catalogue()` says what there is.

A file appears under its own name only after its size and SHA-256 were checked. Until then it is a `.part`
file, which a cut connection or Ctrl-C leaves behind and the next call goes on from (HTTP Range; If-Range
where the server names its version). A download with the wrong hash is deleted. Archives are read, never
"extracted": only the files of the catalogue are written, under the catalogue's names, with the sizes stated
there.

It uses `urllib`. Pooch, the usual library for this, begins every cut download again from byte 0; 68 MB from
a slow server need better. Two calls at once on one folder may spoil each other's `.part`: its hash is then
refused, and nothing wrong is kept.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import ssl
import stat
import tarfile
import time
import tomllib
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import IO
from urllib.parse import urlsplit

from autograder.model import ShortestError

__all__ = ["DataFile", "Dataset", "Progress", "catalogue", "fetch", "get", "names"]

Progress = Callable[[int, int], None]  # bytes that are here, bytes in all

TRIES = 4
WAIT = 1.0  # seconds before the second try, doubled before each later one
SILENCE = 30.0  # seconds without one byte after which a connection counts as cut
BLOCK = 1 << 16
MEMBERS = 1000  # entries that an archive may list
MARGIN = 1_000_000  # bytes that an archive may hold beside the files of the catalogue, such as a read-me
BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})  # answers that another try may change
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
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
class DataFile:
    """One file as it lies in the folder: its name, its size in bytes, its SHA-256."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """One entry of the catalogue: `url` gives `size` bytes; `archive` is zip, tar.gz or empty."""

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


@dataclass(frozen=True, slots=True)
class _Packed:
    """One entry of an archive: what it calls itself, and how to read it."""

    name: str
    size: int
    is_file: bool
    is_folder: bool
    open: Callable[[], IO[bytes] | None]


class _Cut(Exception):  # noqa: N818 - not an error yet: another try may do
    """The connection failed in a way that may pass."""


class _DamagedError(Exception):
    """The archive cannot be read."""


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
    home = folder / dataset.name
    paths = [home / file.name for file in dataset.files]
    try:
        if all(_is_right(path, file) for path, file in zip(paths, dataset.files, strict=True)):
            return paths
        home.mkdir(parents=True, exist_ok=True)
        part = home / f"{PurePosixPath(urlsplit(dataset.url).path).name}.part"
        _download(dataset, part, progress or (lambda _done, _total: None))
        _verify(dataset, part)
        if dataset.archive:
            _unpack(dataset, part, home)
        else:
            os.replace(part, paths[0])
        _discard(part)
    except OSError as error:
        raise ShortestError(f"{dataset.name} cannot be stored in {home}: {error}.") from error
    return paths


def _is_right(path: Path, file: DataFile) -> bool:
    return path.is_file() and path.stat().st_size == file.size and _sha256(path) == file.sha256


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# --- downloading ---


def _download(dataset: Dataset, part: Path, progress: Progress) -> None:
    """Make `part` as long as the data set is, going on from what it holds."""
    reason = ""
    for attempt in range(TRIES):
        if attempt:
            time.sleep(WAIT * 2 ** (attempt - 1))
        try:
            _try_once(dataset, part, progress)
        except _Cut as cut:
            reason = str(cut)
        else:
            return
    kept = part.stat().st_size if part.exists() else 0
    again = f"; {kept:,} of {dataset.size:,} bytes are kept in {part}" if kept else ""
    raise ShortestError(
        f"{dataset.url} could not be fetched in {TRIES} tries: {reason}{again}. "
        f"Check the network, then run the same command again."
    )


def _try_once(dataset: Dataset, part: Path, progress: Progress) -> None:
    have = part.stat().st_size if part.exists() else 0
    if have > dataset.size:
        _discard(part)
        have = 0
    if have == dataset.size:
        progress(have, dataset.size)
        return
    with _request(dataset, part, have) as response:
        done = _start(response, dataset, part, have)
        with part.open("ab") as file:
            file.truncate(done)
            progress(done, dataset.size)
            while done <= dataset.size and (block := _read(response)):
                file.write(block[: dataset.size - done])
                done += len(block)
                progress(min(done, dataset.size), dataset.size)
    if done < dataset.size:
        raise _Cut(f"the connection ended after {done:,} of {dataset.size:,} bytes")
    if done > dataset.size:
        _discard(part)
        raise ShortestError(
            f"{dataset.url} sends more than the {dataset.size:,} bytes that the catalogue says. "
            f"The download was stopped and deleted. {_changed(dataset)}"
        )


def _request(dataset: Dataset, part: Path, have: int) -> http.client.HTTPResponse:
    """Ask for the bytes from `have` on; _Cut if another try may do, ShortestError if none will."""
    _check_address(dataset.url)
    headers = {"User-Agent": "shortest-program (urllib)", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if _tag_file(part).exists():
            headers["If-Range"] = _tag_file(part).read_text(encoding="latin-1")
    request = urllib.request.Request(dataset.url, headers=headers)  # noqa: S310 - _check_address has seen the scheme
    try:
        response: http.client.HTTPResponse = urllib.request.build_opener(_SafeRedirects).open(
            request, timeout=SILENCE
        )
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            _discard(part)
        elif error.code not in BUSY:
            raise ShortestError(
                f"{dataset.url} answered {error.code} {error.reason}. {_changed(dataset)}"
            ) from error
        raise _Cut(f"the server answered {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            raise ShortestError(f"{dataset.url} cannot be trusted: {error.reason}.") from error
        raise _Cut(f"{error.reason}") from error
    except (http.client.HTTPException, OSError) as error:
        raise _Cut(f"{type(error).__name__} {error}") from error
    return response


def _start(response: http.client.HTTPResponse, dataset: Dataset, part: Path, have: int) -> int:
    """Return the place of the answer's first byte: `have`, or 0 when the server sends the whole again."""
    if response.status == http.HTTPStatus.PARTIAL_CONTENT:
        given = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        if given is None or int(given[1]) != have:
            _discard(part)
            raise _Cut("the server sent another part than it was asked for")
        length = given[2]
    else:
        length = response.headers.get("Content-Length", "*")
    if length not in ("*", str(dataset.size)):
        raise ShortestError(
            f"{dataset.url} offers {length} bytes; the catalogue says {dataset.size}. {_changed(dataset)}"
        )
    if response.status == http.HTTPStatus.PARTIAL_CONTENT:
        return have
    _keep_tag(response, part)
    return 0


def _read(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read1(
            BLOCK
        )  # what has come, rather than a full block: an interrupt then loses nothing
    except (http.client.HTTPException, OSError) as error:
        raise _Cut(f"{type(error).__name__} {error}") from error


def _keep_tag(response: http.client.HTTPResponse, part: Path) -> None:
    """Remember the file's version; a weak ETag may not stand in If-Range (RFC 9110, section 13.1.5)."""
    tag = response.headers.get("ETag", "")
    if not tag.startswith('"'):
        tag = response.headers.get("Last-Modified", "")
    if tag:
        _tag_file(part).write_text(tag, encoding="latin-1", errors="replace")
    else:
        _tag_file(part).unlink(missing_ok=True)


def _tag_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.tag")


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)
    _tag_file(part).unlink(missing_ok=True)


def _verify(dataset: Dataset, part: Path) -> None:
    found = _sha256(part)
    if found != dataset.sha256:
        _discard(part)
        raise ShortestError(
            f"{dataset.url} gave {dataset.size:,} bytes with SHA-256 {found}, expected SHA-256 "
            f"{dataset.sha256}. The download was deleted. {_changed(dataset)}"
        )


def _changed(dataset: Dataset) -> str:
    return f"Try once more; if it stays so, the file has moved or changed: see {dataset.home}"


def _check_address(url: str) -> None:
    address = urlsplit(url)
    if address.scheme != "https" and not (address.scheme == "http" and address.hostname in LOOPBACK):
        raise ShortestError(f"Refused to fetch {url}: only https addresses are fetched.")


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follow a redirection only to an address that could have stood in the catalogue."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        try:
            _check_address(newurl)
        except ShortestError:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)


# --- archives ---


def _unpack(dataset: Dataset, part: Path, home: Path) -> None:
    """Write the files of the catalogue from the archive `part`; nothing at all if one entry is suspect."""
    reader = {"zip": _zip_entries, "tar.gz": _tar_entries}[dataset.archive]
    try:
        with reader(part) as entries:
            with _reading():
                chosen = _choose(dataset, entries)
            for file in dataset.files:
                _place(dataset, chosen[file.name], file, home / file.name)
    except ShortestError:
        _discard(part)
        raise
    except _DamagedError as error:
        _discard(part)
        raise ShortestError(
            f"The archive from {dataset.url} is damaged ({error}) and was deleted. {_changed(dataset)}"
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

"""Download the bytes of a data set: go on after a cut connection, trust only https, check the hash.

It uses `urllib`. Pooch, the usual library for this, begins every cut download again from byte 0; 68 MB from
a slow server need better. Here HTTP Range asks for what is missing, and If-Range, where the server names the
file's version, sees to it that both halves are of one file.
"""

from __future__ import annotations

import hashlib
import http.client
import re
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from autograder.datasets import Dataset
from autograder.model import ShortestError

Progress = Callable[[int, int], None]  # bytes that are here, bytes in all

TRIES = 4
WAIT = 1.0  # seconds before the second try, doubled before each later one
SILENCE = 30.0  # seconds without one byte after which a connection counts as cut
BLOCK = 1 << 16
BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})  # answers that another try may change
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class _Cut(Exception):  # noqa: N818 - not an error yet: another try may do
    """The connection failed in a way that may pass."""


def download(dataset: Dataset, part: Path, progress: Progress) -> None:
    """Make `part` as long as the data set is, going on from what it holds.

    ShortestError: a server that refuses or is not to be trusted, too many cut connections, another size.
    """
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


def verify(dataset: Dataset, part: Path) -> None:
    """Delete a whole download whose SHA-256 is not the catalogue's, and raise ShortestError."""
    found = sha256(part)
    if found != dataset.sha256:
        discard(part)
        raise ShortestError(
            f"{dataset.url} gave {dataset.size:,} bytes with SHA-256 {found}, expected SHA-256 "
            f"{dataset.sha256}. The download was deleted. {dataset.advice}"
        )


def discard(part: Path) -> None:
    """Delete a download and what was noted about its version."""
    part.unlink(missing_ok=True)
    _tag_file(part).unlink(missing_ok=True)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _try_once(dataset: Dataset, part: Path, progress: Progress) -> None:
    have = part.stat().st_size if part.exists() else 0
    if have > dataset.size:
        discard(part)
        have = 0
    if have == dataset.size:
        progress(have, dataset.size)
        return
    with _open(dataset, part, have) as response:
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
        discard(part)
        raise ShortestError(
            f"{dataset.url} sends more than the {dataset.size:,} bytes that the catalogue says. "
            f"The download was stopped and deleted. {dataset.advice}"
        )


def _request(dataset: Dataset, part: Path, have: int) -> urllib.request.Request:
    """Ask for the bytes from `have` on, of the version that `part` began with where it is known."""
    _check_address(dataset.url)
    headers = {"User-Agent": "shortest-program (urllib)", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if _tag_file(part).exists():
            headers["If-Range"] = _tag_file(part).read_text(encoding="latin-1")
    return urllib.request.Request(dataset.url, headers=headers)  # noqa: S310 - _check_address has seen it


def _open(dataset: Dataset, part: Path, have: int) -> http.client.HTTPResponse:
    """Return the server's answer; _Cut if another try may do, ShortestError if none will."""
    request = _request(dataset, part, have)
    opener = urllib.request.build_opener(_SafeRedirects)
    try:
        response: http.client.HTTPResponse = opener.open(request, timeout=SILENCE)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            discard(part)
        elif error.code not in BUSY:
            raise ShortestError(
                f"{dataset.url} answered {error.code} {error.reason}. {dataset.advice}"
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
    is_rest = response.status == http.HTTPStatus.PARTIAL_CONTENT
    length = response.headers.get("Content-Length", "*")
    if is_rest:
        given = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        if given is None or int(given[1]) != have:
            discard(part)
            raise _Cut("the server sent another part than it was asked for")
        length = given[2]
    if length not in ("*", str(dataset.size)):
        raise ShortestError(
            f"{dataset.url} offers {length} bytes; the catalogue says {dataset.size}. {dataset.advice}"
        )
    if is_rest:
        return have
    _keep_tag(response, part)
    return 0


def _read(response: http.client.HTTPResponse) -> bytes:
    try:  # what has come, rather than a full block: an interrupt then loses nothing
        return response.read1(BLOCK)
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

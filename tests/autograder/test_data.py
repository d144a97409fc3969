"""A download is either the catalogue's bytes under their own names, or no file at all."""

from __future__ import annotations

import gzip
import hashlib
import io
import shutil
import stat
import tarfile
import threading
import urllib.request
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from autograder import data
from autograder.data import DataFile, Dataset, catalogue, fetch, get, names
from autograder.model import ShortestError

BODY = bytes(range(256)) * 1200  # 307,200 bytes: several reads
HALF = len(BODY) // 2


@dataclass
class Seen:
    """What one request asked for."""

    path: str
    range: str | None
    if_range: str | None


class Server:
    """A server on the loopback; `answers` are used up one by one, and the last one stays."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.answers: list[Callable[[BaseHTTPRequestHandler], None]] = [whole()]
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                headers = self.headers
                outer.seen.append(Seen(self.path, headers.get("Range"), headers.get("If-Range")))
                answer = outer.answers[0] if len(outer.answers) == 1 else outer.answers.pop(0)
                answer(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = False  # so that closing the server joins them
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_port}/some/file.bin"

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


def send(handler, status: int, headers: dict[str, str], body: bytes) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def whole(body: bytes = BODY, **headers: str):
    """Answer 200 with everything, whatever was asked for."""
    return lambda handler: send(handler, 200, {"Content-Length": str(len(body)), **_dashed(headers)}, body)


def cut(at: int = HALF, body: bytes = BODY, **headers: str):
    """Promise everything, send `at` bytes and hang up."""
    return lambda handler: send(
        handler, 200, {"Content-Length": str(len(body)), **_dashed(headers)}, body[:at]
    )


def ranged(body: bytes = BODY, until: int | None = None, total: str | None = None, shift: int = 0):
    """Answer 206 from the byte asked for, up to `until`."""

    def answer(handler) -> None:
        start = int(handler.headers["Range"].removeprefix("bytes=").removesuffix("-")) + shift
        rest = body[start:]
        span = f"bytes {start}-{len(body) - 1}/{total or len(body)}"
        send(handler, 206, {"Content-Length": str(len(rest)), "Content-Range": span}, body[start:until])

    return answer


def status(code: int, **headers: str):
    return lambda handler: send(handler, code, {"Content-Length": "2", **_dashed(headers)}, b"no")


def unmeasured(body: bytes):
    """Answer 200 without saying how long the answer is."""
    return lambda handler: send(handler, 200, {}, body)


def _dashed(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(data, "WAIT", 0.0)
    running = Server()
    yield running
    running.close()


def plain(server: Server, body: bytes = BODY) -> Dataset:
    file = DataFile("plain.txt", len(body), hashlib.sha256(body).hexdigest())
    return Dataset("plain", "A file", "https://example.org/", server.url, "", file.size, file.sha256, (file,))


def packed(server: Server, archive: bytes, kind: str, **contents: bytes) -> Dataset:
    server.answers = [whole(archive)]
    return Dataset(
        "packed",
        "An archive",
        "https://example.org/",
        server.url,
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


# --- the catalogue ---


def test_catalogue_holds_the_classic_corpora():
    assert names() == ["enwik8", "canterbury", "silesia", "tinyshakespeare"]
    sizes = {name: dataset.unpacked for name, dataset in catalogue().items()}
    assert sizes == {
        "enwik8": 100_000_000,
        "canterbury": 2_810_784,
        "silesia": 211_938_580,
        "tinyshakespeare": 1_115_394,
    }


@pytest.mark.parametrize("dataset", catalogue().values(), ids=names())
def test_every_entry_is_complete(dataset):
    assert dataset.url.startswith("https://")
    assert dataset.home.startswith("https://")
    assert dataset.archive in ("zip", "tar.gz", "")
    hashes = [dataset.sha256, *(file.sha256 for file in dataset.files)]
    assert all(len(bytes.fromhex(text)) == 32 for text in hashes)
    assert len({file.name for file in dataset.files}) == len(dataset.files)
    assert all(file.name == Path(file.name).name and file.size > 0 for file in dataset.files)
    if not dataset.archive:
        assert [(dataset.size, dataset.sha256)] == [(file.size, file.sha256) for file in dataset.files]


def test_unknown_name_lists_the_known_ones(tmp_path):
    with pytest.raises(ShortestError) as caught:
        get("enwik7", tmp_path)
    assert "'enwik7'" in str(caught.value)
    assert "enwik8, canterbury, silesia, tinyshakespeare" in str(caught.value)
    assert left(tmp_path) == []


def test_get_fetches_what_the_catalogue_says(server, tmp_path, monkeypatch):
    monkeypatch.setattr(data, "catalogue", lambda: {"plain": plain(server)})
    assert get("plain", tmp_path) == [tmp_path / "plain" / "plain.txt"]


# --- downloading ---


def test_whole_file_arrives_with_progress(server, tmp_path):
    calls: list[tuple[int, int]] = []
    (path,) = fetch(plain(server), tmp_path, lambda done, total: calls.append((done, total)))
    assert path.read_bytes() == BODY
    assert left(tmp_path) == ["plain/plain.txt"]
    assert calls[0] == (0, len(BODY))
    assert calls[-1] == (len(BODY), len(BODY))
    assert calls == sorted(calls)
    assert server.seen == [Seen("/some/file.bin", None, None)]


def test_right_file_is_not_fetched_again(server, tmp_path):
    fetch(plain(server), tmp_path)
    assert fetch(plain(server), tmp_path) == [tmp_path / "plain" / "plain.txt"]
    assert len(server.seen) == 1


@pytest.mark.parametrize("wrong", [b"", BODY[:-1], BODY[:-1] + b"?"])
def test_wrong_file_is_fetched_again(server, tmp_path, wrong):
    (path,) = fetch(plain(server), tmp_path)
    path.write_bytes(wrong)
    fetch(plain(server), tmp_path)
    assert path.read_bytes() == BODY


def test_cut_connection_goes_on_where_it_stopped(server, tmp_path):
    server.answers = [cut(ETag='"v1"'), ranged(until=HALF + 1000), ranged()]
    calls: list[int] = []
    (path,) = fetch(plain(server), tmp_path, lambda done, _total: calls.append(done))
    assert path.read_bytes() == BODY
    assert [(seen.range, seen.if_range) for seen in server.seen] == [
        (None, None),
        (f"bytes={HALF}-", '"v1"'),
        (f"bytes={HALF + 1000}-", '"v1"'),
    ]
    assert calls == sorted(calls)
    assert left(tmp_path) == ["plain/plain.txt"]


def test_later_call_goes_on_where_the_last_one_stopped(server, tmp_path):
    server.answers = [cut(ETag='"v1"'), status(503)]
    with pytest.raises(ShortestError) as caught:
        fetch(plain(server), tmp_path)
    assert f"in {data.TRIES} tries: the server answered 503" in str(caught.value)
    assert f"{HALF:,} of {len(BODY):,} bytes are kept" in str(caught.value)
    assert left(tmp_path) == ["plain/file.bin.part", "plain/file.bin.part.tag"]
    assert len(server.seen) == data.TRIES
    server.answers = [ranged()]
    (path,) = fetch(plain(server), tmp_path)
    assert path.read_bytes() == BODY
    assert server.seen[-1] == Seen("/some/file.bin", f"bytes={HALF}-", '"v1"')
    assert left(tmp_path) == ["plain/plain.txt"]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"ETag": 'W/"weak"'}, None),
        (
            {"ETag": 'W/"weak"', "Last_Modified": "Sat, 01 Jan 2000 00:00:00 GMT"},
            "Sat, 01 Jan 2000 00:00:00 GMT",
        ),
        ({"ETag": '"strong"', "Last_Modified": "Sat, 01 Jan 2000 00:00:00 GMT"}, '"strong"'),
        ({}, None),
    ],
)
def test_if_range_names_the_version_only_where_it_may(server, tmp_path, headers, expected):
    server.answers = [cut(**headers), ranged()]
    fetch(plain(server), tmp_path)
    assert server.seen[1].if_range == expected


def test_server_without_range_sends_all_again(server, tmp_path):
    server.answers = [cut(), whole()]
    (path,) = fetch(plain(server), tmp_path)
    assert path.read_bytes() == BODY
    assert server.seen[1].range == f"bytes={HALF}-"


def test_changed_file_is_begun_again(server, tmp_path):
    old = bytes(len(BODY))
    server.answers = [cut(body=old, ETag='"old"'), cut(ETag='"new"'), ranged()]
    (path,) = fetch(plain(server), tmp_path)
    assert path.read_bytes() == BODY
    assert [seen.if_range for seen in server.seen] == [None, '"old"', '"new"']


@pytest.mark.parametrize("answer", [ranged(shift=1), status(206), status(416)])
def test_unusable_part_is_begun_again(server, tmp_path, answer):
    server.answers = [cut(), answer, whole()]
    (path,) = fetch(plain(server), tmp_path)
    assert path.read_bytes() == BODY
    assert [seen.range for seen in server.seen] == [None, f"bytes={HALF}-", None]


def test_part_that_is_whole_needs_no_network(server, tmp_path):
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "file.bin.part").write_bytes(BODY)
    (path,) = fetch(plain(server), tmp_path)
    assert path.read_bytes() == BODY
    assert server.seen == []


def test_part_that_is_too_long_is_thrown_away(server, tmp_path):
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "file.bin.part").write_bytes(BODY + b"?")
    fetch(plain(server), tmp_path)
    assert server.seen == [Seen("/some/file.bin", None, None)]


def test_wrong_bytes_are_deleted_and_both_hashes_said(server, tmp_path):
    other = BODY[::-1]
    server.answers = [whole(other, ETag='"v1"')]
    with pytest.raises(ShortestError) as caught:
        fetch(plain(server), tmp_path)
    assert hashlib.sha256(other).hexdigest() in str(caught.value)
    assert hashlib.sha256(BODY).hexdigest() in str(caught.value)
    assert "deleted" in str(caught.value)
    assert left(tmp_path) == []


@pytest.mark.parametrize("size", [len(BODY) - 1, len(BODY) + 1, 10**12])
def test_announced_wrong_size_stops_at_once(server, tmp_path, size):
    server.answers = [lambda handler: send(handler, 200, {"Content-Length": str(size)}, b"")]
    with pytest.raises(ShortestError, match=f"offers {size} bytes; the catalogue says {len(BODY)}"):
        fetch(plain(server), tmp_path)
    assert len(server.seen) == 1
    assert left(tmp_path) == []


def test_wrong_size_of_a_range_stops_at_once(server, tmp_path):
    server.answers = [cut(), ranged(total="999999")]
    with pytest.raises(ShortestError, match="offers 999999 bytes"):
        fetch(plain(server), tmp_path)
    assert len(server.seen) == 2


def test_stream_that_never_ends_is_stopped(server, tmp_path):
    def endless(handler) -> None:
        send(handler, 200, {}, b"")
        try:
            while True:
                handler.wfile.write(bytes(1 << 16))
        except OSError:
            pass  # the client hung up, as it should

    server.answers = [endless]
    calls: list[int] = []
    with pytest.raises(ShortestError, match=f"sends more than the {len(BODY):,} bytes"):
        fetch(plain(server), tmp_path, lambda done, _total: calls.append(done))
    assert max(calls) == len(BODY)
    assert left(tmp_path) == []


def test_stream_of_unsaid_length_is_taken(server, tmp_path):
    server.answers = [unmeasured(BODY)]
    (path,) = fetch(plain(server), tmp_path)
    assert path.read_bytes() == BODY


@pytest.mark.parametrize("code", [403, 404, 410])
def test_final_answers_are_not_asked_for_twice(server, tmp_path, code):
    server.answers = [status(code)]
    with pytest.raises(ShortestError, match=rf"answered {code} .*see https://example\.org/"):
        fetch(plain(server), tmp_path)
    assert len(server.seen) == 1
    assert left(tmp_path) == []


@pytest.mark.parametrize("code", [429, 500, 503])
def test_passing_answers_are_asked_again(server, tmp_path, code):
    server.answers = [status(code), status(code), whole()]
    fetch(plain(server), tmp_path)
    assert len(server.seen) == 3


def test_waits_grow_and_end(server, tmp_path, monkeypatch):
    waits: list[float] = []
    monkeypatch.setattr(data, "WAIT", 1.0)
    monkeypatch.setattr(data.time, "sleep", waits.append)
    server.answers = [status(500)]
    with pytest.raises(ShortestError, match="could not be fetched in 4 tries"):
        fetch(plain(server), tmp_path)
    assert waits == [1.0, 2.0, 4.0]


def test_no_server_is_said_so(server, tmp_path):
    dataset = plain(server)
    dead = replace(dataset, url="http://127.0.0.1:1/file.bin")
    with pytest.raises(ShortestError, match=r"could not be fetched in 4 tries: .*Check the network"):
        fetch(dead, tmp_path)


def test_hang_up_before_any_answer_is_tried_again(server, tmp_path):
    server.answers = [lambda handler: handler.connection.close(), whole()]
    fetch(plain(server), tmp_path)
    assert len(server.seen) == 2


def test_silence_counts_as_cut(server, tmp_path, monkeypatch):
    over = threading.Event()

    def silent(handler) -> None:
        cut()(handler)
        handler.wfile.flush()
        over.wait(20)

    monkeypatch.setattr(data, "SILENCE", 0.2)
    server.answers = [silent, ranged()]
    try:
        (path,) = fetch(plain(server), tmp_path)
    finally:
        over.set()
    assert path.read_bytes() == BODY
    assert server.seen[1].range == f"bytes={HALF}-"


def test_interrupt_keeps_the_part(server, tmp_path):
    def interrupt(done: int, _total: int) -> None:
        if done >= HALF:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(plain(server), tmp_path, interrupt)
    assert left(tmp_path) == ["plain/file.bin.part"]
    kept = (tmp_path / "plain" / "file.bin.part").read_bytes()
    assert len(kept) >= HALF
    assert BODY.startswith(kept)
    server.answers = [ranged()]
    (path,) = fetch(plain(server), tmp_path)
    assert path.read_bytes() == BODY


def test_final_file_appears_only_after_the_check(server, tmp_path, monkeypatch):
    seen: list[list[str]] = []
    verify = data._verify

    def watched(dataset: Dataset, part: Path) -> None:
        seen.append(left(tmp_path))
        verify(dataset, part)

    monkeypatch.setattr(data, "_verify", watched)
    fetch(plain(server), tmp_path, lambda _done, _total: seen.append(left(tmp_path)))
    assert seen
    assert all("plain/plain.txt" not in files for files in seen)


def test_wrong_old_file_stays_until_the_new_one_is_right(server, tmp_path):
    (path,) = fetch(plain(server), tmp_path)
    path.write_bytes(b"mine")
    server.answers = [status(404)]
    with pytest.raises(ShortestError):
        fetch(plain(server), tmp_path)
    assert path.read_bytes() == b"mine"


def test_folder_that_cannot_be_made_is_named(server, tmp_path):
    (tmp_path / "plain").write_bytes(b"a file in the way")
    with pytest.raises(ShortestError, match="plain cannot be stored in"):
        fetch(plain(server), tmp_path)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/file.bin",
        "http://127.0.0.1.example.org/file.bin",
        "ftp://127.0.0.1/file.bin",
        "file:///etc/passwd",
    ],
)
def test_only_https_is_fetched(server, tmp_path, url):
    with pytest.raises(ShortestError, match="only https"):
        fetch(replace(plain(server), url=url), tmp_path)
    assert left(tmp_path) == []


def test_redirection_is_followed_with_the_range(server, tmp_path):
    server.answers = [cut(), status(302, Location="/elsewhere"), ranged()]
    (path,) = fetch(plain(server), tmp_path)
    assert path.read_bytes() == BODY
    assert server.seen[-1] == Seen("/elsewhere", f"bytes={HALF}-", None)


@pytest.mark.parametrize("target", ["http://example.org/x", "ftp://127.0.0.1/x", "file:///etc/passwd"])
def test_redirection_away_from_https_is_refused(server, tmp_path, target):
    server.answers = [status(302, Location=target)]
    with pytest.raises(ShortestError, match=r"only https|not allowed"):
        fetch(plain(server), tmp_path)
    assert len(server.seen) == 1


def test_certificate_that_fails_is_not_tried_again(server, tmp_path, monkeypatch):
    calls: list[str] = []

    class Distrust:
        def open(self, request, **_options):
            calls.append(request.full_url)
            raise urllib.error.URLError(data.ssl.SSLCertVerificationError(1, "self-signed certificate"))

    monkeypatch.setattr(data.urllib.request, "build_opener", lambda *_handlers: Distrust())
    with pytest.raises(ShortestError, match="cannot be trusted"):
        fetch(replace(plain(server), url="https://example.org/file.bin"), tmp_path)
    assert len(calls) == 1


# --- archives ---

ONE, TWO = b"one " * 5000, b"two " * 9000


@pytest.mark.parametrize("prefix", ["", "./", "corpus/"])
@pytest.mark.parametrize(("kind", "make"), [("zip", zipped), ("tar.gz", tarred)])
def test_archive_is_unpacked_and_removed(server, tmp_path, kind, make, prefix):
    archive = make((f"{prefix}one", ONE), (f"{prefix}READ.ME", b"hello"), (f"{prefix}two", TWO))
    dataset = packed(server, archive, kind, two=TWO, one=ONE)
    paths = fetch(dataset, tmp_path)
    assert [path.read_bytes() for path in paths] == [TWO, ONE]
    assert left(tmp_path) == ["packed/one", "packed/two"]
    fetch(dataset, tmp_path)
    assert len(server.seen) == 1


def test_archive_with_folders_is_unpacked_flat(server, tmp_path):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.mkdir("corpus")
        archive.writestr("corpus/one", ONE)
    fetch(packed(server, sink.getvalue(), "zip", one=ONE), tmp_path)
    assert left(tmp_path) == ["packed/one"]


def test_missing_file_is_unpacked_again(server, tmp_path):
    dataset = packed(server, zipped(("one", ONE), ("two", TWO)), "zip", one=ONE, two=TWO)
    one, two = fetch(dataset, tmp_path)
    one.unlink()
    fetch(dataset, tmp_path)
    assert (one.read_bytes(), two.read_bytes()) == (ONE, TWO)


@pytest.mark.parametrize(
    "name", ["../one", "a/../../one", "/one", "..\\one", "C:\\one", "c:one", "\\\\host\\share\\one", ".."]
)
@pytest.mark.parametrize(("kind", "make"), [("zip", zipped), ("tar.gz", tarred)])
def test_entry_that_points_elsewhere_is_refused(server, tmp_path, kind, make, name):
    archive = make(("one", ONE), (name, b"bad"))
    with pytest.raises(ShortestError, match="points outside the folder"):
        fetch(packed(server, archive, kind, one=ONE), tmp_path / "in")
    assert left(tmp_path) == []


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_tar_entry_that_is_no_plain_file_is_refused(server, tmp_path, kind):
    with pytest.raises(ShortestError, match="is not a plain file"):
        fetch(packed(server, tarred(("one", b""), kind=kind), "tar.gz", one=ONE), tmp_path)
    assert left(tmp_path) == []


def test_zip_entry_that_is_a_link_is_refused(server, tmp_path):
    archive = zipped(("one", b"/etc/passwd"), mode=stat.S_IFLNK | 0o777)
    with pytest.raises(ShortestError, match="is not a plain file"):
        fetch(packed(server, archive, "zip", one=ONE), tmp_path)
    assert left(tmp_path) == []


@pytest.mark.parametrize(("kind", "make"), [("zip", zipped), ("tar.gz", tarred)])
def test_bomb_is_refused_unopened(server, tmp_path, kind, make):
    archive = make(("one", ONE), ("more", bytes(data.MARGIN + 1)))
    assert len(archive) < 10_000
    with pytest.raises(ShortestError, match="unpacks to more than the 20,000 bytes"):
        fetch(packed(server, archive, kind, one=ONE), tmp_path)
    assert left(tmp_path) == []


def test_archive_of_too_many_entries_is_refused(server, tmp_path, monkeypatch):
    monkeypatch.setattr(data, "MEMBERS", 3)
    archive = zipped(*((str(number), b"") for number in range(3)), ("one", ONE))
    with pytest.raises(ShortestError, match="unpacks to more"):
        fetch(packed(server, archive, "zip", one=ONE), tmp_path)


def test_entry_that_understates_its_size_is_stopped(server, tmp_path):
    archive = zipped(("one", ONE + b"?"))
    lie = archive.replace((len(ONE) + 1).to_bytes(4, "little"), len(ONE).to_bytes(4, "little"))
    assert lie != archive
    with pytest.raises(ShortestError, match="archive from"):
        fetch(packed(server, lie, "zip", one=ONE), tmp_path)
    assert left(tmp_path) == []


@pytest.mark.parametrize(("kind", "make"), [("zip", zipped), ("tar.gz", tarred)])
@pytest.mark.parametrize("other", [ONE[:-1], ONE + b"?", ONE[::-1]])
def test_wrong_entry_is_deleted(server, tmp_path, kind, make, other):
    with pytest.raises(ShortestError, match=hashlib.sha256(ONE).hexdigest()):
        fetch(packed(server, make(("one", other)), kind, one=ONE), tmp_path)
    assert left(tmp_path) == []


@pytest.mark.parametrize(("kind", "make"), [("zip", zipped), ("tar.gz", tarred)])
def test_missing_entry_is_named(server, tmp_path, kind, make):
    with pytest.raises(ShortestError, match="it lacks two"):
        fetch(packed(server, make(("one", ONE)), kind, one=ONE, two=TWO), tmp_path)
    assert left(tmp_path) == []


def test_two_entries_of_one_name_are_refused(server, tmp_path):
    with pytest.raises(ShortestError, match="two 'one'"):
        fetch(packed(server, tarred(("a/one", ONE), ("b/one", ONE)), "tar.gz", one=ONE), tmp_path)


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
)
def test_damaged_archive_is_deleted(server, tmp_path, kind, archive):
    with pytest.raises(ShortestError, match=r"damaged|lacks one"):
        fetch(packed(server, archive, kind, one=ONE), tmp_path)
    assert left(tmp_path) == []


@pytest.mark.parametrize(("kind", "make"), [("zip", zipped), ("tar.gz", tarred)])
def test_archive_with_any_byte_changed_never_yields_a_wrong_file(server, tmp_path, kind, make):
    good = make(("one", ONE))
    for place in range(len(good)):
        bad = good[:place] + bytes([good[place] ^ 0x55]) + good[place + 1 :]
        dataset = packed(server, bad, kind, one=ONE)
        (tmp_path / "packed").mkdir(exist_ok=True)
        (tmp_path / "packed" / "file.bin.part").write_bytes(bad)
        try:
            (path,) = fetch(dataset, tmp_path)
        except ShortestError:
            assert left(tmp_path) == []
        else:
            assert path.read_bytes() == ONE
        shutil.rmtree(tmp_path / "packed")


def test_interrupt_while_unpacking_keeps_the_archive(server, tmp_path, monkeypatch):
    dataset = packed(server, zipped(("one", ONE), ("two", TWO)), "zip", one=ONE, two=TWO)
    copy = data._copy

    def interrupted(entry, path: Path) -> str:
        if path.name.startswith("two"):
            path.write_bytes(b"half")
            raise KeyboardInterrupt
        return copy(entry, path)

    monkeypatch.setattr(data, "_copy", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch(dataset, tmp_path)
    assert left(tmp_path) == ["packed/file.bin.part", "packed/one"]
    monkeypatch.setattr(data, "_copy", copy)
    fetch(dataset, tmp_path)
    assert left(tmp_path) == ["packed/one", "packed/two"]
    assert len(server.seen) == 1

"""A download goes on where it was cut, trusts nobody, and is the catalogue's bytes or an error."""

from __future__ import annotations

import hashlib
import threading
import urllib.error
from collections.abc import Callable
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from autograder import data, download
from autograder.data import DataFile, Dataset, fetch
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
    monkeypatch.setattr(download, "WAIT", 0.0)
    running = Server()
    yield running
    running.close()


def plain(server: Server, body: bytes = BODY) -> Dataset:
    file = DataFile("plain.txt", len(body), hashlib.sha256(body).hexdigest())
    return Dataset("plain", "A file", "https://example.org/", server.url, "", file.size, file.sha256, (file,))


def left(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_whole_file_arrives_with_progress(server, tmp_path):
    calls: list[tuple[int, int]] = []
    (path,) = fetch(plain(server), tmp_path, lambda done, total: calls.append((done, total)))
    assert path.read_bytes() == BODY
    assert left(tmp_path) == ["plain/plain.txt"]
    assert calls[0] == (0, len(BODY))
    assert calls[-1] == (len(BODY), len(BODY))
    assert calls == sorted(calls)
    assert server.seen == [Seen("/some/file.bin", None, None)]


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
    assert f"in {download.TRIES} tries: the server answered 503" in str(caught.value)
    assert f"{HALF:,} of {len(BODY):,} bytes are kept" in str(caught.value)
    assert left(tmp_path) == ["plain/file.bin.part", "plain/file.bin.part.tag"]
    assert len(server.seen) == download.TRIES
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
    monkeypatch.setattr(download, "WAIT", 1.0)
    monkeypatch.setattr(download, "time", SimpleNamespace(sleep=waits.append))  # other threads sleep as ever
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

    monkeypatch.setattr(download, "SILENCE", 0.2)
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
    verify = data.verify

    def watched(dataset: Dataset, part: Path) -> None:
        seen.append(left(tmp_path))
        verify(dataset, part)

    monkeypatch.setattr(data, "verify", watched)
    fetch(plain(server), tmp_path, lambda _done, _total: seen.append(left(tmp_path)))
    assert seen
    assert all("plain/plain.txt" not in files for files in seen)


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
            raise urllib.error.URLError(download.ssl.SSLCertVerificationError(1, "self-signed certificate"))

    monkeypatch.setattr(download.urllib.request, "build_opener", lambda *_handlers: Distrust())
    with pytest.raises(ShortestError, match="cannot be trusted"):
        fetch(replace(plain(server), url="https://example.org/file.bin"), tmp_path)
    assert len(calls) == 1

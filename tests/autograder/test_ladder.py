"""The ladder measures what a codec wrote and another process read, and survives whatever a module does."""

from __future__ import annotations

import gzip
import io
import json
import math
import random
import re
import tempfile
import zlib
from pathlib import Path

import pytest
from rich.console import Console

from autograder import ladder, peers, rung
from autograder.isolation import isolated_sandbox
from autograder.ladder import Rung, measure, rung_names, table, to_json
from autograder.ladder_figure import draw, figure
from autograder.model import Lesson, Limits, ShortestError
from autograder.sandbox import Unsandboxed

DATA = b"she sells sea shells by the sea shore; " * 200

CODEC = """
import zlib
def compress(data):
    return zlib.compress(data)
def decompress(blob):
    return zlib.decompress(blob)
"""
FORGER = """
import os
def compress(data):
    for descriptor in range(3, 10):  # one of them is the pipe
        try:
            os.write(descriptor, b"x" * 99)
        except OSError:
            pass
    os._exit(0)
"""
MODEL = "def code_length(data):\n    return 2.0 * len(data), 800\n"


@pytest.fixture(autouse=True)
def light(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave one peer: each is two processes, and they have tests of their own."""
    for name in list(peers.PEERS)[1:]:
        monkeypatch.delitem(peers.PEERS, name)


def lesson(name: str, kind: str = "codec", needs: tuple[str, ...] = ()) -> Lesson:
    nowhere = Path()
    return Lesson(1, name, name, "Part", 1, needs, Limits(), kind, nowhere, nowhere)


def measured(source: str, kind: str = "codec", seconds: float = 20.0, data: bytes = DATA) -> Rung:
    """Measure one module; the peers must come out whatever it does."""
    rungs = measure([lesson("mine", kind)], {"mine": source}, data, Unsandboxed(free=True), seconds=seconds)
    assert [r.name for r in rungs] == ["mine", *peers.PEERS, ladder.BOUND]
    assert all(r.data_bits is not None for r in rungs[1:])
    return rungs[0]


def refused(source: str, kind: str = "codec", seconds: float = 20.0) -> str:
    """Measure a module that can't be measured, and return the reason in its row."""
    row = measured(source, kind, seconds)
    assert row.data_bits is None
    assert row.bits_per_byte is None
    assert not row.verified
    return row.note


def rendered(rungs: list[Rung], width: int) -> str:
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(table(rungs))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_codec_is_measured_by_its_file() -> None:
    row = measured(CODEC)
    assert row.verified
    assert row.data_bits == 8 * len(zlib.compress(DATA))
    assert row.bits_per_byte == row.data_bits / len(DATA)
    assert row.seconds_encode is not None
    assert row.seconds_decode is not None
    assert row.seconds_encode > 0
    assert row.seconds_decode > 0


def test_rungs_are_measured_in_the_order_that_they_are_named() -> None:
    lessons = [lesson("low", ""), lesson("mine"), lesson("other", "model")]
    rows = measure(lessons, {"mine": CODEC, "other": MODEL}, DATA, Unsandboxed(free=True))
    assert [row.name for row in rows] == rung_names(lessons) == ["mine", "other", "gzip -9", ladder.BOUND]


def test_a_peer_that_fails_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> tuple[bytes, float]:
        raise peers.PeerFailed("not installed: pip install it")

    monkeypatch.setattr(peers, "call", fail)
    row = measure([], {}, DATA, Unsandboxed(free=True))[0]
    assert (row.name, row.data_bits, row.note) == ("gzip -9", None, "not installed: pip install it")


def test_a_peer_is_not_believed_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "call", lambda *_: (b"!", 0.0))
    row = measure([], {}, DATA, Unsandboxed(free=True))[0]
    assert (row.data_bits, row.note) == (None, "decompress gave other bytes")


@pytest.mark.parametrize(
    ("data", "bits"),
    [(b"a", 0.0), (b"ab", 1.0), (bytes(range(256)) * 3, 8.0), (b"aaab", 2 - 0.75 * math.log2(3))],
)
def test_entropy_by_hand(data: bytes, bits: float) -> None:
    assert rung.order_0_entropy(data) == pytest.approx(bits, abs=1e-12)
    bound = measure([], {}, data, Unsandboxed(free=True))[-1]
    assert bound.kind == "bound"
    assert bound.bits_per_byte == pytest.approx(bits, abs=1e-12)


def test_a_model_states_its_length() -> None:
    row = measured(MODEL, "model")
    assert (row.data_bits, row.model_bits) == (2.0 * len(DATA), 800)
    assert row.bits_per_byte == 2 + 800 / len(DATA)
    assert not row.verified
    assert row.seconds_decode is None
    assert "ideal length" in rendered([row], 80)


def test_wrong_bytes_are_no_size() -> None:
    note = refused(CODEC.replace("zlib.decompress(blob)", "zlib.decompress(blob)[:-1] + b'!'"))
    assert note.startswith(f"decompress gave other bytes: differs from byte {len(DATA) - 1} on")


@pytest.mark.parametrize("place", ["kept = {}", "import builtins; kept = builtins.__dict__"])
def test_a_global_carries_nothing_from_encode_to_decode(place: str) -> None:
    source = f"""
{place}
def compress(data):
    kept["data"] = data
    return b"!"
def decompress(blob):
    return kept["data"]
"""
    assert refused(source).startswith("decompress raised KeyError: 'data'")


def test_a_file_carries_nothing_where_workers_are_isolated() -> None:
    try:
        sandbox = isolated_sandbox()
    except ShortestError as problem:
        pytest.skip(str(problem))
    source = """
def compress(data):
    open("/tmp/kept", "wb").write(data)
    return b"!"
def decompress(blob):
    return open("/tmp/kept", "rb").read()
"""
    row = measure([lesson("mine")], {"mine": source}, DATA, sandbox)[0]
    assert row.data_bits is None
    assert row.note.startswith("decompress raised FileNotFoundError")


def test_data_hidden_in_the_code_is_pointed_out() -> None:
    data = random.Random(1).randbytes(3000)
    source = f"DATA = {data!r}\ndef compress(data): return b''\ndef decompress(blob): return DATA\n"
    row = measured(source, data=data)
    assert row.data_bits == 0
    assert row.code_bytes > 2000
    assert f"its code is larger than this: {row.code_bytes:,} bytes" in row.note
    honest = measured(CODEC, data=data)
    assert honest.verified
    assert honest.note == ""


@pytest.mark.parametrize("name", ["compress", "decompress"])
def test_a_loop_is_ended(name: str) -> None:
    source = f"{CODEC}\ndef {name}(data):\n    while True: pass\n"
    assert refused(source, seconds=0.5) == f"{name} took more than 0.5 s"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("'text'", "a value of type str"),
        ("bytearray(data)", "a value of type bytearray"),
        ("memoryview(data)", "an object"),
        ("None", "a value of type NoneType"),
        ("3", "3"),
        ("type('Bytes', (bytes,), {})(data)", "an object"),
        ("type('Liar', (), {'__eq__': lambda *_: True})()", "an object"),
    ],
)
@pytest.mark.parametrize("name", ["compress", "decompress"])
def test_only_bytes_are_a_file(name: str, value: str, said: str) -> None:
    source = f"{CODEC}\ndef {name}(data): return {value}\n"
    assert refused(source) == f"{name} should return bytes, got {said}"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("(float('nan'), 0)", "bits of data should be finite and not below 0, got nan"),
        ("(float('inf'), 0)", "bits of data should be finite and not below 0, got inf"),
        ("(-1.0, 0)", "bits of data should be finite and not below 0, got -1.0"),
        ("(1.0, -5)", "bits of model should be finite and not below 0, got -5"),
        ("(1.0, 10 ** 5000)", "bits of model should be finite and not below 0, got a value of type int"),
        ("(10 ** 5000, 1)", "bits of data should be finite and not below 0, got a value of type int"),
        ("(1.0, 5.0)", "bits of model should be of type int, got 5.0"),
        ("(True, 0)", "bits of data should be of type float, got a value of type bool"),
        ("('0', 0)", "bits of data should be of type float, got a value of type str"),
        ("(type('F', (float,), {})(0), 0)", "bits of data should be of type float, got an object"),
        ("3.0", "should return (bits of data, bits of model), got 3.0"),
        ("[1.0, 2]", "should return (bits of data, bits of model), got a value of type list"),
        ("(1.0, 2, 3)", "should return (bits of data, bits of model), got a value of type tuple"),
    ],
)
def test_a_length_is_a_number_that_can_be(value: str, said: str) -> None:
    assert said in refused(f"def code_length(data): return {value}\n", "model")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("", "compress is not defined in mine"),
        ("compress = 7", "compress should be a function, got 7"),
        ("def compress(data): raise NotImplementedError('mine: not begun')", "mine: not begun"),
        ("def compress(data): raise NotImplementedError", "not started"),
        ("def compress(data): return data[99999]", "compress raised IndexError: index out of range (line 1)"),
        ("def compress(data): import os; os._exit(0)", "in compress, the worker ended"),
        ("def compress(data): import sys; sys.exit('bye')", "compress raised SystemExit: bye"),
        (FORGER, "in compress, the worker ended"),
        ("def compress(data): return bytes(65 << 20)", "over the limit"),
        ("def compress(", "the module does not load: SyntaxError"),
        ("import os; os._exit(1)", "while the module was loaded, the worker ended"),
        ("import squeeze.missing", "the module does not load: ModuleNotFoundError"),
        ("\ud800", "the module does not load: SyntaxError"),
    ],
)
def test_a_broken_module_is_a_row(source: str, said: str) -> None:
    assert said in refused(source)


def test_one_broken_rung_stops_no_other() -> None:
    names = ["first", "broken", "last"]
    modules = dict.fromkeys(names, CODEC) | {"broken": "def compress(data): return data[10 ** 9]"}
    rows = measure([lesson(name) for name in names], modules, DATA, Unsandboxed(free=True))
    assert [row.verified for row in rows[:3]] == [True, False, True]


def test_a_sandbox_that_fails_stops_nothing() -> None:
    class Broken(Unsandboxed):
        def start(self, *_: object) -> object:  # type: ignore[override]
            raise OSError("no more processes")

    rows = measure([lesson("mine")], {"mine": CODEC}, DATA, Broken())
    assert rows[0].note == "the ladder failed: OSError: no more processes"
    assert rows[1].verified


def test_the_whole_tower_is_the_students_own() -> None:
    lessons = [lesson("low", ""), lesson("middle", "", ("low",)), lesson("high", "codec", ("middle",))]
    modules = {
        "low": "def same(data): return data\n",
        "middle": "from squeeze.low import same\n",
        "high": "from squeeze.middle import same as compress\ndecompress = compress\n",
        "unneeded": "",
    }
    rows = measure(lessons, modules, DATA, Unsandboxed(free=True))
    assert [row.name for row in rows[:2]] == ["high", "gzip -9"]  # a lesson without a rung has no row
    assert rows[0].bits_per_byte == 8
    without = measure(
        lessons, {"high": modules["high"], "low": modules["low"]}, DATA, Unsandboxed(free=True)
    )[0]
    assert without.note == "it needs middle, not started"
    assert measure(lessons, {}, DATA, Unsandboxed(free=True))[0].note == "not started"


@pytest.mark.parametrize("size", [0, ladder.MAX_BYTES + 1])
def test_a_file_must_fit(size: int) -> None:
    with pytest.raises(ShortestError, match=f"{size:,} bytes"):
        measure([], {}, bytes(size), Unsandboxed(free=True))


def test_a_message_draws_nothing_on_the_terminal() -> None:
    source = r"def compress(data): raise ValueError('[red]\x1b[2J\n\u202e[/nonsense]' + 'x' * 10_000)"
    note = refused(source)
    assert note.startswith("compress raised ValueError: [red]?[2J ?[/nonsense]xxx")
    assert len(note) <= rung.NOTE_LENGTH
    text = rendered([Rung("mine", "codec", 1, note=note)], 400)
    assert note in text
    assert "\x1b" not in text


class Counted(Unsandboxed):
    """Counts the workers that are started."""

    def __init__(self) -> None:
        super().__init__(free=True)
        object.__setattr__(self, "started", [])

    def start(self, *args: object) -> object:  # type: ignore[override]
        self.started.append(1)  # type: ignore[attr-defined]
        return super().start(*args)  # type: ignore[arg-type]


def test_what_was_measured_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "new" / "ladder.json"
    sandbox = Counted()
    heard: list[tuple[str, Rung | None]] = []
    lessons = [lesson("mine"), lesson("bad")]
    modules = {"mine": CODEC, "bad": ""}

    def run(data: bytes = DATA) -> tuple[list[Rung], int]:
        sandbox.started.clear()  # type: ignore[attr-defined]
        rungs = measure(lessons, modules, data, sandbox, progress=lambda *now: heard.append(now), cache=path)
        return rungs, len(sandbox.started)  # type: ignore[attr-defined]

    first, workers = run()
    assert workers == 3
    assert [name for name, _ in heard] == [r.name for r in first for _ in range(2)]
    assert [r for _, r in heard] == [item for r in first for item in (None, r)]
    again, workers = run()
    assert again == first  # the seconds too
    assert workers == 1  # what failed is tried again
    modules["bad"] = "x = 1"
    assert run()[1] == 1  # another lesson's change is none of this one's
    modules["mine"] += "\n"
    assert run()[1] == 3
    assert run(DATA + b"!")[1] == 3
    assert sorted(p.name for p in path.parent.iterdir()) == ["ladder.json"]


def test_a_run_that_was_stopped_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "ladder.json"
    sandbox = Counted()

    def stop(name: str, _done: Rung | None) -> None:
        if name == "second":
            raise KeyboardInterrupt

    lessons, modules = [lesson("first"), lesson("second")], {"first": CODEC, "second": CODEC}
    with pytest.raises(KeyboardInterrupt):
        measure(lessons, modules, DATA, sandbox, progress=stop, cache=path)
    sandbox.started.clear()  # type: ignore[attr-defined]
    rows = measure(lessons, modules, DATA, sandbox, cache=path)
    assert len(sandbox.started) == 2  # type: ignore[attr-defined]
    assert all(row.verified for row in rows[:2])


@pytest.mark.parametrize("content", ["", "nonsense", "[]", '{"a": 1}', "\udcff"])
def test_a_spoilt_cache_is_measured_again(tmp_path: Path, content: str) -> None:
    path = tmp_path / "ladder.json"
    path.write_text(content, encoding="utf-8", errors="surrogateescape")
    rows = measure([lesson("mine")], {"mine": CODEC}, DATA, Unsandboxed(free=True), cache=path)
    assert rows == measure([lesson("mine")], {"mine": CODEC}, DATA, Unsandboxed(free=True), cache=path)


@pytest.mark.parametrize(
    "change",
    [
        *({"data_bits": value} for value in (None, math.nan, -1, True)),
        *({"seconds_encode": "x"}, {"verified": 1}, {"note": None}, {"name": "other"}, {"extra": 1}),
    ],
)
def test_a_cache_entry_that_can_not_be_is_measured_again(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "ladder.json"
    measure([], {}, DATA, Unsandboxed(free=True), cache=path)
    entries = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({key: entry | change for key, entry in entries.items()}), encoding="utf-8")
    rows = {row.name: row for row in measure([], {}, DATA, Unsandboxed(free=True), cache=path)}
    assert rows["gzip -9"].data_bits == 8 * len(gzip.compress(DATA, 9))
    assert rows["gzip -9"].verified is True
    assert rows["gzip -9"].note == ""


def test_a_cache_that_can_not_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(ShortestError, match="can't be read"):
        measure([], {}, DATA, Unsandboxed(free=True), cache=tmp_path)
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ShortestError, match=r"can't be (read|written)"):
        measure([], {}, DATA, Unsandboxed(free=True), cache=tmp_path / "file" / "ladder.json")


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    measured(CODEC)
    refused("def compress(data):\n    while True: pass\n", seconds=0.3)
    assert list(tmp_path.iterdir()) == []


ROWS = [
    Rung("entropy", "codec", 1000, 7000.0, 0.0, 0.4, 0.3, True),
    Rung("autodiff", "model", 1000, 3500.0, 100.0, 2.0),
    Rung("huffman", "codec", 1000, note="huffman: compress is not started"),
    Rung("gzip -9", "peer", 1000, 3000.0, 0.0, 0.1, 0.1, True),
    Rung(ladder.BOUND, "bound", 1000, 4700.0),
]


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_fits(width: int) -> None:
    lines = rendered(ROWS, width).splitlines()
    assert all(len(line) <= width for line in lines)
    cells = [re.split(r"\s{2,}", line.strip()) for line in lines]
    cells = [row for row in cells if row[0] in [r.name for r in ROWS]]
    assert cells[0] == ["entropy", "7.000", "-", "0.40", "0.30", "verified"]
    assert cells[1] == ["autodiff", "3.600", "0.100", "2.00", "-", "ideal length"]
    assert [row[0] for row in cells] == [r.name for r in ROWS]
    assert cells[2][:5] == ["huffman", "-", "-", "-", "-"]
    assert cells[2][5].startswith("huffman:")


def test_the_table_of_nothing_is_a_table() -> None:
    assert "bits/byte" in rendered([], 80)


def test_the_figure_shows_what_was_measured() -> None:
    bits, times = draw(ROWS).axes
    assert [label.get_text() for label in bits.get_yticklabels()] == ["gzip -9", "autodiff", "entropy"]
    assert sorted(round(bar.get_width(), 3) for bar in bits.patches) == [0.1, 3.0, 3.5, 7.0]
    assert [text.get_text() for text in bits.texts] == ["3.000", "3.600", "7.000"]
    assert bits.get_xlim()[1] > 7
    dots = sorted(
        (float(y), float(x), dot.get_label()) for dot in times.lines for x, y in [dot.get_xydata()[0]]
    )
    assert dots == [
        (0, 0.1, "read"),
        (0, 0.1, "write"),
        (1, 2.0, "write"),
        (2, 0.3, "read"),
        (2, 0.4, "write"),
    ]


@pytest.mark.parametrize("rows", [ROWS, ROWS[:1], ROWS[2:3], ROWS[4:], []])
@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_the_same_rungs_give_the_same_file(tmp_path: Path, rows: list[Rung], suffix: str) -> None:
    first = figure(rows, tmp_path / f"a.{suffix}").read_bytes()
    assert first == figure(rows, tmp_path / f"b.{suffix}").read_bytes()
    assert first.startswith(b"<?xml" if suffix == "svg" else b"\x89PNG")


def test_json_holds_every_row() -> None:
    rows = json.loads(to_json(ROWS))
    assert [row["name"] for row in rows] == [r.name for r in ROWS]
    assert rows[1]["bits_per_byte"] == 3.6
    assert rows[2]["bits_per_byte"] is None
    assert rows[2]["note"] == ROWS[2].note

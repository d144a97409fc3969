"""The ladder: bits per byte of one file, for the codecs and models of the course and for their peers.

A codec is measured by the file it writes, after another process has read that file back. A model is
measured by the code length it states; nobody can check that before a coder uses it, so its row says
"ideal length". The peers are compressors that many people use (`peers`).
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder import wire
from autograder.model import Lesson, ShortestError
from autograder.peers import PEERS
from autograder.rung import MOST_BITS, Rung, Tower, Unmeasured, attempt, order_0_entropy, peer
from autograder.sandbox import Sandbox

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["BOUND", "MAX_BYTES", "Progress", "Rung", "measure", "rung_names", "table", "to_json"]

Progress = Callable[[str, Rung | None], None]  # a rung's name: before it is measured, and after with the rung

CALL_SECONDS = 600.0  # mixing takes minutes on a slow machine
MAX_BYTES = wire.MAX_FRAME - 4096  # what fits into one frame, with the request around it
CACHE_FORMAT = 2
BOUND = "order-0 entropy"


def rung_names(lessons: Iterable[Lesson]) -> list[str]:
    """Return the names of the rungs that `measure` will measure, in its order."""
    return [*(lesson.name for lesson in lessons if lesson.rung), *PEERS, BOUND]


def measure(
    lessons: Iterable[Lesson],
    modules: Mapping[str, str],
    data: bytes,
    sandbox: Sandbox,
    *,
    progress: Progress = lambda _name, _rung: None,
    cache: Path | None = None,
    seconds: float = CALL_SECONDS,
) -> list[Rung]:
    """Measure `data` by every lesson's rung in the order given, then by the peers, then by its entropy.

    `modules` maps a lesson's name to its module's text. A lesson runs with its own module and those it needs,
    directly or through another, and each call may take `seconds`. A rung that can't be measured says so in
    its row and stops no other. What succeeded is kept in the file `cache` and not measured again while the
    data and the modules are the same. Raises ShortestError where the data is empty or over `MAX_BYTES`, and
    where the cache can't be read or written.
    """
    if not 0 < len(data) <= MAX_BYTES:
        raise ShortestError(f"the file has {len(data):,} bytes; the ladder measures 1 to {MAX_BYTES:,} bytes")
    store = _Cache(cache)
    rungs = []
    for job in _jobs(list(lessons), modules, data, sandbox, seconds):
        progress(job.blank.name, None)
        rung = store.get(job)
        if rung is None:
            rung = attempt(job.blank, job.run)
            store.put(job, rung)
        progress(job.blank.name, rung)
        rungs.append(rung)
    return rungs


@dataclass(frozen=True, slots=True)
class _Job:
    """A rung to measure: its empty row, a hash of all that its result depends on, and how to fill it."""

    blank: Rung
    key: str
    run: Callable[[Rung], Rung]


def _jobs(
    lessons: Sequence[Lesson], modules: Mapping[str, str], data: bytes, sandbox: Sandbox, seconds: float
) -> Iterator[_Job]:
    digest = hashlib.sha256(data).hexdigest()
    needs = {lesson.name: lesson.needs for lesson in lessons}
    for lesson in lessons:
        if lesson.rung:
            names = _with_needs(lesson.name, needs)
            own = {name: modules[name] for name in names if name in modules}
            tower = Tower(lesson, own, sandbox, seconds)
            blank = Rung(lesson.name, lesson.rung, len(data), code_bytes=tower.code_bytes())
            run = _on(data, tower.measure) if len(own) == len(names) else _missing(set(names) - set(own))
            yield _Job(blank, _key(blank, digest, own, isolated=sandbox.isolated), run)
    for name in PEERS:
        blank = Rung(name, "peer", len(data))
        yield _Job(
            blank,
            _key(blank, digest, {}, isolated=False),
            _on(data, lambda blank, data: peer(blank, data, seconds)),
        )
    blank = Rung(BOUND, "bound", len(data))
    yield _Job(blank, _key(blank, digest, {}, isolated=False), _on(data, _bound))


def _with_needs(name: str, needs: Mapping[str, Sequence[str]]) -> list[str]:
    found: list[str] = []
    queue = [name]
    while queue:
        name = queue.pop()
        if name not in found:
            found.append(name)
            queue += needs.get(name, ())
    return found


def _on(data: bytes, run: Callable[[Rung, bytes], Rung]) -> Callable[[Rung], Rung]:
    return lambda blank: run(blank, data)


def _missing(names: set[str]) -> Callable[[Rung], Rung]:
    def run(blank: Rung) -> Rung:
        if blank.name in names:
            raise Unmeasured("not started")
        raise Unmeasured(f"it needs {', '.join(sorted(names))}, not started")

    return run


def _bound(blank: Rung, data: bytes) -> Rung:
    return replace(blank, data_bits=order_0_entropy(data) * len(data))


def _key(blank: Rung, digest: str, modules: Mapping[str, str], *, isolated: bool) -> str:
    parts = [CACHE_FORMAT, sys.version, blank.kind, blank.name, digest, sorted(modules.items()), isolated]
    return hashlib.sha256(json.dumps(parts).encode("ascii")).hexdigest()


class _Cache:
    """Rungs that were measured, in a JSON file that is whole at any moment; without a path, in none."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._entries: dict[str, Any] = {}
        if path is None:
            return
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):  # what can't be understood is measured again
            return
        except OSError as problem:
            raise ShortestError(f"the ladder's results can't be read from {path}: {problem}") from None
        self._entries = content if isinstance(content, dict) else {}

    def get(self, job: _Job) -> Rung | None:
        """Return a rung that was measured before, or None."""
        return _rung_from(self._entries.get(job.key), job.blank)

    def put(self, job: _Job, rung: Rung) -> None:
        """Keep a rung; one that failed is tried again next time, for the machine may have been busy."""
        if self._path is None or rung.data_bits is None:
            return
        self._entries[job.key] = asdict(rung)
        unfinished = self._path.with_name(self._path.name + ".part")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_text(json.dumps(self._entries, indent=1) + "\n", encoding="utf-8")
            os.replace(unfinished, self._path)
        except OSError as problem:
            raise ShortestError(f"the ladder's results can't be written to {self._path}: {problem}") from None


def _rung_from(entry: Any, blank: Rung) -> Rung | None:
    if not isinstance(entry, dict) or entry.keys() != asdict(blank).keys():
        return None
    if any(entry[key] != getattr(blank, key) for key in ("name", "kind", "size", "code_bytes")):
        return None
    times = [entry[key] for key in ("seconds_encode", "seconds_decode") if entry[key] is not None]
    numbers = [entry["data_bits"], entry["model_bits"], *times]
    if not all(type(number) in (int, float) and 0 <= number < MOST_BITS for number in numbers):
        return None
    if type(entry["verified"]) is not bool or type(entry["note"]) is not str:
        return None
    return Rung(**entry)


def to_json(rungs: Sequence[Rung]) -> str:
    """Write the rungs as a JSON list of objects: their fields, and `bits_per_byte`."""
    rows = [asdict(rung) | {"bits_per_byte": rung.bits_per_byte} for rung in rungs]
    return json.dumps(rows, indent=2, allow_nan=False) + "\n"


def table(rungs: Sequence[Rung]) -> Table:
    """Lay the rungs out for a terminal in their order, with a line between lessons, peers and bound."""
    from rich.box import HORIZONTALS
    from rich.table import Table
    from rich.text import Text

    title = f"Bits per byte of a file of {rungs[0].size:,} bytes" if rungs else None
    view = Table(title=title, caption=_caption(rungs), box=HORIZONTALS, padding=(0, 1, 0, 0))
    view.title_justify = view.caption_justify = "left"
    view.add_column("rung", no_wrap=True)
    for heading in ("bits/byte", "of which\nmodel", "seconds\nencode", "seconds\ndecode"):
        view.add_column(heading, justify="right", no_wrap=True)
    view.add_column("checked", overflow="fold")
    for rung, following in zip_longest(rungs, rungs[1:]):
        last = following is not None and _group(following) != _group(rung)
        cells = [Text(cell) for cell in _cells(rung)]  # a student's message could hold markup
        view.add_row(*cells, style="dim" if rung.data_bits is None else "", end_section=last)
    return view


def _group(rung: Rung) -> str:
    return rung.kind if rung.kind in ("peer", "bound") else "lesson"


def _cells(rung: Rung) -> list[str]:
    model = rung.model_bits_per_byte if rung.kind == "model" and rung.data_bits is not None else None
    numbers = [_number(rung.bits_per_byte, 3), _number(model, 3)]
    numbers += [_number(rung.seconds_encode, 2), _number(rung.seconds_decode, 2)]
    status = {"model": "ideal length", "bound": "a bound"}.get(rung.kind, "verified" if rung.verified else "")
    parts = ["" if rung.data_bits is None else status, rung.note]
    return [rung.name, *numbers, "; ".join(part for part in parts if part)]


def _number(value: float | None, places: int) -> str:
    return "-" if value is None else f"{value:.{places}f}"


def _caption(rungs: Sequence[Rung]) -> str:
    sentences = {
        "codec": "verified: another process decoded the file and gave the same bytes.",
        "model": "ideal length: the module's own figure; no file was written.",
        "bound": "a bound: no code with one fixed codeword for each byte value does better.",
    }
    kinds = {rung.kind for rung in rungs if rung.data_bits is not None}
    return "\n".join(sentence for kind, sentence in sentences.items() if kind in kinds)

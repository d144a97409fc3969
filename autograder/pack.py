"""Compress a file with a lesson's program, and get it back: what `shortest compress` and `decompress` do.

Lesson 17's program also takes a model that was saved, which then isn't in the file: its `compress_by` and
`decompress_by` are called with the model's bytes.

A packed file bears the lesson's name at the end of its own: `notes.txt.huffman`. It holds what the lesson's
`compress` returned and nothing else. It appears only after another process has read it back and got every
byte of the original.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.climb import any_sandbox, own_modules, read_file, reference_modules
from autograder.desk import Desk
from autograder.ladder import CALL_SECONDS, MAX_BYTES, with_needs
from autograder.model import ShortestError
from autograder.rung import Tower, Unmeasured, check_bytes
from autograder.show import first_difference

NETWORKS = "neural_compression"  # the lesson whose program takes a model


@dataclass(frozen=True, slots=True)
class Model:
    """A model that both sides have, and whether lesson 7's bets beside it."""

    path: Path
    mixed: bool = False


@dataclass(frozen=True, slots=True)
class Packed:
    """What was written: where, by which lesson, from how many bytes to how many, and the seconds of each call."""

    path: Path
    lesson: str
    before: int
    after: int
    seconds: float
    seconds_back: float


def compress(
    desk: Desk,
    file: Path,
    lesson: str | None = None,
    *,
    model: Model | None = None,
    reference: bool = False,
    out: Path | None = None,
) -> Packed:
    """Write `file.LESSON`, or `out`, and return what was done; without a lesson, take the last one that is built.

    Raises ShortestError, and writes nothing, where the file can't be read or is too long, where the program
    fails or doesn't give every byte back, and where the path to write is taken.
    """
    data = read_file(file)
    if len(data) > MAX_BYTES:
        raise ShortestError(f"{file} has {len(data):,} bytes; at most {MAX_BYTES:,} can be compressed")
    modules = _modules(desk, reference=reference)
    name = lesson or (NETWORKS if model else _last_built(desk, modules))
    path = _free(out or file.with_name(f"{file.name}.{name}"))
    tower = _tower(desk, modules, name)
    try:
        blob, seconds = tower.call(*_ask("compress", data, name, model))
        check_bytes(blob, "compress")
        back, seconds_back = tower.call(*_ask("decompress", blob, name, model))
        check_bytes(back, "decompress")
    except Unmeasured as problem:
        raise ShortestError(f"{name} failed, and nothing was written: {problem}") from None
    if back != data:
        found = first_difference(back, data, "decompress gave other bytes")
        raise ShortestError(f"{name} lost data, and nothing was written: {found}")
    _write(path, blob)
    return Packed(path, name, len(data), len(blob), seconds, seconds_back)


def decompress(
    desk: Desk,
    file: Path,
    lesson: str | None = None,
    *,
    model: Model | None = None,
    reference: bool = False,
    out: Path | None = None,
) -> Packed:
    """Write what a packed file holds; without a lesson, its name is the end of the file's.

    Raises ShortestError, and writes nothing, where the file can't be read, names no lesson or isn't one that
    the program accepts, and where the path to write is taken.
    """
    blob = read_file(file)
    modules = _modules(desk, reference=reference)
    name = lesson or file.suffix[1:]
    if lesson is None and name not in _codecs(desk):
        known = ", ".join(_codecs(desk))
        raise ShortestError(f"{file.name} doesn't end in a lesson's name; say --with one of: {known}")
    ends = file.suffix == f".{name}"
    path = _free(out or (file.with_suffix("") if ends else file.with_name(f"{file.name}.out")))
    try:
        data, seconds = _tower(desk, modules, name).call(*_ask("decompress", blob, name, model))
        check_bytes(data, "decompress")
    except Unmeasured as problem:
        raise ShortestError(f"{name} can't read {file.name}, and nothing was written: {problem}") from None
    _write(path, data)
    return Packed(path, name, len(blob), len(data), seconds, 0.0)


def _ask(function: str, data: bytes, lesson: str, model: Model | None) -> tuple[Any, ...]:
    """Return which function to call, and with what."""
    if model is None:
        return function, data
    if lesson != NETWORKS:
        raise ShortestError(f"{lesson} takes no model; leave --model out, or say --with {NETWORKS}")
    saved = read_file(model.path)
    return (f"{function}_by", data, saved, *([model.mixed] if function == "compress" else []))


def _codecs(desk: Desk) -> list[str]:
    return [lesson.name for lesson in desk.course.lessons.values() if lesson.rung == "codec"]


def _modules(desk: Desk, *, reference: bool) -> dict[str, str]:
    if reference and desk.course.is_bundle:
        raise ShortestError("a student's bundle holds no reference; leave --reference out")
    return reference_modules(desk.course) if reference else own_modules(desk)


def _names(desk: Desk, lesson: str) -> list[str]:
    return with_needs(lesson, {other.name: other.needs for other in desk.course.lessons.values()})


def _last_built(desk: Desk, modules: Mapping[str, str]) -> str:
    built = [name for name in _codecs(desk) if set(_names(desk, name)) <= set(modules)]
    if not built:
        raise ShortestError("no compressor of yours is in this folder; begin with: shortest start entropy")
    return built[-1]


def _tower(desk: Desk, modules: Mapping[str, str], lesson: str) -> Tower:
    if lesson not in _codecs(desk):
        raise ShortestError(
            f"{lesson!r} is no lesson that compresses; choose one of: {', '.join(_codecs(desk))}"
        )
    names = _names(desk, lesson)
    if missing := [name for name in names if name not in modules]:
        needs = f", and {lesson} needs it" if missing[0] != lesson else ""
        raise ShortestError(f"your {missing[0]} isn't here{needs}; begin with: shortest start {missing[0]}")
    own = {name: modules[name] for name in names}
    return Tower(desk.course.lesson(lesson), own, any_sandbox(), CALL_SECONDS)


def _free(path: Path) -> Path:
    if path.exists():
        raise ShortestError(f"{path} is there already; move it away, or say --out with another name")
    return path


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(data)
    os.replace(part, path)

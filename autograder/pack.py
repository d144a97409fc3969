"""Compress a file with a lesson's program, and get it back: what `shortest compress` and `decompress` do.

Lesson 17's program also takes a model that was saved, which then isn't in the file: its `compress_by` and
`decompress_by` are called with the model's bytes.

A packed file bears the lesson's name at the end of its own: `notes.txt.huffman`. It holds what the lesson's
`compress` returned and nothing else. It appears only after another process has read it back and got every
byte of the original.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autograder import whole
from autograder.climb import any_sandbox, chosen_modules, read_file
from autograder.desk import Desk
from autograder.ladder import CALL_SECONDS, MAX_BYTES
from autograder.model import ShortestError
from autograder.rung import Call, Tower, Unmeasured, check_bytes

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
    modules = chosen_modules(desk, reference=reference)
    name = lesson or (NETWORKS if model else _last_built(desk, modules))
    path = _free(out or file.with_name(f"{file.name}.{name}"))
    tower = _tower(desk, modules, name)
    try:
        to, back = (_ask(function, name, model) for function in ("compress", "decompress"))
        blob, seconds, seconds_back = tower.there_and_back(data, to, back)
    except Unmeasured as problem:
        raise ShortestError(f"{name} failed, and nothing was written: {problem}") from None
    whole.write(path, blob)
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
    modules = chosen_modules(desk, reference=reference)
    name = lesson or file.suffix[1:]
    if lesson is None and name not in _codecs(desk):
        known = ", ".join(_codecs(desk))
        raise ShortestError(f"{file.name} doesn't end in a lesson's name; say --with one of: {known}")
    ends = file.suffix == f".{name}"
    path = _free(out or (file.with_suffix("") if ends else file.with_name(f"{file.name}.out")))
    try:
        function, *more = _ask("decompress", name, model)
        data, seconds = _tower(desk, modules, name).call(function, blob, *more)
        check_bytes(data, function)
    except Unmeasured as problem:
        raise ShortestError(f"{name} can't read {file.name}, and nothing was written: {problem}") from None
    whole.write(path, data)
    return Packed(path, name, len(blob), len(data), seconds, 0.0)


def _ask(function: str, lesson: str, model: Model | None) -> Call:
    """Return which function to call, and with what after the bytes."""
    if model is None:
        return (function,)
    if lesson != NETWORKS:
        raise ShortestError(f"{lesson} takes no model; leave --model out, or say --with {NETWORKS}")
    saved = read_file(model.path)
    return (f"{function}_by", saved, *([model.mixed] if function == "compress" else []))


def _codecs(desk: Desk) -> list[str]:
    return [lesson.name for lesson in desk.course.lessons.values() if lesson.rung == "codec"]


def _names(desk: Desk, lesson: str) -> list[str]:
    return [*desk.course.needed(lesson), lesson]


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

"""A search for what must not leave the house: solutions, hidden laws and planted bugs."""

from __future__ import annotations

import ast
import base64
import binascii
import contextlib
import html
import io
import json
import re
import textwrap
import tomllib
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from autograder import source
from autograder.course import Course
from autograder.model import ShortestError

SHORTEST = 25  # a statement of fewer characters, such as `return total`, gives nothing away
SENTENCE = (".", "?", "!")  # a short hint or misconception does
KEY = 16  # how many characters of a secret the search looks up at each place
MAX_BYTES = 256 << 20  # what one file may unpack to
FORBIDDEN = ("laws/hidden", "tests/bugs", "tests/attacks", "solutions/squeeze")
NOISE = re.compile(r"[\s\"'\\]")  # what a formatter, JSON and HTML change without changing the code
TAG = re.compile(r"<[^>]*>")
BASE64 = re.compile(r"[A-Za-z0-9+/\s]{200,}={0,2}")
COMMON = ("import ", "from ", "except ")  # lines that any two programs may share
ANY_HEADER = 47  # zlib's word for "zlib or gzip, as the header says"
DEPTH = 4  # an archive in an archive, encoded twice; deeper is not what an accident makes


@dataclass(frozen=True, slots=True)
class Secret:
    """Text that must not be found: what it belongs to, how to show it, and its letters without the noise."""

    owner: str
    text: str
    letters: str


Index = dict[str, list[Secret]]  # by the first letters of each


def find_leaks(course: Course, *places: Path) -> list[str]:
    """Search files, and every file of folders, for secrets of any lesson; return one sentence for each find.

    Archives and encoded text are unpacked, notebooks read as JSON, tags taken out of pages.
    Raises ShortestError where a folder holds no file: a search of nothing would find nothing.
    """
    known = index(course)
    return [leak for place in places for leak in search(known, place)]


def search(known: Index, place: Path) -> list[str]:
    """Do what `find_leaks` does in one place, with an index that is there already."""
    paths = [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file())
    if not paths:
        raise ShortestError(f"{place} holds no file to search for leaks")
    found: list[str] = []
    for path in paths:
        name = path.name if path == place else path.relative_to(place).as_posix()
        for layer, data in _layers(name, path.read_bytes()):
            found += _leaks_in(layer, data, known)
    return list(dict.fromkeys(found))


def index(course: Course) -> Index:
    """List what no release may hold; what students are given anyway, such as public laws, is no secret."""
    found: dict[str, Secret] = {}
    for owner, text in _secret_texts(course):
        letters = _letters(text)
        if len(letters) >= KEY and (len(text) >= SHORTEST or text.endswith(SENTENCE)):
            found.setdefault(letters, Secret(owner, text, letters))
    known: Index = {}
    for secret in found.values():
        known.setdefault(secret.letters[:KEY], []).append(secret)
    for text in _given(course):
        for written in (text, _normalised(text)):
            for secret in set(_matches(_letters(written), known)):
                known[secret.letters[:KEY]].remove(secret)
    return known


def _given(course: Course) -> Iterator[str]:
    for name in course.lessons:
        yield source.stub(course.source(name), name)
    for path in sorted((course.root / "tests" / "laws" / "public").glob("*.py")):
        yield path.read_text(encoding="utf-8")


def _secret_texts(course: Course) -> Iterator[tuple[str, str]]:
    for name in course.lessons:
        for exercise in course.exercises(name):
            owner = f"the solution of squeeze.{name}:{exercise.name}"
            for region in _regions(exercise.solution):
                for text in _pieces(region):
                    yield owner, text
        hidden = course.root / "tests" / "laws" / "hidden" / f"test_{name}.py"
        for text in _pieces(hidden.read_text(encoding="utf-8"), strings=True):
            yield f"a hidden law of {name}", text
        bugs = course.root / "tests" / "bugs" / f"{name}.toml"
        if bugs.is_file():
            for text in _bug_texts(bugs):
                yield f"a planted bug of {name}", text


def _regions(text: str) -> list[str]:
    """Return what stands between each pair of markers, without its indentation."""
    found: list[list[str]] = []
    inside = False
    for line in text.splitlines():
        if line.strip() in (source.BEGIN, source.END):
            inside = line.strip() == source.BEGIN
            found += [[]] if inside else []
        elif inside:
            found[-1].append(line)
    return [textwrap.dedent("\n".join(lines)) for lines in found]


def _pieces(code: str, *, strings: bool = False) -> Iterator[str]:
    """Cut code into lines, statements as Python writes them, the whole of it, and where asked its strings."""
    for line in map(str.strip, code.splitlines()):
        if not line.startswith(COMMON):
            yield line
            yield line.partition("  #")[0]
    try:
        tree = ast.parse(code)
    except SyntaxError:  # the edit of a planted bug is a part of a statement
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt) and not isinstance(node, ast.Import | ast.ImportFrom):
            written = ast.unparse(node)
            yield written.split("\n")[0] if hasattr(node, "body") else written
        elif strings and isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from (line.strip() for line in node.value.splitlines())
    yield ast.unparse(tree)


def _bug_texts(path: Path) -> Iterator[str]:
    for bug in tomllib.loads(path.read_text(encoding="utf-8")).get("bug", []):
        yield str(bug.get("misconception", ""))
        yield from _pieces(textwrap.dedent(str(bug.get("replace", ""))))


def _letters(text: str) -> str:
    return NOISE.sub("", text)


def _matches(letters: str, known: Index) -> Iterator[Secret]:
    for start in range(len(letters) - KEY + 1):
        for secret in known.get(letters[start : start + KEY], ()):
            if letters.startswith(secret.letters, start):
                yield secret


def _leaks_in(place: str, data: bytes, known: Index) -> Iterator[str]:
    for folder in FORBIDDEN:
        if f"{folder}/" in place:
            yield f"{place}: nothing of {folder} may be here"
    if place.endswith((".pyc", ".pyo")):
        yield f"{place}: compiled code can't be searched; leave it out"
    for text in _views(place, data):
        for secret in _matches(_letters(text), known):
            yield f"{place}: holds {secret.owner}: {secret.text[:80]!r}"


def _views(place: str, data: bytes) -> Iterator[str]:
    """Read a file in every way that brings its text out: as it is, as JSON, without tags, as Python."""
    text = data.decode("utf-8", "replace")
    yield text
    name = place.rsplit("/", 1)[-1]
    if name.endswith((".ipynb", ".json")):
        try:
            strings = list(_strings(json.loads(text)))
        except (ValueError, RecursionError):
            return
        yield "\n".join(strings)
        yield from filter(None, map(_normalised, strings))
    elif name.endswith((".html", ".htm", ".xml", ".svg")):
        yield html.unescape(TAG.sub("", text))
        yield html.unescape(text)
    elif name.endswith(".py"):
        yield _normalised(text)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        if value and all(isinstance(part, str) for part in value):
            yield "".join(value)  # a cell's source, line by line
        else:
            for part in value:
                yield from _strings(part)
    elif isinstance(value, dict):
        for key, part in value.items():
            yield str(key)
            yield from _strings(part)


def _normalised(code: str) -> str:
    try:
        return ast.unparse(ast.parse(code))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""


def _layers(place: str, data: bytes, depth: int = 0) -> Iterator[tuple[str, bytes]]:
    """Yield a file, and what is packed or encoded in it."""
    yield place, data
    if depth == DEPTH:
        return
    for name, inner in _unpacked(data):
        yield from _layers(f"{place}/{name}", inner, depth + 1)


def _unpacked(data: bytes) -> Iterator[tuple[str, bytes]]:
    if data[:2] == b"PK" and zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.infolist():
                if not member.is_dir() and member.file_size <= MAX_BYTES:
                    yield member.filename, archive.read(member)
        return
    if data[:1] == b"\x78" or data[:2] == b"\x1f\x8b":
        with contextlib.suppress(zlib.error):
            yield "unpacked", zlib.decompressobj(wbits=ANY_HEADER).decompress(data, MAX_BYTES)
    for number, match in enumerate(BASE64.finditer(data.decode("latin-1")), 1):
        compact = "".join(match.group().split()).rstrip("=")
        try:
            decoded = base64.b64decode(compact[: len(compact) // 4 * 4], validate=True)
        except binascii.Error:
            continue
        if decoded[:1] == b"\x78" or decoded[:2] in (b"\x1f\x8b", b"PK") or _is_text(decoded):
            yield f"base64-{number}", decoded


def _is_text(data: bytes) -> bool:
    try:
        return data[: len(data) // 4 * 3].decode("utf-8").isascii() or b"def " in data
    except UnicodeDecodeError:
        return b"def " in data

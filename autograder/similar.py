"""Near-duplicates among submissions, by their fingerprints: for a person to look at, and never scored.

A text becomes its tokens, without comments and spaces, and with all names alike, all numbers, and all strings. Each run
of GRAM tokens has a hash, and of WINDOW neighbouring hashes the smallest is kept (Schleimer, Wilkerson and Aiken, 2003:
"Winnowing"), so that whatever two texts share shows wherever it stands, once it is GRAM + WINDOW - 1 tokens long. What
everybody was given doesn't count, nor does what more than a third of the class has written.
"""

from __future__ import annotations

import keyword
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

__all__ = ["Pair", "pairs"]

GRAM = 12
WINDOW = 8
LEAST = 30  # fingerprints of a text; two short ones are alike by chance
ALIKE = 0.5  # copies with all names changed share 0.7 and more, independent solutions under 0.2
LONGEST = 100_000  # characters that are looked at
FEW = 10  # in a class of any size so many may share what they did not write alone
BASE = 0x9E3779B97F4A7C15
TOKEN = re.compile(
    r"""
    (?P<skip> \s++ | \#[^\n]*+ | \\\n )
  | (?P<string> [rRbBfFuU]{0,2}+ (?: \"{3} (?: [^"\\] | \\. | "(?!"") )*+ (?:\"{3})?
                                   | '{3} (?: [^'\\] | \\. | '(?!'') )*+ (?:'{3})?
                                   | " (?: [^"\\\n] | \\. )*+ "?
                                   | ' (?: [^'\\\n] | \\. )*+ '? ) )
  | (?P<number> \.?\d[\w.]*+ )
  | (?P<name> \w++ )
  | (?P<sign> . )
    """,
    re.VERBOSE | re.DOTALL,
)
TOP = re.compile(r"^(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)", re.MULTILINE)
Hashes = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two submissions that have much in common.

    `share` is the part of the smaller one's fingerprints that the other has too, from 0 to 1; `where` names the
    functions and classes of the first in which most of it stands.
    """

    first: str
    second: str
    share: float
    where: tuple[str, ...] = ()


def pairs(sources: Mapping[str, str], common: str, *, alike: float = ALIKE) -> list[Pair]:
    """Return the pairs of submissions whose share is at least `alike`, the most alike first.

    `sources` has each student's text, and `common` the text that all were given. Only the first 100,000
    characters of a text are looked at; a text of less than a few dozen lines is in no pair.
    """
    given = set(_grams(_tokens(common)[0]).tolist())
    names = list(sources)
    prints = [_fingerprints(text, given) for text in sources.values()]
    holders: dict[int, list[int]] = defaultdict(list)
    for number, found in enumerate(prints):
        for one in found:
            holders[one].append(number)
    most = max(FEW, len(names) // 3)
    rare = {one: np.array(who) for one, who in holders.items() if len(who) <= most}
    own = [[one for one in found if one in rare] for found in prints]
    close = [
        Pair(names[first], names[second], share, _where(prints[first], set(own[first]) & set(own[second])))
        for first, second, share in _alike(own, rare, alike)
    ]
    return sorted(close, key=lambda pair: (-pair.share, pair.first, pair.second))


def _alike(
    own: list[list[int]], holders: Mapping[int, NDArray[np.int64]], alike: float
) -> Iterator[tuple[int, int, float]]:
    """Count for each text what it shares with every later one, through the holders of its fingerprints."""
    sizes = np.array([len(found) for found in own])
    for first, found in enumerate(own):
        if len(found) < LEAST:
            continue
        others = np.concatenate([holders[one] for one in found])
        shared = np.bincount(others, minlength=len(own))
        smaller = np.minimum(sizes, len(found))
        close = (shared >= alike * smaller) & (sizes >= LEAST)
        for second in np.flatnonzero(close[first + 1 :]) + first + 1:
            yield first, int(second), float(shared[second] / smaller[second])


def _fingerprints(text: str, given: set[int]) -> dict[int, str]:
    """Return a text's fingerprints, each with the top-level definition in which it begins."""
    kinds, places = _tokens(text)
    hashes = _grams(kinds)
    if not hashes.size:
        return {}
    width = min(WINDOW, hashes.size)
    windows = sliding_window_view(hashes, width)
    kept = np.unique(np.arange(len(windows)) + np.argmin(windows, axis=1))
    tops = list(TOP.finditer(text, 0, LONGEST))
    within = np.searchsorted([top.start() for top in tops], places[kept], side="right")
    names = ["", *(top[1] for top in tops)]
    named = zip(hashes[kept].tolist(), within.tolist(), strict=True)
    return {one: names[number] for one, number in named if one not in given}


def _tokens(text: str) -> tuple[Hashes, NDArray[np.int64]]:
    """Return a number for each token's kind, and the place where it begins."""
    kinds = []
    places = []
    for match in TOKEN.finditer(text, 0, LONGEST):
        kind, token = match.lastgroup, match.group()
        if kind == "skip":
            continue
        if kind == "sign" or (kind == "name" and keyword.iskeyword(token)):
            kind = token
        kinds.append(zlib.crc32(str(kind).encode("utf-8", "replace")))
        places.append(match.start())
    return np.array(kinds, np.uint64), np.array(places, np.int64)


def _grams(kinds: Hashes) -> Hashes:
    """Return a hash of each run of GRAM tokens, the same on every machine and in every run."""
    length = max(0, len(kinds) - GRAM + 1)
    hashes = np.zeros(length, np.uint64)
    for start in range(GRAM if length else 0):
        hashes = (hashes + kinds[start : start + length]) * np.uint64(BASE)
        hashes ^= hashes >> np.uint64(29)
    return hashes


def _where(prints: Mapping[int, str], shared: set[int]) -> tuple[str, ...]:
    seen = Counter(prints[one] for one in shared if prints[one])
    return tuple(name for name, _ in sorted(seen.items(), key=lambda item: (-item[1], item[0]))[:3])

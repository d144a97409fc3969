"""A planted bug is one named edit of the reference, and a wrong entry is named with its file."""

from __future__ import annotations

import pytest

from autograder import bugs
from autograder.course import Course
from autograder.model import ShortestError

MODULE = '''
def double(x):
    """Double it."""
    ### BEGIN SOLUTION
    y = x
    y += x
    return y
    ### END SOLUTION
'''
BUG = """
[[bug]]
name = "squares"
exercise = "double"
misconception = "Doubling is squaring."
find = "y += x"
replace = "y *= x"
"""


@pytest.fixture
def load(tmp_path):
    """Give a function that loads bugs from a text."""
    lesson = tmp_path / "lessons" / "01_alpha"
    for folder in (lesson, tmp_path / "solutions" / "squeeze", tmp_path / "tests" / "bugs"):
        folder.mkdir(parents=True)
    (lesson / "lesson.toml").write_text('module="alpha"\ntitle="T"\npart="P"\nminutes=1\nneeds=[]\nrung=""\n')
    (lesson / "lesson.md").write_text("# T\n")
    (tmp_path / "solutions" / "squeeze" / "alpha.py").write_text(MODULE)

    def load(text, what=bugs.load):
        (tmp_path / "tests" / "bugs" / "alpha.toml").write_text(text)
        return what(Course(tmp_path), "alpha")

    return load


def test_a_bug_is_the_reference_with_one_edit(load):
    (bug,) = load(BUG)
    assert (bug.name, bug.lesson, bug.exercise, bug.misconception) == (
        "squares",
        "alpha",
        "double",
        "Doubling is squaring.",
    )
    assert bug.source == MODULE.replace("y += x", "y *= x")


def test_the_modules_have_the_bugs_and_share_nothing(load):
    other = BUG.replace("squares", "zero").replace("y *= x", "y = 0")
    modules = load(BUG + other, bugs.modules)
    assert {name: module.double(3) for name, module in modules.items()} == {"squares": 9, "zero": 0}


BAD = {
    "no TOML": ("[[bug", "alpha.toml: "),
    "a key is missing": (BUG.replace("misconception", "reason"), "bug 'squares' should have the keys"),
    "a key too many": (BUG + "points = 3\n", "bug 'squares' should have the keys"),
    "no name": (BUG.replace('name = "squares"', ""), "bug '?' should have the keys"),
    "no exercise": (BUG.replace('"double"', '"triple"'), "bug 'squares': 'triple' is no exercise of alpha"),
    "its text is not there": (BUG.replace('"y += x"', '"y -= x"'), "bug 'squares': its text occurs 0 times"),
    "its text is there twice": (BUG.replace('"y += x"', '"= x"'), "bug 'squares': its text occurs 2 times"),
    "does not parse": (BUG.replace('"y *= x"', '"y *= "'), "bug 'squares' does not parse"),
    "changes nothing": (BUG.replace('"y *= x"', '"y += x"'), "bug 'squares' replaces its text by itself"),
    "two of one name": (BUG + BUG, "two bugs have one name"),
}


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD)
def test_a_wrong_entry_is_refused_by_name(load, text, message):
    with pytest.raises(ShortestError, match=r"alpha\.toml") as caught:
        load(text)
    assert message in str(caught.value)


def test_a_missing_file_is_refused(load, tmp_path):
    load(BUG)
    (tmp_path / "tests" / "bugs" / "alpha.toml").unlink()
    with pytest.raises(ShortestError, match=r"no file of planted bugs .*alpha\.toml"):
        bugs.load(Course(tmp_path), "alpha")

"""Law files are refused with a reason where they are wrong, and their inputs are drawn alike everywhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from autograder import lawbook
from autograder.model import ShortestError

GOOD = """
@law(exercise="double", points=2, hint="Add it to itself.", examples=20)
@given(x=st.integers(), y=st.lists(st.integers(0, 9)))
@example(x=7, y=[])
def test_doubles(student, elsewhere, x, y):
    '''Two times x.

    More.'''

@law(exercise="halve", points=3, hint="Divide.")
def test_halves(student):
    '''Half of x.'''
"""


def test_laws_stand_in_order_with_what_their_marks_say(laws):
    first, second = laws(GOOD, hidden=True)
    assert (first.name, first.key, first.exercise) == ("doubles", "student.doubles", "double")
    assert (first.title, first.hint) == ("Two times x.", "Add it to itself.")
    assert (first.points, first.hidden, first.examples) == (2, True, 20)
    assert (second.name, second.points) == ("halves", 3)
    assert lawbook.total([first, second]) == 5
    assert lawbook.fixtures(first) == ["student", "elsewhere"]


MARK = '@law(exercise="f", points=1, hint="h")\n'
BAD = {
    "no law": ("", "holds no law"),
    "only helpers": ("def helper(): ...", "holds no law"),
    "unmarked": (GOOD + "def test_other(student):\n    '''T.'''\n", "test_other has no @law"),
    "given outside the mark": (
        "@given(x=st.integers())\n" + MARK + "def test_a(student, x):\n    '''T.'''\n",
        "outermost",
    ),
    "two of one name": (
        GOOD + MARK + "def test_halves(student):\n    '''T.'''\n",
        "'test_halves' stands in line",
    ),
    "no docstring": (MARK + "def test_a(student): ...", "'test_a' has no docstring"),
    "blank docstring": (MARK + "def test_a(student):\n    ' '\n", "'test_a' has no docstring"),
    "no hint": (
        "@law(exercise='f', points=1, hint=' ')\ndef test_a(student):\n    '''T.'''\n",
        "'test_a' needs",
    ),
    "hint left out": ("@law(exercise='f', points=1)\ndef test_a(student):\n    '''T.'''\n", "hint"),
    "no exercise": (
        "@law(exercise='', points=1, hint='h')\ndef test_a(student):\n    '''T.'''\n",
        "'test_a' needs",
    ),
    "no points": (
        "@law(exercise='f', points=0, hint='h')\ndef test_a(student):\n    '''T.'''\n",
        "'test_a' needs",
    ),
    "half points": (
        "@law(exercise='f', points=1.5, hint='h')\ndef test_a(student):\n    '''T.'''\n",
        "'test_a' needs",
    ),
    "true points": (
        "@law(exercise='f', points=True, hint='h')\ndef test_a(student):\n    '''T.'''\n",
        "'test_a' needs",
    ),
    "points as text": (
        "@law(exercise='f', points='3', hint='h')\ndef test_a(student):\n    '''T.'''\n",
        "'test_a' needs",
    ),
    "another name": (MARK + "def check_a(student):\n    '''T.'''\n", "must start with 'test_'"),
    "does not parse": ("def test_a(:", "can't be read"),
    "zero byte": ("\0", "can't be read"),
    "raises": ("1 / 0", "ZeroDivisionError"),
}


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD)
def test_a_wrong_law_file_is_refused_by_name(laws, text, message):
    with pytest.raises(ShortestError, match=r"test_student\d+\.py") as caught:
        laws(text)
    assert message in str(caught.value)


def test_a_law_file_that_is_not_there_or_not_text_is_refused(tmp_path):
    path = tmp_path / "test_x.py"
    with pytest.raises(ShortestError, match=r"no law file .*test_x\.py"):
        lawbook.load(path, "x", hidden=False)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ShortestError, match=r"test_x\.py can't be read"):
        lawbook.load(path, "x", hidden=False)


def test_inputs_depend_on_the_secret_and_on_nothing_else(laws):
    law, other = laws(GOOD)
    drawn = lawbook.draw(law, "secret")
    assert lawbook.draw(law, "secret") == drawn
    assert lawbook.draw(laws(GOOD)[0], "secret") == drawn
    assert lawbook.draw(law, "another secret") != drawn
    assert lawbook.draw(other, "secret") == [{}]


def test_the_examples_by_hand_come_first_and_only_drawn_arguments_are_kept(laws):
    drawn = lawbook.draw(laws(GOOD)[0], "secret")
    assert drawn[0] == {"x": 7, "y": []}
    assert len(drawn) == 21
    assert all(set(example) == {"x", "y"} for example in drawn)


def test_a_law_that_draws_nothing_is_refused(laws):
    (law,) = laws(
        '@law(exercise="f", points=1, hint="h")\n@given(x=st.nothing())\ndef test_a(student, x):\n    "T."\n'
    )
    with pytest.raises(ShortestError, match=r"student\.a: Hypothesis drew no example"):
        lawbook.draw(law, "secret")


def test_the_law_is_itself_again_after_another_body_ran(laws):
    law, _ = laws(GOOD)
    body = law.function.hypothesis.inner_test
    with pytest.raises(ZeroDivisionError):
        lawbook.run_with(law, lambda **_: 1 / 0, dict.fromkeys(lawbook.fixtures(law)), "secret")
    assert law.function.hypothesis.inner_test is body


DRAW = """
import sys
from pathlib import Path
sys.path[:0] = [{root!r}, {here!r}]
if sys.argv[1:]:
    import peculiar
from autograder import lawbook
law = lawbook.load(Path({path!r}), "student", hidden=False)[0]
print([(one["x"], one["y"], sorted(one["z"])) for one in lawbook.draw(law, "secret")])
"""


def test_inputs_are_alike_in_every_process(tmp_path):
    """Hypothesis would draw constants of whatever local modules are imported; and hashes differ by process."""
    law_file = tmp_path / "test_student.py"
    text = "from hypothesis import given, strategies as st\nfrom autograder.laws import law\n" + MARK.replace(
        ")", ", examples=300)"
    )
    law_file.write_text(
        text + "@given(x=st.integers(0, 10**6), y=st.text(), z=st.sets(st.text('ab')))\n"
        "def test_a(student, x, y, z):\n    '''T.'''\n",
        encoding="utf-8",
    )
    constants = [str(7919 * i + 3) for i in range(100)] + [repr(f"word{i}") for i in range(100)]
    (tmp_path / "peculiar.py").write_text(f"A = [{', '.join(constants)}]", encoding="utf-8")
    root = str(Path(lawbook.__file__).parents[1])
    code = DRAW.format(root=root, here=str(tmp_path), path=str(law_file))

    def drawn(hash_seed, *arguments):
        environment = os.environ | {"PYTHONHASHSEED": hash_seed}
        command = [sys.executable, "-c", code, *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, check=True, timeout=60
        ).stdout

    assert len(drawn("1")) > 1000
    assert drawn("1") == drawn("2", "with a peculiar module")

"""A module is cut into cells without loss, and no stub holds what stood between the markers."""

from __future__ import annotations

import ast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from autograder import source
from autograder.model import ShortestError

MODULE = '''"""A module."""
import math

LIMIT = 3

# a comment before
@decorated(
    1
)
def first(x: int) -> int:
    """Say the first thing.

    More.
    """
    ### BEGIN SOLUTION
    secret_one = x
    return secret_one
    ### END SOLUTION


def given(x):
    return x


class Second:
    """Say the second."""

    def one(self):
        ### BEGIN SOLUTION
        return "secret_two"

        ### END SOLUTION

    def two(self):
        """Given."""
        x = 1
        ### BEGIN SOLUTION
        x = "secret_three"
        ### END SOLUTION
        return x
# the end
'''


def joined(text):
    return "".join(segment.text for segment in source.segments(text, "m"))


def test_segments_are_the_exercises_and_what_stands_between():
    found = source.segments(MODULE, "m")
    assert [segment.exercise for segment in found] == ["", "first", "", "Second", ""]
    assert found[0].text.startswith('"""A module."""')
    assert found[1].text.startswith("@decorated(")
    assert found[2].text.strip() == "def given(x):\n    return x"
    assert found[3].text.endswith("return x\n")
    assert found[4].text == "# the end\n"
    assert joined(MODULE) == MODULE


def test_an_exercise_has_its_summary_stub_and_solution():
    first, second = source.exercises(MODULE, "m")
    assert (first.name, first.summary) == ("first", "Say the first thing.")
    assert (second.name, second.summary) == ("Second", "Say the second.")
    assert 'raise NotImplementedError("m: first is not started")' in first.stub
    assert second.stub.count('raise NotImplementedError("m: Second is not started")') == 2
    for exercise in (first, second):
        assert "secret" in exercise.solution
        assert "secret" not in exercise.stub
        assert exercise.solution == exercise.solution.strip() + "\n"
        ast.parse(exercise.stub)


def test_a_stub_says_which_exercise_is_not_started():
    namespace: dict[str, object] = {"decorated": lambda _: lambda f: f}
    exec(source.stub(MODULE, "m"), namespace)
    with pytest.raises(NotImplementedError, match="m: first is not started"):
        namespace["first"](1)
    with pytest.raises(NotImplementedError, match="m: Second is not started"):
        namespace["Second"]().two()
    assert namespace["given"](3) == 3


def test_a_blank_module_keeps_its_markers_and_can_be_cut_again():
    blank = source.blank(MODULE, "m")
    assert "secret" not in blank
    assert blank.count(source.BEGIN) == MODULE.count(source.BEGIN)
    assert source.stub(blank, "m") == source.stub(MODULE, "m")
    assert [s.exercise for s in source.segments(blank, "m")] == [
        s.exercise for s in source.segments(MODULE, "m")
    ]


def test_without_markers_the_solution_stays():
    plain = source.without_markers(MODULE)
    assert "secret_one" in plain
    assert "###" not in plain
    assert ast.dump(ast.parse(plain)) == ast.dump(ast.parse(MODULE))


EXERCISE = "def {name}(x):\n{doc}{before}    ### BEGIN SOLUTION\n{secret}{blank}    ### END SOLUTION\n{after}"
NAMES = st.sampled_from(["f", "g", "encode", "Ünï"])
EXERCISES = st.builds(
    lambda **parts: EXERCISE.format(**parts),
    name=NAMES,
    doc=st.sampled_from(
        ["", '    """Doc."""\n', '    """Doc.\n\n    ### not a marker\n    """\n', "    '''\x0c\u2028'''\n"]
    ),
    before=st.sampled_from(["", "    x += 1\n", "\n", "    # comment\n\n"]),
    secret=st.sampled_from(
        [
            "    return 'secret'\n",
            "    y = '''\nsecret'''\n    return y\n",
            "    if x:\n        return 'secret'\n",
        ]
    ),
    blank=st.sampled_from(["", "\n", "\n    # secret\n\n"]),
    after=st.sampled_from(["", "    return 1\n", "\n    # comment\n", "# comment at the left\n"]),
)
GIVEN = st.sampled_from(
    [
        "import math\n", "X = 1\n", "\n", "\n\n\n", "# comment\n", "    # indented comment\n", "\x0c\n",
        "X = '\x0c\u2028\x85'\n",
        "def h():\n    return '### BEGIN SOLUTION'\n", "@property\ndef p():\n    pass\n", "if True:\n    X = 1\n",
        "class C:\n    x = 1\n\n    # comment\n", "X = '''\n  text\n'''\n",
    ]
)  # fmt: skip
MODULES = st.lists(st.one_of(EXERCISES, GIVEN), max_size=7).map("".join)


@given(MODULES, st.sampled_from(["\n", "\r\n"]))
@example("", "\n")
@example("\n\n", "\n")
@example(
    "\n" + EXERCISE.format(name="f", doc="", before="", secret="    return 'secret'\n", blank="", after=""),
    "\n",
)
def test_the_segments_joined_are_the_module(text, newline):
    text = text.replace("\n", newline)
    assert joined(text) == text


@given(MODULES)
def test_every_segment_stands_alone_and_no_stub_keeps_the_solution(text):
    found = source.segments(text, "m")
    for segment in found:
        ast.parse(segment.text)
        assert ("BEGIN SOLUTION\n" in segment.text) == bool(segment.exercise)
        assert "secret" not in source.stub(segment.text, "m")
    assert "secret" not in source.stub(text, "m")
    assert "".join(source.stub(segment.text, "m") for segment in found) == source.stub(text, "m")


@given(MODULES)
def test_a_stub_loads_and_defines_the_same_names(text):
    stub = source.stub(text, "m")
    compile(stub, "stub", "exec")
    assert source.defined_names(stub) == source.defined_names(text)


BAD = {
    "no end": ("def f():\n    ### BEGIN SOLUTION\n    return 1\n", "line 2: .* without its end"),
    "no beginning": ("def f():\n    return 1\n    ### END SOLUTION\n", "line 3: .* without its beginning"),
    "nested": (
        "def f():\n    ### BEGIN SOLUTION\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION\n",
        "line 3: .* nested",
    ),
    "outside": ("### BEGIN SOLUTION\nx = 1\n### END SOLUTION\n", "line 1: .* outside a function"),
    "in an if": ("if True:\n    ### BEGIN SOLUTION\n    x = 1\n    ### END SOLUTION\n", "must be inside a function"),
    "does not parse": ("def f(:\n", "line 1 does not parse"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD)
def test_misplaced_markers_are_refused_with_their_line(text, message):
    with pytest.raises(ShortestError, match=f"squeeze.m: .*{message}|squeeze.m: {message}"):
        source.segments(text, "m")


def test_defined_names_are_those_of_the_top_level():
    text = "import a.b, c as d\nfrom e import f as g, h\nx = y = 1\n(z, *w) = 1, 2\n"
    text += "def i(j): k = 1\nclass L: m = 1\nfor n in (): pass\n"
    assert source.defined_names(text) == {"a", "d", "g", "h", "x", "y", "z", "w", "i", "L", "n"}

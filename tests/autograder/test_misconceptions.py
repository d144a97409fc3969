"""A misconception is named where a planted bug gives all the same answers, and nowhere else."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from autograder import bugs, judge
from autograder.course import Course
from autograder.grade import Grader, every
from autograder.misconceptions import Matcher, uses
from autograder.model import Attempt, Job, Outcome, ShortestError
from autograder.sandbox import Unsandboxed

REAL = Course(Path(__file__).resolve().parents[2])
MODULE = '''
"""Lesson 1: a few numbers."""


def double(number: int) -> int:
    """Return twice the number."""
    ### BEGIN SOLUTION
    return number + number
    ### END SOLUTION


def halve(number: int) -> int:
    """Return what doubles to the number. Raises ValueError for an odd one."""
    ### BEGIN SOLUTION
    if number % 2:
        raise ValueError(f"{number!r} is odd")
    return number // 2
    ### END SOLUTION


def also(function, number):
    """Given to everyone."""
    return function(double(number))


def quadruple(number: int) -> int:
    """Return four times the number."""
    ### BEGIN SOLUTION
    return also(double, number)
    ### END SOLUTION


def odd_part(number: int) -> int:
    """Return what is left when the number is halved for as long as that works."""
    ### BEGIN SOLUTION
    while number and number % 2 == 0:
        number = number // 2
    return number
    ### END SOLUTION
'''
PUBLIC = '''
from hypothesis import given, strategies as st
from autograder.laws import expect, law

@law(exercise="double", points=1, hint="Add the number to itself.")
@given(number=st.integers(-1000, 1000))
def test_adds_to_itself(twice, number):
    """A number doubled is the number plus itself."""
    expect.equal(twice.double(number), number + number)

@law(exercise="halve", points=1, hint="Look at the remainder.")
def test_odd_is_refused(twice):
    """An odd number has no half."""
    expect.equal(twice.halve(8), 4)
    expect.raises("ValueError", twice.halve, 7)

@law(exercise="quadruple", points=1, hint="Double the double.")
@given(number=st.integers(-1000, 1000))
def test_four_times(twice, number):
    """Four times the number is the number added up four times."""
    expect.equal(twice.quadruple(number), number + number + number + number)

@law(exercise="odd_part", points=1, hint="Go on while the remainder is 0.")
@given(number=st.integers(1, 1000))
def test_is_odd(twice, number):
    """What is left is odd and divides the number."""
    left = twice.odd_part(number)
    expect.true(left % 2 == 1 and number % left == 0, "it is odd and divides the number", got=left)
'''
HIDDEN = '''
from autograder.laws import expect, law

@law(exercise="double", points=1, hint="Python's numbers have no end.")
def test_large_numbers(twice, reference):
    """Large numbers are doubled too."""
    expect.equal(twice.double(1 << 99), reference.double(1 << 99))
'''
SQUARES = ("squares", "double", "Doubling is squaring.", "return number + number", "return number * number")
KEEPS = ("keeps", "double", "Doubling changes nothing.", "return number + number", "return number")
TAKES_ODD = (
    "takes_odd",
    "halve",
    "Half of an odd number is the number below.",
    'if number % 2:\n        raise ValueError(f"{number!r} is odd")\n    return number // 2',
    "return number // 2",
)
NOTHING = ("nothing", "quadruple", "It is nothing.", "return also(double, number)", "return 0 * number")
ONCE = (
    "once",
    "odd_part",
    "Halving once is enough.",
    "while number and number % 2 == 0:",
    "if number and number % 2 == 0:",
)
RAISES = (
    "halves_odd",
    "odd_part",
    "Halving says itself when to stop.",
    "while number and number % 2 == 0:\n        number = number // 2\n    return number",
    "while number > 1:\n        number = halve(number)\n    return number",
)
HALVED = "        number //= 2\n    return number"
PLANTED = [SQUARES, KEEPS, TAKES_ODD, NOTHING, ONCE, RAISES]


class Marker:
    """A course with planted bugs, its grader, and a matcher; knows how many bugs were judged."""

    def __init__(self, root: Path, planted) -> None:
        entries = zip(
            ("name", "exercise", "misconception", "find", "replace"), zip(*planted, strict=True), strict=True
        )
        columns = dict(entries)
        text = "".join(
            "[[bug]]\n" + "".join(f"{key} = '''{column[i]}'''\n" for key, column in columns.items()) + "\n"
            for i in range(len(planted))
        )
        (root / "tests" / "bugs" / "twice.toml").write_text(text, encoding="utf-8")
        self.course = Course(root)
        self.grader = Grader(root, "secret", Unsandboxed())
        self.judged: list[str] = []
        self.matcher = Matcher(self.grader)
        grade = self.grader.grade

        def counted(job, laws=None):
            self.judged.append(job.student)
            return grade(job, laws)

        self.grader.grade = counted

    def text(self, *edits):
        text = self.course.source("twice")
        for edit in edits:
            find, put = edit[-2:]
            assert text.count(find) == 1
            text = text.replace(find, put)
        return text

    def attempt(self, *edits, text=""):
        data = (text or self.text(*edits)).encode()
        attempt = self.grader.grade(Job("ada", "twice", "twice.py", data))
        assert not [v for v in attempt.verdicts if v.outcome is Outcome.GRADER_ERROR], attempt
        return attempt

    def match(self, *edits, text=""):
        return self.matcher.match(self.attempt(*edits, text=text))


def answers(attempt, law):
    (verdict,) = [verdict for verdict in attempt.verdicts if verdict.law == law]
    assert verdict.finding.answers
    return verdict.finding.answers


@pytest.fixture
def marker(tmp_path, small):
    """Give a function that makes a marker for some planted bugs."""

    def make(*planted):
        root = tmp_path / str(len(list(tmp_path.iterdir())))
        shutil.copytree(small.root, root)
        for path, text in (
            ("solutions/squeeze/twice.py", MODULE),
            ("tests/laws/public/test_twice.py", PUBLIC),
            ("tests/laws/hidden/test_twice.py", HIDDEN),
        ):
            (root / path).write_text(text.lstrip("\n"), encoding="utf-8")
        return Marker(root, planted or PLANTED)

    return make


def test_each_planted_bug_is_recognised_and_nothing_else(marker):
    make = marker()
    for bug in PLANTED:
        assert make.match(bug) == {bug[1]: bug[2]}, bug[0]


def test_the_reference_matches_nothing_and_costs_nothing(marker):
    make = marker()
    assert make.match() == {}
    assert make.judged == ["ada"]


def test_a_bug_is_judged_once_when_its_exercise_first_fails(marker):
    make = marker()
    attempt = make.attempt(SQUARES)
    for _ in range(3):
        make.matcher.match(attempt)
    assert make.judged == ["ada", "planted bug squares", "planted bug keeps"]


OTHER_MISTAKES = [
    ("return number + number", "return number + number + 1"),
    ("return number + number", "return 2"),
    ("return number + number", "return str(number)"),
    ("return number + number", "raise ValueError('no')"),
    ("return number + number", "return number + number if number % 100 else 0"),
    # At 1, the smallest input that breaks either, this one answers as squaring does; and at the large number.
    ("return number + number", "return number * number if number in (1, 1 << 99) else 3 * number"),
    # This one squares, but for the large number of the other law.
    ("return number + number", "return number * number if number < 1 << 90 else number + number"),
    ("return number // 2", "return number"),
]


def test_other_mistakes_match_nothing_even_where_one_answer_is_the_same(marker):
    make = marker()
    squares, alike = make.attempt(SQUARES), make.attempt(OTHER_MISTAKES[5])
    public = [
        (v.finding.example, v.finding.expected, v.finding.got)
        for v in (squares.verdicts[0], alike.verdicts[0])
    ]
    assert public[0] == public[1]
    assert make.matcher.match(squares)
    for edit in OTHER_MISTAKES:
        assert make.match(edit) == {}, edit


def test_two_mistakes_are_both_named(marker):
    assert marker().match(KEEPS, TAKES_ODD) == {KEEPS[1]: KEEPS[2], TAKES_ODD[1]: TAKES_ODD[2]}


def test_an_exercise_that_uses_a_broken_one_is_not_blamed(marker):
    make = marker()
    attempt = make.attempt((SQUARES[3], "return 0 * number"))
    assert answers(attempt, "four_times") == answers(make.attempt(NOTHING), "four_times")
    assert make.matcher.match(attempt) == {}


def test_how_an_exception_is_worded_does_not_matter_and_whose_it_is_does(marker):
    make = marker(RAISES)
    assert make.match(RAISES) == {"odd_part": RAISES[2]}
    own = (*RAISES[:-1], "while number > 1:\n        if number % 2:\n            raise ValueError\n" + HALVED)
    assert make.match(own) == {"odd_part": RAISES[2]}
    assert marker(own).match(RAISES) == {}  # `halve` keeps its laws, and didn't raise for the bug
    refuses = (SQUARES[3], "if number % 2:\n        raise ValueError\n    return 2 * number")
    through_double = (
        *RAISES[:-1],
        "while number > 1:\n        number = double(number) // 4\n    return number",
    )
    attempt = make.attempt(refuses, through_double)
    assert answers(attempt, "is_odd") == answers(make.attempt(RAISES), "is_odd")
    assert make.matcher.match(attempt) == {}  # `double` raised, and `halve` did for the bug


def test_bugs_that_no_law_tells_apart_have_one_misconception_or_none(marker):
    other = ("squares_too", "double", "A number times itself is its double.", SQUARES[3], "return number**2")
    assert marker(SQUARES, other, KEEPS).match(SQUARES) == {}
    assert marker(SQUARES, other, KEEPS).match(KEEPS) == {"double": KEEPS[2]}
    assert marker(SQUARES, other[:2] + SQUARES[2:3] + other[3:]).match(SQUARES) == {"double": SQUARES[2]}


def test_a_bug_that_no_law_notices_is_nobodys(marker):
    harmless = ("harmless", "double", "Nothing is wrong.", SQUARES[3], "return 2 * number")
    make = marker(harmless, SQUARES)
    assert make.match(harmless) == {}
    assert make.match(SQUARES) == {"double": SQUARES[2]}


def test_a_slow_machine_hides_a_match_and_makes_none(marker, monkeypatch):
    make = marker()
    monkeypatch.setattr(judge, "SHRINK_SECONDS", -1.0)
    unshrunk = make.attempt(SQUARES)
    monkeypatch.setattr(judge, "ANSWER_SECONDS", -1.0)
    late = make.attempt(SQUARES)
    monkeypatch.undo()
    assert unshrunk.verdicts[0].finding.example != make.attempt(SQUARES).verdicts[0].finding.example
    assert make.matcher.match(unshrunk) == {"double": SQUARES[2]}
    assert make.matcher.match(late) == {}


def test_what_ran_out_of_time_or_was_not_run_says_nothing(marker):
    large = "number == 1 << 99"
    small = (*SQUARES[:-1], f"return number + number if {large} else number * number")
    loops = (SQUARES[3], f"while {large}:\n        pass\n    return number * number")
    dies = (SQUARES[3], f"import os\n    {large} and os._exit(3)\n    return number * number")
    unfinished = (SQUARES[3], f"if {large}:\n        raise NotImplementedError\n    return number * number")
    make = marker(small, TAKES_ODD)
    assert make.match(small) == {"double": SQUARES[2]}
    for edit in (loops, dies, unfinished):
        assert make.match(edit) == {}, edit
    assert make.match(text="def broken(:") == {}
    lost = make.attempt()
    for outcome in (Outcome.GRADER_ERROR, Outcome.TIMED_OUT, Outcome.NOT_RUN):
        assert (
            make.matcher.match(replace(lost, verdicts=every(make.grader.laws("twice"), outcome, "lost")))
            == {}
        )
    assert make.matcher.match(Attempt("ada", "twice", "", "", (), 0.0)) == {}


def test_planted_bugs_that_can_t_be_read_are_an_error_with_the_file(marker):
    make = marker()
    attempt = make.attempt(SQUARES)
    (make.course.root / "tests" / "bugs" / "twice.toml").write_text("[[bug]]\n", encoding="utf-8")
    with pytest.raises(ShortestError, match=r"twice\.toml"):
        make.matcher.match(attempt)


def test_uses_follows_given_functions_and_no_given_class():
    source = """
class Given:
    def __add__(self, other): return third()

class Own:
    def method(self): return first(1)

def given(): return second(), third()
def first(x): return Given()
def second(): return first(2), second()
def third(): return Own()
"""
    assert uses(source, ["Own", "first", "second", "third"]) == {
        "Own": {"first"},
        "first": set(),
        "second": {"first"},
        "third": {"Own", "first"},
    }


@pytest.mark.parametrize("lesson", ["entropy", "huffman"])  # lesson 10 takes seconds to draw
def test_the_lessons_bugs_are_recognised_by_a_grader_of_another_sandbox(lesson, isolated):
    grader = Grader(REAL.root, "secret", isolated)
    matcher = Matcher(Grader(REAL.root, "secret", Unsandboxed()))
    for bug in bugs.load(REAL, lesson)[::3]:
        attempt = grader.grade(Job("ada", lesson, f"{lesson}.py", bug.source.encode()))
        assert matcher.match(attempt) == {bug.exercise: bug.misconception}

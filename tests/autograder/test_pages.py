"""A lesson's page of the book: stubs where the exercises are, demos as they stand, and no solution unasked."""

from __future__ import annotations

import re

import pytest

from autograder.course import Course
from autograder.model import Lesson, Limits, ShortestError
from autograder.pages import book_page

MODULE = '''"""A lesson."""

import math

LIMIT = 15


def half(n: int) -> int:
    """Return half of it.

    >>> half(4)
    2
    """
    ### BEGIN SOLUTION
    return n // 2  # the secret of half
    ### END SOLUTION


def _helper() -> float:
    return math.pi


def twice(n: int) -> int:
    """Return twice as much."""
    ### BEGIN SOLUTION
    return n + n  # the secret of twice
    ### END SOLUTION


def demo() -> None:
    """Come after the last exercise."""
'''

PAGE = """\
# Numbers: up and down

Let $n$ be a number.

```{exercise} squeeze.numbers:half
```

```{code-cell} python
:tags: [hide-input, wide]
print(half(10))
```

## Up

```{exercise} squeeze.numbers:twice
```

The end.
"""


@pytest.fixture
def lesson(tmp_path):
    return make_lesson(tmp_path, PAGE)


def make_lesson(folder, text):
    page = folder / "lesson.md"
    page.write_text(text, encoding="utf-8")
    module = folder / "numbers.py"
    return Lesson(7, "numbers", "Numbers", "Bits", 60, (), Limits(), "", page, module)


def order(text, *parts):
    places = [text.index(part) for part in parts]
    return places == sorted(places)


def test_an_exercise_is_its_stub_in_a_box_of_its_own(lesson):
    text = book_page(lesson, MODULE, solutions=False)
    box = text[text.index(":::{admonition} Exercise: `half`") :]
    assert order(
        box,
        ":class: exercise\n:name: exercise-numbers-half",
        "```python\ndef half(n: int) -> int:",
        "    >>> half(4)",
        'raise NotImplementedError("numbers: half is not started")\n```\n:::',
    )


def test_without_solutions_none_is_there_and_no_marker(lesson):
    text = book_page(lesson, MODULE, solutions=False)
    assert "secret" not in text
    assert "SOLUTION" not in text
    assert "Solution" not in text


def test_with_solutions_each_stands_folded_after_its_stub_without_markers(lesson):
    text = book_page(lesson, MODULE, solutions=True)
    assert order(
        text, "half is not started", "{dropdown} Solution", "secret of half", "`twice`", "secret of twice"
    )
    assert "### BEGIN" not in text
    assert "### END" not in text


def test_given_code_stands_before_its_exercise_and_what_follows_the_last_after_it(lesson):
    text = book_page(lesson, MODULE, solutions=False)
    assert order(
        text,
        "Given: `LIMIT`",
        "Exercise: `half`",
        "Given: `_helper`",
        "Exercise: `twice`",
        "Given: `demo`",
        "The end.",
    )
    assert text.count("import math\n") == 1


def test_short_given_code_is_open_and_long_code_is_folded(lesson):
    assert "{dropdown} Given: `LIMIT`\n:open:\n" in book_page(lesson, MODULE, solutions=False)
    long = MODULE.replace("LIMIT = 15", "LIMIT = 15\n" + "# why\n" * 40)
    assert "{dropdown} Given: `LIMIT`\n\n" in book_page(lesson, long, solutions=False)


def test_demos_keep_their_tags_and_prose_its_words(lesson):
    text = book_page(lesson, MODULE, solutions=False)
    assert "```{code-cell} python\n:tags: [hide-input, wide]\n\nprint(half(10))\n```" in text
    assert "Let $n$ be a number." in text
    assert "{exercise}" not in text


def test_the_title_carries_the_lessons_number(lesson):
    assert re.findall("^# .*$", book_page(lesson, MODULE, solutions=False), re.MULTILINE)[0] == (
        "# 7. Numbers: up and down"
    )


def test_a_hidden_cell_brings_every_name_of_the_module_into_scope(lesson, monkeypatch):
    text = book_page(lesson, MODULE, solutions=False, fingerprint="made of this")
    cell = re.search(r"```\{code-cell\} python\n:tags: \[remove-cell\]\n\n(.*?)\n```", text, re.DOTALL).group(
        1
    )
    assert "# made of this" in cell
    module = type(pytest)("squeeze.numbers")
    module.half, module._helper = 1, 2
    monkeypatch.setitem(__import__("sys").modules, "squeeze.numbers", module)
    monkeypatch.setattr(__import__("squeeze"), "numbers", module, raising=False)
    scope = {}
    exec(cell, scope)
    assert (scope["half"], scope["_helper"]) == (1, 2)
    assert "module" not in scope


def test_fences_are_longer_than_any_in_the_code(lesson):
    tricky = MODULE.replace("LIMIT = 15", 'FENCE = "```` and ::::"')
    text = book_page(lesson, tricky, solutions=False)
    assert '`````python\n"""A lesson."""' in text
    assert ":::::{dropdown} Given: `FENCE`" in text


def test_the_same_lesson_gives_the_same_page(lesson):
    assert book_page(lesson, MODULE, solutions=True) == book_page(lesson, MODULE, solutions=True)


@pytest.mark.parametrize("start", ["No title.\n", "## Too deep\n", ""])
def test_a_page_without_a_title_is_refused(tmp_path, start):
    with pytest.raises(ShortestError, match="begin with its title"):
        book_page(make_lesson(tmp_path, start), MODULE, solutions=False)


def test_a_pointer_to_nothing_is_refused_by_name(tmp_path):
    lesson = make_lesson(tmp_path, PAGE.replace(":twice", ":thrice"))
    with pytest.raises(ShortestError, match="no exercise 'thrice'"):
        book_page(lesson, MODULE, solutions=False)


def test_every_lesson_of_the_course_makes_a_page_with_all_its_exercises(pytestconfig):
    course = Course(pytestconfig.rootpath)
    for name, lesson in course.lessons.items():
        text = book_page(lesson, course.source(name), solutions=False)
        for exercise in course.exercises(name):
            assert text.count(f":name: exercise-{name}-{exercise.name}\n") == 1
            assert exercise.stub.strip() in text

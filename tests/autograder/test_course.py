"""Whatever is wrong in a course is named with its file and place, and nothing wrong goes by."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.course import Course, find_course
from autograder.model import ShortestError

MODULE = '''
def first(x):
    """Say one."""
    ### BEGIN SOLUTION
    return x
    ### END SOLUTION

def second(x):
    """Say two."""
    ### BEGIN SOLUTION
    return x
    ### END SOLUTION
'''
PAGE = """# Title

```{exercise} squeeze.NAME:first
```

Text.

```{exercise} squeeze.NAME:second
```
"""
TOML = """
module = "NAME"
title = "A title"
part = "Bits"
minutes = 90
needs = []
rung = "codec"
"""
LAWS = """
from autograder.laws import expect, law
@law(exercise="first", points=1, hint="h")
def test_first(NAME):
    "T."
@law(exercise="second", points=1, hint="h")
def test_second(NAME):
    "T."
"""
HIDDEN = """
from autograder.laws import expect, law
@law(exercise="second", points=2, hint="h")
def test_hidden(NAME):
    "T."
"""


def write(path: Path, text: str, name: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.replace("NAME", name), encoding="utf-8")


@pytest.fixture
def root(tmp_path):
    """Write a course of two lessons without a fault."""
    for number, name in ((1, "alpha"), (2, "beta")):
        folder = tmp_path / "lessons" / f"{number:02d}_{name}"
        write(folder / "lesson.toml", TOML.replace("[]", '["alpha"]' if name == "beta" else "[]"), name)
        write(folder / "lesson.md", PAGE, name)
        write(tmp_path / "solutions" / "squeeze" / f"{name}.py", MODULE, name)
        write(tmp_path / "tests" / "laws" / "public" / f"test_{name}.py", LAWS, name)
        write(tmp_path / "tests" / "laws" / "hidden" / f"test_{name}.py", HIDDEN, name)
    return tmp_path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_course_without_a_fault_says_nothing(root):
    course = Course(root)
    assert course.check() == []
    assert list(course.lessons) == ["alpha", "beta"]
    lesson = course.lesson("beta")
    assert (lesson.number, lesson.folder, lesson.needs, lesson.minutes) == (2, "02_beta", ("alpha",), 90)
    assert course.needed("beta") == ["alpha"]
    assert course.needed("alpha") == []
    assert [exercise.name for exercise in course.exercises("alpha")] == ["first", "second"]
    assert [law.key for law in course.laws("beta", hidden=True)] == [
        "beta.first",
        "beta.second",
        "beta.hidden",
    ]
    assert [law.key for law in course.laws("beta", hidden=False)] == ["beta.first", "beta.second"]
    assert not course.is_bundle


@pytest.mark.parametrize("name", ["beta", "2", "02", "02_beta"])
def test_a_lesson_is_found_by_its_name_and_its_number(root, name):
    assert Course(root).lesson(name).name == "beta"


@pytest.mark.parametrize("name", ["", "0", "3", "gamma", "../beta", "bet"])
def test_an_unknown_lesson_is_refused_with_the_known_ones(root, name):
    with pytest.raises(ShortestError, match="there are: alpha, beta"):
        Course(root).lesson(name)


def test_limits_are_read(root):
    path = root / "lessons" / "02_beta" / "lesson.toml"
    path.write_text(path.read_text() + "[limits]\nmemory_mb = 300\ncall_seconds = 2\n")
    limits = Course(root).lesson("beta").limits
    assert (limits.memory_mb, limits.call_seconds) == (300, 2)
    assert Course(root).lesson("alpha").limits.memory_mb != 300
    assert limits.forbids == ()


def test_what_a_lesson_forbids_is_read(root):
    path = root / "lessons" / "02_beta" / "lesson.toml"
    path.write_text(path.read_text() + '[limits]\nforbids = ["numpy.linalg", "json"]\n')
    assert Course(root).lesson("beta").limits.forbids == ("numpy.linalg", "json")
    assert Course(root).lesson("alpha").limits.forbids == ()


BAD_TOML = {
    "unknown key": ('part = "Bits"', 'part = "Bits"\npoints = 3', "unknown key 'points'; known are"),
    "no parse": ("minutes = 90", "minutes = ", "line 5"),
    "unknown module": ('module = "beta"', 'module = "gamma"', "module: 'gamma' doesn't match the folder's name"),
    "module of another type": ('module = "beta"', "module = 2", "module: expected a str, got 2"),
    "title of another type": ('title = "A title"', "title = []", "title: expected a str, got []"),
    "minutes as text": ("minutes = 90", 'minutes = "90"', "minutes: expected a int, got '90'"),
    "minutes as truth": ("minutes = 90", "minutes = true", "minutes: expected a int, got True"),
    "needs as text": ('needs = ["alpha"]', 'needs = "alpha"', "needs: expected a list, got 'alpha'"),
    "a need of another type": ('needs = ["alpha"]', "needs = [1]", "needs: expected names of lessons, got [1]"),
    "a need in a list": ('needs = ["alpha"]', 'needs = [["alpha"]]', "needs: expected names of lessons"),
    "an unknown need": ('needs = ["alpha"]', 'needs = ["gamma"]', "needs: no earlier lesson is called 'gamma'"),
    "needs itself": ('needs = ["alpha"]', 'needs = ["beta"]', "needs: no earlier lesson is called 'beta'"),
    "an unknown rung": ('rung = "codec"', 'rung = "ladder"', "rung: 'ladder' is none of '', 'codec', 'model'"),
    "limits of another type": ('rung = "codec"', 'rung = "codec"\nlimits = 3', "limits: expected a dict, got 3"),
    "an unknown limit": ('rung = "codec"', 'rung = "codec"\n[limits]\nmemory = 3', "limits: unknown key 'memory'"),
    "a limit of 0": ('rung = "codec"', 'rung = "codec"\n[limits]\nmemory_mb = 0', "memory_mb: expected a number"),
    "a limit as text": ('rung = "codec"', 'rung = "codec"\n[limits]\nlaw_seconds = "3"', "law_seconds: expected a"),
    "one name": ('rung = "codec"', 'rung = "codec"\n[limits]\nforbids = "json"', "limits: forbids: expected names"),
    "no names": ('rung = "codec"', 'rung = "codec"\n[limits]\nforbids = [3]', "forbids: expected names of modules"),
    "a folder": ('rung = "codec"', 'rung = "codec"\n[limits]\nforbids = [".."]', "forbids: expected names of modules"),
    "half a megabyte": ('rung = "codec"', 'rung = "codec"\n[limits]\nmemory_mb = 0.5', "memory_mb: expected a whole"),
} | {
    f"{key} is missing": (line, "", f"the key {key!r} is missing")
    for key, line in [
        ("module", 'module = "beta"'), ("title", 'title = "A title"'), ("part", 'part = "Bits"'),
        ("minutes", "minutes = 90"), ("needs", 'needs = ["alpha"]'), ("rung", 'rung = "codec"'),
    ]
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "message"), BAD_TOML.values(), ids=BAD_TOML)
def test_a_wrong_lesson_toml_is_named_with_its_key(root, old, new, message):
    path = root / "lessons" / "02_beta" / "lesson.toml"
    change(path, old, new)
    with pytest.raises(ShortestError) as caught:
        Course(root).lesson("beta")
    assert str(path) in str(caught.value)
    assert message in str(caught.value)


def test_a_need_of_a_later_lesson_is_refused(root):
    change(root / "lessons" / "01_alpha" / "lesson.toml", "needs = []", 'needs = ["beta"]')
    with pytest.raises(ShortestError, match=r"01_alpha.*no earlier lesson is called 'beta'"):
        _ = Course(root).lessons


@pytest.mark.parametrize("folder", ["01_beta", "03_alpha"])
def test_a_number_or_a_module_twice_is_refused(root, folder):
    write(root / "lessons" / folder / "lesson.toml", TOML, folder[3:])
    write(root / "lessons" / folder / "lesson.md", PAGE, folder[3:])
    with pytest.raises(
        ShortestError, match=f"{folder}.*share a module or a number|share a module or a number"
    ):
        _ = Course(root).lessons


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("lessons/02_beta/lesson.toml", "02_beta: lesson.toml is missing"),
        ("lessons/02_beta/lesson.md", "02_beta: lesson.md is missing"),
        ("solutions/squeeze/beta.py", "module: there is no beta.py in"),
    ],
)
def test_a_missing_file_is_named(root, missing, message):
    (root / missing).unlink()
    with pytest.raises(ShortestError, match=message):
        _ = Course(root).lessons


SECOND = "```{exercise} squeeze.beta:second\n```\n"
BAD_PAGES = {
    "points to nothing": (
        SECOND,
        SECOND + SECOND.replace("second", "third"),
        "squeeze.beta:third points to no exercise",
    ),
    "points twice": (SECOND, SECOND + SECOND, "exercise 'second' is pointed at 2 times, not once"),
    "points not at all": (SECOND, "", "exercise 'second' is pointed at 0 times, not once"),
    "another module": (
        "squeeze.beta:second",
        "squeeze.alpha:second",
        "lesson.md:8: the pointer 'squeeze.alpha:second' should read",
    ),
    "no name": (
        "squeeze.beta:second",
        "squeeze.beta:",
        "lesson.md:8: the pointer 'squeeze.beta:' should read",
    ),
    "no module": ("squeeze.beta:second", "second", "lesson.md:8: the pointer 'second' should read"),
}


@pytest.mark.parametrize(("old", "new", "message"), BAD_PAGES.values(), ids=BAD_PAGES)
def test_a_wrong_pointer_is_named_with_its_page(root, old, new, message):
    change(root / "lessons" / "02_beta" / "lesson.md", old, new)
    wrong = Course(root).check()
    assert wrong
    assert message in wrong[0]
    assert all("lesson.md" in line and "02_beta" in line for line in wrong)


def test_pointers_in_another_order_are_named(root):
    path = root / "lessons" / "02_beta" / "lesson.md"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("first", "x").replace("second", "first").replace("x\n", "second\n"), encoding="utf-8"
    )
    (wrong,) = Course(root).check()
    assert "another order than in the module: first, second" in wrong


def test_a_law_for_no_exercise_and_an_exercise_without_a_public_law_are_named(root):
    change(root / "tests" / "laws" / "public" / "test_beta.py", 'exercise="second"', 'exercise="third"')
    wrong = Course(root).check()
    assert "law beta.second judges 'third', which is no exercise of beta" in wrong
    assert "exercise 'second' of beta has no public law" in wrong


def test_one_name_in_both_law_files_is_named(root):
    change(root / "tests" / "laws" / "hidden" / "test_beta.py", "test_hidden", "test_first")
    assert Course(root).check() == ["two laws of beta have one name"]


def test_every_wrong_lesson_is_named_at_once(root):
    for name in ("alpha", "beta"):
        (root / "tests" / "laws" / "public" / f"test_{name}.py").unlink()
    assert len(Course(root).check()) == 2


def test_a_bundle_has_stubs_and_public_laws_only(root):
    (root / "solutions").rename(root / "stubs")
    (root / "tests" / "laws" / "hidden").rename(root / "elsewhere")
    course = Course(root)
    assert course.is_bundle
    assert course.check() == []
    assert course.source("alpha") == MODULE


def test_the_course_is_found_upwards(root, tmp_path, monkeypatch):
    monkeypatch.delenv("SHORTEST_COURSE", raising=False)
    for start in (root, root / "lessons" / "01_alpha", root / "tests" / "laws"):
        assert find_course(start).root == root.resolve()
        monkeypatch.chdir(start)
        assert find_course().root == root.resolve()


def test_the_variable_comes_first_and_must_name_a_course(root, monkeypatch, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    monkeypatch.setenv("SHORTEST_COURSE", str(root))
    assert find_course(other).root == root.resolve()
    monkeypatch.setenv("SHORTEST_COURSE", str(other))
    with pytest.raises(ShortestError, match=r"SHORTEST_COURSE=.* is no course.*unpacked"):
        find_course(root)
    monkeypatch.setenv("SHORTEST_COURSE", str(root / "lessons"))
    with pytest.raises(ShortestError, match="is no course"):
        find_course(root)
    monkeypatch.delenv("SHORTEST_COURSE")
    with pytest.raises(ShortestError, match="no course is at or above"):
        find_course(other)

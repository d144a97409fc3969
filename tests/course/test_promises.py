"""What the course promises of every lesson: its reference is right, its stub is not, and its laws notice mistakes."""

from __future__ import annotations

import ast
import doctest
import importlib
import re
from functools import cache
from pathlib import Path

import pytest

import autograder
from autograder import bugs, lawbook, source
from autograder import judge as judging
from autograder.course import Course
from autograder.judge import Direct, judge, load_module
from autograder.model import Law, Outcome, Verdict
from autograder.remote import Remote
from autograder.sandbox import Unsandboxed
from autograder.workspace import assemble, with_reference

COURSE = Course(Path(__file__).resolve().parents[2])
LESSONS = list(COURSE.lessons)
SECRET = "promises"
TESTS = COURSE.root / "tests"

# Functions that do nothing for their points.
EXPRESSIONS = [
    "None", "0", "1.0", "True", "False", "b''", "''", "[]", "{}", "args[0] if args else None",
    "int('refuse everything')", "type('Equal', (), {'__eq__': lambda *_: True})()",
]  # fmt: skip


@cache
def laws(lesson: str) -> tuple[Law, ...]:
    return tuple(COURSE.laws(lesson, hidden=True))


@cache
def inputs(law: Law) -> list[dict[str, object]]:
    return lawbook.draw(law, SECRET)


@cache
def lent(lesson: str) -> dict[str, object]:
    return {
        "reference": load_module(COURSE.source(lesson), lesson),
        "bugs": bugs.modules(COURSE, lesson),
    }


@pytest.fixture
def judged(tmp_path, monkeypatch):
    """Give a function that judges a module's text in workers, as a submission is judged, without shrinking."""
    monkeypatch.setattr(judging, "SHRINK_SECONDS", 0.0)

    def run(lesson: str, text: str, only: str = "") -> dict[str, Verdict]:
        needs = {name: COURSE.source(name) for name in COURSE.needed(lesson)}
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        package = assemble(folder, with_reference(text, lesson, needs))
        limits = COURSE.lesson(lesson).limits
        with Remote(Unsandboxed(), package, lesson, limits, text, extra=lent(lesson)) as subject:
            chosen = [law for law in laws(lesson) if only in ("", law.exercise)]
            verdicts = judge(chosen, subject, limits, inputs, SECRET)
            return {verdict.law: verdict for verdict in verdicts}

    return run


def points(verdicts: dict[str, Verdict]) -> int:
    return sum(verdict.points for verdict in verdicts.values())


def test_there_are_lessons():
    assert LESSONS


def test_lessons_modules_laws_and_pointers_agree():
    assert COURSE.check() == []


@pytest.mark.parametrize(
    "pattern",
    [
        "solutions/squeeze/[!_]*.py",
        "tests/laws/public/test_*.py",
        "tests/laws/hidden/test_*.py",
        "tests/bugs/*.toml",
    ],
)
def test_every_file_of_a_lesson_belongs_to_a_lesson(pattern):
    names = {path.stem.removeprefix("test_") for path in COURSE.root.glob(pattern)}
    assert names - {"survivors"} == set(LESSONS)  # survivors.toml: mutants that change nothing


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_reference_keeps_every_law(judged, lesson):
    verdicts = judged(lesson, COURSE.source(lesson))
    assert [v for v in verdicts.values() if v.outcome is not Outcome.PASSED] == []
    assert points(verdicts) == lawbook.total(laws(lesson)) > 0


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_reference_keeps_every_law_in_a_notebook_too(lesson):
    text = COURSE.source(lesson)
    subject = Direct(load_module(text, lesson), load_module(text, lesson), text, lent(lesson))
    verdicts = list(judge(laws(lesson), subject, COURSE.lesson(lesson).limits, inputs, SECRET))
    assert [v for v in verdicts if v.outcome is not Outcome.PASSED] == []


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_stub_fails_every_law_and_each_verdict_names_the_exercise(judged, lesson):
    verdicts = judged(lesson, source.stub(COURSE.source(lesson), lesson))
    exercises = [exercise.name for exercise in COURSE.exercises(lesson)]
    assert points(verdicts) == 0
    for law in laws(lesson):
        verdict = verdicts[law.name]
        assert verdict.outcome is Outcome.NOT_RUN
        named = re.fullmatch(rf"{lesson}: (\w+) is not started", verdict.because)
        assert named, verdict.because
        assert named[1] in exercises


@pytest.mark.parametrize("lesson", LESSONS)
def test_an_empty_module_earns_nothing(judged, lesson):
    verdicts = judged(lesson, "")
    assert points(verdicts) == 0
    assert set(verdicts) == {law.name for law in laws(lesson)}
    assert not any(verdict.outcome is Outcome.GRADER_ERROR for verdict in verdicts.values())


def constant_module(lesson: str, expression: str) -> str:
    """Return the lesson's module with every exercise replaced by a function that returns the expression."""
    parts = []
    for segment in source.segments(COURSE.source(lesson), lesson):
        parts.append(segment.text)
        if segment.exercise:
            parts[-1] = f"def {segment.exercise}(*args, **keywords):\n    return {expression}\n"
    return "".join(parts)


@pytest.mark.parametrize("lesson", LESSONS)
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_module_of_constants_earns_nothing(judged, lesson, expression):
    verdicts = judged(lesson, constant_module(lesson, expression))
    earned = {name: v.points for name, v in verdicts.items() if v.points}
    assert earned == {}
    assert not any(verdict.outcome is Outcome.GRADER_ERROR for verdict in verdicts.values())


def without(lesson: str, exercise: str) -> str:
    """Return the reference with one exercise not started."""
    segments = source.segments(COURSE.source(lesson), lesson)
    return "".join(source.stub(s.text, lesson) if s.exercise == exercise else s.text for s in segments)


EXERCISES = [(lesson, exercise.name) for lesson in LESSONS for exercise in COURSE.exercises(lesson)]


@pytest.mark.parametrize(("lesson", "exercise"), EXERCISES, ids=[":".join(pair) for pair in EXERCISES])
def test_an_unfinished_exercise_earns_none_of_its_points(judged, lesson, exercise):
    verdicts = judged(lesson, without(lesson, exercise), only=exercise)
    assert verdicts
    assert points(verdicts) == 0
    assert all(verdict.outcome is Outcome.NOT_RUN for verdict in verdicts.values())


BUGS = [(lesson, bug.name) for lesson in LESSONS for bug in bugs.load(COURSE, lesson)]


@pytest.mark.parametrize(("lesson", "name"), BUGS, ids=[f"{lesson}-{name}" for lesson, name in BUGS])
def test_every_planted_bug_is_killed_by_a_law_of_its_own_exercise(judged, lesson, name):
    (bug,) = [bug for bug in bugs.load(COURSE, lesson) if bug.name == name]
    verdicts = judged(lesson, bug.source)
    killers = [law for law in laws(lesson) if verdicts[law.name].points == 0]
    assert killers, f"no law notices that {bug.misconception!r}"
    assert bug.exercise in {law.exercise for law in killers}
    outcomes = {verdicts[law.name].outcome for law in killers}
    assert outcomes <= {Outcome.FAILED, Outcome.TIMED_OUT, Outcome.CRASHED, Outcome.NOT_RUN}
    assert outcomes != {Outcome.NOT_RUN}


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_has_enough_bugs_and_laws(lesson):
    assert len(bugs.load(COURSE, lesson)) >= 8
    public = [law for law in laws(lesson) if not law.hidden]
    assert len(public) >= 8
    assert len(laws(lesson)) - len(public) >= 4
    for law in laws(lesson):
        assert len(law.title) <= 160
        assert law.title.endswith(".")
        assert law.hint.endswith((".", "?", "!"))


@pytest.mark.parametrize("lesson", LESSONS)
def test_public_laws_stand_without_the_reference(lesson):
    for law in laws(lesson):
        asked = set(lawbook.fixtures(law))
        assert asked <= {lesson, "elsewhere", "reference", "bugs"}
        assert lesson in asked
        assert law.hidden or not asked & {"reference", "bugs"}


MODULES = [f"squeeze.{lesson}" for lesson in LESSONS]
MODULES += sorted(
    f"autograder.{path.stem}"
    for path in Path(autograder.__file__).parent.glob("*.py")
    if path.stem not in ("worker", "__init__") and ">>>" in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_docstrings_run(name):
    module = importlib.import_module(name)
    results = doctest.testmod(module, optionflags=doctest.IGNORE_EXCEPTION_DETAIL)
    assert results.failed == 0
    assert results.attempted > 0 or not name.startswith("squeeze.")


def parsed(pattern: str) -> list[tuple[Path, ast.Module]]:
    return [(path, ast.parse(path.read_text(encoding="utf-8"))) for path in sorted(TESTS.glob(pattern))]


def test_no_law_compares_with_a_bare_assert():
    """Only `expect` knows what to do with a value that came from student code, and what to tell the student."""
    for path, tree in parsed("laws/*/test_*.py"):
        lines = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Assert)]
        assert not lines, f"{path}: bare assert in lines {lines}"


def test_no_law_draws_from_st_data_or_imports_the_package():
    for path, tree in parsed("laws/*/test_*.py"):
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                assert (node.module or "").split(".")[0] not in ("squeeze", "solutions"), (
                    f"{path}:{node.lineno}"
                )
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "data"
            ):
                raise AssertionError(f"{path}:{node.lineno}: st.data() can't be drawn once and replayed")


def test_no_two_tests_of_one_file_have_one_name():
    """Python keeps the last one, and the first is never run."""
    for path, tree in parsed("**/*.py"):
        scopes = [tree, *(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))]
        for scope in scopes:
            names = [
                n.name
                for n in scope.body
                if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            ]
            tests = [name for name in names if name.startswith(("test", "Test"))]
            assert len(set(tests)) == len(tests), f"{path}: {sorted(n for n in tests if tests.count(n) > 1)}"


def test_the_engine_imports_no_lesson():
    for path in Path(autograder.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            wrong = [
                name for name in modules if name.split(".")[0] in ("squeeze", "lessons", "solutions", "tests")
            ]
            assert not wrong, f"{path}:{node.lineno} imports {wrong}"

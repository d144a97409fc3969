"""What a notebook of the course calls: `begin` once, then `check` on the definitions that are live in it."""

from __future__ import annotations

import atexit
import shutil
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

from autograder import report
from autograder.check import check_live
from autograder.course import Course, find_course
from autograder.desk import Desk
from autograder.judge import Direct
from autograder.model import Law, Outcome, ShortestError
from autograder.workspace import assemble


class _Notebook:
    """The notebook that this kernel runs: its lesson, and the namespace its cells define names in."""

    def __init__(self, course: Course, lesson: str, namespace: dict[str, Any]) -> None:
        self.course = course
        self.lesson = lesson
        self.module = _Live(lesson, namespace)
        self.laws = course.laws(lesson, hidden=False)


class _Live(ModuleType):
    """Looks like the lesson's module, and always holds the newest definitions."""

    def __init__(self, name: str, namespace: dict[str, Any]) -> None:
        super().__init__(f"squeeze.{name}")
        self._namespace = namespace

    def __getattr__(self, name: str) -> Any:
        try:
            return self._namespace[name]
        except KeyError:
            raise AttributeError(name) from None


_open: list[_Notebook] = []


def begin(lesson: str) -> None:
    """Find the course and put the student's earlier lessons where `from squeeze.… import …` finds them.

    Raises ShortestError where there is no course here or no such lesson.
    """
    course = find_course()
    desk = Desk(Path.cwd(), course)
    modules, notes = desk.needed(course.lesson(lesson).name)
    folder = Path(tempfile.mkdtemp(prefix="shortest-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    sys.path.insert(0, str(assemble(folder, modules)))
    for name in [name for name in sys.modules if name == "squeeze" or name.startswith("squeeze.")]:
        del sys.modules[name]
    _open[:] = [_Notebook(course, course.lesson(lesson).name, sys._getframe(1).f_globals)]
    for note in notes:
        print(note)  # noqa: T201 - a notebook's output is what it prints


def check(*exercises: str) -> None:
    """Run the public laws of these exercises, or of all, on the definitions of this notebook."""
    notebook = _current()
    names = [exercise.name for exercise in notebook.course.exercises(notebook.lesson)]
    for exercise in exercises:
        if exercise not in names:
            raise ShortestError(
                f"no exercise of {notebook.lesson} is called {exercise!r}; there are: {', '.join(names)}"
            )
    laws = [law for law in notebook.laws if not exercises or law.exercise in exercises]
    checked = check_live(notebook.course, notebook.lesson, Direct(notebook.module), laws)
    print(report.as_text(checked, brief=True))  # noqa: T201


def law(name: str) -> None:
    """Run one law, as nbgrader's grade cells do; a hidden law is judged by the instructor.

    Raises AssertionError, with the law's title and what it saw, where it does not hold.
    """
    notebook = _current()
    laws: list[Law] = [law for law in notebook.laws if law.name == name]
    if not laws:
        print("This law is hidden. It is judged when your work is graded.")  # noqa: T201
        return
    checked = check_live(notebook.course, notebook.lesson, Direct(notebook.module), laws)
    if checked.verdicts[0].outcome is not Outcome.PASSED:
        raise AssertionError("\n" + report.as_text(checked, brief=True))


def _current() -> _Notebook:
    if not _open:
        raise ShortestError("run the notebook's first cell first: it finds the course")
    return _open[-1]

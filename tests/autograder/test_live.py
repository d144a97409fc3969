"""Inside a notebook: `begin`, `check` and `law` on the live definitions, in a real kernel and in this process."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from autograder import live, notebook
from autograder.course import Course
from autograder.desk import Desk
from autograder.model import ShortestError

BROKEN = "def double(number):\n    return number + number if number < 10 else 0"
RAISING = "def double(number):\n    x = number\n    return x.nothing"


@pytest.fixture
def begun(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Begin the lesson in this process; give the namespace that stands for the notebook's."""
    monkeypatch.chdir(desk.folder)
    monkeypatch.setenv("SHORTEST_COURSE", str(desk.course.root))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(atexit, "register", lambda *_, **__: None)
    modules = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "squeeze"}
    namespace: dict[str, Any] = {"begin": live.begin}
    exec("begin('twice')", namespace)
    yield namespace
    live._open.clear()
    for name in [name for name in sys.modules if name.split(".")[0] == "squeeze"]:
        del sys.modules[name]
    sys.modules.update(modules)


def test_the_newest_definition_is_checked(begun: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    live.check("double")
    assert "· double  is not defined" in capsys.readouterr().out
    exec(BROKEN, begun)
    live.check("double")
    text = capsys.readouterr().out
    assert "✗ double  1 of 3" in text
    assert "double(10)" in text
    exec("def double(number):\n    return number * 2", begun)
    live.check("double")
    text = capsys.readouterr().out
    assert "✓ double  3 of 3" in text
    assert "A number doubled is the number plus itself." in text
    assert "halve" not in text


def test_all_are_checked_where_none_is_named(
    begun: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    live.check()
    text = capsys.readouterr().out
    for exercise in ("double", "halve", "is_double"):
        assert f"· {exercise}  is not defined" in text


def test_a_law_raises_what_a_person_can_read(begun: dict[str, Any]) -> None:
    exec(BROKEN, begun)
    with pytest.raises(AssertionError) as broken:
        live.law("adds_to_itself")
    for part in (
        "A number doubled is the number plus itself.",
        "number =  10",
        "double(10)",
        "20",
        "Add the number",
    ):
        assert part in str(broken.value)
    live.law("double_of_nothing")


def test_an_unstarted_exercise_breaks_its_law(begun: dict[str, Any]) -> None:
    exec("def double(number):\n    raise NotImplementedError('twice: double is not started')", begun)
    with pytest.raises(AssertionError, match="double  not started"):
        live.law("adds_to_itself")


def test_a_hidden_law_is_not_here(begun: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    live.law("large_numbers")
    assert "This law is hidden" in capsys.readouterr().out


def test_an_interrupt_is_the_students_and_the_next_check_works(
    begun: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    exec("def double(number):\n    raise KeyboardInterrupt", begun)
    for action in (live.check, lambda: live.law("adds_to_itself")):
        with pytest.raises(KeyboardInterrupt):
            action()
    exec("def double(number):\n    if number == 0:\n        return 0\n    raise KeyboardInterrupt", begun)
    with pytest.raises(KeyboardInterrupt):
        live.check()
    exec("def double(number):\n    return number * 2", begun)
    capsys.readouterr()
    live.check("double")
    assert "✓ double  3 of 3" in capsys.readouterr().out


def test_leaving_is_a_failure_of_the_law(begun: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    text = "def double(number):\n    raise SystemExit(3)"
    exec(compile(text, "/tmp/ipykernel_1/2.py", "exec"), begun)
    live.check("double")
    assert "SystemExit: 3" in capsys.readouterr().out


def test_a_wrong_name_and_a_check_before_the_beginning_are_said(begun: dict[str, Any]) -> None:
    with pytest.raises(ShortestError, match="no exercise of twice is called 'dubble'; there are: double"):
        live.check("dubble")
    with pytest.raises(ShortestError, match="there are: twice, thrice"):
        live.begin("nothing")
    live._open.clear()
    with pytest.raises(ShortestError, match="first cell first"):
        live.check()


def executed(
    folder: Path, course: Course, book: Any, monkeypatch: pytest.MonkeyPatch
) -> dict[str, list[Any]]:
    """Run a notebook in a kernel of its own and return the outputs of each cell by id."""
    monkeypatch.setenv("SHORTEST_COURSE", str(course.root))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(folder / "runtime"))
    monkeypatch.setenv("IPYTHONDIR", str(folder / "ipython"))
    path = os.pathsep.join([str(Path(live.__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", path)
    client = NotebookClient(
        book,
        timeout=60,
        kernel_name="python3",
        allow_errors=True,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute()
    return {cell["id"]: cell["outputs"] for cell in book.cells if cell["cell_type"] == "code"}


@pytest.mark.filterwarnings("ignore")  # what Jupyter's own packages warn of is not ours to mend
def test_a_notebook_works_in_a_real_kernel(
    desk: Desk, small: Course, solution: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.start("twice")
    path = desk.folder / "twice.ipynb"
    twice = nbformat.read(path, 4)
    laws = small.laws("thrice", hidden=True)
    book = notebook.build(small.lesson("thrice"), small.source("thrice"), laws, solutions=True, graded=True)
    for cell in twice.cells:  # the student's earlier lesson, as a notebook with one exercise done
        if cell["id"] == "exercise-double":
            cell["source"] = RAISING.replace("return x.nothing", "return x + x")
    nbformat.write(twice, path)
    last = book.cells[-1]["id"]
    for number, source in enumerate(
        ["def triple(number):\n    return double(number) - number", 'check("triple")']
    ):
        cell = nbformat.v4.new_code_cell(source)
        cell["id"] = f"more-{number}"
        book.cells.append(cell)
    outputs = executed(desk.folder, small, book, monkeypatch)
    assert outputs["setup"] == []
    assert [o["output_type"] for o in outputs["check-triple"]] == ["stream"]
    assert "✓ triple  4 of 4" in outputs["check-triple"][0]["text"]
    assert outputs["law-three_of_seven"] == []
    assert last == "law-below_zero"
    assert "This law is hidden" in outputs[last][0]["text"]
    assert "✗ triple  0 of 4" in outputs["more-1"][0]["text"]
    assert "triple(7)" in outputs["more-1"][0]["text"]


@pytest.mark.filterwarnings("ignore")
def test_a_students_own_line_and_a_broken_law_are_shown_in_a_real_kernel(
    desk: Desk, small: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    laws = small.laws("twice", hidden=True)
    book = notebook.build(small.lesson("twice"), small.source("twice"), laws, graded=True)
    for cell in book.cells:
        if cell["id"] == "exercise-double":
            cell["source"] = RAISING
    outputs = executed(desk.folder, small, book, monkeypatch)
    text = outputs["check-double"][0]["text"]
    assert "AttributeError" in text
    assert "in double: return x.nothing" in text
    error = outputs["law-adds_to_itself"][0]
    assert error["ename"] == "AssertionError"
    assert "A number doubled is the number plus itself." in error["evalue"]
    assert "not started" in outputs["law-tells_right_from_wrong"][0]["evalue"]

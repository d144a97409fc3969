"""A notebook runs from its top to its end: no cell uses what a later one defines."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from autograder import notebook
from autograder.course import Course

COURSE = Course(Path(__file__).resolve().parents[2])


def defined(code: str) -> set[str]:
    """Return the names that a cell binds at its top level."""
    found: set[str] = set()
    for node in ast.parse(code).body:
        for part in [node] if isinstance(node, ast.FunctionDef | ast.ClassDef) else ast.walk(node):
            if isinstance(part, ast.FunctionDef | ast.ClassDef):
                found.add(part.name)
            elif isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                found.add(part.id)
            elif isinstance(part, ast.alias):
                found.add((part.asname or part.name).split(".")[0])
    return found


def used(code: str) -> set[str]:
    """Return the names that a cell reads anywhere."""
    return {
        node.id
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }


def own_names(function: ast.AST) -> set[str]:
    """Return the names that are a function's own: its arguments, and what it assigns to."""
    parts = list(ast.walk(function))
    stored = {p.id for p in parts if isinstance(p, ast.Name) and isinstance(p.ctx, ast.Store)}
    return stored | {p.arg for p in parts if isinstance(p, ast.arg)}


def reach(names: set[str], module: str) -> set[str]:
    """Return the names and all that the module's functions and classes of these names read, and so on."""
    reads: dict[str, set[str]] = {}
    for node in ast.parse(module).body:
        if isinstance(node, ast.FunctionDef):
            reads[node.name] = used(ast.unparse(node)) - own_names(node)
        elif isinstance(
            node, ast.ClassDef
        ):  # to make an object calls __init__; which methods follow, nobody knows
            made = [
                part for part in node.body if isinstance(part, ast.FunctionDef) and part.name == "__init__"
            ]
            reads[node.name] = {name for part in made for name in used(ast.unparse(part)) - own_names(part)}
    found: set[str] = set()
    queue = list(names)
    while queue:
        name = queue.pop()
        if name not in found:
            found.add(name)
            queue += reads.get(name, ())
    return found


def too_early(cells: list[tuple[str, str]], module: str) -> list[str]:
    """Return which cells read a name of the module, or call what reads it, before a cell has bound it."""
    names, known, problems = defined(module), set[str](), []
    for cell, code in cells:
        known |= defined(code)
        if cell.startswith("cell-"):
            problems += [f"{cell}: {name}" for name in sorted(reach(used(code), module) & names - known)]
    return problems


def test_a_name_that_comes_too_early_is_found() -> None:
    module = "def first(): return other()\ndef later(): return first()\ndef other(): ..."
    first, later, other = (ast.unparse(node) for node in ast.parse(module).body)
    cells = [("cell-1", "print(later, sum([1]))"), ("given-2", f"{first}\n{later}"), ("cell-3", "later()")]
    assert too_early([*cells, ("given-4", other), ("cell-5", "later()")], module) == [
        "cell-1: first", "cell-1: later", "cell-1: other", "cell-3: other",
    ]  # fmt: skip


@pytest.mark.parametrize("lesson", COURSE.lessons)
def test_no_cell_uses_what_a_later_one_defines(lesson: str) -> None:
    module = COURSE.source(lesson)
    built = notebook.build(COURSE.lesson(lesson), module, [], solutions=True)
    cells = [
        (cell.id, cell.source.replace("%matplotlib", "# %"))
        for cell in built.cells
        if cell.cell_type == "code"
    ]
    assert any(name.startswith("cell-") for name, _ in cells)
    assert too_early(cells, module) == []


@pytest.mark.parametrize("name", COURSE.lessons)
def test_a_notebook_imports_no_lesson_that_it_does_not_need(name: str) -> None:
    allowed = {name, *COURSE.needed(name)}
    lesson = COURSE.lesson(name)
    for cell in notebook.build(lesson, COURSE.source(name), [], solutions=True).cells:
        if cell.cell_type != "code":
            continue
        for node in ast.walk(ast.parse(cell.source)):
            module = node.module if isinstance(node, ast.ImportFrom) else None
            imported = (
                {module}
                if module
                else {a.name for a in node.names}
                if isinstance(node, ast.Import)
                else set()
            )
            if module == "squeeze" and isinstance(node, ast.ImportFrom):
                imported = {f"squeeze.{a.name}" for a in node.names}
            wanted = {one.split(".")[1] for one in imported if one.startswith("squeeze.")}
            assert wanted <= allowed, f"{cell.source[:200]!r} imports {wanted - allowed}"

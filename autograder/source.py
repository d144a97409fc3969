"""A lesson's module as text: its exercises, the stub that a student starts from, and its cells.

What stands between the two markers is the solution. Everything that leaves this module towards a student
has been through `stub`.
"""

from __future__ import annotations

import ast
import io
import re
from dataclasses import dataclass

from autograder.model import Exercise, ShortestError

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of a module's top-level statements: one exercise, or given code where `exercise` is empty."""

    exercise: str
    text: str


def stub(source: str, module: str) -> str:
    r"""Replace every marked region by a statement that says which exercise is not started.

    Raises ShortestError where a marker has no partner or stands outside a function.

    >>> print(stub("def f():\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION\n", "m"), end="")
    def f():
        raise NotImplementedError("m: f is not started")
    """
    return _replace_regions(source, module, keep_markers=False)


def blank(source: str, module: str) -> str:
    """Replace what stands between the markers as `stub` does, and keep the markers: the module of a bundle."""
    return _replace_regions(source, module, keep_markers=True)


def without_markers(source: str) -> str:
    """Drop the marker lines and keep the solution between them: what the book's solution pages show."""
    return "".join(line for line in _lines(source) if line.strip() not in (BEGIN, END))


def segments(source: str, module: str) -> list[Segment]:
    """Cut a module into its exercises and the given code between them, in order and without loss.

    Raises ShortestError where the module does not parse or a marker is misplaced.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError as problem:
        raise ShortestError(
            f"squeeze.{module}: line {problem.lineno} does not parse: {problem.msg}"
        ) from None
    stub(source, module)
    lines = _lines(source)
    found: list[Segment] = []
    start = 0
    for node in tree.body:
        end = _last_line(lines, node.end_lineno or node.lineno)
        statement = lines[_first_line(node) : end]
        if BEGIN not in map(str.strip, statement):
            continue
        if not isinstance(node, ast.FunctionDef | ast.ClassDef):
            raise ShortestError(
                f"squeeze.{module}: line {node.lineno}: a solution must be inside a function or class"
            )
        found.append(Segment("", "".join(lines[start : _first_line(node)])))
        found.append(Segment(node.name, "".join(statement)))
        start = end
    found.append(Segment("", "".join(lines[start:])))
    return _without_blanks(found)


def _without_blanks(found: list[Segment]) -> list[Segment]:
    # Blank lines alone make no cell: they go to the segment before them, or at the start to the one after.
    kept: list[Segment] = []
    start = ""
    for segment in found:
        if segment.exercise or segment.text.strip():
            kept.append(Segment(segment.exercise, start + segment.text))
            start = ""
        elif kept:
            kept[-1] = Segment(kept[-1].exercise, kept[-1].text + segment.text)
        else:
            start += segment.text
    return [*kept, Segment("", start)] if start else kept


def exercises(source: str, module: str) -> list[Exercise]:
    """List a module's exercises in order, with the first line of each docstring."""
    return [
        Exercise(segment.exercise, _summary(text), stub(text, module), text)
        for segment in segments(source, module)
        if segment.exercise and (text := segment.text.strip("\n") + "\n")
    ]


def exercise_id(name: str) -> str:
    """Return the id of an exercise's cell, by which it is found again in a student's notebook."""
    return f"exercise-{name}"


def defined_names(source: str) -> set[str]:
    r"""Return the names that a module's top level defines or imports.

    >>> sorted(defined_names("import math\nx = 1\ndef f(): ..."))
    ['f', 'math', 'x']
    """
    names: set[str] = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names.update((alias.asname or alias.name).split(".")[0] for alias in node.names)
        else:
            stores = (n for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
            names.update(name.id for name in stores)
    return names


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)]) - 1


def _last_line(lines: list[str], end: int) -> int:
    # The parser does not count the comments after the last statement, such as the end marker.
    for number in range(end, len(lines)):
        if lines[number].strip() and not lines[number][0].isspace():
            break
        end = number + 1 if lines[number].strip() else end
    return end


def _lines(source: str) -> list[str]:
    # Where the parser sees lines; str.splitlines cuts at form feeds and other characters too.
    return io.StringIO(source, newline="").readlines()


def _summary(text: str) -> str:
    node = ast.parse(text).body[0]
    doc = ast.get_docstring(node) if isinstance(node, ast.FunctionDef | ast.ClassDef) else None
    return (doc or "").split("\n")[0]


def _replace_regions(source: str, module: str, *, keep_markers: bool) -> str:
    output: list[str] = []
    inside = 0
    name = ""
    for number, line in enumerate(_lines(source), 1):
        top = re.match(r"(?:def|class)\s+(\w+)", line)
        name = top.group(1) if top else name
        if line.strip() == BEGIN:
            if inside or not line[0].isspace():
                raise ShortestError(
                    f"squeeze.{module}: line {number}: {BEGIN!r} is nested or outside a function"
                )
            inside = number
            indent = line[: len(line) - len(line.lstrip())]
            output += [line] if keep_markers else []
            output.append(f'{indent}raise NotImplementedError("{module}: {name} is not started")\n')
        elif line.strip() == END:
            if not inside:
                raise ShortestError(f"squeeze.{module}: line {number}: {END!r} without its beginning")
            inside = 0
            output += [line] if keep_markers else []
        elif not inside:
            output.append(line)
    if inside:
        raise ShortestError(f"squeeze.{module}: line {inside}: {BEGIN!r} without its end")
    return "".join(output)

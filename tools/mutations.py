"""The mutants of a module: its text with one edit, between the solution markers or outside of them.

They are made by mutmut's operators and a few that it lacks: negated and dropped conditions, removed
statements, other bounds of slices, other errors.
"""

from __future__ import annotations

import ast
import difflib
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators

from autograder.source import BEGIN, END

PROSE = (
    cst.Annotation,
    cst.Decorator,
    cst.Import,
    cst.ImportFrom,
    cst.FormattedString,
    cst.ConcatenatedString,
)
TWINS = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list", "reversed": "list"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """The reference with one edit; `before` and `after` are the lines that differ, without indentation."""

    lesson: str
    exercise: str
    line: int
    before: str
    after: str
    source: str = field(repr=False)


def _negated(node: cst.If | cst.While | cst.IfExp | cst.CompIf) -> Iterator[cst.CSTNode]:
    test = node.test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    space = cst.SimpleWhitespace(" ")
    changes: dict[str, Any] = {"test": cst.UnaryOperation(cst.Not(whitespace_after=space), test)}
    if isinstance(node, cst.CompIf):
        changes["whitespace_before_test"] = space
    yield node.with_changes(**changes)


def _never(node: cst.If | cst.CompIf) -> Iterator[cst.CSTNode]:
    yield node.with_changes(test=cst.Name("False"))
    if isinstance(node, cst.CompIf) or node.orelse:
        yield node.with_changes(test=cst.Name("True"))


def _removed(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    # An assignment to a name is left alone: a NameError says nothing about the laws.
    if isinstance(node, cst.Assign) and all(isinstance(target.target, cst.Name) for target in node.targets):
        return
    yield cst.Pass()


def _nothing_returned(node: cst.Return) -> Iterator[cst.CSTNode]:
    if node.value is not None:
        yield node.with_changes(value=cst.Name("None"), whitespace_after_return=cst.SimpleWhitespace(" "))


def _another_error(node: cst.Raise) -> Iterator[cst.CSTNode]:
    if isinstance(node.exc, cst.Call):
        yield node.with_changes(exc=node.exc.with_changes(func=cst.Name("RuntimeError")))


def _one_less(node: cst.Integer) -> Iterator[cst.CSTNode]:
    less = node.evaluated_value - 1
    yield (
        cst.Integer(str(less))
        if less >= 0
        else cst.UnaryOperation(
            cst.Minus(), cst.Integer("1"), lpar=[cst.LeftParen()], rpar=[cst.RightParen()]
        )
    )


def _other_bounds(node: cst.Slice) -> Iterator[cst.CSTNode]:
    for side in ("lower", "upper", "step"):
        bound = getattr(node, side)
        if bound is None:
            continue
        yield node.with_changes(**{side: None})
        if side != "step":
            wrapped = bound.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
            yield node.with_changes(**{side: cst.BinaryOperation(wrapped, cst.Add(), cst.Integer("1"))})


def _twin(node: cst.Call) -> Iterator[cst.CSTNode]:
    name = node.func.value if isinstance(node.func, cst.Name) else ""
    if name in TWINS and not any(arg.keyword for arg in node.args):
        yield node.with_changes(func=cst.Name(TWINS[name]))


Operator = tuple[type | tuple[type, ...], Callable[[Any], Iterable[cst.CSTNode]]]
OPERATORS: list[Operator] = [
    *mutation_operators,
    ((cst.If, cst.While, cst.IfExp, cst.CompIf), _negated),
    ((cst.If, cst.CompIf), _never),
    ((cst.Expr, cst.Assign, cst.AugAssign, cst.Raise, cst.Break, cst.Continue), _removed),
    (cst.Return, _nothing_returned),
    (cst.Raise, _another_error),
    (cst.Integer, _one_less),
    (cst.Slice, _other_bounds),
    (cst.Call, _twin),
]


class Editor(cst.CSTVisitor):
    """Collects every edit (node, what stands there instead, line) on the given lines; prose is left alone."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, lines: set[int]) -> None:
        super().__init__()
        self.edits: list[tuple[cst.CSTNode, cst.CSTNode, int]] = []
        self._lines = lines
        self._at = [0]  # some nodes have no position; they stand where their parent does

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Collect the edits of one node."""
        position = self.get_metadata(PositionProvider, node, None)
        self._at.append(position.start.line if position else self._at[-1])
        docstring = isinstance(node, cst.Expr) and isinstance(node.value, cst.SimpleString)
        if docstring or isinstance(node, PROSE):
            return False
        if self._at[-1] in self._lines:
            for kind, operator in OPERATORS:
                if isinstance(node, kind):
                    self.edits += [(node, new, self._at[-1]) for new in operator(node)]
        return not isinstance(node, cst.Raise)  # no law pins the words of a message

    def on_leave(self, original_node: cst.CSTNode) -> None:  # noqa: ARG002 - the name is libcst's
        """Go back to the parent's line."""
        self._at.pop()


def solution_lines(source: str) -> set[int]:
    """Return the numbers of the lines between solution markers."""
    inside, found = False, set()
    for number, line in enumerate(source.splitlines(), 1):
        if line.strip() in (BEGIN, END):
            inside = line.strip() == BEGIN
        elif inside:
            found.add(number)
    return found


def mutants(source: str, lesson: str, *, given: bool = False) -> list[Mutant]:
    """Return every mutant of a module's solution regions, or of all the rest, in the order of the lines."""
    wrapper = MetadataWrapper(cst.parse_module(source))
    lines = solution_lines(source)
    editor = Editor(set(range(1, source.count("\n") + 2)) - lines if given else lines)
    wrapper.visit(editor)
    owners = {
        line: node.name
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        for line in range(node.lineno, (node.end_lineno or 0) + 1)
    }
    found: dict[str, Mutant] = {}
    for old, new, line in editor.edits:
        text = cst.ensure_type(wrapper.module.deep_replace(old, new), cst.Module).code
        if text == source or text in found or not _parses(text):
            continue
        before, after = changed_lines(source, text)
        found[text] = Mutant(lesson, owners.get(line, ""), line, before, after, text)
    return sorted(found.values(), key=lambda mutant: mutant.line)


def _parses(text: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # `1 is 2` and the like
        try:
            compile(text, "<mutant>", "exec")
        except SyntaxError:
            return False
    return True


def changed_lines(before: str, after: str) -> tuple[str, str]:
    r"""Return the lines that only one of two texts has, without indentation.

    >>> changed_lines("a\nb\n", "a\nc\n")
    ('b', 'c')
    """
    diff = list(difflib.ndiff(before.splitlines(), after.splitlines()))
    first, second = (
        "\n".join(line[2:].strip() for line in diff if line.startswith(sign)) for sign in ("- ", "+ ")
    )
    return first, second

"""A lesson as a page of the book: the prose as it stands, stubs for the exercises, and demos that run."""

from __future__ import annotations

import ast
import re

from autograder import page, source
from autograder.model import Lesson, ShortestError
from autograder.source import Segment

# The front matter that tells Jupyter Book to run the page's cells.
FRONT = """\
---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  name: python3
  display_name: Python 3
  language: python
---
"""

# A demo sees every name of the module, as in a notebook; `import *` would leave the private ones out.
SETUP = """\
# {fingerprint}
import squeeze.{name} as module

globals().update({{name: value for name, value in vars(module).items() if not name.startswith("__")}})
del module"""

LONG = 30  # lines of given code; more are folded away until a reader asks for them


def book_page(lesson: Lesson, module: str, *, solutions: bool, fingerprint: str = "") -> str:
    """Return the lesson's page of the book, as MyST with cells to run.

    `module` is the text of the reference. An exercise becomes its stub, with the solution in a dropdown after
    it only if `solutions` is true. `fingerprint` stands in the first, hidden cell: whoever keeps the outputs
    of cells runs them again where it changed.
    Raises ShortestError where the page has no title or points to no exercise of the module.
    """
    groups = _groups(source.segments(module, lesson.name))
    parts: list[str] = []
    for block in page.parse(lesson.page.read_text(encoding="utf-8")):
        if isinstance(block, page.Prose):
            parts.append(block.text)
        elif isinstance(block, page.Demo):
            parts.append(_cell(block.code, block.tags))
        elif block.name not in groups:
            raise ShortestError(f"{lesson.page}: squeeze.{lesson.name} has no exercise {block.name!r}")
        else:
            parts += [_segment(s, lesson.name, solutions=solutions) for s in groups[block.name]]
    title, _, rest = (parts or [""])[0].partition("\n")
    if not title.startswith("# "):
        raise ShortestError(f"{lesson.page}: the page should begin with its title, `# …`, not {title!r}")
    setup = _cell(SETUP.format(name=lesson.name, fingerprint=fingerprint), ("remove-cell",))
    parts[:1] = [FRONT, f"# {lesson.number}. {title[2:]}", setup, rest]
    return "\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"


def _groups(segments: list[Segment]) -> dict[str, list[Segment]]:
    """Map each exercise to itself with the given code before it; what follows the last one joins it."""
    groups: dict[str, list[Segment]] = {}
    group: list[Segment] = []
    for segment in segments:
        group.append(segment)
        if segment.exercise:
            groups[segment.exercise], group = group, []
    if groups:
        groups[list(groups)[-1]] += group
    return groups


def _segment(segment: Segment, lesson: str, *, solutions: bool) -> str:
    if not segment.exercise:
        return _given(segment.text)
    stub = _code(source.stub(segment.text, lesson))
    name = f"exercise-{lesson}-{segment.exercise}"
    title = f"Exercise: `{segment.exercise}`"
    text = _block("admonition", title, [":class: exercise", f":name: {name}"], stub)
    if solutions:
        text += "\n\n" + _block("dropdown", "Solution", [], _code(source.without_markers(segment.text)))
    return text


def _given(text: str) -> str:
    body = text.strip("\n")
    names = ", ".join(f"`{name}`" for name in _defined(body)) or "imports"
    return _block("dropdown", f"Given: {names}", [":open:"] if body.count("\n") < LONG else [], _code(body))


def _defined(code: str) -> list[str]:
    """List the functions, classes and constants that the code defines, in order."""
    names: list[str] = []
    for node in ast.parse(code).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names += [target.id for target in targets if isinstance(target, ast.Name)]
    return names


def _cell(code: str, tags: tuple[str, ...]) -> str:
    options = f":tags: [{', '.join(tags)}]\n\n" if tags else ""
    return _fenced("{code-cell} python", f"{options}{code}")


def _code(text: str) -> str:
    return _fenced("python", text.strip("\n"))


def _fenced(info: str, text: str) -> str:
    fence = "`" * max(3, _longest_run("`", text) + 1)
    return f"{fence}{info}\n{text}\n{fence}"


def _block(directive: str, title: str, options: list[str], body: str) -> str:
    fence = ":" * max(3, _longest_run(":", body) + 1)
    return "\n".join([f"{fence}{{{directive}}} {title}", *options, "", body, fence])


def _longest_run(sign: str, text: str) -> int:
    return max((len(run) for run in re.findall(f"{sign}+", text)), default=0)

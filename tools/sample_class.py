"""A class of sample submissions, made of the reference, its planted bugs, and files that people really hand in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import nbformat

from autograder import bugs, notebook, source
from autograder.course import Course
from autograder.model import Lesson
from autograder.submit import submit

STUDENTS = (
    "ada", "alan", "barbara", "claude", "david", "dorothy", "edsger", "emmy", "george", "grace", "hedy", "jacob",
    "john", "katherine", "kurt", "margaret", "mary", "niklaus", "ray", "solomon",
)  # fmt: skip
BUGS_EACH = 7
ATTACKS_EACH = 4
LOOP = "while True:\n    pass\n"


def make(course: Course, folder: Path) -> list[tuple[str, str, str]]:
    """Write the class's submissions and return student, lesson and kind of each."""
    made = []
    attacks = sorted((course.root / "tests" / "attacks" / "alone").glob("*.py"), reverse=True)
    for shift, lesson in enumerate(course.lessons.values()):
        kinds = list(_kinds(course, lesson, attacks[shift :: len(course.lessons)][:ATTACKS_EACH]))
        for place, (kind, suffix, content) in enumerate(kinds):
            student = STUDENTS[(place + 5 * shift) % len(STUDENTS)]
            _write(folder / student, lesson, suffix, content)
            made.append((student, lesson.name, kind))
    return made


def _kinds(course: Course, lesson: Lesson, attacks: list[Path]) -> Iterator[tuple[str, str, str]]:
    """Yield the kind, the file's suffix and the content of each submission to one lesson."""
    module = course.source(lesson.name)
    right = source.without_markers(module)
    laws = course.laws(lesson.name, hidden=False)
    for attack in attacks:
        yield f"hostile: {attack.stem}", ".py", attack.read_text(encoding="utf-8")
    yield "right", ".ipynb", nbformat.writes(notebook.build(lesson, module, laws, solutions=True))
    yield "right", ".zip", right
    yield "empty", ".ipynb", nbformat.writes(notebook.build(lesson, module, laws))
    yield "partly right", ".py", _half(module, lesson.name)
    yield "syntax-broken", ".py", right.replace("    return ", "    return (", 1)
    yield "looping", ".py", right + "\n" + LOOP
    yield "not a notebook", ".ipynb", right
    planted = bugs.load(course, lesson.name)
    for bug in planted[:: max(1, len(planted) // BUGS_EACH)][:BUGS_EACH]:
        yield f"bug: {bug.name}", ".py", source.without_markers(bug.source)


def _half(module: str, name: str) -> str:
    """Return the module with its first exercises done and the others not started."""
    pieces = source.segments(module, name)
    last = len(pieces) // 2
    texts = (
        source.without_markers(p.text) if i < last else source.stub(p.text, name)
        for i, p in enumerate(pieces)
    )
    return "".join(texts)


def _write(folder: Path, lesson: Lesson, suffix: str, content: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if suffix != ".zip":
        (folder / f"{lesson.name}{suffix}").write_text(content, encoding="utf-8")
        return
    path = folder / f"{lesson.name}.py"
    path.write_text(content, encoding="utf-8")
    submit(lesson.name, path, folder)
    path.unlink()

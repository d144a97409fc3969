"""No solution, hidden law or planted bug leaves the house; and the search that says so is seen to find them."""

from __future__ import annotations

import ast
import base64
import html
import inspect
import io
import json
import shutil
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autograder import bugs, leaks, source, wheel
from autograder.course import Course
from autograder.leaks import Index, find_leaks, search
from autograder.model import ShortestError
from autograder.release import Release, release


@pytest.fixture(scope="module")
def known(course: Course) -> Index:
    return leaks.index(course)


@pytest.fixture(scope="module")
def released(course: Course, tmp_path_factory: pytest.TempPathFactory) -> Release:
    """Release every lesson with the engine's wheel, and let nbgrader make the students' notebooks."""
    folder = tmp_path_factory.mktemp("released")
    made = release(course, folder / "release", list(course.lessons), wheel=wheel.build(course.root, folder))
    # A module beside the notebook is what nbgrader would hand out as it is: our settings must keep it back.
    for name in course.lessons:
        shutil.copy(course.lesson(name).module, made.nbgrader / "source" / name / f"{name}.py")
    command = [sys.executable, "-m", "nbgrader", "generate_assignment", "*"]
    run = subprocess.run(command, cwd=made.nbgrader, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return made


def test_no_release_leaks(course: Course, released: Release) -> None:
    handed_out = released.nbgrader / "release"
    notebooks = sorted(
        path.relative_to(handed_out).as_posix() for path in handed_out.rglob("*") if path.is_file()
    )
    assert notebooks == sorted(f"{name}/{name}.ipynb" for name in course.lessons)
    (engine,) = released.student.glob("*.whl")
    assert find_leaks(course, handed_out, released.student, released.archive, engine) == []


def test_the_instructors_part_is_seen_to_leak(course: Course, known: Index, released: Release) -> None:
    found = search(known, released.nbgrader / "source")
    for name in course.lessons:
        assert any(f"squeeze.{name}:" in leak for leak in found)


def test_every_exercise_hidden_law_and_bug_has_a_secret_to_search_for(course: Course, known: Index) -> None:
    letters = [secret.letters for group in known.values() for secret in group]
    owners = {secret.owner for group in known.values() for secret in group}
    for name in course.lessons:
        for exercise in course.exercises(name):
            assert f"the solution of squeeze.{name}:{exercise.name}" in owners
        for law in course.laws(name, hidden=True):
            if law.hidden:
                text = leaks._letters(inspect.getsource(inspect.unwrap(law.function)))
                assert sum(part in text for part in letters) > 1, law.key
        assert f"a planted bug of {name}" in owners


def as_module(text: str) -> tuple[str, bytes]:
    return "module.py", text.encode()


def as_reformatted_module(text: str) -> tuple[str, bytes]:
    return "module.py", ast.unparse(ast.parse(text)).encode()


def as_notebook(text: str) -> tuple[str, bytes]:
    lines = text.splitlines(keepends=True)
    return "deep/n.ipynb", json.dumps({"cells": [{"cell_type": "code", "source": lines}]}).encode()


def as_page(text: str) -> tuple[str, bytes]:
    words = (f"<span class='n'>{html.escape(word)}</span>" for word in text.split(" "))
    return "page.html", f"<pre>{' '.join(words)}</pre>".encode()


def as_archive(text: str) -> tuple[str, bytes]:
    inner, outer = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/module.txt", text)
    with zipfile.ZipFile(outer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.zip", inner.getvalue())
    return "outer.whl", outer.getvalue()


def as_base64(text: str) -> tuple[str, bytes]:
    return "data.py", b'DATA = """' + base64.encodebytes(text.encode()) + b'"""\n'


def as_packed_base64(text: str) -> tuple[str, bytes]:
    # Long enough to be told from a word, as a whole module is.
    return "data.py", b'DATA = "' + base64.b64encode(zlib.compress(text.encode(), 1)) + b'"\n'


SMUGGLERS: list[Callable[[str], tuple[str, bytes]]] = [
    as_module, as_reformatted_module, as_notebook, as_page, as_archive, as_base64, as_packed_base64,
]  # fmt: skip


@pytest.mark.parametrize("smuggle", SMUGGLERS, ids=lambda smuggle: smuggle.__name__)
def test_a_smuggled_solution_is_found(
    course: Course, known: Index, tmp_path: Path, smuggle: Callable[[str], tuple[str, bytes]]
) -> None:
    for name in course.lessons:
        place, data = smuggle(source.without_markers(course.source(name)))
        path = tmp_path / place
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        found = search(known, tmp_path)
        assert any(f"squeeze.{name}:" in leak for leak in found), name
        assert all(leak.startswith(place) for leak in found)


def test_each_solution_and_each_line_that_only_it_has_is_found(
    course: Course, known: Index, tmp_path: Path
) -> None:
    given = leaks._letters("\n".join(leaks._given(course)))
    page = tmp_path / "page.md"
    for name in course.lessons:
        for exercise in course.exercises(name):
            lines = [line.strip() for line in "\n".join(leaks._regions(exercise.solution)).splitlines()]
            own = [
                line for line in lines if len(line) >= leaks.SHORTEST and leaks._letters(line) not in given
            ]
            own = [line for line in own if not line.startswith(leaks.COMMON)]
            for text in ["\n".join(lines), *own]:
                page.write_text(f"One could write `{text}` here.\n", encoding="utf-8")
                assert search(known, page) != [], f"{name}: {exercise.name}: {text}"


def hidden_texts(course: Course) -> Iterator[str]:
    for name in course.lessons:
        for law in course.laws(name, hidden=True):
            if law.hidden:
                yield law.hint
                yield law.title
                yield inspect.getsource(inspect.unwrap(law.function))


def test_each_hint_title_and_body_of_a_hidden_law_is_found(
    course: Course, known: Index, tmp_path: Path
) -> None:
    public = [law for name in course.lessons for law in course.laws(name, hidden=False)]
    given = {text for law in public for text in (law.hint, law.title)}
    for text in hidden_texts(course):
        if text not in given and len(text) >= leaks.SHORTEST:
            path = tmp_path / "page.md"
            path.write_text(f"Before. {text} After.\n", encoding="utf-8")
            assert any("a hidden law" in leak for leak in search(known, path)), text


def test_each_misconception_is_found(course: Course, known: Index, tmp_path: Path) -> None:
    for name in course.lessons:
        for bug in bugs.load(course, name):
            (tmp_path / "page.md").write_text(bug.misconception, encoding="utf-8")
            assert search(known, tmp_path) != [], bug.name


@pytest.mark.parametrize(
    "place",
    [
        "tests/laws/hidden/test_x.py",
        "tests/bugs/x.toml",
        "solutions/squeeze/x.py",
        "squeeze/__pycache__/x.cpython-311.pyc",
    ],
)
def test_a_place_that_no_release_has_is_found(known: Index, tmp_path: Path, place: str) -> None:
    path = tmp_path / place
    path.parent.mkdir(parents=True)
    path.write_text("\n", encoding="utf-8")
    assert len(search(known, tmp_path)) == 1


def test_an_empty_folder_is_no_clean_release(known: Index, tmp_path: Path) -> None:
    with pytest.raises(ShortestError, match="holds no file"):
        search(known, tmp_path)

"""The whole path: what a release gives a student leads, step by step, to their score in the gradebook."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from autograder import source
from autograder.course import Course
from autograder.lawbook import total
from autograder.release import release

Shortest = Callable[..., str]
LESSONS = ["entropy", "huffman"]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="isolated grading needs Linux")


@pytest.fixture
def shortest() -> Shortest:
    """Give a function that runs a command in a folder, on the course that it finds from there."""
    environment = {name: value for name, value in os.environ.items() if name != "SHORTEST_COURSE"}
    environment |= {"COLUMNS": "80", "NO_COLOR": "1"}

    def run(folder: Path, *arguments: str, status: int = 0) -> str:
        command = [sys.executable, "-m", "autograder.cli", *arguments]
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=90
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout

    return run


def fill_in(path: Path, module: str, lesson: str) -> None:
    """Do a student's work: put the solutions into the cells of their notebook."""
    book = nbformat.read(path, 4)
    solved = {part.exercise: part.text for part in source.segments(module, lesson) if part.exercise}
    for cell in book.cells:
        name = cell["id"].removeprefix("exercise-")
        if cell["id"].startswith("exercise-"):
            assert "is not started" in cell["source"]
            cell["source"] = source.without_markers(solved.pop(name))
    assert not solved
    nbformat.write(book, path)


def test_from_the_release_to_the_gradebook(course: Course, tmp_path: Path, shortest: Shortest) -> None:
    made = release(course, tmp_path / "release", LESSONS)
    with zipfile.ZipFile(made.archive) as archive:
        archive.extractall(tmp_path / "home")
    bundle = tmp_path / "home" / "shortest"
    submissions = tmp_path / "submissions"
    points = {lesson: total(course.laws(lesson, hidden=True)) for lesson in LESSONS}
    public = {lesson: total(course.laws(lesson, hidden=False)) for lesson in LESSONS}

    for lesson in LESSONS:
        shortest(bundle, "start", lesson)
        for student in ("bob", "ada"):  # bob hands in what ada begins with
            if student == "ada":
                fill_in(bundle / f"{lesson}.ipynb", course.source(lesson), lesson)
            shown = shortest(bundle, "submit", lesson)
            assert f"{public[lesson] if student == 'ada' else 0} of {public[lesson]} points" in shown
            (submissions / student).mkdir(parents=True, exist_ok=True)
            (bundle / f"{lesson}.zip").rename(submissions / student / f"{lesson}.zip")
    progress = json.loads((bundle / ".shortest" / "progress.json").read_text(encoding="utf-8"))
    assert progress == {name: {"points": most, "possible": most} for name, most in public.items()}

    out = tmp_path / "out"
    shown = shortest(course.root, "grade", str(submissions), "--out", str(out))
    assert "4 submissions, 4 to judge" in shown
    with (out / "grades.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    for lesson, most in points.items():
        assert rows["ada"][f"{lesson} ({most})"] == str(most)
    assert rows["bob"]["total (%)"] == "0"
    assert "not started" in (out / "feedback" / "student-bob.html").read_text(encoding="utf-8")


def test_the_class_of_the_demo_holds_every_kind_and_is_found_whole(course: Course, tmp_path: Path) -> None:
    from importlib.util import module_from_spec, spec_from_file_location

    from autograder import intake

    spec = spec_from_file_location("sample_class", course.root / "tools" / "sample_class.py")
    assert spec is not None
    assert spec.loader is not None
    sample_class = module_from_spec(spec)
    spec.loader.exec_module(sample_class)
    made = sample_class.make(course, tmp_path)
    found, notes = intake.find(tmp_path, list(course.lessons))
    assert notes == []
    assert sorted((one.student, one.lesson) for one in found) == sorted((s, lesson) for s, lesson, _ in made)
    assert len(made) >= 40
    assert len(set(made)) == len(made)
    kinds = {kind.split(":")[0] for _, _, kind in made}
    assert kinds >= {"right", "partly right", "empty", "syntax-broken", "looping", "hostile", "bug"}

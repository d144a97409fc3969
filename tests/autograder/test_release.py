"""A release: what is in it, that it is the same everywhere, and that nothing of anyone else's is touched."""

from __future__ import annotations

import io
import json
import re
import shutil
import zipfile
from pathlib import Path

import nbformat
import pytest

from autograder import lawbook, source
from autograder.course import Course, find_course
from autograder.model import ShortestError
from autograder.release import release


@pytest.fixture
def small(course: Course, tmp_path: Path) -> Course:
    """Copy one lesson of the course, to be changed at will."""
    return copied(course, tmp_path / "course", "entropy")


def copied(course: Course, root: Path, *names: str) -> Course:
    for name in names:
        lesson = course.lesson(name)
        parts = [
            f"lessons/{lesson.folder}/lesson.md", f"lessons/{lesson.folder}/lesson.toml",
            f"solutions/squeeze/{name}.py",
            f"tests/laws/public/test_{name}.py", f"tests/laws/hidden/test_{name}.py", f"tests/bugs/{name}.toml",
        ]  # fmt: skip
        for part in parts:
            (root / part).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(course.root / part, root / part)
    return Course(root)


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_a_release_holds_this_and_nothing_else(small: Course, tmp_path: Path) -> None:
    made = release(small, tmp_path / "out", ["1"])
    shared = {
        "README.md", "laws.json", "lessons/01_entropy/lesson.md", "lessons/01_entropy/lesson.toml",
        "tests/laws/public/test_entropy.py",
    }  # fmt: skip
    assert made.lessons == ("entropy",)
    assert set(tree(made.student)) == shared | {"stubs/squeeze/entropy.py"}
    assert set(tree(made.nbgrader)) == shared | {
        "nbgrader_config.py", "nbgrader_config.json", "solutions/squeeze/entropy.py", "source/entropy/entropy.ipynb",
    }  # fmt: skip
    assert {path.name for path in made.folder.iterdir()} == {
        "nbgrader", "student", "shortest-student.zip", "release.json",
    }  # fmt: skip


def test_only_a_notebook_lies_in_source(course: Course, tmp_path: Path) -> None:
    made = release(course, tmp_path / "out", list(course.lessons))
    beside = {path.suffix for path in (made.nbgrader / "source").rglob("*") if path.is_file()}
    assert beside == {".ipynb"}


def test_the_students_bundle_is_a_course_of_stubs(small: Course, tmp_path: Path) -> None:
    bundle = Course(release(small, tmp_path / "out", ["entropy"]).student)
    assert bundle.is_bundle
    assert bundle.check() == []
    assert bundle.source("entropy") == source.blank(small.source("entropy"), "entropy")
    names = [exercise.name for exercise in bundle.exercises("entropy")]
    assert names == [exercise.name for exercise in small.exercises("entropy")]
    laws = bundle.laws("entropy", hidden=False)
    assert [law.name for law in laws] == [law.name for law in small.laws("entropy", hidden=False)]


def test_laws_json_gives_the_total_and_of_hidden_laws_nothing_else(small: Course, tmp_path: Path) -> None:
    made = release(small, tmp_path / "out", ["entropy"])
    listed = json.loads((made.student / "laws.json").read_text(encoding="utf-8"))["entropy"]
    laws = small.laws("entropy", hidden=True)
    assert sum(law["points"] for law in listed) == lawbook.total(laws)
    assert listed == [{"name": law.name, "points": law.points, "hidden": law.hidden} for law in laws]


def test_the_instructors_notebook_has_a_grade_cell_for_each_law(small: Course, tmp_path: Path) -> None:
    made = release(small, tmp_path / "out", ["entropy"])
    built = nbformat.read(made.nbgrader / "source" / "entropy" / "entropy.ipynb", as_version=4)
    marks = [cell.metadata.nbgrader for cell in built.cells if "nbgrader" in cell.metadata]
    points = {mark.grade_id: mark.points for mark in marks if mark.grade}
    assert points == {law.name: law.points for law in small.laws("entropy", hidden=True)}
    assert len({mark.grade_id for mark in marks}) == len(marks)
    assert "### BEGIN SOLUTION" in next(c.source for c in built.cells if c.id == "exercise-counts")


def test_a_notebook_finds_the_course_from_where_nbgrader_keeps_it(
    small: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SHORTEST_COURSE", raising=False)
    made = release(small, tmp_path / "out", ["entropy"])
    found = find_course(made.nbgrader / "source" / "entropy")
    assert found.root == made.nbgrader.resolve()
    assert not found.is_bundle  # earlier lessons are solved there, for the instructor's own runs


def test_nbgraders_own_autograding_is_replaced(small: Course, tmp_path: Path) -> None:
    made = release(small, tmp_path / "out", ["entropy"])
    path = made.nbgrader / "nbgrader_config.py"
    config = Settings()
    exec(  # as traitlets does
        compile(path.read_text(encoding="utf-8"), str(path), "exec"),
        {"get_config": lambda: config, "__file__": str(path)},
    )
    assert config.CourseDirectory.db_url == f"sqlite:///{made.nbgrader.resolve() / 'gradebook.db'}"
    assert "*.py" in config.CourseDirectory.ignore
    compile(config.ClearSolutions.code_stub["python"], "stub", "exec")
    assert config.IsolatedAutograde.repository == str(small.root.resolve())
    # Not in the file that instructors edit: nbgrader goes on without that one where it has a mistake.
    guard = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["Autograde"]
    module, _, name = guard.pop("exporter_class").rpartition(".")
    assert (Path(__file__).resolve().parents[2] / f"{module.replace('.', '/')}.py").is_file()
    assert name == "IsolatedAutograde"
    assert guard == {"sanitize_preprocessors": [], "autograde_preprocessors": [], "force": True}


def test_the_place_of_the_repository_stays_with_the_instructor(small: Course, tmp_path: Path) -> None:
    made = release(small, tmp_path / "out", ["entropy"])
    place = str(small.root).encode()
    with zipfile.ZipFile(made.archive) as archive:
        for_students = [archive.read(name) for name in archive.namelist()]
    assert not [data for data in [*for_students, *tree(made.student).values()] if place in data]


def test_changed_isolation_is_not_taken_for_ours(small: Course, tmp_path: Path) -> None:
    made = release(small, tmp_path / "out", ["entropy"])
    (made.nbgrader / "nbgrader_config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ShortestError, match=r"nbgrader_config\.json was changed since it was released"):
        release(small, tmp_path / "out", ["entropy"])


class Settings:
    def __getattr__(self, name: str) -> Settings:
        value = Settings()
        setattr(self, name, value)
        return value


def test_the_same_course_gives_the_same_archive(small: Course, tmp_path: Path) -> None:
    first = release(small, tmp_path / "a", ["entropy"])
    second = release(small, tmp_path / "b", ["entropy"])
    assert tree(first.folder) == tree(second.folder)
    with zipfile.ZipFile(first.archive) as archive:
        assert archive.namelist() == sorted(archive.namelist())
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        unpacked = {name.removeprefix("shortest/"): archive.read(name) for name in archive.namelist()}
    assert unpacked == tree(first.student)


def test_the_wheel_is_in_the_bundle_and_in_its_readme(small: Course, tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("autograder/__init__.py", "")
    wheel = tmp_path / "engine-1-py3-none-any.whl"
    wheel.write_bytes(stream.getvalue())
    made = release(small, tmp_path / "out", ["entropy"], wheel=wheel)
    readme = (made.student / "README.md").read_text(encoding="utf-8")
    assert (made.student / wheel.name).read_bytes() == wheel.read_bytes()
    assert f'pip install "./{wheel.name}[notebook]"' in readme
    assert re.findall(r"^    shortest (\w+)", readme, re.MULTILINE) == [
        "doctor",
        "list",
        "start",
        "check",
        "submit",
    ]


def test_every_command_of_the_readme_exists() -> None:
    from autograder.cli import app
    from autograder.release import COMMANDS

    known = {
        command.name or command.callback.__name__ for command in app.registered_commands if command.callback
    }
    assert {command.split()[0] for command in COMMANDS} <= known


def test_a_lesson_is_not_released_without_what_it_needs(course: Course, tmp_path: Path) -> None:
    name, need = next((name, lesson.needs[0]) for name, lesson in course.lessons.items() if lesson.needs)
    with pytest.raises(ShortestError, match=f"{name!r} needs {need!r}"):
        release(course, tmp_path / "out", [name])
    assert list(tmp_path.iterdir()) == []


def test_an_inconsistent_course_is_refused(small: Course, tmp_path: Path) -> None:
    page = small.lesson("entropy").page
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace("squeeze.entropy:counts", "squeeze.entropy:count"), encoding="utf-8")
    with pytest.raises(ShortestError, match="not fit for release"):
        release(small, tmp_path / "out", ["entropy"])
    assert not (tmp_path / "out").exists()


def test_a_leaking_course_is_refused_and_nothing_is_left(small: Course, tmp_path: Path) -> None:
    page = small.lesson("entropy").page
    with page.open("a", encoding="utf-8") as file:
        file.write("\nWrite `return dict(sorted(tally.items()))`.\n")
    with pytest.raises(ShortestError, match=r"the solution of squeeze\.entropy:counts"):
        release(small, tmp_path / "out", ["entropy"])
    assert [path.name for path in tmp_path.iterdir()] == ["course"]


def test_a_folder_with_other_things_is_refused_and_untouched(small: Course, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.tex").write_text("mine", encoding="utf-8")
    with pytest.raises(ShortestError, match="not empty and not an earlier release"):
        release(small, out, ["entropy"])
    assert tree(out) == {"thesis.tex": b"mine"}


def test_a_record_that_points_outside_is_no_release(small: Course, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "mine").write_text("", encoding="utf-8")
    (out / "release.json").write_text(json.dumps({"files": {"../mine": ["e3b0c442"]}}), encoding="utf-8")
    with pytest.raises(ShortestError, match="not an earlier release"):
        release(small, out, ["entropy"])


def test_an_empty_folder_may_be_used(small: Course, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert release(small, tmp_path / "out", ["entropy"]).archive.is_file()


def test_a_new_release_keeps_what_others_wrote(small: Course, tmp_path: Path) -> None:
    made = release(small, tmp_path / "out", ["entropy"])
    config = made.nbgrader / "nbgrader_config.py"
    config.write_text(config.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
    theirs = {"gradebook.db": b"grades", "submitted/ada/entropy/entropy.ipynb": b"{}"}
    for name, data in theirs.items():
        (made.nbgrader / name).parent.mkdir(parents=True, exist_ok=True)
        (made.nbgrader / name).write_bytes(data)
    page = small.lesson("entropy").page
    page.write_text(page.read_text(encoding="utf-8") + "\nMore.\n", encoding="utf-8")
    release(small, tmp_path / "out", ["entropy"])
    files = tree(made.nbgrader)
    assert {name: files[name] for name in theirs} == theirs
    assert files["nbgrader_config.py"].endswith(b"# mine\n")
    assert files["lessons/01_entropy/lesson.md"].endswith(b"More.\n")
    release(small, tmp_path / "out", ["entropy"])
    assert config.read_text(encoding="utf-8").endswith("# mine\n")


def test_a_changed_notebook_is_never_overwritten(small: Course, tmp_path: Path) -> None:
    made = release(small, tmp_path / "out", ["entropy"])
    notebook = made.nbgrader / "source" / "entropy" / "entropy.ipynb"
    notebook.write_text(notebook.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    before = tree(made.folder)
    with pytest.raises(ShortestError, match=r"entropy\.ipynb was changed since it was released"):
        release(small, tmp_path / "out", ["entropy"])
    assert tree(made.folder) == before


def test_a_lesson_that_is_taken_back_goes(course: Course, tmp_path: Path) -> None:
    name, lesson = next((name, lesson) for name, lesson in course.lessons.items() if lesson.needs)
    both = copied(course, tmp_path / "course", *course.needed(name), name)
    made = release(both, tmp_path / "out", list(both.lessons))
    assert (made.student / "stubs" / "squeeze" / f"{name}.py").is_file()
    release(both, tmp_path / "out", course.needed(name))
    assert not [path for path in tree(made.folder) if name in path]
    assert not (made.student / "lessons" / lesson.folder).exists()


@pytest.mark.parametrize("moves", [1, 3, 6])
def test_a_release_that_was_cut_short_can_be_made_again(
    small: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moves: int
) -> None:
    release(small, tmp_path / "out", ["entropy"])
    page = small.lesson("entropy").page
    page.write_text(page.read_text(encoding="utf-8") + "\nMore.\n", encoding="utf-8")
    original, done = Path.replace, []

    def replace(self: Path, target: Path) -> Path:
        if len(done) == moves:
            raise KeyboardInterrupt
        done.append(target)
        return original(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace)
        with pytest.raises(KeyboardInterrupt):
            release(small, tmp_path / "out", ["entropy"])
    release(small, tmp_path / "out", ["entropy"])
    assert tree(tmp_path / "out") == tree(release(small, tmp_path / "fresh", ["entropy"]).folder)

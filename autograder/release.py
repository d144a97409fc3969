"""A release: the nbgrader course for an instructor, and the bundle for students, with no solution in it."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import nbformat

from autograder import leaks, notebook, source
from autograder.course import Course
from autograder.model import Lesson, ShortestError

RECORD = "release.json"
ARCHIVE = "shortest-student.zip"
CONFIG = "nbgrader/nbgrader_config.py"
DATABASE = "gradebook.db"
COURSE_ID = "shortest-program"
CODE_STUB = '# Write your code here.\nraise NotImplementedError("this exercise is not started")'

CONFIG_TEXT = '''\
"""nbgrader's settings for this course; yours from now on: a later release keeps what you change here.

How autograding is isolated stands in nbgrader_config.json: nbgrader would go on without this file if it had a mistake.
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# nbgrader starts a program that is installed beside Python, which need not be on the path.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])

c = get_config()  # noqa: F821 - nbgrader puts it here
c.CourseDirectory.course_id = {course!r}
c.CourseDirectory.root = str(HERE)
# `shortest grade --nbgrader` writes its scores into this file.
c.CourseDirectory.db_url = f"sqlite:///{{HERE / {database!r}}}"
# nbgrader hands out all that lies beside a notebook: no module may go that way, nor what a run leaves behind.
c.CourseDirectory.ignore = [".ipynb_checkpoints", ".hypothesis", "__pycache__", "feedback", "*.pyc", "*.py"]
c.ClearSolutions.code_stub = {{"python": {stub!r}}}

# `nbgrader autograde` needs the repository that this course came from, for its hidden laws.
# SHORTEST_COURSE in the environment comes before it.
c.IsolatedAutograde.repository = {repository!r}
# The URL of the gradebook of `shortest grade`; where it is empty, course.toml's, or grades/gradebook.db there.
c.IsolatedAutograde.database = ""
# What isolates; with "docker" or "podman" a container does.
c.IsolatedAutograde.sandbox = "bubblewrap"
'''

# In a file of its own: where nbgrader_config.py has a mistake, nbgrader says so and goes on with its defaults,
# by which it runs students' code as whoever started it.
ISOLATION = {
    "Autograde": {
        "exporter_class": "autograder.nbgrader_plugin.IsolatedAutograde",
        "sanitize_preprocessors": [],
        "autograde_preprocessors": [],
        "force": True,  # else what a killed run left half done would be skipped by the next
    }
}

COMMANDS = {
    "doctor": "what this machine has, and what is missing",
    "list": "the lessons, your points, and what to do next",
    "start {first}": "write the lesson's notebook into this folder (--py: a plain module)",
    "check {first}": "run the public laws on your file: what breaks, and on which input",
    "submit {first}": "pack your file into one archive to hand in",
}

COURSE_README = """\
# The course for nbgrader

This folder is an nbgrader course, and it holds the solutions: it is for instructors.
`nbgrader generate_assignment {first}` writes the students' notebook to `release/{first}/`.
Students also need the bundle beside this folder, `{archive}`:
a notebook finds the course in the unpacked bundle.

## Grading

Start everything in this folder: elsewhere, nbgrader doesn't read its settings, and would run students' code as you.

`nbgrader autograde {first}` and the button in formgrader judge each notebook in a sandbox, by the hidden laws too.
They need Linux and the repository that this course was released from; `nbgrader_config.py` says where it is.
Run again, they judge only what is new; a run that was cut short loses nothing.
For formgrader, type `jupyter lab` in this folder and open Nbgrader, Formgrader in its menu.

In the repository, `shortest grade COURSE/submitted --nbgrader COURSE` gives the same scores, faster;
COURSE stands for the path of this folder.
It takes modules and archives too, which nbgrader doesn't look for.
Both write into `{database}`, and formgrader shows the scores law by law.
Points and comments that you give in formgrader stay when you grade again, and count before ours.
Where `course.toml` has a deadline for a lesson, its rule for lateness counts; elsewhere nbgrader's does.
"""

STUDENT_README = """\
# The Shortest Program

You build everything between a run-length coder and a Transformer, and every step is checked on your machine.
The lessons in this bundle: {lessons}.

## Install

You need Python 3.11 or newer. In this folder:

    python -m venv .venv
    . .venv/bin/activate        (on Windows: .venv\\Scripts\\activate)
    pip install {what}

## The five commands

{commands}

Start with `shortest start {first}`. Your files are never overwritten.
`laws.json` lists what every law is worth. The hidden ones are judged when your work is graded.
"""


@dataclass(frozen=True, slots=True)
class Release:
    """What was written, and where."""

    folder: Path
    nbgrader: Path
    student: Path
    archive: Path
    lessons: tuple[str, ...]


def release(course: Course, folder: Path, lessons: Sequence[str], *, wheel: Path | None = None) -> Release:
    """Write the nbgrader course and the students' bundle of these lessons into a folder.

    An earlier release there is replaced file by file; what nbgrader or you added to it stays.
    Raises ShortestError, and changes nothing, where the course is inconsistent, a lesson needs one that is
    not released, a leak is found, or a file in the way is not the release's own.
    """
    chosen = _chosen(course, lessons)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".release-", dir=folder.parent) as beside:
        fresh = Path(beside) / "release"
        for path, data in _files(course, chosen, wheel).items():
            (fresh / path).parent.mkdir(parents=True, exist_ok=True)
            (fresh / path).write_bytes(data)
        _examine(course, fresh)
        _put(fresh, folder)
    return Release(
        folder,
        folder / "nbgrader",
        folder / "student",
        folder / ARCHIVE,
        tuple(lesson.name for lesson in chosen),
    )


def _chosen(course: Course, names: Sequence[str]) -> list[Lesson]:
    if course.is_bundle:
        raise ShortestError(
            f"{course.root} is a student's bundle; release from the repository, which has everything"
        )
    wrong = course.check()
    if wrong:
        raise ShortestError("the course is not fit for release:\n" + "\n".join(f"- {line}" for line in wrong))
    wanted = {course.lesson(name).name for name in names}
    if not wanted:
        raise ShortestError("no lesson to release; name one or more")
    for name in wanted:
        for need in course.needed(name):
            if need not in wanted:
                raise ShortestError(f"lesson {name!r} needs {need!r}, which is not in this release; add it")
    return [lesson for lesson in course.lessons.values() if lesson.name in wanted]


def _files(course: Course, lessons: Sequence[Lesson], wheel: Path | None) -> dict[str, bytes]:
    """Return every file of a release by its path."""
    shared = dict(_shared(course, lessons))
    student = shared | {"README.md": _student_readme(lessons, wheel).encode()}
    for lesson in lessons:
        student[f"stubs/squeeze/{lesson.name}.py"] = source.blank(
            course.source(lesson.name), lesson.name
        ).encode()
    if wheel is not None:
        student[wheel.name] = wheel.read_bytes()
    # A notebook finds the course upwards from its folder; in the instructor's the earlier lessons are solved.
    teacher = shared | dict(_sources(course, lessons))
    teacher["README.md"] = _course_readme(lessons).encode()
    teacher["nbgrader_config.py"] = CONFIG_TEXT.format(
        course=COURSE_ID, database=DATABASE, stub=CODE_STUB, repository=str(course.root.resolve())
    ).encode()
    teacher["nbgrader_config.json"] = _json(ISOLATION)
    files = {f"nbgrader/{path}": data for path, data in teacher.items()}
    files |= {f"student/{path}": data for path, data in student.items()}
    return files | {ARCHIVE: _zip(student)}


def _shared(course: Course, lessons: Sequence[Lesson]) -> Iterator[tuple[str, bytes]]:
    """Yield what students and instructors both need: pages, public laws, and what every law is worth."""
    for lesson in lessons:
        for path in (lesson.page, lesson.page.with_name("lesson.toml")):
            yield f"lessons/{lesson.folder}/{path.name}", path.read_bytes()
        law_file = f"tests/laws/public/test_{lesson.name}.py"
        yield law_file, (course.root / law_file).read_bytes()
    yield "laws.json", _json({lesson.name: _law_list(course, lesson.name) for lesson in lessons})


def _sources(course: Course, lessons: Sequence[Lesson]) -> Iterator[tuple[str, bytes]]:
    for lesson in lessons:
        laws = course.laws(lesson.name, hidden=True)
        module = course.source(lesson.name)
        built = notebook.build(lesson, module, laws, solutions=True, graded=True)
        # The notebook alone: nbgrader would hand out a module beside it, solutions and all.
        yield f"source/{lesson.name}/{lesson.name}.ipynb", (nbformat.writes(built) + "\n").encode()
        yield f"solutions/squeeze/{lesson.name}.py", module.encode()


def _law_list(course: Course, lesson: str) -> list[dict[str, object]]:
    laws = course.laws(lesson, hidden=True)
    return [{"name": law.name, "points": law.points, "hidden": law.hidden} for law in laws]


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1) + "\n").encode()


def _student_readme(lessons: Sequence[Lesson], wheel: Path | None) -> str:
    first = lessons[0].name
    commands = {f"shortest {command.format(first=first)}": what for command, what in COMMANDS.items()}
    width = max(map(len, commands)) + 3
    return STUDENT_README.format(
        first=first,
        lessons=", ".join(f"{lesson.number} {lesson.name}" for lesson in lessons),
        what=f'"./{wheel.name}[notebook]"' if wheel else '"shortest-program[notebook]"',
        commands="\n".join(f"    {command:{width}}{what}" for command, what in commands.items()),
    )


def _course_readme(lessons: Sequence[Lesson]) -> str:
    return COURSE_README.format(first=lessons[0].name, archive=ARCHIVE, database=DATABASE)


def _zip(files: Mapping[str, bytes]) -> bytes:
    """Pack files so that the same files make the same archive on every machine."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(f"shortest/{name}")  # its date is 1980-01-01, always
            entry.external_attr = 0o644 << 16
            entry.create_system = 3  # Unix, so that Windows writes the same
            archive.writestr(entry, files[name], zipfile.ZIP_STORED)  # compressors differ between machines
    return stream.getvalue()


def _examine(course: Course, fresh: Path) -> None:
    """Refuse a release that leaks, or whose bundle is no course."""
    found = leaks.find_leaks(course, fresh / "student", fresh / ARCHIVE)
    found += Course(fresh / "student").check()
    if found:
        raise ShortestError("nothing was released:\n" + "\n".join(f"- {line}" for line in found[:20]))


def _put(fresh: Path, folder: Path) -> None:
    """Move a release into place; what is there is replaced only where an earlier release wrote it."""
    hashes = {
        path.relative_to(fresh).as_posix(): _hash(path) for path in sorted(fresh.rglob("*")) if path.is_file()
    }
    earlier = _record(folder)
    _refuse_to_overwrite(folder, hashes, earlier)
    if not folder.exists() or not any(folder.iterdir()):
        _write_record(fresh, {path: [digest] for path, digest in hashes.items()})
        if folder.exists():
            folder.rmdir()
        fresh.replace(folder)
        return
    kept = (
        CONFIG
        if _hash_or_none(folder / CONFIG) not in (None, *earlier.get(CONFIG, []), hashes[CONFIG])
        else ""
    )
    # First both hashes, so that a release cut short here knows its own files when it is run again.
    both = {path: list(earlier.get(path, [])) for path in {**earlier, **hashes}}
    for path, digest in hashes.items():
        both[path].append(digest)
    _write_record(folder, both)
    for path in hashes:
        if path != kept:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (fresh / path).replace(folder / path)
    for path in set(earlier) - set(hashes):
        (folder / path).unlink(missing_ok=True)
        _remove_empty(folder, (folder / path).parent)
    _write_record(folder, {path: [digest] for path, digest in hashes.items()})


def _record(folder: Path) -> dict[str, list[str]]:
    """Return the hashes of what an earlier release wrote into the folder; none where it is new or empty."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return {}
    try:
        files = json.loads((folder / RECORD).read_text(encoding="utf-8"))["files"]
        if any(PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts for path in files):
            raise ValueError("a path leads out of the folder")
        return {str(path): [str(digest) for digest in digests] for path, digests in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise ShortestError(f"{folder} is not empty and not an earlier release; name a new folder") from None


def _refuse_to_overwrite(folder: Path, fresh: Mapping[str, str], earlier: Mapping[str, list[str]]) -> None:
    for path in sorted({*fresh, *earlier}):
        digest = _hash_or_none(folder / path)
        if path != CONFIG and digest not in (None, fresh.get(path), *earlier.get(path, [])):
            raise ShortestError(
                f"{folder / path} was changed since it was released; move it away, and release again"
            )


def _write_record(folder: Path, files: Mapping[str, Sequence[str]]) -> None:
    beside = folder / f"{RECORD}.{os.getpid()}"
    beside.write_bytes(_json({"files": {path: list(dict.fromkeys(files[path])) for path in sorted(files)}}))
    beside.replace(folder / RECORD)


def _remove_empty(folder: Path, path: Path) -> None:
    while path != folder and path.is_dir() and not any(path.iterdir()):
        path.rmdir()
        path = path.parent


def _hash_or_none(path: Path) -> str | None:
    return _hash(path) if path.is_file() else None


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

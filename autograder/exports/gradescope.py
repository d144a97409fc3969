"""An autograder for Gradescope: one archive that sets its container up and grades one lesson there.

The format is that of https://gradescope-autograders.readthedocs.io/en/latest/specs/: `setup.sh` and an executable
`run_autograder` stand at the archive's root, which is unpacked into `/autograder/source`. What grades lies beside
them, with the hidden laws and the solution: the archive is for Gradescope, and for nobody else.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path

from autograder import lawbook
from autograder.course import Course
from autograder.exports.container import SETTINGS
from autograder.model import Limits, ShortestError

SCRIPTS = ("setup.sh", "run_autograder")

README = """\
# {title}, for Gradescope: secret

This archive holds the solution and the hidden laws. Give it to Gradescope and to no student.

1. In your course choose Assignments, Create Assignment, Programming Assignment, and {points} autograder points.
2. On Configure Autograder upload this archive, choose Ubuntu 22.04 or newer, and press Update Autograder.
   The last line of the build's output says whether the container isolates students' code.
3. In the assignment's settings give the container at least 1 CPU and {memory} GB of memory.
   Limits of time are in seconds: half a CPU would fail code that is only slow there.
4. Press Test Autograder and hand in a file of your own.

Students hand in {lesson}.ipynb, {lesson}.py or the {lesson}.zip that `shortest submit` wrote, and nothing else.
{isolation}
A submission that could not be judged says so on its page and has no score, whatever the page counts.
Late days are Gradescope's to count; overrides in the course's own gradebook are not known there.
"""
ISOLATED = """\
Where the container doesn't isolate, nothing is graded and each submission's page says why.
A score that a student can forge is worth nothing: grade with `shortest grade` on a machine of your own then,
or build the archive with `--unsandboxed`."""
UNSANDBOXED = """\
This archive was built with `--unsandboxed`: students' code runs as another user, who can't read the laws or write
the results, but is not isolated, and has the container's network. Every result says so."""


def bundle(
    course: Course,
    lesson: str,
    path: Path,
    *,
    wheel: Path,
    secret: str,
    unsandboxed: bool = False,
    limits: Mapping[str, Limits] | None = None,
) -> Path:
    """Write the archive for one lesson, and return its path.

    `secret` is the gradebook's, so that Gradescope's verdicts are those of `shortest grade`.
    Raises ShortestError where the course is inconsistent.
    """
    wrong = course.check()
    if wrong:
        raise ShortestError("nothing was written:\n" + "\n".join(f"- {line}" for line in wrong))
    laws = course.laws(lesson, hidden=True)
    settings = {
        "lesson": lesson,
        "possible": lawbook.total(laws),
        "secret": secret,
        "unsandboxed": unsandboxed,
        "limits": {name: asdict(chosen) for name, chosen in (limits or {}).items() if name == lesson},
    }
    contents = {SETTINGS: (json.dumps(settings, indent=1) + "\n").encode()}
    contents["README.md"] = _readme(course, lesson, settings["possible"], unsandboxed).encode()
    contents |= {f"course/{name}": data for name, data in _course_files(course, lesson)}
    pins = course.root / "constraints.txt"  # the versions that the engine was tested with
    contents |= {wheel.name: wheel.read_bytes(), pins.name: pins.read_bytes() if pins.is_file() else b""}
    for name in SCRIPTS:
        contents[name] = files(__package__).joinpath("files", name).read_bytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(f".{os.getpid()}")
    beside.write_bytes(_zip(contents))
    beside.replace(path)
    return path


def _course_files(course: Course, lesson: str) -> Iterator[tuple[str, bytes]]:
    """Yield what the grader reads: the lesson, its laws and bugs, and the solutions of it and of what it needs."""
    wanted = [course.lesson(name) for name in (*course.needed(lesson), lesson)]
    paths = [course.modules / "__init__.py"]
    for one in wanted:
        paths += [one.page, one.page.with_name("lesson.toml"), one.module]
    paths += [course.root / "tests" / "laws" / kind / f"test_{lesson}.py" for kind in ("public", "hidden")]
    paths += [course.root / "tests" / "bugs" / f"{lesson}.toml"]
    for path in paths:
        if path.is_file():
            yield path.relative_to(course.root).as_posix(), path.read_bytes()


def _readme(course: Course, lesson: str, points: object, unsandboxed: bool) -> str:
    found = course.lesson(lesson)
    return README.format(
        title=found.title,
        lesson=lesson,
        points=points,
        memory=1.5 if found.limits.memory_mb <= 512 else round(found.limits.memory_mb / 512 + 0.5),
        isolation=UNSANDBOXED if unsandboxed else ISOLATED,
    )


def _zip(contents: Mapping[str, bytes]) -> bytes:
    """Pack files with what may be executed marked as such, as Gradescope asks for `run_autograder`."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(contents):
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (0o100755 if name in SCRIPTS else 0o100644) << 16
            entry.create_system = 3  # Unix, so that Windows writes the same
            archive.writestr(entry, contents[name], zipfile.ZIP_DEFLATED)
    return stream.getvalue()

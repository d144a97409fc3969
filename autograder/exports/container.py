"""What runs in Gradescope's container: one submission found, judged, and its results written.

`run_autograder` starts it as `python -m autograder.exports.container /autograder`; the folders are those of
https://gradescope-autograders.readthedocs.io/en/latest/specs/. `--self-test` says whether the container isolates.
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from autograder import intake, pool
from autograder.course import Course
from autograder.exports.results import results, withheld, write
from autograder.intake import Found
from autograder.isolation import isolated_sandbox
from autograder.model import Job, Limits, ShortestError
from autograder.sandbox import (
    ENVIRONMENT,
    PYTHON_FLAGS,
    Process,
    Sandbox,
    Unsandboxed,
    bootstrap,
    python,
    site_packages,
    spawn,
)

SETTINGS = "bundle.json"
NOBODY = 65534
MOST_FILES = 2000  # of a submission that are looked at: a student may upload a whole disk
SHOWN = 5
NO_ISOLATION = (
    "To the instructor: this container can't isolate students' code. Grade on a machine of your own with "
    "`shortest grade` instead, or build the bundle again with `--unsandboxed`, which labels every result."
)
BROKE = "To the instructor: this is the grader's own mistake. See the autograder's output, and report it."


@dataclass(frozen=True)
class OtherUser(Unsandboxed):
    """A plain process of a user who owns nothing: no sandbox, but the laws and the results can't be read or written.

    Gradescope runs us as root, and advises this:
    https://gradescope-autograders.readthedocs.io/en/latest/best_practices/
    """

    def start(self, package: Path, limits: Limits, errors: int | IO[bytes] = subprocess.DEVNULL) -> Process:
        """Start the worker as nobody, who may read the student's package and not write to it."""
        if os.geteuid() != 0:
            return super().start(package, limits, errors)
        _open_to_all(package)
        settings = {"package": str(package), "memory_mb": limits.memory_mb, "forbids": limits.forbids}
        program = bootstrap("worker", str(Path(__file__).parents[1]), str(site_packages()))
        command = [python(), *PYTHON_FLAGS, program, json.dumps(settings | {"parent": os.getpid()})]
        somebody = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        return spawn(command, errors, ENVIRONMENT, package, **somebody)


def _open_to_all(package: Path) -> None:
    """Let everybody read the student's package, which stands in temporary folders that only we may enter."""
    package.chmod(0o755)
    for folder in package.parents:
        if folder.name.startswith("shortest-"):
            folder.chmod(0o711)


def main(arguments: list[str]) -> int:
    """Judge the submission under a root such as `/autograder`; results are written whatever happens."""
    if arguments == ["--self-test"]:
        print(self_test())  # noqa: T201 - the log of the build is where an instructor looks
        return 0
    root = Path(arguments[0])
    settings = json.loads((root / "source" / SETTINGS).read_text(encoding="utf-8"))
    try:
        made = judge(root, settings)
    except Exception as problem:
        reason = f"the grader broke: {type(problem).__name__}: {problem}"
        made = withheld(settings["lesson"], settings["possible"], reason, BROKE)
    write(root / "results" / "results.json", made)
    return 0


def self_test() -> str:
    """Return in one sentence whether students' code can be isolated here."""
    try:
        isolated_sandbox()
    except ShortestError as problem:
        return f"NOT ISOLATED: {problem}"
    return "isolated: students' code can't see the laws or the results"


def judge(root: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Judge the one file that was handed in, and return the results for Gradescope."""
    course = Course(root / "source" / "course")
    lesson = course.lesson(settings["lesson"])
    try:
        sandbox: Sandbox = OtherUser() if settings["unsandboxed"] else isolated_sandbox()
    except ShortestError as problem:
        return withheld(lesson.name, settings["possible"], str(problem), NO_ISOLATION)
    setup = pool.Setup(course.root, settings["secret"], sandbox, _limits(settings["limits"]))
    ((_, attempt),) = pool.grade(setup, [find(root / "submission", lesson.name)])
    laws = course.laws(lesson.name, hidden=True)
    return results(attempt, laws, lesson, isolated=sandbox.isolated)


def _limits(table: dict[str, dict[str, Any]]) -> dict[str, Limits]:
    made = {name: Limits(**values) for name, values in table.items()}
    return {name: replace(limits, forbids=tuple(limits.forbids)) for name, limits in made.items()}


def find(folder: Path, lesson: str) -> Job:
    """Return the one file that was handed in; where there are none or several, the job says what to do.

    Gradescope unpacks an archive that is uploaded, so what `shortest submit` wrote arrives as its two files.
    A file of the lesson's name comes before files of other names.
    """
    files = list(_files(folder))
    named = [path for path in files if path.stem == lesson]
    wanted = named or files
    if len(wanted) == 1:
        (path,) = wanted
        name = path.name if named else f"{lesson}{path.suffix}"  # "huffman (1).ipynb" is meant well
        job = intake.load(Found("student", lesson, path))
        return Job("student", lesson, name, job.data, problem=job.problem)
    if not wanted:
        problem = f"no {lesson}.ipynb, {lesson}.py or {lesson}.zip was handed in; hand in one of them"
    else:
        names = ", ".join(str(path.relative_to(folder)) for path in wanted[:SHOWN])
        problem = f"{len(wanted)} files could be meant ({names}); hand in {lesson}.ipynb alone"
    return Job("student", lesson, lesson, b"", problem=problem)


def _files(folder: Path) -> Iterator[Path]:
    """Yield regular files that may be a submission, in order, without following a link."""
    seen = 0
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
        for name in sorted(names):
            path = Path(place) / name
            seen += 1
            if seen > MOST_FILES:
                return
            if path.suffix in intake.SUFFIXES and not name.startswith((".", "__")) and _regular(path):
                yield path


def _regular(path: Path) -> bool:
    return stat.S_ISREG(path.lstat().st_mode)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

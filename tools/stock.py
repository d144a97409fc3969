"""What stock `nbgrader autograde` gives hostile submissions: a class of one student an attack, graded in one run.

Nothing is isolated there, so only attacks that do no harm are handed in. Beside them stand a student who did
everything and one who did nothing: where those two get anything but all and nothing, there is no result.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import stock_course
from stock_course import POSSIBLE, SOLUTIONS

from autograder.model import ShortestError

NAME = "ps1"
SECONDS = 20  # for one cell
SECRET = "canary-of-the-stock-course"
CONFIG = f"""\
c = get_config()
c.CourseDirectory.course_id = "stock"
c.ExecutePreprocessor.timeout = {SECONDS}
c.ClearSolutions.code_stub = {{"python": "raise NotImplementedError"}}
"""
LAST = "z-honest"  # students are graded in the order of their names: whoever stops the run stops these
HONEST = {LAST: stock_course.honest(list(SOLUTIONS)), "z-empty": stock_course.honest([])}


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one student: the score, which is missing where nbgrader gave up.

    `got` says whether the attack got at what it looked for, `stops` whether nbgrader's run ended there, with all
    who came later ungraded.
    """

    points: float | None
    got: bool = False
    stops: bool = False


def peer() -> str:
    """Return the name and the version of what is compared with."""
    return f"nbgrader {version('nbgrader')}"


def grade(notebooks: Mapping[str, str], processes: int = 1) -> Iterator[tuple[str, Result]]:
    """Yield each student with the result, after all of a process's share are graded.

    Each process has a course of its own, for several on one database are no faster. Raises ShortestError where
    nbgrader itself does not run, or gives anything but full marks to its own solution.
    """
    names = list(notebooks)
    shares = [{name: notebooks[name] for name in names[i::processes]} for i in range(processes)]
    with ThreadPoolExecutor(processes) as threads:
        for results in threads.map(_grade, [share for share in shares if share]):
            yield from results.items()


def _grade(notebooks: Mapping[str, str]) -> dict[str, Result]:
    """Grade a class; where one of it ends the run for everybody, look for that one in halves of the class."""
    results = _run({**HONEST, **notebooks})
    honest = [results.pop(name) for name in HONEST]
    if all(one.points is None for one in honest):
        if not notebooks:
            raise ShortestError("stock nbgrader graded nobody, though there was no hostile submission")
        if len(notebooks) == 1:
            return dict.fromkeys(notebooks, Result(None, stops=True))
        names = list(notebooks)
        halves = (names[: len(names) // 2], names[len(names) // 2 :])
        first, second = (_grade({name: notebooks[name] for name in half}) for half in halves)
        return {**first, **second}
    if [one.points for one in honest] != [POSSIBLE, 0]:
        raise ShortestError(f"stock nbgrader gave its own solution and an empty one {honest}")
    return results


def _run(notebooks: Mapping[str, str]) -> dict[str, Result]:
    with tempfile.TemporaryDirectory(prefix="stock-", ignore_cleanup_errors=True) as place:
        course = Path(place)
        (course / "nbgrader_config.py").write_text(CONFIG, encoding="utf-8")
        _put(course / "source" / NAME, stock_course.assignment(SECRET))
        _nbgrader(course, "generate_assignment", NAME)
        for student, text in notebooks.items():
            _put(course / "submitted" / student / NAME, text)
        (course / "submitted" / LAST / NAME / "notes.txt").write_text(SECRET, encoding="utf-8")
        _add_student(course, SECRET)
        # Its status is 1 where a single student's notebook could not be run.
        _nbgrader(course, "autograde", NAME, "--create", "--force", statuses=(0, 1))
        return _results(course, list(notebooks))


def _add_student(course: Path, name: str) -> None:
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        book.add_student("a", first_name=name)


def _put(folder: Path, text: str) -> None:
    folder.mkdir(parents=True)
    (folder / f"{NAME}.ipynb").write_text(text, encoding="utf-8")


def _nbgrader(course: Path, *command: str, statuses: Sequence[int] = (0,)) -> None:
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "IPYTHONDIR": str(course / "ipython"),
        "HYPOTHESIS_STORAGE_DIRECTORY": str(course / "hypothesis"),
        "CANARY": SECRET,
    }
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *command],
        cwd=course, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        check=False,
    )  # fmt: skip
    if done.returncode not in statuses:
        raise ShortestError(f"nbgrader {command[0]} ended with {done.returncode}:\n{done.stdout[-2000:]}")


def _results(course: Path, students: Sequence[str]) -> dict[str, Result]:
    """Read the gradebook, and what the last cell of each notebook printed."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        scores = {one.student.id: float(one.score) for one in book.assignment_submissions(NAME)}
    results = {}
    for student in students:
        path = course / "autograded" / student / NAME / f"{NAME}.ipynb"
        done = path.is_file()
        results[student] = Result(scores.get(student) if done else None, done and _got(path))
    return results


def _got(path: Path) -> bool:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "got at it: True" in json.dumps(cells[-1].get("outputs", []))

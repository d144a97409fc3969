"""Scores into an nbgrader course: its gradebook, and the folders in which formgrader looks for everybody's work."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from autograder import intake, nbgrader_book, nbgrader_page
from autograder.course import Course
from autograder.model import Attempt, Job, Score, ShortestError
from autograder.received import TIMESTAMP
from autograder.release import DATABASE

if TYPE_CHECKING:
    from autograder.settings import Settings

# nbgrader puts a student's name into paths, globs, pages and a CSV file, and escapes it in none of them.
NAME = re.compile(r"\w[\w.@+ -]{0,99}")
SUBMITTED = "submitted"
RECORD = ".shortest.json"  # in submitted/: what we put there, by its hash
BESIDE = ".shortest-"  # how the name of a file begins that is still being written


def publish(
    course_folder: Path,
    course: Course,
    scores: Iterable[Score],
    job: Callable[[Attempt], Job | None],
    settings: Settings | None = None,
) -> list[str]:
    """Write what each student's work counts into an nbgrader course, and one notebook each in `autograded/`.

    `job` gives the file of an attempt, as `Gradebook.job` does. Published again, a score changes its own rows
    only; scores and comments that a person gave stay. A file is put into `submitted/` where the student has
    none there. nbgrader's own penalty for lateness stays where `settings` has no deadline. Returns notes on
    what could not be shown, one sentence each. Raises ShortestError where the folder is no nbgrader course.
    """
    if not (course_folder / "nbgrader_config.py").is_file():
        raise ShortestError(
            f"{course_folder} is no nbgrader course: it has no nbgrader_config.py; release one first"
        )
    notes: list[str] = []
    wanted = [score for score in scores if _publishable(score.attempt, course, notes)]
    _place(course_folder / SUBMITTED, list(course.lessons), wanted, job)
    with nbgrader_book.opened(f"sqlite:///{(course_folder / DATABASE).resolve()}") as book:
        for name in dict.fromkeys(score.attempt.lesson for score in wanted):
            lesson = nbgrader_book.graded(course, name)
            notes += nbgrader_book.register(book, lesson)
            for score in wanted:
                attempt = score.attempt
                if attempt.lesson == name:
                    late = settings is None or settings.deadline(attempt.student, name) is not None
                    when = _handed_in(_folder(course_folder / SUBMITTED, attempt), attempt.received)
                    nbgrader_book.record(book, lesson, score, late=late)
                    nbgrader_book.stamp(book, name, attempt.student, when)
                    target = course_folder / "autograded" / attempt.student / name / f"{name}.ipynb"
                    _write(target, nbgrader_page.page(lesson, score, job(attempt)).encode())
    return list(dict.fromkeys(notes))


def _publishable(attempt: Attempt, course: Course, notes: list[str]) -> bool:
    if attempt.lesson not in course.lessons:
        notes.append(
            f"{attempt.student!r}: {attempt.lesson!r} is no lesson of the course any more; not in nbgrader"
        )
        return False
    if not NAME.fullmatch(attempt.student):
        notes.append(
            f"{attempt.student!r} is not in nbgrader: a name there is letters, digits, spaces and . @ + - _, "
            "and begins with a letter or a digit; rename the folder"
        )
        return False
    return True


def _handed_in(folder: Path, received: str) -> datetime | None:
    """Return the time in `submitted/`, else ours: where it is not the gradebook's, formgrader asks for a regrade."""
    from nbgrader.utils import parse_utc

    try:
        written = (folder / TIMESTAMP).read_text(encoding="utf-8").strip() if folder.is_dir() else received
        parsed = parse_utc(written) if written else None
    except (OSError, ValueError, OverflowError):
        return None
    assert parsed is None or isinstance(parsed, datetime)
    return parsed


def _place(
    submitted: Path, lessons: Sequence[str], scores: Iterable[Score], job: Callable[[Attempt], Job | None]
) -> None:
    """Put a copy of each file where nbgrader would have collected it: there formgrader counts submissions.

    What anybody else put there is never touched; a copy of ours gives way to the attempt that counts now.
    """
    ours = _read_record(submitted / RECORD)
    found = intake.find(submitted, lessons)[0] if submitted.is_dir() else []
    there = {(one.student, one.lesson): one.path for one in found}
    wanted = {}
    for attempt in (score.attempt for score in scores):
        present = there.get((attempt.student, attempt.lesson))
        if _is_free(submitted, attempt, present, ours):
            wanted[_key(attempt)] = attempt
            if present:
                present.unlink()
    if not wanted:
        return
    # The record comes before the files: whoever kills this finds each copy either missing or known as ours.
    digests = {key: attempt.sha256 for key, attempt in wanted.items()}
    _write(submitted / RECORD, (json.dumps(ours | digests, indent=1, sort_keys=True) + "\n").encode())
    for attempt in wanted.values():
        carried = job(attempt)
        if carried is not None:
            target = _folder(submitted, attempt) / f"{attempt.lesson}{Path(carried.name).suffix}"
            _write_timestamp(target.with_name(TIMESTAMP), attempt.received)
            _write(target, carried.data)


def _folder(submitted: Path, attempt: Attempt) -> Path:
    return submitted / attempt.student / attempt.lesson


def _key(attempt: Attempt) -> str:
    return f"{attempt.student}/{attempt.lesson}"


def _is_free(submitted: Path, attempt: Attempt, present: Path | None, ours: Mapping[str, str]) -> bool:
    """Say whether a copy is missing there: nothing stands there, or another copy of ours, as we left it."""
    folder = _folder(submitted, attempt)
    if not attempt.sha256 or folder.resolve() != submitted.resolve() / folder.relative_to(submitted):
        return False  # there is no file, or a link leads away from here
    known = ours.get(_key(attempt), "")
    if present is None:
        if folder.exists() and not folder.is_dir():
            return False
        files = [path.name for path in folder.iterdir()] if folder.exists() else []
        rest = [name for name in files if not name.startswith(BESIDE)]
        return rest == [] or (rest == [TIMESTAMP] and bool(known))
    same = present.parent == folder and known == hashlib.sha256(present.read_bytes()).hexdigest()
    return same and known != attempt.sha256


def _read_record(path: Path) -> dict[str, str]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): str(digest) for name, digest in record.items()}
    except (OSError, ValueError, AttributeError):
        return {}  # then nothing there is known to be ours, and nothing is replaced


def _write_timestamp(path: Path, received: str) -> None:
    if received:
        when = datetime.fromisoformat(received).astimezone(UTC)
        _write(path, when.strftime("%Y-%m-%d %H:%M:%S.%f UTC").encode())
    else:
        path.unlink(missing_ok=True)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{BESIDE}{os.getpid()}-{path.name}")
    beside.write_bytes(data)
    beside.replace(path)

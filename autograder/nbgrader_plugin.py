"""`nbgrader autograde`, and formgrader's button of that name, judged by us.

nbgrader finds the submissions, keeps their timestamps, and hands each notebook to an exporter; a released
course's nbgrader_config.json names the one below, and none of nbgrader's own steps. It takes the file as bytes,
has it judged by a grading process, and returns a notebook of our own making. No kernel is started.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
from collections.abc import Generator
from functools import cache
from pathlib import Path
from typing import Any, cast

import nbformat
from nbconvert.exporters import NotebookExporter
from nbgrader.converters import NbGraderException
from nbgrader.preprocessors import AssignLatePenalties
from traitlets import Unicode

from autograder import grade, intake, lookup, nbgrader_book, nbgrader_page, pool, received
from autograder import settings as course_settings
from autograder.course import Course
from autograder.gradebook import FILE, Gradebook
from autograder.intake import Found
from autograder.isolation import isolated_sandbox
from autograder.model import Attempt, Job, Score, ShortestError

GRADES = Path("grades")  # in the repository, where `shortest grade` keeps its gradebook


class IsolatedAutograde(NotebookExporter):
    """Turns a submitted notebook into one that shows our verdicts, after these are in both gradebooks."""

    repository = Unicode("", help="The repository of the course, which has the hidden laws.").tag(config=True)
    database = Unicode("", help="The URL of the gradebook of `shortest grade`.").tag(config=True)
    sandbox = Unicode("bubblewrap", help="What isolates, as for `shortest grade --sandbox`.").tag(config=True)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)  # type: ignore[no-untyped-call]
        self._pages: dict[tuple[str, str], str] = {}
        assert self.parent is not None  # nbgrader's Autograde
        self._coursedir = self.parent.coursedir
        name = self._coursedir.assignment_id
        try:
            self._judging = _judging(_repository(self.repository), self.database, self.sandbox)
            if name not in self._judging.settings.lessons:
                raise ShortestError(
                    f"{name!r} is no lesson that the course in {self._judging.course.root} grades; nbgrader's own "
                    "autograding is off in this folder, because it would run students' code as you"
                )
            submitted = Path(self._coursedir.root, self._coursedir.submitted_directory)
            self._times = received.listed(submitted, self._judging.settings.timezone)
            with self._opened() as book:
                for note in nbgrader_book.register(book, self._judging.lesson(name)):
                    self.log.warning(note)
        except ShortestError as problem:
            self.log.error(str(problem))
            raise NbGraderException(str(problem)) from None

    def from_filename(self, filename: str, resources: Any = None, **_: Any) -> tuple[Any, Any]:
        """Return the notebook to write for a submitted one; for that one, which nbgrader hands in next, itself."""
        place = resources["nbgrader"]
        key = (place["student"], place["assignment"])
        resources["output_extension"] = ".ipynb"
        text = self._pages.pop(key, "")
        if not text:
            text = self._pages[key] = self._judged(Path(filename), *key, resources)
        return text, resources

    def _judged(self, path: Path, student: str, name: str, resources: Any) -> str:
        judging = self._judging
        folder = Path(self._coursedir.format_path(self._coursedir.autograded_directory, student, name))
        _tidy(folder)
        score = judging.score(self._job(path, student, name))
        self.log.info("%s, %s: %g of %s points", student, name, score.points, score.possible)
        lesson = judging.lesson(name)
        late = judging.settings.deadline(student, name) is not None
        with self._opened() as book:
            nbgrader_book.record(book, lesson, score, late=late)
        text = nbgrader_page.page(lesson, score, judging.book.job(score.attempt))
        if not late:  # where course.toml has no deadline, nbgrader's due date and rule count
            AssignLatePenalties(parent=self).preprocess(nbformat.reads(text, as_version=4), resources)
        return text

    def _job(self, path: Path, student: str, name: str) -> Job:
        if path.is_symlink() or not path.is_file():  # to open a pipe would wait for ever
            return Job(student, name, path.name, b"", problem=f"{path.name}: it is no regular file")
        notes: list[str] = []
        zone = self._judging.settings.timezone
        listed = self._times.get((student, name))
        time = (listed, False) if listed else received.time_of(path, notes, zone)
        for note in notes:
            self.log.warning(note)
        return intake.load(Found(student, name, path, *time))

    def _opened(self) -> Any:
        return nbgrader_book.opened(self._coursedir.db_url, self._coursedir.course_id)


class Judging:
    """What stays between notebooks: the course, our gradebook, and one process that judges."""

    def __init__(self, root: Path, database: str, sandbox: str) -> None:
        self.settings = course_settings.find(Course(root), None)
        self.course = grade.limited(Course(root), self.settings.limits)
        url = database or self.settings.database
        self.book = Gradebook(url) if url else Gradebook.at(root / GRADES / FILE)
        setup = pool.Setup(root, self.book.secret(), isolated_sandbox(sandbox), self.settings.limits)
        self._job: Job | None = None
        attempts = pool.grade(setup, iter(lambda: self._job, None), pinned=False)
        self._attempts = cast(Generator[tuple[Job, Attempt]], attempts)
        self.lesson = cache(lambda name: nbgrader_book.graded(self.course, name))

    def score(self, job: Job) -> Score:
        """Judge a file, unless its verdict is on record, and return what the student's work counts now."""
        version = grade.grader_version(self.course, job.lesson)
        self.book.enqueue([job], {job.lesson: version})
        for waiting in self.book.pending([job.lesson]):
            if (waiting.student, waiting.sha256) == (job.student, job.sha256):
                self.book.record(waiting, self._attempt(waiting))
        return lookup.counted(self.book, self.settings, job.student, job.lesson)

    def _attempt(self, job: Job) -> Attempt:
        self._job = job  # which the grading process takes next
        try:
            return next(self._attempts)[1]
        except BaseException:
            _forget()  # its process has ended
            raise

    def close(self) -> None:
        """End the grading process, and let go of the gradebook."""
        self._attempts.close()
        self.book.close()


_kept: dict[tuple[str, ...], Judging] = {}  # at most one; formgrader's server lives for days


def _judging(root: Path, database: str, sandbox: str) -> Judging:
    """Return what this process has for a course, made anew where the course has changed since."""
    key = (str(root), database, sandbox, _state(root))
    if key not in _kept:
        _forget()
        grade.forget_versions()
        _kept[key] = Judging(root, database, sandbox)
    return _kept[key]


@atexit.register
def _forget() -> None:
    while _kept:
        _kept.popitem()[1].close()


def _state(root: Path) -> str:
    """Return what changes whenever a file does that verdicts depend on."""
    folders = ("lessons", "solutions/squeeze", "tests/laws", "tests/bugs")
    files = [path for folder in folders for path in (root / folder).rglob("*") if path.is_file()]
    known = sorted((str(path), path.stat().st_mtime_ns) for path in [*files, *root.glob("*.toml")])
    return hashlib.sha256(repr(known).encode()).hexdigest()


def _repository(named: str) -> Path:
    root = os.environ.get("SHORTEST_COURSE") or named
    if not root or not (Path(root) / "tests" / "laws" / "hidden").is_dir():
        raise ShortestError(
            f"no repository with hidden laws is at {root!r}, so nothing can be judged; set "
            "c.IsolatedAutograde.repository in nbgrader_config.py to it, or SHORTEST_COURSE"
        )
    return Path(root).resolve()


def _tidy(folder: Path) -> None:
    """Remove what nbgrader copied beside the notebook: it follows links, and feedback hands it all out."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != received.TIMESTAMP:
            path.unlink()

"""A course's record: what was handed in, what waits to be judged, every attempt, and what people changed by hand.

Attempts and overrides are only ever added. A verdict and the state of its job change in one transaction, so
whoever kills the grader finds each job either waiting or judged, once.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, func, insert, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from autograder import database, tables
from autograder.model import Attempt, Job, Outcome, Override, ShortestError
from autograder.tables import (
    DONE,
    QUEUED,
    AttemptRow,
    FileRow,
    JobRow,
    OverrideRow,
    SettingRow,
    VerdictRow,
    storable,
)

FILE = "gradebook.db"
REGRADE = "regrade after job"
LOCK = 5_407_271  # any number: the advisory lock of PostgreSQL that our writers share
BATCH = 1000  # rows read at a time


class Gradebook:
    """The gradebook at a database URL: `sqlite:///gradebook.db` or `postgresql://USER@HOST/NAME`."""

    def __init__(self, url: str) -> None:
        """Open it, and make its tables where there are none. Raises ShortestError where it can't be opened."""
        self.engine = database.engine(url)
        self._writer = self.engine.execution_options(writes=True)
        self._shown = self.engine.url.render_as_string(hide_password=True)
        try:
            with self._writing() as session:
                database.prepare(session.connection())
        except BaseException:
            self.close()
            raise

    @classmethod
    def at(cls, path: Path) -> Gradebook:
        """Open, or start, the gradebook in a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        return cls(f"sqlite:///{path}")

    @classmethod
    def existing(cls, database: str, out: Path) -> Gradebook:
        """Open the gradebook at a URL, or, where that is empty, the one in a folder.

        Raises ShortestError where the folder holds none: a mistyped folder must not become an empty gradebook.
        """
        if not database and not (out / FILE).is_file():
            raise ShortestError(
                f"there is no gradebook {out / FILE}; `shortest grade SUBMISSIONS --out {out}` makes one, "
                "and --out names another folder"
            )
        return cls(database) if database else cls.at(out / FILE)

    def close(self) -> None:
        """Let go of the file."""
        self.engine.dispose()

    def secret(self) -> str:
        """Return the course's secret, made at the first call; the inputs of every law come from it."""
        with self._writing() as session:
            row = session.get(SettingRow, "secret")
            if row is None:
                row = SettingRow(name="secret", value=secrets.token_hex(16))
                session.add(row)
            return row.value

    # ---- the queue ----

    def enqueue(self, jobs: Iterable[Job], versions: Mapping[str, str], *, regrade: bool = False) -> int:
        """Let the jobs wait, with their bytes, and return how many of them are new.

        Passed over is what equals the student's last job at the lesson, where that waits or was judged by the
        same grader, whose version `versions` gives for each lesson: who hands in an earlier file again means it.
        A known time that is not the one on record makes a new job, so that a correction counts; a guessed one is
        taken only where none is on record, so that copying a folder makes nobody late.
        What the grader broke on is judged again, and so is, with `regrade`, all that this regrade has not queued yet.
        """
        after = self._regrade_after() if regrade else None
        return sum(self._enqueue(job, versions[job.lesson], after) for job in jobs)

    def _enqueue(self, job: Job, version: str, after: int | None) -> bool:
        digest, student = job.sha256, storable(job.student)
        with self._writing() as session:
            last, received = session.execute(_last_job(student, job.lesson)).first(), job.received
            if last is not None and (last.sha256, last.problem) == (digest, storable(job.problem)):
                if job.guessed and last.received:
                    received = last.received
                judged = last.judged_by == version and not last.broken
                done = last.state == QUEUED or (judged and (after is None or last.id > after))
                if done and last.received == received:
                    return False
            if digest and session.get(FileRow, digest) is None:
                session.execute(insert(FileRow).values(sha256=digest, data=job.data))
            row = {"name": storable(job.name), "problem": storable(job.problem), "received": received}
            place = {"student": student, "lesson": job.lesson, "sha256": digest, "grader": version}
            session.execute(insert(JobRow).values(**place, **row, state=QUEUED, asked_at=tables.now()))
            return True

    def _regrade_after(self) -> int:
        """Return the last job before the regrade that is under way, or that begins now."""
        with self._writing() as session:
            row = session.get(SettingRow, REGRADE)
            if row is None:
                newest = session.scalar(select(func.max(JobRow.id))) or 0
                row = SettingRow(name=REGRADE, value=str(newest))
                session.add(row)
            return int(row.value)

    def finish(self) -> None:
        """Note that a run is complete: until then, another regrade goes on with the one that was interrupted."""
        with self._writing() as session:
            session.execute(delete(SettingRow).where(SettingRow.name == REGRADE))

    def waiting(self, lessons: Collection[str] | None = None) -> int:
        """Count the jobs that wait, of some lessons or of all."""
        query = select(func.count()).select_from(JobRow).where(JobRow.state == QUEUED, *_of(lessons))
        with self._reading() as session:
            return session.scalar(query) or 0

    def pending(self, lessons: Collection[str] | None = None) -> Iterator[Job]:
        """Yield the jobs that wait, oldest first, each read when it is asked for."""
        query = select(JobRow, FileRow.data).outerjoin(FileRow, FileRow.sha256 == JobRow.sha256)
        query = query.where(JobRow.state == QUEUED, *_of(lessons)).order_by(JobRow.id).limit(1)
        last = 0
        while True:
            with self._reading() as session:  # no transaction is open while the job is judged
                found = session.execute(query.where(JobRow.id > last)).first()
                if found is None:
                    return
                job = tables.to_job(*found)
            last = job.number
            yield job

    def record(self, job: Job, attempt: Attempt) -> bool:
        """Add the attempt and all its verdicts, and end the job; or, where anything fails, nothing.

        Returns False, and adds nothing, where the job has its attempt already.
        """
        if (attempt.student, attempt.lesson) != (job.student, job.lesson):
            raise ValueError(f"the attempt of {attempt.student!r} is not job {job.number} of {job.student!r}")
        waits = update(JobRow).where(JobRow.id == job.number, JobRow.state == QUEUED)
        with self._writing() as session:
            if session.execute(waits.values(state=DONE)).rowcount != 1:  # type: ignore[attr-defined]
                return False
            row = tables.attempt_row(job, attempt)
            session.add(row)
            session.flush()
            session.execute(insert(VerdictRow), [tables.verdict_row(row.id, v) for v in attempt.verdicts])
        return True

    # ---- what is on record ----

    def attempts(self, student: str = "", lesson: str = "") -> list[Attempt]:
        """Return all attempts, or those of one student or lesson, in the order in which they were asked for."""
        about = _about(student, lesson)
        attempts = select(AttemptRow.__table__).where(*about).order_by(AttemptRow.job_id)
        laws = select(VerdictRow.__table__).join(AttemptRow).where(*about)
        laws = laws.order_by(VerdictRow.attempt_id, VerdictRow.id)
        with self._reading() as session:
            rows = session.execute(attempts).all()  # first: what is recorded meanwhile has verdicts to spare
            verdicts = {
                number: tuple(map(tables.to_verdict, group))
                for number, group in groupby(
                    session.execute(laws).yield_per(BATCH), lambda row: row.attempt_id
                )
            }
        return [tables.to_attempt(row, verdicts.get(row.id, ())) for row in rows]

    def students(self) -> list[str]:
        """Return who has an attempt, sorted."""
        return self._names(select(AttemptRow.student).distinct())

    def lessons(self, student: str) -> list[str]:
        """Return the lessons at which a student has an attempt, sorted."""
        return self._names(
            select(AttemptRow.lesson).distinct().where(AttemptRow.student == storable(student))
        )

    def _names(self, query: Any) -> list[str]:
        with self._reading() as session:
            return sorted(session.scalars(query))

    def file(self, sha256: str) -> tuple[str, bytes] | None:
        """Return the name and the bytes of a file that was handed in, or nothing where they were not kept."""
        query = select(JobRow, FileRow.data).join(FileRow, FileRow.sha256 == JobRow.sha256)
        with self._reading() as session:
            found = session.execute(query.where(JobRow.sha256 == sha256).order_by(JobRow.id.desc())).first()
            return None if found is None else (found[0].name, found[1])

    def job(self, attempt: Attempt) -> Job | None:
        """Return the job that an attempt judged, with the file as it was, or nothing where there is none."""
        query = select(JobRow, FileRow.data).outerjoin(FileRow, FileRow.sha256 == JobRow.sha256)
        query = query.where(JobRow.student == attempt.student, JobRow.lesson == attempt.lesson)
        with self._reading() as session:
            query = query.where(JobRow.sha256 == attempt.sha256).order_by(JobRow.id.desc())
            found = session.execute(query.limit(1)).first()
            return None if found is None else tables.to_job(*found)

    # ---- what people changed ----

    def override(self, change: Override) -> None:
        """Add points that a person gives; not a number of points takes back what was given before."""
        row = asdict(change) | {"points": None if math.isnan(change.points) else change.points}
        row = {key: storable(value) if isinstance(value, str) else value for key, value in row.items()}
        row["at"] = row.pop("when") or tables.now()
        with self._writing() as session:
            session.execute(insert(OverrideRow).values(**row))

    def overrides(self, *, history: bool = False) -> list[Override]:
        """Return the changes in force, oldest first; of one student, lesson and law the last one counts.

        With `history`, return all that were ever made, where NaN points mean one that was taken back.
        """
        with self._reading() as session:
            rows = session.scalars(select(OverrideRow).order_by(OverrideRow.id))
            changes = [tables.to_override(row) for row in rows]
        if history:
            return changes
        last = {(change.student, change.lesson, change.law): change for change in changes}
        return [change for change in last.values() if not math.isnan(change.points)]

    # ---- transactions ----

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        """Give a session whose changes come together or not at all, and that no other writer comes between."""
        try:
            with Session(self._writer) as session, session.begin():
                if self.engine.dialect.name == "postgresql":
                    session.execute(select(func.pg_advisory_xact_lock(LOCK)))
                yield session
        except DBAPIError as problem:
            raise self._trouble(problem) from None

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        try:
            with Session(self.engine) as session:
                yield session
        except DBAPIError as problem:
            raise self._trouble(problem) from None

    def _trouble(self, problem: DBAPIError) -> ShortestError:
        said = str(problem.orig).strip().partition("\n")[0]
        local = self.engine.dialect.name == "sqlite"
        what = "see to that, or name another folder with --out," if local else "see that its server answers,"
        return ShortestError(
            f"the gradebook {self._shown} can't be used: {said}; what it holds is kept: {what} "
            "and type the same again"
        )


def _last_job(student: str, lesson: str) -> Any:
    """Ask for a student's last job at a lesson, the grader that judged it, and whether that broke."""
    broken = exists().where(
        VerdictRow.attempt_id == AttemptRow.id, VerdictRow.outcome == Outcome.GRADER_ERROR.value
    )
    columns = (JobRow.id, JobRow.sha256, JobRow.problem, JobRow.received, JobRow.state)
    query = select(*columns, AttemptRow.grader.label("judged_by"), broken.label("broken"))
    query = query.outerjoin(AttemptRow, AttemptRow.job_id == JobRow.id)
    return query.where(JobRow.student == student, JobRow.lesson == lesson).order_by(JobRow.id.desc()).limit(1)


def _of(lessons: Collection[str] | None) -> list[ColumnElement[bool]]:
    return [] if lessons is None else [JobRow.lesson.in_(list(lessons))]


def _about(student: str, lesson: str) -> list[ColumnElement[bool]]:
    wanted = {AttemptRow.student: storable(student), AttemptRow.lesson: lesson}
    return [column == value for column, value in wanted.items() if value]

"""The tables of our gradebook, and their rows as the types of `model.py`."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, Row
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from autograder.model import Attempt, Finding, Job, Outcome, Override, Verdict

QUEUED, DONE = "queued", "done"
GONE = "its bytes are no longer in the gradebook; grade it again with --regrade"


class Base(DeclarativeBase):
    """The tables of our own gradebook."""


class SettingRow(Base):
    """A value that belongs to the course, such as the secret behind the seeds."""

    __tablename__ = "settings"
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class FileRow(Base):
    """The bytes of a file that was handed in, once however often it was."""

    __tablename__ = "files"
    sha256: Mapped[str] = mapped_column(primary_key=True)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class JobRow(Base):
    """A file that is to be judged, or was: the queue, which is only added to."""

    __tablename__ = "jobs"
    id: Mapped[int] = mapped_column(primary_key=True)
    student: Mapped[str]
    lesson: Mapped[str]
    name: Mapped[str]
    sha256: Mapped[str]  # no foreign key: version 0.1 kept no files, and an old term's may be deleted
    grader: Mapped[str]
    received: Mapped[str]
    problem: Mapped[str]
    state: Mapped[str] = mapped_column(index=True)
    asked_at: Mapped[str]
    __table_args__ = (Index("jobs_of_a_student", "student", "lesson"),)


class AttemptRow(Base):
    """One job judged, once: the index on `job_id` refuses a second attempt."""

    __tablename__ = "attempts"
    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id"))
    student: Mapped[str] = mapped_column(index=True)
    lesson: Mapped[str] = mapped_column(index=True)
    sha256: Mapped[str]
    grader: Mapped[str]
    seconds: Mapped[float]
    notes: Mapped[str]
    received: Mapped[str]
    misconceptions: Mapped[str]
    judged_at: Mapped[str]
    __table_args__ = (Index("one_attempt_a_job", "job_id", unique=True),)


class VerdictRow(Base):
    """One law of one attempt."""

    __tablename__ = "verdicts"
    id: Mapped[int] = mapped_column(primary_key=True)
    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempts.id"), index=True)
    law: Mapped[str]
    outcome: Mapped[str]
    points: Mapped[int]
    possible: Mapped[int]
    because: Mapped[str]
    finding: Mapped[str]
    seconds: Mapped[float]


class OverrideRow(Base):
    """Points that a person gave, or took back where `points` is null; no row is ever changed."""

    __tablename__ = "overrides"
    id: Mapped[int] = mapped_column(primary_key=True)
    student: Mapped[str] = mapped_column(index=True)
    lesson: Mapped[str]
    law: Mapped[str]
    points: Mapped[float | None]
    who: Mapped[str]
    why: Mapped[str]
    at: Mapped[str]


def to_job(row: JobRow, data: bytes | None) -> Job:
    """Make a job of its row and its file's bytes."""
    problem = row.problem or (GONE if data is None else "")
    return Job(row.student, row.lesson, row.name, data or b"", row.received, problem, row.id)


def attempt_row(job: Job, attempt: Attempt) -> AttemptRow:
    """Make the row of an attempt, without its verdicts."""
    return AttemptRow(
        job_id=job.number,
        student=storable(attempt.student),
        lesson=attempt.lesson,
        sha256=attempt.sha256,
        grader=attempt.grader,
        seconds=attempt.seconds,
        notes=json.dumps(attempt.notes),
        received=attempt.received,
        misconceptions=json.dumps(dict(attempt.misconceptions)),
        judged_at=now(),
    )


def verdict_row(attempt: int, verdict: Verdict) -> dict[str, Any]:
    """Make the row of one verdict of an attempt."""
    finding = "" if verdict.finding is None else json.dumps(asdict(verdict.finding))
    row = {"law": verdict.law, "outcome": verdict.outcome.value, "because": storable(verdict.because)}
    numbers = {"points": verdict.points, "possible": verdict.possible, "seconds": verdict.seconds}
    return {"attempt_id": attempt, "finding": finding, **row, **numbers}


def to_attempt(row: Row[Any], verdicts: tuple[Verdict, ...]) -> Attempt:
    """Make an attempt of its row and its verdicts."""
    place = (row.student, row.lesson, row.sha256, row.grader)
    notes, misconceptions = tuple(json.loads(row.notes)), json.loads(row.misconceptions)
    return Attempt(*place, verdicts, row.seconds, notes, row.received, misconceptions)


def to_verdict(row: Row[Any]) -> Verdict:
    """Make a verdict of its row."""
    finding = Finding(**json.loads(row.finding)) if row.finding else None
    outcome = Outcome(row.outcome)
    return Verdict(row.law, outcome, row.points, row.possible, row.because, finding, row.seconds)


def to_override(row: OverrideRow) -> Override:
    """Make an override of its row; one that was taken back has NaN points."""
    points = math.nan if row.points is None else row.points
    return Override(row.student, row.lesson, row.law, points, row.who, row.why, row.at)


def storable(text: str) -> str:
    """Escape what no database takes: a lone surrogate isn't UTF-8, and PostgreSQL refuses a zero character."""
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode("utf-8")


def now() -> str:
    """Return the time in UTC as ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")

"""Attempts on disk: append-only, one transaction each, in SQLite by default."""

from __future__ import annotations

import csv
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import ForeignKey, create_engine, event, select
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from autograder.model import Attempt, Finding, Outcome, ShortestError, Verdict


class Base(DeclarativeBase):
    """The tables of our own gradebook."""


class Setting(Base):
    """A value that belongs to the course, such as the secret behind the seeds."""

    __tablename__ = "settings"
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class AttemptRow(Base):
    """One submission judged once."""

    __tablename__ = "attempts"
    id: Mapped[int] = mapped_column(primary_key=True)
    student: Mapped[str] = mapped_column(index=True)
    lesson: Mapped[str] = mapped_column(index=True)
    sha256: Mapped[str]
    grader: Mapped[str]
    seconds: Mapped[float]
    notes: Mapped[str]
    judged_at: Mapped[str]
    verdicts: Mapped[list[VerdictRow]] = relationship(order_by="VerdictRow.id", lazy="selectin")


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


class Gradebook:
    """The attempts of a course, at a database URL such as `sqlite:///gradebook.db`."""

    def __init__(self, url: str) -> None:
        """Open it, and make its tables where there are none. Raises ShortestError where it can't be opened."""
        self.engine = create_engine(url)
        if self.engine.dialect.name == "sqlite":
            event.listen(self.engine, "connect", _write_ahead)
        try:
            Base.metadata.create_all(self.engine)
        except DatabaseError as problem:
            self.close()
            raise ShortestError(
                f"the gradebook {url} can't be opened ({problem.orig}); move it away, or name another folder"
            ) from None

    @classmethod
    def at(cls, path: Path) -> Gradebook:
        """Open, or start, the gradebook in a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        return cls(f"sqlite:///{path}")

    def close(self) -> None:
        """Let go of the file."""
        self.engine.dispose()

    def secret(self) -> str:
        """Return the course's secret, made at the first call; the inputs of every law come from it."""
        with Session(self.engine) as session, session.begin():
            row = session.get(Setting, "secret")
            if row is None:
                row = Setting(name="secret", value=secrets.token_hex(16))
                session.add(row)
            return row.value

    def record(self, attempt: Attempt) -> None:
        """Add an attempt and all its verdicts, or, where anything fails, nothing."""
        row = AttemptRow(
            student=_text(attempt.student),
            lesson=attempt.lesson,
            sha256=attempt.sha256,
            grader=attempt.grader,
            seconds=attempt.seconds,
            notes=json.dumps(attempt.notes),
            judged_at=datetime.now(UTC).isoformat(timespec="seconds"),
            verdicts=[_row(verdict) for verdict in attempt.verdicts],
        )
        with Session(self.engine) as session, session.begin():
            session.add(row)

    def judged(self) -> set[tuple[str, str, str, str]]:
        """Return student, lesson, hash and grader version of what need not be judged again.

        That is each student's last attempt at each lesson: who hands in an earlier file again means it. An
        attempt that the grader broke on counts for nothing.
        """
        return {
            (attempt.student, attempt.lesson, attempt.sha256, attempt.grader)
            for attempt in self.latest()
            if all(verdict.outcome is not Outcome.GRADER_ERROR for verdict in attempt.verdicts)
        }

    def latest(self) -> list[Attempt]:
        """Return each student's last attempt at each lesson, by lesson and student."""
        with Session(self.engine) as session:
            rows = session.scalars(select(AttemptRow).order_by(AttemptRow.id))
            last = {(row.lesson, row.student): _attempt(row) for row in rows}
        return [last[key] for key in sorted(last)]


def write_csv(path: Path, attempts: Sequence[Attempt], possible: Mapping[str, int]) -> None:
    """Write one row a student and one column a lesson; `possible` gives each lesson's points, in order.

    A name that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    points = {(attempt.student, attempt.lesson): attempt.points for attempt in attempts}
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["student", *(f"{name} ({most})" for name, most in possible.items()), "total"])
        for student in sorted({student for student, _ in points}):
            row = [points.get((student, lesson), 0) for lesson in possible]
            writer.writerow([_no_formula(student), *row, sum(row)])


def _no_formula(text: str) -> str:
    return f"'{text}" if text.strip()[:1] in ("=", "+", "-", "@", "|") or text != text.strip() else text


def _row(verdict: Verdict) -> VerdictRow:
    finding = "" if verdict.finding is None else json.dumps(asdict(verdict.finding))
    return VerdictRow(
        law=verdict.law,
        outcome=verdict.outcome.value,
        points=verdict.points,
        possible=verdict.possible,
        because=_text(verdict.because),
        finding=finding,
        seconds=verdict.seconds,
    )


def _attempt(row: AttemptRow) -> Attempt:
    verdicts = tuple(
        Verdict(
            law=verdict.law,
            outcome=Outcome(verdict.outcome),
            points=verdict.points,
            possible=verdict.possible,
            because=verdict.because,
            finding=Finding(**json.loads(verdict.finding)) if verdict.finding else None,
            seconds=verdict.seconds,
        )
        for verdict in row.verdicts
    )
    notes = tuple(json.loads(row.notes))
    return Attempt(row.student, row.lesson, row.sha256, row.grader, verdicts, row.seconds, notes)


def _text(text: str) -> str:
    # A lone surrogate in student text can't be stored as UTF-8.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _write_ahead(connection: object, _: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.close()

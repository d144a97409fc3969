"""The database that holds a gradebook, and how the tables of an earlier version become ours."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    create_engine,
    event,
    insert,
    inspect,
    make_url,
    select,
    text,
    update,
)
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from autograder.model import ShortestError
from autograder.tables import AttemptRow, Base, SettingRow

SCHEMA = 2
BUSY_SECONDS = 60
POSTGRES = 'pip install "psycopg[binary]"'


def engine(url: str) -> Engine:
    """Return an engine for a database URL, in which every transaction begins and ends where we say.

    Raises ShortestError where the URL is none of SQLite's or PostgreSQL's, or the driver isn't installed.
    """
    place = _place(url)
    try:
        made = create_engine(place)
    except ModuleNotFoundError as problem:
        raise ShortestError(
            f"a gradebook in PostgreSQL needs the package {problem.name}; install it: {POSTGRES}"
        ) from None
    if place.get_backend_name() == "sqlite":
        event.listen(made, "connect", _on_connect)
        event.listen(made, "begin", _on_begin)
    return made


def _place(url: str) -> URL:
    try:
        place = make_url(url)
        if place.drivername in ("postgres", "postgresql"):
            place = place.set(drivername="postgresql+psycopg")
        kind = place.get_backend_name()
    except (ArgumentError, NoSuchModuleError, ValueError):
        kind = ""
    if kind not in ("sqlite", "postgresql"):
        # The URL may hold a password, so no more of it is said than how it begins.
        raise ShortestError(
            f"a gradebook's URL begins with sqlite:/// or postgresql://, not {url.partition(':')[0][:20]!r}; "
            "such as postgresql://grader:PASSWORD@localhost/course"
        )
    return place


def _on_connect(connection: Any, _: object) -> None:
    """Set SQLite up: a commit is on the disk, readers don't wait, and references hold."""
    connection.isolation_level = None  # Python's own transactions would leave out the making of tables
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    _use_wal(cursor)
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _use_wal(cursor: Any) -> None:
    """Let readers and a writer not wait for each other; SQLite gives up at once here, so the waiting is ours."""
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as problem:
            if "locked" not in str(problem) or time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return


def _on_begin(connection: Connection) -> None:
    # Who writes takes the lock before reading: SQLite won't let go on who read what another has changed since.
    kind = "IMMEDIATE" if connection.get_execution_options().get("writes") else "DEFERRED"
    connection.exec_driver_sql(f"BEGIN {kind}")


def prepare(connection: Connection) -> None:
    """Make the tables where there are none, and bring those of version 0.1 up to date; nothing is lost.

    Raises ShortestError where a newer version made them.
    """
    before = set(inspect(connection).get_table_names())
    Base.metadata.create_all(connection)
    if "attempts" in before and "jobs" not in before:
        _from_first(connection)
    schema = select(SettingRow.value).where(SettingRow.name == "schema")
    found = connection.execute(schema).scalar()
    if found is None:
        connection.execute(insert(SettingRow).values(name="schema", value=str(SCHEMA)))
    elif found != str(SCHEMA):
        raise ShortestError(
            f"the gradebook has tables of version {found!r}, and this program knows version {SCHEMA}; "
            "use the newer program that wrote it"
        )


def _from_first(connection: Connection) -> None:
    """Give each attempt of version 0.1, which had no queue, the job that it must have been."""
    old = "id, student, lesson, '', sha256, grader, '', '', 'done', judged_at"
    new = "id, student, lesson, name, sha256, grader, received, problem, state, asked_at"
    for command in (
        f"INSERT INTO jobs ({new}) SELECT {old} FROM attempts ORDER BY id",  # noqa: S608 - our own words
        "ALTER TABLE attempts ADD COLUMN job_id INTEGER REFERENCES jobs (id)",
        "ALTER TABLE attempts ADD COLUMN received VARCHAR NOT NULL DEFAULT ''",
        "ALTER TABLE attempts ADD COLUMN misconceptions VARCHAR NOT NULL DEFAULT '{}'",
    ):
        connection.execute(text(command))
    connection.execute(update(AttemptRow).values(job_id=AttemptRow.id))
    for index in AttemptRow.__table__.indexes:  # type: ignore[attr-defined]
        index.create(connection, checkfirst=True)

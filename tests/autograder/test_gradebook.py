"""Nothing handed in is lost, no attempt is counted twice or ever changed, whichever database keeps them."""

from __future__ import annotations

import math
import os
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, event, insert, make_url, text

from autograder.gradebook import Gradebook
from autograder.model import Attempt, Finding, Job, Outcome, Override, ShortestError, Verdict
from autograder.tables import AttemptRow, JobRow, SettingRow

POSTGRES = os.environ.get("SHORTEST_TEST_POSTGRES", "")
FINDING = Finding("message", {"data": "b''"}, "f(b'')", "1", "2", "line 3", "wrong")
VERSIONS = {"twice": "g", "thrice": "g"}
VERDICTS = (
    Verdict("first", Outcome.PASSED, 2, 2, seconds=0.25),
    Verdict("second", Outcome.FAILED, 0, 3, "because", FINDING, 0.5),
)
BROKEN = (Verdict("first", Outcome.PASSED, 2, 2), Verdict("second", Outcome.GRADER_ERROR, 0, 3))


def job(student: str = "ada", lesson: str = "twice", data: bytes = b"a", **more: Any) -> Job:
    return Job(student, lesson, f"{lesson}.py", data, **more)


def attempt(asked: Job, grader: str = "g", verdicts: tuple[Verdict, ...] = VERDICTS) -> Attempt:
    notes = ("a note", "another")
    place = (asked.student, asked.lesson, asked.sha256, grader)
    return Attempt(*place, verdicts, 1.5, notes, asked.received, {"double": "adds one"})


def judge(book: Gradebook, **more: Any) -> list[Attempt]:
    """Judge all that waits, and return what was recorded."""
    done = []
    for asked in book.pending():
        done.append(attempt(asked, **more))
        assert book.record(asked, done[-1])
    return done


@pytest.fixture(params=["sqlite", *(["postgresql"] if POSTGRES else [])])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the URL of a database that holds nothing yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'gradebook.db'}"
        return
    place = make_url(POSTGRES).set(drivername="postgresql+psycopg")
    name = f"shortest_{uuid4().hex}"
    engine = create_engine(place, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {name}"))
        own = place.update_query_dict({"options": f"-csearch_path={name}"})
        yield own.render_as_string(hide_password=False)
        connection.execute(text(f"DROP SCHEMA {name} CASCADE"))
    engine.dispose()


@pytest.fixture
def book(url: str) -> Iterator[Gradebook]:
    opened = Gradebook(url)
    yield opened
    opened.close()


@pytest.mark.skipif(
    not POSTGRES, reason="SHORTEST_TEST_POSTGRES holds no URL of a PostgreSQL to try this with"
)
def test_all_of_this_was_tried_with_postgresql_too(request: pytest.FixtureRequest) -> None:
    assert any("[postgresql]" in item.nodeid for item in request.session.items)


def count(book: Gradebook, table: str) -> int:
    with book.engine.connect() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar() or 0)


# ---- the queue ----


def test_a_job_waits_with_its_bytes_until_its_attempt_is_recorded(book: Gradebook) -> None:
    handed_in = [job("bob", data=b"\0\xff" * 99, received="2026-01-02T03:04:05+00:00"), job("ada", "thrice")]
    assert book.enqueue(handed_in, VERSIONS) == 2
    waiting = list(book.pending())
    assert [(one.student, one.lesson, one.name, one.data, one.received) for one in waiting] == [
        (one.student, one.lesson, one.name, one.data, one.received) for one in handed_in
    ]
    assert book.waiting() == 2
    judge(book)
    assert list(book.pending()) == []
    assert book.waiting() == 0


def test_what_waits_or_was_judged_is_not_queued_again(book: Gradebook) -> None:
    assert book.enqueue([job()], VERSIONS) == 1
    assert book.enqueue([job()], VERSIONS) == 0
    judge(book)
    assert book.enqueue([job()], VERSIONS) == 0
    assert book.enqueue([job()], VERSIONS | {"twice": "another"}) == 1
    judge(book, grader="another")
    assert book.enqueue([job()], VERSIONS | {"twice": "another"}) == 0
    assert book.enqueue([job("bob"), job(lesson="thrice"), job(data=b"b")], VERSIONS) == 3


def test_who_hands_in_an_earlier_file_again_means_it(book: Gradebook) -> None:
    for data in (b"a", b"b", b"a"):
        assert book.enqueue([job(data=data)], VERSIONS) == 1
        judge(book)
    assert [one.sha256 for one in book.attempts()] == [job(data=data).sha256 for data in (b"a", b"b", b"a")]
    assert count(book, "files") == 2


def test_an_earlier_file_is_queued_behind_a_later_one_that_still_waits(book: Gradebook) -> None:
    book.enqueue([job(data=b"a")], VERSIONS)
    judge(book)
    book.enqueue([job(data=b"b")], VERSIONS)
    assert book.enqueue([job(data=b"a")], VERSIONS) == 1
    assert [one.data for one in book.pending()] == [b"b", b"a"]


def test_what_the_grader_broke_on_is_recorded_and_queued_again(book: Gradebook) -> None:
    book.enqueue([job()], VERSIONS)
    judge(book, verdicts=BROKEN)
    assert [one.points for one in book.attempts()] == [2]
    assert book.enqueue([job()], VERSIONS) == 1
    judge(book)
    assert book.enqueue([job()], VERSIONS) == 0
    assert count(book, "attempts") == 2


def test_a_file_that_cannot_be_read_is_a_job_with_the_reason(book: Gradebook) -> None:
    refused = Job("ada", "twice", "twice.py", b"", problem="it is 40 MB")
    assert book.enqueue([refused], VERSIONS) == 1
    [waiting] = book.pending()
    assert (waiting.problem, waiting.data, waiting.sha256) == ("it is 40 MB", b"", "")
    judge(book)
    assert book.enqueue([refused], VERSIONS) == 0
    assert book.enqueue([Job("ada", "twice", "twice.py", b"", problem="it is 50 MB")], VERSIONS) == 1


def test_jobs_of_other_lessons_stay_in_the_queue(book: Gradebook) -> None:
    book.enqueue([job(), job(lesson="thrice")], VERSIONS)
    assert [one.lesson for one in book.pending(["thrice"])] == ["thrice"]
    assert (book.waiting(["thrice"]), book.waiting(["gone"]), book.waiting()) == (1, 0, 2)


def test_a_regrade_is_a_new_job_and_a_new_attempt(book: Gradebook) -> None:
    book.enqueue([job(), job("bob")], VERSIONS)
    judge(book)
    assert book.enqueue([job(), job("bob")], VERSIONS, regrade=True) == 2
    judge(book)
    assert count(book, "attempts") == count(book, "jobs") == 4


def test_an_interrupted_regrade_goes_on_and_a_finished_one_begins_anew(book: Gradebook) -> None:
    both = [job(), job("bob")]
    book.enqueue(both, VERSIONS)
    judge(book)
    book.enqueue(both[:1], VERSIONS, regrade=True)  # here it was killed
    judge(book)
    assert book.enqueue(both, VERSIONS, regrade=True) == 1
    judge(book)
    assert book.enqueue(both, VERSIONS, regrade=True) == 0
    book.finish()
    assert book.enqueue(both, VERSIONS, regrade=True) == 2


def test_a_job_is_read_only_when_it_is_asked_for(book: Gradebook) -> None:
    book.enqueue([job(f"s{n}") for n in range(5)], VERSIONS)
    asked: list[str] = []
    event.listen(book.engine, "before_cursor_execute", lambda *arguments: asked.append(arguments[2]))
    waiting = book.pending()
    next(waiting)
    next(waiting)
    assert len([statement for statement in asked if "files.data" in statement]) == 2


# ---- the record ----


def test_an_attempt_comes_back_as_it_was(book: Gradebook) -> None:
    book.enqueue([job(received="2026-01-02T03:04:05+00:00"), job("bob", "thrice")], VERSIONS)
    done = judge(book)
    assert book.attempts() == done
    assert book.attempts(student="bob") == book.attempts(lesson="thrice") == done[1:]
    assert book.attempts("ada", "thrice") == []
    assert (book.students(), book.lessons("ada"), book.lessons("cy")) == (["ada", "bob"], ["twice"], [])


def test_attempts_stand_in_the_order_in_which_they_were_asked_for(book: Gradebook) -> None:
    book.enqueue([job(data=b"early")], VERSIONS)
    book.enqueue([job(data=b"late")], VERSIONS)
    for asked in reversed(list(book.pending())):  # with several processes, the later one may be done first
        book.record(asked, attempt(asked))
    assert [one.sha256 for one in book.attempts()] == [job(data=d).sha256 for d in (b"early", b"late")]
    assert book.enqueue([job(data=b"late")], VERSIONS) == 0


def test_a_job_is_counted_once(book: Gradebook) -> None:
    book.enqueue([job()], VERSIONS)
    [asked] = book.pending()
    assert book.record(asked, attempt(asked))
    assert not book.record(asked, attempt(asked, grader="another"))
    assert [one.grader for one in book.attempts()] == ["g"]
    assert count(book, "verdicts") == 2


def test_the_database_itself_refuses_a_second_attempt_of_a_job(book: Gradebook) -> None:
    book.enqueue([job()], VERSIONS)
    judge(book)
    with book.engine.connect() as connection:
        row = dict(connection.execute(text("SELECT * FROM attempts")).mappings().one())
        with pytest.raises(Exception, match=r"(?i)unique"):
            connection.execute(insert(AttemptRow).values(row | {"id": 99}))
        connection.rollback()
        with pytest.raises(Exception, match=r"(?i)foreign key"):
            connection.execute(insert(AttemptRow).values(row | {"id": 99, "job_id": 99}))


def test_an_attempt_of_another_student_is_not_recorded(book: Gradebook) -> None:
    book.enqueue([job()], VERSIONS)
    [asked] = book.pending()
    with pytest.raises(ValueError, match=r"'bob'.*'ada'"):
        book.record(asked, attempt(job("bob")))
    assert book.waiting() == 1


def test_a_failure_in_the_middle_leaves_the_job_waiting(book: Gradebook) -> None:
    book.enqueue([job()], VERSIONS)
    [asked] = book.pending()
    broken = (*VERDICTS, Verdict("third", Outcome.PASSED, None, 1))  # type: ignore[arg-type]
    with pytest.raises(ShortestError, match=r"can't be used: .*(?i:not.null)"):
        book.record(asked, attempt(asked, verdicts=broken))
    assert (count(book, "attempts"), count(book, "verdicts"), book.waiting()) == (0, 0, 1)
    judge(book)
    assert count(book, "attempts") == 1


def test_a_file_can_be_looked_at_again(book: Gradebook) -> None:
    book.enqueue([job(data=b"")], VERSIONS)
    [done] = judge(book)
    assert book.file(done.sha256) == ("twice.py", b"")
    assert book.file("0" * 64) is None
    again = book.job(done)
    assert again is not None
    assert (again.student, again.name, again.data) == ("ada", "twice.py", b"")
    assert book.job(attempt(job("cy"))) is None


def test_the_secret_is_made_once_and_no_two_are_alike(book: Gradebook, url: str) -> None:
    secret = book.secret()
    again, other = Gradebook(url), Gradebook("sqlite://")
    assert again.secret() == book.secret() == secret
    assert len(secret) == 32
    assert other.secret() != secret
    again.close()
    other.close()


def test_two_graders_at_once_queue_and_count_everything_once(url: str) -> None:
    students = [f"s{n}" for n in range(12)]
    start = threading.Barrier(3)
    secrets, failures, recorded = [], [], []

    def run() -> None:
        try:
            start.wait()
            own = Gradebook(url)  # the first makes the tables
            secrets.append(own.secret())
            own.enqueue([job(student) for student in students], VERSIONS)
            recorded.extend([own.record(asked, attempt(asked)) for asked in own.pending()])
            own.close()
        except Exception as problem:
            failures.append(problem)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(set(secrets)) == 1
    assert recorded.count(True) == len(students)
    book = Gradebook(url)
    assert sorted(one.student for one in book.attempts()) == sorted(students)
    assert count(book, "jobs") == len(students)
    book.close()


ANY = st.text(st.characters(exclude_categories=()), max_size=30)  # lone surrogates and zeros too


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(student="half a pair \ud800", said="half a pair \udfff, and \0")
@given(student=ANY, said=ANY)
def test_any_text_of_a_student_can_be_kept(book: Gradebook, student: str, said: str) -> None:
    finding = Finding(said, {said: said}, said, said, said, said, said)
    book.enqueue([Job(student, "twice", said, student.encode("utf-8", "replace"))], VERSIONS, regrade=True)
    book.finish()
    [asked] = book.pending()
    verdicts = (Verdict("x", Outcome.FAILED, 0, 1, said, finding),)
    book.record(asked, Attempt(asked.student, "twice", asked.sha256, "g", verdicts, 0.0, (said,)))
    kept = book.attempts()[-1]
    assert kept.verdicts[0].finding == finding
    assert kept.notes == (said,)
    assert kept.student.encode("utf-8").decode() == asked.student
    book.override(Override(student, "twice", "", 1, said, said))


# ---- what people change ----


def test_the_last_override_counts_and_none_is_lost(book: Gradebook) -> None:
    first = Override("ada", "twice", "", 3.5, "kim", "late bus", "2026-01-02T03:04:05+00:00")
    others = [
        Override("ada", "twice", "first", 1, "kim", "x", "t"),
        Override("bob", "twice", "", 1, "kim", "x", "t"),
    ]
    second = Override("ada", "twice", "", 4.0, "lee", "later", "2026-01-03T03:04:05+00:00")
    for change in (first, *others, second):
        book.override(change)
    assert set(book.overrides()) == {second, *others}
    assert book.overrides(history=True) == [first, *others, second]


def test_an_override_can_be_taken_back_and_stays_on_record(book: Gradebook) -> None:
    book.override(Override("ada", "twice", "", 3, "kim", "late bus"))
    book.override(Override("ada", "twice", "", math.nan, "kim", "no, a mistake"))
    assert book.overrides() == []
    kept = book.overrides(history=True)
    assert [(one.points, one.why) for one in kept[:1]] == [(3, "late bus")]
    assert math.isnan(kept[1].points)
    assert all(one.when.endswith("+00:00") for one in kept)
    book.override(Override("ada", "twice", "", 2, "kim", "after all"))
    assert [one.points for one in book.overrides()] == [2]


# ---- the database ----


def test_what_is_no_gradebook_is_refused(tmp_path: Path) -> None:
    (tmp_path / "gradebook.db").write_text("this is a text, and no database at all\n" * 50, encoding="utf-8")
    with pytest.raises(ShortestError, match=r"gradebook\.db can't be used: file is not a database"):
        Gradebook.at(tmp_path / "gradebook.db")
    (tmp_path / "folder.db").mkdir()
    with pytest.raises(ShortestError, match=r"folder\.db can't be used: .*name another folder with --out"):
        Gradebook.at(tmp_path / "folder.db")


@pytest.mark.parametrize(
    "wrong", ["mysql://me:PASSWORD@host/x", "nonsense", "", "postgresql://host:port/x", "x:y"]
)
def test_a_url_of_another_database_is_refused_without_its_password(wrong: str) -> None:
    with pytest.raises(
        ShortestError, match="a gradebook's URL begins with sqlite:/// or postgresql://"
    ) as caught:
        Gradebook(wrong)
    assert "PASSWORD@host" not in str(caught.value)


def test_a_missing_driver_is_named_with_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    for url in (
        "postgresql://me@localhost/x",
        "postgres://me@localhost/x",
        "postgresql+psycopg://localhost/x",
    ):
        with pytest.raises(ShortestError, match=r"needs the package psycopg; install it: pip install"):
            Gradebook(url)


@pytest.mark.skipif(not POSTGRES, reason="SHORTEST_TEST_POSTGRES holds no URL")
def test_a_postgresql_that_does_not_answer_is_said_without_its_password() -> None:
    with pytest.raises(ShortestError, match=r"can't be used: .*refused") as caught:
        Gradebook("postgresql://me:PASSWORD@127.0.0.1:1/x")
    assert "PASSWORD" not in str(caught.value)


def test_a_mistyped_folder_does_not_become_an_empty_gradebook(tmp_path: Path) -> None:
    with pytest.raises(ShortestError, match=r"there is no gradebook .*nowhere.*shortest grade"):
        Gradebook.existing("", tmp_path / "nowhere")
    assert list(tmp_path.iterdir()) == []
    Gradebook.at(tmp_path / "gradebook.db").close()
    Gradebook.existing("", tmp_path).close()
    Gradebook.existing(f"sqlite:///{tmp_path / 'other.db'}", tmp_path / "nowhere").close()


def test_a_commit_is_on_the_disk_and_references_hold(tmp_path: Path) -> None:
    book = Gradebook.at(tmp_path / "deep" / "gradebook.db")
    with book.engine.connect() as connection:
        pragmas = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in pragmas]
    assert found == ["wal", 2, 1, 60_000]
    book.close()


def test_it_can_be_read_while_it_is_written(tmp_path: Path) -> None:
    book = Gradebook.at(tmp_path / "gradebook.db")
    book.enqueue([job()], VERSIONS)
    judge(book)
    with book._writing() as session:
        session.add(SettingRow(name="x", value="y"))
        session.flush()
        reader = sqlite3.connect(tmp_path / "gradebook.db")
        assert reader.execute("select count(*) from attempts").fetchone() == (1,)
        reader.close()
        assert len(book.attempts()) == 1
    book.close()


def test_a_gradebook_of_a_newer_version_is_left_alone(url: str) -> None:
    book = Gradebook(url)
    with book._writing() as session:
        session.merge(SettingRow(name="schema", value="3"))
    book.close()
    with pytest.raises(ShortestError, match=r"tables of version '3', and this program knows version 2"):
        Gradebook(url)


FIRST = """
CREATE TABLE settings (name VARCHAR NOT NULL, value VARCHAR NOT NULL, PRIMARY KEY (name));
CREATE TABLE attempts (
    id INTEGER NOT NULL, student VARCHAR NOT NULL, lesson VARCHAR NOT NULL, sha256 VARCHAR NOT NULL,
    grader VARCHAR NOT NULL, seconds DOUBLE NOT NULL, notes VARCHAR NOT NULL, judged_at VARCHAR NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX ix_attempts_lesson ON attempts (lesson);
CREATE INDEX ix_attempts_student ON attempts (student);
CREATE TABLE verdicts (
    id INTEGER NOT NULL, attempt_id INTEGER NOT NULL, law VARCHAR NOT NULL, outcome VARCHAR NOT NULL,
    points INTEGER NOT NULL, possible INTEGER NOT NULL, because VARCHAR NOT NULL, finding VARCHAR NOT NULL,
    seconds DOUBLE NOT NULL, PRIMARY KEY (id), FOREIGN KEY(attempt_id) REFERENCES attempts (id)
);
CREATE INDEX ix_verdicts_attempt_id ON verdicts (attempt_id);
INSERT INTO settings VALUES ('secret', '0123456789abcdef');
INSERT INTO attempts VALUES (1, 'ada', 'twice', 'SHA', 'g', 1.5, '["a note"]', '2026-01-02T03:04:05+00:00');
INSERT INTO attempts VALUES (2, 'bob', 'twice', 'x', 'g', 1.5, '[]', '2026-01-02T03:04:06+00:00');
INSERT INTO verdicts VALUES (1, 1, 'first', 'passed', 2, 2, '', '', 0.25);
INSERT INTO verdicts VALUES (2, 1, 'second', 'failed', 0, 3, 'because', '{"message": "m"}', 0.5);
INSERT INTO verdicts VALUES (3, 2, 'first', 'grader error', 0, 2, 'oh', '', 0.25);
"""


def first_version(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(FIRST.replace("SHA", job().sha256))
    connection.close()


def check_first_version(book: Gradebook) -> None:
    assert book.secret() == "0123456789abcdef"
    ada, bob = book.attempts()
    assert (ada.student, ada.notes, ada.received, ada.points, ada.possible) == ("ada", ("a note",), "", 2, 5)
    assert ada.verdicts[1].finding == Finding("m")
    assert book.enqueue([job(), job("bob", data=b"x")], VERSIONS) == 1  # the grader broke on bob's
    assert [one.student for one in judge(book)] == ["bob"]
    assert [one.points for one in book.attempts()] == [2, 0, 2]
    assert book.job(bob) is not None


def test_a_gradebook_of_version_0_1_is_taken_over_and_nothing_of_it_is_lost(tmp_path: Path) -> None:
    first_version(tmp_path / "gradebook.db")
    book = Gradebook.at(tmp_path / "gradebook.db")
    check_first_version(book)
    book.close()
    again = Gradebook.at(tmp_path / "gradebook.db")
    assert len(again.attempts()) == 3
    again.close()
    new = Gradebook.at(tmp_path / "new.db")
    old = Gradebook.at(tmp_path / "gradebook.db")
    for table in (AttemptRow.__table__, JobRow.__table__):
        assert columns(new, table.name) == columns(old, table.name)
    new.close()
    old.close()


def columns(book: Gradebook, table: str) -> tuple[set[str], set[str]]:
    with book.engine.connect() as connection:
        names = {row[1] for row in connection.exec_driver_sql(f"PRAGMA table_info({table})")}
        indexes = {row[1] for row in connection.exec_driver_sql(f"PRAGMA index_list({table})")}
    return names, indexes


def test_taking_over_an_old_gradebook_can_be_interrupted_anywhere(tmp_path: Path) -> None:
    class Interrupted(BaseException):
        pass

    for step in range(1, 100):
        path = tmp_path / f"{step}.db"
        first_version(path)
        statements = []

        def stop(*arguments: Any, step: int = step, statements: list[str] = statements) -> None:
            if not arguments[2].startswith(("PRAGMA", "SELECT")):
                statements.append(arguments[2])
            if len(statements) == step:
                raise Interrupted

        finished = interrupted(path, stop, Interrupted)
        book = Gradebook.at(path)
        check_first_version(book)
        book.close()
        if finished:
            assert step > 10
            return
    pytest.fail("it never came to an end")


def interrupted(path: Path, stop: Callable[..., None], kind: type[BaseException]) -> bool:
    """Open a gradebook with a hook before every statement; say whether that came to an end."""
    from sqlalchemy import Engine

    event.listen(Engine, "before_cursor_execute", stop)
    try:
        Gradebook.at(path).close()
    except kind:
        return False
    finally:
        event.remove(Engine, "before_cursor_execute", stop)
    return True

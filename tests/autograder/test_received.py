"""When a file was handed in: the platform's list, else nbgrader's note, else the file's own time."""

from __future__ import annotations

import os
import sys
from contextlib import closing
from pathlib import Path

import pytest

from autograder import intake
from autograder.gradebook import Gradebook
from autograder.model import Attempt, Outcome, ShortestError, Verdict


def hand_in(folder: Path, student: str = "ada", stamp: bytes | None = None) -> Path:
    path = folder / student / "twice" / "twice.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("", encoding="utf-8")
    os.utime(path, (0, 86400))
    if stamp is not None:
        (path.parent / "timestamp.txt").write_bytes(stamp)
    return path


def received(folder: Path, zone: str = "UTC") -> tuple[dict[str, str], list[str]]:
    found, notes = intake.find(folder, ["twice"], zone)
    return {one.student: one.received for one in found}, notes


def test_the_files_own_time_is_taken_where_nobody_knows_better(tmp_path: Path) -> None:
    hand_in(tmp_path)
    assert received(tmp_path)[0] == {"ada": "1970-01-02T00:00:00+00:00"}


@pytest.mark.parametrize(
    ("stamp", "utc"),
    [
        (b"2015-02-02 15:58:23.948203 America/Los_Angeles", "2015-02-02T23:58:23+00:00"),
        (b"2015-02-02 15:58:23 UTC\n", "2015-02-02T15:58:23+00:00"),
        (b"2015-07-02T15:58:23.9+02:00", "2015-07-02T13:58:23+00:00"),
        (b"2015-07-02 15:58:23 +0200", "2015-07-02T13:58:23+00:00"),
        (b"2015-07-02 15:58Z", "2015-07-02T15:58:00+00:00"),
        (b"2015-07-02 15:58:23", "2015-07-02T15:58:23+00:00"),  # as nbgrader itself takes it
    ],
)
def test_nbgraders_timestamp_is_read(tmp_path: Path, stamp: bytes, utc: str) -> None:
    hand_in(tmp_path, stamp=stamp)
    times, notes = received(tmp_path)
    assert times == {"ada": utc}
    assert notes == []


@pytest.mark.parametrize(
    "stamp",
    [
        b"",
        b"yesterday",
        b"\xff" * 500,
        b"2015-02-30 15:58:23 UTC",
        b"2015-02-02 15:58 Mars/Rim",
        b"2015-02-02 15:58 ../../../etc/passwd",
        b"2015-02-02 15:58 " + b"A" * 150,
        b"2015-02-02 15:58 a\0b",
        b"2015-02-02 15:58 PST",  # which means several zones, and not one of this course
        b"0001-01-01 00:00:00 +05:00",  # before the calendar begins, in UTC
        b"9999-12-31 23:59:59 America/Los_Angeles",
    ],
)
def test_a_timestamp_that_is_none_is_noted(tmp_path: Path, stamp: bytes) -> None:
    hand_in(tmp_path, stamp=stamp)
    times, notes = received(tmp_path)
    assert times == {"ada": "1970-01-02T00:00:00+00:00"}
    assert [note.partition(": ")[2] for note in notes] == [
        "it holds no time; that of twice.py itself is taken"
    ]


def test_letters_for_a_zone_are_understood_where_the_course_has_them(tmp_path: Path) -> None:
    hand_in(tmp_path, stamp=b"2015-02-02 15:58:23 PST")  # as nbgrader writes where its `timezone` is set
    hand_in(tmp_path, "bob", stamp=b"2015-07-02 15:58:23 PDT")
    times, notes = received(tmp_path, "America/Los_Angeles")
    assert times == {"ada": "2015-02-02T23:58:23+00:00", "bob": "2015-07-02T22:58:23+00:00"}
    assert notes == []


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_a_link_in_the_place_of_a_timestamp_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("2015-02-02 15:58:23 UTC", encoding="utf-8")
    place = tmp_path / "submissions"
    hand_in(place).with_name("timestamp.txt").symlink_to(elsewhere)
    assert received(place)[0] == {"ada": "1970-01-02T00:00:00+00:00"}


def test_a_lists_times_are_meant_in_the_courses_zone(tmp_path: Path) -> None:
    hand_in(tmp_path)
    (tmp_path / "received.csv").write_text(
        "Student;Lesson;Received\nada;twice;2026-12-01 23:59\n", encoding="utf-8"
    )
    assert received(tmp_path, "Europe/Berlin")[0] == {"ada": "2026-12-01T22:59:00+00:00"}


def test_what_a_list_names_and_the_folder_does_not_hold_is_noted(tmp_path: Path) -> None:
    hand_in(tmp_path)
    rows = ["ada,twise", "bob,twice", "cy,twice"]
    text = "student,lesson,received\n" + "".join(f"{row},2026-12-01 10:00\n" for row in rows)
    (tmp_path / "received.csv").write_text(text, encoding="utf-8")
    assert received(tmp_path)[1] == [
        "received.csv: no lesson is called 'twise'; there are: twice",
        "received.csv: there is no file of 'bob' for twice and 1 more",
    ]


def test_the_platforms_list_comes_first_and_is_no_submission(tmp_path: Path) -> None:
    hand_in(tmp_path, stamp=b"2015-02-02 15:58:23 UTC")
    hand_in(tmp_path, "bob")
    text = "lesson,received,student\ntwice,2026-12-01T23:59:00+01:00,ada\n"
    (tmp_path / "received.csv").write_text(text, encoding="utf-8-sig")
    times, notes = received(tmp_path)
    assert times == {"ada": "2026-12-01T22:59:00+00:00", "bob": "1970-01-02T00:00:00+00:00"}
    assert notes == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("who,when\n", r"received.csv:1: expected the columns student, lesson, received"),
        (
            "student,lesson,received\nada,twice,2026-12-01 10:00 UTC\nbob,twice,soon\n",
            r":3: 'soon' is no time; write",
        ),
        ("student,lesson,received\nada,twice\n", r":2: '' is no time"),
        ("student,lesson,received\nada,,2026-12-01\n", r":2: expected a student and a lesson, got 'ada', ''"),
        (
            "student,lesson,received\nada,twice,2026-12-01 10:00\nada,twice,2026-12-09 10:00\n",
            r":3: 'ada' and 'twice' are in line 2 already; keep the line of the file that is here",
        ),
        (
            "student,lesson,received\nada,twice,9999-12-31 23:59-05:00\n",
            r":2: '9999.*' is no time of a course",
        ),
        ("", r":1: expected the columns"),
    ],
)
def test_a_wrong_list_is_an_error_for_it_would_make_somebody_late(
    tmp_path: Path, text: str, words: str
) -> None:
    hand_in(tmp_path)
    (tmp_path / "received.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ShortestError, match=words):
        received(tmp_path)


def waiting(folder: Path, book: Gradebook, *, regrade: bool = False) -> list[str]:
    """Hand a folder to a gradebook, have all that waits judged, and return the times of that."""
    book.enqueue(map(intake.load, intake.find(folder, ["twice"])[0]), {"twice": "g"}, regrade=regrade)
    jobs = list(book.pending())
    for job in jobs:
        verdict = Verdict("law", Outcome.PASSED, 1, 1)
        book.record(job, Attempt("ada", "twice", job.sha256, "g", (verdict,), 0.0, received=job.received))
    book.finish()
    return [job.received for job in jobs]


def test_a_folder_that_was_copied_makes_nobody_late(tmp_path: Path) -> None:
    path = hand_in(tmp_path / "in")
    with closing(Gradebook.at(tmp_path / "book.db")) as book:
        assert waiting(tmp_path / "in", book) == ["1970-01-02T00:00:00+00:00"]
        os.utime(path, (0, 9e8))
        assert waiting(tmp_path / "in", book) == []
        assert waiting(tmp_path / "in", book, regrade=True) == ["1970-01-02T00:00:00+00:00"]
        path.write_text("# another file", encoding="utf-8")
        os.utime(path, (0, 9e8))
        assert waiting(tmp_path / "in", book) == ["1998-07-09T16:00:00+00:00"]


def test_a_list_that_comes_later_is_believed_and_stays(tmp_path: Path) -> None:
    path = hand_in(tmp_path / "in")
    times = tmp_path / "in" / "received.csv"
    with closing(Gradebook.at(tmp_path / "book.db")) as book:
        waiting(tmp_path / "in", book)
        times.write_text("student,lesson,received\nada,twice,2026-12-01 10:00\n", encoding="utf-8")
        assert waiting(tmp_path / "in", book) == ["2026-12-01T10:00:00+00:00"]
        assert waiting(tmp_path / "in", book) == []
        times.unlink()
        os.utime(path, (0, 0))
        assert waiting(tmp_path / "in", book) == []
        assert waiting(tmp_path / "in", book, regrade=True) == ["2026-12-01T10:00:00+00:00"]

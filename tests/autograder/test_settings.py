"""`course.toml`: read as it is written, with every mistake named by its line."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autograder import course_file, course_start, settings
from autograder.course import Course
from autograder.model import ShortestError
from autograder.settings import Late, Settings

WHOLE = """\
title = "Information theory"
timezone = "Europe/Berlin"
counts = "best"
roster = "people.csv"
database = "sqlite:///here.db"

[late]
grace_minutes = 15
percent_per_day = 10
most_percent = 50
closes_after_days = 7

[lessons.twice]
weight = 2
deadline = 2026-12-01T12:00:00
limits = { total_seconds = 7, forbids = ["numpy.linalg"] }

[lessons.thrice]
deadline = 2026-07-01

[extensions.ada]
twice = 2026-12-08T12:00:00+00:00
"""
PEOPLE = "student,name\nada,Ada\nbob,Bob\n"


@pytest.fixture
def load(tmp_path: Path, small: Course) -> Callable[[str], Settings]:
    """Give a function that reads a course.toml of this text, with a roster beside it."""

    def run(text: str) -> Settings:
        (tmp_path / "people.csv").write_text(PEOPLE, encoding="utf-8")
        path = tmp_path / "course.toml"
        path.write_text(text, encoding="utf-8")
        return course_file.load(path, small)

    return run


def test_everything_that_can_be_decided_is_read(
    load: Callable[[str], Settings], small: Course, tmp_path: Path
) -> None:
    decided = load(WHOLE)
    assert (decided.title, decided.counts) == ("Information theory", "best")
    assert decided.timezone == "Europe/Berlin"
    assert decided.database == f"sqlite:///{tmp_path / 'here.db'}"  # beside the file, wherever one types
    assert decided.late == Late(15, 10, 50, 7)
    assert decided.lessons == ("twice", "thrice")
    assert (decided.weight("twice"), decided.weight("thrice")) == (2, 1)
    assert decided.roster is not None
    assert list(decided.roster) == ["ada", "bob"]
    assert decided.limits["twice"].total_seconds == 7
    assert decided.limits["twice"].forbids == ("numpy.linalg",)
    assert decided.limits["twice"].memory_mb == small.lesson("twice").limits.memory_mb
    assert list(decided.limits) == ["twice"]


def test_dates_are_meant_in_the_courses_zone_and_a_day_ends_at_its_end(
    load: Callable[[str], Settings],
) -> None:
    decided = load(WHOLE)
    assert decided.deadline("bob", "twice") == datetime(2026, 12, 1, 11, tzinfo=UTC)  # winter time
    assert decided.deadline("bob", "thrice") == datetime(2026, 7, 1, 21, 59, 59, tzinfo=UTC)  # summer time
    assert decided.deadline("ada", "twice") == datetime(2026, 12, 8, 12, tzinfo=UTC)
    assert decided.deadline("ada", "thrice") == decided.deadline("bob", "thrice")


def test_where_lessons_are_named_only_those_count(load: Callable[[str], Settings]) -> None:
    assert load("[lessons.thrice]\n").lessons == ("thrice",)
    assert load("").lessons == ("twice", "thrice")


def test_without_a_file_everything_has_its_default(small: Course, load: Callable[[str], Settings]) -> None:
    decided = settings.find(small)
    assert decided == settings.default(small)
    assert decided.deadline("ada", "twice") is None
    assert load("").late == Late()


def test_the_file_that_init_writes_decides_nothing(
    tmp_path: Path, small: Course, load: Callable[[str], Settings]
) -> None:
    from dataclasses import replace

    written = replace(load(course_start.text(small)), path=None)
    assert written == replace(settings.default(small), weights={"twice": 1.0, "thrice": 1.0})
    path = course_start.start(small, tmp_path / "new" / "course.toml")
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(ShortestError, match="already there and is yours"):
        course_start.start(small, path)
    assert path.read_text(encoding="utf-8") == "mine"


def test_every_setting_that_init_explains_can_be_switched_on(
    small: Course, load: Callable[[str], Settings]
) -> None:
    text = course_start.text(small).replace('"roster.csv"', '"people.csv"')
    decided = load(re.sub(r"(?m)^# (?=\w+ = |\[)", "", text))
    assert decided.roster is not None
    assert decided.late.closes_after_days == 7
    assert set(decided.limits) == {"twice", "thrice"}
    assert ("ada", "twice") in decided.extensions


MISTAKES = {
    "an unknown key": ("conts = 'last'\n", 1, "conts: unknown; did you mean 'counts'?"),
    "an unknown key of a table": ("\n[late]\ngrace = 5\n", 3, "late.grace: unknown; there are: grace_minutes"),
    "an unknown lesson": ("[lessons.twice]\n[lessons.half]\n", 2, "half: no lesson is called so; there are: twice"),
    "an unknown key of a lesson": ("[lessons.twice]\nwait = 1\n", 2, "lessons.twice.wait: unknown"),
    "text without quotes": ("title = 7\n", 1, "title: expected text in quotes, got 7"),
    "a number in quotes": ("[late]\n\ngrace_minutes = '5'\n", 3, "expected a number from 0 to 525600, got '5'"),
    "a negative weight": ("[lessons.twice]\nweight = -1\n", 2, "weight: expected a number from 0 to 1000000, got -1"),
    "an endless grace": ("[late]\ngrace_minutes = inf\n", 2, "expected a number"),
    "a grace that leaves the calendar": ("[late]\ngrace_minutes = 1e12\n", 2, "expected a number from 0 to"),
    "a closing that leaves the calendar": ("[late]\ncloses_after_days = 1e12\n", 2, "expected a number from 0 to"),
    "a weight that is no number": ("[lessons.twice]\nweight = nan\n", 2, "expected a number"),
    "yes for a weight": ("[lessons.twice]\nweight = true\n", 2, "expected a number from 0 to 1000000, got True"),
    "too many percent": ("[late]\nmost_percent = 101\n", 2, "most_percent: expected a number from 0 to 100, got 101"),
    "neither last nor best": ("counts = 'first'\n", 1, "expected 'last' or 'best', got 'first'"),
    "an unknown zone": ("timezone = 'Europe/Atlantis'\n", 1, "no time zone is called 'Europe/Atlantis'"),
    "a zone that is a path": ("timezone = '../../etc/passwd'\n", 1, "no time zone is called"),
    "an impossible date": (
        "[lessons.twice]\ndeadline = 2026-02-30\n", 2,
        "'deadline = 2026-02-30' is no TOML: Invalid date or datetime; write a date that exists",
    ),
    "a date at the calendar's beginning": (
        "[lessons.twice]\ndeadline = 0001-01-01T00:00:00+05:00\n", 2, "is far from any course; write the year",
    ),
    "a date at the calendar's end": (
        "[lessons.twice]\ndeadline = 9999-12-31\n", 2, "lessons.twice.deadline: 9999-12-31 is far from any course",
    ),
    "a time without a date": ("[lessons.twice]\ndeadline = 23:59:00\n", 2, "expected a date, such as"),
    "a date in quotes": ("[lessons.twice]\ndeadline = '2026-02-03'\n", 2, "expected a date, such as"),
    "an unfinished line": ("title =\n", 1, "'title =' is no TOML: Invalid value; write KEY = VALUE"),
    "an unfinished list": ("title = 'x'\n\n[lessons.twice]\nlimits = {\n", 4, "'limits = {' is no TOML"),
    "a key twice": ("title = 'a'\ntitle = 'b'\n", 2, "Cannot overwrite"),
    "a lesson that is no table": ("lessons.twice = 3\n", 1, "expected a table, [lessons.twice], got 3"),
    "a limit that is no number": ("[lessons.twice.limits]\nlaw_seconds = nan\n", 2, "expected a number above 0"),
    "an unknown limit": ("[lessons.twice.limits]\nseconds = 3\n", 2, "seconds: unknown; did you mean 'law_seconds' or"),
    "a limit of nothing": ("[lessons.twice.limits]\nmemory_mb = 0\n", 2, "memory_mb: expected a number above 0"),
    "longer without a deadline": ("[extensions.ada]\ntwice = 2026-12-08\n", 2, "has no deadline to extend"),
    "shorter": (
        "[lessons.twice]\ndeadline = 2026-12-01\n[extensions.ada]\ntwice = 2026-11-08\n", 4,
        "is before the deadline itself",
    ),
    "longer for a lesson that doesn't count": (
        "[lessons.twice]\ndeadline = 2026-12-01\n[extensions.ada]\nthrice = 2026-12-08\n", 4,
        "no lesson that counts is called so; there are: twice",
    ),
    "longer for a stranger": (
        "roster = 'people.csv'\n[lessons.twice]\ndeadline = 2026-12-01\n[extensions.eve]\ntwice = 2026-12-08\n", 4,
        "extensions.eve: nobody on the roster is called so; add the row, or take out the extension",
    ),
    "longer for a name with a slip": (
        "roster = 'people.csv'\n[lessons.twice]\ndeadline = 2026-12-01\n[extensions]\nbop.twice = 2026-12-08\n", 5,
        "extensions.bop: nobody on the roster is called so; did you mean 'bob'?",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "line", "words"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named_with_its_line(  # tomllib gives no lines of keys: these are found in the text
    load: Callable[[str], Settings], text: str, line: int, words: str
) -> None:
    with pytest.raises(ShortestError) as caught:
        load(text)
    assert f"course.toml:{line}: " in str(caught.value)
    assert words in str(caught.value)


def test_a_missing_file_and_a_missing_roster_are_said(
    tmp_path: Path, small: Course, load: Callable[[str], Settings]
) -> None:
    with pytest.raises(ShortestError, match="`shortest course init` writes one"):
        settings.find(small, tmp_path / "none.toml")
    with pytest.raises(ShortestError, match="there is no roster"):
        load("roster = 'none.csv'\n")
    with pytest.raises(ShortestError, match="it can't be read: Is a directory" if os.name == "posix" else ""):
        settings.find(small, tmp_path)


def test_a_file_of_another_encoding_is_named_with_its_line(tmp_path: Path, small: Course) -> None:
    path = tmp_path / "course.toml"
    path.write_bytes("counts = 'last'\r\ntitle = 'Théorie'\r\n".encode("latin-1"))
    with pytest.raises(ShortestError, match=r"course.toml:2: it is not UTF-8; save it as UTF-8"):
        settings.find(small, path)
    path.write_bytes("counts = 'best'\r\ntitle = 'Théorie'\r\n".encode("utf-8-sig"))
    assert settings.find(small, path).title == "Théorie"


@pytest.mark.parametrize(
    ("late", "words"),
    [
        (Late(), "nothing is lost for lateness"),
        (Late(percent_per_day=10, most_percent=50), "10% less for each day begun, at most 50%"),
        (Late(5), "5 minutes' grace, then nothing is lost for lateness"),
        (
            Late(1, closes_after_days=1),
            "1 minute's grace, then nothing is lost for lateness; nothing counts after 1 day",
        ),
        (Late(closes_after_days=2), "nothing is lost for lateness; nothing counts after 2 days"),
    ],
)
def test_the_late_rule_is_said_in_words(late: Late, words: str) -> None:
    assert late.words == words

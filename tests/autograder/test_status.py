"""`shortest course status` says what was decided and where the class stands."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console

from autograder import settings, status
from autograder.course import Course
from autograder.model import Attempt, Outcome, Score, Verdict
from autograder.roster import Person, Roster
from autograder.settings import Late, Settings

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


def shown(course: Course, decided: Settings, counted: status.Counted, **waiting: int) -> str:
    console = Console(width=120, file=None, record=True, force_terminal=False)
    with console.capture() as captured:
        console.print(status.render(course, decided, counted, waiting, NOW))
    return captured.get()


def score(
    student: str, points: float, lesson: str = "twice", received: str = "x", days: int = 0
) -> tuple[tuple[str, str], Score]:
    verdict = Verdict("law", Outcome.PASSED, 10, 10)
    made = Attempt(student, lesson, "sha", "grader", (verdict,), 1.0, received=received)
    return (student, lesson), Score(made, points, points, 10, days_late=days)


def test_without_a_file_it_says_how_to_write_one(small: Course) -> None:
    text = shown(small, settings.default(small), {})
    assert "none; `shortest course init` writes one" in text
    assert "nothing is lost for lateness" in text


def test_rules_lessons_and_people_are_shown(small: Course) -> None:
    people = {name: Person(name) for name in ("ada", "bob", "[b]cy")}
    decided = replace(
        settings.default(small),
        title="Information [theory]",
        late=Late(15, 10, 50, 7),
        timezone="Europe/Berlin",
        weights={"twice": 2.5},
        deadlines={"twice": NOW + timedelta(days=3), "thrice": NOW - timedelta(days=1)},
        extensions={("ada", "twice"): NOW + timedelta(days=9)},
        roster=Roster(people),
        path=Path("course.toml"),
    )
    text = shown(
        small, decided, dict([score("ada", 4), score("ada2", 6), score("eve\x1b", 10, days=2)]), twice=5
    )
    assert "Information [theory]" in text
    assert (
        "15 minutes' grace, then 10% less for each day begun, at most 50%; nothing counts after 7 days"
        in text
    )
    (twice,) = [line.split() for line in text.splitlines() if line.split()[:1] == ["twice"]]
    assert twice == ["twice", "2.5", "2026-12-04", "13:00", "3", "days", "3", "1", "5", "6", "of", "10"]
    (thrice,) = [line.split() for line in text.splitlines() if line.split()[:2] == ["thrice", "1"]]
    assert thrice[-5:] == ["over", "0", "0", "0", "-"]
    assert "2026-12-10 13:00" in text
    assert "Nothing judged yet of: bob, [b]cy" in text
    assert "not on the roster: ada2, eve" in text
    assert "\x1b" not in text
    assert "thrice is over, and nothing judged of: ada\n" in text  # of bob and cy that is said already
    assert "Some submissions wait to be judged" in text


def test_whoever_has_longer_is_not_missing_yet(small: Course) -> None:
    decided = replace(
        settings.default(small),
        deadlines={"thrice": NOW - timedelta(days=1)},
        extensions={("ada", "thrice"): NOW + timedelta(days=1)},
        roster=Roster({"ada": Person("ada"), "bob": Person("bob")}),
    )
    text = shown(small, decided, dict([score("ada", 4), score("bob", 4)]))
    assert "thrice is over, and nothing judged of: bob\n" in text


def test_work_of_unknown_time_is_named_where_it_matters(small: Course) -> None:
    decided = replace(settings.default(small), deadlines={"twice": NOW})
    counted = dict([score("ada", 4, received=""), score("bob", 4), score("cy", 4, "thrice", "")])
    text = shown(small, decided, counted)
    assert "In time because nobody knows when it was handed in: ada twice\n" in text


def test_a_long_list_of_names_is_cut(small: Course) -> None:
    roster = Roster({f"s{n:02}": Person(f"s{n:02}") for n in range(30)})
    text = shown(small, replace(settings.default(small), roster=roster), dict([score("t", 1)]))
    assert "s11 and 18 more" in text
    assert "s12" not in text


def test_a_file_is_written_read_and_explained(
    shortest: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    made = shortest("course", "init", "[mine].toml")
    assert made.returncode == 0
    assert "shortest course status --settings [mine].toml" in made.stdout
    again = shortest("course", "init", "[mine].toml")
    assert (again.returncode, again.stdout) == (1, "")
    assert "already there and is yours" in again.stderr
    shown = shortest("course", "status", "--settings", "[mine].toml", "--out", "no[where]")
    assert shown.returncode == 0
    assert "decided in  [mine].toml" in shown.stdout
    assert "Nothing was graded yet into no[where]" in shown.stdout
    (tmp_path / "[mine].toml").write_text("[late]\ngrace = 3\n", encoding="utf-8")
    wrong = shortest("course", "status", "--settings", "[mine].toml")
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("shortest: [mine].toml:2: late.grace: unknown; there are: grace_minutes")

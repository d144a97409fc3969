"""Which attempt counts, what a person changed, and what lateness costs."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.model import Attempt, Outcome, Override, Score, Verdict
from autograder.scores import scores, total, undated
from autograder.settings import Late, Settings

DUE = datetime(2026, 12, 1, 12, tzinfo=UTC)
LAWS = ("one", "two", "three")
SETTINGS = Settings(
    ("twice", "thrice"),
    deadlines={"twice": DUE},
    late=Late(grace_minutes=15, percent_per_day=10, most_percent=50, closes_after_days=7),
)


def attempt(points: int, sha: str = "a", hours: float | None = None, lesson: str = "twice") -> Attempt:
    """Return an attempt at three laws of 10 points, received so many hours after the deadline."""
    verdicts = tuple(
        Verdict(law, Outcome.PASSED, min(10, max(0, points - 10 * i)), 10) for i, law in enumerate(LAWS)
    )
    received = "" if hours is None else (DUE + timedelta(hours=hours)).isoformat()
    return Attempt("ada", lesson, sha, "grader", verdicts, 1.0, received=received)


def change(points: float, law: str = "", student: str = "ada", why: str = "fair") -> Override:
    return Override(student, "twice", law, points, "kim", why)


def score(*attempts: Attempt, changes: list[Override] | None = None, settings: Settings = SETTINGS) -> Score:
    return scores(attempts, changes or [], settings)["ada", "twice"]


@pytest.mark.parametrize(
    ("hours", "days", "points"),
    [(-1, 0, 30), (0, 0, 30), (0.25, 0, 30), (0.26, 1, 27), (24, 1, 27), (24.1, 2, 24), (100, 5, 15), (160, 7, 15),
     (168, 7, 15), (168.1, 8, 0), (1e4, 417, 0), (None, 0, 30)],
)  # fmt: skip
def test_lateness_costs_by_the_day_begun(hours: float | None, days: int, points: float) -> None:
    got = score(attempt(30, hours=hours))
    assert (got.days_late, got.points, got.earned) == (days, pytest.approx(points), 30)


def test_of_one_file_the_latest_judgement_counts() -> None:
    assert score(attempt(10), attempt(20)).points == 20
    assert score(attempt(20), attempt(10)).points == 10
    best = replace(SETTINGS, counts="best")
    assert score(attempt(20), attempt(10), settings=best).points == 10  # a regrade, and not another try


def test_of_several_files_the_last_or_the_best_counts() -> None:
    files = attempt(30, "a", -5), attempt(10, "b", -2)
    assert (score(*files).points, score(*files).attempts) == (10, 2)
    assert score(*files, settings=replace(SETTINGS, counts="best")).points == 30
    late = attempt(30, "a", 24), attempt(28, "b", -2)  # 27 and 28 points
    assert score(*late, settings=replace(SETTINGS, counts="best")).points == 28


def test_of_files_that_are_equally_good_the_last_counts() -> None:
    best = replace(SETTINGS, counts="best")
    assert score(attempt(20, "a", -5), attempt(20, "b", -3), settings=best).attempt.sha256 == "b"


def test_the_last_is_the_last_received_and_else_the_last_judged() -> None:
    assert score(attempt(10, "a", -1), attempt(20, "b", -3)).points == 10
    assert score(attempt(10, "a"), attempt(20, "b", -3)).points == 20


def test_a_file_handed_in_again_is_meant() -> None:
    first, second, again = attempt(10, "a", -9), attempt(20, "b", -5), attempt(10, "a", -1)
    assert score(first, second, again).points == 10


def test_a_file_too_late_to_count_replaces_none() -> None:
    for after_closing in (200, 1e4):
        assert score(attempt(20, "a", -1), attempt(30, "b", after_closing)).points == 20
    assert (
        score(attempt(20, "a", 200), attempt(30, "b", 300)).attempt.sha256 == "b"
    )  # else the last, for nothing
    all_lost = replace(SETTINGS, late=Late(percent_per_day=100))
    assert score(attempt(20, "a", -1), attempt(30, "b", 1), settings=all_lost).points == 20


def test_a_time_without_a_zone_is_in_utc() -> None:
    got = score(replace(attempt(30), received="2026-12-01T12:16:00"))
    assert (got.days_late, got.points) == (1, pytest.approx(27))


def test_who_is_in_time_because_nobody_knows_better_can_be_named() -> None:
    bob = replace(attempt(30, hours=1), student="bob")
    counted = scores([attempt(30), attempt(30, lesson="thrice"), bob], [], SETTINGS)
    assert counted["ada", "twice"].points == 30
    assert undated(counted, SETTINGS) == [("ada", "twice")]  # thrice has no deadline


def test_a_laws_change_is_late_like_the_rest_and_a_lessons_is_final() -> None:
    late = attempt(20, hours=24)
    assert score(late, changes=[change(10, "three")]).points == pytest.approx(27)
    got = score(late, changes=[change(25)])
    assert (got.points, got.earned, got.penalty, got.days_late) == (25, 25, 0, 1)
    assert score(late, changes=[change(10, "three"), change(25)]).points == 25


def test_the_last_change_counts_and_others_are_nobodys() -> None:
    changes = [change(1), change(2), change(99, student="bob"), change(3, "no such law")]
    got = score(attempt(30), changes=changes)
    assert got.points == 2
    assert [c.points for c in got.overrides] == [2, 3]


def test_an_override_survives_every_regrade() -> None:
    for regraded in (attempt(0), attempt(30)):
        assert score(attempt(10), regraded, changes=[change(25)]).points == 25


def test_an_extension_is_for_one_student_alone() -> None:
    longer = replace(SETTINGS, extensions={("ada", "twice"): DUE + timedelta(days=3)})
    bob = replace(attempt(30, hours=48), student="bob")
    got = scores([attempt(30, hours=48), bob], [], longer)
    assert (got["ada", "twice"].points, got["bob", "twice"].points) == (30, pytest.approx(24))


def test_lessons_that_do_not_count_have_no_score() -> None:
    assert list(scores([attempt(30, lesson="old"), attempt(30)], [], SETTINGS)) == [("ada", "twice")]


def test_the_total_is_weighted_and_what_is_missing_counts_as_nothing() -> None:
    weighted = replace(SETTINGS, weights={"twice": 3.0})
    counted = scores([attempt(15)], [], weighted)
    assert total(counted.values(), weighted) == pytest.approx(100 * 3 / 4 / 2)
    everything = scores([attempt(30), attempt(30, lesson="thrice")], [change(500)], weighted)
    assert total({lesson: s for (_, lesson), s in everything.items()}, weighted) == 100
    assert total([], weighted) == 0
    assert total(scores([attempt(15)], [change(-5)], weighted).values(), weighted) == 0
    assert total(counted.values(), replace(SETTINGS, weights={"twice": 0.0, "thrice": 0.0})) == 0


hours = st.floats(-500, 500)
files = st.lists(
    st.builds(attempt, st.integers(0, 30), st.sampled_from("abcd"), st.one_of(st.none(), hours)),
    min_size=1,
    max_size=6,
)
lates = st.builds(
    Late, st.floats(0, 300), st.floats(0, 100), st.floats(0, 100), st.one_of(st.none(), st.floats(0, 20))
)


@given(points=st.integers(0, 30), first=hours, more=st.floats(0, 500), late=lates)
def test_later_is_never_better(points: int, first: float, more: float, late: Late) -> None:
    settings = replace(SETTINGS, late=late)
    soon, then = (score(attempt(points, hours=h), settings=settings) for h in (first, first + more))
    assert 0 <= then.points <= soon.points <= points
    assert 0 <= soon.penalty <= then.penalty <= 1


@given(given_files=files, seed=st.integers())
def test_the_best_does_not_depend_on_the_order_of_different_files(
    given_files: list[Attempt], seed: int
) -> None:
    different = list({one.sha256: one for one in given_files}.values())
    shuffled = random.Random(seed).sample(different, len(different))
    best = replace(SETTINGS, counts="best")
    assert score(*different, settings=best).points == score(*shuffled, settings=best).points
    assert score(*different, settings=best).points >= score(*different).points


@given(
    handed_in=st.lists(
        st.tuples(st.integers(0, 30), st.integers(-100, 300)),
        min_size=1,
        max_size=6,
        unique_by=lambda one: one[1],
    ),
    counts=st.sampled_from(["last", "best"]),
    seed=st.integers(),
)
def test_what_counts_does_not_depend_on_the_order_of_judging(
    handed_in: list[tuple[int, int]], counts: str, seed: int
) -> None:
    settings = replace(SETTINGS, counts=counts)
    files = [attempt(points, str(number), when) for number, (points, when) in enumerate(handed_in)]
    shuffled = random.Random(seed).sample(files, len(files))
    assert score(*files, settings=settings) == score(*shuffled, settings=settings)


@given(before=files, regraded=files, points=st.floats(0, 30), law=st.sampled_from(["", *LAWS]))
def test_an_override_beats_every_regrade(
    before: list[Attempt], regraded: list[Attempt], points: float, law: str
) -> None:
    for settings in (SETTINGS, replace(SETTINGS, counts="best")):
        got = score(*before, *regraded, changes=[change(points, law)], settings=settings)
        rest = 0 if not law else sum(v.points for v in got.attempt.verdicts if v.law != law)
        assert got.earned == pytest.approx(points + rest)


@given(
    made=files,
    given_by_hand=st.lists(st.builds(change, st.floats(-10, 100), st.sampled_from(["", *LAWS])), max_size=3),
    late=lates,
    weights=st.fixed_dictionaries({"twice": st.floats(0, 1e6), "thrice": st.floats(0, 1e6)}),
)
def test_a_total_is_percent(
    made: list[Attempt], given_by_hand: list[Override], late: Late, weights: dict[str, float]
) -> None:
    settings = replace(SETTINGS, late=late, weights=weights)
    counted = scores([*made, attempt(30, lesson="thrice")], given_by_hand, settings)
    assert 0 <= total(counted.values(), settings) <= 100 + 1e-9


@given(points=st.integers(0, 30), when=hours, longer=st.floats(0, 500))
def test_an_extension_never_hurts(points: int, when: float, longer: float) -> None:
    extended = replace(SETTINGS, extensions={("ada", "twice"): DUE + timedelta(hours=longer)})
    handed_in = attempt(points, hours=when)
    assert score(handed_in, settings=extended).points >= score(handed_in).points


def test_scores_stand_by_lesson_and_student() -> None:
    made: list[Callable[[], Attempt]] = [
        lambda: attempt(1, lesson="thrice"),
        lambda: replace(attempt(1), student="bob"),
    ]
    counted = scores([*(make() for make in made), attempt(1)], [], SETTINGS)
    assert list(counted) == [("ada", "twice"), ("bob", "twice"), ("ada", "thrice")]

"""A verdict can be looked at again, with the whole input, and comes out the same; a person's change stays on record."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from autograder import cli, grade, override, replay, settings
from autograder.course import Course
from autograder.grade import Grader
from autograder.gradebook import Gradebook
from autograder.model import Attempt, Job, Outcome, Override, ShortestError
from autograder.sandbox import Sandbox

WRONG = {"double": "return number + number if number < 500 else 0", "halve": "return number // 2"}
Graded = Callable[..., Attempt]
Replay = Callable[..., tuple[replay.Replay, str]]


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Gradebook]:
    opened = Gradebook.at(tmp_path / "out" / "gradebook.db")
    yield opened
    opened.close()


@pytest.fixture
def graded(book: Gradebook, small: Course, isolated: Sandbox) -> Graded:
    """Give a function that records a student's file and its attempt."""

    def graded(text: str, student: str = "ada", lesson: str = "twice", **changes: Any) -> Attempt:
        version = {lesson: grade.grader_version(small, lesson)}
        book.enqueue(
            [Job(student, lesson, f"{lesson}.py", text.encode(), "2026-01-02T03:04:05+00:00")], version
        )
        [job] = book.pending()
        attempt = replace(Grader(small.root, book.secret(), isolated).grade(job), **changes)
        book.record(job, attempt)
        return attempt

    return graded


@pytest.fixture
def again(book: Gradebook, small: Course, isolated: Sandbox) -> Replay:
    """Give a function that replays, and returns what came out and what an instructor sees."""

    def again(student: str = "ada", lesson: str = "twice", law: str = "") -> tuple[replay.Replay, str]:
        found = replay.replay(small, settings.find(small, None), book, isolated, student, lesson, law)
        return found, "\n".join(line.plain for line in replay.render(found))

    return again


# ---- the same again ----


@pytest.mark.parametrize(
    "edits", [{}, WRONG, {"double": "while True: pass"}, {"halve": "import os; os._exit(3)"}]
)
def test_the_same_submission_gets_the_same_verdicts(
    small: Course, isolated: Sandbox, solution: Callable[..., str], edits: dict[str, str]
) -> None:
    job = Job("ada", "twice", "twice.py", solution(**edits).encode())
    first, second = (Grader(small.root, "a secret", isolated).grade(job) for _ in range(2))
    assert [replace(v, seconds=0.0) for v in first.verdicts] == [
        replace(v, seconds=0.0) for v in second.verdicts
    ]


def test_the_laws_that_broke_are_judged_again_and_shown_in_full(
    graded: Graded, again: Replay, solution: Callable[..., str]
) -> None:
    attempt = graded(solution(**WRONG))
    found, text = again()
    assert [one.law.name for one in found.laws] == [v.law for v in attempt.verdicts if v.points == 0]
    assert found.same
    assert not found.changed
    assert "grader  the same as judged it" in text
    assert f"twice.py, SHA-256 {attempt.sha256}, handed in 2026-01-02T03:04:05+00:00" in text
    assert "number =     500" in text
    assert "call         double(500)" in text
    assert "expected     1000" in text
    assert "got          0" in text
    assert text.count("failed, as on record") == len(found.laws)
    hidden = text[text.index("odd_is_refused") :]
    assert "hidden law of halve, 0 of 2 points, seed " in hidden
    assert "halve(7)" in hidden


def test_a_law_can_be_named_even_one_that_held(
    graded: Graded, again: Replay, solution: Callable[..., str]
) -> None:
    graded(solution())
    found, text = again()
    assert found.laws == ()
    assert found.same
    assert "Every law held. Name one to see it judged again." in text
    for name in ("round_trip", "twice.round_trip"):
        found, text = again(law=name)
        assert [(one.law.name, one.now.outcome, one.same) for one in found.laws] == [
            ("round_trip", Outcome.PASSED, True)
        ]
        assert "passed, as on record" in text


def test_a_long_input_is_shown_whole_where_feedback_cuts_it(
    graded: Graded,
    again: Replay,
    small: Course,
    solution: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("autograder.judge.LIMIT", 2)
    monkeypatch.setattr("autograder.judge.LONGEST", type(replay.judge.LONGEST)("LONGEST", default=2))
    attempt = graded(solution(**WRONG))
    [broken, *_] = [v for v in attempt.verdicts if v.finding and v.finding.example]
    assert broken.finding is not None
    assert broken.finding.example == {"number": "50 … (1 more characters)"}
    found, text = again()
    assert "number =     500\n" in text
    assert found.same


def test_a_verdict_that_is_another_one_now_is_said(
    graded: Graded, again: Replay, solution: Callable[..., str]
) -> None:
    attempt = graded(solution(**WRONG), grader="an older one")
    lucky = tuple(replace(v, outcome=Outcome.TIMED_OUT, because="took too long") for v in attempt.verdicts)
    graded(solution(**WRONG) + "# again", verdicts=lucky)
    found, text = again(law="double_of_nothing")
    assert not found.same
    assert "passed now, but on record: timed out (took too long)" in text
    graded(solution(**WRONG) + "# and again", verdicts=lucky[:1], grader="an older one")
    found, text = again(law="double_of_nothing")
    assert found.changed
    assert "grader  changed since" in text
    assert "there is no verdict on record, for the law is newer" in text


def test_what_was_not_run_is_one_line_for_each_reason(graded: Graded, again: Replay) -> None:
    graded("def double(number)\n    return 2", lesson="twice")
    found, text = again()
    assert found.same
    assert text.count("not run, as on record") + text.count("failed, as on record") <= 6
    graded("\0")
    _, text = again()
    assert (
        text.count("the file was refused: twice.py: it holds a NUL") == 2
    )  # a note, and the reason of all laws
    assert text.count("not run, as on record") == 1


def test_nothing_of_a_student_reaches_the_terminal_raw(
    graded: Graded, again: Replay, solution: Callable[..., str]
) -> None:
    graded(solution(double="raise ValueError('\\x1b[31m [red]x[/red] \\u202e')"), student="\u202eeve")
    found, text = again("\u202eeve")
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\\x1b[31m [red]x[/red] \\u202e" in text
    assert not [one for one in found.laws if not one.same]


def test_the_attempt_that_counts_is_replayed_under_the_stored_secret(
    graded: Graded, again: Replay, book: Gradebook, solution: Callable[..., str]
) -> None:
    graded(solution())
    last = graded(solution(**WRONG))
    found, _ = again()
    assert found.attempt == last
    assert found.job.data == solution(**WRONG).encode()
    assert len(book.attempts()) == 2
    [seed] = [one.seed for one in found.laws if one.law.name == "adds_to_itself"]
    law = next(one.law for one in found.laws if one.law.name == "adds_to_itself")
    assert seed == replay.lawbook.seed_of(law, book.secret())


def test_who_or_what_is_unknown_is_said_with_what_there_is(
    graded: Graded, again: Replay, solution: Callable[..., str]
) -> None:
    with pytest.raises(
        ShortestError, match=r"no student with a judged attempt is called 'ada'; there are: $"
    ):
        again("ada")
    graded(solution())
    with pytest.raises(ShortestError, match=r"is called 'adda'; did you mean ada\?"):
        again("adda")
    with pytest.raises(ShortestError, match=r"is called 'zz'; there are: ada$"):
        again("zz")
    with pytest.raises(ShortestError, match=r"'ada' has no judged attempt at 'thrice'; there are: twice"):
        again("ada", "thrice")
    with pytest.raises(ShortestError, match=r"no law is called 'rond_trip'; did you mean round_trip\?"):
        again("ada", "twice", "rond_trip")
    with pytest.raises(ShortestError, match=r"no law is called 'zz'; there are: adds_to_itself, double_of"):
        again("ada", "twice", "zz")


def test_a_file_that_was_never_kept_is_said(graded: Graded, again: Replay, book: Gradebook) -> None:
    graded("x = 1")
    with book.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE jobs SET name = ''")  # as taken over from version 0.1
    with pytest.raises(
        ShortestError, match=r"the file of 'ada' for twice is not in the gradebook.*--regrade"
    ):
        again()


# ---- what people change ----


def change(points: float, law: str = "", why: str = "late bus", student: str = "ada") -> Override:
    return Override(student, "twice", law, points, "kim", why)


def test_an_override_counts_and_can_be_taken_back(
    graded: Graded, book: Gradebook, small: Course, solution: Callable[..., str]
) -> None:
    graded(solution(**WRONG))
    decided = settings.find(small, None)

    def given(one: Override) -> tuple[float, float]:
        before, after = override.override(small, decided, book, one)
        return before.points, after.points

    assert given(change(2, "twice.odd_is_refused")) == (2, 4)
    assert [one.law for one in book.overrides()] == ["odd_is_refused"]
    assert given(change(float("nan"), "odd_is_refused")) == (4, 2)
    assert given(change(9.5)) == (2, 9.5)
    with pytest.raises(ShortestError, match=r"no points were given by hand to 'ada' for twice round_trip;"):
        given(change(float("nan"), "round_trip"))


def test_an_override_that_makes_no_sense_is_refused_and_not_recorded(
    graded: Graded, book: Gradebook, small: Course, solution: Callable[..., str]
) -> None:
    graded(solution())
    wrong = {
        r"11 points can't be given: twice as a whole is worth 0 to 10 points": change(11),
        r"-1 points can't be given: twice as a whole": change(-1),
        r"inf points can't be given": change(float("inf")),
        r"3 points can't be given: the law 'odd_is_refused' is worth 0 to 2": change(3, "odd_is_refused"),
        r"say why: --why TEXT": change(3, why=" "),
        r"did you mean odd_is_refused": change(1, "odd_is_refusd"),
        r"is called 'bob'; there are: ada": change(1, student="bob"),
    }
    for message, one in wrong.items():
        with pytest.raises(ShortestError, match=message):
            override.override(small, settings.find(small, None), book, one)
    assert book.overrides(history=True) == []


# ---- as a person types it ----


@pytest.fixture
def typed(
    tmp_path: Path, small: Course, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    monkeypatch.setenv("SHORTEST_COURSE", str(small.root))
    monkeypatch.setattr("autograder.teach.console", Console(width=120, color_system=None))

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["shortest", *arguments, "--out", str(tmp_path / "out")])
        try:
            cli.main()
            status = 0
        except SystemExit as leaving:
            status = int(leaving.code or 0)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


Typed = Callable[..., tuple[int, str, str]]


def test_replay_and_override_as_typed(
    graded: Graded, typed: Typed, solution: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "lee")
    graded(solution(**WRONG))
    status, out, err = typed("replay", "ada", "1", "odd_is_refused")
    assert (status, err) == (0, "")
    assert "expected     ValueError" in out
    status, out, _ = typed("override", "ada", "twice", "--points", "8.5", "--why", "[b]late[/b] bus")
    assert status == 0
    assert "ada twice: 2 → 8.5 of 10 points" in out
    assert "`shortest grade` with the same folders writes that" in out
    assert typed("override", "ada", "twice", "--take-back", "--why", "no", "--who", "kim")[0] == 0
    status, out, _ = typed("override", "--list")
    [_, given, taken] = out.splitlines()
    assert given.split()[1:] == ["lee", "ada", "twice", "(all)", "8.5", "[b]late[/b]", "bus"]
    assert taken.split()[1:] == ["kim", "ada", "twice", "(all)", "taken", "back", "no"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["override"], "type `shortest override STUDENT LESSON --points P --why TEXT`"),
        (["override", "ada", "twice", "--why", "x"], "type `shortest override"),
        (
            ["override", "ada", "twice", "--why", "x", "--points", "1", "--take-back"],
            "type `shortest override",
        ),
        (["override", "ada", "nothing", "--why", "x", "--points", "1"], "no lesson is called 'nothing'"),
        (["override", "ada", "twice", "--points", "1"], "say why"),
        (["replay", "bob", "twice"], "is called 'bob'; there are: ada"),
        (["replay", "ada", "twice", "--sandbox", "chroot"], "no sandbox is called 'chroot'"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_type(
    graded: Graded, typed: Typed, arguments: list[str], words: str
) -> None:
    graded("x = 1")
    status, _, err = typed(*arguments)
    assert status == 1
    assert words in err
    assert err.count("\n") == 1


def test_no_gradebook_is_made_by_looking_for_one(typed: Typed, tmp_path: Path) -> None:
    for arguments in (["replay", "ada", "twice"], ["override", "--list"]):
        status, _, err = typed(*arguments)
        assert status == 1
        assert "there is no gradebook" in err
    assert not (tmp_path / "out").exists()

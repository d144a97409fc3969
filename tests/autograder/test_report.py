"""What a student reads: every value whole and harmless, one reason once, and all of it within 80 columns."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from autograder import report
from autograder.check import Checked
from autograder.model import Finding, Law, Lesson, Limits, Outcome, Verdict

LESSON = Lesson(1, "twice", "Twice", "Part", 30, (), Limits(), "", Path("lesson.md"), Path("twice.py"))
LONG = "A sentence about a property that is long enough to need two lines on a terminal of eighty columns."


def law(name: str, exercise: str = "double", title: str = LONG) -> Law:
    return Law(name, "twice", exercise, title, f"Hint for {name}.", 2, False, 50, lambda: None)


def verdict(name: str, outcome: Outcome, because: str = "", finding: Finding | None = None) -> Verdict:
    return Verdict(name, outcome, 2 * (outcome is Outcome.PASSED), 2, because, finding)


def shown(*pairs: tuple[Law, Verdict], width: int = 80, brief: bool = False, printed: str = "") -> str:
    laws, verdicts = zip(*pairs, strict=True)
    stream = io.StringIO()
    console = Console(file=stream, width=width, color_system=None, force_jupyter=False)
    console.print(report.render(Checked(LESSON, laws, verdicts, ("a note",), printed), brief=brief))
    return stream.getvalue()


FAILED = verdict(
    "b",
    Outcome.FAILED,
    "the double: expected 4, got 5",
    Finding("…", {"number": "22222"}, "double(2)", "4", "5", "line 7, in double: return 5"),
)


def test_a_failing_law_shows_everything_there_is() -> None:
    text = shown((law("a"), verdict("a", Outcome.PASSED)), (law("b"), FAILED))
    for part in (
        LONG[:60],
        "number =   22222",
        "double(2)",
        "expected",
        "line 7, in double: return 5",
        "Hint for b.",
    ):
        assert part in text
    assert "2 of 4 points" in text
    assert "Note: a note" in text


def test_an_exercise_that_holds_is_one_line_unless_it_was_asked_for_alone() -> None:
    pair = (law("a"), verdict("a", Outcome.PASSED))
    assert "✓ double  2 of 2\n" in shown(pair)
    assert LONG[:60] not in shown(pair)
    assert LONG[:60] in shown(pair, brief=True)
    assert "points by the public laws" not in shown(pair, brief=True)


@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_line_is_wider_than_the_terminal_and_wrapped_ones_keep_their_column(width: int) -> None:
    lines = shown((law("b"), FAILED), width=width).splitlines()
    assert max(map(cell_len, lines)) <= width
    title = next(number for number, line in enumerate(lines) if line.startswith("  ✗ A sentence"))
    rest = [line for line in lines[title + 1 :] if not line.startswith("    ")]
    assert rest[0].startswith("Note")
    assert LONG in " ".join(" ".join(lines).split())


@given(st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), max_size=300))
def test_no_character_of_a_value_is_lost_where_the_line_ends(value: str) -> None:
    value = repr(value)
    finding = Finding("…", {}, "f()", value, "")
    text = shown((law("a"), verdict("a", Outcome.FAILED, "wrong", finding)), width=60)
    lines = text.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("    expected  "))
    last = next(number for number, line in enumerate(lines) if line.startswith("    hint"))
    # Where rich cuts a line it may pad it: a cut is followed by the rest at the same column.
    joined = "".join(line[14:] for line in lines[first:last])
    assert joined.replace(" ", "") == report.clean(value).replace(" ", "")


def test_spaces_within_a_value_survive() -> None:
    value = repr(b"\x10 \x0f" * 30)
    text = shown((law("a"), verdict("a", Outcome.FAILED, "w", Finding("…", {}, "f()", value))), width=60)
    lines = [line[14:] for line in text.splitlines() if line.startswith((" " * 14, "    expected"))]
    assert "".join(lines) == value
    assert {len(line) for line in lines[:-1]} == {60 - 14}


@pytest.mark.parametrize(
    "evil", ["\x1b[2J", "\x1b]0;owned\x07", "\x9b31m", "\u202e", "\u2066", "\u2028", "\x00"]
)
def test_no_control_character_reaches_the_terminal(evil: str) -> None:
    finding = Finding("…", {evil: evil}, evil, evil, evil, evil)
    pairs = [
        (law("a"), verdict("a", Outcome.FAILED, evil, finding)),
        (law("b", "halve"), verdict("b", Outcome.NOT_RUN, evil)),
    ]
    text = shown(*pairs, printed=f"printed {evil}") + report.as_text(
        Checked(LESSON, (pairs[0][0],), (pairs[0][1],), (evil,))
    )
    assert all(character == "\n" or character.isprintable() for character in text)
    assert repr(evil[0])[1:-1] in text


def test_markup_in_student_text_is_only_text() -> None:
    finding = Finding("…", {}, "[red]f[/red]", "[/bold]", "[link=x]y[/link]")
    text = shown((law("a"), verdict("a", Outcome.FAILED, "[/] [bold]", finding)))
    for part in ("[/] [bold]", "[red]f[/red]", "[/bold]", "[link=x]y[/link]"):
        assert part in text


@pytest.mark.parametrize(
    ("because", "words"),
    [
        ("twice: double is not started", "double  not started"),
        ("twice: halve is not started", "double  waits for halve"),
        ("once: same is not started", "double  waits for same of lesson once"),
        ("double is not defined in twice", "double  is not defined in twice"),
        (
            "twice.ipynb: the cell of double is gone; take it from a fresh notebook",
            "double  twice.ipynb: the",
        ),
    ],
)
def test_what_was_not_run_says_why_in_a_line(because: str, words: str) -> None:
    pairs = [(law(name), verdict(name, Outcome.NOT_RUN, because)) for name in ("a", "b")]
    text = shown(*pairs)
    assert f"· {words}" in text
    assert "Hint" not in text


def test_an_unfinished_exercise_is_not_started_whatever_else_it_waits_for() -> None:
    own = verdict("a", Outcome.NOT_RUN, "twice: double is not started")
    other = verdict("b", Outcome.NOT_RUN, "twice: halve is not started")
    assert "· double  not started\n" in shown((law("a"), own), (law("b"), other))


def test_a_law_that_waits_beside_one_that_holds_says_so() -> None:
    other = verdict("b", Outcome.NOT_RUN, "twice: halve is not started")
    text = shown((law("a"), verdict("a", Outcome.PASSED)), (law("b"), other))
    assert "not run  waits for halve" in text


@pytest.mark.parametrize(
    "because", ["the file does not load: SyntaxError: oh", "while the file was loaded, it ended"]
)
def test_a_file_that_does_not_load_is_told_once_and_without_hints(because: str) -> None:
    finding = Finding(because, where="line 3: return (")
    pairs = [(law(name, name), verdict(name, Outcome.FAILED, because, finding)) for name in "abc"]
    pairs.append(
        (law("d", "d"), verdict("d", Outcome.NOT_RUN, "x.ipynb: the cell of d: line 1: invalid syntax"))
    )
    pairs.append((law("e", "a"), verdict("e", Outcome.NOT_RUN, "a took too long before, in 'a'")))
    text = shown(*pairs)
    assert text.count(because) == 1
    assert "line 3: return (" in text
    assert "Hint" not in text
    assert "· d  x.ipynb" in text
    assert "too long" not in text
    assert "0 of 10 points" in text


def test_of_what_was_printed_the_last_lines_are_shown() -> None:
    text = shown((law("a"), verdict("a", Outcome.PASSED)), printed="".join(f"line {n}\n" for n in range(50)))
    assert "line 49" in text
    assert "line 40" in text
    assert "line 39" not in text


def test_in_a_notebook_it_is_still_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    text = report.as_text(Checked(LESSON, (law("b"),), (FAILED,)), brief=True)
    assert "double(2)" in text

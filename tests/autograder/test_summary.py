"""The scores of a class fit on a screen, whatever the number of lessons, and lose no column."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from autograder.summary import LONGEST_TABLE, show_scores

LESSONS = [
    "entropy",
    "context_mixing",
    "shortest_program",
    "linear_regression",
    "representation",
    "recurrent",
]


def shown(lessons: list[str], totals: dict[str, float], width: int = 80) -> str:
    stream = io.StringIO()
    show_scores(Console(file=stream, width=width, color_system=None), {}, lessons, totals)
    return stream.getvalue()


@pytest.mark.parametrize("width", [40, 60, 80, 200])
@pytest.mark.parametrize("lessons", [LESSONS[:1], LESSONS, 3 * LESSONS])
def test_every_lesson_is_named_once_in_lines_that_fit(lessons: list[str], width: int) -> None:
    text = shown(list(dict.fromkeys(lessons)), {"ada": 99.5, "a_longer_name": 0.0}, width)
    words = text.split()
    assert [words.count(name) for name in dict.fromkeys(lessons)] == [1] * len(set(lessons))
    assert words.count("total") == words.count("99.5%") == 1
    assert words.count("ada") == words.count("student")
    assert max(map(len, text.splitlines())) <= width


def test_a_wide_screen_has_one_table() -> None:
    assert shown(LESSONS, {"ada": 100.0}, 200).split().count("student") == 1


def test_markup_in_a_name_is_shown_as_it_is() -> None:
    assert "[bold]ada" in shown(["entropy"], {"[bold]ada": 1.0})


def test_a_large_class_is_left_to_the_overview() -> None:
    text = shown(["entropy"], {f"s{n}": 0.0 for n in range(LONGEST_TABLE + 1)})
    assert text == f"{LONGEST_TABLE + 1} students; the overview shows them all.\n"

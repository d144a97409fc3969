"""`grades.csv`: a row a student and a column a lesson, for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from autograder import whole
from autograder.model import Score

FORMULA = ("=", "+", "-", "@", "|")


def write_csv(
    path: Path,
    scores: Mapping[tuple[str, str], Score],
    possible: Mapping[str, int],
    totals: Mapping[str, float],
) -> None:
    """Write one row for each student in `totals`, which gives percent; `possible` gives each lesson's points, in order.

    A cell is empty where there is no attempt. The last column says what changed a score: lateness, a person.
    A name that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(
        ["student", *(f"{name} ({most})" for name, most in possible.items()), "total (%)", "remarks"]
    )
    for student in sorted(totals):
        own = {name: scores[student, name] for name in possible if (student, name) in scores}
        points = [number(own[name].points) if name in own else "" for name in possible]
        remarks = "; ".join(f"{name}: {said}" for name, score in own.items() if (said := remark(score)))
        writer.writerow([_no_formula(student), *points, number(totals[student]), _no_formula(remarks)])
    whole.write(path, text.getvalue())


def number(value: float) -> str:
    """Write points or percent with two digits after the point at most.

    >>> number(7.0), number(66.66667)
    ('7', '66.67')
    """
    return f"{value:.2f}".rstrip("0").rstrip(".")


def remark(score: Score) -> str:
    """Say what changed a score besides the laws; empty where nothing did."""
    said = []
    if score.overrides:
        said.append(f"{len(score.overrides)} changed by hand")
    if score.days_late:
        days = "1 day" if score.days_late == 1 else f"{score.days_late} days"
        said.append(f"{days} late" + (f", {number(100 * score.penalty)}% off" if score.penalty else ""))
    return ", ".join(said)


def _no_formula(text: str) -> str:
    return f"'{text}" if text.strip().startswith(FORMULA) or text != text.strip() else text

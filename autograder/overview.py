"""What an instructor reads after grading: the class on one page, drawn and counted, with links to students.

It shows all that the grader knows, hidden laws too, and is not for students.
"""

from __future__ import annotations

import io
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from autograder.feedback import anchor, file_name, latest, rows
from autograder.markup import clean, render
from autograder.model import Attempt, Law, Lesson, Outcome, Verdict

__all__ = ["page"]

HARDEST = 12
BINS = 10
LEVELS = {"full": 1.0, "most": 0.75, "half": 0.5, "": 0.0}
# Colours that matplotlib draws with, and the page's own that stand for them: a page in the dark has others.
COLOURS = {
    "#000001": "var(--ink)",
    "#000002": "var(--quiet)",
    "#000003": "var(--rule)",
    "#000004": "var(--paper)",
    "#000005": "var(--accent)",
    "#000006": "var(--tint3)",
    "#000007": "var(--tint1)",
}
INK, QUIET, RULE, PAPER, ACCENT, TINT, PALE = COLOURS
LOOKS: dict[Outcome, dict[str, Any]] = {
    Outcome.PASSED: {"facecolor": ACCENT},
    Outcome.FAILED: {"facecolor": TINT},
    Outcome.TIMED_OUT: {"facecolor": PALE, "hatch": "/////"},
    Outcome.CRASHED: {"facecolor": PALE, "hatch": "xxxxx"},
    Outcome.NOT_RUN: {"facecolor": PAPER},
    Outcome.GRADER_ERROR: {"facecolor": INK},
}
STYLE: Any = {
    "svg.fonttype": "none",  # text stays text: it can be searched, read aloud, and set in the reader's font
    "font.size": 11,
    "text.color": INK,
    "text.parse_math": False,
    "axes.labelcolor": INK,
    "axes.edgecolor": RULE,
    "axes.linewidth": 0.8,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "xtick.color": RULE,
    "xtick.labelcolor": QUIET,
    "ytick.left": False,
    "ytick.labelcolor": INK,
    "hatch.linewidth": 0.8,
    "hatch.color": QUIET,
    "figure.facecolor": "none",
}
SVG = "http://www.w3.org/2000/svg"
LINK = "{http://www.w3.org/1999/xlink}href"

Rows = Sequence[tuple[Law | None, Verdict]]
Judged = Mapping[str, Sequence[tuple[Attempt, Rows]]]


def page(
    attempts: Sequence[Attempt],
    laws: Mapping[str, Sequence[Law]],
    lessons: Mapping[str, Lesson],
    *,
    notes: Sequence[str] = (),
    folder: str = "feedback",
) -> str:
    """Return the class as HTML that needs no other file; each student's last attempt at a lesson counts.

    `notes` says what became no attempt at all; `folder` is where the students' pages lie, as seen from this
    page, "" where they lie beside it.
    """
    attempts = latest(attempts)
    names = [*lessons, *sorted({attempt.lesson for attempt in attempts} - set(lessons))]
    judged = {
        name: [
            (attempt, list(rows(attempt, laws.get(name, ()))))
            for attempt in attempts
            if attempt.lesson == name
        ]
        for name in names
    }
    drawn = {name: pairs for name, pairs in judged.items() if pairs}
    return render(
        "overview.html.j2",
        students=len({attempt.student for attempt in attempts}),
        submissions=len(attempts),
        lessons=clean([_lesson(name, lessons.get(name), judged[name], laws.get(name, ())) for name in names]),
        figures=_figures(drawn) if drawn else {},
        outcomes=[outcome.value for outcome in Outcome],
        counts=clean([{"lesson": name, "counts": _counts(pairs)} for name, pairs in drawn.items()]),
        hardest=clean(_hardest(judged)),
        troubles=clean(_troubles(judged)),
        notes=clean(list(notes)),
        table=clean(_table(judged, laws, f"{folder}/" if folder else "")),
    )


def _points(verdicts: Rows) -> tuple[int, int]:
    """Return the points earned and possible, as on the student's page: a law without a verdict counts."""
    return sum(verdict.points for _, verdict in verdicts), sum(verdict.possible for _, verdict in verdicts)


def _lesson(
    name: str, lesson: Lesson | None, pairs: Sequence[tuple[Attempt, Rows]], laws: Sequence[Law]
) -> dict[str, Any]:
    return {
        "name": name,
        "title": lesson.title if lesson else name,
        "number": lesson.number if lesson else None,
        "submissions": len(pairs),
        "possible": sum(law.points for law in laws),
        "median": f"{median(_points(verdicts)[0] for _, verdicts in pairs):g}" if pairs else "",
        "seconds": f"{median(attempt.seconds for attempt, _ in pairs):.1f}" if pairs else "",
    }


def _counts(pairs: Sequence[tuple[Attempt, Rows]]) -> dict[str, int]:
    seen = Counter(verdict.outcome for _, verdicts in pairs for _, verdict in verdicts)
    return {outcome.value: seen[outcome] for outcome in Outcome}


def _hardest(judged: Judged) -> list[dict[str, Any]]:
    """Rank the laws that someone broke by the share that passed; the grader's own failures are nobody's."""
    found: dict[str, tuple[Law, Counter[Outcome]]] = {}
    for pairs in judged.values():
        for law, verdict in (row for _, verdicts in pairs for row in verdicts):
            if law is not None and verdict.outcome is not Outcome.GRADER_ERROR:
                found.setdefault(law.key, (law, Counter()))[1][verdict.outcome] += 1
    broken = [(law, seen) for law, seen in found.values() if seen[Outcome.PASSED] < seen.total()]
    broken.sort(key=lambda pair: pair[1][Outcome.PASSED] / pair[1].total())
    return [_hard(law, seen) for law, seen in broken[:HARDEST]]


def _hard(law: Law, seen: Counter[Outcome]) -> dict[str, Any]:
    others = ((outcome, times) for outcome, times in seen.most_common() if outcome is not Outcome.PASSED)
    return {
        "title": law.title,
        "lesson": law.lesson,
        "exercise": law.exercise,
        "hidden": law.hidden,
        "passed": seen[Outcome.PASSED],
        "total": seen.total(),
        "how": ", ".join(f"{times} {outcome}" for outcome, times in others if times),
    }


def _troubles(judged: Judged) -> list[dict[str, Any]]:
    """List what a person has to look at: laws on which the grader broke, and notes on the files."""
    troubles = []
    for name, pairs in judged.items():
        for attempt, verdicts in pairs:
            broken = [
                f"{law.title if law else verdict.law} {verdict.because}"
                for law, verdict in verdicts
                if verdict.outcome is Outcome.GRADER_ERROR
            ]
            unjudged = [] if attempt.verdicts else ["No law was run on this submission."]
            if reasons := [*unjudged, *broken, *attempt.notes]:
                troubles.append({"student": attempt.student, "lesson": name, "reasons": reasons})
    return troubles


def _table(judged: Judged, laws: Mapping[str, Sequence[Law]], folder: str) -> list[dict[str, Any]]:
    points = {
        (attempt.student, name): _points(verdicts)
        for name, pairs in judged.items()
        for attempt, verdicts in pairs
    }
    table = []
    for student in sorted({student for student, _ in points}):
        link = quote(folder + file_name(student))
        cells = [_cell(points.get((student, name)), name, laws.get(name, ()), link) for name in judged]
        table.append({"student": student, "link": link, "cells": cells})
    return table


def _cell(points: tuple[int, int] | None, lesson: str, laws: Sequence[Law], link: str) -> dict[str, Any]:
    if points is None:
        return {"lesson": lesson, "link": ""}
    got, possible = points
    share = got / possible if possible else 0.0
    # The heading says what the lesson is worth; a record of another total says so itself.
    usual = possible == sum(law.points for law in laws)
    return {
        "lesson": lesson,
        "text": str(got) if usual else f"{got} of {possible}",
        "of": possible if usual else None,
        "link": f"{link}#{anchor(lesson)}",
        "level": next(level for level, least in LEVELS.items() if share >= least),
    }


def _figures(judged: Judged) -> dict[str, Markup]:
    names = [name[:24].encode("ascii", "backslashreplace").decode() for name in judged]
    scores = [[_percent(verdicts) for _, verdicts in pairs] for pairs in judged.values()]
    seconds = [[max(attempt.seconds, 0.001) for attempt, _ in pairs] for pairs in judged.values()]
    counts = [_counts(pairs) for pairs in judged.values()]
    return {
        "scores": _draw("scores", names, 0.55, lambda axes: _draw_scores(axes, scores)),
        "outcomes": _draw("outcomes", names, 0.38, lambda axes: _draw_outcomes(axes, counts)),
        "seconds": _draw("seconds", names, 0.38, lambda axes: _draw_seconds(axes, seconds)),
    }


def _percent(verdicts: Rows) -> float:
    got, possible = _points(verdicts)
    return 100 * got / possible if possible else 0.0


def _draw_scores(axes: Axes, scores: list[list[float]]) -> None:
    """Draw a small histogram on each lesson's line, and its median as a stroke."""
    width = 100 / BINS
    centres = [(i + 0.5) * width for i in range(BINS)]
    for row, values in enumerate(scores):
        bins = Counter(min(int(value / width), BINS - 1) for value in values)
        heights = [-0.8 * bins[i] / max(bins.values()) for i in range(BINS)]  # the axis points down
        axes.bar(centres, heights, width * 0.9, bottom=row + 0.4, color=TINT)
        axes.plot([0, 100], [row + 0.4] * 2, color=RULE, linewidth=0.8)
        axes.plot([median(values)] * 2, [row + 0.4, row - 0.42], color=INK, linewidth=1.6)
    axes.set_xlim(-1, 101)
    axes.set_xlabel("points, percent of the lesson's total")


def _draw_outcomes(axes: Axes, counts: list[dict[str, int]]) -> None:
    """Stack the shares of a lesson's verdicts."""
    totals = [max(sum(count.values()), 1) for count in counts]
    left = [0.0] * len(counts)
    for outcome, look in LOOKS.items():
        shares = [100 * count[outcome] / total for count, total in zip(counts, totals, strict=True)]
        if any(shares):
            extra = look | {"label": outcome.value, "edgecolor": QUIET, "linewidth": 0.7}
            axes.barh(range(len(counts)), shares, 0.62, left, **extra)
        left = [start + share for start, share in zip(left, shares, strict=True)]
    axes.set_xlim(0, 100)
    axes.set_xlabel("verdicts, percent")
    place: Any = "outside upper left"
    axes.figure.legend(loc=place, ncols=3, frameon=False, handlelength=1.2, columnspacing=1.2, borderpad=0)


def _draw_seconds(axes: Axes, seconds: list[list[float]]) -> None:
    """Draw a stroke for each submission at the seconds that it took."""
    for row, values in enumerate(seconds):
        axes.plot(values, [row] * len(values), "|", color=ACCENT, markersize=13, markeredgewidth=1.3)
    low, high = min(map(min, seconds)), max(map(max, seconds))
    axes.set_xscale("log")
    axes.set_xlim(10 ** math.floor(math.log10(low)), 10 ** math.ceil(math.log10(high * 1.01)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("seconds for one submission")


def _draw(name: str, lessons: list[str], height: float, draw: Callable[[Axes], None]) -> Markup:
    """Draw a figure with one line for each lesson, as SVG without style, date or script."""
    with mpl.rc_context():
        mpl.rcdefaults()  # whatever the instructor's own settings are
        mpl.rcParams.update(STYLE)
        mpl.rcParams["svg.hashsalt"] = name
        # 330 points wide: on a telephone the text has the size that it is given here.
        figure = Figure(figsize=(4.6, 0.85 + height * len(lessons)), layout="constrained")
        axes = figure.subplots()
        axes.set_ylim(len(lessons) - 0.5, -0.5)
        axes.set_yticks(range(len(lessons)), lessons)
        draw(axes)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    return Markup(_page_svg(file.getvalue(), name))  # noqa: S704 - ElementTree has escaped every text in it


def _page_svg(text: str, name: str) -> str:
    """Fit matplotlib's SVG into a page: the page's colours, its own ids, and no style, which is refused."""
    ElementTree.register_namespace("", SVG)
    root = ElementTree.fromstring(text)  # noqa: S314 - matplotlib wrote it, a moment ago
    for parent in root.iter():
        for child in list(parent):
            if child.tag in (f"{{{SVG}}}style", f"{{{SVG}}}metadata"):
                parent.remove(child)
    for element in root.iter():
        _plain_attributes(element, name)
    del root.attrib["width"], root.attrib["height"]
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-caption")
    return ElementTree.tostring(root, encoding="unicode")


def _plain_attributes(element: ElementTree.Element, name: str) -> None:
    for rule in filter(None, map(str.strip, element.attrib.pop("style", "").split(";"))):
        key, _, value = map(str.strip, rule.partition(":"))
        if key == "font":  # the page sets the family
            key, value = "font-size", value.split()[0]
        element.set(key, value)
    if (link := element.attrib.pop(LINK, None)) is not None:
        element.set("href", f"#{name}-{link.removeprefix('#')}")
    for key, value in element.attrib.items():
        if key == "id":
            element.set(key, f"{name}-{value}")
        else:
            element.set(key, COLOURS.get(value, re.sub(r"url\(#", f"url(#{name}-", value)))

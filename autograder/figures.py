"""The overview's drawings: SVG that belongs to the page, in its colours, without style, date or script."""

from __future__ import annotations

import io
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from autograder.model import Outcome

__all__ = ["drawn"]

BINS = 10
STEPS = 8  # bars for each power of ten seconds
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


def drawn(
    percents: Mapping[str, Sequence[float]],
    seconds: Mapping[str, Sequence[float]],
    counts: Mapping[str, Mapping[str, int]],
) -> dict[str, Markup]:
    """Return the figures: points in percent, verdicts by their outcome, and seconds, each with a line a lesson."""
    names = [name[:24].encode("ascii", "backslashreplace").decode() for name in percents]
    return {
        "scores": _draw("scores", names, 0.55, lambda axes: _draw_scores(axes, list(percents.values()))),
        "outcomes": _draw("outcomes", names, 0.38, lambda axes: _draw_outcomes(axes, list(counts.values()))),
        "seconds": _draw("seconds", names, 0.55, lambda axes: _draw_seconds(axes, list(seconds.values()))),
    }


def _draw_scores(axes: Axes, scores: Sequence[Sequence[float]]) -> None:
    width = 100 / BINS
    edges = [i * width for i in range(BINS + 1)]
    for row, values in enumerate(scores):
        _draw_bars(axes, row, edges, [min(max(int(value / width), 0), BINS - 1) for value in values])
        axes.plot([median(values)] * 2, [row + 0.4, row - 0.42], color=INK, linewidth=1.6)
    axes.set_xlim(-1, 101)
    axes.set_xlabel("points, percent of the lesson's total")


def _draw_bars(axes: Axes, row: int, edges: Sequence[float], places: Sequence[int]) -> None:
    """Draw a small histogram on a lesson's line; `places` says between which edges each value lies."""
    bins = Counter(places)
    widths = [edges[i + 1] - edges[i] for i in bins]
    lefts = [edges[i] + 0.05 * width for i, width in zip(bins, widths, strict=True)]
    heights = [-0.8 * count / max(bins.values()) for count in bins.values()]  # the axis points down
    axes.bar(lefts, heights, [0.9 * width for width in widths], row + 0.4, align="edge", color=TINT)
    axes.plot([edges[0], edges[-1]], [row + 0.4] * 2, color=RULE, linewidth=0.8)


def _draw_outcomes(axes: Axes, counts: Sequence[Mapping[str, int]]) -> None:
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


def _draw_seconds(axes: Axes, seconds: Sequence[Sequence[float]]) -> None:
    powers = [[math.log10(max(value, 0.001)) for value in values] for values in seconds]
    low, high = math.floor(min(map(min, powers))), math.floor(max(map(max, powers))) + 1
    edges = [10 ** (low + i / STEPS) for i in range((high - low) * STEPS + 1)]
    for row, values in enumerate(powers):
        _draw_bars(axes, row, edges, [int((value - low) * STEPS) for value in values])
        axes.plot([10 ** median(values)] * 2, [row + 0.4, row - 0.42], color=INK, linewidth=1.6)
    axes.set_xscale("log")
    axes.set_xlim(edges[0], edges[-1])
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

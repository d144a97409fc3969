"""The ladder as a picture: what each rung made of the file, and beside it the seconds that it took."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.ladder import Rung

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, GREY, RED, AMBER = "#1f5fa8", "#9a9a9a", "#b03a2e", "#e0a030"
HUES = {"codec": BLUE, "model": BLUE, "peer": GREY}
LABELS = {"codec": "codec, verified", "model": "model, ideal length", "peer": "peer, verified"}
QUICKEST = 1e-3  # seconds; what is quicker is drawn there


def figure(rungs: Sequence[Rung], path: Path) -> Path:
    """Save `draw(rungs)` in the format that the path's suffix names, such as `.svg` or `.png`; return it."""
    import matplotlib

    # Without a date and with a fixed salt, the same rungs give the same file.
    metadata = {"Date": None} if path.suffix == ".svg" else None
    with matplotlib.rc_context({"svg.hashsalt": "ladder"}):
        draw(rungs).savefig(path, dpi=150, metadata=metadata)
    return path


def draw(rungs: Sequence[Rung]) -> Figure:
    """Draw the measured rungs, from most bits per byte to least: bars of bits, dots of seconds, the bound a line."""
    from matplotlib.figure import Figure

    heights = [(rung.bits_per_byte, rung) for rung in rungs if rung.bits_per_byte is not None]
    bars = [rung for _, rung in sorted(heights, key=lambda pair: pair[0]) if rung.kind in HUES]
    drawing = Figure(figsize=(5.6, 1.7 + 0.3 * max(1, len(bars))), layout="constrained")
    bits, times = drawing.subplots(1, 2, sharey=True, width_ratios=(2, 1))
    for place, rung in enumerate(bars):
        _draw_bits(bits, place, rung)
        _draw_seconds(times, place, rung)
    for height, rung in heights:
        if rung.kind == "bound":
            bits.axvline(height, color=RED, linestyle="--", label=f"{rung.name} {height:.3f}")
    _dress(bits, times, bars, max([0.1, *(height for height, _ in heights)]))
    _legend(drawing, bits, times)
    return drawing


def _draw_bits(axes: Any, place: int, rung: Rung) -> None:
    total, model, hue = rung.bits_per_byte or 0.0, rung.model_bits_per_byte, HUES[rung.kind]
    style = {"fill": False, "edgecolor": hue, "hatch": "////"} if rung.kind == "model" else {"color": hue}
    axes.barh(place, total - model, height=0.7, label=LABELS[rung.kind], **style)
    if model:
        axes.barh(place, model, left=total - model, height=0.7, color=AMBER, label="the model's own bits")
    where = {"xytext": (3, 0), "textcoords": "offset points", "va": "center", "fontsize": 8}
    where["bbox"] = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}  # hides the line behind it
    axes.annotate(f"{total:.3f}", (total, place), **where)


def _draw_seconds(axes: Any, place: int, rung: Rung) -> None:
    hue = HUES[rung.kind]
    looks = [("write", rung.seconds_encode, hue), ("read", rung.seconds_decode, "white")]
    for label, seconds, fill in looks:
        if seconds is not None:
            axes.plot(max(seconds, QUICKEST), place, "o", color=hue, markerfacecolor=fill, label=label)


def _dress(bits: Any, times: Any, bars: Sequence[Rung], highest: float) -> None:
    bits.set_yticks(range(len(bars)), [rung.name for rung in bars])
    bits.set_xlim(0, 1.2 * highest)  # room for the numbers
    bits.set_ylim(-0.6, max(1, len(bars)) - 0.4)
    bits.set_xlabel("bits per byte")
    times.set_xscale("log")
    times.set_xlim(QUICKEST / 2, 1000)
    times.set_xticks([0.01, 1, 100], ["0.01", "1", "100"])
    times.set_xticks([], minor=True)
    times.set_xlabel("seconds")
    times.grid(axis="x", color="0.9")
    times.set_axisbelow(True)
    times.tick_params(axis="y", length=0)
    for axes in (bits, times):
        axes.spines[["top", "right"]].set_visible(False)


def _legend(drawing: Figure, bits: Any, times: Any) -> None:
    """Explain each kind of bar once, and the dots in the same row."""
    entries: dict[str, Any] = {}
    for axes in (bits, times):
        handles, labels = axes.get_legend_handles_labels()
        for label, handle in zip(labels, handles, strict=True):
            entries.setdefault(label, handle)
    drawing.legend(
        list(entries.values()),
        list(entries),
        loc="outside lower left",
        ncols=3,
        fontsize=8,
        frameon=False,
    )

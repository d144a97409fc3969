"""A check's result as text for a terminal or a notebook: what holds, what broke and on what, what next."""

from __future__ import annotations

import io
import itertools
import re

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from autograder.check import Checked
from autograder.model import Law, Outcome, Verdict

SIGNS = {Outcome.PASSED: ("✓", "green"), Outcome.NOT_RUN: ("·", "yellow")}
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def render(checked: Checked, *, brief: bool = False) -> RenderableType:
    """Return a check's result, exercise by exercise; `brief` leaves out the summary."""
    parts: list[RenderableType] = []
    pairs = list(zip(checked.laws, checked.verdicts, strict=True))
    for exercise, group in itertools.groupby(_in_order(pairs), key=lambda pair: pair[0].exercise):
        parts.append(_exercise(exercise, list(group)))
    for note in checked.notes:
        parts.append(Text(f"Note: {clean(note)}", "yellow"))
    if checked.printed.strip():
        parts.append(Text("Your code printed, at the end:", "dim"))
        parts.append(Padding(Text(clean(checked.printed.strip())), (0, 0, 0, 4)))
    if not brief:
        parts.append(Text(f"\n{checked.points} of {checked.possible} points by the public laws."))
    return Group(*parts)


def as_text(checked: Checked, *, brief: bool = False) -> str:
    """Return the same without colours, for a notebook."""
    stream = io.StringIO()
    Console(file=stream, width=100, color_system=None).print(render(checked, brief=brief))
    return stream.getvalue().rstrip()


def clean(text: str) -> str:
    """Make text from student code safe for a terminal: control characters become visible escapes.

    >>> clean("a\\x1b[31mb")
    'a\\\\x1b[31mb'
    """
    return CONTROL.sub(lambda match: match.group().encode("unicode_escape").decode("ascii"), text)


def _in_order(pairs: list[tuple[Law, Verdict]]) -> list[tuple[Law, Verdict]]:
    order = list(dict.fromkeys(law.exercise for law, _ in pairs))
    return sorted(pairs, key=lambda pair: order.index(pair[0].exercise))


def _exercise(name: str, pairs: list[tuple[Law, Verdict]]) -> RenderableType:
    reasons = {verdict.because for _, verdict in pairs}
    if all(verdict.outcome is Outcome.NOT_RUN for _, verdict in pairs) and len(reasons) == 1:
        reason = clean(reasons.pop())
        return Text.assemble(
            (name, "bold"),
            "  ",
            (
                "not started" if reason.endswith("is not started") and f" {name} " in reason else reason,
                "yellow",
            ),
        )
    parts: list[RenderableType] = [Text(name, "bold")]
    for law, verdict in pairs:
        sign, colour = SIGNS.get(verdict.outcome, ("✗", "red"))
        parts.append(
            Text.assemble(
                "  ", (sign, colour), f" {law.title} ", (f"({verdict.points} of {law.points})", "dim")
            )
        )
        if verdict.outcome is not Outcome.PASSED:
            parts.append(Padding(_details(law, verdict), (0, 0, 0, 6)))
    return Group(*parts)


def _details(law: Law, verdict: Verdict) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")

    def row(name: str, text: str) -> None:
        if text:
            table.add_row(name, Text(clean(text)))

    finding = verdict.finding
    row(verdict.outcome.value if verdict.outcome is not Outcome.FAILED else "what", verdict.because)
    if finding is not None:
        for name, value in finding.example.items():
            row(f"{name} =", value)
        row("call", finding.call)
        row("expected", finding.expected)
        row("got", finding.got)
        row("your code", finding.where)
    if verdict.outcome is not Outcome.NOT_RUN:
        row("hint", law.hint)
    return table

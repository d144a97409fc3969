"""A check's result as text for a terminal or a notebook: what holds, what broke and on what, what next."""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import chop_cells
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.text import Text

from autograder.check import Checked
from autograder.model import Law, Outcome, Verdict

SIGNS = {Outcome.PASSED: ("✓", "green"), Outcome.NOT_RUN: ("·", "yellow")}
NOT_STARTED = re.compile(r"(\w+): (\w+) is not started")
NOT_LOADED = ("the file does not load: ", "while the file was loaded, ")
PRINTED_LINES = 10
Pair = tuple[Law, Verdict]


@dataclass(frozen=True, slots=True)
class Row:
    """A label, and text that keeps to its own column however narrow the terminal is.

    An `exact` text is a value: it is cut where the line ends, and no space of it is lost.
    """

    label: Text
    text: Text
    indent: int = 0
    width: int = 2
    exact: bool = False

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterable[Text]:
        """Yield the lines; rich asks for them."""
        left = self.indent + self.width
        room = max(20, options.max_width - left)
        for number, line in enumerate(self._lines(console, room)):
            head = Text(" " * self.indent).append_text(self.label) if number == 0 else Text()
            head.pad_right(left - head.cell_len)
            yield Text.assemble(head, line, no_wrap=True, overflow="ignore")

    def _lines(self, console: Console, room: int) -> Iterable[Text]:
        if not self.exact:
            return self.text.wrap(console, room)
        lines = self.text.plain.expandtabs(4).split("\n")
        return [Text(part) for line in lines for part in (chop_cells(line, room) or [""])]


def render(checked: Checked, *, brief: bool = False) -> RenderableType:
    """Return a check's result, exercise by exercise; `brief` leaves out the summary, and keeps every law's title."""
    pairs = list(zip(checked.laws, checked.verdicts, strict=True))
    parts, pairs = _not_loaded(pairs)
    for exercise, group in itertools.groupby(_in_order(pairs), key=lambda pair: pair[0].exercise):
        parts += _exercise(exercise, list(group), brief=brief)
    parts += [Text(f"Note: {clean(note)}", "yellow") for note in checked.notes]
    parts += _printed(checked.printed)
    if not brief:
        parts.append(Text(f"\n{checked.points} of {checked.possible} points by the public laws."))
    return Group(*parts)


def as_text(checked: Checked, *, brief: bool = False) -> str:
    """Return the same without colours, for a notebook."""
    stream = io.StringIO()
    # In a notebook rich would show it by itself, as HTML, and write nothing into the stream.
    console = Console(file=stream, width=100, color_system=None, force_jupyter=False)
    console.print(render(checked, brief=brief))
    return stream.getvalue().rstrip()


def clean(text: str) -> str:
    r"""Make text from student code safe for a terminal: what can't be printed becomes a visible escape.

    >>> clean("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    return "".join(c if c.isprintable() or c in "\n\t" else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _in_order(pairs: list[Pair]) -> list[Pair]:
    order = list(dict.fromkeys(law.exercise for law, _ in pairs))
    return sorted(pairs, key=lambda pair: order.index(pair[0].exercise))


def _not_loaded(pairs: list[Pair]) -> tuple[list[RenderableType], list[Pair]]:
    """Say once why the file doesn't load; what is left are the exercises with a reason of their own."""
    reasons = [verdict for _, verdict in pairs if verdict.because.startswith(NOT_LOADED)]
    if not reasons:
        return [], pairs
    rows = [("what", reasons[0].because, False)]
    if reasons[0].finding is not None:
        rows.append(("your code", reasons[0].finding.where, False))
    left = [pair for pair in pairs if pair[1].outcome is Outcome.NOT_RUN and not _used_up(pair[1].because)]
    return [Text("No law could be tried.", "red"), *_rows(rows, 2)], left


def _used_up(because: str) -> bool:
    return "took too long before" in because or "were used up" in because


def _exercise(name: str, pairs: list[Pair], *, brief: bool) -> list[RenderableType]:
    points, possible = sum(v.points for _, v in pairs), sum(law.points for law, _ in pairs)
    if all(verdict.outcome is Outcome.NOT_RUN for _, verdict in pairs):
        reasons = list(dict.fromkeys(_reason(*pair) for pair in pairs))
        reason = "not started" if "not started" in reasons else "; ".join(reasons)
        return [Row(Text("·", "yellow"), Text.assemble((name, "bold"), "  ", (clean(reason), "yellow")))]
    held = all(verdict.outcome is Outcome.PASSED for _, verdict in pairs)
    sign = Text(*SIGNS[Outcome.PASSED]) if held else Text("✗", "red")
    parts: list[RenderableType] = [
        Row(sign, Text.assemble((name, "bold"), (f"  {points} of {possible}", "dim")))
    ]
    return parts if held and not brief else [*parts, *itertools.chain(*itertools.starmap(_law, pairs))]


def _law(law: Law, verdict: Verdict) -> Iterable[RenderableType]:
    sign = Text(*SIGNS.get(verdict.outcome, ("✗", "red")))
    yield Row(sign, Text.assemble(law.title, (f" ({verdict.points} of {law.points})", "dim")), indent=2)
    if verdict.outcome is not Outcome.PASSED:
        yield from _details(law, verdict)


def _reason(law: Law, verdict: Verdict) -> str:
    """Say in a few words why a law was not run: whether its own exercise is missing, or another that it needs."""
    match = NOT_STARTED.fullmatch(verdict.because)
    if match is None:
        return verdict.because.removeprefix(f"{law.exercise} ")
    lesson, exercise = match.groups()
    if lesson != law.lesson:
        return f"waits for {exercise} of lesson {lesson}"
    return "not started" if exercise == law.exercise else f"waits for {exercise}"


def _details(law: Law, verdict: Verdict) -> list[RenderableType]:
    if verdict.outcome is Outcome.NOT_RUN:
        return _rows([("not run", _reason(law, verdict), False)], 4)
    label = "what" if verdict.outcome is Outcome.FAILED else verdict.outcome.value
    rows = [(label, verdict.because, False)]
    finding = verdict.finding
    if finding is not None:
        rows += [(f"{name} =", value, True) for name, value in finding.example.items()]
        rows += [("call", finding.call, True), ("expected", finding.expected, True)]
        rows += [("got", finding.got, True), ("your code", finding.where, False)]
    return _rows([*rows, ("hint", law.hint, False)], 4)


def _rows(rows: Sequence[tuple[str, str, bool]], indent: int) -> list[RenderableType]:
    shown = [(clean(label), clean(text), exact) for label, text, exact in rows if text]
    width = max(len(label) for label, _, _ in shown) + 2
    return [Row(Text(label, "dim"), Text(text), indent, width, exact) for label, text, exact in shown]


def _printed(printed: str) -> list[RenderableType]:
    lines = printed.rstrip().split("\n")
    if not printed.strip():
        return []
    last = clean("\n".join(lines[-PRINTED_LINES:]))
    return [Text("Your code printed, at the end:", "dim"), Row(Text(), Text(last), 4, 0, exact=True)]

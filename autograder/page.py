"""A lesson's page as a list of blocks: prose, exercise pointers and demo cells, from one MyST file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

FENCE = re.compile(r"^(`{3,})\{(exercise|code-cell)\}[ \t]*(.*?)[ \t]*$")
COLON_FENCE = re.compile(r"^(:{3,})\{([\w-]+)\}[ \t]*(.*?)[ \t]*$")


@dataclass(frozen=True, slots=True)
class Prose:
    """Markdown, as it stands in the page."""

    text: str


@dataclass(frozen=True, slots=True)
class Pointer:
    """A place where a student fills in the exercise of that name."""

    name: str


@dataclass(frozen=True, slots=True)
class Demo:
    """Code that runs when the page is read, with the tags that say how it is shown."""

    code: str
    tags: tuple[str, ...]


Block = Prose | Pointer | Demo


def parse(text: str) -> list[Block]:
    r"""Cut a page into its blocks, in order.

    >>> parse("# Title\n\n```{exercise} squeeze.m:f\n```\n")
    [Prose(text='# Title'), Pointer(name='f')]
    """
    blocks: list[Block] = []
    prose: list[str] = []
    lines = iter(text.splitlines())
    for line in lines:
        match = FENCE.match(line)
        if match is None:
            prose.append(line)
            continue
        _flush(prose, blocks)
        body = _until(lines, match.group(1))
        if match.group(2) == "exercise":
            blocks.append(Pointer(match.group(3).partition(":")[2]))
        else:
            blocks.append(_demo(body))
    _flush(prose, blocks)
    return blocks


def plain_markdown(text: str) -> str:
    r"""Turn the directives of prose into what every notebook shows: details for dropdowns, quotes for notes.

    >>> print(plain_markdown(":::{dropdown} Hint 1\nCount.\n:::"))
    <details><summary>Hint 1</summary>
    <BLANKLINE>
    Count.
    <BLANKLINE>
    </details>
    """
    output: list[str] = []
    closers: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        match = COLON_FENCE.match(line)
        if match:
            fence, name, title = match.groups()
            details = name == "dropdown"
            output += (
                [f"<details><summary>{title}</summary>", ""]
                if details
                else [f"**{title or name.capitalize()}**", ""]
            )
            closers.append((fence, ["", "</details>"] if details else [""]))
        elif closers and line.strip() == closers[-1][0]:
            output += closers.pop()[1]
        elif not (closers and re.match(r"^:[\w-]+:", line)):  # an option of the directive
            output.append(line)
    return "\n".join(output)


def _flush(prose: list[str], blocks: list[Block]) -> None:
    text = "\n".join(prose).strip("\n")
    if text:
        blocks.append(Prose(text))
    prose.clear()


def _until(lines: Iterator[str], fence: str) -> list[str]:
    body: list[str] = []
    for line in lines:
        if line.rstrip() == fence:
            break
        body.append(line)
    return body


def _demo(body: list[str]) -> Demo:
    tags: tuple[str, ...] = ()
    while body and re.match(r"^:[\w-]+:", body[0]):
        key, _, value = body.pop(0)[1:].partition(":")
        if key == "tags":
            tags = tuple(tag.strip(" []\"'") for tag in value.split(",") if tag.strip(" []\"'"))
    return Demo("\n".join(body).strip("\n"), tags)

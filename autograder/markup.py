"""What all pages share: templates that escape everything, harmless text, and a policy without scripts."""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from functools import cache
from typing import Any

import jinja2

JOINERS = "\u200c\u200d"  # they shape Persian names and emoji, and reorder nothing
UNSURE = re.compile(r"[^\t\n -~]")


def render(template: str, **values: Any) -> str:
    """Fill in a template: all but `markupsafe.Markup` is escaped, and a missing name is an error."""
    style = _environment().get_template("style.css").render()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    # The style is a file of ours; its hash in the policy is what lets it in, and nothing else.
    return _environment().get_template(template).render(style=style, policy=policy, **values)


def visible(text: str) -> str:
    r"""Write what can't be seen, or what reorders and hides its neighbours, as Python would in a literal.

    Line breaks and tabs stay; so do spaces of all scripts. The result can be encoded in UTF-8.

    >>> visible("red \x1b[31m, turned \u202e, half \ud800")
    'red \\x1b[31m, turned \\u202e, half \\ud800'
    """
    return UNSURE.sub(_escape, text)


def clean(value: Any) -> Any:
    """Make every text in lists and dicts visible, keys too."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {clean(key): clean(part) for key, part in value.items()}
    if isinstance(value, list):
        return [clean(part) for part in value]
    return value


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    if character.isprintable() or character in JOINERS or unicodedata.category(character) == "Zs":
        return character
    return character.encode("unicode_escape").decode("ascii")


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("autograder"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

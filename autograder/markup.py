"""What all pages share: templates that escape everything, harmless text, and a policy without scripts."""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from functools import cache
from typing import Any

import jinja2
from markupsafe import Markup, escape

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


def amount(points: float) -> str:
    """Write points without a decimal point where they are whole, and with at most two digits after it.

    >>> amount(3.0), amount(2.5), amount(1 / 3)
    ('3', '2.5', '0.33')
    """
    text = f"{points:.2f}"
    return text[:-3] if text.endswith(".00") else text.rstrip("0")


def prose(text: str) -> str:
    """Set as code what stands between backticks in a sentence of ours, and escape all of it.

    >>> prose("A byte < 128 is one of `ASCII`.")
    Markup('A byte &lt; 128 is one of <code>ASCII</code>.')
    """
    parts = text.split("`")
    if len(parts) % 2 == 0:  # one of them is a backtick and nothing more
        return escape(text)
    code = Markup("<code>{}</code>")
    return Markup("").join(code.format(part) if i % 2 else part for i, part in enumerate(parts))


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    if character.isprintable() or character in JOINERS or unicodedata.category(character) == "Zs":
        return character
    return character.encode("unicode_escape").decode("ascii")


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("autograder"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(amount=amount, prose=prose)
    return environment

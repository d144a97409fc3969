"""A page is cut into prose, pointers and demos without loss."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from autograder import page
from autograder.page import Demo, Pointer, Prose

PAGE = """\
# Title

Some prose.

```{exercise} squeeze.m:first
```

```python
def not_a_demo(): ...
```

````{code-cell} python
:tags: [hide-input, remove-output]

print("```")
````
More.
"""


def test_blocks_come_in_order() -> None:
    title, pointer, prose, demo, more = page.parse(PAGE)
    assert title == Prose("# Title\n\nSome prose.")
    assert pointer == Pointer("first")
    assert isinstance(prose, Prose)
    assert "not_a_demo" in prose.text
    assert demo == Demo('print("```")', ("hide-input", "remove-output"))
    assert more == Prose("More.")


def test_tags_in_quotes_and_an_untagged_cell() -> None:
    quoted = "```{code-cell} python\n:tags: [\"a\", 'b']\nx = 1\n```"
    assert page.parse(quoted) == [Demo("x = 1", ("a", "b"))]
    assert page.parse("```{code-cell} python\nx = 1\n```") == [Demo("x = 1", ())]


@given(st.lists(st.sampled_from(["text", "", "# A title", "- item", "```python", "```", ":::{note}", ":::"])))
def test_prose_without_directives_stays_as_it_is(lines: list[str]) -> None:
    text = "\n".join(lines)
    blocks = page.parse(text)
    assert "\n".join(block.text for block in blocks if isinstance(block, Prose)) == text.strip("\n")
    assert len(blocks) == bool(text.strip("\n"))


def test_a_cell_that_is_never_closed_loses_nothing() -> None:
    assert page.parse("```{code-cell} python\nx = 1\ny = 2") == [Demo("x = 1\ny = 2", ())]


def test_directives_become_what_every_notebook_shows() -> None:
    text = ":::{dropdown} Hint 1\n:open:\nCount them.\n:::\n\n:::{note}\nMind this.\n:::\n: not an option"
    shown = page.plain_markdown(text)
    assert shown.startswith("<details><summary>Hint 1</summary>\n\nCount them.\n\n</details>")
    assert "**Note**\n\nMind this." in shown
    assert ":::" not in shown
    assert ":open:" not in shown
    assert shown.endswith(": not an option")


def test_nested_directives_close_in_their_order() -> None:
    shown = page.plain_markdown("::::{dropdown} Outer\n:::{note}\nInner.\n:::\nAfter.\n::::")
    assert shown.index("Inner.") < shown.index("After.") < shown.index("</details>")

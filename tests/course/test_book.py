"""The book's builder: what it hands to Sphinx, what it refuses, and that a broken page breaks the build."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
from pathlib import Path

import pytest

from autograder import leaks
from autograder.model import ShortestError

ROOT = Path(__file__).parents[2]
ARTICLE = "<article><p>" + "words " * 100 + "</p>{}</article>"
OUTPUT = '<div class="cell_output"><div class="output">42</div></div>'
CELL = "```{code-cell} python\n:tags: [hide-input]\n\nprint(42)\n```\n"


def load(name):
    spec = importlib.util.spec_from_file_location("book_tool", ROOT / "tools" / name)
    module = importlib.util.module_from_spec(spec)
    sys.modules["book_tool"] = module
    spec.loader.exec_module(module)
    return module


book_tool = load("book.py")


@pytest.fixture
def book(tmp_path):
    """Give the course's book, to be made in a folder where nothing else is."""
    for name in ("book", "lessons", "solutions", "autograder", "tests/laws", "tests/bugs"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return book_tool.Book(tmp_path)


@pytest.fixture
def small(book):
    """Give a book of one lesson and of frame pages that compute nothing."""
    for folder in (book.root / "lessons").iterdir():
        if folder.name != "01_entropy":
            shutil.rmtree(folder)
    for name in book_tool.FRAME:
        words = f"# {name}\n\n" + "Words.\n" * 100
        (book.root / "book" / f"{name}.md").write_text(words, encoding="utf-8")
    return book


def source(book, name):
    return (book.source / f"{name}.md").read_text(encoding="utf-8")


def put_demo(book, code):
    page = book.course.lesson("entropy").page
    pointers = "".join(
        f"```{{exercise}} squeeze.entropy:{exercise.name}\n```\n\n"
        for exercise in book.course.exercises("entropy")
    )
    page.write_text(f"# Entropy\n\n$H$\n\n{pointers}```{{code-cell}} python\n{code}\n```\n", encoding="utf-8")


def test_every_page_of_the_contents_is_written(book):
    book_tool.assemble(book)
    text = (book.source / "_toc.yml").read_text(encoding="utf-8")
    for name in book.pages:
        assert f'"{name}"' in text
        assert len(source(book, name)) > 400
    lessons = [f"lessons/{lesson.folder}" for lesson in book.course.lessons.values()]
    assert book.pages == [*book_tool.FRAME, *lessons]


def test_lessons_stand_under_their_parts_in_order(book):
    parts = book_tool.contents(book.course)["parts"]
    lessons = list(book.course.lessons.values())
    assert [part["caption"] for part in parts[1:]] == list(dict.fromkeys(lesson.part for lesson in lessons))
    files = [chapter["file"] for part in parts[1:] for chapter in part["chapters"]]
    assert sorted(files) == [f"lessons/{lesson.folder}" for lesson in lessons]


def test_what_sphinx_reads_holds_no_secret_and_no_path(book):
    book_tool.assemble(book)
    assert leaks.find_leaks(book.course, book.source) == []
    for path in book.source.rglob("*.*"):
        assert str(book.root) not in path.read_text(encoding="utf-8", errors="replace")


def test_a_book_with_solutions_has_another_place(book):
    shown = book_tool.Book(book.root, solutions=True)
    book_tool.assemble(shown)
    assert "{dropdown} Solution" in source(shown, "lessons/03_huffman")
    assert shown.out != book.out


def test_a_page_is_run_again_only_where_its_code_changed(book):
    book_tool.assemble(book)
    before = {name: source(book, name) for name in book.pages}
    with (book.root / "solutions" / "squeeze" / "entropy.py").open("a", encoding="utf-8") as module:
        module.write("\n# changed\n")
    book_tool.assemble(book)
    changed = {name for name in book.pages if source(book, name) != before[name]}
    assert {"intro", "ladder", "lessons/01_entropy", "lessons/03_huffman"} <= changed  # huffman needs entropy
    assert "how_to_use" not in changed
    assert "lessons/10_autodiff" not in changed


def test_a_missing_page_of_the_frame_is_named(book):
    (book.root / "book" / "ladder.md").unlink()
    with pytest.raises(ShortestError, match=r"book/ladder\.md is missing"):
        book_tool.assemble(book)


def test_a_good_page_has_no_problem():
    assert list(book_tool.page_problems(ARTICLE.format(OUTPUT), CELL)) == []
    assert list(book_tool.page_problems(ARTICLE.format(""), CELL.replace("hide-input", "remove-cell"))) == []


@pytest.mark.parametrize(
    ("html", "problem"),
    [
        ("<body>A page without an article.</body>", "empty"),
        ("<article>Short.</article>", "empty"),
        (ARTICLE.format(""), "no output"),
        (ARTICLE.format('<div class="system-message">?</div>' + OUTPUT), "system message"),
        (ARTICLE.format(OUTPUT + '<div class="output traceback">?</div>'), "error"),
        (ARTICLE.format(OUTPUT + "&lt;Figure size 480x330 with 1 Axes&gt;"), "figure"),
        (ARTICLE.format(OUTPUT + "&lt;object at 0x7f00c0ffee00&gt;"), "address"),
    ],
)
def test_a_page_that_is_not_fit_to_be_read_is_named(html, problem):
    (found,) = book_tool.page_problems(html, CELL)
    assert problem in found


@pytest.mark.parametrize(
    "html",
    [
        '<script src="https://cdn.example/x.js"></script>',
        '<script src="//cdn.example/x.js"></script>',
        '<link rel="stylesheet" href="https://cdn.example/x.css">',
        '<link rel="preload" as="font" href="https://cdn.example/x.woff2">',
        '<img src="http://cdn.example/x.png">',
        '<iframe src="https://cdn.example/"></iframe>',
        '<style>@import "https://cdn.example/x.css";</style>',
        "<style>@import url(//cdn.example/x.css);</style>",
        '<p style="background: url(https://cdn.example/x.png)">x</p>',
        '<script>const s = document.createElement("script"); s.src = "https://cdn.example/x.js"</script>',
        '<script type="module">import x from "https://cdn.example/x.js"</script>',
    ],
)
def test_whatever_another_host_is_asked_for_is_found(html):
    assert list(book_tool.other_hosts(html)) == ["cdn.example"]


def test_a_link_that_a_reader_may_follow_is_no_request():
    html = '<a href="https://example.org/">a source</a><img src="../_images/x.svg"><script src="_static/x.js"></script>'
    assert list(book_tool.other_hosts(html)) == []


def test_a_machines_path_on_a_page_is_found(book, tmp_path):
    html = tmp_path / "html"
    html.mkdir()
    (html / "page.html").write_text(f"<p>{book.root / 'solutions'}</p>", encoding="utf-8")
    assert any("path" in problem for problem in book_tool.check(book, html))


def test_mathjax_comes_with_its_fonts_and_from_no_network(tmp_path):
    book_tool.vendor_mathjax(tmp_path)
    assert (tmp_path / "tex-chtml.js").stat().st_size > 100_000
    assert len(list((tmp_path / "output" / "chtml" / "fonts").rglob("*.woff"))) > 10


def test_without_mathjax_the_message_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(book_tool, "MATHJAX", "no-such-package-anywhere")
    with pytest.raises(ShortestError, match="pip install no-such-package-anywhere"):
        book_tool.vendor_mathjax(tmp_path)


def test_a_small_book_builds_and_a_failing_demo_leaves_it_as_it_was(small, capfd):
    put_demo(small, "print(entropy([0.5, 0.5]))")
    book_tool.build(small)
    page = small.out / "lessons" / "01_entropy.html"
    built = page.read_text(encoding="utf-8")
    assert "1.0" in built
    assert "_static/mathjax/tex-chtml.js" in built
    assert (small.out / "_static" / "mathjax" / "tex-chtml.js").is_file()
    assert len(re.findall(r'class="[^"]*search-button-field', built)) == 1
    put_demo(small, "raise RuntimeError('broken demo')")
    with pytest.raises(ShortestError, match="Sphinx found"):
        book_tool.build(small)
    assert "broken demo" in capfd.readouterr().err
    assert page.read_text(encoding="utf-8") == built

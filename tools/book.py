"""Build the Jupyter Book into build/book/: lessons become pages, demos run, and what came out is checked.

    python tools/book.py [--solutions]

With --solutions the book shows them, and stands in build/book-solutions/, so that the book to publish never
holds one. Warnings are errors. A second build runs only the cells of pages whose code changed.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bs4 import BeautifulSoup

from autograder import ladder, leaks
from autograder.corpus import corpus
from autograder.course import Course
from autograder.model import ShortestError
from autograder.pages import book_page
from autograder.sandbox import Unsandboxed

ROOT = Path(__file__).resolve().parent.parent
# Pages that are no lesson, in order; the first is the front page.
FRAME = ("intro", "how_to_use", "ladder", "speed", "for_instructors", "trust")
DATA = ("corpus.py", "housing.py", "samples.py")  # of the autograder: what the demos of lessons read
FINGERPRINT = "@FINGERPRINT@"
ATTACKS = "@ATTACKS@"  # stands on a page that shows the hostile class, which is run before
LADDER = "ladder.measure("  # what the pages that draw it say
FEWEST_CHARACTERS = 400

# A package rather than npm's, so that Python is all that a build needs; its files are those of npm's
# mathjax 3.2.2, byte for byte. `a11y`, `sre` and `ui` are what MathJax's own menu asks for.
MATHJAX = "sphinx-mathjax-offline"
MATHJAX_PARTS = ("tex-chtml.js", "output/chtml/", "input/tex/extensions/", "a11y/", "sre/", "ui/")

# Who asks another host for something: an attribute of these elements, or one of these in CSS.
LOADS = {"script": "src", "img": "src", "iframe": "src", "source": "src", "object": "data", "embed": "src"}
CSS_LOADS = re.compile(r"""@import\s+(?:url\()?\s*["']?([^"')\s;]+)|url\(\s*["']?([^"')]+)""")
SCRIPT_LOADS = re.compile(
    r"""(?:\b(?:import|from)\b|\.src\s*=|\b(?:import|fetch)\()\s*["']((?:https?:)?//[^"']+)"""
)


@dataclass(frozen=True, slots=True)
class Book:
    """Where a course's book is made: its source, the kitchen, and the finished pages."""

    root: Path
    solutions: bool = False

    @property
    def course(self) -> Course:
        """The lessons, with their solutions."""
        return Course(self.root)

    @property
    def source(self) -> Path:
        """The folder that Sphinx reads, made anew by every build."""
        return self.root / "build" / "book-src"

    @property
    def work(self) -> Path:
        """The folder of what is kept between builds, and of the pages before they are checked."""
        return self.root / "build" / "book-work"

    @property
    def attacks(self) -> Path:
        """What the run of the hostile class found."""
        return self.root / "build" / "hostile.json"

    @property
    def out(self) -> Path:
        """The finished book; it is replaced only by one that was checked."""
        return self.root / "build" / ("book-solutions" if self.solutions else "book")

    @property
    def pages(self) -> list[str]:
        """The names of all pages, without suffix, in the order of the contents."""
        return [*FRAME, *(f"lessons/{lesson.folder}" for lesson in self.course.lessons.values())]


def main(arguments: list[str] | None = None) -> None:
    """Build the book that the command line asks for; end with what is wrong, where something is."""
    parser = argparse.ArgumentParser(description="Build the book into build/book/.")
    parser.add_argument("--solutions", action="store_true", help="show them, in build/book-solutions/")
    book = Book(ROOT, parser.parse_args(arguments).solutions)
    started = time.perf_counter()
    try:
        build(book)
    except ShortestError as problem:
        sys.exit(f"book: {problem}")
    for line in _summary(book):
        print(line)
    print(f"{time.perf_counter() - started:.0f} s. Open {book.out / 'index.html'}")


def build(book: Book) -> None:
    """Make the pages, run their cells, check what came out, and put it in place of the last book.

    Raises ShortestError, naming every page at fault, where the book is not fit to be read.
    """
    if any(ATTACKS in _frame(book, name) for name in FRAME):
        _run_attacks(book)
    if any(LADDER in _frame(book, name) for name in FRAME):
        _climb(book)
    assemble(book)
    profile = book.work / "ipython" / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    shutil.copy(book.source / "ipython_kernel_config.py", profile)
    html = book.work / "html"
    shutil.rmtree(html, ignore_errors=True)
    if subprocess.run(_sphinx(book, html), cwd=book.root, env=_environment(book)).returncode:
        raise ShortestError("Sphinx found the faults above; the last book that was right is untouched")
    problems = [*check(book, html), *_leaks(book, html)]
    vendor_mathjax(html / "_static" / "mathjax")  # after the search for leaks, which reads every file
    if problems:
        raise ShortestError("\n  ".join(["the pages were built, and are not fit to be read:", *problems]))
    shutil.rmtree(book.out, ignore_errors=True)
    shutil.copytree(html, book.out)


def _climb(book: Book) -> None:
    """Measure the ladder and keep what came out, for the pages that draw it: a cell of theirs may not take minutes.

    Raises ShortestError where a rung can't be measured.
    """
    modules = {name: book.course.source(name) for name in book.course.lessons}
    book.work.mkdir(parents=True, exist_ok=True)

    def progress(name: str, rung: ladder.Rung | None) -> None:
        if rung is None:
            print(f"ladder: {name}", flush=True)

    rungs = ladder.measure(
        book.course.lessons.values(),
        modules,
        corpus(),
        Unsandboxed(),
        progress=progress,
        cache=book.work / "ladder.json",
    )
    if broken := [f"{rung.name}: {rung.note}" for rung in rungs if rung.data_bits is None]:
        raise ShortestError("\n  ".join(["rungs of the ladder could not be measured:", *broken]))


def assemble(book: Book) -> None:
    """Write what Sphinx reads: the frame, a page for each lesson, and the contents."""
    shutil.rmtree(book.source, ignore_errors=True)
    shutil.copytree(book.root / "book", book.source)
    course = book.course
    for name in FRAME:
        text = _frame(book, name).replace(FINGERPRINT, _fingerprint(_all_code(book.root)))
        if ATTACKS in text:
            text = text.replace(ATTACKS, _fingerprint(filter(Path.is_file, [book.attacks])))
        _write(book.source / f"{name}.md", text)
    for lesson in course.lessons.values():
        modules = [course.lesson(name).module for name in [*course.needed(lesson.name), lesson.name]]
        data = [book.root / "autograder" / name for name in DATA]
        fingerprint = _fingerprint([*modules, *filter(Path.is_file, data)])
        text = course.source(lesson.name)
        page = book_page(lesson, text, solutions=book.solutions, fingerprint=fingerprint)
        _write(book.source / "lessons" / f"{lesson.folder}.md", page)
    _write(book.source / "_toc.yml", json.dumps(contents(course), indent=2))  # JSON is YAML too


def _frame(book: Book, name: str) -> str:
    path = book.root / "book" / f"{name}.md"
    if not path.is_file():
        raise ShortestError(f"book/{name}.md is missing; the contents name it")
    return path.read_text(encoding="utf-8")


def _run_attacks(book: Book) -> None:
    """Bring the rows of the hostile class up to date, which takes minutes where the grader has changed."""
    command = [sys.executable, str(book.root / "tools" / "hostile.py"), "--stock", "--out", str(book.attacks)]
    if subprocess.run(command, cwd=book.root).returncode:
        raise ShortestError("the hostile class could not be run, for the reason above")


def contents(course: Course) -> dict[str, object]:
    """Return the table of contents: the frame's pages, then the lessons by the parts they name."""
    parts: dict[str, list[dict[str, str]]] = {}
    for lesson in course.lessons.values():
        parts.setdefault(lesson.part, []).append({"file": f"lessons/{lesson.folder}"})
    first, *others = FRAME
    start = {"caption": "Start here", "chapters": [{"file": name} for name in others]}
    lessons = [{"caption": part, "chapters": chapters} for part, chapters in parts.items()]
    return {"format": "jb-book", "root": first, "parts": [start, *lessons]}


def vendor_mathjax(folder: Path) -> None:
    """Copy what a page needs of MathJax 3. Raises ShortestError, saying what to install, where it is missing."""
    try:
        files = importlib.metadata.files(MATHJAX) or []
    except importlib.metadata.PackageNotFoundError:
        raise ShortestError(f"MathJax is missing: python -m pip install {MATHJAX}") from None
    for file in files:
        _, _, part = file.as_posix().partition("/static/mathjax/")
        if part.startswith(MATHJAX_PARTS):
            target = folder / part
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(file.locate()), target)
    if not (folder / MATHJAX_PARTS[0]).is_file():
        raise ShortestError(f"{MATHJAX} holds no {MATHJAX_PARTS[0]}; install it again")


def check(book: Book, html: Path) -> Iterator[str]:
    """Say what is wrong with the built pages, one sentence each."""
    for name in book.pages:
        path = html / f"{name}.html"
        if not path.is_file():
            yield f"{name}: it is in the contents, and no page was built"
            continue
        source = (book.source / f"{name}.md").read_text(encoding="utf-8")
        yield from (f"{name}: {problem}" for problem in page_problems(path.read_text("utf-8"), source))
    for path in sorted(html.rglob("*.html")):
        text = path.read_text(encoding="utf-8")
        yield from (f"{path.relative_to(html)}: asks {host} for something" for host in other_hosts(text))
    machine = [book.root, Path(sysconfig.get_path("purelib")), Path.home()]
    places = [f"{folder}{os.sep}" for folder in machine if folder != Path(folder.anchor)]
    for path in _written_by_us(html):
        text = path.read_text(encoding="utf-8", errors="replace")
        for place in places:
            if place in text:
                yield f"{path.relative_to(html)}: holds the path {place} of this machine"
    for path in sorted(html.rglob("*.css")):
        for host in _css_hosts(path.read_text(encoding="utf-8", errors="replace")):
            yield f"{path.relative_to(html)}: asks {host} for something"


def page_problems(html: str, source: str) -> Iterator[str]:
    """Say what a built page lacks that its source promises."""
    article = BeautifulSoup(html, "html.parser").find("article")
    length = len(article.get_text()) if article else 0
    if article is None or length < FEWEST_CHARACTERS:
        yield f"the page is empty: {length} characters of text"
        return
    cells = re.findall(r"^`{3,}\{code-cell\}.*\n(:tags:.*)?", source, re.MULTILINE)
    shown = [tags for tags in cells if "remove-cell" not in tags]
    outputs = article.select(".cell_output .output")
    if shown and not outputs:
        yield f"{len(shown)} cells to run, and no output of any"
    if article.select(".output.traceback, .system-message"):
        yield "a cell's error or a system message is on the page"
    if "<Figure size" in article.get_text():
        yield "an output names a figure instead of showing it"
    if re.search(r" at 0x[0-9a-f]{6,}", article.get_text()):
        yield "an output shows an object's address, which is another one in every build"


def other_hosts(html: str) -> Iterator[str]:
    """Name the hosts that a browser would ask when it opens this page."""
    page = BeautifulSoup(html, "html.parser")
    addresses = [element.get(LOADS[element.name]) for element in page.find_all(list(LOADS))]
    links = page.find_all("link", rel=re.compile("stylesheet|icon|preload|prefetch|preconnect|manifest"))
    addresses += [link.get("href") for link in links]
    for element in page.find_all("script", src=False):
        addresses += SCRIPT_LOADS.findall(element.get_text())
    for address in addresses:
        if host := urlsplit(str(address or "")).netloc:
            yield host
    for element in page.find_all("style"):
        yield from _css_hosts(element.get_text())
    for element in page.find_all(style=True):
        yield from _css_hosts(str(element["style"]))


def _css_hosts(css: str) -> Iterator[str]:
    for match in CSS_LOADS.finditer(css):
        if host := urlsplit(match.group(1) or match.group(2)).netloc:
            yield host


def _leaks(book: Book, html: Path) -> Iterator[str]:
    """Search the pages for solutions, hidden laws and planted bugs; a book with solutions only for the laws."""
    for leak in leaks.find_leaks(book.course, html):
        if not book.solutions or "holds a hidden law" in leak:
            yield leak


def _written_by_us(html: Path) -> Iterator[Path]:
    for path in sorted(html.rglob("*")):
        if path.suffix in (".html", ".js", ".svg", ".json", ".txt") and "_static" not in path.parts:
            yield path


def _all_code(root: Path) -> list[Path]:
    folders = ("solutions", "autograder", "tests/laws/public")
    files = [path for folder in folders for path in sorted((root / folder).rglob("*.py"))]
    return [*files, *(root / "tools").glob("bench_codecs.py")]  # which the page on speed runs


def _fingerprint(paths: Iterable[Path]) -> str:
    """Return a hash of all that the outputs of a page's cells depend on, beside the cells themselves."""
    digest = hashlib.sha256(sys.version.encode())
    for package in ("ipython", "matplotlib", "matplotlib-inline", "numpy"):
        digest.update(importlib.metadata.version(package).encode())
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _sphinx(book: Book, html: Path) -> list[str]:
    cache = f"nb_execution_cache_path={book.work / 'cache'}"
    # -E: a page that Sphinx remembers would not warn again.
    options = ["-b", "html", "-q", "-E", "-n", "-W", "--keep-going", "-D", cache]
    return [
        sys.executable,
        "-m",
        "sphinx",
        *options,
        "-d",
        str(book.work / "doctrees"),
        str(book.source),
        str(html),
    ]


def _environment(book: Book) -> dict[str, str]:
    """Return what the kernels find: the reference as `squeeze`, the course, and nobody's personal settings."""
    paths = [str(book.root / "solutions"), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "SHORTEST_COURSE": str(book.root),
        "IPYTHONDIR": str(book.work / "ipython"),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "PYTHONHASHSEED": "0",  # the same pages from the same source
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    environment.pop("MPLBACKEND", None)  # another backend than the notebook's would draw nothing
    return environment


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def _summary(book: Book) -> Iterator[str]:
    for name in book.pages:
        size = (book.out / f"{name}.html").stat().st_size
        yield f"{name:32}{size / 1024:8.0f} KiB"


if __name__ == "__main__":
    main()

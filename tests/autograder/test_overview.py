"""The instructor's page counts right, draws the same at every run, and trusts no text."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import matplotlib as mpl
import pytest

from autograder import feedback, overview
from autograder.markup import visible
from autograder.model import Attempt, Finding, Law, Lesson, Limits, Outcome, Verdict

NONE = "\N{EN DASH}"
HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(1)>\x1b[31m\x00\u202e\ud800 $\\frac{1}{0}$'
NAMES = ["entropy", "huffman", "ans"]
LESSONS = {
    name: Lesson(i + 1, name, f"{name} & co", "Bits", 1, (), Limits(), "", Path("p"), Path("m"))
    for i, name in enumerate(NAMES)
}


class Page(HTMLParser):
    """The tags of a page, and all text in each table cell, header, and drawing."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.cells: dict[str, list[str]] = {"td": [], "th": [], "text": [], "style": [], "li": []}
        self.inside: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag in self.cells:
            self.inside.append(tag)
            self.cells[tag].append("")

    def handle_endtag(self, tag):
        if tag in self.cells:
            assert self.inside.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        for tag in self.inside[-1:]:
            self.cells[tag][-1] += data


def law(lesson, name, *, hidden=False):
    return Law(name, lesson, "code", f"{name} of {lesson} holds.", "Try.", 2, hidden, 1, lambda: None)


LAWS = {name: [law(name, "a"), law(name, "b"), law(name, "h", hidden=True)] for name in NAMES}


def attempt(student, lesson, *outcomes, because="", notes=(), seconds=1.0):
    verdicts = [
        Verdict(name, outcome, 2 * (outcome is Outcome.PASSED), 2, because, Finding(because))
        for name, outcome in zip("abh", outcomes, strict=False)
    ]
    return Attempt(student, lesson, "ab" * 32, "g", tuple(verdicts), seconds, tuple(notes))


PASSED, FAILED, LATE, BROKEN = Outcome.PASSED, Outcome.FAILED, Outcome.TIMED_OUT, Outcome.GRADER_ERROR
CLASS = [
    attempt("ada", "entropy", FAILED, FAILED, FAILED),  # handed in again below
    attempt("ada", "entropy", PASSED, PASSED, PASSED),
    attempt("bob", "entropy", PASSED, FAILED, FAILED, seconds=0.0),
    attempt("cyd", "entropy", PASSED, LATE, BROKEN, because="a trace", seconds=1e5),
    attempt("ada", "huffman", PASSED, PASSED, PASSED, notes=["two cells of one name"]),
]


def test_the_page_runs_and_loads_nothing():
    html = overview.page(CLASS, LAWS, LESSONS)
    page = Page(html)
    (style,) = page.cells["style"]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:" in next(
        attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv") == "Content-Security-Policy"
    )
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    for tag, attrs in page.tags:
        assert tag not in {"script", "iframe", "object", "embed", "form", "link", "base", "img", "image"}
        for key, value in attrs.items():
            assert not key.startswith("on")
            assert key not in {"style", "src", "action", "xlink:href"}
            assert key != "href" or value.startswith(("#", "feedback/student-"))
            for target in re.findall(r"^#(.*)$" if key == "href" else r"url\(#(.*?)\)", value or ""):
                assert target in ids, value
            assert "#0000" not in (value or ""), "a colour that the page doesn't own"


def test_hostile_names_and_messages_are_text(recwarn):
    attempts = [
        attempt(HOSTILE, "entropy", BROKEN, FAILED, because=HOSTILE, notes=[HOSTILE]),
        attempt("ada", HOSTILE, PASSED),
        attempt("x" * 1_000_000, "entropy", PASSED),
    ]
    html = overview.page(attempts, LAWS, LESSONS, notes=[HOSTILE])
    html.encode()
    page = Page(html)
    assert not {"script", "img"} & {tag for tag, _ in page.tags}
    assert not set(html) & set("\x00\x1b\u202e\ud800")
    assert visible(HOSTILE) in page.cells["li"]
    assert any(visible(HOSTILE) in cell for cell in page.cells["th"])
    assert not recwarn.list


def test_the_same_class_is_drawn_the_same():
    first = overview.page(CLASS, LAWS, LESSONS)
    with mpl.rc_context({"font.size": 40, "svg.fonttype": "path", "axes.facecolor": "red"}):
        before = dict(mpl.rcParams)
        assert overview.page(CLASS, LAWS, LESSONS) == first
        assert dict(mpl.rcParams) == before
    assert not re.search(r"20\d\d-\d\d-\d\d", first)


def test_each_student_and_lesson_has_a_cell_that_leads_to_the_page():
    page = Page(overview.page(CLASS, LAWS, LESSONS))
    links = [attrs["href"] for tag, attrs in page.tags if tag == "a" and "href" in attrs]
    for student in ("ada", "bob", "cyd"):
        assert f"feedback/{feedback.file_name(student)}" in links
    own = feedback.page("ada", CLASS, LAWS, LESSONS)
    for link in links:
        if link.startswith("feedback/student-ada.html#"):
            assert f'id="{link.partition("#")[2]}"' in own
    cells = page.cells["td"][-9:]
    assert cells == ["6of 6", "6of 6", NONE, "2of 6", NONE, NONE, "2of 6", NONE, NONE]


def test_points_are_those_of_the_students_page():
    attempts = [attempt("ada", "entropy", PASSED)]  # two laws have no verdict
    (view, *_) = feedback.as_json("ada", attempts, LAWS, LESSONS)
    assert (view["points"], view["possible"]) == (2, 6)
    assert "2of 6" in Page(overview.page(attempts, LAWS, LESSONS)).cells["td"]


def test_the_hardest_laws_come_first_without_the_graders_own_failures():
    page = Page(overview.page(CLASS, LAWS, LESSONS))
    titles = [cell for cell in page.cells["th"] if "holds." in cell]
    assert [title.split(" holds")[0] for title in titles] == ["b of entropy", "h of entropy"]
    shares = [cell.strip() for cell in page.cells["td"] if re.match(r"\d of \d\s*$", cell.strip())]
    assert shares[-2:] == ["1 of 3", "1 of 2"]
    assert "1 failed, 1 timed out" in page.cells["td"]


def test_what_could_not_be_graded_is_listed_with_the_reason():
    page = Page(
        overview.page(
            [*CLASS, Attempt("dan", "ans", "", "g", (), 0.0)], LAWS, LESSONS, notes=["x.zip: a bomb"]
        )
    )
    assert page.cells["li"] == [
        "h of entropy holds. a trace",
        "two cells of one name",
        "No law was run on this submission.",
        "x.zip: a bomb",
    ]


def test_verdicts_are_counted_by_lesson():
    page = Page(overview.page(CLASS, LAWS, LESSONS))
    start = page.cells["th"].index("entropy")
    assert page.cells["th"][start : start + 2] == ["entropy", "huffman"]
    counts = [cell for cell in page.cells["td"] if re.fullmatch(r"\d+", cell)]
    assert "".join(counts).find("521001" + "300000") >= 0


def test_the_drawings_name_the_lessons_that_were_handed_in():
    texts = Page(overview.page(CLASS, LAWS, LESSONS)).cells["text"]
    assert texts.count("entropy") == texts.count("huffman") == 3
    assert "ans" not in texts
    assert {"passed", "failed", "timed out", "grader error"} <= set(texts)


@pytest.mark.parametrize("lessons", [LESSONS, {}])
def test_nobody_has_handed_in(lessons):
    html = overview.page([], {}, lessons)
    assert "0 students" in html
    assert "Nobody has handed in" in html


def test_forty_lessons_fit():
    lessons = {
        f"lesson{i}": Lesson(i, f"lesson{i}", "T", "P", 1, (), Limits(), "", Path("p"), Path("m"))
        for i in range(40)
    }
    laws = {name: [law(name, "a")] for name in lessons}
    attempts = [attempt("ada", name, PASSED) for name in lessons]
    assert overview.page(attempts, laws, lessons).count(">lesson39<") >= 4


def test_folder_may_be_this_one():
    assert 'href="student-ada.html"' in overview.page(CLASS, LAWS, LESSONS, folder="")

"""The instructor's page counts right, draws the same at every run, and trusts no text."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import matplotlib as mpl
import pytest

from autograder import feedback, overview
from autograder.markup import visible
from autograder.model import Attempt, Finding, Law, Lesson, Limits, Outcome, Override, Score, Verdict
from autograder.similar import Pair

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
        "No law was run on this submission.",
        "two cells of one name",
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


def rows_of(html, caption):
    """Return the texts of a table's body, cell by cell, by the beginning of its caption."""
    (table,) = [
        part for part in re.findall(r"<table.*?</table>", html, re.DOTALL) if f"<caption>{caption}" in part
    ]
    page = Page(table.partition("<tbody>")[2])
    heads, cells = page.cells["th"], page.cells["td"]
    width = len(cells) // len(heads)
    return [
        [head.strip(), *map(str.strip, cells[i * width : (i + 1) * width])] for i, head in enumerate(heads)
    ]


def check_links(html, students):
    """Hold every link of a page against the places on the pages of these students."""
    known = {feedback.file_name(student) for student in students}
    for link in re.findall(r'href="([^"]*)"', html):
        page, _, place = link.removeprefix("feedback/").partition("#")
        assert page in known or (page == "" and f'id="{place}"' in html), link
        assert not page or not place or place in {feedback.anchor(name) for name in NAMES}, link


def score(attempt, points, **more):
    return Score(attempt, more.pop("earned", points), points, 6.0, **more)


CHANGE = Override("bob", "entropy", "b", 2.0, "Prof. Hopper", "Both readings count.")
WHOLE = Override("bob", "entropy", "", 3.0, "Eve", "")


def test_the_attempt_of_the_score_counts_with_its_points():
    scores = {
        ("ada", "entropy"): score(CLASS[0], 1.5, earned=3.0, penalty=0.5, days_late=5, attempts=2),
        ("bob", "entropy"): score(CLASS[2], 3.0, overrides=(CHANGE, WHOLE), days_late=1),
        ("zoe", "entropy"): score(CLASS[0], 6.0),
    }
    html = overview.page(CLASS, LAWS, LESSONS, scores=scores)
    check_links(html, ["ada", "bob", "cyd"])
    assert rows_of(html, "Points of each student") == [
        ["ada", "1.5of 6late", "6of 6", NONE],
        ["bob", "3of 6late, changed", NONE, NONE],
        ["cyd", "2of 6", NONE, NONE],
    ]
    assert rows_of(html, "Lessons")[0][1:3] == ["3", "2 of 6"]
    assert ["2 of 3", "1 failed"] in [row[1:] for row in rows_of(html, "The laws that the smallest")]
    assert [row[:2] for row in rows_of(html, "Points that a person gave")] == [["bob", "entropy"]]
    assert [text for text in Page(html).cells["li"] if " for: " in text] == [
        "2 for: b of entropy holds.Prof. Hopper: Both readings count.",
        "3 for: The whole lessonEve",
    ]
    assert rows_of(html, "Whose work came after") == [
        ["ada", "entropy", "5", "1.5"],
        ["bob", "entropy", "1", "0"],
    ]


def test_without_scores_nobody_is_late_and_nothing_was_changed():
    html = overview.page(CLASS, LAWS, LESSONS)
    assert not {"late", "Near-duplicates", "Misconceptions"} & set(re.split(r"[<>]", html))
    assert "the last one counts" in html


def test_misconceptions_are_counted_over_the_submissions_that_count():
    def seen(attempt, **texts):
        return replace(attempt, misconceptions=texts)

    attempts = [
        seen(CLASS[0], code="Handed in again since."),
        CLASS[1],
        seen(CLASS[2], code="Only `whole` bytes.", other="<b>"),
        seen(CLASS[3], code="Only `whole` bytes."),
        seen(CLASS[4], code="Only `whole` bytes."),
    ]
    html = overview.page(attempts, LAWS, LESSONS)
    assert rows_of(html, "How many submissions behave") == [
        ["Only whole bytes.entropy:code", "2 of 3"],
        ["<b>entropy:other", "1 of 3"],
        ["Only whole bytes.huffman:code", "1 of 1"],
    ]
    assert "<code>whole</code>" in html


def test_near_duplicates_lead_to_both_pages():
    pairs = {
        "entropy": [Pair("ada", "bob", 0.624, ("code", "other")), Pair("bob", HOSTILE, 0.5)],
        "huffman": [Pair("ada", "cyd", 1.0)],
    }
    html = overview.page(CLASS, LAWS, LESSONS, pairs=pairs)
    check_links(html, ["ada", "bob", "cyd", HOSTILE])
    assert rows_of(html, "The share") == [
        ["adacyd", "huffman", "100%", ""],
        ["adabob", "entropy", "62%", "code, other"],
        [f"bob{visible(HOSTILE)}", "entropy", "50%", ""],
    ]
    assert "3 near-duplicates" in html


def test_where_the_grader_broke_comes_before_notes_on_files():
    attempts = [
        attempt("ada", "entropy", PASSED, notes=["a note"]),
        attempt("bob", "huffman", BROKEN, because="a trace", notes=["another"]),
    ]
    html = overview.page(attempts, LAWS, LESSONS)
    assert [row[:2] for row in rows_of(html, "Where the grader broke")] == [
        ["bob", "huffman"],
        ["ada", "entropy"],
    ]


def large(students, lessons):
    attempts, scores = [], {}
    for i in range(students):
        for name in lessons:
            outcomes = [PASSED if (i * 7 + k) % 3 else FAILED for k in range(3)]
            one = attempt(
                f"student-{i:04}", name, *outcomes, seconds=0.1 + i % 50 / 20, notes=["a note"] * (i % 2)
            )
            changes = (replace(CHANGE, student=one.student, lesson=name),)
            attempts.append(replace(one, misconceptions={"code": f"Mistake {i % 9}."}))
            place = (one.student, name)
            scores[place] = score(attempts[-1], one.points / 2, overrides=changes, days_late=1 + i % 5)
    return attempts, scores


def test_a_large_class_is_a_page_that_can_be_used():
    attempts, scores = large(1000, NAMES)
    pairs = {
        name: [Pair(f"student-{i:04}", f"student-{i + 1:04}", 0.9, ("code",)) for i in range(900)]
        for name in NAMES
    }
    started = time.process_time()
    html = overview.page(attempts, LAWS, LESSONS, scores=scores, pairs=pairs)
    assert time.process_time() - started < 10  # below 1 on one core
    assert len(html.encode()) < 1_500_000
    for caption in (
        "The share",
        "Points that a person gave",
        "Whose work came after",
        "Where the grader broke",
    ):
        assert len(rows_of(html, caption)) == 100, caption
    assert html.count("more are not shown") == 4
    assert len(rows_of(html, "Points of each student")) == 1000
    check_links(html, {attempt.student for attempt in attempts})


def test_a_class_too_large_for_a_link_in_each_cell_has_one_for_each_student(monkeypatch):
    monkeypatch.setattr(overview, "LINKED", 3)
    html = overview.page(CLASS, LAWS, LESSONS)
    (table,) = re.findall(r"<caption>Points of each.*?</table>", html, re.DOTALL)
    assert table.count("<a ") == 3
    assert rows_of(html, "Points of each student")[0] == ["ada", "6of 6", "6of 6", NONE]

"""A student's page shows the whole truth about public laws, little about hidden ones, and runs nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import time
import unicodedata
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder import feedback
from autograder.markup import amount, prose, visible
from autograder.model import Attempt, Finding, Law, Lesson, Limits, Outcome, Override, Score, Verdict

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</pre></style></title><iframe src=https://evil.example>",
    "{{ 7 * 7 }}{% raw %}",
    "\x1b[31mred\x1b[0m",
    "nul \x00 bell \x07 return \r delete \x7f",
    "\u202egnp.exe \u2066isolate\u2069 \ufeff",
    "half a pair \ud800",
    "&lt;b&gt; &amp;",
    "\n\nlines\n\tand tabs",
]
VOID = {"meta", "br", "rect"}
LESSON = Lesson(3, "huffman", "Huffman & co", "Bits", 1, (), Limits(), "", Path("p"), Path("m"))
LATER = Lesson(4, "ans", "ANS", "Bits", 1, (), Limits(), "", Path("p"), Path("m"))
SECRET = "s3cr3t"
FULL = Finding(
    f"{SECRET} m", {f"{SECRET}_name": f"{SECRET} v"}, f"f({SECRET})", SECRET, SECRET, SECRET, "wrong"
)


class Page(HTMLParser):
    """What a browser would make of a page: its tags, its attributes, its texts by tag."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[str, str]] = []
        self.open: list[int] = []  # places in `texts`
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs)
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(len(self.texts))
            self.texts.append((tag, ""))

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.texts[self.open.pop()][0] == tag

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        for place in self.open[-1:]:
            tag, text = self.texts[place]
            self.texts[place] = (tag, text + data)

    def of(self, tag):
        return [text for found, text in self.texts if found == tag]


def law(name, *, hidden=False, points=2, title="", hint="Try harder.", exercise="code"):
    return Law(name, "huffman", exercise, title or f"{name} holds.", hint, points, hidden, 1, lambda: None)


def verdict(name, outcome=Outcome.FAILED, because="it differs", finding=None, points=0):
    return Verdict(name, outcome, points, 2, because, finding)


def passed(name):
    return verdict(name, Outcome.PASSED, "", points=2)


def attempt(*verdicts, student="ada", notes=(), lesson="huffman"):
    return Attempt(student, lesson, "ab" * 32, "shortest 0", tuple(verdicts), 1.0, tuple(notes))


def both(laws, *verdicts, student="ada", notes=()):
    arguments = (
        student,
        [attempt(*verdicts, student=student, notes=notes)],
        {"huffman": laws},
        {"huffman": LESSON},
    )
    return feedback.page(*arguments), feedback.as_json(*arguments)


def shown(data):
    return [law for exercise in data[0]["exercises"] for law in exercise["laws"]]


def check_policy(page):
    """Hold a page against the promise that it runs and loads nothing, and has its own style alone."""
    metas = {attrs.get("http-equiv"): attrs.get("content") for tag, attrs in page.tags if tag == "meta"}
    (style,) = page.of("style")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = metas["Content-Security-Policy"].split("; ")
    assert policy[:3] == ["default-src 'none'", f"style-src 'sha256-{digest}'", "img-src data:"]
    assert "url(" not in style
    assert "@import" not in style
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    for tag, attrs in page.tags:
        assert tag not in {
            "script",
            "iframe",
            "object",
            "embed",
            "form",
            "link",
            "base",
            "img",
            "audio",
            "video",
        }
        for key, value in attrs.items():
            assert not key.startswith("on")
            assert key not in {"style", "src", "srcset", "action", "xlink:href"}
            if key == "href" and value.startswith("#"):
                assert value[1:] in ids
            elif key == "href":
                assert re.fullmatch(r"(feedback/)?student-[a-z0-9_-]*\.html(#lesson-[a-z0-9_-]*)?", value)


def check_text(text):
    """Hold a page against the promise that its characters are seen, stay in order and can be encoded."""
    text.encode("utf-8")
    bad = {c for c in set(text) if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}
    assert bad <= set("\n\t\u200c\u200d")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_and_does_nothing(text):
    finding = Finding(text, {text: text}, text, text, text, text, text)
    laws = [law("a", title=text, hint=text, exercise=text), law("b", hidden=True, title=text, hint=text)]
    html, data = both(
        laws, verdict("a", because=text, finding=finding), verdict("b"), student=text, notes=[text]
    )
    page = Page(html)
    check_policy(page)
    check_text(html)
    assert page.of("pre") == [f"\n{visible(text)}"] * 5  # a browser drops the first line break
    assert page.of("bdi") == [visible(text)]
    assert json.loads(json.dumps(data)) == data


@settings(max_examples=30, deadline=None)
@given(text=st.text(st.characters(), max_size=40))
def test_any_text_stays_text(text):
    html, _ = both([law("a", title=text)], verdict("a", finding=Finding(text, {"x": text})), student=text)
    check_policy(Page(html))
    check_text(html)


def test_a_megabyte_is_shown_whole_and_folded():
    text = "\\x00" * 250_000 + "end"
    html, data = both([law("a")], verdict("a", finding=Finding("m", {"data": text}, got=text)))
    page = Page(html)
    assert page.of("pre") == [f"\n{text}"] * 2
    assert page.of("summary").count("Show all 1,000,003 characters") == 2
    assert shown(data)[0]["got"] == text
    assert len(html) < 2 * len(text) + 50_000


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("category", ["wrong", "error", "type", "timed out", "crashed", "load", SECRET, ""])
@pytest.mark.parametrize("known", [True, False])
def test_hidden_details_never_appear(outcome, category, known):
    finding = Finding(FULL.message, FULL.example, FULL.call, SECRET, SECRET, SECRET, category)
    laws = [law("b", hidden=True, title="A title.", hint="A hint.")] if known else []
    for found in (finding, None):
        html, data = both(laws, verdict("b", outcome, f"because {SECRET} is not started", found))
        assert SECRET not in html + json.dumps(data)
        (view,) = shown(data)
        assert {"example", "call", "expected", "got", "where", "name", "seconds"}.isdisjoint(view)
        assert view["title"] == ("A title." if known else "A law that the course no longer has.")
        assert (view.get("hint") == "A hint.") == (
            known and outcome not in {Outcome.PASSED, Outcome.GRADER_ERROR}
        )


def test_hidden_laws_say_in_words_how_they_broke():
    for category, words in feedback.CATEGORIES.items():
        html, data = both([law("b", hidden=True)], verdict("b", finding=Finding("m", category=category)))
        assert shown(data)[0]["what"] == words
        assert words in Page(html).of("p")


def test_a_public_law_shows_all_that_was_found():
    found = Finding(
        "the message", {"data": "b'aab'", "n": "2"}, "code(b'aab')", "[1]", "[2]", "line 3", "wrong"
    )
    html, _ = both([law("a")], verdict("a", finding=found))
    page = Page(html)
    assert "the message" in page.of("p")
    assert page.of("pre") == ["\nb'aab'", "\n2", "\ncode(b'aab')", "\n[1]", "\n[2]", "\nline 3"]
    assert page.of("dt") == ["The smallest input found", "The call", "Expected", "Got", "Your line"]
    assert page.of("code")[:4] == ["code", "code", "data", "n"]
    assert "Try harder." in html


@pytest.mark.parametrize(
    ("outcome", "because", "words"),
    [
        (Outcome.PASSED, "", "passed"),
        (Outcome.FAILED, "it differs", "failed"),
        (Outcome.TIMED_OUT, "it took long", "timed out"),
        (Outcome.CRASHED, "it died", "crashed"),
        (Outcome.NOT_RUN, "huffman: code is not started", "not started"),
        (Outcome.NOT_RUN, "code took too long before, in 'a'", "not run"),
        (Outcome.GRADER_ERROR, "the grader broke, not your code: X", "the grader broke"),
    ],
)
def test_outcomes_are_words(outcome, because, words):
    html, data = both([law("a")], verdict("a", outcome, because))
    page = Page(html)
    outcomes = [text for tag, text in page.texts if tag == "span" and text.strip() in {words}]
    assert len(outcomes) == 1
    assert not because or because in page.of("p")
    assert shown(data)[0]["outcome"] == words


def test_the_json_is_what_the_page_shows():
    laws = [
        law("a", title="Alpha."),
        law("b", title="Beta.", exercise="decode"),
        law("c", title="Gamma."),
        law("h", title="Eta.", hidden=True, hint="Hidden hint."),
    ]
    found = Finding("what", {"data": "b'x'"}, "call()", "1", "2", "where", "wrong")
    verdicts = [
        passed("a"),
        verdict("b", finding=found),
        verdict("h", finding=FULL),
        verdict("z", finding=FULL),
    ]
    html, data = both(laws, *verdicts, notes=["a note"])
    page = Page(html)
    views = shown(data)
    spans = [text.strip() for text in page.of("span")]
    assert [view["title"] for view in views] == [text for text in spans if re.match("[A-Z].*[.]$", text)]
    values = [
        value
        for view in views
        for value in [
            *view.get("example", {}).values(),
            *(view.get(k) for k in ("call", "expected", "got", "where")),
        ]
        if value
    ]
    assert page.of("pre") == [f"\n{value}" for value in values]
    for view in views:
        assert f"{view['points']} of {view['possible']}" in spans
        assert view["outcome"] == "passed" or view["what"] in page.of("p")
    assert page.of("li")[:1] == data[0]["notes"] == ["a note"]
    assert data[0]["sha256"] in page.of("code")


def test_points_agree_and_a_law_without_a_verdict_counts():
    html, data = both([law("a"), law("b", points=5)], passed("a"))
    assert (data[0]["points"], data[0]["possible"]) == (2, 7)
    assert "2 of 7" in Page(html).of("td")
    assert [view["outcome"] for view in shown(data)] == ["passed", "not run"]


def test_what_next_is_the_first_law_that_is_not_passed():
    laws = [law("a"), law("b", title="Beta."), law("c"), law("h", hidden=True)]
    html, data = both(laws, passed("a"), verdict("b"), verdict("c"), passed("h"))
    assert [view["title"] for view in shown(data) if view["next"]] == ["Beta."]
    page = Page(html)
    assert [text for text in page.of("a") if "#" not in text][-1] == "Beta."
    assert [attrs for tag, attrs in page.tags if tag == "details" and "open" in attrs] == [
        {"class": "law broken", "open": None}
    ]
    html, data = both(laws[:1], passed("a"))
    assert not any(view["next"] for view in shown(data))
    assert "Every law holds" in html


def test_every_lesson_is_listed_and_the_last_attempt_counts():
    lessons = {"huffman": LESSON, "ans": LATER}
    laws = {"huffman": [law("a")], "ans": []}
    attempts = [
        attempt(verdict("a")),
        attempt(passed("a")),
        attempt(verdict("q"), lesson="gone"),
        attempt(verdict("a"), student="bob"),
    ]
    data = feedback.as_json("ada", attempts, laws, lessons)
    assert [(view["lesson"], view["handed_in"], view["points"]) for view in data] == [
        ("huffman", True, 2),
        ("ans", False, 0),
        ("gone", True, 0),
    ]
    page = Page(feedback.page("ada", attempts, laws, lessons))
    check_policy(page)
    assert page.of("td") == ["2 of 2", "not handed in", "0 of 2"]


def test_pages_are_written_one_a_student(tmp_path):
    students = [
        "ada",
        "Ada",
        "../../etc/passwd",
        "con",
        "",
        "é",
        "e\u0301",
        "\ud800",
        "x" * 5000,
        "a/b",
        "a\\b",
    ]
    attempts = [attempt(passed("a"), student=student) for student in students]
    paths = feedback.write(tmp_path / "new", attempts, {"huffman": [law("a")]}, {"huffman": LESSON})
    assert sorted(paths) == sorted((tmp_path / "new").glob("*.html"))
    assert sorted(path.with_suffix(".json") for path in paths) == sorted((tmp_path / "new").glob("*.json"))
    assert len({path.name.casefold() for path in paths}) == len(students)
    again = [path.read_bytes() for path in paths]
    feedback.write(tmp_path / "new", attempts, {"huffman": [law("a")]}, {"huffman": LESSON})
    assert [path.read_bytes() for path in paths] == again


def test_the_json_beside_the_page_holds_what_the_page_shows(tmp_path):
    arguments = ([attempt(passed("a"), student="\u202eada")], {"huffman": [law("a")]}, {"huffman": LESSON})
    (path,) = feedback.write(tmp_path, *arguments)
    data = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert data == {
        "version": 1,
        "student": visible("\u202eada"),
        "lessons": feedback.as_json("\u202eada", *arguments),
    }


def keys(value):
    if isinstance(value, dict):
        free = value.keys() if "example" not in value else value.keys() | {"example"}
        return set(free).union(*(keys(part) for key, part in value.items() if key != "example"))
    return set().union(*map(keys, value)) if isinstance(value, list) else set()


def test_every_key_of_the_json_is_documented(tmp_path):
    change = Override("ada", "huffman", "a", 1.0, "bob", "why")
    judged = attempt(verdict("a", finding=FULL), verdict("h", finding=FULL))
    score = Score(judged, 1.0, 1.0, 4.0, overrides=(change,))
    laws = {"huffman": [law("a"), law("h", hidden=True)]}
    (path,) = feedback.write(tmp_path, [judged], laws, {"huffman": LESSON}, {("ada", "huffman"): score})
    found = keys(json.loads(path.with_suffix(".json").read_text(encoding="utf-8")))
    documented = set(re.findall(r"[`\"](\w+)[`\"]", feedback.__doc__))
    assert found == documented


def test_a_page_that_does_not_change_is_not_written_again(tmp_path):
    laws, lessons = {"huffman": [law("a")]}, {"huffman": LESSON}
    paths = feedback.write(
        tmp_path, [attempt(passed("a")), attempt(passed("a"), student="bob")], laws, lessons
    )
    files = [file for path in paths for file in (path, path.with_suffix(".json"))]
    for file in files:
        os.utime(file, (1, 1))
    feedback.write(tmp_path, [attempt(passed("a")), attempt(verdict("a"), student="bob")], laws, lessons)
    assert [file.stat().st_mtime == 1 for file in files] == [True, True, False, False]


class Counted(list):
    """A list that knows how often it was gone through."""

    times = 0

    def __iter__(self):
        self.times += 1
        return super().__iter__()


def test_the_attempts_are_gone_through_once_however_many_students_there_are(tmp_path):
    attempts = Counted(attempt(passed("a"), student=str(i)) for i in range(20))
    feedback.write(tmp_path, attempts, {"huffman": [law("a")]}, {"huffman": LESSON})
    assert attempts.times == 1


def test_a_page_takes_milliseconds(tmp_path):
    laws = {"huffman": [law(f"law {i}", exercise=f"exercise {i // 3}") for i in range(75)]}
    attempts = [
        attempt(*(verdict(one.name, finding=FULL) for one in laws["huffman"]), student=str(i))
        for i in range(50)
    ]
    started = time.process_time()
    feedback.write(tmp_path, attempts, laws, {"huffman": LESSON})
    assert (time.process_time() - started) / 50 < 0.05  # about 0.004 on one core


def scored(tries, score, *laws):
    arguments = ("ada", tries, {"huffman": list(laws)}, {"huffman": LESSON}, {("ada", "huffman"): score})
    return Page(feedback.page(*arguments)), feedback.as_json(*arguments)[0]


def test_the_points_are_those_after_a_persons_changes_and_the_late_rule():
    changes = (
        Override("ada", "huffman", "a", 1.5, "Prof. Hopper", "Both readings count."),
        Override("ada", "huffman", "h", 2.0, "Eve", ""),
        Override("ada", "huffman", "", 3.25, "Bob", "A <b>talk</b>.", "2026-01-01T00:00:00+00:00"),
        Override("ada", "huffman", SECRET, 1.0, "Bob", "Old."),
        Override("ada", "huffman", "b", float("nan"), "Bob", "Taken back."),
    )
    judged = attempt(verdict("a"), passed("b"), verdict("h"))
    score = Score(judged, 3.25, 2.925, 6.0, 0.1, 2, changes)
    page, view = scored(
        [judged], score, law("a", title="Alpha."), law("b"), law("h", hidden=True, title="Eta.")
    )
    assert page.of("td")[0] == "2.92 of 6"
    assert page.of("strong")[0] == "2.92"
    rows = [text.strip() for tag, text in page.texts if tag in {"th", "td"}][4:]
    assert rows == [
        *("By the laws", "2"),
        *("Alpha.", "1.5 instead of 0", "Eta.", "2 instead of 0", "The whole lesson", "3.25 instead of 2"),
        *("A law that the course no longer has.", "1 instead of 0", "b holds.", "as before"),
        *("With these changes", "3.25", "2 days late: 10% less", "\N{MINUS SIGN}0.33", "What counts", "2.92"),
    ]
    said = [text for text in page.of("bdi") if text != "ada"]
    assert said[:5] == ["Prof. Hopper", "Both readings count.", "Eve", "Bob", "A <b>talk</b>."]
    assert said[5:] == ["Bob", "Old.", "Bob", "Taken back."]
    assert SECRET not in json.dumps(view)
    shown = view["score"]
    assert (shown["points"], shown["earned"], shown["penalty"], shown["days_late"]) == (2.925, 3.25, 0.1, 2)
    assert shown["overrides"][2] == {
        "title": "",
        "points": 3.25,
        "before": 2,
        "who": "Bob",
        "why": "A <b>talk</b>.",
        "when": "2026-01-01T00:00:00+00:00",
    }
    assert shown["overrides"][4]["points"] is None


def test_where_nothing_was_changed_nothing_is_explained():
    judged = attempt(passed("a"))
    page, view = scored([judged], Score(judged, 2.0, 2.0, 2.0), law("a"))
    assert "How the points came about" not in page.of("caption")
    assert view["score"]["overrides"] == []
    _, (view,) = both([law("a")], passed("a"))
    assert view["score"] is None
    page, _ = scored([judged], Score(judged, 2.0, 2.0, 2.0, 0.0, 1), law("a"))
    assert "1 day late, which costs nothing" in page.of("th")


def test_the_attempt_that_counts_is_shown_and_which_of_how_many_it_is():
    def handed_in(day, found):
        return replace(attempt(found), sha256=str(day) * 32, received=f"2026-11-{day}T10:12:33+00:00")

    best, second, last = handed_in(20, passed("a")), handed_in(21, verdict("a")), handed_in(22, verdict("a"))
    again = replace(best, grader="newer")  # a regrade
    score = Score(again, 2.0, 2.0, 2.0, attempts=3)
    page, view = scored([second, best, again, last], score, law("a"))
    assert (view["sha256"], view["passed"], view["received"]) == (best.sha256, 1, best.received)
    assert (view["score"]["attempt"], view["score"]["attempts"]) == (1, 3)
    assert "Handed in 2026-11-20 10:12 UTC. Attempt 1 of 3 is the one that counts." in page.of("p")
    page, view = scored([again], score, law("a"))  # where the other one is not at hand
    assert view["score"]["attempt"] is None
    assert (
        "Handed in 2026-11-20 10:12 UTC. You handed in 3 attempts; this is the one that counts."
        in page.of("p")
    )


def test_a_misconception_stands_at_its_exercise_and_nowhere_else():
    laws = [law("a"), law("b", exercise="decode"), law("c", exercise="other")]
    known = {"decode": "Only `whole` bytes count.", "gone": SECRET}
    judged = replace(attempt(passed("a"), verdict("b"), verdict("c")), misconceptions=known)
    arguments = ("ada", [judged], {"huffman": laws}, {"huffman": LESSON})
    html, (view,) = feedback.page(*arguments), feedback.as_json(*arguments)
    assert [exercise["misconception"] for exercise in view["exercises"]] == ["", known["decode"], ""]
    sentence = "Your code behaves exactly like a known mistake: “Only <code>whole</code> bytes count.”"
    assert html.count("known mistake") == 1
    assert html.index(">decode</code>") < html.index(sentence) < html.index(">other</code>")
    assert SECRET not in html


@pytest.mark.parametrize("text", HOSTILE)
def test_what_people_wrote_about_a_score_does_nothing(text):
    judged = replace(attempt(verdict("a")), misconceptions={"code": text}, received=text)
    changes = (
        Override("ada", "huffman", text, 1.0, text, text, text),
        Override("ada", "huffman", "", 1, text, text),
    )
    score = Score(judged, 1.0, 1.0, 2.0, 0.5, 3, changes, 4)
    arguments = ("ada", [judged], {"huffman": [law("a")]}, {"huffman": LESSON}, {("ada", "huffman"): score})
    html = feedback.page(*arguments)
    check_policy(Page(html))
    check_text(html)
    assert Page(html).of("bdi") == ["ada", *[visible(text)] * 4]


def test_code_in_a_sentence_is_set_as_code_and_a_lone_backtick_stays():
    assert prose("Use `a < b`.") == "Use <code>a &lt; b</code>."
    assert prose("A ` and <b>") == "A ` and &lt;b&gt;"
    html, _ = both([law("a", hint="Return `n`.", title="It is `n`.")], verdict("a"))
    assert html.count("<code>n</code>") == 3  # its title twice: in the list and as what comes next


def test_points_are_written_short():
    assert [amount(points) for points in (0, 3, 2.5, 1 / 3, 10.0, 100, 0.125)] == [
        *("0", "3", "2.5", "0.33", "10", "100", "0.12")
    ]


NAMES = st.one_of(
    st.text(st.characters(), max_size=60),
    st.text("aA_0-.é/", max_size=8),
    st.text("ab", min_size=110, max_size=130),
)


@settings(deadline=None)
@given(one=NAMES, other=NAMES)
def test_two_students_never_share_a_file(one, other):
    first, second = feedback.file_name(one), feedback.file_name(other)
    assert (first.casefold() == second.casefold()) == (one == other)
    for name in (first, second):
        assert re.fullmatch(r"student-[a-z0-9_-]*\.html", name)
        assert len(name) < 140


@given(text=st.text(st.characters(), max_size=50))
def test_visible_text_is_stable(text):
    assert visible(visible(text)) == visible(text)


def _luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_contrast_is_enough_by_day_and_by_night():
    style = Page(both([], passed("a"))[0]).of("style")[0]
    day, night = (dict(re.findall(r"--(\w+): (#\w{6})", part)) for part in style.split("@media", 2)[:2])
    assert day.keys() == night.keys()
    for colours in (day, night):
        on = {"ink": ["paper", "wash", "tint1", "tint2", "tint3"], "quiet": ["paper"], "accent": ["paper"]}
        for ink, grounds in on.items():
            for ground in grounds:
                dark, light = sorted((_luminance(colours[ink]), _luminance(colours[ground])))
                assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, ground)

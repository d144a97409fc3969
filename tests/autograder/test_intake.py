"""Whatever lies in the submissions folder is taken as text or refused with a reason; nothing hangs or is run."""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from autograder import intake, notebook
from autograder.course import Course
from autograder.intake import MAX_BYTES, Found
from autograder.model import ShortestError, Submission
from autograder.submit import submit

LESSONS = ["twice", "thrice"]
posix = pytest.mark.skipif(os.name != "posix", reason="needs links, pipes and names as POSIX has them")


@pytest.fixture
def read(tmp_path: Path, small: Course) -> Callable[..., Submission]:
    """Give a function that writes a file and reads it as a submission to `twice`."""

    def run(name: str, data: bytes | str) -> Submission:
        path = tmp_path / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return intake.read(intake.load(Found("ada", "twice", path)), small.source("twice"))

    return run


@pytest.fixture
def book(small: Course) -> dict[str, Any]:
    """Give the solved notebook as JSON, to be changed."""
    lesson = small.lesson("twice")
    built = notebook.build(lesson, small.source("twice"), small.laws("twice", hidden=False), solutions=True)
    made: dict[str, Any] = json.loads(nbformat.writes(built))
    return made


def cell(book: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(c for c in book["cells"] if c["id"] == f"exercise-{name}")
    return found


# ---- finding ----


def test_submissions_are_found_by_their_place(tmp_path: Path) -> None:
    places = {
        "ada/twice.ipynb": ("ada", "twice"),
        "bob/twice/twice.ipynb": ("bob", "twice"),
        "cy/twice.zip": ("cy", "twice"),
        "dot/dot-twice.zip": ("dot", "twice"),
        "eve/twice/eve_twice.zip": ("eve", "twice"),
        "fay-thrice.zip": ("fay", "thrice"),
        "gus_of_york-twice.py": ("gus_of_york", "twice"),
    }
    for place in places:
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text("", encoding="utf-8")
    found, notes = intake.find(tmp_path, LESSONS)
    assert {(one.student, one.lesson): one.path for one in found} == {
        who: tmp_path / place for place, who in places.items()
    }
    assert notes == []


@pytest.mark.parametrize(
    "place",
    [
        "ada/twice-final.ipynb",
        "ada/other.py",
        "ada/twice.txt",
        "ada/twice/thrice.ipynb",
        "ada/twice/bob-thrice.zip",
        "ada/x/twice/twice.py",
        "twice.py",
        "-twice.py",
        ".ada/twice.py",
        "__ada/twice.py",
    ],
)
def test_what_is_no_submission_is_named(tmp_path: Path, place: str) -> None:
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / place).write_text("", encoding="utf-8")
    found, notes = intake.find(tmp_path, LESSONS)
    assert found == []
    assert len(notes) == 1
    assert str(tmp_path / place) in notes[0]


@pytest.mark.parametrize(
    "place", ["ada/.ipynb_checkpoints/twice.ipynb", "__MACOSX/ada/._twice.py", "ada/._twice.py", ".DS_Store"]
)
def test_what_editors_and_systems_leave_is_no_news(tmp_path: Path, place: str) -> None:
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / place).write_text("", encoding="utf-8")
    assert intake.find(tmp_path, LESSONS) == ([], [])


def test_of_two_files_for_one_lesson_one_is_graded_and_the_other_named(tmp_path: Path) -> None:
    for name in ("twice.py", "twice.ipynb"):
        (tmp_path / "ada").mkdir(exist_ok=True)
        (tmp_path / "ada" / name).write_text("", encoding="utf-8")
    found, notes = intake.find(tmp_path, LESSONS)
    assert [one.path.name for one in found] == ["twice.ipynb"]
    assert "twice.py: passed over: twice.ipynb" in notes[0]


def test_a_lesson_whose_name_ends_like_another_is_not_mistaken(tmp_path: Path) -> None:
    (tmp_path / "ada-cross_entropy.py").write_text("", encoding="utf-8")
    found, _ = intake.find(tmp_path, ["entropy", "cross_entropy"])
    assert [(one.student, one.lesson) for one in found] == [("ada", "cross_entropy")]


@posix
def test_links_and_special_files_are_passed_over_and_do_not_hang(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "twice.py").write_text("", encoding="utf-8")
    folder = tmp_path / "submissions"
    for student in ("ada", "bob", "cy"):
        (folder / student).mkdir(parents=True)
    (folder / "ada" / "twice.py").symlink_to(secret / "twice.py")
    os.mkfifo(folder / "bob" / "twice.py")
    (folder / "dot").symlink_to(secret)
    (folder / "cy" / "loop").symlink_to(folder)
    (folder / "cy" / "twice.py").write_text("", encoding="utf-8")
    found, notes = intake.find(folder, LESSONS)
    assert [one.student for one in found] == ["cy"]
    assert len(notes) == 4
    assert all("link or a special file" in note for note in notes)


@posix
@pytest.mark.parametrize(
    "name",
    [
        b"\xe9l\xe8ve",
        "Ünïcødé 学生".encode(),
        b"a b",
        b"=cmd|' C calc'!A0",
        b"x" * 200,
        "\u202eada".encode(),
    ],
)
def test_any_name_of_a_folder_becomes_text(tmp_path: Path, name: bytes) -> None:
    folder = os.path.join(os.fsencode(tmp_path), name)
    os.mkdir(folder)
    with open(os.path.join(folder, b"twice.py"), "wb"):
        pass
    found, _ = intake.find(tmp_path, LESSONS)
    assert len(found) == 1
    found[0].student.encode("utf-8")
    assert found[0].path.is_file()


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ShortestError, match=r"no folder .*nowhere"):
        intake.find(tmp_path / "nowhere", LESSONS)


# ---- notebooks ----


def test_a_notebook_becomes_the_module(
    read: Callable[..., Submission], book: dict[str, Any], small: Course
) -> None:
    data = json.dumps(book)
    submission = read("twice.ipynb", data)
    assert submission.problems == {}
    assert submission.sha256 == hashlib.sha256(data.encode()).hexdigest()
    assert "FACTOR * number" in submission.source
    assert not submission.own_lines


def test_a_missing_a_doubled_and_a_broken_cell_cost_their_exercise_only(
    read: Callable[..., Submission], book: dict[str, Any]
) -> None:
    cell(book, "double")["source"] = "def double(number:\n    return"
    book["cells"] += [cell(book, "halve")] * 2
    book["cells"].remove(cell(book, "is_double"))
    submission = read("twice.ipynb", json.dumps(book))
    assert "line 1" in submission.problems["double"]
    assert "3 cells are marked as the exercise halve" in submission.problems["halve"]
    assert "is gone" in submission.problems["is_double"]
    assert all(problem.startswith("twice.ipynb: ") for problem in submission.problems.values())
    compile(submission.source, "twice", "exec")


@pytest.mark.parametrize("magic", ["%timeit double(3)", "!ls", "  %matplotlib inline", "%%time\nx = 1"])
def test_a_magic_is_named_with_its_line(
    read: Callable[..., Submission], book: dict[str, Any], magic: str
) -> None:
    cell(book, "double")["source"] += [f"\n{magic}"]
    problem = read("twice.ipynb", json.dumps(book)).problems["double"]
    assert "command of IPython" in problem
    assert magic.split("\n")[0].strip() in problem
    assert "line 6" in problem


def test_a_line_that_only_looks_like_a_magic_is_fine(
    read: Callable[..., Submission], book: dict[str, Any]
) -> None:
    cell(book, "double")["source"] = "def double(number):\n    x = '''\n%d\n!'''\n    return (7\n  % number)"
    assert read("twice.ipynb", json.dumps(book)).problems == {}


def test_a_helper_in_another_cell_is_pointed_out(
    read: Callable[..., Submission], book: dict[str, Any]
) -> None:
    cell(book, "double")["source"] = "def double(number):\n    return helper(number)\n"
    extra = {"cell_type": "code", "id": "mine", "metadata": {}, "source": "def helper(n): return n + n"}
    broken = {**extra, "id": "scratch", "source": "def helper(:"}
    notes = read("twice.ipynb", json.dumps({**book, "cells": [*book["cells"], extra, broken]})).notes
    assert len(notes) == 1
    assert "helper is defined outside" in notes[0]
    assert "cell of double" in notes[0]


@pytest.mark.parametrize(
    ("body", "noted"),
    [
        ("    helper = 2 * number\n    return helper", False),
        ("    return sum(helper for helper in (number, number))", False),
        ("    def inner(helper):\n        return helper\n    return 2 * inner(number)", False),
        ("    return number.helper", False),
        ("    return [helper(n) for n in (number,)][0]", True),
        ("    def inner():\n        return helper(number)\n    return inner()", True),
        ("    global helper\n    helper = len\n    return helper(number)", True),
    ],
)
def test_a_variable_of_the_exercise_is_no_helper(
    read: Callable[..., Submission], book: dict[str, Any], body: str, noted: bool
) -> None:
    cell(book, "double")["source"] = f"def double(number):\n{body}\n"
    extra = {"cell_type": "code", "id": "mine", "metadata": {}, "source": "def helper(n): return n + n"}
    notes = read("twice.ipynb", json.dumps({**book, "cells": [*book["cells"], extra]})).notes
    assert bool(notes) == noted


def test_outputs_are_not_read_and_100_mb_of_them_are_refused(
    read: Callable[..., Submission], book: dict[str, Any]
) -> None:
    cell(book, "double")["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x" * (20 << 20)}]
    assert read("twice.ipynb", json.dumps(book)).problems == {}
    cell(book, "double")["outputs"][0]["text"] = "x" * (100 << 20)
    with pytest.raises(ShortestError, match=r"twice\.ipynb: it is 100 MB, .* clear all outputs"):
        read("twice.ipynb", json.dumps(book))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a notebook"),
        (b"def double(number):\n    return 2 * number\n", "not a notebook"),
        (b"\x89PNG\r\n\x1a\n", "byte 0 is not UTF-8"),
        ('{"cells": []}'.encode("utf-16"), "byte 0 is not UTF-8"),
        ('{"cells": "é"}'.encode("latin-1"), "byte 11 is not UTF-8"),
        (b'{"nbformat": 3, "worksheets": [{"cells": []}]}', "format 4"),
        (b"[]", "format 4"),
        (b"null", "format 4"),
        (b'{"cells": {}}', "format 4"),
        (b'{"cells": []}', "no exercise cell"),
        (b'{"cells": [null, 1, "x", [], {}]}', "no exercise cell"),
        (b"[" * 200_000, "not a notebook"),
        (b'{"a":' * 200_000, "not a notebook"),
        (b"9" * 10_000, "not a notebook"),
    ],
)
def test_what_is_no_notebook_is_refused(read: Callable[..., Submission], data: bytes, words: str) -> None:
    with pytest.raises(ShortestError, match=r"twice\.ipynb: ") as problem:
        read("twice.ipynb", data)
    assert words in str(problem.value)


def test_a_byte_order_mark_is_no_obstacle(read: Callable[..., Submission], book: dict[str, Any]) -> None:
    assert read("twice.ipynb", b"\xef\xbb\xbf" + json.dumps(book).encode()).problems == {}


STRANGE = [None, 0, 1.5, True, "", "x", [], [1], {}, {"nbgrader": 1}, {"nbgrader": {"grade_id": ["x"]}}]


@pytest.mark.parametrize("strange", STRANGE)
def test_strange_types_of_metadata_id_and_source_do_no_harm(
    read: Callable[..., Submission], book: dict[str, Any], strange: Any
) -> None:
    for key in ("metadata", "id", "source", "outputs", "cell_type"):
        changed = json.loads(json.dumps(book))
        cell(changed, "halve")[key] = strange
        submission = read("twice.ipynb", json.dumps(changed))
        assert "FACTOR * number" in submission.source


def test_a_cell_of_zeros_surrogates_or_endless_depth_costs_its_exercise_only(
    read: Callable[..., Submission], book: dict[str, Any]
) -> None:
    texts = ["x = 1\0", "x = '\ud800'", "(" * 5000, "x = " + "-" * 50_000 + "1", "+".join("1" * 20_000)]
    texts += ["x" + ".x" * 20_000, "[" * 90 + "]" * 90 + "\n" + "if x:\n" * 3]
    for text in texts:
        cell(book, "double")["source"] = text
        assert list(read("twice.ipynb", json.dumps(book)).problems) == ["double"], text[:20]


def test_odd_backslashes_are_no_warning_of_ours(
    read: Callable[..., Submission], book: dict[str, Any], recwarn: pytest.WarningsRecorder
) -> None:
    cell(book, "double")["source"] = "def double(number):\n    '\\d'\n    return 1 is 1\n"
    assert read("twice.ipynb", json.dumps(book)).problems == {}
    assert not recwarn.list


# ---- modules ----

TEXT = "def double(number):\n    return 'é' * number\n"


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        b"\xef\xbb\xbf" + TEXT.encode(),
        f"# -*- coding: latin-1 -*-\n{TEXT}".encode("latin-1"),
        f"#!/usr/bin/python\n# vim: set fileencoding=iso-8859-15 :\n{TEXT}".encode("iso-8859-15"),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.replace("\n", "\r").encode(),
        TEXT.rstrip().encode(),
    ],
)
def test_a_module_means_the_same_in_every_encoding(read: Callable[..., Submission], data: bytes) -> None:
    source = read("twice.py", data).source
    namespace: dict[str, Any] = {}
    exec(compile(source.encode(), "twice.py", "exec"), namespace)
    assert namespace["double"](2) == "éé"
    assert source.endswith("\n")


def test_lines_are_counted_as_python_counts_them(read: Callable[..., Submission]) -> None:
    text = 'x = "a\u2028b\x85c\x1cd"\n\x0c\ny = 1\n'
    assert read("twice.py", text).source == text


def test_what_is_no_declaration_stays(read: Callable[..., Submission]) -> None:
    text = 'x = "coding: latin-1"\ny = 1\n# coding: latin-1 only counts in the first two lines\n'
    assert read("twice.py", text).source == text


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (TEXT.encode("latin-1"), "save it as UTF-8"),
        (TEXT.encode("utf-16"), "save it as UTF-8"),
        (b"# coding: no-such-thing\n", "save it as UTF-8"),
        (b"# coding: rot13\nqrs", "save it as UTF-8"),
        (b"# coding: zlib_codec\nqrs", "save it as UTF-8"),
        (b"# coding: undefined\nx", "save it as UTF-8"),
        (b"x = 1\n\0", "a NUL at character 6"),
    ],
)
def test_what_is_no_python_text_is_refused(read: Callable[..., Submission], data: bytes, words: str) -> None:
    with pytest.raises(ShortestError, match=r"twice\.py: ") as problem:
        read("twice.py", data)
    assert words in str(problem.value)


def test_a_file_that_went_away_is_refused(tmp_path: Path, small: Course) -> None:
    with pytest.raises(ShortestError, match=r"twice\.py: it can't be read"):
        intake.read(intake.load(Found("ada", "twice", tmp_path / "twice.py")), small.source("twice"))


# ---- archives ----


def archive(members: list[tuple[str | zipfile.ZipInfo, bytes]]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members:
            file.writestr(name, content)
    return stream.getvalue()


def manifest(content: bytes, **changes: Any) -> bytes:
    digest = hashlib.sha256(content).hexdigest()
    return json.dumps({"lesson": "twice", "file": "twice.py", "sha256": digest, **changes}).encode()


GOOD = b"def double(number): return number + number\n"
LINK = zipfile.ZipInfo("twice.py")
LINK.external_attr = (stat.S_IFLNK | 0o777) << 16
BOMB = b"\0" * (MAX_BYTES + 1)


def test_what_submit_wrote_is_accepted(tmp_path: Path, read: Callable[..., Submission]) -> None:
    path = tmp_path / "twice.py"
    path.write_bytes(GOOD)
    target, digest = submit("twice", path, tmp_path)
    submission = read("ada-twice.zip", target.read_bytes())
    assert submission.source == GOOD.decode()
    assert digest == hashlib.sha256(GOOD).hexdigest()
    assert submission.sha256 == hashlib.sha256(target.read_bytes()).hexdigest()


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("members", "words"),
    [
        ([], "holds no 'manifest.json'"),
        ([("twice.py", GOOD)], "holds no 'manifest.json'"),
        ([("manifest.json", manifest(GOOD))], "twice.py"),
        ([("manifest.json", b"{"), ("twice.py", GOOD)], "no archive that"),
        ([("manifest.json", b"[]"), ("twice.py", GOOD)], "no archive that"),
        ([("manifest.json", b"[" * 100_000), ("twice.py", GOOD)], "no archive that"),
        ([("manifest.json", b"{}"), ("twice.py", GOOD)], "no archive that"),
        ([("manifest.json", manifest(b"other")), ("twice.py", GOOD)], "not the file whose hash"),
        ([("manifest.json", manifest(GOOD, sha256=None)), ("twice.py", GOOD)], "not the file whose hash"),
        ([("manifest.json", manifest(GOOD, lesson="thrice")), ("twice.py", GOOD)], "'thrice'"),
        ([("manifest.json", manifest(GOOD, lesson=["twice"])), ("twice.py", GOOD)], "['twice']"),
        ([("manifest.json", manifest(GOOD, file="../twice.py")), ("../twice.py", GOOD)], "'../twice.py'"),
        ([("manifest.json", manifest(GOOD, file="/twice.py")), ("/twice.py", GOOD)], "'/twice.py'"),
        ([("manifest.json", manifest(GOOD, file=["twice.py"])), ("twice.py", GOOD)], "['twice.py']"),
        ([("manifest.json", manifest(GOOD)), ("twice.py", GOOD), ("../x", b"")], "'../x'"),
        ([("manifest.json", manifest(GOOD)), ("twice.py", GOOD), ("/etc/x", b"")], "'/etc/x'"),
        ([("manifest.json", manifest(GOOD)), ("twice.py", b"x"), ("twice.py", GOOD)], "twice"),
        ([("manifest.json", manifest(GOOD)), (LINK, GOOD)], "twice.py"),
        ([("manifest.json", manifest(BOMB)), ("twice.py", BOMB)], "unpacks to more than 32 MB"),
        ([("manifest.json", BOMB), ("twice.py", GOOD)], "unpacks to more than 32 MB"),
    ],
)
def test_a_tampered_archive_is_refused(
    read: Callable[..., Submission], members: list[tuple[str | zipfile.ZipInfo, bytes]], words: str
) -> None:
    with pytest.raises(ShortestError, match=r"ada-twice\.zip: .*(submit|clear all outputs)") as problem:
        read("ada-twice.zip", archive(members))
    assert words in str(problem.value)


def good_archive() -> bytes:
    return archive([("manifest.json", manifest(GOOD)), ("twice.py", GOOD)])


def patched(offset: int, value: bytes) -> bytes:
    """Change the same field in the local and the central header of the archive's second member."""
    data = bytearray(good_archive())
    for signature, place in ((b"PK\3\4", offset), (b"PK\1\2", offset + 2)):
        start = data.rindex(signature) + place
        data[start : start + len(value)] = value
    return bytes(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK",
        b"not a zip at all",
        good_archive()[:-5],
        good_archive()[20:],
        patched(6, b"\1\0"),  # encrypted
        patched(8, b"\x63\0"),  # an unknown method
        patched(14, b"\0\0\0\0"),  # another CRC
        patched(22, b"\xff\xff\xff\x7f"),  # 2 GiB claimed
    ],
    ids=["empty", "short", "text", "cut", "headless", "encrypted", "method", "crc", "size"],
)
def test_a_damaged_archive_is_refused(read: Callable[..., Submission], data: bytes) -> None:
    with pytest.raises(ShortestError, match=r"ada-twice\.zip: .*submit"):
        read("ada-twice.zip", data)


# ---- anything ----

SNIPPETS = ["def double(n): return n", "%ls", "(", "\0", "x" * 50, "# coding: utf-7", "\ud800", "é"]
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner)
)
CODE = (
    st.sampled_from(["def double(n): return n", "%ls", "(", "\0", "x" * 50, "# coding: utf-7", "\ud800", "é"])
    | st.text()
)
CELLS = st.fixed_dictionaries(
    {},
    optional={
        "cell_type": st.just("code") | JSON,
        "id": st.sampled_from(["exercise-double", "exercise-halve", "given-1"]) | JSON,
        "source": CODE | st.lists(CODE, max_size=3) | JSON,
        "metadata": st.fixed_dictionaries({"nbgrader": st.fixed_dictionaries({"grade_id": JSON})}) | JSON,
    },
)
BOOKS = st.fixed_dictionaries({"cells": st.lists(CELLS | JSON, max_size=5)}) | JSON
FUZZ = settings(
    max_examples=150,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def reads_or_refuses(path: Path, data: bytes, module: str) -> None:
    path.write_bytes(data)
    try:
        assert isinstance(intake.read(intake.load(Found("ada", "twice", path)), module).source, str)
    except ShortestError as refusal:
        reason = str(refusal)
    else:
        return
    assert reason.startswith(f"{path.name}: ")


@FUZZ
@given(book=BOOKS)
@example(
    book={"cells": [{"cell_type": "code", "id": "exercise-double", "source": "def double(n):\n\treturn n"}]}
)
def test_any_json_is_read_or_refused(tmp_path: Path, small: Course, book: Any) -> None:
    reads_or_refuses(tmp_path / "twice.ipynb", json.dumps(book).encode(), small.source("twice"))


@FUZZ
@given(data=st.binary(), suffix=st.sampled_from([".ipynb", ".py", ".zip"]))
def test_any_bytes_are_read_or_refused(tmp_path: Path, small: Course, data: bytes, suffix: str) -> None:
    reads_or_refuses(tmp_path / f"twice{suffix}", data, small.source("twice"))


CODINGS = st.sampled_from(
    ["utf-7", "idna", "punycode", "unicode_escape", "hex", "mbcs", "cp037", "utf-32", "\0"]
)


@FUZZ
@example(coding="unicode_escape", data=b"\\\0")
@given(coding=CODINGS, data=st.binary(max_size=100))
def test_any_declared_encoding_is_read_or_refused(
    tmp_path: Path, small: Course, coding: str, data: bytes
) -> None:
    text = f"# coding: {coding}\n".encode() + data
    reads_or_refuses(tmp_path / "twice.py", text, small.source("twice"))


@FUZZ
@given(edits=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=6))
def test_any_damage_to_an_archive_is_read_or_refused(
    tmp_path: Path, small: Course, edits: list[tuple[int, int]]
) -> None:
    data = bytearray(good_archive())
    for place, value in edits:
        data[place % len(data)] = value
    reads_or_refuses(tmp_path / "twice.zip", bytes(data), small.source("twice"))

"""A student's folder: what is theirs is never overwritten, and what we keep there may break."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import nbformat
import pytest

from autograder.desk import STATE, Desk
from autograder.model import ShortestError


@pytest.mark.parametrize("py", [True, False])
def test_start_writes_a_stub_that_the_reader_accepts(desk: Desk, py: bool) -> None:
    path = desk.start("twice", py=py)
    assert path.name == ("twice.py" if py else "twice.ipynb")
    submission = desk.read("twice", path)
    assert submission.source.count("is not started") == 3
    assert "FACTOR * number" not in path.read_text(encoding="utf-8")
    if not py:
        nbformat.validate(nbformat.read(path, 4))


@pytest.mark.parametrize("existing", ["twice.py", "twice.ipynb"])
@pytest.mark.parametrize("py", [True, False])
def test_start_never_overwrites(desk: Desk, existing: str, py: bool) -> None:
    path = desk.folder / existing
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(ShortestError, match="yours"):
        desk.start("twice", py=py)
    assert path.read_text(encoding="utf-8") == "mine"
    assert list(desk.folder.iterdir()) == [path]


def test_of_many_starts_at_once_one_writes(desk: Desk) -> None:
    outcomes: list[str] = []
    barrier = threading.Barrier(8)

    def start() -> None:
        barrier.wait()
        try:
            outcomes.append(desk.start("twice", py=True).name)
        except ShortestError as problem:
            outcomes.append("refused" if "yours" in str(problem) else str(problem))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused"] * 7 + ["twice.py"]


def test_a_file_that_appears_after_the_look_is_not_overwritten(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = desk.folder / "twice.py"
    path.write_text("mine", encoding="utf-8")
    monkeypatch.setattr(Desk, "files", lambda *_: [])
    with pytest.raises(ShortestError, match="yours"):
        desk.start("twice", py=True)
    assert path.read_text(encoding="utf-8") == "mine"


@pytest.mark.skipif(os.name != "posix", reason="links need a privilege on Windows")
def test_start_does_not_write_through_a_dangling_link(desk: Desk) -> None:
    elsewhere = desk.folder.parent / "elsewhere.py"
    (desk.folder / "twice.py").symlink_to(elsewhere)
    with pytest.raises(ShortestError, match="yours"):
        desk.start("twice", py=True)
    assert not elsewhere.exists()


def test_a_lesson_is_meant_by_name_number_folder_or_path(desk: Desk) -> None:
    path = desk.start("twice", py=True)
    for name in ("twice", "1", "01", "01_twice", "twice.py", str(path)):
        assert desk.file(name) == ("twice", path)


def test_what_to_type_is_said(desk: Desk) -> None:
    with pytest.raises(ShortestError, match="shortest start twice"):
        desk.file("twice")
    with pytest.raises(ShortestError, match="there are: twice, thrice"):
        desk.file("nothing")
    with pytest.raises(ShortestError, match=r"no file .*nothing\.py"):
        desk.file("nothing.py")
    desk.start("twice", py=True)
    (desk.folder / "twice.ipynb").write_text("{}", encoding="utf-8")
    with pytest.raises(ShortestError, match=r"twice\.ipynb and twice\.py are both here"):
        desk.file("twice")
    assert desk.file("twice.py")[0] == "twice"


def test_the_earlier_lesson_is_the_students_own_where_there_is_one(desk: Desk) -> None:
    modules, notes = desk.needed("thrice")
    assert modules == {"twice": desk.course.source("twice")}
    assert "yours is not" in notes[0]
    desk.start("twice")
    modules, notes = desk.needed("thrice")
    assert "is not started" in modules["twice"]
    assert notes == []


def test_progress_is_kept(desk: Desk) -> None:
    assert desk.progress() == {}
    desk.remember("twice", {"points": 1, "possible": 7})
    desk.remember("thrice", {"points": 4, "possible": 4})
    desk.remember("twice", {"points": 2, "possible": 7})
    expected = {"twice": {"points": 2, "possible": 7}, "thrice": {"points": 4, "possible": 4}}
    assert desk.progress() == expected
    assert [path.name for path in (desk.folder / STATE).parent.iterdir()] == [STATE.name]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"[" * 100_000,
        json.dumps({"twice": 5, "thrice": {"points": "4", "possible": None}, "x": {}}).encode(),
    ],
)
def test_progress_that_can_not_be_read_is_none(desk: Desk, content: bytes) -> None:
    path = desk.folder / STATE
    path.parent.mkdir()
    path.write_bytes(content)
    assert desk.progress() == {}
    desk.remember("twice", {"points": 1, "possible": 7})
    assert desk.progress() == {"twice": {"points": 1, "possible": 7}}


def test_a_folder_in_the_place_of_the_progress_is_no_progress(desk: Desk) -> None:
    (desk.folder / STATE).mkdir(parents=True)
    assert desk.progress() == {}


def test_a_folder_with_the_name_of_a_lesson_is_no_file_of_it(desk: Desk, tmp_path: Path) -> None:
    (desk.folder / "twice.py").mkdir()
    assert desk.files("twice") == []

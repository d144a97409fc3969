"""The doctor says what is missing and what to do, and fails only for what is needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder import doctor
from autograder.course import Course
from autograder.doctor import Seen, examine
from autograder.model import ShortestError
from autograder.sandbox import Unsandboxed


@pytest.fixture(autouse=True)
def _no_self_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "isolated_sandbox", Unsandboxed)


def seen(folder: Path) -> dict[str, Seen]:
    return {one.what: one for one in examine(folder)}


def test_here_nothing_needed_is_missing(small: Course) -> None:
    found = seen(small.root)
    assert [one for one in found.values() if one.needed and not one.good] == []
    assert found["course"].found == "repository, 2 lessons"
    assert found["corpus"].found.startswith("1,000,000 bytes")
    assert all(one.advice == "" for one in found.values() if one.good)


def test_a_missing_package_is_told_with_what_to_type(small: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "NEEDED", ("no-such-package",))
    monkeypatch.setattr(doctor, "OPTIONAL", {"no-such-plot": "pip install plots"})
    found = seen(small.root)
    assert found["no-such-package"] == Seen(
        "no-such-package", "not installed", False, True, "install this project again"
    )
    assert found["no-such-plot"] == Seen("no-such-plot", "not installed", False, False, "pip install plots")


def test_no_course_a_wrong_course_no_sandbox_and_a_full_disk_are_told(
    tmp_path: Path, small: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise ShortestError("no bubblewrap")

    monkeypatch.delenv("SHORTEST_COURSE", raising=False)
    monkeypatch.setattr(doctor, "isolated_sandbox", refuse)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1 << 20}))
    found = seen(tmp_path)
    assert not found["course"].good
    assert "change into the folder" in found["course"].advice
    assert (found["sandbox"].good, found["sandbox"].needed) == (False, False)
    assert "no bubblewrap" in found["sandbox"].advice
    assert found["free disk"].advice == "free 200 MB"
    assert not found["free disk"].good
    monkeypatch.setattr(Course, "check", lambda _: ["one thing", "another"])
    assert seen(small.root)["course"].advice == "one thing; another"


def test_a_sandbox_that_is_weaker_here_is_told(small: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    assert seen(small.root)["sandbox"].found == "isolates"
    monkeypatch.setattr(doctor, "weaker", lambda _: ["this runs as root", "and slowly"])
    assert seen(small.root)["sandbox"].advice == "this runs as root; and slowly"

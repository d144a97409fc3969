"""One archive with a manifest: the file tested is the file submitted, and the grader reads just that."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from autograder import intake
from autograder.desk import Desk
from autograder.intake import Found
from autograder.model import ShortestError
from autograder.submit import submit


@pytest.mark.parametrize("name", ["twice.py", "twice.ipynb", "01_twice.py"])
def test_the_archive_is_read_back_as_the_file_itself(
    desk: Desk, name: str, solution: Callable[..., str]
) -> None:
    path = desk.folder / name
    if path.suffix == ".py":
        path.write_text(solution(), encoding="utf-8")
    else:
        desk.start("twice")
    target, digest = submit("twice", path, desk.folder)
    module = desk.course.source("twice")
    packed = intake.read(intake.load(Found("ada", "twice", target)), module)
    assert packed.source == intake.read(intake.load(Found("ada", "twice", path)), module).source
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_manifest_tells_lesson_file_and_hash(desk: Desk) -> None:
    path = desk.start("twice", py=True)
    target, digest = submit("twice", path, desk.folder)
    with zipfile.ZipFile(target) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        assert archive.namelist() == ["manifest.json", "twice.py"]
    assert manifest["lesson"] == "twice"
    assert manifest["file"] == "twice.py"
    assert manifest["sha256"] == digest
    assert manifest["bytes"] == path.stat().st_size


def test_the_same_file_makes_the_same_archive_and_only_the_archive_is_replaced(
    desk: Desk, tmp_path: Path
) -> None:
    path = desk.start("twice", py=True)
    before = path.read_bytes()
    first = submit("twice", path, tmp_path)[0].read_bytes()
    assert submit("twice", path, tmp_path)[0].read_bytes() == first
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["desk", "twice.zip"]


def test_a_file_that_changed_after_it_was_checked_is_not_packed(desk: Desk) -> None:
    path = desk.start("twice", py=True)
    tested = hashlib.sha256(path.read_bytes()).hexdigest()
    submit("twice", path, desk.folder, tested=tested)
    path.write_text("changed", encoding="utf-8")
    before = (desk.folder / "twice.zip").read_bytes()
    with pytest.raises(ShortestError, match="changed since it was checked"):
        submit("twice", path, desk.folder, tested=tested)
    assert (desk.folder / "twice.zip").read_bytes() == before

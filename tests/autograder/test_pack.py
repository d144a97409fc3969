"""A file is compressed by the student's own program, read back by another process, and never lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from autograder import climb, source
from autograder.cli import app
from autograder.course import Course
from autograder.desk import Desk
from autograder.model import ShortestError
from autograder.pack import Model, compress, decompress
from autograder.sandbox import Unsandboxed
from squeeze.neural_compression import save_model
from squeeze.recurrent import LanguageModel

TEXT = b"to be or not to be, that is the question. " * 40


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(climb, "isolated_sandbox", Unsandboxed)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_bytes(TEXT)
    return path


def build(course: Course, folder: Path, *names: str, more: str = "") -> Desk:
    for name in names:
        text = source.without_markers(course.source(name))
        (folder / f"{name}.py").write_text(text + (more if name == names[-1] else ""), encoding="utf-8")
    return Desk(folder, course)


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.suffix != ".py"}


def test_a_file_comes_back(course: Course, tmp_path: Path, file: Path) -> None:
    desk = build(course, tmp_path, "entropy", "huffman")
    packed = compress(desk, file)
    assert (packed.path.name, packed.lesson, packed.before) == ("text.txt.huffman", "huffman", len(TEXT))
    assert packed.path.stat().st_size == packed.after < len(TEXT) * 0.6
    file.rename(tmp_path / "original")
    assert decompress(desk, packed.path).path == file
    assert file.read_bytes() == TEXT


def test_a_lesson_and_a_name_can_be_chosen(course: Course, tmp_path: Path, file: Path) -> None:
    desk = build(course, tmp_path, "entropy", "huffman")
    packed = compress(desk, file, "entropy", out=tmp_path / "other")
    assert (packed.path.name, packed.lesson) == ("other", "entropy")
    with pytest.raises(ShortestError, match=r"doesn't end in a lesson's name; say --with one of: entropy, "):
        decompress(desk, packed.path)
    back = decompress(desk, packed.path, "entropy")
    assert back.path.name == "other.out"
    assert back.path.read_bytes() == TEXT


@pytest.mark.parametrize("data", [b"", b"x", bytes(range(256))])
def test_short_files_come_back(course: Course, tmp_path: Path, data: bytes) -> None:
    desk = build(course, tmp_path, "entropy")
    (tmp_path / "short").write_bytes(data)
    packed = compress(desk, tmp_path / "short")
    assert decompress(desk, packed.path, out=tmp_path / "back").path.read_bytes() == data


def test_nothing_is_overwritten(course: Course, tmp_path: Path, file: Path) -> None:
    desk = build(course, tmp_path, "entropy")
    packed = compress(desk, file)
    for again in (lambda: compress(desk, file), lambda: decompress(desk, packed.path)):
        with pytest.raises(ShortestError, match="is there already; move it away"):
            again()
    assert file.read_bytes() == TEXT


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            "\ndef decompress(blob):\n    return b'something else'\n",
            "nothing was written: decompress gave other bytes",
        ),
        (
            "\ndef compress(data):\n    return 1 / 0\n",
            "nothing was written: compress raised ZeroDivisionError",
        ),
        ("\ndef compress(data):\n    return 'text'\n", "compress should return bytes"),
    ],
)
def test_a_program_that_fails_writes_nothing(
    course: Course, tmp_path: Path, file: Path, more: str, message: str
) -> None:
    desk = build(course, tmp_path, "entropy", more=more)
    with pytest.raises(ShortestError, match=message):
        compress(desk, file)
    assert files(tmp_path) == {"text.txt"}


def test_a_program_that_remembers_is_found_out(course: Course, tmp_path: Path, file: Path) -> None:
    more = (
        "\nKEPT = []\ndef compress(data):\n    KEPT.append(data)\n    return b''\n"
        "def decompress(blob):\n    return KEPT[-1] if KEPT else b''\n"
    )
    with pytest.raises(ShortestError, match="decompress gave other bytes"):
        compress(build(course, tmp_path, "entropy", more=more), file)


def test_a_damaged_file_is_refused(course: Course, tmp_path: Path, file: Path) -> None:
    desk = build(course, tmp_path, "entropy", "huffman")
    packed = compress(desk, file)
    packed.path.write_bytes(packed.path.read_bytes()[:20])
    file.unlink()
    with pytest.raises(
        ShortestError, match=r"huffman can't read text\.txt\.huffman, and nothing was written: "
    ):
        decompress(desk, packed.path)
    assert files(tmp_path) == {"text.txt.huffman"}


@pytest.mark.parametrize(
    ("names", "lesson", "message"),
    [
        ([], None, "no compressor of yours is in this folder"),
        (["entropy"], "autodiff", "'autodiff' is no lesson that compresses; choose one of: entropy, "),
        (["entropy"], "huffman", "your huffman isn't here; begin with: shortest start huffman"),
        (
            ["huffman"],
            "huffman",
            "your entropy isn't here, and huffman needs it; begin with: shortest start entropy",
        ),
    ],
)
def test_what_is_missing_is_said(
    course: Course, tmp_path: Path, file: Path, names: list[str], lesson: str | None, message: str
) -> None:
    with pytest.raises(ShortestError, match=message):
        compress(build(course, tmp_path, *names), file, lesson)


def test_the_commands(course: Course, tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHORTEST_COURSE", str(course.root))
    run = CliRunner().invoke
    result = run(app, ["compress", "text.txt", "--with", "huffman", "--reference"])
    assert result.exit_code == 0, result.output
    assert "every byte right" in result.output
    assert "text.txt.huffman: 1,680 → " in result.output
    file.unlink()
    result = run(app, ["decompress", "text.txt.huffman", "--reference"])
    assert result.exit_code == 0, result.output
    assert file.read_bytes() == TEXT


def test_a_saved_network_is_shared_and_not_shipped(
    course: Course, tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHORTEST_COURSE", str(course.root))
    for seed in (1, 2):
        save_model(tmp_path / f"{seed}.npz", LanguageModel(width=4, hidden=8, random=seed))
    run = CliRunner().invoke
    for more in ([], ["--mixed"]):
        result = run(app, ["compress", "text.txt", "--model", "1.npz", "--reference", *more])
        assert result.exit_code == 0, result.output
        packed = tmp_path / "text.txt.neural_compression"
        assert packed.stat().st_size < len(TEXT) * 1.1
        desk = Desk(tmp_path, course)
        with pytest.raises(ShortestError, match=r"can't read .*(weights|model)"):
            decompress(desk, packed, reference=True, out=tmp_path / "back")
        with pytest.raises(ShortestError, match=r"can't read .*(weights|model)"):
            decompress(desk, packed, model=Model(tmp_path / "2.npz"), reference=True, out=tmp_path / "back")
        with pytest.raises(ShortestError, match=r"can't read .*holds no model"):
            decompress(desk, packed, model=Model(file), reference=True, out=tmp_path / "back")
        back = decompress(
            desk, packed, model=Model(tmp_path / "1.npz"), reference=True, out=tmp_path / "back"
        )
        assert back.path.read_bytes() == TEXT
        packed.unlink()
        back.path.unlink()
    result = run(app, ["compress", "text.txt", "--mixed", "--reference"])
    assert isinstance(result.exception, ShortestError)
    assert "say which, with --model FILE" in str(result.exception)
    with pytest.raises(ShortestError, match="huffman takes no model; leave --model out"):
        compress(desk, file, "huffman", model=Model(tmp_path / "1.npz"), reference=True)

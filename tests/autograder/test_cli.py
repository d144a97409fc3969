"""What a person types and sees: one line for an error, a clean end on Ctrl-C, and nothing of theirs lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, Queue

import pytest

from autograder import cli
from autograder.course import Course

Shortest = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def typed(
    tmp_path: Path, small: Course, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Give a function that runs a command in this process: its exit status, output and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHORTEST_COURSE", str(small.root))

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["shortest", *arguments])
        try:
            cli.main()
            status = 0
        except SystemExit as leaving:
            status = int(leaving.code or 0)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


Typed = Callable[..., tuple[int, str, str]]


def test_the_whole_path_of_a_student(typed: Typed, tmp_path: Path, solution: Callable[..., str]) -> None:
    assert "Next: shortest start twice" in typed("list")[1]
    status, out, _ = typed("start", "twice", "--py")
    assert status == 0
    assert "Wrote twice.py: Title of twice. 3 exercises" in out
    out = typed("list")[1]
    assert "started" in out
    assert "Next: shortest check twice" in out
    status, out, _ = typed("check", "twice")
    assert status == 1
    assert "double  not started" in out
    assert "0 of 7 points" in out
    (tmp_path / "twice.py").write_text(solution(), encoding="utf-8")
    status, out, _ = typed("check", "1")
    assert status == 0
    assert "Next: shortest submit twice" in out
    out = typed("list")[1]
    assert "7 of 7" in out
    assert "Next: shortest start thrice" in out
    status, out, _ = typed("submit", "twice.py")
    assert status == 0
    assert "Wrote twice.zip" in out
    assert "Next: shortest submit" not in out
    with zipfile.ZipFile(tmp_path / "twice.zip") as archive:
        assert archive.namelist() == ["manifest.json", "twice.py"]
    typed("start", "thrice")
    (tmp_path / "thrice.ipynb").unlink()
    (tmp_path / "thrice.py").write_text(solution("thrice"), encoding="utf-8")
    typed("check", "thrice.py")
    assert "Every public law of every lesson holds." in typed("list")[1]


def test_an_unfinished_file_may_be_submitted(typed: Typed, tmp_path: Path) -> None:
    typed("start", "twice")
    status, out, _ = typed("submit", "twice")
    assert status == 0
    assert "Not every public law holds yet" in out
    assert (tmp_path / "twice.zip").is_file()


def test_a_file_saved_while_it_is_checked_is_not_submitted(
    typed: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed("start", "twice", "--py")
    original = cli._check

    def save_meanwhile(*arguments: object) -> object:
        checked = original(*arguments)  # type: ignore[arg-type]
        (tmp_path / "twice.py").write_text("x = 1", encoding="utf-8")
        return checked

    monkeypatch.setattr(cli, "_check", save_meanwhile)
    status, _, err = typed("submit", "twice")
    assert status == 1
    assert "changed since it was checked" in err
    assert not (tmp_path / "twice.zip").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["start", "nothing"], "no lesson is called 'nothing'; there are: twice, thrice"),
        (["check", "nothing"], "there are: twice, thrice"),
        (["check", "twice"], "type `shortest start twice`"),
        (["check", "missing.py"], "there is no file"),
        (["submit", "twice"], "is not started"),
        (["grade", "nowhere"], "there is no folder nowhere"),
        (["grade", "."], "holds no submission"),
        (["ladder", "nothing.txt"], "can't be read"),
    ],
)
def test_an_error_is_one_line_and_no_traceback(typed: Typed, arguments: list[str], words: str) -> None:
    status, out, err = typed(*arguments)
    assert status == 1
    assert words in err
    assert err.count("\n") == 1
    assert "Traceback" not in out + err


def test_a_package_that_is_missing_is_named(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "autograder.marking", None)
    status, _, err = typed("grade", ".")
    assert status == 1
    assert "the package autograder.marking is not installed; `shortest doctor`" in err


def test_starting_twice_says_whose_the_file_is(typed: Typed, tmp_path: Path) -> None:
    typed("start", "twice")
    before = (tmp_path / "twice.ipynb").read_bytes()
    status, _, err = typed("start", "twice", "--py")
    assert status == 1
    assert "is yours" in err
    assert (tmp_path / "twice.ipynb").read_bytes() == before
    assert not (tmp_path / "twice.py").exists()


def test_broken_progress_is_no_obstacle(typed: Typed, tmp_path: Path) -> None:
    (tmp_path / ".shortest").mkdir()
    for content in ("{", "[]", json.dumps({"twice": {"points": "x"}}), json.dumps({"twice": 3})):
        (tmp_path / ".shortest" / "progress.json").write_text(content, encoding="utf-8")
        status, out, _ = typed("list")
        assert status == 0
        assert "Next: shortest start twice" in out


def test_a_folder_that_can_not_be_written_to_is_no_traceback(typed: Typed, tmp_path: Path) -> None:
    (tmp_path / ".shortest").write_text("a file", encoding="utf-8")
    typed("start", "twice", "--py")
    status, out, _ = typed("check", "twice")
    assert status == 1
    assert "0 of 7 points" in out
    assert "These points can't be kept" in out
    (tmp_path / "twice.zip.part").mkdir()
    status, _, err = typed("submit", "twice")
    assert status == 1
    assert err.startswith("shortest: ")
    assert "Traceback" not in err


def test_a_terminal_without_the_signs_shows_escapes(
    shortest: Shortest, tmp_path: Path, solution: Callable[..., str]
) -> None:
    (tmp_path / "twice.py").write_text(solution(), encoding="utf-8")
    done = shortest("check", "twice", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "\\u2713 double" in done.stdout


def test_markup_in_names_and_messages_is_text(typed: Typed, tmp_path: Path) -> None:
    assert "'[red]'" in typed("check", "[red]")[2]
    assert "[/bold].py" in typed("check", "[/bold].py")[2]
    (tmp_path / "twice.ipynb").write_text("[/red]", encoding="utf-8")
    assert "not a notebook" in typed("check", "twice")[2]


def test_a_bundle_grades_nothing(typed: Typed, small: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Course, "is_bundle", True)
    status, _, err = typed("grade", ".")
    assert status == 1
    assert "student's bundle" in err


def test_without_a_course_it_is_said_what_to_do(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHORTEST_COURSE")
    status, _, err = typed("list")
    assert status == 1
    assert "change into the folder that you unpacked" in err


def test_the_doctor_fails_for_what_is_needed_only(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    from autograder import doctor

    advice = "install [it]: a sentence that is too long for the column in which it has to stand"
    seen = [doctor.Seen("one", "[1]", True, True), doctor.Seen("two", "none", False, False, advice)]
    monkeypatch.setattr(doctor, "examine", lambda _: seen)
    status, out, _ = typed("doctor")
    assert status == 0
    assert "install [it]" in out
    monkeypatch.setattr(doctor, "examine", lambda _: [*seen, doctor.Seen("three", "none", False, True, "x")])
    assert typed("doctor")[0] == 1


def test_tables_fit_into_eighty_columns(shortest: Shortest, course: Course) -> None:
    for arguments in (["list"], ["data", "list"]):
        done = shortest(*arguments, SHORTEST_COURSE=str(course.root))
        assert done.returncode == 0
        assert max(map(len, done.stdout.splitlines())) <= 80
        assert "…" not in done.stdout
        assert arguments != ["list"] or all(lesson in done.stdout for lesson in course.lessons)


def test_a_command_is_not_kept_waiting_by_what_it_does_not_need() -> None:
    program = "import sys, autograder.cli; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert {"numpy", "hypothesis", "nbformat", "sqlalchemy"}.isdisjoint(done.stdout.split())


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_in_a_check_is_a_clean_end(
    tmp_path: Path, environment: dict[str, str], solution: Callable[..., str]
) -> None:
    note = tmp_path / "note"
    loop = f"open({str(note)!r}, 'w').close()\nwhile True:\n    pass"
    (tmp_path / "twice.py").write_text(solution(double=loop), encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "autograder.cli", "check", "twice"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 30
    while not note.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert process.returncode == 130
    assert "Traceback" not in out + err
    assert not (tmp_path / ".shortest").exists()


# ---- --watch ----


@pytest.fixture
def watched(tmp_path: Path, environment: dict[str, str]) -> Iterator[Callable[[str], str]]:
    """Start `check --watch`; give a function that waits for words and returns what came before them."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "autograder.cli", "check", "twice.py", "--watch"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )
    lines: Queue[str] = Queue()
    assert process.stdout is not None
    stream = process.stdout
    thread = threading.Thread(target=lambda: [lines.put(line) for line in stream], daemon=True)
    seen = ""

    def until(words: str) -> str:
        nonlocal seen
        seen = ""
        deadline = time.monotonic() + 30
        while words not in seen:
            try:
                seen += lines.get(timeout=max(0.1, deadline - time.monotonic()))
            except Empty:
                raise AssertionError(f"{words!r} did not come; this did: {seen}") from None
        return seen

    (tmp_path / "twice.py").write_text("def double(:\n", encoding="utf-8")
    thread.start()
    yield until
    process.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)
    process.wait(timeout=10)
    thread.join(timeout=10)
    stream.close()
    left = "".join(lines.queue)
    assert "Traceback" not in left
    assert os.name != "posix" or process.returncode == 130


@pytest.fixture
def _broken_file(tmp_path: Path) -> None:
    (tmp_path / "twice.py").write_text("def double(:\n", encoding="utf-8")


@pytest.mark.usefixtures("_broken_file")
def test_saving_checks_again_whatever_an_editor_does_to_the_file(
    watched: Callable[[str], str], tmp_path: Path, solution: Callable[..., str]
) -> None:
    path = tmp_path / "twice.py"
    assert "SyntaxError" in watched("Waiting for you to save")
    time.sleep(0.5)  # the watch begins just after the line that says so
    path.write_text(solution(double="return 0"), encoding="utf-8")
    assert "✗ double" in watched("points by the public laws")
    beside = tmp_path / ".twice.py.swp"
    beside.write_text(solution(), encoding="utf-8")
    beside.replace(path)
    assert "✓ double" in watched("Every public law holds")
    path.unlink()
    time.sleep(0.3)
    path.write_text(solution(halve="return 1"), encoding="utf-8")
    assert "✗ halve" in watched("points by the public laws")
    path.write_bytes(b"\xff\xfe\0\0")
    watched("save it as UTF-8")
    path.write_text(solution(), encoding="utf-8")
    watched("Every public law holds")

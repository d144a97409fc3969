"""A student's own check: what breaks and where, in seconds, whatever their file does or prints."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from autograder import check, report
from autograder.check import PRINTED, Checked, check_file
from autograder.course import Course
from autograder.desk import Desk
from autograder.model import Outcome, ShortestError

RIGHT = "return number + number"


@pytest.fixture
def checked(desk: Desk) -> Callable[..., Checked]:
    """Give a function that checks a text as the module of `twice`."""

    def run(text: str, lesson: str = "twice") -> Checked:
        path = desk.folder / f"{lesson}.py"
        path.write_text(text, encoding="utf-8")
        return check_file(desk, lesson, path)

    return run


def outcomes(checked: Checked) -> dict[str, Outcome]:
    return {verdict.law: verdict.outcome for verdict in checked.verdicts}


def test_the_reference_holds_every_public_law(
    checked: Callable[..., Checked], solution: Callable[..., str]
) -> None:
    result = checked(solution())
    assert (result.points, result.possible) == (7, 7)
    assert [law.name for law in result.laws] == [verdict.law for verdict in result.verdicts]
    assert not any(law.hidden for law in result.laws)


def test_a_stub_is_not_started(checked: Callable[..., Checked], desk: Desk) -> None:
    for py in (True, False):
        result = check_file(desk, "twice", desk.start("twice", py=py))
        assert set(outcomes(result).values()) == {Outcome.NOT_RUN}
        text = report.as_text(result)
        for exercise in ("double", "is_double"):
            assert f"· {exercise}  not started" in text
        assert "· halve  waits for double" in text
        (desk.folder / ("twice.py" if py else "twice.ipynb")).unlink()


def test_a_broken_law_names_the_smallest_input_the_call_and_the_hint(
    checked: Callable[..., Checked], solution: Callable[..., str]
) -> None:
    result = checked(solution(double="return number + number if number < 10 else 0"))
    verdict = result.verdicts[0]
    finding = verdict.finding
    assert finding is not None
    assert dict(finding.example) == {"number": "10"}
    assert (finding.call, finding.expected, finding.got) == ("double(10)", "20", "0")
    assert "Add the number to itself." in report.as_text(result)


def test_an_exception_names_the_students_own_line(
    checked: Callable[..., Checked], solution: Callable[..., str]
) -> None:
    text = solution(double="wrong = number\nreturn wrong.nothing")
    line = text.splitlines().index("    return wrong.nothing") + 1
    finding = checked(text).verdicts[0].finding
    assert finding is not None
    assert finding.where == f"line {line}, in double: return wrong.nothing"


def test_a_missing_name_fails_its_own_laws_only(
    checked: Callable[..., Checked], solution: Callable[..., str]
) -> None:
    result = checked(solution().replace("def is_double", "def is_duble"))
    assert outcomes(result)["tells_right_from_wrong"] is Outcome.NOT_RUN
    assert result.points == 6
    assert "· is_double  is not defined in twice" in report.as_text(result)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def double(number:\n", "SyntaxError"),
        ("import nothing_of_this_name\n", "nothing_of_this_name"),
        ("raise SystemExit(0)\n", "SystemExit"),
        ("import os\nos._exit(0)\n", "ended"),
        ("while True:\n    pass\n", "too long"),
    ],
)
def test_a_file_that_does_not_load_is_said_once(
    checked: Callable[..., Checked], text: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autograder.proxy.LOAD_SECONDS", 1.0)
    shown = report.as_text(checked(text))
    assert shown.count("the file does not load") + shown.count("while the file was loaded") == 1
    assert words in shown
    assert "No law could be tried." in shown
    assert "0 of 7 points" in shown


def test_an_endless_loop_is_named_in_seconds(
    checked: Callable[..., Checked], solution: Callable[..., str]
) -> None:
    started = time.monotonic()
    result = checked(solution(is_double="while True:\n    pass"))
    assert time.monotonic() - started < 10
    assert outcomes(result)["tells_right_from_wrong"] is Outcome.TIMED_OUT
    assert result.points == 6
    assert "timed out" in report.as_text(result)


def test_the_students_earlier_lesson_is_used(
    checked: Callable[..., Checked], desk: Desk, solution: Callable[..., str]
) -> None:
    assert checked(solution("thrice"), "thrice").points == 4
    (desk.folder / "twice.py").write_text("def double(number): return 1000", encoding="utf-8")
    finding = checked(solution("thrice"), "thrice").verdicts[0].finding
    assert finding is not None
    assert finding.got == "1007"


def test_a_law_that_waits_for_an_earlier_lesson_says_so(
    checked: Callable[..., Checked], desk: Desk, solution: Callable[..., str]
) -> None:
    desk.start("twice")
    text = report.as_text(checked(solution("thrice"), "thrice"))
    assert "· triple  waits for double of lesson twice" in text


def test_what_is_printed_is_shown_and_changes_nothing(
    checked: Callable[..., Checked], solution: Callable[..., str]
) -> None:
    result = checked(solution(double='print("one line é")\nreturn 2 * number'))
    assert result.points == 7
    assert "one line é\n" in result.printed
    once = checked(solution() + '\nprint("loaded \\x1b[31m")\n')
    assert once.printed == "loaded \x1b[31m\n" * 2  # in two workers
    assert "loaded \\x1b[31m" in report.as_text(once)


def test_a_flood_of_printing_fills_no_disk_and_breaks_no_law(
    checked: Callable[..., Checked],
    solution: Callable[..., str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    flood = (
        "import sys\nfor _ in range(100):\n    sys.stdout.write('x' * 999_999 + '\\n')\nprint('the end')\n"
    )
    result = checked(solution() + flood)
    assert result.points == 7
    assert result.printed.endswith("the end\n")
    assert len(result.printed) <= PRINTED + len("the end\n")
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) < 1 << 20


def test_endless_printing_is_ended(checked: Callable[..., Checked], solution: Callable[..., str]) -> None:
    started = time.monotonic()
    result = checked(solution(is_double="while True:\n    print('x' * 1000)"))
    assert time.monotonic() - started < 10
    assert outcomes(result)["tells_right_from_wrong"] is Outcome.TIMED_OUT


@pytest.mark.skipif(os.name != "posix", reason="forks")
def test_a_process_left_behind_does_not_hold_the_check(
    checked: Callable[..., Checked], solution: Callable[..., str], tmp_path: Path
) -> None:
    note = tmp_path / "pid"
    daemon = f"""
import os, time
if os.fork() == 0:
    os.setsid()
    open({str(note)!r}, "w").write(str(os.getpid()))
    time.sleep(20)
    os._exit(0)
"""
    started = time.monotonic()
    try:
        assert checked(solution() + daemon).points == 7
        assert time.monotonic() - started < 10
    finally:
        os.kill(int(note.read_text(encoding="utf-8")), 9)


def test_no_thread_and_no_open_pipe_is_left(
    checked: Callable[..., Checked], solution: Callable[..., str]
) -> None:
    checked(solution())
    threads = threading.active_count()
    pipes = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
    for _ in range(3):
        checked(solution())
    assert threading.active_count() == threads
    if sys.platform == "linux":
        assert len(os.listdir("/proc/self/fd")) == pipes


def test_the_hash_is_that_of_the_file(checked: Callable[..., Checked], desk: Desk) -> None:
    from hashlib import sha256

    assert checked("x = 1\r\n").sha256 == sha256((desk.folder / "twice.py").read_bytes()).hexdigest()


def test_a_file_that_can_not_be_read_is_refused(desk: Desk) -> None:
    path = desk.folder / "twice.ipynb"
    path.write_text("not a notebook", encoding="utf-8")
    with pytest.raises(ShortestError, match=r"twice\.ipynb: it is not a notebook"):
        check_file(desk, "twice", path)


def test_the_hidden_laws_are_not_even_read(desk: Desk, small: Course, solution: Callable[..., str]) -> None:
    drawn = [law.name for law in small.laws("twice", hidden=False) if check.inputs(law)]
    assert "large_numbers" not in drawn
    (desk.folder / "twice.py").write_text(solution(), encoding="utf-8")
    assert "large_numbers" not in outcomes(check_file(desk, "twice", desk.folder / "twice.py"))


HEAVY = ("IPython", "jinja2", "matplotlib", "nbformat", "nbgrader", "pytest", "sqlalchemy", "torch")
LOADED = """
import sys
from autograder.cli import main
sys.argv = ["shortest", "check", sys.argv[1]]
try:
    main()
except SystemExit:
    print("LOADED", *sys.modules)
"""


def test_a_check_waits_for_no_import_that_it_can_do_without(
    desk: Desk, small: Course, solution: Callable[..., str]
) -> None:
    """A check should answer in a second, and each of these packages takes a good part of one to import."""
    (desk.folder / "twice.py").write_text(solution(), encoding="utf-8")
    environment = {**os.environ, "SHORTEST_COURSE": str(small.root)}
    command = [sys.executable, "-c", LOADED, "twice.py"]
    done = subprocess.run(
        command, cwd=desk.folder, env=environment, capture_output=True, text=True, timeout=60
    )
    loaded = done.stdout.partition("LOADED")[2].split()
    assert "autograder.judge" in loaded, done.stderr
    assert [name for name in HEAVY if name in loaded] == []

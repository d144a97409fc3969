"""A grader killed at any step and started again loses nothing, counts nothing twice, and leaves no process."""

from __future__ import annotations

import json
import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from autograder import intake
from autograder.course import Course
from autograder.grade import Grader
from autograder.gradebook import Gradebook
from autograder.model import Attempt, Job, Override
from autograder.sandbox import Unsandboxed

TOTAL = 10
LINUX = pytest.mark.skipif(
    sys.platform != "linux", reason="isolated grading needs Linux, and so does this fork"
)
Verdicts = dict[tuple[str, str, str], Attempt]


def hand_in(folder: Path, student: str, text: str, name: str = "twice.py") -> None:
    (folder / student).mkdir(parents=True, exist_ok=True)
    (folder / student / name).write_text(text, encoding="utf-8")


# ---- at every step ----


@pytest.fixture
def folder(tmp_path: Path, solution: Callable[..., str]) -> Path:
    """Give three submissions: right, partly right, and refused."""
    folder = tmp_path / "submissions"
    hand_in(folder, "ada", solution())
    hand_in(folder, "bob", solution(double="return 0"))
    hand_in(folder, "cy", "no notebook", "twice.ipynb")
    return folder


def judged(small: Course, *folders: Path) -> Verdicts:
    """Return the attempts at all submissions, judged once."""
    jobs = [intake.load(found) for folder in folders for found in intake.find(folder, list(small.lessons))[0]]
    return {(job.student, job.lesson, job.sha256): alone(small, job) for job in jobs}


def every_step(tmp_path: Path, small: Course, folder: Path, verdicts: Verdicts, start: str = "") -> Any:
    """Run `kill_points.py` on the submissions; where a run begins with what an earlier one left, it is a regrade."""
    (tmp_path / "verdicts").write_bytes(pickle.dumps(verdicts))
    program = Path(__file__).with_name("kill_points.py")
    memory = Path("/dev/shm")  # where a commit waits for no disk: a killed process needs none
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else tmp_path) as work:
        places = [small.root, folder, tmp_path / "verdicts", work]
        command = [sys.executable, str(program), *map(str, places), start, "regrade" if start else ""]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    sys.stdout.write(f"killed at each of {found['points']} steps, and started again\n")
    return found


@LINUX
def test_a_first_run_killed_at_any_step_and_started_again_is_as_if_it_was_never_killed(
    tmp_path: Path, small: Course, folder: Path
) -> None:
    found = every_step(tmp_path, small, folder, judged(small, folder))
    assert found["wrong"] == []
    assert found["points"] > 100
    assert found["jobs"] == 3


@LINUX
def test_a_regrade_killed_at_any_step_goes_on_and_keeps_what_a_person_changed(
    tmp_path: Path, small: Course, folder: Path, solution: Callable[..., str]
) -> None:
    earlier = tmp_path / "earlier"
    verdicts = judged(small, folder)
    before(earlier / "gradebook.db", folder, small, verdicts)
    (folder / "ada" / "twice.py").write_text(solution(halve="return 0"), encoding="utf-8")
    verdicts |= judged(small, folder)
    found = every_step(tmp_path, small, folder, verdicts, str(earlier))
    assert found["wrong"] == []
    assert found["points"] > 100
    assert found["jobs"] == 7  # three and one that waited, and three of the regrade


def before(path: Path, folder: Path, small: Course, verdicts: Verdicts) -> None:
    """Make a gradebook with three attempts, an override, and a job that waits since an earlier kill."""
    book = Gradebook.at(path)
    jobs = [intake.load(found) for found in intake.find(folder, list(small.lessons))[0]]
    book.enqueue(jobs, dict.fromkeys(small.lessons, "an older grader"))
    for job in book.pending():
        book.record(job, verdicts[job.student, job.lesson, job.sha256])
    book.override(Override("bob", "twice", "", 7, "kim", "late bus", "2026-01-02T03:04:05+00:00"))
    book.enqueue([Job("cy", "twice", "twice.py", b"x = 1")], dict.fromkeys(small.lessons, "g"))
    [waiting] = book.pending()
    verdicts[waiting.student, waiting.lesson, waiting.sha256] = alone(small, waiting)
    book.close()


def alone(small: Course, job: Job) -> Attempt:
    return Grader(small.root, "secret", Unsandboxed()).grade(job)


# ---- its processes ----

WAITS = "import time\ntime.sleep(0.25)\n"


@pytest.fixture
def many(tmp_path: Path, solution: Callable[..., str]) -> Path:
    """Give five submissions that take a while to load."""
    for number in range(5):
        hand_in(tmp_path / "many", f"s{number}", WAITS + solution())
    return tmp_path / "many"


class Grading:
    """`shortest grade` as a process, in a folder for temporary files of its own."""

    def __init__(self, folder: Path, out: Path, environment: dict[str, str]) -> None:
        self.out = out
        self.temporary = out.with_name("temporary")
        self.temporary.mkdir(exist_ok=True)
        self.command = [sys.executable, "-m", "autograder.cli", "grade", str(folder), "--out", str(out)]
        self.environment = {**environment, "TMPDIR": str(self.temporary)}

    def start(self, attempts: int = 1) -> psutil.Popen:
        """Start, and return when that many attempts are recorded and others are being judged."""
        process = psutil.Popen(
            self.command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        deadline = time.monotonic() + 60
        while recorded(self.out) < attempts:
            assert time.monotonic() < deadline
            assert process.poll() is None, process.communicate()[1].decode()
            time.sleep(0.02)
        return process

    def finish(self) -> str:
        """Run to the end, and return what was shown."""
        done = subprocess.run(self.command, env=self.environment, capture_output=True, text=True, timeout=90)
        assert done.returncode == 0, done.stderr
        return done.stdout


def recorded(out: Path) -> int:
    if not (out / "gradebook.db").exists():
        return 0
    book = sqlite3.connect(out / "gradebook.db")
    try:
        return int(book.execute("select count(*) from attempts").fetchone()[0])
    except sqlite3.OperationalError:  # its tables are not made yet
        return 0
    finally:
        book.close()


def check_all(out: Path) -> None:
    book = Gradebook.at(out / "gradebook.db")
    kept = book.attempts()
    assert sorted((one.student, one.points) for one in kept) == [(f"s{n}", TOTAL) for n in range(5)]
    assert book.waiting() == 0
    book.close()
    rows = (out / "grades.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 6


def gone(processes: list[psutil.Process]) -> bool:
    alive = psutil.wait_procs(processes, timeout=10)[1]
    return not [one for one in alive if one.status() != psutil.STATUS_ZOMBIE]


@LINUX
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_grader_ended_while_it_judges_leaves_no_process_and_goes_on_where_it_was(
    number: signal.Signals, many: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    grading = Grading(many, tmp_path / "out", environment)
    process = grading.start()
    family = process.children(recursive=True)
    assert len(family) >= 2
    process.send_signal(number)
    shown, errors = process.communicate(timeout=30)
    assert process.returncode == (130 if number == signal.SIGINT else -number)
    assert b"Traceback" not in errors
    assert gone(family)
    before = recorded(grading.out)
    assert 1 <= before < 5
    if number == signal.SIGINT:
        assert list(grading.temporary.iterdir()) == []
        words = " ".join(shown.decode().split())
        left = "1 submission" if before == 4 else f"{5 - before} submissions"
        assert f"Stopped: {left} yet to judge. Nothing is lost; the same command goes on." in words
    assert (
        f"5 submissions, {5 - before} to judge. {5 - before} of them waited from before." in grading.finish()
    )
    check_all(grading.out)
    assert recorded(grading.out) == 5


@LINUX
def test_a_grading_process_killed_in_the_middle_of_a_job_takes_no_submission_with_it(
    many: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    grading = Grading(many, tmp_path / "out", environment)
    process = grading.start()
    graders = [one for one in process.children() if "spawn_main" in " ".join(one.cmdline())]
    assert len(graders) == 2
    family = process.children(recursive=True)
    graders[0].kill()
    shown, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors.decode()
    assert "could not be judged" not in shown.decode()
    assert gone(family)
    check_all(grading.out)

"""Grading in several processes: nothing that one of them meets reaches the others, or keeps them waiting."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import Pipe, active_children
from pathlib import Path
from typing import Any

import pytest

from autograder import pool
from autograder.course import Course
from autograder.model import Attempt, Job, Limits, Outcome
from autograder.pool import Setup
from autograder.sandbox import Sandbox, Unsandboxed

SECRET = "the secret of these tests"
TOTAL = 10  # points of the laws of `twice`
ROOT = Path(__file__).resolve().parents[2]


def jobs(*texts: str) -> list[Job]:
    return [Job(f"s{number}", "twice", "twice.py", text.encode()) for number, text in enumerate(texts)]


def essence(attempt: Attempt) -> tuple[Any, ...]:
    """Return all of an attempt but its times."""
    verdicts = [(v.law, v.outcome, v.points, v.possible, v.because, v.finding) for v in attempt.verdicts]
    return attempt.student, attempt.lesson, attempt.sha256, attempt.grader, verdicts, attempt.notes


def outcomes(attempt: Attempt) -> set[Outcome]:
    return {verdict.outcome for verdict in attempt.verdicts}


def test_verdicts_are_the_same_again_and_from_two_processes(
    small: Course, isolated: Sandbox, solution: Callable[..., str]
) -> None:
    setup = Setup(small.root, SECRET, isolated)
    handed_in = jobs(
        solution(),
        solution(double="return number + number if number % 7 else 0"),
        solution(halve="return number // 2"),
        solution(is_double="raise ValueError(candidate(3))"),
        "not python",
    )
    alone, again, together = (
        sorted((essence(attempt) for _, attempt in pool.grade(setup, handed_in, number)), key=str)
        for number in (1, 1, 2)
    )
    assert alone == again == together


def test_each_job_comes_back_with_its_own_attempt(
    small: Course, isolated: Sandbox, solution: Callable[..., str]
) -> None:
    handed_in = jobs(*(solution() + f"# {number}\n" for number in range(7)))
    got = list(pool.grade(Setup(small.root, SECRET, isolated), handed_in, 2))
    assert sorted(job.student for job, _ in got) == [job.student for job in handed_in]
    assert all(job.sha256 == attempt.sha256 and job.student == attempt.student for job, attempt in got)
    assert active_children() == []


def test_no_jobs_give_no_attempts(small: Course) -> None:
    assert list(pool.grade(Setup(small.root, SECRET, Unsandboxed()), [], 2)) == []
    assert active_children() == []


@dataclass(frozen=True)
class Doomed:
    """A sandbox in which the first grading processes to use it die, as for want of memory."""

    inner: Sandbox
    notes: str  # a folder with a note of each death
    deaths: int
    victim: bytes
    isolated: bool = True

    def start(self, package: Path, *arguments: Any) -> Any:
        died = len(os.listdir(self.notes))
        if died < self.deaths and self.victim in (package / "squeeze" / "twice.py").read_bytes():
            Path(self.notes, f"{died}-{os.getpid()}").touch()
            os._exit(9)
        return self.inner.start(package, *arguments)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_grading_process_that_dies_takes_no_submission_along(
    small: Course, isolated: Sandbox, solution: Callable[..., str], tmp_path: Path, processes: int
) -> None:
    doomed = Doomed(isolated, str(tmp_path), 1, b"")
    handed_in = jobs(*[solution()] * 4)
    got = list(pool.grade(Setup(small.root, SECRET, doomed), handed_in, processes))
    assert [attempt.points for _, attempt in got] == [TOTAL] * 4
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_that_kills_its_grader_twice_is_given_up_and_the_others_are_judged(
    small: Course, isolated: Sandbox, solution: Callable[..., str], tmp_path: Path
) -> None:
    doomed = Doomed(isolated, str(tmp_path), 99, b"poison")
    handed_in = jobs(solution(), solution() + "# poison\n", solution())
    got = {
        job.student: attempt for job, attempt in pool.grade(Setup(small.root, SECRET, doomed), handed_in, 1)
    }
    assert outcomes(got["s1"]) == {Outcome.GRADER_ERROR}
    assert got["s1"].possible == TOTAL
    assert got["s1"].verdicts[0].because == pool.LOST
    assert (got["s0"].points, got["s2"].points) == (TOTAL, TOTAL)
    assert len(list(tmp_path.iterdir())) == pool.TRIES


STOPPED = """
from pathlib import Path
from autograder import pool
from autograder.model import Job, Limits
from autograder.isolation import isolated_sandbox
if __name__ == "__main__":
    limits = dict(twice=Limits(call_seconds=6.0, law_seconds=6.5, total_seconds=7.0))
    setup = pool.Setup(Path({root!r}), "secret", isolated_sandbox(), limits)
    print("ready", flush=True)
    [(_, attempt)] = pool.grade(setup, [Job("ada", "twice", "twice.py", {text!r}.encode())], 1, slack=1.0)
    print(attempt.points, attempt.seconds, *[v.because for v in attempt.verdicts], sep="|")
"""


@pytest.mark.usefixtures("isolated")
def test_who_stops_the_grader_and_goes_on_takes_no_time_from_a_student(
    small: Course, tmp_path: Path, solution: Callable[..., str]
) -> None:
    text = solution(double="import time; time.sleep(12 * (number == 1 << 99)); return number + number")
    script = tmp_path / "stopped.py"
    script.write_text(STOPPED.format(root=str(small.root), text=text), encoding="utf-8")
    grader = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert grader.stdout is not None
    assert grader.stdout.readline() == "ready\n"
    time.sleep(2.5)  # to start: what is stopped is a call that takes twelve seconds, of six that it may
    os.killpg(grader.pid, signal.SIGSTOP)  # as Ctrl-Z does
    time.sleep(8)
    os.killpg(grader.pid, signal.SIGCONT)
    points, seconds, *why = grader.communicate(timeout=60)[0].strip().split("|")
    assert float(points) == TOTAL, why
    assert float(seconds) > 8  # it was really stopped while it judged


@dataclass(frozen=True)
class Busy:
    """A sandbox that keeps the grading process itself busy, as a frame that takes for ever to decode would."""

    inner: Sandbox
    victim: bytes
    isolated: bool = True

    def start(self, package: Path, *arguments: Any) -> Any:
        if self.victim in (package / "squeeze" / "twice.py").read_bytes():
            time.sleep(600)
        return self.inner.start(package, *arguments)


def test_a_grading_process_that_is_kept_busy_is_ended_and_the_next_file_is_judged(
    small: Course, isolated: Sandbox, solution: Callable[..., str]
) -> None:
    limits = {"twice": Limits(total_seconds=10.0)}
    setup = Setup(small.root, SECRET, Busy(isolated, b"busy"), limits)
    handed_in = jobs(solution() + "# busy\n", solution(), solution())
    got = {job.student: attempt for job, attempt in pool.grade(setup, handed_in, 1, slack=1.0)}
    assert outcomes(got["s0"]) == {Outcome.TIMED_OUT}
    assert got["s0"].verdicts[0].because == pool.BUSY
    assert (got["s1"].points, got["s2"].points) == (TOTAL, TOTAL)


def test_an_answer_that_nobody_had_the_time_to_read_is_not_late(small: Course) -> None:
    """Whoever takes the attempts may take long over one of them, while the others are being judged."""
    grader = Setup(small.root, SECRET, Unsandboxed()).grader()
    handed_in = jobs("x = 1", "x = 2")
    attempts = [grader.grade(job) for job in handed_in]
    crew, theirs = [], []
    for job in handed_in:
        one = pool._Process.__new__(pool._Process)
        one.pipe, there = Pipe()
        one.job, one.until = job, time.monotonic() + 0.2
        crew.append(one)
        theirs.append(there)
    theirs[0].send(attempts[0])
    settling = pool._settle(crew, grader)
    assert next(settling)[1] == attempts[0]
    theirs[1].send(attempts[1])
    time.sleep(0.3)
    assert [attempt for _, attempt in (*settling, *pool._settle(crew, grader))] == [attempts[1]]
    for end in (*theirs, *(one.pipe for one in crew)):
        end.close()


COLLIDING = """
import os, struct

def colliding(count):
    # Whole numbers that all have one hash, in a dict or in a set.
    keys = [(1 + n * ((1 << 61) - 1)).to_bytes(16, "big") for n in range(count)]
    keys = [bytes([0xd8, 1]) + key for key in keys]
    if KIND == "dict":
        return bytes([0xdf]) + struct.pack(">I", count) + b"".join(key + bytes([1]) for key in keys)
    body = bytes([0xdd]) + struct.pack(">I", count) + b"".join(keys)
    return bytes([0xc9]) + struct.pack(">IB", len(body), 6) + body

body = bytes([0x92, 0xa5]) + b"value" + colliding(100_000)
data = struct.pack(">I", len(body)) + body

def double(number):
    for descriptor in range(3, 256):
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view):]
        except OSError:
            continue
    os._exit(0)
"""


@pytest.mark.parametrize("kind", ["dict", "set"])
def test_a_frame_of_numbers_that_collide_holds_nobody_up(
    small: Course, isolated: Sandbox, solution: Callable[..., str], kind: str
) -> None:
    """So many of them would take an hour to put into one dict."""
    handed_in = jobs(f"KIND = {kind!r}\n{COLLIDING}", solution())
    started = time.monotonic()
    got = {
        job.student: attempt
        for job, attempt in pool.grade(Setup(small.root, SECRET, isolated), handed_in, 1, slack=10.0)
    }
    assert time.monotonic() - started < 20
    assert got["s0"].points == 0
    assert Outcome.CRASHED in outcomes(got["s0"])
    assert "over 8192 keys" in str(got["s0"].verdicts)
    assert got["s1"].points == TOTAL


def test_jobs_are_taken_only_when_a_process_is_free(small: Course, solution: Callable[..., str]) -> None:
    taken: list[str] = []

    def queue() -> Iterator[Job]:
        for job in jobs(*[solution()] * 12):
            taken.append(job.student)
            yield job

    ahead = 0
    for done, _ in enumerate(pool.grade(Setup(small.root, SECRET, Unsandboxed()), queue(), 2)):
        ahead = max(ahead, len(taken) - done)
    assert len(taken) == 12
    assert ahead <= 3  # two are being judged, and the one that has just come back


def test_who_stops_early_leaves_no_process(
    small: Course, isolated: Sandbox, solution: Callable[..., str]
) -> None:
    handed_in = jobs(solution(), *["while True: pass"] * 6)
    running = pool.grade(Setup(small.root, SECRET, isolated), handed_in, 2)
    assert next(running)[0].student == "s0"
    running.close()  # type: ignore[attr-defined]
    assert active_children() == []


def test_more_processes_than_cores_are_no_trouble(small: Course, solution: Callable[..., str]) -> None:
    number = (os.cpu_count() or 1) + 1
    got = list(pool.grade(Setup(small.root, SECRET, Unsandboxed()), jobs(*[solution()] * number), number))
    assert [attempt.points for _, attempt in got] == [TOTAL] * number


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_ctrl_c_reaches_no_grading_process_even_while_it_starts(small: Course, tmp_path: Path) -> None:
    """It would end with a traceback of ours on the instructor's screen."""
    one = pool._Process(Setup(small.root, SECRET, Unsandboxed()), str(tmp_path), None)
    try:
        text = Path(f"/proc/{one.process.pid}/status").read_text(encoding="ascii")
        masks = dict(line.split(":\t", 1) for line in text.splitlines())
        deaf = int(masks["SigIgn"], 16) | int(masks["SigBlk"], 16)
        assert deaf >> (signal.SIGINT - 1) & 1
    finally:
        one.end()


ENDLESS = """
import sys
from pathlib import Path
from autograder import pool
from autograder.model import Job, Limits
from autograder.sandbox import Unsandboxed

if __name__ == "__main__":
    jobs = [Job("ada", "twice", "twice.py", Path(sys.argv[2]).read_bytes())]
    jobs += [Job(f"s{n}", "twice", "twice.py", b"while True: pass") for n in range(9)]
    patient = {"twice": Limits(call_seconds=300, law_seconds=300, total_seconds=300)}
    for job, _ in pool.grade(pool.Setup(Path(sys.argv[1]), "secret", Unsandboxed(), patient), jobs, 2):
        print(job.student, flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="sends signals")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["killed", "Ctrl-C"])
def test_the_processes_end_with_whoever_started_them(
    small: Course, solution: Callable[..., str], tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "grade.py").write_text(ENDLESS, encoding="utf-8")
    (tmp_path / "right.py").write_text(solution(), encoding="utf-8")
    mark = str(tmp_path / "right.py")
    command = [sys.executable, str(tmp_path / "grade.py"), str(small.root), mark]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, start_new_session=True
    ) as grader:
        assert grader.stdout is not None
        assert grader.stdout.readline() == b"ada\n"
        family = _family(grader.pid)
        assert len(family) > 1
        if number == signal.SIGINT:  # a terminal sends it to all of them
            os.killpg(grader.pid, number)
        else:
            grader.kill()
    until = time.monotonic() + 20
    while any(map(_alive, family)) and time.monotonic() < until:
        time.sleep(0.1)
    left = [pid for pid in family if _alive(pid)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert left == []


def _family(root: int) -> list[int]:
    """Return a process and all its descendants."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)
    children: dict[int, list[int]] = {}
    for line in listed.stdout.splitlines():
        pid, parent = map(int, line.split())
        children.setdefault(parent, []).append(pid)
    found, queue = [], [root]
    while queue:
        found.append(queue.pop())
        queue += children.get(found[-1], [])
    return found


def _alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    if status.parent.parent.joinpath("self").exists():
        try:
            return ") Z " not in status.read_text()
        except OSError:
            return False
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True

"""Grading on a Dask cluster of separate processes: the same attempts, and none lost or made twice."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from distributed import Client, Future, LocalCluster

from autograder import cluster, cluster_worker, pool
from autograder.cluster_worker import Errand, Kit, _end_all, pack, versions
from autograder.course import Course
from autograder.model import Attempt, Job, Limits, Outcome, ShortestError
from autograder.sandbox import Sandbox, Unsandboxed

from .conftest import write_course

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="isolated grading needs Linux")

# A law is ours and runs in the grading process: this one does to it what a submission asks for.
HARM = '''
import os, signal, time
from pathlib import Path
from autograder.laws import expect, law

def parent(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])

@law(exercise="double", points=1, hint="Be kind.")
def test_does_no_harm(twice):
    """It harms the grader."""
    answer = twice.double(3)
    host = os.getppid()
    if answer == "the host":
        os.kill(host, signal.SIGKILL)
    if answer == "the worker":
        os.kill(parent(host), signal.SIGKILL)
    if answer != 6:
        time.sleep(600)
    expect.equal(answer, 6)
'''


@pytest.fixture(scope="module")
def dask() -> Iterator[LocalCluster]:
    """Give two workers, each a process of its own that is replaced when it dies."""
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as running:
        yield running


@pytest.fixture
def client(dask: LocalCluster) -> Iterator[Client]:
    """Give our own view of the cluster, once both workers are there."""
    with Client(dask, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=20)
        yield client


@pytest.fixture(scope="module")
def setup(small: Course, isolated: Sandbox) -> pool.Setup:
    return pool.Setup(small.root, "the secret of these tests", isolated)


@pytest.fixture(scope="module")
def harmful(tmp_path_factory: pytest.TempPathFactory) -> pool.Setup:
    """Give a course whose law harms the grader."""
    course = write_course(tmp_path_factory.mktemp("harmful"))
    (course.root / "tests" / "laws" / "hidden" / "test_twice.py").write_text(HARM, encoding="utf-8")
    return pool.Setup(course.root, "secret", Unsandboxed())


@pytest.fixture
def kit(harmful: pool.Setup, isolated: Sandbox) -> Iterator[Kit]:
    """Give what a worker keeps, in this process, for the course that harms the grader."""
    kit = Kit(Errand(pack(harmful.root), "secret", {}, "bubblewrap", 0.0, versions()))
    yield kit
    _end_all(kit._idle)


@pytest.fixture
def job(solution: Callable[..., str]) -> Callable[..., Job]:
    """Give a function that makes a student's job."""

    def make(student: str, text: str | bytes | None = None, **edits: str) -> Job:
        text = f"{solution(**edits)}# {student}\n" if text is None else text
        return Job(student, "twice", "twice.py", text.encode() if isinstance(text, str) else text)

    return make


def essence(attempt: Attempt) -> tuple[Any, ...]:
    """All of an attempt but its times, and how far a counterexample could be shrunk in the time there was."""
    verdicts = [
        (v.law, v.outcome, v.points, v.possible, v.because if v.finding is None else "")
        for v in attempt.verdicts
    ]
    return attempt.student, attempt.lesson, attempt.sha256, attempt.grader, verdicts, attempt.notes


def outcomes(attempt: Attempt) -> set[tuple[Outcome, str]]:
    return {(verdict.outcome, verdict.because) for verdict in attempt.verdicts}


def left_behind(dask_worker: Any) -> list[str]:
    """Return the folders of ours on a worker, with their modes; it runs there."""
    folders = Path(dask_worker.local_directory).glob("shortest-*")
    return [f"{path.name} {path.stat().st_mode & 0o777:o}" for path in folders]


def hosts(worker: int) -> list[int]:
    """Return the children of a process that run our program."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
            if parent == worker and b"cluster_worker" in (path.parent / "cmdline").read_bytes():
                found.append(int(path.parent.name))
        except (OSError, IndexError):
            continue
    return found


def until(true: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def clean(client: Client) -> bool:
    """Tell whether nothing of a run is left on the cluster."""
    pids = client.run(os.getpid).values()
    return not any(hosts(pid) for pid in pids) and not any(client.run(left_behind).values())


def test_attempts_are_those_of_local_processes_under_the_limits_that_an_instructor_chose(
    dask: LocalCluster, small: Course, isolated: Sandbox, job: Callable[..., Job], client: Client
) -> None:
    limits = {"twice": Limits(call_seconds=10, law_seconds=60, total_seconds=90, memory_mb=300)}
    setup = pool.Setup(small.root, "the secret of these tests", isolated, limits)
    jobs = [
        job("ada"),
        job("bob", double="return number + number if number % 7 else 0"),
        job("cy", halve="return number // 2"),
        job("dot", is_double="raise ValueError(candidate(3))"),
        job("eve", "not python"),
        job("fay", b"\xff\xfe\0"),
        Job("hal", "twice", "twice.py", b"", problem="twice.py is a link"),
        job("a student with a long name " * 9),
    ]
    here = [(done.student, essence(attempt)) for done, attempt in pool.grade(setup, jobs, 2)]
    there = [
        (done.student, essence(attempt))
        for done, attempt in cluster.grade(setup, jobs, dask.scheduler_address)
    ]
    assert sorted(here, key=str) == sorted(there, key=str)
    assert len(there) == len(jobs)
    assert until(lambda: clean(client))


def test_a_worker_killed_in_mid_run_loses_no_job_and_none_is_done_twice_or_taken_early(
    dask: LocalCluster, setup: pool.Setup, job: Callable[..., Job], client: Client
) -> None:
    jobs = [job(f"s{number}") for number in range(30)]
    workers = list(client.run(os.getpid).values())
    done: list[str] = []
    taken: list[str] = []
    held: list[int] = []
    waiting = (taken.append(one.student) or one for one in jobs)
    for one, attempt in cluster.grade(setup, waiting, dask.scheduler_address, ahead=3):
        done.append(one.student)
        held.append(len(taken) - len(done))
        assert (attempt.student, attempt.points) == (one.student, 10)
        if len(done) == 5:
            victim = next(pid for pid in workers if hosts(pid))
            orphans = hosts(victim)
            os.kill(victim, signal.SIGKILL)
    assert sorted(done) == sorted(one.student for one in jobs)
    assert max(held) == 5  # three for each of two threads, and one of them is done
    assert until(lambda: not any(alive(pid) for pid in orphans))
    client.wait_for_workers(2, timeout=20)
    assert until(lambda: clean(client))


def alive(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def test_a_job_that_kills_its_worker_each_time_is_the_graders_error_and_the_cluster_goes_on(
    dask: LocalCluster, harmful: pool.Setup, job: Callable[..., Job], client: Client
) -> None:
    poison = job("poison", double="return 2 * number if number != 3 else 'the worker'")
    dask.scheduler.allowed_failures = 1
    [(_, attempt)] = cluster.grade(harmful, [poison], dask.scheduler_address)
    dask.scheduler.allowed_failures = 3
    assert outcomes(attempt) == {(Outcome.GRADER_ERROR, cluster.LOST)}
    [(_, attempt)] = cluster.grade(harmful, [job("ada")], dask.scheduler_address)
    assert attempt.points == 8


def test_an_attempt_that_does_not_arrive_is_made_again_and_at_last_the_graders_error(
    dask: LocalCluster, setup: pool.Setup, job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Future.result
    missing = {"once": 1, "never": 99}

    def result(future: Future, timeout: float | None = None) -> Attempt:
        assert timeout == cluster.FETCH
        attempt = real(future, timeout=timeout)
        missing[attempt.student] = missing.get(attempt.student, 0) - 1
        if missing[attempt.student] >= 0:
            raise TimeoutError
        return attempt

    monkeypatch.setattr(Future, "result", result)
    jobs = [job("once"), job("never"), job("ada")]
    done = [(one.student, attempt) for one, attempt in cluster.grade(setup, jobs, dask.scheduler_address)]
    attempts = dict(done)
    assert len(done) == len(attempts) == 3
    assert attempts["once"].points == attempts["ada"].points == 10
    assert outcomes(attempts["never"]) == {(Outcome.GRADER_ERROR, cluster.LOST)}
    assert missing["never"] == 99 - cluster.TRIES


def test_a_cluster_that_falls_silent_is_asked_again(
    dask: LocalCluster, setup: pool.Setup, job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = cluster._Run._ready
    answers = iter([True, False, False])
    monkeypatch.setattr(cluster._Run, "_ready", lambda run: next(answers, True) and real(run))
    jobs = [job(f"s{number}") for number in range(6)]
    done = [(one.student, a.points) for one, a in cluster.grade(setup, jobs, dask.scheduler_address)]
    assert sorted(done) == [(one.student, 10) for one in jobs]
    assert until(lambda: not dask.scheduler.tasks)


def test_the_patience_with_a_cluster_follows_from_the_limits(
    dask: LocalCluster, setup: pool.Setup, job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "START", -2 * (4.0 + 1.0) + 0.001)
    [(_, attempt)] = cluster.grade(setup, [job("ada")], dask.scheduler_address, slack=1.0)
    assert outcomes(attempt) == {(Outcome.GRADER_ERROR, cluster.LOST)}  # too little of it, each time


def test_a_host_that_dies_takes_no_job_along_and_is_replaced(
    kit: Kit, job: Callable[..., Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = str(tmp_path)
    made: list[str] = []
    real = cluster_worker._Host
    monkeypatch.setattr(cluster_worker, "_Host", lambda *words: made.append("a host") or real(*words))
    assert (
        kit.judge(job("poison", double="return 2 * number if number != 3 else 'the host'"), scratch) is None
    )
    assert len(made) == 2
    first = kit.judge(job("ada"), scratch)
    assert first is not None
    assert first.points == 8
    assert until(lambda: len(list(tmp_path.iterdir())) == 1)  # what the dead ones had unpacked is gone
    assert len(list(tmp_path.glob("shortest-*/shortest-*/lessons"))) == 1
    [host] = kit._idle
    second = kit.judge(job("bob"), scratch)
    assert second is not None
    assert kit._idle == [host]  # kept, with what it has drawn
    kit._idle.clear()
    host.end()
    assert until(lambda: list(tmp_path.iterdir()) == [])


def test_a_grader_that_is_kept_busy_is_stopped_there_too(
    kit: Kit, job: Callable[..., Job], tmp_path: Path
) -> None:
    busy = job("busy", double="return 2 * number if number != 3 else 'nothing'")
    started = time.monotonic()
    attempt = kit.judge(busy, str(tmp_path))
    assert time.monotonic() - started < 20
    assert attempt is not None
    assert outcomes(attempt) == {(Outcome.TIMED_OUT, pool.BUSY)}


def test_laws_that_a_worker_can_not_load_are_refused_with_the_reason(
    kit: Kit, harmful: pool.Setup, job: Callable[..., Job], tmp_path: Path
) -> None:
    law = harmful.root / "tests" / "laws" / "hidden" / "test_twice.py"
    text = law.read_text(encoding="utf-8")
    law.write_text(f"import only_here\n{text}", encoding="utf-8")
    kit.errand = replace(kit.errand, course=pack(harmful.root))
    law.write_text(text, encoding="utf-8")
    with pytest.raises(ShortestError, match=r"law file .*No module named 'only_here'"):
        kit.judge(job("ada"), str(tmp_path))


def test_another_worker_gets_the_errand_alone(kit: Kit) -> None:
    again = pickle.loads(pickle.dumps(kit))
    assert again.errand == kit.errand
    assert again._sandbox is None
    assert again._idle == []


def test_who_stops_early_leaves_nothing_on_the_cluster(
    dask: LocalCluster, setup: pool.Setup, job: Callable[..., Job], client: Client
) -> None:
    jobs = [job(f"s{number}") for number in range(20)]
    running = cluster.grade(setup, jobs, dask.scheduler_address)
    next(running)
    modes = [line for found in client.run(left_behind).values() for line in found]
    assert modes
    assert all(line.endswith(" 700") for line in modes)
    running.close()  # type: ignore[attr-defined]
    assert until(lambda: not dask.scheduler.tasks)
    assert until(lambda: clean(client))


def test_another_engine_on_a_worker_is_refused_with_both_versions(
    dask: LocalCluster, setup: pool.Setup, job: Callable[..., Job], client: Client
) -> None:
    def another() -> None:
        from autograder import cluster_worker

        other = {**cluster_worker.versions(), "numpy": "1.0"}
        cluster_worker.real = cluster_worker.versions
        cluster_worker.versions = lambda: other

    def usual() -> None:
        from autograder import cluster_worker

        cluster_worker.versions = cluster_worker.real

    client.run(another)
    try:
        with pytest.raises(ShortestError) as caught:
            list(cluster.grade(setup, [job("ada")], dask.scheduler_address))
    finally:
        client.run(usual)
    there = versions()["numpy"]
    assert f" can't grade: it has numpy 1.0, and where you grade there is {there}." in str(caught.value)
    assert str(caught.value).startswith("the worker tcp://127.0.0.1:")


def test_a_worker_that_can_not_isolate_refuses_with_the_reason(
    dask: LocalCluster, setup: pool.Setup, job: Callable[..., Job], client: Client
) -> None:
    def walls_are_down() -> None:
        from autograder import cluster_worker
        from autograder.model import ShortestError

        def refuse(kind: str) -> None:
            raise ShortestError("the sandbox does not isolate here: a file of the host can be seen")

        cluster_worker.real = cluster_worker.isolated_sandbox
        cluster_worker.isolated_sandbox = refuse

    def usual() -> None:
        from autograder import cluster_worker

        cluster_worker.isolated_sandbox = cluster_worker.real

    client.run(walls_are_down)
    try:
        with pytest.raises(ShortestError, match="isolate here: a file of the host can be seen") as caught:
            list(cluster.grade(setup, [job("ada")], dask.scheduler_address))
    finally:
        client.run(usual)
    assert str(caught.value).startswith("the worker tcp://127.0.0.1:")
    assert str(caught.value).endswith("Mend or stop it, and run the same command again")


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("tcp://127.0.0.1:9", "tried for 0.5 seconds"),
        ("127.0.0.1", "missing port number in address '127.0.0.1'"),
        ("nonsense://host:1", "unknown address scheme 'nonsense'"),
        ("", "missing port number in address ''"),
    ],
)
def test_an_address_without_a_scheduler_is_said_with_what_to_type(
    setup: pool.Setup, monkeypatch: pytest.MonkeyPatch, address: str, reason: str
) -> None:
    assert cluster.PATIENCE <= 10
    monkeypatch.setattr(cluster, "PATIENCE", 0.5)
    with pytest.raises(ShortestError) as caught:
        list(cluster.grade(setup, [], address))
    assert str(caught.value).startswith(f"no Dask scheduler answers at {address!r} ({reason}")
    assert "start one with `dask scheduler`" in str(caught.value)


def test_a_server_of_another_kind_is_no_scheduler(setup: pool.Setup) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"

        def answer() -> None:
            with server.accept()[0] as peer:
                peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 9)
                peer.recv(1000)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(ShortestError, match="what answers there is no scheduler"):
            list(cluster.grade(setup, [], address))
        thread.join()


def test_without_dask_it_says_what_to_install(tmp_path: Path) -> None:
    write_course(tmp_path)
    program = f"""
import sys
from pathlib import Path
from autograder import cluster, pool
from autograder.sandbox import Unsandboxed
sys.modules["distributed"] = None
list(cluster.grade(pool.Setup(Path({str(tmp_path)!r}), "secret", Unsandboxed()), [], "tcp://127.0.0.1:9"))
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stderr.strip().endswith("pip install 'shortest-program[cluster]'")


def test_a_cluster_without_workers_is_waited_for_and_one_that_goes_away_is_said(
    setup: pool.Setup, job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "GONE", 5.0)
    jobs = [job(f"s{number}") for number in range(40)]
    said: list[str] = []
    with LocalCluster(
        n_workers=0, processes=True, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as empty:

        def say(text: str) -> None:
            said.append(text)
            empty.scale(1)

        running = cluster.grade(setup, jobs, empty.scheduler_address, say=say)
        one, _ = next(running)
        assert one in jobs
        empty.close()
        with pytest.raises(ShortestError, match=r"went away .*; what was judged is kept: start the cluster"):
            list(running)
    assert said == [f"the cluster at {empty.scheduler_address} has no worker yet; waiting for one"]


def test_what_travels_is_the_course_alone(small: Course) -> None:
    (small.root / "tests" / "laws" / "__pycache__").mkdir(exist_ok=True)
    (small.root / "tests" / "laws" / "__pycache__" / "x.pyc").write_bytes(b"")
    (small.root / "grades.db").write_bytes(b"")
    names = zipfile.ZipFile(BytesIO(pack(small.root))).namelist()
    (small.root / "grades.db").unlink()
    assert names == sorted(names)
    assert set(names) == {
        *("lessons/01_twice/lesson.md", "lessons/01_twice/lesson.toml"),
        *("lessons/02_thrice/lesson.md", "lessons/02_thrice/lesson.toml"),
        *("solutions/squeeze/thrice.py", "solutions/squeeze/twice.py"),
        *("tests/bugs/thrice.toml", "tests/bugs/twice.toml"),
        *("tests/laws/hidden/test_thrice.py", "tests/laws/hidden/test_twice.py"),
        *("tests/laws/public/test_thrice.py", "tests/laws/public/test_twice.py"),
    }


def test_versions_name_our_own_files_and_what_decides_verdicts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = versions()
    assert list(before) == ["shortest-program", "Python", "hypothesis", "msgpack", "numpy"]
    engine = tmp_path / "autograder"
    engine.mkdir()
    (engine / "judge.py").write_text("changed", encoding="utf-8")
    monkeypatch.setattr(cluster_worker, "__file__", str(engine / "cluster_worker.py"))
    assert versions()["shortest-program"] != before["shortest-program"]


def test_nobody_needs_dask_to_import_it() -> None:
    program = (
        "import sys, autograder.cluster; sys.exit('dask' in sys.modules or 'distributed' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)

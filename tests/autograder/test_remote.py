"""A submission's workers are started once, replaced when lost, and kept apart from each other."""

from __future__ import annotations

import pytest

from autograder.model import Limits
from autograder.proxy import StudentError, WorkerGone
from autograder.remote import NotLoaded, Remote
from autograder.sandbox import Unsandboxed

LIMITS = Limits(law_seconds=20, call_seconds=10)
SOURCE = """
import os
kept = []

def keep(value):
    kept.append(value)
    return len(kept)

def crash():
    os._exit(0)

def process():
    return os.getpid()
"""


class Counting(Unsandboxed):
    starts = 0

    def start(self, *args):
        type(self).starts += 1
        return super().start(*args)


@pytest.fixture
def counting():
    Counting.starts = 0
    return Counting()


@pytest.fixture
def remote(package, sandbox):
    with Remote(sandbox, package(student=SOURCE), "student", LIMITS, SOURCE) as remote:
        remote.begin(20)
        yield remote


def test_elsewhere_shares_nothing_with_the_module(remote):
    here, there = remote.fixture("student"), remote.fixture("elsewhere")
    assert here.keep(1) == 1
    assert here.keep(2) == 2
    assert there.keep(3) == 1
    assert remote.fixture("student") is here
    assert remote.fixture("elsewhere") is there


def test_workers_start_only_when_asked_for(package, counting):
    with Remote(
        counting, package(student=SOURCE), "student", LIMITS, SOURCE, extra={"reference": 3}
    ) as remote:
        remote.begin(20)
        assert remote.fixture("reference") == 3
        assert Counting.starts == 0
        first = remote.fixture("student").process()
        remote.begin(20)
        assert remote.fixture("student").process() == first
        assert Counting.starts == 1


def test_a_lost_worker_is_replaced_by_the_next_law(package, counting):
    with Remote(counting, package(student=SOURCE), "student", LIMITS, SOURCE) as remote:
        remote.begin(20)
        student = remote.fixture("student")
        student.keep(1)
        with pytest.raises(WorkerGone):
            student.crash()
        with pytest.raises(WorkerGone):
            remote.fixture("student").keep(2)  # the same law gets no second chance
        assert Counting.starts == 1
        remote.begin(20)
        assert remote.fixture("student").keep(1) == 1
        assert Counting.starts == 2


@pytest.mark.parametrize(
    ("source", "kind"), [("1 / 0", NotLoaded), ("def f(:", NotLoaded), ("import os; os._exit(0)", WorkerGone)]
)
def test_what_does_not_load_is_tried_once(package, counting, source, kind):
    with Remote(counting, package(student=source), "student", LIMITS, source) as remote:
        for _ in range(3):
            remote.begin(20)
            for name in ("student", "elsewhere"):
                with pytest.raises(kind, match="load"):
                    remote.fixture(name)
    assert Counting.starts == 1


def test_an_unknown_fixture_is_our_mistake(remote):
    with pytest.raises(LookupError, match="'nothing'"):
        remote.fixture("nothing")


def test_the_last_call_is_the_later_one_of_both_workers(remote):
    here, there = remote.fixture("student"), remote.fixture("elsewhere")
    assert remote.last_call() == ""
    there.keep(1)
    assert remote.last_call() == "keep(1)"
    here.keep(2)
    assert remote.last_call() == "keep(2)"
    with pytest.raises(StudentError):
        there.keep()
    assert remote.last_call() == "keep()"
    remote.begin(20)
    assert remote.last_call() == ""


def test_a_deadline_holds_for_both_workers(package):
    with Remote(Unsandboxed(), package(student=SOURCE), "student", LIMITS, SOURCE) as remote:
        remote.begin(-1)
        for name in ("student", "elsewhere"):
            with pytest.raises(WorkerGone) as caught:
                remote.fixture(name).keep(1)
            assert caught.value.timed_out

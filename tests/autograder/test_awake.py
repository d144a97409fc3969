"""The clock by which student code is limited stands still while the grader does, and only then."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from autograder import awake

STOPPED = """
import os, time
from autograder import awake
before, real = awake.now(), time.monotonic()
print("ready", flush=True)
while time.monotonic() - real < 2.5:
    {loop}
print(awake.now() - before, time.monotonic() - real)
"""


def test_it_counts_what_time_passes():
    before, real = awake.now(), time.monotonic()
    time.sleep(0.2)
    assert abs((awake.now() - before) - (time.monotonic() - real)) < 0.05


def test_it_counts_a_long_wait_in_which_nobody_asks_for_it():
    before = awake.now()
    time.sleep(awake.GAP + 0.5)
    assert awake.now() - before > awake.GAP


@pytest.mark.skipif(os.name != "posix", reason="Windows stops no process")
@pytest.mark.parametrize("loop", ["time.sleep(0.05)", "awake.now()"])
def test_it_stands_still_with_its_process(loop):
    process = subprocess.Popen(
        [sys.executable, "-c", STOPPED.format(loop=loop)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGSTOP)
    time.sleep(2)
    process.send_signal(signal.SIGCONT)
    counted, real = map(float, process.communicate(timeout=30)[0].split())
    assert real > 2.4
    assert counted < real - 1.5

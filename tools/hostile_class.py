"""The hostile class before our grader: what each attack earns, what its honest part does, and what it got at."""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import attacks
import plain
from attacks import Attack

from autograder import pool
from autograder.course import Course
from autograder.model import Attempt, Job, Limits

PATIENT = Limits(call_seconds=2.0, law_seconds=6.0, total_seconds=30.0)
BRIEF = Limits(call_seconds=0.5, law_seconds=1.0, total_seconds=2.0)
SLACK = 10.0  # seconds beyond a lesson's limits before whoever is kept busy is killed
HALVES = {"beside": (attacks.honest_half, ".py"), "files": (attacks.honest_notebook, ".ipynb")}

Row = dict[str, Any]


def judged(
    found: Sequence[Attack], course: Course, setup: pool.Setup, jobs: int
) -> Iterator[tuple[Attack, Row]]:
    """Yield each attack with its row as it is judged; those that deserve nothing get little time."""
    by_name = {one.name: one for one in found}
    got = got_at_something(found, setup, jobs)
    halves = _deserved(found, course, setup, jobs)
    with tempfile.TemporaryDirectory(prefix="hostile-", ignore_cleanup_errors=True) as place:
        for limits, wanted in ((PATIENT, "half"), (BRIEF, "nothing")):
            limited = replace(setup, limits=dict.fromkeys(course.lessons, limits))
            handed_in = {
                one.name: _hand_in(one, course, Path(place)) for one in found if one.deserves == wanted
            }
            for name, attempts in _attempts(limited, handed_in, jobs):
                one = by_name[name]
                row = _row(attempts, course, one.lesson(list(course.lessons)))
                row["deserved"] = halves[one.kind, row.pop("lesson")] if wanted == "half" else 0
                yield one, {**row, "got": name in got}


def got_at_something(found: Sequence[Attack], setup: pool.Setup, jobs: int) -> set[str]:
    """Return the names of the attacks that got at something that the sandbox should keep from them."""
    with tempfile.TemporaryDirectory(prefix="hostile-", ignore_cleanup_errors=True) as place:
        canary = f"canary-{secrets.token_hex(8)}"
        os.environ["CANARY"] = canary  # each grading process has it too
        plain.write(Path(place), canary)
        own = replace(setup, root=Path(place), secret=canary, limits={"plain": PATIENT})
        texts = {one.name: one.text + plain.ANSWER for one in found if one.evidence == "escaped"}
        handed_in = {
            name: [Job("mallory", "plain", "plain.py", text.encode())] for name, text in texts.items()
        }
        attempts = {name: several[0] for name, several in _attempts(own, handed_in, jobs)}
        return {name for name, one in attempts.items() if one.points < one.possible or canary in _said(one)}


def _said(attempt: Attempt) -> str:
    return json.dumps(asdict(attempt), default=str)


def _hand_in(one: Attack, course: Course, place: Path) -> list[Job]:
    folder = place / one.name
    folder.mkdir()
    return one.jobs(course, one.lesson(list(course.lessons)), folder)


def _attempts(
    setup: pool.Setup, handed_in: Mapping[str, Sequence[Job]], processes: int
) -> Iterator[tuple[str, list[Attempt]]]:
    """Yield the attempts on all jobs of a name when the last of them is judged; some hand in nothing."""
    owners = [name for name, jobs in handed_in.items() for _ in jobs]
    jobs = [
        replace(job, number=i) for i, job in enumerate(job for jobs in handed_in.values() for job in jobs)
    ]
    waiting = Counter(owners)
    yield from ((name, []) for name in handed_in if not waiting[name])
    done: dict[str, list[Attempt]] = {}
    for job, attempt in pool.grade(setup, jobs, min(processes, len(jobs)), slack=SLACK) if jobs else ():
        name = owners[job.number]
        done.setdefault(name, []).append(attempt)
        if len(done[name]) == waiting[name]:
            yield name, done[name]


def _deserved(
    found: Sequence[Attack], course: Course, setup: pool.Setup, jobs: int
) -> dict[tuple[str, str], int]:
    """Return what the honest half alone earns, as a module and as a notebook, on each lesson that is needed."""
    handed_in: dict[tuple[str, str], list[Job]] = {}
    for one in found:
        if one.deserves == "half":
            lesson = one.lesson(list(course.lessons))
            make, suffix = HALVES[one.kind]
            job = Job("ada", lesson, f"{lesson}{suffix}", make(course, lesson).encode())
            handed_in[one.kind, lesson] = [job]
    limited = replace(setup, limits=dict.fromkeys(course.lessons, PATIENT))
    by_name = {f"{kind}/{lesson}": several for (kind, lesson), several in handed_in.items()}
    earned = {name: attempts[0].points for name, attempts in _attempts(limited, by_name, jobs)}
    return {(kind, lesson): earned[f"{kind}/{lesson}"] for kind, lesson in handed_in}


def _row(attempts: Sequence[Attempt], course: Course, lesson: str) -> Row:
    verdicts = [verdict for attempt in attempts for verdict in attempt.verdicts]
    return {
        "lesson": lesson,
        "points": sum(attempt.points for attempt in attempts),
        "possible": sum(law.points for law in course.laws(lesson, hidden=True)),
        "outcomes": dict(Counter(str(verdict.outcome) for verdict in verdicts)),
        "seconds": sum(attempt.seconds for attempt in attempts),
    }

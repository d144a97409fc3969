"""Which misconception is behind a mistake: that of the planted bug which gives the laws the same answers.

A planted bug is judged as a student's file is. An exercise has that bug where each of its laws, hidden ones too,
either held for both, or broke for both and got the same answer to every input that was drawn. It may be the fault
of another exercise, though: where one that it uses is broken, or one raised what it did not raise for the bug,
nothing is said. What ran out of time or memory, or was not run, tells nothing either, so that a slow machine can
hide a match and never makes one.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from autograder import bugs
from autograder.grade import Grader
from autograder.model import Attempt, Job, Outcome, Verdict

__all__ = ["Matcher", "uses"]

RAISED = re.compile(r"(?:line \d+, )?in (\w+)")  # how the judge says where
Answers = tuple[tuple[str, str], ...]  # for each law of an exercise its name and a digest; "" where it held


@dataclass(frozen=True, slots=True)
class Seen:
    """What the laws of a broken exercise saw: the answers, and the exercises in which something was raised."""

    answers: Answers
    raised: frozenset[str]


class Matcher:
    """The planted bugs, known by what the laws see in them.

    `grader` is one with the course, the secret and the limits by which the attempts were judged. A bug is judged
    when somebody first fails its exercise, and kept for as long as the matcher is.
    """

    def __init__(self, grader: Grader) -> None:
        self._grader = grader
        self._bugs = cache(self._load)
        self._uses = cache(self._read)
        self._known = cache(self._judge)

    def match(self, attempt: Attempt) -> dict[str, str]:
        """Return the misconception behind each exercise in which the attempt behaves like a planted bug.

        Where nothing failed it costs nothing. Raises ShortestError where the lesson's planted bugs can't be read.
        """
        found, broken = self._seen(attempt.lesson, attempt.verdicts)
        matched = {}
        for exercise, seen in found.items():
            if broken & self._uses(attempt.lesson)[exercise]:
                continue
            known = self._known(attempt.lesson, exercise).get(seen.answers)
            if known and seen.raised - {exercise} <= known[1]:
                matched[exercise] = known[0]
        return matched

    def _load(self, lesson: str) -> list[bugs.Bug]:
        return bugs.load(self._grader.course, lesson)

    def _read(self, lesson: str) -> Mapping[str, set[str]]:
        course = self._grader.course
        return uses(course.source(lesson), [exercise.name for exercise in course.exercises(lesson)])

    def _judge(self, lesson: str, exercise: str) -> Mapping[Answers, tuple[str, frozenset[str]]]:
        """Return what is known by its answers: a misconception, and where its bug raises something.

        Bugs that no law can tell apart must have one misconception; otherwise none of them is known.
        """
        known: dict[Answers, dict[str, frozenset[str]]] = defaultdict(dict)
        for bug in self._bugs(lesson):
            if bug.exercise == exercise and (seen := self._try(bug)):
                known[seen.answers][bug.misconception] = seen.raised
        return {answers: texts.popitem() for answers, texts in known.items() if len(texts) == 1}

    def _try(self, bug: bugs.Bug) -> Seen | None:
        job = Job(f"planted bug {bug.name}", bug.lesson, f"{bug.lesson}.py", bug.source.encode())
        laws = [law for law in self._grader.laws(bug.lesson) if law.exercise == bug.exercise]
        return self._seen(bug.lesson, self._grader.grade(job, laws).verdicts)[0].get(bug.exercise)

    def _seen(self, lesson: str, verdicts: Iterable[Verdict]) -> tuple[dict[str, Seen], set[str]]:
        """Return what the laws saw of each broken exercise that they can tell something about, and all broken ones."""
        judged = {verdict.law: verdict for verdict in verdicts}
        groups: dict[str, list[Verdict | None]] = defaultdict(list)
        for law in self._grader.laws(lesson):
            groups[law.exercise].append(judged.get(law.name))
        broken = {name for name, group in groups.items() if not all(map(_holds, group))}
        seen = {name: _seen_in(groups[name], self._uses(lesson)) for name in broken}
        return {name: found for name, found in seen.items() if found}, broken


def uses(source: str, exercises: Collection[str]) -> dict[str, set[str]]:
    r"""Return for each exercise of a module the others that it uses, directly or through given functions.

    A given class is not looked into: the operators of one reach every exercise.

    >>> uses("def f(): g()\ndef g(): h()\ndef h(): pass", ["f", "h"])
    {'f': {'h'}, 'h': set()}
    """
    body = [
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef) or (isinstance(node, ast.ClassDef) and node.name in exercises)
    ]
    names = {node.name for node in body}
    found = {node.name: names & {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} for node in body}
    for _ in body:  # each round reaches one definition further
        found = {name: own.union(*(found[other] for other in own)) for name, own in found.items()}
    return {name: found[name].intersection(exercises) - {name} for name in exercises}


def _holds(verdict: Verdict | None) -> bool:
    return verdict is not None and verdict.outcome is Outcome.PASSED


def _seen_in(group: Sequence[Verdict | None], exercises: Collection[str]) -> Seen | None:
    """Return what the laws of one exercise saw; nothing where one of them can't tell."""
    answers = []
    raised = set()
    for verdict in group:
        if verdict is None or (verdict.outcome is not Outcome.PASSED and not _digest(verdict)):
            return None
        answers.append((verdict.law, _digest(verdict)))
        raised.add(_raised_in(verdict))
    return Seen(tuple(answers), frozenset(raised.intersection(exercises)))


def _digest(verdict: Verdict) -> str:
    failed = verdict.outcome is Outcome.FAILED and verdict.finding is not None
    return verdict.finding.answers if failed and verdict.finding else ""


def _raised_in(verdict: Verdict) -> str:
    match = RAISED.match(verdict.finding.where) if verdict.finding else None
    return match[1] if match else ""

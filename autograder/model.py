"""The frozen types that one step hands to the next."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class ShortestError(Exception):
    """An error that a person can act on: what was wrong, where, and what to do.

    The command line prints the message alone, never a traceback.
    """


class Outcome(StrEnum):
    """What became of one law on one submission."""

    PASSED = "passed"
    FAILED = "failed"
    TIMED_OUT = "timed out"
    CRASHED = "crashed"
    NOT_RUN = "not run"
    GRADER_ERROR = "grader error"


@dataclass(frozen=True, slots=True)
class Law:
    """One property that an implementation must have, worth `points`."""

    name: str
    lesson: str
    exercise: str
    title: str
    hint: str
    points: int
    hidden: bool
    examples: int
    function: Callable[..., None] = field(repr=False, compare=False)

    @property
    def key(self) -> str:
        """The law's name across all lessons, such as `huffman.round_trip`."""
        return f"{self.lesson}.{self.name}"


@dataclass(frozen=True, slots=True)
class Exercise:
    """One top-level definition that a student completes."""

    name: str
    summary: str
    stub: str = field(repr=False)
    solution: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one submission may use while it is judged; `forbids` names modules that it may not import."""

    call_seconds: float = 2.0
    law_seconds: float = 6.0
    total_seconds: float = 20.0
    memory_mb: int = 512
    forbids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lesson:
    """One folder of `lessons/`, checked against its module and its laws."""

    number: int
    name: str
    title: str
    part: str
    minutes: int
    needs: tuple[str, ...]
    limits: Limits
    rung: str
    page: Path
    module: Path

    @property
    def folder(self) -> str:
        """The lesson's folder name, such as `03_huffman`."""
        return f"{self.number:02d}_{self.name}"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a law saw when it did not hold, in words and values that are safe to show as text.

    `answers` is a digest of what came of every input that was drawn; it is empty where that took too long.
    """

    message: str
    example: Mapping[str, str] = field(default_factory=dict)
    call: str = ""
    expected: str = ""
    got: str = ""
    where: str = ""
    category: str = ""
    answers: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement of one law; `points` is what was earned."""

    law: str
    outcome: Outcome
    points: int
    possible: int
    because: str = ""
    finding: Finding | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Submission:
    """One student's module for one lesson, as text, with the hash of the file that carried it.

    `problems` maps an exercise to the reason why its cell could not be used; `own_lines` says whether the
    line numbers of `source` are those of the student's file, which a notebook doesn't have; there `cells` maps
    an exercise to the numbers of its first and last line.
    """

    student: str
    lesson: str
    sha256: str
    source: str = field(repr=False)
    problems: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    own_lines: bool = True
    cells: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Job:
    """A file that waits to be judged, with its bytes, so that nothing which happens to the original matters.

    `problem` says why its bytes could not be taken; `received` is when it was handed in, in UTC as ISO 8601,
    empty where that is unknown, and `guessed` where it is only when the file was last changed; `number` is the
    gradebook's own.
    """

    student: str
    lesson: str
    name: str
    data: bytes = field(repr=False)
    received: str = ""
    problem: str = ""
    number: int = 0
    guessed: bool = False

    @property
    def sha256(self) -> str:
        """The hash of the file's bytes; empty where they could not be taken."""
        return "" if self.problem else hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, slots=True)
class Attempt:
    """All verdicts on one submission.

    `misconceptions` maps an exercise to the misconception behind the planted bug that behaves exactly alike.
    """

    student: str
    lesson: str
    sha256: str
    grader: str
    verdicts: tuple[Verdict, ...]
    seconds: float
    notes: tuple[str, ...] = ()
    received: str = ""
    misconceptions: Mapping[str, str] = field(default_factory=dict)

    @property
    def points(self) -> int:
        """The points earned."""
        return sum(verdict.points for verdict in self.verdicts)

    @property
    def possible(self) -> int:
        """The points of every law expected, run or not."""
        return sum(verdict.possible for verdict in self.verdicts)


@dataclass(frozen=True, slots=True)
class Override:
    """Points that a person gave for one law, or for a whole lesson where `law` is empty; regrades keep it."""

    student: str
    lesson: str
    law: str
    points: float
    who: str
    why: str
    when: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    """What a student's work on one lesson counts: the attempt that counts, a person's changes, lateness.

    `earned` is after overrides; `points` is after the late rule too; `penalty` is the share lost, from 0 to 1.
    """

    attempt: Attempt
    earned: float
    points: float
    possible: int
    penalty: float = 0.0
    days_late: int = 0
    overrides: tuple[Override, ...] = ()
    attempts: int = 1

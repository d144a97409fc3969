"""A judgement as Gradescope's `results.json`.

The format is that of https://gradescope-autograders.readthedocs.io/en/latest/specs/:

- A score stands on each test or at the top, where it overrides their total. A test may go without one.
- Text formatted as `text` is shown as it is; the top's `output` would otherwise be taken for HTML.
- Students see a test according to its `visibility`, and no total while a test that counts is not visible to them.
  `hidden` is for what doesn't count, `after_published` is shown when grades are published.
- `stdout_visibility` is `hidden` unless a file says otherwise.

Where a law could not be judged, its points are nought only until somebody looks: that test is `after_published`, so
that no student sees a total which is no judgement.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from autograder import feedback, whole
from autograder.markup import visible
from autograder.model import Attempt, Law, Lesson, Outcome, Score

LONGEST_NAME = 300  # characters
LONGEST_OUTPUT = 8000
AGAIN = "Then choose Manage Submissions, Regrade All Submissions."
UNSANDBOXED = "Unsandboxed: students' code was not isolated while it was judged, so its score can be forged."
UNDECIDED = "the grader broke"  # as `feedback.as_json` has it
BROKEN = (
    "The grader broke on {count} laws, not your code: their points are not decided yet. Tell your instructor."
)
LABELS = (
    ("what", ""),
    ("example", "On the input"),
    ("call", "Call"),
    ("expected", "Expected"),
    ("got", "Got"),
    ("where", "In your code"),
    ("mistake", "Your code behaves like a known mistake"),
    ("hint", "Hint"),
)


def results(
    attempt: Attempt,
    laws: Sequence[Law],
    lesson: Lesson,
    *,
    score: Score | None = None,
    isolated: bool = True,
) -> dict[str, Any]:
    """Return what Gradescope shows for one submission, ready for `write`.

    What a student may read of a law is decided by `feedback.as_json`. With a score, which has a person's changes
    and lateness in it, its points stand at the top, and the output says why they are not the tests' total.
    """
    (view,) = feedback.as_json(attempt.student, [attempt], {lesson.name: laws}, {lesson.name: lesson})
    verdicts = [verdict for _, verdict in feedback.rows(attempt, laws)]
    broken = sum(verdict.outcome is Outcome.GRADER_ERROR for verdict in verdicts)
    lines = [] if isolated else [UNSANDBOXED]
    lines += [BROKEN.format(count=broken)] if broken else []
    lines += [f"{view['passed']} of {len(verdicts)} laws hold."]
    lines += [note for note in view["notes"] if note]
    if score is not None:
        lines += _changes(score)
    made = _top("\n".join(lines), list(_tests(view)), _finite(attempt.seconds))
    made["extra_data"] = {
        "lesson": lesson.name,
        "sha256": attempt.sha256,
        "grader": attempt.grader,
        "isolated": isolated,
    }
    if score is not None:
        made["score"] = _finite(score.points)
    return made


def withheld(lesson: str, possible: int, reason: str, advice: str) -> dict[str, Any]:
    """Return results that judge nothing, and say why and what an instructor does about it.

    The format wants a score. This one is nought and `after_published`: nobody who handed in is shown it.
    """
    said = f"This submission was NOT graded: {reason}\nIt has no score, whatever this page counts.\n{advice} {AGAIN}"
    message = {"name": "Not graded", "status": "failed", "visibility": "visible"} | _text(reason)
    laws = {
        "name": f"The laws of {lesson}, not judged",
        "status": "failed",
        "score": 0,
        "max_score": possible,
        "visibility": "after_published",
    }
    made = _top(said, [message, laws | _text("Not judged.")], 0.0)
    return made | {"extra_data": {"lesson": lesson, "withheld": True}}


def write(path: Path, made: Mapping[str, Any]) -> None:
    """Write results in one replacement of the file, so that none is read half written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole.write(path, json.dumps(made, indent=1, allow_nan=False))


def _top(output: str, tests: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
    return {
        **_text(output),
        "execution_time": round(seconds, 2),
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": tests,
    }


def _tests(view: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    number = 0
    for exercise in view["exercises"]:
        mistake = exercise["misconception"]
        for law in exercise["laws"]:
            number += 1
            undecided = law["outcome"] == UNDECIDED
            yield {
                "name": _clip(
                    ": ".join(part for part in (exercise["name"], law["title"]) if part), LONGEST_NAME
                ),
                "name_format": "text",
                "number": str(number),
                "score": law["points"],
                "max_score": law["possible"],
                "status": "passed" if law["outcome"] == Outcome.PASSED else "failed",
                "visibility": "after_published" if undecided else "visible",
                **_text(_output(law | {"mistake": mistake})),
            }


def _output(law: Mapping[str, Any]) -> str:
    if law["outcome"] == Outcome.PASSED:
        return "It holds."
    lines = [f"It does not hold: {law['outcome']}."]
    for key, label in LABELS:
        value = law.get(key)
        if isinstance(value, Mapping):
            value = ", ".join(f"{name} = {text}" for name, text in value.items())
        if value:
            lines.append(f"{label}: {value}" if label else str(value))
    return "\n".join(lines)


def _changes(score: Score) -> Iterator[str]:
    """Say what stands between the laws' points and the score."""
    for override in score.overrides:
        place = override.law or "the whole lesson"
        did = (
            f"gave {override.points:g} points"
            if math.isfinite(override.points)
            else "let the laws decide again"
        )
        yield f"{override.who} {did} for {place}: {override.why}"
    if score.penalty:
        days = f"{score.days_late} day{'s' * (score.days_late != 1)} late"
        yield f"It is {days}, which costs {score.penalty:.0%}."
    yield f"It counts {_finite(score.points):g} of {score.possible} points."


def _text(output: str) -> dict[str, str]:
    return {"output": _clip(output, LONGEST_OUTPUT), "output_format": "text"}


def _clip(text: str, most: int) -> str:
    """Cut text that a student's code may have made as long as it liked, and what no JSON reader likes."""
    text = visible(text)
    return text if len(text) <= most else f"{text[:most]}… ({len(text) - most} characters more)"


def _finite(number: float) -> float:
    return number if math.isfinite(number) else 0.0

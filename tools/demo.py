"""`make demo`: the whole path on a class of sample submissions, from the lessons to the gradebook."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from autograder.model import Score, ShortestError

ROOT = Path(__file__).resolve().parent.parent
OUT = Path("build/demo")
TEXT_BYTES = 100_000  # of the corpus; all of it takes minutes


def main() -> None:
    """Release, make a class, grade it in isolation, and climb the ladder; everything lands in build/demo."""
    # Here, and not above: each grading process imports this file again, and needs none of these.
    import sample_class

    from autograder.climb import climb
    from autograder.corpus import corpus
    from autograder.course import Course
    from autograder.desk import Desk
    from autograder.marking import mark
    from autograder.release import release

    console = Console()
    os.chdir(ROOT)
    started = time.monotonic()
    course = Course(ROOT)
    shutil.rmtree(ROOT / OUT, ignore_errors=True)
    console.rule("1. Release: the nbgrader course and the students' bundle, without solutions")
    release(course, ROOT / OUT / "release", list(course.lessons))
    console.print(f"{OUT / 'release'}", highlight=False)
    console.rule("2. A class: right, partly right, empty, broken, looping, hostile, and planted mistakes")
    made = sample_class.make(course, ROOT / OUT / "submissions")
    students = len({student for student, _, _ in made})
    console.print(f"{len(made)} submissions of {students} students in {OUT / 'submissions'}", highlight=False)
    console.rule("3. Judgement: each submission in a sandbox, by laws that it never sees")
    nbgrader = OUT / "release" / "nbgrader"
    scores = mark(course, OUT / "submissions", OUT, nbgrader=nbgrader, console=console)
    console.print(f"{'in nbgrader':17} {nbgrader}", highlight=False)
    _by_kind(console, made, scores)
    console.rule("4. The ladder: bits per byte of a real text, beside the compressors that people use")
    text = OUT / "ladder" / "text.txt"
    text.parent.mkdir()
    text.write_bytes(corpus()[:TEXT_BYTES])
    console.print(climb(Desk(ROOT, course), text, reference=True, out=text.parent, console=console))
    seconds = time.monotonic() - started
    console.print(
        f"\nDone in {seconds:.0f} seconds. Open {OUT / 'index.html'} in a browser.", highlight=False
    )


def _by_kind(
    console: Console, made: list[tuple[str, str, str]], scores: Mapping[tuple[str, str], Score]
) -> None:
    """Show what each kind of submission earned: the right ones everything, the hostile ones nothing."""
    shares: dict[str, list[float]] = {}
    for student, lesson, kind in made:
        attempt = scores[student, lesson].attempt
        shares.setdefault(kind.split(":")[0], []).append(attempt.points / attempt.possible)
    for kind, values in shares.items():
        low, high = f"{min(values):.0%}", f"{max(values):.0%}"
        earned = low if low == high else f"{low} to {high}"
        console.print(f"  {len(values):2} {kind:15} earned {earned}", highlight=False)


if __name__ == "__main__":
    try:
        main()
    except ShortestError as problem:
        sys.exit(f"demo: {problem}")

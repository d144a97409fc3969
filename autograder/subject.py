"""A submission made ready for the laws: its package written, its workers started, cells that can't be run left out."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from autograder.intake import without
from autograder.model import Limits, Submission
from autograder.remote import NotLoaded, Remote
from autograder.sandbox import Sandbox
from autograder.workspace import assemble, with_reference


@contextmanager
def opened(
    submission: Submission,
    needs: Mapping[str, str],
    sandbox: Sandbox,
    limits: Limits,
    *,
    extra: Mapping[str, Any] | None = None,
    errors: int | IO[bytes] = subprocess.DEVNULL,
) -> Iterator[tuple[Remote, Submission]]:
    """Give the submission in workers, and the submission as it could be loaded.

    In a notebook, an exercise whose cell raises when it is run costs its own laws alone: its cell is left
    blank, with the reason among the problems. `needs` are the texts of the modules that the lesson may import.
    """
    while True:
        modules = with_reference(submission.source, submission.lesson, needs)
        with tempfile.TemporaryDirectory(prefix="shortest-", ignore_cleanup_errors=True) as folder:
            package = assemble(Path(folder), modules)
            arguments = (sandbox, package, submission.lesson, limits, submission.source)
            with Remote(*arguments, extra=extra, errors=errors, own_lines=submission.own_lines) as subject:
                failure = subject.failure() if submission.cells else None
                culprit = _culprit(submission, failure)
                if not culprit:
                    yield subject, submission
                    return
        submission = without(submission, culprit, f"the cell of {culprit}: {failure}")


def _culprit(submission: Submission, failure: NotLoaded | None) -> str:
    """Name the exercise in whose cell the line stands that raised; nothing where it is none's."""
    if failure is None:
        return ""
    places = submission.cells.items()
    return next((name for name, (first, last) in places if first <= failure.line <= last), "")

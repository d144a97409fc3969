"""A repository for students on GitHub that checks itself at every push, by the public laws.

The workflow's format is that of
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax, what an `if` may ask that of
https://docs.github.com/en/actions/reference/workflows-and-actions/contexts#context-availability, and the summary of
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#adding-a-job-summary.

GitHub Classroom was retired on 28 August 2026 (https://github.com/orgs/community/discussions/205975) and its
reporter with it (https://github.com/classroom-resources/autograding-grading-reporter), so no `autograding.json` is
written: a template repository does the same, and what replaced Classroom starts from one too.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from autograder import lawbook
from autograder.course import Course
from autograder.model import ShortestError
from autograder.release import release

WORKFLOW = Path(".github", "workflows", "check.yml")
# By commit, because a tag can be moved; the comments name the releases.
CHECKOUT = "actions/checkout@df4cb1c069e1874edd31b4311f1884172cec0e10  # v6.0.3"
PYTHON = "actions/setup-python@a309ff8b426b58ec0e2a45f0f869d46889d02405  # v6.2.0"
VERSION = "3.12"
MINUTES = 15  # each lesson has its own limits; this is for what they don't cover, such as the installation

HEAD = """\
# Checks your work at every push: what holds, what breaks, and on which input.
#
# It runs the public laws only: this repository is yours to read, so it can't hold the hidden ones. You may change
# everything here, this file too, so what it says is for you and is no score. Your score comes from your instructor,
# who judges your files with all laws on another machine.
name: Check

"on":
  push:
  workflow_dispatch:

permissions:
  contents: read

concurrency:
  group: check-${{{{ github.ref }}}}
  cancel-in-progress: true

jobs:
  check:
    runs-on: ubuntu-24.04
    timeout-minutes: {minutes}
    defaults:
      run:
        shell: bash
    env:
      COLUMNS: "110"
    steps:
      - uses: {checkout}
        with:
          persist-credentials: false
      - uses: {python}
        with:
          python-version: "{version}"
      - name: Install
        run: |
          python -m pip install --quiet "./{wheel}"
          rm -rf .shortest
          echo INSTALLED=yes >> "$GITHUB_ENV"
"""
STEP = """\
      - name: "{lesson}: {points} points by its public laws"
        if: ${{{{ !cancelled() && env.INSTALLED && hashFiles('{lesson}.ipynb', '{lesson}.py') != '' }}}}
        run: shortest check {lesson}
"""
TAIL = """\
      - name: Points so far
        if: ${{ !cancelled() && env.INSTALLED }}
        run: |
          {
            echo '```'
            shortest list
            echo '```'
          } | tee -a "$GITHUB_STEP_SUMMARY"
"""
IGNORED = ".venv/\n.shortest/\n.ipynb_checkpoints/\n__pycache__/\n.hypothesis/\n"


def workflow(course: Course, lessons: Sequence[str], wheel: str) -> str:
    """Return the workflow's YAML: a step for each lesson, which runs where the student has started it."""
    head = HEAD.format(minutes=MINUTES, checkout=CHECKOUT, python=PYTHON, version=VERSION, wheel=wheel)
    steps = []
    for lesson in lessons:
        points = lawbook.total(course.laws(lesson, hidden=False))
        steps.append(STEP.format(lesson=lesson, points=points))
    return head + "".join(steps) + TAIL


def repository(course: Course, lessons: Sequence[str], folder: Path, *, wheel: Path) -> Path:
    """Write a template repository into a new folder: the students' bundle, and the workflow that checks it.

    Raises ShortestError, and changes nothing, where the folder is not empty or the release is refused.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ShortestError(
            f"{folder} is not empty; name a new folder, and move what you need from the old one"
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".github-", dir=folder.parent) as beside:
        made = release(course, Path(beside) / "release", lessons, wheel=wheel)
        path = made.student / WORKFLOW
        path.parent.mkdir(parents=True)
        path.write_text(workflow(course, made.lessons, wheel.name), encoding="utf-8", newline="\n")
        (made.student / ".gitignore").write_text(IGNORED, encoding="utf-8", newline="\n")
        if folder.exists():
            folder.rmdir()
        made.student.replace(folder)
    return folder

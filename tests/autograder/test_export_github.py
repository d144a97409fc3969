"""The repository for students checks itself by the public laws, in a workflow that holds to GitHub's format."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from autograder import leaks
from autograder.course import Course
from autograder.exports import github
from autograder.model import ShortestError

LESSONS = ["twice", "thrice"]
WORKFLOW_KEYS = {"name", "run-name", "on", "permissions", "env", "defaults", "concurrency", "jobs"}
JOB_KEYS = {
    "name",
    "permissions",
    "needs",
    "if",
    "runs-on",
    "environment",
    "concurrency",
    "outputs",
    "env",
} | {
    "defaults",
    "steps",
    "timeout-minutes",
    "strategy",
    "continue-on-error",
    "container",
    "services",
}
STEP_KEYS = {"id", "if", "name", "uses", "run", "working-directory", "shell", "with", "env"} | {
    "continue-on-error",
    "timeout-minutes",
}
EVENTS = {"push", "pull_request", "workflow_dispatch", "schedule"}
# What an `if` of a step may ask: contexts#context-availability.
CONTEXTS = {"github", "needs", "strategy", "matrix", "job", "runner", "env", "vars", "steps", "inputs"}
FUNCTIONS = {"always", "cancelled", "success", "failure", "hashFiles", "contains", "startsWith", "format"}


def check(made: dict[str, Any]) -> None:
    """Hold a workflow against docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax."""
    assert set(made) <= WORKFLOW_KEYS
    assert set(made["on"]) <= EVENTS
    assert made["permissions"]
    assert set(made["permissions"].values()) <= {"read", "write", "none"}
    for identity, job in made["jobs"].items():
        assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", identity)
        assert set(job) <= JOB_KEYS
        assert job["runs-on"]
        for step in job["steps"]:
            check_step(step)


def check_step(step: dict[str, Any]) -> None:
    assert set(step) <= STEP_KEYS
    assert ("uses" in step) != ("run" in step)
    assert len(step.get("run", "")) < 21_000
    assert all(isinstance(value, str) for value in (step.get("name", ""), step.get("run", "")))
    if "uses" in step:
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", step["uses"]), "pinned by commit"
    condition = re.fullmatch(r"\$\{\{(.*)\}\}", step.get("if", "${{ true }}"))
    assert condition
    without_texts = re.sub(r"'[^']*'", "", condition[1])
    assert set(re.findall(r"(\w+)\(", without_texts)) <= FUNCTIONS
    assert set(re.findall(r"(\w+)\.", without_texts)) <= CONTEXTS


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("wheel") / "shortest_program-0-py3-none-any.whl"
    path.write_bytes(b"wheel")
    return path


@pytest.fixture
def repository(small: Course, wheel: Path, tmp_path: Path) -> Path:
    return github.repository(small, LESSONS, tmp_path / "made", wheel=wheel)


@pytest.fixture
def workflow(repository: Path) -> dict[str, Any]:
    return dict(yaml.safe_load((repository / github.WORKFLOW).read_text(encoding="utf-8")))


def test_the_workflow_holds_to_githubs_format(workflow: dict[str, Any]) -> None:
    check(workflow)


def test_the_workflow_may_read_and_nothing_else(repository: Path, workflow: dict[str, Any]) -> None:
    assert workflow["permissions"] == {"contents": "read"}
    assert "secrets" not in (repository / github.WORKFLOW).read_text(encoding="utf-8")
    (job,) = workflow["jobs"].values()
    checkout = next(step for step in job["steps"] if "checkout" in step.get("uses", ""))
    assert checkout["with"]["persist-credentials"] is False


def test_each_lesson_is_a_step_with_its_public_points(small: Course, workflow: dict[str, Any]) -> None:
    (job,) = workflow["jobs"].values()
    steps = {step["run"]: step for step in job["steps"] if step.get("run", "").startswith("shortest check")}
    assert list(steps) == [f"shortest check {lesson}" for lesson in LESSONS]
    assert steps["shortest check twice"]["name"] == "twice: 7 points by its public laws"
    assert "!cancelled()" in steps["shortest check thrice"]["if"]  # where an earlier lesson fails too


def test_the_file_says_that_its_result_is_no_score(repository: Path) -> None:
    comment = (repository / github.WORKFLOW).read_text(encoding="utf-8").split("name:")[0]
    assert "can't hold the hidden ones" in comment
    assert "is no score" in comment


def test_the_repository_is_a_bundle_without_hidden_laws_or_solutions(
    small: Course, wheel: Path, repository: Path
) -> None:
    assert Course(repository).is_bundle
    assert Course(repository).check() == []
    assert leaks.find_leaks(small, repository) == []
    assert not list(repository.rglob("*hidden*"))
    assert (repository / wheel.name).is_file()
    assert ".shortest/" in (repository / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_a_folder_with_anything_in_it_is_left_alone(small: Course, wheel: Path, tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(ShortestError, match="is not empty"):
        github.repository(small, LESSONS, tmp_path / "made", wheel=wheel)
    assert [path.name for path in tmp_path.iterdir()] == ["made"]
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["mine.txt"]


def test_an_empty_folder_is_filled(small: Course, wheel: Path, tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    assert (github.repository(small, LESSONS, tmp_path / "made", wheel=wheel) / github.WORKFLOW).is_file()


@pytest.mark.skipif(os.name != "posix", reason="the workflow's shell is bash on Linux")
def test_the_steps_run_as_github_runs_them(
    repository: Path, workflow: dict[str, Any], small: Course, tmp_path: Path
) -> None:
    """Run the shell lines in order, with a `pip` that does nothing, for the engine is installed here."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, line in {
        "python": "exit 0",
        "shortest": f'exec "{sys.executable}" -m autograder.cli "$@"',
    }.items():
        (tools / name).write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
        (tools / name).chmod(0o755)
    (repository / "twice.py").write_text(small.source("twice"), encoding="utf-8")
    (repository / ".shortest").mkdir()
    (repository / ".shortest" / "progress.json").write_text('{"thrice": {"points": 4, "possible": 4}}')
    environment = {
        "PATH": f"{tools}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "GITHUB_ENV": str(tmp_path / "env"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
    }
    (job,) = workflow["jobs"].values()
    statuses = {}
    for step in job["steps"]:
        if "run" in step:
            # As `shell: bash` is documented: --noprofile --norc -eo pipefail.
            command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
            environment |= {name: str(value) for name, value in job["env"].items()}
            done = subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True)
            statuses[step["name"]] = done.returncode
    assert (tmp_path / "env").read_text(encoding="utf-8") == "INSTALLED=yes\n"
    assert statuses == {
        "Install": 0,
        "twice: 7 points by its public laws": 0,
        "thrice: 4 points by its public laws": 1,  # GitHub would not run it: there is no file yet
        "Points so far": 0,
    }
    summary = (tmp_path / "summary").read_text(encoding="utf-8")
    assert "7 of 7" in summary
    assert "4 of 4" not in summary  # what the student's own file claims is not believed

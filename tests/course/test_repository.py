"""The repository's own promises: what is tracked, what the README says, and that the pins name no host."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autograder.cli import app

ROOT = Path(__file__).resolve().parents[2]
GENERATED = (".ipynb", ".html", ".zip", ".whl", ".pyc", ".db", ".png", ".jpg", ".pdf")


def tracked() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("this tree is not a git checkout, so nothing says what is tracked")
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in names.stdout.splitlines() if (ROOT / name).is_file()]


def test_nothing_generated_is_tracked():
    assert [path.name for path in tracked() if path.suffix in GENERATED] == []


def test_no_tracked_file_names_a_machine_path_or_a_package_host():
    # Spelled in pieces, so that this file does not find itself.
    forbidden = re.compile(
        "|".join(["/ro" + "ot/", "/wo" + "rk/", "/ho" + "me/[a-z]", "pypi" + r"\.org", "file:///o" + "pt"])
    )
    found = []
    for path in tracked():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if forbidden.search(line) and "leak" not in path.name:
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}")
    assert found == []


def test_the_pins_name_no_place_and_no_local_build():
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert "==" in pins
    assert re.findall(r"://|--\S+|\+|@ ", pins) == []


def test_the_readme_is_short_and_its_commands_exist():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(readme.splitlines()) <= 100
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"make ([a-z]+)", readme)) - {"a"}:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"README names make {target}"
    for command in set(re.findall(r"^shortest (\w+)", readme, re.MULTILINE)):
        assert CliRunner().invoke(app, [command, "--help"]).exit_code == 0, f"README names shortest {command}"


def test_every_path_that_the_readme_names_exists():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in re.findall(r"`((?:lessons|solutions|tests|autograder)/[\w/.]*)`", readme):
        assert (ROOT / name).exists(), f"README names {name}"


def test_ci_runs_what_the_readme_says():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    commands = [line for line in script.splitlines() if line and not line.startswith(("#", "set ", "cd "))]
    assert commands == ["exec make test"]

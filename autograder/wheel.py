"""The engine as a wheel, for the students' bundle: built from the repository with what is installed here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from autograder.model import ShortestError


def build(root: Path, folder: Path) -> Path:
    """Build the wheel of the project at `root` into a folder and return its path; no network is needed.

    Raises ShortestError, with the builder's last line, where it can't be built.
    """
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    run = subprocess.run(
        [*command, "--wheel-dir", str(folder), str(root)], capture_output=True, text=True, check=False
    )
    wheels = sorted(folder.glob("*.whl"))
    if run.returncode or not wheels:
        reason = (run.stderr.strip().splitlines() or ["no wheel was made"])[-1]
        raise ShortestError(f"the engine's wheel can't be built ({reason}); install hatchling and try again")
    return wheels[-1]

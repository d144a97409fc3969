"""Install this project with one of its extras into the running environment, once for each state of its pins."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STAMPS = Path(sys.prefix) / "shortest"
PINS = ("pyproject.toml", "constraints.txt")
CONTAINS = {
    "test": ("test", "book", "instructor"),
    "book": ("book", "instructor"),
    "instructor": ("instructor",),
}


def main(extra: str) -> None:
    """Install `.[extra]`, unless the same pins were installed before with it or with more."""
    state = hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in PINS) + bytes(ROOT)).hexdigest()
    stamp = STAMPS / extra
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == state:
        return
    print(f"Installing what `{extra}` needs; the first time takes a minute or two.", flush=True)
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "-c",
        "constraints.txt",
        "-e",
        f".[{extra}]",
    ]
    if subprocess.run(command, cwd=ROOT).returncode:
        sys.exit("The installation failed; the lines above say why. Mend it and run the same command again.")
    STAMPS.mkdir(exist_ok=True)
    for name in CONTAINS[extra]:
        (STAMPS / name).write_text(state, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])

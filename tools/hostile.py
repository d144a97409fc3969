"""Run the hostile class against our grader, and where it does no harm against stock nbgrader, into a file.

    python tools/hostile.py [--stock] [--jobs N] [--out build/hostile.json]

Each row holds what an attack tries, what it earned, what its honest part deserves, and what stock nbgrader gave.
A row is kept until the attack, the grader or a lesson changes, so a run that was stopped goes on where it was.
The book's page about trust is made of this file.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import attacks
import hostile_class
import plain
from attacks import Attack

from autograder import pool
from autograder.course import Course
from autograder.isolation import isolated_sandbox
from autograder.model import ShortestError

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "build" / "hostile.json"
OURS = ("key", "points", "possible", "deserved", "got", "outcomes", "seconds")
STOCK = ("stock_key", "stock")

Row = dict[str, Any]
Say = Callable[[str], None]


def _print(text: str) -> None:
    print(text, flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what isn't known yet, write the file, and say who earned more than was deserved."""
    parser = argparse.ArgumentParser(description="Run the hostile class against the grader.")
    parser.add_argument(
        "--stock", action="store_true", help="and against stock nbgrader, where it is installed"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at once")
    parser.add_argument("--out", type=Path, default=OUT, help="the file to write")
    asked = parser.parse_args(arguments)
    try:
        report = Report(ROOT, asked.out)
        report.judge(asked.jobs)
        if asked.stock:
            report.compare(asked.jobs)
    except ShortestError as problem:
        sys.exit(f"hostile: {problem}")
    print("\n".join(summary(report.content)))


class Report:
    """The file, as it is and as it becomes: what earlier runs found is kept where it is still true."""

    def __init__(self, root: Path, out: Path, say: Say = _print) -> None:
        self.course, self.attacks = Course(root), attacks.load(root)
        self.out, self.say = out, say
        self._common, self._known = fingerprint(root), _known(out)
        described = {one.name: _described(one, self.course) for one in self.attacks}
        self.rows: dict[str, Row] = described
        self.content: dict[str, Any] = {"problem": "", "peer": "", "rows": list(described.values())}

    def judge(self, jobs: int) -> None:
        """Judge the attacks that have no row yet. Where this machine can't isolate, `problem` says why."""
        missing = [one for one in self.attacks if not self._keep(one, OURS, one.text, self._common)]
        if missing:
            try:
                sandbox = isolated_sandbox()
            except ShortestError as problem:
                self.content["problem"] = str(problem)
            else:
                setup = pool.Setup(self.course.root, "hostile", sandbox)
                started = time.monotonic()
                for done, (one, row) in enumerate(hostile_class.judged(missing, self.course, setup, jobs), 1):
                    self._add(one, OURS, row, one.text, self._common)
                    rest = (time.monotonic() - started) / done * (len(missing) - done)
                    said = f"{row['points']} points, deserves {row['deserved']}"
                    self.say(f"{done:4}/{len(missing)} {one.name:36} {said:27} {rest:4.0f} s left")
        self._write()

    def compare(self, jobs: int) -> None:
        """Add to each row what stock nbgrader gives, or why it wasn't asked."""
        try:
            import nbgrader  # noqa: F401 - whether there is one
            import stock
            import stock_course
        except ImportError as problem:
            self.say(f"stock nbgrader is not compared with: {problem}")
            return
        self.content["peer"] = stock.peer()
        written = [Path(str(module.__file__)).read_text(encoding="utf-8") for module in (stock, stock_course)]
        asked = [one for one in self.attacks if not one.unsafe]
        missing = {
            one.name: one for one in asked if not self._keep(one, STOCK, one.text, *written, stock.peer())
        }
        self.say(f"{stock.peer()} grades {len(missing)} attacks; each takes it a second or two")
        for name, result in _stock_results(list(missing.values()), jobs):
            one = missing[name]
            deserved = stock_course.deserved(half=one.deserves == "half")
            outcome = {**asdict(result), "possible": stock_course.POSSIBLE, "deserved": deserved}
            self._add(one, STOCK, {"stock": outcome}, one.text, *written, stock.peer())
            self.say(f"          {name:36} {result.points} points, deserves {deserved}")
        self._write()

    def _keep(self, one: Attack, fields: Sequence[str], *depends: str) -> bool:
        """Take over what an earlier run found, where nothing has changed that it depends on."""
        known = self._known.get(one.name, {})
        if known.get(fields[0]) != _key(*depends) or not all(name in known for name in fields):
            return False
        self.rows[one.name] |= {name: known[name] for name in fields}
        return True

    def _add(self, one: Attack, fields: Sequence[str], row: Row, *depends: str) -> None:
        self.rows[one.name] |= row | {fields[0]: _key(*depends)}
        self._write()

    def _write(self) -> None:
        self.out.parent.mkdir(parents=True, exist_ok=True)
        beside = self.out.with_name(f"{self.out.name}.new")
        beside.write_text(json.dumps(self.content, indent=1) + "\n", encoding="utf-8")
        os.replace(beside, self.out)


def summary(content: Mapping[str, Any]) -> Iterator[str]:
    """Say in a few lines how it went."""
    rows = [row for row in content["rows"] if "points" in row]
    if content["problem"]:
        yield f"not run: {content['problem']}"
    yield f"{len(rows)} of {len(content['rows'])} attacks were judged"
    for row in rows:
        if row["points"] > row["deserved"]:
            yield f"{row['name']} earned {row['points']}, and deserves {row['deserved']}"
        if row["points"] < row["deserved"]:
            yield f"{row['name']} earned {row['points']}, and its honest part deserves {row['deserved']}"
        if row["got"]:
            yield f"{row['name']} got what it was after"
        if row["outcomes"].get("grader error"):
            yield f"{row['name']} broke the grader"
    tried = [row["stock"] for row in content["rows"] if "stock" in row]
    if tried:
        more = sum((each["points"] or 0) > each["deserved"] for each in tried)
        yield f"{content['peer']} gave {more} of {len(tried)} attacks more than they deserve"
        yield f"and let {sum(each['got'] for each in tried)} get what they were after"


def fingerprint(root: Path) -> str:
    """Return a hash of all that a row depends on besides the attack itself."""
    digest = hashlib.sha256(sys.version.encode())
    paths = [Path(str(module.__file__)) for module in (attacks, plain, hostile_class)]
    for folder in ("autograder", "lessons", "solutions", "tests/laws", "tests/bugs"):
        paths += sorted(path for path in (root / folder).rglob("*") if path.suffix in (".py", ".toml"))
    for path in paths:
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _described(one: Attack, course: Course) -> Row:
    lesson = one.lesson(list(course.lessons))
    return {"name": one.name, "kind": one.kind, "tries": one.tries, "lesson": lesson, "unsafe": one.unsafe}


def _known(out: Path) -> dict[str, Row]:
    try:
        rows = json.loads(out.read_text(encoding="utf-8"))["rows"]
        return {row["name"]: row for row in rows}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _stock_results(found: Sequence[Attack], jobs: int) -> Iterator[tuple[str, Any]]:
    """Let stock nbgrader grade code, and then files that were tampered with, which may end a run for all."""
    import stock

    for tampered in (False, True):
        chosen = [one for one in found if (one.kind == "files") is tampered]
        yield from stock.grade({one.name: _stock_notebook(one) for one in chosen}, jobs)


def _stock_notebook(one: Attack) -> str:
    import stock_course

    if one.kind != "files":
        return stock_course.hostile(one.text, half=one.deserves == "half")
    with tempfile.TemporaryDirectory() as folder:
        one.build(Path(folder), "ps1", stock_course.honest([stock_course.HONEST]), ROOT)
        return next(Path(folder).glob("*/ps1.ipynb")).read_text(encoding="utf-8")


if __name__ == "__main__":
    main()

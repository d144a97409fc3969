"""The trick of each attack does what it says where nothing stands in its way; else what it fails at proves nothing."""

from __future__ import annotations

import glob
import importlib.machinery
import importlib.util
import os
import secrets
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autograder.course import Course

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the attacks are on Linux's sandbox")


def _tool(name: str):
    spec = importlib.util.spec_from_file_location(f"tools_{name}", ROOT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


attacks = _tool("attacks")
SUFFIX = importlib.machinery.EXTENSION_SUFFIXES[0]  # such as .cpython-311-x86_64-linux-gnu.so
# Tricks that some Pythons or machines don't know: whether this is one, and why.
WITHOUT = {
    "runs_out_of_stack": (
        sys.version_info >= (3, 12),
        "this Python counts calls in C apart, and stops in time",
    ),
    "borrows_from_another_python": (
        not glob.glob(f"/usr/lib*/python3*/*/*{SUFFIX}")
        and not glob.glob(f"/usr/local/lib/python3*/*/*{SUFFIX}"),
        "no other Python of this version is on this machine",
    ),
}
ALL = attacks.load(ROOT)
MODULES = [one for one in ALL if one.kind != "files"]
FILES = [one for one in ALL if one.kind == "files"]


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Path], str]]:
    """Give a function that tries an attack out where nothing stands in its way, and returns its evidence."""
    desk = tmp_path_factory.mktemp("desk")
    canary = f"canary-{secrets.token_hex(8)}"
    _write_desk(desk, canary)
    environment = {**os.environ, "CANARY": canary, "DESK": str(desk), "HOME": str(desk / "home")}
    environment["IPYTHONDIR"] = str(desk / "ipython")
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("bare.py")), canary],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=desk, env=environment,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None

    def ask(path: Path) -> str:
        process.stdin.write(f"{path}\n")
        process.stdin.flush()
        return process.stdout.readline().strip()

    yield ask
    process.stdin.close()
    process.stdout.close()
    process.wait()


def _write_desk(desk: Path, canary: str) -> None:
    """Write what a grader that takes no care has lying about."""
    solution = "\n".join(f"def answer{number}(n):\n    return n\n" for number in range(9))
    files = {
        "canary.txt": canary,
        "tests/laws/hidden/test_student.py": f"# {canary}\ndef test_nothing(student): ...\n",
        "solutions/squeeze/student.py": solution,
        "submissions/grace/student.py": f"# {canary}",
        "home/.netrc": f"machine canvas password {canary}",
    }
    for path, text in files.items():
        (desk / path).parent.mkdir(parents=True, exist_ok=True)
        (desk / path).write_text(text, encoding="utf-8")
    with sqlite3.connect(desk / "gradebook.db") as database:
        database.execute("CREATE TABLE secrets (secret TEXT)")
        database.execute("INSERT INTO secrets VALUES (?)", (canary,))
    database.close()


@pytest.mark.parametrize("attack", MODULES, ids=[one.name for one in MODULES])
def test_the_trick_of_an_attack_does_what_it_says_where_nothing_stands_in_its_way(
    bare: Callable[[Path], str],
    attack,
) -> None:
    if attack.root and os.getuid() != 0:
        pytest.skip("outside a sandbox this trick takes root")
    without, reason = WITHOUT.get(attack.name, (False, ""))
    if without:
        pytest.skip(reason)
    expected = "True" if attack.evidence else "ended with 0"
    assert bare(ROOT / "tests" / "attacks" / attack.kind / f"{attack.name}.py") == expected


@pytest.mark.parametrize("attack", FILES, ids=[one.name for one in FILES])
def test_a_hostile_file_is_what_it_says(tmp_path: Path, attack) -> None:
    course = Course(ROOT)
    lesson = attack.lesson(list(course.lessons))
    space = attack.build(tmp_path, lesson, attacks.honest_notebook(course, lesson), ROOT)
    assert space["worked"](tmp_path, lesson)


def test_every_attack_can_tell_whether_its_trick_works() -> None:
    assert all(one.evidence or "os._exit(0)" in one.text for one in MODULES)
    assert all(one.evidence == "worked" for one in FILES)

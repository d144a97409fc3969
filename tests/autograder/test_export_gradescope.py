"""What Gradescope gets holds to its published format, and never a score that was not judged."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest

from autograder import notebook
from autograder import wheel as building
from autograder.bubblewrap import lower_user
from autograder.course import Course
from autograder.exports import container, gradescope
from autograder.exports.results import results, withheld, write
from autograder.model import Attempt, Finding, Law, Limits, Outcome, Override, Score, ShortestError, Verdict
from autograder.submit import submit

FORMATS = {"text", "html", "simple_format", "md", "ansi"}
VISIBILITY = {"hidden", "after_due_date", "after_published", "visible"}
TOP = {
    "score": (int, float),
    "execution_time": (int, float),
    "output": str,
    "output_format": FORMATS,
    "test_output_format": FORMATS,
    "test_name_format": FORMATS,
    "visibility": VISIBILITY,
    "stdout_visibility": VISIBILITY,
    "extra_data": dict,
    "tests": list,
    "leaderboard": list,
}
TEST = {
    "score": (int, float),
    "max_score": (int, float),
    "status": {"passed", "failed"},
    "name": str,
    "name_format": FORMATS,
    "number": str,
    "output": str,
    "output_format": FORMATS,
    "tags": list,
    "visibility": VISIBILITY,
    "extra_data": dict,
}
linux = pytest.mark.skipif(sys.platform != "linux", reason="Gradescope's containers are Linux")


def check(made: Mapping[str, Any]) -> None:
    """Hold results against https://gradescope-autograders.readthedocs.io/en/latest/specs/#output-format."""
    json.loads(json.dumps(made, allow_nan=False))
    _check_keys(made, TOP)
    tests = made.get("tests", [])
    for test in tests:
        _check_keys(test, TEST)
        assert test.get("score", 0) <= test.get("max_score", test.get("score", 0))
    # "optional, but required if not on each test case"; a test may go without to inform.
    assert "score" in made or any("score" in test for test in tests)
    # Without a format the top's output would be taken for HTML, and hold a student's text.
    assert made.get("output_format") == "text" or "output" not in made


def _check_keys(made: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    for key, value in made.items():
        assert key in known, key
        kind = known[key]
        assert value in kind if isinstance(kind, set) else isinstance(value, kind), (key, value)
        assert not isinstance(value, bool)


def total(made: Mapping[str, Any]) -> float:
    """Return what Gradescope would show: the top's score, else the sum of the tests'."""
    return float(made.get("score", sum(test.get("score", 0) for test in made["tests"])))


def shown_to_students(made: Mapping[str, Any]) -> bool:
    """Whether a student sees a total: not while a test that counts is not visible."""
    return all(test.get("visibility", made.get("visibility")) == "visible" for test in made["tests"])


@pytest.fixture
def laws(small: Course) -> list[Law]:
    return small.laws("twice", hidden=True)


def attempt(laws: list[Law], *verdicts: Verdict, **more: Any) -> Attempt:
    """Return an attempt in which every law holds but those that a verdict is given for."""
    given = {verdict.law: verdict for verdict in verdicts}
    full = [given.get(law.name) or Verdict(law.name, Outcome.PASSED, law.points, law.points) for law in laws]
    return Attempt("ada", "twice", "ab" * 32, "grader", tuple(full), 1.234, **more)


def by_title(made: Mapping[str, Any], title: str) -> dict[str, Any]:
    (found,) = [test for test in made["tests"] if title in test["name"]]
    return dict(found)


def test_every_law_is_a_test_and_the_points_add_up(small: Course, laws: list[Law]) -> None:
    made = results(attempt(laws), laws, small.lesson("twice"))
    check(made)
    assert len(made["tests"]) == len(laws) == 6
    assert total(made) == sum(test["max_score"] for test in made["tests"]) == 10
    assert {test["status"] for test in made["tests"]} == {"passed"}
    assert made["stdout_visibility"] == "hidden"
    assert shown_to_students(made)
    assert made["execution_time"] == 1.23


def test_a_public_law_shows_its_counterexample_and_a_hidden_one_only_its_category(
    small: Course, laws: list[Law]
) -> None:
    finding = Finding("4 is not 5", {"number": "SECRET"}, "double(2)", "5", "4", "line 3", "wrong")
    made = results(
        attempt(
            laws,
            Verdict("adds_to_itself", Outcome.FAILED, 0, 2, "4 is not 5", finding),
            Verdict("odd_is_refused", Outcome.FAILED, 0, 2, "SECRET", finding),
        ),
        laws,
        small.lesson("twice"),
    )
    check(made)
    public = by_title(made, "A number doubled is")["output"]
    for part in (
        "number = SECRET",
        "double(2)",
        "Expected: 5",
        "Got: 4",
        "line 3",
        "Add the number to itself.",
    ):
        assert part in public
    hidden = by_title(made, "An odd number has no half")
    assert "Look at the remainder." in hidden["output"]
    assert "The result is not what it should be." in hidden["output"]
    assert "SECRET" not in json.dumps(hidden)
    assert (hidden["score"], hidden["max_score"], hidden["status"]) == (0, 2, "failed")
    assert total(made) == 6


def test_a_law_that_has_no_verdict_counts_as_not_held(small: Course, laws: list[Law]) -> None:
    whole = attempt(laws)
    made = results(replace(whole, verdicts=whole.verdicts[1:]), laws, small.lesson("twice"))
    check(made)
    assert sum(test["max_score"] for test in made["tests"]) == 10
    assert total(made) == 8


def test_a_total_with_an_unjudged_law_in_it_is_not_shown_to_students(small: Course, laws: list[Law]) -> None:
    broken = Verdict("adds_to_itself", Outcome.GRADER_ERROR, 0, 2, "the grader broke: SECRET")
    made = results(attempt(laws, broken), laws, small.lesson("twice"))
    check(made)
    assert not shown_to_students(made)
    assert "The grader broke on 1 laws" in made["output"]
    assert "SECRET" not in json.dumps(by_title(made, "odd number"))


def test_a_score_with_lateness_and_overrides_stands_at_the_top_and_is_explained(
    small: Course, laws: list[Law]
) -> None:
    change = Override("ada", "twice", "", 9.0, "Prof. <b>X</b>", "the law was\x1b wrong")
    score = Score(attempt(laws), 9.0, 7.2, 10, penalty=0.2, days_late=2, overrides=(change,))
    made = results(score.attempt, laws, small.lesson("twice"), score=score)
    check(made)
    assert total(made) == 7.2
    assert "It is 2 days late, which costs 20%." in made["output"]
    assert r"Prof. <b>X</b> gave 9 points for the whole lesson: the law was\x1b wrong" in made["output"]


def test_a_known_mistake_stands_with_the_laws_that_it_breaks(small: Course, laws: list[Law]) -> None:
    bad = Verdict("adds_to_itself", Outcome.FAILED, 0, 2)
    made = results(attempt(laws, bad, misconceptions={"double": "squared it"}), laws, small.lesson("twice"))
    check(made)
    assert "known mistake: squared it" in by_title(made, "A number doubled is")["output"]
    assert json.dumps(made).count("squared it") == 1


def test_an_override_that_was_taken_back_is_said_in_words(small: Course, laws: list[Law]) -> None:
    change = Override("ada", "twice", "odd_is_refused", float("nan"), "X", "all is well")
    score = Score(attempt(laws), 10.0, 10.0, 10, overrides=(change,))
    made = results(score.attempt, laws, small.lesson("twice"), score=score)
    check(made)
    assert "X let the laws decide again for odd_is_refused: all is well" in made["output"]


def test_numbers_that_json_lacks_and_endless_text_are_cut(
    small: Course, laws: list[Law], tmp_path: Path
) -> None:
    finding = Finding("x" * 10**6, {"n": "\ud800" + "y" * 10**6}, category="wrong")
    bad = Verdict("adds_to_itself", Outcome.FAILED, 0, 2, finding=finding)
    whole = attempt(laws, bad, notes=("z" * 10**6,))
    whole = replace(whole, seconds=float("nan"))
    score = Score(whole, 1.0, float("inf"), 10)
    made = results(whole, laws, small.lesson("twice"), score=score)
    check(made)
    write(tmp_path / "results" / "results.json", made)
    assert (tmp_path / "results" / "results.json").stat().st_size < 60_000
    assert total(made) == 0


def test_an_unsandboxed_result_says_so_first(small: Course, laws: list[Law]) -> None:
    made = results(attempt(laws), laws, small.lesson("twice"), isolated=False)
    check(made)
    assert made["output"].startswith("Unsandboxed:")
    assert made["extra_data"]["isolated"] is False


def test_what_was_not_graded_has_no_points_that_a_student_is_shown() -> None:
    made = withheld("twice", 10, "no namespaces here", "Do this.")
    check(made)
    assert total(made) == 0
    assert not shown_to_students(made)
    assert "NOT graded: no namespaces here" in made["output"]
    assert "Do this. Then choose Manage Submissions" in made["output"]
    assert made["tests"][0]["visibility"] == "visible"
    assert "score" not in made["tests"][0]


# ---- which file was handed in ----


@pytest.fixture
def handed_in(tmp_path: Path) -> Callable[..., Path]:
    """Give a function that writes files into a submission's folder and returns it."""

    def write_all(**files: bytes) -> Path:
        folder = tmp_path / "submission"
        folder.mkdir(exist_ok=True)
        for name, data in files.items():
            path = folder / name.replace("__", "/").replace("_dot_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return folder

    return write_all


def test_the_file_of_the_lessons_name_is_taken_before_others(handed_in: Callable[..., Path]) -> None:
    folder = handed_in(twice_dot_py=b"1", helper_dot_py=b"2", manifest_dot_json=b"{}", notes_dot_txt=b"")
    job = container.find(folder, "twice")
    assert (job.name, job.data, job.problem) == ("twice.py", b"1", "")


def test_one_file_of_another_name_is_meant_well(handed_in: Callable[..., Path]) -> None:
    job = container.find(handed_in(my__final_dot_ipynb=b"1"), "twice")
    assert (job.name, job.data, job.problem) == ("twice.ipynb", b"1", "")


def test_two_files_are_not_chosen_between(handed_in: Callable[..., Path]) -> None:
    job = container.find(handed_in(twice_dot_py=b"1", old__twice_dot_py=b"2"), "twice")
    assert job.problem == "2 files could be meant (twice.py, old/twice.py); hand in twice.ipynb alone"
    assert job.data == b""


def test_no_file_is_said_so(handed_in: Callable[..., Path]) -> None:
    job = container.find(handed_in(notes_dot_txt=b"1", _dot_hidden_dot_py=b"2"), "twice")
    assert job.problem.startswith("no twice.ipynb, twice.py or twice.zip was handed in")


@linux
def test_links_and_special_files_are_not_followed(handed_in: Callable[..., Path], tmp_path: Path) -> None:
    folder = handed_in()
    (tmp_path / "secret.py").write_text("secret", encoding="utf-8")
    (folder / "twice.py").symlink_to(tmp_path / "secret.py")
    (folder / "deep").symlink_to(tmp_path)
    os.mkfifo(folder / "thrice.py")
    assert "handed in" in container.find(folder, "twice").problem


# ---- the archive ----


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a file that stands for the engine's wheel: here the engine is installed."""
    path = tmp_path_factory.mktemp("wheel") / "shortest_program-0-py3-none-any.whl"
    path.write_bytes(b"wheel")
    return path


@pytest.fixture
def unpacked(small: Course, wheel: Path, tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Give a function that builds an archive and unpacks it, as Gradescope does; it returns `/autograder`."""
    place = Path(tempfile.mkdtemp(prefix="autograder-"))
    place.chmod(0o755)  # as in the container: the folder is everybody's to enter

    def build(**options: Any) -> Path:
        path = gradescope.bundle(small, "twice", tmp_path / "twice.zip", wheel=wheel, secret="s", **options)
        with zipfile.ZipFile(path) as archive:
            archive.extractall(place / "source")
        (place / "submission").mkdir()
        shutil.copy(place / "source" / "run_autograder", place / "run_autograder")
        (place / "run_autograder").chmod(0o755)
        return place

    yield build
    shutil.rmtree(place)


def test_the_scripts_travel_in_the_wheel(tmp_path: Path) -> None:
    with zipfile.ZipFile(building.build(Path(__file__).parents[2], tmp_path)) as archive:
        names = archive.namelist()
    assert {f"autograder/exports/files/{script}" for script in gradescope.SCRIPTS} <= set(names)


Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(small: Course) -> Run:
    """Give a function that runs `run_autograder` as Gradescope does, and returns the checked results."""

    def start(root: Path, **more: str) -> dict[str, Any]:
        environment = {"PATH": os.environ["PATH"], "AUTOGRADER_ROOT": str(root), "HOME": str(root)}
        environment |= {"SHORTEST_PYTHON": sys.executable, **more}
        done = subprocess.run(
            [root / "run_autograder"], cwd=root, env=environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        made = json.loads((root / "results" / "results.json").read_text(encoding="utf-8"))
        check(made)
        return dict(made)

    return start


def test_the_archive_has_what_gradescope_asks_for_at_its_root(
    small: Course, wheel: Path, tmp_path: Path
) -> None:
    path = gradescope.bundle(small, "thrice", tmp_path / "made" / "thrice.zip", wheel=wheel, secret="s")
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        modes = {info.filename: info.external_attr >> 16 for info in archive.infolist()}
        readme = archive.read("README.md").decode()
        assert archive.read("run_autograder").startswith(b"#!")
        assert b"\r" not in archive.read("setup.sh") + archive.read("run_autograder")
    assert {"setup.sh", "run_autograder", wheel.name, "constraints.txt"} <= set(names)
    assert modes["run_autograder"] & 0o111 == 0o111
    for needed in (
        "solutions/squeeze/twice.py",
        "solutions/squeeze/thrice.py",
        "tests/laws/hidden/test_thrice.py",
        "tests/laws/public/test_thrice.py",
        "lessons/01_twice/lesson.toml",
    ):
        assert f"course/{needed}" in names
    assert "course/tests/laws/hidden/test_twice.py" not in names
    assert "secret" in readme.splitlines()[0]
    assert "no student" in readme


def test_the_same_course_makes_the_same_archive(small: Course, wheel: Path, tmp_path: Path) -> None:
    first, second = (
        gradescope.bundle(small, "twice", tmp_path / f"{name}.zip", wheel=wheel, secret="s").read_bytes()
        for name in "ab"
    )
    assert first == second


@linux
@pytest.mark.parametrize("script", gradescope.SCRIPTS)
def test_the_scripts_parse(script: str) -> None:
    folder = Path(gradescope.__file__).parent / "files"
    subprocess.run(["bash", "-n", folder / script], check=True)


@linux
def test_a_right_solution_gets_everything_and_no_file_nothing(
    unpacked: Callable[..., Path], run: Run, small: Course, isolated: object
) -> None:
    root = unpacked()
    built = notebook.build(
        small.lesson("twice"), small.source("twice"), small.laws("twice", hidden=False), solutions=True
    )
    (root / "submission" / "twice.ipynb").write_text(nbformat.writes(built), encoding="utf-8")
    made = run(root)
    assert total(made) == 10
    assert made["extra_data"]["isolated"] is True
    (root / "submission" / "twice.ipynb").unlink()
    made = run(root)
    assert total(made) == 0
    assert "hand in one of them" in made["output"]
    assert shown_to_students(made)


@linux
def test_what_submit_packed_is_graded_unpacked_or_not(
    unpacked: Callable[..., Path], run: Run, small: Course, tmp_path: Path, isolated: object
) -> None:
    root = unpacked()
    (tmp_path / "twice.py").write_text(small.source("twice"), encoding="utf-8")
    (tmp_path / "packed").mkdir()
    archive, _ = submit("twice", tmp_path / "twice.py", tmp_path / "packed")
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(root / "submission")
    assert container.find(root / "submission", "twice").data == (tmp_path / "twice.py").read_bytes()
    shutil.rmtree(root / "submission")
    (root / "submission").mkdir()
    shutil.copy(archive, root / "submission")
    assert total(run(root)) == 10


HOSTILE = """
import glob, json, os, sys
GOOD = json.dumps({"score": 1000, "tests": [{"name": "forged", "score": 1000}]})
seen = []
def attack():
    for path in (ROOT + "/results/results.json", "/autograder/results/results.json", "results.json"):
        try:
            with open(path, "w") as file:
                file.write(GOOD)
            seen.append("wrote " + path)
        except OSError:
            pass
    for path in glob.glob(ROOT + "/source/**/*.py", recursive=True):
        try:
            seen.append(open(path).read()[:40])
        except OSError:
            pass
attack()
print(GOOD)
sys.stdout.flush()
def double(number):
    attack()
    raise ValueError("seen: " + repr([text for text in seen if "test" in text or "wrote" in text]))
halve = is_double = double
"""


@linux
@pytest.mark.parametrize("unsandboxed", [False, True])
def test_hostile_code_neither_reads_the_laws_nor_writes_the_results(
    unpacked: Callable[..., Path], run: Run, isolated: object, unsandboxed: bool
) -> None:
    if unsandboxed and lower_user() is None:
        pytest.skip(
            "students' code runs as another user only under root, with a Python that everybody may run"
        )
    root = unpacked(unsandboxed=unsandboxed)
    hostile = HOSTILE.replace("ROOT", repr(str(root)))
    (root / "submission" / "twice.py").write_text(hostile, encoding="utf-8")
    made = run(root)
    assert total(made) == 0
    assert made["extra_data"]["isolated"] is not unsandboxed
    output = by_title(made, "A number doubled is")["output"]
    assert "seen: " in output
    assert "test_" not in output
    assert str(root / "results") not in output


@linux
def test_a_grader_that_does_not_start_leaves_results_without_a_score_for_students(
    unpacked: Callable[..., Path], run: Run
) -> None:
    made = run(unpacked(), SHORTEST_PYTHON="false")
    assert not shown_to_students(made)
    assert "NOT graded" in made["output"]


def test_without_isolation_nothing_is_graded(
    unpacked: Callable[..., Path], small: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise ShortestError("no namespaces here")

    monkeypatch.setattr(container, "isolated_sandbox", refuse)
    root = unpacked()
    (root / "submission" / "twice.py").write_text(small.source("twice"), encoding="utf-8")
    assert container.main([str(root)]) == 0
    made = json.loads((root / "results" / "results.json").read_text(encoding="utf-8"))
    check(made)
    assert not shown_to_students(made)
    assert "no namespaces here" in made["output"]
    assert "--unsandboxed" in made["output"]


def test_a_grader_that_breaks_says_so(unpacked: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def break_it(*_: object) -> None:
        raise RuntimeError("oh")

    monkeypatch.setattr(container, "judge", break_it)
    root = unpacked()
    assert container.main([str(root)]) == 0
    made = json.loads((root / "results" / "results.json").read_text(encoding="utf-8"))
    check(made)
    assert "the grader broke: RuntimeError: oh" in made["output"]
    assert not shown_to_students(made)


def test_an_instructors_limits_travel_with_the_archive(unpacked: Callable[..., Path]) -> None:
    limits = {"twice": Limits(call_seconds=9.0, forbids=("zlib",)), "thrice": Limits()}
    root = unpacked(limits=limits)
    settings = json.loads((root / "source" / container.SETTINGS).read_text(encoding="utf-8"))
    assert container._limits(settings["limits"]) == {"twice": limits["twice"]}


def test_the_build_says_whether_it_isolates(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise ShortestError("no namespaces here")

    monkeypatch.setattr(container, "isolated_sandbox", refuse)
    assert container.main(["--self-test"]) == 0
    assert capsys.readouterr().out == "NOT ISOLATED: no namespaces here\n"

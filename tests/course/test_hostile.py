"""The run of the hostile class: what it measures, what it keeps, and what it says of stock nbgrader."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from autograder.model import ShortestError

TOOLS = Path(__file__).resolve().parents[2] / "tools"
EXIT = '"""Leaves at once."""\n\nimport os\n\nos._exit(0)\n'
BESIDE = '''"""Displays a score."""

import sys


def __getattr__(name):
    return lambda *args: sys.displayhook("x")
'''
SHARP = '"""Looks around."""\n\nimport os\n\n\ndef escaped():\n    return {}\n'
HONEST = '"""Does the lesson\'s work."""\n\n\ndef answer(number):\n    return number + 1\n'

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="isolated grading needs Linux")


@pytest.fixture(scope="module")
def tools():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(TOOLS))
        import hostile
        import plain
        import stock
        import stock_course

        yield hostile, plain, stock, stock_course
        for name in ("hostile", "hostile_class", "attacks", "plain", "stock", "stock_course"):
            sys.modules.pop(name, None)


@pytest.fixture
def report(tools, tmp_path):
    """Give a function that writes attacks beside a course of one lesson, and brings the file up to date."""
    hostile, plain, *_ = tools
    plain.write(tmp_path, "canary")
    out = tmp_path / "build" / "hostile.json"

    def run(say=str, **attacks):
        for name, text in attacks.items():
            kind, _, name = name.partition("_")
            path = tmp_path / "tests" / "attacks" / kind / f"{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        made = hostile.Report(tmp_path, out, say)
        made.judge(1)
        content = json.loads(out.read_text(encoding="utf-8"))
        assert content == made.content
        return {row["name"]: row for row in content["rows"]}, list(hostile.summary(content))

    return run


def test_what_an_attack_earns_stands_beside_what_its_honest_part_deserves(report):
    rows, said = report(alone_exits=EXIT, beside_displays=BESIDE)
    assert (rows["exits"]["points"], rows["exits"]["deserved"], rows["exits"]["possible"]) == (0, 0, 3)
    assert (rows["displays"]["points"], rows["displays"]["deserved"]) == (1, 1)
    assert rows["exits"]["tries"] == "Leaves at once."
    assert rows["exits"]["outcomes"] == {"crashed": 2}
    assert said == ["2 of 2 attacks were judged"]


def test_whoever_earns_more_or_gets_at_something_is_named(report):
    _, said = report(alone_works=HONEST, alone_looks=SHARP.format(True), alone_sees=SHARP.format(False))
    assert "works earned 1, and deserves 0" in said
    assert "looks got what it was after" in said
    assert "sees got what it was after" not in said


def test_only_what_changed_is_judged_again(report):
    first, again = [], []
    report(first.append, alone_exits=EXIT, beside_displays=BESIDE)
    rows, _ = report(again.append, alone_exits=EXIT.replace("at once", "now"))
    assert len(first) == 2
    assert [line.split()[1] for line in again] == ["exits"]
    assert rows["displays"]["points"] == 1


def test_a_run_that_was_stopped_goes_on_where_it_was(report):
    class Stop(Exception):  # noqa: N818
        pass

    def stop(text):
        raise Stop(text)

    with pytest.raises(Stop) as stopped:
        report(stop, alone_exits=EXIT, alone_leaves=EXIT)
    again = []
    rows, _ = report(again.append)
    done = str(stopped.value).split()[1]
    assert [line.split()[1] for line in again] == [name for name in rows if name != done]
    assert all("points" in row for row in rows.values())


def test_a_file_of_another_form_is_written_anew(report, tmp_path):
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "hostile.json").write_text('{"rows": [7]}', encoding="utf-8")
    rows, _ = report(alone_exits=EXIT)
    assert rows["exits"]["points"] == 0


def test_where_nothing_isolates_the_attacks_are_listed_and_not_judged(report, tools, monkeypatch):
    def refuse():
        raise ShortestError("no sandbox here")

    monkeypatch.setattr(tools[0], "isolated_sandbox", refuse)
    rows, said = report(alone_exits=EXIT)
    assert "points" not in rows["exits"]
    assert said == ["not run: no sandbox here", "0 of 1 attacks were judged"]


def test_an_attack_that_does_not_say_what_it_tries_is_refused(report):
    with pytest.raises(ShortestError, match=r"silent\.py: its docstring must begin with a sentence"):
        report(alone_silent="import os\n")


def test_stock_nbgrader_is_fooled_by_a_display(tools):
    pytest.importorskip("nbgrader")
    _, _, stock, stock_course = tools
    text = BESIDE + SHARP.format(True)
    ((name, result),) = stock.grade({"display": stock_course.hostile(text, half=True)})
    assert name == "display"
    assert result == stock.Result(float(stock_course.POSSIBLE), got=True)
    assert result.points > stock_course.deserved(half=True)


def test_whoever_ends_the_run_for_all_is_found_and_the_others_are_graded(tools, monkeypatch):
    _, _, stock, stock_course = tools
    runs = []

    def run(notebooks):
        runs.append(list(notebooks))
        if "bad" in notebooks:
            return {name: stock.Result(None) for name in notebooks}
        full = {stock.LAST: float(stock_course.POSSIBLE)}
        return {name: stock.Result(full.get(name, 0.0)) for name in notebooks}

    monkeypatch.setattr(stock, "_run", run)
    results = dict(stock.grade(dict.fromkeys(["a", "bad", "c", "d", "e"], "")))
    assert results.pop("bad") == stock.Result(None, stops=True)
    assert results == dict.fromkeys("acde", stock.Result(0.0))
    assert len(runs) < 2 * len(results)


def test_a_stock_nbgrader_that_misjudges_its_own_solution_is_not_believed(tools, monkeypatch):
    stock = tools[2]
    monkeypatch.setattr(stock, "_run", lambda notebooks: dict.fromkeys(notebooks, stock.Result(1.0)))
    with pytest.raises(ShortestError, match="its own solution"):
        dict(stock.grade({"a": ""}))
    monkeypatch.setattr(stock, "_run", lambda notebooks: dict.fromkeys(notebooks, stock.Result(None)))
    with pytest.raises(ShortestError, match="graded nobody"):
        stock._grade({})

"""Every law expected gets one verdict, the right one, whatever the student's code does."""

from __future__ import annotations

import ast
import copy
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import hypothesis
import pytest

from autograder import judge as module
from autograder import lawbook
from autograder.judge import Direct, judge, load_module
from autograder.model import Limits, Outcome, ShortestError
from autograder.proxy import SandboxLost
from autograder.remote import Remote
from autograder.sandbox import Unsandboxed

PASSED, FAILED, NOT_RUN = Outcome.PASSED, Outcome.FAILED, Outcome.NOT_RUN
LONG = Limits(law_seconds=60, call_seconds=30)

LAWS = """
@law(exercise="double", points=2, hint="h")
@given(x=st.integers(0, 1000))
def test_doubles(student, x):
    'Two times x.'
    expect.equal(student.double(x), 2 * x, "the double")

@law(exercise="double", points=1, hint="h")
def test_double_of_text(student):
    'Text is refused.'
    expect.equal(student.double(1), 2)
    expect.raises("ValueError", student.double, "a")

@law(exercise="total", points=4, hint="h")
@given(numbers=st.lists(st.integers(0, 9), max_size=5))
@example(numbers=[1, 2, 3])
def test_total(student, elsewhere, numbers):
    'The sum of a list.'
    expect.equal(elsewhere.total(student.echo(numbers)), sum(numbers), "the total")
"""
GOOD = """
def double(x):
    if isinstance(x, str):
        raise ValueError("a number, please")
    return 2 * x

def total(numbers):
    return sum(numbers)

def echo(value):
    return value
"""


def outcomes(verdicts):
    return [verdict.outcome for verdict in verdicts]


def direct(source, **options):
    return Direct(load_module(source, "student"), load_module(source, "student"), source, **options)


def judged_here(laws, subject, secret="secret", examples=None):
    return list(judge(laws, subject, LONG, examples or (lambda law: lawbook.draw(law, secret)), secret))


def test_the_right_module_earns_every_point(laws, judged):
    verdicts = judged(laws(LAWS), GOOD)
    assert outcomes(verdicts) == [PASSED] * 3
    assert [verdict.points for verdict in verdicts] == [verdict.possible for verdict in verdicts] == [2, 1, 4]
    assert outcomes(judged_here(laws(LAWS), direct(GOOD))) == [PASSED] * 3


def test_no_law_is_an_error(judged):
    with pytest.raises(ShortestError, match="no law to judge by"):
        judged([], GOOD)


@pytest.mark.parametrize(
    "source",
    [
        "",
        "double = 3",
        "1 / 0",
        "def f(:",
        "import os; os._exit(0)",
        "def double(x): return x",
        "def __getattr__(name): raise MemoryError",
    ],
)
def test_the_total_comes_from_the_laws_expected(laws, judged, source):
    verdicts = judged(laws(LAWS), source)
    assert [verdict.law for verdict in verdicts] == ["doubles", "double_of_text", "total"]
    assert sum(verdict.possible for verdict in verdicts) == 7
    assert sum(verdict.points for verdict in verdicts) == 0


def test_a_missing_name_fails_only_its_own_laws(laws, judged):
    verdicts = judged(laws(LAWS), GOOD.replace("def double", "def doubel"))
    assert outcomes(verdicts) == [NOT_RUN, NOT_RUN, PASSED]
    assert verdicts[0].because == "double is not defined in student"
    assert outcomes(judged_here(laws(LAWS), direct(GOOD.replace("def double", "def doubel")))) == [
        NOT_RUN,
        NOT_RUN,
        PASSED,
    ]


def test_unfinished_code_is_not_run_and_not_wrong(laws, judged):
    source = GOOD.replace("return 2 * x", 'raise NotImplementedError("student: double is not started")')
    for verdicts in (judged(laws(LAWS), source), judged_here(laws(LAWS), direct(source))):
        assert outcomes(verdicts) == [NOT_RUN, NOT_RUN, PASSED]
        assert verdicts[0].because == "student: double is not started"
        assert verdicts[0].finding is None
    (bare, *_) = judged(laws(LAWS), "def double(x):\n    raise NotImplementedError\n")
    assert (bare.outcome, bare.because) == (NOT_RUN, "double is not started")


def test_a_wrong_value_is_explained(laws, judged):
    first, second, third = judged(
        laws(LAWS), GOOD.replace("2 * x", "2 * x + (x > 41)").replace("sum(", "len(")
    )
    assert (first.outcome, first.points, second.outcome) == (FAILED, 0, PASSED)
    assert dict(first.finding.example) == {"x": "42"}
    assert first.finding.call == "double(42)"
    assert (first.finding.expected, first.finding.got) == ("84", "85")
    assert first.because == first.finding.message == "the double: expected 84, got 85"
    assert first.finding.category == "wrong"
    assert dict(third.finding.example) == {"numbers": "[0]"}


def test_the_smallest_example_is_found_where_one_by_hand_fails_too(laws, judged):
    """Hypothesis stops at a failing @example without shrinking; the judge goes on."""
    source = GOOD.replace("return sum(numbers)", "return sum(numbers) + (len(numbers) > 1)")
    verdict = judged(laws(LAWS), source)[2]
    assert dict(verdict.finding.example) == {"numbers": "[0, 0]"}


def test_an_example_by_hand_is_shown_where_no_other_fails(laws, judged):
    source = GOOD.replace("return sum(numbers)", "return 0 if numbers == [1, 2, 3] else sum(numbers)")
    verdict = judged(laws(LAWS), source)[2]
    assert (verdict.outcome, dict(verdict.finding.example)) == (FAILED, {"numbers": "[1, 2, 3]"})


def test_an_exception_is_explained_with_the_students_line(laws, judged):
    source = GOOD.replace("return 2 * x", "return {1: 2}[x]  # a table")
    for subject in (judged(laws(LAWS), source), judged_here(laws(LAWS), direct(source))):
        assert subject[0].outcome is FAILED
        assert subject[0].because == "KeyError: 0"
    where = judged(laws(LAWS), source)[0].finding.where
    assert where == "line 5, in double: return {1: 2}[x]  # a table"


def test_a_line_of_a_needed_module_is_not_taken_for_the_students(laws, judged):
    source = "from squeeze.needed import table\ndef double(x):\n    return table(x)\n"
    needed = "# 1\n# 2\n# 3\n# 4\n# 5\n# 6\ndef table(x):\n    return {}[x]\n"
    verdict = judged(laws(LAWS), source, needed=needed)[0]
    assert verdict.finding.where == "line 3, in double: return table(x)"


UNUSABLE = """
@law(exercise="double", points=1, hint="h")
def test_adds(student):
    'T.'
    expect.equal(student.double(1) + 1, 3)

@law(exercise="double", points=1, hint="h")
def test_compares(student):
    'T.'
    expect.true(1 < student.double(1) < 3, "is two")

@law(exercise="double", points=1, hint="h")
def test_hands_on(student, elsewhere):
    'T.'
    expect.equal(elsewhere.double(student.double(1)), 4)

@law(exercise="double", points=1, hint="h")
def test_as_key(student):
    'T.'
    expect.equal({2: "two"}[student.double(1)], "two")

@law(exercise="double", points=1, hint="h")
def test_equal(student):
    'T.'
    expect.equal(student.double(1), 2)

@law(exercise="double", points=1, hint="h")
def test_close(student):
    'T.'
    expect.close(student.double(1), 2.0)
"""


@pytest.mark.parametrize(
    "value",
    [
        "None",
        "'2'",
        "[2]",
        "object()",
        "lambda: 2",
        "Mine()",
        "{2: Mine()}",
        "10**5000",
        "-(10**400)",
        "float('nan')",
        "b'2'",
        "1j",
        "double",
        "[[[]]]",
    ],
)
def test_a_value_that_a_law_cannot_use_is_the_students_fault(laws, judged, value):
    source = "class Mine:\n    def __eq__(self, other):\n        return True\n    __hash__ = None\n"
    source += f"def double(x):\n    return {value}\n"
    for verdict in judged(laws(UNUSABLE), source, LONG):
        assert verdict.outcome is FAILED, verdict
        assert verdict.points == 0


def test_an_object_handed_on_is_blamed_on_the_call_that_gave_it(laws, judged):
    source = "class Mine: ...\ndef double(x):\n    return Mine()\n"
    verdict = judged(laws(UNUSABLE), source)[2]
    assert verdict.because.startswith("what double returned can't be used: expected a plain value, got Mine")
    assert verdict.finding.call == "double(1)"


def test_two_answers_that_a_law_compares_and_that_are_objects_break_it(laws, judged):
    text = """@law(exercise="double", points=1, hint="h")
def test_twice(student):
    'T.'
    expect.equal(student.double(1), student.double(1), "what came twice")
"""
    source = "class Mine:\n    __eq__ = lambda *_: True\ndef double(x):\n    return Mine()\n"
    (verdict,) = judged(laws(text), source)
    assert verdict.outcome is FAILED
    assert verdict.finding.message == "what came twice: expected a plain value, got a Mine"


@pytest.mark.parametrize("call", ["student.double(b'')", "contract.comes_back(student.double, bytes, b'')"])
def test_a_name_that_is_no_function_is_the_students_fault(laws, judged, call):
    text = f"""from autograder.laws import contract
@law(exercise="double", points=1, hint="h")
def test_calls(student):
    'T.'
    {call}
"""
    (verdict,) = judged(laws(text), "double = True\n")
    assert verdict.outcome is FAILED


GRADER_FAULTS = {
    "a fixture that is none": ("def test_a(student, nothing):\n    'T.'", "no fixture is called 'nothing'"),
    "a value that can't be compared": (
        "def test_a(student):\n    'T.'\n    x = object()\n    expect.equal(x, x)",
        "can't compare",
    ),
    "a value that can't be sent": (
        "def test_a(student):\n    'T.'\n    student.double(object())",
        "a law can't send",
    ),
}


@pytest.mark.parametrize(("text", "reason"), GRADER_FAULTS.values(), ids=GRADER_FAULTS)
def test_a_fault_of_ours_is_not_blamed_on_the_student(laws, judged, text, reason):
    (verdict,) = judged(laws('@law(exercise="double", points=1, hint="h")\n' + text + "\n"), GOOD)
    assert verdict.outcome is Outcome.GRADER_ERROR
    assert verdict.because.startswith("the grader broke, not your code")
    assert reason in verdict.because
    assert (verdict.points, verdict.possible) == (0, 1)


def test_a_strategy_that_breaks_is_our_fault(laws, judged):
    text = '@law(exercise="double", points=1, hint="h")\n@given(x=st.integers().map(lambda x: 1 // 0))\n'
    text += "def test_a(student, x):\n    'T.'\n"
    (verdict,) = judged(laws(text), GOOD)
    assert verdict.outcome is Outcome.GRADER_ERROR
    assert "ZeroDivisionError" in verdict.because


def test_a_sandbox_that_does_not_start_is_our_fault(laws, package):
    class Broken:
        isolated = False

        def start(self, *_):
            raise FileNotFoundError("no bwrap")

    with Remote(Broken(), package(student=GOOD), "student", LONG, GOOD) as subject:
        verdicts = judged_here(laws(LAWS), subject)
    assert outcomes(verdicts) == [Outcome.GRADER_ERROR] * 3
    assert "no bwrap" in verdicts[0].because


LOST = {
    "loop": ("while True: pass", Outcome.TIMED_OUT, "it took too long"),
    "exit": ("import os; os._exit(0)", Outcome.CRASHED, "the worker ended"),
}


@pytest.mark.parametrize(("body", "outcome", "because"), LOST.values(), ids=LOST)
def test_a_lost_worker_costs_its_own_exercise_only(laws, judged, body, outcome, because):
    first, second, third = judged(laws(LAWS), GOOD.replace("return 2 * x", body))
    assert (first.outcome, third.outcome) == (outcome, PASSED)
    assert because in first.because
    assert first.finding.call.startswith("double(")
    if outcome is Outcome.TIMED_OUT:
        assert (second.outcome, second.because) == (NOT_RUN, "double took too long before, in 'doubles'")
    else:
        assert second.outcome is outcome


def test_a_lost_worker_is_not_taken_for_the_exception_that_a_law_expects(laws, judged):
    text = '@law(exercise="f", points=1, hint="h")\n'
    text += "def test_a(student):\n    'T.'\n    expect.raises('{}', student.f)\n"
    for name in ("Exception", "ValueError"):
        (verdict,) = judged(laws(text.replace("{}", name)), "def f():\n    while True: pass\n")
        assert verdict.outcome is Outcome.TIMED_OUT


def test_the_seconds_of_a_law_are_an_end_too(laws, judged):
    limits = Limits(law_seconds=0.6, call_seconds=30)
    source = GOOD.replace("return 2 * x", "import time; time.sleep(0.05); return 2 * x")
    started = time.monotonic()
    first, _, third = judged(laws(LAWS), source, limits)
    assert (first.outcome, third.outcome) == (Outcome.TIMED_OUT, PASSED)
    assert time.monotonic() - started < 10


LOAD_ERRORS = {
    "syntax error": ("x = 1\ndef f(:\n", FAILED, "the file does not load: SyntaxError"),
    "exception": ("x = 1 / 0", FAILED, "the file does not load: ZeroDivisionError: division by zero"),
    "unfinished at import": (
        "raise NotImplementedError('f')",
        FAILED,
        "the file does not load: NotImplementedError: f",
    ),
    "exit": ("raise SystemExit(0)", FAILED, "the file does not load: SystemExit: 0"),
    "crash": ("import os; os._exit(0)", Outcome.CRASHED, "while the file was loaded, the worker ended"),
}


@pytest.mark.parametrize(("source", "outcome", "because"), LOAD_ERRORS.values(), ids=LOAD_ERRORS)
def test_a_file_that_does_not_load_says_so_for_every_law(laws, judged, source, outcome, because):
    for verdict in judged(laws(LAWS), source):
        assert verdict.outcome is outcome
        assert verdict.because.startswith(because)


def test_loading_is_not_tried_again_for_each_law(laws, package, monkeypatch):
    from autograder import proxy

    monkeypatch.setattr(proxy, "LOAD_SECONDS", 0.5)
    text = "".join(
        f'@law(exercise="f{i}", points=1, hint="h")\ndef test_{i}(student):\n    "T."\n' for i in range(20)
    )
    starts = []

    class Counting(Unsandboxed):
        def start(self, *args):
            starts.append(1)
            return super().start(*args)

    for source, outcome in (("while True: pass", Outcome.TIMED_OUT), ("1 / 0", FAILED)):
        starts.clear()
        with Remote(
            Counting(), package(student=source), "student", Limits(call_seconds=0.5), source
        ) as subject:
            verdicts = judged_here(laws(text), subject)
        assert outcomes(verdicts) == [outcome] * 20
        assert len(starts) == 1


def test_an_exercise_that_could_not_be_taken_is_not_run(laws, judged):
    verdicts = judged(laws(LAWS), GOOD, problems={"double": "its cell was cut"})
    assert [(verdict.outcome, verdict.because) for verdict in verdicts] == [
        (NOT_RUN, "its cell was cut"),
        (NOT_RUN, "its cell was cut"),
        (PASSED, ""),
    ]


def test_an_exit_in_a_notebook_ends_one_law_and_not_the_check(laws):
    verdicts = judged_here(laws(LAWS), direct(GOOD.replace("return 2 * x", "exit()")))
    assert outcomes(verdicts) == [FAILED, FAILED, PASSED]
    assert verdicts[0].because.startswith("SystemExit")


def test_examples_are_not_changed_by_a_submission(laws):
    spoiler = GOOD.replace("return sum(numbers)", "result = sum(numbers); numbers.clear(); return result")
    book = laws(LAWS)
    drawn = {law.key: lawbook.draw(law, "secret") for law in book}
    before = copy.deepcopy(drawn)
    judged_here(book, direct(spoiler), examples=lambda law: drawn[law.key])
    assert drawn == before


RECORDING = """
@law(exercise="f", points=1, hint="h", examples=80)
@given(x=st.lists(st.integers(), max_size=4), y=st.text(max_size=3))
@example(x=[9], y="nine")
def test_records(student, x, y):
    'T.'
    student.f(x, y)
"""


def test_a_replay_sees_what_a_full_run_of_hypothesis_sees(laws):
    (law,) = laws(RECORDING)
    seen = []
    subject = Direct(SimpleNamespace(f=lambda x, y: seen.append((x, y))))
    assert outcomes(judged_here([law], subject)) == [PASSED]
    replayed, seen[:] = list(seen), []
    with lawbook._no_borrowed_constants():
        hypothesis.seed(lawbook.seed_of(law, "secret"))(law.function)(student=subject.fixture("student"))
    assert len(seen) > 50
    assert replayed == seen


WRONG = [
    GOOD.replace("2 * x", "2 * x + (x > 41)"),
    GOOD.replace("sum(numbers)", "sum(numbers[:3])"),
    GOOD.replace("sum(numbers)", "sum(set(numbers))"),
]


@pytest.mark.parametrize("source", WRONG)
def test_the_same_submission_gets_the_same_verdict(laws, judged, source):
    def told(verdicts):
        return [(v.law, v.outcome, v.because, v.finding and dict(v.finding.example)) for v in verdicts]

    book = laws(LAWS)
    first = told(judged(book, source))
    assert told(judged(book, source)) == first
    assert told(judged(laws(LAWS), source)) == first
    assert FAILED in [outcome for _, outcome, *_ in first]


PROCESS = """
import sys
sys.path[:0] = [{root!r}]
from pathlib import Path
from autograder import lawbook
from autograder.judge import Direct, judge, load_module
from autograder.model import Limits
laws = lawbook.load(Path({path!r}), "student", hidden=False)
source = {source!r}
subject = Direct(load_module(source, "student"), None, source)
verdicts = judge(laws, subject, Limits(), lambda law: lawbook.draw(law, "secret"), "secret")
print([(v.law, str(v.outcome), v.because, v.finding and dict(v.finding.example)) for v in verdicts])
"""


def test_the_verdict_is_the_same_in_another_process(laws, tmp_path):
    laws(LAWS)
    (path,) = tmp_path.glob("test_student*.py")
    code = PROCESS.format(root=str(Path(module.__file__).parents[1]), path=str(path), source=WRONG[0])

    def run(seed):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", code]
        return subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, check=True, timeout=60
        ).stdout

    first = run("1")
    assert "'x': '42'" in str(ast.literal_eval(first.decode()))
    assert run("2") == first


def test_the_last_call_is_that_of_the_failing_example(laws, judged):
    """`elsewhere` was called for the examples before; the call that failed was the other worker's."""
    source = GOOD.replace(
        "return value", "if len(value) > 3:\n        raise KeyError('long')\n    return value"
    )
    verdict = judged(laws(LAWS), source)[2]
    assert verdict.outcome is FAILED
    assert verdict.finding.call.startswith("echo(")


def test_a_search_for_a_smaller_example_is_ended_in_time(laws, monkeypatch):
    def calls_within(seconds):
        calls = []
        subject = Direct(SimpleNamespace(double=lambda x: calls.append(x) or (2 * x if x < 333 else None)))
        clock = SimpleNamespace(now=lambda: float(len(calls)))  # each call takes a second
        monkeypatch.setattr(module, "awake", clock)
        monkeypatch.setattr(module, "SHRINK_SECONDS", seconds)
        assert outcomes(judged_here(laws(LAWS)[:1], subject)) == [FAILED]
        return len(calls)

    unsought, sought, unlimited = map(calls_within, (-1, 3, 1000))
    assert unsought < sought <= unsought + 4 < unlimited


def test_a_law_that_fails_only_sometimes_is_still_failed(laws, judged):
    source = GOOD.replace("return 2 * x", "global n; n += 1; return 2 * x + (n == 5)") + "\nn = 0\n"
    verdict = judged(laws(LAWS), source)[0]
    assert (verdict.outcome, verdict.points) == (FAILED, 0)
    assert verdict.finding is not None


def test_an_exception_that_cannot_be_described_fails_its_law(laws):
    source = "class Evil(Exception):\n    def __str__(self):\n        raise ValueError\n"
    source += "def double(x):\n    raise Evil\n"
    verdicts = judged_here(laws(LAWS), direct(source))
    assert outcomes(verdicts) == [FAILED, FAILED, NOT_RUN]
    assert verdicts[0].because == "Evil: (its message can't be shown)"


def test_what_hidden_laws_are_lent_stays_here(laws, package):
    text = """
    @law(exercise="is_double", points=1, hint="h")
    def test_a(student, reference, bugs):
        'T.'
        expect.equal(student.is_double(reference.double), True)
        expect.equal(student.is_double(bugs["off"].double), False)
    """
    source = "def is_double(candidate):\n    return candidate(4) == 8\n"
    extra = {
        "reference": load_module(GOOD, "student"),
        "bugs": {"off": load_module("def double(x): return x", "student")},
    }
    with Remote(Unsandboxed(), package(student=source), "student", LONG, source, extra=extra) as subject:
        assert outcomes(judged_here(laws(text), subject)) == [PASSED]
    assert outcomes(judged_here(laws(text), direct(source, extra=extra))) == [PASSED]


class Shaky(Direct):
    """A module whose sandbox ends at some of the laws' beginnings of a call."""

    def __init__(self, losses):
        super().__init__(load_module(GOOD, "student"), load_module(GOOD, "student"))
        self.losses = losses
        self.begun = 0

    def begin(self, seconds):
        super().begin(seconds)
        self.begun += 1

    def fixture(self, name):
        made = super().fixture(name)
        if self.losses and name == "student":
            self.losses -= 1

            def lose(*_):
                raise SandboxLost

            return SimpleNamespace(double=lose, echo=lose)
        return made


def test_a_law_whose_sandbox_was_lost_is_judged_again(laws):
    subject = Shaky(losses=1)
    assert outcomes(judged_here(laws(LAWS), subject)) == [PASSED] * 3
    assert subject.begun == 4


def test_a_sandbox_that_is_lost_twice_is_no_students_fault(laws):
    verdicts = judged_here(laws(LAWS), Shaky(losses=2))
    assert outcomes(verdicts) == [Outcome.GRADER_ERROR, PASSED, PASSED]
    assert verdicts[0].because == (
        "the grader broke, not your code: autograder.proxy.SandboxLost: the sandbox around the worker ended"
    )

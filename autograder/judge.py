"""One submission before the laws: every expected law gets a verdict, whatever the code does.

The laws, their inputs and the comparisons are here; the student's code is wherever the subject keeps it.
"""

from __future__ import annotations

import copy
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from hypothesis.errors import HypothesisException, UnsatisfiedAssumption

from autograder import lawbook
from autograder.expect import Broken
from autograder.model import Finding, Law, Limits, Outcome, ShortestError, Verdict
from autograder.proxy import Refused, StudentError, WorkerGone, call_text
from autograder.remote import NotLoaded
from autograder.show import show

PACKAGE = str(Path(__file__).parent)
SHRINK_SECONDS = 2.0


class Subject(Protocol):
    """What laws are run on: a student's module here or in workers."""

    source: str
    own_lines: bool  # whether the line numbers of `source` are those of the student's file

    def fixture(self, name: str) -> Any:
        """Return the module for a law's argument `name`, or whatever else laws may ask for."""

    def begin(self, seconds: float) -> None:
        """Start the clock of one law, with whole workers."""

    def last_call(self) -> str:
        """Return the last call made on the module, as text."""


class Direct:
    """The module in this process: for notebooks and for tests of the reference. It can't be timed out."""

    def __init__(
        self, module: Any, elsewhere: Any = None, source: str = "", extra: Mapping[str, Any] | None = None
    ) -> None:
        self.source = source
        self.own_lines = bool(source)
        self._calls: list[str] = []
        self._here = Recorder(module, self._calls)
        self._elsewhere = Recorder(elsewhere or module, self._calls)
        self._extra = extra or {}

    def fixture(self, name: str) -> Any:
        """Return the module; `elsewhere` is its second copy."""
        if name in self._extra:
            return self._extra[name]
        return self._elsewhere if name == "elsewhere" else self._here

    def begin(self, seconds: float) -> None:
        """Forget the last call."""
        self._calls.clear()

    def last_call(self) -> str:
        """Return the last call made."""
        return self._calls[-1] if self._calls else ""


class Recorder:
    """A module whose last call is remembered."""

    def __init__(self, module: Any, calls: list[str]) -> None:
        self._module = module
        self._calls = calls

    def __getattr__(self, name: str) -> Any:
        try:
            value = getattr(self._module, name)
        except AttributeError:
            raise StudentError(["Missing", "AttributeError"], f"{name} is not defined") from None
        if not callable(value):
            return value

        def call(*args: Any, **keywords: Any) -> Any:
            self._calls[:] = [call_text(name, args, keywords)]
            return value(*args, **keywords)

        call.__name__ = name
        return call


def judge(
    laws: Sequence[Law],
    subject: Subject,
    limits: Limits,
    examples: Callable[[Law], Sequence[Mapping[str, Any]]],
    secret: str,
    problems: Mapping[str, str] | None = None,
) -> Iterator[Verdict]:
    """Yield one verdict for each law, in order, whatever happens.

    `examples` gives the inputs of a law, drawn under `secret`; `problems` maps an exercise to the reason why
    its code could not even be taken. Raises ShortestError where there is no law: that would be full marks.
    """
    if not laws:
        raise ShortestError("there is no law to judge by; an empty list would make every submission perfect")
    late: dict[str, str] = {}
    for law in laws:
        reason = (problems or {}).get(law.exercise) or late.get(law.exercise)
        if reason:
            yield Verdict(law.name, Outcome.NOT_RUN, 0, law.points, because=reason)
            continue
        verdict = _judge_one(law, subject, limits, examples, secret)
        if verdict.outcome is Outcome.TIMED_OUT:
            late[law.exercise] = f"{law.exercise} took too long before, in {law.name!r}"
        yield verdict


def _judge_one(
    law: Law,
    subject: Subject,
    limits: Limits,
    examples: Callable[[Law], Sequence[Mapping[str, Any]]],
    secret: str,
) -> Verdict:
    started = time.monotonic()
    try:
        drawn = examples(law)
        subject.begin(limits.law_seconds)
        fixed = {name: subject.fixture(name) for name in lawbook.fixtures(law)}
        failure = _replay(law, subject, fixed, drawn)
        if failure is not None:
            failure = _shrink(law, subject, fixed, secret, failure)
    except Exception as problem:
        failure = _Failure(problem, {}, "")
    seconds = time.monotonic() - started
    if failure is None:
        return Verdict(law.name, Outcome.PASSED, law.points, law.points, seconds=seconds)
    outcome, because, finding = _explain(law, failure, subject)
    return Verdict(law.name, outcome, 0, law.points, because, finding, seconds)


class _Failure(Exception):  # noqa: N818 - one type for all failures, so that the shrinker sees one bug
    """A law that broke on one example, and the last call made before it did."""

    def __init__(self, problem: Exception, example: Mapping[str, Any], call: str) -> None:
        super().__init__(str(problem))
        self.problem = problem
        self.example = example
        self.call = call


class _Enough(KeyboardInterrupt):
    """Ends the search for a smaller example; Hypothesis lets this through and nothing else."""


def _replay(
    law: Law, subject: Subject, fixed: Mapping[str, Any], drawn: Sequence[Mapping[str, Any]]
) -> _Failure | None:
    body = law.function.hypothesis.inner_test if hasattr(law.function, "hypothesis") else law.function
    for example in drawn:
        failure = _try(body, subject, fixed, example)
        if failure is not None:
            return failure
    return None


def _try(
    body: Any, subject: Subject, fixed: Mapping[str, Any], example: Mapping[str, Any]
) -> _Failure | None:
    try:
        body(**fixed, **copy.deepcopy(dict(example)))  # nothing may change what the next submission gets
    except UnsatisfiedAssumption:
        return None
    except Exception as problem:
        return _Failure(problem, example, subject.last_call())
    return None


def _shrink(law: Law, subject: Subject, fixed: Mapping[str, Any], secret: str, first: _Failure) -> _Failure:
    """Look for a smaller example that breaks the law, for a while; a lost worker ends the search."""
    if not hasattr(law.function, "hypothesis") or not _shrinkable(first.problem):
        return first
    body = law.function.hypothesis.inner_test
    until = time.monotonic() + SHRINK_SECONDS
    smallest = [first]

    def attempt(**arguments: Any) -> None:
        if time.monotonic() > until:
            raise _Enough
        example = {name: value for name, value in arguments.items() if name not in fixed}
        failure = _try(body, subject, fixed, example)
        if failure is None:
            return
        if not _shrinkable(failure.problem):
            raise _Enough
        if _size(failure) < _size(smallest[0]):
            smallest[0] = failure
        raise failure

    try:
        lawbook.run_with(law, attempt, dict.fromkeys(fixed), secret)
    except (_Failure, _Enough, HypothesisException):
        pass
    return smallest[0]


def _shrinkable(problem: Exception) -> bool:
    # An unfinished function fails alike on every input, and each lost worker costs seconds.
    return not isinstance(problem, WorkerGone | NotLoaded) and not _unfinished(problem)


def _unfinished(problem: Exception) -> bool:
    if isinstance(problem, NotLoaded):
        return False
    return "NotImplementedError" in _names(problem) or "Missing" in _names(problem)


def _names(problem: Exception) -> list[str]:
    if isinstance(problem, StudentError):
        return problem.names
    return [base.__name__ for base in type(problem).__mro__]


def _size(failure: _Failure) -> tuple[int, str]:
    text = show(dict(failure.example))
    return len(text), text


def _explain(law: Law, failure: _Failure, subject: Subject) -> tuple[Outcome, str, Finding | None]:
    problem = failure.problem
    if isinstance(problem, WorkerGone):
        outcome = Outcome.TIMED_OUT if problem.timed_out else Outcome.CRASHED
        return outcome, str(problem), _finding(failure, str(problem), category=str(outcome))
    if isinstance(problem, Broken):
        finding = _finding(failure, problem.message, problem.expected, problem.got, category="wrong")
        return Outcome.FAILED, problem.message, finding
    line, function, text = _student_line(problem, subject.source)
    if _unfinished(problem):
        return Outcome.NOT_RUN, str(problem) or f"{function or law.exercise} is not started", None
    if isinstance(problem, StudentError) or line:
        message = str(problem) if isinstance(problem, NotLoaded) else f"{_names(problem)[0]}: {problem}"
        where = _where(line if subject.own_lines else 0, function, text)
        return Outcome.FAILED, message, _finding(failure, message, where=where, category="error")
    if isinstance(problem, Refused) or not _ours(problem):
        name = failure.call.split("(")[0] or law.exercise
        message = f"what {name} returned can't be used: {problem}"
        return Outcome.FAILED, message, _finding(failure, message, category="type")
    text = "".join(traceback.format_exception_only(problem)).strip()
    return Outcome.GRADER_ERROR, f"the grader broke, not your code: {text}", None


def _finding(
    failure: _Failure, message: str, expected: str = "", got: str = "", where: str = "", category: str = ""
) -> Finding:
    example = {name: show(value) for name, value in failure.example.items()}
    return Finding(message, example, failure.call, expected, got, where, category)


def _student_line(problem: Exception, source: str) -> tuple[int, str, str]:
    """Return the number, the function and the text of the student's line that raised, or nothing."""
    if isinstance(problem, StudentError):
        lines = source.splitlines()
        text = lines[problem.line - 1].strip() if 0 < problem.line <= len(lines) else ""
        return problem.line, problem.function, text
    found = (0, "", "")
    for frame in traceback.extract_tb(problem.__traceback__):
        if "squeeze" in Path(frame.filename).parts or "ipykernel_" in frame.filename:
            found = (frame.lineno or 0, frame.name, frame.line or "")
    return found


def _where(line: int, function: str, text: str) -> str:
    place = ", ".join(
        part for part in (f"line {line}" if line else "", f"in {function}" if function else "") if part
    )
    return f"{place}: {text}" if text else place


def _ours(problem: Exception) -> bool:
    """Tell whether the engine raised it, rather than a law that was handed something it can't use."""
    frames = traceback.extract_tb(problem.__traceback__)
    last = [frame.filename for frame in frames][-1] if frames else ""
    return isinstance(problem, ShortestError) or last.startswith(PACKAGE)


def load_module(source: str, name: str) -> ModuleType:
    """Execute a module's source under a name of its own: for trusted source only, the reference and its bugs."""
    module = ModuleType(f"squeeze.{name}")
    module.__file__ = f"<squeeze/{name}.py>"
    exec(compile(source, f"squeeze/{name}.py", "exec"), module.__dict__)  # noqa: S102
    return module

"""One submission before the laws: every expected law gets a verdict, whatever the code does.

The laws, their inputs and the comparisons are here; the student's code is wherever the subject keeps it.
"""

from __future__ import annotations

import copy
import hashlib
import itertools
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from hypothesis.errors import UnsatisfiedAssumption

from autograder import awake, lawbook
from autograder.expect import Broken
from autograder.model import Finding, Law, Limits, Outcome, ShortestError, Verdict
from autograder.proxy import Missing, Refused, SandboxLost, StudentError, WorkerGone, call_text
from autograder.remote import NotLoaded
from autograder.show import LIMIT, show

ANSWERED = ("wrong", "error", "type")  # the code ran to an end
PACKAGE = str(Path(__file__).parent)
CONTRACT = str(Path(__file__).with_name("contract.py"))  # what stands there is part of laws
SHRINK_SECONDS = 1.0
ANSWER_SECONDS = 1.0
LONGEST: ContextVar[int | None] = ContextVar("LONGEST", default=LIMIT)  # characters of an input in a finding


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

    def begin(self, seconds: float) -> None:  # noqa: ARG002 - nothing here can be timed
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
            raise Missing(f"{name} is not defined") from None
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
    until = awake.now() + limits.total_seconds
    for law in laws:
        reason = (problems or {}).get(law.exercise) or late.get(law.exercise)
        if awake.now() > until:
            reason = (
                f"the {limits.total_seconds:g} seconds for all laws together were used up by the laws before"
            )
        if reason:
            yield Verdict(law.name, Outcome.NOT_RUN, 0, law.points, because=reason)
            continue
        try:
            verdict = _judge_one(law, subject, limits, examples, secret)
        except SandboxLost:
            verdict = _judge_one(law, subject, limits, examples, secret, last=True)
        if verdict.outcome is Outcome.TIMED_OUT:
            late[law.exercise] = f"{law.exercise} took too long before, in {law.name!r}"
        yield verdict


def _judge_one(
    law: Law,
    subject: Subject,
    limits: Limits,
    examples: Callable[[Law], Sequence[Mapping[str, Any]]],
    secret: str,
    *,
    last: bool = False,
) -> Verdict:
    """Return the verdict on one law. Raises SandboxLost where nothing was judged, but the `last` time."""
    started = time.monotonic()
    try:
        drawn = examples(law)
        subject.begin(limits.law_seconds)
        fixed = {name: subject.fixture(name) for name in lawbook.fixtures(law)}
    except (StudentError, WorkerGone) as problem:
        failure: _Failure | None = _Failure(problem, {}, "")
    except Exception as problem:  # none of the student's code has run yet
        return Verdict(law.name, Outcome.GRADER_ERROR, 0, law.points, because=_our_fault(problem))
    else:
        failure = _replay(law, subject, fixed, drawn)
        if failure is not None:
            failure = _shrink(law, subject, fixed, secret, failure)
    if failure is not None and isinstance(failure.problem, SandboxLost) and not last:
        raise failure.problem
    seconds = time.monotonic() - started
    if failure is None:
        return Verdict(law.name, Outcome.PASSED, law.points, law.points, seconds=seconds)
    try:
        outcome, because, finding = _explain(law, failure, subject)
        if finding is not None and finding.category in ANSWERED:
            with suppress(Exception):  # the law is broken already, whatever becomes of this
                finding = replace(finding, answers=_answers(law, subject, fixed, drawn))
    except Exception as problem:
        outcome, because, finding = Outcome.GRADER_ERROR, _our_fault(problem), None
    return Verdict(law.name, outcome, 0, law.points, because, finding, seconds)


def _answers(law: Law, subject: Subject, fixed: Mapping[str, Any], drawn: Sequence[Mapping[str, Any]]) -> str:
    """Return a digest of what came of every input, by which one mistake is told from another."""
    if isinstance(subject, Direct):  # what can't be timed out is not run once more than it must be
        return ""
    body = law.function.hypothesis.inner_test if hasattr(law.function, "hypothesis") else law.function
    digest = hashlib.sha256()
    until = awake.now() + ANSWER_SECONDS
    subject.begin(ANSWER_SECONDS)
    for example in drawn:
        failure = _try(body, subject, fixed, example)
        found = _explain(law, _Failure(failure.problem, {}, ""), subject)[2] if failure else Finding("")
        if awake.now() > until or found is None or found.category not in (*ANSWERED, ""):
            return ""
        # How an exception is worded is the student's own.
        message = found.message.partition(":")[0] if found.category == "error" else found.message
        digest.update(repr((found.category, message, found.expected, found.got)).encode("utf-8", "replace"))
    return digest.hexdigest()[:16]


class _Failure(Exception):  # noqa: N818 - one type for all failures, so that the shrinker sees one bug
    """A law that broke on one example, and the last call made before it did."""

    def __init__(self, problem: BaseException, example: Mapping[str, Any], call: str) -> None:
        super().__init__()
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
    except (Exception, SystemExit) as problem:  # a notebook's exit() must not end the other laws
        return _Failure(problem, example, subject.last_call())
    return None


def _shrink(law: Law, subject: Subject, fixed: Mapping[str, Any], secret: str, first: _Failure) -> _Failure:
    """Look for a smaller example that breaks the law, for a while; a lost worker ends the search."""
    if not hasattr(law.function, "hypothesis") or not _shrinkable(first.problem):
        return first
    body = law.function.hypothesis.inner_test
    until = awake.now() + SHRINK_SECONDS
    smallest = [first]
    tried = itertools.count()

    def attempt(**arguments: Any) -> None:
        # Hypothesis tries the examples written by hand first, and where one of them fails it shrinks nothing.
        by_hand = next(tried) < len(getattr(law.function, "hypothesis_explicit_examples", ()))
        if awake.now() > until:
            raise _Enough
        example = {name: value for name, value in arguments.items() if name not in fixed}
        failure = _try(body, subject, fixed, example)
        if failure is None:
            return
        if not _shrinkable(failure.problem):
            raise _Enough
        if _size(failure) < _size(smallest[0]):
            smallest[0] = failure
        if not by_hand:
            raise failure

    with suppress(Exception, _Enough):  # the law is broken already, whatever becomes of the search
        lawbook.run_with(law, attempt, dict.fromkeys(fixed), secret)
    return smallest[0]


def _shrinkable(problem: BaseException) -> bool:
    # An unfinished function fails alike on every input; a lost worker or a full memory costs seconds each time.
    costly = isinstance(problem, WorkerGone | NotLoaded) or "MemoryError" in _names(problem)
    return not costly and not _unfinished(problem)


def _unfinished(problem: BaseException) -> bool:
    if isinstance(problem, NotLoaded):
        return False
    return "NotImplementedError" in _names(problem) or "Missing" in _names(problem)


def _names(problem: BaseException) -> list[str]:
    if isinstance(problem, StudentError):
        return problem.names
    return [base.__name__ for base in type(problem).__mro__]


def _size(failure: _Failure) -> tuple[int, str]:
    text = show(dict(failure.example))
    return len(text), text


def _explain(law: Law, failure: _Failure, subject: Subject) -> tuple[Outcome, str, Finding | None]:
    problem = failure.problem
    if isinstance(problem, SandboxLost):
        return Outcome.GRADER_ERROR, _our_fault(problem), None
    if isinstance(problem, WorkerGone):
        outcome = Outcome.TIMED_OUT if problem.timed_out else Outcome.CRASHED
        return outcome, str(problem), _finding(failure, str(problem), category=str(outcome))
    if isinstance(problem, Broken):
        finding = _finding(failure, problem.message, problem.expected, problem.got, category="wrong")
        return Outcome.FAILED, problem.message, finding
    line, function, text = _student_line(problem, subject.source)
    if _unfinished(problem):
        return Outcome.NOT_RUN, _said(problem) or f"{function or law.exercise} is not started", None
    where = _where(line if subject.own_lines else 0, function, text)
    if isinstance(problem, NotLoaded):
        return Outcome.FAILED, str(problem), _finding(failure, str(problem), where=where, category="load")
    if isinstance(problem, StudentError) or line:
        message = f"{_names(problem)[0]}: {_said(problem)}"
        return Outcome.FAILED, message, _finding(failure, message, where=where, category="error")
    if isinstance(problem, Refused) or not _ours(problem):
        name = failure.call.split("(")[0] or law.exercise
        message = f"what {name} returned can't be used: {_said(problem)}"
        return Outcome.FAILED, message, _finding(failure, message, category="type")
    return Outcome.GRADER_ERROR, _our_fault(problem), None


def _said(problem: BaseException) -> str:
    try:
        return str(problem)
    except Exception:  # a key of thousands of digits, or in a notebook a class of the student's
        return "(its message can't be shown)"


def _our_fault(problem: BaseException) -> str:
    return f"the grader broke, not your code: {''.join(traceback.format_exception_only(problem)).strip()}"


def _finding(
    failure: _Failure, message: str, expected: str = "", got: str = "", where: str = "", category: str = ""
) -> Finding:
    example = {name: show(value, LONGEST.get()) for name, value in failure.example.items()}
    return Finding(message, example, failure.call, expected, got, where, category)


def _student_line(problem: BaseException, source: str) -> tuple[int, str, str]:
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


def _ours(problem: BaseException) -> bool:
    """Tell whether the engine raised it, rather than a law that was handed something it can't use."""
    frames = traceback.extract_tb(problem.__traceback__)
    last = [frame.filename for frame in frames][-1] if frames else ""
    return isinstance(problem, ShortestError) or (last.startswith(PACKAGE) and last != CONTRACT)


def load_module(source: str, name: str) -> ModuleType:
    """Execute a module's source under a name of its own: for trusted source only, the reference and its bugs."""
    module = ModuleType(f"squeeze.{name}")
    module.__file__ = f"<squeeze/{name}.py>"
    exec(compile(source, f"squeeze/{name}.py", "exec"), module.__dict__)  # noqa: S102
    return module

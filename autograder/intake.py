"""A submitted file, read without trusting it: refused with a reason, or turned into a module's text.

Nothing is executed, no score is read, no output is looked at, and only the file of the declared name is taken.
"""

from __future__ import annotations

import ast
import hashlib
import io
import json
import re
import stat
import symtable
import tokenize
import warnings
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autograder import received, source
from autograder.model import Job, ShortestError, Submission
from autograder.show import show

MAX_BYTES = 32 << 20
SUFFIXES = (".ipynb", ".py", ".zip")
MANIFEST = "manifest.json"
CODING = re.compile(r"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")  # as PEP 263 has it
JUNK = {".git", ".ipynb_checkpoints", ".shortest", "__MACOSX", "__pycache__"}


@dataclass(frozen=True, slots=True)
class Found:
    """A file in the submissions folder, and whose it is by its place there."""

    student: str
    lesson: str
    path: Path
    received: str = ""  # in UTC, as ISO 8601; empty where it is unknown
    guessed: bool = False  # whether that is only when the file was last changed


def find(folder: Path, lessons: Sequence[str], zone: str = "UTC") -> tuple[list[Found], list[str]]:
    """Find the submissions in a folder, and say which files were passed over and why.

    A submission is `STUDENT/LESSON.ipynb` (or .py, .zip), `STUDENT/LESSON/LESSON.ipynb` as nbgrader collects
    it, or `STUDENT-LESSON.zip`. A student's name comes from the place of the file, never from inside it.
    When it was handed in is what `received.csv` in the folder says, else nbgrader's timestamp.txt, else when
    it was last changed; `zone` is the course's, in which a list's times are meant that name none.
    Raises ShortestError where the folder doesn't exist, or its `received.csv` is wrong.
    """
    if not folder.is_dir():
        raise ShortestError(f"there is no folder {folder}; give the folder that holds one folder a student")
    found: dict[tuple[str, str], Found] = {}
    notes: list[str] = []
    known = received.listed(folder, zone)
    for path in _files(folder, notes):
        if path.name == received.TIMESTAMP or path == folder / received.LIST:
            continue
        place = _place(path.relative_to(folder), lessons)
        if place is None:
            notes.append(f"{path}: passed over: its name is that of no lesson ({', '.join(lessons)})")
        elif place in found:
            notes.append(
                f"{path}: passed over: {found[place].path.name} of the same student and lesson is graded"
            )
        else:
            time = (known[place], False) if place in known else received.time_of(path, notes, zone)
            found[place] = Found(*place, path, *time)
    notes += received.unused(known, found, lessons)
    return sorted(found.values(), key=lambda f: (f.lesson, f.student)), notes


def load(found: Found) -> Job:
    """Take the bytes of a found file; where that fails, the job says why, and is judged as refused."""
    place = (found.student, found.lesson, found.path.name)
    try:
        return Job(*place, _read_file(found.path), found.received, guessed=found.guessed)
    except ShortestError as problem:
        return Job(*place, b"", found.received, str(problem), guessed=found.guessed)


def read(job: Job, module: str) -> Submission:
    """Turn a job's file into the text of a module; `module` is the lesson's own, with its markers.

    Raises ShortestError, naming the file, the place in it and what to do, where it can't be used.
    """
    if job.problem:
        raise ShortestError(job.problem)
    path = Path(job.name)
    name, content = job.name, job.data
    if path.suffix == ".zip":
        name, content = unpack(job)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a student's odd backslash is no news for whoever grades
        if not name.endswith(".ipynb"):
            text = decode_python(content, path)
            return Submission(job.student, job.lesson, job.sha256, text)
        text, cells, problems, notes = from_notebook(content, path, module, job.lesson)
    place = (job.student, job.lesson, job.sha256)
    return Submission(*place, text, problems, tuple(notes), own_lines=False, cells=cells)


def written(job: Job, exercises: Collection[str]) -> str:
    """Return what a student wrote, as mere text: a module as it is, of a notebook the cells of the exercises.

    That takes a tenth of the time that `read` takes, which parses it. Raises ShortestError as `read` does.
    """
    if job.problem:
        raise ShortestError(job.problem)
    path = Path(job.name)
    name, content = unpack(job) if path.suffix == ".zip" else (job.name, job.data)
    if not name.endswith(".ipynb"):
        return decode_python(content, path)
    wanted = {source.exercise_id(exercise) for exercise in exercises}
    return "\n\n".join(text for identity, text in _code_cells(content, path) if identity in wanted)


def without(submission: Submission, exercise: str, reason: str) -> Submission:
    """Return a notebook's submission with the cell of an exercise left blank, so that the others can be judged."""
    first, last = submission.cells[exercise]
    lines = submission.source.split("\n")
    lines[first - 1 : last] = [""] * (last - first + 1)  # the lines behind keep their numbers
    cells = {name: place for name, place in submission.cells.items() if name != exercise}
    problems = {**submission.problems, exercise: reason}
    return replace(submission, source="\n".join(lines), cells=cells, problems=problems)


def from_notebook(
    data: bytes, path: Path, module: str, lesson: str
) -> tuple[str, dict[str, tuple[int, int]], dict[str, str], list[str]]:
    """Put the exercise cells of a notebook into the lesson's module.

    Returns the text, the first and last line of each exercise in it, the exercises whose cell can't be used
    with the reason, and notes for the student.
    Raises ShortestError where it isn't a notebook, or none of its cells is an exercise of the lesson.
    """
    cells = _code_cells(data, path)
    names = [segment.exercise for segment in source.segments(module, lesson) if segment.exercise]
    texts: dict[str, str] = {}
    problems: dict[str, str] = {}
    for name in names:
        matching = [text for identity, text in cells if identity == source.exercise_id(name)]
        if len(matching) == 1:
            texts[name] = matching[0]
        else:
            problems[name] = _cell_count(path, name, len(matching))
    if not texts:
        raise ShortestError(
            f"{path}: it has no exercise cell of lesson {lesson!r}; is it another lesson's notebook?"
        )
    for name, text in texts.items():
        reason = _compile_problem(text)
        if reason:
            problems[name] = f"{path.name}: the cell of {name}: {reason}"
    good = {name: text for name, text in texts.items() if name not in problems}
    return *_assemble(module, lesson, good), problems, _helpers_elsewhere(cells, good)


def decode_python(data: bytes, path: Path) -> str:
    """Decode a Python file as Python would, by its declared encoding.

    Raises ShortestError where that fails, or where it holds a NUL.
    """
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding)
    except (SyntaxError, ValueError, LookupError) as problem:
        raise ShortestError(f"{path}: it is not Python text ({problem}); save it as UTF-8") from None
    if "\0" in text:
        raise ShortestError(
            f"{path}: it holds a NUL at character {text.index(chr(0))}; it is not a Python file"
        )
    return _as_utf8(io.StringIO(text, newline=None).read())


def _as_utf8(text: str) -> str:
    """Let the text's own declaration of an encoding say UTF-8, as which it will be written."""
    lines = text.split("\n")
    for number, line in enumerate(lines[:2]):
        match = CODING.match(line)
        if match:
            lines[number] = line[: match.start(1)] + "utf-8" + line[match.end(1) :]
    text = "\n".join(lines)
    return text if text.endswith("\n") else text + "\n"


def _files(folder: Path, notes: list[str]) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if JUNK.intersection(parts) or (path.is_dir() and not path.is_symlink()):
            continue
        if any(part.startswith((".", "__")) for part in parts):
            if path.suffix in SUFFIXES and not path.name.startswith("._"):  # what macOS leaves beside a file
                notes.append(f"{path}: passed over: a name that starts with . or __ is hidden")
        elif path.is_symlink() or not stat.S_ISREG(path.lstat().st_mode):
            notes.append(f"{path}: passed over: it is a link or a special file, not a regular one")
        else:
            yield path


def _place(relative: Path, lessons: Sequence[str]) -> tuple[str, str] | None:
    """Return the student and the lesson that a file's place tells, or nothing."""
    *folders, _ = relative.parts
    if relative.suffix not in SUFFIXES or len(folders) > 2:
        return None
    if not folders:
        owner, lesson = _named(relative.stem, lessons)
        return (_student(owner), lesson) if owner else None
    lesson = folders[1] if len(folders) == 2 else relative.stem
    if relative.suffix == ".zip" and relative.stem not in lessons:  # such as ada/ada-huffman.zip
        named = _named(relative.stem, lessons)[1]
        lesson = named if len(folders) == 1 or lesson == named else ""
    elif relative.stem != lesson:
        return None
    return (_student(folders[0]), lesson) if lesson in lessons else None


def _named(stem: str, lessons: Sequence[str]) -> tuple[str, str]:
    """Cut `STUDENT-LESSON` at the longest lesson's name that it ends in; two empty texts where there is none."""
    endings = [name for name in lessons if stem.endswith(("-" + name, "_" + name))]
    lesson = max(endings, key=len, default="")
    return (stem[: -len(lesson) - 1], lesson) if lesson else ("", "")


def _student(name: str) -> str:
    # A folder's name that is no UTF-8 reaches us with lone surrogates, which no file or database takes.
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def _read_file(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size <= MAX_BYTES:
            return path.read_bytes()
    except OSError as problem:
        raise ShortestError(f"{path.name}: it can't be read: {problem.strerror}") from None
    raise ShortestError(
        f"{path.name}: it is {size >> 20} MB, and the limit is {MAX_BYTES >> 20} MB; "
        "clear all outputs of the notebook, save it and submit again"
    )


def unpack(job: Job) -> tuple[str, bytes]:
    """Return the name and the bytes of the file in an archive that `shortest submit` wrote.

    Raises ShortestError where it holds anything else, or was changed since.
    """
    path = Path(job.name)
    try:
        archive = zipfile.ZipFile(io.BytesIO(job.data))
        manifest = json.loads(_member(path, archive, MANIFEST))
        name, digest, lesson = manifest["file"], manifest["sha256"], manifest["lesson"]
    except ShortestError:
        raise
    except Exception as problem:  # a crafted archive breaks zipfile in many ways
        detail = f"{type(problem).__name__}: {problem}"
        raise ShortestError(
            f"{path}: it is no archive that `shortest submit` wrote ({detail}); submit again"
        ) from None
    if lesson != job.lesson or name not in (f"{lesson}.ipynb", f"{lesson}.py"):
        raise ShortestError(
            f"{path}: it holds {show(name, 80)} of lesson {show(lesson, 80)}, "
            f"not lesson {job.lesson!r}; submit again"
        )
    _check_members(path, archive, name)
    content = _member(path, archive, name)
    if hashlib.sha256(content).hexdigest() != digest:
        raise ShortestError(f"{path}: {name} is not the file whose hash the manifest holds; submit again")
    return name, content


def _check_members(path: Path, archive: zipfile.ZipFile, name: str) -> None:
    """Refuse an archive that holds anything but its two files, once each: it was made or changed by hand."""
    members = archive.infolist()
    strange = [info.filename for info in members if info.filename not in (MANIFEST, name)]
    strange += [info.filename for info in members if stat.S_ISLNK(info.external_attr >> 16)]
    if strange or len(members) != 2:
        what = show(strange[0], 80) if strange else "one of them twice"
        raise ShortestError(
            f"{path}: it should hold {MANIFEST} and {name}, and holds {what}; hand in what `shortest submit` wrote"
        )


def _member(path: Path, archive: zipfile.ZipFile, name: str) -> bytes:
    """Read one member by its exact name, stopping at the limit where it claims a smaller size than it has."""
    try:
        with archive.open(name) as stream:
            honest = archive.getinfo(name).file_size <= MAX_BYTES
            content = stream.read(MAX_BYTES + 1) if honest else b""
    except KeyError:
        raise ShortestError(
            f"{path}: the archive holds no {name!r}; make it with `shortest submit`"
        ) from None
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError, ValueError) as problem:
        raise ShortestError(
            f"{path}: {name!r} in the archive can't be read ({problem}); submit again"
        ) from None
    except Exception as problem:  # zlib.error and whatever else a crafted stream brings
        raise ShortestError(f"{path}: {name!r} in the archive is damaged ({problem}); submit again") from None
    if not honest or len(content) > MAX_BYTES:
        raise ShortestError(
            f"{path}: {name!r} unpacks to more than {MAX_BYTES >> 20} MB; clear all outputs and submit again"
        )
    return content


def _code_cells(data: bytes, path: Path) -> list[tuple[str, str]]:
    """Return the id and the text of each code cell; nbgrader's own id comes first, for it survives every editor."""
    try:
        notebook = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as problem:
        raise ShortestError(
            f"{path}: byte {problem.start} is not UTF-8; save the notebook again from Jupyter"
        ) from None
    except (ValueError, RecursionError) as problem:
        raise ShortestError(f"{path}: it is not a notebook ({problem}); save it again from Jupyter") from None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise ShortestError(
            f"{path}: it is not a notebook of format 4: it has no list of cells; save it again from Jupyter"
        )
    return [_cell(cell) for cell in cells if isinstance(cell, dict) and cell.get("cell_type") == "code"]


def _cell(cell: Mapping[str, Any]) -> tuple[str, str]:
    text = cell.get("source", "")
    if isinstance(text, list):
        text = "".join(part for part in text if isinstance(part, str))
    metadata = cell.get("metadata")
    graded = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    identity = graded.get("grade_id") if isinstance(graded, dict) else None
    identity = identity if isinstance(identity, str) else cell.get("id", "")
    return str(identity), text if isinstance(text, str) else ""


def _cell_count(path: Path, name: str, count: int) -> str:
    if count:
        return f"{path.name}: {count} cells are marked as the exercise {name}; keep one of them"
    return f"{path.name}: the cell of {name} is gone; take it from a fresh notebook"


def _compile_problem(text: str) -> str:
    try:
        # First as a tree, which is what notes are taken from: it may be too deep where code is not.
        compile(ast.parse(text), "<cell>", "exec", dont_inherit=True)
    except SyntaxError as problem:
        for number, line in enumerate(text.splitlines(), 1):
            if re.match(r"\s*[%!]", line):
                command = line.strip()[:60]
                return (
                    f"line {number}: {command!r} is a command of IPython, not Python; move it to another cell"
                )
        line = (problem.text or "").strip()[:80]
        return f"line {problem.lineno}: {problem.msg}{f': {line}' if line else ''}"
    except (ValueError, RecursionError, MemoryError, OverflowError) as problem:
        return f"it does not parse: {problem}"
    return ""


def _assemble(module: str, lesson: str, texts: Mapping[str, str]) -> tuple[str, dict[str, tuple[int, int]]]:
    text = ""
    cells: dict[str, tuple[int, int]] = {}
    for segment in source.segments(module, lesson):
        if not segment.exercise:
            text += segment.text
            continue
        first = text.count("\n") + 1
        text += texts.get(segment.exercise, "") + "\n\n\n"
        if segment.exercise in texts:
            cells[segment.exercise] = first, text.count("\n")
    return text, cells


def _helpers_elsewhere(cells: Sequence[tuple[str, str]], good: Mapping[str, str]) -> list[str]:
    """Tell a student whose exercise uses a name that only another cell defines: that cell isn't graded."""
    taken = {source.exercise_id(name) for name in good}
    used = {name: _names(text) for name, text in good.items()}
    inside: set[str] = set().union(*(source.defined_names(text) for text in good.values())) if good else set()
    notes = []
    for identity, text in cells:
        if identity in taken or identity.startswith(("given-", "setup")) or _compile_problem(text):
            continue
        for helper in sorted(_functions(text) - inside):
            users = [name for name, names in used.items() if helper in names]
            if users:
                where = f"move it into the cell of {users[0]}, for only those are graded"
                notes.append(f"{helper} is defined outside the exercise cells; {where}")
    return notes


def _names(text: str) -> set[str]:
    """Return the names that some part of the code looks up outside of all functions."""
    found: set[str] = set()
    scopes = [symtable.symtable(text, "<cell>", "exec")]
    for scope in scopes:
        scopes += scope.get_children()
        outermost = scope.get_type() == "module"
        found |= {
            s.get_name() for s in scope.get_symbols() if s.is_referenced() and (outermost or s.is_global())
        }
    return found


def _functions(text: str) -> set[str]:
    tree = ast.parse(text)
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}

"""A submission runs beside what its lesson needs, and beside nothing else."""

from __future__ import annotations

import pytest

from autograder.model import Limits
from autograder.proxy import Session, StudentError
from autograder.sandbox import Unsandboxed
from autograder.workspace import assemble, with_reference


def test_the_package_holds_just_the_modules_given(tmp_path):
    modules = with_reference("student text é\n", "huffman", {"entropy": "reference text\r\n"})
    folder = assemble(tmp_path / "new" / "folder", modules)
    files = {path.name: path.read_bytes() for path in (folder / "squeeze").iterdir()}
    assert files == {
        "__init__.py": b"",
        "huffman.py": "student text é\n".encode(),
        "entropy.py": b"reference text\r\n",
    }


def test_the_students_module_wins_over_a_reference_of_its_name():
    assert with_reference("mine", "entropy", {"entropy": "ours"}) == {"entropy": "mine"}


def test_a_text_that_is_no_unicode_is_the_students_error(tmp_path):
    assemble(tmp_path, {"student": "x = '\ud800'\n"})
    with pytest.raises(StudentError) as caught:
        Session(Unsandboxed(), tmp_path, "student", Limits())
    assert caught.value.names[0] == "SyntaxError"


def test_imports_of_earlier_lessons_reach_the_reference_and_no_others(worker):
    source = "from squeeze.needed import f\nfrom .needed import f as g\n"
    source += "def h(): return f() + g()\ndef other(): import squeeze.other\n"
    with worker(Unsandboxed(), source, Limits(), needed="def f(): return 4\n") as session:
        assert session.module.h() == 8
        with pytest.raises(StudentError, match=r"squeeze\.other"):
            session.module.other()

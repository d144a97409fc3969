"""Copies are flagged whatever was done to hide them, independent work is not, and no text makes it slow."""

from __future__ import annotations

import ast
import random
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder import bugs, similar, source
from autograder.course import Course

COURSE = Course(Path(__file__).resolve().parents[2])
GIVEN = '''
def heapify(items):
    """Given to everyone: put the smallest first."""
    for i in range(len(items) // 2 - 1, -1, -1):
        sink(items, i)


def sink(items, i):
    """Given to everyone: let an item sink to its place."""
    while 2 * i + 1 < len(items):
        child = 2 * i + 1
        if child + 1 < len(items) and items[child + 1] < items[child]:
            child += 1
        if items[i] <= items[child]:
            return
        items[i], items[child] = items[child], items[i]
        i = child
'''
# One lesson, solved by three hands that never saw each other's work.
FIRST = """
def code_lengths(counts):
    if len(counts) == 1:
        return dict.fromkeys(counts, 1)
    lengths = dict.fromkeys(counts, 0)
    trees = [(count, age, [symbol]) for age, (symbol, count) in enumerate(sorted(counts.items()))]
    heapify(trees)
    for age in range(len(trees), 2 * len(trees) - 1):
        light, _, left = heappop(trees)
        heavy, _, right = heappop(trees)
        for symbol in left + right:
            lengths[symbol] += 1
        heappush(trees, (light + heavy, age, left + right))
    return lengths


def canonical_codes(lengths):
    codes = {}
    value = previous = 0
    for symbol, length in sorted(lengths.items(), key=lambda item: (item[1], item[0])):
        if length < 1:
            raise ValueError(f"symbol {symbol!r} has a code of {length!r} bits; the shortest has 1")
        value <<= length - previous
        if value >> length:
            raise ValueError(f"no code of {length} bits is left for symbol {symbol!r}; others took them")
        codes[symbol] = value, length
        value, previous = value + 1, length
    return codes


def encode(data, codes):
    words = {symbol: f"{value:0{length}b}" for symbol, (value, length) in codes.items()}
    try:
        bits = "".join([words[symbol] for symbol in data])
    except KeyError as missing:
        raise ValueError(f"byte {missing} has no code") from None
    bits += "0" * (-len(bits) % 8)
    return int("0" + bits, 2).to_bytes(len(bits) // 8, "big")
"""
SECOND = """
def code_lengths(counts):
    if not counts:
        return {}
    heap = []
    serial = 0
    for sym in counts:
        heap.append((counts[sym], serial, sym, None, None))
        serial += 1
    heapify(heap)
    if len(heap) == 1:
        return {heap[0][2]: 1}
    while len(heap) > 1:
        a = heappop(heap)
        b = heappop(heap)
        heappush(heap, (a[0] + b[0], serial, None, a, b))
        serial += 1
    result = {}

    def walk(node, depth):
        if node[3] is None:
            result[node[2]] = depth
        else:
            walk(node[3], depth + 1)
            walk(node[4], depth + 1)

    walk(heap[0], 0)
    return result


def canonical_codes(lengths):
    longest = max(lengths.values(), default=0)
    how_many = [0] * (longest + 1)
    for n in lengths.values():
        how_many[n] += 1
    next_code = [0] * (longest + 2)
    code = 0
    for bits in range(1, longest + 1):
        code = (code + (how_many[bits - 1] if bits > 1 else 0)) << 1
        next_code[bits] = code
    out = {}
    for n in range(1, longest + 1):
        for s in sorted(lengths):
            if lengths[s] == n:
                out[s] = (next_code[n], n)
                next_code[n] += 1
    return out


def encode(data, codes):
    acc = 0
    nbits = 0
    result = bytearray()
    for byte in data:
        v, n = codes[byte]
        acc = (acc << n) | v
        nbits += n
        while nbits >= 8:
            nbits -= 8
            result.append((acc >> nbits) & 0xFF)
            acc &= (1 << nbits) - 1
    if nbits > 0:
        result.append((acc << (8 - nbits)) & 0xFF)
    return bytes(result)
"""
THIRD = """
def code_lengths(counts):
    forest = sorted((c, [s]) for s, c in counts.items())
    depth = {s: 0 for s in counts}
    if len(forest) == 1:
        return {s: 1 for s in counts}
    while len(forest) > 1:
        (c1, g1), (c2, g2), *forest = forest
        for s in g1:
            depth[s] += 1
        for s in g2:
            depth[s] += 1
        new = (c1 + c2, g1 + g2)
        where = 0
        while where < len(forest) and forest[where][0] < new[0]:
            where += 1
        forest.insert(where, new)
    return depth


def canonical_codes(lengths):
    if lengths and min(lengths.values()) < 1:
        raise ValueError("lengths start at 1")
    order = sorted(lengths, key=lambda s: (lengths[s], s))
    out = {}
    code, last = -1, 0
    for s in order:
        length = lengths[s]
        code = (code + 1) << (length - last)
        last = length
        if code >= 2**length:
            raise ValueError(f"symbol {s} finds no room")
        out[s] = code, length
    return out


def encode(data, codes):
    missing = set(data) - set(codes)
    if missing:
        raise ValueError(f"no code for {sorted(missing)}")
    text = "".join(format(codes[b][0], "b").zfill(codes[b][1]) for b in data)
    while len(text) % 8:
        text += "0"
    return bytes(int(text[i : i + 8], 2) for i in range(0, len(text), 8))
"""
HANDS = {"first": GIVEN + FIRST, "second": GIVEN + SECOND, "third": GIVEN + THIRD}


class Renamed(ast.NodeTransformer):
    """Another name for each parameter and each variable, and no annotations."""

    def __init__(self, tree: ast.AST) -> None:
        stored = [n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
        taken = [n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)]
        self.names = {name: f"other_{i}" for i, name in enumerate(dict.fromkeys(stored + taken))}

    def visit_Name(self, node):
        node.id = self.names.get(node.id, node.id)
        return node

    def visit_arg(self, node):
        return ast.arg(self.names[node.arg])


def renamed(text):
    tree = ast.parse(text)
    return ast.unparse(Renamed(tree).visit(tree))


def reordered(text):
    tree = ast.parse(text)
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    others = [node for node in tree.body if node not in functions]
    return ast.unparse(ast.Module(others + functions[::-1], []))


def commented(text):
    return re.sub(r"\n( +)(?=\w)", r"\n\n\1# what comes next is all my own work\n\1", text)


DISGUISES = {
    "untouched": lambda text: text,
    "names": renamed,
    "order": reordered,
    "comments": commented,
    "all": lambda text: commented(reordered(renamed(text))),
}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_copy_is_found_however_it_is_disguised(disguise):
    (pair,) = similar.pairs(HANDS | {"copy": DISGUISES[disguise](HANDS["first"])}, GIVEN)
    assert {pair.first, pair.second} == {"first", "copy"}
    assert pair.share > 0.6
    assert set(pair.where) == {"code_lengths", "canonical_codes", "encode"}


def test_independent_work_is_far_from_being_flagged():
    found = similar.pairs(HANDS, GIVEN, alike=0.0)
    assert len(found) == 3
    assert max(pair.share for pair in found) < 0.2
    assert similar.pairs(HANDS, GIVEN) == []


def test_what_everybody_was_given_does_not_count():
    assert similar.pairs(HANDS, "", alike=0.25) != []
    assert similar.pairs(HANDS, GIVEN, alike=0.25) == []
    unchanged = {"a": HANDS["first"], "b": HANDS["first"]}
    assert len(similar.pairs(unchanged, "")) == 1
    assert similar.pairs(unchanged, HANDS["first"]) == []


@pytest.mark.parametrize("lesson", COURSE.lessons)
def test_whatever_comes_of_the_reference_is_close_to_it_and_to_nothing_else(lesson):
    reference = COURSE.source(lesson)
    planted = {bug.name: bug.source for bug in bugs.load(COURSE, lesson)[:8]}
    texts = {"reference": reference, "disguised": commented(reordered(renamed(reference))), **planted}
    found = similar.pairs(texts | HANDS, source.stub(reference, lesson), alike=0.0)
    flagged = {(pair.first, pair.second) for pair in found if pair.share >= similar.ALIKE}
    assert {first for first, _ in flagged} | {second for _, second in flagged} == set(texts)
    assert len(flagged) == len(texts) * (len(texts) - 1) // 2
    if lesson != "huffman":  # of which the first hand is a part
        assert max(pair.share for pair in found if (pair.first in HANDS) != (pair.second in HANDS)) < 0.2


def test_the_share_is_that_of_the_smaller_text_and_the_order_is_fixed():
    part = GIVEN + FIRST.partition("def encode")[0]
    texts = {"whole": GIVEN + FIRST + SECOND, "part": part, "other": HANDS["second"]}
    found = similar.pairs(texts, GIVEN)
    assert [(pair.first, pair.second) for pair in found] == [("whole", "part"), ("whole", "other")]
    assert all(pair.share > 0.9 for pair in found)
    again = similar.pairs(dict(reversed(texts.items())), GIVEN)
    assert [(pair.share, {pair.first, pair.second}) for pair in again] == [
        (pair.share, {pair.first, pair.second}) for pair in found
    ]


def test_short_texts_are_alike_by_chance_and_not_flagged():
    short = "\n".join(FIRST.splitlines()[:6])
    assert similar.pairs({"a": short, "b": short}, GIVEN) == []


def written(seed, lines=60):
    """Return a program that nobody else writes."""
    chance = random.Random(seed)
    parts = ["a", "b", "x[i]", "len(x)", "f(a, b)", "(a + b) * c", "[i for i in x]", "3", "not a", "{a: b}"]
    forms = [
        "x = {} {} {}",
        "if {} {} {}: return a",
        "x += {} {} {}",
        "while {} {} {}: a = b",
        "return {} {} {}",
    ]
    body = [
        chance.choice(forms).format(chance.choice(parts), chance.choice("+-*/%|&"), chance.choice(parts))
        for _ in range(lines)
    ]
    return "def work(a, b):\n    " + "\n    ".join(body) + "\n"


def test_what_a_third_of_the_class_wrote_is_common_knowledge_and_a_ring_of_ten_is_not():
    honest = {f"s{i}": written(i) for i in range(60)}
    ring = {f"ring{i}": written("ring") for i in range(10)}
    assert len(similar.pairs(honest | ring, "")) == 45
    shown = {f"shown{i}": written("shown in the lecture") for i in range(40)}
    found = similar.pairs(honest | ring | shown, "")
    assert {pair.first[:4] for pair in found} == {"ring"}
    assert len(similar.pairs(ring, "")) == 45  # a whole class of ten


def test_a_thousand_submissions_take_seconds():
    texts = {f"s{i}": GIVEN + written(i // 5, 300) + written(i + 1000, 10) for i in range(1000)}
    started = time.process_time()
    assert len(similar.pairs(texts, GIVEN)) == 200 * 10
    assert time.process_time() - started < 30  # about 5 on one core


HOSTILE = {
    "parentheses": "(" * 10**6,
    "quotes": '"' * 10**6,
    "apostrophes": "'''" * 10**6,
    "an open string": '"""' + "x" * 10**6,
    "almost closed strings": '"""a"" ' * 10**6,
    "backslashes": "\\" * 10**6,
    "escaped quotes": '"\\' * 10**6,
    "prefixes": "rb" * 10**6,
    "one line": "a=1;" * 10**6,
    "many lines": "\n" * 10**6,
    "zero bytes": "\0" * 10**6,
    "half characters": "\ud800\u202e" * 10**6,
    "digits": "1" * 10**6,
    "digits of other scripts": "٣" * 10**6,
    "indentation": "".join(" " * i + "if x:\n" for i in range(2000)),
    "nothing": "",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_makes_it_hang_or_fail(text):
    started = time.process_time()
    assert similar.pairs({"a": text, "b": text, "c": HANDS["first"]}, GIVEN) in (
        [],
        [similar.Pair("a", "b", 1.0)],
    )
    assert time.process_time() - started < 2


@settings(max_examples=50, deadline=None)
@given(texts=st.lists(st.text(max_size=200), max_size=4), common=st.text(max_size=200))
def test_any_text_is_taken(texts, common):
    for pair in similar.pairs({str(i): text for i, text in enumerate(texts)}, common, alike=0.0):
        assert 0 <= pair.share <= 1


def test_text_after_a_syntax_error_still_counts():
    broken = HANDS["first"].replace("lengths = dict", 'lengths = = "oops', 1)
    (pair,) = similar.pairs(HANDS | {"broken": broken}, GIVEN)
    assert {pair.first, pair.second} == {"first", "broken"}


def test_every_process_finds_the_same_fingerprints():
    code = f"from autograder import similar; print(sorted(similar._fingerprints({FIRST!r}, set())))"
    here = str(sorted(similar._fingerprints(FIRST, set())))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == here

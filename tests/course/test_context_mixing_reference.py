"""The context mixing reference against exact sums, the standard library's compressors."""

import bz2
import gzip
import itertools
import lzma
import random
import zlib
from fractions import Fraction
from math import comb, exp, lgamma, log, log2, pi, prod

import pytest

from autograder.corpus import corpus
from squeeze import context_mixing as mixing


@pytest.fixture(scope="module")
def text():
    return corpus()[:30_000]


def exact(pair):
    return Fraction(*pair)


@pytest.mark.parametrize(("zeros", "ones"), list(itertools.product([0, 1, 2, 7, 40, 333], repeat=2)))
def test_blocks_are_those_of_the_gamma_function(zeros, ones):
    """KT is the average of all coins under the arcsine law: B(zeros + 1/2, ones + 1/2) / π."""
    ln = lgamma(zeros + 0.5) + lgamma(ones + 0.5) - lgamma(zeros + ones + 1) - log(pi)
    numerator, denominator = mixing.kt_block(zeros, ones)
    assert log(numerator) - log(denominator) == pytest.approx(ln, abs=1e-9)
    chances = [mixing.kt(i, 0) for i in range(zeros)], [mixing.kt(zeros, i) for i in range(ones)]
    walked = sum(log(1 - chance) for chance in chances[0]) + sum(map(log, chances[1]))
    assert walked == pytest.approx(ln, abs=1e-9)


def test_kt_is_never_a_bit_and_half_a_log_worse_than_the_best_coin():
    for size in (1, 2, 10, 500):
        for ones in range(size + 1):
            paid = -log2(exact(mixing.kt_block(size - ones, ones)))
            best = -sum(n * log2(n / size) for n in (ones, size - ones) if n)
            assert paid <= best + log2(size) / 2 + 1 + 1e-9


def trees(depth):
    """Yield every tree of contexts of at most that depth as (contexts of its leaves, its weight)."""
    if depth == 0:
        yield [""], Fraction(1)
        return
    yield [""], Fraction(1, 2)
    for (old, a), (new, b) in itertools.product(list(trees(depth - 1)), repeat=2):
        yield [leaf + "0" for leaf in old] + [leaf + "1" for leaf in new], a * b / 2


@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_weights_of_all_trees_are_one_and_their_sum_is_ours(depth):
    models = list(trees(depth))
    assert len(models) == [1, 2, 5, 26][depth]
    assert sum(weight for _, weight in models) == 1
    dice = random.Random(depth)
    for size in (1, 6, 25):
        bits = "".join(dice.choice("0001") for _ in range(size))
        padded, total = "0" * depth + bits, Fraction(0)
        for leaves, weight in models:
            for leaf in leaves:
                after = [padded[i] for i in range(depth, len(padded)) if padded[:i].endswith(leaf)]
                weight *= Fraction(
                    comb(2 * after.count("0"), after.count("0"))
                    * comb(2 * after.count("1"), after.count("1")),
                    4 ** len(after) * comb(len(after), after.count("0")),
                )
            total += weight
        assert exact(mixing.ctw(bits, depth)) == total
        assert prod(mixing.tree_chances(list(map(int, bits)), depth)) == pytest.approx(
            float(total), rel=1e-12
        )


def test_tree_finds_the_source_and_pays_for_it_once():
    dice, bits = random.Random(1995), [0, 0]
    while len(bits) < 3002:
        bits.append(int(dice.random() < (0.9 if bits[-1] else 0.5 if bits[-2] else 0.1)))
    chances = {(1, None): 0.9, (0, 1): 0.5, (0, 0): 0.1}
    ideal = 0.0
    for i in range(2, len(bits)):
        one = chances[bits[i - 1], None if bits[i - 1] else bits[i - 2]]
        ideal -= log2(one if bits[i] else 1 - one)
    for depth in (2, 5, 9):
        paid = -sum(map(log2, mixing.tree_chances(bits[2:], depth)))
        # Willems, Shtarkov and Tjalkens, theorem 2: three leaves to learn, and five coins to tell the tree.
        assert ideal - 30 < paid <= ideal + 3 * (log2(3000 / 3) / 2 + 1) + 5


def test_tables_are_the_logistic_function():
    for chance in range(2048, mixing.ONE, 4096):
        p = chance / mixing.ONE
        assert mixing.stretch(chance) == pytest.approx(log(p / (1 - p)), abs=0.13)
    for x in range(-1150, 1151):
        assert mixing.squash(x / 100) / mixing.ONE == pytest.approx(1 / (1 + exp(-x / 100)), abs=0.002)
    assert sorted(mixing.SQUASH) == mixing.SQUASH
    assert sorted(mixing.STRETCH) == mixing.STRETCH
    assert all(0 < chance < mixing.ONE for chance in mixing.SQUASH)
    assert [-x for x in reversed(mixing.STRETCH)] == mixing.STRETCH


def test_tables_are_far_from_being_rounded_otherwise():
    """A logarithm that is off by its last digits gives the same tables: no entry is near the middle of two."""
    for i in range(4096):
        raw = 256 * log((i + 0.5) / (4095.5 - i))
        assert abs(abs(raw - round(raw)) - 0.5) > 1e-9
    for i in range(mixing.STEPS):
        raw = mixing.ONE / (1 + exp((mixing.STEPS / 2 - 0.5 - i) / 128))
        assert abs(abs(raw - round(raw)) - 0.5) > 1e-9


@pytest.mark.parametrize("data", [b"", b"a", b"123456789", bytes(range(256)) * 5], ids=len)
def test_checksum_is_that_of_zlib(data):
    assert mixing.checksum(data) == zlib.crc32(data).to_bytes(4, "big")


def inputs():
    dice = random.Random(7)
    yield "one value", b"\xff" * 500
    yield "two values", bytes(dice.choices(b"\x00\xff", [1, 30], k=900))
    yield "noise", dice.randbytes(1200)
    yield "all values", bytes(range(256)) * 3
    yield "a long match", b"the same words come again, " * 30
    yield "words", b"It's a Test; it's THE test. " * 10 + b"caf\xc3\xa9 na\xc3\xafve " * 9


@pytest.mark.parametrize("data", [data for _, data in inputs()], ids=[name for name, _ in inputs()])
def test_plain_and_fast_model_are_one(data):
    plain = mixing.plain_chances(data)
    assert plain == mixing.fast_chances(data)
    assert all(mixing.LEAST <= one <= mixing.MOST for one in plain)
    assert mixing.decompress(mixing.compress(data)) == data


def test_plain_and_fast_model_are_one_on_text(text):
    assert mixing.plain_chances(text[:8000]) == mixing.fast_chances(text[:8000])


@pytest.mark.parametrize("kind", ["Counters", "Histories"])
def test_numbers_stay_chances(kind):
    for bits in ([0] * 3000, [1] * 3000, [0, 1] * 1500, [1] * 1000 + [0] * 2000):
        chances = mixing.part_chances(kind, [3] * 3000, bits)
        assert all(0 < chance < mixing.ONE for chance in chances)


def test_decisions_are_a_code_in_order_and_nearly_as_short_as_the_best(text):
    classes = mixing.classes_of(text)
    words = mixing.decisions(mixing.weights_of(classes))
    assert list(map(words.get, sorted(words))) == sorted(words.values())
    assert sum(Fraction(1, 2 ** len(word)) for word in words.values()) == 1
    entropy = -sum(n / len(text) * log2(n / len(text)) for n in map(text.count, words))
    assert sum(len(words[byte]) for byte in text) / len(text) < entropy + 1
    assert mixing.read_classes(mixing.write_classes(classes) + b"tail") == (
        classes,
        len(mixing.write_classes(classes)),
    )


def test_file_is_smaller_than_those_of_the_standard_library(text):
    blob = mixing.compress(text)
    assert mixing.decompress(blob) == text
    theirs = {bz2.compress(text, 9), gzip.compress(text, 9), lzma.compress(text, preset=9)}
    assert len(blob) < 0.88 * min(map(len, theirs))


def test_no_turned_bit_gives_other_data_and_every_cut_is_refused():
    """A class that is one off may lead to the same decisions; that bit meant nothing."""
    data, harmless = b"she sells sea shells on the sea shore", 0
    blob = mixing.compress(data)
    for bit in range(8 * len(blob)):
        turned = bytearray(blob)
        turned[bit // 8] ^= 0x80 >> bit % 8
        try:
            assert mixing.decompress(bytes(turned)) == data
            harmless += 1
        except ValueError:
            continue
    assert harmless < 16
    for kept in range(len(blob)):
        with pytest.raises(ValueError, match=r"\w"):
            mixing.decompress(blob[:kept])


def test_lying_size_ends_soon():
    """Even all zeros, the cheapest code there is, run out."""
    head = (2**32 - 1).to_bytes(4, "big") + bytes(4) + mixing.write_classes({0: 15, 1: 1})
    for code in (b"", b"\x00" * 3, b"\xff" * 3):
        with pytest.raises(ValueError, match="code"):
            mixing.decompress(head + code)

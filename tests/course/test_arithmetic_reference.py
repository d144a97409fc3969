"""The arithmetic and rANS references against exact arithmetic, a coder in Rust, and damage."""

import itertools
import random
import time
import tracemalloc
from math import log2

import numpy as np
import pytest

from autograder.corpus import corpus
from squeeze import arithmetic

TOTAL = arithmetic.TOTAL


@pytest.fixture(scope="module")
def text():
    return corpus()[:100_000]


def frequencies_of(data):
    blob = arithmetic.compress(data)
    return arithmetic.read_frequencies(blob[4:])[0]


def long_code(steps):
    """Encode (start, size, total) and (bit, one) with one number that is as long as it has to be, and no carries."""
    low, width, digits = 0, 1 << 48, 0
    for step in steps:
        unit = width // (step[2] if len(step) == 3 else TOTAL)
        if len(step) == 3:
            low, width = low + step[0] * unit, step[1] * unit
        elif step[0]:
            width = step[1] * unit
        else:
            low, width = low + step[1] * unit, width - step[1] * unit
        if width < 1 << 32:
            low, width, digits = low << 16, width << 16, digits + 1
    bits = 48 + 16 * digits
    for count in range(bits // 8 + 1):
        cell = 1 << bits - 8 * count
        first = -(-low // cell)
        if (first + 1) * cell <= low + width:
            return first.to_bytes(count, "big")
    raise AssertionError("no cell fits")


def random_steps(dice, count):
    for _ in range(count):
        if dice.random() < 0.4:
            yield dice.randint(0, 1), dice.choice([1, 77, 32768, 65535, dice.randint(1, 65535)])
        else:
            total = dice.choice([1, 2, 3, 10, 4096, 65535, 65536, dice.randint(1, 65536)])
            size = dice.choice([1, total, dice.randint(1, total)])
            yield dice.choice([0, total - size, dice.randint(0, total - size)]), size, total


def encode(steps):
    encoder = arithmetic.Encoder()
    for step in steps:
        (encoder.encode if len(step) == 3 else encoder.encode_bit)(*step)
    return encoder


def ideal(step):
    if len(step) == 3:
        return log2(step[2] / step[1])
    return log2(TOTAL / (step[1] if step[0] else TOTAL - step[1]))


@pytest.mark.parametrize("seed", range(60))
def test_code_is_that_of_one_long_number(seed):
    dice = random.Random(seed)
    steps = list(random_steps(dice, dice.choice([0, 1, 2, 5, 30, 400])))
    code = encode(steps).finish()
    assert code == long_code(steps)
    assert 8 * len(code) < sum(map(ideal, steps)) + len(steps) / 2**15 + 9
    decoder = arithmetic.Decoder(code + dice.randbytes(dice.randint(0, 9)))
    for step in steps:
        if len(step) == 3:
            assert step[0] <= decoder.target(step[2]) < step[0] + step[1]
            decoder.take(*step)
        else:
            assert decoder.decode_bit(step[1]) == step[0]
        assert 0 <= decoder.code < decoder.width
        assert 1 << 32 <= decoder.width <= 1 << 48
    assert decoder.finish() == len(code)
    for kept in range(len(code)):
        with pytest.raises(ValueError, match="code"):
            follow(code[:kept], steps)


def follow(code, steps):
    """Decode with the models of these steps, taking the symbols that they took."""
    decoder = arithmetic.Decoder(code)
    for step in steps:
        if len(step) == 3:
            decoder.take(*step)
        elif decoder.decode_bit(step[1]) != step[0]:
            raise ValueError("the code is another message's")
    decoder.finish()


def test_carries_happen_in_these_tests():
    """A test of carries that never carries tests nothing."""
    carried = full = 0
    for seed in range(60):
        dice = random.Random(seed)
        steps = list(random_steps(dice, dice.choice([0, 1, 2, 5, 30, 400])))
        digits = encode(steps).digits
        carried += sum(digit > 0xFFFF for digit in digits)
    symbols = [1] * 22 + [2] * 12
    digits = encode((symbol, 1, 3) for symbol in symbols).digits
    full = sum(a == 0xFFFF and b > 0xFFFF for a, b in itertools.pairwise(digits))
    assert carried > 20
    assert full == 1


@pytest.mark.parametrize("step", [(0, 65535, 65536), (1, 65535, 65536), (0, 1), (1, 65535)], ids=str)
def test_a_million_all_but_sure_symbols_cost_what_they_should(step):
    encoder = encode([step] * 1_000_000)
    bits = 8 * len(encoder.finish())
    assert bits < 1_000_000 * ideal(step) * 1.05 + 9, "a loss of 5% of next to nothing"


def test_codes_of_all_short_messages_are_inside_and_apart():
    sizes = [30000, 5, 35531]
    codes = []
    for message in itertools.product(range(3), repeat=3):
        low, width, whole = arithmetic.interval(bytes(message), dict(enumerate(sizes)))
        code = arithmetic.encode_all(bytes(message), sizes)
        assert len(code) == -(-len(arithmetic.shortest_code(low, width, whole)) // 8)
        assert low * 256 ** len(code) <= int.from_bytes(code, "big") * whole
        assert (int.from_bytes(code, "big") + 1) * whole <= (low + width) * 256 ** len(code)
        codes.append(code)
    assert codes == sorted(codes)
    assert not any(b.startswith(a) for a, b in itertools.pairwise(codes))


def test_frequencies_cost_little_beside_the_best_ones():
    dice = random.Random(1)
    for _ in range(30):
        weights = [dice.random() ** 6 + 1e-9 for _ in range(4)]
        total = dice.choice([8, 16, 24])
        shares = [w / sum(weights) for w in weights]
        parts = itertools.combinations(range(1, total), 3)
        least = min(
            cost(shares, [b - a for a, b in itertools.pairwise([0, *cuts, total])], total) for cuts in parts
        )
        got = cost(shares, arithmetic.quantise(weights, total), total)
        assert got <= sum(-p * log2(p) for p in shares) + log2(total / (total - 4))
        assert got <= least + 0.1


def cost(shares, frequencies, total):
    return sum(p * log2(total / f) for p, f in zip(shares, frequencies, strict=True))


def test_numpys_numbers_are_shared_out_like_pythons():
    weights = np.random.default_rng(3).dirichlet([0.05] * 256)
    got = arithmetic.quantise(weights)
    assert got == arithmetic.quantise(weights.tolist())
    assert {type(n) for n in got} == {int}
    single = weights.astype(np.float32)
    assert sum(arithmetic.quantise(single)) == TOTAL


@pytest.mark.parametrize("coder", ["range", "rans"])
def test_size_and_symbols_are_those_of_constriction(text, coder):
    constriction = pytest.importorskip("constriction", reason="it has no wheel for this system")
    frequencies = frequencies_of(text)
    present = [symbol for symbol, frequency in enumerate(frequencies) if frequency]
    shares = np.array([frequencies[symbol] for symbol in present]) / TOTAL
    model = constriction.stream.model.Categorical(shares, perfect=True)
    ranks = np.searchsorted(present, np.frombuffer(text, dtype=np.uint8)).astype(np.int32)
    if coder == "range":
        peer = constriction.stream.queue.RangeEncoder()
        peer.encode(ranks, model)
        back = constriction.stream.queue.RangeDecoder(peer.get_compressed()).decode(model, len(text))
        ours = arithmetic.encode_all(text, frequencies)
    else:
        peer = constriction.stream.stack.AnsCoder()
        peer.encode_reverse(ranks, model)
        back = constriction.stream.stack.AnsCoder(peer.get_compressed()).decode(model, len(text))
        ours = arithmetic.rans_encode(text, frequencies)
    assert np.array_equal(back, ranks)
    theirs = 4 * len(peer.get_compressed())
    assert len(ours) <= theirs + 4, "a word of theirs"
    wanted = sum(log2(TOTAL / frequencies[symbol]) for symbol in text)
    assert wanted <= 8 * len(ours) < wanted + len(text) / 2**15 + (9 if coder == "range" else 48)


@pytest.mark.parametrize("lanes", [1, 2, 3, 7, 64, 1000, 1024, 5000])
def test_lanes_give_the_text_back(text, lanes):
    frequencies = frequencies_of(text)
    for size in (0, 1, 5, 1024, 4999):
        part = text[:size]
        code = arithmetic.rans_encode_lanes(part, frequencies, lanes)
        assert lanes > 1 or code == arithmetic.rans_encode(part, frequencies)
        assert arithmetic.rans_decode_lanes(code + b"tail", size, frequencies, lanes) == (part, len(code))
        for kept in range(0, len(code), 1 + len(code) // 40):
            with pytest.raises(ValueError, match=r"bytes|state"):
                arithmetic.rans_decode_lanes(code[:kept], size, frequencies, lanes)


def test_each_lane_is_a_plain_coder_of_its_bytes(text):
    frequencies, lanes = frequencies_of(text), 5
    code = arithmetic.rans_encode_lanes(text[:1003], frequencies, lanes)
    for lane in range(lanes):
        plain = arithmetic.rans_encode(text[lane:1003:lanes], frequencies)
        assert code[6 * lane : 6 * lane + 6] == plain[:6]
    plain = [arithmetic.rans_encode(text[lane:1003:lanes], frequencies)[6:] for lane in range(lanes)]
    digits = code[6 * lanes :]
    assert sorted(digits[i : i + 2] for i in range(0, len(digits), 2)) == sorted(
        part[i : i + 2] for part in plain for i in range(0, len(part), 2)
    )


def test_mutated_files_are_refused_or_give_bytes():
    dice = random.Random(2013)
    good = [
        arithmetic.compress(data) for data in (b"abracadabra", bytes(range(256)), b"she sells sea shells" * 9)
    ]
    for _ in range(1500):
        blob = bytearray(dice.choice(good))
        for _ in range(dice.randint(1, 4)):
            blob[dice.randrange(len(blob))] = dice.choice([0, 1, 127, 128, 255, dice.randrange(256)])
        cut = dice.choice([len(blob), len(blob), dice.randrange(len(blob))])
        try:
            data = arithmetic.decompress(bytes(blob[:cut]))
        except ValueError:
            continue
        assert len(data) == int.from_bytes(blob[:4], "big")


@pytest.mark.parametrize("size", [1 << 20, 1 << 31, (1 << 32) - 1])
def test_a_lying_size_costs_no_memory_and_no_time(size):
    blob = size.to_bytes(4, "big") + arithmetic.compress(b"a" * 50)[4:]
    tracemalloc.start()
    started = time.process_time()
    with pytest.raises(ValueError, match="can't come from"):
        arithmetic.decompress(blob)
    assert time.process_time() - started < 0.5
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


def test_file_of_the_corpus_is_all_but_its_entropy(text):
    blob = arithmetic.compress(text)
    assert arithmetic.decompress(blob) == text
    tally = [text.count(symbol) for symbol in set(text)]
    least = sum(n * log2(len(text) / n) for n in tally) / 8
    assert len(blob) - (5 + 3 * len(tally)) < least + 4

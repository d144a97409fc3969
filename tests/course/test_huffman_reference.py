"""The Huffman reference against implementations that other people wrote."""

import random
import zlib
from collections import Counter

import pytest
from dahuffman import HuffmanCodec

from autograder.corpus import corpus
from squeeze import huffman

# In which order a DEFLATE block gives the lengths of the code for its code lengths (RFC 1951, section 3.2.7).
ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]


@pytest.fixture(scope="module")
def text():
    return corpus()[:100_000]


def tallies():
    dice = random.Random(1952)
    yield {0: 1, 1: 1}
    for size in (2, 3, 5, 20, 64, 256):
        yield {symbol: dice.randint(1, 9) for symbol in range(size)}
        yield {symbol: int(dice.paretovariate(0.4)) for symbol in range(size)}


@pytest.mark.parametrize("counts", list(tallies()), ids=lambda counts: f"{len(counts)} symbols")
def test_total_is_that_of_dahuffman(counts):
    table = HuffmanCodec.from_frequencies(counts, eof=0).get_code_table()
    theirs = {symbol: length for symbol, (length, _) in table.items()}
    ours = huffman.code_lengths(counts)
    assert theirs.keys() == ours.keys()
    assert huffman.coded_bits(counts, ours) == huffman.coded_bits(counts, theirs)


@pytest.mark.parametrize("counts", list(tallies()), ids=lambda counts: f"{len(counts)} symbols")
def test_a_roomy_limit_costs_nothing_and_a_tight_one_more(counts):
    least = huffman.coded_bits(counts, huffman.code_lengths(counts))
    tightest = (len(counts) - 1).bit_length()
    codes = [huffman.limited_code_lengths(counts, limit) for limit in range(tightest, 40)]
    totals = [huffman.coded_bits(counts, lengths) for lengths in codes]
    assert totals == sorted(totals, reverse=True)
    assert totals[-1] == least


def test_zlib_blocks_open_with_our_codes_and_cost_what_ours_cost(text):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_HUFFMAN_ONLY)
    blocks = list(read_blocks(packer.compress(text) + packer.flush()))
    assert b"".join(data for data, _ in blocks) == text
    for data, lengths in blocks:
        counts = dict(Counter(data)) | {256: 1}
        assert lengths.keys() == counts.keys()
        ours = huffman.limited_code_lengths(counts, huffman.MAX_LENGTH)
        assert huffman.coded_bits(counts, ours) == huffman.coded_bits(counts, lengths)


def test_size_is_no_more_than_the_bits_and_the_header(text):
    blob = huffman.compress(text)
    lengths, header = huffman.read_lengths(blob[4:])
    assert len(blob) == 4 + header + -(-huffman.coded_bits(Counter(text), lengths) // 8)
    assert huffman.decompress(blob) == text


def test_one_flipped_bit_is_an_error_or_other_text_of_that_size():
    data = b"she sells sea shells on the sea shore"
    blob = huffman.compress(data)
    for bit in range(32, 8 * len(blob)):
        damaged = bytearray(blob)
        damaged[bit // 8] ^= 0x80 >> bit % 8
        try:
            assert len(huffman.decompress(bytes(damaged))) == len(data)
        except ValueError:
            continue


def test_readers_in_lanes_find_the_text_themselves(text, monkeypatch):
    codes = huffman.canonical_codes(huffman.limited_code_lengths(Counter(text), huffman.MAX_LENGTH))
    blob = huffman.encode(text, codes)
    plain = huffman.decode(blob, len(text), codes)

    def never(*_):
        pytest.fail("the readers did not join up")

    monkeypatch.setattr(huffman, "decode", never)
    assert huffman.decode_in_lanes(blob, len(text), codes) == plain


@pytest.mark.parametrize("width", [7, 8])
def test_readers_that_never_fall_into_step_are_replaced(width):
    codes = {symbol: (symbol, width) for symbol in range(2**width)}
    data = bytes(random.Random(width).choices(range(2**width), k=5000))
    blob = huffman.encode(data, codes)
    assert huffman.decode_in_lanes(blob, len(data), codes) == (data, width * len(data))


def outcome(decode, *arguments):
    try:
        return decode(*arguments)
    except ValueError as problem:
        return str(problem)


@pytest.mark.parametrize("hole", [False, True], ids=["complete", "incomplete"])
def test_damage_is_the_same_to_one_reader_and_to_many(text, hole):
    codes = huffman.canonical_codes(huffman.code_lengths(Counter(text[:4000])))
    if hole:
        codes.popitem()  # bits that begin no code now; the texts that are decoded avoid it
    data = bytes(symbol for symbol in text[:4000] if symbol in codes)
    blob = huffman.encode(data, codes)
    dice = random.Random(1)
    for kept in [0, 1, *(dice.choice([len(blob), dice.randrange(len(blob))]) for _ in range(100))]:
        damaged = bytearray(blob[:kept])
        if damaged:
            damaged[dice.randrange(len(damaged))] ^= 1 << dice.randrange(8)
        case = bytes(damaged), dice.choice([len(data), dice.randrange(len(data)), len(data) + 9]), codes
        assert outcome(huffman.decode_in_lanes, *case) == outcome(huffman.decode, *case)


def read_blocks(stream):
    """Read the blocks of a DEFLATE stream that holds literals only, as (data, lengths of their code)."""
    bits = f"{int.from_bytes(stream, 'little'):0{8 * len(stream)}b}"[::-1]
    place, last = 0, False

    def number(width):
        nonlocal place
        place += width
        return int("0" + bits[place - width : place][::-1], 2)

    def symbol(names):
        nonlocal place
        start = place
        while bits[start:place] not in names:
            place += 1
        return names[bits[start:place]]

    while not last:
        last = number(1) == 1
        assert number(2) == 2, "zlib chose another kind of block; take a longer text"
        literals, distances, given = number(5) + 257, number(5) + 1, number(4) + 4
        names = words({ORDER[i]: length for i in range(given) if (length := number(3))})
        lengths = []
        while len(lengths) < literals + distances:
            kind = symbol(names)
            if kind < 16:
                lengths.append(kind)
            elif kind == 16:
                lengths += lengths[-1:] * (3 + number(2))
            else:
                lengths += [0] * (3 + number(3) if kind == 17 else 11 + number(7))
        code = {value: length for value, length in enumerate(lengths[:literals]) if length}
        names, data = words(code), bytearray()
        while (value := symbol(names)) != 256:
            data.append(value)
        yield bytes(data), code


def words(lengths):
    codes = huffman.canonical_codes(lengths)
    return {f"{value:0{length}b}": symbol for symbol, (value, length) in codes.items()}

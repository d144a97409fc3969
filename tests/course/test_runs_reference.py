"""Lesson 2's reference beside programs that others wrote: TIFF pictures, bzip2 files, and plainer ways."""

from __future__ import annotations

import bz2
import gzip
import io
import random
import struct
import tracemalloc

import pytest
from PIL import Image, ImageDraw

from autograder.corpus import corpus
from squeeze import runs


def pictures():
    dice = random.Random(32773)
    page = Image.new("1", (1728, 60), 1)
    ImageDraw.Draw(page).text((100, 10), "In the beginning", fill=0)
    ImageDraw.Draw(page).line((0, 50, 1727, 20), fill=0)
    yield "page", page
    yield "one dot", Image.new("1", (1, 1))
    yield "noise", Image.frombytes("L", (300, 9), dice.randbytes(2700))
    yield (
        "bars",
        Image.frombytes("L", (517, 20), b"".join(bytes([dice.choice(b"ab")]) * 47 for _ in range(220))),
    )
    pairs = b"".join(bytes([dice.randrange(256)]) * dice.choice([1, 2, 3]) for _ in range(2000))
    yield "pairs", Image.frombytes("L", (129, 20), pairs[: 129 * 20])


PICTURES = [pytest.param(picture, id=name) for name, picture in pictures()]


def row_bytes(picture):
    return (picture.width + 7) // 8 if picture.mode == "1" else picture.width


def cut_into_rows(picture):
    pixels, row = picture.tobytes(), row_bytes(picture)
    return [pixels[start : start + row] for start in range(0, len(pixels), row)]


def tiff(picture, strip):
    """Put packed rows into a TIFF of one strip."""
    bits = 1 if picture.mode == "1" else 8
    tags = {256: picture.width, 257: picture.height, 258: bits, 259: 32773, 262: 1}
    tags |= {273: 8, 278: picture.height, 279: len(strip)}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    strip += bytes(len(strip) % 2)
    start = struct.pack("<2sHI", b"II", 42, 8 + len(strip))
    return start + strip + struct.pack("<H", len(tags)) + entries + bytes(4)


@pytest.mark.parametrize("picture", PICTURES)
def test_pillow_opens_our_packets(picture):
    strip = b"".join(runs.pack_bits(row) for row in cut_into_rows(picture))
    assert Image.open(io.BytesIO(tiff(picture, strip))).tobytes() == picture.tobytes()


@pytest.mark.parametrize("picture", PICTURES)
def test_we_open_pillows_packets_and_ours_are_no_longer(picture):
    file = io.BytesIO()
    picture.save(file, "TIFF", compression="packbits")
    tags = Image.open(io.BytesIO(file.getvalue())).tag_v2
    assert tags[259] == 32773
    strips = [file.getvalue()[at : at + size] for at, size in zip(tags[273], tags[279], strict=True)]
    rest = b"".join(strips)
    theirs = ours = 0
    for row in cut_into_rows(picture):
        pixels, used = runs.unpack_bits(rest, len(row))
        assert pixels == row
        rest, theirs, ours = rest[used:], theirs + used, ours + len(runs.pack_bits(row))
    assert rest == b""
    assert ours <= theirs


def texts():
    dice = random.Random(1994)
    yield "words", b" ".join(dice.choice([b"she", b"sells", b"sea", b"shells"]) for _ in range(3000)) + b"."
    yield "all bytes", bytes(range(256)) + dice.randbytes(5000)
    yield (
        "runs",
        b"".join(bytes([dice.choice(b"abc")]) * dice.choice([1, 4, 5, 255, 300]) for _ in range(200)) + b"!",
    )
    yield "one byte", b"a"
    yield "zeros", b"\x00" * 5000 + b"\x01"
    yield "corpus", corpus()[:100_000]


TEXTS = [pytest.param(data, id=name) for name, data in texts()]


@pytest.mark.parametrize("data", TEXTS)
def test_our_steps_undo_those_of_bzip2(data):
    values, index, symbols = runs.bzip2_block(bz2.compress(data))
    places = runs.undo_move_to_front(runs.undo_zero_runs(symbols, 900_000))
    column = bytes(values[place] for place in places)
    assert runs.rle_decode(runs.inverse_bwt(column, index)) == data


@pytest.mark.parametrize("data", TEXTS)
def test_our_steps_in_bzip2s_order_give_its_symbols(data):
    values, index, symbols = runs.bzip2_block(bz2.compress(data))
    column, row = runs.fast_bwt(runs.rle_encode(data))
    assert bytes(sorted(set(column))) == values
    places = bytes(values.index(symbol) for symbol in column)
    assert (row, runs.zero_runs(runs.move_to_front(places))) == (index, symbols)


def test_what_is_no_bzip2_file_is_refused():
    with pytest.raises(ValueError, match="no block"):
        runs.bzip2_block(gzip.compress(b"abracadabra"))
    with pytest.raises(ValueError, match="no block"):
        runs.bzip2_block(bz2.compress(b""))
    with pytest.raises(EOFError):
        runs.bzip2_block(bz2.compress(b"abracadabra")[:30])


def test_fast_transform_is_the_plain_one():
    dice = random.Random(7)
    periodic = [b"ab" * 50, b"a" * 99, b"abc" * 33 + b"a", b"\xff\x00" * 7, bytes(64), b""]
    drawn = [bytes(dice.choices(b"ab\xff", k=dice.randrange(1, 200))) for _ in range(200)]
    for data in [*periodic, *drawn, corpus()[:5000]]:
        assert runs.fast_bwt(data) == runs.bwt(data)


def test_fast_transform_keeps_its_promise_about_memory():
    data = random.Random(3).randbytes(runs.BLOCK)
    tracemalloc.start()
    runs.fast_bwt(data)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 70 << 20


def test_file_of_the_corpus_is_smaller_than_gzips():
    blob = runs.compress(corpus())
    assert runs.decompress(blob) == corpus()
    assert len(blob) < len(gzip.compress(corpus(), 9))


@pytest.mark.parametrize("data", [b"a" * 300_000, b"ab" * 150_000, random.Random(9).randbytes(300_000)])
def test_extreme_files_come_back(data):
    blob = runs.compress(data)
    assert len(blob) <= len(data) + 9
    assert runs.decompress(blob) == data


def test_packets_are_at_most_a_byte_in_128_from_the_best():
    dice = random.Random(128)
    for _ in range(60):
        pieces = [bytes([dice.choice(b"ab")]) * dice.choice([1, 2, 3, 127, 128, 129, 130]) for _ in range(5)]
        data = b"".join(pieces) + dice.randbytes(dice.choice([0, 1, 127, 128]))
        packets = len(runs.pack_bits(data))
        assert fewest(data) <= packets <= fewest(data) + 1 + len(data) // 128


def fewest(data):
    least = [0]
    for end in range(1, len(data) + 1):
        ways = [least[start] + 1 + end - start for start in range(max(0, end - 128), end)]
        start = end - 1
        while start and data[start - 1] == data[end - 1] and end - start < 128:
            start -= 1
            ways.append(least[start] + 2)
        least.append(min(ways))
    return least[-1]


def test_damaged_files_give_bytes_or_a_value_error():
    dice = random.Random(2)
    blobs = [
        runs.compress(data, block)
        for data, block in [(b"she sells sea shells " * 9, 64), (bytes(999), 1 << 20)]
    ]
    for _ in range(2000):
        damaged = bytearray(dice.choice(blobs))
        for _ in range(dice.randrange(1, 4)):
            damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        cut = bytes(damaged[: dice.randrange(len(damaged) + 1)]) if dice.random() < 0.3 else bytes(damaged)
        for decode in (runs.decompress, runs.rle_decode, lambda blob: runs.unpack_bits(blob, 100)[0]):
            try:
                assert isinstance(decode(cut), bytes)
            except ValueError:
                continue

"""The Lempel-Ziv reference against implementations that other people wrote."""

import gzip
import io
import random
import zlib

import pytest
from PIL import Image

from autograder.corpus import corpus
from squeeze import lempel_ziv

# DEFLATE's lengths and distances (RFC 1951, section 3.2.5): the first value of each code, and its extra bits.
LENGTHS = [(3 + i, 0) for i in range(8)]
LENGTHS += [(3 + (4 + i % 4 << i // 4 - 1), i // 4 - 1) for i in range(8, 28)] + [(258, 0)]
DISTANCES = [(1 + i, 0) for i in range(4)] + [
    (1 + (2 + i % 2 << i // 2 - 1), i // 2 - 1) for i in range(4, 30)
]


def texts():
    dice = random.Random(1977)
    yield "nothing", b""
    yield "a run", b"a" * 1000
    yield "all bytes twice", bytes(range(256)) * 2
    yield "noise", dice.randbytes(3000)
    yield "few symbols", bytes(dice.choice(b"aab") for _ in range(3000))
    yield "words", b"".join(dice.choice([b"the ", b"other ", b"heather ", b"\n"]) for _ in range(700))
    yield "far apart", b"needle" + dice.randbytes(32_762) + b"needle" + b"x" * 600
    yield "scripture", corpus()[:20_000]


TEXTS = dict(texts())


def deflated(tokens):
    """Write tokens as one DEFLATE block with the fixed codes."""
    bits = ["1", "10"]  # the last block; kind 1, lowest bit first

    def literal(symbol):
        first, start, width = next(
            row for row in [(280, 0xC0, 8), (256, 0, 7), (144, 0x190, 9), (0, 0x30, 8)] if symbol >= row[0]
        )
        bits.append(f"{start + symbol - first:0{width}b}")

    def number(value, table, write):
        code = max(code for code, (first, _) in enumerate(table) if first <= value)
        first, extra = table[code]
        write(code)
        bits.append(f"{value - first:0{extra}b}"[::-1] if extra else "")

    for token in tokens:
        if isinstance(token, int):
            literal(token)
        else:
            number(token[0], LENGTHS, lambda code: literal(257 + code))
            number(token[1], DISTANCES, lambda code: bits.append(f"{code:05b}"))
    literal(256)
    whole = "".join(bits)[::-1]
    return int(whole, 2).to_bytes((len(whole) + 7) // 8, "little")


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("name", TEXTS)
def test_zlib_expands_our_tokens(name, lazy):
    data = TEXTS[name]
    tokens = lempel_ziv.tokens(data, lazy=lazy)
    assert zlib.decompress(deflated(tokens), wbits=-15) == data
    assert lempel_ziv.expand(tokens) == data


@pytest.mark.parametrize("name", TEXTS)
def test_chains_miss_no_match(name):
    data = TEXTS[name][:1500]
    chain = lempel_ziv.chains(data)
    for place in range(len(data)):
        naive = lempel_ziv.naive_match(data, place, 700, 40)
        assert lempel_ziv.chained_match(data, place, chain, 700, 40, len(data)) == naive


@pytest.mark.parametrize("name", TEXTS)
def test_files_come_back(name):
    data = TEXTS[name]
    assert lempel_ziv.decompress(lempel_ziv.compress(data)) == data
    assert lempel_ziv.lzw_decode(lempel_ziv.lzw_encode(data))[0] == data


def test_corpus_is_about_as_small_as_gzip_makes_it():
    text = corpus()[:200_000]
    assert len(lempel_ziv.compress(text)) < 1.1 * len(gzip.compress(text, 6))


def test_lazy_tokens_are_more_and_weigh_less():
    """The chapter says so."""
    text = corpus()[:100_000]
    greedy, lazy = (lempel_ziv.tokens(text, lazy=lazy) for lazy in (False, True))
    assert len(lazy) > len(greedy)
    weights = [
        sum(len(lempel_ziv.huffman_compress(part)) for part in lempel_ziv.to_parts(tokens))
        for tokens in (greedy, lazy)
    ]
    assert weights[1] < weights[0]


def test_turned_bits_are_an_error_or_other_data_of_that_size():
    dice = random.Random(1978)
    data = TEXTS["words"]
    blob = lempel_ziv.compress(data)
    for _ in range(400):
        damaged = bytearray(blob)
        for _ in range(dice.choice([1, 1, 2, 5])):
            damaged[dice.randrange(4, len(blob))] ^= 1 << dice.randrange(8)
        try:
            assert len(lempel_ziv.decompress(bytes(damaged))) == len(data)
        except ValueError:
            continue


def pictures():
    dice = random.Random(1987)
    for colours in (2, 4, 16, 100, 256):
        for wide, high in ((1, 1), (33, 21), (160, 120)):
            for kind in ("stripes", "slope", "noise"):
                yield (
                    f"{colours} colours, {wide}x{high}, {kind}",
                    colours,
                    wide,
                    bytes(
                        (i // 50 if kind == "stripes" else i % wide * i // wide) % colours
                        if kind != "noise"
                        else dice.randrange(colours)
                        for i in range(wide * high)
                    ),
                )


PICTURES = {name: rest for name, *rest in pictures()}


@pytest.mark.parametrize("name", PICTURES)
def test_pillow_and_we_open_each_others_pictures(name):
    colours, wide, pixels = PICTURES[name]
    drawn = Image.frombytes("P", (wide, len(pixels) // wide), pixels)
    drawn.putpalette(bytes(level for level in range(256) for _ in range(3)))
    file = io.BytesIO()
    drawn.save(file, "GIF", interlace=0, optimize=False)
    width, data = image_data(file.getvalue())
    assert lempel_ziv.lzw_decode(data, width)[0] == pixels

    width = max(2, (colours - 1).bit_length())
    ours = Image.open(io.BytesIO(as_gif(pixels, wide, width)))
    assert ours.convert("L").tobytes() == pixels


def image_data(gif):
    """Return the symbol width and the LZW data of a GIF's first picture."""
    place = 13 + colours_of(gif[10])
    while gif[place] != 0x2C:
        place += 2
        while gif[place]:
            place += 1 + gif[place]
        place += 1
    place += 10 + colours_of(gif[place + 9])
    width, place, data = gif[place], place + 1, b""
    while gif[place]:
        data += gif[place + 1 : place + 1 + gif[place]]
        place += 1 + gif[place]
    return width, data


def colours_of(flags):
    return 6 << (flags & 7) if flags & 128 else 0


def as_gif(pixels, wide, width):
    data = lempel_ziv.lzw_encode(pixels, width)
    size = wide.to_bytes(2, "little") + (len(pixels) // wide).to_bytes(2, "little")
    greys = bytes(level for level in range(256) for _ in range(3))
    blocks = b"".join(bytes([len(data[i : i + 255])]) + data[i : i + 255] for i in range(0, len(data), 255))
    frame = b"," + bytes(4) + size + b"\0" + bytes([width]) + blocks + b"\0;"
    return b"GIF89a" + size + b"\xf7\0\0" + greys + frame

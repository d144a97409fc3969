"""The DEFLATE reference against zlib, Python's gzip and the system's tools."""

import gzip
import itertools
import random
import shutil
import struct
import subprocess
import tracemalloc
import zipfile
import zlib
from io import BytesIO
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.cbook import get_sample_data
from PIL import Image

from autograder.corpus import corpus
from squeeze import deflate

STRATEGIES = {
    "default": zlib.Z_DEFAULT_STRATEGY,
    "filtered": zlib.Z_FILTERED,
    "huffman only": zlib.Z_HUFFMAN_ONLY,
    "runs": zlib.Z_RLE,
    "fixed": zlib.Z_FIXED,
}
FLUSHES = {
    "none": zlib.Z_NO_FLUSH,
    "partial": zlib.Z_PARTIAL_FLUSH,
    "sync": zlib.Z_SYNC_FLUSH,
    "full": zlib.Z_FULL_FLUSH,
    "block": zlib.Z_BLOCK,
}
READERS = [deflate.inflate, deflate.inflate_fast]
both_readers = pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)


def texts():
    dice = random.Random(1951)
    yield "nothing", b""
    yield "one byte", b"\xff"
    yield "a run", b"a" * 70_000
    yield "all bytes twice", bytes(range(256)) * 2
    yield "noise", dice.randbytes(70_000)
    yield "few symbols", bytes(dice.choice(b"aab") for _ in range(5000))
    yield "words", b"".join(dice.choice([b"the ", b"other ", b"heather ", b"\n"]) for _ in range(2000))
    yield "far apart", b"needle" + dice.randbytes(32_762) + b"needle" + b"x" * 600
    yield "scripture", corpus()[:40_000]
    yield "text, then noise, then text", corpus()[:20_000] + dice.randbytes(9000) + corpus()[20_000:30_000]


TEXTS = dict(texts())


def streams(data, level, strategy, flush, wbits=15, memory=8):
    packer = zlib.compressobj(level, zlib.DEFLATED, -wbits, memory, strategy)
    step = 1 + len(data) // 3
    parts = [packer.compress(data[i : i + step]) + packer.flush(flush) for i in range(0, len(data), step)]
    return b"".join(parts) + packer.flush()


def zlib_answer(stream):
    reader = zlib.decompressobj(-15)
    try:
        data = reader.decompress(stream)
    except zlib.error:
        return None
    return (data, len(stream) - len(reader.unused_data)) if reader.eof else None


def answer(read, stream):
    try:
        return read(stream)
    except ValueError:
        return None


@both_readers
@pytest.mark.parametrize("name", TEXTS)
def test_we_read_zlib_at_every_level_and_strategy(name, read):
    data = TEXTS[name]
    for level, strategy in itertools.product((0, 1, 4, 6, 9), STRATEGIES.values()):
        stream = streams(data, level, strategy, zlib.Z_NO_FLUSH)
        assert read(stream + b"tail") == (data, len(stream))


def test_we_read_every_level():
    data = TEXTS["words"]
    for level in range(10):
        assert deflate.decompress(gzip.compress(data, level)) == data


@both_readers
@pytest.mark.parametrize("flush", FLUSHES)
def test_we_read_streams_that_were_flushed(flush, read):
    for name, level in itertools.product(("words", "noise", "a run", "nothing"), (0, 1, 9)):
        stream = streams(TEXTS[name], level, zlib.Z_DEFAULT_STRATEGY, FLUSHES[flush])
        assert read(stream) == (TEXTS[name], len(stream))


@both_readers
def test_we_read_small_windows_and_small_blocks(read):
    for wbits, memory in itertools.product((9, 12, 15), (1, 9)):
        stream = streams(TEXTS["scripture"], 9, zlib.Z_DEFAULT_STRATEGY, zlib.Z_NO_FLUSH, wbits, memory)
        assert read(stream) == (TEXTS["scripture"], len(stream))


@pytest.mark.parametrize("name", TEXTS)
def test_zlib_and_gzip_read_ours(name):
    data = TEXTS[name]
    blob = deflate.compress(data)
    assert gzip.decompress(blob) == data
    assert zlib.decompress(blob, wbits=31) == data  # which looks at the checksum and the size
    assert deflate.decompress(blob) == data
    assert zlib_answer(deflate.deflate(data)) == (data, len(blob) - 18)


@pytest.mark.parametrize("name", TEXTS)
def test_ours_are_hardly_longer_than_those_of_zlib(name):
    assert len(deflate.compress(TEXTS[name])) <= 1.01 * len(gzip.compress(TEXTS[name], 9)) + 12


@pytest.mark.parametrize("kind", ["stored", "fixed", "dynamic"])
def test_zlib_reads_each_type_of_block(kind):
    """`deflate` takes the cheapest; here each has its turn."""
    for name in ("nothing", "one byte", "words", "few symbols", "all bytes twice"):
        data = TEXTS[name]
        tokens = deflate.find_tokens(data)
        counts = deflate.count_symbols(tokens)
        codes = deflate.fixed_lengths() if kind == "fixed" else deflate.best_lengths(counts)
        if kind == "stored":
            bits = deflate.stored_bits(data, 0, True)
        else:
            header = deflate.header_bits(*codes) if kind == "dynamic" else ""
            bits = f"1{deflate.lowest_first(['stored', 'fixed', 'dynamic'].index(kind), 2)}{header}"
            bits += deflate.token_bits(tokens, *codes)
        assert zlib_answer(deflate.to_bytes(bits))[0] == data
        sizes = deflate.block_sizes(counts, len(data), 0)
        assert sizes[["stored", "fixed", "dynamic"].index(kind)] == len(bits)


def system(tool, *arguments, data):
    if not shutil.which(tool):
        pytest.skip(f"there is no {tool} on this machine")
    return subprocess.run([tool, *arguments], input=data, capture_output=True, check=True, timeout=60).stdout


@pytest.mark.parametrize("name", TEXTS)
def test_the_systems_gunzip_opens_ours(name):
    blob = deflate.compress(TEXTS[name])
    assert system("gunzip", "-c", data=blob) == TEXTS[name]
    assert system("gunzip", "-c", data=blob + blob) == 2 * TEXTS[name]


@pytest.mark.parametrize("level", ["-1", "-6", "-9"])
def test_we_open_the_systems_gzip_files(level, tmp_path):
    for name in ("words", "noise", "nothing", "scripture"):
        assert deflate.decompress(system("gzip", level, "-c", data=TEXTS[name])) == TEXTS[name]
    file = tmp_path / "song.txt"  # gzip writes a file's name and time into its header
    file.write_bytes(TEXTS["words"])
    system("gzip", "-N", level, str(file), data=b"")
    assert deflate.decompress((tmp_path / "song.txt.gz").read_bytes()) == TEXTS["words"]


def test_we_open_what_lies_on_this_machine():
    scan = Path(get_sample_data("s1045.ima.gz", asfileobj=False)).read_bytes()
    assert deflate.decompress(scan) == gzip.decompress(scan)


def test_we_open_what_a_png_holds():
    path = Path(matplotlib.get_data_path()) / "images" / "matplotlib.png"
    png, place, packed = path.read_bytes(), 8, b""
    while place < len(png):
        size = int.from_bytes(png[place : place + 4], "big")
        packed += png[place + 8 : place + 8 + size] * (png[place + 4 : place + 8] == b"IDAT")
        place += 12 + size
    rows, end = deflate.inflate(packed, 2)
    assert rows == zlib.decompress(packed)
    assert len(packed) == end + 4


def test_pillow_opens_a_png_with_our_stream():
    pixels = np.arange(32 * 20, dtype=np.uint8).reshape(20, 32)
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    stream = b"\x78\x9c" + deflate.deflate(rows) + zlib.adler32(rows).to_bytes(4, "big")

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", deflate.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 32, 20, 8, 0, 0, 0, 0))
    png = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", stream) + chunk(b"IEND", b"")
    assert np.array_equal(np.asarray(Image.open(BytesIO(png))), pixels)


def test_we_open_what_a_zip_holds():
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("words.txt", TEXTS["words"])
    blob = file.getvalue()
    start = 30 + int.from_bytes(blob[26:28], "little") + int.from_bytes(blob[28:30], "little")
    assert deflate.inflate(blob, start)[0] == TEXTS["words"]


def header(flags, extra=b"", name=b"", comment=b""):
    blob = bytes([0x1F, 0x8B, 8, flags, 9, 9, 9, 9, 2, 3])
    blob += len(extra).to_bytes(2, "little") + extra if flags & 4 else b""
    blob += name + b"\0" if flags & 8 else b""
    blob += comment + b"\0" if flags & 16 else b""
    return blob + (zlib.crc32(blob) & 0xFFFF).to_bytes(2, "little") if flags & 2 else blob


def test_members_with_all_flags_in_one_file():
    blob = b""
    for flags in range(32):
        blob += header(flags, b"\0\x1f\x8b", b"name", b"comment") + gzip.compress(b"%d, " % flags)[10:]
    expected = b"".join(b"%d, " % flags for flags in range(32))
    assert gzip.decompress(blob) == expected
    assert deflate.decompress(blob) == expected


@pytest.mark.parametrize("data", [b"123456789", bytes(300), bytes(range(256)), corpus()[:5000]], ids=len)
def test_checksum(data):
    assert deflate.crc32(data) == zlib.crc32(data)


def test_tables_are_those_of_the_rfc():
    """Section 3.2.5, from its first rows to its last."""
    assert deflate.length_buckets()[:12:3] == [(3, 0), (6, 0), (9, 0), (13, 1)]
    assert deflate.length_buckets()[20:] == [
        *[(67, 4), (83, 4), (99, 4), (115, 4)],
        *[(131, 5), (163, 5), (195, 5), (227, 5), (258, 0)],
    ]
    assert deflate.distance_buckets()[:6] == [(1, 0), (2, 0), (3, 0), (4, 0), (5, 1), (7, 1)]
    assert deflate.distance_buckets()[26:] == [(8193, 12), (12289, 12), (16385, 13), (24577, 13)]
    for length in range(3, 259):
        symbol, width, rest = deflate.length_symbol(length)
        assert deflate.length_buckets()[symbol - 257] == (length - rest, width)
    for distance in range(1, 32769):
        symbol, width, rest = deflate.distance_symbol(distance)
        assert deflate.distance_buckets()[symbol] == (distance - rest, width)
    for number, refuse in [(2, deflate.length_symbol), (259, deflate.length_symbol), (0, deflate.distance_symbol),
                           (32769, deflate.distance_symbol)]:  # fmt: skip
        with pytest.raises(ValueError, match="can't be told"):
            refuse(number)


@both_readers
def test_damaged_streams_are_read_as_zlib_reads_them(read):
    dice = random.Random(1952)
    for _ in range(1500):
        data = TEXTS[dice.choice(["words", "few symbols", "nothing", "all bytes twice"])][:600]
        strategy = dice.choice(list(STRATEGIES.values()))
        stream = bytearray(streams(data, dice.randrange(10), strategy, dice.choice(list(FLUSHES.values()))))
        for _ in range(dice.choice([1, 1, 2, 5])):
            stream[dice.randrange(min(len(stream), dice.choice([8, 40, 1000])))] ^= 1 << dice.randrange(8)
        assert answer(read, bytes(stream)) == zlib_answer(bytes(stream))


@both_readers
def test_noise_is_read_as_zlib_reads_it(read):
    dice = random.Random(1953)
    for _ in range(1500):
        noise = bytes([dice.randrange(256) & 0xF8 | dice.choice([2, 3, 4, 5])]) + dice.randbytes(60)
        assert answer(read, noise) == zlib_answer(noise)


def test_corrupted_files_are_never_opened_silently():
    dice = random.Random(1954)
    data = TEXTS["words"][:900]
    for blob in (deflate.compress(data), gzip.compress(data, 1, mtime=0), gzip.compress(data, 0, mtime=0)):
        for _ in range(300):
            damaged = bytearray(blob)
            for _ in range(dice.choice([1, 2, 8])):
                damaged[dice.randrange(10, len(blob))] ^= 1 << dice.randrange(8)
            if damaged != blob:
                assert answer(deflate.decompress, bytes(damaged)) is None


def test_a_bomb_is_data_and_a_lie_about_its_size_is_not():
    zeros = bytes(3_000_000)
    blob = gzip.compress(zeros)
    assert len(blob) < 3100
    assert deflate.decompress(blob) == zeros
    small = bytearray(gzip.compress(b"small"))
    small[-4:] = b"\xff\xff\xff\xff"  # 4 GiB less a byte
    tracemalloc.start()
    with pytest.raises(ValueError, match="the file says 4294967295"):
        deflate.decompress(bytes(small))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_many_members_and_many_blocks_take_no_long_time():
    members = gzip.compress(b"") * 5000
    assert deflate.decompress(members) == b""
    blocks = deflate.to_bytes(("0" + "10" + "0000000") * 20_000 + "1" + "10" + "0000000")
    for read in READERS:
        assert answer(read, blocks[:2000]) is None
    assert deflate.inflate(blocks) == (b"", len(blocks))


@pytest.mark.parametrize("size", [32_760, 32_768, 32_776, 65_536, 131_080])
def test_the_fast_reader_crosses_its_pieces(size):
    """It looks at 32,768 bytes of a stream at a time."""
    data = random.Random(size).randbytes(size)
    for stream in (
        deflate.to_bytes("110" + deflate.token_bits(list(data), *deflate.fixed_lengths())),
        streams(data, 9, zlib.Z_FIXED, zlib.Z_NO_FLUSH),
        streams(data, 9, zlib.Z_HUFFMAN_ONLY, zlib.Z_FULL_FLUSH),
    ):
        assert deflate.inflate_fast(stream) == (data, len(stream))
        for cut in (1, 2, 9):
            assert answer(deflate.inflate_fast, stream[:-cut]) is None


def test_splitting_pays():
    data = TEXTS["text, then noise, then text"]
    tokens = deflate.find_tokens(data)
    blocks = deflate.split(tokens)
    assert len(blocks) >= 3
    assert [token for block in blocks for token in block] == tokens
    whole = min(deflate.block_sizes(deflate.count_symbols(tokens), len(data), 0))
    assert sum(min(deflate.block_sizes(deflate.count_symbols(b), deflate.told(b), 0)) for b in blocks) < whole

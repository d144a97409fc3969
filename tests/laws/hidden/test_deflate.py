"""The hidden laws of lesson 5: larger inputs, the reference, and planted bugs."""

import gzip
import random
import zlib
from functools import lru_cache

from hypothesis import example, given
from hypothesis import strategies as st

from autograder.laws import contract, expect, law

# The planted bugs that change what `inflate` returns for short streams.
BUGS_IN_STREAMS = [
    "turned_size_is_not_compared",
    "type_three_is_the_end",
    "every_block_is_the_last",
    "unused_bytes_count",
    "stored_begins_at_once",
]

PIECES = [b"the ", b"heather ", b"other ", b"there", b"he", b"thermal", b"\n", b"and ", b"hand", b"x", b"eee"]
texts = st.binary(max_size=90).map(lambda raw: b"".join(PIECES[byte % len(PIECES)] for byte in raw))


@lru_cache(maxsize=20)
def noise(size):
    """Make bytes that nothing foretells, the same ones each time."""
    return random.Random(size).randbytes(size)


@lru_cache(maxsize=20)
def far():
    """Make data with a match from exactly 32,768 bytes back, over several blocks, and zlib's stream of it."""
    data = b"thread-needle" + noise(9000) + bytes(23_748) + noise(9000)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return data, packer.compress(data) + packer.flush()


def answer(call, *args):
    """Return what a call gives, or "refused" where it raises ValueError."""
    try:
        return call(*args)
    except Exception as problem:
        names = getattr(problem, "names", None) or [base.__name__ for base in type(problem).__mro__]
        if "ValueError" not in names:
            raise
        return "refused"


def zlib_answer(stream):
    """Return the data that zlib reads and the stream's bytes, or "refused"."""
    reader = zlib.decompressobj(-15)
    try:
        data = reader.decompress(stream)
    except zlib.error:
        return "refused"
    return (data, len(stream) - len(reader.unused_data)) if reader.eof else "refused"


# Lengths as often as Fibonacci's numbers say, mixed, and the bits of the best header for them within 7 bits.
MIXED = sorted(
    ((i + 0.5) / times, length)
    for length, times in enumerate([2, 3, 5, 8, 13, 21, 34, 55], 3)
    for i in range(times)
)
VINE = {116 + i: length for i, (_, length) in enumerate(MIXED)}
VINE_BITS = 428

tallies = st.tuples(st.binary(max_size=40), st.binary(max_size=20), st.integers(0, 900)).map(
    lambda parts: (
        {5 * i % 286: 1 + byte**2 % 999 for i, byte in enumerate(parts[0]) if 5 * i % 286 != 256},
        {3 * i % 30: 1 + byte for i, byte in enumerate(parts[1])},
        parts[2],
    )
)


@law(
    exercise="header_bits",
    points=1,
    hint="Count the bits of each part of your header. The third code must be the best one for the symbols that are "
    "there, and its lengths that are 0 at the end of ORDER stay out.",
    examples=5,
)
@given(counts=tallies)
@example(counts=({i: 1 for i in range(286) if i != 256}, dict.fromkeys(range(30), 1), 0))
@example(counts=({97: 1}, {}, 0))
def test_headers_are_as_short_as_the_reference(deflate, reference, counts):
    """A header has as many bits as the reference's."""
    codes = reference.best_lengths(counts)
    got = deflate.header_bits(*codes)
    expect.kind(got, str, "the header")
    reader = reference.Reader(reference.to_bytes(got))
    expect.equal(answer(reference.read_header, reader), codes, "the codes that the reference reads from it")
    expect.equal(len(got), len(reference.header_bits(*codes)), "the bits of the header")
    expect.equal(
        len(deflate.header_bits(VINE, {})), VINE_BITS, "the bits of a header whose third code is deep"
    )


@law(
    exercise="block_sizes",
    points=1,
    hint="Try it with large counts, and with sizes around 65,535: each further stored block takes 40 bits.",
    examples=6,
)
@given(
    counts=tallies,
    size=st.sampled_from([0, 1, 65535, 65536, 131070, 131071, 10**7]),
    place=st.integers(0, 20),
)
@example(counts=({}, {}, 0), size=65536, place=5)
@example(counts=({97: 10**6}, {0: 3000}, 77), size=65535, place=8)
def test_large_blocks_have_the_sizes_of_the_reference(deflate, reference, counts, size, place):
    """Blocks of any counts, sizes and places have the reference's sizes."""
    expected = reference.block_sizes(counts, size, place)
    expect.equal(deflate.block_sizes(counts, size, place), expected, "the sizes: stored, fixed, dynamic")


@law(
    exercise="inflate",
    points=2,
    hint="Whatever arrives must end in data or a ValueError. Compare your checks with the docstrings of read_header, "
    "read_tokens and inflate, one by one; an exception to a rule is a rule, too.",
    examples=20,
)
@given(
    data=texts,
    level=st.integers(0, 9),
    strategy=st.sampled_from([0, 2, 4]),
    turned=st.lists(st.integers(0, 400), max_size=3),
    tail=contract.junk,
)
@example(data=b"the other heather there " * 9, level=9, strategy=0, turned=[3, 8, 17], tail=b"")
def test_damaged_streams_are_read_as_zlib_reads_them(deflate, data, level, strategy, turned, tail):
    """Streams with bits turned give what zlib makes of them, or are refused where zlib refuses them."""
    packer = zlib.compressobj(level, zlib.DEFLATED, -15, 8, strategy)
    blob = bytearray(packer.compress(data) + packer.flush() + tail)
    for bit in turned:
        blob[bit // 8 % len(blob)] ^= 1 << bit % 8
    stream = bytes(blob)
    expect.equal(answer(deflate.inflate, stream), zlib_answer(stream), "the data and the stream's bytes")


@law(
    exercise="inflate",
    points=1,
    hint="Give each block all of the output so far: a distance may reach 32,768 bytes back, over several blocks.",
)
def test_distances_reach_over_blocks(deflate):
    """A stream of 41,761 bytes in several blocks comes back, and a small one that grows a thousandfold."""
    data, stream = far()
    expect.equal(deflate.inflate(stream), (data, len(stream)), "the data")
    zeros = zlib.compress(bytes(200_000), 9)[2:-4]
    expect.equal(deflate.inflate(zeros), (bytes(200_000), len(zeros)), "the data")


@law(
    exercise="compress",
    points=2,
    hint="The given functions choose by your block_sizes. Where files come out too long, its numbers are not those "
    "of the blocks that are written.",
    examples=6,
)
@given(data=st.one_of(texts, contract.texts))
@example(data=noise(700) + b"a" * 700)
@example(data=b"".join(PIECES[(7 * i * i + i // 5) % 11] for i in range(700)))
def test_files_are_as_short_as_gzip_makes_them(deflate, data):
    """A file is hardly longer than that of gzip -9, and opens."""
    blob = deflate.compress(data)
    expect.kind(blob, bytes, "the file")
    expect.equal(zlib_answer(blob[10:-8]), (data, len(blob) - 18), "your file's stream, read by zlib")
    expect.equal(blob[-8:-4], zlib.crc32(data).to_bytes(4, "little"), "the checksum")
    most = 1.01 * len(gzip.compress(data, 9)) + 12
    expect.true(len(blob) <= most, f"the file has {len(blob)} bytes; {int(most)} are allowed", got=blob)


@law(
    exercise="decompress",
    points=2,
    hint="Take many members in one file, one of them empty, each with other flags; and then damage the checksum of "
    "the last, or the size of the first.",
    examples=6,
)
@given(
    pieces=st.lists(texts, min_size=1, max_size=4),
    flag=st.sampled_from([0, 2, 4, 8, 16, 30]),
    place=st.integers(0, 9),
)
@example(pieces=[b"", b"la di la di la di", b""], flag=30, place=4)
def test_files_of_many_members(deflate, pieces, flag, place):
    """Members of all kinds, one after another, are opened; one wrong checksum or size among them is not."""
    blob, ends = b"", []
    for piece in pieces:
        head = bytes([0x1F, 0x8B, 8, flag, 0, 0, 0, 0, 0, 3])
        head += b"\x02\x00\x00\x00" * (flag >> 2 & 1) + b"name\0" * (flag >> 3 & 1) + b"\0" * (flag >> 4 & 1)
        head += (zlib.crc32(head) & 0xFFFF).to_bytes(2, "little") * (flag >> 1 & 1)
        blob += head + gzip.compress(piece, 9, mtime=0)[10:]
        ends.append(len(blob))
    expect.equal(deflate.decompress(blob), b"".join(pieces), "the data of all members")
    damaged = bytearray(blob)
    damaged[ends[place % len(ends)] - 1 - place % 8] ^= 0x40
    expect.raises(
        "ValueError", deflate.decompress, bytes(damaged), what="a file with a wrong checksum or size"
    )


@law(
    exercise="is_inflate",
    points=3,
    examples=3,
    hint="Have streams with more than one block, with a stored block that does not begin at a whole byte, and with "
    "bytes behind the end. Among the broken ones have a type 3, and a size that its turned copy does not confirm.",
)
@given(order=st.permutations(["right", "right", *BUGS_IN_STREAMS]))
def test_your_law_meets_planted_bugs(deflate, reference, bugs, order):
    """Your law accepts our reader and refuses those with planted mistakes, in whatever order they come."""
    for name in order:
        module = reference if name == "right" else bugs[name]
        verdict = deflate.is_inflate(lambda stream, module=module: module.inflate(stream))
        expect.equal(verdict, name == "right", "your law on an implementation, right or with a mistake")

"""The hidden laws of lesson 2: what other programs wrote, larger data, lying files, and planted bugs."""

from functools import lru_cache

from hypothesis import example, given
from hypothesis import strategies as st

from autograder.laws import contract, expect, law

# The planted bugs that change what `pack_bits` returns for up to 600 bytes.
BUGS_IN_PACKETS = [
    "pairs_always_make_a_packet",
    "a_run_of_129_fits",
    "literals_at_the_end_are_lost",
    "literals_without_limit",
]

# Three rows of 130 bytes of a drawing, as libtiff packed them into a TIFF.
TIFF_ROWS = bytes.fromhex(
    "f5ff00f09e000007f0ffe8ffffd023d100c365afb2dd07da6dc6278c4cd7f9675fcfff71d710829e2f57bcc55efbef4a5a6f1ff5ff04"
    "7fbfdfeff7cfff8100ff00"
)

# A block of a .bz2 that the bzip2 library wrote: its byte values, its index, its symbols, and what it holds.
SHELLS = b"she sells sea shells on the sea shore; " * 2 + b"a" * 300 + b"."
VALUES = b" ).;aehlnorst\xfb"
INDEX = 81
SYMBOLS = list(
    bytes.fromhex(
        "040c0000070000030700000a00020705000103010e0803010a00000d000a0000030002"
        "000e000200010800000d00000e000900070003000400000401010e0200010a"
    )
)

long_texts = st.builds(
    lambda words, order: b" ".join(words[byte % len(words)] for byte in order),
    st.lists(st.binary(min_size=1, max_size=6), min_size=1, max_size=4),
    st.binary(max_size=60),
)


@lru_cache(maxsize=1000)
def compressed(reference, data, block):
    """Return the reference's file of the data, made once for all submissions."""
    return reference.compress(data, block)


def lying(**fields):
    """Make a file of the bits given as values of `name_width` fields, in order."""
    bits = "".join(f"{value:0{name.rsplit('_', 1)[1]}b}" for name, value in fields.items())
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


@law(
    exercise="rle_decode",
    points=1,
    hint="Any bytes are something's code, unless they end while a count is awaited. Read one byte at a time, and ask "
    "first whether it is a count.",
    examples=25,
)
@given(blob=st.one_of(contract.texts, st.binary(max_size=30).map(lambda raw: bytes(b % 3 for b in raw))))
@example(blob=b"\x04" * 12 + b"\x03")
@example(blob=b"aaaaaaaa")
def test_any_bytes_are_read_as_ours_reads_them(runs, reference, blob):
    """Bytes that nobody encoded are read, or refused, as the format says."""
    try:
        expected = reference.rle_decode(blob)
    except ValueError:
        expect.raises("ValueError", runs.rle_decode, blob)
    else:
        expect.equal(runs.rle_decode(blob), expected, "the decoded data")


@law(
    exercise="unpack_bits",
    points=1,
    hint="Rows of a picture are packed one by one and stand side by side: the second begins where the first ended.",
)
def test_rows_of_a_tiff(runs, reference):
    """Rows that libtiff packed come back one after another, and your packets are no longer than its."""
    at = size = 0
    for row in range(3):
        pixels, used = reference.unpack_bits(TIFF_ROWS[at:], 130)
        expect.equal(runs.unpack_bits(TIFF_ROWS[at:], 130), (pixels, used), f"row {row} and its bytes")
        packets = runs.pack_bits(pixels)
        expect.equal(
            reference.unpack_bits(packets, 130), (pixels, len(packets)), f"your packets of row {row}"
        )
        at, size = at + used, size + len(packets)
    expect.equal(at, len(TIFF_ROWS), "the bytes of all rows")
    expect.true(size <= at, f"your packets take {size} bytes, and libtiff's take {at}")


@law(
    exercise="bwt",
    points=2,
    hint="Try data that repeats as a whole, such as abab: some rotations are equal then, and the first of the equal "
    "rows counts. Try bytes above 127, and data that begins with its largest byte.",
    examples=20,
)
@given(data=long_texts)
@example(data=b"abc" * 60)
@example(data=b"\xff" + b"\x00" * 90)
@example(data=b"a" * 200)
@example(data=b"ba" * 70 + b"b")
def test_data_that_repeats(runs, reference, data):
    """Data that repeats, as a whole or in part, is transformed as the definition says."""
    expect.equal(runs.bwt(data), reference.fast_bwt(data), "the last column and the row of the data")


@law(
    exercise="inverse_bwt",
    points=1,
    hint="Counting must take time in step with the length: sort once, and never search the column again for each "
    "letter.",
)
def test_column_of_bzip2_comes_back(runs, reference):
    """A column that bzip2 made comes back as the data that it compressed, and a long one comes back in time."""
    ranks = reference.undo_zero_runs(SYMBOLS, 1000)
    column = bytes(VALUES[place] for place in reference.undo_move_to_front(ranks))
    expect.equal(runs.inverse_bwt(column, INDEX), reference.rle_encode(SHELLS), "what bzip2 had sorted")
    data = SHELLS * 12
    expect.equal(runs.inverse_bwt(*reference.fast_bwt(data)), data, f"{len(data)} bytes")


@law(
    exercise="undo_zero_runs",
    points=1,
    hint="A run may stand at the very beginning, at the very end, or be everything; its digits may be of both kinds.",
)
def test_symbols_of_bzip2_are_understood(runs, reference):
    """The symbols that bzip2 wrote tell the ranks that they should, and yours are the same symbols."""
    ranks = reference.undo_zero_runs(SYMBOLS, 1000)
    expect.equal(runs.undo_zero_runs(SYMBOLS, len(ranks)), ranks, "the ranks")
    expect.equal(runs.zero_runs(ranks), SYMBOLS, "the symbols")


@law(
    exercise="compress",
    points=2,
    hint="Use fast_bwt, which is given, cut the data into blocks, and open your file with the docstring of compress "
    "beside it. A block outside of 1 to BLOCK bytes is a ValueError.",
    examples=15,
)
@given(data=long_texts, block=st.sampled_from([16, 100, 1 << 20]))
@example(data=SHELLS * 80, block=1 << 20)
@example(data=SHELLS * 2, block=379)
@example(data=bytes(range(256)) * 2, block=256)
def test_files_are_exchanged_with_the_reference(runs, reference, data, block):
    """Files go both ways between your code and the reference, and are the same; one holds 30 KB."""
    theirs = compressed(reference, data, block)
    expect.equal(runs.compress(data, block), theirs, "the compressed data")
    expect.equal(runs.decompress(theirs), data, "the reference's file, opened by yours")
    for wrong in (0, -1, (1 << 20) + 1):
        expect.raises("ValueError", runs.compress, data, wrong, what=f"blocks of {wrong} bytes")


@law(
    exercise="decompress",
    points=2,
    hint="Believe nothing that you read: the size of a block has its limit, the ranks must be as many as the block has "
    "bytes, and the row must be one of theirs.",
)
def test_lying_files_are_refused(runs):
    """Files that lie about sizes, rows or symbols are refused with ValueError before they cost memory."""
    honest = {
        "total_32": 2,
        "block_32": 9,
        "coded_1": 1,
        "index_32": 1,
        "number_32": 2,
        "b_13": 100,
        "run_1": 1,
    }
    expect.equal(runs.decompress(lying(**honest)), b"bb", "an honest file that codes a block of two bytes")
    lies = {
        "blocks of 0 bytes": {"block_32": 0},
        "blocks of 2^20 + 1 bytes": {"block_32": (1 << 20) + 1},
        "a total of 4 GiB": {"total_32": (1 << 32) - 1},
        "a block of one byte and two ranks": {"total_32": 1},
        "a block of three bytes and two ranks": {"total_32": 3},
        "a short block, and a byte after it": {"total_32": 3, "stored_1": 0, "byte_8": 97},
        "row 2 of two": {"index_32": 2},
        "row 4,000,000,000 of two": {"index_32": 4_000_000_000},
        "4,000,000,000 symbols": {"number_32": 4_000_000_000},
    }
    for name, lie in lies.items():
        expect.raises("ValueError", runs.decompress, lying(**(honest | lie)), what=name)
    expect.equal(runs.decompress(lying(total_32=0, block_32=1 << 20)), b"", "a file of nothing")
    nothing = lying(total_32=0, block_32=0)
    expect.raises("ValueError", runs.decompress, nothing, what="a file of nothing, in blocks of 0 bytes")
    start = {"total_32": 5, "block_32": 1 << 20, "coded_1": 1, "index_32": 0}
    endless = start | {"number_32": 60, "digits_60": (1 << 60) - 1}
    expect.raises("ValueError", runs.decompress, lying(**endless), what="a run of 2^60 zeros")
    unknown = start | {"number_32": 1, "symbol_17": 300}
    expect.raises("ValueError", runs.decompress, lying(**unknown), what="the symbol 299")


@law(
    exercise="decompress",
    points=1,
    hint="Whatever a file says, the answer is its bytes or a ValueError. Look for places where your code would raise "
    "something else, or ask for memory that the file can't fill.",
)
def test_turned_bits_do_no_harm(runs, reference):
    """A file with one bit turned is refused with ValueError, or gives other bytes."""
    data = b"she sells sea shells " * 6
    for block in (1 << 20, 60):
        blob = reference.compress(data, block)
        expect.equal(runs.decompress(blob), data, "the undamaged file")
        contract.survives_flips(runs.decompress, blob, data, checksum=False, steps=40)


@law(
    exercise="is_pack_bits",
    points=3,
    examples=3,
    hint="Some mistakes show only at a limit: 129 equal bytes, more than 128 different ones, literals that stand at "
    "the very end, and a pair between two literals, many times over.",
)
@given(order=st.permutations(["right", "right", *BUGS_IN_PACKETS]))
def test_your_law_meets_planted_bugs(runs, reference, bugs, order):
    """Your law accepts our packets and refuses those of every planted mistake, in whatever order they come."""
    for name in order:
        module = reference if name == "right" else bugs[name]
        verdict = runs.is_pack_bits(module.pack_bits)
        expect.equal(verdict, name == "right", "your law on an implementation, right or with a mistake")

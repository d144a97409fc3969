"""The public laws of lesson 2."""

import re
from functools import lru_cache
from itertools import groupby, product

from hypothesis import example, given
from hypothesis import strategies as st

from autograder.laws import contract, expect, law

# The example in Apple's note on PackBits.
APPLE = bytes.fromhex("AAAAAA80002AAAAAAAAA80002A22AAAAAAAAAAAAAAAAAAAA")
APPLE_PACKED = bytes.fromhex("FEAA0280002AFDAA0380002A22F7AA")

LENGTHS = [1, 1, 2, 2, 3, 4, 5, 12]
# What packets meet at their limits: literals and runs of 127, 128 and 129 bytes, pairs on every side.
LITERAL = bytes(range(256))
AT_LIMITS = [
    b"b" * 127,
    b"b" * 128,
    b"b" * 129,
    b"b" * 257,
    LITERAL[:127] + b"aa",
    LITERAL[:128],
    LITERAL[:128] + b"aa" + LITERAL[:128],
    LITERAL + b"a",
    b"aab" * 90,
    b"abb" * 90,
    b"aabb" * 70,
    b"x" + b"a" * 130 + LITERAL[:130] + b"a" * 3 + b"yy",
]


def pieces(raw):
    """Make runs of three byte values out of drawn bytes: one string of bytes is drawn sooner than a list."""
    return b"".join(b"ab\xff"[byte % 3 : byte % 3 + 1] * LENGTHS[byte // 3 % 8] for byte in raw)


runny = st.binary(max_size=12).map(pieces)


def with_counts(data):
    """Return the data with a count after four equal bytes, which a pattern finds."""
    return re.sub(rb"(?s)(.)\1{3,254}", lambda run: run[0][:4] + bytes([len(run[0]) - 4]), data)


@lru_cache(maxsize=1000)
def least_packets(data):
    """Return the fewest bytes that PackBits packets for the data can take: all ways to cut it are tried."""
    least = [0]
    for end in range(1, len(data) + 1):
        ways = [least[start] + 1 + end - start for start in range(max(0, end - 128), end)]
        start = end - 1
        while start and data[start - 1] == data[end - 1] and end - start < 128:
            start -= 1
            ways.append(least[start] + 2)
        least.append(min(ways))
    return least[-1]


def opened(packets):
    """Return what PackBits packets tell, by the words of TIFF 6.0."""
    data, rest = b"", packets
    while rest:
        n = int.from_bytes(rest[:1], "big", signed=True)
        if n >= 0:
            expect.true(len(rest) >= n + 2, f"a packet of {n + 1} literals is cut short", got=packets)
            data, rest = data + rest[1 : n + 2], rest[n + 2 :]
        elif n == -128:
            rest = rest[1:]
        else:
            expect.true(len(rest) >= 2, f"a packet of {1 - n} times one byte is cut short", got=packets)
            data, rest = data + rest[1:2] * (1 - n), rest[2:]
    return data


def packets_from(raw):
    """Make any packets, those that mean nothing among them, as (packets, data); the last one holds data."""
    packets = data = b""
    for kind, symbol in zip(raw[::2], raw[1::2], strict=False):
        length = [2, 3, 127, 128][symbol % 4]
        if kind % 4 == 0:
            packets += b"\x80"
        if kind % 2:
            packets += bytes([257 - length, symbol])
            data += bytes([symbol]) * length
        else:
            literals = (bytes([symbol, kind]) * 64)[: length - 1]
            packets += bytes([length - 2]) + literals
            data += literals
    return packets, data


@lru_cache(maxsize=1000)
def sorted_rotations(data):
    """Return the last column of all rotations, sorted, and the first row that is the data."""
    rows = sorted(data[start:] + data[:start] for start in range(len(data)))
    return bytes(row[-1] for row in rows), rows.index(data) if data else 0


@lru_cache(maxsize=1000)
def ranks_of(data):
    """Return each byte's place when those seen last stand in front: the number of others seen since."""
    ranks = []
    for place, symbol in enumerate(data):
        last = data.rfind(bytes([symbol]), 0, place)
        since = set(data[last + 1 : place])
        ranks.append(len(since) if last >= 0 else symbol + sum(other > symbol for other in since))
    return bytes(ranks)


def symbols_of(ranks):
    """Return the symbols of ranks; a run of n zeros is n + 1 in binary without its first 1, from the right."""
    symbols = []
    for zero, group in groupby(ranks, key=lambda rank: rank == 0):
        run = list(group)
        symbols += [int(bit) for bit in f"{len(run) + 1:b}"[:0:-1]] if zero else [rank + 1 for rank in run]
    return symbols


@lru_cache(maxsize=1000)
def file_of(data, block):
    """Return the compressed file as the docstring of `compress` tells it, bit by bit."""
    bits = f"{len(data):032b}{block:032b}"
    for start in range(0, len(data), block):
        piece = data[start : start + block]
        column, index = sorted_rotations(piece)
        symbols = symbols_of(ranks_of(column))
        coded = f"1{index:032b}{len(symbols):032b}"
        for symbol in symbols:
            word = f"{symbol + 1:b}"
            coded += "0" * (len(word) - 1) + word
        stored = "0" + "".join(f"{byte:08b}" for byte in piece)
        bits += min(stored, coded, key=len)
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


@law(
    exercise="runs_of",
    points=2,
    hint="A run ends where the next byte is another one, where it has reached the longest length, and where the "
    "data ends. The last run of the data is the one that is easily forgotten.",
    examples=20,
)
@given(data=runny, longest=st.sampled_from([1, 2, 3, 128]))
@example(data=b"abbbbb", longest=3)
@example(data=b"", longest=5)
@example(data=b"a" * 256, longest=255)
@example(data=b"aab" + b"\x00" * 128, longest=128)
def test_runs_are_cut(runs, data, longest):
    """The runs are those of the data, in order, and as long as they may be."""
    expected = []
    for symbol, group in groupby(data):
        full, rest = divmod(len(list(group)), longest)
        expected += [(symbol, longest)] * full + [(symbol, rest)] * (rest > 0)
    expect.equal(runs.runs_of(data, longest), expected, "the runs")


@law(
    exercise="rle_encode",
    points=2,
    hint="Write min(length, 4) of the bytes. The count stands behind every run of four or more, behind exactly "
    "four too, and tells how many are still missing: the length less 4.",
    examples=25,
)
@given(data=st.one_of(runny, contract.texts))
@example(data=b"aaabbbbbb")
@example(data=b"aaaabbbb")
@example(data=b"a" * 255)
@example(data=b"a" * 260 + b"\n" * 4)
def test_four_bytes_and_a_count(runs, data):
    """Runs of four and more become four bytes and a count; the data grows by a quarter at most."""
    got = runs.rle_encode(data)
    expect.equal(got, with_counts(data), "the encoded data")
    expect.true(len(got) <= len(data) + len(data) // 4, "it grew by more than a quarter", got=got)


@law(
    exercise="rle_decode",
    points=2,
    hint="Behind a count a new run begins: start counting equal bytes from nothing again, even if the next byte "
    "is the same. Try 300 equal bytes.",
    examples=25,
)
@given(data=st.one_of(runny, contract.texts))
@example(data=b"aaabbbbbb")
@example(data=b"a" * 300)
@example(data=b"\x04" * 8 + b"\x00" * 4)
def test_runs_come_back(runs, elsewhere, data):
    """Another process gets back exactly the bytes that were encoded."""
    contract.comes_back(runs.rle_encode, elsewhere.rle_decode, data)
    expect.equal(elsewhere.rle_decode(with_counts(data)), data, "what came back of four bytes and a count")


@law(
    exercise="rle_decode",
    points=1,
    hint="When the data is over, you may still be waiting for a count. And a count may be 0, or larger than 251.",
)
def test_missing_count_is_refused(runs):
    """Four equal bytes at the end, without their count, are refused with ValueError."""
    expect.equal(runs.rle_decode(b"bbbb\x00a"), b"bbbba", "a run of four")
    expect.equal(runs.rle_decode(b"bbbb\xff"), b"b" * 259, "the largest count")
    expect.equal(runs.rle_decode(b"bbbbbbbb"), b"b" * (4 + 98 + 3), "four b, then 98 more, then three")
    for blob in (b"bbbb", b"abbbb", b"\x00" * 4, b"bbbb\x00bbbb"):
        expect.raises("ValueError", runs.rle_decode, blob)


@law(
    exercise="pack_bits",
    points=1,
    hint="Work Apple's example out on paper. A run of n bytes has the control byte 257 - n; n literals have "
    "n - 1; and when the data is over, literals may still wait to be written.",
)
def test_example_of_apple(runs):
    """Apple's example comes out byte for byte; so do runs at the limits."""
    expect.equal(runs.pack_bits(APPLE), APPLE_PACKED, "the packets")
    expect.equal(runs.pack_bits(b""), b"", "the packets of nothing")
    expect.equal(runs.pack_bits(b"aaaaabcc"), b"\xfca\x02bcc", "the packets of aaaaabcc")
    expect.equal(runs.pack_bits(b"c" * 128), b"\x81c", "the packets of 128 equal bytes")
    expect.equal(runs.pack_bits(b"c" * 256), b"\x81c\x81c", "the packets of 256 equal bytes")


@law(
    exercise="pack_bits",
    points=3,
    hint="A packet for a run of two costs two bytes, and so do two literals. But it breaks the literals around it "
    "in two, and the second part needs a control byte of its own: join the pair to literals that are open.",
    examples=30,
)
@given(data=runny)
@example(data=APPLE)
@example(data=b"abbacc")
@example(data=b"aa")
@example(data=b"aabbccdd")
def test_no_packets_are_shorter(runs, data):
    """Short data comes back from its packets, and no other packets are shorter: all are tried."""
    packets = runs.pack_bits(data)
    expect.kind(packets, bytes, "the packets")
    expect.equal(opened(packets), data, f"what the packets {packets.hex(' ')} tell")
    expect.equal(len(packets), least_packets(data), "the number of bytes")


@law(
    exercise="pack_bits",
    points=2,
    hint="A packet holds at most 128 bytes, of either kind, because a control byte of 128 means something else. "
    "Where pairs stand between literals, count what each control byte costs.",
    examples=20,
)
@given(data=st.one_of(contract.texts, st.sampled_from(AT_LIMITS)))
@example(data=b"ab" * 64 + b"b")
@example(data=b"b" * 129)
@example(data=b"abb" * 90)
@example(data=b"".join(AT_LIMITS))
def test_packets_keep_the_bound(runs, data):
    """Data grows by at most a byte for every 128 begun, and comes back, at every limit."""
    packets = runs.pack_bits(data)
    expect.kind(packets, bytes, "the packets")
    expect.equal(opened(packets), data, "what the packets tell")
    most = len(data) + -(-len(data) // 128)
    expect.true(len(packets) <= most, f"{len(data)} bytes became {len(packets)}; {most} are enough")


@law(
    exercise="unpack_bits",
    points=2,
    hint="A control byte of 128 stands alone and means nothing. Stop as soon as the size is reached, and return how "
    "many bytes of the blob you have read until then, not how long it is.",
    examples=30,
)
@given(made=st.binary(max_size=10).map(packets_from), tail=contract.junk)
@example(made=(APPLE_PACKED, APPLE), tail=b"")
@example(made=(b"\x80\x80\x81a", b"a" * 128), tail=b"\x80")
@example(made=(b"\x7f" + LITERAL[:128], LITERAL[:128]), tail=b"a")
@example(made=(b"", b""), tail=b"\x02abc")
def test_all_packets_are_understood(runs, made, tail):
    """Whatever packets tell the data, it comes back, with the number of their bytes and whatever follows."""
    packets, data = made
    got = contract.stops_where_it_ends(runs.unpack_bits, packets, tail, len(data))
    expect.equal(got, (data, len(packets)), "the data and the number of bytes")


@law(
    exercise="unpack_bits",
    points=1,
    hint="A slice of bytes that aren't there is short or empty, and Python says nothing: compare what you have with "
    "the size at the end, and what you used with what is there.",
)
def test_damaged_packets_are_refused(runs):
    """Packets cut short, and packets that tell more than the size, are refused with ValueError."""
    expect.equal(
        runs.unpack_bits(APPLE_PACKED, len(APPLE)), (APPLE, len(APPLE_PACKED)), "the undamaged packets"
    )
    for kept in range(len(APPLE_PACKED)):
        expect.raises(
            "ValueError", runs.unpack_bits, APPLE_PACKED[:kept], len(APPLE), what=f"{kept} bytes of it"
        )
    for size in (1, 2, 4, len(APPLE) - 1, len(APPLE) + 1, 1 << 40):
        expect.raises("ValueError", runs.unpack_bits, APPLE_PACKED, size)
    expect.raises(
        "ValueError", runs.unpack_bits, b"\x05ab", 2, what="a packet of 6 literals with 2 of them there"
    )
    expect.raises("ValueError", runs.unpack_bits, b"\xff", 2, what="a packet of a run without its byte")


@law(
    exercise="bwt",
    points=3,
    hint="Write all rotations of abracadabra under each other and sort them. A rotation goes around: what is cut off "
    "in front follows at the end. The answer is the LAST column, and the row in which the data itself stands.",
    examples=20,
)
@given(
    data=st.one_of(st.binary(max_size=12).map(lambda raw: bytes(b"abn"[b % 3] for b in raw)), contract.texts)
)
@example(data=b"abracadabra")
@example(data=b"banana")
@example(data=b"abab" * 3)
@example(data=b"\xff\x00\x7f\x80")
@example(data=b"")
def test_last_column_of_sorted_rotations(runs, data):
    """The transform is the last column of the sorted rotations, and the fast one agrees with yours."""
    got = runs.bwt(data)
    expect.equal(got, sorted_rotations(data), "the last column and the row of the data")
    expect.equal(runs.fast_bwt(data), got, "what the given fast_bwt makes of it, beside yours")


@law(
    exercise="inverse_bwt",
    points=3,
    hint="The first column is the last one, sorted. Equal letters stand in the same order in both: the k-th a of the "
    "first column is the k-th a of the last. Follow that link from the row of the data before you write a letter.",
    examples=20,
)
@given(data=contract.texts)
@example(data=b"abracadabra")
@example(data=b"abab" * 3)
@example(data=b"\xff\x00\x7f\x80")
def test_data_comes_back_from_the_column(runs, elsewhere, data):
    """The data comes back from its last column and its row, in another process too."""
    expect.equal(runs.inverse_bwt(*sorted_rotations(data)), data, "what came back")
    expect.equal(elsewhere.inverse_bwt(*runs.fast_bwt(data)), data, "what came back elsewhere")


@law(
    exercise="inverse_bwt",
    points=1,
    hint="Take the shortest string that fails and write its rotations down. A row below 0, or beyond the last, is a "
    "ValueError; Python's negative indices won't tell you.",
)
def test_every_short_string_comes_back(runs):
    """Every string of up to five of two letters comes back; a row that isn't there is refused."""
    for size in range(6):
        for letters in product(b"ab", repeat=size):
            data = bytes(letters)
            column, index = sorted_rotations(data)
            got = runs.inverse_bwt(column, index)
            expect.equal(got, data, f"what came back from the column {column} and row {index}")
    for column, index in [(b"rdarcaaaabb", 11), (b"rdarcaaaabb", -1), (b"a", 1), (b"", 1), (b"", -1)]:
        expect.raises("ValueError", runs.inverse_bwt, column, index)


@law(
    exercise="move_to_front",
    points=2,
    hint="Look the byte up in the list, note its place, take it out and put it in front: all that stood before it "
    "moves back by one place. Work the pencil example out with the list 0, 1, 2, 3, 4.",
    examples=25,
)
@given(data=st.one_of(runny, st.binary(max_size=40), contract.texts))
@example(data=bytes([4, 3, 0, 4, 2, 0, 0, 0, 0, 1, 1]))
@example(data=bytes(range(255, -1, -1)) * 2)
@example(data=b"ab" * 9)
def test_ranks_count_what_came_since(runs, data):
    """A byte's rank is the number of different bytes since it came last; the pencil example is one."""
    got = runs.move_to_front(data)
    expect.kind(got, bytes, "the ranks")
    expect.equal(list(got), list(ranks_of(data)), "the ranks")


@law(
    exercise="undo_move_to_front",
    points=2,
    hint="Do to the list exactly what move_to_front does to it, at every step: the byte that you found moves to the "
    "front, and the others keep their order.",
    examples=25,
)
@given(data=st.one_of(st.binary(max_size=40), contract.texts))
@example(data=bytes([4, 4, 2, 2, 4, 2, 0, 0, 0, 4, 0]))
@example(data=bytes([255] * 300))
def test_ranks_are_undone(runs, elsewhere, data):
    """Moving to front loses nothing and invents nothing: all bytes are ranks of something, both ways."""
    expect.equal(elsewhere.undo_move_to_front(ranks_of(data)), data, "the data of its ranks")
    origin = runs.undo_move_to_front(data)
    expect.kind(origin, bytes, "the data whose ranks these are")
    expect.equal(
        list(ranks_of(origin)), list(data), "the ranks of what these bytes, taken for ranks, came from"
    )


@law(
    exercise="zero_runs",
    points=2,
    hint="Write the runs of 1 to 7 zeros by hand: A, B, AA, BA, AB, BB, AAA. The first digit counts once. An odd "
    "length begins with A, an even one with B; take it off, halve the rest, and go on until nothing is left.",
    examples=25,
)
@given(ranks=st.one_of(contract.texts, st.binary(max_size=20).map(lambda raw: bytes(b % 2 * b for b in raw))))
@example(ranks=bytes([4, 4, 2, 2, 4, 2, 0, 0, 0, 4, 0]))
@example(ranks=bytes([7, 0, 0, 0, 0, 0]))
@example(ranks=b"".join(bytes(n) + b"\x01" for n in range(1, 18)))
@example(ranks=bytes(1023) + b"\xff" + bytes(1024))
def test_digits_of_zero_runs(runs, ranks):
    """Runs of zeros become their digits, and every other rank is raised by 1."""
    expect.equal(runs.zero_runs(ranks), symbols_of(ranks), "the symbols")


@law(
    exercise="undo_zero_runs",
    points=2,
    hint="The first digit of each run counts once, the next twice, then four times. When another symbol comes, the "
    "run is over, and the next run's first digit counts once again.",
    examples=25,
)
@given(ranks=st.one_of(contract.texts, st.binary(max_size=20).map(lambda raw: bytes(b % 2 * b for b in raw))))
@example(ranks=bytes([7, 0, 0, 0, 0, 0]))
@example(ranks=b"".join(bytes(n) + b"\x01" for n in range(1, 18)))
@example(ranks=b"\xff" + bytes(1000))
def test_zero_runs_come_back(runs, ranks):
    """The ranks come back from their symbols, with as much room as they need and with more."""
    got = runs.undo_zero_runs(symbols_of(ranks), len(ranks))
    expect.kind(got, bytes, "the ranks")
    expect.equal(list(got), list(ranks), "the ranks")
    expect.equal(runs.undo_zero_runs(symbols_of(ranks), 1 << 40), ranks, "the ranks, with room to spare")


@law(
    exercise="undo_zero_runs",
    points=1,
    hint="Forty digits tell a run of more than 2^40 zeros. Compare with the limit before you make the run.",
)
def test_more_than_the_limit_is_refused(runs):
    """More ranks than the limit are refused with ValueError, and so is what is no symbol."""
    expect.equal(runs.undo_zero_runs([0, 9, 1, 1], 8), bytes([0, 8, 0, 0, 0, 0, 0, 0]), "eight ranks")
    expect.equal(runs.undo_zero_runs([256], 1), b"\xff", "the rank 255")
    for symbols, limit in [
        ([0, 9, 1, 1], 7),
        ([9], 0),
        ([0], 0),
        ([1], 1),
        ([0] * 40, 1 << 20),
        ([1] * 300, 1 << 20),
        ([0, 5, 5, 5], 3),
        ([257], 5),
        ([-1], 5),
    ]:
        expect.raises("ValueError", runs.undo_zero_runs, symbols, limit)


@law(
    exercise="compress",
    points=3,
    hint="Put the file of b'a' down bit by bit: 32 bits of size, 32 of the block's size, a 0, 8 bits of the letter. "
    "Write a block as it is unless the coded form, its two numbers counted, takes fewer bits. Each block is sorted "
    "and ranked on its own.",
    examples=25,
)
@given(data=contract.texts.map(lambda data: data[:300]), block=st.sampled_from([1, 7, 64, 150, 1 << 20]))
@example(data=b"", block=1 << 20)
@example(data=b"a", block=1)
@example(data=b"a" * 100, block=1 << 20)
@example(data=b"abracadabra" * 20, block=100)
@example(data=b"aaaa" + bytes(8), block=12)
@example(data=b"a" * 13, block=13)
@example(data=b"a" * 14, block=14)
def test_file_is_as_documented(runs, data, block):
    """The file is as documented, bit for bit; stored blocks keep it from growing by much."""
    got = runs.compress(data, block)
    expect.kind(got, bytes, "the compressed data")
    expect.equal(got, file_of(data, block), "the compressed data")
    blocks = -(-len(data) // block)
    expect.true(len(got) <= len(data) + 8 + (blocks + 7) // 8, "it grew by more than its header", got=got)


@law(
    exercise="decompress",
    points=2,
    hint="Read the fields in the order in which compress writes them. The last block is shorter than the others: "
    "its size is what is still missing of the whole.",
    examples=20,
)
@given(data=contract.texts, block=st.sampled_from([1, 7, 64, 150]))
@example(data=b"", block=7)
@example(data=b"abracadabra" * 20, block=100)
@example(data=b"a" * 128, block=64)
@example(data=b"abc", block=1)
def test_file_round_trip(runs, elsewhere, data, block):
    """Another process gets back exactly the bytes that were compressed, in one block or in many."""
    contract.comes_back(runs.compress, elsewhere.decompress, data)
    expect.equal(
        elsewhere.decompress(file_of(data[:300], block)), data[:300], "what came back of many blocks"
    )


@law(
    exercise="decompress",
    points=1,
    hint="BitReader raises EOFError where bits are missing: turn it into ValueError. And when the data is complete, "
    "fewer than eight bits may be left in the file.",
)
def test_damaged_files_are_refused(runs):
    """A file cut short anywhere, or with a byte too many, is refused with ValueError."""
    for data, block in [(b"", 5), (b"a", 5), (b"abracadabra" * 9, 50), (b"a" * 70 + bytes(range(40)), 70)]:
        blob = file_of(data, block)
        expect.equal(runs.decompress(blob), data, "the undamaged file")
        contract.refuses_damage(runs.decompress, blob, steps=30)


@law(
    exercise="is_pack_bits",
    points=2,
    examples=3,
    hint="Each promise needs data of its own: pairs between literals, and a multiple of 128 literals, for growth; 129 "
    "equal bytes for the limit of a run; and one long run to see that runs are used at all.",
)
@given(order=st.permutations(range(9)))
def test_your_law_tells_right_from_wrong(runs, order):
    """Your law accepts packets of two kinds that keep the promises, and refuses seven that don't."""

    def packed(data, shortest=3, longest=128, full=128, end=True):
        output, literals = b"", b""
        for symbol, group in groupby(data):
            rest = len(list(group))
            while rest:
                length = min(rest, longest)
                rest -= length
                if length < shortest:
                    literals += bytes([symbol]) * length
                    continue
                output += written(literals, full) + bytes([(257 - length) % 256, symbol])
                literals = b""
        return output + (written(literals, full) if end else b"")

    def written(literals, full):
        cut = [literals[start : start + full] for start in range(0, len(literals), full)]
        return b"".join(bytes([len(piece) - 1]) + piece for piece in cut)

    right = [
        ("packets of runs of three and more", packed),
        ("packets of runs of four and more", lambda data: packed(data, shortest=4)),
    ]
    wrong = [
        ("packets that part literals at every pair", lambda data: packed(data, shortest=2)),
        ("packets of literals only", lambda data: packed(data, shortest=1000)),
        ("packets of runs of up to 129", lambda data: packed(data, longest=129)),
        ("packets of up to 100 literals, which are too many", lambda data: packed(data, full=100)),
        ("packets of up to 129 literals", lambda data: packed(data, full=129)),
        ("packets without the literals at the end", lambda data: packed(data, end=False)),
        ("packets and a byte too many", lambda data: packed(data) + b"\x80"),
    ]
    for number in order:
        name, candidate = (right + wrong)[number]
        expect.equal(runs.is_pack_bits(candidate), number < len(right), f"your law on {name}")

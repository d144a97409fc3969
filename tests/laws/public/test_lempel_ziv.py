"""The public laws of lesson 4."""

from functools import lru_cache

from hypothesis import example, given
from hypothesis import strategies as st

from autograder.laws import contract, expect, law

SONG = b"do re re re do re"  # the pencil example
PENS = b"pen ends pends"  # the pencil example of lazy matching
FAR = 100_000  # a window, a length or a depth that shuts nothing out

# A picture of 16 by 6 points in four colours, and the data of the GIF that Pillow 13 made of it.
PICTURE = b"".join(
    [
        b"\0" * 16,
        b"\0\1" * 8,
        b"\0\1\2\3" * 4,
        b"\3" * 16,
        b"\2\2\1\1" * 4,
        b"\0\0\0\1\1\1\2\2\2\3\3\3\0\1\2\3",
    ]
)
PICTURE_DATA = bytes.fromhex(
    "0001081c48b0a0c00000102a4cc8706100010312429418f1e1808b18336abc28404080871e417eecf871e04790102f520c08"
)


def picked(raw, values):
    """Pick a value for each byte: one string of bytes is drawn sooner than a list, entry by entry."""
    return [values[byte % len(values)] for byte in raw]


WORDS = [b"a", b"a", b"b", b"ab", b"abc", b"bcab", b"cc", b"do re ", b"aaaa", b"xyzzy", b"\x00\xff"]
phrases = st.binary(max_size=16).map(lambda raw: b"".join(picked(raw, WORDS)))
mixed = st.one_of(phrases, phrases, contract.texts)
windows = st.sampled_from([1, 2, 3, 4, 7, 11, 12, 20, FAR])
longests = st.sampled_from([3, 4, 5, 6, 9, 258, 258])


@lru_cache(maxsize=100_000)
def longest_match(data, place, window, longest, shortest=3):
    """Return the longest match, the nearest among equals, by asking for every length, the longest first."""
    for length in range(min(longest, len(data) - place), shortest - 1, -1):
        source = data.rfind(data[place : place + length], max(0, place - window), place + length - 1)
        if source >= 0:
            return length, place - source
    return 0, 0


@lru_cache(maxsize=1000)
def parsed(data, window, longest, lazy, shortest=3):
    """Return the tokens of the data, place by place."""
    tokens, place = [], 0
    while place < len(data):
        match = longest_match(data, place, window, longest, shortest)
        if lazy and match[0] and longest_match(data, place + 1, window, longest)[0] > match[0]:
            match = (0, 0)
        tokens.append(match if match[0] else data[place])
        place += match[0] or 1
    return tokens


def grown(raw, history):
    """Make tokens that reach back no further than they may, one of two bytes each."""
    tokens, size = [], len(history)
    for kind, how_far in zip(raw[::2], raw[1::2], strict=False):
        if kind < 120 or not size:
            tokens.append(how_far)
            size += 1
        else:
            distance = 1 + how_far % min(size, 5 if kind < 200 else size)
            length = [3, 4, 7, 30, 258][kind % 5] if kind % 3 else 3 + kind % 9
            tokens.append((length, distance))
            size += length
    return tokens


def spelled(tokens, history):
    """Copy byte by byte."""
    data = list(history)
    for token in tokens:
        if isinstance(token, int):
            data.append(token)
        else:
            for _ in range(token[0]):
                data.append(data[-token[1]])
    return bytes(data[len(history) :])


def linked(data):
    """Return the chain of each place: the last place before it with the same three bytes."""
    return [data.rfind(data[p : p + 3], 0, p + 2) if p + 3 <= len(data) else -1 for p in range(len(data))]


def packed(codes, width):
    """Write codes as a GIF does, by the list that its reader would have."""
    bits, size, entries = [], width + 1, None
    for code in codes:
        bits += [code >> i & 1 for i in range(size)]
        if code == 1 << width:
            size, entries = width + 1, None
            continue
        entries = (1 << width) + 2 if entries is None else entries + 1
        if entries == 1 << size and size < 12:
            size += 1
    bits += [0] * (-len(bits) % 8)
    return bytes(sum(bit << i for i, bit in enumerate(bits[at : at + 8])) for at in range(0, len(bits), 8))


def data_and_bits(got):
    """Return what lzw_decode returned, once it is seen to be the data and a number of bits."""
    expect.kind(got, tuple, "what lzw_decode returns")
    expect.true(len(got) == 2, "lzw_decode should return the data and the number of bits", got=got)
    return got


def none_but(lengths):
    """Return lesson 3's header of a code with these lengths, given for the byte values in order."""
    header = b""
    for length, values in lengths:
        full, more = divmod(values, 16)
        header += bytes([length << 4 | 15]) * full + bytes([length << 4 | more - 1] * (more > 0))
    return header


def lone(symbol, count):
    """Return lesson 3's file of one symbol, `count` times."""
    header = none_but([(0, symbol), (1, 1), (0, 255 - symbol)])
    return count.to_bytes(4, "big") + header + bytes((count + 7) // 8)


def two(first, second, bits, count):
    """Return lesson 3's file of two symbols; the bits are a byte, 0 for the first and 1 for the second."""
    between = [(0, second - first - 1)]
    ones = [(1, 2)] if second == first + 1 else [(1, 1), *between, (1, 1)]
    header = none_but([(0, first), *ones, (0, 255 - second)])
    return count.to_bytes(4, "big") + header + bytes([bits])


NOTHING = bytes(4) + none_but([(0, 256)])  # lesson 3's file of nothing


def together(size, parts):
    """Put a size and five coded parts into a file."""
    return size.to_bytes(4, "big") + b"".join(len(part).to_bytes(4, "big") + part for part in parts)


@law(
    exercise="expand",
    points=1,
    hint="A copy longer than its distance runs into bytes that it has just written. Copy byte by byte, or repeat "
    "the last `distance` bytes until there are enough.",
)
def test_song_is_told_in_seven_tokens(lempel_ziv):
    """The pencil example: seven tokens tell the song, and a copy may run into itself."""
    song = [*b"do re", (7, 3), (5, 12)]
    expect.equal(lempel_ziv.expand(song), SONG, "the song")
    expect.equal(lempel_ziv.expand([108, 97, (5, 2)]), b"lalalal", "la, and five more from two back")
    expect.equal(lempel_ziv.expand([0, (258, 1)]), bytes(259), "a zero, and 258 more")
    expect.equal(lempel_ziv.expand([(4, 4), 33], b"tell"), b"tell!", "a copy of the history")
    expect.equal(lempel_ziv.expand([], b"history"), b"", "no tokens after a history")


@law(
    exercise="expand",
    points=2,
    hint="Count the distance back from the end of what is there, history included, at the moment when the token is "
    "read. Leave the history out of the answer.",
    examples=25,
)
@given(raw=st.binary(max_size=40), history=st.sampled_from([b"", b"", b"a", b"ab", bytes(range(40))]))
@example(raw=bytes([0, 7, 255, 0, 0, 9, 254, 1]), history=b"")
def test_copies_are_made_byte_by_byte(lempel_ziv, raw, history):
    """The data is that of a copy made byte by byte, with and without a history."""
    tokens = grown(raw, history)
    expect.equal(lempel_ziv.expand(tokens, history), spelled(tokens, history), f"what {tokens!r} tell")


@law(
    exercise="expand",
    points=1,
    hint="Python takes a negative index for one from the end, so nothing stops by itself. Compare each distance with "
    "1 and with the number of bytes that are there, history included.",
)
def test_distance_reaches_what_is_there(lempel_ziv):
    """A distance of 0, a negative one, or one that reaches back too far is refused with ValueError."""
    expect.equal(lempel_ziv.expand([1, 2, (3, 2)]), b"\1\2\1\2\1", "a distance of all that is there")
    expect.equal(lempel_ziv.expand([1, (3, 4)], b"abc"), b"\1abc", "a distance of all, history included")
    for tokens, history in [
        ([(3, 1)], b""),
        ([1, 2, (3, 3)], b""),
        ([1, (3, 5)], b"abc"),
        ([1, 2, (3, 0)], b"abc"),
        ([1, 2, (3, -1)], b"abc"),
        ([1, (9, 1), (3, 11)], b""),
    ]:
        expect.raises("ValueError", lempel_ziv.expand, tokens, history)


@law(
    exercise="match_length",
    points=2,
    hint="Compare data[source + k] with data[place + k] for k = 0, 1, 2, … and stop at the first difference, at "
    "`longest`, or at the end of the data. Going past `place` is no reason to stop.",
    examples=25,
)
@given(data=mixed, source=st.integers(0, 60), apart=st.integers(1, 30), longest=longests)
@example(data=SONG, source=2, apart=3, longest=258)
@example(data=b"a" * 300, source=0, apart=1, longest=258)
@example(data=b"a" * 300, source=0, apart=299, longest=258)
def test_length_runs_to_the_first_difference(lempel_ziv, data, source, apart, longest):
    """As many bytes are equal as are counted one by one, past the second place if need be."""
    place = source + apart
    data += bytes(max(0, place + 1 - len(data)))
    pairs = zip(data[source:], data[place:], strict=False)
    same = "".join("=" if a == b else "!" for a, b in pairs)[:longest] + "!"
    expect.equal(lempel_ziv.match_length(data, source, place, longest), same.index("!"), "the length")


@law(
    exercise="naive_match",
    points=2,
    hint="Try distance 1 first, then 2, up to the window or the start of the data, and keep a match only if it is "
    "longer than the best so far. One of fewer than 3 bytes is none: (0, 0).",
    examples=25,
)
@given(data=mixed, where=st.integers(0, 40), window=windows, longest=longests)
@example(data=SONG, where=5, window=FAR, longest=258)
@example(data=SONG, where=12, window=12, longest=258)
@example(data=SONG, where=12, window=11, longest=258)
@example(data=b"abc-abcd-abce-abcd", where=14, window=FAR, longest=3)
@example(data=b"abcd.abcx.abcd", where=10, window=FAR, longest=258)
@example(data=b"ab-ab", where=3, window=FAR, longest=258)
@example(data=b"abc-abc", where=4, window=FAR, longest=258)
@example(data=b"", where=0, window=FAR, longest=258)
def test_every_distance_is_tried(lempel_ziv, data, where, window, longest):
    """The match is the longest in the window, and the nearest of those."""
    place = where % len(data) if data else 0
    got = lempel_ziv.naive_match(data, place, window, longest)
    expect.equal(got, longest_match(data, place, window, longest), f"(length, distance) at place {place}")


@law(
    exercise="chains",
    points=2,
    hint="Keep a dictionary from three bytes to the place where they began last. Look the three bytes up BEFORE you "
    "enter their new place; the last two places have no three bytes.",
    examples=15,
)
@given(data=mixed)
@example(data=SONG)
@example(data=b"abcabcab")
@example(data=b"ab")
@example(data=b"abc")
@example(data=b"")
def test_chain_leads_to_the_same_three_bytes(lempel_ziv, data):
    """Each place is linked to the last place before it with the same three bytes, or to -1."""
    expect.equal(lempel_ziv.chains(data), linked(data), "the chain")


@law(
    exercise="chained_match",
    points=2,
    hint="Start at chain[place] and go on to the chain's next place until it leaves the window. Compare by "
    "match_length, and keep the first of several that are equally long.",
    examples=25,
)
@given(data=mixed, where=st.integers(0, 40), window=windows, longest=longests)
@example(data=SONG, where=5, window=FAR, longest=258)
@example(data=SONG, where=12, window=12, longest=258)
@example(data=SONG, where=12, window=11, longest=258)
@example(data=b"abcd-abc-abcd", where=9, window=9, longest=3)
def test_chain_finds_what_trying_all_finds(lempel_ziv, data, where, window, longest):
    """With depth to spare, the chain gives the match that trying every distance gives."""
    if data:
        place = where % len(data)
        got = lempel_ziv.chained_match(data, place, linked(data), window, longest, FAR)
        expect.equal(got, longest_match(data, place, window, longest), f"(length, distance) at place {place}")


@law(
    exercise="chained_match",
    points=1,
    hint="Count every place of the chain that you look at, whether it was better or not, and stop after `depth` "
    "of them.",
)
def test_depth_counts_places_of_the_chain(lempel_ziv):
    """Depth 1 looks at the nearest place alone, depth 2 at two, and so on."""
    data = b"abcdef.abcde.abcd.abc.abcdefg"
    place, chain = data.rindex(b"abcdefg"), linked(data)
    for depth, match in [(1, (3, 4)), (2, (4, 9)), (3, (5, 15)), (4, (6, 22)), (9, (6, 22))]:
        got = lempel_ziv.chained_match(data, place, chain, FAR, 258, depth)
        expect.equal(got, match, f"(length, distance) with depth {depth}")
    data = b"abcd.abcx.abcy.abcz.abcd"
    place, chain = data.rindex(b"abcd"), linked(data)
    for depth, match in [(1, (3, 5)), (3, (3, 5)), (4, (4, 20))]:
        got = lempel_ziv.chained_match(data, place, chain, FAR, 258, depth)
        expect.equal(got, match, f"(length, distance) with depth {depth}")


@law(
    exercise="tokens",
    points=1,
    hint="At each place: take the match if there is one and move on by its length; otherwise write the byte and move "
    "on by 1. Being lazy, look at the next place first, and write a literal if its match is longer.",
)
def test_song_and_pens_by_hand(lempel_ziv):
    """The pencil examples come out as worked out by hand, greedy and lazy."""
    song = [*b"do re", (7, 3), (5, 12)]
    expect.equal(lempel_ziv.tokens(SONG), song, "the tokens of the song")
    expect.equal(lempel_ziv.tokens(SONG, lazy=False), song, "the greedy tokens of the song")
    greedy = [*b"pen ends ", (3, 9), *b"ds"]
    expect.equal(lempel_ziv.tokens(PENS, lazy=False), greedy, "the greedy tokens of the pens")
    expect.equal(lempel_ziv.tokens(PENS), [*b"pen ends p", (4, 6)], "the lazy tokens of the pens")
    expect.equal(lempel_ziv.tokens(b""), [], "the tokens of nothing")
    expect.equal(lempel_ziv.tokens(b"aaa"), [97, 97, 97], "the tokens of three letters")
    expect.equal(lempel_ziv.tokens(b"aaaa"), [97, (3, 1)], "the tokens of four letters")


@law(
    exercise="tokens",
    points=2,
    hint="After a match, the next token begins where the match ends. Hand the window and the longest length on to "
    "the search, and don't look ahead when `lazy` is False.",
    examples=25,
)
@given(data=mixed, window=windows, longest=longests)
@example(data=SONG, window=11, longest=5)
def test_greedy_tokens_take_the_longest_match(lempel_ziv, data, window, longest):
    """Greedy tokens are those of the search through every distance, within both limits."""
    got = lempel_ziv.tokens(data, window, longest, FAR, False)
    expect.equal(got, parsed(data, window, longest, False), "the tokens")


@law(
    exercise="tokens",
    points=3,
    hint="A match gives way only to a LONGER one at the very next place, and that one may give way in turn. What "
    "gives way is written as a literal.",
    examples=25,
)
@given(data=mixed, window=windows, longest=longests)
@example(data=PENS, window=FAR, longest=258)
@example(data=b"abc bcde cdefg abcdefg", window=FAR, longest=258)
@example(data=PENS, window=8, longest=3)
def test_lazy_tokens_give_way_to_longer_matches(lempel_ziv, data, window, longest):
    """A lazy match is taken unless the next place has a longer one, again and again."""
    got = lempel_ziv.tokens(data, window, longest, FAR, True)
    expect.equal(got, parsed(data, window, longest, True), "the tokens")


@law(
    exercise="tokens",
    points=1,
    hint="Make the chain once, not at every place, and search along it: trying every distance takes too long here. "
    "Stop a search at a match that can't be longer.",
)
def test_long_runs_take_no_long_time(lempel_ziv):
    """A run of 20,000 letters and a text of two words take a moment, and a token for every 258 bytes."""
    run = lempel_ziv.tokens(b"a" * 20_000)
    expect.equal(run, [97, *[(258, 1)] * 77, (133, 1)], "the tokens of the run")
    word = lempel_ziv.tokens(b"over and " * 2_000)
    expect.equal(word, [*b"over and ", *[(258, 9)] * 69, (189, 9)], "the tokens of the text")


@law(
    exercise="to_parts",
    points=1,
    hint="Count the literals since the last match. At a match, write that count and start again; when the count "
    "reaches 255, write 255 and start again, too.",
)
def test_parts_by_hand(lempel_ziv):
    """Tokens are taken apart as documented, and runs of 255 literals go on in the next byte."""
    song = [b"do re", b"\x05\x00", b"\x04\x02", b"\x00\x00", b"\x02\x0b"]
    expect.equal(lempel_ziv.to_parts([*b"do re", (7, 3), (5, 12)]), song, "the parts of the song")
    expect.equal(lempel_ziv.to_parts([]), [b""] * 5, "the parts of nothing")
    expect.equal(lempel_ziv.to_parts([1, 2, 3]), [b"\1\2\3", b"", b"", b"", b""], "three literals")
    far = lempel_ziv.to_parts([5, (3, 256), (258, 257), (4, 32768), 6])
    expect.equal(far, [b"\5\6", b"\1\0\0", b"\x00\xff\x01", b"\x00\x01\x7f", b"\xff\x00\xff"], "far matches")
    for literals, runs in [(254, [254]), (255, [255, 0]), (256, [255, 1]), (510, [255, 255, 0])]:
        parts = lempel_ziv.to_parts([7] * literals + [(3, 1)] + [8] * 255)
        expect.equal(
            parts[1], bytes([*runs, 255]), f"the runs of {literals} literals, a match and 255 literals"
        )
    for unfit in [(2, 1), (259, 1), (3, 0), (3, 65537)]:
        expect.raises("ValueError", lempel_ziv.to_parts, [1, unfit])


@law(
    exercise="from_parts",
    points=1,
    hint="For each run, put that many literals, and a match after them unless the run is 255. What is left of the "
    "literals comes last.",
    examples=15,
)
@given(tokens=st.binary(max_size=40).map(lambda raw: grown(raw, b"")))
@example(tokens=[*b"do re", (7, 3), (5, 12)])
@example(tokens=[1] * 255 + [(3, 1)] + [2] * 600 + [(258, 700), (3, 32768)])
@example(tokens=[1] * 254 + [(3, 1)])
@example(tokens=[(3, 1)])
def test_parts_come_together_again(lempel_ziv, elsewhere, tokens):
    """Another process puts the parts together, and has the tokens."""
    parts = lempel_ziv.to_parts(tokens)
    expect.kind(parts, list, "the parts")
    for number, part in enumerate(parts):
        expect.kind(part, bytes, f"part {number}")
    expect.equal(elsewhere.from_parts(parts), tokens, "the tokens")


@law(
    exercise="from_parts",
    points=1,
    hint="Count first: the runs below 255 are as many as the matches, in each of the three parts that tell of them, "
    "and all runs together are not more than the literals.",
)
def test_parts_that_differ_are_refused(lempel_ziv):
    """Parts that tell of different numbers of matches or literals are refused with ValueError."""
    good = [b"abc", b"\x01\x02", b"\x00\x05", b"\x00\x00", b"\x00\x02"]
    expect.equal(lempel_ziv.from_parts(good), [97, (3, 1), 98, 99, (8, 3)], "parts that fit")
    longer = [b"abcd", *good[1:]]
    expect.equal(
        lempel_ziv.from_parts(longer), [97, (3, 1), 98, 99, (8, 3), 100], "a literal after the last match"
    )
    for number in range(5):
        for damaged in (good[number][:-1], good[number] + b"\x01")[: 2 if number else 1]:
            parts = [*good[:number], damaged, *good[number + 1 :]]
            expect.raises("ValueError", lempel_ziv.from_parts, parts)
    expect.raises("ValueError", lempel_ziv.from_parts, [b"abc", b"\xff", b"", b"", b""])
    expect.raises("ValueError", lempel_ziv.from_parts, [b"", b"\x00", b"", b"", b""])


@law(
    exercise="compress",
    points=1,
    hint="Four bytes of size, highest first; then for each of the five parts, in order, four bytes of the size of its "
    "Huffman file and that file.",
)
def test_file_is_as_documented(lempel_ziv):
    """Files whose codes leave no choice come out as documented, byte for byte."""
    run = [lone(97, 1), lone(1, 1), lone(17, 1), lone(0, 1), lone(0, 1)]
    syllables = [two(97, 98, 0x40, 2), lone(2, 1), lone(1, 1), lone(0, 1), lone(1, 1)]
    zeros = [lone(0, 1), two(0, 1, 0x80, 2), two(0, 255, 0x80, 2), lone(0, 2), lone(0, 2)]
    for data, parts in [
        (b"", [NOTHING] * 5),
        (b"aaa", [lone(97, 3), *[NOTHING] * 4]),
        (b"a" * 21, run),
        (b"ababab", syllables),
        (bytes(1 + 258 + 3), zeros),
    ]:
        expect.equal(lempel_ziv.compress(data), together(len(data), parts), f"the file of {data[:8]!r}")


@law(
    exercise="decompress",
    points=2,
    hint="Read a size and as many bytes, five times; lesson 3 opens each part. Put the tokens together and expand "
    "them.",
    examples=15,
)
@given(data=mixed)
@example(data=SONG)
@example(data=bytes(range(256)) * 2 + bytes(600))
def test_file_round_trip(lempel_ziv, elsewhere, data):
    """Another process gets back exactly the bytes that were compressed."""
    blob = contract.comes_back(lempel_ziv.compress, elsewhere.decompress, data)
    expect.equal(blob[:4], len(data).to_bytes(4, "big"), "the size, in the first 4 bytes")


@law(
    exercise="decompress",
    points=1,
    hint="Before you take a part, see that the blob goes on that far; after the fifth, that it ends. Add up what the "
    "tokens tell before you expand them, and compare with the size.",
)
def test_damaged_file_is_refused(lempel_ziv):
    """A file cut short, with a byte too many or a wrong size is refused; a bit turned does no other harm."""
    data = b"one fish two fish red fish blue fish"
    blob = contract.comes_back(lempel_ziv.compress, lempel_ziv.decompress, data)
    contract.refuses_damage(lempel_ziv.decompress, blob, steps=25)
    for size in (0, len(data) - 1, len(data) + 1, 1 << 31):
        wrong = size.to_bytes(4, "big") + blob[4:]
        expect.raises("ValueError", lempel_ziv.decompress, wrong, what=f"a size of {size}, not {len(data)}")
    contract.survives_flips(lempel_ziv.decompress, blob, data, checksum=False, steps=30)


@law(
    exercise="code_width",
    points=1,
    hint="Which is the largest code that could come? At first it is the end code, 2 ** width + 1, and each code sent "
    "raises it by 1. Its bits are the width, until they would be more than 12.",
)
def test_width_grows_when_it_must(lempel_ziv):
    """Codes grow by a bit when the largest that could come needs it, and never past 12 bits."""
    for width, sent, bits in [
        *[(2, n, 3) for n in range(3)],
        *[(2, n, 4) for n in range(3, 11)],
        (2, 11, 5),
        *[(8, 0, 9), (8, 254, 9), (8, 255, 10), (8, 766, 10), (8, 767, 11), (8, 1790, 11), (8, 1791, 12)],
        *[(8, 3838, 12), (8, 3839, 12), (8, 100_000, 12), (4, 14, 5), (4, 15, 6), (7, 4000, 12)],
    ]:
        got = lempel_ziv.code_width(sent, width)
        expect.equal(got, bits, f"the bits of a code after {sent} others, with symbols of {width} bits")


@law(
    exercise="lzw_encode",
    points=2,
    hint="Follow the data while the phrase is on the list. When it isn't, send the code of what was on it, add the "
    "phrase that wasn't, and begin anew with the symbol that didn't fit. Don't forget the last phrase.",
)
def test_syllables_by_hand(lempel_ziv):
    """The pencil example, a row of zeros and nothing at all come out as worked out by hand."""
    for data, width, codes in [
        (b"lalalal", 8, [256, 108, 97, 258, 260, 257]),
        (b"", 8, [256, 257]),
        (b"a", 8, [256, 97, 257]),
        (bytes(10), 2, [4, 0, 6, 7, 8, 5]),
        (bytes(11), 2, [4, 0, 6, 7, 8, 0, 5]),
        (SONG, 8, [256, *b"do re", 260, 262, 261, 32, 258, 263, 257]),
        (b"\x03\x03\x00\x01\x03\x03\x00", 2, [4, 3, 3, 0, 1, 6, 0, 5]),
    ]:
        expect.equal(
            lempel_ziv.lzw_encode(data, width), packed(codes, width), f"the codes {codes} of {data!r}"
        )
    expect.raises("ValueError", lempel_ziv.lzw_encode, b"\x00\x04", 2, what="symbol 4 in 2 bits")
    for width in (0, 1, 9):
        expect.raises("ValueError", lempel_ziv.lzw_encode, b"\x00", width)


@law(
    exercise="lzw_decode",
    points=2,
    hint="The list grows by the phrase before with the first symbol of this one. If this code is the one that is just "
    "being made, its first symbol is that of the phrase before.",
    examples=15,
)
@given(data=mixed, tail=contract.junk)
@example(data=b"lalalal", tail=b"")
@example(data=SONG * 30, tail=b"\x00")
def test_codes_round_trip(lempel_ziv, elsewhere, data, tail):
    """Another process reads the data back, with the number of its bits, whatever follows."""
    for width in (8, 2):
        symbols = bytes(byte & (1 << width) - 1 for byte in data)
        blob = lempel_ziv.lzw_encode(symbols, width)
        expect.kind(blob, bytes, "the codes")
        got, bits = data_and_bits(contract.stops_where_it_ends(elsewhere.lzw_decode, blob, tail, width))
        expect.equal(got, symbols, "the data")
        expect.kind(bits, int, "the number of bits")
        expect.true((bits + 7) // 8 == len(blob), f"the bits should fill {len(blob)} bytes", got=bits)


@law(
    exercise="lzw_decode",
    points=1,
    hint="Follow the first codes by hand, list and all. Mind that a code may be the one that its own phrase gets.",
)
def test_picture_that_another_program_wrote(lempel_ziv):
    """The data of a GIF that Pillow wrote gives its picture, and codes made by hand give theirs."""
    expect.equal(data_and_bits(lempel_ziv.lzw_decode(PICTURE_DATA))[0], PICTURE, "the picture")
    for codes, data in [
        ([256, 108, 97, 258, 260, 257], b"lalalal"),
        ([256, 97, 258, 259, 260, 257], b"a" * 10),
        ([97, 98, 258, 256, 99, 258, 256, 256, 100, 257], b"ababcccd"),
        ([256, 97, 98, 258, 97, 260, 257], b"abab" + b"a" + b"aba"),
    ]:
        got = data_and_bits(lempel_ziv.lzw_decode(packed(codes, 8)))[0]
        expect.equal(got, data, f"the data of the codes {codes}")


@law(
    exercise="lzw_decode",
    points=1,
    hint="A code may be one above the list's last, for that phrase is made now, but no higher; and right after a "
    "clear code nothing is made, so there only a single symbol can come.",
)
def test_codes_without_a_phrase_are_refused(lempel_ziv):
    """Codes cut short or without a phrase, and a width of no GIF, are refused with ValueError."""
    good = packed([256, 108, 97, 258, 260, 257], 8)
    expect.equal(lempel_ziv.lzw_decode(good), (b"lalalal", 54), "the undamaged codes")
    for kept in range(len(good)):
        expect.raises("ValueError", lempel_ziv.lzw_decode, good[:kept], what=f"{kept} of its bytes")
    for codes in (
        [256, 258, 257],
        [258, 257],
        [256, 97, 259, 257],
        [256, 97, 98, 260, 257],
        [256, 97, 98, 256, 258, 257],
    ):
        expect.raises("ValueError", lempel_ziv.lzw_decode, packed(codes, 8), what=f"the codes {codes}")
    for width in (0, 1, 9):
        expect.raises("ValueError", lempel_ziv.lzw_decode, good, width)


@law(
    exercise="is_tokenizer",
    points=1,
    examples=3,
    hint="Expand what the candidate gives and compare. Look at each match's length and distance. And count the "
    "tokens of a text that repeats itself.",
)
@given(order=st.permutations(range(9)))
def test_your_law_tells_right_from_wrong(lempel_ziv, order):
    """Your law accepts greedy and lazy tokens, and refuses those that lose data, break a limit or find nothing."""

    def greedy(data, window, longest):
        return parsed(data, window, longest, False)

    def lazy(data, window, longest):
        return parsed(data, window, longest, True)

    def too_far_back(data, window, longest):
        return [(t[0], t[1] + 1) if isinstance(t, tuple) else t for t in greedy(data, window, longest)]

    right = [("greedy tokens", greedy), ("lazy tokens", lazy)]
    wrong = [
        ("literals alone", lambda data, *_: list(data)),
        ("no tokens at all", lambda *_: []),
        ("tokens that reach beyond the window", lambda data, _, longest: greedy(data, FAR, longest)),
        ("tokens that are too long", lambda data, window, _: greedy(data, window, FAR)),
        ("distances one too large", too_far_back),
        ("matches of two bytes", lambda data, window, longest: parsed(data, window, longest, False, 2)),
        ("tokens without the last one", lambda *asked: greedy(*asked)[:-1]),
    ]
    for number in order:
        name, candidate = (right + wrong)[number]
        verdict = lempel_ziv.is_tokenizer(candidate)
        expect.equal(verdict, number < len(right), f"your law on {name}")

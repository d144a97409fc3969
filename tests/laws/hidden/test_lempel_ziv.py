"""The hidden laws of lesson 4: larger inputs, the reference, and planted bugs."""

import random
from functools import lru_cache

from hypothesis import example, given
from hypothesis import strategies as st

from autograder.laws import contract, expect, law

# The planted bugs that change what `tokens` returns for a short text.
BUGS_IN_TOKENS = [
    "match_ends_before_the_place",
    "place_is_linked_to_itself",
    "what_gives_way_is_lost",
    "limits_are_not_handed_on",
]

PIECES = [b"the ", b"heather ", b"other ", b"there", b"he", b"thermal", b"\n", b"and ", b"hand", b"x", b"eee"]
texts = st.binary(max_size=90).map(lambda raw: b"".join(PIECES[byte % len(PIECES)] for byte in raw))


@lru_cache(maxsize=20)
def noise(size, below):
    """Make bytes that nothing foretells, the same ones each time."""
    dice = random.Random(size)
    return bytes(dice.randrange(below) for _ in range(size))


@lru_cache(maxsize=20)
def once(function, *arguments):
    """Return what a function of the reference returns; it is asked once, however many are judged."""
    return function(*arguments)


@lru_cache(maxsize=20)
def other_codes(data, width, most):
    """Return the codes of a writer that stops at `most` phrases: at 4,096 for good, earlier to clear twice."""
    start = {bytes([symbol]): symbol for symbol in range(1 << width)}
    codes, phrase, phrases = [1 << width], b"", dict(start)
    for symbol in data:
        longer = phrase + bytes([symbol])
        if longer not in phrases:
            codes.append(phrases[phrase])
            if len(phrases) + 2 < most:
                phrases[longer] = len(phrases) + 2
            elif most < 4096:
                codes += [1 << width] * 2
                phrases = dict(start)
            longer = bytes([symbol])
        phrase = longer
    return [*codes, phrases[phrase], (1 << width) + 1]


@law(
    exercise="expand",
    points=1,
    hint="Expand the first half of some tokens, then the second half with the first half's data as its history: "
    "together it must be all the data.",
    examples=15,
)
@given(data=texts, cut=st.integers(0, 60))
@example(data=b"ab" * 200, cut=2)
def test_data_may_be_expanded_in_pieces(lempel_ziv, reference, data, cut):
    """Tokens expanded in two pieces, the first one's data being the history of the second, give the data."""
    tokens = reference.tokens(data)
    first = lempel_ziv.expand(tokens[:cut])
    expect.kind(first, bytes, "the first piece")
    second = lempel_ziv.expand(tokens[cut:], first)
    expect.kind(second, bytes, "the second piece")
    expect.equal(first + second, data, "both pieces")


@law(
    exercise="tokens",
    points=3,
    hint="Try a long text with depth 1 and 2, and compare with what naive_match finds at each place: the distances "
    "may be shorter, and nothing else. Depth, window and longest length all have to reach the search.",
    examples=15,
)
@given(data=texts, depth=st.sampled_from([1, 2, 3, 16]), lazy=st.booleans())
@example(data=bytes(700) + b"\x01" + bytes(520), depth=1, lazy=True)
@example(data=b"the other heather there " * 20, depth=2, lazy=True)
def test_longer_texts_at_every_depth(lempel_ziv, reference, data, depth, lazy):
    """Longer texts have the reference's tokens at every depth, lazy or not, whatever the limits."""
    for window, longest in [(32768, 258), (40, 258), (300, 7)]:
        got = lempel_ziv.tokens(data, window, longest, depth, lazy)
        expected = reference.tokens(data, window, longest, depth, lazy)
        expect.equal(got, expected, f"the tokens for a window of {window} and matches up to {longest}")


@law(
    exercise="tokens",
    points=1,
    hint="A distance of exactly the window's size is allowed, and one more is not. Ask for the defaults by calling "
    "tokens(data) alone.",
)
def test_window_ends_where_it_should(lempel_ziv):
    """A needle is found 32,768 bytes back, and a thread is not found 32,769 bytes back."""
    data = b"thread-needle" + bytes(32756) + b"threadneedle"
    got = lempel_ziv.tokens(data)
    expect.kind(got, list, "the tokens")
    expect.equal(got[-7:], [*b"thread", (6, 32768)], "the tokens of thread and needle, once more")


@law(
    exercise="from_parts",
    points=1,
    hint="Look at tokens with more than 255 literals in a row, with none between two matches, and with none at all.",
    examples=12,
)
@given(data=st.one_of(texts, contract.texts))
@example(data=bytes(range(256)) * 2 + bytes(range(255)) + bytes(300))
def test_parts_are_exchanged_with_the_reference(lempel_ziv, reference, data):
    """Parts go both ways between your code and the reference."""
    tokens = reference.tokens(data)
    parts = reference.to_parts(tokens)
    expect.equal(lempel_ziv.to_parts(tokens), parts, "the parts")
    expect.equal(lempel_ziv.from_parts(parts), tokens, "the tokens")


@law(
    exercise="compress",
    points=2,
    hint="Open your file with the docstring of compress beside it. The tokens in it are those that tokens(data) "
    "gives by default.",
    examples=12,
)
@given(data=st.one_of(texts, contract.texts))
@example(data=bytes(range(256)) * 2 + bytes(range(255)) + bytes(300))
@example(data=b"pen ends pends")
def test_files_are_exchanged_with_the_reference(lempel_ziv, reference, data):
    """Files go both ways between your code and the reference, and yours tell the same tokens."""
    blob = lempel_ziv.compress(data)
    expect.kind(blob, bytes, "the file")
    parts, place = [], 4
    try:
        for _ in range(5):
            size = int.from_bytes(blob[place : place + 4], "big")
            parts.append(reference.huffman_decompress(blob[place + 4 : place + 4 + size]))
            place += 4 + size
        tokens = reference.from_parts(parts)
        expect.equal(reference.decompress(blob), data, "your file, opened by the reference")
    except ValueError as problem:
        expect.true(False, f"the reference can't open the file: {problem}", got=blob)
    expect.equal(tokens, reference.tokens(data), "the tokens in your file")
    expect.equal(
        lempel_ziv.decompress(reference.compress(data)), data, "the reference's file, opened by yours"
    )


@law(
    exercise="decompress",
    points=2,
    hint="Four things can be wrong with a file whose parts are all whole: it ends or goes on at the wrong place, its "
    "parts don't fit each other, a match reaches back too far, or the size is another.",
)
def test_parts_that_lie_are_refused(lempel_ziv, reference):
    """Whole parts that don't fit, reach back too far or tell of gigabytes are refused with ValueError."""

    def filed(size, parts):
        coded = [reference.huffman_compress(bytes(part)) for part in parts]
        pieces = [len(part).to_bytes(4, "big") + part for part in coded]
        return [size.to_bytes(4, "big"), *pieces]

    good = filed(5, [b"ab", [2], [0], [0], [1]])
    expect.equal(lempel_ziv.decompress(b"".join(good)), b"ababa", "a file made by hand")
    for name, size, parts in [
        ("a match before any data", 3, [b"", [0], [0], [0], [0]]),
        ("a match that reaches back too far", 5, [b"ab", [2], [0], [0], [2]]),
        ("a length without a run", 5, [b"ab", [], [0], [0], [1]]),
        ("a run of more literals than there are", 5, [b"ab", [3], [0], [0], [1]]),
        ("distances for another match", 5, [b"ab", [2], [0], [0, 0], [1, 1]]),
        ("a gigabyte in place of 5 bytes", 1 << 30, [b"ab", [2], [0], [0], [1]]),
        ("5 bytes in place of 500,000", 5, [b"ab", [2] + [0] * 2000, [255] * 2001, [0] * 2001, [1] * 2001]),
    ]:
        expect.raises("ValueError", lempel_ziv.decompress, b"".join(filed(size, parts)), what=name)
    expect.raises("ValueError", lempel_ziv.decompress, b"".join(good[:5]), what="a file of four parts")
    expect.raises("ValueError", lempel_ziv.decompress, b"".join([*good, good[5]]), what="a file of six parts")
    for place in range(1, 6):
        pieces = [*good[:place], b"\x01" + good[place][1:], *good[place + 1 :]]
        expect.raises("ValueError", lempel_ziv.decompress, b"".join(pieces), what=f"part {place} of 16 MiB")
    wild = reference.compress(noise(600, 256))
    contract.refuses_damage(lempel_ziv.decompress, wild, steps=20)


@law(
    exercise="lzw_encode",
    points=2,
    hint="Once code 4095 has been given to a phrase, send the next code as usual, a clear code after it, and "
    "start with an empty list. Each code before that has its full width.",
)
def test_long_data_fills_the_list(lempel_ziv, reference):
    """Data of more than 4,096 codes is written as by the reference: the list begins anew when it is full."""
    for data, width in [(noise(4600, 256), 8), (noise(1500, 4), 2), (noise(800, 64), 6)]:
        blob = lempel_ziv.lzw_encode(data, width)
        expected = once(reference.lzw_encode, data, width)
        expect.equal(blob, expected, f"the codes of {len(data)} symbols of {width} bits")


@law(
    exercise="lzw_decode",
    points=2,
    hint="A full list stays full: codes go on having 12 bits and nothing is added, until a clear code comes. Other "
    "writers send one late, or early, or never.",
)
def test_other_writers_clear_late_or_never(lempel_ziv, reference):
    """Codes of a writer that never clears a full list, or clears it when it likes, are read."""
    for size, width, most in [(4800, 8, 4096), (900, 3, 100)]:
        data = noise(size, 1 << width)
        blob = reference.pack_codes(other_codes(data, width, most), width)
        expected = once(reference.lzw_decode, blob, width)
        expect.equal(lempel_ziv.lzw_decode(blob, width), expected, f"{size} symbols of {width} bits")
        expect.equal(expected[0], data, "the data that the reference reads")


@law(
    exercise="is_tokenizer",
    points=3,
    examples=4,
    hint="Some mistakes show only for some texts. Try one that a copy running into itself makes short, one where a "
    "literal gives way to a longer match, and a window or a longest length that is just too small.",
)
@given(order=st.permutations(["right", "greedy", *BUGS_IN_TOKENS]))
def test_your_law_meets_planted_bugs(lempel_ziv, reference, bugs, order):
    """Your law accepts our tokens and refuses those of every planted mistake, in whatever order they come."""
    for name in order:
        module = bugs[name] if name in BUGS_IN_TOKENS else reference

        def candidate(data, window, longest, module=module, lazy=name != "greedy"):
            return module.tokens(data, window, longest, 16, lazy)

        verdict = lempel_ziv.is_tokenizer(candidate)
        expect.equal(
            verdict, name not in BUGS_IN_TOKENS, "your law on an implementation, right or with a mistake"
        )

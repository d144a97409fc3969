"""The public laws of lesson 6."""

import itertools
from fractions import Fraction
from math import log2

from hypothesis import example, given
from hypothesis import strategies as st

from autograder.laws import contract, expect, law

TOTAL = 65536

# What the models say of a symbol: fair, skewed, extreme, with symbols that never occur, with sizes that don't
# divide the interval evenly, and sure.
MODELS = [
    [1, 1],
    [9, 1],
    [1, 65535],
    [65535, 1],
    [1, 1, 1],
    [3, 0, 5],
    [0, 7, 0],
    [1, 2, 4, 8, 250],
    [40000, 1, 25535],
    [1],
]
ONES = [32768, 60000, 1, 65535, 655, 32768]
NEAR_HALF = ([1] * 22 + [2] * 12, [[1, 1, 1]] * 34)  # its code carries, and through a digit that is full

FREQUENCIES = [
    [32768, 16384, 16384],
    [60000, 0, 5536],
    [1, 65534, 1],
    [0, 65536],
    [21845, 21846, 21845],
    [65000, 100, 300, 136],
    [256] * 256,
]


def picked(raw, values):
    """Pick a value for each byte: one string of bytes is drawn sooner than a list, entry by entry."""
    return [values[byte % len(values)] for byte in raw]


def symbols_for(models, raw):
    """Choose for each model a symbol that it gives a size."""
    return [
        [symbol for symbol, size in enumerate(model) if size][byte % (len(model) - model.count(0))]
        for model, byte in zip(models, raw, strict=True)
    ]


def messages(most):
    """Draw (symbols, models) of at most so many symbols."""
    pairs = st.binary(max_size=2 * most).map(lambda raw: (raw[::2], picked(raw[1::2], MODELS)))
    return pairs.map(lambda pair: (symbols_for(pair[1], pair[0][: len(pair[1])]), pair[1]))


def adaptive(symbols, kinds):
    """Return the models of someone who counts: a symbol's size is 1 more than it has come up to then."""
    return [[1 + symbols[:i].count(kind) for kind in range(kinds)] for i in range(len(symbols))]


def ideal_bits(symbols, models):
    """Return Σ −log2 p over the symbols of a message."""
    return sum(log2(sum(model) / model[symbol]) for symbol, model in zip(symbols, models, strict=True))


def text_for(frequencies, raw):
    """Make a text of the symbols that have a frequency."""
    return bytes(symbols_for([frequencies] * len(raw), raw))


texts = st.builds(
    lambda frequencies, raw: (text_for(frequencies, raw), frequencies),
    st.sampled_from(FREQUENCIES),
    st.binary(max_size=60),
)


def cell_of(bits):
    """Return the numbers from where up to where all that begins with these bits lies."""
    start = Fraction(int("0" + bits, 2), 2 ** len(bits))
    return start, start + Fraction(1, 2 ** len(bits))


def is_short(code, ideal, count, what):
    """Hold where a code keeps the promise: less than 9 bits, and 2^-15 a symbol, above the ideal."""
    expect.kind(code, bytes, what)
    bits = 8 * len(code)
    expect.true(bits >= ideal - 1e-6, f"{what}: {bits} bits are fewer than the ideal, {ideal:.3f}", got=code)
    most = ideal + count / 2**15 + 9
    expect.true(bits < most, f"{what}: {bits} bits, where {ideal:.3f} are ideal, are too many", got=code)


def only_refuses(call, what):
    """Hold where a call returns a pair or raises ValueError: a decoder with a wrong model can do no more."""
    try:
        got = call()
    except Exception as problem:
        names = getattr(problem, "names", None) or [base.__name__ for base in type(problem).__mro__]
        if "ValueError" not in names:
            raise
        return
    expect.kind(got, tuple, what)


@law(
    exercise="interval",
    points=2,
    hint="The symbols stand in increasing order. A letter takes its part of what the letters before have left: low "
    "becomes low * total + width * the letter's start, width becomes width * its count, whole becomes whole * total.",
)
def test_pencil_example_ends_in_its_interval(arithmetic):
    """The pencil example: aaabaaaa, with 9 a to 1 b, ends between 0.6561 and 0.70392969."""
    nine_to_one = {97: 9, 98: 1}
    expect.equal(arithmetic.interval(b"a", nine_to_one), (0, 9, 10), "the interval of a")
    expect.equal(arithmetic.interval(b"aab", nine_to_one), (729, 81, 1000), "the interval of aab")
    expected = (65610000, 4782969, 10**8)
    expect.equal(arithmetic.interval(b"aaabaaaa", nine_to_one), expected, "the interval of aaabaaaa")
    expect.equal(arithmetic.interval(b"cab", {99: 3, 97: 2, 98: 5}), (712, 30, 1000), "the interval of cab")
    expect.equal(arithmetic.interval(b"", nine_to_one), (0, 1, 1), "the interval of nothing")
    expect.raises("ValueError", arithmetic.interval, b"abc", nine_to_one, what="a letter without a count")
    expect.raises("ValueError", arithmetic.interval, b"ab", {97: 9, 98: 0}, what="a letter with the count 0")


@law(
    exercise="interval",
    points=1,
    hint="Let a b c be the parts, in the symbols' order. Then inside a come aa, ab, ac, and aa begins where a does: "
    "each interval begins where the one before it ended.",
    examples=7,
)
@given(sizes=st.binary(min_size=2, max_size=4).map(lambda raw: picked(raw, [1, 2, 3, 7, 100])))
@example(sizes=[3, 1, 2])
def test_messages_share_the_whole_without_gaps(arithmetic, sizes):
    """The intervals of all messages of two letters stand side by side in alphabetical order, without a gap."""
    counts = {250 - 7 * i: size for i, size in enumerate(sizes)}
    end, whole = 0, sum(sizes) ** 2
    for first, second in itertools.product(sorted(counts), repeat=2):
        expected = (end, counts[first] * counts[second], whole)
        got = arithmetic.interval(bytes([first, second]), counts)
        expect.equal(got, expected, f"the interval of the bytes {first} and {second}")
        end += counts[first] * counts[second]


@law(
    exercise="shortest_code",
    points=1,
    hint="With k bits you can write multiples of 1 / 2**k. Take the first that is not below low, and ask whether the "
    "next one is still not above low + width. If it is, use a bit more.",
)
def test_pencil_example_takes_5_bits(arithmetic):
    """The pencil example takes five bits, 10101; what can only be so takes none."""
    expect.equal(arithmetic.shortest_code(65610000, 4782969, 10**8), "10101", "the code of aaabaaaa")
    expect.equal(arithmetic.shortest_code(0, 1, 1), "", "the code of the whole")
    expect.equal(arithmetic.shortest_code(1, 1, 3), "011", "the code of the middle third")
    expect.equal(arithmetic.shortest_code(0, 1, 1000), "0000000000", "the code of the first thousandth")
    expect.raises("ValueError", arithmetic.shortest_code, 1, 0, 4, what="an interval without width")


@law(
    exercise="shortest_code",
    points=2,
    hint="All of the numbers that begin with the bits must be in the interval, so the end of the cell counts as much "
    "as its beginning. An end that is just met is inside.",
    examples=16,
)
@given(
    edges=st.builds(
        lambda whole, raw: (
            whole,
            *sorted((raw[0] * 256 + raw[1]) % (whole + 1) for raw in (raw[:2], raw[2:])),
        ),
        st.sampled_from([2, 3, 10, 16, 81, 1000]),
        st.binary(min_size=4, max_size=4),
    )
)
@example(edges=(16, 3, 4))
@example(edges=(16, 3, 5))
@example(edges=(10, 9, 10))
@example(edges=(1000, 0, 1000))
def test_no_code_is_shorter(arithmetic, edges):
    """All that begins with the code lies inside, and neither a shorter code nor a lower one would do."""
    whole, low, high = edges
    if low == high:
        low, high = 0, whole
    bits = arithmetic.shortest_code(low, high - low, whole)
    expect.kind(bits, str, "the code")
    expect.true(set(bits) <= {"0", "1"} and len(bits) < 40, "a code is a short text of 0 and 1", got=bits)
    start, end = cell_of(bits)
    inside = Fraction(low, whole) <= start and end <= Fraction(high, whole)
    expect.true(inside, f"{start} up to {end} is not inside {low}/{whole} up to {high}/{whole}", got=bits)
    for length in range(len(bits) + 1):
        number = next(n for n in range(2**length + 1) if n * whole >= low * 2**length)
        other = f"{number:0{length}b}" if length else ""
        if other != bits and (number + 1) * whole <= high * 2**length:
            expect.true(False, f"{other!r} would do, and it is shorter or lower", got=bits, expected=other)


@law(
    exercise="quantise",
    points=1,
    hint="Give each symbol 1 first, then its share of what is left, rounded down. What the rounding left over has to "
    "go to somebody, or the sum isn't the total.",
)
def test_frequencies_by_hand(arithmetic):
    """Shares worked out by hand; what is no distribution is refused with ValueError."""
    expect.equal(arithmetic.quantise([0.5, 0.25, 0.25, 0.0], 16), [7, 4, 4, 1], "four symbols share 16")
    expect.equal(arithmetic.quantise([1.0, 0.0]), [65535, 1], "a sure symbol and an impossible one")
    expect.equal(arithmetic.quantise([3], 10), [10], "a lone symbol's share of 10")
    expect.equal(arithmetic.quantise([8, 1, 1], 3), [1, 1, 1], "three symbols share 3")
    for wrong in ([], [0.0, 0.0], [0.5, -0.1, 0.6], [0.5, float("nan")], [1.0, float("inf")]):
        expect.raises("ValueError", arithmetic.quantise, wrong)
    expect.raises("ValueError", arithmetic.quantise, [0.25] * 4, 3, what="four symbols, who want 3 together")


@law(
    exercise="quantise",
    points=2,
    hint="Add up what you return: it must be the total. Then look for a 0. Then divide each frequency by the total "
    "and compare with its probability: rare symbols suffer most from rounding.",
    examples=18,
)
@given(
    weights=st.binary(min_size=1, max_size=60).map(
        lambda raw: picked(raw, [0.0, 1.0, 1.0, 1 / 3, 1e-9, 0.1, 50.0, 1e6])
    ),
    total=st.sampled_from([64, 100, 4096, 65536]),
)
@example(weights=[1.0] * 60, total=64)
@example(weights=[0.0, 1.0], total=65536)
@example(weights=[0.1] * 10, total=65536)
@example(weights=[1e6] + [1e-9] * 40, total=64)
def test_whole_frequencies_cost_little(arithmetic, weights, total):
    """No frequency is 0, their sum is the total, and none is below p * (total - n)."""
    weights = weights if sum(weights) else [*weights[1:], 1.0]
    got = arithmetic.quantise(weights, total)
    expect.kind(got, list, "the frequencies")
    expect.equal([type(n).__name__ for n in got], ["int"] * len(weights), "the types of the frequencies")
    expect.true(min(got) > 0, "a symbol with the frequency 0 can't be coded", got=got)
    expect.equal(sum(got), total, "the sum of the frequencies")
    for weight, frequency in zip(weights, got, strict=True):
        least = weight / sum(weights) * (total - len(weights))
        expect.true(frequency > least - 1e-6, f"{frequency} is too little for {least:.3f}", got=got)


@law(
    exercise="carry",
    points=2,
    hint="Go from the last digit to the first. Where a digit has a 17th bit, take it away and add 1 to the digit "
    "before: which may be full itself, and you come to it next.",
    examples=15,
)
@given(
    digits=st.lists(
        st.sampled_from([0, 1, 0x1234, 0xFFFE, 0xFFFF, 0xFFFF, 0x10000, 0x10001, 0x1FFFE]), max_size=8
    ).map(lambda digits: [0x00FE, *digits])
)
@example(digits=[0x7FFF, 0xFFFF, 0xFFFF, 0x10000])
@example(digits=[0x0012, 0xFFFF, 0x10003])
@example(digits=[])
def test_digits_are_added_up(arithmetic, digits):
    """The digits make the number that a sum of digit times 65536 to its place is."""
    number = sum(digit << 16 * place for place, digit in enumerate(reversed(digits)))
    expected = number.to_bytes(2 * len(digits), "big")
    expect.equal(arithmetic.carry(digits), expected, f"the bytes of the digits {list(map(hex, digits))}")


@law(
    exercise="Encoder",
    points=1,
    hint="unit = width // total, once; then low + start * unit and size * unit. Go through aaabaaaa with a pencil: "
    "nothing leaves before the end, and the end is the lowest byte whose cell lies inside, offset above low.",
)
def test_pencil_example_is_one_byte(arithmetic):
    """Short codes worked out by hand come out: the pencil example as a8, and nothing where all is sure."""
    expect.equal(arithmetic.encode_symbols([0, 0, 0, 1] + [0] * 4, [[9, 1]] * 8), b"\xa8", "aaabaaaa")
    expect.equal(arithmetic.encode_symbols([], []), b"", "the code of nothing")
    expect.equal(arithmetic.encode_symbols([0, 1], [[1], [0, 4]]), b"", "the code of what is sure")
    expected = bytes.fromhex("ffffffff3732b6")
    expect.equal(
        arithmetic.encode_symbols([2] * 3, [[65000, 1, 1]] * 3), expected, "the last of 65,002 units, 3 times"
    )


@law(
    exercise="Encoder",
    points=1,
    hint="A digit is the 16 highest bits of low, with a 17th if there was a carry: write them, take them out of low, "
    "shift low and width. `finish` adds three digits for what is left, and lets `carry` put all of them right.",
)
def test_digits_leave_and_carry(arithmetic):
    """Longer codes come out byte for byte: fair symbols, a carry at the end, and one through a full digit."""
    expect.equal(
        arithmetic.encode_symbols([0, 1, 2, 3] * 4, [[1] * 4] * 16), b"\x1b" * 4, "sixteen fair symbols"
    )
    expected = bytes.fromhex("8000000000a3")
    expect.equal(arithmetic.encode_symbols([1] * 24 + [2], [[1, 1, 1]] * 25), expected, "a carry at the end")
    expected = bytes.fromhex("800000001180c7")
    expect.equal(arithmetic.encode_symbols(*NEAR_HALF), expected, "a carry through a full digit")


@law(
    exercise="Encoder",
    points=1,
    hint="One unit is width // 65536. A 1 gets the first `one` units; a 0 begins after them and gets ALL that is left "
    "of the width, which is a little more than 65536 - one units.",
)
def test_bits_lie_one_before_zero(arithmetic):
    """In a bit's interval the 1 lies before the 0, and the 0 has all that is left."""
    expect.equal(arithmetic.encode_bits([1, 0], [49152, 32768]), b"\x60", "a likely 1 and a fair 0")
    expect.equal(arithmetic.encode_bits([0] * 8 + [1] * 8, [32768] * 16), b"\xff\x00", "sixteen fair bits")
    expected = bytes.fromhex("d6978e9e08efd4f149666c14c4b8c87e016593ce717a42")
    got = arithmetic.encode_bits([1, 0, 0, 1, 1, 1, 0] * 6, [60000, 60000, 1, 65535, 32768, 100] * 7)
    expect.equal(got, expected, "forty-two bits")


@law(
    exercise="Encoder",
    points=2,
    hint="Where is the interval narrower than it must be? Widen it as soon as it is below 2**32. And finish in as few "
    "bytes as `ending` says, not in all that are left.",
    examples=12,
)
@given(
    message=messages(30),
    bits=st.tuples(st.binary(max_size=40), st.binary(min_size=40, max_size=40)).map(
        lambda raw: ([byte % 2 for byte in raw[0]], picked(raw[1], ONES)[: len(raw[0])])
    ),
)
@example(message=NEAR_HALF, bits=([1, 0] * 50, [32768, 1] * 50))
@example(message=([0] * 400, [[65535, 1]] * 400), bits=([0] * 400, [1] * 400))
@example(message=([1] * 400, [[1, 65535]] * 400), bits=([1] * 400, [65535] * 400))
@example(message=([1] * 40, [[65535, 1]] * 40), bits=([1] * 40, [1] * 40))
@example(message=([0, 1, 1, 2, 1, 0] * 5, adaptive([0, 1, 1, 2, 1, 0] * 5, 3)), bits=([], []))
def test_codes_are_nearly_ideal(arithmetic, message, bits):
    """Whatever the models, a code takes less than 9 bits, and 1/32768 a symbol, above the sum of -log2 p."""
    symbols, models = message
    ideal = ideal_bits(symbols, models)
    is_short(arithmetic.encode_symbols(symbols, models), ideal, len(symbols), "the symbols")
    sizes = [[TOTAL - one, one] for one in bits[1]]
    is_short(arithmetic.encode_bits(*bits), ideal_bits(bits[0], sizes), len(sizes), "the bits")


@law(
    exercise="Encoder",
    points=1,
    hint="A part without width has no inside: no number could mean it. Refuse it before anything has changed, and "
    "so with what lies outside the whole, and with a total above 2**16.",
)
def test_probability_zero_is_refused(arithmetic):
    """A symbol without size, a part outside the whole and a bit that is impossible are refused with ValueError."""
    encoder = arithmetic.Encoder()
    encoder.encode(3, 1, 4)
    for start, size, total in [
        (0, 0, 4),
        (2, 0, 4),
        (1, -1, 4),
        (-1, 2, 4),
        (3, 2, 4),
        (0, 1, 65537),
        (0, 0, 0),
    ]:
        expect.raises(
            "ValueError", encoder.encode, start, size, total, what=f"{size} from {start} of {total}"
        )
    for one in (0, 65536, -5):
        expect.raises("ValueError", encoder.encode_bit, 1, one, what=f"a 1 with probability {one} / 65536")
    encoder.encode(0, 65536, 65536)
    encoder.encode(65535, 1, 65536)
    expect.equal(encoder.finish(), bytes.fromhex("ffffc0"), "the code of what was not refused")


@law(
    exercise="Encoder",
    points=1,
    hint="finish must leave low, width and digits as they are: build what it returns from a copy.",
)
def test_encoder_goes_on_after_finish(arithmetic):
    """What is encoded after finish is added to what was there before."""
    encoder = arithmetic.Encoder()
    for _ in range(12):
        encoder.encode(1, 1, 3)
        encoder.finish()
    encoder.encode_bit(0, 9)
    whole = arithmetic.Encoder()
    for _ in range(12):
        whole.encode(1, 1, 3)
    whole.encode_bit(0, 9)
    expect.equal(encoder.finish(), whole.finish(), "the code, with finish called on the way")
    mixed = arithmetic.Encoder()
    mixed.encode_bit(1, 1)
    for _ in range(3):
        mixed.encode(65533, 1, 65535)
    expect.equal(
        mixed.finish(),
        bytes.fromhex("0000fffefffcfffa00"),
        "a bit of 16 bits, and three symbols of about 16 bits",
    )


@law(
    exercise="Decoder",
    points=2,
    hint="The code counts from the interval's beginning. So target divides it by the unit, and take subtracts "
    "start * unit from it, where the encoder added that to low. finish counts what was written, not what was read.",
)
def test_code_points_at_the_pencil_example(arithmetic):
    """The byte a8 points at the tenths 6, 7, 8, 9, 0, 0, 0, 0, which are aaabaaaa; other codes come back as well."""
    decoder = arithmetic.Decoder(b"\xa8\xff")
    for place, expected in enumerate([6, 7, 8, 9, 0, 0, 0, 0]):
        expect.equal(decoder.target(10), expected, f"the tenth in which letter {place} lies")
        decoder.take(0, 9, 10) if expected < 9 else decoder.take(9, 1, 10)
    expect.equal(decoder.finish(), 1, "the bytes that the code takes")
    expect.equal(arithmetic.decode_symbols(b"", [[1], [0, 4]]), ([0, 1], 0), "two sure symbols")
    code = bytes.fromhex("800000001180c7")
    expect.equal(arithmetic.decode_symbols(code, NEAR_HALF[1]), (NEAR_HALF[0], 7), "a code that had a carry")
    code = bytes.fromhex("d6978e9e08efd4f149666c14c4b8c87e016593ce717a42")
    ones = [60000, 60000, 1, 65535, 32768, 100] * 7
    expect.equal(arithmetic.decode_bits(code, ones), ([1, 0, 0, 1, 1, 1, 0] * 6, 23), "forty-two bits")


@law(
    exercise="Decoder",
    points=1,
    hint="Some things no encoder does: write a code beyond the last whole unit, take a part that the code is not in, "
    "have a total of 0 or above 65536, or a bit that is impossible. Ask for each before you go on.",
)
def test_what_no_encoder_does_is_refused(arithmetic):
    """A code in no unit, a part that it is not in, and models that are none are refused with ValueError."""
    mixed = arithmetic.Decoder(bytes.fromhex("0000fffefffcfffa00"))
    expect.equal(mixed.decode_bit(1), 1, "a bit of 16 bits")
    for _ in range(3):
        mixed.take(65533, 1, 65535)
    expect.equal(mixed.finish(), 9, "the bytes of a bit and three symbols")
    expect.equal(arithmetic.Decoder(b"\xff" * 5).target(3), 2, "the last third")
    expect.raises(
        "ValueError", arithmetic.Decoder(b"\xff" * 6).target, 3, what="a code beyond all three thirds"
    )
    for total in (0, 65537):
        expect.raises("ValueError", arithmetic.Decoder(b"").target, total, what=f"a total of {total}")
    expect.raises(
        "ValueError", arithmetic.Decoder(b"\xa8").take, 9, 1, 10, what="a part that begins after it"
    )
    expect.raises(
        "ValueError", arithmetic.Decoder(b"\x80").take, 0, 1, 2, what="a part that ends where it is"
    )
    just_below = arithmetic.Decoder(b"\x7f" + b"\xff" * 5)
    expect.raises("ValueError", just_below.take, 1, 1, 2, what="a part that begins just after it")
    for one in (0, 65536):
        expect.raises("ValueError", arithmetic.Decoder(b"").decode_bit, one, what=f"a probability of {one}")


@law(
    exercise="Decoder",
    points=2,
    hint="The decoder must do what the encoder did, step by step: the same unit, the same width, and a digit at the "
    "same moments. Print both widths after each symbol, and find the first that differ.",
    examples=12,
)
@given(message=messages(30), tail=st.sampled_from([b"", b"\x00", b"\xff" * 9, b"\x80", b"\x12\x34\x56"]))
@example(message=NEAR_HALF, tail=b"\xff")
@example(message=([0, 1, 1, 2, 1, 0] * 8, adaptive([0, 1, 1, 2, 1, 0] * 8, 3)), tail=b"\x00")
@example(message=([1] * 300, [[1, 65535]] * 300), tail=b"\xff")
def test_message_comes_back_elsewhere(arithmetic, elsewhere, message, tail):
    """Another process, which knows the models, gets the symbols back with the number of bytes, whatever follows."""
    symbols, models = message
    code = arithmetic.encode_symbols(symbols, models)
    expect.kind(code, bytes, "the code of the symbols")
    expect.equal(elsewhere.decode_symbols(code + tail, models), (symbols, len(code)), "the symbols")
    bits, ones = [symbol % 2 for symbol in symbols], [sum(model) % 65535 + 1 for model in models]
    code = arithmetic.encode_bits(bits, ones)
    expect.kind(code, bytes, "the code of the bits")
    expect.equal(elsewhere.decode_bits(code + tail, ones), (bits, len(code)), "the bits")


@law(
    exercise="Decoder",
    points=2,
    hint="Two things tell you: a digit is wanted of which no byte is there any more, and at the end the code must be "
    "the number that the encoder would have chosen, in as many bytes.",
)
def test_code_cut_short_is_refused(arithmetic):
    """A code cut short anywhere, or with another end, is refused with ValueError, and nothing is read for ever."""
    models = [[1, 2, 3, 4], [65000, 500, 35, 1]] * 20
    code = bytes.fromhex("63a6ca51a5c435808cdc811e17a9be5b09ef95")
    symbols = [2, 0, 1, 3, 3, 0, 2, 1] * 5
    expect.equal(arithmetic.decode_symbols(code, models), (symbols, 19), "the undamaged code")
    for kept in range(len(code)):
        expect.raises(
            "ValueError", arithmetic.decode_symbols, code[:kept], models, what=f"its first {kept} bytes"
        )
    expect.raises(
        "ValueError", arithmetic.decode_symbols, b"\x01", [[9, 1]], what="a code that is not the lowest"
    )
    expect.raises(
        "ValueError", arithmetic.decode_bits, b"\x01", [60000], what="a code that is not the lowest"
    )
    decoder = arithmetic.Decoder(b"\x55")

    def read_on():
        for _ in range(24):
            decoder.decode_bit(32768)

    expect.raises("ValueError", read_on, what="24 fair bits out of one byte")
    decoder = arithmetic.Decoder(b"\x55")

    def take_on():
        for _ in range(24):
            decoder.take(decoder.target(2), 1, 2)

    expect.raises("ValueError", take_on, what="24 fair symbols out of one byte")


@law(
    exercise="Decoder",
    points=1,
    hint="With another model the decoder sees other symbols, and sooner or later a code that no encoder writes. Let "
    "every such way out be a ValueError.",
    examples=15,
)
@given(code=st.binary(max_size=24), message=messages(30), one=st.sampled_from(ONES))
@example(code=b"\xff" * 24, message=([], [[1, 1, 1]] * 40), one=65535)
@example(code=b"", message=([], [[1, 65535]] * 40), one=1)
def test_wrong_model_is_no_disaster(arithmetic, code, message, one):
    """Any bytes, read with any models, give symbols or a ValueError, and never anything else."""
    pencil = arithmetic.decode_symbols(b"\xa8", [[9, 1]] * 8)
    expect.equal(pencil, ([0, 0, 0, 1, 0, 0, 0, 0], 1), "a8, read with the model that it was written with")
    only_refuses(lambda: arithmetic.decode_symbols(code, message[1]), "symbols and bytes")
    only_refuses(lambda: arithmetic.decode_bits(code, [one] * 60), "bits and bytes")


@law(
    exercise="encode_all",
    points=2,
    hint="The start of a symbol is the sum of the frequencies before it, and the total is 2**16. An Encoder that is "
    "given these for one byte after another does all the rest.",
    examples=12,
)
@given(text=texts)
@example(text=(b"\0\0\1\0", [49152, 16384]))
@example(text=(b"", FREQUENCIES[0]))
@example(text=(bytes([1] * 24 + [2]), FREQUENCIES[4]))
@example(text=(bytes(range(256)), FREQUENCIES[6]))
def test_all_at_once_is_one_by_one(arithmetic, text):
    """The code of a text is what your Encoder writes for its bytes one by one; a byte of frequency 0 is refused."""
    data, frequencies = text
    got = arithmetic.encode_all(data, frequencies)
    is_short(got, ideal_bits(data, [frequencies] * len(data)), len(data), "the code")
    if len(frequencies) < 256:
        expected = arithmetic.encode_symbols(list(data), [frequencies] * len(data))
        expect.equal(got, expected, "the code, beside that of the Encoder")
        stranger = bytes([len(frequencies)])
        expect.raises(
            "ValueError", arithmetic.encode_all, data + stranger, frequencies, what="a strange byte"
        )
    for symbol in [symbol for symbol, size in enumerate(frequencies) if not size][:1]:
        impossible = bytes([symbol]) + data
        expect.raises(
            "ValueError", arithmetic.encode_all, impossible, frequencies, what="a byte of frequency 0"
        )


@law(
    exercise="decode_all",
    points=2,
    hint="Ask the decoder for a target out of 2**16, find the symbol whose part it lies in, take that part. After the "
    "last symbol, finish says how many bytes were used.",
    examples=8,
)
@given(text=texts, tail=st.sampled_from([b"", b"\x00", b"\xff" * 9]))
@example(text=(b"", FREQUENCIES[0]), tail=b"\xff")
@example(text=(bytes([1] * 24 + [2]), FREQUENCIES[4]), tail=b"\x01")
@example(text=(bytes([0] * 400), FREQUENCIES[5]), tail=b"\x00")
@example(text=(bytes(range(256)), FREQUENCIES[6]), tail=b"")
def test_text_comes_back_elsewhere(arithmetic, elsewhere, text, tail):
    """Another process gets the text back with the number of bytes of its code, whatever follows."""
    data, frequencies = text
    code = arithmetic.encode_all(data, frequencies)
    expect.kind(code, bytes, "the code")
    got = contract.stops_where_it_ends(elsewhere.decode_all, code, tail, len(data), frequencies)
    expect.equal(got, (data, len(code)), "the text, and the bytes that its code takes")


@law(
    exercise="decode_all",
    points=1,
    hint="Each symbol takes at least as many bits as the likeliest one, -log2 of its share. Multiply by the size that "
    "is claimed, and refuse what the blob has no room for, before you make room for it.",
)
def test_text_that_cannot_be_is_refused(arithmetic):
    """A text cut short, and one that is longer than its code can tell, are refused with ValueError."""
    data, frequencies = bytes([0, 1, 0, 0, 2, 0, 1, 0] * 12), FREQUENCIES[0]
    code = bytes.fromhex("4688d11a2344688d11a2344688d11a2340")
    expect.equal(arithmetic.decode_all(code, len(data), frequencies), (data, 17), "the undamaged text")
    for kept in range(0, len(code), 4):
        expect.raises(
            "ValueError", arithmetic.decode_all, code[:kept], 96, frequencies, what=f"its first {kept}"
        )
    for size in (10**6, 10**12):
        expect.raises("ValueError", arithmetic.decode_all, code, size, frequencies, what=f"a size of {size}")
    expect.raises(
        "ValueError", arithmetic.decode_all, b"\xff" * 9, 9, [65535, 1], what="nine times 16 bits from 9"
    )


@law(
    exercise="compress",
    points=2,
    hint="Four bytes of size, highest first; the header that write_frequencies makes of 256 frequencies, 0 for what "
    "does not occur; the code. A lone byte value shares the total with the next one, which counts 0 times.",
)
def test_file_is_as_documented(arithmetic):
    """Files whose model leaves no choice come out as documented, byte for byte."""
    counted = "".join(f"{i:02x}1000" for i in range(16))
    by_hand = [
        (b"", "00000000"),
        (b"\x00\x00\x00", "00000003" + "01" + "00ffff" + "010001" + "00"),
        (b"\xff", "00000001" + "01" + "000001" + "ffffff" + "01"),
        (b"ab", "00000002" + "01" + "618000" + "628000" + "40"),
        (b"bbab", "00000004" + "01" + "614000" + "62c000" + "79"),
        (bytes(range(16)), "00000010" + "0f" + counted + "0123456789abcdef"),
    ]
    for data, blob in by_hand:
        expect.equal(arithmetic.compress(data), bytes.fromhex(blob), f"the file of {data[:8]!r}")


@law(
    exercise="decompress",
    points=2,
    hint="Read the size, then the header, which says how many bytes it took; all that is left is for decode_all. A "
    "size of 0 has neither header nor code.",
    examples=14,
)
@given(data=contract.texts)
@example(data=b"")
@example(data=b"\xff" * 300)
@example(data=b"abracadabra")
def test_file_round_trip(arithmetic, elsewhere, data):
    """Another process gets back exactly the bytes that were compressed."""
    blob = contract.comes_back(arithmetic.compress, elsewhere.decompress, data)
    expect.equal(blob[:4], len(data).to_bytes(4, "big"), "the size, in the first 4 bytes")


@law(
    exercise="decompress",
    points=2,
    hint="Whatever is wrong, somebody notices: the header's reader, the decoder, or you, who compares the bytes used "
    "with the bytes there.",
)
def test_damaged_file_is_refused(arithmetic):
    """A file cut short anywhere, or with a byte too many, is refused; one with a bit turned does no harm."""
    blob = bytes.fromhex("0000000b0461745e622e8b631746641746722e8b475f76")
    expect.equal(arithmetic.decompress(blob), b"abracadabra", "the undamaged file")
    contract.refuses_damage(arithmetic.decompress, blob)
    contract.survives_flips(arithmetic.decompress, blob, b"abracadabra", checksum=False)
    expect.equal(arithmetic.decompress(bytes(4)), b"", "the file of nothing")
    expect.raises("ValueError", arithmetic.decompress, bytes(5), what="a byte after the file of nothing")
    expect.raises("ValueError", arithmetic.decompress, b"\xff" + blob[1:], what="an absurd size")


@law(
    exercise="rans_encode",
    points=2,
    hint="The last byte goes in first. Before a byte goes in, let 16 bits out if the state is frequency * 2**32 or "
    "more; then the state is (state // f) * 2**16 + start + state % f.",
    examples=8,
)
@given(text=texts)
@example(text=(b"\0\1", [49152, 16384]))
@example(text=(b"", FREQUENCIES[0]))
@example(text=(bytes(range(1, 256, 5)), FREQUENCIES[6]))
@example(text=(bytes([1] * 60), FREQUENCIES[5]))
@example(text=(bytes(150), [65535, 1]))
def test_one_lane_is_the_plain_coder(arithmetic, text):
    """Your coder writes what the given one writes in one lane: ideal bits, less than 2^-15 a symbol, and 48."""
    data, frequencies = text
    got = arithmetic.rans_encode(data, frequencies)
    expect.kind(got, bytes, "the code")
    most = ideal_bits(data, [frequencies] * len(data)) + len(data) / 2**15 + 48
    expect.true(8 * len(got) <= most + 1e-6, f"{8 * len(got)} bits, where {most:.3f} are allowed", got=got)
    expect.equal(got, arithmetic.rans_encode_lanes(data, frequencies, 1), "the code, beside that of one lane")
    if not data:
        expect.equal(got, bytes.fromhex("000100000000"), "the code of nothing")
    stranger = bytes([len(frequencies) % 256])
    if len(frequencies) < 256:
        expect.raises(
            "ValueError", arithmetic.rans_encode, stranger + data, frequencies, what="a strange byte"
        )


@law(
    exercise="rans_decode",
    points=2,
    hint="The lowest 16 bits of the state say which symbol it was. Undo the encoder's step, and where the state is "
    "below 2**32, put the next 16 bits under it.",
    examples=6,
)
@given(text=texts, tail=st.sampled_from([b"", b"\x00", b"\xff" * 9]))
@example(text=(b"\0\1", [49152, 16384]), tail=b"\x00")
@example(text=(b"", FREQUENCIES[0]), tail=b"\xff")
@example(text=(bytes(range(256)), FREQUENCIES[6]), tail=b"")
def test_rans_text_comes_back_elsewhere(arithmetic, elsewhere, text, tail):
    """Another process gets the text back with the number of bytes of its code, whatever follows."""
    data, frequencies = text
    code = elsewhere.rans_encode_lanes(data, frequencies, 1)
    expect.kind(code, bytes, "the code of one lane")
    got = contract.stops_where_it_ends(arithmetic.rans_decode, code, tail, len(data), frequencies)
    expect.equal(got, (data, len(code)), "the text, and the bytes that its code takes")
    mine = arithmetic.rans_encode(data, frequencies)
    expect.equal(
        elsewhere.rans_decode(mine, len(data), frequencies), (data, len(mine)), "your own code, read back"
    )


@law(
    exercise="rans_decode",
    points=1,
    hint="Count the bytes that you take, and compare with those that are there. At the end the state must be what the "
    "encoder's was at its beginning, 2**32.",
)
def test_rans_refuses_damage(arithmetic):
    """A code cut short, or one that does not end as every encoder began, is refused with ValueError."""
    frequencies = [30000, 15000, 20000, 536]
    data = bytes([0, 1, 2, 0, 3, 0, 0, 1, 2, 0, 1, 0] * 4)
    code = bytes.fromhex("40c98d20704a457a1630011f96741998")
    expect.equal(
        arithmetic.rans_decode(code, len(data), frequencies), (data, len(code)), "the undamaged code"
    )
    for kept in range(1, len(code), 3):
        expect.raises(
            "ValueError", arithmetic.rans_decode, code[:kept], 48, frequencies, what=f"its first {kept}"
        )
    for size in (47, 49, 10**12):
        expect.raises("ValueError", arithmetic.rans_decode, code, size, frequencies, what=f"a size of {size}")


@law(
    exercise="is_nearly_ideal",
    points=1,
    examples=3,
    hint="`interval` gives you the place where a code must be. Compare as whole numbers: the code is a number of "
    "256ths of 256ths and so on, and the number after it must not be beyond the end.",
)
@given(order=st.permutations(range(7)))
def test_your_law_tells_right_from_wrong(arithmetic, order):
    """Your law accepts two different coders, and refuses codes that are too long, outside, or not all inside."""

    def exact(data, frequencies):
        low, width, whole = 0, 1, 1
        for symbol in data:
            low = low * TOTAL + width * sum(frequencies[:symbol])
            width, whole = width * frequencies[symbol], whole * TOTAL
        return low, width, whole

    def in_bytes(low, width, whole, *, rest=1):
        count, number = 0, -(-low // whole)
        while (number + rest) * whole > (low + width) * 256**count - 1 + rest:
            count += 1
            number = -(-low * 256**count // whole)
        return number.to_bytes(count, "big")

    def rounded_down(data, frequencies):
        low, width, whole = exact(data, frequencies)
        count = len(in_bytes(low, width, whole))
        return (low * 256**count // whole).to_bytes(count, "big")

    def highest(data, frequencies):
        low, width, whole = exact(data, frequencies)
        count = len(in_bytes(low, width, whole))
        return ((low + width) * 256**count // whole - 1).to_bytes(count, "big")

    def whole_bits(data, frequencies):
        most = max(frequencies)
        bits = "".join("0" if frequencies[symbol] == most else "1" for symbol in data)
        return bytes(int(bits[i : i + 8].ljust(8, "0"), 2) for i in range(0, len(bits), 8))

    right = [
        ("an exact coder", lambda *a: in_bytes(*exact(*a))),
        ("one that takes the highest code", highest),
    ]
    wrong = [
        ("whole bits", whole_bits),
        ("a code that six more bytes follow", lambda *a: in_bytes(*exact(*a)) + bytes(6 * bool(a[0]))),
        ("a code that is rounded down", rounded_down),
        ("the code of a model that finds all alike", lambda *a: bytes(a[0])),
        ("a number inside, whatever follows it", lambda *a: in_bytes(*exact(*a), rest=0)),
    ]
    for number in order:
        name, candidate = (right + wrong)[number]
        expect.equal(arithmetic.is_nearly_ideal(candidate), number < len(right), f"your law on {name}")

"""The public laws of lesson 7."""

from fractions import Fraction
from functools import cache
from math import exp, log1p, log2

from hypothesis import example, given
from hypothesis import strategies as st

from autograder.laws import contract, expect, law

ONE = 1 << 20

BITS = ["", "0", "1", "0110", "0101010", "1111111", "0000001", "110110110"]
bit_texts = st.one_of(
    st.sampled_from(BITS),
    st.binary(max_size=2).map(lambda raw: f"{int.from_bytes(raw, 'big'):b}"),
    st.tuples(st.sampled_from(["01", "001", "0", "1101"]), st.integers(0, 3)).map(
        lambda pair: pair[0] * pair[1]
    ),
)

TEXTS = [
    b"",
    b"\x00",
    b"\xff" * 40,
    b"abracadabra",
    b"the cat sat on the mat and the dog sat on the cat",
    bytes(range(250, 256)) + bytes(range(6)),
]
texts = st.one_of(
    st.sampled_from(TEXTS),
    st.binary(max_size=12),
    st.tuples(st.sampled_from([b"ab", b"The ", b"\x00\xff\x00"]), st.integers(1, 9)).map(
        lambda p: p[0] * p[1] + b"c"
    ),
)


def block(zeros, ones):
    """Return KT's probability of a text, bit by bit: first all zeros, then all ones."""
    product = Fraction(1)
    for seen in range(zeros):
        product *= Fraction(2 * seen + 1, 2 * seen + 2)
    for seen in range(ones):
        product *= Fraction(2 * seen + 1, 2 * (zeros + seen) + 2)
    return product


def pair_of(got, what):
    """Return an exact probability that came as numerator and denominator, once it is seen to be one."""
    expect.kind(got, tuple, what)
    expect.equal([type(number).__name__ for number in got], ["int", "int"], f"the types in {what}")
    expect.true(0 < got[0] <= got[1], f"{what}: a probability is above 0 and at most 1", got=got)
    return Fraction(*got)


def numbers(got, count, what):
    """Hold where a list of so many plain numbers came."""
    expect.kind(got, list, what)
    expect.equal(len(got), count, f"how many there are in {what}")
    for i, number in enumerate(got):
        expect.number(number, f"{what}[{i}]")


def trees(depth, context=""):
    """List every tree of contexts below one, as (its leaves, the bits that it takes to tell the tree)."""
    if depth == 0:
        return [([context], 0)]
    found = [([context], 1)]
    for old, cost in trees(depth - 1, "0" + context):
        for new, more in trees(depth - 1, "1" + context):
            found.append((old + new, 1 + cost + more))
    return found


ALL_TREES = {depth: trees(depth) for depth in range(4)}


@cache
def over_all_trees(bits, depth):
    """Add up what every tree model of at most that depth gives the bits, each weighted by 2^-(bits to tell it)."""
    padded, seen = "0" * depth + bits, {}
    for place in range(depth, len(padded)):
        for start in range(place - depth, place + 1):
            seen.setdefault(padded[start:place], [0, 0])[int(padded[place])] += 1
    alone = {context: block(*counts) for context, counts in seen.items()}
    total = Fraction(0)
    for leaves, cost in ALL_TREES[depth]:
        product = Fraction(1, 2**cost)
        for leaf in leaves:
            product *= alone.get(leaf, 1)
        total += product
    return total


def context_counts(data, order):
    """Count the zeros and ones that come in each context of that order: all bytes, all bits."""
    counts = {}
    for place, byte in enumerate(data):
        bits = f"{byte:08b}"
        for width, bit in enumerate(bits):
            key = data[max(0, place - order) : place], bits[:width]
            counts.setdefault(key, [0, 0])[int(bit)] += 1
    return counts


@law(
    exercise="kt",
    points=1,
    hint="Add one half to each of the two counts, and divide the ones by the sum. Before anything was seen, that is "
    "one half.",
)
def test_pencil_example_of_kt(context_mixing):
    """The pencil example: 0110 has the chances 1/2, 1/4, 1/2, 3/8, bit by bit."""
    asked = [context_mixing.kt(*counts) for counts in [(0, 0), (1, 0), (1, 1), (1, 2)]]
    expect.close(asked[0], 0.5, what="the chance of a 1 at first")
    expect.close(1 - asked[0], 0.5, what="the chance of the first 0")
    expect.close(asked[1], 0.25, what="the chance of a 1 after 0")
    expect.close(asked[2], 0.5, what="the chance of a 1 after 01")
    expect.close(1 - asked[3], 0.375, what="the chance of a 0 after 011")
    expect.close(context_mixing.kt(999, 0), 1 / 2000, what="the chance of a 1 after 999 zeros")
    expect.raises("ValueError", context_mixing.kt, -1, 3)
    expect.raises("ValueError", context_mixing.kt, 3, -1)


@law(
    exercise="kt_block",
    points=2,
    hint="1 * 3 * 5 * ... * (2 zeros - 1), times the same for the ones, over 2**n * n!. With no zeros, the first "
    "product is empty: it is 1.",
    examples=20,
)
@given(counts=st.binary(min_size=2, max_size=2).map(lambda raw: (raw[0] % 14, raw[1] % 14)))
@example(counts=(2, 2))
@example(counts=(0, 0))
@example(counts=(0, 30))
@example(counts=(41, 3))
def test_closed_form_is_the_product(context_mixing, counts):
    """The closed form is the product of the chances of all bits; for 0110 it is 3/128."""
    got = context_mixing.kt_block(*counts)
    expect.equal(got, block(*counts).as_integer_ratio(), "the probability of the text")


@law(
    exercise="kt_block",
    points=1,
    hint="Ask before you compute: a count below 0 has no product. The numbers grow long, so keep to whole numbers or "
    "fractions; a float has room for 17 digits.",
)
def test_blocks_of_one_length_add_up(context_mixing):
    """The texts of one length share the whole probability, exactly; negative counts are refused."""
    for size in (1, 6):
        ways = total = 1
        total = Fraction(0)
        for ones in range(size + 1):
            total += ways * pair_of(context_mixing.kt_block(size - ones, ones), "the probability of a text")
            ways = ways * (size - ones) // (ones + 1)
        expect.true(total == 1, f"all texts of {size} bits together have the probability {total}, not 1")
    expect.raises("ValueError", context_mixing.kt_block, -1, 2)
    expect.raises("ValueError", context_mixing.kt_block, 2, -1)


@law(
    exercise="order_costs",
    points=2,
    hint="Each context keeps its own two counts: the bytes before, AND the bits of this byte that came already. Pay "
    "first, with the counts as they are, and count the bit afterwards.",
    examples=16,
)
@given(data=texts, order=st.integers(0, 4))
@example(data=b"aa", order=0)
@example(data=b"abcabcabcabd", order=2)
@example(data=b"aaaaaaaaaab", order=3)
def test_costs_add_up_to_the_closed_form(context_mixing, data, order):
    """The costs add up to −log2 of KT's closed form, over all contexts."""
    costs = context_mixing.order_costs(data, order)
    numbers(costs, len(data), "the costs")
    wanted = sum(-log2(block(*counts)) for counts in context_counts(data, order).values())
    expect.close(sum(costs), wanted, what=f"the cost of the whole text at order {order}")


@law(
    exercise="order_costs",
    points=2,
    hint="At place i, look at data[i - order : i], and where the text has just begun at what there is: a negative "
    "start of a slice counts from the end. A byte costs the sum over its eight bits.",
)
def test_cost_of_a_byte_depends_on_the_past_alone(context_mixing):
    """A byte costs the same whatever follows it, and the first byte costs 8 bits."""
    data = b"she sells sea shells"
    for order in (0, 1, 3):
        whole = context_mixing.order_costs(data, order)
        numbers(whole, len(data), "the costs")
        expect.close(whole[0], 8.0, what="the cost of the first byte")
        for size in (1, 2, 3, 5, 11):
            part = context_mixing.order_costs(data[:size], order)
            expect.equal(part, whole[:size], f"the costs of the first {size} bytes at order {order}")
    got = context_mixing.order_costs(b"aa", 0)
    expect.close(got[1], 8 * log2(4 / 3), what="the cost of a second a at order 0")
    wanted = [8.0, 8 * log2(4 / 3)]
    expect.close(
        context_mixing.order_costs(b"aaa", 1)[2], wanted[1], what="the cost of the third a at order 1"
    )
    expect.raises("ValueError", context_mixing.order_costs, b"aa", -1)


chances = st.integers(1, 3).flatmap(
    lambda models: st.binary(max_size=10 * models).map(
        lambda raw: [
            [(1 + byte) / 257 for byte in raw[i : i + models]]
            for i in range(0, len(raw) // models * models, models)
        ]
    )
)


@law(
    exercise="mixture",
    points=2,
    hint="Start with equal beliefs, 1/n. The mixture's chance is the sum of belief times chance; each of these "
    "products over that sum is the next belief.",
    examples=20,
)
@given(rows=chances)
@example(rows=[[0.5, 0.25], [0.5, 1.0]])
@example(rows=[[0.1, 0.9, 0.5]] * 6)
@example(rows=[[1e-9, 1e-9]] * 30)
@example(rows=[])
def test_mixture_is_the_average_of_the_models(context_mixing, rows):
    """What the mixture gives to a whole text is the average of what the models give to it."""
    got = context_mixing.mixture(rows)
    numbers(got, len(rows), "the chances of the mixture")
    models = len(rows[0]) if rows else 1
    before, product = 1.0, [1.0] * models
    for i, row in enumerate(rows):
        product = [p * chance for p, chance in zip(product, row, strict=True)]
        average = sum(product) / models
        expect.close(got[i], average / before, what=f"the chance of thing {i}")
        before = average


@law(
    exercise="mixture",
    points=1,
    hint="The beliefs must be multiplied step by step and never start over: then the best model soon has nearly all of "
    "the belief, whichever it is.",
)
def test_mixture_costs_little_more_than_the_best(context_mixing):
    """It never costs more than the best model and log2 of the number of models."""
    for best in range(4):
        rows = [[0.9 if j == best else 0.3 + 0.1 * j for j in range(4)]] * 40
        got = context_mixing.mixture(rows)
        numbers(got, 40, "the chances of the mixture")
        expect.true(min(got) > 0, "a chance is above 0", got=got)
        cost, least = -sum(map(log2, got)), -40 * log2(0.9)
        expect.true(least < cost <= least + 2 + 1e-9, f"{cost} bits, where the best model takes {least}")


@law(
    exercise="ctw",
    points=2,
    hint="Write the zeros that stand before the text down first. A node sees the bits that come right after its "
    "context; the children's contexts are one bit LONGER at the old end, the left.",
)
def test_pencil_example_of_a_tree(context_mixing):
    """The pencil example: 0101010 has 15/2048 at depth 1."""
    expect.equal(context_mixing.ctw("0101010", 0), (5, 2048), "its probability at depth 0: KT alone")
    expect.equal(context_mixing.ctw("0101010", 1), (15, 2048), "its probability at depth 1")
    expect.equal(context_mixing.ctw("0101010", 2), (65, 8192), "its probability at depth 2")
    expect.equal(context_mixing.ctw("", 2), (1, 1), "the probability of no bits")


@law(
    exercise="ctw",
    points=3,
    hint="At full depth a node's weight is kt_block of what it sees. Above, it is half of kt_block and half the "
    "PRODUCT of the children's weights.",
    examples=16,
)
@given(bits=bit_texts, depth=st.integers(0, 3))
@example(bits="0101010", depth=1)
@example(bits="0101010", depth=2)
@example(bits="1100110011001100", depth=3)
@example(bits="0010110100101101", depth=2)
def test_weighting_is_the_sum_over_all_trees(context_mixing, bits, depth):
    """The recursion gives what adding up every single tree model gives."""
    got = pair_of(context_mixing.ctw(bits, depth), "the probability of the bits")
    expect.equal(
        (got.numerator, got.denominator), over_all_trees(bits, depth).as_integer_ratio(), "the probability"
    )


@law(
    exercise="ContextTree",
    points=3,
    hint="From the deepest node to the root: the mixed chance is (ratio * own + below) / (ratio + 1). All chances are "
    "those before the bit, so count it only after the whole path is done.",
    examples=16,
)
@given(bits=bit_texts, depth=st.integers(0, 3))
@example(bits="0101010", depth=1)
@example(bits="1100110011001100", depth=3)
def test_bit_by_bit_it_is_the_whole_sum(context_mixing, bits, depth):
    """The chances of the bits, one after another, multiply to the sum over all trees."""
    got = context_mixing.tree_chances([int(bit) for bit in bits], depth)
    numbers(got, len(bits), "the chances")
    product = 1.0
    for i, chance in enumerate(got):
        expect.true(0 < chance < 1, f"the chance of bit {i} must be between 0 and 1", got=chance)
        product *= chance
        if i + 1 in (1, 2, 5, len(bits)):
            wanted = float(over_all_trees(bits[: i + 1], depth))
            expect.close(product, wanted, what=f"the probability of the first {i + 1} bits")


@law(
    exercise="ContextTree",
    points=2,
    hint="chance() is for a 1, whatever the last bit was, and changes nothing; update returns the chance of the bit "
    "that came: for a 0 that is 1 - chance().",
)
def test_chance_is_what_update_returns(context_mixing):
    """What `chance` says before a bit is what `update` returns for it, and asking changes nothing."""
    tree = context_mixing.ContextTree(2)
    for i, bit in enumerate([1, 1, 0, 1, 1, 0, 1, 1, 0, 0]):
        said = tree.chance()
        expect.number(said, "the chance of a 1")
        expect.equal(tree.chance(), said, "the chance, asked again")
        expect.close(
            tree.update(bit), said if bit else 1 - said, what=f"what update returns for bit {i}, a {bit}"
        )
    expect.close(said, 7 / 10, rtol=0.5, what="the chance of a 1 after 110110110")


@law(
    exercise="Mixer",
    points=2,
    hint="Of every set, take the row that is chosen. An input's weight is the sum over these rows; the answer is the "
    "sum of weight times input.",
)
def test_sums_of_weights_and_inputs(context_mixing):
    """Three rows of 0.1 make weights of 0.3, and only the chosen rows learn."""
    mixer = context_mixing.Mixer(2, [2, 3, 1])
    expect.close(mixer.predict([1.0, 2.0], [0, 2, 0]), 0.9, what="0.3 * 1 + 0.3 * 2")
    mixer.update(1)
    after = mixer.predict([1.0, 2.0], [0, 2, 0])
    expect.true(after > 0.9, "after a 1, the same inputs say more for a 1", got=after)
    other = mixer.predict([1.0, 2.0], [1, 0, 0])
    expect.close(
        other - 0.9, (after - 0.9) / 3, what="how much is learnt where one chosen row of three is the same"
    )
    expect.close(mixer.predict([0.0, 0.0], [0, 0, 0]), 0.0, what="the answer to no opinion")
    for _ in range(3):
        mixer.predict([3.0, 3.0], [0, 0, 0])
        mixer.update(0)
    last = mixer.predict([1.0, 2.0], [0, 1, 0])
    expect.true(last < after, "after three zeros, they say less for a 1", got=last)
    sure = mixer.predict([20.0, 20.0], [1, 0, 0])
    mixer.update(1)
    again = mixer.predict([20.0, 20.0], [1, 0, 0])
    expect.equal(again, sure, "the sum after an error of less than a hundredth, which teaches nothing")


@law(
    exercise="Mixer",
    points=2,
    hint="The cost is -ln p for a 1 and -ln(1 - p) for a 0. Its gradient is (p - bit) times the input, and a step goes "
    "AGAINST it: weight += rate * (bit - p) * input.",
    examples=8,
)
@given(
    raw=st.binary(min_size=3, max_size=3).map(lambda raw: [byte / 64 - 2 for byte in raw]),
    bit=st.integers(0, 1),
)
@example(raw=[2.0, -1.5, 0.25], bit=0)
@example(raw=[2.0, -1.5, 0.25], bit=1)
@example(raw=[-2.0, -2.0, 1.0], bit=1)
def test_step_is_down_the_gradient(context_mixing, raw, bit):
    """Each weight moves against the slope of the cost, as central differences find it."""

    def cost(weights):
        x = sum(weight * value for weight, value in zip(weights, raw, strict=True))
        return log1p(exp(-x)) if bit else log1p(exp(x))

    # One row of 0.1 in each of two sets; what one step changes is seen at unit vectors.
    units = [[float(i == j) for j in range(3)] for i in range(3)]
    steps = [(raw, [0, 0], bit)] + [(unit, [0, 0], 2) for unit in units]
    mixer = context_mixing.Mixer(3, [1, 1])
    expect.close(mixer.predict(raw, [0, 0]), 0.2 * sum(raw), atol=1e-9, what="the sum before the step")
    mixer.update(bit)
    for i in range(3):
        h = 1e-5
        slope = (cost([0.2 + h * u for u in units[i]]) - cost([0.2 - h * u for u in units[i]])) / (2 * h)
        got = mixer.predict(steps[1 + i][0], [0, 0]) - 0.2
        expect.close(
            got, -2 * 0.002 * slope, rtol=0.01, atol=3e-5, what=f"what weight {i} learns in two rows"
        )


@law(
    exercise="Counters",
    points=2,
    hint="The distance to the bit is ONE - chance for a 1 and chance for a 0. Multiply by 65536 // (n + 2), THEN "
    "shift by 16. Every slot has its own n, which begins as 0.",
    examples=10,
)
@given(bits=st.binary(max_size=30).map(lambda raw: [byte & 1 for byte in raw]))
@example(bits=[1] * 40)
@example(bits=[0] * 40)
@example(bits=[1, 0] * 15)
def test_counters_are_kt_in_whole_numbers(context_mixing, bits):
    """A counter says what KT says, to a ten-thousandth, and slots don't know of each other."""
    slots = [5 + i % 2 for i in range(len(bits))]
    got = context_mixing.part_chances("Counters", slots, bits)
    expect.equal([type(chance).__name__ for chance in got], ["int"] * len(bits), "the types of the chances")
    for i in range(len(bits)):
        seen = bits[i % 2 : i : 2]
        wanted = ONE * (seen.count(1) + 0.5) / (len(seen) + 1)
        expect.close(got[i], wanted, atol=ONE / 1e4 * (1 + len(seen)), what=f"the chance before bit {i}")


@law(
    exercise="Counters",
    points=1,
    hint="At 255 bits, n stops growing, so a counter never gets slower than a step of 65536 // 257. Without the limit, "
    "it would take as long to change its mind as it took to make it up.",
)
def test_counters_can_change_their_mind(context_mixing):
    """After 300 zeros, 100 ones move a counter as they should: it learns no slower than after 255 bits."""
    before = context_mixing.chance_after([(0, 255)])
    expect.close(before / ONE, 0.5 / 256, atol=3e-4, what="the chance after 255 zeros")
    turned = context_mixing.chance_after([(0, 300), (1, 1)]) - context_mixing.chance_after([(0, 300)])
    expect.close(turned / ONE, 255 / 65536, rtol=0.01, what="how far a 1 moves the chance after 300 zeros")
    long_after = context_mixing.chance_after([(0, 300), (1, 100)])
    expect.close(long_after / ONE, 0.324, atol=2e-3, what="the chance after 300 zeros and 100 ones")


@law(
    exercise="next_history",
    points=2,
    hint="Count the bit. Its opposite becomes n // 2 + 1, if that is less. Only then look at the sum: above "
    "MOST_SEEN, take the new bit back, not the old ones.",
)
def test_histories_follow_each_other(context_mixing):
    """A bit is counted, the opposite fades, and no history has more than 21 bits."""
    followers = [
        ((0, 0, 0), (1, 0)),
        ((0, 0, 1), (0, 1)),
        ((2, 1, 1), (2, 2)),
        ((3, 0, 1), (2, 1)),
        ((8, 0, 1), (5, 1)),
        ((9, 4, 0), (10, 3)),
        ((0, 20, 1), (0, 21)),
        ((0, 21, 1), (0, 21)),
        ((21, 0, 0), (21, 0)),
        ((21, 0, 1), (11, 1)),
        ((2, 19, 1), (2, 19)),
        ((18, 3, 0), (19, 2)),
        ((1, 20, 0), (2, 11)),
    ]
    for asked, wanted in followers:
        expect.equal(
            context_mixing.next_history(*asked), wanted, f"the history after {asked[:2]} and a {asked[2]}"
        )


@law(
    exercise="Histories",
    points=2,
    hint="The slot names its history, the history its chance. Move the chance of the OLD history by a 128th, unless it "
    "is history 0; then put the next history into the slot.",
)
def test_slots_with_one_history_learn_together(context_mixing):
    """Slots that have the same history share its chance; a new slot says one half."""
    got = context_mixing.part_chances("Histories", [0, 1, 2, 3, 0, 1, 2, 9], [1, 1, 1, 0, 1, 1, 0, 1])
    expect.equal(got[:4], [ONE // 2] * 4, "the chances of new slots")
    once = ONE * 3 // 4
    expect.equal(got[4], once, "the chance of a slot that saw a 1: KT's")
    twice = once + (ONE - once) // 128
    expect.equal(got[5], twice, "the chance of another slot that saw a 1, after the first went on with a 1")
    expect.equal(got[6], twice + (ONE - twice) // 128, "the chance of a third one")
    expect.equal(got[7], ONE // 2, "the chance of a new slot, after all that")
    got = context_mixing.part_chances("Histories", [0, 0, 1, 1], [0, 0, 0, 0])
    expect.equal(
        [got[1], got[3]], [ONE // 4, ONE // 4 - ONE // 4 // 128], "the chances of slots that saw a 0"
    )


@law(
    exercise="Model",
    points=4,
    hint="Print plain_chances(data) and fast_chances(data). Where the first number differs, look at predict; where "
    "only later ones do, at update: every part learns at the slot where it was asked, before the past takes it in.",
    examples=5,
)
@given(data=texts.filter(bool))
@example(data=b"a rose is a rose is a rose")
@example(data=b"\x00\xff" * 12)
def test_your_model_says_what_the_fast_one_says(context_mixing, data):
    """Your model and the lesson's fast one say the same of every decision."""
    got = context_mixing.plain_chances(data)
    expect.kind(got, list, "the chances")
    expect.equal(got, context_mixing.fast_chances(data), "the chances")


@law(
    exercise="compress",
    points=2,
    hint="Ask for the first chance with next(), tell the coder a bit with the chance that was said BEFORE it, and get "
    "the next one with send(bit). The parts of the file stand in the order of the docstring.",
    examples=5,
)
@given(data=texts)
@example(data=b"")
@example(data=b"a" * 60)
@example(data=b"abracadabra" * 5)
def test_code_is_as_long_as_the_chances_say(context_mixing, data):
    """The file is its head, and a code of Σ −log2 p bits, to within lesson 6's promise."""
    blob = context_mixing.compress(data)
    expect.kind(blob, bytes, "the file")
    head = len(data).to_bytes(4, "big") + context_mixing.checksum(data)
    expect.equal(blob[:8], head, "size and checksum")
    if not data:
        expect.equal(len(blob), 8, "the size of the file of no data")
        return
    classes = context_mixing.classes_of(data)
    header = context_mixing.write_classes(classes)
    expect.equal(blob[8 : 8 + len(header)], header, "the classes")
    code = context_mixing.decisions(context_mixing.weights_of(classes))
    bits = "".join(code[byte] for byte in data)
    said = context_mixing.fast_chances(data)
    ideal = sum(
        log2(65536 / (one if bit == "1" else 65536 - one)) for bit, one in zip(bits, said, strict=True)
    )
    got, most = 8 * (len(blob) - 8 - len(header)), ideal + len(bits) / 2**15 + 9
    expect.true(ideal - 1e-6 <= got < most, f"the code has {got} bits, where {ideal:.3f} are ideal", got=blob)


@law(
    exercise="decompress",
    points=2,
    hint="Walk down the tree: each bit that the decoder gives goes to the model with send(), and leads to a child. "
    "A child below 0 is a byte, and the next one begins at node 0.",
    examples=5,
)
@given(data=texts)
@example(data=b"")
@example(data=b"a" * 60)
@example(data=bytes(range(1, 256, 4)))
def test_data_comes_back_elsewhere(context_mixing, elsewhere, data):
    """Another process, which knows nothing but the file, gives the data back."""
    blob = contract.comes_back(context_mixing.compress, elsewhere.decompress, data)
    expect.equal(blob[:4], len(data).to_bytes(4, "big"), "the size at the front of the file")


@law(
    exercise="decompress",
    points=1,
    hint="Whatever the header says, the decoder sees when the code is over. In the end, compare what was used with "
    "the length of the blob, and the checksum with that of the data.",
)
def test_damage_is_refused(context_mixing):
    """Files cut short, lengthened, with a turned bit or with another size are refused with ValueError."""
    blob = context_mixing.compress(b"she sells sea shells")
    expect.equal(context_mixing.decompress(blob), b"she sells sea shells", "the undamaged file")
    contract.refuses_damage(context_mixing.decompress, blob, steps=6)

    def behind_the_size(rest):
        return context_mixing.decompress(blob[:4] + rest)

    contract.survives_flips(behind_the_size, blob[4:], b"she sells sea shells", checksum=True, steps=8)
    forged = blob[:4] + bytes(4) + blob[8:]
    expect.raises("ValueError", context_mixing.decompress, forged, what="another checksum")
    for size in (b"\x00\x00\x00\x15", b"\x00\x01\x00\x00"):
        expect.raises("ValueError", context_mixing.decompress, size + blob[4:], what="another size")
    nothing = context_mixing.compress(b"")
    expect.equal(context_mixing.decompress(nothing), b"", "the file of no data")
    expect.raises("ValueError", context_mixing.decompress, nothing + b"\x00", what="a byte after no data")


def kt_candidate(bits):
    """Bet as KT does on the bits before."""
    return [(bits[:i].count(bit) + 0.5) / (i + 1) for i, bit in enumerate(bits)]


CANDIDATES = {
    "KT": (True, kt_candidate),
    "a coin": (True, lambda bits: [0.5] * len(bits)),
    "a fool who always bets on 1": (True, lambda bits: [0.75 if bit else 0.25 for bit in bits]),
    "one that counts the bit first": (
        False,
        lambda bits: [(bits[: i + 1].count(b) + 0.5) / (i + 2) for i, b in enumerate(bits)],
    ),
    "one that is always sure": (False, lambda bits: [0.9] * len(bits)),
    "one that leaves a tenth to nobody": (
        False,
        lambda bits: [0.9 * chance for chance in kt_candidate(bits)],
    ),
    "one that reads backwards": (False, lambda bits: kt_candidate(bits[::-1])[::-1]),
    "one that knows the length": (False, lambda bits: [0.5 + (0.5 - b) / (2 + len(bits)) for b in bits]),
    "one that cheats at the fourth bit": (
        False,
        lambda bits: [0.5, 0.5, 0.5, 0.6, *[0.5] * len(bits)][: len(bits)],
    ),
    "one that is certain of a 1 after a 1": (
        False,
        lambda bits: [float(bit) if i and bits[i - 1] else 0.5 for i, bit in enumerate(bits)],
    ),
    "one that is certain of a 0 after a 0": (
        False,
        lambda bits: [0.5 if not i or bits[i - 1] else float(not bit) for i, bit in enumerate(bits)],
    ),
    "one that leaves something to nobody after 10": (
        False,
        lambda bits: [0.4 if bits[:i][-2:] == [1, 0] else 0.5 for i in range(len(bits))],
    ),
    "one that bets more than it has": (False, lambda bits: [1.5 if bit else -0.5 for bit in bits]),
}


@law(
    exercise="is_fair",
    points=1,
    examples=1,
    hint="For each short beginning, ask twice: with a 0 after it, and with a 1. What was given to the beginning must "
    "be the same both times and as before, and the two last chances must add up to 1.",
)
@given(order=st.permutations(list(CANDIDATES)))
def test_your_law_tells_fair_from_unfair(context_mixing, order):
    """Your law accepts three fair models, one of them foolish, and refuses those that cheat."""
    for name in order:
        fair, candidate = CANDIDATES[name]
        expect.equal(context_mixing.is_fair(candidate), fair, f"your law on {name}")

"""Lesson 7: context mixing, which lets many models bet on the next bit and learns whom to believe."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from fractions import Fraction
from functools import cache
from itertools import product
from math import comb, exp, log, log2

from squeeze.arithmetic import Decoder, Encoder
from squeeze.entropy import counts as count_bytes

# Chances are whole numbers: ONE is certainty. So the decoder, on whatever machine, has the encoder's numbers.
ONE_BITS = 20
ONE = 1 << ONE_BITS
LEAST, MOST = 16, 65520  # what the coder is told, in 65,536ths: no decision costs less than 0.0003 bits

# The logistic scale: STRETCH[i] is ln p/(1−p) in the middle of the i-th of 4,096 parts of the chances, and SQUASH is
# the way back, for steps of 1/128 from −12 up to 12. Rounded, they are the same numbers on every machine.
STRETCH = [round(256 * log((i + 0.5) / (4095.5 - i))) / 256 for i in range(4096)]
STEPS = 3072
SQUASH = [round(ONE / (1 + exp((STEPS / 2 - 0.5 - i) / 128))) for i in range(STEPS)]

RATE = 0.002  # of the mixer's learning, for costs in units of ln 2 bits
GOOD_ENOUGH = ONE // 100  # a smaller error teaches nothing
WEIGHT = 0.1  # what each weight begins as; three of them are added
MOST_SEEN = 21  # bits that a history remembers
COUNT_LIMIT = 255  # bits after which a counter learns no slower
ORDERS = (3, 4, 6)  # bytes of the contexts that have histories; the counters have 0, 1 and 2
PARTS = 9  # three counters, three orders with histories, a word, two words, a match
SHORTEST_MATCH = 7
LONGEST_MATCH = 40  # beyond it, a match is as good as it gets

WORD = (1 << 64) - 1
SPREAD = (
    0x9E3779B97F4A7C15  # 2^64 over the golden ratio, which scatters neighbours: Knuth's multiplicative hash
)
WORD_SPREAD = 0x2F0B4C47


def kt(zeros: int, ones: int) -> float:
    """Return Krichevsky and Trofimov's chance that the next bit is a 1, after so many zeros and ones.

    It is as if half a 0 and half a 1 had been seen before the first bit. Raises ValueError where a count is negative.
    Source: Krichevsky and Trofimov (1981).

    >>> kt(0, 0), kt(2, 1)
    (0.5, 0.375)
    """
    ### BEGIN SOLUTION
    if zeros < 0 or ones < 0:
        raise ValueError(f"{zeros!r} zeros and {ones!r} ones were not counted; a count is 0 or more")
    return (ones + 0.5) / (zeros + ones + 1)
    ### END SOLUTION


def kt_block(zeros: int, ones: int) -> tuple[int, int]:
    """Return the probability that KT gives a whole text with so many zeros and ones, in whatever order they come.

    It is the product of the chances of all its bits, found without walking through them:
    (1 · 3 · 5 ⋯ (2 zeros − 1)) · (1 · 3 · 5 ⋯ (2 ones − 1)) / (2^n · n!) for n bits. No bits have 1.
    It is exact: a numerator and a denominator in lowest terms, as `Fraction.as_integer_ratio` returns them.
    Raises ValueError where a count is negative.

    >>> kt_block(2, 2)
    (3, 128)
    """
    ### BEGIN SOLUTION
    size = zeros + ones
    # `comb` refuses counts below 0.
    ways = comb(2 * zeros, zeros) * comb(2 * ones, ones)
    return Fraction(ways, 4**size * comb(size, zeros)).as_integer_ratio()
    ### END SOLUTION


def order_costs(data: bytes, order: int) -> list[float]:
    """Return what each byte costs in bits, −log2 of its chance, where a KT estimator learns in each context.

    A byte is eight bits, the highest first. The context of a bit is the last `order` bytes before its byte (fewer at
    the start of the data) with the bits of the byte that came before it. Nothing is known at first, and a bit is
    counted after it has been paid for. Raises ValueError where the order is negative.

    >>> [round(cost, 3) for cost in order_costs(b"aa", 0)]
    [8.0, 3.32]
    """
    ### BEGIN SOLUTION
    if order < 0:
        raise ValueError(f"a context can't have {order!r} bytes")
    seen: dict[tuple[bytes, int], list[int]] = {}
    costs = []
    for place, byte in enumerate(data):
        context, cost = data[max(0, place - order) : place], 0.0
        for width in range(8):
            bit = byte >> 7 - width & 1
            counts = seen.setdefault((context, (256 | byte) >> 8 - width), [0, 0])
            cost -= log2((counts[bit] + 0.5) / (sum(counts) + 1))
            counts[bit] += 1
        costs.append(cost)
    return costs
    ### END SOLUTION


def mixture(chances: Sequence[Sequence[float]]) -> list[float]:
    """Return the chance that the Bayes mixture of several models gave to each thing that came.

    `chances[i][j]` is what model j gave to the i-th thing. The mixture believes in all models alike at first. Its
    chance is their average, each weighted by the belief in it, and afterwards each belief is multiplied by
    what its model gave, and all are divided by their sum.

    >>> mixture([[0.5, 0.25], [0.5, 1.0]])
    [0.375, 0.6666666666666666]
    """
    ### BEGIN SOLUTION
    mixed: list[float] = []
    beliefs: list[float] = []
    for row in chances:
        beliefs = beliefs or [1 / len(row)] * len(row)
        beliefs = [beliefs[j] * chance for j, chance in enumerate(row)]
        total = sum(beliefs)
        mixed.append(total)
        beliefs = [belief / total for belief in beliefs]
    return mixed
    ### END SOLUTION


def ctw(bits: str, depth: int) -> tuple[int, int]:
    """Return the probability of the bits under the weighting of all context trees of at most that depth.

    A node stands for a context, the text of the last bits, newest last, and sees the bits that come after it. At the
    full depth its weight is `kt_block` of what it sees. Nearer to the root it is half of that, and half the
    product of the weights of its two children, whose contexts are one bit longer, at the old end. The weight of the
    root, the empty context, is returned, as `kt_block` returns a probability. Before the first bit, there are zeros.
    Source: Willems, Shtarkov and Tjalkens (1995).

    >>> ctw("01", 1)
    (1, 8)
    """
    ### BEGIN SOLUTION
    padded = "0" * depth + bits

    def weight(context: str) -> Fraction:
        places = range(depth, len(padded))
        seen = [padded[place] for place in places if padded[:place].endswith(context)]
        alone = Fraction(*kt_block(seen.count("0"), seen.count("1")))
        if len(context) == depth or not seen:
            return alone
        return (alone + weight("0" + context) * weight("1" + context)) / 2

    return weight("").as_integer_ratio()
    ### END SOLUTION


class Node:
    """A context of a `ContextTree`: what came after it, and how much is to be said for stopping there."""

    def __init__(self) -> None:
        self.zeros = self.ones = 0
        self.ratio = 1.0  # probability of what it saw as a leaf, over that of its children's weights

    def chance(self, bit: int = 1) -> float:
        """Return KT's chance that the next bit here is `bit`."""
        return kt(self.zeros, self.ones) if bit else kt(self.ones, self.zeros)


class ContextTree:
    """Context tree weighting bit by bit: all trees of at most `depth` at once, in time that grows with the depth.

    >>> tree = ContextTree(1)
    >>> tree.update(0), tree.update(1)
    (0.5, 0.25)
    """

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.nodes: dict[str, Node] = {}
        self.past = "0" * depth

    def path(self) -> list[Node]:
        """Return the nodes of the present context: the deepest first, the root last."""
        contexts = [self.past[start:] for start in range(self.depth + 1)]
        return [self.nodes.setdefault(context, Node()) for context in contexts]

    def chance(self) -> float:
        """Return the chance that the next bit is a 1.

        The deepest node says its own KT chance. Each node above mixes its own, `ratio` parts, with what came
        from below, one part.
        """
        ### BEGIN SOLUTION
        deepest, *above = self.path()
        chance = deepest.chance()
        for node in above:
            chance = (node.ratio * node.chance() + chance) / (node.ratio + 1)
        return chance
        ### END SOLUTION

    def update(self, bit: int) -> float:
        """Learn the bit, and return the chance that it had before.

        On each node above the deepest, the ratio is multiplied by the chance that the node itself gave the bit, and
        divided by the chance that came from below. It is kept at 10^−30 or more. Then the bit is counted on the
        whole path. `past` keeps the last `depth` bits.
        """
        ### BEGIN SOLUTION
        deepest, *above = self.path()
        chance = deepest.chance(bit)
        for node in above:
            own = node.chance(bit)
            mixed = (node.ratio * own + chance) / (node.ratio + 1)
            node.ratio = max(node.ratio * own / chance, 1e-30)
            chance = mixed
        for node in (deepest, *above):
            node.ones += bit
            node.zeros += 1 - bit
        self.past = (self.past + str(bit))[1:]
        return chance
        ### END SOLUTION


def tree_chances(bits: Sequence[int], depth: int = 2) -> list[float]:
    """Return the chance that a `ContextTree` gave to each of the bits before it came.

    >>> tree_chances([0, 1], 1)
    [0.5, 0.25]
    """
    tree = ContextTree(depth)
    return [tree.update(bit) for bit in bits]


def step(x: float) -> int:
    """Return which entry of `SQUASH` a number on the logistic scale belongs to.

    >>> step(0.0), step(-50.0), step(50.0)
    (1536, 0, 3071)
    """
    return min(max(int(x * 128 + STEPS // 2), 0), STEPS - 1)


def stretch(chance: int) -> float:
    """Return ln p/(1−p) of a chance in units of `ONE`.

    >>> stretch(ONE // 2), stretch(ONE * 9 // 10)
    (0.0, 2.19921875)
    """
    return STRETCH[chance >> ONE_BITS - 12]


def squash(x: float) -> int:
    """Return the chance 1/(1+e^−x), in units of `ONE`: the way back from `stretch`.

    >>> squash(0.0) / ONE, squash(2.2) / ONE
    (0.5009765625, 0.9001789093017578)
    """
    return SQUASH[step(x)]


def mixer_sums(
    steps: Sequence[tuple[Sequence[float], Sequence[int], int]], sizes: Sequence[int]
) -> list[float]:
    """Run a `Mixer` over steps of (inputs, chosen rows, the bit that came); return what it predicted at each.

    >>> [round(x, 4) for x in mixer_sums([([1.0, 3.0], [0], 1), ([1.0, 3.0], [0], 0)], [1])]
    [0.4, 0.408]
    """
    mixer, sums = Mixer(len(steps[0][0]), sizes), []
    for inputs, chosen, bit in steps:
        sums.append(mixer.predict(inputs, chosen))
        mixer.update(bit)
    return sums


class Mixer:
    """Adds up what several models say on the logistic scale, each times a weight, and learns the weights.

    There are several sets of rows of weights. Of each set one row is chosen, by whatever is known
    before the bit; an input's weight is the sum of its weights in the chosen rows, and all of these learn.
    Source: Mahoney (2005), whose PAQ6 and PAQ7 mix so; Mattern (2012).

    >>> mixer = Mixer(2, [1, 4])
    >>> mixer.predict([1.0, 3.0], [0, 2])
    0.8
    >>> mixer.update(1)
    >>> mixer.predict([1.0, 3.0], [0, 2]) > 0.8
    True
    """

    def __init__(self, inputs: int, sizes: Sequence[int], weight: float = WEIGHT) -> None:
        self.sets = [[[weight] * inputs for _ in range(size)] for size in sizes]
        self.inputs: Sequence[float] = []
        self.rows: list[list[float]] = []  # the chosen ones
        self.chance = ONE // 2  # what was said of the bit that comes

    def predict(self, inputs: Sequence[float], chosen: Sequence[int]) -> float:
        """Return Σ weight · input, and keep inputs, rows and the squashed chance for `update`.

        `chosen[i]` says which row of set i counts. Add the weights of an input in the order of the sets, and the
        products in the order of the inputs, in a loop: floats don't add up the same in another order.
        """
        ### BEGIN SOLUTION
        self.inputs = inputs
        self.rows = [self.sets[i][row] for i, row in enumerate(chosen)]
        total = 0.0
        for i, x in enumerate(inputs):
            weight = self.rows[0][i]
            for row in self.rows[1:]:
                weight += row[i]
            total += weight * x
        self.chance = squash(total)
        return total
        ### END SOLUTION

    def update(self, bit: int) -> None:
        """Take one step down the gradient of the cost of the bit, −ln of the chance that it had.

        The error is the bit in units of `ONE`, less the chance. Each chosen weight grows by `RATE` / `ONE` · error ·
        its input, unless the error is within `GOOD_ENOUGH`.
        """
        ### BEGIN SOLUTION
        error = bit * ONE - self.chance
        if -GOOD_ENOUGH <= error <= GOOD_ENOUGH:
            return
        pace = error * (RATE / ONE)
        for row in self.rows:
            for i, x in enumerate(self.inputs):
                row[i] += pace * x
        ### END SOLUTION


class Counters:
    """A chance for each slot, with the number of bits that it has seen: KT's estimate, in whole numbers.

    >>> counters = Counters()
    >>> counters.update(7, 1)
    >>> counters.predict(7) / ONE, counters.predict(8) / ONE
    (0.75, 0.5)
    """

    def __init__(self) -> None:
        # Slot to (chance, bits seen); one that is missing is (ONE // 2, 0).
        self.slots: dict[int, tuple[int, int]] = {}

    def predict(self, slot: int) -> int:
        """Return the slot's chance of a 1, in units of `ONE`."""
        ### BEGIN SOLUTION
        return self.slots[slot][0] if slot in self.slots else ONE // 2
        ### END SOLUTION

    def update(self, slot: int, bit: int) -> None:
        """Move the chance towards the bit by 1/(n + 2) of the way, where n bits were seen before.

        In whole numbers: for a 1 add (ONE − chance) · r // 65536 and for a 0 take chance · r // 65536 away, with
        r = 65536 // (n + 2). At `COUNT_LIMIT`, n grows no more.
        """
        ### BEGIN SOLUTION
        chance, seen = self.slots.get(slot, (ONE // 2, 0))
        rate = 65536 // (seen + 2)
        chance += (ONE - chance) * rate >> 16 if bit else -(chance * rate >> 16)
        self.slots[slot] = chance, min(seen + 1, COUNT_LIMIT)
        ### END SOLUTION


def next_history(zeros: int, ones: int, bit: int) -> tuple[int, int]:
    """Return the history (zeros, ones) of a context after one more bit.

    The bit is counted. Its opposite loses weight, for what came last says more than what came long ago: its count n
    becomes n // 2 + 1, where that is less. If both together are then above `MOST_SEEN`, the bit isn't counted.

    >>> next_history(8, 0, 1), next_history(0, MOST_SEEN, 1)
    ((5, 1), (0, 21))
    """
    ### BEGIN SOLUTION
    same, other = (ones, zeros) if bit else (zeros, ones)
    other = min(other, other // 2 + 1)
    same = min(same + 1, MOST_SEEN - other)
    return (other, same) if bit else (same, other)
    ### END SOLUTION


@cache
def all_histories() -> tuple[list[tuple[int, int]], bytes, bytes]:
    """Return every history that `next_history` leads to, and which one follows each after a 0 and after a 1.

    >>> histories, after_0, after_1 = all_histories()
    >>> histories[0], histories[after_1[0]]
    ((0, 0), (0, 1))
    """
    histories, after = [(0, 0)], (bytearray(), bytearray())
    for history in histories:  # which grows on the way
        for bit in (0, 1):
            following = next_history(*history, bit)
            if following not in histories:
                if len(histories) == 256:
                    raise ValueError("next_history leads to more histories than a byte can number")
                histories.append(following)
            after[bit].append(histories.index(following))
    return histories, bytes(after[0]), bytes(after[1])


def part_chances(kind: str, slots: Sequence[int], bits: Sequence[int]) -> list[int]:
    """Run `Counters` or `Histories` over bits, each at its slot; return what was predicted before each of them.

    >>> part_chances("Counters", [7, 7, 8], [1, 1, 1]) == [ONE // 2, ONE * 3 // 4, ONE // 2]
    True
    """
    part = Counters() if kind == "Counters" else Histories(max(slots, default=0) + 1)
    chances = []
    for slot, bit in zip(slots, bits, strict=True):
        chances.append(part.predict(slot))
        part.update(slot, bit)
    return chances


def chance_after(runs: Sequence[tuple[int, int]]) -> int:
    """Return what a slot of `Counters` says after runs of bits, each told as (bit, how often it came).

    >>> chance_after([(1, 2)]) / ONE
    0.8333320617675781
    """
    counters = Counters()
    for bit, times in runs:
        for _ in range(times):
            counters.update(0, bit)
    return counters.predict(0)


class Histories:
    """A history in one byte for each slot, and for each history a chance that is learnt from all slots that have it.

    >>> part = Histories(10)
    >>> part.update(3, 1)
    >>> part.predict(3) / ONE, part.predict(4) / ONE
    (0.75, 0.5)
    """

    def __init__(self, size: int) -> None:
        histories, *self.after = all_histories()
        self.chances = [ONE * (2 * ones + 1) // (2 * (zeros + ones + 1)) for zeros, ones in histories]  # KT's
        self.slots = bytearray(size)

    def predict(self, slot: int) -> int:
        """Return the chance of a 1, in units of `ONE`, that goes with the slot's history."""
        ### BEGIN SOLUTION
        return self.chances[self.slots[slot]]
        ### END SOLUTION

    def update(self, slot: int, bit: int) -> None:
        """Move the history's chance a 128th of the way towards the bit, then give the slot its next history.

        The way is rounded down to a whole number: (ONE − chance) // 128 up, or chance // 128 down.
        History 0, which knows nothing, keeps its chance. `after[bit]` says which history is next.
        """
        ### BEGIN SOLUTION
        history = self.slots[slot]
        if history:
            chance = self.chances[history]
            self.chances[history] += ONE - chance >> 7 if bit else -(chance >> 7)
        self.slots[slot] = self.after[bit][history]
        ### END SOLUTION


# What follows up to `Model` is given: which bits a byte becomes, the contexts, the longest match, the last refinement.


def decisions(weights: dict[int, int]) -> dict[int, str]:
    """Return the yes-or-no decisions that lead to each symbol: few for a heavy one, and neighbours part late.

    The symbols in increasing order are cut in two where the weights of both sides are most alike, and each side is cut
    in turn. Raises ValueError where there are fewer than two symbols. Source: Fano (1949).

    >>> decisions({97: 4, 98: 1, 99: 2, 120: 1})
    {97: '0', 98: '10', 99: '110', 120: '111'}
    """
    if len(weights) < 2:
        raise ValueError(f"{len(weights)} symbols leave nothing to decide; give two or more")
    code: dict[int, str] = {}
    pieces = [(sorted(weights), "")]
    while pieces:
        symbols, bits = pieces.pop()
        if len(symbols) == 1:
            code[symbols[0]] = bits
            continue
        total, left, best = sum(weights[symbol] for symbol in symbols), 0, (0, 0)
        for cut, symbol in enumerate(symbols[:-1], 1):
            left += weights[symbol]
            if cut == 1 or abs(2 * left - total) < best[0]:
                best = abs(2 * left - total), cut
        pieces += [(symbols[best[1] :], bits + "1"), (symbols[: best[1]], bits + "0")]
    return code


class Tree:
    """The decisions as a tree: `children[2 · node + bit]` is a node, or −1 − symbol where a symbol is reached.

    `paths[symbol]` maps each node on the way to a symbol to the bit that leads on.
    """

    def __init__(self, code: dict[int, str]) -> None:
        self.children = [-1, -1]
        self.paths: dict[int, dict[int, int]] = {}
        for symbol, bits in sorted(code.items()):
            node, path = 0, {}
            for depth, bit in enumerate(map(int, bits)):
                path[node] = bit
                if depth == len(bits) - 1:
                    self.children[2 * node + bit] = -1 - symbol
                    break
                if self.children[2 * node + bit] < 0:
                    self.children[2 * node + bit] = len(self.children) // 2
                    self.children += [-1, -1]
                node = self.children[2 * node + bit]
            self.paths[symbol] = path


def slot_bits(size: int) -> int:
    """Return the logarithm of the number of slots that histories of so many bytes get.

    >>> slot_bits(0), slot_bits(1000), slot_bits(10**9)
    (12, 13, 22)
    """
    return max(12, min(22, (8 * size).bit_length()))


def is_letter(byte: int) -> bool:
    """Say whether a byte belongs to a word.

    >>> is_letter(65), is_letter(32)
    (True, False)
    """
    return 97 <= byte <= 122 or 65 <= byte <= 90 or byte > 127


class Past:
    """The bytes so far, and the slots that their contexts own."""

    def __init__(self, size: int) -> None:
        self.data = bytearray()
        self.bits = slot_bits(size)
        self.recent = self.word = self.word_before = 0  # the last 8 bytes as a number, and words as hashes
        self.starts: list[int] = []
        self.find()

    def find(self) -> None:
        """Find where the slots of each context begin."""
        contexts = [self.recent & (1 << 8 * order) - 1 | 1 << 8 * order for order in ORDERS]
        contexts += [self.word + 5 << 32, self.word * WORD_SPREAD + self.word_before + (7 << 48)]
        direct = [self.recent % 256**order << 8 for order in range(3)]
        self.starts = direct + [(context * SPREAD & WORD) >> 64 - self.bits for context in contexts]

    def append(self, byte: int) -> None:
        """Take in the next byte."""
        self.data.append(byte)
        self.recent = (self.recent << 8 | byte) & WORD
        if is_letter(byte):
            self.word = (self.word + (byte | 32) + 1) * WORD_SPREAD & 0xFFFFFFFF  # small and capital alike
        elif self.word:
            self.word_before, self.word = self.word, 0
        self.find()


class Match:
    """Finds the last place where the past few bytes stood, and expects what followed them there.

    Its slots are the nodes of the decisions; it says ONE // 2 where it expects nothing.
    """

    def __init__(self, paths: dict[int, dict[int, int]], past: Past) -> None:
        self.paths, self.past = paths, past
        self.length = self.place = 0
        self.bits = min(past.bits, 20)
        self.places = [0] * (1 << self.bits)
        # A context that was right so many times and never wrong has KT's chance of being right again.
        self.chances = [
            ONE * (2 * n + 1) // (2 * n + 2) for n in [min(n, 31) for n in range(LONGEST_MATCH + 1)]
        ]

    def expected(self, node: int) -> int | None:
        """Return the bit that the match leads to, or None."""
        return self.paths[self.past.data[self.place]].get(node) if self.length else None

    def predict(self, node: int) -> int:
        """Return the chance of a 1, in units of `ONE`."""
        bit = self.expected(node)
        if bit is None:
            return ONE // 2
        chance = self.chances[min(self.length, LONGEST_MATCH)]
        return chance if bit else ONE - chance

    def update(self, node: int, bit: int) -> None:
        """Learn how far matches of this length can be trusted."""
        expected, rank = self.expected(node), min(self.length, LONGEST_MATCH)
        if expected is not None:
            chance = self.chances[rank]
            self.chances[rank] += ONE - chance >> 7 if bit == expected else -(chance >> 7)

    def append(self) -> None:
        """Follow the byte that the past has just taken in."""
        data, end = self.past.data, len(self.past.data)
        if self.length and data[self.place] == data[-1]:
            self.length, self.place = self.length + 1, self.place + 1
        else:
            self.length = 0
        if end < SHORTEST_MATCH:
            return
        key = ((self.past.recent & (1 << 8 * SHORTEST_MATCH) - 1) * SPREAD & WORD) >> 64 - self.bits
        if not self.length:
            self.place = self.places[key]
            found = (
                self.place and data[self.place - SHORTEST_MATCH : self.place] == data[end - SHORTEST_MATCH :]
            )
            self.length = SHORTEST_MATCH if found else 0
        self.places[key] = end


class Refiner:
    """Learns for each slot what a chance that the mixer gives there is really worth, for 33 chances from low to high.

    A chance between two of them is read off the line between, and the nearer one learns.
    Source: Mahoney (2005): secondary symbol estimation, from Bloom's PPMZ.

    >>> Refiner().predict(5, 0.0) / ONE
    0.5009765625
    """

    START = tuple(squash(min(max((i - 16) / 2, -8), 8)) for i in range(34))

    def __init__(self) -> None:
        self.rows: dict[int, list[int]] = {}
        self.row: list[int] = []
        self.nearest = 0

    def predict(self, slot: int, x: float) -> int:
        """Return the refined chance in units of `ONE`."""
        place, part = PLACES[step(x)]
        self.row = self.rows.setdefault(slot, list(self.START))
        self.nearest = place + part // 32
        return self.row[place] * (64 - part) + self.row[place + 1] * part >> 6

    def update(self, bit: int) -> None:
        """Move the nearest chance a 64th of the way towards the bit."""
        chance = self.row[self.nearest]
        self.row[self.nearest] += ONE - chance >> 6 if bit else -(chance >> 6)


# For each entry of SQUASH: between which two of a refiner's chances it lies, and how far, in 64ths.
PLACES = [divmod(min(max(i - STEPS // 2, -1024), 1023) + 1024, 64) for i in range(STEPS)]


class Model:
    """The whole model: nine parts bet on the next decision, a mixer weighs them, two refiners have the last word.

    `code` says which decisions lead to each symbol; `size` is how many symbols are expected.

    >>> model = Model({97: "0", 98: "1"}, 100)
    >>> first = model.predict()
    >>> model.update(1)
    >>> model.predict() > first
    True
    """

    def __init__(self, code: dict[int, str], size: int) -> None:
        self.tree = Tree(code)
        self.past = Past(size)
        self.match = Match(self.tree.paths, self.past)
        slots = (1 << self.past.bits) + 256
        self.counters = [Counters() for _ in range(3)]
        self.histories = [Histories(slots) for _ in range(5)]
        self.parts: list[Counters | Histories | Match] = [*self.counters, *self.histories, self.match]
        self.mixer = Mixer(len(self.parts), [len(self.tree.children) // 2, 16, 256])
        self.refiners = [Refiner(), Refiner()]
        self.node = 0  # how far the decisions about the present symbol have come
        self.slots = [0] * PARTS

    def find_slots(self) -> list[int]:
        """Return the slot of each part: its context's first one and the node; for the match, the node."""
        return [start + self.node for start in [*self.past.starts, 0]]

    def rows(self) -> list[int]:
        """Return which rows of the mixer count: by the node, by what is known of the context, by the last byte."""
        known = [i for i in (1, 2, 3) if self.histories[i - 1].slots[self.slots[2 + i]]]
        length = self.match.length
        trust = (length > 0) + (length > 15) + (length > 31)
        return [self.node, 4 * trust + max(known, default=0), self.past.recent & 255]

    def predict(self) -> int:
        """Return the chance that the next decision is a 1, in 65,536ths: what the coder is told.

        Find the slots, ask every part at its own, and stretch the answers. Give them with the `rows` to the mixer.
        Ask the first refiner at the counters' slot of order 1 and the second at that of order 2, both with the mixer's
        sum. The answer is (mixer's chance + 2 · first + second) // 64, but from `LEAST` to `MOST`.
        """
        ### BEGIN SOLUTION
        self.slots = self.find_slots()
        inputs = [stretch(part.predict(self.slots[i])) for i, part in enumerate(self.parts)]
        x = self.mixer.predict(inputs, self.rows())
        first = self.refiners[0].predict(self.slots[1], x)
        second = self.refiners[1].predict(self.slots[2], x)
        return min(max((self.mixer.chance + 2 * first + second) // 64, LEAST), MOST)
        ### END SOLUTION

    def update(self, bit: int) -> None:
        """Learn the decision of which `predict` spoke.

        Every part learns at the slot where it was asked, then the mixer and the refiners. Then go to the
        next node. Where that is a symbol, the past and then the match take it in, and the node is 0 again.
        """
        ### BEGIN SOLUTION
        for i, part in enumerate(self.parts):
            part.update(self.slots[i], bit)
        self.mixer.update(bit)
        for refiner in self.refiners:
            refiner.update(bit)
        self.node = self.tree.children[2 * self.node + bit]
        if self.node < 0:
            self.past.append(-1 - self.node)
            self.match.append()
            self.node = 0
        ### END SOLUTION


def plain_chances(data: bytes) -> list[int]:
    """Return what a `Model` says of every decision in the data, before it is made, in 65,536ths.

    >>> plain_chances(b"ab")[0]
    32832
    """
    code = decisions(weights_of(classes_of(data)))
    model, chances = Model(code, len(data)), []
    for byte in data:
        for bit in code[byte]:
            chances.append(model.predict())
            model.update(int(bit))
    return chances


def fast_chances(data: bytes) -> list[int]:
    """Return what `plain_chances` returns, from `model_chances`.

    >>> fast_chances(b"ab") == plain_chances(b"ab")
    True
    """
    code = decisions(weights_of(classes_of(data)))
    speaker = model_chances(code, len(data))
    chances = [next(speaker)]
    for byte in data:
        chances += [speaker.send(int(bit)) for bit in code[byte]]
    return chances[:-1]


def model_chances(code: dict[int, str], size: int) -> Generator[int, int, None]:
    """Yield what `Model.predict` says and take the bit for `Model.update`, on and on: the same model, unrolled.

    Given. It calls nothing, every part has its own names, and a counter is one number, chance · 256 + bits seen.

    >>> speaker = model_chances({97: "0", 98: "1"}, 100)
    >>> next(speaker) < speaker.send(1)
    True
    """
    tree, bits = Tree(code), slot_bits(size)
    children, paths = tree.children, tree.paths
    _, after_0, after_1 = all_histories()
    slots_3, slots_4, slots_6, slots_w, slots_v = (bytearray((1 << bits) + 256) for _ in range(5))
    chances_3, chances_4, chances_6, chances_w, chances_v = (Histories(0).chances for _ in range(5))
    counters_0, counters_1, counters_2 = {}, {}, {}  # type: dict[int, int], dict[int, int], dict[int, int]
    start, rates = ONE // 2 << 8, [65536 // (seen + 2) for seen in range(256)]
    places, trusts = [0] * (1 << min(bits, 20)), Match({}, Past(0)).chances
    by_node, by_known, by_byte = Mixer(PARTS, [len(children) // 2, 16, 256]).sets
    refined_1, refined_2 = {}, {}  # type: dict[int, list[int]], dict[int, list[int]]
    first_row = list(Refiner.START)
    get_0, get_1, get_2 = counters_0.get, counters_1.get, counters_2.get
    get_row_1, get_row_2 = refined_1.get, refined_2.get
    stretched, squashed, steps = STRETCH, SQUASH, PLACES
    one, good_enough, pace, spread, word_mask = ONE, GOOD_ENOUGH, RATE / ONE, SPREAD, WORD
    away, key_away = 64 - bits, 64 - min(bits, 20)
    data = bytearray()
    recent = last = word = word_before = place = length = 0
    while True:
        # The contexts of a byte.
        at_1, at_2 = last << 8, (recent & 0xFFFF) << 8
        at_3 = ((recent & 0xFFFFFF | 0x1000000) * spread & word_mask) >> away
        at_4 = ((recent & 0xFFFFFFFF | 0x100000000) * spread & word_mask) >> away
        at_6 = ((recent & 0xFFFFFFFFFFFF | 0x1000000000000) * spread & word_mask) >> away
        at_w = ((word + 5 << 32) * spread & word_mask) >> away
        at_v = ((word * WORD_SPREAD + word_before + (7 << 48)) * spread & word_mask) >> away
        expected = (paths[data[place]] if length else {}).get
        rank = length if length < LONGEST_MATCH else LONGEST_MATCH
        trust = 0 if not length else 4 if length < 16 else 8 if length < 32 else 12
        row_b = by_byte[last]
        node = 0
        while node >= 0:
            # What each part says.
            i_1, i_2 = at_1 + node, at_2 + node
            i_3, i_4, i_6, i_w, i_v = at_3 + node, at_4 + node, at_6 + node, at_w + node, at_v + node
            v_0, v_1, v_2 = get_0(node, start), get_1(i_1, start), get_2(i_2, start)
            h_3, h_4, h_6, h_w, h_v = slots_3[i_3], slots_4[i_4], slots_6[i_6], slots_w[i_w], slots_v[i_v]
            x_0, x_1, x_2 = stretched[v_0 >> 16], stretched[v_1 >> 16], stretched[v_2 >> 16]
            x_3, x_4 = stretched[chances_3[h_3] >> 8], stretched[chances_4[h_4] >> 8]
            x_6, x_w = stretched[chances_6[h_6] >> 8], stretched[chances_w[h_w] >> 8]
            x_v = stretched[chances_v[h_v] >> 8]
            wanted = expected(node)
            if wanted is None:
                x_m = 0.0
            elif wanted:
                x_m = stretched[trusts[rank] >> 8]
            else:
                x_m = stretched[one - trusts[rank] >> 8]
            # The mixer.
            known = trust + 3 if h_6 else trust + 2 if h_4 else trust + 1 if h_3 else trust
            a_0, a_1, a_2, a_3, a_4, a_6, a_w, a_v, a_m = by_node[node]
            b_0, b_1, b_2, b_3, b_4, b_6, b_w, b_v, b_m = by_known[known]
            c_0, c_1, c_2, c_3, c_4, c_6, c_w, c_v, c_m = row_b
            x = (a_0 + b_0 + c_0) * x_0 + (a_1 + b_1 + c_1) * x_1 + (a_2 + b_2 + c_2) * x_2
            x = x + (a_3 + b_3 + c_3) * x_3 + (a_4 + b_4 + c_4) * x_4 + (a_6 + b_6 + c_6) * x_6
            x = x + (a_w + b_w + c_w) * x_w + (a_v + b_v + c_v) * x_v + (a_m + b_m + c_m) * x_m
            k = int(x * 128 + 1536)
            if k < 0:
                k = 0
            elif k > 3071:
                k = 3071
            chance = squashed[k]
            # The refiners.
            lower, part = steps[k]
            row_1, row_2 = get_row_1(i_1), get_row_2(i_2)
            if row_1 is None:
                row_1 = refined_1[i_1] = first_row[:]
            if row_2 is None:
                row_2 = refined_2[i_2] = first_row[:]
            rest, upper = 64 - part, lower + 1
            first = row_1[lower] * rest + row_1[upper] * part >> 6
            told = (chance + 2 * first + (row_2[lower] * rest + row_2[upper] * part >> 6)) >> 6
            bit = yield 16 if told < 16 else 65520 if told > 65520 else told
            # All learn.
            if part > 31:
                lower = upper
            n_0, n_1, n_2 = v_0 & 255, v_1 & 255, v_2 & 255
            p_0, p_1, p_2 = v_0 >> 8, v_1 >> 8, v_2 >> 8
            if bit:
                error = one - chance
                counters_0[node] = p_0 + ((one - p_0) * rates[n_0] >> 16) << 8 | n_0 + (n_0 < 255)
                counters_1[i_1] = p_1 + ((one - p_1) * rates[n_1] >> 16) << 8 | n_1 + (n_1 < 255)
                counters_2[i_2] = p_2 + ((one - p_2) * rates[n_2] >> 16) << 8 | n_2 + (n_2 < 255)
                row_1[lower] += one - row_1[lower] >> 6
                row_2[lower] += one - row_2[lower] >> 6
                slots_3[i_3], slots_4[i_4], slots_6[i_6] = after_1[h_3], after_1[h_4], after_1[h_6]
                slots_w[i_w], slots_v[i_v] = after_1[h_w], after_1[h_v]
                if h_3:
                    chances_3[h_3] += one - chances_3[h_3] >> 7
                if h_4:
                    chances_4[h_4] += one - chances_4[h_4] >> 7
                if h_6:
                    chances_6[h_6] += one - chances_6[h_6] >> 7
                if h_w:
                    chances_w[h_w] += one - chances_w[h_w] >> 7
                if h_v:
                    chances_v[h_v] += one - chances_v[h_v] >> 7
            else:
                error = -chance
                counters_0[node] = p_0 - (p_0 * rates[n_0] >> 16) << 8 | n_0 + (n_0 < 255)
                counters_1[i_1] = p_1 - (p_1 * rates[n_1] >> 16) << 8 | n_1 + (n_1 < 255)
                counters_2[i_2] = p_2 - (p_2 * rates[n_2] >> 16) << 8 | n_2 + (n_2 < 255)
                row_1[lower] -= row_1[lower] >> 6
                row_2[lower] -= row_2[lower] >> 6
                slots_3[i_3], slots_4[i_4], slots_6[i_6] = after_0[h_3], after_0[h_4], after_0[h_6]
                slots_w[i_w], slots_v[i_v] = after_0[h_w], after_0[h_v]
                if h_3:
                    chances_3[h_3] -= chances_3[h_3] >> 7
                if h_4:
                    chances_4[h_4] -= chances_4[h_4] >> 7
                if h_6:
                    chances_6[h_6] -= chances_6[h_6] >> 7
                if h_w:
                    chances_w[h_w] -= chances_w[h_w] >> 7
                if h_v:
                    chances_v[h_v] -= chances_v[h_v] >> 7
            if wanted is not None:
                trusts[rank] += one - trusts[rank] >> 7 if bit == wanted else -(trusts[rank] >> 7)
            if error > good_enough or error < -good_enough:
                e = error * pace
                x_0, x_1, x_2, x_3, x_4 = e * x_0, e * x_1, e * x_2, e * x_3, e * x_4
                x_6, x_w, x_v, x_m = e * x_6, e * x_w, e * x_v, e * x_m
                by_node[node] = [
                    a_0 + x_0, a_1 + x_1, a_2 + x_2, a_3 + x_3, a_4 + x_4, a_6 + x_6, a_w + x_w, a_v + x_v, a_m + x_m,
                ]  # fmt: skip
                by_known[known] = [
                    b_0 + x_0, b_1 + x_1, b_2 + x_2, b_3 + x_3, b_4 + x_4, b_6 + x_6, b_w + x_w, b_v + x_v, b_m + x_m,
                ]  # fmt: skip
                row_b = [
                    c_0 + x_0, c_1 + x_1, c_2 + x_2, c_3 + x_3, c_4 + x_4, c_6 + x_6, c_w + x_w, c_v + x_v, c_m + x_m,
                ]  # fmt: skip
            node = children[2 * node + bit]
        # A symbol is reached.
        by_byte[last] = row_b
        last = -1 - node
        data.append(last)
        recent = (recent << 8 | last) & word_mask
        if 97 <= last <= 122 or 65 <= last <= 90 or last > 127:
            word = (word + (last | 32) + 1) * WORD_SPREAD & 0xFFFFFFFF
        elif word:
            word_before, word = word, 0
        if length and data[place] == last:
            place, length = place + 1, length + 1
        else:
            length = 0
        end = len(data)
        if end >= SHORTEST_MATCH:
            key = ((recent & 0xFFFFFFFFFFFFFF) * spread & word_mask) >> key_away
            if not length:
                place = places[key]
                if place and data[place - SHORTEST_MATCH : place] == data[end - SHORTEST_MATCH :]:
                    length = SHORTEST_MATCH
            places[key] = end


# The file's header, given: a check of the data, and the weights of its bytes.


@cache
def crc_table() -> list[int]:
    """Return what each byte adds to a CRC-32."""
    table = list(range(256))
    for _ in range(8):
        table = [entry >> 1 ^ (entry & 1) * 0xEDB88320 for entry in table]
    return table


def checksum(data: bytes) -> bytes:
    """Return the CRC-32 of the data in 4 bytes, highest first, as gzip and PNG have it.

    >>> checksum(b"123456789").hex()
    'cbf43926'
    """
    table, value = crc_table(), 0xFFFFFFFF
    for byte in data:
        value = value >> 8 ^ table[(value ^ byte) & 255]
    return (value ^ 0xFFFFFFFF).to_bytes(4, "big")


def classes_of(data: bytes) -> dict[int, int]:
    """Return a class from 1 to 15 for each byte value that occurs: one more for those that are twice as frequent.

    Where one value occurs, the next one gets class 1 too, so that there is something to decide.

    >>> classes_of(b"aab"), classes_of(b"aaa")
    ({97: 15, 98: 14}, {97: 15, 98: 1})
    """
    tally = count_bytes(data)
    classes = {symbol: max(1, (count * 32767 // len(data)).bit_length()) for symbol, count in tally.items()}
    if len(classes) == 1:
        classes[(data[0] + 1) % 256] = 1
    return classes


def weights_of(classes: dict[int, int]) -> dict[int, int]:
    """Return the weight that each class stands for.

    >>> weights_of({97: 15, 98: 14})
    {97: 32768, 98: 16384}
    """
    return {symbol: 1 << rank for symbol, rank in classes.items()}


def write_classes(classes: dict[int, int]) -> bytes:
    """Return the classes of all byte values from 0 to 255 as runs, in lesson 3's form: class, and values less 1.

    >>> write_classes({0: 15, 1: 1}).hex()
    'f0100f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0d'
    """
    header, start = bytearray(), 0
    while start < 256:
        rank, end = classes.get(start, 0), start + 1
        while end < 256 and end - start < 16 and classes.get(end, 0) == rank:
            end += 1
        header.append(rank << 4 | end - start - 1)
        start = end
    return bytes(header)


def read_classes(blob: bytes) -> tuple[dict[int, int], int]:
    """Return the classes that the header at the start of the blob tells, and the number of its bytes.

    Raises ValueError where the header is cut short, runs past byte value 255, or names fewer than two values.

    >>> read_classes(write_classes({0: 15, 1: 1}) + b"what follows")
    ({0: 15, 1: 1}, 18)
    """
    classes: dict[int, int] = {}
    symbol = used = 0
    while symbol < 256:
        if used == len(blob):
            raise ValueError(f"the header ends after {used} bytes, at byte value {symbol} of 256")
        rank, end = blob[used] >> 4, symbol + (blob[used] & 15) + 1
        if rank:
            classes.update(dict.fromkeys(range(symbol, end), rank))
        symbol, used = end, used + 1
    if symbol > 256 or len(classes) < 2:
        raise ValueError(f"the header names {len(classes)} byte values, up to {symbol - 1}")
    return classes, used


def compress(data: bytes) -> bytes:
    """Return the data's size (4 bytes, highest first), its checksum, its classes, and the code of its decisions.

    The decisions are those of the classes' weights, one byte after another, each told to the coder with what
    `model_chances` says of it. Empty data is size and checksum alone.
    Raises ValueError where the data is 4 GiB or longer.

    >>> len(compress(b"abracadabra" * 20))
    35
    """
    ### BEGIN SOLUTION
    if len(data) >= 1 << 32:
        raise ValueError(f"{len(data)} bytes are too many for a 4-byte size")
    head = len(data).to_bytes(4, "big") + checksum(data)
    if not data:
        return head
    classes = classes_of(data)
    code = decisions(weights_of(classes))
    words = {symbol: [int(bit) for bit in bits] for symbol, bits in code.items()}
    speaker, encoder = model_chances(code, len(data)), Encoder()
    one = next(speaker)
    for byte in data:
        for bit in words[byte]:
            encoder.encode_bit(bit, one)
            one = speaker.send(bit)
    return head + write_classes(classes) + encoder.finish()
    ### END SOLUTION


def decompress(blob: bytes) -> bytes:
    """Return the data that `compress` was given.

    Raises ValueError where the blob is cut short, has a wrong header, goes on after the data, or gives data with
    another checksum. A size that lies keeps nobody busy: every decision costs something, so the code soon ends.

    >>> decompress(compress(b"abracadabra"))
    b'abracadabra'
    """
    ### BEGIN SOLUTION
    size, check, data, end = int.from_bytes(blob[:4], "big"), blob[4:8], bytearray(), 8
    if size:
        classes, used = read_classes(blob[8:])
        words = decisions(weights_of(classes))
        children = Tree(words).children
        speaker, decoder = model_chances(words, size), Decoder(blob[8 + used :])
        one = next(speaker)
        while len(data) < size:
            node = 0
            while node >= 0:
                bit = decoder.decode_bit(one)
                one = speaker.send(bit)
                node = children[2 * node + bit]
            data.append(-1 - node)
        end = 8 + used + decoder.finish()
    if end < len(blob):
        raise ValueError(f"the data ends after {end} bytes, but {len(blob)} are there")
    if checksum(bytes(data)) != check:
        raise ValueError("the data has another checksum than the file says: a byte of the file was changed")
    return bytes(data)
    ### END SOLUTION


def is_fair(candidate: Callable[[list[int]], list[float]]) -> bool:
    """Say whether `candidate` could be a model that bets fairly, by trying it: this law is yours to write.

    It is handed functions that take bits and return, for each of them, the chance that the model gave it before it
    came, as `tree_chances` does. A model that peeks at the bit, or at later ones, is not fair; neither is one whose
    chances for 0 and for 1 don't add up to 1, or are not both above 0. Whether it predicts well is not the question.
    """
    ### BEGIN SOLUTION
    for size in range(4):
        for before in product((0, 1), repeat=size):
            zero, one = (candidate([*before, bit]) for bit in (0, 1))
            if [zero[:-1], one[:-1]] != [candidate(list(before))] * 2:
                return False  # what it gave to the bits before has changed with the bit after them
            if min(zero[-1], one[-1]) <= 0 or abs(zero[-1] + one[-1] - 1) > 1e-9:
                return False
    return True
    ### END SOLUTION

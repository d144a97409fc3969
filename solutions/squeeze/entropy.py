"""Lesson 1: information in bits, and the reader and writer of bits that every later lesson uses."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence


def counts(data: bytes) -> dict[int, int]:
    """Count each byte value that occurs, in increasing order of the value.

    >>> counts(b"abba")
    {97: 2, 98: 2}
    """
    ### BEGIN SOLUTION
    tally: dict[int, int] = {}
    for symbol in data:
        tally[symbol] = tally.get(symbol, 0) + 1
    return dict(sorted(tally.items()))
    ### END SOLUTION


def self_information(probability: float) -> float:
    """Return the bits of surprise, −log2 p, in an event of that probability.

    Raises ValueError unless 0 < probability <= 1. Source: Shannon (1948), section 6.

    >>> self_information(0.25)
    2.0
    """
    ### BEGIN SOLUTION
    if not 0 < probability <= 1:
        raise ValueError(f"a probability must be above 0 and at most 1, got {probability!r}")
    return -math.log2(probability) + 0.0  # −log2 1 is −0.0, which prints badly
    ### END SOLUTION


def entropy(probabilities: Sequence[float]) -> float:
    """Return the average surprise of a distribution, in bits a symbol; a zero adds nothing.

    >>> entropy([0.5, 0.25, 0.25])
    1.5
    """
    ### BEGIN SOLUTION
    return sum(p * self_information(p) for p in probabilities if p > 0)
    ### END SOLUTION


def cross_entropy(truth: Sequence[float], model: Sequence[float]) -> float:
    """Return the bits a symbol paid for coding `truth` with the code that suits `model`.

    The answer is `math.inf` where the model gives probability 0 to something that happens.
    Raises ValueError where the lengths differ.

    >>> cross_entropy([0.5, 0.5], [0.25, 0.75]) > entropy([0.5, 0.5])
    True
    """
    ### BEGIN SOLUTION
    if len(truth) != len(model):
        raise ValueError(f"truth has {len(truth)} outcomes and model has {len(model)}; they must match")
    total = 0.0
    for p, q in zip(truth, model, strict=True):
        if p > 0:
            total += p * self_information(q) if q > 0 else math.inf
    return total
    ### END SOLUTION


def kl_divergence(truth: Sequence[float], model: Sequence[float]) -> float:
    """Return the bits a symbol wasted by believing `model`: cross-entropy less entropy, never below 0.

    Raises ValueError where the lengths differ. Source: Kullback and Leibler (1951).

    >>> kl_divergence([0.5, 0.5], [0.5, 0.5])
    0.0
    """
    ### BEGIN SOLUTION
    return max(0.0, cross_entropy(truth, model) - entropy(truth))
    ### END SOLUTION


def conditional_entropy(joint: Sequence[Sequence[float]]) -> float:
    """Return H(Y|X) in bits, where `joint[x][y]` is the probability of x and y together.

    >>> conditional_entropy([[0.5, 0.0], [0.0, 0.5]])
    0.0
    """
    ### BEGIN SOLUTION
    total = 0.0
    for row in joint:
        p_x = sum(row)
        if p_x > 0:
            total += p_x * entropy([p / p_x for p in row])
    return total
    ### END SOLUTION


def kraft_sum(code_lengths: Iterable[int]) -> float:
    """Return Σ 2^−length; a code of these lengths that needs no separators exists where it is at most 1.

    Source: Kraft (1949), McMillan (1956).

    >>> kraft_sum([1, 2, 2])
    1.0
    """
    ### BEGIN SOLUTION
    return sum((2.0**-length for length in code_lengths), 0.0)
    ### END SOLUTION


def code_length(data: bytes, probabilities: dict[int, float]) -> float:
    """Return the ideal length of `data` in bits, Σ −log2 p(symbol), under a model of single bytes.

    Raises ValueError where a symbol of the data has no probability above 0.

    >>> code_length(b"aab", {97: 0.5, 98: 0.25})
    4.0
    """
    ### BEGIN SOLUTION
    tally = counts(data).items()
    return sum((n * self_information(probabilities.get(symbol, 0.0)) for symbol, n in tally), 0.0)
    ### END SOLUTION


class BitWriter:
    r"""Collects bits, the first bit written being the highest bit of the first byte.

    >>> writer = BitWriter()
    >>> writer.write(0b101, 3)
    >>> writer.write(0b00001, 5)
    >>> writer.to_bytes()
    b'\xa1'
    """

    def __init__(self) -> None:
        self.output = bytearray()  # whole bytes
        self.pending = 0  # bits that don't fill a byte yet, as a number
        self.pending_width = 0  # how many they are, 0 to 7

    def write(self, value: int, width: int) -> None:
        """Append the `width` lowest bits of `value`, highest first.

        Raises ValueError where the value doesn't fit into that many bits.
        """
        ### BEGIN SOLUTION
        if width < 0 or not 0 <= value < 1 << width:
            raise ValueError(f"{value!r} does not fit into {width!r} bits")
        self.pending = self.pending << width | value
        self.pending_width += width
        whole, self.pending_width = divmod(self.pending_width, 8)
        self.output += (self.pending >> self.pending_width).to_bytes(whole, "big")
        self.pending &= (1 << self.pending_width) - 1
        ### END SOLUTION

    def to_bytes(self) -> bytes:
        """Return all bits so far, with zeros after the last one up to a whole byte; more may be written after."""
        ### BEGIN SOLUTION
        if not self.pending_width:
            return bytes(self.output)
        return bytes(self.output) + bytes([self.pending << 8 - self.pending_width])
        ### END SOLUTION


class BitReader:
    r"""Reads bits back in the order in which a `BitWriter` wrote them.

    >>> reader = BitReader(b"\xa1")
    >>> reader.read(3), reader.read(5), reader.position
    (5, 1, 8)
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0  # in bits, from the start

    def read(self, width: int) -> int:
        """Return the next `width` bits as a number and move past them.

        Raises EOFError, and moves nowhere, where fewer bits are left; ValueError where the width is negative.
        """
        ### BEGIN SOLUTION
        if width < 0:
            raise ValueError(f"can't read {width!r} bits")
        end = self.position + width
        if end > 8 * len(self.data):
            raise EOFError(
                f"{width} bits wanted at bit {self.position}, but the data ends at bit {8 * len(self.data)}"
            )
        first, last = self.position // 8, (end + 7) // 8
        chunk = int.from_bytes(self.data[first:last], "big") >> 8 * last - end
        self.position = end
        return chunk & (1 << width) - 1
        ### END SOLUTION


def compress(data: bytes) -> bytes:
    """Write each byte in as few bits as tell apart the byte values that occur.

    The format: the length (32 bits), the number of byte values that occur less 1 (8 bits), those values in
    increasing order (8 bits each), then the rank of each byte of the data. Empty data is the length alone.
    Raises ValueError where the data is 4 GiB or longer.

    >>> len(compress(b"abracadabra"))
    15
    """
    ### BEGIN SOLUTION
    writer = BitWriter()
    writer.write(len(data), 32)  # which refuses a length of 4 GiB or more
    alphabet = list(counts(data))
    if alphabet:
        writer.write(len(alphabet) - 1, 8)
        for symbol in alphabet:
            writer.write(symbol, 8)
        width = (len(alphabet) - 1).bit_length()
        rank = {symbol: i for i, symbol in enumerate(alphabet)}
        for symbol in data:
            writer.write(rank[symbol], width)
    return writer.to_bytes()
    ### END SOLUTION


def decompress(blob: bytes) -> bytes:
    """Return the data that `compress` was given.

    Raises ValueError where the blob is cut short, where its byte values don't increase, and where a rank names
    none of them. What follows the last rank is ignored. Where a single value occurs, no ranks follow: its few
    bytes stand for data as long as the length says, up to 4 GiB.

    >>> decompress(compress(b"abracadabra"))
    b'abracadabra'
    """
    ### BEGIN SOLUTION
    reader = BitReader(blob)
    try:
        length = reader.read(32)
        if length == 0:
            return b""
        alphabet = [reader.read(8) for _ in range(reader.read(8) + 1)]
        if alphabet != sorted(set(alphabet)):
            raise ValueError(f"the byte values {alphabet} don't increase")
        width = (len(alphabet) - 1).bit_length()
        if width == 0:
            return bytes(alphabet) * length
        return bytes([alphabet[reader.read(width)] for _ in range(length)])
    except EOFError as problem:
        raise ValueError(f"the blob of {len(blob)} bytes is cut short: {problem}") from None
    except IndexError:
        raise ValueError(f"a rank before bit {reader.position} is outside the alphabet") from None
    ### END SOLUTION


def is_entropy(candidate: Callable[[list[float]], float]) -> bool:
    """Say whether `candidate` could be `entropy`, by trying it: this law is yours to write.

    It is handed functions that take a list of probabilities, one right and several wrong. Tell them apart
    without calling your own `entropy`: by what must hold, such as a value that you can work out by hand.
    """
    ### BEGIN SOLUTION
    skewed = 0.4689955935892812  # 0.9 · log2 10/9 + 0.1 · log2 10
    by_hand = [
        ([1.0], 0.0),
        ([0.5, 0.5], 1.0),
        ([0.5, 0.25, 0.25], 1.5),
        ([0.0, 1.0], 0.0),
        ([0.125] * 8, 3.0),
        ([0.9, 0.1], skewed),
        ([0.1, 0.9], skewed),
    ]
    # This way round, a NaN is refused too.
    return all(abs(candidate(p) - bits) < 1e-9 for p, bits in by_hand)
    ### END SOLUTION

"""Lesson 6: arithmetic coding, which turns a whole message into one number, and its fast cousin rANS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from math import isfinite, log2

import numpy as np

from squeeze.entropy import counts as count_bytes

TOTAL = 1 << 16  # the frequencies of a model in a file add up to this, and no total may be larger

# The coder's interval, in integers. `low` has 48 bits, and `width` stays from 2^32 up to 2^48.
STATE_BITS, STATE_BYTES = 48, 6
DIGIT_BITS = 16  # as many leave `low` together: a digit
SMALLEST = 1 << STATE_BITS - DIGIT_BITS  # a narrower interval gets a digit wider
LOW_MASK = SMALLEST - 1
DIGIT_MASK = (1 << DIGIT_BITS) - 1


def interval(message: bytes, counts: dict[int, int]) -> tuple[int, int, int]:
    """Return the message's interval as whole numbers (low, width, whole): from low/whole, width/whole wide.

    `counts` says how often each symbol is expected, and their sum is the total. The symbols share the interval in
    increasing order, each in proportion to its count. `whole` is the total to the power of the message's length;
    no message at all has (0, 1, 1). Raises ValueError where a symbol of the message is not expected.
    Source: Rissanen (1976), Pasco (1976).

    >>> interval(b"ba", {97: 3, 98: 1})
    (12, 3, 16)
    """
    ### BEGIN SOLUTION
    starts, total = {}, 0
    for symbol in sorted(counts):
        starts[symbol] = total
        total += counts[symbol]
    low, width, whole = 0, 1, 1
    for symbol in message:
        if not counts.get(symbol):
            raise ValueError(f"symbol {symbol} is not expected, so no part of the interval is its own")
        low = low * total + starts[symbol] * width
        width *= counts[symbol]
        whole *= total
    return low, width, whole
    ### END SOLUTION


def shortest_code(low: int, width: int, whole: int) -> str:
    """Return the fewest bits that say "in this interval", whatever bits follow them.

    The bits b1 b2 … bk stand for all numbers from 0.b1b2…bk up to, but not including, 0.b1b2…bk + 2^−k, and
    all of those must lie from low/whole up to (low + width)/whole. Of several codes with k bits the lowest is
    returned. Raises ValueError unless the width is above 0.

    >>> shortest_code(12, 3, 16)
    '110'
    """
    ### BEGIN SOLUTION
    if width <= 0:
        raise ValueError(f"an interval {width!r} wide has no inside")
    length = 0
    while True:
        number = -(-(low << length) // whole)  # rounded up
        if (number + 1) * whole <= (low + width) << length:
            return f"{number:0{length}b}" if length else ""
        length += 1
    ### END SOLUTION


def quantise(probabilities: Sequence[float], total: int = TOTAL) -> list[int]:
    """Return integer frequencies that share `total` about as the probabilities do, none of them 0.

    Only the proportions of the probabilities count, so counts will do as well. For n of them, no frequency is
    below p · (total − n): no symbol costs more than log2(total / (total − n)) bits above −log2 p.
    Raises ValueError where n is 0 or above `total`, and where a probability is negative, not finite, or all
    are 0.

    >>> quantise([0.5, 0.25, 0.25, 0.0], 16)
    [7, 4, 4, 1]
    """
    ### BEGIN SOLUTION
    whole = sum(probabilities)
    if len(probabilities) > total:
        raise ValueError(f"{len(probabilities)} symbols can't share a total of {total!r}")
    if not (isfinite(whole) and whole > 0 and min(probabilities) >= 0):
        raise ValueError("probabilities must be finite and not negative, and some must be above 0")
    room = total - len(probabilities)  # what is left when each symbol has 1
    frequencies = [1 + int(p * room // whole) for p in probabilities]
    largest = frequencies.index(max(frequencies))
    frequencies[largest] += total - sum(frequencies)
    return frequencies
    ### END SOLUTION


def carry(digits: Sequence[int]) -> bytes:
    """Return the number whose digits these are, highest first, in two bytes a digit.

    A digit stands for 16 bits. It may have a 17th, a carry, which belongs to the digit before it; that one may
    be full and carry in turn. Nothing is carried out of the first digit.

    >>> carry([0x0012, 0xFFFF, 0x10003]).hex()
    '001300000003'
    """
    ### BEGIN SOLUTION
    digits = list(digits)
    for place in range(len(digits) - 1, 0, -1):
        if digits[place] > DIGIT_MASK:
            digits[place] &= DIGIT_MASK
            digits[place - 1] += 1
    return np.array(digits, dtype=">u2").tobytes()
    ### END SOLUTION


def ending(low: int, width: int) -> tuple[int, int]:
    """Return (count, offset): `low + offset` is a number that `count` bytes tell, whatever bytes follow them.

    As `shortest_code`, for an interval of `STATE_BITS` bits and in whole bytes: `count` is the least number.

    >>> ending(0x800000000001, 0x020000000000)
    (1, 1099511627775)
    """
    for count in range(STATE_BYTES):
        cell = 1 << STATE_BITS - 8 * count
        offset = -low % cell  # up to the next whole cell
        if offset + cell <= width:
            return count, offset
    raise ValueError(f"an interval {width!r} wide is too narrow to be a coder's")


def encode_symbols(symbols: Sequence[int], models: Sequence[Sequence[int]]) -> bytes:
    """Run an `Encoder` over symbols, each with a model of its own: `model[symbol]` is the size of a symbol's part.

    >>> encode_symbols([1, 0], [[9, 1], [9, 1]]).hex()
    'e7'
    """
    encoder = Encoder()
    for symbol, model in zip(symbols, models, strict=True):
        encoder.encode(sum(model[:symbol]), model[symbol], sum(model))
    return encoder.finish()


def encode_bits(bits: Sequence[int], ones: Sequence[int]) -> bytes:
    """Run an `Encoder` over bits, each with its own probability of a 1, in 65,536ths.

    >>> encode_bits([1, 1, 0], [60000, 60000, 60000]).hex()
    'c5'
    """
    encoder = Encoder()
    for bit, one in zip(bits, ones, strict=True):
        encoder.encode_bit(bit, one)
    return encoder.finish()


class Encoder:
    r"""Narrows an interval symbol by symbol, and writes the number that ends up inside it.

    Its code is shorter than Σ −log2(size / total) + n · 2^−15 + 9 bits for n symbols, whatever the models.
    Source: Martin (1979), Schindler (1998).

    >>> encoder = Encoder()
    >>> encoder.encode(3, 1, 4)
    >>> encoder.encode_bit(1, 49152)
    >>> encoder.finish()
    b'\xc0'
    """

    def __init__(self) -> None:
        self.low = 0  # where the interval begins, as far as it has not left as digits
        self.width = 1 << STATE_BITS
        self.digits: list[int] = []  # 16 bits each, and perhaps a carry

    def encode(self, start: int, size: int, total: int) -> None:
        """Go to the part of the interval that begins at unit `start` and is `size` of `total` units wide.

        A unit is `width // total`. Raises ValueError where the part is empty or not within the whole, and where
        `total` is above `TOTAL`.
        """
        ### BEGIN SOLUTION
        if not 0 <= start < start + size <= total <= TOTAL:
            raise ValueError(f"can't encode {size!r} from {start!r} of {total!r}: empty, outside or too fine")
        unit = self.width // total
        self.low += start * unit
        self.width = size * unit
        if self.width < SMALLEST:
            self.write_digit()
        ### END SOLUTION

    def encode_bit(self, bit: int, one: int) -> None:
        """Encode a bit of which the model says: a 1 with probability `one` / 2^16.

        A unit is `width // 2^16`. A 1 goes to the first `one` units of the interval, and a 0 to all the rest.
        Raises ValueError unless 1 <= one <= 65535.
        """
        ### BEGIN SOLUTION
        if not 0 < one < TOTAL:
            raise ValueError(f"the probability of a 1 must be from 1 to {TOTAL - 1}, got {one!r}")
        part = (self.width >> 16) * one
        if bit:
            self.width = part
        else:
            self.low += part
            self.width -= part
        if self.width < SMALLEST:
            self.write_digit()
        ### END SOLUTION

    def write_digit(self) -> None:
        """Write the highest 16 bits of `low` down, with a carry if there is one, and widen what is left."""
        ### BEGIN SOLUTION
        self.digits.append(self.low >> STATE_BITS - DIGIT_BITS)
        self.low = (self.low & LOW_MASK) << DIGIT_BITS
        self.width <<= DIGIT_BITS
        ### END SOLUTION

    def finish(self) -> bytes:
        """Return the code of all symbols so far, in as few bytes as say "inside"; more may be encoded after."""
        ### BEGIN SOLUTION
        count, offset = ending(self.low, self.width)
        number = self.low + offset
        last = [number >> 32, number >> 16 & DIGIT_MASK, number & DIGIT_MASK]
        return carry([*self.digits, *last])[: 2 * len(self.digits) + count]
        ### END SOLUTION


def decode_symbols(blob: bytes, models: Sequence[Sequence[int]]) -> tuple[list[int], int]:
    """Run a `Decoder` over the code of as many symbols as there are models; return them and the bytes used.

    >>> decode_symbols(encode_symbols([1, 0], [[9, 1], [9, 1]]), [[9, 1], [9, 1]])
    ([1, 0], 1)
    """
    decoder, symbols = Decoder(blob), []
    for model in models:
        target = decoder.target(sum(model))
        symbol = next(i for i, end in enumerate(accumulate(model)) if target < end)
        decoder.take(sum(model[:symbol]), model[symbol], sum(model))
        symbols.append(symbol)
    return symbols, decoder.finish()


def decode_bits(blob: bytes, ones: Sequence[int]) -> tuple[list[int], int]:
    """Run a `Decoder` over the code of as many bits as there are probabilities; return them and the bytes used.

    >>> decode_bits(encode_bits([1, 1, 0], [60000, 60000, 60000]), [60000, 60000, 60000])
    ([1, 1, 0], 1)
    """
    decoder = Decoder(blob)
    bits = [decoder.decode_bit(one) for one in ones]
    return bits, decoder.finish()


class Decoder:
    r"""Follows an `Encoder` through the same intervals, by asking in which part the code lies.

    >>> decoder = Decoder(b"\xc0")
    >>> decoder.target(4)
    3
    >>> decoder.take(3, 1, 4)
    >>> decoder.decode_bit(49152), decoder.finish()
    (1, 1)
    """

    def __init__(self, blob: bytes) -> None:
        self.size = len(blob)
        self.blob = blob + bytes(STATE_BYTES)  # the zeros stand for whatever may follow
        self.place = STATE_BYTES  # of the next byte to read
        self.code = int.from_bytes(self.blob[: self.place], "big")  # counted from the interval's beginning
        self.width = 1 << STATE_BITS

    def target(self, total: int) -> int:
        """Return in which of `total` units the code lies, counted from 0.

        Raises ValueError where `total` is not from 1 to `TOTAL`, and where the code lies beyond the units, as no
        encoder's does.
        """
        ### BEGIN SOLUTION
        if not 0 < total <= TOTAL:
            raise ValueError(f"a total must be from 1 to {TOTAL}, got {total!r}")
        count = self.code // (self.width // total)
        if count >= total:
            raise ValueError(f"the code before byte {self.place} lies in none of {total} units")
        return count
        ### END SOLUTION

    def take(self, start: int, size: int, total: int) -> None:
        """Go to the part of the interval that begins at unit `start` and is `size` of `total` units wide.

        Raises ValueError where the code does not lie there, and where the blob has ended.
        """
        ### BEGIN SOLUTION
        unit = self.width // total
        code, width = self.code - start * unit, size * unit
        if not 0 <= code < width:
            raise ValueError(f"the code does not lie in {size!r} from {start!r} of {total!r}")
        self.code, self.width = code, width
        if width < SMALLEST:
            self.read_digit()
        ### END SOLUTION

    def decode_bit(self, one: int) -> int:
        """Return the bit that was encoded when the model said: a 1 with probability `one` / 2^16.

        Raises ValueError unless 1 <= one <= 65535, and where the blob has ended.
        """
        ### BEGIN SOLUTION
        if not 0 < one < TOTAL:
            raise ValueError(f"the probability of a 1 must be from 1 to {TOTAL - 1}, got {one!r}")
        part = (self.width >> 16) * one
        if self.code < part:
            self.width = part
            bit = 1
        else:
            self.code -= part
            self.width -= part
            bit = 0
        if self.width < SMALLEST:
            self.read_digit()
        return bit
        ### END SOLUTION

    def read_digit(self) -> None:
        """Widen the interval by 16 bits, and read those of the code.

        Raises ValueError where the blob ended so long ago that no encoder could have meant it.
        """
        ### BEGIN SOLUTION
        digit = self.blob[self.place : self.place + 2]
        if len(digit) < 2:
            raise ValueError(f"the code goes on after the {self.size} bytes that are there")
        self.code = self.code << DIGIT_BITS | int.from_bytes(digit, "big")
        self.width <<= DIGIT_BITS
        self.place += 2
        ### END SOLUTION

    def finish(self) -> int:
        """Return how many bytes of the blob the code takes: as many as `Encoder.finish` wrote.

        Whatever follows them is ignored. Raises ValueError where the blob ends before them, and where the code
        does not end as an encoder would have ended it.
        """
        ### BEGIN SOLUTION
        start = self.place - STATE_BYTES
        low = int.from_bytes(self.blob[start : self.place], "big") - self.code
        count, offset = ending(low, self.width)
        if start + count > self.size:
            raise ValueError(f"the code takes {start + count} bytes, and {self.size} are there")
        if not offset <= self.code < offset + (1 << STATE_BITS - 8 * count):
            raise ValueError(f"the code ends wrongly, before byte {start + count}")
        return start + count
        ### END SOLUTION


def starts_of(frequencies: Sequence[int]) -> list[int]:
    """Return where each symbol's part begins, and after them `TOTAL`, where the last one ends.

    Raises ValueError where a frequency is negative, and where they don't add up to `TOTAL`.

    >>> starts_of([60000, 0, 5536])
    [0, 60000, 60000, 65536]
    """
    starts = [0, *accumulate(frequencies)]
    if starts[-1] != TOTAL or min(frequencies) < 0:
        raise ValueError(f"frequencies must not be negative and must add up to {TOTAL}, not {starts[-1]}")
    return starts


def parts_for(data: bytes, frequencies: Sequence[int]) -> list[tuple[int, int]]:
    """Return (start, size) of each symbol's part of `TOTAL`.

    Raises ValueError where the frequencies don't add up to `TOTAL`, and where a byte of the data owns nothing.

    >>> parts_for(b"", [60000, 0, 5536])
    [(0, 60000), (60000, 0), (60000, 5536)]
    """
    parts = list(zip(starts_of(frequencies), frequencies, strict=False))
    for symbol in set(data):
        if symbol >= len(parts) or not parts[symbol][1]:
            raise ValueError(f"byte {symbol} owns no part of the interval: its frequency is 0")
    return parts


def slots_of(frequencies: Sequence[int]) -> list[tuple[int, int, int]]:
    """Return, for each of the `TOTAL` units, whose it is: (symbol, where its part begins, how wide that is).

    Raises ValueError where the frequencies don't add up to `TOTAL`.

    >>> slots_of([60000, 0, 5536])[60000]
    (2, 60000, 5536)
    """
    slots: list[tuple[int, int, int]] = []
    for symbol, (start, size) in enumerate(parts_for(b"", frequencies)):
        slots += [(symbol, start, size)] * size
    return slots


def encode_all(data: bytes, frequencies: Sequence[int]) -> bytes:
    r"""Return what an `Encoder` writes that is given each byte's part of `TOTAL`, one after another.

    `frequencies[symbol]` is how much of `TOTAL` a symbol owns, and the symbols stand in increasing order.
    Raises ValueError where they don't add up to `TOTAL`, and where a byte of the data owns nothing.

    >>> encode_all(b"\0\0\1\0", [49152, 16384]).hex()
    '6c'
    """
    ### BEGIN SOLUTION
    parts = parts_for(data, frequencies)
    encoder = Encoder()
    low, unit, digits = 0, encoder.width >> 16, encoder.digits
    for symbol in data[:-1]:  # Encoder.encode, without a call and without looking attributes up
        start, size = parts[symbol]
        low += start * unit
        unit *= size  # the width; the next unit is this without its last 16 bits
        if unit < 1 << 32:
            digits.append(low >> 32)
            low = (low & 0xFFFFFFFF) << 16
        else:
            unit >>= 16
    encoder.low, encoder.width = low, unit << 16
    for symbol in data[-1:]:
        encoder.encode(*parts[symbol], TOTAL)
    return encoder.finish()
    ### END SOLUTION


def decode_all(blob: bytes, size: int, frequencies: Sequence[int]) -> tuple[bytes, int]:
    r"""Return the first `size` bytes that were encoded, and the number of bytes that their code takes.

    Whatever follows the code is ignored. Raises ValueError where the blob is cut short or damaged so that no
    encoder could have written it, and where even the likeliest symbol could not come `size` times from it.

    >>> decode_all(bytes.fromhex("6c") + b"and more", 4, [49152, 16384])
    (b'\x00\x00\x01\x00', 1)
    """
    ### BEGIN SOLUTION
    slots = slots_of(frequencies)
    if size * log2(TOTAL / max(frequencies)) > 8 * len(blob):
        raise ValueError(f"{size} symbols can't come from {len(blob)} bytes: none is as likely as that")
    decoder = Decoder(blob)
    code, unit, place = decoder.code, decoder.width >> 16, 0
    digits = np.frombuffer(decoder.blob[decoder.place :] + bytes(len(blob) % 2), dtype=">u2").tolist()
    output = bytearray(size)
    try:
        for i in range(size - 1):  # Decoder.take, without a call and without looking attributes up
            output[i], start, part = slots[code // unit]
            code -= start * unit
            unit *= part  # the width; the next unit is this without its last 16 bits
            if unit < 1 << 32:
                code = code << 16 | digits[place]
                place += 1
            else:
                unit >>= 16
    except IndexError:
        raise ValueError(f"the {len(blob)} bytes end, or point nowhere, before symbol {i}") from None
    decoder.code, decoder.width, decoder.place = code, unit << 16, decoder.place + 2 * place
    for i in range(size)[-1:]:
        output[i], start, part = slots[decoder.target(TOTAL)]
        decoder.take(start, part, TOTAL)
    return bytes(output), decoder.finish()
    ### END SOLUTION


def write_frequencies(frequencies: Sequence[int]) -> bytes:
    """Return the header that tells the frequencies of bytes: how many occur, less 1, then each one's.

    A byte that occurs takes three: its value, and its frequency in two bytes. So none may own all of `TOTAL`:
    it would cost nothing, and a few bytes could stand for any number of them.

    >>> write_frequencies([49152, 0, 16384]).hex()
    '0100c000024000'
    """
    present = [(symbol, frequency) for symbol, frequency in enumerate(frequencies) if frequency]
    parts = [bytes([symbol]) + frequency.to_bytes(2, "big") for symbol, frequency in present]
    return bytes([len(parts) - 1]) + b"".join(parts)


def read_frequencies(blob: bytes) -> tuple[list[int], int]:
    """Return the frequencies of all 256 bytes that the header at the start tells, and its length.

    Raises ValueError where it is cut short, where its values don't increase, where a frequency is 0, and where
    they don't add up to `TOTAL`.
    """
    if not blob:
        raise ValueError("the header is missing")
    used = 4 + 3 * blob[0]
    if len(blob) < used:
        raise ValueError(f"the header takes {used} bytes, and {len(blob)} are there")
    present = {blob[i]: int.from_bytes(blob[i + 1 : i + 3], "big") for i in range(1, used, 3)}
    if list(present) != sorted(blob[1:used:3]) or not all(present.values()):
        raise ValueError("the header's byte values don't increase, or one of them has the frequency 0")
    frequencies = [present.get(symbol, 0) for symbol in range(256)]
    starts_of(frequencies)
    return frequencies, used


def compress(data: bytes) -> bytes:
    """Return the data's size (4 bytes, highest first), the header of its frequencies, and its code.

    Empty data is the size alone. Where one byte value occurs, the next one gets a share too, as if it came 0 times.
    Raises ValueError where the data is 4 GiB or longer.

    >>> len(compress(b"abracadabra"))
    23
    """
    ### BEGIN SOLUTION
    if len(data) >= 1 << 32:
        raise ValueError(f"{len(data)} bytes are too many for a 4-byte size")
    size = len(data).to_bytes(4, "big")
    if not data:
        return size
    tally = count_bytes(data)
    if len(tally) == 1:
        tally[(data[0] + 1) % 256] = 0
    frequencies = [0] * 256
    for symbol, frequency in zip(tally, quantise(list(tally.values())), strict=True):
        frequencies[symbol] = frequency
    return size + write_frequencies(frequencies) + encode_all(data, frequencies)
    ### END SOLUTION


def decompress(blob: bytes) -> bytes:
    """Return the data that `compress` was given.

    Raises ValueError where the blob is cut short, has a wrong header, or goes on after the data.

    >>> decompress(compress(b"abracadabra"))
    b'abracadabra'
    """
    ### BEGIN SOLUTION
    if len(blob) < 4:
        raise ValueError(f"a blob of {len(blob)} bytes has no room for its 4-byte size")
    size = int.from_bytes(blob[:4], "big")
    data, end = b"", 4
    if size:
        frequencies, used = read_frequencies(blob[4:])
        data, end = decode_all(blob[4 + used :], size, frequencies)
        end += 4 + used
    if end < len(blob):
        raise ValueError(f"the data ends after {end} bytes, but {len(blob)} are there")
    return data
    ### END SOLUTION


def rans_encode(data: bytes, frequencies: Sequence[int]) -> bytes:
    r"""Return the data in one number, of which 48 bits are kept at hand; the last byte goes in first.

    The number, the state, begins as `SMALLEST`. Before a byte with frequency f goes in, the lowest 16 bits leave
    the state if it is f · 2^32 or more. The blob is the last state in 6 bytes, then the digits that left it, the
    latest first, in 2 bytes each.
    Raises ValueError where the frequencies don't add up to `TOTAL`, and where a byte of the data owns nothing.
    Source: Duda (2013).

    >>> rans_encode(b"\0\1", [49152, 16384]).hex()
    '000555564000'
    """
    ### BEGIN SOLUTION
    parts = parts_for(data, frequencies)
    state, digits = SMALLEST, []
    for symbol in reversed(data):
        start, size = parts[symbol]
        if state >= size << 32:
            digits.append(state & DIGIT_MASK)
            state >>= DIGIT_BITS
        state = (state // size << 16) + start + state % size
    return state.to_bytes(6, "big") + carry(digits[::-1])  # none of them has a carry
    ### END SOLUTION


def rans_decode(blob: bytes, size: int, frequencies: Sequence[int]) -> tuple[bytes, int]:
    r"""Return the first `size` bytes that `rans_encode` took in, and the number of bytes that it wrote for them.

    Whatever follows them is ignored. Raises ValueError where the blob is cut short, and where the state does not
    end as the encoder's began.

    >>> rans_decode(bytes.fromhex("000555564000") + b"and more", 2, [49152, 16384])
    (b'\x00\x01', 6)
    """
    ### BEGIN SOLUTION
    slots, output = slots_of(frequencies), bytearray()
    state, place = int.from_bytes(blob[:6], "big"), 6
    for _ in range(size):
        slot = state & 0xFFFF
        symbol, start, part = slots[slot]
        output.append(symbol)
        state = (state >> 16) * part + slot - start
        if state < SMALLEST:
            state = state << DIGIT_BITS | int.from_bytes(blob[place : place + 2], "big")
            place += 2
        if place > len(blob):
            raise ValueError(f"the blob of {len(blob)} bytes ends before symbol {len(output)} of {size}")
    if state != SMALLEST or place > len(blob):
        raise ValueError(f"the state ends as {state:#x}; every encoder's began as {SMALLEST:#x}")
    return bytes(output), place
    ### END SOLUTION


# What follows is given: the same rANS in NumPy, with many states side by side that take turns at the bytes.


def rans_encode_lanes(data: bytes, frequencies: Sequence[int], lanes: int = 1024) -> bytes:
    """Return the data in `lanes` states; with one it is what `rans_encode` returns.

    Byte i goes into state i modulo `lanes`. The blob is all last states, then the digits as the decoder will want
    them. More states than bytes are never used. Raises ValueError as `rans_encode` does.

    >>> rans_encode_lanes(b"abba" * 25, [0] * 97 + [32768] * 2, 1) == rans_encode(b"abba" * 25, [0] * 97 + [32768] * 2)
    True
    """
    symbols = np.frombuffer(data, dtype=np.uint8)
    parts_for(bytes(np.flatnonzero(np.bincount(symbols)).tolist()), frequencies)
    sizes = np.array(frequencies, dtype=np.uint64)[symbols]
    starts = np.array(starts_of(frequencies), dtype=np.uint64)[symbols]
    lanes = max(1, min(lanes, len(data)))
    states = np.full(lanes, SMALLEST, dtype=np.uint64)
    digits = []
    for row in reversed(range(0, len(data), lanes)):
        size, start = sizes[row : row + lanes], starts[row : row + lanes]
        state = states[: len(size)]  # a view: the last row may be shorter
        full = state >> 32 >= size
        digits.append(state[full].astype(">u2"))
        np.right_shift(state, DIGIT_BITS, out=state, where=full)
        quotient = state // size
        state += start + quotient * (TOTAL - size)  # state % size is state - quotient * size
    heads = states.astype(">u8").view(np.uint8).reshape(lanes, 8)[:, 2:]
    return heads.tobytes() + b"".join([part.tobytes() for part in reversed(digits)])


def rans_decode_lanes(
    blob: bytes, size: int, frequencies: Sequence[int], lanes: int = 1024
) -> tuple[bytes, int]:
    """Return the first `size` bytes that `rans_encode_lanes` took in, and the number of bytes that it wrote.

    Whatever follows them is ignored. Raises ValueError as `rans_decode` does.

    >>> frequencies = [0] * 97 + [32768] * 2
    >>> rans_decode_lanes(rans_encode_lanes(b"abba" * 25, frequencies, 7), 100, frequencies, 7)[0] == b"abba" * 25
    True
    """
    starts_of(frequencies)  # which refuses frequencies that are none
    parts = np.array(frequencies, dtype=np.uint64)
    owner = np.repeat(np.arange(len(parts), dtype=np.uint8), frequencies)
    part_of = np.repeat(parts, frequencies)
    rest_of = np.arange(TOTAL, dtype=np.uint64) - np.repeat(np.cumsum(parts) - parts, frequencies)
    lanes = max(1, min(lanes, size))
    if len(blob) < 6 * lanes:
        raise ValueError(f"{len(blob)} bytes are too few for {lanes} states")
    heads = np.zeros((lanes, 8), dtype=np.uint8)
    heads[:, 2:] = np.frombuffer(blob[: 6 * lanes], dtype=np.uint8).reshape(lanes, 6)
    states = heads.view(">u8")[:, 0].astype(np.uint64)
    digits = np.frombuffer(blob[6 * lanes : len(blob) - len(blob) % 2], dtype=">u2").astype(np.uint64)
    slots, place = np.empty(size, dtype=np.uint16), 0
    for row in range(0, size, lanes):
        state = states[: size - row]  # a view: the last row may be shorter
        slot = (state & 0xFFFF).astype(np.intp)
        slots[row : row + lanes] = slot
        state >>= DIGIT_BITS
        state *= part_of[slot]
        state += rest_of[slot]
        low = np.flatnonzero(state < SMALLEST)
        if place + len(low) > len(digits):
            raise ValueError(f"the blob of {len(blob)} bytes ends before symbol {row + lanes} of {size}")
        state[low] = state[low] << DIGIT_BITS | digits[place : place + len(low)]
        place += len(low)
    if not (states == SMALLEST).all():
        raise ValueError(f"a state does not end as every encoder's begins, as {SMALLEST:#x}")
    return owner[slots].tobytes(), 6 * lanes + 2 * place


def is_nearly_ideal(candidate: Callable[[bytes, list[int]], bytes]) -> bool:
    """Say whether `candidate` could be `encode_all`, by trying it: this law is yours to write.

    It is handed functions that take data and frequencies and return a code, some right and some wrong. No decoder
    is at hand. Tell them apart by what a code must be: inside the message's interval, whatever follows it, and not
    much longer than the ideal.
    """
    ### BEGIN SOLUTION
    third = [40200, 200, 25136]
    trials = [
        (b"", third),
        (b"\0", third),
        (b"\1\1\2", third),
        (b"\1\1\0", third),
        (b"\1", [1, 510, 65025]),
        (b"\0" * 99, [65000, 536]),
    ]
    for message, frequencies in trials:
        code = candidate(message, list(frequencies))
        low, width, whole = interval(message, dict(enumerate(frequencies)))
        number, cells = int.from_bytes(code, "big"), 256 ** len(code)
        if number * whole < low * cells or (number + 1) * whole > (low + width) * cells:
            return False
        if cells * width >= whole << 9:
            return False
    return True
    ### END SOLUTION

"""Lesson 4: Lempel and Ziv's two ways to say "as before": by how far back it is, and by its number in a list."""

from __future__ import annotations

from collections.abc import Callable

from squeeze.huffman import compress as huffman_compress
from squeeze.huffman import decompress as huffman_decompress

SHORTEST = 3  # bytes of the shortest match worth telling: DEFLATE's choice
LONGEST = 258  # bytes of the longest match, DEFLATE's limit: a length less 3 fits into a byte
WINDOW = 32768  # bytes that a match may reach back, DEFLATE's limit
MOST_CODES = 4096  # codes of a GIF: none has more than 12 bits

Match = tuple[int, int]  # (length, distance): copy `length` bytes from `distance` bytes back
Token = int | Match  # a literal is its byte


def expand(tokens: list[Token], history: bytes = b"") -> bytes:
    """Return the data that the tokens tell: a literal is a byte, and (length, distance) copies from behind.

    The first byte copied stands `distance` bytes before the end of what is there, and a copy may run into
    bytes that it wrote itself. `history` is what went before: matches reach back into it, and it is not part
    of the answer. Raises ValueError where a distance is below 1 or reaches back beyond what is there, and
    where a literal is no byte.

    >>> expand([97, 98, (5, 2)])
    b'abababa'
    >>> expand([(3, 4)], history=b"tell")
    b'tel'
    """
    ### BEGIN SOLUTION
    output = bytearray(history)
    for token in tokens:
        if isinstance(token, int):
            output.append(token)
            continue
        length, distance = token
        start = len(output) - distance
        if distance < 1 or start < 0:
            raise ValueError(f"distance {distance!r} at place {len(output) - len(history)} reaches no data")
        piece = output[start : start + length]
        if distance < length:  # the copy runs into itself, so what there is repeats
            piece = (piece * (length // distance + 1))[:length]
        output += piece
    return bytes(output[len(history) :])
    ### END SOLUTION


def match_length(data: bytes, source: int, place: int, longest: int = LONGEST) -> int:
    """Return how many bytes from `source` on equal those from `place` on, `longest` at most.

    `source` is before `place`; the bytes compared may run past `place`, as in a copy that runs into itself.

    >>> match_length(b"abababx", 0, 2)
    4
    """
    ### BEGIN SOLUTION
    most = min(longest, len(data) - place)
    length = 0
    while length < most and data[source + length] == data[place + length]:
        length += 1
    return length
    ### END SOLUTION


def naive_match(data: bytes, place: int, window: int = WINDOW, longest: int = LONGEST) -> Match:
    """Return the longest match at `place`, the nearest among equals, having tried every distance.

    It is (length, distance), or (0, 0) where no 3 bytes stand in the window already.

    >>> naive_match(b"tell a tale to tell", 15)
    (4, 15)
    """
    ### BEGIN SOLUTION
    best = (0, 0)
    for distance in range(1, min(window, place) + 1):
        length = match_length(data, place - distance, place, longest)
        if length >= SHORTEST and length > best[0]:
            best = (length, distance)
    return best
    ### END SOLUTION


def chains(data: bytes) -> list[int]:
    """Return for each place the last place before it where the same three bytes begin, or -1 for none.

    The last two places, where no three bytes begin, get -1.

    >>> chains(b"abcabcab")
    [-1, -1, -1, 0, 1, 2, -1, -1]
    """
    ### BEGIN SOLUTION
    last_seen: dict[bytes, int] = {}
    chain = []
    for place in range(len(data) - 2):
        three = data[place : place + 3]
        chain.append(last_seen.get(three, -1))
        last_seen[three] = place
    return chain + [-1] * (len(data) - len(chain))
    ### END SOLUTION


def chained_match(data: bytes, place: int, chain: list[int], window: int, longest: int, depth: int) -> Match:
    """Return the longest match at `place` among the nearest `depth` earlier places on its chain.

    It is (length, distance), the nearest among equals, or (0, 0) where the chain offers none in the window.

    >>> chained_match(b"abcabcab", 3, [-1, -1, -1, 0, 1, 2, -1, -1], 100, 100, 4)
    (5, 3)
    """
    ### BEGIN SOLUTION
    most = min(longest, len(data) - place)
    oldest = max(0, place - window)
    length = distance = 0
    source = chain[place]
    while source >= oldest and depth and length < most:
        # Only a source that agrees in the next byte, too, can do better than the best so far.
        if data[source + length] == data[place + length]:
            found = match_length(data, source, place, most)
            if found > length:
                length, distance = found, place - source
        source = chain[source]
        depth -= 1
    return length, distance
    ### END SOLUTION


def tokens(
    data: bytes, window: int = WINDOW, longest: int = LONGEST, depth: int = 16, lazy: bool = True
) -> list[Token]:
    """Return tokens from which `expand` makes the data: literals and (length, distance) matches.

    At each place the longest match is taken that `depth` steps of the chain find: its length is 3 to `longest`
    and its distance at most `window`. Where `lazy`, a match gives way to a literal if the place after it has a
    longer match. Sources: Ziv and Lempel (1977), Storer and Szymanski (1982).

    >>> tokens(b"abababa!")
    [97, 98, (5, 2), 33]
    """
    ### BEGIN SOLUTION
    chain = chains(data)
    output: list[Token] = []
    place = 0
    while place < len(data):
        length, distance = chained_match(data, place, chain, window, longest, depth)
        while lazy and length:
            longer, farther = chained_match(data, place + 1, chain, window, longest, depth)
            if longer <= length:
                break
            output.append(data[place])
            place, length, distance = place + 1, longer, farther
        output.append((length, distance) if length else data[place])
        place += length or 1
    return output
    ### END SOLUTION


def to_parts(tokens: list[Token]) -> list[bytes]:
    r"""Return the tokens as five strings of bytes, each of one kind of number, for a Huffman code of its own.

    1. The literals. 2. The runs: for each match, how many literals stand between it and the match before; 255
    stands for 255 literals without a match after them, and the run goes on in the next byte. 3. The lengths
    less 3. 4. The distances less 1, divided by 256, and 5. what the division leaves. Literals after the last
    match have no run but the 255s. Raises ValueError where a number fits into no byte.

    >>> to_parts([100, 111, 32, 114, 101, (7, 3), (5, 12)])
    [b'do re', b'\x05\x00', b'\x04\x02', b'\x00\x00', b'\x02\x0b']
    """
    ### BEGIN SOLUTION
    literals, runs, lengths, far, near = parts = [bytearray() for _ in range(5)]
    run = 0
    for token in tokens:
        if isinstance(token, int):
            literals.append(token)
            run += 1
            if run == 255:
                runs.append(run)
                run = 0
        else:
            runs.append(run)
            run = 0
            lengths.append(token[0] - SHORTEST)
            far.append((token[1] - 1) // 256)
            near.append((token[1] - 1) % 256)
    return [bytes(part) for part in parts]
    ### END SOLUTION


def from_parts(parts: list[bytes]) -> list[Token]:
    """Return the tokens that `to_parts` was given.

    Raises ValueError where lengths and distances are not as many as the runs that end in a match, and where
    the runs tell of more literals than there are.

    >>> from_parts([b"do re", bytes([5, 0]), bytes([4, 2]), bytes([0, 0]), bytes([2, 11])])
    [100, 111, 32, 114, 101, (7, 3), (5, 12)]
    """
    ### BEGIN SOLUTION
    literals, runs, lengths, far, near = parts
    told = len(runs) - runs.count(255)
    if {len(lengths), len(far), len(near)} != {told} or sum(runs) > len(literals):
        raise ValueError(f"parts of {[len(part) for part in parts]} bytes don't belong together")
    matches = zip(lengths, far, near, strict=True)
    tokens: list[Token] = []
    place = 0
    for run in runs:
        tokens += literals[place : place + run]
        place += run
        if run < 255:
            length, high, low = next(matches)
            tokens.append((length + SHORTEST, 256 * high + low + 1))
    return tokens + list(literals[place:])
    ### END SOLUTION


def in_four_bytes(size: int) -> bytes:
    """Return a size as 4 bytes, highest first; raise ValueError where it is 4 GiB or more.

    >>> in_four_bytes(258).hex()
    '00000102'
    """
    if size >= 1 << 32:
        raise ValueError(f"{size} bytes are too many for a 4-byte size")
    return size.to_bytes(4, "big")


def compress(data: bytes) -> bytes:
    """Return the data's size (4 bytes, highest first) and the five parts of its tokens.

    Each part is written as the size of its Huffman file (4 bytes, highest first) and that file, as lesson 3
    makes it. Raises ValueError where the data is 4 GiB or longer.

    >>> len(compress(b"tell a tale to tell " * 100))
    157
    """
    ### BEGIN SOLUTION
    blob = in_four_bytes(len(data))
    for part in to_parts(tokens(data)):
        coded = huffman_compress(part)
        blob += in_four_bytes(len(coded)) + coded
    return blob
    ### END SOLUTION


def decompress(blob: bytes) -> bytes:
    """Return the data that `compress` was given.

    Raises ValueError where the blob is cut short or goes on after its last part, where a part is damaged or
    the parts don't fit each other, and where they tell of more or fewer bytes than the size does; that is
    seen before any of those bytes is made.

    >>> decompress(compress(b"do re re re do re"))
    b'do re re re do re'
    """
    ### BEGIN SOLUTION
    parts = []
    place = 4
    for _ in range(5):
        start = place + 4
        place = start + int.from_bytes(blob[place:start], "big")
        if max(start, place) > len(blob):
            raise ValueError(f"a part should end at byte {max(start, place)}, but the blob has {len(blob)}")
        parts.append(huffman_decompress(blob[start:place]))
    if place < len(blob):
        raise ValueError(f"the parts end after {place} bytes, but {len(blob)} are there")
    found = from_parts(parts)
    size = int.from_bytes(blob[:4], "big")
    told = sum(1 if isinstance(token, int) else token[0] for token in found)
    if told != size:
        raise ValueError(f"the tokens tell of {told} bytes, but the size is {size}")
    return expand(found)
    ### END SOLUTION


def code_width(sent: int, width: int) -> int:
    """Return the bits of the next code in a GIF, where `sent` others were sent since the last clear code.

    They are as few as hold every code that could come next, but never more than 12: without a code sent, the
    largest is the end code; each code sent puts one more phrase on the list, or might have.
    `width` is GIF's minimum code size, the bits of a symbol. Source: CompuServe (1990), appendix F.

    >>> [code_width(sent, 2) for sent in (0, 2, 3, 10, 11)]
    [3, 3, 4, 4, 5]
    """
    ### BEGIN SOLUTION
    end = (1 << width) + 1
    return min(12, (end + sent).bit_length())
    ### END SOLUTION


def check_width(width: int) -> None:
    """Raise ValueError where no GIF has symbols of that many bits."""
    if not 2 <= width <= 8:
        raise ValueError(f"symbols of {width!r} bits are not in a GIF, which has 2 to 8")


def pack_codes(codes: list[int], width: int) -> bytes:
    """Return the codes side by side, each as wide as `code_width` says, with zeros up to a whole byte.

    The first bit of a code is its lowest one, and so is the first bit of a byte: the other way round than in
    lesson 1. Raises ValueError where `width` is not in 2 to 8.

    >>> pack_codes([4, 1, 6, 5], width=2).hex()
    '8c0b'
    """
    check_width(width)
    words, sent = [], 0
    for code in codes:
        words.append(f"{code:0{code_width(sent, width)}b}")
        sent = 0 if code == 1 << width else sent + 1
    bits = "0" + "".join(reversed(words))  # the number whose lowest bits are the first code
    return int(bits, 2).to_bytes((len(bits) + 6) // 8, "little")


def unpack_codes(blob: bytes, width: int) -> tuple[list[int], int]:
    """Return the codes before the end code, clear codes included, and the number of bits up to its last.

    Raises ValueError where the blob ends before an end code, and where `width` is not in 2 to 8.

    >>> unpack_codes(bytes.fromhex("8c0b"), width=2)
    ([4, 1, 6], 12)
    """
    check_width(width)
    left = 8 * len(blob)
    bits = f"{int.from_bytes(blob, 'little'):0{left}b}"
    codes: list[int] = []
    sent = 0
    while True:
        size = max(1, code_width(sent, width))
        if size > left:
            raise ValueError(f"the {len(blob)} bytes end before an end code")
        code = int(bits[left - size : left], 2)
        left -= size
        if code == (1 << width) + 1:
            return codes, 8 * len(blob) - left
        codes.append(code)
        sent = 0 if code == 1 << width else sent + 1


def lzw_encode(data: bytes, width: int = 8) -> bytes:
    """Return the data as the codes of a GIF's picture: a clear code, codes of phrases, an end code.

    Symbol s has code s, the clear code is 2^width, the end code one more, and phrases get the codes after it,
    up to 4095. When these are given away, the next code is followed by a clear code and an empty list.
    Raises ValueError where a symbol is 2^width or above, and where `width` is not in 2 to 8.
    Sources: Welch (1984), CompuServe (1990).

    >>> lzw_encode(b"lalalal").hex()
    '00d98411483020'
    """
    ### BEGIN SOLUTION
    clear = 1 << width
    if data and max(data) >= clear:
        raise ValueError(f"symbol {max(data)} does not fit into {width} bits")
    start = {bytes([symbol]): symbol for symbol in range(clear)}
    codes, phrases, phrase = [clear], start.copy(), b""
    for symbol in data:
        longer = phrase + bytes([symbol])
        if longer in phrases:
            phrase = longer
            continue
        codes.append(phrases[phrase])
        if len(phrases) + 2 < MOST_CODES:
            phrases[longer] = len(phrases) + 2
        else:
            codes.append(clear)
            phrases = start.copy()
        phrase = bytes([symbol])
    if phrase:
        codes.append(phrases[phrase])
    return pack_codes([*codes, clear + 1], width)
    ### END SOLUTION


def lzw_decode(blob: bytes, width: int = 8) -> tuple[bytes, int]:
    """Return the data whose codes the blob begins with, and the number of bits up to the end code's last.

    The list of phrases may be cleared anywhere, or never: once it is full, it stays as it is. Whatever follows
    the end code is ignored. Raises ValueError where the blob ends before an end code, where a code has no
    phrase yet, and where `width` is not in 2 to 8.

    >>> lzw_decode(bytes.fromhex("00d98411483020"))
    (b'lalalal', 54)
    """
    ### BEGIN SOLUTION
    codes, bits = unpack_codes(blob, width)
    start = [bytes([symbol]) for symbol in range(1 << width)] + [b"", b""]  # clear and end have no phrase
    phrases, before, output = start.copy(), b"", bytearray()
    for code in codes:
        if code == 1 << width:
            phrases, before = start.copy(), b""
            continue
        if before and len(phrases) < MOST_CODES:
            # The code may be that of the very phrase that is made here: then it begins as the one before.
            first = phrases[code] if code < len(phrases) else before
            phrases.append(before + first[:1])
        if code >= len(phrases):
            raise ValueError(f"code {code} has no phrase yet: the list goes up to {len(phrases) - 1}")
        before = phrases[code]
        output += before
    return bytes(output), bits
    ### END SOLUTION


def is_tokenizer(candidate: Callable[[bytes, int, int], list[Token]]) -> bool:
    """Say whether `candidate` could be `tokens`, by trying it: this law is yours to write.

    It is handed functions that take data, a window and the longest length, in this order. Right ones differ:
    some are greedy, some lazy. Wrong ones lose data, break a limit, or don't find what is there. Tell them
    apart without calling your own `tokens`; `expand` may help, and raises ValueError where it can't go on.
    """
    ### BEGIN SOLUTION
    song, pens = b"do re re re do re", b"pen ends pends"
    for data, window, longest in [(b"aaaa", 1, LONGEST), (pens, WINDOW, LONGEST), (song, 11, 6)]:
        found = candidate(data, window, longest)
        matches = [token for token in found if isinstance(token, tuple)]
        if not all(SHORTEST <= length <= longest and distance <= window for length, distance in matches):
            return False
        try:
            if len(found) >= len(data) or expand(found) != data:  # each of these texts repeats itself
                return False
        except ValueError:  # a distance that reaches no data
            return False
    return True
    ### END SOLUTION

"""Lesson 17: a network drives the coder, and a real file comes out, with every byte of the model counted."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from squeeze import context_mixing as lesson_7
from squeeze.arithmetic import TOTAL, Decoder, Encoder
from squeeze.classification import Array, cross_entropy
from squeeze.classification import load as load  # the laws call it
from squeeze.context_mixing import ONE, Mixer, Tree, checksum, model_chances, stretch
from squeeze.optimizers import AdamW, clip_by_norm, cosine, from_bytes, save, warm_up
from squeeze.recurrent import CELLS, LanguageModel
from squeeze.transformer import Transformer

Counts: TypeAlias = NDArray[np.int64]
Header: TypeAlias = dict[str, Any]
Chunks: TypeAlias = Sequence[
    tuple[bytes, bytes]
]  # of each its code, and the hash of the counts it was made with
Predictor: TypeAlias = LanguageModel | Transformer

FIRST = 10  # what a model is told to have read before the first byte: a new line
SYMBOLS = 256
MAGIC, VERSION = b"SPNC", 1
STATIC, ONLINE = 0, 1  # the modes
KINDS = ["rnn", "gru", "transformer"]  # a model's number in the file is its place here

# What stands in a file's header after the magic: each field, and its size in bytes, highest first.
FIELDS = {
    "version": 1, "mode": 1, "mixed": 1, "kind": 1, "dtype": 1, "bits": 1, "width": 2, "hidden": 2, "layers": 2,
    "heads": 2, "context": 2, "seed": 4, "streams": 2, "length": 4, "chunk": 4,
}  # fmt: skip
CONFIGURATION = ("kind", "dtype", "width", "hidden", "layers", "heads", "context")
MOST = {"width": 2048, "hidden": 2048, "layers": 32, "heads": 64, "context": 4096, "streams": 4096}

SMALLEST = 20_000  # bytes: what is shorter, lesson 7 does alone


def integer_counts(scores: Array, total: int = TOTAL) -> Counts:
    """Turn scores along the last axis into whole counts that add up to `total`, each at least 1.

    Of n symbols, one with the probability p, the softmax of the scores, has 1 + floor(p · (total − n)). What is
    left over goes to the symbol with the most; of equal ones, to the first. All is computed in float64.
    Scores of ±10,000 are fine. Raises ValueError where a score is no finite number.
    As lesson 6's `quantise`, a symbol costs at most log2(total / (total − n)) bits more than −log2 p.

    >>> integer_counts(np.log([2.0, 1.0, 1.0]), 16)
    array([8, 4, 4])
    """
    ### BEGIN SOLUTION
    scores = np.asarray(scores, np.float64)
    if not np.isfinite(scores).all():
        raise ValueError("a score is infinite or no number: this model can't be coded with")
    chances = np.exp(scores - scores.max(axis=-1, keepdims=True))
    chances *= (total - scores.shape[-1]) / chances.sum(axis=-1, keepdims=True)
    counts = 1 + chances.astype(np.int64)
    most = counts.argmax(axis=-1)[..., None]
    left = total - counts.sum(axis=-1, keepdims=True)
    np.put_along_axis(counts, most, np.take_along_axis(counts, most, -1) + left, -1)
    return np.asarray(counts)
    ### END SOLUTION


class Oracle:
    """Says what a model expects next in each of several streams: the one way to ask it, for both directions.

    It has read `FIRST` when it is made. A model with a `context` that is full begins again: it is started anew and
    reads the last half of its context, the new symbols at the end of it.

    >>> oracle = Oracle(LanguageModel(width=2, hidden=3), 2)
    >>> oracle.counts().shape, oracle.counts().sum(axis=1)
    ((2, 256), array([65536, 65536]))
    >>> oracle.take([97, 98])
    """

    def __init__(self, model: Predictor, batch: int = 1) -> None:
        self.model, self.batch = model, batch
        self.context = getattr(model, "context", 0)
        self.read: list[NDArray[np.int64]] = []  # what a full context begins again with
        self.state: Any = model.start(batch)
        self.seen = sha256()
        self.step(np.full(batch, FIRST))

    def digest(self) -> bytes:
        """Return the rolling hash: 4 bytes about all counts that were asked for so far."""
        return self.seen.digest()[:4]

    def step(self, ids: NDArray[np.int64]) -> None:
        """Let the model read one more symbol of each stream, and keep its scores in `scores`."""
        ### BEGIN SOLUTION
        if self.context:
            if len(self.read) == self.context:
                self.state = self.model.start(self.batch)
                self.read = self.read[self.context - self.context // 2 + 1 :]
                for old in self.read:
                    _, self.state = self.model.step(self.state, old)
            self.read.append(ids)
        self.scores, self.state = self.model.step(self.state, ids)
        ### END SOLUTION

    def counts(self) -> Counts:
        """Return the integer counts of the next symbol, batch × 256, and hash them, as 2 bytes each, lowest first."""
        ### BEGIN SOLUTION
        counts = integer_counts(self.scores)
        self.seen.update(counts.astype("<u2").tobytes())
        return counts
        ### END SOLUTION

    def take(self, symbols: Sequence[int] | NDArray[np.int64]) -> None:
        """Take in the symbols that came, one of each stream."""
        self.step(np.asarray(symbols, np.int64))


# The text is cut in streams, which go on side by side: one symbol of each in turn. What is coded in this order is
# "woven"; the first streams are one byte longer where they can't be equal.


def cuts(size: int, streams: int) -> list[int]:
    """Return where each of so many streams of a text of that size begins, and where the last one ends.

    >>> cuts(8, 3)
    [0, 3, 6, 8]
    """
    length, longer = divmod(size, streams)
    return [i * length + min(i, longer) for i in range(streams + 1)]


def weave(data: bytes, streams: int) -> bytes:
    """Return the data in the order in which it is coded: the first bytes of all streams, then the second ones, ….

    >>> weave(b"abcdefgh", 3)
    b'adgbehcf'
    """
    places, woven = cuts(len(data), streams), bytearray(len(data))
    for i, (start, end) in enumerate(pairwise(places)):
        woven[i::streams] = data[start:end]
    return bytes(woven)


def unweave(woven: bytes, streams: int) -> bytes:
    """Return what `weave` was given.

    >>> unweave(b"adgbehcf", 3)
    b'abcdefgh'
    """
    return b"".join(woven[i::streams] for i in range(streams))


def encode_streams(woven: bytes, oracle: Oracle) -> bytes:
    """Return the code of woven text: one arithmetic coder, which takes a symbol of each stream in turn.

    At each step all streams are asked for at once. The symbol s of a stream with the counts c goes to the coder
    as c[0] + … + c[s − 1], c[s] and `TOTAL`. In the last step there may be symbols for the first few streams
    only; the others are told to have read a 0. The oracle takes in the last symbols, too.

    >>> len(encode_streams(b"abracadabra", Oracle(LanguageModel(width=2, hidden=3), 2)))
    12
    """
    ### BEGIN SOLUTION
    encoder, symbols = Encoder(), np.frombuffer(woven, np.uint8).astype(np.int64)
    for place in range(0, len(symbols), oracle.batch):
        some = symbols[place : place + oracle.batch]
        counts = oracle.counts()
        rows = np.arange(len(some))
        sizes = counts[rows, some]
        starts = counts.cumsum(axis=1)[rows, some] - sizes
        for start, size in zip(starts.tolist(), sizes.tolist(), strict=True):
            encoder.encode(start, size, TOTAL)
        oracle.take(np.pad(some, (0, oracle.batch - len(some))))
    return encoder.finish()
    ### END SOLUTION


def decode_streams(code: bytes, size: int, oracle: Oracle) -> tuple[bytes, int]:
    """Return so many symbols of woven text, and how many bytes of the code they took.

    Raises ValueError as a `Decoder` does.

    >>> code = encode_streams(b"abracadabra", Oracle(LanguageModel(width=2, hidden=3), 2))
    >>> decode_streams(code + b"more", 11, Oracle(LanguageModel(width=2, hidden=3), 2))
    (b'abracadabra', 12)
    """
    ### BEGIN SOLUTION
    decoder, woven = Decoder(code), bytearray()
    while len(woven) < size:
        counts = oracle.counts()
        sizes, ends = counts.ravel().data, counts.cumsum(axis=1).ravel().data
        some = [0] * oracle.batch
        for i in range(min(oracle.batch, size - len(woven))):
            target = decoder.target(TOTAL)
            place = bisect_right(ends, target, SYMBOLS * i, SYMBOLS * (i + 1))  # the first end beyond it
            decoder.take(ends[place] - sizes[place], sizes[place], TOTAL)
            some[i] = place - SYMBOLS * i
        woven += bytes(some[: size - len(woven)])
        oracle.take(some)
    return bytes(woven), decoder.finish()
    ### END SOLUTION


def fingerprint(parameters: Mapping[str, Array], primer: bytes = b"") -> bytes:
    """Return 8 bytes that tell whether two sides have the same parameters, to the last bit, and the same primer.

    They are the first of a SHA-256. It runs over the parameters in the order of their names: for each a line
    "name dtype shape", as in "head.bias float32 (256,)", with a newline after it, and then its numbers, row by row,
    lowest byte first. Last comes the primer, a text that both sides have read before.

    >>> fingerprint({"x": np.zeros(2)}).hex()
    'c361093d5dbd41e5'
    """
    ### BEGIN SOLUTION
    digest = sha256()
    for name in sorted(parameters):
        array = np.asarray(parameters[name])
        digest.update(f"{name} {array.dtype.name} {array.shape}\n".encode())
        digest.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
    digest.update(primer)
    return digest.digest()[:8]
    ### END SOLUTION


# The file. What it is made of stands in `write_file`, and the table in the chapter tells it byte by byte.


def write_file(header: Header, chunks: Chunks) -> bytes:
    """Return the file of a header and of the chunks, each a code and the hash of the counts it was made with.

    `MAGIC`; each of the `FIELDS`; "fingerprint", 8 bytes; the length of "tree" (2 bytes), and it; the length of
    "weights" (4 bytes), and they; the CRC-32 of all that. Then for each chunk the length of its code (4 bytes), the
    CRC-32 of what follows, the hash (4 bytes), and the code. Numbers have their highest byte first.

    >>> header = dict.fromkeys(FIELDS, 1) | {"fingerprint": bytes(8), "tree": b"", "weights": b""}
    >>> len(write_file(header, [(b"code", b"hash")]))
    68
    """
    fields = b"".join(int(header[name]).to_bytes(size, "big") for name, size in FIELDS.items())
    tree: bytes = header["tree"]
    weights: bytes = header["weights"]
    head: bytes = MAGIC + fields + header["fingerprint"] + len(tree).to_bytes(2, "big") + tree
    head += len(weights).to_bytes(4, "big") + weights
    body = [len(code).to_bytes(4, "big") + checksum(told + code) + told + code for code, told in chunks]
    return head + checksum(head) + b"".join(body)


class Reader:
    r"""Reads a file from its beginning, and says where it was cut short.

    >>> reader = Reader(bytes([1, 2, 3]))
    >>> reader.number(2), reader.take(1), reader.place
    (258, b'\x03', 3)
    """

    def __init__(self, blob: bytes) -> None:
        self.blob, self.place = blob, 0

    def take(self, size: int) -> bytes:
        """Return the next bytes. Raises ValueError where there are not so many."""
        end = self.place + size
        if end > len(self.blob):
            raise ValueError(f"the file is cut short: it goes on to byte {end}, and has {len(self.blob)}")
        self.place = end
        return self.blob[end - size : end]

    def number(self, size: int) -> int:
        """Return the number in the next bytes."""
        return int.from_bytes(self.take(size), "big")


def check_header(header: Header) -> None:
    """Do nothing where a header makes sense. Raises ValueError where it doesn't, or would need too much memory."""
    choices = {"mode": (0, 1), "mixed": (0, 1), "kind": (0, 1, 2), "dtype": (32, 64), "bits": (0, 4, 8, 32)}
    for name, allowed in choices.items():
        if header[name] not in allowed:
            raise ValueError(f"the header's {name} is {header[name]!r}; it can be one of {allowed!r}")
    for name, most in MOST.items():
        if header[name] > most:
            raise ValueError(f"the header's {name} is {header[name]!r}; more than {most} is refused")
    sizes = ("width", "layers", "heads", "context") if header["kind"] == 2 else ("width", "hidden")
    if not all(header[name] for name in (*sizes, "streams", "chunk")):
        raise ValueError("the header has a size of 0 where there must be something")
    if header["chunk"] % header["streams"]:
        raise ValueError(
            f"a chunk of {header['chunk']} doesn't hold whole steps of {header['streams']} streams"
        )
    if header["kind"] == 2 and (header["width"] % header["heads"] or header["mode"] == ONLINE):
        raise ValueError("the header tells of a Transformer as there is none")
    kept = header["hidden"] + 2 * header["layers"] * header["context"] * header["width"]
    if header["streams"] * kept > 1 << 26 or parameter_count(header) > 1 << 25:
        raise ValueError("the header asks for a model or for streams of more memory than is given")
    if bool(header["bits"]) != bool(header["weights"]) or bool(header["mixed"]) != bool(header["tree"]):
        raise ValueError("the header's weights or tree are not what it says of them")


def parameter_count(header: Header) -> int:
    """Return how many numbers the model of a header has."""
    width, hidden = int(header["width"]), int(header["hidden"])
    if header["kind"] < 2:
        gates = CELLS[KINDS[header["kind"]]].gates
        return SYMBOLS * width + gates * hidden * (width + hidden + 2) + (hidden + 1) * SYMBOLS
    return width * (SYMBOLS + int(header["context"]) + int(header["layers"]) * (12 * width + 13) + 2)


def read_file(blob: bytes) -> tuple[Header, Chunks]:
    """Return the header and the chunks of a file; every field of the header is there, and all is whole.

    Raises ValueError where the file has another magic or version, is cut short, has a header or a chunk that its
    CRC-32 doesn't fit (say which chunk, counted from 0), goes on after its last chunk, or `check_header` refuses.
    There are as many chunks as it takes to hold "length" symbols, "chunk" in each.

    >>> header = dict.fromkeys(FIELDS, 1) | {"dtype": 32, "bits": 0}
    >>> header |= {"fingerprint": bytes(8), "tree": b"t", "weights": b""}
    >>> read_file(write_file(header, [(b"code", b"hash")]))[1]
    [(b'code', b'hash')]
    """
    ### BEGIN SOLUTION
    reader = Reader(blob)
    if reader.take(len(MAGIC)) != MAGIC:
        raise ValueError(f"this is no file of this lesson: it begins with {blob[:4]!r}")
    header: Header = {}
    for name, size in FIELDS.items():
        header[name] = reader.number(size)
        if name == "version" and header[name] != VERSION:
            raise ValueError(f"the file has version {header[name]}; this program reads version {VERSION}")
    header["fingerprint"] = reader.take(8)
    header["tree"] = reader.take(reader.number(2))
    header["weights"] = reader.take(reader.number(4))
    if checksum(blob[: reader.place]) != reader.take(4):
        raise ValueError("the header is damaged: its checksum is another one")
    check_header(header)
    chunks = []
    for i in range(-(-header["length"] // header["chunk"])):
        size, check, told = reader.number(4), reader.take(4), reader.take(4)
        code = reader.take(size)
        if checksum(told + code) != check:
            raise ValueError(f"chunk {i} is damaged: its checksum is another one")
        chunks.append((code, told))
    if reader.place < len(blob):
        raise ValueError(f"the file ends after {reader.place} bytes, but {len(blob)} are there")
    return header, chunks
    ### END SOLUTION


# The weights. They are part of the message, so they are squeezed, too.


def pack_nibbles(whole: NDArray[np.int8]) -> bytes:
    """Return whole numbers from −8 to 7, two in a byte: 8 more each, the first in the higher half.

    >>> pack_nibbles(np.array([7, -2, -8], np.int8)).hex()
    'f600'
    """
    halves = (whole.ravel() + 8).astype(np.uint8)
    halves = np.append(halves, np.zeros(halves.size % 2, np.uint8))
    return (halves[::2] << 4 | halves[1::2]).tobytes()


def squeeze_weights(parameters: Mapping[str, Array], bits: int) -> bytes:
    """Return the parameters in so many bits a number: 32, 8 or 4. They stand in the order of their names.

    With 32 bits, and for arrays of one axis always, an array is its numbers as float32, lowest byte first. A
    table has for each column a scale first, also as float32: its largest size, divided by 127 or by 7, and 1 for a
    column of zeros. A number becomes the nearest whole number of scales (of two, the even one). With 8 bits each is
    a byte (int8). With 4 bits 8 is added, two go in a byte, row by row, the first in the higher half, and where the
    number is odd, the last half is 0.

    >>> squeeze_weights({"w": np.array([[7.0], [-2.2]])}, 4).hex()
    '0000803ff6'
    """
    if bits not in (4, 8, 32):
        raise ValueError(f"weights of {bits!r} bits are not to be had; take 4, 8 or 32")
    ### BEGIN SOLUTION
    blob = bytearray()
    for name in sorted(parameters):
        array = np.asarray(parameters[name], np.float32)
        if bits == 32 or array.ndim < 2:
            blob += array.astype("<f4").tobytes()
            continue
        scales = np.abs(array).max(axis=0) / np.float32(2 ** (bits - 1) - 1)
        scales[scales == 0] = 1
        whole = np.rint(array / scales).astype(np.int8)
        blob += scales.astype("<f4").tobytes()
        blob += whole.tobytes() if bits == 8 else pack_nibbles(whole)
    return bytes(blob)
    ### END SOLUTION


def unpack_nibbles(raw: bytes) -> NDArray[np.int8]:
    """Return the whole numbers that `pack_nibbles` has packed, and one more where they were odd.

    >>> unpack_nibbles(bytes.fromhex("f6"))
    array([ 7, -2], dtype=int8)
    """
    pairs = np.frombuffer(raw, np.uint8)
    return np.stack([pairs >> 4, pairs & 15], axis=1).ravel().astype(np.int8) - np.int8(8)


def open_weights(blob: bytes, shapes: Mapping[str, tuple[int, ...]], bits: int) -> dict[str, Array]:
    """Return the parameters that `squeeze_weights` has made a blob of, as float32, by name.

    A table's number is its whole number times its column's scale, multiplied as float32.
    Raises ValueError where the blob is too short or too long for the shapes.

    >>> blob = squeeze_weights({"w": np.array([[7.0], [-2.2]])}, 4)
    >>> open_weights(blob, {"w": (2, 1)}, 4)
    {'w': array([[ 7.],
           [-2.]], dtype=float32)}
    """
    ### BEGIN SOLUTION
    reader, opened = Reader(blob), {}
    for name in sorted(shapes):
        shape = shapes[name]
        size = int(np.prod(shape))
        if bits == 32 or len(shape) < 2:
            opened[name] = np.frombuffer(reader.take(4 * size), "<f4").astype(np.float32).reshape(shape)
            continue
        scales = np.frombuffer(reader.take(4 * shape[1]), "<f4").astype(np.float32)
        raw = reader.take(size if bits == 8 else (size + 1) // 2)
        whole = np.frombuffer(raw, np.int8) if bits == 8 else unpack_nibbles(raw)[:size]
        opened[name] = whole.reshape(shape).astype(np.float32) * scales
    if reader.place < len(blob):
        raise ValueError(f"the weights take {reader.place} bytes, and {len(blob)} are there")
    return opened
    ### END SOLUTION


class Learner(Oracle):
    """An oracle whose model learns what it has just read: whoever decodes learns the same, from the same.

    A window has `time` symbols of each stream in each of `rows` rows, one after another in the text. A row starts
    in the state in which the model has read its first symbol. When a window is full, the model takes
    one step of AdamW on it, and then `replays` steps on older windows, drawn from those there are with `random`.
    `steps` is how many steps there will be, for the rate: it warms up in 20 steps, and comes down in half a cosine
    wave to a tenth. Only a LanguageModel can learn so.

    >>> learner = Learner(LanguageModel(width=2, hidden=3), batch=2, time=4, rows=1)
    >>> for _ in range(4):
    ...     learner.take([97, 98])
    >>> learner.optimizer.steps
    1
    """

    def __init__(
        self,
        model: Predictor,
        batch: int = 1,
        *,
        time: int = 32,
        rows: int = 16,
        rate: float = 0.005,
        replays: int = 0,
        steps: int = 1000,
        seed: int = 0,
    ) -> None:
        if not isinstance(model, LanguageModel):
            raise ValueError(f"a {type(model).__name__} can't learn here; give a LanguageModel")
        self.time, self.rows, self.rate, self.replays, self.steps = time, rows, rate, replays, steps
        self.learner = model
        self.optimizer = AdamW(model.parameters.values(), rate, decay=0.0)
        self.random = np.random.default_rng(seed)
        self.inputs: list[NDArray[np.int64]] = []  # the symbols that were read, one of each stream
        self.starts: list[Array] = []  # the state before the first symbol of each row
        self.windows: list[tuple[Array, NDArray[np.int64], NDArray[np.int64]]] = []
        super().__init__(model, batch)

    def step(self, ids: NDArray[np.int64]) -> None:
        """Let the model read one more symbol of each stream, and note what a window will need."""
        if len(self.inputs) % self.time == 0:
            self.starts.append(self.state)
        self.inputs.append(ids)
        super().step(ids)

    def arrange(self, symbols: Sequence[Any]) -> NDArray[np.int64]:
        """Return the symbols of a window as an array: rows · batch, all streams of a row together, × time."""
        table = np.array(symbols).reshape(self.rows, self.time, self.batch)
        return table.swapaxes(1, 2).reshape(-1, self.time)

    def take(self, symbols: Sequence[int] | NDArray[np.int64]) -> None:
        """Take in the symbols that came; where they complete a window, learn it before anything else is read.

        The window is (the states its rows start in, what was read, what came after each): its last targets are
        these symbols. It is added to `windows`.
        """
        ### BEGIN SOLUTION
        ids = np.asarray(symbols, np.int64)
        if len(self.inputs) == self.time * self.rows:
            following = self.arrange([*self.inputs[1:], ids])
            window = np.concatenate(self.starts), self.arrange(self.inputs), following
            self.windows.append(window)
            self.inputs, self.starts = [], []
            self.learn(window)
            for _ in range(self.replays):
                self.learn(self.windows[self.random.integers(len(self.windows))])
        self.step(ids)
        ### END SOLUTION

    def learn(self, window: tuple[Array, NDArray[np.int64], NDArray[np.int64]]) -> None:
        """Take one step of AdamW on a window, with the gradients clipped to a length of 1.

        The rate at step k, counted from 0, is warm_up(k, 20) · cosine(k, rate, steps, rate / 10).
        """
        ### BEGIN SOLUTION
        model, done = self.learner, self.optimizer.steps
        model.cell.state, ids, following = window
        _, by_scores = cross_entropy(model.forward(ids), following)
        model.backward(by_scores)
        slopes, _ = clip_by_norm([model.gradients[name] for name in model.parameters], 1.0)
        self.optimizer.rate = warm_up(done, 20) * cosine(done, self.rate, self.steps, self.rate / 10)
        self.optimizer.step(slopes)
        ### END SOLUTION


def spans(tree: Tree) -> NDArray[np.int64]:
    """Return for each node which part of the alphabet is below it: where it begins, where the 1s begin, its end.

    >>> spans(Tree({97: "0", 98: "10", 99: "11"}))
    array([[0, 1, 3],
           [1, 2, 3]])
    """
    found = np.zeros((len(tree.children) // 2, 3), np.int64)
    found[:, :2] = len(tree.paths)
    for place, symbol in enumerate(sorted(tree.paths)):
        for node, bit in tree.paths[symbol].items():
            found[node, 0] = min(found[node, 0], place)
            found[node, 1] = min(found[node, 1], place if bit else len(tree.paths))
            found[node, 2] = place + 1
    return found


class Together:
    """Lesson 7's model and a network bet on the same decisions, and lesson 7's mixer has the last word.

    `code` says which decisions lead to each symbol, as in lesson 7, and `size` how many symbols are expected. The
    oracle has one stream. Lesson 7's model has read the primer, and learns on.

    >>> oracle = Oracle(LanguageModel(width=2, hidden=3))
    >>> both = Together(oracle, {97: "0", 98: "1"}, 100)
    >>> first = both.predict()
    >>> both.update(1)
    >>> both.predict() > first
    True
    """

    def __init__(self, oracle: Oracle, code: Mapping[int, str], size: int, primer: bytes = b"") -> None:
        tree = Tree(dict(code))
        self.oracle, self.code, self.children = oracle, code, tree.children
        self.alphabet = np.array(sorted(code))
        self.spans = spans(tree)
        self.speaker = model_chances(dict(code), size + len(primer))
        self.theirs = next(self.speaker)
        for byte in primer:
            for bit in code[byte]:
                self.theirs = self.speaker.send(int(bit))
        self.mixer = Mixer(2, [len(self.spans), 32 * 32])
        for row in [row for rows in self.mixer.sets for row in rows]:
            row[:] = 0.05, 0.45  # for each set; lesson 7's model is the one that is good from the start
        self.node = 0
        self.look()

    def look(self) -> None:
        """Ask the network about the next symbol: `ours` is its chance of a 1 at each node, in units of `ONE`.

        It is the sum of the counts of the symbols that a 1 leads to, times `ONE`, divided by that of all below the
        node, rounded down. `sure` is the largest of the counts of the alphabet, divided by 2048.
        """
        ### BEGIN SOLUTION
        counts = self.oracle.counts()[0][self.alphabet]
        sums = np.append(0, counts.cumsum())
        low, middle, high = self.spans.T
        self.ours = ((sums[high] - sums[middle]) * ONE // (sums[high] - sums[low])).tolist()
        self.sure = int(counts.max()) >> 11
        ### END SOLUTION

    def predict(self) -> int:
        """Return the chance that the next decision is a 1, in 65,536ths: what the coder is told.

        The mixer's inputs are the stretched chances of the network and of lesson 7's model, in this order. Its rows
        are chosen by the node, and by how sure both are: 32 · `sure` + lesson 7's chance // 2048. The answer is the
        mixer's chance // 16, but from lesson 7's `LEAST` to its `MOST`.
        """
        ### BEGIN SOLUTION
        inputs = [stretch(self.ours[self.node]), stretch(self.theirs << 4)]
        self.mixer.predict(inputs, [self.node, 32 * self.sure + (self.theirs >> 11)])
        return min(max(self.mixer.chance >> 4, lesson_7.LEAST), lesson_7.MOST)
        ### END SOLUTION

    def update(self, bit: int) -> None:
        """Learn the decision of which `predict` spoke, and go on; where a symbol is reached, the network reads it."""
        ### BEGIN SOLUTION
        self.mixer.update(bit)
        self.theirs = self.speaker.send(bit)
        self.node = self.children[2 * self.node + bit]
        if self.node < 0:
            self.oracle.take([-1 - self.node])
            self.node = 0
            self.look()
        ### END SOLUTION


def describe(model: Predictor) -> Header:
    """Return the fields of a header that tell what kind of model it is.

    >>> describe(LanguageModel(width=2, hidden=3))["hidden"]
    3
    """
    first = next(iter(model.parameters.values()))
    told = dict.fromkeys(CONFIGURATION, 0) | {"dtype": 8 * first.dtype.itemsize, "width": first.shape[1]}
    if len(first) != SYMBOLS:
        raise ValueError(f"the model has {len(first)} symbols; for bytes it must have {SYMBOLS}")
    if isinstance(model, Transformer):
        sizes = {"layers": len(model.blocks), "heads": model.heads, "context": model.context}
        return told | {"kind": KINDS.index("transformer")} | sizes
    kind = next(name for name, cell in CELLS.items() if type(model.cell) is cell)
    return told | {"kind": KINDS.index(kind), "hidden": model.cell.hidden}


def build(told: Mapping[str, Any], seed: int = 0) -> Predictor:
    """Return a new model of the kind that some fields of a header tell, as a seed makes it.

    >>> build(describe(LanguageModel(width=2, hidden=3))).cell.hidden
    3
    """
    dtype = np.dtype(f"float{told['dtype']}")
    if KINDS[told["kind"]] == "transformer":
        sizes = {name: told[name] for name in ("width", "layers", "heads", "context")}
        return Transformer(SYMBOLS, **sizes, random=seed, dtype=dtype)
    return LanguageModel(SYMBOLS, told["width"], told["hidden"], KINDS[told["kind"]], seed, dtype)


def shapes_of(model: Predictor) -> dict[str, tuple[int, ...]]:
    """Return the shape of each parameter, by name."""
    return {name: array.shape for name, array in model.parameters.items()}


def save_model(path: str | Path, model: Predictor) -> None:
    """Write a model and what kind it is to a file of NumPy's, without pickle."""
    told = describe(model)
    save(path, {"configuration": np.array([told[name] for name in CONFIGURATION]), **model.parameters})


def read_model(path: str | Path) -> Predictor:
    """Return the model that was saved in a file. Raises ValueError where there is none in it."""
    try:
        return model_in(Path(path).read_bytes())
    except ValueError as problem:
        raise ValueError(f"{path}: {problem}") from problem


def model_in(saved: bytes) -> Predictor:
    """Return the model in the bytes of a file that `save_model` wrote. Raises ValueError where there is none."""
    try:
        arrays = from_bytes(saved)
        numbers = [int(number) for number in arrays.pop("configuration")]
        told = dict(zip(CONFIGURATION, numbers, strict=True))
        rest = {"mode": 0, "mixed": 0, "bits": 0, "streams": 1, "chunk": 1, "weights": b"", "tree": b""}
        check_header(told | rest)
        model = build(told)
        load(model, arrays)
    except Exception as problem:
        raise ValueError(f"it holds no model of this lesson: {problem}") from problem
    return model


def compress_by(data: bytes, saved: bytes, mixed: bool = False) -> bytes:
    """Return the data as a file coded with a saved model, which isn't in it: `shortest compress --model` calls this.

    Raises ValueError where `saved` is no model.
    """
    streams = 1 if mixed else max(1, min(64, len(data) // 1024))  # a stream begins knowing nothing
    return compress_with(data, model_in(saved), ship=False, mixed=mixed, streams=streams)


def decompress_by(blob: bytes, saved: bytes) -> bytes:
    """Return the data that `compress_by` was given. Raises ValueError as `decompress_with` does."""
    return decompress_with(blob, model_in(saved))


# Files, given: what was built above, put together.

OTHER_COUNTS = (
    "chunk {} is whole, but this machine, or this way of computing, found other counts for it than its writer"
)
REPLAYS = 2  # steps on older windows, for each new one, in files that `compress` makes


def oracle_for(header: Header, model: Predictor) -> Oracle:
    """Return the oracle that a file of this header is coded with."""
    streams = header["streams"]
    if header["mode"] == STATIC:
        return Oracle(model, streams)
    rows = max(1, 8 // streams)
    steps = max(1, (1 + REPLAYS) * header["length"] // (32 * rows * streams))
    return Learner(model, streams, rows=rows, rate=0.006, replays=REPLAYS, steps=steps, seed=header["seed"])


def chunk_sizes(header: Header) -> Iterator[int]:
    """Yield how many symbols each chunk of a file has."""
    for start in range(0, header["length"], header["chunk"]):
        yield min(header["chunk"], header["length"] - start)


def pack(data: bytes, header: Header, model: Predictor, primer: bytes = b"") -> bytes:
    """Return a file of the data, coded with a model; the header has all that this can't find out by itself."""
    streams, mixed = header["streams"], header["mixed"] if data else 0
    chunk = max(1, header["chunk"] // streams) * streams
    classes = lesson_7.classes_of(primer + data) if mixed else {}
    tree = lesson_7.write_classes(classes) if mixed else b""
    known: Header = {"version": VERSION, "length": len(data), "chunk": chunk, "mixed": mixed, "tree": tree}
    header = {"seed": 0} | header | known
    oracle, chunks, place = oracle_for(header, model), [], 0
    both = together(header, oracle, primer) if mixed else None
    woven = weave(data, streams)
    for size in chunk_sizes(header):
        part = woven[place : place + size]
        code = encode_together(part, both) if both else encode_streams(part, oracle)
        chunks.append((code, oracle.digest()))
        place += size
    return write_file(header, chunks)


def unpack(header: Header, chunks: Chunks, model: Predictor, primer: bytes = b"") -> bytes:
    """Return the data of a file that was read. Raises ValueError where the counts are others than the writer's."""
    oracle, woven = oracle_for(header, model), bytearray()
    both = together(header, oracle, primer) if header["mixed"] else None
    for i, (size, (code, told)) in enumerate(zip(chunk_sizes(header), chunks, strict=True)):
        try:
            part, used = decode_together(code, size, both) if both else decode_streams(code, size, oracle)
        except ValueError as problem:
            raise ValueError(f"{OTHER_COUNTS.format(i)} ({problem})") from problem
        if used != len(code) or oracle.digest() != told:
            raise ValueError(OTHER_COUNTS.format(i))
        woven += part
    return unweave(bytes(woven), header["streams"])


def together(header: Header, oracle: Oracle, primer: bytes) -> Together:
    """Return what codes a mixed file."""
    classes, used = lesson_7.read_classes(header["tree"])
    if used != len(header["tree"]):
        raise ValueError(f"the tree takes {used} bytes, and {len(header['tree'])} are there")
    code = lesson_7.decisions(lesson_7.weights_of(classes))
    if missing := set(primer) - set(code):
        raise ValueError(f"the primer has a byte {min(missing)}, and the file's tree doesn't lead to it")
    return Together(oracle, code, header["length"], primer)


def encode_together(data: bytes, both: Together) -> bytes:
    """Return the code of some bytes, decision by decision."""
    encoder = Encoder()
    words = {byte: [int(bit) for bit in bits] for byte, bits in both.code.items()}
    for byte in data:
        for bit in words[byte]:
            encoder.encode_bit(bit, both.predict())
            both.update(bit)
    return encoder.finish()


def decode_together(code: bytes, size: int, both: Together) -> tuple[bytes, int]:
    """Return so many bytes, and how many bytes of the code they took."""
    decoder, data = Decoder(code), bytearray()
    while len(data) < size:
        bit = decoder.decode_bit(both.predict())
        child = both.children[2 * both.node + bit]
        both.update(bit)
        if child < 0:
            data.append(-1 - child)
    return bytes(data), decoder.finish()


def model_for(header: Header, model: Predictor | None, primer: bytes) -> Predictor:
    """Return the model that a file was coded with. Raises ValueError where this one isn't it, or none is there."""
    told = {name: header[name] for name in CONFIGURATION}
    if header["mode"] == ONLINE:
        model = build(told, header["seed"])
    elif header["bits"]:
        shapes = shapes_of(build(told))
        opened = open_weights(header["weights"], shapes, header["bits"])
        model = build(told)
        load(model, opened)
    elif model is None:
        raise ValueError("the file was made with a model that isn't in it: give it the model")
    elif describe(model) != told:
        raise ValueError(f"the file was made with a model of another kind: {told!r}, not {describe(model)!r}")
    found = fingerprint(model.parameters, primer)
    if found != header["fingerprint"]:
        raise ValueError(
            f"the file was made with other weights, or after another primer: fingerprint "
            f"{header['fingerprint'].hex()}, and here it is {found.hex()}"
        )
    return model


def decompress_with(blob: bytes, model: Predictor | None = None, primer: bytes = b"") -> bytes:
    """Return the data of a file that `compress_with` has made, with the model where it isn't in the file.

    Raises ValueError where `read_file` does, where the model or the primer are not those that it was coded with,
    and where the counts are others than the writer's: then nothing that was decoded is returned.
    """
    header, chunks = read_file(blob)
    return unpack(header, chunks, model_for(header, model, primer), primer)


def compress_online(
    data: bytes, width: int = 32, hidden: int = 128, *, streams: int = 1, mixed: bool = True, seed: int = 17
) -> bytes:
    """Return the data as a file in which a GRU of this size learns while it is coded."""
    model = LanguageModel(SYMBOLS, width, hidden, "gru", seed)
    header: Header = describe(model)
    header |= {"mode": ONLINE, "mixed": int(mixed), "bits": 0, "seed": seed}
    header |= {"streams": streams, "chunk": 1 << 16, "weights": b""}
    header["fingerprint"] = fingerprint(model.parameters)
    return pack(data, header, model)


def compress(data: bytes) -> bytes:
    """Return the data as a file in which a GRU learns while it is coded, together with lesson 7's model.

    Nothing is shipped but a seed. Data of less than `SMALLEST` bytes, from which no network learns enough, become
    a file of lesson 7. Raises ValueError where the data is 4 GiB or longer.

    >>> len(compress(b"abracadabra" * 20))
    35
    """
    if len(data) < SMALLEST:
        return lesson_7.compress(data)
    return compress_online(data)


def decompress(blob: bytes) -> bytes:
    """Return the data that `compress` was given. Raises ValueError as `decompress_with` and lesson 7 do.

    >>> decompress(compress(b"abracadabra"))
    b'abracadabra'
    """
    return decompress_with(blob) if blob[: len(MAGIC)] == MAGIC else lesson_7.decompress(blob)


def compress_with(
    data: bytes,
    model: Predictor,
    *,
    bits: int = 32,
    ship: bool = True,
    streams: int = 1,
    mixed: bool = False,
    primer: bytes = b"",
    chunk: int = 1 << 16,
) -> bytes:
    """Return a file of the data, coded with what a trained model says of it; the model stays as it is.

    With `ship`, its weights go into the file, in so many bits each, and the coder uses them as they come out of it
    again. Without, the reader must have the model; "bits" is 0 then. The fingerprint is that of the
    parameters that were coded with, and of the primer, which the reader must have, too. With `mixed`, lesson 7's
    model has read the primer and bets along, in one stream. The rest of the work is done by `pack`.
    Raises ValueError for more than one stream where it is mixed.

    >>> model = LanguageModel(width=2, hidden=3)
    >>> decompress_with(compress_with(b"abracadabra", model, bits=8))
    b'abracadabra'
    """
    if mixed and streams != 1:
        raise ValueError(f"lesson 7's model reads one stream, not {streams!r}: take streams=1")
    ### BEGIN SOLUTION
    header = describe(model) | {"bits": bits if ship else 0, "weights": b"", "streams": streams}
    if ship:
        header["weights"] = squeeze_weights(model.parameters, bits)
        model = build(header)
        load(model, open_weights(header["weights"], shapes_of(model), bits))
    header["fingerprint"] = fingerprint(model.parameters, primer)
    return pack(data, header | {"mode": STATIC, "mixed": int(mixed), "chunk": chunk}, model, primer)
    ### END SOLUTION


Rows: TypeAlias = list[list[int]]


def notices(write: Callable[[list[int], Rows], bytes], read: Callable[[bytes, Rows], list[int]]) -> bool:
    """Say whether a writer and a reader are safe where their counts differ: this law is yours to write.

    `write(symbols, rows)` returns bytes, where `rows[i]` are the counts for symbol i, each at least 1, of a total of
    16, and the symbols are 0, 1 or 2. `read(blob, rows)` returns the symbols, by counts that the reader has found
    for itself. A safe pair gives the symbols back where the rows are the same. Where some row of the reader's is
    another, it raises ValueError, or still gives the right symbols; never others, and no other exception. There are
    as many rows as symbols, 24 at most, and the difference may be as small as 1, in any row. Hand out copies.
    """
    ### BEGIN SOLUTION
    random = np.random.default_rng(17)
    for size in (0, 1, 3, 9, 24):
        for _ in range(2):
            symbols = random.integers(0, 3, size).tolist()
            rows = [(1 + random.multinomial(13, [0.5, 0.3, 0.2])).tolist() for _ in symbols]
            try:
                blob = write(list(symbols), [list(row) for row in rows])
                if read(blob, [list(row) for row in rows]) != symbols:
                    return False
            except Exception:
                return False
            for place in range(size):
                others = [list(row) for row in rows]
                largest = others[place].index(max(others[place]))
                others[place][largest] -= 1
                others[place][(largest + 1) % 3] += 1
                try:
                    if read(blob, others) != symbols:
                        return False
                except ValueError:
                    continue
                except Exception:
                    return False
    return True
    ### END SOLUTION

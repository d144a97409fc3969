"""The public laws of lesson 17."""

from __future__ import annotations

import hashlib
import math
import zlib

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from autograder.laws import contract, expect, law

TOTAL = 1 << 16
SEEDS = st.integers(0, 999)
GRU = {"kind": 1, "dtype": 32, "width": 2, "hidden": 3, "layers": 0, "heads": 0, "context": 0}
TRANSFORMER = {"kind": 2, "dtype": 64, "width": 4, "hidden": 0, "layers": 1, "heads": 2, "context": 5}
SIZES = {
    "version": 1, "mode": 1, "mixed": 1, "kind": 1, "dtype": 1, "bits": 1, "width": 2, "hidden": 2, "layers": 2,
    "heads": 2, "context": 2, "seed": 4, "streams": 2, "length": 4, "chunk": 4,
}  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from([b"", b"\x00", b"a" * 13, b"abracadabra", bytes(range(0, 256, 19)), b"\xff\x00" * 6]),
    st.text("abc ", max_size=14).map(str.encode),
    st.binary(max_size=12),
)


def whole_counts(scores, total=TOTAL):
    """Return the counts of scores: the chances by the softmax, rounded down, and what is left to the largest."""
    chances = np.exp(scores - scores.max(axis=-1, keepdims=True))
    chances *= (total - scores.shape[-1]) / chances.sum(axis=-1, keepdims=True)
    counts = 1 + np.floor(chances).astype(np.int64)
    for row in counts.reshape(-1, counts.shape[-1]):
        row[row.argmax()] += total - row.sum()
    return counts


def model_of(module, told, seed, scale=3.0):
    """Return a small model with opinions: its weights are larger than those of a new one."""
    model = module.build(told, seed)
    module.load(model, {name: scale * array for name, array in model.parameters.items()})
    return model


def said(model, rows, batch):
    """Return the counts that a model gives at each step, when it reads a new line and then some rows of symbols."""
    state, counts = model.start(batch), []
    for row in [[10] * batch, *rows]:
        scores, state = model.step(state, np.array(row))
        counts.append(whole_counts(np.asarray(scores, np.float64)))
    return counts


def steps_of(woven, batch):
    """Cut woven text in steps; the last is filled up with zeros."""
    rows = [list(woven[i : i + batch]) for i in range(0, len(woven), batch)]
    return [row + [0] * (batch - len(row)) for row in rows]


def price(woven, counts, batch):
    """Return what the symbols cost in bits."""
    return sum(math.log2(TOTAL / counts[i // batch][i % batch, symbol]) for i, symbol in enumerate(woven))


def hash_of(parameters, primer=b""):
    """Return the fingerprint, by its definition."""
    text = b""
    for name in sorted(parameters):
        array = parameters[name]
        text += f"{name} {array.dtype.name} {array.shape}\n".encode() + array.tobytes()
    return hashlib.sha256(text + primer).digest()[:8]


def crc(data):
    return zlib.crc32(data).to_bytes(4, "big")


def file_of(header, chunks):
    """Write a file by the chapter's table."""
    head = b"SPNC" + b"".join(header[name].to_bytes(size, "big") for name, size in SIZES.items())
    head += header["fingerprint"] + len(header["tree"]).to_bytes(2, "big") + header["tree"]
    head += len(header["weights"]).to_bytes(4, "big") + header["weights"]
    body = [len(code).to_bytes(4, "big") + crc(told + code) + told + code for code, told in chunks]
    return head + crc(head) + b"".join(body)


HEADER = dict.fromkeys(SIZES, 0) | GRU | {
    "version": 1, "bits": 8, "seed": 7, "streams": 3, "length": 14, "chunk": 6,
    "fingerprint": b"12345678", "tree": b"", "weights": b"weights",
}  # fmt: skip
CHUNKS = [(b"first code", b"abcd"), (b"", b"efgh"), (b"the third", b"\x00\x01\x02\x03")]


@law(
    exercise="integer_counts",
    points=2,
    hint="On paper: the softmax of ln 2, 0, 0 is 1/2, 1/4, 1/4. 13 of 16 are to be shared, for each symbol has 1 "
    "before: 1 + 6, 1 + 3, 1 + 3. One is left over, and goes to the first of the largest.",
)
def test_pencil_example_of_counts(neural_compression):
    """The pencil example: scores of ln 2, 0, 0 share 16 as 8, 4, 4; equal ones as 6, 5, 5."""
    for scores, total, wanted in (
        ([math.log(2), 0.0, 0.0], 16, [8, 4, 4]),
        ([1.0, 1.0, 1.0], 16, [6, 5, 5]),
        ([[0.0, 0.0, 9e3], [-1e4, 1e4, 0.0]], 16, [[1, 1, 14], [1, 14, 1]]),
        ([0.0], 4, [4]),
        ([0.0, 5.0, 0.0], 3, [1, 1, 1]),
    ):
        got = neural_compression.integer_counts(np.array(scores), total)
        expect.equal(got, np.array(wanted), f"the counts of the scores {scores}, of {total}")
    narrow = np.array([0.5, -0.25, 1.125], np.float32)
    wanted = whole_counts(narrow.astype(np.float64), 1 << 30)  # so many that float32 can't tell them apart
    expect.equal(
        neural_compression.integer_counts(narrow, 1 << 30), wanted, "counts of float32 scores, in float64"
    )
    for odd in (math.nan, math.inf, -math.inf):
        expect.raises("ValueError", neural_compression.integer_counts, np.array([0.0, odd]), what=f"{odd}")


@law(
    exercise="integer_counts",
    points=2,
    examples=4,
    hint="Take the largest score away before exp, turn the scores into float64 before anything else, and give the "
    "largest count what is missing to the total. Rounding to the nearest may give out more than there is: round "
    "down.",
)
@given(seed=SEEDS, scale=st.sampled_from([0.1, 1.0, 6.0, 1e4]))
@example(seed=0, scale=1.0)
@example(seed=1, scale=1e4)
def test_counts_share_the_total(neural_compression, seed, scale):
    """Counts are whole, at least 1, add up exactly, and cost at most 0.0057 bits more than the chances."""
    scores = (scale * np.random.default_rng(seed).normal(size=(3, 256))).clip(-1e4, 1e4).astype(np.float32)
    got = neural_compression.integer_counts(scores)
    expect.equal(got.dtype.name, "int64", "the dtype of the counts")
    expect.equal(got.shape, (3, 256), "the shape of the counts")
    expect.equal(got.sum(axis=1), np.full(3, TOTAL), "the sums of the counts")
    expect.true(got.min() >= 1, "each symbol has at least 1", got=int(got.min()))
    wide = scores.astype(np.float64)
    wide -= wide.max(axis=1, keepdims=True)
    chances = np.exp(wide) / np.exp(wide).sum(axis=1, keepdims=True)
    dearer = np.log2(chances, where=chances > 1e-300, out=np.full(chances.shape, -1e9)) - np.log2(got / TOTAL)
    most = math.log2(TOTAL / (TOTAL - 256))
    expect.true(dearer.max() <= most + 1e-9, "what a symbol costs more than -log2 p", got=float(dearer.max()))
    expect.equal(got, whole_counts(wide), "the counts")


@law(
    exercise="fingerprint",
    points=2,
    hint='One SHA-256 over all: for each name in sorted order a line f"{name} {dtype} {shape}\\n", then the numbers\' '
    "bytes; last the primer. The first 8 bytes of the digest are wanted.",
)
def test_fingerprint(neural_compression):
    """The fingerprint is the stated SHA-256, and any other number, name, shape, dtype or primer gives another."""
    arrays = {"b": np.arange(6.0).reshape(2, 3), "a": np.array([1.5, -2.0], np.float32)}
    found = []
    for parameters, primer in (
        (arrays, b""),
        (arrays, b"once"),
        (arrays | {"b": arrays["b"].reshape(3, 2)}, b""),
        (arrays | {"b": arrays["b"].astype(np.float32)}, b""),
        (arrays | {"a": np.array([1.5, np.nextafter(np.float32(-2), 0)], np.float32)}, b""),
        ({"b": arrays["b"], "c": arrays["a"]}, b""),
        ({}, b""),
    ):
        got = neural_compression.fingerprint(parameters, primer)
        expect.equal(got, hash_of(parameters, primer), f"the fingerprint of {sorted(parameters)}")
        found.append(got)
    expect.equal(len(set(found)), 7, "how many of seven fingerprints differ")
    turned = dict(reversed(arrays.items()))
    expect.equal(
        neural_compression.fingerprint(turned), found[0], "the fingerprint with the names in another order"
    )


@law(
    exercise="Oracle",
    points=2,
    examples=2,
    hint="step hands the ids and the state to model.step, and keeps BOTH of what comes back: the scores, and the state "
    "for the next call. counts gives the whole counts of the scores it has.",
)
@given(seed=SEEDS, batch=st.integers(1, 3))
@example(seed=0, batch=2)
def test_oracle_says_what_the_model_says(neural_compression, seed, batch):
    """After a new line and after every symbol, the counts are those of the model's step; asking changes nothing."""
    model = model_of(neural_compression, GRU, seed)
    rows = np.random.default_rng(seed).integers(0, 256, (3, batch)).tolist()
    wanted = said(model, rows, batch)
    oracle = neural_compression.Oracle(model, batch)
    for i, row in enumerate([*rows, None]):
        for turn in ("", ", asked again"):
            expect.equal(oracle.counts(), wanted[i], f"the counts after {i} symbols of {batch} streams{turn}")
        if row:
            oracle.take(row)


@law(
    exercise="Oracle",
    points=1,
    hint="The hash runs over all counts that counts() has given, each as 2 bytes with the lowest first: "
    'counts.astype("<u2").tobytes(). Put them into self.seen, once each time.',
)
def test_oracle_hashes_its_counts(neural_compression):
    """The rolling hash is that of all counts that were asked for, and of nothing else."""
    model = model_of(neural_compression, GRU, 3)
    oracle, text = neural_compression.Oracle(model, 2), b""
    for row in ([97, 98], [0, 255], [98, 97]):
        text += oracle.counts().astype("<u2").tobytes()
        expect.equal(oracle.digest(), hashlib.sha256(text).digest()[:4], "the rolling hash")
        oracle.take(row)
    expect.equal(oracle.digest(), hashlib.sha256(text).digest()[:4], "the hash, after reading more")


@law(
    exercise="Oracle",
    points=2,
    examples=2,
    hint="Count what the model has read: with as many symbols as its context holds, start it anew, let it read the "
    "last of them, one fewer than half a context, and then the new one. Remember these, for the next time.",
)
@given(seed=SEEDS, context=st.integers(1, 6))
@example(seed=0, context=5)
@example(seed=0, context=4)
def test_full_context_begins_again(neural_compression, seed, context):
    """A Transformer whose context is full begins again with the last half of it, as often as it takes."""
    model = model_of(neural_compression, TRANSFORMER | {"context": context}, seed, 20.0)
    oracle, state, read = neural_compression.Oracle(model, 1), model.start(1), []
    past = [10, *np.random.default_rng(seed).integers(0, 256, 8).tolist()]
    for i, symbol in enumerate(past):
        if read:
            oracle.take([symbol])
        read.append(symbol)
        waiting = [symbol]
        if len(read) > context:
            read = waiting = past[: i + 1][-max(1, context // 2) :]
            state = model.start(1)
        for old in waiting:
            scores, state = model.step(state, np.array([old]))
        if len(waiting) > 1 or i % 2:
            what = f"the counts after {past[: i + 1]}, with a context of {context}"
            expect.equal(oracle.counts(), whole_counts(np.asarray(scores)), what)


@law(
    exercise="encode_streams",
    points=2,
    examples=4,
    hint="Ask the oracle once a step, tell the coder each stream's symbol with the counts of ITS row, and then let the "
    "oracle take them all in. A part begins where those of all smaller symbols end.",
)
@given(data=TEXTS, streams=st.integers(1, 5))
@example(data=b"abracadabra", streams=3)
@example(data=b"ab", streams=4)
@example(data=b"", streams=2)
def test_code_is_as_long_as_the_counts_say(neural_compression, data, streams):
    """The code has Σ −log2 of the shares that the oracle gives, to within lesson 6's promise."""
    model = model_of(neural_compression, GRU, 5)
    code = neural_compression.encode_streams(data, neural_compression.Oracle(model, streams))
    expect.kind(code, bytes, "the code")
    ideal = price(data, said(model, steps_of(data, streams), streams), streams)
    most = ideal + len(data) / 2**15 + 9
    what = f"the code of {len(data)} symbols in {streams} streams has {8 * len(code)} bits, where {ideal:.2f} are ideal"
    expect.true(ideal - 1e-6 <= 8 * len(code) < most, what, got=code)


@law(
    exercise="decode_streams",
    points=2,
    examples=4,
    hint="Ask once a step, as the encoder does. For each stream: the decoder's target tells a place among the counts; "
    "the symbol is the first one that ends BEYOND it. Then take its part, and go on. The last step may be short.",
)
@given(data=TEXTS, streams=st.integers(1, 5))
@example(data=b"abracadabra", streams=3)
@example(data=b"ab", streams=4)
@example(data=b"", streams=2)
def test_streams_come_back_elsewhere(neural_compression, elsewhere, data, streams):
    """Another process gives the symbols back, has the same rolling hash, and stops where the code ends."""
    one, two = (model_of(module, GRU, 5) for module in (neural_compression, elsewhere))
    writer = neural_compression.Oracle(one, streams)
    code = neural_compression.encode_streams(data, writer)
    expect.kind(code, bytes, "the code")
    reader = elsewhere.Oracle(two, streams)
    got = elsewhere.decode_streams(code + b"tail", len(data), reader)
    expect.equal(got, (data, len(code)), "what came back, and how much of the code was used")
    expect.equal(reader.digest(), writer.digest(), "the rolling hash of the reader, beside the writer's")
    if len(code) > 2:
        fresh = elsewhere.Oracle(two, streams)
        expect.raises(
            "ValueError", elsewhere.decode_streams, code[:-2], len(data), fresh, what="a code cut short"
        )


@law(
    exercise="read_file",
    points=2,
    hint="Read field by field, in the table's order, with reader.number(size); then the fingerprint, the tree and the "
    "weights. The number of chunks is the length divided by the chunk size, rounded up.",
)
def test_files_are_read_by_the_table(neural_compression):
    """A file that was written by hand after the chapter's table is read, and so is what `write_file` writes."""
    none = HEADER | {"length": 0, "bits": 0, "weights": b""}
    mixed = none | {"length": 6, "mode": 1, "mixed": 1, "tree": b"a tree", "streams": 1}
    for header, chunks in ((HEADER, CHUNKS), (none, []), (mixed, CHUNKS[:1])):
        blob = file_of(header, chunks)
        expect.equal(neural_compression.write_file(header, chunks), blob, "what write_file writes")
        got, parts = neural_compression.read_file(blob)
        expect.equal(got, header, "the header that was read")
        expect.equal(list(parts), chunks, "the chunks that were read")


@law(
    exercise="read_file",
    points=2,
    hint="Compare magic and version first; then the header's checksum, before anything in it is believed; each chunk's "
    "checksum; and at the end the place with the file's length. Say what is wrong, and of a chunk its number.",
)
def test_damaged_files_are_refused(neural_compression):
    """Cut short, too long, another version or magic, a turned bit: each is refused, and the message says which."""
    read, blob = neural_compression.read_file, file_of(HEADER, CHUNKS)
    expect.equal(read(blob)[0], HEADER, "the header of the whole file")
    contract.refuses_damage(read, blob, steps=8)
    for place in range(3, 8 * len(blob), 61):
        turned = bytearray(blob)
        turned[place // 8] ^= 1 << place % 8
        expect.raises("ValueError", read, bytes(turned), what=f"bit {place} turned")
    end = 4 + sum(SIZES.values()) + 8 + 2 + 4 + len(HEADER["weights"])
    other = b"GIF8" + blob[4:end]
    expect.raises("ValueError", read, other + crc(other) + blob[end + 4 :], what="another magic")
    newer = file_of(HEADER | {"version": 9}, CHUNKS)
    expect.raises("ValueError", read, newer, what="version 9", naming="9")
    worse = bytearray(blob)
    worse[-1] ^= 1
    expect.raises("ValueError", read, bytes(worse), what="a turned bit in chunk 2", naming="chunk 2")
    for odd in ({"kind": 7}, {"streams": 0}, {"hidden": 40000}, {"chunk": 0}, {"chunk": 5}, {"bits": 5}):
        expect.raises("ValueError", read, file_of(HEADER | odd, CHUNKS), what=f"a header with {odd}")


def shrink(parameters, bits):
    """Return the blob of some parameters and what comes out of it, column by column."""
    blob, opened = b"", {}
    for name in sorted(parameters):
        array = parameters[name].astype(np.float32)
        opened[name] = array.copy()
        if bits == 32 or array.ndim == 1:
            blob += array.tobytes()
            continue
        most, halves = np.float32(127 if bits == 8 else 7), []
        scales = [max(abs(column)) / most if column.any() else np.float32(1) for column in array.T]
        blob += np.array(scales, np.float32).tobytes()
        for row in range(len(array)):
            for column, scale in enumerate(scales):
                whole = round(float(array[row, column] / scale))
                opened[name][row, column] = np.float32(whole) * scale
                halves.append(whole)
        if bits == 8:
            blob += bytes(whole % 256 for whole in halves)
        else:
            halves = [whole + 8 for whole in halves] + [0] * (len(halves) % 2)
            blob += bytes(16 * a + b for a, b in zip(halves[::2], halves[1::2], strict=True))
    return blob, opened


def some_weights(seed):
    """Draw parameters: an odd table, a column of zeros, one number, and a vector."""
    random = np.random.default_rng(seed)
    table = random.normal(size=(3, 3)) * [1, 100, 0]
    return {"head.weight": table, "cell.bias": random.normal(size=3), "a": random.normal(size=(1, 1))}


@law(
    exercise="squeeze_weights",
    points=2,
    examples=4,
    hint="A scale for each COLUMN: the largest size in it over 127 or 7; where the column is all zeros, 1. Vectors "
    "stay float32. The order is that of the sorted names: scales first, then the numbers row by row.",
)
@given(seed=SEEDS)
@example(seed=0)
def test_squeezed_weights(neural_compression, seed):
    """The blob is the stated one for 32, 8 and 4 bits; 7 and -2.2 in 4 bits are a scale of 1, and 7 and -2."""
    pencil = neural_compression.squeeze_weights({"w": np.array([[7.0], [-2.2]])}, 4)
    expect.equal(pencil, b"\x00\x00\x80\x3f\xf6", "7 and -2.2 in 4 bits")
    weights = some_weights(seed)
    for bits in (32, 8, 4):
        got = neural_compression.squeeze_weights(weights, bits)
        expect.equal(got, shrink(weights, bits)[0], f"the weights in {bits} bits")
    expect.raises("ValueError", neural_compression.squeeze_weights, weights, 5, what="5 bits")


@law(
    exercise="open_weights",
    points=2,
    examples=4,
    hint="Go through the names in the same order, and take as many bytes as squeeze_weights has written for each: 4 "
    "bytes for each scale, then 1 byte a number, or half of one, rounded up. At the end nothing may be left over.",
)
@given(seed=SEEDS)
@example(seed=0)
def test_weights_are_opened(neural_compression, elsewhere, seed):
    """What is opened is what was squeezed, within half a scale; too short and too long blobs are refused."""
    weights = some_weights(seed)
    shapes = {name: array.shape for name, array in weights.items()}
    for bits in (32, 8, 4):
        blob, opened = shrink(weights, bits)
        got = elsewhere.open_weights(blob, shapes, bits)
        expect.equal(sorted(got), sorted(opened), "the names")
        for name, array in opened.items():
            expect.equal(got[name], array, f"{name} out of {bits} bits")
        for wrong, what in ((blob[:-1], "a byte too few"), (blob + b"\x00", "a byte too many")):
            expect.raises("ValueError", elsewhere.open_weights, wrong, shapes, bits, what=what)


@law(
    exercise="compress_with",
    points=3,
    examples=3,
    hint="Squeeze the weights, build a second model, and load into it what open_weights makes of the blob: code with "
    "THAT one, and take its fingerprint. The reader never sees the exact weights.",
)
@given(data=TEXTS, bits=st.sampled_from([32, 8, 4]))
@example(data=b"abracadabra", bits=4)
@example(data=b"", bits=8)
def test_shipped_model(neural_compression, elsewhere, data, bits):
    """The file holds the squeezed weights, the fingerprint of what they open to, and the data, for anybody."""
    model = model_of(neural_compression, GRU, 7)
    before = model.parameters
    blob = neural_compression.compress_with(data, model, bits=bits, streams=2)
    expect.kind(blob, bytes, "the file")
    expect.equal(elsewhere.decompress_with(blob), data, "the data, from the file alone")
    weights, opened = shrink(before, bits)
    place = 4 + sum(SIZES.values())
    expect.equal(blob[place : place + 8], hash_of(opened), "the fingerprint in the file")
    expect.equal(blob[place + 14 : place + 14 + len(weights)], weights, "the weights in the file")
    after = model.parameters
    expect.equal([after[name] for name in before], list(before.values()), "the caller's model, afterwards")


@law(
    exercise="compress_with",
    points=2,
    hint="Without ship the weights field is empty, bits is 0, and the model is used as it is. The fingerprint says "
    "whose model it was, to the last bit: take it of the parameters that the coder used, and of the primer.",
)
def test_model_that_is_not_shipped(neural_compression, elsewhere):
    """Without its model a file is short; the same model opens it; another weight, dtype, kind or primer doesn't."""
    data = b"she sells sea shells"
    model = model_of(neural_compression, GRU, 7)
    same, other = (model_of(elsewhere, GRU, seed) for seed in (7, 8))
    blob = neural_compression.compress_with(data, model, ship=False, streams=2)
    expect.true(len(blob) < 100, "a file without weights is short", got=len(blob))
    expect.equal(elsewhere.decompress_with(blob, same), data, "the data, with the same model")
    expect.raises("ValueError", elsewhere.decompress_with, blob, what="no model")
    expect.raises("ValueError", elsewhere.decompress_with, blob, other, what="a model of other weights")
    expect.raises(
        "ValueError", elsewhere.decompress_with, blob, same, b"x", what="a primer that was not there"
    )
    wide = elsewhere.build(GRU | {"dtype": 64}, 7)
    elsewhere.load(wide, same.parameters)
    expect.raises("ValueError", elsewhere.decompress_with, blob, wide, what="the same numbers in float64")
    taught = neural_compression.compress_with(data, model, ship=False, mixed=True, primer=b"sea shells. ")
    expect.equal(elsewhere.decompress_with(taught, same, b"sea shells. "), data, "the data, after a primer")
    expect.raises(
        "ValueError", elsewhere.decompress_with, taught, same, b"sea shelfs. ", what="another primer"
    )


@law(
    exercise="Learner",
    points=2,
    examples=2,
    hint="Before the model reads on: where `inputs` has a whole window, the targets are the inputs from the second on, "
    "and the symbols that have just come. Empty inputs and starts then; step fills them again.",
)
@given(seed=SEEDS, batch=st.integers(1, 2))
@example(seed=0, batch=2)
def test_windows_of_a_learner(neural_compression, seed, batch):
    """A window holds what was read, what came after each, and the states its rows started in; then it is learnt."""
    random = np.random.default_rng(seed)
    text = random.integers(0, 256, (13, batch))
    read = np.concatenate([np.full((1, batch), 10), text])
    model = model_of(neural_compression, GRU, seed)
    states, state = [], model.start(batch)
    for row in read[:7]:
        states.append(state)
        _, state = model.step(state, row)
    learner = neural_compression.Learner(model, batch, time=3, rows=2)
    for row in text[:6]:
        expect.equal(len(learner.windows), 0, "how many windows were learnt too early")
        learner.take(row.tolist())
    expect.equal(learner.optimizer.steps, 1, "the steps of AdamW after 6 symbols")
    (window,) = learner.windows
    expect.kind(window, tuple, "a window")
    starts, inputs, targets = window
    pick = [(row, stream) for row in (0, 3) for stream in range(batch)]
    expect.equal(inputs, np.array([read[row : row + 3, stream] for row, stream in pick]), "the inputs")
    expect.equal(targets, np.array([read[row + 1 : row + 4, stream] for row, stream in pick]), "the targets")
    expect.equal(starts, np.array([states[row][stream] for row, stream in pick]), "the states at the start")
    for row in text[6:]:
        learner.take(row.tolist())
    expect.equal(len(learner.windows), 2, "how many windows were learnt after 13 symbols")
    expect.equal(learner.windows[1][1][::batch], np.array([read[6:9, 0], read[9:12, 0]]), "the second inputs")


@law(
    exercise="Learner",
    points=2,
    hint="Learn before the model reads the symbols that completed the window, and draw replays from self.random: both "
    "sides do the same then, to the last bit. The model learns what was coded, and nothing that is still to come.",
)
def test_both_sides_learn_in_step(neural_compression, elsewhere):
    """The decoder, in another process, learns as the encoder does; and a text that repeats gets cheaper."""
    data, said_bits = b"abcabcabdabc" * 9, []
    for module in (neural_compression, elsewhere):
        model = model_of(module, GRU, 2, 1.0)
        learner = module.Learner(model, 2, time=4, rows=2, replays=2, rate=0.1, steps=60, seed=4)
        if module is neural_compression:
            code = module.encode_streams(data, learner)
            expect.kind(code, bytes, "the code")
        else:
            expect.equal(module.decode_streams(code, len(data), learner), (data, len(code)), "what came back")
        expect.equal(learner.optimizer.steps, 18, "how many steps were taken")
        said_bits.append(learner.digest())
    expect.equal(said_bits[1], said_bits[0], "the rolling hash of the reader, beside the writer's")
    expect.true(len(code) < 0.75 * len(data), f"{len(code)} bytes of code for {len(data)} that repeat")


def leaves(children, node):
    """Return the symbols below a node, in order."""
    if node < 0:
        return [-1 - node]
    return leaves(children, children[2 * node]) + leaves(children, children[2 * node + 1])


def favour(module, model, code):
    """Have a model expect the symbols of a code, the first ones more than the others."""
    parameters = model.parameters
    parameters["head.bias"][sorted(code)] += np.arange(7, 7 - len(code), -1, dtype=np.float32)
    module.load(model, parameters)


CODES = st.sampled_from(
    [{97: "0", 98: "1"}, {97: "0", 98: "10", 99: "110", 120: "111"}, {0: "00", 7: "01", 254: "10", 255: "11"}]
)


@law(
    exercise="Together",
    points=2,
    examples=3,
    hint="Only the symbols of the alphabet count. For each node: the counts below its 1 side, times ONE, over the "
    "counts below both sides, rounded down. `spans` says where among the alphabet these are.",
)
@given(code=CODES, seed=SEEDS)
@example(code={97: "0", 98: "10", 99: "110", 120: "111"}, seed=0)
@example(code={0: "00", 7: "01", 254: "10", 255: "11"}, seed=1)
def test_counts_become_decisions(neural_compression, code, seed):
    """The network's chance at a node is the share of the symbols that a 1 leads to, of all that are below it."""
    model = model_of(neural_compression, GRU, seed)
    favour(neural_compression, model, code)
    both = neural_compression.Together(neural_compression.Oracle(model), code, 20)
    (first,), (second,) = said(model, [[min(code)]], 1)
    children = list(both.children)
    for counts, what in ((first, "at first"), (second, "after one symbol")):
        for node in range(len(children) // 2):
            below = [
                sum(int(counts[symbol]) for symbol in leaves(children, children[2 * node + bit]))
                for bit in (0, 1)
            ]
            wanted = (below[1] << 20) // sum(below)
            expect.equal(both.ours[node], wanted, f"the network's chance of a 1 at node {node}, {what}")
        expect.equal(both.sure, max(int(counts[symbol]) for symbol in code) >> 11, f"`sure`, {what}")
        for bit in code[min(code)]:
            both.predict()
            both.update(int(bit))


@law(
    exercise="Together",
    points=2,
    examples=3,
    hint="update: the mixer learns the bit, lesson 7's speaker is sent it and says its next chance, and the node moves "
    "on. Where it is a symbol, the oracle takes that in, the node is 0 again, and the network must be asked anew: "
    "look.",
)
@given(data=st.text("abcx", max_size=14).map(str.encode))
@example(data=b"abcabcabxabc")
@example(data=b"a")
def test_mixed_codes_come_back_elsewhere(neural_compression, elsewhere, data):
    """A mixed code comes back in another process, with the same rolling hash on both sides."""
    code, sides = {97: "0", 98: "10", 99: "110", 120: "111"}, []
    for module in (neural_compression, elsewhere):
        oracle = module.Oracle(model_of(module, GRU, 1))
        sides.append((oracle, module.Together(oracle, code, len(data))))
    blob = neural_compression.encode_together(data, sides[0][1])
    expect.kind(blob, bytes, "the code")
    got = elsewhere.decode_together(blob + b"tail", len(data), sides[1][1])
    expect.equal(got, (data, len(blob)), "what came back, and how much of the code was used")
    expect.equal(
        sides[1][0].digest(), sides[0][0].digest(), "the rolling hash of the reader, beside the writer's"
    )


@law(
    exercise="Together",
    points=1,
    hint="Both chances go through stretch, the network's first; lesson 7's is in 65,536ths, so << 4 makes it one in "
    "units of ONE. The mixer's chance >> 4 is what the coder is told, but never less than LEAST or more than "
    "MOST. Its second row is 32 * sure + (theirs >> 11).",
)
def test_first_chance_by_hand(neural_compression):
    """The first chance is the mixture of both with the weights that the mixer starts with; then it learns."""
    model = model_of(neural_compression, GRU, 4)
    code = {97: "0", 98: "10", 99: "11"}
    favour(neural_compression, model, code)
    both = neural_compression.Together(neural_compression.Oracle(model), code, 20)

    def stretched(chance):
        return round(256 * math.log(((chance >> 8) + 0.5) / (4095.5 - (chance >> 8)))) / 256

    total = 0.1 * stretched(both.ours[0]) + 0.9 * stretched(both.theirs << 4)
    got = both.predict()
    expect.kind(got, int, "the chance")
    expect.close(got, 65536 / (1 + math.exp(-total)), rtol=0.01, what="the first chance of a 1")
    row = 32 * both.sure + (both.theirs >> 11)
    both.update(1)
    learnt = [i for i, weights in enumerate(both.mixer.sets[1]) if list(weights) != [0.05, 0.45]]
    expect.equal(learnt, [row], "the rows of the second set that have learnt the first bit")
    both.predict()
    both.update(1)
    for _ in range(60):
        both.predict()
        both.update(1)
        both.predict()
        both.update(1)
    expect.true(both.predict() > 60000, "the chance of a 1, after 120 ones", got=both.predict())
    expect.true(both.predict() <= 65520, "a chance is never above MOST", got=both.predict())


def code_plainly(symbols, rows):
    """Return each symbol's number as an exact place in the whole, so that other counts give other symbols."""
    low, width, whole = 0, 1, 1
    for symbol, row in zip(symbols, rows, strict=True):
        low = low * 16 + sum(row[:symbol]) * width
        width, whole = width * row[symbol], whole * 16
    return low


def read_plainly(low, rows):
    """Return the symbols; where the counts are others, others may come out, but something always does."""
    symbols, digits, width, rest = [], len(rows), 1, low
    for i, row in enumerate(rows):
        unit = width * 16 ** (digits - i - 1)
        target = min(15, rest // unit)
        symbol = 0 if target < row[0] else 1 if target < row[0] + row[1] else 2
        rest = max(0, rest - sum(row[:symbol]) * unit)
        width *= row[symbol]
        symbols.append(symbol)
    return symbols


def pair(of_writer, of_reader=None, problem=ValueError, at_odds=None):
    """Return a writer and a reader who compare something; the reader complains in its own way."""
    of_reader = of_reader or of_writer

    def write(symbols, rows):
        told = of_writer(symbols, rows)
        return code_plainly(symbols, rows).to_bytes(16, "big") + told

    def read(blob, rows):
        symbols = read_plainly(int.from_bytes(blob[:16], "big"), rows)
        if of_reader(symbols, rows) != blob[16:]:
            if problem:
                raise problem("the counts are others")
            return at_odds(symbols) if at_odds else symbols
        return symbols

    return write, read


def all_of(_, rows):
    return crc(repr(rows).encode())


def parts_of(symbols, rows):
    parts = [(sum(row[:symbol]), row[symbol]) for symbol, row in zip(symbols, rows, strict=True)]
    return crc(repr(parts).encode())


CANDIDATES = {
    "a hash of all counts": (True, pair(all_of)),
    "a hash of the parts that were coded": (True, pair(parts_of)),
    "a hash of the symbols": (True, pair(lambda s, _: crc(bytes(s)))),
    "no check": (False, pair(lambda *_: b"")),
    "a hash of the first row": (False, pair(lambda _, rows: crc(repr(rows[:1]).encode()))),
    "a hash of the last row": (False, pair(lambda _, rows: crc(repr(rows[-1:]).encode()))),
    "a hash of every second row": (False, pair(lambda _, rows: crc(repr(rows[::2]).encode()))),
    "the sums of the rows": (False, pair(lambda _, rows: bytes(sum(row) for row in rows))),
    "the number of rows": (False, pair(lambda _, rows: bytes([len(rows)]))),
    "the sum of the symbols": (False, pair(lambda s, _: bytes([sum(s)]))),
    "half of the counts": (False, pair(lambda _, rows: crc(bytes(c // 2 for row in rows for c in row)))),
    "one that notices, and goes on": (False, pair(all_of, problem=None)),
    "one that notices, and returns what it has": (False, pair(all_of, problem=None, at_odds=lambda s: s[:-1])),
    "one that raises KeyError": (False, pair(all_of, problem=KeyError)),
    "one that always refuses": (False, pair(lambda *_: b"a", lambda *_: b"b")),
    "one that loses a symbol": (False, (pair(all_of)[0], lambda b, rows: pair(all_of)[1](b, rows)[:-1])),
}  # fmt: skip


@law(
    exercise="notices",
    points=2,
    examples=1,
    hint="First the same rows on both sides: the symbols must come back. Then change one row by as little as you can, "
    "each row in turn, for texts of several lengths: either ValueError, or the right symbols.",
)
@given(order=st.permutations(list(CANDIDATES)))
def test_your_law_tells_who_notices(neural_compression, order):
    """Your law accepts three pairs that are safe, and refuses those that give wrong symbols in silence."""
    for name in order:
        safe, (write, read) = CANDIDATES[name]
        expect.equal(neural_compression.notices(write, read), safe, f"your law on {name}")

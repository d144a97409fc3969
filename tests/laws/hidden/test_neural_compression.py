"""The hidden laws of lesson 17: other sizes, the reference beside it, and planted mistakes."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from autograder.laws import contract, expect, law

SEEDS = st.integers(0, 999)
GRU = {"kind": 1, "dtype": 64, "width": 2, "hidden": 3, "layers": 0, "heads": 0, "context": 0}
TRANSFORMER = {"kind": 2, "dtype": 64, "width": 4, "hidden": 0, "layers": 1, "heads": 2, "context": 4}


def model_of(module, told, seed, scale=2.0):
    model = module.build(told, seed)
    module.load(model, {name: scale * array for name, array in model.parameters.items()})
    return model


@law(
    exercise="integer_counts",
    points=1,
    hint="Any number of axes, the last one is the symbols'. float32 scores become float64 first. Read-only arrays must "
    "stay as they are.",
)
def test_counts_of_other_arrays(neural_compression, reference):
    """Counts of one row, of a table of tables, of none, and of float32 are those of the reference."""
    random = np.random.default_rng(3)
    for shape in ((256,), (2, 2, 5), (0, 7), (1, 1)):
        scores = random.normal(0, 3, shape).astype(np.float32)
        for array in (scores, scores.astype(np.float64)):
            got = neural_compression.integer_counts(array)
            expect.equal(got, reference.integer_counts(array), f"the counts of scores of shape {shape}")
        total = max(1000, shape[-1])
        got = neural_compression.integer_counts(scores, total)
        expect.equal(got, reference.integer_counts(scores, total), f"counts of a total of {total}")


@law(
    exercise="encode_streams",
    points=1,
    hint="The symbols of a step go to the coder in the order of the streams. In a short last step only the first few "
    "streams have one; the oracle takes in zeros for the others, and is asked no more after that.",
)
def test_code_of_the_reference(neural_compression, reference):
    """Codes and rolling hashes are those of the reference, for a GRU and a Transformer, whatever the streams."""
    for told in (GRU, TRANSFORMER):
        for data, streams in ((b"she sells sea shells", 3), (b"\x00\xff" * 9, 4), (b"abc", 5)):
            found = []
            for module in (neural_compression, reference):
                oracle = module.Oracle(model_of(module, told, 1), streams)
                found.append((module.encode_streams(data, oracle), oracle.digest()))
            expect.equal(found[0], found[1], f"code and hash of {data!r} in {streams} streams")


@law(
    exercise="decode_streams",
    points=1,
    hint="Every symbol goes through decoder.take, also one of count 1, and at the end decoder.finish says what was "
    "used. A code that ends too early raises ValueError by itself.",
)
def test_codes_of_the_reference_are_read(neural_compression, reference):
    """What the reference wrote is read, with bytes behind it; a short code is refused."""
    data = b"she sells \x00\xff shells"
    for told, streams in ((GRU, 1), (TRANSFORMER, 4)):
        code = reference.encode_streams(data, reference.Oracle(model_of(reference, told, 2), streams))
        model = model_of(neural_compression, told, 2)
        got = neural_compression.decode_streams(
            code + b"\xff" * 9, len(data), neural_compression.Oracle(model, streams)
        )
        expect.equal(got, (data, len(code)), f"what was read in {streams} streams, and how much")
        expect.raises(
            "ValueError",
            neural_compression.decode_streams,
            code[:9],
            len(data),
            neural_compression.Oracle(model, streams),
            what="9 bytes of a code",
        )


@law(
    exercise="read_file",
    points=2,
    hint="check_header stands between the header's checksum and the first chunk. A header that lies about its length "
    "runs into the end of the file, where reader.take complains.",
)
def test_headers_that_lie(neural_compression, reference):
    """Headers with right checksums and wrong claims are refused, at once and without much memory."""
    model = model_of(reference, GRU, 1)
    blob = reference.compress_with(b"she sells sea shells", model, bits=4, streams=2)
    header, chunks = reference.read_file(blob)
    expect.equal(neural_compression.decompress_with(blob), b"she sells sea shells", "the honest file")
    for lie in (
        {"length": 1 << 31},
        {"streams": 4000, "hidden": 2000},
        {"hidden": 0},
        {"dtype": 16},
        {"mode": 2},
        {"kind": 2},
        {"kind": 2, "layers": 30, "heads": 1, "context": 4096, "width": 2048, "mode": 0},
        {"width": 3},
        {"mixed": 1},
        {"weights": header["weights"] + b"\x00"},
        {"fingerprint": bytes(8)},
    ):
        forged = reference.write_file(header | lie, chunks)
        expect.raises("ValueError", neural_compression.decompress_with, forged, what=f"a header with {lie}")
    lied = reference.write_file(header, [(chunks[0][0], b"\x00\x00\x00\x00")])
    expect.raises(
        "ValueError", neural_compression.decompress_with, lied, what="another hash", naming="counts"
    )


@law(
    exercise="squeeze_weights",
    points=1,
    hint="Round to the nearest whole number of scales, of two the even one: np.rint. Negative numbers too.",
)
def test_blobs_of_the_reference(neural_compression, reference):
    """Larger tables, tables of no rows, and float64 numbers give the reference's blob."""
    random = np.random.default_rng(5)
    weights = {
        "x": random.normal(size=(7, 5)),
        "b": np.zeros((0, 3)),
        "a.b": np.array([[0.5, 1, 127], [-127, 2, 2.5]]),
    }
    weights["c"] = random.normal(size=3)
    shapes = {name: array.shape for name, array in weights.items() if array.size}
    weights = {name: weights[name] for name in shapes}
    for bits in (4, 8, 32):
        blob = reference.squeeze_weights(weights, bits)
        expect.equal(neural_compression.squeeze_weights(weights, bits), blob, f"the blob of {bits} bits")
        got = neural_compression.open_weights(blob, shapes, bits)
        for name, array in reference.open_weights(blob, shapes, bits).items():
            expect.equal(got[name], array, f"{name} out of {bits} bits")


@law(
    exercise="compress_with",
    points=2,
    hint="A float64 model stays one: build from the header, load the opened float32 numbers into it. `mixed` and "
    "`chunk` go into the header, and the primer both to the fingerprint and to pack.",
)
def test_files_of_all_kinds(neural_compression, reference):
    """Files are those of the reference, byte for byte: shipped or not, mixed, primed, in chunks, by a Transformer."""
    data = b"she sells sea shells by the sea shore"
    for told, options in (
        (GRU, {"bits": 8, "streams": 3, "chunk": 7}),
        (TRANSFORMER, {"bits": 4, "streams": 2}),
        (GRU, {"ship": False, "mixed": True, "primer": b"by the sea", "chunk": 10}),
    ):
        blobs = [
            module.compress_with(data, model_of(module, told, 3), **options)
            for module in (neural_compression, reference)
        ]
        expect.equal(blobs[0], blobs[1], f"the file with {options}")
    shipped = reference.compress_with(b"abracadabra", model_of(reference, GRU, 3), bits=4, chunk=4)
    contract.refuses_damage(neural_compression.decompress_with, shipped, steps=4)


@law(
    exercise="Learner",
    points=2,
    examples=2,
    hint="A step: the cell's state is the window's, forward, cross_entropy, backward, the gradients in the parameters' "
    "order clipped to 1, the rate for the steps done so far, and AdamW. Replays come after the new window, drawn "
    "by random.integers(len(windows)), each as a step of its own.",
)
@given(seed=SEEDS, replays=st.integers(0, 2))
@example(seed=0, replays=2)
def test_learns_what_the_reference_learns(neural_compression, reference, seed, replays):
    """After some windows the parameters and the rate are the reference's, to within rounding in float64."""
    text, learners = np.random.default_rng(seed).integers(97, 101, (26, 2)).tolist(), []
    for module in (neural_compression, reference):
        learner = module.Learner(
            model_of(module, GRU, seed, 4.0),
            2,
            time=3,
            rows=2,
            replays=replays,
            rate=0.02,
            steps=20,
            seed=seed,
        )
        for row in text:
            learner.take(row)
        learners.append(learner)
    expect.equal(learners[0].optimizer.steps, 4 * (1 + replays), "how many steps were taken")
    expect.close(learners[0].optimizer.rate, learners[1].optimizer.rate, what="the rate of the last step")
    got, wanted = (learner.model.parameters for learner in learners)
    for name, array in wanted.items():
        expect.close(got[name], array, rtol=1e-6, atol=1e-9, what=f"{name} after {4 * (1 + replays)} steps")
    expect.close(learners[0].scores, learners[1].scores, rtol=1e-6, atol=1e-9, what="the scores afterwards")


@law(
    exercise="Together",
    points=1,
    hint="Compare with the reference decision by decision. The first difference at the first decision: predict. At the "
    "second: the mixer, or the speaker, was not told the bit. At the second symbol: look.",
)
def test_chances_of_the_reference(neural_compression, reference):
    """Every chance is the reference's, with a primer and without."""
    code = {97: "0", 98: "10", 99: "110", 100: "111"}
    for primer in (b"", b"abcdab"):
        sides = []
        for module in (neural_compression, reference):
            model = model_of(module, GRU, 9, 6.0)
            parameters = model.parameters
            parameters["head.bias"][list(code)] += [9, 6, 7, 8]
            module.load(model, parameters)
            sides.append((module, module.Together(module.Oracle(model), code, 60, primer)))
        for i, bit in enumerate(map(int, "".join(code[byte] for byte in b"abcabcaddaacbdbacdabcbca"))):
            got, wanted = (both.predict() for _, both in sides)
            expect.equal(got, wanted, f"the chance of decision {i}, after {len(primer)} bytes of primer")
            for _, both in sides:
                both.update(bit)


@law(
    exercise="notices",
    points=1,
    hint="Hand out whole-numbered rows of any shape that add up to 16, and change one place by 1, at the front, in the "
    "middle and at the end; a pair may be safe for short texts only.",
)
def test_your_law_on_rarer_mistakes(neural_compression):
    """Pairs that are unsafe for some rows, some symbols or some lengths only are found out."""

    def pair(told):
        def write(symbols, rows):
            return bytes([len(symbols), *symbols]) + repr(told(symbols, rows)).encode()

        def read(blob, rows):
            symbols = list(blob[1 : 1 + blob[0]])
            if any(sum(row) != 16 or min(row) < 1 for row in rows) or len(rows) != len(symbols):
                raise KeyError("no rows of the rules")
            if repr(told(symbols, rows)).encode() != blob[1 + blob[0] :]:
                raise ValueError("the counts are others")
            return symbols

        return write, read

    def wrong(told):
        write, read = pair(lambda *_: 0)

        def careless(blob, rows):
            honest, symbols = blob[-1 - blob[-1] : -1], read(blob[: -1 - blob[-1]], rows)
            return symbols if bytes(honest) == told(rows) else [(x + 1) % 3 for x in symbols]

        def marked(symbols, rows):
            return write(symbols, rows) + told(rows) + bytes([len(told(rows))])

        return marked, careless

    candidates = [
        (True, pair(lambda _, rows: rows)),
        (True, pair(lambda s, rows: [row[x] for x, row in zip(s, rows, strict=True)])),
        (True, pair(lambda *_: 0)),
        (False, wrong(lambda rows: bytes(row[0] for row in rows))),
        (False, wrong(lambda rows: bytes(row[1] for row in rows))),
        (False, wrong(lambda rows: bytes(row[2] for row in rows[8:]))),
    ]
    for number, (safe, (write, read)) in enumerate(candidates):
        expect.equal(neural_compression.notices(write, read), safe, f"your law on pair {number}")

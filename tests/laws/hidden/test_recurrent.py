"""Hidden laws of lesson 15: cells and trainings beside the reference, other dtypes, planted mistakes."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from autograder.laws import expect, law

SEEDS = st.integers(0, 999)


def draw(seed, shape, dtype="float64"):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def numbers(seed, inputs, hidden, gates, dtype="float64"):
    """Draw the parameters of a cell."""
    shapes = {
        "input": (inputs, gates * hidden),
        "recurrent": (hidden, gates * hidden),
        "bias": (gates * hidden,),
        "recurrent_bias": (gates * hidden,),
    }
    return {name: draw(seed + i, shape, dtype) for i, (name, shape) in enumerate(shapes.items())}


def cell_of(module, kind, seed, inputs, hidden, dtype="float64"):
    cell = getattr(module, kind)(inputs, hidden, 0, dtype)
    module.load(cell, numbers(seed, inputs, hidden, 3 if kind == "GRU" else 1, dtype))
    return cell


def beside(recurrent, reference, kind, seed, shape, dtype="float64"):
    """Hold all that a cell gives against ours; its dtype is that of the parameters."""
    batch, time, inputs, hidden = shape
    other = "float32" if dtype == "float64" else "float64"
    x, state = draw(seed + 5, (batch, time, inputs), other), draw(seed + 6, (batch, hidden), dtype)
    dy = draw(seed + 7, (batch, time, hidden), other)
    got, wanted = (
        module.probe_cell(cell_of(module, kind, seed, inputs, hidden, dtype), x, state, dy)
        for module in (recurrent, reference)
    )
    near = 1e-9 if dtype == "float64" else 2e-4
    for name, array in wanted.items():
        what = {"y": "the states", "last": "the last state"}.get(name, f"the gradient by {name!r}")
        expect.close(
            got[name],
            array,
            rtol=near,
            atol=near,
            what=f"{what}, {kind} with batch, time, inputs, hidden {shape}",
        )
        expect.equal(str(got[name].dtype), dtype, f"the dtype of {what}")


@law(
    exercise="sigmoid",
    points=1,
    hint="The result has x's shape and dtype. Near 0 it must be as exact as the dtype allows: compare with ½ + x/4.",
)
def test_sigmoid_of_other_arrays(recurrent):
    """The sigmoid keeps shapes and dtypes, climbs, and is exact near 0."""
    for dtype, near in (("float64", 1e-15), ("float32", 1e-6)):
        x = np.linspace(-12, 12, 41).astype(dtype)
        got = recurrent.carefully(recurrent.sigmoid, x)
        expect.equal(str(got.dtype), dtype, "the dtype")
        right = [1 / (1 + math.exp(-float(value))) for value in x]
        expect.close(np.asarray(got, float), np.array(right), rtol=0, atol=near, what="the values")
    for shape in ((), (0, 2), (1, 2, 2)):
        expect.equal(np.shape(recurrent.sigmoid(np.zeros(shape))), shape, "the shape of the result")


@law(
    exercise="Embedding",
    points=1,
    hint="No symbols have a gradient too: zeros, in the weight's shape and dtype.",
)
def test_embedding_of_other_arrays(recurrent):
    """A float32 table gives float32 and has a gradient for every row, also for no symbols at all."""
    layer = recurrent.Embedding(3, 2, 1)
    weight = np.array(layer.parameters["weight"])
    for ids in (np.zeros((2, 0), int), np.array([[[2, 2], [0, 2]]]), np.array(1, np.int32)):
        dy = np.full((*ids.shape, 2), 0.5)
        y, back, gradients = recurrent.probe(layer, ids, dy)
        expect.equal(y, weight[ids], "the rows")
        expect.equal(back.shape, ids.shape, "the shape of what backward returns")
        counts = np.bincount(ids.ravel(), minlength=3)
        expected = np.repeat(counts[:, None] / 2, 2, axis=1).astype(np.float32)
        expect.equal(gradients["weight"], expected, "the gradient by the weight")


@law(
    exercise="Recurrent",
    points=2,
    hint="A window without streams or without steps is still a window. Make arrays in the dtype of the parameters, and "
    "return outputs that don't share memory with the state you keep.",
)
def test_windows_of_all_kinds(recurrent, reference):
    """Windows of no streams and of no steps go through, in float32 too, and gradients don't add up over windows."""
    for shape, dtype in (((0, 2, 2, 3), "float64"), ((2, 0, 2, 3), "float64"), ((3, 7, 2, 4), "float32")):
        beside(recurrent, reference, "Echo", 1, shape, dtype)
    cell, ours = (cell_of(module, "Echo", 2, 2, 3) for module in (recurrent, reference))
    x, dy = draw(8, (2, 4, 2)), draw(9, (2, 4, 3))
    for turn in range(2):
        got, wanted = (module.probe(c, x, dy) for module, c in ((recurrent, cell), (reference, ours)))
        for what, mine, theirs in zip(("the states", "the gradient by x"), got, wanted, strict=False):
            expect.close(mine, theirs, what=f"{what} of window {turn}, the state carried")
        for name, array in wanted[2].items():
            expect.close(got[2][name], array, what=f"the gradient by {name!r} of window {turn}")
    state, before = draw(10, (2, 3)), draw(10, (2, 3))
    after = cell.one_step(state, x[:, 0])
    expect.close(after, ours.one_step(before, x[:, 0]), what="a single step")
    got = recurrent.probe(cell, x[:, :1], dy[:, :1])
    expect.close(
        got[0], reference.probe(ours, x[:, :1], dy[:, :1])[0], what="the states after a single step between"
    )


@law(
    exercise="RNN",
    points=1,
    hint="Where drive and pull are large the slope is 0, not less. Write to nothing that you are given.",
)
def test_rnn_beside_ours(recurrent, reference):
    """A plain cell agrees with ours over long windows, in float32 too, and where it is saturated."""
    beside(recurrent, reference, "RNN", 3, (2, 12, 3, 4), "float64")
    beside(recurrent, reference, "RNN", 4, (2, 5, 3, 4), "float32")
    cells = [recurrent.RNN(2, 2, 0, "float64"), reference.RNN(2, 2, 0, "float64")]
    far = np.array([[300.0, -300.0]])
    (after, kept), (wanted, ours) = (
        module.carefully(cell.advance, far, far, far)
        for module, cell in zip((recurrent, reference), cells, strict=True)
    )
    expect.close(after, wanted, what="the state after far drives")
    for got, right in zip(cells[0].retreat(kept, far), cells[1].retreat(ours, far), strict=True):
        expect.close(got, right, what="a gradient where the cell is saturated")


@law(
    exercise="GRU",
    points=1,
    hint="Compare one step with paper: r, z, n from three columns each of drive and pull, in this order. In float32, "
    "make no array of NumPy's default dtype.",
)
def test_gru_beside_ours(recurrent, reference):
    """A gated cell agrees with ours over long windows, in float32 too, and where its gates are shut."""
    beside(recurrent, reference, "GRU", 3, (2, 12, 3, 4), "float64")
    beside(recurrent, reference, "GRU", 4, (2, 5, 3, 4), "float32")
    cell, ours = recurrent.GRU(1, 2, 0, "float64"), reference.GRU(1, 2, 0, "float64")
    before, drive, pull = draw(1, (3, 2)), draw(2, (3, 6)), draw(3, (3, 6))
    drive[0] = [500, 500, 500, 500, 1, 1]  # r and z open: the state stays
    drive[1] = [-500, -500, -500, -500, 1, 1]
    after, kept = recurrent.carefully(cell.advance, before, drive, pull)
    wanted, theirs = ours.advance(before, drive, pull)
    expect.close(after, wanted, what="the state after gates of 1, of 0, and between")
    names = ("drive", "pull", "the state before, without pull's share")
    for name, got, right in zip(names, cell.retreat(kept, before), ours.retreat(theirs, before), strict=True):
        expect.close(got, right, what=f"the gradient by {name}")


@law(
    exercise="LanguageModel",
    points=2,
    hint="step may not call any layer's forward: between forward and backward it would overwrite what backward needs.",
)
def test_a_step_changes_nothing(recurrent, reference):
    """Steps between a forward and its backward change no score, no gradient and no state, in float32 too."""
    ids, dy = np.random.default_rng(0).integers(0, 5, (2, 3)), draw(1, (2, 3, 5))
    for kind, dtype, near in (("gru", "float64", 1e-9), ("rnn", "float32", 1e-4)):
        answers = []
        for module in (recurrent, reference):
            model = module.LanguageModel(5, 2, 3, kind, 7, dtype)
            shapes = {name: array.shape for name, array in model.parameters.items()}
            module.load(model, {name: draw(i, shape) for i, (name, shape) in enumerate(shapes.items())})
            model.forward(ids)
            state = draw(2, (4, 3), dtype)
            scores, after = module.carefully(model.step, state, np.array([0, 4, 1, 1]))
            model.backward(dy)
            answers.append((scores, after, dict(model.gradients), model.forward(ids[:, :1])))
        (scores, after, gradients, following), wanted = answers
        expect.close(scores, wanted[0], rtol=near, atol=near, what="the scores of a step")
        expect.close(after, wanted[1], rtol=near, atol=near, what="the state after a step")
        expect.equal([str(scores.dtype), str(after.dtype)], [dtype] * 2, "the dtypes of a step's results")
        expect.equal(list(gradients), list(wanted[2]), "the names of the gradients, in the parameters' order")
        for name, array in wanted[2].items():
            what = f"the gradient by {name!r}, after a step between forward and backward"
            expect.close(gradients[name], array, rtol=near, atol=near, what=what)
        expect.close(following, wanted[3], rtol=near, atol=near, what="the scores of the next window")


@law(
    exercise="streams",
    points=1,
    hint="Bytes go from 0 to 255. The targets of all streams, one after another, are a piece of the text from its "
    "second byte on.",
)
def test_streams_join_up(recurrent):
    """The streams' targets in a row are the text from its second byte on; all 256 byte values survive."""
    data = bytes(range(256)) * 2 + b"\xff\x00\x80"
    for batch in (1, 3, 7, len(data) - 1):
        inputs, targets = recurrent.streams(data, batch)
        length = (len(data) - 1) // batch
        expect.equal(inputs.shape, (batch, length), "the shape of the inputs")
        expect.equal(str(inputs.dtype), "int64", "the dtype of the inputs")
        joined = targets.astype(np.uint8).tobytes()
        expect.equal(joined, data[1 : batch * length + 1], f"the targets of {batch} streams in a row")
        joined = inputs.astype(np.uint8).tobytes()
        expect.equal(joined, data[: batch * length], f"the inputs of {batch} streams in a row")


@law(
    exercise="train_language",
    points=2,
    hint="All that the next step depends on must come from the checkpoint: ask optimizer.steps, and count nothing "
    "yourself. Reset the state before fit loads the checkpoint, not after.",
)
def test_a_whole_training_beside_the_reference(recurrent, reference):
    """Losses, measurements, early stop, best weights and a resumed training agree with ours."""
    random = np.random.default_rng(5)
    text = bytes(np.repeat(random.integers(0, 5, 60), random.integers(1, 4, 60)).astype(np.uint8))
    data, held_out = text[:80], text[80:]

    def trained(module, steps, resume=None, patience=math.inf):
        model, seen = module.LanguageModel(5, 3, 4, "gru", 0, "float64"), []
        shapes = {name: array.shape for name, array in model.parameters.items()}
        module.load(model, {name: draw(i, shape) for i, (name, shape) in enumerate(shapes.items())})
        plan = module.Plan(3, 3, steps, every=2, patience=patience, limit=0.5)
        done = module.train_language(
            model, data, held_out, plan, time=5, rate=0.2, decay=0.1, resume=resume,
            progress=lambda step, loss, *_: seen.append([step, loss]),
        )  # fmt: skip
        flat = np.concatenate([array.ravel() for array in model.parameters.values()])
        return done.losses, np.array(seen), flat, [done.why, model.cell.state], done.state

    parts = ("the losses", "the measurements", "the weights that are left")
    for steps in (38, 40):  # a twentieth of them is 1, and 2
        early, wanted = trained(recurrent, steps, patience=1), trained(reference, steps, patience=1)
        expect.equal(early[3], wanted[3], "why it ended, and the state in the end")
        for part, mine, theirs in zip(parts, early, wanted, strict=False):
            expect.close(np.asarray(mine), np.asarray(theirs), rtol=1e-5, atol=1e-8, what=part)
    rest, right = (trained(module, 16, resume=wanted[-1]) for module in (recurrent, reference))
    for part, mine, theirs in zip(parts, rest, right, strict=False):
        what = f"{part} of a training that was resumed in the middle of the streams"
        expect.close(np.asarray(mine), np.asarray(theirs), rtol=1e-5, atol=1e-8, what=what)


@law(
    exercise="soften",
    points=1,
    hint="Take the largest score away before you divide. What is far below it becomes e to a large negative number, "
    "which is 0.",
)
def test_soften_far_apart(recurrent):
    """Scores of ±10,000 at tiny and at huge temperatures give probabilities without a warning."""
    scores = np.array([[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4]])
    for temperature, first in (
        (1e-3, [1.0, 0.0, 0.0]),
        (1e-306, [1.0, 0.0, 0.0]),
        (1e9, [1 / 3] * 3),
        (0, [1.0, 0.0, 0.0]),
    ):
        for dtype in ("float64", "float32"):
            got = recurrent.carefully(recurrent.soften, scores.astype(dtype), temperature)
            what = f"the probabilities at a temperature of {temperature}"
            expect.close(got, np.array([first, [1 / 3] * 3]), rtol=1e-4, atol=1e-12, what=what)
            expect.close(got.sum(axis=-1), np.ones(2), what=f"the sums of {what}")


@law(
    exercise="sample",
    points=1,
    hint="The model's own state may be in the middle of a training: start from model.start(1), and use step alone.",
)
def test_sampling_leaves_the_model(recurrent, reference):
    """Sampling starts afresh, whatever the model has read, and the model reads on as if nothing had been."""
    models = [module.LanguageModel(6, 2, 3, "rnn", 3, "float64") for module in (recurrent, reference)]
    values = {name: 2 * draw(i, array.shape) for i, (name, array) in enumerate(models[1].parameters.items())}
    for module, model in zip((recurrent, reference), models, strict=True):
        module.load(model, values)
    ids = np.array([[5, 1, 0, 2]])
    expected = reference.sample(models[1], b"\x04\x01\x05", 9, 0.0)
    models[0].forward(ids), models[1].forward(ids)
    expect.equal(recurrent.sample(models[0], b"\x04\x01\x05", 9, 0.0), expected, "the likeliest text")
    expect.close(models[0].forward(ids), models[1].forward(ids), what="the scores of the text that went on")


FORGETFUL = [
    "state_is_forgotten",
    "keeps_the_state_it_started_from",
    "streams_share_a_state",
    "no_pull",
    "writes_to_before",
]


@law(
    exercise="carries_its_state",
    points=2,
    examples=2,
    hint="Which demand do your trials miss? A lost state shows where a sequence is cut in two, a mixed one where a "
    "stream is run alone, a missing one where only the state was changed.",
)
@given(order=st.permutations(["RNN", "GRU", *FORGETFUL]))
@example(order=["RNN", *FORGETFUL, "GRU"])
def test_your_law_meets_planted_bugs(recurrent, reference, bugs, order):
    """Your law accepts our cells and refuses that of every planted mistake, in whatever order they come."""

    def running(module, kind):
        cell = cell_of(module, kind, 0, 2, 3)

        def candidate(x, state):
            cell.state = np.array(state)
            return cell.forward(x), np.array(cell.state)

        return candidate

    for name in order:
        right = name in ("RNN", "GRU")
        candidate = running(reference, name) if right else running(bugs[name], "RNN")
        verdict = recurrent.carries_its_state(candidate)
        expect.equal(verdict, right, "your law on a cell, right or with a planted mistake")

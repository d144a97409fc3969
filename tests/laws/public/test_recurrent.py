"""Public laws of lesson 15: cells against central differences, a text in parts against the whole."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from autograder.laws import expect, law

SEEDS = st.integers(0, 999)
# Batch, time, inputs, hidden: one of each, no streams at all, and a window longer than all else.
SHAPES = st.sampled_from([(2, 3, 2, 2), (1, 1, 1, 1), (3, 2, 1, 2), (1, 4, 2, 1), (2, 1, 1, 3)])
NAMES = ["input", "recurrent", "bias", "recurrent_bias"]


def signed(seed, shape):
    """Draw multiples of 1/4 from −1 to 1, which are easy to read and exact."""
    return np.asarray(np.random.default_rng(seed).integers(-4, 5, shape) / 4)


def sigma(x):
    return 1 / (1 + np.exp(-x))


def gru(before, drive, pull):
    """Return the state after a step, by the three formulas; the last axis of drive and pull holds r, z, n."""
    size = before.shape[-1]
    (dr, dz, dn), (pr, pz, pn) = (
        [part[..., i * size : (i + 1) * size] for i in range(3)] for part in (drive, pull)
    )
    z = sigma(dz + pz)
    return (1 - z) * np.tanh(dn + sigma(dr + pr) * pn) + z * before


CELLS = {
    "Echo": lambda before, drive, pull: drive + before / 2 + pull / 2,
    "RNN": lambda _, drive, pull: np.tanh(drive + pull),
    "GRU": gru,
}


def run(kind, v):
    """Run many cells side by side, through time; each array has one axis more, the first, for which of them."""
    before, outputs = v["state"], []
    for t in range(v["x"].shape[2]):
        drive = v["x"][:, :, t] @ v["input"] + v["bias"][:, None]
        pull = before @ v["recurrent"] + v["recurrent_bias"][:, None]
        before = CELLS[kind](before, drive, pull)
        outputs.append(before)
    return np.stack(outputs, axis=2)


def speak(kind, v):
    """Return the scores of many language models side by side, for the same symbols."""
    x = np.stack([table[v["ids"]] for table in v["embedding.weight"]])
    inside = {name: v[f"cell.{name}"] for name in NAMES} | {"x": x, "state": v["state"]}
    states = run(kind, inside)
    return states @ v["head.weight"][:, None] + v["head.bias"][:, None, None], states


def one(values):
    """Give each array a first axis of length 1."""
    return {name: array[None] for name, array in values.items()}


def slopes(function, values):
    """Measure the gradients of a number by several arrays, by central differences, all nudges in one go."""
    flat = np.concatenate([array.ravel() for array in values.values()])
    nudges = 1e-5 * np.eye(flat.size)
    rows = np.concatenate([flat + nudges, flat - nudges])
    cuts = np.cumsum([array.size for array in values.values()])
    parts = np.split(rows, cuts[:-1], axis=1)
    found = function(
        {
            name: part.reshape(-1, *array.shape)
            for part, (name, array) in zip(parts, values.items(), strict=True)
        }
    )
    gradient = (found[: flat.size] - found[flat.size :]) / 2e-5
    pieces = np.split(gradient, cuts[:-1])
    return {
        name: piece.reshape(array.shape) for piece, (name, array) in zip(pieces, values.items(), strict=True)
    }


def numbers(seed, inputs, hidden, gates):
    """Draw the parameters of a cell."""
    shapes = (inputs, gates * hidden), (hidden, gates * hidden), (gates * hidden,), (gates * hidden,)
    return {name: signed(seed + i, shape) for i, (name, shape) in enumerate(zip(NAMES, shapes, strict=True))}


def check_cell(recurrent, kind, seed, shape):
    """Hold a cell's states and gradients against the formulas and central differences."""
    batch, time, inputs, hidden = shape
    values = numbers(seed, inputs, hidden, 3 if kind == "GRU" else 1)
    x, state = signed(seed + 4, (batch, time, inputs)), signed(seed + 5, (batch, hidden))
    if kind != "Echo":
        state *= 0  # who starts from the wrong state is told so by Echo's law
    dy = signed(seed + 6, (batch, time, hidden))
    cell = getattr(recurrent, kind)(inputs, hidden, 0, "float64")
    recurrent.load(cell, values)
    got = recurrent.probe_cell(cell, x, state if kind == "Echo" else None, dy)
    expected = run(kind, one(values | {"x": x, "state": state}))[0]
    expect.close(got["y"], expected, what="the states")
    expect.close(got["last"], expected[:, -1], what="the last state, which the next forward starts from")
    wanted = slopes(lambda v: (dy * run(kind, v)).sum(axis=(1, 2, 3)), values | {"x": x, "state": state})
    names = {"x": "x", "state": "the state at the start"} | {name: f'"{name}"' for name in NAMES}
    for name in ("x", "bias", "recurrent_bias", "input", "recurrent", "state"):
        what = f"the gradient by {names[name]}"
        expect.close(got[name], wanted[name], rtol=1e-5, atol=1e-8, what=what)


@law(
    exercise="sigmoid",
    points=2,
    hint="e^10000 is infinite to a computer. Either keep the exponent below 0 and treat both signs on their own, "
    "or find it in a curve of the same shape: tanh.",
)
def test_sigmoid(recurrent):
    """The sigmoid is ½ at 0 and ¾ at ln 3, its two sides add up to 1, and ±10,000 give 0 and 1 without a warning."""
    x = np.array([[0.0, math.log(3), -math.log(3)], [2.0, -2.0, 0.5]])
    expect.close(recurrent.sigmoid(x), 1 / (1 + np.exp(-x)), what="the result")
    far = np.array([1e4, -1e4, 800.0, -800.0])
    got = recurrent.carefully(recurrent.sigmoid, far)
    expect.close(got, np.array([1.0, 0.0, 1.0, 0.0]), what=f"the sigmoid of {far.tolist()}")
    narrow = recurrent.carefully(recurrent.sigmoid, far.astype(np.float32))
    expect.equal(narrow, np.array([1, 0, 1, 0], np.float32), "the same in float32")


@law(
    exercise="Embedding",
    points=2,
    examples=6,
    hint="`gradient[ids] += dy` counts a symbol once, however often it stands there; np.add.at adds them all up. "
    "Begin with zeros at each call.",
)
@given(seed=SEEDS, shape=st.sampled_from([(2, 3), (4,), (1, 1), (0, 2), (2, 2, 2)]))
@example(seed=0, shape=(2, 3))
def test_embedding(recurrent, seed, shape):
    """Each symbol gets its row, and each row the sum of what came back to it, however often it was used."""
    random = np.random.default_rng(seed)
    ids, dy = random.integers(0, 3, shape), signed(seed + 1, (*shape, 2))
    layer = recurrent.Embedding(4, 2, 0, "float64")
    weight = signed(seed + 2, (4, 2))
    recurrent.load(layer, {"weight": weight})
    expected = np.zeros((4, 2))
    for place in np.ndindex(shape):
        expected[ids[place]] += dy[place]
    for turn in ("", " at a second call"):
        y, back, gradients = recurrent.probe(layer, ids, dy)
        expect.equal(y, weight[ids], f"the rows of {ids.tolist()}")
        expect.close(
            back, np.zeros(shape), what="what backward returns, for numbers of symbols have no slope"
        )
        expect.equal(list(gradients), ["weight"], "the names of the gradients")
        expect.close(gradients["weight"], expected, what=f"the gradient by the weight{turn}")


@law(
    exercise="orthogonal",
    points=2,
    hint="QR of a matrix of normal numbers gives an orthogonal q. LAPACK chooses the signs in its own way: multiply "
    "each column of q by the sign of r on the diagonal, and every rotation and mirror image is as likely.",
)
def test_orthogonal(recurrent):
    """A turn keeps lengths, is drawn from the generator, and may be any: its corner has both signs."""
    corners = []
    for size, seeds in ((1, 10), (3, 10), (5, 1)):
        for seed in range(seeds):
            random = recurrent.generator(seed)
            turn = recurrent.orthogonal(size, random)
            expect.close(turn @ turn.T, np.eye(size), atol=1e-9, what=f"Q Qᵀ of a turn of {size}")
            corners.append(float(turn[0, 0]))
    expect.true(
        min(corners[:10]) < 0 < max(corners[:10]), "some turns of size 1 are 1 and some -1", got=corners[:10]
    )
    expect.true(min(corners[10:20]) < 0 < max(corners[10:20]), "corners of both signs", got=corners[10:20])
    expect.true(len(set(corners[10:20])) > 5, "turns of other seeds are other turns", got=corners[10:20])
    second = recurrent.orthogonal(5, random)
    expect.true(not np.array_equal(turn, second), "one generator gave the same turn twice", got=second)
    again = recurrent.orthogonal(5, recurrent.generator(0))
    expect.equal(again, turn, "the turn of the same seed")


@law(
    exercise="Recurrent",
    points=2,
    hint="On paper, with U = 0: h₁ = x₁, h₂ = ½ h₁, h₃ = ½ h₂. Backward, h₃ sends half of its gradient to h₂, and h₂ "
    "half of what it has to h₁. Steps 2 and 3 used U, with h₁ and with h₂ beside it: add both up.",
)
def test_pencil_example(recurrent):
    """An echo of ½: from 1, 0, 0 come 1, ½, ¼, and a gradient of 1 at the end is ¼, ½, 1 on the way back."""
    cell = recurrent.Echo(1, 1, 0, "float64")
    recurrent.load(
        cell, {"input": np.ones((1, 1)), "recurrent": np.zeros((1, 1)), "bias": np.zeros(1),
               "recurrent_bias": np.zeros(1)}
    )  # fmt: skip
    x, dy = (np.array(row, float).reshape(1, 3, 1) for row in ([1, 0, 0], [0, 0, 1]))
    got = recurrent.probe_cell(cell, x, None, dy)
    for name, what, expected in (
        ("y", "the states", [[[1.0], [0.5], [0.25]]]),
        ("last", "the last state", [[0.25]]),
        ("x", "the gradient by x", [[[0.25], [0.5], [1.0]]]),
        ("recurrent", 'the gradient by "recurrent"', [[0.5]]),
        ("input", 'the gradient by "input"', [[0.25]]),
        ("state", "the gradient by the state at the start", [[0.125]]),
        ("recurrent_bias", 'the gradient by "recurrent_bias"', [0.875]),
    ):
        expect.close(got[name], np.array(expected), what=what)


@law(
    exercise="Recurrent",
    points=2,
    examples=3,
    hint="forward starts from self.first_state(batch), each stream from its own row, and leaves a copy of the last "
    "states in self.state. one_step changes nothing of the layer.",
)
@given(seed=SEEDS, cut=st.integers(1, 4))
@example(seed=0, cut=2)
def test_two_windows_are_one(recurrent, seed, cut):
    """Two windows one after another, or single steps, give what one long window gives; reset starts anew."""
    cell = recurrent.Echo(2, 3, 0, "float64")
    recurrent.load(cell, numbers(seed, 2, 3, 1))
    x = signed(seed + 7, (2, 5, 2))
    zeros = np.zeros((2, 3))
    whole = run("Echo", one(numbers(seed, 2, 3, 1) | {"x": x, "state": zeros}))[0]
    first = cell.forward(x[:, :cut])
    expect.close(first, whole[:, :cut], what="the states of the first window")
    state = zeros
    for t in range(2):
        state = cell.one_step(state, x[:, t])
        expect.close(state, whole[:, t], what=f"the state of one_step after {t + 1} steps")
    expect.close(cell.forward(x[:, cut:]), whole[:, cut:], what="the states of a second window, carried on")
    cell.reset()
    expect.close(cell.forward(x), whole, what="the states after reset")


@law(
    exercise="Recurrent",
    points=3,
    examples=4,
    hint="Backward, step t has two gradients to add: dy of its own output, and what step t + 1 sent back: through U, "
    "and what retreat returns third. In the window's gradient by U, step t stands beside the state before it.",
)
@given(seed=SEEDS, shape=SHAPES)
@example(seed=0, shape=(2, 3, 2, 2))
def test_through_time(recurrent, seed, shape):
    """With the plainest cell, the states agree with the formula, and all gradients with central differences."""
    check_cell(recurrent, "Echo", seed, shape)


@law(
    exercise="RNN",
    points=3,
    examples=4,
    hint="tanh's slope is 1 - tanh², and tanh is what advance has returned. drive and pull stand in a sum, so both "
    "have the same gradient.",
)
@given(seed=SEEDS, shape=SHAPES)
@example(seed=0, shape=(2, 3, 2, 2))
def test_rnn(recurrent, seed, shape):
    """A plain cell's states agree with the formula, and all its gradients with central differences."""
    check_cell(recurrent, "RNN", seed, shape)


@law(
    exercise="GRU",
    points=4,
    examples=4,
    hint="Columns in the order r, z, n. z keeps the old state: h = (1 - z) n + z h. r stands before n's pull alone, "
    "so n's gradient by pull has a factor r that n's gradient by drive hasn't. The sigmoid s has the slope s (1 - s).",
)
@given(seed=SEEDS, shape=SHAPES)
@example(seed=0, shape=(2, 3, 2, 2))
def test_gru(recurrent, seed, shape):
    """A gated cell's states agree with the three formulas, and all its gradients with central differences."""
    check_cell(recurrent, "GRU", seed, shape)


def words(seed, kind="GRU", symbols=4, width=2, hidden=2):
    """Draw the parameters of a language model."""
    inside = numbers(seed, width, hidden, 3 if kind == "GRU" else 1)
    return (
        {"embedding.weight": signed(seed + 10, (symbols, width))}
        | {f"cell.{name}": array for name, array in inside.items()}
        | {"head.weight": signed(seed + 11, (hidden, symbols)), "head.bias": signed(seed + 12, (symbols,))}
    )


def built(recurrent, values, kind="GRU", symbols=4, width=2, hidden=2):
    """Return a model with these parameters, in float64."""
    model = recurrent.LanguageModel(symbols, width, hidden, kind.lower(), 0, "float64")
    recurrent.load(model, values)
    return model


@law(
    exercise="LanguageModel",
    points=2,
    examples=3,
    hint="Forward through embedding, cell and head; backward through head, cell and embedding. The gradients' names "
    "are those of the parameters, with the layer's name in front.",
)
@given(seed=SEEDS, kind=st.sampled_from(["GRU", "RNN"]))
@example(seed=0, kind="GRU")
def test_language_model(recurrent, seed, kind):
    """A model's scores are those of its three layers, and its gradients agree with central differences."""
    values = words(seed, kind)
    model = built(recurrent, values, kind)
    ids = np.random.default_rng(seed).integers(0, 4, (2, 3))
    dy, state = signed(seed + 13, (2, 3, 4)), np.zeros((2, 2))
    expected, _ = speak(kind, one(values | {"state": state}) | {"ids": ids})
    scores, back, gradients = recurrent.probe(model, ids, dy)
    expect.close(scores, expected[0], what=f"the scores after {ids.tolist()}")
    expect.equal(sorted(gradients), sorted(values), "the names of the gradients")
    expect.close(back, np.zeros((2, 3)), what="what backward returns, for numbers of symbols have no slope")

    def number(v):
        state = np.zeros((len(v["head.bias"]), 2, 2))
        return (dy * speak(kind, v | {"ids": ids, "state": state})[0]).sum(axis=(1, 2, 3))

    for name, wanted in slopes(number, values).items():
        expect.close(gradients[name], wanted, rtol=1e-5, atol=1e-8, what=f'the gradient by "{name}"')


@law(
    exercise="LanguageModel",
    points=3,
    examples=3,
    hint="step looks rows up, takes cell.one_step, and multiplies by the head's weight: it calls no forward, for that "
    "would change what backward needs, and the model's own state.",
)
@given(seed=SEEDS, kind=st.sampled_from(["GRU", "RNN"]))
@example(seed=0, kind="GRU")
def test_steps_are_a_window(recurrent, seed, kind):
    """Symbol by symbol, each stream's scores are those of a window; carried windows are one text."""
    values = words(seed, kind)
    model = built(recurrent, values, kind)
    ids = np.random.default_rng(seed).integers(0, 4, (2, 5))
    (whole,), states = speak(kind, one(values | {"state": np.zeros((2, 2))}) | {"ids": ids})
    expect.close(model.forward(ids[:, :3]), whole[:, :3], what="the scores of the first window of 3")
    state = model.start(2)
    expect.equal(state, np.zeros((2, 2)), "the state that a text starts in")
    for t in range(5):
        scores, state = model.step(state, ids[:, t])
        expect.close(scores, whole[:, t], what=f"the scores of step {t}")
        expect.close(state, states[0][:, t], what=f"the state after step {t}")
    expect.close(
        model.forward(ids[:, 3:]), whole[:, 3:], what="the scores of a second window, after some steps"
    )


@law(
    exercise="streams",
    points=2,
    examples=12,
    hint="Each stream is a piece of the text in one go: reshape(batch, length) has it in a row. The target is the "
    "byte one place later in the text, so the target of a stream's last byte is the next stream's first.",
)
@given(data=st.binary(min_size=2, max_size=20), batch=st.integers(1, 5))
@example(data=b"abcdefgh", batch=2)
@example(data=b"ab", batch=1)
def test_streams(recurrent, data, batch):
    """Each stream is a piece of the text, and each target the byte that follows its input."""
    batch = min(batch, len(data) - 1)
    length = (len(data) - 1) // batch
    expected = [
        [list(data[b * length + shift : (b + 1) * length + shift]) for b in range(batch)] for shift in (0, 1)
    ]
    got = recurrent.streams(data, batch)
    expect.kind(got, tuple, "the streams")
    for name, table, rows in zip(("inputs", "targets"), got, expected, strict=True):
        expect.equal(table, np.array(rows), f"the {name} of {batch} streams")


def bits_of(values, rows, kind="GRU"):
    """Return the bits of each byte but the first of some texts of equal length, each from zeros."""
    ids = np.array([list(row) for row in rows])
    state = np.zeros((len(rows), values["cell.recurrent"].shape[0]))
    (scores,), _ = speak(kind, one(values | {"state": state}) | {"ids": ids[:, :-1]})
    chances = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    return -np.log2(np.take_along_axis(chances, ids[:, 1:, None], 2)[..., 0])


@law(
    exercise="bits_per_byte",
    points=3,
    examples=4,
    hint="Reset, and carry the state through the windows. The last window is shorter: weigh each by its number of "
    "targets. And put the model's own state back when you are done, for somebody may be in the middle of training.",
)
@given(seed=SEEDS, size=st.integers(5, 13), time=st.integers(1, 6))
@example(seed=0, size=9, time=3)
def test_bits_per_byte(recurrent, seed, size, time):
    """The mean bits are those of the whole text, in windows of any length, and leave the model's state as it was."""
    values = words(seed)
    model = built(recurrent, values)
    data = np.random.default_rng(seed).integers(0, 4, size, dtype=np.uint8).tobytes()
    before = model.forward(np.array([[1, 2, 3]]))
    expected = float(bits_of(values, [data]).mean())
    got = recurrent.bits_per_byte(model, data, 1, time)
    expect.kind(got, float, "the mean bits")
    expect.close(got, expected, what=f"the mean bits of {size} bytes in windows of {time}")
    halves = (size - 1) // 2
    rows = [data[: halves + 1], data[halves : 2 * halves + 1]]
    got = recurrent.bits_per_byte(model, data, 2, time)
    expect.close(got, float(bits_of(values, rows).mean()), what="the mean bits in two streams")
    whole, _ = speak("GRU", one(values | {"state": np.zeros((1, 2))}) | {"ids": np.array([[1, 2, 3, 0]])})
    expect.close(
        model.forward(np.array([[0]])), whole[0][:, 3:], what="the scores of the text that was interrupted"
    )
    expect.close(before, whole[0][:, :3], what="the scores before the interruption")


@law(
    exercise="train_language",
    points=2,
    hint="Window number optimizer.steps % len(parts); reset the state before the first of them, each time the streams "
    "begin again, and at no other. A measurement must leave the state alone: see bits_per_byte.",
)
def test_what_a_step_loses(recurrent):
    """At a rate of 0 a step loses the bits of the next window; the state is carried until the streams begin again."""
    values = words(3)
    model = built(recurrent, values)
    data = bytes(np.random.default_rng(3).integers(0, 4, 23, dtype=np.uint8))
    each = bits_of(values, [data[:12], data[11:23]])
    expected = [each[:, at : at + 4].mean() for at in (0, 4, 8)]
    model.forward(np.array([[1, 2]]))
    done = recurrent.train_language(
        model, data, data[::-1], recurrent.Plan(2, 2, 7, every=2), time=4, rate=0.0
    )
    expect.equal(len(done.losses), 7, "the number of losses")
    for step in range(7):
        what = f"the loss of step {step}, where three windows are a whole stream"
        expect.close(done.losses[step], expected[step % 3], what=what)
    held_out = data[::-1]
    wanted = bits_of(values, [held_out[:12], held_out[11:]]).mean()
    expect.close(done.best, wanted, what="what was measured on the held-out text")
    expect.equal(model.cell.state, None, "the model's state in the end")


@law(
    exercise="train_language",
    points=2,
    hint="fit does the work: hand it the optimizer, slope and measure. The gradients go in the order of "
    "model.parameters, and the rate comes from warm_up times cosine.",
)
def test_training_learns(recurrent):
    """Training makes a text that repeats itself cheap, and leaves the weights that were best on held-out text."""
    model = built(recurrent, words(1, hidden=6), hidden=6)
    seen = []
    done = recurrent.train_language(
        model,
        b"\x00\x01\x02\x03" * 8,
        b"\x02\x03\x00\x01" * 4,
        recurrent.Plan(2, 2, 24, every=8, limit=1.0),
        time=8,
        rate=0.1,
        progress=lambda step, loss, *_: seen.append([step, loss]),
    )
    expect.equal([step for step, _ in seen], [8, 16, 24], "the steps after which it was measured")
    expect.close(done.best, min(loss for _, loss in seen), what="the best measurement")
    left = {name: np.array(array) for name, array in model.parameters.items()}
    rows = [(b"\x02\x03\x00\x01" * 4)[at : at + 8] for at in (0, 7)]
    expect.close(
        bits_of(left, rows).mean(), done.best, rtol=1e-6, what="the bits of the weights that are left"
    )
    expect.true(
        done.best < 0.9, "a text that repeats four bytes costs less than 0.9 bits a byte", got=done.best
    )


@law(
    exercise="soften",
    points=2,
    examples=8,
    hint="Divide the scores, not the probabilities, and take the largest away first. At 0, share evenly among the "
    "largest: a score of -∞ for all others does it.",
)
@given(seed=SEEDS, temperature=st.sampled_from([1.0, 0.5, 2.0, 0.25, 0.0]))
@example(seed=0, temperature=2.0)
@example(seed=1, temperature=0.0)
def test_soften(recurrent, seed, temperature):
    """Each probability is e to the score over the temperature, as a share; at 0 the largest scores share all."""
    scores = signed(seed, (3, 4))
    if temperature:
        powers = np.exp(scores / temperature)
    else:
        powers = (scores == scores.max(axis=-1, keepdims=True)).astype(float)
    expected = powers / powers.sum(axis=-1, keepdims=True)
    got = recurrent.carefully(recurrent.soften, scores, temperature)
    expect.close(got, expected, what=f"the probabilities at a temperature of {temperature}")
    got = recurrent.soften(scores[0].astype(np.float32), temperature)
    expect.close(got, expected[0], what="those of float32 scores")
    expect.equal(str(got.dtype), "float64", "the dtype of the result")


def likeliest(values, prompt, length):
    """Return the bytes that follow a prompt when the largest score always wins."""
    text = list(prompt)
    while len(text) < len(prompt) + length:
        scores, _ = speak("GRU", one(values | {"state": np.zeros((1, 3))}) | {"ids": np.array([text])})
        text.append(int(scores[0, 0, -1].argmax()))
    return bytes(text[len(prompt) :])


@law(
    exercise="sample",
    points=2,
    hint="Read the whole prompt first, step by step, with the state going from each step to the next; draw from the "
    "last scores; and let the model read what was drawn. Only what was drawn is returned.",
)
def test_sample(recurrent):
    """At temperature 0 the likeliest text comes, whatever the seed; at 1 symbols come as often as they should."""
    values = words(5, hidden=3) | {"head.bias": np.zeros(4)}
    values = {name: 3 * array for name, array in values.items()}
    model = built(recurrent, values, hidden=3)
    for seed, prompt in enumerate((b"\x00", b"\x01\x03\x02", b"\x03\x03\x00\x01\x02")):
        expected = likeliest(values, prompt, 6)
        got = recurrent.sample(model, prompt, 6, 0.0, seed)
        expect.equal(got, expected, f"the likeliest text after {prompt!r}")
    expect.equal(recurrent.sample(model, b"\x00", 0), b"", "a text of no bytes")
    flat = {name: np.zeros(array.shape) for name, array in values.items()}
    chances = np.array([0.4, 0.3, 0.2, 0.1])
    recurrent.load(model, flat | {"head.bias": np.log(chances)})
    for temperature in (1.0, 0.25):
        text = recurrent.sample(model, b"\x00", 120, temperature, 7)
        wanted = chances ** (1 / temperature)
        wanted = wanted / wanted.sum()
        expect.kind(text, bytes, "the text")
        shares = np.array([text.count(i) for i in range(4)]) / 120
        what = f"the shares of four symbols in 120, at a temperature of {temperature}"
        expect.close(shares, wanted, rtol=0, atol=0.18, what=what)
    first, same, other = (recurrent.sample(model, b"\x00", 30, 1.0, seed) for seed in (7, 7, 8))
    expect.equal(same, first, "the text of the same seed once more")
    expect.true(other != first, "two seeds gave the same text", got=other)


WEIGHTS = np.array([[0.9, -0.4, 0.3], [0.2, 0.8, -0.7]])
TURN = np.array([[0.5, 0.3, -0.2], [-0.4, 0.6, 0.1], [0.2, -0.3, 0.7]])


def plain(x, state, bend=np.tanh):
    """Run a plain cell: a right candidate."""
    outputs = [state]
    for t in range(x.shape[1]):
        outputs.append(bend(x[:, t] @ WEIGHTS + outputs[-1] @ TURN))
    return np.stack(outputs[1:], axis=1), outputs[-1]


@law(
    exercise="carries_its_state",
    points=2,
    hint="Cut a sequence in two and hand the state on: outputs and last state must be those of the whole. Run one "
    "stream of the batch alone. Change the first x, and then the state: every output must change. An exception is "
    "an answer too.",
)
def test_your_law_tells_right_from_wrong(recurrent):
    """Your law accepts three cells, and refuses those that forget, look ahead or mix streams."""

    def doubled(x, state):
        y, last = plain(x, state / 2)
        return 2 * y, 2 * last

    def forgets(x, state):
        return plain(x, 0 * state)

    def looks_ahead(x, state):
        y, last = plain(x[:, ::-1], state)
        return y[:, ::-1], last

    def centred(x, state):
        return plain(x - x.mean(axis=1, keepdims=True), state)

    def mixes(x, state):
        return plain(x - x.mean(axis=0), state)

    def returns_the_first(x, state):
        return plain(x, state)[0], state

    def returns_the_first_output(x, state):
        y, _ = plain(x, state)
        return y, y[:, 0]

    def memoryless(x, state):
        return np.tanh(x @ WEIGHTS), state + x.sum(axis=1) @ WEIGHTS

    def unmoved(x, state):
        return np.tanh(x @ WEIGHTS + (state @ TURN)[:, None]), state

    def deaf(x, state):
        return plain(0 * x, state)

    def neighbours(x, state):
        y, last = plain(x, np.roll(state, 1, axis=0))
        return y, last

    def failing(x, state):
        raise ValueError("state must be None")

    right = {
        "tanh": plain,
        "no bend": lambda x, state: plain(x, state, lambda h: h),
        "doubled": doubled,
    }
    wrong = {
        "forgets the state": forgets,
        "runs backward": looks_ahead,
        "takes the mean over time away": centred,
        "takes the mean over the streams away": mixes,
        "returns the state at the start": returns_the_first,
        "returns the first output as the last state": returns_the_first_output,
        "has no memory": memoryless,
        "never changes its state": unmoved,
        "doesn't hear x": deaf,
        "the neighbour's state": neighbours,
        "nothing": lambda *_: None,
        "exception": failing,
        "an output too few": lambda x, state: (plain(x, state)[0][:, 1:], plain(x, state)[1]),
    }
    for verdict, candidates in ((True, right), (False, wrong)):
        for name, candidate in candidates.items():
            got = recurrent.carries_its_state(candidate)
            expect.equal(got, verdict, f"your law on a {'right' if verdict else 'wrong'} candidate, {name!r}")

"""Public laws of lesson 12: layers against NumPy and central differences, metrics against plain counting."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from autograder.laws import expect, law

SEEDS = st.integers(0, 999)
F64 = "float64"
# Scores and the labels' shape: size 1, no examples at all, and a time axis as lesson 15 has it.
SHAPES = st.sampled_from([(3, 2), (1, 3), (4, 1), (0, 3), (2, 2, 3), (5, 4)])


def signed(seed, shape):
    """Draw multiples of 1/4 from −2 to 2, which are easy to read and exact."""
    return np.asarray(np.random.default_rng(seed).integers(-8, 9, shape) / 4)


def central(function, x):
    """Measure a gradient by central differences, in float64."""
    gradient = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        nudge = np.zeros(x.shape)
        nudge[place] = 1e-5
        gradient[place] = (function(x + nudge) - function(x - nudge)) / 2e-5
    return gradient


def bits_of(scores, labels):
    """Return the mean bits of labels, label by label, from differences of scores alone."""
    total, classes = 0.0, scores.shape[-1]
    for row, label in zip(scores.reshape(-1, classes), labels.ravel(), strict=True):
        total += math.log2(sum(math.exp(other - row[label]) for other in row))
    return total / max(1, labels.size)


def numbers(pairs, kind=int):
    """Return the parts of each pair as two arrays."""
    labels, scores = zip(*pairs, strict=True)
    return np.array(labels, dtype=np.int64), np.array(scores, dtype=kind)


@law(
    exercise="log_softmax",
    points=2,
    examples=20,
    hint="ln of e^s / Σ e^s is s - ln Σ e^s, with the sum along the last axis. Keep that axis, with length 1.",
)
@given(seed=SEEDS, shape=SHAPES, shift=st.sampled_from([0, 3, -50]))
@example(seed=0, shape=(3, 2), shift=0)
def test_log_softmax(classification, seed, shape, shift):
    """Probabilities are in the ratio of e to the scores, add up to 1, and don't change with a shift."""
    scores = signed(seed, shape)
    powers = np.exp(scores)
    expected = np.log(powers / powers.sum(axis=-1, keepdims=True))
    got = classification.log_softmax(scores + shift)
    expect.close(got, expected, what=f"the logarithms for scores that were shifted by {shift}")


@law(
    exercise="log_softmax",
    points=2,
    hint="e^10000 is infinite to a computer. A shift changes nothing: take the largest score of each row "
    "away first. And never take the logarithm of a probability that has become 0.",
)
def test_large_scores(classification):
    """Scores of ±10,000 have finite logarithms, in float32 too."""
    scores = np.array([[1e4, 0.0, -1e4], [-1e4, -1e4, -1e4], [1e4, 1e4, 0.0]])
    half, third = math.log(2), math.log(3)
    expected = np.array([[0.0, -1e4, -2e4], [-third] * 3, [-half, -half, -1e4 - half]])
    expect.close(classification.log_softmax(scores), expected, what="the logarithms")
    narrow = classification.log_softmax(scores.astype(np.float32))
    expect.close(narrow, expected.astype(np.float32), rtol=1e-6, what="the logarithms in float32")
    expect.equal(str(narrow.dtype), "float32", "the dtype of the result for float32")


@law(
    exercise="cross_entropy",
    points=1,
    hint="On paper: with scores 0 and ln 3 the probabilities are 1/4 and 3/4, and -log₂ of them is 2 and 0.415 "
    "bits. The gradient is divided by the number of labels and by ln 2.",
)
def test_pencil_example(classification):
    """Two even odds and three to one cost 1 and 0.415 bits: their mean and its gradient."""
    scores, labels = np.array([[0.0, 0.0], [0.0, math.log(3)]]), np.array([0, 1])
    bits, gradient = classification.cross_entropy(scores, labels)
    expect.close(bits, (1 + math.log2(4 / 3)) / 2, what="the mean bits")
    expected = np.array([[-0.5, 0.5], [0.25, -0.25]]) / 2 / math.log(2)
    expect.close(gradient, expected, what="the gradient by the scores")


@law(
    exercise="cross_entropy",
    points=3,
    examples=16,
    hint="The gradient by a score is its probability, less 1 for the right class: divided by the number of "
    "labels, because you return their mean, and by ln 2, because you return bits.",
)
@given(seed=SEEDS, shape=SHAPES)
@example(seed=0, shape=(3, 2))
@example(seed=0, shape=(0, 3))
def test_cross_entropy(classification, seed, shape):
    """The bits agree with a sum label by label, the gradient with central differences; no labels cost 0."""
    scores = signed(seed, shape)
    labels = np.random.default_rng(seed + 1).integers(0, shape[-1], shape[:-1])
    bits, gradient = classification.cross_entropy(scores, labels)
    expect.close(bits, bits_of(scores, labels), what="the mean bits")
    expected = central(lambda nudged: bits_of(nudged, labels), scores)
    expect.close(gradient, expected, rtol=1e-6, atol=1e-8, what="the gradient by the scores")


@law(
    exercise="Linear",
    points=3,
    examples=10,
    hint="Let the shapes lead: W has a row for each input, and only one product of x and dy has its shape. "
    "What several examples used adds up over them, the bias too; flatten all axes before the last one for "
    "that. Calls don't add up.",
)
@given(
    seed=SEEDS,
    shape=st.sampled_from([(2, 3), (1, 1), (4, 2), (0, 3), (2, 2, 3), (3, 1)]),
    outputs=st.integers(1, 3),
)
@example(seed=0, shape=(2, 3), outputs=2)
@example(seed=0, shape=(2, 2, 2), outputs=2)
@example(seed=0, shape=(0, 3), outputs=2)
def test_linear(classification, seed, shape, outputs):
    """A linear layer's result and all its gradients agree with NumPy and central differences."""
    x, dy = signed(seed, shape), signed(seed + 1, (*shape[:-1], outputs))
    weight, bias = signed(seed + 2, (shape[-1], outputs)), signed(seed + 3, (outputs,))
    layer = classification.Linear(shape[-1], outputs, 0, dtype=F64)
    classification.load(layer, {"weight": weight, "bias": bias})

    def forward(x, weight, bias):
        return (x[..., None] * weight).sum(axis=-2) + bias

    y, dx, gradients = classification.probe(layer, x, dy)
    expect.close(y, forward(x, weight, bias), what="y")
    expected = central(lambda x: np.sum(dy * forward(x, weight, bias)), x)
    expect.close(dx, expected, rtol=1e-6, atol=1e-8, what="the gradient by x")
    expect.equal(sorted(gradients), ["bias", "weight"], "the names of the gradients")
    expected = central(lambda weight: np.sum(dy * forward(x, weight, bias)), weight)
    expect.close(gradients["weight"], expected, rtol=1e-6, atol=1e-8, what="the gradient by the weight")
    expected = central(lambda bias: np.sum(dy * forward(x, weight, bias)), bias)
    expect.close(gradients["bias"], expected, rtol=1e-6, atol=1e-8, what="the gradient by the bias")
    _, _, again = classification.probe(layer, x, dy)
    expect.equal(again, gradients, "the gradients at a second call")


@law(
    exercise="Linear",
    points=1,
    hint="The variance is the square of the deviation, and the deviation is what `normal` takes. Draw from "
    "the generator that you are given.",
)
def test_where_weights_start(classification):
    """Weights start with variance 2 / inputs, or 2 / (inputs + outputs), drawn from the generator; biases at 0."""
    for kind, variance in (("he", 2 / 50), ("glorot", 2 / 250)):
        start = classification.Linear(50, 200, 3, kind).parameters
        weight, bias = start["weight"].astype(np.float64), start["bias"]
        expect.equal(bias, np.zeros(200, np.float32), f"the biases ({kind})")
        expect.equal(weight.shape, (50, 200), f"the shape of the weights ({kind})")
        expect.close(weight.var(), variance, rtol=0.06, what=f"the variance of the weights ({kind})")
        expect.close(weight.mean(), 0.0, atol=0.01, what=f"the mean of the weights ({kind})")
        again = classification.Linear(50, 200, 3, kind).parameters["weight"].astype(np.float64)
        expect.equal(again, weight, "the weights from the same seed")
    random = classification.generator(3)
    first = classification.Linear(50, 200, random).parameters["weight"]
    second = classification.Linear(50, 200, random).parameters["weight"]
    expect.equal(first, classification.Linear(50, 200, 3).parameters["weight"], "the first from a generator")
    expect.true(not np.array_equal(first, second), "one generator gave two layers the same weights")


@law(
    exercise="ReLU",
    points=2,
    examples=12,
    hint="The gradient passes where the input was above 0: neither the gradient's own sign nor the size of y decides.",
)
@given(seed=SEEDS, shape=SHAPES)
@example(seed=0, shape=(3, 2))
def test_relu(classification, seed, shape):
    """ReLU keeps what is above 0 and lets the gradient through there; at 0 the slope is 0."""
    x, dy = signed(seed, shape), signed(seed + 1, shape)
    y, dx, gradients = classification.probe(classification.ReLU(), x, dy)
    expect.close(y, x * (x > 0), what="y")
    expect.close(dx, dy * (x > 0), what=f"the gradient by x, where that by y is {dy.tolist()}")
    expect.equal(gradients, {}, "the gradients by parameters, of which there are none")


@law(
    exercise="Dropout",
    points=2,
    examples=6,
    hint="Divide what stays by the probability to stay. What was drawn forward must be used backward too, so keep it.",
)
@given(seed=SEEDS, share=st.sampled_from([0.25, 0.5, 0.2, 0.75, 0.9]))
@example(seed=0, share=0.25)
def test_dropout_keeps_the_mean(classification, seed, share):
    """The share is dropped, the rest grows so that the mean stays, and the gradient goes the same way."""
    x = np.full((40, 50), 2.0)
    layer = classification.Dropout(share, seed)
    layer.mode(True, step=seed)
    y, dx, _ = classification.probe(layer, x, np.ones((40, 50)))
    dropped = y == 0
    spread = 5 * math.sqrt(share * (1 - share) / x.size)
    expect.close(dropped.mean(), share, rtol=0, atol=spread, what="the share of what was dropped")
    expect.close(y, np.where(dropped, 0, 2 / (1 - share)), what="y")
    expect.close(dx, y / 2, what="the gradient by x for a gradient of ones by y")


@law(
    exercise="Dropout",
    points=1,
    hint="Look at self.training. In training, draw from np.random.default_rng([self.seed, self.training_step]): "
    "nothing less, or every step drops the same, and nothing more, or a resumed training isn't the same.",
)
def test_when_dropout_draws(classification):
    """Out of training dropout is the identity; in training each step and each seed draws anew, and repeatably."""
    x = np.arange(1.0, 25.0).reshape(4, 6)
    layer, other = classification.Dropout(0.5, 1), classification.Dropout(0.5, 2)

    def drawn(layer, training, step):
        layer.mode(training, step=step)
        y, dx, _ = classification.probe(layer, x, x)
        expect.equal(dx, y, "the gradient by x where that by y is x itself")
        return y

    first = drawn(layer, True, 0)
    expect.true(0 < np.mean(first == 0) < 1, "in training some numbers are dropped", got=first)
    expect.equal(drawn(layer, False, 0), x, "y out of training")
    expect.equal(drawn(layer, True, 0), first, "y at step 0 once more")
    columns = [set(np.flatnonzero(row).tolist()) for row in first]
    expect.true(columns.count(columns[0]) < len(columns), "all rows dropped the same columns", got=first)
    for name, y in (("at step 1", drawn(layer, True, 1)), ("of another seed", drawn(other, True, 0))):
        expect.true(not np.array_equal(y, first), f"the draw {name} is that of seed 1 at step 0", got=y)
    expect.equal(drawn(classification.Dropout(0, 1), True, 0), x, "y where a share of 0 is dropped")


@law(
    exercise="Sequential",
    points=2,
    hint="Forward in order, backward in the opposite order. The parameters are the layers' own arrays, not "
    "copies: what an optimizer changes there must change the layers.",
)
def test_sequential(classification):
    """A chain's result, gradients and names are those of its layers, and its parameters are theirs."""
    first, second = (classification.Linear(n, m, n, dtype=F64) for n, m in ((2, 3), (3, 2)))
    model = classification.Sequential(first, classification.Tanh(), second)
    values = {
        "0.weight": signed(1, (2, 3)),
        "0.bias": signed(2, (3,)),
        "2.weight": signed(3, (3, 2)),
        "2.bias": signed(4, (2,)),
    }
    expect.equal(list(model.parameters), list(values), "the names of the parameters")
    classification.load(model, values)
    expect.equal(
        first.parameters["weight"], values["0.weight"], "layer 0's weight, changed by way of the chain"
    )
    x, dy = signed(5, (3, 2)), signed(6, (3, 2))

    def forward(x, values):
        hidden = np.tanh(x @ values["0.weight"] + values["0.bias"])
        return hidden @ values["2.weight"] + values["2.bias"]

    y, dx, gradients = classification.probe(model, x, dy)
    expect.close(y, forward(x, values), what="y")
    expected = central(lambda x: np.sum(dy * forward(x, values)), x)
    expect.close(dx, expected, rtol=1e-6, atol=1e-8, what="the gradient by x")
    expect.equal(list(gradients), list(values), "the names of the gradients")
    for name in values:
        expected = central(
            lambda array, name=name: np.sum(dy * forward(x, values | {name: array})), values[name]
        )
        expect.close(gradients[name], expected, rtol=1e-6, atol=1e-8, what=f"the gradient by {name}")


@law(
    exercise="Sequential",
    points=1,
    hint="mode must reach every layer, with both of what it was told; a chain in a chain is a layer like any other.",
)
def test_a_chain_passes_the_mode_on(classification):
    """Each layer of a chain, and of a chain within it, hears whether it trains, and at which step."""
    dropout = classification.Dropout(0.5, 1)
    model = classification.Sequential(classification.Sequential(dropout), classification.ReLU())
    x = np.ones((4, 8))
    model.mode(True, step=7)
    expect.equal([dropout.training, dropout.training_step], [True, 7], "the inner layer's training and step")
    expect.equal([model.training, model.training_step], [True, 7], "the chain's own training and step")
    alone = classification.Dropout(0.5, 1)
    alone.mode(True, step=7)
    expect.equal(model.forward(x), alone.forward(x), "what a chain around a dropout gives in training")
    model.mode(False)
    expect.equal(model.forward(x), x, "what it gives out of training")


@law(
    exercise="weight_penalty",
    points=2,
    examples=10,
    hint="The penalty is half the strength times the sum of squares, so the gradient is the strength times "
    "the weight. Biases are free, and are named all the same.",
)
@given(seed=SEEDS, strength=st.sampled_from([0.5, 1.0, 0.0, 0.25]))
@example(seed=1, strength=0.5)
def test_weight_penalty(classification, seed, strength):
    """The penalty counts weights and not biases, and its gradients agree with central differences."""
    shapes = {"0.weight": (2, 2), "0.bias": (2,), "3.weight": (3,)}
    parameters = {name: signed(seed + i, shape) for i, (name, shape) in enumerate(shapes.items())}

    def expected(parameters):
        return strength / 2 * sum(float(np.sum(parameters[name] ** 2)) for name in ("0.weight", "3.weight"))

    total, gradients = classification.weight_penalty(parameters, strength)
    expect.close(total, expected(parameters), what="the penalty")
    expect.equal(list(gradients), list(parameters), "the names of the gradients")
    for name, array in parameters.items():
        slope = central(lambda array, name=name: expected(parameters | {name: array}), array)
        expect.close(gradients[name], slope, rtol=1e-6, atol=1e-8, what=f"the gradient by {name}")


@law(
    exercise="standardise",
    points=2,
    examples=15,
    hint="Take mean and deviation from the training rows alone, column by column, and use them on every "
    "table. Where all rows are equal there is nothing to divide by.",
)
@given(seed=SEEDS, rows=st.integers(1, 4), outlier=st.sampled_from([0, 1000]))
@example(seed=0, rows=3, outlier=1000)
def test_standardise(classification, seed, rows, outlier):
    """Training columns get mean 0 and deviation 1; other tables are moved by the same numbers, whatever they hold."""
    train, other = signed(seed, (rows, 3)), signed(seed + 1, (2, 3)) + outlier
    train[:, 1] = 0.1  # three times 0.1, divided by 3, is not 0.1 to a computer
    tables = classification.standardise(train, other, other[:1])
    expect.kind(tables, list, "the tables")
    expect.equal(len(tables), 3, "the number of tables")
    for name, table, before in zip(
        ("train", "other", "third"), tables, (train, other, other[:1]), strict=True
    ):
        columns = []
        for column, reference in zip(before.T, train.T, strict=True):
            mean = sum(reference) / rows
            deviation = math.sqrt(sum((value - mean) ** 2 for value in reference) / rows)
            columns.append((column - mean) / (deviation if len(set(reference)) > 1 else 1))
        expect.close(table, np.array(columns).T, atol=1e-9, what=f"the {name} table")


def clouds(seed, rows):
    """Draw points around (−1, 1) and (1, −1), and from which of the two each comes."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, rows)
    return random.normal(size=(rows, 2)) + np.outer(2 * labels - 1, [1, -1]), labels


@law(
    exercise="train",
    points=2,
    hint="One step: mode(True, optimizer.steps), the rows that fit names, forward, cross_entropy, backward. The "
    "penalty is part of the loss. Count steps from 0, as fit does.",
)
def test_what_a_step_loses(classification):
    """A step's loss is the bits of its rows, in training at this step, and the penalty on the weights."""
    x, labels = clouds(1, 7)
    linear, dropout = classification.Linear(2, 2, 0, dtype=F64), classification.Dropout(0.5, 3)
    model, plan = classification.Sequential(dropout, linear), classification.Plan(7, 4, 3)
    weight = linear.parameters["weight"]
    expected = []
    for step in range(3):
        rows = plan.rows(step)
        dropout.mode(True, step=step)
        bits = bits_of(dropout.forward(x[rows]) @ weight, labels[rows])
        expected.append(bits + 0.1 / 2 * float(np.sum(weight**2)))
    losses = classification.train(model, (x, labels), (x, labels), plan, rate=0.0, strength=0.1).losses
    expect.equal(len(losses), 3, "the number of losses")
    for step in range(3):
        expect.close(losses[step], expected[step], what=f"the loss of step {step}, where the rate is 0")


@law(
    exercise="train",
    points=1,
    hint="Measure the validation set and nothing else, out of training, without the penalty. And whatever happened, "
    "leave the model out of training.",
)
def test_the_best_on_the_validation_set_is_left(classification):
    """The weights that are left have the validation bits that were least, and the model is out of training."""
    examples, (x, labels) = clouds(1, 12), clouds(2, 6)
    linear, dropout = classification.Linear(2, 2, 0, dtype=F64), classification.Dropout(0.5, 3)
    model, measured = classification.Sequential(dropout, linear), []
    before = bits_of(x @ linear.parameters["weight"], labels)
    done = classification.train(
        model,
        examples,
        (x, labels),
        classification.Plan(12, 12, 12),
        rate=0.3,
        strength=0.1,
        progress=lambda _, loss, *_more: measured.append(loss),
    )
    expect.equal([model.training, dropout.training], [False, False], "whether it is in training afterwards")
    weights = linear.parameters
    left = bits_of(x @ weights["weight"] + weights["bias"], labels)
    expect.close(
        min(measured), left, what="the least that was measured, beside the bits of the weights that are left"
    )
    expect.close(
        done.best, left, what="the least loss that came back, beside the bits of the weights that are left"
    )
    expect.true(
        left < before, "training has left a model that is no better than the one it began with", got=left
    )
    model.mode(True, step=5)
    classification.train(model, examples, (x, labels), classification.Plan(12, 12, 0))
    expect.equal(
        [model.training, dropout.training], [False, False], "whether it is in training after no step"
    )
    expect.equal(linear.parameters, weights, "the parameters after no step")


@law(
    exercise="rates",
    points=2,
    examples=20,
    hint="Rows are what is so, columns what was said. Precision divides by what was said to be positive, "
    "recall by what is. Where there is nothing to divide by, the share is 0.0. False alarms are a "
    "share of all that aren't positive.",
)
@given(raw=st.binary(min_size=1, max_size=12), positive=st.integers(0, 2))
@example(raw=b"\x00\x01\x01\x03\x03\x03\x04", positive=1)
@example(raw=b"\x00", positive=1)
@example(raw=b"\x04\x04", positive=1)
def test_rates(classification, raw, positive):
    """All rates agree with going through the examples one by one, and the share of nothing is 0.0."""
    pairs = [(byte % 3, byte // 3 % 3) for byte in raw]
    table = np.zeros((3, 3), dtype=np.int64)
    for truth, said in pairs:
        table[truth, said] += 1

    def share(part, whole):
        return len([p for p in pairs if part(*p) and whole(*p)]) / max(
            1, len([p for p in pairs if whole(*p)])
        )

    def said_so(truth, said):
        return said == positive

    def is_so(truth, said):
        return truth == positive

    precision, recall = share(is_so, said_so), share(said_so, is_so)
    expected = {
        "accuracy": share(lambda truth, said: truth == said, lambda *_: True),
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / (precision + recall) if precision + recall else 0.0,
        "false alarms": share(said_so, lambda truth, _: truth != positive),
    }
    got = classification.rates(table, positive)
    expect.equal(sorted(got), sorted(expected), "the names of the rates")
    for name, rate in expected.items():
        expect.kind(got[name], float, name)
        expect.close(got[name], rate, what=name)


RANKED = st.lists(st.tuples(st.integers(0, 1), st.integers(-3, 4)), max_size=8).map(
    lambda pairs: [*pairs, (0, 0), (1, 1)]
)


@law(
    exercise="roc",
    points=3,
    examples=25,
    hint="Go through the different scores from the highest down: all examples with that score are called 1 "
    "together. Divide hits by the number of 1s, and false alarms by the number of 0s.",
)
@given(pairs=RANKED)
@example(pairs=[(0, 1), (1, 4), (1, 8), (0, 4)])
@example(pairs=[(1, 0), (0, 0)])
@example(pairs=[(1, 2), (0, 2), (1, 2), (0, 1), (0, 2)])
def test_roc(classification, pairs):
    """Each point of the curve is what one finds by counting at its threshold, and equal scores are one point."""
    labels, scores = numbers(pairs, float)
    scores = scores / 4
    thresholds = [math.inf, *sorted(set(scores.tolist()), reverse=True)]
    expected = [
        [np.mean(scores[labels == kind] >= threshold) for threshold in thresholds] for kind in (0, 1)
    ] + [thresholds]
    got = classification.roc(labels, scores)
    expect.kind(got, tuple, "the curve")
    for name, array, right in zip(("false alarms", "hits", "thresholds"), got, expected, strict=True):
        expect.close(array, np.array(right), what=f"the {name}")


@law(
    exercise="reliability",
    points=2,
    examples=15,
    hint="Bin i holds the probabilities from i / bins to just below (i + 1) / bins; 1.0 goes to the last. "
    "Within a bin, take the means of the probabilities and of the labels.",
)
@given(
    pairs=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 16)), min_size=1, max_size=12),
    bins=st.sampled_from([1, 2, 4, 8]),
)
@example(pairs=[(0, 4), (1, 8), (1, 16)], bins=2)
@example(pairs=[(1, 16), (0, 12), (1, 0)], bins=4)
def test_reliability(classification, pairs, bins):
    """Each bin's number, mean probability and share of 1s agree with picking its examples one by one."""
    labels, sixteenths = numbers(pairs)
    expected = []
    for low in range(bins):
        here = [
            (y, p / 16)
            for y, p in pairs
            if low <= p * bins / 16 < low + 1 or p * bins == 16 * (low + 1) == 16 * bins
        ]
        if here:
            n = len(here)
            expected.append((n, sum(p for _, p in here) / n, sum(y for y, _ in here) / n))
    got = classification.reliability(labels, sixteenths / 16, bins)
    expect.kind(got, list, "the bins")
    expect.equal([row[0] for row in got], [row[0] for row in expected], "the numbers of examples")
    for i, name in ((1, "mean probabilities"), (2, "shares of 1s")):
        values = np.array([float(row[i]) for row in got])
        expect.close(values, np.array([row[i] for row in expected]), what=f"the {name}")


@law(
    exercise="decide",
    points=1,
    examples=15,
    hint="To answer 1 costs (1 - p) · false_alarm on average, to answer 0 costs p · miss. Take the smaller; "
    "at equality, answer 1.",
)
@given(
    seed=SEEDS,
    costs=st.sampled_from([(1.0, 1.0), (1.0, 3.0), (3.0, 1.0), (2.0, 6.0), (0.0, 1.0), (1.0, 0.0)]),
)
@example(seed=0, costs=(1.0, 3.0))
def test_decide(classification, seed, costs):
    """No answers cost less on average than yours, and where both cost the same the answer is 1."""
    probability = np.append(np.random.default_rng(seed).integers(0, 9, 6) / 8, [0.25, 0.5, 0.75])
    false_alarm, miss = costs
    expected = [int((1 - p) * false_alarm <= p * miss) for p in probability.tolist()]
    got = classification.decide(probability, false_alarm, miss)
    expect.equal(got, np.array(expected), f"the answers for {probability.tolist()}")
    dearer = np.arange(1.0, 10.0)
    expected = [int((1 - p) * 4 <= p * m) for p, m in zip(probability.tolist(), dearer.tolist(), strict=True)]
    got = classification.decide(probability, 4.0, dearer)
    expect.equal(got, np.array(expected), "the answers where each miss has a cost of its own, from 1 to 9")


def pairs_in_order(labels, scores):
    """Return the share of pairs of a 1 and a 0 that are in order, where equal scores count a half."""
    gaps = np.subtract.outer(scores[labels == 1], scores[labels == 0])
    return float(np.mean((gaps > 0) + (gaps == 0) / 2))


@law(
    exercise="is_auc",
    points=2,
    hint="Compute the share of pairs in order yourself, for labels and scores that you draw: with equal "
    "scores, with scores below 0 and above 1, in any order. An exception is an answer too.",
)
def test_your_law_tells_right_from_wrong(classification):
    """Your law accepts two right implementations, and refuses those that miscount ties, signs, scales or order."""

    def by_ranks(labels, scores):
        rank = np.array([np.mean(scores < s) + np.mean(scores == s) / 2 for s in scores]) * len(scores) + 0.5
        ones, zeros = int(np.sum(labels == 1)), int(np.sum(labels == 0))
        return (rank[labels == 1].sum() - ones * (ones + 1) / 2) / (ones * zeros)

    def ties_lose(labels, scores):
        return float(np.mean(np.subtract.outer(scores[labels == 1], scores[labels == 0]) > 0))

    def ties_win(labels, scores):
        return float(np.mean(np.subtract.outer(scores[labels == 1], scores[labels == 0]) >= 0))

    def first_come(labels, scores):
        ranks = np.argsort(np.argsort(scores, kind="stable")) + 1
        ones, zeros = int(labels.sum()), int(np.sum(labels == 0))
        return float((ranks[labels == 1].sum() - ones * (ones + 1) / 2) / (ones * zeros))

    def failing(labels, scores):
        raise ValueError("scores must lie between 0 and 1")

    right = {"pairs": pairs_in_order, "ranks": by_ranks}
    wrong = {
        "ties count nothing": ties_lose,
        "ties count whole": ties_win,
        "the wrong way round": lambda labels, scores: 1 - pairs_in_order(labels, scores),
        "never below a half": lambda labels, scores: max(pairs_in_order(labels, scores), 0.5),
        "flipped above a half": lambda labels, scores: 0.5 + abs(pairs_in_order(labels, scores) - 0.5),
        "cut to 0 and 1": lambda labels, scores: pairs_in_order(labels, np.clip(scores, 0, 1)),
        "without the sign": lambda labels, scores: pairs_in_order(labels, np.abs(scores)),
        "ties by row": first_come,
        "accuracy at a half": lambda labels, scores: float(np.mean((scores >= 0.5) == labels)),
        "a constant": lambda *_: 0.5,
        "no number": lambda *_: None,
        "not a number": lambda *_: float("nan"),
        "exception": failing,
    }
    for verdict, candidates in ((True, right), (False, wrong)):
        for name, candidate in candidates.items():
            got = classification.is_auc(candidate)
            expect.equal(got, verdict, f"your law on a {'right' if verdict else 'wrong'} candidate, {name!r}")

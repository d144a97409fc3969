"""Hidden laws of lesson 12: extreme scores, other dtypes, whole trainings beside the reference, planted mistakes."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from autograder.laws import expect, law

SEEDS = st.integers(0, 999)


def clouds(seed, rows):
    """Draw points around (−1, 1) and (1, −1), and from which of the two each comes."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, rows)
    return random.normal(size=(rows, 2)) + np.outer(2 * labels - 1, [1, -1]), labels


@law(
    exercise="log_softmax",
    points=1,
    hint="Look for the place where NumPy warns: turn warnings into errors with np.errstate(all='raise'), "
    "and call it with scores of ±10,000. Write to nothing that you were given.",
)
def test_no_warning_and_nothing_changed(classification):
    """Large scores raise no warning, a score of −∞ has probability 0, and a borrowed array is left alone."""
    scores = np.array([[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4]])
    got = classification.carefully(classification.log_softmax, scores)
    third = math.log(3)
    expect.close(got, np.array([[0.0, -2e4, -1e4], [-third, -third, -third]]), what="the logarithms")
    masked = classification.log_softmax(np.array([0.0, -np.inf, 0.0]))
    expect.close(np.exp(masked), np.array([0.5, 0.0, 0.5]), what="the probabilities where one score is -∞")


@law(
    exercise="cross_entropy",
    points=1,
    examples=10,
    hint="Don't take the logarithm of a probability: the one of the right class may be 0 to a computer, and "
    "its cost is still finite. Pick from log_softmax.",
)
@given(seed=SEEDS, scale=st.sampled_from([1e4, 3e3, 100.0]))
@example(seed=0, scale=1e4)
def test_cross_entropy_of_large_scores(classification, reference, seed, scale):
    """Scores of ±10,000 cost finite bits with finite gradients, without a warning, in float32 too."""
    random = np.random.default_rng(seed)
    scores, labels = random.choice([-scale, 0.0, scale], (4, 3)), random.integers(0, 3, 4)
    for dtype, near in ((np.float64, 1e-9), (np.float32, 1e-5)):
        narrow = scores.astype(dtype)
        bits, gradient = classification.carefully(classification.cross_entropy, narrow, labels)
        wanted, slope = reference.cross_entropy(narrow, labels)
        expect.close(bits, wanted, rtol=near, what=f"the bits of scores in {np.dtype(dtype)}")
        expect.close(gradient, slope, rtol=near, atol=near, what="their gradient")
        expect.equal(str(gradient.dtype), str(np.dtype(dtype)), "the dtype of the gradient")


@law(
    exercise="cross_entropy",
    points=1,
    examples=8,
    hint="Nothing may depend on which row comes first or which class has which number. Twice the rows, each "
    "as often, have the same mean.",
)
@given(seed=SEEDS)
def test_rows_and_classes_have_no_order(classification, seed):
    """Rows, and classes with their labels, can be reordered or repeated: the mean stays, the gradient moves along."""
    random = np.random.default_rng(seed)
    scores, labels = random.normal(size=(5, 3)), random.integers(0, 3, 5)
    bits, gradient = classification.cross_entropy(scores, labels)
    rows, classes = random.permutation(5), random.permutation(3)
    moved, slopes = classification.cross_entropy(scores[rows][:, classes], np.argsort(classes)[labels[rows]])
    expect.close(moved, bits, what="the bits of reordered rows and classes")
    expect.close(slopes, gradient[rows][:, classes], what="their gradient")
    twice, slopes = classification.cross_entropy(np.tile(scores, (2, 1)), np.tile(labels, 2))
    expect.close(twice, bits, what="the bits where each row stands twice")
    expect.close(slopes, np.tile(gradient, (2, 1)) / 2, what="their gradient")


@law(
    exercise="Linear",
    points=2,
    hint="Cast what comes in to the dtype of the weights, x and dy, and make no new array with NumPy's default dtype.",
)
def test_a_layer_computes_in_its_own_dtype(classification):
    """A float32 layer gives float32, and has float32 gradients, whatever comes in; a float64 layer float64."""
    x, dy = np.ones((3, 2)), np.ones((3, 4))
    for dtype, other in (("float32", np.float64), ("float64", np.float32)):
        layer = classification.Linear(2, 4, 0, "glorot", dtype)
        expect.equal(
            [str(array.dtype) for array in layer.parameters.values()],
            [dtype] * 2,
            "the dtypes of the parameters",
        )
        y, dx, gradients = classification.probe(layer, x.astype(other), dy.astype(other))
        for name, array in {"y": y, "dx": dx, **gradients}.items():
            expect.equal(str(array.dtype), dtype, f"the dtype of {name} of a layer of {dtype}")


@law(
    exercise="ReLU",
    points=1,
    hint="What do x and dy have in common with what comes out? Their shape and their dtype.",
)
def test_relu_of_other_arrays(classification):
    """ReLU keeps shape and dtype of float32 arrays, of three axes, of scores far apart, and of nothing."""
    layer = classification.ReLU()
    for x in (np.zeros((0, 3)), np.array([[[1e30, -1e30], [0.0, 2.0]]], np.float32), np.array([-0.5])):
        y, dx, _ = classification.probe(layer, x, np.full(x.shape, -3, x.dtype))
        expect.equal(y, np.maximum(x, 0), "y")
        expect.equal(dx, np.where(x > 0, -3, 0).astype(x.dtype), "the gradient by x where that by y is -3")


@law(
    exercise="Dropout",
    points=1,
    hint="The mean of many steps is x itself. Draw one number for each number in x, whatever its shape, and "
    "keep x's dtype, in training and out of it.",
)
def test_dropout_over_many_steps(classification):
    """The mean over many steps is x, each number is drawn for itself, and dtype and shape are those of x."""
    x = np.array([[[1.0, 2.0]], [[3.0, -4.0]]], np.float32)
    layer, total = classification.Dropout(0.25, 5), np.zeros((2, 1, 2))
    for step in range(40):
        layer.mode(True, step=step)
        y = layer.forward(x)
        if step < 2:
            expect.equal(str(y.dtype), "float32", "the dtype of y")
            expect.equal(str(layer.backward(x).dtype), "float32", "the dtype of the gradient by x")
        total += y
    expect.close(total / 40, x.astype(np.float64), rtol=0.4, what="the mean of y over 40 steps")
    layer.mode(False)
    expect.equal(layer.forward(x), x, "y out of training")
    expect.equal(layer.backward(2 * x), 2 * x, "the gradient by x out of training")
    expect.equal(layer.forward(x[:0]), x[:0], "y for no examples")


@law(
    exercise="Sequential",
    points=1,
    hint="A chain of chains has names with two numbers, and a chain of nothing gives back what it was given.",
)
def test_chains_in_chains(classification):
    """Chains can hold chains or nothing, and each backward sets the gradients anew."""
    inner = classification.Sequential(
        classification.Linear(2, 2, 1, "glorot", "float64"), classification.ReLU()
    )
    model = classification.Sequential(classification.ReLU(), inner)
    names = ["1.0.weight", "1.0.bias"]
    expect.equal(list(model.parameters), names, "the names of the parameters")
    x, dy = np.array([[1.0, -2.0], [0.5, 3.0]]), np.array([[1.0, 1.0], [2.0, -1.0]])
    _, dx, first = classification.probe(model, x, dy)
    _, _, second = classification.probe(model, x, dy)
    expect.equal(list(second), names, "the names of the gradients")
    for name in names:
        expect.equal(second[name], first[name], f"the gradient by {name} at the second call")
    expect.equal(float(dx[0, 1]), 0.0, "the gradient by an input that was below 0")
    empty = classification.Sequential()
    y, dx, gradients = classification.probe(empty, x, dy)
    expect.equal([y, dx], [x, dy], "y and the gradient by x of a chain of nothing")
    expect.equal(gradients, {}, "its gradients")


@law(
    exercise="standardise",
    points=1,
    hint="Call it with the training rows and other rows, and then with the same training rows and quite "
    "different ones: what comes back for the training rows may not change.",
)
def test_nothing_leaks_into_the_statistics(classification):
    """What other tables hold changes neither the training table nor the numbers that scale; nothing is written to."""
    train = np.random.default_rng(4).normal(3, 2, (6, 2))
    (alone,) = classification.standardise(train)
    for other in (train[:1] + 100, np.zeros((0, 2)), np.full((3, 2), 1e9)):
        first, second = classification.carefully(classification.standardise, train, other)
        expect.equal(first, alone, f"the training table beside one of shape {other.shape}")
        expect.close(second, (other - train.mean(axis=0)) / train.std(axis=0), what="the other table")
    flat = np.full((3, 2), 0.1, np.float32)
    moved = classification.standardise(flat, flat + np.float32(1))
    expect.close(np.asarray(moved[0], float), np.zeros((3, 2)), atol=1e-6, what="a table of constants")
    expect.close(
        np.asarray(moved[1], float), np.ones((3, 2)), rtol=1e-5, what="constants, 1 higher, beside it"
    )


@law(
    exercise="train",
    points=2,
    hint="Go through one step with the docstring beside you: rows of the examples, mode(True, optimizer.steps), "
    "the penalty in the loss and in the gradients. Then the measurement: the validation set, mode(False), no "
    "penalty.",
)
def test_a_whole_training_beside_the_reference(classification, reference):
    """Losses, measurements, early stop, best weights and a resumed training agree with ours."""
    examples, validation = clouds(5, 30), clouds(6, 9)

    def trained(module, steps, resume=None, patience=math.inf):
        layers = (
            module.Linear(2, 5, 1, "he", "float64"), module.ReLU(), module.Dropout(0.4, 2),
            module.Linear(5, 2, 3, "glorot", "float64"),
        )  # fmt: skip
        start = {"0.weight": (2, 5), "0.bias": (5,), "3.weight": (5, 2), "3.bias": (2,)}
        model, seen = module.Sequential(*layers), []
        module.load(
            model, {name: np.sin(np.arange(1.0, 1 + np.prod(s))).reshape(s) for name, s in start.items()}
        )
        plan = module.Plan(30, 8, steps, seed=4, every=2, patience=patience)
        done = module.train(
            model, examples, validation, plan, rate=0.1, strength=0.02, resume=resume,
            progress=lambda step, loss, *_: seen.append([step, loss]),
        )  # fmt: skip
        flat = np.concatenate([array.ravel() for array in model.parameters.values()])
        return done.losses, done.why, done.best, np.array(seen), flat, done.state

    parts = (
        "the losses",
        "why it ended",
        "the least measured loss",
        "the measurements",
        "the weights that are left",
    )
    whole = trained(classification, 14)
    for got, wanted in (
        (whole, trained(reference, 14)),
        (trained(classification, 40, patience=2), trained(reference, 40, patience=2)),
    ):
        for part, mine, theirs in zip(parts, got, wanted, strict=False):
            if type(theirs) is str:
                expect.equal(mine, theirs, part)
            else:
                expect.close(np.asarray(mine), np.asarray(theirs), rtol=1e-6, atol=1e-9, what=part)
    half = trained(classification, 6)
    rest = trained(classification, 14, resume=half[-1])
    what = "the losses of steps 6 to 13, resumed from a checkpoint"
    expect.close(np.array(rest[0]), np.array(whole[0][6:]), what=what)
    expect.close(rest[4], whole[4], what="the weights that are left after the resumed training")


@law(
    exercise="rates",
    points=1,
    hint="The others are all examples that aren't of the positive class. Try a table of four classes, and "
    "numbers that are all different.",
)
def test_rates_of_four_classes(classification, reference):
    """With four classes, each in turn is the positive one; an empty table gives 0.0 for everything."""
    table = np.array([[50, 2, 3, 5], [7, 110, 13, 17], [19, 23, 290, 31], [37, 41, 43, 470]])
    for positive in range(4):
        got, wanted = classification.rates(table, positive), reference.rates(table, positive)
        for name, rate in wanted.items():
            expect.close(got[name], rate, what=f"{name} of class {positive}")
    expect.equal(
        classification.rates(np.zeros((2, 2), np.int64)), dict.fromkeys(reference.rates(table), 0.0), "rates"
    )


@law(
    exercise="roc",
    points=2,
    examples=10,
    hint="Only the order of the scores counts, so rows and scales change nothing but the thresholds. In "
    "float64, please, whatever the scores' dtype.",
)
@given(seed=SEEDS)
def test_the_curve_depends_on_order_alone(classification, reference, seed):
    """The curve and its area stay when rows are shuffled or scores stretched; the area counts pairs in order."""
    random = np.random.default_rng(seed)
    labels = np.append(random.integers(0, 2, 18), [0, 1])
    scores = random.integers(-6, 7, 20).astype(np.float32) / 4
    alarms, hits, _ = classification.roc(labels, scores)
    gaps = np.subtract.outer(scores[labels == 1], scores[labels == 0])
    area = float(np.sum(np.diff(alarms) * (hits[1:] + hits[:-1]) / 2))
    expect.close(area, float(np.mean((gaps > 0) + (gaps == 0) / 2)), what="the area under the curve")
    order = random.permutation(20)
    for name, changed in (
        ("e to the scores", np.exp(scores[order] * 3.0)),
        ("large scores", scores[order] * 1e6),
    ):
        curve = classification.carefully(classification.roc, labels[order], changed)
        wanted = reference.roc(labels[order], changed)
        for what, got, right in zip(("false alarms", "hits", "thresholds"), curve, wanted, strict=True):
            expect.close(got, right, what=f"the {what} for {name}, in another order")
            expect.equal(str(got.dtype), "float64", f"the dtype of the {what}")
        expect.close(curve[0], alarms, what=f"the false alarms for {name}, beside those of the scores")


@law(
    exercise="reliability",
    points=1,
    hint="Are empty bins left out? Is the last edge in the last bin? Are there as many bins as were asked for?",
)
def test_many_bins(classification, reference):
    """With many bins, most of them empty, what is left agrees with ours; 10 is the default."""
    random = np.random.default_rng(3)
    probability = np.append(random.beta(0.5, 0.5, 40), [0.0, 1.0, 1.0])
    labels = (random.random(43) < probability).astype(np.int64)
    for got, wanted in (
        (classification.reliability(labels, probability, 64), reference.reliability(labels, probability, 64)),
        (classification.reliability(labels, probability), reference.reliability(labels, probability)),
    ):
        table = [[float(value) for value in row] for row in got]
        expect.close(np.array(table), np.array(wanted), what="the bins")


BUGS_IN_CURVES = [
    "ties_one_by_one",
    "above_the_threshold",
    "starts_at_the_first_score",
    "rates_of_all_examples",
    "lowest_score_first",
]


@law(
    exercise="is_auc",
    points=3,
    examples=3,
    hint="Which mistakes do your inputs miss? Some show only where scores are equal, some only where the "
    "classes are of different sizes, some only where the highest score is a 0's.",
)
@given(order=st.permutations(["right", "right", *BUGS_IN_CURVES]))
def test_your_law_meets_planted_bugs(classification, reference, bugs, order):
    """Your law accepts our area and refuses that of every planted mistake, in whatever order they come."""
    for name in order:
        module = reference if name == "right" else bugs[name]
        verdict = classification.is_auc(module.auc)
        expect.equal(verdict, name == "right", "your law on an implementation, right or with a mistake")

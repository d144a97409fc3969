"""Lesson 12: layers, and classifiers that say how sure they are, judged by what their errors cost."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from squeeze.optimizers import Adam, Fitted, Plan, Progress, State, fit

Array: TypeAlias = NDArray[np.floating]
Labels: TypeAlias = NDArray[np.integer]
Examples: TypeAlias = tuple[Array, Labels]  # the rows of a table, and the class of each

LN2 = math.log(2)  # a nat has 1 / ln 2 bits


class Layer:
    """What all layers share: this is the form that lessons 13 to 16 build theirs in.

    `parameters` are arrays by name; an optimizer changes them in place. `forward(x)` returns y, and keeps what
    `backward` needs. `backward(dy)` takes the gradient of some number by y and returns the gradient by x, for
    the x of the last `forward`. It sets `gradients`, an array by the name of each parameter, of its shape: each
    call sets them anew, and adds nothing to what an earlier call has left.
    A layer computes in the dtype of its parameters (float32 to train, float64 to check), and without any in
    that of x. It changes neither x nor dy. The first axis counts examples, and there may be none of them.
    """

    def __init__(self) -> None:
        self.parameters: dict[str, Array] = {}
        self.gradients: dict[str, Array] = {}
        self.training = False
        self.training_step = 0

    def mode(self, training: bool, step: int = 0) -> None:
        """Say whether the coming calls are a step of training, and which: chance depends on its number alone.

        A new layer is not in training. Whoever draws at random draws the same for the same step, so that
        training that goes on from a checkpoint goes on as if it had never stopped.
        """
        self.training = training
        self.training_step = step

    def forward(self, x: Array) -> Array:
        """Return y, and keep what `backward` needs."""
        raise NotImplementedError("classification: a plain Layer has no forward")

    def backward(self, dy: Array) -> Array:
        """Return the gradient by x, and set `gradients`."""
        raise NotImplementedError("classification: a plain Layer has no backward")


class Tanh(Layer):
    """Squeezes each number between −1 and 1: the model of how a layer is written.

    >>> layer = Tanh()
    >>> layer.forward(np.array([[0.0, 1.0]])).round(3)
    array([[0.   , 0.762]])
    >>> layer.backward(np.array([[1.0, 1.0]])).round(3)
    array([[1.  , 0.42]])
    """

    def forward(self, x: Array) -> Array:
        """Return tanh x."""
        self.y: Array = np.tanh(x)
        return self.y

    def backward(self, dy: Array) -> Array:
        """Return the gradient by x: the slope of tanh is 1 − tanh²."""
        return dy * (1 - self.y * self.y)


def generator(seed: int) -> np.random.Generator:
    """Return a generator of random numbers, to hand to several layers one after another."""
    return np.random.default_rng(seed)


def load(layer: Layer, parameters: Mapping[str, Array]) -> None:
    """Write numbers into the parameters of a layer, in place.

    Raises ValueError, before anything is changed, where the names or a shape are others.

    >>> layer = Linear(1, 1, 0)
    >>> load(layer, {"weight": np.array([[2.0]]), "bias": np.array([1.0])})
    >>> layer.forward(np.array([[3.0]]))
    array([[7.]], dtype=float32)
    """
    shapes = {name: np.shape(array) for name, array in parameters.items()}
    wanted = {name: array.shape for name, array in layer.parameters.items()}
    if shapes != wanted:
        raise ValueError(f"the layer's parameters are {wanted!r}, not {shapes!r}")
    for name, array in layer.parameters.items():
        array[...] = parameters[name]


def probe(layer: Layer, x: Array, dy: Array) -> tuple[Array, Array, dict[str, Array]]:
    """Return y, the gradient by x, and the gradients by the parameters, for an x and a gradient by y.

    The laws call it, and it is unkind: x and dy lie apart in memory, as in every second column of a table, and
    can be read and not written to.

    >>> probe(Tanh(), np.zeros(1), np.ones(1))
    (array([0.]), array([1.]), {})
    """
    y = layer.forward(_lent(x))
    dx = layer.backward(_lent(dy))
    return np.array(y), np.array(dx), {name: np.array(array) for name, array in layer.gradients.items()}


def _lent(array: Array) -> Array:
    """Return a view of a copy whose numbers don't lie side by side, and which can't be written to."""
    apart = np.zeros((*array.shape, 2), array.dtype)
    apart[..., 0] = array
    apart.flags.writeable = False
    return apart[..., 0]


def carefully(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function with its arrays lent as in `probe`; what NumPy would warn of is a FloatingPointError.

    >>> carefully(np.log, np.array([0.0]))
    Traceback (most recent call last):
    FloatingPointError: divide by zero encountered in log
    """
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        return function(*(_lent(a) if isinstance(a, np.ndarray) else a for a in arguments))


def log_softmax(scores: Array) -> Array:
    """Turn scores along the last axis into natural logarithms of probabilities, in the scores' dtype.

    Scores of ±10,000 give finite results without a warning, and a score of −∞ a probability of 0.

    >>> np.exp(log_softmax(np.array([0.0, np.log(3)]))).round(3)
    array([0.25, 0.75])
    >>> log_softmax(np.array([1000.0, 1000.0])).round(3)
    array([-0.693, -0.693])
    """
    ### BEGIN SOLUTION
    shifted = scores - scores.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))
    ### END SOLUTION


def cross_entropy(scores: Array, labels: Labels) -> tuple[float, Array]:
    """Return the mean bits that the labels cost under the softmax of the scores, and its gradient by the scores.

    Label i costs −log₂ of the probability of its class. `scores` has one more axis than `labels`, the last, for
    the classes; the mean is over all labels. The gradient has the scores' shape and dtype. No labels cost 0.0.
    Raises ValueError where the shapes don't fit or a label is none of the classes.

    >>> bits, gradient = cross_entropy(np.array([[0.0, 0.0], [0.0, np.log(3)]]), np.array([0, 1]))
    >>> round(bits, 4), (gradient * LN2).round(3)
    (0.7075, array([[-0.25 ,  0.25 ],
           [ 0.125, -0.125]]))
    """
    if labels.shape != scores.shape[:-1]:
        raise ValueError(
            f"scores of shape {scores.shape!r} are for labels of {scores.shape[:-1]!r}, not {labels.shape!r}"
        )
    if labels.size and not 0 <= labels.min() <= labels.max() < scores.shape[-1]:
        raise ValueError(f"labels from {labels.min()} to {labels.max()} for {scores.shape[-1]} classes")
    ### BEGIN SOLUTION
    logarithms = log_softmax(scores)
    right = np.arange(scores.shape[-1]) == labels[..., None]
    share = LN2 * max(1, labels.size)  # from nats to bits, and from the sum to the mean
    return -float(logarithms[right].sum()) / share, (np.exp(logarithms) - right) / share
    ### END SOLUTION


class Linear(Layer):
    """A weighted sum of the inputs for each output, and a bias: y = x W + b.

    `parameters["weight"]` is inputs × outputs, `parameters["bias"]` has an entry for each output. The weights
    start from a normal distribution of mean 0 and variance 2 / inputs ("he", for ReLU), or 2 / (inputs + outputs)
    ("glorot", for tanh); biases start at 0. `random` is a generator, from which the weights are drawn, or a seed.
    x may have more axes than two: the last counts the inputs.
    Source: Glorot and Bengio (2010); He, Zhang, Ren and Sun (2015).

    >>> layer = Linear(2, 3, random=0)
    >>> {name: (array.shape, str(array.dtype)) for name, array in layer.parameters.items()}
    {'weight': ((2, 3), 'float32'), 'bias': ((3,), 'float32')}
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        random: np.random.Generator | int,
        kind: str = "he",
        dtype: DTypeLike = np.float32,
    ) -> None:
        super().__init__()
        if kind not in ("he", "glorot"):
            raise ValueError(f"the kind of start is {kind!r}; it must be 'he' or 'glorot'")
        random = np.random.default_rng(random)  # a generator stays as it is
        ### BEGIN SOLUTION
        variance = 2 / inputs if kind == "he" else 2 / (inputs + outputs)
        weight = random.normal(0, math.sqrt(variance), (inputs, outputs))
        self.parameters = {"weight": weight.astype(dtype), "bias": np.zeros(outputs, dtype)}
        ### END SOLUTION

    def forward(self, x: Array) -> Array:
        """Return x W + b in the weights' dtype."""
        ### BEGIN SOLUTION
        self.x = np.asarray(x, self.parameters["weight"].dtype)
        return self.x @ self.parameters["weight"] + self.parameters["bias"]
        ### END SOLUTION

    def backward(self, dy: Array) -> Array:
        """Set the gradients by weight and bias, which add up over the examples, and return that by x."""
        ### BEGIN SOLUTION
        weight = self.parameters["weight"]
        dy = np.asarray(dy, weight.dtype)
        rows, by_rows = self.x.reshape(-1, weight.shape[0]), dy.reshape(-1, weight.shape[1])
        self.gradients = {"weight": rows.T @ by_rows, "bias": by_rows.sum(axis=0)}
        return dy @ weight.T
        ### END SOLUTION


class ReLU(Layer):
    """Replaces what is below 0 by 0; at 0 its slope counts as 0.

    >>> layer = ReLU()
    >>> layer.forward(np.array([-1.0, 2.0]))
    array([0., 2.])
    >>> layer.backward(np.array([5.0, -5.0]))
    array([ 0., -5.])
    """

    def forward(self, x: Array) -> Array:
        """Return the larger of x and 0."""
        ### BEGIN SOLUTION
        self.open = x > 0
        return np.where(self.open, x, 0)
        ### END SOLUTION

    def backward(self, dy: Array) -> Array:
        """Let the gradient through where the input was above 0."""
        ### BEGIN SOLUTION
        return np.where(self.open, dy, 0)
        ### END SOLUTION


class Dropout(Layer):
    """In training, each number becomes 0 with the probability `share`; the others grow so that the mean stays.

    Out of training it does nothing. Which numbers go is drawn from the seed and the step that `mode` has named,
    and from nothing else: another step draws anew. Two layers of one model need two seeds.
    Raises ValueError where the share is not at least 0 and below 1.
    Source: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov (2014).

    >>> layer = Dropout(0.5, seed=1)
    >>> layer.forward(np.ones(6))
    array([1., 1., 1., 1., 1., 1.])
    >>> layer.mode(True, step=0)
    >>> sorted(set(layer.forward(np.ones(100)).tolist()))
    [0.0, 2.0]
    """

    def __init__(self, share: float, seed: int) -> None:
        super().__init__()
        if not 0 <= share < 1:
            raise ValueError(f"a share of {share!r} can't be dropped; it must be at least 0 and below 1")
        self.share = share
        self.seed = seed

    def forward(self, x: Array) -> Array:
        """Return x, in training with some numbers dropped and the others divided by 1 − share."""
        ### BEGIN SOLUTION
        self.factor = np.ones(x.shape, x.dtype)
        if self.training:
            kept = np.random.default_rng([self.seed, self.training_step]).random(x.shape) >= self.share
            self.factor = (kept / (1 - self.share)).astype(x.dtype)
        return x * self.factor
        ### END SOLUTION

    def backward(self, dy: Array) -> Array:
        """Treat the gradient as `forward` has treated x."""
        ### BEGIN SOLUTION
        return dy * self.factor
        ### END SOLUTION


class Sequential(Layer):
    """Layers one after another, which together are a layer.

    `parameters` are those of all layers, the arrays themselves: layer 0's weight is "0.weight". `gradients` has
    the same names. `mode` passes on to each layer what it is told.

    >>> model = Sequential(Linear(2, 3, 0), ReLU(), Linear(3, 2, 1))
    >>> list(model.parameters)
    ['0.weight', '0.bias', '2.weight', '2.bias']
    """

    def __init__(self, *layers: Layer) -> None:
        super().__init__()
        self.layers = layers
        ### BEGIN SOLUTION
        for i, layer in enumerate(layers):
            self.parameters |= {f"{i}.{name}": array for name, array in layer.parameters.items()}
        ### END SOLUTION

    def mode(self, training: bool, step: int = 0) -> None:
        """Tell every layer whether this is training, and which step."""
        ### BEGIN SOLUTION
        super().mode(training, step)
        for layer in self.layers:
            layer.mode(training, step)
        ### END SOLUTION

    def forward(self, x: Array) -> Array:
        """Hand x through all layers."""
        ### BEGIN SOLUTION
        for layer in self.layers:
            x = layer.forward(x)
        return x
        ### END SOLUTION

    def backward(self, dy: Array) -> Array:
        """Hand the gradient back through all layers, and collect theirs under their names."""
        ### BEGIN SOLUTION
        for layer in reversed(self.layers):
            dy = layer.backward(dy)
        self.gradients = {
            f"{i}.{name}": array
            for i, layer in enumerate(self.layers)
            for name, array in layer.gradients.items()
        }
        return dy
        ### END SOLUTION


def weight_penalty(parameters: Mapping[str, Array], strength: float) -> tuple[float, dict[str, Array]]:
    """Return ½ · strength · the sum of all squared weights, and its gradient by each parameter.

    Weights are the parameters whose name ends in "weight"; others cost nothing, and their gradient is 0. The
    gradients have the names, shapes and dtypes of the parameters.
    Source: ridge regression, Hoerl and Kennard (1970); "weight decay", Krogh and Hertz (1992).

    >>> weight_penalty({"0.weight": np.array([3.0, 4.0]), "0.bias": np.array([9.0])}, 0.5)
    (6.25, {'0.weight': array([1.5, 2. ]), '0.bias': array([0.])})
    """
    ### BEGIN SOLUTION
    total, gradients = 0.0, {}
    for name, array in parameters.items():
        strength_here = strength if name.endswith("weight") else 0.0
        total += strength_here * float(np.sum(array * array)) / 2
        gradients[name] = strength_here * array
    return total, gradients
    ### END SOLUTION


def standardise(train: Array, *others: Array) -> list[Array]:
    """Return all tables with each column shifted and scaled so that it has mean 0 and deviation 1 in `train`.

    `others` are shifted and scaled by the same numbers, whatever is in them. A column that is constant in
    `train` is shifted alone. The deviation is that of the training rows themselves: divide by their number.

    >>> [table.tolist() for table in standardise(np.array([[1.0], [3.0]]), np.array([[4.0]]))]
    [[[-1.0], [1.0]], [[2.0]]]
    """
    ### BEGIN SOLUTION
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    constant = np.ptp(train, axis=0) == 0
    return [(table - mean) / np.where(constant, 1, deviation) for table in (train, *others)]
    ### END SOLUTION


def probabilities(model: Layer, x: Array) -> Array:
    """Return the probability of each class for each row, with the model out of training."""
    model.mode(False)
    return np.asarray(np.exp(log_softmax(model.forward(x))))


def description_length(model: Layer, x: Array, labels: Labels) -> tuple[float, int]:
    """Return the bits of the labels, given x and the model, and the bits of the model's parameters.

    Each parameter takes 16 bits and is rounded to a float16 before the labels are measured; afterwards the
    model is as it was. It is a code length, not a file: no coder is run.

    >>> flat = Linear(1, 4, random=0, dtype=np.float64)
    >>> load(flat, {"weight": np.zeros((1, 4)), "bias": np.zeros(4)})
    >>> description_length(flat, np.zeros((10, 1)), np.zeros(10, dtype=np.int64))
    (20.0, 128)
    """
    before = {name: array.copy() for name, array in model.parameters.items()}
    load(model, {name: array.astype(np.float16) for name, array in before.items()})
    model.mode(False)
    bits = cross_entropy(model.forward(x), labels)[0] * labels.size
    load(model, before)
    return bits, 16 * sum(array.size for array in before.values())


def confusion(labels: Labels, predictions: Labels, classes: int) -> NDArray[np.int64]:
    """Count how often an example of each class (the rows) was said to be of each class (the columns).

    >>> confusion(np.array([0, 0, 1, 1, 1]), np.array([0, 1, 1, 1, 0]), 2)
    array([[1, 1],
           [1, 2]])
    """
    table = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(table, (labels, predictions), 1)
    return table


def train(
    model: Layer,
    examples: Examples,
    validation: Examples,
    plan: Plan,
    *,
    rate: float = 0.001,
    strength: float = 0.0,
    resume: State | None = None,
    progress: Progress | None = None,
) -> Fitted:
    """Fit a model by lesson 11's `fit` with Adam, and leave the weights that were best on the validation set.

    A step's loss is the cross-entropy of its rows of `examples`, in bits, with the model in training at this
    step (steps count from 0), plus the penalty on its weights. What is measured is the cross-entropy of the
    validation set alone, out of training. In the end the model is out of training.
    `plan`, `resume` and `progress` are those of `fit`, and what comes back is too.

    >>> x, labels = np.array([[-1.0], [1.0]]), np.array([0, 1])
    >>> model = Linear(1, 2, random=0)
    >>> done = train(model, (x, labels), (x, labels), Plan(size=2, batch=2, steps=50), rate=0.1)
    >>> done.best < 0.02
    True
    """
    optimizer = Adam(model.parameters.values(), rate)
    ### BEGIN SOLUTION
    x, labels = examples

    def slope(_: list[Array], rows: NDArray[np.intp]) -> tuple[float, list[Array]]:
        model.mode(True, optimizer.steps)
        bits, by_scores = cross_entropy(model.forward(x[rows]), labels[rows])
        model.backward(by_scores)
        penalty, shares = weight_penalty(model.parameters, strength)
        return bits + penalty, [model.gradients[name] + shares[name] for name in model.parameters]

    def measure(_: list[Array]) -> float:
        model.mode(False)
        return cross_entropy(model.forward(validation[0]), validation[1])[0]

    done = fit(optimizer, plan, slope, measure, resume=resume, progress=progress)
    model.mode(False)
    return done
    ### END SOLUTION


def rates(table: NDArray[np.int64], positive: int = 1) -> dict[str, float]:
    """Return "accuracy", and of one class "precision", "recall", "f1" and "false alarms", from a confusion table.

    The accuracy is the share of all examples that were said right, in all classes. Precision is the share of
    the right among those said to be positive, recall the share of the positive that were said to be so, f1 their
    harmonic mean; false alarms are the share of the others that were said to be positive. The share of nothing
    is 0.0. All are plain floats.

    >>> {name: round(rate, 3) for name, rate in rates(np.array([[1, 1], [1, 2]])).items()}
    {'accuracy': 0.6, 'precision': 0.667, 'recall': 0.667, 'f1': 0.667, 'false alarms': 0.5}
    """
    ### BEGIN SOLUTION

    def share(part: Any, whole: Any) -> float:
        return float(part / whole) if whole else 0.0

    hits, said, are = table[positive, positive], table[:, positive].sum(), table[positive].sum()
    return {
        "accuracy": share(np.trace(table), table.sum()),
        "precision": share(hits, said),
        "recall": share(hits, are),
        "f1": share(2 * hits, said + are),
        "false alarms": share(said - hits, table.sum() - are),
    }
    ### END SOLUTION


def roc(labels: Labels, scores: Array) -> tuple[Array, Array, Array]:
    """Return the rate of false alarms, the rate of hits, and the threshold, at each threshold that matters.

    The labels are 0 and 1. An example is called a 1 where its score is at least the threshold. The thresholds
    are ∞, at which nothing is called so, and each different score once, from the highest to the lowest. All
    three are float64 arrays. Raises ValueError where the labels are not 0 and 1, both of them.
    Source: Fawcett (2006).

    >>> roc(np.array([0, 1, 1, 0]), np.array([0.1, 0.4, 0.8, 0.4]))
    (array([0. , 0. , 0.5, 1. ]), array([0. , 0.5, 1. , 1. ]), array([inf, 0.8, 0.4, 0.1]))
    """
    if set(np.unique(labels).tolist()) != {0, 1}:
        raise ValueError(f"a ROC curve needs labels of 0 and 1, both; these are {np.unique(labels)!r}")
    ### BEGIN SOLUTION
    order = np.argsort(-scores)
    ranked, truth = scores[order], labels[order]
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)  # of each run of equal scores
    hits = np.append(0, np.cumsum(truth)[last])
    alarms = np.append(0, np.cumsum(1 - truth)[last])
    return alarms / alarms[-1], hits / hits[-1], np.append(np.inf, ranked[last])
    ### END SOLUTION


def auc(labels: Labels, scores: Array) -> float:
    """Return the area under the ROC curve.

    >>> auc(np.array([0, 1, 1, 0]), np.array([0.1, 0.4, 0.8, 0.4]))
    0.875
    """
    alarms, hits, _ = roc(labels, scores)
    return float(np.trapezoid(hits, alarms))


def reliability(labels: Labels, probability: Array, bins: int = 10) -> list[tuple[int, float, float]]:
    """Return for each bin that isn't empty: how many examples, their mean probability, and their share of 1s.

    The labels are 0 and 1, `probability` that of a 1. The bins cut 0 to 1 in equal parts, lowest first; each
    holds its lower edge, and the last one 1.0 too. Source: Murphy and Winkler (1977).

    >>> reliability(np.array([0, 1, 1]), np.array([0.25, 0.5, 1.0]), bins=2)
    [(1, 0.25, 0.0), (2, 0.75, 1.0)]
    """
    ### BEGIN SOLUTION
    places = np.minimum((probability * bins).astype(np.int64), bins - 1)
    chosen = [places == place for place in range(bins)]
    return [
        (int(here.sum()), float(probability[here].mean()), float(labels[here].mean()))
        for here in chosen
        if here.any()
    ]
    ### END SOLUTION


def decide(probability: Array, false_alarm: float | Array, miss: float | Array) -> NDArray[np.int64]:
    """Return for each example the answer, 1 or 0, that costs less on average; 1 where both cost the same.

    To answer 1 where the truth is 0 costs `false_alarm`, to answer 0 where it is 1 costs `miss`, and right
    answers cost nothing. A cost is one number, or one for each example.

    >>> decide(np.array([0.1, 0.25, 0.5]), false_alarm=1.0, miss=3.0)
    array([0, 1, 1])
    """
    ### BEGIN SOLUTION
    return ((1 - probability) * false_alarm <= probability * miss).astype(np.int64)
    ### END SOLUTION


def is_auc(candidate: Callable[[Labels, Array], float]) -> bool:
    """Say whether `candidate` gives the area under the ROC curve, by trying it: this law is yours to write.

    It is called with labels, 0 and 1 with both among them, and as many scores, which are floats of any size, and
    returns a number. A right one gives the probability that a 1, drawn at random, has a higher score than a 0,
    where equal scores count a half. Wrong ones return something else for some labels and scores, or raise an
    exception. Don't call your own `roc` or `auc`: if it is wrong, so would the verdict be.
    """
    ### BEGIN SOLUTION
    random = np.random.default_rng(12)
    for size in range(2, 12):
        labels = random.permutation(np.arange(size) % 2)
        scores = random.integers(-4, 8, size).astype(np.float64)
        gaps = scores[labels == 1][:, None] - scores[labels == 0]
        expected = np.mean((gaps > 0) + (gaps == 0) / 2)
        try:
            right = bool(abs(candidate(labels.copy(), scores.copy()) - expected) < 1e-9)
        except Exception:
            return False
        if not right:
            return False
    return True
    ### END SOLUTION

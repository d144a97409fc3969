"""Lesson 14: fewer numbers for the same picture, what the rest costs in error, and lossy coding."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from squeeze.classification import Dropout as Dropout
from squeeze.classification import Layer
from squeeze.classification import Sequential as Sequential
from squeeze.classification import carefully as carefully
from squeeze.classification import load as load
from squeeze.classification import probe as probe
from squeeze.entropy import entropy
from squeeze.optimizers import Adam, Fitted, Plan, Progress, State, cosine, fit

Array: TypeAlias = NDArray[np.floating]
Codes: TypeAlias = NDArray[np.int64]


def point_up(directions: Array) -> Array:
    """Settle the sign of each direction: of its numbers, the one of the largest size is positive.

    A direction and its opposite are the same axis, and which of both a machine finds is chance.

    >>> point_up(np.array([[0.6, -0.8], [0.0, 1.0]]))
    array([[-0.6,  0.8],
           [ 0. ,  1. ]])
    """
    largest = np.take_along_axis(directions, np.abs(directions).argmax(axis=-1)[..., None], axis=-1)
    return directions * np.where(largest < 0, -1, 1)


def principal_components(rows: Array) -> tuple[Array, Array, Array]:
    """Return the mean of a table's rows, its principal directions, and the square that lies along each.

    The directions are the rows of an array: as many as the table has rows or columns, whichever is less, of
    length 1, at right angles to each other, and signed as by `point_up`. The square of a direction is the sum,
    over all rows, of the squared coordinate along it, measured from the mean: the squared singular value of the
    centred table. The largest comes first. Raises ValueError for no rows or no columns.
    Source: Pearson (1901); Hotelling (1933).

    >>> mean, directions, squares = principal_components(np.array([[7.0, 10], [-5, -6], [5, -1], [-3, 5]]))
    >>> mean, directions.round(3), squares.round(3)
    (array([1., 2.]), array([[ 0.6,  0.8],
           [ 0.8, -0.6]]), array([200.,  50.]))
    """
    if rows.ndim != 2 or 0 in rows.shape:
        raise ValueError(f"principal directions need a table of rows and columns, not shape {rows.shape!r}")
    ### BEGIN SOLUTION
    mean = rows.mean(axis=0)
    _, singular, directions = np.linalg.svd(rows - mean, full_matrices=False)
    return mean, point_up(directions), singular**2
    ### END SOLUTION


def project(rows: Array, mean: Array, directions: Array) -> Array:
    """Return the coordinates of each row along each direction, measured from the mean: rows × directions.

    >>> project(np.array([[7.0, 10]]), np.array([1.0, 2]), np.array([[0.6, 0.8], [0.8, -0.6]])).round(3)
    array([[10.,  0.]])
    """
    ### BEGIN SOLUTION
    return (rows - mean) @ directions.T
    ### END SOLUTION


def reconstruct(coordinates: Array, mean: Array, directions: Array) -> Array:
    """Return the rows that have these coordinates: what `project` took, as far as the directions hold it.

    >>> reconstruct(np.array([[10.0]]), np.array([1.0, 2]), np.array([[0.6, 0.8]])).round(3)
    array([[ 7., 10.]])
    """
    ### BEGIN SOLUTION
    return coordinates @ directions + mean
    ### END SOLUTION


def best_rank(rows: Array, count: int) -> Array:
    """Return the table rebuilt from its mean and its first `count` principal directions.

    Of all tables whose rows are a common row plus a mix of `count` others, none has less squared error.
    Source: Eckart and Young (1936).

    >>> best_rank(np.array([[7.0, 10], [-5, -6], [5, -1], [-3, 5]]), 1).round(3).tolist()
    [[7.0, 10.0], [-5.0, -6.0], [1.0, 2.0], [1.0, 2.0]]
    """
    mean, directions, _ = principal_components(rows)
    return reconstruct(project(rows, mean, directions[:count]), mean, directions[:count])


def components_needed(squares: Array, share: float) -> int:
    """Return the least number of first directions that hold at least this share of all the squares.

    Where all squares are 0, no direction is needed. Raises ValueError where the share isn't from 0 to 1.

    >>> components_needed(np.array([200.0, 50.0]), 0.8), components_needed(np.array([200.0, 50.0]), 0.81)
    (1, 2)
    """
    if not 0 <= share <= 1:
        raise ValueError(f"a share of {share!r} can't be held; it must be from 0 to 1")
    ### BEGIN SOLUTION
    held = np.append(0, np.cumsum(squares))
    return int(np.argmax(held >= share * held[-1]))
    ### END SOLUTION


def power_iteration(rows: Array, steps: int, random: np.random.Generator | int) -> Array:
    """Return the first principal direction by repeated multiplication, signed as by `point_up`.

    It starts from one normally distributed number for each column, drawn at once from `random`, a generator or
    a seed. A step multiplies the direction by the centred table, the result by the table's transpose, and then
    makes its length 1. Where all rows are equal, that length is 0 and the start is returned, at length 1.
    Source: von Mises and Pollaczek-Geiringer (1929).

    >>> power_iteration(np.array([[7.0, 10], [-5, -6], [5, -1], [-3, 5]]), 20, 0).round(6)
    array([0.6, 0.8])
    """
    direction: Array = np.random.default_rng(random).normal(size=rows.shape[1:])
    ### BEGIN SOLUTION
    direction /= np.linalg.norm(direction)
    centred = rows - rows.mean(axis=0)
    for _ in range(steps):
        turned = centred.T @ (centred @ direction)
        length = np.linalg.norm(turned)
        if length == 0:
            break
        direction = turned / length
    return point_up(direction)
    ### END SOLUTION


def quantise(x: Array, step: float) -> Codes:
    """Return for each number the nearest multiple of the step, as a whole number (int64) of steps.

    A number halfway between two goes to the upper one. Raises ValueError where the step isn't above 0 and finite.

    >>> quantise(np.array([0.9, 1.0, -1.0, -1.1]), 2.0)
    array([ 0,  1,  0, -1])
    """
    if not 0 < step < math.inf:
        raise ValueError(f"a step of {step!r} can't be used; it must be above 0 and finite")
    ### BEGIN SOLUTION
    return np.asarray(np.floor(x / step + 0.5).astype(np.int64))
    ### END SOLUTION


def dequantise(codes: Codes, step: float) -> Array:
    """Return the multiples of the step that the codes stand for.

    >>> dequantise(np.array([1, 0, -1]), 2.0)
    array([ 2.,  0., -2.])
    """
    return codes * step


def rate(codes: Codes) -> float:
    """Return the bits that a row of codes costs where each column is coded by its own frequencies.

    It is the sum of the columns' entropies. The table of frequencies is not counted. No rows cost 0.0.

    >>> rate(np.array([[0, 7], [0, 8], [1, 7], [1, 8]]))
    2.0
    """
    ### BEGIN SOLUTION
    counts = [np.unique(column, return_counts=True)[1] for column in codes.T]
    return float(sum(entropy((count / len(codes)).tolist()) for count in counts))
    ### END SOLUTION


def adaptive_bits(codes: Codes) -> float:
    """Return the bits of all the codes with nothing left out: what an adaptive arithmetic coder would write.

    A column takes 32 bits for its least and its largest code. Then each code costs −log₂ of (times seen + 1) /
    (codes seen + kinds), lesson 6's adaptive model, where all codes from the least to the largest are kinds.
    It is a code length: no coder is run. No rows cost 0.0.

    >>> round(adaptive_bits(np.array([[0], [1]])) - 32, 3)  # log₂ of 2 and of 3
    2.585
    """
    if len(codes) == 0:
        return 0.0
    total = 0.0
    for column in codes.T:
        counts = np.unique(column, return_counts=True)[1]
        kinds = int(column.max()) - int(column.min()) + 1
        nats = math.lgamma(len(column) + kinds) - math.lgamma(kinds)
        total += 32 + (nats - sum(math.lgamma(count + 1) for count in counts)) / math.log(2)
    return total


def water_filling(variances: Array, distortion: float) -> tuple[float, Array]:
    """Return the fewest bits a row of independent Gaussian numbers can cost, and the error left in each.

    `distortion` is the mean squared error allowed in a row, summed over its numbers. A number whose variance is
    above the water level costs ½ log₂(variance / level) bits and keeps the level as its error; one below costs
    nothing and keeps its variance. The level is such that the errors add up to the distortion; where that is
    at least the sum of the variances, nothing is sent.
    Raises ValueError where a variance is negative or the distortion is not above 0.
    Source: Shannon (1959); Kolmogorov (1956); "reverse water-filling", Cover and Thomas (2006).

    >>> bits, left = water_filling(np.array([16.0, 4.0, 1.0]), 3.0)
    >>> bits, left
    (3.0, array([1., 1., 1.]))
    """
    if np.min(variances, initial=0) < 0 or not distortion > 0:
        raise ValueError(f"variances must be 0 or more and {distortion!r}, the distortion, above 0")
    ### BEGIN SOLUTION
    if distortion >= variances.sum():
        return 0.0, variances.copy()
    ordered = np.sort(variances)
    below = np.cumsum(ordered) - ordered  # what is left in those that are given up
    levels = (distortion - below) / np.arange(len(ordered), 0, -1)
    level = levels[np.argmax(levels <= ordered)]
    sent = variances[variances > level]
    return float(np.sum(np.log2(sent / level))) / 2, np.minimum(variances, level)
    ### END SOLUTION


def squared_error(y: Array, target: Array) -> tuple[float, Array]:
    """Return the mean of the squared differences over all numbers, and its gradient by y, in y's dtype.

    No numbers have an error of 0.0. Raises ValueError where the shapes differ.

    >>> squared_error(np.array([[1.0, 4.0]]), np.array([[1.0, 2.0]]))
    (2.0, array([[0., 2.]]))
    """
    if y.shape != target.shape:
        raise ValueError(f"y has shape {y.shape!r} and its target {target.shape!r}")
    ### BEGIN SOLUTION
    difference = y - target
    size = max(1, y.size)
    return float(np.sum(difference * difference)) / size, (difference * (2 / size)).astype(y.dtype)
    ### END SOLUTION


class Tied(Layer):
    """A linear autoencoder with one weight for both ways: code = (x − c) W and y = code Wᵀ + c.

    `parameters["weight"]` is inputs × codes, drawn from a normal distribution of mean 0 and variance 1 / inputs;
    `parameters["centre"]` has an entry for each input and starts at 0. `random` is a generator or a seed.
    x is a table of rows. Source: Baldi and Hornik (1989).

    >>> layer = Tied(2, 1, random=0, dtype=np.float64)
    >>> load(layer, {"weight": np.array([[0.6], [0.8]]), "centre": np.array([1.0, 2.0])})
    >>> layer.encode(np.array([[7.0, 10.0]])).round(3), layer.forward(np.array([[5.0, -1.0]])).round(3)
    (array([[10.]]), array([[1., 2.]]))
    """

    def __init__(
        self, inputs: int, codes: int, random: np.random.Generator | int, dtype: DTypeLike = np.float32
    ) -> None:
        super().__init__()
        weight = np.random.default_rng(random).normal(0, math.sqrt(1 / inputs), (inputs, codes))
        self.parameters = {"weight": weight.astype(dtype), "centre": np.zeros(inputs, dtype)}

    def encode(self, x: Array) -> Array:
        """Return the code of each row, in the weight's dtype."""
        ### BEGIN SOLUTION
        weight, centre = self.parameters["weight"], self.parameters["centre"]
        return (np.asarray(x, weight.dtype) - centre) @ weight
        ### END SOLUTION

    def decode(self, codes: Array) -> Array:
        """Return the row that each code stands for."""
        ### BEGIN SOLUTION
        return codes @ self.parameters["weight"].T + self.parameters["centre"]
        ### END SOLUTION

    def forward(self, x: Array) -> Array:
        """Encode and decode."""
        ### BEGIN SOLUTION
        self.x = np.asarray(x, self.parameters["weight"].dtype)
        self.codes = self.encode(self.x)
        return self.decode(self.codes)
        ### END SOLUTION

    def backward(self, dy: Array) -> Array:
        """Set the gradients, in which each parameter's two uses add up, and return that by x."""
        ### BEGIN SOLUTION
        weight = self.parameters["weight"]
        dy = np.asarray(dy, weight.dtype)
        by_codes = dy @ weight
        dx = by_codes @ weight.T
        centred = self.x - self.parameters["centre"]
        self.gradients = {
            "weight": centred.T @ by_codes + dy.T @ self.codes,
            "centre": (dy - dx).sum(axis=0),
        }
        return dx
        ### END SOLUTION


def train_to_copy(
    model: Layer,
    rows: Array,
    validation: Array,
    plan: Plan,
    *,
    rate: float = 0.01,
    resume: State | None = None,
    progress: Progress | None = None,
) -> Fitted:
    """Fit a model to give back what it is given, and leave the weights that were best on the validation rows.

    It is lesson 11's `fit` with Adam. A step's loss is the squared error between what the model makes of the
    step's rows, in training at this step (steps count from 0), and these rows themselves. The rate falls from
    `rate` to 0 by `cosine` over the plan's steps. What is measured is the squared error on the validation rows,
    out of training. In the end the model is out of training.

    >>> rows = np.array([[7.0, 10], [-5, -6], [5, -1], [-3, 5]])
    >>> model = Tied(2, 1, random=0, dtype=np.float64)
    >>> done = train_to_copy(model, rows, rows, Plan(size=4, batch=4, steps=300), rate=0.1)
    >>> round(done.best, 3)  # of 8 numbers, and 50 is what one direction leaves
    6.25
    """
    optimizer = Adam(model.parameters.values(), rate)
    ### BEGIN SOLUTION

    def slope(_: list[Array], chosen: NDArray[np.intp]) -> tuple[float, list[Array]]:
        model.mode(True, optimizer.steps)
        loss, by_y = squared_error(model.forward(rows[chosen]), rows[chosen])
        model.backward(by_y)
        return loss, [model.gradients[name] for name in model.parameters]

    def measure(_: list[Array]) -> float:
        model.mode(False)
        return squared_error(model.forward(validation), validation)[0]

    def schedule(step: int) -> float:
        return cosine(step, rate, plan.steps)

    done = fit(optimizer, plan, slope, measure, schedule=schedule, resume=resume, progress=progress)
    model.mode(False)
    return done
    ### END SOLUTION


def principal_angles(first: Array, second: Array) -> Array:
    """Return the angles in radians between two subspaces, the smallest first.

    The rows of `first` and of `second` span them: as many rows as dimensions, of any length and at any angle to
    each other. There are as many angles as the smaller subspace has dimensions, from 0 to π/2, and all are 0
    where one lies within the other. Source: Jordan (1875); Björck and Golub (1973).

    >>> principal_angles(np.array([[2.0, 0, 0], [1, 1, 0]]), np.array([[0.0, 3, 0], [0, 0, 1]])).round(3)
    array([0.   , 1.571])
    """
    ### BEGIN SOLUTION
    one, other = (np.linalg.qr(rows.T)[0] for rows in (first, second))
    cosines = np.linalg.svd(one.T @ other, compute_uv=False)
    return np.asarray(np.arccos(np.minimum(cosines, 1)))
    ### END SOLUTION


def is_best_rank(candidate: Callable[[Array, int], Array]) -> bool:
    """Say whether `candidate` is a `best_rank`, by trying it: this law is yours to write.

    It is called with a table of finite float64 numbers and a count, from 1 to the number of its columns. The
    count of a right one says how many directions it may keep besides the mean, and it returns the table that is
    nearest. Wrong ones return another table for some tables and counts, or raise an exception. Don't call your
    own functions of this lesson: if they are wrong, so would the verdict be.
    """
    ### BEGIN SOLUTION
    rows = np.sin(np.arange(24.0) ** 2).reshape(6, 4) + 3  # no pattern, and far from 0
    centred = rows - rows.mean(axis=0)
    least = np.linalg.eigvalsh(centred.T @ centred)  # the smallest first
    for count in range(1, 5):
        try:
            rebuilt = candidate(rows.copy(), count)
            rank = np.linalg.matrix_rank(rebuilt - rows.mean(axis=0), tol=1e-6)
            error = np.sum((rows - rebuilt) ** 2)
        except Exception:
            return False
        if rank > count or not abs(error - least[: 4 - count].sum()) < 1e-6:
            return False
    return True
    ### END SOLUTION

"""Lesson 9: a table cleaned and split, a line through it by two ways, and the bits that the line saves."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array: TypeAlias = NDArray[np.float64]
Rows: TypeAlias = NDArray[np.intp]  # the numbers of rows, from 0
Table: TypeAlias = dict[str, Array]  # the columns by name, all of one length

WEIGHT_BITS = 16  # bits of each number that a model ships: a float16
LARGEST = float(np.finfo(np.float16).max)


def take(table: Table, rows: Rows) -> Table:
    """Return the table of these rows, in their order.

    >>> take({"area": np.array([9.0, 7.0, 8.0])}, np.array([2, 0]))
    {'area': array([8., 9.])}
    """
    return {name: column[rows] for name, column in table.items()}


def stack(table: Table, names: Sequence[str]) -> Array:
    """Return the named columns side by side, as a matrix of shape (rows, names).

    >>> stack({"area": np.array([9.0, 7.0]), "age": np.array([1.0, 2.0])}, ["age", "area"])
    array([[1., 9.],
           [2., 7.]])
    """
    rows = len(next(iter(table.values())))
    return np.column_stack([np.empty((rows, 0)), *(table[name] for name in names)])


def clean(table: Table, limits: dict[str, tuple[float, float]]) -> Table:
    """Return the table without the rows that can't be believed; the others keep their order.

    A row goes where one of its values is NaN or infinite, where a value lies outside the (least, most) that
    `limits` allows its column, both included, and where an earlier row that stays is equal in all columns.
    Raises ValueError where there is no column, where columns differ in length, and where a limit's column
    isn't there.

    >>> clean({"rooms": np.array([5.0, 5.0, np.nan, 99.0])}, {"rooms": (1, 20)})
    {'rooms': array([5.])}
    """
    ### BEGIN SOLUTION
    if len({len(column) for column in table.values()}) != 1:
        raise ValueError("a table needs columns, all of one length")
    values = stack(table, list(table))
    keep = np.asarray(np.isfinite(values).all(axis=1))
    for name, (least, most) in limits.items():
        if name not in table:
            raise ValueError(f"there is no column {name!r} to keep within {least} and {most}")
        keep &= (table[name] >= least) & (table[name] <= most)
    seen = set()
    for row in np.flatnonzero(keep):
        content = tuple(values[row])
        keep[row] = content not in seen
        seen.add(content)
    return take(table, np.flatnonzero(keep))
    ### END SOLUTION


def split(rows: int, seed: int) -> tuple[Rows, Rows]:
    """Return the numbers of the rows to learn from, three quarters, and of those to be tested on.

    >>> train, test = split(8, seed=1)
    >>> len(train), len(test)
    (6, 2)
    """
    return folds(rows, 4, seed)[0]


def folds(rows: int, k: int, seed: int) -> list[tuple[Rows, Rows]]:
    """Deal shuffled row numbers out to k test parts; return for each (train, test), train being all others.

    Each row from 0 to `rows` − 1 stands in one test part, and the sizes of test parts differ by at most 1.
    The same seed gives the same folds. Raises ValueError unless 2 <= k <= rows.

    >>> [(len(train), len(test)) for train, test in folds(7, 3, seed=1)]
    [(4, 3), (5, 2), (5, 2)]
    """
    ### BEGIN SOLUTION
    if not 2 <= k <= rows:
        raise ValueError(f"{rows} rows can't be dealt out to {k} parts: 2 <= k <= rows is wanted")
    parts = np.array_split(np.random.default_rng(seed).permutation(rows), k)
    return [(np.concatenate(parts[:i] + parts[i + 1 :]), part) for i, part in enumerate(parts)]
    ### END SOLUTION


class Scaler:
    """Shifts and stretches each column of the matrix that it is made with to mean 0 and spread 1.

    `mean` and `spread` hold one number for each column; the spread is the root of the mean squared distance
    from the mean (divided by n, not by n − 1), and 1 where all values are equal.
    Raises ValueError where the matrix has no rows, or hasn't two axes.

    >>> scaler = Scaler(np.array([[1.0, 7.0], [3.0, 7.0]]))
    >>> scaler.mean, scaler.spread
    (array([2., 7.]), array([1., 1.]))
    >>> scaler.apply(np.array([[5.0, 7.0]]))
    array([[3., 0.]])
    """

    def __init__(self, columns: Array) -> None:
        ### BEGIN SOLUTION
        if columns.ndim != 2 or len(columns) == 0:
            raise ValueError(f"a scaler needs a matrix with rows, got the shape {columns.shape}")
        self.mean: Array = columns.mean(axis=0)
        # Rounding gives a constant column a spread of about 1e-17, so the question is not whether it is 0.
        changes = columns.max(axis=0) > columns.min(axis=0)
        self.spread: Array = np.where(changes, columns.std(axis=0), 1.0)
        ### END SOLUTION

    def apply(self, columns: Array) -> Array:
        """Return the columns of any rows, on the scale that was measured when this was made."""
        ### BEGIN SOLUTION
        return (columns - self.mean) / self.spread
        ### END SOLUTION

    def undo(self, scaled: Array) -> Array:
        """Return what `apply` was given."""
        ### BEGIN SOLUTION
        return scaled * self.spread + self.mean
        ### END SOLUTION


class Design:
    """Turns tables into matrices for a linear model; all it knows, it learnt from the table that it is made with.

    The matrix has a column of ones, then the columns of numbers, scaled, then for each category a column for
    each of its kinds but the lowest, with 1 in the rows of that kind and 0 in the others. So the lowest kind
    has zeros alone, and so has a kind that was not in the table that the design was made with.

    `numbers` names the columns of numbers, in the table's order; `kinds` holds for each category its kinds
    but the lowest, in increasing order; `scaler` is the scale of the numbers.

    >>> houses = {"area": np.array([1.0, 3.0, 2.0]), "quarter": np.array([0.0, 4.0, 2.0])}
    >>> Design(houses, ["quarter"]).matrix({"area": np.array([2.0]), "quarter": np.array([4.0])})
    array([[1., 0., 0., 1.]])
    """

    def __init__(self, table: Table, categories: Sequence[str] = ()) -> None:
        self.numbers = [name for name in table if name not in categories]
        ### BEGIN SOLUTION
        self.scaler = Scaler(stack(table, self.numbers))
        self.kinds = {name: np.unique(table[name])[1:] for name in categories}
        ### END SOLUTION

    def matrix(self, table: Table) -> Array:
        """Return the matrix X of a table with the same columns; any rows will do."""
        ### BEGIN SOLUTION
        numbers = self.scaler.apply(stack(table, self.numbers))
        marks = [table[name][:, np.newaxis] == kinds for name, kinds in self.kinds.items()]
        return np.hstack([np.ones((len(numbers), 1)), numbers, *marks])
        ### END SOLUTION

    def names(self) -> list[str]:
        """Name the columns of the matrix.

        >>> Design({"area": np.array([1.0, 3.0]), "quarter": np.array([0.0, 4.0])}, ["quarter"]).names()
        ['1', 'area', 'quarter 4']
        """
        marks = [f"{name} {kind:g}" for name, kinds in self.kinds.items() for kind in kinds]
        return ["1", *self.numbers, *marks]


def scores(truth: Array, predicted: Array) -> tuple[float, float, float]:
    """Return the mean squared error, the mean absolute error and R², the share of the variance explained.

    R² is 1 less the mean squared error divided by that of always predicting the truth's mean; where all
    truths are equal there is nothing to explain, and it is 0.
    Raises ValueError where there are no numbers, and where the two differ in shape.

    >>> scores(np.array([1.0, 2.0, 6.0]), np.array([1.0, 3.0, 4.0]))[:2]
    (1.6666666666666667, 1.0)
    """
    ### BEGIN SOLUTION
    if truth.shape != predicted.shape or truth.size == 0:
        raise ValueError(f"errors need numbers of one shape, got {truth.shape} and {predicted.shape}")
    squared = np.mean((predicted - truth) ** 2)
    absolute = np.mean(np.abs(predicted - truth))
    explained = 0.0
    if truth.max() > truth.min():
        explained = 1 - squared / np.mean((truth - truth.mean()) ** 2)
    return float(squared), float(absolute), float(explained)
    ### END SOLUTION


def check_fit(X: Array, y: Array, ridge: float) -> None:
    """Raise ValueError where rows are missing or don't match, and where the ridge is negative."""
    if X.ndim != 2 or y.shape != X.shape[:1] or len(X) == 0:
        raise ValueError(f"a fit needs a matrix and one number for each row, got {X.shape} and {y.shape}")
    if not ridge >= 0:
        raise ValueError(f"a ridge of {ridge!r} would reward large weights; it must be 0 or more")


def loss(X: Array, y: Array, weights: Array, ridge: float = 0.0) -> float:
    """Return what a fit makes small: the mean squared error + ridge · the sum of the squared weights.

    The first weight is the intercept's, and is not in that sum.
    Raises ValueError, and gives no warning, where the loss is not finite.

    >>> loss(np.array([[1.0, 2.0]]), np.array([9.0]), np.array([3.0, 2.0]), ridge=0.5)
    6.0
    """
    with np.errstate(over="ignore", invalid="ignore"):
        value = float(np.mean((X @ weights - y) ** 2) + ridge * np.sum(weights[1:] ** 2))
    if not math.isfinite(value):
        raise ValueError(f"the loss is {value}: where steps led there, they were too long")
    return value


def closed_form(X: Array, y: Array, ridge: float = 0.0) -> Array:
    """Return the weights at which `loss` is least, by solving the normal equations.

    Without a ridge: Xᵀ X w = Xᵀ y. Raises ValueError where `check_fit` does, and where without a ridge some
    columns can be computed from others, so that Xᵀ X has not full rank and many weights are best.
    Source: Legendre (1805), Gauss (1809); Hoerl and Kennard (1970) for the ridge.

    >>> closed_form(np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]]), np.array([3.0, 5.0, 7.0])).round(9)
    array([3., 2.])
    """
    check_fit(X, y, ridge)
    ### BEGIN SOLUTION
    rows, columns = X.shape
    squares = X.T @ X
    if ridge == 0 and np.linalg.matrix_rank(squares) < columns:
        raise ValueError(
            f"of {columns} columns some can be computed from others: leave them out, or add a ridge"
        )
    penalty = ridge * rows * np.eye(columns)
    penalty[0, 0] = 0  # the intercept is no reason for a penalty
    return np.linalg.solve(squares + penalty, X.T @ y)
    ### END SOLUTION


def gradient(X: Array, y: Array, weights: Array, ridge: float = 0.0) -> Array:
    """Return the gradient of `loss` by the weights.

    Raises ValueError where `check_fit` does.

    >>> gradient(np.array([[1.0, 2.0]]), np.array([9.0]), np.array([3.0, 2.0]), ridge=0.5)
    array([-4., -6.])
    """
    check_fit(X, y, ridge)
    ### BEGIN SOLUTION
    slopes = 2 / len(X) * (X.T @ (X @ weights - y))
    slopes[1:] += 2 * ridge * weights[1:]
    return slopes
    ### END SOLUTION


def rate_limit(X: Array, ridge: float = 0.0) -> float:
    """Return 2/L, where L is the steepest curvature of `loss`: the rate at which descent stops converging.

    >>> rate_limit(np.array([[2.0], [0.0]]))
    0.5
    """
    penalty = 2 * ridge * np.diag(np.arange(X.shape[1]) > 0)
    return float(2 / np.linalg.eigvalsh(X.T @ X * (2 / len(X)) + penalty)[-1])


def descend(
    X: Array,
    y: Array,
    rate: float,
    steps: int,
    ridge: float = 0.0,
) -> tuple[Array, list[float]]:
    """Return the weights after that many steps against the gradient of all rows, and the losses on the way.

    The weights start at 0. The losses are those before the first step and after each: `steps` + 1 numbers.
    Raises ValueError where `check_fit` does, and where a loss isn't finite.
    Source: Cauchy (1847).

    >>> weights, losses = descend(np.array([[1.0]]), np.array([4.0]), rate=0.25, steps=2)
    >>> weights, losses
    (array([3.]), [16.0, 4.0, 1.0])
    """
    check_fit(X, y, ridge)
    ### BEGIN SOLUTION
    weights = np.zeros(X.shape[1])
    losses = [loss(X, y, weights, ridge)]
    for _ in range(steps):
        weights = weights - rate * gradient(X, y, weights, ridge)
        losses.append(loss(X, y, weights, ridge))
    return weights, losses
    ### END SOLUTION


def sgd(
    X: Array,
    y: Array,
    rate: float,
    epochs: int,
    batch: int,
    seed: int,
    ridge: float = 0.0,
) -> tuple[Array, list[float]]:
    """Return the weights after `epochs` passes in small steps, and the loss of all rows before and after each pass.

    The weights start at 0. A pass goes through all rows once, in an order drawn anew for each pass, and takes
    a step against the gradient of each `batch` of them; the last batch of a pass may be smaller.
    The same seed gives the same steps. Raises ValueError where `check_fit` does, and where a batch is below 1.
    Source: Robbins and Monro (1951).

    >>> weights, losses = sgd(np.array([[1.0], [1.0]]), np.array([4.0, 4.0]), 0.25, epochs=1, batch=1, seed=0)
    >>> weights, losses
    (array([3.]), [16.0, 1.0])
    """
    check_fit(X, y, ridge)
    ### BEGIN SOLUTION
    if batch < 1:
        raise ValueError(f"a batch of {batch!r} rows has no gradient")
    random = np.random.default_rng(seed)
    weights = np.zeros(X.shape[1])
    losses = [loss(X, y, weights, ridge)]
    for _ in range(epochs):
        order = random.permutation(len(X))
        for start in range(0, len(X), batch):
            rows = order[start : start + batch]
            weights = weights - rate * gradient(X[rows], y[rows], weights, ridge)
        losses.append(loss(X, y, weights, ridge))
    return weights, losses
    ### END SOLUTION


def fit_and_predict(
    table: Table,
    target: Array,
    train: Rows,
    test: Rows,
    categories: Sequence[str] = (),
    ridge: float = 0.0,
    log: bool = False,
) -> tuple[Array, Array]:
    """Return the weights of a `Design` fitted to the rows of `train`, and what they predict for those of `test`.

    Nothing about the rows of `test` may change the weights, and nothing but a row's own values its prediction.
    With `log`, the weights are fitted to the natural logarithm of the target, and the predictions are in the
    target's own unit all the same. Raises ValueError where `closed_form` does, and where a logarithm is asked
    of a target in `train` that isn't above 0.

    >>> houses, price = {"area": np.array([1.0, 2.0, 3.0, 4.0])}, np.array([3.0, 5.0, 7.0, 99.0])
    >>> fit_and_predict(houses, price, np.array([0, 1, 2]), np.array([3]))[1].round(9)
    array([9.])
    """
    ### BEGIN SOLUTION
    goal = target[train]
    if log:
        if goal.min() <= 0:
            raise ValueError(f"a target of {goal.min()} has no logarithm")
        goal = np.log(goal)
    design = Design(take(table, train), categories)
    weights = closed_form(design.matrix(take(table, train)), goal, ridge)
    predicted = design.matrix(take(table, test)) @ weights
    return weights, np.exp(predicted) if log else predicted
    ### END SOLUTION


def choose_ridge(
    table: Table,
    target: Array,
    ridges: Sequence[float],
    k: int,
    seed: int,
    categories: Sequence[str] = (),
) -> tuple[float, list[float]]:
    """Return the ridge that predicts unseen rows best, and the error of each ridge.

    The error is the mean squared error over all rows, where each row is predicted by the weights of the fold
    of `folds(rows, k, seed)` that has it in its test part. Among equals, the first ridge is taken.
    Raises ValueError where there is no ridge to choose from, and where `folds` or `fit_and_predict` does.

    >>> houses, price = {"area": np.array([1.0, 2.0, 3.0, 4.0])}, np.array([3.0, 5.0, 7.0, 9.0])
    >>> choose_ridge(houses, price, [10.0, 0.0], k=2, seed=0)[0]
    0.0
    """
    ### BEGIN SOLUTION
    if len(ridges) == 0:
        raise ValueError("there is no ridge to choose from")
    errors = []
    for ridge in ridges:
        predicted = np.empty(len(target))
        for train, test in folds(len(target), k, seed):
            predicted[test] = fit_and_predict(table, target, train, test, categories, ridge)[1]
        errors.append(scores(target, predicted)[0])
    return ridges[int(np.argmin(errors))], errors
    ### END SOLUTION


def bell_total(spread: float) -> float:
    """Return the sum of exp(−k² / 2 spread²) over all whole numbers k, to double precision.

    >>> round(bell_total(1.0), 6)
    2.506628
    """
    if spread > 2:
        return spread * math.sqrt(2 * math.pi)  # a sum so smooth is its integral
    return float(np.sum(np.exp(-(np.arange(-40, 41) ** 2) / (2 * spread**2))))


def residual_bits(residuals: ArrayLike, spread: float) -> float:
    """Return the bits that whole numbers take in the code of a bell curve around 0.

    The code gives k the probability exp(−k² / 2 spread²) / `bell_total(spread)`, so that all whole numbers
    have a code. Raises ValueError where the spread isn't above 0, and where a residual isn't whole.

    >>> round(residual_bits([0, 0], 0.1), 6)
    0.0
    >>> round(residual_bits([3, -4], 4.0), 3)
    7.779
    """
    ### BEGIN SOLUTION
    numbers = np.asarray(residuals, np.float64)
    if not spread > 0:
        raise ValueError(f"a spread of {spread!r} has no bell curve; it must be above 0")
    if not np.array_equal(numbers, np.round(numbers)):
        raise ValueError("only whole numbers have a code: divide by the unit and round first")
    nats = np.sum(numbers**2) / (2 * spread**2) + numbers.size * math.log(bell_total(spread))
    return float(nats / math.log(2))
    ### END SOLUTION


def description_length(X: Array, target: Array, unit: float = 100.0) -> tuple[int, float]:
    """Return the bits of a linear model of the target, and the bits of the target given the model.

    The target is divided by the unit and rounded: that is what is written down, and can be read back exactly.
    The model is the weights of `closed_form` for that, and the spread of the residuals, each rounded to a
    float16 of `WEIGHT_BITS` bits. The residuals are the rounded target less the predictions of the *rounded*
    weights, rounded too; their spread is the root of their mean square, and at least 1/8.
    Who reads the file knows the matrix. Raises ValueError where `closed_form` does, and where a number is
    larger than a float16 can be.

    >>> description_length(np.array([[1.0], [1.0]]), np.array([500.0, 500.0]))[0]
    32
    """
    ### BEGIN SOLUTION
    goal = np.round(target / unit)
    exact = closed_form(X, goal)
    if np.abs(exact).max() > LARGEST:
        raise ValueError(f"a weight of {np.abs(exact).max():g} is too large to ship; take a larger unit")
    weights = exact.astype(np.float16)
    residuals = goal - np.round(X @ weights)
    spread = min(LARGEST, max(0.125, math.sqrt(np.mean(residuals**2))))
    return WEIGHT_BITS * (len(weights) + 1), residual_bits(residuals, float(np.float16(spread)))
    ### END SOLUTION


Candidate: TypeAlias = Callable[[Table, Array, Rows, Rows], tuple[Array, Array]]


def is_free_of_leaks(candidate: Candidate) -> bool:
    """Say whether a way to fit and predict learns nothing from the test part: this law is yours to write.

    It is handed functions that take (table, target, train, test), as `fit_and_predict` does, and return
    (weights, predictions). The table has a column of numbers, `area`, and a category, `quarter`, a whole
    number; let 8 rows or more be for training. Not all candidates are linear models, and some predict
    badly: that is no leak. A leak is where the test part has a say in the weights, or where a row's prediction
    depends on anything of the test part but the row's own values in the table.
    """
    ### BEGIN SOLUTION
    target = np.arange(12.0)
    table = {"area": np.sqrt(target), "quarter": target % 3}
    train, test = np.split(np.arange(12), [8])
    weights, predicted = candidate(table, target, train, test)
    _, *others = test
    target[test] = 1000
    table["area"][others] = 50
    table["quarter"][others] = 7
    new_weights, new_predicted = candidate(table, target, train, test)
    return (
        weights.shape == new_weights.shape
        and np.allclose(weights, new_weights)
        and np.allclose(predicted[0], new_predicted[0])
    )
    ### END SOLUTION

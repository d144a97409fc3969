"""Public laws of lesson 9: tables by hand, fits against their normal equations, bits against Kraft and Gibbs."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from autograder.laws import expect, law

SEEDS = st.integers(0, 999)
SHAPES = st.sampled_from([(1, 1), (2, 1), (2, 2), (5, 3), (6, 1), (9, 4), (12, 2)])  # rows and columns of X
ODD = [1.0, 2.0, 3.0, 0.0, -1.0, 40.0, math.nan, math.inf, -math.inf, 2.0]

HOUSES = {
    "area": np.array([1.0, 3.0, 2.0, 6.0, 4.0, 2.0]),
    "age": np.array([7.0, 7.0, 7.0, 7.0, 7.0, 7.0]),
    "quarter": np.array([4.0, 0.0, 2.0, 4.0, 2.0, 0.0]),
}


def problem(seed, shape, noise=1.0):
    """Draw a matrix with ones in front, of full rank, and a target near a linear function of it."""
    random = np.random.default_rng(seed)
    X = np.ones(shape)
    X[:, 1:] = random.normal(0, 1, (shape[0], shape[1] - 1))
    return X, X @ random.integers(-4, 5, shape[1]) + noise * random.normal(0, 1, shape[0])


def cost(X, y, weights, ridge=0.0):
    """Work out the loss of the lesson."""
    return float(np.mean((X @ weights - y) ** 2) + ridge * np.sum(weights[1:] ** 2))


def solve(X, y, ridge=0.0):
    """Find the best weights by least squares: a ridge is rows more, which ask for weights of 0."""
    columns = X.shape[1]
    more = math.sqrt(ridge * len(X)) * np.eye(columns)[1:]
    rows, goal = np.vstack([X, more]), np.concatenate([y, np.zeros(columns - 1)])
    return np.linalg.lstsq(rows, goal, rcond=None)[0]


def design(table, fitted, categories):
    """Build the matrix of all rows, with scales and kinds from the rows in `fitted`."""
    columns = [np.ones(len(next(iter(table.values()))))]
    for name, column in table.items():
        if name not in categories:
            spread = np.std(column[fitted]) if np.ptp(column[fitted]) else 1.0
            columns.append((column - np.mean(column[fitted])) / spread)
    for name in categories:
        columns += [(table[name] == kind) * 1.0 for kind in sorted(set(table[name][fitted]))[1:]]
    return np.column_stack(columns)


def rows_of(table, rows):
    return {name: column[rows] for name, column in table.items()}


def town(seed, rows):
    """Draw a table with two columns of numbers and a category, and prices above 0."""
    random = np.random.default_rng(seed)
    table = {
        "area": random.uniform(1, 9, rows),
        "quarter": np.arange(rows) % 3 * 2.0,
        "age": random.integers(0, 50, rows).astype(float),
    }
    price = 20 + 5 * table["area"] + 3 * table["quarter"] - 0.1 * table["age"] + random.uniform(0, 4, rows)
    return table, price


@law(
    exercise="clean",
    points=2,
    examples=11,
    hint="Three questions for each row: is every value finite, is each within its limits (the limits themselves "
    "are allowed), and has an equal row been kept before? NaN is neither below nor above anything.",
)
@given(raw=st.binary(max_size=30))
@example(raw=b"")
@example(raw=bytes([0, 2, 1, 0, 2, 1, 1, 0, 0, 0, 2, 1]))
@example(raw=bytes([0, 0, 5, 0, 0, 4, 0, 6, 0, 3, 4, 0, 4, 3, 0, 0, 7, 0, 0, 0, 2]))
def test_rows_that_cant_be_believed_go(linear_regression, raw):
    """Rows with odd values and copies of earlier rows go; the others stay in their order."""
    values = [ODD[byte % len(ODD)] for byte in raw]
    rows = [tuple(values[i : i + 3]) for i in range(0, len(values) - 2, 3)]
    table = {name: np.array([row[i] for row in rows], dtype=float) for i, name in enumerate("abc")}
    kept = []
    for row in rows:
        sound = all(map(math.isfinite, row)) and 0 <= row[0] <= 3 and -1 <= row[2] <= 2
        if sound and row not in kept:
            kept.append(row)
    got = linear_regression.clean(table, {"a": (0, 3), "c": (-1, 2)})
    expect.kind(got, dict, "the clean table")
    expect.equal(list(got), ["a", "b", "c"], "the names of its columns")
    for i, name in enumerate("abc"):
        expected = np.array([row[i] for row in kept], dtype=float)
        expect.close(got[name], expected, what=f"column {name} of the rows {rows}")


@law(
    exercise="clean",
    points=1,
    hint="Compare the lengths of all columns first. Every name in `limits` must be a column.",
)
def test_broken_tables_are_refused(linear_regression):
    """A table without columns or of unequal ones, and a limit for no column, are refused."""
    table = {"rooms": np.array([5.0, 5.0, np.nan, 99.0]), "age": np.array([1.0, 2.0, 3.0, 4.0])}
    got = linear_regression.clean(table, {"rooms": (1, 20)})
    expect.equal(got, {"rooms": np.array([5.0, 5.0]), "age": np.array([1.0, 2.0])}, "the clean table")
    expect.raises("ValueError", linear_regression.clean, {}, {}, what="a table without columns")
    short = {**table, "age": np.array([1.0])}
    expect.raises("ValueError", linear_regression.clean, short, {}, what="columns of 4 and 1 rows")
    misspelt = "a limit for 'romos', which is no column"
    expect.raises(
        "ValueError", linear_regression.clean, table, {"romos": (1, 20)}, what=misspelt, naming="romos"
    )


@law(
    exercise="folds",
    points=2,
    examples=9,
    hint="Shuffle the numbers 0 to rows - 1 once and cut them into k parts. Each part is the test of one "
    "fold, and all the other parts together are its train.",
)
@given(rows=st.integers(2, 23), k=st.integers(2, 7), seed=SEEDS)
@example(rows=2, k=2, seed=0)
@example(rows=7, k=3, seed=1)
@example(rows=7, k=7, seed=1)
def test_each_row_is_tested_once(linear_regression, rows, k, seed):
    """Each row is in one test part and in the other folds' train; the parts are of one size, or nearly."""
    k = min(k, rows)
    got = linear_regression.folds(rows, k, seed)
    expect.equal(linear_regression.folds(rows, k, seed), got, "the folds of the same seed")
    expect.kind(got, list, "the folds")
    expect.equal(len(got), k, "the number of folds")
    tested = []
    for train, test in got:
        expect.true(
            test.dtype.kind == "i" and train.dtype.kind == "i", "row numbers are whole", got=(train, test)
        )
        both = sorted([*train.tolist(), *test.tolist()])
        expect.equal(both, list(range(rows)), "the rows of train and test of a fold together, in order")
        size = len(test)
        expect.true(size in (rows // k, -(-rows // k)), f"{rows} rows to {k} parts: {size} in one", got=got)
        tested += test.tolist()
    expect.equal(sorted(tested), list(range(rows)), "the rows of all test parts, in order")


@law(
    exercise="folds",
    points=1,
    hint="A table is often sorted, ours by year: deal the rows in an order drawn with the seed. And look at k "
    "before you start.",
)
def test_folds_are_shuffled(linear_regression):
    """Another seed deals other parts, none is a run of rows; an impossible k is refused."""
    first, second = (linear_regression.folds(60, 3, seed) for seed in (1, 2))
    for _, test in [*first, *second]:
        steps = {b - a for a, b in zip(sorted(test.tolist()), sorted(test.tolist())[1:], strict=False)}
        expect.true(len(steps) > 1, "a test part of 60 rows is a run, or takes every n-th row", got=test)
    same = sorted(first[0][1].tolist()) == sorted(second[0][1].tolist())
    expect.true(not same, "seeds 1 and 2 have the same first test part", got=first[0][1])
    for rows, k in [(5, 1), (5, 0), (5, 6), (0, 2), (1, 1), (5, -1)]:
        expect.raises("ValueError", linear_regression.folds, rows, k, 0)


@law(
    exercise="Scaler",
    points=2,
    examples=8,
    hint="Take the mean and the spread of each column (axis 0), once, when the scaler is made. Divide by n, as "
    "np.std does. `undo` is the same steps backwards.",
)
@given(
    seed=SEEDS, shape=st.sampled_from([(1, 1), (1, 3), (4, 1), (5, 3), (2, 2), (6, 0)]), turned=st.booleans()
)
@example(seed=0, shape=(5, 3), turned=True)
def test_scaled_columns(linear_regression, seed, shape, turned):
    """Columns get mean 0 and spread 1, other rows the same scale, and undo gives them back."""
    random = np.random.default_rng(seed)
    columns = random.normal(3, 20, shape[::-1] if turned else shape)
    columns = columns.T if turned else columns  # a view that is not contiguous
    others = random.normal(0, 5, (3, shape[1]))
    scaler = linear_regression.Scaler(columns)
    mean = columns.mean(axis=0)
    spread = np.sqrt(((columns - mean) ** 2).mean(axis=0)) if shape[0] > 1 else np.ones(shape[1])
    expect.close(scaler.mean, mean, what="the mean")
    expect.close(scaler.spread, spread, what="the spread")
    expect.close(scaler.apply(columns), (columns - mean) / spread, atol=1e-9, what="the scaled columns")
    expect.close(scaler.apply(others), (others - mean) / spread, atol=1e-9, what="other rows on that scale")
    expect.close(scaler.undo(scaler.apply(others)), others, atol=1e-9, what="other rows, scaled and back")


@law(
    exercise="Scaler",
    points=1,
    hint="A column whose values are all equal has no spread to divide by: use 1. Rounding can make its spread "
    "1e-17, so ask whether its largest value is above its least.",
)
def test_constant_columns(linear_regression):
    """A column of equal values becomes 0, whatever they are; no rows are refused."""
    for value in (0.0, 7.0, 0.1, 1e9 + 0.1):
        columns = np.full((3, 2), value)
        columns[:, 1] = [1.0, 2.0, 6.0]
        scaler = linear_regression.Scaler(columns)
        expect.close(scaler.spread[:1], np.ones(1), what=f"the spread of three times {value}")
        got = scaler.apply(columns)[:, 0]
        expect.close(got, np.zeros(3), atol=1e-6, what=f"the scaled column of three times {value}")
        expect.close(scaler.apply(columns + 2)[:, 0], np.full(3, 2.0), rtol=1e-5, what=f"{value} + 2, scaled")
    expect.raises("ValueError", linear_regression.Scaler, np.empty((0, 2)), what="a matrix without rows")
    expect.raises("ValueError", linear_regression.Scaler, np.array([1.0, 2.0]), what="an array with one axis")


@law(
    exercise="Design",
    points=1,
    hint="Ones first; then the scaled numbers; then a column of 0 and 1 for each kind of each category, but "
    "none for the lowest kind. Work the six houses out on paper.",
)
def test_design_by_hand(linear_regression):
    """Six houses with two columns of numbers and a category become the matrix worked out by hand."""
    made = linear_regression.Design(HOUSES, ["quarter"])
    root = math.sqrt(8 / 3)  # areas of mean 3: their squared distances from it are 4, 0, 1, 9, 1, 1
    by_hand = np.array(
        [
            [1, a / root, 0, q == 2, q == 4]
            for a, q in zip([-2, 0, -1, 3, 1, -1], HOUSES["quarter"], strict=True)
        ]
    )
    expect.close(made.matrix(HOUSES), by_hand, atol=1e-9, what="the matrix of the six houses")
    expect.equal(made.names(), ["1", "area", "age", "quarter 2", "quarter 4"], "the names of its columns")
    numbers = rows_of(HOUSES, np.array([3]))
    del numbers["quarter"]
    alone = linear_regression.Design(numbers).matrix(numbers)
    expect.close(alone, np.array([[1.0, 0.0, 0.0]]), what="the matrix of one house, without a category")
    quarters = {"quarter": HOUSES["quarter"]}
    got = linear_regression.Design(quarters, ["quarter"]).matrix(quarters)
    expect.close(got, by_hand[:, [0, 3, 4]], what="the matrix of a category alone")


@law(
    exercise="Design",
    points=2,
    examples=7,
    hint="`__init__` measures and looks at the kinds; `matrix` uses what was found and measures nothing. A kind "
    "that `__init__` didn't see has no column, so its row has zeros there.",
)
@given(seed=SEEDS, fitted=st.sampled_from([1, 2, 5, 8]), others=st.sampled_from([0, 1, 6]))
@example(seed=1, fitted=2, others=6)
def test_design_is_of_its_own_rows(linear_regression, seed, fitted, others):
    """Other rows get the scales and kinds of the table that the design was made with."""
    table, _ = town(seed, fitted + others)
    table["year"] = np.where(np.arange(fitted + others) % 4 < 2, 78.0, 81.0)
    train, test = np.arange(fitted), np.arange(fitted, fitted + others)
    made = linear_regression.Design(rows_of(table, train), ["quarter", "year"])
    whole = design(table, train, ["quarter", "year"])
    for name, rows in [("its own rows", train), ("other rows", test)]:
        expect.close(made.matrix(rows_of(table, rows)), whole[rows], atol=1e-9, what=f"the matrix of {name}")


@law(
    exercise="scores",
    points=2,
    examples=8,
    hint="Square the differences and take their mean; take the mean of their sizes; hold the first against what "
    "it would be if you always said the mean.",
)
@given(raw=st.binary(min_size=2, max_size=16))
@example(raw=bytes([3, 25, 2, 21, 4, 42, 1, 8, 5, 52]))
@example(raw=bytes([7, 70]))
def test_errors_add_up(linear_regression, raw):
    """The three scores are those of the definitions, added up one by one."""
    truth = np.array([byte * 1.0 for byte in raw[::2]][: len(raw) // 2])
    predicted = np.array([byte / 10 for byte in raw[1::2]])
    n = len(truth)
    squared = sum((p - t) ** 2 for t, p in zip(truth.tolist(), predicted.tolist(), strict=True)) / n
    absolute = sum(abs(p - t) for t, p in zip(truth.tolist(), predicted.tolist(), strict=True)) / n
    mean = sum(truth.tolist()) / n
    total = sum((t - mean) ** 2 for t in truth.tolist()) / n
    expected = (squared, absolute, 1 - squared / total if len(set(truth.tolist())) > 1 else 0.0)
    got = linear_regression.scores(truth, predicted)
    expect.kind(got, tuple, "the scores")
    expect.equal(len(got), 3, "the number of scores")
    for name, value, right in zip(
        ("mean squared error", "mean absolute error", "R²"), got, expected, strict=True
    ):
        expect.close(value, right, what=f"the {name} of {predicted.tolist()} for {truth.tolist()}")


@law(
    exercise="scores",
    points=1,
    hint="NumPy subtracts a column from a row without complaint, and gives a table. Compare the shapes first. "
    "Where all truths are equal, R² is 0: don't divide by rounding errors.",
)
def test_scores_refuse_what_does_not_match(linear_regression):
    """Numbers of other shapes, and none at all, are refused; equal truths have an R² of 0."""
    three = np.array([0.1, 0.1, 0.1])
    got = linear_regression.scores(three, np.array([0.1, 0.1, 0.4]))
    expect.close(got[0], 0.03, what="the mean squared error of 0.1, 0.1, 0.4 for three times 0.1")
    expect.close(got[2], 0.0, what="R² where all truths are 0.1")
    for shape in [(3, 1), (2,), (1,), ()]:
        expect.raises(
            "ValueError", linear_regression.scores, three, np.zeros(shape), what=f"shape (3,) and {shape}"
        )
    nothing = np.empty(0)
    expect.raises("ValueError", linear_regression.scores, nothing, nothing, what="no numbers")


@law(
    exercise="closed_form",
    points=1,
    hint="On paper: multiply Xᵀ by X and by y, and solve the two equations that come out. X itself isn't square, so it "
    "has no inverse; the ridge comes in times n, and not for the intercept.",
)
def test_pencil_example(linear_regression):
    """Prices of 3, 5 and 10 for areas of 1, 2 and 3 give the weights -1 and 3.5."""
    X, y = np.array([[1.0, 1.0], [1.0, 2.0], [1.0, 3.0]]), np.array([3.0, 5.0, 10.0])
    expect.close(linear_regression.closed_form(X, y), np.array([-1.0, 3.5]), what="the weights")
    with_ridge = linear_regression.closed_form(X - [0.0, 2.0], y, 2 / 3)  # with the areas centred: -1, 0, 1
    expect.close(with_ridge, np.array([6.0, 1.75]), what="the weights for centred areas, with a ridge of 2/3")


@law(
    exercise="closed_form",
    points=2,
    examples=9,
    hint="At the best weights, what is left over is orthogonal to every column: Xᵀ (X w - y) = 0. Multiply out, "
    "and let np.linalg.solve find w.",
)
@given(seed=SEEDS, shape=SHAPES)
@example(seed=0, shape=(5, 3))
def test_normal_equations(linear_regression, seed, shape):
    """What is left over is orthogonal to each column, and the weights are those of lstsq."""
    X, y = problem(seed, shape)
    weights = linear_regression.closed_form(X, y)
    expected = np.linalg.lstsq(X, y, rcond=None)[0]
    rtol = 1e-9 * np.linalg.cond(X) ** 2
    expect.close(weights, expected, rtol=rtol, atol=rtol, what="the weights")
    left = X.T @ (X @ weights - y)
    expect.close(
        left, np.zeros(shape[1]), atol=1e-8, what="the product of each column with what is left over"
    )


@law(
    exercise="closed_form",
    points=1,
    examples=4,
    hint="What a column is measured in, and the order of rows, are no part of the problem. If you scale or sort "
    "inside, undo it.",
)
@given(
    seed=SEEDS, shape=st.sampled_from([(5, 3), (9, 4), (6, 2)]), factor=st.sampled_from([0.01, -3.0, 1000.0])
)
def test_units_and_order_do_not_matter(linear_regression, seed, shape, factor):
    """A column in another unit changes its weight alone, and another order of rows nothing."""
    X, y = problem(seed, shape)
    weights = linear_regression.closed_form(X, y)
    expect.close(weights, solve(X, y), rtol=1e-6, atol=1e-7, what="the weights")
    scaled = X.copy()
    scaled[:, -1] *= factor
    expected = weights.copy()
    expected[-1] /= factor
    got = linear_regression.closed_form(scaled, y)
    expect.close(got, expected, rtol=1e-6, atol=1e-7, what=f"the weights with the last column times {factor}")
    order = np.random.default_rng(seed).permutation(len(y))
    got = linear_regression.closed_form(X[order], y[order])
    expect.close(got, weights, rtol=1e-7, atol=1e-8, what="the weights with the rows in another order")


@law(
    exercise="closed_form",
    points=2,
    examples=6,
    hint="Set the gradient of the whole loss to zero: the mean brings a 1/n, so the ridge comes in times n. The "
    "intercept, weight 0, is not in the penalty.",
)
@given(
    seed=SEEDS,
    shape=st.sampled_from([(1, 2), (5, 3), (9, 4), (2, 4)]),
    ridge=st.sampled_from([0.01, 0.5, 30.0]),
)
def test_ridge_holds_weights_down(linear_regression, seed, shape, ridge):
    """With a ridge the loss is least, fewer rows than columns will do, and the intercept is free."""
    X, y = problem(seed, shape)
    weights = linear_regression.closed_form(X, y, ridge)
    expect.close(
        weights, solve(X, y, ridge), rtol=1e-6, atol=1e-7, what=f"the weights with a ridge of {ridge}"
    )
    moved = weights.copy()
    moved[0] += 500
    got = linear_regression.closed_form(X, y + 500, ridge)
    expect.close(got, moved, rtol=1e-6, atol=1e-6, what="the weights for a target that is 500 higher")


@law(
    exercise="closed_form",
    points=1,
    hint="Ask for the rank of Xᵀ X before you solve, for rounding hides from `solve` that it is not full. With a "
    "ridge there is always one best answer.",
)
def test_copies_of_a_column_are_refused(linear_regression):
    """Columns that others make up are refused without a ridge, and share a weight with one."""
    X, y = problem(5, (8, 3))
    expect.close(linear_regression.closed_form(X, y), solve(X, y), rtol=1e-6, what="the weights")
    twins = np.column_stack([X, X[:, 1]])
    weights = linear_regression.closed_form(twins, y, 0.1)
    expect.close(
        weights[3], weights[1], rtol=1e-6, what="the weight of a copy beside its original's, with a ridge"
    )
    expect.close(weights, solve(twins, y, 0.1), rtol=1e-6, what="the weights with a copy and a ridge")
    sums = np.column_stack([X, 0.3 * X[:, 1] - 7 * X[:, 2] + 2])
    for name, matrix in [("a copy", twins), ("a sum of others", sums), ("fewer rows than columns", X[:2])]:
        expect.raises("ValueError", linear_regression.closed_form, matrix, y[: len(matrix)], what=name)


@law(
    exercise="gradient",
    points=3,
    examples=8,
    hint="A square brings down a 2, a mean brings a 1/n, and each once. The penalty's share is 2 · ridge · weight, "
    "and nothing for the intercept.",
)
@given(seed=SEEDS, shape=SHAPES, ridge=st.sampled_from([0.0, 0.0, 0.25, 2.0]))
@example(seed=3, shape=(5, 3), ridge=0.0)
@example(seed=3, shape=(5, 3), ridge=0.25)
def test_gradient_of_the_loss(linear_regression, seed, shape, ridge):
    """The gradient agrees with central differences, at any weights."""
    X, y = problem(seed, shape)
    weights = np.random.default_rng(seed + 1).normal(0, 2, shape[1])
    measured = np.empty(shape[1])
    for i in range(shape[1]):
        nudge = np.zeros(shape[1])
        nudge[i] = 0.5  # the loss is a quadratic, so central differences are exact at any step
        measured[i] = cost(X, y, weights + nudge, ridge) - cost(X, y, weights - nudge, ridge)
    got = linear_regression.gradient(X, y, weights, ridge)
    expect.close(got, measured, rtol=1e-8, atol=1e-8, what=f"the gradient with a ridge of {ridge}")


@law(
    exercise="descend",
    points=2,
    examples=5,
    hint="Start at zeros. A step takes rate · gradient away from the weights; note the loss before the first step "
    "and after every one.",
)
@given(seed=SEEDS, shape=st.sampled_from([(1, 1), (5, 2), (9, 3)]), ridge=st.sampled_from([0.0, 0.5]))
def test_steps_downhill(linear_regression, seed, shape, ridge):
    """Every step is rate · gradient, and every loss is that of the weights there."""
    X, y = problem(seed, shape)
    weights, losses = np.zeros(shape[1]), [cost(X, y, np.zeros(shape[1]), ridge)]
    for _ in range(3):
        slopes = 2 / len(X) * X.T @ (X @ weights - y)
        slopes[1:] += 2 * ridge * weights[1:]
        weights = weights - 0.05 * slopes
        losses.append(cost(X, y, weights, ridge))
    got = linear_regression.descend(X, y, 0.05, 3, ridge)
    expect.kind(got, tuple, "what descend returns")
    expect.close(got[0], weights, what="the weights after 3 steps")
    expect.close(np.array(got[1]), np.array(losses), what="the losses")
    start = linear_regression.descend(X, y, 0.05, 0, ridge)
    expect.close(start[0], np.zeros(shape[1]), what="the weights after 0 steps")
    expect.close(np.array(start[1]), np.array(losses[:1]), what="the losses of 0 steps")


@law(
    exercise="descend",
    points=1,
    examples=3,
    hint="The theory is exact, so a slip shows: a gradient that is twice too long halves the rate that you may "
    "take. Try gradient against central differences.",
)
@given(seed=SEEDS, ridge=st.sampled_from([0.0, 0.2]))
def test_rate_below_the_limit_converges(linear_regression, seed, ridge):
    """A rate just below 2/L reaches the closed form's weights, and one just above moves away."""
    X, y = problem(seed, (9, 3))
    X = np.linalg.qr(X)[0] * [3.0, 4.0, 6.0]  # curvatures that are not far apart
    penalty = 2 * ridge * np.diag([0.0, 1.0, 1.0])
    limit = 2 / np.linalg.eigvalsh(2 / len(X) * X.T @ X + penalty)[-1]
    weights, _ = linear_regression.descend(X, y, 0.9 * limit, 60, ridge)
    expect.close(weights, solve(X, y, ridge), rtol=1e-3, atol=1e-3, what="the weights at 0.9 of the limit")
    _, losses = linear_regression.descend(X, y, 1.05 * limit, 60, ridge)
    expect.true(losses[-1] > 2 * losses[30] > 0, "at 1.05 of the limit the loss grows", got=losses[::10])
    expect.raises(
        "ValueError", linear_regression.descend, X, y, 1e3 * limit, 99, ridge, what="a loss of infinity"
    )


@law(
    exercise="sgd",
    points=2,
    examples=6,
    hint="One order for X and y together; every row once in a pass; a step is rate · the MEAN gradient of its "
    "batch; the last, smaller batch steps too.",
)
@given(seed=SEEDS, rows=st.sampled_from([1, 4, 7, 8]), batch=st.sampled_from([1, 2, 3, 4, 50]))
@example(seed=1, rows=7, batch=3)
def test_each_row_has_a_say_in_each_pass(linear_regression, seed, rows, batch):
    """With tiny steps, a pass moves the weights by the sum of the steps of its batches."""
    X, y = problem(seed, (rows, 2))
    y = y + 100.0 * np.arange(rows)  # each row pulls in its own way
    rate = 1e-9
    steps = -(-rows // batch)
    alike, pull = np.tile(X[:1], (rows, 1)), np.full(rows, y[0] + 50)
    got = linear_regression.sgd(alike, pull, rate, 2, batch, seed)[0] / rate
    expected = 2 * steps * 2 * alike[0] * pull[0]
    expect.close(got, expected, rtol=1e-5, what=f"two passes over {rows} equal rows, {batch} a batch")
    if rows % batch == 0:
        got = linear_regression.sgd(X, y, rate, 1, batch, seed)[0] / rate
        expected = 2 * X.T @ y / batch
        expect.close(got, expected, rtol=1e-5, atol=1e-3, what=f"a pass over {rows} rows, {batch} a batch")
    whole, losses = linear_regression.sgd(X, y, 0.01, 2, rows, seed, 0.5)
    expected = np.zeros(2)
    for _ in range(2):
        expected = expected - 0.01 * (2 / rows * X.T @ (X @ expected - y) + [0.0, expected[1]])
    expect.close(
        whole, expected, rtol=1e-7, atol=1e-9, what="two passes with one batch of all rows, ridge 0.5"
    )
    expect.close(losses[-1], cost(X, y, expected, 0.5), rtol=1e-7, what="the last loss, with a ridge of 0.5")


@law(
    exercise="sgd",
    points=1,
    examples=3,
    hint="Draw a permutation of the row numbers and index X and y with the same slice of it. Draw a new one for "
    "each pass, all from one generator with the seed.",
)
@given(seed=SEEDS, batch=st.sampled_from([1, 3]))
def test_rows_keep_their_targets(linear_regression, seed, batch):
    """Without noise the weights become exact; the losses fall; a seed repeats itself."""
    X = np.column_stack([np.ones(10), np.linspace(-1.5, 1.5, 10)])
    y = X @ np.array([3.0, 1.0 + seed % 5])
    weights, losses = linear_regression.sgd(X, y, 0.1, 30, batch, seed)
    expect.close(weights, solve(X, y), rtol=1e-3, atol=1e-3, what="the weights after 30 passes")
    expect.equal(len(losses), 31, "the number of losses")
    expect.close(losses[0], float(np.mean(y**2)), what="the loss before the first pass")
    short, few = linear_regression.sgd(X, y, 0.01, 2, batch, seed)
    expect.close(few[-1], cost(X, y, short), what="the last loss")
    again = linear_regression.sgd(X, y, 0.01, 2, batch, seed)[0]
    expect.equal(again, short, "the weights of the same seed")
    other = linear_regression.sgd(X, y, 0.01, 2, batch, seed + 1)[0]
    expect.true(bool(np.any(other != short)), "another seed goes another way", got=other)
    for size in (0, -1):
        expect.raises(
            "ValueError", linear_regression.sgd, X, y, 0.01, 2, size, seed, what=f"a batch of {size}"
        )


@law(
    exercise="fit_and_predict",
    points=1,
    examples=4,
    hint="Make the design and the weights from the rows of train, and use both on the rows of test. With `log`, "
    "fit np.log of the target and take np.exp of what is predicted.",
)
@given(seed=SEEDS, ridge=st.sampled_from([0.0, 0.1]), log=st.booleans())
@example(seed=1, ridge=0.1, log=True)
def test_predictions_in_dollars(linear_regression, seed, ridge, log):
    """Weights and predictions are those of least squares, and in dollars with a logarithm too."""
    table, price = town(seed, 14)
    price = price / 50 if log else price  # some prices are below 1, and their logarithms below 0
    order = np.random.default_rng(seed).permutation(14)
    train, test = order[:9], order[9:]
    X = design(table, train, ["quarter"])
    weights = solve(X[train], np.log(price[train]) if log else price[train], ridge)
    predicted = X[test] @ weights
    got = linear_regression.fit_and_predict(table, price, train, test, ["quarter"], ridge, log)
    expect.kind(got, tuple, "what comes back")
    expect.close(got[0], weights, rtol=1e-6, atol=1e-7, what="the weights")
    expect.close(got[1], np.exp(predicted) if log else predicted, rtol=1e-6, what="the predictions")
    if log:
        free = np.where(np.arange(14) == train[0], 0.0, price)
        what = "the logarithm of a price of 0"
        fit = linear_regression.fit_and_predict
        expect.raises("ValueError", fit, table, free, train, test, ["quarter"], ridge, True, what=what)


@law(
    exercise="fit_and_predict",
    points=3,
    examples=3,
    hint="Follow the rows of test through your code. Where do they meet a mean, a spread, a list of kinds, or the "
    "target? Take the rows of train out first, and measure those.",
)
@given(seed=SEEDS, log=st.booleans())
def test_nothing_is_learnt_from_the_test_part(linear_regression, seed, log):
    """Other values and prices in the test part change no weight, and no other row's prediction."""
    table, price = town(seed, 12)
    order = np.random.default_rng(seed).permutation(12)
    train, test = order[:8], order[8:]
    fit = linear_regression.fit_and_predict
    weights, predicted = fit(table, price, train, test, ["quarter"], 0.1, log)
    X = design(table, train, ["quarter"])
    expected = solve(X[train], np.log(price[train]) if log else price[train], 0.1)
    expect.close(weights, expected, rtol=1e-6, atol=1e-7, what="the weights")
    other, other_price = {name: column.copy() for name, column in table.items()}, price.copy()
    other_price[test] *= 7
    for name, value in [("area", 900.0), ("age", 333.0), ("quarter", 8.0)]:
        other[name][test[1:]] = value
    new_weights, new_predicted = fit(other, other_price, train, test, ["quarter"], 0.1, log)
    expect.close(new_weights, weights, what="the weights after a change in the test part")
    expect.close(
        new_predicted[:1], predicted[:1], what="the prediction for a row whose own values didn't change"
    )
    _, alone = fit(table, price, train, test[:1], ["quarter"], 0.1, log)
    expect.close(alone, predicted[:1], what="the prediction for a row that is alone in the test part")
    _, nothing = fit(table, price, train, test[:0], ["quarter"], 0.1, log)
    expect.close(nothing, np.empty(0), what="the predictions for no rows")


@law(
    exercise="choose_ridge",
    points=2,
    examples=3,
    hint="For each ridge, fill one array with predictions: each fold fills its test rows, by weights that didn't see "
    "them. Score that array once. The scale, too, is measured in each fold anew.",
)
@given(seed=SEEDS, k=st.sampled_from([2, 5]))
def test_ridge_is_chosen_by_unseen_rows(linear_regression, seed, k):
    """Each ridge's error is that of predictions for unseen rows, and the least one wins."""
    table, price = town(seed, 13)
    ridges = [0.03, 10.0, 0.0001, 0.3, 0.0001]
    errors = []
    folds = linear_regression.folds(13, k, seed)
    for ridge in ridges:
        wrong = np.zeros(13)
        for train, test in folds:
            X = design(table, train, ["quarter"])
            wrong[test] = X[test] @ solve(X[train], price[train], ridge) - price[test]
        errors.append(np.mean(wrong**2))
    best, got = linear_regression.choose_ridge(table, price, ridges, k, seed, ["quarter"])
    expect.close(np.array(got), np.array(errors), rtol=1e-6, what=f"the errors of the ridges {ridges}")
    expect.close(best, ridges[int(np.argmin(np.round(errors, 9)))], what="the best ridge")
    alone = linear_regression.choose_ridge(table, price, [0.3], k, seed, ["quarter"])
    expect.close(alone[0], 0.3, what="the best of one ridge")
    expect.raises("ValueError", linear_regression.choose_ridge, table, price, [], k, seed, what="no ridges")


@law(
    exercise="residual_bits",
    points=2,
    examples=4,
    hint="A number k of probability p costs -log2 p bits. The bell's exp gives nats: divide by ln 2, once. Each "
    "number pays log2 of bell_total, too.",
)
@given(spread=st.sampled_from([0.3, 1.0, 2.0, 2.5]), seed=SEEDS)
@example(spread=2.5, seed=0)
def test_all_whole_numbers_have_a_code(linear_regression, spread, seed):
    """The probabilities of all whole numbers add up to 1, and many numbers cost what each costs."""
    far = math.ceil(7 * spread)
    bits = [linear_regression.residual_bits([k], spread) for k in range(far + 1)]
    total = 2.0 ** -bits[0] + sum(2 * 2.0**-b for b in bits[1:])
    expect.close(total, 1.0, rtol=1e-8, what=f"the sum of 2^-bits over all whole numbers at spread {spread}")
    growth = [bits[k + 1] - bits[k] for k in range(far)]
    expected = [(2 * k + 1) / (2 * spread**2 * math.log(2)) for k in range(far)]
    expect.close(np.array(growth), np.array(expected), atol=1e-8, what="what the next number costs more")
    picks = np.random.default_rng(seed).integers(-far, far, 12)
    expected = sum(bits[abs(int(k))] for k in picks)
    expect.close(
        linear_regression.residual_bits(picks, spread), expected, what=f"the bits of {picks.tolist()}"
    )


@law(
    exercise="residual_bits",
    points=1,
    hint="Each number pays twice: for its square, in units of 2 spread² ln 2, and log2 of bell_total. A spread of 0 "
    "or below has no code, and a number with a fraction has none.",
)
def test_the_right_spread_is_cheapest(linear_regression):
    """The residuals' own spread makes them shortest; fractions and spreads of 0 are refused."""
    residuals = [3, -4, 12, 0, -5, 9, 2, -1]
    own = math.sqrt(sum(k * k for k in residuals) / len(residuals))
    bits = [linear_regression.residual_bits(residuals, own * factor) for factor in (0.5, 0.9, 1.0, 1.1, 2.0)]
    expect.true(
        bits[2] == min(bits) and bits[1] < bits[0] and bits[3] < bits[4], "Gibbs' inequality", got=bits
    )
    by_hand = sum(k * k for k in residuals) / (2 * own**2 * math.log(2)) + 8 * math.log2(
        own * math.sqrt(2 * math.pi)
    )
    expect.close(bits[2], by_hand, what="the bits at that spread")
    expect.close(linear_regression.residual_bits([], 3.0), 0.0, what="the bits of no numbers")
    small = linear_regression.residual_bits(np.array([100, -100], dtype=np.int8), 50.0)
    alike = linear_regression.residual_bits([100, -100], 50.0)
    expect.close(small, alike, what="the bits of 100 and -100 in bytes, whose squares don't fit into bytes")
    expect.raises("ValueError", linear_regression.residual_bits, [1, 2], 0.0)
    expect.raises("ValueError", linear_regression.residual_bits, [1, 2], -1.0)
    expect.raises("ValueError", linear_regression.residual_bits, [1.5, 2], 1.0)


@law(
    exercise="description_length",
    points=2,
    hint="Count 16 bits for each weight and for the spread. Then play the receiver: round the weights to float16, "
    "predict with those, round, and pay for what is left over.",
)
def test_a_column_must_pay_for_itself(linear_regression):
    """A column that helps makes the file shorter, and one of chance makes it longer."""
    random = np.random.default_rng(9)
    area = random.uniform(-1.7, 1.7, 60)
    target = 100_000 + 30_000 * area + random.normal(0, 5000, 60)
    chance = [random.normal(0, 1, 60) for _ in range(6)]
    totals, fits = [], []
    for columns in ([], [area], *([area, *chance[:n]] for n in range(1, 7))):
        X = np.column_stack([np.ones(60), *columns])
        model, data = linear_regression.description_length(X, target)
        expect.equal(
            model, 16 * (X.shape[1] + 1), f"the bits of the model, with {X.shape[1]} weights and a spread"
        )
        goal = np.round(target / 100)
        weights = np.float64(np.float16(np.linalg.lstsq(X, goal, rcond=None)[0]))
        left = goal - np.round(X @ weights)
        spread = float(np.float16(math.sqrt(np.mean(left**2))))
        expected = np.sum(left**2) / (2 * spread**2 * math.log(2)) + 60 * math.log2(
            spread * math.sqrt(2 * math.pi)
        )
        expect.close(data, expected, rtol=1e-6, what=f"the bits of the prices, given {X.shape[1]} weights")
        totals.append(model + data)
        fits.append(cost(X, target, solve(X, target)))
    expect.true(totals[1] < totals[0], "the column that helps makes the file shorter", got=totals[:2])
    expect.true(totals[7] > totals[1], "six columns of chance make it longer", got=totals)
    perfect = linear_regression.description_length(np.ones((3, 1)), np.full(3, 500.0))
    expect.close(perfect[1], 0.0, atol=1e-9, what="the bits of three equal prices, given their mean")
    goal, thousands = np.array([2.0, 3.0, 9.0]), np.array([2400.0, 2600.0, 9000.0])
    left = goal - 5  # their mean is 4.67, and what is predicted is rounded as well
    spread = float(np.float16(math.sqrt(np.mean(left**2))))
    expected = np.sum(left**2) / (2 * spread**2 * math.log(2)) + 3 * math.log2(
        spread * math.sqrt(2 * math.pi)
    )
    got = linear_regression.description_length(np.ones((3, 1)), thousands, 1000.0)
    expect.close(got[1], expected, rtol=1e-6, what="the bits of 2,400, 2,600 and 9,000 dollars in thousands")


@law(
    exercise="is_free_of_leaks",
    points=1,
    examples=2,
    hint="Call the candidate twice: once as it is, and once with the test part changed, its prices and all values "
    "of its rows but one. Which of its answers may differ?",
)
@given(order=st.permutations(range(7)))
def test_your_law_tells_leaks_from_bad_models(linear_regression, order):
    """Your law accepts what looks at train only, good or bad, and refuses what looks at test."""

    def mean_of_train(table, target, train, test):
        return np.array([target[train].mean()]), np.full(len(test), target[train].mean())

    def nearest(table, target, train, test):
        apart = np.abs(table["area"][test][:, None] - table["area"][train])
        return np.empty(0), target[train][apart.argmin(axis=1)]

    def least_squares(table, target, train, test):
        X = design(table, train, ["quarter"])
        weights = solve(X[train], target[train], 0.01)
        return weights, X[test] @ weights

    def mean_of_all(table, target, train, test):
        return np.empty(0), np.full(len(test), target.mean())

    def scaled_by_all(table, target, train, test):
        X = design(table, np.arange(len(target)), [])[:, :2]
        weights = solve(X[train], target[train])
        return weights, X[test] @ weights

    def scaled_by_test(table, target, train, test):
        X = design(table, test, [])[:, :2]
        return np.empty(0), X[test] @ solve(X[train], target[train], 1.0)

    def remembers_the_answers(table, target, train, test):
        return np.empty(0), 0.5 * target[test] + 0.5 * target[train].mean()

    right = [mean_of_train, nearest, least_squares]
    wrong = [mean_of_all, scaled_by_all, scaled_by_test, remembers_the_answers]
    for number in order:
        candidate = (right + wrong)[number]
        what = f"your law on a candidate that {'has no leak' if number < len(right) else 'leaks'}"
        expect.equal(linear_regression.is_free_of_leaks(candidate), number < len(right), what)

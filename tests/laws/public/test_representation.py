"""Public laws of lesson 14: directions against theorems, codes against counting, gradients against differences."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from autograder.laws import expect, law

SEEDS = st.integers(0, 999)
F64 = "float64"
CROSS = np.array([[7.0, 10], [-5, -6], [5, -1], [-3, 5]])
TABLES = st.sampled_from([(4, 3), (6, 2), (3, 5), (1, 3), (5, 1), (7, 4)])


def signed(seed, shape):
    """Draw multiples of 1/4 from −2 to 2, which are easy to read and exact."""
    return np.asarray(np.random.default_rng(seed).integers(-8, 9, shape) / 4)


def turned(seed, size):
    """Draw directions of length 1 at right angles to each other: the rows of a square table."""
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(size, size)))[0].T


def central(function, x):
    """Measure a gradient by central differences, in float64."""
    gradient = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        nudge = np.zeros(x.shape)
        nudge[place] = 1e-5
        gradient[place] = (function(x + nudge) - function(x - nudge)) / 2e-5
    return gradient


@law(
    exercise="principal_components",
    points=2,
    hint="The mean of the columns is (1, 2). Less the mean, the rows are (6, 8), its opposite, (4, -3), and its "
    "opposite: 10 and 5 long, so 2 · 100 and 2 · 25: singular values squared, the largest first. Signs are "
    "those of point_up.",
)
def test_pencil_example(representation):
    """Four points that form a cross around (1, 2): its two arms are the directions."""
    mean, directions, squares = representation.principal_components(CROSS)
    expect.close(mean, np.array([1.0, 2.0]), what="the mean")
    expect.close(squares, np.array([200.0, 50.0]), what="the squares")
    expect.close(directions, np.array([[0.6, 0.8], [0.8, -0.6]]), what="the directions")


@law(
    exercise="principal_components",
    points=3,
    examples=9,
    hint="np.linalg.svd of the rows less their mean, with full_matrices=False: its last result has the directions "
    "as rows, largest first. Then point_up.",
)
@given(seed=SEEDS, shape=TABLES)
@example(seed=0, shape=(4, 3))
@example(seed=0, shape=(3, 5))
def test_directions(representation, seed, shape):
    """Directions have length 1 and right angles, coordinates along them are uncorrelated, and their squares right."""
    rows = signed(seed, shape) + 3
    mean, directions, squares = representation.carefully(representation.principal_components, rows)
    expect.close(mean, rows.mean(axis=0), what="the mean")
    count = min(shape)
    expect.close(directions @ directions.T, np.eye(count), atol=1e-9, what="the directions' dot products")
    expect.equal(directions.shape, (count, shape[1]), "the shape of the directions")
    centred = rows - rows.mean(axis=0)
    left = np.linalg.eigvalsh(centred.T @ centred)[::-1][:count]
    expect.close(squares, left, atol=1e-9, what="the squares")
    along = centred @ directions.T
    expect.close(
        along.T @ along,
        np.diag(left),
        atol=1e-8,
        what="the coordinates' dot products",
    )
    for direction in directions:
        up = direction.max() > np.abs(direction).max() - 1e-9
        expect.true(up, "a direction's number of the largest size is negative", got=direction)


@law(
    exercise="principal_components",
    points=2,
    examples=8,
    hint="Keep the first k directions: what is lost must be the sum of the other squares, and no k directions "
    "lose less. Are yours sorted, the largest square first, and taken from the centred table?",
)
@given(seed=SEEDS)
@example(seed=0)
def test_no_other_directions_lose_less(representation, seed):
    """Eckart and Young: the first k directions lose the squares of the others, and no other k lose less."""
    random = np.random.default_rng(seed)
    rows = signed(seed, (6, 4)) * [4, 1, 2, 1] + 5
    _, directions, squares = representation.principal_components(rows)
    expect.equal([directions.shape, squares.shape], [(4, 4), (4,)], "the shapes of directions and squares")
    centred = rows - rows.mean(axis=0)
    others = [turned(random.integers(1000), 4) for _ in range(8)]
    for k in (1, 2, 3):
        lost = np.sum((centred - centred @ directions[:k].T @ directions[:k]) ** 2)
        expect.close(lost, squares[k:].sum(), rtol=1e-7, atol=1e-9, what=f"what {k} directions lose")
        least = min(np.sum((centred - centred @ other[:k].T @ other[:k]) ** 2) for other in others)
        expect.true(lost <= least + 1e-9, f"some other {k} directions lose less", got=lost, expected=least)


@law(
    exercise="project",
    points=2,
    examples=8,
    hint="Take the mean away that you are given: it is that of the training rows. A coordinate is the dot product "
    "of what is left with a direction.",
)
@given(seed=SEEDS, shape=st.sampled_from([(4, 3), (1, 2), (0, 3), (3, 4)]))
@example(seed=0, shape=(4, 3))
def test_project(representation, seed, shape):
    """Each coordinate is the dot product of row less mean with a direction, whatever other rows there are."""
    rows, mean, directions = signed(seed, shape), signed(seed + 1, shape[1:]), turned(seed, shape[1])[:2]
    expected = np.array([[sum((row - mean) * direction) for direction in directions] for row in rows])
    got = representation.carefully(representation.project, rows, mean, directions)
    expect.close(got, expected.reshape(-1, len(directions)), what="the coordinates")


@law(
    exercise="reconstruct",
    points=2,
    examples=8,
    hint="Each coordinate says how far to go along its direction, starting from the mean.",
)
@given(seed=SEEDS, shape=st.sampled_from([(4, 3), (1, 2), (0, 3), (3, 4)]))
@example(seed=0, shape=(4, 3))
def test_reconstruct(representation, seed, shape):
    """A row is the mean plus each coordinate times its direction."""
    coordinates, mean, directions = (
        signed(seed, (shape[0], 2)),
        signed(seed + 1, shape[1:]),
        turned(seed, shape[1])[:2],
    )
    expected = [mean + a * directions[0] + b * directions[1] for a, b in coordinates]
    got = representation.carefully(representation.reconstruct, coordinates, mean, directions)
    expect.close(got, np.array(expected).reshape(shape), what="the rows")


@law(
    exercise="components_needed",
    points=2,
    examples=20,
    hint="Add up the squares from the first on. Stop where the sum is at least the share of the whole sum; that can "
    "be before the first one. The share is of the squares, which are squares already.",
)
@given(counts=st.lists(st.integers(0, 8), min_size=1, max_size=5), eighths=st.integers(0, 8))
@example(counts=[4, 3, 1], eighths=4)
@example(counts=[4, 3, 1], eighths=5)
@example(counts=[4, 3, 1], eighths=0)
@example(counts=[0, 0], eighths=8)
@example(counts=[2, 2, 0], eighths=8)
def test_components_needed(representation, counts, eighths):
    """As many directions as are needed agree with trying 0, 1, 2, … in turn."""
    squares = sorted(counts, reverse=True)
    expected = next(k for k in range(len(squares) + 1) if 8 * sum(squares[:k]) >= eighths * sum(squares))
    got = representation.components_needed(np.array(squares, F64), eighths / 8)
    expect.equal(got, expected, f"the directions needed for {eighths}/8 of {squares}")


@law(
    exercise="power_iteration",
    points=3,
    examples=3,
    hint="Centre the table first. A step is two products, table @ direction and then table.T @ that, and a division "
    "by the length. Count the steps, and call point_up in the end.",
)
@given(seed=SEEDS, shape=st.sampled_from([(5, 3), (3, 4), (6, 1)]))
@example(seed=0, shape=(5, 3))
def test_power_iteration(representation, seed, shape):
    """Step by step it is the start times a power of the table's square; after many it is the first direction."""
    rows = signed(seed, shape) * np.arange(1, shape[1] + 1) + 2
    rows[0] += 9
    square = (rows - rows.mean(axis=0)).T @ (rows - rows.mean(axis=0))
    start = np.random.default_rng(seed).normal(size=shape[1])
    first = np.linalg.eigh(square)[1][:, -1]
    for steps, expected in ((0, start), (1, square @ start), (2, square @ square @ start), (150, first)):
        got = representation.power_iteration(rows, steps, seed)
        expected = expected / np.linalg.norm(expected) * np.sign(expected[np.abs(expected).argmax()])
        expect.close(got, expected, rtol=1e-6, atol=1e-7, what=f"the direction after {steps} steps")


@law(
    exercise="quantise",
    points=2,
    examples=20,
    hint="Nearest, with halves going up: floor(x / step + ½). np.round sends halves to the even neighbour, a cast to "
    "int cuts towards 0.",
)
@given(seed=SEEDS, step=st.sampled_from([0.5, 1.0, 0.25, 4.0]))
@example(seed=0, step=0.5)
def test_quantise(representation, seed, step):
    """Codes are whole numbers of steps, no more than half a step away, and halves go up."""
    x = np.append(signed(seed, 6), np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5]) * step)
    codes = representation.quantise(x, step)
    expected = [math.floor(number / step + 0.5) for number in x.tolist()]
    expect.equal(codes, np.array(expected, np.int64), f"the codes of {x.tolist()} at a step of {step}")


@law(
    exercise="rate",
    points=3,
    examples=15,
    hint="Count how often each code stands in a column; its share p of the rows costs -log₂ p. Each column has a "
    "count of its own, and the columns' entropies add up. No rows: 0.0.",
)
@given(
    columns=st.lists(
        st.one_of(
            st.lists(st.integers(-2, 2), min_size=6, max_size=6),
            st.sampled_from([[5] * 6, [0, 1] * 3, [-300, 70000, 70000, 1, 1, 1]]),
        ),
        min_size=1,
        max_size=3,
    ),
)
@example(columns=[[0, 1, 0, 1, 0, 1], [5, 6, 5, 6, 5, 6]])
@example(columns=[[0] * 6])
def test_rate(representation, columns):
    """The bits of a row agree with counting each column by hand; no rows cost nothing."""
    expected = 0.0
    for column in columns:
        expected -= sum(n / 6 * math.log2(n / 6) for n in Counter(column).values())
    codes = np.array(columns, np.int64).T
    expect.close(representation.rate(codes), expected, what="the bits of a row")
    expect.equal(representation.rate(codes[:0]), 0.0, "the bits where there is no row")


@law(
    exercise="water_filling",
    points=1,
    hint="On paper, variances 16, 4 and 1. Errors that add up to 3: the level is 1, and ½ log₂ of 16, 4 and 1 is 2, 1 "
    "and 0 bits. Errors that add up to 7: the last keeps its 1, so the others share 6, and the level is 3.",
)
def test_water_on_paper(representation):
    """Variances 16, 4 and 1 with errors of 3 and of 7 in all."""
    bits, left = representation.water_filling(np.array([16.0, 4.0, 1.0]), 3.0)
    expect.close(left, np.array([1.0, 1.0, 1.0]), what="the errors left where they add up to 3")
    expect.close(bits, 3.0, what="the bits where the errors add up to 3")
    bits, left = representation.water_filling(np.array([4.0, 1.0, 16.0]), 7.0)
    expect.close(left, np.array([3.0, 1.0, 3.0]), what="the errors left where they add up to 7")
    expect.close(bits, math.log2(64 / 9) / 2, what="the bits where the errors add up to 7")


@law(
    exercise="water_filling",
    points=3,
    examples=9,
    hint="Errors left are min(level, variance), and the level is what makes them add up. It must be found: those below "
    "it keep their variance, the rest is shared equally by the others. The bits are a sum over those above.",
)
@given(
    variances=st.lists(st.integers(0, 9), min_size=1, max_size=5),
    tenths=st.sampled_from([1, 3, 5, 8, 9, 10, 15]),
)
@example(variances=[4, 9, 1], tenths=5)
@example(variances=[4, 9, 1], tenths=10)
@example(variances=[4, 9, 1], tenths=15)
@example(variances=[0, 0, 3], tenths=3)
def test_no_other_errors_cost_less(representation, variances, tenths):
    """The errors add up to the distortion, cost what is said, and no other way to share it costs less."""
    spread = np.array(variances, F64) * 2
    distortion = max(0.1, spread.sum() * tenths / 10)
    bits, left = representation.water_filling(spread, distortion)
    what = f"for variances {spread.tolist()} and a distortion of {distortion}"
    expect.close(left, np.minimum(left, spread), what=f"the errors, none above its variance, {what}")
    expect.close(left.sum(), min(distortion, spread.sum()), what=f"the sum of the errors {what}")
    some = spread > 0

    def cost(errors):
        return float(np.sum(np.log2(spread[some] / errors[some]))) / 2

    expect.true(bool(np.all(left[some] > 0)), f"an error is 0, which costs ∞ bits, {what}", got=left)
    expect.close(bits, cost(left), atol=1e-9, what=f"the bits {what}")
    random = np.random.default_rng(tenths)
    for _ in range(20):
        other = np.minimum(spread, distortion * random.dirichlet(np.ones(len(spread))) + 1e-12)
        expect.true(bits <= cost(other) + 1e-6, f"the errors {other.tolist()} cost less {what}", got=bits)


@law(
    exercise="squared_error",
    points=2,
    examples=10,
    hint="The mean is over all numbers, rows and columns. The slope of a square is twice the difference, divided by "
    "as many numbers. No numbers: 0.0.",
)
@given(seed=SEEDS, shape=st.sampled_from([(3, 2), (1, 4), (0, 3), (2, 2, 3)]))
@example(seed=0, shape=(3, 2))
@example(seed=0, shape=(1, 1))
@example(seed=0, shape=(0, 3))
def test_squared_error(representation, seed, shape):
    """The mean of the squared differences, and its gradient by central differences."""
    y, target = signed(seed, shape), signed(seed + 1, shape)

    def mean(y):
        return float(sum((a - b) ** 2 for a, b in zip(y.ravel(), target.ravel(), strict=True))) / max(
            1, y.size
        )

    loss, gradient = representation.carefully(representation.squared_error, y, target)
    expect.close(loss, mean(y), what="the loss")
    expect.close(gradient, central(mean, y), rtol=1e-6, atol=1e-8, what="the gradient by y")


def tied(representation, seed, inputs, codes):
    """Return a layer with drawn numbers, and these."""
    layer = representation.Tied(inputs, codes, 0, dtype=F64)
    values = {"weight": signed(seed + 2, (inputs, codes)), "centre": signed(seed + 3, (inputs,))}
    representation.load(layer, values)
    return layer, values


@law(
    exercise="Tied",
    points=3,
    examples=6,
    hint="The weight is used twice, in (x - c) W and in code Wᵀ, so its gradient has two terms: (x - c)ᵀ (dy W) and "
    "dyᵀ code. The centre too: taken away on the way in, where its sign turns, and added on the way out.",
)
@given(seed=SEEDS, shape=st.sampled_from([(3, 2), (1, 3), (0, 3), (4, 1), (2, 4)]), codes=st.integers(1, 3))
@example(seed=0, shape=(3, 2), codes=1)
@example(seed=0, shape=(2, 3), codes=2)
def test_tied(representation, seed, shape, codes):
    """A tied autoencoder's result and gradients agree with NumPy and central differences, at each call."""
    layer, values = tied(representation, seed, shape[1], codes)
    x, dy = signed(seed, shape), signed(seed + 1, shape)

    def forward(x, weight, centre):
        return (x - centre) @ weight @ weight.T + centre

    y, dx, gradients = representation.probe(layer, x, dy)
    expect.close(y, forward(x, **values), what="y")
    expected = central(lambda x: np.sum(dy * forward(x, **values)), x)
    expect.close(dx, expected, rtol=1e-6, atol=1e-7, what="the gradient by x")
    expect.equal(sorted(gradients), ["centre", "weight"], "the names of the gradients")
    for name in ("centre", "weight"):
        expected = central(
            lambda array, name=name: np.sum(dy * forward(x, **values | {name: array})), values[name]
        )
        expect.close(gradients[name], expected, rtol=1e-6, atol=1e-7, what=f"the gradient by the {name}")
    _, _, again = representation.probe(layer, x, dy)
    expect.equal(again, gradients, "the gradients at a second call")


@law(
    exercise="Tied",
    points=1,
    hint="encode measures from the centre, and decode goes back to it. Neither is a part of training, so a call to "
    "them may come at any time.",
)
def test_encode_and_decode(representation):
    """Codes are (x − c) W and what they stand for is code Wᵀ + c."""
    layer, values = tied(representation, 5, 4, 2)
    x = signed(1, (3, 4))
    codes = layer.encode(x)
    expect.close(codes, (x - values["centre"]) @ values["weight"], what="the codes")
    other = signed(2, (5, 2))
    expect.close(
        layer.decode(other), other @ values["weight"].T + values["centre"], what="the rows of other codes"
    )


@law(
    exercise="train_to_copy",
    points=3,
    hint="Go through it on paper: the target of a row is the row itself; Adam's first step is the rate in the "
    "direction of the gradient's sign; the rate of step 1 of 2 is a half of it.",
)
def test_two_steps(representation):
    """Losses and weights of two steps are those of Adam with a rate that falls, worked out here."""
    rows = np.array([[2.0, 1.0], [-1.0, 0.5], [4.0, -2.0], [0.0, 1.0]])
    layer, values = tied(representation, 8, 2, 1)
    weight, centre = (values[name].copy() for name in ("weight", "centre"))
    moments = [[np.zeros(p.shape), np.zeros(p.shape)] for p in (weight, centre)]
    losses = []

    def loss(weight, centre, x):
        return np.mean((((x - centre) @ weight) @ weight.T + centre - x) ** 2)

    plan = representation.Plan(4, 3, 2, seed=3)
    for step, rate in enumerate((0.125, 0.0625)):
        chosen = rows[np.asarray(plan.rows(step))]
        losses.append(loss(weight, centre, chosen))
        slopes = (
            central(lambda w, c=centre, x=chosen: loss(w, c, x), weight),
            central(lambda c, w=weight, x=chosen: loss(w, c, x), centre),
        )
        for p, slope, (first, second) in zip((weight, centre), slopes, moments, strict=True):
            first[...] = 0.9 * first + 0.1 * slope
            second[...] = 0.999 * second + 0.001 * slope**2
            scale = np.sqrt(second / (1 - 0.999 ** (step + 1))) + 1e-8
            p -= rate * first / (1 - 0.9 ** (step + 1)) / scale
    measured = []
    done = representation.train_to_copy(
        layer, rows, rows[:1] * 2, representation.Plan(4, 3, 2, seed=3), rate=0.125,
        progress=lambda _, loss, *_more: measured.append(loss),
    )  # fmt: skip
    expect.close(np.array(done.losses), np.array(losses), rtol=1e-5, what="the losses of the two steps")
    last = loss(weight, centre, rows[:1] * 2)
    expect.close(measured[1], last, rtol=1e-5, what="the error of the validation row after two steps")


@law(
    exercise="principal_angles",
    points=2,
    examples=10,
    hint="Make the rows of each orthonormal first (np.linalg.qr of the transpose): the singular values of their dot "
    "products are the cosines. Rounding makes some cosines 1.0000000000000002: clip them.",
)
@given(seed=SEEDS, quarters=st.lists(st.integers(0, 4), min_size=1, max_size=2))
@example(seed=0, quarters=[0, 2])
@example(seed=0, quarters=[0, 0])
def test_angles(representation, seed, quarters):
    """Subspaces that were turned apart by known angles have these, however their rows are mixed and stretched."""
    random = np.random.default_rng(seed)
    axes, angles = turned(seed, 5), np.sort(quarters) * math.pi / 8
    first = axes[: len(angles)]
    second = np.cos(angles)[:, None] * first + np.sin(angles)[:, None] * axes[2 : 2 + len(angles)]
    mixed = [
        (np.eye(len(angles)) * 3 + random.uniform(size=(len(angles),) * 2)) @ rows for rows in (first, second)
    ]
    got = representation.carefully(representation.principal_angles, *mixed)
    expect.close(got, angles, atol=1e-6, what="the angles")
    wider = np.concatenate([mixed[0], axes[4:]])
    got = representation.principal_angles(mixed[1], wider)
    expect.close(got, angles, atol=1e-6, what="the angles to the first subspace and one more direction")


def flattened(rows, count, mean):
    """Rebuild a table from a row that is taken away first, and the first singular directions of the rest."""
    u, singular, directions = np.linalg.svd(rows - mean, full_matrices=False)
    return (u[:, :count] * singular[:count]) @ directions[:count] + mean


def best(rows, count):
    """Rebuild a table from its mean and its first directions."""
    return flattened(rows, count, rows.mean(axis=0))


CANDIDATES = {
    "the best": best,
    "the rows themselves": lambda rows, _: rows,
    "the mean alone": lambda rows, _: rows * 0 + rows.mean(axis=0),
    "one direction less": lambda rows, count: best(rows, count - 1),
    "a table that is not centred": lambda rows, count: flattened(rows, count, 0.0),
    "a miss as far on the other side": lambda rows, count: 2 * rows - best(rows, count),
    "all coordinates a little short": lambda rows, count: (
        0.999 * best(rows, count) + 0.001 * rows.mean(axis=0)
    ),
    "the mean where the count is 1": lambda rows, count: best(rows, count if count > 1 else 0),
    "one direction less where the count is that of the columns": lambda rows, count: best(
        rows, min(count, rows.shape[1] - 1)
    ),
    "no table of the right shape": lambda rows, _: rows[:0, 0],
    "an exception": lambda rows, _: rows.no_such_thing,
}


@law(
    exercise="is_best_rank",
    points=1,
    examples=2,
    hint="Two things make a table the best: less the mean, its rank is at most the count, and its error is the sum of "
    "the smallest eigenvalues of the centred table's square. Rows that are given back have no error at all.",
)
@given(order=st.permutations(["the best", *CANDIDATES]))
def test_your_law_on_simple_candidates(representation, order):
    """Your law accepts the best table, and refuses all others, of which some are wrong at a single count."""
    for name in order:
        verdict = representation.is_best_rank(CANDIDATES[name])
        expect.equal(verdict, name == "the best", f"your law on a candidate that returns {name}")

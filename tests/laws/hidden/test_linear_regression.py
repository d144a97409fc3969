"""Hidden laws of lesson 9: larger and stranger tables beside the reference, and planted mistakes."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from autograder.laws import expect, law

SEEDS = st.integers(0, 999)

# The planted mistakes that let the test part have a say.
LEAKS = ["scales_with_the_test_part", "kinds_from_the_test_part", "fits_all_rows", "design_measures_again"]


def town(seed, rows):
    """Draw a table with a category whose highest kinds are rare, and prices above 0."""
    random = np.random.default_rng(seed)
    table = {
        "area": random.uniform(500, 5000, rows),
        "quarter": np.floor(random.uniform(0, 2.3, rows) ** 2),
        "land": np.exp(random.normal(10, 1, rows)),
    }
    price = 20_000 + 30 * table["area"] + 900 * table["quarter"] + random.uniform(0, 20_000, rows)
    return table, price


@law(
    exercise="clean",
    points=1,
    examples=4,
    hint="Try limits that are infinite, rows that agree in all columns but one, and copies that stand far apart: "
    "keep a set of the rows seen so far.",
)
@given(seed=SEEDS)
def test_larger_tables(linear_regression, reference, seed):
    """Larger tables, with rows that nearly agree and with infinite limits, come out as ours do."""
    random = np.random.default_rng(seed)
    table = {name: random.integers(0, 3, 40).astype(float) for name in ("year", "rooms", "baths", "age")}
    table["age"][random.integers(0, 40, 3)] = [np.nan, np.inf, -np.inf]
    limits = {"rooms": (1.0, np.inf), "age": (-np.inf, 1.0)}
    expect.equal(linear_regression.clean(table, limits), reference.clean(table, limits), "the clean table")


@law(
    exercise="Design",
    points=1,
    examples=4,
    hint="Two categories, columns of one value, one house alone: the matrix has a column for each number and each "
    "kind but the lowest, whatever the rows hold.",
)
@given(seed=SEEDS, rows=st.sampled_from([1, 2, 30]))
def test_designs_beside_ours(linear_regression, reference, seed, rows):
    """Designs with two categories, rare kinds and constant columns are those of the reference."""
    table, _ = town(seed, rows)
    table["year"] = np.full(rows, 0.1 + seed % 2)
    others, _ = town(seed + 1, 9)
    others["year"] = np.arange(9.0)
    for categories in (["quarter", "year"], ["year", "quarter"], []):
        made, ours = linear_regression.Design(table, categories), reference.Design(table, categories)
        expect.equal(made.names(), ours.names(), "the names of the columns")
        expect.close(
            made.matrix(others), ours.matrix(others), atol=1e-6, what=f"the matrix with {categories}"
        )


@law(
    exercise="closed_form",
    points=1,
    examples=5,
    hint="Solve; don't invert. And let a column that nearly copies another one count as a copy.",
)
@given(seed=SEEDS, ridge=st.sampled_from([0.0, 1e-6, 0.3]))
@example(seed=0, ridge=0.0)
def test_hard_matrices(linear_regression, reference, seed, ridge):
    """Powers of a column, columns of zeros and of tiny and huge numbers are solved or refused as ours are."""
    random = np.random.default_rng(seed)
    x = np.sort(random.uniform(-1, 1, 20))
    powers = np.vander(x, 7, increasing=True)
    y = np.exp(x) + 0.01 * random.normal(0, 1, 20)
    expected = reference.closed_form(powers, y, ridge)
    got = linear_regression.closed_form(powers, y, ridge)
    expect.close(
        powers @ got, powers @ expected, rtol=1e-6, atol=1e-6, what="the fit of a polynomial of degree 6"
    )
    with_nothing = np.column_stack([powers[:, :3], np.zeros(20)])
    if ridge:
        got = linear_regression.closed_form(with_nothing, y, ridge)
        expect.close(got[3], 0.0, what="the weight of a column of zeros, with a ridge")
    else:
        nearly = np.column_stack([powers[:, :3], x * (1 + 1e-12 * random.normal(0, 1, 20))])
        for name, matrix in [
            ("a column of zeros", with_nothing),
            ("a column that is nearly another", nearly),
        ]:
            expect.raises("ValueError", linear_regression.closed_form, matrix, y, what=name)


@law(
    exercise="sgd",
    points=1,
    hint="A pass takes every row once, in a new order: make one generator from the seed, and ask it for a permutation "
    "at the start of each pass. Rows that are drawn one by one come twice, or never.",
)
def test_every_pass_has_a_new_order(linear_regression, reference):
    """The order is drawn anew for each pass, and at large steps it shows in the weights."""
    X = np.ones((2, 1))
    y = np.array([0.0, 1.0])
    # With one weight and rate 1/2, a step goes to the target of its row: the last row of a pass remains.
    ends = set()
    for seed in range(8):
        trail = [float(linear_regression.sgd(X, y, 0.5, n, 1, seed)[0][0]) for n in range(1, 7)]
        expect.true(set(trail) <= {0.0, 1.0}, "each step goes to the target of its row", got=trail)
        ends.add(tuple(trail))
    expect.true(
        any(len(set(trail)) == 2 for trail in ends), "every pass of a seed ends with the same row", got=ends
    )
    expect.true(len(ends) > 2, "the seeds draw different orders", got=sorted(ends))
    slow = linear_regression.sgd(X, y, 1e-9, 3, 1, 0)[0]
    expect.close(slow, reference.sgd(X, y, 1e-9, 3, 1, 0)[0], rtol=1e-6, what="three passes of tiny steps")


@law(
    exercise="fit_and_predict",
    points=1,
    examples=4,
    hint="Compare with the steps done by hand: take, Design, matrix, closed_form. A kind that train doesn't have is "
    "treated as the lowest.",
)
@given(seed=SEEDS, ridge=st.sampled_from([0.001, 1.0]), log=st.booleans())
@example(seed=0, ridge=0.001, log=True)
def test_fits_beside_ours(linear_regression, reference, seed, ridge, log):
    """Tables with rare kinds and skewed columns give the weights and predictions of the reference."""
    table, price = town(seed, 40)
    order = np.random.default_rng(seed).permutation(40)
    case = table, price, order[:25], order[20:], ["quarter"], ridge, log
    got, expected = linear_regression.fit_and_predict(*case), reference.fit_and_predict(*case)
    for name, mine, ours in zip(("weights", "predictions"), got, expected, strict=True):
        expect.close(mine, ours, rtol=1e-6, atol=1e-6, what=f"the {name}")


@law(
    exercise="choose_ridge",
    points=1,
    hint="Where two ridges have the same error, the one that stands first is taken; numbers that come back are those "
    "that were given.",
)
def test_first_of_equals(linear_regression):
    """Among ridges of equal error the first is taken, and each fold is scaled by itself."""
    price = np.array([5.0, 1.0, 4.0, 4.0, 2.0, 6.0, 3.0, 3.0])
    constant = {"rooms": np.full(8, 0.1)}
    best, errors = linear_regression.choose_ridge(constant, price, [3.0, 0.5, 1.0], 4, 1)
    expect.close(best, 3.0, what="the best ridge, where the only column is constant")
    wrong = np.zeros(8)
    for train, test in linear_regression.folds(8, 4, 1):
        wrong[test] = price[test] - price[train].mean()
    expect.close(np.array(errors), np.full(3, np.mean(wrong**2)), what="the errors")
    line = {"rooms": np.arange(8.0)}
    best, errors = linear_regression.choose_ridge(line, 2 * line["rooms"] + 1, [1.0, 1e-12, 0.1], 8, 1)
    expect.close(best, 1e-12, what="the best ridge for a line without noise")
    expect.true(errors[1] < 1e-9 < errors[2] < errors[0], "the errors grow with the ridge", got=errors)


@law(
    exercise="description_length",
    points=1,
    examples=4,
    hint="The receiver has the rounded weights and nothing better. The least spread is 1/8, and numbers above 65,504 "
    "don't fit into a float16.",
)
@given(seed=SEEDS, unit=st.sampled_from([50.0, 100.0, 2500.0]))
def test_bits_beside_ours(linear_regression, reference, seed, unit):
    """Bits are those of the reference in any unit, and numbers too large to ship are refused."""
    table, price = town(seed, 30)
    X = reference.Design(table, ["quarter"]).matrix(table)
    got = linear_regression.description_length(X, price, unit)
    expected = reference.description_length(X, price, unit)
    expect.equal(got[0], expected[0], "the bits of the model")
    # Weights that differ in the last digit can round to the other float16, which moves the residuals by one.
    expect.close(got[1], expected[1], rtol=0.01, what=f"the bits of the prices in units of {unit}")
    most = linear_regression.description_length(np.ones((3, 1)), np.full(3, 6_550_400.0))
    expect.close(
        most[1], 0.0, atol=1e-9, what="the bits of equal prices of 65,504 units, the largest float16"
    )
    what = "an intercept of 100,000 units"
    short = linear_regression.description_length
    expect.raises("ValueError", short, np.ones((3, 1)), np.full(3, 1e7), what=what)
    model, data = short(np.ones((2, 1)), np.array([0.0, 1e7]), 100.0)
    expect.true(model == 32 and 30 < data < 40, "two prices far apart have a code", got=(model, data))


@law(
    exercise="is_free_of_leaks",
    points=3,
    examples=2,
    hint="Some leaks show only in the weights, some only when a new kind turns up, some only in the prices. Change "
    "everything that may not matter, and compare shapes too.",
)
@given(order=st.permutations(["right", "right", *LEAKS]))
def test_your_law_meets_planted_leaks(linear_regression, reference, bugs, order):
    """Your law accepts our fit and refuses every planted leak, in whatever order they come."""
    for name in order:
        module = reference if name == "right" else bugs[name]

        def candidate(table, target, train, test, module=module):
            return module.fit_and_predict(table, target, train, test, ["quarter"], 0.1)

        verdict = linear_regression.is_free_of_leaks(candidate)
        expect.equal(verdict, name == "right", "your law on an implementation, right or with a leak")

"""The reference of lesson 9 against scikit-learn and SciPy, on the real table and on random ones."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

from autograder.housing import houses
from squeeze import linear_regression

pytest.importorskip("sklearn")

from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

HONEST = ["year", "age", "cbd", "inst", "rooms", "area", "land", "baths", "dist", "nbh"]


@pytest.fixture(scope="module")
def table():
    """Return the houses without the price and what is computed from it, and the price."""
    clean = linear_regression.clean(houses(), {})
    return {name: clean[name] for name in HONEST}, clean["price"]


def as_rows(table):
    return np.column_stack(list(table.values()))


def encoder():
    """Scale the numbers and encode the quarter, which is the last column, as the lesson does."""
    kinds = OneHotEncoder(drop="first", handle_unknown="ignore")
    return ColumnTransformer([("numbers", StandardScaler(), list(range(9))), ("quarter", kinds, [9])])


def problem(seed, rows=30, columns=5):
    random = np.random.default_rng(seed)
    X = np.column_stack([np.ones(rows), random.normal(0, 2, (rows, columns - 1))])
    return X, X @ random.normal(0, 3, columns) + random.normal(0, 1, rows)


def test_one_house_of_the_real_table_goes(table):
    assert len(table[1]) == len(houses()["price"]) - 1
    assert np.array_equal(table[1], np.delete(houses()["price"], 212))


@pytest.mark.parametrize("seed", range(4))
def test_scaler_is_sklearns(seed):
    random = np.random.default_rng(seed)
    columns, others = random.normal(5, 9, (20, 4)), random.normal(0, 1, (3, 4))
    columns[:, 1] = 0.1
    ours, theirs = linear_regression.Scaler(columns), StandardScaler().fit(columns)
    np.testing.assert_allclose(ours.mean, theirs.mean_)
    np.testing.assert_allclose(ours.spread, theirs.scale_)
    np.testing.assert_allclose(ours.apply(others), theirs.transform(others))
    np.testing.assert_allclose(ours.undo(others), theirs.inverse_transform(others))


def test_design_is_sklearns_with_a_quarter_that_was_not_seen(table):
    train = np.flatnonzero(table[0]["nbh"] != 3)
    part = linear_regression.take(table[0], train)
    ours = linear_regression.Design(part, ["nbh"]).matrix(table[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns that unknown kinds are encoded as zeros
        theirs = encoder().fit(as_rows(part)).transform(as_rows(table[0]))
    assert not ours[table[0]["nbh"] == 3, 10:].any()
    np.testing.assert_allclose(ours[:, 1:], theirs, atol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_scores_are_sklearns(seed):
    random = np.random.default_rng(seed)
    truth, guess = random.normal(0, 3, 17), random.normal(0, 3, 17)
    measures = mean_squared_error, mean_absolute_error, r2_score
    theirs = [measure(truth, guess) for measure in measures]
    np.testing.assert_allclose(linear_regression.scores(truth, guess), theirs)


@pytest.mark.parametrize("seed", range(4))
def test_closed_form_is_sklearns(seed):
    X, y = problem(seed)
    model = LinearRegression().fit(X[:, 1:], y)
    np.testing.assert_allclose(linear_regression.closed_form(X, y), [model.intercept_, *model.coef_])


@pytest.mark.parametrize("ridge", [1e-6, 0.1, 5.0])
def test_ridge_is_sklearns_times_the_rows(ridge):
    X, y = problem(1)
    model = Ridge(alpha=ridge * len(y)).fit(X[:, 1:], y)
    np.testing.assert_allclose(linear_regression.closed_form(X, y, ridge), [model.intercept_, *model.coef_])


@pytest.mark.parametrize("ridge", [0.0, 0.1])
def test_descent_and_closed_form_meet(ridge):
    X, y = problem(2)
    rate = 0.9 * linear_regression.rate_limit(X, ridge)
    weights, losses = linear_regression.descend(X, y, rate, 2000, ridge)
    np.testing.assert_allclose(weights, linear_regression.closed_form(X, y, ridge), rtol=1e-8)
    assert losses[:50] == sorted(losses[:50], reverse=True)
    with pytest.raises(ValueError, match="too long"):
        linear_regression.descend(X, y, 9 * rate, 2000, ridge)


def test_small_steps_of_sgd_reach_the_closed_form():
    X, y = problem(3)
    weights, _ = linear_regression.sgd(X, y, 1e-3, 1500, 4, seed=0)
    np.testing.assert_allclose(weights, linear_regression.closed_form(X, y), atol=0.05)


@pytest.mark.parametrize("log", [False, True], ids=["dollars", "logarithm"])
@pytest.mark.parametrize("ridge", [0.0, 0.3])
def test_fit_on_the_real_table_is_sklearns(table, ridge, log):
    columns, price = table
    train, test = linear_regression.split(len(price), seed=5)
    model = Ridge(alpha=ridge * len(train)) if ridge else LinearRegression()
    pipeline = make_pipeline(encoder(), model)
    if log:
        pipeline = TransformedTargetRegressor(pipeline, func=np.log, inverse_func=np.exp)
    rows = as_rows(columns)
    theirs = pipeline.fit(rows[train], price[train]).predict(rows[test])
    ours = linear_regression.fit_and_predict(columns, price, train, test, ["nbh"], ridge, log)[1]
    np.testing.assert_allclose(ours, theirs, rtol=1e-8)


def test_errors_of_the_folds_are_sklearns(table):
    columns, price = table
    ridges = [0.001, 0.1, 1.0]
    best, errors = linear_regression.choose_ridge(columns, price, ridges, 5, 7, ["nbh"])
    rows, deal = as_rows(columns), linear_regression.folds(len(price), 5, 7)
    for ridge, error in zip(ridges, errors, strict=True):
        predicted = np.empty(len(price))
        for train, test in deal:
            pipeline = make_pipeline(encoder(), Ridge(alpha=ridge * len(train)))
            predicted[test] = pipeline.fit(rows[train], price[train]).predict(rows[test])
        assert error == pytest.approx(mean_squared_error(price, predicted), rel=1e-8)
    assert best == ridges[int(np.argmin(errors))]


@pytest.mark.parametrize("spread", [0.125, 0.7, 1.9999, 2.0001, 30.0])
def test_bits_are_those_of_a_normalised_bell(spread):
    numbers = np.arange(-2000, 2001)
    shape = np.exp(-(numbers**2) / (2 * spread**2))
    assert linear_regression.bell_total(spread) == pytest.approx(shape.sum(), rel=1e-12)
    picks = [0, 1, -2, 3]
    theirs = -sum(k * k / (-2 * spread**2) - math.log(shape.sum()) for k in picks) / math.log(2)
    assert linear_regression.residual_bits(picks, spread) == pytest.approx(theirs, rel=1e-12)


def test_receiver_rebuilds_every_price_from_what_was_counted(table):
    columns, price = table
    X = linear_regression.Design(columns, ["nbh"]).matrix(columns)
    model, data = linear_regression.description_length(X, price)
    goal = np.round(price / 100)
    weights = np.linalg.lstsq(X, goal, rcond=None)[0].astype(np.float16)
    errors = goal - np.round(X @ weights.astype(float))
    spread = np.float16(np.sqrt(np.mean(errors**2)))
    assert model == 8 * (weights.nbytes + spread.nbytes)
    assert data == pytest.approx(linear_regression.residual_bits(errors, float(spread)), rel=1e-3)
    assert np.array_equal(
        np.round(X @ np.frombuffer(weights.tobytes(), np.float16).astype(float)) + errors, goal
    )


def test_columns_of_chance_fit_better_and_make_the_file_longer(table):
    _, price = table
    random = np.random.default_rng(0)
    X = np.column_stack([np.ones(len(price)), random.normal(0, 1, (len(price), 20))])
    fits, totals = [], []
    for columns in range(1, 21, 4):
        part = X[:, :columns]
        fits.append(linear_regression.loss(part, price, linear_regression.closed_form(part, price)))
        totals.append(sum(linear_regression.description_length(part, price)))
    assert fits == sorted(fits, reverse=True)
    assert totals == sorted(totals)


def test_no_function_changes_what_it_was_given(table):
    columns = {name: column.copy() for name, column in table[0].items()}
    price = table[1].copy()
    train, test = linear_regression.split(len(price), 1)
    X = linear_regression.Design(columns, ["nbh"]).matrix(columns)
    frozen = [*columns.values(), price, train, test, X]
    before = [array.copy() for array in frozen]
    for array in frozen:
        array.setflags(write=False)
    linear_regression.clean(columns, {"age": (0, 100)})
    linear_regression.fit_and_predict(columns, price, train, test, ["nbh"], 0.1, True)
    linear_regression.choose_ridge(columns, price, [0.1], 3, 1, ["nbh"])
    linear_regression.descend(X, price, 0.01, 3)
    linear_regression.sgd(X, price, 0.001, 1, 16, 1)
    linear_regression.description_length(X, price)
    assert all(np.array_equal(now, then) for now, then in zip(frozen, before, strict=True))
    assert linear_regression.is_free_of_leaks(linear_regression.fit_and_predict) is True

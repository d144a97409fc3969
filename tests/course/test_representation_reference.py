"""The reference of lesson 14: PCA against scikit-learn, layers against torch, bounds against formulas and SciPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from autograder.samples import diagnoses, digits, wines
from squeeze import arithmetic
from squeeze import representation as r
from squeeze.optimizers import Plan

torch = pytest.importorskip("torch")
decomposition = pytest.importorskip("sklearn.decomposition")
scipy_linalg = pytest.importorskip("scipy.linalg")
stats = pytest.importorskip("scipy.stats")


def near(got: np.ndarray, expected: Any, tolerance: float = 1e-10) -> None:
    expected = np.asarray(expected)
    scale = np.max(np.abs(expected), initial=0)
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance * scale)


def draw(*shape: int, seed: int = 0) -> np.ndarray:
    return np.asarray(np.random.default_rng(seed).normal(size=shape))


TABLES = {
    "digits": lambda: digits()[0].reshape(-1, 64),
    "wines": lambda: wines()[0].rows,
    "diagnoses": lambda: diagnoses()[0].rows,
    "wide": lambda: draw(5, 9) + 40,
    "one column": lambda: draw(8, 1),
}


@pytest.mark.parametrize("name", TABLES)
def test_pca_is_that_of_scikit_learn(name: str) -> None:
    rows = TABLES[name]()
    train, test = rows[: 2 * len(rows) // 3], rows[2 * len(rows) // 3 :]
    theirs = decomposition.PCA(svd_solver="full").fit(train)
    mean, directions, squares = r.principal_components(train)
    near(mean, theirs.mean_)
    sizes = min(train.shape)
    near(squares[:sizes], theirs.singular_values_[:sizes] ** 2, 1e-8)
    k = min(3, sizes - 1) or 1
    near(directions[:k], r.point_up(theirs.components_[:k]), 1e-8)
    theirs = decomposition.PCA(n_components=k, svd_solver="full").fit(train)
    coordinates = r.project(test, mean, directions[:k])
    near(np.abs(coordinates), np.abs(theirs.transform(test)), 1e-8)
    near(
        r.reconstruct(coordinates, mean, directions[:k]),
        theirs.inverse_transform(theirs.transform(test)),
        1e-8,
    )
    share = theirs.explained_variance_ratio_.sum()
    assert r.components_needed(squares, share - 1e-9) == k


def test_power_iteration_finds_the_digits_first_direction() -> None:
    rows = digits()[0].reshape(-1, 64)
    _, directions, _ = r.principal_components(rows)
    near(r.power_iteration(rows, 300, 1), directions[0], 1e-7)
    near(r.power_iteration(rows, 300, np.random.default_rng(1)), directions[0], 1e-7)


@pytest.mark.parametrize("shape", [(5, 3), (1, 3), (0, 3), (4, 1)])
@pytest.mark.parametrize("codes", [1, 2, 4])
def test_tied_and_squared_error_are_those_of_torch(shape: tuple[int, ...], codes: int) -> None:
    layer = r.Tied(shape[1], codes, 3, np.float64)
    r.load(layer, {"weight": draw(shape[1], codes, seed=1), "centre": draw(shape[1], seed=2)})
    x, target = draw(*shape, seed=4), draw(*shape, seed=5)
    leaves = [torch.tensor(array, requires_grad=True) for array in (x, *layer.parameters.values())]
    theirs = (leaves[0] - leaves[2]) @ leaves[1] @ leaves[1].T + leaves[2]
    y = layer.forward(x)
    near(y, theirs.detach())
    loss, by_y = r.squared_error(y, target)
    if y.size:
        expected = torch.nn.functional.mse_loss(theirs, torch.tensor(target))
        assert loss == pytest.approx(expected.item(), rel=1e-12)
    else:
        expected = theirs.sum()  # torch's mean of nothing is NaN
        assert loss == 0.0
    expected.backward()
    _, dx, gradients = r.probe(layer, x, by_y)
    for got, leaf in zip((dx, gradients["weight"], gradients["centre"]), leaves, strict=True):
        near(got, leaf.grad)


def test_a_training_is_torch_step_for_step() -> None:
    """Forty steps of a tied autoencoder with Adam and torch's own cosine schedule."""
    rows = draw(30, 5) * [3, 2, 1, 1, 1]
    layer = r.Tied(5, 2, 1, np.float64)
    leaves = [torch.tensor(array.copy(), requires_grad=True) for array in layer.parameters.values()]
    plan = Plan(size=30, batch=8, steps=40)
    done = r.train_to_copy(layer, rows, rows, plan, rate=0.05)
    optimizer = torch.optim.Adam(leaves, lr=0.05)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 40)
    for step, loss in enumerate(done.losses):
        x = torch.tensor(rows[plan.rows(step)])
        y = (x - leaves[1]) @ leaves[0] @ leaves[0].T + leaves[1]
        total = torch.nn.functional.mse_loss(y, x)
        assert loss == pytest.approx(total.item(), rel=1e-9)
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        schedule.step()


def test_a_linear_autoencoder_reaches_the_subspace_of_pca() -> None:
    rows = digits()[0].reshape(-1, 64)[:400] / 16
    layer = r.Tied(64, 4, 0, np.float64)
    done = r.train_to_copy(layer, rows, rows, Plan(400, 400, 1500, every=100), rate=0.02)
    _, directions, squares = r.principal_components(rows)
    assert done.best == pytest.approx(squares[4:].sum() / rows.size, rel=1e-4)
    assert r.principal_angles(layer.parameters["weight"].T, directions[:4]).max() < 0.02


def test_squared_error_and_shapes_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match=r"\(2, 1\)"):
        r.squared_error(np.zeros((2, 1)), np.zeros((2,)))
    for rows in (np.zeros((0, 3)), np.zeros((3, 0)), np.zeros(3)):
        with pytest.raises(ValueError, match="rows and columns"):
            r.principal_components(rows)
    with pytest.raises(ValueError, match="from 0 to 1"):
        r.components_needed(np.ones(2), 1.5)
    for variances, distortion in ((np.array([-1.0]), 1.0), (np.ones(2), 0.0), (np.ones(2), math.nan)):
        with pytest.raises(ValueError, match="variances"):
            r.water_filling(variances, distortion)


@pytest.mark.parametrize("step", [0.1, 1.0, 7.5])
def test_rate_is_scipys_entropy_and_adaptive_bits_are_the_chain_of_guesses(step: float) -> None:
    codes = r.quantise(draw(300, 3) * [1, 5, 20], step)
    columns = [np.unique(column, return_counts=True)[1] for column in codes.T]
    assert r.rate(codes) == pytest.approx(sum(stats.entropy(count, base=2) for count in columns), rel=1e-12)
    total = 0.0
    for column in (codes - codes.min(axis=0)).T.tolist():
        seen = [1] * (max(column) + 1)
        total += 32
        for code in column:
            total -= math.log2(seen[code] / sum(seen))
            seen[code] += 1
    assert r.adaptive_bits(codes) == pytest.approx(total, rel=1e-10)
    assert r.adaptive_bits(codes[:0]) == 0.0
    assert r.adaptive_bits(codes) > 300 * r.rate(codes)


def test_an_arithmetic_coder_comes_as_near_as_lesson_6_promises() -> None:
    """Lesson 6's own coder on one column of quantised coordinates needs what `rate` says, and little more."""
    rows = digits()[0].reshape(-1, 64)
    mean, directions, _ = r.principal_components(rows)
    codes = r.quantise(r.project(rows, mean, directions[:1]), 2.0)
    data = (codes[:, 0] - codes.min()).astype(np.uint8).tobytes()
    file = 8 * len(arithmetic.compress(data))
    assert len(data) * r.rate(codes) < file < len(data) * r.rate(codes) + 256 * 8


@pytest.mark.parametrize("share", [0.01, 0.3, 0.9])
def test_water_filling_is_the_optimum_that_torch_finds(share: float) -> None:
    """Descend on the errors themselves, by their logarithms, and end at the same bits."""
    variances = np.array([9.0, 0.2, 4.0, 1.0])
    distortion = share * variances.sum()
    raw = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([raw], lr=0.02)
    spread = torch.tensor(variances)
    for _ in range(1500):
        errors = torch.minimum(distortion * torch.softmax(raw, 0), spread)
        bits = (torch.log2(spread / errors)).sum() / 2 + 50 * torch.relu(errors.sum() - distortion)
        optimizer.zero_grad()
        bits.backward()
        optimizer.step()
    got, left = r.water_filling(variances, distortion)
    assert got == pytest.approx(bits.item(), abs=0.02)
    assert got <= bits.item() + 1e-9
    assert left.sum() == pytest.approx(distortion)


def test_a_uniform_quantiser_is_a_quarter_bit_above_shannons_bound() -> None:
    x = draw(200_000, 1) * 3
    codes = r.quantise(x, 0.5)
    error = float(np.mean((r.dequantise(codes, 0.5) - x) ** 2))
    assert error == pytest.approx(0.5**2 / 12, rel=0.01)
    bits, _ = r.water_filling(np.array([x.var()]), error)
    assert r.rate(codes) - bits == pytest.approx(math.log2(2 * math.pi * math.e / 12) / 2, abs=0.01)


@pytest.mark.parametrize(("first", "second"), [(1, 1), (2, 3), (3, 2), (4, 4)])
def test_angles_are_those_of_scipy(first: int, second: int) -> None:
    one, other = draw(first, 6, seed=first), draw(second, 6, seed=second + 10)
    expected = np.sort(scipy_linalg.subspace_angles(one.T, other.T))
    np.testing.assert_allclose(r.principal_angles(one, other), expected, rtol=1e-9, atol=1e-7)

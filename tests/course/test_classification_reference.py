"""The reference of lesson 12: layers against torch in float64 to 1e-10, metrics against scikit-learn."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from autograder.samples import diagnoses, digits
from squeeze import classification as c
from squeeze.optimizers import Plan

torch = pytest.importorskip("torch")
metrics = pytest.importorskip("sklearn.metrics")

SHAPES = [(5, 3), (1, 3), (0, 3), (2, 4, 3), (2, 0, 3)]


def near(got: np.ndarray, expected: Any, tolerance: float = 1e-10) -> None:
    expected = np.asarray(expected)
    scale = np.max(np.abs(expected), initial=0)
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance * scale)


def draw(*shape: int, seed: int = 0) -> np.ndarray:
    return np.asarray(np.random.default_rng(seed).normal(size=shape))


@pytest.mark.parametrize("scale", [1, 100, 1e4])
@pytest.mark.parametrize("shape", [(5, 3), (1, 2), (4, 1), (2, 3, 4)])
def test_cross_entropy(shape: tuple[int, ...], scale: float) -> None:
    scores, labels = draw(*shape) * scale, np.random.default_rng(1).integers(0, shape[-1], shape[:-1])
    leaf = torch.tensor(scores, requires_grad=True)
    theirs = (
        torch.nn.functional.cross_entropy(leaf.reshape(-1, shape[-1]), torch.tensor(labels.ravel())) / c.LN2
    )
    theirs.backward()
    bits, gradient = c.cross_entropy(scores, labels)
    assert bits == pytest.approx(theirs.item(), rel=1e-10)
    near(gradient, leaf.grad.numpy())
    near(c.log_softmax(scores), torch.log_softmax(torch.tensor(scores), dim=-1))


def test_cross_entropy_refuses_labels_that_are_no_classes() -> None:
    for labels in (np.array([0, 3]), np.array([-1, 0])):
        with pytest.raises(ValueError, match="for 3 classes"):
            c.cross_entropy(np.zeros((2, 3)), labels)
    with pytest.raises(ValueError, match="are for labels of"):
        c.cross_entropy(np.zeros((2, 3)), np.zeros(3, dtype=np.int64))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["linear", "relu", "tanh"])
def test_layers(name: str, shape: tuple[int, ...]) -> None:
    x = draw(*shape)
    leaf = torch.tensor(x, requires_grad=True)
    if name == "linear":
        ours: c.Layer = c.Linear(3, 4, 7, "glorot", np.float64)
        theirs = torch.nn.Linear(3, 4, dtype=torch.float64)
        c.load(ours, {"weight": draw(3, 4, seed=1), "bias": draw(4, seed=2)})
        with torch.no_grad():
            theirs.weight.copy_(torch.tensor(ours.parameters["weight"].T))
            theirs.bias.copy_(torch.tensor(ours.parameters["bias"]))
    else:
        ours, theirs = (c.ReLU(), torch.nn.ReLU()) if name == "relu" else (c.Tanh(), torch.nn.Tanh())
    expected = theirs(leaf)
    dy = draw(*expected.shape, seed=3)
    expected.backward(torch.tensor(dy))
    y, dx, gradients = c.probe(ours, x, dy)
    near(y, expected.detach())
    near(dx, leaf.grad)
    if name == "linear":
        near(gradients["weight"], theirs.weight.grad.T)
        near(gradients["bias"], theirs.bias.grad)


def test_a_training_is_torch_step_for_step() -> None:
    """Thirty steps of a network with dropout's masks handed to torch, a penalty, and Adam."""
    x, labels = draw(40, 6), np.random.default_rng(1).integers(0, 3, 40)
    layers = (
        c.Linear(6, 8, 1, "he", np.float64),
        c.ReLU(),
        c.Dropout(0.4, 2),
        c.Linear(8, 3, 3, "glorot", np.float64),
    )
    model = c.Sequential(*layers)
    leaves = [torch.tensor(array.copy(), requires_grad=True) for array in model.parameters.values()]
    plan = Plan(size=40, batch=16, steps=30)
    done = c.train(model, (x, labels), (x, labels), plan, rate=0.01, strength=0.03)
    optimizer = torch.optim.Adam(leaves, lr=0.01)
    for step, loss in enumerate(done.losses):
        rows = plan.rows(step)
        layers[2].mode(True, step)
        mask = torch.tensor(layers[2].forward(np.ones((len(rows), 8))))
        w1, b1, w2, b2 = leaves
        scores = (torch.relu(torch.tensor(x[rows]) @ w1 + b1) * mask) @ w2 + b2
        penalty = 0.03 / 2 * ((w1 * w1).sum() + (w2 * w2).sum())
        total = torch.nn.functional.cross_entropy(scores, torch.tensor(labels[rows])) / c.LN2 + penalty
        assert loss == pytest.approx(total.item(), rel=1e-9)
        optimizer.zero_grad()
        total.backward()
        optimizer.step()


def test_he_keeps_the_size_of_numbers_and_torch_agrees_on_its_deviation() -> None:
    weight = torch.empty(300, 200, dtype=torch.float64)
    torch.manual_seed(0)
    torch.nn.init.kaiming_normal_(weight, nonlinearity="relu")  # its weights are outputs × inputs
    ours = c.Linear(200, 300, 1, "he", np.float64).parameters["weight"]
    assert ours.std() == pytest.approx(weight.std().item(), rel=0.02)
    torch.nn.init.xavier_normal_(weight)
    ours = c.Linear(200, 300, 1, "glorot", np.float64).parameters["weight"]
    assert ours.std() == pytest.approx(weight.std().item(), rel=0.02)
    with pytest.raises(ValueError, match="'lecun'"):
        c.Linear(1, 1, 0, "lecun")


def test_dropout_agrees_with_torch_on_share_and_scale() -> None:
    layer = c.Dropout(0.3, 1)
    layer.mode(True, 5)
    ours = layer.forward(np.ones(100_000))
    torch.manual_seed(0)
    theirs = torch.nn.functional.dropout(torch.ones(100_000, dtype=torch.float64), 0.3).numpy()
    np.testing.assert_allclose(np.unique(ours), np.unique(theirs))
    assert np.mean(ours == 0) == pytest.approx(np.mean(theirs == 0), abs=0.01)
    for share in (1, -0.1, math.nan):
        with pytest.raises(ValueError, match="can't be dropped"):
            c.Dropout(share, 1)


@pytest.mark.parametrize("ties", [3, 20, 10_000])
@pytest.mark.parametrize("share", [0.5, 0.03])
def test_curves_are_those_of_scikit_learn(ties: int, share: float) -> None:
    random = np.random.default_rng(ties)
    labels = np.append((random.random(500) < share).astype(np.int64), [0, 1])
    scores = random.integers(0, ties, 502) / ties
    expected = metrics.roc_curve(labels, scores, drop_intermediate=False)
    for got, theirs in zip(c.roc(labels, scores), expected, strict=True):
        near(got[1:], theirs[1:])
    assert [array[0] for array in c.roc(labels, scores)] == [0, 0, math.inf]
    assert c.auc(labels, scores) == pytest.approx(metrics.roc_auc_score(labels, scores), rel=1e-12)


@pytest.mark.parametrize("labels", [[0, 0], [1], [], [0, 2], [0, 1, 2]])
def test_a_curve_needs_both_classes(labels: list[int]) -> None:
    with pytest.raises(ValueError, match="labels of 0 and 1"):
        c.roc(np.array(labels, dtype=np.int64), np.zeros(len(labels)))


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_rates_are_those_of_scikit_learn(classes: int) -> None:
    random = np.random.default_rng(classes)
    labels, said = random.integers(0, classes, 60), random.integers(0, classes, 60)
    said[said == 1] = 0  # a class that nothing is said to be of
    table = c.confusion(labels, said, classes)
    np.testing.assert_array_equal(table, metrics.confusion_matrix(labels, said, labels=range(classes)))
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        labels, said, labels=range(classes), zero_division=0.0
    )
    for positive in range(classes):
        got = c.rates(table, positive)
        assert got["accuracy"] == pytest.approx(metrics.accuracy_score(labels, said))
        assert [got[name] for name in ("precision", "recall", "f1")] == pytest.approx(
            [precision[positive], recall[positive], f1[positive]]
        )


@pytest.mark.parametrize("bins", [1, 5, 10, 16])
def test_bins_are_those_of_scikit_learn(bins: int) -> None:
    calibration = pytest.importorskip("sklearn.calibration")
    random = np.random.default_rng(bins)
    probability = random.random(300)
    labels = (random.random(300) < probability).astype(np.int64)
    shares, means = calibration.calibration_curve(labels, probability, n_bins=bins)
    got = c.reliability(labels, probability, bins)
    near(np.array([row[1] for row in got]), means)
    near(np.array([row[2] for row in got]), shares)
    assert sum(row[0] for row in got) == 300


def test_answers_are_the_cheapest_of_all_thresholds() -> None:
    """With probabilities that are true, no threshold costs less than the one that the costs name."""
    random = np.random.default_rng(9)
    probability = random.random(20_000)
    labels = (random.random(20_000) < probability).astype(np.int64)

    def cost(said: np.ndarray, miss: float) -> float:
        return float(np.sum(said & (1 - labels)) + miss * np.sum((1 - said) & labels))

    for miss in (0.25, 1, 4, 20):
        chosen = cost(c.decide(probability, 1, miss), miss)
        others = [cost((probability >= t / 50).astype(np.int64), miss) for t in range(51)]
        assert chosen <= 1.01 * min(others)


def test_a_linear_model_with_a_penalty_ends_where_scikit_learn_does() -> None:
    """On the diagnoses: logistic regression, whose optimum is unique once there is a penalty."""
    linear = pytest.importorskip("sklearn.linear_model")
    table, malignant = diagnoses()
    x, rest = c.standardise(table.rows[:400], table.rows[400:])
    labels = malignant[:400]
    model = c.Linear(30, 2, 0, "glorot", np.float64)
    c.train(model, (x, labels), (x, labels), Plan(400, 400, 3000, every=100), rate=0.02, strength=0.02)
    # Two outputs w and −w with ½ s (w² + w²) each are one output of 2 w; and nats are bits by ln 2.
    theirs = linear.LogisticRegression(C=1 / (400 * 0.01 * c.LN2), tol=1e-10, max_iter=10_000).fit(x, labels)
    np.testing.assert_allclose(
        c.probabilities(model, rest)[:, 1], theirs.predict_proba(rest)[:, 1], atol=2e-3
    )


def test_a_network_reads_digits() -> None:
    images, answers = digits()
    x = (images.reshape(-1, 64) / 16).astype(np.float32)
    random = c.generator(1)
    model = c.Sequential(c.Linear(64, 32, random), c.ReLU(), c.Dropout(0.1, 1), c.Linear(32, 10, random))
    plan = Plan(size=1000, batch=50, steps=400, every=20)
    c.train(model, (x[:1000], answers[:1000]), (x[1000:1300], answers[1000:1300]), plan, rate=0.005)
    sure = c.probabilities(model, x[1300:])
    assert sure.dtype == np.float32
    assert np.mean(sure.argmax(axis=1) == answers[1300:]) > 0.9
    bits, size = c.description_length(model, x[1300:], answers[1300:])
    assert size == 16 * (64 * 32 + 32 + 32 * 10 + 10)
    assert bits == pytest.approx(metrics.log_loss(answers[1300:], sure) * len(sure) / c.LN2, rel=0.01)


def test_standardise_is_scikit_learns_scaler() -> None:
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    table, _ = diagnoses()
    train, test = table.rows[:300].copy(), table.rows[300:]
    train[:, 3] = 7
    scaler = preprocessing.StandardScaler().fit(train)
    ours = c.standardise(train, test)
    near(ours[0], scaler.transform(train))
    near(ours[1], scaler.transform(test))


def test_what_does_not_fit_is_not_loaded() -> None:
    layer = c.Linear(2, 2, 0)
    before = layer.parameters["weight"].copy()
    for wrong in ({"weight": np.zeros((2, 2))}, {"weight": np.zeros((2, 2)), "bias": np.zeros(3)}):
        with pytest.raises(ValueError, match="the layer's parameters are"):
            c.load(layer, wrong)
    np.testing.assert_array_equal(layer.parameters["weight"], before)


def test_a_plain_layer_computes_nothing() -> None:
    with pytest.raises(NotImplementedError):
        c.Layer().forward(np.zeros(1))
    with pytest.raises(NotImplementedError):
        c.Layer().backward(np.zeros(1))

"""The reference of lesson 13: convolution and pooling against torch in float64 to 1e-10, and digits that move."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from autograder.samples import digits
from squeeze import classification as c
from squeeze import convolution as v
from squeeze.optimizers import Plan

torch = pytest.importorskip("torch")

# Examples, inputs, height, width; outputs; kernel. Size 1 and no examples are among them.
CASES = [
    ((2, 3, 7, 6), 4, (3, 3)),
    ((1, 1, 5, 5), 1, (5, 5)),
    ((3, 2, 6, 9), 2, (2, 4)),
    ((1, 1, 1, 1), 3, (1, 1)),
    ((0, 2, 5, 5), 3, (3, 2)),
    ((2, 1, 4, 1), 2, (3, 1)),
]


def near(got: np.ndarray, expected: Any, tolerance: float = 1e-10) -> None:
    expected = np.asarray(expected)
    scale = np.max(np.abs(expected), initial=0)
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance * scale)


def draw(*shape: int, seed: int = 0) -> np.ndarray:
    return np.asarray(np.random.default_rng(seed).normal(size=shape))


@pytest.mark.parametrize(("shape", "outputs", "kernel"), CASES)
@pytest.mark.parametrize(("stride", "padding"), [*itertools.product((1, 2, 3), (0, 1, 2))])
def test_convolution_forward_and_backward(
    shape: tuple[int, ...], outputs: int, kernel: tuple[int, int], stride: int, padding: int
) -> None:
    """A kernel turned around, a stride in one direction, or a gradient in another order would fail here."""
    x = draw(*shape)
    ours = v.Conv2d(shape[1], outputs, kernel, 1, stride, padding, np.float64)
    v.load(ours, {"weight": draw(outputs, shape[1], *kernel, seed=1), "bias": draw(outputs, seed=2)})
    leaves = [torch.tensor(array, requires_grad=True) for array in (x, *ours.parameters.values())]
    expected = torch.nn.functional.conv2d(*leaves, stride=stride, padding=padding)
    near(v.naive_convolution(x, *ours.parameters.values(), stride, padding), expected.detach())
    assert expected.shape[2:] == tuple(
        v.output_size(side, k, stride, padding) for side, k in zip(shape[2:], kernel, strict=True)
    )
    dy = draw(*expected.shape, seed=3)
    expected.backward(torch.tensor(dy))
    y, dx, gradients = v.probe(ours, x, dy)
    near(y, expected.detach())
    near(dx, leaves[0].grad)
    near(gradients["weight"], leaves[1].grad)
    near(gradients["bias"], leaves[2].grad)


@pytest.mark.parametrize(("shape", "_", "kernel"), CASES[:4])
@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (2, 1), (3, 2)])
def test_columns_and_image_are_unfold_and_fold(
    shape: tuple[int, ...], _: int, kernel: tuple[int, int], stride: int, padding: int
) -> None:
    x = draw(*shape)
    theirs = torch.nn.functional.unfold(torch.tensor(x), kernel, padding=padding, stride=stride)
    table = v.columns(x, kernel, stride, padding)
    near(table, theirs.transpose(1, 2).reshape(table.shape))
    back = torch.nn.functional.fold(theirs, shape[2:], kernel, padding=padding, stride=stride)
    near(v.image(table, shape, kernel, stride, padding), back)


@pytest.mark.parametrize("shape", [(2, 3, 7, 6), (1, 1, 3, 3), (2, 1, 3, 8)])
@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 1), (2, 3), (1, 1), (3, 3)])
@pytest.mark.parametrize("kinds", [1, 2, 1000])
def test_pooling_with_ties(shape: tuple[int, ...], size: int, stride: int, kinds: int) -> None:
    """With few kinds of numbers most windows have ties: torch hands the gradient to the first, and so do we."""
    x = np.random.default_rng(kinds).integers(-kinds, 0, shape).astype(np.float64)
    leaf = torch.tensor(x, requires_grad=True)
    expected = torch.nn.functional.max_pool2d(leaf, size, stride)
    dy = draw(*expected.shape, seed=1)
    expected.backward(torch.tensor(dy))
    y, dx, _ = v.probe(v.MaxPool2d(size, stride), x, dy)
    near(y, expected.detach())
    near(dx, leaf.grad)


def test_pooling_of_no_examples() -> None:
    y, dx, _ = v.probe(v.MaxPool2d(2), np.zeros((0, 3, 4, 4)), np.zeros((0, 3, 2, 2)))
    assert y.shape == (0, 3, 2, 2)
    assert dx.shape == (0, 3, 4, 4)


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (1, 1, 1, 1), (0, 2, 3, 3)])
def test_global_average_is_adaptive_pooling(shape: tuple[int, ...]) -> None:
    x, dy = draw(*shape), draw(*shape[:2], seed=1)
    leaf = torch.tensor(x, requires_grad=True)
    expected = leaf.mean(dim=(2, 3)) if shape[0] == 0 else torch.nn.AdaptiveAvgPool2d(1)(leaf)[:, :, 0, 0]
    expected.backward(torch.tensor(dy))
    y, dx, _ = v.probe(v.GlobalAverage(), x, dy)
    near(y, expected.detach())
    near(dx, leaf.grad)


@pytest.mark.parametrize("padding", [(2, 0), (1, 2)])
def test_lenet_is_torchs_chain(padding: tuple[int, int]) -> None:
    """The whole network, whose linear layers are torch's transposed, with gradients down to the first filters."""
    ours = v.lenet((1, 16, 14), 5, 3, filters=(3, 4), padding=padding, widths=(12, 7))
    nn, names = torch.nn, list(ours.parameters)
    numbers = ours.parameters["7.weight"].shape[0]
    theirs = nn.Sequential(
        nn.Conv2d(1, 3, 5, padding=padding[0]), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(3, 4, 5, padding=padding[1]), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(numbers, 12), nn.ReLU(), nn.Linear(12, 7), nn.ReLU(), nn.Linear(7, 5),
    )  # fmt: skip
    with torch.no_grad():
        for name, parameter in theirs.named_parameters():
            array = ours.parameters[name]
            parameter.copy_(torch.tensor(array.T if array.ndim == 2 else array))
    assert names == [name for name, _ in theirs.named_parameters()]
    x, labels = draw(6, 1, 16, 14).astype(np.float32), np.arange(6) % 5
    loss = nn.functional.cross_entropy(theirs(torch.tensor(x)), torch.tensor(labels)) / c.LN2
    loss.backward()
    bits, by_scores = c.cross_entropy(ours.forward(x), labels)
    assert bits == pytest.approx(loss.item(), rel=1e-5)
    ours.backward(by_scores)
    for name, parameter in theirs.named_parameters():
        slope = parameter.grad.numpy()
        near(ours.gradients[name], slope.T if slope.ndim == 2 else slope, 1e-4)


def test_receptive_field_is_what_a_change_can_reach() -> None:
    """Change one dot after another: those that change the middle number are as many as the formula says."""
    layers = [(3, 1), (2, 2), (3, 1), (2, 3)]
    chain = torch.nn.Sequential(
        *(torch.nn.Conv1d(1, 1, kernel, stride, dtype=torch.float64) for kernel, stride in layers)
    )
    for parameter in chain.parameters():
        torch.nn.init.constant_(parameter, 0.1)
    x = torch.zeros(1, 1, 60, dtype=torch.float64, requires_grad=True)
    chain(x)[0, 0, 2].backward()
    assert int((x.grad != 0).sum()) == v.receptive_field(layers)


@pytest.mark.parametrize(("down", "right"), [*itertools.product((-9, -2, 0, 1, 8), (-8, -1, 0, 3, 9))])
def test_shift_is_a_border_and_a_cut(down: int, right: int) -> None:
    """A border of 9 dots, and a window into it: a wrap to the other side would fail here."""
    x = draw(2, 3, 4, 5)
    theirs = torch.nn.functional.pad(torch.tensor(x), (9, 9, 9, 9), value=0.25).numpy()
    theirs = theirs[..., 9 - down : 13 - down, 9 - right : 14 - right]
    near(v.shift(x, down, right, 0.25), theirs)


def test_shifts_resume_where_training_stopped() -> None:
    """A training cut in two, from its saved state, ends with the same weights as one in a piece."""
    images, answers = digits()
    x = (images[:60, None] / 16).astype(np.float32)

    def model() -> c.Sequential:
        random = c.generator(1)
        convolution = v.Conv2d(1, 2, (3, 3), random)
        return c.Sequential(v.RandomShift(2, 3), convolution, v.GlobalAverage(), c.Linear(2, 10, random))

    def trained(steps: int, resume: Any = None) -> tuple[Any, c.Sequential]:
        chain = model()
        examples = (x, answers[:60])
        return c.train(chain, examples, examples, Plan(60, 20, steps, every=5), resume=resume), chain

    whole, first = trained(20)
    half, _ = trained(10)
    rest, second = trained(20, half.state)
    assert half.losses + rest.losses == pytest.approx(whole.losses, rel=1e-5)
    for name, array in first.parameters.items():
        np.testing.assert_allclose(second.parameters[name], array, rtol=1e-4, atol=1e-6)


def test_a_network_reads_digits_that_move() -> None:
    images, answers = digits()
    x = (images[:, None] / 16).astype(np.float32)
    model = c.Sequential(v.RandomShift(1, 5), *v.lenet((1, 8, 8), 10, 1, (6, 12), 3, (1, 1), (24,)).layers)
    plan = Plan(size=1000, batch=50, steps=300, every=50)
    c.train(model, (x[:1000], answers[:1000]), (x[1000:1300], answers[1000:1300]), plan, rate=0.005)
    for down, right in ((0, 0), (1, 0), (0, -1)):
        sure = c.probabilities(model, v.shift(x[1300:], down, right))
        assert np.mean(sure.argmax(axis=1) == answers[1300:]) > 0.8


def test_refusals() -> None:
    for size, kernel, stride, padding in ((3, 4, 1, 0), (3, 0, 1, 0), (3, 1, 0, 0), (3, 1, 1, -1)):
        with pytest.raises(ValueError, match="kernel"):
            v.output_size(size, kernel, stride, padding)
    layer = v.Conv2d(2, 1, (3, 3), 0)
    for shape in ((1, 3, 5, 5), (2, 5, 5)):
        with pytest.raises(ValueError, match="2 channels"):
            layer.forward(np.zeros(shape))
    with pytest.raises(ValueError, match="doesn't fit"):
        v.MaxPool2d(4).forward(np.zeros((1, 1, 3, 9)))
    with pytest.raises(ValueError, match="below 0"):
        v.RandomShift(-1, 0)
    with pytest.raises(ValueError, match="zip"):
        v.lenet((1, 8, 8), 10, 0, filters=(2, 3), kernel=3, padding=(1,))

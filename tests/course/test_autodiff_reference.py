"""The reference of lesson 10 against torch.autograd in float64, to 1e-10 of the largest number."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from squeeze import autodiff

torch = pytest.importorskip("torch")

SHAPES = [
    ((), ()),
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((2, 1), (1, 3)),
    ((4, 1, 3), (2, 1)),
    ((), (2, 2)),
    ((1,), ()),
    ((0, 3), (3,)),
    ((2, 0), (2, 1)),
]


def positive(*shape: int, seed: int = 0) -> np.ndarray:
    return np.asarray(np.random.default_rng(seed).uniform(0.5, 2, shape))


def compare(ours: Callable[..., Any], theirs: Callable[..., Any], *inputs: np.ndarray) -> None:
    """Hold a function's value, and its gradients from a random seed, against torch's."""
    mine = [autodiff.Tensor(x) for x in inputs]
    leaves = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in inputs]
    result, expected = ours(*mine), theirs(*leaves)
    near(result.data, expected.detach().numpy())
    seed = np.asarray(np.random.default_rng(99).normal(size=result.shape))
    result.backward(seed)
    expected.backward(torch.tensor(seed))
    for tensor, leaf in zip(mine, leaves, strict=True):
        assert tensor.grad.shape == tensor.shape
        near(tensor.grad, leaf.grad.numpy())


def near(got: np.ndarray, expected: np.ndarray) -> None:
    scale = np.max(np.abs(expected), initial=0)
    np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-10 * scale)


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("name", ["add", "sub", "mul", "truediv"])
def test_arithmetic_with_broadcasting(name: str, shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    function = getattr(operator, name)
    compare(function, function, positive(*shapes[0]), positive(*shapes[1], seed=1))


@pytest.mark.parametrize("exponent", [2, 3, 1, 0, -1, -2, 0.5])
def test_power(exponent: float) -> None:
    compare(lambda a: a**exponent, lambda a: a**exponent, positive(2, 3))


@pytest.mark.parametrize("exponent", [3, 2, 1, 0])
def test_power_at_zero(exponent: int) -> None:
    compare(lambda a: a**exponent, lambda a: a**exponent, np.array([0.0, -1.5, 2.0]))


@pytest.mark.parametrize("name", ["exp", "log", "tanh", "relu"])
def test_functions_of_one_number(name: str) -> None:
    x = positive(2, 3) if name == "log" else positive(2, 3) - 1
    compare(getattr(autodiff, name), getattr(torch, name), x)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [0, 1, -1, (0, 2), (-1, 1), (0, 1, 2)])
def test_sums(axis: int | tuple[int, ...], keepdims: bool) -> None:
    compare(
        lambda a: autodiff.reduce_sum(a, axis, keepdims=keepdims),
        lambda a: a.sum(dim=axis, keepdim=keepdims),
        positive(2, 3, 4),
    )


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0, 2)])
def test_sum_of_all(shape: tuple[int, ...]) -> None:
    compare(autodiff.reduce_sum, torch.sum, positive(*shape))


@pytest.mark.parametrize(
    ("left", "right"),
    [((2, 3), (3, 4)), ((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4)), ((4, 1, 2, 3), (5, 3, 2)), ((2, 0), (0, 3))],
)
def test_matmul(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    compare(lambda a, b: a @ b, lambda a, b: a @ b, positive(*left), positive(*right, seed=1))


@pytest.mark.parametrize("rows", [[1, 0, 1, 1], [[0, 2], [2, 2]], [], [-1, 2]])
def test_take_rows(rows: list[Any]) -> None:
    numbers = np.array(rows, dtype=np.int64)
    compare(lambda a: autodiff.take_rows(a, numbers), lambda a: a[torch.tensor(numbers)], positive(3, 2))


@pytest.mark.parametrize("axes", [None, (2, 0, 1), (1, 2, 0), (0, 2, 1)])
def test_transpose(axes: tuple[int, ...] | None) -> None:
    compare(lambda a: autodiff.transpose(a, axes), lambda a: a.permute(axes or (2, 1, 0)), positive(2, 3, 4))


def test_reshape_of_a_view() -> None:
    compare(
        lambda a: autodiff.reshape(autodiff.transpose(a), (2, 6)),
        lambda a: a.permute(2, 1, 0).reshape(2, 6),
        positive(2, 3, 2),
    )


@pytest.mark.parametrize("scale", [1, 100, 10_000])
def test_log_softmax(scale: int) -> None:
    x = np.random.default_rng(3).normal(size=(4, 5)) * scale
    compare(autodiff.log_softmax, lambda a: torch.log_softmax(a, dim=-1), x)


def test_a_graph_used_twice() -> None:
    def expression(module_exp: Callable[..., Any], a: Any, b: Any) -> Any:
        c = a * b + a
        d = c / (b + 1) + c * c
        return module_exp(d * 0.1) @ c + d @ c

    compare(
        lambda a, b: expression(autodiff.exp, a, b),
        lambda a, b: expression(torch.exp, a, b),
        positive(3, 3),
        positive(3, seed=1),
    )


def test_bigram_bits() -> None:
    counts = np.random.default_rng(4).integers(0, 50, (6, 6)).astype(float)

    def theirs(embedding: Any, output: Any, bias: Any) -> Any:
        logarithms = torch.log_softmax(embedding @ output + bias, dim=-1)
        return -(torch.tensor(counts) * logarithms).sum() / torch.log(torch.tensor(2.0, dtype=torch.float64))

    shapes = (6, 3), (3, 6), (6,)
    compare(
        lambda *network: autodiff.bigram_bits(counts, *network),
        theirs,
        *(np.random.default_rng(i).normal(size=shape) for i, shape in enumerate(shapes)),
    )


def test_training_is_torch_step_for_step() -> None:
    """Fifty steps of `train` are fifty of torch.optim.SGD with momentum, from the same start."""
    counts = np.random.default_rng(5).integers(0, 50, (6, 6)).astype(float)
    network, curve = autodiff.train(counts, dimension=3, steps=50)
    start, _ = autodiff.train(counts, dimension=3, steps=0)
    leaves = [torch.tensor(parameter.data, requires_grad=True) for parameter in start]
    optimizer = torch.optim.SGD(leaves, lr=1.0, momentum=0.95)
    for bits in curve:
        optimizer.zero_grad()
        logarithms = torch.log_softmax(leaves[0] @ leaves[1] + leaves[2], dim=-1)
        loss = -(torch.tensor(counts / counts.sum()) * logarithms).sum() / np.log(2)
        assert bits == pytest.approx(loss.item(), rel=1e-9)
        loss.backward()
        optimizer.step()
    for parameter, leaf in zip(network, leaves, strict=True):
        np.testing.assert_allclose(parameter.data, leaf.detach().numpy(), rtol=1e-8, atol=1e-9)


def test_code_length_is_repeatable_and_climbs_down_the_ladder() -> None:
    data = b"the cat sat on the mat; the rat sat on the cat. " * 200
    first, second = autodiff.code_length(data), autodiff.code_length(data)
    assert first == second
    assert first[0] < 3 * len(data)


def test_descent_that_nothing_helps_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    right = autodiff.bigram_bits
    monkeypatch.setattr(autodiff, "bigram_bits", lambda *inputs: right(*inputs) * float("nan"))
    with pytest.raises(ValueError, match="gradient_error"):
        autodiff.train(np.ones((2, 2)))

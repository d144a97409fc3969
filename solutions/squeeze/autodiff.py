"""Lesson 10: tensors that remember how they were computed, so that one pass backward gives every gradient."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array: TypeAlias = NDArray[np.floating]
Rule: TypeAlias = Callable[[Array], tuple[Array, ...]]


class Tensor:
    """An array, the tensors it was computed from, and the rule that passes a gradient back to them.

    `data` is float32 where it was made from float32, else float64. `grad` has its shape and starts at zero.
    `rule` takes the gradient of some number by this tensor, an array of the shape of `data`, and returns a
    tuple: the gradient by each of `parents`, in order, each of its parent's shape. A leaf has no parents.

    >>> Tensor([1, 2]).grad
    array([0., 0.])
    """

    __array_ufunc__ = None  # array + tensor: NumPy steps aside, and the tensor's own operator runs

    def __init__(
        self, data: ArrayLike, parents: Sequence[Tensor] = (), rule: Rule = lambda _gradient: ()
    ) -> None:
        array = np.asarray(data)
        self.data: Array = array if array.dtype == np.float32 else array.astype(np.float64, copy=False)
        self.grad: Array = np.zeros(self.data.shape, self.data.dtype)
        self.parents = tuple(parents)
        self.rule = rule

    def __repr__(self) -> str:
        return f"Tensor({self.data!r})"

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of `data`."""
        return self.data.shape

    def backward(self, seed: ArrayLike | None = None) -> None:
        """Add the gradient of this tensor to the `grad` of all it was computed from: see `backward`."""
        backward(self, seed)

    def __add__(self, other: Operand) -> Tensor:
        return add(self, other)

    def __mul__(self, other: Operand) -> Tensor:
        return multiply(self, other)

    def __neg__(self) -> Tensor:
        return multiply(self, -1)

    def __sub__(self, other: Operand) -> Tensor:
        return add(self, multiply(other, -1))

    def __rsub__(self, other: Operand) -> Tensor:
        return add(other, -self)

    def __pow__(self, exponent: float) -> Tensor:
        return power(self, exponent)

    def __truediv__(self, other: Operand) -> Tensor:
        return multiply(self, power(as_tensor(other), -1))

    def __rtruediv__(self, other: Operand) -> Tensor:
        return multiply(other, power(self, -1))

    def __matmul__(self, other: Operand) -> Tensor:
        return matmul(self, other)

    def __rmatmul__(self, other: Operand) -> Tensor:
        return matmul(other, self)

    __radd__ = __add__
    __rmul__ = __mul__


Operand: TypeAlias = Tensor | ArrayLike


def as_tensor(value: Operand, dtype: np.dtype[np.floating] | None = None) -> Tensor:
    """Return a tensor as it is, and a number or an array as a leaf; a plain number takes `dtype`."""
    if isinstance(value, Tensor):
        return value
    return Tensor(np.asarray(value, dtype if isinstance(value, int | float) else None))


def as_tensors(a: Operand, b: Operand) -> tuple[Tensor, Tensor]:
    """Return both as tensors; a plain number beside a float32 tensor becomes float32 too.

    >>> (Tensor(np.float32([1, 2])) * 0.5).data
    array([0.5, 1. ], dtype=float32)
    """
    first = a.data.dtype if isinstance(a, Tensor) else None
    second = b.data.dtype if isinstance(b, Tensor) else None
    return as_tensor(a, second), as_tensor(b, first)


def reshape(a: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Arrange the same numbers in another shape: the model of how an operation is written.

    >>> reshape(Tensor([[1, 2], [3, 4]]), (4,)).data
    array([1., 2., 3., 4.])
    """

    def rule(gradient: Array) -> tuple[Array, ...]:
        return (gradient.reshape(a.shape),)

    return Tensor(a.data.reshape(shape), (a,), rule)


def transpose(a: Tensor, axes: tuple[int, ...] | None = None) -> Tensor:
    """Put the axes in another order, reversed unless said; `axes[i]` is the old place of the new axis i.

    >>> transpose(Tensor([[1, 2], [3, 4]])).data
    array([[1., 3.],
           [2., 4.]])
    """
    order = tuple(range(a.data.ndim))[::-1] if axes is None else axes

    def rule(gradient: Array) -> tuple[Array, ...]:
        return (gradient.transpose(tuple(np.argsort(order))),)

    return Tensor(a.data.transpose(order), (a,), rule)


def numerical_gradient(function: Callable[[Array], float], x: ArrayLike) -> Array:
    """Measure the gradient of a function from an array to a number: nudge each entry of `x` up and down.

    The result is a float64 array of the shape of `x`, which is left as it was: nudge a copy.
    Use central differences, whose error falls with the square of the step; a step of 1e-5 suits float64.

    >>> bool(abs(numerical_gradient(lambda x: float(x**2), 3.0) - 6) < 1e-6)
    True
    """
    ### BEGIN SOLUTION
    step = 1e-5
    here = np.array(x, dtype=np.float64)
    gradient = np.zeros_like(here)
    for place in np.ndindex(here.shape):
        above, below = here.copy(), here.copy()
        above[place] += step
        below[place] -= step
        gradient[place] = (function(above) - function(below)) / (2 * step)
    return gradient
    ### END SOLUTION


def unbroadcast(gradient: Array, shape: tuple[int, ...]) -> Array:
    """Bring the gradient of a broadcast array back to the `shape` that the array had before.

    The result is an array of exactly that shape, and of the gradient's dtype.
    Raises ValueError where `shape` can't be broadcast to the gradient's shape.

    >>> unbroadcast(np.array([[1.0, 2.0], [3.0, 4.0]]), (2, 1))
    array([[3.],
           [7.]])
    >>> unbroadcast(np.array([[1.0, 2.0], [3.0, 4.0]]), ())
    array(10.)
    """
    ### BEGIN SOLUTION
    added = gradient.ndim - len(shape)
    if added < 0 or any(n not in (1, m) for n, m in zip(shape, gradient.shape[added:], strict=True)):
        raise ValueError(f"shape {shape!r} can't be broadcast to the gradient's shape {gradient.shape!r}")
    if gradient.shape == shape:
        return gradient
    stretched = tuple(i for i, n in enumerate(shape) if n == 1)
    total = gradient.sum(axis=tuple(range(added))) if added else gradient
    return np.asarray(total.sum(axis=stretched, keepdims=True))
    ### END SOLUTION


def add(a: Operand, b: Operand) -> Tensor:
    """Add entry by entry, after NumPy's broadcasting.

    >>> add(Tensor([1, 2]), 10).data
    array([11., 12.])
    """
    a, b = as_tensors(a, b)
    ### BEGIN SOLUTION

    def rule(gradient: Array) -> tuple[Array, ...]:
        return unbroadcast(gradient, a.shape), unbroadcast(gradient, b.shape)

    return Tensor(a.data + b.data, (a, b), rule)
    ### END SOLUTION


def multiply(a: Operand, b: Operand) -> Tensor:
    """Multiply entry by entry, after NumPy's broadcasting.

    >>> multiply(Tensor([1, 2]), Tensor([3, 4])).data
    array([3., 8.])
    """
    a, b = as_tensors(a, b)
    ### BEGIN SOLUTION

    def rule(gradient: Array) -> tuple[Array, ...]:
        return unbroadcast(gradient * b.data, a.shape), unbroadcast(gradient * a.data, b.shape)

    return Tensor(a.data * b.data, (a, b), rule)
    ### END SOLUTION


def topological_order(output: Tensor) -> list[Tensor]:
    """List `output` and all it was computed from, each once, every tensor after its parents.

    The graph may be tens of thousands of tensors deep, and Python's recursion is not.
    Source: Kahn (1962); the depth-first form is Tarjan's (1976).

    >>> a = Tensor(1.0)
    >>> b = Tensor(2.0, (a, a))
    >>> [float(tensor.data) for tensor in topological_order(Tensor(3.0, (b, a)))]
    [1.0, 2.0, 3.0]
    """
    ### BEGIN SOLUTION
    order: list[Tensor] = []
    seen: set[int] = set()
    stack = [(output, False)]
    while stack:
        tensor, parents_done = stack.pop()
        if parents_done:
            order.append(tensor)
        elif id(tensor) not in seen:
            seen.add(id(tensor))
            stack.append((tensor, True))
            stack.extend((parent, False) for parent in tensor.parents)
    return order
    ### END SOLUTION


def backward(output: Tensor, seed: ArrayLike | None = None) -> None:
    """Add the gradient of `output` to the `grad` of every tensor it was computed from, and of itself.

    `seed` is the gradient by `output` to start from; without it, `output` must hold one number, and it is 1.
    What was in `grad` before stays in the sum but is passed on to nobody. Each rule is asked once.
    Raises ValueError where a seed is needed and not given, or has another shape than `output`.
    Source: Linnainmaa (1970); Rumelhart, Hinton and Williams (1986).

    >>> a = Tensor(1.0)
    >>> b = a + a
    >>> c = b + b
    >>> backward(c)
    >>> float(a.grad), float(b.grad), float(c.grad)
    (4.0, 2.0, 1.0)
    """
    ### BEGIN SOLUTION
    if seed is None and output.data.size != 1:
        raise ValueError(f"the output has shape {output.shape!r}, not one number: give a seed of that shape")
    start = np.ones_like(output.data) if seed is None else np.asarray(seed, output.data.dtype)
    if start.shape != output.shape:
        raise ValueError(f"the seed has shape {start.shape!r}, the output {output.shape!r}: they must match")
    pending = {id(output): start}
    for tensor in reversed(topological_order(output)):
        gradient = pending.pop(id(tensor))
        tensor.grad = np.asarray(tensor.grad + gradient)
        for parent, share in zip(tensor.parents, tensor.rule(gradient), strict=True):
            known = pending.get(id(parent))
            # Never known += share: a rule may have handed the same array to two parents.
            pending[id(parent)] = share if known is None else known + share
    ### END SOLUTION


def repeated_sum(a: Tensor, times: int) -> Tensor:
    """Add `a` to itself that many times, one addition after another: a deep graph.

    >>> repeated_sum(Tensor(2.0), 3).data
    array(8.)
    """
    total = a
    for _ in range(times):
        total = add(total, a)
    return total


def gradient_error(function: Callable[[Tensor], Tensor], x: ArrayLike) -> float:
    """Return the largest difference between `backward` and `numerical_gradient`, beside the largest gradient.

    `function` takes a tensor of the shape of `x` and returns a tensor of one number.

    >>> gradient_error(lambda x: x * x + x, 3.0) < 1e-8
    True
    """
    point = Tensor(np.array(x, dtype=np.float64))
    function(point).backward()
    measured = numerical_gradient(lambda nudged: function(Tensor(nudged)).data.item(), x)
    return float(np.max(np.abs(point.grad - measured), initial=0) / np.max(np.abs(measured), initial=1))


def power(a: Tensor, exponent: float) -> Tensor:
    """Raise each entry to a plain number; where the exponent is 0 the gradient is 0, even at 0.

    >>> power(Tensor([1, 2, 3]), 2).data
    array([1., 4., 9.])
    """
    ### BEGIN SOLUTION

    def rule(gradient: Array) -> tuple[Array, ...]:
        if exponent == 0:  # 0 · 0⁻¹ would be 0 · ∞
            return (np.zeros_like(a.data),)
        return (gradient * exponent * a.data ** (exponent - 1),)

    return Tensor(a.data**exponent, (a,), rule)
    ### END SOLUTION


def exp(a: Tensor) -> Tensor:
    """Take e to the power of each entry.

    >>> exp(Tensor([0, 1])).data.round(3)
    array([1.   , 2.718])
    """
    ### BEGIN SOLUTION
    result = np.exp(a.data)

    def rule(gradient: Array) -> tuple[Array, ...]:
        return (gradient * result,)

    return Tensor(result, (a,), rule)
    ### END SOLUTION


def log(a: Tensor) -> Tensor:
    """Take the natural logarithm of each entry.

    >>> log(Tensor([1, np.e])).data
    array([0., 1.])
    """
    ### BEGIN SOLUTION

    def rule(gradient: Array) -> tuple[Array, ...]:
        return (gradient / a.data,)

    return Tensor(np.log(a.data), (a,), rule)
    ### END SOLUTION


def reduce_sum(a: Tensor, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
    """Add up along an axis or several, or all entries; `keepdims` leaves an axis of length 1 in their place.

    >>> reduce_sum(Tensor([[1, 2], [3, 4]]), axis=0).data
    array([4., 6.])
    """
    ### BEGIN SOLUTION
    summed = tuple(range(a.data.ndim)) if axis is None else axis

    def rule(gradient: Array) -> tuple[Array, ...]:
        column = gradient if keepdims else np.expand_dims(gradient, summed)
        return (np.broadcast_to(column, a.shape),)

    return Tensor(a.data.sum(axis=summed, keepdims=keepdims), (a,), rule)
    ### END SOLUTION


def matmul(a: Operand, b: Operand) -> Tensor:
    """Multiply matrices, the last two axes of each; the axes before them are broadcast.

    Raises ValueError where an operand has fewer than two axes, or the matrices don't fit.

    >>> matmul(Tensor([[1, 2]]), Tensor([[3], [4]])).data
    array([[11.]])
    """
    a, b = as_tensors(a, b)
    ### BEGIN SOLUTION
    if min(a.data.ndim, b.data.ndim) < 2:
        raise ValueError(f"matmul needs two axes or more in each operand, got {a.shape!r} and {b.shape!r}")

    def rule(gradient: Array) -> tuple[Array, ...]:
        by_a = gradient @ b.data.swapaxes(-1, -2)
        by_b = a.data.swapaxes(-1, -2) @ gradient
        return unbroadcast(by_a, a.shape), unbroadcast(by_b, b.shape)

    return Tensor(a.data @ b.data, (a, b), rule)
    ### END SOLUTION


def take_rows(table: Tensor, rows: ArrayLike) -> Tensor:
    """Look up rows of a table by number; the result has the shape of `rows` followed by the shape of one row.

    >>> take_rows(Tensor([[1, 2], [3, 4]]), [1, 0, 1]).data
    array([[3., 4.],
           [1., 2.],
           [3., 4.]])
    """
    numbers = np.asarray(rows, dtype=np.intp)
    ### BEGIN SOLUTION

    def rule(gradient: Array) -> tuple[Array, ...]:
        total = np.zeros_like(table.data)
        np.add.at(total, numbers, gradient)  # total[numbers] += gradient would count a repeated row once
        return (total,)

    return Tensor(table.data[numbers], (table,), rule)
    ### END SOLUTION


def relu(a: Tensor) -> Tensor:
    """Replace what is below 0 by 0.

    >>> relu(Tensor([-1, 2])).data
    array([0., 2.])
    """
    return Tensor(np.maximum(a.data, 0), (a,), lambda gradient: (gradient * (a.data > 0),))


def tanh(a: Tensor) -> Tensor:
    """Squeeze each entry between −1 and 1.

    >>> tanh(Tensor([0.0])).data
    array([0.])
    """
    result = np.tanh(a.data)
    return Tensor(result, (a,), lambda gradient: (gradient * (1 - result * result),))


def log_softmax(a: Tensor) -> Tensor:
    """Turn scores along the last axis into natural logarithms of probabilities.

    Taking the largest score away first changes nothing, and keeps `exp` from overflowing.

    >>> log_softmax(Tensor([1000.0, 1000.0])).data.round(3)
    array([-0.693, -0.693])
    """
    largest: Array = a.data.max(axis=-1, keepdims=True)
    shifted = a - largest
    return shifted - log(reduce_sum(exp(shifted), axis=-1, keepdims=True))


def bigram_bits(pair_counts: Array, embedding: Tensor, output: Tensor, bias: Tensor) -> Tensor:
    """Return the bits, one number, that a small network pays for each pair's second byte, given its first.

    `pair_counts[i, j]` says how often byte j follows byte i among n kinds of byte. Row i of `embedding`
    (n × d) is what the network knows of byte i; `output` (d × n) and `bias` (n) turn it into a score for each
    next byte, and `log_softmax` turns scores into logarithms of probabilities.

    >>> flat = Tensor(np.zeros((2, 3))), Tensor(np.zeros((3, 2))), Tensor(np.zeros(2))
    >>> bigram_bits(np.array([[5.0, 1.0], [2.0, 0.0]]), *flat)
    Tensor(array(8.))
    """
    ### BEGIN SOLUTION
    log_probabilities = log_softmax(embedding @ output + bias)
    return reduce_sum(log_probabilities * pair_counts) * (-1 / math.log(2))
    ### END SOLUTION


def count_pairs(data: bytes) -> tuple[NDArray[np.uint8], Array]:
    """Return the byte values that occur, in increasing order, and how often each follows each.

    >>> count_pairs(b"abab")
    (array([97, 98], dtype=uint8), array([[0., 2.],
           [1., 0.]]))
    """
    alphabet, ranks = np.unique(np.frombuffer(data, dtype=np.uint8), return_inverse=True)
    n = len(alphabet)
    pairs = np.bincount(ranks[:-1] * n + ranks[1:], minlength=n * n)
    return alphabet, pairs.reshape(n, n).astype(np.float64)


def train(
    pair_counts: Array, dimension: int = 16, steps: int = 600, rate: float = 1.0, momentum: float = 0.95
) -> tuple[list[Tensor], list[float]]:
    """Fit the network of `bigram_bits` by gradient descent with momentum; return it and its bits a pair.

    The same counts give the same network: the start is drawn with a fixed seed. Where the bits climb, the
    steps are too long, and it starts again with half the rate. Raises ValueError where no rate helps.

    >>> network, curve = train(np.array([[0.0, 9.0], [9.0, 0.0]]), dimension=2, steps=100)
    >>> curve[-1] < 0.1 < curve[0]
    True
    """
    n = len(pair_counts)
    random = np.random.default_rng(10)
    start = random.normal(0, 0.3, (n, dimension)), random.normal(0, 0.3, (dimension, n)), np.zeros(n)
    network = [Tensor(values) for values in start]
    speeds = [np.zeros(parameter.shape) for parameter in network]
    share = pair_counts / max(1.0, pair_counts.sum())
    curve = []
    for _ in range(steps):
        bits = bigram_bits(share, *network)
        bits.backward()
        curve.append(bits.data.item())
        if not curve[-1] <= curve[0] + 1:
            if rate < 1e-4:
                raise ValueError(f"the bits climb at a rate of {rate!r} too: try gradient_error on your code")
            return train(pair_counts, dimension, steps, rate / 2, momentum)
        for parameter, speed in zip(network, speeds, strict=True):
            speed *= momentum
            speed -= rate * parameter.grad
            parameter.data = parameter.data + speed
            parameter.grad = np.zeros(parameter.shape)  # or the next gradient would be added to this one
    return network, curve


def code_length(data: bytes, dimension: int = 16) -> tuple[float, int]:
    """Return the bits of `data` under the network trained on it, and the bits of the network itself.

    The first byte costs 8 bits. The network is its parameters at 16 bits each, rounded before the data is
    measured, and 256 bits that say which byte values occur. It is a code length, not a file: no coder is run.

    >>> code_length(b"")
    (0.0, 0)
    """
    if not data:
        return 0.0, 0
    _, pair_counts = count_pairs(data)
    network, _ = train(pair_counts, dimension)
    rounded = [Tensor(parameter.data.astype(np.float16).astype(np.float64)) for parameter in network]
    size = 256 + 16 * sum(parameter.data.size for parameter in network)
    return 8.0 + bigram_bits(pair_counts, *rounded).data.item(), size


def is_gradient(
    function: Callable[[Array], float], gradient: Callable[[Array], Array], shape: tuple[int, ...]
) -> bool:
    """Say whether `gradient` is the gradient of `function`, by trying both: this law is yours to write.

    Both take an array of `shape` and are smooth where all its entries lie between 0.5 and 2; try no others.
    `function` returns a number, `gradient` an array. Some gradients are wrong at most points, some in one
    entry only; some have another shape, and some raise an exception instead: all these are wrong.
    """
    ### BEGIN SOLUTION
    random = np.random.default_rng(1)
    for _ in range(3):
        x = random.uniform(0.6, 1.9, shape)
        try:
            claimed = np.asarray(gradient(x.copy()))
        except Exception:
            return False
        if claimed.shape != shape:
            return False
        if not np.allclose(claimed, numerical_gradient(function, x), rtol=1e-5, atol=1e-6):
            return False
    return True
    ### END SOLUTION

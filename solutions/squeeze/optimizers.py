"""Lesson 11: optimizers, which turn gradients into steps, and the loop that takes the steps."""

from __future__ import annotations

import io
import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from squeeze.autodiff import Tensor, bigram_bits, log_softmax, reduce_sum, take_rows, tanh

Array: TypeAlias = NDArray[np.floating]
Rows: TypeAlias = NDArray[np.intp]
State: TypeAlias = dict[str, NDArray[Any]]
Slope: TypeAlias = Callable[..., tuple[float, list[Array]]]  # of the parameters and the rows
Measure: TypeAlias = Callable[[list[Array]], float]
Progress: TypeAlias = Callable[[int, float, float, State], None]


class Optimizer:
    """What all optimizers share: the parameters, the rate, a count, and a memory of past gradients.

    `parameters` are arrays of floats, or lesson 10's tensors, and then their `data`. `rate` is the length of a
    step beside what the method makes of the gradient, `steps` the number of steps taken so far. `memory` has
    for each name in `remembers` a list with one array for each parameter, of its shape and dtype, at first 0.
    Raises ValueError where a parameter is not of floats, and where the rate is below 0 or no number.

    >>> Adam([np.zeros(2)]).memory
    {'mean': [array([0., 0.])], 'square': [array([0., 0.])]}
    """

    remembers: ClassVar[tuple[str, ...]] = ()

    def __init__(self, parameters: Iterable[Array | Tensor], rate: float) -> None:
        self.parameters: list[Array] = [p if isinstance(p, np.ndarray) else p.data for p in parameters]
        for number, parameter in enumerate(self.parameters):
            if not np.issubdtype(parameter.dtype, np.floating):
                raise ValueError(f"parameter {number} holds {parameter.dtype}: a step would be rounded away")
        if not rate >= 0:
            raise ValueError(f"the rate is {rate!r}; it must be 0 or more")
        self.rate = rate
        self.steps = 0
        self.memory: dict[str, list[Array]] = {
            name: [np.zeros_like(parameter) for parameter in self.parameters] for name in self.remembers
        }

    def match(self, gradients: Sequence[Array]) -> list[tuple[int, Array, Array]]:
        """Return each parameter's number, the parameter and its gradient.

        Raises ValueError where there are more gradients or fewer, or one has another shape.
        """
        if len(gradients) != len(self.parameters):
            raise ValueError(f"{len(gradients)} gradients for {len(self.parameters)} parameters")
        matched = list(zip(range(len(gradients)), self.parameters, gradients, strict=True))
        for number, parameter, gradient in matched:
            if gradient.shape != parameter.shape:
                raise ValueError(
                    f"parameter {number} has shape {parameter.shape!r}, its gradient {gradient.shape!r}"
                )
        return matched

    def step(self, gradients: Sequence[Array]) -> None:
        """Change every parameter in place, by its gradient and what is remembered; count the step."""
        raise NotImplementedError("optimizers: a plain Optimizer has no step")

    def state(self) -> State:
        """Return all that the next step depends on: see `state_of`."""
        return state_of(self)

    def load(self, saved: State) -> None:
        """Go back to a state that `state` returned: see `load_state`."""
        load_state(self, saved)


def path(
    kind: Callable[..., Optimizer],
    start: Sequence[Array],
    gradients: Sequence[Sequence[Array]],
    **settings: Any,
) -> list[list[Array]]:
    """Return the parameters after each step of an optimizer, when these are the gradients of each step.

    The laws call it, and it is unkind: the parameters lie apart in memory, as in every second column of a
    table, and every step gets the same arrays, filled with new numbers, which are not to be written to.

    >>> path(SGD, [np.array([1.0])], [[np.array([1.0])], [np.array([2.0])]], rate=0.1)
    [[array([0.9])], [array([0.7])]]
    """
    parameters = [_spread(array) for array in start]
    optimizer = kind(parameters, **settings)
    buffers = [np.array(array) for array in gradients[0]] if gradients else []
    taken = []
    for arrays in gradients:
        for buffer, array in zip(buffers, arrays, strict=True):
            buffer[...] = array
        optimizer.step([_read_only(buffer) for buffer in buffers])
        taken.append([np.array(parameter) for parameter in parameters])
    return taken


def _spread(array: Array) -> Array:
    """Return a copy whose numbers don't lie side by side."""
    apart = np.zeros((*array.shape, 2), array.dtype)[..., 0]
    apart[...] = array
    return apart


def _read_only(array: Array) -> Array:
    view = array.view()
    view.flags.writeable = False
    return view


def bowl(curvatures: Sequence[float]) -> Callable[[Array], Array]:
    """Return the gradient of ½ Σ c x², a bowl with its lowest point at 0 and these curvatures.

    >>> bowl([1.0, 10.0])(np.array([2.0, 2.0]))
    array([ 2., 20.])
    """
    return lambda x: np.asarray(curvatures) * x


def walk(
    kind: Callable[..., Optimizer], start: Array, slope: Callable[[Array], Array], steps: int, **settings: Any
) -> Array:
    """Return the start and the places after each step of an optimizer, in the rows of an array.

    >>> walk(SGD, np.array([8.0]), bowl([1.0]), 2, rate=0.5)
    array([[8.],
           [4.],
           [2.]])
    """
    x = np.array(start)
    optimizer = kind([x], **settings)
    places = [x.copy()]
    for _ in range(steps):
        optimizer.step([slope(x)])
        places.append(x.copy())
    return np.array(places)


def one_byte_back(pair_counts: Array, dimension: int = 16) -> tuple[list[Array], Slope]:
    """Return the parameters that lesson 10's network starts from, and its bits a pair with their gradients.

    The slope takes all pairs together, whatever the rows are.

    >>> parameters, slope = one_byte_back(np.array([[0.0, 9.0], [9.0, 0.0]]))
    >>> [array.shape for array in parameters]
    [(2, 16), (16, 2), (2,)]
    """
    n = len(pair_counts)
    random = np.random.default_rng(10)
    share = pair_counts / max(1.0, pair_counts.sum())
    shapes = (n, dimension), (dimension, n)
    start: list[Array] = [random.normal(0, 0.3, shape) for shape in shapes]

    def slope(parameters: list[Array], _rows: Rows | None = None) -> tuple[float, list[Array]]:
        network = [Tensor(array) for array in parameters]
        bits = bigram_bits(share, *network)
        bits.backward()
        return bits.data.item(), [tensor.grad for tensor in network]

    return [*start, np.zeros(n)], slope


class SGD(Optimizer):
    """Gradient descent: against the gradient, by the rate times its length.

    Source: Cauchy (1847); Robbins and Monro (1951) for gradients of random samples.

    >>> x = np.array([1.0, 2.0])
    >>> SGD([x], rate=0.5).step([np.array([1.0, -1.0])])
    >>> x
    array([0.5, 2.5])
    """

    def step(self, gradients: Sequence[Array]) -> None:
        """Change every parameter in place, and count the step; the gradients are left as they are.

        Raises ValueError where the gradients don't match the parameters, before anything is changed.
        """
        ### BEGIN SOLUTION
        matched = self.match(gradients)
        self.steps += 1
        for _, parameter, gradient in matched:
            parameter -= self.rate * gradient
        ### END SOLUTION


class Momentum(Optimizer):
    """Gradient descent with a speed: each step keeps `beta` of the last speed and adds the gradient.

    `memory["speed"]` is the speed after the last step. With `nesterov`, the step goes by the gradient and `beta`
    times the new speed, which is where the next step would lead.
    Source: Polyak (1964); Nesterov (1983) in the form of Sutskever and others (2013), as torch has it.

    >>> x = np.array([1.0])
    >>> optimizer = Momentum([x], rate=0.1, beta=0.5)
    >>> for _ in range(2):
    ...     optimizer.step([np.array([1.0])])
    >>> x.round(6)
    array([0.75])
    """

    remembers = ("speed",)

    def __init__(
        self,
        parameters: Iterable[Array | Tensor],
        rate: float,
        beta: float = 0.9,
        nesterov: bool = False,
    ) -> None:
        super().__init__(parameters, rate)
        self.beta = beta
        self.nesterov = nesterov

    def step(self, gradients: Sequence[Array]) -> None:
        """Change every speed and then every parameter; nothing of the gradients' arrays is kept."""
        ### BEGIN SOLUTION
        matched = self.match(gradients)
        self.steps += 1
        for i, parameter, gradient in matched:
            speed = self.memory["speed"][i]
            speed *= self.beta
            speed += gradient
            parameter -= self.rate * (gradient + self.beta * speed if self.nesterov else speed)
        ### END SOLUTION


class RMSProp(Optimizer):
    """Steps divided by the gradient's usual size: the root of a running mean of its squares.

    `memory["square"]` is that mean: `beta` of the old one and 1 − `beta` of the new square. `epsilon` is added to
    the root, so that nothing is divided by 0. Source: Hinton's lecture 6e (2012), as torch has it.

    >>> x = np.array([1.0, 1.0])
    >>> RMSProp([x], rate=0.1, beta=0.75).step([np.array([4.0, -0.01])])
    >>> x.round(3)
    array([0.8, 1.2])
    """

    remembers = ("square",)

    def __init__(
        self,
        parameters: Iterable[Array | Tensor],
        rate: float = 0.01,
        beta: float = 0.99,
        epsilon: float = 1e-8,
    ) -> None:
        super().__init__(parameters, rate)
        self.beta = beta
        self.epsilon = epsilon

    def step(self, gradients: Sequence[Array]) -> None:
        """Change every mean square and then every parameter."""
        ### BEGIN SOLUTION
        matched = self.match(gradients)
        self.steps += 1
        for i, parameter, gradient in matched:
            square = self.memory["square"][i]
            square *= self.beta
            square += (1 - self.beta) * gradient**2
            parameter -= self.rate * gradient / (np.sqrt(square) + self.epsilon)
        ### END SOLUTION


def weighted_mean(past: Array, beta: float) -> Array:
    """Return the mean along the first axis, where each entry weighs `beta` times as much as the one after it.

    >>> weighted_mean(np.array([1.0, 4.0]), beta=0.5)
    array(3.)
    """
    weights = beta ** np.arange(len(past))[::-1]
    return np.asarray(np.tensordot(weights, past, 1) / weights.sum())


class Adam(Optimizer):
    """A running mean of the gradients, divided by the root of a running mean of their squares.

    `memory["mean"]` keeps `betas[0]` of itself, `memory["square"]` keeps `betas[1]`. Both start at 0, so after t
    steps they are too small by a factor of 1 − beta^t: a step uses them divided by it, and the memory keeps
    them as they are. `epsilon` is added to the root. Source: Kingma and Ba (2015), algorithm 1.

    >>> theta = np.array([1.0, 2.0])
    >>> Adam([theta], rate=0.001).step([np.array([0.5, -0.3])])
    >>> theta.round(6)
    array([0.999, 2.001])
    """

    remembers = ("mean", "square")

    def __init__(
        self,
        parameters: Iterable[Array | Tensor],
        rate: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
    ) -> None:
        super().__init__(parameters, rate)
        self.betas = betas
        self.epsilon = epsilon

    def step(self, gradients: Sequence[Array]) -> None:
        """Change both means of every parameter, and then the parameter."""
        ### BEGIN SOLUTION
        matched = self.match(gradients)
        self.steps += 1
        b1, b2 = self.betas
        for i, parameter, gradient in matched:
            mean, square = self.memory["mean"][i], self.memory["square"][i]
            mean *= b1
            mean += (1 - b1) * gradient
            square *= b2
            square += (1 - b2) * gradient**2
            size = np.sqrt(square / (1 - b2**self.steps)) + self.epsilon
            parameter -= self.rate * mean / (1 - b1**self.steps) / size
        ### END SOLUTION


class AdamW(Adam):
    """Adam, and beside it every parameter shrinks by `rate` × `decay` of itself at each step.

    The shrinking doesn't pass through the means: it is a share of the parameter, whatever the gradients are. It
    is a share of the parameter as it was before the step. Source: Loshchilov and Hutter (2019).

    >>> x = np.array([100.0, 100.0])
    >>> AdamW([x], rate=0.1, decay=0.5).step([np.array([0.0, 1e6])])
    >>> x.round(6)
    array([95. , 94.9])
    """

    def __init__(
        self,
        parameters: Iterable[Array | Tensor],
        rate: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
        decay: float = 0.01,
    ) -> None:
        super().__init__(parameters, rate, betas, epsilon)
        self.decay = decay

    def step(self, gradients: Sequence[Array]) -> None:
        """Shrink every parameter, and take Adam's step."""
        ### BEGIN SOLUTION
        for _, parameter, _ in self.match(gradients):
            parameter *= 1 - self.rate * self.decay
        super().step(gradients)
        ### END SOLUTION


def step_decay(step: int, rate: float, every: int, factor: float = 0.1) -> float:
    """Return the rate at a step, counted from 0, when it is multiplied by `factor` after each `every` steps.

    >>> [step_decay(step, 8.0, every=2, factor=0.5) for step in range(5)]
    [8.0, 8.0, 4.0, 4.0, 2.0]
    """
    return rate * factor ** (step // every)


def cosine(step: int, rate: float, steps: int, least: float = 0.0) -> float:
    """Return the rate at a step, counted from 0: half a cosine wave, from `rate` down to `least` at `steps`.

    From `steps` on it is `least`. Raises ValueError where `steps` is below 1.
    Source: Loshchilov and Hutter (2017).

    >>> [round(cosine(step, 1.0, 4), 3) for step in range(6)]
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """
    ### BEGIN SOLUTION
    if steps < 1:
        raise ValueError(f"a schedule of {steps!r} steps has no way to go")
    done = min(step, steps) / steps
    return least + (rate - least) * (1 + math.cos(math.pi * done)) / 2
    ### END SOLUTION


def warm_up(step: int, steps: int) -> float:
    """Return the factor of a rate that grows in equal parts from 1 / `steps` at step 0 to 1, and stays there.

    Step `steps` − 1 is the first with the whole rate; without any steps of warming up, it is step 0.

    >>> [warm_up(step, 4) for step in range(6)]
    [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    """
    ### BEGIN SOLUTION
    return min(1.0, (step + 1) / max(steps, 1))
    ### END SOLUTION


def lend(function: Callable[..., Any], arrays: Sequence[Array], *more: Any) -> Any:
    """Call a function with arrays that it can read and not write to."""
    return function([_read_only(array) for array in arrays], *more)


def clip_by_norm(gradients: Sequence[Array], limit: float) -> tuple[list[Array], float]:
    """Return new gradients, of a common length of at most `limit`, and the length that they had.

    All arrays together are one vector: its length is the root of the sum of all squares, and where it is too
    long, all are multiplied by the same number. Their dtypes are kept. The squares are added up in float64.
    Raises ValueError where the limit is not above 0, and where the length is infinite or no number.
    Source: Pascanu, Mikolov and Bengio (2013).

    >>> clip_by_norm([np.array([3.0]), np.array([4.0])], 1.0)
    ([array([0.6]), array([0.8])], 5.0)
    """
    ### BEGIN SOLUTION
    if not limit > 0:
        raise ValueError(f"the limit is {limit!r}; it must be above 0")
    length = math.sqrt(sum(float(np.sum(np.square(g, dtype=np.float64))) for g in gradients))
    if not math.isfinite(length):
        raise ValueError(f"the gradients have a length of {length}, which nothing can shorten")
    factor = limit / length if length > limit else 1.0
    return [np.asarray(gradient * factor) for gradient in gradients], length
    ### END SOLUTION


def minibatches(size: int, batch: int, seed: int, epoch: int) -> list[Rows]:
    """Return the numbers from 0 to `size` − 1 in random order, in arrays of `batch`; the last may be shorter.

    The order depends on the seed and the epoch, and on nothing else: the same two give the same order, in any
    process and after whatever was drawn before. Raises ValueError where `batch` is below 1.

    >>> sorted(len(rows) for rows in minibatches(10, 4, seed=0, epoch=0))
    [2, 4, 4]
    """
    ### BEGIN SOLUTION
    if batch < 1:
        raise ValueError(f"a batch of {batch!r} never gets through the data")
    order = np.random.default_rng([seed, epoch]).permutation(size)
    return [order[start : start + batch] for start in range(0, size, batch)]
    ### END SOLUTION


def to_bytes(state: State) -> bytes:
    """Return a state as the bytes of an .npz file, which any NumPy can read; Python objects are refused."""
    if odd := [name for name, array in state.items() if np.asarray(array).dtype == object]:
        raise ValueError(f"a state holds arrays of numbers, and these hold objects: {odd!r}")
    file = io.BytesIO()
    np.savez(file, **state)  # type: ignore[arg-type]  # its stubs take a name for a flag
    return file.getvalue()


def from_bytes(blob: bytes) -> State:
    """Return the state that `to_bytes` was given.

    >>> from_bytes(to_bytes({"steps": np.array(3)}))
    {'steps': array(3)}
    """
    with np.load(io.BytesIO(blob), allow_pickle=False) as file:
        return dict(file)


def save(path: str | Path, state: State) -> None:
    """Write a state to a file; whoever pulls the plug meanwhile finds the old file or the new one, whole."""
    part = Path(f"{path}.part")
    part.write_bytes(to_bytes(state))
    os.replace(part, path)


def read(path: str | Path) -> State:
    """Return the state that was saved in a file."""
    return from_bytes(Path(path).read_bytes())


def rewind(
    kind: Callable[..., Optimizer],
    start: Sequence[Array],
    gradients: Sequence[Sequence[Array]],
    at: int,
    **settings: Any,
) -> list[list[Array]]:
    """Return the parameters after all steps, and twice more when the last steps are taken from a checkpoint.

    The checkpoint is taken after `at` steps, and written and read before the first of the two.
    """
    parameters = [array.copy() for array in start]
    optimizer = kind(parameters, **settings)
    for arrays in gradients[:at]:
        optimizer.step(arrays)
    kept = optimizer.state()
    for arrays in gradients[at:]:
        optimizer.step(arrays)
    ends = [[np.array(parameter) for parameter in parameters]]
    for saved in (from_bytes(to_bytes(kept)), kept):
        for parameter in parameters:
            parameter[...] = 1
        for once_more in (kind([np.ones_like(array) for array in start], **settings), optimizer):
            once_more.load(saved)
            for arrays in gradients[at:]:
                once_more.step(arrays)
        ends.append([np.array(parameter) for parameter in parameters])
    return ends


def state_of(optimizer: Optimizer) -> State:
    """Return all that the next step depends on, by name, each an array of numbers: no pickle is needed.

    These are the steps and the rate, the parameters, and what is remembered. The settings that stay as they
    are, such as `beta`, belong to the program. The arrays are copies: later steps don't change them.

    >>> sorted(state_of(Momentum([np.zeros(2)], rate=0.1)))
    ['parameter.0', 'rate', 'speed.0', 'steps']
    """
    ### BEGIN SOLUTION
    saved = {"steps": np.array(optimizer.steps), "rate": np.array(optimizer.rate)}
    for name, arrays in [("parameter", optimizer.parameters), *optimizer.memory.items()]:
        for number, array in enumerate(arrays):
            saved[f"{name}.{number}"] = np.array(array)
    return saved
    ### END SOLUTION


def load_state(optimizer: Optimizer, saved: State) -> None:
    """Bring an optimizer to a state that `state_of` returned; the parameters are changed in place.

    `saved` is left alone, now and by later steps, and may hold more than is needed. Raises ValueError, before
    anything is changed, where something is missing, or a shape or a dtype is another.

    >>> x = np.array([1.0])
    >>> optimizer = SGD([x], rate=0.1)
    >>> before = optimizer.state()
    >>> optimizer.step([np.array([5.0])])
    >>> optimizer.load(before)
    >>> x, optimizer.steps
    (array([1.]), 0)
    """
    ### BEGIN SOLUTION
    for name, arrays in [("parameter", optimizer.parameters), *optimizer.memory.items()]:
        for i, array in enumerate(arrays):
            found = saved.get(f"{name}.{i}")
            if found is None or found.shape != array.shape or found.dtype != array.dtype:
                raise ValueError(f"{name}.{i}: expected {array.shape!r} of {array.dtype}, found {found!r}")
    if "steps" not in saved or "rate" not in saved:
        raise ValueError(f"the state has no steps or no rate; it has {sorted(saved)}")
    optimizer.steps, optimizer.rate = int(saved["steps"]), float(saved["rate"])
    for i, parameter in enumerate(optimizer.parameters):
        parameter[...] = saved[f"parameter.{i}"]
    for name, arrays in optimizer.memory.items():
        arrays[:] = [np.array(saved[f"{name}.{i}"]) for i in range(len(arrays))]
    ### END SOLUTION


def watch(losses: Sequence[float], patience: float) -> tuple[int, float]:
    """Return after how many of the losses `Best` says to stop, 0 for never, and the best one's number.

    The only parameter holds the number of the loss, counted from 1, and 0 is what it holds before.

    >>> watch([3.0, 1.0, 1.5, 1.0, 0.5], patience=2)
    (4, 2.0)
    """
    best, parameter, stopped = Best(patience), np.zeros(1), 0
    for number, loss in enumerate(losses, 1):
        parameter[...] = number
        if best.update(loss, [parameter]):
            stopped = number
            break
    best.restore([parameter])
    return stopped, float(parameter[0])


class Best:
    """Remembers the best measurement so far with a copy of the parameters, and says when to give up.

    `loss` is the least loss so far, at first infinite. `waited` counts the measurements since then. `weights`
    are the parameters as they were.

    >>> best = Best(patience=2)
    >>> [best.update(loss, [np.array([loss])]) for loss in (3.0, 1.0, 1.5, 1.0)]
    [False, False, False, True]
    >>> best.weights
    [array([1.])]
    """

    def __init__(self, patience: float = math.inf) -> None:
        self.patience = patience
        self.loss = math.inf
        self.waited = 0
        self.weights: list[Array] = []

    def update(self, loss: float, parameters: Sequence[Array]) -> bool:
        """Take note of a measurement; return whether `patience` of them in a row brought nothing better.

        An equal loss isn't better, and neither is one that is no number.
        """
        ### BEGIN SOLUTION
        if loss < self.loss:
            self.loss, self.waited = loss, 0
            self.weights = [np.array(parameter) for parameter in parameters]
        else:
            self.waited += 1
        return self.waited >= self.patience
        ### END SOLUTION

    def restore(self, parameters: Sequence[Array]) -> None:
        """Write the best weights into the parameters, in place; before a first best, do nothing.

        Raises ValueError where there are more parameters than weights, or fewer.
        """
        ### BEGIN SOLUTION
        if self.weights:
            for parameter, weights in zip(parameters, self.weights, strict=True):
                parameter[...] = weights
        ### END SOLUTION

    def state(self) -> State:
        """Return what must be kept to go on later, by names that no optimizer uses."""
        weights = {f"best.{i}": np.array(array) for i, array in enumerate(self.weights)}
        return {"best.loss": np.array(self.loss), "best.waited": np.array(self.waited), **weights}

    def load(self, saved: State) -> None:
        """Go back to a state that `state` returned."""
        self.loss, self.waited = float(saved["best.loss"]), int(saved["best.waited"])
        count = sum(name.startswith("best.") for name in saved) - 2
        self.weights = [np.array(saved[f"best.{i}"]) for i in range(count)]


class Plan:
    """How to train: on `size` examples in batches of `batch`, for `steps` steps in all.

    The loss is measured after each `every` steps and after the last. Training ends early when `patience`
    measurements in a row bring nothing better. `limit` is the length that gradients are clipped to.
    """

    def __init__(
        self,
        size: int,
        batch: int,
        steps: int,
        seed: int = 0,
        every: int = 1,
        patience: float = math.inf,
        limit: float = math.inf,
    ) -> None:
        self.size, self.batch, self.steps, self.seed = size, batch, steps, seed
        self.every, self.patience, self.limit = every, patience, limit
        self._epoch, self._batches = -1, list[Rows]()  # the last epoch drawn: its order is the same each time

    def rows(self, step: int) -> Rows:
        """Return the numbers of the examples for a step, counted from 0: each once in every epoch.

        >>> plan = Plan(size=3, batch=2, steps=4)
        >>> sorted(int(row) for step in (0, 1) for row in plan.rows(step))
        [0, 1, 2]
        """
        epoch, place = divmod(step, -(-self.size // self.batch))
        if self._epoch != epoch:
            self._epoch, self._batches = epoch, minibatches(self.size, self.batch, self.seed, epoch)
        return self._batches[place]


class Fitted(NamedTuple):
    """What came of training: each step's loss, how it ended, the least measured loss, and the last state.

    `why` is "done" after the last step, "early" where patience was at an end, and "interrupted" after Ctrl-C.
    `state` is that of the last measurement, to go on from; it is empty where none was made.
    """

    losses: list[float]
    why: str
    best: float
    state: State


def show_progress(steps: int) -> Progress:
    """Return a function that `fit` can call: it shows one line that is written over again and again."""

    def show(step: int, loss: float, seconds_left: float, _: State) -> None:
        bar = "#" * (20 * step // steps)
        print(  # noqa: T201
            f"\r[{bar:<20}] {step}/{steps}  loss {loss:.4f}  {seconds_left:4.0f} s left ",
            end="" if step < steps else "\n",
            file=sys.stderr,
            flush=True,
        )

    return show


def interrupt(
    calls: int, optimizer: Optimizer, plan: Plan, slope: Slope, *more: Any, **keywords: Any
) -> Fitted:
    """Run `fit` as it is, and press Ctrl-C in the middle of a call of `slope`: the one after so many.

    Raises RuntimeError where `fit` lets the interruption through.
    """
    made = 0

    def until(parameters: list[Array], rows: Rows) -> tuple[float, list[Array]]:
        nonlocal made
        made += 1
        if made > calls:
            raise KeyboardInterrupt
        return slope(parameters, rows)

    try:
        return fit(optimizer, plan, until, *more, **keywords)
    except KeyboardInterrupt:
        raise RuntimeError("fit lets Ctrl-C through: whoever waits for the result gets nothing") from None


def fit(
    optimizer: Optimizer,
    plan: Plan,
    slope: Slope,
    measure: Measure,
    *,
    schedule: Callable[[int], float] | None = None,
    progress: Progress | None = None,
    resume: State | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Fitted:
    """Train until the plan is done, patience ends or Ctrl-C comes; leave the best weights in the parameters.

    Before each step, `schedule` is asked for its rate, where there is one; steps count from 0.
    `slope(parameters, rows)` returns the loss of these examples and the gradients. They are clipped where the
    plan has a limit, and taken as they are, even if infinite, where it has none.
    After a measurement, `measure(parameters)`, the state of the optimizer and of the best weights are put
    together, and `progress(step, loss, seconds_left, state)` is called with the measured loss. The time left is
    that of the steps to come, at the speed of the steps that this call has taken, on the `clock`.
    With `resume`, a state of an earlier call, training goes on from there and ends as if never interrupted.
    Another exception passes through, and then too the best weights are in the parameters.

    >>> x = np.array([4.0])
    >>> plan = Plan(size=1, batch=1, steps=3)
    >>> done = fit(SGD([x], rate=0.5), plan, lambda p, _: (p[0][0] ** 2, [2 * p[0]]), lambda p: p[0][0] ** 2)
    >>> done.why, done.losses, x
    ('done', [16.0, 0.0, 0.0], array([0.]))
    """
    ### BEGIN SOLUTION
    best = Best(plan.patience)
    if resume is not None:
        optimizer.load(resume)
        best.load(resume)
    losses: list[float] = []
    state: State = resume or {}
    why = "done"
    first, started = optimizer.steps, clock()
    try:
        while optimizer.steps < plan.steps:
            if schedule is not None:
                optimizer.rate = schedule(optimizer.steps)
            loss, slopes = slope(optimizer.parameters, plan.rows(optimizer.steps))
            if plan.limit < math.inf:
                slopes, _ = clip_by_norm(slopes, plan.limit)
            optimizer.step(slopes)
            losses.append(float(loss))
            done = optimizer.steps
            if done % plan.every and done < plan.steps:
                continue
            measured = float(measure(optimizer.parameters))
            stop = best.update(measured, optimizer.parameters)
            state = optimizer.state() | best.state()
            if progress is not None:
                left = (clock() - started) / (done - first) * (plan.steps - done)
                progress(done, measured, left, state)
            if stop:
                why = "early"
                break
    except KeyboardInterrupt:
        why = "interrupted"
    finally:
        best.restore(optimizer.parameters)
    return Fitted(losses, why, best.loss, state)
    ### END SOLUTION


def count_contexts(data: bytes) -> tuple[int, Rows, NDArray[np.uint32]]:
    """Return the kinds of byte, the pairs that occur before a byte, and how often each byte follows each pair.

    Bytes are numbered in increasing order of those that occur; a pair is a row of two.

    >>> count_contexts(b"aabaab")
    (2, array([[0, 0],
           [0, 1],
           [1, 0]]), array([[0, 2],
           [1, 0],
           [1, 0]], dtype=uint32))
    """
    alphabet, ranks = np.unique(np.frombuffer(data, dtype=np.uint8), return_inverse=True)
    n = len(alphabet)
    pairs, which = np.unique(ranks[:-2] * n + ranks[1:-1], return_inverse=True)
    counts = np.bincount(which * n + ranks[2:], minlength=len(pairs) * n).reshape(len(pairs), n)
    return n, np.stack(np.divmod(pairs, n), axis=1), counts.astype(np.uint32)


def two_bytes_back(data: bytes, width: int) -> tuple[list[Array], Slope, int]:
    """Return a start, the bits a byte of a network that sees two bytes, and how many pairs of bytes occur.

    Each of the two bytes has a row of `width` numbers, their sum goes through tanh, and one matrix makes scores
    of it. The rows that the slope takes are numbers of pairs; it adds up the bits of all that follows them.
    """
    n, pairs, counts = count_contexts(data)
    random = np.random.default_rng(11)
    start: list[Array] = [random.normal(0, 0.3, shape) for shape in ((n, width), (n, width), (width, n))]

    def slope(parameters: list[Array], rows: Rows) -> tuple[float, list[Array]]:
        before, last, output, bias = network = [Tensor(array) for array in parameters]
        hidden = tanh(take_rows(before, pairs[rows, 0]) + take_rows(last, pairs[rows, 1]))
        seen = counts[rows] / counts[rows].sum()
        bits = reduce_sum(log_softmax(hidden @ output + bias) * seen) * (-1 / math.log(2))
        bits.backward()
        return bits.data.item() * int(counts[rows].sum()), [tensor.grad for tensor in network]

    return [*start, np.zeros(n)], slope, len(pairs)


def code_length(data: bytes, width: int = 32, steps: int = 600) -> tuple[float, int]:
    """Return the bits of `data` under a network that Adam trained on it, and the bits of the network itself.

    The network sees two bytes back; the first two bytes cost 8 bits each. Its parameters take 16 bits each,
    and are rounded before the data is measured; 256 bits say which byte values occur. No coder is run.

    >>> code_length(b"")
    (0.0, 0)
    """
    if len(data) < 3:
        return 8.0 * len(data), 0
    parameters, slope, pairs = two_bytes_back(data, width)
    plan = Plan(size=pairs, batch=4096, steps=steps)  # a text has fewer pairs, and is all in one batch
    optimizer = Adam(parameters)
    for step in range(steps):
        optimizer.rate = warm_up(step, 20) * cosine(step, 0.1, steps)
        optimizer.step(slope(parameters, plan.rows(step))[1])
    rounded: list[Array] = [array.astype(np.float16).astype(np.float64) for array in parameters]
    chunks = [np.arange(first, min(first + 4096, pairs)) for first in range(0, pairs, 4096)]
    bits = sum(slope(rounded, rows)[0] for rows in chunks)
    return 16.0 + bits, 256 + 16 * sum(array.size for array in parameters)


def is_adam(candidate: Callable[[list[Array], list[list[Array]]], list[Array]]) -> bool:
    """Say whether `candidate` takes Adam's steps, by trying it: this law is yours to write.

    It is called with the parameters to start from and, for each step, a list of their gradients. It returns the
    parameters after these steps, with a rate of 0.1, betas of 0.9 and 0.999 and an epsilon of 1e-8. It leaves
    what it is given alone. A wrong candidate may return wrong numbers or shapes, or raise an exception; a right
    one is as exact as float64 allows. Don't call your own `Adam`: if it is wrong, so would the verdict be.
    """
    ### BEGIN SOLUTION
    random = np.random.default_rng(11)
    start = [random.normal(size=shape) for shape in ((3,), (2, 2))]
    scales = 1e-8, 1.0  # the first gradients are as small as epsilon
    gradients: list[list[Array]] = [[random.normal(size=a.shape) * scale for a in start] for scale in scales]
    expected = [array.copy() for array in start]
    for steps in (1, 2):
        for i, array in enumerate(expected):
            past = np.array([taken[i] for taken in gradients[:steps]])
            array -= 0.1 * weighted_mean(past, 0.9) / (np.sqrt(weighted_mean(past**2, 0.999)) + 1e-8)
        try:
            got = candidate([array.copy() for array in start], gradients[:steps])
            if [array.shape for array in got] != [array.shape for array in start]:
                return False
        except Exception:
            return False
        if not all(np.allclose(got[i], array, rtol=1e-9, atol=0) for i, array in enumerate(expected)):
            return False
    return True
    ### END SOLUTION

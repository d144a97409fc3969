"""Lesson 15: networks that read a text byte by byte, and carry along what they make of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from squeeze.classification import Array, Layer, Linear, cross_entropy, log_softmax, probe
from squeeze.classification import carefully as carefully  # the laws call these three
from squeeze.classification import generator as generator
from squeeze.classification import load as load
from squeeze.optimizers import AdamW, Fitted, Plan, Progress, State, clip_by_norm, cosine, fit, warm_up

Ids: TypeAlias = NDArray[Any]  # whole numbers, one for each symbol; for a text, its bytes
Run: TypeAlias = Callable[
    [Array, Array], tuple[Array, Array]
]  # x and a state to the outputs and the last state


class Embedding(Layer):
    """A row of numbers for each symbol: `forward` looks them up.

    `parameters["weight"]` is symbols × width and starts from a normal distribution of mean 0 and variance 1: a
    row goes on as it is, and numbers of this size are what the next layer's start expects. `forward` takes the
    numbers of symbols, an integer array of any shape, and returns its shape × width. Its `backward` returns
    zeros of the shape of the numbers, for these have no slope.

    >>> layer = Embedding(3, 2, random=0)
    >>> layer.forward(np.array([[2, 0, 2]])).shape
    (1, 3, 2)
    """

    def __init__(
        self, symbols: int, width: int, random: np.random.Generator | int, dtype: DTypeLike = np.float32
    ) -> None:
        super().__init__()
        random = np.random.default_rng(random)
        self.parameters = {"weight": random.normal(0, 1, (symbols, width)).astype(dtype)}

    def look_up(self, ids: Ids) -> Array:
        """Return the rows of these symbols. Raises ValueError where one is not there."""
        weight = self.parameters["weight"]
        if ids.size and not 0 <= ids.min() <= ids.max() < len(weight):
            raise ValueError(f"symbols from {ids.min()} to {ids.max()}, and there are {len(weight)} rows")
        return np.asarray(weight[ids])

    def forward(self, ids: Ids) -> Array:
        """Return the row of each symbol."""
        ### BEGIN SOLUTION
        self.ids = np.array(ids)
        return self.look_up(ids)
        ### END SOLUTION

    def backward(self, dy: Array) -> Array:
        """Set the gradient by the weight: each row adds up what came back wherever its symbol stood."""
        ### BEGIN SOLUTION
        gradient = np.zeros_like(self.parameters["weight"])
        np.add.at(gradient, self.ids, dy)
        self.gradients = {"weight": gradient}
        return np.zeros(self.ids.shape)
        ### END SOLUTION


def orthogonal(size: int, random: np.random.Generator) -> Array:
    """Return a random matrix, size × size, that keeps the length of every vector; all are equally likely.

    Source: Saxe, McClelland and Ganguli (2014); the signs by Mezzadri (2007).

    >>> turn = orthogonal(3, np.random.default_rng(0))
    >>> np.allclose(turn @ turn.T, np.eye(3))
    True
    """
    ### BEGIN SOLUTION
    q, r = np.linalg.qr(random.normal(size=(size, size)))
    return np.asarray(q * np.sign(np.diag(r)))  # LAPACK fixes signs of its own, and they aren't random
    ### END SOLUTION


class Recurrent(Layer):
    """A layer that goes through time with a state: what all cells share.

    x is batch × time × inputs. A cell computes a step from three arrays, each with a row for each stream of the
    batch: `before`, the state; `drive`, what x says, which is x W + b; and `pull`, what the state says, which is
    before U + c. `advance` returns the state after the step, and whatever `retreat` will need. `retreat` takes
    that and the gradient by the state after the step, and returns those by drive, by pull, and by `before`, the
    last without what comes through pull.
    `parameters` are "input" W, "recurrent" U, "bias" b and "recurrent_bias" c, with `gates` × hidden columns.
    `state`, batch × hidden, is where the next `forward` starts: at first, and after `reset`, None, which
    stands for zeros. In `state_gradient` a `backward` leaves the gradient by the state that its window started from.
    """

    gates: ClassVar[int] = 1

    def __init__(
        self, inputs: int, hidden: int, random: np.random.Generator | int, dtype: DTypeLike = np.float32
    ) -> None:
        super().__init__()
        random = np.random.default_rng(random)
        columns = self.gates * hidden
        turns = [orthogonal(hidden, random) for _ in range(self.gates)]
        self.parameters = {
            "input": random.normal(0, 1 / math.sqrt(max(1, inputs)), (inputs, columns)).astype(dtype),
            "recurrent": np.concatenate(turns, axis=1).astype(dtype),
            "bias": np.zeros(columns, dtype),
            "recurrent_bias": np.zeros(columns, dtype),
        }
        self.hidden = hidden
        self.reset()

    def reset(self) -> None:
        """Forget the state: the next `forward` starts from zeros."""
        self.state: Array | None = None

    def start(self, batch: int) -> Array:
        """Return a state of zeros for so many streams."""
        return np.zeros((batch, self.hidden), self.parameters["input"].dtype)

    def advance(self, before: Array, drive: Array, pull: Array) -> tuple[Array, Any]:
        """Return the state after a step, and what `retreat` will need."""
        raise NotImplementedError("recurrent: a plain Recurrent has no advance")

    def retreat(self, kept: Any, dh: Array) -> tuple[Array, Array, Array]:
        """Return the gradients by drive, by pull, and by the state before the step without pull's share."""
        raise NotImplementedError("recurrent: a plain Recurrent has no retreat")

    def first_state(self, batch: int) -> Array:
        """Return the state to start from. Raises ValueError where it is one of another number of streams."""
        if self.state is None:
            return self.start(batch)
        if len(self.state) != batch:
            raise ValueError(f"the state is of {len(self.state)} streams, x of {batch}: call reset first")
        return self.state

    def one_step(self, before: Array, x: Array) -> Array:
        """Return the state after one step, for x of batch × inputs; nothing of the layer changes."""
        ### BEGIN SOLUTION
        p = self.parameters
        after, _ = self.advance(
            before, x @ p["input"] + p["bias"], before @ p["recurrent"] + p["recurrent_bias"]
        )
        return after
        ### END SOLUTION

    def forward(self, x: Array) -> Array:
        """Return the states after each step, batch × time × hidden, and keep the last one in `state`."""
        ### BEGIN SOLUTION
        p = self.parameters
        self.x = np.asarray(x, p["input"].dtype).swapaxes(0, 1)  # time comes first
        drives = self.x @ p["input"] + p["bias"]  # of all steps at once
        self.states = np.empty((len(drives) + 1, len(x), self.hidden), drives.dtype)
        self.states[0] = self.first_state(len(x))
        self.kept = []
        for t, drive in enumerate(drives):
            pull = self.states[t] @ p["recurrent"] + p["recurrent_bias"]
            self.states[t + 1], kept = self.advance(self.states[t], drive, pull)
            self.kept.append(kept)
        self.state = self.states[-1].copy()
        return self.states[1:].swapaxes(0, 1).copy()
        ### END SOLUTION

    def backward(self, dy: Array) -> Array:
        """Go back through time, to the start of the window; return the gradient by x.

        A state has two gradients to add: that of its own output, and what the step after it sends back.
        """
        ### BEGIN SOLUTION
        p = self.parameters
        dy = np.asarray(dy, self.x.dtype)
        by_drive = np.empty((*self.x.shape[:2], len(p["bias"])), self.x.dtype)
        by_pull, dh = np.empty_like(by_drive), np.zeros_like(self.states[0])
        back = np.ascontiguousarray(p["recurrent"].T)  # laid out once, for it is read at each step
        for t in reversed(range(len(by_drive))):
            by_drive[t], by_pull[t], direct = self.retreat(self.kept[t], dy[:, t] + dh)
            dh = direct + by_pull[t] @ back
        self.state_gradient = dh
        steps = [0, 1], [0, 1]  # time and batch: both are added up, in one product
        self.gradients = {
            "input": np.tensordot(self.x, by_drive, steps),
            "recurrent": np.tensordot(self.states[:-1], by_pull, steps),
            "bias": by_drive.sum(axis=(0, 1)),
            "recurrent_bias": by_pull.sum(axis=(0, 1)),
        }
        return np.asarray(by_drive @ p["input"].T).swapaxes(0, 1)
        ### END SOLUTION


def probe_cell(cell: Recurrent, x: Array, state: Array | None, dy: Array) -> dict[str, Array]:
    """Return what a cell makes of x and of a gradient by its outputs, when it starts from a state.

    These are the outputs "y", the state "last", the gradients by "x", by the "state" that it started from, and
    by each parameter. The laws call it, and like `probe` it lends its arrays to be read and not written to.
    """
    cell.reset()
    if state is not None:
        cell.state = np.array(state)
        cell.state.flags.writeable = False
    y, dx, gradients = probe(cell, x, dy)
    return {
        "y": y,
        "last": np.array(cell.state),
        "x": dx,
        "state": np.array(cell.state_gradient),
        **gradients,
    }


class Echo(Recurrent):
    """A cell to try `Recurrent` with: the state after a step is drive + half of `before` + half of pull.

    >>> cell = Echo(1, 1, 0, np.float64)
    >>> for array, number in zip(cell.parameters.values(), (1.0, 0.0, 0.0, 0.0)):
    ...     array[...] = number
    >>> cell.forward(np.array([[[1.0], [0.0], [0.0]]])).ravel()  # this needs your Recurrent
    array([1.  , 0.5 , 0.25])
    """

    def advance(self, before: Array, drive: Array, pull: Array) -> tuple[Array, Any]:
        """Return the sum; nothing needs to be kept."""
        return drive + before / 2 + pull / 2, None

    def retreat(self, _kept: Any, dh: Array) -> tuple[Array, Array, Array]:
        """Return the gradients by drive, by pull, and by `before` where it stands in the sum itself."""
        return dh, dh / 2, dh / 2


class RNN(Recurrent):
    """The plain recurrent cell: the state after a step is tanh(drive + pull).

    Source: Elman (1990), with two biases, as torch has it.

    >>> cell = RNN(3, 2, random=0)
    >>> {name: array.shape for name, array in cell.parameters.items()}
    {'input': (3, 2), 'recurrent': (2, 2), 'bias': (2,), 'recurrent_bias': (2,)}
    """

    def advance(self, _before: Array, drive: Array, pull: Array) -> tuple[Array, Any]:
        """Return tanh(drive + pull), and what `retreat` will need."""
        ### BEGIN SOLUTION
        after = np.tanh(drive + pull)
        return after, after
        ### END SOLUTION

    def retreat(self, kept: Any, dh: Array) -> tuple[Array, Array, Array]:
        """Return the gradients by drive and by pull, and zeros: all that `before` does goes through pull."""
        ### BEGIN SOLUTION
        slope = dh * (1 - kept * kept)
        return slope, slope, np.zeros_like(dh)
        ### END SOLUTION


def sigmoid(x: Array) -> Array:
    """Return 1 / (1 + e^−x) of each number, in the dtype of x; ±10,000 give 0 and 1 without a warning.

    >>> sigmoid(np.array([0.0, np.log(3), 10_000.0])).round(6)
    array([0.5 , 0.75, 1.  ])
    """
    ### BEGIN SOLUTION
    return np.asarray((1 + np.tanh(x / 2)) / 2)
    ### END SOLUTION


class GRU(Recurrent):
    """A cell with gates: it decides for each number of the state how much of it to keep.

    The columns of drive and pull are those of the gates r, z and n, hidden of each, in this order.
    r = σ(drive + pull), z = σ(drive + pull), n = tanh(drive + r · pull), each of its own columns, and the state
    after the step is (1 − z) n + z · before. Source: Cho and others (2014), with the reset as torch has it.

    >>> GRU(3, 2, random=0).parameters["recurrent"].shape
    (2, 6)
    """

    gates = 3

    def advance(self, before: Array, drive: Array, pull: Array) -> tuple[Array, Any]:
        """Return (1 − z) n + z · before, and what `retreat` will need."""
        ### BEGIN SOLUTION
        h = self.hidden
        gates = sigmoid(drive[:, : 2 * h] + pull[:, : 2 * h])
        r, z = gates[:, :h], gates[:, h:]
        n = np.tanh(drive[:, 2 * h :] + r * pull[:, 2 * h :])
        return n + z * (before - n), (before, pull[:, 2 * h :], r, z, n)
        ### END SOLUTION

    def retreat(self, kept: Any, dh: Array) -> tuple[Array, Array, Array]:
        """Return the gradients by drive, by pull, and by the state before the step as far as z lets it through."""
        ### BEGIN SOLUTION
        before, pull, r, z, n = kept
        by_n = dh * (1 - z) * (1 - n * n)
        by_r = by_n * pull * r * (1 - r)
        by_z = dh * (before - n) * z * (1 - z)
        return np.concatenate([by_r, by_z, by_n], 1), np.concatenate([by_r, by_z, by_n * r], 1), dh * z
        ### END SOLUTION


CELLS: dict[str, type[Recurrent]] = {"rnn": RNN, "gru": GRU}


class LanguageModel(Layer):
    """Says what comes next: an embedding, a cell, and a linear layer that makes scores of the cell's state.

    `forward` takes symbols, batch × time, and returns scores, batch × time × symbols, of the symbol that follows
    each. The three layers are `embedding`, `cell` and `head`, and their parameters bear these names in front:
    "embedding.weight", "cell.input". `kind` is "gru" or "rnn".

    >>> model = LanguageModel(symbols=5, width=2, hidden=3)
    >>> model.forward(np.array([[0, 4]])).shape
    (1, 2, 5)
    """

    def __init__(
        self,
        symbols: int = 256,
        width: int = 64,
        hidden: int = 256,
        kind: str = "gru",
        random: np.random.Generator | int = 0,
        dtype: DTypeLike = np.float32,
    ) -> None:
        super().__init__()
        if kind not in CELLS:
            raise ValueError(f"the kind of cell is {kind!r}; it must be one of {sorted(CELLS)!r}")
        random = np.random.default_rng(random)
        self.embedding = Embedding(symbols, width, random, dtype)
        self.cell = CELLS[kind](width, hidden, random, dtype)
        self.head = Linear(hidden, symbols, random, "glorot", dtype)
        self.layers: dict[str, Layer] = {"embedding": self.embedding, "cell": self.cell, "head": self.head}
        self.parameters = {
            f"{prefix}.{name}": array
            for prefix, layer in self.layers.items()
            for name, array in layer.parameters.items()
        }

    def reset(self) -> None:
        """Forget the state: the next `forward` starts a text."""
        self.cell.reset()

    def start(self, batch: int) -> Array:
        """Return the state, batch × hidden, in which so many texts begin."""
        return self.cell.start(batch)

    def forward(self, ids: Ids) -> Array:
        """Return the scores of what follows each symbol; the state is carried on to the next call."""
        ### BEGIN SOLUTION
        return self.head.forward(self.cell.forward(self.embedding.forward(ids)))
        ### END SOLUTION

    def backward(self, dy: Array) -> Array:
        """Set the gradients, under the names of the parameters, and return what the embedding returns."""
        ### BEGIN SOLUTION
        back = self.embedding.backward(self.cell.backward(self.head.backward(dy)))
        self.gradients = {
            f"{prefix}.{name}": array
            for prefix, layer in self.layers.items()
            for name, array in layer.gradients.items()
        }
        return back
        ### END SOLUTION

    def step(self, state: Array, ids: Ids) -> tuple[Array, Array]:
        """Return the scores, batch × symbols, and the state after one more symbol of each stream.

        Nothing changes but what is returned: not the model, not its own state, not the state that was given.

        >>> model = LanguageModel(symbols=5, width=2, hidden=3)
        >>> scores, state = model.step(model.start(2), np.array([4, 0]))
        >>> scores.shape, state.shape, model.cell.state
        ((2, 5), (2, 3), None)
        """
        ### BEGIN SOLUTION
        after = self.cell.one_step(state, self.embedding.look_up(ids))
        return after @ self.head.parameters["weight"] + self.head.parameters["bias"], after
        ### END SOLUTION


def streams(data: bytes, batch: int) -> tuple[Ids, Ids]:
    """Cut a text in `batch` streams of equal length; return their bytes, and the byte that follows each of them.

    Both are arrays of int64, batch × length, where length is (len(data) − 1) // batch. A stream begins where the
    one before it ends; fewer than `batch` bytes at the end of the text are left over.
    Raises ValueError where there is no byte for each stream, and one more.

    >>> inputs, targets = streams(b"abcdefgh", 2)
    >>> [bytes(row.tolist()) for row in (*inputs, *targets)]
    [b'abc', b'def', b'bcd', b'efg']
    """
    if not 1 <= batch < len(data):
        raise ValueError(f"{len(data)} bytes can't be cut in {batch!r} streams with a byte to follow each")
    ### BEGIN SOLUTION
    length = (len(data) - 1) // batch
    ids = np.frombuffer(data, np.uint8).astype(np.int64)
    inputs, targets = ids[: batch * length], ids[1 : batch * length + 1]
    return inputs.reshape(batch, length), targets.reshape(batch, length)
    ### END SOLUTION


def windows(table: tuple[Ids, Ids], time: int) -> list[tuple[Ids, Ids]]:
    """Cut streams in windows of `time` symbols, in order; the last may be shorter.

    >>> [ids.tolist() for ids, _ in windows(streams(b"abcd", 1), 2)]
    [[[97, 98]], [[99]]]
    """
    inputs, targets = table
    starts = range(0, inputs.shape[1], time)
    return [(inputs[:, at : at + time], targets[:, at : at + time]) for at in starts]


def bits_per_byte(model: LanguageModel, data: bytes, batch: int = 1, time: int = 256) -> float:
    """Return the mean bits of a byte, given all before it in its stream, from its second byte on.

    The text is cut in `batch` streams, which is faster, and windows of `time`, for less memory; the state is
    carried from window to window, and at first it is zeros. The model's own state is afterwards what it was.

    >>> model = LanguageModel(width=2, hidden=3)
    >>> for array in model.parameters.values():
    ...     array[...] = 0
    >>> round(bits_per_byte(model, b"abracadabra"), 6)
    8.0
    """
    ### BEGIN SOLUTION
    before = model.cell.state
    model.reset()
    bits = count = 0.0
    for ids, targets in windows(streams(data, batch), time):
        bits += cross_entropy(model.forward(ids), targets)[0] * targets.size
        count += targets.size
    model.cell.state = before
    return bits / count
    ### END SOLUTION


class Carrying(AdamW):
    """AdamW whose checkpoints hold the state of the model's cell too: the next window starts from it."""

    def __init__(self, model: LanguageModel, rate: float, decay: float) -> None:
        super().__init__(model.parameters.values(), rate, decay=decay)
        self.cell = model.cell

    def state(self) -> State:
        """Return all that the next step depends on, with the cell's state under "carried"."""
        carried = self.cell.start(0) if self.cell.state is None else self.cell.state
        return super().state() | {"carried": np.array(carried)}

    def load(self, saved: State) -> None:
        """Go back to a state that `state` returned."""
        super().load(saved)
        self.cell.state = np.array(saved["carried"]) if len(saved["carried"]) else None


def train_language(
    model: LanguageModel,
    data: bytes,
    held_out: bytes,
    plan: Plan,
    *,
    time: int = 64,
    rate: float = 0.003,
    decay: float = 0.01,
    resume: State | None = None,
    progress: Progress | None = None,
) -> Fitted:
    """Fit a model to a text by lesson 11's `fit`, and leave the weights that were best on the held-out text.

    The examples of the plan are the streams that `data` is cut in, `plan.size` of them. Each step takes the next
    window, of `time` bytes, of every stream, and its loss is their mean bits; the state is carried from window
    to window. After the last one the streams begin again, from zeros. So `plan.rows` has no say.
    The rate is `rate`, coming down in half a cosine wave over the plan's steps, and warming up in a twentieth of
    them. What is measured is `bits_per_byte` of the held-out text, in as many streams. In the end the model's
    state is reset. `plan`, `resume` and `progress` are those of `fit`, and what comes back is too.

    >>> model = LanguageModel(width=4, hidden=8)
    >>> text = b"abracadabra, " * 20
    >>> done = train_language(model, text, text, Plan(size=2, batch=2, steps=60), time=16, rate=0.05)
    >>> done.best < 3
    True
    """
    optimizer = Carrying(model, rate, decay)
    ### BEGIN SOLUTION
    parts = windows(streams(data, plan.size), time)

    def slope(*_: Any) -> tuple[float, list[Array]]:
        place = optimizer.steps % len(parts)
        if place == 0:
            model.reset()
        ids, targets = parts[place]
        bits, by_scores = cross_entropy(model.forward(ids), targets)
        model.backward(by_scores)
        return bits, [model.gradients[name] for name in model.parameters]

    def measure(_: list[Array]) -> float:
        return bits_per_byte(model, held_out, plan.size)

    def schedule(step: int) -> float:
        return warm_up(step, plan.steps // 20) * cosine(step, rate, plan.steps)

    done = fit(optimizer, plan, slope, measure, schedule=schedule, resume=resume, progress=progress)
    model.reset()
    return done
    ### END SOLUTION


def soften(scores: Array, temperature: float) -> Array:
    """Return the softmax of the scores divided by the temperature, along the last axis, in float64.

    At 1 these are the model's own probabilities. Below 1 the likely become likelier, above 1 all become more
    alike. At 0 the largest score has everything; where several are largest, they share it evenly.
    Raises ValueError where the temperature is below 0 or no number.

    >>> [soften(np.array([0.0, np.log(3)]), t).round(3).tolist() for t in (2, 1, 0.5, 0)]
    [[0.366, 0.634], [0.25, 0.75], [0.1, 0.9], [0.0, 1.0]]
    """
    if not temperature >= 0:
        raise ValueError(f"the temperature is {temperature!r}; it must be 0 or more")
    ### BEGIN SOLUTION
    shifted = np.asarray(scores, np.float64) - np.max(scores, axis=-1, keepdims=True)
    if temperature == 0:
        shifted = np.where(shifted < 0, -np.inf, 0.0)
    else:
        with np.errstate(over="ignore"):  # −∞ is what is meant
            shifted = shifted / temperature
    return np.asarray(np.exp(log_softmax(shifted)))
    ### END SOLUTION


def sample(
    model: LanguageModel, prompt: bytes, length: int, temperature: float = 1.0, seed: int = 0
) -> bytes:
    """Return `length` bytes that the model draws, one after another, each after the prompt and all before it.

    The prompt has at least one byte, and isn't returned. The same seed gives the same bytes. The model is left
    as it was. Raises ValueError where the prompt is empty.

    >>> model = LanguageModel(width=4, hidden=8)
    >>> len(sample(model, b"In the beginning", 5))
    5
    """
    if not prompt:
        raise ValueError("the prompt is empty; the model needs a byte to begin with")
    random = np.random.default_rng(seed)
    ### BEGIN SOLUTION
    state, written = model.start(1), bytearray()
    for byte in prompt:
        scores, state = model.step(state, np.array([byte]))
    while len(written) < length:
        probabilities = soften(scores[0], temperature)
        written.append(int(random.choice(len(probabilities), p=probabilities)))
        scores, state = model.step(state, np.array(written[-1:]))
    return bytes(written)
    ### END SOLUTION


def code_length(
    data: bytes, width: int = 64, hidden: int = 256, batch: int = 16, time: int = 32
) -> tuple[float, int]:
    """Return the bits of `data` under a model that learns while it reads, and the bits of the model: 0.

    The receiver learns along: it knows the seed, and every byte that the model has learned from so far. So each
    window is paid for before it is learned, and no weights are sent. The first byte of all costs 8 bits, and
    so does each of the few that the streams leave over. No coder is run.

    >>> code_length(b"a")
    (8.0, 0)
    """
    batch = max(1, min(batch, len(data) // 16384))  # a short text is read in few streams, to learn more often
    if len(data) <= batch:
        return 8.0 * len(data), 0
    model = LanguageModel(256, width, hidden)
    optimizer = AdamW(model.parameters.values(), decay=0.0)
    table = streams(data, batch)
    total = 8.0 * (len(data) - table[0].size)
    parts = windows(table, time)
    for step, (ids, targets) in enumerate(parts):
        bits, by_scores = cross_entropy(model.forward(ids), targets)
        total += bits * targets.size
        model.backward(by_scores)
        slopes, _ = clip_by_norm([model.gradients[name] for name in model.parameters], 1.0)
        optimizer.rate = warm_up(step, 20) * cosine(step, 0.005, len(parts), 0.0005)
        optimizer.step(slopes)
    return total, 0


def carries_its_state(candidate: Run) -> bool:
    """Say whether `candidate` runs a recurrent layer as it should, by trying it: this law is yours to write.

    It is called with x, batch × time × 2, and a state, batch × 3, both float64, and returns the outputs, batch ×
    time × 3, and the last state, batch × 3. For a right one, whatever its cell: a sequence in two parts, the
    second from the state that the first has left, gives what it gives in one; no output depends on a later x; no
    stream on another; every output depends on the first x and on the state. Wrong ones break one of these, or
    raise an exception. Rounding may differ by 1e-9. Hand out copies, for a candidate may write to them.
    """
    ### BEGIN SOLUTION
    random = np.random.default_rng(15)
    x, state = random.normal(size=(3, 5, 2)), random.normal(size=(3, 3))
    try:
        y, last = candidate(x.copy(), state.copy())
        first, middle = candidate(x[:, :2].copy(), state.copy())
        second, end = candidate(x[:, 2:].copy(), middle.copy())
        alone, alone_last = candidate(x[1:2].copy(), state[1:2].copy())
        nudged, _ = candidate(x + (np.arange(5) == 0)[:, None], state.copy())
        other, _ = candidate(x.copy(), state + 1)
    except Exception:
        return False
    pairs = [(np.concatenate([first, second], 1), y), (end, last), (alone, y[1:2]), (alone_last, last[1:2])]
    same = all(a.shape == b.shape and np.allclose(a, b, rtol=0, atol=1e-9) for a, b in pairs)
    changed = np.minimum(np.abs(nudged - y).max(axis=2), np.abs(other - y).max(axis=2))
    return same and bool(np.all(changed > 0))
    ### END SOLUTION

"""Lesson 16: a Transformer, which looks up what it needs anywhere in its context instead of remembering it all."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from squeeze.classification import Layer, Linear, Sequential, cross_entropy, log_softmax
from squeeze.classification import carefully as carefully  # the laws reach these by this module
from squeeze.classification import load as load
from squeeze.classification import probe as probe
from squeeze.optimizers import AdamW, Fitted, Plan, Progress, State, clip_by_norm, cosine, fit, warm_up

Array: TypeAlias = NDArray[np.floating]
Ids: TypeAlias = NDArray[np.integer]
Mask: TypeAlias = NDArray[np.bool_]
Pair: TypeAlias = tuple[int, int]

EPSILON = 1e-5  # LayerNorm's, so that nothing is divided by 0
BEND = math.sqrt(2 / math.pi)  # GELU's two constants
CUBE = 0.044715
DEVIATION = 0.02  # of the weights at the start, as in GPT-2


def causal(time: int) -> Mask:
    """Return who may look at whom: entry [i, j] is true where place i may look at place j, which is no later.

    >>> causal(3).astype(int)
    array([[1, 0, 0],
           [1, 1, 0],
           [1, 1, 1]])
    """
    return np.tri(time, dtype=bool)


def attention(q: Array, k: Array, v: Array, mask: Mask | None = None) -> tuple[Array, Array]:
    """Look up: return for each query the mean of the values, each weighed by how well its key fits; and the weights.

    q is (…, queries, depth), k (…, places, depth), v (…, places, numbers). A query's score for a key is their
    dot product divided by √depth, and its weights are the softmax of its scores along the places. `mask`,
    (queries, places), is true where a query may look; elsewhere its weight is 0. Each query may look at one
    place at least. Scores of ±10,000 give finite weights without a warning. Computes in the arrays' dtype.
    Source: Vaswani and others (2017).

    >>> q, k, v = np.array([[2.0]]), np.array([[0.0], [math.log(3) / 2]]), np.array([[8.0], [4.0]])
    >>> y, weights = attention(q, k, v)
    >>> y, weights
    (array([[5.]]), array([[0.25, 0.75]]))
    """
    ### BEGIN SOLUTION
    weights = q @ k.swapaxes(-1, -2)
    weights *= 1 / math.sqrt(q.shape[-1])
    if mask is not None:
        np.copyto(weights, -np.inf, where=~mask)
    weights -= weights.max(axis=-1, keepdims=True)
    np.exp(weights, out=weights)
    weights /= weights.sum(axis=-1, keepdims=True)
    return weights @ v, weights
    ### END SOLUTION


def attention_backward(dy: Array, q: Array, k: Array, v: Array, weights: Array) -> tuple[Array, Array, Array]:
    """Return the gradients by q, k and v, for the gradient by what `attention` has returned, and its weights.

    A place that was masked has the weight 0, and so it gets no gradient: the mask isn't needed any more.

    >>> dq, dk, dv = attention_backward(np.ones((1, 1)), *np.ones((3, 1, 1)), weights=np.ones((1, 1)))
    >>> dq, dk, dv
    (array([[0.]]), array([[0.]]), array([[1.]]))
    """
    ### BEGIN SOLUTION
    dv = weights.swapaxes(-1, -2) @ dy
    dscores = dy @ v.swapaxes(-1, -2)  # that by the weights, at first
    dscores -= (dscores * weights).sum(axis=-1, keepdims=True)
    dscores *= weights
    dscores *= 1 / math.sqrt(q.shape[-1])
    return dscores @ k, dscores.swapaxes(-1, -2) @ q, dv
    ### END SOLUTION


class Compound(Layer):
    """A layer made of other layers, its parts, each under a name.

    `parameters` are those of all parts, the arrays themselves: the part "norm" has its scale under "norm.scale".
    `mode` passes on to every part what it is told.
    """

    def __init__(self) -> None:
        super().__init__()
        self.parts: dict[str, Layer] = {}

    def adopt(self, **parts: Layer) -> None:
        """Take layers as parts, each under its name; an underscore and a number stand for a dot and a number."""
        for name, part in parts.items():
            dotted = name.replace("_", ".")
            self.parts[dotted] = part
            self.parameters |= {f"{dotted}.{inner}": array for inner, array in part.parameters.items()}

    def collect(self) -> None:
        """Set `gradients` to those that the parts' last `backward` has set, under the names of `parameters`."""
        self.gradients = {
            f"{name}.{inner}": array
            for name, part in self.parts.items()
            for inner, array in part.gradients.items()
        }

    def mode(self, training: bool, step: int = 0) -> None:
        """Tell every part whether this is training, and which step."""
        super().mode(training, step)
        for part in self.parts.values():
            part.mode(training, step)


def small(inputs: int, outputs: int, random: np.random.Generator | int, dtype: DTypeLike) -> Linear:
    """Return a Linear whose weights start from a normal distribution of deviation 0.02, as in GPT-2."""
    layer = Linear(inputs, outputs, random, dtype=dtype)
    layer.parameters["weight"] *= DEVIATION / math.sqrt(2 / inputs)  # they had He's deviation
    return layer


class CausalSelfAttention(Compound):
    """Each place looks at itself and all places before it, in several heads at once.

    One Linear, the part "qkv", makes of each place's `width` numbers the queries of all heads, then the keys of
    all heads, then the values. Head h has the numbers from h · depth on, where depth is width / heads. What the
    heads looked up stands side by side in the same order and goes through another Linear, the part "out".
    x is (batch, time, width), and so is y. Raises ValueError where the heads don't divide the width.

    >>> layer = CausalSelfAttention(8, 2, random=0)
    >>> {name: array.shape for name, array in layer.parameters.items()}
    {'qkv.weight': (8, 24), 'qkv.bias': (24,), 'out.weight': (8, 8), 'out.bias': (8,)}
    """

    def __init__(
        self, width: int, heads: int, random: np.random.Generator | int, dtype: DTypeLike = np.float32
    ) -> None:
        super().__init__()
        if heads < 1 or width % heads:
            raise ValueError(f"{heads!r} heads can't share a width of {width!r}")
        random = np.random.default_rng(random)
        self.heads = heads
        self.qkv = small(width, 3 * width, random, dtype)
        self.out = small(width, width, random, dtype)
        self.adopt(qkv=self.qkv, out=self.out)

    def forward(self, x: Array) -> Array:
        """Return y; keep `q`, `k`, `v` and `weights`, each (batch, heads, time, …)."""
        ### BEGIN SOLUTION
        batch, time, width = x.shape
        rows = self.qkv.forward(x.reshape(batch * time, width))
        by_head = rows.reshape(batch, time, 3, self.heads, width // self.heads).transpose(2, 0, 3, 1, 4)
        self.q, self.k, self.v = by_head
        looked_up, self.weights = attention(self.q, self.k, self.v, causal(time))
        side_by_side = looked_up.swapaxes(1, 2).reshape(batch * time, width)
        return self.out.forward(side_by_side).reshape(x.shape)
        ### END SOLUTION

    def backward(self, dy: Array) -> Array:
        """Set the gradients of both parts, and return that by x."""
        ### BEGIN SOLUTION
        batch, time, width = dy.shape
        side_by_side = self.out.backward(dy.reshape(batch * time, width))
        by_head = side_by_side.reshape(batch, time, self.heads, width // self.heads).swapaxes(1, 2)
        three = attention_backward(by_head, self.q, self.k, self.v, self.weights)
        rows = np.stack([part.swapaxes(1, 2) for part in three], axis=2)
        dx = self.qkv.backward(rows.reshape(batch * time, 3 * width))
        self.collect()
        return dx.reshape(dy.shape)
        ### END SOLUTION


class LayerNorm(Layer):
    """Gives the numbers of each place mean 0 and variance 1, then a scale and a shift that are learned.

    Along the last axis: y = (x − mean) / √(variance + 1e-5) · scale + shift. The variance is the mean of the
    squared distances from the mean. `parameters["scale"]` starts at 1 and `parameters["shift"]` at 0, an entry
    for each of the `width` numbers. Source: Ba, Kiros and Hinton (2016).

    >>> layer = LayerNorm(2, np.float64)
    >>> layer.forward(np.array([[1.0, 5.0], [7.0, 7.0]])).round(3)
    array([[-1.,  1.],
           [ 0.,  0.]])
    """

    def __init__(self, width: int, dtype: DTypeLike = np.float32) -> None:
        super().__init__()
        self.parameters = {"scale": np.ones(width, dtype), "shift": np.zeros(width, dtype)}

    def forward(self, x: Array) -> Array:
        """Return the scaled and shifted numbers; constants become the shift."""
        ### BEGIN SOLUTION
        x = np.asarray(x, self.parameters["scale"].dtype)
        self.unit = x - x.mean(axis=-1, keepdims=True)
        variance = np.square(self.unit).mean(axis=-1, keepdims=True)
        self.factor = 1 / np.sqrt(variance + EPSILON)
        self.unit *= self.factor
        return np.asarray(self.unit * self.parameters["scale"] + self.parameters["shift"])
        ### END SOLUTION

    def backward(self, dy: Array) -> Array:
        """Set the gradients by scale and shift, and return that by x: mean and variance depend on x, too."""
        ### BEGIN SOLUTION
        dy = np.asarray(dy, self.unit.dtype)
        every = tuple(range(dy.ndim - 1))
        self.gradients = {"scale": (dy * self.unit).sum(axis=every), "shift": dy.sum(axis=every)}
        dunit = dy * self.parameters["scale"]
        along = (dunit * self.unit).mean(axis=-1, keepdims=True)
        dunit -= dunit.mean(axis=-1, keepdims=True)
        dunit -= self.unit * along
        dunit *= self.factor
        return dunit
        ### END SOLUTION


class GELU(Layer):
    """A bend like ReLU's, rounded: x times about the chance that a normal random number is below x.

    y = ½ x (1 + tanh u), where u = √(2/π) (x + 0.044715 x³).
    Source: Hendrycks and Gimpel (2016), the form with tanh, which GPT-2 has.

    >>> layer = GELU()
    >>> layer.forward(np.array([-10.0, 0.0, 1.0, 10.0])).round(3)
    array([-0.   ,  0.   ,  0.841, 10.   ])
    >>> layer.backward(np.ones(4)).round(3)
    array([0.   , 0.5  , 1.083, 1.   ])
    """

    def forward(self, x: Array) -> Array:
        """Return y, in the dtype of x."""
        ### BEGIN SOLUTION
        self.x = x
        u = x * x
        u *= CUBE * BEND
        u += BEND
        u *= x
        self.tanh = np.tanh(u)
        y = self.tanh + 1
        y *= x
        y *= 0.5
        return np.asarray(y)
        ### END SOLUTION

    def backward(self, dy: Array) -> Array:
        """Return the gradient by x: ½ (1 + tanh u) + ½ x (1 − tanh² u) u′, times that by y."""
        ### BEGIN SOLUTION
        slope = self.x * self.x  # becomes u'
        slope *= 3 * CUBE * BEND
        slope += BEND
        slope *= self.x
        left = self.tanh * self.tanh  # becomes 1 - tanh²
        np.subtract(1, left, out=left)
        slope *= left
        slope += self.tanh
        slope += 1
        slope *= 0.5
        slope *= dy
        return np.asarray(slope)
        ### END SOLUTION


class Block(Compound):
    """Look up, then think: each time, something is added to a stream of numbers that passes through unchanged.

    x ← x + attention(norm1(x)), then x ← x + mlp(norm2(x)). The parts are "norm1", "attention", "norm2" and
    "mlp", which is a Linear to 4 · width, GELU, and a Linear back.
    Source: Radford and others (2019), where the norm comes first; He, Zhang, Ren and Sun (2016) for the stream.

    >>> block = Block(8, 2, random=0)
    >>> [name for name in block.parameters if name.startswith("mlp")]
    ['mlp.0.weight', 'mlp.0.bias', 'mlp.2.weight', 'mlp.2.bias']
    """

    def __init__(
        self, width: int, heads: int, random: np.random.Generator | int, dtype: DTypeLike = np.float32
    ) -> None:
        super().__init__()
        random = np.random.default_rng(random)
        self.norm1 = LayerNorm(width, dtype)
        self.attention = CausalSelfAttention(width, heads, random, dtype)
        self.norm2 = LayerNorm(width, dtype)
        self.mlp = Sequential(
            small(width, 4 * width, random, dtype), GELU(), small(4 * width, width, random, dtype)
        )
        self.adopt(norm1=self.norm1, attention=self.attention, norm2=self.norm2, mlp=self.mlp)

    def forward(self, x: Array) -> Array:
        """Return the stream after both additions."""
        ### BEGIN SOLUTION
        x = x + self.attention.forward(self.norm1.forward(x))
        return x + self.mlp.forward(self.norm2.forward(x))
        ### END SOLUTION

    def backward(self, dy: Array) -> Array:
        """Set the gradients of all parts, and return that by x, which went two ways at each addition."""
        ### BEGIN SOLUTION
        dy = dy + self.norm2.backward(self.mlp.backward(dy))
        dy = dy + self.norm1.backward(self.attention.backward(dy))
        self.collect()
        return dy
        ### END SOLUTION


class Cache:
    """The keys and values of all places so far, for each block, of several streams that go on side by side.

    `keys[i]` and `values[i]` are block i's, (batch, heads, context, depth); the first `length` places are filled.
    """

    def __init__(
        self, blocks: int, batch: int, heads: int, context: int, depth: int, dtype: DTypeLike
    ) -> None:
        shape = (batch, heads, context, depth)
        self.keys = [np.zeros(shape, dtype) for _ in range(blocks)]
        self.values = [np.zeros(shape, dtype) for _ in range(blocks)]
        self.batch = batch
        self.context = context
        self.length = 0


class Transformer(Compound):
    """A model of sequences: at each place it gives every symbol a score for being the next one.

    A symbol's row of `tokens` (symbols, width) and a place's row of `positions` (context, width) are added, and
    go through the blocks "blocks.0", "blocks.1", … and the last norm, "norm". A symbol's score is the product
    of the result with the symbol's row of `tokens`: the table is used at both ends.
    Weights start as in GPT-2: normal, of deviation 0.02 (`deviation` is that of the blocks' weights; narrow models
    learn sooner with more); and what ends in the stream ("attention.out" and "mlp.2") divided by √(2 · layers),
    because so many of these are added up. Source: Radford and others (2019);
    Press and Wolf (2017) for the table.

    >>> model = Transformer(symbols=4, width=8, layers=1, heads=2, context=6)
    >>> model.forward(np.array([[0, 1, 2]])).shape
    (1, 3, 4)
    >>> list(model.parameters)[:4]
    ['tokens', 'positions', 'blocks.0.norm1.scale', 'blocks.0.norm1.shift']
    """

    def __init__(
        self,
        symbols: int = 256,
        width: int = 128,
        layers: int = 4,
        heads: int = 4,
        context: int = 128,
        random: np.random.Generator | int = 0,
        dtype: DTypeLike = np.float32,
        deviation: float = DEVIATION,
    ) -> None:
        super().__init__()
        random = np.random.default_rng(random)
        self.symbols, self.width, self.heads, self.context = symbols, width, heads, context
        self.parameters["tokens"] = random.normal(0, DEVIATION, (symbols, width)).astype(dtype)
        self.parameters["positions"] = random.normal(0, DEVIATION, (context, width)).astype(dtype)
        self.blocks = [Block(width, heads, random, dtype) for _ in range(layers)]
        self.norm = LayerNorm(width, dtype)
        for number, block in enumerate(self.blocks):
            self.adopt(**{f"blocks_{number}": block})
        self.adopt(norm=self.norm)
        for name, array in self.parameters.items():
            if name.endswith("weight"):
                array *= deviation / DEVIATION
            if name.endswith(("attention.out.weight", "mlp.2.weight")):
                array /= math.sqrt(2 * layers)

    def check(self, ids: Ids) -> Ids:
        """Return the ids as an array; ValueError where they are no (batch, time ≤ context) of known symbols."""
        ids = np.asarray(ids)
        if ids.ndim != 2 or ids.shape[1] > self.context:
            raise ValueError(f"ids must be (batch, time ≤ {self.context}), not of shape {ids.shape!r}")
        check_symbols(ids, self.symbols)
        return ids

    def forward(self, x: Any) -> Array:
        """Return the scores, (batch, time, symbols), for ids of (batch, time). Raises ValueError as `check` does."""
        ids = self.check(x)
        ### BEGIN SOLUTION
        self.ids = ids
        stream: Array = self.parameters["tokens"][ids] + self.parameters["positions"][: ids.shape[1]]
        for block in self.blocks:
            stream = block.forward(stream)
        self.hidden = self.norm.forward(stream).reshape(-1, self.width)
        return (self.hidden @ self.parameters["tokens"].T).reshape(*ids.shape, self.symbols)
        ### END SOLUTION

    def backward(self, dy: Array) -> Array:
        """Set all gradients, and return that by the sum of the embeddings: ids have no gradient themselves.

        The gradient by `tokens` is the sum of both uses.
        """
        ### BEGIN SOLUTION
        rows = np.asarray(dy, self.hidden.dtype).reshape(-1, self.symbols)
        tokens: Array = rows.T @ self.hidden
        stream: Array = (rows @ self.parameters["tokens"]).reshape(*self.ids.shape, self.width)
        stream = self.norm.backward(stream)
        for block in reversed(self.blocks):
            stream = block.backward(stream)
        self.collect()
        np.add.at(tokens, self.ids, stream)
        positions = np.zeros_like(self.parameters["positions"])
        positions[: self.ids.shape[1]] = stream.sum(axis=0)
        self.gradients |= {"tokens": tokens, "positions": positions}
        return stream
        ### END SOLUTION

    def start(self, batch: int) -> Cache:
        """Return an empty cache for so many streams."""
        dtype, depth = self.parameters["tokens"].dtype, self.width // self.heads
        return Cache(len(self.blocks), batch, self.heads, self.context, depth, dtype)

    def step(self, cache: Cache, ids: Ids) -> tuple[Array, Cache]:
        """Take one more symbol of each stream; return the scores of the next, (batch, symbols), and the cache.

        The cache that was given is changed. Raises ValueError where it is full, or for wrong ids; then it is
        as it was.
        """
        ids = np.asarray(ids)
        if cache.length >= self.context:
            raise ValueError(f"the cache is full: the model sees {self.context} places, and all are taken")
        if ids.shape != (cache.batch,):
            raise ValueError(f"the cache has {cache.batch} streams; ids of shape {ids.shape!r} don't fit")
        check_symbols(ids, self.symbols)
        place = cache.length
        stream = self.parameters["tokens"][ids] + self.parameters["positions"][place]
        for number, block in enumerate(self.blocks):
            stream = block_once(block, stream, cache.keys[number], cache.values[number], place)
        cache.length += 1
        return self.norm.forward(stream) @ self.parameters["tokens"].T, cache

    def uncached(self, ids: Ids) -> Array:
        """Return the scores after each place, (batch, time, symbols), without a cache: equal to `step`'s, bit for bit.

        It goes block by block where `step` goes place by place, and keeps nothing; but each place is computed
        by the same operations on arrays of the same shapes.
        """
        ids = self.check(ids)
        batch, time = ids.shape
        streams = [
            self.parameters["tokens"][ids[:, t]] + self.parameters["positions"][t] for t in range(time)
        ]
        for block in self.blocks:
            room = Cache(1, batch, self.heads, self.context, self.width // self.heads, self.dtype)
            streams = [block_once(block, x, room.keys[0], room.values[0], t) for t, x in enumerate(streams)]
        tokens = self.parameters["tokens"]
        scores = [self.norm.forward(stream) @ tokens.T for stream in streams]
        return np.array(scores, tokens.dtype).reshape(time, batch, self.symbols).swapaxes(0, 1)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype that everything is computed in."""
        return self.parameters["tokens"].dtype


def check_symbols(ids: Ids, symbols: int) -> None:
    """Do nothing where all ids are whole numbers from 0 to `symbols` − 1, and raise ValueError elsewhere."""
    if ids.dtype.kind not in "iu":
        raise ValueError(f"ids must be whole numbers, not {ids.dtype}")
    if ids.size and not 0 <= ids.min() <= ids.max() < symbols:
        raise ValueError(f"ids from {ids.min()} to {ids.max()} for {symbols} symbols")


def windows(data: bytes, starts: NDArray[np.integer], context: int) -> tuple[Ids, Ids]:
    """Return the bytes from each start on, `context` of them, and for each of these the byte that follows.

    >>> [array.tolist() for array in windows(b"abcd", np.array([0, 1]), 2)]
    [[[97, 98], [98, 99]], [[98, 99], [99, 100]]]
    """
    text = np.frombuffer(data, np.uint8)
    places = starts[:, None] + np.arange(context)
    return text[places].astype(np.int64), text[places + 1].astype(np.int64)


def bits_by_place(model: Transformer, ids: Ids, following: Ids, batch: int = 16) -> Array:
    """Return the mean bits that the symbol after each place costs, over the rows of `ids`: an array of (time,)."""
    model.mode(False)
    total = np.zeros(ids.shape[1])
    for start in range(0, len(ids), batch):
        logarithms = log_softmax(model.forward(ids[start : start + batch]))
        right = np.take_along_axis(logarithms, following[start : start + batch, :, None], axis=-1)
        total -= right[..., 0].sum(axis=0, dtype=np.float64)
    return total / len(ids) / math.log(2)


def bits_per_byte(model: Transformer, data: bytes) -> float:
    """Return the mean bits that a byte of `data` costs, after the first, each seeing half a context at least.

    Windows overlap by half, and only their second half counts; but all of the first one. What is left over at
    the end is left out. Raises ValueError where the data are no longer than the context.
    """
    context, half = model.context, (model.context + 1) // 2
    if len(data) <= context:
        raise ValueError(f"{len(data)} bytes are no more than a context of {context}")
    starts = np.arange(0, len(data) - context, half)
    first = bits_by_place(model, *windows(data, starts[:1], context))
    others = (
        bits_by_place(model, *windows(data, starts[1:], context))[-half:] if len(starts) > 1 else first[:0]
    )
    count = context + half * (len(starts) - 1)
    return float((first.sum() + others.sum() * (len(starts) - 1)) / count)


def learn(
    model: Transformer,
    data: bytes,
    measure: Callable[[Transformer], float],
    plan: Plan,
    *,
    rate: float = 0.003,
    decay: float = 0.1,
    warming: int = 20,
    resume: State | None = None,
    progress: Progress | None = None,
) -> Fitted:
    """Fit a model to text by lesson 11's `fit`: AdamW, a rate that warms up and then falls along a cosine.

    The plan's examples are the windows of `data`: `size` is len(data) − context, and a row is where one starts.
    `measure(model)` returns what is to be least. In the end the model has the best weights, out of training.
    """
    optimizer = AdamW(model.parameters.values(), rate, (0.9, 0.98), decay=decay)

    def slope(_: list[Array], rows: NDArray[np.intp]) -> tuple[float, list[Array]]:
        model.mode(True, optimizer.steps)
        ids, following = windows(data, rows, model.context)
        bits, dscores = cross_entropy(model.forward(ids), following)
        model.backward(dscores)
        return bits, [model.gradients[name] for name in model.parameters]

    def measured(_: list[Array]) -> float:
        model.mode(False)
        return measure(model)

    def schedule(step: int) -> float:
        return warm_up(step, warming) * cosine(step, rate, plan.steps, rate / 10)

    done = fit(optimizer, plan, slope, measured, schedule=schedule, resume=resume, progress=progress)
    model.mode(False)
    return done


def trace(model: Transformer, ids: Ids) -> dict[str, Array]:
    """Return what every layer of a model gave for some ids, by name, in the order in which they were done.

    The first is "embedding", what goes into the first block, and the last "scores".

    >>> list(trace(Transformer(4, 8, 1, 2, 6), np.array([[0, 1]])))[:4]
    ['embedding', 'blocks.0.norm1', 'blocks.0.attention.qkv', 'blocks.0.attention.out']
    """
    seen: dict[str, Array] = {}

    def record(name: str, layer: Layer) -> None:
        inner = getattr(layer, "parts", {})
        for part in inner:
            record(f"{name}.{part}", inner[part])
        forward = layer.forward

        def recorded(x: Array) -> Array:
            if not seen:
                seen["embedding"] = np.array(x)
            y = forward(x)
            seen[name] = np.array(y)
            return y

        layer.forward = recorded  # type: ignore[method-assign]
        wrapped.append(layer)

    wrapped: list[Layer] = []
    for part, layer in model.parts.items():
        record(part, layer)
    try:
        scores = model.forward(ids)
    finally:
        for layer in wrapped:
            del layer.forward
    return {**seen, "scores": np.array(scores)}


def first_difference(
    ours: Transformer, theirs: Transformer, ids: Ids, tolerance: float = 1e-6
) -> tuple[str, float] | None:
    """Return the first name of our `trace` at which two models part, and by how much; None where they don't.

    They part where the largest distance between two numbers is more than `tolerance`, or is no number; or where
    theirs has nothing of that name and shape: then it is infinite.

    >>> first, second = Transformer(4, 8, 2, 2, 6), Transformer(4, 8, 2, 2, 6)
    >>> second.parameters["blocks.1.norm2.shift"][3] += 0.5
    >>> first_difference(first, second, np.array([[0, 1]]))
    ('blocks.1.norm2', 0.5)
    """
    ### BEGIN SOLUTION
    their_trace = trace(theirs, ids)
    for name, array in trace(ours, ids).items():
        other = their_trace.get(name)
        if other is None or other.shape != array.shape:
            return name, math.inf
        far = float(np.max(np.abs(array - other), initial=0.0))
        if not far <= tolerance:
            return name, far
    return None
    ### END SOLUTION


def block_once(block: Block, x: Array, keys: Array, values: Array, place: int) -> Array:
    """Return what a block makes of one place: x and the result are (batch, width)."""
    x = x + attend_once(block.attention, block.norm1.forward(x), keys, values, place)
    return x + block.mlp.forward(block.norm2.forward(x))


def attend_once(layer: CausalSelfAttention, x: Array, keys: Array, values: Array, place: int) -> Array:
    """Return what the layer makes of one place, given the keys and values of those before it.

    x is (batch, width), and so is the result; `keys` and `values` are (batch, heads, context, depth). The place's
    own key and value are written there, at `place`, and it looks at the places from 0 to itself.

    >>> layer = CausalSelfAttention(4, 2, random=0, dtype=np.float64)
    >>> x, (keys, values) = np.arange(8.0).reshape(1, 2, 4), np.zeros((2, 1, 2, 6, 2))
    >>> one_by_one = [attend_once(layer, x[:, t], keys, values, t) for t in range(2)]
    >>> np.allclose(layer.forward(x), np.stack(one_by_one, axis=1))
    True
    """
    ### BEGIN SOLUTION
    q, key, value = layer.qkv.forward(x).reshape(len(x), 3, layer.heads, keys.shape[3]).swapaxes(0, 1)
    keys[:, :, place], values[:, :, place] = key, value
    looked_up, _ = attention(q[:, :, None], keys[:, :, : place + 1], values[:, :, : place + 1])
    return layer.out.forward(looked_up.reshape(x.shape))
    ### END SOLUTION


def once(
    layer: CausalSelfAttention, x: Array, keys: Array, values: Array, place: int
) -> tuple[Array, Array, Array]:
    """Return what `attend_once` does: the result, and the keys and values after it. The laws call it."""
    keys, values = keys.copy(), values.copy()
    return np.array(attend_once(layer, x, keys, values, place)), keys, values


def draw(chances: Array, random: np.random.Generator) -> Ids:
    """Return a symbol for each row of chances, drawn with them.

    >>> draw(np.array([[0.0, 1.0], [1.0, 0.0]]), np.random.default_rng(0))
    array([1, 0])
    """
    sums = np.cumsum(chances, axis=-1)
    return np.asarray((random.random((len(chances), 1)) * sums[:, -1:] >= sums).sum(axis=-1))


def sample(
    model: Transformer,
    prompt: bytes,
    length: int,
    random: np.random.Generator | int = 0,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float = 1.0,
) -> bytes:
    """Return the prompt, which isn't empty, and `length` bytes that the model goes on with.

    When its context is full, it starts again with the last half of it.

    >>> len(sample(Transformer(256, 8, 1, 2, 6), b"In the", 10))
    16
    """
    random, text, cache = np.random.default_rng(random), bytearray(prompt), model.start(1)
    waiting = list(prompt[-model.context :])
    for _ in range(length):
        if cache.length + len(waiting) > model.context:
            cache, waiting = model.start(1), list(text[-max(1, model.context // 2) :])
        for byte in waiting:
            scores, cache = model.step(cache, np.array([byte]))
        waiting = [int(draw(shape(scores, temperature, top_k, top_p), random)[0])]
        text += bytes(waiting)
    return bytes(text)


def shape(scores: Array, temperature: float = 1.0, top_k: int | None = None, top_p: float = 1.0) -> Array:
    """Turn scores along the last axis into the chances to draw each symbol with, in float64.

    The chances are the softmax of scores / `temperature`; at 0, its limit: the symbols of the highest score share
    everything equally. Then only the `top_k` likeliest symbols stay; then, of these, the fewest likeliest whose
    share adds up to `top_p`, one at least (a gap of 1e-9 counts as rounding). Of equal scores, the one of the
    lower number counts as likelier. What stays is scaled to add up to 1.
    Raises ValueError for a temperature below 0, a `top_k` below 1, or a `top_p` outside 0 to 1.
    Source: Holtzman, Buys, Du, Forbes and Choi (2020) for top-p.

    >>> scores = np.log([0.5, 0.25, 0.125, 0.125])
    >>> shape(scores, top_k=2).round(3), shape(scores, top_p=0.8).round(3)
    (array([0.667, 0.333, 0.   , 0.   ]), array([0.571, 0.286, 0.143, 0.   ]))
    """
    if not temperature >= 0 or not 0 <= top_p <= 1 or (top_k is not None and top_k < 1):
        raise ValueError(
            f"temperature {temperature!r}, top_k {top_k!r}, top_p {top_p!r} can't be used together"
        )
    ### BEGIN SOLUTION
    scores = np.asarray(scores, np.float64)
    gaps = scores - scores.max(axis=-1, keepdims=True)
    chances = np.exp(gaps / temperature) if temperature else np.where(gaps == 0, 1.0, 0.0)
    order = np.argsort(-scores, kind="stable")
    ranked = np.take_along_axis(chances, order, axis=-1)
    if top_k is not None:
        ranked[..., top_k:] = 0
    ranked /= ranked.sum(axis=-1, keepdims=True)
    before = np.cumsum(ranked, axis=-1) - ranked
    ranked[..., 1:][before[..., 1:] >= top_p - 1e-9] = 0
    np.put_along_axis(chances, order, ranked / ranked.sum(axis=-1, keepdims=True), axis=-1)
    return chances
    ### END SOLUTION


def merge(ids: Ids, pair: Pair, new: int) -> Ids:
    """Return the ids with every occurrence of the pair replaced by one new id, from left to right.

    >>> merge(np.array([1, 1, 1, 2, 1, 2]), (1, 2), 9), merge(np.array([1, 1, 1]), (1, 1), 9)
    (array([1, 1, 9, 9]), array([9, 1]))
    """
    here = (ids[:-1] == pair[0]) & (ids[1:] == pair[1])
    if pair[0] == pair[1]:  # in a run of these, every second one
        place = np.arange(len(here))
        begins = np.maximum.accumulate(np.where(here & ~np.append(False, here[:-1]), place, 0))
        here &= (place - begins) % 2 == 0
    merged = np.array(ids)
    merged[:-1][here] = new
    return merged[~np.append(False, here)] if len(ids) else merged


def learn_pairs(data: bytes, merges: int) -> list[Pair]:
    """Return the pairs that byte-pair encoding merges, in order: pair i becomes the symbol 256 + i.

    Each time the pair is chosen that occurs most often, counted at every place where its two symbols stand side
    by side; of several, the one of the lowest numbers. It ends early where no pair occurs twice.
    Source: Gage (1994); Sennrich, Haddow and Birch (2016).

    >>> learn_pairs(b"abababcabc", 3)
    [(97, 98), (256, 99)]
    """
    ### BEGIN SOLUTION
    ids: Ids = np.frombuffer(data, np.uint8).astype(np.int64)
    pairs: list[Pair] = []
    for new in range(256, 256 + merges):
        numbers, counts = np.unique(ids[:-1] * new + ids[1:], return_counts=True)
        if counts.max(initial=0) < 2:
            break
        first, second = divmod(int(numbers[counts.argmax()]), new)
        pairs.append((first, second))
        ids = merge(ids, (first, second), new)
    return pairs
    ### END SOLUTION


def decode_pairs(ids: Iterable[int], pairs: Sequence[Pair]) -> bytes:
    """Return the bytes that symbols stand for. Raises ValueError for a symbol that the pairs don't make.

    >>> decode_pairs([256, 257], [(97, 98), (256, 99)])
    b'ababc'
    """
    words = [bytes([byte]) for byte in range(256)]
    for first, second in pairs:
        words.append(words[first] + words[second])
    symbols = [int(symbol) for symbol in ids]
    if odd := [symbol for symbol in symbols if not 0 <= symbol < len(words)]:
        raise ValueError(f"there are {len(words)} symbols, and {odd[0]!r} is none of them")
    return b"".join(words[symbol] for symbol in symbols)


def encode_pairs(data: bytes, pairs: Sequence[Pair]) -> Ids:
    """Return the symbols that data becomes when the pairs are merged, in order, as an array of whole numbers.

    >>> encode_pairs(b"abababcabc", [(97, 98), (256, 99)])
    array([256, 256, 257, 257])
    """
    ### BEGIN SOLUTION
    ids: Ids = np.frombuffer(data, np.uint8).astype(np.int64)
    for number, pair in enumerate(pairs):
        ids = merge(ids, pair, 256 + number)
    return ids
    ### END SOLUTION


def code_length(
    data: bytes, width: int = 96, layers: int = 1, heads: int = 4, context: int = 64, batch: int = 8
) -> tuple[float, int]:
    """Return the bits of `data` under a model that learns while it reads, and the bits of the model: 0.

    The receiver learns along, so no weights are sent. The text is cut in `batch` streams. Windows overlap by half,
    and each is paid for, where it is new, before it is learned. The first byte of all costs 8 bits, and so does each
    of the few that the streams leave over. No coder is run.

    >>> code_length(b"a")
    (8.0, 0)
    """
    batch = max(1, min(batch, len(data) // 16384))  # a short text is read in few streams, to learn more often
    length = (len(data) - 1) // batch
    if length <= context:
        return 8.0 * len(data), 0
    model = Transformer(256, width, layers, heads, context, deviation=0.1)
    optimizer = AdamW(model.parameters.values(), betas=(0.9, 0.98), decay=0.0)
    places = [*range(0, length - context, context // 2), length - context]
    total, paid = 8.0 * (len(data) - batch * length), 0
    for step, place in enumerate(places):
        ids, following = windows(data, np.arange(batch) * length + place, context)
        scores, new = model.forward(ids), slice(paid - place, None)
        total += cross_entropy(scores[:, new], following[:, new])[0] * following[:, new].size
        paid = place + context
        model.backward(cross_entropy(scores, following)[1])
        slopes, _ = clip_by_norm([model.gradients[name] for name in model.parameters], 1.0)
        optimizer.rate = warm_up(step, 20) * cosine(step, 0.003, len(places), 0.0003)
        optimizer.step(slopes)
    return total, 0


def is_causal(candidate: Callable[[Array], Array]) -> bool:
    """Say whether `candidate` looks at no later place, by trying it: this law is yours to write.

    It is called with an array of (time, 4) in float64, for times from 1 to 12, and returns one of (time, anything).
    A right one computes each row from this row of its input and the rows before it. Wrong ones look ahead:
    always, or at some places, or at some numbers only, or at how many rows will come; or they raise an exception.
    A right one may differ in the last bits (by up to 1e-9) where it is called with fewer rows.
    """
    ### BEGIN SOLUTION
    random = np.random.default_rng(16)
    try:
        for time in (1, 2, 5, 12, 12):
            x = random.normal(0, 3, (time, 4))
            whole = np.array(candidate(x.copy()))
            other = np.array([candidate(x[:t].copy())[-1] for t in range(1, time + 1)])
            if len(whole) != time or not np.all(np.abs(whole - other) <= 1e-9):
                return False
    except Exception:
        return False
    return True
    ### END SOLUTION

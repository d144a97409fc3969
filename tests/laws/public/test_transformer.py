"""Public laws of lesson 16: layers against plain loops and central differences, causality, exact chances."""

from __future__ import annotations

import itertools
import math

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from autograder.laws import expect, law

SEEDS = st.integers(0, 999)
F64 = "float64"
EPSILON = 1e-5


def drawn(seed, *shape):
    """Draw numbers around 0 that are neither all small nor all large."""
    return np.random.default_rng(seed).normal(0, 0.7, shape)


def central(function, x):
    """Measure a gradient by central differences, in float64."""
    gradient = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        nudge = np.zeros(x.shape)
        nudge[place] = 1e-5
        gradient[place] = (function(x + nudge) - function(x - nudge)) / 2e-5
    return gradient


def expect_slopes(gradients, function, arrays, seed, depth=9):
    """Hold where the gradients have the slope that central differences measure, along random directions.

    Arrays whose names begin with the same `depth` parts change together, so that there is less to measure.
    """
    expect.equal(sorted(gradients), sorted(arrays), "the names of the gradients")
    groups = {}
    for number, (name, array) in enumerate(arrays.items()):
        expect.equal(np.shape(gradients[name]), array.shape, f"the shape of the gradient by {name}")
        way = np.random.default_rng([seed, number]).normal(size=array.shape)
        groups.setdefault(".".join(name.split(".")[:depth]), {})[name] = way
    for group, ways in groups.items():
        there, back = (
            function(arrays | {name: arrays[name] + nudge * way for name, way in ways.items()})
            for nudge in (1e-5, -1e-5)
        )
        slope = sum(float(np.sum(np.asarray(gradients[name]) * way)) for name, way in ways.items())
        what = f"the slope along a random change of {group}"
        expect.close(slope, (there - back) / 2e-5, rtol=1e-5, atol=1e-6, what=what)


# What the layers should do, in the plainest NumPy.


def normed(x, scale, shift):
    gap = x - x.mean(axis=-1, keepdims=True)
    return gap / np.sqrt((gap * gap).mean(axis=-1, keepdims=True) + EPSILON) * scale + shift


def gelu(x):
    return x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))


def looked_up(q, k, v, mask=None):
    """Return what the queries of one head find, and the weights, query by query."""
    weights = np.zeros((len(q), len(k)))
    for i, query in enumerate(q):
        may = [j for j in range(len(k)) if mask is None or mask[i, j]]
        powers = np.exp(np.array([query @ k[j] / math.sqrt(len(query)) for j in may]))
        weights[i, may] = powers / powers.sum()
    return weights @ v, weights


def attended(x, p, heads):
    """Return what causal attention makes of (batch, time, width), head by head."""
    width = x.shape[-1]
    depth, time = width // heads, x.shape[1]
    mask, y = np.tri(time, dtype=bool), []
    for rows in x:
        three = rows @ p["qkv.weight"] + p["qkv.bias"]
        found = []
        for head in range(heads):
            q, k, v = (
                three[:, part * width + head * depth : part * width + (head + 1) * depth] for part in range(3)
            )
            found.append(looked_up(q, k, v, mask)[0])
        y.append(np.concatenate(found, axis=1) @ p["out.weight"] + p["out.bias"])
    return np.array(y).reshape(x.shape)


def inside(p, part):
    """Return the parameters of one part."""
    return {name.removeprefix(part + "."): array for name, array in p.items() if name.startswith(part + ".")}


def blocked(x, p, heads):
    """Return what a block makes of x."""
    x = x + attended(normed(x, p["norm1.scale"], p["norm1.shift"]), inside(p, "attention"), heads)
    inner = gelu(normed(x, p["norm2.scale"], p["norm2.shift"]) @ p["mlp.0.weight"] + p["mlp.0.bias"])
    return x + inner @ p["mlp.2.weight"] + p["mlp.2.bias"]


def scored(ids, p, layers, heads):
    """Return what a Transformer makes of ids."""
    x = p["tokens"][ids] + p["positions"][: ids.shape[1]]
    for number in range(layers):
        x = blocked(x, inside(p, f"blocks.{number}"), heads)
    return normed(x, p["norm.scale"], p["norm.shift"]) @ p["tokens"].T


def numbered(shapes, seed):
    """Return arrays of these shapes by name, drawn."""
    return {name: drawn([seed, i], *shape) for i, (name, shape) in enumerate(shapes.items())}


def attention_shapes(width):
    return {"qkv.weight": (width, 3 * width), "qkv.bias": (3 * width,), "out.weight": (width, width),
            "out.bias": (width,)}  # fmt: skip


def block_shapes(width):
    norms = {f"norm{i}.{name}": (width,) for i in (1, 2) for name in ("scale", "shift")}
    mlp = {"mlp.0.weight": (width, 4 * width), "mlp.0.bias": (4 * width,),
           "mlp.2.weight": (4 * width, width), "mlp.2.bias": (width,)}  # fmt: skip
    return norms | {f"attention.{n}": s for n, s in attention_shapes(width).items()} | mlp


def model_shapes(symbols, width, layers, context):
    blocks = {f"blocks.{i}.{n}": s for i in range(layers) for n, s in block_shapes(width).items()}
    ends = {"tokens": (symbols, width), "positions": (context, width)}
    return ends | blocks | {"norm.scale": (width,), "norm.shift": (width,)}


@law(
    exercise="attention",
    points=1,
    hint="On paper: the scores are 0 and ln 3, e to them 1 and 3, so the weights are ¼ and ¾, and ¼ · 8 + ¾ · 4 = 5. "
    "Depth 4 makes the divisor √4 = 2.",
)
def test_pencil_example(transformer):
    """The query finds ¼ of the first value and ¾ of the second, which is 5."""
    for depth in (1, 4):
        q = np.full((1, depth), 2.0)
        k = np.array([[0.0] * depth, [math.log(3) / 2 / math.sqrt(depth)] * depth])
        y, weights = transformer.attention(q, k, np.array([[8.0], [4.0]]))
        expect.close(weights, np.array([[0.25, 0.75]]), what=f"the weights where the depth is {depth}")
        expect.close(y, np.array([[5.0]]), what=f"what was found where the depth is {depth}")


@law(
    exercise="attention",
    points=2,
    examples=4,
    hint="Scores are (queries, places): the softmax goes along the last axis, and is taken after masked scores have "
    "become -∞, so that the rest adds up to 1. Divide by the root of q's last axis. Leave the arguments alone.",
)
@given(
    seed=SEEDS,
    shape=st.sampled_from([(3, 3, 2), (1, 4, 3), (4, 1, 1), (2, 3, 4), (0, 2, 2)]),
    masked=st.booleans(),
)
@example(seed=0, shape=(2, 3, 4), masked=False)
@example(seed=0, shape=(3, 3, 2), masked=True)
def test_attention(transformer, seed, shape, masked):
    """What is found agrees with a loop over queries, for several heads at once, with a mask and without."""
    queries, places, depth = shape
    q, k, v = drawn(seed, 2, queries, depth), drawn(seed + 1, 2, places, depth), drawn(seed + 2, 2, places, 3)
    mask = None
    if masked:
        mask = np.random.default_rng(seed).random((queries, places)) < 0.5
        mask[:, seed % places] = True
    y, weights = transformer.carefully(transformer.attention, q, k, v, mask)
    for head in range(2):
        found, wanted = looked_up(q[head], k[head], v[head], mask)
        expect.close(np.asarray(weights)[head], wanted, what="the weights")
        expect.close(np.asarray(y)[head], found, what="what was found")


@law(
    exercise="attention",
    points=1,
    hint="e^10000 is infinite to a computer. Take the largest score of each query away first; masked scores are "
    "no candidates, or -∞.",
)
def test_large_scores(transformer):
    """Scores of ±10,000 give weights of 0, ½ and 1 without a warning, in float32 too."""
    k = np.array([[1e4], [1e4], [-1e4]])
    wanted = np.array([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    for dtype in (F64, "float32"):
        q, mask = np.array([[1.0], [-1.0]], dtype), np.ones((2, 3), bool)
        for allowed in (None, mask):
            _, weights = transformer.carefully(
                transformer.attention, q, k.astype(dtype), k.astype(dtype), allowed
            )
            expect.close(weights, wanted.astype(dtype), what=f"the weights in {dtype}")
        mask[:, :2] = False
        _, weights = transformer.carefully(transformer.attention, q, k.astype(dtype), k.astype(dtype), mask)
        expect.close(
            weights, np.array([[0, 0, 1]] * 2).astype(dtype), what="the weights where the best are masked"
        )


@law(
    exercise="attention",
    points=1,
    examples=4,
    hint="Attention knows no order: nothing may depend on where a place or a query stands, as long as each key "
    "keeps its value. Is the softmax taken along the places?",
)
@given(seed=SEEDS)
def test_attention_knows_no_order(transformer, seed):
    """Places can be shuffled with their values, and what is found stays; shuffled queries find theirs shuffled."""
    q, k, v = drawn(seed, 4, 3), drawn(seed + 1, 5, 3), drawn(seed + 2, 5, 2)
    y, weights = transformer.attention(q, k, v)
    expect.close(np.asarray(weights).sum(axis=-1), np.ones(4), what="the sum of each query's weights")
    random = np.random.default_rng(seed)
    queries, places = random.permutation(4), random.permutation(5)
    moved, shuffled = transformer.attention(q[queries], k[places], v[places])
    expect.close(
        moved, np.asarray(y)[queries], what="what is found when queries and places have been shuffled"
    )
    expect.close(shuffled, np.asarray(weights)[queries][:, places], what="the weights then")


@law(
    exercise="attention_backward",
    points=3,
    examples=4,
    hint="Go back through three steps. y = weights · v. The softmax: each score's gradient is its weight times (its "
    "own gradient less the weighted mean of all gradients of its row). Scores = q kᵀ / √depth: the root is there too.",
)
@given(seed=SEEDS, shape=st.sampled_from([(3, 3, 2), (1, 3, 2), (2, 1, 1), (2, 3, 4)]), masked=st.booleans())
@example(seed=0, shape=(2, 3, 4), masked=False)
@example(seed=1, shape=(3, 3, 2), masked=True)
def test_attention_backward(transformer, seed, shape, masked):
    """The gradients by queries, keys and values agree with central differences, with a mask and without."""
    queries, places, depth = shape
    mask = np.tri(queries, places, dtype=bool) if masked else None
    q, k, v = drawn(seed, queries, depth), drawn(seed + 1, places, depth), drawn(seed + 2, places, 2)
    dy = drawn(seed + 3, queries, 2)
    weights = looked_up(q, k, v, mask)[1]
    got = transformer.carefully(transformer.attention_backward, dy, q, k, v, weights)
    expect.kind(got, tuple, "the gradients")
    expect.equal(len(got), 3, "the number of gradients")
    for name, gradient, wanted in zip(
        ("q", "k", "v"),
        got,
        (
            central(lambda q: np.sum(dy * looked_up(q, k, v, mask)[0]), q),
            central(lambda k: np.sum(dy * looked_up(q, k, v, mask)[0]), k),
            central(lambda v: np.sum(dy * looked_up(q, k, v, mask)[0]), v),
        ),
        strict=True,
    ):
        expect.close(gradient, wanted, rtol=1e-5, atol=1e-7, what=f"the gradient by {name}")


@law(
    exercise="CausalSelfAttention",
    points=3,
    examples=3,
    hint="The qkv layer's outputs are all queries, then all keys, then all values; of each, head h has the numbers "
    "from h · depth on. Reshape to (batch, time, 3, heads, depth), and move axes with transpose, never with reshape. "
    "Backward undoes each step in the opposite order.",
)
@given(
    seed=SEEDS, shape=st.sampled_from([(2, 3, 4, 2), (1, 1, 2, 1), (1, 4, 6, 3), (0, 2, 4, 2), (2, 2, 2, 2)])
)
@example(seed=0, shape=(2, 3, 4, 2))
def test_causal_self_attention(transformer, seed, shape):
    """The layer agrees with a loop over heads and places, and its gradients with central differences."""
    *shape, heads = shape
    x, dy, p = drawn(seed, *shape), drawn(seed + 1, *shape), numbered(attention_shapes(shape[-1]), seed)
    layer = transformer.CausalSelfAttention(shape[-1], heads, 0, F64)
    transformer.load(layer, p)
    y, dx, gradients = transformer.probe(layer, x, dy)
    expect.close(y, attended(x, p, heads), rtol=1e-7, atol=1e-9, what="y")
    expect_slopes({"x": dx}, lambda a: np.sum(dy * attended(a["x"], p, heads)), {"x": x}, seed)
    expect_slopes(gradients, lambda p: np.sum(dy * attended(x, p, heads)), p, seed)


@law(
    exercise="CausalSelfAttention",
    points=2,
    hint="Place i may look at the places 0 to i, itself among them, and at none after it: causal(time) says so. "
    "A place that is masked has no weight, and gets no gradient.",
)
def test_nothing_looks_ahead(transformer):
    """Changing a place changes no result before it, to the last bit, and a result's gradient reaches no later place."""
    x, time = drawn(1, 1, 5, 4), 5
    layer = transformer.CausalSelfAttention(4, 2, 0, F64)
    transformer.load(layer, numbered(attention_shapes(4), 2))
    y, _, _ = transformer.probe(layer, x, x)
    for place in range(time):
        changed = x.copy()
        changed[0, place] += [5.0, -3.0, 100.0, 1.0]
        only = np.zeros(x.shape)
        only[0, place] = 1.0
        other, _, _ = transformer.probe(layer, changed, only)
        _, dx, _ = transformer.probe(layer, x, only)
        expect.equal(
            other[0, :place], y[0, :place], f"y before place {place}, when x has changed from there on"
        )
        expect.true(
            bool(np.all(other[0, place] != y[0, place])), f"y at place {place} does not depend on x there"
        )
        expect.equal(dx[0, place + 1 :], np.zeros((time - place - 1, 4)), f"dx after place {place}")
        expect.true(
            bool(np.all(np.any(dx[0, : place + 1] != 0, axis=-1))),
            f"y at place {place} misses a place up to it",
        )


@law(
    exercise="LayerNorm",
    points=2,
    examples=4,
    hint="The mean and the variance are those of the last axis, and divide by its length. They depend on every x of "
    "their row: with u = (x - mean) / root, dx is (du - mean(du) - u mean(du u)) / root. Scale and shift were used "
    "at every place, so their gradients add up over all axes but the last.",
)
@given(seed=SEEDS, shape=st.sampled_from([(2, 3), (1, 1), (0, 3), (2, 2, 3), (3, 2)]))
@example(seed=0, shape=(2, 3))
def test_layer_norm(transformer, seed, shape):
    """Each row gets mean 0 and variance 1, then scale and shift; all gradients agree with central differences."""
    x, dy, width = drawn(seed, *shape), drawn(seed + 1, *shape), shape[-1]
    p = {"scale": 1 + drawn(seed + 2, width), "shift": drawn(seed + 3, width)}
    layer = transformer.LayerNorm(width, F64)
    transformer.load(layer, p)
    y, dx, gradients = transformer.probe(layer, x, dy)
    expect.close(y, normed(x, **p), rtol=1e-7, atol=1e-9, what="y")
    expected = central(lambda x: np.sum(dy * normed(x, **p)), x)
    expect.close(dx, expected, rtol=1e-5, atol=1e-6, what="the gradient by x")
    expect_slopes(gradients, lambda p: np.sum(dy * normed(x, **p)), p, seed)


@law(
    exercise="LayerNorm",
    points=1,
    hint="The variance of constants is 0: add 1e-5 to it before you take the root. Then nothing is divided by 0.",
)
def test_layer_norm_of_constants(transformer):
    """A row of equal numbers becomes the shift, and its gradient is finite, in float32 too."""
    x, dy = np.array([[2.0, 2.0, 2.0], [-1.0, 0.0, 1.0]]), np.array([[1.0, 2.0, 6.0]] * 2)
    for dtype, near in ((F64, 1e-9), ("float32", 1e-4)):
        layer = transformer.LayerNorm(3, dtype)
        y, dx, _ = transformer.probe(layer, x.astype(dtype), dy.astype(dtype))
        root = math.sqrt(2 / 3 + EPSILON)
        wanted = np.array([[0.0] * 3, [-1 / root, 0.0, 1 / root]]).astype(dtype)
        expect.close(y, wanted, rtol=near, atol=near, what=f"y in {dtype}")
        constant = np.array([-2.0, -1.0, 3.0]) / math.sqrt(EPSILON)
        expect.close(
            dx[0], constant.astype(dtype), rtol=1e-3, what=f"the gradient by three equal numbers in {dtype}"
        )
        expect.equal(str(y.dtype), dtype, "the dtype of y")


@law(
    exercise="GELU",
    points=1,
    examples=3,
    hint="By the product rule: the slope of ½ x (1 + tanh u) is ½ (1 + tanh u) + ½ x (1 - tanh² u) u', and "
    "u' = √(2/π) (1 + 3 · 0.044715 x²). Write to nothing that you were given.",
)
@given(seed=SEEDS, shape=st.sampled_from([(2, 3), (0, 3), (5,), (2, 1, 2)]))
@example(seed=0, shape=(2, 3))
def test_gelu(transformer, seed, shape):
    """GELU agrees with its formula and with central differences, and keeps float32."""
    x, dy = 2 * drawn(seed, *shape), drawn(seed + 1, *shape)
    y, dx, gradients = transformer.probe(transformer.GELU(), x, dy)
    expect.close(y, gelu(x), what="y")
    expect.close(dx, central(lambda x: np.sum(dy * gelu(x)), x), rtol=1e-6, atol=1e-8, what="dx")
    expect.equal(gradients, {}, "the gradients by parameters, of which there are none")
    y, dx, _ = transformer.probe(transformer.GELU(), x.astype(np.float32), dy.astype(np.float32))
    expect.equal([str(y.dtype), str(dx.dtype)], ["float32"] * 2, "the dtypes for float32")


@law(
    exercise="Block",
    points=2,
    examples=3,
    hint="x + attention(norm1(x)) first; of what comes out, x + mlp(norm2(x)). The norm stands before each part, and "
    "the stream itself passes by. Backward, the gradient goes both ways at each addition, and both are added up.",
)
@given(seed=SEEDS, shape=st.sampled_from([(2, 2, 4, 2), (1, 3, 3, 1), (1, 1, 4, 2)]))
@example(seed=0, shape=(2, 2, 4, 2))
def test_block(transformer, seed, shape):
    """A block adds what its two parts find to the stream, and its gradients agree with central differences."""
    *shape, heads = shape
    x, dy, p = drawn(seed, *shape), drawn(seed + 1, *shape), numbered(block_shapes(shape[-1]), seed)
    block = transformer.Block(shape[-1], heads, 0, F64)
    transformer.load(block, p)
    y, dx, gradients = transformer.probe(block, x, dy)
    expect.close(y, blocked(x, p, heads), rtol=1e-7, atol=1e-9, what="y")
    expect_slopes({"x": dx}, lambda a: np.sum(dy * blocked(a["x"], p, heads)), {"x": x}, seed)
    expect_slopes(gradients, lambda p: np.sum(dy * blocked(x, p, heads)), p, seed, 1)


@law(
    exercise="Transformer",
    points=3,
    examples=2,
    hint="Rows of tokens and of positions are added, go through the blocks and the norm, and meet the tokens again: "
    "the gradient by tokens is the sum of both uses. A symbol that occurs twice gets both gradients (fancy "
    "indexing with += keeps one). Positions add up over the batch; unused ones get 0.",
)
@given(seed=SEEDS, shape=st.sampled_from([(2, 3), (1, 1), (1, 4), (2, 4)]))
@example(seed=0, shape=(2, 3))
def test_transformer(transformer, seed, shape):
    """The scores agree with the plain formula, and the gradients by all parameters with central differences."""
    ids, dy = np.random.default_rng(seed).integers(0, 3, shape), drawn(seed, *shape, 3)
    p = numbered(model_shapes(3, 4, 2, 4), seed)
    model = transformer.Transformer(3, 4, 2, 2, 4, 0, F64)
    transformer.load(model, p)
    y, _, gradients = transformer.probe(model, ids, dy)
    expect.close(y, scored(ids, p, 2, 2), rtol=1e-6, atol=1e-8, what="the scores")
    expect_slopes(gradients, lambda p: np.sum(dy * scored(ids, p, 2, 2)), p, seed, 2)


@law(
    exercise="first_difference",
    points=2,
    hint="Go through our trace in its order and return at the first array that differs by more than the tolerance: "
    "the later ones differ too, and by more. A distance that is no number is a difference. Models that agree: None.",
)
def test_first_difference(transformer):
    """The first part where two models differ is named with the largest distance; equal models give None."""
    shapes, ids = model_shapes(3, 4, 2, 5), np.array([[0, 1, 2], [2, 0, 1]])
    p = numbered(shapes, 6)

    def model(layers=2, **changes):
        made = transformer.Transformer(3, 4, layers, 2, 5, 0, F64)
        values = {n: a.copy() for n, a in p.items() if n in model_shapes(3, 4, layers, 5)}
        for name, change in changes.items():
            values[name.replace("_", ".")][..., 0] += change
        transformer.load(made, values)
        return made

    ours = model()
    expect.equal(transformer.first_difference(ours, model(), ids), None, "the difference of equal models")
    for name, part in (
        ("positions", "embedding"),
        ("blocks_0_norm1_shift", "blocks.0.norm1"),
        ("blocks_1_attention_out_bias", "blocks.1.attention.out"),
        ("norm_shift", "norm"),
    ):
        got = transformer.first_difference(ours, model(**{name: -0.25}), ids)
        expect.kind(got, tuple, f"the difference where {name} was changed")
        expect.equal(got[0], part, f"the part where {name} was changed")
        expect.close(got[1], 0.25, what="how far the numbers are apart")
    slightly = model(norm_shift=1e-3)
    expect.equal(
        transformer.first_difference(ours, slightly, ids, 0.01), None, "a change below the tolerance"
    )
    got = transformer.first_difference(ours, model(layers=1), ids)
    expect.equal(got, ("blocks.1.norm1", math.inf), "the difference from a model that has one block only")
    got = transformer.first_difference(ours, model(blocks_0_norm1_shift=math.nan), ids)
    expect.equal(
        got, ("blocks.0.norm1", math.nan), "the difference where one model has numbers that are none"
    )


@law(
    exercise="attend_once",
    points=3,
    hint="Write this place's key and value into the cache first: it looks at itself, too. Then attend to the places "
    "0 to `place` and no more, for what lies behind is not filled yet. One query per stream and head.",
)
def test_a_cache_changes_nothing(transformer):
    """Place by place, with the keys and values kept, the layer finds what it finds for all places at once."""
    for batch, width, heads in ((2, 4, 2), (1, 6, 3)):
        x, p = drawn(3, batch, 4, width), numbered(attention_shapes(width), 4)
        layer = transformer.CausalSelfAttention(width, heads, 0, F64)
        transformer.load(layer, p)
        wanted = attended(x, p, heads)
        three = x @ p["qkv.weight"] + p["qkv.bias"]
        k, v = (part.reshape(batch, 4, heads, -1).swapaxes(1, 2) for part in np.split(three, 3, axis=-1)[1:])
        for place in range(4):
            keys, values = np.full((2, batch, heads, 6, width // heads), 9.0)
            keys[:, :, :place], values[:, :, :place] = k[:, :, :place], v[:, :, :place]
            got, keys, values = transformer.once(layer, x[:, place], keys, values, place)
            expect.close(got, wanted[:, place], rtol=1e-7, atol=1e-9, what=f"y of place {place}")
            for name, cache, kept in (("keys", keys, k), ("values", values, v)):
                expect.close(
                    np.asarray(cache)[:, :, : place + 1], kept[:, :, : place + 1], what=f"the {name} kept"
                )
                expect.equal(
                    np.asarray(cache)[:, :, place + 1 :], np.full((batch, heads, 5 - place, width // heads), 9.0),
                    f"the {name} behind place {place}, which are not yet filled",
                )  # fmt: skip


@law(
    exercise="attend_once",
    points=1,
    hint="Each place must be computed from arrays of the same shapes and layout, whatever was computed before: one "
    "row per stream through qkv and out, and keys and values as slices of the cache.",
)
def test_cached_is_uncached_to_the_bit(transformer):
    """In float32, each score of `step` is that of `uncached`, bit for bit; a full cache is refused."""
    model = transformer.Transformer(5, 8, 2, 2, 4)
    transformer.load(
        model, {n: a.astype(np.float32) for n, a in numbered(model_shapes(5, 8, 2, 4), 5).items()}
    )
    ids = np.random.default_rng(1).integers(0, 5, (3, 4))
    whole, cache = model.uncached(ids), model.start(3)
    expect.equal(str(np.asarray(whole).dtype), "float32", "the dtype of the scores")
    for place in range(4):
        scores, cache = model.step(cache, ids[:, place])
        expect.equal(scores, np.asarray(whole)[:, place], f"the scores of step {place}")
        if place in (0, 2):
            expect.equal(
                scores, model.uncached(ids[:, : place + 1])[:, -1], "the scores, from the prefix alone"
            )
    expect.close(whole, model.forward(ids), rtol=1e-3, atol=1e-4, what="the scores beside those of forward")
    expect.raises("ValueError", model.step, cache, ids[:, 0], naming="full")


def chances_of(scores, temperature, top_k, top_p):
    """Return the chances for one list of scores, by sorting and counting."""
    best = max(scores)
    weigh = (lambda s: math.exp((s - best) / temperature)) if temperature else (lambda s: float(s == best))
    ranked = sorted(range(len(scores)), key=lambda i: (-scores[i], i))[:top_k]
    total, kept, so_far = sum(weigh(scores[i]) for i in ranked), [], 0.0
    for i in ranked:
        if kept and so_far >= top_p - 1e-9:
            break
        kept.append(i)
        so_far += weigh(scores[i]) / total
    total = sum(weigh(scores[i]) for i in kept)
    return [weigh(score) / total if i in kept else 0.0 for i, score in enumerate(scores)]


@law(
    exercise="shape",
    points=2,
    hint="Of ½, ¼, ⅛ and ⅛, top-p 0.8 needs three: the third carries the sum past 0.8. Top-k 1 and top-p 0 leave the "
    "best alone. Divide by the temperature: near 0 the best takes everything, far above 1 all become equal.",
)
def test_known_chances(transformer):
    """Chances of ½, ¼, ⅛ and ⅛ are cut, cooled and heated as one can work out by hand."""
    scores = np.log(np.array([0.125, 0.5, 0.125, 0.25]))
    for settings, wanted in (
        ({}, [1, 4, 1, 2]),
        ({"temperature": 0.5}, [1, 16, 1, 4]),
        ({"temperature": 0.0}, [0, 1, 0, 0]),
        ({"temperature": 0.001}, [0, 1, 0, 0]),
        ({"temperature": 1e9}, [1, 1, 1, 1]),
        ({"top_k": 1}, [0, 1, 0, 0]),
        ({"top_k": 3}, [1, 4, 0, 2]),
        ({"top_k": 9}, [1, 4, 1, 2]),
        ({"top_p": 0.0}, [0, 1, 0, 0]),
        ({"top_p": 0.5}, [0, 1, 0, 0]),
        ({"top_p": 0.8}, [1, 4, 0, 2]),
        ({"top_p": 1.0}, [1, 4, 1, 2]),
        ({"top_k": 2, "top_p": 0.7}, [0, 4, 0, 2]),
        ({"temperature": 0.5, "top_p": 0.75}, [0, 16, 0, 4]),
    ):
        got = transformer.shape(scores, **settings)
        share = np.array(wanted) / sum(wanted)
        expect.close(got, share, rtol=1e-6, atol=1e-9, what=f"the chances with {settings or 'nothing set'}")


@law(
    exercise="shape",
    points=2,
    examples=9,
    hint="Sort by falling score, and of equal ones by number: a stable sort of -scores does that. Cut to top_k, "
    "scale, and keep those before which the sum is below top_p. At a temperature of 0, equal best ones share.",
)
@given(
    seed=SEEDS,
    temperature=st.sampled_from([1.0, 0.0, 0.5, 3.0]),
    top_k=st.sampled_from([None, 1, 2, 3, 7]),
    top_p=st.sampled_from([1.0, 0.0, 0.3, 0.62, 0.9]),
)
@example(seed=0, temperature=0.0, top_k=None, top_p=1.0)
@example(seed=1, temperature=1.0, top_k=2, top_p=1.0)
def test_chances_with_ties(transformer, seed, temperature, top_k, top_p):
    """With many equal scores, in rows, the chances agree with sorting and counting row by row."""
    scores = np.random.default_rng(seed).integers(0, 3, (2, 6)).astype(np.float64)
    got = transformer.carefully(transformer.shape, scores, temperature, top_k, top_p)
    wanted = np.array([chances_of(row, temperature, top_k, top_p) for row in scores.tolist()])
    expect.close(got, wanted, what=f"the chances for {scores.tolist()}")


def joined(ids, pair, new):
    """Replace a pair from left to right, one by one."""
    out, i = [], 0
    while i < len(ids):
        if tuple(ids[i : i + 2]) == pair:
            out.append(new)
            i += 2
        else:
            out.append(ids[i])
            i += 1
    return out


def pairs_of(data, merges):
    """Find the pairs by counting in a dict."""
    ids, pairs = list(data), []
    for new in range(256, 256 + merges):
        counts = {}
        for pair in itertools.pairwise(ids):
            counts[pair] = counts.get(pair, 0) + 1
        best = min(counts, key=lambda pair: (-counts[pair], pair), default=None)
        if best is None or counts[best] < 2:
            break
        pairs.append(best)
        ids = joined(ids, best, new)
    return pairs, ids


TEXTS = st.one_of(
    st.lists(st.sampled_from(list(b"ab")), max_size=14).map(bytes),
    st.lists(st.sampled_from([0, 1, 254, 255]), max_size=14).map(bytes),
    st.integers(0, 9).map(lambda n: bytes([7]) * n),
    st.sampled_from([b"", b"a", b"the then they the", bytes(range(256)) * 2, b"abababcabc"]),
)


@law(
    exercise="learn_pairs",
    points=2,
    examples=8,
    hint="Count each pair of neighbours, overlapping ones too; take the most frequent, of several the one of the "
    "lowest numbers; merge, and count anew. Stop before a pair that occurs once. Each pair is two plain ints.",
)
@given(data=TEXTS, merges=st.integers(0, 5))
@example(data=b"abababcabc", merges=3)
@example(data=b"aaaaaaa", merges=3)
@example(data=b"bbaabbaa", merges=4)
@example(data=b"", merges=2)
def test_learn_pairs(transformer, data, merges):
    """The pairs agree with counting them one by one, with ties, runs and data too short for a pair."""
    expect.equal(transformer.learn_pairs(data, merges), pairs_of(data, merges)[0], f"the pairs of {data!r}")


@law(
    exercise="encode_pairs",
    points=1,
    examples=5,
    hint="Merge pair 0 everywhere, then pair 1, and so on, in the order in which they were learned: a later pair is "
    "made of earlier symbols. Pair i becomes 256 + i.",
)
@given(data=TEXTS, other=TEXTS, merges=st.integers(0, 5))
@example(data=b"abababcabc", other=b"cabcab", merges=3)
def test_encode_pairs(transformer, data, other, merges):
    """Data becomes the symbols that learning left of it, other data too, and all of it can be read back."""
    pairs, left = pairs_of(data, merges)
    got = transformer.encode_pairs(data, pairs)
    expect.equal(np.asarray(got).tolist(), left, f"the symbols of {data!r} with {pairs}")
    ids = list(other)
    for number, pair in enumerate(pairs):
        ids = joined(ids, pair, 256 + number)
    got = transformer.encode_pairs(other, pairs)
    expect.equal(np.asarray(got).tolist(), ids, f"the symbols of {other!r} with {pairs}")
    expect.equal(transformer.decode_pairs(got, pairs), other, "what is read back")


@law(
    exercise="is_causal",
    points=2,
    hint="A row may depend on itself and on rows before it alone. So cut the input off behind a row: the row must come "
    "out as it did before, for every row and for several random inputs, long and short. An exception is an answer.",
)
def test_your_law_tells_right_from_wrong(transformer):
    """Your law accepts three that never look ahead, and refuses those that do, always or now and then."""

    def shifted(x, by):
        moved = np.zeros(x.shape)
        moved[: len(x) - by] = x[by:]
        return moved

    def failing(x):
        raise ValueError("no")

    right = {
        "running sum": lambda x: np.cumsum(x, axis=0),
        "row by row": lambda x: np.tanh(x) + np.arange(len(x))[:, None],
        "the one before": lambda x: np.concatenate([np.zeros((1, 4)), x[:-1]]),
        "always zero": lambda x: np.zeros((len(x), 1)),
    }
    wrong = {
        "the next one": lambda x: shifted(x, 1),
        "far ahead": lambda x: x + shifted(x, min(len(x), 9)),
        "mean of all": lambda x: np.cumsum(x, axis=0) - x.mean(axis=0),
        "divides by how many come": lambda x: np.cumsum(x, axis=0) / len(x),
        "backwards": lambda x: x[::-1],
        "looks ahead once": lambda x: x + np.eye(len(x))[:, :1] * x[-1],
        "only at large numbers": lambda x: x + (shifted(x, 1) > 4),
        "one too few": lambda x: x[1:],
        "no numbers": lambda x: x + np.nan,
        "nothing": lambda _: None,
        "exception": failing,
    }
    for verdict, candidates in ((True, right), (False, wrong)):
        for name, candidate in candidates.items():
            got = transformer.is_causal(candidate)
            expect.equal(got, verdict, f"your law on a {'right' if verdict else 'wrong'} candidate, {name!r}")

"""Hidden laws of lesson 16: other dtypes, the model beside the reference, the future, planted mistakes."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from autograder.laws import expect, law

SEEDS = st.integers(0, 999)


def loaded(module, dtype="float64", **settings):
    """Return a small model whose every parameter is drawn."""
    model = module.Transformer(
        **{"symbols": 5, "width": 4, "layers": 2, "heads": 2, "context": 6} | settings, dtype=dtype
    )
    start = model.parameters
    random = np.random.default_rng(16)
    module.load(
        model, {name: random.normal(0, 0.7, start[name].shape).astype(dtype) for name in sorted(start)}
    )
    return model


@law(
    exercise="attention",
    points=1,
    hint="Axes before the last two are batch and heads: use swapaxes(-1, -2), @ and axis=-1, which leave them alone. "
    "Make no array of NumPy's default dtype.",
)
def test_attention_in_batches(transformer, reference):
    """Batches of heads in float32 stay float32 and apart, forward and backward, and agree with the reference."""
    random = np.random.default_rng(3)
    q, k, v, dy = (random.normal(size=(2, 3, 4, 2)).astype(np.float32) for _ in range(4))
    mask = np.tri(4, dtype=bool)
    y, weights = transformer.carefully(transformer.attention, q, k, v, mask)
    wanted, right = reference.attention(q, k, v, mask)
    gradients = transformer.carefully(transformer.attention_backward, dy, q, k, v, right)
    slopes = reference.attention_backward(dy, q, k, v, right)
    for name, got, ours in zip(
        ("y", "the weights", "dq", "dk", "dv"),
        (y, weights, *gradients),
        (wanted, right, *slopes),
        strict=True,
    ):
        expect.close(got, ours, rtol=1e-4, atol=1e-5, what=name)
        expect.equal(str(np.asarray(got).dtype), "float32", f"the dtype of {name}")


@law(
    exercise="CausalSelfAttention",
    points=1,
    hint="A layer computes in its parameters' dtype, sets its gradients anew at each backward, and knows its shapes "
    "from x alone: the next x may have another batch and another time.",
)
def test_a_layer_used_twice(transformer, reference):
    """The layer can be used for other shapes afterwards, its gradients don't add up, and float32 stays float32."""
    for dtype, near in (("float64", 1e-8), ("float32", 1e-3)):
        random = np.random.default_rng(4)
        ours, theirs = (m.CausalSelfAttention(4, 2, 3, dtype) for m in (transformer, reference))
        for shape in ((2, 3, 4), (1, 5, 4), (1, 5, 4)):
            x, dy = random.normal(size=(2, *shape)).astype(dtype)
            y, dx, gradients = transformer.probe(ours, x, dy)
            wanted, slope, right = reference.probe(theirs, x, dy)
            expect.close(y, wanted, rtol=near, atol=near / 10, what=f"y of shape {shape}")
            expect.close(dx, slope, rtol=near, atol=near / 10, what="the gradient by x")
            expect.equal(sorted(gradients), sorted(right), "the names of the gradients")
            for name, array in right.items():
                expect.close(
                    gradients[name], array, rtol=near, atol=near / 10, what=f"the gradient by {name}"
                )
            expect.equal([str(y.dtype), str(dx.dtype)], [dtype] * 2, "the dtypes")


@law(
    exercise="LayerNorm",
    points=1,
    hint="Take the mean away before you square: the mean of squares less the square of the mean loses all digits "
    "where the mean is large. And cast x to the dtype of the scale.",
)
def test_far_from_zero(transformer):
    """Numbers around 10,000 are normed as well as numbers around 0, by a float32 layer that stays one."""
    x, layer = np.array([[10_000.0, 10_001.0, 10_002.0, 10_003.0]]), transformer.LayerNorm(4)
    y, dx, _ = transformer.probe(layer, x, np.array([[1.0, 0.0, 0.0, 0.0]], np.float64))
    wanted = np.array([[-1.5, -0.5, 0.5, 1.5]]) / math.sqrt(1.25 + 1e-5)
    expect.close(y, wanted.astype(np.float32), rtol=1e-4, what="y")
    expect.equal([str(y.dtype), str(dx.dtype)], ["float32"] * 2, "the dtypes of y and of the gradient by x")


@law(
    exercise="GELU",
    points=1,
    hint="tanh has no trouble with large numbers, e to a large number has. Far below 0 both y and the slope are 0.",
)
def test_gelu_far_out(transformer):
    """Far from 0, GELU is x or 0 and its slope 1 or 0, without a warning."""
    x = np.array([-1e4, -30.0, 30.0, 1e4])
    y, dx, _ = transformer.probe(transformer.GELU(), x, np.full(4, 2.0))
    expect.close(y, np.maximum(x, 0), what="y")
    expect.close(dx, np.array([0.0, 0.0, 2.0, 2.0]), what="the gradient by x where that by y is 2")


@law(
    exercise="Block",
    points=1,
    hint="Compare with the two lines of the docstring, and mind which x the second addition starts from.",
)
def test_a_silent_block_is_the_stream(transformer):
    """A block whose parts say nothing hands x on unchanged, and its gradient too."""
    block = transformer.Block(4, 2, 0, "float64")
    quiet = ("attention.out.weight", "attention.out.bias", "mlp.2.weight", "mlp.2.bias")
    start = block.parameters
    transformer.load(block, {name: start[name] * (name not in quiet) for name in start})
    x, dy = np.random.default_rng(1).normal(size=(2, 1, 3, 4))
    y, dx, gradients = transformer.probe(block, x, dy)
    expect.equal(y, x, "y of a block that adds nothing")
    expect.equal(dx, dy, "its gradient by x")
    expect.close(gradients["mlp.2.bias"], dy.sum(axis=(0, 1)), what="the gradient by the last bias")


@law(
    exercise="Transformer",
    points=2,
    examples=2,
    hint="Something mixes places: a mask that is off by one, a transpose of the wrong axes, a mean over time. Look "
    "at one layer after another, with one byte changed at the end.",
)
@given(seed=SEEDS)
@example(seed=0)
def test_the_future_changes_nothing(transformer, seed):
    """Other bytes later, or another row of the batch, change no score before, to the last bit, and no gradient."""
    random, model = np.random.default_rng(seed), loaded(transformer)
    ids, place = random.integers(0, 5, (2, 6)), int(random.integers(0, 5))
    other, dy = ids.copy(), np.zeros((2, 6, 5))
    other[0, place + 1 :] = (ids[0, place + 1 :] + 1) % 5
    dy[0, : place + 1] = random.normal(size=(place + 1, 5))
    y, dx, gradients = transformer.probe(model, ids, dy)
    z, _, others = transformer.probe(model, other, dy)
    expect.equal(z[0, : place + 1], y[0, : place + 1], "the scores before the first change")
    expect.equal(z[1], y[1], "the scores of the other row of the batch")
    expect.true(
        bool(np.any(z[0, place + 1] != y[0, place + 1])), "the scores don't depend on their own place"
    )
    expect.equal(dx[0, place + 1 :], np.zeros((5 - place, 4)), "the gradient by later places")
    expect.close(others["blocks.0.mlp.0.weight"], gradients["blocks.0.mlp.0.weight"], what="a gradient")
    moved = np.abs(others["tokens"] - gradients["tokens"]).max()
    expect.true(bool(moved < 1e-9), "the gradient by the tokens depends on bytes that come later", got=moved)


@law(
    exercise="Transformer",
    points=1,
    hint="Compute in the dtype of the parameters, gradients too, and for no rows at all: their gradients are 0.",
)
def test_the_model_in_float32(transformer, reference):
    """In float32, scores and gradients agree with the reference and keep the dtype; an empty batch costs nothing."""
    ours, theirs = loaded(transformer, "float32"), loaded(reference, "float32")
    random = np.random.default_rng(2)
    for batch in (2, 0):
        ids, dy = random.integers(0, 5, (batch, 3)), random.normal(size=(batch, 3, 5))
        y, _, gradients = transformer.probe(ours, ids, dy)
        wanted, _, right = reference.probe(theirs, ids, dy)
        expect.close(y, wanted, rtol=1e-3, atol=1e-4, what="the scores")
        expect.equal(sorted(gradients), sorted(right), "the names of the gradients")
        for name, array in {**right, "scores": wanted}.items():
            got = gradients.get(name, y)
            expect.close(got, array, rtol=1e-2, atol=1e-3, what=f"{name}, for a batch of {batch}")
            expect.equal(str(np.asarray(got).dtype), "float32", f"the dtype of {name}")


@law(
    exercise="first_difference",
    points=1,
    hint="Compare with `not far <= tolerance`: a NaN is below no tolerance and above none. And nothing at all has no "
    "largest distance: give max an `initial`.",
)
def test_differences_at_the_edges(transformer):
    """A distance equal to the tolerance is none, an empty batch has no difference, other shapes are infinitely far."""
    first, second = loaded(transformer), loaded(transformer)
    start = second.parameters
    changed = start["norm.shift"].copy()
    changed[1] += 0.5
    transformer.load(second, {**{name: start[name] for name in start}, "norm.shift": changed})
    ids = np.array([[0, 1]])
    far = transformer.first_difference(first, second, ids)
    expect.equal(far[0], "norm", "the part that differs")
    expect.close(far[1], 0.5, what="how far")
    at_most = transformer.first_difference(first, second, ids, far[1])
    expect.kind(at_most, tuple, "the difference where the tolerance is just what the norms are apart")
    expect.equal(at_most[0], "scores", "the part that differs by more than that")
    expect.equal(transformer.first_difference(second, first, ids)[0], "norm", "the part, the other way round")
    expect.equal(transformer.first_difference(first, second, ids[:0]), None, "the difference for no rows")
    wider = loaded(transformer, width=6)
    expect.equal(
        transformer.first_difference(first, wider, ids), ("embedding", math.inf), "one of another width"
    )


@law(
    exercise="attend_once",
    points=1,
    hint="One stream's key must not reach another's: place them by `keys[:, :, place] = …`, with batch and heads in "
    "their own axes.",
)
def test_streams_stay_apart(transformer):
    """Each stream finds what it finds alone, whatever the others hold, for as long as the cache has room."""
    model = loaded(transformer)
    ids = np.random.default_rng(7).integers(0, 5, (3, 6))
    wanted, cache, alone = model.forward(ids), model.start(3), model.start(1)
    for place in range(6):
        scores, cache = model.step(cache, ids[:, place])
        expect.close(
            scores, np.asarray(wanted)[:, place], rtol=1e-7, atol=1e-9, what=f"the scores of place {place}"
        )
        single, alone = model.step(alone, ids[1:2, place])
        expect.close(single[0], scores[1], rtol=1e-7, atol=1e-9, what="the scores of a stream alone")


@law(
    exercise="shape",
    points=1,
    hint="Work along the last axis, in float64, and leave the scores as they were. Does a temperature of 0 divide?",
)
def test_chances_of_any_shape(transformer, reference):
    """Large float32 scores, of any shape, have the chances of the reference, without a warning."""
    random = np.random.default_rng(5)
    for shape in ((7,), (2, 3, 7), (1, 1)):
        scores = (random.normal(size=shape) * 1e4).astype(np.float32)
        for settings in ((1.0, None, 1.0), (0.0, 3, 0.9), (1e4, 3, 0.8), (1e4, None, 0.5)):
            got = transformer.carefully(transformer.shape, scores, *settings)
            expect.close(got, reference.shape(scores, *settings), what=f"the chances with {settings}")
            expect.equal(str(np.asarray(got).dtype), "float64", "their dtype")
    few = random.integers(0, 4, 300).astype(np.float64)
    got = transformer.shape(few, 1.0, 30)
    expect.close(
        got, reference.shape(few, 1.0, 30), what="the chances of 300 symbols with four scores and top-k 30"
    )


@law(
    exercise="learn_pairs",
    points=1,
    hint="Count anew after every merge: the new symbol has neighbours of its own. Are symbols above 255 counted right?",
)
def test_many_pairs(transformer, reference):
    """A longer text with many merges has the pairs of the reference, and its symbols are read back."""
    data = (
        b"In the beginning God created the heaven and the earth. And the earth was without form, and void; "
        * 3
    )
    pairs = transformer.learn_pairs(data, 80)
    expect.equal(pairs, reference.learn_pairs(data, 80), "the pairs")
    ids = transformer.encode_pairs(data, pairs)
    expect.equal(np.asarray(ids).tolist(), reference.encode_pairs(data, pairs).tolist(), "the symbols")


BUGS_IN_THE_MASK = ["mask_off_by_one", "looks_everywhere", "heads_mixed_up"]


@law(
    exercise="is_causal",
    points=3,
    examples=2,
    hint="Some leaks show only where there are several rows to come, and some are small: compare to 1e-9, and for "
    "every row, not the first or the last alone.",
)
@given(order=st.permutations(["right", "right", *BUGS_IN_THE_MASK]))
def test_your_law_meets_planted_bugs(transformer, reference, bugs, order):
    """Your law accepts our attention and refuses that of every planted mistake, in whatever order they come."""

    def candidate(module):
        layer = module.CausalSelfAttention(4, 2, 0, "float64")
        return lambda x: layer.forward(x[None])[0]

    for name in order:
        module = reference if name == "right" else bugs[name]
        verdict = transformer.is_causal(candidate(module))
        expect.equal(verdict, name == "right", "your law on an attention, right or with a mistake")

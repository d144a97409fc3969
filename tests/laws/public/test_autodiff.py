"""Public laws of lesson 10: operations against NumPy and central differences, graphs against counting."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from autograder.laws import expect, law

SEEDS = st.integers(0, 999)
SHAPES = st.sampled_from([(), (3,), (2, 3), (1, 2), (2, 1, 2), (0,), (0, 2)])
# Pairs that broadcast: equal shapes, added axes, axes of length 1, both at once, scalars, and empty arrays.
PAIRS = st.sampled_from(
    [
        ((), ()),
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((3,), (2, 3)),
        ((2, 3), (2, 1)),
        ((2, 1), (1, 3)),
        ((3,), (2, 1)),
        ((), (2, 2)),
        ((2, 2), ()),
        ((1,), ()),
        ((1, 1), (3,)),
        ((2, 1, 3), (2, 1)),
        ((0, 3), (3,)),
        ((2, 1), (2, 0)),
    ]
)
# Node i of a graph has the parents p mod i and q mod i; node 0 is the leaf, the last node the output.
# To draw one string of bytes is quick, and to draw a list entry by entry is not.
GRAPHS = st.binary(max_size=8).map(lambda raw: [(byte % 12, byte // 12 % 12) for byte in raw])


def quarters(seed, shape, low=1, high=12):
    """Draw multiples of 1/4, which are easy to read and exact; all positive unless asked otherwise."""
    return np.asarray(np.random.default_rng(seed).integers(low, high + 1, shape) / 4)


def signed(seed, shape):
    return quarters(seed, shape, -8, 8)


def array(value):
    """Take a NumPy number for what it is in NumPy: an array of shape ()."""
    return np.asarray(value) if isinstance(value, np.generic) else value


def central(function, x):
    """Measure a gradient by central differences, in float64."""
    gradient = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        nudge = np.zeros(x.shape)
        nudge[place] = 1e-5
        gradient[place] = (function(x + nudge) - function(x - nudge)) / 2e-5
    return gradient


def check_operation(tensor, forward, inputs, seed):
    """Hold an operation's result against NumPy, and its rule against central differences."""
    value = np.asarray(forward(*inputs))
    expect.close(array(tensor.data), value, what="the data of the result")
    weights = signed(seed + 1, value.shape)
    shares = tensor.rule(weights)
    expect.kind(shares, tuple, "what the rule returns")
    expect.equal(len(shares), len(inputs), "the number of gradients that the rule returns")
    for i, x in enumerate(inputs):

        def weighted(nudged, i=i):
            return np.sum(weights * forward(*inputs[:i], nudged, *inputs[i + 1 :]))

        what = f"the gradient by operand {i} where the gradient by the result is {weights.tolist()}"
        expect.close(array(shares[i]), central(weighted, x), rtol=1e-6, atol=1e-7, what=what)


@law(
    exercise="numerical_gradient",
    points=2,
    examples=12,
    hint="Nudge one entry at a time, once up and once down, and divide the difference by twice the step. "
    "Start from a float64 copy.",
)
@given(shape=SHAPES, seed=SEEDS)
@example(shape=(), seed=0)
def test_numerical_gradient_of_a_quadratic(autodiff, shape, seed):
    """On a quadratic function, central differences are right to the last digits."""
    x, weights = signed(seed, shape), quarters(seed + 1, shape)
    before, seen = x.copy(), []

    def function(point):
        seen.append(np.array(point))
        return float(np.sum(weights * point * point) + np.sum(point) ** 2)

    got = autodiff.numerical_gradient(function, x)
    expected = np.asarray(2 * weights * x + 2 * np.sum(x))
    expect.close(array(got), expected, rtol=1e-7, atol=1e-6, what="the gradient")
    expect.equal(x, before, "x after the call")
    changed = max((int(np.sum(point != x)) for point in seen), default=0)
    expect.true(changed <= 1, "more than one entry of x was nudged at a time", got=changed)
    whole = autodiff.numerical_gradient(lambda point: float(point[0] * point[1]), np.array([3, 4]))
    what = "the gradient of x0 · x1 at the integers 3 and 4"
    expect.close(whole, np.array([4.0, 3.0]), rtol=1e-6, what=what)


@law(
    exercise="unbroadcast",
    points=2,
    examples=25,
    hint="An entry that was used several times gets the sum of all its gradients. Which axes were added in "
    "front, and which had length 1?",
)
@given(shapes=PAIRS, seed=SEEDS)
@example(shapes=((2, 1), (1, 3)), seed=0)
def test_unbroadcast_adds_up_what_was_repeated(autodiff, shapes, seed):
    """Each entry gets the sum over all places that broadcasting copied it to."""
    shape = shapes[0]
    gradient = signed(seed, np.broadcast_shapes(*shapes))
    size = math.prod(shape)
    source = np.broadcast_to(np.arange(size).reshape(shape), gradient.shape)  # the entry copied to each place
    sums = np.bincount(source.ravel(), weights=gradient.ravel(), minlength=size)
    expected = sums.astype(float).reshape(shape)
    got = autodiff.unbroadcast(gradient, shape)
    expect.close(array(got), expected, what=f"the gradient of shape {gradient.shape} brought back to {shape}")


@law(
    exercise="add",
    points=1,
    examples=25,
    hint="A sum passes the gradient on to both, each brought back to its own shape by unbroadcast.",
)
@given(shapes=PAIRS, seed=SEEDS)
@example(shapes=((2, 3), (3,)), seed=0)
def test_add(autodiff, shapes, seed):
    """A sum and its gradients agree with NumPy and central differences."""
    x, y = signed(seed, shapes[0]), signed(seed + 7, shapes[1])
    check_operation(autodiff.add(autodiff.Tensor(x), autodiff.Tensor(y)), np.add, [x, y], seed)


@law(
    exercise="multiply",
    points=2,
    examples=25,
    hint="If a grows by 1, a · b grows by b. Multiply first, then bring the shape back.",
)
@given(shapes=PAIRS, seed=SEEDS)
@example(shapes=((2, 1), (1, 3)), seed=0)
def test_multiply(autodiff, shapes, seed):
    """A product and its gradients agree with NumPy and central differences."""
    x, y = signed(seed, shapes[0]), signed(seed + 7, shapes[1])
    a = autodiff.Tensor(x)
    check_operation(autodiff.multiply(a, autodiff.Tensor(y)), np.multiply, [x, y], seed)
    expect.equal(array(a.data), x, "the data of the first operand afterwards")


@law(
    exercise="topological_order",
    points=2,
    examples=30,
    hint="Put a tensor in the list only when all its parents are in it, and remember which you have seen.",
)
@given(graph=GRAPHS)
@example(graph=[])
@example(graph=[(0, 0), (1, 1)])
@example(graph=[(0, 0), (1, 0), (2, 1), (3, 0)])
def test_parents_come_first(autodiff, graph):
    """Each tensor that the output needs stands in the list once, after its parents."""
    parents = [(), *((p % i, q % i) for i, (p, q) in enumerate(graph, 1))]
    nodes = []
    for i, own in enumerate(parents):
        nodes.append(autodiff.Tensor(float(i), tuple(nodes[p] for p in own)))
    order = autodiff.topological_order(nodes[-1])
    expect.kind(order, list, "the order")
    labels = [int(array(node.data)) for node in order]
    needed, queue = set(), [len(graph)]
    while queue:
        i = queue.pop()
        needed.add(i)
        queue += parents[i]
    expect.equal(sorted(labels), sorted(needed), "the tensors in the list, by their data")
    for place, i in enumerate(labels):
        for p in parents[i]:
            expect.true(p in labels[:place], f"tensor {i} comes before its parent {p}", got=labels)


@law(
    exercise="topological_order",
    points=1,
    hint="Python gives up after about a thousand calls within calls. Keep your own stack, in a list.",
)
def test_a_deep_graph(autodiff):
    """A graph that is three thousand additions deep is put in order too."""
    leaf = autodiff.Tensor(1.0)
    order = autodiff.topological_order(autodiff.repeated_sum(leaf, 3_000))
    expect.equal(len(order), 3_001, "the length of the order")
    expect.close(array(order[0].data), np.asarray(1.0), what="the data of the first tensor in the order")
    expect.close(array(order[-1].data), np.asarray(3_001.0), what="the data of the last tensor in the order")


@law(
    exercise="backward",
    points=1,
    hint="On paper: c = b + b hands its gradient to b twice. Add what arrives; don't replace what was there.",
)
def test_pencil_example(autodiff):
    """With b = a + a and c = b + b, the gradient of c by a is 4 and by b is 2."""
    a = autodiff.Tensor(1.0)
    b = autodiff.add(a, a)
    c = autodiff.add(b, b)
    autodiff.backward(c)
    for name, tensor, gradient in [("c", c, 1.0), ("b", b, 2.0), ("a", a, 4.0)]:
        expect.close(array(tensor.grad), np.asarray(gradient), what=f"the gradient of c by {name}")


@law(
    exercise="backward",
    points=3,
    examples=25,
    hint="A tensor may pass its gradient on only when every tensor that used it has been dealt with. Two "
    "parents may be handed the very same array: don't change it.",
)
@given(graph=GRAPHS)
@example(graph=[(0, 0), (1, 0)])
@example(graph=[(0, 0), (1, 1), (2, 0), (3, 1)])
def test_gradients_count_paths(autodiff, graph):
    """In a graph of additions, a gradient is the number of paths to the tensor."""
    parents = [(), *((p % i, q % i) for i, (p, q) in enumerate(graph, 1))]
    nodes = [autodiff.Tensor(1.0)]
    for p, q in parents[1:]:
        nodes.append(autodiff.add(nodes[p], nodes[q]))
    paths = [0] * len(parents)
    paths[-1] = 1
    for i in reversed(range(len(parents))):
        for p in parents[i]:
            paths[p] += paths[i]
    autodiff.backward(nodes[-1])
    got = np.array([float(array(node.grad)) for node in nodes])
    expect.close(got, np.array(paths, dtype=float), what="the gradients of all tensors, the leaf's first")


@law(
    exercise="backward",
    points=1,
    hint="Look at output.data.size and at the seed's shape before you start.",
)
def test_many_numbers_need_a_seed(autodiff):
    """Several numbers without a seed of their shape are refused with ValueError."""
    values, seed = np.array([1.0, 2.0, 3.0]), np.array([1.0, 10.0, 100.0])
    x = autodiff.Tensor(values)
    autodiff.backward(autodiff.multiply(x, x), seed)
    expect.close(x.grad, 2 * values * seed, what="the gradient from the seed [1, 10, 100]")
    one = autodiff.Tensor(np.array([[3.0]]))
    autodiff.backward(autodiff.multiply(one, one))
    expect.close(one.grad, np.array([[6.0]]), what="the gradient of one number of shape (1, 1)")
    output = autodiff.multiply(x, x)
    three = "backward of three numbers"
    expect.raises("ValueError", autodiff.backward, output, what=f"{three} without a seed")
    expect.raises("ValueError", autodiff.backward, output, np.ones(2), what=f"{three} with a seed of two")
    expect.raises("ValueError", autodiff.backward, output, 1.0, what=f"{three} with a seed of shape ()")


@law(
    exercise="backward",
    points=1,
    hint="Each call adds one gradient to grad. Pass on what arrived in this call, not what grad has "
    "gathered.",
)
def test_two_calls_add_up(autodiff):
    """Each further call adds the same gradient again; a grad set to zero starts anew."""
    x = autodiff.Tensor(3.0)
    y = autodiff.multiply(x, x)
    z = autodiff.add(y, y)
    for calls in (1, 2, 3):
        autodiff.backward(z)
        after = f"after {calls} calls, y being x · x"
        expect.close(array(y.grad), np.asarray(2.0 * calls), what=f"the gradient of y + y by y {after}")
        expect.close(array(x.grad), np.asarray(12.0 * calls), what=f"the gradient of y + y by x {after}")
    x.grad = np.zeros(())
    autodiff.backward(z)
    expect.close(array(x.grad), np.asarray(12.0), what="the gradient by x after it was set to zero")


@law(
    exercise="power",
    points=1,
    examples=16,
    hint="The power comes down as a factor, and the exponent falls by one.",
)
@given(shape=SHAPES, seed=SEEDS, exponent=st.sampled_from([2, 3, -1, 0.5, 1, 0, -2]))
@example(shape=(3,), seed=0, exponent=3)
def test_power(autodiff, shape, seed, exponent):
    """A power and its gradient agree with NumPy and central differences."""
    x = quarters(seed, shape)
    check_operation(autodiff.power(autodiff.Tensor(x), exponent), lambda a: a**exponent, [x], seed)


@law(
    exercise="exp",
    points=1,
    examples=8,
    hint="The exponential is its own slope; the gradient that arrives is a factor.",
)
@given(shape=SHAPES, seed=SEEDS)
@example(shape=(3,), seed=0)
def test_exp(autodiff, shape, seed):
    """The exponential and its gradient agree with NumPy and central differences."""
    x = signed(seed, shape)
    check_operation(autodiff.exp(autodiff.Tensor(x)), np.exp, [x], seed)


@law(exercise="log", points=1, hint="The slope of the natural logarithm at x is 1/x.", examples=8)
@given(shape=SHAPES, seed=SEEDS)
@example(shape=(3,), seed=0)
def test_log(autodiff, shape, seed):
    """The logarithm and its gradient agree with NumPy and central differences."""
    x = quarters(seed, shape, 2)
    check_operation(autodiff.log(autodiff.Tensor(x)), np.log, [x], seed)


@law(
    exercise="reduce_sum",
    points=2,
    examples=24,
    hint="Every entry that was added gets the same gradient: the sum's. Put the lost axes back with length 1"
    " before you broadcast.",
)
@given(
    case=st.sampled_from(
        [
            ((3,), None),
            ((2, 3), None),
            ((2, 2), 0),
            ((2, 2), 1),
            ((2, 2), -1),
            ((2, 3), 1),
            ((2, 3, 2), 1),
            ((), None),
            ((2, 2, 2), (0, 2)),
            ((2, 3, 2), (-1, 0)),
            ((0, 2), 0),
            ((2, 0), 1),
            ((1, 2), 0),
        ]
    ),
    keepdims=st.booleans(),
    seed=SEEDS,
)
@example(case=((2, 2), 1), keepdims=False, seed=0)
@example(case=((2, 2), 1), keepdims=True, seed=0)
def test_reduce_sum(autodiff, case, keepdims, seed):
    """A sum over axes and its gradient agree with NumPy and central differences."""
    shape, axis = case
    x = signed(seed, shape)
    result = autodiff.reduce_sum(autodiff.Tensor(x), axis=axis, keepdims=keepdims)
    check_operation(result, lambda a: a.sum(axis=axis, keepdims=keepdims), [x], seed)


@law(
    exercise="matmul",
    points=2,
    examples=16,
    hint="Write the shapes down: the gradient by a (n by k) from the result's (n by m) and b (k by m) leaves"
    " one way to fit. Swap the last two axes only.",
)
@given(
    shapes=st.sampled_from(
        [
            ((2, 3), (3, 2)),
            ((1, 2), (2, 3)),
            ((3, 1), (1, 2)),
            ((2, 2), (2, 2)),
            ((2, 2, 3), (2, 3, 1)),
            ((2, 1, 2), (2, 3)),
            ((2, 2), (3, 2, 2)),
            ((2, 1, 1, 2), (3, 2, 1)),
        ]
    ),
    seed=SEEDS,
)
@example(shapes=((2, 2), (2, 2)), seed=0)
def test_matmul(autodiff, shapes, seed):
    """A matrix product and its gradients agree with NumPy and central differences."""
    x, y = signed(seed, shapes[0]), signed(seed + 7, shapes[1])
    check_operation(autodiff.matmul(autodiff.Tensor(x), autodiff.Tensor(y)), np.matmul, [x, y], seed)


@law(
    exercise="take_rows",
    points=1,
    examples=12,
    hint="A row that was taken twice gets both gradients. Look up what NumPy does with total[rows] += "
    "gradient when rows repeats a number.",
)
@given(rows=st.binary(max_size=5).map(lambda raw: [byte % 6 - 3 for byte in raw]), seed=SEEDS)
@example(rows=[1, 0, 1, 1], seed=0)
@example(rows=[], seed=0)
def test_take_rows(autodiff, rows, seed):
    """Rows taken, once or often, and the gradient agree with NumPy and differences."""
    x = signed(seed, (3, 2))
    numbers = np.array(rows, dtype=np.int64)
    check_operation(autodiff.take_rows(autodiff.Tensor(x), numbers), lambda table: table[numbers], [x], seed)
    pairs = np.array([[2, 0], [2, 2]])
    check_operation(autodiff.take_rows(autodiff.Tensor(x), pairs), lambda table: table[pairs], [x], seed)


@law(
    exercise="bigram_bits",
    points=2,
    examples=6,
    hint="Scores are embedding @ output + bias; log_softmax makes them ln p. Multiply by the counts, add up,"
    " and turn nats into bits.",
)
@given(seed=SEEDS)
def test_bigram_bits(autodiff, seed):
    """The bits are Σ counts · −log2 p, and their gradients are the true ones."""
    counts = quarters(seed, (3, 3), 0) * 4
    shapes = ((3, 2), (2, 3), (3,))
    values = [signed(seed + i, shape) for i, shape in enumerate(shapes, 1)]

    def bits(embedding, output, bias):
        scores = embedding @ output + bias
        surprises = np.log(np.exp(scores).sum(axis=1, keepdims=True)) - scores
        return float(np.sum(counts * surprises) / np.log(2))

    network = [autodiff.Tensor(value) for value in values]
    result = autodiff.bigram_bits(counts, *network)
    expect.close(array(result.data), np.asarray(bits(*values)), what="the bits")
    autodiff.backward(result)
    for i, name in enumerate(("embedding", "output", "bias")):
        expected = central(lambda x, i=i: bits(*values[:i], x, *values[i + 1 :]), values[i])
        what = f"the gradient of the bits by the {name}"
        expect.close(network[i].grad, expected, rtol=1e-5, atol=1e-5, what=what)


@law(
    exercise="is_gradient",
    points=2,
    hint="Measure the gradient yourself at points that you draw, and compare shapes before values. An "
    "exception is an answer too.",
)
def test_your_law_tells_right_from_wrong(autodiff):
    """Your law accepts right gradients and refuses wrong values, shapes and exceptions."""

    def cubes(x):
        return float(np.sum(x**3))

    def off_in_one_entry(x):
        gradient = 3 * x**2
        gradient.flat[-1] *= 1.1
        return gradient

    def known_in_range(x):
        return 3 * x**2 if np.all((x >= 0.5) & (x <= 2)) else np.full(x.shape, np.nan)

    def failing(x):
        raise ValueError("operands could not be broadcast together")

    right = {
        "Σ x³": (cubes, lambda x: 3 * x**2, (2, 3)),
        "x²": (lambda x: float(x**2), lambda x: 2 * x, ()),
        "Σ ln x": (lambda x: float(np.sum(np.log(x))), lambda x: 1 / x, (3,)),
        "3 x², known between 0.5 and 2 only": (cubes, known_in_range, (2, 3)),
        "2 Σ x": (lambda x: float(2 * np.sum(x)), lambda x: np.full(x.shape, 2.0), (2,)),
    }
    wrong = {
        "exponent not lowered": (cubes, lambda x: 3 * x**3, (2, 3)),
        "sign": (cubes, lambda x: -3 * x**2, (2, 3)),
        "one entry": (cubes, off_in_one_entry, (2, 3)),
        "added up": (cubes, lambda x: np.sum(3 * x**2, axis=0), (2, 3)),
        "shape ()": (lambda x: float(2 * np.sum(x)), lambda x: np.full(x.shape[1:], 2.0), (2,)),
        "zero": (cubes, lambda x: np.zeros(x.shape), (3,)),
        "exception": (cubes, failing, (3,)),
    }
    for verdict, cases in ((True, right), (False, wrong)):
        for name, (function, gradient, shape) in cases.items():
            got = autodiff.is_gradient(function, gradient, shape)
            expect.equal(got, verdict, f"your law on the {'right' if verdict else 'wrong'} gradient {name!r}")

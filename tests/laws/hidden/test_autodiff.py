"""Hidden laws of lesson 10: harder arrays, whole expressions beside the reference, and planted mistakes."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from autograder.laws import expect, law

SEEDS = st.integers(0, 999)
# One step of an expression: an operation, and which of the values so far it takes.
OPERATIONS = ["add", "multiply", "root", "inverse", "log", "exp"]
PROGRAMS = st.binary(min_size=1, max_size=7).map(
    lambda raw: [(OPERATIONS[byte % 6], byte // 6 % 6, byte // 36) for byte in raw]
)
LEAVES = ((2, 3), (3,), (2, 1), ())


def positive(seed, shape):
    return np.asarray(np.random.default_rng(seed).uniform(0.5, 2, shape))


def array(value):
    """Take a NumPy number for what it is in NumPy: an array of shape ()."""
    return np.asarray(value) if isinstance(value, np.generic) else value


def run(module, program, seed):
    """Compute an expression of positive numbers; return its leaves and its value."""
    leaves = [module.Tensor(positive(seed + i, shape)) for i, shape in enumerate(LEAVES)]
    values = list(leaves)
    for operation, i, j in program:
        a, b = values[-1 - i % len(values)], values[j % len(values)]
        values.append(
            {
                "add": lambda a, b: module.add(a, b),
                "multiply": lambda a, b: module.multiply(a, b),
                "root": lambda a, _: module.power(a, 0.5),
                "inverse": lambda a, b: module.multiply(b, module.power(a, -1)),
                "log": lambda a, _: module.log(module.add(a, 1)),
                "exp": lambda a, _: module.exp(module.multiply(module.power(module.add(a, 1), -1), -1)),
            }[operation](a, b)
        )
    total = module.reduce_sum(values[0])
    for value in values[1:]:
        total = module.add(total, module.reduce_sum(value))
    return leaves, total


@law(
    exercise="backward",
    points=2,
    examples=12,
    hint="Build a longer expression in which values are used again, and compare with gradient_error.",
)
@given(program=PROGRAMS, seed=SEEDS)
@example(program=[("multiply", 0, 0), ("multiply", 0, 0), ("inverse", 1, 0)], seed=0)
def test_whole_expressions(autodiff, reference, program, seed):
    """Gradients of whole expressions, with values used again and broadcast, agree with ours."""
    leaves, total = run(autodiff, program, seed)
    ours, our_total = run(reference, program, seed)
    expect.close(array(total.data), np.asarray(our_total.data), rtol=1e-8, what="the value")
    autodiff.backward(total)
    reference.backward(our_total)
    for got, expected in zip(leaves, ours, strict=True):
        what = f"the gradient of shape {expected.shape}"
        expect.close(array(got.grad), expected.grad, rtol=1e-7, atol=1e-9, what=what)


@law(
    exercise="backward",
    points=1,
    hint="How deep does your own code call itself? Try repeated_sum(Tensor(1.0), 5_000).",
)
def test_gradient_of_a_deep_graph(autodiff):
    """The gradient of five thousand additions in a row is their number and one."""
    leaf = autodiff.Tensor(np.array([1.0, 2.0]))
    autodiff.backward(autodiff.repeated_sum(leaf, 5_000), np.array([1.0, 0.5]))
    expect.close(leaf.grad, np.array([5_001.0, 2_500.5]), what="the gradient")


@law(
    exercise="backward",
    points=1,
    hint="Which of your arrays is float64 because NumPy's default is? Look at ones, zeros and asarray.",
)
def test_float32_stays_float32(autodiff):
    """Where all data are float32, so are all results and all gradients."""
    x = autodiff.Tensor(np.array([[1.0, 2.0], [3.0, 4.0]], dtype=np.float32))
    results = {
        "add": autodiff.add(x, 1.5),
        "multiply": autodiff.multiply(x, 0.5),
        "power": autodiff.power(x, 3),
        "exp": autodiff.exp(x),
        "log": autodiff.log(x),
        "reduce_sum": autodiff.reduce_sum(x, axis=0),
        "matmul": autodiff.matmul(x, x),
        "take_rows": autodiff.take_rows(x, np.array([0, 0, 1])),
    }
    for name, result in results.items():
        expect.equal(str(array(result.data).dtype), "float32", f"the dtype of the result of {name}")
        x.grad = np.zeros((2, 2), dtype=np.float32)
        autodiff.backward(autodiff.reduce_sum(result))
        expect.equal(str(array(x.grad).dtype), "float32", f"the dtype of the gradient through {name}")
    x.grad = np.zeros((2, 2), dtype=np.float32)
    autodiff.backward(autodiff.reduce_sum(x, axis=0), [1.0, 2.0])
    expected = np.array([[1.0, 2.0], [1.0, 2.0]], dtype=np.float32)
    expect.equal(array(x.grad), expected, "the gradient from the seed [1.0, 2.0], a plain list")


@law(
    exercise="matmul",
    points=1,
    examples=10,
    hint="Try operands that are transposed views, and operands with one axis.",
)
@given(seed=SEEDS)
def test_matmul_of_views(autodiff, reference, seed):
    """Operands that are transposed views have the same gradients; vectors are refused."""
    values = [positive(seed, (3, 2)), positive(seed + 1, (2, 5, 3))]
    weights = positive(seed + 2, (2, 2, 5))

    def gradients(module):
        a, b = (module.Tensor(value) for value in values)
        module.backward(module.matmul(module.transpose(a), module.transpose(b, (0, 2, 1))), weights)
        return [array(a.grad), array(b.grad)]

    for got, expected in zip(gradients(autodiff), gradients(reference), strict=True):
        expect.close(got, expected, rtol=1e-8, what="a gradient through transposed operands")
    vector, matrix = autodiff.Tensor(np.ones(2)), autodiff.Tensor(np.ones((2, 2)))
    expect.raises("ValueError", autodiff.matmul, matrix, vector, what="matmul of a matrix and a vector")
    expect.raises("ValueError", autodiff.matmul, vector, matrix, what="matmul of a vector and a matrix")


@law(
    exercise="unbroadcast",
    points=1,
    hint="Compare the shapes from the last axis on: each length must be 1 or the gradient's.",
)
def test_unfit_shape_is_refused(autodiff):
    """A shape that can't be broadcast to the gradient's is refused with ValueError."""
    gradient = np.arange(6.0).reshape(2, 3)
    got = autodiff.unbroadcast(gradient, (1, 3))
    expect.close(got, np.array([[3.0, 5.0, 7.0]]), what="the gradient of shape (1, 3)")
    for shape in ((3, 2), (6,), (2,), (1, 2, 3), (2, 2), (0,)):
        expect.raises("ValueError", autodiff.unbroadcast, gradient, shape)


@law(exercise="power", points=1, hint="What is 0 to the power of -1, and do you need it?")
def test_power_at_zero(autodiff):
    """The powers 0, 1, 2 and 3 have their gradients at 0 and below, and none is NaN."""
    x = np.array([0.0, -2.0, 3.0])
    for exponent, slope in [(2, 2 * x), (3, 3 * x**2), (1, np.ones(3)), (0, np.zeros(3))]:
        (got,) = autodiff.power(autodiff.Tensor(x), exponent).rule(np.ones(3))
        expect.close(got, slope, what=f"the gradient of x ** {exponent} at 0, -2 and 3")


@law(
    exercise="reduce_sum",
    points=1,
    hint="A sum over nothing is 0, and its gradient is an empty array of the right shape.",
)
def test_empty_arrays(autodiff):
    """Sums and products of empty arrays have the right values and shapes."""
    nothing = autodiff.Tensor(np.zeros((0, 3)))
    total = autodiff.reduce_sum(nothing, axis=0)
    expect.close(total.data, np.zeros(3), what="the sum of no rows")
    autodiff.backward(autodiff.reduce_sum(autodiff.multiply(total, total)))
    expect.close(nothing.grad, np.zeros((0, 3)), what="the gradient of no rows")
    left, right = autodiff.Tensor(np.zeros((2, 0))), autodiff.Tensor(np.zeros((0, 3)))
    autodiff.backward(autodiff.reduce_sum(autodiff.matmul(left, right)))
    expect.close(left.grad, np.zeros((2, 0)), what="the gradient by a matrix without columns")


@law(
    exercise="bigram_bits",
    points=2,
    hint="Call log_softmax, which survives large scores, and look at how the counts are weighted. Then run "
    "code_length on b'ab' * 500.",
)
def test_large_scores_and_whole_files(autodiff, reference):
    """Scores of ten thousand cost finite bits; no file beats what its pairs allow."""
    counts = np.array([[5.0, 0.0, 1.0], [2.0, 2.0, 0.0], [0.0, 1.0, 3.0]])
    embedding, output = np.array([[100.0], [-100.0], [0.5]]), np.array([[100.0, -100.0, 1.0]])
    values = [embedding, output, np.array([1.0, 0.0, -1.0])]
    network = [autodiff.Tensor(value) for value in values]
    ours = [reference.Tensor(value) for value in values]
    got, expected = autodiff.bigram_bits(counts, *network), reference.bigram_bits(counts, *ours)
    expect.close(array(got.data), np.asarray(expected.data), what="the bits of scores of ±10,000")
    autodiff.backward(got)
    reference.backward(expected)
    for theirs, mine in zip(network, ours, strict=True):
        expect.close(theirs.grad, mine.grad, rtol=1e-7, atol=1e-9, what="the gradient of the bits")
    # In aab…, a is followed by a or b alike, b by a alone: 1 bit for each a, and 8 for the first byte.
    for data, symbols, least, most in [(b"aab" * 300, 2, 608, 640), (b"", 0, 0, 0)]:
        bits, size = autodiff.code_length(data)
        what = f"the bits of {data[:3]!r} repeated to {len(data)} bytes should lie between {least} and {most}"
        expect.true(least - 1e-6 <= bits <= most, what, got=bits)
        expect.equal(size, 256 + 16 * symbols * (2 * 16 + 1) if data else 0, "the bits of the network")


def of_cubes(m, x):
    return m.reduce_sum(m.power(x, 3))


def of_rows(m, x):
    return m.reduce_sum(m.multiply(m.add(x, np.ones((4, 1))), x))


def of_columns(m, x):
    return m.reduce_sum(m.multiply(m.multiply(x, np.arange(1.0, 7.0).reshape(2, 3)), x))


def of_matrices(m, x):
    return m.reduce_sum(m.multiply(m.matmul(x, np.array([[1.0, 2.0], [0.0, 3.0]])), x))


def of_weighted_sums(m, x):
    return m.reduce_sum(m.multiply(m.reduce_sum(x, axis=1), np.array([1.0, 5.0])))


def of_logarithms(m, x):
    return m.reduce_sum(m.multiply(m.log(x), m.exp(x)))


def of_repeated_rows(m, x):
    return m.reduce_sum(m.power(m.take_rows(x, np.array([0, 0, 1])), 2))


def of_shared_values(m, x):
    y = m.multiply(x, x)
    z = m.multiply(m.add(y, x), y)
    return m.reduce_sum(m.multiply(y, m.add(z, z)))


# A planted mistake, an expression that shows it, and the shape of the expression's input.
MISTAKES = [
    ("power_keeps_the_exponent", of_cubes, (2, 2)),
    ("add_without_unbroadcast", of_rows, (1, 3)),
    ("forgets_axes_of_length_one", of_columns, (2, 1)),
    ("sums_the_last_axes", of_columns, (3,)),
    ("multiplies_by_itself", of_columns, (2, 1)),
    ("transposes_in_the_wrong_place", of_matrices, (2, 2)),
    ("sum_spreads_along_the_wrong_axis", of_weighted_sums, (2, 2)),
    ("sum_is_a_mean", of_weighted_sums, (2, 2)),
    ("log_multiplies", of_logarithms, (3,)),
    ("exp_is_a_power", of_logarithms, (3,)),
    ("repeated_row_counts_once", of_repeated_rows, (2, 2)),
    ("overwrites_the_gradient", of_shared_values, (2,)),
    ("seed_is_the_output", of_shared_values, ()),
    ("visits_breadth_first", of_shared_values, (2,)),
]


@law(
    exercise="is_gradient",
    points=2,
    examples=2,
    hint="Which mistakes would your points miss? Some show only away from 1, some only in one entry, some "
    "only in the shape.",
)
@given(order=st.permutations([(kind, i) for kind in (True, False) for i in range(len(MISTAKES))]))
def test_your_law_against_planted_mistakes(autodiff, reference, bugs, order):
    """Your law accepts our gradients and refuses those of every planted mistake, in whatever order they come."""

    def gradient_by(module, expression):
        def gradient(x):
            leaf = module.Tensor(x)
            module.backward(expression(module, leaf))
            return leaf.grad

        return gradient

    def only_in_range(x):
        if np.any((x < 0.5) | (x > 2)):
            raise ValueError("outside 0.5 to 2")
        return 1 / x

    right = autodiff.is_gradient(lambda x: float(np.sum(np.log(x))), only_in_range, (2, 2))
    expect.equal(right, True, "your law on a right gradient that is known between 0.5 and 2 only")
    for is_right, number in order:
        name, expression, shape = MISTAKES[number]

        def function(x, expression=expression):
            return float(expression(reference, reference.Tensor(x)).data)

        gradient = gradient_by(reference if is_right else bugs[name], expression)
        verdict = autodiff.is_gradient(function, gradient, shape)
        expect.equal(verdict, is_right, "your law on a gradient, right or with a planted mistake")

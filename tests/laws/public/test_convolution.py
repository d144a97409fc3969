"""Public laws of lesson 13: convolutions against shifted sums, pooling against loops, and adjoints."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from autograder.laws import expect, law

SEEDS = st.integers(0, 999)
F64 = "float64"
# Pictures (examples, channels, height, width), kernel, stride, padding: size 1, no examples, what is left over at
# the far end, a border wider than the kernel needs, strides that skip dots.
GRID = st.sampled_from(
    [
        ((1, 1, 2, 2), (2, 2), 1, 0),
        ((2, 1, 1, 1), (1, 1), 1, 0),
        ((1, 2, 2, 1), (1, 1), 1, 0),
        ((1, 1, 3, 1), (1, 1), 2, 0),
        ((1, 1, 1, 1), (2, 2), 1, 1),
        ((1, 1, 3, 3), (2, 2), 1, 0),
        ((2, 3, 4, 5), (3, 2), 1, 0),
        ((2, 2, 5, 4), (3, 3), 1, 1),
        ((1, 2, 5, 6), (2, 3), 2, 0),
        ((3, 1, 6, 5), (3, 2), 2, 1),
        ((1, 2, 1, 4), (3, 3), 1, 1),
        ((2, 1, 2, 2), (2, 1), 1, 2),
        ((0, 2, 4, 4), (3, 3), 1, 1),
        ((1, 2, 7, 4), (2, 1), 3, 0),
    ]
)


def signed(seed, shape):
    """Draw multiples of 1/4 from −2 to 2, which are easy to read and exact."""
    return np.asarray(np.random.default_rng(seed).integers(-8, 9, shape) / 4)


def places(size, kernel, stride, padding):
    """Count the places of a kernel by putting it down at each."""
    return len(range(0, size + 2 * padding - kernel + 1, stride))


def under(x, kernel, stride, padding):
    """Return what each number of the kernel covers: kernel height × width × examples × channels × rows × columns."""
    n, channels, height, width = x.shape
    wide = np.zeros((n, channels, height + 2 * padding, width + 2 * padding), x.dtype)
    wide[:, :, padding : padding + height, padding : padding + width] = x
    rows, across = (places(side, k, stride, padding) for side, k in zip((height, width), kernel, strict=True))
    covered = np.zeros((*kernel, n, channels, rows, across), x.dtype)
    for a, b, i, j in np.ndindex(*kernel, rows, across):
        covered[a, b, :, :, i, j] = wide[:, :, i * stride + a, j * stride + b]
    return covered


def convolved(x, weight, bias, stride, padding):
    """Convolve without a kernel that moves: a sum of shifted pictures, one for each weight."""
    covered = under(x, weight.shape[2:], stride, padding)
    return np.einsum("abncij,ocab->noij", covered, weight) + bias[:, None, None]


@law(
    exercise="output_size",
    points=2,
    hint="The kernel's first dot can stand at 0, stride, 2 · stride and so on, as long as its last dot is on the "
    "axis with both its borders: at most size + 2 · padding - kernel. Count the place 0 too.",
)
def test_places_are_counted(convolution):
    """The size is the number of places found by putting the kernel down, and what doesn't fit is refused."""
    for size, kernel, stride, padding in (
        (5, 3, 1, 0), (5, 3, 1, 1), (5, 3, 2, 0), (6, 3, 2, 0), (6, 3, 2, 1), (28, 5, 1, 2), (8, 2, 2, 0),
        (9, 2, 2, 0), (1, 1, 1, 0), (1, 3, 1, 1), (2, 2, 5, 0), (10, 4, 3, 2),
    ):  # fmt: skip
        what = f"output_size({size}, {kernel}, {stride}, {padding})"
        got = convolution.output_size(size, kernel, stride, padding)
        expect.equal(got, places(size, kernel, stride, padding), what)
    expect.equal(convolution.output_size(4, 4), 1, "output_size(4, 4)")
    for size, kernel, stride, padding in ((3, 4, 1, 0), (2, 7, 2, 2), (0, 1, 1, 0)):
        expect.raises("ValueError", convolution.output_size, size, kernel, stride, padding)


PENCIL = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 3.0], [2.0, 0.0, 1.0]])
KERNEL = np.array([[1.0, 0.0], [2.0, -1.0]])


@law(
    exercise="naive_convolution",
    points=1,
    hint="At the first place lie 1, 2, 0, 1 under the kernel, and its weights are 1, 0, 2, -1: multiply in this order, "
    "and add up. Nothing is turned around.",
)
def test_pencil_example(convolution):
    """The picture and the kernel of the page give 0, 1, 4, 0, and 10 more with a bias of 10."""
    expected = np.array([[[[0.0, 1.0], [4.0, 0.0]]]])
    x, weight = PENCIL[None, None], KERNEL[None, None]
    for bias in (0.0, 10.0):
        got = convolution.naive_convolution(x, weight, np.array([bias]))
        expect.close(got, expected + bias, what=f"the convolution with a bias of {bias:g}")


@law(
    exercise="naive_convolution",
    points=3,
    examples=8,
    hint="Put a border of zeros around x first. Then go through examples, outputs, rows and columns: place (i, j) "
    "begins at row i · stride and column j · stride. All channels are added up, and the bias comes once.",
)
@given(seed=SEEDS, case=GRID, outputs=st.integers(1, 3))
@example(seed=0, case=((2, 3, 4, 5), (3, 2), 1, 0), outputs=2)
@example(seed=0, case=((3, 1, 6, 5), (3, 2), 2, 1), outputs=2)
@example(seed=0, case=((2, 1, 2, 2), (2, 1), 1, 2), outputs=1)
def test_loops_are_a_sum_of_shifted_pictures(convolution, seed, case, outputs):
    """The loops agree with shifting the picture once for each weight, over strides, borders and channels."""
    shape, kernel, stride, padding = case
    x, weight = signed(seed, shape), signed(seed + 1, (outputs, shape[1], *kernel))
    bias = signed(seed + 2, (outputs,))
    got = convolution.naive_convolution(x, weight, bias, stride, padding)
    what = f"the convolution with stride {stride} and padding {padding}"
    expect.close(got, convolved(x, weight, bias, stride, padding), what=what)


@law(
    exercise="columns",
    points=3,
    examples=6,
    hint="One row for each place: example by example, line by line. Within a row: channel by channel, and line by "
    "line. Get all axes into the order (example, row, column, channel, kernel row, kernel column) before you reshape.",
)
@given(seed=SEEDS, case=GRID)
@example(seed=0, case=((1, 1, 3, 3), (2, 2), 1, 0))
@example(seed=0, case=((2, 3, 4, 5), (3, 2), 1, 0))
@example(seed=0, case=((3, 1, 6, 5), (3, 2), 2, 1))
@example(seed=0, case=((0, 2, 4, 4), (3, 3), 1, 1))
def test_columns(convolution, seed, case):
    """A row holds what lies under the kernel at one place, channel by channel, and no place is forgotten."""
    shape, kernel, stride, padding = case
    x = signed(seed, shape)
    covered = under(x, kernel, stride, padding).transpose(2, 4, 5, 3, 0, 1)
    expected = covered.reshape(math.prod(covered.shape[:3]), math.prod(covered.shape[3:]))
    got = convolution.columns(x, kernel, stride, padding)
    expect.close(got, expected, what=f"the table with stride {stride} and padding {padding}")


@law(
    exercise="image",
    points=1,
    hint="Put a table of ones in: every dot then tells how many windows have covered it. A dot in the middle is "
    "covered several times, so add there, and don't overwrite.",
)
def test_ones_count_the_windows(convolution):
    """A table of ones becomes, at each dot, the number of windows that cover it."""
    for shape, kernel, stride, padding in (((1, 1, 3, 4), (2, 2), 1, 0), ((2, 1, 4, 4), (2, 3), 2, 1)):
        rows, across = (places(side, k, stride, padding) for side, k in zip(shape[2:], kernel, strict=True))
        expected = np.zeros(shape)
        for i, j, a, b in np.ndindex(rows, across, *kernel):
            row, column = i * stride + a - padding, j * stride + b - padding
            if 0 <= row < shape[2] and 0 <= column < shape[3]:
                expected[:, :, row, column] += 1
        table = np.ones((shape[0] * rows * across, shape[1] * math.prod(kernel)))
        got = convolution.image(table, shape, kernel, stride, padding)
        expect.close(got, expected, what=f"the image of ones, kernel {kernel}, stride {stride}")


@law(
    exercise="image",
    points=3,
    examples=6,
    hint="Undo columns step by step: reshape the table, then for each place of the kernel add its numbers to the dots "
    "they were read from, i · stride + a. Work on a picture with its border, and cut that off at the end.",
)
@given(seed=SEEDS, case=GRID)
@example(seed=0, case=((1, 1, 3, 3), (2, 2), 1, 0))
@example(seed=0, case=((2, 3, 4, 5), (3, 2), 1, 0))
@example(seed=0, case=((3, 1, 6, 5), (3, 2), 2, 1))
@example(seed=0, case=((0, 2, 4, 4), (3, 3), 1, 1))
def test_image_is_the_adjoint_of_columns(convolution, seed, case):
    """The sum of columns(x) · table is the sum of x · image(table), for each dot of x by itself."""
    shape, kernel, stride, padding = case
    rows, across = (places(side, k, stride, padding) for side, k in zip(shape[2:], kernel, strict=True))
    table = signed(seed, (shape[0] * rows * across, shape[1] * math.prod(kernel)))
    # The adjoint by its definition: what a picture with a single 1 reads from the table.
    dots = np.eye(math.prod(shape[2:])).reshape(-1, 1, *shape[2:])
    covered = under(dots, kernel, stride, padding)[:, :, :, 0]
    by_place = table.reshape(shape[0], rows, across, shape[1], *kernel)
    expected = np.einsum("abdij,nijcab->ncd", covered, by_place).reshape(shape)
    got = convolution.image(table, shape, kernel, stride, padding)
    expect.close(got, expected, what=f"the image with stride {stride} and padding {padding}")


@law(
    exercise="Conv2d",
    points=3,
    examples=6,
    hint="One product: columns(x) times the weights, a column for each output. Then the axes: the table's rows are "
    "examples, rows, columns, and the outputs come last. Backward goes the same way: dy with the outputs last, as a "
    "table. By the weight it is dy's table, transposed, times what forward has read; by x it is image of dy's table "
    "times the weights. Calls don't add up.",
)
@given(seed=SEEDS, case=GRID, outputs=st.integers(1, 3))
@example(seed=0, case=((2, 3, 4, 5), (3, 2), 1, 0), outputs=2)
@example(seed=0, case=((3, 1, 6, 5), (3, 2), 2, 1), outputs=2)
@example(seed=0, case=((0, 2, 4, 4), (3, 3), 1, 1), outputs=2)
def test_conv2d(convolution, seed, case, outputs):
    """A convolution's result is that of the definition, and its gradients add up over examples and places."""
    shape, kernel, stride, padding = case
    weight, bias = signed(seed + 1, (outputs, shape[1], *kernel)), signed(seed + 2, (outputs,))
    layer = convolution.Conv2d(shape[1], outputs, kernel, 0, stride, padding, F64)
    convolution.load(layer, {"weight": weight, "bias": bias})
    x = signed(seed, shape)
    y = convolved(x, weight, bias, stride, padding)
    dy = signed(seed + 3, y.shape)
    got, dx, gradients = convolution.probe(layer, x, dy)
    expect.close(got, y, what="y")
    expect.equal(sorted(gradients), ["bias", "weight"], "the names of the gradients")
    expect.close(gradients["bias"], dy.sum(axis=(0, 2, 3)), what="the gradient by the bias")
    covered = under(x, kernel, stride, padding)
    expected = np.einsum("abncij,noij->ocab", covered, dy)
    expect.close(gradients["weight"], expected, what="the gradient by the weight")
    dots = np.eye(math.prod(shape[2:])).reshape(-1, 1, *shape[2:])  # each dot by itself
    alone = under(dots, kernel, stride, padding)[:, :, :, 0]
    expected = np.einsum("abdij,ocab,noij->ncd", alone, weight, dy).reshape(shape)
    expect.close(dx, expected, what="the gradient by x")
    _, _, again = convolution.probe(layer, x, dy)
    expect.equal(again, gradients, "the gradients at a second call")


@law(
    exercise="Conv2d",
    points=1,
    hint="One output has inputs · kernel height · kernel width weights: the variance is 2 divided by that number, "
    "and `normal` takes its square root. Draw from the generator that you are given.",
)
def test_where_weights_start(convolution):
    """Weights start with variance 2 / (inputs · height · width), drawn from the generator; biases at 0."""
    start = convolution.Conv2d(4, 90, (3, 5), 3).parameters
    weight = start["weight"].astype(np.float64)
    expect.equal(start["bias"], np.zeros(90, np.float32), "the biases")
    expect.equal(weight.shape, (90, 4, 3, 5), "the shape of the weights")
    expect.close(weight.var(), 2 / 60, rtol=0.08, what="the variance of the weights")
    expect.close(weight.mean(), 0.0, atol=0.012, what="the mean of the weights")
    random = convolution.generator(3)
    first, second = (convolution.Conv2d(4, 90, (3, 5), random).parameters["weight"] for _ in range(2))
    expect.equal(first, start["weight"], "the first weights from a generator with the same seed")
    expect.true(not np.array_equal(first, second), "one generator gave two layers the same weights")


@law(
    exercise="Conv2d",
    points=2,
    examples=5,
    hint="What a place gives depends on what lies under the kernel, and not on where the place is. Do rows and columns "
    "keep their order on the way through the table?",
)
@given(seed=SEEDS, down=st.integers(-2, 2), right=st.integers(-2, 2))
@example(seed=0, down=1, right=-2)
def test_what_moves_in_the_picture_moves_in_the_result(convolution, seed, down, right):
    """Where a picture moves on an empty ground, the result moves by as much, and doesn't change otherwise."""
    layer = convolution.Conv2d(2, 3, (3, 3), seed, padding=1, dtype=F64)
    x = np.zeros((1, 2, 11, 10))
    x[:, :, 4:7, 4:6] = signed(seed, (1, 2, 3, 2)) + 3
    y = layer.forward(x)
    expect.equal(y.shape, (1, 3, 11, 10), "the shape of y")
    expect.true(float(np.abs(y).max()) > 0, "y is 0 although x and the weights aren't", got=y)
    moved = layer.forward(np.roll(x, (down, right), axis=(2, 3)))
    expect.close(moved, np.roll(y, (down, right), axis=(2, 3)), what=f"y moved by {down} and {right}")


@law(
    exercise="MaxPool2d",
    points=3,
    examples=8,
    hint="Every channel is by itself. Backward, each window hands its gradient to one dot: the largest, and the first "
    "of them as one reads, even where two are equal. A dot that two windows have chosen gets both.",
)
@given(
    seed=SEEDS,
    case=st.sampled_from(
        [
            ((1, 1, 2, 2), 2, None),
            ((1, 2, 2, 2), 1, None),
            ((1, 1, 4, 4), 2, None),
            ((2, 3, 5, 4), 2, None),
            ((2, 2, 5, 5), 3, 1),
            ((1, 2, 7, 6), 2, 3),
            ((0, 2, 4, 4), 2, None),
            ((2, 1, 3, 4), 1, 2),
            ((1, 2, 3, 3), 3, None),
        ]
    ),
    kinds=st.integers(1, 9),
)
@example(seed=0, case=((1, 1, 2, 2), 2, None), kinds=1)
@example(seed=1, case=((2, 3, 5, 4), 2, None), kinds=9)
@example(seed=2, case=((2, 2, 5, 5), 3, 1), kinds=2)
@example(seed=1, case=((0, 2, 4, 4), 2, None), kinds=2)
def test_max_pool(convolution, seed, case, kinds):
    """Each window gives its largest number and hands its gradient to the first dot that has it."""
    shape, size, stride = case
    step = stride or size
    x = (
        np.random.default_rng(seed).integers(-kinds, 0, shape) / 4
    )  # all below 0; with few kinds, many are equal
    rows, across = (places(side, size, step, 0) for side in shape[2:])
    dy = signed(seed + 1, (*shape[:2], rows, across)) + 3
    y, expected = np.zeros(dy.shape), np.zeros(shape)
    for place in np.ndindex(dy.shape):
        n, c, i, j = place
        dots = [(i * step + a, j * step + b) for a in range(size) for b in range(size)]
        best = max(dots, key=lambda dot: x[n, c, dot[0], dot[1]])
        y[place] = x[n, c, best[0], best[1]]
        expected[n, c, best[0], best[1]] += dy[place]
    layer = convolution.MaxPool2d(size) if stride is None else convolution.MaxPool2d(size, stride)
    got, dx, gradients = convolution.probe(layer, x, dy)
    expect.close(got, y, what="y")
    expect.close(dx, expected, what="the gradient by x")
    expect.equal(gradients, {}, "the gradients by parameters, of which there are none")


@law(
    exercise="GlobalAverage",
    points=2,
    hint="Every dot has a say of 1 / (height · width), so that is its share of the gradient: alike for all "
    "dots of a channel.",
)
def test_global_average(convolution):
    """Each channel becomes its mean, and each of its dots gets an equal share of the gradient."""
    for shape in ((2, 3, 4, 5), (1, 1, 1, 1), (0, 2, 3, 3), (3, 1, 2, 1)):
        x, dy = signed(1, shape), signed(2, shape[:2]) + 4
        layer = convolution.GlobalAverage()
        y, dx, gradients = convolution.probe(layer, x, dy)
        expect.close(y, np.einsum("ncij->nc", x) / (shape[2] * shape[3]), what="y")
        expected = np.einsum("nc,ij->ncij", dy, np.full(shape[2:], 1 / (shape[2] * shape[3])))
        expect.close(dx, expected, what="the gradient by x")
        expect.equal(gradients, {}, "the gradients by parameters, of which there are none")


LAYERS = st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3)), max_size=4)


@law(
    exercise="receptive_field",
    points=2,
    examples=15,
    hint="Keep two numbers: how many dots one number sees, and how many dots apart two neighbours are. A layer adds "
    "(kernel - 1) times the distance that stood *before* it; then its stride multiplies the distance.",
)
@given(layers=LAYERS)
@example(layers=[(3, 1), (2, 2), (3, 1)])
@example(layers=[])
@example(layers=[(2, 3), (3, 2), (2, 1)])
def test_receptive_field(convolution, layers):
    """The field reaches from the first to the last dot that one finds by going back, layer by layer."""
    seen = {0}
    for kernel, stride in reversed(layers):
        seen = {place * stride + dot for place in seen for dot in range(kernel)}
    got = convolution.receptive_field(layers)
    expect.equal(got, max(seen) - min(seen) + 1, f"the field behind {layers}")


@law(
    exercise="lenet",
    points=3,
    hint="Take a pencil: 28 dots with a border of 2 stay 28, and pooling makes 14; without a border 14 become 10, and "
    "pooling makes 5. So 16 · 5 · 5 = 400 numbers go into the first linear layer. Height and width need not be equal.",
)
def test_lenet_has_the_parameters_of_the_pencil(convolution):
    """LeNet has 61,706 parameters, in layers as the page counts them, and other pictures get other sizes."""
    expected = {
        "0.weight": (6, 1, 5, 5), "0.bias": (6,), "3.weight": (16, 6, 5, 5), "3.bias": (16,),
        "7.weight": (400, 120), "7.bias": (120,), "9.weight": (120, 84), "9.bias": (84,),
        "11.weight": (84, 10), "11.bias": (10,),
    }  # fmt: skip
    shapes = {name: array.shape for name, array in convolution.lenet((1, 28, 28), 10, 0).parameters.items()}
    expect.equal(shapes, expected, "the shapes of the parameters for 28 by 28 dots")
    expect.equal(sum(math.prod(shape) for shape in shapes.values()), 61_706, "the number of parameters")
    # 9 × 6 dots of 2 channels stay so with a border of 1, and become 4 × 3.
    model = convolution.lenet((2, 9, 6), 3, 0, filters=(4,), kernel=3, padding=(1,), widths=())
    shapes = {name: array.shape for name, array in model.parameters.items()}
    expected = {"0.weight": (4, 2, 3, 3), "0.bias": (4,), "4.weight": (48, 3), "4.bias": (3,)}
    expect.equal(shapes, expected, "the shapes of the parameters for 9 by 6 dots and one convolution")
    expect.equal(model.forward(np.zeros((5, 2, 9, 6), np.float32)).shape, (5, 3), "the shape of the scores")


@law(
    exercise="lenet",
    points=2,
    hint="Conv2d, ReLU, MaxPool2d(2) for each number of filters; Flatten; Linear and ReLU for each width; a Linear, "
    "and no ReLU after it. Hand all of them the same generator, which was made once.",
)
def test_lenet_is_its_layers(convolution):
    """The scores are those of the layers one after another, and the weights come from one generator in their order."""
    model = convolution.lenet((1, 6, 6), 3, 7, filters=(2, 3), kernel=3, padding=(1, 1), widths=(4,))
    random = convolution.generator(7)
    weights = dict(model.parameters)
    for name, inputs, outputs in (("0", 1, 2), ("3", 2, 3)):
        drawn = convolution.Conv2d(inputs, outputs, (3, 3), random).parameters["weight"]
        expect.equal(weights[f"{name}.weight"], drawn, f"the weights of layer {name}")
    for name, inputs, outputs in (("7", 3, 4), ("9", 4, 3)):
        drawn = convolution.Linear(inputs, outputs, random).parameters["weight"]
        expect.equal(weights[f"{name}.weight"], drawn, f"the weights of layer {name}")
    parts = {name: signed(i, np.shape(array)) / 2 for i, (name, array) in enumerate(weights.items())}
    convolution.load(model, parts)
    x = y = signed(40, (4, 1, 6, 6))
    for name in ("0", "3"):
        y = np.maximum(convolved(y, parts[f"{name}.weight"], parts[f"{name}.bias"], 1, 1), 0)
        height, width = (side // 2 for side in y.shape[2:])
        y = y[:, :, : 2 * height, : 2 * width].reshape(*y.shape[:2], height, 2, width, 2).max(axis=(3, 5))
    y = np.maximum(y.reshape(4, -1) @ parts["7.weight"] + parts["7.bias"], 0)
    expected = y @ parts["9.weight"] + parts["9.bias"]
    expect.close(
        model.forward(x.astype(np.float32)), expected.astype(np.float32), rtol=1e-4, atol=1e-4, what="scores"
    )


def moved(picture, down, right, fill=0.0):
    """Shift a picture dot by dot."""
    result = np.full(picture.shape, fill, picture.dtype)
    for row, column in np.ndindex(picture.shape[-2:]):
        if 0 <= row + down < picture.shape[-2] and 0 <= column + right < picture.shape[-1]:
            result[..., row + down, column + right] = picture[..., row, column]
    return result


@law(
    exercise="shift",
    points=3,
    examples=12,
    hint="The dot at row r comes from row r - down. Where there is no such row, there is `fill`: nothing "
    "comes back in on the other side. Which of the two axes is the one before last?",
)
@given(
    seed=SEEDS,
    shape=st.sampled_from([(2, 2), (3, 4), (2, 3, 4), (1, 2, 4, 3), (1, 1), (0, 2, 3)]),
    down=st.integers(-5, 5),
    right=st.integers(-5, 5),
    fill=st.sampled_from([0.0, 0.5]),
)
@example(seed=0, shape=(3, 4), down=1, right=-1, fill=0.0)
@example(seed=0, shape=(2, 3, 4), down=0, right=2, fill=0.5)
@example(seed=0, shape=(2, 3, 4), down=-4, right=0, fill=0.0)
@example(seed=0, shape=(2, 3, 4), down=0, right=-5, fill=0.0)
def test_shift(convolution, seed, shape, down, right, fill):
    """Every dot moves by the offset, what leaves is lost, and what is left empty is filled."""
    x = signed(seed, shape) + 3
    got = convolution.shift(x, down, right, fill)
    expect.close(got, moved(x, down, right, fill), what=f"pictures moved down by {down} and right by {right}")


def offsets_of(pictures):
    """Find for pictures of one dot in the middle how far down and right the dot is now."""
    flat = pictures[:, 0].reshape(len(pictures), -1).argmax(axis=1)
    rows, columns = np.divmod(flat, pictures.shape[3])
    return np.stack([rows - pictures.shape[2] // 2, columns - pictures.shape[3] // 2], axis=1)


@law(
    exercise="RandomShift",
    points=3,
    hint="Draw one row of two offsets for each picture, from -reach to reach with both ends. Keep them: backward moves "
    "the gradient by the same offsets, the other way.",
)
def test_each_picture_has_an_offset_of_its_own(convolution):
    """In training every offset within reach occurs, for each picture by itself, and the gradient moves back."""
    x = np.zeros((150, 2, 7, 7))
    x[:, 0, 3, 3], x[:, 1, 3, 3] = 1, 2
    dy = signed(1, x.shape)
    layer = convolution.RandomShift(2, 5)
    layer.mode(True, step=3)
    y, dx, gradients = convolution.probe(layer, x, dy)
    expect.equal(y.shape, x.shape, "the shape of y")
    offsets = offsets_of(y)
    expected = np.array([moved(x[i], *offset) for i, offset in enumerate(offsets.tolist())])
    expect.close(y, expected, what="y, beside pictures whose one dot was moved")
    for axis, name in ((0, "down"), (1, "right")):
        expect.equal(
            sorted(set(offsets[:, axis].tolist())), [-2, -1, 0, 1, 2], f"the offsets that occur, {name}"
        )
    pairs = {tuple(offset) for offset in offsets.tolist()}
    expect.true(len(pairs) > 20, f"of 25 pairs of offsets, {len(pairs)} occur in 150 pictures")
    expected = np.array([moved(dy[i], -down, -right) for i, (down, right) in enumerate(offsets.tolist())])
    expect.close(dx, expected, what="the gradient by x")
    expect.equal(gradients, {}, "the gradients by parameters, of which there are none")


@law(
    exercise="RandomShift",
    points=2,
    hint="Look at self.training. In training, draw from np.random.default_rng([self.seed, self.training_step]): "
    "nothing less, or every step moves alike, and nothing more, or a resumed training isn't the same.",
)
def test_when_offsets_are_drawn(convolution):
    """Out of training nothing moves; in training each step and each seed draws anew, and repeatably."""
    x = np.zeros((40, 1, 5, 5))
    x[:, 0, 2, 2] = np.arange(1.0, 41.0)
    layer, other = convolution.RandomShift(1, 1), convolution.RandomShift(1, 2)

    def drawn(layer, training, step):
        layer.mode(training, step=step)
        y, _, _ = convolution.probe(layer, x, x)
        return y

    first = drawn(layer, True, 0)
    expect.true(not np.array_equal(first, x), "in training, no picture has moved", got=first)
    expect.equal(drawn(layer, False, 0), x, "y out of training")
    expect.equal(layer.backward(2 * x), 2 * x, "the gradient by x out of training")
    expect.equal(drawn(layer, True, 0), first, "y at step 0 once more")
    for name, y in (("at step 1", drawn(layer, True, 1)), ("of another seed", drawn(other, True, 0))):
        expect.true(not np.array_equal(y, first), f"the draw {name} is that of seed 1 at step 0", got=y)
    expect.equal(drawn(convolution.RandomShift(0, 1), True, 0), x, "y where the reach is 0")
    expect.equal(layer.forward(x[:0]), x[:0], "y for no pictures")


MATRIX = np.array([[1.0, 2.0, 0.0], [0.0, -1.0, 3.0]])
CANDIDATES = {
    "a matrix and its transpose": (True, lambda x: MATRIX @ x, lambda y: MATRIX.T @ y, (3,)),
    "the transpose and its matrix": (True, lambda x: MATRIX.T @ x, lambda y: MATRIX @ y, (2,)),
    "a sum and its copies": (True, lambda x: x.sum(axis=0), lambda y: np.stack([y, y, y]), (3, 2)),
    "every second number": (True, lambda x: x[::2], lambda y: np.array([y[0], 0.0, y[1]]), (3,)),
    "nothing, and nothing": (True, lambda x: 0 * x[:2], lambda _: np.zeros(3), (3,)),
    "a matrix and itself": (False, lambda x: MATRIX[:, :2] @ x, lambda y: MATRIX[:, :2] @ y, (2,)),
    "twice too much": (False, lambda x: x + x, lambda y: y, (3,)),
    "a sum and its mean": (False, lambda x: x.sum(axis=0), lambda y: np.stack([y, y, y]) / 3, (3, 2)),
    "the other sign": (False, lambda x: x.copy(), lambda y: -y, (3,)),
    "turned around": (False, lambda x: x[::-1].copy(), lambda y: y.copy(), (3,)),
    "two of three copies": (False, lambda x: x.sum(axis=0), lambda y: np.stack([y, y, 0 * y]), (3, 2)),
    "an offset forward": (False, lambda x: x + 1, lambda y: y.copy(), (3,)),
    "an offset backward": (False, lambda x: x.copy(), lambda y: y + 1, (3,)),
    "a ReLU": (False, lambda x: np.maximum(x, 0), lambda y: np.maximum(y, 0), (20,)),
    "absolute numbers": (False, np.abs, np.abs, (20,)),
    "nothing above 100": (False, lambda x: np.minimum(x, 100), lambda y: y.copy(), (20,)),
    "nothing below -100": (False, lambda x: x.copy(), lambda y: np.maximum(y, -100), (20,)),
    "another shape": (False, lambda x: x.reshape(6), lambda y: y.copy(), (3, 2)),
    "one number for all": (False, lambda x: x.sum(axis=0), lambda y: y[:1, None], (3, 1)),
    "not a number": (False, lambda x: x.copy(), lambda y: y * float("nan"), (3,)),
    "no array": (False, lambda x: x.copy(), lambda _: None, (3,)),
    "exception": (False, lambda x: x.copy(), lambda y: np.linalg.inv(y), (3,)),
}


@law(
    exercise="is_adjoint",
    points=2,
    examples=1,
    hint="Draw x of the shape and y of forward's result, large and small numbers, above and below 0, and "
    "compare the two sums, which may both be 0. Compare shapes first, for NumPy multiplies what doesn't belong "
    "together. An exception is an answer.",
)
@given(order=st.permutations(list(CANDIDATES)))
def test_your_law_tells_right_from_wrong(convolution, order):
    """Your law accepts pairs that are adjoint, and refuses those off by a factor, sign, order, shape or bend."""
    for name in order:
        verdict, forward, backward, shape = CANDIDATES[name]
        got = convolution.is_adjoint(forward, backward, shape)
        expect.equal(got, verdict, f"your law on a {'right' if verdict else 'wrong'} pair, {name!r}")

"""Lesson 13: convolution, which looks at every place of a picture with the same few weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from squeeze.classification import Layer, Linear, ReLU, Sequential
from squeeze.classification import carefully as carefully  # the laws ask for these four
from squeeze.classification import generator as generator
from squeeze.classification import load as load
from squeeze.classification import probe as probe

Array: TypeAlias = NDArray[np.floating]
Shape: TypeAlias = tuple[int, ...]  # of pictures: examples, channels, height, width


def output_size(size: int, kernel: int, stride: int = 1, padding: int = 0) -> int:
    """Return at how many places along one axis a kernel lies inside of the picture and its border.

    The axis is `size` dots long, with `padding` more on both ends. The kernel covers `kernel` dots and moves by
    `stride`. What is left over at the far end is not looked at.
    Raises ValueError where the kernel is longer than the axis with its border, or a number makes no sense.
    Source: Dumoulin and Visin (2016), "A guide to convolution arithmetic for deep learning".

    >>> output_size(5, kernel=3), output_size(5, kernel=3, stride=2, padding=1), output_size(6, kernel=3, stride=2)
    (3, 3, 2)
    """
    if kernel < 1 or stride < 1 or padding < 0:
        raise ValueError(f"kernel {kernel!r}, stride {stride!r} and padding {padding!r} are no convolution")
    ### BEGIN SOLUTION
    free = size + 2 * padding - kernel
    if free < 0:
        raise ValueError(f"a kernel of {kernel} doesn't fit on {size} dots with a border of {padding}")
    return free // stride + 1
    ### END SOLUTION


def naive_convolution(x: Array, weight: Array, bias: Array, stride: int = 1, padding: int = 0) -> Array:
    """Return what a convolution is, by plain loops: this is the definition, and all else is speed.

    x holds pictures, examples × channels × height × width, and gets a border of zeros, `padding` dots wide, on
    all four sides. `weight` is outputs × channels × kernel height × kernel width, and `bias` has an entry for each
    output. A number of the result is the sum of what lies under the kernel, each times its weight, plus the bias.
    The kernel is not turned around. The result is examples × outputs × height × width, in float64.

    >>> x = np.arange(9.0).reshape(1, 1, 3, 3)
    >>> naive_convolution(x, np.array([[[[1.0, 0.0], [0.0, 10.0]]]]), np.array([0.5]))
    array([[[[40.5, 51.5],
             [73.5, 84.5]]]])
    """
    examples, _, height, width = x.shape
    outputs, _, tall, wide = weight.shape
    ### BEGIN SOLUTION
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    rows, across = output_size(height, tall, stride, padding), output_size(width, wide, stride, padding)
    y = np.zeros((examples, outputs, rows, across))
    for n, o, i, j in np.ndindex(y.shape):
        top, left = i * stride, j * stride
        window = padded[n, :, top : top + tall, left : left + wide]
        y[n, o, i, j] = np.sum(window * weight[o]) + bias[o]
    return y
    ### END SOLUTION


def columns(x: Array, kernel: tuple[int, int], stride: int = 1, padding: int = 0) -> Array:
    """Return what lies under the kernel at each place, as a table: a row for each place, in x's dtype.

    x is examples × channels × height × width, `kernel` is height and width. Rows go example by example, and
    through each as one reads, line by line. A row holds the numbers under the kernel channel by channel, and each
    channel line by line, which is the order of a weight. The border is 0. Known as "im2col".
    Source: Chellapilla, Puri and Simard (2006).

    >>> columns(np.arange(6.0).reshape(1, 1, 2, 3), (2, 2))
    array([[0., 1., 3., 4.],
           [1., 2., 4., 5.]])
    """
    examples, channels, height, width = x.shape
    tall, wide = kernel
    rows, across = output_size(height, tall, stride, padding), output_size(width, wide, stride, padding)
    ### BEGIN SOLUTION
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel, axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride].transpose(0, 2, 3, 1, 4, 5)
    return windows.reshape(examples * rows * across, channels * tall * wide)
    ### END SOLUTION


def image(table: Array, shape: Shape, kernel: tuple[int, int], stride: int = 1, padding: int = 0) -> Array:
    """Add every number of a table of `columns` to the dot that it was read from, in the table's dtype.

    `shape` is that of the pictures: examples × channels × height × width. A dot that several windows have covered
    gets the sum, one that none has covered 0, and what came from the border is dropped. It is the adjoint of
    `columns`: the sum of columns(x) · table is the sum of x · image(table), for any x. Known as "col2im".

    >>> image(np.ones((2, 4)), (1, 1, 2, 3), (2, 2))
    array([[[[1., 2., 1.],
             [1., 2., 1.]]]])
    """
    examples, channels, height, width = shape
    tall, wide = kernel
    rows, across = output_size(height, tall, stride, padding), output_size(width, wide, stride, padding)
    ### BEGIN SOLUTION
    windows = table.reshape(examples, rows, across, channels, tall, wide).transpose(4, 5, 0, 3, 1, 2)
    padded = np.zeros((examples, channels, height + 2 * padding, width + 2 * padding), table.dtype)
    for i, j in np.ndindex(tall, wide):
        padded[:, :, i : i + stride * rows : stride, j : j + stride * across : stride] += windows[i, j]
    return padded[:, :, padding : padding + height, padding : padding + width]
    ### END SOLUTION


class Conv2d(Layer):
    """A convolution: the same weights at each place of the picture.

    x is examples × `inputs` × height × width, y is examples × `outputs` × height × width. `kernel` is height and
    width. `parameters["weight"]` is outputs × inputs × kernel height × kernel width, and `parameters["bias"]` has an
    entry for each output. The weights start from a normal distribution of mean 0 and variance 2 / the number of
    weights that one output has; biases start at 0. `random` is a generator, from which they are drawn, or a seed.
    `forward` raises ValueError where x has another number of axes or channels, or the kernel doesn't fit.
    Source: LeCun, Bottou, Bengio and Haffner (1998); the start from He, Zhang, Ren and Sun (2015).

    >>> layer = Conv2d(1, 4, (3, 3), random=0, padding=1)
    >>> {name: array.shape for name, array in layer.parameters.items()}
    {'weight': (4, 1, 3, 3), 'bias': (4,)}
    >>> layer.forward(np.zeros((10, 1, 8, 8))).shape
    (10, 4, 8, 8)
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: tuple[int, int],
        random: np.random.Generator | int,
        stride: int = 1,
        padding: int = 0,
        dtype: DTypeLike = np.float32,
    ) -> None:
        super().__init__()
        self.kernel, self.stride, self.padding = kernel, stride, padding
        random = np.random.default_rng(random)  # a generator stays as it is
        ### BEGIN SOLUTION
        weight = random.normal(0, math.sqrt(2 / (inputs * kernel[0] * kernel[1])), (outputs, inputs, *kernel))
        self.parameters = {"weight": weight.astype(dtype), "bias": np.zeros(outputs, dtype)}
        ### END SOLUTION

    def forward(self, x: Array) -> Array:
        """Return the convolution of x in the weights' dtype."""
        weight, bias = self.parameters["weight"], self.parameters["bias"]
        outputs, inputs, tall, wide = weight.shape
        if x.ndim != 4 or x.shape[1] != inputs:
            raise ValueError(f"x must be (examples, {inputs} channels, height, width), not {x.shape!r}")
        rows = output_size(x.shape[2], tall, self.stride, self.padding)
        across = output_size(x.shape[3], wide, self.stride, self.padding)
        ### BEGIN SOLUTION
        self.shape = x.shape
        self.table = columns(np.asarray(x, weight.dtype), self.kernel, self.stride, self.padding)
        y = self.table @ weight.reshape(outputs, -1).T + bias
        return y.reshape(len(x), rows, across, outputs).transpose(0, 3, 1, 2)
        ### END SOLUTION

    def backward(self, dy: Array) -> Array:
        """Set the gradients by weight and bias, which add up over examples and places, and return that by x."""
        ### BEGIN SOLUTION
        weight = self.parameters["weight"]
        rows = np.asarray(dy, weight.dtype).transpose(0, 2, 3, 1).reshape(-1, len(weight))
        self.gradients = {"weight": (rows.T @ self.table).reshape(weight.shape), "bias": rows.sum(axis=0)}
        table = rows @ weight.reshape(len(weight), -1)
        return image(table, self.shape, self.kernel, self.stride, self.padding)
        ### END SOLUTION


class MaxPool2d(Layer):
    """The largest number of each square window of `size` × `size`, in each channel by itself.

    Windows lie `stride` apart, by default side by side; rows and columns left over at the far end are not looked
    at. The gradient goes to the dot that was largest, and where several were, to the first as one reads, line by
    line. `forward` raises ValueError where the window doesn't fit.

    >>> layer = MaxPool2d(2)
    >>> layer.forward(np.array([[[[1.0, 2.0, 5.0], [4.0, 4.0, 6.0]]]]))
    array([[[[4.]]]])
    >>> layer.backward(np.array([[[[10.0]]]]))
    array([[[[ 0.,  0.,  0.],
             [10.,  0.,  0.]]]])
    """

    def __init__(self, size: int, stride: int | None = None) -> None:
        super().__init__()
        self.size = size
        self.stride = size if stride is None else stride

    def forward(self, x: Array) -> Array:
        """Return the largest number of each window."""
        examples, channels, height, width = x.shape
        rows, across = (output_size(side, self.size, self.stride) for side in (height, width))
        ### BEGIN SOLUTION
        self.shape = x.shape
        alone = x.reshape(examples * channels, 1, height, width)  # each channel as a picture of its own
        table = columns(alone, (self.size, self.size), self.stride)
        self.largest = table.argmax(axis=1)
        return np.asarray(table.max(axis=1).reshape(examples, channels, rows, across))
        ### END SOLUTION

    def backward(self, dy: Array) -> Array:
        """Return the gradient by x: that of each window, at the place of its largest number."""
        ### BEGIN SOLUTION
        examples, channels, height, width = self.shape
        table = np.zeros((len(self.largest), self.size * self.size), dy.dtype)
        table[np.arange(len(table)), self.largest] = dy.reshape(-1)
        alone = (examples * channels, 1, height, width)
        return image(table, alone, (self.size, self.size), self.stride).reshape(self.shape)
        ### END SOLUTION


class GlobalAverage(Layer):
    """The mean of each channel over the whole picture: examples × channels, whatever the size of the picture.

    >>> layer = GlobalAverage()
    >>> layer.forward(np.array([[[[1.0, 3.0]], [[5.0, 6.0]]]]))
    array([[2. , 5.5]])
    >>> layer.backward(np.array([[1.0, 10.0]]))
    array([[[[0.5, 0.5]],
    <BLANKLINE>
            [[5. , 5. ]]]])
    """

    def forward(self, x: Array) -> Array:
        """Return the means over height and width."""
        ### BEGIN SOLUTION
        self.shape = x.shape
        return np.asarray(x.mean(axis=(2, 3)))
        ### END SOLUTION

    def backward(self, dy: Array) -> Array:
        """Return the gradient by x: each dot has an equal share of its channel's."""
        ### BEGIN SOLUTION
        share = dy / (self.shape[2] * self.shape[3])
        return np.broadcast_to(share[:, :, None, None], self.shape)
        ### END SOLUTION


class Flatten(Layer):
    """Lays all numbers of an example in one row, for a linear layer.

    >>> Flatten().forward(np.zeros((5, 4, 3, 2))).shape
    (5, 24)
    """

    def forward(self, x: Array) -> Array:
        """Return x as examples × numbers."""
        self.shape = x.shape
        return x.reshape(len(x), math.prod(x.shape[1:]))

    def backward(self, dy: Array) -> Array:
        """Return the gradient in the shape of x."""
        return dy.reshape(self.shape)


def receptive_field(layers: Sequence[tuple[int, int]]) -> int:
    """Return how many dots along one axis can have a say in one number, behind layers of (kernel, stride).

    The layers stand in the order in which the picture passes them. A border doesn't matter.
    Source: Araujo, Norris and Sim (2019).

    >>> receptive_field([(3, 1), (2, 2), (3, 1)])
    8
    """
    ### BEGIN SOLUTION
    field, apart = 1, 1  # how many dots one number sees; how many dots two neighbours lie apart
    for kernel, stride in layers:
        field += (kernel - 1) * apart
        apart *= stride
    return field
    ### END SOLUTION


def lenet(
    shape: tuple[int, int, int],
    classes: int,
    random: np.random.Generator | int,
    filters: Sequence[int] = (6, 16),
    kernel: int = 5,
    padding: Sequence[int] = (2, 0),
    widths: Sequence[int] = (120, 84),
) -> Sequential:
    """Return a network in the manner of LeNet-5, for pictures of channels × height × width.

    For each of `filters` and `padding` it has a Conv2d of so many outputs with such a border, a ReLU and a
    MaxPool2d(2); then a Flatten; for each of `widths` a Linear of so many outputs and a ReLU; and a Linear for the
    classes. Kernels are square, strides 1. All weights are drawn from one generator, in the order of the layers.
    Raises ValueError where the picture is too small, or `filters` and `padding` are of different lengths.
    Source: LeCun, Bottou, Bengio and Haffner (1998), with the ReLU and the pooling of our days.

    >>> model = lenet((1, 28, 28), 10, random=0)
    >>> sum(array.size for array in model.parameters.values())
    61706
    """
    random = np.random.default_rng(random)
    ### BEGIN SOLUTION
    channels, height, width = shape
    layers: list[Layer] = []
    for outputs, border in zip(filters, padding, strict=True):
        convolution = Conv2d(channels, outputs, (kernel, kernel), random, padding=border)
        layers += [convolution, ReLU(), MaxPool2d(2)]
        height, width = (output_size(output_size(d, kernel, 1, border), 2, 2) for d in (height, width))
        channels = outputs
    layers.append(Flatten())
    numbers = channels * height * width
    for outputs in widths:
        layers += [Linear(numbers, outputs, random), ReLU()]
        numbers = outputs
    return Sequential(*layers, Linear(numbers, classes, random))
    ### END SOLUTION


def shift(images: Array, down: int, right: int, fill: float = 0.0) -> Array:
    """Return pictures with all dots moved down and to the right, by any whole numbers, below 0 too.

    The last two axes are height and width. What leaves the picture is lost, and what is left empty is `fill`. The
    shape and the dtype stay.

    >>> shift(np.array([[1.0, 2.0], [3.0, 4.0]]), down=1, right=-1)
    array([[0., 0.],
           [2., 0.]])
    """
    ### BEGIN SOLUTION
    height, width = images.shape[-2:]
    rows, across = np.arange(height)[:, None] - down, np.arange(width) - right  # where each dot comes from
    inside = (rows >= 0) & (rows < height) & (across >= 0) & (across < width)
    return np.where(inside, images[..., rows % height, across % width], images.dtype.type(fill))
    ### END SOLUTION


def shift_each(images: Array, offsets: NDArray[np.integer]) -> Array:
    """Return each picture shifted by its own offset, which is a row of `offsets`: down, right; the border is 0."""
    moved = np.array(images)
    for down, right in set(map(tuple, offsets.tolist())):  # most offsets are those of several pictures
        here = (offsets == (down, right)).all(axis=1)
        moved[here] = shift(images[here], down, right)
    return moved


class RandomShift(Layer):
    """In training, each picture is shifted by an offset of its own, up to `reach` dots in all four directions.

    Down and right are drawn from the seed and the step that `mode` has named, and from nothing else: every whole
    number from −reach to reach, each as often. Another step draws anew. The border is 0. Out of training the
    layer does nothing. x is examples × channels × height × width. Raises ValueError where `reach` is below 0.
    Source: Simard, Steinkraus and Platt (2003).

    >>> layer = RandomShift(1, seed=1)
    >>> layer.mode(True, step=0)
    >>> layer.forward(np.ones((3, 1, 4, 4))).sum(axis=(1, 2, 3))
    array([16.,  9.,  9.])
    """

    def __init__(self, reach: int, seed: int) -> None:
        super().__init__()
        if reach < 0:
            raise ValueError(f"a reach of {reach!r} is below 0")
        self.reach = reach
        self.seed = seed

    def forward(self, x: Array) -> Array:
        """Return x, in training with each picture shifted."""
        ### BEGIN SOLUTION
        self.offsets = np.zeros((len(x), 2), dtype=np.int64)
        if self.training:
            random = np.random.default_rng([self.seed, self.training_step])
            self.offsets = random.integers(-self.reach, self.reach + 1, (len(x), 2))
        return shift_each(x, self.offsets)
        ### END SOLUTION

    def backward(self, dy: Array) -> Array:
        """Return the gradient by x: each dot's gradient moves back to where the dot came from."""
        ### BEGIN SOLUTION
        return shift_each(dy, -self.offsets)
        ### END SOLUTION


def is_adjoint(forward: Callable[[Array], Array], backward: Callable[[Array], Array], shape: Shape) -> bool:
    """Say whether `backward` is the adjoint of `forward`, by trying them: this law is yours to write.

    `forward` is called with float64 arrays of `shape` and returns an array of a shape of its own; `backward` is
    called with arrays of that shape and returns one of `shape`. They are adjoint where the sum of forward(x) · y is
    the sum of x · backward(y), for every x and y. A right pair is as exact as float64 allows. A wrong one may be off
    for some numbers only, as for those below 0 or above 100; return other shapes; or raise an exception.
    """
    ### BEGIN SOLUTION
    random = np.random.default_rng(13)
    x = random.normal(0, 1000, shape)
    try:
        there = forward(x.copy())
        y = random.normal(0, 1000, there.shape)
        back = backward(y.copy())
        if back.shape != x.shape:
            return False
        there, back = there * y, back * x
        return bool(abs(there.sum() - back.sum()) <= 1e-9 * np.abs(there).sum())
    except Exception:
        return False
    ### END SOLUTION

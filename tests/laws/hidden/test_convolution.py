"""Hidden laws of lesson 13: other dtypes, borrowed arrays, larger pictures beside the reference, planted mistakes."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from autograder.laws import expect, law

F32 = "float32"


def drawn(seed, *shape):
    """Draw numbers from a normal distribution."""
    return np.asarray(np.random.default_rng(seed).normal(size=shape))


@law(
    exercise="naive_convolution",
    points=1,
    hint="Stride and padding hold in both directions, and the bias of one output is no other output's. Leave x alone.",
)
def test_loops_beside_the_reference(convolution, reference):
    """The loops agree with ours on pictures that are wider than tall, in float32 too, and change nothing."""
    x, weight, bias = drawn(1, 2, 2, 4, 7), drawn(2, 3, 2, 2, 4), drawn(3, 3)
    for stride, padding in ((1, 0), (2, 1), (3, 2)):
        got = convolution.carefully(convolution.naive_convolution, x, weight, bias, stride, padding)
        wanted = reference.naive_convolution(x, weight, bias, stride, padding)
        expect.close(got, wanted, what=f"the convolution with stride {stride} and padding {padding}")


@law(
    exercise="columns",
    points=1,
    hint="The table has x's dtype, and x may be a view that can't be written to. Make no array of another dtype.",
)
def test_columns_and_image_keep_the_dtype(convolution, reference):
    """Tables are of x's dtype, from borrowed pictures too."""
    for dtype in (np.float32, np.float64):
        x = drawn(1, 2, 3, 6, 5).astype(dtype)
        got = convolution.carefully(convolution.columns, x, (3, 2), 2, 1)
        expect.equal(got, reference.columns(x, (3, 2), 2, 1), "the table")


@law(
    exercise="image",
    points=1,
    hint="The picture has the table's dtype. Add to zeros of your own, of that dtype; the table isn't yours.",
)
def test_image_keeps_the_dtype(convolution, reference):
    """Pictures that are put together are of the table's dtype, from borrowed tables too."""
    for dtype in (np.float32, np.float64):
        table = drawn(2, 2 * 3 * 3, 3 * 6).astype(dtype)
        got = convolution.carefully(convolution.image, table, (2, 3, 6, 5), (3, 2), 2, 1)
        wanted = reference.image(table, (2, 3, 6, 5), (3, 2), 2, 1)
        expect.equal(str(got.dtype), str(wanted.dtype), "the dtype of the picture")
        expect.close(got, wanted, rtol=1e-5, atol=1e-6, what="the picture")


@law(
    exercise="Conv2d",
    points=2,
    hint="Cast what comes in to the dtype of the weights, x and dy, and make no new array with NumPy's default dtype.",
)
def test_a_convolution_computes_in_its_own_dtype(convolution, reference):
    """A float32 layer gives float32, whatever comes in; a float64 layer float64; and both agree with ours."""
    x, dy = drawn(1, 2, 3, 9, 8), drawn(2, 2, 4, 4, 5)
    for dtype, other, near in ((F32, np.float64, 1e-4), ("float64", np.float32, 1e-9)):
        parts = {"weight": drawn(3, 4, 3, 4, 2), "bias": drawn(4, 4)}
        results = []
        for module in (convolution, reference):
            layer = module.Conv2d(3, 4, (4, 2), 0, 2, 1, dtype)
            module.load(layer, parts)
            y, dx, gradients = module.probe(layer, x.astype(other), dy.astype(other))
            results.append({"y": y, "the gradient by x": dx, **gradients})
        for name, wanted in results[1].items():
            got = results[0][name]
            expect.equal(str(got.dtype), dtype, f"the dtype of {name} of a layer of {dtype}")
            expect.close(got, wanted, rtol=near, atol=near, what=f"{name} of a layer of {dtype}")


@law(
    exercise="MaxPool2d",
    points=1,
    hint="Backward makes a picture of dy's dtype, and every window's gradient arrives somewhere: the sums are equal.",
)
def test_pooling_loses_no_gradient(convolution, reference):
    """All of the gradient arrives, in float32 as in float64, and it agrees with ours where windows overlap."""
    for dtype in (np.float32, np.float64):
        x, dy = drawn(1, 2, 3, 8, 7).astype(dtype), drawn(2, 2, 3, 3, 3).astype(dtype)
        y, dx, _ = convolution.probe(convolution.MaxPool2d(3, 2), x, dy)
        wanted, slope, _ = reference.probe(reference.MaxPool2d(3, 2), x, dy)
        expect.equal(y, wanted, "y")
        expect.equal(str(dx.dtype), str(np.dtype(dtype)), "the dtype of the gradient by x")
        expect.close(dx, slope, rtol=1e-5, atol=1e-6, what="the gradient by x")
        expect.close(float(dx.sum()), float(dy.sum()), rtol=1e-4, atol=1e-4, what="the sum of the gradient")


@law(
    exercise="GlobalAverage",
    points=1,
    hint="Divide by the number of dots of this picture, and keep the dtype that comes in.",
)
def test_average_of_any_size(convolution):
    """A picture that is moved on an empty ground, or lies in a larger one, has the same sum; float32 stays float32."""
    layer = convolution.GlobalAverage()
    for sides in ((5, 5), (6, 9)):
        x = np.zeros((2, 3, *sides), np.float32)
        x[:, :, 1:4, 2:4] = drawn(1, 2, 3, 3, 2)
        y, dx, _ = convolution.probe(layer, x, np.ones((2, 3), np.float32))
        expect.equal([str(y.dtype), str(dx.dtype)], [F32, F32], "the dtypes of y and of the gradient by x")
        sums = x[:, :, 1:4, 2:4].astype(np.float64).sum(axis=(2, 3))
        expect.close(
            y.astype(np.float64) * sides[0] * sides[1], sums, rtol=1e-4, atol=1e-5, what="y times the dots"
        )
        expect.close(
            dx.astype(np.float64).sum(axis=(2, 3)), np.ones((2, 3)), rtol=1e-5, what="the sum of the gradient"
        )


@law(
    exercise="lenet",
    points=1,
    hint="Call it with other numbers of filters, borders, widths and classes than the default: is each of them used?",
)
def test_other_lenets(convolution, reference):
    """Networks with three convolutions, or with none, have the layers of ours and the same scores."""
    for shape, options in (
        ((2, 13, 17), {"filters": (3, 4, 2), "kernel": 3, "padding": (0, 2, 1), "widths": (6, 5)}),
        ((1, 3, 2), {"filters": (), "padding": (), "widths": (4,)}),
    ):
        mine, ours = (module.lenet(shape, 4, 3, **options) for module in (convolution, reference))
        parts = {
            name: drawn(i, *np.shape(array)) / 3 for i, (name, array) in enumerate(ours.parameters.items())
        }
        sizes = {name: np.shape(array) for name, array in mine.parameters.items()}
        expect.equal(
            sizes, {name: array.shape for name, array in parts.items()}, "the shapes of the parameters"
        )
        x, dy = drawn(50, 3, *shape), drawn(51, 3, 4)
        convolution.load(mine, parts)
        reference.load(ours, parts)
        got, wanted = convolution.probe(mine, x, dy), reference.probe(ours, x, dy)
        expect.close(got[0], wanted[0], rtol=1e-3, atol=1e-4, what="the scores")
        for name, slope in wanted[2].items():
            expect.close(got[2][name], slope, rtol=1e-2, atol=1e-3, what=f"the gradient by {name}")
    too_large = "lenet for 8 by 8 dots with kernels of 5"
    expect.raises("ValueError", convolution.lenet, (1, 8, 8), 10, 0, what=too_large)
    for padding in ((1,), (1, 1, 1)):
        what = f"lenet with two convolutions and {len(padding)} borders"
        expect.raises("ValueError", convolution.lenet, (1, 8, 8), 10, 0, (2, 3), 3, padding, what=what)


@law(
    exercise="shift",
    points=1,
    hint="The result has the pictures' dtype, whole numbers included, and the pictures themselves stay as they were.",
)
def test_shift_keeps_the_dtype(convolution, reference):
    """Pictures keep their dtype, the fill is of it too, and borrowed pictures are left alone."""
    for dtype in (np.float32, np.float64, np.uint8):
        x = (100 * np.abs(drawn(1, 2, 3, 4, 5))).astype(dtype)
        for down, right in ((0, 0), (2, -1), (-3, 5)):
            got = convolution.carefully(convolution.shift, x, down, right, 7.0)
            expect.equal(got, reference.shift(x, down, right, 7.0), f"pictures moved by {down} and {right}")


@law(
    exercise="RandomShift",
    points=1,
    hint="Count over many steps: every offset is as likely as any other. The channels of a picture move together, and "
    "the dtype stays.",
)
def test_offsets_over_many_steps(convolution):
    """Over many steps each offset occurs as often, all channels move together, and float32 stays float32."""
    x = np.zeros((60, 2, 5, 7), np.float32)
    x[:, :, 2, 3] = 1
    layer, total = convolution.RandomShift(1, 9), np.zeros((5, 7))
    for step in range(12):
        layer.mode(True, step=step)
        y = layer.forward(x)
        expect.equal(str(y.dtype), F32, "the dtype of y")
        expect.true(np.array_equal(y[:, 0], y[:, 1]), "two channels of a picture have moved apart", got=y)
        total += y[:, 0].sum(axis=0)
    expected = np.zeros((5, 7))
    expected[1:4, 2:5] = 60 * 12 / 9
    expect.close(total, expected, rtol=0.5, what="how often the dot was where, in 720 pictures")


BACKWARDS = [
    "overlaps_overwrite",
    "image_without_the_stride",
    "border_not_cut_off",
    "table_in_another_order",
]


@law(
    exercise="is_adjoint",
    points=3,
    examples=2,
    hint="Which mistakes do your numbers miss? Ones are alike in any order, and an x that is the same "
    "everywhere hides where a gradient has gone. Draw all numbers, from both sides of 0.",
)
@given(order=st.permutations(["right", "right", *BACKWARDS, "turns", "turns back"]))
def test_your_law_meets_planted_bugs(convolution, reference, bugs, order):
    """Your law accepts our pairs and refuses every planted mistake, in whatever order they come."""
    shape, kernel = (1, 2, 5, 4), (3, 3)
    for name in order:
        module = reference if name not in BACKWARDS else bugs[name]
        if name.startswith("turns"):
            back = (-1, 2) if name == "turns back" else (1, -2)
            got = convolution.is_adjoint(
                lambda x: reference.shift(x, 1, -2),
                lambda y, back=back: reference.shift(y, *back),
                (4, 5),
            )
            expect.equal(got, name == "turns back", f"your law on a shift and {back}")
            continue
        got = convolution.is_adjoint(
            lambda x: reference.columns(x, kernel, 2, 1),
            lambda y, module=module: module.image(y, shape, kernel, 2, 1),
            shape,
        )
        expect.equal(got, name == "right", "your law on an implementation, right or with a mistake")

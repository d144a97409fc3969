"""Hidden laws of lesson 14: other units, single rows, Gaussian theory, whole trainings, planted mistakes."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from autograder.laws import expect, law

SEEDS = st.integers(0, 999)


def cloud(seed, shape):
    """Draw a table whose columns are of different sizes and mixed with each other, far from 0."""
    random = np.random.default_rng(seed)
    mix = random.normal(size=(shape[1], shape[1]))
    return random.normal(size=shape) * np.arange(1, shape[1] + 1) @ mix + random.normal(0, 20, shape[1])


@law(
    exercise="principal_components",
    points=2,
    examples=6,
    hint="Shift all rows, and only the mean moves. Turn them, and the directions turn along. Then try one row, and "
    "rows that are all equal: there is nothing along any direction, and they are directions all the same.",
)
@given(seed=SEEDS)
@example(seed=0)
def test_shifted_turned_and_constant_tables(representation, reference, seed):
    """Shifts and turns carry over, orders of rows don't matter, constant tables and single rows have squares of 0."""
    rows = cloud(seed, (7, 3))
    mean, directions, squares = representation.principal_components(rows)
    wanted = reference.principal_components(rows)
    expect.close(directions, wanted[1], rtol=1e-6, atol=1e-7, what="the directions")
    turn = np.linalg.qr(np.random.default_rng(seed + 1).normal(size=(3, 3)))[0]
    moved, turned, same = representation.principal_components(2 * rows[::-1] @ turn + 100)
    expect.close(
        same, 4 * squares, rtol=1e-6, what="the squares of a table that was turned, doubled and shifted"
    )
    expect.close(moved, 2 * mean @ turn + 100, what="its mean")
    close = np.abs(np.sum(turned * (directions @ turn), axis=1))
    expect.close(close, np.ones(3), rtol=1e-6, what="the cosines between its directions and the turned ones")
    for flat in (rows[:1], np.full((4, 3), 0.5)):
        _, directions, squares = representation.principal_components(flat)
        expect.close(squares, np.zeros(len(squares)), atol=1e-9, what=f"the squares of {flat.tolist()}")
        expect.close(
            directions @ directions.T, np.eye(min(flat.shape)), what="their directions' dot products"
        )


@law(
    exercise="project",
    points=1,
    hint="Project the training rows and other rows with the same mean. Nothing may depend on which rows come along.",
)
def test_rows_are_projected_one_by_one(representation, reference):
    """What a row is projected to does not depend on other rows, and nothing leaks from them."""
    rows = cloud(1, (6, 4))
    mean, directions, _ = reference.principal_components(rows[:4])
    together = representation.project(rows, mean, directions[:2])
    expect.close(together, reference.project(rows, mean, directions[:2]), what="the coordinates of all rows")
    alone = representation.project(rows[5:], mean, directions[:2])
    expect.close(alone, together[5:], what="the coordinates of the last row by itself")


@law(
    exercise="reconstruct",
    points=1,
    examples=6,
    hint="With all directions, what was projected comes back. With some of them, projecting what came back changes "
    "nothing any more.",
)
@given(seed=SEEDS)
@example(seed=0)
def test_a_projection_projected(representation, reference, seed):
    """With all directions the rows come back; with two, a second round trip changes nothing."""
    rows = cloud(seed, (5, 3))
    mean, directions, _ = reference.principal_components(rows)
    back = representation.reconstruct(reference.project(rows, mean, directions), mean, directions)
    expect.close(back, rows, what="the rows, from all their coordinates")
    flat = representation.reconstruct(reference.project(rows, mean, directions[:2]), mean, directions[:2])
    again = representation.reconstruct(reference.project(flat, mean, directions[:2]), mean, directions[:2])
    expect.close(again, flat, what="the rows of a plane, projected onto it once more")


@law(
    exercise="power_iteration",
    points=1,
    hint="No length, no division: rows that are all equal give back the start, at length 1. Numbers of a million must "
    "not overflow either, after any number of steps.",
)
def test_power_iteration_of_other_tables(representation, reference):
    """Equal rows give the start back; large numbers and many steps don't overflow; a few steps agree with ours."""
    for rows in (np.full((3, 4), 0.5), np.ones((1, 2)), cloud(2, (5, 4)) * 1e6):
        for steps in (1, 3, 90):
            got = representation.carefully(representation.power_iteration, rows, steps, 4)
            wanted = reference.power_iteration(rows, steps, 4)
            expect.close(got, wanted, rtol=1e-6, atol=1e-8, what=f"the direction after {steps} steps")


@law(
    exercise="quantise",
    points=1,
    hint="Take the codes back to numbers and quantise those: nothing may change. Keep the shape; codes are int64.",
)
def test_codes_stand_for_themselves(representation):
    """Every shape is kept, codes stand for themselves, and a step of 0 or less is refused."""
    for shape, step in (((2, 3), 0.1), ((0, 4), 2.0), ((2, 2, 2), 1e-3)):
        x = np.random.default_rng(3).normal(0, 10, shape)
        codes = representation.carefully(representation.quantise, x, step)
        expect.equal(codes, np.floor(x / step + 0.5).astype(np.int64), f"the codes at a step of {step}")
        expect.equal(
            representation.quantise(codes * step, step), codes, "the codes of what the codes stand for"
        )
    for step in (0.0, -1.0, math.inf, math.nan):
        expect.raises("ValueError", representation.quantise, np.ones(2), step, what=f"a step of {step}")


@law(
    exercise="rate",
    points=2,
    hint="A Gaussian number with a fine step costs log₂(deviation / step) + 2.05 bits: twice the step, one bit "
    "less. Each column adds its own.",
)
def test_a_fine_step_pays_a_quarter_bit(representation):
    """The rate falls as the step grows, and at a fine step lies 0.25 bit above what Shannon allows, in each column."""
    x = np.random.default_rng(5).normal(0, [1, 2], (4000, 2))
    rates = []
    for step in (0.25, 0.5, 1.0, 4.0, 40.0):
        codes = np.floor(x / step + 0.5).astype(np.int64)
        rates.append(representation.rate(codes))
        if step == 0.5:
            errors = np.mean((codes * step - x) ** 2, axis=0)
            least = np.sum(np.log2(x.var(axis=0) / errors)) / 2
            expect.close(rates[-1] - least, 2 * 0.2546, atol=0.03, rtol=0, what="the bits above the bound")
    expect.true(bool(np.all(np.diff(rates) < 0)), "a larger step costs more bits", got=rates)


@law(
    exercise="water_filling",
    points=2,
    examples=10,
    hint="The order of the variances says nothing, and the errors come back in that order. A unit ten times as large "
    "changes no bits. Variances of 0 cost nothing at any distortion.",
)
@given(seed=SEEDS, share=st.sampled_from([0.001, 0.2, 0.6, 0.99, 1.0, 7.0]))
@example(seed=0, share=0.6)
@example(seed=0, share=1.0)
def test_water_in_other_units(representation, reference, seed, share):
    """Order and unit change nothing, and what is given is left as it was."""
    random = np.random.default_rng(seed)
    variances = np.append(random.exponential(size=5) ** 2, [0.0, 0.0])[random.permutation(7)]
    distortion = float(share * variances.sum())
    bits, left = representation.carefully(representation.water_filling, variances, distortion)
    wanted, errors = reference.water_filling(variances, distortion)
    expect.close(bits, wanted, atol=1e-9, what="the bits")
    expect.close(left, errors, what="the errors left")
    bits, left = representation.water_filling(100 * variances[::-1], 100 * distortion)
    expect.close(bits, wanted, atol=1e-9, what="the bits in other units")
    expect.close(left, 100 * errors[::-1], what="the errors left in other units")


@law(
    exercise="squared_error",
    points=1,
    hint="A float32 y has a float32 gradient, whatever the target's dtype. The loss is a float of Python.",
)
def test_squared_error_in_float32(representation):
    """The gradient has y's dtype, the loss is a float, and twice the rows have the same mean."""
    y = np.array([[1.0, 2.0], [3.0, 5.0]], np.float32)
    target = np.array([[1.0, 1.0], [0.0, 1.0]])
    for times in (1, 2):
        loss, gradient = representation.squared_error(np.tile(y, (times, 1)), np.tile(target, (times, 1)))
        expect.kind(loss, float, "the loss")
        expect.close(loss, 6.5, rtol=1e-6, what=f"the loss of {2 * times} rows")
        wanted = np.tile(np.array([[0, 0.5], [1.5, 2]], np.float32), (times, 1)) / times
        expect.close(gradient, wanted, rtol=1e-6, what=f"the gradient of {2 * times} rows")
        expect.equal(str(gradient.dtype), "float32", "the dtype of the gradient")


@law(
    exercise="Tied",
    points=2,
    examples=4,
    hint="Load PCA's directions and mean into the layer: it must rebuild as PCA does, with a gradient of 0 by "
    "everything. A layer computes in the dtype of its weight.",
)
@given(seed=SEEDS)
@example(seed=0)
def test_pca_is_a_place_to_rest(representation, reference, seed):
    """With PCA's directions as its weight, a tied autoencoder loses what PCA loses, and its gradients are 0."""
    rows = cloud(seed, (6, 4))
    mean, directions, squares = reference.principal_components(rows)
    layer = representation.Tied(4, 2, 0, dtype="float64")
    representation.load(layer, {"weight": directions[:2].T, "centre": mean})
    rebuilt = reference.best_rank(rows, 2)
    y, _, gradients = representation.probe(layer, rows, 2 * (rebuilt - rows))
    expect.close(y, rebuilt, what="the rows rebuilt")
    size = float(squares[0])
    for name, gradient in gradients.items():
        expect.close(gradient / size, np.zeros(gradient.shape), atol=1e-9, what=f"the gradient by the {name}")
    narrow = representation.Tied(4, 2, 0)
    y, dx, gradients = representation.probe(narrow, rows, rows)
    for name, array in {"y": y, "dx": dx, "codes": narrow.encode(rows), **gradients}.items():
        expect.equal(str(array.dtype), "float32", f"the dtype of {name} of a float32 layer")


@law(
    exercise="train_to_copy",
    points=2,
    hint="Go through one step with the docstring beside you: mode(True, optimizer.steps), the step's rows, their own "
    "error. Then the measurement: mode(False), the validation rows. mode(False) once more in the end.",
)
def test_a_whole_training_beside_the_reference(representation, reference):
    """Losses, measurements, best weights and a resumed training agree with ours, with dropout in the model."""
    rows, validation = cloud(3, (20, 3)) / 20, cloud(4, (5, 3)) / 20

    def trained(module, steps, resume=None):
        layer = module.Tied(3, 2, 1, dtype="float64")
        model, seen = module.Sequential(module.Dropout(0.3, 2), layer), []
        plan = module.Plan(20, 8, steps, seed=4, every=2)
        done = module.train_to_copy(
            model, rows, validation, plan, rate=0.1, resume=resume,
            progress=lambda _step, loss, _left, state: seen.append([loss, state]),
        )  # fmt: skip
        flat = np.concatenate([array.ravel() for array in model.parameters.values()])
        model.mode(True, step=3)
        module.train_to_copy(model, rows, validation, module.Plan(20, 8, 0))
        expect.equal(model.training, False, "whether the model is in training in the end, here after no step")
        return np.array(done.losses), np.array([loss for loss, _ in seen]), flat, [state for _, state in seen]

    got, wanted = trained(representation, 14), trained(reference, 14)
    parts = ("the losses", "the measurements", "the weights that are left")
    for part, mine, theirs in zip(parts, got, wanted, strict=False):
        expect.close(mine, theirs, rtol=1e-6, atol=1e-9, what=part)
    rest = trained(representation, 14, resume=got[3][2])
    expect.close(
        rest[0], got[0][6:], rtol=1e-6, what="the losses of steps 6 to 13, resumed from a checkpoint"
    )


@law(
    exercise="principal_angles",
    points=1,
    examples=6,
    hint="The order of both subspaces says nothing, nor does a turn of the whole space. Between a subspace and itself "
    "all angles are 0, and none is NaN.",
)
@given(seed=SEEDS)
@example(seed=0)
def test_angles_have_no_order(representation, reference, seed):
    """Angles stay when the subspaces are exchanged, turned together or given by other rows; none is NaN."""
    random = np.random.default_rng(seed)
    first, second = random.normal(size=(2, 5)), random.normal(size=(3, 5)) * 1000
    wanted = reference.principal_angles(first, second)
    turn = np.linalg.qr(random.normal(size=(5, 5)))[0]
    mixed = random.normal(size=(2, 2)) @ first
    for name, one, other in (
        ("", first, second),
        ("exchanged", second, first),
        ("turned", mixed @ turn, second @ turn),
    ):
        got = representation.principal_angles(one, other)
        expect.close(got, wanted, rtol=1e-6, atol=1e-6, what=f"the angles, {name}".rstrip(", "))
    got = representation.carefully(representation.principal_angles, second, second)
    expect.close(got, np.zeros(3), atol=1e-6, what="the angles of a subspace to itself")


BUGS_OF_TABLES = [
    "table_is_not_centred",
    "smallest_direction_first",
    "mean_of_everything",
    "mean_is_not_added_back",
    "divides_by_the_deviation",
]


@law(
    exercise="is_best_rank",
    points=2,
    examples=2,
    hint="Which mistakes do your tables miss? Let the columns have means far from 0 and different sizes, and try every "
    "count. The table returned must be flat: less the mean, its rank is at most the count. And its error must be "
    "the least there is, which the eigenvalues of the centred table's square say.",
)
@given(order=st.permutations(["right", "right", *BUGS_OF_TABLES]))
def test_your_law_meets_planted_bugs(representation, reference, bugs, order):
    """Your law accepts our reconstruction and refuses that of every planted mistake, in whatever order they come."""
    for name in order:
        module = reference if name == "right" else bugs[name]
        verdict = representation.is_best_rank(module.best_rank)
        expect.equal(verdict, name == "right", "your law on an implementation, right or with a mistake")
    for wrong in (lambda rows, _: rows, lambda rows, _: rows * 0):
        expect.equal(
            representation.is_best_rank(wrong), False, "your law on what gives back the rows, or zeros"
        )

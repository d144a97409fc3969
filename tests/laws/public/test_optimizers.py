"""Public laws of lesson 11: steps against closed formulas, training against a script that the law wrote."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from autograder.laws import expect, law

SEEDS = st.integers(0, 999)
STEPS = st.integers(1, 5)
SHAPES = st.sampled_from(
    [[(3,)], [(2, 3), (3,)], [()], [(0,)], [(1,), (2, 1, 2)], [(0, 2), (2,)], [(1, 1)], [(2,), (), (3, 2)]]
)


def quarters(seed, shape, low=-8, high=8):
    """Draw multiples of 1/4, which are easy to read."""
    return np.asarray(np.random.default_rng(seed).integers(low, high + 1, shape) / 4)


def draw(shapes, steps, seed, low=-8):
    """Draw a start and the gradients of each step, in quarters."""
    random = np.random.default_rng(seed)
    start, *gradients = (
        [np.asarray(random.integers(least, 9, shape) / 4) for shape in shapes]
        for least in (-8, *[low] * steps)
    )
    return start, gradients


def follow(start, gradients, move):
    """Return the parameters after each step; `move` makes a step of all gradients so far and the parameter."""
    parameters, taken = [array.copy() for array in start], []
    for t in range(1, len(gradients) + 1):
        for i, array in enumerate(parameters):
            past = np.array([arrays[i] for arrays in gradients[:t]])
            parameters[i] = array + move(past, array)
        taken.append(list(parameters))
    return taken


def decayed(past, beta):
    """Add up what is past, each entry multiplied by `beta` once for each step since."""
    return np.tensordot(beta ** np.arange(len(past))[::-1], past, 1)


def mean(past, beta):
    return decayed(past, beta) / decayed(np.ones(len(past)), beta)


def array(value):
    """Take a NumPy number for what it is in NumPy: an array of shape ()."""
    return np.asarray(value) if isinstance(value, np.generic) else value


def same_path(got, expected, rtol=1e-9):
    expect.kind(got, list, "the path")
    expect.equal(len(got), len(expected), "the number of steps")
    pairs = [
        (array(a), np.asarray(b), f"parameter {i} after step {t}")
        for t, (theirs, ours) in enumerate(zip(got, expected, strict=True), 1)
        for i, (a, b) in enumerate(zip(theirs, ours, strict=True))
    ]
    if all(type(a) is np.ndarray and a.shape == b.shape and a.dtype == b.dtype for a, b, _ in pairs):
        flat = (np.concatenate([pair[side].ravel() for pair in pairs]) for side in (0, 1))
        if np.allclose(*flat, rtol=rtol, atol=1e-12):
            return  # all at once: one by one takes ten times as long
    for a, b, what in pairs:
        expect.close(a, b, rtol=rtol, what=what)


@law(
    exercise="SGD",
    points=2,
    examples=8,
    hint="Subtract rate * gradient from the array itself, with -=. `w = w - …` makes a new array, which nobody "
    "else sees. Nothing is written to a gradient.",
)
@given(shapes=SHAPES, steps=STEPS, seed=SEEDS, rate=st.sampled_from([0.5, 0.1, 0.0]))
@example(shapes=[(2,)], steps=1, seed=0, rate=0.5)
def test_descent(optimizers, shapes, steps, seed, rate):
    """Each step goes against the gradient, by the rate times its length, in place."""
    start, gradients = draw(shapes, steps, seed)
    got = optimizers.path(optimizers.SGD, start, gradients, rate=rate)
    same_path(got, follow(start, gradients, lambda past, _: -rate * past[-1]))


@law(
    exercise="SGD",
    points=2,
    examples=3,
    hint="In one step, each coordinate is multiplied by 1 - rate * curvature. Is your step as long as the rate "
    "and the gradient say?",
)
@given(seed=SEEDS, share=st.sampled_from([0.1, 1.0, 1.9, 1.99, 2.01, 2.1, 3.0]))
@example(seed=0, share=1.99)
@example(seed=0, share=2.01)
def test_descent_converges_below_two_over_l(optimizers, seed, share):
    """On a bowl with curvatures up to L, descent goes down just where the rate is below 2/L."""
    curvatures = quarters(seed, 3, 1, 12)
    start = quarters(seed + 1, 3, 1)
    rate = share / curvatures.max()
    walked = optimizers.walk(optimizers.SGD, start, optimizers.bowl(curvatures.tolist()), 30, rate=rate)
    expect.close(walked[:1], start[None], what="the start")
    steepest = np.argmax(curvatures)
    factors = (1 - share) ** np.arange(31)
    expect.close(walked[:, steepest], start[steepest] * factors, what="the way along the steepest axis")
    heights = (curvatures * walked**2).sum(axis=1)
    if share < 2:
        fell = bool(np.all(np.diff(heights) <= 0))
        expect.true(fell, f"at {share}/L every step leads down", got=heights)
    else:
        expect.true(abs(walked[-1, steepest]) > start[steepest], f"at {share}/L it climbs", got=heights)


@law(
    exercise="Momentum",
    points=2,
    examples=8,
    hint="The speed is kept from step to step: the new one is beta * speed + gradient. Each parameter has its "
    "own. Then subtract rate * speed.",
)
@given(shapes=SHAPES, steps=STEPS, seed=SEEDS, beta=st.sampled_from([0.5, 0.9, 0.0]))
@example(shapes=[(1,)], steps=2, seed=0, beta=0.5)
@example(shapes=[(2,), (2,)], steps=3, seed=1, beta=0.5)
def test_momentum(optimizers, shapes, steps, seed, beta):
    """The speed is the sum of all gradients, each times beta for every step since."""
    start, gradients = draw(shapes, steps, seed)
    got = optimizers.path(optimizers.Momentum, start, gradients, rate=0.5, beta=beta)
    same_path(got, follow(start, gradients, lambda past, _: -0.5 * decayed(past, beta)))


@law(
    exercise="Momentum",
    points=1,
    hint="On a slope that stays the same, the speed s becomes beta * s + g until nothing changes: s = g / "
    "(1 - beta).",
)
def test_terminal_velocity(optimizers):
    """On an even slope, the steps grow towards rate · gradient / (1 − beta)."""
    for beta, steps in ((0.0, 2), (0.5, 25), (0.75, 50)):
        even = lambda _: np.array([2.0, -1.0])  # noqa: E731
        walked = optimizers.walk(optimizers.Momentum, np.zeros(2), even, steps, rate=0.25, beta=beta)
        expected = np.array([-0.5, 0.25]) / (1 - beta)
        what = f"step number {steps}, with a beta of {beta}"
        expect.close(walked[-1] - walked[-2], expected, rtol=1e-5, what=what)


@law(
    exercise="Momentum",
    points=1,
    examples=4,
    hint="With nesterov, the step is the gradient plus beta times the new speed, times the rate. The speed "
    "itself is the same as without.",
)
@given(shapes=SHAPES, steps=STEPS, seed=SEEDS)
@example(shapes=[(1,)], steps=2, seed=0)
def test_nesterov(optimizers, shapes, steps, seed):
    """Nesterov's step looks ahead: gradient + beta · new speed."""
    start, gradients = draw(shapes, steps, seed)
    got = optimizers.path(optimizers.Momentum, start, gradients, rate=0.5, beta=0.75, nesterov=True)
    same_path(got, follow(start, gradients, lambda past, _: -0.5 * (past[-1] + 0.75 * decayed(past, 0.75))))


@law(
    exercise="RMSProp",
    points=2,
    examples=8,
    hint="square = beta * square + (1 - beta) * gradient ** 2, kept for each parameter. Divide by its root, and "
    "add epsilon to the root, not under it.",
)
@given(shapes=SHAPES, steps=STEPS, seed=SEEDS, epsilon=st.sampled_from([1e-8, 0.5]))
@example(shapes=[(1,)], steps=2, seed=0, epsilon=0.5)
def test_rmsprop(optimizers, shapes, steps, seed, epsilon):
    """Each step is the gradient divided by the root of a running mean of squares."""
    start, gradients = draw(shapes, steps, seed)
    got = optimizers.path(optimizers.RMSProp, start, gradients, rate=0.5, beta=0.75, epsilon=epsilon)

    def move(past, _):
        return -0.5 * past[-1] / (np.sqrt(0.25 * decayed(past**2, 0.75)) + epsilon)

    same_path(got, follow(start, gradients, move))


@law(
    exercise="Adam",
    points=1,
    hint="By hand: m = 0.1 g and v = 0.001 g². Divided by 1 - 0.9 and 1 - 0.999 they are g and g², so the step is "
    "the rate times the sign of g.",
)
def test_pencil_example(optimizers):
    """From (1, 2) with gradient (0.5, −0.3) and rate 0.001, Adam steps to (0.999, 2.001)."""
    start, gradients = [np.array([1.0, 2.0])], [[np.array([0.5, -0.3])]]
    got = optimizers.path(optimizers.Adam, start, gradients, rate=0.001)
    same_path(got, [[np.array([0.999, 2.001])]], rtol=1e-7)


@law(
    exercise="Adam",
    points=2,
    examples=10,
    hint="Count the step first, so that t is 1 in the first one. Divide the mean by 1 - b1 ** t and the square by "
    "1 - b2 ** t, and keep both as they were. Epsilon is added to the root.",
)
@given(shapes=SHAPES, steps=STEPS, seed=SEEDS, epsilon=st.sampled_from([1e-8, 0.5]))
@example(shapes=[(1,)], steps=1, seed=0, epsilon=0.5)
@example(shapes=[(1,)], steps=2, seed=1, epsilon=1e-8)
@example(shapes=[(2,), (2,)], steps=2, seed=0, epsilon=1e-8)
def test_adam_divides_two_weighted_means(optimizers, shapes, steps, seed, epsilon):
    """With bias corrected, Adam's moments are weighted means of the past, and its step their ratio."""
    start, gradients = draw(shapes, steps, seed)
    got = optimizers.path(optimizers.Adam, start, gradients, rate=0.5, betas=(0.75, 0.875), epsilon=epsilon)

    def move(past, _):
        return -0.5 * mean(past, 0.75) / (np.sqrt(mean(past**2, 0.875)) + epsilon)

    same_path(got, follow(start, gradients, move), rtol=1e-8)


@law(
    exercise="Adam",
    points=2,
    examples=4,
    hint="The mean grows with the gradients, and so does the root of the mean square: their ratio doesn't. Is a "
    "square or a root missing?",
)
@given(steps=STEPS, seed=SEEDS, scale=st.sampled_from([1e-6, 1e-3, 7.0, 1e6]))
@example(steps=2, seed=0, scale=1e6)
def test_scale_does_not_matter_to_adam(optimizers, steps, seed, scale):
    """Gradients a million times as large give the same path; the first step is the rate."""
    start, gradients = draw([(3,)], steps, seed, low=1)
    gradients[0][0] *= -1
    scaled = [[scale * array for array in arrays] for arrays in gradients]
    settings = {"rate": 0.5, "betas": (0.75, 0.5), "epsilon": 0.0}
    got = optimizers.path(optimizers.Adam, start, scaled, **settings)
    expect.close(got[0][0], start[0] + 0.5, what="the parameter after one step up")

    def move(past, _):
        return -0.5 * mean(past, 0.75) / np.sqrt(mean(past**2, 0.5))

    same_path(got, follow(start, gradients, move), rtol=1e-8)


@law(
    exercise="AdamW",
    points=2,
    examples=8,
    hint="Multiply the parameter by 1 - rate * decay first, then take Adam's step. The decay is no part of the "
    "gradient: it would be divided by the gradient's size.",
)
@given(shapes=SHAPES, steps=STEPS, seed=SEEDS, scale=st.sampled_from([1.0, 1e3]))
@example(shapes=[(1,)], steps=1, seed=0, scale=1.0)
def test_adamw(optimizers, shapes, steps, seed, scale):
    """The parameters shrink by a share of themselves, beside Adam's step."""
    start, gradients = draw(shapes, steps, seed)
    gradients = [[scale * array for array in arrays] for arrays in gradients]
    got = optimizers.path(
        optimizers.AdamW, start, gradients, rate=0.5, betas=(0.75, 0.875), epsilon=1e-8, decay=0.25
    )

    def move(past, parameter):
        adam = mean(past, 0.75) / (np.sqrt(mean(past**2, 0.875)) + 1e-8)
        return -0.5 * (0.25 * parameter + adam)

    same_path(got, follow(start, gradients, move), rtol=1e-8)


@law(
    exercise="AdamW",
    points=1,
    hint="Where the gradient is 0, Adam stands still, and only the decay is left. Does it still act?",
)
def test_decay_alone(optimizers):
    """Where all gradients are 0, each step leaves the share 1 − rate · decay."""
    start = [np.array([8.0, -4.0]), np.array([[1.0]])]
    still = [[np.zeros(2), np.zeros((1, 1))]] * 3
    got = optimizers.path(optimizers.AdamW, start, still, rate=0.5, decay=0.25)
    same_path(got, [[array * 0.875**t for array in start] for t in (1, 2, 3)])


@law(
    exercise="cosine",
    points=1,
    examples=10,
    hint="The cosine of 0 is 1 and that of pi is -1. Go through this half wave in `steps` steps, bring it to "
    "between `least` and `rate`, and stay at `least`.",
)
@given(step=st.integers(0, 30), steps=st.integers(1, 20), least=st.sampled_from([0.0, 0.5]))
@example(step=0, steps=4, least=0.5)
@example(step=4, steps=4, least=0.5)
@example(step=9, steps=4, least=0.0)
def test_cosine(optimizers, step, steps, least):
    """Half a cosine wave leads from the rate to the least; both ends are exact."""
    got = optimizers.cosine(step, 2.0, steps, least)
    wave = 2 * math.cos(math.pi * min(step / steps, 1) / 2) ** 2  # (1 + cos x) / 2 is cos² of x / 2
    expect.close(got, least + (2.0 - least) * wave / 2, what=f"the rate at step {step} of {steps}")
    expect.close(optimizers.cosine(0, 2.0, steps, least), 2.0, what="the rate at step 0")
    for none in (0, -1):
        expect.raises("ValueError", optimizers.cosine, 0, 2.0, none)


@law(
    exercise="warm_up",
    points=1,
    hint="Step 0 has 1 / steps and not 0, which would waste it; step `steps` - 1 has all. From then on it is 1.",
)
def test_warm_up(optimizers):
    """The factor grows in equal parts from 1/steps at step 0 to 1, and stays at 1."""
    for steps, expected in (
        (4, [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]),
        (2, [0.5, 1.0, 1.0]),
        (1, [1.0, 1.0]),
        (0, [1.0, 1.0]),
    ):
        for step, factor in enumerate(expected):
            got = optimizers.warm_up(step, steps)
            expect.close(got, factor, what=f"the factor at step {step}, warming up for {steps}")


@law(
    exercise="clip_by_norm",
    points=2,
    examples=10,
    hint="One length for all arrays together: the root of the sum of all squares. Where it is above the limit, "
    "multiply every array by limit / length; else change nothing. Return new arrays.",
)
@given(shapes=SHAPES, seed=SEEDS, limit=st.sampled_from([0.25, 1.0, 3.0, 100.0]))
@example(shapes=[(2,), (2,)], seed=0, limit=1.0)
@example(shapes=[(1,), (3, 2)], seed=4, limit=0.25)
def test_clipping(optimizers, shapes, seed, limit):
    """Clipped gradients keep their common direction and are never longer than before or than the limit."""
    gradients = [quarters(seed + i, shape) for i, shape in enumerate(shapes)]
    length = math.sqrt(sum(float((array**2).sum()) for array in gradients))
    got = optimizers.lend(optimizers.clip_by_norm, gradients, limit)
    expect.kind(got, tuple, "what came back")
    expect.equal(len(got), 2, "how much came back")
    clipped, measured = got
    expect.close(measured, length, what="the length before")
    expect.kind(clipped, list, "the clipped gradients")
    expect.equal(len(clipped), len(gradients), "the number of gradients")
    share = min(1.0, limit / length) if length else 1.0
    for i, (theirs, gradient) in enumerate(zip(clipped, gradients, strict=True)):
        expect.close(
            array(theirs),
            np.asarray(gradient * share),
            what=f"gradient {i}, of a common length of {length:.4f}",
        )


@law(
    exercise="minibatches",
    points=2,
    examples=5,
    hint="Draw one permutation of all numbers and cut it into pieces. Drawing each batch anew takes some numbers "
    "twice and leaves others out. Make a generator of your own from seed and epoch.",
)
@given(size=st.integers(0, 40), batch=st.integers(1, 12), seed=SEEDS, epoch=st.integers(0, 5))
@example(size=10, batch=4, seed=0, epoch=0)
def test_each_example_once(optimizers, size, batch, seed, epoch):
    """An epoch has every number once, in full batches but the last; the same seed and epoch draw the same."""
    got = optimizers.minibatches(size, batch, seed, epoch)
    expect.kind(got, list, "the batches")
    sizes = [min(batch, size - first) for first in range(0, size, batch)]
    for i, rows in enumerate(got):
        expect.kind(rows, np.ndarray, f"batch {i}")
        expect.true(rows.dtype.kind in "iu", f"batch {i} holds whole numbers", got=rows)
    expect.equal([len(rows) for rows in got], sizes, "the sizes of the batches")
    expect.equal(sorted(int(row) for rows in got for row in rows), list(range(size)), "all numbers, sorted")
    again = optimizers.minibatches(size, batch, seed, epoch)
    expect.equal(
        [rows.tolist() for rows in again], [rows.tolist() for rows in got], "the batches, drawn again"
    )
    for none in (0, -1):
        expect.raises("ValueError", optimizers.minibatches, 5, none, 0, 0)


@law(
    exercise="state_of",
    points=2,
    examples=3,
    hint="What does the next step depend on? The steps, the rate, the parameters, and each array of the memory "
    "under its name and number.",
)
@given(shapes=SHAPES, seed=SEEDS)
@example(shapes=[(2,), (3,)], seed=0)
def test_a_state_holds_all(optimizers, shapes, seed):
    """A state has the steps, the rate, every parameter and every memory, by name."""
    parameters, means, squares = (
        [quarters(seed + place + i, shape) for i, shape in enumerate(shapes)] for place in (0, 10, 20)
    )
    optimizer = optimizers.Adam(parameters, rate=0.25)
    optimizer.steps = 7
    optimizer.memory = {"mean": means, "square": squares}
    saved = optimizers.state_of(optimizer)
    expect.kind(saved, dict, "the state")
    expected = {"steps": np.asarray(7.0), "rate": np.asarray(0.25)}
    for name, arrays in (("parameter", parameters), ("mean", means), ("square", squares)):
        expected |= {f"{name}.{i}": array for i, array in enumerate(arrays)}
    expect.equal(sorted(saved), sorted(expected), "the names in the state")
    for name, value in expected.items():
        expect.close(np.asarray(saved[name], float), value, what=f"{name} in the state")


@law(
    exercise="load_state",
    points=1,
    examples=2,
    hint="Look at everything before you change anything. Write parameters with `array[...] = …`, so that the "
    "arrays stay the same ones, and make steps an int again.",
)
@given(shapes=SHAPES, seed=SEEDS)
@example(shapes=[(2,), (3,)], seed=0)
def test_loading(optimizers, shapes, seed):
    """Loading sets all that a state holds; a state with something missing changes nothing."""
    start = [quarters(seed + i, shape) for i, shape in enumerate(shapes)]
    optimizer = optimizers.Momentum([each.copy() for each in start], rate=0.5)
    saved = {"steps": np.asarray(3), "rate": np.asarray(0.125), "extra": np.zeros(2)}
    for i, shape in enumerate(shapes):
        saved |= {
            f"parameter.{i}": quarters(seed + 50 + i, shape),
            f"speed.{i}": quarters(seed + 60 + i, shape),
        }
    last = f"speed.{len(shapes) - 1}"
    for name in (last, "parameter.0", "steps", "rate"):
        less = {key: value for key, value in saved.items() if key != name}
        expect.raises("ValueError", optimizers.load_state, optimizer, less, what=f"a state without {name}")
    bent = {**saved, last: np.zeros((4, 5))}
    expect.raises("ValueError", optimizers.load_state, optimizer, bent, what=f"a state with a bent {last}")
    for i, (got, expected) in enumerate(zip(optimizer.parameters, start, strict=True)):
        expect.close(array(got), expected, what=f"parameter {i} after five refusals")
    optimizers.load_state(optimizer, saved)
    expect.equal(optimizer.steps, 3, "the steps")
    expect.equal(optimizer.rate, 0.125, "the rate")
    loaded = [*optimizer.parameters, *optimizer.memory["speed"]]
    names = [f"{name}.{i}" for name in ("parameter", "speed") for i in range(len(shapes))]
    for name, got in zip(names, loaded, strict=True):
        expect.close(array(got), saved[name], what=name)


@law(
    exercise="load_state",
    points=2,
    examples=4,
    hint="After loading, does the next step see the same steps, rate, parameters and memory? Copy on the way in "
    "and on the way out: later steps change arrays in place.",
)
@given(at=st.integers(0, 3), seed=SEEDS, kind=st.sampled_from(["SGD", "Momentum", "Adam"]))
@example(at=1, seed=0, kind="Adam")
@example(at=2, seed=0, kind="Momentum")
def test_resumed_is_uninterrupted(optimizers, at, seed, kind):
    """Steps taken from a checkpoint end exactly where they ended without it."""
    start, gradients = draw([(2,), (1, 2)], 4, seed)
    whole, *resumed = optimizers.rewind(getattr(optimizers, kind), start, gradients, at, rate=0.3)
    moved = np.max(np.abs(whole[0] - start[0])) + np.max(np.abs(whole[1] - start[1])) > 0
    still = all(not np.any(array) for arrays in gradients for array in arrays)
    expect.true(bool(moved or still), "the parameters have moved", got=whole)
    for name, ends in zip(("a written checkpoint", "the same one again"), resumed, strict=True):
        for i, (got, expected) in enumerate(zip(ends, whole, strict=True)):
            expect.equal(got, expected, f"parameter {i} after steps from {name}")


@law(
    exercise="Best",
    points=2,
    examples=12,
    hint="A better loss resets the count, and takes a copy of every parameter. Anything else adds 1; at "
    "`patience`, say so. Write the copies back into the same arrays.",
)
@given(
    losses=st.lists(st.sampled_from([1.0, 1.5, 2.0, 3.0, math.nan, math.inf]), max_size=8),
    patience=st.integers(1, 3),
)
@example(losses=[3.0, 1.0, 1.5, 1.0, 0.5], patience=2)
@example(losses=[3.0, 2.0, 3.0, 2.0, 1.0, 2.0], patience=2)
@example(losses=[3.0, 3.0, 2.0], patience=1)
def test_early_stopping(optimizers, losses, patience):
    """Training stops after so many measurements without a better one, with the best parameters."""
    best, waited, stopped, number = math.inf, 0, 0, 0
    for i, loss in enumerate(losses, 1):
        if loss < best:
            best, waited, number = loss, 0, i
        else:
            waited += 1
        if waited == patience:
            stopped = i
            break
    left = float(number or stopped or len(losses))  # without a good one, the parameter stays as it is
    got = optimizers.watch(losses, patience)
    expect.equal(got, (stopped, left), "the loss to stop after, and the number that restore brought back")


class Task:
    """Fitting one number to a few, which the law follows step by step; it writes down what it is asked."""

    def __init__(self, measured=()):
        self.targets = np.array([0.0, 1.0, 4.0, 9.0, 16.0])
        self.rows, self.losses, self.seen = [], [], []
        self.measured = list(measured)

    def slope(self, parameters, rows):
        self.rows.append([int(row) for row in rows])
        away = float(parameters[0][0]) - self.targets[rows]
        self.losses.append(float((away**2).mean() / 2))
        return self.losses[-1], [np.array([away.mean()])]

    def measure(self, parameters):
        self.seen.append(float(parameters[0][0]))
        if self.measured:
            return self.measured[len(self.seen) - 1]
        return float(((self.seen[-1] - self.targets) ** 2).mean())

    def expected(self, rate, start=20.0):
        """Return where descent leads by the rows that were asked for: the place after each step."""
        places, x = [], start
        for rows in self.rows:
            x -= rate * (x - self.targets[rows].mean())
            places.append(x)
        return places


@law(
    exercise="fit",
    points=2,
    examples=2,
    hint="For each step: the rows of the plan, slope, step. Measure after each `every` steps and after the last, "
    "with the parameters as they are then; at the end, restore the best.",
)
@given(steps=st.integers(3, 9), every=st.integers(1, 4), seed=SEEDS)
@example(steps=7, every=3, seed=0)
def test_a_plan_is_carried_out(optimizers, steps, every, seed):
    """All steps of the plan are taken, measured when due, and the best weights are left."""
    due = [step for step in range(1, steps + 1) if step % every == 0 or step == steps]
    measured = [float(x) for x in np.random.default_rng(seed).permutation(len(due))]
    task = Task(measured)
    optimizer = optimizers.SGD([np.array([20.0])], rate=0.5)
    plan = optimizers.Plan(size=5, batch=2, steps=steps, every=every, seed=seed)
    told = []
    fitted = optimizers.fit(
        optimizer, plan, task.slope, task.measure, progress=lambda *news: told.append(news[:2])
    )
    expect.equal(len(task.rows), steps, "the number of steps")
    for first in range(0, steps - 2, 3):
        epoch = sorted(row for rows in task.rows[first : first + 3] for row in rows)
        expect.equal(epoch, [0, 1, 2, 3, 4], f"the rows of steps {first} to {first + 2}")
    places = task.expected(0.5)
    what = f"the parameter when it was measured, after steps {due}"
    expect.close(np.array(task.seen), np.array([places[step - 1] for step in due]), what=what)
    expect.equal(told, list(zip(due, measured, strict=True)), "the steps and losses told to progress")
    expect.equal(fitted.losses, task.losses, "the losses of the steps")
    expect.equal((fitted.why, fitted.best), ("done", 0.0), "how it ended, and the best loss")
    best = np.array([places[due[measured.index(0.0)] - 1]])
    expect.close(optimizer.parameters[0], best, what="the parameter at the end")


@law(
    exercise="fit",
    points=1,
    hint="`update` of Best says when to stop. Stop then, and leave the weights of the best measurement.",
)
def test_fit_stops_early(optimizers):
    """Training ends when patience does, at the best weights."""
    for measured, taken, best in (
        ([5.0, 4.0, 6.0, 4.0, 1.0, 1.0, 1.0], 4, 2),
        ([5.0, 6.0, 4.0, 6.0, 3.0, 2.0, 1.0], 7, 7),
    ):
        task = Task(measured)
        optimizer = optimizers.SGD([np.array([20.0])], rate=0.5)
        plan = optimizers.Plan(size=5, batch=5, steps=7, patience=2)
        fitted = optimizers.fit(optimizer, plan, task.slope, task.measure)
        expect.equal(len(task.losses), taken, f"the steps taken when {measured} is measured")
        expect.equal(fitted.why, "early" if taken < 7 else "done", "how it ended")
        places = task.expected(0.5)
        expect.close(optimizer.parameters[0], np.array([places[best - 1]]), what="the parameter at the end")


@law(
    exercise="fit",
    points=2,
    examples=2,
    hint="Catch KeyboardInterrupt around the whole loop, and return as always. With resume, load the optimizer and "
    "the best weights first; the optimizer's count of steps says where to go on.",
)
@given(calls=st.integers(0, 8), every=st.integers(1, 3))
@example(calls=6, every=2)
@example(calls=5, every=1)
def test_ctrl_c_and_going_on(optimizers, calls, every):
    """Ctrl-C keeps the best weights, and training that goes on later ends as if it never stopped."""
    settings = {"size": 5, "batch": 2, "steps": 9, "every": every, "patience": 4}
    whole, task = Task(), Task()
    optimizer = optimizers.Momentum([np.array([20.0])], rate=0.5, beta=0.75)
    uncut = optimizers.fit(optimizer, optimizers.Plan(**settings), whole.slope, whole.measure)
    end = optimizer.parameters[0]
    optimizer = optimizers.Momentum([np.array([20.0])], rate=0.5, beta=0.75)
    cut = optimizers.interrupt(calls, optimizer, optimizers.Plan(**settings), task.slope, task.measure)
    stopped_before = len(whole.losses) <= calls
    expect.equal(cut.why, uncut.why if stopped_before else "interrupted", f"how it ended after {calls} steps")
    expect.equal(cut.losses, whole.losses[:calls], f"the losses of the first {calls} steps")
    scores = [float(((x - task.targets) ** 2).mean()) for x in task.seen]
    if not scores:  # before any measurement, there is nothing to restore or to go on from
        expect.equal(cut.state, {}, "the state after Ctrl-C before any measurement")
        return
    kept = task.seen[int(np.argmin(scores))]
    expect.equal(optimizer.parameters[0], np.array([kept]), "the parameter after Ctrl-C")
    if stopped_before:
        return
    saved = optimizers.from_bytes(optimizers.to_bytes(cut.state))
    optimizer = optimizers.Momentum([np.zeros(1)], rate=0.5, beta=0.75)
    later = optimizers.fit(optimizer, optimizers.Plan(**settings), task.slope, task.measure, resume=saved)
    expect.equal((later.why, later.best), (uncut.why, uncut.best), "how it ended, and the best loss")
    expect.equal(optimizer.parameters[0], end, "the parameter in the end")
    measured = calls - calls % every
    expect.equal(later.losses, whole.losses[measured:], f"the losses of the steps after step {measured}")


@law(
    exercise="is_adam",
    points=1,
    examples=2,
    hint="Work the expected parameters out by weighted_mean, over two steps and two parameters of different shapes. "
    "Compare shapes first; an exception is an answer too.",
)
@given(order=st.permutations(range(8)))
def test_your_law_tells_right_from_wrong(optimizers, order):
    """Your law accepts Adam and refuses other ways to step."""

    def adam(start, gradients):
        move = lambda past, _: -0.1 * mean(past, 0.9) / (np.sqrt(mean(past**2, 0.999)) + 1e-8)  # noqa: E731
        return follow(start, gradients, move)[-1]

    def by_recursion(start, gradients):
        after = [array.copy() for array in start]
        for i, array in enumerate(after):
            m, v = np.zeros_like(array), np.zeros_like(array)
            for t, arrays in enumerate(gradients, 1):
                m = 0.9 * m + 0.1 * arrays[i]
                v = 0.999 * v + 0.001 * arrays[i] ** 2
                array -= 0.1 * m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        return after

    def without_correction(start, gradients):
        def move(past, _):
            return -0.1 * 0.1 * decayed(past, 0.9) / (np.sqrt(0.001 * decayed(past**2, 0.999)) + 1e-8)

        return follow(start, gradients, move)[-1]

    def signs(start, gradients):
        return follow(start, gradients, lambda past, _: -0.1 * np.sign(past[-1]))[-1]

    def descent(start, gradients):
        return follow(start, gradients, lambda past, _: -0.1 * past[-1])[-1]

    def flat(start, gradients):
        return [array.ravel() for array in adam(start, gradients)]

    def failing(start, gradients):
        raise ValueError("operands could not be broadcast together")

    candidates = [
        ("Adam", adam),
        ("Adam, by the recursion", by_recursion),
        ("Adam without bias correction", without_correction),
        ("steps by the sign of the last gradient", signs),
        ("gradient descent", descent),
        ("nothing at all", lambda start, _: start),
        ("Adam, with flattened parameters", flat),
        ("one that raises an exception", failing),
    ]
    for number in order:
        name, candidate = candidates[number]
        expect.equal(optimizers.is_adam(candidate), number < 2, f"your law on {name}")

"""Hidden laws of lesson 11: lockstep with the reference, hard arrays, training that goes wrong, planted mistakes."""

from __future__ import annotations

import itertools
import math

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from autograder.laws import expect, law

SEEDS = st.integers(0, 999)
SHAPES = st.sampled_from([[(3,)], [(2, 3), (3,)], [()], [(0,), (1,)], [(1, 1), (2, 1, 2)]])
TYPES = st.sampled_from(["float32", "float64"])


def draw(shapes, steps, seed, dtype):
    """Draw a start, and gradients of very different sizes, some of them 0."""
    random = np.random.default_rng(seed)

    def numbers(shape, scale=1.0):
        drawn = random.normal(0, scale, shape) * (random.random(shape) < 0.9)
        return np.asarray(drawn, dtype)

    start = [numbers(shape) for shape in shapes]
    scales = 10.0 ** random.integers(-3, 4, steps)
    return start, [[numbers(shape, scale) for shape in shapes] for scale in scales]


def lockstep(optimizers, reference, kind, shapes, seed, dtype, **settings):
    """Hold a path of seven steps against the reference's; the parameters keep their dtype."""
    start, gradients = draw(shapes, 7, seed, dtype)
    got = optimizers.path(getattr(optimizers, kind), start, gradients, **settings)
    ours = reference.path(getattr(reference, kind), start, gradients, **settings)
    expect.kind(got, list, "the path")
    expect.equal(len(got), 7, "the number of steps")
    rtol = 1e-4 if dtype == "float32" else 1e-9
    pairs = [
        (a, b, f"parameter {i} after step {t}")
        for t, (theirs, mine) in enumerate(zip(got, ours, strict=True), 1)
        for i, (a, b) in enumerate(zip(theirs, mine, strict=True))
    ]
    if all(type(a) is np.ndarray and a.shape == b.shape and str(a.dtype) == dtype for a, b, _ in pairs):
        flat = (np.concatenate([pair[side].ravel() for pair in pairs]) for side in (0, 1))
        if np.allclose(*flat, rtol=rtol, atol=1e-5):
            return  # all at once: one by one takes ten times as long
    for a, b, what in pairs:
        expect.close(a, b, rtol=rtol, atol=1e-5, what=what)
        expect.equal(str(a.dtype), dtype, f"the dtype of {what}")


def refuses_what_does_not_match(optimizers, kind, settings):
    """Hold where a step counts, and gradients that don't match are refused before anything changes."""
    start = [np.array([1.0, 2.0]), np.array([[3.0]])]
    good = [np.array([0.5, 0.25]), np.array([[2.0]])]
    optimizer = getattr(optimizers, kind)([array.copy() for array in start], **settings)
    for bad in ([good[0]], [*good, good[0]], [good[0], np.array([2.0])], []):
        expect.raises("ValueError", optimizer.step, bad, what=f"gradients {bad} for two parameters")
    for got, expected in zip(optimizer.parameters, start, strict=True):
        expect.equal(got, expected, "a parameter after gradients that don't match")
    optimizer.step(good)
    moved = bool(np.all(optimizer.parameters[0] != start[0]))
    expect.true(moved, "a step changes the parameters", got=optimizer.parameters)
    optimizer.step(good)
    expect.equal(optimizer.steps, 2, "the steps that were taken")


@law(
    exercise="SGD",
    points=1,
    examples=2,
    hint="Call match before you count the step or change anything. Keep the arrays' own dtype: change them in place.",
)
@given(shapes=SHAPES, seed=SEEDS, dtype=TYPES)
@example(shapes=[(2,)], seed=0, dtype="float32")
def test_descent_beside_ours(optimizers, reference, shapes, seed, dtype):
    """Descent keeps in step with ours and its dtype, and refuses gradients that don't match."""
    lockstep(optimizers, reference, "SGD", shapes, seed, dtype, rate=0.01)
    refuses_what_does_not_match(optimizers, "SGD", {"rate": 0.5})


@law(
    exercise="Momentum",
    points=1,
    examples=4,
    hint="Try two parameters, and steps that reuse one array for all gradients: a speed must be an array of your own.",
)
@given(shapes=SHAPES, seed=SEEDS, dtype=TYPES, nesterov=st.booleans())
@example(shapes=[(2,), (2,)], seed=0, dtype="float64", nesterov=True)
def test_momentum_beside_ours(optimizers, reference, shapes, seed, dtype, nesterov):
    """Momentum keeps in step with ours, with Nesterov's step and without."""
    lockstep(optimizers, reference, "Momentum", shapes, seed, dtype, rate=0.01, beta=0.95, nesterov=nesterov)
    refuses_what_does_not_match(optimizers, "Momentum", {"rate": 0.5})


@law(
    exercise="RMSProp",
    points=1,
    examples=4,
    hint="Gradients of 0 divide nothing by nothing unless epsilon is added to the root. Each parameter has its own "
    "mean square, which starts at 0.",
)
@given(shapes=SHAPES, seed=SEEDS, dtype=TYPES)
@example(shapes=[(2,), (2,)], seed=0, dtype="float64")
def test_rmsprop_beside_ours(optimizers, reference, shapes, seed, dtype):
    """RMSProp keeps in step with ours over gradients of all sizes."""
    lockstep(optimizers, reference, "RMSProp", shapes, seed, dtype)
    refuses_what_does_not_match(optimizers, "RMSProp", {})


@law(
    exercise="Adam",
    points=1,
    examples=4,
    hint="Follow two parameters over several steps by hand. Each has its own mean and square; the count of steps is "
    "one for all, and starts with 1.",
)
@given(shapes=SHAPES, seed=SEEDS, dtype=TYPES)
@example(shapes=[(2,), (2,)], seed=0, dtype="float64")
def test_adam_beside_ours(optimizers, reference, shapes, seed, dtype):
    """Adam keeps in step with ours over gradients of all sizes."""
    lockstep(optimizers, reference, "Adam", shapes, seed, dtype)
    refuses_what_does_not_match(optimizers, "Adam", {})


@law(
    exercise="AdamW",
    points=1,
    examples=3,
    hint="The decay acts on the parameter as it was before the step, once a step, and on no gradient.",
)
@given(shapes=SHAPES, seed=SEEDS, dtype=TYPES)
@example(shapes=[(2,), (2,)], seed=0, dtype="float64")
def test_adamw_beside_ours(optimizers, reference, shapes, seed, dtype):
    """AdamW keeps in step with ours over gradients of all sizes."""
    lockstep(optimizers, reference, "AdamW", shapes, seed, dtype, rate=0.1, decay=0.5)
    refuses_what_does_not_match(optimizers, "AdamW", {"decay": 0.5})


@law(
    exercise="cosine",
    points=1,
    hint="A schedule comes down step by step: never up, never below the least.",
)
def test_schedules_come_down(optimizers):
    """The cosine never climbs, is symmetric about its middle, and ends at the least rate."""
    for steps in (1, 7, 10):
        rates = [optimizers.cosine(step, 3.0, steps, 1.0) for step in range(steps + 4)]
        for rate in rates:
            expect.number(rate, "a rate")
        falling = all(a >= b for a, b in itertools.pairwise(rates))
        expect.true(falling and rates[0] > rates[-1], f"the rates of {steps} steps come down", got=rates)
        pairs = [rates[i] + rates[steps - i] for i in range(steps + 1)]
        expect.close(
            np.array(pairs), np.full(steps + 1, 4.0), what="the rates at equal distance from both ends"
        )
        expect.close(np.array(rates[steps:]), np.ones(4), what="the rates from the last step on")


@law(
    exercise="clip_by_norm",
    points=1,
    hint="Add the squares up in float64, for float32 ends at 3e38. Keep each array's dtype and shape. No number and "
    "infinity can't be shortened: refuse them, and a limit of 0.",
)
def test_clipping_at_the_edges(optimizers):
    """Large float32 gradients are clipped in their own dtype; infinite ones and bad limits are refused."""
    large = [np.array([3e25, 0.0], np.float32), np.asarray(4e25, np.float32), np.zeros((0, 2), np.float32)]
    clipped, length = optimizers.clip_by_norm(large, 10.0)
    expect.close(length, 5e25, rtol=1e-6, what="the length of gradients of 3e25 and 4e25")
    for got, expected in zip(clipped, ([6.0, 0.0], 8.0, np.zeros((0, 2))), strict=True):
        expect.close(np.asarray(got), np.asarray(expected), rtol=1e-5, what="a clipped gradient")
        expect.equal(str(np.asarray(got).dtype), "float32", "its dtype")
    one = [np.array([3.0]), np.array([4.0])]
    for limit in (5.0, math.inf):
        expect.equal(optimizers.clip_by_norm(one, limit), (one, 5.0), f"a length of 5, clipped to {limit}")
    expect.equal(optimizers.clip_by_norm([], 1.0), ([], 0.0), "no gradients, clipped")
    for bad in (math.nan, math.inf):
        expect.raises("ValueError", optimizers.clip_by_norm, [np.array([1.0, bad])], 1.0)
    for limit in (0.0, -1.0, math.nan):
        expect.raises("ValueError", optimizers.clip_by_norm, one, limit)


@law(
    exercise="minibatches",
    points=1,
    hint="Every order must be possible, and another epoch or seed must bring another order. Shuffling only the "
    "batches, or only within them, isn't enough.",
)
def test_orders_differ(optimizers):
    """Epochs and seeds have orders of their own, and the whole order is shuffled."""
    for name, arguments in (
        ("epochs", [(6, 2, 5, epoch) for epoch in range(20)]),
        ("seeds", [(6, 2, seed, 3) for seed in range(20)]),
    ):
        orders = [np.concatenate(optimizers.minibatches(*four)).tolist() for four in arguments]
        for order in orders:
            expect.equal(sorted(order), list(range(6)), f"one of the orders of 20 {name}, sorted")
        different = len({tuple(order) for order in orders})
        expect.true(different >= 15, f"20 {name} have {different} different orders of 720", got=orders[:3])
    crossed = [optimizers.minibatches(30, 30, *pair)[0].tolist() for pair in ((1, 2), (2, 1), (0, 3), (3, 0))]
    for i, order in enumerate(crossed):
        expect.true(order not in crossed[:i], "seed and epoch may not be added or swapped", got=order)


@law(
    exercise="state_of",
    points=1,
    examples=3,
    hint="A state that shares arrays with the optimizer changes at the next step. Copy every array, and count "
    "nothing out: the steps matter to Adam, and the rate may have been changed.",
)
@given(at=st.integers(1, 4), seed=SEEDS, dtype=TYPES)
@example(at=2, seed=0, dtype="float64")
def test_states_are_copies(optimizers, reference, at, seed, dtype):
    """A state is as it was, whatever steps come after, and resumes on another machine."""
    start, gradients = draw([(2,), (), (1, 2)], 5, seed, dtype)
    whole, *resumed = optimizers.rewind(optimizers.AdamW, start, gradients, at, rate=0.25)
    ours = reference.rewind(reference.AdamW, start, gradients, at, rate=0.25)[0]
    for ends in (whole, *resumed):
        for i, (got, expected) in enumerate(zip(ends, ours, strict=True)):
            expect.close(got, expected, rtol=1e-4, atol=1e-5, what=f"parameter {i} in the end")
    for got, expected in zip(resumed[0] + resumed[1], whole + whole, strict=True):
        expect.equal(got, expected, "a parameter after steps from a checkpoint")


@law(
    exercise="load_state",
    points=1,
    hint="Numbers of another dtype would be rounded silently, and the next step would differ. Refuse them before "
    "anything is changed, the steps and the rate included.",
)
def test_a_state_of_another_kind_is_refused(optimizers):
    """A state of another shape or dtype is refused, and nothing has changed; a fitting one is taken."""
    start = [np.array([1.0, 2.0]), np.array([3.0])]
    optimizer = optimizers.Adam([array.copy() for array in start], rate=0.5)
    fitting = {"steps": np.asarray(2), "rate": np.asarray(0.25)}
    for name in ("parameter", "mean", "square"):
        fitting |= {f"{name}.0": np.array([4.0, 5.0]), f"{name}.1": np.array([6.0])}
    for name, value in (
        ("parameter.1", np.array([6.0], np.float32)),
        ("parameter.1", np.array(6.0)),
        ("square.0", np.array([4.0, 5.0], np.float32)),
        ("square.1", np.array([6.0, 7.0])),
        ("parameter.0", np.array([4.0])),
    ):
        what = f"a state whose {name} is of shape {value.shape} and {value.dtype}"
        expect.raises("ValueError", optimizers.load_state, optimizer, {**fitting, name: value}, what=what)
        expect.equal((optimizer.steps, optimizer.rate), (0, 0.5), f"steps and rate after {what}")
        expect.equal(optimizer.parameters, start, f"the parameters after {what}")
    optimizers.load_state(optimizer, fitting)
    expect.equal((optimizer.steps, optimizer.rate), (2, 0.25), "steps and rate after a fitting state")
    expect.equal(optimizer.memory["square"], [np.array([4.0, 5.0]), np.array([6.0])], "the mean squares")


@law(
    exercise="Best",
    points=1,
    hint="Copies are needed for every parameter, and restore writes each into its own array. Patience without end "
    "never stops.",
)
def test_best_of_several_parameters(optimizers):
    """Several parameters of different shapes are kept and brought back, each its own."""
    best = optimizers.Best(2)
    first, second = [np.array([1.0, 2.0]), np.array([[3.0]])], [np.array([7.0, 8.0]), np.array([[9.0]])]
    expect.equal(best.update(1.0, first), False, "to stop after a first measurement")
    expect.equal(best.update(1.0, second), False, "to stop after an equal one")
    expect.equal(best.update(math.nan, second), True, "to stop after one that is no number")
    expect.equal((best.loss, best.waited), (1.0, 2), "the best loss, and how many came since")
    for got, expected in zip(best.weights, first, strict=True):
        expect.equal(got, expected, "the best weights")
    expect.equal(best.update(0.5, second), False, "to stop after a better one")
    for got, expected in zip(best.weights, second, strict=True):
        expect.equal(got, expected, "the better weights")
    for wrong in (first[:1], [*first, first[0]]):
        expect.raises("ValueError", best.restore, wrong, what=f"restoring two weights into {len(wrong)}")
    endless = optimizers.Best()
    told = [endless.update(2.0, first) for _ in range(4)]
    expect.equal(told, [False] * 4, "to stop, with patience without end")


def steep(_parameters, rows):
    return float(len(rows)), [np.array([3.0, 0.0]), np.array([-4.0])]


@law(
    exercise="fit",
    points=1,
    hint="Ask the schedule for the rate before the step, with the number of steps taken so far. Clip before the step. "
    "The time left is that of one step so far, times the steps to come.",
)
def test_rates_limits_and_time(optimizers):
    """Rates come from the schedule, gradients are clipped, and the time left is worked out."""
    start = [np.array([0.0, 0.0]), np.array([0.0])]
    optimizer = optimizers.SGD([array.copy() for array in start], rate=9.0)
    plan = optimizers.Plan(size=4, batch=4, steps=6, every=2, limit=1.0)
    seconds, asked, told, states = [100.0], [], [], []

    def schedule(step):
        asked.append(step)
        return 1.0 / (step + 1)

    def slope(parameters, rows):
        seconds[0] += 3.0
        return steep(parameters, rows)

    def progress(step, loss, left, state):
        told.append((step, left))
        states.append(state)

    fitted = optimizers.fit(
        optimizer,
        plan,
        slope,
        lambda parameters: float(parameters[0][0]),
        schedule=schedule,
        progress=progress,
        clock=lambda: seconds[0],
    )
    expect.equal(asked, list(range(6)), "the steps that the schedule was asked about")
    way = sum(1 / (step + 1) for step in range(6))
    for got, expected in zip(optimizer.parameters, ([-0.6 * way, 0.0], [0.8 * way]), strict=True):
        expect.close(got, np.array(expected), what="a parameter after six clipped steps")
    expect.equal([step for step, _ in told], [2, 4, 6], "the steps told to progress")
    lefts = np.array([left for _, left in told], float)
    expect.close(lefts, np.array([12.0, 6.0, 0.0]), what="the seconds left, at 3 s a step")
    expect.close(
        np.asarray(states[0]["parameter.0"]), np.array([-0.9, 0.0]), what="the first state's parameter"
    )
    expect.equal(sorted(fitted.state), sorted(states[-1]), "the names in the last state")
    # Two steps more, from the state after step 4: the time left knows only the steps of this call.
    optimizer = optimizers.SGD([array.copy() for array in start], rate=9.0)
    plan = optimizers.Plan(size=4, batch=4, steps=7, limit=1.0)
    told.clear()
    optimizers.fit(
        optimizer, plan, slope, lambda _: 1.0, progress=progress, clock=lambda: seconds[0], resume=states[1]
    )
    expect.equal([step for step, _ in told], [5, 6, 7], "the steps told to progress, from step 4 on")
    lefts = np.array([left for _, left in told], float)
    expect.close(lefts, np.array([6.0, 3.0, 0.0]), what="the seconds left, from step 4 on")


@law(
    exercise="fit",
    points=1,
    hint="Whatever ends the loop, the best weights must be restored: that is what `finally` is for. Only Ctrl-C is "
    "caught; another exception passes through.",
)
def test_training_that_goes_wrong(optimizers):
    """An exception passes through, and with it too the best weights are in the parameters."""
    for bad, measured, kept in ((4, [3.0, 1.0, 2.0], 2.0), (1, [], 0.0), (3, [1.0, math.nan], 1.0)):
        optimizer = optimizers.SGD([np.array([0.0])], rate=1.0)
        plan = optimizers.Plan(size=1, batch=1, steps=5)
        made, scores = [], list(measured)

        def slope(parameters, rows, bad=bad, made=made):
            made.append(1)
            if len(made) == bad:
                raise ZeroDivisionError("a mistake in the model")
            return 1.0, [np.array([-1.0])]

        def measure(parameters, scores=scores):
            return scores.pop(0)

        what = f"fit when the model fails in step {bad}"
        expect.raises("ZeroDivisionError", optimizers.fit, optimizer, plan, slope, measure, what=what)
        expect.equal(optimizer.parameters[0], np.array([kept]), f"the parameter after {what}")
        optimizer = optimizers.SGD([np.array([0.0])], rate=1.0)
        cut = optimizers.interrupt(
            bad - 1, optimizer, plan, lambda *_: (1.0, [np.array([-1.0])]), lambda p: float(p[0][0])
        )
        best = "the best loss before Ctrl-C"
        expect.equal((cut.why, cut.best), ("interrupted", 1.0 if bad > 1 else math.inf), best)
        expect.equal(bool(cut.state), bad > 1, "whether there is a state to go on from")
    lost = iter([-1.0, math.inf, math.nan])
    optimizer = optimizers.SGD([np.array([0.0])], rate=1.0)
    plan = optimizers.Plan(size=1, batch=1, steps=3)
    fitted = optimizers.fit(
        optimizer, plan, lambda *_: (1.0, [np.array([next(lost)])]), lambda p: float(p[0][0])
    )
    why = "how training without a limit ends, and its best loss, when gradients become infinite"
    expect.equal((fitted.why, fitted.best), ("done", -math.inf), why)


# Planted mistakes that change where Adam leads, but not whether it raises an exception.
MISTAKES = [
    "no_bias_correction",
    "counts_from_zero",
    "one_memory_for_all",
    "square_is_not_squared",
    "epsilon_under_the_root",
    "corrects_the_mean_only",
    "betas_swapped",
    "correction_is_kept",
    "adam_rebinds",
]


@law(
    exercise="is_adam",
    points=2,
    examples=2,
    hint="Some mistakes show only in the second step, some only with two parameters, some only where a gradient is as "
    "small as epsilon. Does your input have all three?",
)
@given(order=st.permutations([*MISTAKES, "right", "right"]))
def test_your_law_against_planted_mistakes(optimizers, reference, bugs, order):
    """Your law accepts our Adam and refuses every planted mistake, in whatever order they come."""

    def stepping(module):
        def candidate(start, gradients):
            parameters = [np.array(array) for array in start]
            optimizer = module.Adam(parameters, rate=0.1)
            with np.errstate(all="ignore"):
                for arrays in gradients:
                    optimizer.step(arrays)
            return parameters

        return candidate

    for name in order:
        verdict = optimizers.is_adam(stepping(reference if name == "right" else bugs[name]))
        expect.equal(verdict, name == "right", "your law on an Adam, right or with a planted mistake")

"""The reference of lesson 15: cells and the whole model against torch in float64, forward and every gradient."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from autograder.corpus import corpus
from squeeze import recurrent as r
from squeeze.classification import Layer, cross_entropy, load, probe
from squeeze.optimizers import Fitted, Plan, State, from_bytes, to_bytes

torch = pytest.importorskip("torch")

CELLS = ["rnn", "gru"]
SHAPES = [(3, 5, 4, 2), (1, 1, 1, 1), (2, 7, 1, 3), (4, 1, 3, 5)]  # batch, time, inputs, hidden


def near(got: np.ndarray, expected: Any, tolerance: float = 1e-10) -> None:
    expected = np.asarray(expected)
    assert got.shape == expected.shape
    np.testing.assert_allclose(
        got, expected, rtol=tolerance, atol=tolerance * max(1, np.abs(expected).max(initial=0))
    )


def draw(*shape: int, seed: int = 0) -> np.ndarray:
    return np.asarray(np.random.default_rng(seed).normal(size=shape))


def fill(layer: Layer) -> None:
    """Give every parameter random numbers, biases too: zeros would hide a bias that is forgotten."""
    load(
        layer, {name: draw(*array.shape, seed=i) for i, (name, array) in enumerate(layer.parameters.items())}
    )


def torch_cell(cell: r.Recurrent, prefix: str = "") -> Any:
    kind = torch.nn.GRU if isinstance(cell, r.GRU) else torch.nn.RNN
    p = cell.parameters
    inputs, hidden = p["input"].shape[0], cell.hidden
    theirs = kind(inputs, hidden, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        for name, array in zip(
            ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"),
            (p["input"].T, p["recurrent"].T, p["bias"], p["recurrent_bias"]),
            strict=True,
        ):
            getattr(theirs, name).copy_(torch.tensor(np.ascontiguousarray(array)))
    return theirs


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("carried", [False, True])
def test_cells(kind: str, shape: tuple[int, int, int, int], carried: bool) -> None:
    batch, time, inputs, hidden = shape
    cell = r.CELLS[kind](inputs, hidden, 0, np.float64)
    fill(cell)
    theirs = torch_cell(cell)
    x, dy = draw(batch, time, inputs, seed=8), draw(batch, time, hidden, seed=9)
    leaf = torch.tensor(x, requires_grad=True)
    first = torch.tensor(draw(1, batch, hidden, seed=7) * carried, requires_grad=True)
    y, last = theirs(leaf, first)
    y.backward(torch.tensor(dy))
    if carried:
        cell.state = first.detach().numpy()[0].copy()
    ours, dx, gradients = probe(cell, x, dy)
    near(ours, y.detach())
    assert cell.state is not None
    near(cell.state, last.detach()[0])
    near(dx, leaf.grad)
    near(cell.state_gradient, first.grad[0])
    near(gradients["input"], theirs.weight_ih_l0.grad.T)
    near(gradients["recurrent"], theirs.weight_hh_l0.grad.T)
    near(gradients["bias"], theirs.bias_ih_l0.grad)
    near(gradients["recurrent_bias"], theirs.bias_hh_l0.grad)


@pytest.mark.parametrize("kind", CELLS)
def test_nothing_at_all_goes_through(kind: str) -> None:
    cell = r.CELLS[kind](2, 3, 0, np.float64)
    for batch, time in ((0, 4), (2, 0)):
        cell.reset()
        y, dx, gradients = probe(cell, np.zeros((batch, time, 2)), np.zeros((batch, time, 3)))
        assert (y.shape, dx.shape) == ((batch, time, 3), (batch, time, 2))
        assert all(not array.any() for array in gradients.values())
        assert cell.state is not None
        assert cell.state.shape == (batch, 3)


@pytest.mark.parametrize("kind", CELLS)
def test_the_whole_model(kind: str) -> None:
    """Loss in bits and every gradient, over two windows: torch's state is detached between them."""
    model = r.LanguageModel(11, 4, 5, kind, 0, np.float64)
    fill(model)
    random = np.random.default_rng(3)
    table = torch.nn.Embedding(11, 4, dtype=torch.float64)
    head = torch.nn.Linear(5, 11, dtype=torch.float64)
    cell = torch_cell(model.cell)
    with torch.no_grad():
        table.weight.copy_(torch.tensor(model.parameters["embedding.weight"]))
        head.weight.copy_(torch.tensor(np.ascontiguousarray(model.parameters["head.weight"].T)))
        head.bias.copy_(torch.tensor(model.parameters["head.bias"]))
    state = torch.zeros(1, 3, 5, dtype=torch.float64)
    for _ in range(2):
        ids, targets = random.integers(0, 11, (2, 3, 6))
        for module in (table, head, cell):
            module.zero_grad()
        states, state = cell(table(torch.tensor(ids)), state.detach())
        scores = head(states)
        loss = torch.nn.functional.cross_entropy(scores.reshape(-1, 11), torch.tensor(targets.ravel()))
        (loss / math.log(2)).backward()
        bits, by_scores = cross_entropy(model.forward(ids), targets)
        back = model.backward(by_scores)
        assert bits == pytest.approx(loss.item() / math.log(2), rel=1e-10)
        assert back.shape == ids.shape
        assert not back.any()
        for name, gradient in {
            "embedding.weight": table.weight.grad,
            "cell.input": cell.weight_ih_l0.grad.T,
            "cell.recurrent": cell.weight_hh_l0.grad.T,
            "cell.bias": cell.bias_ih_l0.grad,
            "cell.recurrent_bias": cell.bias_hh_l0.grad,
            "head.weight": head.weight.grad.T,
            "head.bias": head.bias.grad,
        }.items():
            near(model.gradients[name], gradient)
    assert list(model.gradients) == list(model.parameters)


def test_sigmoid_and_soften_are_torchs() -> None:
    x = np.append(np.linspace(-40, 40, 401), [1e4, -1e4])
    np.testing.assert_allclose(r.sigmoid(x), torch.sigmoid(torch.tensor(x)), atol=1e-15)
    scores = draw(4, 9) * 30
    for temperature in (0.3, 1.0, 7.0):
        near(r.soften(scores, temperature), torch.softmax(torch.tensor(scores) / temperature, -1))
    for temperature in (-1.0, math.nan):
        with pytest.raises(ValueError, match="the temperature is"):
            r.soften(scores, temperature)


def test_an_orthogonal_start_is_as_random_as_scipys() -> None:
    """The corner of a turn of three is between −1 and 1, each place as likely as any other (Archimedes)."""
    random = np.random.default_rng(0)
    corners = np.sort([r.orthogonal(3, random)[0, 0] for _ in range(4000)])
    assert np.max(np.abs(corners - np.linspace(-1, 1, 4000))) < 0.06
    for size in (0, 1, 2, 40):
        turn = r.orthogonal(size, random)
        np.testing.assert_allclose(turn @ turn.T, np.eye(size), atol=1e-12)
    blocks = r.GRU(2, 8, 0, np.float64).parameters["recurrent"].reshape(8, 3, 8)
    for gate in range(3):
        np.testing.assert_allclose(blocks[:, gate] @ blocks[:, gate].T, np.eye(8), atol=1e-12)


def test_numbers_that_are_no_symbols_and_states_of_others_are_refused() -> None:
    model = r.LanguageModel(4, 2, 3)
    for ids in ([[0, 4]], [[-1, 0]]):
        with pytest.raises(ValueError, match="there are 4 rows"):
            model.forward(np.array(ids))
        with pytest.raises(ValueError, match="there are 4 rows"):
            model.step(model.start(2), np.array(ids)[0])
    model.forward(np.zeros((2, 3), int))
    with pytest.raises(ValueError, match="the state is of 2 streams, x of 3"):
        model.forward(np.zeros((3, 3), int))
    model.reset()
    model.forward(np.zeros((3, 3), int))
    with pytest.raises(ValueError, match="'lstm'"):
        r.LanguageModel(kind="lstm")
    for batch in (0, 3, 4, -1):
        with pytest.raises(ValueError, match="can't be cut"):
            r.streams(b"abc", batch)
    with pytest.raises(ValueError, match="prompt is empty"):
        r.sample(model, b"", 3)
    with pytest.raises(NotImplementedError):
        r.Recurrent(1, 1, 0).advance(np.zeros(1), np.zeros(1), np.zeros(1))
    with pytest.raises(NotImplementedError):
        r.Recurrent(1, 1, 0).retreat(None, np.zeros(1))


def test_a_model_stays_in_float32() -> None:
    model = r.LanguageModel(8, 3, 4)
    scores = model.forward(np.zeros((2, 5), int))
    model.backward(np.ones((2, 5, 8)))
    arrays = [scores, model.cell.state, model.cell.state_gradient, *model.gradients.values()]
    arrays += model.step(model.start(2), np.zeros(2, int))
    assert {str(np.asarray(array).dtype) for array in arrays} == {"float32"}


def train(
    steps: int, resume: State | None = None, kind: str = "gru", stop: int = 0
) -> tuple[Fitted, r.LanguageModel]:
    """Train on 6,000 bytes; with `stop`, press Ctrl-C in the progress after so many steps."""
    text = corpus()[:8000]
    model = r.LanguageModel(256, 8, 16, kind, dtype=np.float64)
    plan = Plan(size=4, batch=4, steps=steps, every=5, limit=1.0)

    def progress(step: int, *_: Any) -> None:
        if step == stop:
            raise KeyboardInterrupt

    done = r.train_language(
        model, text[:6000], text[6000:], plan, time=100, rate=0.02, resume=resume, progress=progress
    )
    return done, model


@pytest.mark.parametrize("stop", [10, 15])
def test_a_resumed_training_is_the_uninterrupted_one(stop: int) -> None:
    """The checkpoint goes through a file's bytes; 15 steps are a whole pass, after which the streams begin again."""
    whole, model = train(40)
    half, _ = train(40, stop=stop)
    assert (half.why, len(half.losses)) == ("interrupted", stop)
    rest, again = train(40, from_bytes(to_bytes(half.state)))
    assert half.losses + rest.losses == pytest.approx(whole.losses, rel=1e-12)
    for name, array in model.parameters.items():
        near(again.parameters[name], array)


@pytest.mark.parametrize("kind", CELLS)
def test_training_reads_the_bible_better_than_its_bytes_alone(kind: str) -> None:
    text = corpus()
    data, held_out = text[:60_000], text[60_000:64_000]
    model = r.LanguageModel(256, 16, 48, kind)
    plan = Plan(size=8, batch=8, steps=150, every=50, limit=1.0)
    done = r.train_language(model, data, held_out, plan, time=32, rate=0.01)
    assert done.best == pytest.approx(r.bits_per_byte(model, held_out, 8), rel=1e-5)
    assert done.best < 3.4  # the bytes' own entropy is near 4.3
    assert model.cell.state is None
    assert r.bits_per_byte(model, held_out) == pytest.approx(done.best, abs=0.1)


def test_samples_have_the_probabilities_of_the_model() -> None:
    """Every text of three letters is drawn as often as the product of its conditional probabilities says."""
    model = r.LanguageModel(3, 2, 4, dtype=np.float64)
    fill(model)
    counts: dict[bytes, int] = {}
    for seed in range(3000):
        text = r.sample(model, b"\x01", 2, 1.5, seed)
        counts[text] = counts.get(text, 0) + 1
    for first in range(3):
        for second in range(3):
            model.reset()
            scores = model.forward(np.array([[1, first]]))[0] / 1.5
            chances = np.exp(scores - scores.max(axis=1, keepdims=True))
            chances /= chances.sum(axis=1, keepdims=True)
            expected = chances[0, first] * chances[1, second]
            share = counts.get(bytes([first, second]), 0) / 3000
            assert abs(share - expected) < 5 * math.sqrt(expected * (1 - expected) / 3000) + 1e-3


def test_the_rung_learns_while_it_reads() -> None:
    data = corpus()[:20_000]
    bits, model = r.code_length(data, 8, 24)
    assert model == 0
    assert (bits, model) == r.code_length(data, 8, 24)
    assert 2.5 < bits / len(data) < 5
    assert r.code_length(b"") == (0.0, 0)
    short = r.code_length(bytes(700), 2, 3)[0]
    assert 8 < short < 8 * 700
    changed = r.code_length(data[:-1] + b"\x00", 8, 24)[0]
    assert abs(changed - bits) < 40  # what is read last can't have changed what came before

"""The reference of lesson 16: each layer and the whole model against torch in float64, speed against torch's own."""

from __future__ import annotations

import importlib.util
import itertools
import math
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from autograder.corpus import corpus
from squeeze import transformer as t
from squeeze.classification import cross_entropy, load, probe
from squeeze.optimizers import Plan

torch = pytest.importorskip("torch")
functional = torch.nn.functional

ROOT = Path(__file__).resolve().parents[2]
SHAPES = [(2, 5, 6), (1, 1, 6), (3, 1, 6), (1, 8, 6), (0, 3, 6)]


def bench() -> ModuleType:
    """Load tools/bench_transformer.py, which has the same model in torch."""
    spec = importlib.util.spec_from_file_location(
        "bench_transformer", ROOT / "tools" / "bench_transformer.py"
    )
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def near(got: Any, expected: Any, tolerance: float = 1e-10) -> None:
    expected = np.asarray(expected.detach() if hasattr(expected, "detach") else expected)
    scale = np.max(np.abs(expected), initial=0)
    assert np.shape(got) == expected.shape
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance * scale)


def draw(*shape: int, seed: int = 0) -> np.ndarray:
    return np.asarray(np.random.default_rng(seed).normal(size=shape))


def stirred(layer: Any, seed: int = 5) -> Any:
    """Draw all parameters of a layer anew, so that no gradient is small by its start."""
    random = np.random.default_rng(seed)
    load(layer, {name: random.normal(0, 0.5, a.shape) for name, a in layer.parameters.items()})
    return layer


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["norm", "gelu"])
def test_simple_layers(name: str, shape: tuple[int, ...]) -> None:
    """Would fail on a variance by n − 1, an ε outside the root, GELU by erf, or a slope that misses a term."""
    x, dy = draw(*shape), draw(*shape, seed=1)
    leaf = torch.tensor(x, requires_grad=True)
    layer: Any = t.GELU()
    if name == "norm":
        layer = stirred(t.LayerNorm(6, np.float64))
        scale, shift = (
            torch.tensor(layer.parameters[part], requires_grad=True) for part in ("scale", "shift")
        )
        expected = functional.layer_norm(leaf, (6,), scale, shift, eps=1e-5)
    else:
        expected = functional.gelu(leaf, approximate="tanh")
    expected.backward(torch.tensor(dy))
    y, dx, gradients = probe(layer, x, dy)
    near(y, expected)
    near(dx, leaf.grad)
    if name == "norm":
        near(gradients["scale"], scale.grad)
        near(gradients["shift"], shift.grad)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("shape", [(2, 3, 5, 4), (1, 1, 1, 1), (0, 2, 3, 4), (4, 6, 2)])
def test_attention(shape: tuple[int, ...], causal: bool) -> None:
    """Would fail without 1/√depth, on a mask that is off by one, and on a softmax along the wrong axis."""
    q, k, v, dy = (draw(*shape, seed=seed) for seed in range(4))
    leaves = [torch.tensor(array, requires_grad=True) for array in (q, k, v)]
    expected = functional.scaled_dot_product_attention(*leaves, is_causal=causal)
    expected.backward(torch.tensor(dy))
    y, weights = t.attention(q, k, v, t.causal(shape[-2]) if causal else None)
    near(y, expected)
    for got, leaf in zip(t.attention_backward(dy, q, k, v, weights), leaves, strict=True):
        near(got, leaf.grad)


@pytest.mark.parametrize("shape", SHAPES)
def test_self_attention_is_torchs(shape: tuple[int, ...]) -> None:
    """As torch's MultiheadAttention, which has the same order of parts and heads: mixed heads would differ."""
    layer = stirred(t.CausalSelfAttention(6, 3, 0, np.float64))
    theirs = torch.nn.MultiheadAttention(6, 3, batch_first=True, dtype=torch.float64)
    names = {"qkv.weight": theirs.in_proj_weight, "qkv.bias": theirs.in_proj_bias,
             "out.weight": theirs.out_proj.weight, "out.bias": theirs.out_proj.bias}  # fmt: skip
    with torch.no_grad():
        for name, parameter in names.items():
            parameter.copy_(torch.tensor(layer.parameters[name].T))
    x, dy = draw(*shape), draw(*shape, seed=1)
    leaf = torch.tensor(x, requires_grad=True)
    future = ~torch.tensor(t.causal(shape[1]))
    expected, _ = theirs(leaf, leaf, leaf, attn_mask=future, need_weights=True)
    expected.backward(torch.tensor(dy))
    y, dx, gradients = probe(layer, x, dy)
    near(y, expected)
    near(dx, leaf.grad)
    for name, parameter in names.items():
        near(gradients[name], np.asarray(parameter.grad).T)


@pytest.mark.parametrize("size", [(11, 12, 3, 2, 7), (3, 4, 1, 4, 2), (5, 6, 2, 1, 5)])
def test_the_whole_model_is_torchs_layer_by_layer(size: tuple[int, int, int, int, int]) -> None:
    """Scores, loss, every gradient, and the stream after every block; would fail where a tied gradient is lost."""
    symbols, width, layers, heads, context = size
    ours = stirred(t.Transformer(symbols, width, layers, heads, context, 0, np.float64))
    theirs = bench().torch_model(ours, torch)
    seen: dict[str, Any] = {}
    for number, block in enumerate(theirs.blocks):
        block.register_forward_hook(lambda _, __, y, n=number: seen.__setitem__(f"blocks.{n}", y))
        block.out.register_forward_hook(
            lambda _, __, y, n=number: seen.__setitem__(f"blocks.{n}.attention", y)
        )
    ids, labels = np.random.default_rng(1).integers(0, symbols, (2, 3, context))
    scores = theirs(torch.tensor(ids))
    loss = functional.cross_entropy(scores.reshape(-1, symbols), torch.tensor(labels).reshape(-1)) / math.log(
        2
    )
    loss.backward()
    bits, dscores = cross_entropy(ours.forward(ids), labels)
    ours.backward(dscores)
    assert bits == pytest.approx(loss.item(), rel=1e-10)
    traced = t.trace(ours, ids)
    near(traced["scores"], scores)
    assert len(seen) == 2 * layers
    for name, array in seen.items():
        near(traced[name], array)
    checked = 0
    for name, parameter in theirs.named_parameters():
        gradient = parameter.grad.T if bench().is_matrix(name) else parameter.grad
        near(ours.gradients[bench().our_name(name)], gradient, 1e-9)
        checked += 1
    assert checked == len(ours.parameters) == len(ours.gradients)


def test_parameters_are_counted_and_started_as_in_gpt_2() -> None:
    model = t.Transformer(256, 32, 3, 4, 20, random=1)
    count = sum(array.size for array in model.parameters.values())
    assert count == 256 * 32 + 20 * 32 + 3 * (12 * 32 * 32 + 13 * 32) + 2 * 32
    for name, array in model.parameters.items():
        assert array.dtype == np.float32
        if name.endswith("weight") or "." not in name:
            shrunk = math.sqrt(6) if name.endswith(("out.weight", "mlp.2.weight")) else 1
            assert array.std() * shrunk == pytest.approx(0.02, rel=0.1)
    other = t.Transformer(256, 32, 3, 4, 20, random=2)
    assert not np.array_equal(model.parameters["tokens"], other.parameters["tokens"])
    with pytest.raises(ValueError, match="can't share a width"):
        t.Transformer(width=10, heads=3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("batch", [1, 3])
def test_cached_is_uncached_to_the_bit(dtype: Any, batch: int) -> None:
    """Twice the context's length would be refused; every bit agrees, after other calls in between, too."""
    model = t.Transformer(256, 48, 3, 4, 40, dtype=dtype)
    random = np.random.default_rng(3)
    for array in model.parameters.values():
        array += random.normal(0, 0.1, array.shape).astype(dtype)
    ids = random.integers(0, 256, (batch, 40))
    whole, cache = model.uncached(ids), model.start(batch)
    for place in range(40):
        scores, cache = model.step(cache, ids[:, place])
        assert scores.dtype == dtype
        assert scores.tobytes() == np.ascontiguousarray(whole[:, place]).tobytes()
        if place % 13 == 0:
            model.forward(ids[:, : place + 1])
    near(whole, model.forward(ids), 1e-12 if dtype is np.float64 else 1e-4)
    with pytest.raises(ValueError, match="cache is full"):
        model.step(cache, ids[:, 0])
    assert cache.length == 40


def test_wrong_ids_are_refused() -> None:
    model = t.Transformer(4, 8, 1, 2, 6)
    for ids, words in (
        (np.zeros((1, 7), int), "time ≤ 6"),
        (np.zeros(3, int), "time ≤ 6"),
        (np.array([[4]]), "for 4 symbols"),
        (np.array([[-1]]), "for 4 symbols"),
        (np.array([[0.5]]), "whole numbers"),
    ):
        for call in (model.forward, model.uncached):
            with pytest.raises(ValueError, match=words):
                call(ids)
    cache = model.start(2)
    for ids in (np.array([0]), np.array([0, 4]), np.array([[0, 1]])):
        with pytest.raises(ValueError, match=r"streams|symbols"):
            model.step(cache, ids)
    assert cache.length == 0


def test_the_mode_reaches_every_part_and_leaves_step_alone() -> None:
    model = t.Transformer(4, 8, 1, 2, 6)
    model.mode(True, 7)
    assert model.training
    assert model.blocks[0].attention.qkv.training
    assert model.blocks[0].attention.qkv.training_step == 7
    assert callable(model.step)


def test_trace_records_and_leaves_no_trace() -> None:
    model, ids = t.Transformer(4, 8, 2, 2, 6), np.array([[0, 1, 2]])
    before = model.forward(ids)
    seen = t.trace(model, ids)
    assert list(seen)[-3:] == ["blocks.1", "norm", "scores"]
    near(seen["embedding"], model.parameters["tokens"][ids] + model.parameters["positions"][:3], 1e-6)
    near(seen["scores"], before, 1e-6)
    assert "forward" not in vars(model.blocks[0])
    assert "forward" not in vars(model.norm)


@pytest.mark.parametrize("k", [1, 2, 5])
def test_chances_are_torchs_top_k(k: int) -> None:
    scores = draw(4, 9)
    best = torch.topk(torch.tensor(scores / 0.7), k)
    expected = torch.zeros(4, 9, dtype=torch.float64).scatter(
        -1, best.indices, torch.softmax(best.values, -1)
    )
    near(t.shape(scores, 0.7, k), expected)


def test_top_p_keeps_the_smallest_set_that_is_large_enough() -> None:
    """By brute force over all subsets: none that is smaller has the share p."""
    for seed, p in itertools.product(range(4), (0.1, 0.5, 0.9)):
        scores = draw(6, seed=seed)
        chances = t.shape(scores)
        kept = np.flatnonzero(t.shape(scores, top_p=p))
        assert chances[kept].sum() >= p
        for size in range(1, len(kept)):
            assert all(chances[list(few)].sum() < p for few in itertools.combinations(range(6), size))
    for wrong in ({"temperature": -1.0}, {"top_k": 0}, {"top_p": 1.5}, {"top_p": math.nan}):
        with pytest.raises(ValueError, match="can't be used"):
            t.shape(np.zeros(3), **wrong)


def test_draws_have_the_chances() -> None:
    chances = np.tile([0.0, 0.5, 0.2, 0.3], (20_000, 1))
    counts = np.bincount(t.draw(chances, np.random.default_rng(0)), minlength=4) / 20_000
    np.testing.assert_allclose(counts, chances[0], atol=0.015)


def test_samples_go_on_when_the_context_is_full() -> None:
    model = t.Transformer(256, 8, 1, 2, 6)
    first = t.sample(model, b"In the beginning", 20, random=4)
    assert first == t.sample(model, b"In the beginning", 20, random=4)
    assert len(first) == 36
    assert first.startswith(b"In the beginning")
    assert first != t.sample(model, b"In the beginning", 20, random=5)


def test_pairs_on_real_text() -> None:
    """Against merging by hand, in the order of learning; a text that was not learned from is read back, too."""
    text = corpus()[:6_000]
    pairs = t.learn_pairs(text, 60)
    ids = list(text)
    for number, pair in enumerate(pairs):
        joined: list[int] = []
        for symbol in ids:
            if joined and (joined[-1], symbol) == pair:
                joined[-1] = 256 + number
            else:
                joined.append(symbol)
        ids = joined
    assert t.encode_pairs(text, pairs).tolist() == ids
    assert len(ids) < len(text) * 0.65
    for other in (bytes(range(256)) * 2, corpus()[500_000:501_000], b"", b"th"):
        assert t.decode_pairs(t.encode_pairs(other, pairs), pairs) == other
    with pytest.raises(ValueError, match="316 symbols"):
        t.decode_pairs([316], pairs)


def test_a_model_learns_text_and_resumes() -> None:
    """Would fail where the gradient of the loss and of the bits per byte go different ways."""
    text = corpus()[:20_000]

    def trained(steps: int, resume: Any = None) -> tuple[t.Transformer, Any]:
        model = t.Transformer(256, 16, 1, 2, 16, dtype=np.float64)
        plan = Plan(len(text) - 16, 8, steps, every=10)
        measure = lambda model: t.bits_per_byte(model, text[:600])  # noqa: E731
        return model, t.learn(model, text, measure, plan, rate=0.01, resume=resume)

    model, done = trained(60)
    assert done.best < 4.6
    assert t.bits_per_byte(model, text[:600]) == pytest.approx(done.best)
    _, whole = trained(60, resume=done.state)
    assert whole.losses == []


def test_bits_per_byte_counts_each_byte_once() -> None:
    """For a model that finds all bytes equally likely, every byte costs 8 bits, however windows overlap."""
    model = t.Transformer(256, 8, 1, 2, 7)
    load(model, {name: np.zeros(array.shape) for name, array in model.parameters.items()})
    for size in (8, 9, 14, 100):
        assert t.bits_per_byte(model, bytes(size)) == pytest.approx(8.0)
    with pytest.raises(ValueError, match="no more than a context"):
        t.bits_per_byte(model, bytes(7))


def test_a_training_step_is_not_much_slower_than_torchs() -> None:
    """At least half of torch's speed at width 128, 4 layers, context 128, batch 16, each with one thread."""
    script = (
        "import sys; sys.path[:0] = [sys.argv[1] + '/solutions', sys.argv[1] + '/tools'];"
        "import bench_transformer as b;"
        "ratios = []\n"
        "for _ in range(4):\n"
        "    ours, theirs = b.step_times(2); ratios.append(theirs / ours)\n"
        "    if ratios[-1] >= 0.5: break\n"
        "print(max(ratios))"
    )
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script, str(ROOT)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) >= 0.5


def test_the_rung_learns_while_it_reads() -> None:
    text = b"In the beginning God created the heaven and the earth. " * 40
    bits, model_bits = t.code_length(text, width=16, context=16)
    assert model_bits == 0
    assert bits == t.code_length(text, width=16, context=16)[0]
    assert 0.5 < bits / len(text) < 4
    noise = np.random.default_rng(3).integers(0, 256, 3000, dtype=np.uint8).tobytes()
    assert t.code_length(noise, width=16, context=16)[0] > 8 * len(noise)


@pytest.mark.parametrize("size", [0, 1, 16, 17, 18, 24, 25, 26, 41, 100])
def test_the_rung_pays_for_every_byte_once(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(t.Transformer, "forward", lambda _, ids: np.zeros((*ids.shape, 256)))
    monkeypatch.setattr(t.Transformer, "backward", lambda self, _: self.gradients.update(self.parameters))
    assert t.code_length(bytes(size), width=8, context=16)[0] == pytest.approx(8 * size)

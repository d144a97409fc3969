"""The reference of lesson 11 in lockstep with torch.optim in float64, to a relative 1e-12, and its files elsewhere."""

from __future__ import annotations

import io
import math
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from squeeze import optimizers
from squeeze.autodiff import Tensor, reduce_sum

torch = pytest.importorskip("torch")

SHAPES = [(3,), (2, 3), (), (1,), (0, 2), (2, 1, 2)]
STEPS = 60


def numbers(seed: int) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [np.asarray(random.normal(size=shape)) for shape in SHAPES]


def gradients(step: int) -> list[np.ndarray]:
    """Draw gradients whose size wanders over six orders of magnitude, some of them 0."""
    scale = 10.0 ** (3 * math.sin(step / 7))
    return [scale * array * (np.abs(array) > 0.2) for array in numbers(1000 + step)]


def lockstep(
    ours: Callable[[list[np.ndarray]], optimizers.Optimizer], theirs: Callable[[list[Any]], Any]
) -> None:
    """Take sixty steps with both, the parameters of ours being views with gaps."""
    mine = [optimizers._spread(array) for array in numbers(0)]
    leaves = [torch.tensor(array, dtype=torch.float64, requires_grad=True) for array in numbers(0)]
    optimizer, peer = ours(mine), theirs(leaves)
    for step in range(STEPS):
        optimizer.step(gradients(step))
        for leaf, gradient in zip(leaves, gradients(step), strict=True):
            leaf.grad = torch.tensor(gradient)
        peer.step()
        for parameter, leaf in zip(mine, leaves, strict=True):
            near(parameter, leaf.detach().numpy())


def near(got: np.ndarray, expected: np.ndarray) -> None:
    scale = np.max(np.abs(expected), initial=0)
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12 * scale)


@pytest.mark.parametrize("rate", [0.1, 1e-3])
def test_descent(rate: float) -> None:
    lockstep(lambda p: optimizers.SGD(p, rate), lambda p: torch.optim.SGD(p, lr=rate))


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("beta", [0.5, 0.9, 0.99])
def test_momentum(beta: float, nesterov: bool) -> None:
    lockstep(
        lambda p: optimizers.Momentum(p, 0.01, beta, nesterov),
        lambda p: torch.optim.SGD(p, lr=0.01, momentum=beta, nesterov=nesterov),
    )


@pytest.mark.parametrize(("beta", "epsilon"), [(0.99, 1e-8), (0.5, 1e-3)])
def test_rmsprop(beta: float, epsilon: float) -> None:
    lockstep(
        lambda p: optimizers.RMSProp(p, 0.01, beta, epsilon),
        lambda p: torch.optim.RMSprop(p, lr=0.01, alpha=beta, eps=epsilon),
    )


@pytest.mark.parametrize(("betas", "epsilon"), [((0.9, 0.999), 1e-8), ((0.5, 0.9), 1e-3), ((0.0, 0.5), 1e-8)])
def test_adam(betas: tuple[float, float], epsilon: float) -> None:
    lockstep(
        lambda p: optimizers.Adam(p, 0.01, betas, epsilon),
        lambda p: torch.optim.Adam(p, lr=0.01, betas=betas, eps=epsilon),
    )


@pytest.mark.parametrize("decay", [0.0, 0.01, 0.5])
def test_adamw(decay: float) -> None:
    lockstep(
        lambda p: optimizers.AdamW(p, 0.05, decay=decay),
        lambda p: torch.optim.AdamW(p, lr=0.05, weight_decay=decay),
    )


def test_l2_inside_adam_is_another_method() -> None:
    """Torch's Adam with weight_decay is our Adam on gradients with the decay added, and not AdamW."""
    mine, leaf = np.array([1.0, -2.0]), torch.tensor([1.0, -2.0], dtype=torch.float64, requires_grad=True)
    other = mine.copy()
    adam, adamw = optimizers.Adam([mine], 0.05), optimizers.AdamW([other], 0.05, decay=0.5)
    peer = torch.optim.Adam([leaf], lr=0.05, weight_decay=0.5)
    for step in range(STEPS):
        gradient = np.random.default_rng(step).normal(size=2)
        adam.step([gradient + 0.5 * mine])
        adamw.step([gradient])
        leaf.grad = torch.tensor(gradient)
        peer.step()
    near(mine, leaf.detach().numpy())
    assert np.max(np.abs(mine - other)) > 0.01


@pytest.mark.parametrize("kind", ["SGD", "Momentum", "RMSProp", "Adam", "AdamW"])
def test_float32_stays_float32(kind: str) -> None:
    parameters = [array.astype(np.float32) for array in numbers(0)]
    settings = {"rate": 0.01} if kind in ("SGD", "Momentum") else {}
    optimizer = getattr(optimizers, kind)(parameters, **settings)
    for step in range(5):
        optimizer.step(gradients(step))  # of float64
    assert {array.dtype for array in optimizer.parameters} == {np.dtype(np.float32)}
    assert {array.dtype for arrays in optimizer.memory.values() for array in arrays} <= {np.dtype(np.float32)}


def test_tensors_are_changed_in_place() -> None:
    """Lesson 10's tensors and torch's take the same path, gradients by backward included."""
    mine = Tensor([3.0, -1.0])
    leaf = torch.tensor([3.0, -1.0], dtype=torch.float64, requires_grad=True)
    optimizer, peer = optimizers.Adam([mine], 0.1), torch.optim.Adam([leaf], lr=0.1)
    for _ in range(STEPS):
        mine.grad = np.zeros(2)
        reduce_sum(mine * mine * mine * mine + mine).backward()
        optimizer.step([mine.grad])
        peer.zero_grad()
        (leaf**4 + leaf).sum().backward()
        peer.step()
        near(mine.data, leaf.detach().numpy())


@pytest.mark.parametrize(("every", "factor"), [(3, 0.1), (5, 0.5)])
def test_step_decay(every: int, factor: float) -> None:
    rates = schedule(lambda o: torch.optim.lr_scheduler.StepLR(o, every, factor))
    assert [optimizers.step_decay(t, 0.3, every, factor) for t in range(20)] == pytest.approx(
        rates, rel=1e-12
    )


@pytest.mark.parametrize("least", [0.0, 0.01])
def test_cosine(least: float) -> None:
    rates = schedule(lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 19, eta_min=least))
    assert [optimizers.cosine(t, 0.3, 19, least) for t in range(20)] == pytest.approx(
        rates, rel=1e-9, abs=1e-15
    )


@pytest.mark.parametrize("steps", [2, 5, 12])
def test_warm_up(steps: int) -> None:
    rates = schedule(lambda o: torch.optim.lr_scheduler.LinearLR(o, 1 / steps, total_iters=steps - 1))
    assert [0.3 * optimizers.warm_up(t, steps) for t in range(20)] == pytest.approx(rates, rel=1e-12)


def schedule(make: Callable[[Any], Any]) -> list[float]:
    """Return the rates of twenty steps by one of torch's schedulers, from 0.3."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    scheduler = make(optimizer)
    rates = []
    for _ in range(20):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize("limit", [0.1, 1.0, 1e4])
def test_clipping(limit: float) -> None:
    """Torch adds 1e-6 to the length that it divides by, so its arrays are shorter by that much."""
    arrays = numbers(7)
    leaves = [torch.zeros(array.shape, dtype=torch.float64, requires_grad=True) for array in arrays]
    for leaf, array in zip(leaves, arrays, strict=True):
        leaf.grad = torch.tensor(array)
    clipped, length = optimizers.clip_by_norm(arrays, limit)
    assert length == pytest.approx(float(torch.nn.utils.clip_grad_norm_(leaves, limit)), rel=1e-12)
    shortened = length / (length + 1e-6) if length > limit else 1.0
    for got, leaf in zip(clipped, leaves, strict=True):
        near(got * shortened, leaf.grad.numpy())


def test_checkpoints_hold_no_pickle(tmp_path: Path) -> None:
    """A checkpoint is a zip of plain .npy files, which refuse objects and come back as they were."""
    optimizer = optimizers.Adam(numbers(0), 0.1)
    optimizer.step(gradients(0))
    file = tmp_path / "run.npz"
    optimizers.save(file, optimizer.state())
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            with archive.open(name) as member:
                version = np.lib.format.read_magic(member)
                assert version == (1, 0)
                assert not np.lib.format.read_array_header_1_0(member)[2].hasobject
    with pytest.raises(pickle.UnpicklingError):
        pickle.loads(file.read_bytes())
    again = optimizers.Adam(numbers(5), 0.1)
    again.load(optimizers.read(file))
    assert again.steps == 1
    for got, expected in zip(again.parameters, optimizer.parameters, strict=True):
        np.testing.assert_array_equal(got, expected)
    with pytest.raises(ValueError, match="odd"):
        optimizers.to_bytes({"odd": np.array([None])})
    poisoned = io.BytesIO()
    np.savez(poisoned, odd=np.array([print], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        optimizers.from_bytes(poisoned.getvalue())


def test_a_plug_pulled_while_saving_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "run.npz"
    optimizers.save(file, {"steps": np.array(1)})

    def half(self: Path, data: bytes) -> int:
        with self.open("wb") as out:
            out.write(data[: len(data) // 2])
        raise OSError("no power")

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(OSError, match="no power"):
        optimizers.save(file, {"steps": np.array(2)})
    assert int(optimizers.read(file)["steps"]) == 1


def test_progress_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    optimizer = optimizers.SGD([np.array([4.0])], 0.5)
    plan = optimizers.Plan(size=1, batch=1, steps=4)
    optimizers.fit(
        optimizer,
        plan,
        lambda parameters, _: (0.0, [parameters[0]]),
        lambda parameters: float(parameters[0][0]),
        progress=optimizers.show_progress(4),
    )
    shown = capsys.readouterr().err
    assert shown.count("\n") == 1
    assert shown.endswith("\n")
    assert "[####################] 4/4  loss 0.2500" in shown


def test_the_rung_learns_more_than_pairs_and_is_repeatable() -> None:
    data = b"the cat sat on the mat; the rat sat on the cat. " * 200
    first, second = optimizers.code_length(data, 8, 60), optimizers.code_length(data, 8, 60)
    assert first == second
    assert first[0] < 1.2 * len(data)
    assert optimizers.code_length(b"ab") == (16.0, 0)
    assert optimizers.code_length(bytes(5), 2, 5)[1] == 256 + 16 * 7


def test_the_rung_of_many_pairs_of_bytes() -> None:
    """Where more pairs of bytes occur than one batch holds, all of them are measured all the same."""
    data = np.random.default_rng(0).integers(0, 256, 6000, dtype=np.uint8).tobytes()
    bits, _ = optimizers.code_length(data, 4, 3)
    assert 7.5 * len(data) < bits < 9 * len(data)

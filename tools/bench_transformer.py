"""A step of training of lesson 16's Transformer beside torch's, eager, in one process: who takes how long.

Both have the same weights, see the same bytes, and go forward, through the cross-entropy, and backward; torch has
its own Linear, LayerNorm, GELU and fused attention, as people write it. They take turns, and the fastest turn of
each counts: whatever else runs on the machine can only slow a turn down. A BLAS has the threads that it was
started with: OPENBLAS_NUM_THREADS=2 gives both two.

    OPENBLAS_NUM_THREADS=1 python tools/bench_transformer.py
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
WIDTH, LAYERS, HEADS, CONTEXT, BATCH = 128, 4, 4, 128, 16
TURNS = 7


def torch_model(ours: Any, torch: Any) -> Any:
    """Return the same model in torch, with the weights of ours."""
    functional = torch.nn.functional

    class Block(torch.nn.Module):  # type: ignore[misc]
        def __init__(self, width: int, heads: int) -> None:
            super().__init__()
            self.heads = heads
            self.norm1, self.norm2 = torch.nn.LayerNorm(width), torch.nn.LayerNorm(width)
            self.qkv, self.out = torch.nn.Linear(width, 3 * width), torch.nn.Linear(width, width)
            self.up, self.down = torch.nn.Linear(width, 4 * width), torch.nn.Linear(4 * width, width)

        def forward(self, x: Any) -> Any:
            batch, time_, width = x.shape
            three = self.qkv(self.norm1(x)).view(batch, time_, 3, self.heads, width // self.heads)
            q, k, v = three.permute(2, 0, 3, 1, 4)
            looked_up = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.out(looked_up.transpose(1, 2).reshape(batch, time_, width))
            return x + self.down(functional.gelu(self.up(self.norm2(x)), approximate="tanh"))

    class Model(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.tokens = torch.nn.Embedding(ours.symbols, ours.width)
            self.positions = torch.nn.Embedding(ours.context, ours.width)
            self.blocks = torch.nn.ModuleList([Block(ours.width, ours.heads) for _ in ours.blocks])
            self.norm = torch.nn.LayerNorm(ours.width)

        def forward(self, ids: Any) -> Any:
            x = self.tokens(ids) + self.positions.weight[: ids.shape[1]]
            for block in self.blocks:
                x = block(x)
            return functional.linear(self.norm(x), self.tokens.weight)

    theirs = Model().to(torch.from_numpy(ours.parameters["tokens"]).dtype)
    with torch.no_grad():
        for name, parameter in theirs.named_parameters():
            array = ours.parameters[our_name(name)]
            parameter.copy_(torch.from_numpy(array.T.copy() if is_matrix(name) else array))
    return theirs


def our_name(name: str) -> str:
    """Return the name that a parameter of torch's model has in ours.

    >>> our_name("blocks.0.norm1.bias"), our_name("tokens.weight"), our_name("blocks.1.up.weight")
    ('blocks.0.norm1.shift', 'tokens', 'blocks.1.mlp.0.weight')
    """
    for theirs, ours in (
        ("up", "mlp.0"),
        ("down", "mlp.2"),
        ("qkv", "attention.qkv"),
        ("out", "attention.out"),
    ):
        name = name.replace(f".{theirs}.", f".{ours}.")
    if "norm" in name:
        return name.replace("weight", "scale").replace("bias", "shift")
    return name.removesuffix(".weight") if name.startswith(("tokens", "positions")) else name


def is_matrix(name: str) -> bool:
    """Say whether torch stores this parameter as outputs × inputs, and we the other way round."""
    return name.startswith("blocks") and name.endswith("weight") and "norm" not in name


def step_times(turns: int = TURNS) -> tuple[float, float]:
    """Return the seconds of the fastest turn, ours and torch's; torch is given as many threads as NumPy's BLAS."""
    import torch

    from squeeze.classification import cross_entropy
    from squeeze.transformer import Transformer

    torch.set_num_threads(int(os.environ.get("OPENBLAS_NUM_THREADS", os.cpu_count() or 1)))
    loss: Any = torch.nn.functional.cross_entropy
    ours = Transformer(256, WIDTH, LAYERS, HEADS, CONTEXT)
    theirs = torch_model(ours, torch)
    random = np.random.default_rng(0)
    ids, labels = random.integers(0, 256, (2, BATCH, CONTEXT))
    their_ids, their_labels = torch.from_numpy(ids), torch.from_numpy(labels)

    def our_step() -> None:
        ours.backward(cross_entropy(ours.forward(ids), labels)[1])

    def their_step() -> None:
        theirs.zero_grad()
        loss(theirs(their_ids).view(-1, 256), their_labels.view(-1)).backward()

    seconds: list[list[float]] = [[], []]
    for _ in range(turns + 1):
        for times, step in zip(seconds, (our_step, their_step), strict=True):
            times.append(timed(step))
    return min(seconds[0][1:]), min(seconds[1][1:])


def timed(step: Callable[[], None]) -> float:
    """Return the seconds that a call takes."""
    started = time.perf_counter()
    step()
    return time.perf_counter() - started


def main() -> int:
    """Print both times and their ratio."""
    sys.path.insert(0, str(ROOT / "solutions"))
    ours, theirs = step_times()
    print(f"ours {1e3 * ours:.0f} ms, torch {1e3 * theirs:.0f} ms: {theirs / ours:.2f} of torch's speed")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Lesson 17's reference against hashlib, zlib, torch's softmax, exact sums, and files written by hand."""

import hashlib
import math
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

from autograder.corpus import corpus
from squeeze import context_mixing
from squeeze import neural_compression as neural
from squeeze.recurrent import LanguageModel
from squeeze.transformer import Transformer

TEXT = corpus()[:3000]


def gru(seed=1, dtype=np.float32, hidden=12):
    return LanguageModel(256, 4, hidden, "gru", seed, dtype)


def attention(seed=1, context=9, dtype=np.float32):
    return Transformer(256, 8, 1, 2, context, seed, dtype, deviation=0.3)


@pytest.mark.parametrize("scale", [0.01, 1.0, 20.0])
def test_counts_are_the_softmax_of_torch_to_within_a_unit(scale):
    """A wrong axis, a missing maximum or a sum that isn't exact fails here."""
    scores = np.random.default_rng(1).normal(0, scale, (50, 256))
    counts = neural.integer_counts(scores)
    chances = torch.softmax(torch.tensor(scores), -1).numpy()
    assert (counts.sum(axis=1) == 65536).all()
    away = counts - 1 - chances * (65536 - 256)
    away[np.arange(50), counts.argmax(axis=1)] = 0
    assert away.max() < 1e-6
    assert away.min() > -1 - 1e-6


def test_fingerprint_is_the_stated_hash_whatever_the_layout_in_memory():
    """A fingerprint of memory instead of numbers differs for a transposed or a big-endian array."""
    table = np.arange(6, dtype=np.float32).reshape(2, 3)
    text = b"w float32 (2, 3)\n" + struct.pack("<6f", *range(6)) + b"primer"
    wanted = hashlib.sha256(text).digest()[:8]
    for array in (table, np.asfortranarray(table), table.astype(">f4")):
        assert neural.fingerprint({"w": array}, b"primer") == wanted


@pytest.mark.parametrize("model", [gru(), gru(2, np.float64), attention(), attention(3, 2, np.float64)])
@pytest.mark.parametrize("streams", [1, 3, 16])
def test_file_is_as_long_as_the_bits_of_the_model(model, streams):
    """The code has the price of every symbol by the model's own steps, and comes back."""
    data = TEXT[:100]
    oracle, bits = neural.Oracle(model, streams), 0.0
    woven = neural.weave(data, streams)
    for place in range(0, len(woven), streams):
        some = list(woven[place : place + streams])
        chances = torch.softmax(torch.tensor(oracle.scores, dtype=torch.float64), -1).numpy()
        bits -= sum(math.log2(chances[i, symbol]) for i, symbol in enumerate(some))
        oracle.take(some + [0] * (streams - len(some)))
    blob = neural.compress_with(data, model, ship=False, streams=streams)
    (code, _), *more = neural.read_file(blob)[1]
    assert not more
    assert bits - 1 <= 8 * len(code) <= bits + 0.0057 * len(data) + 10
    assert neural.decompress_with(blob, model) == data


def test_header_lies_where_the_table_says():
    """Fields in another order or size fail here; the CRC-32 is zlib's."""
    model = gru()
    blob = neural.compress_with(TEXT[:100], model, bits=8, streams=3, chunk=50)
    fields = struct.unpack(">4s6B5HIHII8sHI", blob[: 4 + 6 + 10 + 4 + 2 + 8 + 8 + 6])
    assert fields[:7] == (b"SPNC", 1, 0, 0, 1, 32, 8)
    assert fields[7:16] == (4, 12, 0, 0, 0, 0, 3, 100, 48)
    end = 48 + fields[-1]
    assert blob[end : end + 4] == zlib.crc32(blob[:end]).to_bytes(4, "big")
    place, sizes = end + 4, []
    while place < len(blob):
        size, check = struct.unpack(">I4s", blob[place : place + 8])
        assert check == zlib.crc32(blob[place + 8 : place + 12 + size]).to_bytes(4, "big")
        sizes.append(size)
        place += 12 + size
    assert len(sizes) == 3


def test_weights_of_4_and_8_bits_are_off_by_half_a_scale_at_most():
    parameters = {
        "a": np.random.default_rng(0).normal(size=(31, 7)).astype(np.float32),
        "b": np.ones(3, np.float32),
    }
    shapes = {name: array.shape for name, array in parameters.items()}
    for bits, most, size in ((8, 127, 28 + 217 + 12), (4, 7, 28 + 109 + 12), (32, 0, 4 * 220)):
        blob = neural.squeeze_weights(parameters, bits)
        assert len(blob) == size
        opened = neural.open_weights(blob, shapes, bits)
        assert (opened["b"] == 1).all()
        half = np.abs(parameters["a"]).max(axis=0) / most / 2 * 1.001 if most else 0
        assert (np.abs(opened["a"] - parameters["a"]) <= half).all()


def test_every_turned_bit_of_a_small_file_is_refused():
    model = gru(hidden=2)
    blob = neural.compress_with(b"she sells sea shells", model, ship=False, streams=2)
    for place in range(8 * len(blob)):
        turned = bytearray(blob)
        turned[place // 8] ^= 1 << place % 8
        with pytest.raises(ValueError, match=r"damaged|cut short|version|begins with|ends after"):
            neural.decompress_with(bytes(turned), model)


def test_other_rounding_is_told_from_damage():
    """A reader whose scores differ in the last bits gets ValueError about counts, never other bytes."""
    model = gru()
    blob = neural.compress_with(TEXT[:600], model, ship=False)

    class Elsewhere(LanguageModel):
        def step(self, state, ids):
            scores, state = super().step(state, ids)
            return scores + np.float32(1e-4) * np.sin(np.arange(256, dtype=np.float32)), state

    other = Elsewhere(256, 4, 12, "gru", 1)
    with pytest.raises(ValueError, match="other counts"):
        neural.decompress_with(blob, other)


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("streams", [1, 4])
def test_learning_files_come_back_in_a_process_that_knows_nothing(tmp_path, mixed, streams):
    """State that is carried in the module, or another order of learning, fails here."""
    if mixed and streams > 1:
        pytest.skip("lesson 7's model reads one stream")
    data = TEXT[:1500]
    blob = neural.compress_online(data, 4, 12, streams=streams, mixed=mixed)
    (tmp_path / "blob").write_bytes(blob)
    program = (
        "import sys; from pathlib import Path; from squeeze import neural_compression as n;"
        "p = Path(sys.argv[1]); (p / 'back').write_bytes(n.decompress((p / 'blob').read_bytes()))"
    )
    here = os.environ | {"PYTHONPATH": str(Path(neural.__file__).parents[1])}
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, env=here)
    assert (tmp_path / "back").read_bytes() == data
    if mixed:
        assert len(blob) < len(context_mixing.compress(data)) + 120


def test_rung_leaves_short_texts_to_lesson_7_and_refuses_rubbish():
    for data in (b"", b"a", TEXT[:500]):
        assert neural.compress(data) == context_mixing.compress(data)
        assert neural.decompress(neural.compress(data)) == data
    for blob in (b"", b"SPNC", b"SPNC\x01", b"\x00" * 40):
        with pytest.raises(ValueError, match=r"file|ends|goes on|checksum|data"):
            neural.decompress(blob)


def test_models_are_saved_with_their_kind(tmp_path):
    for model in (gru(), attention(), LanguageModel(256, 3, 5, "rnn", 1, np.float64)):
        path = tmp_path / "model.npz"
        neural.save_model(path, model)
        again = neural.read_model(path)
        assert neural.describe(again) == neural.describe(model)
        assert neural.fingerprint(again.parameters) == neural.fingerprint(model.parameters)
    for rubbish in (b"", b"PK rubbish", path.read_bytes()[:300]):
        path.write_bytes(rubbish)
        with pytest.raises(ValueError, match="holds no model"):
            neural.read_model(path)
    with pytest.raises(OSError, match="nowhere"):
        neural.read_model(tmp_path / "nowhere.npz")


def test_mixture_costs_little_more_than_lesson_7_and_gains_from_a_primer():
    data, primer = TEXT[2000:2400], TEXT[:2000]
    model = gru()
    alone = len(neural.compress_with(data, model, ship=False, mixed=True))
    primed = len(neural.compress_with(data, model, ship=False, mixed=True, primer=primer))
    assert alone < len(context_mixing.compress(data)) + 90
    assert primed < alone

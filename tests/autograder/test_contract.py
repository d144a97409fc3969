"""The contract of all codecs: each of its statements is broken by a codec that breaks it."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import pytest
from hypothesis import given

from autograder import contract
from autograder.expect import Broken


def good(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data + zlib.crc32(data).to_bytes(4, "big")


def back(blob: bytes) -> bytes:
    size = int.from_bytes(blob[:4], "big")
    data, check = blob[4 : 4 + size], blob[4 + size :]
    if len(blob) < 8 or len(check) != 4 or zlib.crc32(data) != int.from_bytes(check, "big"):
        raise ValueError("damaged")
    return data


def unchecked(blob: bytes) -> bytes:
    if len(blob) < 4 or len(blob) != 4 + int.from_bytes(blob[:4], "big"):
        raise ValueError("damaged")
    return blob[4:]


@given(data=contract.texts)
def test_a_good_codec_keeps_the_contract(data: bytes) -> None:
    blob = contract.comes_back(good, back, data)
    contract.refuses_damage(back, blob)
    contract.survives_flips(back, blob, data, checksum=True)
    contract.survives_flips(unchecked, blob[:-4], data, checksum=False)


def test_the_texts_hold_what_breaks_codecs() -> None:
    from hypothesis import find

    wanted: list[Callable[[bytes], bool]] = [
        lambda data: data == b"",
        lambda data: data[:257] == data[:1] * 257,
        lambda data: len(data) > 20 and len(set(data)) == 2,
        lambda data: len(set(data)) == 256,
        lambda data: len(data) > 40 and data[:10] == data[10:20] and len(set(data[:10])) > 2,
    ]
    for want in wanted:
        assert want(find(contract.texts, want))


def test_a_codec_that_loses_a_byte_is_caught() -> None:
    with pytest.raises(Broken, match="what came back"):
        contract.comes_back(good, lambda blob: back(blob)[:-1], b"abc")
    with pytest.raises(Broken, match="what was compressed: expected a bytes, got a str"):
        contract.comes_back(lambda data: data.decode(), str.encode, b"abc")  # type: ignore[arg-type, return-value]


def test_a_decoder_that_reads_on_is_caught() -> None:
    def decode(blob: bytes) -> tuple[bytes, int]:
        return blob[:3], 3

    assert contract.stops_where_it_ends(decode, b"abc", b"junk") == (b"abc", 3)
    with pytest.raises(Broken, match="with a tail"):
        contract.stops_where_it_ends(lambda blob: (blob[:3], len(blob)), b"abc", b"junk")


def test_a_decoder_that_takes_damage_for_data_is_caught() -> None:
    with pytest.raises(Broken, match="a byte too many"):
        contract.refuses_damage(lambda blob: back(blob[: 8 + int.from_bytes(blob[:4], "big")]), good(b"abc"))
    with pytest.raises(Broken, match="10 bytes of 11: expected ValueError, but nothing was raised"):
        contract.refuses_damage(
            lambda blob: back(good(b"abc")) if len(blob) == 10 else back(blob), good(b"abc")
        )
    with pytest.raises(Broken, match="expected ValueError, got IndexError"):
        contract.refuses_damage(lambda blob: bytes([blob[100]]), good(b"abc"))


def test_a_checksum_that_nobody_compares_is_caught() -> None:
    with pytest.raises(Broken, match="which was not refused"):
        contract.survives_flips(lambda blob: unchecked(blob[:-4]), good(b"abc"), b"abc", checksum=True)
    with pytest.raises(KeyError):
        contract.survives_flips(lambda _: {}["x"], good(b"abc"), b"abc", checksum=False)

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from bench.data import records
from bench.data.records import NO_CLASS, Record, count_records, is_whole, write_shard


@pytest.mark.parametrize(
    ("name", "count"),
    [("00-224x224-798.tfrec", 798), ("flowers00-230.tfrec", 230), ("flowers.tfrec", None), ("00-7.tfrec.gz", None)],
)
def test_the_count_a_name_claims(name, count):
    assert records.claimed_count(Path("x-9") / name) == count


def test_a_shard_is_named_after_what_it_holds(tmp_path):
    path = records.write_shard(tmp_path, 3, 224, [Record(b"x", 1, "a"), Record(b"y", 0, "b")])
    assert path == tmp_path / "03-224x224-2.tfrec"
    framed = path.read_bytes()
    length = struct.unpack("<Q", framed[:8])[0]
    assert tf.train.Example.FromString(framed[12 : 12 + length]).features.feature["id"].bytes_list.value == [b"a"]


def test_a_record_survives_writing_and_parsing():
    found = records.parse(records.serialize(Record(b"bytes", 7, "ü")))
    assert (found["image"].numpy(), found["class"].numpy(), found["id"].numpy().decode()) == (b"bytes", 7, "ü")


def test_a_test_record_has_no_class_feature():
    serialized = records.serialize(Record(b"bytes", NO_CLASS, "a"))
    assert "class" not in tf.train.Example.FromString(serialized).features.feature
    assert records.parse(serialized)["class"].numpy() == NO_CLASS


def test_png_is_decoded_exactly_and_gray_gets_three_channels(png):
    colour = np.random.default_rng(0).integers(0, 256, (5, 4, 3), np.uint8)
    np.testing.assert_array_equal(records.decode(png(colour)).numpy(), colour)
    gray = colour[..., 0].copy()
    np.testing.assert_array_equal(records.decode(png(gray)).numpy(), np.stack([gray] * 3, axis=-1))


def test_jpeg_is_decoded():
    even = np.full((16, 16, 3), (200, 30, 90), np.uint8)
    found = records.decode(tf.io.encode_jpeg(even, quality=95)).numpy()
    assert found.shape == (16, 16, 3)
    assert np.abs(found.astype(int) - even).max() <= 3


def test_ids_that_are_no_text_stay_apart():
    assert records.text("é".encode()) == "é"
    assert records.text(b"\xff") != records.text(b"\xfe")


def test_records_are_counted_without_reading_them(tmp_path):
    written = [Record(bytes(number), 0, str(number)) for number in (0, 1, 5000)]
    shard = write_shard(tmp_path, 0, 8, written)
    assert count_records(shard) == 3
    assert is_whole(shard)
    content = shard.read_bytes()
    shard.write_bytes(content[:-1])
    assert count_records(shard) is None
    assert not is_whole(shard)
    shard.write_bytes(b"")
    assert count_records(shard) == 0
    assert not is_whole(shard)
    assert not is_whole(tmp_path / "missing-3.tfrec")
    (tmp_path / "nameless.tfrec").write_bytes(content)
    assert not is_whole(tmp_path / "nameless.tfrec")

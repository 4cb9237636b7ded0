"""Fields and faults of each record, and shards that end within a record."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from bench.data.audit import survey as module
from bench.data.audit.survey import FLAT, perceptual_hashes, survey
from bench.data.records import NO_CLASS, Record, serialize


@pytest.fixture
def shard(tmp_path):
    """Writes serialized records as a shard of `train` or another split."""

    def write(*serialized, split="train", name="00.tfrec"):
        path = tmp_path / split / name
        path.parent.mkdir(exist_ok=True)
        with tf.io.TFRecordWriter(str(path)) as writer:
            for record in serialized:
                writer.write(record)
        return path

    return write


def read(*shards, hashes=True, tell=lambda count: None, split="train"):
    return list(survey({split: shards}, hashes=hashes, tell=tell))


def bits(one, other):
    return (one ^ other).bit_count()


def test_a_sound_record(shard, scene, encoded):
    picture = scene(1, 40).crop((0, 0, 40, 24))
    path = shard(serialize(Record(encoded(picture), 3, "rose 百合")))
    (found,) = read(path)
    assert (found.split, found.shard, found.number, found.where) == ("train", path, 1, "train/00.tfrec record 1")
    assert (found.id, found.label, found.size, found.fault) == ("rose 百合", 3, (40, 24), "")
    assert found.digest == hashlib.sha256(encoded(picture)).hexdigest()
    hashes, thumb = perceptual_hashes(np.asarray(picture))
    assert found.hashes == hashes
    np.testing.assert_array_equal(found.thumb, thumb)


def test_without_hashes_the_picture_is_decoded_nevertheless(shard, scene, encoded):
    rows = [Record(encoded(scene(1, 32)), 0, "a"), Record(b"no picture", 0, "b")]
    good, bad = read(shard(*map(serialize, rows)), hashes=False)
    assert (good.size, good.hashes, good.thumb) == ((32, 32), None, None)
    assert bad.fault == "its picture does not decode"


def test_each_fault_is_that_of_its_record(shard, scene, encoded):
    """The readable fields of the record are kept."""
    picture = encoded(scene(1, 32))
    wrong_type = tf.train.Example(
        features=tf.train.Features(feature={"image": tf.train.Feature(int64_list=tf.train.Int64List(value=[1]))})
    )
    found = read(
        shard(
            serialize(Record(picture, 0, "sound")),
            serialize(Record(picture, 1, "")),
            serialize(Record(b"", 2, "empty")),
            serialize(Record(picture[:-40], 3, "cut")),
            wrong_type.SerializeToString(),
            b"no example",
            serialize(Record(picture, NO_CLASS, "last")),
        )
    )
    form = "not of the form image (bytes), class (int64), id (bytes)"
    assert [(one.number, one.id, one.label, one.size, one.fault) for one in found] == [
        (1, "sound", 0, (32, 32), ""),
        (2, "", 1, (32, 32), "it has no id"),
        (3, "empty", 2, (0, 0), "it has no picture"),
        (4, "cut", 3, (0, 0), "its picture does not decode"),
        (5, "", NO_CLASS, (0, 0), form),
        (6, "", NO_CLASS, (0, 0), form),
        (7, "last", NO_CLASS, (32, 32), ""),
    ]
    assert found[3].digest == hashlib.sha256(picture[:-40]).hexdigest()
    assert found[2].hashes is None


@pytest.mark.parametrize("at_once", [1, 2, 3, 256])
def test_records_before_the_end_of_a_damaged_shard_are_read_and_the_next_shard_too(
    shard, scene, encoded, at_once, monkeypatch
):
    """The third record is cut off, at the border of a batch or within one."""
    monkeypatch.setattr(module, "_AT_ONCE", at_once)
    rows = [serialize(Record(encoded(scene(number, 32)), 0, f"r{number}")) for number in range(3)]
    damaged, whole = shard(*rows, name="00.tfrec"), shard(*rows, name="01.tfrec")
    damaged.write_bytes(damaged.read_bytes()[:-5])
    found = read(damaged, whole)
    assert [(one.shard.name, one.number, one.id) for one in found] == [
        ("00.tfrec", 1, "r0"),
        ("00.tfrec", 2, "r1"),
        ("00.tfrec", 3, ""),
        ("01.tfrec", 1, "r0"),
        ("01.tfrec", 2, "r1"),
        ("01.tfrec", 3, "r2"),
    ]
    assert [one.fault for one in found if one.fault] == ["truncated, damaged or not a TFRecord file from here on"]


def test_a_file_of_another_form_and_an_empty_one(shard, tmp_path):
    other = tmp_path / "notes.tfrec"
    other.write_text("these are no records of any kind\n" * 9)
    (found,) = read(other, shard())
    assert (found.number, found.fault) == (1, "truncated, damaged or not a TFRecord file from here on")


@pytest.mark.parametrize("at_once", [2, 5, 256])
def test_records_are_counted_as_they_are_read_and_keep_their_order(shard, scene, encoded, at_once, monkeypatch):
    monkeypatch.setattr(module, "_AT_ONCE", at_once)
    rows = [serialize(Record(encoded(scene(number, 16)), 0, f"r{number}")) for number in range(5)]
    counts = []
    found = list(
        survey({"train": [shard(*rows)], "val": [shard(*rows[:2], split="val")]}, hashes=True, tell=counts.append)
    )
    assert [(one.split, one.number, one.id) for one in found] == [
        *(("train", number + 1, f"r{number}") for number in range(5)),
        *(("val", number + 1, f"r{number}") for number in range(2)),
    ]
    assert sum(counts) == 7
    assert max(counts) <= at_once


def test_hashes_of_a_picture_and_its_mirror_image_change_places(scene):
    """Resizing by boxes and the cosine transform commute with mirroring, up to rounding."""
    for number in range(5):
        picture = scene(number, 128)
        (stored, mirrored), thumb = perceptual_hashes(np.asarray(picture))
        (other, back), reverse = perceptual_hashes(np.asarray(ImageOps.mirror(picture)))
        assert bits(stored, back) <= 2
        assert bits(mirrored, other) <= 2
        assert bits(stored, mirrored) > 10
        np.testing.assert_allclose(thumb[:, ::-1].astype(int), reverse, atol=1)


def test_a_hash_is_that_of_imagehash_bit_by_bit(scene):
    import imagehash

    picture = scene(3, 64)
    (stored, _), _ = perceptual_hashes(np.asarray(picture))
    expected = imagehash.phash(picture.convert("L").resize((64, 64), Image.Resampling.BOX))
    assert stored == int("".join("01"[bit] for bit in expected.hash.ravel().astype(int)), 2)


def test_a_thumb_is_the_mean_of_its_squares_and_an_even_one_has_no_hash():
    squares = np.random.default_rng(0).integers(0, 256, (16, 16), np.uint8)
    pixels = squares.repeat(8, axis=0).repeat(8, axis=1)[..., None].repeat(3, axis=2)
    hashes, thumb = perceptual_hashes(pixels)
    np.testing.assert_array_equal(thumb, squares)
    assert hashes != (0, 0)
    for spread in (1, 3):  # below and above `FLAT`
        half = np.full((128, 128, 3), 100 - spread, np.uint8)
        half[:, 64:] = 100 + spread
        assert (perceptual_hashes(half)[0] == (0, 0)) == (spread < FLAT)

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from helpers_data import make_data

from bench.data.examples import choose
from bench.data.reading import Pictures, Stored, excerpt, images, named_faults, resized
from bench.data.records import NO_CLASS, Record, serialize
from bench.data.scan import scan
from bench.data.source import find
from bench.errors import UserError


def test_every_picture_once_in_order_across_splits(folder, picture):
    stored = find(str(folder.write().root)).stored(8, "train", "val")
    batches = list(images(stored, batch=4).as_numpy_iterator())
    assert [batch.shape for batch in batches] == [(4, 8, 8, 3), (3, 8, 8, 3)]
    assert batches[0].dtype == np.uint8
    np.testing.assert_array_equal(np.concatenate(batches), np.stack([picture(name) for name in "abcdefg"]))


def test_a_picture_that_does_not_decode_is_named(folder, png, picture):
    folder.write()
    good = serialize(Record(png(picture("g")), 0, "g"))
    shard = folder.replace("val", "00-8x8-2.tfrec", [good, serialize(Record(b"\xff\xd8 no jpeg", 0, "broken"))])
    with pytest.raises(UserError, match=r"00-8x8-2.tfrec' record 2: the picture of id 'broken'"), named_faults([shard]):
        list(images(Stored((shard,)), batch=2))


def test_any_order_gives_the_pictures_of_the_pipeline(tmp_path):
    source = find(str(make_data(tmp_path / "data")))
    stored = source.stored(32, "train")
    in_order = np.concatenate([batch.numpy() for batch in images(stored, 4)])
    pictures = Pictures(stored)
    assert len(pictures) == len(in_order)
    rows = np.random.default_rng(0).permutation(len(in_order))
    assert (pictures.decoded(tf.constant(rows)).numpy() == in_order[rows]).all()


def test_records_are_those_that_tensorflow_reads(tmp_path):
    source = find(str(make_data(tmp_path / "data")))
    stored = source.stored(32, "val")
    expected = list(tf.data.TFRecordDataset(stored.names).as_numpy_iterator())
    assert Pictures(stored).serialized(np.arange(len(expected))).tolist() == expected


@pytest.mark.parametrize(("wanted", "names"), [(2, "ac"), (3, "abc"), (5, "abcde"), (9, "abcde")])
def test_pictures_are_spread_over_the_split(folder, picture, wanted, names):
    stored = find(str(folder.write().root)).stored(8, "train")
    found = excerpt(stored, images=5, wanted=wanted).numpy()
    np.testing.assert_array_equal(found, np.stack([picture(name) for name in names]))


def test_every_reader_makes_the_same_pictures(folder, picture):
    source = find(str(folder.write(16).root))
    stored = source.stored(7, "train", "val")
    expected = np.stack([resized(picture(name, 16), 7) for name in "abcdefg"])
    np.testing.assert_array_equal(np.concatenate(list(images(stored, 3).as_numpy_iterator())), expected)
    rows = np.array([4, 0, 6])
    np.testing.assert_array_equal(Pictures(stored).decoded(tf.constant(rows)), expected[rows])
    np.testing.assert_array_equal(excerpt(stored, images=7, wanted=7), expected)
    chosen, _ = choose(stored, 9)
    for one in (one for found in chosen.values() for one in found):
        np.testing.assert_array_equal(stored.decoded(one.image), expected["abcdefg".index(one.id)])


def test_a_stored_resolution_is_not_resized(folder, picture):
    source = find(str(folder.write(16).write(8).root))
    found = next(iter(images(source.stored(8, "val"), 2))).numpy()
    np.testing.assert_array_equal(found, np.stack([picture(name) for name in "fg"]))


def test_records_of_both_kinds_in_shards_of_both_names(folder, png, picture):
    """As Kaggle's test split and its copy in a bucket have them: without a class, with one, and both in one split."""
    folder.write()
    rows = {"00-8x8-2.tfrec": [("h", 2), ("i", 0)], "flowers01-2.tfrec": [("j", NO_CLASS), ("k", NO_CLASS)]}
    for shard in folder.split("test").iterdir():
        shard.unlink()
    for name, found in rows.items():
        with tf.io.TFRecordWriter(str(folder.split("test") / name)) as writer:
            for one, label in found:
                writer.write(serialize(Record(png(picture(one)), label, one)))
    source = find(str(folder.root))
    index, stored = scan(source, (8,)), source.stored(8, "test")
    assert index.splits["test"].ids == tuple("hijk")
    assert index.splits["test"].labels.tolist() == [2, 0, NO_CLASS, NO_CLASS]
    assert index.test_labels is None
    expected = np.stack([picture(name) for name in "hijk"])
    np.testing.assert_array_equal(np.concatenate(list(images(stored, 3).as_numpy_iterator())), expected)
    np.testing.assert_array_equal(Pictures(stored).decoded(tf.constant([3, 0])), expected[[3, 0]])
    (folder.split("test") / "flowers01-2.tfrec").unlink()
    assert scan(find(str(folder.root)), (8,)).test_labels.tolist() == [2, 0]


def means(pixels: np.ndarray, px: int) -> np.ndarray:
    """The mean of the area that each pixel covers, float64, by the overlap of intervals along both axes."""
    side = len(pixels)
    edges = np.arange(px + 1) * side / px
    starts, ends = edges[:-1, None], edges[1:, None]
    overlap = np.clip(np.minimum(ends, np.arange(side) + 1) - np.maximum(starts, np.arange(side)), 0, None)
    weights = overlap / overlap.sum(axis=1, keepdims=True)
    return np.einsum("ij,jkc,lk->ilc", weights, pixels.astype(float), weights, optimize=True)


@pytest.mark.parametrize(("side", "px"), [(16, 8), (16, 7), (32, 14), (15, 1), (331, 224)])
def test_each_pixel_is_the_mean_of_what_it_covers(side, px):
    pixels = np.random.default_rng(side).integers(0, 256, (side, side, 3), np.uint8)
    found = resized(pixels, px).numpy()
    assert (found.shape, found.dtype) == ((px, px, 3), np.uint8)
    assert np.abs(found - means(pixels, px)).max() < 0.51  # edges of areas are float32


def test_a_batch_is_its_pictures():
    pixels = np.random.default_rng(0).integers(0, 256, (4, 20, 20, 3), np.uint8)
    np.testing.assert_array_equal(resized(pixels, 9), [resized(one, 9) for one in pixels])


def test_stripes_finer_than_a_pixel_become_gray():
    pixels = np.zeros((512, 512, 3), np.uint8)
    pixels[:, ::2] = 255
    found = resized(pixels, 224).numpy()
    assert (found.min(), found.max()) >= (70, 128)
    assert found.mean() == pytest.approx(127.5, abs=1)

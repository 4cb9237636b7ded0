from __future__ import annotations

import numpy as np
import tensorflow as tf

from bench.data import source as catalog
from bench.data.examples import choose
from bench.data.reading import Pictures, excerpt, images, resized
from bench.data.records import NO_CLASS, Record, serialize
from bench.data.scan import scan


def test_every_reader_makes_the_same_pictures(folder, picture):
    source = catalog.find(str(folder.write(16).root))
    stored = source.stored(7, "train", "val")
    expected = np.stack([resized(picture(name, 16), 7) for name in "abcdefg"])
    np.testing.assert_array_equal(np.concatenate(list(images(stored, 3).as_numpy_iterator())), expected)
    rows = np.array([4, 0, 6])
    np.testing.assert_array_equal(Pictures(stored).decoded(tf.constant(rows)), expected[rows])
    np.testing.assert_array_equal(excerpt(stored, images=7, wanted=7), expected)
    chosen, _ = choose(stored, 9)
    for one in (one for found in chosen.values() for one in found):
        np.testing.assert_array_equal(stored.decoded(one.image), expected["abcdefg".index(one.id)])


def test_what_is_there_stays_as_it_is(folder, picture):
    source = catalog.find(str(folder.write(16).write(8).root))
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
    source = catalog.find(str(folder.root))
    index, stored = scan(source, (8,)), source.stored(8, "test")
    assert index.splits["test"].ids == tuple("hijk")
    assert index.splits["test"].labels.tolist() == [2, 0, NO_CLASS, NO_CLASS]
    assert index.test_labels is None
    expected = np.stack([picture(name) for name in "hijk"])
    np.testing.assert_array_equal(np.concatenate(list(images(stored, 3).as_numpy_iterator())), expected)
    np.testing.assert_array_equal(Pictures(stored).decoded(tf.constant([3, 0])), expected[[3, 0]])
    (folder.split("test") / "flowers01-2.tfrec").unlink()
    assert scan(catalog.find(str(folder.root)), (8,)).test_labels.tolist() == [2, 0]

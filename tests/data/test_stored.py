from __future__ import annotations

import numpy as np
import tensorflow as tf

from bench.data import catalog
from bench.data.examples import choose
from bench.data.excerpt import excerpt
from bench.data.pictures import Pictures
from bench.data.pipeline import images
from bench.data.resizing import resized


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

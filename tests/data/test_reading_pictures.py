import numpy as np
import tensorflow as tf
from helpers_data import make_data

from bench.data.reading import Pictures, images
from bench.data.source import find


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

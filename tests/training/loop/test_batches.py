import numpy as np
import tensorflow as tf
from helpers_training import examples

from bench.data.augmentation import epoch_changes, epoch_order
from bench.training.loop.batches import Places, Replicas, batches, in_turn, shuffled

IMAGES, BATCH = 21, 8


def all_places(plan, replicas, epochs):
    places = Places(IMAGES, BATCH, replicas, plan)
    return [places(number) for number in places.of_epochs(epochs)]


def test_the_one_device_of_the_default_strategy_is_fed():
    assert Replicas.of(tf.distribute.get_strategy()) == Replicas(1, (0,))


def test_one_replica_gets_the_epochs_order_and_changes():
    """Whichever epoch training begins with."""
    places = all_places(shuffled(IMAGES, "colour", 3), Replicas(1, (0,)), range(2, 4))
    for epoch, steps in ((2, places[:3]), (3, places[3:])):
        rows, changes, weights, present = zip(*steps, strict=True)
        order = epoch_order(3, epoch, IMAGES)
        np.testing.assert_array_equal(np.concatenate(rows), order)
        np.testing.assert_array_equal(np.concatenate(changes), epoch_changes("colour", 3, epoch, IMAGES)[order])
        assert [list(each) for each in weights] == [[1] * 8, [1] * 8, [1] * 5]
        assert present == (8, 8, 5)


def test_two_workers_get_the_places_of_two_replicas_in_one_process():
    plan = shuffled(IMAGES, "flip", 0)
    both = all_places(plan, Replicas(2, (0, 1)), range(2))
    apart = [all_places(plan, Replicas(2, (index,)), range(2)) for index in (0, 1)]
    for number, place in enumerate(both):
        for ours, theirs in zip(place, apart[number % 2][number // 2], strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_in_turn_leaves_images_as_they_are():
    order, changes = in_turn(3)(7)
    assert order.tolist() == [0, 1, 2]
    assert changes.tolist() == [[0, 1, 1, 1]] * 3


def test_inputs_and_labels_are_those_of_the_rows():
    data, strategy = examples(IMAGES), tf.distribute.get_strategy()
    places = Places(IMAGES, BATCH, Replicas.of(strategy), shuffled(IMAGES, "flip", 0))
    seen = []
    for inputs, labels, changes, weights, present, rows in batches(data, places, range(1), strategy):
        np.testing.assert_array_equal(inputs, data.source.lookup(rows, None))
        np.testing.assert_array_equal(labels, data.labels[rows.numpy()])
        assert len(changes) == len(weights) == present == len(rows)
        seen += rows.numpy().tolist()
    assert sorted(seen) == list(range(IMAGES))

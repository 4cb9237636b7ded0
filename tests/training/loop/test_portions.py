import numpy as np
import pytest

from bench.training.loop.portions import portions, step_count


@pytest.mark.parametrize("replicas", [1, 2, 3, 8])
@pytest.mark.parametrize("images", [1, 2, 7, 16, 17, 33])
def test_every_image_counts_once(images, replicas):
    order = np.random.default_rng(0).permutation(images)
    steps = [portions(order[start : start + 16], replicas) for start in range(0, images, 16)]
    assert len(steps) == step_count(images, 16)
    counted = [portion.rows[portion.weights > 0] for step in steps for portion in step]
    assert np.concatenate(counted).tolist() == order.tolist()
    assert all(len(step) == replicas and min(len(portion.rows) for portion in step) > 0 for step in steps)
    for step in steps:
        assert {portion.present for portion in step} == {sum(int(portion.weights.sum()) for portion in step)}


def test_a_replica_without_an_image_gets_a_copy_that_counts_for_nothing():
    step = portions(np.array([5, 3]), 3)
    assert [portion.rows.tolist() for portion in step] == [[5], [3], [5]]
    assert [portion.weights.tolist() for portion in step] == [[1], [1], [0]]

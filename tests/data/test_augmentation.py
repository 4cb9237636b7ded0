import numpy as np
import pytest

from bench.data.augmentation import COLOUR, VIEWS, augment, epoch_changes, epoch_order, epoch_views, view_of

IMAGES = np.random.default_rng(0).integers(256, size=(16, 6, 6, 3)).astype(np.uint8)


def by_numpy(image, view):
    return np.rot90(image[:, ::-1] if view % 2 else image, view // 2)


@pytest.mark.parametrize("augmentation", ["flip", "flip_rotate"])
def test_views_are_flips_and_quarter_turns(augmentation):
    views = np.arange(16) % VIEWS[augmentation]
    changes = np.ones((16, 4), np.float32)
    changes[:, 0] = views
    expected = np.stack([by_numpy(image, view) for image, view in zip(IMAGES, views, strict=True)])
    assert (np.asarray(augment(augmentation, IMAGES, changes)) == expected).all()


@pytest.mark.parametrize("view", range(8))
def test_a_view_of_a_batch(view):
    expected = np.stack([by_numpy(image, view) for image in IMAGES])
    assert (np.asarray(view_of(IMAGES, view)) == expected).all()


def test_none_changes_nothing():
    assert augment("none", IMAGES, epoch_changes("none", 0, 0, 16)) is IMAGES


def test_changes_follow_from_seed_and_epoch_alone():
    first = epoch_changes("colour", 1, 2, 500)
    assert (first == epoch_changes("colour", 1, 2, 500)).all()
    assert (first != epoch_changes("colour", 1, 3, 500)).any()
    assert (first != epoch_changes("colour", 2, 2, 500)).any()
    assert set(first[:, 0]) == {0.0, 1.0}
    assert first[:, 1:].min() >= 1 - COLOUR
    assert first[:, 1:].max() <= 1 + COLOUR


def test_factors_of_one_leave_colours_alone():
    changes = np.ones((16, 4), np.float32)
    changes[:, 0] = 0
    np.testing.assert_allclose(np.asarray(augment("colour", IMAGES, changes)), IMAGES, atol=1e-3)


def test_colours_by_hand():
    """One gray pixel pair: brightness scales, contrast pulls towards the mean, and gray has no saturation."""
    image = np.zeros((1, 1, 2, 3), np.uint8)
    image[0, 0, 0], image[0, 0, 1] = 100, 50
    changed = np.asarray(augment("colour", image, np.array([[0, 1.2, 0.5, 0.9]], np.float32)))
    # 120 and 60, mean 90: 105 and 75
    np.testing.assert_allclose(changed[0, 0, :, 0], [105, 75], rtol=1e-3)


def test_no_colour_leaves_the_range():
    changes = np.full((16, 4), 1.2, np.float32)
    changed = np.asarray(augment("colour", IMAGES, changes))
    assert changed.min() >= 0
    assert changed.max() <= 255


def test_an_epoch_is_every_image_once():
    for epoch in range(5):
        assert sorted(epoch_order(0, epoch, 37)) == list(range(37))


def test_order_and_views_are_functions_of_seed_and_epoch():
    for draw in (lambda seed, epoch: epoch_order(seed, epoch, 50), lambda seed, epoch: epoch_views(seed, epoch, 50, 2)):
        np.testing.assert_array_equal(draw(1, 2), draw(1, 2))
        assert (draw(1, 2) != draw(1, 3)).any()
        assert (draw(1, 2) != draw(2, 2)).any()


def test_half_of_the_images_are_flipped():
    views = np.stack([epoch_views(0, epoch, 400, 2) for epoch in range(50)])
    assert set(np.unique(views)) == {0, 1}
    assert abs(views.mean() - 0.5) < 0.02
    assert (np.abs(views.mean(axis=0) - 0.5) < 0.36).all()  # each image in about half of the epochs: 5 sigma
    assert not epoch_views(0, 0, 400, 1).any()

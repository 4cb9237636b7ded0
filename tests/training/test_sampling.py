import numpy as np

from bench.data.augmentation import epoch_order, epoch_views


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

import numpy as np
import pytest
from ensembles_synthetic import World, distinct

from ensembles import Mean, TopK, cross_fit, macro_f1, stratified_folds
from ensembles.base import Combiner


class Memoriser(Combiner):
    """Knows the label of every image that it was fitted on, by the image's first probability."""

    def _fit(self, probs, labels, images):
        probs, labels = probs[:, images], labels[images]
        self.weights = np.full(len(probs), 1 / len(probs))
        self.known = dict(zip(probs[0, :, 0].tolist(), labels.tolist(), strict=True))

    def _predict(self, probs, images=slice(None)):
        probs = probs[:, images]
        result = np.full(probs.shape[1:], 1 / probs.shape[2], dtype=np.float32)
        for row, first in enumerate(probs[0, :, 0].tolist()):
            if first in self.known:
                result[row] = np.eye(probs.shape[2])[self.known[first]]
        return result


def test_folds_are_even_in_total_and_in_each_class():
    labels = np.repeat([0, 1, 2, 3], [1, 3, 10, 33])
    for seed in range(20):
        fold = stratified_folds(labels, 5, np.random.default_rng(seed))
        sizes = np.array([np.bincount(fold[labels == label], minlength=5) for label in range(4)])
        assert np.ptp(sizes, axis=1).max() <= 1
        assert np.ptp(sizes.sum(axis=0)) <= 1


def test_every_fold_can_get_the_lone_image():
    labels = np.repeat([0, 1], [1, 24])
    folds = {int(stratified_folds(labels, 5, np.random.default_rng(seed))[0]) for seed in range(60)}
    assert folds == {0, 1, 2, 3, 4}


def test_no_image_is_predicted_by_a_combiner_that_saw_it():
    probs, labels = distinct(2, 60, 4, skill=4.0)
    assert macro_f1(labels, Memoriser().fit(probs, labels).predict_proba(probs).argmax(1), 4) == 1
    result = cross_fit(Memoriser(), probs, labels, folds=4, repeats=2)
    np.testing.assert_allclose(result.probs, 0.25)


def test_of_a_combiner_that_learns_nothing_it_is_the_plain_score():
    probs, labels = distinct(3, 50, 4)
    result = cross_fit(Mean(), probs, labels, folds=5, repeats=3)
    expected = macro_f1(labels, probs.mean(axis=0).argmax(1), 4)
    np.testing.assert_array_equal(result.scores, [expected] * 3)
    assert result.score == pytest.approx(expected)
    assert result.probs.shape == (3, 50, 4)


def test_by_hand_for_the_best_single_run():
    # Five folds of five images hold each out alone; the choice between two members is made on the other four.
    labels = np.array([0, 1, 1, 0, 0])
    right = np.array([[1, 0, 1, 0, 1], [0, 1, 0, 1, 0]], bool)
    predicted = np.where(right, labels, 1 - labels)
    probs = np.where(np.eye(2)[predicted] > 0, [[[0.8]], [[0.9]]], [[[0.2]], [[0.1]]]).astype(np.float32)
    result = cross_fit(TopK(1), probs, labels, folds=5, repeats=1)
    for image in range(5):
        rest = np.delete(np.arange(5), image)
        scores = [macro_f1(labels[rest], predicted[m, rest], 2) for m in (0, 1)]
        losses = [-np.log(probs[m, rest, labels[rest]]).mean() for m in (0, 1)]
        best = min((0, 1), key=lambda m: (-scores[m], losses[m]))
        np.testing.assert_array_equal(result.probs[0, image], probs[best, image])


def test_a_class_with_one_image_does_not_switch_it_off():
    probs, labels = distinct(3, 40, 8, imbalance=5, skill=6.0)
    labels = np.where(labels == 7, 6, labels)
    labels[0] = 7
    result = cross_fit(TopK(2), probs, labels)
    assert result.predicted.shape == (5, 40)
    assert 0 < result.score < 1


def test_seed_and_repeats():
    probs, labels = distinct(6, 60, 8, skill=3.0, spread=0.0)
    first = cross_fit(TopK(1), probs, labels, seed=1)
    np.testing.assert_array_equal(first.probs, cross_fit(TopK(1), probs, labels, seed=1).probs)
    assert not np.array_equal(first.probs[0], first.probs[1])


def test_the_combiner_that_is_passed_stays_as_it_is():
    probs, labels = distinct(3, 40, 4)
    unfitted = TopK(1)
    cross_fit(unfitted, probs, labels, repeats=1)
    assert not hasattr(unfitted, "weights")


def test_it_is_nearer_to_fresh_images_than_the_fit_score_is():
    # Choosing the best of twenty equally good models on 60 images is luck, which the fit score takes for skill.
    fit, crossed, fresh = [], [], []
    for seed in range(12):
        world = World(20, 8, skill=6.0, spread=0.0, imbalance=3, seed=seed)
        (probs, labels), (new, new_labels) = world.draw(60, seed=0), world.draw(2000, seed=1)
        best = TopK(1).fit(probs, labels)
        fit.append(macro_f1(labels, best.predict_proba(probs).argmax(1), 8))
        crossed.append(cross_fit(TopK(1), probs, labels, repeats=2).score)
        fresh.append(macro_f1(new_labels, best.predict_proba(new).argmax(1), 8))
    assert abs(np.mean(crossed) - np.mean(fresh)) < 0.5 * abs(np.mean(fit) - np.mean(fresh))


@pytest.mark.parametrize(("folds", "repeats"), [(1, 5), (41, 5), (5, 0)])
def test_invalid_input_is_refused(folds, repeats):
    probs, labels = distinct(2, 40, 4)
    with pytest.raises(ValueError, match="expected 2 to 40 folds, 1 repeat or more"):
        cross_fit(Mean(), probs, labels, folds=folds, repeats=repeats)

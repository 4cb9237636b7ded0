import numpy as np
import pytest

from bench.ensemble_runs.scoreboard import BoardTopK, Scoreboard, cross_fit_top
from ensembles.crossfit import cross_fit
from ensembles.mean import TopK, best_first


@pytest.fixture
def stack():
    rng = np.random.default_rng(3)
    labels = np.concatenate([np.arange(4), rng.integers(4, size=76)])
    logits = rng.normal(size=(7, 80, 4))
    logits[:, np.arange(80), labels] += rng.uniform(0.5, 2, size=(7, 1))
    probs = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    return probs.astype(np.float32), labels


def test_it_ranks_as_the_library_does_on_any_images(stack):
    probs, labels = stack
    board = Scoreboard(probs, labels)
    for images in (slice(None), np.arange(0, 80, 3), np.arange(25)):
        assert board.best_first(images) == best_first(probs, labels, images)


def test_twins_are_ranked_by_log_loss_then_index(stack):
    probs, labels = stack
    sure = probs[:1] ** 2 / (probs[:1] ** 2).sum(axis=2, keepdims=True)
    twins = np.concatenate([probs[:1], sure, probs[:1]])
    assert Scoreboard(twins, labels).best_first(slice(None)) == best_first(twins, labels)


@pytest.mark.parametrize("k", [1, 3, 7])
def test_cross_fitting_with_it_gives_the_same_bytes(stack, k):
    probs, labels = stack
    families = list("aaabbcd")
    plain = cross_fit(TopK(k, families), probs, labels, folds=4, repeats=2, seed=7)
    combiner = BoardTopK(Scoreboard(probs, labels), k, families)
    for quick in (
        cross_fit_top(combiner, probs, folds=4, repeats=2, seed=7),
        cross_fit(combiner, probs, labels, folds=4, repeats=2, seed=7),
    ):
        assert plain.probs.tobytes() == quick.probs.tobytes()
        assert plain.predicted.tolist() == quick.predicted.tolist()
        assert plain.scores.tolist() == quick.scores.tolist()

import numpy as np
import pytest
from ensembles_synthetic import distinct
from scipy.stats import gmean

from ensembles import GeometricMean, Mean, PriorAdjusted, TopK, cross_fit, log_loss, macro_f1
from ensembles.affordable import Affordable
from ensembles.mean import Scoreboard


def models(*hit_shares):
    """One member per share: labels hit on the first images with 0.9, the others given to the next class with 0.9."""
    labels = np.arange(40) % 4
    probs = np.full((len(hit_shares), 40, 4), 0.1 / 3, dtype=np.float32)
    for member, share in enumerate(hit_shares):
        chosen = np.where(np.arange(40) < share * 40, labels, (labels + 1) % 4)
        probs[member, np.arange(40), chosen] = 0.9
    return probs, labels


def test_mean_and_geometric_mean_by_independent_formula():
    probs, labels = distinct(5, 50, 6)
    np.testing.assert_allclose(Mean().fit(probs, labels).predict_proba(probs), probs.mean(axis=0), atol=1e-6)
    expected = gmean(probs.astype(np.float64), axis=0)
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(GeometricMean().fit(probs, labels).predict_proba(probs), expected, atol=1e-6)


def test_top_k_takes_the_best_by_macro_f1():
    probs, labels = models(0.5, 0.9, 0.2, 0.7)
    assert Scoreboard(probs, labels).best_first() == [1, 3, 0, 2]
    assert TopK(2).fit(probs, labels).models_used == [1, 3]
    np.testing.assert_array_equal(TopK(2).fit(probs, labels).weights, [0, 0.5, 0, 0.5])
    np.testing.assert_allclose(TopK(1).fit(probs, labels).predict_proba(probs), probs[1])


def test_top_k_of_fewer_members_is_the_mean():
    probs, labels = models(0.5, 0.9)
    np.testing.assert_array_equal(TopK(3).fit(probs, labels).weights, [0.5, 0.5])


def test_equal_f1_is_decided_by_log_loss():
    probs, labels = models(0.5, 0.5)
    probs[0] = 0.5 * probs[0] + 0.125  # same argmax, less sure of itself, and half of it is wrong
    assert macro_f1(labels, probs[0].argmax(1), 4) == macro_f1(labels, probs[1].argmax(1), 4)
    assert Scoreboard(probs, labels).best_first() == [0, 1]
    assert Scoreboard(probs[::-1], labels).best_first() == [1, 0]


def test_at_most_two_of_a_family_while_others_remain():
    probs, labels = models(0.9, 0.8, 0.7, 0.6, 0.5)
    families = ["vgg", "vgg", "vgg", "vgg", "resnet"]
    assert TopK(3, families).fit(probs, labels).models_used == [0, 1, 4]
    assert TopK(4, families).fit(probs, labels).models_used == [0, 1, 2, 4]
    assert TopK(3).fit(probs, labels).models_used == [0, 1, 2]
    assert TopK(3, families, max_per_family=1).fit(probs, labels).models_used == [0, 1, 4]


def test_no_family_cap_with_many_images():
    probs, labels = models(0.9, 0.8, 0.7, 0.6, 0.5)
    many, labels = np.tile(probs, (1, 125, 1)), np.tile(labels, 125)
    families = ["vgg", "vgg", "vgg", "vgg", "resnet"]
    assert TopK(3, families).fit(many, labels).models_used == [0, 1, 2]
    assert TopK(3, families).fit(many[:, 1:], labels[1:]).models_used == [0, 1, 4]


def test_what_top_k_refuses():
    probs, labels = models(0.9, 0.8)
    with pytest.raises(ValueError, match="families: expected one name for each of 2 members, got 1"):
        TopK(1, ["vgg"]).fit(probs, labels)
    with pytest.raises(ValueError, match="k = 0"):
        TopK(0)


def by_definition(probs, labels):
    """Members by falling macro F1, then rising log-loss, then index."""
    keys = [(-macro_f1(labels, rows.argmax(axis=1), probs.shape[2]), log_loss(labels, np.log(rows))) for rows in probs]
    return sorted(range(len(probs)), key=keys.__getitem__)


def test_a_scoreboard_ranks_on_any_images():
    probs, labels = distinct(7, 80, 4, skill=3.0)
    board = Scoreboard(probs, labels)
    for images in (slice(None), np.arange(0, 80, 3), np.arange(25)):
        assert board.best_first(images) == by_definition(probs[:, images], labels[images])


def test_twins_are_ranked_by_log_loss_then_index():
    probs, labels = distinct(1, 80, 4, skill=3.0)
    sure = probs**2 / (probs**2).sum(axis=2, keepdims=True)
    twins = np.concatenate([probs, sure, probs])
    assert Scoreboard(twins, labels).best_first() == by_definition(twins, labels)


@pytest.mark.parametrize("k", [1, 3, 7])
def test_a_shared_scoreboard_changes_no_byte_of_cross_fitting(k):
    probs, labels = distinct(7, 80, 4, skill=3.0)
    families = list("aaabbcd")
    plain = cross_fit(TopK(k, families), probs, labels, folds=4, repeats=2, seed=7)
    combiner = TopK(k, families, board=Scoreboard(probs, labels))
    quick = cross_fit(combiner, probs, labels, folds=4, repeats=2, seed=7)
    assert plain.probs.tobytes() == quick.probs.tobytes()
    assert plain.predicted.tolist() == quick.predicted.tolist()
    assert plain.scores.tolist() == quick.scores.tolist()


def test_folds_are_fitted_by_the_rule_of_all_images():
    """Of 6,000 images no family is capped; four fifths of them are fewer than the 5,000 below which it is."""
    rng = np.random.default_rng(0)
    labels = np.arange(6000) % 4
    probs = np.full((4, 6000, 4), 0.1, dtype=np.float32)
    for member, hits in enumerate((0.9, 0.88, 0.86, 0.5)):
        chosen = np.where(rng.random(6000) < hits, labels, (labels + 1) % 4)
        probs[member, np.arange(6000), chosen] = 0.7
    families = ["a", "a", "a", "b"]
    assert TopK(3, families).fit(probs, labels).models_used == [0, 1, 2]
    capped, free = (cross_fit(combiner, probs, labels, repeats=1) for combiner in (TopK(3, families), TopK(3)))
    np.testing.assert_array_equal(capped.probs, free.probs)


def with_a_lucky_seed():
    """Two members, the first better by its own predictions, the second by the mean over both seeds."""
    probs, labels = models(0.9, 0.8)
    others, _ = models(0.3, 0.8)
    return probs, labels, [[rows] for rows in others]


def test_members_are_ranked_by_the_means_over_their_seeds():
    probs, labels, others = with_a_lucky_seed()
    assert Scoreboard(probs, labels).best_first() == [0, 1]
    board = Scoreboard(probs, labels, others)
    assert board.best_first() == [1, 0]
    np.testing.assert_array_equal(board.predicted, probs.argmax(axis=2))
    # On the last ten images: the lowest seed of the first hits 6, its other seed none; the second hits 2 and 2.
    assert board.best_first(np.arange(30, 40)) == [0, 1]


def test_equal_means_of_f1_are_decided_by_the_mean_log_loss():
    probs, labels = models(0.5, 0.5)
    sure = probs.copy()
    sure[0] = 0.5 * sure[0] + 0.125  # same argmax, less sure, and half of it is wrong
    assert Scoreboard(probs, labels, [[rows] for rows in sure]).best_first() == [0, 1]
    assert Scoreboard(probs, labels, [[rows] for rows in sure[::-1]]).best_first() == [1, 0]


def test_a_part_of_a_scoreboard_is_that_of_the_part_of_its_arrays():
    probs, labels = distinct(5, 80, 4, skill=3.0)
    more, _ = distinct(5, 80, 4, skill=2.0)
    images, members = np.arange(0, 80, 3), [3, 0, 4]
    board = Scoreboard(probs, labels, [[rows] for rows in more])
    part = board.part(members, images)
    expected = Scoreboard(probs[members][:, images], labels[images], [[rows] for rows in more[members][:, images]])
    assert part.best_first() == expected.best_first()
    assert part.best_first(np.arange(9)) == expected.best_first(np.arange(9))
    np.testing.assert_array_equal(part.predicted, expected.predicted)
    assert len(board.labels) == 80


@pytest.mark.parametrize("wrap", [lambda top: top, PriorAdjusted, "affordable"])
def test_wrapped_combiners_rank_by_the_board_too(wrap):
    probs, labels, others = with_a_lucky_seed()
    combiner = Affordable(lambda members: TopK(1), [1.0, 1.0], 5.0) if wrap == "affordable" else wrap(TopK(1))
    assert combiner.fit(probs, labels).models_used == [0]
    combiner.board = Scoreboard(probs, labels, others)
    assert combiner.fit(probs, labels).models_used == [1]
    folds = cross_fit(combiner, probs, labels, folds=4, repeats=1)
    assert folds.score == pytest.approx(macro_f1(labels, probs[1].argmax(axis=1), 4), abs=0.03)

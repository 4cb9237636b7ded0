import numpy as np
import pytest
from ensembles_gain_coverage import one, predictions
from ensembles_synthetic import distinct

from ensembles import (
    Blend,
    Greedy,
    PriorAdjusted,
    cross_fit,
    macro_f1,
    make,
    paired_difference_interval,
    stratified_folds,
)
from ensembles.affordable import Affordable
from ensembles.gain import Contest, _influence, _near_best, gain_interval
from ensembles.mean import Scoreboard, TopK


def near_tie(n_images=40, n_members=6, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n_images) % 8)
    return predictions(rng, labels, np.linspace(2.1, 1.9, n_members)), labels


def interval_of(combiner, probs, labels, repeats=2, **options):
    board = Scoreboard(probs, labels)
    crossed = cross_fit(combiner.fit(probs, labels), probs, labels, repeats=repeats)
    baseline = cross_fit(TopK(1, board=board), probs, labels, repeats=repeats)
    return gain_interval(combiner, board, probs, crossed, baseline, **options)


def plain_interval(make_combiner, probs, labels, resamples, crossed=None, shift=0.0):
    """The definition: every fit is that of a new combiner on copies of the images."""
    n_images, n_classes = probs.shape[1:]
    sides = [make_combiner, lambda: TopK(1)]
    fold = stratified_folds(labels, 5, np.random.default_rng(0))
    errors = []
    for draw in np.random.default_rng(0).integers(n_images, size=(resamples, n_images // 2)):
        gains = []
        for make_side, taken in zip(sides, (shift, 0.0), strict=True):
            held_out = np.empty(len(draw), dtype=int)
            for k in set(fold[draw]):
                others = draw[fold[draw] != k]
                fitted = make_side().fit(probs[:, others], labels[others])
                predicted = np.log(fitted.predict_proba(probs[:, draw[fold[draw] == k]])) - taken
                held_out[fold[draw] == k] = predicted.argmax(axis=1)
            everywhere = np.log(make_side().fit(probs[:, draw], labels[draw]).predict_proba(probs)) - taken
            everywhere = everywhere.argmax(axis=1)
            gains.append(macro_f1(labels[draw], held_out, n_classes) - macro_f1(labels, everywhere, n_classes))
        errors.append((gains[0] - gains[1]) / 2**0.5)
    a = crossed or cross_fit(make_combiner(), probs, labels, repeats=2)
    b = cross_fit(TopK(1), probs, labels, repeats=2)
    fixed = paired_difference_interval(labels, a.predicted, b.predicted, n_classes)
    below, above = a.score - b.score - np.quantile(errors, [0.975, 0.025])
    return min(below, fixed.low), max(above, fixed.high)


FAMILIES = ["one", "one", "one", "one", "two", "two"]
COMBINERS = {
    "top1": lambda: make("top1"),
    "top3 of families": lambda: make("top3", families=FAMILIES),
    "greedy": lambda: make("greedy", costs=[3, 1, 2, 1, 1, 1]),
    "top2 within a budget": lambda: Affordable(lambda members: make("top2"), [3, 1, 2, 1, 1, 1], 3),
}


@pytest.mark.parametrize("name", COMBINERS)
def test_equals_new_fits_on_copies_of_the_images(name):
    probs, labels = near_tie(n_images=44)
    found = interval_of(COMBINERS[name](), probs, labels, resamples=25)
    assert (found.low, found.high) == pytest.approx(plain_interval(COMBINERS[name], probs, labels, 25), abs=1e-9)


def test_adjustment_for_class_sizes_stays_that_of_all_images():
    probs, labels = near_tie(n_images=44)
    combiner = PriorAdjusted(make("top3")).fit(probs, labels)
    combiner.exponent = 8.0  # strong enough to matter with classes of five and six images
    crossed = cross_fit(combiner, probs, labels, repeats=2)
    found = gain_interval(
        combiner, Scoreboard(probs, labels), probs, crossed, cross_fit(TopK(1), probs, labels, repeats=2), resamples=25
    )
    shift = 8.0 * np.log((np.bincount(labels) + 1) / (len(labels) + 8))
    expected = plain_interval(lambda: make("top3"), probs, labels, 25, crossed, shift)
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-9)
    assert plain_interval(lambda: make("top3"), probs, labels, 25, crossed) != pytest.approx(expected, abs=1e-3)


def test_near_ties_it_holds_the_refitted_gain_and_fixed_predictions_do_not():
    # The full measurement is tests/perf/ensembles_gain_coverage.py.
    skills = [2.0] * 4 + [1.9] * 4
    low, high, gain, fixed_low, fixed_high = np.array([one("top3", 40, skills, [40, world]) for world in range(40)]).T
    assert np.sum((low <= gain) & (gain <= high)) >= 38
    assert np.sum((fixed_low <= gain) & (gain <= fixed_high)) <= 36


def test_copies_of_an_image_are_never_on_both_sides():
    seen = []

    def predict(fitting, others):
        seen.append((set(fitting.tolist()), set(others.tolist()), len(fitting) + len(others)))
        return others % 3

    draw = np.array([0, 0, 1, 4, 4, 4, 5, 8])
    Contest(np.arange(9) % 3, 3, np.arange(9) % 4, predict, predict).error(draw)
    assert len(seen) == 2 + 4  # both sides: refitted, and folds 0 and 1
    for fitting, others, images in seen:
        everything = others == set(range(9))
        assert everything or (not fitting & others and fitting | others == set(draw.tolist()) and images == len(draw))


@pytest.mark.parametrize("name", ["top3", "greedy", "mean", "blend"])
def test_nothing_is_gained_from_one_run_or_copies_of_it(name):
    probs, labels = near_tie(n_members=1)
    for members in (probs, np.repeat(probs, 4, axis=0)):
        interval = interval_of(make(name), members, labels, resamples=20)
        assert -0.1 < interval.low < 0 < interval.high < 0.1


def test_runs_that_are_always_right_leave_some_doubt():
    labels = np.arange(60) % 8
    probs = np.repeat(np.eye(8, dtype=np.float32)[labels][None], 3, axis=0)
    interval = interval_of(make("top3"), probs, labels, resamples=20)
    assert interval.low < -0.005 < 0.005 < interval.high


@pytest.mark.parametrize("name", ["top3", "greedy", "blend"])
def test_order_of_candidates_changes_nothing_and_the_seed_does(name):
    probs, labels = near_tie()
    interval = interval_of(make(name), probs, labels, resamples=20)
    assert interval_of(make(name), probs, labels, resamples=20) == interval
    assert interval_of(make(name), probs, labels, resamples=20, seed=1) != interval
    turned = interval_of(make(name), probs[::-1].copy(), labels, resamples=20)
    assert (turned.low, turned.high) == pytest.approx((interval.low, interval.high), abs=1e-6)


def test_too_few_images():
    probs, labels = near_tie(n_images=39)
    assert interval_of(make("top3"), probs, labels) is None


def test_methods_that_choose_no_member_are_not_fitted_again(monkeypatch):
    probs, labels = near_tie()
    combiner, board = Blend().fit(probs, labels), Scoreboard(probs, labels)
    crossed = cross_fit(combiner, probs, labels, repeats=2)
    baseline = cross_fit(TopK(1), probs, labels, repeats=2)
    monkeypatch.setattr(Blend, "_fit", lambda *arguments: pytest.fail("fitted again"))
    interval = gain_interval(combiner, board, probs, crossed, baseline, resamples=50)
    fixed = paired_difference_interval(labels, crossed.predicted, baseline.predicted, 8)
    assert interval.high - interval.low > 1.1 * (fixed.high - fixed.low)  # the best single run is chosen again


def test_within_a_budget_large_arrays_are_not_fitted_again(monkeypatch):
    probs, labels = near_tie()
    combiner, board = COMBINERS["top2 within a budget"]().fit(probs, labels), Scoreboard(probs, labels)
    crossed = cross_fit(combiner, probs, labels, repeats=2)
    monkeypatch.setattr(Affordable, "_fit", lambda *arguments: pytest.fail("fitted again"))
    monkeypatch.setattr("ensembles.gain.LARGEST_BUDGETED", probs.size - 1)
    assert gain_interval(combiner, board, probs, crossed, crossed, resamples=2) is not None


def test_only_members_named_may_be_the_best_single_run():
    probs, labels = near_tie()
    probs = np.concatenate([probs, np.eye(8, dtype=np.float32)[labels][None]])
    combiner = Affordable(lambda members: TopK(1), [1, 1, 1, 1, 1, 1, 9], 1).fit(probs, labels)
    within, board = list(range(6)), Scoreboard(probs, labels)
    crossed = cross_fit(combiner, probs, labels, repeats=2)
    interval = gain_interval(combiner, board, probs, crossed, crossed, singles=within, resamples=20)
    free = gain_interval(combiner, board, probs, crossed, crossed, resamples=20)
    assert interval.high < 0.1  # the best affordable run against itself
    assert free.high != interval.high


def test_near_best_are_those_within_three_paired_standard_errors():
    probs, labels = distinct(5, 2000, 8, skill=6.0, imbalance=5)
    probs = np.concatenate([probs, np.roll(probs[:1], 1, axis=2), probs[:1]])  # one always wrong, one a copy
    board = Scoreboard(probs, labels)
    scores = [macro_f1(labels, row, 8) for row in board.predicted]
    best, rng = int(np.argmax(scores)), np.random.default_rng(0)
    draws = [rng.integers(2000, size=2000) for _ in range(400)]
    expected = []
    for member, row in enumerate(board.predicted):
        sides = [[macro_f1(labels[draw], each[draw], 8) for draw in draws] for each in (board.predicted[best], row)]
        if scores[best] - scores[member] <= 3 * np.std(np.subtract(*sides)):
            expected.append(member)
    assert _near_best(board) == expected
    assert best in expected
    assert 5 not in expected


def test_influence_adds_up_to_the_deviation_of_macro_f1():
    labels = np.arange(4000) % 8
    predicted = np.where(np.random.default_rng(0).random(4000) < 0.8, labels, (labels + 1) % 8)
    score, influence = _influence(labels, predicted, 8)
    assert score == pytest.approx(macro_f1(labels, predicted, 8))
    assert influence.sum() == pytest.approx(0, abs=1e-12)
    draw = np.random.default_rng(1).integers(4000, size=4000)
    deviation = macro_f1(labels[draw], predicted[draw], 8) - score
    assert influence[draw].sum() == pytest.approx(deviation, abs=0.1 * np.linalg.norm(influence))


def test_many_folds_take_no_more_fits_than_ten(monkeypatch):
    probs, labels = near_tie()
    combiner, fits, fit = make("top3").fit(probs, labels), [], TopK._fit
    crossed = cross_fit(combiner, probs, labels, folds=40, repeats=1)
    monkeypatch.setattr(TopK, "_fit", lambda *arguments: (fits.append(1), fit(*arguments))[1])
    gain_interval(combiner, Scoreboard(probs, labels), probs, crossed, crossed, folds=40, resamples=3)
    assert 3 * 6 < len(fits) <= 3 * 11


def test_greedy_does_not_choose_among_members_far_below_the_best(monkeypatch):
    probs, labels = near_tie(n_images=80)
    members = np.concatenate([probs, np.roll(probs[:2], 1, axis=2)])
    combiner = Greedy(5).fit(members, labels)
    sizes = []
    fit = Greedy._fit
    monkeypatch.setattr(Greedy, "_fit", lambda self, p, *rest: (sizes.append(len(p)), fit(self, p, *rest))[1])
    board = Scoreboard(members, labels)
    crossed = cross_fit(combiner, members, labels, repeats=1)
    sizes.clear()
    gain_interval(combiner, board, members, crossed, crossed, resamples=3)
    assert set(sizes) == {len({*_near_best(board), *combiner.models_used})}
    assert max(sizes) < len(members)

import numpy as np
import pytest
from ensembles_synthetic import distinct

from ensembles import Greedy, cross_fit, log_loss, macro_f1, make


def plain_greedy(probs, labels, picks):
    """The definition, without any shortcut: [(member, macro F1)], ties as Greedy's."""
    total, chosen = np.zeros(probs.shape[1:], dtype=np.float32), []
    for _ in range(picks):
        candidates = []
        for member, rows in enumerate(probs):
            sums = total + rows
            loss = log_loss(labels, np.log(sums / (len(chosen) + 1)))
            score = macro_f1(labels, sums.argmax(axis=1), probs.shape[2])
            inside = member in [m for m, _ in chosen]
            candidates.append((-round(score, 12), not inside, round(loss, 9), member))
        score, _, _, member = min(candidates)
        chosen.append((member, -score))
        total += probs[member]
    return chosen


@pytest.mark.parametrize(
    ("n_images", "n_classes", "skill"), [(40, 8, 6.0), (300, 8, 5.0), (150, 3, 3.0), (400, 30, 9.0), (60, 8, 0.0)]
)
def test_equals_plain_greedy(n_images, n_classes, skill):
    for seed in range(3):
        probs, labels = distinct(7, n_images, n_classes, seed=seed, skill=skill, imbalance=5)
        steps = Greedy(12).fit(probs, labels).trajectory
        expected = plain_greedy(probs, labels, 12)
        assert [step.member for step in steps] == [member for member, _ in expected]
        np.testing.assert_allclose([step.macro_f1 for step in steps], [score for _, score in expected], atol=1e-12)


def test_trajectory_tells_what_the_ensemble_is():
    probs, labels = distinct(6, 200, 8, skill=6.0, imbalance=5)
    fitted = Greedy(10).fit(probs, labels)
    for n, step in enumerate(fitted.trajectory, start=1):
        members = [s.member for s in fitted.trajectory[:n]]
        mean = probs[members].mean(axis=0, dtype=np.float64)
        assert step.macro_f1 == pytest.approx(macro_f1(labels, mean.argmax(axis=1), 8))
        assert step.log_loss == pytest.approx(log_loss(labels, np.log(mean)), rel=1e-5)
        assert step.members == len(set(members))


def test_keeps_the_best_prefix_and_weighs_by_picks():
    probs, labels = distinct(6, 200, 8, skill=6.0, imbalance=5)
    fitted = Greedy(25).fit(probs, labels)
    assert fitted.trajectory[fitted.kept - 1].macro_f1 == max(step.macro_f1 for step in fitted.trajectory)
    picks = [step.member for step in fitted.trajectory[: fitted.kept]]
    np.testing.assert_allclose(fitted.weights * fitted.kept, [picks.count(m) for m in range(6)])


def test_fit_score_is_never_below_the_best_single():
    for seed in range(20):
        probs, labels = distinct(5, 60, 8, seed=seed, skill=6.0, imbalance=5)
        best = max(macro_f1(labels, rows.argmax(axis=1), 8) for rows in probs)
        assert macro_f1(labels, Greedy().fit(probs, labels).predict_proba(probs).argmax(axis=1), 8) >= best


def test_a_duplicated_run_brings_no_gain():
    probs, labels = distinct(4, 150, 8, skill=6.0, imbalance=5)
    plain = Greedy().fit(probs, labels)
    doubled = Greedy().fit(np.concatenate([probs, probs]), labels)
    assert [s.macro_f1 for s in doubled.trajectory] == [s.macro_f1 for s in plain.trajectory]
    assert set(doubled.models_used) <= set(range(4))


def test_between_twins_the_cheaper_one_is_taken():
    probs, labels = distinct(1, 100, 8, skill=6.0, imbalance=5)
    twins = np.concatenate([probs, probs])
    assert Greedy(5, costs=[3, 2]).fit(twins, labels).models_used == [1]
    assert Greedy(5, costs=[2, 3]).fit(twins, labels).models_used == [0]


def test_shuffled_labels_gain_on_fitted_images_alone():
    gains, fit_gains = [], []
    for seed in range(8):
        probs, labels = distinct(10, 200, 8, seed=seed, skill=6.0, imbalance=2)
        labels = np.random.default_rng(seed).permutation(labels)
        single = cross_fit(make("top1"), probs, labels, repeats=2).score
        fitted = Greedy().fit(probs, labels).predict_proba(probs)
        best = max(macro_f1(labels, rows.argmax(axis=1), 8) for rows in probs)
        fit_gains.append(macro_f1(labels, fitted.argmax(axis=1), 8) - best)
        gains.append(cross_fit(Greedy(), probs, labels, repeats=2).score - single)
    assert np.mean(fit_gains) > 0.005
    assert abs(np.mean(gains)) < 0.015


def test_invalid_input_is_refused():
    probs, labels = distinct(2, 40, 4)
    with pytest.raises(ValueError, match="picks = 0"):
        Greedy(0)
    with pytest.raises(ValueError, match="costs: expected one for each of 2 members, got 1"):
        Greedy(costs=[1.0]).fit(probs, labels)

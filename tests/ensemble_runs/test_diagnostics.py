import numpy as np
import pytest
from helpers_store import combine, make_outputs, save_run
from sklearn.metrics import f1_score, log_loss

from bench.ensemble_runs.candidates import find, stacked
from bench.ensemble_runs.diagnostics import calibration, changed_classes, diversity, held_out_sharpness
from bench.ensemble_runs.workbench import Protocol
from bench.store.result import Cost
from bench.store.store import Store
from ensembles.crossfit import CrossFit

SIZES = {"val": 120, "test": 30}
QUICK = Protocol(folds=3, repeats=2)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("store") / "runs")
    for number, name in enumerate("abcde"):
        outputs = make_outputs(seed=number, skill=1.0 + 0.3 * number, **SIZES)
        cost = Cost(train_seconds_full=10.0 + number, inference_ms_per_image=1.0 + number)
        save_run(store, f"{name}-224-frozen-s0-00000000", outputs=outputs, backbone=name, family=name, cost=cost)
    return store


def combination_of(store, method):
    return combine(store, method, None, (), QUICK).result.combination


def test_every_pick_of_greedy_selection_is_kept_with_its_cost(store):
    combination = combination_of(store, "greedy")
    candidates = find(store, None, ())
    probs = dict(zip(candidates.names, stacked(candidates.runs, "val"), strict=True))
    steps, labels = combination.greedy.steps, candidates.labels
    total = np.zeros_like(probs[candidates.names[0]])
    picked = set()
    for step in steps:
        total += probs[step.picked]
        picked.add(step.picked)
        expected = f1_score(labels, total.argmax(axis=1), labels=range(4), average="macro", zero_division=0)
        assert step.macro_f1 == pytest.approx(expected)
        assert step.members == len(picked)
        assert step.ms_per_image == sum(1.0 + "abcde".index(name[0]) for name in picked)
        assert step.train_seconds == sum(10.0 + "abcde".index(name[0]) for name in picked)
    assert steps[combination.greedy.kept - 1].macro_f1 == max(step.macro_f1 for step in steps)
    assert combination.fit_score == pytest.approx(max(step.macro_f1 for step in steps))
    assert {step.picked for step in steps[: combination.greedy.kept]} == {
        member.run_id for member in combination.members
    }


def test_picks_are_scored_on_images_that_had_no_say(store):
    """The first pick is the best single run, which is cross-fitted on the same folds: one repeat of them."""
    once = combine(store, "greedy", None, (), Protocol(folds=3, repeats=1)).result.combination
    assert once.greedy.steps[0].macro_f1_held_out == pytest.approx(once.best_single_cross_fitted)
    assert once.greedy.steps[-1].macro_f1_held_out < once.greedy.steps[-1].macro_f1


@pytest.mark.parametrize("method", ["greedy", "greedy+prior"])
def test_picks_within_a_budget_are_the_members(store, method):
    combination = combine(store, method, None, (), QUICK, 9.0).result.combination
    kept = combination.greedy.steps[: combination.greedy.kept]
    assert {step.picked for step in kept} == {member.run_id for member in combination.members}
    assert kept[-1].ms_per_image <= 9.0


def test_a_cascade_is_charged_what_it_used(store):
    ensemble = combine(store, "cascade", None, (), QUICK)
    path = ensemble.result.combination.cascade
    costs = {f"{name}-224-frozen-s0-00000000": 1.0 + number for number, name in enumerate("abcde")}
    used = sum(share * costs[stage] for share, stage in zip(path.chosen.reach, path.chosen.stages, strict=True))
    assert ensemble.result.cost.inference_ms_per_image == pytest.approx(used)
    assert path.chosen in path.front
    front = [(point.ms_per_image, point.macro_f1) for point in path.front]
    assert front == sorted(front)
    assert [score for _, score in front] == sorted(score for _, score in front)


def test_diversity_by_hand():
    labels = np.array([0, 0, 1, 1])
    predicted = np.array([[0, 0, 1, 0], [0, 1, 1, 0], [0, 0, 1, 1]])
    found = diversity(("a", "b", "c"), (0.2, 0.3, 0.5), predicted, labels)
    # Disagree on 1, 1 and 2 images of four; both wrong on 1, 0 and 0.
    assert found.disagreement == pytest.approx((1 + 1 + 2) / 4 / 3)
    assert found.double_fault == pytest.approx(1 / 4 / 3)
    assert [(pair.one, pair.other) for pair in found.pairs] == [("c", "b"), ("c", "a"), ("b", "a")]
    # a and b: both right on 2, both wrong on 1, only one right on 1 and 0: (2*1 - 0) / (2*1 + 0) = 1.
    assert found.pairs[2].q == 1.0
    assert found.pairs[0].q is None  # c never errs: ad + bc = 0
    assert diversity(("a",), (1.0,), predicted[:1], labels) is None


def test_only_the_heaviest_members_are_paired():
    predicted = np.random.default_rng(0).integers(3, size=(9, 50))
    found = diversity([str(i) for i in range(9)], list(range(9)), predicted, np.zeros(50, dtype=int))
    assert len(found.pairs) == 6 * 5 / 2
    assert {pair.one for pair in found.pairs} | {pair.other for pair in found.pairs} == set("345678")


def test_class_changes_are_means_over_repeats():
    labels = np.array([0, 0, 1, 1, 2, 2])
    before = np.array([[0, 0, 1, 1, 0, 0], [0, 0, 1, 1, 0, 2]])
    after = np.array([[0, 1, 1, 1, 2, 2], [0, 0, 1, 1, 2, 2]])
    one, other = (CrossFit(np.zeros((2, 6, 3), np.float32), side, np.zeros(2)) for side in (before, after))
    found = changed_classes(labels, one, other, ("a", "b", "c"))
    scores = [
        np.mean([f1_score(labels, row, average=None, labels=range(3), zero_division=0) for row in side], axis=0)
        for side in (before, after)
    ]
    assert [change.name for change in found.fixed] == ["c", "a"]
    assert [change.name for change in found.broken] == ["b"]
    for change in (*found.fixed, *found.broken):
        place = "abc".index(change.name)
        assert (change.before, change.after) == pytest.approx((scores[0][place], scores[1][place]))
        assert change.images == 2
    assert (found.risen, found.fallen) == (2, 1)


def test_calibration_mends_probabilities_that_are_too_sure():
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=900)
    logits = rng.normal(size=(900, 3))
    logits[np.arange(900), labels] += 1.0
    logits *= 3  # three times too sure
    exact = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    found = calibration(labels, exact.astype(np.float32), seed=0)
    assert found.temperature > 2
    assert found.before.log_loss == pytest.approx(log_loss(labels, exact), rel=1e-5)
    assert found.after.log_loss < found.before.log_loss
    assert found.after.calibration_error < found.before.calibration_error
    for bins in (found.bins_before, found.bins_after):
        assert sum(part.images for part in bins) == 900


@pytest.mark.parametrize("labels_only", [False, True])
def test_sharpness_of_held_out_probabilities_is_the_mean_over_repeats(labels_only):
    labels = np.array([0, 1, 1])
    probs = np.array([[[0.8, 0.2], [0.4, 0.6], [0.4, 0.6]], [[0.5, 0.5], [0.1, 0.9], [0.9, 0.1]]], dtype=np.float32)
    found = held_out_sharpness(labels, probs, labels_only)
    true = probs[:, [0, 1, 2], labels]
    assert found.log_loss == (None if labels_only else pytest.approx(-np.log(true).mean(), rel=1e-6))
    assert found.brier == pytest.approx(2 * ((1 - true) ** 2).mean(), rel=1e-6)
    # First repeat: all right at confidences 0.8, 0.6, 0.6. Second: right at 0.5; one of the two at 0.9.
    errors = np.mean([0.2, 0.4, 0.4]), (0.5 + 2 * abs(0.9 - 0.5)) / 3
    assert found.calibration_error == pytest.approx(np.mean(errors), rel=1e-6)


def test_scores_of_an_ensemble_are_kept_for_held_out_predictions(store):
    """A stack is near perfect on the images of its fit."""
    made = combine(store, "stack", None, (), QUICK)
    assert made.combination.held_out.log_loss > made.result.metrics.log_loss

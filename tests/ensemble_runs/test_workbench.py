from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime

import numpy as np
import pytest
from helpers_store import combine, make_outputs, save_run

from bench.ensemble_runs.workbench import Protocol
from bench.errors import UserError
from bench.files import sha256
from bench.store.selection import superseded
from bench.store.store import Outputs, Store

QUICK = Protocol(folds=3, repeats=2)
SIZES = {"val": 60, "test": 20}


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "runs")


@pytest.fixture
def filled(store):
    """Five runs, best first: a, b and c are of one family."""
    for number, (name, family) in enumerate([("a", "one"), ("b", "one"), ("c", "one"), ("d", "two"), ("e", "three")]):
        outputs = make_outputs(seed=number, skill=3.0 - 0.4 * number, **SIZES)
        save_run(store, f"{name}-224-frozen-s0-00000000", outputs=outputs, family=family, backbone=name, image_px=224)
    return store


def ranked(store):
    runs = [run for run in store.runs() if run.result.kind == "run"]
    return sorted(runs, key=lambda run: -run.result.metrics.macro_f1)


def test_top3_is_the_mean_of_the_three_best_with_two_of_a_family_at_most(filled):
    ensemble = combine(filled, "top3", None, (), QUICK)
    families, chosen = [], []
    for run in ranked(filled):
        if families.count(run.result.family) < 2 and len(chosen) < 3:
            chosen.append(run)
            families.append(run.result.family)
    assert {member.run_id for member in ensemble.result.combination.members} == {run.run_id for run in chosen}
    for split in ("val", "test"):
        expected = np.mean([np.exp(run.log_probs(split)) for run in chosen], axis=0)
        np.testing.assert_allclose(np.exp(ensemble.log_probs(split)), expected, rtol=1e-5)


def test_the_scores_are_those_of_the_stored_predictions(filled):
    from sklearn.metrics import f1_score

    ensemble = combine(filled, "top3", None, (), QUICK)
    metrics, images = ensemble.result.metrics, ensemble.images
    for split, labels, found in (
        ("val", images.val_labels, metrics.macro_f1),
        ("test", images.test_labels, metrics.test_macro_f1),
    ):
        predicted = ensemble.log_probs(split).argmax(axis=1)
        assert found == pytest.approx(f1_score(labels, predicted, labels=range(4), average="macro", zero_division=0))
    assert ensemble.result.combination.fit_score == metrics.macro_f1
    assert metrics.macro_f1_cross_fitted == ensemble.result.combination.cross_fitted


def test_it_costs_what_its_members_do(filled):
    cost = combine(filled, "top3", None, (), QUICK).result.cost
    assert cost.steady_seconds == 3 * 10.0
    assert cost.inference_ms_per_image == 3 * 3.0
    assert cost.parameters == 3 * 100


def test_the_gain_is_against_the_best_single_run(filled):
    combination = combine(filled, "top3", None, (), QUICK).result.combination
    assert combination.best_single == ranked(filled)[0].run_id
    assert combination.gain == pytest.approx(combination.cross_fitted - combination.best_single_cross_fitted)
    assert combination.gain_low < combination.gain < combination.gain_high


def test_one_member_is_the_run_itself(filled):
    ensemble = combine(filled, "top1", None, (), QUICK)
    np.testing.assert_allclose(ensemble.log_probs("val"), ranked(filled)[0].log_probs("val"), atol=1e-5)
    assert ensemble.result.combination.gain == 0


def test_it_is_stored_as_a_run_and_made_once(filled):
    first = combine(filled, "top3", None, (), QUICK)
    assert first.result.kind == "ensemble"
    assert first.run_id in filled.run_ids()
    again = combine(filled, "top3", None, (), QUICK)
    assert again.result.finished == first.result.finished
    assert again.run_id == first.run_id
    for name, digest in again.result.artefacts.items():
        assert sha256(again.paths.folder / name) == digest


def test_the_ensemble_asked_for_last_is_current_though_it_was_stored_before(filled):
    def asked(protocol):
        return combine(filled, "top3", None, (), protocol).run_id

    def replaced():
        return superseded(run.result for run in filled.runs())

    first = asked(QUICK)
    other = asked(Protocol(folds=4, repeats=2))
    assert replaced() == {first}
    assert asked(QUICK) == first
    assert replaced() == {other}
    assert datetime.fromisoformat(filled.get(first).result.asked).tzinfo == UTC


def test_ensembles_of_different_candidates_do_not_replace_each_other(filled):
    names = [run.run_id for run in ranked(filled)][:3]
    combine(filled, "top3", None, names, QUICK)
    combine(filled, "top3", None, (), QUICK)
    assert superseded(run.result for run in filled.runs()) == set()


def test_asked_for_again_in_a_store_that_cannot_be_written(filled, monkeypatch):
    first = combine(filled, "top3", None, (), QUICK)

    def refuse(path, content):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("bench.store.store.write_json", refuse)
    assert combine(filled, "top3", None, (), QUICK).result.asked == first.result.asked


def test_left_out_runs_are_those_of_the_last_request(filled):
    assert combine(filled, "top3", None, (), QUICK).combination.left_out == ()
    save_run(filled, "z-224-frozen-s0-00000000", outputs=make_outputs(seed=0, skill=3.0, **SIZES))
    assert [left.run_id for left in combine(filled, "top3", None, (), QUICK).combination.left_out] == [
        "z-224-frozen-s0-00000000"
    ]


def stored_again(store, name, *, cost=None, images=None, log_probs=None, **changes):
    """Stores a run again with other costs, images, predictions or fields of its result."""
    run = next(run for run in store.runs() if run.run_id.startswith(f"{name}-"))
    result, found = run.result, {split: np.array(run.log_probs(split)) for split in ("val", "test")}
    outputs = Outputs(
        config=run.config,
        environment=run.environment,
        history=run.history,
        images=run.images.model_copy(update=images or {}),
        log_probs={**found, **(log_probs or {})},
        log="",
    )
    changes["cost"] = result.cost.model_copy(update=cost or {})
    return store.save(result.model_copy(update=changes), outputs)


def other_test_predictions(store):
    return {"log_probs": {"test": make_outputs(seed=70, **SIZES).log_probs["test"]}}


def other_labels(store):
    labels = store.get("a-").images.val_labels
    return {"images": {"val_labels": (*labels[:-1], (labels[-1] + 1) % 4)}}


CHANGES = {
    "milliseconds": lambda store: {"cost": {"inference_ms_per_image": 0.1}},
    "training seconds": lambda store: {"cost": {"train_seconds_steady": 1.0}},
    "parameters": lambda store: {"cost": {"parameters": 7}},
    "GFLOPs": lambda store: {"cost": {"gflops_per_image": 7.0}},
    "memory": lambda store: {"cost": {"peak_memory_mib": 7.0}},
    "test predictions": other_test_predictions,
    "test labels": lambda store: {"images": {"test_labels": None}},
    "validation labels": other_labels,
    "class names": lambda store: {"images": {"class_names": ("rose", "iris", "lily", "poppy")}},
    "family": lambda store: {"family": "four"},
    "device": lambda store: {"setup": store.get("a-").result.setup.model_copy(update={"device": "gpu"})},
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_ensemble_is_made_again_when_anything_changed_that_it_was_made_from(filled, change):
    """Validation predictions stay the same."""
    names = [run.run_id for run in ranked(filled)]
    before = combine(filled, "mean", None, names, QUICK).run_id
    changes = CHANGES[change](filled)
    for name in "abcde":
        stored_again(filled, name, **changes)
    assert combine(filled, "mean", None, names, QUICK).run_id != before


def test_costs_and_answers_that_arrive_later_are_those_of_the_next_ensemble(filled):
    """As when a column of answers is added, and a run measured again, without training."""
    for name in "abcde":
        stored_again(filled, name, images={"test_labels": None})
    before = combine(filled, "cascade", None, (), QUICK)
    assert before.result.metrics.test_macro_f1 is None
    answers = make_outputs(**SIZES).images.test_labels
    for number, name in enumerate("abcde"):
        stored_again(filled, name, images={"test_labels": answers}, cost={"inference_ms_per_image": 1.0 + number})
    after = combine(filled, "cascade", None, (), QUICK)
    fresh = {member.run_id: filled.get(member.run_id) for member in after.combination.members}
    assert after.result.metrics.test_macro_f1 is not None
    point = after.combination.cascade.chosen
    costs = [fresh[stage].result.cost.inference_ms_per_image for stage in point.stages]
    assert after.result.cost.inference_ms_per_image == pytest.approx(np.dot(point.reach, costs))


def test_the_name_of_an_ensemble_does_not_depend_on_the_order_of_storage(filled, tmp_path):
    other = Store(tmp_path / "other")
    for run in reversed(list(filled.runs())):
        log_probs = {split: np.array(run.log_probs(split)) for split in ("val", "test")}
        outputs = Outputs(run.config, run.environment, run.history, run.images, log_probs, "")
        other.save(run.result.model_copy(update={"finished": "2027-01-01T00:00:00+00:00"}), outputs)
    names = [combine(store, "top3", None, (), QUICK).run_id for store in (filled, other)]
    assert names[0] == names[1]


def with_seeds(store):
    """Two configurations of two seeds: a is best by its lowest seed, b by the mean over its seeds."""
    for name, skills in {"a": (2.0, 0.2), "b": (1.6, 1.6)}.items():
        for seed, skill in enumerate(skills):
            outputs = make_outputs(seed=10 * seed + ord(name), skill=skill, **SIZES)
            save_run(store, f"{name}-224-frozen-s{seed}-00000000", outputs=outputs, seed=seed)
    return store


def test_candidates_are_ranked_by_the_mean_over_their_seeds(store):
    first, second = (run.result.metrics.macro_f1 for run in with_seeds(store).runs() if run.result.seed == 0)
    assert first > second
    for method, budget in (("top1", None), ("top1", 9.0), ("top1+prior", None), ("top1+prior", 9.0)):
        made = combine(store, method, None, (), QUICK, budget).combination
        assert made.candidates == ("a-224-frozen-s0-00000000", "b-224-frozen-s0-00000000")
        assert made.best_single == made.members[0].run_id == "b-224-frozen-s0-00000000", (method, budget)
        if "prior" not in method:
            assert made.gain == 0


def test_named_runs_are_candidates_as_they_are(store):
    names = [run.run_id for run in with_seeds(store).runs()]
    made = combine(store, "mean", None, names, QUICK).combination
    assert made.candidates == tuple(names)
    assert made.best_single == "a-224-frozen-s0-00000000"


def test_predictions_of_another_seed_make_another_ensemble(store):
    before = combine(with_seeds(store), "top1", None, (), QUICK).run_id
    outputs = make_outputs(seed=60, skill=1.6, **SIZES)
    save_run(store, "b-224-frozen-s1-00000000", outputs=outputs, seed=1)
    assert combine(store, "top1", None, (), QUICK).run_id != before


def test_an_ensemble_is_no_candidate_of_the_next(filled):
    combine(filled, "mean", None, (), QUICK)
    later = combine(filled, "top3", None, (), QUICK)
    assert not any(name.startswith("ensemble") for name in later.result.combination.candidates)


def test_an_ensemble_may_be_named_as_a_member(filled):
    mean = combine(filled, "mean", None, (), QUICK)
    names = [mean.run_id, ranked(filled)[0].run_id]
    assert mean.run_id in combine(filled, "mean", None, names, QUICK).result.combination.candidates


def test_the_order_of_members_changes_nothing(filled):
    names = [run.run_id for run in ranked(filled)][:3]
    one, other = combine(filled, "mean", None, names, QUICK), combine(filled, "mean", None, names[::-1], QUICK)
    assert one.run_id == other.run_id


def test_a_changed_candidate_is_another_ensemble(filled):
    before = combine(filled, "top3", None, (), QUICK)
    outputs = make_outputs(seed=77, **SIZES)
    save_run(filled, "e-224-frozen-s0-00000000", outputs=outputs, family="three", backbone="e", image_px=224)
    assert combine(filled, "top3", None, (), QUICK).run_id != before.run_id


@pytest.mark.parametrize(
    ("change", "reason", "refused"),
    [
        ({"ids": "other"}, "other validation images", "validation images differ"),
        ({"classes": 5}, "other validation images, labels or classes", "classes differ"),
        ({"val": 61}, "other validation images", "validation images differ"),
        ({"test": 21}, "other test images", "test images differ"),
    ],
)
def test_runs_of_other_images_are_left_out_and_refused_by_name(filled, change, reason, refused):
    expected = combine(filled, "top3", None, (), QUICK)
    other = save_run(filled, "0-224-frozen-s0-00000000", outputs=make_outputs(**(SIZES | change))).run_id
    found = combine(filled, "top3", None, (), QUICK)
    assert found.run_id == expected.run_id
    (left,) = found.combination.left_out
    assert left.run_id == other
    assert reason in left.reason
    with pytest.raises(UserError, match=refused) as error:
        combine(filled, "top3", None, ["a-224", "b-224", other], QUICK)
    assert other in str(error.value)


def test_the_same_ids_with_other_labels_are_left_out_and_refused_by_name(filled):
    outputs = make_outputs(**SIZES)
    labels = tuple((label + 1) % 4 for label in outputs.images.val_labels)
    other = outputs.images.model_copy(update={"val_labels": labels})
    save_run(filled, "z-224-frozen-s0-00000000", outputs=type(outputs)(**{**vars(outputs), "images": other}))
    (left,) = combine(filled, "top3", None, (), QUICK).combination.left_out
    assert left.run_id == "z-224-frozen-s0-00000000"
    with pytest.raises(UserError, match="labels differ"):
        combine(filled, "top3", None, ["a-224", "b-224", "z-224"], QUICK)


def test_too_few_runs(store):
    save_run(store, "a-224-frozen-s0-00000000")
    with pytest.raises(UserError, match="top3 needs 3 configurations of one data set; there are 1"):
        combine(store, "top3", None, (), QUICK)


def test_an_empty_store(store):
    with pytest.raises(UserError, match="No finished run"):
        combine(store, "top3", None, (), QUICK)


def test_two_data_sets_need_a_choice(filled):
    save_run(filled, "z-224-frozen-s0-00000000", data="petals")
    with pytest.raises(UserError, match=r"several data sets: petals, toy. Choose one with --data"):
        combine(filled, "top3", None, (), QUICK)
    assert combine(filled, "top3", "toy", (), QUICK).result.data == "toy"
    assert combine(filled, "top3", "/somewhere/toy", (), QUICK).result.data == "toy"
    with pytest.raises(UserError, match="needs 3 finished runs"):
        combine(filled, "top3", "petals", (), QUICK)
    with pytest.raises(UserError, match="Did you mean 'petals'"):
        combine(filled, "top3", "petal", (), QUICK)


def test_members_of_two_data_sets_are_refused(filled):
    save_run(filled, "z-224-frozen-s0-00000000", data="petals", outputs=make_outputs(**SIZES))
    with pytest.raises(UserError, match="data sets 'toy' and 'petals'"):
        combine(filled, "mean", None, ["a-224", "z-224"], QUICK)


def test_a_run_that_saw_validation_is_left_out_and_refused_by_name(filled):
    expected = combine(filled, "top2", None, (), QUICK).combination
    cheat = save_run(filled, "cheat-224-frozen-s0-00000000", outputs=make_outputs(seed=9, skill=9.0, **SIZES))
    metrics = cheat.result.metrics.model_copy(update={"saw_validation": True})
    cheat.paths.result.write_text(cheat.result.model_copy(update={"metrics": metrics}).model_dump_json())
    for path in filled.root.glob("ensemble-*/result.json"):
        path.unlink()
    made = combine(filled, "top2", None, (), QUICK).combination
    assert [left.run_id for left in made.left_out] == [cheat.run_id]
    assert "trained on validation images" in made.left_out[0].reason
    assert (made.members, made.best_single, made.gain) == (expected.members, expected.best_single, expected.gain)
    with pytest.raises(UserError, match=r"cheat-224-frozen-s0-00000000 was trained on validation images"):
        combine(filled, "top2", None, ["a-224", "cheat-224"], QUICK)


@pytest.mark.parametrize("method", ["top0", "topp3", "best"])
def test_an_unknown_method(filled, method):
    with pytest.raises(UserError, match="Unknown combiner"):
        combine(filled, method, None, (), QUICK)


def test_a_store_without_test_predictions(store):
    for number in range(3):
        outputs = make_outputs(seed=number, **SIZES)
        images = outputs.images.model_copy(update={"test_ids": (), "test_labels": None})
        found = type(outputs)(**{**vars(outputs), "images": images, "log_probs": {"val": outputs.log_probs["val"]}})
        save_run(store, f"run{number}-224-frozen-s0-00000000", outputs=found)
    ensemble = combine(store, "top3", None, (), QUICK)
    assert not ensemble.has("test")
    assert ensemble.result.metrics.test_macro_f1 is None


METHODS = ("top1", "mean", "geometric", "greedy", "blend", "stack", "cascade")


@pytest.mark.parametrize("method", METHODS)
def test_one_candidate_is_enough_and_nothing_is_gained(filled, method):
    ensemble = combine(filled, method, None, ["a-224"], QUICK)
    combination = ensemble.result.combination
    assert [member.weight for member in combination.members] == [1.0]
    assert combination.diversity is None
    if method not in ("stack", "blend"):  # these two recalibrate even one run
        assert combination.gain == 0
        np.testing.assert_allclose(ensemble.log_probs("val"), filled.get("a-224").log_probs("val"), atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_neither_order_nor_a_twin_changes_anything(filled, method):
    names = [run.run_id for run in ranked(filled)]
    ensemble = combine(filled, method, None, names, QUICK)
    before = ensemble.result.combination
    save_run(filled, "z-224-frozen-s0-00000000", outputs=make_outputs(seed=0, skill=3.0, **SIZES), family="z")
    again = combine(filled, method, None, [*names[::-1], "z-224"], QUICK)
    assert again.run_id == ensemble.run_id
    again.paths.result.unlink()  # made anew
    remade = combine(filled, method, None, [*names[::-1], "z-224"], QUICK).result.combination
    assert remade.model_copy(update={"left_out": ()}) == before
    assert [run.run_id for run in remade.left_out] == ["z-224-frozen-s0-00000000"]


@pytest.mark.parametrize("method", ["greedy", "cascade"])
def test_methods_fitted_by_macro_f1_are_never_below_the_best_single_run_on_their_images(filled, method):
    best = ranked(filled)[0].result.metrics.macro_f1
    assert combine(filled, method, None, (), QUICK).result.combination.fit_score >= best - 1e-12


@pytest.mark.parametrize("method", METHODS)
def test_an_ensemble_says_what_it_is_made_of_and_what_it_costs(filled, method):
    ensemble = combine(filled, method, None, (), QUICK)
    combination, cost = ensemble.result.combination, ensemble.result.cost
    assert sum(member.weight for member in combination.members) == pytest.approx(1)
    assert all(member.weight > 0 for member in combination.members)
    assert combination.members_train_seconds == cost.steady_seconds == 10.0 * len(combination.members)
    assert combination.candidates_train_seconds == 50.0
    if method != "cascade":
        assert cost.inference_ms_per_image == 3.0 * len(combination.members)
    assert ensemble.arrays["cross_fitted"].shape == (QUICK.repeats, SIZES["val"])
    assert (combination.greedy is None) == (method != "greedy")
    assert (combination.cascade is None) == (method != "cascade")
    assert combination.calibration.temperature > 0


def test_the_cross_fitted_score_is_that_of_the_held_out_predictions_that_are_kept(filled):
    from sklearn.metrics import f1_score

    ensemble = combine(filled, "blend", None, (), QUICK)
    labels = ensemble.images.val_labels
    scores = [
        f1_score(labels, row, labels=range(4), average="macro", zero_division=0)
        for row in ensemble.arrays["cross_fitted"]
    ]
    assert ensemble.result.combination.cross_fitted == pytest.approx(np.mean(scores))


def test_splits_that_share_pictures_mark_the_ensemble_too(filled):
    (run, *_) = filled.runs()
    metrics = run.result.metrics.model_copy(update={"val_duplicates": 2, "test_duplicates": 0})
    skill = {"a": 3.0, "b": 2.6, "c": 2.2, "d": 1.8, "e": 1.4}[run.result.backbone]
    outputs = make_outputs(seed="abcde".index(run.result.backbone), skill=skill, **SIZES)
    filled.save(run.result.model_copy(update={"metrics": metrics}), outputs)
    assert combine(filled, "mean", None, (), QUICK).result.metrics.val_duplicates == 2


def test_of_two_commands_that_make_one_ensemble_the_second_finds_the_first(filled):
    """Both see that it is missing; the second waits at the claim of the first."""
    made = combine(filled, "mean", None, (), QUICK)
    away = made.paths.folder.with_name("away")
    made.paths.folder.rename(away)
    with ThreadPoolExecutor() as pool:
        with filled.claims.take(made.run_id):
            second = pool.submit(combine, filled, "mean", None, (), QUICK)
            done, _ = wait([second], timeout=1.0)
            assert not done
            away.rename(made.paths.folder)
        again = second.result()
    assert again.paths.result.stat().st_ino == made.paths.result.stat().st_ino
    assert list(filled.partial.iterdir()) == []

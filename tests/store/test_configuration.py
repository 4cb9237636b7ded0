import math

import numpy as np
import pytest
from helpers_store import make_outputs, save_run

from bench.config.recipe import load_recipe
from bench.store.configuration import configurations, recipe_digest
from bench.store.result import Setup
from bench.store.store import Store

SIZES = {"val": 60, "test": 10}
SETUP = {"device": "cpu", "cores": 2, "global_batch": 16, "code_revision": "0.1.0+aaaaaaa", "training_code": "c0de"}
CONFIG = {"backbone": "vgg16", "precision": "float32", "xla": False, "deterministic": False, "weights": "imagenet"}
VERSIONS = {"python": "3.11.1", "tensorflow": "2.20.0", "keras": "3.14.0", "numpy": "2.0.0", "pandas": "3.0.0"}


def save(store, seed, *, skill=1.0, setup=(), config=(), versions=(), recipe=(), **changes):
    """A run of vgg16@224 with this seed, and what else differs; its name holds how many runs there are."""
    outputs = make_outputs(seed=100 * seed + len(store.run_ids()), skill=skill, **SIZES)
    content = load_recipe("frozen").model_dump(mode="json") | dict(recipe)
    outputs.config.clear()
    outputs.config.update(CONFIG | dict(config) | {"seed": seed, "recipe": content})
    outputs.environment["versions"] = VERSIONS | dict(versions)
    name = f"vgg16-224-frozen-s{seed}-{len(store.run_ids()):08x}"
    return save_run(store, name, outputs=outputs, seed=seed, setup=Setup(**(SETUP | dict(setup))), **changes)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "runs")


@pytest.mark.parametrize(
    "difference",
    [
        {"config": {"xla": True}},
        {"config": {"deterministic": True}},
        {"config": {"precision": "mixed_bfloat16"}},
        {"setup": {"device": "gpu"}},
        {"setup": {"replicas": 2}},
        {"setup": {"global_batch": 8}},
        {"setup": {"micro_batch": 4}},
        {"setup": {"image_source_px": 512}},
        {"setup": {"kernels": "oneDNN on"}},
        {"setup": {"training_code": "other"}},
        {"versions": {"keras": "3.15.0"}},
        {"versions": {"tensorflow": "2.21.0"}},
        {"recipe": {"epochs": 7}},
        {"lr_scale": 0.5},
        {"weights": "imagenet"},
        {"plugin": "nets==1@12345678"},
        {"data_fingerprint": "e" * 64},
    ],
    ids=str,
)
def test_runs_that_differ_in_more_than_their_seed_are_two_configurations(store, difference):
    save(store, 0)
    save(store, 1)
    save(store, 2, **difference)
    assert sorted(len(one.runs) for one in configurations(store.runs())) == [1, 2]


@pytest.mark.parametrize(
    "difference",
    [
        {"setup": {"code_revision": "0.1.0+bbbbbbb"}},  # a commit of the README
        {"versions": {"pandas": "3.1.0"}},
        {"recipe": {"description": "other words"}},
        {"setup": {"interruptions": 1}},
    ],
    ids=str,
)
def test_seeds_stay_together_through_changes_of_no_number(store, difference):
    save(store, 0)
    save(store, 1, **difference)
    (found,) = configurations(store.runs())
    assert len(found.runs) == 2


def test_without_a_digest_of_the_code_its_revision_tells_apart(store):
    for seed, revision in enumerate(("a", "a", "b")):
        save(store, seed, setup={"training_code": None, "code_revision": revision})
    assert sorted(len(one.runs) for one in configurations(store.runs())) == [1, 2]


def test_a_configuration_is_scored_by_the_mean_of_its_seeds_and_stands_in_by_its_lowest(store):
    low, high = save(store, 3, skill=0.5), save(store, 11, skill=4.0)
    (found,) = configurations(reversed(list(store.runs())))
    assert found.member.run_id == low.run_id
    assert found.run_ids == (low.run_id, high.run_id)
    assert found.macro_f1 == pytest.approx((low.result.metrics.macro_f1 + high.result.metrics.macro_f1) / 2)
    np.testing.assert_array_equal(found.predicted[1], high.log_probs("val").argmax(axis=1))


def test_the_luckiest_seed_is_not_the_best_configuration(store):
    for seed, skill in enumerate((4.0, 0.2)):
        save(store, seed, skill=skill)
    for seed in (0, 1):
        save(store, seed, skill=2.5, weights="other")
    scores = [run.result.metrics.macro_f1 for run in store.runs()]
    best, second = configurations(store.runs())
    assert max(scores) in [run.result.metrics.macro_f1 for run in second.runs]
    assert best.macro_f1 > second.macro_f1


def test_equal_scores_are_ranked_by_log_loss_then_name(store):
    for name, loss in {"b": 0.4, "a": None, "c": 0.4, "d": 0.3}.items():
        run = save_run(store, f"{name}-224-frozen-s0-00000000", outputs=make_outputs(**SIZES))
        metrics = run.result.metrics.model_copy(update={"macro_f1": 0.5, "log_loss": loss})
        run.paths.result.write_text(run.result.model_copy(update={"metrics": metrics}).model_dump_json())
    found = configurations(Store(store.root).runs())
    assert [one.member.run_id[0] for one in found] == ["d", "b", "c", "a"]
    assert found[-1].place[1] == math.inf


def test_ensembles_and_runs_that_saw_validation_are_no_configurations(store):
    kept, seen, ensemble = (save(store, seed) for seed in range(3))
    metrics = seen.result.metrics.model_copy(update={"saw_validation": True})
    seen.paths.result.write_text(seen.result.model_copy(update={"metrics": metrics}).model_dump_json())
    ensemble.paths.result.write_text(ensemble.result.model_copy(update={"kind": "ensemble"}).model_dump_json())
    (found,) = configurations(Store(store.root).runs())
    assert found.run_ids == (kept.run_id,)


def test_added_runs_are_one_each(store):
    for seed in range(2):
        save(store, seed, added=True)
    assert len(configurations(store.runs())) == 2


def test_the_digest_of_a_recipe_is_that_of_its_content(store):
    named, changed = save(store, 0, recipe={"name": "other", "description": "x"}), save(store, 1, recipe={"epochs": 3})
    plain = save(store, 2)
    assert recipe_digest(named) == recipe_digest(plain) != recipe_digest(changed)

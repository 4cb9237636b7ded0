"""Options from a store: scores and costs over seeds, device-hours, other devices, members that are gone."""

from __future__ import annotations

import math
import shutil

import numpy as np
import pytest
from helpers_recommend import option
from helpers_store import combine, make_outputs, save_run

from bench.analysis.prices import Prices
from bench.analysis.publish import report_input
from bench.analysis.recommend.options import ensembles, singles
from bench.ensemble_runs.workbench import Protocol
from bench.report.frame.ranking import Ranking
from bench.store.result import Cost, Setup
from bench.store.store import Store

PRICES = Prices.model_validate(
    {"price": [{"device": "cpu", "usd_per_hour": 3.6, "source": "a list", "date": "2026-11-01"}]}
)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "runs")


def put(store, name="net", seed=0, *, seconds=36.0, replicas=1, device="cpu", milliseconds=3.0, px=224):
    return save_run(
        store,
        f"{name}-{px}-frozen-s{seed}-00000000",
        outputs=make_outputs(10 * seed + len(name), val=80, test=20),
        seed=seed,
        backbone=name,
        family=f"{name} family",
        image_px=px,
        cost=Cost(train_seconds_full=seconds, inference_ms_per_image=milliseconds),
        setup=Setup(device=device, replicas=replicas, code_revision="0"),
    )


def read(store):
    """Ranking and runs by name, as `recommend` reads them."""
    return Ranking.of(report_input(store, None, PRICES)), {run.run_id: run for run in store.runs()}


def of_runs(store):
    return {one.label: one for one in singles(*read(store))}


def of_ensembles(store):
    return {one.label: one for one in ensembles(*read(store), store)}


def test_seeds_are_one_option_with_means_over_them(store):
    """36, 72 and 108 s on two devices are 0.02, 0.04 and 0.06 device-hours."""
    runs = [
        put(store, "net", 2, seconds=108.0, replicas=2, milliseconds=9.0),
        put(store, "net", 0, seconds=36.0, replicas=2, milliseconds=3.0),
        put(store, "net", 1, seconds=72.0, replicas=2, milliseconds=6.0),
    ]
    (found,) = of_runs(store).values()
    metrics = [run.result.metrics for run in runs]
    assert (found.kind, found.family, found.image_px, found.unusable) == ("single", "net family", 224.0, "")
    assert found.score == pytest.approx(np.mean([one.macro_f1 for one in metrics]))
    assert found.low == pytest.approx(np.mean([one.macro_f1_low for one in metrics]))
    assert found.high == pytest.approx(np.mean([one.macro_f1_high for one in metrics]))
    assert found.train_seconds == pytest.approx(72.0)
    assert found.train_device_hours == pytest.approx(0.04)
    assert found.usd == pytest.approx(0.144)
    assert found.ms_per_image == pytest.approx(6.0)


def test_predictions_follow_the_seeds_in_order(store):
    runs = {seed: put(store, "net", seed) for seed in (10, 2, 0)}  # as text, 10 would precede 2
    (found,) = of_runs(store).values()
    assert found.run_ids == tuple(runs[seed].run_id for seed in (0, 2, 10))
    assert found.predicted.shape == (3, 80)
    for row, seed in zip(found.predicted, (0, 2, 10), strict=True):
        np.testing.assert_array_equal(row, runs[seed].log_probs("val").argmax(axis=1))


def test_resolutions_are_options_of_their_own(store):
    put(store, px=224)
    put(store, px=512)
    assert set(of_runs(store)) == {"net@224", "net@512"}


def test_hours_of_one_seed_that_are_unknown_make_the_mean_unknown(store):
    put(store, seed=0)
    put(store, seed=1, seconds=None)
    (found,) = of_runs(store).values()
    assert math.isnan(found.train_device_hours)


def test_seconds_are_compared_with_the_device_of_most_runs(store):
    for name in ("one", "two", "three"):
        put(store, name)
    put(store, "fast", device="gpu")
    put(store, "unknown", device="")
    found = {label: (one.device, one.same_device) for label, one in of_runs(store).items()}
    assert found == {
        "one@224": ("cpu", True),
        "two@224": ("cpu", True),
        "three@224": ("cpu", True),
        "fast@224": ("gpu", False),
        "unknown@224": ("", True),
    }


def test_dollars_of_a_device_without_a_price_are_unknown(store):
    put(store, device="gpu")
    (found,) = of_runs(store).values()
    assert math.isnan(found.usd)
    assert found.train_device_hours == pytest.approx(0.01)


def test_without_a_known_device_all_seconds_are_comparable(store):
    put(store, device="")
    assert of_runs(store)["net@224"].same_device


def test_an_ensemble_is_charged_every_candidate_times_its_devices(store):
    """36 s on one and 72 s on two devices: 180 device-seconds."""
    put(store, "one")
    put(store, "second", seconds=72.0, replicas=2)
    combined = combine(store, "mean", None, (), Protocol(3, 2)).result
    (found,) = of_ensembles(store).values()
    assert (found.kind, found.run_ids, found.unusable) == ("ensemble", (combined.run_id,), "")
    assert found.score == combined.combination.cross_fitted
    assert found.train_seconds == pytest.approx(108.0)
    assert found.train_device_hours == pytest.approx(0.05)
    assert found.usd == pytest.approx(0.18)
    assert found.predicted.shape == (2, 80)  # held out, by repeat
    assert all(name in found.detail for name in ("one-224", "second-224"))


def test_an_ensemble_whose_member_is_gone_is_unusable_and_its_hours_unknown(store):
    put(store, "one")
    gone = put(store, "second")
    combine(store, "mean", None, (), Protocol(3, 1))
    shutil.rmtree(gone.paths.folder)
    (found,) = of_ensembles(store).values()
    assert found.unusable == f"its member {gone.run_id} is no longer in the store"
    assert math.isnan(found.train_device_hours)


def test_without_runs_no_device_is_another_one(store):
    runs = [put(store, "one"), put(store, "second")]
    combine(store, "mean", None, (), Protocol(3, 1))
    for run in runs:
        shutil.rmtree(run.paths.folder)
    assert of_runs(store) == {}
    found = of_ensembles(store)["mean"]
    assert (found.device, found.same_device) == ("cpu", True)


def test_an_ensemble_of_an_older_version_has_no_held_out_predictions(store):
    for name in ("one", "second"):
        put(store, name)
    run = combine(store, "mean", None, (), Protocol(3, 1))
    run.paths.arrays.unlink()
    left = {name: digest for name, digest in run.result.artefacts.items() if name != run.paths.arrays.name}
    run.paths.result.write_text(run.result.model_copy(update={"artefacts": left}).model_dump_json())
    assert of_ensembles(store)["mean"].predicted is None


def test_a_superseded_ensemble_is_no_option(store):
    for name in ("one", "second"):
        put(store, name)
    combine(store, "mean", None, (), Protocol(3, 1))
    put(store, "third")
    newer = combine(store, "mean", None, (), Protocol(3, 1))
    assert [one.run_ids for one in of_ensembles(store).values()] == [(newer.run_id,)]


def test_the_best_comes_first_and_among_equals_the_cheapest_whose_cost_is_known():
    ordered = [
        option("best", 0.9, ms_per_image=99.0),
        option("light", 0.8, ms_per_image=1.0, train_seconds=50.0),
        option("slow to train", 0.8, ms_per_image=1.0, train_seconds=60.0),
        option("heavy", 0.8, ms_per_image=2.0, train_seconds=1.0),
        option("a", 0.8, ms_per_image=math.nan, train_seconds=1.0),
        option("b", 0.8, ms_per_image=math.nan, train_seconds=1.0),
    ]
    backwards = list(reversed(ordered))
    assert sorted(backwards, key=lambda one: one.place) == ordered

"""Options from a store: scores and costs over seeds, device-hours, other devices, members that are gone."""

from __future__ import annotations

import math
import shutil

import numpy as np
import pytest
from helpers_store import combine, make_outputs, save_run

from bench.analysis.leaderboard import Leaderboard
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


def put(store, name="net", seed=0, *, seconds=36.0, skill=1.5, replicas=1, device="cpu", milliseconds=3.0, px=224):
    full = None if seconds is None else 9 * seconds  # start-up is never charged
    return save_run(
        store,
        f"{name}-{px}-frozen-s{seed}-00000000",
        outputs=make_outputs(10 * seed + len(name), val=80, test=20, skill=skill),
        seed=seed,
        backbone=name,
        family=f"{name} family",
        image_px=px,
        cost=Cost(train_seconds_steady=seconds, train_seconds_full=full, inference_ms_per_image=milliseconds),
        setup=Setup(device=device, replicas=replicas, code_revision="0"),
    )


def read(store):
    """Leaderboard and ranking, as `recommend` reads them."""
    return Leaderboard(store, list(store.runs())), Ranking.of(report_input(store, None, PRICES)), PRICES


def of_runs(store):
    return {one.label: one for one in singles(*read(store))}


def of_ensembles(store):
    return {one.label: one for one in ensembles(*read(store))}


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
    row = read(store)[1].configurations.iloc[0]
    assert (found.low, found.high) == (row["score_low"], row["score_high"])  # as in the report
    assert found.train_seconds == pytest.approx(72.0)
    assert found.train_device_hours == pytest.approx(0.04)
    assert found.usd == pytest.approx(0.144)
    assert found.ms_per_image == pytest.approx(6.0)


def test_predictions_follow_the_seeds_in_order(store):
    runs = {seed: put(store, "net", seed) for seed in (10, 2, 0)}  # as text, 10 would precede 2
    (found,) = of_runs(store).values()
    assert found.run_ids == tuple(runs[seed].run_id for seed in (0, 2, 10))
    assert found.contestant.predicted().shape == (3, 80)
    for row, seed in zip(found.contestant.predicted(), (0, 2, 10), strict=True):
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


def test_single_runs_and_ensembles_are_charged_alike(store):
    """Each what training it again costs: the run itself, the members. 36 s on one, 72 s on two devices."""
    put(store, "one", skill=2.0)
    put(store, "second", seconds=72.0, replicas=2)
    put(store, "unused", seconds=999.0, skill=0.1)
    combined = combine(store, "top2", None, (), Protocol(3, 2)).result
    alone = of_runs(store)
    (found,) = of_ensembles(store).values()
    assert (found.kind, found.run_ids, found.unusable) == ("ensemble", (combined.run_id,), "")
    assert found.score == combined.combination.cross_fitted
    pair = [alone["one@224"], alone["second@224"]]
    for cost in ("train_seconds", "train_device_hours", "usd"):
        assert getattr(found, cost) == pytest.approx(sum(getattr(member, cost) for member in pair))
    assert (found.train_seconds, found.train_device_hours, found.usd) == pytest.approx((108.0, 0.05, 0.18))
    assert found.contestant.predicted().shape == (2, 80)  # held out, by repeat
    assert all(name in found.detail for name in ("one-224", "second-224"))


@pytest.mark.parametrize("half", [True, False])
def test_an_ensemble_whose_member_is_gone_is_unusable_and_has_no_partial_cost(store, half):
    put(store, "one")
    gone = put(store, "second")
    combine(store, "mean", None, (), Protocol(3, 1))
    gone.paths.result.unlink() if half else shutil.rmtree(gone.paths.folder)
    (found,) = of_ensembles(store).values()
    assert found.unusable == f"its member {gone.run_id} is no longer in the store"
    assert all(map(math.isnan, (found.train_seconds, found.train_device_hours, found.usd)))


def test_ensembles_of_other_candidates_and_of_other_images_are_no_options(store):
    runs = [put(store, name) for name in ("one", "second", "third")]
    combine(store, "mean", None, [run.run_id for run in runs[:2]], Protocol(3, 1))
    assert of_ensembles(store) == {}
    everyone = combine(store, "mean", None, (), Protocol(3, 1))
    other = make_outputs(5, val=80, test=20, ids="other")
    strangers = [save_run(store, f"other{n}-224-frozen-s0-00000000", outputs=other) for n in range(2)]
    combine(store, "top1", None, [run.run_id for run in strangers], Protocol(3, 1))
    assert [one.run_ids for one in of_ensembles(store).values()] == [(everyone.run_id,)]
    assert set(of_runs(store)) == {"one@224", "second@224", "third@224"}


def test_without_runs_no_device_is_another_one(store):
    runs = [put(store, "one"), put(store, "second")]
    combine(store, "mean", None, (), Protocol(3, 1))
    for run in runs:
        shutil.rmtree(run.paths.folder)
    assert of_runs(store) == {}
    (found,) = of_ensembles(store).values()
    assert (found.device, found.same_device) == ("cpu", True)


def test_an_ensemble_of_an_older_version_has_no_held_out_predictions(store):
    for name in ("one", "second"):
        put(store, name)
    run = combine(store, "mean", None, (), Protocol(3, 1))
    run.paths.arrays.unlink()
    left = {name: digest for name, digest in run.result.artefacts.items() if name != run.paths.arrays.name}
    run.paths.result.write_text(run.result.model_copy(update={"artefacts": left}).model_dump_json())
    found = of_ensembles(store)["mean"]
    assert found.contestant is None
    assert "no held-out predictions" in found.unusable


def test_a_superseded_ensemble_is_no_option(store):
    for name in ("one", "second"):
        put(store, name)
    combine(store, "mean", None, (), Protocol(3, 1))
    put(store, "third")
    newer = combine(store, "mean", None, (), Protocol(3, 1))
    assert [one.run_ids for one in of_ensembles(store).values()] == [(newer.run_id,)]

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
from helpers_recommend import predicting, probabilities

from bench.analysis.recommend.gains import Subjects, members, pixels_or_partner, with_partner
from bench.ensemble_runs.ties import RESAMPLES, Marks
from bench.store.store import Store
from ensembles import cross_fit, make
from ensembles.metrics import macro_f1
from ensembles.uncertainty import paired_difference_interval


@pytest.fixture
def world(tmp_path):
    """Two backbones at two resolutions, the first of two seeds, and an added run."""
    rng = np.random.default_rng(0)
    labels = rng.integers(4, size=200)
    skills = {("a", 224): 1.0, ("a", 512): 2.0, ("b", 224): 1.5, ("b", 512): 1.8, ("c", math.nan): 1.0}
    seeds, options = [], []
    for (name, px), skill in skills.items():
        runs = 2 if (name, px) == ("a", 224) else 1
        seeds.append(np.stack([probabilities(rng, labels, 4, skill) for _ in range(runs)]))
        cost = 1.0 if math.isnan(px) else px / 100
        changes = {"ms_per_image": cost, "train_seconds": 10 * cost, "image_px": px}
        options.append(predicting(f"{name}@{px}", seeds[-1].argmax(2), labels, 4, **changes))
    names = [name for name, _ in skills]
    families = [one.label for one in options]
    pairs = [("b@224", "b@512", 0.1, 0.05, 0.15), ("a@224", "x", 0.9, 0.9, 0.9), ("a@224", "a@512", 0.3, 0.2, 0.4)]
    pairs = pd.DataFrame(pairs, columns=["one", "other", "difference", "low", "high"])
    return Subjects(options, names, families, seeds, labels, pairs, Marks(Store(tmp_path)))


def scored(predicted, labels):
    return np.mean([macro_f1(labels, row, 4) for row in predicted])


def some(world, places):
    parts = {name: [getattr(world, name)[place] for place in places] for name in ("options", "names", "families")}
    return dataclasses.replace(world, **parts, seeds=[world.seeds[place] for place in places])


def test_pixels_by_hand(world):
    """Gains are those of the report's pairs; a pair with a run that is not compared here is left out."""
    rows = pixels_or_partner(world)
    row = rows.iloc[0]
    assert (row["subject"], row["px"], row["px_to"]) == ("a", 224, 512)
    assert (row["px_gain"], row["px_gain_low"], row["px_gain_high"]) == (0.3, 0.2, 0.4)
    assert row["px_train_seconds"] == pytest.approx(51.2 - 22.4)
    assert row["px_ms_per_image"] == pytest.approx(5.12 - 2.24)
    assert math.isnan(rows.iloc[1]["px_gain"])  # nothing above 512


def test_the_only_possible_partner_needs_no_choice(world):
    """Then the score is that of the mean of the two, over the seeds of the run."""
    row, seeds = pixels_or_partner(world).iloc[0], world.seeds
    pairs = (seeds[0] + seeds[2][0]).argmax(2)
    assert row["second_to"] == "b@224"
    assert row["macro_f1"] == pytest.approx(scored(seeds[0].argmax(2), world.labels))
    assert row["second_gain"] == pytest.approx(scored(pairs, world.labels) - row["macro_f1"])
    assert row["second_gain_low"] < row["second_gain"] < row["second_gain_high"]
    assert row["second_ms_per_image"] == 2.24  # on top: both are run
    assert row["second_train_seconds"] == pytest.approx(22.4)


def test_a_run_of_unknown_resolution_has_no_partner_here(world):
    assert "c" not in set(pixels_or_partner(world)["subject"])


def test_the_partner_is_chosen_without_the_images_it_is_scored_on():
    """Partners that guess: the best of twelve in hindsight is above chance, those chosen beforehand are not."""
    rng = np.random.default_rng(0)
    chosen, hindsight = [], []
    for _ in range(20):
        labels = rng.integers(2, size=100)
        probs = rng.dirichlet(np.ones(2), (13, 100)).astype(np.float32)
        predicted, partner = with_partner(probs[:1], probs[1:], labels)
        pairs = [macro_f1(labels, (probs[0] + one).argmax(1), 2) for one in probs[1:]]
        assert partner == int(np.argmax(pairs))
        chosen += [macro_f1(labels, row, 2) for row in predicted]
        hindsight.append(max(pairs))
    assert np.mean(hindsight) > 0.56
    assert np.mean(chosen) == pytest.approx(0.5, abs=0.02)


def test_members_by_hand(world):
    rows, options, labels = members(world), world.options, world.labels
    assert rows["members"].tolist() == [1, 2, 3, 4, 5]
    assert sorted(rows["added"]) == sorted(one.label for one in options)
    everyone = np.mean([seeds[0] for seeds in world.seeds], axis=0).argmax(1)  # of all five nothing is left to choose
    assert rows["macro_f1"].iloc[-1] == pytest.approx(macro_f1(labels, everyone, 4))
    assert rows["train_seconds"].iloc[-1] == pytest.approx(sum(one.train_seconds for one in options))
    second = rows.iloc[1]
    cost = {one.label: one for one in options}[second["added"]]
    assert second["gain"] == pytest.approx(rows["macro_f1"].iloc[1] - rows["macro_f1"].iloc[0])
    assert second["points_per_ms"] == pytest.approx(100 * second["gain"] / cost.ms_per_image)
    assert second["points_per_train_second"] == pytest.approx(100 * second["gain"] / cost.train_seconds)
    assert math.isnan(rows["points_per_ms"].iloc[0])


def test_the_gain_of_a_member_is_paired_on_the_same_folds(world):
    alone = some(world, range(1, 5))  # of one seed each
    probs = np.stack([seeds[0] for seeds in alone.seeds])
    one, two = (cross_fit(make(f"top{k}"), probs, alone.labels).predicted for k in (1, 2))
    interval = paired_difference_interval(alone.labels, two, one, 4, resamples=RESAMPLES)
    row = members(alone).iloc[1]
    assert (row["gain_low"], row["gain_high"]) == pytest.approx((interval.low, interval.high))


def test_members_are_ranked_by_the_mean_over_seeds(world):
    """A lucky lowest seed does not come first."""
    rng = np.random.default_rng(3)
    lucky = np.stack([probabilities(rng, world.labels, 4, skill) for skill in (3.0, 0.1)])
    subjects = dataclasses.replace(world, seeds=[lucky, *world.seeds[1:]])
    best = max(world.options[1:], key=lambda one: one.score)
    assert members(subjects)["added"].iloc[0] == best.label


def test_one_run_has_no_gain(world):
    assert pixels_or_partner(some(world, [0])).empty
    assert len(members(some(world, [0]))) == 1

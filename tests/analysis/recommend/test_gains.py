import math

import numpy as np
import pytest
from helpers_recommend import option, probabilities

from bench.analysis.recommend.gains import members, pixels_or_partner, with_partner
from ensembles.metrics import macro_f1


@pytest.fixture(scope="module")
def world():
    """Two backbones at two resolutions, and an added run."""
    rng = np.random.default_rng(0)
    labels = rng.integers(4, size=200)
    skills = {("a", 224): 1.0, ("a", 512): 2.0, ("b", 224): 1.5, ("b", 512): 1.8, ("c", math.nan): 1.0}
    probs = np.stack([probabilities(rng, labels, 4, skill) for skill in skills.values()])
    singles = []
    for (name, px), rows in zip(skills, probs, strict=True):
        predicted = rows.argmax(1)[None]
        cost = 1.0 if math.isnan(px) else px / 100
        changes = {"ms_per_image": cost, "train_seconds": 10 * cost, "image_px": px, "predicted": predicted}
        singles.append(option(f"{name}@{px}", macro_f1(labels, predicted[0], 4), **changes))
    return singles, [name for name, _ in skills], probs, labels


def test_pixels_by_hand(world):
    singles, subjects, probs, labels = world
    rows = pixels_or_partner(singles, subjects, probs, labels)
    row = rows.iloc[0]
    assert (row["subject"], row["px"], row["px_to"]) == ("a", 224, 512)
    assert row["px_gain"] == pytest.approx(singles[1].score - singles[0].score)
    assert row["px_gain_low"] < row["px_gain"] < row["px_gain_high"]
    assert row["px_train_seconds"] == pytest.approx(51.2 - 22.4)
    assert row["px_ms_per_image"] == pytest.approx(5.12 - 2.24)
    assert math.isnan(rows.iloc[1]["px_gain"])  # nothing above 512


def test_the_only_possible_partner_needs_no_choice(world):
    """Then the score is that of the mean of the two."""
    singles, subjects, probs, labels = world
    row = pixels_or_partner(singles, subjects, probs, labels).iloc[0]
    mean = (probs[0] + probs[2]).argmax(1)
    assert row["second_to"] == "b@224"
    assert row["second_gain"] == pytest.approx(macro_f1(labels, mean, 4) - singles[0].score)
    assert row["second_ms_per_image"] == 2.24  # on top: both are run
    assert row["second_train_seconds"] == pytest.approx(22.4)


def test_a_run_of_unknown_resolution_has_no_partner_here(world):
    singles, subjects, probs, labels = world
    assert "c" not in set(pixels_or_partner(singles, subjects, probs, labels)["subject"])


def test_the_partner_is_chosen_without_the_images_it_is_scored_on():
    """Partners that guess: the best of twelve in hindsight is above chance, those chosen beforehand are not."""
    rng = np.random.default_rng(0)
    chosen, hindsight = [], []
    for _ in range(20):
        labels = rng.integers(2, size=100)
        probs = rng.dirichlet(np.ones(2), (13, 100)).astype(np.float32)
        predicted, partner = with_partner(probs, 0, range(1, 13), labels)
        pairs = [macro_f1(labels, (probs[0] + one).argmax(1), 2) for one in probs[1:]]
        assert partner == 1 + int(np.argmax(pairs))
        chosen += [macro_f1(labels, row, 2) for row in predicted]
        hindsight.append(max(pairs))
    assert np.mean(hindsight) > 0.56
    assert np.mean(chosen) == pytest.approx(0.5, abs=0.02)


def test_members_by_hand(world):
    singles, _, probs, labels = world
    rows = members(singles, [one.label for one in singles], probs, labels)
    assert rows["members"].tolist() == [1, 2, 3, 4, 5]
    assert sorted(rows["added"]) == sorted(one.label for one in singles)
    everyone = probs.mean(axis=0).argmax(1)  # of all five there is nothing to choose
    assert rows["macro_f1"].iloc[-1] == pytest.approx(macro_f1(labels, everyone, 4))
    assert rows["train_seconds"].iloc[-1] == pytest.approx(sum(one.train_seconds for one in singles))
    second = rows.iloc[1]
    cost = {one.label: one for one in singles}[second["added"]]
    assert second["gain"] == pytest.approx(rows["macro_f1"].iloc[1] - rows["macro_f1"].iloc[0])
    assert second["points_per_ms"] == pytest.approx(100 * second["gain"] / cost.ms_per_image)
    assert second["points_per_train_second"] == pytest.approx(100 * second["gain"] / cost.train_seconds)
    assert math.isnan(rows["points_per_ms"].iloc[0])


def test_one_run_has_no_gain(world):
    singles, subjects, probs, labels = world
    assert pixels_or_partner(singles[:1], subjects[:1], probs[:1], labels).empty
    assert len(members(singles[:1], ["a"], probs[:1], labels)) == 1

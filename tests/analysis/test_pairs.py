import numpy as np
import pytest
from helpers_store import make_outputs, save_run

from bench.analysis.pairs import COLUMNS, paired
from bench.ensemble_runs.ties import Marks
from bench.store.configuration import configurations
from bench.store.store import Store
from ensembles.metrics import macro_f1
from ensembles.uncertainty import paired_difference_interval


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "runs")


def save(store, backbone, px, seed=0, *, skill=1.0, val=120, **changes):
    outputs = make_outputs(seed=ord(backbone) + 10 * px + seed, skill=skill, val=val, test=20)
    name = f"{backbone}-{px}-frozen-s{seed}-{len(store.run_ids()):08x}"
    fingerprint = f"{px:064d}"
    return save_run(
        store, name, outputs=outputs, seed=seed, image_px=px, **{"data_fingerprint": fingerprint, **changes}
    )


def found(store):
    """The frame, and run_id -> configuration."""
    ranked = configurations(store.runs())
    names = {run_id: one.key for one in ranked for run_id in one.run_ids}
    return paired(ranked, Marks(store)), names


def test_a_difference_is_that_of_both_on_the_same_images(store):
    small, large = save(store, "a", 224), save(store, "a", 512, skill=2.0)
    frame, names = found(store)
    (row,) = frame.to_dict("records")
    assert (row["one"], row["other"], row["seeds"]) == (names[small.run_id], names[large.run_id], (0,))
    labels = np.array(small.images.val_labels)
    one, other = (run.log_probs("val").argmax(axis=1) for run in (small, large))
    assert row["score_one"] == pytest.approx(macro_f1(labels, one, 4))
    assert row["difference"] == pytest.approx(macro_f1(labels, other, 4) - macro_f1(labels, one, 4))
    exact = paired_difference_interval(labels, other, one, 4)
    assert (row["low"], row["high"]) == pytest.approx((exact.low, exact.high), abs=0.02)


def test_neighbouring_sides_of_one_backbone_make_a_pair(store):
    for backbone, px in (("a", 512), ("a", 224), ("a", 331), ("b", 224), ("b", 512)):
        save(store, backbone, px)
    frame, names = found(store)
    sides = {key: run_id.rsplit("-frozen")[0] for run_id, key in names.items()}
    pairs = {(sides[one], sides[other]) for one, other in zip(frame["one"], frame["other"], strict=True)}
    assert pairs == {("a-224", "a-331"), ("a-331", "a-512"), ("b-224", "b-512")}


def test_only_seeds_of_both_sides_are_compared(store):
    small = [save(store, "a", 224, seed, skill=1.0 + seed) for seed in (0, 1, 2)]
    large = [save(store, "a", 512, seed) for seed in (1, 2, 3)]
    (row,) = found(store)[0].to_dict("records")
    assert row["seeds"] == (1, 2)
    scores = [np.mean([run.result.metrics.macro_f1 for run in runs]) for runs in (small[1:], large[:2])]
    assert [row["score_one"], row["score_other"]] == pytest.approx(scores)
    assert row["difference"] == pytest.approx(scores[1] - scores[0])


def test_a_rate_is_compared_with_scale_1(store):
    runs = {scale: save(store, "a", 224, lr_scale=scale, skill=scale) for scale in (0.3, 1.0, 3.0)}
    frame, names = found(store)
    keys = {names[run.run_id]: scale for scale, run in runs.items()}
    pairs = {(keys[one], keys[other]) for one, other in zip(frame["one"], frame["other"], strict=True)}
    assert pairs == {(1.0, 0.3), (1.0, 3.0)}


@pytest.mark.parametrize(
    "changes", [{"seed": 1}, {"weights": "imagenet"}, {"recipe": "other"}, {"plugin": "x==1@2"}, {"added": True}]
)
def test_no_pair_differs_otherwise(store, changes):
    save(store, "a", 224)
    save(store, "a", 512, **changes)
    assert found(store)[0].empty


def test_too_few_images_leave_no_interval(store):
    save(store, "a", 224, val=20)
    save(store, "a", 512, val=20, skill=3.0)
    (row,) = found(store)[0].to_dict("records")
    assert row["difference"] > 0
    assert np.isnan(row["low"])
    assert np.isnan(row["high"])


def test_of_nothing(store):
    assert list(paired([], Marks(store)).columns) == list(COLUMNS)

import numpy as np
from helpers_store import make_outputs, save_run

from bench.ensemble_runs.ties import indistinguishable
from bench.store.store import Store

SIZES = {"val": 200, "test": 30}


def test_the_best_and_those_like_it(tmp_path):
    """One run is the best, one differs from it in a single image, one guesses."""
    store = Store(tmp_path / "runs")
    outputs = make_outputs(seed=0, skill=4.0, **SIZES)
    save_run(store, "best-224-frozen-s0-00000000", outputs=outputs)
    twin = make_outputs(seed=0, skill=4.0, **SIZES)
    row = int(np.flatnonzero(twin.log_probs["val"].argmax(1) == np.array(twin.images.val_labels))[0])
    twin.log_probs["val"][row] = np.roll(twin.log_probs["val"][row], 1)
    save_run(store, "twin-224-frozen-s0-00000000", outputs=twin)
    save_run(store, "poor-224-frozen-s0-00000000", outputs=make_outputs(seed=2, skill=0.0, **SIZES))
    alike = {run_id.split("-")[0]: same for run_id, same in indistinguishable(list(store.runs())).items()}
    assert alike == {"best": True, "twin": True, "poor": False}


def test_a_clear_difference_within_overlapping_intervals_is_seen(tmp_path):
    """Paired, because the second run errs wherever the first does and on twelve images more."""
    store = Store(tmp_path / "runs")
    outputs = make_outputs(seed=0, skill=2.0, **SIZES)
    save_run(store, "best-224-frozen-s0-00000000", outputs=outputs)
    worse = make_outputs(seed=0, skill=2.0, **SIZES)
    right = np.flatnonzero(worse.log_probs["val"].argmax(1) == np.array(worse.images.val_labels))[:12]
    worse.log_probs["val"][right] = np.roll(worse.log_probs["val"][right], 1, axis=1)
    save_run(store, "worse-224-frozen-s0-00000000", outputs=worse)
    best, second = (store.get(name).result.metrics for name in ("best", "worse"))
    assert best.macro_f1_low < second.macro_f1_high
    assert indistinguishable(list(store.runs()))["worse-224-frozen-s0-00000000"] is False

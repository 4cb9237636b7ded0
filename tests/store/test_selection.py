from dataclasses import replace

import pytest
from helpers_store import make_outputs, make_result, save_run

from bench.errors import UserError
from bench.store.ensemble_result import Combination
from bench.store.result import Setup
from bench.store.selection import best_single, check_same_images, runs_of, superseded
from bench.store.store import Store


@pytest.mark.parametrize(
    ("one", "other", "changed"),
    [
        ((32, None), (32, None), True),
        ((32, 64), (32, 64), True),
        ((32, None), (32, 64), False),  # the same pictures, stored and made: two sizes, as it were
        ((32, None), (64, None), False),
    ],
)
def test_pictures_that_changed_between_runs_of_one_resolution(tmp_path, one, other, changed):
    store = Store(tmp_path / "runs")
    for name, (px, source_px) in {"a": one, "b": other}.items():
        outputs = make_outputs()
        outputs = replace(outputs, images=outputs.images.model_copy(update={"data_fingerprint": name * 64}))
        setup = Setup(device="cpu", code_revision="0", image_source_px=source_px)
        save_run(store, name, outputs=outputs, image_px=px, setup=setup)
    if changed:
        with pytest.raises(UserError, match="changed between them"):
            check_same_images(list(store.runs()))
    else:
        check_same_images(list(store.runs()))


def test_runs_of_one_data_set(tmp_path):
    store = Store(tmp_path / "runs")
    with pytest.raises(UserError, match="No finished run"):
        runs_of(store, None)
    save_run(store, "a", data="toy")
    assert [run.run_id for run in runs_of(store, None)] == ["a"]
    save_run(store, "b", data="petals")
    with pytest.raises(UserError, match="several data sets: petals, toy"):
        runs_of(store, None)
    assert [run.run_id for run in runs_of(store, "toy")] == ["a"]
    assert [run.run_id for run in runs_of(store, "/data/petals")] == ["b"]
    with pytest.raises(UserError, match="Did you mean 'petals'"):
        runs_of(store, "petal")


def test_the_best_single_run_by_f1_then_log_loss_then_name():
    def run(name, macro_f1, log_loss, kind="run"):
        metrics = make_result("x").metrics.model_copy(update={"macro_f1": macro_f1, "log_loss": log_loss})
        return make_result(name, metrics=metrics, kind=kind)

    runs = [
        run("a", 0.8, None),
        run("c", 0.8, 0.4),
        run("b", 0.8, 0.4),
        run("d", 0.7, 0.1),
        run("e", 0.9, 0, "ensemble"),
    ]
    assert best_single(runs).run_id == "b"
    assert best_single(runs[:1]).run_id == "a"
    assert best_single(runs[-1:]) is None


def test_a_newer_ensemble_of_the_same_method_and_budget_supersedes():
    def ensemble(name, finished, method="mean", limit=None):
        combination = Combination(
            method=method,
            members=(),
            candidates=(),
            fit_score=0.5,
            cross_fitted=0.5,
            best_single="a",
            max_cost_ms=limit,
        )
        return make_result(name, finished=finished, kind="ensemble", combination=combination)

    results = [
        ensemble("new", "2026-02-01"),
        ensemble("old", "2026-01-01"),
        ensemble("limited", "2026-01-01", limit=2.0),
        ensemble("greedy", "2026-01-01", method="greedy"),
        make_result("run"),
    ]
    assert superseded(results) == {"old"}

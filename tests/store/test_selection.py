from dataclasses import replace

import pytest
from helpers_store import make_outputs, make_result, save_run

from bench.errors import UserError
from bench.store.ensemble_result import Combination
from bench.store.result import Setup
from bench.store.selection import apart, check_same_images, runs_of, superseded
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


def save_with(store, name, *, ids="image", fingerprint="f", px=32, skill=1.0, **changes):
    outputs = make_outputs(seed=len(store.run_ids()), val=60, ids=ids, skill=skill)
    outputs = replace(outputs, images=outputs.images.model_copy(update={"data_fingerprint": fingerprint * 64}))
    return save_run(store, name, outputs=outputs, image_px=px, data_fingerprint=fingerprint * 64, **changes)


def test_runs_of_other_images_are_apart_whatever_their_score_and_order(tmp_path):
    for order in (1, -1):
        store = Store(tmp_path / f"runs{order}")
        for name in ["a", "b", "other"][::order]:
            ids, skill = ("others", 9.0) if name == "other" else ("image", 1.0)
            save_with(store, name, ids=ids, skill=skill, finished=f"2026-01-0{len(store.run_ids()) + 1}")
        assert apart(list(store.runs())) == {"other": "scored on other validation images, labels or classes"}


def test_runs_of_changed_pictures_are_apart(tmp_path):
    store = Store(tmp_path / "runs")
    for name, fingerprint, px in (("a", "1", 32), ("b", "1", 32), ("c", "2", 32), ("d", "3", 64)):
        save_with(store, name, fingerprint=fingerprint, px=px)
    assert set(apart(list(store.runs()))) == {"c"}


def test_a_run_without_its_predictions_is_apart(tmp_path):
    store = Store(tmp_path / "runs")
    for name in ("a", "b"):
        save_run(store, name)
    (store.root / "a" / "val.npy").unlink()
    assert apart(list(Store(store.root).runs())) == {"a": "left without its predictions (val.npy)"}


def test_an_ensemble_of_runs_that_are_apart_is_apart(tmp_path):
    store = Store(tmp_path / "runs")
    for name, fingerprint in {"a": "1", "b": "1", "c": "2"}.items():
        save_with(store, name, fingerprint=fingerprint)
    made = Combination(
        method="mean", members=(), candidates=("a", "c"), fit_score=0.5, cross_fitted=0.5, best_single="a"
    )
    save_with(store, "e", fingerprint="1", px=None, kind="ensemble", combination=made)
    assert set(apart(list(store.runs()))) == {"c", "e"}
    assert apart([]) == {}


def ensemble(name, finished, method="mean", limit=None, candidates=("a", "b"), asked=None):
    combination = Combination(
        method=method,
        members=(),
        candidates=candidates,
        fit_score=0.5,
        cross_fitted=0.5,
        best_single="a",
        max_cost_ms=limit,
    )
    return make_result(name, finished=finished, asked=asked, kind="ensemble", combination=combination)


def test_a_newer_ensemble_of_the_same_question_supersedes():
    results = [
        ensemble("new", "2026-02-01"),
        ensemble("old", "2026-01-01"),
        ensemble("limited", "2026-01-01", limit=2.0),
        ensemble("greedy", "2026-01-01", method="greedy"),
        ensemble("three", "2026-01-01", candidates=("a", "b", "c")),
        make_result("run"),
    ]
    assert superseded(results) == {"old"}


def test_the_ensemble_asked_for_last_is_current_though_it_was_made_first():
    again = ensemble("first", "2026-01-01T00:00:00+00:00", asked="2026-01-03T00:00:00.000001+00:00")
    assert superseded([again, ensemble("second", "2026-01-02T00:00:00+00:00")]) == {"second"}

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from helpers_store import combine, make_outputs, save_run

from bench.ensemble_runs.workbench import Protocol
from bench.store.result import Cost, Metrics, Setup
from bench.store.store import Store
from ensembles.metrics import macro_f1

SIZES = {"val": 240, "test": 20}
NETS = {"vgg16": (1.5, 30.0, 60.0), "resnet50": (2.0, 10.0, 20.0), "efficientnetb0": (1.7, 5.0, 8.0)}


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "runs")
    for number, (name, (skill, seconds, milliseconds)) in enumerate(NETS.items()):
        for px in (224, 512):
            scale = px / 224
            cost = Cost(train_seconds_full=seconds * scale, inference_ms_per_image=milliseconds * scale, parameters=9)
            outputs = make_outputs(seed=number + px, skill=skill + scale / 4, **SIZES)
            facts = {"backbone": name, "family": name, "image_px": px, "cost": cost, "outputs": outputs}
            save_run(store, f"{name}-{px}-frozen-s0-0000000{number}", **facts)
    return store


def answer(call, *words):
    status, out, err = call("recommend", "--json", *words)
    assert err == ""
    return status, json.loads(out)


def test_the_best_single_run_by_hand(store, call):
    """Ensembles and cascades left aside: of runs within 25 ms, the one of the highest macro F1."""
    status, found = answer(call, "--max-ms-per-image", 25, "--max-train-hours", 0.005)
    within = [run.result for run in store.runs() if (run.result.cost.inference_ms_per_image or 99) <= 25]
    best = max(within, key=lambda result: result.metrics.macro_f1)
    assert status == 0
    assert found["recommended"]["run_ids"] == [best.run_id]
    assert found["recommended"]["macro_f1"] == best.metrics.macro_f1
    everything = {row["option"] for group in ("tied", "worse", "out") for row in found[group]}
    assert {"vgg16@512", "resnet50@512"} <= {row["option"] for row in found["out"]}
    assert len(everything) + 1 >= 6


def test_an_ensemble_is_judged_cross_fitted_and_charged_all_candidates(store, call):
    ensemble = combine(store, "top3", None, (), Protocol(3, 2)).result
    _, found = answer(call)
    rows = [found["recommended"], *found["tied"], *found["worse"]]
    (top,) = (row for row in rows if row["option"] == "top3")
    assert top["macro_f1"] == ensemble.combination.cross_fitted != ensemble.metrics.macro_f1
    total = sum(run.result.cost.train_seconds_full for run in store.runs() if run.result.kind == "run")
    assert top["train_seconds"] == pytest.approx(total)
    assert top["train_device_hours"] == pytest.approx(total / 3600)
    _, found = answer(call, "--max-train-hours", 1.01 * max(NETS.values())[1] * 512 / 224 / 3600)
    assert "top3" in [row["option"] for row in found["out"]]


def test_dollars_need_prices(store, call, tmp_path):
    status, _, err = call("recommend", "--max-usd", 1)
    assert status == 1
    assert err.count("\n") == 1
    assert "no price for a device" in err
    (tmp_path / "prices.toml").write_text(
        '[[price]]\ndevice = "cpu"\nusd_per_hour = 3.6\nsource = "a list"\ndate = 2026-11-01\n'
    )
    _, found = answer(call, "--max-usd", 0.0051)  # 5 s of efficientnetb0@224 are half a cent
    assert found["recommended"]["option"] == "efficientnetb0@224"
    assert found["recommended"]["cost_usd"] == pytest.approx(0.005)


def test_nothing_fits(store, call):
    status, _, err = call("recommend", "--max-ms-per-image", 3)
    assert status == 1
    assert err == ("petalbench: Nothing fits (at most 3 ms per image). Nearest: " + err.split("Nearest: ")[1])
    assert "efficientnetb0@224" in err
    status, found = answer(call, "--min-f1", 1)
    assert status == 1
    assert found["recommended"] is None
    assert found["nearest"]["macro_f1"] == max(row["macro_f1"] for row in found["out"])


def test_seeds_are_one_option_with_their_mean(store, call):
    for seed in (1, 2):
        outputs = make_outputs(seed=900 + seed, skill=2.0, **SIZES)
        cost = Cost(train_seconds_full=10.0, inference_ms_per_image=20.0)
        facts = {"backbone": "resnet50", "family": "resnet50", "image_px": 224, "cost": cost, "outputs": outputs}
        save_run(store, f"resnet50-224-frozen-s{seed}-0000000{seed}", seed=seed, **facts)
    _, found = answer(call)
    rows = [row for group in ("tied", "worse", "out") for row in found[group]] + [found["recommended"]]
    (resnet,) = (row for row in rows if row["option"] == "resnet50@224")
    scores = [store.get(run_id).result.metrics.macro_f1 for run_id in resnet["run_ids"]]
    assert len(scores) == 3
    assert resnet["macro_f1"] == pytest.approx(np.mean(scores))


def test_the_table_holds_everything_and_its_fronts_are_fronts(store, call, tmp_path):
    combine(store, "top3", None, (), Protocol(3, 1))
    status, out, _ = call("recommend")
    assert status == 0
    assert out.startswith("Recommended: ")
    rows = pd.read_csv(tmp_path / "reports" / "pareto.csv")
    assert set(rows["kind"]) == {"single", "ensemble", "cascade"}
    assert (rows["outcome"] == "recommended").sum() == 1
    for _, row in rows.iterrows():
        costs = rows["ms_per_image"]
        beaten = ((costs <= row["ms_per_image"]) & (rows["macro_f1"] > row["macro_f1"])) | (
            (costs < row["ms_per_image"]) & (rows["macro_f1"] >= row["macro_f1"])
        )
        assert row["on_front_inference"] == (not beaten.any())
    assert (tmp_path / "reports" / "figures" / "pareto.png").stat().st_size > 10_000
    text = (tmp_path / "reports" / "recommendation.md").read_text()
    for part in ("More pixels, or a second backbone", "Further members", "figures/pareto.png"):
        assert part in text


def test_the_same_store_gives_the_same_bytes(store, call, tmp_path):
    call("recommend", "--reports", "one")
    call("recommend", "--reports", "two")
    for name in ("recommendation.md", "pareto.csv", "figures/pareto.png"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_the_command_that_makes_a_cascade_makes_it(store, call):
    _, found = answer(call)
    rows = [row for group in ("tied", "worse") for row in found[group]] + [found["recommended"]]
    cascade = next(row for row in rows if row["kind"] == "cascade")
    status, _, _ = call(*cascade["made_by"].split()[3:])
    assert status == 0
    stored = next(run for run in store.runs() if run.result.kind == "ensemble").result
    assert list(stored.combination.cascade.chosen.stages) == cascade["run_ids"]
    assert stored.metrics.macro_f1_cross_fitted == pytest.approx(cascade["macro_f1"], abs=0.02)


def test_runs_that_saw_validation_are_no_option(store, call):
    outputs = make_outputs(seed=5, skill=9.0, **SIZES)
    metrics = Metrics(
        macro_f1=1.0, accuracy=1.0, log_loss=0.1, classes=4, val_images=240, test_images=20, saw_validation=True
    )
    run = save_run(store, "cheat-224-frozen-s0-00000000", outputs=outputs, backbone="cheat", image_px=224)
    run.paths.result.write_text(run.result.model_copy(update={"metrics": metrics}).model_dump_json())
    _, found = answer(call)
    rows = [row for group in ("tied", "worse", "out") for row in found[group]] + [found["recommended"]]
    assert not [row for row in rows if "cheat" in row["option"]]


def test_seconds_of_another_device_fit_no_limit_of_time(store, call):
    setup = Setup(device="gpu", cores=2, code_revision="0")
    cost = Cost(train_seconds_full=0.1, inference_ms_per_image=0.1)
    outputs = make_outputs(seed=7, skill=9.0, **SIZES)
    facts = {"backbone": "fast", "family": "fast", "image_px": 224, "cost": cost, "setup": setup, "outputs": outputs}
    save_run(store, "fast-224-frozen-s0-00000000", **facts)
    _, found = answer(call)
    assert found["recommended"]["option"] == "fast@224"
    _, found = answer(call, "--max-ms-per-image", 50)
    (fast,) = (row for row in found["out"] if row["option"] == "fast@224")
    assert "another device, gpu" in fast["why"][0]


def test_a_store_of_one_run_and_an_empty_one(tmp_path, call):
    status, _, err = call("recommend")
    assert status == 2
    assert "No finished run" in err
    run = save_run(Store(tmp_path / "runs"), "a-32-frozen-s0-00000000")
    status, found = answer(call)
    assert status == 0
    assert found["recommended"]["run_ids"] == ["a-32-frozen-s0-00000000"]
    predicted = run.log_probs("val").argmax(1)
    assert found["recommended"]["macro_f1"] == macro_f1(np.array(run.images.val_labels), predicted, 4)


def test_an_ensemble_whose_member_is_gone_cannot_be_taken(store, call):
    member = combine(store, "mean", None, (), Protocol(3, 1)).result.combination.members[0].run_id
    _, found = answer(call)
    assert "mean" not in [row["option"] for row in found["out"]]
    shutil.rmtree(store.root / member)
    _, found = answer(call)
    (mean,) = (row for row in found["out"] if row["option"] == "mean")
    assert mean["why"] == [f"its member {member} is no longer in the store"]

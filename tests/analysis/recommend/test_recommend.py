import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
from helpers_store import combine, make_outputs, save_run

from bench.ensemble_runs import ties
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


def rows_of(found):
    """Every option of an answer once."""
    groups = [[found["best"]] if found["best"] else [], *(found[name] for name in ("tied", "worse", "out"))]
    return [row for group in groups for row in group]


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
    assert found["best_single"]["run_ids"] == [best.run_id]
    assert found["best_single"]["macro_f1"] == best.metrics.macro_f1
    assert {"vgg16@512", "resnet50@512"} <= {row["option"] for row in found["out"]}
    assert found["recommended"] in rows_of(found) or found["recommended"]["option"] in {
        row["option"] for row in found["tied"]
    }
    assert len(rows_of(found)) >= 6


def test_the_single_runs_are_judged_as_in_the_report(store, call, tmp_path):
    """Without a budget: the same best run, the same ties, the same intervals."""
    for seed in (1, 2):
        save_resnet(store, seed)
    _, found = answer(call)
    assert call("report")[0] == 0
    rows = pd.read_csv(tmp_path / "reports" / "results.csv").set_index("run_id")
    tied = set(rows.index[rows["indistinguishable_from_best"] == True])  # noqa: E712
    best, others = found["best_single"], found["tied_singles"]
    assert others
    assert len(tied) < len(rows)
    assert {run_id for row in (best, *others) for run_id in row["run_ids"]} == tied
    assert rows.loc[best["run_ids"], "difference_to_best"].isna().all()
    for row in others:
        reported = rows.loc[row["run_ids"]]
        assert reported["difference_to_best"].tolist() == pytest.approx(
            [-row["behind"]] * len(reported), abs=1e-6, rel=1e-5
        )
        assert reported["difference_to_best_low"].tolist() == pytest.approx(
            [-row["behind_high"]] * len(reported), abs=1e-6, rel=1e-5
        )
        assert reported["difference_to_best_high"].tolist() == pytest.approx(
            [-row["behind_low"]] * len(reported), abs=1e-6, rel=1e-5
        )
        assert set(reported["comparisons_with_best"]) == {5}


def test_more_pixels_gain_as_in_the_report(store, call, tmp_path):
    save_resnet(store, 1)
    for command in ("recommend", "report"):
        assert call(command)[0] == 0
    titles = {"recommendation.md": "## More pixels", "summary.md": "## Gain from resolution"}
    pages = [(tmp_path / "reports" / page).read_text().split(title)[1] for page, title in titles.items()]
    lines = [page.split("\n## ")[0].splitlines() for page in pages]
    gain = re.compile(r"[+-]\.\d+ \[[+-]\.\d+, [+-]\.\d+\]")
    for name in NETS:
        advised = next(line for line in lines[0] if line.startswith(f"| {name}@224 "))
        reported = next(line for line in lines[1] if line.startswith(f"| {name} "))
        assert gain.findall(advised)[0] == gain.findall(reported)[0]


def test_the_cheapest_of_those_like_the_best_is_taken(tmp_path, call):
    store = Store(tmp_path / "runs")
    for seed, (name, (_, seconds, milliseconds)) in enumerate(NETS.items()):
        cost = Cost(train_seconds_full=100 - seconds, inference_ms_per_image=milliseconds)
        outputs = make_outputs(seed=0, skill=2.5, **SIZES)
        # Nearly the same predictions, so that no cascade of them is better.
        outputs.log_probs["val"][:] += np.random.default_rng(seed).normal(0, 0.02, outputs.log_probs["val"].shape)
        outputs.log_probs["val"][:] -= np.log(np.exp(outputs.log_probs["val"]).sum(axis=1, keepdims=True))
        save_run(store, f"{name}-224-frozen-s0-00000000", outputs=outputs, image_px=224, cost=cost)
    for words, cost, name in (((), "train_seconds", "vgg16"), (("--max-ms-per-image", 99), "ms_per_image", "effic")):
        _, found = answer(call, *words)
        like_it = [found["best"], *found["tied"]]
        assert {f"{name}@224" for name in NETS} <= {row["option"] for row in like_it}
        assert found["recommended"]["option"].startswith(name)
        assert found["recommended"][cost] == min(row[cost] for row in like_it)
        assert found["best"]["macro_f1"] == max(row["macro_f1"] for row in rows_of(found))


def test_an_ensemble_is_judged_cross_fitted_and_charged_its_members(store, call, tmp_path):
    """Budgets are for training it again; beside that stands what finding it cost, for every option the same."""
    ensemble = combine(store, "top3", None, (), Protocol(3, 2)).result
    _, found = answer(call)
    (top,) = (row for row in rows_of(found) if row["option"] == "top3")
    assert top["macro_f1"] == ensemble.combination.cross_fitted != ensemble.metrics.macro_f1
    seconds = {run.run_id: run.result.cost.train_seconds_full for run in store.runs() if run.result.kind == "run"}
    again = sum(seconds[member.run_id] for member in ensemble.combination.members)
    assert top["train_seconds"] == pytest.approx(again)
    assert top["train_device_hours"] == pytest.approx(again / 3600)
    assert found["search_seconds"] == pytest.approx(sum(seconds.values()))
    assert again < sum(seconds.values())
    for factor in (0.99, 1.01):
        _, found = answer(call, "--max-train-hours", factor * again / 3600)
        assert ("top3" in [row["option"] for row in found["out"]]) == (factor < 1)
    text = " ".join((tmp_path / "reports" / "recommendation.md").read_text().split())
    assert f"finding it took all 6 runs, {sum(seconds.values()):.3g} s of training" in text
    assert pd.read_csv(tmp_path / "reports" / "pareto.csv")["search_seconds"].nunique() == 1


def test_the_order_of_commands_changes_nothing(tmp_path, call):
    answers = []
    for number, order in enumerate((("top2", "mean"), ("mean", "top2"))):
        store = Store(tmp_path / str(number))
        for seed, name in sorted(enumerate(NETS), reverse=bool(number)):
            outputs = make_outputs(seed=seed, skill=2.0, **SIZES)
            save_run(store, f"{name}-224-frozen-s0-00000000", outputs=outputs, image_px=224)
        for method in order:
            combine(store, method, None, (), Protocol(3, 1))
            combine(store, method, None, ("vgg16", "resnet50"), Protocol(3, 1))
        answers.append(answer(call, "--runs", store.root, "--reports", tmp_path / "reports"))
    assert answers[0] == answers[1]


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
    assert (found["recommended"], found["best"]) == (None, None)
    assert found["nearest"]["macro_f1"] == max(row["macro_f1"] for row in found["out"])


def save_resnet(store, seed):
    outputs = make_outputs(seed=900 + seed, skill=2.0, **SIZES)
    cost = Cost(train_seconds_full=10.0, inference_ms_per_image=20.0, parameters=9)
    facts = {"backbone": "resnet50", "family": "resnet50", "image_px": 224, "cost": cost, "outputs": outputs}
    return save_run(store, f"resnet50-224-frozen-s{seed}-0000000{seed}", seed=seed, **facts)


def test_seeds_are_one_option_with_their_mean(store, call):
    for seed in (1, 2):
        save_resnet(store, seed)
    _, found = answer(call)
    (resnet,) = (row for row in rows_of(found) if row["option"] == "resnet50@224")
    scores = [store.get(run_id).result.metrics.macro_f1 for run_id in resnet["run_ids"]]
    assert len(scores) == 3
    assert resnet["macro_f1"] == pytest.approx(np.mean(scores))


def test_the_table_holds_everything_and_its_fronts_are_fronts(store, call, tmp_path):
    combine(store, "top3", None, (), Protocol(3, 1))
    status, out, _ = call("recommend")
    assert status == 0
    assert out.startswith("Take ")
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


def test_differences_are_computed_once(store, call, monkeypatch):
    """Those of the report, of the choice and of the gains share one cache."""
    combine(store, "top3", None, (), Protocol(3, 1))
    first = answer(call)

    def refused(*given, **options):
        raise AssertionError("computed again")

    monkeypatch.setattr(ties, "paired_difference", refused)
    assert answer(call) == first


def test_the_command_that_makes_a_cascade_makes_it(store, call):
    _, found = answer(call)
    cascade = next(row for row in rows_of(found) if row["kind"] == "cascade")
    stages = [store.get(run_id).result.cost.train_seconds_full for run_id in cascade["run_ids"]]
    assert cascade["train_seconds"] == pytest.approx(sum(stages))
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
    assert not [row for row in rows_of(found) if "cheat" in row["option"]]
    assert "Not options: runs that saw validation images (cheat-224-frozen-s0-00000000)." in call("recommend")[1]


def test_a_store_of_runs_that_saw_validation_has_no_answer(tmp_path, call):
    run = save_run(Store(tmp_path / "runs"), "cheat-224-frozen-s0-00000000")
    metrics = run.result.metrics.model_copy(update={"saw_validation": True})
    run.paths.result.write_text(run.result.model_copy(update={"metrics": metrics}).model_dump_json())
    status, _, err = call("recommend")
    assert status == 2
    assert err == "petalbench: Every run in 'runs' saw validation images, so that no score is valid.\n"


def test_of_two_data_sets_one_is_chosen(store, call):
    save_run(store, "other-224-frozen-s0-00000000", data="other", outputs=make_outputs(seed=1, skill=9.0, **SIZES))
    status, _, err = call("recommend")
    assert status == 2
    assert "Choose one with --data" in err
    _, found = answer(call, "--data", "toy")
    assert not [row for row in rows_of(found) if "other" in row["option"]]
    commands = {row["made_by"] for row in rows_of(found) if row["kind"] == "cascade"}
    assert commands
    assert all(command.endswith(" --data toy") for command in commands)


def test_runs_of_other_images_and_ensembles_of_other_candidates_are_named_on_one_line(store, call):
    combine(store, "mean", None, ("vgg16-224", "resnet50-224"), Protocol(3, 1))
    save_run(store, "odd-224-frozen-s0-00000000", outputs=make_outputs(seed=1, skill=9.0, ids="odd", **SIZES))
    _, out, _ = call("recommend")
    (line,) = (line for line in out.splitlines() if line.startswith("Not options"))
    assert "ensembles of other candidates than all (mean " in line
    assert "scored on other validation images, labels or classes (odd@32" in line
    _, found = answer(call)
    assert {"single", "cascade"} == {row["kind"] for row in rows_of(found)}


def test_seconds_of_another_device_fit_no_limit_of_time(store, call):
    setup = Setup(device="gpu", cores=2, code_revision="0")
    cost = Cost(train_seconds_full=0.1, inference_ms_per_image=0.1)
    outputs = make_outputs(seed=7, skill=9.0, **SIZES)
    facts = {"backbone": "fast", "family": "fast", "image_px": 224, "cost": cost, "setup": setup, "outputs": outputs}
    save_run(store, "fast-224-frozen-s0-00000000", **facts)
    _, found = answer(call)
    assert found["best"]["option"] == "fast@224"
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


def test_an_ensemble_whose_member_is_gone_cannot_be_taken(store, call, tmp_path):
    member = combine(store, "mean", None, (), Protocol(3, 1)).result.combination.members[0].run_id
    _, found = answer(call)
    assert "mean" not in [row["option"] for row in found["out"]]
    shutil.rmtree(store.root / member)
    _, found = answer(call)
    (mean,) = (row for row in found["out"] if row["option"].startswith("mean"))
    assert "Not options" not in call("recommend")[1]
    assert mean["why"] == [f"its member {member} is no longer in the store"]
    assert (mean["train_seconds"], mean["cost_usd"]) == (None, None)
    rows = pd.read_csv(tmp_path / "reports" / "pareto.csv").set_index("option")
    assert not rows.loc[mean["option"], ["on_front", "on_front_training", "on_front_inference"]].any()

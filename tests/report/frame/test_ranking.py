from __future__ import annotations

import statistics

import pandas as pd
import pytest
from helpers_report import TIED, ensemble_row, failed_row, make_inputs, rank, run_row, runs

from bench.report.frame.inputs import ReportInput
from bench.report.frame.ranking import Ranking, stem

SCORES = (0.80, 0.82, 0.90)


def test_ensembles_are_ranked_by_their_cross_fitted_score(golden):
    top = Ranking.of(golden).rows.iloc[0]
    assert (top["label"], top["score"], top["macro_f1_in_sample"]) == ("top3", 0.897, 0.909)
    assert (top["score_low"], top["score_high"]) == (0.861, 0.928)


def test_an_ensemble_costs_what_training_its_choice_again_costs(golden):
    members = [row for row in runs() if (row["backbone"], row["image_px"]) in TIED]
    row = Ranking.of(golden).ensembles.iloc[0]
    assert row["train_seconds"] == pytest.approx(sum(one["train_seconds_steady"] for one in members))
    epochs = sum(one["uncached_epoch_seconds"] for one in members)
    assert row["network_epoch_seconds"] == pytest.approx(epochs)


def test_an_ensemble_with_a_removed_member_has_no_sum():
    rows = runs()
    gone = ensemble_row(rows[:2], rows, members_train_seconds=None, train_seconds_steady=None)
    row = rank([*rows[1:], gone]).ensembles.iloc[0]
    assert row[["network_epoch_seconds", "train_seconds"]].isna().all()


def test_runs_that_saw_validation_are_not_ranked():
    cheat = run_row("vgg16", 224, macro_f1=1.0, saw_validation=True)
    ranking = rank([cheat, run_row("vgg16", 512)])
    assert ranking.best["image_px"] == 512
    assert list(ranking.rows["image_px"]) == [512, 224]
    assert len(ranking.runs) == 1


def test_between_equals_the_lower_log_loss_is_first():
    pairs = (("vgg16", 0.9), ("resnet50", 0.5))
    rows = [run_row(name, 224, macro_f1=0.8, log_loss=loss) for name, loss in pairs]
    assert list(rank(rows).rows["backbone"]) == ["resnet50", "vgg16"]


def test_random_networks_beside_others_are_ranked_by_themselves():
    rows = runs()
    rows[5] |= {"random_floor": True}  # the best
    rows[0] |= {"random_floor": True, "saw_validation": True}
    rows[1] |= {"random_floor": True, "not_compared": "other images"}
    ranking = rank(rows)
    assert ranking.floor["run_ids"].tolist() == [(rows[5]["run_id"],)]
    assert ranking.best["label"] == "resnet50@512"
    assert len(ranking.configurations) == len(ranking.runs) == 5
    assert ranking.rows["run_id"].tolist()[5] == rows[5]["run_id"]


def test_superseded_ensembles_are_apart(golden):
    ranking = Ranking.of(golden)
    assert list(ranking.superseded["run_id"]) == ["ensemble-top3-11111111"]
    assert list(ranking.ensembles["run_id"]) == ["ensemble-top3-0a1b2c3d"]


def test_ensembles_of_another_baseline_are_apart():
    rows = runs()
    names = ("other", "budget", "apart", "old", "main")
    changes = (
        {"other_candidates": True},
        {"max_cost_ms": 9.0},
        {"not_compared": "other images", "other_candidates": True},
        {"max_cost_ms": 9.0, "superseded": True},
        {},
    )
    made = [
        ensemble_row(rows[:2], rows, run_id=f"ensemble-{name}-00000000", **one)
        for name, one in zip(names, changes, strict=True)
    ]
    ranking = rank([*rows, *made])
    assert ranking.ensembles["label"].tolist() == ["main"]
    assert ranking.other_ensembles["label"].tolist() == ["budget 00000000", "other 00000000"]
    assert ranking.not_compared["label"].tolist() == ["apart 00000000"]
    assert not {"budget", "other", "apart", "old"} & {label.split()[0] for label in ranking.current["label"]}


def test_lines_hold_failed_runs_and_those_that_saw_validation():
    rows = [run_row("vgg16", 224), run_row("vgg16", 512, saw_validation=True), failed_row()]
    ranking = rank([*rows, ensemble_row(rows[:1], rows[:1])])
    assert ranking.lines["label"].tolist() == ["vgg16@224", "vgg16@512", "vgg16@1024"]
    assert ranking.configurations["label"].tolist() == ["vgg16@224"]


def test_order_of_the_input_does_not_matter(golden):
    turned = ReportInput(rows=golden.rows.iloc[::-1])
    pd.testing.assert_frame_equal(Ranking.of(golden).rows, Ranking.of(turned).rows)


def test_inputs_are_not_changed(golden):
    before = golden.rows.copy(deep=True)
    Ranking.of(golden)
    pd.testing.assert_frame_equal(golden.rows, before)


def test_best_of_nothing_is_nothing():
    ranking = rank([ensemble_row(runs()[:2], runs())])
    assert ranking.best is None
    assert ranking.usual_device == ""


@pytest.fixture(scope="module")
def seeds() -> Ranking:
    mean = {"mean_macro_f1": statistics.mean(SCORES), "mean_macro_f1_low": 0.81, "mean_macro_f1_high": 0.86}
    rows = [run_row("vgg16", 224, run_id=f"r{i}", seed=i, macro_f1=score, **mean) for i, score in enumerate(SCORES)]
    return rank([*rows, run_row("resnet50", 224)])


def test_seeds_are_averaged(seeds):
    row = seeds.configurations.set_index("label").loc["vgg16@224"]
    assert row["n"] == 3
    assert row["score"] == pytest.approx(statistics.mean(SCORES))
    assert row["sd"] == pytest.approx(statistics.stdev(SCORES))
    assert (row["score_low"], row["score_high"]) == (0.81, 0.86)  # of the mean, not a mean of bounds
    assert pd.isna(row["test_macro_f1_low"])
    assert row["run_ids"] == ("r0", "r1", "r2")


def test_one_seed_keeps_its_interval(seeds):
    row = seeds.configurations.set_index("label").loc["resnet50@224"]
    assert (row["n"], row["score_low"], row["score_high"]) == (1, 0.788, 0.871)


def test_combinations_are_those_of_current_ensembles_best_first():
    rows = [
        ensemble_row(runs()[:2], runs(), run_id=f"ensemble-{name}-00000000", macro_f1_cross_fitted=score)
        for name, score in (("mean", 0.85), ("greedy", 0.9), ("stack", 0.8))
    ]
    kept = {rows[0]["run_id"]: {"greedy": None}, rows[1]["run_id"]: {"greedy": 1}, "ensemble-gone-00000000": {}}
    ranking = rank([*runs(), *rows], combinations=kept)
    assert ranking.combinations == [("greedy", {"greedy": 1}), ("mean", {"greedy": None})]
    assert ranking.combination_with("greedy") == ("greedy", {"greedy": 1})
    assert ranking.combination_with("cascade") is None


def labels(*rows: dict) -> dict[str, str]:
    ranking = Ranking.of(make_inputs(list(rows)))
    return dict(zip(ranking.rows["run_id"], ranking.rows["label"], strict=True))


@pytest.mark.parametrize(
    ("run_id", "name"),
    [("ensemble-top3-0a1b2c3d", "top3"), ("convnext-timm-0a1b2c3d", "convnext-timm"), ("odd", "odd")],
)
def test_stem(run_id, name):
    assert stem(run_id) == name


def test_plain_runs_have_plain_names():
    assert set(labels(run_row("vgg16", 224, run_id="a"), run_row("vgg16", 512, run_id="b")).values()) == {
        "vgg16@224",
        "vgg16@512",
    }


def test_names_have_the_columns_in_which_rows_differ():
    found = labels(
        run_row("vgg16", 224, run_id="a", seed=0),
        run_row("vgg16", 224, run_id="b", seed=1),
        run_row("resnet50", 224, run_id="c", global_batch=16),
        run_row("resnet50", 224, run_id="d", global_batch=128),
    )
    assert found == {
        "a": "vgg16@224 s0",
        "b": "vgg16@224 s1",
        "c": "resnet50@224 batch 16",
        "d": "resnet50@224 batch 128",
    }


def test_a_plugin_that_was_edited_is_no_other_seed():
    found = labels(
        run_row("vgg16", 224, run_id="a", seed=0, plugin="net.py@00000000"),
        run_row("vgg16", 224, run_id="b", seed=1, plugin="net.py@11111111"),
        run_row("vgg16", 512, run_id="c", plugin="net.py@11111111"),
    )
    assert found == {"a": "vgg16@224 net.py@00000000", "b": "vgg16@224 net.py@11111111", "c": "vgg16@512"}


def test_recipes_are_named_on_every_row_once_there_are_two():
    found = labels(run_row("vgg16", 224, run_id="a"), run_row("resnet50", 224, run_id="b", recipe="finetune"))
    assert found == {"a": "vgg16@224 frozen", "b": "resnet50@224 finetune"}


def test_unknown_values_distinguish_nothing():
    unknown = {"configuration": None, "macro_f1": None, "global_batch": None}
    failed = run_row("vgg16", 224, run_id="b", status="failed", seed=1, **unknown)
    assert labels(run_row("vgg16", 224, run_id="a"), failed) == {"a": "vgg16@224 s0", "b": "vgg16@224 s1"}


def test_twins_have_their_hash():
    found = labels(run_row("vgg16", 224, run_id="x-00000001"), run_row("vgg16", 224, run_id="x-00000002"))
    assert found == {"x-00000001": "vgg16@224 00000001", "x-00000002": "vgg16@224 00000002"}


def test_seeds_share_their_configuration():
    rows = [run_row("vgg16", 224, run_id=f"r{seed}", seed=seed) for seed in range(3)]
    ranking = Ranking.of(make_inputs(rows))
    assert ranking.configurations["label"].tolist() == ["vgg16@224"]
    assert ranking.rows["label"].tolist() == ["vgg16@224 s0", "vgg16@224 s1", "vgg16@224 s2"]


def test_added_predictions_are_called_as_they_were_added():
    row = {"run_id": "timm-0a1b2c3d", "kind": "run", "status": "ok", "macro_f1": 0.5}
    ranking = Ranking.of(make_inputs([row]))
    assert list(ranking.rows["label"]) == ["timm"]
    assert pd.isna(ranking.rows["image_px"]).all()

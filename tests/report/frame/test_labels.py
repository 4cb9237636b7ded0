from __future__ import annotations

import pandas as pd
import pytest
from helpers_report import make_inputs, run_row

from bench.report.frame.labels import stem
from bench.report.frame.ranking import Ranking


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
    failed = run_row("vgg16", 224, run_id="b", status="failed", macro_f1=None, global_batch=None, seed=1)
    assert labels(run_row("vgg16", 224, run_id="a"), failed) == {"a": "vgg16@224 s0", "b": "vgg16@224 s1"}


def test_twins_have_their_hash():
    found = labels(run_row("vgg16", 224, run_id="x-00000001"), run_row("vgg16", 224, run_id="x-00000002"))
    assert found == {"x-00000001": "vgg16@224 00000001", "x-00000002": "vgg16@224 00000002"}


def test_seeds_share_their_configuration():
    rows = [run_row("vgg16", 224, run_id=f"r{seed}", seed=seed) for seed in range(3)]
    ranking = Ranking.of(make_inputs(rows))
    assert set(ranking.rows["configuration"]) == {"vgg16@224"}


def test_added_predictions_are_called_as_they_were_added():
    row = {"run_id": "timm-0a1b2c3d", "kind": "run", "status": "ok", "macro_f1": 0.5}
    ranking = Ranking.of(make_inputs([row]))
    assert list(ranking.rows["label"]) == ["timm"]
    assert pd.isna(ranking.rows["image_px"]).all()

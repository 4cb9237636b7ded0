import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers_store import combine, make_failure, make_outputs, random_log_probs, save_run, three_runs

from bench.analysis.prices import Price, Prices
from bench.analysis.publish import embed_table, publish, report_input
from bench.ensemble_runs.workbench import Protocol
from bench.errors import UserError
from bench.report import numbers
from bench.report.frame.inputs import COLUMNS
from bench.store.store import Store

SIZES = {"val": 200, "test": 30}


@pytest.fixture
def store(tmp_path):
    return three_runs(tmp_path / "runs", **SIZES)


def test_every_run_ensemble_and_failure_is_a_row(store, tmp_path):
    combine(store, "top3", None, (), Protocol(3, 1))
    store.record_failure(make_failure("vgg16-512-frozen-s0-11111111"))
    publish(store, None, tmp_path / "reports")
    rows = pd.read_csv(tmp_path / "reports" / "results.csv")
    assert list(rows.columns) == list(COLUMNS)
    assert sorted(rows["kind"]) == ["ensemble", "run", "run", "run", "run"]
    assert rows.loc[rows["status"] == "failed", "failure_kind"].tolist() == ["oom"]
    for _, row in rows[(rows["kind"] == "run") & (rows["status"] == "ok")].iterrows():
        result = store.get(row["run_id"]).result
        assert row["macro_f1"] == pytest.approx(result.metrics.macro_f1)
        assert row["train_seconds_full"] == result.cost.train_seconds_full
        assert row["device"] == result.setup.device
    text = (tmp_path / "reports" / "summary.md").read_text()
    assert "no memory" in text


def test_only_failures_is_a_report_too(tmp_path):
    store = Store(tmp_path / "runs")
    store.record_failure(make_failure("vgg16-512-frozen-s0-11111111"))
    assert "no memory" in publish(store, None, tmp_path / "reports").read_text()


def test_an_older_ensemble_of_a_method_is_superseded(store):
    first = combine(store, "top3", None, (), Protocol(3, 1))
    result = first.result.model_copy(update={"finished": "2025-01-01T00:00:00+00:00"})
    first.paths.result.write_text(result.model_dump_json())
    second = combine(store, "top3", None, (), Protocol(3, 2))
    rows = report_input(store, None).rows.set_index("run_id")
    assert rows.loc[first.run_id, "superseded"]
    assert not rows.loc[second.run_id, "superseded"]


def test_plugins_are_a_column_and_footnotes(tmp_path):
    store = Store(tmp_path / "runs")
    plugins = {"a": "my nets.py@00000000", "b": "my nets.py@11111111", "c": "nets==1.0@00000000", "d": None}
    for name, plugin in plugins.items():
        save_run(store, f"{name}-32-frozen-s0-00000000", backbone=name, plugin=plugin)
    rows = report_input(store, None).rows.set_index("backbone")
    assert rows["plugin"].dropna().to_dict() == {name: plugin for name, plugin in plugins.items() if plugin}
    page = publish(store, None, tmp_path / "reports").read_text()
    assert page.count("its backbone is that of the plugin") == 3


def test_a_failure_at_scaled_rates_is_no_failure_of_the_recipe(tmp_path):
    store = Store(tmp_path / "runs")
    store.record_failure(make_failure("vgg16-512-frozen-s0-11111111", lr_scale=3.0))
    assert report_input(store, None).rows["recipe"].tolist() == ["frozen lr x3"]


def test_a_table_between_markers(store, tmp_path):
    page = tmp_path / "README.md"
    page.write_text("before\n<!-- results -->\nstale words\n<!-- /results -->\nafter\n")
    embed_table(store, None, page)
    text = page.read_text()
    assert text.startswith("before\n<!-- results -->\n")
    assert text.endswith("<!-- /results -->\nafter\n")
    assert "stale words" not in text
    assert "resnet50@224" in text
    embed_table(store, None, page)
    assert page.read_text() == text


@pytest.mark.parametrize("text", ["no markers", "<!-- /results --><!-- results -->", "<!-- results -->"])
def test_a_page_without_markers_is_left_alone(store, tmp_path, text):
    page = tmp_path / "README.md"
    page.write_text(text)
    with pytest.raises(UserError, match="markers"):
        embed_table(store, None, page)
    assert page.read_text() == text
    with pytest.raises(UserError, match="Cannot read"):
        embed_table(store, None, tmp_path / "none.md")


def test_random_log_probs_of_the_helper_are_normalised():
    found = random_log_probs(np.random.default_rng(0), np.array([0, 1]), 3, 1.0)
    np.testing.assert_allclose(np.exp(found).sum(axis=1), 1, atol=1e-6)


def test_dollars_are_computed_with_the_report(store, tmp_path):
    combine(store, "top3", None, (), Protocol(3, 1))
    price = Price(device="cpu", usd_per_hour=3.6, source="a list", date="2026-11-01")
    page = publish(store, None, tmp_path / "reports", Prices(price=(price,)))
    rows = pd.read_csv(tmp_path / "reports" / "results.csv").set_index("run_id")
    assert rows.loc[rows["kind"] == "run", "cost_usd"].tolist() == pytest.approx([0.01] * 3)
    assert rows.loc[rows["kind"] == "ensemble", "cost_usd"].tolist() == pytest.approx([0.03])
    assert "a list, 2026-11-01" in " ".join(page.read_text().split())
    publish(store, None, tmp_path / "reports")
    assert pd.read_csv(tmp_path / "reports" / "results.csv")["cost_usd"].isna().all()


def test_verdicts_on_pairs_are_kept_in_the_store_and_made_once(store, monkeypatch):
    combine(store, "top3", None, (), Protocol(3, 1))
    combine(store, "mean", None, (), Protocol(3, 1))
    first = report_input(store, None).rows
    decided = []
    monkeypatch.setattr("bench.ensemble_runs.ties.paired_difference", lambda *_, **__: decided.append(1))
    again = report_input(Store(store.root), None).rows
    assert not decided
    pd.testing.assert_frame_equal(first, again)
    store.marks.write_text("damaged")
    report_input(Store(store.root), None)
    assert decided


def test_a_store_that_can_only_be_read_is_reported(store, monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr("bench.ensemble_runs.ties.write_json", refuse)
    assert len(report_input(store, None).rows) == 3


def test_ensembles_the_noise_does_not_separate_are_marked(tmp_path):
    """Two ways to combine the same eight runs are alike; one run alone is far below."""
    store = Store(tmp_path / "runs")
    for number in range(8):
        outputs = make_outputs(seed=number, skill=0.6, **SIZES)
        save_run(
            store, f"n{number}-224-frozen-s0-00000000", outputs=outputs, backbone=f"n{number}", family=f"n{number}"
        )
    everyone = [f"n{number}" for number in range(8)]
    greedy = combine(store, "greedy", None, everyone, Protocol(3, 1))
    geometric = combine(store, "geometric", None, everyone, Protocol(3, 1))
    single = combine(store, "top1", None, everyone, Protocol(3, 1))
    rows = report_input(store, None).rows.set_index("run_id")["indistinguishable_from_best_ensemble"]
    assert rows[greedy.run_id] is True
    assert rows[geometric.run_id] is True
    assert rows[single.run_id] is False
    assert rows["n0-224-frozen-s0-00000000"] is None


def test_a_removed_member_is_reported(store, tmp_path):
    combine(store, "mean", None, (), Protocol(3, 1))
    shutil.rmtree(store.root / "vgg16-224-frozen-s0-00000000")
    text = " ".join(publish(store, None, tmp_path / "reports").read_text().split())
    assert "its member vgg16-224-frozen-s0-00000000 is no longer in the store" in text
    assert "vgg16-224-frozen-s0-00000000 (no longer in the store)" in text


def test_one_method_with_and_without_a_budget_are_two_questions(store):
    for budget in (None, 6.0, 9.0):
        combine(store, "mean", None, (), Protocol(3, 1), budget)
    assert not report_input(store, None).rows["superseded"].fillna(False).any()


def test_scaled_rates_are_a_recipe_of_their_own(tmp_path):
    store = Store(tmp_path / "runs")
    for number, scale in enumerate((None, 1.0, 0.5)):
        outputs = make_outputs(seed=number, **SIZES)
        save_run(
            store, f"tiny-3{number}-frozen-s0-0000000{number}", outputs=outputs, image_px=30 + number, lr_scale=scale
        )
    found = report_input(store, None)
    plain, scaled = found.schedules["frozen"], found.schedules["frozen lr x0.5"]
    np.testing.assert_allclose(scaled["learning_rate"], 0.5 * plain["learning_rate"])
    assert plain["learning_rate"].max() == pytest.approx(0.01)
    assert found.recipes["frozen lr x0.5"].endswith("every learning rate times 0.5")


def documented():
    """Column -> (meaning, unit, when empty), of docs/columns.md."""
    page = Path(__file__).parents[2] / "docs" / "columns.md"
    rows = [line.split("|")[1:-1] for line in page.read_text().splitlines() if line.startswith("| `")]
    return {name.strip(" `"): tuple(cell.strip() for cell in rest) for name, *rest in rows}


def test_every_column_is_documented_in_its_order():
    assert list(documented()) == list(COLUMNS)
    units = {"_seconds": "s", "_low": "0 to 1", "f1": "0 to 1", "_usd": "USD", "_mib": "MiB", "_px": "px", "_ms": "ms"}
    for name, (meaning, unit, _) in documented().items():
        assert len(meaning) > 4, name
        expected = {unit for ending, unit in units.items() if name.endswith(ending)}
        assert not expected or unit in {*expected, "-1 to 1"}, name


def test_columns_are_empty_where_their_page_says_so(store, tmp_path):
    """The words runs, ensembles and failed name rows in which a column has no value; never: in none."""
    combine(store, "top3", None, (), Protocol(3, 1))
    store.record_failure(make_failure("vgg16-512-frozen-s0-11111111"))
    publish(store, None, tmp_path / "reports")
    rows = pd.read_csv(tmp_path / "reports" / "results.csv")
    failed = rows[rows["status"] == "failed"]
    groups = {"runs": rows[(rows["kind"] == "run") & (rows["status"] == "ok")], "failed": failed}
    groups["ensembles"] = rows[rows["kind"] == "ensemble"]
    for name, (*_, empty) in documented().items():
        words = {word.strip(" ,;") for word in re.split("[,;]", empty)}
        assert "never" not in words or rows[name].notna().all(), name
        for word, group in groups.items():
            assert word not in words or group[name].isna().all(), (name, word)
        if words == {"failed"}:
            assert rows.loc[rows["status"] == "ok", name].notna().all(), name


def page_of(store, tmp_path):
    """The page of a store, read anew."""
    return " ".join(publish(Store(store.root), None, tmp_path / "reports").read_text().split())


def answer_of(page):
    return page.split("Classes: ")[0]


def test_the_answer_does_not_depend_on_the_order_of_commands(tmp_path):
    """Ensembles of all candidates, of some, under a budget, and one that is asked for again after a run was added."""
    commands = [("mean", (), None), ("top1", ("vgg16", "resnet50"), None), ("mean", (), 9.0), ("cascade", (), None)]
    answers = set()
    for number, order in enumerate((commands, commands[::-1], [*commands[2:], *commands[:2]])):
        store = three_runs(tmp_path / str(number), **SIZES)
        for method, members, budget in order:
            combine(store, method, None, members, Protocol(3, 1), budget)
        answers.add(answer_of(page_of(store, tmp_path)))
    (answer,) = answers
    assert "| best ensemble | " in answer
    assert "9ms" not in answer


def test_pictures_of_two_data_sets_under_one_name_are_never_ranked_together(store, tmp_path):
    other = make_outputs(seed=9, skill=9.0, ids="other", **SIZES)
    save_run(store, "b7-224-frozen-s0-00000000", outputs=other, image_px=224)
    page = page_of(store, tmp_path)
    assert "**Not compared**: 1 run (b7@224)" in answer_of(page)
    assert "b7@224" not in answer_of(page).split("|", 1)[1]
    table = page.split("## Not compared")[1]
    assert "| b7@224 |" in table
    assert "| scored on other validation images, labels or classes |" in table


def test_a_store_of_runs_that_saw_validation_has_no_answer(tmp_path):
    store = Store(tmp_path / "runs")
    outputs = make_outputs(**SIZES)
    saved = save_run(store, "vgg16-224-frozen-s0-00000000", outputs=outputs)
    metrics = saved.result.metrics.model_copy(update={"saw_validation": True})
    saved.paths.result.write_text(saved.result.model_copy(update={"metrics": metrics}).model_dump_json())
    page = page_of(store, tmp_path)
    assert "No run has a valid score" in page
    assert "best run" not in page


def test_a_member_that_is_gone_takes_its_ensemble_out_of_the_answer(store, tmp_path):
    combine(store, "mean", None, (), Protocol(3, 1))
    assert "| best ensemble | mean |" in page_of(store, tmp_path)
    (store.root / "vgg16-224-frozen-s0-00000000" / "result.json").unlink()
    page = page_of(store, tmp_path)
    assert "best ensemble" not in page
    assert "`python -m bench ensemble top2` makes one" in page
    assert "its member vgg16-224-frozen-s0-00000000 is no longer in the store" in page


def test_a_run_that_was_half_deleted_is_marked_and_so_are_its_ensembles(store, tmp_path):
    combine(store, "mean", None, (), Protocol(3, 1))
    (store.root / "vgg16-224-frozen-s0-00000000" / "val.npy").unlink()
    page = page_of(store, tmp_path)
    assert "**Not compared**: 1 run and 1 ensemble (vgg16@224, " in answer_of(page)
    table = page.split("## Not compared")[1].split("## ")[0]
    assert "| vgg16@224 |" in table
    assert "| left without its predictions (val.npy) |" in table
    assert "| a candidate cannot be compared with the other runs |" in table
    assert "best ensemble" not in page


def test_gains_from_resolution_reach_the_page(store, tmp_path):
    """On the page as in `paired`: the interval of the difference, not of two scores."""
    outputs = make_outputs(seed=50, skill=4.0, **SIZES)
    save_run(store, "vgg16-512-frozen-s0-00000000", outputs=outputs, image_px=512, family="vgg16")
    (pair,) = report_input(store, None).pairs.to_dict("records")
    section = page_of(store, tmp_path).split("## Gain from resolution")[1].split("##")[0]
    bounds = (numbers.gain(pair[side]) for side in ("difference", "low", "high"))
    assert "| vgg16 | 224 → 512 |" in section
    assert "{} [{}, {}]".format(*bounds) in section


def test_few_images_are_no_answer(tmp_path):
    page = page_of(three_runs(tmp_path / "runs"), tmp_path)
    assert "**No two runs can be told apart**: 9 validation images of 4 classes are too few." in page
    assert "best run" not in page

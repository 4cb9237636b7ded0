"""The command `ensemble` as a user types it."""

import json
import sys

import pytest
from helpers_store import make_outputs, save_run

from bench import cli
from bench.store.result import Cost
from bench.store.store import Store

SIZES = {"val": 120, "test": 30}


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Runs a command in a working directory whose store holds four runs; gives status, standard output and error."""
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate("abcd"):
        outputs = make_outputs(seed=number, skill=1.0 + 0.3 * number, **SIZES)
        cost = Cost(train_seconds_full=10.0, inference_ms_per_image=1.0 + number)
        run_id = f"{name}-224-frozen-s0-00000000"
        save_run(Store(tmp_path / "runs"), run_id, outputs=outputs, backbone=name, family=name, cost=cost)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["bench", "ensemble", "--folds", "3", "--repeats", "1", *words])
        status = 0
        try:
            cli.main()
        except SystemExit as ended:
            status = ended.code
        return status, *capsys.readouterr()

    return run


def test_all_is_one_table_and_a_conclusion(call, tmp_path):
    status, out, err = call("all")
    assert not status
    lines = out.splitlines()
    assert lines[0].split()[:3] == ["method", "cross-fitted", "F1"]
    assert lines[-3].startswith("Gains are measured from 0.")
    assert "the best single run; on all validation images that is " in lines[-3]
    assert "in-sample F1" in lines[0]
    assert {line.split()[0] for line in lines[2:-3]} == {
        *("top3", "mean", "geometric", "greedy", "blend", "stack", "cascade", "(best")
    }
    assert "noise" in lines[-2] or "No ensemble" in lines[-2]
    assert "top5 is left out: top5 needs 5 configurations" in err
    page = (tmp_path / "reports" / "details.md").read_text()
    for part in ("### Diversity of members", "### Classes fixed and broken", "### Calibration", "### Greedy selection"):
        assert part in page
    assert (tmp_path / "reports" / "figures" / "greedy-selection.png").is_file()
    assert (tmp_path / "reports" / "figures" / "reliability.png").is_file()


def test_all_as_json(call):
    _, out, _ = call("all", "--json")
    content = json.loads(out)
    scores = [row["cross_fitted"] for row in content["methods"]]
    assert scores == sorted(scores, reverse=True)
    assert content["skipped"].keys() == {"top5"}
    assert {"method", "low", "high", "gain", "gain_low", "gain_high", "tied_with_first", "run_id"} <= set(
        content["methods"][0]
    )


@pytest.mark.parametrize("words", [(), ("--members", "a", "b")])
def test_the_gain_is_printed_with_its_interval_and_baseline(call, tmp_path, words):
    _, out, _ = call("mean", *words)
    (made,) = (run.combination for run in Store(tmp_path / "runs").runs() if run.result.kind == "ensemble")
    (gain,) = (line for line in out.splitlines() if line.startswith("Gain over the best single run: "))
    assert f"{made.gain:+.3f} (95 % interval {made.gain_low:+.3f} to {made.gain_high:+.3f}: " in gain
    (baseline,) = (line for line in out.splitlines() if line.startswith("The gain is measured from "))
    assert f" {made.best_single_cross_fitted:.3f}, " in baseline
    assert made.best_single in baseline
    assert ("of the named candidates" in baseline) == bool(words)
    assert f"cross-fitted {made.cross_fitted:.3f}, in-sample {made.fit_score:.3f}" in out


def test_as_json_every_plain_score_is_held_out(call):
    result = json.loads(call("stack", "--json")[1])
    assert result["metrics"]["macro_f1"] == result["combination"]["cross_fitted"]
    assert result["metrics"]["macro_f1_in_sample"] == result["combination"]["fit_score"]


def test_a_budget_in_milliseconds(call):
    _, out, _ = call("mean", "--max-cost", "4.5", "--json")
    result = json.loads(out)
    assert result["cost"]["inference_ms_per_image"] <= 4.5
    assert result["combination"]["max_cost_ms"] == 4.5


def test_a_cascade_lists_the_share_of_each_stage(call):
    _, out, _ = call("cascade")
    assert "Images run: 100% on " in out
    assert "ms per image" in out


def test_a_twin_is_named_and_left_out(call, tmp_path):
    outputs = make_outputs(seed=3, skill=1.9, **SIZES)
    save_run(Store(tmp_path / "runs"), "twin-224-frozen-s0-00000000", outputs=outputs)
    _, out, err = call("mean")
    assert "d-224-frozen-s0-00000000 is left out" in err
    assert "those of twin-224-frozen-s0-00000000 to the last byte" in err
    assert "of 4 members" in out
    assert "Left out: " in (tmp_path / "reports" / "details.md").read_text()


@pytest.mark.parametrize("words", [("--members", "a", "c"), ("--members", "a", "--members", "c", "--json")])
def test_members_may_follow_one_another(call, tmp_path, words):
    call("mean", *words)
    (ensemble,) = (run for run in Store(tmp_path / "runs").runs() if run.result.kind == "ensemble")
    assert [name[0] for name in ensemble.result.combination.candidates] == ["a", "c"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["mean", "--max-cost", "0"], "--max-cost 0: expected milliseconds per image, more than 0"),
        (["mean", "--max-cost", "nan"], "expected milliseconds per image"),
        (["mean", "--max-cost", "0.5"], "the cheapest candidate, a-224-frozen-s0-00000000, takes 1 ms per image"),
        (["mean", "a"], "Unexpected argument 'a'. Candidates are named after --members"),
        (["median"], "Unknown combiner 'median'. Known: topK (top1, top3, ...), blend"),
        (["top9"], "top9 needs 9 configurations of one data set; there are 4"),
        (["mean", "--members", "q"], "Unknown run 'q'"),
    ],
)
def test_mistakes_are_one_line(call, words, message):
    status, _, err = call(*words)
    assert status == 2
    assert len(err.splitlines()) == 1
    assert message in err


def test_a_twin_that_was_named_leaves_too_few(call, tmp_path):
    outputs = make_outputs(seed=3, skill=1.9, **SIZES)
    save_run(Store(tmp_path / "runs"), "twin-224-frozen-s0-00000000", outputs=outputs)
    status, _, err = call("top2", "--members", "d-224", "--members", "twin-224")
    assert status == 2
    assert "top2 needs 2 configurations of one data set; there are 1" in err.splitlines()[-1]
    assert "to the last byte" in err.splitlines()[-1]

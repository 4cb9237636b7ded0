from __future__ import annotations

from helpers_report import cells, combination, ensemble_row, rank, run_row, runs, text_of

from bench.report.sections.ensembles import ensembles, other_ensembles


def section(rows: list[dict], **changes) -> str:
    return text_of(ensembles(rank(rows, **changes)))


def others(rows: list[dict], made: dict) -> str:
    return text_of(other_ensembles(rank(rows, combinations=made)))


def test_scores_gain_baseline_and_costs_by_hand():
    """17.3 s at 224 px and 90.4 s at 512 px, nine tenths of them steady, are 97; all candidates 457."""
    singles = runs()
    row = ensemble_row(singles[4:6], singles)
    row["members"] = [(singles[4]["run_id"], 0.25), (singles[5]["run_id"], 0.75)]
    made = {row["run_id"]: {"best_single": singles[5]["run_id"], "candidates": [one["run_id"] for one in singles]}}
    text = section([*singles, row], combinations=made)
    assert cells(text) == [
        ["ensemble", "macro F1", "gain", "from", "members", "train s", "ms/image"],
        ["top3", ".897 [.86, .93]", "+.017 [-.004, +.038]", ".880", "2", "97", "162"],
        ["(best single run)", ".880", "-", "-", "1", "81", "136"],
    ]
    assert "**top3**: densenet121@512 .750, densenet121@224 .250. The best single run is densenet121@512." in text
    assert "took 457 s of training all 8 runs, for the best single run as for any ensemble." in text
    assert ".909" not in text  # in sample


def test_equal_weights_stand_once_and_long_lists_are_cut():
    rows = [run_row("vgg16", 224, run_id=f"r{i:02}", backbone=f"b{i:02}") for i in range(11)]
    assert "**top3**: b00@224, b01@224, .500 each." in section([*rows, ensemble_row(rows[:2], rows)])
    unequal = ensemble_row(rows, rows, run_id="ensemble-greedy-00000000")
    unequal["members"] = [(f"r{i:02}", 0.5 if i == 3 else 0.05) for i in range(11)]
    text = section([*rows, unequal])
    assert "**greedy**: b03@224 .500, b00@224 .050, " in text
    assert "b07@224 .050, 3 more .150." in text


def test_differences_to_the_first():
    singles = runs()
    first = ensemble_row(singles[:2], singles)
    gap = {"difference_to_best": -0.007, "difference_to_best_low": -0.03, "difference_to_best_high": 0.016}
    changes = {"run_id": "ensemble-mean-00000000", "macro_f1_cross_fitted": 0.89, "comparisons_with_best": 6}
    other = ensemble_row(singles, singles, **changes, **gap)
    text = section([*singles, first, other])
    assert "**to the first**: paired difference on the same images, adjusted for 6 comparisons (Holm)." in text
    lines = cells(text)
    column = lines[0].index("to the first")
    assert {line[0]: line[column] for line in lines[1:]} == {"top3": "-", "mean": "-.007 [-.030, +.016]"}


def test_ensembles_of_two_baselines_have_no_common_line():
    singles = runs()
    first = ensemble_row(singles[:2], singles)
    other = ensemble_row(singles, singles, run_id="ensemble-mean-00000000", best_single_cross_fitted=0.87)
    made = {row["run_id"]: {"best_single": singles[5]["run_id"]} for row in (first, other)}
    lines = cells(section([*singles, first, other], combinations=made))
    column = lines[0].index("from")
    assert sorted((line[0], line[column]) for line in lines[1:]) == [("mean", ".870"), ("top3", ".880")]


def test_a_removed_member_is_marked():
    assert "(no longer in the store)" in section([ensemble_row(runs()[:1], runs())])


def test_the_price_of_finding_is_left_out_if_a_part_of_it_is_unknown():
    for change in ({"train_seconds_steady": None, "train_seconds_full": None}, {"device": "gpu"}):
        singles = runs()
        singles[0] |= change
        assert "Finding the choice took" not in section([*singles, ensemble_row(runs()[:2], runs())])


def test_nothing_without_ensembles():
    assert section(runs()) == ""
    assert others(runs(), {}) == ""


def test_other_ensembles_are_grouped_by_candidates_and_budget_each_with_its_baseline():
    singles = runs()

    def row(name: str, score: float, single: float, **changes) -> dict:
        values = {"macro_f1_cross_fitted": score, "best_single_cross_fitted": single}
        return ensemble_row(singles[:2], singles, run_id=f"ensemble-{name}-00000000", **values | changes)

    pair = [singles[0]["run_id"], singles[1]["run_id"]]
    everyone = [one["run_id"] for one in singles]
    rows = [
        row("top1", 0.80, 0.79, other_candidates=True),
        row("top2", 0.82, 0.79, other_candidates=True),
        row("mean-9ms", 0.85, 0.83, max_cost_ms=9.0),
        row("mean", 0.99, 0.98),
    ]
    candidates = dict(zip([one["run_id"] for one in rows], (pair, pair, everyone, everyone), strict=True))
    made = {name: {"candidates": names, "best_single": names[0]} for name, names in candidates.items()}
    text = others([*singles, *rows], made)
    lines = cells(text)
    columns = [lines[0].index(name) for name in ("group", "ensemble", "macro F1", "from")]
    assert [[line[column] for column in columns] for line in lines[1:]] == [
        ["1", "mean-9ms 00000000", ".850 [.86, .93]", ".830"],
        ["1", "(best single run)", ".830", "-"],
        ["2", "top2 00000000", ".820 [.86, .93]", ".790"],
        ["2", "top1 00000000", ".800 [.86, .93]", ".790"],
        ["2", "(best single run)", ".790", "-"],
    ]
    assert "- **1**: all candidates; at most 9 ms per image.\n- **2**: 2 candidates: vgg16@224, vgg16@512." in text


def test_an_ensemble_of_a_changed_member_is_marked():
    row = ensemble_row(runs()[:1], runs(), other_candidates=True)
    made = {row["run_id"]: combination(candidates=["gone"], states={"gone": "is no longer in the store"})}
    text = others([*runs(), row], made)
    assert "1 candidate: gone (no longer in the store); its member gone is no longer in the store." in text


def test_unknown_candidates_are_a_group_of_one():
    rows = [ensemble_row(runs()[:1], runs(), run_id=f"ensemble-{one}-0", other_candidates=True) for one in "ab"]
    assert "candidates of a ensemble-a-0" not in others([*runs(), *rows], {})
    assert others([*runs(), *rows], {}).count("are not known") == 2

from __future__ import annotations

from helpers_report import cells, ensemble_row, failed_row, rank, run_row, runs, text_of

from bench.report.sections.results import floor, legend, results


def results_of(rows: list[dict]) -> list[list[str]]:
    return cells(results(rank(rows))[0])


def test_dollars_have_a_column_only_with_a_price():
    assert "USD" not in results_of(runs())[0]
    priced = results_of([row | {"cost_usd": 0.0123} for row in runs()])
    assert priced[1][priced[0].index("USD")] == "0.012"


def test_a_score_on_images_trained_on_is_in_parentheses_and_last():
    rows = runs()
    rows[0] |= {"saw_validation": True, "macro_f1": 1.0, "macro_f1_low": None, "macro_f1_high": None}
    assert results_of(rows)[-1][:2] == ["vgg16@224", "(1.000)"]


def test_a_failed_run_is_a_row():
    header, row = results_of([failed_row()])
    found = dict(zip(header, row, strict=True))
    assert (found["run"], found["macro F1"], found["notes"]) == ("vgg16@1024", "failed", "a")


def test_narrow_intervals_have_a_third_decimal():
    rows = [row | {"macro_f1_low": row["macro_f1"] - 0.007, "macro_f1_high": row["macro_f1"] + 0.007} for row in runs()]
    assert results_of(rows)[1][1] == ".884 [.877, .891]"


def test_no_runs():
    assert results(rank([])) == ["No run is stored yet."]
    assert results(rank([ensemble_row(runs()[:2], runs())])) == ["No single run is ranked."]


def test_the_epoch_is_that_through_the_network():
    """Never the one of the head, which is a thousand times shorter and compares no backbones."""
    tuned = run_row("vgg16", 512, epoch_seconds=40.0, uncached_epoch_seconds=None, extraction_seconds=None)
    unknown = run_row("resnet50", 512, uncached_epoch_seconds=None)
    rows = results_of([run_row("vgg16", 224), tuned, unknown])
    place = rows[0].index("epoch s")
    assert {row[0]: row[place] for row in rows[1:]} == {"vgg16@224": "36", "vgg16@512": "40", "resnet50@512": "-"}


def test_seconds_are_steady_and_start_up_is_a_column_of_its_own():
    rows = results_of(
        [run_row("vgg16", 224, train_seconds_full=99.0, train_seconds_steady=31.5, start_up_seconds=67.5)]
    )
    found = dict(zip(*rows, strict=True))
    assert (found["train s"], found["start-up s"]) == ("32", "68")
    assert "99" not in text_of(results(rank(runs()[:1])))


def test_seeds_are_one_row_with_the_interval_of_their_mean():
    scores = (0.80, 0.82, 0.90)
    mean = {"mean_macro_f1": 0.84, "mean_macro_f1_low": 0.80, "mean_macro_f1_high": 0.88}
    rows = [run_row("vgg16", 224, run_id=f"r{i}", seed=i, macro_f1=one, **mean) for i, one in enumerate(scores)]
    other = run_row("resnet50", 224)
    found = results_of([*rows, other])
    assert [row[:4] for row in found] == [
        ["run", "macro F1", "n", "sd"],
        ["vgg16@224", ".840 [.80, .88]", "3", ".053"],
        ["resnet50@224", ".833 [.79, .87]", "1", "-"],
    ]
    assert "the mean over **n** seeds and their **sd**" in legend(rank([*rows, other]))[0]
    without = [row | {"mean_macro_f1_low": None, "mean_macro_f1_high": None} for row in rows]
    assert results_of(without)[1][1] == ".840"  # the mean of the bounds is no bound of the mean


def test_ensembles_have_a_table_of_their_own():
    names = {row[0] for row in results_of([*runs(), ensemble_row(runs()[:2], runs())])}
    assert "top3" not in names


def test_the_legend_counts_comparisons():
    assert "adjusted for 7 comparisons (Holm)" in legend(rank(runs()))[0]
    assert legend(rank([])) == []


def with_floor() -> tuple[list[dict], dict]:
    """Six pretrained runs; two random ones, the better of which has the best score of all."""
    rows = runs()
    random = {"weights": "random", "random_floor": True, "comparisons_with_best": 1}
    best = rows[5] | random | {"indistinguishable_from_best": True, "difference_to_best": None}
    other = rows[0] | random | {"indistinguishable_from_best": True, "global_batch": 32}
    worth = {"best": rows[3]["configuration"], "floor": best["configuration"]}
    rows[0], rows[5] = other, best
    return rows, worth | {"difference": -0.0131, "low": -0.031, "high": 0.012}


def test_random_networks_have_a_table_of_their_own():
    rows, worth = with_floor()
    ranking = rank(rows, pretraining=worth)
    main, below = results(ranking), floor(ranking)
    names = [row[0] for row in cells(main[0])[1:]]
    assert names[0] == "resnet50@512"
    assert len(names) == 6
    assert not [name for name in names if "random" in name]
    assert [row[0] for row in cells(below[1])[1:]] == ["densenet121@512", "vgg16@224"]
    assert below[0] == (
        "**Pretraining is worth -.013 [-.031, +.012]**: the best pretrained run, resnet50@512, minus the best random "
        "one, densenet121@512, on the same images."
    )


def test_marks_are_those_of_the_table_that_they_stand_in():
    rows, worth = with_floor()
    ranking = rank(rows, pretraining=worth)
    main, below = text_of(results(ranking)), text_of(floor(ranking))
    assert "randomly initialised" not in main
    assert "global batch 32" not in main
    assert "- All runs: randomly initialised backbone" in below
    assert "`=` cannot be told apart" in below
    assert cells(below)[2][-1].startswith("= ")
    assert "for 7 comparisons" in legend(ranking)[0]


def test_without_random_networks_beside_others_one_table_has_all():
    assert floor(rank(runs())) == []
    assert len(results_of([row | {"weights": "random"} for row in runs()])) == 9


def test_the_floor_of_added_runs_alone_measures_no_pretraining():
    rows, _ = with_floor()
    assert floor(rank(rows))[0] == ""

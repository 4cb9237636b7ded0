from __future__ import annotations

from helpers_report import cells, ensemble_row, failed_row, rank, run_row, runs, text_of

from bench.report.sections.results import legend, results


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

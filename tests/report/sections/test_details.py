from __future__ import annotations

from helpers_report import cells, combination, ensemble_row, inputs_with_combination, rank, run_row, runs, text_of

from bench.report.frame.ranking import Ranking
from bench.report.sections.details import ensembles, in_sample
from bench.report.sections.details import runs as every_run


def tables(rows: list[dict]) -> list[dict[str, list[str]]]:
    """Of each table, header -> cells."""
    return [{name: column for name, *column in zip(*cells(text), strict=True)} for text in every_run(rank(rows))]


def test_every_run_and_every_seed_is_a_row():
    rows = [run_row("vgg16", 224, run_id=f"r{seed}", seed=seed, macro_f1=0.7 + seed / 10) for seed in (0, 1)]
    scores, costs = tables([*rows, ensemble_row(rows, rows)])
    assert scores["run_id"] == ["ensemble-top3-0a1b2c3d", "r0", "r1"]
    assert scores["macro F1"][1:] == [".700 [.69, .79]", ".800 [.69, .79]"]
    assert costs["run_id"] == ["r0", "r1"]


def test_an_epoch_of_the_head_is_called_so():
    tuned = run_row("vgg16", 512, epoch_seconds=40.0, uncached_epoch_seconds=40.0, extraction_seconds=None)
    costs = tables([run_row("vgg16", 224), tuned])[1]
    found = dict(zip(costs["run_id"], zip(costs["epoch s"], costs["head epoch s"], strict=True), strict=True))
    # 0.88 of 41.2 s; .021 + 14,718,792e-9.
    assert found == {run_row("vgg16", 224)["run_id"]: ("36", "0.036"), tuned["run_id"]: ("40", "-")}


def test_the_epoch_that_reached_a_target():
    rows = [row | {"target_f1": 0.85} for row in runs()]
    rows[3] |= {"target_epoch": 7, "target_seconds": 123.4}
    costs = tables(rows)[1]
    place = costs["run_id"].index(rows[3]["run_id"])
    columns = ("target F1", "reached in epoch", "after s")
    assert [costs[name][place] for name in columns] == [".85", "7", "123"]
    assert [costs[name][place - 1] for name in columns] == [".85", "-", "-"]
    assert "target F1" not in tables(runs())[1]


def test_scores_in_sample_are_named_so_and_stand_alone():
    ranking = Ranking.of(inputs_with_combination())
    table, note = in_sample(ranking)
    assert cells(table) == [
        ["ensemble", "macro F1 in sample", "accuracy in sample", "log loss in sample"],
        ["top3", ".909", ".931", "0.33"],
    ]
    assert note.startswith("Scores on the images that the ensembles were fitted on")
    assert in_sample(rank(runs())) == []
    assert ".909" not in text_of(every_run(ranking))


def test_members_of_every_ensemble_and_the_superseded_ones(golden):
    members, superseded = ensembles(Ranking.of(golden))
    assert members.startswith("- **top3**: densenet121@512, efficientnetb0@512, resnet50@512, .333 each")
    assert superseded == "Superseded by newer ones of the same method: ensemble-top3-11111111 (.889)."
    other = ensemble_row(runs()[:1], runs(), other_candidates=True)
    found, _ = ensembles(rank([*runs(), other], combinations={other["run_id"]: combination()}))
    assert found == "- **top3 0a1b2c3d**: vgg16@224"


def test_nothing_of_nothing():
    assert every_run(rank([])) == []

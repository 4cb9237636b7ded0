from __future__ import annotations

import pandas as pd
from helpers_report import cells, history, pair, rank, run_row, runs, schedule_frames

from bench.report.sections import training
from bench.report.sections.training import rates
from bench.report.summary import details

SCORES = {  # at scales 0.3, 1 and 3
    "resnet50": (0.80, 0.86, 0.70),
    "vgg16": (0.88, 0.84, 0.60),
    "densenet121": (0.81, 0.82, 0.82),
}


def row(backbone: str, scale: float, score: float, seed: int = 0, px: int = 224, **changes) -> dict:
    recipe = "finetune" if scale == 1 else f"finetune lr x{scale:g}"
    run_id = f"{backbone}-{px}-finetune-s{seed}-{round(scale * 10):08x}"
    bounds = {"macro_f1": score, "macro_f1_low": score - 0.05, "macro_f1_high": score + 0.04}
    return run_row(backbone, px, run_id=run_id, recipe=recipe, lr_scale=scale, seed=seed, **bounds | changes)


def rows() -> list[dict]:
    return [
        row(name, scale, score)
        for name, scores in SCORES.items()
        for scale, score in zip((0.3, 1, 3), scores, strict=True)
    ]


def parts(given: list[dict]) -> list[str]:
    return rates(rank(given))


def table(given: list[dict]) -> dict[str, list[str]]:
    return {first: rest for first, *rest in cells(parts(given)[0])}


def test_the_table_by_hand():
    assert table(rows()) == {
        "backbone": ["x0.3", "x1", "x3", "best", "over x1"],
        "resnet50@224": [".800", ".860", ".700", "x1", "+.000"],
        "vgg16@224": [".880", ".840", ".600", "x0.3", "+.040"],
        "densenet121@224": [".810", ".820", ".820", "x1", "+.000"],
    }


def test_whether_the_ranking_changes():
    shared = "**finetune at 224 px**: the ranking at scale 1 (resnet50@224, vgg16@224, densenet121@224)"
    changed = "**changes** with the best rate of each: vgg16@224, resnet50@224, densenet121@224."
    assert parts(rows())[1] == f"- {shared} {changed}"
    given = [one for one in rows() if one["lr_scale"] != 0.3]
    assert parts(given)[1] == f"- {shared} stays the same with the best rate of each."


def test_resolutions_are_ranked_apart_and_one_backbone_is_no_ranking():
    given = [*rows(), row("vgg16", 1, 0.9, px=512), row("vgg16", 3, 0.95, px=512)]
    assert table(given)["vgg16@512"][1:] == [".900", ".950", "x3", "+.050"]
    assert "512" not in parts(given)[1]


def test_seeds_are_averaged_over_those_that_ran_at_every_scale():
    given = [row("vgg16", scale, score, seed) for scale, score, seed in [(1, 0.8, 0), (1, 0.6, 1), (3, 0.7, 0)]]
    assert table(given)["vgg16@224"] == [".800", ".700", "x1", "+.000"]
    given.append(row("vgg16", 3, 0.9, 1))
    assert table(given)["vgg16@224"] == [".700", ".800", "x3", "+.100"]


def test_the_gain_has_the_interval_of_the_same_seeds():
    """Intervals of two scores on the same images say little of their difference."""
    given = [row("vgg16", 1, 0.8), row("vgg16", 3, 0.9)]

    def gain(seeds: tuple[int, ...]) -> str:
        found = rates(rank(given, pairs=pd.DataFrame([pair(*given, 0.05, 0.15, seeds)])))
        return cells(found[0])[1][-1]

    assert gain((0,)) == "+.100 [+.050, +.150]"
    assert gain((0, 1)) == "+.100"


def test_runs_that_differ_otherwise_are_no_comparison_of_rates():
    assert parts([row("vgg16", 1, 0.8), row("vgg16", 3, 0.9, seed=1)]) == []
    assert parts([row("vgg16", 1, 0.8), row("vgg16", 3, 0.9, weights="random")]) == []
    assert parts([row(name, 1, scores[1]) for name, scores in SCORES.items()]) == []
    assert parts([row("vgg16", 1, 0.8), row("vgg16", 3, 0.9, saw_validation=True)]) == []


def test_without_scale_1_there_is_no_gain_over_it():
    given = [row(name, scale, 0.8) for name in ("vgg16", "resnet50") for scale in (0.3, 3)]
    assert table(given)["vgg16@224"][-2:] == [
        "x3",
        "-",
    ]  # as good, and closer to 1: a factor of 3, not of 3.33
    assert parts(given)[1] == ""


def test_recipes_are_distinguished():
    others = [
        one | {"recipe": one["recipe"].replace("finetune", "own"), "run_id": f"o{one['run_id']}"} for one in rows()
    ]
    assert {"vgg16@224 finetune", "vgg16@224 own"} <= set(table([*rows(), *others]))


def test_the_page_has_the_section_and_its_caveat():
    page = " ".join(details(rank(rows()), {}).split())
    assert "## Learning rates" in page
    assert "The best of several rates was chosen on the validation images that score it, which flatters" in page
    assert "## Learning rates" not in details(rank([row("vgg16", 1, 0.8)]), {})


def test_a_scaled_run_alone_is_named_so():
    assert rank([row("vgg16", 3, 0.8)]).rows["label"].tolist() == ["vgg16@224 finetune lr x3"]


def test_recipes_whose_rate_as_run_differs_are_named():
    plain, fed_back = schedule_frames()["frozen"], schedule_frames()["frozen"].copy()
    fed_back["learning_rate_as_run"] *= 2
    ranking = rank(runs(), schedules={"frozen": plain, "own_": fed_back})
    picture, recipes, note = training.schedules(ranking, {"schedule.png": "![picture]"})
    assert picture == "![picture]"
    assert recipes.startswith("- **frozen**: frozen backbone; ")
    assert note == r"As run, the rate differs from the recipe in: own\_."


def test_groups_without_room_in_the_figure_are_named():
    rows = [run_row("vgg16", 224, run_id=f"r{i}", backbone=f"b{i:02}", macro_f1=0.9 - i / 100) for i in range(14)]
    histories = {one["run_id"]: history(0.7, epochs=1) for one in rows}
    _, note = training.learning_curves(rank(rows, histories=histories), {})
    assert note == "Not drawn, being further down the ranking: b12, b13."

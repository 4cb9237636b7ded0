from __future__ import annotations

from helpers_report import cells, ensemble_row, rank, run_row, runs, text_of

from bench.report.sections.ensembles import ensembles

COLUMN = "indistinguishable_from_best_ensemble"


def section(rows: list[dict]) -> str:
    return text_of(ensembles(rank(rows)))


def test_section_names_members_weights_and_both_training_costs():
    singles = runs()
    row = ensemble_row(singles[4:6], singles)
    row["members"] = [(singles[4]["run_id"], 0.25), (singles[5]["run_id"], 0.75)]
    text = section([*singles, row])
    lines = cells(text)
    # 17.3 s at 224 px and 90.4 s at 512 px are 107.7; all eight candidates are 81.51 x (1 + 5.2245) = 507.4.
    score = [".897 [.86, .93]", ".909", "+.017 [-.004, +.038]", ".893 [.81, .95]"]
    assert ["top3", *score, "2", "507", "108", "162"] in lines
    assert ["(best single run)", ".880", ".884", "-", ".871 [.77, .95]", "1", "507", "90", "136"] in lines
    assert "- **top3**: densenet121@512 .750, densenet121@224 .250" in text.splitlines()


def test_equal_weights_stand_once_and_long_lists_are_cut():
    rows = [run_row("vgg16", 224, run_id=f"r{i:02}", backbone=f"b{i:02}") for i in range(11)]
    equal, unequal = ensemble_row(rows[:2], rows), ensemble_row(rows, rows, run_id="ensemble-greedy-00000000")
    unequal["members"] = [(f"r{i:02}", 0.5 if i == 3 else 0.05) for i in range(11)]
    text = section([*rows, equal, unequal])
    assert "- **top3**: b00@224, b01@224, .500 each" in text.splitlines()
    greedy = next(line for line in text.splitlines() if line.startswith("- **greedy**"))
    assert greedy.startswith("- **greedy**: b03@224 .500, b00@224 .050, ")
    assert greedy.endswith("b07@224 .050, 3 more .150")


def test_methods_within_the_noise_of_the_first_are_marked():
    singles = runs()
    first = ensemble_row(singles[:2], singles, indistinguishable_from_best_ensemble=True)
    tied, below = (
        ensemble_row(singles, singles, run_id=f"ensemble-{name}-00000000", macro_f1_cross_fitted=score, **{COLUMN: tie})
        for name, score, tie in (("mean", 0.89, True), ("stack", 0.80, False))
    )
    lines = cells(section([*singles, first, tied, below]))
    column = lines[0].index("to the first")
    found = {line[0]: line[column] for line in lines[1:5]}
    # The gain of the first over the best single run is from -.004 to +.038.
    assert found == {"top3": "", "mean": "within noise", "stack": "below it", "(best single run)": "within noise"}


def test_a_removed_member_is_marked():
    text = section([ensemble_row(runs()[:1], runs())])
    assert "(no longer in the store)" in text


def test_nothing_without_ensembles():
    assert section(runs()) == ""

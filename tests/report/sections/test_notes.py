from __future__ import annotations

from helpers_report import rank, run_row, runs

from bench.report.frame.ranking import Ranking
from bench.report.sections.notes import Footnotes, oddities


def footnotes(rows: list[dict]) -> Footnotes:
    return Footnotes(rank(rows))


def with_changes(place: int, **changes) -> list[dict]:
    rows = runs()
    rows[place] |= changes
    return rows


def test_ties_are_marked_but_not_the_best(golden):
    notes = Footnotes(Ranking.of(golden))
    marks = {row["label"]: notes.mark([row["run_id"]]) for _, row in Ranking.of(golden).runs.iterrows()}
    assert {label for label, mark in marks.items() if mark == "="} == {"resnet50@512", "efficientnetb0@512"}
    assert marks["densenet121@512"] == ""


def test_marks_of_all_seeds_stand_once_on_their_row():
    rows = [run_row("vgg16", 224, run_id=f"r{seed}", seed=seed) for seed in (0, 1)]
    rows[1] |= {"interruptions": 1}
    notes = footnotes([*rows, run_row("resnet50", 224)])
    assert notes.mark(["r0", "r1"]) == "a"
    assert notes.mark(["r0"]) == ""


def test_the_odd_one_out_is_marked_with_its_difference():
    rows = with_changes(2, global_batch=128, device="gpu")
    notes = footnotes(rows)
    assert notes.mark([rows[2]["run_id"]]) == "a b"
    assert notes.mark([rows[0]["run_id"]]) == ""
    assert "- `a` global batch 128, most have 16.\n- `b` device gpu, most have cpu (2 cores, AVX-512)." in notes.lines()


def test_only_versions_that_differ_are_named():
    usual = "python 3.11.7, keras 3.15.1"
    rows = [row | {"versions": usual} for row in runs()]
    rows[2]["versions"] = "python 3.11.7, keras 3.14.0"
    assert "- `a` versions keras 3.14.0, most have keras 3.15.1." in footnotes(rows).lines()


def test_without_a_majority_each_row_has_its_own_value():
    rows = [run_row("vgg16", 224, run_id="a", global_batch=16), run_row("vgg16", 512, run_id="b", global_batch=32)]
    assert oddities(rank(rows).runs) == {
        "a": ["global batch 16, others differ"],
        "b": ["global batch 32, others differ"],
    }


def test_early_stopping_does_not_make_epochs_odd():
    rows = with_changes(3, epochs=12, selected_on_validation=True)
    assert not any(oddities(rank(rows).runs).values())
    rows = with_changes(3, epochs=12)
    assert oddities(rank(rows).runs)[rows[3]["run_id"]] == ["epochs 12, most have 30"]


def test_a_text_shared_by_all_runs_stands_once_and_marks_none():
    rows = [row | {"weights": "random"} for row in runs()]
    notes = footnotes(rows)
    assert "- All runs: randomly initialised backbone" in notes.lines()
    assert "weights random" not in notes.lines()
    assert notes.mark([rows[0]["run_id"]]) == ""


def test_flags_have_footnotes():
    for flag, words in {
        "did_not_train": "did not train",
        "selected_on_validation": "flatters the score",
        "saw_validation": "trained on the validation images",
    }.items():
        assert words in footnotes(with_changes(1, **{flag: True})).lines()


def test_splits_that_share_pictures_are_marked():
    notes = footnotes(with_changes(1, val_duplicates=3, test_duplicates=0)).lines()
    assert "3 validation images are training images too" in notes
    assert "test images" not in notes
    assert "duplicate" not in footnotes([row | {"val_duplicates": 0} for row in runs()]).lines()
    everywhere = footnotes([row | {"val_duplicates": 3, "test_duplicates": 1} for row in runs()]).lines()
    assert "All runs: 1 test images are training or validation images too" in everywhere


def test_a_batch_that_did_not_fit_is_marked_once():
    rows = with_changes(2, global_batch=8, asked_global_batch=16)
    notes = footnotes(rows)
    assert notes.mark([rows[2]["run_id"]]) == "a"
    assert "- `a` global batch of 16 did not fit in memory, reduced to 8: other steps" in notes.lines()
    assert "most have" not in notes.lines()
    rows = with_changes(2, micro_batch=4)
    assert "- `a` gradients accumulated over batches of 4 per replica" in footnotes(rows).lines()
    rows = [row | {"micro_batch": 4} for row in runs()]
    assert "- All runs: gradients accumulated" in footnotes(rows).lines()


def test_made_resolutions_are_marked():
    rows = with_changes(1, image_source_px=512)
    notes = footnotes(rows)
    assert notes.mark([rows[1]["run_id"]]) == "a"
    assert "- `a` images made from those of 512 px when read." in notes.lines()


def test_resumed_runs_are_marked_and_others_are_not():
    rows = with_changes(1, interruptions=2)
    rows[0] |= {"interruptions": 0}
    rows[3] |= {"interruptions": 1}
    notes = footnotes(rows)
    assert "interrupted 2 times and resumed" in notes.lines()
    assert "interrupted once and resumed" in notes.lines()
    assert notes.mark([rows[0]["run_id"]]) == ""
    assert "interrupted" not in footnotes([row | {"interruptions": 0} for row in runs()]).lines()


def test_only_the_minority_of_compiled_or_deterministic_runs_is_marked():
    for column, words in {"xla": "XLA compilation", "deterministic": "deterministic operations"}.items():
        rows = with_changes(1, **{column: True})
        notes = footnotes(rows)
        assert f"- `a` {words} on, most have off." in notes.lines()
        assert notes.mark([rows[0]["run_id"]]) == ""
        turned = [row | {column: True} for row in runs()]
        assert words not in footnotes(turned).lines()
        turned[1][column] = False
        assert f"- `a` {words} off, most have on." in footnotes(turned).lines()


def test_a_missing_interval_is_explained():
    assert "too few images for an interval" in footnotes(with_changes(1, macro_f1_low=None)).lines()
    assert "too few" not in footnotes(runs()).lines()


def test_letters_go_on_after_z():
    rows = [run_row("vgg16", 224, run_id=f"r{i:02}", code_revision=f"c{i}", macro_f1=0.9 - i / 100) for i in range(29)]
    notes = footnotes(rows)
    assert [notes.mark([f"r{i:02}"]) for i in (0, 25, 26, 27)] == ["a", "z", "aa", "ab"]

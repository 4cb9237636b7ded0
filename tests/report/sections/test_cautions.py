from __future__ import annotations

from helpers_report import ensemble_row, rank, runs

from bench.report.sections.cautions import cautions


def warns(rows: list[dict]) -> str:
    return cautions(rank(rows))


def test_random_weights_are_a_warning():
    everything = warns([row | {"weights": "random"} for row in runs()])
    assert everything.startswith("> **WARNING: randomly initialised backbones.**")
    some = runs()
    some[0] |= {"weights": "random"}
    assert warns(some).startswith("> **WARNING: randomly initialised backbones** in 1 run (vgg16@224).")
    assert warns(runs()) == ""


def test_on_the_built_in_data_real_weights_are_offered():
    offer = "`pip install 'petalbench[lite]'`, then `python -m bench run efficientnetlite0`"
    random = [row | {"weights": "random"} for row in runs()]
    assert offer in warns(random).replace("\n> ", " ")
    assert "lite" not in warns([row | {"data": "mine"} for row in random])


def test_splits_that_share_pictures_are_a_warning():
    rows = [row | {"val_duplicates": 4, "test_duplicates": 2} for row in runs()]
    rows[0]["val_duplicates"] = rows[0]["test_duplicates"] = None  # an added run: not checked
    assert warns(rows).startswith("> **WARNING: the splits share pictures**, byte for byte: 4 validation images are")
    assert "2 test images are training or validation images too." in warns(rows).replace("\n> ", " ")
    assert "share pictures" not in warns([row | {"val_duplicates": 0, "test_duplicates": 0} for row in runs()])


def test_runs_of_other_images_are_a_caution():
    rows = runs()
    rows[0] |= {"not_compared": "scored on other validation images"}
    assert "> **Not compared**: 1 run (vgg16@224); their scores are not ranked" in warns(rows)
    rows += [ensemble_row(rows[:1], rows, run_id=f"ensemble-{name}-1", not_compared="a candidate") for name in "ab"]
    assert "> **Not compared**: 1 run and 2 ensembles (vgg16@224, " in warns(rows)
    assert "Not compared" not in warns(runs())


def test_other_cautions():
    rows = runs()
    rows[0] |= {"did_not_train": True}
    rows[1] |= {"saw_validation": True}
    rows[2] |= {"device": "gpu"}
    text = warns(rows)
    assert "**Did not train**: 1 run (vgg16@224)" in text
    assert "**Saw validation**: 1 run (vgg16@512)" in text
    assert "**Other device**: 1 run (resnet50@224)" in text

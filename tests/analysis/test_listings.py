import json
from pathlib import Path

import pytest
from helpers_store import combine, make_outputs, save_run

from bench.analysis.listings import data_rows, rare_settings, recipe_rows, run_rows
from bench.config.recipe import load_recipe, recipe_names
from bench.ensemble_runs.workbench import Protocol
from bench.store.store import Store


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "runs")
    for number, skill in enumerate((1.0, 3.0)):
        save_run(store, f"run{number}-224-frozen-s0-00000000", outputs=make_outputs(number, val=40, skill=skill))
    return store


def test_lists(store, call):
    assert [row["recipe"] for row in recipe_rows()] == list(recipe_names())
    assert [row["data"] for row in data_rows()] == ["sample"]
    assert data_rows()[0]["folder"] == "made on first use"
    found = run_rows(store)
    assert [row["run"][:4] for row in found] == ["run1", "run0"]  # best first
    assert json.loads(call("list", "runs", "--runs", store.root, "--json")[1]) == found
    assert "macro F1" in call("list", "runs", "--runs", store.root)[1]
    assert call("list", "runs", "--runs", "empty")[1] == "none\n"


def test_ensembles_are_listed_with_their_cross_fitted_score(store):
    made = combine(store, "stack", None, (), Protocol(3, 1))
    assert made.combination.cross_fitted < made.combination.fit_score
    (row,) = (row for row in run_rows(store) if row["run"] == made.run_id)
    assert row["macro F1"] == pytest.approx(made.combination.cross_fitted, abs=5e-5)
    assert row["train s"] == made.combination.members_train_seconds


def test_data_that_cannot_be_used_is_listed_with_its_reason(tmp_path, monkeypatch):
    """Folders of resolutions without shards, under the home folder and on a mount, and one that may not be read."""
    monkeypatch.setenv("PETALBENCH_HOME", str(tmp_path))
    monkeypatch.setenv("PETALS_DIR", str(tmp_path / "mount"))
    for folder in ("data/hollow/tfrecords-jpeg-224x224", "mount/tfrecords-jpeg-224x224/train", "data/secret"):
        (tmp_path / folder).mkdir(parents=True)
    for split in ("train", "val"):
        (tmp_path / "data/sound/tfrecords-jpeg-64x64" / split).mkdir(parents=True)
        (tmp_path / "data/sound/tfrecords-jpeg-64x64" / split / "00.tfrec").write_bytes(b"")
    looked = Path.iterdir

    def guarded(path):
        if path.name == "secret":
            raise PermissionError(13, "Permission denied")
        return looked(path)

    monkeypatch.setattr(Path, "iterdir", guarded)
    rows = {row["data"]: row for row in data_rows()}
    assert list(rows) == ["hollow", "petals", "sample", "secret", "sound"]
    assert (rows["sound"]["px"], rows["sound"]["folder"]) == ("64", str(tmp_path / "data" / "sound"))
    assert rows["sample"]["folder"] == "made on first use"
    for name, reason in {
        "hollow": "has no folder 'train'",
        "petals": "no folder 'val'",
        "secret": "Permission",
    }.items():
        assert rows[name]["folder"].startswith("unusable: ")
        assert reason in rows[name]["folder"]


def test_recipes_say_what_they_set_rare_settings():
    recipe = load_recipe("finetune").model_copy(update={"label_smoothing": 0.1, "target_f1": 0.9})
    assert rare_settings(recipe) == "label_smoothing 0.1, target_f1 0.9"
    fed_back = recipe.schedule.model_copy(update={"start_lr_feedback": True})
    assert rare_settings(load_recipe("frozen").model_copy(update={"schedule": fed_back})) == "start_lr_feedback"
    assert rare_settings(load_recipe("frozen")) == ""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from helpers_store import combine, make_outputs, save_run
from sklearn.metrics import f1_score

from bench.analysis.describe import as_dict, describe_run
from bench.commands.listing import besides, data_rows, print_rows, recipe_rows, run_rows
from bench.config.recipe import load_recipe, recipe_names
from bench.ensemble_runs.workbench import Protocol
from bench.store.store import Store


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "runs")
    for number, skill in enumerate((1.0, 3.0)):
        save_run(store, f"run{number}-224-frozen-s0-00000000", outputs=make_outputs(number, val=40, skill=skill))
    return store


def test_a_run_whole(store):
    run = store.get("run1")
    content = as_dict(run)
    json.dumps(content)
    predicted = run.log_probs("val").argmax(axis=1)
    expected = f1_score(run.images.val_labels, predicted, average=None, labels=range(4), zero_division=0)
    np.testing.assert_allclose([row["f1"] for row in content["per_class"]], expected)
    assert sum(row["images"] for row in content["per_class"]) == 40
    text = describe_run(run)
    for part in ("run1-224", "metrics.macro_f1", "recipe.schedule.max_lr", "versions.python", "class 3", "loss"):
        assert part in text


def test_lists(store, capsys):
    assert [row["recipe"] for row in recipe_rows()] == list(recipe_names())
    assert [row["data"] for row in data_rows()] == ["sample"]
    assert data_rows()[0]["folder"] == "made on first use"
    found = run_rows(store)
    assert [row["run"][:4] for row in found] == ["run1", "run0"]  # best first
    print_rows(found, as_json=True)
    assert json.loads(capsys.readouterr().out) == found
    print_rows(found, as_json=False)
    assert "macro F1" in capsys.readouterr().out
    print_rows([], as_json=False)
    assert capsys.readouterr().out == "none\n"


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


def test_an_ensemble_tells_what_became_of_its_members(store):
    ensemble = combine(store, "mean", None, (), Protocol(3, 1))
    shutil.rmtree(store.root / "run0-224-frozen-s0-00000000")
    found = as_dict(ensemble, store)["members"]
    assert [(row["member"][:4], row["state"]) for row in found] == [
        ("run0", "is no longer in the store"),
        ("run1", "in the store"),
    ]
    text = describe_run(ensemble, store)
    assert "is no longer in the store" in text
    assert "bins_before" not in text  # pages of numbers are for the report
    assert as_dict(store.get("run1"), store)["members"] == []


def test_recipes_say_what_they_set_besides():
    recipe = load_recipe("finetune").model_copy(update={"label_smoothing": 0.1, "target_f1": 0.9})
    assert besides(recipe) == "label_smoothing 0.1, target_f1 0.9"
    fed_back = recipe.schedule.model_copy(update={"start_lr_feedback": True})
    assert besides(load_recipe("frozen").model_copy(update={"schedule": fed_back})) == "start_lr_feedback"
    assert besides(load_recipe("frozen")) == ""

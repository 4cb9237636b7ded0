import numpy as np
import pytest
from helpers_store import make_outputs, save_run

from bench.errors import UserError
from bench.predictions.add.addition import Addition, add
from bench.predictions.export import export
from bench.store.store import Store


@pytest.mark.parametrize("form", ["csv", "npy"])
@pytest.mark.parametrize("answers", [True, False])
def test_export_and_add_give_the_same_scores(tmp_path, form, answers):
    outputs = make_outputs(seed=3, val=80, test=60, skill=2.5, answers=answers)
    row = outputs.log_probs["val"][0]
    row[1] = -150.0  # less than float32 can say of a probability
    row -= np.log(np.exp(row, dtype=float).sum())
    run = save_run(Store(tmp_path / "runs"), "a-32-frozen-s0-00000000", outputs=outputs)
    files = export(run, form, tmp_path / "out")
    val, test = (next(file for file in files if file.name.endswith(f"{split}.{form}")) for split in ("val", "test"))
    back = add(Store(tmp_path / "other"), Addition("back", val, test)).run
    for name in ("macro_f1", "macro_f1_low", "macro_f1_high", "log_loss", "accuracy", "test_macro_f1"):
        assert getattr(back.result.metrics, name) == getattr(run.result.metrics, name), name
    assert back.images.val_ids == run.images.val_ids
    assert back.images.test_labels == run.images.test_labels
    assert back.images.class_names == run.images.class_names
    for split in ("val", "test"):
        np.testing.assert_array_equal(back.log_probs(split), run.log_probs(split))


@pytest.mark.parametrize("form", ["csv", "npy"])
def test_predicted_classes_go_out_as_they_came(tmp_path, form):
    (tmp_path / "p.csv").write_text("id,label,prediction\na,x,x\nb,y,x\nc,y,y\n")
    (tmp_path / "classes.txt").write_text("x\ny\n")
    given = Addition("p", tmp_path / "p.csv", classes=tmp_path / "classes.txt")
    run = add(Store(tmp_path / "runs"), given).run
    file = export(run, form, tmp_path / "out")[0]
    back = add(Store(tmp_path / "other"), Addition("p", file, classes=tmp_path / "classes.txt")).run
    assert back.result.metrics == run.result.metrics
    if form == "csv":
        assert file.read_text() == (tmp_path / "p.csv").read_text()


def test_classes_that_are_called_like_columns_go_by_index(tmp_path):
    outputs = make_outputs(seed=3)
    images = outputs.images.model_copy(update={"class_names": ("id", "label", "rose", "a,b")})
    outputs = type(outputs)(**{**vars(outputs), "images": images})
    run = save_run(Store(tmp_path / "runs"), "a-32-frozen-s0-00000000", outputs=outputs)
    file = export(run, "csv", tmp_path)[0]
    assert file.read_text().startswith("id,label,0,1,2,3\n")


def test_a_folder_that_cannot_be_written(tmp_path):
    run = save_run(Store(tmp_path / "runs"), "a-32-frozen-s0-00000000")
    (tmp_path / "out").write_text("a file")
    with pytest.raises(UserError, match="Cannot write"):
        export(run, "csv", tmp_path / "out")

import json

import numpy as np
import pytest
from helpers_store import make_outputs, save_run
from sklearn.metrics import f1_score

from bench.errors import UserError
from bench.predictions.submission import describe_score, score_answers, submit
from bench.store.store import Store

RUN = "a-32-frozen-s0-00000000"


@pytest.fixture
def run(tmp_path):
    return save_run(Store(tmp_path / "runs"), RUN, outputs=make_outputs(seed=3, val=80, test=60, answers=False))


def write_answers(path, ids, labels):
    path.write_text("id,label\n" + "".join(f"{name},{label}\n" for name, label in zip(ids, labels, strict=True)))
    return path


def test_a_submission_has_one_integer_per_test_image(run, tmp_path):
    out = tmp_path / "deep" / "submission.csv"
    out.parent.mkdir()
    assert submit(run, out) == 60
    header, *rows = out.read_bytes().decode().split("\n")[:-1]
    assert header == "id,label"
    expected = np.load(run.paths.probabilities("test")).argmax(axis=1)
    assert rows == [f"image-test-{i},{label}" for i, label in enumerate(expected)]


@pytest.mark.parametrize("ids", [("a", "a"), ("a", "")])
def test_ids_that_name_no_single_image(tmp_path, ids):
    outputs = make_outputs(test=2, answers=False)
    images = outputs.images.model_copy(update={"test_ids": ids})
    run = save_run(Store(tmp_path / "runs"), RUN, outputs=type(outputs)(**{**vars(outputs), "images": images}))
    with pytest.raises(UserError, match="without a unique id"):
        submit(run, tmp_path / "s.csv")


def test_no_test_split(tmp_path):
    outputs = make_outputs(answers=False)
    images = outputs.images.model_copy(update={"test_ids": ()})
    changed = {"images": images, "log_probs": {"val": outputs.log_probs["val"]}}
    run = save_run(Store(tmp_path / "runs"), RUN, outputs=type(outputs)(**{**vars(outputs), **changed}))
    with pytest.raises(UserError, match="no predictions of a test split"):
        submit(run, tmp_path / "s.csv")
    with pytest.raises(UserError, match="no predictions of a test split"):
        score_answers(run, tmp_path / "s.csv")


def test_a_file_that_cannot_be_written(run, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="Cannot write"):
        submit(run, tmp_path / "file" / "s.csv")


def test_scores_agree_with_scikit_learn_whatever_the_order(run, tmp_path):
    ids, rng = list(run.images.test_ids), np.random.default_rng(0)
    labels = rng.integers(4, size=60)
    order = rng.permutation(60)
    answers = write_answers(tmp_path / "a.csv", [ids[i] for i in order], labels[order])
    found = score_answers(run, answers)
    predicted = np.load(run.paths.probabilities("test")).argmax(axis=1)
    assert found["macro_f1"] == pytest.approx(f1_score(labels, predicted, average="macro"))
    assert [row["f1"] for row in found["per_class"]] == pytest.approx(f1_score(labels, predicted, average=None))
    assert [row["support"] for row in found["per_class"]] == np.bincount(labels).tolist()
    first = found["per_class"][0]
    hits = ((labels == 0) & (predicted == 0)).sum()
    assert first["precision"] == pytest.approx(hits / (predicted == 0).sum())
    assert first["recall"] == pytest.approx(hits / (labels == 0).sum())
    assert found["macro_f1_low"] <= found["macro_f1"] <= found["macro_f1_high"]
    assert "class 3" in describe_score(found)
    json.dumps(found)


@pytest.mark.parametrize(
    ("bounds", "interval"),
    [((0.401, 0.6004), "95 % interval 0.401 to 0.600"), ((None, None), "no interval: too few images")],
)
def test_scores_as_text(bounds, interval):
    rows = [{"class": "rose", "precision": 1.0, "recall": 0.5, "f1": 2 / 3, "support": 1234}]
    scores = {"macro_f1": 0.5004, "accuracy": 0.25, "images": 40, "per_class": rows}
    first, _, header, _, row = describe_score(
        scores | {"macro_f1_low": bounds[0], "macro_f1_high": bounds[1]}
    ).splitlines()
    assert first == f"macro F1 0.500 ({interval}), accuracy 0.250, 40 images"
    assert header.split() == ["class", "precision", "recall", "f1", "support"]
    assert row.split() == ["rose", "1.000", "0.500", "0.667", "1234"]


def test_its_own_submission_scores_one(run, tmp_path):
    submit(run, tmp_path / "s.csv")
    assert score_answers(run, tmp_path / "s.csv")["macro_f1"] == 1.0


def test_answers_of_other_images_are_refused(run, tmp_path):
    answers = write_answers(tmp_path / "a.csv", [*run.images.test_ids, "weed"], [0] * 61)
    with pytest.raises(UserError, match="1 ids that are not test images, such as 'weed'"):
        score_answers(run, answers)

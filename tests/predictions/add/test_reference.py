"""Facts that added predictions are compared with: of runs, else of a data set, else none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers_store import make_outputs, save_run

from bench.data.index import DataIndex, SplitIndex
from bench.errors import UserError
from bench.predictions.add import reference as module
from bench.predictions.add.reference import UNNAMED, KnownSplit, Reference, reference
from bench.store.store import Outputs

INDEX = DataIndex(
    name="toy",
    class_names=("rose", "aster"),
    fingerprints={64: "of 64", 32: "of 32"},
    splits={
        "train": SplitIndex(("a",), np.array([0])),
        "val": SplitIndex(("b", "c"), np.array([1, 0])),
        "test": SplitIndex(("d", "e"), np.array([-1, -1])),
    },
    test_labels=np.array([0, 1]),
    val_duplicates=1,
    test_duplicates=2,
)


@pytest.fixture
def indexed(monkeypatch):
    """The data set behind every name; gives the names that were looked for."""
    asked = []
    monkeypatch.setattr(module, "_index", lambda data, store: asked.append(data) or INDEX)
    return asked


def without_test(outputs: Outputs) -> Outputs:
    images = outputs.images.model_copy(update={"test_ids": (), "test_labels": None})
    return replace(outputs, images=images, log_probs={"val": outputs.log_probs["val"]})


def test_an_empty_store_knows_nothing(store):
    assert reference(store, None) == Reference(UNNAMED, "'unnamed'")


def test_a_new_name_is_that_of_the_data_and_nothing_else_is_known(store, indexed):
    assert reference(store, "pets") == Reference("pets", "'pets'")
    save_run(store, "a-32-frozen-s0-00000000")
    assert reference(store, "pets") == Reference("pets", "'pets'")
    assert indexed == []


def test_the_only_data_set_of_the_store_needs_no_name(store, indexed):
    images = save_run(store, "a-32-frozen-s0-00000000").images
    expected = Reference(
        data="toy",
        where="the runs of 'toy' in the store",
        splits={
            "val": KnownSplit(images.val_ids, images.val_labels),
            "test": KnownSplit(images.test_ids, images.test_labels),
        },
        fingerprint="f" * 64,
        class_names=("class 0", "class 1", "class 2", "class 3"),
        duplicates={"val_duplicates": None, "test_duplicates": None},
    )
    assert reference(store, None) == expected
    assert reference(store, "toy") == expected
    assert indexed == []


def test_several_data_sets_need_a_name(store):
    save_run(store, "a-32-frozen-s0-00000000")
    save_run(store, "b-32-frozen-s0-00000000", data="pets", outputs=make_outputs(ids="pet"))
    with pytest.raises(UserError, match="several data sets"):
        reference(store, None)
    assert reference(store, "pets").splits["val"].ids[0] == "pet-val-0"
    assert reference(store, "toy").splits["val"].ids[0] == "image-val-0"


@pytest.mark.parametrize("exists", [True, False])
def test_a_path_is_the_data_set_of_its_last_part_if_the_store_has_runs_of_it(store, indexed, tmp_path, exists):
    save_run(store, "a-32-frozen-s0-00000000")
    if exists:
        (tmp_path / "toy").mkdir()
    assert reference(store, str(tmp_path / "toy")).where == "the runs of 'toy' in the store"
    assert indexed == []


def test_facts_come_from_a_run_with_test_predictions_whatever_its_place(store):
    save_run(store, "a-32-frozen-s0-00000000", outputs=without_test(make_outputs(0)))
    assert set(reference(store, "toy").splits) == {"val"}
    save_run(store, "b-32-frozen-s0-00000000", outputs=make_outputs(1))
    assert set(reference(store, "toy").splits) == {"val", "test"}


def test_test_images_without_answers_have_no_labels(store):
    images = save_run(store, "a-32-frozen-s0-00000000", outputs=make_outputs(answers=False)).images
    assert reference(store, None).splits["test"] == KnownSplit(images.test_ids, None)


def test_copies_are_counted_by_any_run_of_the_data_set(store):
    save_run(store, "a-32-frozen-s0-00000000")
    run = save_run(store, "b-32-frozen-s0-00000000", outputs=make_outputs(1))
    counted = run.result.metrics.model_copy(update={"val_duplicates": 3, "test_duplicates": 4})
    run.paths.result.write_text(run.result.model_copy(update={"metrics": counted}).model_dump_json())
    assert reference(store, None).duplicates == {"val_duplicates": 3, "test_duplicates": 4}


EXPECTED = Reference(
    data="toy",
    where="the data set 'toy'",
    splits={"val": KnownSplit(("b", "c"), (1, 0)), "test": KnownSplit(("d", "e"), (0, 1))},
    fingerprint="of 32",  # of the smallest resolution
    class_names=("rose", "aster"),
    duplicates={"val_duplicates": 1, "test_duplicates": 2},
)


@pytest.mark.parametrize("data", ["sample", "folder", "./folder", "no/such/folder"])
def test_without_runs_a_name_or_a_path_is_read(store, indexed, tmp_path, monkeypatch, data):
    """A path that does not exist is looked for too, so that its absence is an error and not a new name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    save_run(store, "a-32-frozen-s0-00000000", data="other")
    assert reference(store, data) == EXPECTED
    assert indexed == [data]


def test_a_data_set_without_answers_or_without_a_test_split(store, monkeypatch):
    unanswered = replace(INDEX, test_labels=None)
    monkeypatch.setattr(module, "_index", lambda data, store: unanswered)
    assert reference(store, "sample").splits["test"] == KnownSplit(("d", "e"), None)
    two = {name: split for name, split in INDEX.splits.items() if name != "test"}
    monkeypatch.setattr(module, "_index", lambda data, store: replace(unanswered, splits=two))
    assert set(reference(store, "sample").splits) == {"val"}


@pytest.mark.parametrize("data", ["toy", "sample"])
def test_the_smallest_resolution_is_read(store, monkeypatch, tmp_path, data):
    """Of the sample that is not drawn yet, the smaller of the usual ones."""
    asked = []
    monkeypatch.setattr(module, "checked_index", lambda *of: asked.append(of[:3]) or INDEX)
    monkeypatch.chdir(tmp_path)
    for px in (48, 32):
        for split in ("train", "val"):
            folder = tmp_path / "toy" / f"tfrecords-jpeg-{px}x{px}" / split
            folder.mkdir(parents=True)
            (folder / "00-0.tfrec").write_bytes(b"")
    assert reference(store, data) == EXPECTED
    [(name, source, resolutions)] = asked
    assert name == data
    assert (source is None) == (data == "sample")
    assert tuple(resolutions) == ((224,) if source is None else (32,))

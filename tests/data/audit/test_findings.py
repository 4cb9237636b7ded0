from __future__ import annotations

from pathlib import Path

import pytest

from bench.data.audit.copies import CopyGroup
from bench.data.audit.findings import Collection, judge
from bench.data.audit.survey import Surveyed

NAMES = ("rose", "aster")


def record(split: str, name: str, label: int = 0, px: int = 8, **changes) -> Surveyed:
    fields = {"shard": Path(f"/d/{split}/00.tfrec"), "id": name, "label": label, "size": (px, px)}
    return Surveyed(split, number=1, **(fields | changes))


def sound(px: int = 8) -> list[Surveyed]:
    rows = [record(split, f"{split}{number}", number % 2, px) for split in ("train", "val") for number in range(10)]
    return rows + [record("test", f"test{number}", -1, px) for number in range(4)]


def collected(*extra: Surveyed, pictures=None, **fields) -> Collection:
    found = pictures or {8: [*sound(), *extra]}
    labels = {one.id: one.label for one in next(iter(found.values()))} | {f"test{n}": n % 2 for n in range(4)}
    return Collection("d", NAMES, found, fields.pop("labels", labels), **fields)


def wrong(*extra: Surveyed, **fields) -> str:
    return "\n".join(judge(collected(*extra, **fields)).wrong)


def test_a_sound_data_set():
    found = judge(collected())
    assert (found.wrong, found.known) == ([], [])


@pytest.mark.parametrize(
    ("extra", "text"),
    [
        (
            record("val", "x", fault="its picture does not decode"),
            "1 record at 8 px cannot be used, val/00.tfrec record 1",
        ),
        (record("val", "x", size=(9, 8)), "1 record at 8 px have another size, such as 9 x 8"),
        (record("train", "x", -1), "1 record of train or val at 8 px have no class"),
        (record("val", "train0"), "1 ids are in several splits, such as 'train0'"),
        (record("val", "val0"), "1 ids occur twice in a split, such as 'val0'"),
        (record("train", "x", 7), "labels outside of 0 to 1, such as 7"),
        (record("val", "x", shard=Path("/d/val/01-8x8-3.tfrec")), "val/01-8x8-3.tfrec holds 1 records, not the 3"),
    ],
)
def test_records(extra, text):
    assert text in wrong(extra)


def test_resolutions_that_differ():
    assert "8 and 16 px do not hold the same ids" in wrong(pictures={8: sound(), 16: sound(16)[::-1]})
    assert wrong(pictures={8: sound(), 16: sound(16)}) == ""


def test_classes_absent_from_a_split():
    without = [one for one in sound() if not (one.split == "val" and one.label == 1)]
    assert "1 of 2 classes have no picture in val, such as 'aster'" in wrong(pictures={8: without})
    without = [one for one in sound() if not (one.split == "train" and one.label == 0)]
    assert "no picture in train, such as 'rose'" in wrong(pictures={8: without})
    found = judge(collected(labels={one.id: one.label for one in sound()} | {"test0": 0}))
    assert found.wrong == []
    assert "1 of 2 classes have no picture in test, such as 'aster'" in found.known


@pytest.mark.parametrize("kind", ["the same bytes", "nearly the same", "mirrored"])
def test_copies_across_splits_are_wrong_and_within_are_known(kind):
    across = CopyGroup(kind, (record("train", "train0"), record("val", "val0")))
    within = CopyGroup(kind, (record("train", "train2"), record("train", "train4")))
    assert "in several splits (1 group of copies)" in wrong(groups=[across])
    assert wrong(groups=[within]) == ""
    assert judge(collected(groups=[within])).known == ["1 groups of copies lie within a split"]


def test_copies_with_several_classes():
    pair = (record("train", "train0", 0), record("train", "train1", 1))
    assert "the same picture has several classes (1 group of copies)" in wrong(
        groups=[CopyGroup("the same bytes", pair)]
    )
    found = judge(collected(groups=[CopyGroup("mirrored", pair)]))
    assert found.wrong == []
    assert "1 groups of near copies have several classes: one may be wrong" in found.known


def test_imbalance_and_few_validation_pictures():
    more = [record("train", f"more{number}", 0) for number in range(45)]
    assert "the largest class has 10 times the pictures of the smallest" in judge(collected(*more)).known
    few = [one for one in sound() if one.id not in ("val1", "val3")]
    assert judge(collected(pictures={8: few})).known == [
        "1 of 2 classes have fewer than 5 validation pictures: their F1 is mostly noise"
    ]

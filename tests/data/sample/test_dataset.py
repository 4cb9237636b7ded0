from __future__ import annotations

import json
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from bench.data import scan
from bench.data.reading import images
from bench.data.sample import dataset
from bench.data.sample.species import SPECIES, are_alike
from bench.data.source import find
from bench.errors import UserError

# Goes with VERSION: a change of pixels, ids or splits is a new version of the set. The same on every machine.
PINNED = {
    224: "959ff96154fdaadf16fa0ba4fe846e9f043471be11d5b86c6dc1dd146a5041a5",
    512: "144bc4432a516b613462fe34799cab097152194da9ffc2b2d2f59f5d9588c52a",
}


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """A home folder in which the sample was made."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PETALBENCH_HOME", str(folder))
        dataset.ensure_sample()
    return folder


@pytest.fixture
def source(made, monkeypatch):
    monkeypatch.setenv("PETALBENCH_HOME", str(made))
    return find("sample")


@pytest.fixture
def quick(monkeypatch):
    """Draws one even picture for each image, for what only concerns files."""

    def even(plan):
        return {px: np.full((px, px, 3), plan.number, np.uint8) for px in dataset.RESOLUTIONS}

    monkeypatch.setattr(dataset, "draw", even)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)


def test_pixels_are_the_same_on_every_machine(source):
    assert {px: source.fingerprint(px) for px in source.resolutions} == PINNED


def test_it_passes_its_own_scan(source):
    found = scan.scan(source, [224, 512])
    assert {split: len(part.ids) for split, part in found.splits.items()} == {"train": 150, "val": 64, "test": 24}
    assert len(found.class_names) == 12
    assert found.duplicates == {"val_duplicates": 0, "test_duplicates": 0}
    for split, least in (("train", 8), ("val", 3)):
        counts = Counter(found.splits[split].labels.tolist())
        assert min(counts[label] for label in range(12)) >= least
    assert sorted(set(found.test_labels.tolist())) == list(range(12))
    planned = [plan for plan in dataset.plans() if plan.split == "test"]
    assert found.test_labels.tolist() == [plan.label for plan in planned]
    assert (found.splits["test"].labels == -1).all()


def test_both_resolutions_show_the_same_scene(source):
    small, large = (
        np.concatenate(list(images(source.stored(px, "val"), 64).as_numpy_iterator())).astype(float)
        for px in (224, 512)
    )
    # 32 px blocks of the small picture against 512 / 7 px of the large one, cut at whole pixels.
    small_blocks = small.reshape(64, 7, 32, 7, 32, 3).mean(axis=(2, 4))
    edges = np.linspace(0, 512, 8).round().astype(int)
    large_blocks = np.add.reduceat(np.add.reduceat(large, edges[:-1], 1), edges[:-1], 2)
    large_blocks /= np.outer(np.diff(edges), np.diff(edges))[None, :, :, None]
    assert np.abs(small_blocks - large_blocks).max() < 6


def test_it_is_made_once(source, monkeypatch):
    assert dataset.is_made()
    monkeypatch.setattr(dataset, "draw", lambda plan: pytest.fail("drawn again"))
    dataset.ensure_sample()


@pytest.mark.parametrize("harm", ["gone", "short", "older"])
def test_an_incomplete_or_older_sample_is_drawn_again(quick, home, harm):
    dataset.ensure_sample()
    root = home / "data" / "sample"
    shard = root / "tfrecords-jpeg-224x224" / "val" / "01-224x224-32.tfrec"
    whole = shard.read_bytes()
    if harm == "gone":
        shard.unlink()
    elif harm == "short":
        shard.write_bytes(whole[:-1])
    else:
        generated = root / "generated.json"
        generated.write_text(json.dumps(json.loads(generated.read_text()) | {"version": dataset.VERSION - 1}))
    assert not dataset.is_made()
    dataset.ensure_sample()
    assert dataset.is_made()
    assert shard.read_bytes() == whole
    assert [path.name for path in root.parent.iterdir()] == ["sample"]


def test_two_at_once_leave_one_whole_set(quick, home):
    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(dataset.ensure_sample, 1) for _ in range(3)]:
            done.result()
    assert dataset.is_made()
    assert [path.name for path in (home / "data").iterdir()] == ["sample"]


def test_an_interrupted_making_leaves_nothing(home, monkeypatch):
    def interrupted(plan):
        raise KeyboardInterrupt

    monkeypatch.setattr(dataset, "draw", interrupted)
    with pytest.raises(KeyboardInterrupt):
        dataset.ensure_sample(workers=1)
    assert list((home / "data").iterdir()) == []


def test_a_home_that_cannot_be_written(home):
    home.write_text("a file where the folder should be")
    with pytest.raises(UserError, match=r"Cannot write in .*PETALBENCH_HOME"):
        dataset.ensure_sample()


def test_ids_are_unique_and_classes_shuffled():
    planned = dataset.plans()
    assert len({plan.id for plan in planned}) == len(planned) == 238
    labels = [plan.label for plan in planned if plan.split == "train"]
    assert labels != sorted(labels)


def test_the_flaws_are_those_that_are_documented():
    planned = dataset.plans()
    names = [species.name for species in SPECIES]
    wrong = [plan for plan in planned if plan.label != plan.species]
    assert {plan.id: (names[plan.label], names[plan.species]) for plan in wrong} == dataset.LABEL_ERRORS
    copies = [(planned[plan.scene], plan) for plan in planned if plan.scene != plan.number]
    assert tuple((original.id, copy.id) for original, copy in copies) == dataset.NEAR_DUPLICATES
    assert all(original.species == copy.species for original, copy in copies)
    assert {plan.split for plan in [*wrong, *sum(copies, ())]} == {"train"}
    assert sum(are_alike(plan.label, plan.species) for plan in wrong) == len(wrong) / 2


def test_the_page_on_data_lists_the_flaws():
    text = " ".join((Path(__file__).parents[3] / "docs" / "data.md").read_text(encoding="utf-8").split())
    copied = {copy: original for original, copy in dataset.NEAR_DUPLICATES}
    for name, (label, drawn) in dataset.LABEL_ERRORS.items():
        of = f" (copy of {copied.pop(name)})" if name in copied else ""
        assert f"| {name}{of} | {drawn} | {label} |" in text
    assert all(f"{copy} of {original}" in text for copy, original in copied.items())


def test_another_seed_and_size_have_the_same_training_classes_and_other_flaws():
    shipped, other = dataset.plans(), dataset.plans(seed=7, val=600)
    splits = [Counter(plan.split for plan in planned) for planned in (shipped, other)]
    assert splits == [{"train": 150, "val": 64, "test": 24}, {"train": 150, "val": 600, "test": 24}]
    counts = [Counter(plan.label for plan in planned if plan.split == "val") for planned in (shipped, other)]
    # 600 are nine times 64 and 24 more.
    assert all(9 * counts[0][label] <= counts[1][label] <= 10 * counts[0][label] for label in range(12))
    assert not {plan.id for plan in shipped} & {plan.id for plan in other}


def test_an_audit_finds_copies_and_the_labels_that_contradict_each_other(source):
    from bench.data.audit.audit import collect
    from bench.data.audit.findings import judge

    found = collect(source, lambda done, of: None)
    findings = judge(found)
    assert findings.wrong == []
    copies = {frozenset(one.id for one in group.members) for group in found.groups}
    assert copies == set(map(frozenset, dataset.NEAR_DUPLICATES))
    assert "3 groups of near copies have several classes: one may be wrong" in findings.known

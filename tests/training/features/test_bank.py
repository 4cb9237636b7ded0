"""Banks saved and loaded; made from records on disk, against the model applied to the decoded pictures."""

import shutil
from dataclasses import fields, replace

import numpy as np
import pytest
import tensorflow as tf
from helpers_data import make_data

import backbones
from bench.config.recipe import load_recipe
from bench.config.run import RunConfig
from bench.data.reading import images, resized
from bench.data.scan import scan
from bench.data.source import find
from bench.errors import UserError
from bench.training.features import bank as module
from bench.training.features.bank import Bank, BankFolder, BankKey, BankTiming, FeatureMaker, Origin

COUNTS = {"train": 13, "val": 9, "test": 5}
ORIGIN = Origin("gpu", "oneDNN default", "0a1b", "2.21", "3.15")
KEY = BankKey("f" * 64, "tiny", 32, "random", 0, "train", "plain", ORIGIN)
TIMING = BankTiming(3, 2, 1.5, 0.5, 7.0, 0.01, 6808)


@pytest.fixture
def folder(tmp_path):
    return BankFolder(tmp_path / "banks")


def bank(fill=1.0):
    return Bank(np.full((3, 16), fill, np.float32), np.full((3, 16), 2 * fill, np.float32), TIMING)


def test_a_bank_comes_back(folder):
    assert KEY not in folder
    folder.save(KEY, bank())
    found = folder.load(KEY)
    np.testing.assert_array_equal(found.mean, bank().mean)
    np.testing.assert_array_equal(found.variance, bank().variance)
    assert found.timing == TIMING


def test_of_two_processes_that_save_a_bank_the_first_is_kept(folder):
    """Each looks before the other is done: the slower one renames onto a folder that is there."""
    with module.new_folder(folder.root / KEY.folder_name) as slower:
        (slower / "bank.json").write_text("{}")
        folder.save(KEY, bank())
    assert folder.load(KEY).timing == TIMING
    assert [path.name for path in folder.root.iterdir()] == [KEY.folder_name]


def test_a_bank_that_cannot_be_put_in_place_is_an_error(folder):
    folder.root.mkdir()
    with pytest.raises(FileNotFoundError), module.new_folder(folder.root / "a") as made:
        made.rmdir()


@pytest.mark.parametrize(
    "change",
    [
        {"data_fingerprint": "e" * 64},
        {"backbone": "vgg16"},
        {"image_px": 64},
        {"weights": "imagenet"},
        {"weights_seed": 1},
        {"split": "val"},
        {"view": "flipped"},
        *({"origin": replace(ORIGIN, **{field.name: "other"})} for field in fields(Origin)),
    ],
)
def test_nothing_else_is_taken_for_it(folder, change):
    folder.save(KEY, bank())
    assert replace(KEY, **change) not in folder


def test_an_unfinished_bank_is_none(folder):
    folder.save(KEY, bank())
    (folder.root / KEY.folder_name / "bank.json").unlink()
    assert KEY not in folder


def test_a_second_writer_leaves_the_first_bank(folder):
    folder.save(KEY, bank(1.0))
    folder.save(KEY, bank(2.0))
    assert folder.load(KEY).mean[0, 0] == 1.0
    assert len(list(folder.root.iterdir())) == 1


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_data(tmp_path_factory.mktemp("toy"), (32, 64), counts=COUNTS)


@pytest.fixture
def make(data, tmp_path):
    toy = find(str(data))
    both = scan(toy, (32, 64))

    def maker(backbone="tiny", weights="random", weights_seed=0, source=toy, index=both):
        config = RunConfig(
            data="toy",
            backbone=backbone,
            image_px=32,
            recipe=load_recipe("frozen"),
            weights=str(weights),
            weights_seed=weights_seed,
        )
        return FeatureMaker(str(weights), BankFolder(tmp_path / "banks"), source, index, config)

    maker.source = toy
    return maker


def silent(done, total):
    pass


def decoded(source, px, split):
    return np.concatenate([batch.numpy() for batch in images(source.stored(px, split), 4)])


def test_rows_are_the_pictures_in_their_order(make, tmp_path):
    weights = tmp_path / "tiny.weights.h5"
    model = backbones.get("tiny").build("random", seed=5)
    model.save_weights(weights)
    banks = make(weights=weights).banks(64, 2, silent)
    for split, count in COUNTS.items():
        pictures = decoded(make.source, 64, split)
        expected = model(backbones.get("tiny").prepare(pictures)).numpy().mean(axis=(1, 2))
        found = banks.features(split)
        assert found.images == count
        np.testing.assert_allclose(found.mean[0], expected, atol=1e-5)
    mirrored = model(backbones.get("tiny").prepare(decoded(make.source, 64, "train")[:, :, ::-1]))
    both = banks.features("train", 2)
    assert both.mean.shape == (2, COUNTS["train"], 16)
    np.testing.assert_allclose(both.mean[1], mirrored.numpy().mean(axis=(1, 2)), atol=1e-5)


def test_a_made_resolution_is_that_of_the_same_pictures_stored(make, tmp_path):
    """In pixels and in statistics of a random network; and its bank is another's than that of a stored one."""
    from bench.data.records import Record, write_shard

    large, index = make.source, scan(make.source, (40,))
    for split in COUNTS:
        folder = tmp_path / "small" / "tfrecords-jpeg-40x40" / split
        folder.mkdir(parents=True)
        pixels = np.concatenate([resized(batch, 40) for batch in images(large.stored(64, split), 4)])
        part = index.splits[split]
        rows = zip(pixels, part.labels.tolist(), part.ids, strict=True)
        write_shard(folder, 0, 40, [Record(tf.io.encode_png(one).numpy(), label, name) for one, label, name in rows])
    small = find(str(tmp_path / "small"))
    made, stored = make(index=index), make(source=small, index=scan(small, (40,)))
    for split in COUNTS:
        found, expected = (maker.banks(40, 2, silent).features(split) for maker in (made, stored))
        np.testing.assert_array_equal(found.mean, expected.mean)
        np.testing.assert_array_equal(found.variance, expected.variance)
    assert len(list((tmp_path / "banks").iterdir())) == 8


def test_saved_banks_are_not_made_again(make):
    first, second = make(), make()
    assert not first.banks(32, 1, silent).shared
    assert second.banks(32, 1, silent).shared
    assert "_model" not in vars(second)  # no backbone was built for it
    assert not make().banks(32, 2, silent).shared  # the mirrored view is new


@pytest.mark.parametrize(
    ("name", "elsewhere"),
    [
        ("device_name", lambda: "another processor"),
        ("kernels", lambda: "oneDNN on"),
        ("feature_code", lambda backbone: "0123456789ab"),
        ("versions", lambda: {"tensorflow": "2.99", "keras": "3.99"}),
    ],
)
def test_another_machine_or_code_extracts_again(make, tmp_path, monkeypatch, name, elsewhere):
    """The clock that a run shows is never that of another device, version or code; both banks stay."""
    make().banks(32, 1, silent)
    with monkeypatch.context() as there:
        there.setattr(module, name, elsewhere)
        assert not make().banks(32, 1, silent).shared
    assert make().banks(32, 1, silent).shared
    assert len(list((tmp_path / "banks").iterdir())) == 2 * len(COUNTS)


def test_a_later_view_is_of_the_same_network(make, data):
    """The mirrored bank made on its own is the one made together with the plain: re-estimation is deterministic."""
    apart, together = make(weights_seed=1), make(weights_seed=1)
    apart.banks(32, 1, silent)
    later = apart.banks(32, 2, silent).features("train", 2)
    together._folder = BankFolder(together._folder.root.parent / "others")
    at_once = together.banks(32, 2, silent).features("train", 2)
    np.testing.assert_allclose(later.mean, at_once.mean, atol=1e-5)


def test_a_resolution_has_statistics_of_its_own(make):
    """Whichever resolution came before: its statistics leave no trace."""
    one, other = make(), make()
    one.banks(32, 1, silent)
    after = one.banks(64, 1, silent).features("val")
    other._folder = BankFolder(other._folder.root.parent / "others")
    alone = other.banks(64, 1, silent).features("val")
    np.testing.assert_array_equal(after.mean, alone.mean)


def test_features_of_a_random_network_have_a_sane_spread(make):
    found = make().banks(32, 1, silent).features("val")
    assert found.mean[0].std(axis=0).max() > 1e-2
    assert np.isfinite(found.variance).all()


def test_two_views_are_made_of_one_reading(make, monkeypatch):
    """Only missing banks are made: no mirrored view of validation, and the plain view of training once."""
    read = []

    def counted(stored, batch):
        for pictures in images(stored, batch):
            read.extend(range(pictures.shape[0]))
            yield pictures

    monkeypatch.setattr(module, "images", counted)
    make().banks(32, 2, silent)
    assert len(read) == sum(COUNTS.values())
    read.clear()
    make().banks(32, 8, silent)
    assert len(read) == 3 * COUNTS["train"]


def test_all_views_are_the_turned_pictures(make, tmp_path):
    maker = make(weights_seed=7)
    found = maker.banks(32, 8, silent).features("train", 8)
    pictures = decoded(make.source, 32, "train")
    for number in range(8):
        turned = np.rot90(pictures[:, :, ::-1] if number % 2 else pictures, number // 2, axes=(1, 2))
        expected = maker.network(32)(backbones.get("tiny").prepare(np.ascontiguousarray(turned)))
        np.testing.assert_allclose(found.mean[number], expected.numpy().mean(axis=(1, 2)), atol=1e-5)


def test_progress_counts_all_passes(make):
    heard = []
    make().banks(32, 2, lambda done, total: heard.append((done, total)))
    total = sum(COUNTS.values()) + COUNTS["train"]
    assert heard[-1] == (total, total)
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)


def test_weights_of_another_network_are_the_users_mistake(make, tmp_path):
    weights = tmp_path / "vgg.weights.h5"
    backbones.get("vgg16").build("random").save_weights(weights)
    with pytest.raises(UserError, match="tiny"):
        make(weights=weights).banks(32, 1, silent)


def test_a_picture_that_vanished_is_named(make, data, tmp_path):
    from bench.data.records import Record, write_shard

    broken = tmp_path / "broken"
    shutil.copytree(data, broken)
    shard = sorted((broken / "tfrecords-jpeg-32x32" / "val").iterdir())[0]
    shard.unlink()
    write_shard(shard.parent, 0, 32, [Record(b"no picture", 0, f"val00{i}") for i in range(4)])
    maker = make()
    maker._source = find(str(broken))
    with pytest.raises(UserError, match="val000"):
        maker.banks(32, 1, silent)

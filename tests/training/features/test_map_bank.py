import shutil
from concurrent.futures import ThreadPoolExecutor, wait

import numpy as np
import pytest
from helpers_training import assert_same, examples, recipe, training

from bench.store.claims import Claims
from bench.training.features.map_bank import MapBanks, MapKey
from bench.training.loop.epochs import Fit
from bench.training.loop.prediction import predicted

KEY = MapKey("abc", "tiny", 32, "random", 0, "float32", "stage5", "train", 0)
TRAIN, VAL = examples(21), examples(9, 1)


def banked(asked, folder):
    """The same training on maps, and the cost of their extraction."""
    from dataclasses import replace

    made = training(asked, TRAIN, VAL)
    banks = MapBanks(folder / "banks", made.network, KEY, 1.0)
    maps, extraction = banks.examples("train", TRAIN, asked.views)
    scored, _ = banks.examples("val", VAL, 1)
    return replace(made, train=maps, val=scored), extraction


@pytest.mark.parametrize("augmentation", ["none", "flip", "flip_rotate"])
@pytest.mark.parametrize("trainable", ["from:stage5", "none"])
def test_training_on_maps_is_training_on_pictures(tmp_path, trainable, augmentation):
    asked = recipe(trainable=trainable, augmentation=augmentation, head=("dropout:0.3", "gap", "softmax"))
    plain = training(asked, TRAIN, VAL)
    with_maps, _ = banked(asked, tmp_path)
    expected, found = Fit(plain).run(), Fit(with_maps).run()
    assert [row.loss for row in found.rows] == pytest.approx([row.loss for row in expected.rows], abs=1e-5)
    assert [row.val_loss for row in found.rows] == pytest.approx([row.val_loss for row in expected.rows], abs=1e-5)
    assert_same(plain, with_maps, 1e-5)
    np.testing.assert_allclose(predicted(with_maps, VAL)[0], predicted(plain, VAL)[0], atol=1e-4)


def test_maps_are_made_once_and_charged_in_full(tmp_path):
    asked = recipe(trainable="from:stage5", augmentation="flip")
    _, first = banked(asked, tmp_path)
    _, second = banked(asked, tmp_path)
    assert not first.shared
    assert second.shared
    assert second.seconds == first.seconds > 0
    assert not list((tmp_path / "banks").glob(".*"))


def test_maps_that_another_process_is_making_are_waited_for(tmp_path):
    """The other is played by this test, which claims the maps and holds the claim until they are copied into place."""
    asked, ours, others = recipe(trainable="from:stage5"), tmp_path / "ours" / "banks", tmp_path / "others"
    banked(asked, others)
    (ours.parent / ".locks").mkdir(parents=True)
    name = KEY.folder_name
    with ThreadPoolExecutor() as pool:
        with Claims(ours.parent).take(name):
            waiting = pool.submit(
                MapBanks(ours, training(asked, TRAIN, VAL).network, KEY, 1.0).examples, "train", TRAIN, 1
            )
            done, _ = wait([waiting], timeout=1.0)
            assert not done
            shutil.copytree(others / "banks" / name, ours / name)
        assert waiting.result()[1].shared


def test_another_cut_is_another_bank():
    assert KEY.folder_name != MapKey("abc", "tiny", 32, "random", 0, "float32", "stage4", "train", 0).folder_name


def test_the_disk_is_asked_before(tmp_path, monkeypatch):
    """21 images of 2 x 2 x 16 float32 in two views take 10,752 bytes."""
    made = training(recipe(trainable="from:stage5"), TRAIN, VAL)
    wanted = [("train", 21, 2)]
    assert MapBanks(tmp_path, made.network, KEY, 10752 / 2**30).missing_reason(wanted) is None
    assert "--bank-gib allows" in MapBanks(tmp_path, made.network, KEY, 10751 / 2**30).missing_reason(wanted)
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 11000})())
    assert "are free" in MapBanks(tmp_path, made.network, KEY, 1.0).missing_reason(wanted)

import shutil
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import fields, replace

import numpy as np
import pytest
from helpers_training import Watch, assert_same, examples, recipe, training

from bench.store.claims import Claims
from bench.training.features import extraction, map_bank
from bench.training.features.bank import Origin
from bench.training.features.map_bank import MapBanks, MapKey
from bench.training.loop.epochs import Fit
from bench.training.loop.prediction import predicted

ORIGIN = Origin("gpu", "oneDNN default", "0a1b", "2.21", "3.15")
KEY = MapKey("abc", "tiny", 32, "random", 0, "float32", False, "stage5", "train", 0, ORIGIN)
TRAIN, VAL = examples(21), examples(9, 1)


def banked(asked, folder):
    """The same training on maps, and the cost of their extraction."""
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


class SlowFront:
    """A front that takes 100 seconds to trace, and 5 more than usual for its first call."""

    def __init__(self, maps, watch):
        self._maps, self._watch, self._calls = maps, watch, 0

    def get_concrete_function(self):
        self._watch.now += 100

    def __call__(self, images):
        self._watch.now += 5 * (self._calls == 0)
        self._calls += 1
        return self._maps(images)


def test_waiting_is_in_the_clock_and_start_up_is_not(tmp_path, monkeypatch):
    watch = Watch()

    def in_order(pictures, batch):
        for start in (0, 8, 16):
            watch.now += 10
            rows = np.arange(start, min(start + 8, len(pictures)))
            yield pictures.source.lookup(rows, rows)

    monkeypatch.setattr(map_bank, "time", watch)
    monkeypatch.setattr(extraction, "time", watch)
    monkeypatch.setattr(map_bank, "_in_order", in_order)
    banks = MapBanks(tmp_path, training(recipe(trainable="from:stage5"), TRAIN, VAL).network, KEY, 1.0)
    banks._maps = SlowFront(banks._maps, watch)
    _, timing = banks.examples("train", TRAIN, 2)
    # Of each batch of each view: 10 seconds and a look of waiting, a look for the call.
    assert timing.seconds == 2 * 3 * (10 + 1 + 1)
    assert timing.startup_seconds == 100 + 1 + 5


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


@pytest.mark.parametrize(
    "change",
    [
        {"cut": "stage4"},
        {"deterministic": True},
        *({"origin": replace(ORIGIN, **{field.name: "other"})} for field in fields(Origin)),
    ],
)
def test_another_cut_machine_or_code_is_another_bank(change):
    assert KEY.folder_name != replace(KEY, **change).folder_name


def test_the_disk_is_asked_before(tmp_path, monkeypatch):
    """21 images of 2 x 2 x 16 float32 in two views take 10,752 bytes."""
    made = training(recipe(trainable="from:stage5"), TRAIN, VAL)
    wanted = [("train", 21, 2)]
    assert MapBanks(tmp_path, made.network, KEY, 10752 / 2**30).missing_reason(wanted) is None
    assert "--bank-gib allows" in MapBanks(tmp_path, made.network, KEY, 10751 / 2**30).missing_reason(wanted)
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 11000})())
    assert "are free" in MapBanks(tmp_path, made.network, KEY, 1.0).missing_reason(wanted)

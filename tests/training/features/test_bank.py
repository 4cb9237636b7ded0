from dataclasses import replace

import numpy as np
import pytest

from bench.training.features.bank import Bank, BankFolder, BankKey, BankTiming

KEY = BankKey("f" * 64, "tiny", 32, "random", 0, "train", "plain")
TIMING = BankTiming(3, 2, 1.5, 0.5, 7.0, 0.01, 6808)


@pytest.fixture
def folder(tmp_path):
    return BankFolder(tmp_path / "banks")


def bank(fill=1.0):
    return Bank(np.full((3, 16), fill, np.float32), np.full((3, 16), 2 * fill, np.float32), TIMING)


def test_a_bank_comes_back(folder):
    assert folder.load(KEY) is None
    folder.save(KEY, bank())
    found = folder.load(KEY)
    np.testing.assert_array_equal(found.mean, bank().mean)
    np.testing.assert_array_equal(found.variance, bank().variance)
    assert found.timing == TIMING


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
    ],
)
def test_nothing_else_is_taken_for_it(folder, change):
    folder.save(KEY, bank())
    assert folder.load(replace(KEY, **change)) is None


def test_an_unfinished_bank_is_none(folder):
    folder.save(KEY, bank())
    (folder.root / KEY.folder_name / "bank.json").unlink()
    assert folder.load(KEY) is None


def test_who_comes_second_leaves_the_first(folder):
    folder.save(KEY, bank(1.0))
    folder.save(KEY, bank(2.0))
    assert folder.load(KEY).mean[0, 0] == 1.0
    assert len(list(folder.root.iterdir())) == 1

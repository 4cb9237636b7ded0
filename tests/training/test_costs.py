"""Costs of runs, by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from bench.config.recipe import load_recipe
from bench.config.run import RunConfig
from bench.training import costs
from bench.training.features.bank import Bank, BankSet, BankTiming
from bench.training.features.extraction import Extraction
from bench.training.loop.checkpoint import Progressed
from bench.training.loop.history import EpochRow
from bench.training.loop.prediction import Pace


def rows(*train_seconds):
    """Half a second of evaluation an epoch, a quarter for the checkpoint, one and a half of waiting."""
    return tuple(
        EpochRow(epoch, 0.1, 1.0, 0.5, 1.0, 0.5, 0.5, seconds, 0.5, 0.25, 1.5)
        for epoch, seconds in enumerate(train_seconds)
    )


def tuned(history, extraction, monkeypatch):
    monkeypatch.setattr(costs, "forward_gflops", lambda model, px: 0.25)
    recipe = load_recipe("finetune").model_copy(update={"augmentation": "flip"})
    model = SimpleNamespace(count_params=lambda: 7)
    training = SimpleNamespace(recipe=recipe, train=range(20), network=SimpleNamespace(model=model))
    pace = Pace([(1.0, 8), (0.8, 8), (0.2, 5)], 32)
    return costs.tuned_cost(training, Progressed(history, startup_seconds=3.0), pace, extraction, eval_seconds=2.0)


def test_a_fine_tuned_run_is_charged_for_its_maps(monkeypatch):
    cost = tuned(rows(10.0, 4.0, 6.0), Extraction(6.0, True), monkeypatch)
    found = cost.model_dump(exclude={"peak_memory_mib"}, exclude_none=True)
    assert found == pytest.approx(
        {
            "epochs": 3,
            "first_epoch_seconds": 16.0,
            "epoch_seconds": 5.0,
            "uncached_epoch_seconds": 8.0,  # half of the extraction: one of two views
            "extraction_seconds": 6.0,
            "bank_shared": True,
            "train_seconds_steady": 21.0,
            "train_seconds_full": 26.0,
            "eval_seconds": 3.5,
            "checkpoint_seconds": 0.75,
            "images_per_second": 4.0,
            "input_wait_share": 0.3,
            "inference_ms_per_image": 100.0,
            "inference_batch": 8,
            "parameters": 7,
            "gflops_per_image": 0.25,
        }
    )


def test_the_only_epoch_is_steady_without_its_start(monkeypatch):
    cost = tuned(rows(10.0), None, monkeypatch)
    assert (cost.epoch_seconds, cost.train_seconds_steady, cost.train_seconds_full) == (7.0, 7.0, 10.0)
    assert cost.extraction_seconds is cost.uncached_epoch_seconds is cost.bank_shared is None


def test_a_frozen_run_is_charged_for_every_view_it_trains_on():
    nothing = np.zeros((0, 1), np.float32)

    def bank(seconds):
        timing = BankTiming(
            5, 4, seconds, startup_seconds=1.0, ms_per_image=9.0, gflops_per_image=2.0, backbone_parameters=40
        )
        return Bank(nothing, nothing, timing)

    slots = {("train", "plain"): 8.0, ("train", "flipped"): 4.0, ("val", "plain"): 3.0, ("test", "plain"): 99.0}
    banks = BankSet({slot: bank(seconds) for slot, seconds in slots.items()}, shared=False)
    config = RunConfig(data="d", backbone="tiny", image_px=32, recipe=load_recipe("frozen-flip"), weights="random")
    trainer = SimpleNamespace(startup_seconds=0.5, parameters=2)
    cost = costs.frozen_cost(banks, rows(3.0, 1.0, 2.0), config, trainer)
    found = cost.model_dump(exclude={"peak_memory_mib"}, exclude_none=True)
    assert found == pytest.approx(
        {
            "epochs": 3,
            "first_epoch_seconds": 12.0 + 2.0 + 0.5 + 3.0,
            "epoch_seconds": 1.5,
            "uncached_epoch_seconds": 7.5,
            "extraction_seconds": 12.0,
            "bank_shared": False,
            "train_seconds_steady": 16.5,
            "train_seconds_full": 20.5,
            "eval_seconds": 4.5,
            "inference_ms_per_image": 9.0,
            "inference_batch": 4,
            "parameters": 42,
            "gflops_per_image": 2.0,
        }
    )

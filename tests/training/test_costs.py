"""Costs of runs, by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from bench.config.recipe import load_recipe
from bench.config.run import RunConfig
from bench.training import costs
from bench.training.assembly import Preparation
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


def tuned(history, extraction, monkeypatch, starts=(0,)):
    monkeypatch.setattr(costs, "forward_gflops", lambda model, px: 0.25)
    recipe = load_recipe("finetune").model_copy(update={"augmentation": "flip"})
    model = SimpleNamespace(count_params=lambda: 7)
    training = SimpleNamespace(recipe=recipe, train=range(20), network=SimpleNamespace(model=model))
    pace = Pace([(1.0, 8), (0.8, 8), (0.2, 5)], 32)
    progressed = Progressed(history, starts, startup_seconds=3.0)
    return costs.tuned_cost(training, progressed, pace, Preparation(0.5, extraction), eval_seconds=2.0)


def test_a_fine_tuned_run_is_charged_for_its_maps(monkeypatch):
    extraction = Extraction(seconds=6.0, eval_seconds=0.7, startup_seconds=0.2, shared=True)
    cost = tuned(rows(10.0, 4.0, 6.0), extraction, monkeypatch)
    found = cost.model_dump(exclude={"peak_memory_mib"}, exclude_none=True)
    assert found == pytest.approx(
        {
            "epochs": 3,
            "first_epoch_seconds": 0.5 + 0.2 + 6.0 + 10.0,
            "epoch_seconds": 5.0,
            "uncached_epoch_seconds": 8.0,  # half of the extraction: one of two views
            "extraction_seconds": 6.0,
            "bank_shared": True,
            "train_seconds_steady": 21.0,
            "train_seconds_full": 26.7,
            "eval_seconds": 4.2,
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
    assert (cost.epoch_seconds, cost.train_seconds_steady, cost.train_seconds_full) == (7.0, 7.0, 10.5)
    assert cost.extraction_seconds is cost.bank_shared is None
    assert cost.uncached_epoch_seconds == cost.epoch_seconds


def test_the_totals_differ_by_start_up_of_every_process(monkeypatch):
    """Of an epoch that is slow for other reasons, nothing is start-up; a resumed process traces again."""
    cost = tuned(rows(10.0, 4.0, 9.0, 5.0, 6.0), None, monkeypatch, starts=(0, 2))
    assert cost.epoch_seconds == 5.0
    assert cost.start_up_seconds == pytest.approx(0.5 + 5.0 + 4.0)
    assert cost.train_seconds_steady == pytest.approx(5.0 + 4.0 + 5.0 + 5.0 + 6.0)


def test_every_epoch_in_a_process_of_its_own(monkeypatch):
    cost = tuned(rows(5.0, 6.0), None, monkeypatch, starts=(0, 1))
    assert (cost.epoch_seconds, cost.train_seconds_steady, cost.train_seconds_full) == (4.0, 8.0, 11.5)


def bank(seconds, startup_seconds=1.0):
    nothing = np.zeros((0, 1), np.float32)
    return Bank(nothing, nothing, BankTiming(5, 4, seconds, startup_seconds, 9.0, 2.0, 40))


def frozen(banks, history, **fields):
    config = {"data": "d", "backbone": "tiny", "image_px": 32, "recipe": load_recipe("frozen-flip"), **fields}
    trainer = SimpleNamespace(startup_seconds=0.5, parameters=2)
    return costs.frozen_cost(BankSet(banks, shared=False), history, RunConfig(weights="random", **config), trainer)


def test_a_frozen_run_is_charged_for_every_view_it_trains_on():
    """Start-up once, although both views were made apart."""
    banks = {
        ("train", "plain"): bank(8.0),
        ("train", "flipped"): bank(4.0, 0.75),
        ("val", "plain"): bank(3.0),
        ("test", "plain"): bank(99.0),
    }
    cost = frozen(banks, rows(3.0, 1.0, 2.0))
    found = cost.model_dump(exclude={"peak_memory_mib"}, exclude_none=True)
    assert found == pytest.approx(
        {
            "epochs": 3,
            "first_epoch_seconds": 12.0 + 1.0 + 0.5 + 3.0,
            "epoch_seconds": 1.5,
            "uncached_epoch_seconds": 7.5,
            "extraction_seconds": 12.0,
            "bank_shared": False,
            "train_seconds_steady": 16.5,
            "train_seconds_full": 19.5,
            "eval_seconds": 4.5,
            "inference_ms_per_image": 9.0,
            "inference_batch": 4,
            "parameters": 42,
            "gflops_per_image": 2.0,
        }
    )


def test_a_frozen_run_on_validation_too_has_one_start_up_and_one_pass():
    """The pass over validation images is one to train on, and nothing more of evaluation."""
    banks = {("train", "plain"): bank(8.0), ("val", "plain"): bank(3.0)}
    cost = frozen(banks, rows(1.0, 1.0), recipe=load_recipe("frozen"), train_on="train+val")
    assert cost.extraction_seconds == 11.0
    assert cost.train_seconds_steady == 13.0
    assert cost.start_up_seconds == 1.5
    assert cost.eval_seconds == 1.0

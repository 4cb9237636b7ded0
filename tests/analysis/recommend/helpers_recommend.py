"""Options without a store, and probabilities with a known skill."""

import math

import numpy as np

from bench.analysis.prices import Charge
from bench.analysis.recommend.options import Option
from bench.ensemble_runs.ties import computed_contestant
from ensembles.metrics import macro_f1


def option(label="net", score=0.8, *, train_seconds=3600.0, train_device_hours=1.0, usd=2.0, **changes):
    fields = {
        "label": label,
        "kind": "single",
        "run_ids": (f"{label}-run",),
        "score": score,
        "low": score - 0.02,
        "high": score + 0.02,
        "contestant": None,
        "charge": Charge(train_seconds, train_device_hours, usd),
        "ms_per_image": 10.0,
        "device": "cpu",
        "same_device": True,
        "image_px": math.nan,
    }
    return Option(**(fields | changes))


def predicting(label, predicted, labels, classes, **changes):
    """An option of these predictions (R, N)."""
    score = float(np.mean([macro_f1(labels, row, classes) for row in predicted]))
    contestant = computed_contestant(label, predicted, labels, classes)
    bounds = {"low": score - 0.05, "high": min(score + 0.05, 1.0)}
    return option(label, score, contestant=contestant, **(bounds | changes))


def probabilities(rng, labels, classes, skill):
    """Float32 (N, C), rows sum to 1; `skill` raises the true class."""
    logits = rng.normal(size=(len(labels), classes))
    logits[np.arange(len(labels)), labels] += skill
    odds = np.exp(logits)
    return (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)

"""Options without a store, and probabilities with a known skill."""

import math

import numpy as np

from bench.analysis.recommend.options import Option


def option(label="net", score=0.8, **changes):
    fields = {
        "label": label,
        "kind": "single",
        "run_ids": (f"{label}-run",),
        "score": score,
        "low": score - 0.02,
        "high": score + 0.02,
        "predicted": None,
        "train_seconds": 3600.0,
        "train_device_hours": 1.0,
        "usd": 2.0,
        "ms_per_image": 10.0,
        "device": "cpu",
        "same_device": True,
        "image_px": math.nan,
    }
    return Option(**(fields | changes))


def probabilities(rng, labels, classes, skill):
    """Float32 (N, C), rows sum to 1; `skill` raises the true class."""
    logits = rng.normal(size=(len(labels), classes))
    logits[np.arange(len(labels)), labels] += skill
    odds = np.exp(logits)
    return (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)

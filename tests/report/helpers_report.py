"""Golden inputs: eight runs of four backbones, an ensemble with its predecessor, and a failure.

Seconds and milliseconds grow with the pixels, so that expectations can be computed by hand.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

from bench.report.figures.style import house_style
from bench.report.frame.inputs import ReportInput
from bench.report.frame.ranking import Ranking

# backbone: family, parameters, GFLOPs at 224, training seconds, ms per image
NETWORKS = {
    "vgg16": ("vgg", 14_718_792, 30.7, 41.2, 61.4),
    "resnet50": ("resnet", 23_612_296, 7.72, 15.6, 22.8),
    "densenet121": ("densenet", 7_049_800, 5.67, 17.3, 26.1),
    "efficientnetb0": ("efficientnet", 4_064_939, 0.794, 7.41, 9.35),
}
SCORES = {
    ("vgg16", 224): (0.741, 0.690, 0.786),
    ("vgg16", 512): (0.802, 0.755, 0.842),
    ("resnet50", 224): (0.833, 0.788, 0.871),
    ("resnet50", 512): (0.871, 0.832, 0.905),
    ("densenet121", 224): (0.846, 0.803, 0.883),
    ("densenet121", 512): (0.884, 0.846, 0.916),
    ("efficientnetb0", 224): (0.818, 0.772, 0.858),
    ("efficientnetb0", 512): (0.867, 0.826, 0.902),
}
# The best minus another is known to +-.03, so that resnet50@512 and efficientnetb0@512 are tied with densenet121@512.
TIED = {("densenet121", 512), ("resnet50", 512), ("efficientnetb0", 512)}


def run_id(backbone: str, px: int) -> str:
    return f"{backbone}-{px}-frozen-s0-{abs(hash_of(backbone, px)):08x}"


def hash_of(backbone: str, px: int) -> int:
    return sum(ord(letter) * 131**place for place, letter in enumerate(f"{backbone}{px}")) % 2**32


SHARED = {
    "schema_version": 1,
    "data": "sample",
    "status": "ok",
    "val_images": 320,
    "test_images": 80,
    "train_images": 440,
    "classes": 8,
    "device": "cpu (2 cores, AVX-512)",
    "cores": 2,
    "precision": "float32",
    "code_revision": "dc05418",
}


# All that a run is but its seed, as far as tests change it.
IDENTITY = ("backbone", "image_px", "recipe", "lr_scale", "weights", "weights_seed", "plugin", "precision", "strategy")
IDENTITY += ("global_batch", "device", "image_source_px", "saw_validation")


def configuration_of(row: dict) -> str:
    return hashlib.sha256(repr([row.get(name) for name in IDENTITY]).encode()).hexdigest()[:12]


def behind(score: float, tied: bool) -> dict:
    """Differences to densenet121@512, seven comparisons of them."""
    gap = score - SCORES["densenet121", 512][0]
    if gap == 0:
        return {}
    low = gap - 0.03
    found = {"": gap, "_low": low, "_high": max(gap + 0.03, 0.01) if tied else min(gap + 0.03, -0.002)}
    return {f"difference_to_best{end}": value for end, value in found.items()} | {"comparisons_with_best": 7}


def run_row(backbone: str, px: int, /, **changes) -> dict:
    family, parameters, gflops, seconds, milliseconds = NETWORKS[backbone]
    score, low, high = SCORES[backbone, px]
    scale = (px / 224) ** 2
    row = {
        **SHARED,
        "run_id": run_id(backbone, px),
        "kind": "run",
        "backbone": backbone,
        "family": family,
        "image_px": px,
        "recipe": "frozen",
        "seed": 0,
        "weights": "imagenet",
        "weights_seed": 0,
        "macro_f1": score,
        "macro_f1_low": low,
        "macro_f1_high": high,
        "macro_f1_interval_method": "basic",
        "test_macro_f1": score - 0.013,
        "test_macro_f1_low": score - 0.11,
        "test_macro_f1_high": score + 0.07,
        "test_accuracy": score + 0.004,
        "accuracy": score + 0.017,
        "log_loss": 1.4 - score,
        "epochs": 30,
        "selected_on_validation": False,
        "first_epoch_seconds": seconds * scale * 0.94,
        "epoch_seconds": 0.021 + parameters * 1e-9,
        "uncached_epoch_seconds": seconds * scale * 0.88,
        "extraction_seconds": seconds * scale * 0.86,
        "bank_shared": False,
        "train_seconds_steady": seconds * scale * 0.9,
        "train_seconds_full": seconds * scale,
        "start_up_seconds": seconds * scale * 0.1,
        "eval_seconds": 0.4 * seconds * scale,
        "inference_ms_per_image": milliseconds * scale,
        "inference_batch": 16,
        "parameters": parameters,
        "gflops_per_image": gflops * scale,
        "peak_memory_mib": 900 + 60 * scale * gflops**0.5,
        "strategy": "default",
        "replicas": 1,
        "global_batch": 16,
        "did_not_train": False,
        "indistinguishable_from_best": (backbone, px) in TIED,
        **behind(score, (backbone, px) in TIED),
    } | changes
    return {"configuration": configuration_of(row)} | row


def runs() -> list[dict]:
    return [run_row(backbone, px) for backbone, px in SCORES]


def ensemble_row(members: list[dict], candidates: list[dict], /, **changes) -> dict:
    members_seconds = sum(row["train_seconds_steady"] for row in members)
    return {
        **SHARED,
        "run_id": "ensemble-top3-0a1b2c3d",
        "kind": "ensemble",
        "members": [(row["run_id"], 1 / len(members)) for row in members],
        "macro_f1": 0.897,
        "macro_f1_low": 0.861,
        "macro_f1_high": 0.928,
        "macro_f1_in_sample": 0.909,
        "accuracy_in_sample": 0.931,
        "log_loss_in_sample": 0.33,
        "macro_f1_interval_method": "basic",
        "macro_f1_cross_fitted": 0.897,
        "macro_f1_cross_fitted_low": 0.861,
        "macro_f1_cross_fitted_high": 0.928,
        "best_single_cross_fitted": 0.880,
        "gain_over_best_single": 0.017,
        "gain_over_best_single_low": -0.004,
        "gain_over_best_single_high": 0.038,
        "test_macro_f1": 0.893,
        "test_macro_f1_low": 0.81,
        "test_macro_f1_high": 0.95,
        "accuracy": 0.916,
        "log_loss": 0.41,
        "weights": "imagenet",
        "train_seconds_steady": members_seconds,
        "candidates_train_seconds": sum(row["train_seconds_steady"] for row in candidates),
        "members_train_seconds": members_seconds,
        "inference_ms_per_image": sum(row["inference_ms_per_image"] for row in members),
        "parameters": sum(row["parameters"] for row in members),
        "superseded": False,
        "other_candidates": False,
    } | changes


def failed_row() -> dict:
    return {
        **SHARED,
        "run_id": "vgg16-1024-frozen-s0-deadbeef",
        "kind": "run",
        "backbone": "vgg16",
        "family": "vgg",
        "image_px": 1024,
        "recipe": "frozen",
        "seed": 0,
        "weights": "imagenet",
        "status": "failed",
        "failure_kind": "oom",
        "failure_reason": "the child asked for 5.2 GiB and was killed",
    }


FAILURE = {
    "run_id": "vgg16-1024-frozen-s0-deadbeef",
    "kind": "oom",
    "reason": "the child asked for 5.2 GiB and was killed",
    "log": "extracting 128/440\nResource exhausted: OOM when allocating tensor",
    "seconds": 12.4,
}


def history(score: float, epochs: int = 30, seed: int = 0) -> pd.DataFrame:
    epoch = np.arange(epochs)
    rise = 1 - np.exp(-(epoch + 1) / 5)
    noise = np.random.default_rng(seed).normal(0, 0.008, epochs)
    return pd.DataFrame(
        {
            "epoch": epoch,
            "learning_rate": ramp(epochs),
            "loss": 2.08 * np.exp(-epoch / 6) + 0.12,
            "accuracy": score * rise + 0.05,
            "val_loss": 2.08 * np.exp(-epoch / 6) + 1.1 * (1 - score) + 0.2 + noise,
            "val_accuracy": score * rise + 0.017,
            "val_macro_f1": score * rise + noise,
            "train_seconds": np.full(epochs, 0.04),
            "eval_seconds": np.full(epochs, 0.01),
        }
    )


def ramp(epochs: int = 30) -> np.ndarray:
    epoch = np.arange(epochs)
    return np.where(epoch < 5, 1e-4 + epoch * 1.8e-4, 9e-4 * 0.8 ** np.maximum(epoch - 5, 0) + 1e-4)


def schedule_frames() -> dict[str, pd.DataFrame]:
    return {"frozen": pd.DataFrame({"epoch": range(30), "learning_rate": ramp(), "learning_rate_as_run": ramp()})}


def make_inputs(rows: list[dict], **changes) -> ReportInput:
    frame = pd.DataFrame(rows)
    trained = [row for row in rows if row["kind"] == "run" and row["status"] == "ok"]
    histories = {row["run_id"]: history(row["macro_f1"], seed=place) for place, row in enumerate(trained)}
    parts = {
        "histories": histories,
        "schedules": schedule_frames() if trained else {},
        "recipes": {"frozen": "frozen backbone; batch_norm, gap, softmax; Adam; 30 epochs"},
        "about": {
            "command": "python -m bench run --all\npython -m bench ensemble top3",
            "device": "cpu (2 cores, AVX-512)",
            "versions": "petalbench 0.1.0, Python 3.11.2, TensorFlow 2.21.0, Keras 3.15.0",
            "date": "2026-11-24",
            "code revision": "dc05418",
        },
    }
    return ReportInput(rows=frame, **(parts | changes))


def pair(one: dict, other: dict, low: float, high: float, seeds: tuple[int, ...] = (0,)) -> dict:
    """A paired difference of two rows, of one seed each."""
    scores = {"score_one": one["macro_f1"], "score_other": other["macro_f1"]}
    names = {"one": one["configuration"], "other": other["configuration"], "seeds": seeds}
    return {**names, **scores, "difference": other["macro_f1"] - one["macro_f1"], "low": low, "high": high}


def resolution_pairs(rows: list[dict]) -> pd.DataFrame:
    """224 -> 512 px of every backbone, known to +-.025."""
    by_name = {(row["backbone"], row["image_px"]): row for row in rows}
    pairs = [(by_name[name, 224], by_name[name, 512]) for name in NETWORKS if (name, 512) in by_name]
    gaps = [other["macro_f1"] - one["macro_f1"] for one, other in pairs]
    return pd.DataFrame([pair(*two, gap - 0.025, gap + 0.025) for two, gap in zip(pairs, gaps, strict=True)])


def rank(rows: list[dict], **changes) -> Ranking:
    return Ranking.of(make_inputs(rows, **changes))


def text_of(blocks: list[str]) -> str:
    return "\n\n".join(block for block in blocks if block)


def cells(text: str) -> list[list[str]]:
    """Every row of every table in a text, without the rules below headers."""
    lines = [line for line in text.splitlines() if line.startswith("|") and "---" not in line]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def drawn(module, inputs: ReportInput):
    """The figure of a module, or None without a subject."""
    with house_style():
        subject = module.subject(Ranking.of(inputs))
        return None if subject is None else module.draw(subject)


BEST, SECOND = run_id("densenet121", 512), run_id("resnet50", 512)


def step(picked: str, members: int, fit: float, held_out: float, cost: float | None) -> dict:
    return {
        "picked": picked,
        "members": members,
        "macro_f1": fit,
        "macro_f1_held_out": held_out,
        "log_loss": 0.4,
        "ms_per_image": cost,
        "train_seconds": None if cost is None else 10 * cost,
    }


def point(stages: list[str], threshold: float, cost: float, score: float) -> dict:
    reach = [1.0, 0.25][: len(stages)]
    return {"stages": stages, "threshold": threshold, "reach": reach, "ms_per_image": cost, "macro_f1": score}


def combination(**changes) -> dict:
    pair = {"one": BEST, "other": SECOND, "disagreement": 0.2, "double_fault": 0.05, "q": 0.5}
    sides = (
        {"log_loss": 0.5, "brier": 0.2, "calibration_error": 0.08},
        {
            "log_loss": 0.4,
            "brier": 0.1,
            "calibration_error": 0.02,
        },
    )
    bins = [{"confidence": 0.4, "accuracy": 0.3, "images": 20}, {"confidence": 0.9, "accuracy": 0.8, "images": 300}]
    return {
        "best_single_cross_fitted": 0.88,
        "states": {BEST: "", SECOND: "was run again since"},
        "left_out": [{"run_id": run_id("vgg16", 224), "reason": "it is a twin"}],
        "diversity": {"disagreement": 0.2, "double_fault": 0.05, "q": None, "pairs": [pair, pair | {"q": None}]},
        "class_changes": {
            "fixed": [{"name": "a|rose", "images": 1234, "before": 0.5, "after": 0.75}],
            "broken": [{"name": "tulip", "images": 3, "before": 0.9, "after": 0.8}],
            "risen": 7,
            "fallen": 2,
        },
        "calibration": {
            "temperature": 1.25,
            "before": sides[0],
            "after": sides[1],
            "bins_before": bins,
            "bins_after": bins,
        },
        "greedy": {
            "kept": 2,
            "steps": [
                step(BEST, 1, 0.884, 0.880, 136.0),
                step(SECOND, 2, 0.91, 0.895, 255.0),
                step(BEST, 2, 0.90, 0.89, 255.0),
            ],
        },
        "cascade": {
            "chosen": point([SECOND, BEST], 0.6, 153.0, 0.9),
            "front": [point([SECOND], 0.0, 119.0, 0.871), point([SECOND, BEST], 0.6, 153.0, 0.9)],
        },
    } | changes


def inputs_with_combination(**changes) -> ReportInput:
    """Eight runs, and an ensemble whose combination has every part."""
    singles = runs()
    row = ensemble_row(singles[4:6], singles)
    return make_inputs([*singles, row], combinations={row["run_id"]: combination(**changes)})


def golden_inputs() -> ReportInput:
    """Eight runs, the newest and an older ensemble of them, and a failure."""
    singles = runs()
    best = [row for row in singles if (row["backbone"], row["image_px"]) in TIED]
    older = ensemble_row(
        best[:2], singles, run_id="ensemble-top3-11111111", superseded=True, macro_f1_cross_fitted=0.889
    )
    rows = [*singles, ensemble_row(best, singles), older, failed_row()]
    return make_inputs(rows, failures=[FAILURE], pairs=resolution_pairs(singles))

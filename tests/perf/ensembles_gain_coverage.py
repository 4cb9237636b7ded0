"""How often the interval of a gain over the best single run holds the refitted gain, in simulations.

    python tests/perf/ensembles_gain_coverage.py [--methods top3 greedy] [--images 40 400] [--worlds 600]
        [--skills 2.2 2.15 2 1.9 1.3 1.1 1 0.8]

A world is N images of 8 equal classes and a model for each skill, whose errors are shared in part. The ensemble and the
best single run are chosen on the N images; the truth is their difference in macro F1 on 6,000 fresh ones. Each line
gives the coverage of it with its Monte-Carlo error, of its mean over worlds, the mean width, how often the interval
lies above 0, and how often it does though the truth does not; beside them the coverage and width of the interval of
fixed predictions.
"""

from __future__ import annotations

import argparse

import numpy as np
from scipy.special import softmax
from threadpoolctl import threadpool_limits

from ensembles import cross_fit, macro_f1, make, paired_difference_interval
from ensembles.gain import gain_interval
from ensembles.mean import Scoreboard, TopK

N_CLASSES, N_FRESH = 8, 6000
SKILLS = (2.2, 2.15, 2.0, 1.9, 1.3, 1.1, 1.0, 0.8)


def predictions(rng: np.random.Generator, labels: np.ndarray, skills: list[float]) -> np.ndarray:
    """Probabilities float32 (M, N, C) of models that share half of their noise."""
    shape = len(labels), N_CLASSES
    shared, true = rng.normal(size=shape), np.eye(N_CLASSES)[labels]
    logits = np.stack([1.6 * skill * true + shared + rng.normal(size=shape) for skill in skills])
    return softmax(1.5 * logits, axis=2).astype(np.float32)


def one(method: str, n_images: int, skills: list[float], seed: list[int]) -> list[float]:
    """Low, high, refitted gain; low and high of the interval of fixed predictions."""
    rng = np.random.default_rng(seed)
    labels, fresh = rng.permutation(np.arange(n_images) % N_CLASSES), np.arange(N_FRESH) % N_CLASSES
    val, test = predictions(rng, labels, skills), predictions(rng, fresh, skills)
    combiner, board = make(method, costs=range(1, len(skills) + 1)).fit(val, labels), Scoreboard(val, labels)
    single = TopK(1, board=board).fit(val, labels)
    crossed, baseline = cross_fit(combiner, val, labels), cross_fit(single, val, labels)
    interval = gain_interval(combiner, board, val, crossed, baseline)
    fixed = paired_difference_interval(labels, crossed.predicted, baseline.predicted, N_CLASSES)
    scores = [macro_f1(fresh, c.predict_proba(test).argmax(axis=1), N_CLASSES) for c in (combiner, single)]
    return [interval.low, interval.high, scores[0] - scores[1], fixed.low, fixed.high]


def row(method: str, n_images: int, skills: list[float], worlds: int) -> str:
    """Coverage and width over that many worlds."""
    low, high, gain, *fixed = np.array([one(method, n_images, skills, [n_images, world]) for world in range(worlds)]).T
    held = np.mean((low <= gain) & (gain <= high))
    mean_held = np.mean((low <= gain.mean()) & (gain.mean() <= high))
    fixed_held = np.mean((fixed[0] <= gain) & (gain <= fixed[1]))
    return (
        f"{method:8}{n_images:5} images: refitted gain {held:.1%} +- {np.sqrt(held * (1 - held) / worlds):.1%}, "
        f"mean gain {mean_held:.1%}, width {np.mean(high - low):.3f}, P(low > 0) {np.mean(low > 0):.3f}, "
        f"of these gain <= 0 {np.mean((low > 0) & (gain <= 0)):.3f}; "
        f"fixed {fixed_held:.1%}, width {np.mean(fixed[1] - fixed[0]):.3f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--methods", nargs="+", default=["top3", "greedy"])
    parser.add_argument("--images", nargs="+", type=int, default=[40, 400])
    parser.add_argument("--worlds", type=int, default=600)
    parser.add_argument("--skills", nargs="+", type=float, default=SKILLS)
    chosen = parser.parse_args()
    with threadpool_limits(1):
        for method in chosen.methods:
            for n_images in chosen.images:
                print(row(method, n_images, chosen.skills, chosen.worlds), flush=True)


if __name__ == "__main__":
    main()

"""Fit scores and cross-fitted scores against the truth on 20,000 fresh images, over simulated data sets.

    python tests/perf/ensembles_honesty.py [--sets 20] [--names top1 top3 greedy blend] [--shape 24 3712 104]

Fitted on N images, scored on fresh ones of the same world. Differences are means over the sets, in points of macro F1,
with their standard error. The last line is the largest distance of cross-fitted from fresh, in points.
"""

from __future__ import annotations

import argparse

import numpy as np
from ensembles_synthetic import World

from ensembles import cross_fit, macro_f1, make

N_FRESH = 20_000
# Fresh images are drawn and scored in parts: (24, 20,000, 104) in float32 alone are 200 MB.
PART = 4000


def scores(names: list[str], world: World, n_images: int) -> np.ndarray:
    """Fit score, cross-fitted score and score on fresh images of each combiner: (names, 3)."""
    probs, labels = world.draw(n_images, seed=0)
    fitted = [make(name).fit(probs, labels) for name in names]
    fit = [macro_f1(labels, f.predict_proba(probs).argmax(axis=1), world.n_classes) for f in fitted]
    crossed = [cross_fit(make(name), probs, labels, repeats=2).score for name in names]
    truth, predicted = [], []
    for part in range(1, N_FRESH // PART + 1):
        fresh, fresh_labels = world.draw(PART, seed=part)
        truth.append(fresh_labels)
        predicted.append([f.predict_proba(fresh).argmax(axis=1) for f in fitted])
    truth, predicted = np.concatenate(truth), np.concatenate(predicted, axis=1)
    return np.array([fit, crossed, [macro_f1(truth, rows, world.n_classes) for rows in predicted]]).T


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sets", type=int, default=20)
    parser.add_argument("--names", nargs="+", default=["top1", "top3", "greedy", "blend"])
    parser.add_argument("--shape", type=int, nargs=3, default=(24, 3712, 104), metavar=("M", "N", "C"))
    parser.add_argument("--skill", type=float, default=12.0)
    chosen = parser.parse_args()
    n_members, n_images, n_classes = chosen.shape
    worlds = [World(n_members, n_classes, skill=chosen.skill, seed=seed) for seed in range(chosen.sets)]
    results = 100 * np.array([scores(chosen.names, world, n_images) for world in worlds])
    for name, (fit, crossed, fresh) in zip(chosen.names, results.transpose(1, 2, 0), strict=True):
        error = np.std(crossed - fresh, ddof=1) / np.sqrt(chosen.sets)
        print(
            f"{name:10} fresh {fresh.mean():.2f}; fit {np.mean(fit - fresh):+.2f}, "
            f"cross-fitted {np.mean(crossed - fresh):+.2f} +- {error:.2f}"
        )
    print(f"{np.abs(np.mean(results[:, :, 1] - results[:, :, 2], axis=0)).max():.2f}")


if __name__ == "__main__":
    main()

"""Macro F1 from three counts against scikit-learn's f1_score, in turn, at N = 3,712 and C = 104.

    python tests/perf/ensembles_metrics.py

The last line is scikit-learn's median time over ours.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import numpy as np
from sklearn.metrics import f1_score

from ensembles import macro_f1

N_IMAGES, N_CLASSES = 3712, 104


def seconds(run: Callable[[], float]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def main() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, N_CLASSES, N_IMAGES)
    predicted = np.where(rng.random(N_IMAGES) < 0.9, labels, rng.integers(0, N_CLASSES, N_IMAGES))

    def theirs() -> float:
        return f1_score(labels, predicted, labels=range(N_CLASSES), average="macro", zero_division=0)

    def ours() -> float:
        return macro_f1(labels, predicted, N_CLASSES)

    times = [(seconds(theirs), seconds(ours)) for _ in range(300)]
    scikit_learn, own = (median(column) for column in zip(*times, strict=True))
    print(f"scikit-learn {1e3 * scikit_learn:.3f} ms, ours {1e3 * own:.4f} ms, equal: {theirs() == ours()}")
    print(f"{scikit_learn / own:.1f}")


if __name__ == "__main__":
    main()

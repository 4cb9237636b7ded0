"""Intervals of 40 runs, 2,000 resamples each, against resampling the images themselves, in turn.

    python tests/perf/ensembles_bootstrap.py

The plain way draws N images 2,000 times and scores each draw with our own fast macro F1; it is timed on every tenth
run. The last line is its time for a run over ours.
"""

from __future__ import annotations

import time

import numpy as np
from ensembles_synthetic import World

from ensembles import macro_f1, macro_f1_interval

RUNS, N_IMAGES, N_CLASSES, RESAMPLES = 40, 3712, 104, 2000


def plain(labels: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(0)
    draws = (rng.integers(0, len(labels), len(labels)) for _ in range(RESAMPLES))
    return np.array([macro_f1(labels[draw], predicted[draw], N_CLASSES) for draw in draws])


def main() -> None:
    probs, labels = World(RUNS, N_CLASSES).draw(N_IMAGES, seed=0)
    ours, theirs = [], []
    for run, predicted in enumerate(probs.argmax(axis=2)):
        start = time.perf_counter()
        macro_f1_interval(labels, predicted, N_CLASSES, resamples=RESAMPLES)
        ours.append(time.perf_counter() - start)
        if run % 10 == 0:
            plain(labels, predicted)
            theirs.append(time.perf_counter() - start - ours[-1])
    print(f"{RUNS} runs: ours {sum(ours):.2f} s; image by image {np.mean(theirs):.2f} s a run")
    print(f"{np.mean(theirs) / np.mean(ours):.1f}")


if __name__ == "__main__":
    main()

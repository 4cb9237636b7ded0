"""AutoGluon's greedy selection on saved predictions, for ensembles_greedy.py, in an environment with autogluon.core.

python ensembles_autogluon.py FOLDER PICKS    # FOLDER holds probs.npy (M, N, C) and labels.npy (N,)
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
from autogluon.core.metrics import f1_macro
from autogluon.core.models.greedy_ensemble.ensemble_selection import EnsembleSelection


def main(folder: Path, picks: int) -> None:
    predictions, labels = list(np.load(folder / "probs.npy")), np.load(folder / "labels.npy")
    selection = EnsembleSelection(picks, "multiclass", f1_macro, tie_breaker="second_metric")
    start = time.perf_counter()
    selection.fit(predictions, labels)
    seconds = time.perf_counter() - start
    picked = [int(member) for member in selection.indices_]
    print(json.dumps({"seconds": seconds, "picked": picked, "macro_f1": 1 - float(selection.train_score_)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))

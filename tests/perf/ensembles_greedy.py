"""Greedy selection against AutoGluon's EnsembleSelection, in turn, on the same predictions.

    python -m venv /tmp/autogluon && /tmp/autogluon/bin/pip install autogluon.core
    python tests/perf/ensembles_greedy.py --autogluon /tmp/autogluon/bin/python

Prints seconds, picks and fit scores of each round, each on predictions of its own; the last line is AutoGluon's median
time over ours. AutoGluon keeps the shortest of equal prefixes, takes scores that agree to six decimals for equal, and
averages F1 over the classes that are present.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
from ensembles_synthetic import distinct

from ensembles import Greedy


def ours(probs: np.ndarray, labels: np.ndarray, picks: int) -> dict:
    start = time.perf_counter()
    fitted = Greedy(picks).fit(probs, labels)
    seconds = time.perf_counter() - start
    picked = [step.member for step in fitted.trajectory]
    return {"seconds": seconds, "picked": picked, "macro_f1": max(step.macro_f1 for step in fitted.trajectory)}


def theirs(probs: np.ndarray, labels: np.ndarray, picks: int, python: str) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "probs.npy", probs)
        np.save(Path(folder) / "labels.npy", labels)
        command = [python, str(Path(__file__).with_name("ensembles_autogluon.py")), folder, str(picks)]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--autogluon", required=True, metavar="PYTHON", help="of an environment with autogluon.core")
    parser.add_argument("--shape", type=int, nargs=3, default=(24, 3712, 104), metavar=("M", "N", "C"))
    parser.add_argument("--picks", type=int, default=25)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    times: dict[str, list[float]] = {"ours": [], "theirs": []}
    for seed in range(chosen.rounds):
        probs, labels = distinct(*chosen.shape, seed=seed, spread=0.2)
        a, b = ours(probs, labels, chosen.picks), theirs(probs, labels, chosen.picks, chosen.autogluon)
        times["ours"].append(a["seconds"])
        times["theirs"].append(b["seconds"])
        same = sum(x == y for x, y in zip(a["picked"], b["picked"], strict=False))
        print(
            f"ours {a['seconds']:.3f} s, {a['macro_f1']:.6f}; AutoGluon {b['seconds']:.3f} s, {b['macro_f1']:.6f}; "
            f"{same} of its {len(b['picked'])} kept picks are ours",
            flush=True,
        )
    print(f"{median(times['theirs']) / median(times['ours']):.1f}")


if __name__ == "__main__":
    main()

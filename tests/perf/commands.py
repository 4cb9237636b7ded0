"""How long commands take that train nothing: `--help`, and `report` and `ensemble top3` over 40 runs of 3,712 x 104.

    python tests/perf/commands.py

TensorFlow and Keras cannot be imported in these processes. Each command is timed five times, in turn with the others,
and its median is divided by the time it is allowed; the last line is the largest of those ratios. Beside it stand
processor seconds, which other work on the machine disturbs less. `ensemble all` is timed once.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))
from helpers_store import make_outputs, save_run

from bench.store.store import Store

RUNS, VAL, TEST, CLASSES, REPEATS = 40, 3_712, 7_382, 104, 5
START = "import sys; sys.modules['tensorflow'] = sys.modules['keras'] = None; from bench.cli import main; main()"
ALLOWED = {("--help",): 0.5, ("report",): 3.0, ("ensemble", "top3"): 3.0}


def fill(folder: Path) -> None:
    """Forty runs of rising skill, in eight families and two resolutions."""
    store = Store(folder / "runs")
    for number in range(RUNS):
        outputs = make_outputs(number, val=VAL, test=TEST, classes=CLASSES, skill=4 + number / 20)
        px, family = (224, 512)[number % 2], f"family{number % 8}"
        name = f"{family}-{px}-frozen-s{number}-{number:08d}"
        save_run(store, name, outputs=outputs, family=family, backbone=family, image_px=px, seed=number)


def seconds(words: tuple[str, ...], folder: Path) -> tuple[float, float]:
    """Wall and processor time of one command."""
    began, used = time.perf_counter(), processor_seconds()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run([sys.executable, "-c", START, *words], cwd=folder, check=True, **quiet)
    return time.perf_counter() - began, processor_seconds() - used


def processor_seconds() -> float:
    """Of all commands so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def forget_ensembles(folder: Path) -> None:
    """So that each call makes its ensemble anew."""
    for path in (folder / "runs").glob("ensemble-*/result.json"):
        path.unlink()


def main() -> None:
    """Prints the figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder)
        taken: dict[tuple[str, ...], list[tuple[float, float]]] = {words: [] for words in ALLOWED}
        for _ in range(REPEATS):
            for words in ALLOWED:
                forget_ensembles(folder)
                taken[words].append(seconds(words, folder))
        wall, used = seconds(("ensemble", "all"), folder)
        print(f"ensemble all, but for the stack: {wall:.1f} s, processor {used:.1f} s")
    medians = {words: statistics.median(wall for wall, _ in times) for words, times in taken.items()}
    for words, median in medians.items():
        best, used = np.min(taken[words], axis=0)[0], np.median(taken[words], axis=0)[1]
        print(f"{' '.join(words)}: {median:.2f} s of {ALLOWED[words]} s, best {best:.2f} s, processor {used:.2f} s")
    print(f"ratio {max(medians[words] / ALLOWED[words] for words in ALLOWED):.2f}")


if __name__ == "__main__":
    main()

"""How time and memory of greedy selection grow with the number of members, and what 5 x 5 cross-fitting takes.

    python tests/perf/ensembles_scaling.py

Memory is what is allocated at the peak beyond the stacked array (tracemalloc, in runs of their own, since it slows
them). The last line is the time for 200 members over that for 50, divided by four: 1 is linear.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable

import numpy as np
from ensembles_synthetic import distinct

from ensembles import Blend, Greedy, cross_fit, make

N_IMAGES, N_CLASSES = 3712, 104


def seconds(run: Callable[[], object]) -> float:
    times = []
    for _ in range(3):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def extra_memory(run: Callable[[], object], stack: np.ndarray) -> float:
    """Peak allocation as a share of the stack."""
    tracemalloc.start()
    run()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / stack.nbytes


def main() -> None:
    times = {}
    for n_members in (25, 50, 100, 200):
        probs, labels = distinct(n_members, N_IMAGES, N_CLASSES)
        times[n_members] = seconds(lambda p=probs, y=labels: Greedy().fit(p, y))
        memory = extra_memory(lambda p=probs, y=labels: Greedy().fit(p, y), probs)
        print(f"greedy, {n_members} members: {times[n_members]:.3f} s, stack + {memory:.1%}", flush=True)
    probs, labels = distinct(40, N_IMAGES, N_CLASSES)
    for name in ("top3", "greedy", "blend"):
        start = time.perf_counter()
        cross_fit(make(name), probs, labels)
        print(f"{name}, 40 members, 5 x 5 cross-fitting: {time.perf_counter() - start:.2f} s", flush=True)
    for name, run in {
        "greedy, cross-fitted": lambda: cross_fit(Greedy(), probs, labels, repeats=1),
        "blend": lambda: Blend().fit(probs, labels),
    }.items():
        print(f"{name}: stack + {extra_memory(run, probs):.1%}", flush=True)
    print(f"{times[200] / times[50] / 4:.2f}")


if __name__ == "__main__":
    main()

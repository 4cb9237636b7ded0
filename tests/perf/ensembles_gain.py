"""Time of the intervals of gains, all methods of `bench ensemble all` at the size of the flower task on two threads.

    python tests/perf/ensembles_gain.py

24 members, 3,712 images, 104 classes; `stack` is left out, as `all` leaves it out at this size. Cross-fitting is not
timed. The last line is the time of all together, in seconds.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from ensembles_synthetic import distinct
from threadpoolctl import threadpool_limits

from ensembles import cross_fit, make
from ensembles.gain import gain_interval
from ensembles.mean import Scoreboard, TopK

METHODS = ("greedy", "top3", "top5", "mean", "geometric", "cascade", "blend")


def main() -> None:
    probs, labels = distinct(24, 3712, 104)
    board = Scoreboard(probs, labels)
    baseline = cross_fit(TopK(1, board=board), probs, labels)
    fitted = [make(method, costs=range(1, 25)).fit(probs, labels) for method in METHODS]
    crossed = [cross_fit(combiner, probs, labels) for combiner in fitted]

    def timed(place: int) -> str:
        begin = time.perf_counter()
        interval = gain_interval(fitted[place], board, probs, crossed[place], baseline)
        assert interval is not None
        seconds = time.perf_counter() - begin
        gain = crossed[place].score - baseline.score
        return f"{METHODS[place]:10} {seconds:5.1f} s, gain {gain:+.4f} ({interval.low:+.4f} to {interval.high:+.4f})"

    begin = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        for line in pool.map(timed, range(len(METHODS))):
            print(line, flush=True)
    print(f"{time.perf_counter() - begin:.1f}")


if __name__ == "__main__":
    with threadpool_limits(1):
        main()

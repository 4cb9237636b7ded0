"""The cost of making 224 px from 512 px while reading: pictures per second of processor time, three ways in turn.

    python tests/perf/made_resolution.py [--rounds 5]

The 238 drawn flowers through `pipeline.images`: 224 px as stored, 512 px as stored, and 224 px made from 512. Made ones
are decoded at 512 px, so their rate lies below that of 512 px by what the shrinking takes. No target.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

BATCH = 16


def rate(stored) -> float:
    """Pictures per second of processor time, all threads together."""
    from bench.data.reading import images

    started, seen = time.process_time(), 0
    for batch in images(stored, BATCH):
        seen += len(batch)
    return seen / (time.process_time() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    from bench.data.layout import SPLITS
    from bench.data.sample.dataset import ensure_sample
    from bench.data.source import find

    ensure_sample()
    large, small = (find("sample").stored(px, *SPLITS) for px in (512, 224))
    ways = {"stored_224": small, "stored_512": large, "made_224": replace(large, made_px=224)}
    best = dict.fromkeys(ways, 0.0)
    for _ in range(asked.rounds):
        for name, stored in ways.items():
            best[name] = max(best[name], rate(stored))
    for name, found in best.items():
        print(f"{name} {found:.0f} images/s of processor time")
    print(f"ratio made_224/stored_512 {best['made_224'] / best['stored_512']:.3f}")
    print(f"ratio made_224/stored_224 {best['made_224'] / best['stored_224']:.3f}")


if __name__ == "__main__":
    main()

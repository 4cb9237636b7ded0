"""The time of a training step by kind of operation.

    python tests/perf/step_profile.py [BACKBONE ...] [--steps 2] [--top 14] [--layers 0]

224 px, batch 16, random weights, Adam: the harness's own step, after a warm-up, under TensorFlow's profiler. Operations
run one at a time (one inter-op thread), each on all cores, so that their times add up to the step. Prints
`<backbone> step <seconds>` and then `<backbone> <share %> <milliseconds> <calls> <kind>` a line, largest first; with
`--layers N` also the N operations that take most by themselves.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from finetune_vs_fit import BACKBONES, BATCH, CLASSES, PX, harness_training, make_shards

WARM_UP = 2


def profile(backbone: str, shards: list[str], steps: int, logs: Path) -> float:
    """Writes the profile of these steps. Returns the seconds of one."""
    import tensorflow as tf

    tf.config.threading.set_inter_op_parallelism_threads(1)
    training = harness_training(backbone, shards, BATCH, 1)
    rows = tf.range(BATCH, dtype=tf.int64)
    pictures = tf.ensure_shape(training.train.source.lookup(rows, None), (BATCH, PX, PX, 3))
    batch = (pictures, rows % CLASSES, tf.ones((BATCH, 4)), tf.ones(BATCH), tf.constant(float(BATCH)))
    for _ in range(WARM_UP):
        float(training.steps.train(batch)[0])
    tf.profiler.experimental.start(str(logs))
    started = time.perf_counter()
    for _ in range(steps):
        float(training.steps.train(batch)[0])
    seconds = (time.perf_counter() - started) / steps
    tf.profiler.experimental.stop()
    return seconds


def operations(logs: Path):
    """(name, kind, seconds) of every operation that ran, in any thread of the profile."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    space = xplane_pb2.XSpace()
    space.ParseFromString(next(logs.rglob("*.xplane.pb")).read_bytes())
    for plane in space.planes:
        for line in plane.lines:
            for event in line.events:
                name, _, kind = plane.event_metadata[event.metadata_id].name.rpartition(":")
                if name and not name.endswith(":") and kind.strip("_").isalnum():
                    yield name, kind, event.duration_ps / 1e12


def tell(backbone: str, found: Counter[str], calls: Counter[str], steps: int, top: int) -> None:
    """The largest shares of the sum."""
    total = sum(found.values())
    for name, seconds in found.most_common(top):
        share, milliseconds = 100 * seconds / total, 1000 * seconds / steps
        print(f"{backbone} {share:5.1f} % {milliseconds:8.1f} ms {calls[name] // steps:5d} {name}", flush=True)


def show(backbone: str, shards: list[str], asked: argparse.Namespace) -> None:
    """Profiles one backbone and prints the table."""
    kinds, kind_calls, layers, layer_calls = Counter(), Counter(), Counter(), Counter()
    with tempfile.TemporaryDirectory() as logs:
        seconds = profile(backbone, shards, asked.steps, Path(logs))
        for name, kind, spent in operations(Path(logs)):
            kinds[kind] += spent
            kind_calls[kind] += 1
            layers[f"{kind} {name}"] += spent
            layer_calls[f"{kind} {name}"] += 1
    print(f"{backbone} step {seconds:.2f} s, in operations {sum(kinds.values()) / asked.steps:.2f} s")
    tell(backbone, kinds, kind_calls, asked.steps, asked.top)
    tell(backbone, layers, layer_calls, asked.steps, asked.layers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("backbones", nargs="*", default=BACKBONES)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--top", type=int, default=14)
    parser.add_argument("--layers", type=int, default=0)
    parser.add_argument("--shards", nargs="*", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.shards:
        show(asked.backbones[0], asked.shards, asked)
        return
    from bench.environment import child_environment

    with tempfile.TemporaryDirectory() as folder:
        shards = make_shards(Path(folder), BATCH)
        numbers = ["--steps", str(asked.steps), "--top", str(asked.top), "--layers", str(asked.layers)]
        for backbone in asked.backbones:
            words = [sys.executable, __file__, backbone, *numbers, "--shards", *shards]
            subprocess.run(words, env=child_environment(), check=True)


if __name__ == "__main__":
    main()

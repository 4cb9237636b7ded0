"""A fine-tuning epoch of the harness against a bare compiled step over tensors that are already in memory.

    python tests/perf/finetune_vs_bare_step.py [BACKBONE ...] [--images 96] [--epochs 3] [--rounds 2]

224 px, batch 16, random weights, Adam. The bare step is one `tf.function`: forward, loss, gradients, update, of the
same network with the same fused BatchNorm, on prepared float32 pictures; it reads, decodes, flips and counts nothing.
Each side runs in processes of its own, in turn, with the environment that the harness's children get. Of every process
the epochs after the first count, the best of them; the median over processes is compared. Prints
`ratio <backbone> <figure>` a line.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from finetune_vs_fit import BACKBONES, BATCH, CLASSES, PX, by_harness, harness_training, make_shards


def by_bare_step(backbone: str, shards: list[str], images: int, epochs: int) -> list[float]:
    """Seconds of each epoch, from its first step until the last step's loss has been fetched."""
    import tensorflow as tf

    training = harness_training(backbone, shards, images, epochs)
    model, optimizer, variables = training.network.model, training.optimizer, training.network.trainable_variables

    @tf.function(autograph=False)
    def step(pictures, labels):
        with tf.GradientTape() as tape:
            logits = model(pictures, training=True)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    data, seconds = in_memory(training, images), []
    for _ in range(epochs):
        started = time.perf_counter()
        for pictures, labels in data:
            loss = step(pictures, labels)
        float(loss)
        seconds.append(time.perf_counter() - started)
    return seconds


def in_memory(training, images: int):
    """Batches as tensors: prepared pictures, labels."""
    import tensorflow as tf

    source, found = training.train.source, []
    for start in range(0, images, BATCH):
        rows = tf.range(start, min(start + BATCH, images), dtype=tf.int64)
        pictures = training.network.adapter.prepare(tf.ensure_shape(source.lookup(rows, None), (len(rows), PX, PX, 3)))
        found.append((pictures, rows % CLASSES))
    return found


SIDES = {"bare": by_bare_step, "harness": by_harness}


def in_process(side: str, backbone: str, shards: list[str], images: int, epochs: int) -> list[float]:
    """Epoch seconds of one side in a process of its own."""
    from bench.environment import child_environment

    words = [sys.executable, __file__, "--side", side, backbone, "--images", str(images), "--epochs", str(epochs)]
    done = subprocess.run(
        [*words, "--shards", *shards], env=child_environment(), stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout.strip().splitlines()[-1])


def compare(backbone: str, shards: list[str], asked: argparse.Namespace) -> float:
    """Best epoch of the harness over that of the bare step, medians over rounds."""
    best: dict[str, list[float]] = {side: [] for side in SIDES}
    for _ in range(asked.rounds):
        for side in SIDES:
            best[side].append(min(in_process(side, backbone, shards, asked.images, asked.epochs)[1:]))
    print({side: [round(s, 2) for s in found] for side, found in best.items()}, flush=True)
    return median(best["harness"]) / median(best["bare"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("backbones", nargs="*", default=BACKBONES)
    parser.add_argument("--images", type=int, default=96)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--shards", nargs="*", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.side:
        print(json.dumps(SIDES[asked.side](asked.backbones[0], asked.shards, asked.images, asked.epochs)))
        return
    with tempfile.TemporaryDirectory() as folder:
        shards = make_shards(Path(folder), asked.images)
        for backbone in asked.backbones:
            print(f"ratio {backbone} {compare(backbone, shards, asked):.3f}", flush=True)


if __name__ == "__main__":
    main()

"""A fine-tuning epoch of the harness against Keras's `Model.fit` of the same model and data.

    python tests/perf/finetune_vs_fit.py [BACKBONE ...] [--images 97] [--epochs 3] [--rounds 2]

224 px, batch 16, random weights, flips, Adam. Both sides read the same TFRecords, each in processes of its own, in turn
(A B A B ...), the harness with the environment that its children get. Of every process the epochs after the first
count, the best of them; the median over processes is compared. Prints `ratio <backbone> <figure>` a line.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

PX, BATCH, CLASSES = 224, 16, 104
BACKBONES = ("efficientnetb0", "densenet121", "resnet50", "vgg16")


def make_shards(folder: Path, images: int) -> list[str]:
    """Crops of noise and gradients, as JPEG: what matters here is that they are decoded."""
    import numpy as np
    import tensorflow as tf

    from bench.data.records import Record, write_shard

    rng = np.random.default_rng(0)
    records = []
    for number in range(images):
        small = rng.integers(0, 256, (14, 14, 3)).astype(np.uint8)
        picture = tf.cast(tf.image.resize(small, (PX, PX), "bicubic"), tf.uint8)
        records.append(Record(tf.io.encode_jpeg(picture).numpy(), number % CLASSES, f"{number}"))
    folder.mkdir(parents=True, exist_ok=True)
    return [str(write_shard(folder, 0, PX, records))]


def by_fit(backbone: str, shards: list[str], images: int, epochs: int) -> list[float]:
    """As a Keras user writes it: tf.data, flips, compile, fit."""
    import keras
    import tensorflow as tf

    import backbones
    from bench.data import records

    adapter = backbones.get(backbone)

    def example(serialized):
        parsed = records.parse(serialized)
        picture = tf.image.random_flip_left_right(tf.io.decode_jpeg(parsed["image"], channels=3))
        return tf.ensure_shape(picture, (PX, PX, 3)), parsed["class"]

    auto = tf.data.AUTOTUNE
    data = tf.data.TFRecordDataset(shards).shuffle(images).map(example, auto).batch(BATCH)
    data = data.map(lambda pictures, labels: (adapter.prepare(pictures), labels), auto).prefetch(auto)
    network = adapter.build("random")
    logits = keras.layers.Dense(CLASSES)(keras.layers.GlobalAveragePooling2D()(network.output))
    model = keras.Model(network.inputs, logits)
    model.compile(keras.optimizers.Adam(1e-4), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    clock = EpochClock()
    model.fit(data, epochs=epochs, verbose=0, callbacks=[clock.as_callback()])
    return clock.seconds


class EpochClock:
    """Seconds of each epoch of `Model.fit`, first step to last."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def as_callback(self):
        import keras

        clock = self

        class Callback(keras.callbacks.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                clock.began = time.perf_counter()

            def on_epoch_end(self, epoch, logs=None):
                clock.seconds.append(time.perf_counter() - clock.began)

        return Callback()


def by_harness(backbone: str, shards: list[str], images: int, epochs: int) -> list[float]:
    """The harness's loop, as its child process runs it; no validation here, as on the other side."""
    return [row.train_seconds for row in harness_fit(backbone, shards, images, epochs)]


def harness_fit(backbone: str, shards: list[str], images: int, epochs: int):
    """Rows of the epochs."""
    from bench.training.loop.epochs import Fit

    return Fit(harness_training(backbone, shards, images, epochs)).run().rows


def harness_training(backbone: str, shards: list[str], images: int, epochs: int):
    """The training of the harness: the whole of a random network on these pictures, one picture for validation."""
    import numpy as np
    import tensorflow as tf

    import backbones
    from bench.config.recipe import load_recipe
    from bench.data.reading import Stored
    from bench.training.loop.batches import Examples, PictureSource
    from bench.training.loop.steps import Execution, Steps, Training
    from bench.training.network.network import Network
    from bench.training.network.optimizer import make_optimizer

    recipe = load_recipe("finetune").model_copy(update={"batch_per_replica": BATCH, "epochs": epochs})
    adapter, strategy = backbones.get(backbone), tf.distribute.get_strategy()
    network = Network.of(adapter, adapter.build("random"), recipe, CLASSES, 0)
    optimizer = make_optimizer(recipe, network.trainable_variables)
    steps = Steps(network, recipe, optimizer, np.ones(CLASSES, np.float32), Execution(strategy))
    source = PictureSource(Stored(tuple(map(Path, shards))), PX)
    train = Examples(source, np.arange(images) % CLASSES)
    val = Examples(source, np.arange(1) % CLASSES)
    return Training(network, optimizer, steps, strategy, recipe, train, val, CLASSES, BATCH, 0)


SIDES = {"fit": by_fit, "harness": by_harness}


def in_process(side: str, backbone: str, shards: list[str], images: int, epochs: int) -> list[float]:
    """Epoch seconds of one side in a process of its own."""
    from bench.environment import child_environment

    environment = child_environment() if side == "harness" else dict(os.environ)
    words = [sys.executable, __file__, "--side", side, backbone, "--images", str(images), "--epochs", str(epochs)]
    done = subprocess.run([*words, "--shards", *shards], env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def compare(backbone: str, shards: list[str], asked: argparse.Namespace) -> float:
    """Best epoch of the harness over that of `Model.fit`, medians over rounds."""
    best: dict[str, list[float]] = {side: [] for side in SIDES}
    for _ in range(asked.rounds):
        for side in SIDES:
            best[side].append(min(in_process(side, backbone, shards, asked.images, asked.epochs)[1:]))
    seconds = {side: median(found) for side, found in best.items()}
    print({side: [round(s, 2) for s in found] for side, found in best.items()}, flush=True)
    return seconds["harness"] / seconds["fit"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("backbones", nargs="*", default=BACKBONES)
    parser.add_argument("--images", type=int, default=97)
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

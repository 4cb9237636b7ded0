"""The harness's feed by itself: images read, decoded, batched and flipped per second and core; and what training waits.

    python tests/perf/input_pipeline.py [--images 512] [--seconds 8] [--train-images 96]

224-px JPEGs of the size that photographs have (some 25 KB), batch 16. First the feed alone: `Places`,
`PictureSource` and `batches`, and the augmentation as a graph over every batch; `images_per_second_per_core` is what
the process got done per second of processor time, `images_per_second` by the clock on all cores. Target: 110 per core.
Then two epochs of EfficientNetB0, of which the second counts: `input_wait_share` of its training seconds. Target: 0.02.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from finetune_vs_fit import BATCH, CLASSES, PX, harness_fit

TARGET_RATE, TARGET_WAIT = 110, 0.02
WARM_UP_BATCHES, QUALITY = 12, 85


def photograph(rng: np.random.Generator):
    """Structure on every scale, as photographs have it: amplitudes fall as one over the frequency; uint8 RGB."""
    frequency = np.hypot(np.fft.fftfreq(PX)[:, None], np.fft.rfftfreq(PX)[None])
    frequency[0, 0] = 1
    phases = np.exp(2j * np.pi * rng.random((3, *frequency.shape)))
    channels = np.fft.irfft2(phases / frequency, (PX, PX))
    mixed = np.array([channels[0], 0.8 * channels[0] + 0.4 * channels[1], 0.7 * channels[0] + 0.5 * channels[2]])
    scaled = 128 + 48 * mixed / mixed.std(axis=(1, 2), keepdims=True)
    return scaled.transpose(1, 2, 0).clip(0, 255).astype(np.uint8)


def make_photographs(folder: Path, images: int) -> list[str]:
    """A shard of such pictures. Prints the size of their JPEGs."""
    import tensorflow as tf

    from bench.data.records import Record, write_shard

    rng = np.random.default_rng(0)
    encoded = [tf.io.encode_jpeg(photograph(rng), quality=QUALITY).numpy() for _ in range(images)]
    print(f"jpeg_kib {np.mean([len(jpeg) for jpeg in encoded]) / 1024:.1f}", flush=True)
    records = [Record(jpeg, number % CLASSES, f"{number}") for number, jpeg in enumerate(encoded)]
    return [str(write_shard(folder, 0, PX, records))]


def feed_alone(shards: list[str], images: int, seconds: float) -> dict[str, float]:
    """Images per second of the clock and of the processor, after a warm-up."""
    import tensorflow as tf

    from bench.data.augmentation import augment
    from bench.data.reading import Stored
    from bench.environment import cores
    from bench.training.loop.batches import Examples, PictureSource, Places, Replicas, batches, shuffled

    strategy = tf.distribute.get_strategy()
    train = Examples(PictureSource(Stored(tuple(map(Path, shards))), PX), np.arange(images) % CLASSES)
    places = Places(images, BATCH, Replicas.of(strategy), shuffled(images, "flip", 0))
    feed = batches(train, places, range(1_000), strategy)
    flip = tf.function(lambda inputs, changes: augment("flip", inputs, changes), autograph=False, reduce_retracing=True)
    for _ in range(WARM_UP_BATCHES):
        inputs, _, changes, *_ = next(feed)
        flip(inputs, changes)
    seen, started, processor = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - started < seconds:
        inputs, _, changes, *_ = next(feed)
        seen += len(flip(inputs, changes))
    by_clock = seen / (time.perf_counter() - started)
    return {
        "images_per_second": by_clock,
        "images_per_second_per_core": seen / (time.process_time() - processor),
        "cores": cores(),
    }


def waiting(shards: list[str], images: int, seconds: float) -> dict[str, float]:
    """Share of an epoch's training seconds in which the next batch was waited for."""
    row = harness_fit("efficientnetb0", shards, images, 2)[1]
    return {"input_wait_share": row.input_wait_seconds / row.train_seconds, "train_seconds": row.train_seconds}


SIDES = {"feed": feed_alone, "waiting": waiting}


def in_process(side: str, shards: list[str], images: int, seconds: float) -> dict[str, float]:
    """One measurement in a process of its own, with the environment that the harness's children get."""
    from bench.environment import child_environment

    words = [sys.executable, __file__, "--side", side, "--images", str(images), "--seconds", str(seconds)]
    done = subprocess.run(
        [*words, "--shards", *shards], env=child_environment(), stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout.strip().splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--train-images", type=int, default=96)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--shards", nargs="*", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.side:
        print(json.dumps(SIDES[asked.side](asked.shards, asked.images, asked.seconds)))
        return
    with tempfile.TemporaryDirectory() as folder:
        shards = make_photographs(Path(folder), asked.images)
        feed = in_process("feed", shards, asked.images, asked.seconds)
        wait = in_process("waiting", shards, asked.train_images, 0)
    for name, value in {**feed, **wait}.items():
        print(f"{name} {value:.4g}")
    print(f"ratio feed {feed['images_per_second_per_core'] / TARGET_RATE:.3f} of {TARGET_RATE} images/s per core")
    print(f"ratio wait {wait['input_wait_share'] / TARGET_WAIT:.3f} of a wait share of {TARGET_WAIT}")


if __name__ == "__main__":
    main()

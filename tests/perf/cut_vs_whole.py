"""An epoch of ResNet50 from its last stage on, on saved maps, against an epoch of the whole network.

    python tests/perf/cut_vs_whole.py [--images 96]

224 px, batch 16, random weights, flips, Adam; epochs after the first, the best of two, in turn. Prints the ratio.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from finetune_vs_fit import BATCH, CLASSES, PX, make_shards


def epoch_seconds(trainable: str, shards: list[str], images: int, banks: Path) -> float:
    """The best epoch after the first."""
    import tensorflow as tf

    import backbones
    from bench.config.recipe import load_recipe
    from bench.data.reading import Stored
    from bench.training.features.bank import Origin
    from bench.training.features.map_bank import MapBanks, MapKey
    from bench.training.loop.batches import Examples, PictureSource
    from bench.training.loop.epochs import Fit
    from bench.training.loop.steps import Execution, Steps, Training
    from bench.training.network.network import Network
    from bench.training.network.optimizer import make_optimizer

    recipe = load_recipe("finetune").model_copy(update={"epochs": 3, "trainable": trainable})
    adapter, strategy = backbones.get("resnet50"), tf.distribute.get_strategy()
    network = Network.of(adapter, adapter.build("random"), recipe, CLASSES, 0)
    optimizer = make_optimizer(recipe, network.trainable_variables)
    steps = Steps(network, recipe, optimizer, np.ones(CLASSES, np.float32), Execution(strategy))
    train = Examples(PictureSource(Stored(tuple(map(Path, shards))), PX), np.arange(images) % CLASSES)
    one = Examples(train.source, train.labels[:1])
    training = Training(network, optimizer, steps, strategy, recipe, train, one, CLASSES, BATCH, 0)
    if network.front is not None:
        key = MapKey(
            "noise", "resnet50", PX, "random", 0, "float32", False, "stage5", "train", 0, Origin.of_process("resnet50")
        )
        training = replace(training, train=MapBanks(banks, network, key, 100).examples("train", train, 2)[0])
    return min(row.train_seconds for row in Fit(training).run().rows[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, default=96)
    images = parser.parse_args().images
    with tempfile.TemporaryDirectory() as folder:
        shards = make_shards(Path(folder) / "shards", images)
        seconds = {
            trainable: epoch_seconds(trainable, shards, images, Path(folder) / "banks")
            for trainable in ("all", "from:stage5")
        }
    print({trainable: round(found, 2) for trainable, found in seconds.items()})
    print(f"ratio {seconds['from:stage5'] / seconds['all']:.3f}")


if __name__ == "__main__":
    main()

"""30 epochs of a frozen VGG16 at 224 px, against the way the flower notebooks do it: Keras `fit` through the network.

    python tests/perf/frozen_vs_notebook.py [EPOCHS]      # 30 unless given; fewer to see that both agree

Both train the same head from the same start with the same schedule on the same batches in the same order, and both
score validation after every epoch. The notebook's way is run once; five seeds of it are five times that. Neither side
is charged for imports or for building the network. Printed: seconds of both, the largest difference of final
probabilities, and as the last two lines the ratios for one seed and for five.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SEEDS = 5


def main() -> None:
    """Prints the figures."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from bench.config.recipe import load_recipe
    from bench.data.sample.dataset import ensure_sample
    from bench.data.scan import scan
    from bench.data.source import find

    ensure_sample()
    source = find("sample")
    index = scan(source, (224,))
    with tempfile.TemporaryDirectory() as folder:
        recipe = load_recipe("frozen").model_copy(update={"epochs": int((sys.argv[1:] or ["30"])[0])})
        backbone, ours, ours_many, probs, start = harness(source, index, recipe, Path(folder))
    theirs, expected = notebook(source, index, recipe, backbone, start)
    print(f"notebook: {theirs:.1f} s; harness: {ours:.1f} s with one seed, {ours_many:.1f} s with {SEEDS}")
    print(f"largest difference of final probabilities: {np.abs(probs - expected).max():.2e}")
    print(f"ratio {theirs / ours:.1f} with one seed")
    print(f"ratio {SEEDS * theirs / ours_many:.1f} with {SEEDS} seeds")


def harness(source, index, recipe, folder: Path):
    """The backbone, seconds for one seed and for all, probabilities of validation and the head's start of seed 0."""
    from bench.config.run import RunConfig
    from bench.training.features.bank import BankFolder, FeatureMaker
    from bench.training.features.head_trainer import FeatureExamples, HeadTrainer

    config = RunConfig(data="sample", backbone="vgg16", image_px=224, recipe=recipe, weights="random")
    maker = FeatureMaker("random", BankFolder(folder), source, index, config)
    backbone = maker._model  # built before the clock starts, as the notebook's is
    began = time.perf_counter()
    banks = maker.banks(224, 1, lambda done, total: None)
    trainer = HeadTrainer(recipe, 512, len(index.class_names))
    train = FeatureExamples(banks.features("train"), index.splits["train"].labels)
    val = FeatureExamples(banks.features("val"), index.splits["val"].labels)
    trainer.restart(0)
    start = [variable.numpy() for variable in trainer.model.variables]
    trainer.train(train, val, 0, lambda row: None)
    probs = np.exp(trainer.log_probs(val.features))
    one = time.perf_counter() - began
    for seed in range(1, SEEDS):
        trainer.train(train, val, seed, lambda row: None)
    return backbone, one, time.perf_counter() - began, probs, start


def notebook(source, index, recipe, backbone, start):
    """Seconds of Keras `fit`, validation included, and the final probabilities of validation."""
    import keras
    import tensorflow as tf

    import backbones
    from bench.config.schedule import planned_rates
    from bench.data.augmentation import epoch_order
    from bench.data.reading import images

    adapter = backbones.get("vgg16")
    inputs = keras.Input((224, 224, 3))
    hidden = keras.layers.BatchNormalization()(backbone(inputs, training=False))
    hidden = keras.layers.GlobalAveragePooling2D()(hidden)
    outputs = keras.layers.Dense(len(index.class_names), activation="softmax")(hidden)
    model = keras.Model(inputs, outputs)
    head = [variable for layer in model.layers[2:] for variable in layer.variables]
    for ours, theirs in zip(head, start, strict=True):
        ours.assign(theirs)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    pictures = {
        split: adapter.prepare(np.concatenate(list(images(source.stored(224, split), 16))))
        for split in ("train", "val")
    }
    labels = {split: index.splits[split].labels for split in pictures}
    rates = planned_rates(recipe.schedule, recipe.epochs)
    val = tf.data.Dataset.from_tensor_slices((pictures["val"], labels["val"])).batch(16)
    began = time.perf_counter()
    for epoch in range(recipe.epochs):  # an epoch at a time, because the order is ours to give
        order = epoch_order(0, epoch, len(labels["train"]))
        shuffled = tf.data.Dataset.from_tensor_slices((tf.gather(pictures["train"], order), labels["train"][order]))
        model.optimizer.learning_rate.assign(rates[epoch])
        model.fit(shuffled.batch(16), validation_data=val, verbose=0)
    seconds = time.perf_counter() - began
    return seconds, model.predict(val, verbose=0)


if __name__ == "__main__":
    main()

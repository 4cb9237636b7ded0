"""Heads on pooled features against the loop on pictures, which `loop/test_epochs.py` compares with Keras."""

import numpy as np
import pytest
from helpers_training import CLASSES, examples, recipe, training

from bench.data.augmentation import view_of
from bench.training.features.head_trainer import FeatureExamples, Features, HeadTrainer
from bench.training.loop.epochs import Fit

TRAIN, VAL = examples(29), examples(11, 1)


def pooled(made, found, views):
    """Mean and variance of the backbone's maps over positions, view by view, by numpy."""
    images = found.source.lookup(np.arange(len(found)), None)
    maps = [made.network.front(made.network.adapter.prepare(view_of(images, v)), training=False) for v in range(views)]
    maps = np.stack([np.asarray(each) for each in maps])
    return FeatureExamples(Features(maps.mean(axis=(2, 3)), maps.var(axis=(2, 3))), found.labels)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"augmentation": "flip"},
        {"augmentation": "flip_rotate"},
        {"optimizer": "sgd", "weight_decay": 0.1},
        {"optimizer": "rmsprop"},
        {"loss": "focal"},
        {"loss": "huber", "huber_delta": 0.5},
        {"label_smoothing": 0.2},
        {"class_weighting": "balanced"},
        {"ema_momentum": 0.7},
        {"early_stopping_patience": 1, "epochs": 9},
    ],
    ids=str,
)
def test_a_head_on_features_trains_as_on_pictures(changes):
    asked = recipe(trainable="none", head=("batch_norm", "gap", "dense:5:relu", "softmax"), **changes)
    made = training(asked, TRAIN, VAL)
    train, val = pooled(made, TRAIN, asked.views), pooled(made, VAL, 1)
    expected = Fit(made).run().rows
    rows = HeadTrainer(asked, 16, CLASSES).train(train, val, 0, lambda row: None)
    assert len(rows) == len(expected)
    for name in ("learning_rate", "loss", "accuracy", "val_loss", "val_macro_f1"):
        ours, theirs = ([getattr(row, name) for row in found] for found in (rows, expected))
        np.testing.assert_allclose(ours, theirs, rtol=2e-3, atol=2e-4, err_msg=name)


def test_predictions_are_of_averaged_weights():
    asked = recipe(trainable="none", ema_momentum=0.9)
    made = training(asked, TRAIN, VAL)
    train, val = pooled(made, TRAIN, 1), pooled(made, VAL, 1)
    trainer = HeadTrainer(asked, 16, CLASSES)
    rows = trainer.train(train, val, 0, lambda row: None)
    found = trainer.log_probs(val.features)
    assert rows[-1].val_loss == pytest.approx(-found[np.arange(11), VAL.labels].mean(), rel=1e-5)
    plain = np.asarray(trainer.model([val.features.mean[0], val.features.variance[0]]))
    assert not np.allclose(plain - plain.max(), found - found.max(), atol=1e-3)


def test_nothing_is_traced_after_the_warm_up():
    """So that neither the first epoch nor its evaluation has the start-up of whichever run comes first."""
    asked = recipe(trainable="none", head=("batch_norm", "gap", "dropout:0.5", "softmax"), augmentation="flip")
    rng, traces = np.random.default_rng(0), []

    def features(views, images):
        moments = rng.random((2, views, images, 16), np.float32)
        return FeatureExamples(Features(*moments), rng.integers(CLASSES, size=images))

    trainer = HeadTrainer(asked, 16, CLASSES)
    trainer.warm_up(features(2, 29))
    for images in (29, 17):
        traces.append([graph.experimental_get_tracing_count() for graph in (trainer._epoch, trainer._logits)])
        trainer.train(features(2, images), features(1, 5), 0, lambda row: None)
    traces.append([graph.experimental_get_tracing_count() for graph in (trainer._epoch, trainer._logits)])
    assert traces == [[1, 1]] * 3

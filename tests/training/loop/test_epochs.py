import keras
import numpy as np
import pytest
from helpers_training import CLASSES, assert_same, examples, fitted, rates, recipe

import backbones
from bench.data.augmentation import epoch_order
from bench.training.failures import NonFiniteLossError
from bench.training.loop.epochs import Listeners
from bench.training.loop.prediction import predicted
from bench.training.network.network import Network, unfuse


def by_keras(asked, train, epochs):
    """The same network, optimizer and batches in Model.fit."""
    adapter = backbones.get("tiny")
    network = Network.of(adapter, adapter.build("random"), asked, CLASSES, 0)
    unfuse(network.model)
    model, losses = network.model, []
    model.compile(
        keras.optimizers.Adam(asked.schedule.start_lr), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    images = np.asarray(train.source.lookup(np.arange(len(train)), None))
    for epoch in range(epochs):
        order = epoch_order(0, epoch, len(train))
        rate = rates(asked)[epoch]
        model.optimizer.learning_rate.assign(rate)
        history = model.fit(
            np.asarray(adapter.prepare(images[order])), train.labels[order], batch_size=8, shuffle=False, verbose=0
        )
        losses += history.history["loss"]
    return model, losses


@pytest.mark.parametrize("head", [("gap", "softmax"), ("dropout:0.5", "gap", "dropout:0.3", "softmax")])
def test_one_device_is_model_fit(head):
    """21 steps, with a last batch of one image in each epoch, BatchNorm and Adam; Dropout with the same masks."""
    asked = recipe(epochs=3, head=head)
    train = examples(49)
    ours, progressed = fitted(asked, train, examples(10, 1))
    theirs, losses = by_keras(asked, train, 3)
    np.testing.assert_allclose([row.loss for row in progressed.rows], losses, rtol=1e-4)
    for mine, reference in zip(ours.network.model.variables, theirs.variables, strict=True):
        np.testing.assert_allclose(mine.numpy(), reference.numpy(), rtol=1e-3, atol=1e-4, err_msg=mine.path)


def test_a_loss_that_is_not_finite_is_named():
    asked = recipe(schedule=recipe().schedule.model_copy(update={"start_lr": 1e30, "max_lr": 1e30}), optimizer="sgd")
    with pytest.raises(NonFiniteLossError, match=r"loss is (nan|inf) in epoch \d, step \d"):
        fitted(asked, examples(40), examples(4))


def test_it_learns():
    _, progressed = fitted(recipe(epochs=6), examples(120), examples(60, 1))
    assert progressed.rows[-1].val_macro_f1 > 0.9


def test_callbacks_of_keras_work(tmp_path):
    train, val = examples(20), examples(5)
    callbacks = [
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.001 * (epoch + 1)),
        keras.callbacks.ModelCheckpoint(tmp_path / "best.weights.h5", save_weights_only=True),
        keras.callbacks.CSVLogger(tmp_path / "log.csv"),
        keras.callbacks.EarlyStopping("val_loss", patience=0, min_delta=1e9),
    ]
    _, progressed = fitted(recipe(epochs=5), train, val, listeners=Listeners(callbacks))
    assert [row.learning_rate for row in progressed.rows] == pytest.approx([0.001, 0.002])
    assert (tmp_path / "best.weights.h5").is_file()
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 3


def test_early_stopping_of_the_recipe_waits_for_the_ramp():
    schedule = recipe().schedule.model_copy(update={"ramp_epochs": 2, "start_lr": 1e-9, "max_lr": 1e-9, "min_lr": 1e-9})
    _, progressed = fitted(recipe(epochs=9, schedule=schedule, early_stopping_patience=2), examples(16), examples(6, 1))
    assert len(progressed.rows) == 5  # two of the ramp, a best one, two without a better one


def test_averaged_weights_are_scored_and_training_goes_on_with_its_own():
    asked = recipe(epochs=3, ema_momentum=0.99)
    train, val = examples(40), examples(20, 1)
    plain, _ = fitted(recipe(epochs=3), train, val)
    averaged, _ = fitted(asked, train, val)
    assert_same(plain, averaged, 1e-6)
    assert not np.allclose(predicted(plain, val)[0], predicted(averaged, val)[0], atol=1e-3)

"""Frozen training on pooled moments against the ordinary Keras model that sees whole feature maps, batch by batch."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from bench.config.head import parse_head
from bench.config.recipe import load_recipe
from bench.data.augmentation import epoch_order, epoch_views
from bench.training.failures import NonFiniteLossError
from bench.training.features.head_trainer import FeatureExamples, Features, HeadTrainer
from bench.training.network.head import pooled_head

IMAGES, SIDE, WIDTH, CLASSES, BATCH = 41, 3, 12, 4, 8  # 41 = 5 batches and one image more


@pytest.fixture(scope="module")
def world():
    """Feature maps of two views (N, h, w, F) of unequal spread, and labels that they say something about."""
    rng = np.random.default_rng(7)
    labels = rng.integers(CLASSES, size=IMAGES)
    offsets = rng.normal(size=(CLASSES, WIDTH))[labels][None, :, None, None, :]
    maps = offsets + rng.normal(scale=rng.uniform(0.2, 3, WIDTH), size=(2, IMAGES, SIDE, SIDE, WIDTH)) + 5
    return maps.astype(np.float32), labels.astype(np.int64)


def features(maps):
    mean = maps.mean(axis=(2, 3))
    return Features(mean, np.square(maps - mean[:, :, None, None]).mean(axis=(2, 3)))


def recipe(head, views, epochs=12):
    base = load_recipe("frozen-flip" if views == 2 else "frozen")
    return base.model_copy(update={"head": head, "epochs": epochs, "batch_per_replica": BATCH})


def reference(head, start, maps, labels, recipe, seed):
    """The ordinary way: a Keras model on whole maps with a softmax output, train_on_batch with the same batches."""
    makes = {
        "gap": keras.layers.GlobalAveragePooling2D,
        "batch_norm": keras.layers.BatchNormalization,
        "dense:6:relu": lambda: keras.layers.Dense(6, activation="relu"),
        "softmax": lambda: keras.layers.Dense(CLASSES, activation="softmax"),
    }
    model = keras.Sequential([keras.Input((SIDE, SIDE, WIDTH)), *(makes[word]() for word in head)])
    for ours, theirs in zip(model.variables, start, strict=True):
        ours.assign(theirs)
    model.compile(keras.optimizers.Adam(), "sparse_categorical_crossentropy")
    steps = 0
    from bench.config.schedule import learning_rates

    for epoch, rate in enumerate(learning_rates(recipe.schedule, recipe.epochs)):
        model.optimizer.learning_rate.assign(rate)
        order, views = epoch_order(seed, epoch, IMAGES), epoch_views(seed, epoch, IMAGES, recipe.views)
        for first in range(0, IMAGES, BATCH):
            rows = order[first : first + BATCH]
            model.train_on_batch(maps[views[rows], rows], labels[rows])
            steps += 1
    return model, steps


@pytest.mark.parametrize(
    "head", [("gap", "softmax"), ("batch_norm", "gap", "softmax"), ("gap", "batch_norm", "dense:6:relu", "softmax")]
)
@pytest.mark.parametrize("views", [1, 2])
def test_training_on_moments_is_exact(world, head, views):
    maps, labels = world
    wanted = recipe(head, views)
    trainer = HeadTrainer(wanted, WIDTH, CLASSES)
    trainer.restart(seed=3)
    start = [variable.numpy() for variable in trainer.model.variables]
    history = trainer.train(
        FeatureExamples(features(maps[:views]), labels),
        FeatureExamples(features(maps[:1]), labels),
        3,
        lambda row: None,
    )
    model, steps = reference(head, start, maps[:views], labels, wanted, 3)
    assert steps >= 50
    for ours, theirs in zip(trainer.model.variables, model.variables, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4, rtol=1e-4)
    probs = model.predict(maps[0], verbose=0)
    np.testing.assert_allclose(np.exp(trainer.log_probs(features(maps[:1]))), probs, atol=1e-4)
    assert history[-1].loss < 0.8 * history[0].loss
    assert history[-1].val_loss == pytest.approx(-np.log(probs[np.arange(IMAGES), labels]).mean(), abs=1e-4)


def test_the_test_could_fail(world):
    """Without the within-image variance BatchNorm's statistics are others: the agreement above is no accident."""
    maps, labels = world
    head, wanted = ("batch_norm", "gap", "softmax"), recipe(("batch_norm", "gap", "softmax"), 1)
    trainer = HeadTrainer(wanted, WIDTH, CLASSES)
    trainer.restart(seed=3)
    start = [variable.numpy() for variable in trainer.model.variables]
    flat = Features(features(maps[:1]).mean, np.zeros((1, IMAGES, WIDTH), np.float32))
    trainer.train(FeatureExamples(flat, labels), FeatureExamples(flat, labels), 3, lambda row: None)
    model, _ = reference(head, start, maps[:1], labels, wanted, 3)
    assert np.abs(np.exp(trainer.log_probs(flat)) - model.predict(maps[0], verbose=0)).max() > 1e-2


def test_a_second_seed_on_a_used_trainer_is_as_on_a_new_one(world):
    maps, labels = world
    wanted = recipe(("batch_norm", "gap", "dropout:0.3", "softmax"), 2, epochs=3)
    used, new = HeadTrainer(wanted, WIDTH, CLASSES), HeadTrainer(wanted, WIDTH, CLASSES)
    both, one = FeatureExamples(features(maps), labels), FeatureExamples(features(maps[:1]), labels)
    used.train(both, one, 0, lambda row: None)
    losses = [[row.loss for row in trainer.train(both, one, 1, lambda row: None)] for trainer in (used, new)]
    assert losses[0] == losses[1]
    np.testing.assert_array_equal(used.log_probs(one.features), new.log_probs(one.features))


def test_warming_up_leaves_no_trace(world):
    maps, labels = world
    wanted = recipe(("batch_norm", "gap", "softmax"), 1, epochs=2)
    warm, cold = HeadTrainer(wanted, WIDTH, CLASSES), HeadTrainer(wanted, WIDTH, CLASSES)
    data = FeatureExamples(features(maps[:1]), labels)
    assert warm.warm_up(data) > 0
    for trainer in (warm, cold):
        trainer.train(data, data, 0, lambda row: None)
    np.testing.assert_array_equal(warm.log_probs(data.features), cold.log_probs(data.features))


def test_log_probs_are_normalised(world):
    maps, _ = world
    trainer = HeadTrainer(recipe(("gap", "softmax"), 1, epochs=1), WIDTH, CLASSES)
    log_probs = trainer.log_probs(features(maps[:1] * 1000))
    assert log_probs.dtype == np.float32
    assert np.isfinite(log_probs).all()
    np.testing.assert_allclose(np.exp(log_probs).sum(axis=1), 1, atol=1e-5)


def test_a_loss_that_is_not_finite_names_its_step(world):
    maps, labels = world
    data = features(maps[:1])
    broken = Features(data.mean.copy(), data.variance)
    broken.mean[0, epoch_order(0, 0, IMAGES)[BATCH * 2]] = np.nan
    with pytest.raises(NonFiniteLossError, match="epoch 1, step 3"):
        HeadTrainer(recipe(("gap", "softmax"), 1), WIDTH, CLASSES).train(
            FeatureExamples(broken, labels), FeatureExamples(data, labels), 0, lambda row: None
        )


def test_a_head_that_needs_the_map_is_refused():
    with pytest.raises(ValueError, match="whole feature map"):
        pooled_head(parse_head(("batch_norm", "dropout:0.2", "gap", "softmax")), WIDTH, CLASSES, 0)


def test_a_pooled_head_can_be_saved_and_loaded(world, tmp_path):
    maps, _ = world
    model = pooled_head(parse_head(("batch_norm", "gap", "softmax")), WIDTH, CLASSES, 0)
    data = features(maps[:1])
    model([data.mean[0], data.variance[0]], training=True)
    model.save(tmp_path / "head.keras")
    loaded = keras.models.load_model(tmp_path / "head.keras")
    np.testing.assert_allclose(
        loaded([data.mean[0], data.variance[0]]), model([data.mean[0], data.variance[0]]), atol=1e-6
    )
    assert tf.is_tensor(loaded([data.mean[0], data.variance[0]]))

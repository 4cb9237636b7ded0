"""A run's network, optimizer, steps and examples, built from its configuration."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import tensorflow as tf

import backbones
from bench.config.run import RunConfig
from bench.training.features.bank import Origin
from bench.training.features.extraction import Extraction
from bench.training.features.map_bank import MapBanks, MapKey
from bench.training.loop.batches import Examples, PictureSource
from bench.training.loop.steps import Execution, Steps, Training
from bench.training.network.losses import class_weights
from bench.training.network.network import Network
from bench.training.network.optimizer import make_optimizer
from bench.training.network.scale import build_backbone, give_scale
from bench.training.results import JobContext
from bench.training.strategies import strategy_name


@dataclass(frozen=True)
class Batching:
    """How many images at a time. batch: per replica and step; micro_batch: per gradient, None for the whole batch."""

    batch: int
    micro_batch: int | None = None

    @property
    def at_once(self) -> int:
        """Images that must fit in memory together."""
        return self.micro_batch or self.batch


@dataclass(frozen=True)
class Preparation:
    """Cost of all that precedes the first step.

    Attributes:
        scale_seconds: giving a random network the scale of real images.
        extraction: of the maps that the run trains on; None: it trains on pictures.
    """

    scale_seconds: float = 0.0
    extraction: Extraction | None = None


class Assembly:
    """Data and strategy of a run; `training` builds the network anew for each batching that is tried."""

    def __init__(self, context: JobContext, config: RunConfig, strategy: tf.distribute.Strategy) -> None:
        self._context, self._config, self._strategy = context, config, strategy
        self.preparation = Preparation()  # of the last `training`

    def examples(self, splits: str) -> Examples:
        """Pictures and labels of a split, or of several joined by `+`, one after the other."""
        px = self._config.image_px
        stored = self._context.source.stored(px, *splits.split("+"))
        return Examples(PictureSource(stored, px), self._context.labels(splits))

    def training(self, batching: Batching) -> Training:
        """The network, its optimizer and its steps.

        Raises:
            UserError: the weights cannot be had, or are another network's.
        """
        config, strategy = self._config, self._strategy
        classes, replicas = len(self._context.index.class_names), strategy.num_replicas_in_sync
        schedule = config.recipe.schedule.scaled(config.lr_scale, replicas)
        recipe = config.recipe.model_copy(update={"schedule": schedule})
        adapter = backbones.get(config.backbone)
        start, scale_seconds = self._start(adapter)
        with strategy.scope():
            backbone = start if replicas == 1 else _rebuilt(adapter, start)
            network = Network.of(adapter, backbone, recipe, classes, config.seed)
            scaling = config.precision == "mixed_float16"
            optimizer = make_optimizer(recipe, network.trainable_variables, loss_scaling=scaling)
        train, val, extraction = self._inputs(network)
        self.preparation = Preparation(scale_seconds, extraction)
        execution = Execution(strategy, config.xla, batching.micro_batch)
        steps = Steps(network, recipe, optimizer, class_weights(recipe, train.labels, classes), execution)
        return Training(
            network=network,
            optimizer=optimizer,
            steps=steps,
            strategy=strategy,
            recipe=recipe,
            train=train,
            val=val,
            classes=classes,
            global_batch=batching.batch * replicas,
            seed=config.seed,
        )

    def _inputs(self, network: Network) -> tuple[Examples, Examples, Extraction | None]:
        """Examples to train on and to score: maps of the frozen front, if there is one and the disk has room."""
        config, recipe = self._config, self._config.recipe
        train, val = self.examples(config.train_on), self.examples("val")
        # Several workers would write the same files; colours have no end of views.
        if network.front is None or recipe.views == 0 or strategy_name(self._strategy) in ("multiworker", "tpu"):
            return train, val, None
        banks = MapBanks(self._context.store.banks, network, self._map_key(), self._context.job.bank_gib)
        reason = banks.missing_reason([(config.train_on, len(train), recipe.views), ("val", len(val), 1)])
        if reason:
            print(f"Trains without a bank: {reason}.")
            return train, val, None
        train, of_train = banks.examples(config.train_on, train, recipe.views)
        val, of_val = banks.examples("val", val, 1)
        startup = max(of_train.startup_seconds, of_val.startup_seconds)
        return train, val, Extraction(of_train.seconds, of_val.seconds, startup, of_train.shared)

    def _map_key(self) -> MapKey:
        config = self._config
        named = {"backbone", "image_px", "weights", "weights_seed", "precision", "deterministic", "plugin"}
        return MapKey(
            **config.model_dump(include=named),
            data_fingerprint=self._context.index.fingerprints[config.image_px],
            cut=config.recipe.first_trainable_stage or "head",
            split="train",
            view=0,
            origin=Origin.of_process(config.backbone),
        )

    def _start(self, adapter: backbones.Backbone) -> tuple[keras.Model, float]:
        """The backbone before training, and the seconds of giving a random one the scale of real images."""
        config, context = self._config, self._context
        backbone = build_backbone(adapter, context.job.weights, config.weights_seed)
        if config.weights != "random":
            return backbone, 0.0
        stored = context.source.stored(config.image_px, "train")
        return backbone, give_scale(backbone, adapter, stored, len(context.labels("train")), config.image_px)


def _rebuilt(adapter: backbones.Backbone, start: keras.Model) -> keras.Model:
    """The same network with variables on every replica."""
    model = adapter.build("random")
    for variable, value in zip(model.variables, start.variables, strict=True):
        variable.assign(value.numpy())
    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()  # EfficientNet's: it computes with a copy of its variables
    return model

"""From a run's configuration to everything its epochs need."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

import backbones
from bench.config import RunConfig
from bench.data.catalog import DataSource
from bench.data.index import DataIndex
from bench.training.feeding import Examples
from bench.training.loop import Execution, Steps
from bench.training.losses import class_weights
from bench.training.network import Network
from bench.training.optimizing import make_optimizer
from bench.training.picture_source import PictureSource
from bench.training.scaling import build_backbone, give_scale
from bench.training.setting import Training


@dataclass(frozen=True)
class Batching:
    """How many images at a time. batch: per replica and step; micro_batch: per gradient, None for the whole batch."""

    batch: int
    micro_batch: int | None = None

    @property
    def at_once(self) -> int:
        """Images that must fit in memory together."""
        return self.micro_batch or self.batch


class Assembly:
    """Data and strategy of a run; `training` builds the network anew for each batching that is tried."""

    def __init__(
        self, config: RunConfig, weights: str, source: DataSource, index: DataIndex, strategy: tf.distribute.Strategy
    ) -> None:
        """`weights` as the backbone takes them: a path for a file; `config` names them."""
        self._config, self._weights, self._source, self._index = config, weights, source, index
        self.strategy = strategy
        self.splits = [split for split in ("val", "test") if split in index.splits]

    def examples(self, *splits: str) -> Examples:
        """The pictures and labels of these splits, one after the other."""
        px = self._config.image_px
        shards = [shard for split in splits for shard in self._source.shards[px][split]]
        labels = np.concatenate([self._index.splits[split].labels for split in splits])
        return Examples(PictureSource(shards, px), labels)

    def training(self, batching: Batching) -> Training:
        """The network, its optimizer and its steps.

        Raises:
            UserError: weights that cannot be had, or another network's.
        """
        config, strategy = self._config, self.strategy
        classes = len(self._index.class_names)
        recipe = config.recipe.model_copy(
            update={"schedule": config.recipe.schedule.scaled(config.lr_scale, strategy.num_replicas_in_sync)}
        )
        adapter = backbones.get(config.backbone)
        start = self._start(adapter)
        with strategy.scope():
            backbone = start if strategy.num_replicas_in_sync == 1 else _rebuilt(adapter, start)
            network = Network.of(adapter, backbone, recipe, classes, config.seed)
            scaling = config.precision == "mixed_float16"
            optimizer = make_optimizer(recipe, network.trainable_variables, loss_scaling=scaling)
        train = self.examples(*config.train_on.split("+"))
        execution = Execution(strategy, config.xla, batching.micro_batch)
        steps = Steps(network, recipe, optimizer, class_weights(recipe, train.labels, classes), execution)
        return Training(
            network=network,
            optimizer=optimizer,
            steps=steps,
            strategy=strategy,
            recipe=recipe,
            train=train,
            val=self.examples("val"),
            classes=classes,
            global_batch=batching.batch * strategy.num_replicas_in_sync,
            seed=config.seed,
        )

    def _start(self, adapter: backbones.Backbone) -> keras.Model:
        """The backbone as training finds it; a random one has the scale of real images."""
        config = self._config
        backbone = build_backbone(adapter, self._weights, config.weights_seed)
        if config.weights == "random":
            shards = self._source.shards[config.image_px]["train"]
            give_scale(backbone, adapter, shards, len(self._index.splits["train"].ids), config.image_px)
        return backbone


def _rebuilt(adapter: backbones.Backbone, start: keras.Model) -> keras.Model:
    """The same network with variables on every replica."""
    model = adapter.build("random")
    for variable, value in zip(model.variables, start.variables, strict=True):
        variable.assign(value.numpy())
    return model

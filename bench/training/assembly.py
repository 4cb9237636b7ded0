"""From a run's configuration to everything its epochs need."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import backbones
from bench.config.run import RunConfig
from bench.data.index import DataIndex
from bench.data.source import DataSource
from bench.training.features.map_bank import Extraction, MapBanks, MapKey
from bench.training.loop.batches import Examples, PictureSource
from bench.training.loop.steps import Execution, Steps, Training
from bench.training.network.losses import class_weights
from bench.training.network.network import Network
from bench.training.network.optimizer import make_optimizer
from bench.training.network.scale import build_backbone, give_scale
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
class AssemblyRequest:
    """A run's configuration, and its weights as the backbone takes them: a path for a file."""

    config: RunConfig
    weights: str


@dataclass(frozen=True)
class Storage:
    """Where saved outputs of frozen parts lie, and how much disk they may take."""

    folder: Path
    gib: float


class Assembly:
    """Data and strategy of a run; `training` builds the network anew for each batching that is tried."""

    def __init__(
        self,
        run: AssemblyRequest,
        source: DataSource,
        index: DataIndex,
        strategy: tf.distribute.Strategy,
        storage: Storage,
    ) -> None:
        self._config, self._weights, self._source, self._index = run.config, run.weights, source, index
        self.strategy, self._storage = strategy, storage
        self.extraction: Extraction | None = None  # of the maps that `training` trains on

    def examples(self, *splits: str) -> Examples:
        """The pictures and labels of these splits, one after the other."""
        px = self._config.image_px
        labels = np.concatenate([self._index.splits[split].labels for split in splits])
        return Examples(PictureSource(self._source.stored(px, *splits), px), labels)

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
        train, val, self.extraction = self._fed(network)
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
            global_batch=batching.batch * strategy.num_replicas_in_sync,
            seed=config.seed,
        )

    def _fed(self, network: Network) -> tuple[Examples, Examples, Extraction | None]:
        """What trains and what scores: maps of the frozen front where there is one and the disk allows it."""
        config, recipe = self._config, self._config.recipe
        train, val = self.examples(*config.train_on.split("+")), self.examples("val")
        # Several workers would write the same files; and what changes colours has no end of views.
        if network.front is None or recipe.views == 0 or strategy_name(self.strategy) in ("multiworker", "tpu"):
            return train, val, None
        banks = MapBanks(self._storage.folder, network, self._map_key(), self._storage.gib)
        lack = banks.lack([(config.train_on, len(train), recipe.views), ("val", len(val), 1)])
        if lack:
            print(f"Trains without a bank: {lack}.")
            return train, val, None
        mapped, extraction = banks.examples(config.train_on, train, recipe.views)
        return mapped, banks.examples("val", val, 1)[0], extraction

    def _map_key(self) -> MapKey:
        config = self._config
        return MapKey(
            data_fingerprint=self._index.fingerprints[config.image_px],
            backbone=config.backbone,
            image_px=config.image_px,
            weights=config.weights,
            weights_seed=config.weights_seed,
            precision=config.precision,
            cut=config.recipe.first_trainable_stage or "head",
            split="train",
            view=0,
            plugin=config.plugin,
        )

    def _start(self, adapter: backbones.Backbone) -> keras.Model:
        """The backbone as training finds it; a random one has the scale of real images."""
        config = self._config
        backbone = build_backbone(adapter, self._weights, config.weights_seed)
        if config.weights == "random":
            stored = self._source.stored(config.image_px, "train")
            give_scale(backbone, adapter, stored, len(self._index.splits["train"].ids), config.image_px)
        return backbone


def _rebuilt(adapter: backbones.Backbone, start: keras.Model) -> keras.Model:
    """The same network with variables on every replica."""
    model = adapter.build("random")
    for variable, value in zip(model.variables, start.variables, strict=True):
        variable.assign(value.numpy())
    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()  # EfficientNet's: it computes with a copy of its variables
    return model

"""The bank: pooled features of a frozen backbone over a split, on disk, content-addressed, shared by recipes and seeds.

A frozen backbone returns the same features every epoch. One forward pass over each image (and each mirrored image,
where the recipe flips) is therefore all that the backbone is ever asked for.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np

import backbones
from bench.config.base import content_hash
from bench.config.run import RunConfig
from bench.data.augmentation import view_of
from bench.data.index import DataIndex
from bench.data.layout import SPLITS
from bench.data.reading import images, named_faults
from bench.data.source import DataSource
from bench.files import path_safe, write_json
from bench.training.device import has_accelerator
from bench.training.features.extraction import ACCELERATOR_BATCH_PIXELS, CPU_BATCH_PIXELS, Extractor, Pass, batch_size
from bench.training.features.head_trainer import Features
from bench.training.network.scale import build_backbone, give_scale

View = Literal["plain", "flipped", "turned1", "flipped1", "turned2", "flipped2", "turned3", "flipped3"]
# The order is that of `augment.view_of`: odd ones flipped left to right, then turned by so many quarters.
VIEWS: tuple[View, ...] = (
    "plain",
    "flipped",
    "turned1",
    "flipped1",
    "turned2",
    "flipped2",
    "turned3",
    "flipped3",
)
LAYOUT = 1  # of a bank; part of its key, so that an older one is not found rather than misread


@dataclass(frozen=True)
class BankKey:
    """All that a bank's numbers depend on."""

    data_fingerprint: str
    backbone: str
    image_px: int
    weights: str
    weights_seed: int
    split: str
    view: View
    plugin: str | None = None  # where the backbone comes from, if not from here

    @property
    def folder_name(self) -> str:
        """Readable, with a hash that is the identity."""
        digest = content_hash({"layout": LAYOUT, **without_none(self)})
        return f"{path_safe(self.backbone)}-{self.image_px}-{self.split}-{self.view}-{digest[:16]}"


@dataclass(frozen=True)
class BankTiming:
    """What the extraction took, kept beside the features because every run that uses them is charged for it."""

    images: int
    batch: int
    seconds: float  # of this split and view, without start-up
    startup_seconds: float  # of the whole pass: tracing, first-call overhead, re-estimated statistics
    ms_per_image: float  # median over the batches after the first
    gflops_per_image: float
    backbone_parameters: int


@dataclass(frozen=True)
class Bank:
    """One split, one view: mean and variance over positions, float32 (N, F), memory-mapped."""

    mean: np.ndarray
    variance: np.ndarray
    timing: BankTiming


def without_none(key: Any) -> dict[str, Any]:
    """A key as it is hashed: a field added later changes no old name."""
    return {name: value for name, value in asdict(key).items() if value is not None}


class BankFolder:
    """The folder of banks of a store."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def load(self, key: BankKey) -> Bank | None:
        """A saved bank, or None. A bank is whole or absent: it is renamed into place."""
        folder = self.root / key.folder_name
        if not (folder / "bank.json").is_file():
            return None
        timing = BankTiming(**json.loads((folder / "bank.json").read_text())["timing"])
        mean, variance = (
            np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in ("mean", "variance")
        )
        return Bank(mean, variance, timing)

    def save(self, key: BankKey, bank: Bank) -> None:
        """Writes a bank under a temporary name and renames it. One that is there already stays."""
        temporary = self.root / f".{key.folder_name}-{uuid.uuid4().hex[:8]}"
        temporary.mkdir(parents=True)
        try:
            np.save(temporary / "mean.npy", bank.mean, allow_pickle=False)
            np.save(temporary / "variance.npy", bank.variance, allow_pickle=False)
            write_json(temporary / "bank.json", {"key": asdict(key), "timing": asdict(bank.timing)})
            if not (self.root / key.folder_name).exists():
                temporary.rename(self.root / key.folder_name)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


Slot = tuple[str, View]  # split and view
OnImages = Callable[[int, int], None]  # images done, of how many
VIEWS_AT_ONCE = 2  # of each picture that is read; more would be held in memory together


@dataclass(frozen=True)
class BankSet:
    """All that a run needs of the backbone. `shared`: nothing had to be extracted for it."""

    banks: Mapping[Slot, Bank]
    shared: bool

    def features(self, split: str, views: int = 1) -> Features:
        """Pooled features of a split, its views stacked."""
        banks = [self.banks[split, view] for view in VIEWS[:views]]
        return Features(np.stack([bank.mean for bank in banks]), np.stack([bank.variance for bank in banks]))

    def trained(self, splits: Sequence[str], views: int) -> Features:
        """Pooled features of several splits, one after the other, their views stacked."""
        found = [self.features(split, views) for split in splits]
        return Features(
            np.concatenate([part.mean for part in found], axis=1),
            np.concatenate([part.variance for part in found], axis=1),
        )

    def timing(self, split: str, view: View = "plain") -> BankTiming:
        """The clock of one bank."""
        return self.banks[split, view].timing


class FeatureMaker:
    """Banks of one backbone with one set of weights over one data set, at any resolution."""

    def __init__(
        self, weights: str, folder: BankFolder, source: DataSource, index: DataIndex, config: RunConfig
    ) -> None:
        """`weights` as the backbone takes them (a path for a file); `config` names them, and the backbone."""
        self._weights, self._folder, self._source, self._index = weights, folder, source, index
        self._config = config
        self._adapter = backbones.get(config.backbone)
        self._scale_px: int | None = None  # the resolution whose scale a random network has

    def banks(self, image_px: int, views: int, on_images: OnImages, trained: Sequence[str] = ("train",)) -> BankSet:
        """The banks of every split, and of `views` views of the `trained` ones; extracts those that are not there.

        Raises:
            UserError: weights of another network, or a picture that cannot be read any more.
        """
        slots = [
            *((split, VIEWS[0]) for split in SPLITS if split in self._index.splits),
            *((split, view) for view in VIEWS[1:views] for split in trained),
        ]
        keys = {slot: self._key(image_px, slot) for slot in slots}
        missing = [slot for slot in slots if self._folder.load(keys[slot]) is None]
        if missing:
            for slot, bank in self._extract(image_px, missing, on_images):
                self._folder.save(keys[slot], bank)
        return BankSet({slot: self._loaded(keys[slot]) for slot in slots}, shared=not missing)

    def network(self, image_px: int) -> keras.Model:
        """The backbone that banks of this resolution are made with.

        Raises:
            UserError: weights of another network.
        """
        if self._scale_px != image_px:
            self._scaled(image_px)
        return self._model

    @cached_property
    def _model(self) -> keras.Model:
        model = build_backbone(self._adapter, self._weights, self._config.weights_seed)
        model.trainable = False
        return model

    def _key(self, image_px: int, slot: Slot) -> BankKey:
        config = self._config
        fingerprint = self._index.fingerprints[image_px]
        return BankKey(
            fingerprint, config.backbone, image_px, config.weights, config.weights_seed, *slot, plugin=config.plugin
        )

    def _loaded(self, key: BankKey) -> Bank:
        bank = self._folder.load(key)
        if bank is None:
            raise RuntimeError(f"bank {key.folder_name} vanished while it was used")
        return bank

    def _extract(self, image_px: int, missing: Sequence[Slot], on_images: OnImages) -> Iterator[tuple[Slot, Bank]]:
        total = sum(self._count(split) for split, _ in missing)
        batch = batch_size(total, image_px, ACCELERATOR_BATCH_PIXELS if has_accelerator() else CPU_BATCH_PIXELS)
        extractor = Extractor(self._model, self._adapter.prepare, batch, image_px)
        before_first = self._scaled(image_px)
        views = [view for view in VIEWS if any(missing_view == view for _, missing_view in missing)]
        done = 0
        for first in range(0, len(views), VIEWS_AT_ONCE):
            of_view = {
                view: [split for split in SPLITS if (split, view) in missing]
                for view in views[first : first + VIEWS_AT_ONCE]
            }
            passes = self._passes(extractor, of_view, partial(_shifted, on_images, done, total))
            for (view, splits), passed in zip(of_view.items(), passes, strict=True):
                charged = replace(passed, startup_seconds=passed.startup_seconds + before_first)
                yield from self._divide(charged, splits, view, extractor)
                before_first = 0.0
                done += sum(map(self._count, splits))

    def _scaled(self, image_px: int) -> float:
        """Gives a random network statistics and scale of real images, at this resolution. Returns the seconds."""
        if self._config.weights != "random":
            return 0.0
        stored = self._source.stored(image_px, "train")
        self._scale_px = image_px
        return give_scale(self._model, self._adapter, stored, self._count("train"), image_px)

    def _passes(
        self, extractor: Extractor, of_view: Mapping[View, Sequence[str]], on_images: Callable[[int], None]
    ) -> list[Pass]:
        """A pass for each view over its splits; each picture is read and decoded once, however many views it has."""
        splits = [split for split in SPLITS if any(split in chosen for chosen in of_view.values())]
        counts = [self._count(split) for split in splits]
        wanted = {view: np.repeat([split in chosen for split in splits], counts) for view, chosen in of_view.items()}
        stored = self._source.stored(extractor.image_px, *splits)
        with named_faults(stored.paths):
            batches = _views(images(stored, extractor.batch), wanted)
            return extractor.run(batches, [int(rows.sum()) for rows in wanted.values()], on_images)

    def _divide(
        self, passed: Pass, splits: Sequence[str], view: View, extractor: Extractor
    ) -> Iterator[tuple[Slot, Bank]]:
        """Cuts a pass over several splits into a bank for each."""
        gflops, parameters = extractor.gflops_per_image(), int(self._model.count_params())
        end = 0
        for split in splits:
            start, end = end, end + self._count(split)
            timing = BankTiming(
                images=end - start,
                batch=passed.batch,
                seconds=float(passed.seconds[start:end].sum()),
                startup_seconds=passed.startup_seconds,
                ms_per_image=passed.ms_per_image,
                gflops_per_image=gflops,
                backbone_parameters=parameters,
            )
            yield (split, view), Bank(passed.mean[start:end], passed.variance[start:end], timing)

    def _count(self, split: str) -> int:
        return len(self._index.splits[split].ids)


def _views(batches: Iterable[Any], wanted: Mapping[View, np.ndarray]) -> Iterator[list[Any]]:
    """Each batch as it looks in every view, with the rows that are wanted of it there."""
    start = 0
    for pictures in batches:
        end = start + int(pictures.shape[0])
        chosen = {VIEWS.index(view): pictures[rows[start:end]] for view, rows in wanted.items()}
        yield [view_of(found, view) for view, found in chosen.items()]
        start = end


def _shifted(on_images: OnImages, before: int, total: int, now: int) -> None:
    on_images(before + now, total)

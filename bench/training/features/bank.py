"""Banks: pooled features of a frozen backbone over a split, on disk, content-addressed, shared by recipes and seeds.

A frozen backbone returns the same features every epoch. One forward pass over each image, and over each of its views if
the recipe augments, therefore replaces all others. `BankFolder` saves and loads banks, `FeatureMaker` makes those that
a run needs, each picture being read once for all its missing views.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal, get_args

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
from bench.environment import kernels, versions
from bench.files import path_safe, write_json
from bench.training.code import feature_code
from bench.training.device import device_name
from bench.training.features.extraction import Extractor, Pass, batch_size
from bench.training.features.head_trainer import Features
from bench.training.network.scale import build_backbone, give_scale

# In the order of `view_of`: odd ones flipped left to right, then turned by so many quarters.
View = Literal["plain", "flipped", "turned1", "flipped1", "turned2", "flipped2", "turned3", "flipped3"]
VIEWS: tuple[View, ...] = get_args(View)
VIEWS_AT_ONCE = 2  # of each picture that is read; more would be held in memory together

Slot = tuple[str, View]  # split and view
OnImages = Callable[[int, int], None]  # images done, of how many


@dataclass(frozen=True)
class Origin:
    """Machine and code that make features: their clock is no other machine's, and other kernels round otherwise."""

    device: str
    kernels: str
    code: str
    tensorflow: str
    keras: str

    @classmethod
    def of_process(cls, backbone: str) -> Origin:
        """That of features of this backbone that this process makes."""
        found = versions()
        return cls(device_name(), kernels(), feature_code(backbone), found["tensorflow"], found["keras"])


@dataclass(frozen=True)
class BankKey:
    """All that a bank's numbers and its clock depend on."""

    data_fingerprint: str
    backbone: str
    image_px: int
    weights: str
    weights_seed: int
    split: str
    view: View
    origin: Origin
    plugin: str | None = None  # that registers the backbone; None: one of ours

    @property
    def folder_name(self) -> str:
        """Readable, with a hash that is the identity."""
        return folder_name(self, "pooled", self.split, self.view)


@dataclass(frozen=True)
class BankTiming:
    """Clock of an extraction, saved with the features because every run that uses them is charged for it."""

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


def folder_name(key: Any, kind: str, *parts: object) -> str:
    """Name of a bank's folder: backbone, resolution, `parts`, and a hash of the kind of bank and its key."""
    digest = content_hash({kind: asdict(key)})
    return "-".join(map(str, (path_safe(key.backbone), key.image_px, *parts, digest[:16])))


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder, renamed to `folder` at the end; if another process made that meanwhile, removed."""
    temporary = folder.with_name(f".{folder.name}-{uuid.uuid4().hex[:8]}")
    temporary.mkdir(parents=True)
    try:
        yield temporary
        try:
            temporary.rename(folder)
        except OSError:
            if not folder.exists():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


class BankFolder:
    """The folder of banks of a store."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __contains__(self, key: BankKey) -> bool:
        return (self.root / key.folder_name / "bank.json").is_file()

    def load(self, key: BankKey) -> Bank:
        """A saved bank, memory-mapped.

        Raises:
            FileNotFoundError: names the folder of a bank that is not there.
        """
        folder = self.root / key.folder_name
        timing = BankTiming(**json.loads((folder / "bank.json").read_text())["timing"])
        mean, variance = (np.load(folder / f"{name}.npy", "r", allow_pickle=False) for name in ("mean", "variance"))
        return Bank(mean, variance, timing)

    def save(self, key: BankKey, bank: Bank) -> None:
        """Writes a bank; an existing one stays."""
        with new_folder(self.root / key.folder_name) as folder:
            np.save(folder / "mean.npy", bank.mean, allow_pickle=False)
            np.save(folder / "variance.npy", bank.variance, allow_pickle=False)
            write_json(folder / "bank.json", {"key": asdict(key), "timing": asdict(bank.timing)})


@dataclass(frozen=True)
class BankSet:
    """All banks that a run needs. `shared`: nothing was extracted for it."""

    banks: Mapping[Slot, Bank]
    shared: bool

    def features(self, splits: str, views: int = 1) -> Features:
        """Pooled features of a split, or of several joined by `+`, one after the other; views stacked."""

        def stacked(moment: str) -> np.ndarray:
            parts = [[getattr(self.banks[split, view], moment) for split in names] for view in VIEWS[:views]]
            return np.stack([np.concatenate(of_view) for of_view in parts])

        names = splits.split("+")
        return Features(stacked("mean"), stacked("variance"))

    def timing(self, split: str, view: View = "plain") -> BankTiming:
        """The clock of one bank."""
        return self.banks[split, view].timing


class FeatureMaker:
    """Banks of one backbone with one set of weights over one data set, at any resolution."""

    def __init__(
        self, weights: str, folder: BankFolder, source: DataSource, index: DataIndex, config: RunConfig
    ) -> None:
        """`weights`: imagenet, random, or the path of a file. `config` names the backbone and the weights."""
        self._weights, self._folder, self._source, self._index = weights, folder, source, index
        self._config = config
        self._adapter = backbones.get(config.backbone)
        self._scale_px: int | None = None  # the resolution whose scale a random network has

    def banks(self, image_px: int, views: int, on_images: OnImages, train_on: str = "train") -> BankSet:
        """Banks of every split, and of `views` views of the splits to train on, joined by `+`; missing ones are made.

        Raises:
            UserError: weights of another network, or a picture that cannot be read any more.
        """
        slots = [
            *((split, VIEWS[0]) for split in SPLITS if split in self._index.splits),
            *((split, view) for view in VIEWS[1:views] for split in train_on.split("+")),
        ]
        keys = {slot: self._key(image_px, slot) for slot in slots}
        missing = [slot for slot in slots if keys[slot] not in self._folder]
        for slot, bank in self._extract(image_px, missing, on_images) if missing else ():
            self._folder.save(keys[slot], bank)
        return BankSet({slot: self._folder.load(keys[slot]) for slot in slots}, shared=not missing)

    def network(self, image_px: int) -> keras.Model:
        """The backbone that makes banks of this resolution.

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

    @cached_property
    def _origin(self) -> Origin:
        return Origin.of_process(self._config.backbone)

    def _key(self, image_px: int, slot: Slot) -> BankKey:
        config, fingerprint = self._config, self._index.fingerprints[image_px]
        identity = config.backbone, image_px, config.weights, config.weights_seed
        return BankKey(fingerprint, *identity, *slot, self._origin, config.plugin)

    def _extract(self, image_px: int, missing: Sequence[Slot], on_images: OnImages) -> Iterator[tuple[Slot, Bank]]:
        total = sum(self._count(split) for split, _ in missing)
        # Not of the missing ones: milliseconds per image must not depend on the banks that earlier runs left.
        batch = batch_size(sum(map(self._count, self._index.splits)), image_px)
        extractor = Extractor(self._model, self._adapter.prepare, batch, image_px)
        before_first = self._scaled(image_px)
        views = [view for view in VIEWS if any(missing_view == view for _, missing_view in missing)]
        done = 0
        for first in range(0, len(views), VIEWS_AT_ONCE):
            now = views[first : first + VIEWS_AT_ONCE]
            of_view = {view: [split for split in SPLITS if (split, view) in missing] for view in now}
            passes = self._passes(extractor, of_view, partial(_shifted, on_images, done, total))
            for (view, splits), passed in zip(of_view.items(), passes, strict=True):
                charged = replace(passed, startup_seconds=passed.startup_seconds + before_first)
                yield from self._divide(charged, splits, view, extractor)
                before_first = 0.0
                done += sum(map(self._count, splits))

    def _scaled(self, image_px: int) -> float:
        """Gives a random network the scale of real images at this resolution. Returns the seconds."""
        if self._config.weights != "random":
            return 0.0
        stored = self._source.stored(image_px, "train")
        self._scale_px = image_px
        return give_scale(self._model, self._adapter, stored, self._count("train"), image_px)

    def _passes(
        self, extractor: Extractor, of_view: Mapping[View, Sequence[str]], on_images: Callable[[int], None]
    ) -> list[Pass]:
        """A pass for each view over its splits; each picture is read and decoded once for all of them."""
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
    """Each batch in every view, reduced to the rows that the view wants."""
    start = 0
    for pictures in batches:
        end = start + int(pictures.shape[0])
        chosen = {VIEWS.index(view): pictures[rows[start:end]] for view, rows in wanted.items()}
        yield [view_of(found, view) for view, found in chosen.items()]
        start = end


def _shifted(on_images: OnImages, before: int, total: int, now: int) -> None:
    on_images(before + now, total)

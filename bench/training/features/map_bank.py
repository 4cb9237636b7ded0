"""Banks at a cut: maps of every image and view from the frozen front of a network, on disk and memory-mapped."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from bench.data.augmentation import view_of
from bench.files import write_json
from bench.store.claims import Claims
from bench.training.clock import first_call_excess
from bench.training.features.bank import Origin, folder_name, new_folder
from bench.training.features.extraction import CPU_BATCH_PIXELS, traced
from bench.training.loop.batches import Examples
from bench.training.network.network import Network

_DISK_SHARE = 0.9  # of the free disk: the rest is left to other processes


@dataclass(frozen=True)
class MapKey:
    """All that the maps of one split and view, and their clock, depend on."""

    data_fingerprint: str
    backbone: str
    image_px: int
    weights: str
    weights_seed: int
    precision: str
    deterministic: bool
    cut: str  # the first stage that trains, or `head`
    split: str
    view: int
    origin: Origin
    plugin: str | None = None  # that registers the backbone; None: one of ours

    @property
    def folder_name(self) -> str:
        """Readable, with a hash that is the identity."""
        return folder_name(self, "map", self.cut, self.split, self.view)


@dataclass(frozen=True)
class MapTiming:
    """Clock of the maps of a split in all views; start-up counts once. `shared`: another run made them."""

    seconds: float
    startup_seconds: float
    shared: bool


class MapSource:
    """Saved maps by row and view: float32 (b, h, w, F)."""

    def __init__(self, views: Sequence[npt.NDArray[np.float32]]) -> None:
        """`views`: for each view the maps (N, h, w, F)."""
        self._views = views
        self.spec = tf.TensorSpec((None, *views[0].shape[1:]), tf.float32)

    def lookup(self, rows: Any, views: Any) -> Any:
        """The maps of these rows in these views."""
        return tf.numpy_function(self._gathered, [rows, views], tf.float32, stateful=False)

    def _gathered(self, rows: npt.NDArray[np.int64], views: npt.NDArray[np.int32]) -> npt.NDArray[np.float32]:
        return np.stack([self._views[view][row] for row, view in zip(rows, views, strict=True)])


class MapBanks:
    """Maps of one network, in the folder of banks of a store."""

    def __init__(self, root: Path, network: Network, key: MapKey, budget_gib: float) -> None:
        """`network`: with a front. `key`: of any split and view. `budget_gib`: disk that new maps may take."""
        front, prepare, px = network.front, network.adapter.prepare, key.image_px
        assert front is not None
        self._root, self._key, self._budget_gib = root, key, budget_gib
        self._map_shape = tuple(int(side) for side in front.compute_output_shape((1, px, px, 3))[1:])

        def maps(images: Any) -> Any:
            return tf.cast(front(prepare(images), training=False), tf.float32)

        signature = tf.TensorSpec((None, px, px, 3), tf.uint8)
        self._maps = tf.function(maps, input_signature=[signature], autograph=False)

    def missing_reason(self, wanted: Sequence[tuple[str, int, int]]) -> str | None:
        """Why the disk has no room for the maps of these (split, images, views), or None."""
        missing = sum(
            images for split, images, views in wanted for view in range(views) if not self._path(split, view).is_file()
        )
        needed = missing * int(4 * np.prod(self._map_shape)) / 2**30
        self._root.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self._root).free / 2**30
        if needed > self._budget_gib:
            return f"the frozen part's outputs take {needed:.1f} GiB, --bank-gib allows {self._budget_gib:g}"
        if needed > _DISK_SHARE * free:
            return f"the frozen part's outputs take {needed:.1f} GiB, and {free:.1f} GiB of disk are free"
        return None

    def examples(self, split: str, pictures: Examples, views: int) -> tuple[Examples, MapTiming]:
        """Maps in place of pictures, made if missing, and the clock of all views."""
        missing = [view for view in range(views) if not self._path(split, view).is_file()]
        made = [view for view in missing if self._make(split, view, pictures)]
        maps = [np.load(self._path(split, view), mmap_mode="r", allow_pickle=False) for view in range(views)]
        facts = [json.loads((self._folder(split, view) / "bank.json").read_text()) for view in range(views)]
        seconds, startup = ([content[name] for content in facts] for name in ("seconds", "startup_seconds"))
        return Examples(MapSource(maps), pictures.labels), MapTiming(sum(seconds), max(startup), not made)

    def _folder(self, split: str, view: int) -> Path:
        return self._root / replace(self._key, split=split, view=view).folder_name

    def _path(self, split: str, view: int) -> Path:
        return self._folder(split, view) / "maps.npy"

    def _make(self, split: str, view: int, pictures: Examples) -> bool:
        """Makes the maps of a view; False: another process made them meanwhile."""
        key = replace(self._key, split=split, view=view)
        with Claims(self._root.parent).take(key.folder_name, wait=True):
            if self._path(split, view).is_file():
                return False
            with new_folder(self._root / key.folder_name) as folder:
                seconds, startup = self._fill(folder / "maps.npy", view, pictures)
                write_json(folder / "bank.json", {"key": asdict(key), "seconds": seconds, "startup_seconds": startup})
        return True

    def _fill(self, path: Path, view: int, pictures: Examples) -> tuple[float, float]:
        """Runs the front over all pictures. Returns the seconds, waiting for pictures included, and those of start-up.

        Writing the maps is in neither: an epoch without them would not write.
        """
        trace_seconds = traced(self._maps)
        maps = np.lib.format.open_memmap(path, "w+", np.float32, (len(pictures), *self._map_shape))
        feed = _in_order(pictures, max(1, CPU_BATCH_PIXELS // self._key.image_px**2))  # its graph is traced unclocked
        calls: list[float] = []
        waited, start, asked = 0.0, 0, time.perf_counter()
        for inputs in feed:
            began = time.perf_counter()
            found = self._maps(view_of(inputs, view)).numpy()
            calls.append(time.perf_counter() - began)
            waited += began - asked
            maps[start : start + len(found)] = found
            start, asked = start + len(found), time.perf_counter()
        maps.flush()
        excess = first_call_excess(calls)
        return waited + sum(calls) - excess, trace_seconds + excess


def _in_order(pictures: Examples, batch: int) -> tf.data.Dataset:
    rows = tf.data.Dataset.range(len(pictures)).batch(batch)
    feed = rows.map(lambda found: pictures.source.lookup(found, found), num_parallel_calls=tf.data.AUTOTUNE)
    return feed.prefetch(tf.data.AUTOTUNE)

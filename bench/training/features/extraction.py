"""Extraction: one forward pass of a frozen backbone, pooled moments of every image, with the clock per image."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from bench.training.clock import first_call_excess
from bench.training.device import gflops, has_accelerator
from bench.training.features.head_trainer import Floats

# Images of one call, by pixels: large enough to fill the device, small enough that VGG16's first maps fit in memory.
CPU_BATCH_PIXELS = 8 * 512 * 512
ACCELERATOR_BATCH_PIXELS = 64 * 512 * 512
MAX_BATCH = 64


def batch_size(images: int, image_px: int, budget_pixels: int | None = None) -> int:
    """Images per call: within the budget (None: that of the device), with little padding of the last batch."""
    budget_pixels = budget_pixels or (ACCELERATOR_BATCH_PIXELS if has_accelerator() else CPU_BATCH_PIXELS)
    most = max(1, min(MAX_BATCH, budget_pixels // image_px**2, images))
    return min(range(math.ceil(most / 2), most + 1), key=lambda size: (-images % size, -size))


def traced(function: Any) -> float:
    """Traces a `tf.function` that has a signature, unless it is traced already. Returns the seconds."""
    started = time.perf_counter()
    function.get_concrete_function()
    return time.perf_counter() - started


@dataclass(frozen=True)
class Extraction:
    """Cost of the frozen outputs that a run uses.

    Attributes:
        seconds: of the images to train on, in all views.
        eval_seconds: of the validation images, unless they are trained on.
        startup_seconds: tracing and first calls, once.
        shared: another run made all of them.
    """

    seconds: float
    eval_seconds: float
    startup_seconds: float
    shared: bool


@dataclass(frozen=True)
class Pass:
    """Outputs and clock of one pass over N images.

    Attributes:
        mean, variance: float32 (N, F).
        seconds: float64 (N,), each image's share of its batch, waiting for pictures included.
        startup_seconds: tracing, and of the first call beyond an ordinary one.
        ms_per_image: of an ordinary batch, without waiting for pictures.
    """

    mean: Floats
    variance: Floats
    seconds: np.ndarray
    startup_seconds: float
    ms_per_image: float
    batch: int


class _Clock:
    """Outputs and clock of the batches of one view; filled in place, since features may be many."""

    def __init__(self, images: int, batch: int) -> None:
        self._images, self._batch = images, batch
        self._batches: list[tuple[int, float, float]] = []  # images, seconds of the call, seconds waited for pictures
        self._mean = self._variance = np.empty((0, 0), np.float32)

    def take(self, moments: Callable[[Any], tuple[Floats, Floats]], pictures: Any, waited: float) -> None:
        started = time.perf_counter()
        mean, variance = moments(pictures)
        seconds = time.perf_counter() - started
        if not self._batches:
            self._mean, self._variance = (np.empty((self._images, mean.shape[1]), np.float32) for _ in range(2))
        start = sum(size for size, _, _ in self._batches)
        rows = slice(start, start + len(mean))
        self._mean[rows], self._variance[rows] = mean, variance
        self._batches.append((len(mean), seconds, waited))

    def passed(self, trace_seconds: float) -> Pass:
        sizes, seconds, waited = map(np.array, zip(*self._batches, strict=True))
        excess = first_call_excess(seconds.tolist())
        ordinary = float(np.median(seconds[1:] if len(seconds) > 1 else seconds))
        seconds[0] -= excess
        shares = np.repeat((seconds + waited) / sizes, sizes)
        startup = trace_seconds + excess
        return Pass(self._mean, self._variance, shares, startup, 1000 * ordinary / self._batch, self._batch)


class Extractor:
    """A built backbone as one graph of fixed shape, `batch` images of `image_px`, from pixels to pooled moments."""

    def __init__(self, model: keras.Model, prepare: Callable[[Any], Any], batch: int, image_px: int) -> None:
        self.batch, self.image_px = batch, image_px
        self._model, self._prepare = model, prepare
        signature = tf.TensorSpec((batch, image_px, image_px, 3), tf.uint8)
        self._moments = tf.function(self._moments_graph, input_signature=[signature], autograph=False)

    def gflops_per_image(self) -> float:
        """Forward floating-point operations of one image (2 x multiply-adds) in 1e9, by TensorFlow's profiler."""
        return gflops(self._moments.get_concrete_function().graph, self.batch)

    def run(
        self, batches: Iterable[Sequence[Any]], images: Sequence[int], on_images: Callable[[int], None]
    ) -> list[Pass]:
        """Runs the backbone over batches of pictures, each in one or several views.

        Args:
            batches: of each batch, one uint8 (b, px, px, 3) a view; b may be 0 if a view wants nothing of it.
            images: number of images of each view.
            on_images: called with the number of images done, each view counted.

        Returns:
            A pass for each view.
        """
        trace_seconds = traced(self._moments)
        clocks = [_Clock(count, self.batch) for count in images]
        done, asked = 0, time.perf_counter()
        for views in batches:
            wanted = [pair for pair in zip(clocks, views, strict=True) if pair[1].shape[0]]
            waited = (time.perf_counter() - asked) / max(1, len(wanted))
            for clock, pictures in wanted:
                clock.take(self._padded, pictures, waited)
                done += int(pictures.shape[0])
                on_images(done)
            asked = time.perf_counter()
        return [clock.passed(0.0 if number else trace_seconds) for number, clock in enumerate(clocks)]

    def _padded(self, images: Any) -> tuple[Floats, Floats]:
        present = int(images.shape[0])
        if present < self.batch:  # a second shape would be traced and compiled again for a handful of images
            images = tf.pad(images, [[0, self.batch - present], [0, 0], [0, 0], [0, 0]])
        mean, variance = self._moments(images)
        return np.asarray(mean)[:present], np.asarray(variance)[:present]

    def _moments_graph(self, images: Any) -> tuple[Any, Any]:
        maps = tf.cast(self._model(self._prepare(images), training=False), tf.float32)
        # tf.nn.moments takes two passes: mean of squares minus squared mean gives NaN if the spread is small.
        mean, variance = tf.nn.moments(maps, axes=[1, 2])
        return mean, variance

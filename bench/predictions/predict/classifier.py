"""Classification of picture files with kept networks: each picture is read once, for all networks."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

import backbones
from bench.data.imports.pictures import Square, UnreadableError, load
from bench.data.reading import resized
from bench.environment import cores
from bench.errors import UserError
from bench.jobs.messages import Emit, Kept, PredictJob, Progress
from bench.plugins import use_again
from bench.predictions.predict.networks import NetworkOutputs, UnreadablePicture
from bench.training.features.extraction import MAX_BATCH, batch_size
from bench.training.kept import load_kept
from bench.training.loop.prediction import Floats

Pixels = npt.NDArray[np.uint8]
_CHUNKS_AHEAD = 2  # read while another is classified


def handle(job: PredictJob, emit: Emit, _: Path) -> None:
    """Handler for `predict` jobs."""
    use_again(job.plugins)
    classify(job, emit)


def classify(job: PredictJob, emit: Emit) -> None:
    """Classifies the pictures of a job and writes `NetworkOutputs` to its file `out`.

    Raises:
        UserError: weights that cannot be had, or a batch that does not fit in memory.
    """
    emit(Progress(run_id="", phase="building the networks", total=len(job.networks)))
    classifiers = [Classifier(kept, job.batch, len(job.pictures)) for kept in job.networks]
    faults: list[UnreadablePicture] = []
    probs: list[list[Floats]] = [[] for _ in classifiers]
    done = 0
    for chunk in _chunks(job, sorted({classifier.source_px for classifier in classifiers})):
        readable = len(next(iter(chunk.pictures.values())))
        done += readable + len(chunk.faults)
        faults += chunk.faults
        wanted = readable if job.skip_unreadable or not faults else 0
        for classifier, found in zip(classifiers, probs, strict=True):
            found.append(classifier(chunk.pictures[classifier.source_px][:wanted]))
        emit(Progress(run_id="", phase="classifying", done=done, total=len(job.pictures)))
    NetworkOutputs(np.stack([np.concatenate(found) for found in probs]), faults).save(Path(job.out))


class Classifier:
    """A kept network as one graph of fixed shape."""

    def __init__(self, kept: Kept, batch: int | None, pictures: int) -> None:
        """`batch`: pictures at once; None: as many as the device holds, at most `pictures`, the number to come."""
        self.image_px, self.source_px = kept.image_px, kept.image_source_px or kept.image_px
        self._batch = batch or batch_size(pictures, kept.image_px)
        model, adapter = load_kept(kept), backbones.get(kept.backbone)
        signature = tf.TensorSpec((self._batch, self.source_px, self.source_px, 3), tf.uint8)

        def probabilities(pictures: tf.Tensor) -> tf.Tensor:
            images = pictures if kept.image_source_px is None else resized(pictures, kept.image_px)
            return model(adapter.prepare(images), training=False)

        self._graph = tf.function(probabilities, input_signature=[signature], autograph=False)
        self._classes = int(model.output_shape[-1])

    def __call__(self, pictures: Pixels) -> Floats:
        """Pictures (n, px, px, 3) of `source_px`, any number of them, to probabilities (n, C).

        Raises:
            UserError: a batch does not fit in memory.
        """
        starts = range(0, len(pictures), self._batch)
        try:
            found = [self._padded(pictures[start : start + self._batch]) for start in starts]
        except tf.errors.ResourceExhaustedError:
            raise UserError(
                f"{self._batch} pictures of {self.image_px} px at once do not fit in memory: "
                f"try --batch {max(1, self._batch // 2)}."
            ) from None
        return np.concatenate([np.zeros((0, self._classes), np.float32), *found])

    def _padded(self, pictures: Pixels) -> Floats:
        padding = ((0, self._batch - len(pictures)), (0, 0), (0, 0), (0, 0))
        found: Floats = np.asarray(self._graph(tf.constant(np.pad(pictures, padding))))[: len(pictures)]
        return found


@dataclass(frozen=True)
class _Chunk:
    """Readable pictures, px -> (n, px, px, 3), and the rows of the others with the reason."""

    pictures: dict[int, Pixels]
    faults: Sequence[UnreadablePicture]


def _chunks(job: PredictJob, resolutions: Sequence[int]) -> Iterator[_Chunk]:
    size = max(MAX_BATCH, job.batch or 0)
    with ThreadPoolExecutor(cores()) as pool:
        ahead: deque[tuple[int, list[Future[Any]]]] = deque()
        for start in range(0, len(job.pictures), size):
            files = job.pictures[start : start + size]
            ahead.append((start, [pool.submit(_read, path, resolutions, job.square) for path in files]))
            if len(ahead) > _CHUNKS_AHEAD:
                yield _gathered(*ahead.popleft(), resolutions)
        while ahead:
            yield _gathered(*ahead.popleft(), resolutions)


def _read(path: str, resolutions: Sequence[int], square: Square) -> dict[int, Pixels] | str:
    """px -> the picture, or the reason why it cannot be read."""
    try:
        return {px: np.asarray(image) for px, image in load(path, resolutions, square).items()}
    except UnreadableError as error:
        return str(error)


def _gathered(start: int, reading: Sequence[Future[Any]], resolutions: Sequence[int]) -> _Chunk:
    found = [future.result() for future in reading]
    faults = [UnreadablePicture(row, reason) for row, reason in enumerate(found, start) if isinstance(reason, str)]
    readable = [pictures for pictures in found if not isinstance(pictures, str)]
    stacked = {
        px: np.array([pictures[px] for pictures in readable], np.uint8).reshape(-1, px, px, 3) for px in resolutions
    }
    return _Chunk(stacked, faults)

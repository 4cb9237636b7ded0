"""`bench data show`, in the child: sheets of training pictures as the network receives them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from PIL import Image

from bench.config.recipe import load_recipe
from bench.data import records
from bench.data.augmentation import Augmentation, augment, epoch_changes
from bench.data.reading import Stored, named_faults
from bench.data.remote.copies import open_for_job
from bench.data.sheets import Cell, SheetRow, sheet
from bench.data.source import DataSource
from bench.errors import UserError
from bench.files import write_atomic
from bench.jobs.messages import Answer, Emit, Progress, ShowJob

_PIXELS = 8_000_000  # of a sheet, about; with more classes, pictures are smaller
_EPOCHS = 2  # shown of each augmented picture
_SEED = 0


@dataclass(frozen=True)
class Example:
    """A training picture.

    Attributes:
        row: its place among all training pictures, which decides its augmentation in an epoch.
        id: its id.
        image: its encoded bytes.
    """

    row: int
    id: str
    image: bytes


def handle(job: ShowJob, emit: Emit, _: Path) -> None:
    """Handler for `data show`: answers with the files of the sheets."""
    source, recipe = open_for_job(job.data, job.resolutions, emit), load_recipe(job.recipe)
    emit(Progress(run_id="", phase="drawing examples"))
    stem = Path(job.folder) / source.name / recipe.name
    paths = show(source, job.resolutions, recipe.augmentation, job.examples, stem)
    title = f"{source.name}: training pictures as '{recipe.name}' shows them (augmentation: {recipe.augmentation})."
    sides = {px: source.source_px(px) for px in job.resolutions}
    made = [f"{px} px is made from {side} px, as in training." for px, side in sides.items() if side is not None]
    emit(Answer(lines=(title, *made, *map(str, paths))))


def show(
    source: DataSource, resolutions: Sequence[int], augmentation: Augmentation, examples: int, stem: Path
) -> list[Path]:
    """Writes a sheet for each resolution, `STEM-{px}px.png`, and returns their paths.

    Args:
        resolutions: all of the data set if empty.
        examples: pictures of each class.

    Raises:
        UserError: no stored pictures are as large, a record that does not decode, or a folder that cannot be written.
    """
    paths = []
    for px in resolutions or source.resolutions:
        path, image = stem.with_name(f"{stem.name}-{px}px.png"), draw(source, px, augmentation, examples)
        try:
            write_atomic(path, partial(image.save, format="PNG"))
        except OSError as error:
            raise UserError(f"Cannot write '{path}': {error.strerror or error}.") from error
        paths.append(path)
    return paths


def draw(source: DataSource, px: int, augmentation: Augmentation, examples: int) -> Image.Image:
    """The first training pictures of every class: as stored and, if augmented, in two epochs."""
    stored = source.stored(px, "train")
    with named_faults(stored.paths):
        chosen, counts = choose(stored, examples)
        names = source.class_names or tuple(map(str, range(max(counts, default=-1) + 1)))
        epochs = range(0 if augmentation == "none" else _EPOCHS)
        changes = [epoch_changes(augmentation, _SEED, epoch, sum(counts.values())) for epoch in epochs]
        across = examples * (1 + len(changes))
        side = min(px, int((_PIXELS / (len(names) * across)) ** 0.5))
        rows = [
            SheetRow(
                f"class {label}: {name} ({counts[label]:,} training pictures)",
                [cell for one in chosen.get(label, ()) for cell in _cells(one, stored, augmentation, changes, side)],
            )
            for label, name in enumerate(names)
        ]
    return sheet(rows, side)


def choose(stored: Stored, examples: int) -> tuple[dict[int, list[Example]], Counter[int]]:
    """The first pictures of every class, and the number of pictures of each."""
    chosen: dict[int, list[Example]] = {}
    counts: Counter[int] = Counter()
    parsed = tf.data.TFRecordDataset(stored.names).map(records.parse)
    for row, record in enumerate(parsed.as_numpy_iterator()):
        label = int(record["class"])
        counts[label] += 1
        if counts[label] <= examples:
            chosen.setdefault(label, []).append(Example(row, records.text(record["id"]), record["image"]))
    return chosen, counts


def _cells(
    one: Example, stored: Stored, augmentation: Augmentation, changes: Sequence[NDArray[np.float32]], side: int
) -> list[Cell]:
    pixels = stored.decoded(one.image)[None]
    cells = [Cell(_small(pixels, side), f"{one.id}, stored" if changes else one.id)]
    for epoch, change in enumerate(changes, 1):
        augmented = augment(augmentation, pixels, change[one.row : one.row + 1])
        cells.append(Cell(_small(augmented, side), f"in epoch {epoch}"))
    return cells


def _small(pixels: object, side: int) -> Image.Image:
    """Shrunk one by one: a thousand pictures of 512 px would take a gigabyte."""
    image = Image.fromarray(np.asarray(pixels)[0].round().astype(np.uint8))
    image.thumbnail((side, side))
    return image

"""What `bench predict` does: find networks and pictures, let a child classify them, combine what it found."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench import plugins as plugging
from bench.data.imports.importer import parse_square, square_of
from bench.data.imports.pictures import Square
from bench.ensemble_runs.candidates import Probs
from bench.environment import home
from bench.errors import UserError, listed, one_line
from bench.jobs.messages import Kept, PredictJob, Progress
from bench.jobs.process import ask
from bench.jobs.progress import Counter
from bench.predictions.predict.networks import combined, needed
from bench.predictions.predict.outcome import NetworkOutputs, UnreadablePicture
from bench.predictions.predict.pictures import pictures
from bench.store.store import Store


@dataclass(frozen=True)
class PredictRequest:
    """What was asked for.

    Attributes:
        run: the name of a run or an ensemble, or the start of one.
        paths: of pictures and folders.
        runs: the store.
        weights: weights files that have moved since the run, and folders of published ones.
        square: how pictures become squares; None: as those of the run's data set did.
        batch: pictures at once; None: as many as suits the device.
        skip_unreadable: leave out what is no picture.
        plugins: files that register backbones.
    """

    run: str
    paths: Sequence[Path]
    runs: Path
    weights: Sequence[Path] = ()
    square: str | None = None
    batch: int | None = None
    skip_unreadable: bool = False
    plugins: Sequence[Path] = ()


@dataclass(frozen=True)
class Classified:
    """Probabilities float32 (N, C) of N pictures, what the classes are called, and what was left out."""

    run_id: str
    class_names: tuple[str, ...]
    pictures: tuple[str, ...]
    probs: Probs
    skipped: tuple[tuple[str, str], ...]  # file and reason

    def as_dict(self, top: int) -> dict[str, Any]:
        """Run, the `top` most probable classes of each picture, best first, and the files left out, as plain data."""
        # Stable: of equal probabilities the first class, as argmax takes it.
        order = np.argsort(-self.probs, axis=1, kind="stable")[:, :top]
        predictions = [
            {
                "picture": name,
                "classes": [{"class": self.class_names[i], "probability": float(row[i])} for i in classes],
            }
            for name, row, classes in zip(self.pictures, self.probs, order, strict=True)
        ]
        skipped = [{"picture": name, "reason": reason} for name, reason in self.skipped]
        return {"run": self.run_id, "predictions": predictions, "skipped": skipped}


def classify(order: PredictRequest) -> Classified:
    """Does it.

    Raises:
        UserError: whatever is wrong with the run, the weights or the pictures.
    """
    plugging.use(order.plugins)
    store = Store(order.runs)
    run = store.get(order.run)
    square = parse_square(order.square) if order.square else square_of(run.result.data)
    networks, files = needed(store, run, order.weights), pictures(order.paths)
    outcome = _ask(order, networks, files, square)
    _check(outcome.faults, files, order.skip_unreadable)
    found = {kept.run_id: probs for kept, probs in zip(networks, outcome.probs, strict=True)}
    left_out = {fault.row for fault in outcome.faults}
    return Classified(
        run_id=run.run_id,
        class_names=run.images.class_names,
        pictures=tuple(name for row, name in enumerate(files) if row not in left_out),
        probs=combined(store, run, found),
        skipped=tuple((files[fault.row], fault.reason) for fault in outcome.faults),
    )


def _ask(order: PredictRequest, networks: tuple[Kept, ...], files: tuple[str, ...], square: Square) -> NetworkOutputs:
    with tempfile.TemporaryDirectory(prefix="petalbench-") as folder, Counter() as counter:
        out = Path(folder) / "outcome.npz"
        job = PredictJob(
            networks=networks,
            plugins=tuple(file for kept in networks if (file := plugging.file_of(kept.backbone))),
            pictures=tuple(os.path.abspath(name) for name in files),
            square=square,
            batch=order.batch,
            skip_unreadable=order.skip_unreadable,
            out=str(out),
        )

        def hear(event: object) -> None:
            if isinstance(event, Progress):
                counter.at(event.phase, event.done, event.total)

        ask(job, home() / "cache" / f"predict-{os.getpid()}.log", hear)
        return NetworkOutputs.load(out)


def _check(faults: Sequence[UnreadablePicture], files: Sequence[str], skip: bool) -> None:
    if not faults or (skip and len(faults) < len(files)):
        return
    told = listed([f"'{one_line(files[fault.row])}' ({one_line(fault.reason)})" for fault in faults], 5)
    if len(faults) == len(files):
        raise UserError(f"No picture that can be read: {told}.")
    raise UserError(
        f"{len(faults)} of {len(files)} files cannot be read: {told}. Remove them, or leave them out with "
        "--skip-unreadable."
    )

"""`bench predict`: finds networks and pictures, classifies them in a child, combines the probabilities."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench import plugins
from bench.data.imports.importer import parse_square, square_of
from bench.data.imports.inventory import files_in
from bench.data.imports.pictures import Square
from bench.environment import home
from bench.errors import UserError, listed, one_line
from bench.jobs.messages import Kept, PredictJob
from bench.jobs.process import ask_counting
from bench.predictions.predict.networks import NetworkOutputs, UnreadablePicture, combined, needed
from bench.store.store import Store
from ensembles.base import Probs


@dataclass(frozen=True)
class PredictRequest:
    """The arguments of `bench predict`.

    Attributes:
        run: the name of a run or an ensemble, or the start of the name.
        paths: pictures and folders.
        runs: the store.
        weights: weights files that were moved after the run, and folders of published ones.
        square: how pictures become squares; None: as in the run's data set.
        batch: pictures at once; None: depends on the device.
        skip_unreadable: leave out files that cannot be read.
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
    """Probabilities float32 (N, C) of N pictures, names of the classes, and files left out."""

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


def classify(request: PredictRequest) -> Classified:
    """Classifies pictures with a run or an ensemble.

    Raises:
        UserError: a run, weights or pictures that cannot be used.
    """
    plugins.use(request.plugins)
    store = Store(request.runs)
    run = store.get(request.run)
    square = parse_square(request.square) if request.square else square_of(run.result.data)
    networks, files = needed(store, run, request.weights), pictures(request.paths)
    outcome = _ask(request, networks, files, square)
    _check(outcome.faults, files, request.skip_unreadable)
    found = {kept.run_id: probs for kept, probs in zip(networks, outcome.probs, strict=True)}
    left_out = {fault.row for fault in outcome.faults}
    return Classified(
        run_id=run.run_id,
        class_names=run.images.class_names,
        pictures=tuple(name for row, name in enumerate(files) if row not in left_out),
        probs=combined(store, run, found),
        skipped=tuple((files[fault.row], fault.reason) for fault in outcome.faults),
    )


def pictures(paths: Sequence[Path]) -> tuple[str, ...]:
    """Files in the given order, each once; those of a folder, nested ones included, by name.

    Raises:
        UserError: no such file, a folder without files, or a name that is not UTF-8.
    """
    found = tuple(dict.fromkeys(str(file) for path in paths for file in _files(path.expanduser())))
    for name in found:
        if not _is_utf8(name):
            raise UserError(f"The name of '{one_line(name)}' is not UTF-8. Rename the file.")
    return found


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = list(files_in(path, lambda link: None))
        if not found:
            raise UserError(f"The folder '{one_line(path)}' holds no picture.")
        return found
    if not path.exists():
        raise UserError(f"No picture or folder '{one_line(path)}'.")
    return [path]


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _ask(request: PredictRequest, networks: tuple[Kept, ...], files: tuple[str, ...], square: Square) -> NetworkOutputs:
    with tempfile.TemporaryDirectory(prefix="petalbench-") as folder:
        out = Path(folder) / "outcome.npz"
        job = PredictJob(
            networks=networks,
            plugins=tuple(file for kept in networks if (file := plugins.file_of(kept.backbone))),
            pictures=tuple(os.path.abspath(name) for name in files),
            square=square,
            batch=request.batch,
            skip_unreadable=request.skip_unreadable,
            out=str(out),
        )
        ask_counting(job, home() / "cache" / f"predict-{os.getpid()}.log")
        return NetworkOutputs.load(out)


def _check(faults: Sequence[UnreadablePicture], files: Sequence[str], skip: bool) -> None:
    if not faults or (skip and len(faults) < len(files)):
        return
    listing = listed([f"'{one_line(files[fault.row])}' ({one_line(fault.reason)})" for fault in faults], 5)
    if len(faults) == len(files):
        raise UserError(f"No picture that can be read: {listing}.")
    raise UserError(
        f"{len(faults)} of {len(files)} files cannot be read: {listing}. Remove them, or leave them out with "
        "--skip-unreadable."
    )

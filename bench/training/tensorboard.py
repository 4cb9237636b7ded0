"""Curves, schedule and timings of a run as event files of TensorBoard."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

import tensorflow as tf

from bench.errors import UserError
from bench.training.loop.history import EpochRow


def check_tensorboard() -> None:
    """Checks that the package is installed with which TensorFlow writes event files.

    Raises:
        UserError: not installed.
    """
    if find_spec("tensorboard") is None:
        raise UserError("--tensorboard needs the package tensorboard: pip install 'petalbench[tensorboard]'.")


def write_curves(folder: Path, rows: Iterable[EpochRow]) -> None:
    """Adds epochs to the event files of a run: every column of history.csv, by epoch."""
    writer = tf.summary.create_file_writer(str(folder))
    with writer.as_default():
        for row in rows:
            for name, value in asdict(row).items():
                if name != "epoch":
                    tf.summary.scalar(name, value, step=row.epoch)
    writer.close()

"""Checkpoints: the state of a run after a complete epoch, in one file that is whole or absent."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.errors import UserError
from bench.files import write_atomic
from bench.training.loop.history import EpochRow

LAYOUT = 2
_STATE = "state"


@dataclass(frozen=True)
class Progressed:
    """The progress of a run.

    Attributes:
        rows: of the complete epochs.
        starts: the epochs with which processes began: their seconds include start-up.
        startup_seconds: of the first steps of all processes, together.
        interruptions: how often another process continued it.
    """

    rows: tuple[EpochRow, ...] = ()
    starts: tuple[int, ...] = ()
    startup_seconds: float = 0.0
    interruptions: int = 0


class Checkpoint:
    """The checkpoint file of a run: its progress and its variables.

    TensorFlow's own checkpoint leaves out the seeds of Dropout and augmentation without a word (METHODOLOGY.md).
    """

    def __init__(self, path: Path, run_id: str, variables: Sequence[Any], *, writes: bool = True) -> None:
        """`variables`: all state that later steps depend on. `writes`: of several workers only the chief does."""
        self._path, self._run_id, self._variables, self._writes = path, run_id, variables, writes

    def save(self, progressed: Progressed) -> None:
        """Replaces the checkpoint of the epoch before."""
        if not self._writes:
            return
        state = {"layout": LAYOUT, "run_id": self._run_id, **asdict(progressed)}
        arrays: dict[str, Any] = {_STATE: np.frombuffer(json.dumps(state).encode(), np.uint8)}
        arrays |= {str(number): variable.numpy() for number, variable in enumerate(self._variables)}
        write_atomic(self._path, lambda file: np.savez(file, **arrays))

    def restore(self) -> Progressed | None:
        """Sets all variables. Returns the progress to continue from; None if there is no checkpoint.

        Raises:
            UserError: the file is damaged, or belongs to another configuration.
        """
        if not self._path.is_file():
            return None
        try:
            with np.load(self._path, allow_pickle=False) as file:
                state = json.loads(file[_STATE].tobytes())
                self._check(state, file)
                for number, variable in enumerate(self._variables):
                    variable.assign(file[str(number)])
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise UserError(f"The checkpoint '{self._path}' is damaged ({error}). Remove it to start anew.") from None
        rows = tuple(EpochRow(**row) for row in state["rows"])
        return Progressed(rows, tuple(state["starts"]), state["startup_seconds"], state["interruptions"] + 1)

    def _check(self, state: dict[str, Any], file: Any) -> None:
        same_shapes = len(file.files) == len(self._variables) + 1 and all(
            file[str(number)].shape == tuple(variable.shape) for number, variable in enumerate(self._variables)
        )
        if state.get("layout") != LAYOUT or state.get("run_id") != self._run_id or not same_shapes:
            raise UserError(
                f"The checkpoint '{self._path}' is of another configuration ({state.get('run_id')}) than "
                f"{self._run_id}. Remove it to start anew."
            )

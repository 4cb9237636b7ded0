"""Checkpoints: the state of a run after a complete epoch, in one file that is whole or absent."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
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


@dataclass(frozen=True)
class Identity:
    """The run that a checkpoint belongs to.

    Attributes:
        run_id: its name.
        conditions: all that was found rather than asked for, and changes numbers or clocks: plain values by name.
    """

    run_id: str
    conditions: Mapping[str, Any]


class Checkpoint:
    """The checkpoint file of a run: its progress and its variables.

    TensorFlow's own checkpoint leaves out the seeds of Dropout and augmentation without a word (METHODOLOGY.md).
    """

    def __init__(self, path: Path, identity: Identity, variables: Sequence[Any], *, writes: bool = True) -> None:
        """`variables`: all state that later steps depend on. `writes`: of several workers only the chief does."""
        self._path, self._identity, self._variables, self._writes = path, identity, variables, writes

    def save(self, progressed: Progressed) -> None:
        """Replaces the checkpoint of the epoch before."""
        if not self._writes:
            return
        state = {"layout": LAYOUT, **asdict(self._identity), **asdict(progressed)}
        arrays: dict[str, Any] = {_STATE: np.frombuffer(json.dumps(state).encode(), np.uint8)}
        arrays |= {str(number): variable.numpy() for number, variable in enumerate(self._variables)}
        write_atomic(self._path, lambda file: np.savez(file, **arrays))

    def restore(self, report: Callable[[str], None] = print) -> Progressed | None:
        """Sets all variables. Returns the progress to continue from; None to train from the start.

        A run whose epochs were trained under several conditions would be stored under the last of them. Its training
        therefore begins anew, and `report` gets the reason in one line.

        Raises:
            UserError: the file is damaged, or belongs to another configuration.
        """
        if not self._path.is_file():
            return None
        try:
            with np.load(self._path, allow_pickle=False) as file:
                state = json.loads(file[_STATE].tobytes())
                reason = self._restart_reason(state)
                if reason:
                    report(f"starts anew: its checkpoint {reason}")
                    return None
                self._check(state, file)
                for number, variable in enumerate(self._variables):
                    variable.assign(file[str(number)])
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise UserError(f"The checkpoint '{self._path}' is damaged ({error}). Remove it to start anew.") from None
        rows = tuple(EpochRow(**row) for row in state["rows"])
        return Progressed(rows, tuple(state["starts"]), state["startup_seconds"], state["interruptions"] + 1)

    def _restart_reason(self, state: dict[str, Any]) -> str | None:
        """The first difference to the conditions of the checkpoint; None: the same."""
        if state["layout"] != LAYOUT:
            return "was written by another version of petalbench"
        before, now = state["conditions"], self._identity.conditions
        names = (name for name in now if before.get(name) != now[name])
        return next((f"is of {name} {before.get(name)}, and now it is {now[name]}" for name in names), None)

    def _check(self, state: dict[str, Any], file: Any) -> None:
        ours = self._identity.run_id
        same_shapes = len(file.files) == len(self._variables) + 1 and all(
            file[str(number)].shape == tuple(variable.shape) for number, variable in enumerate(self._variables)
        )
        if state["run_id"] != ours or not same_shapes:
            raise UserError(
                f"The checkpoint '{self._path}' is of another configuration ({state['run_id']}) than {ours}. Remove it "
                "to start anew."
            )

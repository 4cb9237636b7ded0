"""Where this process runs: environment variables (read here and nowhere else), versions, device and code revision."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """The folder for imported, fetched and generated data: `PETALBENCH_HOME`, by default `~/.petalbench`."""
    return Path(os.environ.get("PETALBENCH_HOME") or Path.home() / ".petalbench").expanduser()


def keras_models() -> Path:
    """The folder in which keras.applications keeps weights files: `$KERAS_HOME/models`."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras").expanduser() / "models"

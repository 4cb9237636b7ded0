"""The environment of this process: variables (read only in this module), machine, versions and code revision."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bench.errors import UserError
from bench.version import __version__

_VERSIONED = ("tensorflow", "keras", "numpy", "scikit-learn", "pandas")
_CODE = ("bench", "backbones", "ensembles", "pyproject.toml")  # generated files do not make a revision dirty
_PATIENCE_SECONDS = 2.0
_GOOGLE_RETRIES = "4"  # TensorFlow repeats failed reads of gs:// up to ten times, with pauses of up to 32 s
# glibc returns big tensors to the system after every step, and requests them again: TensorFlow allocates by malloc.
_KEEP_MEMORY = {
    "MALLOC_TRIM_THRESHOLD_": "8589934592",
    "MALLOC_MMAP_THRESHOLD_": "8589934592",
    "MALLOC_TOP_PAD_": "268435456",
}
# Variables that change the numbers or the speed of TensorFlow's kernels, and their names in a report.
_KERNELS = {
    "TF_NUM_INTRAOP_THREADS": "intra-op threads",
    "TF_NUM_INTEROP_THREADS": "inter-op threads",
    "OMP_NUM_THREADS": "OpenMP threads",
    "NVIDIA_TF32_OVERRIDE": "TF32",
    "TF_XLA_FLAGS": "TF_XLA_FLAGS",
    "XLA_FLAGS": "XLA_FLAGS",
}


def home() -> Path:
    """The folder for imported, fetched and generated data: `PETALBENCH_HOME`, by default `~/.petalbench`."""
    return Path(os.environ.get("PETALBENCH_HOME") or Path.home() / ".petalbench").expanduser()


def petals_dir() -> Path | None:
    """The folder of the data of "Petals to the Metal" from `PETALS_DIR`; None: not set."""
    named = petals_text()
    return Path(named).expanduser() if named else None


def petals_text() -> str:
    """The value of `PETALS_DIR`, a folder or a URL; empty: not set."""
    return os.environ.get("PETALS_DIR", "")


def keras_models() -> Path:
    """The folder in which keras.applications keeps weights files: `$KERAS_HOME/models`."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras").expanduser() / "models"


def child_environment() -> dict[str, str]:
    """The environment of a child: ours, with less output and fewer retries of TensorFlow, and memory that is kept."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "1", "GCS_RETRY_CONFIG_MAX_RETRIES": _GOOGLE_RETRIES, **_KEEP_MEMORY}
    return {**quiet, **os.environ, "PYTHONUNBUFFERED": "1"}


def without_metadata_server() -> None:
    """Keeps Google's clients in this process from asking Google's metadata server for credentials."""
    os.environ.setdefault("NO_GCE_CHECK", "true")


@dataclass(frozen=True)
class TfConfig:
    """The workers of the variable TF_CONFIG, which train together. Worker 0 is the chief."""

    workers: tuple[str, ...]  # HOST:PORT
    index: int

    @property
    def others(self) -> tuple[str, ...]:
        """The addresses of the other workers."""
        return tuple(address for number, address in enumerate(self.workers) if number != self.index)


def tf_config() -> TfConfig | None:
    """The content of TF_CONFIG; None: not set, or only one worker.

    Raises:
        UserError: another content.
    """
    text = os.environ.get("TF_CONFIG", "").strip()
    if not text:
        return None
    try:
        content = json.loads(text)
        workers, task = content.get("cluster", {}).get("worker", []), content.get("task", {})
        found = TfConfig(tuple(map(str, workers)), int(task.get("index", 0)))
        wrong = workers and (task.get("type") != "worker" or not 0 <= found.index < len(workers))
    except (ValueError, TypeError, AttributeError):
        wrong = True
    if wrong:
        expected = '{"cluster": {"worker": ["HOST:PORT", ...]}, "task": {"type": "worker", "index": 0}}'
        raise UserError(f"TF_CONFIG is '{text}'. Expected {expected}, with the index of this worker.")
    return found if len(found.workers) > 1 else None


def is_chief() -> bool:
    """Whether this process writes results: true unless it is another worker of TF_CONFIG."""
    workers = tf_config()
    return workers is None or workers.index == 0


def kernels() -> str:
    """Settings of TensorFlow's kernels in this process, such as `oneDNN default, intra-op threads 1`.

    By default, TensorFlow decides by the processor whether it uses the kernels of oneDNN.
    """
    states = {"1": "on", "true": "on", "0": "off", "false": "off"}
    one_dnn = states.get(os.environ.get("TF_ENABLE_ONEDNN_OPTS", "").lower(), "default")
    limits = [f"{name} {os.environ[variable]}" for variable, name in _KERNELS.items() if os.environ.get(variable)]
    return ", ".join([f"oneDNN {one_dnn}", *limits])


def cores() -> int:
    """The number of processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def oom_kills() -> int:
    """The number of processes that Linux killed because memory ran out; 0 on other systems."""
    try:
        lines = Path("/proc/vmstat").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


@cache
def cpu_model() -> str:
    """The name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


@cache
def code_revision() -> str:
    """The package's version; in a git checkout with the last commit of the code, and `.dirty` if it was edited."""
    commit = _git("log", "-1", "--format=%h", "--", *_CODE)
    if not commit:
        return __version__
    return f"{__version__}+{commit}" + (".dirty" if _git("status", "--porcelain", "--", *_CODE) else "")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that affect numbers."""
    found = {"petalbench": __version__, "python": platform.python_version()}
    for package in _VERSIONED:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # tensorflow has several distributions
            found[package] = getattr(sys.modules.get(package), "__version__", "unknown")
    return found


def describe(device: str, revision: str) -> dict[str, Any]:
    """The content of environment.json."""
    return {
        "versions": versions(),
        "system": platform.platform(),
        "cpu": cpu_model(),
        "cores": cores(),
        "device": device,
        "code_revision": revision.removesuffix(".dirty"),
        "dirty": revision.endswith(".dirty"),
    }


def _git(*arguments: str) -> str:
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():  # an installed package may be inside another repository
        return ""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


@cache
def answers(host: str) -> bool:
    """Whether `host` answers HTTPS within two seconds, with any status. Asked once per process."""
    answered = threading.Event()
    # A thread, because a look-up of the name has no time limit; a daemon, so that the process can exit.
    thread = threading.Thread(target=_ask, args=(host, answered), daemon=True)
    thread.start()
    thread.join(_PATIENCE_SECONDS)  # a refusal ends the thread at once
    return answered.is_set()


def _ask(host: str, answered: threading.Event) -> None:
    # With urllib, as the download, so that a configured proxy is used.
    request = urllib.request.Request(f"https://{host}/", method="HEAD")
    try:
        urllib.request.urlopen(request, timeout=_PATIENCE_SECONDS).close()
    except urllib.error.HTTPError:
        pass  # an answer, such as 400 for a missing page
    except OSError:
        return
    answered.set()

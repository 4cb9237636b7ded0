"""Where this process runs: environment variables (read here and nowhere else), versions, device and code revision."""

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


def home() -> Path:
    """The folder for imported, fetched and generated data: `PETALBENCH_HOME`, by default `~/.petalbench`."""
    return Path(os.environ.get("PETALBENCH_HOME") or Path.home() / ".petalbench").expanduser()


def petals_dir() -> Path | None:
    """The folder of the data of "Petals to the Metal", where `PETALS_DIR` names one."""
    named = petals_text()
    return Path(named).expanduser() if named else None


def petals_text() -> str:
    """What `PETALS_DIR` says, which may be a URL; nothing where it is not set."""
    return os.environ.get("PETALS_DIR", "")


def keras_models() -> Path:
    """The folder in which keras.applications keeps weights files: `$KERAS_HOME/models`."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras").expanduser() / "models"


# glibc gives big tensors back to the system after every step, and takes them again: TensorFlow's allocator is malloc.
_KEEP_MEMORY = {
    "MALLOC_TRIM_THRESHOLD_": "8589934592",
    "MALLOC_MMAP_THRESHOLD_": "8589934592",
    "MALLOC_TOP_PAD_": "268435456",
}


# TensorFlow repeats what fails at gs:// up to ten times, with pauses of up to 32 s.
_GOOGLE_RETRIES = "4"


def child_environment() -> dict[str, str]:
    """The environment of a child: ours, a TensorFlow that is quiet and gives up, an allocator that keeps its memory."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "1", "GCS_RETRY_CONFIG_MAX_RETRIES": _GOOGLE_RETRIES, **_KEEP_MEMORY}
    return {**quiet, **os.environ, "PYTHONUNBUFFERED": "1"}


def without_metadata_server() -> None:
    """Keeps Google's clients in this process from asking the metadata server of Google's machines who we are."""
    os.environ.setdefault("NO_GCE_CHECK", "true")


@dataclass(frozen=True)
class TfConfig:
    """The workers that train together, as the variable TF_CONFIG names them. Worker 0 is the chief."""

    workers: tuple[str, ...]  # HOST:PORT
    index: int

    @property
    def others(self) -> tuple[str, ...]:
        """The addresses of all but this one."""
        return tuple(address for number, address in enumerate(self.workers) if number != self.index)


def tf_config() -> TfConfig | None:
    """What TF_CONFIG says; None where it is not set or names one worker alone.

    Raises:
        UserError: it is set, and says something else.
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
    """Whether this process writes results: always, but for the other workers of TF_CONFIG."""
    workers = tf_config()
    return workers is None or workers.index == 0


def cores() -> int:
    """Processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def oom_kills() -> int:
    """How many processes the system has ended for want of memory, as Linux counts them; 0 where nobody counts."""
    try:
        lines = Path("/proc/vmstat").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


@cache
def cpu_model() -> str:
    """The processor's name, as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


@cache
def code_revision() -> str:
    """The package's version; in a git checkout also the last commit that changed it, with `.dirty` if it was edited."""
    commit = _git("log", "-1", "--format=%h", "--", *_CODE)
    if not commit:
        return __version__
    return f"{__version__}+{commit}" + (".dirty" if _git("status", "--porcelain", "--", *_CODE) else "")


def versions() -> dict[str, str]:
    """Python's version and those of the packages that numbers depend on."""
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
    if not (root / ".git").exists():  # an installed package may lie inside somebody else's repository
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
    """Whether `host` answers HTTPS within two seconds, by any status. Asked once per process."""
    answered = threading.Event()
    # A thread, because looking up a name takes as long as it likes; a daemon, so that nobody waits for it at exit.
    asking = threading.Thread(target=_ask, args=(host, answered), daemon=True)
    asking.start()
    asking.join(_PATIENCE_SECONDS)  # a refusal is known at once
    return answered.is_set()


def _ask(host: str, answered: threading.Event) -> None:
    # As the download does, so that a proxy is used where one is set.
    request = urllib.request.Request(f"https://{host}/", method="HEAD")
    try:
        urllib.request.urlopen(request, timeout=_PATIENCE_SECONDS).close()
    except urllib.error.HTTPError:
        pass  # an answer, such as 400 for a page that is not there
    except OSError:
        return
    answered.set()


_PATIENCE_SECONDS = 2.0

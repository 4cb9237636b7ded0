"""The distribution strategy that a run asks for, on the devices that are there."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Sequence

import tensorflow as tf

from bench.config import Strategy
from bench.environment import tf_config
from bench.errors import UserError

ABSENT_WORKER = 4  # exit status of a child that waited in vain


def make_strategy(wanted: Strategy, timeout_seconds: float, tell: Callable[[str], None]) -> tf.distribute.Strategy:
    """A strategy of TensorFlow.

    Args:
        wanted: `auto` takes a TPU where one resolves, several workers where TF_CONFIG is set, several GPUs, else one
            device.
        timeout_seconds: how long to wait for the other workers of TF_CONFIG.
        tell: hears one line before the process ends because a worker did not come.

    Raises:
        UserError: what was asked for is not there.
    """
    kind = _resolved() if wanted == "auto" else wanted
    if kind == "tpu":
        return _tpu()
    if kind == "multiworker":
        return _workers(timeout_seconds, tell)
    return tf.distribute.MirroredStrategy(_several_devices()) if kind == "mirrored" else tf.distribute.get_strategy()


def strategy_name(strategy: tf.distribute.Strategy) -> str:
    """The word of the command line for it."""
    names = {
        tf.distribute.MirroredStrategy: "mirrored",
        tf.distribute.MultiWorkerMirroredStrategy: "multiworker",
        tf.distribute.TPUStrategy: "tpu",
    }
    return next((name for kind, name in names.items() if isinstance(strategy, kind)), "default")


def worker_index() -> int:
    """Which worker of TF_CONFIG this is; 0, the chief, where there is one process."""
    content = tf_config()
    return 0 if content is None else content.index


def _resolved() -> Strategy:
    if _tpu_resolver() is not None:
        return "tpu"
    if tf_config() is not None:
        return "multiworker"
    return "mirrored" if len(tf.config.list_physical_devices("GPU")) > 1 else "default"


def _several_devices() -> list[str]:
    """GPUs, else the logical processors, of which there are several where somebody made them."""
    kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    devices = [device.name for device in tf.config.list_logical_devices(kind)]
    if len(devices) < 2:
        raise UserError(
            f"--strategy mirrored needs two or more devices; TensorFlow sees one {kind}. Use --strategy default."
        )
    return devices


def _tpu_resolver() -> tf.distribute.cluster_resolver.TPUClusterResolver | None:
    try:
        return tf.distribute.cluster_resolver.TPUClusterResolver()
    except (ValueError, RuntimeError, tf.errors.OpError):  # no TPU, said in three ways
        return None


def _tpu() -> tf.distribute.Strategy:
    resolver = _tpu_resolver()
    if resolver is None:
        raise UserError("--strategy tpu, and no TPU resolves here. Use --strategy auto.")
    tf.config.experimental_connect_to_cluster(resolver)
    tf.tpu.experimental.initialize_tpu_system(resolver)
    return tf.distribute.TPUStrategy(resolver)


def _workers(timeout_seconds: float, tell: Callable[[str], None]) -> tf.distribute.Strategy:
    content = tf_config()
    if content is None:
        raise UserError("--strategy multiworker needs TF_CONFIG, which names the workers. Use --strategy auto.")
    arrived = threading.Event()
    threading.Thread(target=_watch, args=(arrived, timeout_seconds, content.others, tell), daemon=True).start()
    strategy = tf.distribute.MultiWorkerMirroredStrategy()  # returns when all workers are there
    arrived.set()
    return strategy


def _watch(arrived: threading.Event, seconds: float, others: Sequence[str], tell: Callable[[str], None]) -> None:
    """Ends the process if workers do not come: TensorFlow would wait for an hour, and cannot be interrupted."""
    if arrived.wait(seconds):
        return
    absent = [address for address in others if not _answers(address)] or list(others)
    tell(
        f"TF_CONFIG names workers that did not come within {seconds:g} s: {', '.join(absent)}. "
        "Start the same command on each of them, or mend TF_CONFIG; --worker-timeout waits longer."
    )
    os._exit(ABSENT_WORKER)


def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=2):
            return True
    except (OSError, ValueError):
        return False

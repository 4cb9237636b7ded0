"""The distribution strategy that a run asks for, on the devices that are there."""

from __future__ import annotations

import tensorflow as tf

from bench.config import Strategy
from bench.environment import tf_config
from bench.errors import UserError
from bench.training.rendezvous import meet


def make_strategy(wanted: Strategy, timeout_seconds: float) -> tf.distribute.Strategy:
    """A strategy of TensorFlow.

    Args:
        wanted: `auto` takes a TPU where one resolves, several workers where TF_CONFIG is set, several GPUs, else one
            device.
        timeout_seconds: how long to wait for the other workers of TF_CONFIG.

    Raises:
        UserError: what was asked for is not there, a worker that never came included.
    """
    kind = _resolved() if wanted == "auto" else wanted
    if kind == "tpu":
        return _tpu()
    if kind == "multiworker":
        return _workers(timeout_seconds)
    return tf.distribute.MirroredStrategy(_several_devices()) if kind == "mirrored" else tf.distribute.get_strategy()


def strategy_name(strategy: tf.distribute.Strategy) -> str:
    """The word of the command line for it."""
    names = {
        tf.distribute.MirroredStrategy: "mirrored",
        tf.distribute.MultiWorkerMirroredStrategy: "multiworker",
        tf.distribute.TPUStrategy: "tpu",
    }
    return next((name for kind, name in names.items() if isinstance(strategy, kind)), "default")


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


def _workers(timeout_seconds: float) -> tf.distribute.Strategy:
    workers = tf_config()
    if workers is None:
        raise UserError("--strategy multiworker needs TF_CONFIG, which names the workers. Use --strategy auto.")
    meet(workers, timeout_seconds)
    return tf.distribute.MultiWorkerMirroredStrategy()

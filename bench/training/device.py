"""What TensorFlow found to compute on, and how much memory it took."""

from __future__ import annotations

import sys

import tensorflow as tf

from bench.environment import cores, cpu_model


def device_name() -> str:
    """The accelerator's name, else the processor's."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return f"{cpu_model()} ({cores()} cores)"
    return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU"))


def has_accelerator() -> bool:
    """Whether there is a GPU."""
    return bool(tf.config.list_physical_devices("GPU"))


def peak_memory_mib() -> float | None:
    """Peak memory so far in MiB: of the accelerator where there is one, else this process's resident set."""
    if has_accelerator():
        return float(tf.config.experimental.get_memory_info("GPU:0")["peak"]) / 2**20
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)

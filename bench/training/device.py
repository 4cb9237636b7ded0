"""Devices of TensorFlow: their name, peak memory, and operations of a graph."""

from __future__ import annotations

import sys
from typing import Any

import tensorflow as tf

from bench.environment import cores, cpu_model


def device_name() -> str:
    """The accelerator's name, else the processor's."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return f"{cpu_model()} ({cores()} cores)"
    return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU"))


def has_accelerator() -> bool:
    """Whether TensorFlow found a GPU."""
    return bool(tf.config.list_physical_devices("GPU"))


def peak_memory_mib() -> float | None:
    """Peak memory so far in MiB: of the accelerator, else of this process's resident set; None on Windows."""
    if has_accelerator():
        return float(tf.config.experimental.get_memory_info("GPU:0")["peak"]) / 2**20
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def gflops(graph: Any, batch: int) -> float:
    """Floating-point operations per image (2 x multiply-adds) in 1e9, of a graph over `batch` images."""
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options["output"] = "none"
    counted = tf.compat.v1.profiler.profile(graph, cmd="op", options=options)
    return float(counted.total_float_ops) / batch / 1e9


def forward_gflops(model: Any, image_px: int) -> float:
    """Of one image through a network, forward."""
    graph = tf.function(lambda images: model(images, training=False), autograph=False)
    concrete = graph.get_concrete_function(tf.TensorSpec((1, image_px, image_px, 3), tf.float32))
    return gflops(concrete.graph, 1)

"""What a graph computes, by TensorFlow's profiler."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


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

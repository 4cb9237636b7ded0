"""The network that a training starts from."""

import numpy as np

import backbones
from bench.training.assembly import _rebuilt


def test_a_network_for_replicas_computes_as_the_one_it_is_made_from():
    """EfficientNet's Normalization computes with a copy of its variables, which assigning them does not change."""
    import keras

    adapter = backbones.get("efficientnetb0")
    start = adapter.build("random")
    layer = next(layer for layer in start.layers if isinstance(layer, keras.layers.Normalization))
    layer.adapt_mean.assign([0.485, 0.456, 0.406])
    layer.adapt_variance.assign([0.052, 0.05, 0.051])
    layer.finalize_state()
    images = adapter.prepare(np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)))
    ends = [
        keras.Model(model.input, model.get_layer(adapter.stages[0][1]).output)
        for model in (start, _rebuilt(adapter, start))
    ]
    np.testing.assert_allclose(ends[1](images), ends[0](images), rtol=1e-5, atol=1e-6)

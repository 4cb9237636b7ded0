"""Plugins to be loaded: files, and packages as pip would have left them."""

from __future__ import annotations

# What most tests load: it needs no Keras until the network is built.
SOURCE = """
from backbones import FunctionBackbone, register


def network():
    import keras

    inputs = keras.Input((None, None, 3))
    x = keras.layers.Conv2D({channels}, 3, strides=4, name="convolution")(inputs)
    return keras.Model(inputs, keras.layers.ReLU(name="end")(x))


register(FunctionBackbone(name="{name}", network=network, scale=lambda images: images / 255, feature_width=8))
"""


def source(name="outside", channels=8):
    return SOURCE.format(name=name, channels=channels)


def installed(site, distribution, points, *, version="1.0", group="bench.backbones"):
    """Writes the metadata of a package: `points` are its entry points, NAME -> VALUE, or the text of that file."""
    folder = site / f"{distribution.replace('-', '_')}-{version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
    lines = points if isinstance(points, str) else "\n".join(f"{name} = {value}" for name, value in points.items())
    (folder / "entry_points.txt").write_text(f"[{group}]\n{lines}\n")

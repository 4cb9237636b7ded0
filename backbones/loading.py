"""From a weights file to a model's variables: all of them, or an error."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from backbones.weights_file import WeightsError, WeightsFile

if TYPE_CHECKING:
    import h5py
    import keras

_Shape = tuple[int, ...]


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Inside, layers are built with seeds that follow from `seed`; the caller's random state is restored.

    An initializer or a Dropout without a seed draws one from Python's generator when it is made, and is deterministic
    from then on. (keras.utils.set_random_seed would also reset NumPy and TensorFlow for the whole process.)
    """
    import keras  # noqa: F401  before seeding: the import itself draws from Python's generator

    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)


def fetch(weights_file: WeightsFile) -> Path:
    """The path of a published weights file, downloaded into the folder of Keras if missing or damaged.

    A file that is not for download, such as a package's, is used at its place.

    Raises:
        WeightsError: neither at its place nor available for download.
    """
    import keras

    if not weights_file.host:
        return _at_hand(weights_file)
    try:
        path = keras.utils.get_file(
            weights_file.name, weights_file.url, cache_subdir="models", file_hash=weights_file.digest
        )
    except Exception as error:  # Keras raises a bare Exception when the download fails
        raise WeightsError(
            f"ImageNet weights {weights_file.name} ({weights_file.hash}) cannot be had from {weights_file.url}: "
            f"put the file into $KERAS_HOME/models (default ~/.keras/models), or use random weights. "
            f"({_first_line(error)})"
        ) from error
    return Path(path)


def _at_hand(weights_file: WeightsFile) -> Path:
    models = Path("~/.keras/models")
    path = weights_file.place(models)
    if not weights_file.is_at(path):
        raise WeightsError(
            f"ImageNet weights {weights_file.name} ({weights_file.hash}) are not at {path}. "
            f"{weights_file.remedy(models)}, or use random weights."
        )
    return path


def load(model: keras.Model, path: Path, network: str) -> None:
    """Sets every variable of `model` from a weights file without a top.

    Args:
        model: a built network. After an error its variables are unusable.
        path: `.weights.h5` as Keras 3 saves, or the older layout (as keras.applications publishes), `.h5`.
        network: name of the model in errors.

    Raises:
        WeightsError: not a weights file, a file of another network, or a file with a top.
    """
    shapes = _shapes(path, network)
    _check_shapes(shapes, [tuple(variable.shape) for variable in model.weights], path, network)
    _blank(model)
    try:
        model.load_weights(path)
    except Exception as error:  # its type depends on the first difference between file and network
        raise WeightsError(
            f"{path} holds the weights of another network than {network}: {_first_line(error)}"
        ) from error
    _check_complete(model, path, network)


def _shapes(path: Path, network: str) -> list[_Shape]:
    """The shapes of the arrays of all layers in a weights file, without those of an optimizer."""
    import h5py

    if not path.is_file():
        raise WeightsError(f"No weights file '{path}' for {network}. Weights are 'random', 'imagenet' or a file.")
    try:
        with h5py.File(path) as file:
            return _array_shapes(_layers(file, path, network))
    except OSError as error:
        raise WeightsError(f"{path} is not a weights file (HDF5) for {network}: {_first_line(error)}") from error


def _layers(file: h5py.File, path: Path, network: str) -> h5py.Group:
    """The group that holds the layers. Keras chooses the layout by the file's name, and fails obscurely."""
    if "layers" in file:
        group, suffix = file["layers"], ".weights.h5"
    elif "model_weights" in file or "layer_names" in file.attrs:
        group, suffix = file.get("model_weights", file), ".h5"
    else:
        raise WeightsError(f"{path} is not a weights file for {network}: it holds no layers.")
    if not path.name.endswith(".h5") or path.name.endswith(".weights.h5") != (suffix == ".weights.h5"):
        raise WeightsError(f"{path}, weights for {network}, has the layout of a {suffix} file: rename it to end so.")
    return group


def _array_shapes(group: h5py.Group) -> list[_Shape]:
    shapes: list[_Shape] = []
    # Only arrays have a `shape`; a visitor that returns a value stops the visit.
    group.visititems(lambda _, item: shapes.append(item.shape) if hasattr(item, "shape") else None)
    return shapes


def _check_shapes(found: list[_Shape], expected: list[_Shape], path: Path, network: str) -> None:
    """Keras 3 ignores arrays beyond the model, such as a top, in silence."""
    sizes = [sum(math.prod(shape) for shape in shapes) for shapes in (found, expected)]
    if sizes[0] == sizes[1]:
        return
    reason = "saved with its top" if _are_with_top(Counter(found), Counter(expected)) else "another network"
    raise WeightsError(f"{path} holds {sizes[0]:,} numbers, {network} without its top {sizes[1]:,}: {reason}.")


def _are_with_top(found: Counter[_Shape], expected: Counter[_Shape]) -> bool:
    """Whether a file holds all of a network, and beyond it only dense layers and 1 x 1 convolutions."""
    beyond = found - expected
    pointwise = all(len(shape) <= 2 or shape[:2] == (1, 1) for shape in beyond)
    return not expected - found and pointwise and any(len(shape) >= 2 for shape in beyond)


def _blank(model: keras.Model) -> None:
    """Gives every variable a value that no weights file holds, to find variables that loading did not set."""
    import numpy as np

    for variable in model.weights:
        unset = np.nan if "float" in variable.dtype else -1
        variable.assign(np.full(variable.shape, unset))


def _check_complete(model: keras.Model, path: Path, network: str) -> None:
    import numpy as np

    for variable in model.weights:
        value = variable.numpy()
        if not np.all(np.isfinite(value) if "float" in variable.dtype else value >= 0):
            raise WeightsError(f"{path} leaves {variable.path} of {network} unset, or sets it to NaN.")


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]

"""Writes files of PyTorch tensors as `torch.save` did before 1.6, without PyTorch."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
from collections import OrderedDict
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
SYSTEM = {"protocol_version": PROTOCOL, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
TYPES = {np.dtype("<f4"): "FloatStorage", np.dtype("<i8"): "LongStorage"}


class Global:
    """A name that the file's pickle mentions."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class Storage:
    def __init__(self, values, key, count=None):
        self.values, self.key = values, key
        self.count = values.size if count is None else count


class Call:
    """`function(*arguments)`, when the pickle is read."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments


class Writer(pickle._Pickler):
    """Python's own pickler, which can be taught globals that do not exist here."""

    def persistent_id(self, item):
        if isinstance(item, Storage):
            return ("storage", Global("torch", TYPES[item.values.dtype]), item.key, "cpu", item.count, None)
        return None

    def save(self, item, save_persistent_id=True):
        if isinstance(item, Global):
            self.write(pickle.GLOBAL + f"{item.module}\n{item.name}\n".encode())
        elif isinstance(item, Call):
            self.save(item.function)
            self.save(item.arguments)
            self.write(pickle.REDUCE)
        else:
            super().save(item, save_persistent_id)


def pickled(item):
    buffer = io.BytesIO()
    Writer(buffer, protocol=2).dump(item)
    return buffer.getvalue()


def tensor(storage, size, stride, offset=0):
    rebuild = Global("torch._utils", "_rebuild_tensor_v2")
    return Call(rebuild, storage, offset, tuple(size), tuple(stride), False, OrderedDict())


def whole(values, key):
    """A tensor that is its whole storage, in C order."""
    strides = [step // values.itemsize for step in values.strides]
    return tensor(Storage(values, key), values.shape, strides)


def save(path, arrays):
    """A file of arrays, by name."""
    arrays = {name: np.array(values, order="C") for name, values in arrays.items()}
    state = OrderedDict((name, whole(values, str(number))) for number, (name, values) in enumerate(arrays.items()))
    return write(path, state, {str(number): values for number, values in enumerate(arrays.values())})


def write(path, state, storages, header=(MAGIC, PROTOCOL, SYSTEM)):
    """A file of `state`, whatever that is, with arrays as storages by key."""
    with path.open("wb") as file:
        for part in (*header, state, list(storages)):
            file.write(pickled(part))
        for values in storages.values():
            file.write(values.size.to_bytes(8, "little"))
            file.write(np.ascontiguousarray(values).tobytes())
    return path


def run_with_pytorch(code, *words, needs=("torch",)):
    """Runs code in a process of its own: PyTorch and TensorFlow in one process can crash. Skips where it is absent."""
    for package in needs:
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    command = [sys.executable, "-c", code, *map(str, words)]
    done = subprocess.run(command, cwd=Path(__file__).parent.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

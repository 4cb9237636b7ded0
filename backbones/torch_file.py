"""Tensors from files that `torch.save` wrote before PyTorch 1.6, without PyTorch and without running foreign code.

Such a file is five pickles in a row (a magic number, a version, the sizes of the writer's types, the tensors by name,
the keys of their storages) and then, in the order of the keys, each storage: its count of numbers and the numbers.
A pickle is a program. Each program is checked before it runs, and runs only if it uses nothing but the few operations
and the four globals that a file of tensors needs, all of which are mapped to harmless objects.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from backbones.weights_file import WeightsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
_DIMENSIONS = 8
_SHARED = 4  # uses of a number of a storage, on average, at most
_LONGEST_PROGRAM = 200_000  # operations; EfficientNet-Lite2 takes 14,000
_USED = (
    "PROTO STOP MARK GLOBAL REDUCE BUILD BINPERSID NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 BINUNICODE "
    "EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_LIST APPEND APPENDS EMPTY_DICT SETITEM SETITEMS "
    "BINPUT LONG_BINPUT BINGET LONG_BINGET"
)
_OPERATIONS = frozenset(_USED.split())


class _Storage(NamedTuple):
    type: Any
    key: Any
    count: Any


class _Tensor(NamedTuple):
    """Arguments of `torch._utils._rebuild_tensor_v2`, not checked yet."""

    storage: Any
    offset: Any
    size: Any
    stride: Any
    requires_grad: Any
    hooks: Any


# Name of a global -> its replacement. Types of numbers are text, which cannot be called.
_GLOBALS: Mapping[str, Any] = {
    "collections OrderedDict": OrderedDict,
    "torch._utils _rebuild_tensor_v2": _Tensor,
    "torch FloatStorage": "<f4",
    "torch LongStorage": "<i8",
}


def read(path: Path) -> dict[str, NDArray[Any]]:
    """The tensors of a file, by name, in the file's order: float32 or int64 arrays, each a copy.

    Raises:
        WeightsError: no such file, a pickle that does more than name tensors (nothing of it is executed), or tensors
            that do not fit the storages of the file. One line, which names the file.
    """
    if not path.is_file():
        raise WeightsError(f"No weights file '{path}'.")
    try:
        with path.open("rb") as file:
            return _read(file, path.stat().st_size)
    except WeightsError as error:
        raise WeightsError(f"{path} is not a file of PyTorch tensors that can be read here: {error}") from None


def _read(file: IO[bytes], size: int) -> dict[str, NDArray[Any]]:
    _check_header(file)
    tensors = _named_tensors(_unpickled(file))
    declared = _declared(tensors.values())
    _check_amount(tensors.values(), declared.values())
    storages = _storages(file, size, declared, _unpickled(file))
    return {name: _array(name, tensor, storages[tensor.storage.key]) for name, tensor in tensors.items()}


def _check_header(file: IO[bytes]) -> None:
    if file.read(4) == b"PK\x03\x04":
        raise WeightsError(
            "it has the newer layout (a zip archive); save it with _use_new_zipfile_serialization=False."
        )
    file.seek(0)
    if _unpickled(file) != _MAGIC or _unpickled(file) != _PROTOCOL:
        raise WeightsError("it does not begin as such a file does.")
    system = _unpickled(file)
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise WeightsError("it was not written on a little-endian machine.")


def _unpickled(file: IO[bytes]) -> Any:
    """The next pickle, checked before it runs."""
    start = file.tell()
    _check_program(file)
    program = file.tell() - start
    file.seek(start)
    try:
        return _Unpickler(io.BytesIO(file.read(program))).load()
    except Exception as error:  # a program can be wrong in many ways
        raise WeightsError(f"it is damaged ({type(error).__name__}).") from None


def _check_program(file: IO[bytes]) -> None:
    """Refuses operations that a file of tensors has no use for; leaves the file position after the program."""
    count = 0
    try:
        for operation, argument, _ in pickletools.genops(file):
            count += 1
            _check_operation(operation.name, argument, count)
    except (ValueError, EOFError, OverflowError, MemoryError) as error:
        if isinstance(error, WeightsError):
            raise
        raise WeightsError("it is cut short, or no pickle.") from None


def _check_operation(name: str, argument: Any, count: int) -> None:
    if name not in _OPERATIONS:
        raise WeightsError(f"its pickle uses {name}, which tensors have no use for. Nothing of it was executed.")
    if name == "GLOBAL" and argument not in _GLOBALS:
        raise WeightsError(
            f"its pickle asks for {argument.replace(' ', '.')}, which is no tensor. Nothing of it was executed."
        )
    if name == "LONG_BINPUT" and argument > count:  # room for as many would be made
        raise WeightsError("it is damaged (its pickle numbers more than it holds).")
    if count > _LONGEST_PROGRAM:
        raise WeightsError("its pickle is far longer than that of a network.")


class _Unpickler(pickle.Unpickler):
    """Knows only the four globals and storages: a second barrier after `_check_program`."""

    def find_class(self, module: str, name: str) -> Any:
        """The replacement of a global."""
        return _GLOBALS[f"{module} {name}"]

    def persistent_load(self, pid: Any) -> Any:
        """A storage: `("storage", type, key, device, count, None)`."""
        kind, numbers, key, _, count, view = pid
        if kind != "storage" or view is not None:
            raise ValueError("no storage of its own")
        return _Storage(numbers, key, count)


def _named_tensors(state: Any) -> dict[str, _Tensor]:
    if not isinstance(state, dict) or not state:
        raise WeightsError("it does not hold tensors by name.")
    # `dict.items`, because a pickle may set attributes on an OrderedDict, such as one called `items`.
    named = dict(dict.items(state))
    for name, tensor in named.items():
        if not isinstance(name, str) or not isinstance(tensor, _Tensor):
            raise WeightsError(f"{name!r:.80} in it is no tensor.")
        _check_form(name, tensor)
    return named


def _check_amount(tensors: Collection[_Tensor], declared: Collection[_Storage]) -> None:
    """Tensors may share a storage, and each becomes a copy: ten thousand of one storage would fill the memory."""
    wanted, there = sum(math.prod(tensor.size) for tensor in tensors), sum(storage.count for storage in declared)
    if wanted > _SHARED * there:
        raise WeightsError(f"its tensors are made of {wanted:,} numbers, and its storages hold {there:,}.")


def _check_form(name: str, tensor: _Tensor) -> None:
    """Checks types first; then that no element lies outside the storage, and that there are no more than it holds."""
    storage, offset, size, stride = tensor.storage, tensor.offset, tensor.size, tensor.stride
    if not isinstance(storage, _Storage) or storage.type not in ("<f4", "<i8") or not isinstance(storage.key, str):
        raise WeightsError(f"the tensor {name} has no storage.")
    if not _are_counts([offset, storage.count]) or not (_are_counts(size) and _are_counts(stride)):
        raise WeightsError(f"the tensor {name} has a size, an offset or strides that are no counts.")
    if len(size) != len(stride) or len(size) > _DIMENSIONS:
        raise WeightsError(f"the tensor {name} has {len(size)} sizes and {len(stride)} strides.")
    last = offset + sum((count - 1) * step for count, step in zip(size, stride, strict=True))
    if 0 in size or last >= storage.count or math.prod(size) > storage.count:
        raise WeightsError(
            f"the tensor {name} of size {tuple(size)}, strides {tuple(stride)} and offset {offset} does not fit "
            f"its storage of {storage.count}."
        )


def _are_counts(numbers: Any) -> bool:
    return isinstance(numbers, (tuple, list)) and all(type(number) is int and number >= 0 for number in numbers)


def _declared(tensors: Iterable[_Tensor]) -> dict[str, _Storage]:
    """The storages by key."""
    found: dict[str, _Storage] = {}
    for tensor in tensors:
        if found.setdefault(tensor.storage.key, tensor.storage) != tensor.storage:
            raise WeightsError(f"the storage {tensor.storage.key:.80} is declared twice, differently.")
    return found


def _storages(file: IO[bytes], size: int, declared: Mapping[str, _Storage], keys: Any) -> dict[str, NDArray[Any]]:
    """The numbers of every storage; the file must hold exactly these."""
    import numpy as np

    if not isinstance(keys, list) or sorted(map(str, keys)) != sorted(declared):
        raise WeightsError("its storages are not those that its tensors name.")
    expected = sum(8 + np.dtype(storage.type).itemsize * storage.count for storage in declared.values())
    if size - file.tell() != expected:
        raise WeightsError(f"its numbers take {size - file.tell():,} bytes, and its tensors declare {expected:,}.")
    return {key: _numbers(file, declared[key]) for key in keys}


def _numbers(file: IO[bytes], storage: _Storage) -> NDArray[Any]:
    import numpy as np

    if int.from_bytes(file.read(8), "little") != storage.count:
        raise WeightsError(f"the storage {storage.key:.80} holds another count of numbers than was declared.")
    kind = np.dtype(storage.type)
    return np.frombuffer(file.read(kind.itemsize * storage.count), kind)


def _array(name: str, tensor: _Tensor, storage: NDArray[Any]) -> NDArray[Any]:
    """A copy in C order. The form has been checked: no element lies outside the storage."""
    import numpy as np

    steps: Sequence[int] = [step * storage.itemsize for step in tensor.stride]
    view = np.lib.stride_tricks.as_strided(storage[tensor.offset :], tuple(tensor.size), steps, writeable=False)
    return np.array(view, order="C")

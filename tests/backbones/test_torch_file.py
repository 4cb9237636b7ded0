"""The reader of PyTorch's older files: tensors of right files, and refusals before any code runs."""

from __future__ import annotations

import contextlib
import pickle
from collections import OrderedDict

import numpy as np
import pytest
from helpers_torch_file import (
    MAGIC,
    PROTOCOL,
    SYSTEM,
    Call,
    Global,
    Storage,
    run_with_pytorch,
    save,
    tensor,
    whole,
    write,
)

from backbones import torch_file
from backbones.base import WeightsError

VALUES = np.arange(24, dtype=np.float32)


def refused(path):
    """The message of the error."""
    with pytest.raises(WeightsError) as caught:
        torch_file.read(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


def test_tensors_come_back_in_order(tmp_path):
    wanted = {"b": VALUES.reshape(2, 3, 4), "a": np.array(7, np.int64), "c": np.array([1.5], np.float32)}
    found = torch_file.read(save(tmp_path / "right.pth", wanted))
    assert list(found) == ["b", "a", "c"]
    for name, values in wanted.items():
        assert found[name].dtype == values.dtype
        np.testing.assert_array_equal(found[name], values)
        assert found[name].flags.writeable
        assert found[name].flags.c_contiguous


def test_strides_and_offsets_are_followed(tmp_path):
    """Tensors may share a storage, with any order of axes."""
    storage = Storage(VALUES, "s")
    state = OrderedDict(turned=tensor(storage, (3, 2), (1, 4), offset=5), one=tensor(storage, (), (), offset=23))
    found = torch_file.read(write(tmp_path / "views.pth", state, {"s": VALUES}))
    np.testing.assert_array_equal(found["turned"], [[5, 9], [6, 10], [7, 11]])
    assert found["one"] == 23


PYTORCH_WRITES = """
import sys
from collections import OrderedDict
import numpy, torch
base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
state = OrderedDict(all=base, turned=base.T, part=base[1:2, ::2], other=base[2] + 1, count=torch.tensor(3))
torch.save(state, sys.argv[1], _use_new_zipfile_serialization=False)
numpy.savez(sys.argv[2], **{name: values.numpy() for name, values in state.items()})
"""


def test_what_pytorch_writes_is_read(tmp_path):
    """A comparison with PyTorch, if installed."""
    run_with_pytorch(PYTORCH_WRITES, tmp_path / "theirs.pth", tmp_path / "expected.npz")
    found, expected = torch_file.read(tmp_path / "theirs.pth"), np.load(tmp_path / "expected.npz")
    assert list(found) == list(expected)
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)


class Touch:
    """When unpickled by the ordinary reader, makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("place", ["state", "header", "keys"])
def test_code_is_refused_and_not_executed(place, tmp_path):
    marker, path = tmp_path / "executed", tmp_path / "evil.pth"
    call = Call(Global("builtins", "open"), str(marker), "w")
    if place == "header":
        write(path, OrderedDict(), {}, header=(call, PROTOCOL, SYSTEM))
    elif place == "state":
        write(path, OrderedDict(a=whole(VALUES, "s"), b=call), {"s": VALUES})
    else:
        write(path, OrderedDict(a=whole(VALUES, "s")), {"s": VALUES})
        evil = pickle.dumps(Touch(marker), protocol=2)
        path.write_bytes(path.read_bytes().replace(pickle.dumps(["s"], protocol=2), evil))
    message = refused(path)
    assert "open, which is no tensor. Nothing of it was executed" in message
    assert not marker.exists()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_an_ordinary_pickle_with_code_is_refused(protocol, tmp_path):
    """The marker can be made: the ordinary reader does."""
    marker, path = tmp_path / "executed", tmp_path / "weights.pth"
    path.write_bytes(pickle.dumps(Touch(marker), protocol=protocol))
    refused(path)
    assert not marker.exists()
    pickle.loads(path.read_bytes()).close()
    assert marker.exists()


@pytest.mark.parametrize("name", ["__setstate__", "items", "__class__"])
def test_attributes_that_a_pickle_sets_do_no_harm(name, tmp_path):
    """BUILD, which real files use for their metadata, may set any attribute of an OrderedDict."""
    path = save(tmp_path / "attribute.pth", {"a": VALUES})
    built = b"}" + pickle.BINUNICODE + len(name).to_bytes(4, "little") + name.encode()
    built += pickle.GLOBAL + b"collections\nOrderedDict\n" + pickle.SETITEM + pickle.BUILD
    state_end = path.read_bytes().index(pickle.STOP + pickle.PROTO + b"\x02]")
    content = path.read_bytes()
    path.write_bytes(content[:state_end] + built + content[state_end:])
    try:
        found = torch_file.read(path)
    except WeightsError:
        return
    np.testing.assert_array_equal(found["a"], VALUES)


@pytest.mark.parametrize(
    ("size", "stride", "offset", "count"),
    [
        ((25,), (1,), 0, 24),  # one more than there is
        ((24,), (1,), 1, 24),
        ((2,), (24,), 0, 24),
        ((4, 6), (6, 2), 0, 24),  # past the end in the last row
        ((1 << 40,), (0,), 0, 24),  # a terabyte from one number
        ((5, 5), (0, 1), 0, 24),
        ((1,), (1,), -1, 24),
        ((-1,), (1,), 0, 24),
        ((2,), (-1,), 3, 24),
        ((2, 2), (1,), 0, 24),
        ((1,) * 9, (1,) * 9, 0, 24),
        ((0,), (1,), 0, 24),
        ((True,), (1,), 0, 24),
        ((2.0,), (1,), 0, 24),
        (("2",), (1,), 0, 24),
        ((1,), (1,), 1 << 70, 24),
        ((1,), (1,), 0, -1),
        ((24,), (1,), 0, 25),  # declares more than the file holds
        ((24,), (1,), 0, 1 << 50),
    ],
)
def test_tensors_that_do_not_fit_are_refused(size, stride, offset, count, tmp_path):
    state = OrderedDict(a=tensor(Storage(VALUES, "s", count), size, stride, offset))
    refused(write(tmp_path / "wrong.pth", state, {"s": VALUES}))


def test_a_storage_used_again_and_again_is_refused(tmp_path):
    storage = Storage(VALUES, "s")
    state = OrderedDict((f"t{number}", tensor(storage, (24,), (1,))) for number in range(5))
    assert "made of 120 numbers, and its storages hold 24" in refused(write(tmp_path / "t.pth", state, {"s": VALUES}))


def test_a_file_cut_anywhere_is_refused(tmp_path):
    path = save(tmp_path / "cut.pth", {"a": VALUES, "b": VALUES.astype(np.int64)})
    content = path.read_bytes()
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        refused(path)
    path.write_bytes(content + b"\0")
    assert "its numbers take" in refused(path)


@pytest.mark.filterwarnings("ignore:invalid escape sequence:DeprecationWarning")  # text that Python's decoder meets
def test_no_change_of_a_byte_gives_anything_but_tensors_or_a_line(tmp_path):
    """Any change of the program."""
    path = save(tmp_path / "changed.pth", {"a": VALUES, "b": VALUES.astype(np.int64)})
    content = bytearray(path.read_bytes())
    rng = np.random.default_rng(0)
    program = len(content) - VALUES.nbytes * 3 - 16
    for place in range(program):
        changed = content.copy()
        changed[place] = rng.integers(256)
        path.write_bytes(changed)
        with contextlib.suppress(WeightsError):
            assert all(isinstance(values, np.ndarray) for values in torch_file.read(path).values())


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ([1, 2], "does not hold tensors by name"),
        (OrderedDict(), "does not hold tensors by name"),
        (OrderedDict(epoch=3), "'epoch' in it is no tensor"),
        ({1: whole(VALUES, "s")}, "1 in it is no tensor"),
        (OrderedDict(a=tensor("s", (1,), (1,))), "the tensor a has no storage"),
        (OrderedDict(a=whole(VALUES, "t")), "its storages are not those"),
        (OrderedDict(a=whole(VALUES, "s"), b=whole(VALUES[:3], "s")), "is declared twice"),
    ],
)
def test_other_objects_than_a_dictionary_of_tensors_are_refused(state, reason, tmp_path):
    assert reason in refused(write(tmp_path / "wrong.pth", state, {"s": VALUES}))


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ((MAGIC + 1, PROTOCOL, SYSTEM), "does not begin"),
        ((MAGIC, 1002, SYSTEM), "does not begin"),
        ((MAGIC, PROTOCOL, SYSTEM | {"little_endian": False}), "little-endian"),
    ],
)
def test_another_header_is_refused(header, reason, tmp_path):
    path = write(tmp_path / "wrong.pth", OrderedDict(a=whole(VALUES, "s")), {"s": VALUES}, header)
    assert reason in refused(path)


@pytest.mark.parametrize("content", [b"", b"<!doctype html>", b"\x89HDF\r\n\x1a\n" + bytes(99), b"\x80\x02\x8a\xff"])
def test_other_files_are_refused(content, tmp_path):
    (tmp_path / "page.pth").write_bytes(content)
    assert "cut short, or no pickle" in refused(tmp_path / "page.pth")


def test_the_newer_layout_is_distinguished(tmp_path):
    (tmp_path / "zip.pth").write_bytes(b"PK\x03\x04" + bytes(100))
    assert "newer layout" in refused(tmp_path / "zip.pth")


def test_missing_numbers_get_no_memory(tmp_path):
    """A memo of four thousand million places, from six bytes."""
    evil = pickle.PROTO + b"\x02" + pickle.NONE + pickle.LONG_BINPUT + b"\xff\xff\xff\xff" + pickle.STOP
    (tmp_path / "memo.pth").write_bytes(evil)
    assert "numbers more than it holds" in refused(tmp_path / "memo.pth")


def test_a_missing_file(tmp_path):
    refused(tmp_path / "missing.pth")

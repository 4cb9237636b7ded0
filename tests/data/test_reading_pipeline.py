from __future__ import annotations

import numpy as np
import pytest

from bench.data import source as catalog
from bench.data.reading import Stored, images, named_faults
from bench.data.records import Record, serialize
from bench.errors import UserError


def test_every_picture_once_in_order_across_splits(folder, picture):
    stored = catalog.find(str(folder.write().root)).stored(8, "train", "val")
    batches = list(images(stored, batch=4).as_numpy_iterator())
    assert [batch.shape for batch in batches] == [(4, 8, 8, 3), (3, 8, 8, 3)]
    assert batches[0].dtype == np.uint8
    np.testing.assert_array_equal(np.concatenate(batches), np.stack([picture(name) for name in "abcdefg"]))


def test_a_picture_that_does_not_decode_is_named(folder, png, picture):
    folder.write()
    good = serialize(Record(png(picture("g")), 0, "g"))
    shard = folder.replace("val", "00-8x8-2.tfrec", [good, serialize(Record(b"\xff\xd8 no jpeg", 0, "broken"))])
    with pytest.raises(UserError, match=r"00-8x8-2.tfrec' record 2: the picture of id 'broken'"), named_faults([shard]):
        list(images(Stored((shard,)), batch=2))

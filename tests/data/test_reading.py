from __future__ import annotations

import numpy as np
import pytest

from bench.data import source as catalog
from bench.data.reading import excerpt


@pytest.mark.parametrize(("wanted", "names"), [(2, "ac"), (3, "abc"), (5, "abcde"), (9, "abcde")])
def test_pictures_are_spread_over_the_split(folder, picture, wanted, names):
    stored = catalog.find(str(folder.write().root)).stored(8, "train")
    found = excerpt(stored, images=5, wanted=wanted).numpy()
    np.testing.assert_array_equal(found, np.stack([picture(name) for name in names]))

from __future__ import annotations

import pytest

from bench.data import cache
from bench.errors import UserError


def test_written_texts_are_read(home):
    assert cache.read("kind", "key") is None
    cache.write("kind", "key", "first")
    cache.write("kind", "key", "täxt")
    assert cache.read("kind", "key") == "täxt"
    assert [path.name for path in (home / "cache" / "kind").iterdir()] == ["key.json"]


def test_a_home_that_cannot_be_written(home):
    home.write_text("a file where the folder should be")
    with pytest.raises(UserError, match=r"Cannot write in .*PETALBENCH_HOME"):
        cache.write("kind", "key", "text")

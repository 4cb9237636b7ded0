from __future__ import annotations

import pytest

from bench.errors import UserError
from bench.files import exclusive_lock


def test_one_at_a_time(tmp_path):
    with (
        exclusive_lock(tmp_path / "l", "Busy."),
        pytest.raises(UserError, match=r"^Busy\.$"),
        exclusive_lock(tmp_path / "l", "Busy."),
    ):
        pass
    with exclusive_lock(tmp_path / "l", "Busy."):
        pass

from __future__ import annotations

import pytest

from bench.data.locking import alone
from bench.errors import UserError


def test_one_at_a_time(tmp_path):
    with alone(tmp_path / "l", "Busy."), pytest.raises(UserError, match=r"^Busy\.$"), alone(tmp_path / "l", "Busy."):
        pass
    with alone(tmp_path / "l", "Busy."):
        pass

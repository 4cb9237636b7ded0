import sys
from pathlib import Path

import pytest

from bench.store.store import Store

sys.path.insert(0, str(Path(__file__).parent))  # helpers_add.py


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "runs")

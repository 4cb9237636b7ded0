import sys
from pathlib import Path

import pytest
from threadpoolctl import threadpool_limits

# Test folders are no packages (import-mode=importlib); the generator of predictions is shared with the measurements.
sys.path.insert(0, str(Path(__file__).parents[1] / "perf"))


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    # Arrays here are so small that BLAS threads cost more than they give, ten times on a busy machine.
    with threadpool_limits(1):
        yield

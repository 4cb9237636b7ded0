import pytest

from bench.ensemble_runs.workbench import one_thread


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    # Arrays here are so small that BLAS threads cost more than they give.
    with one_thread():
        yield

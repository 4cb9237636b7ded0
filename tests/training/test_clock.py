import pytest

from bench.training.clock import first_call_excess


@pytest.mark.parametrize(
    ("seconds", "excess"), [([9.0, 2.0, 3.0, 4.0], 6.0), ([1.0, 2.0, 3.0], 0.0), ([9.0], 0.0), ([9.0, 2.0], 7.0)]
)
def test_of_the_first_call_beyond_the_median_of_the_others(seconds, excess):
    assert first_call_excess(seconds) == excess

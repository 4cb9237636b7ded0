import pytest
from helpers_store import make_result

from bench.analysis.prices import Price, Prices, training_usd
from bench.store.ensemble_result import Combination
from bench.store.result import Cost, Setup

PRICES = Prices(
    price=tuple(
        Price(device=device, usd_per_hour=usd, source="test", date="2026-01-01")
        for device, usd in (("gpu", 3.6), ("cpu*", 0.36))
    )
)


def run(name, device, seconds, replicas=1):
    setup = Setup(device=device, cores=1, replicas=replicas, code_revision="0")
    return make_result(name, cost=Cost(train_seconds_full=seconds), setup=setup)


def ensemble(name, candidates):
    combination = Combination(
        method="mean", members=(), candidates=candidates, fit_score=0.5, cross_fitted=0.5, best_single=candidates[0]
    )
    return make_result(name, kind="ensemble", combination=combination)


@pytest.fixture
def known():
    runs = [run("a", "gpu", 100.0), run("b", "cpu (2 cores)", 1000.0), run("c", "gpu", 10.0, replicas=4)]
    runs += [run("d", "tpu", 1.0), run("e", "gpu", None)]
    return {one.run_id: one for one in runs}


def test_device_seconds_by_hand(known):
    assert training_usd(known["a"], known, PRICES) == pytest.approx(0.1)  # 100 s of 3.6 an hour
    assert training_usd(known["c"], known, PRICES) == pytest.approx(0.04)  # 10 s on four of them


def test_no_price_or_no_seconds_no_dollars(known):
    assert training_usd(known["d"], known, PRICES) is None
    assert training_usd(known["e"], known, PRICES) is None
    assert training_usd(known["a"], known, Prices()) is None


def test_an_ensemble_pays_for_all_candidates_each_on_its_device(known):
    assert training_usd(ensemble("x", ("a", "b")), known, PRICES) == pytest.approx(0.2)
    assert training_usd(ensemble("x", ("a", "d")), known, PRICES) is None
    assert training_usd(ensemble("x", ("a", "gone")), known, PRICES) is None


def test_an_ensemble_of_ensembles_trains_each_run_once(known):
    inner = {"x": ensemble("x", ("a", "b")), "y": ensemble("y", ("b", "c"))}
    assert training_usd(ensemble("z", ("x", "y")), known | inner, PRICES) == pytest.approx(0.24)

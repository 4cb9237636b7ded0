from bench.store.metrics import known_duplicates
from bench.store.result import Metrics


def metrics(**changes):
    return Metrics(macro_f1=0.5, accuracy=0.5, classes=3, val_images=9, test_images=0, **changes)


def test_what_one_run_knows_of_the_data_holds_for_all():
    found = [metrics(), metrics(val_duplicates=2, test_duplicates=1)]
    assert known_duplicates(found) == {"val_duplicates": 2, "test_duplicates": 1}
    assert known_duplicates([metrics()]) == {"val_duplicates": None, "test_duplicates": None}

import pytest
from helpers_store import make_failure, make_outputs, make_result

from bench.store.leftovers import leftovers, remove_leftovers
from bench.store.store import Store


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "runs")


def test_leftovers_are_all_that_is_no_result(store):
    store.save(make_result("a-aaaaaaaa"), make_outputs())
    store.record_failure(make_failure("b-bbbbbbbb"))
    (store.banks / "bank").mkdir(parents=True)
    (store.banks / "bank" / "mean.npy").write_bytes(b"12345")
    found = leftovers(store)
    assert {leftover.path.name: leftover.size for leftover in found}["bank"] == 5
    assert remove_leftovers(store) == found
    assert leftovers(store) == []
    assert store.run_ids() == ("a-aaaaaaaa",)


def test_a_run_that_is_being_saved_stays(store):
    with store.claims.take("a-aaaaaaaa.save", ".partial/a-aaaaaaaa"):
        begun = store.partial / "a-aaaaaaaa"
        begun.mkdir(parents=True)
        (leftover,) = remove_leftovers(store)
        assert leftover.owner
        assert begun.is_dir()
    remove_leftovers(store)
    assert not begun.exists()


def test_a_log_of_a_check_in_progress_stays(store):
    with store.preparation_log() as log:
        log.parent.mkdir(parents=True)
        log.write_text("")
        remove_leftovers(store)
        assert log.is_file()


def test_a_store_that_is_missing_stays_missing(store):
    assert remove_leftovers(store) == leftovers(store) == []
    assert not store.root.exists()


def test_the_history_of_finished_runs_is_removed(store):
    store.record_failure(make_failure("a-aaaaaaaa"))
    store.save(make_result("a-aaaaaaaa"), make_outputs())
    assert store.failure("a-aaaaaaaa") is not None
    remove_leftovers(store)
    assert store.failure("a-aaaaaaaa") is None

import itertools
import shutil

import pytest
from helpers_store import combine, make_outputs, save_run

from bench.analysis.leaderboard import Leaderboard
from bench.ensemble_runs.workbench import Protocol
from bench.store.store import Store

SIZES = {"val": 120, "test": 20}
PROTOCOL = Protocol(3, 1)
SKILLS = {("a", 0): 3.0, ("a", 1): 1.0, ("b", 0): 2.5, ("b", 1): 2.5, ("c", 0): 0.5}


def save(store, backbone, seed, skill, ids="image"):
    outputs = make_outputs(seed=10 * ord(backbone) + seed, skill=skill, ids=ids, **SIZES)
    return save_run(store, f"{backbone}-224-frozen-s{seed}-00000000", outputs=outputs, seed=seed)


def board(store):
    return Leaderboard(Store(store.root), list(Store(store.root).runs()))


@pytest.fixture
def store(tmp_path):
    """Two seeds of a, of which one is lucky, two of b, one of c."""
    store = Store(tmp_path / "runs")
    for (backbone, seed), skill in SKILLS.items():
        save(store, backbone, seed, skill)
    return store


def test_the_best_is_a_configuration_and_its_seeds_share_a_verdict(store):
    found = board(store)
    assert [one.member.run_id[0] for one in found.ranked] == ["b", "a", "c"]
    ties = found.ties()
    assert ties["b-224-frozen-s0-00000000"] is ties["b-224-frozen-s1-00000000"] is True
    assert ties["a-224-frozen-s0-00000000"] == ties["a-224-frozen-s1-00000000"]
    assert ties["c-224-frozen-s0-00000000"] is False


def test_the_order_in_which_runs_were_stored_changes_nothing(tmp_path):
    verdicts = []
    for number, order in enumerate(itertools.permutations(SKILLS, len(SKILLS))):
        if number % 24:
            continue
        store = Store(tmp_path / str(number))
        for backbone, seed in order:
            save(store, backbone, seed, SKILLS[backbone, seed])
        found = board(store)
        verdicts.append(([one.run_ids for one in found.ranked], found.ties(), found.candidates.names))
    assert len(verdicts) == 5
    assert all(verdict == verdicts[0] for verdict in verdicts)


def test_the_order_of_ensemble_commands_changes_no_verdict(store):
    """Ensembles of some runs have other baselines: they are others before and after one of all candidates."""
    some, everyone = ("a-224-frozen-s0", "c-224"), ()
    for members in (some, everyone, some):
        combine(store, "mean", None, members, PROTOCOL)
        found = board(store)
        made = {run.run_id: run.combination.candidates for run in found.runs if run.result.combination}
        assert found.others == {run_id for run_id, names in made.items() if len(names) == 2}
        assert not found.superseded
    assert [run.combination.candidates for run in found.ensembles] == [found.candidates.names]


def test_a_further_run_makes_all_ensembles_those_of_other_candidates(store):
    made = combine(store, "mean", None, (), PROTOCOL)
    assert not board(store).others
    save(store, "d", 0, 1.0)
    assert board(store).others == {made.run_id}
    assert board(store).ensembles == []


def test_runs_of_other_images_are_neither_ranked_nor_candidates(store):
    other = save(store, "x", 0, 9.0, ids="other")
    found = board(store)
    assert set(found.apart) == {other.run_id}
    assert other.run_id not in found.candidates.names
    assert other.run_id not in {run_id for one in found.ranked for run_id in one.run_ids}
    assert other.run_id in {run.run_id for run in found.candidates.left_out}


def test_an_ensemble_under_a_budget_is_no_reference_of_ties(store):
    """Its gain is measured from another number."""
    free = combine(store, "mean", None, (), PROTOCOL)
    limited = combine(store, "top1", None, (), PROTOCOL, 6.0)
    found = board(store)
    assert [run.run_id for run in found.unlimited] == [free.run_id]
    assert found.ensemble_ties() == {free.run_id: True}
    assert limited.run_id not in found.compared_ensembles


def test_an_ensemble_of_a_member_that_was_run_again_is_another_one(store):
    made = combine(store, "mean", None, (), PROTOCOL)
    again = make_outputs(seed=77, skill=2.0, **SIZES)
    run_id = "a-224-frozen-s0-00000000"
    shutil.rmtree(store.root / run_id)
    save_run(store, run_id, outputs=again)
    assert board(store).others == {made.run_id}
    assert board(store).ensembles == []


@pytest.fixture
def mixed(tmp_path):
    """Random frozen networks, the best of all among them; a random one fine-tuned; two pretrained; one added."""
    store = Store(tmp_path / "runs")
    runs = {"ra": ("random", 9.0), "rb": ("random", 1.0), "pa": ("imagenet", 2.5), "pb": ("a.h5@01234567", 2.0)}
    for number, (name, (weights, skill)) in enumerate(runs.items()):
        outputs = make_outputs(seed=number, skill=skill, **SIZES)
        save_run(store, f"{name}-224-frozen-s0-00000000", outputs=outputs, weights=weights)
    outputs = make_outputs(seed=7, skill=2.0, recipe="finetune", **SIZES)
    save_run(store, "rt-224-finetune-s0-00000000", outputs=outputs, recipe="finetune")
    added = make_outputs(seed=8, skill=3.0, **SIZES)
    save_run(store, "added-00000000", outputs=added, weights=None, recipe=None, added=True)
    return store


def first_words(configurations):
    return [one.member.run_id.split("-")[0] for one in configurations]


def test_random_runs_are_ranked_by_themselves_and_the_best_is_pretrained(mixed):
    found = board(mixed)
    assert first_words(found.ranked) == ["added", "pa", "pb"]
    assert first_words(found.floor) == ["ra", "rt", "rb"]
    ties = found.ties()
    assert ties["added-00000000"] is ties["ra-224-frozen-s0-00000000"] is True
    assert set(found.compared) == {run.run_id for run in found.runs} - {"added-00000000", "ra-224-frozen-s0-00000000"}
    assert {one.comparisons for one in found.compared.values()} == {2}
    assert [name.split("-")[0] for name in found.candidates.names] == ["added", "pa", "pb", "rt"]


def test_pretraining_is_worth_the_paired_difference_of_the_best_of_both(mixed):
    worth = board(mixed).pretraining
    assert first_words([worth.best, worth.floor]) == ["pa", "ra"]
    alone = worth.best.macro_f1 - worth.floor.macro_f1
    assert worth.compared.difference == pytest.approx(alone)
    assert worth.compared.low < alone < worth.compared.high < 0  # the skilled random network
    assert worth.compared.comparisons == 1


def test_random_runs_alone_are_ranked_as_any_and_are_candidates(store):
    found = board(store)
    assert (len(found.ranked), found.floor, found.pretraining) == (3, [], None)
    assert len(found.candidates.names) == 3


def test_an_ensemble_of_random_runs_is_another_one_after_a_pretrained_run(store):
    made = combine(store, "mean", None, (), PROTOCOL)
    outputs = make_outputs(seed=5, skill=1.0, **SIZES)
    save_run(store, "p-224-frozen-s0-00000000", outputs=outputs, weights="imagenet")
    found = board(store)
    assert found.others == {made.run_id}
    assert found.ensembles == []
    assert first_words(found.ranked) == ["p"]

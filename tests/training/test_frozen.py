"""A job of frozen runs, in this process."""

import pytest
from helpers_data import make_data
from helpers_jobs import finetune_job

from bench.config.recipe import load_recipe
from bench.config.run import RunConfig
from bench.data.scan import scan
from bench.data.source import find
from bench.jobs.messages import Failed, Finished, PlannedRun
from bench.store.store import Store
from bench.training.frozen import run_frozen


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """Events and store of three runs, of which the second has rates that blow up."""
    folder = tmp_path_factory.mktemp("frozen")
    data = make_data(folder / "flowers", (32,))
    recipe = load_recipe("frozen").model_copy(update={"epochs": 3, "batch_per_replica": 4})
    wild = recipe.schedule.model_copy(update={"start_lr": 1e30, "max_lr": 1e30})
    wild = recipe.model_copy(update={"schedule": wild, "optimizer": "sgd"})
    configs = [
        RunConfig(data="flowers", backbone="tiny", image_px=32, recipe=asked, weights="random", seed=seed)
        for asked, seed in ((recipe, 0), (wild, 0), (recipe, 1))
    ]
    events, log = [], folder / "log.txt"
    log.write_text("printed\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PETALBENCH_HOME", str(folder / "home"))
        fingerprint = scan(find(str(data)), (32,)).fingerprints[32]
        runs = tuple(PlannedRun(run_id=config.run_id(fingerprint), config=config) for config in configs)
        run_frozen(finetune_job(data, folder / "runs").model_copy(update={"runs": runs}), events.append, log)
    outcomes = [event for event in events if isinstance(event, Finished | Failed)]
    assert [event.run_id for event in outcomes] == [run.run_id for run in runs]
    return outcomes, Store(folder / "runs")


def test_a_failed_run_stops_no_other(job):
    (first, failed, last), store = job
    assert failed.kind == "nan"
    assert set(store.run_ids()) == {first.run_id, last.run_id}


def test_the_second_seed_finds_the_bank_and_is_charged_alike(job):
    (first, _, last), store = job
    costs = [store.get(event.run_id).result.cost for event in (first, last)]
    assert [cost.bank_shared for cost in costs] == [False, True]
    assert costs[0].extraction_seconds == costs[1].extraction_seconds > 0


def test_a_result_identifies_its_run(job):
    (first, _, _), store = job
    run = store.get(first.run_id)
    result = run.result
    assert (result.backbone, result.family, result.image_px, result.recipe) == ("tiny", "tiny", 32, "frozen")
    assert (result.seed, result.weights, result.weights_seed, result.plugin) == (0, "random", 0, None)
    assert result.setup.global_batch == 4
    assert result.metrics.train_images == 33
    assert result.metrics.macro_f1 == first.macro_f1 == pytest.approx(run.history["val_macro_f1"].iloc[-1])
    assert run.images.val_ids[0] == "val000"
    assert len(run.images.test_ids) == len(run.log_probs("test")) == 9

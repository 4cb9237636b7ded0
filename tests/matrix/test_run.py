"""Plan and exit status. Runs that train are in `tests/test_end_to_end.py`."""

import pytest
from helpers_jobs import empty_source, planned_runs

from bench.jobs.messages import Failed
from bench.matrix.plan import MatrixPlan, ParsedRequest, RunStates
from bench.matrix.request import RunRequest
from bench.matrix.run import MatrixRun
from bench.matrix.runner import RunOutcome
from bench.store.store import Store

FAILED = Failed(run_id="a", kind="oom", reason="no memory", seconds=1.0)


def plan(failed=(), **request):
    asked = ParsedRequest.of(RunRequest(words=("tiny@32",), **request))
    return MatrixPlan(asked, empty_source(32), {"tiny": "random"}, states=RunStates((), (), failed))


@pytest.mark.parametrize(
    ("made", "status"),
    [
        (MatrixRun(plan(), 0), 0),
        (MatrixRun(plan(), 1), 1),
        (MatrixRun(plan(), 0, RunOutcome(failed=[FAILED])), 1),
        (MatrixRun(plan(failed=planned_runs("tiny@32")), 0), 1),
        (MatrixRun(plan(failed=planned_runs("tiny@32"), dry_run=True), 0), 0),
    ],
)
def test_the_exit_status_tells_of_runs_and_plugins_that_failed(made, status):
    assert made.status == status


def test_states_of_runs(tmp_path):
    store, runs = Store(tmp_path), planned_runs("tiny@32", seeds=3)
    store.root.joinpath(runs[0].run_id).mkdir()
    (store.root / runs[0].run_id / "result.json").write_text("{}")
    store.failure_path(runs[1].run_id).parent.mkdir(parents=True)
    store.failure_path(runs[1].run_id).write_text("{}")

    def states(**request):
        found = RunStates.of(runs, RunRequest(**request), store)
        return [found.of_run(run) for run in runs]

    assert states() == ["finished", "failed", "to run"]
    assert states(retry_failed=True) == ["finished", "to run", "to run"]
    assert states(force=True) == ["to run"] * 3

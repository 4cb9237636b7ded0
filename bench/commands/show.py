"""`bench show`: one run in full."""

from __future__ import annotations

from bench import api
from bench.commands.options import RUNS, AsJson, Run, Runs
from bench.commands.output import print_result


def show(run: Run, runs: Runs = RUNS, as_json: AsJson = False) -> None:
    """Print one run in full: configuration, results, history, and F1 per class."""
    from bench.analysis.describe import describe_run

    content = api.show(runs, run)
    print_result(content, as_json, lambda content: describe_run(content, runs / content["result"]["run_id"]))

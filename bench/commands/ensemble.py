"""`bench ensemble`: combine stored predictions."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench import api
from bench.commands.options import REPORTS, RUNS, AsJson, DataFilter, PricesFile, Reports, Runs
from bench.commands.output import print_result
from bench.errors import UserError

if TYPE_CHECKING:
    from bench.store.ensemble_result import Combination
    from bench.store.result import Result


def ensemble(
    method: Annotated[
        str,
        typer.Argument(
            metavar="METHOD",
            help="top3 (any number), mean, geometric, greedy, blend, stack, cascade; all: compare every method. "
            "METHOD+prior: adjust for class sizes by one fitted parameter.",
            show_default=False,
        ),
    ],
    more_members: Annotated[
        list[str] | None,
        typer.Argument(metavar="RUN", hidden=True, show_default=False),  # those that follow the first of --members
    ] = None,
    members: Annotated[
        list[str] | None, typer.Option(metavar="RUN...", help="Candidates. Default: a run of each configuration.")
    ] = None,
    data: DataFilter = None,
    runs: Runs = RUNS,
    reports: Reports = REPORTS,
    seed: Annotated[int, typer.Option(help="Seed of the folds.")] = 0,
    folds: Annotated[int, typer.Option(min=2, help="Folds of the cross-fitted score.")] = 5,
    repeats: Annotated[int, typer.Option(min=1, help="Repeats of the folds.")] = 5,
    max_cost: Annotated[
        float | None, typer.Option(metavar="MS", help="Limit per image: sum over the members, average of a cascade.")
    ] = None,
    prices: PricesFile = None,
    as_json: AsJson = False,
) -> None:
    """Combine runs, score the combination on validation, apply it to test, and store it as a run."""
    from bench.analysis.describe import result_of
    from bench.analysis.prices import load_prices
    from bench.ensemble_runs.comparison import Comparison
    from bench.ensemble_runs.workbench import Protocol

    if more_members and not members:
        raise UserError(f"Unexpected argument '{more_members[0]}'. Candidates are named after --members.")
    load_prices(prices)  # a mistake is reported before anything is computed
    candidates = [*(members or ()), *(more_members or ())]
    protocol = Protocol(folds, repeats, seed)
    made = api.ensemble(runs, method, candidates, data, protocol, max_cost, lambda line: typer.echo(line, err=True))
    stored = made.ensembles[0] if isinstance(made, Comparison) else made
    page = api.report(runs, stored.result.data, reports, prices)
    if isinstance(made, Comparison):
        content = {"methods": made.rows(), "skipped": dict(made.skipped), "report": str(page)}
        print_result(content, as_json, partial(_comparison_text, named=bool(candidates)))
    elif as_json:
        typer.echo(json.dumps(result_of(stored), indent=1))
    else:
        _print_ensemble(stored.result, page, named=bool(candidates))


def _print_ensemble(result: Result, page: Path, named: bool) -> None:
    combination = result.combination
    assert combination is not None
    typer.echo(f"{result.run_id} of {len(combination.members)} members, from {len(combination.candidates)} candidates:")
    for member in sorted(combination.members, key=lambda member: -member.weight):
        typer.echo(f"  {member.weight:5.3f}  {member.run_id}")
    if combination.cascade is not None:
        point = combination.cascade.chosen
        reach = ", then ".join(
            f"{share:.0%} on {stage}" for stage, share in zip(point.stages, point.reach, strict=True)
        )
        time = f"{point.ms_per_image:.3g} ms per image, next stage below {point.threshold:.3g}"
        typer.echo(f"Images run: {reach}; {time}.")
    test_f1 = result.metrics.test_macro_f1
    test = "" if test_f1 is None else f"; on test {test_f1:.3f} ({result.metrics.test_images} images)"
    scores = f"cross-fitted {combination.cross_fitted:.3f}, in-sample {combination.fit_score:.3f}{test}"
    typer.echo(f"Macro F1 on validation: {scores}")
    if combination.gain is not None:
        typer.echo(f"Gain over the best single run: {_gain(combination)}.")
        measured = _baseline_text(combination.best_single_cross_fitted, combination.best_single, named)
        typer.echo(f"The gain is {measured}")
    typer.echo(f"Report: {page}")


def _baseline_text(score: float | None, run_id: str, named: bool) -> str:
    among = " of the named candidates" if named else ""
    return (
        f"measured from {_number(score, '.3f')}, the cross-fitted F1 of taking the best single run{among}; on all "
        f"validation images that is {run_id}."
    )


def _gain(combination: Combination) -> str:
    low, high = combination.gain_low, combination.gain_high
    if low is None or high is None:
        return f"{combination.gain:+.3f} (too few images for an interval)"
    verdict = "within the noise" if low <= 0 <= high else "more than the noise"
    return f"{combination.gain:+.3f} (95 % interval {low:+.3f} to {high:+.3f}: {verdict})"


def _comparison_text(content: dict[str, Any], named: bool) -> str:
    from tabulate import tabulate

    from bench.ensemble_runs.comparison import BASELINE_LABEL, conclusion

    first, *others = content["methods"]
    cells = [
        _cells(first, ""),
        *(_cells(row, "within noise" if row["tied_with_first"] else "below it") for row in others),
    ]
    table = tabulate(cells, headers="keys", tablefmt="simple", disable_numparse=True)
    single = next(row for row in content["methods"] if row["method"] == BASELINE_LABEL)
    baseline = _baseline_text(single["cross_fitted"], single["run_id"], named)
    return f"{table}\nGains are {baseline}\n{conclusion(content['methods'])}\nReport: {content['report']}"


def _cells(row: dict[str, Any], to_first: str) -> dict[str, str]:
    return {
        "method": row["method"],
        "cross-fitted F1": f"{row['cross_fitted']:.3f}{_bounds(row['low'], row['high'], '.3f')}",
        "in-sample F1": _number(row["fitted"], ".3f"),
        "over best single": f"{_number(row['gain'], '+.3f')}{_bounds(row['gain_low'], row['gain_high'], '+.3f')}",
        "to the first": to_first,
        "members": str(row["members"]),
        "ms/image": _number(row["ms_per_image"], ".1f"),
        "test F1": _number(row["test"], ".3f"),
    }


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _bounds(low: float | None, high: float | None, form: str) -> str:
    return "" if low is None or high is None else f" [{low:{form}}, {high:{form}}]"

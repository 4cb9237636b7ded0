"""`bench run`: train the matrix, saving each run's predictions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Optional

import typer

from bench.commands.options import REPORTS, RUNS, AsJson, Plugins, PricesFile, Reports, Runs

if TYPE_CHECKING:
    from bench.matrix.run import MatrixRun


def run(
    backbone: Annotated[
        Optional[list[str]],  # noqa: UP045  typer reads it at run time
        typer.Argument(
            metavar="[BACKBONE[@PX]]...",
            help="Names, families or patterns, as in vgg16, vgg16@512, efficientnet, 'resnet*@224'.",
            show_default=False,
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every backbone of the matrix.")] = False,
    data: Annotated[
        str, typer.Option(metavar="NAME|PATH|URL", help="Data set: `sample`, a name, a folder, gs://...")
    ] = "sample",
    recipe: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="How to train: see `list recipes`, or your own .toml.")
    ] = "frozen",
    px: Annotated[
        str | None,
        typer.Option(
            metavar="224,512",
            help="Resolutions, made from larger ones where they are not there; 224,512 as far as there unless given.",
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Heads trained from each extraction, with seeds 0 to K-1.")] = 1,
    weights: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            metavar="auto|imagenet|random|FILE|DIR",
            help="auto for sample, imagenet for other data, unless given. DIR: of ImageNet weights by hand.",
        ),
    ] = None,
    plugin: Plugins = None,
    runs: Runs = RUNS,
    reports: Reports = REPORTS,
    prices: PricesFile = None,
    settings: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option("--set", metavar="FIELD=VALUE", help="Set a field of the recipe, as in epochs=5; repeatable."),
    ] = None,
    lr_scale: Annotated[str, typer.Option(metavar="0.3,1,3", help="Repeat the matrix at scaled rates.")] = "1",
    train_on: Annotated[
        Literal["train", "train+val"], typer.Option(help="train+val, for a submission: such a run is not ranked.")
    ] = "train",
    precision: Annotated[
        Literal["float32", "mixed_bfloat16", "mixed_float16"], typer.Option(help="Of a whole network's arithmetic.")
    ] = "float32",
    strategy: Annotated[
        Literal["auto", "default", "mirrored", "multiworker", "tpu"],
        typer.Option(help="How devices share the training."),
    ] = "auto",
    xla: Annotated[bool, typer.Option("--xla", help="Compile training steps with XLA.")] = False,
    deterministic: Annotated[
        bool, typer.Option("--deterministic", help="The same numbers every time; slower.")
    ] = False,
    keep_weights: Annotated[bool, typer.Option("--keep-weights", help="Keep the trained model.")] = False,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Write curves for TensorBoard.")] = False,
    on_oom: Annotated[
        Literal["fail", "accumulate", "shrink"], typer.Option(help="Where a batch does not fit in memory.")
    ] = "fail",
    bank_gib: Annotated[float, typer.Option(min=0.0, help="Disk for the outputs of a partly frozen network.")] = 20.0,
    worker_timeout: Annotated[
        float, typer.Option(min=1.0, metavar="SECONDS", help="How long to wait for other workers of TF_CONFIG.")
    ] = 300.0,
    force: Annotated[bool, typer.Option("--force", help="Run again what is finished.")] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Try again what failed before.")] = False,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first failure.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be run, and run nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Train backbones and save what they predict. Finished runs are skipped."""
    from bench import api
    from bench.analysis.prices import load_prices
    from bench.config.overrides import parse_scales
    from bench.matrix.request import Options, RunRequest

    request = RunRequest(
        words=tuple(backbone or ()),
        everything=everything,
        data=data,
        recipe=recipe,
        px=px,
        seeds=seeds,
        weights=weights,
        runs=runs,
        force=force,
        retry_failed=retry_failed,
        fail_fast=fail_fast,
        dry_run=dry_run,
        settings=tuple(settings or ()),
        options=Options(parse_scales(lr_scale), precision, xla, deterministic, strategy, train_on),
        keep_weights=keep_weights,
        tensorboard=tensorboard,
        on_oom=on_oom,
        bank_gib=bank_gib,
        worker_timeout_seconds=worker_timeout,
        plugins=tuple(plugin or ()),
    )
    load_prices(prices)  # a mistake is reported before anything is trained
    try:
        made = api.run(request)
    except KeyboardInterrupt:
        typer.echo("Interrupted. What was finished is kept; the same command goes on from there.", err=True)
        raise typer.Exit(130) from None
    if dry_run:
        _print_plan(made.plan.rows(), as_json)
    else:
        _publish(made, reports, prices)
        _print_outcome(made, reports / "summary.md", as_json)
    raise typer.Exit(made.status)


def _publish(made: MatrixRun, reports: Path, prices: Path | None) -> None:
    from bench import api
    from bench.environment import is_chief

    plan = made.plan
    changed = plan.states.todo or not (reports / "summary.md").is_file()
    if is_chief() and changed and plan.source is not None:
        api.report(plan.asked.request.runs, plan.source.name, reports, prices)


def _print_plan(rows: Sequence[tuple[str, str]], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([{"state": state, "run": name} for state, name in rows], indent=1))
    else:
        typer.echo("\n".join(f"{state:<10}{name}" for state, name in rows))


def _print_outcome(made: MatrixRun, page: Path, as_json: bool) -> None:
    states, outcome = made.plan.states, made.outcome
    if as_json:
        content = {
            "finished": [event.run_id for event in outcome.finished],
            "skipped": [run.run_id for run in states.finished],
            "failed": [{"run_id": e.run_id, "kind": e.kind, "reason": e.reason} for e in outcome.failed],
            "failed_before": [run.run_id for run in states.failed],
            "report": str(page),
        }
        typer.echo(json.dumps(content, indent=1))
        return
    parts = [f"{len(outcome.finished)} done", f"{len(states.finished)} there already"]
    if outcome.failed:
        parts.append(f"{len(outcome.failed)} FAILED")
    if states.failed:
        parts.append(f"{len(states.failed)} failed before (--retry-failed tries again)")
    typer.echo(f"{len(made.plan.runs)} runs: {', '.join(parts)}. Report: {page}")

"""`bench run`: train the matrix and store the predictions of each run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bench import api
from bench.commands.options import REPORTS, RUNS, AsJson, Plugins, PricesFile, Reports, Runs
from bench.commands.output import interruptible, print_result

if TYPE_CHECKING:
    from bench.matrix.run import MatrixRun


def run(
    backbone: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[BACKBONE[@PX]]...",
            help="Names, families or patterns: vgg16, vgg16@512, efficientnet, 'resnet*@224'.",
            show_default=False,
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="The four of the matrix; without their weights Lite too.")
    ] = False,
    data: Annotated[str, typer.Option(metavar="NAME|PATH|URL", help="Name, folder or URL of the data set.")] = "sample",
    recipe: Annotated[str, typer.Option(metavar="NAME|FILE", help="Name of `list recipes`, or .toml file.")] = "frozen",
    px: Annotated[
        str | None,
        typer.Option(
            metavar="224,512",
            help="Resolutions; missing ones are made from larger ones. Default: 224,512 as far as available.",
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, metavar="K", help="Train each run with seeds 0 to K-1.")] = 1,
    weights: Annotated[
        str | None,
        typer.Option(
            metavar="auto|imagenet|random|FILE|DIR",
            help="Initial weights; DIR holds ImageNet files. Default: auto for sample and --all, else imagenet.",
        ),
    ] = None,
    plugin: Plugins = None,
    runs: Runs = RUNS,
    reports: Reports = REPORTS,
    prices: PricesFile = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="Set a field of the recipe, as in epochs=5; repeatable."),
    ] = None,
    lr_scale: Annotated[str, typer.Option(metavar="0.3,1,3", help="Repeat the matrix at scaled learning rates.")] = "1",
    train_on: Annotated[
        Literal["train", "train+val"], typer.Option(help="train+val is for a submission: the run is not ranked.")
    ] = "train",
    precision: Annotated[
        Literal["float32", "mixed_bfloat16", "mixed_float16"], typer.Option(help="Precision of fine-tuning.")
    ] = "float32",
    strategy: Annotated[
        Literal["auto", "default", "mirrored", "multiworker", "tpu"],
        typer.Option(help="Distribution of the training over devices."),
    ] = "auto",
    xla: Annotated[bool, typer.Option("--xla", help="Compile training steps with XLA.")] = False,
    deterministic: Annotated[bool, typer.Option("--deterministic", help="Reproducible numbers, but slower.")] = False,
    keep_weights: Annotated[bool, typer.Option("--keep-weights", help="Keep the trained model.")] = False,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Write curves for TensorBoard.")] = False,
    on_oom: Annotated[
        Literal["fail", "accumulate", "shrink"],
        typer.Option(help="If a batch exceeds memory: fail, accumulate parts, or shrink it."),
    ] = "fail",
    bank_gib: Annotated[float, typer.Option(min=0.0, help="Disk for outputs of a partly frozen network.")] = 20.0,
    worker_timeout: Annotated[
        float, typer.Option(min=1.0, metavar="SECONDS", help="Longest wait for other workers of TF_CONFIG.")
    ] = 300.0,
    force: Annotated[bool, typer.Option("--force", help="Repeat finished runs.")] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Repeat failed runs.")] = False,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first failure.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and train nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Train backbones and store their predictions. Finished runs are skipped."""
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
    with interruptible("Finished runs are kept; the same command resumes."):
        made = api.run(request)
    if dry_run:
        rows = [{"state": state, "run": name} for state, name in made.plan.rows()]
        print_result(rows, as_json, lambda rows: "\n".join(f"{row['state']:<10}{row['run']}" for row in rows))
    else:
        _publish(made, reports, prices)
        _print_outcome(made, reports / "summary.md", as_json)
    raise typer.Exit(made.status)


def _publish(made: MatrixRun, reports: Path, prices: Path | None) -> None:
    from bench.environment import is_chief

    plan = made.plan
    changed = plan.states.todo or not (reports / "summary.md").is_file()
    if is_chief() and changed and plan.source is not None:
        api.report(plan.asked.request.runs, plan.source.name, reports, prices)


def _print_outcome(made: MatrixRun, page: Path, as_json: bool) -> None:
    states, outcome = made.plan.states, made.outcome
    content = {
        "finished": [event.run_id for event in outcome.finished],
        "skipped": [run.run_id for run in states.finished],
        "failed": [{"run_id": e.run_id, "kind": e.kind, "reason": e.reason} for e in outcome.failed],
        "failed_before": [run.run_id for run in states.failed],
        "report": str(page),
    }
    parts = [f"{len(outcome.finished) - outcome.elsewhere} trained", f"{len(states.finished)} finished before"]
    if outcome.elsewhere:
        parts.append(f"{outcome.elsewhere} trained by another process meanwhile")
    if outcome.failed:
        parts.append(f"{len(outcome.failed)} FAILED")
    if states.failed:
        parts.append(f"{len(states.failed)} failed before (repeat with --retry-failed)")
    text = f"{len(made.plan.runs)} runs: {', '.join(parts)}. Report: {page}"
    print_result(content, as_json, lambda _: text)

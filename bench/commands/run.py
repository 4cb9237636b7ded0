"""`bench run`: train the matrix, saving each run's predictions."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from bench.commands.options import REPORTS, RUNS, AsJson, PricesFile, Reports, Runs


def run(
    backbone: Annotated[
        Optional[list[str]],  # noqa: UP045  typer reads it at run time
        typer.Argument(
            metavar="[BACKBONE[@PX]]...",
            help="Names or patterns, as in vgg16, vgg16@512, '*net*@224'.",
            show_default=False,
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every backbone of the matrix.")] = False,
    data: Annotated[str, typer.Option(metavar="NAME|PATH", help="Data set: `sample`, a name or a folder.")] = "sample",
    recipe: Annotated[str, typer.Option(help="How to train; see `list recipes`.")] = "frozen",
    px: Annotated[
        str | None, typer.Option(metavar="224,512", help="Resolutions; those of the data set unless given.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Heads trained from each extraction, with seeds 0 to K-1.")] = 1,
    weights: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            metavar="auto|imagenet|random|PATH", help="auto for sample, imagenet for other data, unless given."
        ),
    ] = None,
    runs: Runs = RUNS,
    reports: Reports = REPORTS,
    prices: PricesFile = None,
    force: Annotated[bool, typer.Option("--force", help="Run again what is finished.")] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Try again what failed before.")] = False,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first failure.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be run, and run nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Train backbones and save what they predict. Finished runs are skipped."""
    from bench.planning import Request
    from bench.running import carry_out

    request = Request(
        words=tuple(backbone or ()),
        everything=everything,
        data=data,
        recipe=recipe,
        px=px,
        seeds=seeds,
        weights=weights,
        runs=runs,
        reports=reports,
        prices=prices,
        force=force,
        retry_failed=retry_failed,
        fail_fast=fail_fast,
        dry_run=dry_run,
        as_json=as_json,
    )
    try:
        status = carry_out(request)
    except KeyboardInterrupt:
        typer.echo("Interrupted. What was finished is kept; the same command goes on from there.", err=True)
        status = 130
    raise typer.Exit(status)

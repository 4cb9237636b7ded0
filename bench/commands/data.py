"""`bench data`: import, fetch, check and show data sets."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench import api
from bench.commands.options import REPORTS, Data, Reports, SkipUnreadable
from bench.commands.output import interruptible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.data.imports.importer import ImportOutcome
    from bench.data.public.fetch import FetchOutcome
    from bench.jobs.messages import Answer

data_app = typer.Typer(help="Import, fetch, check and show data sets.", no_args_is_help=True)
Px = Annotated[str, typer.Option(metavar="224,512", help="Sides of the square pictures, in pixels.")]


@data_app.command("import")
def data_import(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER|CSV",
            help="Class folders (FOLDER/CLASS/PICTURE), or a CSV of path,label[,split].",
            show_default=False,
        ),
    ],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the new data set.")],
    split: Annotated[
        str | None, typer.Option(metavar="70,15,15", help="Percent of train, val and test. Default: 70,15,15.")
    ] = None,
    px: Px = "224,512",
    square: Annotated[
        str, typer.Option(metavar="centre|letterbox", help="Crop the centre of each picture, or pad it with bars.")
    ] = "centre",
    skip_unreadable: SkipUnreadable = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the data set of that name.")] = False,
) -> None:
    """Import pictures of any format and size as TFRecord shards, split by content."""
    from bench.data.imports.importer import ImportRequest, parse_sides, parse_square

    request = ImportRequest(source, name, split, parse_sides(px), parse_square(square), skip_unreadable, force)
    with interruptible("Prepared pictures are kept; the same command resumes."):
        _print_import(api.data_import(request))


@data_app.command("fetch")
def data_fetch(
    name: Annotated[
        str, typer.Argument(metavar="petals|tf_flowers|oxford_flowers102", help="The data set.", show_default=False)
    ],
    px: Px = "224,512",
) -> None:
    """Fetch a public data set: petals from Kaggle, with your token; the others through tensorflow-datasets.

    Tested with stand-ins for these services, not yet with the services themselves.
    """
    from bench.data.imports.importer import ImportOutcome, parse_sides

    resolutions = parse_sides(px)
    with interruptible("Complete files are kept; the same command resumes."):
        outcome = api.data_fetch(name, resolutions)
    if outcome is None:
        typer.echo(f"{name}: already complete at {_listed(resolutions)} px.")
    elif isinstance(outcome, ImportOutcome):
        _print_import(outcome)
    else:
        _print_petals(outcome, resolutions)


@data_app.command("audit")
def data_audit(name: Data, reports: Reports = REPORTS) -> None:
    """Check for copies across splits, damaged records and wrong labels. Exit status 1: scores would be wrong."""
    with interruptible():
        _print_answer(api.data_audit(name, reports))


@data_app.command("show")
def data_show(
    name: Data,
    recipe: Annotated[str, typer.Option(help="Recipe whose augmentation is shown; see `list recipes`.")] = "frozen",
    px: Annotated[
        str | None, typer.Option(metavar="224,512", help="Resolutions. Default: all of the data set.")
    ] = None,
    examples: Annotated[int, typer.Option(min=1, max=50, help="Pictures per class.")] = 4,
    reports: Reports = REPORTS,
) -> None:
    """Draw sheets of training pictures per class and resolution, augmented as in training."""
    from bench.config.overrides import parse_resolutions

    with interruptible():
        _print_answer(api.data_show(name, reports, recipe, parse_resolutions(px) if px else (), examples))


def _print_answer(answer: Answer) -> None:
    typer.echo("\n".join(answer.lines))
    raise typer.Exit(answer.status)


def _print_import(outcome: ImportOutcome) -> None:
    from bench.data.imports.importer import SKIPPED_FILE

    name = outcome.root.name
    counts = ", ".join(f"{split} {outcome.counts[split]:,}" for split in ("train", "val", "test"))
    pictures = f"{sum(outcome.counts.values()):,} pictures of {outcome.classes:,} classes ({counts})"
    typer.echo(f"{name}: {pictures} at {_listed(outcome.resolutions)} px in '{outcome.root}'.")
    if outcome.copies:
        typer.echo(f"{outcome.copies:,} files are copies of another file, byte for byte; `data audit` lists them.")
    if outcome.skipped:
        typer.echo(f"{len(outcome.skipped):,} files were left out; '{outcome.root / SKIPPED_FILE}' lists them.")
    typer.echo(f"Next: python -m bench data audit {shlex.quote(name)}")


def _print_petals(outcome: FetchOutcome, resolutions: Sequence[int]) -> None:
    from bench.data.public.petals import MOUNTS

    if outcome.mounted:
        setting = "" if outcome.mounted in MOUNTS else f" Set PETALS_DIR to '{outcome.mounted}'."
        typer.echo(f"Kaggle has mounted the files at '{outcome.mounted}'.{setting} Use --data petals.")
        return
    action = f"fetched {outcome.files} shards of" if outcome.files else "already complete at"
    typer.echo(f"petals: {action} {_listed(resolutions)} px in '{outcome.root}'; record counts match the file names.")
    typer.echo("Next: python -m bench data audit petals")


def _listed(resolutions: Sequence[int]) -> str:
    return ", ".join(map(str, resolutions))

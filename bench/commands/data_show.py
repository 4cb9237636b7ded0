"""`bench data show`: training pictures as the network receives them."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.commands.options import REPORTS, Reports


def data_show(
    name: Annotated[
        str, typer.Argument(metavar="NAME|PATH|URL", help="Data set: `sample`, a name, a folder, gs://...")
    ],
    recipe: Annotated[str, typer.Option(help="Whose augmentation is shown; see `list recipes`.")] = "frozen",
    px: Annotated[
        str | None, typer.Option(metavar="224,512", help="Resolutions; all of the data set unless given.")
    ] = None,
    examples: Annotated[int, typer.Option(min=1, max=50, help="Pictures of each class.")] = 4,
    reports: Reports = REPORTS,
) -> None:
    """Draw a sheet of examples per class and resolution, augmented as in training, for a person to look at."""
    from bench.commands.data_commands import show

    raise typer.Exit(show(name, recipe, px, examples, reports))

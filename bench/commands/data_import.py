"""`bench data import`: pictures in folders, or named by a CSV, become a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def data_import(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER|CSV",
            help="Class folders (FOLDER/CLASS/PICTURE), or a CSV of path,label[,split].",
            show_default=False,
        ),
    ],
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the data set is called from then on.")],
    split: Annotated[
        str | None, typer.Option(metavar="70,15,15", help="Percent of train, val and test; 70,15,15 unless given.")
    ] = None,
    px: Annotated[str, typer.Option(metavar="224,512", help="Sides of the squares, in pixels.")] = "224,512",
    square: Annotated[
        str, typer.Option(metavar="centre|letterbox", help="The middle of each picture, or all of it between bars.")
    ] = "centre",
    skip_unreadable: Annotated[
        bool, typer.Option("--skip-unreadable", help="Leave out files that cannot be read, and list them.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the data set of that name.")] = False,
) -> None:
    """Import pictures of any kind and size as TFRecord shards, split by their content."""
    from bench.data.imports.telling import do_import

    status = do_import(source, name, split=split, px=px, square=square, skip_unreadable=skip_unreadable, force=force)
    raise typer.Exit(status)

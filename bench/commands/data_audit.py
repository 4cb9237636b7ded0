"""`bench data audit`: what is in a data set, and what in it would make scores wrong."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.commands.options import REPORTS, Reports


def data_audit(
    name: Annotated[
        str, typer.Argument(metavar="NAME|PATH|URL", help="Data set: `sample`, a name, a folder, gs://...")
    ],
    reports: Reports = REPORTS,
) -> None:
    """Look for what would make scores wrong: copies across splits, damaged records, labels. If any, exit status 1."""
    from bench.commands.data_commands import audit

    raise typer.Exit(audit(name, reports))

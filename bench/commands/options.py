"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Run = Annotated[
    str, typer.Argument(metavar="RUN", help="Name of a run or ensemble, or the start of it.", show_default=False)
]
Data = Annotated[str, typer.Argument(metavar="NAME|PATH|URL", help="Name, folder or URL of the data set.")]
Backbones = Annotated[
    list[str] | None, typer.Argument(metavar="[BACKBONE]...", help="As for `run`. Default: all.", show_default=False)
]
Runs = Annotated[Path, typer.Option("--runs", metavar="DIR", help="Folder of the stored runs.")]
Reports = Annotated[Path, typer.Option("--reports", metavar="DIR", help="Folder of the report.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]
DataFilter = Annotated[
    str | None, typer.Option("--data", metavar="NAME|PATH", help="Data set. Default: the only one in the store.")
]
PricesFile = Annotated[
    Path | None, typer.Option("--prices", metavar="FILE", help="Dollars per device-hour. Default: ./prices.toml.")
]
Plugins = Annotated[
    list[Path] | None, typer.Option("--plugin", metavar="FILE", help="Python file with backbones; repeatable.")
]
SkipUnreadable = Annotated[
    bool, typer.Option("--skip-unreadable", help="Leave out files that are not pictures, and list them.")
]
RUNS = Path("runs")
REPORTS = Path("reports")

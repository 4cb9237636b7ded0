"""Options that several commands share, so that they read the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Runs = Annotated[Path, typer.Option("--runs", metavar="DIR", help="The run store.")]
Reports = Annotated[Path, typer.Option("--reports", metavar="DIR", help="Where the report is written.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the outcome as JSON on standard output.")]
DataFilter = Annotated[
    str | None,
    typer.Option("--data", metavar="NAME|PATH", help="The data set; needed where the store holds several."),
]
PricesFile = Annotated[
    Path | None,
    typer.Option("--prices", metavar="FILE", help="Dollars per device-hour; ./prices.toml where it is there."),
]
Plugins = Annotated[
    list[Path] | None,
    typer.Option("--plugin", metavar="FILE", help="A Python file that registers backbones; repeatable."),
]
RUNS = Path("runs")
REPORTS = Path("reports")

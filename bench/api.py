"""One function a command, from Python as from the command line. Heavy modules are imported inside the functions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.matrix.request import RunRequest
    from bench.matrix.run import MatrixRun


def run(request: RunRequest) -> MatrixRun:
    """Trains the matrix of a request. Finished runs are skipped, a failed run leaves the others to be done.

    Raises:
        UserError: a mistake in the request, the data set or the weights.
    """
    from bench.matrix.run import run_matrix

    return run_matrix(request)


def report(store: Path, data: str | None, out: Path, prices: Path | None = None, embed: Path | None = None) -> Path:
    """Rebuilds the report of one data set from its stored runs. Returns its page.

    Args:
        store: folder of the runs.
        data: name or path of the data set; None: the only one in the store.
        out: folder of the report.
        prices: TOML file of dollars per device-hour; None: `prices.toml` in the working directory, if it exists.
        embed: markdown page that receives the results table between its markers.

    Raises:
        UserError: no run to report, a damaged run, wrong prices, or a folder that cannot be written.
    """
    from bench.analysis.prices import load_prices
    from bench.analysis.publish import embed_table, publish
    from bench.store.store import Store

    known, runs = load_prices(prices), Store(store)
    page = publish(runs, data, out, known)
    if embed is not None:
        embed_table(runs, data, embed, known)
    return page

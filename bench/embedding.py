"""The results table inside a page that somebody wrote, such as a README."""

from __future__ import annotations

from pathlib import Path

from bench.errors import UserError
from bench.files import write_text
from bench.prices import NO_PRICES, Prices
from bench.publishing import report_input
from bench.report.build import results_table
from bench.store import Store

BEGIN, END = "<!-- results -->", "<!-- /results -->"


def embed_table(store: Store, data: str | None, page: Path, prices: Prices = NO_PRICES) -> None:
    """Puts the results table between the markers `<!-- results -->` and `<!-- /results -->` of a markdown page.

    Raises:
        UserError: the page is not there, or has no such markers.
    """
    try:
        text = page.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"Cannot read '{page}': {error.strerror}.") from None
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(END) < text.index(BEGIN):
        raise UserError(f"'{page}' needs the markers {BEGIN} and {END}, once each and in this order.")
    before, rest = text.split(BEGIN)
    write_text(page, f"{before}{BEGIN}\n{results_table(report_input(store, data, prices))}\n{END}{rest.split(END)[1]}")

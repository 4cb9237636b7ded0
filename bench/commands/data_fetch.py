"""`bench data fetch`: public data sets from the services that have them."""

from __future__ import annotations

from typing import Annotated

import typer


def data_fetch(
    name: Annotated[
        str, typer.Argument(metavar="petals|tf_flowers|oxford_flowers102", help="The data set.", show_default=False)
    ],
    px: Annotated[str, typer.Option(metavar="224,512", help="Sides of the pictures, in pixels.")] = "224,512",
) -> None:
    """Fetch a public data set: petals from Kaggle, with your token; the others through tensorflow-datasets.

    Tried against stand-ins of the services, not yet against the services themselves.
    """
    from bench.data.public.telling import do_fetch

    raise typer.Exit(do_fetch(name, px))

"""`bench add`: predictions made elsewhere become a run like any other."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from bench.commands.options import RUNS, AsJson, Runs


def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it.", show_default=False)],
    val: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="Predictions of the validation images: .csv with id, optionally label, and a column per class (or "
            "prediction alone); or .npy, float (images, classes).",
            show_default=False,
        ),
    ],
    test: Annotated[Optional[Path], typer.Option(metavar="FILE", help="The same of the test images.")] = None,  # noqa: UP045
    val_ids: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="FILE", help="Ids of an .npy: .txt, one a line, or .csv; FILE.ids.csv unless given."),
    ] = None,
    test_ids: Annotated[Optional[Path], typer.Option(metavar="FILE", help="The same of --test.")] = None,  # noqa: UP045
    classes: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="FILE", help="Class names of the columns of an .npy, one a line; else in label order."),
    ] = None,
    data: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(metavar="NAME|PATH", help="The data set; the only one in the store unless given."),
    ] = None,
    family: Annotated[Optional[str], typer.Option(help="Of the network; topK takes two of one.")] = None,  # noqa: UP045
    train_seconds: Annotated[Optional[float], typer.Option(min=0, help="Training in full.")] = None,  # noqa: UP045
    ms_per_image: Annotated[Optional[float], typer.Option(min=0, help="Inference, milliseconds.")] = None,  # noqa: UP045
    parameters: Annotated[Optional[int], typer.Option(min=0, help="Of the network.")] = None,  # noqa: UP045
    gflops: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(min=0, help="Of one forward pass of one image, 2 x multiply-adds."),
    ] = None,
    device: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Where the seconds were taken; seconds of other devices are not compared with them."),
    ] = None,
    selected_on_validation: Annotated[
        bool, typer.Option("--selected-on-validation", help="Its epoch was picked by its validation score.")
    ] = False,
    saw_validation: Annotated[
        bool, typer.Option("--saw-validation", help="It was trained on validation images, too: it is not ranked.")
    ] = False,
    runs: Runs = RUNS,
    as_json: AsJson = False,
) -> None:
    """Store predictions made elsewhere (timm, PyTorch, anything) as a run, which ensembles and reports then use."""
    from bench.predictions.add.addition import Addition, add
    from bench.predictions.add.telling import tell
    from bench.store.result import Cost
    from bench.store.store import Store

    timed = train_seconds is not None or ms_per_image is not None
    addition = Addition(
        name=name,
        val=val,
        test=test,
        val_ids=val_ids,
        test_ids=test_ids,
        classes=classes,
        data=data,
        family=family,
        cost=Cost(
            train_seconds_full=train_seconds,
            inference_ms_per_image=ms_per_image,
            parameters=parameters,
            gflops_per_image=gflops,
        ),
        device=device or ("not said" if timed else ""),
        flags={"selected_on_validation": selected_on_validation, "saw_validation": saw_validation},
    )
    tell(add(Store(runs), addition), as_json)

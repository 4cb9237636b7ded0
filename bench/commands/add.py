"""`bench add`: store predictions made elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench import api
from bench.commands.options import RUNS, AsJson, DataFilter, Runs

if TYPE_CHECKING:
    from bench.store.result import Result


def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the new run.", show_default=False)],
    val: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="Predictions for the validation images: .csv with id, optional label, and a column per class (or "
            "only prediction); or .npy, float (images, classes).",
            show_default=False,
        ),
    ],
    test: Annotated[Path | None, typer.Option(metavar="FILE", help="The same for the test images.")] = None,
    val_ids: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Ids of an .npy, as .txt or .csv. Default: FILE.ids.csv.")
    ] = None,
    test_ids: Annotated[Path | None, typer.Option(metavar="FILE", help="The same for --test.")] = None,
    classes: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Class names of an .npy, one per line. Default: label order.")
    ] = None,
    data: DataFilter = None,
    family: Annotated[str | None, typer.Option(help="Family, of which topK takes at most two runs.")] = None,
    train_seconds: Annotated[float | None, typer.Option(min=0, help="Seconds of the whole training.")] = None,
    ms_per_image: Annotated[float | None, typer.Option(min=0, help="Milliseconds of inference per image.")] = None,
    parameters: Annotated[int | None, typer.Option(min=0, help="Parameters of the network.")] = None,
    gflops: Annotated[float | None, typer.Option(min=0, help="GFLOPs per image, forward, 2 x multiply-adds.")] = None,
    device: Annotated[str | None, typer.Option(help="Timed device; times are compared within one device.")] = None,
    selected_on_validation: Annotated[
        bool, typer.Option("--selected-on-validation", help="The epoch was selected by its validation score.")
    ] = False,
    saw_validation: Annotated[
        bool, typer.Option("--saw-validation", help="Training included validation images: the run is not ranked.")
    ] = False,
    runs: Runs = RUNS,
    as_json: AsJson = False,
) -> None:
    """Store predictions made elsewhere (timm, PyTorch, anything) as a run for ensembles and reports."""
    from bench.predictions.add.addition import Addition
    from bench.store.result import Cost

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
    added = api.add(runs, addition)
    for warning in added.warnings:
        typer.echo(warning, err=True)
    result = added.run.result
    typer.echo(result.model_dump_json(indent=1) if as_json else _summary(result))


def _summary(result: Result) -> str:
    metrics = result.metrics
    kind = " (predicted classes without probabilities)" if metrics.labels_only else ""
    test = (
        "" if metrics.test_macro_f1 is None else f", {metrics.test_macro_f1:.3f} on {metrics.test_images} test images"
    )
    return (
        f"{result.run_id} of '{result.data}'{kind}: macro F1 {metrics.macro_f1:.3f} on {metrics.val_images} validation "
        f"images of {metrics.classes} classes{test}.\n"
        "Next: python -m bench ensemble METHOD, or python -m bench report"
    )

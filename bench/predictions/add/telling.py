"""What `bench add` says when it is done."""

from __future__ import annotations

import sys

from bench.predictions.add.addition import Added
from bench.store.result import Result


def tell(added: Added, as_json: bool) -> None:
    """The warnings, then the scores, for people or as JSON."""
    for text in added.warnings:
        print(text, file=sys.stderr)
    result = added.run.result
    print(result.model_dump_json(indent=1) if as_json else _sentence(result))


def _sentence(result: Result) -> str:
    metrics = result.metrics
    test = (
        f"; on {metrics.test_images} of test {metrics.test_macro_f1:.3f}" if metrics.test_macro_f1 is not None else ""
    )
    kind = " (predicted classes alone, no probabilities)" if metrics.labels_only else ""
    return (
        f"{result.run_id} of '{result.data}'{kind}: macro F1 {metrics.macro_f1:.3f} on {metrics.val_images} validation "
        f"images of {metrics.classes} classes{test}.\n"
        "`python -m bench ensemble` takes it from here; `python -m bench report` rebuilds the report."
    )

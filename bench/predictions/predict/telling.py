"""Predictions for people, for spreadsheets and for programs."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tabulate import tabulate

from bench.errors import UserError, one_line
from bench.files import write_text
from bench.predictions.predict.classify import Classified

Guess = tuple[str, float]  # class and probability


def tell(found: Classified, top: int, csv_file: Path | None, wants_json: bool) -> None:
    """Prints the predictions or writes them to a file; what was left out goes to standard error.

    Raises:
        UserError: the file cannot be written.
    """
    for name, reason in found.skipped:
        print(f"Left out: {one_line(name)} ({one_line(reason)})", file=sys.stderr)
    if wants_json:
        print(as_json(found, top))
    elif csv_file is None:
        print(as_table(found, top))
    elif str(csv_file) == "-":
        print(as_csv(found, top), end="")
    else:
        _write(csv_file, as_csv(found, top))
        print(f"{len(found.pictures):,} pictures: {one_line(csv_file)}")


def _write(path: Path, text: str) -> None:
    try:
        write_text(path, text)
    except OSError as error:
        raise UserError(f"Cannot write '{one_line(path)}': {error.strerror}.") from None


def as_table(found: Classified, top: int) -> str:
    """One line a guess, the picture named on the first of its lines."""
    rows = [
        (one_line(name) if rank == 0 else "", guess, probability)
        for name, guesses in _guesses(found, top)
        for rank, (guess, probability) in enumerate(guesses)
    ]
    return tabulate(
        rows, headers=("picture", "class", "probability"), tablefmt="simple", floatfmt=".4f", disable_numparse=[0, 1]
    )


def as_csv(found: Classified, top: int) -> str:
    """One row a picture: `picture,class_1,probability_1,class_2,...`, the most probable first."""
    count = min(top, len(found.class_names))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["picture", *(f"{name}_{rank}" for rank in range(1, count + 1) for name in ("class", "probability"))]
    )
    for name, guesses in _guesses(found, top):
        writer.writerow([name, *(cell for guess, value in guesses for cell in (guess, f"{value:.8g}"))])
    return text.getvalue()


def as_json(found: Classified, top: int) -> str:
    """Run, predictions and what was left out."""
    predictions = [
        {"picture": name, "classes": [{"class": guess, "probability": value} for guess, value in guesses]}
        for name, guesses in _guesses(found, top)
    ]
    skipped = [{"picture": name, "reason": reason} for name, reason in found.skipped]
    return json.dumps({"run": found.run_id, "predictions": predictions, "skipped": skipped}, indent=1)


def _guesses(found: Classified, top: int) -> Iterator[tuple[str, list[Guess]]]:
    # Stable: of equal probabilities the first class, as argmax takes it.
    order = np.argsort(-found.probs, axis=1, kind="stable")[:, :top]
    for name, probs, classes in zip(found.pictures, found.probs, order, strict=True):
        yield name, [(found.class_names[number], float(probs[number])) for number in classes]

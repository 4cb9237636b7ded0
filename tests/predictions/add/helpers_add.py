"""Files of predictions in every form."""

import csv

import numpy as np

from bench.predictions.add.addition import Addition, add

NAMES = ("daisy", "rose", "tulip")
IDS = tuple(f"img{number}" for number in range(6))
LABELS = (0, 1, 2, 0, 1, 2)
PROBS = np.array(
    [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4], [0.2, 0.5, 0.3], [0.25, 0.5, 0.25], [0.1, 0.2, 0.7]]
)  # the fourth is wrong
MACRO_F1 = (2 / 3 + 4 / 5 + 1) / 3


def write_csv(path, probs=PROBS, *, ids=IDS, names=NAMES, labels=LABELS, order=None, columns=None):
    """A table; `order` permutes rows, `columns` permutes classes."""
    rows = list(order if order is not None else range(len(ids)))
    places = list(columns if columns is not None else range(len(names)))
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", *["label"] * (labels is not None), *(names[place] for place in places)])
        for row in rows:
            label = [] if labels is None else [labels[row]]
            writer.writerow([ids[row], *label, *(repr(float(probs[row][place])) for place in places)])
    return path


def write_npy(path, array=PROBS, *, ids=IDS, labels=LABELS, names=NAMES):
    """An array with its files beside it."""
    np.save(path, array)
    if ids is not None:
        lines = ["id,label", *(f"{name},{label}" for name, label in zip(ids, labels, strict=True))]
        path.with_suffix(".ids.csv").write_text("\n".join(lines) + "\n")
    if names is not None:
        path.with_suffix(".classes.txt").write_text("\n".join(names) + "\n")
    return path


def put(store, val, name="net", **options):
    """Adds a file and gives the run."""
    return add(store, Addition(name=name, val=val, **options)).run

"""Order of rows and columns. Files that do not match are in `test_prediction_file.py`."""

from pathlib import Path

import numpy as np
import pytest

from bench.errors import UserError
from bench.predictions.add.alignment import align, class_names
from bench.predictions.add.prediction_file import PredictionFile
from bench.predictions.add.reference import KnownSplit

PROBS = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3]])


def file(columns=("c", "a", "b"), labels=None, **fields):
    content = {"columns": columns, "probs": PROBS, "predicted": None, "labels": labels, **fields}
    return PredictionFile(path=Path("p.csv"), ids=("x", "y"), **content)


def test_rows_follow_the_known_ids_and_columns_the_names():
    found = align(file(), ("a", "b", "c"), KnownSplit(("y", "x"), (2, 0)), "the split")
    assert (found.ids, found.labels) == (("y", "x"), (2, 0))
    np.testing.assert_allclose(np.exp(found.log_probs), [[0.6, 0.3, 0.1], [0.2, 0.1, 0.7]], rtol=1e-6)


def test_without_known_images_rows_stay_and_labels_are_those_of_the_file():
    found = align(file(columns=None, labels=("b", "0")), ("a", "b", "c"), KnownSplit(), "the split")
    assert (found.ids, found.labels) == (("x", "y"), (1, 0))
    np.testing.assert_allclose(np.exp(found.log_probs), PROBS, rtol=1e-6)


def test_labels_that_differ_are_counted():
    known = KnownSplit(("y", "x"), (0, 1))
    with pytest.raises(UserError, match=r"gives 'y' the label c, and the split say a \(1 of 2 differ\)"):
        align(file(labels=("b", "c")), ("a", "b", "c"), known, "the split")


def test_names_of_classes():
    assert class_names(file(), ("a", "b", "c")) == ("a", "b", "c")
    assert class_names(file(), None) == ("c", "a", "b")
    assert class_names(file(columns=("2", "0", "1")), None) == ("0", "1", "2")
    assert class_names(file(columns=None), None) == ("0", "1", "2")

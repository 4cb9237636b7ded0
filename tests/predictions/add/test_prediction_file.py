"""Every wrong file is refused with one line, and nothing is stored."""

import pickle

import numpy as np
import pytest
from helpers_add import IDS, LABELS, NAMES, PROBS, put, write_csv, write_npy

from bench.errors import UserError
from bench.store.result import Cost


def changed(row, column, value):
    probs = PROBS.copy()
    probs[row, column] = value
    return probs


def refused(store, path, said, **options):
    before = store.run_ids()
    with pytest.raises(UserError, match=said) as found:
        put(store, path, **options)
    assert "\n" not in str(found.value)
    assert store.run_ids() == before


@pytest.mark.parametrize("write", [lambda path, probs: write_csv(path.with_suffix(".csv"), probs), write_npy])
@pytest.mark.parametrize(
    ("probs", "said"),
    [
        (changed(1, 1, np.nan), "'img1' a value that is NaN"),
        (changed(1, 1, np.inf), "'img1' a value that is NaN or infinite"),
        (changed(2, 0, -0.3), "'img2' a negative value .1 of 6 rows"),
        (changed(3, 0, 0.9), r"'img3' values that sum to 1\.7 .1 of 6 rows"),
        (np.log(PROBS), "these are their logarithms"),
        (np.log(PROBS) + 1, "look like logits"),
        (np.log(PROBS) * 2 + 30, "sum to .*softmax"),
        (changed(4, slice(None), 0.0), "'img4' zeros for all classes"),
    ],
)
def test_no_probabilities(store, tmp_path, write, probs, said):
    refused(store, write(tmp_path / "p.npy", probs), said)


def test_float16_rows_of_zeros(store, tmp_path):
    probs = (changed(4, slice(None), 1e-9)).astype(np.float16)
    refused(store, write_npy(tmp_path / "p.npy", probs), "zeros for all classes.*float16 underflows")


def test_classes(store, tmp_path):
    put(store, write_csv(tmp_path / "p.csv"))
    other = write_csv(tmp_path / "a.csv", names=("daisy", "rose", "lily"))
    refused(store, other, "lacks the class 'tulip' and has the unknown column 'lily'")
    missing = write_csv(tmp_path / "b.csv", PROBS[:, :2], names=NAMES[:2])
    refused(store, missing, "lacks the class 'tulip'. Expected one column for each of 3")
    two = np.full((6, 2), 0.5)
    refused(store, write_npy(tmp_path / "c.npy", two, names=None), "2 columns, and there are 3 classes")
    refused(store, write_npy(tmp_path / "d.npy", two), "names 3 classes, .* has 2 columns")
    refused(store, write_csv(tmp_path / "e.csv", names=("daisy", "rose", "rose")), "two columns 'rose'")


def test_labels(store, tmp_path):
    refused(store, write_csv(tmp_path / "a.csv", labels=None), "The validation labels of 'unnamed' are unknown")
    refused(store, write_csv(tmp_path / "b.csv", labels=[0, 1, 3, 0, 1, 2]), "'img2' the label '3', which is no class")
    refused(store, write_csv(tmp_path / "c.csv", labels=["lily"] * 6), "'lily', which is no class")
    put(store, write_csv(tmp_path / "p.csv"))
    other = write_csv(tmp_path / "d.csv", PROBS[::-1], labels=[0, 1, 2, 0, 2, 2])
    refused(store, other, r"'img4' the label tulip, and the validation split of the runs .* say rose \(1 of 6 differ\)")


def test_ids(store, tmp_path):
    refused(store, write_csv(tmp_path / "a.csv", ids=("img1", *IDS[1:])), "'img1' 2 times")
    refused(store, write_csv(tmp_path / "b.csv", ids=(*IDS[:5], "")), "no id in row 6")
    put(store, write_csv(tmp_path / "p.csv"))
    refused(store, write_csv(tmp_path / "c.csv", PROBS[:4], ids=IDS[:4], labels=LABELS[:4]), "lacks 2 of 6 .* 'img4'")
    refused(store, write_csv(tmp_path / "d.csv", ids=(*IDS[:5], "new")), "lacks 1 of 6 .* and has 1 .* 'new'")
    refused(store, write_npy(tmp_path / "e.npy", ids=None), "needs the ids of its rows")
    refused(store, write_npy(tmp_path / "f.npy", PROBS[:5]), "5 rows, and there are 6 ids")


def test_files(store, tmp_path):
    path = tmp_path / "p.npy"
    refused(store, tmp_path / "none.npy", "Cannot read")
    refused(store, tmp_path / "none.csv", "Cannot read")
    (tmp_path / "p.parquet").write_bytes(b"PAR1")
    refused(store, tmp_path / "p.parquet", "neither .npy nor .csv")
    path.write_bytes(b"PK\x03\x04")
    refused(store, path, "is no .npy file")
    write_npy(path)
    path.write_bytes(path.read_bytes()[:-9])
    refused(store, path, "Was it cut short")
    path.write_bytes(path.read_bytes()[:20])
    refused(store, path, "Was it cut short|cannot be read")
    write_npy(path, PROBS.reshape(3, 3, 2))
    refused(store, path, r"float64 of shape \(3, 3, 2\)")
    write_npy(path, np.array([["a"]]))
    refused(store, path, "Expected probabilities")


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("unpickled",))


def test_objects_are_never_unpickled(store, tmp_path):
    path = write_npy(tmp_path / "p.npy")
    np.save(path, np.array([Bomb()], dtype=object), allow_pickle=True)
    refused(store, path, "array of objects")
    path.write_bytes(pickle.dumps(Bomb()))
    refused(store, path, "is no .npy file")


def test_tables(store, tmp_path):
    path = tmp_path / "p.csv"
    cases = {
        "": "no column 'id'",
        "image,rose\na,1\n": "no column 'id'. Its first line is 'image,rose'",
        "id,rose\n": "no rows",
        "id,label\na,1\n": "neither a column per class nor a column 'prediction'",
        "id,prediction,rose\na,1,1\n": "Keep one kind",
        "id,label,prediction\na,1,1\n": "nothing says how many classes",
        "id,label,rose,tulip\na,0,1,0\nb,1,0\n": "row 3 has 3 cells, its first line 4 names. Was it cut short",
        "id,label,rose,tulip\na,0,1,much\n": "row 2 has 'much' in the column 'tulip'",
        "id,label,rose,tulip\na,0,1,\n": "row 2 has '' in the column 'tulip'",
    }
    for text, said in cases.items():
        path.write_text(text)
        refused(store, path, said)
    path.write_bytes(b"id,rose\n\xff\xfe,1\n")
    refused(store, path, "is not CSV")


@pytest.mark.parametrize("name", ["a/b", "../up", "", "ensemble-mean", ".hidden", "x" * 81])
def test_names_that_are_none(store, tmp_path, name):
    refused(store, write_csv(tmp_path / "p.csv"), "cannot name a run", name=name)


def test_several_data_sets(store, tmp_path):
    put(store, write_csv(tmp_path / "p.csv"), data="one")
    put(store, write_csv(tmp_path / "q.csv", PROBS[::-1]), data="two")
    refused(store, write_csv(tmp_path / "r.csv"), "several data sets")
    refused(store, write_csv(tmp_path / "r.csv"), "/no/such/folder", data="/no/such/folder")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0])
def test_costs_that_are_none(store, tmp_path, value):
    cost = Cost(train_seconds_full=value)
    refused(store, write_csv(tmp_path / "p.csv"), "train seconds full are .*at least 0", cost=cost)


def test_class_names_that_are_named_twice(store, tmp_path):
    (tmp_path / "classes.txt").write_text("daisy\nrose\nrose\n")
    refused(store, write_csv(tmp_path / "p.csv"), "'rose' more than once", classes=tmp_path / "classes.txt")


def test_a_file_of_class_names_gives_their_order(store, tmp_path):
    (tmp_path / "classes.txt").write_text("tulip\nrose\ndaisy\n")
    labels = [NAMES[label] for label in LABELS]
    run = put(store, write_csv(tmp_path / "p.csv", labels=labels), classes=tmp_path / "classes.txt")
    assert run.images.class_names == ("tulip", "rose", "daisy")
    np.testing.assert_allclose(np.exp(run.log_probs("val")), PROBS[:, ::-1], atol=1e-7)

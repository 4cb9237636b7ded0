"""A loaded run repeats its predictions: through files of pictures, a child process and the command."""

import csv
import io
import json
import os
import shutil
import sys

import numpy as np
import pytest
from helpers_store import combine
from PIL import Image

from bench.ensemble_runs.workbench import Protocol
from bench.errors import UserError
from bench.predictions.predict.classify import _check, pictures
from bench.predictions.predict.networks import UnreadablePicture
from bench.store.store import Store

QUICK = Protocol(folds=3, repeats=1)


@pytest.fixture
def own(trained, tmp_path):
    """A store that may be changed, in the working directory."""
    shutil.copytree(trained.store.root, tmp_path / "runs", ignore=shutil.ignore_patterns(".*"))
    return Store(tmp_path / "runs")


def said(answer):
    status, _, err = answer
    assert status == 2, err
    (line,) = err.splitlines()
    assert line.startswith("petalbench: ")
    return line


def test_an_ensemble_says_what_it_said(call, trained, own):
    """Through every kind of network: trained whole, a head with its random backbone, a head on a weights file."""
    members = tuple(trained.run_ids[name] for name in ("tuned", "frozen", "head"))
    ensemble = combine(own, "mean", None, members, QUICK)
    status, out, err = call("predict", ensemble.run_id, trained.pictures, "--csv", "-", "--top", 9, "--batch", 7)
    assert status == 0, err
    rows = list(csv.DictReader(io.StringIO(out)))
    names, ids = ensemble.images.class_names, ensemble.images.val_ids
    assert [row["picture"] for row in rows] == [str(trained.pictures / f"{name}.png") for name in sorted(ids)]
    expected = np.exp(ensemble.log_probs("val"))
    for row in rows:
        found = {row[f"class_{rank}"]: float(row[f"probability_{rank}"]) for rank in range(1, len(names) + 1)}
        wanted = expected[ids.index(row["picture"].rpartition("/")[2].removesuffix(".png"))]
        np.testing.assert_allclose([found[name] for name in names], wanted, atol=1e-5)
        assert found[row["class_1"]] == max(found.values())


def test_unreadable_files_are_named_or_left_out(call, trained, own, tmp_path):
    shutil.copytree(trained.pictures, tmp_path / "mixed")
    (tmp_path / "mixed" / "notes.txt").write_text("no picture")
    Image.new("CMYK", (50, 40), (0, 200, 200, 0)).save(tmp_path / "mixed" / "print.jpg")
    words = ("predict", trained.run_ids["frozen"], "mixed", "--skip-unreadable", "--json", "--top", 2)
    status, out, err = call(*words)
    assert status == 0
    assert "Left out: mixed/notes.txt" in err
    content = json.loads(out)
    assert len(content["predictions"]) == 21
    assert {len(found["classes"]) for found in content["predictions"]} == {2}
    assert content["skipped"] == [{"picture": "mixed/notes.txt", "reason": "not a picture of a known format"}]
    assert "1 of 22 files cannot be read: 'mixed/notes.txt' (not a pict" in said(call(*words[:3], "--batch", 1))


def test_unreadable_files_are_listed():
    files, faults = ("a", "b", "c"), [UnreadablePicture(0, "empty"), UnreadablePicture(2, "a\nb")]
    _check([], files, skip=False)
    _check(faults, files, skip=True)
    with pytest.raises(UserError, match=r"2 of 3 files cannot be read: 'a' \(empty\), 'c' \(a\\nb\)\. .*--skip-un"):
        _check(faults, files, skip=False)
    with pytest.raises(UserError, match=r"No picture that can be read: 'a' \(empty\)"):
        _check(faults[:1], files[:1], skip=True)


def test_mistakes_are_reported_before_anything_is_loaded(call, trained, own, tmp_path):
    (tmp_path / "empty").mkdir()
    run, folder = trained.run_ids["frozen"], trained.pictures
    assert "Unknown run 'tine'" in said(call("predict", "tine", folder))
    assert "No picture or folder 'gone.jpg'" in said(call("predict", run, folder, "gone.jpg"))
    assert "The folder 'empty' holds no picture" in said(call("predict", run, "empty"))
    assert "Known: centre, letterbox" in said(call("predict", run, folder, "--square", "middle"))
    assert "kept no weights. Run it again with --force --keep-weights" in said(
        call("predict", trained.run_ids["none"], folder)
    )


def test_help_shows_every_option(call):
    status, out, _ = call("predict", "--help")
    assert status == 0
    for option in ("--top", "--csv", "--json", "--square", "--skip-unreadable", "--batch", "--weights", "--runs"):
        assert option in out


def test_files_in_the_order_given_and_folders_by_name(tmp_path):
    for name in ("b.jpg", "folder/z.png", "folder/a/y.webp", "folder/.hidden.png", "folder/Thumbs.db"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    found = pictures([tmp_path / "folder", tmp_path / "b.jpg", tmp_path / "folder" / "z.png"])
    assert [os.path.relpath(name, tmp_path) for name in found] == ["folder/a/y.webp", "folder/z.png", "b.jpg"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_name_that_cannot_be_printed(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9.jpg")).write_bytes(b"x")
    with pytest.raises(UserError, match="is not UTF-8"):
        pictures([tmp_path])

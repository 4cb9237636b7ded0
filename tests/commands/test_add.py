"""`add`: the line that it prints, the device of times, warnings, and options that become costs and flags."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bench.store.store import Store

TABLE = "id,label,rose,aster\na,rose,0.9,0.1\nb,rose,0.8,0.2\nc,aster,0.2,0.8\n"


@pytest.fixture
def add(call, tmp_path):
    """Adds val.csv with more words; gives exit status, output and error."""
    (tmp_path / "val.csv").write_text(TABLE)
    return lambda *words: call("add", "net", "--val", "val.csv", *words)


def stored(tmp_path):
    (run,) = Store(tmp_path / "runs").runs()
    return run.result


def test_the_line_says_how_good_it_is_and_what_follows(add, tmp_path):
    status, out, err = add("--data", "pets")
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        f"{stored(tmp_path).run_id} of 'pets': macro F1 1.000 on 3 validation images of 2 classes.",
        "Next: python -m bench ensemble METHOD, or python -m bench report",
    ]


def test_scores_on_test_images_are_in_the_line(add, tmp_path):
    """Two of three are right: F1 is 2/3 of both classes."""
    (tmp_path / "test.csv").write_text("id,label,rose,aster\nd,rose,0.9,0.1\ne,rose,0.3,0.7\nf,aster,0.2,0.8\n")
    out = add("--test", "test.csv")[1]
    assert "on 3 validation images of 2 classes, 0.667 on 3 test images.\n" in out


def test_predicted_classes_are_said_to_be_no_probabilities(add, tmp_path):
    (tmp_path / "val.csv").write_text("id,label,prediction\na,rose,rose\nb,aster,aster\n")
    (tmp_path / "classes.txt").write_text("rose\naster\n")
    out = add("--classes", "classes.txt")[1]
    assert " of 'unnamed' (predicted classes without probabilities): macro F1 1.000 on 2 " in out


def test_json_is_the_stored_result(add, tmp_path):
    status, out, _ = add("--json")
    assert status == 0
    assert json.loads(out) == stored(tmp_path).model_dump(mode="json")


@pytest.mark.parametrize(
    ("words", "device"),
    [
        ((), ""),
        (("--parameters", 9), ""),
        (("--train-seconds", 5), "not said"),
        (("--train-seconds", 0), "not said"),
        (("--ms-per-image", 5), "not said"),
        (("--ms-per-image", 5, "--device", "gpu"), "gpu"),
        (("--device", "gpu"), "gpu"),
    ],
)
def test_times_of_an_unknown_device_are_those_of_no_other(add, tmp_path, words, device):
    assert add(*words)[0] == 0
    assert stored(tmp_path).setup.device == device


def test_costs_and_flags_of_the_command_line_are_stored(add, tmp_path):
    words = ("--train-seconds", 5, "--ms-per-image", 2.5, "--parameters", 7, "--gflops", 1.5, "--family", "mine")
    assert add(*words, "--selected-on-validation")[0] == 0
    result = stored(tmp_path)
    cost = result.cost
    assert (cost.train_seconds_full, cost.inference_ms_per_image) == (5.0, 2.5)
    assert (cost.parameters, cost.gflops_per_image) == (7, 1.5)
    assert result.family == "mine"
    assert result.metrics.selected_on_validation
    assert not result.metrics.saw_validation


def test_a_run_that_saw_validation_is_marked(add, tmp_path):
    assert add("--saw-validation")[0] == 0
    assert stored(tmp_path).metrics.saw_validation


def test_warnings_are_no_part_of_the_json(call, tmp_path):
    np.save(tmp_path / "val.npy", np.array([[1.0, 0.0], [0.0, 1.0]], np.float16))
    (tmp_path / "val.ids.csv").write_text("id,label\na,0\nb,1\n")
    status, out, err = call("add", "net", "--val", "val.npy", "--json")
    assert status == 0
    assert err.startswith("WARNING: 50% of")
    assert json.loads(out)["run_id"].startswith("net-")

"""Predictions as a table, as CSV and as JSON, of a stand-in for the networks."""

import json

import numpy as np
import pytest

from bench import api
from bench.predictions.predict.classify import Classified

PROBS = np.array([[0.125, 0.625, 0.25], [0.375, 0.25, 0.375]], np.float32)
FOUND = Classified("run", ("iris", "rose, wild", "poppy"), ("a.jpg", "b\n.jpg"), PROBS, (("c.txt", "empty"),))


@pytest.fixture
def predict(call, monkeypatch):
    """Calls `predict run a.jpg` with more words; gives exit status, standard output and error."""
    monkeypatch.setattr(api, "predict", lambda request: FOUND)
    return lambda *words: call("predict", "run", "a.jpg", *words)


def test_a_table_names_each_picture_once(predict):
    status, out, err = predict("--top", "2")
    assert (status, err) == (0, "Left out: c.txt (empty)\n")
    cells = [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in out.splitlines()[2:]]
    first, second = [["a.jpg", "rose, wild", "0.6250"], ["poppy", "0.2500"]], [["b\\n.jpg", "iris", "0.3750"]]
    assert cells == [*first, *second, ["poppy", "0.3750"]]


def test_a_csv_has_a_row_per_picture_and_at_most_all_classes(predict):
    assert predict("--csv", "-", "--top", "9")[1].splitlines()[0].endswith("class_3,probability_3")
    expected = 'picture,class_1,probability_1\na.jpg,"rose, wild",0.625\n"b\n.jpg",iris,0.375\n'
    assert predict("--csv", "-", "--top", "1")[1] == expected


def test_json_lists_the_files_that_were_left_out(predict):
    content = json.loads(predict("--json", "--top", "1")[1])
    assert content["run"] == "run"
    assert content["predictions"][0] == {"picture": "a.jpg", "classes": [{"class": "rose, wild", "probability": 0.625}]}
    assert content["skipped"] == [{"picture": "c.txt", "reason": "empty"}]


def test_a_csv_file_is_written_or_the_error_names_it(predict, tmp_path):
    status, out, err = predict("--csv", tmp_path / "deep" / "p.csv", "--top", "1")
    assert (status, err) == (0, "Left out: c.txt (empty)\n")
    assert out.startswith("2 pictures: ")
    assert (tmp_path / "deep" / "p.csv").read_text() == predict("--csv", "-", "--top", "1")[1]
    status, _, err = predict("--csv", tmp_path / "deep" / "p.csv" / "q.csv")
    assert status == 2
    assert "Cannot write" in err


def test_an_interruption_is_one_line_and_exit_status_130(predict, monkeypatch):
    def interrupted(request):
        raise KeyboardInterrupt

    monkeypatch.setattr(api, "predict", interrupted)
    assert predict() == (130, "", "Interrupted.\n")
